package collect

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func TestQuotasAreWhole(t *testing.T) {
	t.Parallel()
	rest := map[string]bool{}
	for _, q := range DefaultQuotas() {
		if q.Service == "" || q.PerSecond <= 0 || q.Source == "" || ServiceName(q.Service) != q.Service {
			t.Errorf("quota %+v needs a service, a rate and a source", q)
		}
		if len(q.Operations) == 0 && rest[q.Service] {
			t.Errorf("%s has two quotas for its other operations", q.Service)
		}
		rest[q.Service] = rest[q.Service] || len(q.Operations) == 0
	}
	for service, whole := range rest {
		if !whole {
			t.Errorf("%s has no quota for its other operations", service)
		}
	}
}

func TestLimiterHoldsTheLambdaControlPlane(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := NewLimiter(LimiterOptions{})
		start := time.Now()
		operations := []string{"ListFunctions", "ListTags", "ListAliases", "GetFunctionRecursionConfig"}
		for i := range 150 {
			mustWait(t, l, "eu-west-1", "lambda", operations[i%len(operations)])
		}
		// Half of 15/s in all, whatever the operation: seven whole ones.
		if got, want := time.Since(start).Seconds(), 150.0/7; math.Abs(got-want) > 1 {
			t.Errorf("150 calls took %.2f s, want %.2f", got, want)
		}

		start = time.Now()
		mustWait(t, l, "eu-west-1", "lambda", "GetFunction")
		mustWait(t, l, "eu-west-1", "lambda", "GetPolicy")
		mustWait(t, l, "us-east-1", "lambda", "ListFunctions")
		if _, err := l.Wait(t.Context(), "another account", "eu-west-1", "lambda", "ListFunctions"); err != nil {
			t.Error(err)
		}
		if got := time.Since(start); got != 0 {
			t.Errorf("other buckets waited %s", got)
		}
	})
}

// However long a bucket was idle, and however late the network brings
// requests, no second of AWS's sees more than the share.
func TestLimiterNeverPassesTheShareInASecond(t *testing.T) {
	t.Parallel()
	for _, q := range DefaultQuotas() {
		synctest.Test(t, func(t *testing.T) {
			operation := "Any"
			if len(q.Operations) > 0 {
				operation = q.Operations[0]
			}
			l := NewLimiter(LimiterOptions{})
			chance := rand.New(rand.NewPCG(1, 2)) //nolint:gosec // repeatable on purpose
			delays := make([][2]time.Duration, int(3*q.PerSecond)+3)
			for i := range delays {
				delays[i] = [2]time.Duration{time.Duration(chance.Int64N(8e8)), time.Duration(chance.Int64N(8e8))}
			}
			var mu sync.Mutex
			var arrived []time.Time
			var group sync.WaitGroup
			for i, d := range delays {
				if i == len(delays)/2 {
					time.Sleep(time.Hour)
				}
				group.Go(func() {
					answered, err := l.Wait(t.Context(), "1", "eu-west-1", q.Service, operation)
					if err != nil {
						t.Error(err)
						return
					}
					time.Sleep(d[0])
					mu.Lock()
					arrived = append(arrived, time.Now())
					mu.Unlock()
					time.Sleep(d[1])
					answered()
				})
			}
			group.Wait()
			slices.SortFunc(arrived, time.Time.Compare)
			for i := range arrived {
				n := 0
				for _, other := range arrived[i:] {
					if other.Sub(arrived[i]) < time.Second {
						n++
					}
				}
				if allowed := max(1, q.PerSecond/2); float64(n) > allowed {
					t.Fatalf("%s %s: %d requests within a second, of %v", q.Service, operation, n, allowed)
				}
			}
			time.Sleep(2 * time.Second) // the places are given back
		})
	}
}

func TestLimiterSharesGlobalServicesBetweenRegions(t *testing.T) {
	t.Parallel()
	l := NewLimiter(LimiterOptions{})
	if l.bucket("1", "eu-west-1", "iam", "GetRole") != l.bucket("1", "us-east-1", "iam", "GetRolePolicy") {
		t.Error("IAM has one quota for all regions")
	}
	if l.bucket("1", "eu-west-1", "sqs", "ListQueues") == l.bucket("1", "us-east-1", "sqs", "ListQueues") {
		t.Error("SQS has a quota for each region")
	}
}

func TestLimiterHalvesAndRecovers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := NewLimiter(LimiterOptions{})
		rate := func() float64 { return math.Round(l.Rate("1", "r", "lambda", "ListFunctions")*1000) / 1000 }
		throttle := func() { l.Throttled("1", "r", "lambda", "ListFunctions") }
		var rates []float64
		note := func() { rates = append(rates, rate()) }

		note()
		throttle()
		throttle() // the same incident
		note()
		time.Sleep(2 * time.Second)
		throttle()
		note()
		time.Sleep(recovery / 2)
		note()
		time.Sleep(recovery)
		note()
		for range 20 {
			throttle()
			time.Sleep(2 * time.Second)
		}
		throttle()
		note()
		want := []float64{7.5, 3.75, 1.888, 4.694, 7.5, 0.234}
		if !slices.Equal(rates, want) {
			t.Errorf("rates %v, want %v", rates, want)
		}
		if got := l.Rate("1", "r", "lambda", "GetFunction"); got != 50 {
			t.Errorf("another quota's rate: %v", got)
		}
	})
}

func TestLimiterWaitEndsWithTheContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := NewLimiter(LimiterOptions{Quotas: []Quota{{Service: "ce", PerSecond: 0.2, Source: "test"}}})
		mustWait(t, l, "r", "ce", "GetCostAndUsage")
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := l.Wait(ctx, "1", "r", "ce", "GetCostAndUsage")
		if !errors.Is(err, context.DeadlineExceeded) || !Stop(err) {
			t.Errorf("error: %v", err)
		}
		ctx, cancel = context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		if _, err := l.Wait(ctx, "1", "r", "ce", "GetCostAndUsage"); !errors.Is(err, context.Canceled) {
			t.Errorf("error: %v", err)
		}
	})
}

func TestLimiterOptions(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		o    LimiterOptions
		want float64
	}{
		{"half by default", LimiterOptions{}, 7.5},
		{"the simulator's factor", LimiterOptions{Factor: 100}, 750},
		{"a tenth", LimiterOptions{Share: 0.1}, 1.5},
		{"never more than the quota", LimiterOptions{Share: 3}, 15},
	} {
		if got := NewLimiter(tt.o).Rate("1", "r", "lambda", "ListTags"); got != tt.want {
			t.Errorf("%s: %v, want %v", tt.name, got, tt.want)
		}
	}
	if got := NewLimiter(LimiterOptions{}).Rate("1", "r", "appconfig", "ListApplications"); got != fallbackQuota/2 {
		t.Errorf("a service without a row: %v", got)
	}
	var none *Limiter
	if _, err := none.Wait(t.Context(), "1", "r", "lambda", "ListTags"); err != nil {
		t.Error(err)
	}
	none.Throttled("1", "r", "lambda", "ListTags")
}

func mustWait(t *testing.T, l *Limiter, region, service, operation string) {
	t.Helper()
	answered, err := l.Wait(t.Context(), "1", region, service, operation)
	if err != nil {
		t.Fatal(err)
	}
	answered()
}
