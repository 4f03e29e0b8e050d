package price

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/shopspring/decimal"

	"github.com/faaswarden/faaswarden/internal/schema"
)

func day(text string) time.Time {
	t, err := time.Parse(time.DateOnly, text)
	if err != nil {
		panic(err)
	}
	return t
}

func TestTiers(t *testing.T) {
	t.Parallel()
	b := snapshotBook(t)
	for _, tt := range []struct {
		name, arch, gbs, want string
	}{
		{"nothing", "x86_64", "0", "0"},
		{"within the first tier", "x86_64", "1000000", "16.6667"},
		{"the first tier, full", "x86_64", "6000000000", "100000.2"},
		{"one unit in the second", "x86_64", "6000000001", "100000.200015"},
		{"all of the second", "x86_64", "15000000000", "235000.2"},
		{"one unit in the third", "x86_64", "15000000001", "235000.2000133334"},
		{"arm has borders of its own", "arm64", "7500000001", "100000.5000120001"},
	} {
		got, err := b.USD(GBSecond, "us-east-1", tt.arch, dec(t, tt.gbs), october)
		if err != nil {
			t.Fatalf("%s: %v", tt.name, err)
		}
		if !got.Equal(dec(t, tt.want)) {
			t.Errorf("%s: %s GB-s cost %s, want %s", tt.name, tt.gbs, got, tt.want)
		}
	}
}

func TestNoPrice(t *testing.T) {
	t.Parallel()
	b := snapshotBook(t)
	for _, tt := range []struct {
		name               string
		item, region, arch string
		at                 time.Time
		want               string
	}{
		{"a region without a row", NATHour, "eu-central-1", "", october, "no price of nat.hour in eu-central-1 on 2026-10-15"},
		{"an architecture without a row", ProvisionedGBSecond, "eu-west-1", "arm64", october, "no price of lambda.provisioned_gb_second in eu-west-1, arm64 on 2026-10-15"},
		{"before the snapshot", GBSecond, "us-east-1", "x86_64", day("2025-09-30"), "no price of lambda.gb_second in us-east-1, x86_64 on 2025-09-30"},
		{"an unknown item", "lambda.wishes", "", "", october, "no price of lambda.wishes in no region on 2026-10-15"},
	} {
		_, err := b.USD(tt.item, tt.region, tt.arch, decimal.NewFromInt(1), tt.at)
		var missing *ErrNoPrice
		if !errors.As(err, &missing) {
			t.Errorf("%s: error is %v: want ErrNoPrice", tt.name, err)
			continue
		}
		if missing.Item != tt.item || missing.Region != tt.region || err.Error() != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, err, tt.want)
		}
	}
	if _, err := b.USD(NATHour, "us-east-1", "", decimal.NewFromInt(-1), october); err == nil {
		t.Error("a negative amount has a price")
	}
}

func TestMoreParticularRowWins(t *testing.T) {
	t.Parallel()
	row := func(region, arch, usd string) schema.Price {
		return schema.Price{Item: "x", Region: region, Arch: arch, USD: decimal.RequireFromString(usd), ValidFrom: day("2026-01-01"), ValidTo: Forever}
	}
	b, err := NewBook([]schema.Price{row("", "", "1"), row("", "arm64", "2"), row("us-east-1", "", "3"), row("us-east-1", "arm64", "4")})
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ region, arch, want string }{
		{"eu-west-1", "x86_64", "1"}, {"eu-west-1", "arm64", "2"}, {"us-east-1", "x86_64", "3"}, {"us-east-1", "arm64", "4"},
	} {
		got, err := b.Rate("x", tt.region, tt.arch, october)
		if err != nil {
			t.Fatal(err)
		}
		if got.String() != tt.want {
			t.Errorf("%s, %s: %s, want %s", tt.region, tt.arch, got, tt.want)
		}
	}
}

