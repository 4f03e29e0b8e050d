package schema

import "time"

// Schedule is a row of schedules: one of EventBridge Scheduler's.
type Schedule struct {
	Account         string    `ch:"account"`
	Region          string    `ch:"region"`
	ScheduleARN     string    `ch:"schedule_arn"`
	ScheduleName    string    `ch:"schedule_name"`
	ScheduleGroup   string    `ch:"schedule_group"`
	State           string    `ch:"state"`           // ENABLED or DISABLED
	TargetARN       string    `ch:"target_arn"`      // as configured: a resource, or an API action such as arn:aws:scheduler:::aws-sdk:lambda:invoke
	DestinationARN  string    `ch:"destination_arn"` // the resource that is reached, also where the target is an API action; empty: not recognised
	DetailsRead     bool      `ch:"details_read"`    // whether the columns below were read
	Expression      string    `ch:"expression"`      // rate(…), cron(…) or at(…)
	Timezone        string    `ch:"timezone"`
	FlexibleMinutes *int64    `ch:"flexible_minutes"` // NULL: at the exact time
	MaximumAgeS     *int64    `ch:"maximum_age_s"`    // of an event that is retried; NULL: the default of a day
	MaximumRetries  *int64    `ch:"maximum_retries"`  // NULL: the default of 185
	DLQARN          string    `ch:"dlq_arn"`          // empty: events whose retries end are lost
	TargetRoleARN   string    `ch:"target_role_arn"`
	StartsAt        string    `ch:"starts_at"`        // ISO 8601; empty: no bound
	EndsAt          string    `ch:"ends_at"`          // ISO 8601; empty: no bound
	AfterCompletion string    `ch:"after_completion"` // NONE or DELETE
	CollectedAt     time.Time `ch:"collected_at"`
}

// Table names the table Schedule rows are written to.
func (Schedule) Table() string { return "schedules" }

// Pipe is a row of pipes: one of EventBridge Pipes.
type Pipe struct {
	Account        string    `ch:"account"`
	Region         string    `ch:"region"`
	PipeARN        string    `ch:"pipe_arn"`
	PipeName       string    `ch:"pipe_name"`
	State          string    `ch:"state"` // RUNNING, STOPPED, …
	DesiredState   string    `ch:"desired_state"`
	StateReason    string    `ch:"state_reason"`
	SourceARN      string    `ch:"source_arn"` // or the address of a Kafka cluster outside of AWS
	EnrichmentARN  string    `ch:"enrichment_arn"`
	TargetARN      string    `ch:"target_arn"`
	DetailsRead    bool      `ch:"details_read"` // whether the columns below were read
	RoleARN        string    `ch:"role_arn"`
	Filters        string    `ch:"filters"` // JSON; empty: every event
	BatchSize      *int64    `ch:"batch_size"`
	BatchWindowS   *int64    `ch:"batch_window_s"`
	MaximumRetries *int64    `ch:"maximum_retries"` // streams only; -1: until the record expires
	MaximumAgeS    *int64    `ch:"maximum_age_s"`   // streams only; -1: until the record expires
	DLQARN         string    `ch:"dlq_arn"`         // streams only; a queue has its own
	LogLevel       string    `ch:"log_level"`       // OFF, ERROR, INFO or TRACE
	CollectedAt    time.Time `ch:"collected_at"`
}

// Table names the table Pipe rows are written to.
func (Pipe) Table() string { return "pipes" }

// StateMachine is a row of state_machines. The definition is not stored: it may hold secrets.
type StateMachine struct {
	Account           string    `ch:"account"`
	Region            string    `ch:"region"`
	StateMachineARN   string    `ch:"state_machine_arn"`
	StateMachineName  string    `ch:"state_machine_name"`
	Type              string    `ch:"type"`         // STANDARD or EXPRESS
	DetailsRead       bool      `ch:"details_read"` // whether the columns below were read
	Status            string    `ch:"status"`
	RoleARN           string    `ch:"role_arn"`
	LoggingLevel      string    `ch:"logging_level"`       // OFF, FATAL, ERROR or ALL
	LogsExecutionData bool      `ch:"logs_execution_data"` // inputs and outputs of states are in the log
	Tracing           bool      `ch:"tracing"`             // X-Ray
	DefinitionRead    bool      `ch:"definition_read"`     // whether the definition was understood; without it no task is known
	QueryLanguage     string    `ch:"query_language"`      // JSONPath or JSONata
	TimeoutS          *int64    `ch:"timeout_s"`           // of an execution; NULL: none
	States            int64     `ch:"states"`              // nested ones included
	CollectedAt       time.Time `ch:"collected_at"`
}

