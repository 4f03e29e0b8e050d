package awssim

import "time"

// LambdaRegion is what a region holds of the Lambda family beside its functions.
type LambdaRegion struct {
	OwnLayers   []*OwnLayer // by name
	CodeSigning []*CodeSigning
	Replicas    []*Replica                 // copies of Lambda@Edge functions of another region
	Extras      map[string]*FunctionExtras // by function name
	Pollers     map[string]*MappingExtras  // by UUID of the mapping
}

// LambdaWorld is what an account holds of the Lambda family in no region.
type LambdaWorld struct {
	Distributions []*Distribution // CloudFront's, by id
}

// FunctionExtras are settings of a function that no listing of functions tells.
type FunctionExtras struct {
	URLs              []FunctionURL
	QualifierPolicies map[string]string // by alias or version; JSON
	UpdateRuntimeOn   string            // Auto when empty
	RuntimeVersionARN string            // Manual only
}

// FunctionURL is an HTTPS address of a function or of one of its aliases.
type FunctionURL struct {
	Qualifier  string // an alias; empty: $LATEST
	URL        string
	AuthType   string // NONE or AWS_IAM
	InvokeMode string // BUFFERED or RESPONSE_STREAM
	CORS       *CORS
	CreatedAt  time.Time
}

// CORS is what a function URL lets browsers do.
type CORS struct {
	AllowCredentials          bool
	Origins, Methods, Headers []string
	Exposed                   []string
	MaxAgeS                   int
}

// OwnLayer is a layer of the account, with its versions, oldest first.
type OwnLayer struct {
	Name     string
	ARN      string
	Versions []OwnLayerVersion
}

// OwnLayerVersion is a version of a layer.
type OwnLayerVersion struct {
	Version       int
	Description   string
	CreatedAt     time.Time
	Runtimes      []string
	Architectures []string
	License       string
	CodeBytes     int64
	CodeSHA256    string
	Policy        string // JSON; empty: none (404)
}

// CodeSigning is a code signing configuration.
type CodeSigning struct {
	ID           string
	ARN          string
	Description  string
	OnUntrusted  string // Warn or Enforce
	Publishers   []string
	FunctionARNs []string
	LastModified time.Time
}

// Replica is a copy of a version of a Lambda@Edge function.
type Replica struct {
	Configuration        // of the copy: its name is REGION.NAME
	MasterARN     string // qualified
}

// MappingExtras are what Mapping leaves out: settings of provisioned mode, of
// Kafka, of MQ and of DocumentDB.
type MappingExtras struct {
	MinimumPollers, MaximumPollers int // 0: no provisioned mode
	PollerGroup                    string
	TumblingWindowS                int
	Metrics                        []string
	LogLevel                       string
	Topics, Queues                 []string
	ConsumerGroup                  string
	BrokerHosts                    []string          // self-managed Kafka
	SourceAccess                   map[string]string // type → URI
	DocumentDatabase               string
	DocumentCollection             string
	FullDocument                   string
	KMSKeyARN                      string
}

// Distribution is a CloudFront distribution.
type Distribution struct {
	ID           string
	ARN          string
	Domain       string
	Aliases      []string
	Enabled      bool
	Status       string // Deployed or InProgress
	PriceClass   string
	Origin       string
	LastModified time.Time
	Behaviors    []Behavior // the first is the default one
}

// Behavior is a cache behaviour of a distribution.
type Behavior struct {
	Path      string // * for the default one
	Functions []Association
}

// Association runs a function at one event of a behaviour.
type Association struct {
	ARN         string // of a Lambda version, or of a CloudFront function
	EventType   string
	IncludeBody bool
}

// Change lets a test alter the world between two requests, as owners do between
// two collections.
func (s *Server) Change(alter func()) {
	s.changing.Lock()
	defer s.changing.Unlock()
	alter()
}
