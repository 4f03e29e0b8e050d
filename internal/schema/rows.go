package schema

import (
	"time"

	"github.com/shopspring/decimal"
)

// Function is one version of a Lambda function as configured.
type Function struct {
	Account             string    `ch:"account"`
	Region              string    `ch:"region"`
	FunctionARN         string    `ch:"function_arn"` // unqualified ARN
	Version             string    `ch:"version"`      // $LATEST or a published version
	FunctionName        string    `ch:"function_name"`
	Runtime             string    `ch:"runtime"`      // empty for container images
	PackageType         string    `ch:"package_type"` // Zip or Image
	Architecture        string    `ch:"architecture"` // x86_64 or arm64
	MemoryMB            uint32    `ch:"memory_mb"`
	TimeoutS            uint32    `ch:"timeout_s"`
	EphemeralMB         uint32    `ch:"ephemeral_mb"`
	CodeBytes           uint64    `ch:"code_bytes"`
	Handler             string    `ch:"handler"`
	Description         string    `ch:"description"`
	RoleARN             string    `ch:"role_arn"`
	LastModified        time.Time `ch:"last_modified"`
	State               string    `ch:"state"` // empty when not read
	StateReasonCode     string    `ch:"state_reason_code"`
	VPCID               string    `ch:"vpc_id"`
	SubnetIDs           []string  `ch:"subnet_ids"`
	SecurityGroupIDs    []string  `ch:"security_group_ids"`
	EnvNames            []string  `ch:"env_names"` // names only; values are never stored
	EnvRefs             []string  `ch:"env_refs"`  // ARNs (also of queues and buckets told by URL) and host names recognised in values
	DLQARN              string    `ch:"dlq_arn"`
	KMSKeyARN           string    `ch:"kms_key_arn"`
	TracingMode         string    `ch:"tracing_mode"`
	Layers              []string  `ch:"layers"`
	FileSystemARNs      []string  `ch:"file_system_arns"`
	LogGroup            string    `ch:"log_group"`  // where REPORT lines go; the default name when not configured
	LogFormat           string    `ch:"log_format"` // Text or JSON
	SnapstartApplyOn    string    `ch:"snapstart_apply_on"`
	CodeSHA256          string    `ch:"code_sha256"`
	RevisionID          string    `ch:"revision_id"`
	ReservedConcurrency *int64    `ch:"reserved_concurrency"` // NULL: none reserved, if reserved_read
	ReservedRead        bool      `ch:"reserved_read"`
	RecursiveLoop       string    `ch:"recursive_loop"` // Terminate, Allow; empty when not read
	CollectedAt         time.Time `ch:"collected_at"`
}

// Table names the table Function rows are written to.
func (Function) Table() string { return "functions" }

// Alias is a row of aliases.
type Alias struct {
	Account     string             `ch:"account"`
	Region      string             `ch:"region"`
	FunctionARN string             `ch:"function_arn"`
	Alias       string             `ch:"alias"`
	Version     string             `ch:"version"`
	Weights     map[string]float64 `ch:"weights"` // additional version → share
	CollectedAt time.Time          `ch:"collected_at"`
}

// Table names the table Alias rows are written to.
func (Alias) Table() string { return "aliases" }

// ProvisionedConcurrency is a row of provisioned_concurrency.
type ProvisionedConcurrency struct {
	Account     string    `ch:"account"`
	Region      string    `ch:"region"`
	FunctionARN string    `ch:"function_arn"`
	Qualifier   string    `ch:"qualifier"`
	Requested   int64     `ch:"requested"`
	Allocated   int64     `ch:"allocated"`
	Available   int64     `ch:"available"`
	Status      string    `ch:"status"`
	CollectedAt time.Time `ch:"collected_at"`
}

// Table names the table ProvisionedConcurrency rows are written to.
func (ProvisionedConcurrency) Table() string { return "provisioned_concurrency" }

