package awssim

import (
	"sync"
	"time"
)

// Canary is planted in values of environment variables, definitions of state
// machines and inputs of schedules, as the secrets of real accounts are. It must
// never leave the simulated APIs: whatever stores, logs or shows it has leaked one.
const Canary = "canary-7f3a9d51-must-never-be-stored"

// A World is a simulated account as data. It is immutable once generated and
// safe for concurrent use; time series, log lines and bills are computed from it
// on demand, the same for the same seed.
//
// Everything is anchored at Now, not at a calendar date: the last full day
// before Now always plays the Sunday of the simulated week, so a seed gives the
// same numbers whenever it is generated.
type World struct {
	Account         string // 12 digits
	Partition       string
	Now             time.Time // the end of data, a UTC midnight: nothing is known at or after it
	Days            int       // how many days of history there are before Now
	Seed            int64
	Regions         []*Region
	Roles           []*Role
	ManagedPolicies []*ManagedPolicy // attached ones, AWS's own and the customer's
	UnreadableTags  []string         // ARNs for which lambda:ListTags is denied and which the tagging API leaves out
	Truth           Truth
	Governance
	CostGovernance
	Observability

	LambdaWorld

	costs billCache
}

// Start is the first instant of the history.
func (w *World) Start() time.Time { return w.Now.AddDate(0, 0, -w.Days) }

// Region returns the named region, or nil.
func (w *World) Region(name string) *Region {
	for _, r := range w.Regions {
		if r.Name == name {
			return r
		}
	}
	return nil
}

// Role returns the role with that ARN or name, or nil.
func (w *World) Role(arnOrName string) *Role {
	for _, r := range w.Roles {
		if r.ARN == arnOrName || r.Name == arnOrName {
			return r
		}
	}
	return nil
}

// ManagedPolicy returns the managed policy with that ARN, or nil.
func (w *World) ManagedPolicy(arn string) *ManagedPolicy {
	for _, p := range w.ManagedPolicies {
		if p.ARN == arn {
			return p
		}
	}
	return nil
}

// A Region holds what exists in one region of the account. Slices are sorted by
// name, ARN or id, as the services list them.
type Region struct {
	Name             string
	ConcurrencyLimit int   // of the account in this region
	CodeSizeLimit    int64 // bytes
	CodeSizeUsed     int64 // bytes

	Functions     []*Function
	Mappings      []*Mapping
	Queues        []*Queue
	Topics        []*Topic
	Subscriptions []*Subscription
	Buckets       []*Bucket
	EventBuses    []*EventBus
	Rules         []*Rule
	Tables        []*Table
	Streams       []*Stream // Kinesis
	Wiring

	VPCs           []*VPC
	Subnets        []*Subnet
	SecurityGroups []*SecurityGroup
	RouteTables    []*RouteTable
	NATGateways    []*NATGateway
	Endpoints      []*Endpoint
	Peerings       []*Peering
	Interfaces     []*Interface

	Operations
	LambdaRegion

	world   *World
	series  seriesCache
	groups  []LogGroup // StoredBytes of those that functions write to are set by grouped
	grouped sync.Once
}

// UnreservedConcurrency is the limit less what functions have reserved.
func (r *Region) UnreservedConcurrency() int {
	left := r.ConcurrencyLimit
	for _, f := range r.Functions {
		if f.ReservedConcurrency != nil {
			left -= *f.ReservedConcurrency
		}
	}
	return left
}

// Function returns the function with that name or unqualified ARN, or nil.
func (r *Region) Function(nameOrARN string) *Function {
	for _, f := range r.Functions {
		if f.Name == nameOrARN || f.ARN == nameOrARN {
			return f
		}
	}
	return nil
}

// Configuration is what ListFunctions returns for one version of a function.
type Configuration struct {
	Name         string
	ARN          string // unqualified
	Version      string // "$LATEST" or a number
	Description  string
	Runtime      string // empty for container images
	PackageType  string // Zip or Image
	ImageURI     string // of container images
	Architecture string // x86_64 or arm64
	Handler      string
	MemoryMB     int
	TimeoutS     int
	EphemeralMB  int
	CodeBytes    int64
	CodeSHA256   string
	RevisionID   string
	RoleARN      string
	LastModified time.Time

	State            string // GetFunction only: Active, Inactive, …
	StateReason      string
	StateReasonCode  string
	LastUpdateStatus string

	VPC         *VPCConfig
	Environment map[string]string // values too, as AWS returns them
	KMSKeyARN   string
	DLQARN      string // DeadLetterConfig.TargetArn
	TracingMode string // Active or PassThrough
	Layers      []Layer
	FileSystems []FileSystem
	Logging     Logging

	SnapStartApplyOn string // None or PublishedVersions
	SnapStartStatus  string // On or Off
}

