package collect

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// Quota is how many requests a second AWS answers for an account, in a region
// unless the service is Global. The owner's deployments draw on the same quota.
type Quota struct {
	Service    string   // IAM prefix
	Operations []string // they share the quota; empty: all operations of the service that no other quota names
	PerSecond  float64
	Global     bool   // one quota for all regions
	Source     string // where the number was read; "courtesy" where AWS publishes none
}

// DefaultQuotas is what AWS documents, read in November 2026.
func DefaultQuotas() []Quota {
	const (
		lambda   = "Lambda quotas: control plane, cannot be raised"
		metrics  = "CloudWatch service quotas"
		logs     = "CloudWatch Logs quotas"
		courtesy = "courtesy: AWS publishes no number"
	)
	return []Quota{
		{Service: "lambda", Operations: []string{"GetFunction"}, PerSecond: 100, Source: lambda},
		{Service: "lambda", Operations: []string{"GetPolicy"}, PerSecond: 15, Source: lambda},
		{Service: "lambda", PerSecond: 15, Source: lambda},
		{Service: "cloudwatch", Operations: []string{"GetMetricData"}, PerSecond: 500, Source: metrics},
		{Service: "cloudwatch", Operations: []string{"ListMetrics"}, PerSecond: 25, Source: metrics},
		{Service: "cloudwatch", Operations: []string{"DescribeAlarms"}, PerSecond: 9, Source: metrics},
		{Service: "cloudwatch", PerSecond: 10, Source: courtesy},
		{Service: "logs", Operations: []string{"StartQuery"}, PerSecond: 10, Source: logs},
		{Service: "logs", Operations: []string{"GetQueryResults"}, PerSecond: 10, Source: logs},
		{Service: "logs", Operations: []string{"DescribeLogGroups"}, PerSecond: 10, Source: logs},
		{Service: "logs", Operations: []string{"DescribeMetricFilters"}, PerSecond: 5, Source: logs},
		{Service: "logs", Operations: []string{"DescribeSubscriptionFilters"}, PerSecond: 5, Source: logs},
		{Service: "logs", Operations: []string{"DescribeAccountPolicies"}, PerSecond: 5, Source: courtesy},
		{Service: "logs", PerSecond: 10, Source: courtesy},
		{Service: "events", PerSecond: 50, Source: "EventBridge quotas: all requests but PutEvents"},
		{Service: "ec2", PerSecond: 20, Source: "EC2 API throttling: refill rate of the bucket of unfiltered Describe calls"},
		{Service: "sns", PerSecond: 30, Source: "SNS quotas: ListSubscriptions"},
		{Service: "sqs", PerSecond: 20, Source: courtesy},
		{Service: "s3", PerSecond: 20, Global: true, Source: courtesy},
		{Service: "iam", PerSecond: 10, Global: true, Source: courtesy},
		{Service: "organizations", PerSecond: 8, Global: true, Source: courtesy},
		{Service: "tag", PerSecond: 10, Source: courtesy},
		{Service: "ce", PerSecond: 4, Global: true, Source: courtesy},
		{Service: "budgets", PerSecond: 4, Global: true, Source: courtesy},
		{Service: "compute-optimizer", PerSecond: 4, Source: courtesy},
		{Service: "cost-optimization-hub", PerSecond: 4, Global: true, Source: courtesy},
		{Service: "cloudfront", PerSecond: 5, Global: true, Source: courtesy},
		{Service: "sts", PerSecond: 10, Source: courtesy},
		{Service: "scheduler", Operations: []string{"GetSchedule"}, PerSecond: 250, Source: "EventBridge Scheduler quotas: the least of any region"},
		{Service: "scheduler", PerSecond: 10, Source: courtesy},
		{Service: "pipes", PerSecond: 10, Source: courtesy},
		{Service: "states", Operations: []string{"ListStateMachines"}, PerSecond: 5, Source: "Step Functions quotas: refill rate"},
		{Service: "states", Operations: []string{"DescribeStateMachine"}, PerSecond: 20, Source: "Step Functions quotas: refill rate"},
		{Service: "states", PerSecond: 5, Source: courtesy},
		{Service: "apigateway", Operations: []string{"GetResources"}, PerSecond: 2.5, Source: "API Gateway quotas: 5 requests every 2 seconds"},
		{Service: "apigateway", PerSecond: 10, Source: "API Gateway quotas: the sum of all of its control plane"},
		{Service: "elasticloadbalancing", PerSecond: 10, Source: courtesy},
		{Service: "kinesis", Operations: []string{"ListStreams"}, PerSecond: 5, Source: "Kinesis Data Streams quotas"},
		{Service: "kinesis", Operations: []string{"DescribeStreamSummary"}, PerSecond: 20, Source: "Kinesis Data Streams quotas"},
		{Service: "kinesis", PerSecond: 5, Source: courtesy},
		{Service: "dynamodb", PerSecond: 20, Source: courtesy},
		{Service: "kafka", PerSecond: 5, Source: courtesy},
		{Service: "mq", PerSecond: 5, Source: courtesy},
		{Service: "codedeploy", PerSecond: 10, Source: courtesy},
		{Service: "inspector2", PerSecond: 5, Source: courtesy},
		{Service: "servicequotas", PerSecond: 5, Source: courtesy},
		{Service: "xray", PerSecond: 5, Source: courtesy},
		{Service: "oam", PerSecond: 5, Source: courtesy},
	}
}

