// Package quotas reads what AWS lets an account do, of the services that
// functions lean on, and which metric tells how much of it is used.
package quotas

import (
	"context"
	_ "embed"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/servicequotas"
	"github.com/aws/aws-sdk-go-v2/service/servicequotas/types"
	"github.com/aws/smithy-go"

	"github.com/faaswarden/faaswarden/internal/collect"
	"github.com/faaswarden/faaswarden/internal/schema"
)

//go:embed doc.md
var doc string

const (
	every    = 24 * time.Hour
	pageSize = 100
	table    = "service_quotas"

	appliedAction = "servicequotas:ListServiceQuotas"
	defaultAction = "servicequotas:ListAWSDefaultServiceQuotas"
)

// defaultServices are Lambda and what limits it: the network interfaces and
// security groups of VPCs, the requests to logs and metrics, queues.
func defaultServices() []string { return []string{"lambda", "logs", "monitoring", "sqs", "vpc"} }

// Collector reads service quotas.
var Collector = &collect.Collector{
	Name:   "quotas",
	Title:  "quotas of the services that functions lean on, as they apply to the account",
	Doc:    doc,
	Writes: []string{table},
	Actions: []collect.Action{
		{Name: appliedAction, Blinds: "quotas that were raised for the account"},
		{Name: defaultAction, Blinds: "AWS's defaults, and quotas that nobody has raised"},
	},
	Scope:  collect.PerRegion,
	Every:  every,
	Params: []collect.Param{{Name: "services", Default: defaultServices(), Doc: "service codes, as Service Quotas lists them"}},
	Estimate: func(inv collect.Inventory) collect.APICost {
		return collect.APICost{Calls: collect.RunsPerMonth(every) * 2 * inv.Scopes() * float64(len(defaultServices()))}
	},
	Collect: run,
}

// collection is the state of one run.
type collection struct {
	*collect.Run
	api *servicequotas.Client
}

func run(ctx context.Context, r *collect.Run) error {
	c := &collection{Run: r, api: servicequotas.NewFromConfig(r.AWS)}
	for _, service := range r.Params["services"].([]string) {
		if err := c.read(ctx, service); err != nil {
			return fmt.Errorf("read quotas of %s in %s: %w", service, r.Region, err)
		}
	}
	return nil
}

// read fills the table for one service, of which both listings know a part:
// the defaults know every quota, the applied ones what the account really has.
func (c *collection) read(ctx context.Context, service string) error {
	applied, err := c.list(ctx, service, appliedAction, c.applied)
	if err != nil {
		return err
	}
	defaults, err := c.list(ctx, service, defaultAction, c.defaults)
	if err != nil {
		return err
	}
	if applied.read && defaults.read {
		c.Complete(table, service)
	}
	all := maps.Clone(defaults.quotas)
	maps.Copy(all, applied.quotas)
	var rows []schema.ServiceQuota
	for _, code := range slices.Sorted(maps.Keys(all)) {
		q := all[code]
		if !applied.read {
			continue // a default says nothing of what the account was granted
		}
		if q.ErrorReason != nil || q.Value == nil {
			c.Gap(table, service, aws.ToString(q.QuotaArn), appliedAction, withheld(q))
			continue
		}
		row := c.quota(service, q)
		if d, ok := defaults.quotas[code]; ok {
			row.DefaultValue = d.Value
		}
		rows = append(rows, row)
	}
	return collect.Put(ctx, c.Run, rows...)
}

// listing is what one action told of a service.
type listing struct {
	quotas map[string]types.ServiceQuota // by code
	read   bool                          // wholly
}

// page is one page of quotas.
type page struct {
	quotas []types.ServiceQuota
	next   *string
}

// list reads a listing. What it lacks is a gap; a service that Service Quotas
// does not know in the region has no quotas.
func (c *collection) list(ctx context.Context, service, action string, ask func(context.Context, string, *string) (page, error)) (listing, error) {
	l := listing{quotas: map[string]types.ServiceQuota{}}
	err := collect.Pages(ctx, action, func(ctx context.Context, token *string) (*string, error) {
		p, err := ask(ctx, service, token)
		for _, q := range p.quotas {
			l.quotas[aws.ToString(q.QuotaCode)] = q
		}
		return p.next, err
	})
	switch {
	case err == nil, collect.Code(err) == "NoSuchResourceException":
		l.read = true
	case ctx.Err() != nil, collect.Stop(err):
		return l, err
	default:
		c.Gap(table, service, "", action, err)
	}
	return l, nil
}

func (c *collection) applied(ctx context.Context, service string, token *string) (page, error) {
	out, err := c.api.ListServiceQuotas(ctx, &servicequotas.ListServiceQuotasInput{ServiceCode: aws.String(service), MaxResults: aws.Int32(pageSize), NextToken: token})
	if err != nil {
		return page{}, err
	}
	return page{out.Quotas, out.NextToken}, nil
}

func (c *collection) defaults(ctx context.Context, service string, token *string) (page, error) {
	out, err := c.api.ListAWSDefaultServiceQuotas(ctx, &servicequotas.ListAWSDefaultServiceQuotasInput{
		ServiceCode: aws.String(service), MaxResults: aws.Int32(pageSize), NextToken: token,
	})
	if err != nil {
		return page{}, err
	}
	return page{out.Quotas, out.NextToken}, nil
}

func (c *collection) quota(service string, q types.ServiceQuota) schema.ServiceQuota {
	row := schema.ServiceQuota{
		Account: c.Account, Region: c.Region, ServiceCode: service, QuotaCode: aws.ToString(q.QuotaCode), QuotaName: aws.ToString(q.QuotaName),
		Value: *q.Value, Unit: aws.ToString(q.Unit), Adjustable: q.Adjustable, GlobalQuota: q.GlobalQuota, UsageDimensions: map[string]string{}, CollectedAt: c.Now,
	}
	if m := q.UsageMetric; m != nil {
		row.UsageNamespace, row.UsageMetric, row.UsageStat = aws.ToString(m.MetricNamespace), aws.ToString(m.MetricName), aws.ToString(m.MetricStatisticRecommendation)
		maps.Copy(row.UsageDimensions, m.MetricDimensions)
	}
	return row
}

// withheld is why a quota has no value.
func withheld(q types.ServiceQuota) error {
	if q.ErrorReason == nil {
		return fmt.Errorf("quota %s has no value", aws.ToString(q.QuotaName))
	}
	code := string(q.ErrorReason.ErrorCode)
	switch q.ErrorReason.ErrorCode {
	case types.ErrorCodeDependencyAccessDeniedError:
		code = "AccessDeniedException"
	case types.ErrorCodeDependencyThrottlingError:
		code = "ThrottlingException"
	default: // told as it is
	}
	return &smithy.GenericAPIError{Code: code, Message: aws.ToString(q.ErrorReason.ErrorMessage)}
}
