package costs

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/shopspring/decimal"

	"github.com/faaswarden/faaswarden/internal/collect"
	"github.com/faaswarden/faaswarden/internal/collect/collecttest"
	"github.com/faaswarden/faaswarden/internal/schema"
)

var now = time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)

// request is a GetCostAndUsage request as Cost Explorer reads it.
type request struct {
	TimePeriod    struct{ Start, End string }
	Granularity   string
	Metrics       []string
	GroupBy       []struct{ Type, Key string }
	Filter        json.RawMessage
	NextPageToken string
}

// explorer answers GetCostAndUsage from a bill.
type explorer struct {
	bill map[string]map[string]string // day → "service or tag|usage type" → USD
	open string                       // days from here on are estimated
	page int                          // groups in an answer; all when zero
	fail func(r request) *collecttest.Response

	mu       sync.Mutex
	requests []request
}

func (e *explorer) asked() []request {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.Clone(e.requests)
}

func (e *explorer) answer(_ *http.Request, body string) collecttest.Response {
	var in request
	if err := json.Unmarshal([]byte(body), &in); err != nil {
		return collecttest.Response{Err: err}
	}
	e.mu.Lock()
	e.requests = append(e.requests, in)
	e.mu.Unlock()
	if e.fail != nil {
		if resp := e.fail(in); resp != nil {
			return *resp
		}
	}
	skip, sent, more := 0, 0, false
	fmt.Sscanf(in.NextPageToken, "%d", &skip) //nolint:errcheck // a token of our own
	var results []map[string]any
	for at := in.TimePeriod.Start; at < in.TimePeriod.End; at = next(at) {
		groups := []any{}
		for _, name := range slices.Sorted(maps.Keys(e.bill[at])) {
			left, usage, _ := strings.Cut(name, "|")
			isTag := strings.Contains(left, "$")
			if isTag != (in.GroupBy[0].Type == "TAG") {
				continue
			}
			if skip > 0 {
				skip--
				continue
			}
			if e.page > 0 && sent == e.page {
				more = true
				break
			}
			sent++
			groups = append(groups, group(e.bill[at][name], left, usage))
		}
		results = append(results, map[string]any{
			"TimePeriod": map[string]string{"Start": at, "End": next(at)}, "Estimated": at >= e.open, "Groups": groups, "Total": map[string]any{},
		})
		if more {
			break
		}
	}
	out := map[string]any{"ResultsByTime": results, "GroupDefinitions": in.GroupBy}
	if more {
		seen := 0
		fmt.Sscanf(in.NextPageToken, "%d", &seen) //nolint:errcheck // a token of our own
		out["NextPageToken"] = fmt.Sprint(seen + sent)
	}
	return respond(out)
}

func group(usd string, keys ...string) map[string]any {
	amount := map[string]string{"Amount": usd, "Unit": "USD"}
	return map[string]any{"Keys": keys, "Metrics": map[string]any{
		"UnblendedCost": amount, "AmortizedCost": amount, "NetUnblendedCost": amount, "NetAmortizedCost": amount,
		"UsageQuantity": map[string]string{"Amount": "3", "Unit": "Lambda-GB-Second"},
	}}
}

func respond(v any) collecttest.Response {
	body, err := json.Marshal(v)
	if err != nil {
		return collecttest.Response{Err: err}
	}
	return collecttest.Response{Body: string(body)}
}

func next(date string) string {
	at, err := time.Parse(time.DateOnly, date)
	if err != nil {
		panic(err)
	}
	return at.AddDate(0, 0, 1).Format(time.DateOnly)
}

func newRun(t testing.TB, e *explorer, o collecttest.Options) *collecttest.Fixture {
	t.Helper()
	if o.Now.IsZero() {
		o.Now = now
	}
	o.Window = collect.Window{From: o.Now.AddDate(0, 0, -30), To: o.Now}
	o.Wire = collecttest.NewWire(map[string]collecttest.Answer{action: e.answer})
	return collecttest.New(t, Collector, o)
}

