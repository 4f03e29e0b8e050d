package schema

import "time"

// FunctionConfig is a configuration that a version of a function was seen with.
type FunctionConfig struct {
	Account             string    `ch:"account"`
	Region              string    `ch:"region"`
	FunctionARN         string    `ch:"function_arn"`  // unqualified ARN
	Version             string    `ch:"version"`       // $LATEST or a published version in use
	LastModified        time.Time `ch:"last_modified"` // as Lambda tells it; reserved concurrency changes without it
	ConfigHash          string    `ch:"config_hash"`   // of every column from memory_mb to snapstart_apply_on
	RevisionID          string    `ch:"revision_id"`
	MemoryMB            uint32    `ch:"memory_mb"`
	TimeoutS            uint32    `ch:"timeout_s"`
	Architecture        string    `ch:"architecture"`
	Runtime             string    `ch:"runtime"`
	EphemeralMB         uint32    `ch:"ephemeral_mb"`
	CodeSHA256          string    `ch:"code_sha256"`
	EnvNamesHash        string    `ch:"env_names_hash"` // of the names of environment variables; empty without any
	Layers              []string  `ch:"layers"`
	VPCID               string    `ch:"vpc_id"`
	SubnetIDs           []string  `ch:"subnet_ids"`
	SecurityGroupIDs    []string  `ch:"security_group_ids"`
	ReservedConcurrency *int64    `ch:"reserved_concurrency"` // NULL: none reserved, if reserved_read
	ReservedRead        bool      `ch:"reserved_read"`
	RoleARN             string    `ch:"role_arn"`
	SnapstartApplyOn    string    `ch:"snapstart_apply_on"`
	Changes             uint32    `ch:"changes"`      // that the function had been seen to undergo until then
	FirstSeen           time.Time `ch:"first_seen"`   // start of the run that saw it first
	CollectedAt         time.Time `ch:"collected_at"` // when it was written: first seen, or a year after
}

// Table names the table FunctionConfig rows are written to.
func (FunctionConfig) Table() string { return "function_history" }

// FunctionTombstone is a function that is no more.
type FunctionTombstone struct {
	Account      string    `ch:"account"`
	Region       string    `ch:"region"`
	FunctionARN  string    `ch:"function_arn"`
	FunctionName string    `ch:"function_name"`
	MemoryMB     uint32    `ch:"memory_mb"`     // as last seen
	Architecture string    `ch:"architecture"`  // as last seen
	Runtime      string    `ch:"runtime"`       // as last seen
	PackageType  string    `ch:"package_type"`  // as last seen
	LastModified time.Time `ch:"last_modified"` // as last seen
	LastSeenAt   time.Time `ch:"last_seen_at"`  // of the last reading that held it
	DeletedAt    time.Time `ch:"deleted_at"`    // of the first reading that did not
	CollectedAt  time.Time `ch:"collected_at"`
}

// Table names the table FunctionTombstone rows are written to.
func (FunctionTombstone) Table() string { return "function_tombstones" }

// FunctionVersion is a published version of a function.
type FunctionVersion struct {
	Account               string    `ch:"account"`
	Region                string    `ch:"region"`
	FunctionARN           string    `ch:"function_arn"` // unqualified ARN
	Version               uint64    `ch:"version"`      // published; $LATEST is in functions
	Runtime               string    `ch:"runtime"`      // empty for container images
	Architecture          string    `ch:"architecture"`
	MemoryMB              uint32    `ch:"memory_mb"`
	CodeBytes             uint64    `ch:"code_bytes"` // counts towards the account's code storage
	CodeSHA256            string    `ch:"code_sha256"`
	SnapstartApplyOn      string    `ch:"snapstart_apply_on"`     // None or PublishedVersions
	SnapstartOptimization string    `ch:"snapstart_optimization"` // On or Off
	Layers                []string  `ch:"layers"`
	LastModified          time.Time `ch:"last_modified"` // when it was published
	UsedBy                []string  `ch:"used_by"`       // alias:NAME, weight:NAME or provisioned:QUALIFIER
	UseRead               bool      `ch:"use_read"`      // whether aliases and provisioned concurrency could be read: an empty used_by means unused only then
	CollectedAt           time.Time `ch:"collected_at"`
}

// Table names the table FunctionVersion rows are written to.
func (FunctionVersion) Table() string { return "function_versions" }

// FunctionLogging is where and what a function logs.
type FunctionLogging struct {
	Account          string    `ch:"account"`
	Region           string    `ch:"region"`
	FunctionARN      string    `ch:"function_arn"`
	LogGroup         string    `ch:"log_group"`         // the default name when none is configured
	LogFormat        string    `ch:"log_format"`        // Text or JSON
	ApplicationLevel string    `ch:"application_level"` // TRACE … FATAL; empty for Text, which is not filtered
	SystemLevel      string    `ch:"system_level"`      // DEBUG, INFO or WARN; empty for Text
	CollectedAt      time.Time `ch:"collected_at"`
}

// Table names the table FunctionLogging rows are written to.
func (FunctionLogging) Table() string { return "function_logging" }

