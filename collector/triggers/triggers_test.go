package triggers

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/faaswarden/faaswarden/internal/collect"
	"github.com/faaswarden/faaswarden/internal/collect/collecttest"
	"github.com/faaswarden/faaswarden/internal/schema"
)

const arnPrefix = "arn:aws:lambda:eu-west-1:123456789012:function:"

func functions() []schema.Function {
	return []schema.Function{
		{FunctionARN: arnPrefix + "orders", FunctionName: "orders", DLQARN: "arn:aws:sns:eu-west-1:123456789012:failed"},
		{FunctionARN: arnPrefix + "thumbs", FunctionName: "thumbs"},
	}
}

func xml(action, result string) collecttest.Answer {
	return collecttest.Body("<" + action + `Response xmlns="http://sns.amazonaws.com/doc/2010-03-31/"><` + action + "Result>" + result + "</" + action + "Result></" + action + "Response>")
}

func entry(key, value string) string {
	return "<entry><key>" + key + "</key><value>" + value + "</value></entry>"
}

// account answers every source, each over two pages where the service has pages.
func account(t *testing.T) *collecttest.Wire {
	t.Helper()
	const queueURL = "https://sqs.eu-west-1.amazonaws.com/123456789012/"
	return collecttest.NewWire(map[string]collecttest.Answer{
		"lambda:ListEventSourceMappings": collecttest.File(t, "testdata/mappings.json"),
		"lambda:GetPolicy": collecttest.Select(map[string]collecttest.Answer{
			"/orders": collecttest.File(t, "testdata/policy.json"),
			"/thumbs": collecttest.Fail("lambda", 404, "ResourceNotFoundException", "The resource you requested does not exist."),
		}, nil),
		"lambda:ListFunctionEventInvokeConfigs": collecttest.Select(map[string]collecttest.Answer{
			"/orders": collecttest.Body(`{"FunctionEventInvokeConfigs":[{"FunctionArn":"` + arnPrefix + `orders:$LATEST","MaximumRetryAttempts":0,"MaximumEventAgeInSeconds":3600,"LastModified":1790000000.0,
				"DestinationConfig":{"OnSuccess":{"Destination":"arn:aws:events:eu-west-1:123456789012:event-bus/shop"},"OnFailure":{"Destination":"` + arnPrefix + `thumbs:live"}}}]}`),
			"/thumbs": collecttest.Body(`{"FunctionEventInvokeConfigs":[]}`),
		}, nil),
		"sqs:ListQueues": collecttest.Select(map[string]collecttest.Answer{
			`"NextToken":"n"`: collecttest.Body(`{"QueueUrls":["` + queueURL + `jobs.fifo","` + queueURL + `gone"]}`),
		}, collecttest.Body(`{"QueueUrls":["`+queueURL+`orders"],"NextToken":"n"}`)),
		"sqs:GetQueueAttributes": collecttest.Select(map[string]collecttest.Answer{
			"/orders":    collecttest.Body(`{"Attributes":{"QueueArn":"arn:aws:sqs:eu-west-1:123456789012:orders","VisibilityTimeout":"180","MessageRetentionPeriod":"345600","RedrivePolicy":"{\"deadLetterTargetArn\":\"arn:aws:sqs:eu-west-1:123456789012:orders-dlq\",\"maxReceiveCount\":\"5\"}"}}`),
			"/jobs.fifo": collecttest.Body(`{"Attributes":{"QueueArn":"arn:aws:sqs:eu-west-1:123456789012:jobs.fifo","VisibilityTimeout":"30","MessageRetentionPeriod":"60","RedrivePolicy":"{\"deadLetterTargetArn\":\"arn:aws:sqs:eu-west-1:123456789012:jobs-dlq.fifo\",\"maxReceiveCount\":3}"}}`),
			"/gone":      collecttest.Fail("sqs", 400, "com.amazonaws.sqs#QueueDoesNotExist", "The specified queue does not exist."),
		}, nil),
		"sns:ListSubscriptions": collecttest.Select(map[string]collecttest.Answer{
			"NextToken=n": xml("ListSubscriptions", `<Subscriptions><member><TopicArn>arn:aws:sns:eu-west-1:123456789012:orders</TopicArn><Protocol>sqs</Protocol><SubscriptionArn>PendingConfirmation</SubscriptionArn><Owner>1</Owner><Endpoint>arn:aws:sqs:eu-west-1:999999999999:theirs</Endpoint></member></Subscriptions>`),
		}, xml("ListSubscriptions", `<Subscriptions>`+
			`<member><TopicArn>arn:aws:sns:eu-west-1:123456789012:orders</TopicArn><Protocol>lambda</Protocol><SubscriptionArn>arn:aws:sns:eu-west-1:123456789012:orders:6b0e71bd</SubscriptionArn><Owner>1</Owner><Endpoint>`+arnPrefix+`orders:live</Endpoint></member>`+
			`<member><TopicArn>arn:aws:sns:eu-west-1:123456789012:orders</TopicArn><Protocol>email</Protocol><SubscriptionArn>arn:aws:sns:eu-west-1:123456789012:orders:7</SubscriptionArn><Owner>1</Owner><Endpoint>someone@example.com</Endpoint></member>`+
			`</Subscriptions><NextToken>n</NextToken>`)),
		"sns:GetSubscriptionAttributes": xml("GetSubscriptionAttributes", "<Attributes>"+entry("FilterPolicy", `{"kind":["new"]}`)+entry("FilterPolicyScope", "MessageBody")+
			entry("RawMessageDelivery", "false")+entry("RedrivePolicy", `{"deadLetterTargetArn":"arn:aws:sqs:eu-west-1:123456789012:topic-dlq"}`)+"</Attributes>"),
		"s3:ListBuckets": collecttest.Body(`<ListAllMyBucketsResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Buckets>` +
			`<Bucket><Name>images</Name><BucketRegion>eu-west-1</BucketRegion></Bucket><Bucket><Name>elsewhere</Name><BucketRegion>us-east-1</BucketRegion></Bucket>` +
			`<Bucket><Name>unplaced</Name></Bucket><Bucket><Name>quiet</Name><BucketRegion>eu-west-1</BucketRegion></Bucket><Bucket><Name>gone</Name><BucketRegion>eu-west-1</BucketRegion></Bucket></Buckets></ListAllMyBucketsResult>`),
		"s3:GetBucketLocation": collecttest.Body(`<LocationConstraint xmlns="http://s3.amazonaws.com/doc/2006-03-01/">ap-south-1</LocationConstraint>`),
		"s3:GetBucketNotificationConfiguration": collecttest.Select(map[string]collecttest.Answer{ // the bucket is in the host's name
			"//images.s3.": collecttest.File(t, "testdata/notification.xml"),
			"//gone.s3.":   collecttest.Fail("s3", 404, "NoSuchBucket", "The specified bucket does not exist"),
			"//quiet.s3.":  collecttest.Body(`<NotificationConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/"/>`),
		}, nil),
		"events:ListEventBuses": collecttest.Body(`{"EventBuses":[{"Name":"default","Arn":"arn:aws:events:eu-west-1:123456789012:event-bus/default"},{"Name":"shop","Arn":"arn:aws:events:eu-west-1:123456789012:event-bus/shop"}]}`),
		"events:ListRules": collecttest.Select(map[string]collecttest.Answer{
			`"EventBusName":"shop"`: collecttest.Body(`{"Rules":[{"Name":"paid","Arn":"arn:aws:events:eu-west-1:123456789012:rule/shop/paid","EventPattern":"{\"detail-type\":[\"paid\"]}","State":"ENABLED","EventBusName":"shop"}]}`),
			`"NextToken":"n"`:       collecttest.Body(`{"Rules":[{"Name":"both","Arn":"arn:aws:events:eu-west-1:123456789012:rule/both","EventPattern":"{\"source\":[\"aws.s3\"]}","ScheduleExpression":"cron(0 3 * * ? *)","State":"DISABLED","ManagedBy":"x.amazonaws.com"}]}`),
		}, collecttest.Body(`{"NextToken":"n","Rules":[{"Name":"nightly","Arn":"arn:aws:events:eu-west-1:123456789012:rule/nightly","ScheduleExpression":"rate(1 day)","State":"ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS"}]}`)),
		"events:ListTargetsByRule": collecttest.Select(map[string]collecttest.Answer{
			`"Rule":"paid"`:    collecttest.Body(`{"Targets":[{"Id":"1","Arn":"` + arnPrefix + `orders:live","DeadLetterConfig":{"Arn":"arn:aws:sqs:eu-west-1:123456789012:rule-dlq"}},{"Id":"2","Arn":"arn:aws:sqs:eu-west-1:123456789012:orders"}]}`),
			`"Rule":"nightly"`: collecttest.Body(`{"Targets":[{"Id":"1","Arn":"` + arnPrefix + `thumbs"}]}`),
			`"Rule":"both"`:    collecttest.Body(`{"Targets":[{"Id":"1","Arn":"` + arnPrefix + `thumbs"}]}`),
		}, nil),
	})
}

