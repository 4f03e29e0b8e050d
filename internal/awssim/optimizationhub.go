package awssim

import (
	"encoding/base64"
	"fmt"
	"slices"
)

// optimizationHubService is the Cost Optimization Hub: one endpoint, free to ask.
// AWS publishes no request quota; five a second is a choice.
func optimizationHubService() *service {
	return &service{
		name: "cost-optimization-hub", prefix: "cost-optimization-hub", protocol: awsJSON10, target: "CostOptimizationHubService", global: true,
		words:  map[failure]wording{failInternal: {status: 500, code: "InternalServerException"}},
		quotas: []quota{{name: "requests", perSecond: 5}},
		operations: []operation{
			{name: "ListEnrollmentStatuses", run: listEnrollmentStatuses, params: []param{{name: "maxResults", max: 100}}},
			{name: "ListRecommendations", run: listRecommendations, params: []param{{name: "maxResults", max: 1000}}},
		},
	}
}

func listEnrollmentStatuses(c *call) (obj, error) {
	items := []obj{}
	if c.home().OptimizationHub {
		items = append(items, obj{"accountId": c.account(), "status": "Active", "createdTimestamp": c.home().Start(), "lastUpdatedTimestamp": c.home().Start()})
	}
	return obj{"items": items, "includeMemberAccounts": false}, nil
}

// planDiscount is what a Compute Savings Plan takes off Lambda's durations: a year's,
// without upfront payment (AWS Price List, AWSComputeSavingsPlan).
const planDiscount = 0.12

// hubItems lists what saves money in all regions.
func (c *call) hubItems() []obj {
	w := c.home()
	var items []obj
	id := func(names ...string) string {
		return base64.StdEncoding.EncodeToString([]byte(w.Account + "_" + uuidOf(w.Seed, append(names, "advice")...)))
	}
	for _, r := range w.Regions {
		for _, a := range r.Advice() {
			if a.SavingsUSD <= 0 {
				continue
			}
			f := a.Function
			items = append(items, obj{
				"accountId": w.Account, "actionType": "Rightsize", "currencyCode": "USD", "currentResourceSummary": fmt.Sprintf("%d MB memory", f.MemoryMB),
				"recommendedResourceSummary": fmt.Sprintf("%d MB memory", a.RecommendedMB), "currentResourceType": "LambdaFunction", "recommendedResourceType": "LambdaFunction",
				"estimatedMonthlyCost": a.MonthlyUSD, "estimatedMonthlySavings": a.SavingsUSD, "estimatedSavingsPercentage": a.SavingsPercent, "implementationEffort": "Low",
				"lastRefreshTimestamp": w.Now, "recommendationId": id(f.ARN), "recommendationLookbackPeriodInDays": adviceDays, "region": r.Name,
				"resourceArn": f.ARN + ":$LATEST", "resourceId": f.Name, "restartNeeded": false, "rollbackPossible": true, "source": "ComputeOptimizer",
			})
		}
	}
	spent := 0.0
	for _, usd := range w.eligible(w.Start(), w.Now) {
		spent += usd * 30 / float64(w.Days)
	}
	if spent >= 1 && w.SavingsPlans == nil {
		const steady = 0.6 // of the spend: the rest is too uneven to commit to
		items = append(items, obj{
			"accountId": w.Account, "actionType": "PurchaseSavingsPlans", "currencyCode": "USD", "currentResourceType": "ComputeSavingsPlans", "recommendedResourceType": "ComputeSavingsPlans",
			"recommendedResourceSummary": fmt.Sprintf("$%.3f/hour Compute Savings Plans with a 1-year term and no upfront payment", spent*steady*(1-planDiscount)/730),
			"estimatedMonthlyCost":       spent, "estimatedMonthlySavings": spent * steady * planDiscount, "estimatedSavingsPercentage": 100 * steady * planDiscount,
			"implementationEffort": "VeryLow", "lastRefreshTimestamp": w.Now, "recommendationId": id("savings plans"), "recommendationLookbackPeriodInDays": 30,
			"region": "Global", "restartNeeded": false, "rollbackPossible": false, "source": "CostExplorer",
		})
	}
	return items
}

func listRecommendations(c *call) (obj, error) {
	if !c.home().OptimizationHub {
		return nil, c.fail(failValidation, "AWS account %s is not enrolled for recommendations.", c.account())
	}
	kinds := stringList(c.object("filter")["resourceTypes"])
	items := slices.DeleteFunc(c.hubItems(), func(o obj) bool {
		kind, _ := o["currentResourceType"].(string)
		return len(kinds) > 0 && !slices.Contains(kinds, kind)
	})
	part, next, err := page(c, paging{token: "nextToken", limit: "maxResults", size: 100}, items)
	if err != nil {
		return nil, err
	}
	return compact(obj{"items": part, "nextToken": next}), nil
}
