package awssim

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	iamtypes "github.com/aws/aws-sdk-go-v2/service/iam/types"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/resourcegroupstaggingapi"
	tagtypes "github.com/aws/aws-sdk-go-v2/service/resourcegroupstaggingapi/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/google/go-cmp/cmp"
)

// TestPages: listings come in the services' page sizes, whole and in order.
func TestPages(t *testing.T) {
	t.Parallel()
	h := serve(t, Options{World: testWorld(), Limits: Limits{Off: true}})
	ctx, cfg := context.Background(), h.config("us-east-1")
	t.Run("functions", func(t *testing.T) {
		t.Parallel()
		var sizes []int
		pages := lambda.NewListFunctionsPaginator(lambda.NewFromConfig(cfg), &lambda.ListFunctionsInput{MaxItems: aws.Int32(1000)})
		for pages.HasMorePages() {
			page, err := pages.NextPage(ctx)
			if err != nil {
				t.Fatal(err)
			}
			sizes = append(sizes, len(page.Functions))
		}
		if diff := cmp.Diff([]int{50, 50, 20}, sizes); diff != "" {
			t.Error(diff)
		}
	})
	t.Run("all versions, by qualified ARNs", func(t *testing.T) {
		t.Parallel()
		var arns []string
		pages := lambda.NewListFunctionsPaginator(lambda.NewFromConfig(cfg), &lambda.ListFunctionsInput{FunctionVersion: "ALL"})
		for pages.HasMorePages() {
			page, err := pages.NextPage(ctx)
			if err != nil {
				t.Fatal(err)
			}
			for _, f := range page.Functions {
				if *f.FunctionName == "worker" {
					arns = append(arns, *f.FunctionArn)
				}
			}
		}
		if diff := cmp.Diff([]string{lambdaARN + "worker:$LATEST", lambdaARN + "worker:1", lambdaARN + "worker:2"}, arns); diff != "" {
			t.Error(diff)
		}
	})
	t.Run("subscriptions", func(t *testing.T) {
		t.Parallel()
		var sizes []int
		pages := sns.NewListSubscriptionsPaginator(sns.NewFromConfig(cfg), nil)
		for pages.HasMorePages() {
			page, err := pages.NextPage(ctx)
			if err != nil {
				t.Fatal(err)
			}
			sizes = append(sizes, len(page.Subscriptions))
		}
		if diff := cmp.Diff([]int{100, 50}, sizes); diff != "" {
			t.Error(diff)
		}
	})
	t.Run("smaller pages on request", func(t *testing.T) {
		t.Parallel()
		count := 0
		roles := iam.NewGetAccountAuthorizationDetailsPaginator(iam.NewFromConfig(cfg), &iam.GetAccountAuthorizationDetailsInput{MaxItems: aws.Int32(1), Filter: []iamtypes.EntityType{"Role"}})
		for roles.HasMorePages() {
			page, err := roles.NextPage(ctx)
			if err != nil {
				t.Fatal(err)
			}
			if len(page.RoleDetailList) != 1 || len(page.Policies) != 0 {
				t.Errorf("a page of %d roles and %d policies", len(page.RoleDetailList), len(page.Policies))
			}
			count++
		}
		if count != 2 {
			t.Errorf("%d pages, want 2", count)
		}
	})
	t.Run("tokens are of one request", func(t *testing.T) {
		t.Parallel()
		client := lambda.NewFromConfig(cfg)
		first, err := client.ListFunctions(ctx, nil)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := client.ListFunctions(ctx, &lambda.ListFunctionsInput{Marker: first.NextMarker, FunctionVersion: "ALL"}); codeOf(err) != "InvalidParameterValueException" {
			t.Errorf("another listing's token: got %v", err)
		}
		if _, err := ec2.NewFromConfig(cfg).DescribeSubnets(ctx, &ec2.DescribeSubnetsInput{NextToken: aws.String("made up")}); codeOf(err) != "InvalidNextToken" {
			t.Errorf("a made-up token: got %v", err)
		}
	})
	t.Run("no token without MaxResults", func(t *testing.T) {
		t.Parallel()
		client := sqs.NewFromConfig(cfg)
		all, err := client.ListQueues(ctx, nil)
		if err != nil || len(all.QueueUrls) != 2 || all.NextToken != nil {
			t.Errorf("got %v, %v", all, err)
		}
		one, err := client.ListQueues(ctx, &sqs.ListQueuesInput{MaxResults: aws.Int32(1)})
		if err != nil || len(one.QueueUrls) != 1 || one.NextToken == nil {
			t.Errorf("got %v, %v", one, err)
		}
	})
}

