package collect

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/aws-sdk-go-v2/aws/ratelimit"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// InstrumentOptions tune the calls of one run.
type InstrumentOptions struct {
	Account     string        // whose quotas the calls draw on
	CallTimeout time.Duration // of one request; 60 s when zero
}

const (
	// A throttled request is repeated for at least a minute: 24 attempts whose
	// waits grow from 50 ms at the least to between 4 and 8 s.
	throttleAttempts = 24
	// Everything else that may pass is repeated three times: a source that
	// answers with a proxy's error page is unavailable, and the rest goes on.
	failureAttempts = 4
	firstWait       = 100 * time.Millisecond
	longestWait     = 8 * time.Second
)

// Instrument returns cfg for one run: every request waits for the limiter, is
// counted by the meter, has a time limit and is repeated as far as that is
// sensible; priced calls are charged before they are made. m and l may be nil.
func Instrument(cfg aws.Config, m *Meter, l *Limiter, o InstrumentOptions) aws.Config {
	if o.CallTimeout <= 0 {
		o.CallTimeout = time.Minute
	}
	cfg = cfg.Copy()
	cfg.ClientLogMode = 0 // bodies hold environment variables
	cfg.Retryer = newRetryer
	add := func(stack *middleware.Stack) error {
		if err := awsmiddleware.AddUserAgentKey("faaswarden")(stack); err != nil {
			return fmt.Errorf("name the user agent: %w", err)
		}
		if err := stack.Initialize.Add(charger{m}, middleware.After); err != nil {
			return fmt.Errorf("add the charging middleware: %w", err)
		}
		if err := stack.Finalize.Insert(attempt{m, l, o}, "Retry", middleware.After); err != nil {
			return fmt.Errorf("add the counting middleware: %w", err)
		}
		return nil
	}
	cfg.APIOptions = append(slices.Clip(cfg.APIOptions), add)
	return cfg
}

// charger pays for a call before it is sent, however often it is repeated, and
// takes the money back when AWS refused it or it was never sent.
type charger struct{ meter *Meter }

func (charger) ID() string { return "FaaswardenCharge" }

func (c charger) HandleInitialize(
	ctx context.Context, in middleware.InitializeInput, next middleware.InitializeHandler,
) (middleware.InitializeOutput, middleware.Metadata, error) {
	service, operation := ServiceName(awsmiddleware.GetServiceID(ctx)), awsmiddleware.GetOperationName(ctx)
	units := unitsAsked(operation, in.Parameters)
	refund, err := c.meter.charge(service, operation, units)
	if err != nil {
		return middleware.InitializeOutput{}, middleware.Metadata{}, err
	}
	var lost atomic.Int64
	out, metadata, err := next.HandleInitialize(context.WithValue(ctx, lostAnswers{}, &lost), in)
	again := lost.Load() // of one call, all requests that were billed but the one that is paid for
	if err != nil && again > 0 {
		again--
	} else if err != nil {
		refund()
	}
	if again > 0 {
		c.meter.chargeAgain(service, operation, units*float64(again))
	}
	return out, metadata, err
}

// lostAnswers is the key of a call's count of requests that AWS may have
// answered, and billed, although nothing could be made of the answer. The
// retryer sends such a request again.
type lostAnswers struct{}

// unread reports that AWS may have done the work, and bill it, although
// nothing could be made of the answer: a page of a proxy says that it did not.
func unread(err error) bool {
	malformed, ok := errors.AsType[MalformedError](err)
	_, late := errors.AsType[callTimeoutError](err)
	return ok && malformed.Status < 300 || late
}

// unitsAsked is what a request alone tells about its price: the metrics it
// asks for, each statistic counted, or one page or request. A query's scan is
// known only afterwards.
func unitsAsked(operation string, parameters any) float64 {
	switch in := parameters.(type) {
	case *cloudwatch.GetMetricDataInput:
		metrics := 0
		for _, q := range in.MetricDataQueries {
			if q.MetricStat != nil || q.Expression == nil {
				metrics++
			}
		}
		return float64(metrics)
	default:
		if operation == "StartQuery" {
			return 0
		}
		return 1
	}
}

// attempt surrounds every request that is sent, retries included.
type attempt struct {
	meter   *Meter
	limiter *Limiter
	InstrumentOptions
}

func (attempt) ID() string { return "FaaswardenAttempt" }

