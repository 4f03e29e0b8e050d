package apis

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/faaswarden/faaswarden/internal/awssim"
	"github.com/faaswarden/faaswarden/internal/collect/collecttest"
	"github.com/faaswarden/faaswarden/internal/schema"
)

const (
	functions  = "arn:aws:lambda:eu-west-1:123456789012:function:"
	invocation = "arn:aws:apigateway:eu-west-1:lambda:path/2015-03-31/functions/"
)

// wire has a private REST API with an authorizer, one that is gone when it is
// asked for, an HTTP API and a WebSocket API.
func wire() *collecttest.Wire {
	missing := collecttest.Fail("apigateway", 404, "NotFoundException", "Invalid API identifier specified")
	return collecttest.NewWire(map[string]collecttest.Answer{
		"apigateway:GetRestApis": collecttest.Select(map[string]collecttest.Answer{
			"position=p": collecttest.Body(`{"item":[{"id":"gone","name":"gone"}]}`),
		}, collecttest.Body(`{"position":"p","item":[{"id":"rest1","name":"shop","createdDate":1.7e9,"policy":"hunter2","endpointConfiguration":{"types":["PRIVATE"],"vpcEndpointIds":["vpce-1"]}}]}`)),
		"apigateway:GetResources": collecttest.Select(map[string]collecttest.Answer{
			"/gone/": missing,
			"/rest1/resources": collecttest.Body(`{"position":"q","item":[{"id":"r","path":"/"},{"id":"s","path":"/orders","resourceMethods":{` +
				`"POST":{"httpMethod":"POST","authorizationType":"CUSTOM","authorizerId":"a1","apiKeyRequired":true,"methodIntegration":{"type":"AWS_PROXY","timeoutInMillis":29000,"uri":"` + invocation + functions + `orders:live/invocations","requestTemplates":{"application/json":"hunter2"}}},` +
				`"GET":{"httpMethod":"GET","authorizationType":"AWS_IAM","methodIntegration":{"type":"AWS_PROXY","timeoutInMillis":3000,"uri":"` + invocation + functions + `orders:live/invocations"}}}}]}`),
			"/rest1/resources?embed=methods&limit=500&position=q": collecttest.Body(`{"item":[{"id":"t","path":"/stage","resourceMethods":{"ANY":{"httpMethod":"ANY","authorizationType":"NONE","methodIntegration":{"type":"AWS_PROXY","timeoutInMillis":29000,"uri":"` + invocation + functions + `${stageVariables.f}/invocations"}},` +
				`"OPTIONS":{"httpMethod":"OPTIONS","authorizationType":"NONE","methodIntegration":{"type":"MOCK","timeoutInMillis":29000}},"PUT":{"httpMethod":"PUT","authorizationType":"NONE","methodIntegration":{"type":"AWS","timeoutInMillis":29000,"uri":"arn:aws:apigateway:eu-west-1:sqs:path/123456789012/jobs"}}}}]}`),
		}, nil),
		"apigateway:GetAuthorizers": collecttest.Select(map[string]collecttest.Answer{
			"/v2/apis/http1/": collecttest.Body(`{"items":[{"authorizerId":"h1","authorizerType":"REQUEST","name":"token","authorizerUri":"` + invocation + functions + `authorize/invocations"}]}`),
			"/rest1/":         collecttest.Body(`{"item":[{"id":"a1","name":"token","type":"TOKEN","authorizerUri":"` + invocation + functions + `authorize:3/invocations","authorizerCredentials":"hunter2"}]}`),
		}, nil),
		"apigateway:GetStages": collecttest.Select(map[string]collecttest.Answer{
			"/gone/":  missing,
			"/rest1/": collecttest.Body(`{"item":[{"stageName":"prod","cacheClusterEnabled":true,"cacheClusterSize":"0.5","tracingEnabled":true,"webAclArn":"arn:aws:wafv2:eu-west-1:123456789012:regional/webacl/w/1","variables":{"key":"hunter2"},"accessLogSettings":{"destinationArn":"arn:aws:logs:eu-west-1:123456789012:log-group:a"},"methodSettings":{"*/*":{"loggingLevel":"INFO","dataTraceEnabled":true,"throttlingRateLimit":50.5,"throttlingBurstLimit":100}}},{"stageName":"dev"}]}`),
			"/http1/": collecttest.Body(`{"items":[{"stageName":"$default","autoDeploy":true,"stageVariables":{"key":"hunter2"},"defaultRouteSettings":{"throttlingRateLimit":10,"throttlingBurstLimit":20}}]}`),
			"/ws1/":   collecttest.Body(`{"items":[{"stageName":"live","defaultRouteSettings":{"loggingLevel":"ERROR","dataTraceEnabled":true}}]}`),
		}, nil),
		"apigateway:GetApis": collecttest.Select(map[string]collecttest.Answer{
			"nextToken=n": collecttest.Body(`{"items":[{"apiId":"ws1","name":"chat","protocolType":"WEBSOCKET"}]}`),
		}, collecttest.Body(`{"nextToken":"n","items":[{"apiId":"http1","name":"web","protocolType":"HTTP"}]}`)),
		"apigateway:GetIntegrations": collecttest.Select(map[string]collecttest.Answer{
			"/http1/": collecttest.Body(`{"items":[{"integrationId":"i1","integrationType":"AWS_PROXY","integrationUri":"` + functions + `web","timeoutInMillis":30000},{"integrationId":"i2","integrationType":"HTTP_PROXY","integrationUri":"https://user:hunter2@example.com","timeoutInMillis":5000}]}`),
			"/ws1/":   collecttest.Body(`{"items":[{"integrationId":"i1","integrationType":"AWS_PROXY","integrationUri":"` + invocation + functions + `chat/invocations","timeoutInMillis":29000}]}`),
		}, nil),
		"apigateway:GetRoutes": collecttest.Select(map[string]collecttest.Answer{
			"/http1/": collecttest.Body(`{"items":[{"routeId":"1","routeKey":"GET /","target":"integrations/i1","authorizationType":"CUSTOM","authorizerId":"h1"},{"routeId":"2","routeKey":"$default","target":"integrations/i2","authorizationType":"NONE"}]}`),
			"/ws1/":   collecttest.Body(`{"items":[{"routeId":"3","routeKey":"$connect","target":"integrations/i1"},{"routeId":"4","routeKey":"$disconnect"}]}`),
		}, nil),
	})
}