// TestThrottling: the control plane's fifteen requests a second are shared by
// its operations, GetFunction has its own quota, and a patient client gets through.
func TestThrottling(t *testing.T) {
	t.Parallel()
	begun := time.Now()
	var passed atomic.Int64 // the test's clock stands still but for this
	h := serve(t, Options{World: testWorld(), Clock: func() time.Time { return begun.Add(time.Duration(passed.Load())) }})
	ctx := context.Background()
	client := lambda.NewFromConfig(h.config("us-east-1"))
	for i := range 15 {
		if _, err := client.GetAccountSettings(ctx, nil); err != nil {
			t.Fatalf("request %d of a second: %v", i+1, err)
		}
	}
	if _, err := client.ListEventSourceMappings(ctx, nil); codeOf(err) != "TooManyRequestsException" || messageOf(err) != "Rate exceeded" {
		t.Errorf("the sixteenth request: got %v", err)
	}
	if _, err := client.GetFunction(ctx, &lambda.GetFunctionInput{FunctionName: aws.String("worker")}); err != nil {
		t.Errorf("GetFunction has a quota of its own: %v", err)
	}
	if _, err := lambda.NewFromConfig(h.config("eu-west-1")).GetAccountSettings(ctx, nil); err != nil {
		t.Errorf("another region has a quota of its own: %v", err)
	}
	cfg := patient(h.config("us-east-1"))
	cfg.Retryer = func() aws.Retryer {
		return retry.NewStandard(func(o *retry.StandardOptions) {
			o.RateLimiter = unlimited{}
			o.Backoff = retry.BackoffDelayerFunc(func(int, error) (time.Duration, error) { passed.Add(int64(50 * time.Millisecond)); return 0, nil })
		})
	}
	if _, err := lambda.NewFromConfig(cfg).ListAliases(ctx, &lambda.ListAliasesInput{FunctionName: aws.String("worker")}); err != nil {
		t.Errorf("a client that waits: %v", err)
	}
	stats := h.Calls()
	if r := stats.Operation("lambda", "ListAliases"); r.Calls != 3 || r.Throttled != 2 {
		t.Errorf("the ledger says %+v, want three calls in a hundred milliseconds", r)
	}
	want := QuotaRecord{Account: "111122223333", Service: "lambda", Quota: "control plane", Region: "us-east-1", PerSecond: 15, MaxPerSecond: 19}
	if !slices.Contains(stats.Quotas, want) {
		t.Errorf("the ledger says %+v, want %+v", stats.Quotas, want)
	}
}

// TestThrottleShapes: each service says it in its own words.
func TestThrottleShapes(t *testing.T) {
	t.Parallel()
	h := serve(t, Options{World: testWorld(), Faults: []Fault{{Kind: FaultThrottle}}})
	codes := map[string]string{
		"sts": "Throttling", "lambda": "TooManyRequestsException", "monitoring": "Throttling", "logs": "ThrottlingException", "ec2": "RequestLimitExceeded",
		"sqs": "RequestThrottled", "s3": "SlowDown", "sns": "Throttling", "iam": "Throttling", "events": "ThrottlingException",
		"tagging": "ThrottledException", "ce": "LimitExceededException",
	}
	for _, c := range onePerProtocol() {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			_, err := c.call(context.Background(), h.config("us-east-1"))
			service, _, _ := strings.Cut(c.name, ".")
			if got := codeOf(err); got != codes[service] {
				t.Errorf("got %q (%v), want %q", got, err, codes[service])
			}
		})
	}
}

