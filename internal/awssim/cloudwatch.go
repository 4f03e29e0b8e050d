package awssim

import (
	"maps"
	"regexp"
	"slices"
	"strconv"
	"sync"
	"time"
)

// cloudwatchService is CloudWatch's metrics and alarms, with its quotas of requests a second
// in an account and region
// (https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch_limits.html).
func cloudwatchService() *service {
	return &service{
		name: "monitoring", prefix: "cloudwatch", protocol: rpcCBOR, target: "GraniteServiceVersion20100801",
		quotas: []quota{
			{name: "requests", perSecond: 400},
			{name: "GetMetricData", perSecond: 500},
			{name: "ListMetrics", perSecond: 25},
			{name: "DescribeAlarms", perSecond: 9},
		},
		operations: append(alarmOperations(), []operation{
			{name: "ListMetrics", quota: "ListMetrics", billed: "request", run: listMetrics},
			{
				name: "GetMetricData", quota: "GetMetricData", billed: "metric", run: getMetricData,
				params: []param{
					{name: "MetricDataQueries", required: true, list: true, max: 500},
					{name: "StartTime", required: true},
					{name: "EndTime", required: true},
					{name: "MaxDatapoints", min: 1, max: 100800},
				},
			},
			{
				name: "GetMetricStatistics", billed: "request", run: getMetricStatistics,
				params: []param{
					{name: "Namespace", required: true},
					{name: "MetricName", required: true},
					{name: "StartTime", required: true},
					{name: "EndTime", required: true},
					{name: "Period", required: true, min: 1, max: 86400},
					{name: "Dimensions", list: true, max: 30},
					{name: "Statistics", list: true, max: 5},
				},
			},
		}...),
	}
}

// Quotas of datapoints a second, for queries that begin in the last three hours
// and for older ones.
func datapointQuota(recent bool) quota {
	if recent {
		return quota{name: "datapoints of three hours", perSecond: 180_000}
	}
	return quota{name: "datapoints of older hours", perSecond: 396_000}
}

const (
	maxDatapoints    = 100_800
	maxStatistics    = 1_440
	metricsPage      = 500
	recentlyActive   = 3 * time.Hour
	minuteRetention  = 15 * 24 * time.Hour
	minutesRetention = 63 * 24 * time.Hour
	hourRetention    = 455 * 24 * time.Hour
)

// invalidParameter is CloudWatch's error for a value it does not take.
func invalidParameter(format string, args ...any) *apiError {
	e := errorf(400, "InvalidParameterValueException", format, args...)
	e.queryCode = "InvalidParameterValue"
	return e
}

// dimensions is a list of Name and Value as a map.
func dimensions(list []obj) map[string]string {
	dims := make(map[string]string, len(list))
	for _, d := range list {
		name, _ := d["Name"].(string)
		dims[name], _ = d["Value"].(string)
	}
	return dims
}

func listMetrics(c *call) (obj, error) {
	if active := c.str("RecentlyActive"); active != "" && active != "PT3H" {
		return nil, c.fail(failValidation, "1 validation error detected: Value '%s' at 'recentlyActive' failed to satisfy constraint: "+
			"Member must satisfy enum value set: [PT3H]", active)
	}
	c.billed = 1
	var found []obj
	for _, m := range c.world().Metrics() {
		if c.wants(m) {
			found = append(found, obj{"Namespace": m.Namespace, "MetricName": m.Name, "Dimensions": tagList(m.Dims, "Name", "Value")})
		}
	}
	items, next, err := page(c, paging{token: "NextToken", size: metricsPage}, found)
	if err != nil {
		return nil, err
	}
	return compact(obj{"Metrics": items, "NextToken": next}), nil
}

// wants reports whether a metric fits ListMetrics' filters.
func (c *call) wants(m MetricID) bool {
	if ns := c.str("Namespace"); ns != "" && ns != m.Namespace {
		return false
	}
	if name := c.str("MetricName"); name != "" && name != m.Name {
		return false
	}
	for _, d := range c.objects("Dimensions") {
		name, _ := d["Name"].(string)
		value, has := m.Dims[name]
		want, given := d["Value"].(string)
		if !has || given && want != value {
			return false
		}
	}
	return c.str("RecentlyActive") == "" || c.activeSince(m, c.now().Add(-recentlyActive))
}

