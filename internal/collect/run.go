package collect

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"time"

	"github.com/aws/smithy-go"

	"github.com/faaswarden/faaswarden/internal/schema"
)

// Outcome is how a run, or one piece of evidence in it, ended.
type Outcome string

// The closed set of outcomes.
const (
	OK        Outcome = "ok"
	NoData    Outcome = "nodata"    // read, and there is nothing
	Denied    Outcome = "denied"    // IAM refused
	Throttled Outcome = "throttled" // refused for rate until the retries ended
	Failed    Outcome = "failed"    // anything else
	Skipped   Outcome = "skipped"   // disabled, or a budget stopped it
)

// Put writes rows of one table to the sink.
func Put[T schema.Row](ctx context.Context, r *Run, rows ...T) error {
	if len(rows) == 0 {
		return nil
	}
	list := make([]schema.Row, len(rows))
	for i, row := range rows {
		list[i] = row
	}
	if err := r.Sink.Put(ctx, list...); err != nil {
		return sinkError{fmt.Errorf("write %d rows of %s: %w", len(rows), rows[0].Table(), err)}
	}
	return nil
}

// sinkError is a row that could not be written, which is no missing evidence
// but the end of the run.
type sinkError struct{ error }

func (e sinkError) Unwrap() error { return e.error }

// Gap records that a table lacks the evidence that action would have given.
// kind narrows it where the table has several sources ("s3"); resource is the
// ARN it concerns, empty for all of the run's scope. It never stops the run:
// a denied action costs exactly its own evidence.
func (r *Run) Gap(table, kind, resource, action string, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.gaps = append(r.gaps, schema.EvidenceGap{
		RunID: r.ID, Collector: r.Collector.Name, Account: r.Account, Region: r.Region,
		TableName: table, Kind: kind, Resource: resource, Action: action,
		Outcome: string(Classify(err)), Detail: Describe(err), CollectedAt: r.Now,
	})
}

// Gaps lists what Gap recorded.
func (r *Run) Gaps() []schema.EvidenceGap {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]schema.EvidenceGap(nil), r.gaps...)
}

// Complete says that everything of a table (of one kind, where it has several
// sources) was read in this run: rows of the scope that this run did not write
// are gone from the account. Without it, older rows stay current.
func (r *Run) Complete(table, kind string) { r.CompleteSince(table, kind, r.Now) }

// CompleteSince says that everything of a table and kind was read since t, by
// this run and those before it: rows older than t are gone from the account.
func (r *Run) CompleteSince(table, kind string, t time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.completions = append(r.completions, schema.Completion{
		Collector: r.Collector.Name, Account: r.Account, Region: r.Region,
		TableName: table, Kind: kind, CollectedAt: t,
	})
}

// Completions lists what Complete recorded.
func (r *Run) Completions() []schema.Completion {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]schema.Completion(nil), r.completions...)
}

// Stop reports whether an error must end the run rather than cost one piece of
// evidence: the context ended, rows cannot be written, or the credentials are
// no good for any call.
func Stop(err error) bool {
	var unwritten sinkError
	return errors.As(err, &unwritten) || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) || ExpiredCredentials(err)
}

var (
	deniedCodes = map[string]bool{
		"AccessDenied": true, "AccessDeniedException": true, "UnauthorizedOperation": true, "AuthorizationError": true,
		"AuthorizationErrorException": true, "AccessDeniedFault": true, "NotAuthorized": true, "AllAccessDisabled": true,
	}
	throttledCodes = map[string]bool{
		"Throttling": true, "ThrottlingException": true, "ThrottledException": true, "TooManyRequestsException": true,
		"RequestLimitExceeded": true, "RequestThrottled": true, "RequestThrottledException": true, "SlowDown": true,
		"LimitExceededException": true, "ProvisionedThroughputExceededException": true, "BandwidthLimitExceeded": true,
		"EC2ThrottledException": true, "PriorRequestNotComplete": true, "LimitExceeded": true,
	}
	expiredCodes = map[string]bool{
		"ExpiredToken": true, "ExpiredTokenException": true, "InvalidClientTokenId": true, "UnrecognizedClientException": true,
		"InvalidSignatureException": true, "SignatureDoesNotMatch": true, "RequestExpired": true, "RequestTimeTooSkewed": true,
		"AuthFailure": true, "InvalidAccessKeyId": true, "MissingAuthenticationToken": true, "MissingAuthenticationTokenException": true,
	}
)

// Code is the AWS error code of err, or "".
func Code(err error) string {
	if api, ok := errors.AsType[smithy.APIError](err); ok {
		return api.ErrorCode()
	}
	return ""
}

// Classify says how an AWS call ended.
func Classify(err error) Outcome {
	switch code := Code(err); {
	case err == nil:
		return OK
	case errors.Is(err, ErrBudget):
		return Skipped
	case deniedCodes[code]:
		return Denied
	case throttledCodes[code]:
		return Throttled
	default:
		return Failed
	}
}

// ExpiredCredentials reports whether no call with these credentials can succeed.
func ExpiredCredentials(err error) bool { return expiredCodes[Code(err)] }

// requestPattern is how the SDK numbers requests, which tells a reader nothing.
var requestPattern = regexp.MustCompile(`https response error StatusCode: (\d+), RequestID: [^,]*, (?:HostID: [^,]*, )?`)

// Describe is the error as a person may read it in a report: bounded, one
// line, and without the request's number.
func Describe(err error) string {
	if err == nil {
		return ""
	}
	text := []rune(requestPattern.ReplaceAllString(err.Error(), "HTTP $1, "))
	for i, r := range text {
		if r < ' ' {
			text[i] = ' '
		}
	}
	if len(text) > 400 {
		text = append(text[:400], '…')
	}
	return string(text)
}
