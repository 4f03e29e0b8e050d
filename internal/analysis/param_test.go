package analysis

import (
	"errors"
	"math"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestResolve(t *testing.T) {
	t.Parallel()
	number := Param{Name: "ratio", Kind: Number, Min: 0, Max: 1}
	integer := Param{Name: "days", Kind: Integer, Min: 1, Max: 30}
	free := Param{Name: "n", Kind: Integer}
	length := Param{Name: "age", Kind: Length, Min: 60, Max: 3600}
	list := Param{Name: "keys", Kind: List}
	object := Param{Name: "policy", Kind: Object, Check: func(v any) error {
		if _, ok := v.(map[string]any); !ok {
			return errors.New("must be a mapping")
		}
		return nil
	}}
	for _, tt := range []struct {
		name  string
		param Param
		value any
		want  any
		err   string
	}{
		{"a number", number, 0.5, 0.5, ""},
		{"a whole number", number, 1, 1.0, ""},
		{"the lower bound", number, uint64(0), 0.0, ""},
		{"above the upper bound", number, 1.01, nil, "ratio is 1.01: must lie between 0 and 1"},
		{"below the lower bound", number, -1, nil, "ratio is -1: must lie between 0 and 1"},
		{"not a number", number, math.NaN(), nil, "ratio is NaN (float64): must be a number"},
		{"infinity", number, math.Inf(1), nil, "ratio is +Inf (float64): must be a number"},
		{"a number in words", number, "0.5", nil, "ratio is 0.5 (string): must be a number"},
		{"nothing", number, nil, nil, "ratio is <nil> (<nil>): must be a number"},
		{"an integer", integer, int64(7), int64(7), ""},
		{"an integer as YAML reads it", integer, uint64(7), int64(7), ""},
		{"an integer as JSON reads it", integer, 7.0, int64(7), ""},
		{"a fraction", integer, 7.5, nil, "days is 7.5 (float64): must be an integer"},
		{"an integer out of bounds", integer, 31, nil, "days is 31: must lie between 1 and 30"},
		{"without bounds", free, -1e6, int64(-1e6), ""},
		{"more than an integer holds", free, 1e300, nil, "n is 1e+300 (float64): must be an integer"},
		{"a duration", length, 30 * time.Minute, 30 * time.Minute, ""},
		{"a duration in words", length, "30m", 30 * time.Minute, ""},
		{"a duration without unit", length, "30", nil, `age is "30": must be a duration such as 90m or 24h`},
		{"a duration as a number", length, 30, nil, "age is 30 (int): must be a duration"},
		{"a duration out of bounds", length, "2h", nil, "age is 2h: must lie between 60 and 3600"},
		{"a list", list, []string{"a"}, []string{"a"}, ""},
		{"a list as YAML reads it", list, []any{"a", "b"}, []string{"a", "b"}, ""},
		{"an empty list", list, []any{}, []string{}, ""},
		{"a list of numbers", list, []any{1}, nil, "keys is [1] ([]interface {}): must be a list"},
		{"a text for a list", list, "a", nil, "keys is a (string): must be a list"},
		{"an object", object, map[string]any{"a": 1}, map[string]any{"a": 1}, ""},
		{"an object that its check refuses", object, "a", nil, "policy: must be a mapping"},
		{"a kind that is none", Param{Name: "x", Kind: "shape"}, 1, nil, "x is 1 (int): must be a shape"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := tt.param.Resolve(tt.value)
			if tt.err != "" {
				if err == nil || err.Error() != tt.err {
					t.Fatalf("error %v, want %s", err, tt.err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("value (-want +got):\n%s", diff)
			}
		})
	}
}

func TestBound(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		kind  Kind
		value any
		want  any
		ok    bool
	}{
		{Number, 0.5, 0.5, true},
		{Integer, int64(5), int64(5), true},
		{Length, 90 * time.Second, int64(90), true},
		{List, []string{"a"}, []string{"a"}, true},
		{Object, map[string]any{}, nil, false},
	} {
		got, ok := Param{Kind: tt.kind}.Bound(tt.value)
		if diff := cmp.Diff(tt.want, got); diff != "" || ok != tt.ok {
			t.Errorf("%s: bound %t (-want +got):\n%s", tt.kind, ok, diff)
		}
	}
}
