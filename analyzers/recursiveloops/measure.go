package recursiveloops

import (
	"math"

	"github.com/faaswarden/faaswarden/internal/analysis"
)

const burnMeasure = "loop_burn_usd_per_hour"

// burns adds up what running loops burn, by the function that their finding is on.
type burns struct {
	order []burning
	usd   map[burning]float64
}

// burning is one value of the measure.
type burning struct {
	account, region, function string
	class                     class
}

// add counts a loop that is confirmed or probable; the others burn nothing that
// is known of. A burn that could not be priced is NaN and not nothing: the loop
// runs, and its alert must not wait for a price.
func (b *burns) add(f *facts) {
	if f.class != confirmed && f.class != probable {
		return
	}
	usd := f.burn.USDPerHour
	if f.burn.Unpriced != "" {
		usd = math.NaN()
	}
	first := f.Members[0]
	key := burning{first.Account, first.Region, first.Name, f.class}
	if b.usd == nil {
		b.usd = map[burning]float64{}
	}
	if _, again := b.usd[key]; !again {
		b.order = append(b.order, key)
	}
	b.usd[key] += usd
}

func (b *burns) measure(p *analysis.Pass) {
	for _, k := range b.order {
		p.Measure(analysis.Measurement{
			Name: burnMeasure, Account: k.account, Region: k.region,
			Labels: []string{k.function, string(k.class)}, Value: b.usd[k],
		})
	}
}

var measures = []analysis.Measure{{
	Name:   burnMeasure,
	Help:   "USD an hour that a running loop burns beyond its baseline, by the function its finding is on; class is confirmed or probable, NaN a burn that could not be priced.",
	Labels: []string{"function", "class"},
}}

const (
	confirmedBurn = `max by (account, region, function) (faaswarden_loop_burn_usd_per_hour{class="confirmed"})`
	burnSummary   = `The loop of {{ $labels.function }} in {{ $labels.account }} {{ $labels.region }} is confirmed` +
		`{{ if le 0.005 $value }} and burns ${{ printf "%.2f" $value }} an hour{{ else if le 0.0 $value }} and burns less than a cent an hour{{ else }}; what it burns could not be priced{{ end }}.`
	burnAdvice = `: the function's output comes back as its input. The finding of recursiveloops on {{ $labels.function }} carries the command that stops it with the least loss; faaswarden's own page shows it, and faaswarden findings where the store is a server. ` +
		`The alert ends when the loop has been cut and the analysis window has left the evidence behind, or with an entry in analyzers.recursiveloops.exemptions.`
)

// alerts have no For: the evidence is days long already, and moves once an
// analysis. A dollar an hour is some 730 a month: below it nobody need be woken.
// NaN is told by being unlike itself; to a template it is neither le nor lt
// anything, and ge everything.
var alerts = []analysis.Alert{
	{
		Name: "LoopConfirmed", Severity: analysis.Critical, Summary: burnSummary,
		Description: `A loop was proved to be running that burns a dollar an hour or more, or whose burn has no price` + burnAdvice,
		Expr:        confirmedBurn + " >= 1\nor\n(\n  " + confirmedBurn + "\n  !=\n  " + confirmedBurn + "\n)",
	},
	{
		Name: "LoopConfirmed", Severity: analysis.High, Summary: burnSummary,
		Description: `A loop was proved to be running that burns less than a dollar an hour` + burnAdvice,
		Expr:        confirmedBurn + " < 1",
	},
}
