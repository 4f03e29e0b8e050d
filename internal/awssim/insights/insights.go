// Package insights evaluates the Logs Insights query language over records that
// each stand for a number of identical log events.
//
// It knows the commands fields, display, filter, parse, stats, sort, limit and
// SOURCE logGroups; comparison, arithmetic, in, like and Boolean operators; and the
// usual functions of numbers, strings, time and aggregation. What it
// does not know is a SyntaxError, as what Logs Insights does not know is a
// MalformedQueryException.
package insights

import (
	"context"
	"fmt"
	"iter"
	"math"
	"strconv"
	"strings"
	"time"
)

// MaxRows is the most rows a query returns.
const MaxRows = 10_000

// kind is a value's type.
type kind uint8

const (
	null kind = iota
	number
	str
	instant // milliseconds since the epoch, in num
)

// A Value is a field's value in one record. The zero Value is a missing field.
type Value struct {
	kind    kind
	rounded bool // computed: shown with four decimals at most
	num     float64
	str     string
}

// Number is a numeric field.
func Number(f float64) Value { return Value{kind: number, num: f} }

// Text is a string field.
func Text(s string) Value { return Value{kind: str, str: s} }

// Instant is a timestamp field.
func Instant(t time.Time) Value { return Value{kind: instant, num: float64(t.UnixMilli())} }

// IsNull reports whether the field is missing.
func (v Value) IsNull() bool { return v.kind == null }

// timeLayout is how Logs Insights writes timestamps.
const timeLayout = "2006-01-02 15:04:05.000"

// String is the value as Logs Insights shows it: fields as Java prints doubles
// (1.28E8, 15.0), computed numbers with up to four decimals.
func (v Value) String() string {
	switch v.kind {
	case str:
		return v.str
	case instant:
		return time.UnixMilli(int64(v.num)).UTC().Format(timeLayout)
	case number:
		if v.rounded {
			return strconv.FormatFloat(math.Round(v.num*1e4)/1e4, 'f', -1, 64)
		}
		return javaDouble(v.num)
	default:
		return ""
	}
}

// javaDouble prints as Double.toString does: at least one decimal, scientific
// below a thousandth and from ten million on.
func javaDouble(f float64) string {
	size := math.Abs(f)
	if size != 0 && (size < 1e-3 || size >= 1e7) {
		mantissa, exponent, _ := strings.Cut(strconv.FormatFloat(f, 'E', -1, 64), "E")
		if !strings.Contains(mantissa, ".") {
			mantissa += ".0"
		}
		n, _ := strconv.Atoi(exponent)
		return mantissa + "E" + strconv.Itoa(n)
	}
	s := strconv.FormatFloat(f, 'f', -1, 64)
	if !strings.Contains(s, ".") {
		s += ".0"
	}
	return s
}

// asNumber is the value as a number: strings count when they read as one.
func (v Value) asNumber() (float64, bool) {
	switch v.kind {
	case number, instant:
		return v.num, true
	case str:
		f, err := strconv.ParseFloat(v.str, 64)
		return f, err == nil
	default:
		return 0, false
	}
}

// A SyntaxError says what in a query is not understood.
type SyntaxError struct {
	Start, End int // offsets in the query
	Message    string
}

func (e *SyntaxError) Error() string {
	return fmt.Sprintf("%s at offset %d", e.Message, e.Start)
}

// Fields tells how to read a field of a record by name, nil when no record has it.
type Fields[R any] func(name string) func(*R) Value

// An Input is what a query runs over.
type Input[R any] struct {
	Records iter.Seq[*R] // reused between steps: nothing of it is kept
	Fields  Fields[R]
	Weight  func(*R) float64 // how many events a record stands for
	Pointer func(*R) string  // the @ptr of a record, for rows that are single events
}

// A Cell is one field of a row.
type Cell struct{ Field, Value string }

// A Result is a query's answer.
type Result struct {
	Rows    [][]Cell // cells whose field is missing are left out
	Scanned float64  // events read
	Matched float64  // events that passed the filters
}

// Run evaluates a query. At most limit rows come back, or fewer as the query says.
func Run[R any](ctx context.Context, q *Query, in Input[R], limit int) (Result, error) {
	p, err := compile(q, in)
	if err != nil {
		return Result{}, err
	}
	var result Result
	row := env[R]{slots: make([]Value, p.slots)}
	for record := range in.Records {
		weight := in.Weight(record)
		result.Scanned += weight
		row.record, row.weight = record, weight
		if !p.keep(&row) {
			continue
		}
		result.Matched += weight
		if p.collect(&row) { // enough rows
			break
		}
		if ctx.Err() != nil {
			return Result{}, fmt.Errorf("run the query: %w", ctx.Err())
		}
	}
	result.Rows = p.rows(min(limit, MaxRows))
	return result, nil
}
