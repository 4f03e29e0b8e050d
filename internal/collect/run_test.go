package collect

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/aws/smithy-go"
	"github.com/google/go-cmp/cmp"
)

// apiError is an AWS error with a code.
type apiError struct{ code string }

func (e *apiError) Error() string                 { return "api error " + e.code }
func (e *apiError) ErrorCode() string             { return e.code }
func (e *apiError) ErrorMessage() string          { return "" }
func (e *apiError) ErrorFault() smithy.ErrorFault { return smithy.FaultUnknown }

func TestClassify(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		err  error
		want Outcome
		stop bool
	}{
		{nil, OK, false},
		{&apiError{"AccessDeniedException"}, Denied, false},
		{fmt.Errorf("list: %w", &apiError{"UnauthorizedOperation"}), Denied, false},
		{&apiError{"TooManyRequestsException"}, Throttled, false},
		{&apiError{"ResourceNotFoundException"}, Failed, false},
		{&apiError{"ExpiredToken"}, Failed, true},
		{fmt.Errorf("over: %w", ErrBudget), Skipped, false},
		{context.Canceled, Failed, true},
		{fmt.Errorf("wait: %w", context.DeadlineExceeded), Failed, true},
		{sinkError{errors.New("disk full")}, Failed, true},
		{callTimeoutError{"lambda:ListFunctions", 1}, Failed, false},
	} {
		if got := Classify(tt.err); got != tt.want {
			t.Errorf("Classify(%v) = %s, want %s", tt.err, got, tt.want)
		}
		if got := Stop(tt.err); got != tt.stop {
			t.Errorf("Stop(%v) = %v", tt.err, got)
		}
	}
}

func TestDescribeIsOneBoundedLine(t *testing.T) {
	t.Parallel()
	got := Describe(errors.New(strings.Repeat("é\n", 500)))
	if strings.Contains(got, "\n") || len([]rune(got)) != 401 || !strings.HasSuffix(got, "…") {
		t.Errorf("%d runes: %q", len([]rune(got)), got)
	}
	sdk := errors.New("operation error S3: ListBuckets, https response error StatusCode: 403, RequestID: 4f-1, HostID: x/y=, api error AccessDenied: not authorized")
	if got, want := Describe(sdk), "operation error S3: ListBuckets, HTTP 403, api error AccessDenied: not authorized"; got != want {
		t.Errorf("an AWS error: %q, want %q", got, want)
	}
	if Describe(nil) != "" {
		t.Error("nil has a description")
	}
}

func TestPages(t *testing.T) {
	t.Parallel()
	list := func(tokens ...string) (pages []string, err error) {
		i := 0
		err = Pages(t.Context(), "lambda:ListFunctions", func(_ context.Context, token *string) (*string, error) {
			asked := "first"
			if token != nil {
				asked = *token
			}
			pages = append(pages, asked)
			i++
			if i > len(tokens) {
				return nil, nil
			}
			if tokens[i-1] == "fail" {
				return nil, errors.New("broken")
			}
			return &tokens[i-1], nil
		})
		return pages, err
	}
	for _, tt := range []struct {
		name   string
		tokens []string
		pages  []string
		err    string
	}{
		{"one page", nil, []string{"first"}, ""},
		{"an empty token ends", []string{"a", "b", ""}, []string{"first", "a", "b"}, ""},
		{"a repeated token stops", []string{"a", "b", "a", "b"}, []string{"first", "a", "b"}, "lambda:ListFunctions: the page token repeats after 3 pages: a"},
		{"the same token at once", []string{"a", "a"}, []string{"first", "a"}, "lambda:ListFunctions: the page token repeats after 2 pages: a"},
		{"an error ends", []string{"a", "fail"}, []string{"first", "a"}, "broken"},
	} {
		pages, err := list(tt.tokens...)
		if diff := cmp.Diff(tt.pages, pages); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, diff)
		}
		if fmt.Sprint(err) != tt.err && (err != nil || tt.err != "") {
			t.Errorf("%s: error %v, want %s", tt.name, err, tt.err)
		}
	}
	_, err := list("x", "x")
	if !errors.Is(err, ErrRepeatedToken) {
		t.Errorf("error: %v", err)
	}
}

