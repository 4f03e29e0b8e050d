package awssim

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/faaswarden/faaswarden/internal/awssim/insights"
)

// logsService is CloudWatch Logs, with its quotas of requests a second in an
// account and region
// (https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/cloudwatch_limits_cwl.html).
func logsService() *service {
	return &service{
		name: "logs", prefix: "logs", protocol: awsJSON11, target: "Logs_20140328",
		words: map[failure]wording{
			failValidation:  {status: 400, code: "InvalidParameterException"},
			failBadToken:    {status: 400, code: "InvalidParameterException"},
			failInternal:    {status: 500, code: "InternalServerException"},
			failUnavailable: {status: 500, code: "ServiceUnavailableException"},
		},
		quotas: []quota{
			{name: "DescribeLogGroups", perSecond: 10},
			{name: "StartQuery", perSecond: 10},
			{name: "GetQueryResults", perSecond: 10},
			{name: "FilterLogEvents", perSecond: 10},
			{name: "StopQuery", perSecond: 10},
			{name: "DescribeMetricFilters", perSecond: 5},
			{name: "DescribeSubscriptionFilters", perSecond: 5},
			{name: "DescribeAccountPolicies", perSecond: 5},
		},
		operations: append(logFilterOperations(), []operation{
			{
				name: "DescribeLogGroups", quota: "DescribeLogGroups", run: describeLogGroups,
				resource: func(c *call) string { return c.arn("logs", "log-group::log-stream:*") },
				params:   []param{{name: "limit", min: 1, max: 50}, {name: "logGroupIdentifiers", list: true, max: 50}},
			},
			{
				name: "StartQuery", quota: "StartQuery", billed: "GB", run: startQuery, resource: queriedGroup,
				params: []param{
					{name: "startTime", required: true},
					{name: "endTime", required: true},
					{name: "queryString", required: true},
					{name: "logGroupNames", list: true, max: 50},
					{name: "logGroupIdentifiers", list: true, max: 50},
					{name: "limit", min: 1, max: insights.MaxRows},
				},
			},
			{name: "GetQueryResults", quota: "GetQueryResults", run: getQueryResults, resource: anyLogs, params: []param{{name: "queryId", required: true}}},
			{name: "StopQuery", quota: "StopQuery", run: stopQuery, resource: anyLogs, params: []param{{name: "queryId", required: true}}},
			{
				name: "FilterLogEvents", quota: "FilterLogEvents", run: filterLogEvents, resource: queriedGroup,
				params: []param{{name: "limit", min: 1, max: filterEventsPage}, {name: "logStreamNames", list: true, max: 100}},
			},
		}...),
	}
}

func anyLogs(c *call) string { return c.arn("logs", "*") }

// queriedGroup is the first log group asked, as denials name it.
func queriedGroup(c *call) string {
	names := c.groupNames()
	if len(names) == 0 {
		return c.arn("logs", "log-group:*")
	}
	return c.arn("logs", "log-group:"+names[0]+":log-stream:")
}

// groupNames are the log groups a request names, by name or ARN.
func (c *call) groupNames() []string {
	names := slices.Concat(c.strings("logGroupName"), c.strings("logGroupNames"), c.strings("logGroupIdentifier"), c.strings("logGroupIdentifiers"))
	for i, name := range names {
		if _, after, ok := strings.Cut(name, ":log-group:"); ok {
			names[i] = strings.TrimSuffix(after, ":*")
		}
	}
	return names
}

