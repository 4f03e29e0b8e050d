package awssim

import (
	"maps"
	"net/http"
	"slices"
	"strings"
)

// apigatewayService is API Gateway's control plane, both of its APIs: REST under
// /restapis, HTTP and WebSocket under /v2. All operations share ten requests a
// second, and GetResources has less
// (https://docs.aws.amazon.com/apigateway/latest/developerguide/limits.html).
func apigatewayService() *service {
	get := func(name, path string, run func(*call) (obj, error), params ...param) operation {
		return operation{
			name: name, action: "apigateway:GET", method: http.MethodGet, path: path, params: params, run: run,
			resource: func(c *call) string {
				resource := path
				for label, value := range c.params {
					if v, ok := value.(string); ok {
						resource = strings.ReplaceAll(resource, "{"+label+"}", v)
					}
				}
				return "arn:" + c.server.partition() + ":apigateway:" + c.region + "::" + resource
			},
		}
	}
	limit := param{name: "limit", min: 1, max: 500}
	s := &service{
		name: "apigateway", prefix: "apigateway", protocol: restJSON,
		words: map[failure]wording{
			failThrottled:  {status: 429, code: "TooManyRequestsException"},
			failValidation: {status: 400, code: "BadRequestException"},
			failBadToken:   {status: 400, code: "BadRequestException"},
			failInternal:   {status: 500, code: "InternalFailure"},
		},
		quotas: []quota{{name: "requests", perSecond: 10, burst: 40}, {name: "GetResources", perSecond: 2.5, burst: 5}},
		operations: []operation{
			get("GetRestApis", "/restapis", getRestAPIs, limit),
			get("GetResources", "/restapis/{restApiId}/resources", getRESTResources, limit),
			get("GetStages", "/restapis/{restApiId}/stages", getRestStages),
			get("GetAuthorizers", "/restapis/{restApiId}/authorizers", getRestAuthorizers, limit),
			get("GetApis", "/v2/apis", getHTTPAPIs),
			get("GetRoutes", "/v2/apis/{ApiId}/routes", getRoutes),
			get("GetIntegrations", "/v2/apis/{ApiId}/integrations", getIntegrations),
			get("GetHttpStages", "/v2/apis/{ApiId}/stages", getHTTPStages),
			get("GetHttpAuthorizers", "/v2/apis/{ApiId}/authorizers", getHTTPAuthorizers),
		},
	}
	s.operation("GetResources").quota = "GetResources"
	return s
}

// positions and tokens are how the two APIs page.
var (
	positions = paging{token: "position", limit: "limit", size: 500}
	tokens    = paging{token: "nextToken", limit: "maxResults", size: 500}
)

func findAPI(apis []*API, id string) (*API, error) {
	i := slices.IndexFunc(apis, func(a *API) bool { return a.ID == id })
	if i < 0 {
		return nil, errorf(404, "NotFoundException", "Invalid API identifier specified %s", id)
	}
	return apis[i], nil
}

func (c *call) restAPI() (*API, error) { return findAPI(c.world().RESTAPIs, c.str("restApiId")) }
func (c *call) httpAPI() (*API, error) { return findAPI(c.world().HTTPAPIs, c.str("ApiId")) }

// invocation is how API Gateway writes the function it calls.
func (c *call) invocation(function string) string {
	return "arn:" + c.server.partition() + ":apigateway:" + c.region + ":lambda:path/2015-03-31/functions/" + function + "/invocations"
}

func getRestAPIs(c *call) (obj, error) {
	items, next, err := page(c, paging{token: "position", limit: "limit", size: 25}.upTo(500, c), c.world().RESTAPIs)
	if err != nil {
		return nil, err
	}
	return compact(obj{"item": mapOf(items, func(a *API) obj {
		endpoint := obj{"types": []string{a.EndpointType}}
		if len(a.VPCEndpointIDs) > 0 {
			endpoint["vpcEndpointIds"] = a.VPCEndpointIDs
		}
		return obj{
			"id": a.ID, "name": a.Name, "createdDate": a.CreatedAt, "apiKeySource": "HEADER", "endpointConfiguration": endpoint,
			"disableExecuteApiEndpoint": false, "rootResourceId": a.ID[:8],
		}
	}), "position": next}), nil
}