func TestEach(t *testing.T) {
	t.Parallel()
	var running, most, done atomic.Int64
	err := Each(t.Context(), 3, slices.Repeat([]int{1}, 50), func(context.Context, int) error {
		most.Store(max(most.Load(), running.Add(1)))
		defer running.Add(-1)
		done.Add(1)
		return nil
	})
	if err != nil || done.Load() != 50 || most.Load() > 3 {
		t.Errorf("%d done, %d at once, %v", done.Load(), most.Load(), err)
	}
	broken := errors.New("broken")
	err = Each(t.Context(), 2, []int{1, 2, 3}, func(_ context.Context, i int) error {
		if i == 2 {
			return broken
		}
		return nil
	})
	if !errors.Is(err, broken) {
		t.Errorf("error: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := Each(ctx, 2, []int{1, 2}, func(context.Context, int) error { return nil }); !errors.Is(err, context.Canceled) {
		t.Errorf("ended context: %v", err)
	}
}

func TestProbe(t *testing.T) {
	t.Parallel()
	denied, throttled := &apiError{"AccessDenied"}, &apiError{"Throttling"}
	for _, tt := range []struct {
		name    string
		answers map[string]error
		gaps    []string
		whole   bool
	}{
		{"all answered", map[string]error{"a": nil, "b": nil}, nil, true},
		{"none asked", nil, nil, true},
		{"denied everywhere is one gap", map[string]error{"a": denied, "b": denied}, []string{" denied"}, false},
		{"denied for one is its gap", map[string]error{"a": nil, "b": denied}, []string{"b denied"}, false},
		{"other failures are each their own", map[string]error{"a": nil, "b": throttled, "c": throttled}, []string{"b throttled", "c throttled"}, false},
		{"denied and throttled", map[string]error{"a": denied, "b": throttled}, []string{" denied", "b throttled"}, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			run := &Run{Collector: &Collector{Name: "c"}}
			p := run.Probe("edges", "s3", "s3:GetBucketNotification")
			for resource, err := range tt.answers {
				p.Answered(resource, err)
			}
			whole := p.Close()
			var gaps []string
			for _, g := range run.Gaps() {
				if g.TableName != "edges" || g.Kind != "s3" || g.Action != "s3:GetBucketNotification" {
					t.Errorf("gap: %+v", g)
				}
				gaps = append(gaps, g.Resource+" "+g.Outcome)
			}
			slices.Sort(gaps)
			if diff := cmp.Diff(tt.gaps, gaps); diff != "" || whole != tt.whole {
				t.Errorf("whole %v, gaps (-want +got):\n%s", whole, diff)
			}
		})
	}
}

func TestProbeOfSeveralTables(t *testing.T) {
	t.Parallel()
	run := &Run{Collector: &Collector{}}
	p := run.Probe("queues", "", "sqs:GetQueueAttributes").Also("edges", "sqs")
	p.Answered("q", &apiError{"Throttling"})
	p.Close()
	var got []string
	for _, g := range run.Gaps() {
		got = append(got, g.TableName+"/"+g.Kind)
	}
	if diff := cmp.Diff([]string{"queues/", "edges/sqs"}, got); diff != "" {
		t.Errorf("gaps (-want +got):\n%s", diff)
	}
}

func TestProbeGivesUpWhenNothingIsGranted(t *testing.T) {
	t.Parallel()
	denied := &apiError{"AccessDenied"}
	asked := func(first error) int {
		p := (&Run{Collector: &Collector{}}).Probe("edges", "policy", "lambda:GetPolicy")
		n := 0
		for !p.Hopeless() && n < 1000 {
			err := error(denied)
			if n == 0 {
				err = first
			}
			p.Answered(fmt.Sprint(n), err)
			n++
		}
		return n
	}
	if got := asked(denied); got != refusalsBeforeStopping {
		t.Errorf("asked %d times", got)
	}
	if got := asked(nil); got != 1000 {
		t.Errorf("one was granted, and yet asking ended after %d", got)
	}
}

