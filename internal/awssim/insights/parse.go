package insights

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A Query is a parsed query.
type Query struct {
	Source   *Source // nil without a SOURCE command
	commands []command
}

// A Source is a SOURCE logGroups command: which log groups to query.
type Source struct {
	NamePrefixes []string
	Class        string // "" is any
}

// command is one step of a query; exactly one of the fields is set, by verb.
type command struct {
	verb    string
	start   int
	columns []column // fields, display, stats
	by      []column // stats
	where   *node    // filter
	parse   *parsing
	order   []ordering
	limit   int
}

// column is an expression and its name in the result.
type column struct {
	expr *node
	name string
}

// ordering is one key of a sort.
type ordering struct {
	expr       *node
	descending bool
}

// parsing extracts fields from a text.
type parsing struct {
	from    *node
	pattern *pattern
	names   []string // of the groups in order; "" is not captured
}

// node is an expression.
type node struct {
	op    string // "field", "value", "regex", a function's name or an operator
	name  string // of a field
	value Value
	regex *pattern
	args  []*node
	text  string // as written
	start int
}

// parser walks over tokens.
type parser struct {
	query  string
	tokens []token
	at     int
}

// Parse reads a query.
func Parse(query string) (*Query, error) {
	tokens, err := lex(query)
	if err != nil {
		return nil, err
	}
	p := &parser{query: query, tokens: tokens}
	q := &Query{}
	for first := true; ; first = false {
		if err := p.command(q, first); err != nil {
			return nil, err
		}
		if p.peek().kind == tokenEnd {
			return q, nil
		}
		if !p.accept("|") {
			return nil, p.unexpected()
		}
	}
}

func (p *parser) peek() token { return p.tokens[p.at] }

func (p *parser) next() token {
	t := p.tokens[p.at]
	if t.kind != tokenEnd {
		p.at++
	}
	return t
}

func (p *parser) accept(text string) bool {
	if !p.peek().is(text) {
		return false
	}
	p.at++
	return true
}

func (p *parser) expect(text string) error {
	if !p.accept(text) {
		return p.unexpected()
	}
	return nil
}

func (p *parser) unexpected() error {
	return p.fault(p.peek(), "unexpected symbol found "+p.peek().text)
}

func (p *parser) fault(t token, message string) error {
	return &SyntaxError{Start: t.start, End: t.end, Message: message}
}

// command reads one command; SOURCE may only come first.
func (p *parser) command(q *Query, first bool) error {
	t := p.next()
	verb := strings.ToLower(t.text)
	if t.kind != tokenName {
		return p.fault(t, "unexpected symbol found "+t.text)
	}
	if verb == "source" {
		if !first {
			return p.fault(t, "SOURCE must be the first command")
		}
		source, err := p.source()
		q.Source = source
		return err
	}
	c := command{verb: verb, start: t.start}
	var err error
	switch verb {
	case "fields", "display":
		c.columns, err = p.columns()
	case "filter":
		c.where, err = p.expression()
	case "stats":
		if c.columns, err = p.columns(); err == nil && p.accept("by") {
			c.by, err = p.columns()
		}
	case "parse":
		c.parse, err = p.parsing()
	case "sort":
		c.order, err = p.orderings()
	case "limit", "head":
		c.limit, err = p.limit()
	default:
		return p.fault(t, fmt.Sprintf("mismatched input '%s' expecting {K_PARSE, K_SEARCH, K_FIELDS, K_DISPLAY, K_FILTER, K_STATS, K_SORT, K_ORDER, K_HEAD, K_LIMIT, K_TAIL}", t.text))
	}
	q.commands = append(q.commands, c)
	return err
}

// source reads logGroups(namePrefix: [...], class: "...").
func (p *parser) source() (*Source, error) {
	if err := p.expect("loggroups"); err != nil {
		return nil, err
	}
	if err := p.expect("("); err != nil {
		return nil, err
	}
	var s Source
	for !p.accept(")") {
		name := p.next()
		if err := p.expect(":"); err != nil {
			return nil, err
		}
		values, err := p.stringList()
		if err != nil {
			return nil, err
		}
		switch {
		case name.is("namePrefix"):
			s.NamePrefixes = values
		case name.is("class"):
			s.Class = strings.Join(values, ",")
		default:
			return nil, p.fault(name, "unexpected symbol found "+name.text)
		}
		p.accept(",")
	}
	if n := len(s.NamePrefixes); n > 5 {
		return nil, p.fault(p.tokens[0], "SOURCE takes at most five prefixes")
	}
	return &s, nil
}

