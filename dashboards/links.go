package dashboards

import (
	"github.com/grafana/grafana-foundation-sdk/go/cog"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
)

// repository is where the documentation is read.
const repository = "https://github.com/faaswarden/faaswarden/blob/main/"

// analyzerDoc is the page of an analyzer.
func analyzerDoc(name string) string { return repository + "analyzers/" + name + "/doc.md" }

// operations is a section of the operators' page.
func operations(anchor string) string { return repository + "deploy/README.md#" + anchor }

// boardPath is a board's address below Grafana's own.
func boardPath(uid string) string { return "/d/" + uid }

// links lead from every board to the others, with the choice and the time kept.
func links() []cog.Builder[dashboard.DashboardLink] {
	return []cog.Builder[dashboard.DashboardLink]{
		dashboard.NewDashboardLinkBuilder("faaswarden").
			Type(dashboard.DashboardLinkTypeDashboards).
			Tags([]string{tag}).
			IncludeVars(true).
			KeepTime(true),
		dashboard.NewDashboardLinkBuilder("Documentation").
			Type(dashboard.DashboardLinkTypeLink).
			Icon("doc").
			Tooltip("What is computed, and what it will not catch").
			Url(repository + "README.md").
			TargetBlank(true),
	}
}