func TestPricesChangeOnTheirDay(t *testing.T) {
	t.Parallel()
	rows := []schema.Price{
		{Item: "x", USD: decimal.NewFromInt(1), ValidFrom: day("2026-01-01"), ValidTo: day("2026-07-01")},
		{Item: "x", USD: decimal.NewFromInt(2), ValidFrom: day("2026-07-01"), ValidTo: Forever},
	}
	b, err := NewBook(rows)
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		at   time.Time
		want string
	}{{day("2026-07-01").Add(-time.Nanosecond), "1"}, {day("2026-07-01"), "2"}} {
		got, err := b.Rate("x", "anywhere", "", tt.at)
		if err != nil {
			t.Fatal(err)
		}
		if got.String() != tt.want {
			t.Errorf("at %s: %s, want %s", tt.at, got, tt.want)
		}
	}
}

func TestNewBookReportsEveryFault(t *testing.T) {
	t.Parallel()
	_, err := NewBook([]schema.Price{
		{Item: "negative", USD: decimal.NewFromInt(-1), ValidFrom: day("2026-01-01"), ValidTo: Forever},
		{Item: "empty", ValidFrom: day("2026-01-01"), ValidTo: day("2026-01-01")},
		{Item: "twice", Region: "us-east-1", ValidFrom: day("2026-01-01"), ValidTo: Forever},
		{Item: "twice", Region: "us-east-1", ValidFrom: day("2026-05-01"), ValidTo: day("2026-06-01")},
		{Item: "floating", TierFrom: decimal.NewFromInt(5), ValidFrom: day("2026-01-01"), ValidTo: Forever},
	})
	if err == nil {
		t.Fatal("five faulty rows make a book")
	}
	want := []string{
		`price book: negative in "", "": negative: -1 USD from unit 0`,
		`empty in "", "": valid_from 2026-01-01 is not before valid_to 2026-01-01`,
		`twice in "us-east-1", "": two rows from unit 0 are valid on 2026-05-01`,
		`floating in "", "": no tier begins at 0`,
	}
	if diff := cmp.Diff(want, strings.Split(err.Error(), "\n")); diff != "" {
		t.Errorf("faults (-want +got):\n%s", diff)
	}
}

// TestSnapshot holds what callers rely on: every row has a source and a unit,
// every region has all of Lambda's on-demand items, and API items are one row each.
func TestSnapshot(t *testing.T) {
	t.Parallel()
	rows, err := Snapshot()
	if err != nil {
		t.Fatal(err)
	}
	b := snapshotBook(t)
	api := map[string]int{}
	for _, r := range rows {
		if r.Source == "" || r.Unit == "" || !r.USD.IsPositive() {
			t.Errorf("%s in %q lacks a source, a unit or a price: %+v", r.Item, r.Region, r)
		}
		if strings.HasPrefix(r.Item, "api.") {
			api[r.Item]++
		}
		if !strings.HasPrefix(r.Item, "lambda.") {
			continue
		}
		for _, arch := range []string{"x86_64", "arm64"} {
			for _, item := range []string{Request, GBSecond, EphemeralGBSecond} {
				if _, err := b.Rate(item, r.Region, arch, october); err != nil {
					t.Errorf("%v", err)
				}
			}
		}
	}
	want := map[string]int{CostExplorerPage: 1, CloudWatchMetric: 1, CloudWatchRequest: 1, LogsScannedGB: 1}
	if diff := cmp.Diff(want, api); diff != "" {
		t.Errorf("API items (-want +got):\n%s", diff)
	}
}

func TestParseCSVSaysWhere(t *testing.T) {
	t.Parallel()
	head := strings.Join(header, ",") + "\n"
	for _, tt := range []struct{ name, text, want string }{
		{"no header", "", "read the header: EOF"},
		{"another header", "a,b,c,d,e,f,g,h,i\n", "the header is a,b,c,d,e,f,g,h,i: want " + strings.TrimSpace(head)},
		{"a price in words", head + "x,,,0,unit,cheap,2026-01-01,,s\n", "line 2: can't convert cheap to decimal: exponent is not numeric"},
		{"a day that is none", head + "x,,,0,unit,1,2026-02-30,,s\n", `line 2: parsing time "2026-02-30": day out of range`},
		{"a column too few", head + "x,,,0,unit,1,2026-01-01,\n", "record on line 2: wrong number of fields"},
	} {
		_, err := parseCSV(strings.NewReader(tt.text))
		if err == nil || err.Error() != tt.want {
			t.Errorf("%s: error %v, want %s", tt.name, err, tt.want)
		}
	}
}
