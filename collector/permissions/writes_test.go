package permissions

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/faaswarden/faaswarden/internal/collect"
	"github.com/faaswarden/faaswarden/internal/schema"
)

func allow(action, resource string) string {
	return `{"Effect":"Allow","Action":"` + action + `","Resource":"` + resource + `"}`
}

func deny(action, resource string) string {
	return `{"Effect":"Deny","Action":"` + action + `","Resource":"` + resource + `"}`
}

func TestEdges(t *testing.T) {
	t.Parallel()
	const (
		topic  = "arn:aws:sns:eu-west-1:123456789012:t"
		next   = "arn:aws:lambda:eu-west-1:123456789012:function:next"
		table  = "arn:aws:dynamodb:eu-west-1:123456789012:table/t"
		stream = "arn:aws:kinesis:eu-west-1:123456789012:stream/s"
		bus    = "arn:aws:events:eu-west-1:123456789012:event-bus/b"
		flow   = "arn:aws:states:eu-west-1:123456789012:stateMachine:f"
		bucket = "arn:aws:s3:::images"
		both   = "permitted_and_referenced "
	)
	for _, tt := range []struct {
		name       string
		statements string
		boundary   string
		references []string
		unread     bool
		want       []string // "certainty target via filter"
	}{
		{name: "named, not referenced", statements: allow("sqs:SendMessage", queue), want: []string{"permitted " + queue + " p"}},
		{name: "named and referenced", statements: allow("sqs:SendMessage", queue), references: []string{queue}, want: []string{both + queue + " p"}},
		{name: "referenced under a wildcard", statements: allow("sqs:*", "arn:aws:sqs:*:*:ord*"), references: []string{queue}, want: []string{
			"permitted arn:aws:sqs:*:*:ord* p", both + queue + " p",
		}},
		{name: "everything, no reference: no edge", statements: allow("*", "*")},
		{name: "everything, one reference", statements: allow("*", "*"), references: []string{topic}, want: []string{both + topic + " p"}},
		{name: "actions compare without case", statements: allow("SQS:sendmessage*", queue), want: []string{"permitted " + queue + " p"}},
		{name: "reading is not writing", statements: allow("sqs:ReceiveMessage", queue), references: []string{queue}},
		{name: "another resource is not this one", statements: allow("sqs:SendMessage", queue+"-other"), references: []string{queue}, want: []string{"permitted " + queue + "-other p"}},
		{name: "denied outright", statements: allow("sqs:*", queue) + "," + deny("sqs:Send*", "*"), references: []string{queue}},
		{name: "denied on a condition", statements: allow("sqs:*", queue) + `,{"Effect":"Deny","Action":"*","Resource":"*","Condition":{"Bool":{"aws:SecureTransport":"false"}}}`, want: []string{"permitted " + queue + " p"}},
		{name: "denied by NotAction", statements: allow("sqs:*", queue) + `,{"Effect":"Deny","NotAction":["logs:*","sqs:Receive*"],"Resource":"*"}`},
		{name: "spared by NotAction", statements: allow("sqs:*", queue) + `,{"Effect":"Deny","NotAction":["logs:*","sqs:Send*"],"Resource":"*"}`, want: []string{"permitted " + queue + " p"}},
		{name: "denied by NotResource", statements: allow("sqs:*", queue) + `,{"Effect":"Deny","Action":"sqs:*","NotResource":"` + topic + `"}`},
		{name: "spared by NotResource", statements: allow("sqs:*", queue) + `,{"Effect":"Deny","Action":"sqs:*","NotResource":"arn:aws:sqs:*:*:ord*"}`, want: []string{"permitted " + queue + " p"}},
		{name: "allowed by NotAction", statements: `{"Effect":"Allow","NotAction":"iam:*","Resource":"*"}`, references: []string{queue}, want: []string{both + queue + " p"}},
		{name: "excluded by NotAction", statements: `{"Effect":"Allow","NotAction":"sqs:*","Resource":"*"}`, references: []string{queue}},
		{name: "allowed by NotResource", statements: `{"Effect":"Allow","Action":"sqs:*","NotResource":"` + queue + `-dlq"}`, references: []string{queue}, want: []string{both + queue + " p"}},
		{name: "excluded by NotResource", statements: `{"Effect":"Allow","Action":"sqs:*","NotResource":"arn:aws:sqs:*"}`, references: []string{queue}},
		{name: "inside the boundary", statements: allow("sqs:*", queue), boundary: allow("sqs:*", "*"), want: []string{"permitted " + queue + " p"}},
		{name: "outside the boundary", statements: allow("sqs:*", queue), boundary: allow("s3:*", "*"), references: []string{queue}},
		{name: "denied by the boundary", statements: allow("sqs:*", queue), boundary: allow("*", "*") + "," + deny("sqs:*", queue)},
		{name: "allowed on a condition", statements: `{"Effect":"Allow","Action":"sqs:*","Resource":"` + queue + `","Condition":{"StringEquals":{"aws:PrincipalTag/a":"b"}}}`, want: []string{"permitted " + queue + " p conditional"}},
		{name: "the role was not read wholly", statements: allow("s3:GetObject", "*"), references: []string{queue}, unread: true, want: []string{"referenced " + queue + " environment"}},

		{name: "a function by any qualifier", statements: allow("lambda:InvokeFunction", next+":*"), want: []string{"permitted " + next + " p"}},
		{name: "a function by name", statements: allow("lambda:Invoke*", next), references: []string{next}, want: []string{both + next + " p"}},
		{name: "all functions, one referenced", statements: allow("lambda:InvokeFunction", "arn:aws:lambda:eu-west-1:123456789012:function:*"), references: []string{next}, want: []string{
			"permitted arn:aws:lambda:eu-west-1:123456789012:function:* p", both + next + " p",
		}},
		{name: "itself", statements: allow("lambda:InvokeFunction", function), want: []string{"permitted " + function + " p"}},
		{name: "a table", statements: allow("dynamodb:UpdateItem", table), references: []string{table}, want: []string{both + table + " p"}},
		{name: "a table's indexes are not written", statements: allow("dynamodb:*", table+"/index/*"), references: []string{table}},
		{name: "a stream", statements: allow("kinesis:PutRecords", stream), want: []string{"permitted " + stream + " p"}},
		{name: "a bus", statements: allow("events:PutEvents", bus), want: []string{"permitted " + bus + " p"}},
		{name: "a state machine", statements: allow("states:StartExecution", flow), want: []string{"permitted " + flow + " p"}},
		{name: "several regions of one name", statements: allow("sns:Publish", "arn:aws:sns:*:123456789012:t"), references: []string{topic}, want: []string{
			"permitted arn:aws:sns:*:123456789012:t p", both + topic + " p",
		}},

		{name: "keys of a bucket", statements: allow("s3:PutObject", bucket+"/out/*"), want: []string{"permitted " + bucket + ` p out/* {"key_pattern":"out/*"}`}},
		{name: "all keys of a bucket", statements: allow("s3:PutObject*", bucket+"/*"), references: []string{bucket}, want: []string{both + bucket + ` p {"key_pattern":"*"}`}},
		{name: "the bucket itself is no object", statements: allow("s3:PutObject", bucket), references: []string{bucket}},
		{name: "all keys outrank some", statements: allow("s3:PutObject", bucket+"/out/*") + "," + allow("s3:*", "*"), references: []string{bucket}, want: []string{both + bucket + ` p {"key_pattern":"*"}`}},
		{
			name: "several key patterns", statements: `{"Effect":"Allow","Action":"s3:PutObject","Resource":["` + bucket + `/a/*","` + bucket + `/b/?.jpg","` + bucket + `/u/${aws:userid}"]}`,
			want: []string{"permitted " + bucket + ` p a/* {"key_pattern":"a/*"}`, "permitted " + bucket + ` p b/?.jpg {"key_pattern":"b/?.jpg"}`, "permitted " + bucket + ` p u/* {"key_pattern":"u/*"}`},
		},
		{name: "keys denied wholly", statements: allow("s3:PutObject", bucket+"/out/*") + "," + deny("s3:*", bucket+"/*")},
		{name: "keys denied in part", statements: allow("s3:PutObject", bucket+"/out/*") + "," + deny("s3:*", bucket+"/out/secret/*"), want: []string{"permitted " + bucket + ` p out/* {"key_pattern":"out/*"}`}},
		{name: "keys outside the boundary", statements: allow("s3:PutObject", bucket+"/out/*"), boundary: allow("s3:*", bucket+"/in/*")},
		{name: "buckets by pattern", statements: allow("s3:PutObject", "arn:aws:s3:::log-*/*"), references: []string{"arn:aws:s3:::log-1"}, want: []string{
			"permitted arn:aws:s3:::log-* p", both + `arn:aws:s3:::log-1 p {"key_pattern":"*"}`,
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := &role{Statements: mustParse(t, "p", tt.statements), Bounded: tt.boundary != ""}
			if r.Bounded {
				r.Boundary = mustParse(t, "boundary: b", tt.boundary)
			}
			if tt.unread {
				r.Answers = []answer{{"iam:ListRolePolicies", cmpopts.AnyError}}
			}
			fn := schema.Function{FunctionARN: function, EnvRefs: tt.references}
			var got []string
			for _, e := range edges(&collect.Run{}, fn, r) {
				line := e.Certainty + " " + e.DstARN + " " + e.Via
				if e.Attributes["conditional"] != "" {
					line += " conditional"
				}
				if e.Filter != "" {
					line += " " + e.Filter
				}
				if e.SrcARN != function || e.Kind != "writes" || e.SourceKind != "iam" || !e.Enabled || e.DstKind == "" {
					t.Errorf("edge: %+v", e)
				}
				got = append(got, line)
			}
			if diff := cmp.Diff(tt.want, got, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("edges (-want +got):\n%s", diff)
			}
		})
	}
}

func mustParse(t *testing.T, policy, statements string) []statement {
	t.Helper()
	list, err := parse(policy, `{"Version":"2012-10-17","Statement":[`+statements+`]}`)
	if err != nil {
		t.Fatal(err)
	}
	return list
}