// Table names the table StateMachine rows are written to.
func (StateMachine) Table() string { return "state_machines" }

// StateMachineTask is a row of state_machine_tasks: a Task state, as far as it was recognised.
type StateMachineTask struct {
	Account         string    `ch:"account"`
	Region          string    `ch:"region"`
	StateMachineARN string    `ch:"state_machine_arn"`
	StatePath       string    `ch:"state_path"`       // names of the states from the outermost in, joined by /
	Resource        string    `ch:"resource"`         // what the task calls: a function, an activity, or a service integration
	Action          string    `ch:"action"`           // service:action; empty: not recognised
	Pattern         string    `ch:"pattern"`          // request_response, sync or callback
	TargetARN       string    `ch:"target_arn"`       // empty: chosen at run time, or not recognised
	Repeated        bool      `ch:"repeated"`         // inside a Map state: runs once for each item
	Retries         int64     `ch:"retries"`          // retriers of the task; 0: a failure is final
	MaximumAttempts int64     `ch:"maximum_attempts"` // the most that any retrier retries
	Catches         int64     `ch:"catches"`          // catchers of the task; 0: a failure ends the execution
	TimeoutS        *int64    `ch:"timeout_s"`        // NULL: none, or computed
	HeartbeatS      *int64    `ch:"heartbeat_s"`      // NULL: none, or computed
	CollectedAt     time.Time `ch:"collected_at"`
}

// Table names the table StateMachineTask rows are written to.
func (StateMachineTask) Table() string { return "state_machine_tasks" }

// APIRoute is a row of api_routes: a method or route of an API, and what answers it.
type APIRoute struct {
	Account         string    `ch:"account"`
	Region          string    `ch:"region"`
	APIARN          string    `ch:"api_arn"` // execute-api
	APIName         string    `ch:"api_name"`
	Protocol        string    `ch:"protocol"`         // REST, HTTP or WEBSOCKET
	Route           string    `ch:"route"`            // method and path, or route key
	EndpointType    string    `ch:"endpoint_type"`    // EDGE, REGIONAL or PRIVATE
	VPCEndpointIDs  []string  `ch:"vpc_endpoint_ids"` // of private APIs
	IntegrationType string    `ch:"integration_type"` // AWS_PROXY, AWS, HTTP_PROXY, HTTP, MOCK; empty: none
	FunctionARN     string    `ch:"function_arn"`     // unqualified; empty: no function answers, or a stage variable names it
	Qualifier       string    `ch:"qualifier"`
	DestinationARN  string    `ch:"destination_arn"` // what is not a function: a queue, a state machine; empty: not recognised
	TimeoutMS       *int64    `ch:"timeout_ms"`      // of the integration
	Authorization   string    `ch:"authorization"`   // NONE, AWS_IAM, CUSTOM, COGNITO_USER_POOLS, JWT
	AuthorizerARN   string    `ch:"authorizer_arn"`  // the function that authorizes
	APIKeyRequired  bool      `ch:"api_key_required"`
	CollectedAt     time.Time `ch:"collected_at"`
}

// Table names the table APIRoute rows are written to.
func (APIRoute) Table() string { return "api_routes" }

// APIStage is a row of api_stages.
type APIStage struct {
	Account       string    `ch:"account"`
	Region        string    `ch:"region"`
	APIARN        string    `ch:"api_arn"`
	Stage         string    `ch:"stage"`
	Protocol      string    `ch:"protocol"`
	ThrottleRate  *float64  `ch:"throttle_rate"`  // requests a second; NULL: the account's limit
	ThrottleBurst *int64    `ch:"throttle_burst"` // NULL: the account's limit
	Caching       bool      `ch:"caching"`        // a cache is paid for by the hour
	CacheGB       string    `ch:"cache_gb"`       // size of the cache
	Tracing       bool      `ch:"tracing"`        // X-Ray
	LoggingLevel  string    `ch:"logging_level"`  // OFF, ERROR or INFO
	LogsData      bool      `ch:"logs_data"`      // requests and responses are in the log
	AccessLogARN  string    `ch:"access_log_arn"`
	WebACLARN     string    `ch:"web_acl_arn"`
	AutoDeploy    bool      `ch:"auto_deploy"`
	CollectedAt   time.Time `ch:"collected_at"`
}

// Table names the table APIStage rows are written to.
func (APIStage) Table() string { return "api_stages" }