// TestDenial: an action denied by its IAM name is refused by every service in
// its own shape, naming the caller, the action and what it was about.
func TestDenial(t *testing.T) {
	t.Parallel()
	h := serve(t, Options{World: testWorld(), Deny: []string{"*"}, Limits: Limits{Off: true}})
	codes := byService{
		"json": "AccessDeniedException", "query": "AccessDenied", "sns": "AuthorizationError", "ec2": "UnauthorizedOperation", "s3": "AccessDenied",
		"monitoring": "AccessDenied", "sqs": "AccessDenied",
	}
	says := map[string]string{
		"sts.AssumeRole":            "sts:AssumeRole on resource: arn:aws:iam::111122223333:role/other",
		"lambda.GetAccountSettings": "lambda:GetAccountSettings on resource: *",
		"monitoring.ListMetrics":    "cloudwatch:ListMetrics because",
		"logs.DescribeLogGroups":    "logs:DescribeLogGroups on resource: arn:aws:logs:us-east-1:111122223333:log-group::log-stream:*",
		"ec2.DescribeVpcs":          "You are not authorized to perform this operation. User: arn:aws:iam::111122223333:user/faaswarden is not authorized to perform: ec2:DescribeVpcs because",
		"sqs.ListQueues":            "sqs:listqueues on resource: arn:aws:sqs:us-east-1:111122223333:",
		"s3.ListBuckets":            "s3:ListAllMyBuckets because",
		"sns.ListTopics":            "SNS:ListTopics on resource: arn:aws:sns:us-east-1:111122223333:*",
		"iam.ListRolePolicies":      "iam:ListRolePolicies on resource: role worker",
		"events.ListEventBuses":     "events:ListEventBuses on resource: arn:aws:events:us-east-1:111122223333:event-bus/*",
		"tagging.GetResources":      "tag:GetResources because",
		"ce.GetTags":                "ce:GetTags on resource: arn:aws:ce:us-east-1:111122223333:/GetTags",
	}
	for _, c := range onePerProtocol() {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			_, err := c.call(context.Background(), h.config("us-east-1"))
			if got, want := codeOf(err), codes.want(c.name); got != want {
				t.Errorf("got %q (%v), want %q", got, err, want)
			}
			want := "User: arn:aws:iam::111122223333:user/faaswarden is not authorized to perform: "
			if !strings.Contains(messageOf(err), want) || !strings.Contains(messageOf(err), says[c.name]) {
				t.Errorf("message %q, want it to say %q", messageOf(err), says[c.name])
			}
			service, operation, _ := strings.Cut(c.name, ".")
			if r := h.Calls().Operation(service, operation); r.Denied != 1 || r.Calls != 1 {
				t.Errorf("the ledger says %+v", r)
			}
		})
	}
	t.Run("nobody needs leave to ask who they are", func(t *testing.T) {
		t.Parallel()
		if _, err := sdkCalls()[0].call(context.Background(), h.config("us-east-1")); err != nil {
			t.Error(err)
		}
	})
}

func TestDenialOfOneResource(t *testing.T) {
	t.Parallel()
	h := serve(t, Options{World: testWorld(), Deny: []string{"lambda:Get*y arn:*:function:worker", "lambda:listtags arn:*:plain-00?"}})
	ctx, client := context.Background(), lambda.NewFromConfig(h.config("us-east-1"))
	for name, want := range map[string]string{"worker": "AccessDeniedException", "image": "ResourceNotFoundException"} {
		if _, err := client.GetPolicy(ctx, &lambda.GetPolicyInput{FunctionName: aws.String(name)}); codeOf(err) != want {
			t.Errorf("%s: got %v, want %s", name, err, want)
		}
	}
	for name, want := range map[string]string{"plain-001": "AccessDeniedException", "plain-010": "", "image": "AccessDeniedException"} {
		f, err := client.GetFunction(ctx, &lambda.GetFunctionInput{FunctionName: aws.String(name)})
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		if f.TagsError != nil {
			got = *f.TagsError.ErrorCode
		}
		if got != want || want != "" && f.Tags != nil {
			t.Errorf("%s: tags error %q, tags %v, want %q", name, got, f.Tags, want)
		}
		if _, err := client.ListTags(ctx, &lambda.ListTagsInput{Resource: aws.String(lambdaARN + name)}); codeOf(err) != want {
			t.Errorf("%s: ListTags got %v, want %q", name, err, want)
		}
	}
}