func (a attempt) HandleFinalize(
	ctx context.Context, in middleware.FinalizeInput, next middleware.FinalizeHandler,
) (middleware.FinalizeOutput, middleware.Metadata, error) {
	service, operation := ServiceName(awsmiddleware.GetServiceID(ctx)), awsmiddleware.GetOperationName(ctx)
	region := awsmiddleware.GetRegion(ctx)
	answered, err := a.limiter.Wait(ctx, a.Account, region, service, operation)
	if err != nil {
		return middleware.FinalizeOutput{}, middleware.Metadata{}, &aws.RequestCanceledError{Err: err}
	}
	defer answered()
	callCtx, cancel := context.WithTimeout(ctx, a.CallTimeout)
	defer cancel()
	out, metadata, err := next.HandleFinalize(callCtx, in)
	var unreadable *smithy.DeserializationError
	switch {
	case err != nil && ctx.Err() == nil && errors.Is(callCtx.Err(), context.DeadlineExceeded):
		err = callTimeoutError{service + ":" + operation, a.CallTimeout}
	case errors.As(err, &unreadable):
		err = MalformedError{service + ":" + operation, statusCode(err)}
	case err == nil && empty(metadata) && operation != "GetFunctionConcurrency": // its way of saying "none reserved"
		err = MalformedError{service + ":" + operation, 200}
	}
	a.meter.Count(service, operation, err)
	if lost, ok := ctx.Value(lostAnswers{}).(*atomic.Int64); ok && unread(err) {
		lost.Add(1)
	}
	if Classify(err) == Throttled {
		a.limiter.Throttled(a.Account, region, service, operation)
	}
	return out, metadata, err
}

// callTimeoutError is one request's time limit, which is no reason to end the
// run; it therefore does not unwrap to context.DeadlineExceeded.
type callTimeoutError struct {
	action string
	after  time.Duration
}

func (e callTimeoutError) Error() string {
	return fmt.Sprintf("%s: no answer in %s", e.action, e.after)
}
func (e callTimeoutError) Timeout() bool   { return true }
func (e callTimeoutError) Temporary() bool { return true }

// empty reports an answer without a body, which the SDK reads as one in which
// everything is absent. Hardly any read of AWS answers so; a proxy may.
func empty(metadata middleware.Metadata) bool {
	resp, ok := awsmiddleware.GetRawResponse(metadata).(*smithyhttp.Response)
	return ok && resp.ContentLength == 0
}

// MalformedError is an answer that could not be read. It does not say what the
// answer held: the decoder's own words quote it, and there are secrets in it.
type MalformedError struct {
	Action string
	Status int
}

func (e MalformedError) Error() string {
	return fmt.Sprintf("%s: HTTP %d with a body that is not what the service sends", e.Action, e.Status)
}

// HTTPStatusCode lets the SDK's retry checks see the status.
func (e MalformedError) HTTPStatusCode() int { return e.Status }

// retryer is the SDK's standard one with more patience for throttling, less
// for other failures, and no quota of retries across calls: the limiter's
// halved rate has that part.
type retryer struct{ *retry.Standard }

func newRetryer() aws.Retryer {
	standard := retry.NewStandard(func(o *retry.StandardOptions) {
		o.MaxAttempts = throttleAttempts
		o.RateLimiter = ratelimit.None
		o.Retryables = append([]retry.IsErrorRetryable{retry.IsErrorRetryableFunc(retryable)}, o.Retryables...)
	})
	return retryer{standard}
}

// retryable decides what the SDK's own checks would not: throttles by our list
// of codes, answers cut short, and never a refusal or our own budget.
func retryable(err error) aws.Ternary {
	var clock interface{ RetryableError() bool }
	if errors.As(err, &clock) && clock.RetryableError() {
		return aws.TrueTernary // the SDK has learnt how far our clock is off, and signs again
	}
	var malformed MalformedError
	switch outcome := Classify(err); {
	case errors.Is(err, ErrBudget), outcome == Denied, ExpiredCredentials(err):
		return aws.FalseTernary
	case outcome == Throttled:
		return aws.TrueTernary
	case errors.As(err, &malformed) && malformed.Status < 300:
		return aws.TrueTernary
	}
	return aws.UnknownTernary
}

// RetryDelay also ends the attempts at failures that are not for rate.
func (r retryer) RetryDelay(attempt int, err error) (time.Duration, error) {
	if Classify(err) != Throttled && attempt >= failureAttempts {
		return 0, fmt.Errorf("gave up after %d attempts: %w", attempt, err)
	}
	longest := longestWait
	if attempt < 7 {
		longest = firstWait << max(0, attempt-1)
	}
	return longest/2 + rand.N(longest/2), nil
}

func statusCode(err error) int {
	var response interface{ HTTPStatusCode() int }
	if errors.As(err, &response) {
		return response.HTTPStatusCode()
	}
	return 0
}