// ResourceTags is a row of resource_tags.
type ResourceTags struct {
	Account     string            `ch:"account"`
	Region      string            `ch:"region"`
	ResourceARN string            `ch:"resource_arn"`
	Source      string            `ch:"source"` // the action that answered: tag:GetResources, lambda:ListTags, lambda:GetFunction
	Tags        map[string]string `ch:"tags"`
	Status      string            `ch:"status"` // read, or the outcome that prevented it: denied, throttled, failed
	Detail      string            `ch:"detail"`
	CollectedAt time.Time         `ch:"collected_at"`
}

// Table names the table ResourceTags rows are written to.
func (ResourceTags) Table() string { return "resource_tags" }

// Edge says that events flow from Src to Dst.
type Edge struct {
	Account     string            `ch:"account"`
	Region      string            `ch:"region"`
	SrcARN      string            `ch:"src_arn"` // events flow from src to dst
	DstARN      string            `ch:"dst_arn"`
	Kind        string            `ch:"kind"`        // trigger, invoke_permission, writes, destination, dlq, redrive, subscription, target, schedule
	SourceKind  string            `ch:"source_kind"` // which source showed it: esm, policy, s3, sns, sqs, events, invoke_config, function, iam, scheduler, pipes, states, apis, loadbalancers
	SrcKind     string            `ch:"src_kind"`    // function, queue, topic, bucket, bus, rule, stream, table, statemachine, api, loadbalancer, pipe, schedule, cluster, service, other
	DstKind     string            `ch:"dst_kind"`
	Certainty   string            `ch:"certainty"` // configured, permitted_and_referenced, permitted, referenced
	Enabled     bool              `ch:"enabled"`
	Filter      string            `ch:"filter"` // JSON: {"prefix","suffix"} for S3, the event pattern for EventBridge, filter criteria for mappings, {"key_pattern"} for S3 writes
	Via         string            `ch:"via"`    // mapping UUID, rule name, statement id, policy name
	Attributes  map[string]string `ch:"attributes"`
	CollectedAt time.Time         `ch:"collected_at"`
}

// Table names the table Edge rows are written to.
func (Edge) Table() string { return "edges" }

// EventSourceMapping is a row of event_source_mappings.
type EventSourceMapping struct {
	Account            string    `ch:"account"`
	Region             string    `ch:"region"`
	UUID               string    `ch:"uuid"`
	FunctionARN        string    `ch:"function_arn"` // unqualified
	Qualifier          string    `ch:"qualifier"`
	SourceARN          string    `ch:"source_arn"`
	State              string    `ch:"state"`
	BatchSize          int64     `ch:"batch_size"`
	BatchWindowS       int64     `ch:"batch_window_s"`
	MaximumConcurrency *int64    `ch:"maximum_concurrency"`
	MaximumRetries     *int64    `ch:"maximum_retries"`
	Bisect             bool      `ch:"bisect"`
	OnFailureARN       string    `ch:"on_failure_arn"`
	PartialResponses   bool      `ch:"partial_responses"`
	Filters            string    `ch:"filters"` // JSON
	CollectedAt        time.Time `ch:"collected_at"`
}

// Table names the table EventSourceMapping rows are written to.
func (EventSourceMapping) Table() string { return "event_source_mappings" }

// EventInvokeConfig is a row of event_invoke_configs.
type EventInvokeConfig struct {
	Account        string    `ch:"account"`
	Region         string    `ch:"region"`
	FunctionARN    string    `ch:"function_arn"`
	Qualifier      string    `ch:"qualifier"`
	MaximumAgeS    *int64    `ch:"maximum_age_s"`
	MaximumRetries *int64    `ch:"maximum_retries"`
	OnSuccessARN   string    `ch:"on_success_arn"`
	OnFailureARN   string    `ch:"on_failure_arn"`
	CollectedAt    time.Time `ch:"collected_at"`
}

// Table names the table EventInvokeConfig rows are written to.
func (EventInvokeConfig) Table() string { return "event_invoke_configs" }

// Queue is a row of queues.
type Queue struct {
	Account          string    `ch:"account"`
	Region           string    `ch:"region"`
	QueueARN         string    `ch:"queue_arn"`
	URL              string    `ch:"url"`
	VisibilityS      int64     `ch:"visibility_s"`
	RetentionS       int64     `ch:"retention_s"`
	RedriveTargetARN string    `ch:"redrive_target_arn"`
	MaxReceiveCount  int64     `ch:"max_receive_count"`
	FIFO             bool      `ch:"fifo"`
	CollectedAt      time.Time `ch:"collected_at"`
}