// activeSince reports whether a metric has had a datapoint since then.
func (c *call) activeSince(m MetricID, since time.Time) bool {
	return len(c.world().Datapoints(MetricQuery{
		Namespace: m.Namespace, Metric: m.Name, Dims: m.Dims, Stat: "SampleCount", From: since, To: c.now(), Period: time.Hour,
	})) > 0
}

var (
	queryID  = regexp.MustCompile(`^[a-z][a-zA-Z0-9_]*$`)
	statName = regexp.MustCompile(`^(SampleCount|Average|Sum|Minimum|Maximum|p(\d{1,2}(\.\d{0,10})?|100))$`)
)

// A metricSeries is a query of GetMetricData and its answer.
type metricSeries struct {
	id, label string
	points    []Datapoint
}

func getMetricData(c *call) (obj, error) {
	from, to, err := c.timeRange()
	if err != nil {
		return nil, err
	}
	request := c.fingerprint(paging{token: "NextToken"})
	series, held := c.server.series.take(request, c.str("NextToken") != "")
	if !held {
		if series, err = c.metricSeries(from, to); err != nil {
			return nil, err
		}
	}
	descending := c.str("ScanBy") != "TimestampAscending"
	offset, err := c.offset(paging{token: "NextToken"})
	if err != nil {
		return nil, err
	}
	limit := c.integer("MaxDatapoints", maxDatapoints)
	results, end, more := cutSeries(series, offset, limit, descending)
	recent := from.After(c.now().Add(-3 * time.Hour))
	if q := datapointQuota(recent); !c.server.buckets.take(bucketKey{c.account(), c.region, c.service.name, q.name}, q, c.server.clock(), end-offset) {
		return nil, c.fail(failThrottled, "")
	}
	c.billed = float64(len(series))
	o := obj{"MetricDataResults": results, "Messages": []obj{}}
	switch {
	case c.repeatToken:
		o["NextToken"] = c.tokenFor(paging{token: "NextToken"}, offset)
	case more:
		o["NextToken"] = c.tokenFor(paging{token: "NextToken"}, end)
		c.server.series.hold(request, series)
	}
	return o, nil
}

// seriesHold keeps the computed series of requests whose next page is to come.
type seriesHold struct {
	mu   sync.Mutex
	held map[uint64][]metricSeries
}

// maxHeld bounds how many requests are kept; clients that never come back for
// their next page must not fill the memory.
const maxHeld = 16

// take gives back what an earlier page computed, if this is a later one.
func (h *seriesHold) take(request uint64, later bool) ([]metricSeries, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	series, ok := h.held[request]
	delete(h.held, request)
	return series, ok && later
}

func (h *seriesHold) hold(request uint64, series []metricSeries) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.held == nil || len(h.held) >= maxHeld {
		h.held = map[uint64][]metricSeries{}
	}
	h.held[request] = series
}

// timeRange is the asked time.
func (c *call) timeRange() (from, to time.Time, err error) {
	from, okFrom := asTime(c.params["StartTime"])
	to, okTo := asTime(c.params["EndTime"])
	if !okFrom || !okTo {
		return from, to, c.fail(failMalformed, "The parameters StartTime and EndTime must be timestamps.")
	}
	if !from.Before(to) {
		return from, to, c.fail(failValidation, "The parameter StartTime must be less than the parameter EndTime.")
	}
	return from, to, nil
}

