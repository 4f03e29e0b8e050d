package analysistest

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/faaswarden/faaswarden/internal/analysis"
)

// render writes a result as the text that golden files hold: one block a
// verdict, in order of region and resource, then the measures.
func render(result analysis.Result, failure error) (string, error) {
	var b strings.Builder
	if failure != nil {
		fmt.Fprintf(&b, "error %v\n", failure)
	}
	found := map[string][]analysis.Finding{}
	for _, f := range result.Findings {
		found[f.Resource] = append(found[f.Resource], f)
	}
	judgements := slices.Clone(result.Judgements)
	slices.SortStableFunc(judgements, func(x, y analysis.Judgement) int {
		return cmp.Or(cmp.Compare(x.Account, y.Account), cmp.Compare(x.Region, y.Region), cmp.Compare(x.Resource, y.Resource))
	})
	for _, j := range judgements {
		if err := renderVerdict(&b, j, found[j.Resource]); err != nil {
			return "", err
		}
	}
	for _, m := range result.Measurements {
		fmt.Fprintf(&b, "measure %s %s = %.6g\n", m.Name, strings.Join(append([]string{m.Account, m.Region}, m.Labels...), " "), m.Value)
	}
	return b.String(), nil
}

func renderVerdict(b *strings.Builder, j analysis.Judgement, findings []analysis.Finding) error {
	switch {
	case j.Verdict == analysis.CannotDetermine:
		fmt.Fprintf(b, "%s %s %s: %s\n", j.Verdict, j.Resource, j.Reason, j.Detail)
	case j.Verdict == analysis.OK:
		fmt.Fprintf(b, "%s %s\n", j.Verdict, j.Resource)
	case len(findings) == 0:
		fmt.Fprintf(b, "%s %s %s\n", j.Verdict, j.Resource, j.Detail)
	}
	for _, f := range findings {
		if err := renderFinding(b, f); err != nil {
			return err
		}
	}
	return nil
}

func renderFinding(b *strings.Builder, f analysis.Finding) error {
	fmt.Fprintf(b, "violation %s %s %s $%.2f/$%.2f/$%.2f\n", f.Resource, f.Severity, f.Confidence, f.Savings.Low, f.Savings.Expected, f.Savings.High)
	fmt.Fprintf(b, "  %s\n", f.Summary)
	if f.Unpriced != "" {
		fmt.Fprintf(b, "  unpriced: %s\n", f.Unpriced)
	}
	if f.Key != "" {
		fmt.Fprintf(b, "  key: %s\n", f.Key)
	}
	for _, m := range f.Members {
		fmt.Fprintf(b, "  member: %s\n", m.Resource)
	}
	for _, name := range slices.Sorted(maps.Keys(f.Evidence)) {
		value, err := json.Marshal(f.Evidence[name])
		if err != nil {
			return fmt.Errorf("encode evidence %s of %s: %w", name, f.Resource, err)
		}
		fmt.Fprintf(b, "  - %s: %s\n", name, value)
	}
	for line := range strings.Lines(strings.TrimRight(f.Remediation, "\n") + "\n") {
		b.WriteString("  > " + line)
	}
	return nil
}