// FunctionURL is an HTTPS address that invokes a function.
type FunctionURL struct {
	Account          string    `ch:"account"`
	Region           string    `ch:"region"`
	FunctionARN      string    `ch:"function_arn"` // unqualified ARN
	Qualifier        string    `ch:"qualifier"`    // an alias; empty: $LATEST
	URL              string    `ch:"url"`
	AuthType         string    `ch:"auth_type"`   // NONE or AWS_IAM
	InvokeMode       string    `ch:"invoke_mode"` // BUFFERED or RESPONSE_STREAM
	CORS             bool      `ch:"cors"`        // whether CORS is configured
	AllowCredentials bool      `ch:"allow_credentials"`
	AllowOrigins     []string  `ch:"allow_origins"`
	AllowMethods     []string  `ch:"allow_methods"`
	AllowHeaders     []string  `ch:"allow_headers"`
	ExposeHeaders    []string  `ch:"expose_headers"`
	MaxAgeS          *int64    `ch:"max_age_s"`
	CreatedAt        time.Time `ch:"created_at"`
	LastModified     time.Time `ch:"last_modified"`
	CollectedAt      time.Time `ch:"collected_at"`
}

// Table names the table FunctionURL rows are written to.
func (FunctionURL) Table() string { return "function_urls" }

// LayerVersion is a version of a layer that the account owns.
type LayerVersion struct {
	Account       string    `ch:"account"`
	Region        string    `ch:"region"`
	LayerARN      string    `ch:"layer_arn"` // without the version
	Version       int64     `ch:"version"`
	LayerName     string    `ch:"layer_name"`
	Latest        bool      `ch:"latest"`
	Architectures []string  `ch:"architectures"` // empty: not declared
	Runtimes      []string  `ch:"runtimes"`      // empty: not declared
	CodeBytes     *int64    `ch:"code_bytes"`    // NULL when not read
	License       string    `ch:"license"`
	CreatedAt     time.Time `ch:"created_at"`
	CollectedAt   time.Time `ch:"collected_at"`
}

// Table names the table LayerVersion rows are written to.
func (LayerVersion) Table() string { return "layer_versions" }

// LayerPolicy is a statement that shares a layer version.
type LayerPolicy struct {
	Account      string    `ch:"account"`
	Region       string    `ch:"region"`
	LayerARN     string    `ch:"layer_arn"` // without the version
	Version      int64     `ch:"version"`
	SID          string    `ch:"sid"`
	Effect       string    `ch:"effect"`
	Principal    string    `ch:"principal"`    // an account, an ARN, or *
	Organization string    `ch:"organization"` // to which a principal of * is restricted; empty: the public
	Actions      []string  `ch:"actions"`
	Outside      bool      `ch:"outside"` // lets somebody in who is not of this account
	CollectedAt  time.Time `ch:"collected_at"`
}

// Table names the table LayerPolicy rows are written to.
func (LayerPolicy) Table() string { return "layer_policies" }

// FunctionPolicyStatement is one statement, for one principal, of a policy attached to a function or to one of its qualifiers.
type FunctionPolicyStatement struct {
	Account       string    `ch:"account"`
	Region        string    `ch:"region"`
	FunctionARN   string    `ch:"function_arn"` // unqualified ARN
	Qualifier     string    `ch:"qualifier"`    // the alias or version whose policy it is; empty: the function's own
	SID           string    `ch:"sid"`
	Effect        string    `ch:"effect"`
	PrincipalType string    `ch:"principal_type"` // Service, AWS, Federated or CanonicalUser
	Principal     string    `ch:"principal"`      // * is everybody
	Actions       []string  `ch:"actions"`
	Condition     string    `ch:"condition"`      // JSON, as the policy has it
	SourceAccount string    `ch:"source_account"` // what aws:SourceAccount must be; comma-separated when several
	SourceARN     string    `ch:"source_arn"`     // what aws:SourceArn must be; comma-separated when several
	CollectedAt   time.Time `ch:"collected_at"`
}

// Table names the table FunctionPolicyStatement rows are written to.
func (FunctionPolicyStatement) Table() string { return "function_policy_statements" }

// RuntimeManagement is how a function takes new versions of its runtime.
type RuntimeManagement struct {
	Account           string    `ch:"account"`
	Region            string    `ch:"region"`
	FunctionARN       string    `ch:"function_arn"`
	UpdateRuntimeOn   string    `ch:"update_runtime_on"`   // Auto, FunctionUpdate or Manual
	RuntimeVersionARN string    `ch:"runtime_version_arn"` // the version pinned to; Manual only
	CollectedAt       time.Time `ch:"collected_at"`
}

// Table names the table RuntimeManagement rows are written to.
func (RuntimeManagement) Table() string { return "runtime_management" }

// CodeSigningConfig is a code signing configuration with the functions it is attached to.
type CodeSigningConfig struct {
	Account      string    `ch:"account"`
	Region       string    `ch:"region"`
	ConfigARN    string    `ch:"config_arn"`
	Description  string    `ch:"description"`
	OnUntrusted  string    `ch:"on_untrusted"` // Warn or Enforce
	Publishers   []string  `ch:"publishers"`   // ARNs of signing profile versions
	Functions    []string  `ch:"functions"`    // unqualified ARNs of functions that it is attached to
	LastModified time.Time `ch:"last_modified"`
	CollectedAt  time.Time `ch:"collected_at"`
}

