package insights

import (
	"math"
	"slices"
	"strings"
	"time"
)

// env is what expressions see: the record and the fields computed so far.
type env[R any] struct {
	record *R
	weight float64
	slots  []Value
}

// eval is a compiled expression.
type eval[R any] func(*env[R]) Value

// program is a compiled query: steps on records, at most one aggregation, and
// steps on the rows that come out.
type program[R any] struct {
	in      Input[R]
	slots   int
	names   map[string]int // of computed fields
	steps   []func(*env[R]) bool
	stats   *aggregation[R]
	columns []shown[R]                // of rows without an aggregation
	after   []func([]env[R]) []env[R] // on rows, in order
	kept    []env[R]
	limit   int // rows may stop being collected here; zero when they may not
}

// shown is a column of the result.
type shown[R any] struct {
	name string
	get  eval[R]
}

// compile binds a query to the records' fields.
func compile[R any](q *Query, in Input[R]) (*program[R], error) {
	p := &program[R]{in: in, names: map[string]int{}}
	for _, c := range q.commands {
		if err := p.add(c); err != nil {
			return nil, err
		}
	}
	if len(p.columns) == 0 && p.stats == nil {
		for _, name := range []string{"@timestamp", "@message"} { // what a query without fields shows
			p.columns = append(p.columns, shown[R]{name: name, get: p.field(name)})
		}
	}
	if len(p.after) == 1 && p.stats == nil && p.limit > 0 {
		return p, nil // a lone limit: no need to read on
	}
	p.limit = 0
	return p, nil
}

// add compiles one command.
func (p *program[R]) add(c command) error {
	switch c.verb {
	case "fields", "display":
		return p.addFields(c)
	case "filter":
		return p.addFilter(c)
	case "parse":
		p.addParse(c.parse)
		return nil
	case "stats":
		return p.addStats(c)
	case "sort":
		return p.addSort(c)
	default:
		if p.limit == 0 {
			p.limit = c.limit
		}
		p.after = append(p.after, func(rows []env[R]) []env[R] { return rows[:min(c.limit, len(rows))] })
		return nil
	}
}

// slot is where a computed field goes.
func (p *program[R]) slot(name string) int {
	if i, ok := p.names[name]; ok {
		return i
	}
	p.names[name] = p.slots
	p.slots++
	return p.slots - 1
}

// each runs a step on records before an aggregation, on rows after one.
func (p *program[R]) each(step func(*env[R]) bool) {
	if p.stats == nil && len(p.after) == 0 {
		p.steps = append(p.steps, step)
		return
	}
	p.after = append(p.after, func(rows []env[R]) []env[R] {
		return slices.DeleteFunc(rows, func(row env[R]) bool { return !step(&row) })
	})
}

func (p *program[R]) addFields(c command) error {
	if c.verb == "display" || p.stats != nil {
		p.columns = nil
	}
	for _, col := range c.columns {
		get, err := p.expression(col.expr)
		if err != nil {
			return err
		}
		if col.expr.op != "field" || col.name != col.expr.name {
			i := p.slot(col.name)
			compute := get
			p.each(func(e *env[R]) bool { e.slots[i] = compute(e); return true })
			get = func(e *env[R]) Value { return e.slots[i] }
		}
		p.columns = append(p.columns, shown[R]{name: col.name, get: get})
	}
	return nil
}

func (p *program[R]) addFilter(c command) error {
	where, err := p.expression(c.where)
	if err != nil {
		return err
	}
	p.each(func(e *env[R]) bool { return truth(where(e)) })
	return nil
}

func (p *program[R]) addParse(s *parsing) {
	from := p.field(s.from.name)
	slots := make([]int, len(s.names))
	for i, name := range s.names {
		slots[i] = -1
		if name != "" {
			slots[i] = p.slot(name)
		}
	}
	memo := memory{parsing: s, known: map[string][]Value{}}
	p.each(func(e *env[R]) bool {
		got := memo.extract(from(e).String())
		for i, slot := range slots {
			if slot >= 0 {
				e.slots[slot] = got[i]
			}
		}
		return true
	})
}

