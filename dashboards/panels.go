package dashboards

import (
	"strings"

	"github.com/grafana/grafana-foundation-sdk/go/bargauge"
	"github.com/grafana/grafana-foundation-sdk/go/cog"
	"github.com/grafana/grafana-foundation-sdk/go/common"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
	"github.com/grafana/grafana-foundation-sdk/go/stat"
	"github.com/grafana/grafana-foundation-sdk/go/table"
	"github.com/grafana/grafana-foundation-sdk/go/text"
	"github.com/grafana/grafana-foundation-sdk/go/timeseries"
	"github.com/grafana/grafana-foundation-sdk/go/units"
)

// about is what every panel says of itself. empty ends the sentence "No data: …".
type about struct{ title, description, unit, empty string }

func (a about) noValue() string { return "No data: " + a.empty }

// Why panels have nothing to show. Blindness is never shown as zero, so these are
// read more often than one would like.
const (
	notAnalyzed  = "nothing was analyzed yet, or the choice above leaves nothing out of which to add up."
	notCollected = "nothing was collected yet, or the collector is disabled or denied in what is chosen above."
)

// newStat shows single values, the newest.
func newStat(a about, queries ...query) *stat.PanelBuilder {
	p := stat.NewPanelBuilder().
		Title(a.title).
		Description(a.description).
		Unit(a.unit).
		NoValue(a.noValue()).
		Datasource(datasource()).
		GraphMode(common.BigValueGraphModeNone).
		ColorMode(common.BigValueColorModeValue).
		TextMode(common.BigValueTextModeAuto).
		Thresholds(steps()).
		ReduceOptions(newest())
	if len(queries) > 1 {
		p.TextMode(common.BigValueTextModeValueAndName)
	}
	for _, q := range queries {
		p.WithTarget(q)
	}
	return p
}

// newBars shows one bar a series, the longest first as far as the query sorts.
func newBars(a about, queries ...query) *bargauge.PanelBuilder {
	p := bargauge.NewPanelBuilder().
		Title(a.title).
		Description(a.description).
		Unit(a.unit).
		Min(0).
		NoValue(a.noValue()).
		Datasource(datasource()).
		Orientation(common.VizOrientationHorizontal).
		DisplayMode(common.BarGaugeDisplayModeBasic).
		ValueMode(common.BarGaugeValueModeText).
		Thresholds(steps()).
		ReduceOptions(newest())
	for _, q := range queries {
		p.WithTarget(q)
	}
	return p
}

// newSeries shows what changed over the time range.
func newSeries(a about, queries ...query) *timeseries.PanelBuilder {
	p := timeseries.NewPanelBuilder().
		Title(a.title).
		Description(a.description).
		Unit(a.unit).
		NoValue(a.noValue()).
		Datasource(datasource()).
		Min(0).
		LineWidth(1).
		FillOpacity(10).
		ShowPoints(common.VisibilityModeNever).
		Thresholds(steps()).
		ColorScheme(dashboard.NewFieldColorBuilder().Mode(dashboard.FieldColorModeIdPaletteClassicByName)).
		Legend(common.NewVizLegendOptionsBuilder().
			ShowLegend(true).
			DisplayMode(common.LegendDisplayModeTable).
			Placement(common.LegendPlacementBottom).
			Calcs([]string{"lastNotNull", "max"})).
		Tooltip(common.NewVizTooltipOptionsBuilder().Mode(common.TooltipDisplayModeMulti).Sort(common.SortOrderDescending))
	for _, q := range queries {
		p.WithTarget(q)
	}
	return p
}

// stacked is for series that add up to something.
func stacked(p *timeseries.PanelBuilder) *timeseries.PanelBuilder {
	return p.FillOpacity(40).Stacking(common.NewStackingConfigBuilder().Mode(common.StackingModeNormal).Group("A"))
}

// column is a table's column of values.
type column struct {
	name, unit string
	decimals   float64
	query      query
	hidden     bool                           // asked for its labels alone
	properties []dashboard.DynamicConfigValue // further overrides of the column
}

// value is a column of what an expression gives now.
func value(name, unit string, decimals float64, expr string, properties ...dashboard.DynamicConfigValue) column {
	return column{name: name, unit: unit, decimals: decimals, query: now(name, expr), properties: properties}
}

