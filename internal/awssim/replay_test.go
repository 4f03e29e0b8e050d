package awssim

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	cwtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/resourcegroupstaggingapi"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/google/go-cmp/cmp"
)

func recorded(t *testing.T, name string) *Recording {
	t.Helper()
	r, err := LoadRecording(filepath.Join("testdata", "recorded", name))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func replayed(t *testing.T, name string) (*harness, aws.Config) {
	t.Helper()
	r := recorded(t, name)
	h := serve(t, Options{Recording: r, Limits: Limits{Off: true}})
	return h, h.config(r.Regions()[0])
}

// TestRecordings: every recorded account opens, tells who and where it is, and
// the SDK reads its functions and tags as they were recorded, member for member.
func TestRecordings(t *testing.T) {
	t.Parallel()
	want := map[string]string{ // account and regions
		"concurrency": "644160558196 us-east-2", "edge": "644160558196 us-east-1", "empty": "644160558196 us-west-2",
		"event-source-mapping": "644160558196 us-east-1", "managed-policy": "644160558196 us-east-1", "metrics": "644160558196 us-east-2",
		"permissions": "644160558196 us-east-2", "resize": "644160558196 us-east-1", "resource-policies": "644160558196 us-west-2",
		"roles": "644160558196 us-west-2", "security-groups": "644160558196 us-west-2", "tags": "644160558196 us-west-2",
		"tracing": "1234567890 us-east-1", "vpc": "644160558196 us-west-2",
	}
	folders, err := os.ReadDir(filepath.Join("testdata", "recorded"))
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	for _, folder := range folders {
		if !folder.IsDir() {
			continue
		}
		seen++
		t.Run(folder.Name(), func(t *testing.T) {
			t.Parallel()
			r := recorded(t, folder.Name())
			if got := r.Account() + " " + strings.Join(r.Regions(), ","); got != want[folder.Name()] {
				t.Errorf("recorded %s, want %s", got, want[folder.Name()])
			}
			h, cfg := replayed(t, folder.Name())
			who, err := sts.NewFromConfig(cfg).GetCallerIdentity(context.Background(), nil)
			if err != nil || *who.Account != r.Account() {
				t.Errorf("the caller is %+v, %v", who, err)
			}
			for _, c := range sdkCalls() {
				out, err := c.call(context.Background(), cfg)
				if c.name == "sts.GetCallerIdentity" {
					continue
				}
				if err != nil {
					if !isDenied(err) {
						t.Errorf("%s: %v, want an answer or a denial", c.name, err)
					}
					continue
				}
				h.mu.Lock()
				answer := h.answered[c.name]
				h.mu.Unlock()
				if faults := matchWire(c.name, answer, reflect.ValueOf(out)); len(faults) > 0 {
					t.Error(strings.Join(faults, "\n"))
				}
			}
		})
	}
	if seen != len(want) {
		t.Errorf("%d recordings, want %d", seen, len(want))
	}
}

// isDenied reports whether an error is a denial that names its action.
func isDenied(err error) bool {
	return strings.Contains(messageOf(err), " is not authorized to perform: ") && (strings.Contains(codeOf(err), "AccessDenied") ||
		codeOf(err) == "UnauthorizedOperation" || codeOf(err) == "AuthorizationError")
}

// TestReplayedAnswersAreOfTheAskedResource: sequence alone would mix them up.
func TestReplayedAnswersAreOfTheAskedResource(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	t.Run("GetFunction", func(t *testing.T) {
		t.Parallel()
		_, cfg := replayed(t, "concurrency")
		client := lambda.NewFromConfig(cfg)
		get := func(name string) *lambda.GetFunctionOutput {
			out, err := client.GetFunction(ctx, &lambda.GetFunctionInput{FunctionName: aws.String(name)})
			if err != nil {
				t.Fatal(err)
			}
			if *out.Configuration.FunctionName != name {
				t.Errorf("asked for %s, got %s", name, *out.Configuration.FunctionName)
			}
			return out
		}
		if out := get("envcheck"); out.Concurrency != nil {
			t.Errorf("the first recorded answer has no concurrency: %+v", out.Concurrency)
		}
		get("custodian-stop-night-asg")
		for range 2 { // the second, and the second again
			if out := get("envcheck"); out.Concurrency == nil || *out.Concurrency.ReservedConcurrentExecutions != 10 {
				t.Errorf("a later answer has a concurrency of ten: %+v", out.Concurrency)
			}
		}
		if _, err := client.GetFunction(ctx, &lambda.GetFunctionInput{FunctionName: aws.String("another")}); !isDenied(err) {
			t.Errorf("a function that was not recorded: %v", err)
		}
	})
	t.Run("GetPolicy", func(t *testing.T) {
		t.Parallel()
		_, cfg := replayed(t, "resource-policies")
		for _, name := range []string{"myIOTFunction", "c7n-cleanup"} {
			out, err := lambda.NewFromConfig(cfg).GetPolicy(ctx, &lambda.GetPolicyInput{FunctionName: aws.String("arn:aws:lambda:us-west-2:644160558196:function:" + name)})
			if err != nil || !strings.Contains(*out.Policy, ":function:"+name+`"`) {
				t.Errorf("%s: %v, %v", name, out, err)
			}
		}
		_, cfg = replayed(t, "permissions")
		_, err := lambda.NewFromConfig(cfg).GetPolicy(ctx, &lambda.GetPolicyInput{FunctionName: aws.String("envcheck")})
		if !isDenied(err) || !strings.Contains(messageOf(err), "lambda:GetPolicy on resource: arn:aws:lambda:us-east-2:644160558196:function:envcheck") {
			t.Errorf("a policy that was not recorded: %v", err)
		}
	})
	t.Run("GetRole", func(t *testing.T) {
		t.Parallel()
		_, cfg := replayed(t, "roles")
		for _, name := range []string{"test-kms-role-gux84ofy", "hello_world-role-wktizgp5"} {
			out, err := iam.NewFromConfig(cfg).GetRole(ctx, &iam.GetRoleInput{RoleName: aws.String(name)})
			if err != nil || *out.Role.RoleName != name {
				t.Errorf("%s: %+v, %v", name, out, err)
			}
		}
	})
	t.Run("ListTags of the only function", func(t *testing.T) {
		t.Parallel()
		_, cfg := replayed(t, "tags")
		arn := "arn:aws:lambda:us-west-2:644160558196:function:"
		out, err := lambda.NewFromConfig(cfg).ListTags(ctx, &lambda.ListTagsInput{Resource: aws.String(arn + "CloudCustodian")})
		if err != nil || out.Tags["xyz"] != "abcdef" {
			t.Errorf("got %+v, %v", out, err)
		}
		if _, err := lambda.NewFromConfig(cfg).ListTags(ctx, &lambda.ListTagsInput{Resource: aws.String(arn + "other")}); !isDenied(err) {
			t.Errorf("another function: %v", err)
		}
	})
	t.Run("answers that name nothing but are all alike", func(t *testing.T) {
		t.Parallel()
		_, cfg := replayed(t, "managed-policy")
		for name, ok := range map[string]bool{"iam_for_lambda1": true, "aws-controltower-ForwardSnsNotificationRole": true, "other": false} {
			out, err := iam.NewFromConfig(cfg).ListAttachedRolePolicies(ctx, &iam.ListAttachedRolePoliciesInput{RoleName: aws.String(name)})
			if ok && (err != nil || *out.AttachedPolicies[0].PolicyName != "AdministratorAccess") || !ok && !isDenied(err) {
				t.Errorf("%s: %+v, %v", name, out, err)
			}
		}
	})
	t.Run("GetMetricStatistics of the only function", func(t *testing.T) {
		t.Parallel()
		_, cfg := replayed(t, "metrics")
		ask := func(function string) (*cloudwatch.GetMetricStatisticsOutput, error) {
			return cloudwatch.NewFromConfig(cfg).GetMetricStatistics(ctx, &cloudwatch.GetMetricStatisticsInput{
				Namespace: aws.String("AWS/Lambda"), MetricName: aws.String("Invocations"), Period: aws.Int32(86400), StartTime: aws.Time(noon), EndTime: aws.Time(noon.Add(time.Hour)),
				Dimensions: []cwtypes.Dimension{{Name: aws.String("FunctionName"), Value: &function}}, Statistics: []cwtypes.Statistic{"Sum"},
			})
		}
		out, err := ask("envcheck")
		if err != nil {
			t.Fatal(err)
		}
		want := cwtypes.Datapoint{Timestamp: aws.Time(time.Date(2018, 2, 1, 15, 27, 0, 0, time.UTC)), Sum: aws.Float64(5), Unit: "Count"}
		if diff := cmp.Diff([]cwtypes.Datapoint{want}, out.Datapoints, cmp.Comparer(func(a, b cwtypes.Datapoint) bool {
			return a.Timestamp.Equal(*b.Timestamp) && *a.Sum == *b.Sum && a.Unit == b.Unit
		})); diff != "" {
			t.Error(diff)
		}
		if _, err := ask("other"); !isDenied(err) {
			t.Errorf("another function: %v", err)
		}
	})
}

// TestReplayedListings: filters narrow them as the service would.
func TestReplayedListings(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	t.Run("tags by type", func(t *testing.T) {
		t.Parallel()
		_, cfg := replayed(t, "event-source-mapping")
		for kind, want := range map[string]int{"lambda:function": 0, "lambda:event-source-mapping": 1, "lambda": 1} {
			out, err := resourcegroupstaggingapi.NewFromConfig(cfg).GetResources(ctx, &resourcegroupstaggingapi.GetResourcesInput{ResourceTypeFilters: []string{kind}})
			if err != nil || len(out.ResourceTagMappingList) != want {
				t.Errorf("%s: %+v, %v", kind, out, err)
			}
		}
	})
	t.Run("mappings by function", func(t *testing.T) {
		t.Parallel()
		_, cfg := replayed(t, "event-source-mapping")
		client := lambda.NewFromConfig(cfg)
		all, err := client.ListEventSourceMappings(ctx, nil)
		if err != nil || len(all.EventSourceMappings) != 3 || !all.EventSourceMappings[0].LastModified.Equal(time.Date(2025, 7, 23, 19, 54, 29, 699e6, time.UTC)) {
			t.Errorf("got %+v, %v", all, err)
		}
		one, err := client.ListEventSourceMappings(ctx, &lambda.ListEventSourceMappingsInput{FunctionName: aws.String("test-sqs")})
		if err != nil || len(one.EventSourceMappings) != 1 {
			t.Errorf("got %+v, %v", one, err)
		}
		mapping, err := client.GetEventSourceMapping(ctx, &lambda.GetEventSourceMappingInput{UUID: aws.String("bb57fe00-6653-4ea8-a32e-13b4fc98a4f0")})
		if err != nil || *mapping.State != "Disabled" {
			t.Errorf("got %+v, %v", mapping, err)
		}
		if _, err := client.GetEventSourceMapping(ctx, &lambda.GetEventSourceMappingInput{UUID: aws.String("nosuch")}); !isDenied(err) {
			t.Errorf("got %v", err)
		}
	})
	t.Run("security groups by id and filter", func(t *testing.T) {
		t.Parallel()
		_, cfg := replayed(t, "security-groups")
		client := ec2.NewFromConfig(cfg)
		one, err := client.DescribeSecurityGroups(ctx, &ec2.DescribeSecurityGroupsInput{GroupIds: []string{"sg-f9cc4d9f"}})
		if err != nil || *one.SecurityGroups[0].IpPermissions[0].FromPort != 22 || *one.SecurityGroups[0].Description != "default VPC security group" {
			t.Errorf("got %+v, %v", one, err)
		}
		none, err := client.DescribeSecurityGroups(ctx, &ec2.DescribeSecurityGroupsInput{Filters: []ec2types.Filter{{Name: aws.String("vpc-id"), Values: []string{"vpc-other"}}}})
		if err != nil || len(none.SecurityGroups) != 0 {
			t.Errorf("got %+v, %v", none, err)
		}
		if _, err := client.DescribeSecurityGroups(ctx, &ec2.DescribeSecurityGroupsInput{GroupIds: []string{"sg-other"}}); !isDenied(err) {
			t.Errorf("a group that was not recorded: %v", err)
		}
	})
	t.Run("network interfaces, times and all", func(t *testing.T) {
		t.Parallel()
		_, cfg := replayed(t, "vpc")
		out, err := ec2.NewFromConfig(cfg).DescribeNetworkInterfaces(ctx, nil)
		if err != nil || !out.NetworkInterfaces[0].Attachment.AttachTime.Equal(time.Date(2016, 10, 29, 20, 45, 59, 0, time.UTC)) {
			t.Errorf("got %+v, %v", out, err)
		}
	})
	t.Run("responses in turn, the last again and again", func(t *testing.T) {
		t.Parallel()
		_, cfg := replayed(t, "empty")
		var counts []int
		for range 3 {
			out, err := lambda.NewFromConfig(cfg).ListFunctions(ctx, nil)
			if err != nil {
				t.Fatal(err)
			}
			counts = append(counts, len(out.Functions))
		}
		if diff := cmp.Diff([]int{0, 1, 1}, counts); diff != "" {
			t.Error(diff)
		}
	})
}

// TestReplayRefuses what was not recorded: operations, services and regions.
func TestReplayRefuses(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	h, cfg := replayed(t, "vpc")
	if _, err := lambda.NewFromConfig(h.config("eu-west-1")).ListFunctions(ctx, nil); !isDenied(err) {
		t.Errorf("another region: %v", err)
	}
	// The recording's buses are of another region than its functions.
	if _, err := eventbridge.NewFromConfig(cfg).ListEventBuses(ctx, nil); !isDenied(err) {
		t.Errorf("another region's buses: %v", err)
	}
	if _, err := s3.NewFromConfig(cfg).ListBuckets(ctx, nil); !isDenied(err) || !strings.Contains(messageOf(err), "s3:ListAllMyBuckets") {
		t.Errorf("S3: %v", err)
	}
	if _, err := lambda.NewFromConfig(cfg).ListLayers(ctx, nil); !isDenied(err) || !strings.Contains(messageOf(err), "lambda:ListLayers") {
		t.Errorf("an operation that is not simulated: %v", err)
	}
	if _, err := ec2.NewFromConfig(cfg).DescribeInstances(ctx, nil); !isDenied(err) || !strings.Contains(messageOf(err), "ec2:DescribeInstances") {
		t.Errorf("an operation of EC2 that was not recorded: %v", err)
	}
	references, err := ec2.NewFromConfig(cfg).DescribeSecurityGroupReferences(ctx, &ec2.DescribeSecurityGroupReferencesInput{GroupId: []string{"sg-f9cc4d9f"}})
	if err != nil || len(references.SecurityGroupReferenceSet) != 0 {
		t.Errorf("an operation that was: %+v, %v", references, err)
	}
	stats := h.Calls()
	if r := stats.Operation("ec2", "DescribeInstances"); r.Denied != 1 {
		t.Errorf("the ledger says %+v", r)
	}
}

func TestReplayObeysDenyAndFaults(t *testing.T) {
	t.Parallel()
	r := recorded(t, "tags")
	h := serve(t, Options{Recording: r, Deny: []string{"lambda:List*"}, Faults: []Fault{{Service: "tagging", Kind: FaultThrottle}}})
	cfg := h.config(r.Regions()[0])
	if _, err := lambda.NewFromConfig(cfg).ListFunctions(context.Background(), nil); !isDenied(err) {
		t.Errorf("got %v", err)
	}
	if _, err := resourcegroupstaggingapi.NewFromConfig(cfg).GetResources(context.Background(), nil); codeOf(err) != "ThrottledException" {
		t.Errorf("got %v", err)
	}
}

func TestRecordedErrorsAreReplayed(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, dir, "lambda.ListFunctions_1.json", `{"status_code":200,"data":{"Functions":[{"FunctionName":"f","FunctionArn":"arn:aws:lambda:us-east-1:111122223333:function:f"}]}}`)
	write(t, dir, "lambda.GetPolicy_1.json", `{"status_code":404,"data":{"Error":{"Code":"ResourceNotFoundException","Message":"The resource you requested does not exist."}}}`)
	write(t, dir, "notes.txt", "not a response")
	r, err := LoadRecording(dir)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"lambda.GetPolicy", "lambda.ListFunctions"}, r.Operations()); diff != "" {
		t.Error(diff)
	}
	h := serve(t, Options{Recording: r})
	_, err = lambda.NewFromConfig(h.config("us-east-1")).GetPolicy(context.Background(), &lambda.GetPolicyInput{FunctionName: aws.String("f")})
	if codeOf(err) != "ResourceNotFoundException" || statusOf(err) != 404 {
		t.Errorf("got %v", err)
	}
}