func describeLogGroups(c *call) (obj, error) {
	prefix, pattern := c.str("logGroupNamePrefix"), c.str("logGroupNamePattern")
	if prefix != "" && pattern != "" {
		return nil, c.fail(failValidation, "LogGroup name prefix and LogGroup name pattern are mutually exclusive parameters.")
	}
	names, class := c.groupNames(), c.str("logGroupClass")
	var found []obj
	for _, g := range c.world().LogGroups() {
		switch {
		case !strings.HasPrefix(g.Name, prefix):
		case !strings.Contains(strings.ToLower(g.Name), strings.ToLower(pattern)):
		case len(names) > 0 && !slices.Contains(names, g.Name):
		case class != "" && class != groupClass(g):
		default:
			found = append(found, c.logGroup(g))
		}
	}
	items, next, err := page(c, paging{token: "nextToken", limit: "limit", size: 50}, found)
	if err != nil {
		return nil, err
	}
	return compact(obj{"logGroups": items, "nextToken": next}), nil
}

func groupClass(g LogGroup) string {
	if g.Class == "" {
		return "STANDARD"
	}
	return g.Class
}

func (c *call) logGroup(g LogGroup) obj {
	o := obj{
		"logGroupName": g.Name, "arn": g.ARN + ":*", "logGroupArn": g.ARN, "storedBytes": g.StoredBytes,
		"creationTime": g.CreatedAt.UnixMilli(), "logGroupClass": groupClass(g),
	}
	filters := 0
	for _, f := range c.world().MetricFilters {
		if f.LogGroup == g.Name {
			filters++
		}
	}
	o["metricFilterCount"] = filters
	settings := c.world().GroupSettings[g.Name]
	if settings.KMSKeyARN != "" {
		o["kmsKeyId"] = settings.KMSKeyARN
	}
	if settings.DataProtection != "" {
		o["dataProtectionStatus"] = settings.DataProtection
	}
	if settings.Inherited {
		o["inheritedProperties"] = []string{"ACCOUNT_DATA_PROTECTION"}
	}
	if g.RetentionDays > 0 {
		o["retentionInDays"] = g.RetentionDays
	}
	return o
}

// malformed is StartQuery's error for a query it does not understand.
func malformed(err error) error {
	var syntax *insights.SyntaxError
	if !errors.As(err, &syntax) {
		return err
	}
	e := errorf(400, "MalformedQueryException", "%s", syntax.Message)
	e.extra = obj{"queryCompileError": obj{
		"message": syntax.Message, "location": obj{"startCharOffset": syntax.Start, "endCharOffset": syntax.End},
	}}
	return e
}

// maxQueries is how many Logs Insights queries may run at once.
const maxQueries = 100

func startQuery(c *call) (obj, error) {
	from, to := int64(c.integer("startTime", -1)), int64(c.integer("endTime", -1))
	if from < 0 || to < from {
		return nil, c.fail(failValidation, "The start time (%d) must be before the end time (%d).", from, to)
	}
	parsed, err := insights.Parse(c.str("queryString"))
	if err != nil {
		return nil, malformed(err)
	}
	groups, err := c.queriedGroups(parsed)
	if err != nil {
		return nil, err
	}
	if c.server.queries.running(c.server.clock()) >= maxQueries {
		return nil, errorf(400, "LimitExceededException", "Account maximum query concurrency limit of [%d] reached.", maxQueries)
	}
	q := &logQuery{
		region: c.region, query: parsed, limit: c.integer("limit", insights.MaxRows), account: c.account(), world: c.world(),
		groups: groups, from: time.Unix(from, 0).UTC(), to: time.Unix(to, 0).UTC().Add(time.Millisecond), now: c.now(),
		notBefore: c.server.clock().Add(c.server.options.QueryTime),
	}
	if err := q.check(); err != nil {
		return nil, malformed(err)
	}
	q.scan()
	c.billed = q.bytes / 1e9
	return obj{"queryId": c.server.queries.start(q)}, nil
}

