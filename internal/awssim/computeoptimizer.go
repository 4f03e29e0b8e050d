package awssim

import (
	"math"
	"strings"
)

// computeOptimizerService is Compute Optimizer: regional, free to ask, in CBOR.
// AWS publishes no request quota; ten a second is a choice.
func computeOptimizerService() *service {
	return &service{
		name: "compute-optimizer", prefix: "compute-optimizer", protocol: rpcCBOR, target: "ComputeOptimizerService", namespace: "com.amazonaws.computeoptimizer",
		words: map[failure]wording{
			failDenied:     {status: 400, code: "AccessDeniedException"},
			failThrottled:  {status: 400, code: "ThrottlingException"},
			failValidation: {status: 400, code: "InvalidParameterValueException"},
			failBadToken:   {status: 400, code: "InvalidParameterValueException"},
			failInternal:   {status: 500, code: "InternalServerException"},
		},
		quotas: []quota{{name: "requests", perSecond: 10}},
		operations: []operation{
			{name: "GetEnrollmentStatus", run: getEnrollmentStatus},
			{
				name: "GetLambdaFunctionRecommendations", run: getLambdaRecommendations,
				params: []param{{name: "MaxResults", min: 1, max: 1000}, {name: "accountIds", list: true, max: 1}},
			},
		},
	}
}

func getEnrollmentStatus(c *call) (obj, error) {
	status := "Active"
	if !c.home().Optimizer {
		status = "Inactive"
	}
	return obj{"status": status, "memberAccountsEnrolled": false, "lastUpdatedTimestamp": c.home().Start()}, nil
}

// Advice is what Compute Optimizer makes of a function's last two weeks.
type Advice struct {
	Function       *Function
	Finding        string
	Reason         string // with findings that are not Optimized
	Invocations    int64
	AverageMS      float64
	MaximumMS      float64
	AverageMB      float64
	MaximumMB      float64
	RecommendedMB  int // 0: none
	LowerMS        float64
	ExpectedMS     float64
	UpperMS        float64
	SavingsUSD     float64 // a month
	SavingsPercent float64
	MonthlyUSD     float64
}

const adviceDays = 14

// Advice lists the region's functions in their order. Compute Optimizer looks at
// functions of up to 1,792 MB that ran at least fifty times in two weeks.
func (r *Region) Advice() []Advice {
	list := make([]Advice, len(r.Functions))
	parallel(len(r.Functions), func(i int) { list[i] = r.advise(r.Functions[i]) })
	return list
}

func (r *Region) advise(f *Function) Advice {
	a := Advice{Function: f, Finding: "Unavailable", Reason: "InsufficientData"}
	if f.load == nil {
		return a
	}
	a.observe(r.world)
	switch {
	case a.Invocations < 50:
		return a
	case f.MemoryMB > 1792:
		a.Reason = "Inconclusive"
		return a
	}
	need := roundUp(a.MaximumMB)
	switch {
	case need*10 <= f.MemoryMB*8:
		a.recommend(need, "MemoryOverprovisioned")
	case a.MaximumMB >= 0.95*float64(f.MemoryMB):
		a.recommend(need, "MemoryUnderprovisioned")
	default:
		a.Finding, a.Reason = "Optimized", ""
	}
	return a
}

// observe reads the lookback's samples.
func (a *Advice) observe(w *World) {
	f := a.Function
	t := f.load.count(w.Days)
	days := min(adviceDays, w.Days)
	billed, ms, mb := 0.0, 0.0, 0.0
	for day := range days {
		samples := f.load.samples(t, day)
		for i := range samples {
			s := &samples[i]
			n := float64(s.weight)
			a.Invocations += int64(s.weight)
			ms, mb, billed = ms+n*s.durationMS, mb+n*float64(s.usedMB), billed+n*float64(f.load.billedMS(s))
			a.MaximumMS, a.MaximumMB = max(a.MaximumMS, s.durationMS), max(a.MaximumMB, float64(s.usedMB))
		}
	}
	if a.Invocations > 0 {
		a.AverageMS, a.AverageMB = ms/float64(a.Invocations), mb/float64(a.Invocations)
	}
	price := f.byArch(f.Architecture, meterDuration, meterDurationARM).price(f.region.Name)
	a.MonthlyUSD = billed / 1000 * float64(f.MemoryMB) / 1024 * price * 30 / float64(days)
}

