package schema

import "time"

// LogGroup is a log group.
type LogGroup struct {
	Account            string    `ch:"account"`
	Region             string    `ch:"region"`
	LogGroupName       string    `ch:"log_group_name"`
	LogGroupARN        string    `ch:"log_group_arn"`  // without the trailing :*
	Class              string    `ch:"class"`          // STANDARD, INFREQUENT_ACCESS or DELIVERY
	RetentionDays      *int64    `ch:"retention_days"` // NULL: events never expire
	StoredBytes        uint64    `ch:"stored_bytes"`   // compressed, as CloudWatch Logs counts them for storage, some hours old
	CreatedAt          time.Time `ch:"created_at"`
	KMSKeyARN          string    `ch:"kms_key_arn"`
	DataProtection     string    `ch:"data_protection"` // ACTIVATED, DISABLED, ARCHIVED or DELETED; empty: the group never had a policy of its own
	Inherited          []string  `ch:"inherited"`       // what the account gives the group: ACCOUNT_DATA_PROTECTION
	DeletionProtection bool      `ch:"deletion_protection"`
	Functions          []string  `ch:"functions"` // ARNs of the functions of the region that write to it by their $LATEST; empty: none
	CollectedAt        time.Time `ch:"collected_at"`
}

// Table names the table LogGroup rows are written to.
func (LogGroup) Table() string { return "log_groups" }

// LogMetricFilter is a metric that a metric filter makes of a log group.
type LogMetricFilter struct {
	Account         string    `ch:"account"`
	Region          string    `ch:"region"`
	LogGroupName    string    `ch:"log_group_name"`
	FilterName      string    `ch:"filter_name"`
	MetricNamespace string    `ch:"metric_namespace"`
	MetricName      string    `ch:"metric_name"`
	Dimensions      []string  `ch:"dimensions"` // their names
	CollectedAt     time.Time `ch:"collected_at"`
}

// Table names the table LogMetricFilter rows are written to.
func (LogMetricFilter) Table() string { return "log_metric_filters" }

// LogAccountPolicy is a policy for all log groups of the account in a region.
type LogAccountPolicy struct {
	Account           string    `ch:"account"`
	Region            string    `ch:"region"`
	PolicyType        string    `ch:"policy_type"` // DATA_PROTECTION_POLICY or SUBSCRIPTION_FILTER_POLICY
	PolicyName        string    `ch:"policy_name"`
	Scope             string    `ch:"scope"`              // ALL
	SelectionCriteria string    `ch:"selection_criteria"` // which groups; empty: all
	DestinationARN    string    `ch:"destination_arn"`    // where a subscription sends events
	UpdatedAt         time.Time `ch:"updated_at"`
	CollectedAt       time.Time `ch:"collected_at"`
}

// Table names the table LogAccountPolicy rows are written to.
func (LogAccountPolicy) Table() string { return "log_account_policies" }

// LogSubscription is the subscription filters of one log group that functions write to.
type LogSubscription struct {
	Account         string    `ch:"account"`
	Region          string    `ch:"region"`
	LogGroupName    string    `ch:"log_group_name"`
	FilterNames     []string  `ch:"filter_names"`     // empty: the group was asked about and has none
	DestinationARNs []string  `ch:"destination_arns"` // in the order of filter_names
	CollectedAt     time.Time `ch:"collected_at"`
}

// Table names the table LogSubscription rows are written to.
func (LogSubscription) Table() string { return "log_subscriptions" }

// Alarm is a CloudWatch alarm.
type Alarm struct {
	Account                 string            `ch:"account"`
	Region                  string            `ch:"region"`
	AlarmARN                string            `ch:"alarm_arn"`
	AlarmName               string            `ch:"alarm_name"`
	Kind                    string            `ch:"kind"`        // metric, metric_math, metrics_insights, anomaly, promql or composite
	Expressions             map[string]string `ch:"expressions"` // id → metric math, anomaly band or Metrics Insights query
	Threshold               *float64          `ch:"threshold"`   // NULL where the threshold is a band, or there is none
	Comparison              string            `ch:"comparison"`
	PeriodS                 int64             `ch:"period_s"` // 0 where no period of its own
	EvaluationPeriods       int64             `ch:"evaluation_periods"`
	DatapointsToAlarm       int64             `ch:"datapoints_to_alarm"` // all of the evaluation periods unless configured
	TreatMissingData        string            `ch:"treat_missing_data"`  // missing unless configured
	Rule                    string            `ch:"rule"`                // of a composite alarm
	Children                []string          `ch:"children"`            // names of the alarms that the rule refers to
	Suppressor              string            `ch:"suppressor"`          // name of the alarm that holds back a composite alarm's actions
	ActionsEnabled          bool              `ch:"actions_enabled"`
	AlarmActions            []string          `ch:"alarm_actions"`             // ARNs
	OKActions               []string          `ch:"ok_actions"`                // ARNs
	InsufficientDataActions []string          `ch:"insufficient_data_actions"` // ARNs
	State                   string            `ch:"state"`                     // OK, ALARM or INSUFFICIENT_DATA
	StateSince              *time.Time        `ch:"state_since"`
	ConfiguredAt            *time.Time        `ch:"configured_at"` // when the alarm was last changed
	CollectedAt             time.Time         `ch:"collected_at"`
}