func write(t *testing.T, dir, name, content string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestRecordingsThatCannotBeRead(t *testing.T) {
	t.Parallel()
	if _, err := LoadRecording(filepath.Join(t.TempDir(), "nosuch")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a missing folder: %v", err)
	}
	if _, err := LoadRecording(t.TempDir()); err == nil || !strings.Contains(err.Error(), "service.Operation_N.json") {
		t.Errorf("an empty folder: %v", err)
	}
	for content, says := range map[string]string{`{"status_code":200,"data":`: "unexpected EOF", `[]`: "cannot unmarshal", `{"data":{}}`: "want an object with status_code and data"} {
		dir := t.TempDir()
		write(t, dir, "lambda.ListFunctions_1.json", content)
		write(t, dir, "lambda.ListFunctions_2.json", content)
		if _, err := LoadRecording(dir); err == nil || strings.Count(err.Error(), says) != 2 {
			t.Errorf("%s: got %v, want it to say %q of both files", content, err, says)
		}
	}
}

func TestRecordingWithoutARNs(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, dir, "lambda.ListFunctions_1.json", `{"status_code":200,"data":{"Functions":[]}}`)
	r, err := LoadRecording(dir)
	if err != nil {
		t.Fatal(err)
	}
	if r.Account() != "000000000000" || !slices.Equal(r.Regions(), []string{"us-east-1"}) {
		t.Errorf("account %s, regions %v", r.Account(), r.Regions())
	}
}