// recommend projects another size: at best the duration stays, at worst it is
// inversely proportional to memory.
func (a *Advice) recommend(mb int, reason string) {
	f := a.Function
	a.Finding, a.Reason, a.RecommendedMB = "NotOptimized", reason, mb
	ratio := float64(f.MemoryMB) / float64(mb)
	a.LowerMS, a.UpperMS = a.AverageMS*math.Min(1, ratio), a.AverageMS*math.Max(1, ratio)
	a.ExpectedMS = a.AverageMS * (1 + 0.1*(ratio-1))
	left := float64(mb) / float64(f.MemoryMB) * a.ExpectedMS / a.AverageMS
	if left < 1 {
		a.SavingsPercent, a.SavingsUSD = 100*(1-left), a.MonthlyUSD*(1-left)
	}
}

func getLambdaRecommendations(c *call) (obj, error) {
	if !c.home().Optimizer {
		return nil, errorf(400, "OptInRequiredException", "%s is not registered for recommendations", c.account())
	}
	accounts := c.strings("accountIds")
	list := c.world().Advice()
	if len(accounts) > 0 && accounts[0] != c.account() {
		return nil, c.fail(failDenied, "Account %s may not read recommendations of %s", c.account(), strings.Join(accounts, ","))
	}
	items, next, err := page(c, paging{token: "nextToken", limit: "maxResults", size: 100}, list)
	if err != nil {
		return nil, err
	}
	return compact(obj{"lambdaFunctionRecommendations": mapOf(items, func(a Advice) obj { return a.wire(c) }), "nextToken": next}), nil
}

func (a *Advice) wire(c *call) obj {
	f := a.Function
	metric := func(name, statistic string, value float64) obj {
		return obj{"name": name, "statistic": statistic, "value": value}
	}
	o := obj{
		"functionArn": f.ARN + ":$LATEST", "functionVersion": "$LATEST", "accountId": c.account(), "currentMemorySize": f.MemoryMB,
		"numberOfInvocations": a.Invocations, "lookbackPeriodInDays": float64(adviceDays), "lastRefreshTimestamp": c.home().Now,
		"finding": a.Finding, "findingReasonCodes": notEmpty(strings.Fields(a.Reason)),
	}
	if a.Invocations > 0 {
		o["utilizationMetrics"] = []obj{
			metric("Duration", "Average", a.AverageMS), metric("Duration", "Maximum", a.MaximumMS),
			metric("Memory", "Average", a.AverageMB), metric("Memory", "Maximum", a.MaximumMB),
		}
	}
	if a.RecommendedMB > 0 {
		savings := obj{"savingsOpportunityPercentage": a.SavingsPercent, "estimatedMonthlySavings": obj{"currency": "USD", "value": a.SavingsUSD}}
		discounted := a.SavingsUSD * (1 - negotiated)
		o["memorySizeRecommendationOptions"] = []obj{{
			"rank": 1, "memorySize": a.RecommendedMB, "savingsOpportunity": savings,
			"savingsOpportunityAfterDiscounts": obj{"savingsOpportunityPercentage": a.SavingsPercent, "estimatedMonthlySavings": obj{"currency": "USD", "value": discounted}},
			"projectedUtilizationMetrics": []obj{
				metric("Duration", "LowerBound", a.LowerMS), metric("Duration", "Expected", a.ExpectedMS), metric("Duration", "UpperBound", a.UpperMS),
			},
		}}
	}
	return compact(o)
}