// amounts is the bill as the store's readers see it: the newest version of each row.
func amounts(fixtures ...*collecttest.Fixture) map[string]string {
	out := map[string]string{}
	for _, f := range fixtures {
		for _, r := range collecttest.Rows[schema.CostDay](f.Sink) {
			out[fmt.Sprintf("%s %s %s%s %s", r.XGrouping, r.ChargePeriodStart.Format(time.DateOnly), r.ServiceName, r.TagValue, r.XUsageType)] = r.BilledCost.String()
		}
	}
	return out
}

func TestRequestsAndRow(t *testing.T) {
	t.Parallel()
	e := &explorer{open: "2026-11-01", bill: map[string]map[string]string{
		"2026-11-20": {"AWS Lambda|EU-Lambda-GB-Second": "0.1234567890", "owner$shop|EU-Lambda-GB-Second": "0.1"},
	}}
	f := newRun(t, e, collecttest.Options{Region: "eu-west-1"})
	f.Collect(t)

	asked := e.asked()
	if len(asked) != 2 {
		t.Fatalf("%d requests, want one by usage type and one by tag", len(asked))
	}
	for _, r := range asked {
		if r.TimePeriod.Start != "2026-10-01" || r.TimePeriod.End != "2026-11-23" || r.Granularity != "DAILY" || len(r.Metrics) != 5 {
			t.Errorf("asked %+v", r)
		}
	}
	if got := fmt.Sprint(asked[0].GroupBy, asked[1].GroupBy); got != "[{DIMENSION SERVICE} {DIMENSION USAGE_TYPE}] [{TAG owner} {DIMENSION USAGE_TYPE}]" {
		t.Errorf("grouped by %s", got)
	}
	if got := string(asked[0].Filter); !strings.Contains(got, "LINKED_ACCOUNT") || strings.Contains(got, "SERVICE") {
		t.Errorf("all services of the account are asked for with %s", got)
	}
	if got := string(asked[1].Filter); !strings.Contains(got, `"AWS Lambda"`) {
		t.Errorf("tags are asked for with %s", got)
	}

	dec := decimal.RequireFromString
	row := schema.CostDay{
		SubAccountId: "123456789012", RegionId: "eu-west-1", ServiceName: "AWS Lambda", XGrouping: "usage_type", XUsageType: "EU-Lambda-GB-Second",
		ChargePeriodStart: time.Date(2026, 11, 20, 0, 0, 0, 0, time.UTC), ChargePeriodEnd: time.Date(2026, 11, 21, 0, 0, 0, 0, time.UTC),
		BillingCurrency: "USD", BilledCost: dec("0.123456789"), EffectiveCost: dec("0.123456789"), XNetUnblendedCost: dec("0.123456789"),
		XNetAmortizedCost: dec("0.123456789"), ConsumedQuantity: dec("3"), ConsumedUnit: "Lambda-GB-Second", XEstimated: true, CollectedAt: now,
	}
	byTag := row
	byTag.XGrouping, byTag.TagValue = "tag:owner", "shop"
	byTag.BilledCost, byTag.EffectiveCost, byTag.XNetUnblendedCost, byTag.XNetAmortizedCost = dec("0.1"), dec("0.1"), dec("0.1"), dec("0.1")
	got := collecttest.Rows[schema.CostDay](f.Sink)
	slices.SortFunc(got, func(a, b schema.CostDay) int { return strings.Compare(b.XGrouping, a.XGrouping) })
	if diff := cmp.Diff([]schema.CostDay{row, byTag}, got); diff != "" {
		t.Errorf("rows (-want +got):\n%s", diff)
	}
	if len(f.Completions()) != 1 || len(f.Gaps()) != 0 {
		t.Errorf("completions %v, gaps %v", f.Completions(), f.Gaps())
	}
}

// Cost Explorer is in one region, whichever region a run is at home in.
func TestEndpoint(t *testing.T) {
	t.Parallel()
	var host string
	e := &explorer{}
	f := newRun(t, e, collecttest.Options{Region: "ap-southeast-2"})
	f.AWS.HTTPClient = collecttest.NewWire(map[string]collecttest.Answer{action: func(r *http.Request, body string) collecttest.Response {
		host = r.Host + r.URL.Host
		return e.answer(r, body)
	}})
	f.Collect(t)
	if !strings.Contains(host, "us-east-1") {
		t.Errorf("asked %s", host)
	}
	if got := collect.BillingRegion("aws-cn"); got != "cn-northwest-1" {
		t.Errorf("in China: %s", got)
	}
}