// Table names the table Queue rows are written to.
func (Queue) Table() string { return "queues" }

// RoleStatement is a row of role_statements.
type RoleStatement struct {
	Account      string    `ch:"account"`
	Region       string    `ch:"region"` // the region whose functions use the role
	RoleARN      string    `ch:"role_arn"`
	Policy       string    `ch:"policy"`    // inline name, managed ARN, or boundary: ARN
	Statement    uint32    `ch:"statement"` // index in the policy
	Effect       string    `ch:"effect"`
	Actions      []string  `ch:"actions"`
	NotActions   []string  `ch:"not_actions"`
	Resources    []string  `ch:"resources"`
	NotResources []string  `ch:"not_resources"`
	Condition    string    `ch:"condition"` // JSON
	CollectedAt  time.Time `ch:"collected_at"`
}

// Table names the table RoleStatement rows are written to.
func (RoleStatement) Table() string { return "role_statements" }

// Subnet is a row of subnets.
type Subnet struct {
	Account          string            `ch:"account"`
	Region           string            `ch:"region"`
	SubnetID         string            `ch:"subnet_id"`
	VPCID            string            `ch:"vpc_id"`
	CIDR             string            `ch:"cidr"`
	AvailabilityZone string            `ch:"availability_zone"`
	AvailableIPs     int64             `ch:"available_ips"`
	RouteTableID     string            `ch:"route_table_id"` // explicit association, or the VPC main table
	Tags             map[string]string `ch:"tags"`
	CollectedAt      time.Time         `ch:"collected_at"`
}

// Table names the table Subnet rows are written to.
func (Subnet) Table() string { return "subnets" }

// SecurityGroup is a row of security_groups.
type SecurityGroup struct {
	Account     string    `ch:"account"`
	Region      string    `ch:"region"`
	GroupID     string    `ch:"group_id"`
	GroupName   string    `ch:"group_name"`
	VPCID       string    `ch:"vpc_id"`
	CollectedAt time.Time `ch:"collected_at"`
}

// Table names the table SecurityGroup rows are written to.
func (SecurityGroup) Table() string { return "security_groups" }

// SecurityGroupRule is a row of security_group_rules.
type SecurityGroupRule struct {
	Account     string    `ch:"account"`
	Region      string    `ch:"region"`
	GroupID     string    `ch:"group_id"`
	Direction   string    `ch:"direction"` // ingress or egress
	Protocol    string    `ch:"protocol"`  // -1 means all
	FromPort    int32     `ch:"from_port"` // -1 means all
	ToPort      int32     `ch:"to_port"`
	PeerKind    string    `ch:"peer_kind"` // cidr, group, prefix_list
	Peer        string    `ch:"peer"`
	CollectedAt time.Time `ch:"collected_at"`
}

// Table names the table SecurityGroupRule rows are written to.
func (SecurityGroupRule) Table() string { return "security_group_rules" }

// Route is a row of routes.
type Route struct {
	Account      string    `ch:"account"`
	Region       string    `ch:"region"`
	RouteTableID string    `ch:"route_table_id"`
	VPCID        string    `ch:"vpc_id"`
	Destination  string    `ch:"destination"` // CIDR or prefix list
	TargetKind   string    `ch:"target_kind"` // local, nat, internet_gateway, endpoint, peering, transit_gateway, network_interface, other
	Target       string    `ch:"target"`
	CollectedAt  time.Time `ch:"collected_at"`
}

// Table names the table Route rows are written to.
func (Route) Table() string { return "routes" }

// NATGateway is a row of nat_gateways.
type NATGateway struct {
	Account      string    `ch:"account"`
	Region       string    `ch:"region"`
	NatGatewayID string    `ch:"nat_gateway_id"`
	VPCID        string    `ch:"vpc_id"`
	SubnetID     string    `ch:"subnet_id"`
	State        string    `ch:"state"`
	Connectivity string    `ch:"connectivity"` // public or private
	CollectedAt  time.Time `ch:"collected_at"`
}

