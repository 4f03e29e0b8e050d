package awssim

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
)

// lambdaService is the Lambda control plane. Its quotas cannot be raised:
// GetFunction and GetPolicy have their own, all other operations share one
// (https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html).
func lambdaService() *service {
	name := param{name: "FunctionName", required: true}
	items := param{name: "MaxItems", min: 1, max: 10000}
	few := param{name: "MaxItems", min: 1, max: 50}
	get := func(op, path string, run func(*call) (obj, error), params ...param) operation {
		return operation{name: op, method: http.MethodGet, path: path, params: params, resource: lambdaResource, run: run}
	}
	s := &service{
		name: "lambda", prefix: "lambda", protocol: restJSON,
		quotas:   []quota{{name: "control plane", perSecond: 15}, {name: "GetFunction", perSecond: 100}, {name: "GetPolicy", perSecond: 15}},
		decorate: decorateLambdaError,
		operations: []operation{
			get("ListFunctions", "/2015-03-31/functions", listFunctions, items),
			get("GetFunction", "/2015-03-31/functions/{FunctionName}", getFunction, name),
			get("GetFunctionConfiguration", "/2015-03-31/functions/{FunctionName}/configuration", getFunctionConfiguration, name),
			get("GetFunctionConcurrency", "/2019-09-30/functions/{FunctionName}/concurrency", getFunctionConcurrency, name),
			get("ListTags", "/2017-03-31/tags/{Resource}", listLambdaTags, param{name: "Resource", required: true}),
			get("GetPolicy", "/2015-03-31/functions/{FunctionName}/policy", getLambdaPolicy, name),
			get("ListEventSourceMappings", "/2015-03-31/event-source-mappings", listEventSourceMappings, items),
			get("GetEventSourceMapping", "/2015-03-31/event-source-mappings/{UUID}", getEventSourceMapping),
			get("ListFunctionEventInvokeConfigs", "/2019-09-25/functions/{FunctionName}/event-invoke-config/list", listFunctionEventInvokeConfigs, name, few),
			get("GetFunctionEventInvokeConfig", "/2019-09-25/functions/{FunctionName}/event-invoke-config", getFunctionEventInvokeConfig, name),
			get("ListAliases", "/2015-03-31/functions/{FunctionName}/aliases", listAliases, name, items),
			get("ListVersionsByFunction", "/2015-03-31/functions/{FunctionName}/versions", listVersionsByFunction, name, items),
			get("ListProvisionedConcurrencyConfigs", "/2019-09-30/functions/{FunctionName}/provisioned-concurrency", listProvisionedConcurrencyConfigs, name, few),
			get("GetFunctionRecursionConfig", "/2024-08-31/functions/{FunctionName}/recursion-config", getFunctionRecursionConfig, name),
			get("GetAccountSettings", "/2016-08-19/account-settings", getAccountSettings),
		},
	}
	s.operations = append(s.operations, lambdaFamily()...)
	for name, path := range unsimulatedLambda() {
		s.operations = append(s.operations, get(name, path, nil))
	}
	slices.SortFunc(s.operations, func(a, b operation) int { return strings.Compare(a.name, b.name) })
	s.operation("GetLayerVersionByArn").query = "find=LayerVersion"
	s.operation("GetFunction").quota = "GetFunction"
	s.operation("GetPolicy").quota = "GetPolicy"
	s.operation("ListProvisionedConcurrencyConfigs").query = "List=ALL"
	return s
}

