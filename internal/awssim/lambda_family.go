package awssim

import (
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// lambdaFamily are the operations about what functions have and share: URLs,
// layers, runtime management and code signing.
func lambdaFamily() []operation {
	name := param{name: "FunctionName", required: true}
	layer := param{name: "LayerName", required: true}
	version := param{name: "VersionNumber", required: true}
	items := param{name: "MaxItems", min: 1, max: 50}
	config := param{name: "CodeSigningConfigArn", required: true}
	get := func(op, path string, resource func(*call) string, run func(*call) (obj, error), params ...param) operation {
		return operation{name: op, method: http.MethodGet, path: path, params: params, resource: resource, run: run}
	}
	return []operation{
		get("ListFunctionUrlConfigs", "/2021-10-31/functions/{FunctionName}/urls", lambdaResource, listFunctionURLConfigs, name, items),
		get("GetRuntimeManagementConfig", "/2021-07-20/functions/{FunctionName}/runtime-management-config", lambdaResource, getRuntimeManagementConfig, name),
		get("ListLayers", "/2018-10-31/layers", everything, listLayers, items),
		get("ListLayerVersions", "/2018-10-31/layers/{LayerName}/versions", layerResource, listLayerVersions, layer, items),
		get("GetLayerVersion", "/2018-10-31/layers/{LayerName}/versions/{VersionNumber}", layerResource, getLayerVersion, layer, version),
		get("GetLayerVersionPolicy", "/2018-10-31/layers/{LayerName}/versions/{VersionNumber}/policy", layerResource, getLayerVersionPolicy, layer, version),
		get("ListCodeSigningConfigs", "/2020-04-22/code-signing-configs", everything, listCodeSigningConfigs, param{name: "MaxItems", min: 1, max: 10000}),
		get("ListFunctionsByCodeSigningConfig", "/2020-04-22/code-signing-configs/{CodeSigningConfigArn}/functions",
			func(c *call) string { return c.str("CodeSigningConfigArn") }, listFunctionsByCodeSigningConfig, config, param{name: "MaxItems", min: 1, max: 10000}),
	}
}

func everything(*call) string { return "*" }

// layerResource is what a denial names: a layer, or one of its versions.
func layerResource(c *call) string {
	arn := c.arn("lambda", "layer:"+layerName(c.str("LayerName")))
	if version := c.str("VersionNumber"); version != "" {
		arn += ":" + version
	}
	return arn
}

// layerName is the name of a layer called by its name or ARN.
func layerName(nameOrARN string) string {
	if _, name, ok := strings.Cut(nameOrARN, ":layer:"); ok {
		return name
	}
	return nameOrARN
}

// extras are a function's settings, the defaults when it has none of its own.
func (r *Region) extras(name string) *FunctionExtras {
	if e := r.Extras[name]; e != nil {
		return e
	}
	return &FunctionExtras{}
}

func listFunctionURLConfigs(c *call) (obj, error) {
	f, _, err := c.function()
	if err != nil {
		return nil, err
	}
	items, next, err := page(c, lambdaPages, c.world().extras(f.Name).URLs)
	if err != nil {
		return nil, err
	}
	configs := mapOf(items, func(u FunctionURL) obj {
		const instant = "2006-01-02T15:04:05.000000Z"
		o := obj{
			"FunctionUrl": u.URL, "FunctionArn": asked(f, u.Qualifier), "AuthType": u.AuthType, "InvokeMode": u.InvokeMode,
			"CreationTime": u.CreatedAt.UTC().Format(instant), "LastModifiedTime": u.CreatedAt.UTC().Format(instant),
		}
		if u.CORS != nil {
			o["Cors"] = compact(obj{
				"AllowCredentials": u.CORS.AllowCredentials, "AllowOrigins": notEmpty(u.CORS.Origins), "AllowMethods": notEmpty(u.CORS.Methods),
				"AllowHeaders": notEmpty(u.CORS.Headers), "ExposeHeaders": notEmpty(u.CORS.Exposed), "MaxAge": u.CORS.MaxAgeS,
			})
		}
		return o
	})
	return compact(obj{"FunctionUrlConfigs": configs, "NextMarker": next}), nil
}

func getRuntimeManagementConfig(c *call) (obj, error) {
	f, v, qualifier, err := c.versioned()
	if err != nil {
		return nil, err
	}
	if v.PackageType == "Image" {
		return nil, lambdaError(400, "InvalidParameterValueException", "Runtime management configuration is not supported for functions of package type Image.")
	}
	e := c.world().extras(f.Name)
	mode := e.UpdateRuntimeOn
	if mode == "" {
		mode = "Auto"
	}
	return compact(obj{"UpdateRuntimeOn": mode, "RuntimeVersionArn": text(e.RuntimeVersionARN), "FunctionArn": asked(f, qualifier)}), nil
}

func layerVersion(l *OwnLayer, v *OwnLayerVersion) obj {
	return compact(obj{
		"LayerVersionArn": l.ARN + ":" + strconv.Itoa(v.Version), "Version": v.Version, "Description": text(v.Description),
		"CreatedDate": v.CreatedAt.UTC().Format(lambdaTime), "CompatibleRuntimes": notEmpty(v.Runtimes),
		"CompatibleArchitectures": notEmpty(v.Architectures), "LicenseInfo": text(v.License),
	})
}

func listLayers(c *call) (obj, error) {
	items, next, err := page(c, lambdaPages, c.world().OwnLayers)
	if err != nil {
		return nil, err
	}
	layers := mapOf(items, func(l *OwnLayer) obj {
		return obj{"LayerName": l.Name, "LayerArn": l.ARN, "LatestMatchingVersion": layerVersion(l, &l.Versions[len(l.Versions)-1])}
	})
	return compact(obj{"Layers": layers, "NextMarker": next}), nil
}

// layer finds the layer asked for.
func (c *call) layer() (*OwnLayer, error) {
	name := layerName(c.str("LayerName"))
	i := slices.IndexFunc(c.world().OwnLayers, func(l *OwnLayer) bool { return l.Name == name })
	if i < 0 {
		return nil, lambdaError(404, "ResourceNotFoundException", "The resource you requested does not exist.")
	}
	return c.world().OwnLayers[i], nil
}

func (c *call) layerVersion() (*OwnLayer, *OwnLayerVersion, error) {
	l, err := c.layer()
	if err != nil {
		return nil, nil, err
	}
	for i := range l.Versions {
		if n, _ := asInteger(c.params["VersionNumber"]); l.Versions[i].Version == n {
			return l, &l.Versions[i], nil
		}
	}
	return nil, nil, lambdaError(404, "ResourceNotFoundException", "The resource you requested does not exist.")
}

// listLayerVersions lists the newest first. A layer that does not exist has none.
func listLayerVersions(c *call) (obj, error) {
	var all []obj
	if l, err := c.layer(); err == nil {
		for i := range slices.Backward(l.Versions) {
			all = append(all, layerVersion(l, &l.Versions[i]))
		}
	}
	items, next, err := page(c, lambdaPages, all)
	if err != nil {
		return nil, err
	}
	return compact(obj{"LayerVersions": items, "NextMarker": next}), nil
}

func getLayerVersion(c *call) (obj, error) {
	l, v, err := c.layerVersion()
	if err != nil {
		return nil, err
	}
	o := layerVersion(l, v)
	o["LayerArn"] = l.ARN
	o["Content"] = obj{
		"CodeSize": v.CodeBytes, "CodeSha256": v.CodeSHA256,
		"Location": "https://awslambda-" + c.region + "-layers.s3." + c.region + ".amazonaws.com/snapshots/" + c.account() + "/" + l.Name,
	}
	return o, nil
}

func getLayerVersionPolicy(c *call) (obj, error) {
	_, v, err := c.layerVersion()
	if err != nil {
		return nil, err
	}
	if v.Policy == "" {
		return nil, lambdaError(404, "ResourceNotFoundException", "No policy is associated with the given resource.")
	}
	return obj{"Policy": v.Policy, "RevisionId": uuidOf(int64(v.Version), layerResource(c))}, nil
}

func listCodeSigningConfigs(c *call) (obj, error) {
	items, next, err := page(c, lambdaPages, c.world().CodeSigning)
	if err != nil {
		return nil, err
	}
	configs := mapOf(items, func(s *CodeSigning) obj {
		return compact(obj{
			"CodeSigningConfigId": s.ID, "CodeSigningConfigArn": s.ARN, "Description": text(s.Description),
			"AllowedPublishers":   obj{"SigningProfileVersionArns": s.Publishers},
			"CodeSigningPolicies": obj{"UntrustedArtifactOnDeployment": s.OnUntrusted}, "LastModified": s.LastModified.UTC().Format(lambdaTime),
		})
	})
	return compact(obj{"CodeSigningConfigs": configs, "NextMarker": next}), nil
}

func listFunctionsByCodeSigningConfig(c *call) (obj, error) {
	i := slices.IndexFunc(c.world().CodeSigning, func(s *CodeSigning) bool { return s.ARN == c.str("CodeSigningConfigArn") })
	if i < 0 {
		return nil, lambdaError(404, "ResourceNotFoundException", "The code signing configuration cannot be found. Check that the provided configuration is not deleted: %s.", c.str("CodeSigningConfigArn"))
	}
	items, next, err := page(c, lambdaPages, c.world().CodeSigning[i].FunctionARNs)
	if err != nil {
		return nil, err
	}
	return compact(obj{"FunctionArns": items, "NextMarker": next}), nil
}

// listReplicas are the region's copies of another region's Lambda@Edge functions.
func listReplicas(c *call, master string) (obj, error) {
	if c.str("FunctionVersion") != "ALL" {
		return nil, lambdaError(400, "InvalidParameterValueException", "FunctionVersion must be ALL when MasterRegion is specified.")
	}
	var all []obj
	for _, r := range c.world().Replicas {
		if master != "ALL" && !strings.HasPrefix(r.Name, master+".") {
			continue
		}
		o := listedConfiguration(&r.Configuration, r.QualifiedARN())
		o["MasterArn"] = r.MasterARN
		all = append(all, o)
	}
	items, next, err := page(c, lambdaPages, all)
	if err != nil {
		return nil, err
	}
	return compact(obj{"Functions": items, "NextMarker": next}), nil
}

// mappingExtras adds to a mapping's answer what only some sources have.
func mappingExtras(o obj, m *MappingExtras) {
	if m == nil {
		return
	}
	if m.MaximumPollers > 0 {
		o["ProvisionedPollerConfig"] = compact(obj{"MinimumPollers": m.MinimumPollers, "MaximumPollers": m.MaximumPollers, "PollerGroupName": text(m.PollerGroup)})
	}
	if m.TumblingWindowS > 0 {
		o["TumblingWindowInSeconds"] = m.TumblingWindowS
	}
	if len(m.Metrics) > 0 {
		o["MetricsConfig"] = obj{"Metrics": m.Metrics}
	}
	if m.LogLevel != "" {
		o["LoggingConfig"] = obj{"SystemLogLevel": m.LogLevel}
	}
	o["Topics"], o["Queues"], o["KMSKeyArn"] = notEmpty(m.Topics), notEmpty(m.Queues), text(m.KMSKeyARN)
	consumer := obj{"ConsumerGroupId": m.ConsumerGroup}
	switch {
	case len(m.BrokerHosts) > 0:
		o["SelfManagedEventSource"] = obj{"Endpoints": obj{"KAFKA_BOOTSTRAP_SERVERS": m.BrokerHosts}}
		o["SelfManagedKafkaEventSourceConfig"] = consumer
	case len(m.Topics) > 0:
		o["AmazonManagedKafkaEventSourceConfig"] = consumer
	}
	var access []obj
	for _, kind := range slices.Sorted(maps.Keys(m.SourceAccess)) {
		access = append(access, obj{"Type": kind, "URI": m.SourceAccess[kind]})
	}
	o["SourceAccessConfigurations"] = notEmpty(access)
	if m.DocumentDatabase != "" {
		o["DocumentDBEventSourceConfig"] = obj{"DatabaseName": m.DocumentDatabase, "CollectionName": m.DocumentCollection, "FullDocument": m.FullDocument}
	}
}
