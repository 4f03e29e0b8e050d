package dashboards

import (
	"github.com/grafana/grafana-foundation-sdk/go/cog"
	"github.com/grafana/grafana-foundation-sdk/go/common"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
)

// tag finds the boards for each other.
const tag = "faaswarden"

// datasource is the Prometheus that the reader chose.
func datasource() common.DataSourceRef {
	kind, uid := "prometheus", "${datasource}"
	return common.DataSourceRef{Type: &kind, Uid: &uid}
}

// choice is a variable over the values of a label.
type choice struct{ name, label, description, of string }

// choices are every board's. What a run has left is asked, not the inventory:
// an account that could not be read can be chosen too.
var choices = []choice{
	{"account", "Account", "AWS accounts that were collected", "faaswarden_collector_last_run_outcome"},
	{"region", "Region", "Regions that were collected in the chosen accounts", `faaswarden_collector_last_run_outcome{` + byAccount + `}`},
	{"analyzer", "Analyzer", "Analyzers that have run", "faaswarden_analyzer_last_run_success"},
}

func variables() []cog.Builder[dashboard.VariableModel] {
	list := []cog.Builder[dashboard.VariableModel]{
		dashboard.NewDatasourceVariableBuilder("datasource").
			Label("Data source").
			Description("The Prometheus that scrapes faaswarden").
			Type("prometheus"),
	}
	for _, c := range choices {
		list = append(list, c.variable())
	}
	return list
}

// labelValues is what Grafana's editor calls a query for a label's values.
const labelValues = 1

func (c choice) variable() cog.Builder[dashboard.VariableModel] {
	query := "label_values(" + c.of + ", " + c.name + ")"
	return dashboard.NewQueryVariableBuilder(c.name).
		Label(c.label).
		Description(c.description).
		Datasource(datasource()).
		Query(dashboard.StringOrMap{Map: map[string]any{"qryType": labelValues, "query": query, "refId": "PrometheusVariableQueryEditor-VariableQuery"}}).
		Definition(query).
		Refresh(dashboard.VariableRefreshOnTimeRangeChanged).
		Sort(dashboard.VariableSortAlphabeticalAsc).
		Multi(true).
		IncludeAll(true).
		AllValue(".*").
		Current(dashboard.VariableOption{
			Text:  dashboard.StringOrArrayOfString{ArrayOfString: []string{"All"}},
			Value: dashboard.StringOrArrayOfString{ArrayOfString: []string{"$__all"}},
		})
}
