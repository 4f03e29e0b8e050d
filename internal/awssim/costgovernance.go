package awssim

import (
	"cmp"
	"math"
	"slices"
	"strconv"
	"time"
)

const resourceID = "RESOURCE_ID"

// bill lists the lines that the account may see: a management account sees its
// members' too. linked are the accounts that the request's filter leaves, all
// when it names none.
func (c *call) bill(from, to time.Time) []BillLine {
	linked := linkedAccounts(c.object("Filter"))
	var lines []BillLine
	for _, w := range c.payers() {
		if len(linked) == 0 || slices.Contains(linked, w.Account) {
			lines = append(lines, w.BillLines(from, to)...)
		}
	}
	slices.SortStableFunc(lines, func(a, b BillLine) int { return a.Date.Compare(b.Date) })
	return lines
}

// payers are the accounts whose bills the called account pays, its own first.
func (c *call) payers() []*World {
	own := []*World{c.home()}
	if c.home() == c.server.options.World {
		return append(own, c.server.options.Members...)
	}
	return own
}

// linkedAccounts are the values of a LINKED_ACCOUNT filter that holds for all of
// an expression.
func linkedAccounts(e obj) []string {
	if leaf, ok := e["Dimensions"].(obj); ok && leaf["Key"] == "LINKED_ACCOUNT" {
		return stringList(leaf["Values"])
	}
	for _, operand := range objects(e["And"]) {
		if found := linkedAccounts(operand); len(found) > 0 {
			return found
		}
	}
	return nil
}

// resourceLines are the bill's Lambda lines by function, by date.
func (w *World) resourceLines(from, to time.Time) []BillLine {
	var lines []BillLine
	for _, r := range w.Regions {
		parts := make([][]charge, len(r.Functions))
		parallel(len(r.Functions), func(i int) { parts[i] = r.functionCharges(r.Functions[i]) })
		for i, part := range parts {
			for _, ch := range part {
				l := w.line(ch.day, r.Name, ch.meter, ch.tags, ch.quantity)
				if l.Service != lambdaOnBill || l.Date.Before(from) || !l.Date.Before(to) {
					continue
				}
				l.resource = r.Functions[i].ARN
				lines = append(lines, l)
			}
		}
	}
	slices.SortStableFunc(lines, func(a, b BillLine) int { return a.Date.Compare(b.Date) })
	return lines
}

const lambdaOnBill = "AWS Lambda" // as the SERVICE dimension names it

func getCostAndUsageWithResources(c *call) (obj, error) {
	q, err := c.costQuery()
	if err != nil {
		return nil, err
	}
	const kept = 14 * 24 * time.Hour
	switch {
	case !c.home().ResourceCosts:
		return nil, dataUnavailable("Data at resource level is not available. Please enable it in the Cost Management preferences.")
	case !slices.Contains(q.groups, costKey{name: resourceID}):
		return nil, validationf("The request must either group by or filter by RESOURCE_ID")
	case q.from.Before(c.now().Truncate(24 * time.Hour).Add(-kept)):
		return nil, validationf("Start date is more than 14 days ago. Please adjust start date as we support only 14 days of data at resource level.")
	}
	return c.costAnswer(&q, func(buckets []*costBucket) { q.sum(c, c.home().resourceLines(q.from, q.to), buckets) })
}

func dataUnavailable(format string, args ...any) error {
	return errorf(400, "DataUnavailableException", format, args...)
}

// daily sums a metric of the lines that a filter keeps by day, over up to so many
// of the last days of history, as they will be in the end.
func (c *call) daily(keep func(*BillLine) bool, get func(Amounts) float64, days int) []float64 {
	w := c.home()
	days = min(days, w.Days)
	from := w.Now.AddDate(0, 0, -days)
	sums := make([]float64, days)
	lines := c.bill(from, w.Now)
	for i := range lines {
		if l := &lines[i]; keep(l) {
			sums[int(l.Date.Sub(from).Hours()/24)] += get(l.Final)
		}
	}
	return sums
}