// QualifiedARN is the ARN with the version, or without for $LATEST.
func (c *Configuration) QualifiedARN() string {
	if c.Version == "" || c.Version == "$LATEST" {
		return c.ARN
	}
	return c.ARN + ":" + c.Version
}

// LogGroup is where the function's lines go: the configured group or the default.
func (c *Configuration) LogGroup() string {
	if c.Logging.Group != "" {
		return c.Logging.Group
	}
	return "/aws/lambda/" + c.Name
}

// A Function is a function with everything Lambda tells about it. The embedded
// Configuration is that of $LATEST.
type Function struct {
	Configuration

	Tags                   map[string]string
	Policy                 string // resource policy as JSON; empty: none (404)
	PolicyRevisionID       string
	ReservedConcurrency    *int   // nil: none
	RecursiveLoop          string // Terminate or Allow
	Versions               []Configuration
	Aliases                []Alias
	ProvisionedConcurrency []ProvisionedConcurrency
	InvokeConfigs          []InvokeConfig

	region *Region
	load   *load // nil for functions that nothing invokes
}

// VPCConfig attaches a function to a VPC.
type VPCConfig struct {
	VPCID            string
	SubnetIDs        []string
	SecurityGroupIDs []string
}

// Layer is a layer version a function uses.
type Layer struct {
	ARN       string // of the version
	CodeBytes int64
}

// FileSystem is an EFS access point a function mounts.
type FileSystem struct {
	ARN       string
	MountPath string
}

// Logging is a function's LoggingConfig.
type Logging struct {
	Group            string // empty: the default group
	Format           string // Text or JSON
	ApplicationLevel string // JSON only
	SystemLevel      string // JSON only
}

// Alias points at a version, or at two by weight.
type Alias struct {
	Name        string
	ARN         string
	Version     string
	Description string
	RevisionID  string
	Weights     map[string]float64 // additional version → share
}

// ProvisionedConcurrency is held for one alias or version.
type ProvisionedConcurrency struct {
	Qualifier    string
	ARN          string // qualified
	Requested    int
	Allocated    int
	Available    int
	Status       string // READY
	LastModified time.Time
}

// InvokeConfig is an event invoke configuration of one qualifier.
type InvokeConfig struct {
	Qualifier      string // "$LATEST", an alias or a version
	ARN            string // qualified
	MaximumAgeS    *int
	MaximumRetries *int
	OnSuccessARN   string
	OnFailureARN   string
	LastModified   time.Time
}

// A Mapping is an event source mapping.
type Mapping struct {
	UUID                  string
	ARN                   string
	FunctionARN           string // as created: possibly qualified
	SourceARN             string
	State                 string // Enabled, Disabled
	StateTransitionReason string
	LastProcessingResult  string
	LastModified          time.Time
	BatchSize             int
	BatchWindowS          int
	MaximumConcurrency    *int     // queues only
	MaximumRetries        *int     // streams only; −1 is infinite
	MaximumRecordAgeS     *int     // streams only
	ParallelizationFactor *int     // streams only
	StartingPosition      string   // streams only
	Bisect                bool     // streams only
	OnFailureARN          string   // streams only
	PartialResponses      bool     // ReportBatchItemFailures
	Filters               []string // patterns, JSON
	Tags                  map[string]string
}

// A Queue is an SQS queue.
type Queue struct {
	Name            string
	ARN             string
	URL             string
	VisibilityS     int
	RetentionS      int
	RedriveTarget   string // ARN of its dead-letter queue; empty: none
	MaxReceiveCount int
	FIFO            bool
	Policy          string // JSON; empty: none
	CreatedAt       time.Time
	Tags            map[string]string

	consumer *Function // whose mapping polls it
	flows    []flow    // what is sent to it
}

// A Topic is an SNS topic.
type Topic struct {
	Name   string
	ARN    string
	Policy string
	Tags   map[string]string

	flows []flow // what is published to it
}

// A Subscription is an SNS subscription.
type Subscription struct {
	ARN           string
	TopicARN      string
	Protocol      string // lambda, sqs, https, email
	Endpoint      string
	FilterPolicy  string // JSON; empty: none
	RedriveTarget string // ARN of its dead-letter queue
	RawDelivery   bool
}

// A Bucket is an S3 bucket with its notification configuration.
type Bucket struct {
	Name          string
	ARN           string
	CreatedAt     time.Time
	EventBridge   bool
	Notifications []Notification
	Tags          map[string]string
}

// Notification is one entry of a bucket's notification configuration.
type Notification struct {
	ID        string
	TargetARN string // function, queue or topic
	Events    []string
	Prefix    string
	Suffix    string
}

// An EventBus is an EventBridge bus.
type EventBus struct {
	Name string
	ARN  string
	Tags map[string]string
}

