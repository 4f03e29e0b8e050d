package schema

import (
	"time"

	"github.com/shopspring/decimal"
)

// CostFeature tells whether an account uses an optional part of AWS cost management.
type CostFeature struct {
	Account     string    `ch:"account"`
	Region      string    `ch:"region"`  // where it was asked: the home region, but for compute_optimizer
	Feature     string    `ch:"feature"` // resource_costs, forecasts, savings_plans, compute_optimizer, optimization_hub
	Enabled     bool      `ch:"enabled"`
	Detail      string    `ch:"detail"` // why not, in the words of AWS
	CollectedAt time.Time `ch:"collected_at"`
}

// Table names the table CostFeature rows are written to.
func (CostFeature) Table() string { return "cost_features" }

// ResourceCostDay is what one resource cost on one day.
type ResourceCostDay struct {
	Account       string          `ch:"account"`
	Region        string          `ch:"region"` // of the resource; empty when its name tells none
	Service       string          `ch:"service"`
	Day           time.Time       `ch:"day"`
	Resource      string          `ch:"resource"` // ARN; empty is what AWS gives to no resource
	UsageType     string          `ch:"usage_type"`
	Currency      string          `ch:"currency"`
	UnblendedCost decimal.Decimal `ch:"unblended_cost"`
	AmortizedCost decimal.Decimal `ch:"amortized_cost"`
	UsageQuantity decimal.Decimal `ch:"usage_quantity"`
	UsageUnit     string          `ch:"usage_unit"`
	Estimated     bool            `ch:"estimated"` // AWS may still restate the day
	CollectedAt   time.Time       `ch:"collected_at"`
}

// Table names the table ResourceCostDay rows are written to.
func (ResourceCostDay) Table() string { return "cost_resources_daily" }

// CostForecast is what AWS expects the rest of the month to cost.
type CostForecast struct {
	Account       string          `ch:"account"`
	Region        string          `ch:"region"`
	Service       string          `ch:"service"` // as Cost Explorer names it; empty is the whole account
	Metric        string          `ch:"metric"`
	MadeOn        time.Time       `ch:"made_on"`
	PeriodStart   time.Time       `ch:"period_start"` // the first day forecast: what came before is on the bill
	PeriodEnd     time.Time       `ch:"period_end"`   // exclusive
	Currency      string          `ch:"currency"`
	Mean          decimal.Decimal `ch:"mean"`
	Lower         decimal.Decimal `ch:"lower"`
	Upper         decimal.Decimal `ch:"upper"`
	IntervalLevel uint8           `ch:"interval_level"` // percent of cases in which the cost lies between lower and upper
	CollectedAt   time.Time       `ch:"collected_at"`
}

// Table names the table CostForecast rows are written to.
func (CostForecast) Table() string { return "cost_forecasts" }

// CostAnomalyMonitor is a monitor of AWS Cost Anomaly Detection with who is told.
type CostAnomalyMonitor struct {
	Account                string    `ch:"account"`
	Region                 string    `ch:"region"`
	MonitorARN             string    `ch:"monitor_arn"`
	Name                   string    `ch:"name"`
	Type                   string    `ch:"type"`             // DIMENSIONAL or CUSTOM
	Dimension              string    `ch:"dimension"`        // of dimensional monitors
	Specification          string    `ch:"specification"`    // what custom monitors watch, as JSON
	DimensionValues        int32     `ch:"dimension_values"` // how many values it evaluates
	CreatedAt              time.Time `ch:"created_at"`
	LastEvaluatedAt        time.Time `ch:"last_evaluated_at"`
	LastUpdatedAt          time.Time `ch:"last_updated_at"`
	SubscriptionsRead      bool      `ch:"subscriptions_read"`
	SubscriptionNames      []string  `ch:"subscription_names"`
	SubscriptionFrequency  []string  `ch:"subscription_frequency"`
	SubscriptionThresholds []string  `ch:"subscription_thresholds"` // the impact from which it tells, as JSON
	Subscribers            uint32    `ch:"subscribers"`             // confirmed ones; whom they are is not stored
	CollectedAt            time.Time `ch:"collected_at"`
}

// Table names the table CostAnomalyMonitor rows are written to.
func (CostAnomalyMonitor) Table() string { return "cost_anomaly_monitors" }

