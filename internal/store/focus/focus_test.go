package focus_test

import (
	"compress/gzip"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/faaswarden/faaswarden/internal/store"
	"github.com/faaswarden/faaswarden/internal/store/focus"
	"github.com/faaswarden/faaswarden/internal/store/storetest"
)

const sample = "testdata/focus_1.0.csv"

// imported imports files of one export, which must succeed.
func imported(t *testing.T, s *store.Store, at time.Time, paths ...string) *focus.Result {
	t.Helper()
	r, err := attempt(t, s, at, paths...)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func attempt(t *testing.T, s *store.Store, at time.Time, paths ...string) (*focus.Result, error) {
	t.Helper()
	o := focus.Options{Export: "test", Now: func() time.Time { return at }}
	for _, path := range paths {
		o.Files = append(o.Files, focus.File{Path: path, Name: filepath.Base(path)})
	}
	return focus.Import(t.Context(), s, o)
}

// value asks the store for one value.
func value(t *testing.T, s *store.Store, sql string) string {
	t.Helper()
	type row struct {
		V string `ch:"v"`
	}
	list, err := store.SelectAll[row](t.Context(), s, sql, nil)
	if err != nil || len(list) != 1 {
		t.Fatalf("%s: %v, %v", sql, list, err)
	}
	return list[0].V
}

// file writes a file of the test's own.
func file(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func sampleText(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(sample)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

var noon = time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)

func TestImportOfASample(t *testing.T) {
	s := storetest.Open(t)
	r := imported(t, s, noon, sample)
	if r.Rows != 4 || len(r.Imports) != 1 || r.Imports[0].BillingAccountID != "1234567890123" || r.Imports[0].SchemaVersion != "FOCUS 1.0" || r.Imports[0].SHA256 == "" {
		t.Errorf("result: %+v", r)
	}
	const want = "4 0.0000329198 1234567890123 2024-09-01 00:00:00 us-west-2"
	got := value(t, s, `SELECT concat(toString(count()), ' ', toString(sum(BilledCost)), ' ', any(BillingAccountId), ' ', toString(any(BillingPeriodStart)), ' ', max(RegionId)) AS v FROM focus_costs_current`)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("stored (-want +got):\n%s", diff)
	}
}

// A later import replaces, correction and all; another export stays beside it.
func TestReimportReplaces(t *testing.T) {
	s := storetest.Open(t)
	imported(t, s, noon, sample)
	corrected := file(t, "again.csv", strings.Replace(sampleText(t), "0.00000080000", "0.50000080000", 1))
	r := imported(t, s, noon.Add(time.Hour), corrected)
	if r.Rows != 4 {
		t.Errorf("rows: %d", r.Rows)
	}
	for sql, want := range map[string]string{
		"SELECT toString(count()) AS v FROM focus_costs_current":         "4",
		"SELECT toString(count()) AS v FROM focus_costs":                 "4",
		"SELECT toString(sum(BilledCost)) AS v FROM focus_costs_current": "0.5000329198",
		"SELECT toString(count()) AS v FROM focus_imports FINAL":         "2",
	} {
		if got := value(t, s, sql); got != want {
			t.Errorf("%s: %s, want %s", sql, got, want)
		}
	}
}

func TestFormatsTellTheSame(t *testing.T) {
	s := storetest.Open(t)
	packed := filepath.Join(t.TempDir(), "sample.csv.gz")
	out, err := os.Create(packed)
	if err != nil {
		t.Fatal(err)
	}
	w := gzip.NewWriter(out)
	if _, err := w.Write([]byte(sampleText(t))); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if err := out.Close(); err != nil {
		t.Fatal(err)
	}
	parquet := parquetOf(t, s)
	const sum = "SELECT concat(toString(count()), ' ', toString(sum(BilledCost)), ' ', toString(sum(EffectiveCost)), ' ', toString(groupArray(Tags))) AS v FROM (SELECT * FROM focus_costs_current ORDER BY x_Row)"
	var sums []string
	for i, path := range []string{sample, packed, parquet} {
		imported(t, s, noon.Add(time.Duration(i)*time.Hour), path)
		sums = append(sums, value(t, s, sum))
	}
	if sums[0] != sums[1] || sums[0] != sums[2] {
		t.Errorf("CSV, packed CSV and Parquet: %q", sums)
	}
}

// parquetOf is the sample as Parquet, its columns as text as CSV has them.
func parquetOf(t *testing.T, s *store.Store) string {
	t.Helper()
	dir := t.TempDir()
	path := filepath.Join(dir, "sample.parquet")
	from, err := filepath.Abs(sample)
	if err != nil {
		t.Fatal(err)
	}
	header, _, _ := strings.Cut(sampleText(t), "\n")
	var structure, columns []string
	for name := range strings.SplitSeq(strings.ReplaceAll(strings.TrimSpace(header), `"`, ""), ",") {
		structure = append(structure, name+" String")
		columns = append(columns, fmt.Sprintf("nullIf(%s, 'NULL') AS %s", name, name))
	}
	sql := fmt.Sprintf("INSERT INTO FUNCTION file('%s', 'Parquet') SELECT %s FROM file('%s', 'CSVWithNames', '%s') SETTINGS prefer_column_name_to_alias = 1",
		path, strings.Join(columns, ", "), from, strings.Join(structure, ", "))
	if err := s.Exec(t.Context(), sql, nil); err != nil {
		t.Fatal(err)
	}
	return path
}

// A bad file imports nothing, also of the good file beside it, and says what is
// wrong where.
func TestBadFiles(t *testing.T) {
	s := storetest.Open(t)
	good := sampleText(t)
	lines := strings.SplitAfter(good, "\n")
	parquet, err := os.ReadFile(parquetOf(t, s))
	if err != nil {
		t.Fatal(err)
	}
	replaced := func(old, next string) string {
		if !strings.Contains(good, old) {
			t.Fatalf("the sample has no %q", old)
		}
		return strings.Replace(good, old, next, 1)
	}
	for _, tt := range []struct {
		name, file, text string
		says             []string
		alone            bool // beside another file it is fine
	}{
		{"a column is missing", "a.csv", replaced(`"BilledCost"`, `"BiledCost"`), []string{"a.csv", "column BilledCost is missing", "remedy: export FOCUS"}, false},
		{"a cost is no number", "b.csv", replaced("0.00000080000", "eighty"), []string{"b.csv", "row 3: column BilledCost", `"eighty"`}, false},
		{"a date is none", "c.csv", replaced(`"2024-09-24 16:00:00"`, `"yesterday"`), []string{"c.csv", "row 2: column ChargePeriodStart", `"yesterday"`}, false},
		{"a row is too short", "d.csv", strings.Join(lines[:3], "") + "1,2,3\n", []string{"d.csv", "row 3", "it has 3 of", "is missing"}, false},
		{"a quote is not closed", "e.csv", good + `"open`, []string{"e.csv", "row 5"}, false},
		{"it is empty", "f.csv", "", []string{"f.csv", "it is empty"}, false},
		{"it has no row", "g.csv", lines[0], []string{"the files hold no row"}, true},
		{"it is something else", "h.csv", "a,b\n1,2\n", []string{"h.csv", "neither those of FOCUS nor of CUR 2.0"}, false},
		{"it is a legacy report", "i.csv", "lineItem/UnblendedCost,lineItem/LineItemType\n1,Usage\n", []string{"legacy Cost and Usage Report"}, false},
		{"Parquet is cut short", "j.parquet", string(parquet[:len(parquet)/2]), []string{"j.parquet", "it is cut short at byte"}, false},
		{"Parquet is no Parquet", "k.parquet", good, []string{"k.parquet", "it does not start with PAR1"}, false},
		{"the packed file is cut short", "l.csv.gz", "\x1f\x8b\x08\x00\x00", []string{"l.csv.gz"}, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			files := []string{sample, file(t, tt.file, tt.text)}
			if tt.alone {
				files = files[1:]
			}
			_, err := attempt(t, s, noon, files...)
			if err == nil || !strings.HasPrefix(err.Error(), "nothing was imported: ") {
				t.Fatalf("error: %v", err)
			}
			for _, text := range tt.says {
				if !strings.Contains(err.Error(), text) {
					t.Errorf("the error lacks %q:\n%v", text, err)
				}
			}
			for _, table := range []string{"focus_costs", "focus_imports"} {
				if n := value(t, s, "SELECT toString(count()) AS v FROM "+table); n != "0" {
					t.Errorf("%s rows in %s", n, table)
				}
			}
		})
	}
}

