// Package costanomalies reads what AWS Cost Anomaly Detection found, what it
// watches and how it tells of it.
package costanomalies

import (
	"context"
	_ "embed"
	"fmt"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/costexplorer"
	"github.com/aws/aws-sdk-go-v2/service/costexplorer/types"

	"github.com/faaswarden/faaswarden/internal/collect"
	"github.com/faaswarden/faaswarden/internal/schema"
)

//go:embed doc.md
var doc string

const (
	every         = 24 * time.Hour
	monitorsEvery = 7 * 24 * time.Hour // they change rarely, and each look costs
	kept          = 90 * 24 * time.Hour

	anomaliesAction     = "ce:GetAnomalies"
	monitorsAction      = "ce:GetAnomalyMonitors"
	subscriptionsAction = "ce:GetAnomalySubscriptions"

	cursor = "costanomalies/monitors" // when they were last read
)

// Collector reads cost_anomalies and cost_anomaly_monitors.
var Collector = &collect.Collector{
	Name:   "costanomalies",
	Title:  "unusual spend as AWS found it, and what AWS watches",
	Doc:    doc,
	Writes: []string{"cost_anomalies", "cost_anomaly_monitors"},
	Actions: []collect.Action{
		{Name: anomaliesAction, Blinds: "anomalies that AWS found, with their root causes"},
		{Name: monitorsAction, Blinds: "whether anything watches the account's cost"},
		{Name: subscriptionsAction, Blinds: "whether anybody is told of anomalies"},
	},
	Scope:    collect.PerAccount,
	Every:    every,
	Estimate: estimate,
	Collect:  run,
}

func estimate(inv collect.Inventory) collect.APICost {
	const monitorCalls = 2
	n := (collect.RunsPerMonth(every) + monitorCalls*collect.RunsPerMonth(monitorsEvery)) * float64(max(1, inv.Accounts))
	return collect.APICost{Calls: n, Units: n, Unit: "page"}
}

func run(ctx context.Context, r *collect.Run) error {
	client := costexplorer.NewFromConfig(r.AWS, func(o *costexplorer.Options) { o.Region = collect.BillingRegion(r.Partition) })
	err := anomalies(ctx, r, client)
	if err := r.Absorb(ctx, "cost_anomalies", "", anomaliesAction, collect.CostExplorerRemedy(err)); err != nil {
		return fmt.Errorf("read anomalies: %w", err)
	}
	if err == nil {
		r.Complete("cost_anomalies", "")
	}
	due, err := monitorsDue(ctx, r)
	if err != nil || !due {
		return err
	}
	return monitors(ctx, r, client)
}

// monitorsDue reports that the monitors were not read for a week.
func monitorsDue(ctx context.Context, r *collect.Run) (bool, error) {
	text, err := r.State.Load(ctx, cursor)
	if err != nil {
		return false, fmt.Errorf("load the cursor: %w", err)
	}
	last, err := time.Parse(time.RFC3339, text)
	return err != nil || !r.Now.Before(last.Add(monitorsEvery)), nil //nolint:nilerr // none, or one that cannot be read: they are due
}

func anomalies(ctx context.Context, r *collect.Run, client *costexplorer.Client) error {
	in := &costexplorer.GetAnomaliesInput{DateInterval: &types.AnomalyDateInterval{
		StartDate: aws.String(r.Now.UTC().Add(-kept).Format(time.DateOnly)), EndDate: aws.String(r.Now.UTC().Format(time.DateOnly)),
	}}
	return collect.Pages(ctx, anomaliesAction, func(ctx context.Context, token *string) (*string, error) {
		in.NextPageToken = token
		out, err := client.GetAnomalies(ctx, in)
		if err != nil {
			return nil, err
		}
		r.Meter.Bill("ce", "GetAnomalies", "page", 1)
		rows := make([]schema.CostAnomaly, len(out.Anomalies))
		for i := range out.Anomalies {
			if rows[i], err = anomaly(r, &out.Anomalies[i]); err != nil {
				return nil, err
			}
		}
		return out.NextPageToken, collect.Put(ctx, r, rows...)
	})
}

func anomaly(r *collect.Run, a *types.Anomaly) (schema.CostAnomaly, error) {
	row := schema.CostAnomaly{
		Account: r.Account, Region: r.Region, AnomalyID: aws.ToString(a.AnomalyId), MonitorARN: aws.ToString(a.MonitorArn),
		DimensionValue: aws.ToString(a.DimensionValue), Feedback: string(a.Feedback), CollectedAt: r.Now,
	}
	if row.AnomalyID == "" || a.Impact == nil {
		return row, fmt.Errorf("%w: an anomaly without its id or impact", collect.ErrMalformed)
	}
	var err error
	if row.StartDay, err = collect.Date("AnomalyStartDate", a.AnomalyStartDate); err != nil {
		return row, err
	}
	row.EndDay = row.StartDay
	if a.AnomalyEndDate != nil { // one that goes on may have none
		if row.EndDay, err = collect.Date("AnomalyEndDate", a.AnomalyEndDate); err != nil {
			return row, err
		}
	}
	if a.AnomalyScore != nil {
		row.CurrentScore, row.MaxScore = a.AnomalyScore.CurrentScore, a.AnomalyScore.MaxScore
	}
	row.MaxImpactUSD, row.TotalImpactUSD = a.Impact.MaxImpact, a.Impact.TotalImpact
	row.ActualUSD, row.ExpectedUSD, row.ImpactPercent = a.Impact.TotalActualSpend, a.Impact.TotalExpectedSpend, a.Impact.TotalImpactPercentage
	causes(&row, a.RootCauses)
	return row, nil
}

// causes lists root causes, the largest first.
func causes(row *schema.CostAnomaly, list []types.RootCause) {
	contribution := func(c types.RootCause) float64 {
		if c.Impact == nil {
			return 0
		}
		return c.Impact.Contribution
	}
	list = slices.Clone(list)
	slices.SortStableFunc(list, func(a, b types.RootCause) int {
		switch x, y := contribution(a), contribution(b); {
		case x > y:
			return -1
		case x < y:
			return 1
		}
		return 0
	})
	for _, c := range list {
		row.CauseServices = append(row.CauseServices, aws.ToString(c.Service))
		row.CauseRegions = append(row.CauseRegions, aws.ToString(c.Region))
		row.CauseAccounts = append(row.CauseAccounts, aws.ToString(c.LinkedAccount))
		row.CauseUsageTypes = append(row.CauseUsageTypes, aws.ToString(c.UsageType))
		row.CauseUSD = append(row.CauseUSD, contribution(c))
	}
}
