// Package apis collects API Gateway's APIs: their routes, the functions that
// answer and authorize them, and their stages.
package apis

import (
	"context"
	_ "embed"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/apigateway"
	"github.com/aws/aws-sdk-go-v2/service/apigatewayv2"
	"golang.org/x/sync/errgroup"

	"github.com/faaswarden/faaswarden/internal/collect"
	"github.com/faaswarden/faaswarden/internal/schema"
)

//go:embed doc.md
var doc string

// Collector reads the APIs of one region.
var Collector = &collect.Collector{
	Name:   "apis",
	Title:  "API Gateway's APIs, and the functions behind them",
	Doc:    doc,
	Writes: []string{"api_routes", "api_stages", "edges"},
	Actions: []collect.Action{
		{Name: "apigateway:GET", Blinds: "APIs, their routes and stages, and the functions that answer them"},
	},
	Scope:    collect.PerRegion,
	Every:    every,
	Timeout:  45 * time.Minute,
	Estimate: estimate,
	Collect:  run,
}

const (
	every  = 12 * time.Hour
	atOnce = 2 // the quota is ten requests a second, and less for resources
	get    = "apigateway:GET"
)

// estimate: two listings a region, and an API of four calls for every tenth function.
func estimate(i collect.Inventory) collect.APICost {
	return collect.APICost{Calls: (2*i.Scopes() + 0.4*float64(i.Functions)) * collect.RunsPerMonth(every)}
}

type reader struct {
	*collect.Run
	rest   *apigateway.Client
	http   *apigatewayv2.Client
	routes *collect.Probe
	stages *collect.Probe
}

// run reads both kinds of API side by side. They share tables, so they are
// complete together.
func run(ctx context.Context, r *collect.Run) error {
	a := &reader{
		Run: r, rest: apigateway.NewFromConfig(r.AWS), http: apigatewayv2.NewFromConfig(r.AWS),
		routes: r.Probe("api_routes", "", get).Also("edges", "apis"), stages: r.Probe("api_stages", "", get),
	}
	var restListed, httpListed bool
	group, groupCtx := errgroup.WithContext(ctx)
	group.Go(func() (err error) {
		restListed, err = a.readREST(groupCtx)
		return err
	})
	group.Go(func() (err error) {
		httpListed, err = a.readHTTP(groupCtx)
		return err
	})
	err := group.Wait()
	routes, stages := a.routes.Close(), a.stages.Close()
	listed := restListed && httpListed && err == nil
	if routes && listed {
		a.Complete("api_routes", "")
		a.Complete("edges", "apis")
	}
	if stages && listed {
		a.Complete("api_stages", "")
	}
	return err
}

// unlisted records that APIs of one kind could not be listed.
func (a *reader) unlisted(err error) {
	a.Gap("api_routes", "", "", get, err)
	a.Gap("edges", "apis", "", get, err)
	a.Gap("api_stages", "", "", get, err)
}

// api is what routes and stages have in common.
type api struct {
	id, arn, name, protocol, endpoint string
	vpcEndpoints                      []string
}

func (a *reader) api(id, name, protocol string) api {
	return api{id: id, name: name, protocol: protocol, arn: "arn:" + a.Partition + ":execute-api:" + a.Region + ":" + a.Account + ":" + id}
}

func (a *reader) route(of api, key string) schema.APIRoute {
	return schema.APIRoute{
		Account: a.Account, Region: a.Region, APIARN: of.arn, APIName: of.name, Protocol: of.protocol, Route: key,
		EndpointType: of.endpoint, VPCEndpointIDs: of.vpcEndpoints, CollectedAt: a.Now,
	}
}

func (a *reader) stage(of api, name string) schema.APIStage {
	return schema.APIStage{Account: a.Account, Region: a.Region, APIARN: of.arn, Stage: name, Protocol: of.protocol, CollectedAt: a.Now}
}

// answeredBy says what an integration reaches. Of AWS's services that are no
// function, the resource is not in the URI; an ARN alone is one.
func answeredBy(row *schema.APIRoute, uri string) {
	if unqualified, _, qualifier, ok := collect.Function(invoked(uri)); ok {
		row.FunctionARN, row.Qualifier = unqualified, qualifier
	} else if strings.HasPrefix(uri, "arn:") && !strings.Contains(uri, ":apigateway:") {
		row.DestinationARN = uri
	}
}

// invoked is the function in the URI of an integration or an authorizer:
// arn:aws:apigateway:REGION:lambda:path/2015-03-31/functions/ARN/invocations, or
// its ARN alone. A stage variable in place of a name leaves none.
func invoked(uri string) string {
	if _, rest, ok := strings.Cut(uri, "/functions/"); ok {
		uri, _, _ = strings.Cut(rest, "/invocations")
	}
	if strings.Contains(uri, "${") {
		return ""
	}
	return uri
}

// put writes an API's routes and the edges to what answers and authorizes them,
// one for each function however many routes it has.
func (a *reader) put(ctx context.Context, rows []schema.APIRoute) error {
	if err := collect.Put(ctx, a.Run, rows...); err != nil {
		return err
	}
	var edges []schema.Edge
	made := map[[3]string]bool{}
	add := func(row schema.APIRoute, dst, qualifier, role string) {
		key := [3]string{row.APIARN, dst + ":" + qualifier, role}
		if dst == "" || made[key] {
			return
		}
		made[key] = true
		e := collect.With(a.Edge("apis", "trigger", row.APIARN, dst, row.Route), map[string]string{"role": role})
		if qualifier != "" {
			e.Attributes["qualifier"] = qualifier
		}
		edges = append(edges, e)
	}
	for _, row := range rows {
		add(row, row.FunctionARN, row.Qualifier, "integration")
		add(row, row.DestinationARN, "", "integration")
		if unqualified, _, qualifier, ok := collect.Function(row.AuthorizerARN); ok {
			add(row, unqualified, qualifier, "authorizer")
		}
	}
	return collect.Put(ctx, a.Run, edges...)
}

// each reads the APIs of one kind: routes and stages of each, one refused API
// costing only itself.
func (a *reader) each(ctx context.Context, list []api, routes func(context.Context, api) ([]schema.APIRoute, error), stages func(context.Context, api) ([]schema.APIStage, error)) error {
	return collect.Each(ctx, atOnce, list, func(ctx context.Context, of api) error {
		if !a.routes.Hopeless() {
			rows, err := routes(ctx, of)
			if collect.Stop(err) {
				return err
			}
			if !gone(err) {
				a.routes.Answered(of.arn, err)
			}
			if err := a.put(ctx, rows); err != nil {
				return err
			}
		}
		if a.stages.Hopeless() {
			return nil
		}
		rows, err := stages(ctx, of)
		if collect.Stop(err) {
			return err
		}
		if !gone(err) {
			a.stages.Answered(of.arn, err)
		}
		return collect.Put(ctx, a.Run, rows...)
	})
}

// gone reports whether the API was deleted since it was listed.
func gone(err error) bool { return collect.Code(err) == "NotFoundException" }

func failed(what string, err error) error { return fmt.Errorf("%s: %w", what, err) }