// unsimulatedLambda are the reading operations that exist and are not simulated,
// by path: they are denied by name.
func unsimulatedLambda() map[string]string {
	return map[string]string{
		"GetAlias":                               "/2015-03-31/functions/{FunctionName}/aliases/{Name}",
		"GetCapacityProvider":                    "/2025-11-30/capacity-providers/{CapacityProviderName}",
		"GetCodeSigningConfig":                   "/2020-04-22/code-signing-configs/{CodeSigningConfigArn}",
		"GetDurableExecution":                    "/2025-12-01/durable-executions/{DurableExecutionArn}",
		"GetDurableExecutionHistory":             "/2025-12-01/durable-executions/{DurableExecutionArn}/history",
		"GetDurableExecutionState":               "/2025-12-01/durable-executions/{DurableExecutionArn}/state",
		"GetFunctionCodeSigningConfig":           "/2020-06-30/functions/{FunctionName}/code-signing-config",
		"GetFunctionScalingConfig":               "/2025-11-30/functions/{FunctionName}/function-scaling-config",
		"GetFunctionUrlConfig":                   "/2021-10-31/functions/{FunctionName}/url",
		"GetLayerVersionByArn":                   "/2018-10-31/layers",
		"GetProvisionedConcurrencyConfig":        "/2019-09-30/functions/{FunctionName}/provisioned-concurrency",
		"GetResourcePolicy":                      "/2026-07-09/resource-policy/{ResourceArn}",
		"ListCapacityProviders":                  "/2025-11-30/capacity-providers",
		"ListDurableExecutionsByFunction":        "/2025-12-01/functions/{FunctionName}/durable-executions",
		"ListFunctionVersionsByCapacityProvider": "/2025-11-30/capacity-providers/{CapacityProviderName}/function-versions",
	}
}

// decorateLambdaError: Lambda says whose mistake it was, and spells the message
// of authorization errors with a capital.
func decorateLambdaError(f failure, e *apiError) {
	switch f {
	case failDenied:
		e.extra = obj{"Message": e.message}
	case failThrottled:
		e.extra = obj{"Reason": "CallerRateLimitExceeded"}
	case failInternal:
		e.extra = obj{"Type": "Service"}
	case failBadToken:
		e.extra = obj{"Type": "User"}
	default: // nothing more
	}
}

// lambdaError is an error of Lambda's own.
func lambdaError(status int, code, format string, args ...any) *apiError {
	e := errorf(status, code, format, args...)
	e.extra = obj{"Type": "User"}
	return e
}

// lambdaResource is what a denial names: the function, or everything.
func lambdaResource(c *call) string {
	if arn := c.str("Resource"); arn != "" {
		return arn
	}
	name := c.str("FunctionName")
	if name == "" {
		return "*"
	}
	name, qualifier := splitFunctionName(name)
	arn := c.arn("lambda", "function:"+name)
	if qualifier != "" {
		arn += ":" + qualifier
	}
	return arn
}

// splitFunctionName takes a name, a partial ARN (account:function:name) or an
// ARN, each perhaps with a qualifier.
func splitFunctionName(s string) (name, qualifier string) {
	if i := strings.Index(s, "function:"); i >= 0 {
		s = s[i+len("function:"):]
	}
	name, qualifier, _ = strings.Cut(s, ":")
	return name, qualifier
}

// function finds the function asked for and its qualifier, "" for none.
func (c *call) function() (*Function, string, error) {
	name, qualifier := splitFunctionName(c.str("FunctionName"))
	if q := c.str("Qualifier"); q != "" {
		qualifier = q
	}
	f := c.world().Function(name)
	if f == nil {
		arn := c.arn("lambda", "function:"+name)
		if qualifier != "" {
			arn += ":" + qualifier
		}
		return nil, "", lambdaError(404, "ResourceNotFoundException", "Function not found: %s", arn)
	}
	return f, qualifier, nil
}

// version is the configuration that a qualifier names: a version or an alias.
func (f *Function) version(qualifier string) *Configuration {
	for _, a := range f.Aliases {
		if a.Name == qualifier {
			qualifier = a.Version
			break
		}
	}
	if qualifier == "" || qualifier == "$LATEST" {
		return &f.Configuration
	}
	for i := range f.Versions {
		if f.Versions[i].Version == qualifier {
			return &f.Versions[i]
		}
	}
	return nil
}