// memory remembers what a parse command made of texts: log streams repeat from
// line to line. It stops when texts turn out not to repeat.
type memory struct {
	*parsing
	known       map[string][]Value
	hits, tries int
}

// How many texts are remembered, and after how many it is seen whether that helps.
const (
	maxMemory   = 1 << 16
	memoryTrial = 1 << 10
)

func (m *memory) extract(text string) []Value {
	if m.known == nil {
		return m.parsing.extract(text)
	}
	m.tries++
	if got, ok := m.known[text]; ok {
		m.hits++
		return got
	}
	if m.tries > memoryTrial && m.hits < m.tries/4 || len(m.known) == maxMemory {
		m.known = nil
		return m.parsing.extract(text)
	}
	got := m.parsing.extract(text)
	m.known[text] = got
	return got
}

// extract is what the groups of the pattern match, nothing when it does not.
func (s *parsing) extract(text string) []Value {
	values := make([]Value, len(s.names))
	m := s.pattern.submatches(text)
	for i := range values {
		if m != nil && m[2*i+2] >= 0 {
			values[i] = Text(text[m[2*i+2]:m[2*i+3]])
		}
	}
	return values
}

func (p *program[R]) addSort(c command) error {
	type key struct {
		get        eval[R]
		descending bool
	}
	keys := make([]key, len(c.order))
	for i, o := range c.order {
		get, err := p.expression(o.expr)
		if err != nil {
			return err
		}
		keys[i] = key{get, o.descending}
	}
	p.after = append(p.after, func(rows []env[R]) []env[R] {
		slices.SortStableFunc(rows, func(a, b env[R]) int {
			for _, k := range keys {
				order := compareValues(k.get(&a), k.get(&b))
				if k.descending {
					order = -order
				}
				if order != 0 {
					return order
				}
			}
			return 0
		})
		return rows
	})
	return nil
}

// keep runs the steps on a record and reports whether it passed.
func (p *program[R]) keep(e *env[R]) bool {
	for _, step := range p.steps {
		if !step(e) {
			return false
		}
	}
	return true
}

// collect takes a record that passed; done says that no more are needed.
func (p *program[R]) collect(e *env[R]) (done bool) {
	if p.stats != nil {
		p.stats.add(e)
		return false
	}
	record := *e.record
	p.kept = append(p.kept, env[R]{record: &record, weight: e.weight, slots: slices.Clone(e.slots)})
	return p.limit > 0 && len(p.kept) >= p.limit
}

// rows finishes the query.
func (p *program[R]) rows(limit int) [][]Cell {
	rows := p.kept
	if p.stats != nil {
		rows = p.stats.rows(p.slots)
	}
	for _, step := range p.after {
		rows = step(rows)
	}
	out := make([][]Cell, 0, min(limit, len(rows)))
	for i := range rows[:min(limit, len(rows))] {
		cells := make([]Cell, 0, len(p.columns)+1)
		for _, column := range p.columns {
			if v := column.get(&rows[i]); !v.IsNull() {
				cells = append(cells, Cell{Field: column.name, Value: v.String()})
			}
		}
		if p.stats == nil && p.in.Pointer != nil {
			cells = append(cells, Cell{Field: "@ptr", Value: p.in.Pointer(rows[i].record)})
		}
		out = append(out, cells)
	}
	return out
}

// field reads a field by name: computed, else of the record, else missing.
func (p *program[R]) field(name string) eval[R] {
	if i, ok := p.names[name]; ok {
		return func(e *env[R]) Value { return e.slots[i] }
	}
	if p.stats == nil {
		if get := p.in.Fields(name); get != nil {
			return func(e *env[R]) Value { return get(e.record) }
		}
	}
	return func(*env[R]) Value { return Value{} }
}

