package collect

import (
	"maps"

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