// metricSeries reads and computes the queries. Results whose ReturnData is false
// are left out, as they are of no use without metric math.
func (c *call) metricSeries(from, to time.Time) ([]metricSeries, error) {
	var all []metricSeries
	seen := map[string]bool{}
	for _, q := range c.objects("MetricDataQueries") {
		id, _ := q["Id"].(string)
		if !queryID.MatchString(id) || len(id) > 255 {
			return nil, c.fail(failValidation, "The value %s for parameter MetricDataQueries.member.Id is not matching the expected pattern ^[a-z][a-zA-Z0-9_]*$.", id)
		}
		if seen[id] {
			return nil, c.fail(failValidation, "The values for parameter id in MetricDataQueries are not unique.")
		}
		seen[id] = true
		m, ok := q["MetricStat"].(obj)
		if !ok {
			return nil, c.fail(failValidation, "Error in expression '%s': metric math is not available in this account", id)
		}
		query, fault := c.metricQuery(m, from, to)
		if fault != nil {
			return nil, fault
		}
		if shown, given := q["ReturnData"].(bool); given && !shown {
			continue
		}
		world, fault := c.worldOf(q)
		if fault != nil {
			return nil, fault
		}
		label, _ := q["Label"].(string)
		if label == "" {
			label = query.Metric
		}
		all = append(all, metricSeries{id: id, label: label, points: world.Datapoints(query)})
	}
	return all, nil
}

// worldOf is the region whose metric a query of GetMetricData asks for: of the
// account asked, or of one that is linked to it.
func (c *call) worldOf(q obj) (*Region, *apiError) {
	account, _ := q["AccountId"].(string)
	switch {
	case account == "" || account == c.account():
		return c.world(), nil
	case !c.monitors(account) || c.server.worlds[account] == nil:
		return nil, c.fail(failValidation, "The value %s for parameter MetricDataQueries.member.AccountId is not valid: "+
			"the account is not linked to this monitoring account.", account)
	}
	return c.server.region(account, c.region), nil
}

// metricQuery checks a MetricStat and aligns it to its period.
func (c *call) metricQuery(m obj, from, to time.Time) (MetricQuery, *apiError) {
	metric, _ := m["Metric"].(obj)
	q := MetricQuery{Dims: dimensions(objects(metric["Dimensions"]))}
	q.Namespace, _ = metric["Namespace"].(string)
	q.Metric, _ = metric["MetricName"].(string)
	q.Stat, _ = m["Stat"].(string)
	seconds, _ := asInteger(m["Period"])
	switch {
	case q.Namespace == "" || q.Metric == "":
		return q, c.fail(failValidation, "The parameter MetricDataQueries.member.MetricStat.Metric.MetricName is required.")
	case !statName.MatchString(q.Stat):
		return q, c.fail(failValidation, "The value %s for parameter MetricDataQueries.member.MetricStat.Stat is not valid.", q.Stat)
	case !validPeriod(seconds):
		return q, c.fail(failValidation, "The value %d for parameter MetricDataQueries.member.MetricStat.Period is not valid: "+
			"period must be 1, 5, 10, 30 or a multiple of 60", seconds)
	}
	if unit, _ := m["Unit"].(string); unit != "" && unit != unitOf(q.Metric) {
		q.Metric = "" // CloudWatch answers with nothing when the unit is another
	}
	q.Period = time.Duration(seconds) * time.Second
	q.From, q.To = c.retained(from, to, q.Period)
	return q, nil
}

func validPeriod(seconds int) bool {
	return seconds > 0 && seconds%60 == 0 || slices.Contains([]int{1, 5, 10, 30}, seconds)
}

// retained aligns a time range to the period and cuts off what is no longer kept
// at that resolution, and what has not happened yet.
func (c *call) retained(from, to time.Time, period time.Duration) (time.Time, time.Time) {
	kept := recentlyActive
	switch {
	case period%time.Hour == 0:
		kept = hourRetention
	case period%(5*time.Minute) == 0:
		kept = minutesRetention
	case period%time.Minute == 0:
		kept = minuteRetention
	}
	oldest := ceilTime(c.now().Add(-kept), period)
	from = maxTime(from.Truncate(period), oldest)
	to = ceilTime(to, period)
	if now := ceilTime(c.now(), period); to.After(now) {
		to = now
	}
	return from, to
}

// ceilTime is the first multiple of the period not before t.
func ceilTime(t time.Time, period time.Duration) time.Time {
	floor := t.Truncate(period)
	if floor.Equal(t) {
		return floor
	}
	return floor.Add(period)
}

