package collect_test

import (
	"context"
	"errors"
	"math"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	cwtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/aws-sdk-go-v2/service/costexplorer"
	cetypes "github.com/aws/aws-sdk-go-v2/service/costexplorer/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/google/go-cmp/cmp"

	"github.com/faaswarden/faaswarden/internal/collect"
	"github.com/faaswarden/faaswarden/internal/collect/collecttest"
)

var nobody = &collect.Collector{Name: "nobody"}

const settings = `{"AccountLimit":{"ConcurrentExecutions":1000},"AccountUsage":{"FunctionCount":7}}`

func ask(t *testing.T, cfg aws.Config) error {
	t.Helper()
	_, err := lambda.NewFromConfig(cfg).GetAccountSettings(t.Context(), &lambda.GetAccountSettingsInput{})
	return err
}

func TestRetries(t *testing.T) {
	t.Parallel()
	const action = "lambda:GetAccountSettings"
	broken := func(resp collecttest.Response) collecttest.Answer {
		return func(*http.Request, string) collecttest.Response { return resp }
	}
	for _, tt := range []struct {
		name    string
		answer  collecttest.Answer
		calls   int
		outcome collect.Outcome
		says    string
	}{
		{"denied is final", collecttest.Deny(action), 1, collect.Denied, "not authorized to perform: " + action},
		{"not found is final", collecttest.Fail("lambda", 404, "ResourceNotFoundException", "gone"), 1, collect.Failed, "gone"},
		{"expired is final", collecttest.Fail("lambda", 403, "ExpiredTokenException", "The security token included in the request is expired"), 1, collect.Failed, "expired"},
		{"a proxy's 404 page is final", collecttest.HTML(404), 1, collect.Failed, "404"},
		{"a proxy's 500 page is tried a few times", collecttest.HTML(500), 4, collect.Failed, "gave up after 4 attempts"},
		{"a proxy's 503 page is tried a few times", collecttest.HTML(503), 4, collect.Failed, "gave up after 4 attempts"},
		{"a login page with 200 is tried a few times", collecttest.HTML(200), 4, collect.Failed, "gave up after 4 attempts"},
		{"an empty answer is tried a few times", collecttest.Body(""), 4, collect.Failed, "lambda:GetAccountSettings: HTTP 200 with a body that is not what the service sends"},
		{"an answer cut short is tried a few times", collecttest.Body(settings[:40]), 4, collect.Failed, "gave up after 4 attempts"},
		{"a lost connection is tried a few times", broken(collecttest.Response{Err: errors.New("read: connection reset by peer")}), 4, collect.Failed, "gave up after 4 attempts"},
		{"an answer cut short once", collecttest.Sequence(collecttest.Body(settings[:40]), collecttest.Body(settings)), 2, collect.OK, ""},
		{"throttling that never ends", collecttest.Throttle("lambda"), 24, collect.Throttled, "Rate exceeded"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				wire := collecttest.NewWire(map[string]collecttest.Answer{action: tt.answer})
				f := collecttest.New(t, nobody, collecttest.Options{Wire: wire})
				err := ask(t, f.AWS)
				if got := collect.Classify(err); got != tt.outcome {
					t.Errorf("outcome %s: %v", got, err)
				}
				if tt.says != "" && !strings.Contains(err.Error(), tt.says) {
					t.Errorf("error %v does not say %q", err, tt.says)
				}
				if got := wire.Calls(action); got != tt.calls || f.Meter.Calls() != uint64(tt.calls) {
					t.Errorf("%d calls, %d metered, want %d", got, f.Meter.Calls(), tt.calls)
				}
			})
		})
	}
}

func TestMalformedAnswersAreNotQuoted(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := collecttest.New(t, nobody, collecttest.Options{Wire: collecttest.NewWire(map[string]collecttest.Answer{
			"lambda:GetAccountSettings": collecttest.Body(`{"AccountLimit":"CANARY"}`),
		})})
		err := ask(t, f.AWS)
		if _, ok := errors.AsType[collect.MalformedError](err); !ok {
			t.Errorf("error: %v", err)
		}
		f.Secret(t, "CANARY", err)
	})
}

