package awssim

import (
	"context"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/oam"
)

// A monitoring account reads the metrics of accounts that share them with it,
// and of no others; it pays for what it asks.
func TestMetricsOfLinkedAccounts(t *testing.T) {
	t.Parallel()
	member := func(account string, seed int64) *World {
		w, err := Generate(GenerateOptions{Account: account, Seed: seed, Functions: 5, Days: 1, Now: noon})
		if err != nil {
			t.Fatal(err)
		}
		return w
	}
	source := member("222222222222", 2)
	h := serve(t, Options{World: testWorld(), Members: []*World{source, member("333333333333", 3)}, Limits: Limits{Off: true}})
	client := cloudwatch.NewFromConfig(h.config("us-east-1"))
	ask := func(account string) (int, error) {
		end := source.Now
		in := metricData("ClaimedAccountConcurrency", "Maximum", 3600, end.Add(-24*time.Hour), end)
		in.MetricDataQueries[0].AccountId = aws.String(account)
		in.MetricDataQueries[0].MetricStat.Metric.Dimensions = nil
		out, err := client.GetMetricData(context.Background(), in)
		if err != nil {
			return 0, err
		}
		return len(out.MetricDataResults[0].Values), nil
	}
	if n, err := ask("222222222222"); err != nil || n != 24 {
		t.Errorf("the linked account's metric has %d points: %v", n, err)
	}
	if _, err := ask("333333333333"); codeOf(err) == "" {
		t.Errorf("an account that is not linked was answered: %v", err)
	}
	if record := h.Calls().Operation("monitoring", "GetMetricData"); record.Billed != 1 || record.Failed != 1 {
		t.Errorf("billed %+v", record)
	}
	_, err := oam.NewFromConfig(h.config("us-east-1")).ListAttachedLinks(context.Background(), &oam.ListAttachedLinksInput{SinkIdentifier: aws.String("arn:aws:oam:us-east-1:111122223333:sink/none")})
	if codeOf(err) != "ResourceNotFoundException" {
		t.Errorf("links of a sink that is not there: %v", err)
	}
}
