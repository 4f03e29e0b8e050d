package awssim

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"sync"
)

// replay answers calls from a recording and remembers how often each was asked.
type replay struct {
	recording *Recording
	mu        sync.Mutex
	asked     map[string]int
}

func newReplay(r *Recording) *replay { return &replay{recording: r, asked: map[string]int{}} }

// answer is the recorded response to a call, or its denial.
func (r *replay) answer(c *call) (obj, error) {
	if c.service.name == "sts" && c.operation.name == "GetCallerIdentity" {
		return getCallerIdentity(c)
	}
	key := recordedKey{c.service.fileName(), c.operation.name}
	if !c.service.global && c.service.protocol != restXML && !slices.Contains(r.recording.regions, c.region) {
		return nil, c.refused()
	}
	if c.str("MasterRegion") != "" { // copies of Lambda@Edge functions: another listing than the recorded one
		return nil, c.refused()
	}
	wanted := wantedBy(c)
	fitting := r.fitting(key, c, wanted)
	if len(fitting) == 0 {
		return nil, c.refused()
	}
	response := fitting[min(r.count(key, c.region, wanted), len(fitting)-1)]
	if response.status >= 300 {
		return nil, recordedError(response)
	}
	return c.narrow(response.data)
}

// count is how often the same was asked before.
func (r *replay) count(key recordedKey, region string, w wanted) int {
	id := fmt.Sprint(key, region, w)
	r.mu.Lock()
	defer r.mu.Unlock()
	n := r.asked[id]
	r.asked[id]++
	return n
}

// recordedError is a recorded response that was an error.
func recordedError(response recordedResponse) error {
	e, _ := response.data["Error"].(obj)
	code, _ := e["Code"].(string)
	message, _ := e["Message"].(string)
	return errorf(response.status, code, "%s", message)
}

// wanted is the resource a call asks about.
type wanted struct {
	kind string // "function", "role", "other"; "" for calls that list
	name string
}

// wantedBy reads from the parameters what a call asks about. Filters of listings
// are no such thing: narrow applies them.
func wantedBy(c *call) wanted {
	switch c.service.name {
	case "lambda":
		if strings.HasPrefix(c.operation.name, "ListEventSourceMappings") {
			return wanted{}
		}
		if name := c.str("FunctionName"); name != "" {
			name, _ = splitFunctionName(name)
			return wanted{"function", name}
		}
		if arn := c.str("Resource"); strings.Contains(arn, ":function:") {
			name, _ := splitFunctionName(arn)
			return wanted{"function", name}
		}
	case "monitoring":
		if name := dimensions(c.objects("Dimensions"))["FunctionName"]; name != "" {
			return wanted{"function", name}
		}
	case "iam":
		if name := c.str("RoleName"); name != "" {
			return wanted{"role", name}
		}
	}
	for _, param := range []string{"Resource", "UUID", "PolicyArn", "TopicArn", "SubscriptionArn", "QueueUrl", "Bucket", "Rule", "logGroupName"} {
		if name := c.str(param); name != "" {
			return wanted{"other", name}
		}
	}
	return wanted{}
}

// fitting are the recorded responses that may answer the call, in their order.
func (r *replay) fitting(key recordedKey, c *call, w wanted) []recordedResponse {
	var named, nameless []recordedResponse
	for _, response := range r.recording.responses[key] {
		if !response.inRegion(c) {
			continue
		}
		switch response.about(w) {
		case aboutIt:
			named = append(named, response)
		case aboutNothing:
			nameless = append(nameless, response)
		case aboutAnother: // never to be given
		}
	}
	if w.kind == "" || len(named) > 0 {
		return named
	}
	if r.unmistakable(key, w) {
		return nameless
	}
	return nil
}

// inRegion reports whether a regional service may have given the response in the
// call's region: what it says of regions must include it.
func (response recordedResponse) inRegion(c *call) bool {
	if c.service.global || c.service.protocol == restXML {
		return true
	}
	regions := maps.Clone(response.names.regions)
	for arn := range response.names.arns {
		parts := strings.SplitN(arn, ":", 6)
		if parts[3] != "" && (parts[2] == c.service.name || c.service.name == "tagging") {
			regions[parts[3]] = true
		}
	}
	return len(regions) == 0 || regions[c.region]
}

