package awssim

import (
	"cmp"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

// costExplorerService is Cost Explorer: one endpoint in us-east-1, a cent a
// page. AWS publishes no request quota that is known here; five a second is a choice.
func costExplorerService() *service {
	period := param{name: "TimePeriod", required: true}
	resource := func(name string) func(*call) string {
		return func(c *call) string { return c.arn("ce", "/"+name) }
	}
	op := func(name string, run func(*call) (obj, error), params ...param) operation {
		return operation{name: name, billed: "page", run: run, params: params, resource: resource(name)}
	}
	return &service{
		name: "ce", prefix: "ce", protocol: awsJSON11, target: "AWSInsightsIndexService", global: true,
		words: map[failure]wording{
			failThrottled: {status: 400, code: "LimitExceededException"},
			failBadToken:  {status: 400, code: "InvalidNextTokenException"},
		},
		messages: map[failure]string{failThrottled: "You made too many calls in a short period of time. Try again later."},
		quotas:   []quota{{name: "requests", perSecond: 5, burst: 10}},
		operations: []operation{
			op("GetCostAndUsage", getCostAndUsage, period, param{name: "Granularity", required: true},
				param{name: "Metrics", required: true}, param{name: "GroupBy", list: true, max: 2}),
			op("GetTags", getCostTags, period),
			op("GetDimensionValues", getDimensionValues, period, param{name: "Dimension", required: true}),
			op("GetCostAndUsageWithResources", getCostAndUsageWithResources, period, param{name: "Granularity", required: true},
				param{name: "Filter", required: true}, param{name: "GroupBy", list: true, max: 2}),
			op("GetCostForecast", getCostForecast, period, param{name: "Granularity", required: true}, param{name: "Metric", required: true},
				param{name: "PredictionIntervalLevel", min: 51, max: 99}),
			op("GetAnomalyMonitors", getAnomalyMonitors),
			op("GetAnomalySubscriptions", getAnomalySubscriptions),
			op("GetAnomalies", getAnomalies, param{name: "DateInterval", required: true}),
			op("GetSavingsPlansCoverage", getSavingsPlansCoverage, period),
			op("GetSavingsPlansUtilization", getSavingsPlansUtilization, period),
			op("ListCostAllocationTags", listCostAllocationTags, param{name: "MaxResults", min: 1, max: 1000}),
		},
	}
}

// costPage is how many groups a page of GetCostAndUsage holds. AWS does not say;
// pages of about a thousand are seen.
const costPage = 1000

// A costQuery is a decoded GetCostAndUsage request.
type costQuery struct {
	from, to    time.Time
	monthly     bool
	metrics     []string
	groups      []costKey
	keep        func(*BillLine) bool
	granularity string
}

// A costKey is one GroupBy: a dimension or a tag.
type costKey struct {
	tag  bool
	name string
}

// validationf is Cost Explorer's error for a request it does not take.
func validationf(format string, args ...any) *apiError {
	return errorf(400, "ValidationException", format, args...)
}

// costPeriod is the asked time, half-open.
func (c *call) costPeriod() (from, to time.Time, err error) {
	o := c.object("TimePeriod")
	start, _ := o["Start"].(string)
	end, _ := o["End"].(string)
	from, errFrom := time.Parse(time.DateOnly, start)
	to, errTo := time.Parse(time.DateOnly, end)
	switch {
	case errFrom != nil || errTo != nil:
		return from, to, validationf("Start time %s or end time %s is not in the form yyyy-MM-dd", start, end)
	case !from.Before(to):
		return from, to, validationf("Start date (and hour) should be before end date (and hour)")
	case from.Before(firstOfMonth(c.now()).AddDate(0, -13, 0)):
		return from, to, validationf("You haven't enabled historical data beyond 14 months")
	}
	return from, to, nil
}

func firstOfMonth(t time.Time) time.Time {
	return time.Date(t.Year(), t.Month(), 1, 0, 0, 0, 0, time.UTC)
}

// costQuery decodes the request.
func (c *call) costQuery() (costQuery, error) {
	q := costQuery{metrics: c.strings("Metrics"), granularity: c.str("Granularity")}
	var err error
	if q.from, q.to, err = c.costPeriod(); err != nil {
		return q, err
	}
	switch q.granularity {
	case "DAILY":
	case "MONTHLY":
		q.monthly = true
	default:
		return q, validationf("Granularity %s is not available in this account", q.granularity)
	}
	for _, metric := range q.metrics {
		if _, ok := costMetric(metric); !ok {
			return q, validationf("Metric %s is not valid", metric)
		}
		if c.home().ListPrices && strings.HasPrefix(metric, "Net") {
			return q, validationf("%s is not available for this account", metric)
		}
	}
	for _, group := range c.objects("GroupBy") {
		key, err := costKeyOf(group)
		if err != nil {
			return q, err
		}
		q.groups = append(q.groups, key)
	}
	if len(q.metrics) == 0 {
		return q, validationf("Metrics is empty")
	}
	q.keep, err = c.costFilter(c.object("Filter"))
	return q, err
}

func costKeyOf(group obj) (costKey, error) {
	kind, _ := group["Type"].(string)
	name, _ := group["Key"].(string)
	switch {
	case kind == "TAG" && name != "":
		return costKey{tag: true, name: name}, nil
	case kind == "DIMENSION" && isCostDimension(name):
		return costKey{name: name}, nil
	default:
		return costKey{}, validationf("Invalid GroupBy type %s and key %s", kind, name)
	}
}

// costMetric reads one of Cost Explorer's metrics of a line.
func costMetric(name string) (func(Amounts) float64, bool) {
	switch name {
	case "UnblendedCost", "BlendedCost":
		return func(a Amounts) float64 { return a.Unblended }, true
	case "AmortizedCost":
		return func(a Amounts) float64 { return a.Amortized }, true
	case "NetUnblendedCost":
		return func(a Amounts) float64 { return a.NetUnblended }, true
	case "NetAmortizedCost":
		return func(a Amounts) float64 { return a.NetAmortized }, true
	case "UsageQuantity", "NormalizedUsageAmount":
		return func(a Amounts) float64 { return a.Quantity }, true
	default:
		return nil, false
	}
}

func isCostDimension(name string) bool {
	_, ok := (&BillLine{}).dimension(name)
	return ok
}

// dimension is the line's value of a dimension, and whether there is one of that name.
func (l *BillLine) dimension(name string) (string, bool) {
	switch name {
	case "SERVICE":
		return l.Service, true
	case "USAGE_TYPE":
		return l.UsageType, true
	case "REGION":
		return l.Region, true
	case "OPERATION":
		return l.Operation, true
	case "LINKED_ACCOUNT":
		return l.account, true
	case "RESOURCE_ID":
		return l.resource, true
	case "RECORD_TYPE":
		return "Usage", true
	default:
		return "", false
	}
}

// value is the line's key in a group: tags are written as key$value.
func (k costKey) value(l *BillLine) string {
	if k.tag {
		return k.name + "$" + l.Tags[k.name]
	}
	v, _ := l.dimension(k.name)
	if v == "" {
		return "No" + strings.ReplaceAll(strings.ToLower(k.name), "_", "")
	}
	return v
}

// costFilter compiles an Expression.
func (c *call) costFilter(e obj) (func(*BillLine) bool, error) {
	if len(e) == 0 {
		return func(*BillLine) bool { return true }, nil
	}
	if len(e) > 1 {
		return nil, validationf("Expression must have exactly one operator: %v", slices.Sorted(maps.Keys(e)))
	}
	for operator, operand := range e {
		switch operator {
		case "And", "Or":
			return c.costFilters(operator == "And", objects(operand))
		case "Not":
			inner, _ := operand.(obj)
			keep, err := c.costFilter(inner)
			return func(l *BillLine) bool { return !keep(l) }, err
		case "Dimensions", "Tags":
			leaf, _ := operand.(obj)
			return c.costLeaf(operator == "Tags", leaf)
		}
	}
	return nil, validationf("Unknown expression")
}

func (c *call) costFilters(all bool, operands []obj) (func(*BillLine) bool, error) {
	if len(operands) < 2 {
		return nil, validationf("And and Or need at least two operands")
	}
	keeps := make([]func(*BillLine) bool, len(operands))
	for i, operand := range operands {
		keep, err := c.costFilter(operand)
		if err != nil {
			return nil, err
		}
		keeps[i] = keep
	}
	return func(l *BillLine) bool {
		if all {
			return !slices.ContainsFunc(keeps, func(keep func(*BillLine) bool) bool { return !keep(l) })
		}
		return slices.ContainsFunc(keeps, func(keep func(*BillLine) bool) bool { return keep(l) })
	}, nil
}

// costLeaf compares one dimension or tag.
func (c *call) costLeaf(tag bool, leaf obj) (func(*BillLine) bool, error) {
	key, _ := leaf["Key"].(string)
	values, options := stringList(leaf["Values"]), stringList(leaf["MatchOptions"])
	if !tag && !isCostDimension(key) {
		return nil, validationf("Dimension %s is not valid", key)
	}
	fits, err := costMatch(values, options)
	if err != nil {
		return nil, err
	}
	return func(l *BillLine) bool {
		if tag {
			return fits(l.Tags[key])
		}
		v, _ := l.dimension(key)
		return fits(v)
	}, nil
}

// costMatch compiles MatchOptions.
func costMatch(values, options []string) (func(string) bool, error) {
	fold := slices.Contains(options, "CASE_INSENSITIVE")
	compare := func(a, b string) bool { return a == b }
	absent := false
	for _, option := range options {
		switch option {
		case "EQUALS", "CASE_SENSITIVE", "CASE_INSENSITIVE":
		case "STARTS_WITH":
			compare = strings.HasPrefix
		case "ENDS_WITH":
			compare = strings.HasSuffix
		case "CONTAINS":
			compare = strings.Contains
		case "ABSENT":
			absent = true
		default:
			return nil, validationf("Match option %s is not valid", option)
		}
	}
	return func(v string) bool {
		if absent {
			return v == ""
		}
		return slices.ContainsFunc(values, func(want string) bool {
			if fold {
				return compare(strings.ToLower(v), strings.ToLower(want))
			}
			return compare(v, want)
		})
	}, nil
}

// shown is what Cost Explorer shows of a line now: estimates become final on the
// third day after.
func (c *call) shown(l *BillLine) (Amounts, bool) {
	if !l.Estimated {
		return l.Amounts, false
	}
	const settled = 3 * 24 * time.Hour
	if c.server.options.Restate || c.now().Sub(l.Date) >= settled {
		return l.Final, false
	}
	return l.Amounts, true
}

// costBucket is a day or a month of the answer.
type costBucket struct {
	from, to  time.Time
	estimated bool
	groups    map[string]*costGroup
	total     *costGroup
}

// costGroup sums lines of one combination of keys.
type costGroup struct {
	keys    []string
	amounts Amounts
	units   map[string]bool
}

func (g *costGroup) add(a Amounts, unit string) {
	g.amounts.Quantity += a.Quantity
	g.amounts.Unblended += a.Unblended
	g.amounts.Amortized += a.Amortized
	g.amounts.NetUnblended += a.NetUnblended
	g.amounts.NetAmortized += a.NetAmortized
	g.units[unit] = true
}

// metrics is the group as Cost Explorer writes it. Quantities of several units
// are summed all the same, with the unit N/A.
func (g *costGroup) metrics(names []string) obj {
	o := obj{}
	for _, name := range names {
		get, _ := costMetric(name)
		unit := "USD"
		if name == "UsageQuantity" || name == "NormalizedUsageAmount" {
			unit = "N/A"
			if len(g.units) == 1 {
				unit = slices.Collect(maps.Keys(g.units))[0]
			}
		}
		o[name] = obj{"Amount": strconv.FormatFloat(get(g.amounts), 'f', -1, 64), "Unit": unit}
	}
	return o
}

func newCostGroup(keys []string) *costGroup { return &costGroup{keys: keys, units: map[string]bool{}} }

// buckets cuts the asked time at days or months.
func (q *costQuery) buckets() []*costBucket {
	var all []*costBucket
	for from := q.from; from.Before(q.to); {
		to := from.AddDate(0, 0, 1)
		if q.monthly {
			to = firstOfMonth(from).AddDate(0, 1, 0)
		}
		if to.After(q.to) {
			to = q.to
		}
		all = append(all, &costBucket{from: from, to: to, groups: map[string]*costGroup{}, total: newCostGroup(nil)})
		from = to
	}
	return all
}

// fill sums the bill into the buckets.
func (c *call) fill(q *costQuery, buckets []*costBucket) {
	q.sum(c, c.bill(q.from, q.to), buckets)
}

// sum adds lines, which are by date, to the buckets.
func (q *costQuery) sum(c *call, lines []BillLine, buckets []*costBucket) {
	at := 0
	for i := range lines {
		l := &lines[i]
		if !q.keep(l) {
			continue
		}
		for at < len(buckets)-1 && !l.Date.Before(buckets[at].to) {
			at++
		}
		b := buckets[at]
		amounts, estimated := c.shown(l)
		b.estimated = b.estimated || estimated
		b.total.add(amounts, l.Unit)
		keys := make([]string, len(q.groups))
		for j, g := range q.groups {
			keys[j] = g.value(l)
		}
		name := strings.Join(keys, "\x00")
		if b.groups[name] == nil {
			b.groups[name] = newCostGroup(keys)
		}
		b.groups[name].add(amounts, l.Unit)
	}
}

func getCostAndUsage(c *call) (obj, error) {
	q, err := c.costQuery()
	if err != nil {
		return nil, err
	}
	if slices.Contains(q.groups, costKey{name: resourceID}) {
		return nil, validationf("Dimension RESOURCE_ID is not allowed.")
	}
	return c.costAnswer(&q, func(buckets []*costBucket) { c.fill(&q, buckets) })
}

// costAnswer is a page of what fill sums up.
func (c *call) costAnswer(q *costQuery, fill func([]*costBucket)) (obj, error) {
	buckets := q.buckets()
	fill(buckets)
	var rows []costRow
	for _, b := range buckets {
		rows = append(rows, b.rows(q, c.now())...)
	}
	items, next, err := page(c, paging{token: "NextPageToken", size: costPage}, rows)
	if err != nil {
		return nil, err
	}
	c.billed = 1
	o := obj{"ResultsByTime": resultsByTime(items), "NextPageToken": next, "DimensionValueAttributes": []obj{}}
	if len(q.groups) > 0 {
		o["GroupDefinitions"] = c.objects("GroupBy")
	}
	return compact(o), nil
}

// A costRow is what pages are cut between: a group of a bucket, or a bucket alone.
type costRow struct {
	bucket *costBucket
	result obj // the bucket's, without groups
	group  obj
}

func (b *costBucket) rows(q *costQuery, now time.Time) []costRow {
	result := obj{
		"TimePeriod": obj{"Start": b.from.Format(time.DateOnly), "End": b.to.Format(time.DateOnly)},
		"Estimated":  b.estimated || b.to.After(now), "Total": obj{}, "Groups": []obj{},
	}
	if len(q.groups) == 0 {
		if len(b.total.units) == 0 {
			b.total.units["N/A"] = true
		}
		result["Total"] = b.total.metrics(q.metrics)
		return []costRow{{bucket: b, result: result}}
	}
	groups := slices.SortedFunc(maps.Values(b.groups), func(x, y *costGroup) int { return slices.Compare(x.keys, y.keys) })
	if len(groups) == 0 {
		return []costRow{{bucket: b, result: result}}
	}
	rows := make([]costRow, len(groups))
	for i, g := range groups {
		rows[i] = costRow{bucket: b, result: result, group: obj{"Keys": g.keys, "Metrics": g.metrics(q.metrics)}}
	}
	return rows
}

// resultsByTime puts rows of the same bucket together again. A bucket that a
// page boundary cuts appears on both pages.
func resultsByTime(rows []costRow) []obj {
	results := []obj{}
	var last *costBucket
	for _, row := range rows {
		if row.bucket != last {
			results = append(results, maps.Clone(row.result))
			last = row.bucket
		}
		if row.group != nil {
			o := results[len(results)-1]
			groups, _ := o["Groups"].([]obj)
			o["Groups"] = append(slices.Clip(groups), row.group)
		}
	}
	return results
}

// getCostTags lists cost-allocation tag keys, or the values of one.
func getCostTags(c *call) (obj, error) {
	from, to, err := c.costPeriod()
	if err != nil {
		return nil, err
	}
	key := c.str("TagKey")
	found := map[string]bool{}
	for _, l := range c.bill(from, to) {
		if key != "" {
			found[l.Tags[key]] = true
			continue
		}
		for k := range l.Tags {
			found[k] = true
		}
	}
	tags := slices.Sorted(maps.Keys(found))
	items, next, err := page(c, paging{token: "NextPageToken", limit: "MaxResults", size: costPage}, tags)
	if err != nil {
		return nil, err
	}
	c.billed = 1
	return compact(obj{"Tags": items, "ReturnSize": len(items), "TotalSize": len(tags), "NextPageToken": next}), nil
}

func getDimensionValues(c *call) (obj, error) {
	from, to, err := c.costPeriod()
	if err != nil {
		return nil, err
	}
	name := c.str("Dimension")
	if !isCostDimension(name) {
		return nil, validationf("Dimension %s is not valid", name)
	}
	keep, err := c.costFilter(c.object("Filter"))
	if err != nil {
		return nil, err
	}
	found := map[string]bool{}
	lines := c.bill(from, to)
	for i := range lines {
		if v, _ := lines[i].dimension(name); keep(&lines[i]) && strings.Contains(v, c.str("SearchString")) {
			found[v] = true
		}
	}
	values := slices.SortedFunc(maps.Keys(found), cmp.Compare)
	items, next, err := page(c, paging{token: "NextPageToken", limit: "MaxResults", size: costPage}, values)
	if err != nil {
		return nil, err
	}
	c.billed = 1
	listed := mapOf(items, func(v string) obj { return obj{"Value": v, "Attributes": obj{}} })
	return compact(obj{"DimensionValues": listed, "ReturnSize": len(items), "TotalSize": len(values), "NextPageToken": next}), nil
}