// A Rule is an EventBridge rule with its targets.
type Rule struct {
	Name        string
	ARN         string
	Bus         string // name
	Description string
	Pattern     string // JSON; empty for schedules
	Schedule    string // rate(…) or cron(…); empty for patterns
	State       string // ENABLED or DISABLED
	Targets     []Target
	Tags        map[string]string

	flows []flow // how often it fires
}

// Target is a rule's target.
type Target struct {
	ID      string
	ARN     string
	RoleARN string
	DLQARN  string
	Input   string
}

// A Table is a DynamoDB table.
type Table struct {
	Name      string
	ARN       string
	StreamARN string // empty: no stream
	Tags      map[string]string
}

// A Stream is a Kinesis data stream.
type Stream struct {
	Name   string
	ARN    string
	Shards int
	Tags   map[string]string
}

// A Role is an IAM role.
type Role struct {
	Name               string
	ARN                string
	ID                 string
	Path               string
	CreatedAt          time.Time
	AssumeRolePolicy   string // JSON
	Inline             []InlinePolicy
	Attached           []string // managed policy ARNs
	PermissionBoundary string   // managed policy ARN; empty: none
	Tags               map[string]string
	RoleUse
}

// InlinePolicy is a policy document embedded in a role.
type InlinePolicy struct {
	Name     string
	Document string // JSON
}

// ManagedPolicy is a managed policy with its default version.
type ManagedPolicy struct {
	Name      string
	ARN       string
	ID        string
	Path      string
	VersionID string
	Document  string // JSON
	CreatedAt time.Time
	Older     []OldVersion
}

// A VPC is a virtual network.
type VPC struct {
	ID   string
	CIDR string
	Tags map[string]string
}

// A Subnet is part of a VPC.
type Subnet struct {
	ID               string
	VPCID            string
	CIDR             string
	AvailabilityZone string
	AvailableIPs     int
	Public           bool
	Tags             map[string]string
}

// A SecurityGroup is a set of rules for network interfaces.
type SecurityGroup struct {
	ID          string
	Name        string
	Description string
	VPCID       string
	Ingress     []Permission
	Egress      []Permission
	Tags        map[string]string
}

// Permission is one rule of a security group. Ports are −1 for all.
type Permission struct {
	Protocol    string // tcp, udp, icmp, −1
	FromPort    int
	ToPort      int
	CIDRs       []string
	Groups      []GroupRef
	PrefixLists []string
	Description string
}

// GroupRef names a security group, perhaps of a peered VPC.
type GroupRef struct {
	GroupID   string
	VPCID     string // set when in another VPC
	PeeringID string // set when in another VPC
}

// A RouteTable holds routes; a VPC's subnets use Main unless associated with another.
type RouteTable struct {
	ID        string
	VPCID     string
	Main      bool
	SubnetIDs []string // explicit associations
	Routes    []Route
	Tags      map[string]string
}

// Route is one route of a table.
type Route struct {
	Destination string // CIDR or prefix list id
	Kind        RouteKind
	Target      string // local, igw-…, nat-…, vpce-…, pcx-…
	State       string // active or blackhole
	Origin      string // CreateRouteTable or CreateRoute
}

// RouteKind says which attribute of a route names its target.
type RouteKind string

// The kinds of route the world has.
const (
	RouteLocal    RouteKind = "local"
	RouteInternet RouteKind = "internet_gateway"
	RouteNAT      RouteKind = "nat"
	RouteEndpoint RouteKind = "endpoint" // a gateway endpoint, shown as GatewayId
	RoutePeering  RouteKind = "peering"
)

// A NATGateway gives private subnets a way out.
type NATGateway struct {
	ID           string
	VPCID        string
	SubnetID     string
	State        string // available
	Connectivity string // public or private
	PublicIP     string
	PrivateIP    string
	AllocationID string
	InterfaceID  string
	CreatedAt    time.Time
	Tags         map[string]string

	clients             []*Function
	otherBytesPerMinute float64 // from what is no function
}

// An Endpoint is a VPC endpoint.
type Endpoint struct {
	ID               string
	VPCID            string
	ServiceName      string
	Type             string // Gateway or Interface
	State            string // available
	SubnetIDs        []string
	RouteTableIDs    []string
	SecurityGroupIDs []string
	InterfaceIDs     []string
	CreatedAt        time.Time
	Tags             map[string]string
}

// A Peering joins two VPCs of the region.
type Peering struct {
	ID        string
	Requester string // VPC id
	Accepter  string // VPC id
	Status    string // active
	Tags      map[string]string
}

// An Interface is an elastic network interface.
type Interface struct {
	ID               string
	VPCID            string
	SubnetID         string
	AvailabilityZone string
	Type             string // lambda, nat_gateway, interface, vpc_endpoint
	PrivateIP        string
	SecurityGroupIDs []string
	Description      string
	RequesterID      string
	RequesterManaged bool
	Status           string // in-use
}