func TestAccount(t *testing.T) {
	t.Parallel()
	relations, err := schema.Relations()
	if err != nil {
		t.Fatal(err)
	}
	collecttest.Declared(t, Collector, relations)
	f := collecttest.New(t, Collector, collecttest.Options{Wire: wire()})
	f.Collect(t)
	f.Golden(t, "account")
	f.Secret(t, "hunter2", nil)
}

func TestOneActionLess(t *testing.T) {
	t.Parallel()
	const get = "apigateway:GET"
	routes, stages, all := []string{"api_routes/", "edges/apis"}, []string{"api_stages/"}, []string{"api_routes/", "api_stages/", "edges/apis"}
	collecttest.OneActionLess(t, Collector, wire, collecttest.Options{}, []collecttest.Less{
		{Operation: "apigateway:GetRestApis", Action: get, Gaps: all, Rows: 4 + 2 + 3},     // routes, stages and edges of the other two
		{Operation: "apigateway:GetApis", Action: get, Gaps: all, Rows: 5 + 2 + 2},         // of the REST API
		{Operation: "apigateway:GetResources", Action: get, Gaps: routes, Rows: 4 + 4 + 3}, // stages of all
		{Operation: "apigateway:GetStages", Action: get, Gaps: stages, Rows: 9 + 5},
		{Operation: "apigateway:GetAuthorizers", Action: get, Gaps: routes, Rows: 9 + 4 + 3},
		{Operation: "apigateway:GetIntegrations", Action: get, Gaps: routes, Rows: 5 + 4 + 2},
		{Operation: "apigateway:GetRoutes", Action: get, Gaps: routes, Rows: 5 + 4 + 2},
	})
}

func TestMalformedPieces(t *testing.T) {
	t.Parallel()
	for operation, answer := range map[string]string{"apigateway:GetRestApis": `{"item":[{"name":"x"}]}`, "apigateway:GetApis": `{"nextToken":"again","items":[]}`} {
		f := collecttest.New(t, Collector, collecttest.Options{Wire: wire().On(operation, collecttest.Body(answer))})
		f.Collect(t)
		if diff := cmp.Diff([]string{"api_routes/ failed", "api_stages/ failed", "edges/apis failed"}, f.GapList()); diff != "" {
			t.Errorf("%s: gaps (-want +got):\n%s", operation, diff)
		}
	}
}

// The APIs of a simulated region are those that its functions' resource policies
// admit, and no other.
func TestSimulatedAccount(t *testing.T) {
	t.Parallel()
	account := collecttest.Simulate(t, awssim.Options{})
	for _, region := range account.World.Regions {
		f := account.Run(t, Collector, collecttest.Options{Region: region.Name})
		f.Collect(t)
		f.NotThrottled(t)
		if gaps := f.GapList(); len(gaps) > 0 {
			t.Errorf("gaps: %v", gaps)
		}
		var want, got, edges []string
		for _, a := range slices.Concat(region.RESTAPIs, region.HTTPAPIs) {
			for _, r := range a.Routes {
				want = append(want, strings.Join([]string{a.ID, a.Protocol, r.Method + " " + r.Path, r.FunctionARN}, " "))
			}
			if !strings.Contains(region.Function(a.Routes[0].FunctionARN).Policy, ":"+a.ID+"/") {
				t.Errorf("API %s is not admitted by %s", a.ID, a.Routes[0].FunctionARN)
			}
		}
		for _, r := range collecttest.Rows[schema.APIRoute](f.Sink) {
			got = append(got, strings.Join([]string{r.APIARN[strings.LastIndex(r.APIARN, ":")+1:], r.Protocol, r.Route, r.FunctionARN}, " "))
		}
		slices.Sort(want)
		slices.Sort(got)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("routes of %s (-want +got):\n%s", region.Name, diff)
		}
		for _, e := range collecttest.Rows[schema.Edge](f.Sink) {
			if e.Attributes["role"] == "integration" {
				edges = append(edges, e.SrcARN)
			}
		}
		if apis := len(region.RESTAPIs) + len(region.HTTPAPIs); len(edges) != apis || apis < 3 {
			t.Errorf("%d edges of %d APIs", len(edges), apis)
		}
		if n := len(collecttest.Rows[schema.APIStage](f.Sink)); n != len(edges) {
			t.Errorf("%d stages, want %d", n, len(edges))
		}
	}
}
