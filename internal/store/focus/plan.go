package focus

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/faaswarden/faaswarden/internal/store"
)

// column is one of a file.
type column struct {
	Name string `ch:"name"`
	Type string `ch:"type"` // the engine's; String in CSV, which has none
}

// plan is how one file is read.
type plan struct {
	layout  layout
	inputs  []input // those the file has
	types   map[string]string
	ignored []string // columns that are not kept
	csv     bool
	path    string // that the engine opens
}

// newPlan fits a layout to a file's columns, or says why none fits.
func newPlan(list []column, csv bool) (*plan, error) {
	p := &plan{types: map[string]string{}, csv: csv}
	for _, c := range list {
		if _, twice := p.types[c.Name]; twice {
			return nil, fmt.Errorf("column %s is there twice", c.Name)
		}
		p.types[c.Name] = c.Type
	}
	var err error
	if p.layout, err = chooseLayout(p.has); err != nil {
		return nil, err
	}
	var faults []error
	for _, in := range p.layout.inputs {
		kind, ok := p.types[in.name]
		switch {
		case !ok && in.required:
			faults = append(faults, fmt.Errorf("column %s is missing", in.name))
		case !ok: // optional
		case !csv && !in.kind.takes(kind):
			faults = append(faults, fmt.Errorf("column %s is of type %s, want %s", in.name, kind, in.kind))
		default:
			p.inputs = append(p.inputs, in)
		}
	}
	for _, c := range list {
		if !slices.ContainsFunc(p.layout.inputs, func(in input) bool { return in.name == c.Name }) {
			p.ignored = append(p.ignored, c.Name)
		}
	}
	if len(faults) > 0 {
		return nil, fmt.Errorf("%w; remedy: export %s with these columns", errors.Join(faults...), p.layout.name)
	}
	return p, nil
}

func (p *plan) has(name string) bool {
	_, ok := p.types[name]
	return ok
}

func chooseLayout(have func(string) bool) (layout, error) {
	switch {
	case have("BilledCost") || have("ChargePeriodStart") || have("EffectiveCost"):
		return focusLayout(have), nil
	case have("line_item_unblended_cost") || have("line_item_line_item_type") || have("bill_payer_account_id"):
		return curLayout(), nil
	case have("lineItem/UnblendedCost") || have("lineItem/LineItemType"):
		return layout{}, errors.New("it is a legacy Cost and Usage Report (columns such as lineItem/UnblendedCost); remedy: make an export of type CUR 2.0 or FOCUS in AWS Data Exports")
	}
	return layout{}, errors.New("its columns are neither those of FOCUS nor of CUR 2.0 (no BilledCost, no line_item_unblended_cost); remedy: give an export of FOCUS 1.0, 1.1 or 1.2, or of CUR 2.0")
}

// source is the file as the engine reads it, with t_ the text and v_ the value
// of each input, and row.
func (p *plan) source() string {
	var structure, texts, values []string
	for _, in := range p.inputs {
		structure = append(structure, "`"+in.name+"` String")
		texts = append(texts, fmt.Sprintf("%s AS t_%s", p.text(in), in.name))
		values = append(values, fmt.Sprintf("%s AS v_%s", in.typed(), in.name))
	}
	from := fmt.Sprintf("file(%s, 'Parquet')", store.Literal(p.path))
	if p.csv {
		from = fmt.Sprintf("file(%s, 'CSVWithNames', %s)", store.Literal(p.path), store.Literal(strings.Join(structure, ", ")))
	}
	return fmt.Sprintf("(SELECT *, %s FROM (SELECT toUInt64(assumeNotNull(_row_number)) + 1 AS row, %s FROM %s))",
		strings.Join(values, ", "), strings.Join(texts, ", "), from)
}

// text is an input's value as text, empty for none: exports write NULL in many ways.
func (p *plan) text(in input) string {
	name := "`" + in.name + "`"
	switch {
	case p.csv:
		return fmt.Sprintf(`if(%s IN ('NULL', 'null', '\\N'), '', %s)`, name, name)
	case strings.Contains(p.types[in.name], "Map("):
		return "toJSONString(" + name + ")"
	default:
		return fmt.Sprintf("ifNull(toString(%s), '')", name)
	}
}

// checks are all that rows of the file must hold to.
func (p *plan) checks() []check {
	var list []check
	for _, in := range p.inputs {
		list = append(list, in.faults()...)
	}
	for _, c := range p.layout.checks {
		missing := slices.IndexFunc(c.needs, func(name string) bool { return !p.has(name) })
		if missing >= 0 { // then no row may need it
			c.bad = c.bad[:strings.LastIndex(c.bad, " AND ")]
			c.says = "is missing, and this is a " + strings.TrimPrefix(c.says, "is empty in a ")
		}
		list = append(list, c)
	}
	return list
}

// selection are the columns of focus_costs, and the expressions that give them.
// What is the import's own is bound as parameters.
func (p *plan) selection() (names, exprs []string) {
	out := p.layout.outputs(p.has)
	for _, in := range columns() {
		names = append(names, in.name)
		exprs = append(exprs, out[in.name]+" AS "+in.name)
	}
	for _, own := range []struct{ name, expr string }{
		{"x_ExportName", "{export:String}"},
		{"x_SchemaVersion", "{schema:String}"},
		{"x_ImportID", "{import:String}"},
		{"x_File", "{file:String}"},
		{"x_Row", "row"},
		{"x_ImportedAt", "fromUnixTimestamp64Milli({at:Int64}, 'UTC')"},
	} {
		names = append(names, own.name)
		exprs = append(exprs, own.expr+" AS "+own.name)
	}
	return names, exprs
}