func TestAMinuteOfThrottlingIsSurvived(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		calm := time.Now().Add(time.Minute)
		wire := collecttest.NewWire(map[string]collecttest.Answer{
			"lambda:GetAccountSettings": func(r *http.Request, body string) collecttest.Response {
				if time.Now().Before(calm) {
					return collecttest.Throttle("lambda")(r, body)
				}
				return collecttest.Response{Body: settings}
			},
		})
		limiter := collect.NewLimiter(collect.LimiterOptions{})
		f := collecttest.New(t, nobody, collecttest.Options{Wire: wire, Limiter: limiter})
		if err := ask(t, f.AWS); err != nil {
			t.Error(err)
		}
		if rate := limiter.Rate("123456789012", "eu-west-1", "lambda", "GetAccountSettings"); rate >= 7.5/2 {
			t.Errorf("the bucket was not slowed: %v/s", rate)
		}
	})
}

func TestCallsThatGetNoAnswerEnd(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		wire := collecttest.NewWire(map[string]collecttest.Answer{
			"lambda:GetAccountSettings": func(r *http.Request, _ string) collecttest.Response {
				<-r.Context().Done()
				return collecttest.Response{Err: r.Context().Err()}
			},
		})
		f := collecttest.New(t, nobody, collecttest.Options{Wire: wire})
		err := ask(t, f.AWS)
		if collect.Stop(err) || err == nil || !strings.Contains(err.Error(), "lambda:GetAccountSettings: no answer in 1m0s") {
			t.Errorf("error: %v", err)
		}
		if got := wire.Calls("lambda:GetAccountSettings"); got != 4 {
			t.Errorf("%d calls", got)
		}

		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		_, err = lambda.NewFromConfig(f.AWS).GetAccountSettings(ctx, &lambda.GetAccountSettingsInput{})
		if !collect.Stop(err) {
			t.Errorf("the caller's end must end the run: %v", err)
		}
	})
}

func TestAnHourOfClockSkewIsCorrected(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := func() time.Time { return time.Now().UTC().Add(-time.Hour) }
		wire := collecttest.NewWire(map[string]collecttest.Answer{
			"lambda:GetAccountSettings": func(r *http.Request, body string) collecttest.Response {
				signed, err := time.Parse("20060102T150405Z", r.Header.Get("X-Amz-Date"))
				resp := collecttest.Response{Body: settings}
				if err != nil || signed.Sub(server()).Abs() > 5*time.Minute {
					resp = collecttest.Fail("lambda", 403, "InvalidSignatureException", "Signature not yet current")(r, body)
				}
				header := resp.Header.Clone()
				if header == nil {
					header = http.Header{}
				}
				header.Set("Date", server().Format(http.TimeFormat))
				resp.Header = header
				return resp
			},
		})
		f := collecttest.New(t, nobody, collecttest.Options{Wire: wire})
		if err := ask(t, f.AWS); err != nil {
			t.Error(err)
		}
	})
}

func TestRequestsNameTheProduct(t *testing.T) {
	t.Parallel()
	var agent string
	wire := collecttest.NewWire(map[string]collecttest.Answer{
		"lambda:GetAccountSettings": func(r *http.Request, _ string) collecttest.Response {
			agent = r.Header.Get("User-Agent")
			return collecttest.Response{Body: settings}
		},
	})
	if err := ask(t, collecttest.New(t, nobody, collecttest.Options{Wire: wire}).AWS); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(agent, "faaswarden") {
		t.Errorf("user agent: %s", agent)
	}
}