// TestQuirks are answers that surprise, as the services give them.
func TestQuirks(t *testing.T) {
	t.Parallel()
	h := serve(t, Options{World: testWorld(), Limits: Limits{Off: true}})
	ctx, cfg := context.Background(), h.config("us-east-1")
	client := lambda.NewFromConfig(cfg)
	t.Run("no policy is not found", func(t *testing.T) {
		t.Parallel()
		_, err := client.GetPolicy(ctx, &lambda.GetPolicyInput{FunctionName: aws.String("image")})
		if codeOf(err) != "ResourceNotFoundException" || messageOf(err) != "The resource you requested does not exist." {
			t.Errorf("got %v", err)
		}
	})
	t.Run("no function is not found either", func(t *testing.T) {
		t.Parallel()
		_, err := client.GetFunction(ctx, &lambda.GetFunctionInput{FunctionName: aws.String("nosuch")})
		if codeOf(err) != "ResourceNotFoundException" || messageOf(err) != "Function not found: "+lambdaARN+"nosuch" {
			t.Errorf("got %v", err)
		}
	})
	t.Run("concurrency unset is empty, zero is zero", func(t *testing.T) {
		t.Parallel()
		unset, err := client.GetFunctionConcurrency(ctx, &lambda.GetFunctionConcurrencyInput{FunctionName: aws.String("image")})
		if err != nil || unset.ReservedConcurrentExecutions != nil {
			t.Errorf("unset: %v, %v", unset, err)
		}
		zero, err := client.GetFunctionConcurrency(ctx, &lambda.GetFunctionConcurrencyInput{FunctionName: aws.String("worker")})
		if err != nil || zero.ReservedConcurrentExecutions == nil || *zero.ReservedConcurrentExecutions != 0 {
			t.Errorf("zero: %v, %v", zero, err)
		}
	})
	t.Run("an image has no runtime and no handler", func(t *testing.T) {
		t.Parallel()
		f, err := client.GetFunctionConfiguration(ctx, &lambda.GetFunctionConfigurationInput{FunctionName: aws.String("image")})
		if err != nil || f.Runtime != "" || f.Handler != nil || f.PackageType != "Image" {
			t.Errorf("got %+v, %v", f, err)
		}
	})
	t.Run("listings tell no state", func(t *testing.T) {
		t.Parallel()
		list, err := client.ListVersionsByFunction(ctx, &lambda.ListVersionsByFunctionInput{FunctionName: aws.String("111122223333:function:worker")})
		if err != nil || list.Versions[0].State != "" || *list.Versions[0].FunctionArn != lambdaARN+"worker:$LATEST" {
			t.Errorf("got %+v, %v", list, err)
		}
	})
	t.Run("tags that cannot be read look untagged to the tagging API", func(t *testing.T) {
		t.Parallel()
		out, err := resourcegroupstaggingapi.NewFromConfig(cfg).GetResources(ctx, &resourcegroupstaggingapi.GetResourcesInput{
			ResourceTypeFilters: []string{"lambda:function"}, TagFilters: []tagtypes.TagFilter{{Key: aws.String("owner"), Values: []string{"payments"}}},
		})
		if err != nil || len(out.ResourceTagMappingList) != 1 || *out.ResourceTagMappingList[0].ResourceARN != lambdaARN+"worker" || *out.PaginationToken != "" {
			t.Errorf("got %+v, %v", out, err)
		}
	})
	t.Run("policies of IAM are URL-encoded, Lambda's are not", func(t *testing.T) {
		t.Parallel()
		role, err := iam.NewFromConfig(cfg).GetRole(ctx, &iam.GetRoleInput{RoleName: aws.String("worker")})
		if err != nil || !strings.HasPrefix(*role.Role.AssumeRolePolicyDocument, "%7B%22Version%22") {
			t.Errorf("got %+v, %v", role, err)
		}
		policy, err := client.GetPolicy(ctx, &lambda.GetPolicyInput{FunctionName: aws.String("worker")})
		if err != nil || !strings.HasPrefix(*policy.Policy, `{"Version"`) {
			t.Errorf("got %+v, %v", policy, err)
		}
	})
	t.Run("the first region has no location", func(t *testing.T) {
		t.Parallel()
		for bucket, want := range map[string]string{"uploads": "", "archive": "eu-west-1"} {
			out, err := s3.NewFromConfig(cfg).GetBucketLocation(ctx, &s3.GetBucketLocationInput{Bucket: aws.String(bucket)})
			if err != nil || string(out.LocationConstraint) != want {
				t.Errorf("%s: got %+v, %v", bucket, out, err)
			}
		}
	})
	t.Run("buckets are asked in their region", func(t *testing.T) {
		t.Parallel()
		in := &s3.GetBucketNotificationConfigurationInput{Bucket: aws.String("archive")}
		if _, err := s3.NewFromConfig(cfg).GetBucketNotificationConfiguration(ctx, in); codeOf(err) != "AuthorizationHeaderMalformed" {
			t.Errorf("got %v", err)
		}
		if out, err := s3.NewFromConfig(h.config("eu-west-1")).GetBucketNotificationConfiguration(ctx, in); err != nil || out.EventBridgeConfiguration != nil {
			t.Errorf("got %+v, %v", out, err)
		}
		if _, err := s3.NewFromConfig(cfg).GetBucketLocation(ctx, &s3.GetBucketLocationInput{Bucket: aws.String("nosuch")}); codeOf(err) != "NoSuchBucket" {
			t.Errorf("got %v", err)
		}
	})
	t.Run("a region with nothing in it answers with nothing", func(t *testing.T) {
		t.Parallel()
		for _, c := range []sdkCall{
			{"lambda", func(ctx context.Context, c aws.Config) (any, error) {
				out, err := lambda.NewFromConfig(c).ListFunctions(ctx, nil)
				return len(out.Functions), err
			}},
			{"ec2", func(ctx context.Context, c aws.Config) (any, error) {
				out, err := ec2.NewFromConfig(c).DescribeSubnets(ctx, nil)
				return len(out.Subnets), err
			}},
			{"sqs", func(ctx context.Context, c aws.Config) (any, error) {
				out, err := sqs.NewFromConfig(c).ListQueues(ctx, nil)
				return len(out.QueueUrls), err
			}},
		} {
			if n, err := c.call(ctx, h.config("ap-south-1")); err != nil || n != 0 {
				t.Errorf("%s: %v, %v", c.name, n, err)
			}
		}
		for _, c := range sdkCalls() {
			service, _, _ := strings.Cut(c.name, ".")
			if service != "monitoring" && service != "logs" && service != "tagging" && service != "ec2" || c.name == "logs.DescribeSubscriptionFilters" {
				continue // what names a resource finds none
			}
			if _, err := c.call(ctx, h.config("ap-south-1")); err != nil {
				t.Errorf("%s: %v", c.name, err)
			}
		}
		buses, err := eventbridge.NewFromConfig(h.config("ap-south-1")).ListEventBuses(ctx, nil)
		if err != nil || len(buses.EventBuses) != 1 || *buses.EventBuses[0].Name != "default" {
			t.Errorf("every region has a default bus: %+v, %v", buses, err)
		}
	})
}