// stringList reads one string or a bracketed list of them.
func (p *parser) stringList() ([]string, error) {
	if t := p.peek(); t.kind == tokenString {
		p.next()
		return []string{t.text}, nil
	}
	if err := p.expect("["); err != nil {
		return nil, err
	}
	var list []string
	for !p.accept("]") {
		t := p.next()
		if t.kind != tokenString {
			return nil, p.fault(t, "unexpected symbol found "+t.text)
		}
		list = append(list, t.text)
		p.accept(",")
	}
	return list, nil
}

// columns reads expressions with their names.
func (p *parser) columns() ([]column, error) {
	var list []column
	for {
		e, err := p.expression()
		if err != nil {
			return nil, err
		}
		c := column{expr: e, name: e.text}
		if p.accept("as") {
			t := p.next()
			if t.kind != tokenName {
				return nil, p.fault(t, "unexpected symbol found "+t.text)
			}
			c.name = t.text
		}
		list = append(list, c)
		if !p.accept(",") {
			return list, nil
		}
	}
}

func (p *parser) orderings() ([]ordering, error) {
	var list []ordering
	for {
		e, err := p.expression()
		if err != nil {
			return nil, err
		}
		o := ordering{expr: e}
		if p.accept("desc") {
			o.descending = true
		} else {
			p.accept("asc")
		}
		list = append(list, o)
		if !p.accept(",") {
			return list, nil
		}
	}
}

func (p *parser) limit() (int, error) {
	t := p.next()
	n, err := strconv.Atoi(t.text)
	if t.kind != tokenNumber || err != nil || n < 1 || n > MaxRows {
		return 0, p.fault(t, fmt.Sprintf("limit must be between 1 and %d", MaxRows))
	}
	return n, nil
}

// parsing reads: parse [field] "glob*" as names, or parse [field] /regex/ [as names].
func (p *parser) parsing() (*parsing, error) {
	from := &node{op: "field", name: "@message", text: "@message"}
	if t := p.peek(); t.kind == tokenName {
		p.next()
		from = &node{op: "field", name: t.text, text: t.text, start: t.start}
	}
	t := p.next()
	var s *parsing
	var err error
	switch t.kind {
	case tokenRegex:
		s, err = p.regexParsing(t)
	case tokenString:
		s, err = p.globParsing(t)
	default:
		return nil, p.fault(t, "unexpected symbol found "+t.text)
	}
	if err != nil {
		return nil, err
	}
	s.from = from
	return s, nil
}

func (p *parser) regexParsing(t token) (*parsing, error) {
	re, err := compilePattern(t.text)
	if err != nil {
		return nil, p.fault(t, "invalid regular expression: "+err.Error())
	}
	s := &parsing{pattern: re, names: re.re.SubexpNames()[1:]}
	if p.peek().is("as") {
		names, err := p.names()
		if err != nil {
			return nil, err
		}
		if len(names) != len(s.names) {
			return nil, p.fault(t, "the number of names must be the number of groups")
		}
		s.names = names
	}
	if !slices.ContainsFunc(s.names, func(n string) bool { return n != "" }) {
		return nil, p.fault(t, "the regular expression names no group")
	}
	return s, nil
}

func (p *parser) globParsing(t token) (*parsing, error) {
	names, err := p.names()
	if err != nil {
		return nil, err
	}
	pieces := strings.Split(t.text, "*")
	if len(pieces)-1 != len(names) {
		return nil, p.fault(t, "the number of names must be the number of wildcards")
	}
	var b strings.Builder
	b.WriteString("(?s)")
	for i, piece := range pieces {
		b.WriteString(regexp.QuoteMeta(piece))
		switch {
		case i == len(pieces)-1:
		case i == len(pieces)-2 && pieces[i+1] == "":
			b.WriteString("(.*)")
		default:
			b.WriteString("(.*?)")
		}
	}
	re, err := compilePattern(b.String())
	if err != nil {
		return nil, p.fault(t, "invalid pattern: "+err.Error())
	}
	return &parsing{pattern: re, names: names}, nil
}