// versioned finds the function and the version asked for.
func (c *call) versioned() (*Function, *Configuration, string, error) {
	f, qualifier, err := c.function()
	if err != nil {
		return nil, nil, "", err
	}
	v := f.version(qualifier)
	if v == nil {
		return nil, nil, "", lambdaError(404, "ResourceNotFoundException", "Function not found: %s:%s", f.ARN, qualifier)
	}
	return f, v, qualifier, nil
}

var lambdaPages = paging{token: "Marker", limit: "MaxItems", size: 50}

func listFunctions(c *call) (obj, error) {
	if master := c.str("MasterRegion"); master != "" {
		return listReplicas(c, master)
	}
	var all []obj
	for _, f := range c.world().Functions {
		if c.str("FunctionVersion") != "ALL" {
			all = append(all, listedConfiguration(&f.Configuration, f.ARN))
			continue
		}
		all = append(all, versionsOf(f)...)
	}
	items, next, err := page(c, lambdaPages, all)
	if err != nil {
		return nil, err
	}
	return compact(obj{"Functions": items, "NextMarker": next}), nil
}

// versionsOf lists $LATEST and the published versions, each by its qualified ARN.
func versionsOf(f *Function) []obj {
	all := []obj{listedConfiguration(&f.Configuration, f.ARN+":$LATEST")}
	for i := range f.Versions {
		v := &f.Versions[i]
		all = append(all, listedConfiguration(v, v.QualifiedARN()))
	}
	return all
}

// lambdaTime is how Lambda writes timestamps that its model calls strings.
const lambdaTime = "2006-01-02T15:04:05.000+0000"

// listedConfiguration is what listings tell of a version: without its state.
func listedConfiguration(v *Configuration, arn string) obj {
	version := v.Version
	if version == "" {
		version = "$LATEST"
	}
	o := obj{
		"FunctionName": v.Name, "FunctionArn": arn, "Runtime": text(v.Runtime), "Role": v.RoleARN, "Handler": text(v.Handler),
		"CodeSize": v.CodeBytes, "Description": v.Description, "Timeout": v.TimeoutS, "MemorySize": v.MemoryMB,
		"LastModified": v.LastModified.UTC().Format(lambdaTime), "CodeSha256": v.CodeSHA256, "Version": version,
		"TracingConfig": obj{"Mode": v.TracingMode}, "RevisionId": v.RevisionID, "PackageType": v.PackageType,
		"Architectures": []string{v.Architecture}, "EphemeralStorage": obj{"Size": v.EphemeralMB},
		"SnapStart":     obj{"ApplyOn": v.SnapStartApplyOn, "OptimizationStatus": v.SnapStartStatus},
		"LoggingConfig": loggingConfig(v), "KMSKeyArn": text(v.KMSKeyARN),
	}
	if v.VPC != nil {
		o["VpcConfig"] = obj{
			"SubnetIds": v.VPC.SubnetIDs, "SecurityGroupIds": v.VPC.SecurityGroupIDs, "VpcId": v.VPC.VPCID,
			"Ipv6AllowedForDualStack": false,
		}
	}
	if len(v.Environment) > 0 {
		o["Environment"] = obj{"Variables": v.Environment}
	}
	if v.DLQARN != "" {
		o["DeadLetterConfig"] = obj{"TargetArn": v.DLQARN}
	}
	o["Layers"] = notEmpty(mapOf(v.Layers, func(l Layer) obj { return obj{"Arn": l.ARN, "CodeSize": l.CodeBytes} }))
	o["FileSystemConfigs"] = notEmpty(mapOf(v.FileSystems, func(f FileSystem) obj { return obj{"Arn": f.ARN, "LocalMountPath": f.MountPath} }))
	return compact(o)
}