func TestEC2Filters(t *testing.T) {
	t.Parallel()
	h := serve(t, Options{World: testWorld()})
	ctx, client := context.Background(), ec2.NewFromConfig(h.config("us-east-1"))
	filter := func(name string, values ...string) []ec2types.Filter {
		return []ec2types.Filter{{Name: aws.String(name), Values: values}}
	}
	for _, test := range []struct {
		filters []ec2types.Filter
		want    string
	}{
		{filter("vpc-id", "vpc-1"), "sg-1 sg-2"},
		{filter("group-name", "data*"), "sg-2"},
		{filter("ip-permission.group-id", "sg-1"), "sg-2"},
		{filter("egress.ip-permission.cidr", "0.0.0.0/0"), "sg-1"},
		{filter("tag:owner", "payments", "x"), "sg-1"},
		{filter("tag-key", "owner"), "sg-1"},
		{append(filter("vpc-id", "vpc-1"), filter("group-id", "sg-2")...), "sg-2"},
		{filter("vpc-id", "vpc-2"), ""},
	} {
		out, err := client.DescribeSecurityGroups(ctx, &ec2.DescribeSecurityGroupsInput{Filters: test.filters})
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, g := range out.SecurityGroups {
			got = append(got, *g.GroupId)
		}
		if strings.Join(got, " ") != test.want {
			t.Errorf("%s: got %v, want %s", *test.filters[0].Name, got, test.want)
		}
	}
	if _, err := client.DescribeSubnets(ctx, &ec2.DescribeSubnetsInput{Filters: filter("colour", "red")}); codeOf(err) != "InvalidParameterValue" {
		t.Errorf("unknown filter: %v", err)
	}
	if _, err := client.DescribeSubnets(ctx, &ec2.DescribeSubnetsInput{SubnetIds: []string{"subnet-1", "subnet-x"}}); codeOf(err) != "InvalidSubnetID.NotFound" {
		t.Errorf("unknown id: %v", err)
	}
	one, err := client.DescribeRouteTables(ctx, &ec2.DescribeRouteTablesInput{Filters: filter("association.subnet-id", "subnet-1")})
	if err != nil || len(one.RouteTables) != 1 || len(one.RouteTables[0].Associations) != 2 {
		t.Errorf("got %+v, %v", one, err)
	}
	group, err := client.DescribeSecurityGroups(ctx, &ec2.DescribeSecurityGroupsInput{GroupIds: []string{"sg-2"}})
	if err != nil {
		t.Fatal(err)
	}
	rule := group.SecurityGroups[0].IpPermissions[0]
	if *group.SecurityGroups[0].Description != "postgres" || *rule.FromPort != 5432 || *rule.UserIdGroupPairs[1].VpcPeeringConnectionId != "pcx-1" {
		t.Errorf("got %+v", group.SecurityGroups[0])
	}
}