// queriedGroups are the log groups of the request or of the query's SOURCE.
func (c *call) queriedGroups(q *insights.Query) ([]LogGroup, error) {
	names := c.groupNames()
	if (len(names) > 0) == (q.Source != nil) {
		return nil, c.fail(failValidation, "Exactly one of logGroupName, logGroupNames, logGroupIdentifiers or a SOURCE command must be specified.")
	}
	all := c.world().LogGroups()
	if q.Source != nil {
		return slices.DeleteFunc(slices.Clone(all), func(g LogGroup) bool { return !sourced(q.Source, g) }), nil
	}
	var groups []LogGroup
	for _, name := range names {
		i := slices.IndexFunc(all, func(g LogGroup) bool { return g.Name == name })
		if i < 0 {
			return nil, errorf(400, "ResourceNotFoundException", "Log group '%s' does not exist for account ID '%s'", name, c.account())
		}
		groups = append(groups, all[i])
	}
	return groups, nil
}

// sourced reports whether a SOURCE command takes in a log group.
func sourced(s *insights.Source, g LogGroup) bool {
	if s.Class != "" && s.Class != groupClass(g) {
		return false
	}
	return len(s.NamePrefixes) == 0 || slices.ContainsFunc(s.NamePrefixes, func(p string) bool { return strings.HasPrefix(g.Name, p) })
}

// logQuery finds the query a request names.
func (c *call) logQuery() (*logQuery, error) {
	q := c.server.queries.find(c.str("queryId"))
	if q == nil || q.region != c.region {
		return nil, errorf(400, "ResourceNotFoundException", "Query not found: %s", c.str("queryId"))
	}
	return q, nil
}

func getQueryResults(c *call) (obj, error) {
	q, err := c.logQuery()
	if err != nil {
		return nil, err
	}
	status, result := q.state(c.server.clock())
	rows := make([]any, len(result.Rows))
	for i, row := range result.Rows {
		rows[i] = mapOf(row, func(cell insights.Cell) obj { return obj{"field": cell.Field, "value": cell.Value} })
	}
	scanned := 0.0
	if status == queryComplete {
		scanned = q.bytes
	}
	return obj{
		"status": status, "queryLanguage": "CWLI", "results": rows,
		"statistics": obj{
			"recordsMatched": result.Matched, "recordsScanned": result.Scanned, "bytesScanned": scanned,
			"estimatedRecordsSkipped": 0.0, "estimatedBytesSkipped": 0.0, "logGroupsScanned": float64(len(q.groups)),
		},
	}, nil
}

func stopQuery(c *call) (obj, error) {
	q, err := c.logQuery()
	if err != nil {
		return nil, err
	}
	if !q.cancel(c.server.clock()) {
		return nil, c.fail(failValidation, "Query with id %s has already ended", c.str("queryId"))
	}
	return obj{"success": true}, nil
}

// filterEventsPage is the most events one answer holds.
const filterEventsPage = 10_000

func filterLogEvents(c *call) (obj, error) {
	names := c.groupNames()
	if len(names) != 1 {
		return nil, c.fail(failValidation, "Exactly one of logGroupName and logGroupIdentifier must be specified.")
	}
	all := c.world().LogGroups()
	i := slices.IndexFunc(all, func(g LogGroup) bool { return g.Name == names[0] })
	if i < 0 {
		return nil, errorf(400, "ResourceNotFoundException", "The specified log group does not exist.")
	}
	fits, ok := parseFilterPattern(c.str("filterPattern"))
	if !ok {
		return nil, c.fail(failValidation, "Invalid filter pattern")
	}
	p := paging{token: "nextToken", limit: "limit", size: filterEventsPage}
	offset, err := c.offset(p)
	if err != nil {
		return nil, err
	}
	limit := c.integer("limit", filterEventsPage)
	events, more := c.eventsOf(all[i], fits, offset, limit)
	o := obj{"events": events, "searchedLogStreams": []obj{}}
	switch {
	case c.repeatToken:
		o["nextToken"] = c.tokenFor(p, offset)
	case more:
		o["nextToken"] = c.tokenFor(p, offset+limit)
	}
	return o, nil
}