// LoadBalancerTarget is a row of load_balancer_targets: a function behind a load balancer.
type LoadBalancerTarget struct {
	Account              string    `ch:"account"`
	Region               string    `ch:"region"`
	TargetGroupARN       string    `ch:"target_group_arn"`
	TargetGroupName      string    `ch:"target_group_name"`
	LoadBalancerARN      string    `ch:"load_balancer_arn"` // empty: no load balancer uses the group
	FunctionARN          string    `ch:"function_arn"`      // unqualified
	Qualifier            string    `ch:"qualifier"`
	Health               string    `ch:"health"` // healthy, unhealthy, unavailable, unused, …
	HealthReason         string    `ch:"health_reason"`
	HealthChecks         bool      `ch:"health_checks"` // each check invokes the function
	HealthCheckIntervalS *int64    `ch:"health_check_interval_s"`
	CollectedAt          time.Time `ch:"collected_at"`
}

// Table names the table LoadBalancerTarget rows are written to.
func (LoadBalancerTarget) Table() string { return "load_balancer_targets" }

// Stream is a row of streams: a Kinesis stream, or the stream of a DynamoDB table.
type Stream struct {
	Account     string    `ch:"account"`
	Region      string    `ch:"region"`
	StreamARN   string    `ch:"stream_arn"`
	StreamName  string    `ch:"stream_name"` // of DynamoDB: the table's
	TableARN    string    `ch:"table_arn"`   // DynamoDB
	Kind        string    `ch:"kind"`        // kinesis or dynamodb
	Status      string    `ch:"status"`
	DetailsRead bool      `ch:"details_read"` // whether the columns below were read
	Mode        string    `ch:"mode"`         // PROVISIONED or ON_DEMAND
	Shards      *int64    `ch:"shards"`       // open ones; NULL: DynamoDB does not tell
	RetentionH  *int64    `ch:"retention_h"`  // of DynamoDB always a day
	Consumers   *int64    `ch:"consumers"`    // with enhanced fan-out
	Encryption  string    `ch:"encryption"`   // NONE or KMS
	ViewType    string    `ch:"view_type"`    // DynamoDB: KEYS_ONLY, NEW_IMAGE, …
	CollectedAt time.Time `ch:"collected_at"`
}

// Table names the table Stream rows are written to.
func (Stream) Table() string { return "streams" }

// Broker is a row of brokers: an MSK cluster or an Amazon MQ broker.
type Broker struct {
	Account          string    `ch:"account"`
	Region           string    `ch:"region"`
	BrokerARN        string    `ch:"broker_arn"`
	BrokerName       string    `ch:"broker_name"`
	Kind             string    `ch:"kind"` // kafka, kafka_serverless, activemq or rabbitmq
	State            string    `ch:"state"`
	DetailsRead      bool      `ch:"details_read"` // whether endpoints were read
	EngineVersion    string    `ch:"engine_version"`
	InstanceType     string    `ch:"instance_type"`
	Nodes            *int64    `ch:"nodes"`
	Hosts            []string  `ch:"hosts"`          // host names of the endpoints
	Authentication   []string  `ch:"authentication"` // iam, scram, tls, simple, ldap, none
	Encryption       string    `ch:"encryption"`     // between clients and brokers: TLS, TLS_PLAINTEXT or PLAINTEXT
	Public           bool      `ch:"public"`
	SubnetIDs        []string  `ch:"subnet_ids"`
	SecurityGroupIDs []string  `ch:"security_group_ids"`
	CollectedAt      time.Time `ch:"collected_at"`
}

// Table names the table Broker rows are written to.
func (Broker) Table() string { return "brokers" }

// EventBus is a row of event_buses.
type EventBus struct {
	Account       string    `ch:"account"`
	Region        string    `ch:"region"`
	BusARN        string    `ch:"bus_arn"`
	BusName       string    `ch:"bus_name"`
	PolicyRead    bool      `ch:"policy_read"`   // whether the resource policy, if any, was understood
	Principals    []string  `ch:"principals"`    // who else may put events or rules, as the resource policy names them
	Organizations []string  `ch:"organizations"` // to which the policy narrows a principal of *
	CollectedAt   time.Time `ch:"collected_at"`
}

// Table names the table EventBus rows are written to.
func (EventBus) Table() string { return "event_buses" }

// EventArchive is a row of event_archives: events that can be replayed.
type EventArchive struct {
	Account       string    `ch:"account"`
	Region        string    `ch:"region"`
	BusARN        string    `ch:"bus_arn"`
	ArchiveName   string    `ch:"archive_name"`
	State         string    `ch:"state"`
	RetentionDays *int64    `ch:"retention_days"` // NULL: for ever
	Events        int64     `ch:"events"`
	Bytes         int64     `ch:"bytes"`
	CollectedAt   time.Time `ch:"collected_at"`
}

// Table names the table EventArchive rows are written to.
func (EventArchive) Table() string { return "event_archives" }
