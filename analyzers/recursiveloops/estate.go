package recursiveloops

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/faaswarden/faaswarden/internal/analysis"
	"github.com/faaswarden/faaswarden/internal/graph"
)

// function is a row of query.sql.
type function struct {
	Account            string    `ch:"account"`
	Region             string    `ch:"region"`
	ARN                string    `ch:"function_arn"`
	Name               string    `ch:"function_name"`
	Owner              string    `ch:"owner"`
	RoleARN            string    `ch:"role_arn"`
	Architecture       string    `ch:"architecture"`
	MemoryMB           uint32    `ch:"memory_mb"`
	Reserved           *int64    `ch:"reserved_concurrency"`
	ReservedRead       bool      `ch:"reserved_read"`
	RecursiveLoop      string    `ch:"recursive_loop"`
	AccountConcurrency int64     `ch:"account_concurrency"`
	Aliases            uint64    `ch:"aliases"`
	Invocations        float64   `ch:"invocations"`
	DurationMS         float64   `ch:"duration_ms"`
	Dropped            float64   `ch:"dropped"`
	DroppedFirst       time.Time `ch:"dropped_first"`
	DroppedLast        time.Time `ch:"dropped_last"`
	InvocationsRead    bool      `ch:"invocations_read"`
	InvocationsFrom    time.Time `ch:"invocations_from"`
	InvocationsTo      time.Time `ch:"invocations_to"`
	DroppedRead        bool      `ch:"dropped_read"`
	DurationRead       bool      `ch:"duration_read"`
}

func (f function) subject() analysis.Subject {
	return analysis.Subject{Resource: f.ARN, Account: f.Account, Region: f.Region, Owner: f.Owner}
}

// droppedKnown reports whether a count of zero means that nothing was dropped.
// Drops are not asked of functions that were never invoked.
func (f function) droppedKnown() bool {
	return f.DroppedRead || f.InvocationsRead && f.Invocations == 0
}

// ceiling is the concurrency that the function cannot exceed; 0 when not known.
func (f function) ceiling() float64 {
	if f.ReservedRead && f.Reserved != nil {
		return float64(*f.Reserved)
	}
	return float64(f.AccountConcurrency)
}

// edgeRow is a row of edges.sql.
type edgeRow struct {
	Account    string            `ch:"account"`
	Region     string            `ch:"region"`
	Src        string            `ch:"src_arn"`
	Dst        string            `ch:"dst_arn"`
	Kind       string            `ch:"kind"`
	Source     string            `ch:"source_kind"`
	SrcKind    string            `ch:"src_kind"`
	DstKind    string            `ch:"dst_kind"`
	Certainty  string            `ch:"certainty"`
	Enabled    bool              `ch:"enabled"`
	Filter     string            `ch:"filter"`
	Via        string            `ch:"via"`
	Attributes map[string]string `ch:"attributes"`
}

func (r edgeRow) edge() (graph.Edge, error) {
	c, err := graph.ParseCertainty(r.Certainty)
	if err != nil {
		return graph.Edge{}, fmt.Errorf("read edge %s → %s: %w", r.Src, r.Dst, err)
	}
	return graph.Edge{
		Src: r.Src, Dst: r.Dst, Kind: r.Kind, Source: r.Source, SrcKind: r.SrcKind, DstKind: r.DstKind,
		Certainty: c, Enabled: r.Enabled, Filter: r.Filter, Via: r.Via, Attributes: r.Attributes,
	}, nil
}

// estate is the functions and how events reach them.
type estate struct {
	functions []function
	byARN     map[string]function
	accounts  map[string]bool
	regions   map[string][]string // account → regions with functions
	edges     []graph.Edge        // those that were seen and carry events
	wide      map[string][]string // function → ARN patterns its role may write to without naming a target
	admits    map[string][]string // function → sources its resource policy lets in
}