func meanAndDeviation(list []float64) (mean, deviation float64) {
	for _, v := range list {
		mean += v / float64(len(list))
	}
	for _, v := range list {
		deviation += (v - mean) * (v - mean) / float64(len(list))
	}
	return mean, math.Sqrt(deviation)
}

// forecastMetric reads a metric by GetCostForecast's name of it.
func forecastMetric(name string) (func(Amounts) float64, bool) {
	metric := map[string]string{
		"UNBLENDED_COST": "UnblendedCost", "BLENDED_COST": "BlendedCost", "AMORTIZED_COST": "AmortizedCost",
		"NET_UNBLENDED_COST": "NetUnblendedCost", "NET_AMORTIZED_COST": "NetAmortizedCost",
	}[name]
	return costMetric(metric)
}

// getCostForecast carries the average of the last month on; the interval is that
// of a normal distribution.
func getCostForecast(c *call) (obj, error) {
	period := c.object("TimePeriod")
	start, _ := period["Start"].(string)
	end, _ := period["End"].(string)
	from, errFrom := time.Parse(time.DateOnly, start)
	to, errTo := time.Parse(time.DateOnly, end)
	today := c.now().Truncate(24 * time.Hour)
	get, known := forecastMetric(c.str("Metric"))
	switch {
	case errFrom != nil || errTo != nil:
		return nil, validationf("Start time %s or end time %s is not in the form yyyy-MM-dd", start, end)
	case !from.Before(to):
		return nil, validationf("Requested Start: %s must be before requested End: %s", start, end)
	case from.Before(today):
		return nil, validationf("Start date must not be in the past")
	case !known:
		return nil, validationf("Metric %s is not valid", c.str("Metric"))
	}
	keep, err := c.costFilter(c.object("Filter"))
	if err != nil {
		return nil, err
	}
	const enough = 5 // days
	history := c.daily(keep, get, 30)
	mean, deviation := meanAndDeviation(history)
	if len(history) < enough || mean == 0 {
		return nil, dataUnavailable("Insufficient amount of historical data.")
	}
	c.billed = 1
	width := quantile(0.5 + float64(c.integer("PredictionIntervalLevel", 80))/200)
	results := []obj{}
	buckets := (&costQuery{from: from, to: to, monthly: c.str("Granularity") == "MONTHLY"}).buckets()
	for _, b := range buckets {
		days := b.to.Sub(b.from).Hours() / 24
		half := width * deviation * math.Sqrt(days)
		results = append(results, obj{
			"TimePeriod": dateInterval(b.from, b.to), "MeanValue": amount(mean * days),
			"PredictionIntervalLowerBound": amount(max(0, mean*days-half)), "PredictionIntervalUpperBound": amount(mean*days + half),
		})
	}
	return obj{"Total": obj{"Amount": amount(mean * to.Sub(from).Hours() / 24), "Unit": "USD"}, "ForecastResultsByTime": results}, nil
}

func amount(usd float64) string { return strconv.FormatFloat(usd, 'f', -1, 64) }

func dateInterval(from, to time.Time) obj {
	return obj{"Start": from.Format(time.DateOnly), "End": to.Format(time.DateOnly)}
}

var anomalyPages = paging{token: "NextPageToken", limit: "MaxResults", size: 100}

const zoned = "2006-01-02T15:04:05Z"