// CostAnomaly is unusual spend as AWS found it.
type CostAnomaly struct {
	Account         string    `ch:"account"`
	Region          string    `ch:"region"`
	AnomalyID       string    `ch:"anomaly_id"`
	MonitorARN      string    `ch:"monitor_arn"`
	StartDay        time.Time `ch:"start_day"`
	EndDay          time.Time `ch:"end_day"`
	DimensionValue  string    `ch:"dimension_value"` // the monitored value: a service, for service monitors
	CurrentScore    float64   `ch:"current_score"`
	MaxScore        float64   `ch:"max_score"`
	MaxImpactUSD    float64   `ch:"max_impact_usd"`   // of its dearest day
	TotalImpactUSD  float64   `ch:"total_impact_usd"` // actual less expected spend
	ActualUSD       *float64  `ch:"actual_usd"`
	ExpectedUSD     *float64  `ch:"expected_usd"`
	ImpactPercent   *float64  `ch:"impact_percent"` // of what was expected; NULL where that is nothing
	Feedback        string    `ch:"feedback"`       // YES, NO, PLANNED_ACTIVITY, or empty: nobody judged it
	CauseServices   []string  `ch:"cause_services"` // root causes, the largest first; the arrays run in parallel
	CauseRegions    []string  `ch:"cause_regions"`
	CauseAccounts   []string  `ch:"cause_accounts"`
	CauseUsageTypes []string  `ch:"cause_usage_types"`
	CauseUSD        []float64 `ch:"cause_usd"`
	CollectedAt     time.Time `ch:"collected_at"`
}

// Table names the table CostAnomaly rows are written to.
func (CostAnomaly) Table() string { return "cost_anomalies" }

// SavingsPlansDay is a day of what Savings Plans covered, or of how far they were used.
type SavingsPlansDay struct {
	Account               string          `ch:"account"`
	Day                   time.Time       `ch:"day"`
	Measure               string          `ch:"measure"`                  // coverage, of AWS Lambda, or utilization, of all Savings Plans: each fills its own columns
	CoveredUSD            decimal.Decimal `ch:"covered_usd"`              // coverage: spend at plan rates
	OnDemandUSD           decimal.Decimal `ch:"on_demand_usd"`            // coverage: spend that plans could cover and did not
	TotalUSD              decimal.Decimal `ch:"total_usd"`                // coverage: both
	CommitmentUSD         decimal.Decimal `ch:"commitment_usd"`           // utilization
	UsedUSD               decimal.Decimal `ch:"used_usd"`                 // utilization
	UnusedUSD             decimal.Decimal `ch:"unused_usd"`               // utilization: paid for nothing
	NetSavingsUSD         decimal.Decimal `ch:"net_savings_usd"`          // utilization
	OnDemandEquivalentUSD decimal.Decimal `ch:"on_demand_equivalent_usd"` // utilization: what the same use costs without plans
	Percent               decimal.Decimal `ch:"percent"`                  // coverage or utilization
	CollectedAt           time.Time       `ch:"collected_at"`
}

// Table names the table SavingsPlansDay rows are written to.
func (SavingsPlansDay) Table() string { return "savings_plans_daily" }

// Budget is an AWS budget with its notifications, without those who get them.
type Budget struct {
	Account                string           `ch:"account"`
	Region                 string           `ch:"region"`
	Name                   string           `ch:"name"`
	Type                   string           `ch:"type"`         // COST, USAGE, SAVINGS_PLANS_COVERAGE …
	TimeUnit               string           `ch:"time_unit"`    // DAILY, MONTHLY, QUARTERLY, ANNUALLY, CUSTOM
	Unit                   string           `ch:"unit"`         // USD, or a unit of use
	LimitAmount            *decimal.Decimal `ch:"limit_amount"` // of the present period; NULL when AWS names none
	ActualAmount           *decimal.Decimal `ch:"actual_amount"`
	ForecastAmount         *decimal.Decimal `ch:"forecast_amount"` // NULL when AWS cannot forecast yet
	AutoAdjust             string           `ch:"auto_adjust"`     // HISTORICAL or FORECAST; empty: fixed or planned limits
	Filters                string           `ch:"filters"`         // what it counts, as JSON; empty: everything
	Health                 string           `ch:"health"`
	PeriodStart            time.Time        `ch:"period_start"`
	PeriodEnd              time.Time        `ch:"period_end"`
	LastUpdatedAt          time.Time        `ch:"last_updated_at"`
	NotificationsRead      bool             `ch:"notifications_read"`
	NotificationTypes      []string         `ch:"notification_types"` // ACTUAL or FORECASTED; the arrays run in parallel
	NotificationOperators  []string         `ch:"notification_operators"`
	NotificationThresholds []float64        `ch:"notification_thresholds"`
	NotificationUnits      []string         `ch:"notification_units"`  // PERCENTAGE or ABSOLUTE_VALUE
	NotificationStates     []string         `ch:"notification_states"` // OK or ALARM
	CollectedAt            time.Time        `ch:"collected_at"`
}