func loggingConfig(v *Configuration) obj {
	format := v.Logging.Format
	if format == "" {
		format = "Text"
	}
	o := obj{"LogFormat": format, "LogGroup": v.LogGroup()}
	if format == "JSON" {
		o["ApplicationLogLevel"], o["SystemLogLevel"] = text(v.Logging.ApplicationLevel), text(v.Logging.SystemLevel)
	}
	return compact(o)
}

// fullConfiguration is what GetFunction tells of a version: its state too.
func fullConfiguration(v *Configuration, arn string) obj {
	o := listedConfiguration(v, arn)
	o["State"] = text(v.State)
	o["StateReason"] = text(v.StateReason)
	o["StateReasonCode"] = text(v.StateReasonCode)
	o["LastUpdateStatus"] = text(v.LastUpdateStatus)
	return compact(o)
}

// asked is the ARN as the request qualified it.
func asked(f *Function, qualifier string) string {
	if qualifier == "" {
		return f.ARN
	}
	return f.ARN + ":" + qualifier
}

func getFunctionConfiguration(c *call) (obj, error) {
	f, v, qualifier, err := c.versioned()
	if err != nil {
		return nil, err
	}
	return fullConfiguration(v, asked(f, qualifier)), nil
}

func getFunction(c *call) (obj, error) {
	f, v, qualifier, err := c.versioned()
	if err != nil {
		return nil, err
	}
	o := obj{"Configuration": fullConfiguration(v, asked(f, qualifier)), "Code": codeLocation(c, v)}
	if f.ReservedConcurrency != nil {
		o["Concurrency"] = obj{"ReservedConcurrentExecutions": *f.ReservedConcurrency}
	}
	if denial := c.tagsDenied(f.ARN); denial != nil {
		o["TagsError"] = obj{"ErrorCode": denial.code, "Message": denial.message}
	} else if len(f.Tags) > 0 {
		o["Tags"] = f.Tags
	}
	return o, nil
}

func codeLocation(c *call, v *Configuration) obj {
	if v.PackageType == "Image" {
		repository, _, _ := strings.Cut(v.ImageURI, ":")
		return obj{"RepositoryType": "ECR", "ImageUri": v.ImageURI, "ResolvedImageUri": repository + "@sha256:" + v.CodeSHA256}
	}
	return obj{
		"RepositoryType": "S3",
		"Location":       fmt.Sprintf("https://awslambda-%s-tasks.s3.%s.amazonaws.com/snapshots/%s/%s-%s", c.region, c.region, c.account(), v.Name, v.RevisionID),
	}
}

// tagsDenied is the denial of reading a resource's tags, nil when it is allowed.
func (c *call) tagsDenied(arn string) *apiError {
	const action = "lambda:ListTags"
	if denied(c.server.options.Deny, action, arn) || c.tagsUnreadable(arn) {
		return c.refusedFor(action, arn)
	}
	return nil
}

func listLambdaTags(c *call) (obj, error) {
	arn := c.str("Resource")
	if !strings.HasPrefix(arn, "arn:") {
		return nil, lambdaError(400, "InvalidParameterValueException", "Invalid ARN: %s", arn)
	}
	if denial := c.tagsDenied(arn); denial != nil {
		return nil, denial
	}
	if f := c.world().Function(arn); f != nil {
		return obj{"Tags": tagMap(f.Tags)}, nil
	}
	for _, m := range c.world().Mappings {
		if m.ARN == arn {
			return obj{"Tags": tagMap(m.Tags)}, nil
		}
	}
	return nil, lambdaError(404, "ResourceNotFoundException", "Function not found: %s", arn)
}

// tagMap is the tags, an empty map when there are none.
func tagMap(tags map[string]string) map[string]string {
	if tags == nil {
		return map[string]string{}
	}
	return tags
}

