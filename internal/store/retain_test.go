package store_test

import (
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/faaswarden/faaswarden/internal/schema"
	"github.com/faaswarden/faaswarden/internal/store"
	"github.com/faaswarden/faaswarden/internal/store/storetest"
)

// inventory is a row of a table that is read wholly: every text of it is name,
// but for its place.
func inventory(like schema.Row, region, name string, at time.Time) schema.Row {
	v := reflect.New(reflect.TypeOf(like)).Elem()
	for _, field := range v.Fields() {
		if field.Kind() == reflect.String {
			field.SetString(name)
		}
	}
	v.FieldByName("Account").SetString("it's 1")
	v.FieldByName("Region").SetString(region)
	v.FieldByName("CollectedAt").Set(reflect.ValueOf(at))
	for _, kind := range []string{"Source", "SourceKind", "PolicyType", "ServiceCode", "Feature"} {
		if f := v.FieldByName(kind); f.IsValid() && like.Table() != "prices" {
			f.SetString("kind")
		}
	}
	return v.Interface().(schema.Row)
}

// Of an inventory, what its newest complete reading saw stays however old, and
// so does all of a region that nobody reads any more.
func TestInventoryThatIsShownStays(t *testing.T) {
	s := storetest.Open(t)
	old, older, recent := daysAgo(450), daysAgo(451), daysAgo(1)
	var rows []schema.Row
	var tables []string
	for _, r := range schema.Retentions {
		if len(r.Scope) == 0 {
			continue
		}
		tables = append(tables, r.Table)
		like := schema.RowTypes()[slices.IndexFunc(schema.RowTypes(), func(row schema.Row) bool { return row.Table() == r.Table })]
		kind := ""
		if len(r.Scope) == 3 {
			kind = "kind"
		}
		complete := func(region, kind string, at time.Time) schema.Row {
			return schema.Completion{Collector: "c", Account: "it's 1", Region: region, TableName: r.Table, Kind: kind, CollectedAt: at}
		}
		rows = append(rows,
			inventory(like, "read", "gone", old), inventory(like, "read", "there", recent), complete("read", kind, recent),
			inventory(like, "left", "last seen", old), inventory(like, "left", "gone before", older), complete("left", kind, old),
			inventory(like, "never read wholly", "seen", old),
			inventory(like, "read by another", "seen", old), complete("read by another", "other kind", recent),
		)
	}
	put(t, s, rows...)
	before := shown(t, s, tables)
	deleted := retain(t, s, today).Deleted
	if diff := cmp.Diff(before, shown(t, s, tables)); diff != "" {
		t.Errorf("what views show (-before +after):\n%s", diff)
	}
	for _, table := range tables {
		replaced := table == "account_limits" || table == "cost_features" // they have one row a region and kind, which a newer replaces
		if n := deleted[table]; n != 1 && !replaced {
			t.Errorf("%s: %d rows are deleted, want the one that is gone", table, n)
		}
	}
}

// shown is how many rows each view of the present has in each region.
func shown(t *testing.T, s *store.Store, tables []string) map[string]uint64 {
	t.Helper()
	type row struct {
		Region string `ch:"region"`
		N      uint64 `ch:"n"`
	}
	all := map[string]uint64{}
	for _, table := range tables {
		view := strings.TrimPrefix(table, "resource_") + "_current"
		for _, r := range rowsOf[row](t, s, "SELECT region, count() AS n FROM "+view+" GROUP BY region ORDER BY region") {
			all[view+" "+r.Region] = r.N
		}
	}
	if len(all) < 3*len(tables) {
		t.Fatalf("the views show too little: %v", all)
	}
	return all
}

