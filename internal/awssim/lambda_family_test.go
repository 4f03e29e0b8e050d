package awssim

import (
	"context"
	"reflect"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudfront"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
)

const testSigning = "arn:aws:lambda:us-east-1:111122223333:code-signing-config:csc-0123456789abcdef0"

// fillLambda gives the test's world one of everything of the Lambda family.
func fillLambda(w *World, r *Region) {
	r.Extras = map[string]*FunctionExtras{"worker": {
		URLs: []FunctionURL{{
			Qualifier: "live", URL: "https://abc.lambda-url.us-east-1.on.aws/", AuthType: "NONE", InvokeMode: "BUFFERED", CreatedAt: noon,
			CORS: &CORS{AllowCredentials: true, Origins: []string{"https://a.example"}, Methods: []string{"GET"}, Headers: []string{"x"}, Exposed: []string{"y"}, MaxAgeS: 60},
		}},
		QualifierPolicies: map[string]string{"live": `{"Version":"2012-10-17","Statement":[]}`},
		UpdateRuntimeOn:   "Manual", RuntimeVersionARN: "arn:aws:lambda:us-east-1::runtime:07a4",
	}}
	r.OwnLayers = []*OwnLayer{{Name: "shared", ARN: "arn:aws:lambda:us-east-1:111122223333:layer:shared", Versions: []OwnLayerVersion{
		{Version: 1, CreatedAt: noon, Policy: `{"Statement":[]}`, CodeBytes: 9, CodeSHA256: "c2hh"},
		{Version: 2, CreatedAt: noon, Description: "two", Runtimes: []string{"python3.12"}, Architectures: []string{"arm64"}, License: "MIT", CodeBytes: 10, CodeSHA256: "c2hh"},
	}}}
	r.CodeSigning = []*CodeSigning{{ID: "csc-0123456789abcdef0", ARN: testSigning, Description: "releases", OnUntrusted: "Enforce", Publishers: []string{"arn:aws:signer:us-east-1:111122223333:/signing-profiles/p/v"}, FunctionARNs: []string{lambdaARN + "worker"}, LastModified: noon}}
	r.Replicas = []*Replica{{Configuration: testConfiguration("eu-west-1.copied", "3"), MasterARN: "arn:aws:lambda:eu-west-1:111122223333:function:copied:3"}}
	kafka := &Mapping{UUID: "6f0d5a0e-0000-4000-8000-000000000001", ARN: "arn:aws:lambda:us-east-1:111122223333:event-source-mapping:6f0d5a0e", FunctionARN: lambdaARN + "worker", State: "Enabled", StateTransitionReason: "USER_INITIATED", LastModified: noon, BatchSize: 100, StartingPosition: "LATEST"}
	r.Mappings = append(r.Mappings, kafka)
	r.Pollers = map[string]*MappingExtras{kafka.UUID: {
		MinimumPollers: 1, MaximumPollers: 4, PollerGroup: "g", Metrics: []string{"EventCount"}, LogLevel: "INFO", Topics: []string{"orders"}, ConsumerGroup: "c",
		BrokerHosts: []string{"b1.example:9092"}, SourceAccess: map[string]string{"VPC_SUBNET": "subnet:subnet-1"}, KMSKeyARN: "arn:aws:kms:us-east-1:111122223333:key/k",
		Queues: []string{"q"}, DocumentDatabase: "db", DocumentCollection: "c", FullDocument: "Default", TumblingWindowS: 30,
	}}
	w.Distributions = []*Distribution{{
		ID: "E1", ARN: "arn:aws:cloudfront::111122223333:distribution/E1", Domain: "d1.cloudfront.net", Aliases: []string{"www.example.com"}, Enabled: true,
		Status: "Deployed", PriceClass: "PriceClass_All", Origin: "origin.example.com", LastModified: noon, Behaviors: []Behavior{
			{Path: "*", Functions: []Association{{ARN: "arn:aws:cloudfront::111122223333:function/rewrite", EventType: "viewer-request"}}},
			{Path: "/api/*", Functions: []Association{{ARN: lambdaARN + "worker:1", EventType: "origin-request", IncludeBody: true}}},
		},
	}}
}

