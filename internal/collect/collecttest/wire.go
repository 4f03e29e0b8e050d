package collecttest

import (
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/fxamacker/cbor/v2"

	"github.com/faaswarden/faaswarden/internal/collect"
)

// Answer makes the response to one request. body is the request's.
type Answer func(r *http.Request, body string) Response

// Response is what goes over the wire. A zero Status means 200.
type Response struct {
	Status int
	Header http.Header
	Body   string
	Err    error // the connection fails instead
}

// Wire answers AWS requests in memory, in the services' own wire formats, so
// that the SDK's serializers, deserializers and retries are the real ones. An
// operation without an answer is denied. It is safe for concurrent use.
type Wire struct {
	mu      sync.Mutex
	answers map[string]Answer
	calls   map[string]int
	bodies  map[string][]string
}

// NewWire returns a Wire with answers by action, such as "lambda:ListFunctions".
func NewWire(answers map[string]Answer) *Wire {
	w := &Wire{answers: map[string]Answer{}, calls: map[string]int{}, bodies: map[string][]string{}}
	maps.Copy(w.answers, answers)
	return w
}

// On sets the answer of an action and returns w.
func (w *Wire) On(action string, a Answer) *Wire {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.answers[action] = a
	return w
}

// Answer is what an action answers, for a test that wraps it; nil: denied.
func (w *Wire) Answer(action string) Answer {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.answers[action]
}

// Calls is how many requests of an action were made, retries included.
func (w *Wire) Calls(action string) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.calls[action]
}

// Requests are the request lines and bodies of an action, in order.
func (w *Wire) Requests(action string) []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.bodies[action])
}

// Do answers a request: Wire is an aws.HTTPClient.
func (w *Wire) Do(r *http.Request) (*http.Response, error) {
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	service := collect.ServiceName(awsmiddleware.GetServiceID(r.Context()))
	action := service + ":" + awsmiddleware.GetOperationName(r.Context())
	var body []byte
	if r.Body != nil {
		var err error
		if body, err = io.ReadAll(r.Body); err != nil {
			return nil, fmt.Errorf("read the request's body: %w", err)
		}
	}
	w.mu.Lock()
	w.calls[action]++
	w.bodies[action] = append(w.bodies[action], r.Method+" "+r.URL.RequestURI()+" "+string(body))
	answer := w.answers[action]
	w.mu.Unlock()
	if answer == nil {
		answer = Deny(action)
	}
	resp := answer(r, string(body))
	if resp.Err != nil {
		return nil, resp.Err
	}
	header := http.Header{"Date": {time.Now().UTC().Format(http.TimeFormat)}, "Content-Type": {contentType(service)}}
	maps.Copy(header, resp.Header)
	status := resp.Status
	if status == 0 {
		status = http.StatusOK
	}
	return &http.Response{
		StatusCode: status, Status: strconv.Itoa(status) + " " + http.StatusText(status), Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: header, Body: io.NopCloser(strings.NewReader(resp.Body)), ContentLength: int64(len(resp.Body)), Request: r,
	}, nil
}

// Body answers 200 with a body.
func Body(body string) Answer {
	return func(*http.Request, string) Response { return Response{Body: body} }
}

// CBOR answers 200 in rpc-v2-cbor, which the SDK's CloudWatch and Compute
// Optimizer clients speak.
func CBOR(v any) Answer { return cborAnswer(http.StatusOK, v) }

// cborAnswer answers in rpc-v2-cbor, which the SDK's CloudWatch client speaks.
func cborAnswer(status int, v any) Answer {
	mode, err := cbor.EncOptions{Time: cbor.TimeUnixDynamic, TimeTag: cbor.EncTagRequired}.EncMode()
	if err != nil {
		return func(*http.Request, string) Response { return Response{Err: err} }
	}
	body, err := mode.Marshal(v)
	return func(*http.Request, string) Response {
		return Response{
			Status: status, Body: string(body), Err: err,
			Header: http.Header{"Smithy-Protocol": {"rpc-v2-cbor"}, "Content-Type": {"application/cbor"}},
		}
	}
}

// File answers 200 with a file's content.
func File(t testing.TB, path string) Answer {
	t.Helper()
	body, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return Body(string(body))
}

