package awssim

import (
	"bytes"
	"encoding/json"
	"errors"
	"maps"
	"math"
	"slices"
	"strconv"
	"time"
)

// obj is a structure in the shape of AWS's API documentation: members by the
// names of the service model. Values are strings, booleans, integers, floats,
// time.Time, further objs, slices of these, and map[string]string for maps.
type obj = map[string]any

// text is s, or nothing where the service leaves the member out.
func text(s string) any {
	if s == "" {
		return nil
	}
	return s
}

// compact drops members that are nil: the service leaves them out.
func compact(o obj) obj {
	maps.DeleteFunc(o, func(_ string, v any) bool { return v == nil })
	return o
}

// deref is the pointed-at number, or nothing.
func deref(n *int) any {
	if n == nil {
		return nil
	}
	return *n
}

// tagList is tags as a list of structures with the given member names, by key.
func tagList(tags map[string]string, key, value string) []obj {
	list := make([]obj, 0, len(tags))
	for _, k := range slices.Sorted(maps.Keys(tags)) {
		list = append(list, obj{key: k, value: tags[k]})
	}
	return list
}

// notEmpty is the list, or nothing when it has no items.
func notEmpty[T any](list []T) any {
	if len(list) == 0 {
		return nil
	}
	return list
}

// mapOf turns every item of a list into a structure.
func mapOf[T any](list []T, f func(T) obj) []obj {
	out := make([]obj, len(list))
	for i, item := range list {
		out[i] = f(item)
	}
	return out
}

// maxTime is the later of two instants.
func maxTime(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// objects is a list's structures, whether handlers or a recording made it.
func objects(v any) []obj {
	switch list := v.(type) {
	case []obj:
		return list
	case []any:
		out := make([]obj, 0, len(list))
		for _, item := range list {
			if o, ok := item.(obj); ok {
				out = append(out, o)
			}
		}
		return out
	default:
		return nil
	}
}

// asInteger is a number however a protocol carried it.
func asInteger(v any) (int, bool) {
	switch n := v.(type) {
	case int:
		return n, true
	case int64:
		return int(n), true
	case uint64:
		return int(n), true
	case float64:
		return int(n), n == float64(int(n))
	case string:
		i, err := strconv.Atoi(n)
		return i, err == nil
	default:
		return 0, false
	}
}

// asTime is an instant however a protocol carried it: CBOR's tagged time, epoch
// seconds, or ISO 8601.
func asTime(v any) (time.Time, bool) {
	switch t := v.(type) {
	case time.Time:
		return t.UTC(), true
	case int64:
		return time.Unix(t, 0).UTC(), true
	case uint64:
		return time.Unix(int64(t), 0).UTC(), true
	case float64:
		return time.UnixMilli(int64(math.Round(t * 1000))).UTC(), true
	case string:
		at, err := time.Parse(time.RFC3339, t)
		return at.UTC(), err == nil
	default:
		return time.Time{}, false
	}
}

// lengthOf is a list's length; a value alone counts as a list of one.
func lengthOf(v any) int {
	switch list := v.(type) {
	case []any:
		return len(list)
	case []obj:
		return len(list)
	default:
		return 1
	}
}

// normalize turns what encoding/json decoded with UseNumber into plain values:
// integers are int64, other numbers float64.
func normalize(v any) any {
	switch v := v.(type) {
	case json.Number:
		if n, err := v.Int64(); err == nil {
			return n
		}
		f, _ := v.Float64()
		return f
	case obj:
		for k, member := range v {
			v[k] = normalize(member)
		}
	case []any:
		for i, item := range v {
			v[i] = normalize(item)
		}
	}
	return v
}

// parseJSON decodes one JSON object.
func parseJSON(data []byte) (obj, error) {
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	var o obj
	if err := d.Decode(&o); err != nil {
		return nil, err
	}
	if d.More() {
		return nil, errors.New("trailing data after the object")
	}
	normalize(o)
	return o, nil
}

// stringList is a list's strings; a string alone counts as a list of one.
func stringList(v any) []string {
	switch v := v.(type) {
	case string:
		return []string{v}
	case []string:
		return v
	case []any:
		out := make([]string, 0, len(v))
		for _, item := range v {
			if s, ok := item.(string); ok {
				out = append(out, s)
			}
		}
		return out
	default:
		return nil
	}
}