// Table names the table Budget rows are written to.
func (Budget) Table() string { return "budgets" }

// CostAllocationTag is a tag key as billing knows it.
type CostAllocationTag struct {
	Account       string    `ch:"account"`
	Region        string    `ch:"region"`
	TagKey        string    `ch:"tag_key"`
	Type          string    `ch:"type"`            // AWSGenerated or UserDefined
	Status        string    `ch:"status"`          // Active or Inactive: only active keys reach the bill
	LastUpdatedAt time.Time `ch:"last_updated_at"` // 1970: AWS does not say
	LastUsedAt    time.Time `ch:"last_used_at"`    // month of use; 1970: AWS does not say
	CollectedAt   time.Time `ch:"collected_at"`
}

// Table names the table CostAllocationTag rows are written to.
func (CostAllocationTag) Table() string { return "cost_allocation_tags" }

// Recommendation is AWS's own advice on a resource or a purchase.
type Recommendation struct {
	Account              string    `ch:"account"`
	Region               string    `ch:"region"`            // where it was asked: the home region for the Cost Optimization Hub
	Source               string    `ch:"source"`            // compute_optimizer or optimization_hub
	RecommendationID     string    `ch:"recommendation_id"` // the hub's, or the function version's ARN
	Resource             string    `ch:"resource"`          // ARN without a qualifier; empty for purchases
	ResourceRegion       string    `ch:"resource_region"`
	ResourceType         string    `ch:"resource_type"`
	Action               string    `ch:"action"`  // Rightsize, PurchaseSavingsPlans …; empty when nothing is to be done
	Finding              string    `ch:"finding"` // Compute Optimizer: Optimized, NotOptimized, Unavailable
	Reasons              []string  `ch:"reasons"`
	CurrentSummary       string    `ch:"current_summary"`
	RecommendedSummary   string    `ch:"recommended_summary"`
	CurrentMemoryMB      uint32    `ch:"current_memory_mb"`
	RecommendedMemoryMB  uint32    `ch:"recommended_memory_mb"` // 0: none recommended
	DurationAverageMS    *float64  `ch:"duration_average_ms"`   // as observed
	DurationLowerMS      *float64  `ch:"duration_lower_ms"`     // projected for the recommended memory
	DurationExpectedMS   *float64  `ch:"duration_expected_ms"`
	DurationUpperMS      *float64  `ch:"duration_upper_ms"`
	MemoryMaximumMB      *float64  `ch:"memory_maximum_mb"` // as observed
	Invocations          uint64    `ch:"invocations"`       // in the lookback
	LookbackDays         float64   `ch:"lookback_days"`
	MonthlyCostUSD       *float64  `ch:"monthly_cost_usd"`
	SavingsUSD           *float64  `ch:"savings_usd"`            // a month, at list prices
	SavingsDiscountedUSD *float64  `ch:"savings_discounted_usd"` // a month, after discounts; NULL when AWS does not say
	SavingsPercent       *float64  `ch:"savings_percent"`
	Effort               string    `ch:"effort"`
	RestartNeeded        bool      `ch:"restart_needed"`
	RollbackPossible     bool      `ch:"rollback_possible"`
	RefreshedAt          time.Time `ch:"refreshed_at"`
	CollectedAt          time.Time `ch:"collected_at"`
}

// Table names the table Recommendation rows are written to.
func (Recommendation) Table() string { return "recommendations" }