// TestRefusedRequests are requests that no SDK sends, or that break a constraint.
func TestRefusedRequests(t *testing.T) {
	t.Parallel()
	h := serve(t, Options{World: testWorld(), Limits: Limits{Off: true}})
	cbor := map[string]string{"Smithy-Protocol": "rpc-v2-cbor", "Content-Type": "application/cbor", "X-Amzn-Query-Mode": "true"}
	form := map[string]string{"Content-Type": "application/x-www-form-urlencoded"}
	for _, test := range []struct {
		name, service, method, path, body string
		header                            map[string]string
		status                            int
		says                              string
	}{
		{"json: unknown operation", "logs", "POST", "/", "{}", jsonHeader("Logs_20140328.Nonsense"), 400, `"__type":"UnknownOperationException"`},
		{"json: unknown target", "logs", "POST", "/", "{}", jsonHeader("Other.DescribeLogGroups"), 400, "UnknownOperationException"},
		{"json: malformed", "logs", "POST", "/", `{"limit":`, jsonHeader("Logs_20140328.DescribeLogGroups"), 400, "SerializationException"},
		{"json: missing", "events", "POST", "/", `{}`, jsonHeader("AWSEvents.ListTargetsByRule"), 400, "Value null at 'rule' failed to satisfy constraint: Member must not be null"},
		{"json: too many", "logs", "POST", "/", `{"limit":51}`, jsonHeader("Logs_20140328.DescribeLogGroups"), 400, "Value '51' at 'limit' failed to satisfy constraint: Member must have value less than or equal to 50"},
		{"rest: unknown path", "lambda", "GET", "/2015-03-31/nonsense", "", nil, 404, ""},
		{"rest: not simulated", "lambda", "GET", "/2025-11-30/capacity-providers", "", nil, 403, "not authorized to perform: lambda:ListCapacityProviders on resource: *"},
		{"rest: not simulated, by a parameter", "lambda", "GET", "/2018-10-31/layers?find=LayerVersion&Arn=x", "", nil, 403, "lambda:GetLayerVersionByArn"},
		{"rest: not a number", "lambda", "GET", "/2015-03-31/functions?MaxItems=many", "", nil, 400, "MaxItems"},
		{"rest: out of range", "lambda", "GET", "/2015-03-31/functions?MaxItems=0", "", nil, 400, "greater than or equal to 1"},
		{"query: unknown action", "sts", "POST", "/", "Action=Nonsense&Version=2011-06-15", form, 400, "<Code>InvalidAction</Code>"},
		{"query: no action", "sts", "POST", "/", "Version=2011-06-15", form, 400, "<Code>InvalidAction</Code>"},
		{"query: missing", "iam", "POST", "/", "Action=GetRole", form, 400, "<Code>ValidationError</Code>"},
		{"ec2: unknown action", "ec2", "POST", "/", "Action=Nonsense", form, 400, "The action Nonsense is not valid for this web service."},
		{"ec2: out of range", "ec2", "POST", "/", "Action=DescribeVpcs&MaxResults=2", form, 400, "InvalidParameterValue"},
		{"cbor: unknown operation", "monitoring", "POST", "/service/GraniteServiceVersion20100801/operation/Nonsense", "", cbor, 404, "UnknownOperationException"},
		{"cbor: malformed", "monitoring", "POST", "/service/GraniteServiceVersion20100801/operation/ListMetrics", "\xff\xff", cbor, 400, "SerializationException"},
		{"cbor: missing", "monitoring", "POST", "/service/GraniteServiceVersion20100801/operation/GetMetricData", "\xa0", cbor, 400, "3 validation errors detected"},
		{"s3: unknown", "s3", "PUT", "/uploads", "", nil, 403, "<Code>AccessDenied</Code>"},
		{"a service that is not simulated", "athena", "POST", "/", "{}", jsonHeader("AmazonAthena.ListWorkGroups"), 400, "UnknownOperationException"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			status, text, header := send(t, h.signedRequest(t, test.service, test.method, test.path, test.body, test.header))
			says := text + header.Get("X-Amzn-Errortype")
			if status != test.status || !strings.Contains(strings.ToLower(says), strings.ToLower(test.says)) {
				t.Errorf("answered %d %s, want %d and %q", status, says, test.status, test.says)
			}
			if header.Get("X-Amzn-Requestid") == "" {
				t.Error("no request id")
			}
		})
	}
}