func getAnomalyMonitors(c *call) (obj, error) {
	items, next, err := page(c, anomalyPages, c.home().AnomalyMonitors)
	if err != nil {
		return nil, err
	}
	c.billed = 1
	listed := mapOf(items, func(m *AnomalyMonitor) obj {
		o := obj{
			"MonitorArn": m.ARN, "MonitorName": m.Name, "MonitorType": m.Type, "CreationDate": m.CreatedAt.Format(zoned),
			"LastUpdatedDate": m.CreatedAt.Format(zoned), "LastEvaluatedDate": c.now().Add(-6 * time.Hour).Format(zoned),
			"MonitorDimension": text(m.Dimension),
		}
		if m.Dimension != "" {
			o["DimensionalValueCount"] = c.home().services()
		}
		if len(m.Specification) > 0 {
			o["MonitorSpecification"] = m.Specification
		}
		return compact(o)
	})
	return compact(obj{"AnomalyMonitors": listed, "NextPageToken": next}), nil
}

// services is how many services the account has a bill of.
func (w *World) services() int {
	found := map[string]bool{}
	for _, l := range w.BillLines(w.Start(), w.Now) {
		found[l.Service] = true
	}
	return len(found)
}

func getAnomalySubscriptions(c *call) (obj, error) {
	items, next, err := page(c, anomalyPages, c.home().AnomalySubscriptions)
	if err != nil {
		return nil, err
	}
	c.billed = 1
	listed := mapOf(items, func(s *AnomalySubscription) obj {
		return obj{
			"SubscriptionArn": s.ARN, "SubscriptionName": s.Name, "AccountId": c.account(), "MonitorArnList": s.Monitors, "Frequency": s.Frequency,
			"Subscribers": []obj{{"Address": s.Email, "Type": "EMAIL", "Status": "CONFIRMED"}},
			"ThresholdExpression": obj{"Dimensions": obj{
				"Key": "ANOMALY_TOTAL_IMPACT_ABSOLUTE", "Values": []string{amount(s.FromUSD)}, "MatchOptions": []string{"GREATER_THAN_OR_EQUAL"},
			}},
		}
	})
	return compact(obj{"AnomalySubscriptions": listed, "NextPageToken": next}), nil
}

// Anomaly is unusual spend: a function whose use grows without end.
type Anomaly struct {
	ID               string
	MonitorARN       string
	Start, End       time.Time // days, the last included
	Region           string
	UsageType        string
	Actual, Expected float64 // USD
	MaxDay           float64 // USD above what was expected on the dearest day
}

// Impact is what was spent beyond what was expected.
func (a *Anomaly) Impact() float64 { return a.Actual - a.Expected }

// Anomalies are what Cost Anomaly Detection makes of the history: every loop that
// grows shows as Lambda's duration in its region.
func (w *World) Anomalies() []Anomaly {
	var list []Anomaly
	for _, r := range w.Regions {
		for _, f := range r.Functions {
			if f.load == nil || f.load.growth == nil || len(w.AnomalyMonitors) == 0 {
				continue
			}
			if a := w.anomaly(r, f); a.Impact() >= 0.01 {
				list = append(list, a)
			}
		}
	}
	slices.SortFunc(list, func(a, b Anomaly) int { return cmp.Or(a.Start.Compare(b.Start), cmp.Compare(a.ID, b.ID)) })
	return list
}

func (w *World) anomaly(r *Region, f *Function) Anomaly {
	since := min(f.load.growth.sinceAgo, w.Days*24)
	first := w.hour(since).Truncate(24 * time.Hour)
	byDay := map[time.Time]float64{}
	usage, dearest := "", 0.0
	for _, ch := range r.functionCharges(f) {
		l := w.line(ch.day, r.Name, ch.meter, ch.tags, ch.quantity)
		if l.Service != lambdaOnBill {
			continue
		}
		byDay[l.Date] += l.Final.Unblended
		if l.Final.Unblended > dearest {
			usage, dearest = l.UsageType, l.Final.Unblended
		}
	}
	a := Anomaly{
		ID: uuidOf(w.Seed, w.Account, "anomaly", f.ARN), MonitorARN: w.AnomalyMonitors[0].ARN, Start: first, End: w.Now.AddDate(0, 0, -1),
		Region: r.Name, UsageType: usage,
	}
	before, days := 0.0, 0
	for at := w.Start(); at.Before(first); at = at.AddDate(0, 0, 1) {
		before, days = before+byDay[at], days+1
	}
	expected := before / float64(max(1, days))
	for at := first; at.Before(w.Now); at = at.AddDate(0, 0, 1) {
		a.Actual, a.Expected = a.Actual+byDay[at], a.Expected+expected
		a.MaxDay = max(a.MaxDay, byDay[at]-expected)
	}
	return a
}