func loadEstate(ctx context.Context, p *analysis.Pass) (*estate, error) {
	e := &estate{
		byARN: map[string]function{}, accounts: map[string]bool{}, regions: map[string][]string{},
		wide: map[string][]string{}, admits: map[string][]string{},
	}
	seen := map[[2]string]bool{}
	for f, err := range analysis.Select[function](ctx, p) {
		if err != nil {
			return nil, err
		}
		e.functions = append(e.functions, f)
		e.byARN[f.ARN] = f
		e.accounts[f.Account] = true
		if place := [2]string{f.Account, f.Region}; !seen[place] {
			seen[place] = true
			e.regions[f.Account] = append(e.regions[f.Account], f.Region)
		}
	}
	for row, err := range analysis.SelectSQL[edgeRow](ctx, p, edgesQuery, nil) {
		if err != nil {
			return nil, err
		}
		edge, err := row.edge()
		if err != nil {
			return nil, err
		}
		e.addEdge(edge)
	}
	return e, e.addWide(ctx, p)
}

// wideRow is a row of wide.sql.
type wideRow struct {
	Account string   `ch:"account"`
	Region  string   `ch:"region"`
	Role    string   `ch:"role_arn"`
	Actions []string `ch:"lower_actions"`
}

// addWide adds what roles may write to without any resource named.
func (e *estate) addWide(ctx context.Context, p *analysis.Pass) error {
	byRole := map[[3]string][]string{}
	for row, err := range analysis.SelectSQL[wideRow](ctx, p, wideQuery, nil) {
		if err != nil {
			return err
		}
		byRole[[3]string{row.Account, row.Region, row.Role}] = widePatterns(row.Actions)
	}
	for _, f := range e.functions {
		e.wide[f.ARN] = append(e.wide[f.ARN], byRole[[3]string{f.Account, f.Region, f.RoleARN}]...)
	}
	return nil
}

// widePatterns is the ARN patterns of the destinations that actions on every
// resource reach.
func widePatterns(actions []string) []string {
	var patterns []string
	for _, d := range []struct{ action, pattern string }{
		{"sqs:sendmessage", "arn:*:sqs:*"},
		{"sns:publish", "arn:*:sns:*"},
		{"lambda:invokefunction", "arn:*:lambda:*"},
		{"events:putevents", "arn:*:events:*"},
	} {
		if slices.ContainsFunc(actions, func(a string) bool { return matches(a, d.action) }) {
			patterns = append(patterns, d.pattern)
		}
	}
	return patterns
}

// addEdge keeps an edge where it belongs. A resource policy says who may invoke,
// not who does: where the source itself can be asked (buckets, topics and rules
// of the estate) its own answer counts, and the policy only tells what an
// unreadable source could do.
func (e *estate) addEdge(edge graph.Edge) {
	if edge.Source == "policy" {
		f := graph.Canonical(edge.Dst)
		e.admits[f] = append(e.admits[f], edge.Src)
		if !graph.Exact(edge.Src) || e.listed(edge.Src) {
			return
		}
	}
	switch {
	case edge.Certainty == graph.Referenced: // named, yet no permission to use it was found
	case graph.Exact(edge.Src) && graph.Exact(edge.Dst):
		e.edges = append(e.edges, edge)
	case edge.Source == "iam":
		f := graph.Canonical(edge.Src)
		e.wide[f] = append(e.wide[f], edge.Dst)
	}
}

// listed reports whether a source's own configuration says whom it invokes.
func (e *estate) listed(arn string) bool {
	switch graph.KindOf(arn) {
	case graph.Bucket:
		return true
	case graph.Topic, graph.Rule, graph.Bus:
		return e.accounts[accountOf(arn)]
	default:
		return false
	}
}

// members is the functions of a loop that belong to the estate, by ARN.
func (e *estate) members(l graph.Loop) []function {
	var list []function
	for _, arn := range l.Functions {
		if f, ok := e.byARN[arn]; ok {
			list = append(list, f)
		}
	}
	return list
}

func arnPart(arn string, i int) string {
	parts := strings.SplitN(arn, ":", 6)
	if len(parts) != 6 {
		return ""
	}
	return parts[i]
}

func regionOf(arn string) string   { return arnPart(arn, 3) }
func accountOf(arn string) string  { return arnPart(arn, 4) }
func resourceOf(arn string) string { return arnPart(arn, 5) }

// shortName is how summaries call a node: the last part of its ARN.
func shortName(arn string) string {
	resource := resourceOf(arn)
	if resource == "" {
		return arn
	}
	return resource[strings.LastIndexAny(resource, ":/")+1:]
}
