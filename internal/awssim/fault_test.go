package awssim

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// statusOf is the HTTP status behind an SDK error.
func statusOf(err error) int {
	if response, ok := errors.AsType[*smithyhttp.ResponseError](err); ok {
		return response.HTTPStatusCode()
	}
	return 0
}

// TestFaults: each fault shows in every protocol as what it is to be.
func TestFaults(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		kind  FaultKind
		right func(error) bool
	}{
		{FaultServerError, func(err error) bool {
			return statusOf(err) == 500 && codeOf(err) != "" && codeOf(err) != "UnknownError"
		}},
		{FaultUnavailable, func(err error) bool {
			return statusOf(err) >= 500 && codeOf(err) != "" && codeOf(err) != "UnknownError"
		}},
		{FaultHTML404, func(err error) bool { return statusOf(err) == 404 }},
		{FaultHTML500, func(err error) bool { return statusOf(err) == 500 }},
		{FaultTruncate, func(err error) bool {
			return errors.Is(err, io.ErrUnexpectedEOF) || strings.Contains(err.Error(), "EOF")
		}},
		{FaultMalform, func(err error) bool {
			return statusOf(err) == 200 || strings.Contains(err.Error(), "deserialization failed")
		}},
		{FaultReset, func(err error) bool { return errors.Is(err, syscall.ECONNRESET) || errors.Is(err, io.EOF) }},
		{FaultExpired, func(err error) bool { return strings.Contains(codeOf(err), "Expired") }},
		{FaultDenied, func(err error) bool { return strings.Contains(messageOf(err), "is not authorized to perform: ") }},
		{FaultInvalid, func(err error) bool {
			return strings.Contains(codeOf(err), "Signature") || codeOf(err) == "AuthFailure"
		}},
	} {
		h := serve(t, Options{World: testWorld(), Faults: []Fault{{Kind: test.kind}}, Limits: Limits{Off: true}})
		for _, c := range onePerProtocol() {
			t.Run(string(test.kind)+"/"+c.name, func(t *testing.T) {
				t.Parallel()
				_, err := c.call(context.Background(), h.config("us-east-1"))
				if err == nil || !test.right(err) {
					t.Errorf("got %v (status %d)", err, statusOf(err))
				}
			})
		}
	}
}

// TestFaultsPass: retries get through what does not last.
func TestFaultsPass(t *testing.T) {
	t.Parallel()
	for _, kind := range []FaultKind{FaultServerError, FaultUnavailable, FaultHTML500, FaultReset, FaultThrottle} {
		h := serve(t, Options{World: testWorld(), Faults: []Fault{{Kind: kind, Service: "lambda", Operation: "GetAccount*", Nth: 1, Count: 2}}})
		if _, err := lambda.NewFromConfig(patient(h.config("us-east-1"))).GetAccountSettings(context.Background(), nil); err != nil {
			t.Errorf("%s: %v", kind, err)
		}
		if r := h.Calls().Operation("lambda", "GetAccountSettings"); r.Calls != 3 {
			t.Errorf("%s: %+v", kind, r)
		}
	}
}

// TestExpiryBetweenPages: the session ends when the second page is asked for.
func TestExpiryBetweenPages(t *testing.T) {
	t.Parallel()
	h := serve(t, Options{World: testWorld(), Faults: []Fault{{Kind: FaultExpired, Service: "lambda", Operation: "ListFunctions", Nth: 2}}})
	pages := lambda.NewListFunctionsPaginator(lambda.NewFromConfig(h.config("us-east-1")), nil)
	if page, err := pages.NextPage(context.Background()); err != nil || len(page.Functions) != 50 {
		t.Fatalf("first page: %v", err)
	}
	if _, err := pages.NextPage(context.Background()); codeOf(err) != "ExpiredTokenException" {
		t.Errorf("second page: %v", err)
	}
}

// TestRepeatedToken: the token of the next page is that of this one.
func TestRepeatedToken(t *testing.T) {
	t.Parallel()
	h := serve(t, Options{World: testWorld(), Faults: []Fault{{Kind: FaultRepeatToken}}, Limits: Limits{Off: true}})
	client := lambda.NewFromConfig(h.config("us-east-1"))
	first, err := client.ListFunctions(context.Background(), nil)
	if err != nil {
		t.Fatal(err)
	}
	second, err := client.ListFunctions(context.Background(), &lambda.ListFunctionsInput{Marker: first.NextMarker})
	if err != nil {
		t.Fatal(err)
	}
	if *second.NextMarker != *first.NextMarker {
		t.Error("the token advanced")
	}
}

