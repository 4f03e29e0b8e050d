package collect

import (
	"maps"
	"net/url"
	"strings"

	"github.com/faaswarden/faaswarden/internal/schema"
)

// Edge starts an edge of the run between two ARNs: configured and enabled, each
// end reduced to its node. What was cut off is in the attributes. source is who
// showed it, which is also the kind of the edge's gaps and completion.
func (r *Run) Edge(source, kind, src, dst, via string) schema.Edge {
	e := schema.Edge{
		Account: r.Account, Region: r.Region, Kind: kind, SourceKind: source, Certainty: "configured", Enabled: true, Via: via,
		Attributes: map[string]string{}, CollectedAt: r.Now,
	}
	e.SrcARN, e.SrcKind = Node(src)
	e.DstARN, e.DstKind = Node(dst)
	if e.SrcARN != src {
		e.Attributes["source_arn"] = src
	}
	if e.DstARN != dst {
		e.Attributes["destination_arn"] = dst
	}
	return e
}

// With adds attributes to an edge and returns it.
func With(e schema.Edge, attributes map[string]string) schema.Edge {
	maps.Copy(e.Attributes, attributes)
	return e
}

// Wide is a number of the API as tables store it; nil stays nil.
func Wide(n *int32) *int64 {
	if n == nil {
		return nil
	}
	v := int64(*n)
	return &v
}

// FunctionARN is the ARN of a function of the run's region, told by name, by
// partial ARN (account:function:name) or by ARN, each perhaps with a qualifier.
func (r *Run) FunctionARN(name string) string {
	if strings.HasPrefix(name, "arn:") {
		return name
	}
	prefix := "arn:" + r.Partition + ":lambda:" + r.Region + ":"
	if account, rest, ok := strings.Cut(name, ":function:"); ok {
		return prefix + account + ":function:" + rest
	}
	return prefix + r.Account + ":function:" + name
}

// QueueARN is the ARN of a queue that is told by URL, "" for another text.
func (r *Run) QueueARN(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	host, path := strings.Split(u.Hostname(), "."), strings.Split(strings.Trim(u.Path, "/"), "/")
	if len(host) < 3 || host[0] != "sqs" || len(path) != 2 {
		return ""
	}
	return "arn:" + r.Partition + ":sqs:" + host[1] + ":" + path[0] + ":" + path[1]
}