// milliseconds is the asked time; without one it is all there is. The end is inclusive.
func (c *call) milliseconds() (from, to time.Time) {
	from = time.UnixMilli(int64(c.integer("startTime", 0))).UTC()
	to = c.now()
	if _, given := c.params["endTime"]; given {
		to = time.UnixMilli(int64(c.integer("endTime", 0))).UTC().Add(time.Millisecond)
	}
	return from, to
}

// eventsOf are the events that fit, from the offset on. A line that stands for
// many invocations is one event.
func (c *call) eventsOf(g LogGroup, fits func(string) bool, offset, limit int) (events []obj, more bool) {
	streams, prefix := c.strings("logStreamNames"), c.str("logStreamNamePrefix")
	from, to := c.milliseconds()
	events = []obj{}
	seen := 0
	for line := range c.world().ReportLines(g.Name, maxTime(from, keptSince(g, c.now())), to) {
		if len(streams) > 0 && !slices.Contains(streams, line.Stream) || !strings.HasPrefix(line.Stream, prefix) {
			continue
		}
		message := line.Text()
		if !fits(message) {
			continue
		}
		if seen++; seen <= offset {
			continue
		}
		if len(events) == limit {
			return events, true
		}
		at := line.Time.UnixMilli()
		events = append(events, obj{
			"logStreamName": line.Stream, "timestamp": at, "message": message, "ingestionTime": at + 1000,
			"eventId": fmt.Sprintf("%056d", uint64(at)*1_000_000+uint64(seen)),
		})
	}
	return events, false
}

// keptSince is the time of the oldest event a log group still holds.
func keptSince(g LogGroup, now time.Time) time.Time {
	if g.RetentionDays == 0 {
		return time.Time{}
	}
	return now.AddDate(0, 0, -g.RetentionDays)
}

// parseFilterPattern reads CloudWatch Logs' filter patterns of terms: all must
// occur, one of those with a question mark, none of those with a minus; and the
// JSON pattern { $.type = "…" }.
func parseFilterPattern(pattern string) (fits func(string) bool, ok bool) {
	pattern = strings.TrimSpace(pattern)
	if selector, isJSON := strings.CutPrefix(pattern, "{"); isJSON {
		return parseJSONPattern(strings.TrimSpace(strings.TrimSuffix(selector, "}")))
	}
	var all, anyOf, none []string
	for _, term := range patternTerms(pattern) {
		switch {
		case strings.HasPrefix(term, "?"):
			anyOf = append(anyOf, strings.Trim(term[1:], `"`))
		case strings.HasPrefix(term, "-"):
			none = append(none, strings.Trim(term[1:], `"`))
		case strings.ContainsAny(term, "[%{}"):
			return nil, false
		default:
			all = append(all, strings.Trim(term, `"`))
		}
	}
	return func(message string) bool {
		contains := func(term string) bool { return strings.Contains(message, term) }
		return !slices.ContainsFunc(none, contains) &&
			!slices.ContainsFunc(all, func(term string) bool { return !contains(term) }) &&
			(len(anyOf) == 0 || slices.ContainsFunc(anyOf, contains))
	}, true
}

// patternTerms splits at spaces outside of quotes.
func patternTerms(pattern string) []string {
	quoted := false
	return strings.FieldsFunc(pattern, func(r rune) bool {
		if r == '"' {
			quoted = !quoted
		}
		return r == ' ' && !quoted
	})
}

// parseJSONPattern reads $.type = "value" alone: what tells REPORT events apart.
func parseJSONPattern(selector string) (fits func(string) bool, ok bool) {
	field, value, equals := strings.Cut(selector, "=")
	field, value = strings.TrimSpace(field), strings.TrimSpace(value)
	if !equals || field != "$.type" || !strings.HasPrefix(value, `"`) {
		return nil, false
	}
	want := strings.Trim(value, `"`)
	return func(message string) bool {
		o, err := parseJSON([]byte(message))
		return err == nil && o["type"] == want
	}, true
}
