package reports

import (
	"cmp"
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"

	"github.com/faaswarden/faaswarden/internal/schema"
)

// units says how a format's columns are named and scaled.
type units struct {
	memory string  // the column that lines are grouped by
	perMB  float64 // of the memory columns
}

var unitsOf = map[format]units{
	textFormat: {memory: "@memorySize", perMB: 1e6},
	jsonFormat: {memory: "record.metrics.memorySizeMB", perMB: 1},
}

// record is one row of a result, by column.
type record struct {
	values map[string]string
	fault  error // the first number that was none
}

// number is a column that is never negative; zero when no line had the field.
func (r *record) number(column string) float64 {
	v := r.signed(column)
	if v < 0 && r.fault == nil {
		r.fault = fmt.Errorf("%w: %s is negative", errParse, column)
	}
	return v
}

func (r *record) signed(column string) float64 {
	text := r.values[column]
	if text == "" {
		return 0
	}
	minus := strings.HasPrefix(text, "-")
	v, err := parseNumber(strings.TrimPrefix(text, "-"))
	if err != nil && r.fault == nil {
		r.fault = fmt.Errorf("%w: %s: %w", errParse, column, err)
	}
	if minus {
		return -v
	}
	return v
}

func (r *record) count(column string) uint64 { return uint64(math.Round(r.number(column))) }

// rows turns a result into rows of reports_daily. Lines of functions that are
// not in the inventory are left out; a row that makes no sense is a gap.
func (c *collection) rows(j job, f format, results [][]types.ResultField) []schema.ReportDay {
	groups := map[string]*group{}
	for _, g := range j.groups {
		groups[g.name] = g
	}
	rows := make([]schema.ReportDay, 0, len(results))
	for _, fields := range results {
		r := &record{values: make(map[string]string, len(fields))}
		for _, field := range fields {
			r.values[aws.ToString(field.Field)] = aws.ToString(field.Value)
		}
		_, name, _ := strings.Cut(r.values["@log"], ":") // ACCOUNT:GROUP
		var function schema.Function
		g, known := groups[name]
		if known {
			function, known = g.function(r.values["fn"])
		}
		if !known {
			c.mu.Lock()
			c.unknown++
			c.mu.Unlock()
			continue
		}
		row, err := c.row(function, f, r)
		switch {
		case err != nil:
			c.gap(g, resultsAction, err)
		case !row.Day.Before(j.from) && row.Day.Before(j.to): // the end's instant is the next day's
			rows = append(rows, row)
		}
	}
	return rows
}

// function is whose lines a stream holds. A stream of a function's own group
// does not name it.
func (g *group) function(name string) (schema.Function, bool) {
	if f, ok := g.functions[name]; ok {
		return f, true
	}
	if own, isDefault := strings.CutPrefix(g.name, defaultPrefix); name == "" && isDefault {
		f, ok := g.functions[own]
		return f, ok
	}
	if name == "" && len(g.functions) == 1 {
		for _, f := range g.functions {
			return f, true
		}
	}
	return schema.Function{}, false
}

func (c *collection) row(function schema.Function, f format, r *record) (schema.ReportDay, error) {
	at, err := time.Parse("2006-01-02 15:04:05.000", r.values["bin(1d)"])
	if err != nil {
		return schema.ReportDay{}, fmt.Errorf("%w: day %q", errParse, r.values["bin(1d)"])
	}
	u := unitsOf[f]
	row := schema.ReportDay{
		Account: c.Account, Region: c.Region, FunctionARN: function.FunctionARN,
		Version: cmp.Or(r.values["version"], "$LATEST"), MemoryMB: uint32(math.Round(r.number(u.memory) / u.perMB)),
		Architecture: function.Architecture, Day: at,
		Invocations:   r.count("invocations"),
		DurationMSSum: r.number("duration_sum"), DurationMSP50: r.number("duration_p50"),
		DurationMSP99: r.number("duration_p99"), DurationMSMax: r.number("duration_max"),
		BilledMSSum: r.number("billed_sum"), BilledMSSumSq: r.number("billed_sum_sq"),
		BilledMSP50: r.number("billed_p50"), BilledMSP99: r.number("billed_p99"),
		UsedMBMax: r.number("used_max") / u.perMB, UsedMBP50: r.number("used_p50") / u.perMB,
		UsedMBP99: r.number("used_p99") / u.perMB, UsedMBP999: r.number("used_p999") / u.perMB,
		InitCount: r.count("init_count"), InitMSSum: r.number("init_sum"), InitMSP99: r.number("init_p99"),
		Timeouts: r.count("timeouts"), AtMemoryLimit: r.count("at_limit"), Errors: r.count("errors"),
		Snapstart: r.count("restores") > 0, CollectedAt: c.Now,
	}
	if billed, known := initBilled(r.signed("cold_beyond"), row.InitMSSum, row.InitCount, 1); known && r.values["cold_beyond"] != "" {
		row.InitBilled = &billed
	}
	r.sample(&row)
	if r.fault == nil && (row.Invocations == 0 || row.MemoryMB == 0) {
		r.fault = fmt.Errorf("%w: a row without invocations or memory size", errParse)
	}
	return row, r.fault
}

// sample adds what the newest line of the row tells.
func (r *record) sample(row *schema.ReportDay) {
	line, err := ParseReport(r.values["sample"])
	if err != nil {
		return // a line that Lambda writes in a new way; the aggregates stand
	}
	row.SampleRequestID = line.RequestID
	row.Snapstart = row.Snapstart || line.RestoreMS != nil
	if billed, known := line.InitBilled(); known && row.InitBilled == nil {
		row.InitBilled = &billed
	}
}