// TestLedger: calls and billed units are counted by operation and region, and
// many clients at once confuse nothing.
func TestLedger(t *testing.T) {
	t.Parallel()
	h := serve(t, Options{World: testWorld(), Limits: Limits{Off: true}})
	var group sync.WaitGroup
	for range 4 {
		for _, c := range sdkCalls() {
			group.Go(func() {
				if _, err := c.call(context.Background(), h.config("us-east-1")); err != nil {
					t.Errorf("%s: %v", c.name, err)
				}
			})
		}
	}
	group.Wait()
	stats := h.Calls()
	if len(stats.Calls) != len(sdkCalls()) {
		t.Errorf("%d operations counted, want %d", len(stats.Calls), len(sdkCalls()))
	}
	for _, r := range stats.Calls {
		if r.Calls != 4 || r.Region != "us-east-1" || r.Failed+r.Denied+r.Throttled != 0 || r.MaxPerSecond < 1 {
			t.Errorf("%+v", r)
		}
	}
	for call, want := range map[string]string{
		"ce.GetCostAndUsage": "4 page", "monitoring.GetMetricData": "4 metric", "monitoring.ListMetrics": "4 request", "lambda.ListFunctions": "0 ",
	} {
		service, operation, _ := strings.Cut(call, ".")
		r := stats.Operation(service, operation)
		if got := fmt.Sprint(r.Billed, " ", r.BilledUnit); got != want {
			t.Errorf("%s: billed %q, want %q", call, got, want)
		}
	}
}

func TestMaxPerSecondSlides(t *testing.T) {
	t.Parallel()
	var w window
	most := 0
	for _, ms := range []int{0, 600, 900, 1100, 1500, 3000} {
		most = max(most, w.add(noon.Add(time.Duration(ms)*time.Millisecond)))
	}
	if most != 4 {
		t.Errorf("%d within one second, want 4", most)
	}
}

func TestOptionsAreChecked(t *testing.T) {
	t.Parallel()
	for name, o := range map[string]Options{"nothing": {}, "both": {World: testWorld(), Recording: &Recording{}}} {
		if _, err := NewServer(o); err == nil {
			t.Errorf("%s to show: no error", name)
		}
	}
}

func TestStartAndClose(t *testing.T) {
	t.Parallel()
	s, err := NewServer(Options{World: testWorld()})
	if err != nil {
		t.Fatal(err)
	}
	url, err := s.Start("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	client := lambda.NewFromConfig(configFor(url, "us-east-1", ExampleCredential()))
	if _, err := client.GetAccountSettings(context.Background(), nil); err != nil {
		t.Error(err)
	}
	if _, err := s.Start("256.0.0.1:0"); err == nil {
		t.Error("listened on an address that is none")
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if _, err := client.GetAccountSettings(context.Background(), nil); err == nil {
		t.Error("answered after Close")
	}
}