// Table names the table NATGateway rows are written to.
func (NATGateway) Table() string { return "nat_gateways" }

// VPCEndpoint is a row of vpc_endpoints.
type VPCEndpoint struct {
	Account          string    `ch:"account"`
	Region           string    `ch:"region"`
	EndpointID       string    `ch:"endpoint_id"`
	VPCID            string    `ch:"vpc_id"`
	ServiceName      string    `ch:"service_name"`
	EndpointType     string    `ch:"endpoint_type"` // Gateway or Interface
	State            string    `ch:"state"`
	SubnetIDs        []string  `ch:"subnet_ids"`
	RouteTableIDs    []string  `ch:"route_table_ids"`
	SecurityGroupIDs []string  `ch:"security_group_ids"`
	CollectedAt      time.Time `ch:"collected_at"`
}

// Table names the table VPCEndpoint rows are written to.
func (VPCEndpoint) Table() string { return "vpc_endpoints" }

// NetworkInterface is a row of network_interfaces.
type NetworkInterface struct {
	Account          string    `ch:"account"`
	Region           string    `ch:"region"`
	InterfaceID      string    `ch:"interface_id"`
	VPCID            string    `ch:"vpc_id"`
	SubnetID         string    `ch:"subnet_id"`
	InterfaceType    string    `ch:"interface_type"` // lambda, nat_gateway, interface, vpc_endpoint, …
	PrivateIP        string    `ch:"private_ip"`
	SecurityGroupIDs []string  `ch:"security_group_ids"`
	Description      string    `ch:"description"`
	RequesterID      string    `ch:"requester_id"`
	CollectedAt      time.Time `ch:"collected_at"`
}

// Table names the table NetworkInterface rows are written to.
func (NetworkInterface) Table() string { return "network_interfaces" }

// AccountLimits is a row of account_limits.
type AccountLimits struct {
	Account                        string    `ch:"account"`
	Region                         string    `ch:"region"`
	ConcurrentExecutions           int64     `ch:"concurrent_executions"`
	UnreservedConcurrentExecutions int64     `ch:"unreserved_concurrent_executions"`
	CodeSizeLimitBytes             int64     `ch:"code_size_limit_bytes"`
	CodeSizeUsedBytes              int64     `ch:"code_size_used_bytes"`
	FunctionCount                  int64     `ch:"function_count"`
	CollectedAt                    time.Time `ch:"collected_at"`
}

// Table names the table AccountLimits rows are written to.
func (AccountLimits) Table() string { return "account_limits" }

// MetricPoint is one CloudWatch datapoint.
type MetricPoint struct {
	Account     string    `ch:"account"`
	Region      string    `ch:"region"`
	Namespace   string    `ch:"namespace"`
	Metric      string    `ch:"metric"`
	Stat        string    `ch:"stat"`      // Sum, Average, Maximum, p99 …
	Resource    string    `ch:"resource"`  // ARN of what the dimension names; empty for region-level metrics
	Qualifier   string    `ch:"qualifier"` // further dimension value, usually empty
	PeriodS     uint32    `ch:"period_s"`
	TS          time.Time `ch:"ts"` // start of the period
	Value       float64   `ch:"value"`
	CollectedAt time.Time `ch:"collected_at"`
	RolledFrom  uint32    `ch:"rolled_from"` // period in seconds of the points it was made from; 0: as CloudWatch answered
}

// Table names the table MetricPoint rows are written to.
func (MetricPoint) Table() string { return "metric_points" }

// MetricDay is one metric's UTC day, made of its hourly points.
type MetricDay struct {
	Account     string    `ch:"account"`
	Region      string    `ch:"region"`
	Namespace   string    `ch:"namespace"`
	Metric      string    `ch:"metric"`
	Stat        string    `ch:"stat"` // as collected, or what was kept of a statistic that cannot be combined: p99 (max of hours)
	Resource    string    `ch:"resource"`
	Qualifier   string    `ch:"qualifier"`
	Day         time.Time `ch:"day"`
	Value       float64   `ch:"value"`
	Points      uint32    `ch:"points"`       // points it was made of: 24 hours, or fewer where hours had none
	CollectedAt time.Time `ch:"collected_at"` // of the newest of those points
}

