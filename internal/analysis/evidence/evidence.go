// Package evidence connects a Pass to the store that holds its evidence: it
// binds the parameters of every query, and says what is missing. The daemon and
// the analyzers' tests share it, so a test sees what production sees.
package evidence

import (
	"context"
	"fmt"
	"maps"
	"strings"

	"github.com/faaswarden/faaswarden/internal/analysis"
)

// Query runs ClickHouse SQL with {name:Type} parameters.
type Query func(ctx context.Context, sql string, params map[string]any) (analysis.Rows, error)

// Bind gives the Pass a Query whose standard and declared parameters are always
// bound; what a call passes in addition outranks them. The Pass's Params must be
// set before: they are read once, here.
func Bind(p *analysis.Pass, query Query) {
	bound := map[string]any{"from": p.Window.From, "to": p.Window.To, "account": "", "region": "", "resource": ""}
	for _, param := range p.Analyzer.Params {
		if v, ok := param.Bound(p.Params[param.Name]); ok {
			bound[param.Name] = v
		}
	}
	p.Query = func(ctx context.Context, sql string, more map[string]any) (analysis.Rows, error) {
		all := maps.Clone(bound)
		maps.Copy(all, more)
		return query(ctx, sql, all)
	}
}

// Gap is a row of gaps_current: evidence that a collector's newest run lacks.
type Gap struct {
	Collector string `ch:"collector"`
	Account   string `ch:"account"`
	Region    string `ch:"region"`
	Table     string `ch:"table_name"`
	Kind      string `ch:"kind"`     // empty: every source of the table
	Resource  string `ch:"resource"` // empty: everything in the scope
	Action    string `ch:"action"`
	Outcome   string `ch:"outcome"`
	Detail    string `ch:"detail"`
}

// GapsQuery selects every Gap.
const GapsQuery = `SELECT
    collector,
    account,
    region,
    table_name,
    kind,
    resource,
    action,
    outcome,
    detail
FROM gaps_current
ORDER BY account, region, table_name, kind, resource, collector, action`

// Hides reports whether the gap takes the table's evidence of one kind away
// from the subject. An empty kind asks about the table as a whole.
func (g Gap) Hides(s analysis.Subject, table, kind string) bool {
	return g.Account == s.Account && g.Region == s.Region && g.Table == table &&
		(g.Kind == "" || kind == "" || g.Kind == kind) &&
		(g.Resource == "" || g.Resource == s.Resource)
}

// Blindness is the gap as a reason: for a denial the action alone, which is what
// somebody must grant; otherwise the action and what it answered.
func (g Gap) Blindness() analysis.Blindness {
	reason := analysis.Failed
	switch g.Outcome {
	case "denied":
		reason = analysis.Denied
	case "throttled":
		reason = analysis.Throttled
	case "nodata":
		reason = analysis.NoData
	case "skipped":
		reason = analysis.Unread
	}
	if reason == analysis.Denied && g.Action != "" {
		return analysis.Blindness{Reason: reason, Detail: g.Action}
	}
	var parts []string
	for _, part := range []string{g.Action, g.Detail} {
		if part != "" {
			parts = append(parts, part)
		}
	}
	return analysis.Blindness{Reason: reason, Detail: strings.Join(parts, ": ")}
}

// Gaps answers Pass.Blind from gaps alone. It is read-only once loaded.
type Gaps struct{ byTable map[gapKey][]Gap }

type gapKey struct{ account, region, table string }

// NewGaps indexes gaps; of several that hide the same evidence the first speaks.
func NewGaps(list []Gap) *Gaps {
	g := &Gaps{byTable: map[gapKey][]Gap{}}
	for _, gap := range list {
		key := gapKey{gap.Account, gap.Region, gap.Table}
		g.byTable[key] = append(g.byTable[key], gap)
	}
	return g
}

// LoadGaps reads what the collectors' newest runs could not read.
func LoadGaps(ctx context.Context, query Query) (*Gaps, error) {
	rows, err := query(ctx, GapsQuery, nil)
	if err != nil {
		return nil, fmt.Errorf("query evidence gaps: %w", err)
	}
	defer rows.Close() //nolint:errcheck // Err below tells what Close would.
	var list []Gap
	for rows.Next() {
		var gap Gap
		if err := rows.ScanStruct(&gap); err != nil {
			return nil, fmt.Errorf("scan an evidence gap: %w", err)
		}
		list = append(list, gap)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("read evidence gaps: %w", err)
	}
	return NewGaps(list), nil
}

// Blind has the shape of Pass.Blind.
func (g *Gaps) Blind(s analysis.Subject, table, kind string) (analysis.Blindness, bool) {
	for _, gap := range g.byTable[gapKey{s.Account, s.Region, table}] {
		if gap.Hides(s, table, kind) {
			return gap.Blindness(), true
		}
	}
	return analysis.Blindness{}, false
}
