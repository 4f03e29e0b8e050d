package exporter

import (
	"maps"
	"slices"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/faaswarden/faaswarden/internal/config"
	"github.com/faaswarden/faaswarden/internal/engine"
)

// usage are the metrics of one function, and what they are of its usage. Cost
// is shown of a function whose region has a price.
var usage = []struct {
	desc  *prometheus.Desc
	money bool
	of    func(engine.Usage) float64
}{
	{functionMonthlyCost, true, func(u engine.Usage) float64 { return u.MonthlyUSD }},
	{functionDayCost, true, func(u engine.Usage) float64 { return u.Day.USD }},
	{functionDayInvocations, false, func(u engine.Usage) float64 { return u.Day.Invocations }},
	{functionDayErrors, false, func(u engine.Usage) float64 { return u.Day.Errors }},
	{functionDayThrottles, false, func(u engine.Usage) float64 { return u.Day.Throttles }},
	{functionDayGBSeconds, false, func(u engine.Usage) float64 { return u.Day.GBSeconds }},
}

// place is an account's region.
type place struct{ account, region string }

// buildFunctions shows the usage of the dearest functions each, and of the
// others by account and region.
func buildFunctions(b *builder, s *engine.Snapshot, c config.Metrics) {
	known := slices.DeleteFunc(slices.Clone(s.Usage), func(u engine.Usage) bool { return !u.Read })
	perFunction := len(usage)
	if len(c.TagLabels) > 0 {
		perFunction++
	}
	own := fit(b, len(known), c.TopFunctions, perFunction, len(usage)*len(places(known)))
	tags := tagsDesc(c.TagLabels)
	for _, u := range known[:own] {
		buildUsage(b, u)
		if len(c.TagLabels) > 0 && u.Tags != nil {
			b.gauge(tags, 1, append([]string{u.Account, u.Region, u.Function}, values(u.Tags, c.TagLabels)...)...)
		}
	}
	buildOthers(b, known[own:])
}

func buildUsage(b *builder, u engine.Usage) {
	for _, m := range usage {
		if u.Priced || !m.money {
			b.gauge(m.desc, m.of(u), u.Account, u.Region, u.Function)
		}
	}
}

// buildOthers sums functions by account and region. A sum that lacks some
// function's price is shown all the same: functions_unpriced tells of it.
func buildOthers(b *builder, list []engine.Usage) {
	sums := map[place]engine.Usage{}
	for _, u := range list {
		at := place{u.Account, u.Region}
		sum := sums[at]
		sum.Account, sum.Region, sum.Function, sum.Priced = u.Account, u.Region, "other", sum.Priced || u.Priced
		sum.MonthlyUSD += u.MonthlyUSD
		sum.Day.USD += u.Day.USD
		sum.Day.Invocations += u.Day.Invocations
		sum.Day.Errors += u.Day.Errors
		sum.Day.Throttles += u.Day.Throttles
		sum.Day.GBSeconds += u.Day.GBSeconds
		sums[at] = sum
	}
	for _, at := range places(list) {
		buildUsage(b, sums[at])
	}
}

// places lists where functions are, in order.
func places(list []engine.Usage) []place {
	seen := map[place]bool{}
	for _, u := range list {
		seen[place{u.Account, u.Region}] = true
	}
	return sortedPlaces(maps.Keys(seen))
}

func tagsDesc(keys []string) *prometheus.Desc {
	labels := []string{"account", "region", "function"}
	for _, k := range keys {
		labels = append(labels, config.TagLabel(k))
	}
	return desc("function_tags_info", "Constant 1, labelled with the tags that metrics.tag_labels names, for functions with series of their own whose tags were read.", labels...)
}

// values are the tags in the order of their keys; a tag that is not set is empty.
func values(tags map[string]string, keys []string) []string {
	list := make([]string, len(keys))
	for i, k := range keys {
		list[i] = tags[k]
	}
	return list
}