func (p *parser) names() ([]string, error) {
	if err := p.expect("as"); err != nil {
		return nil, err
	}
	var names []string
	for {
		t := p.next()
		if t.kind != tokenName {
			return nil, p.fault(t, "unexpected symbol found "+t.text)
		}
		names = append(names, t.text)
		if !p.accept(",") {
			return names, nil
		}
	}
}

// operators by how tightly they bind, loosest first.
var levels = [][]string{{"or"}, {"and"}, {"=", "!=", "<=", ">=", "<", ">", "like", "=~", "in", "not"}, {"+", "-"}, {"*", "/", "%"}, {"^"}}

func (p *parser) expression() (*node, error) { return p.binary(0) }

func (p *parser) binary(level int) (*node, error) {
	if level == len(levels) {
		return p.unary()
	}
	if level == 2 && p.peek().is("not") {
		return p.negation()
	}
	left, err := p.binary(level + 1)
	if err != nil {
		return nil, err
	}
	for {
		t := p.peek()
		if !slices.ContainsFunc(levels[level], t.is) {
			return left, nil
		}
		p.next()
		if level == 2 {
			left, err = p.comparison(left, t)
		} else {
			var right *node
			right, err = p.binary(level + 1)
			left = p.spanned(&node{op: strings.ToLower(t.text), args: []*node{left, right}, start: left.start})
		}
		if err != nil {
			return nil, err
		}
	}
}

// spanned gives a node the text from its start to here.
func (p *parser) spanned(n *node) *node {
	n.text = strings.TrimSpace(p.query[n.start:p.tokens[p.at-1].end])
	return n
}

func (p *parser) negation() (*node, error) {
	t := p.next()
	arg, err := p.binary(2)
	if err != nil {
		return nil, err
	}
	return p.spanned(&node{op: "not", args: []*node{arg}, start: t.start}), nil
}

// comparison reads what follows a comparison operator.
func (p *parser) comparison(left *node, t token) (*node, error) {
	op := strings.ToLower(t.text)
	negated := op == "not"
	if negated {
		t = p.next()
		if op = strings.ToLower(t.text); op != "like" && op != "in" {
			return nil, p.fault(t, "unexpected symbol found "+t.text)
		}
	}
	if op == "=~" {
		op = "like"
	}
	var right *node
	var err error
	switch op {
	case "in":
		right, err = p.list()
	case "like":
		right, err = p.pattern()
	default:
		right, err = p.binary(3)
	}
	if err != nil {
		return nil, err
	}
	n := p.spanned(&node{op: op, args: []*node{left, right}, start: left.start})
	if negated {
		n = p.spanned(&node{op: "not", args: []*node{n}, start: left.start})
	}
	return n, nil
}

func (p *parser) list() (*node, error) {
	t := p.peek()
	if err := p.expect("["); err != nil {
		return nil, err
	}
	n := &node{op: "list", start: t.start}
	for !p.accept("]") {
		item, err := p.unary()
		if err != nil {
			return nil, err
		}
		n.args = append(n.args, item)
		p.accept(",")
	}
	return p.spanned(n), nil
}

// pattern is the right side of like: a regular expression or a part of the text.
func (p *parser) pattern() (*node, error) {
	t := p.next()
	expr := t.text
	switch t.kind {
	case tokenRegex:
	case tokenString:
		expr = regexp.QuoteMeta(t.text)
	default:
		return nil, p.fault(t, "unexpected symbol found "+t.text)
	}
	re, err := compilePattern(expr)
	if err != nil {
		return nil, p.fault(t, "invalid regular expression: "+err.Error())
	}
	return &node{op: "regex", regex: re, text: t.text, start: t.start}, nil
}