// Table names the table CodeSigningConfig rows are written to.
func (CodeSigningConfig) Table() string { return "code_signing_configs" }

// EdgeFunction is a function that a CloudFront distribution runs.
type EdgeFunction struct {
	Account        string    `ch:"account"`
	Region         string    `ch:"region"` // the account's home region: CloudFront has none
	DistributionID string    `ch:"distribution_id"`
	PathPattern    string    `ch:"path_pattern"` // * is the default behaviour
	EventType      string    `ch:"event_type"`   // viewer-request, viewer-response, origin-request or origin-response
	Kind           string    `ch:"kind"`         // lambda or cloudfront
	FunctionARN    string    `ch:"function_arn"` // unqualified for lambda
	Version        string    `ch:"version"`      // lambda only
	IncludeBody    bool      `ch:"include_body"` // lambda only
	DomainName     string    `ch:"domain_name"`
	Aliases        []string  `ch:"aliases"` // domain names of the owner
	Enabled        bool      `ch:"enabled"`
	Status         string    `ch:"status"` // Deployed or InProgress
	PriceClass     string    `ch:"price_class"`
	LastModified   time.Time `ch:"last_modified"`
	CollectedAt    time.Time `ch:"collected_at"`
}

// Table names the table EdgeFunction rows are written to.
func (EdgeFunction) Table() string { return "edge_functions" }

// EdgeReplica is a copy of a Lambda@Edge function in a region.
type EdgeReplica struct {
	Account       string    `ch:"account"`
	Region        string    `ch:"region"`       // the account's home region; see replica_region
	FunctionARN   string    `ch:"function_arn"` // unqualified, of the function that was copied
	Version       string    `ch:"version"`
	ReplicaRegion string    `ch:"replica_region"` // whose logs and metrics the copy writes
	ReplicaName   string    `ch:"replica_name"`   // us-east-1.NAME, as its log group and metrics are called
	MemoryMB      uint32    `ch:"memory_mb"`
	TimeoutS      uint32    `ch:"timeout_s"`
	CollectedAt   time.Time `ch:"collected_at"`
}

// Table names the table EdgeReplica rows are written to.
func (EdgeReplica) Table() string { return "edge_replicas" }

// EventSourceMappingDetail is what EventSourceMapping leaves out of a mapping.
type EventSourceMappingDetail struct {
	Account               string    `ch:"account"`
	Region                string    `ch:"region"`
	UUID                  string    `ch:"uuid"`
	FunctionARN           string    `ch:"function_arn"`    // unqualified ARN
	SourceKind            string    `ch:"source_kind"`     // sqs, kinesis, dynamodb, kafka (MSK or self-managed), mq, documentdb or other
	MinimumPollers        *int64    `ch:"minimum_pollers"` // NULL: no provisioned mode
	MaximumPollers        *int64    `ch:"maximum_pollers"`
	PollerGroup           string    `ch:"poller_group"`
	OnFailureARN          string    `ch:"on_failure_arn"`
	StartingPosition      string    `ch:"starting_position"`
	ParallelizationFactor *int64    `ch:"parallelization_factor"`
	TumblingWindowS       *int64    `ch:"tumbling_window_s"`
	MaximumRecordAgeS     *int64    `ch:"maximum_record_age_s"`  // -1: infinite
	Metrics               []string  `ch:"metrics"`               // opted-in metric groups
	LogLevel              string    `ch:"log_level"`             // Kafka only; empty: no logging configured
	ReportBatchFailures   bool      `ch:"report_batch_failures"` // ReportBatchItemFailures
	Topics                []string  `ch:"topics"`                // Kafka
	Queues                []string  `ch:"queues"`                // MQ
	ConsumerGroup         string    `ch:"consumer_group"`        // Kafka
	ConsumptionMode       string    `ch:"consumption_mode"`      // Kafka
	BrokerHosts           []string  `ch:"broker_hosts"`          // self-managed Kafka, HOST:PORT
	SourceAccess          []string  `ch:"source_access"`         // kinds of access, VPC_SUBNET or SASL_SCRAM_512_AUTH; never secrets
	DocumentDBDatabase    string    `ch:"document_db_database"`
	DocumentDBCollection  string    `ch:"document_db_collection"`
	FullDocument          string    `ch:"full_document"`        // DocumentDB: UpdateLookup or Default
	FiltersEncryptedBy    string    `ch:"filters_encrypted_by"` // KMS key: event_source_mappings.filters is empty then, though there may be some
	LastProcessingResult  string    `ch:"last_processing_result"`
	StateTransitionReason string    `ch:"state_transition_reason"`
	LastModified          time.Time `ch:"last_modified"`
	CollectedAt           time.Time `ch:"collected_at"`
}

// Table names the table EventSourceMappingDetail rows are written to.
func (EventSourceMappingDetail) Table() string { return "event_source_mapping_details" }