// expression compiles a node outside of an aggregation.
func (p *program[R]) expression(n *node) (eval[R], error) {
	if i, ok := p.names[n.text]; ok && n.text != "" { // a column named after its expression
		return func(e *env[R]) Value { return e.slots[i] }, nil
	}
	if isAggregate(n.op) {
		return nil, &SyntaxError{Start: n.start, End: n.start + len(n.text), Message: n.op + " is only allowed in stats"}
	}
	switch n.op {
	case "field":
		return p.field(n.name), nil
	case "value":
		v := n.value
		return func(*env[R]) Value { return v }, nil
	case "bin":
		length, at := n.args[0].value.num, p.field("@timestamp")
		return func(e *env[R]) Value { return floorInstant(at(e), length) }, nil
	}
	args := make([]eval[R], len(n.args))
	for i, a := range n.args {
		if a.op == "regex" || a.op == "list" {
			continue
		}
		get, err := p.expression(a)
		if err != nil {
			return nil, err
		}
		args[i] = get
	}
	return operation(n, args, p.expression)
}

// operation compiles operators and scalar functions over compiled arguments.
func operation[R any](n *node, args []eval[R], sub func(*node) (eval[R], error)) (eval[R], error) {
	switch n.op {
	case "and":
		return func(e *env[R]) Value { return boolean(truth(args[0](e)) && truth(args[1](e))) }, nil
	case "or":
		return func(e *env[R]) Value { return boolean(truth(args[0](e)) || truth(args[1](e))) }, nil
	case "not":
		return func(e *env[R]) Value { return boolean(!truth(args[0](e))) }, nil
	case "like":
		re := n.args[1].regex
		return func(e *env[R]) Value {
			v := args[0](e)
			return boolean(!v.IsNull() && re.matches(v.String()))
		}, nil
	case "in":
		return membership(n, args[0], sub)
	case "=", "!=", "<", "<=", ">", ">=":
		holds := comparisonOf(n.op)
		return func(e *env[R]) Value {
			a, b := args[0](e), args[1](e)
			return boolean(!a.IsNull() && !b.IsNull() && holds(compareValues(a, b)))
		}, nil
	case "+", "-", "*", "/", "%", "^":
		f := arithmetic(n.op)
		return func(e *env[R]) Value { return combine(args[0](e), args[1](e), f) }, nil
	default:
		f := scalar(n.op)
		values := make([]Value, len(args))
		return func(e *env[R]) Value {
			for i, a := range args {
				values[i] = a(e)
			}
			return f(values)
		}, nil
	}
}

func membership[R any](n *node, left eval[R], sub func(*node) (eval[R], error)) (eval[R], error) {
	items := make([]eval[R], len(n.args[1].args))
	for i, item := range n.args[1].args {
		get, err := sub(item)
		if err != nil {
			return nil, err
		}
		items[i] = get
	}
	return func(e *env[R]) Value {
		v := left(e)
		return boolean(!v.IsNull() && slices.ContainsFunc(items, func(item eval[R]) bool { return compareValues(v, item(e)) == 0 }))
	}, nil
}

func comparisonOf(op string) func(int) bool {
	switch op {
	case "=":
		return func(c int) bool { return c == 0 }
	case "!=":
		return func(c int) bool { return c != 0 }
	case "<":
		return func(c int) bool { return c < 0 }
	case "<=":
		return func(c int) bool { return c <= 0 }
	case ">":
		return func(c int) bool { return c > 0 }
	default:
		return func(c int) bool { return c >= 0 }
	}
}

func arithmetic(op string) func(a, b float64) float64 {
	switch op {
	case "+":
		return func(a, b float64) float64 { return a + b }
	case "-":
		return func(a, b float64) float64 { return a - b }
	case "*":
		return func(a, b float64) float64 { return a * b }
	case "/":
		return func(a, b float64) float64 { return a / b }
	case "%":
		return math.Mod
	default:
		return math.Pow
	}
}

// combine computes on two numbers; anything else, and what has no finite value, is missing.
func combine(a, b Value, f func(a, b float64) float64) Value {
	x, okX := a.asNumber()
	y, okY := b.asNumber()
	if !okX || !okY {
		return Value{}
	}
	return computed(f(x, y))
}