// What a response has to do with the resource asked for.
type relation int

const (
	aboutAnother relation = iota
	aboutIt
	aboutNothing // it names no resource of the kind
)

func (response recordedResponse) about(w wanted) relation {
	var known map[string]bool
	switch w.kind {
	case "":
		return aboutIt
	case "function":
		known = response.names.functions
	case "role":
		known = response.names.roles
	default:
		if response.names.others[w.name] {
			return aboutIt
		}
		return aboutNothing
	}
	switch {
	case known[w.name]:
		return aboutIt
	case len(known) > 0:
		return aboutAnother
	default:
		return aboutNothing
	}
}

// unmistakable reports whether a response that names no resource can only be the
// asked one's: it is the only resource of its kind that the recording knows, or
// all of them were asked for and got the same answer.
func (r *replay) unmistakable(key recordedKey, w wanted) bool {
	known := r.recording.functions
	switch w.kind {
	case "function":
	case "role":
		known = r.recording.roles
	default:
		return false
	}
	if !known[w.name] {
		return false
	}
	if len(known) == 1 {
		return true
	}
	list := r.recording.responses[key]
	return len(list) >= len(known) && !slices.ContainsFunc(list, func(other recordedResponse) bool {
		return !reflect.DeepEqual(other.data, list[0].data)
	})
}

// narrow applies the filters of a listing to a recorded response: the service
// would have.
func (c *call) narrow(data obj) (obj, error) {
	switch c.service.name + "." + c.operation.name {
	case "tagging.GetResources":
		return c.narrowTags(data), nil
	case "lambda.ListEventSourceMappings":
		return c.narrowMappings(data), nil
	}
	if c.service.name != "ec2" {
		return data, nil
	}
	for _, d := range descriptions() {
		if d.operation == c.operation.name {
			return c.narrowDescription(d, data)
		}
	}
	return data, nil
}

// narrowList copies an answer with one of its lists filtered.
func narrowList(data obj, list string, keep func(obj) bool) obj {
	out := maps.Clone(data)
	kept := []obj{}
	for _, item := range objects(data[list]) {
		if keep(item) {
			kept = append(kept, item)
		}
	}
	out[list] = kept
	return out
}

func (c *call) narrowTags(data obj) obj {
	return narrowList(data, "ResourceTagMappingList", func(item obj) bool {
		arn, _ := item["ResourceARN"].(string)
		parts := strings.SplitN(arn, ":", 6)
		if len(parts) < 6 {
			return false
		}
		kind := parts[2] + ":" + strings.FieldsFunc(parts[5], func(r rune) bool { return r == ':' || r == '/' })[0]
		tags := map[string]string{}
		for _, tag := range objects(item["Tags"]) {
			key, _ := tag["Key"].(string)
			tags[key], _ = tag["Value"].(string)
		}
		return c.wantsTagged(taggedResource{kind: kind, arn: arn, tags: tags}, c.strings("ResourceARNList"))
	})
}

func (c *call) narrowMappings(data obj) obj {
	name, _ := splitFunctionName(c.str("FunctionName"))
	source := c.str("EventSourceArn")
	return narrowList(data, "EventSourceMappings", func(item obj) bool {
		arn, _ := item["FunctionArn"].(string)
		function, _ := splitFunctionName(arn)
		return (name == "" || name == function) && (source == "" || source == item["EventSourceArn"])
	})
}

// narrowDescription filters what EC2 was recorded to describe. An id that was
// not recorded is not known not to exist: asking for it is denied.
func (c *call) narrowDescription(d description, data obj) (obj, error) {
	items, err := d.choose(c, objects(data[d.list]))
	if e, ok := err.(*apiError); ok && e.code == d.missing { //nolint:errorlint // choose returns it unwrapped
		return nil, c.refused()
	}
	if err != nil {
		return nil, err
	}
	out := maps.Clone(data)
	out[d.list] = items
	return out, nil
}