func getAnomalies(c *call) (obj, error) {
	interval := c.object("DateInterval")
	start, _ := interval["StartDate"].(string)
	end, _ := interval["EndDate"].(string)
	from, err := time.Parse(time.DateOnly, start)
	if err != nil {
		return nil, validationf("StartDate %s is not in the form yyyy-MM-dd", start)
	}
	to := c.now()
	if end != "" {
		if to, err = time.Parse(time.DateOnly, end); err != nil {
			return nil, validationf("EndDate %s is not in the form yyyy-MM-dd", end)
		}
	}
	w := c.home()
	found := slices.DeleteFunc(w.Anomalies(), func(a Anomaly) bool {
		return a.End.Before(from) || a.End.After(to) || c.str("MonitorArn") != "" && a.MonitorARN != c.str("MonitorArn")
	})
	items, next, err := page(c, anomalyPages, found)
	if err != nil {
		return nil, err
	}
	c.billed = 1
	listed := mapOf(items, func(a Anomaly) obj { return a.wire(w) })
	return compact(obj{"Anomalies": listed, "NextPageToken": next}), nil
}

func (a *Anomaly) wire(w *World) obj {
	impact := obj{
		"MaxImpact": a.MaxDay, "TotalImpact": a.Impact(), "TotalActualSpend": a.Actual, "TotalExpectedSpend": a.Expected,
	}
	score := 1.0
	if a.Expected > 0 { // AWS gives no share of nothing
		impact["TotalImpactPercentage"] = 100 * a.Impact() / a.Expected
		score = a.Impact() / a.Actual
	}
	return obj{
		"AnomalyId": a.ID, "MonitorArn": a.MonitorARN, "AnomalyStartDate": a.Start.Format(zoned), "AnomalyEndDate": a.End.Format(zoned),
		"DimensionValue": lambdaOnBill, "AnomalyScore": obj{"CurrentScore": score, "MaxScore": score}, "Impact": impact,
		"RootCauses": []obj{{
			"Service": lambdaOnBill, "Region": a.Region, "LinkedAccount": w.Account, "UsageType": a.UsageType, "Impact": obj{"Contribution": a.Impact()},
		}},
	}
}

// eligible sums by day what Compute Savings Plans could cover: Lambda's durations.
func (w *World) eligible(from, to time.Time) map[time.Time]float64 {
	sums := map[time.Time]float64{}
	for _, l := range w.BillLines(from, to) {
		if l.Service == lambdaOnBill && l.Unit == meterDuration.unit {
			sums[l.Date] += l.Final.Unblended
		}
	}
	return sums
}

// covered is what a day's eligible use costs at plan rates, as far as the
// commitment reaches, and what stays on demand.
func (p *SavingsPlan) covered(eligible float64) (used, onDemand float64) {
	used = min(24*p.USDPerHour, eligible*(1-p.Discount))
	return used, eligible - used/(1-p.Discount)
}

// planDays are the asked days, or that there is no plan to tell of.
func (c *call) planDays() (plan *SavingsPlan, days []*costBucket, err error) {
	from, to, err := c.costPeriod()
	switch {
	case err != nil:
		return nil, nil, err
	case to.After(c.now()):
		return nil, nil, validationf("End date should be before the current date")
	case c.home().SavingsPlans == nil:
		return nil, nil, dataUnavailable("Savings Plans data is not available for the requested time period")
	case c.str("Granularity") != "DAILY":
		return nil, nil, validationf("Granularity %s is not valid", c.str("Granularity"))
	}
	return c.home().SavingsPlans, (&costQuery{from: from, to: to}).buckets(), nil
}