func TestDeclaration(t *testing.T) {
	t.Parallel()
	relations, err := schema.Relations()
	if err != nil {
		t.Fatal(err)
	}
	alone := *Collector
	alone.Reads = nil
	if err := collect.Validate([]*collect.Collector{&alone}, relations); err != nil {
		t.Error(err)
	}
	got := Collector.Estimate(collect.Inventory{Accounts: 1, Regions: 1, Functions: 1000}).Calls
	if want := 1008*730.0/6 + 2400*730.0/24; got < want-1 || got > want+1 {
		t.Errorf("estimate %v, want %v", got, want)
	}
}

func TestAccount(t *testing.T) {
	t.Parallel()
	f := collecttest.New(t, Collector, collecttest.Options{Wire: account(t), Functions: functions()})
	f.Collect(t)
	f.Golden(t, "account")
	if strings.Contains(f.Dump(), "someone@") {
		t.Error("a mail address was stored")
	}
}

// Each source is denied by itself, and answers nonsense by itself: the gap is
// its own, and the edges of all others are what they were.
func TestOneSourceLess(t *testing.T) {
	t.Parallel()
	whole := collecttest.New(t, Collector, collecttest.Options{Wire: account(t), Functions: functions()})
	whole.Collect(t)
	all := whole.CompletionList()
	for _, tt := range []struct {
		action  string
		gaps    []string // with "…" for the outcome
		without []string // completions that are then missing
	}{
		{"lambda:ListEventSourceMappings", []string{"edges/esm …", "event_source_mapping_details/ …", "event_source_mappings/ …"}, []string{"edges/esm", "event_source_mapping_details/", "event_source_mappings/"}},
		{"lambda:GetPolicy", []string{"edges/policy …", "function_policy_statements/ …"}, []string{"edges/policy", "function_policy_statements/"}},
		{"lambda:ListFunctionEventInvokeConfigs", []string{"edges/invoke_config …", "event_invoke_configs/ …"}, []string{"edges/invoke_config", "event_invoke_configs/"}},
		{"sqs:ListQueues", []string{"edges/sqs …", "queues/ …"}, []string{"edges/sqs", "queues/"}},
		{"sqs:GetQueueAttributes", []string{"edges/sqs …", "queues/ …"}, []string{"edges/sqs", "queues/"}},
		{"sns:ListSubscriptions", []string{"edges/sns …"}, []string{"edges/sns"}},
		{"sns:GetSubscriptionAttributes", []string{"edges/sns_filter …"}, nil},
		{"s3:ListBuckets", []string{"edges/s3 …"}, []string{"edges/s3"}},
		{"s3:GetBucketLocation", []string{"edges/s3 …"}, []string{"edges/s3"}},
		{"s3:GetBucketNotificationConfiguration", []string{"edges/s3 …"}, []string{"edges/s3"}},
		{"events:ListEventBuses", []string{"edges/events …"}, []string{"edges/events"}},
		{"events:ListRules", []string{"edges/events …"}, []string{"edges/events"}},
		{"events:ListTargetsByRule", []string{"edges/events …"}, []string{"edges/events"}},
	} {
		for outcome, answer := range map[string]collecttest.Answer{"denied": nil, "failed": collecttest.HTML(404)} {
			t.Run(tt.action+" "+outcome, func(t *testing.T) {
				t.Parallel()
				f := collecttest.New(t, Collector, collecttest.Options{Wire: account(t).On(tt.action, answer), Functions: functions()})
				f.Collect(t)
				var got []string
				for _, g := range f.Gaps() {
					got = append(got, g.TableName+"/"+g.Kind+" …")
					if g.Outcome != outcome || !strings.EqualFold(strings.TrimSuffix(tt.action, "Configuration"), g.Action) && g.Action != "s3:ListAllMyBuckets" {
						t.Errorf("gap: %+v", g)
					}
				}
				if diff := cmp.Diff(tt.gaps, slices.Compact(slices.Sorted(slices.Values(got)))); diff != "" {
					t.Errorf("gaps (-want +got):\n%s", diff)
				}
				var want []string
				for _, c := range all {
					if !slices.Contains(tt.without, c) {
						want = append(want, c)
					}
				}
				if diff := cmp.Diff(want, f.CompletionList()); diff != "" {
					t.Errorf("completions (-want +got):\n%s", diff)
				}
				kind := strings.TrimSuffix(strings.TrimPrefix(tt.gaps[0], "edges/"), " …")
				if diff := cmp.Diff(others(whole, kind), others(f, kind)); diff != "" {
					t.Errorf("edges of other sources (-want +got):\n%s", diff)
				}
			})
		}
	}
}