// upTo is a paging whose pages are small unless the request asks for larger ones.
func (p paging) upTo(most int, c *call) paging {
	if c.integer(p.limit, 0) > 0 {
		p.size = most
	}
	return p
}

// getRESTResources groups the API's methods by path, as API Gateway holds them.
func getRESTResources(c *call) (obj, error) {
	a, err := c.restAPI()
	if err != nil {
		return nil, err
	}
	embedded := slices.Contains(c.strings("embed"), "methods")
	byPath := map[string]obj{"/": {}}
	for _, r := range a.Routes {
		if byPath[r.Path] == nil {
			byPath[r.Path] = obj{}
		}
		byPath[r.Path][r.Method] = c.method(a, r)
	}
	items, next, err := page(c, positions.upTo(500, c), slices.Sorted(maps.Keys(byPath)))
	if err != nil {
		return nil, err
	}
	return compact(obj{"item": mapOf(items, func(path string) obj {
		o := obj{"id": hexID(0, 6, a.ID, path), "path": path}
		methods := byPath[path]
		if len(methods) > 0 && embedded {
			o["resourceMethods"] = methods
		} else if len(methods) > 0 {
			named := obj{}
			for method := range methods {
				named[method] = obj{}
			}
			o["resourceMethods"] = named
		}
		return o
	}), "position": next}), nil
}

func (c *call) method(a *API, r APIRoute) obj {
	o := obj{"httpMethod": r.Method, "authorizationType": r.Authorization, "apiKeyRequired": false}
	if r.Authorization == "CUSTOM" {
		o["authorizerId"] = authorizerID(a)
	}
	integration := obj{"type": "MOCK", "timeoutInMillis": r.TimeoutMS, "cacheNamespace": hexID(0, 6, a.ID, r.Path), "passthroughBehavior": "WHEN_NO_MATCH"}
	if r.FunctionARN != "" {
		integration["type"], integration["httpMethod"], integration["uri"] = "AWS_PROXY", "POST", c.invocation(r.FunctionARN)
	}
	o["methodIntegration"] = integration
	return o
}

// authorizerRole is the role that lets an API invoke its authorizer, in place of
// the function's resource policy.
func (c *call) authorizerRole() string {
	return "arn:" + c.server.partition() + ":iam::" + c.account() + ":role/service-role/apigateway"
}

func authorizerID(a *API) string { return hexID(0, 6, a.ID, "authorizer") }

func getRestStages(c *call) (obj, error) {
	a, err := c.restAPI()
	if err != nil {
		return nil, err
	}
	return obj{"item": mapOf(a.Stages, func(s APIStage) obj {
		settings := obj{"metricsEnabled": false, "loggingLevel": s.LoggingLevel, "dataTraceEnabled": false, "cachingEnabled": s.CacheGB != ""}
		settings["throttlingRateLimit"], settings["throttlingBurstLimit"] = 10_000.0, 5000
		if s.ThrottleRate > 0 {
			settings["throttlingRateLimit"], settings["throttlingBurstLimit"] = s.ThrottleRate, s.ThrottleBurst
		}
		o := obj{
			"stageName": s.Name, "deploymentId": hexID(0, 6, a.ID, s.Name), "createdDate": a.CreatedAt, "lastUpdatedDate": a.CreatedAt,
			"tracingEnabled": s.Tracing, "cacheClusterEnabled": s.CacheGB != "", "methodSettings": obj{"*/*": settings},
		}
		if s.CacheGB != "" {
			o["cacheClusterSize"], o["cacheClusterStatus"] = s.CacheGB, "AVAILABLE"
		}
		return o
	})}, nil
}

func getRestAuthorizers(c *call) (obj, error) {
	a, err := c.restAPI()
	if err != nil {
		return nil, err
	}
	list := []obj{}
	if a.Authorizer != "" {
		list = append(list, obj{
			"id": authorizerID(a), "name": "token", "type": "TOKEN", "authType": "custom", "authorizerUri": c.invocation(a.Authorizer),
			"identitySource": "method.request.header.Authorization", "authorizerResultTtlInSeconds": 300, "authorizerCredentials": c.authorizerRole(),
		})
	}
	return obj{"item": list}, nil
}

