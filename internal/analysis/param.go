package analysis

import (
	"fmt"
	"math"
	"time"
)

// Kind is a parameter's type in config and in SQL.
type Kind string

// The kinds. Object parameters are read by Go alone and are never placeholders.
const (
	Number  Kind = "number"   // float64; {name:Float64}
	Integer Kind = "integer"  // int64;   {name:Int64}
	Length  Kind = "duration" // time.Duration; bound as seconds: {name:Int64}
	List    Kind = "list"     // []string; {name:Array(String)}
	Object  Kind = "object"   // any JSON-able value; read with Pass.Object
)

// Param is a threshold an operator may set under analyzers.<name>.<param>.
type Param struct {
	Name    string
	Kind    Kind
	Default any     // of the kind's Go type
	Min     float64 // bounds for number, integer and duration (seconds); both zero: unbounded
	Max     float64
	Doc     string          // what it is, with its unit
	InGo    bool            // read by Go alone, so no placeholder of the query
	Check   func(any) error // further checks on an object; may be nil
}

// Resolve turns a value from config into the kind's Go type, or says what is wrong with it.
func (p Param) Resolve(value any) (any, error) {
	v, err := p.convert(value)
	if err != nil {
		return nil, err
	}
	if p.Check != nil {
		if err := p.Check(v); err != nil {
			return nil, fmt.Errorf("%s: %w", p.Name, err)
		}
	}
	n, bounded := number(v)
	if bounded && (p.Min != 0 || p.Max != 0) && (n < p.Min || n > p.Max) {
		return nil, fmt.Errorf("%s is %v: must lie between %v and %v", p.Name, value, p.Min, p.Max)
	}
	return v, nil
}

func (p Param) convert(value any) (any, error) {
	article := "a"
	if p.Kind == Integer {
		article = "an"
	}
	wrong := fmt.Errorf("%s is %v (%T): must be %s %s", p.Name, value, value, article, p.Kind)
	switch p.Kind {
	case Object:
		return value, nil
	case Number:
		if n, ok := number(value); ok {
			return n, nil
		}
	case Integer:
		if n, ok := number(value); ok && n == math.Trunc(n) && math.Abs(n) < math.MaxInt64 {
			return int64(n), nil
		}
	case Length:
		if d, ok := value.(time.Duration); ok {
			return d, nil
		}
		if text, ok := value.(string); ok {
			d, err := time.ParseDuration(text)
			if err != nil {
				return nil, fmt.Errorf("%s is %q: must be a duration such as 90m or 24h", p.Name, text)
			}
			return d, nil
		}
	case List:
		return stringList(value, wrong)
	}
	return nil, wrong
}

func stringList(value any, wrong error) (any, error) {
	if list, ok := value.([]string); ok {
		return list, nil
	}
	items, ok := value.([]any)
	if !ok {
		return nil, wrong
	}
	list := make([]string, 0, len(items))
	for _, item := range items {
		text, ok := item.(string)
		if !ok {
			return nil, wrong
		}
		list = append(list, text)
	}
	return list, nil
}

func number(v any) (float64, bool) {
	switch n := v.(type) {
	case float64:
		return n, !math.IsNaN(n) && !math.IsInf(n, 0)
	case int64:
		return float64(n), true
	case int:
		return float64(n), true
	case uint64:
		return float64(n), true
	case time.Duration:
		return n.Seconds(), true
	}
	return 0, false
}

// Bound is the value as the query's placeholder takes it; ok is false for
// object parameters, which no query sees.
func (p Param) Bound(value any) (bound any, ok bool) {
	switch p.Kind {
	case Object:
		return nil, false
	case Length:
		return int64(value.(time.Duration).Seconds()), true
	default:
		return value, true
	}
}