// Table names the table Alarm rows are written to.
func (Alarm) Table() string { return "alarms" }

// AlarmMetric is a metric that an alarm watches.
type AlarmMetric struct {
	Account       string            `ch:"account"`
	Region        string            `ch:"region"`
	AlarmARN      string            `ch:"alarm_arn"`
	MetricID      string            `ch:"metric_id"` // of the alarm's metric queries; empty when it has one metric and no query
	Namespace     string            `ch:"namespace"`
	Metric        string            `ch:"metric"`
	Stat          string            `ch:"stat"`
	PeriodS       int64             `ch:"period_s"`
	Dimensions    map[string]string `ch:"dimensions"`
	Covers        string            `ch:"covers"`         // function, every_function, some_functions (which ones is not told) or other
	ResourceARN   string            `ch:"resource_arn"`   // of the function, queue or topic that the dimensions name; empty for anything else
	MetricAccount string            `ch:"metric_account"` // where the metric is; the alarm's account but for cross-account alarms
	CollectedAt   time.Time         `ch:"collected_at"`
}

// Table names the table AlarmMetric rows are written to.
func (AlarmMetric) Table() string { return "alarm_metrics" }

// AnomalyDetector is a CloudWatch anomaly detection model.
type AnomalyDetector struct {
	Account     string            `ch:"account"`
	Region      string            `ch:"region"`
	Detector    string            `ch:"detector"` // its id, or what tells it apart where CloudWatch gives none
	Kind        string            `ch:"kind"`     // metric or metric_math
	Namespace   string            `ch:"namespace"`
	Metric      string            `ch:"metric"`
	Stat        string            `ch:"stat"`
	Dimensions  map[string]string `ch:"dimensions"`
	Expressions map[string]string `ch:"expressions"`  // id → metric math
	Covers      string            `ch:"covers"`       // as in alarm_metrics
	ResourceARN string            `ch:"resource_arn"` // as in alarm_metrics
	State       string            `ch:"state"`        // PENDING_TRAINING, TRAINED_INSUFFICIENT_DATA or TRAINED
	CollectedAt time.Time         `ch:"collected_at"`
}

// Table names the table AnomalyDetector rows are written to.
func (AnomalyDetector) Table() string { return "anomaly_detectors" }

// SamplingRule is an X-Ray sampling rule.
type SamplingRule struct {
	Account            string     `ch:"account"`
	Region             string     `ch:"region"`
	RuleName           string     `ch:"rule_name"`
	RuleARN            string     `ch:"rule_arn"`
	Priority           int64      `ch:"priority"`             // the lowest that matches decides
	ReservoirPerSecond int64      `ch:"reservoir_per_second"` // requests traced before the rate applies
	FixedRate          float64    `ch:"fixed_rate"`           // share of the other requests
	ServiceName        string     `ch:"service_name"`         // pattern; * matches all
	ServiceType        string     `ch:"service_type"`         // pattern: AWS::Lambda::Function
	Host               string     `ch:"host"`
	HTTPMethod         string     `ch:"http_method"`
	URLPath            string     `ch:"url_path"`
	ResourceARN        string     `ch:"resource_arn"` // pattern
	ModifiedAt         *time.Time `ch:"modified_at"`
	CollectedAt        time.Time  `ch:"collected_at"`
}

// Table names the table SamplingRule rows are written to.
func (SamplingRule) Table() string { return "sampling_rules" }

// DeploymentGroup is a CodeDeploy deployment group of the Lambda platform.
type DeploymentGroup struct {
	Account            string     `ch:"account"`
	Region             string     `ch:"region"`
	Application        string     `ch:"application"`
	DeploymentGroup    string     `ch:"deployment_group"`
	ConfigName         string     `ch:"config_name"`
	Shift              string     `ch:"shift"`         // canary, linear or all_at_once; empty: not read
	ShiftPercent       int64      `ch:"shift_percent"` // of traffic in the first step, or in each
	ShiftMinutes       int64      `ch:"shift_minutes"` // between the steps
	AlarmsEnabled      bool       `ch:"alarms_enabled"`
	Alarms             []string   `ch:"alarms"`               // names of alarms that stop a deployment
	IgnoreAlarmFailure bool       `ch:"ignore_alarm_failure"` // a deployment goes on when its alarms cannot be read
	RollbackEnabled    bool       `ch:"rollback_enabled"`
	RollbackEvents     []string   `ch:"rollback_events"` // DEPLOYMENT_FAILURE, DEPLOYMENT_STOP_ON_ALARM, DEPLOYMENT_STOP_ON_REQUEST
	TriggerARNs        []string   `ch:"trigger_arns"`    // topics that are told
	ServiceRoleARN     string     `ch:"service_role_arn"`
	LastStatus         string     `ch:"last_status"` // of the last attempted deployment; empty: there was none
	LastDeploymentID   string     `ch:"last_deployment_id"`
	LastAttemptedAt    *time.Time `ch:"last_attempted_at"`
	CollectedAt        time.Time  `ch:"collected_at"`
}