func getHTTPAPIs(c *call) (obj, error) {
	items, next, err := page(c, tokens, c.world().HTTPAPIs)
	if err != nil {
		return nil, err
	}
	return compact(obj{"items": mapOf(items, func(a *API) obj {
		scheme, selection := "https", "$request.method $request.path"
		if a.Protocol == "WEBSOCKET" {
			scheme, selection = "wss", "$request.body.action"
		}
		return obj{
			"apiId": a.ID, "name": a.Name, "protocolType": a.Protocol, "createdDate": isoTime{a.CreatedAt},
			"apiEndpoint": scheme + "://" + a.ID + ".execute-api." + c.region + ".amazonaws.com", "routeSelectionExpression": selection,
			"disableExecuteApiEndpoint": false,
		}
	}), "nextToken": next}), nil
}

func routeKey(r APIRoute) string { return strings.TrimSpace(r.Method + " " + r.Path) }

func getRoutes(c *call) (obj, error) {
	a, err := c.httpAPI()
	if err != nil {
		return nil, err
	}
	items, next, err := page(c, tokens, a.Routes)
	if err != nil {
		return nil, err
	}
	return compact(obj{"items": mapOf(items, func(r APIRoute) obj {
		o := obj{
			"routeId": hexID(0, 7, a.ID, routeKey(r)), "routeKey": routeKey(r), "apiKeyRequired": false, "authorizationType": r.Authorization,
			"target": "integrations/" + integrationID(a, r),
		}
		if r.Authorization == "CUSTOM" {
			o["authorizerId"] = authorizerID(a)
		}
		return o
	}), "nextToken": next}), nil
}

func integrationID(a *API, r APIRoute) string { return hexID(0, 7, a.ID, r.FunctionARN) }

func getIntegrations(c *call) (obj, error) {
	a, err := c.httpAPI()
	if err != nil {
		return nil, err
	}
	list, made := []obj{}, map[string]bool{}
	for _, r := range a.Routes {
		id := integrationID(a, r)
		if made[id] {
			continue
		}
		made[id] = true
		list = append(list, obj{
			"integrationId": id, "integrationType": "AWS_PROXY", "integrationMethod": "POST", "integrationUri": r.FunctionARN,
			"connectionType": "INTERNET", "payloadFormatVersion": "2.0", "timeoutInMillis": r.TimeoutMS,
		})
	}
	items, next, err := page(c, tokens, list)
	if err != nil {
		return nil, err
	}
	return compact(obj{"items": items, "nextToken": next}), nil
}

func getHTTPStages(c *call) (obj, error) {
	a, err := c.httpAPI()
	if err != nil {
		return nil, err
	}
	items, next, err := page(c, tokens, a.Stages)
	if err != nil {
		return nil, err
	}
	return compact(obj{"items": mapOf(items, func(s APIStage) obj {
		settings := obj{"detailedMetricsEnabled": false}
		if s.ThrottleRate > 0 {
			settings["throttlingRateLimit"], settings["throttlingBurstLimit"] = s.ThrottleRate, s.ThrottleBurst
		}
		return obj{
			"stageName": s.Name, "autoDeploy": true, "createdDate": isoTime{a.CreatedAt}, "defaultRouteSettings": settings,
			"lastUpdatedDate": isoTime{a.CreatedAt}, "routeSettings": obj{}, "stageVariables": obj{}, "tags": obj{},
		}
	}), "nextToken": next}), nil
}

func getHTTPAuthorizers(c *call) (obj, error) {
	a, err := c.httpAPI()
	if err != nil {
		return nil, err
	}
	list := []obj{}
	if a.Authorizer != "" {
		list = append(list, obj{
			"authorizerId": authorizerID(a), "name": "token", "authorizerType": "REQUEST", "authorizerUri": c.invocation(a.Authorizer),
			"identitySource": []string{"$request.header.Authorization"}, "authorizerPayloadFormatVersion": "2.0", "authorizerCredentialsArn": c.authorizerRole(),
		})
	}
	return obj{"items": list}, nil
}
