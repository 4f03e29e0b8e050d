package storetest

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/shopspring/decimal"

	"github.com/faaswarden/faaswarden/internal/schema"
	"github.com/faaswarden/faaswarden/internal/store"
)

// nasty is what text columns must carry unharmed.
const nasty = "it's \"q\" \\ back\tslash\r\nline {x:String} ? $1 @a \x00 🔥 Ω \\N"

// columnTypes maps column to engine type, which decides how fine a time may be.
type columnTypes map[string]string

// filled is a row of the type of like with every field set; n tells rows apart.
func filled(like schema.Row, types columnTypes, n int) schema.Row {
	v := reflect.New(reflect.TypeOf(like)).Elem()
	for field, value := range v.Fields() {
		column := field.Tag.Get("ch")
		value.Set(fieldValue(field.Type, column, types[column], n))
	}
	return v.Interface().(schema.Row)
}

// zeroRow is how a row without any field set comes back.
func zeroRow(like schema.Row) schema.Row {
	v := reflect.New(reflect.TypeOf(like)).Elem()
	for field, value := range v.Fields() {
		if field.Type == reflect.TypeFor[time.Time]() {
			value.Set(reflect.ValueOf(time.Unix(0, 0).UTC()))
		}
	}
	return v.Interface().(schema.Row)
}

func fieldValue(t reflect.Type, column, kind string, n int) reflect.Value {
	text := fmt.Sprintf("%s %d %s", column, n, nasty)
	switch t {
	case reflect.TypeFor[string]():
		return reflect.ValueOf(text)
	case reflect.TypeFor[[]string]():
		return reflect.ValueOf([]string{text, "", nasty})
	case reflect.TypeFor[[]float64]():
		return reflect.ValueOf([]float64{0.05 * float64(n+1), 0, -1e300})
	case reflect.TypeFor[map[string]string]():
		return reflect.ValueOf(map[string]string{text: nasty, "": "empty key", "k": ""})
	case reflect.TypeFor[map[string]float64]():
		return reflect.ValueOf(map[string]float64{text: 0.05 * float64(n+1), "": -1e300})
	case reflect.TypeFor[time.Time]():
		return reflect.ValueOf(instant(kind, n))
	case reflect.TypeFor[decimal.Decimal]():
		return reflect.ValueOf(amount(kind, n))
	case reflect.TypeFor[bool]():
		return reflect.ValueOf(true)
	case reflect.TypeFor[float64]():
		return reflect.ValueOf(-1234567.000001 * float64(n+1))
	}
	if t.Kind() == reflect.Pointer {
		p := reflect.New(t.Elem())
		p.Elem().Set(fieldValue(t.Elem(), column, kind, n))
		return p
	}
	v := reflect.New(t).Elem()
	if v.CanUint() {
		v.SetUint(^uint64(0)>>(64-t.Bits()) - uint64(n))
	} else {
		v.SetInt(-1<<(t.Bits()-1) + int64(n))
	}
	return v
}

// instant is as fine as the column's type holds.
func instant(kind string, n int) time.Time {
	at := time.Date(2026, 2, 28, 23, 59, 58, 987_000_000, time.UTC).AddDate(0, 0, n)
	switch {
	case strings.HasPrefix(kind, "DateTime64"):
		return at
	case strings.HasPrefix(kind, "DateTime"):
		return at.Truncate(time.Second)
	default:
		return at.Truncate(24 * time.Hour)
	}
}

// amount uses every decimal place of the column's type.
func amount(kind string, n int) decimal.Decimal {
	var precision, scale int32
	if _, err := fmt.Sscanf(strings.TrimPrefix(kind, "Nullable("), "Decimal(%d, %d)", &precision, &scale); err != nil {
		panic(fmt.Sprintf("column type %q is no Decimal(precision, scale)", kind))
	}
	return decimal.New(-98765432101234567, -scale).Sub(decimal.New(int64(n), -scale))
}

// Fill writes n rows into every table of a store, and one that has nothing set.
func Fill(t testing.TB, s *store.Store, n int) {
	t.Helper()
	own := suite{s}
	for _, like := range schema.RowTypes() {
		rows := []schema.Row{like}
		types := own.types(t, like.Table())
		for i := range n {
			rows = append(rows, filled(like, types, i))
		}
		if err := s.Insert(t.Context(), rows...); err != nil {
			t.Fatal(err)
		}
	}
}