// Table names the table MetricDay rows are written to.
func (MetricDay) Table() string { return "metric_days" }

// MetricRead says which window of a metric was asked for, and how it was answered: complete with no points is zero, never asked is unknown.
type MetricRead struct {
	Account     string    `ch:"account"`
	Region      string    `ch:"region"`
	Namespace   string    `ch:"namespace"`
	Metric      string    `ch:"metric"`
	Stat        string    `ch:"stat"`
	Resource    string    `ch:"resource"`
	Qualifier   string    `ch:"qualifier"`
	PeriodS     uint32    `ch:"period_s"`
	FromTS      time.Time `ch:"from_ts"` // half-open window that was asked for
	ToTS        time.Time `ch:"to_ts"`
	Status      string    `ch:"status"` // complete, or why not: partial, denied, throttled, failed
	Points      uint64    `ch:"points"` // complete with 0 points means the metric was not emitted: zero activity
	CollectedAt time.Time `ch:"collected_at"`
}

// Table names the table MetricRead rows are written to.
func (MetricRead) Table() string { return "metric_reads" }

// ReportDay aggregates the REPORT lines of one function, version, memory size, architecture and UTC day.
type ReportDay struct {
	Account         string    `ch:"account"`
	Region          string    `ch:"region"`
	FunctionARN     string    `ch:"function_arn"`
	Version         string    `ch:"version"`
	MemoryMB        uint32    `ch:"memory_mb"`
	Architecture    string    `ch:"architecture"`
	Day             time.Time `ch:"day"`
	Invocations     uint64    `ch:"invocations"`
	DurationMSSum   float64   `ch:"duration_ms_sum"`
	DurationMSP50   float64   `ch:"duration_ms_p50"`
	DurationMSP99   float64   `ch:"duration_ms_p99"`
	DurationMSMax   float64   `ch:"duration_ms_max"`
	BilledMSSum     float64   `ch:"billed_ms_sum"`
	BilledMSSumSq   float64   `ch:"billed_ms_sum_sq"` // sum of squares, for the standard error of the mean
	BilledMSP50     float64   `ch:"billed_ms_p50"`
	BilledMSP99     float64   `ch:"billed_ms_p99"`
	UsedMBMax       float64   `ch:"used_mb_max"`
	UsedMBP50       float64   `ch:"used_mb_p50"`
	UsedMBP99       float64   `ch:"used_mb_p99"`
	UsedMBP999      float64   `ch:"used_mb_p999"`
	InitCount       uint64    `ch:"init_count"`
	InitMSSum       float64   `ch:"init_ms_sum"`
	InitMSP99       float64   `ch:"init_ms_p99"`
	Timeouts        uint64    `ch:"timeouts"`
	AtMemoryLimit   uint64    `ch:"at_memory_limit"` // lines whose max memory used reached the memory size
	Errors          uint64    `ch:"errors"`          // lines with a Status of error
	Snapstart       bool      `ch:"snapstart"`
	InitBilled      *bool     `ch:"init_billed"` // told by the lines of cold starts; NULL when there were none
	SampleRequestID string    `ch:"sample_request_id"`
	CollectedAt     time.Time `ch:"collected_at"`
}

// Table names the table ReportDay rows are written to.
func (ReportDay) Table() string { return "reports_daily" }