// Days are read again until AWS says that they are final, and not after.
func TestEstimatedDaysAreReadAgain(t *testing.T) {
	t.Parallel()
	e := &explorer{open: "2026-11-20", bill: map[string]map[string]string{
		"2026-11-10": {"AWS Lambda|Request": "1"}, "2026-11-22": {"AWS Lambda|Request": "2"},
	}}
	first := newRun(t, e, collecttest.Options{})
	first.Collect(t)

	e.bill["2026-11-22"]["AWS Lambda|Request"] = "2.5"
	e.open = "2026-11-23"
	second := newRun(t, e, collecttest.Options{Now: now.AddDate(0, 0, 1), State: first.State.Values()})
	second.Collect(t)
	if got := e.asked()[2].TimePeriod; got.Start != "2026-11-20" || got.End != "2026-11-24" {
		t.Errorf("second run asked for %+v", got)
	}
	if got := amounts(first, second)["usage_type 2026-11-22 AWS Lambda Request"]; got != "2.5" {
		t.Errorf("the restated day is %s", got)
	}

	third := newRun(t, e, collecttest.Options{Now: now, State: second.State.Values()})
	third.Collect(t)
	if n := len(e.asked()); n != 4 {
		t.Errorf("%d requests: days that are final were asked for again", n)
	}
	if len(third.Completions()) != 1 {
		t.Error("a run with nothing left to read is not complete")
	}
}

// A restatement can move all of a group's cost elsewhere. The group's old row
// must not be counted beside the new one.
func TestVanishedGroupBecomesZero(t *testing.T) {
	t.Parallel()
	e := &explorer{open: "2026-11-01", bill: map[string]map[string]string{
		"2026-11-21": {"owner$|Request": "3", "owner$shop|Request": "1", "AWS Lambda|Request": "4"},
		"2026-11-22": {"owner$|Request": "3"},
	}}
	first := newRun(t, e, collecttest.Options{})
	first.Collect(t)
	e.bill["2026-11-21"] = map[string]string{"owner$shop|Request": "4", "AWS Lambda|Request": "4"}
	second := newRun(t, e, collecttest.Options{State: first.State.Values()})
	second.Collect(t)
	want := map[string]string{
		"tag:owner 2026-11-21 AWS Lambda Request": "0", "tag:owner 2026-11-21 AWS Lambdashop Request": "4",
		"tag:owner 2026-11-22 AWS Lambda Request": "3", "usage_type 2026-11-21 AWS Lambda Request": "4",
	}
	if diff := cmp.Diff(want, amounts(first, second)); diff != "" {
		t.Errorf("the bill (-want +got):\n%s", diff)
	}
	third := newRun(t, e, collecttest.Options{State: second.State.Values()})
	third.Collect(t)
	if diff := cmp.Diff([]string{"4", "4", "3"}, billed(third), cmp.Transformer("sort", func(s []string) []string { return slices.Sorted(slices.Values(s)) })); diff != "" {
		t.Errorf("zeroes are written once (-want +got):\n%s", diff)
	}
}

func billed(f *collecttest.Fixture) (list []string) {
	for _, r := range collecttest.Rows[schema.CostDay](f.Sink) {
		list = append(list, r.BilledCost.String())
	}
	return list
}

// Another set of services is another reading: what it leaves out has not vanished.
func TestOtherServicesDoNotVanish(t *testing.T) {
	t.Parallel()
	e := &explorer{open: "2026-11-01", bill: map[string]map[string]string{"2026-11-21": {"AWS Lambda|Request": "4"}}}
	first := newRun(t, e, collecttest.Options{})
	first.Collect(t)
	empty := &explorer{open: "2026-11-01"}
	second := newRun(t, empty, collecttest.Options{State: first.State.Values(), Params: map[string]any{"services": []string{"Amazon SQS"}}})
	second.Collect(t)
	if got := billed(second); len(got) != 0 {
		t.Errorf("rows %v", got)
	}
	if got := string(empty.asked()[0].Filter); !strings.Contains(got, "Amazon SQS") {
		t.Errorf("asked with %s", got)
	}
}