func TestCached(t *testing.T) {
	t.Parallel()
	c := NewCache()
	asked := 0
	ask := func(value string, err error) func(context.Context) (string, error) {
		return func(context.Context) (string, error) { asked++; return value, err }
	}
	denied := &apiError{"AccessDenied"}
	for _, tt := range []struct {
		key   string
		ask   func(context.Context) (string, error)
		value string
		err   error
		asked int
	}{
		{"role", ask("a", nil), "a", nil, 1},
		{"role", ask("b", nil), "a", nil, 1},
		{"refused", ask("", denied), "", denied, 2},
		{"refused", ask("b", nil), "", denied, 2},
		{"ended", ask("", context.Canceled), "", context.Canceled, 3},
		{"ended", ask("c", nil), "c", nil, 4},
	} {
		value, err := Cached(t.Context(), c, tt.key, tt.ask)
		if value != tt.value || !errors.Is(err, tt.err) || asked != tt.asked {
			t.Errorf("%s: %q, %v after %d asks", tt.key, value, err, asked)
		}
	}
	if value, err := Cached(t.Context(), nil, "role", ask("z", nil)); value != "z" || err != nil {
		t.Errorf("without a cache: %q, %v", value, err)
	}
}

func TestNode(t *testing.T) {
	t.Parallel()
	for arn, want := range map[string][2]string{
		"arn:aws:lambda:eu-west-1:1:function:orders:live":               {"arn:aws:lambda:eu-west-1:1:function:orders", "function"},
		"arn:aws:lambda:eu-west-1:1:event-source-mapping:u":             {"arn:aws:lambda:eu-west-1:1:event-source-mapping:u", "other"},
		"arn:aws:sqs:eu-west-1:1:orders":                                {"arn:aws:sqs:eu-west-1:1:orders", "queue"},
		"arn:aws:sns:eu-west-1:1:orders:6b0e71bd":                       {"arn:aws:sns:eu-west-1:1:orders", "topic"},
		"arn:aws:s3:::images/in/*":                                      {"arn:aws:s3:::images", "bucket"},
		"arn:aws:dynamodb:eu-west-1:1:table/T/stream/2026-01-01T00:00Z": {"arn:aws:dynamodb:eu-west-1:1:table/T", "table"},
		"arn:aws:kinesis:eu-west-1:1:stream/clicks/consumer/c:1":        {"arn:aws:kinesis:eu-west-1:1:stream/clicks", "stream"},
		"arn:aws:events:eu-west-1:1:event-bus/default":                  {"arn:aws:events:eu-west-1:1:event-bus/default", "bus"},
		"arn:aws:events:eu-west-1:1:rule/nightly":                       {"arn:aws:events:eu-west-1:1:rule/nightly", "rule"},
		"arn:aws:states:eu-west-1:1:stateMachine:flow:3":                {"arn:aws:states:eu-west-1:1:stateMachine:flow", "statemachine"},
		"arn:aws:execute-api:eu-west-1:1:abc/*/GET/orders":              {"arn:aws:execute-api:eu-west-1:1:abc", "api"},
		"arn:aws-cn:kafka:cn-north-1:1:cluster/x/y":                     {"arn:aws-cn:kafka:cn-north-1:1:cluster/x/y", "cluster"},
		"arn:aws:mq:eu-west-1:1:broker:b:b-1":                           {"arn:aws:mq:eu-west-1:1:broker:b:b-1", "cluster"},
		"arn:aws:pipes:eu-west-1:1:pipe/p":                              {"arn:aws:pipes:eu-west-1:1:pipe/p", "pipe"},
		"arn:aws:scheduler:eu-west-1:1:schedule/default/s":              {"arn:aws:scheduler:eu-west-1:1:schedule/default/s", "schedule"},
		"arn:aws:scheduler:::aws-sdk:lambda:invoke":                     {"arn:aws:scheduler:::aws-sdk:lambda:invoke", "other"},
		"arn:aws:elasticloadbalancing:eu-west-1:1:loadbalancer/app/l/1": {"arn:aws:elasticloadbalancing:eu-west-1:1:loadbalancer/app/l/1", "loadbalancer"},
		"arn:aws:elasticloadbalancing:eu-west-1:1:targetgroup/g/1":      {"arn:aws:elasticloadbalancing:eu-west-1:1:targetgroup/g/1", "other"},
	} {
		node, kind := Node(arn)
		if node != want[0] || kind != want[1] {
			t.Errorf("Node(%s) = %s, %s", arn, node, kind)
		}
	}
	if node, kind := Node("s3.amazonaws.com"); node != "s3.amazonaws.com" || kind != "other" {
		t.Errorf("a service's name is no ARN: %s, %s", node, kind)
	}
	if _, _, _, ok := Function("arn:aws:sqs:eu-west-1:1:orders"); ok {
		t.Error("a queue is no function")
	}
}