// newTable joins instant queries on their labels: one row a set of labels, one
// column a label, then one a query. It is sorted by the first of the latter.
// All queries have the same labels, except that one alone may have more.
func newTable(a about, labels []string, columns ...column) *table.PanelBuilder {
	p := table.NewPanelBuilder().
		Title(a.title).
		Description(a.description).
		Unit(a.unit).
		NoValue(a.noValue()).
		Datasource(datasource()).
		Filterable(true).
		CellHeight(common.TableCellHeightSm).
		Footer(common.NewTableFooterOptionsBuilder().Show(false).Reducer([]string{})).
		Thresholds(steps()).
		SortBy([]cog.Builder[common.TableSortByFieldState]{
			common.NewTableSortByFieldStateBuilder().DisplayName(columns[0].name).Desc(true),
		})
	rename, order, exclude := map[string]string{}, map[string]int{}, map[string]bool{"Time": true}
	for i, label := range labels {
		rename[label], order[label] = heading(label), i
	}
	for i, c := range columns {
		field := "Value #" + refID(i)
		if len(columns) == 1 {
			field = "Value"
		}
		c.query.instant, c.query.table = true, true
		p.WithTarget(c.query)
		if c.hidden {
			exclude[field] = true
			continue
		}
		rename[field], order[field] = c.name, len(labels)+i
		p.OverrideByName(c.name, append([]dashboard.DynamicConfigValue{
			{Id: "unit", Value: c.unit}, {Id: "decimals", Value: c.decimals}, {Id: "custom.align", Value: "right"},
		}, c.properties...))
	}
	return p.
		WithTransformation(dashboard.DataTransformerConfig{Id: "merge", Options: map[string]any{}}).
		WithTransformation(dashboard.DataTransformerConfig{Id: "organize", Options: map[string]any{
			"excludeByName": exclude, "renameByName": rename, "indexByName": order,
		}})
}

// heading is a label as the head of its column.
func heading(label string) string { return strings.ReplaceAll(label, "_", " ") }

// refID is the letter Grafana knows a panel's query by.
func refID(i int) string { return string(rune('A' + i)) }

// newText shows words.
func newText(title, description, markdown string) *text.PanelBuilder {
	return text.NewPanelBuilder().
		Title(title).
		Description(description).
		Mode(text.TextModeMarkdown).
		Content(markdown)
}

// newest reduces to the last value.
func newest() cog.Builder[common.ReduceDataOptions] {
	return common.NewReduceDataOptionsBuilder().Calcs([]string{"lastNotNull"}).Values(false)
}

// step is a threshold: from this value on, this colour. The colours are named,
// so that light and dark themes each take their own.
type step struct {
	from  float64
	color string
}

// steps starts with the neutral colour of text, or with the first color that is
// given from minus infinity.
func steps(list ...step) cog.Builder[dashboard.ThresholdsConfig] {
	return stepsFrom("text", list...)
}

func stepsFrom(base string, list ...step) cog.Builder[dashboard.ThresholdsConfig] {
	all := []dashboard.Threshold{{Color: base}}
	for _, s := range list {
		all = append(all, dashboard.Threshold{Value: new(s.from), Color: s.color})
	}
	return dashboard.NewThresholdsConfigBuilder().Mode(dashboard.ThresholdsModeAbsolute).Steps(all)
}

// sureness colours a share of judgements that could be formed.
func sureness() cog.Builder[dashboard.ThresholdsConfig] {
	return stepsFrom("red", step{0.5, "orange"}, step{0.8, "green"})
}

// yesNo shows 1 and 0 as words; no is the bad one.
func yesNo(yes, no string) []dashboard.ValueMapping {
	return []dashboard.ValueMapping{{ValueMap: &dashboard.ValueMap{
		Type: dashboard.MappingTypeValueToText,
		Options: map[string]dashboard.ValueMappingResult{
			"1": {Text: &yes, Color: new("green"), Index: new(int32(0))},
			"0": {Text: &no, Color: new("red"), Index: new(int32(1))},
		},
	}}}
}

// usd, share and the others are the units of the boards.
const (
	usd     = units.Dollars
	share   = units.PercentUnit
	count   = units.Short
	seconds = units.Seconds
	size    = units.BytesIEC
)