// others are the edges that do not come from a source; those of the topics
// count as the filters' source, too.
func others(f *collecttest.Fixture, kind string) []schema.Edge {
	var list []schema.Edge
	for _, e := range collecttest.Rows[schema.Edge](f.Sink) {
		if e.SourceKind != strings.TrimSuffix(kind, "_filter") {
			list = append(list, e)
		}
	}
	return list
}

func TestUnreadFiltersLeaveTheEdge(t *testing.T) {
	t.Parallel()
	f := collecttest.New(t, Collector, collecttest.Options{Wire: account(t).On("sns:GetSubscriptionAttributes", nil), Functions: functions()})
	f.Collect(t)
	found := false
	for _, e := range collecttest.Rows[schema.Edge](f.Sink) {
		if e.Kind == "subscription" && e.Enabled {
			found = true
			if e.Filter != "" || e.Attributes["filter"] != "not read" {
				t.Errorf("edge: %+v", e)
			}
		}
	}
	if !found {
		t.Error("the subscription's edge is lost")
	}
}

func TestMalformedPieces(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		action string
		answer collecttest.Answer
		gaps   []string
	}{
		{"lambda:ListEventSourceMappings", collecttest.Body(`{"EventSourceMappings":[{"UUID":"u"}]}`), []string{"edges/esm failed", "event_source_mapping_details/ failed", "event_source_mappings/ failed"}},
		{"lambda:GetPolicy", collecttest.Body(`{"Policy":"{\"Statement\":"}`), []string{
			"edges/policy arn:…:orders failed", "edges/policy arn:…:thumbs failed", "function_policy_statements/ arn:…:orders failed", "function_policy_statements/ arn:…:thumbs failed",
		}},
		{"lambda:GetPolicy", collecttest.File(t, "testdata/policy.json"), []string{"edges/policy arn:…:thumbs failed", "function_policy_statements/ arn:…:thumbs failed"}}, // it is about orders
		{"sqs:GetQueueAttributes", collecttest.Body(`{"Attributes":{"QueueArn":"arn:aws:sqs:eu-west-1:123456789012:orders","VisibilityTimeout":"soon"}}`), []string{
			"edges/sqs arn:…:gone failed", "edges/sqs arn:…:jobs.fifo failed", "edges/sqs arn:…:orders failed", "queues/ arn:…:gone failed", "queues/ arn:…:jobs.fifo failed", "queues/ arn:…:orders failed",
		}},
		{"events:ListRules", collecttest.Body(`{"Rules":[{"State":"ENABLED"}]}`), []string{"edges/events arn:…:event-bus/default failed", "edges/events arn:…:event-bus/shop failed"}},
		{"events:ListRules", collecttest.Body(`{"Rules":[],"NextToken":"again"}`), []string{"edges/events arn:…:event-bus/default failed", "edges/events arn:…:event-bus/shop failed"}},
	} {
		f := collecttest.New(t, Collector, collecttest.Options{Wire: account(t).On(tt.action, tt.answer), Functions: functions()})
		f.Collect(t)
		if diff := cmp.Diff(tt.gaps, f.GapList()); diff != "" {
			t.Errorf("%s: gaps (-want +got):\n%s", tt.action, diff)
		}
	}
}