// cur is a small CUR 2.0 export: use on demand, use that a Savings Plan covers,
// its negation, and tax.
const cur = `bill_payer_account_id,bill_billing_period_start_date,bill_billing_period_end_date,line_item_usage_account_id,line_item_usage_start_date,line_item_usage_end_date,line_item_line_item_type,line_item_product_code,line_item_unblended_cost,line_item_currency_code,line_item_usage_type,line_item_usage_amount,line_item_resource_id,product_region_code,product_sku,pricing_unit,resource_tags,savings_plan_savings_plan_effective_cost
111122223333,2026-10-01T00:00:00Z,2026-11-01T00:00:00Z,444455556666,2026-10-01T00:00:00Z,2026-10-01T01:00:00Z,Usage,AWSLambda,1.50,USD,Lambda-GB-Second,90000,arn:aws:lambda:us-east-1:444455556666:function:a,us-east-1,SKU1,Lambda-GB-Second,"{""user_owner"":""payments""}",
111122223333,2026-10-01T00:00:00Z,2026-11-01T00:00:00Z,444455556666,2026-10-01T01:00:00Z,2026-10-01T02:00:00Z,SavingsPlanCoveredUsage,AWSLambda,2.00,USD,Lambda-GB-Second,120000,arn:aws:lambda:us-east-1:444455556666:function:b,us-east-1,SKU1,Lambda-GB-Second,{},1.66
111122223333,2026-10-01T00:00:00Z,2026-11-01T00:00:00Z,444455556666,2026-10-01T01:00:00Z,2026-10-01T02:00:00Z,SavingsPlanNegation,AWSLambda,-2.00,USD,Lambda-GB-Second,120000,,us-east-1,SKU1,Lambda-GB-Second,{},
111122223333,2026-10-01T00:00:00Z,2026-11-01T00:00:00Z,444455556666,2026-10-01T00:00:00Z,2026-11-01T00:00:00Z,Tax,AWSLambda,0.30,USD,,0,,,,,{},
`