func TestSlowAnswer(t *testing.T) {
	t.Parallel()
	h := serve(t, Options{World: testWorld(), Faults: []Fault{{Kind: FaultSlow, Delay: time.Hour}}})
	cfg := h.config("us-east-1")
	cfg.HTTPClient = awshttp.NewBuildableClient().WithTimeout(50 * time.Millisecond)
	_, err := lambda.NewFromConfig(cfg).GetAccountSettings(context.Background(), nil)
	var timeout interface{ Timeout() bool }
	if !errors.As(err, &timeout) || !timeout.Timeout() {
		t.Errorf("got %v, want a timeout", err)
	}
}

func TestInjectedFaultsCanBeTakenAway(t *testing.T) {
	t.Parallel()
	h := serve(t, Options{World: testWorld()})
	client := lambda.NewFromConfig(h.config("us-east-1"))
	remove := h.Inject(Fault{Kind: FaultServerError}, Fault{Kind: FaultDenied})
	if _, err := client.GetAccountSettings(context.Background(), nil); statusOf(err) != http.StatusInternalServerError {
		t.Errorf("got %v", err)
	}
	remove()
	if _, err := client.GetAccountSettings(context.Background(), nil); err != nil {
		t.Error(err)
	}
}

// TestFaultSchedule: when faults strike.
func TestFaultSchedule(t *testing.T) {
	t.Parallel()
	strikes := func(f Fault, n int, step time.Duration) string {
		table, listing := &faults{}, &call{service: &service{name: "lambda"}, operation: &operation{name: "ListFunctions"}}
		table.add([]Fault{f})
		var b strings.Builder
		for i := range n {
			if table.hit(listing, noon.Add(time.Duration(i)*step)) != nil {
				b.WriteByte('x')
			} else {
				b.WriteByte('.')
			}
		}
		return b.String()
	}
	for _, test := range []struct {
		fault Fault
		want  string
	}{
		{Fault{}, "xxxxxx"},
		{Fault{Nth: 3}, "..x..."},
		{Fault{Nth: 2, Count: 3}, ".xxx.."},
		{Fault{For: 3 * time.Second}, "xxx..."},
		{Fault{Service: "ec2"}, "......"},
		{Fault{Operation: "Get*"}, "......"},
		{Fault{Operation: "List*", Nth: 1}, "x....."},
	} {
		if got := strikes(test.fault, 6, time.Second); got != test.want {
			t.Errorf("%+v: struck %s, want %s", test.fault, got, test.want)
		}
	}
	half := strikes(Fault{Share: 0.5}, 1000, 0)
	if n := strings.Count(half, "x"); n < 430 || n > 570 {
		t.Errorf("a share of a half struck %d of 1000", n)
	}
	if again := strikes(Fault{Share: 0.5}, 1000, 0); again != half {
		t.Error("a share does not strike the same requests again")
	}
}

func TestWildcard(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		pattern, text string
		want          bool
	}{
		{"*", "", true},
		{"", "", true},
		{"", "x", false},
		{"lambda:*", "lambda:GetPolicy", true},
		{"lambda:Get*y", "lambda:GetPolicy", true},
		{"lambda:Get*y", "lambda:GetPolicyX", false},
		{"a?c", "abc", true},
		{"a?c", "ac", false},
		{"*:*", "ec2:x", true},
		{"a*b*c", "aXbYbZc", true},
		{"arn:*:function:w*", "arn:aws:lambda:us-east-1:1:function:worker/x", true},
		{"abc", "abcd", false},
		{"ab*", "ab", true},
		{"*x", "y", false},
	} {
		if got := wildcard(test.pattern, test.text); got != test.want {
			t.Errorf("wildcard(%q, %q) = %v", test.pattern, test.text, got)
		}
	}
	if !denied([]string{"LAMBDA:getpolicy"}, "lambda:GetPolicy", aws.ToString(nil)) {
		t.Error("actions are matched in any case")
	}
}
