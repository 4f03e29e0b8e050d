package engine

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"

	"github.com/faaswarden/faaswarden/internal/analysis"
	"github.com/faaswarden/faaswarden/internal/schema"
	"github.com/faaswarden/faaswarden/internal/store"
)

// The states of a finding.
const (
	Open     = "open"
	Resolved = "resolved"
)

// Fingerprint names a finding for as long as its analyzer, resource and key
// are the same, whatever its numbers do.
func Fingerprint(analyzer, resource, key string) string {
	sum := sha256.Sum256([]byte(analyzer + "\x00" + resource + "\x00" + key))
	return hex.EncodeToString(sum[:8])
}

// storeAnalysis keeps one analyzer's results. The run's record goes last: views
// of the newest judgements follow it.
func (e *Engine) storeAnalysis(ctx context.Context, run schema.AnalyzerRun, result analysis.Result) error {
	earlier, err := e.earlierFindings(ctx, run.Analyzer)
	if err != nil {
		return err
	}
	rows, err := lifecycle(run, result, earlier)
	if err != nil {
		return err
	}
	judgements := make([]schema.Judgement, len(result.Judgements))
	for i, j := range result.Judgements {
		judgements[i] = schema.Judgement{
			Analyzer: run.Analyzer, Resource: j.Resource, Account: j.Account, Region: j.Region, Owner: j.Owner,
			Verdict: string(j.Verdict), Reason: string(j.Reason), Detail: j.Detail, RunID: run.RunID, JudgedAt: run.StartedAt,
		}
	}
	measurements := make([]schema.Measurement, len(result.Measurements))
	for i, m := range result.Measurements {
		measurements[i] = schema.Measurement{
			Analyzer: run.Analyzer, Name: m.Name, Account: m.Account, Region: m.Region, Labels: m.Labels, Value: m.Value,
			RunID: run.RunID, MeasuredAt: run.StartedAt,
		}
	}
	for _, write := range []func() error{
		func() error { return insert(ctx, e.opts.Store, judgements) },
		func() error { return insert(ctx, e.opts.Store, measurements) },
		func() error { return insert(ctx, e.opts.Store, rows) },
		func() error { return insert(ctx, e.opts.Store, []schema.AnalyzerRun{run}) },
	} {
		if err := write(); err != nil {
			return fmt.Errorf("store the results of %s: %w", run.Analyzer, err)
		}
	}
	return nil
}

func (e *Engine) earlierFindings(ctx context.Context, analyzer string) (map[string]schema.Finding, error) {
	earlier := map[string]schema.Finding{}
	for f, err := range store.Select[schema.Finding](ctx, e.opts.Store,
		"SELECT * FROM findings_current WHERE analyzer = {analyzer:String} ORDER BY fingerprint", map[string]any{"analyzer": analyzer}) {
		if err != nil {
			return nil, fmt.Errorf("read earlier findings of %s: %w", analyzer, err)
		}
		earlier[f.Fingerprint] = f
	}
	return earlier, nil
}

// lifecycle merges a run's findings with the earlier ones: what is found stays
// or becomes open and keeps its first_seen; what is no longer found is resolved
// when its resource was judged or is gone, and stays open when it could not be.
func lifecycle(run schema.AnalyzerRun, result analysis.Result, earlier map[string]schema.Finding) ([]schema.Finding, error) {
	var rows []schema.Finding
	found := map[string]bool{}
	for _, f := range result.Findings {
		row, err := findingRow(run, f)
		if err != nil {
			return nil, err
		}
		if found[row.Fingerprint] {
			return nil, fmt.Errorf("analyzer %s found %s twice with the key %q", run.Analyzer, f.Resource, f.Key)
		}
		found[row.Fingerprint] = true
		if before, ok := earlier[row.Fingerprint]; ok {
			row.FirstSeen = before.FirstSeen
		}
		rows = append(rows, row)
	}
	undetermined := map[string]bool{}
	for _, j := range result.Judgements {
		undetermined[j.Resource] = j.Verdict == analysis.CannotDetermine
	}
	for fingerprint, before := range earlier {
		if found[fingerprint] || before.Status != Open || undetermined[before.Resource] {
			continue
		}
		before.Status, before.UpdatedAt, before.RunID = Resolved, run.StartedAt, run.RunID
		rows = append(rows, before)
	}
	return rows, nil
}

func findingRow(run schema.AnalyzerRun, f analysis.Finding) (schema.Finding, error) {
	evidence, err := json.Marshal(f.Evidence)
	if err != nil {
		return schema.Finding{}, fmt.Errorf("encode the evidence of %s on %s: %w", f.Analyzer, f.Resource, err)
	}
	members := make([]string, len(f.Members))
	for i, m := range f.Members {
		members[i] = m.Resource
	}
	return schema.Finding{
		Fingerprint: Fingerprint(f.Analyzer, f.Resource, f.Key), Analyzer: f.Analyzer, Resource: f.Resource, Key: f.Key,
		Account: f.Account, Region: f.Region, Owner: f.Owner,
		Severity: f.Severity.String(), Confidence: f.Confidence.String(),
		SavingsLow: f.Savings.Low, SavingsExpected: f.Savings.Expected, SavingsHigh: f.Savings.High, Unpriced: f.Unpriced,
		Summary: f.Summary, Evidence: string(evidence), Remediation: f.Remediation, Members: members,
		Status: Open, FirstSeen: run.StartedAt, LastSeen: run.StartedAt, RunID: run.RunID, UpdatedAt: run.StartedAt,
	}, nil
}
