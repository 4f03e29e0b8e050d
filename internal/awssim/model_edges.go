package awssim

import "time"

// Wiring is what invokes functions in a region beside mappings, notifications
// and rules. Slices are sorted as the services list them.
type Wiring struct {
	Schedules     []*Schedule
	Pipes         []*Pipe
	StateMachines []*StateMachine
	RESTAPIs      []*API
	HTTPAPIs      []*API // HTTP and WebSocket
	TargetGroups  []*TargetGroup
	Clusters      []*Cluster // MSK
	Brokers       []*Broker  // Amazon MQ
	Archives      []*Archive
	BusPolicies   map[string]string // by the bus's name, JSON
}

// A Schedule is one of EventBridge Scheduler's.
type Schedule struct {
	Name            string
	ARN             string
	Group           string
	State           string // ENABLED or DISABLED
	Expression      string
	Timezone        string
	FlexibleMinutes int // 0: at the exact time
	TargetARN       string
	Input           string // secrets too, as AWS returns it
	RoleARN         string
	DLQARN          string
	MaximumAgeS     *int
	MaximumRetries  *int
	CreatedAt       time.Time
}

// A Pipe is one of EventBridge Pipes.
type Pipe struct {
	Name          string
	ARN           string
	State         string // RUNNING or STOPPED
	SourceARN     string
	EnrichmentARN string
	TargetARN     string
	RoleARN       string
	Filters       []string // patterns, JSON
	BatchSize     int
	DLQARN        string
	CreatedAt     time.Time
}

// A StateMachine is a Step Functions state machine.
type StateMachine struct {
	Name         string
	ARN          string
	Type         string // STANDARD or EXPRESS
	Definition   string // Amazon States Language; secrets too, as AWS returns it
	RoleARN      string
	LoggingLevel string
	Tracing      bool
	CreatedAt    time.Time
}

// An API is an API of API Gateway.
type API struct {
	ID             string
	Name           string
	Protocol       string // REST, HTTP or WEBSOCKET
	EndpointType   string // REST: EDGE, REGIONAL or PRIVATE
	VPCEndpointIDs []string
	Routes         []APIRoute
	Authorizer     string // ARN of the function that authorizes; empty: none
	Stages         []APIStage
	CreatedAt      time.Time
}

// An APIRoute is a method of a REST API's resource, or a route.
type APIRoute struct {
	Method        string // empty for WebSocket routes
	Path          string // or the route key
	FunctionARN   string // perhaps qualified; empty: a mock
	TimeoutMS     int
	Authorization string // NONE, AWS_IAM, CUSTOM
}

// An APIStage is a stage of an API.
type APIStage struct {
	Name          string
	ThrottleRate  float64 // 0: the account's limit
	ThrottleBurst int
	CacheGB       string // empty: no cache
	Tracing       bool
	LoggingLevel  string
}

// A TargetGroup is a target group of type lambda.
type TargetGroup struct {
	Name            string
	ARN             string
	LoadBalancerARN string // empty: not in use
	FunctionARN     string
	HealthChecks    bool
}

// A Cluster is an MSK cluster.
type Cluster struct {
	Name       string
	ARN        string
	State      string
	Serverless bool
	Hosts      []string // of its SASL/IAM endpoints
	SubnetIDs  []string
	GroupIDs   []string
	CreatedAt  time.Time
}

// A Broker is an Amazon MQ broker.
type Broker struct {
	ID        string
	Name      string
	ARN       string
	Engine    string // RABBITMQ or ACTIVEMQ
	State     string
	Endpoint  string
	Public    bool
	SubnetIDs []string
	GroupIDs  []string
	CreatedAt time.Time
}

// An Archive keeps a bus's events for replay.
type Archive struct {
	Name          string
	BusARN        string
	State         string
	RetentionDays int // 0: for ever
	Events        int64
	Bytes         int64
	CreatedAt     time.Time
}
