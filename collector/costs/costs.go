// Package costs reads what AWS bills a day, by service and usage type and by
// cost-allocation tag, from Cost Explorer.
package costs

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"regexp"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/costexplorer"
	"github.com/aws/aws-sdk-go-v2/service/costexplorer/types"
	"github.com/aws/smithy-go"

	"github.com/faaswarden/faaswarden/internal/collect"
)

//go:embed doc.md
var doc string

const (
	day    = 24 * time.Hour
	action = "ce:GetCostAndUsage"
	every  = day

	lambdaService = "AWS Lambda" // as the SERVICE dimension names it
)

// Collector reads costs_daily.
var Collector = &collect.Collector{
	Name:   "costs",
	Title:  "what AWS bills, by day, service, usage type and tag",
	Doc:    doc,
	Writes: []string{"costs_daily"},
	Actions: []collect.Action{
		{Name: action, Blinds: "the bill: computed costs cannot be calibrated to it, and coverage in dollars is unknown"},
	},
	Scope:    collect.PerAccount,
	Every:    every,
	Lookback: 62 * day,
	Params: []collect.Param{
		{Name: "services", Default: []string{}, Doc: "services to read, as Cost Explorer names them; empty reads all, which gives Lambda's share of the bill its denominator"},
		{Name: "tag_keys", Default: []string{"owner"}, Doc: "cost-allocation tags by which Lambda's cost is read; each costs a page or more a run"},
		{Name: "payer", Default: "", Doc: "id of the organization's management account, if it is collected from: it is asked for all of its members at once, and they are not; empty asks each account for itself"},
	},
	Estimate: estimate,
	Collect:  run,
}

// estimate is the steady state: each run reads the days that are not final, in
// a page or two by usage type and one for each tag.
func estimate(inv collect.Inventory) collect.APICost {
	const (
		daysPerMonth = 365.25 / 12
		pages        = 2 + 1 // by usage type, and by the one tag of the default
	)
	n := daysPerMonth * float64(day/every) * pages * float64(inv.Accounts)
	return collect.APICost{Calls: n, Units: n, Unit: "page"}
}

// metrics are asked for in one call: totals that do not match the console are
// most often another metric. The last two are not asked of every account.
var metrics = []string{"UnblendedCost", "AmortizedCost", "UsageQuantity", "NetUnblendedCost", "NetAmortizedCost"}

// grouping is one way to read the bill.
type grouping struct {
	name    string // x_Grouping
	label   string // of its gaps and cursor: the name, where no other grouping has it
	service string // of all rows, where no key tells it
	tagKey  string // with tag:KEY
	keys    []groupKey
	filter  *types.Expression
}

// groupKey is what a group's key tells.
type groupKey string

const (
	byService   groupKey = "SERVICE"
	byUsageType groupKey = "USAGE_TYPE"
	byAccount   groupKey = "LINKED_ACCOUNT"
	byTag       groupKey = "TAG" // the grouping's
)

// takesOver reports that the grouping reads in fewer keys what accounts may have
// read for themselves before.
func (g *grouping) takesOver() bool { return g.label != g.name }

// groupBy is the grouping as Cost Explorer is asked for it.
func (g *grouping) groupBy() []types.GroupDefinition {
	list := make([]types.GroupDefinition, len(g.keys))
	for i, key := range g.keys {
		list[i] = types.GroupDefinition{Type: types.GroupDefinitionTypeDimension, Key: aws.String(string(key))}
		if key == byTag {
			list[i] = types.GroupDefinition{Type: types.GroupDefinitionTypeTag, Key: aws.String(g.tagKey)}
		}
	}
	return list
}

func run(ctx context.Context, r *collect.Run) error {
	payer := r.Params["payer"].(string)
	if payer != "" && payer != r.Account {
		return nil // the payer's run reads this account's bill
	}
	client := costexplorer.NewFromConfig(r.AWS, func(o *costexplorer.Options) { o.Region = collect.BillingRegion(r.Partition) })
	list := groupings(r)
	if payer != "" {
		list = payerGroupings(r)
	}
	for _, g := range list {
		if err := read(ctx, r, client, g); err != nil {
			return fmt.Errorf("read costs by %s: %w", g.label, err)
		}
	}
	if len(r.Gaps()) == 0 {
		r.Complete("costs_daily", "")
	}
	return nil
}

// groupings are by usage type for the services asked for, and by each tag for
// Lambda. All are of this account alone, also when it pays for others.
func groupings(r *collect.Run) []grouping {
	account := dimension(types.DimensionLinkedAccount, r.Account)
	filter := &account
	if services := r.Params["services"].([]string); len(services) > 0 {
		filter = &types.Expression{And: []types.Expression{account, dimension(types.DimensionService, services...)}}
	}
	list := []grouping{{name: "usage_type", label: "usage_type", keys: []groupKey{byService, byUsageType}, filter: filter}}
	for _, key := range r.Params["tag_keys"].([]string) {
		list = append(list, grouping{
			name: "tag:" + key, label: "tag:" + key, tagKey: key, service: lambdaService, keys: []groupKey{byTag, byUsageType},
			filter: &types.Expression{And: []types.Expression{account, dimension(types.DimensionService, lambdaService)}},
		})
	}
	return list
}

// detailed are the services whose usage types are read of all members, unless
// the services are named.
var detailed = []string{lambdaService, "AmazonCloudWatch"}