// LimiterOptions say how much of AWS's quotas may be used.
type LimiterOptions struct {
	Share  float64 // of each quota, leaving the rest to the account's owner; 0.5 when zero
	Factor float64 // multiplies every quota; 1 when zero; the simulator's quotas are larger than AWS's
	Quotas []Quota // DefaultQuotas when nil
}

// Limiter holds one token bucket for each account, region and quota. A
// throttled answer halves the bucket's rate, which then recovers slowly. It is
// safe for concurrent use and shared by all runs; a nil Limiter never waits.
type Limiter struct {
	share, factor float64
	quotas        []Quota

	mu      sync.Mutex
	buckets map[bucketKey]*bucket
}

// NewLimiter returns a Limiter that has not waited for anything yet.
func NewLimiter(o LimiterOptions) *Limiter {
	if o.Share <= 0 {
		o.Share = 0.5
	}
	if o.Factor <= 0 {
		o.Factor = 1
	}
	if o.Quotas == nil {
		o.Quotas = DefaultQuotas()
	}
	return &Limiter{share: min(o.Share, 1), factor: o.Factor, quotas: o.Quotas, buckets: map[bucketKey]*bucket{}}
}

const (
	recovery      = 5 * time.Minute // from halved to full, in a straight line
	sameIncident  = time.Second     // throttled answers this close together are one incident
	floorShare    = 1.0 / 32        // of the full rate; below it nothing would ever finish
	floorPerSec   = 0.2
	fallbackQuota = 10.0 // for a service without a row
)

type bucketKey struct {
	account, region string
	service, group  string
}

type bucket struct {
	limiter *rate.Limiter
	full    float64 // requests a second without throttling

	// places holds a token for every request that is under way or was answered
	// within the last second. AWS sees a request some time between its sending
	// and its answer; so it never sees more of them within a second than there
	// are places, however late the network or the scheduler brings them.
	places chan struct{}

	mu        sync.Mutex
	low       float64   // rate at the last incident
	throttled time.Time // of the last incident; zero when there was none
}

// Wait returns when the next request may be sent, or why it may not: the
// context ended, or would before its turn. The caller calls answered once the
// request was answered, or was not sent after all.
func (l *Limiter) Wait(ctx context.Context, account, region, service, operation string) (answered func(), err error) {
	if l == nil {
		return func() {}, nil
	}
	b := l.bucket(account, region, service, operation)
	select {
	case b.places <- struct{}{}:
	case <-ctx.Done():
		return nil, fmt.Errorf("wait to call %s:%s: %w", service, operation, ctx.Err())
	}
	b.limiter.SetLimit(rate.Limit(b.rate(time.Now())))
	err = b.limiter.Wait(ctx)
	if err != nil && ctx.Err() == nil {
		err = fmt.Errorf("its turn comes after the deadline: %w", context.DeadlineExceeded)
	}
	if err != nil {
		<-b.places
		return nil, fmt.Errorf("wait to call %s:%s: %w", service, operation, err)
	}
	return func() { time.AfterFunc(time.Second, func() { <-b.places }) }, nil
}

// Throttled halves the rate of the bucket that the operation draws from.
func (l *Limiter) Throttled(account, region, service, operation string) {
	if l == nil {
		return
	}
	b := l.bucket(account, region, service, operation)
	b.limiter.SetLimit(rate.Limit(b.halve(time.Now())))
}

// Rate is the operation's present rate in requests a second.
func (l *Limiter) Rate(account, region, service, operation string) float64 {
	return l.bucket(account, region, service, operation).rate(time.Now())
}

func (b *bucket) rate(now time.Time) float64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.rateLocked(now)
}

func (b *bucket) rateLocked(now time.Time) float64 {
	if b.throttled.IsZero() {
		return b.full
	}
	healed := float64(now.Sub(b.throttled)) / float64(recovery)
	return min(b.full, b.low+(b.full-b.low)*healed)
}

func (b *bucket) halve(now time.Time) float64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.throttled.IsZero() && now.Sub(b.throttled) < sameIncident {
		return b.rateLocked(now)
	}
	floor := min(b.full, max(b.full*floorShare, floorPerSec))
	b.low = max(floor, b.rateLocked(now)/2)
	b.throttled = now
	return b.low
}

func (l *Limiter) bucket(account, region, service, operation string) *bucket {
	q := l.quota(service, operation)
	key := bucketKey{account: account, region: region, service: service}
	if len(q.Operations) > 0 {
		key.group = q.Operations[0]
	}
	if q.Global {
		key.region = ""
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if b := l.buckets[key]; b != nil {
		return b
	}
	full := q.PerSecond * l.share * l.factor
	b := &bucket{
		full: full, limiter: rate.NewLimiter(rate.Limit(full), max(1, int(l.factor))), places: make(chan struct{}, max(1, int(full))),
	}
	l.buckets[key] = b
	return b
}

func (l *Limiter) quota(service, operation string) Quota {
	rest := Quota{Service: service, PerSecond: fallbackQuota, Source: "courtesy: an unknown service"}
	for _, q := range l.quotas {
		switch {
		case q.Service != service:
		case slices.Contains(q.Operations, operation):
			return q
		case len(q.Operations) == 0:
			rest = q
		}
	}
	return rest
}
