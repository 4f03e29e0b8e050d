// Package collect is the collector contract: what a collector declares, what it
// is given for a run, and how it says which evidence it could not get.
package collect

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/faaswarden/faaswarden/internal/schema"
)

// A Collector is a value that says what it reads from AWS and which tables it
// writes. The IAM policy, the API-cost plan, the docs and the config reference
// are computed from it.
type Collector struct {
	Name     string   // = folder = package = config key = doc anchor
	Title    string   // one clause, no capital, no full stop
	Doc      string   // the embedded doc.md
	Writes   []string // tables
	Reads    []string // tables of other collectors it needs in the same cycle; decides the order
	Actions  []Action // → deploy/aws/policy.json
	Scope    Scope
	Every    time.Duration // how often it runs in the daemon
	Lookback time.Duration // how far back the first run reads; zero for configuration
	Overlap  time.Duration // how much of the last window a later run reads again, for late and restated data
	Timeout  time.Duration // of one run in one scope; zero means the engine's default
	Params   []Param       // operator settings under collectors.<name>
	Estimate func(Inventory) APICost
	Collect  func(context.Context, *Run) error
}

// Action is an IAM action and what its denial blinds.
type Action struct {
	Name   string // "lambda:ListFunctions"
	Blinds string // one clause: "reserved concurrency and code state"
	With   string // the bool parameter without which the action is not needed; usually empty
}

// Param is an operator's setting of a collector.
type Param struct {
	Name    string
	Default any // bool, int64, float64, string, time.Duration or []string; config values must have the same type
	Doc     string
}

// Scope says for what a collector runs once.
type Scope string

// The scopes.
const (
	PerRegion  Scope = "per region"
	PerAccount Scope = "per account"
	Once       Scope = "once" // in the first configured account: for what one account knows of all
)

// Inventory is what a plan is made from before the first priced call.
type Inventory struct {
	Accounts, Regions int
	Functions         int     // in all accounts and regions
	ActiveFunctions   int     // those invoked in the lookback
	Days              float64 // lookback of the first run
	LogBytesPerMonth  float64 // scanned by Logs Insights
}

// APICost is what a collector's calls cost in a month of steady running.
type APICost struct {
	Calls float64 // requests a month
	Units float64 // what AWS bills: pages, metrics, GB scanned
	Unit  string
	USD   float64 // at the price book's rates, set by the planner when zero
}

// Sink takes rows for the store. Put may buffer; Flush returns once every row
// put before is durable.
type Sink interface {
	Put(ctx context.Context, rows ...schema.Row) error
	Flush(ctx context.Context) error
}

// State remembers where a collector stopped. A cursor saved is durable only
// after the rows put before it: Save flushes the sink first.
type State interface {
	Load(ctx context.Context, key string) (string, error) // "" when there is none
	Save(ctx context.Context, key, value string) error
}

// Run is what a collector is given for one run in one account and region.
// Region is the home region for PerAccount and Once collectors.
type Run struct {
	ID        string
	Collector *Collector
	Account   string
	Partition string // aws, aws-cn, aws-us-gov
	Region    string
	Now       time.Time         // start of the run; the run's only clock, and collected_at of its rows
	Window    Window            // for time series: what to read
	Functions []schema.Function // $LATEST of every function of the scope, as last read; for collectors that Read "functions"
	AWS       aws.Config        // metered, rate limited, retried; for this account and region
	Sink      Sink
	State     State
	Log       *slog.Logger
	Params    map[string]any // declared Params, defaults resolved
	Meter     *Meter         // to bill units that only the answer tells (bytes scanned, pages)
	Cache     *Cache         // shared by the runs of an account's cycle; may be nil

	// Resources lists what the scope's other collectors have last read, for
	// collectors that declare the tables in Reads. Nil means nothing is known.
	Resources func(ctx context.Context, kind ResourceKind) ([]string, error)

	mu          sync.Mutex
	gaps        []schema.EvidenceGap
	completions []schema.Completion
}

// ResourceKind names a list that Run.Resources gives.
type ResourceKind = string

// The lists, each of ARNs.
const (
	QueueResources          ResourceKind = "queue"                   // from queues
	NATGatewayResources     ResourceKind = "nat_gateway"             // from nat_gateways: arn:…:natgateway/ID
	ProvisionedResources    ResourceKind = "provisioned_concurrency" // from provisioned_concurrency: function ARNs with their qualifier
	StreamConsumerResources ResourceKind = "stream_consumer"         // from event_source_mappings: functions that read Kinesis, DynamoDB or Kafka

	KafkaConsumerResources   ResourceKind = "kafka_consumer"   // from event_source_mappings: functions that read Kafka
	MeasuredMappingResources ResourceKind = "measured_mapping" // event source mappings whose metrics are switched on
	WeightedAliasResources   ResourceKind = "weighted_alias"   // from aliases: function ARNs with alias and each version it weighs
	RuleResources            ResourceKind = "rule"             // from edges: EventBridge rules with targets
	DatabaseResources        ResourceKind = "database"         // databases and caches that functions connect to
	LinkedFunctionResources  ResourceKind = "linked_function"  // from functions: those of other accounts in the region
	QualifierResources       ResourceKind = "qualifier"        // from aliases and functions: function ARNs with each alias, and each version in use
)

// ErrNotKept says that no collector keeps resources of a kind.
var ErrNotKept = errors.New("resources of this kind are not kept")

// Window is half-open: From ≤ t < To.
type Window struct{ From, To time.Time }

// RunsPerMonth is how often something that runs every so often runs in a month
// of 730 hours, for estimates.
func RunsPerMonth(every time.Duration) float64 { return 730 * float64(time.Hour) / float64(every) }

// Scopes is how many account and region pairs there are, at least one.
func (i Inventory) Scopes() float64 { return float64(max(1, i.Accounts) * max(1, i.Regions)) }
