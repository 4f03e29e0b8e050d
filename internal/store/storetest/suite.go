package storetest

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	gocmp "github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/faaswarden/faaswarden/internal/schema"
	"github.com/faaswarden/faaswarden/internal/store"
)

// Run checks that a store, however it is reached, keeps what package store
// promises. open returns an empty store; it is called once.
func Run(t *testing.T, open func(t *testing.T) *store.Store) {
	t.Helper()
	s := suite{open(t)}
	for _, c := range []struct {
		name string
		run  func(*testing.T)
	}{
		{"every row type comes back as it went in", s.roundTrip},
		{"a newer version replaces an older", s.versions},
		{"views drop what a complete reading did not see again", s.goneRows},
		{"the better source of tags wins", s.tags},
		{"parameters of every kind", s.params},
		{"a parameter is never read as SQL", s.hostileParams},
		{"NULL in and out", s.nulls},
		{"errors carry ClickHouse's code", s.errors},
		{"an error after the first rows reaches the reader", s.lateError},
		{"a context that ends stops the statement", s.cancel},
		{"closing early does not read on", s.closeEarly},
		{"inserts of nothing", s.emptyInsert},
		{"inserts that cannot be right are refused", s.badInserts},
		{"inserts from eight goroutines", s.concurrentInserts},
		{"an insert of more than one batch", s.largeInsert},
		{"a sink and its cursors", s.sinkAndState},
		{"raw results in a format", s.raw},
		{"what the store says of itself", s.itself},
	} {
		t.Run(c.name, c.run)
	}
}

type suite struct{ *store.Store }

// epoch is an instant the tests count from.
var epoch = time.Date(2026, 10, 1, 0, 0, 0, 0, time.UTC)

func (s suite) insert(t *testing.T, rows ...schema.Row) {
	t.Helper()
	if err := s.Insert(t.Context(), rows...); err != nil {
		t.Fatal(err)
	}
}

// all reads every row of a query.
func all[T any](t testing.TB, s suite, sql string, params map[string]any) []T {
	t.Helper()
	var list []T
	for row, err := range store.Select[T](t.Context(), s.Store, sql, params) {
		if err != nil {
			t.Fatalf("%s: %v", sql, err)
		}
		list = append(list, row)
	}
	return list
}

type count struct {
	N uint64 `ch:"n"`
}

func (s suite) count(t *testing.T, from string, params map[string]any) uint64 {
	t.Helper()
	return all[count](t, s, "SELECT count() AS n FROM "+from, params)[0].N
}

func (s suite) types(t testing.TB, table string) columnTypes {
	t.Helper()
	type column struct {
		Name string `ch:"name"`
		Type string `ch:"type"`
	}
	types := columnTypes{}
	for _, c := range all[column](t, s, "SELECT name, type FROM system.columns WHERE database = {d:String} AND table = {t:String}", map[string]any{"d": s.Database(), "t": table}) {
		types[c.Name] = c.Type
	}
	return types
}

