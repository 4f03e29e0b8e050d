package awssim

import "fmt"

// governCosts sets up budgets, monitors and opt-ins as accounts commonly have
// them: one budget is near its limit, one is far beyond it and one is generous.
func (b *builder) governCosts() {
	w := b.w
	r := newRand(streamKey(w.Seed, "costs", w.Account), 0)
	arn := func(kind, name string) string {
		return fmt.Sprintf("arn:%s:ce::%s:%s/%s", w.Partition, w.Account, kind, uuidOf(w.Seed, w.Account, kind, name))
	}
	created := w.Now.AddDate(-1, 0, 0)
	mail := []BudgetThreshold{{"ACTUAL", 80, "finops@example.com"}, {"FORECASTED", 100, "finops@example.com"}}
	team := pick(r, teams()...)
	w.CostGovernance = CostGovernance{
		Budgets: []*Budget{
			{Name: "account-monthly", Share: between(r, 1.3, 1.6), Thresholds: mail[:1], CreatedAt: created},
			{Name: "lambda-monthly", Service: "AWS Lambda", Share: between(r, 0.92, 1.02), Thresholds: mail, CreatedAt: created},
			{Name: team.name + "-monthly", TagKey: "owner", TagValue: team.owner, Share: between(r, 0.4, 0.6), CreatedAt: created},
		},
		AnomalyMonitors: []*AnomalyMonitor{
			{ARN: arn("anomalymonitor", "services"), Name: "services", Type: "DIMENSIONAL", Dimension: "SERVICE", CreatedAt: created},
			{
				ARN: arn("anomalymonitor", "owner"), Name: team.owner, Type: "CUSTOM", CreatedAt: created,
				Specification: obj{"Tags": obj{"Key": "owner", "Values": []string{team.owner}, "MatchOptions": []string{"EQUALS"}}},
			},
		},
		ResourceCosts: true, Optimizer: true, OptimizationHub: true, InactiveTags: []string{"aws:cloudformation:stack-name", "service"},
	}
	w.AnomalySubscriptions = []*AnomalySubscription{{
		ARN: arn("anomalysubscription", "daily"), Name: "daily", Monitors: []string{w.AnomalyMonitors[0].ARN}, Frequency: "DAILY", FromUSD: 5, Email: "finops@example.com",
	}}
}