// cutSeries takes up to limit datapoints from the offset on, counted through all
// series. A series that goes on, or has yet to begin, is PartialData.
func cutSeries(all []metricSeries, offset, limit int, descending bool) (results []obj, end int, more bool) {
	end = offset + limit
	position := 0
	results = []obj{}
	for _, s := range all {
		first, last := position, position+len(s.points)
		position = last
		if last < offset || last == offset && offset > 0 {
			continue // on an earlier page
		}
		from, to := min(max(offset, first), last)-first, min(end, last)-first
		o := obj{"Id": s.id, "Label": s.label, "StatusCode": "Complete"}
		if last > end {
			o["StatusCode"], more = "PartialData", true
			to = max(to, from)
		}
		o["Timestamps"], o["Values"] = columns(s.points, from, to, descending)
		results = append(results, o)
	}
	return results, min(end, position), more
}

// columns splits points into times and values, newest first when descending.
func columns(points []Datapoint, from, to int, descending bool) ([]time.Time, []float64) {
	times, values := make([]time.Time, to-from), make([]float64, to-from)
	for i := range times {
		p := from + i
		if descending {
			p = len(points) - 1 - p
		}
		times[i], values[i] = points[p].Time, points[p].Value
	}
	return times, values
}

// unitOf is the unit that AWS's services publish a metric with.
func unitOf(metric string) string {
	switch metric {
	case "Duration", "PostRuntimeExtensionsDuration", "IteratorAge", "AsyncEventAge":
		return "Milliseconds"
	case "IncomingBytes", "BytesOutToDestination", "BytesInFromDestination", "BytesOutToSource", "BytesInFromSource":
		return "Bytes"
	case "ApproximateAgeOfOldestMessage":
		return "Seconds"
	default:
		return "Count"
	}
}

func getMetricStatistics(c *call) (obj, error) {
	from, to, err := c.timeRange()
	if err != nil {
		return nil, err
	}
	seconds := c.integer("Period", 0)
	stats := append(c.strings("Statistics"), c.strings("ExtendedStatistics")...)
	switch {
	case !validPeriod(seconds):
		return nil, invalidParameter("The parameter Period must be 1, 5, 10, 30 or a multiple of 60.")
	case len(stats) == 0:
		return nil, c.fail(failValidation, "The parameters Statistics and ExtendedStatistics must not both be empty.")
	case to.Sub(from)/(time.Duration(seconds)*time.Second) > maxStatistics:
		return nil, c.tooManyDatapoints(to.Sub(from), seconds)
	}
	query := MetricQuery{
		Namespace: c.str("Namespace"), Metric: c.str("MetricName"), Dims: dimensions(c.objects("Dimensions")),
		Period: time.Duration(seconds) * time.Second,
	}
	query.From, query.To = c.retained(from, to, query.Period)
	c.billed = 1
	byTime := map[time.Time]obj{}
	for _, stat := range stats {
		if !statName.MatchString(stat) {
			return nil, invalidParameter("The value %s for parameter Statistics is not valid.", stat)
		}
		query.Stat = stat
		for _, p := range c.world().Datapoints(query) {
			if byTime[p.Time] == nil {
				byTime[p.Time] = obj{"Timestamp": p.Time, "Unit": unitOf(query.Metric)}
			}
			setStatistic(byTime[p.Time], stat, p.Value)
		}
	}
	points := slices.Collect(maps.Values(byTime)) // CloudWatch does not promise an order
	slices.SortFunc(points, func(a, b obj) int { return a["Timestamp"].(time.Time).Compare(b["Timestamp"].(time.Time)) })
	return obj{"Label": query.Metric, "Datapoints": points}, nil
}

func (c *call) tooManyDatapoints(span time.Duration, seconds int) error {
	e := errorf(400, "InvalidParameterCombinationException", "You have requested up to %s datapoints, which exceeds the limit of 1,440. "+
		"You may reduce the datapoints requested by increasing Period, or decreasing the time range.",
		strconv.Itoa(int(span/(time.Duration(seconds)*time.Second))))
	e.queryCode = "InvalidParameterCombination"
	return e
}

func setStatistic(point obj, stat string, value float64) {
	if stat[0] != 'p' {
		point[stat] = value
		return
	}
	extended, ok := point["ExtendedStatistics"].(map[string]float64)
	if !ok {
		extended = map[string]float64{}
		point["ExtendedStatistics"] = extended
	}
	extended[stat] = value
}
