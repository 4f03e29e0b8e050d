package awssim

import (
	"math"
	"time"
)

// budgetsService is AWS Budgets: one endpoint, free to ask. AWS publishes no
// request quota; ten a second is a choice.
func budgetsService() *service {
	resource := func(c *call) string {
		return "arn:" + c.server.partition() + ":budgets::" + c.account() + ":budget/*"
	}
	op := func(name string, run func(*call) (obj, error)) operation {
		return operation{name: name, action: "budgets:ViewBudget", resource: resource, run: run, params: []param{
			{name: "AccountId", required: true}, {name: "MaxResults", min: 1, max: 1000},
		}}
	}
	return &service{
		name: "budgets", prefix: "budgets", protocol: awsJSON11, target: "AWSBudgetServiceGateway", global: true,
		words: map[failure]wording{
			failBadToken:   {status: 400, code: "InvalidNextTokenException"},
			failValidation: {status: 400, code: "InvalidParameterException"},
			failInternal:   {status: 500, code: "InternalErrorException"},
		},
		quotas:     []quota{{name: "requests", perSecond: 10}},
		operations: []operation{op("DescribeBudgets", describeBudgets), op("DescribeBudgetNotificationsForAccount", describeBudgetNotifications)},
	}
}

var budgetPages = paging{token: "NextToken", limit: "MaxResults", size: 100}

// budgets are the called account's, if it names itself.
func (c *call) budgets() ([]*Budget, error) {
	if c.str("AccountId") != c.account() {
		return nil, c.fail(failDenied, "Account: %s is not permitted for user: %s", c.str("AccountId"), c.identity.ARN)
	}
	return c.home().Budgets, nil
}

func describeBudgets(c *call) (obj, error) {
	all, err := c.budgets()
	if err != nil {
		return nil, err
	}
	items, next, err := page(c, budgetPages, all)
	if err != nil {
		return nil, err
	}
	listed := mapOf(items, func(b *Budget) obj { return c.budget(b) })
	return compact(obj{"Budgets": listed, "NextToken": next}), nil
}

// BudgetSpend is a budget's limit, what the month has cost and is expected to.
type BudgetSpend struct{ Limit, Actual, Forecast float64 }

// BudgetSpend computes a budget from the bill.
func (w *World) BudgetSpend(b *Budget) BudgetSpend {
	keep := func(l *BillLine) bool {
		return (b.Service == "" || l.Service == b.Service) && (b.TagKey == "" || l.Tags[b.TagKey] == b.TagValue)
	}
	month := firstOfMonth(w.Now)
	total, actual := 0.0, 0.0
	lines := w.BillLines(w.Start(), w.Now)
	for i := range lines {
		if l := &lines[i]; keep(l) {
			total += l.Final.Unblended
			if !l.Date.Before(month) {
				actual += l.Unblended
			}
		}
	}
	daily := total / float64(w.Days)
	left := month.AddDate(0, 1, 0).Sub(w.Now).Hours() / 24
	return BudgetSpend{Limit: max(1, math.Round(b.Share*30*daily)), Actual: cents(actual), Forecast: cents(actual + daily*left)}
}

// cents rounds as Budgets does.
func cents(usd float64) float64 { return math.Round(usd*1000) / 1000 }

func (c *call) budget(b *Budget) obj {
	w := c.home()
	spend := w.BudgetSpend(b)
	usd := func(v float64) obj { return obj{"Amount": amount(v), "Unit": "USD"} }
	filters := obj{}
	if b.Service != "" {
		filters["Service"] = []string{b.Service}
	}
	if b.TagKey != "" {
		filters["TagKeyValue"] = []string{"user:" + b.TagKey + "$" + b.TagValue}
	}
	return obj{
		"BudgetName": b.Name, "BudgetType": "COST", "TimeUnit": "MONTHLY", "BudgetLimit": usd(spend.Limit), "CostFilters": filters,
		"CalculatedSpend": obj{"ActualSpend": usd(spend.Actual), "ForecastedSpend": usd(spend.Forecast)},
		"TimePeriod":      obj{"Start": firstOfMonth(b.CreatedAt), "End": time.Date(2087, 6, 15, 0, 0, 0, 0, time.UTC)},
		"CostTypes": obj{
			"IncludeTax": true, "IncludeSubscription": true, "UseBlended": false, "IncludeRefund": false, "IncludeCredit": false, "IncludeUpfront": true,
			"IncludeRecurring": true, "IncludeOtherSubscription": true, "IncludeSupport": true, "IncludeDiscount": true, "UseAmortized": false,
		},
		"LastUpdatedTime": w.Now, "HealthStatus": obj{"Status": "HEALTHY", "LastUpdatedTime": w.Now},
	}
}

func describeBudgetNotifications(c *call) (obj, error) {
	all, err := c.budgets()
	if err != nil {
		return nil, err
	}
	var noisy []*Budget
	for _, b := range all {
		if len(b.Thresholds) > 0 {
			noisy = append(noisy, b)
		}
	}
	items, next, err := page(c, budgetPages, noisy)
	if err != nil {
		return nil, err
	}
	listed := mapOf(items, func(b *Budget) obj {
		return obj{"BudgetName": b.Name, "Notifications": mapOf(b.Thresholds, func(t BudgetThreshold) obj { return t.wire(c.home().BudgetSpend(b)) })}
	})
	return compact(obj{"BudgetNotificationsForAccount": listed, "NextToken": next}), nil
}

func (t *BudgetThreshold) wire(spend BudgetSpend) obj {
	amount, state := spend.Actual, "OK"
	if t.Type == "FORECASTED" {
		amount = spend.Forecast
	}
	if amount > spend.Limit*t.Percent/100 {
		state = "ALARM"
	}
	return obj{
		"NotificationType": t.Type, "ComparisonOperator": "GREATER_THAN", "Threshold": t.Percent, "ThresholdType": "PERCENTAGE", "NotificationState": state,
	}
}