func TestCURInTheColumnsOfFOCUS(t *testing.T) {
	s := storetest.Open(t)
	r := imported(t, s, noon, file(t, "cur.csv", cur))
	if r.Rows != 4 || r.Imports[0].SchemaVersion != "CUR 2.0" {
		t.Errorf("result: %+v", r)
	}
	got := value(t, s, `SELECT arrayStringConcat(groupArray(concat(ChargeCategory, ' ', toString(BilledCost), ' ', toString(EffectiveCost), ' ', Tags['user_owner'])), '; ') AS v
FROM (SELECT * FROM focus_costs_current ORDER BY x_Row)`)
	want := "Usage 1.5 1.5 payments; Usage 2 1.66 ; Usage -2 0 ; Tax 0.3 0.3 "
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("rows (-want +got):\n%s", diff)
	}
	_, err := attempt(t, s, noon.Add(time.Hour), file(t, "cur.csv", strings.Replace(cur, ",1.66\n", ",\n", 1)))
	if err == nil || !strings.Contains(err.Error(), "row 2: column savings_plan_savings_plan_effective_cost is empty in a line of type SavingsPlanCoveredUsage") {
		t.Errorf("covered use without its cost: %v", err)
	}
}

// Steps are told in order, so that a person who waits sees them.
func TestProgress(t *testing.T) {
	s := storetest.Open(t)
	var stages []string
	_, err := focus.Import(t.Context(), s, focus.Options{
		Export: "test", Files: []focus.File{{Path: sample, Name: "sample.csv"}},
		Progress: func(p focus.Step) {
			stages = append(stages, fmt.Sprintf("%s %s %d/%d", p.Stage, p.File, p.Done, p.Total))
		},
	})
	want := []string{"check sample.csv 0/1", "check  1/1", "import sample.csv 0/1", "import  1/1"}
	if err != nil || !slices.Equal(stages, want) {
		t.Errorf("%q, %v", stages, err)
	}
}