// CostDay is a day of cost in FOCUS column names.
type CostDay struct {
	BillingAccountId  string          `ch:"BillingAccountId"`
	SubAccountId      string          `ch:"SubAccountId"`
	RegionId          string          `ch:"RegionId"`
	ServiceName       string          `ch:"ServiceName"`
	ChargePeriodStart time.Time       `ch:"ChargePeriodStart"`
	ChargePeriodEnd   time.Time       `ch:"ChargePeriodEnd"`
	XGrouping         string          `ch:"x_Grouping"` // usage_type, or tag:KEY
	XUsageType        string          `ch:"x_UsageType"`
	TagValue          string          `ch:"TagValue"` // with x_Grouping tag:KEY; empty means untagged
	BillingCurrency   string          `ch:"BillingCurrency"`
	BilledCost        decimal.Decimal `ch:"BilledCost"`    // Cost Explorer UnblendedCost
	EffectiveCost     decimal.Decimal `ch:"EffectiveCost"` // Cost Explorer AmortizedCost
	XNetUnblendedCost decimal.Decimal `ch:"x_NetUnblendedCost"`
	XNetAmortizedCost decimal.Decimal `ch:"x_NetAmortizedCost"`
	ConsumedQuantity  decimal.Decimal `ch:"ConsumedQuantity"`
	ConsumedUnit      string          `ch:"ConsumedUnit"`
	XEstimated        bool            `ch:"x_Estimated"` // AWS may still restate the day
	CollectedAt       time.Time       `ch:"collected_at"`
}

// Table names the table CostDay rows are written to.
func (CostDay) Table() string { return "costs_daily" }

// Price is a row of prices.
type Price struct {
	Item        string          `ch:"item"` // lambda.request, lambda.gb_second, nat.hour …; see internal/price
	Region      string          `ch:"region"`
	Arch        string          `ch:"arch"`      // x86_64, arm64, or empty
	TierFrom    decimal.Decimal `ch:"tier_from"` // monthly units from which the row applies
	Unit        string          `ch:"unit"`
	USD         decimal.Decimal `ch:"usd"`
	ValidFrom   time.Time       `ch:"valid_from"`
	ValidTo     time.Time       `ch:"valid_to"` // exclusive
	Source      string          `ch:"source"`
	CollectedAt time.Time       `ch:"collected_at"`
}

// Table names the table Price rows are written to.
func (Price) Table() string { return "prices" }

// CollectorRun is a row of collector_runs.
type CollectorRun struct {
	RunID       string    `ch:"run_id"`
	Collector   string    `ch:"collector"`
	Account     string    `ch:"account"`
	Region      string    `ch:"region"`
	StartedAt   time.Time `ch:"started_at"`
	FinishedAt  time.Time `ch:"finished_at"`
	Outcome     string    `ch:"outcome"` // ok, nodata, denied, throttled, failed, skipped
	Partial     bool      `ch:"partial"` // some evidence is missing: see evidence_gaps
	Detail      string    `ch:"detail"`
	RowsWritten uint64    `ch:"rows_written"`
	APICalls    uint64    `ch:"api_calls"`
	APIUSD      float64   `ch:"api_usd"`
}

// Table names the table CollectorRun rows are written to.
func (CollectorRun) Table() string { return "collector_runs" }

// EvidenceGap is a row of evidence_gaps.
type EvidenceGap struct {
	RunID       string    `ch:"run_id"`
	Collector   string    `ch:"collector"`
	Account     string    `ch:"account"`
	Region      string    `ch:"region"`
	TableName   string    `ch:"table_name"`
	Kind        string    `ch:"kind"`
	Resource    string    `ch:"resource"` // empty: all of the scope
	Action      string    `ch:"action"`
	Outcome     string    `ch:"outcome"`
	Detail      string    `ch:"detail"`
	CollectedAt time.Time `ch:"collected_at"`
}

// Table names the table EvidenceGap rows are written to.
func (EvidenceGap) Table() string { return "evidence_gaps" }

// Completion is a row of completions.
type Completion struct {
	Collector   string    `ch:"collector"`
	Account     string    `ch:"account"`
	Region      string    `ch:"region"`
	TableName   string    `ch:"table_name"`
	Kind        string    `ch:"kind"`
	CollectedAt time.Time `ch:"collected_at"` // start of the run that read the table wholly
}

// Table names the table Completion rows are written to.
func (Completion) Table() string { return "completions" }