func TestPricedCallsAreChargedAheadAndStopAtTheCeiling(t *testing.T) {
	t.Parallel()
	rates, err := collect.Rates(func(item string) (float64, error) {
		return map[string]float64{"api.ce.page": 0.01, "api.cloudwatch.metric": 0.00001, "api.cloudwatch.request": 0.00001, "api.logs.scanned_gb": 0.005}[item], nil
	})
	if err != nil {
		t.Fatal(err)
	}
	wire := collecttest.NewWire(map[string]collecttest.Answer{
		"ce:GetCostAndUsage": collecttest.Sequence(collecttest.Body(`{"ResultsByTime":[]}`), collecttest.Fail("ce", 400, "ValidationException", "no"), collecttest.HTML(404), collecttest.Body(`{"ResultsByTime":[`), collecttest.Body(`{"ResultsByTime":[]}`)),
	})
	budget := collect.NewBudget(collect.BudgetOptions{Ceilings: collect.Ceilings{USD: 0.0405}})
	f := collecttest.New(t, nobody, collecttest.Options{Wire: wire, Rates: rates, Budget: budget})
	page := func() error {
		_, err := costexplorer.NewFromConfig(f.AWS).GetCostAndUsage(t.Context(), &costexplorer.GetCostAndUsageInput{
			TimePeriod: &cetypes.DateInterval{Start: aws.String("2026-11-01"), End: aws.String("2026-11-02")}, Granularity: cetypes.GranularityDaily, Metrics: []string{"UnblendedCost"},
		})
		return err
	}
	metrics := func(n int) error {
		in := &cloudwatch.GetMetricDataInput{StartTime: aws.Time(time.Unix(0, 0)), EndTime: aws.Time(time.Unix(60, 0))}
		for range n {
			in.MetricDataQueries = append(in.MetricDataQueries, cwtypes.MetricDataQuery{Id: aws.String("m"), MetricStat: &cwtypes.MetricStat{
				Metric: &cwtypes.Metric{}, Period: aws.Int32(60), Stat: aws.String("Sum"),
			}})
		}
		_, err := cloudwatch.NewFromConfig(f.AWS).GetMetricData(t.Context(), in)
		return err
	}

	var got []collect.Outcome
	note := func(err error) { got = append(got, collect.Classify(err)) }
	note(page())
	note(page())       // refused: refunded
	note(page())       // answered with a proxy's page: refunded
	note(page())       // cut off, and asked again: billed twice
	note(metrics(500)) // denied: refunded
	f.Meter.Bill("ce", "GetCostAndUsage", "page", 1)
	note(metrics(1100)) // $0.011 of the $0.0105 left
	want := []collect.Outcome{collect.OK, collect.Failed, collect.Failed, collect.OK, collect.Denied, collect.Skipped}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("outcomes (-want +got):\n%s", diff)
	}
	if wire.Calls("cloudwatch:GetMetricData") != 1 {
		t.Error("a call past the ceiling reached AWS")
	}
	if math.Abs(f.Meter.USD()-0.03) > 1e-9 || math.Abs(budget.SpentUSD()-0.03) > 1e-9 {
		t.Errorf("$%v metered, $%v of the budget", f.Meter.USD(), budget.SpentUSD())
	}
}

func TestQueryProtocolErrorsAreClassified(t *testing.T) {
	t.Parallel()
	f := collecttest.New(t, nobody, collecttest.Options{Wire: collecttest.NewWire(map[string]collecttest.Answer{"iam:GetRole": collecttest.HTML(404)})})
	_, err := iam.NewFromConfig(f.AWS).GetRole(t.Context(), &iam.GetRoleInput{RoleName: aws.String("r")})
	if collect.Classify(err) != collect.Failed || collect.Stop(err) {
		t.Errorf("error: %v", err)
	}
	_, err = iam.NewFromConfig(f.AWS).ListRolePolicies(t.Context(), &iam.ListRolePoliciesInput{RoleName: aws.String("r")})
	if collect.Classify(err) != collect.Denied {
		t.Errorf("error: %v", err)
	}
}

// An answer that comes a byte at a time is given up after the call's limit,
// asked again a few times, and ends as a failure of that call alone.
func TestAnswerThatTrickles(t *testing.T) {
	t.Parallel()
	var asked atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		for i := range settings {
			_, _ = w.Write([]byte(settings[i : i+1])) // the client has gone away by then
			_ = http.NewResponseController(w).Flush() // as above
			select {
			case <-r.Context().Done():
				return
			case <-time.After(20 * time.Millisecond):
			}
		}
	}))
	defer server.Close()
	cfg := collect.Instrument(aws.Config{
		Region: "us-east-1", BaseEndpoint: &server.URL, Credentials: credentials.NewStaticCredentialsProvider("a", "b", ""),
	}, nil, nil, collect.InstrumentOptions{CallTimeout: 100 * time.Millisecond})
	_, err := lambda.NewFromConfig(cfg).GetAccountSettings(t.Context(), &lambda.GetAccountSettingsInput{})
	if collect.Classify(err) != collect.Failed || collect.Stop(err) || !strings.Contains(err.Error(), "lambda:GetAccountSettings: no answer in 100ms") {
		t.Errorf("error: %v", err)
	}
	if n := asked.Load(); n != 4 {
		t.Errorf("asked %d times, want 4", n)
	}
}
