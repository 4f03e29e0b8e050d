// Package recursiveloops finds functions whose output can come back as their own
// input, and says which of these loops are running away and what they burn.
package recursiveloops

import (
	"context"
	_ "embed"
	"fmt"
	"slices"

	"github.com/faaswarden/faaswarden/internal/analysis"
	"github.com/faaswarden/faaswarden/internal/graph"
	"github.com/faaswarden/faaswarden/internal/price"
)

//go:embed doc.md
var doc string

//go:embed query.sql
var query string

//go:embed edges.sql
var edgesQuery string

//go:embed wide.sql
var wideQuery string

//go:embed series.sql
var seriesQuery string

//go:embed ingress.sql
var ingressQuery string

// Analyzer finds recursive invocation loops.
var Analyzer = &analysis.Analyzer{
	Name:        "recursiveloops",
	Title:       "functions that can cause their own next invocation",
	Doc:         doc,
	Stage:       analysis.CostStage,
	Category:    analysis.Reliability,
	Severity:    analysis.Critical,
	Remediation: "Cut one edge of the loop: disable the event source mapping, or reserve zero concurrency until it is mended.",
	Query:       query,
	Params: []analysis.Param{
		{Name: "surge_factor", Kind: analysis.Number, Default: 3.0, Min: 1.1, Max: 1000, InGo: true, Doc: "how many times its own baseline a loop must be invoked to count as surging"},
		{Name: "flat_factor", Kind: analysis.Number, Default: 1.5, Min: 1, Max: 1000, InGo: true, Doc: "how many times its own baseline the upstream may be invoked and still count as flat"},
		{Name: "min_excess", Kind: analysis.Integer, Default: int64(1000), Min: 1, Max: 1e12, InGo: true, Doc: "invocations beyond the baseline below which a surge is not worth a word"},
		{Name: "min_baseline_days", Kind: analysis.Integer, Default: int64(3), Min: 1, Max: 90, InGo: true, Doc: "days of history before a surge that a baseline needs"},
		{Name: "guard_depth", Kind: analysis.Integer, Default: int64(16), Min: 2, Max: 1000, InGo: true, Doc: "invocations in one chain after which AWS's guard drops the next"},
		{Name: "horizon_hours", Kind: analysis.Number, Default: analysis.HoursPerMonth, Min: 1, Max: analysis.HoursPerMonth, InGo: true, Doc: "hours in a month that a loop is assumed to go on burning when nobody acts"},
		{Name: "exemptions", Kind: analysis.Object, Default: []any{}, InGo: true, Check: analysis.CheckExemptions, Doc: `loops that are meant: a list of {"resource": ARN or name, "reason", "owner", "until": last day, "2027-01-31"}`},
	},
	Reads: []string{
		"functions_current", "edges_current", "aliases_current", "account_limits_current", "tags_current", "role_statements_current",
		"metrics_hourly", "metric_reads_current", "prices_current",
	},
	Measures: measures,
	Alerts:   alerts,
	Run:      run,
}

// settings are the parameters, read once.
type settings struct {
	surge        surgeRule
	flatFactor   float64
	guardDepth   float64
	horizonHours float64
	exemptions   []analysis.Exemption
}

func readSettings(p *analysis.Pass) (settings, error) {
	s := settings{
		surge:        surgeRule{Factor: p.Float("surge_factor"), MinExcess: float64(p.Int("min_excess")), MinBaselineDays: int(p.Int("min_baseline_days"))},
		flatFactor:   p.Float("flat_factor"),
		guardDepth:   float64(p.Int("guard_depth")),
		horizonHours: p.Float("horizon_hours"),
	}
	if err := p.Object("exemptions", &s.exemptions); err != nil {
		return settings{}, err
	}
	return s, nil
}

// judge holds what one run knows.
type judge struct {
	p        *analysis.Pass
	settings settings
	book     *price.Book
	estate   *estate
	graph    *graph.Graph // of edges that were seen
	suspects map[string]analysis.Blindness
	burns    burns
}

func run(ctx context.Context, p *analysis.Pass) error {
	s, err := readSettings(p)
	if err != nil {
		return err
	}
	book, err := price.Load(ctx, p)
	if err != nil {
		return err
	}
	e, err := loadEstate(ctx, p)
	if err != nil {
		return err
	}
	j := &judge{p: p, settings: s, book: book, estate: e, graph: graph.New(e.edges)}
	judged, err := j.loops(ctx)
	if err != nil {
		return err
	}
	j.suspects = j.findSuspects()
	j.dropsWithoutLoop(judged)
	j.others(judged)
	j.burns.measure(p)
	return nil
}

// loops reports every loop that holds a function of the estate and returns the
// functions in them.
func (j *judge) loops(ctx context.Context) (map[string]bool, error) {
	loops := slices.DeleteFunc(j.graph.Loops(), func(l graph.Loop) bool { return len(j.estate.members(l)) == 0 })
	h, err := loadHistory(ctx, j.p, j.graph, loops)
	if err != nil {
		return nil, err
	}
	judged := map[string]bool{}
	for _, l := range loops {
		facts := j.examine(l, h)
		for _, f := range facts.Members {
			judged[f.ARN] = true
		}
		j.report(facts)
	}
	return judged, nil
}

// dropsWithoutLoop reports functions whose recursive invocations Lambda dropped
// though no loop is visible: the guard saw what the graph does not show.
func (j *judge) dropsWithoutLoop(judged map[string]bool) {
	for _, f := range j.estate.functions {
		if f.Dropped == 0 || judged[f.ARN] {
			continue
		}
		judged[f.ARN] = true
		facts := j.factsOf(graph.Loop{Functions: []string{f.ARN}}, []function{f}, nil, true)
		facts.Unknown = append(facts.Unknown, j.hidden(f)...)
		facts.conclude(j)
		j.report(facts)
	}
}

func (j *judge) report(f *facts) {
	j.p.Violation(f.finding())
	j.burns.add(f)
}

// others says of every remaining function that it is in no loop, or what
// evidence would be needed to say so.
func (j *judge) others(judged map[string]bool) {
	for _, f := range j.estate.functions {
		if judged[f.ARN] {
			continue
		}
		if b, blind := j.suspects[f.ARN]; blind {
			j.p.CannotDetermine(f.subject(), b)
			continue
		}
		j.p.OK(f.subject())
	}
}

// hidden says which evidence is missing around a function whose loop is not seen.
func (j *judge) hidden(f function) []string {
	if b, blind := j.suspects[f.ARN]; blind {
		return []string{fmt.Sprintf("the loop itself is not visible: %s (%s)", b.Detail, b.Reason)}
	}
	return []string{"the loop itself is not visible: it runs over something that is not read, such as an HTTP API, another account or a wildcard permission"}
}
