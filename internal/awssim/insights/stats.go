package insights

import (
	"cmp"
	"encoding/binary"
	"math"
	"slices"
)

// isAggregate reports whether a function folds many records into one value.
func isAggregate(op string) bool {
	switch op {
	case "count", "count_distinct", "sum", "avg", "min", "max", "pct", "stddev", "earliest", "latest":
		return true
	default:
		return false
	}
}

// aggregation is a stats command: groups and their accumulators.
type aggregation[R any] struct {
	by      []shown[R]
	folds   []fold[R]
	results []func(*group) Value // per column, over the finished folds
	slots   []int                // where keys and then columns go in a row
	groups  map[string]*group
	order   []*group
	key     []byte
}

// fold is one aggregate function and what it reads.
type fold[R any] struct {
	op    string
	arg   eval[R]
	share float64 // of pct
	at    eval[R] // of earliest and latest: the time
}

// group is one combination of keys.
type group struct {
	keys  []Value
	cells []accumulator
}

// accumulator holds what any of the aggregate functions needs.
type accumulator struct {
	weight   float64
	sum      float64
	squares  float64 // of differences from the mean
	mean     float64
	extreme  Value
	at       float64
	distinct map[string]bool
	sample   []weighted
}

// weighted is a value and how many events had it.
type weighted struct{ value, weight float64 }

func (p *program[R]) addStats(c command) error {
	if p.stats != nil {
		return &SyntaxError{Start: c.start, End: c.start + 5, Message: "a second stats command is not supported"}
	}
	s := &aggregation[R]{groups: map[string]*group{}}
	for _, col := range c.by {
		get, err := p.expression(col.expr)
		if err != nil {
			return err
		}
		s.by = append(s.by, shown[R]{name: col.name, get: get})
	}
	for _, col := range c.columns {
		result, err := aggregateColumn(p, s, col.expr)
		if err != nil {
			return err
		}
		s.results = append(s.results, result)
	}
	p.stats = s
	p.finishStats(c)
	return nil
}

// finishStats makes the stats command's columns the only fields from here on.
func (p *program[R]) finishStats(c command) {
	p.names, p.slots, p.columns = map[string]int{}, max(p.slots, len(c.by)+len(c.columns)), nil
	for i, col := range slices.Concat(c.by, c.columns) {
		p.names[col.name] = i
		p.stats.slots = append(p.stats.slots, i)
		p.columns = append(p.columns, shown[R]{name: col.name, get: func(e *env[R]) Value { return e.slots[i] }})
	}
	p.limit = 0
}

// aggregateColumn compiles a column of stats: arithmetic over aggregates.
func aggregateColumn[R any](p *program[R], s *aggregation[R], n *node) (func(*group) Value, error) {
	switch {
	case isAggregate(n.op):
		return newFold(p, s, n)
	case n.op == "value":
		v := n.value
		return func(*group) Value { return v }, nil
	case n.op == "field" || n.op == "bin" || n.op == "in" || n.op == "like":
		return nil, &SyntaxError{Start: n.start, End: n.start + len(n.text), Message: n.text + " must be aggregated"}
	}
	args := make([]func(*group) Value, len(n.args))
	for i, a := range n.args {
		get, err := aggregateColumn(p, s, a)
		if err != nil {
			return nil, err
		}
		args[i] = get
	}
	// The same operators, over finished groups instead of records.
	over := make([]eval[group], len(args))
	for i, a := range args {
		over[i] = func(e *env[group]) Value { return a(e.record) }
	}
	f, err := operation(n, over, nil)
	if err != nil {
		return nil, err
	}
	return func(g *group) Value { return f(&env[group]{record: g}) }, nil
}

// newFold adds an aggregate function to the groups' accumulators.
func newFold[R any](p *program[R], s *aggregation[R], n *node) (func(*group) Value, error) {
	f := fold[R]{op: n.op, arg: func(*env[R]) Value { return Number(1) }}
	if len(n.args) > 0 {
		arg, err := p.expression(n.args[0])
		if err != nil {
			return nil, err
		}
		f.arg = arg
	}
	switch n.op {
	case "pct":
		if n.args[1].op != "value" || n.args[1].value.num < 0 || n.args[1].value.num > 100 {
			return nil, &SyntaxError{Start: n.start, End: n.start + len(n.text), Message: "pct takes a percentage from 0 to 100"}
		}
		f.share = n.args[1].value.num / 100
	case "earliest", "latest":
		f.at = p.field("@timestamp")
	}
	index := len(s.folds)
	s.folds = append(s.folds, f)
	return func(g *group) Value { return g.cells[index].result(f.op, f.share) }, nil
}