// The newest run of everything stays with what belongs to it; older ones go.
func TestRunsThatAreShownStay(t *testing.T) {
	s := storetest.Open(t)
	old, older := daysAgo(500), daysAgo(501)
	put(t, s,
		schema.CollectorRun{RunID: "c-ok", Collector: "tags", StartedAt: older, Outcome: "ok"},
		schema.CollectorRun{RunID: "c-old", Collector: "tags", StartedAt: older.Add(-time.Hour), Outcome: "ok"},
		schema.CollectorRun{RunID: "c-new", Collector: "tags", StartedAt: old, Outcome: "failed", FinishedAt: old},
		schema.CollectorRun{RunID: "d-old", Collector: "costs", StartedAt: old, Outcome: "ok"},
		schema.CollectorRun{RunID: "d-new", Collector: "costs", StartedAt: today, Outcome: "ok"},
	)
	put(t, s,
		schema.EvidenceGap{RunID: "c-new", Collector: "tags", TableName: "resource_tags", CollectedAt: old},
		schema.EvidenceGap{RunID: "d-old", Collector: "costs", TableName: "costs_daily", CollectedAt: old},
	)
	put(t, s,
		schema.AnalyzerRun{RunID: "a-old", Analyzer: "throttles", StartedAt: older, Outcome: "ok"},
		schema.AnalyzerRun{RunID: "a-named", Analyzer: "throttles", StartedAt: older.Add(time.Hour), Outcome: "ok"},
		schema.AnalyzerRun{RunID: "a-ok", Analyzer: "throttles", StartedAt: older.Add(2 * time.Hour), Outcome: "ok"},
		schema.AnalyzerRun{RunID: "a-new", Analyzer: "throttles", StartedAt: old, Outcome: "failed"},
	)
	put(t, s,
		schema.Judgement{RunID: "a-ok", Analyzer: "throttles", Resource: "there", JudgedAt: older.Add(2 * time.Hour)},
		schema.Judgement{RunID: "a-old", Analyzer: "throttles", Resource: "gone", JudgedAt: older},
	)
	put(t, s,
		schema.Measurement{RunID: "a-ok", Analyzer: "throttles", Name: "n", Labels: []string{}, MeasuredAt: older.Add(2 * time.Hour)},
		schema.Measurement{RunID: "a-old", Analyzer: "throttles", Name: "n", Labels: []string{}, MeasuredAt: older},
	)
	put(t, s, schema.APICall{RunID: "c-old", CollectedAt: old}, schema.APICall{RunID: "d-new", CollectedAt: today})
	put(t, s,
		schema.Finding{Fingerprint: "open", Status: "open", RunID: "a-named", UpdatedAt: older},
		schema.Finding{Fingerprint: "resolved", Status: "open", RunID: "a-old", UpdatedAt: older},
	)
	put(t, s, // a version of its own part: deleting it alone would open the finding again
		schema.Finding{Fingerprint: "resolved", Status: "resolved", RunID: "a-ok", UpdatedAt: old},
		schema.Finding{Fingerprint: "again", Status: "resolved", RunID: "a-ok", UpdatedAt: old},
	)
	put(t, s, schema.Finding{Fingerprint: "again", Status: "open", RunID: "a-new", UpdatedAt: today})

	done := retain(t, s, today)
	want := map[string]uint64{
		"collector_runs": 2, "evidence_gaps": 1, "analyzer_runs": 1, "judgements": 1, "measurements": 1, "api_calls": 1, "findings": 2,
	}
	if diff := cmp.Diff(want, done.Deleted); diff != "" {
		t.Errorf("deleted rows (-want +got):\n%s", diff)
	}
	type name struct {
		Name string `ch:"name"`
	}
	for sql, want := range map[string]string{
		"SELECT run_id AS name FROM collector_runs":                             "c-new c-ok d-new",
		"SELECT concat(collector, ' ', run_id) AS name FROM gaps_current":       "tags c-new",
		"SELECT run_id AS name FROM analyzer_runs":                              "a-named a-new a-ok",
		"SELECT resource AS name FROM judgements_current":                       "there",
		"SELECT run_id AS name FROM measurements":                               "a-ok",
		"SELECT concat(fingerprint, ':', status) AS name FROM findings_current": "again:open open:open",
	} {
		var got []string
		for _, r := range rowsOf[name](t, s, sql+" ORDER BY name") {
			got = append(got, r.Name)
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%s: %q, want %q", sql, got, want)
		}
	}
}

// How long is the configuration's to say, by key; the rest have their defaults.
func TestRetentionByKey(t *testing.T) {
	s := storetest.Open(t)
	for _, days := range []int{10, 100, 1000} {
		put(t, s,
			schema.ReportDay{FunctionARN: "f", Day: daysAgo(days)},
			schema.CostDay{ServiceName: "s", ChargePeriodStart: daysAgo(days)},
			schema.MetricRead{Metric: "m", FromTS: daysAgo(days), ToTS: daysAgo(days - 1)},
		)
	}
	done, err := s.Retain(t.Context(), store.RetainOptions{Now: today, Keep: map[string]time.Duration{
		"costs_daily": 40 * 24 * time.Hour, "reports_daily": 1_000_000 * time.Hour,
	}})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]uint64{"costs_daily": 2, "metric_reads": 1}, done.Deleted); diff != "" {
		t.Errorf("deleted (-want +got):\n%s", diff)
	}
}

// One table that fails does not keep the others from being done.
func TestRetentionGoesOn(t *testing.T) {
	s := storetest.Open(t)
	put(t, s, schema.ReportDay{FunctionARN: "f", Day: daysAgo(1000)}, schema.APICall{RunID: "x", CollectedAt: daysAgo(1000)})
	if err := s.Exec(t.Context(), "DROP TABLE reports_daily", nil); err != nil {
		t.Fatal(err)
	}
	done, err := s.Retain(t.Context(), store.RetainOptions{Now: today})
	if err == nil || !strings.Contains(err.Error(), "delete old rows of reports_daily") || strings.Count(err.Error(), "delete old rows") != 1 {
		t.Errorf("without one table: %v", err)
	}
	if got := slices.Collect(maps.Keys(done.Deleted)); !slices.Equal(got, []string{"api_calls"}) {
		t.Errorf("deleted from %v, want api_calls", got)
	}
}