// read scans every row of a table into values of like's type.
func (s suite) read(t *testing.T, like schema.Row) []any {
	t.Helper()
	rows, err := s.Query(t.Context(), "SELECT * FROM "+like.Table()+" FINAL", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close() //nolint:errcheck // Err tells what went wrong.
	var list []any
	for rows.Next() {
		row := reflect.New(reflect.TypeOf(like))
		if err := rows.ScanStruct(row.Interface()); err != nil {
			t.Fatal(err)
		}
		list = append(list, row.Elem().Interface())
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return list
}

// anyOrder compares lists of rows as sets, times as instants, and an empty list or map as none.
var anyOrder = gocmp.Options{
	cmpopts.SortSlices(func(a, b any) bool { return fmt.Sprintf("%+v", a) < fmt.Sprintf("%+v", b) }),
	cmpopts.EquateEmpty(),
}

// roundTrip also writes a row of nothing: an unset time is the epoch, everything
// else is its zero value.
func (s suite) roundTrip(t *testing.T) {
	for _, like := range schema.RowTypes() {
		t.Run(like.Table(), func(t *testing.T) {
			types := s.types(t, like.Table())
			want := []any{zeroRow(like)}
			s.insert(t, like)
			for n := range 3 {
				row := filled(like, types, n)
				s.insert(t, row)
				want = append(want, row)
			}
			if diff := gocmp.Diff(want, s.read(t, like), anyOrder); diff != "" {
				t.Errorf("rows differ (-written +read):\n%s", diff)
			}
		})
	}
}

func (s suite) versions(t *testing.T) {
	name := func(account string) string {
		type row struct {
			Name string `ch:"function_name"`
		}
		rows := all[row](t, s, "SELECT function_name FROM functions_current WHERE account = {a:String}", map[string]any{"a": account})
		if len(rows) != 1 {
			t.Fatalf("%d versions of one function are current, want 1", len(rows))
		}
		return rows[0].Name
	}
	at := func(account, name string, after time.Duration) schema.Function {
		return schema.Function{Account: account, FunctionARN: "arn", Version: "$LATEST", FunctionName: name, CollectedAt: epoch.Add(after)}
	}
	s.insert(t, at("forward", "old", 0))
	s.insert(t, at("forward", "new", time.Millisecond))
	s.insert(t, at("backward", "new", time.Hour))
	s.insert(t, at("backward", "late arrival", 0))
	s.insert(t, at("together", "old", 0), at("together", "new", time.Hour), at("together", "older", -time.Hour))
	for _, account := range []string{"forward", "backward", "together"} {
		if got := name(account); got != "new" {
			t.Errorf("%s: current is %q, want the newest", account, got)
		}
	}
}

// shrinking are the row types whose views drop rows of resources that are gone.
func shrinking() []schema.Row {
	return []schema.Row{
		schema.Function{},
		schema.Alias{},
		schema.ProvisionedConcurrency{},
		schema.EventSourceMapping{},
		schema.EventInvokeConfig{},
		schema.Queue{},
		schema.RoleStatement{},
		schema.Subnet{},
		schema.SecurityGroup{},
		schema.SecurityGroupRule{},
		schema.Route{},
		schema.NATGateway{},
		schema.VPCEndpoint{},
		schema.NetworkInterface{},
		schema.AccountLimits{},
		schema.Edge{},
		schema.LogGroup{},
		schema.LogMetricFilter{},
		schema.LogAccountPolicy{},
		schema.Alarm{},
		schema.AlarmMetric{},
		schema.AnomalyDetector{},
		schema.SamplingRule{},
		schema.DeploymentGroup{},
		schema.InspectorStatus{},
		schema.InspectorCoverage{},
		schema.InspectorFindings{},
		schema.ServiceQuota{},
	}
}

// kindFields are the fields that tell the kind of a reading, by table.
func kindFields() map[string]string {
	return map[string]string{"edges": "SourceKind", "log_account_policies": "PolicyType", "service_quotas": "ServiceCode"}
}

func (s suite) goneRows(t *testing.T) {
	const account = "gone-rows"
	for _, like := range shrinking() {
		table := like.Table()
		kindField, kind := kindFields()[table], ""
		if kindField != "" {
			kind = "s3"
		}
		put := func(region string, n int, at time.Time) {
			row := reflect.New(reflect.TypeOf(like)).Elem()
			row.Set(reflect.ValueOf(filled(like, s.types(t, table), n)))
			row.FieldByName("Account").SetString(account)
			row.FieldByName("Region").SetString(region)
			row.FieldByName("CollectedAt").Set(reflect.ValueOf(at))
			if kind != "" {
				row.FieldByName(kindField).SetString(kind)
			}
			s.insert(t, row.Interface().(schema.Row))
		}
		current := func() uint64 {
			return s.count(t, table+"_current WHERE account = {a:String} AND startsWith(region, 'r')", map[string]any{"a": account})
		}
		put("r1", 1, epoch) // seen once, then gone
		put("r2", 2, epoch) // its region is never read wholly
		if got := current(); got != 2 {
			t.Errorf("%s: %d rows before anything was read wholly, want 2", table, got)
		}
		later := epoch.Add(time.Hour)
		put("r1", 3, later)
		s.insert(t, schema.Completion{Collector: "c", Account: account, Region: "r1", TableName: table, Kind: kind, CollectedAt: later})
		want := uint64(2) // the row of r2 and the one seen again
		if table == "account_limits" {
			want = 2 // one row a region: the newer replaced the older
		}
		if got := current(); got != want {
			t.Errorf("%s: %d rows are current after a complete reading, want %d", table, got, want)
		}
		s.insert(t, schema.Completion{Collector: "c", Account: account, Region: "r1", TableName: table, Kind: "another kind", CollectedAt: later.Add(time.Hour)})
		if got := current(); got != want {
			t.Errorf("%s: a completion of another kind left %d rows, want %d", table, got, want)
		}
	}
}

func (s suite) tags(t *testing.T) {
	const listing, own, config = "tag:GetResources", "lambda:ListTags", "lambda:GetFunction"
	row := func(arn, source, status string, after time.Duration, tags map[string]string) schema.ResourceTags {
		return schema.ResourceTags{Account: "tags", Region: "r", ResourceARN: arn, Source: source, Status: status, Detail: source + " " + status, Tags: tags, CollectedAt: epoch.Add(after)}
	}
	team := func(v string) map[string]string { return map[string]string{"team": v} }
	s.insert(t,
		row("own beats a newer listing", own, "read", 0, team("own")),
		row("own beats a newer listing", listing, "read", time.Hour, team("listing")),
		row("a denial hides nothing", own, "denied", time.Hour, nil),
		row("a denial hides nothing", listing, "read", 0, team("listing")),
		row("the newer of two own", own, "read", 0, team("old")),
		row("the newer of two own", config, "read", time.Minute, team("new")),
		row("nothing was read", own, "denied", 0, nil),
		row("nothing was read", listing, "throttled", time.Minute, nil),
		row("read and untagged", own, "read", 0, nil),
		row("read and untagged", listing, "read", -time.Hour, team("removed since")),
		row("no longer listed", listing, "read", -48*time.Hour, team("gone")),
	)
	s.insert(t, schema.Completion{Collector: "tags", Account: "tags", Region: "r", TableName: "resource_tags", Kind: listing, CollectedAt: epoch.Add(-24 * time.Hour)})
	type current struct {
		ARN    string            `ch:"resource_arn"`
		Status string            `ch:"status"`
		Source string            `ch:"source"`
		Tags   map[string]string `ch:"tags"`
	}
	got := all[current](t, s, "SELECT resource_arn, status, source, tags FROM tags_current WHERE account = 'tags' ORDER BY resource_arn", nil)
	want := []current{
		{"a denial hides nothing", "read", listing, team("listing")},
		{"nothing was read", "throttled", "", nil},
		{"own beats a newer listing", "read", own, team("own")},
		{"read and untagged", "read", own, nil},
		{"the newer of two own", "read", config, team("new")},
	}
	if diff := gocmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("tags_current (-want +got):\n%s", diff)
	}
}

func (s suite) params(t *testing.T) {
	at := time.Date(2026, 3, 29, 1, 30, 0, 0, time.FixedZone("elsewhere", 5*3600))
	fine := at.Add(123 * time.Millisecond)
	for _, c := range []struct {
		placeholder string
		value       any
		want        string // as the engine prints it
	}{
		{"String", "plain", "plain"},
		{"String", "", ""},
		{"String", nasty, nasty},
		{"String", "NULL", "NULL"},
		{"Nullable(String)", nil, "∅"},
		{"Array(String)", []string{"a", nasty, ""}, "a|" + nasty + "|"},
		{"Array(String)", []string{}, ""},
		{"Array(String)", []string(nil), ""},
		{"Int64", int64(math.MinInt64), "-9223372036854775808"},
		{"Int64", 42, "42"},
		{"UInt64", uint64(math.MaxUint64), "18446744073709551615"},
		{"UInt32", uint32(7), "7"},
		{"Float64", 0.1, "0.1"},
		{"Float64", -1e300, "-1e300"},
		{"Float64", int64(3), "3"},
		{"Bool", true, "true"},
		{"Bool", false, "false"},
		{"UInt8", true, "1"},
		{"DateTime", at, "2026-03-28 20:30:00"},
		{"DateTime('UTC')", at, "2026-03-28 20:30:00"},
		{"DateTime64(3, 'UTC')", fine, "2026-03-28 20:30:00.123"},
		{"DateTime64(3, 'UTC')", at, "2026-03-28 20:30:00.000"},
		{"DateTime('UTC')", time.Unix(3600, 0), "1970-01-01 01:00:00"},
		{"Date", at, "2026-03-28"},
		{"UInt32", 90 * time.Minute, "5400"},
		{"Float64", 1500 * time.Millisecond, "1.5"},
		{"Decimal(38, 12)", "123456789.000000000001", "123456789.000000000001"},
	} {
		text := "toString({v:" + c.placeholder + "})"
		switch {
		case strings.HasPrefix(c.placeholder, "Array"):
			text = "arrayStringConcat({v:Array(String)}, '|')"
		case strings.HasPrefix(c.placeholder, "Nullable"):
			text = "ifNull({v:Nullable(String)}, '∅')"
		}
		type row struct {
			Text string `ch:"text"`
		}
		params := map[string]any{"v": c.value, "unused": "a parameter the statement does not name"}
		for got, err := range store.Select[row](t.Context(), s.Store, "SELECT "+text+" AS text", params) {
			if err != nil {
				t.Errorf("{v:%s} = %#v: %v", c.placeholder, c.value, err)
			} else if got.Text != c.want {
				t.Errorf("{v:%s} = %#v reads %q, want %q", c.placeholder, c.value, got.Text, c.want)
			}
		}
	}
}

func (s suite) hostileParams(t *testing.T) {
	for _, value := range []string{
		"' OR 1=1 --", "'; DROP TABLE functions; --", "{other:String}", "\\' OR 1 --", "x' UNION ALL SELECT 'y", "/*", "$$", "`",
	} {
		got := s.count(t, "numbers(3) WHERE toString(number) = {v:String}", map[string]any{"v": value, "other": "1"})
		if got != 0 {
			t.Errorf("the value %q matched %d rows, want 0", value, got)
		}
	}
	if _, err := s.Query(t.Context(), "SELECT {v:String}", map[string]any{"v": struct{}{}}); err == nil {
		t.Error("a value of an unknown type was bound")
	}
	if _, err := s.Query(t.Context(), "SELECT 1", map[string]any{"no name": 1}); err == nil {
		t.Error("a parameter with a blank in its name was bound")
	}
	if _, err := s.Query(t.Context(), "SELECT {v:DateTime}", map[string]any{"v": epoch.Add(time.Millisecond)}); err == nil {
		t.Error("a fraction of a second was bound to a DateTime")
	}
}

func (s suite) nulls(t *testing.T) {
	five := int64(5)
	s.insert(t,
		schema.EventSourceMapping{Account: "nulls", UUID: "1", CollectedAt: epoch},
		schema.EventSourceMapping{Account: "nulls", UUID: "2", MaximumConcurrency: &five, CollectedAt: epoch},
	)
	type row struct {
		UUID string `ch:"uuid"`
		Max  *int64 `ch:"maximum_concurrency"`
	}
	got := all[row](t, s, "SELECT uuid, maximum_concurrency FROM event_source_mappings FINAL WHERE account = 'nulls' ORDER BY uuid", nil)
	if diff := gocmp.Diff([]row{{"1", nil}, {"2", &five}}, got); diff != "" {
		t.Errorf("nullable column (-want +got):\n%s", diff)
	}
	yes := true
	s.insert(t, schema.ReportDay{Account: "nulls", FunctionARN: "1"}, schema.ReportDay{Account: "nulls", FunctionARN: "2", InitBilled: &yes})
	if got := s.count(t, "reports_daily FINAL WHERE account = 'nulls' AND init_billed IS NULL", nil); got != 1 {
		t.Errorf("%d rows have no init_billed, want 1", got)
	}
	type aggregate struct {
		Max *int64 `ch:"m"`
	}
	if got := all[aggregate](t, s, "SELECT max(maximum_concurrency) AS m FROM event_source_mappings WHERE account = 'nobody'", nil); got[0].Max != nil {
		t.Errorf("the maximum of nothing is %d, want NULL", *got[0].Max)
	}
}

// code is the ClickHouse error code in err, or 0.
func code(err error) int32 {
	if exception, ok := errors.AsType[*clickhouse.Exception](err); ok {
		return exception.Code
	}
	return 0
}

func (s suite) errors(t *testing.T) {
	for _, c := range []struct {
		sql  string
		want int32
	}{
		{"SELEC 1", 62},
		{"SELECT * FROM no_such_table", 60},
		{"SELECT * FROM no_such_database.t", 81},
		{"SELECT no_such_column FROM functions", 47},
		{"SELECT no_such_function(1)", 46},
		{"SELECT {missing:String}", 456},
		{"SELECT toUInt8('x')", 6},
		{"SELECT throwIf(1, 'on purpose')", 395},
	} {
		rows, err := s.Query(t.Context(), c.sql, nil)
		if err == nil {
			for rows.Next() {
			}
			err = errors.Join(rows.Err(), rows.Close())
		}
		if got := code(err); got != c.want {
			t.Errorf("%s: code %d (%v), want %d", c.sql, got, err, c.want)
		}
	}
	var late error
	for _, err := range store.Select[count](t.Context(), s.Store, "SELECT 1 AS another_name", nil) {
		late = err
	}
	if late == nil || !strings.Contains(late.Error(), "another_name") {
		t.Errorf("scanning into a struct without the column: %v, want an error that names it", late)
	}
}

func (s suite) lateError(t *testing.T) {
	const sql = "SELECT number AS n FROM system.numbers WHERE NOT ignore(throwIf(number = 500000, 'late on purpose'))"
	var seen uint64
	var failed error
	for row, err := range store.Select[count](t.Context(), s.Store, sql, nil) {
		if err != nil {
			failed = err
			break
		}
		seen = row.N
	}
	if got := code(failed); got != 395 || seen == 0 {
		t.Errorf("after %d rows: code %d (%v), want 395 after some rows", seen, got, failed)
	}
}

func (s suite) cancel(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	for _, err := range store.Select[count](ctx, s.Store, "SELECT count() AS n FROM system.numbers WHERE NOT ignore(sipHash64(number))", nil) {
		if err == nil {
			t.Error("an endless query returned a row")
		} else if !errors.Is(err, context.DeadlineExceeded) && code(err) != 159 && code(err) != 394 {
			t.Errorf("the query ended with %v, want the context's deadline", err)
		}
	}
	gone, stop := context.WithCancel(t.Context())
	stop()
	if err := s.Insert(gone, schema.Function{Account: "cancel"}); !errors.Is(err, context.Canceled) {
		t.Errorf("an insert under a cancelled context: %v, want context.Canceled", err)
	}
	if err := s.Exec(gone, "SELECT 1", nil); !errors.Is(err, context.Canceled) {
		t.Errorf("a statement under a cancelled context: %v, want context.Canceled", err)
	}
	if got := s.count(t, "functions WHERE account = 'cancel'", nil); got != 0 {
		t.Errorf("the cancelled insert left %d rows", got)
	}
}

// closeEarly would run for hours if Close read on to the end.
func (s suite) closeEarly(t *testing.T) {
	for range 5 {
		for _, err := range store.Select[count](t.Context(), s.Store, "SELECT number AS n FROM system.numbers", nil) {
			if err != nil {
				t.Fatal(err)
			}
			break
		}
	}
	rows, err := s.Query(t.Context(), "SELECT number AS n FROM system.numbers", nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := rows.Close(); err != nil {
		t.Errorf("closing unread rows: %v", err)
	}
	if got := s.count(t, "numbers(10)", nil); got != 10 {
		t.Errorf("the next query counts %d, want 10", got)
	}
}

func (s suite) emptyInsert(t *testing.T) {
	s.insert(t)
	if err := s.Insert(t.Context(), []schema.Row{}...); err != nil {
		t.Error(err)
	}
	sink := s.Sink(store.SinkOptions{})
	if err := sink.Put(t.Context()); err != nil {
		t.Error(err)
	}
	if err := sink.Flush(t.Context()); err != nil {
		t.Error(err)
	}
	if sink.Written() != 0 {
		t.Errorf("an empty sink wrote %d rows", sink.Written())
	}
}

// stray is a row of a table the schema does not have.
type stray struct {
	Account string `ch:"account"`
}

func (stray) Table() string { return "no_such_table" }

// misfit has a column its table does not have.
type misfit struct {
	Other string `ch:"no_such_column"`
}

func (misfit) Table() string { return "functions" }

func (s suite) badInserts(t *testing.T) {
	far := time.Date(9999, 12, 31, 0, 0, 0, 0, time.UTC)
	var none *schema.Function
	for _, c := range []struct {
		name string
		row  schema.Row
		want string
	}{
		{"an unknown table", stray{}, "no table no_such_table"},
		{"an unknown column", misfit{}, "no column no_such_column"},
		{"a date beyond Date", schema.Price{Item: "bad", ValidTo: far}, "valid_to"},
		{"a time beyond DateTime", schema.MetricPoint{Account: "bad", TS: far}, "ts"},
		{"a time before DateTime", schema.MetricPoint{Account: "bad", TS: time.Unix(-1, 0)}, "ts"},
		{"a time beyond DateTime64", schema.Function{Account: "bad", CollectedAt: far}, "collected_at"},
		{"a nil row", none, "nil"},
		{"no row at all", nil, "nil"},
	} {
		if err := s.Insert(t.Context(), c.row); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want an error with %q", c.name, err, c.want)
		}
	}
	if got := s.count(t, "functions WHERE account = 'bad'", nil) + s.count(t, "metric_points WHERE account = 'bad'", nil) + s.count(t, "prices WHERE item = 'bad'", nil); got != 0 {
		t.Errorf("refused rows left %d rows", got)
	}
	s.insert(t, &schema.Function{Account: "by pointer", FunctionARN: "x"})
	if got := s.count(t, "functions WHERE account = 'by pointer'", nil); got != 1 {
		t.Errorf("a row given by pointer: %d rows, want 1", got)
	}
}

func points(account string, n int) []schema.Row {
	rows := make([]schema.Row, n)
	for i := range rows {
		rows[i] = schema.MetricPoint{
			Account: account, Region: "us-east-1", Namespace: "AWS/Lambda", Metric: "Invocations", Stat: "Sum",
			Resource: fmt.Sprintf("arn:aws:lambda:us-east-1:123456789012:function:f%d", i%200), PeriodS: 3600,
			TS: epoch.Add(time.Duration(i/200) * time.Hour), Value: float64(i), CollectedAt: epoch,
		}
	}
	return rows
}

func (s suite) concurrentInserts(t *testing.T) {
	const writers, batches, size = 8, 5, 200
	var group sync.WaitGroup
	faults := make(chan error, writers*batches)
	for w := range writers {
		group.Go(func() {
			for b := range batches {
				rows := points(fmt.Sprintf("concurrent-%d-%d", w, b), size)
				rows = append(rows, schema.Function{Account: "concurrent", FunctionARN: fmt.Sprint(w, b), CollectedAt: epoch})
				faults <- s.Insert(t.Context(), rows...)
			}
		})
	}
	group.Wait()
	close(faults)
	for err := range faults {
		if err != nil {
			t.Error(err)
		}
	}
	if got := s.count(t, "metric_points FINAL WHERE startsWith(account, 'concurrent-')", nil); got != writers*batches*size {
		t.Errorf("%d points are stored, want %d", got, writers*batches*size)
	}
	if got := s.count(t, "functions_current WHERE account = 'concurrent'", nil); got != writers*batches {
		t.Errorf("%d functions are stored, want %d", got, writers*batches)
	}
}

func (s suite) largeInsert(t *testing.T) {
	const n = 200_500
	s.insert(t, points("large", n)...)
	type sums struct {
		Rows  uint64  `ch:"rows"`
		Total float64 `ch:"total"`
	}
	got := all[sums](t, s, "SELECT count() AS rows, sum(value) AS total FROM metric_points FINAL WHERE account = 'large'", nil)
	want := []sums{{n, n * (n - 1) / 2}}
	if diff := gocmp.Diff(want, got); diff != "" {
		t.Errorf("a large insert (-want +got):\n%s", diff)
	}
	var read int
	for _, err := range store.Select[schema.MetricPoint](t.Context(), s.Store, "SELECT * FROM metric_points WHERE account = 'large'", nil) {
		if err != nil {
			t.Fatal(err)
		}
		read++
	}
	if read != n {
		t.Errorf("read %d rows back, want %d", read, n)
	}
}

func (s suite) sinkAndState(t *testing.T) {
	sink := s.Sink(store.SinkOptions{})
	state := s.State("collector", "sink", "r", sink)
	if got, err := state.Load(t.Context(), "cursor"); got != "" || err != nil {
		t.Errorf("an unknown cursor is %q, %v; want empty", got, err)
	}
	if err := sink.Put(t.Context(), append(points("sink", 300), schema.Function{Account: "sink", FunctionARN: "x"})...); err != nil {
		t.Fatal(err)
	}
	if err := state.Save(t.Context(), "cursor", "first"); err != nil {
		t.Fatal(err)
	}
	if got := s.count(t, "metric_points FINAL WHERE account = 'sink'", nil); got != 300 {
		t.Errorf("%d points are stored once a cursor is saved, want 300", got)
	}
	if sink.Written() != 301 || sink.Buffered() != 0 {
		t.Errorf("the sink says %d written and %d buffered, want 301 and 0", sink.Written(), sink.Buffered())
	}
	for _, value := range []string{"second", nasty, "last"} { // faster than a millisecond
		if err := state.Save(t.Context(), "cursor", value); err != nil {
			t.Fatal(err)
		}
		if got, err := state.Load(t.Context(), "cursor"); got != value || err != nil {
			t.Errorf("the cursor is %q, %v; want %q", got, err, value)
		}
	}
	other := s.State("collector", "sink", "another region", sink)
	if got, err := other.Load(t.Context(), "cursor"); got != "" || err != nil {
		t.Errorf("another region's cursor is %q, %v; want empty", got, err)
	}
}

func (s suite) raw(t *testing.T) {
	for _, c := range []struct{ sql, format, want string }{
		{"SELECT number AS n, toString(number) AS s FROM numbers(2)", "JSONEachRow", "{\"n\":0,\"s\":\"0\"}\n{\"n\":1,\"s\":\"1\"}\n"},
		{"SELECT 1 AS a, 'x,\"y' AS b;", "CSV", "1,\"x,\"\"y\"\n"},
		{"SELECT 1 AS a, {p:String} AS b", "TSV", "1\tit\\'s\n"},
		{"SELECT 1 AS a FORMAT CSV;", "", "1\n"},
	} {
		got, err := s.rawText(t.Context(), c.sql, c.format)
		if c.format == "JSONEachRow" { // whether 64-bit numbers are quoted is the server's choice
			got = strings.NewReplacer(`"0",`, `0,`, `"1",`, `1,`).Replace(got)
		}
		if err != nil || got != c.want {
			t.Errorf("%s as %s: %q, %v; want %q", c.sql, c.format, got, err, c.want)
		}
	}
	if _, err := s.rawText(t.Context(), "SELECT * FROM no_such_table", "CSV"); code(err) != 60 {
		t.Errorf("a raw query of an unknown table: %v, want code 60", err)
	}
	if _, err := s.rawText(t.Context(), "SELECT 1", "CSV; DROP"); err == nil {
		t.Error("a format that is no name was accepted")
	}
	for _, sql := range []string{"INSERT INTO functions (account) VALUES ('raw')", "DROP TABLE functions", "CREATE TABLE x (a Int8) ENGINE = Memory"} {
		if _, err := s.rawText(t.Context(), sql, "TSV"); err == nil {
			t.Errorf("%s was run by a raw query", sql)
		}
	}
	if got := s.count(t, "functions WHERE account = 'raw'", nil); got != 0 {
		t.Error("a raw query inserted")
	}
}

func (s suite) rawText(ctx context.Context, sql, format string) (string, error) {
	r, err := s.QueryRaw(ctx, sql, map[string]any{"p": "it's"}, format)
	if err != nil {
		return "", err
	}
	defer r.Close() //nolint:errcheck // ReadAll tells what went wrong.
	text, err := io.ReadAll(r)
	return string(text), err
}

func (s suite) itself(t *testing.T) {
	if v := s.Version(); !strings.Contains(v, ".") {
		t.Errorf("version is %q", v)
	}
	if s.Address() == "" || strings.Contains(s.Address(), "@") {
		t.Errorf("address is %q, want one without credentials", s.Address())
	}
	relations, err := schema.Relations()
	if err != nil {
		t.Fatal(err)
	}
	type table struct {
		Name string `ch:"name"`
	}
	var got []string
	for _, r := range all[table](t, s, "SELECT name FROM system.tables WHERE database = {d:String}", map[string]any{"d": s.Database()}) {
		got = append(got, r.Name)
	}
	slices.SortFunc(got, cmp.Compare[string])
	for _, want := range relations {
		if _, ok := slices.BinarySearch(got, want); !ok {
			t.Errorf("the store lacks %s", want)
		}
	}
}
