package chdb

import (
	"fmt"
	"math"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"github.com/shopspring/decimal"
)

// hardStrings are texts that a splice into SQL, a C string or an escape would
// change.
func hardStrings() map[string]string {
	return map[string]string{
		"plain":         "plain",
		"empty":         "",
		"quotes":        `'single' "double" ` + "`back`",
		"backslashes":   `\ \\ \' \N \0 \x41 \`,
		"blanks":        "tab\tcr\rlf\nnull\x00end",
		"leading NUL":   "\x00x",
		"emoji":         "🐝 ünï𝄞 日本",
		"placeholder":   "{a:String} ? $1 @name :x",
		"sql":           "'; DROP TABLE t; --",
		"comment":       "/* */ -- #",
		"heredoc":       "$$x$$",
		"not UTF-8":     "\xff\xfe\x80",
		"long":          strings.Repeat("ab'\\", 50_000),
		"looks like...": "Code: 60. DB::Exception: x\r\n__exception__\r\n",
	}
}

// A string given as a parameter comes back as it was, selected and inserted.
func TestStringParameters(t *testing.T) {
	t.Parallel()
	db := database(t)
	mustExec(t, db, "CREATE TABLE t (name String, s String) ENGINE = MergeTree ORDER BY name")
	for name, s := range hardStrings() {
		t.Run(name, func(t *testing.T) {
			ctx := clickhouse.Context(t.Context(), clickhouse.WithParameters(clickhouse.Parameters{"name": name, "s": escapeParameter(s)}))
			var got string
			if err := db.QueryRow(ctx, "SELECT {s:String}").Scan(&got); err != nil {
				t.Fatal(err)
			}
			if got != s {
				t.Errorf("selected %q, want %q", clip(got), clip(s))
			}
			for _, insert := range []string{"INSERT INTO t SELECT {name:String}, {s:String}", "INSERT INTO t VALUES ({name:String}, {s:String})"} {
				if err := db.Exec(ctx, insert); err != nil {
					t.Fatalf("%s: %v", insert, err)
				}
			}
			var same, all uint64
			if err := db.QueryRow(ctx, "SELECT countIf(s = {s:String}), count() FROM t WHERE name = {name:String}").Scan(&same, &all); err != nil {
				t.Fatal(err)
			}
			if same != 2 || all != 2 {
				t.Errorf("%d of %d inserted rows hold the text", same, all)
			}
		})
	}
}

// escapeParameter writes a String as ClickHouse reads a parameter's value: in
// TabSeparated's escapes. It is what a client owes any ClickHouse server.
func escapeParameter(s string) string {
	return strings.NewReplacer(`\`, `\\`, "\t", `\t`, "\n", `\n`, "\r", `\r`, "\x00", `\0`).Replace(s)
}

func clip(s string) string {
	if len(s) > 60 {
		return s[:60] + "…"
	}
	return s
}

// A parameter of each type comes back as the same value.
func TestTypedParameters(t *testing.T) {
	t.Parallel()
	db := database(t)
	cases := []struct{ typ, value, want string }{
		{"UInt64", "18446744073709551615", "18446744073709551615"},
		{"Int256", "-57896044618658097711785492504343953926634992332820282019728792003956564819968", "-57896044618658097711785492504343953926634992332820282019728792003956564819968"},
		{"Float64", "0.1", "0.1"},
		{"Bool", "true", "true"},
		{"Nullable(String)", `\N`, `\N`},
		{"Nullable(Int32)", "7", "7"},
		{"Date", "2026-11-23", "2026-11-23"},
		{"DateTime", "2026-11-23 01:02:03", "2026-11-23 01:02:03"},
		{"DateTime64(3)", "2026-11-23 01:02:03.004", "2026-11-23 01:02:03.004"},
		{"DateTime64(9, 'Asia/Tokyo')", "2026-11-23 01:02:03.000000004", "2026-11-23 01:02:03.000000004"},
		{"Decimal(38, 12)", "123456789012345678901234.000000000001", "123456789012345678901234.000000000001"},
		{"UUID", "61f0c404-5cb3-11e7-907b-a6006ad3dba0", "61f0c404-5cb3-11e7-907b-a6006ad3dba0"},
		{"IPv4", "192.0.2.1", "192.0.2.1"},
		{"IPv6", "2001:db8::1", "2001:db8::1"},
		{"LowCardinality(String)", "us-east-1", "us-east-1"},
		{"Enum8('a' = 1, 'b' = 2)", "b", "b"},
		{"Array(String)", `['a\'b','',  'é']`, `['a\'b','','é']`},
		{"Array(Array(UInt8))", "[[1,2],[]]", "[[1,2],[]]"},
		{"Array(DateTime64(3))", "['2026-11-23 01:02:03.004']", "['2026-11-23 01:02:03.004']"},
		{"Map(String, UInt64)", "{'a':1,'b':2}", "{'a':1,'b':2}"},
		{"Tuple(String, Nullable(UInt8))", "('x',NULL)", "('x',NULL)"},
	}
	for _, c := range cases {
		t.Run(c.typ, func(t *testing.T) {
			ctx := clickhouse.Context(t.Context(), clickhouse.WithParameters(clickhouse.Parameters{"v": c.value}))
			var got, typ string
			query := fmt.Sprintf("SELECT formatRow('TabSeparated', {v:%s}), toTypeName({v:%s})", c.typ, c.typ)
			if err := db.QueryRow(ctx, query).Scan(&got, &typ); err != nil {
				t.Fatal(err)
			}
			if got = strings.TrimSuffix(got, "\n"); got != strings.ReplaceAll(c.want, `\'`, `\'`) {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
	err := db.QueryRow(t.Context(), "SELECT {missing:String}").Err()
	if got := exceptionCode(err); got != 456 {
		t.Errorf("a missing parameter: %v", err)
	}
}

// everyType is a row of the types a store could want.
type everyType struct {
	String    string             `ch:"c_string"`
	Low       string             `ch:"c_low"`
	Null      *string            `ch:"c_null"`
	Bool      bool               `ch:"c_bool"`
	Int       int64              `ch:"c_int"`
	Uint      uint64             `ch:"c_uint"`
	Float     float64            `ch:"c_float"`
	Date      time.Time          `ch:"c_date"`
	Time      time.Time          `ch:"c_time"`
	Milli     time.Time          `ch:"c_milli"`
	Nano      time.Time          `ch:"c_nano"`
	Decimal   decimal.Decimal    `ch:"c_decimal"`
	UUID      uuid.UUID          `ch:"c_uuid"`
	Address   netip.Addr         `ch:"c_address"`
	Enum      string             `ch:"c_enum"`
	Strings   []string           `ch:"c_strings"`
	Nested    [][]uint32         `ch:"c_nested"`
	Map       map[string]float64 `ch:"c_map"`
	Tuple     []any              `ch:"c_tuple"`
	LowArray  []string           `ch:"c_low_array"`
	NullTimes []*time.Time       `ch:"c_null_times"`
}

const everyTypeDDL = `CREATE TABLE t (
	c_string String, c_low LowCardinality(String), c_null Nullable(String), c_bool Bool, c_int Int64, c_uint UInt64,
	c_float Float64, c_date Date32, c_time DateTime, c_milli DateTime64(3), c_nano DateTime64(9), c_decimal Decimal(38, 12),
	c_uuid UUID, c_address IPv6, c_enum Enum8('a' = 1, 'b' = 2), c_strings Array(String), c_nested Array(Array(UInt32)),
	c_map Map(String, Float64), c_tuple Tuple(String, UInt8), c_low_array Array(LowCardinality(String)),
	c_null_times Array(Nullable(DateTime))
) ENGINE = MergeTree ORDER BY c_int`

func everyTypeRows() []everyType {
	at := time.Date(2026, 11, 23, 1, 2, 3, 0, time.UTC)
	var rows []everyType
	for _, s := range hardStrings() {
		rows = append(rows, everyType{
			String: s, Low: s, Null: &s, Bool: true, Int: int64(len(rows)), Uint: math.MaxUint64, Float: 0.1,
			Date: time.Date(1925, 1, 2, 0, 0, 0, 0, time.UTC), Time: at, Milli: at.Add(4 * time.Millisecond), Nano: at.Add(5 * time.Nanosecond),
			Decimal: decimal.RequireFromString("-12345678901234567890.000000000001"), UUID: uuid.MustParse("61f0c404-5cb3-11e7-907b-a6006ad3dba0"),
			Address: netip.MustParseAddr("2001:db8::1"), Enum: "b", Strings: []string{s, "", "x"}, Nested: [][]uint32{{1, 2}, {}},
			Map: map[string]float64{"a": math.Inf(1), s: -1}, Tuple: []any{s, uint8(7)}, LowArray: []string{"l", s}, NullTimes: []*time.Time{nil, &at},
		})
	}
	rows = append(rows, everyType{
		Int: -1, Strings: []string{}, Nested: [][]uint32{}, Map: map[string]float64{}, Tuple: []any{"", uint8(0)}, LowArray: []string{},
		NullTimes: []*time.Time{}, Enum: "a", Address: netip.MustParseAddr("::"), Date: at.Truncate(24 * time.Hour), Time: at, Milli: at, Nano: at,
	})
	return rows
}

// Rows of every type, inserted as a batch, are selected as they were.
func TestRowsOfEveryType(t *testing.T) {
	t.Parallel()
	db := database(t)
	mustExec(t, db, everyTypeDDL)
	want := everyTypeRows()
	batch, err := db.PrepareBatch(t.Context(), "INSERT INTO t")
	if err != nil {
		t.Fatal(err)
	}
	for i := range want {
		if err := batch.AppendStruct(&want[i]); err != nil {
			t.Fatal(err)
		}
	}
	if err := batch.Send(); err != nil {
		t.Fatal(err)
	}
	var got []everyType
	if err := db.Select(t.Context(), &got, "SELECT * FROM t ORDER BY (c_int < 0, c_int)"); err != nil {
		t.Fatal(err)
	}
	equal := cmp.Options{
		cmp.Comparer(func(a, b decimal.Decimal) bool { return a.Equal(b) }),
		cmp.Comparer(func(a, b netip.Addr) bool { return a == b }),
	}
	if diff := cmp.Diff(want, got, equal); diff != "" {
		t.Error(clip(diff), diff)
	}
}