// Sequence gives the answers one after the other and repeats the last.
func Sequence(answers ...Answer) Answer {
	var mu sync.Mutex
	i := 0
	return func(r *http.Request, body string) Response {
		mu.Lock()
		a := answers[min(i, len(answers)-1)]
		i++
		mu.Unlock()
		return a(r, body)
	}
}

// Select answers by the first key that the request's URL or body contains, and
// with otherwise (which may be nil: denied) when there is none.
func Select(byPart map[string]Answer, otherwise Answer) Answer {
	return func(r *http.Request, body string) Response {
		best := ""
		for part := range byPart {
			found := strings.Contains(r.URL.String()+" "+body, part)
			if found && len(part) > len(best) {
				best = part
			}
		}
		if best != "" {
			return byPart[best](r, body)
		}
		if otherwise == nil {
			return Response{Status: http.StatusForbidden, Body: `{"__type":"AccessDeniedException","message":"not listed"}`}
		}
		return otherwise(r, body)
	}
}

// Deny answers as the action's service does when IAM refuses.
func Deny(action string) Answer {
	service, _, _ := strings.Cut(action, ":")
	message := "User: arn:aws:iam::123456789012:user/faaswarden is not authorized to perform: " + action
	code := "AccessDeniedException"
	switch service {
	case "ec2":
		code = "UnauthorizedOperation"
	case "s3", "iam", "sts", "elasticloadbalancing", "cloudfront":
		code = "AccessDenied"
	case "sns":
		code = "AuthorizationError"
	}
	return Fail(service, http.StatusForbidden, code, message)
}

// Throttle answers as the service does when the rate is exceeded.
func Throttle(service string) Answer {
	status, code := http.StatusBadRequest, "ThrottlingException"
	switch service {
	case "lambda":
		status, code = http.StatusTooManyRequests, "TooManyRequestsException"
	case "ec2":
		status, code = http.StatusServiceUnavailable, "RequestLimitExceeded"
	case "s3":
		status, code = http.StatusServiceUnavailable, "SlowDown"
	case "sqs", "iam", "sns", "sts", "elasticloadbalancing", "cloudfront":
		code = "Throttling"
	}
	return Fail(service, status, code, "Rate exceeded")
}

// HTML answers as a proxy in front of a service does when it is unwell.
func HTML(status int) Answer {
	return func(*http.Request, string) Response {
		return Response{
			Status: status, Header: http.Header{"Content-Type": {"text/html"}},
			Body: "<html><head><title>" + http.StatusText(status) + "</title></head><body><h1>" + http.StatusText(status) + "</h1></body></html>",
		}
	}
}

// Fail answers with an error in the service's wire format.
func Fail(service string, status int, code, message string) Answer {
	resp := Response{Status: status, Header: http.Header{}}
	switch service {
	case "iam", "sns", "sts", "elasticloadbalancing", "cloudfront":
		resp.Body = fmt.Sprintf("<ErrorResponse><Error><Type>Sender</Type><Code>%s</Code><Message>%s</Message></Error><RequestId>1</RequestId></ErrorResponse>", code, message)
	case "ec2":
		resp.Body = fmt.Sprintf("<Response><Errors><Error><Code>%s</Code><Message>%s</Message></Error></Errors><RequestID>1</RequestID></Response>", code, message)
	case "s3":
		resp.Body = fmt.Sprintf("<Error><Code>%s</Code><Message>%s</Message><RequestId>1</RequestId></Error>", code, message)
	case "cloudwatch", "compute-optimizer":
		return cborAnswer(status, map[string]any{"__type": code, "message": message})
	default:
		resp.Header.Set("X-Amzn-Errortype", code)
		resp.Body = fmt.Sprintf(`{"__type":%q,"message":%q,"Message":%q}`, code, message, message)
	}
	return func(*http.Request, string) Response { return resp }
}

func contentType(service string) string {
	switch service {
	case "iam", "sns", "sts", "ec2", "s3", "elasticloadbalancing", "cloudfront":
		return "text/xml"
	case "lambda":
		return "application/json"
	default:
		return "application/x-amz-json-1.1"
	}
}