func (p *parser) unary() (*node, error) {
	t := p.next()
	switch {
	case t.is("("):
		n, err := p.expression()
		if err != nil {
			return nil, err
		}
		if err := p.expect(")"); err != nil {
			return nil, err
		}
		n.start = t.start
		return p.spanned(n), nil
	case t.is("-"):
		arg, err := p.unary()
		if err != nil {
			return nil, err
		}
		return p.spanned(&node{op: "-", args: []*node{{op: "value", value: Number(0)}, arg}, start: t.start}), nil
	case t.kind == tokenNumber:
		return p.number(t)
	case t.kind == tokenString:
		return &node{op: "value", value: Text(t.text), text: p.query[t.start:t.end], start: t.start}, nil
	case t.kind == tokenName && p.peek().is("(") && p.peek().start == t.end:
		return p.function(t)
	case t.kind == tokenName:
		return &node{op: "field", name: t.text, text: t.text, start: t.start}, nil
	default:
		return nil, p.fault(t, "unexpected symbol found "+t.text)
	}
}

func (p *parser) number(t token) (*node, error) {
	f, err := strconv.ParseFloat(t.text, 64)
	if err != nil {
		return nil, p.fault(t, "unexpected symbol found "+t.text)
	}
	n := &node{op: "value", value: Number(f), text: t.text, start: t.start}
	n.value.rounded = true
	return n, nil
}

// arity says how many arguments a function takes, at least and at most; a most
// of zero with a least of one is no limit.
func arity(function string) (least, most int, known bool) {
	switch function {
	case "count":
		return 0, 1, true
	case "bin", "abs", "ceil", "floor", "sqrt", "log", "strlen", "toupper", "tolower", "trim", "ispresent", "isempty", "isblank",
		"tomillis", "frommillis", "count_distinct", "sum", "avg", "min", "max", "stddev", "earliest", "latest":
		return 1, 1, true
	case "strcontains", "datefloor", "pct":
		return 2, 2, true
	case "replace":
		return 3, 3, true
	case "greatest", "least", "concat", "coalesce":
		return 1, 0, true
	default:
		return 0, 0, false
	}
}

func (p *parser) function(t token) (*node, error) {
	name := strings.ToLower(t.text)
	least, most, known := arity(name)
	if !known {
		return nil, p.fault(t, "unknown function "+t.text)
	}
	n := &node{op: name, start: t.start}
	p.next() // the parenthesis
	for !p.accept(")") {
		arg, err := p.argument(name, len(n.args))
		if err != nil {
			return nil, err
		}
		n.args = append(n.args, arg)
		if !p.accept(",") && !p.peek().is(")") {
			return nil, p.unexpected()
		}
	}
	if len(n.args) < least || most > 0 && len(n.args) > most {
		return nil, p.fault(t, "wrong number of arguments of "+t.text)
	}
	return p.spanned(n), nil
}

// argument reads one argument: count's star, bin's period, else an expression.
func (p *parser) argument(function string, index int) (*node, error) {
	if function == "count" && p.peek().is("*") {
		p.next()
		return &node{op: "value", value: Number(1)}, nil
	}
	if function == "bin" || function == "datefloor" && index == 1 {
		return p.period()
	}
	return p.expression()
}

// period reads a length of time such as 5m or 1 day.
func (p *parser) period() (*node, error) {
	t, unit := p.next(), p.next()
	n, err := strconv.Atoi(t.text)
	length := unitLength(strings.ToLower(unit.text))
	if t.kind != tokenNumber || err != nil || n < 1 || length == 0 {
		return nil, p.fault(t, "unexpected symbol found "+t.text)
	}
	return &node{op: "value", value: Number(float64((time.Duration(n) * length).Milliseconds())), start: t.start}, nil
}

func unitLength(unit string) time.Duration {
	switch unit {
	case "ms", "msec", "millisecond", "milliseconds":
		return time.Millisecond
	case "s", "sec", "second", "seconds":
		return time.Second
	case "m", "min", "minute", "minutes":
		return time.Minute
	case "h", "hr", "hour", "hours":
		return time.Hour
	case "d", "day", "days":
		return 24 * time.Hour
	case "w", "week", "weeks":
		return 7 * 24 * time.Hour
	default:
		return 0
	}
}