func computed(f float64) Value {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return Value{}
	}
	return Value{kind: number, num: f, rounded: true}
}

func boolean(b bool) Value {
	if b {
		return computed(1)
	}
	return computed(0)
}

// truth is a condition's outcome; missing is false.
func truth(v Value) bool {
	f, ok := v.asNumber()
	return ok && f != 0
}

// compareValues orders numbers as numbers and everything else as text; missing
// values come first.
func compareValues(a, b Value) int {
	switch {
	case a.IsNull() || b.IsNull():
		return int(min(a.kind, 1)) - int(min(b.kind, 1))
	case a.kind == str && b.kind == str:
		return strings.Compare(a.str, b.str)
	}
	x, okX := a.asNumber()
	y, okY := b.asNumber()
	if !okX || !okY {
		return strings.Compare(a.String(), b.String())
	}
	switch {
	case x < y:
		return -1
	case x > y:
		return 1
	default:
		return 0
	}
}

// scalar is a function of one record's values.
func scalar(name string) func([]Value) Value {
	numeric := func(f func(float64) float64) func([]Value) Value {
		return func(v []Value) Value { return combine(v[0], Number(0), func(a, _ float64) float64 { return f(a) }) }
	}
	textual := func(f func(string) string) func([]Value) Value {
		return func(v []Value) Value {
			if v[0].IsNull() {
				return Value{}
			}
			return Text(f(v[0].String()))
		}
	}
	switch name {
	case "datefloor":
		return func(v []Value) Value { return floorInstant(v[0], v[1].num) }
	case "tomillis":
		return numeric(func(f float64) float64 { return f })
	case "frommillis":
		return func(v []Value) Value {
			f, ok := v[0].asNumber()
			if !ok {
				return Value{}
			}
			return Instant(time.UnixMilli(int64(f)))
		}
	case "abs":
		return numeric(math.Abs)
	case "ceil":
		return numeric(math.Ceil)
	case "floor":
		return numeric(math.Floor)
	case "sqrt":
		return numeric(math.Sqrt)
	case "log":
		return numeric(math.Log)
	case "toupper":
		return textual(strings.ToUpper)
	case "tolower":
		return textual(strings.ToLower)
	case "trim":
		return textual(strings.TrimSpace)
	default:
		return variadic(name)
	}
}

// floorInstant is the start of the bin that an instant falls into.
func floorInstant(v Value, lengthMS float64) Value {
	if v.kind != instant {
		return Value{}
	}
	return Value{kind: instant, num: math.Floor(v.num/lengthMS) * lengthMS}
}

// variadic is the remaining scalar functions.
func variadic(name string) func([]Value) Value {
	switch name {
	case "strlen":
		return func(v []Value) Value { return computed(float64(len([]rune(v[0].String())))) }
	case "concat":
		return func(v []Value) Value {
			var b strings.Builder
			for _, part := range v {
				b.WriteString(part.String())
			}
			return Text(b.String())
		}
	case "strcontains":
		return func(v []Value) Value { return boolean(strings.Contains(v[0].String(), v[1].String())) }
	case "replace":
		return func(v []Value) Value { return Text(strings.ReplaceAll(v[0].String(), v[1].String(), v[2].String())) }
	case "ispresent":
		return func(v []Value) Value { return boolean(!v[0].IsNull()) }
	case "isempty":
		return func(v []Value) Value { return boolean(v[0].String() == "") }
	case "isblank":
		return func(v []Value) Value { return boolean(strings.TrimSpace(v[0].String()) == "") }
	case "greatest":
		return func(v []Value) Value { return slices.MaxFunc(v, compareValues) }
	case "least":
		return func(v []Value) Value { return slices.MinFunc(v, compareValues) }
	default: // coalesce
		return func(v []Value) Value {
			for _, candidate := range v {
				if !candidate.IsNull() {
					return candidate
				}
			}
			return Value{}
		}
	}
}
