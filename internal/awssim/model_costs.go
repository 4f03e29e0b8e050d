package awssim

import "time"

// CostGovernance is what an account has set up around its bill. What depends on
// the bill (spend of budgets, forecasts, anomalies, recommendations) is computed
// when it is asked.
type CostGovernance struct {
	Budgets              []*Budget
	AnomalyMonitors      []*AnomalyMonitor
	AnomalySubscriptions []*AnomalySubscription
	ResourceCosts        bool         // Cost Explorer's resource level is opted in to
	ListPrices           bool         // no negotiated rates: Cost Explorer has no net metrics
	Optimizer            bool         // Compute Optimizer is opted in to
	OptimizationHub      bool         // the Cost Optimization Hub is opted in to
	SavingsPlans         *SavingsPlan // nil: none
	InactiveTags         []string     // keys that resources have and billing does not know
}

// A Budget is an AWS budget on the account's cost.
type Budget struct {
	Name       string
	Service    string // "": all services
	TagKey     string // with TagValue: of resources with that tag
	TagValue   string
	Share      float64 // of a month at the history's average: the limit, in whole dollars
	Thresholds []BudgetThreshold
	CreatedAt  time.Time
}

// BudgetThreshold is a notification of a budget, with an address that nobody needs.
type BudgetThreshold struct {
	Type    string // ACTUAL or FORECASTED
	Percent float64
	Email   string
}

// An AnomalyMonitor watches a dimension of the bill, or what its specification selects.
type AnomalyMonitor struct {
	ARN           string
	Name          string
	Type          string // DIMENSIONAL or CUSTOM
	Dimension     string
	Specification obj // of custom ones
	CreatedAt     time.Time
}

// An AnomalySubscription tells somebody of a monitor's anomalies.
type AnomalySubscription struct {
	ARN       string
	Name      string
	Monitors  []string // ARNs
	Frequency string   // DAILY, IMMEDIATE, WEEKLY
	FromUSD   float64
	Email     string
}

// A SavingsPlan is a Compute Savings Plan.
type SavingsPlan struct {
	ARN        string
	USDPerHour float64
	Discount   float64 // of on-demand prices
}