// payerGroupings read the bills of an organization. As there are no more than two
// keys and one of them tells the account, usage types are read service by
// service, those of the rest not at all, and tags without usage types.
func payerGroupings(r *collect.Run) []grouping {
	services := r.Params["services"].([]string)
	var list []grouping
	for _, service := range orElse(services, detailed) {
		filter := dimension(types.DimensionService, service)
		list = append(list, grouping{
			name: "usage_type", label: "usage_type of " + service, service: service, keys: []groupKey{byAccount, byUsageType}, filter: &filter,
		})
	}
	if len(services) == 0 {
		known := dimension(types.DimensionService, detailed...)
		list = append(list, grouping{name: "usage_type", label: "services", keys: []groupKey{byService, byAccount}, filter: &types.Expression{Not: &known}})
	}
	lambda := dimension(types.DimensionService, lambdaService)
	for _, key := range r.Params["tag_keys"].([]string) {
		list = append(list, grouping{
			name: "tag:" + key, label: "tag:" + key + " of members", tagKey: key, service: lambdaService, keys: []groupKey{byTag, byAccount}, filter: &lambda,
		})
	}
	return list
}

func orElse(list, otherwise []string) []string {
	if len(list) == 0 {
		return otherwise
	}
	return list
}

func dimension(key types.Dimension, values ...string) types.Expression {
	return types.Expression{Dimensions: &types.DimensionValues{Key: key, Values: values}}
}

// read reads one grouping from the first day that may still change.
func read(ctx context.Context, r *collect.Run, client *costexplorer.Client, g grouping) error {
	h, err := loadHistory(ctx, r, g)
	if err != nil {
		return err
	}
	from, to := period(r, h.FinalUntil)
	if g.takesOver() {
		own, err := parseHistory(ctx, r, g.name)
		if err != nil {
			return err
		}
		if until := own.until(); until.After(from) {
			from = until // what accounts have read for themselves would count twice
		}
	}
	if !from.Before(to) {
		return nil // no whole day, or all of them are final
	}
	net, err := hasNet(ctx, r)
	if err != nil {
		return err
	}
	answer, err := pages(ctx, r, client, g, from, to, net)
	if net && refusesNet(err) {
		if err := r.State.Save(ctx, netCursor, r.Now.UTC().Format(time.RFC3339)); err != nil {
			return fmt.Errorf("save the cursor: %w", err)
		}
		answer, err = pages(ctx, r, client, g, from, to, false)
	}
	if err != nil {
		return r.Absorb(ctx, "costs_daily", g.label, action, collect.CostExplorerRemedy(err))
	}
	if err := collect.Put(ctx, r, h.vanished(r, answer, from, to)...); err != nil {
		return err
	}
	h.learn(answer, from, to)
	return h.save(ctx, r, g)
}

// pages reads a grouping's days and writes their rows.
func pages(ctx context.Context, r *collect.Run, client *costexplorer.Client, g grouping, from, to time.Time, net bool) (*answer, error) {
	a := newAnswer(g, net)
	in := &costexplorer.GetCostAndUsageInput{
		TimePeriod:  &types.DateInterval{Start: aws.String(from.Format(time.DateOnly)), End: aws.String(to.Format(time.DateOnly))},
		Granularity: types.GranularityDaily, Metrics: metrics[:a.metrics()], GroupBy: g.groupBy(), Filter: g.filter,
	}
	err := collect.Pages(ctx, action, func(ctx context.Context, token *string) (*string, error) {
		in.NextPageToken = token
		out, err := client.GetCostAndUsage(ctx, in)
		if err != nil {
			return nil, err
		}
		r.Meter.Bill("ce", "GetCostAndUsage", "page", 1)
		rows, err := a.page(r, out.ResultsByTime, from, to)
		if err != nil {
			return nil, err
		}
		return out.NextPageToken, collect.Put(ctx, r, rows...)
	})
	return a, err
}

const (
	netCursor = "costs/net"         // when AWS refused net costs
	netAgain  = 30 * 24 * time.Hour // a discount may have been negotiated since
)

// hasNet reports that net costs may be asked for: Cost Explorer refuses them to
// accounts without negotiated rates, and need not be asked each time.
func hasNet(ctx context.Context, r *collect.Run) (bool, error) {
	text, err := r.State.Load(ctx, netCursor)
	if err != nil {
		return false, fmt.Errorf("load the cursor: %w", err)
	}
	refused, err := time.Parse(time.RFC3339, text)
	return err != nil || !r.Now.Before(refused.Add(netAgain)), nil //nolint:nilerr // never refused, as far as can be read
}

// refusesNet tells the refusal of net costs from other errors.
func refusesNet(err error) bool {
	api, ok := errors.AsType[smithy.APIError](err)
	return ok && api.ErrorCode() == "ValidationException" && netPattern.MatchString(api.ErrorMessage())
}

var netPattern = regexp.MustCompile(`(?i)\bnet`)

// period is the whole days to read: from the first that is not known to be
// final, and at the first run from the start of the previous month, since a
// month's bill is open until some days into the next. Cost Explorer keeps
// thirteen months beside the current one.
func period(r *collect.Run, finalUntil time.Time) (from, to time.Time) {
	to = r.Window.To.UTC().Truncate(day)
	from = r.Window.From.UTC().Truncate(day)
	month := time.Date(to.Year(), to.Month(), 1, 0, 0, 0, 0, time.UTC)
	if previous := month.AddDate(0, -1, 0); previous.Before(from) {
		from = previous
	}
	if finalUntil.After(from) {
		from = finalUntil
	}
	if kept := month.AddDate(0, -13, 0); from.Before(kept) {
		from = kept
	}
	return from, to
}
