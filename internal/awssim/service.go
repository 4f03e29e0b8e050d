package awssim

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// protocol is how a service's requests and responses look on the wire.
type protocol int

const (
	awsJSON10 protocol = iota
	awsJSON11
	restJSON
	query
	ec2Query
	restXML
	rpcCBOR
)

// A service is a value: how it speaks and what it can be asked.
type service struct {
	name       string // of the credential scope
	recorded   string // in names of recorded files, where not the same
	prefix     string // of IAM actions
	protocol   protocol
	target     string // X-Amz-Target's prefix, CBOR's service id, or the XML namespace
	global     bool   // one endpoint, in us-east-1
	namespace  string // of CBOR's error codes; CloudWatch's when empty
	words      map[failure]wording
	messages   map[failure]string
	decorate   func(failure, *apiError)
	xml        *xmlNames
	quotas     []quota // the first is for operations that name none
	operations []operation
}

// An operation is a value: how it is asked, what it needs, how it is answered.
type operation struct {
	name     string
	action   string // IAM action, where not prefix:name
	free     bool   // needs no permission
	quota    string // the quota it counts against
	method   string // REST
	path     string // REST: with {Labels}
	query    string // REST: a parameter that tells it from others of the same path
	params   []param
	resource func(*call) string       // what a denial names, where it names something
	billed   string                   // unit of what AWS charges; "" for free operations
	run      func(*call) (obj, error) // nil: known, not simulated
}

// A param is a request parameter and its constraints.
type param struct {
	name     string
	required bool
	min, max int // of numbers and of lists' lengths; zero max: none
	list     bool
}

// action is the operation's IAM action.
func (s *service) action(op *operation) string {
	if op.action != "" {
		return op.action
	}
	return s.prefix + ":" + op.name
}

// operation finds an operation by name.
func (s *service) operation(name string) *operation {
	i := slices.IndexFunc(s.operations, func(op operation) bool { return op.name == name })
	if i < 0 {
		return nil
	}
	return &s.operations[i]
}

// fileName is how recordings name the service.
func (s *service) fileName() string {
	if s.recorded != "" {
		return s.recorded
	}
	return s.name
}

// services is everything the server speaks.
func services() []*service {
	return []*service{
		stsService(), lambdaService(), cloudwatchService(), logsService(), costExplorerService(), taggingService(),
		ec2Service(), sqsService(), snsService(), s3Service(), eventsService(), iamService(),
		schedulerService(), pipesService(), statesService(), apigatewayService(), loadBalancingService(),
		kinesisService(), dynamodbService(), kafkaService(), mqService(),
		organizationsService(),
		codedeployService(), inspectorService(), servicequotasService(), xrayService(),
		budgetsService(), computeOptimizerService(), optimizationHubService(),
		oamService(),
		cloudfrontService(),
	}
}

// A call is one request, authenticated and decoded.
type call struct {
	server    *Server
	service   *service
	operation *operation
	region    string
	identity  Identity
	params    obj
	requestID string
	queryMode bool // the client wants Query's error codes too

	repeatToken bool    // a fault: the page token never advances
	oldToken    bool    // a fault: page tokens are no longer valid
	billed      float64 // units of operation.billed
}

// now is the account's time.
func (c *call) now() time.Time { return c.server.now() }

// world returns the region asked, empty when the account has nothing there.
func (c *call) world() *Region { return c.server.region(c.account(), c.region) }

// home is the account asked, as data; nil when a recording answers.
func (c *call) home() *World { return c.server.worlds[c.account()] }

// account is the account that the credentials belong to.
func (c *call) account() string { return c.identity.Account }

// arn builds an ARN of the call's account and region.
func (c *call) arn(service, resource string) string {
	return fmt.Sprintf("arn:%s:%s:%s:%s:%s", c.server.partition(), service, c.region, c.account(), resource)
}

// fail is a failure in the called service's words.
func (c *call) fail(f failure, format string, args ...any) *apiError {
	return c.service.fail(f, format, args...)
}

// str is a string parameter, "" when absent.
func (c *call) str(name string) string {
	s, _ := c.params[name].(string)
	return s
}

// strings is a list of strings, also where one was given alone.
func (c *call) strings(name string) []string { return stringList(c.params[name]) }

// objects is a list of structures.
func (c *call) objects(name string) []obj { return objects(c.params[name]) }

// object is a structure, nil when absent.
func (c *call) object(name string) obj {
	o, _ := c.params[name].(obj)
	return o
}

// integer is a number, or absent's value.
func (c *call) integer(name string, absent int) int {
	n, ok := asInteger(c.params[name])
	if !ok {
		return absent
	}
	return n
}

// boolean reports whether the parameter is true.
func (c *call) boolean(name string) bool {
	switch v := c.params[name].(type) {
	case bool:
		return v
	case string:
		return strings.EqualFold(v, "true")
	default:
		return false
	}
}

// validate checks the declared constraints, in the words of the services' shared
// validation framework.
func (c *call) validate() error {
	var faults []string
	for _, p := range c.operation.params {
		if fault := p.check(c.params[p.name]); fault != "" {
			faults = append(faults, fault)
		}
	}
	if len(faults) == 0 {
		return nil
	}
	noun := "error"
	if len(faults) > 1 {
		noun = "errors"
	}
	return c.fail(failValidation, "%d validation %s detected: %s", len(faults), noun, strings.Join(faults, "; "))
}

// check says what is wrong with a value, "" when nothing is.
func (p param) check(v any) string {
	field := strings.ToLower(p.name[:1]) + p.name[1:]
	failed := func(value any, constraint string) string {
		return fmt.Sprintf("Value %v at '%s' failed to satisfy constraint: Member must %s", value, field, constraint)
	}
	if v == nil || v == "" {
		if p.required {
			return failed("null", "not be null")
		}
		return ""
	}
	if p.list {
		n := lengthOf(v)
		switch {
		case p.max > 0 && n > p.max:
			return failed(fmt.Sprintf("'%v'", v), fmt.Sprintf("have length less than or equal to %d", p.max))
		case n < p.min:
			return failed("'[]'", fmt.Sprintf("have length greater than or equal to %d", p.min))
		}
		return ""
	}
	if p.max == 0 {
		return ""
	}
	n, ok := asInteger(v)
	switch {
	case !ok:
		return failed(fmt.Sprintf("'%v'", v), "be a number")
	case n < p.min:
		return failed(fmt.Sprintf("'%d'", n), fmt.Sprintf("have value greater than or equal to %d", p.min))
	case n > p.max:
		return failed(fmt.Sprintf("'%d'", n), fmt.Sprintf("have value less than or equal to %d", p.max))
	}
	return ""
}
