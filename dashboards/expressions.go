package dashboards

import (
	"strings"

	"github.com/faaswarden/faaswarden/internal/analysis"
)

// Expression is one PromQL expression of a board or a rule, for a test that
// executes all of them.
type Expression struct {
	Board string // the board's uid, or the rules' file
	Panel string // "row / panel", "variable NAME", or the alert's name and severity
	Expr  string // as it is written
	Query string // with every variable at All, so that Prometheus can run it
	Empty string // why a healthy account may have no data; empty when there must be some
}

// Expressions lists every expression of every board and of every rule.
func Expressions(suite []*analysis.Analyzer) ([]Expression, error) {
	var list []Expression
	for _, b := range boards(suite) {
		expressions, err := b.expressions()
		if err != nil {
			return nil, err
		}
		list = append(list, expressions...)
	}
	for _, r := range rules(suite) {
		list = append(list, Expression{Board: RulesFile, Panel: r.title(), Expr: r.expr, Query: r.expr, Empty: r.silent})
	}
	return list, nil
}

// expressions reads the board that is built, so that nothing of it is missed.
func (b board) expressions() ([]Expression, error) {
	d, err := b.build()
	if err != nil {
		return nil, err
	}
	var list []Expression
	for _, c := range choices {
		list = append(list, Expression{Board: b.uid, Panel: "variable " + c.name, Expr: c.of, Query: atAll(c.of)})
	}
	title := ""
	for _, p := range d.Panels {
		if p.RowPanel != nil {
			title = *p.RowPanel.Title
			continue
		}
		for _, q := range p.Panel.Targets {
			t := q.(*target)
			list = append(list, Expression{Board: b.uid, Panel: title + " / " + *p.Panel.Title, Expr: t.Expr, Query: atAll(t.Expr), Empty: t.empty})
		}
	}
	return list, nil
}

// atAll is an expression with every variable at All.
func atAll(expr string) string {
	for _, c := range choices {
		expr = strings.ReplaceAll(expr, `"$`+c.name+`"`, `".*"`)
	}
	return expr
}