// APICall is a row of api_calls.
type APICall struct {
	RunID       string    `ch:"run_id"`
	Collector   string    `ch:"collector"`
	Account     string    `ch:"account"`
	Region      string    `ch:"region"`
	Service     string    `ch:"service"`
	Operation   string    `ch:"operation"`
	Calls       uint64    `ch:"calls"`
	Errors      uint64    `ch:"errors"`
	Throttles   uint64    `ch:"throttles"`
	Units       float64   `ch:"units"`
	Unit        string    `ch:"unit"`
	USD         float64   `ch:"usd"`
	CollectedAt time.Time `ch:"collected_at"`
}

// Table names the table APICall rows are written to.
func (APICall) Table() string { return "api_calls" }

// Cursor is a row of cursors.
type Cursor struct {
	Collector   string    `ch:"collector"`
	Account     string    `ch:"account"`
	Region      string    `ch:"region"`
	Key         string    `ch:"key"`
	Value       string    `ch:"value"`
	CollectedAt time.Time `ch:"collected_at"`
}

// Table names the table Cursor rows are written to.
func (Cursor) Table() string { return "cursors" }

// AnalyzerRun is a row of analyzer_runs.
type AnalyzerRun struct {
	RunID           string    `ch:"run_id"`
	Analyzer        string    `ch:"analyzer"`
	StartedAt       time.Time `ch:"started_at"`
	FinishedAt      time.Time `ch:"finished_at"`
	WindowFrom      time.Time `ch:"window_from"`
	WindowTo        time.Time `ch:"window_to"`
	Outcome         string    `ch:"outcome"` // ok or failed
	Detail          string    `ch:"detail"`
	Findings        uint64    `ch:"findings"`
	OK              uint64    `ch:"ok"`
	Violations      uint64    `ch:"violations"`
	CannotDetermine uint64    `ch:"cannot_determine"`
}

// Table names the table AnalyzerRun rows are written to.
func (AnalyzerRun) Table() string { return "analyzer_runs" }

// Finding is a row of findings.
type Finding struct {
	Fingerprint     string    `ch:"fingerprint"`
	Analyzer        string    `ch:"analyzer"`
	Resource        string    `ch:"resource"`
	Key             string    `ch:"key"`
	Account         string    `ch:"account"`
	Region          string    `ch:"region"`
	Owner           string    `ch:"owner"`
	Severity        string    `ch:"severity"`
	Confidence      string    `ch:"confidence"`
	SavingsLow      float64   `ch:"savings_low"`
	SavingsExpected float64   `ch:"savings_expected"`
	SavingsHigh     float64   `ch:"savings_high"`
	Unpriced        string    `ch:"unpriced"`
	Summary         string    `ch:"summary"`
	Evidence        string    `ch:"evidence"` // JSON
	Remediation     string    `ch:"remediation"`
	Members         []string  `ch:"members"`
	Status          string    `ch:"status"` // open or resolved
	FirstSeen       time.Time `ch:"first_seen"`
	LastSeen        time.Time `ch:"last_seen"`
	RunID           string    `ch:"run_id"`
	UpdatedAt       time.Time `ch:"updated_at"`
}

// Table names the table Finding rows are written to.
func (Finding) Table() string { return "findings" }

// Judgement is a row of judgements.
type Judgement struct {
	Analyzer string    `ch:"analyzer"`
	Resource string    `ch:"resource"`
	Account  string    `ch:"account"`
	Region   string    `ch:"region"`
	Owner    string    `ch:"owner"`
	Verdict  string    `ch:"verdict"`
	Reason   string    `ch:"reason"`
	Detail   string    `ch:"detail"`
	RunID    string    `ch:"run_id"`
	JudgedAt time.Time `ch:"judged_at"`
}

// Table names the table Judgement rows are written to.
func (Judgement) Table() string { return "judgements" }

// Measurement is a row of measurements.
type Measurement struct {
	Analyzer   string    `ch:"analyzer"`
	Name       string    `ch:"name"`
	Account    string    `ch:"account"`
	Region     string    `ch:"region"`
	Labels     []string  `ch:"labels"`
	Value      float64   `ch:"value"`
	RunID      string    `ch:"run_id"`
	MeasuredAt time.Time `ch:"measured_at"`
}

// Table names the table Measurement rows are written to.
func (Measurement) Table() string { return "measurements" }