func getLambdaPolicy(c *call) (obj, error) {
	f, qualifier, err := c.function()
	if err != nil {
		return nil, err
	}
	policy := f.Policy
	if qualifier != "" {
		policy = c.world().extras(f.Name).QualifierPolicies[qualifier]
	}
	if policy == "" {
		return nil, lambdaError(404, "ResourceNotFoundException", "The resource you requested does not exist.")
	}
	return obj{"Policy": policy, "RevisionId": f.PolicyRevisionID}, nil
}

func getFunctionConcurrency(c *call) (obj, error) {
	f, _, err := c.function()
	if err != nil {
		return nil, err
	}
	return compact(obj{"ReservedConcurrentExecutions": deref(f.ReservedConcurrency)}), nil
}

func getFunctionRecursionConfig(c *call) (obj, error) {
	f, _, err := c.function()
	if err != nil {
		return nil, err
	}
	return obj{"RecursiveLoop": f.RecursiveLoop}, nil
}

func getAccountSettings(c *call) (obj, error) {
	r := c.world()
	return obj{
		"AccountLimit": obj{
			"TotalCodeSize": r.CodeSizeLimit, "CodeSizeUnzipped": int64(250 << 20), "CodeSizeZipped": int64(50 << 20),
			"ConcurrentExecutions": r.ConcurrencyLimit, "UnreservedConcurrentExecutions": r.UnreservedConcurrency(),
		},
		"AccountUsage": obj{"TotalCodeSize": r.CodeSizeUsed, "FunctionCount": len(r.Functions)},
	}, nil
}

func listAliases(c *call) (obj, error) {
	f, _, err := c.function()
	if err != nil {
		return nil, err
	}
	var all []obj
	for _, a := range f.Aliases {
		if v := c.str("FunctionVersion"); v != "" && v != a.Version {
			continue
		}
		o := obj{"AliasArn": a.ARN, "Name": a.Name, "FunctionVersion": a.Version, "Description": a.Description, "RevisionId": a.RevisionID}
		if len(a.Weights) > 0 {
			o["RoutingConfig"] = obj{"AdditionalVersionWeights": a.Weights}
		}
		all = append(all, o)
	}
	items, next, err := page(c, lambdaPages, all)
	if err != nil {
		return nil, err
	}
	return compact(obj{"Aliases": items, "NextMarker": next}), nil
}

func listVersionsByFunction(c *call) (obj, error) {
	f, _, err := c.function()
	if err != nil {
		return nil, err
	}
	items, next, err := page(c, lambdaPages, versionsOf(f))
	if err != nil {
		return nil, err
	}
	return compact(obj{"Versions": items, "NextMarker": next}), nil
}

func listProvisionedConcurrencyConfigs(c *call) (obj, error) {
	f, _, err := c.function()
	if err != nil {
		return nil, err
	}
	items, next, err := page(c, lambdaPages, f.ProvisionedConcurrency)
	if err != nil {
		return nil, err
	}
	configs := mapOf(items, func(p ProvisionedConcurrency) obj {
		return obj{
			"FunctionArn": p.ARN, "RequestedProvisionedConcurrentExecutions": p.Requested,
			"AvailableProvisionedConcurrentExecutions": p.Available, "AllocatedProvisionedConcurrentExecutions": p.Allocated,
			"Status": p.Status, "LastModified": p.LastModified.UTC().Format("2006-01-02T15:04:05+0000"),
		}
	})
	return compact(obj{"ProvisionedConcurrencyConfigs": configs, "NextMarker": next}), nil
}

func invokeConfig(i InvokeConfig) obj {
	destination := func(arn string) obj {
		if arn == "" {
			return obj{}
		}
		return obj{"Destination": arn}
	}
	return compact(obj{
		"FunctionArn": i.ARN, "LastModified": i.LastModified,
		"MaximumEventAgeInSeconds": deref(i.MaximumAgeS), "MaximumRetryAttempts": deref(i.MaximumRetries),
		"DestinationConfig": obj{"OnSuccess": destination(i.OnSuccessARN), "OnFailure": destination(i.OnFailureARN)},
	})
}

