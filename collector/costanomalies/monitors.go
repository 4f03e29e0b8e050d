package costanomalies

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/costexplorer"
	"github.com/aws/aws-sdk-go-v2/service/costexplorer/types"

	"github.com/faaswarden/faaswarden/internal/collect"
	"github.com/faaswarden/faaswarden/internal/schema"
)

// monitors reads what is watched and who is told. Subscriptions that cannot be
// read cost what they say, and no monitor.
func monitors(ctx context.Context, r *collect.Run, client *costexplorer.Client) error {
	const table = "cost_anomaly_monitors"
	rows, err := listMonitors(ctx, r, client)
	if err != nil {
		if err := r.Absorb(ctx, table, "", monitorsAction, collect.CostExplorerRemedy(err)); err != nil {
			return fmt.Errorf("read monitors: %w", err)
		}
		return nil
	}
	subscriptions, err := listSubscriptions(ctx, r, client)
	if failed := r.Absorb(ctx, table, "subscriptions", subscriptionsAction, collect.CostExplorerRemedy(err)); failed != nil {
		return fmt.Errorf("read subscriptions: %w", failed)
	}
	told := err == nil
	for i := range rows {
		rows[i].SubscriptionsRead = told
		for j := range subscriptions {
			tell(&rows[i], &subscriptions[j])
		}
	}
	if err := collect.Put(ctx, r, rows...); err != nil {
		return err
	}
	r.Complete(table, "")
	if !told {
		return nil // ask again tomorrow: the subscriptions' gap says why
	}
	if err := r.State.Save(ctx, cursor, r.Now.UTC().Format(time.RFC3339)); err != nil {
		return fmt.Errorf("save the cursor: %w", err)
	}
	return nil
}

func listMonitors(ctx context.Context, r *collect.Run, client *costexplorer.Client) ([]schema.CostAnomalyMonitor, error) {
	var rows []schema.CostAnomalyMonitor
	err := collect.Pages(ctx, monitorsAction, func(ctx context.Context, token *string) (*string, error) {
		out, err := client.GetAnomalyMonitors(ctx, &costexplorer.GetAnomalyMonitorsInput{NextPageToken: token})
		if err != nil {
			return nil, err
		}
		r.Meter.Bill("ce", "GetAnomalyMonitors", "page", 1)
		for _, m := range out.AnomalyMonitors {
			if aws.ToString(m.MonitorArn) == "" {
				return nil, fmt.Errorf("%w: a monitor without its ARN", collect.ErrMalformed)
			}
			rows = append(rows, schema.CostAnomalyMonitor{
				Account: r.Account, Region: r.Region, MonitorARN: *m.MonitorArn, Name: aws.ToString(m.MonitorName), Type: string(m.MonitorType),
				Dimension: string(m.MonitorDimension), Specification: collect.CompactJSON(m.MonitorSpecification), DimensionValues: m.DimensionalValueCount,
				CreatedAt: collect.ParseInstant(m.CreationDate), LastEvaluatedAt: collect.ParseInstant(m.LastEvaluatedDate), LastUpdatedAt: collect.ParseInstant(m.LastUpdatedDate), CollectedAt: r.Now,
			})
		}
		return out.NextPageToken, nil
	})
	return rows, err
}

func listSubscriptions(ctx context.Context, r *collect.Run, client *costexplorer.Client) ([]types.AnomalySubscription, error) {
	var list []types.AnomalySubscription
	err := collect.Pages(ctx, subscriptionsAction, func(ctx context.Context, token *string) (*string, error) {
		out, err := client.GetAnomalySubscriptions(ctx, &costexplorer.GetAnomalySubscriptionsInput{NextPageToken: token})
		if err != nil {
			return nil, err
		}
		r.Meter.Bill("ce", "GetAnomalySubscriptions", "page", 1)
		list = append(list, out.AnomalySubscriptions...)
		return out.NextPageToken, nil
	})
	return list, err
}

// tell adds a subscription to a monitor that it is of. Addresses are counted and
// forgotten.
func tell(row *schema.CostAnomalyMonitor, s *types.AnomalySubscription) {
	if !slices.Contains(s.MonitorArnList, row.MonitorARN) {
		return
	}
	row.SubscriptionNames = append(row.SubscriptionNames, aws.ToString(s.SubscriptionName))
	row.SubscriptionFrequency = append(row.SubscriptionFrequency, string(s.Frequency))
	row.SubscriptionThresholds = append(row.SubscriptionThresholds, collect.CompactJSON(s.ThresholdExpression))
	for _, subscriber := range s.Subscribers {
		if subscriber.Status != types.SubscriberStatusDeclined {
			row.Subscribers++
		}
	}
}