func TestASinkThatFailsEndsTheRun(t *testing.T) {
	t.Parallel()
	f := collecttest.New(t, Collector, collecttest.Options{Wire: account(t), Functions: functions()})
	f.Sink.PutErr = errors.New("disk full")
	if err := Collector.Collect(t.Context(), f.Run); err == nil || !strings.Contains(err.Error(), "disk full") {
		t.Errorf("error: %v", err)
	}
}

func TestRecorded(t *testing.T) {
	t.Parallel()
	for name, region := range map[string]string{"event-source-mapping": "us-east-1", "permissions": "us-east-2", "resource-policies": "us-west-2"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := filepath.Join("testdata", "recorded", name)
			f := collecttest.Replay(t, dir).Run(t, Collector, collecttest.Options{
				Account: "644160558196", Region: region, Functions: recordedFunctions(t, dir),
			})
			f.Collect(t)
			f.Golden(t, "recorded_"+name)
		})
	}
}

// recordedFunctions is the recording's own inventory.
func recordedFunctions(t *testing.T, dir string) []schema.Function {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(dir, "lambda.ListFunctions_1.json"))
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	var file struct {
		Data struct {
			Functions []struct{ FunctionName, FunctionArn string }
		} `json:"data"`
	}
	if err := errors.Join(err, json.Unmarshal(raw, &file)); err != nil {
		t.Fatal(err)
	}
	var list []schema.Function
	for _, fn := range file.Data.Functions {
		list = append(list, schema.Function{FunctionARN: fn.FunctionArn, FunctionName: fn.FunctionName})
	}
	return list
}
