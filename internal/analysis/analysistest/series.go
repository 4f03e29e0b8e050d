package analysistest

import (
	"errors"
	"fmt"
	"maps"
	"strconv"
	"strings"
	"time"
)

// readSeries reads metric points in a compact form, one series a line:
//
//	RESOURCE METRIC STAT PERIOD FROM: VALUE VALUE*COUNT - …
//
//	function:orders Throttles Sum 1h 2026-10-01: 0*9 1200 300*2 -*12
//
// VALUE*COUNT repeats a value, "-" leaves a period without a datapoint. RESOURCE
// "-" is a region-level metric; RESOURCE@ACCOUNT/REGION is one elsewhere; a
// METRIC outside AWS/Lambda is written NAMESPACE:METRIC. Every line also says
// that the whole window of this metric was read: a line without values is a
// metric that was not emitted, a metric without a line was never asked for.
func (s *scenario) readSeries(text string) error {
	points, reads := tableRows{table: "metric_points"}, tableRows{table: "metric_reads"}
	n := 0
	for line := range strings.Lines(text) {
		n++
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		series, err := s.parseSeries(line)
		if err != nil {
			return fmt.Errorf("line %d: %w", n, err)
		}
		points.rows = append(points.rows, series.points...)
		reads.rows = append(reads.rows, series.read)
	}
	s.tables = append(s.tables, points, reads)
	return nil
}

type series struct {
	points []row
	read   row
}

func (s *scenario) parseSeries(line string) (series, error) {
	head, values, ok := strings.Cut(line+" ", ": ")
	fields := strings.Fields(head)
	if !ok || len(fields) != 5 {
		return series{}, errors.New("want RESOURCE METRIC STAT PERIOD FROM: VALUES")
	}
	period, err := time.ParseDuration(fields[3])
	if err != nil || period < time.Second {
		return series{}, fmt.Errorf("period %q is not a duration such as 1h or 1m", fields[3])
	}
	ts, err := parseTime(fields[4])
	if err != nil {
		return series{}, err
	}
	key := s.seriesKey(fields[0], fields[1], fields[2], period)
	var out series
	for item := range strings.FieldsSeq(values) {
		value, count, err := parseRun(item)
		if err != nil {
			return series{}, err
		}
		for range count {
			if value != nil {
				out.points = append(out.points, with(key, row{"ts": ts.Format(sqlTime), "value": *value}))
			}
			ts = ts.Add(period)
		}
	}
	out.read = with(key, row{
		"from_ts": s.window.From.Format(sqlTime), "to_ts": s.window.To.Format(sqlTime),
		"status": "complete", "points": len(out.points),
	})
	return out, nil
}

// seriesKey is what the points of a series have in common.
func (s *scenario) seriesKey(resource, metric, stat string, period time.Duration) row {
	account, region := Account, Region
	if name, where, ok := strings.Cut(resource, "@"); ok {
		resource = name
		account, region, _ = strings.Cut(where, "/")
	}
	if resource == "-" {
		resource = ""
	}
	namespace := "AWS/Lambda"
	if space, name, ok := strings.Cut(metric, ":"); ok {
		namespace, metric = space, name
	}
	return row{
		"account": account, "region": region, "namespace": namespace, "metric": metric, "stat": stat,
		"resource": expandARN(resource, account, region), "period_s": int(period.Seconds()),
		"collected_at": s.window.To.Format(sqlTime),
	}
}

// parseRun reads "5", "5*24", "-" or "-*24"; a nil value is no datapoint.
func parseRun(item string) (value *float64, count int, err error) {
	text, times, repeated := strings.Cut(item, "*")
	count = 1
	if repeated {
		if count, err = strconv.Atoi(times); err != nil || count < 1 {
			return nil, 0, fmt.Errorf("%q: the count after * must be a positive integer", item)
		}
	}
	if text == "-" {
		return nil, count, nil
	}
	v, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return nil, 0, fmt.Errorf("%q is neither a number nor - for no datapoint", item)
	}
	return &v, count, nil
}

func with(key, more row) row {
	r := maps.Clone(key)
	maps.Copy(r, more)
	return r
}
