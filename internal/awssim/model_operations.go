package awssim

import "time"

// Operations is what watches, deploys, traces and inspects a region's functions,
// and what AWS lets the account do there.
type Operations struct {
	Alarms              []*Alarm
	AnomalyDetectors    []*AnomalyDetector
	GroupSettings       map[string]GroupSettings // by log group
	MetricFilters       []*MetricFilter
	SubscriptionFilters []*SubscriptionFilter
	LogPolicies         []*LogPolicy
	SamplingRules       []*SamplingRule
	Applications        []*Application
	Deployments         []*Deployment
	Inspector           Inspector
	RaisedQuotas        map[string]float64 // by quota code; the others have AWS's default
}

// GroupSettings are what few log groups have.
type GroupSettings struct {
	KMSKeyARN      string
	DataProtection string // ACTIVATED or DISABLED; empty: never had a policy
	Inherited      bool   // the account's data protection policy is in force
}

// A MetricFilter makes metrics of a log group's events.
type MetricFilter struct {
	Name       string
	LogGroup   string
	Pattern    string
	Namespace  string
	Metric     string
	Dimensions map[string]string // name → selector
	CreatedAt  time.Time
}

// A SubscriptionFilter sends a log group's events elsewhere.
type SubscriptionFilter struct {
	Name        string
	LogGroup    string
	Pattern     string
	Destination string // ARN
	CreatedAt   time.Time
}

// A LogPolicy is for all log groups of the account in the region.
type LogPolicy struct {
	Name      string
	Type      string // DATA_PROTECTION_POLICY, SUBSCRIPTION_FILTER_POLICY, …
	Document  string // JSON
	Criteria  string
	UpdatedAt time.Time
}

// An Alarm is a CloudWatch alarm: of one metric, of metric queries, or composite.
type Alarm struct {
	Name           string
	ARN            string
	Rule           string // of composite alarms, which have nothing of a metric
	Metric         *AlarmMetric
	Queries        []AlarmQuery
	ThresholdID    string // of the query that is the band of an anomaly alarm
	Threshold      float64
	Comparison     string
	PeriodS        int
	Evaluation     int
	Datapoints     int // 0: not given
	TreatMissing   string
	ActionsEnabled bool
	Actions        []string // ARNs
	OKActions      []string
	State          string
	StateSince     time.Time
	ConfiguredAt   time.Time
}

// AlarmMetric names a metric and its statistic.
type AlarmMetric struct {
	Namespace string
	Name      string
	Dims      map[string]string
	Stat      string
}

// AlarmQuery is one of an alarm's metric queries.
type AlarmQuery struct {
	ID         string
	Expression string
	Metric     *AlarmMetric
	PeriodS    int
	Returns    bool
}

// An AnomalyDetector is a trained model of a metric, or of a metric math expression.
type AnomalyDetector struct {
	ID      string
	Metric  *AlarmMetric
	Queries []AlarmQuery
	State   string
}

// A SamplingRule says which requests X-Ray traces.
type SamplingRule struct {
	Name       string
	ARN        string
	Priority   int
	Reservoir  int
	Rate       float64
	Service    string
	Type       string
	Host       string
	Method     string
	Path       string
	Resource   string
	ModifiedAt time.Time
}

// An Application is a CodeDeploy application with its deployment groups.
type Application struct {
	Name      string
	ID        string
	Platform  string // Lambda, Server or ECS
	CreatedAt time.Time
	Groups    []*DeploymentGroup
}

// A DeploymentGroup is how an application is deployed.
type DeploymentGroup struct {
	Name           string
	ID             string
	Config         string
	Alarms         []string
	IgnoreFailure  bool
	RollbackEvents []string // none: no automatic rollback
	TriggerARN     string
	RoleARN        string

	function *Function // whose alias it shifts
}

// A Deployment shifts an alias from one version to another.
type Deployment struct {
	ID           string
	Application  string
	Group        string
	Config       string
	Platform     string
	Status       string
	ErrorCode    string
	Creator      string
	RollbackOf   string
	RolledBackBy string
	AppSpec      string // JSON; empty: the revision is in a bucket
	CreatedAt    time.Time
	CompletedAt  time.Time
}

// Inspector is what Amazon Inspector does in a region.
type Inspector struct {
	Lambda     string // ENABLED or DISABLED; empty is DISABLED
	LambdaCode string
	Coverage   []*Coverage
	Findings   []*FindingCount
}

// Coverage is how one function is scanned.
type Coverage struct {
	ResourceID string // function ARN with the version
	Function   string
	Runtime    string // as Inspector writes it
	ScanType   string // PACKAGE or CODE
	Status     string // ACTIVE or INACTIVE
	Reason     string
	ScannedAt  time.Time // zero: never
}

// FindingCount is how many findings a function has.
type FindingCount struct {
	ResourceID                    string
	Function                      string
	Critical, High, Medium, Total int
}