func getSavingsPlansCoverage(c *call) (obj, error) {
	plan, days, err := c.planDays()
	if err != nil {
		return nil, err
	}
	eligible := c.home().eligible(days[0].from, days[len(days)-1].to)
	items, next, err := page(c, paging{token: "NextToken", limit: "MaxResults", size: max(20, c.integer("MaxResults", 20))}, days)
	if err != nil {
		return nil, err
	}
	c.billed = 1
	listed := mapOf(items, func(b *costBucket) obj {
		used, onDemand := plan.covered(eligible[b.from])
		percent := 0.0
		if used+onDemand > 0 {
			percent = 100 * used / (used + onDemand)
		}
		return obj{"TimePeriod": dateInterval(b.from, b.to), "Attributes": map[string]string{}, "Coverage": obj{
			"SpendCoveredBySavingsPlans": amount(used), "OnDemandCost": amount(onDemand), "TotalCost": amount(used + onDemand), "CoveragePercentage": amount(percent),
		}}
	})
	return compact(obj{"SavingsPlansCoverages": listed, "NextToken": next}), nil
}

func getSavingsPlansUtilization(c *call) (obj, error) {
	plan, days, err := c.planDays()
	if err != nil {
		return nil, err
	}
	c.billed = 1
	eligible := c.home().eligible(days[0].from, days[len(days)-1].to)
	used := 0.0
	listed := mapOf(days, func(b *costBucket) obj {
		day, _ := plan.covered(eligible[b.from])
		used += day
		o := plan.utilization(24*plan.USDPerHour, day)
		o["TimePeriod"] = dateInterval(b.from, b.to)
		return o
	})
	return obj{"SavingsPlansUtilizationsByTime": listed, "Total": plan.utilization(24*plan.USDPerHour*float64(len(days)), used)}, nil
}

func (p *SavingsPlan) utilization(commitment, used float64) obj {
	return obj{
		"Utilization": obj{
			"TotalCommitment": amount(commitment), "UsedCommitment": amount(used), "UnusedCommitment": amount(commitment - used),
			"UtilizationPercentage": amount(100 * used / commitment),
		},
		"Savings": obj{"NetSavings": amount(used/(1-p.Discount) - commitment), "OnDemandCostEquivalent": amount(used / (1 - p.Discount))},
		"AmortizedCommitment": obj{
			"AmortizedRecurringCommitment": amount(commitment), "AmortizedUpfrontCommitment": "0", "TotalAmortizedCommitment": amount(commitment),
		},
	}
}

// listCostAllocationTags is the payer's business: members of an organization are refused.
func listCostAllocationTags(c *call) (obj, error) {
	w := c.home()
	if w != c.server.options.World {
		return nil, c.fail(failDenied, "Linked account doesn't have access to cost allocation tags.")
	}
	month := firstOfMonth(w.Now.AddDate(0, 0, -1)).Format(zoned)
	var tags []obj
	for _, key := range CostAllocationTags() {
		tags = append(tags, obj{
			"TagKey": key, "Type": "UserDefined", "Status": "Active", "LastUpdatedDate": w.Now.AddDate(-1, 0, 0).Format(zoned), "LastUsedDate": month,
		})
	}
	for _, key := range w.InactiveTags {
		kind := "UserDefined"
		if len(key) > 4 && key[:4] == "aws:" {
			kind = "AWSGenerated"
		}
		tags = append(tags, obj{"TagKey": key, "Type": kind, "Status": "Inactive", "LastUsedDate": month})
	}
	items, next, err := page(c, paging{token: "NextToken", limit: "MaxResults", size: 100}, tags)
	if err != nil {
		return nil, err
	}
	c.billed = 1
	return compact(obj{"CostAllocationTags": items, "NextToken": next}), nil
}