// Every page is read and paid for; days and groups without cost or usage are no rows.
func TestPages(t *testing.T) {
	t.Parallel()
	rates, err := collect.Rates(func(string) (float64, error) { return 0.01, nil })
	if err != nil {
		t.Fatal(err)
	}
	e := &explorer{page: 2, open: "2026-11-01", bill: map[string]map[string]string{
		"2026-11-01": {"AWS Lambda|Request": "1", "AWS Lambda|Lambda-GB-Second": "2", "AmazonCloudWatch|CW:GMD-Metrics": "3"},
		"2026-11-03": {"AWS Lambda|Request": "4", "AWS Lambda|Lambda-GB-Second": "5"},
	}}
	f := newRun(t, e, collecttest.Options{Rates: rates})
	f.Collect(t)
	if got := billed(f); len(got) != 5 {
		t.Errorf("rows %v", got)
	}
	if usd := f.Meter.USD(); usd < 0.0399 || usd > 0.0401 { // three pages by usage type, one by tag
		t.Errorf("billed $%g for %d requests", usd, len(e.asked()))
	}
}

func TestZeroIsNoRow(t *testing.T) {
	t.Parallel()
	e := &explorer{open: "2026-11-01"}
	e.fail = func(r request) *collecttest.Response {
		free := group("0", "AWS Lambda", "Request")
		none := group("0", "AWS Lambda", "Lambda-GB-Second")
		none["Metrics"].(map[string]any)["UsageQuantity"] = map[string]string{"Amount": "0.0", "Unit": "N/A"}
		resp := respond(map[string]any{"ResultsByTime": []any{map[string]any{
			"TimePeriod": map[string]string{"Start": "2026-11-01", "End": "2026-11-02"}, "Groups": []any{free, none},
		}}})
		return &resp
	}
	f := newRun(t, e, collecttest.Options{Params: map[string]any{"tag_keys": []string{}}})
	f.Collect(t)
	rows := collecttest.Rows[schema.CostDay](f.Sink)
	if len(rows) != 1 || rows[0].XUsageType != "Request" {
		t.Errorf("rows %+v: usage without cost is a row, neither is none", rows)
	}
}

// What goes wrong is one gap of its grouping; the other grouping is read.
func TestFailures(t *testing.T) {
	t.Parallel()
	page := func(groups ...map[string]any) *collecttest.Response {
		resp := respond(map[string]any{"ResultsByTime": []any{map[string]any{
			"TimePeriod": map[string]string{"Start": "2026-11-01", "End": "2026-11-02"}, "Groups": groups,
		}}})
		return &resp
	}
	fail := func(status int, code, message string) *collecttest.Response {
		resp := collecttest.Fail("ce", status, code, message)(nil, "")
		return &resp
	}
	broken := group("1", "AWS Lambda", "Request")
	delete(broken["Metrics"].(map[string]any), "NetAmortizedCost")
	for name, test := range map[string]struct {
		resp            *collecttest.Response
		outcome, detail string
	}{
		"denied":         {fail(400, "AccessDeniedException", "not authorized to perform: ce:GetCostAndUsage"), "denied", "not authorized"},
		"not enabled":    {fail(400, "AccessDeniedException", "User not enabled for cost explorer access"), "failed", "open it once in the Billing console"},
		"no data yet":    {fail(400, "DataUnavailableException", "Data is not available. Please try to adjust the time period."), "failed", "within 24 hours"},
		"repeated token": {new(respond(map[string]any{"ResultsByTime": []any{}, "NextPageToken": "again"})), "failed", "token repeats"},
		"no number":      {page(group("a lot", "AWS Lambda", "Request")), "failed", `UnblendedCost "a lot"`},
		"missing metric": {page(broken), "failed", "no NetAmortizedCost"},
		"one key":        {page(group("1", "AWS Lambda")), "failed", "1 keys"},
		"another day": {new(respond(map[string]any{"ResultsByTime": []any{map[string]any{
			"TimePeriod": map[string]string{"Start": "2020-01-01", "End": "2020-01-02"}, "Groups": []any{},
		}}})), "failed", "was not asked for"},
		"no day":    {new(respond(map[string]any{"ResultsByTime": []any{map[string]any{"Groups": []any{}}}})), "failed", "without its day"},
		"html":      {&collecttest.Response{Status: http.StatusNotFound, Body: "<html>proxy</html>"}, "failed", "404"},
		"truncated": {&collecttest.Response{Body: `{"ResultsByTime":[{"Time`}, "failed", "GetCostAndUsage"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := &explorer{open: "2026-11-01", bill: map[string]map[string]string{"2026-11-20": {"owner$shop|Request": "1"}}}
			e.fail = func(r request) *collecttest.Response {
				if r.GroupBy[0].Type == "TAG" {
					return nil
				}
				return test.resp
			}
			f := newRun(t, e, collecttest.Options{})
			f.Collect(t)
			got := f.Gaps()
			if len(got) != 1 || got[0].Outcome != test.outcome || got[0].Kind != "usage_type" || got[0].Action != action || !strings.Contains(got[0].Detail, test.detail) {
				t.Errorf("gaps: %+v", got)
			}
			if rows := amounts(f); len(rows) != 1 || len(f.Completions()) != 0 {
				t.Errorf("rows %v, completions %v", rows, f.Completions())
			}
			if f.State.Values()["costs/usage_type"] != "" || f.State.Values()["costs/tag:owner"] == "" {
				t.Errorf("cursors %v", f.State.Values())
			}
		})
	}
}