// add folds a record into its group.
func (s *aggregation[R]) add(e *env[R]) {
	s.key = s.key[:0]
	for _, k := range s.by {
		s.key = k.get(e).appendKey(s.key)
	}
	g := s.groups[string(s.key)]
	if g == nil {
		g = &group{cells: make([]accumulator, len(s.folds))}
		for _, k := range s.by {
			g.keys = append(g.keys, k.get(e))
		}
		s.groups[string(s.key)] = g
		s.order = append(s.order, g)
	}
	for i := range s.folds {
		f := &s.folds[i]
		v := f.arg(e)
		if v.IsNull() {
			continue
		}
		at := 0.0
		if f.at != nil {
			at = f.at(e).num
		}
		g.cells[i].add(f.op, v, e.weight, at)
	}
}

// appendKey writes the value so that different values differ.
func (v Value) appendKey(key []byte) []byte {
	key = append(key, byte(v.kind))
	if v.kind != str {
		return binary.LittleEndian.AppendUint64(key, math.Float64bits(v.num))
	}
	key = binary.AppendUvarint(key, uint64(len(v.str)))
	return append(key, v.str...)
}

// add takes a value that weight events had.
func (a *accumulator) add(op string, v Value, weight, at float64) {
	first := a.weight == 0
	switch op {
	case "count":
		a.weight += weight
		return
	case "count_distinct":
		if a.distinct == nil {
			a.distinct = map[string]bool{}
		}
		a.distinct[v.String()] = true
		return
	case "min", "max", "earliest", "latest":
		a.weight += weight
		if first || a.better(op, v, at) {
			a.extreme, a.at = v, at
		}
		return
	}
	x, ok := v.asNumber()
	if !ok {
		return
	}
	a.weight += weight
	switch op {
	case "pct":
		a.sample = append(a.sample, weighted{x, weight})
	case "stddev":
		delta := x - a.mean
		a.mean += delta * weight / a.weight
		a.squares += weight * delta * (x - a.mean)
	default:
		a.sum += x * weight
	}
}

// better reports whether a value replaces the extreme so far.
func (a *accumulator) better(op string, v Value, at float64) bool {
	switch op {
	case "min":
		return compareValues(v, a.extreme) < 0
	case "max":
		return compareValues(v, a.extreme) > 0
	case "earliest":
		return at < a.at
	default:
		return at >= a.at
	}
}

// result is the aggregate function's value, missing when nothing was added.
func (a *accumulator) result(op string, share float64) Value {
	switch op {
	case "count":
		return computed(a.weight)
	case "count_distinct":
		return computed(float64(len(a.distinct)))
	}
	if a.weight == 0 {
		return Value{}
	}
	switch op {
	case "sum":
		return computed(a.sum)
	case "avg":
		return computed(a.sum / a.weight)
	case "stddev":
		return computed(math.Sqrt(a.squares / a.weight))
	case "pct":
		return computed(a.quantile(share))
	default:
		return a.extreme
	}
}

// quantile is the smallest value that at least the share of events do not exceed.
func (a *accumulator) quantile(share float64) float64 {
	slices.SortFunc(a.sample, func(x, y weighted) int { return cmp.Compare(x.value, y.value) })
	rank, passed := share*a.weight, 0.0
	for _, w := range a.sample {
		if passed += w.weight; passed >= rank {
			return w.value
		}
	}
	return a.sample[len(a.sample)-1].value
}

// rows are the finished groups. There is none when nothing matched, not even to
// say that the count is zero.
func (s *aggregation[R]) rows(slots int) []env[R] {
	rows := make([]env[R], len(s.order))
	for i, g := range s.order {
		rows[i] = env[R]{slots: make([]Value, slots)}
		copy(rows[i].slots, g.keys)
		for j, result := range s.results {
			rows[i].slots[len(s.by)+j] = result(g)
		}
	}
	return rows
}
