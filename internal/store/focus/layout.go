package focus

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/shopspring/decimal"

	"github.com/faaswarden/faaswarden/internal/schema"
)

// kind is what a column's values must be.
type kind int

const (
	text kind = iota
	money
	instant
	object // tags, and other maps of strings
)

func (k kind) String() string {
	return [...]string{"text", "a number", "a time", "a map or a JSON object"}[k]
}

// absent is the value of a column that a file does not have.
func (k kind) absent() string {
	switch k {
	case money:
		return "CAST(NULL, 'Nullable(Decimal(38, 12))')"
	case object:
		return "CAST(map(), 'Map(String, String)')"
	default:
		return "''"
	}
}

// takes reports whether a Parquet column of an engine's type may hold the kind.
// Text is read as what it says, and refused row by row.
func (k kind) takes(engineType string) bool {
	t := engineType
	for _, wrapper := range []string{"Nullable(", "LowCardinality("} {
		if inner, ok := strings.CutPrefix(t, wrapper); ok {
			t = strings.TrimSuffix(inner, ")")
		}
	}
	allowed := [...][]string{
		text:    {"String", "FixedString", "Enum"},
		money:   {"String", "Int", "UInt", "Float", "Decimal"},
		instant: {"String", "DateTime", "Date"},
		object:  {"String", "Map("},
	}
	return slices.ContainsFunc(allowed[k], func(prefix string) bool { return strings.HasPrefix(t, prefix) })
}

// input is a column that a file may have.
type input struct {
	name     string
	kind     kind
	required bool // a file without it is refused
	filled   bool // and so is a row without a value
}

// layout is a schema of files: what it has, and what of it goes into focus_costs.
type layout struct {
	name    string
	inputs  []input
	outputs func(have func(string) bool) map[string]string // column of focus_costs → expression over v_ and t_ names
	checks  []check                                        // beyond those of each input
}

// check is a condition on rows that must not be met.
type check struct {
	column string // that is blamed
	bad    string // SQL over v_ and t_ names
	says   string
	needs  []string // inputs without which it cannot be made
}

// generated are the columns of focus_costs that no file has.
var generated = []string{"x_ExportName", "x_SchemaVersion", "x_ImportID", "x_File", "x_Row", "x_ImportedAt"}

// columns are those of focus_costs that come from a file, with their kinds.
func columns() []input {
	var list []input
	for field := range reflect.TypeFor[schema.FocusCost]().Fields() {
		name := field.Tag.Get("ch")
		if slices.Contains(generated, name) {
			continue
		}
		in := input{name: name}
		switch field.Type {
		case reflect.TypeFor[decimal.Decimal](), reflect.TypeFor[*decimal.Decimal]():
			in.kind = money
		case reflect.TypeFor[time.Time]():
			in.kind = instant
		case reflect.TypeFor[map[string]string]():
			in.kind = object
		}
		list = append(list, in)
	}
	return list
}

// FOCUS leaves to providers which of these they have; without them a row says
// neither what was used nor by what.
var focusRequired = []string{
	"BilledCost", "BillingAccountId", "BillingCurrency", "BillingPeriodStart", "BillingPeriodEnd", "ChargeCategory",
	"ChargePeriodStart", "ChargePeriodEnd", "ConsumedQuantity", "EffectiveCost", "PricingQuantity", "PricingUnit",
	"RegionId", "ResourceId", "ServiceName", "SkuId", "SubAccountId", "Tags",
}

// focusFilled have a value in every row.
var focusFilled = []string{
	"BilledCost", "BillingAccountId", "BillingCurrency", "BillingPeriodStart", "BillingPeriodEnd", "ChargeCategory",
	"ChargePeriodStart", "ChargePeriodEnd", "EffectiveCost", "ServiceName",
}

// focusSince are columns by which a version of FOCUS is told.
var focusSince = []struct {
	version string
	columns []string
}{
	{"FOCUS 1.2", []string{"InvoiceId", "PricingCurrency", "BillingAccountType", "SubAccountType", "PricingCurrencyEffectiveCost"}},
	{"FOCUS 1.1", []string{"CapacityReservationId", "CapacityReservationStatus", "CommitmentDiscountQuantity", "CommitmentDiscountUnit", "ServiceSubcategory", "SkuMeter", "SkuPriceDetails"}},
}

func focusVersion(have func(string) bool) string {
	for _, v := range focusSince {
		if slices.ContainsFunc(v.columns, have) {
			return v.version
		}
	}
	return "FOCUS 1.0"
}

var categories = []string{"Usage", "Purchase", "Tax", "Credit", "Adjustment"}

func focusLayout(have func(string) bool) layout {
	l := layout{name: focusVersion(have), inputs: columns()}
	for i := range l.inputs {
		in := &l.inputs[i]
		in.required = slices.Contains(focusRequired, in.name)
		in.filled = slices.Contains(focusFilled, in.name)
	}
	l.outputs = func(have func(string) bool) map[string]string {
		out := map[string]string{}
		for _, in := range l.inputs {
			out[in.name] = in.kind.absent()
			if have(in.name) {
				out[in.name] = in.value()
			}
		}
		return out
	}
	l.checks = []check{
		{column: "ChargeCategory", bad: "t_ChargeCategory NOT IN ('', '" + strings.Join(categories, "', '") + "')", says: "is none of " + strings.Join(categories, ", ")},
		{column: "ChargePeriodEnd", bad: "v_ChargePeriodEnd < v_ChargePeriodStart", says: "lies before ChargePeriodStart"},
		{column: "BillingPeriodEnd", bad: "v_BillingPeriodEnd <= v_BillingPeriodStart", says: "is not after BillingPeriodStart"},
	}
	return l
}

// value is the input's value as focus_costs holds it, in a row that was checked.
func (in input) value() string {
	switch {
	case in.kind == text:
		return "t_" + in.name
	case in.filled:
		return "assumeNotNull(v_" + in.name + ")"
	default:
		return "v_" + in.name
	}
}

// typed is the input's value, NULL where its text is none of its kind.
func (in input) typed() string {
	t := "t_" + in.name
	switch in.kind {
	case money:
		return fmt.Sprintf("toDecimal128OrNull(%s, 12)", t)
	case instant:
		p := "p_" + in.name
		return fmt.Sprintf("if(%s LIKE '____-__-__%%' AND (parseDateTime64BestEffortOrNull(%s, 0, 'UTC') AS %s) >= toDateTime64('2000-01-01 00:00:00', 0, 'UTC') AND %s < toDateTime64('2100-01-01 00:00:00', 0, 'UTC'), toDateTime(%s, 'UTC'), NULL)", t, t, p, p, p)
	case object:
		return fmt.Sprintf("if(%s = '', '{}', %s)::String AS j_%s, JSONExtract(j_%s, 'Map(String, String)')", t, t, in.name, in.name)
	default:
		return t
	}
}

// faults are the checks that every input has.
func (in input) faults() []check {
	var list []check
	if in.filled {
		list = append(list, check{column: in.name, bad: "t_" + in.name + " = ''", says: "is empty"})
	}
	switch in.kind {
	case money, instant:
		list = append(list, check{column: in.name, bad: fmt.Sprintf("t_%s != '' AND isNull(v_%s)", in.name, in.name), says: "is not " + in.kind.String()})
	case object:
		list = append(list, check{column: in.name, bad: fmt.Sprintf("NOT (startsWith(j_%s, '{') AND isValidJSON(j_%s))", in.name, in.name), says: "is not a JSON object"})
	default:
	}
	return list
}