func TestContextAndSinkErrorsEndTheRun(t *testing.T) {
	t.Parallel()
	e := &explorer{bill: map[string]map[string]string{"2026-11-20": {"AWS Lambda|Request": "1"}}}
	full := errors.New("disk full")
	f := newRun(t, e, collecttest.Options{})
	f.Sink.PutErr = full
	if err := Collector.Collect(t.Context(), f.Run); !errors.Is(err, full) {
		t.Errorf("with a full disk: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := Collector.Collect(ctx, newRun(t, e, collecttest.Options{}).Run); !errors.Is(err, context.Canceled) {
		t.Errorf("with an ended context: %v", err)
	}
}

// Amounts are decimal from end to end: no binary fraction creeps in.
func TestAmountsAreExact(t *testing.T) {
	t.Parallel()
	for sent, want := range map[string]string{
		"0.1": "0.1", "1E-7": "0.0000001", "123456789012.000000000001": "123456789012.000000000001", "-0.05": "-0.05",
		"0.00000000000049": "0", "0.0000000000005": "0.000000000001",
	} {
		e := &explorer{bill: map[string]map[string]string{"2026-11-20": {"AWS Lambda|Request": sent}}}
		f := newRun(t, e, collecttest.Options{})
		f.Collect(t)
		if got := billed(f); len(got) != 1 || got[0] != want {
			t.Errorf("%s is stored as %v, want %s", sent, got, want)
		}
	}
}

// Net costs that Cost Explorer refuses are asked for once a month; without
// negotiated rates they are the costs themselves.
func TestNetCostsRefused(t *testing.T) {
	t.Parallel()
	e := &explorer{open: "2026-11-01", bill: map[string]map[string]string{"2026-11-20": {"AWS Lambda|Request": "4"}}}
	e.fail = func(r request) *collecttest.Response {
		if slices.Contains(r.Metrics, "NetUnblendedCost") {
			return new(collecttest.Fail("ce", http.StatusBadRequest, "ValidationException", "NetUnblendedCost is not available for this account")(nil, ""))
		}
		return nil
	}
	state := map[string]string{}
	at := func(day int) *collecttest.Fixture {
		f := newRun(t, e, collecttest.Options{State: state, Now: now.AddDate(0, 0, day), Params: map[string]any{"tag_keys": []string{}}})
		f.Collect(t)
		state = f.State.Values()
		if len(f.Gaps()) != 0 {
			t.Errorf("gaps %v", f.Gaps())
		}
		return f
	}
	rows := collecttest.Rows[schema.CostDay](at(0).Sink)
	if len(rows) != 1 || rows[0].XNetUnblendedCost.String() != "4" || rows[0].XNetAmortizedCost.String() != "4" {
		t.Errorf("rows %+v", rows)
	}
	at(1)
	at(29)
	if got := len(e.asked()); got != 4 {
		t.Errorf("%d requests in three runs, want one refused", got)
	}
	at(30)
	if got := len(e.asked()); got != 6 {
		t.Errorf("%d requests after a month, want another one refused", got)
	}
}

// Another validation error is not taken for the refusal of net costs.
func TestOtherValidationErrors(t *testing.T) {
	t.Parallel()
	e := &explorer{}
	e.fail = func(request) *collecttest.Response {
		return new(collecttest.Fail("ce", http.StatusBadRequest, "ValidationException", "Start date is too old")(nil, ""))
	}
	f := newRun(t, e, collecttest.Options{})
	f.Collect(t)
	if len(f.Gaps()) != 2 || len(e.asked()) != 2 || len(f.State.Values()) != 0 {
		t.Errorf("%d requests, gaps %v", len(e.asked()), f.Gaps())
	}
}

func TestRegion(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ service, usageType, want string }{
		{"AWS Lambda", "Lambda-GB-Second", "us-east-1"},
		{"AWS Lambda", "USE1-Lambda-SnapStart-Cached-GB-S", "us-east-1"},
		{"AWS Lambda", "EU-Lambda-GB-Second-ARM", "eu-west-1"},
		{"AWS Lambda", "EUC1-Request", "eu-central-1"},
		{"AWS Lambda", "Lambda-Edge-Request", ""},
		{"AmazonCloudWatch", "USE1-DataProcessing-Bytes", "us-east-1"},
		{"AmazonCloudWatch", "CW:GMD-Metrics", "us-east-1"},
		{"EC2 - Other", "APE1-USE1-AWS-In-Bytes", "ap-east-1"},
		{"EC2 - Other", "NatGateway-Hours", "us-east-1"},
		{"Amazon Route 53", "DNS-Queries", ""},
		{"Amazon CloudFront", "US-Requests-Tier1", ""},
		{"AWS Lambda", "Global-Something", ""},
		{"Tax", "NoUsageType", ""},
		{"AWS Cost Explorer", "USE1-APIRequest", "us-east-1"},
	} {
		if got := region(test.service, test.usageType); got != test.want {
			t.Errorf("%s %s: %q, want %q", test.service, test.usageType, got, test.want)
		}
	}
	seen := map[string]bool{}
	for _, c := range billingCodes {
		if seen[c[0]] {
			t.Errorf("%s is listed twice", c[0])
		}
		seen[c[0]] = true
	}
}