// Table names the table DeploymentGroup rows are written to.
func (DeploymentGroup) Table() string { return "deployment_groups" }

// Deployment is what one CodeDeploy deployment did to one function.
type Deployment struct {
	Account         string     `ch:"account"`
	Region          string     `ch:"region"`
	DeploymentID    string     `ch:"deployment_id"`
	FunctionName    string     `ch:"function_name"` // empty: the revision is kept elsewhere and was not read
	FunctionARN     string     `ch:"function_arn"`  // unqualified
	Alias           string     `ch:"alias"`
	FromVersion     string     `ch:"from_version"`
	ToVersion       string     `ch:"to_version"`
	Application     string     `ch:"application"`
	DeploymentGroup string     `ch:"deployment_group"`
	ConfigName      string     `ch:"config_name"`
	Status          string     `ch:"status"`         // Created, Queued, InProgress, Baking, Succeeded, Failed, Stopped or Ready
	ErrorCode       string     `ch:"error_code"`     // why it failed: ALARM_ACTIVE, …
	Creator         string     `ch:"creator"`        // user, CloudFormation, codeDeployRollback, …
	RollbackOf      string     `ch:"rollback_of"`    // the deployment that this one undoes
	RolledBackBy    string     `ch:"rolled_back_by"` // the deployment that undid this one
	CreatedAt       time.Time  `ch:"created_at"`
	StartedAt       *time.Time `ch:"started_at"`
	CompletedAt     *time.Time `ch:"completed_at"`
	CollectedAt     time.Time  `ch:"collected_at"`
}

// Table names the table Deployment rows are written to.
func (Deployment) Table() string { return "deployments" }

// InspectorStatus is whether Inspector scans a kind of resource.
type InspectorStatus struct {
	Account     string    `ch:"account"`
	Region      string    `ch:"region"`
	Scans       string    `ch:"scans"`  // account, lambda (packages) or lambda_code
	Status      string    `ch:"status"` // ENABLED, DISABLED, or on the way: ENABLING, DISABLING, SUSPENDING, SUSPENDED
	ErrorCode   string    `ch:"error_code"`
	CollectedAt time.Time `ch:"collected_at"`
}

// Table names the table InspectorStatus rows are written to.
func (InspectorStatus) Table() string { return "inspector_status" }

// InspectorCoverage is how Inspector scans one version of a function.
type InspectorCoverage struct {
	Account       string     `ch:"account"`
	Region        string     `ch:"region"`
	FunctionARN   string     `ch:"function_arn"` // unqualified
	Version       string     `ch:"version"`      // $LATEST or a published version
	ScanType      string     `ch:"scan_type"`    // PACKAGE or CODE
	Status        string     `ch:"status"`       // ACTIVE or INACTIVE
	Reason        string     `ch:"reason"`       // SUCCESSFUL, EXCLUDED_BY_TAG, UNSUPPORTED_RUNTIME, …
	Runtime       string     `ch:"runtime"`      // as Inspector writes it
	LastScannedAt *time.Time `ch:"last_scanned_at"`
	CollectedAt   time.Time  `ch:"collected_at"`
}

// Table names the table InspectorCoverage rows are written to.
func (InspectorCoverage) Table() string { return "inspector_coverage" }

// InspectorFindings is how many active findings Inspector has on one version of a function.
type InspectorFindings struct {
	Account     string    `ch:"account"`
	Region      string    `ch:"region"`
	FunctionARN string    `ch:"function_arn"` // unqualified
	Version     string    `ch:"version"`
	Critical    int64     `ch:"critical"`
	High        int64     `ch:"high"`
	Medium      int64     `ch:"medium"`
	Total       int64     `ch:"total"` // of all severities
	CollectedAt time.Time `ch:"collected_at"`
}

// Table names the table InspectorFindings rows are written to.
func (InspectorFindings) Table() string { return "inspector_findings" }

// ServiceQuota is a quota of an AWS service.
type ServiceQuota struct {
	Account         string            `ch:"account"`
	Region          string            `ch:"region"`
	ServiceCode     string            `ch:"service_code"`
	QuotaCode       string            `ch:"quota_code"`
	QuotaName       string            `ch:"quota_name"`
	Value           float64           `ch:"value"`         // that applies to the account
	DefaultValue    *float64          `ch:"default_value"` // AWS's; NULL where it was not read
	Unit            string            `ch:"unit"`
	Adjustable      bool              `ch:"adjustable"`      // can be raised on request
	GlobalQuota     bool              `ch:"global_quota"`    // for all regions together
	UsageNamespace  string            `ch:"usage_namespace"` // the metric that tells how much is used; empty: there is none
	UsageMetric     string            `ch:"usage_metric"`
	UsageDimensions map[string]string `ch:"usage_dimensions"`
	UsageStat       string            `ch:"usage_stat"`
	CollectedAt     time.Time         `ch:"collected_at"`
}

// Table names the table ServiceQuota rows are written to.
func (ServiceQuota) Table() string { return "service_quotas" }