func lambdaFamilyCalls(worker *string) []sdkCall {
	layer := aws.String("shared")
	return []sdkCall{
		{"lambda.ListFunctionUrlConfigs", func(ctx context.Context, c aws.Config) (any, error) {
			return lambda.NewFromConfig(c).ListFunctionUrlConfigs(ctx, &lambda.ListFunctionUrlConfigsInput{FunctionName: worker})
		}},
		{"lambda.GetRuntimeManagementConfig", func(ctx context.Context, c aws.Config) (any, error) {
			return lambda.NewFromConfig(c).GetRuntimeManagementConfig(ctx, &lambda.GetRuntimeManagementConfigInput{FunctionName: worker})
		}},
		{"lambda.ListLayers", func(ctx context.Context, c aws.Config) (any, error) {
			return lambda.NewFromConfig(c).ListLayers(ctx, nil)
		}},
		{"lambda.ListLayerVersions", func(ctx context.Context, c aws.Config) (any, error) {
			return lambda.NewFromConfig(c).ListLayerVersions(ctx, &lambda.ListLayerVersionsInput{LayerName: layer})
		}},
		{"lambda.GetLayerVersion", func(ctx context.Context, c aws.Config) (any, error) {
			return lambda.NewFromConfig(c).GetLayerVersion(ctx, &lambda.GetLayerVersionInput{LayerName: layer, VersionNumber: aws.Int64(2)})
		}},
		{"lambda.GetLayerVersionPolicy", func(ctx context.Context, c aws.Config) (any, error) {
			return lambda.NewFromConfig(c).GetLayerVersionPolicy(ctx, &lambda.GetLayerVersionPolicyInput{LayerName: layer, VersionNumber: aws.Int64(1)})
		}},
		{"lambda.ListCodeSigningConfigs", func(ctx context.Context, c aws.Config) (any, error) {
			return lambda.NewFromConfig(c).ListCodeSigningConfigs(ctx, nil)
		}},
		{"lambda.ListFunctionsByCodeSigningConfig", func(ctx context.Context, c aws.Config) (any, error) {
			return lambda.NewFromConfig(c).ListFunctionsByCodeSigningConfig(ctx, &lambda.ListFunctionsByCodeSigningConfigInput{CodeSigningConfigArn: aws.String(testSigning)})
		}},
		{"cloudfront.ListDistributions", func(ctx context.Context, c aws.Config) (any, error) {
			return cloudfront.NewFromConfig(c).ListDistributions(ctx, nil)
		}},
	}
}

// What a policy of a qualifier, a listing of replicas and a mapping of Kafka
// say is read by the SDK as it was said.
func TestLambdaFamily(t *testing.T) {
	t.Parallel()
	h := serve(t, Options{World: testWorld(), Limits: Limits{Off: true}})
	client := lambda.NewFromConfig(h.config("us-east-1"))
	for _, test := range []struct {
		name string
		call func(context.Context) (any, error)
		code string
	}{
		{"lambda.GetPolicy", func(ctx context.Context) (any, error) {
			return client.GetPolicy(ctx, &lambda.GetPolicyInput{FunctionName: aws.String("worker"), Qualifier: aws.String("live")})
		}, ""},
		{"lambda.GetPolicy", func(ctx context.Context) (any, error) {
			return client.GetPolicy(ctx, &lambda.GetPolicyInput{FunctionName: aws.String("worker"), Qualifier: aws.String("2")})
		}, "ResourceNotFoundException"},
		{"lambda.ListFunctions", func(ctx context.Context) (any, error) {
			return client.ListFunctions(ctx, &lambda.ListFunctionsInput{MasterRegion: aws.String("eu-west-1"), FunctionVersion: "ALL"})
		}, ""},
		{"lambda.ListFunctions", func(ctx context.Context) (any, error) {
			return client.ListFunctions(ctx, &lambda.ListFunctionsInput{MasterRegion: aws.String("eu-west-1")})
		}, "InvalidParameterValueException"},
		{"lambda.GetEventSourceMapping", func(ctx context.Context) (any, error) {
			return client.GetEventSourceMapping(ctx, &lambda.GetEventSourceMappingInput{UUID: aws.String("6f0d5a0e-0000-4000-8000-000000000001")})
		}, ""},
		{"lambda.GetLayerVersionPolicy", func(ctx context.Context) (any, error) {
			return client.GetLayerVersionPolicy(ctx, &lambda.GetLayerVersionPolicyInput{LayerName: aws.String("shared"), VersionNumber: aws.Int64(2)})
		}, "ResourceNotFoundException"},
		{"lambda.GetRuntimeManagementConfig", func(ctx context.Context) (any, error) {
			return client.GetRuntimeManagementConfig(ctx, &lambda.GetRuntimeManagementConfigInput{FunctionName: aws.String("image")})
		}, "InvalidParameterValueException"},
	} {
		out, err := test.call(t.Context())
		if codeOf(err) != test.code {
			t.Errorf("%s: %v, want %s", test.name, err, test.code)
		}
		if err != nil {
			continue
		}
		h.mu.Lock()
		answer := h.answered[test.name]
		h.mu.Unlock()
		if faults := matchWire(test.name, answer, reflect.ValueOf(out)); len(faults) > 0 {
			t.Error(strings.Join(faults, "\n"))
		}
	}
}