func TestPeriod(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name           string
		from, to, done time.Time
		want           string
	}{
		{"first run: from the previous month", now.AddDate(0, 0, -3), now, time.Time{}, "2026-10-01 to 2026-11-23"},
		{"a longer lookback", now.AddDate(0, 0, -90), now, time.Time{}, "2026-08-25 to 2026-11-23"},
		{"what is final stays unread", now.AddDate(0, 0, -90), now, now.AddDate(0, 0, -2).Truncate(day), "2026-11-21 to 2026-11-23"},
		{"Cost Explorer keeps thirteen months", now.AddDate(-3, 0, 0), now, time.Time{}, "2025-10-01 to 2026-11-23"},
		{"the first of January", now, time.Date(2027, 1, 1, 3, 0, 0, 0, time.UTC), time.Time{}, "2026-11-23 to 2027-01-01"},
	} {
		from, to := period(&collect.Run{Window: collect.Window{From: test.from, To: test.to}}, test.done)
		if got := from.Format(time.DateOnly) + " to " + to.Format(time.DateOnly); got != test.want {
			t.Errorf("%s: %s, want %s", test.name, got, test.want)
		}
	}
}

func TestEstimate(t *testing.T) {
	t.Parallel()
	cost := Collector.Estimate(collect.Inventory{Accounts: 2, Regions: 8, Functions: 1000})
	if usd := cost.Units * 0.01; cost.Unit != "page" || usd < 1.5 || usd > 2.5 {
		t.Errorf("two accounts: %+v, $%.2f a month", cost, usd)
	}
}
