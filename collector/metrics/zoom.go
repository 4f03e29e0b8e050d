package metrics

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/faaswarden/faaswarden/internal/schema"
)

const (
	// How long CloudWatch keeps points of a period (DOC:api-getmetricdata).
	minuteRetention = 15 * day
	coarseRetention = 63 * day
	longestSpan     = 24 * hour
)

var (
	zoomMetrics       = []statistic{{"Throttles", "Sum"}, {"Invocations", "Sum"}, {"ConcurrentExecutions", "Maximum"}}
	zoomBusiest       = []statistic{{"ConcurrentExecutions", "Maximum"}}
	zoomRegionMetrics = []statistic{{"ClaimedAccountConcurrency", "Maximum"}, {"UnreservedConcurrentExecutions", "Maximum"}}
)

// span is a run of hours with throttles that are read in the same calls.
type span struct {
	window
	functions map[string]schema.Function // throttled in one of its hours
	busiest   map[string]schema.Function // took the most concurrency in one of them
}

// zoom reads hours with throttles by the minute: what was throttled, how much
// of the account's concurrency was claimed, and by whom.
func (c *collection) zoom(ctx context.Context) error {
	seen, err := c.loadZoomed(ctx)
	if err != nil {
		return err
	}
	hours := c.hoursToZoom(seen)
	for _, s := range c.spans(hours) {
		whole, err := c.zoomSpan(ctx, s)
		if err != nil {
			return err
		}
		if !whole {
			continue // it is read again in the next run, while its hours are in the overlap
		}
		for h := s.from; h.Before(s.to); h = h.Add(hour) {
			seen[h] = signature(c.throttled[h])
		}
	}
	return c.saveZoomed(ctx, seen)
}

// hoursToZoom lists hours with throttles that have not been read, or have been
// restated since, up to the limit, the most throttled first; in order of time.
func (c *collection) hoursToZoom(seen map[time.Time]string) []time.Time {
	var hours []time.Time
	for h, list := range c.throttled {
		if c.Now.Sub(h) < coarseRetention && seen[h] != signature(list) {
			hours = append(hours, h)
		}
	}
	slices.SortFunc(hours, func(a, b time.Time) int {
		return cmp.Or(cmp.Compare(total(c.throttled[b]), total(c.throttled[a])), b.Compare(a))
	})
	if limit := int(c.Params["zoom_hours"].(int64)); len(hours) > limit {
		c.Log.Info("throttled hours left unread by the minute", "hours", len(hours)-limit, "zoom_hours", limit)
		hours = hours[:limit]
	}
	slices.SortFunc(hours, time.Time.Compare)
	return hours
}

// spans joins neighbouring hours of the same period: CloudWatch bills metrics
// asked for, not minutes answered.
func (c *collection) spans(hours []time.Time) []span {
	var list []span
	for _, h := range hours {
		period := time.Minute
		if c.Now.Sub(h) >= minuteRetention {
			period = 5 * time.Minute
		}
		last := len(list) - 1
		if last < 0 || !list[last].to.Equal(h) || list[last].period != period || h.Sub(list[last].from) >= longestSpan {
			list = append(list, span{window{h, h, period}, map[string]schema.Function{}, map[string]schema.Function{}})
			last++
		}
		s := &list[last]
		s.to = h.Add(hour)
		for _, t := range c.throttled[h] {
			s.functions[t.function.FunctionARN] = t.function
		}
		for _, b := range c.busiest[h] {
			s.busiest[b.function.FunctionARN] = b.function
		}
	}
	return list
}

func (c *collection) zoomSpan(ctx context.Context, s span) (whole bool, err error) {
	var list []series
	for _, arn := range slices.Sorted(maps.Keys(s.functions)) {
		for _, stat := range zoomMetrics {
			list = append(list, functionTarget(s.functions[arn]).series(stat))
		}
	}
	for _, arn := range slices.Sorted(maps.Keys(s.busiest)) {
		if _, listed := s.functions[arn]; listed {
			continue
		}
		for _, stat := range zoomBusiest {
			list = append(list, functionTarget(s.busiest[arn]).series(stat))
		}
	}
	for _, stat := range zoomRegionMetrics {
		list = append(list, target{namespace: lambda}.series(stat))
	}
	answers, err := c.reader.read(ctx, s.window, list, nil)
	if err != nil {
		return false, err
	}
	return !slices.ContainsFunc(answers, func(a answer) bool { return a.status != complete }), nil
}

// signature tells whether an hour's throttles were restated.
func signature(list []throttledHour) string {
	return strconv.Itoa(len(list)) + "/" + strconv.FormatFloat(total(list), 'g', -1, 64)
}

func total(list []throttledHour) float64 {
	var sum float64
	for _, t := range list {
		sum += t.throttles
	}
	return sum
}

func (c *collection) loadZoomed(ctx context.Context) (map[time.Time]string, error) {
	text, err := c.State.Load(ctx, "zoom")
	if err != nil {
		return nil, fmt.Errorf("load the cursor of zoom: %w", err)
	}
	stored := map[string]string{}
	if text != "" {
		if err := json.Unmarshal([]byte(text), &stored); err != nil {
			c.Log.Warn("cursor unreadable, zooming in again", "section", "zoom", "error", err)
		}
	}
	seen := map[time.Time]string{}
	for key, value := range stored {
		if at, err := time.Parse(time.RFC3339, key); err == nil {
			seen[at.UTC()] = value
		}
	}
	return seen, nil
}

// saveZoomed keeps the hours that a later run may see again.
func (c *collection) saveZoomed(ctx context.Context, seen map[time.Time]string) error {
	stored := map[string]string{}
	for h, value := range seen {
		if !h.Before(c.Window.From) {
			stored[h.Format(time.RFC3339)] = value
		}
	}
	text, err := json.Marshal(stored)
	if err != nil {
		return fmt.Errorf("encode the cursor of zoom: %w", err)
	}
	if err := c.State.Save(ctx, "zoom", string(text)); err != nil {
		return fmt.Errorf("save the cursor of zoom: %w", err)
	}
	return nil
}
