package dashboards

import (
	"fmt"
	"slices"
	"strings"

	"github.com/grafana/grafana-foundation-sdk/go/cog"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"

	"github.com/faaswarden/faaswarden/internal/analysis"
)

// findings has a row for each analyzer of the suite; a new analyzer appears here
// without anything being changed.
func findings(suite []*analysis.Analyzer) board {
	b := board{
		uid: findingsUID, file: "findings.json", title: "faaswarden / Findings", from: "now-7d",
		description: "What each analyzer found, what that saves, and what it could not judge.",
		rows:        []row{{"All analyzers", []tile{{24, 8, analyzersTable()}}}},
	}
	for _, a := range suite {
		b.rows = append(b.rows, analyzerRow(a))
	}
	return b
}

func analyzersTable() cog.Builder[dashboard.Panel] {
	bound := func(name string) column {
		return value(name, usd, 2, "sum by (analyzer) ("+found("faaswarden_finding_monthly_savings_usd", `bound="`+name+`"`)+") or 0 * min by (analyzer) ("+judged("faaswarden_analyzer_last_success_timestamp_seconds")+")")
	}
	verdict := func(name string, v analysis.Verdict) column {
		return value(name, count, 0, "sum by (analyzer) ("+judged("faaswarden_judgements", fmt.Sprintf("verdict=%q", v))+")")
	}
	return newTable(about{
		"Analyzers",
		"One row an analyzer: savings of its open findings, its verdicts by resource, and how sure they are.",
		count, notAnalyzed,
	}, []string{"analyzer"},
		bound("expected"), bound("low"), bound("high"),
		verdict("violation", analysis.Violation), verdict("ok", analysis.OK), verdict("cannot determine", analysis.CannotDetermine),
		value("coverage", share, 1, "min by (analyzer) ("+judged("faaswarden_coverage_ratio")+")"),
		value("last success, ago", seconds, 0, "time() - max by (analyzer) ("+judged("faaswarden_analyzer_last_success_timestamp_seconds")+")"),
	)
}

func analyzerRow(a *analysis.Analyzer) row {
	only := fmt.Sprintf("analyzer=%q", a.Name)
	r := row{a.Name + ": " + a.Title, []tile{
		{6, 5, analyzerText(a)},
		{7, 5, allSavings(only)},
		{3, 5, openFindings(only)},
		{5, 5, verdicts(only)},
		{3, 5, overallCoverage(only)},
		{24, 9, dearestFindings("Dearest findings of "+a.Name, only)},
		{8, 8, severities(only)},
		{8, 8, reasons(only)},
		{8, 8, savingsOverTime(only)},
	}}
	for _, m := range a.Measures {
		r.tiles = append(r.tiles, tile{12, 8, measure(a, m)})
	}
	return r
}

func analyzerText(a *analysis.Analyzer) cog.Builder[dashboard.Panel] {
	return newText("About "+a.Name, "What the analyzer looks for, and where it says how.", fmt.Sprintf(`**Finds** %s.

Stage %s, category %s, severity %s unless set otherwise.

[How it is computed, what it will not catch, and the remedy](%s)
`, a.Title, a.Stage, a.Category, a.Severity, analyzerDoc(a.Name)))
}

func verdicts(only string) cog.Builder[dashboard.Panel] {
	verdict := func(name string, v analysis.Verdict) query {
		return now(name, "sum("+judged("faaswarden_judgements", only, fmt.Sprintf("verdict=%q", v))+")")
	}
	return newStat(about{
		"Verdicts",
		"Resources by verdict. What could not be determined is neither fine nor a finding.",
		count, notAnalyzed,
	}, verdict("ok", analysis.OK), verdict("violation", analysis.Violation), verdict("cannot determine", analysis.CannotDetermine)).Decimals(0)
}

func severities(only string) cog.Builder[dashboard.Panel] {
	return newBars(about{
		"Open findings by severity and confidence",
		"What each level means for this analyzer is on its page.",
		count, "this analyzer has no open finding in what is chosen above, or has not run.",
	}, now("{{severity}}, {{confidence}} confidence", "sort_desc(sum by (severity, confidence) ("+found("faaswarden_findings", only)+"))").
		mayBeEmpty(noFinding)).Decimals(0)
}

func reasons(only string) cog.Builder[dashboard.Panel] {
	return newBars(about{
		"Could not be determined, by reason",
		"Resources this analyzer could not judge. Denied and not read are mended by a permission or the configuration, throttled and failed mend themselves, no data means that nothing was there to judge by.",
		count, "this analyzer could judge everything, or has not run.",
	}, now("{{reason}}", "sort_desc(sum by (reason) ("+judged("faaswarden_cannot_determine", only)+"))").
		mayBeEmpty("the analyzer could judge everything")).Decimals(0)
}

func savingsOverTime(only string) cog.Builder[dashboard.Panel] {
	return newSeries(about{
		"Savings over time, a month",
		"Low, expected and high savings of the open findings.",
		usd, notAnalyzed,
	}, over("low", savings("low", only)), over("expected", savings("expected", only)), over("high", savings("high", only))).Decimals(2)
}

// measure shows what the analyzer measures beside its findings, a series a value.
func measure(a *analysis.Analyzer, m analysis.Measure) cog.Builder[dashboard.Panel] {
	legend := []string{"{{account}} {{region}}"}
	for _, l := range m.Labels {
		legend = append(legend, "{{"+l+"}}")
	}
	name := "faaswarden_" + m.Name
	labels := strings.Join(slices.Concat([]string{"account", "region"}, m.Labels), ", ")
	return newSeries(about{
		name, m.Help, measureUnit(m.Name),
		a.Name + " measured nothing of this in what is chosen above, or has not run.",
	}, over(strings.Join(legend, " "), "max by ("+labels+") ("+placed(name)+")").
		mayBeEmpty("the analyzer has nothing of this to measure")).Decimals(2)
}

// measureUnit is the unit that a measure's name ends in.
func measureUnit(name string) string {
	switch {
	case strings.HasSuffix(name, "_ratio"):
		return share
	case strings.HasSuffix(name, "_usd"), strings.HasSuffix(name, "_usd_per_hour"):
		return usd
	case strings.HasSuffix(name, "_seconds"):
		return seconds
	case strings.HasSuffix(name, "_bytes"):
		return size
	}
	return count
}