func listFunctionEventInvokeConfigs(c *call) (obj, error) {
	f, _, err := c.function()
	if err != nil {
		return nil, err
	}
	items, next, err := page(c, lambdaPages, f.InvokeConfigs)
	if err != nil {
		return nil, err
	}
	return compact(obj{"FunctionEventInvokeConfigs": mapOf(items, invokeConfig), "NextMarker": next}), nil
}

func getFunctionEventInvokeConfig(c *call) (obj, error) {
	f, qualifier, err := c.function()
	if err != nil {
		return nil, err
	}
	if qualifier == "" {
		qualifier = "$LATEST"
	}
	for _, i := range f.InvokeConfigs {
		if i.Qualifier == qualifier {
			return invokeConfig(i), nil
		}
	}
	return nil, lambdaError(404, "ResourceNotFoundException", "The function %s:%s doesn't have an EventInvokeConfig", f.ARN, qualifier)
}

func listEventSourceMappings(c *call) (obj, error) {
	var all []obj
	name, _ := splitFunctionName(c.str("FunctionName"))
	for _, m := range c.world().Mappings {
		function, _ := splitFunctionName(m.FunctionARN)
		source := c.str("EventSourceArn")
		if name != "" && name != function || source != "" && source != m.SourceARN {
			continue
		}
		all = append(all, c.eventSourceMapping(m))
	}
	items, next, err := page(c, paging{token: "Marker", limit: "MaxItems", size: 100}, all)
	if err != nil {
		return nil, err
	}
	return compact(obj{"EventSourceMappings": items, "NextMarker": next}), nil
}

func getEventSourceMapping(c *call) (obj, error) {
	for _, m := range c.world().Mappings {
		if m.UUID == c.str("UUID") {
			return c.eventSourceMapping(m), nil
		}
	}
	return nil, lambdaError(404, "ResourceNotFoundException", "The resource you requested does not exist.")
}

func (c *call) eventSourceMapping(m *Mapping) obj {
	o := obj{
		"UUID": m.UUID, "EventSourceMappingArn": m.ARN, "FunctionArn": m.FunctionARN, "EventSourceArn": m.SourceARN,
		"State": m.State, "StateTransitionReason": m.StateTransitionReason, "LastProcessingResult": text(m.LastProcessingResult),
		"LastModified": m.LastModified.Truncate(time.Millisecond), "BatchSize": m.BatchSize, "MaximumBatchingWindowInSeconds": m.BatchWindowS,
		"FunctionResponseTypes": []string{},
	}
	if m.PartialResponses {
		o["FunctionResponseTypes"] = []string{"ReportBatchItemFailures"}
	}
	if m.MaximumConcurrency != nil {
		o["ScalingConfig"] = obj{"MaximumConcurrency": *m.MaximumConcurrency}
	}
	if len(m.Filters) > 0 {
		o["FilterCriteria"] = obj{"Filters": mapOf(m.Filters, func(p string) obj { return obj{"Pattern": p} })}
	}
	if m.StartingPosition != "" { // streams
		onFailure := obj{}
		if m.OnFailureARN != "" {
			onFailure["Destination"] = m.OnFailureARN
		}
		o["StartingPosition"], o["DestinationConfig"] = m.StartingPosition, obj{"OnFailure": onFailure}
		o["MaximumRetryAttempts"], o["MaximumRecordAgeInSeconds"] = deref(m.MaximumRetries), deref(m.MaximumRecordAgeS)
		o["ParallelizationFactor"], o["BisectBatchOnFunctionError"] = deref(m.ParallelizationFactor), m.Bisect
		o["TumblingWindowInSeconds"] = 0
	}
	mappingExtras(o, c.world().Pollers[m.UUID])
	if m.SourceARN == "" {
		delete(o, "EventSourceArn")
	}
	return compact(o)
}
