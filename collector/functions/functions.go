// Package functions collects the inventory: every Lambda function of a region
// with its configuration, its aliases and its provisioned concurrency. It is
// read from Lambda itself, so functions that were never tagged are in it.
package functions

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"github.com/faaswarden/faaswarden/internal/collect"
	"github.com/faaswarden/faaswarden/internal/schema"
)

//go:embed doc.md
var doc string

// Collector reads the functions of one region.
var Collector = &collect.Collector{
	Name:  "functions",
	Title: "Lambda functions, their configuration, aliases and provisioned concurrency",
	Doc:   doc,
	Writes: []string{
		"functions", "function_versions", "function_logging", "function_history", "function_tombstones",
		"aliases", "provisioned_concurrency", "resource_tags",
	},
	Reads: []string{"functions"},
	Actions: []collect.Action{
		{Name: "lambda:ListFunctions", Blinds: "everything: without the inventory no function is judged"},
		{Name: "lambda:GetFunction", With: "get_function", Blinds: "reserved concurrency and the function's state (lambda:GetFunctionConcurrency takes the first over when get_function is off)"},
		{Name: "lambda:GetFunctionConcurrency", Blinds: "reserved concurrency, when get_function is off"},
		{Name: "lambda:GetFunctionRecursionConfig", Blinds: "whether AWS's loop guard is switched off for a function"},
		{Name: "lambda:ListAliases", Blinds: "aliases, and with them which published versions are in use"},
		{Name: "lambda:ListProvisionedConcurrencyConfigs", Blinds: "provisioned concurrency"},
	},
	Scope:   collect.PerRegion,
	Every:   every,
	Timeout: 45 * time.Minute,
	Params: []collect.Param{
		{
			Name: "get_function", Default: true,
			Doc: "read each function with lambda:GetFunction: it has a quota of its own, and it also permits downloading the code; when false, lambda:GetFunctionConcurrency is used and the function's state stays unread",
		},
		collect.PeriodParam("loop guard, aliases and provisioned concurrency (and reserved concurrency, when get_function is off)"),
	},
	Estimate: estimate,
	Collect:  run,
}

const (
	every     = 6 * time.Hour
	atOnce    = 8
	pageSize  = 50
	published = 0.2 // share of functions with published versions that the estimate assumes
)

// estimate: in each run a listing of 50 a page and a call a function; in each
// period another, and two more for functions with published versions. None is
// priced. What changes in between is read once more.
func estimate(i collect.Inventory) collect.APICost {
	functions := float64(i.Functions)
	run := i.Scopes() + functions*(1+published)/pageSize + functions
	period := functions * (1 + 2*published)
	return collect.APICost{Calls: run*collect.RunsPerMonth(every) + period*collect.RunsPerMonth(collect.DefaultPeriod)}
}

// reader is one run.
type reader struct {
	*collect.Run
	client      *lambda.Client
	getFunction bool

	listed    map[string]*function
	known     map[string]schema.Function // the inventory as read before, by ARN
	malformed bool

	concurrency, recursion *collect.Probe
	aliases, provisioned   *collect.Probe
	rota                   rotas
	tagsUnread             atomic.Bool // some GetFunction had no answer
}

// function is everything about one function while it is being read.
type function struct {
	latest       schema.Function
	logging      schema.FunctionLogging
	published    map[string]schema.Function // by version; a page may repeat
	optimization map[string]string          // SnapStart's, by published version
	inUse        map[string]bool            // published versions that an alias or provisioned concurrency uses
	uses         uses
	done         []turn // details read in this run, to be remembered once all rows are put
	gone         bool   // deleted between the listing and the reading
}

func run(ctx context.Context, r *collect.Run) error {
	getFunction, ok := r.Params["get_function"].(bool)
	if !ok {
		return errors.New("collect functions: parameter get_function must be true or false")
	}
	concurrency := r.Probe("functions", "concurrency", "lambda:GetFunction").Also("functions", "state")
	if !getFunction {
		concurrency = r.Probe("functions", "concurrency", "lambda:GetFunctionConcurrency")
	}
	f := &reader{
		Run: r, client: lambda.NewFromConfig(r.AWS), getFunction: getFunction, listed: map[string]*function{}, known: map[string]schema.Function{},
		concurrency: concurrency,
		recursion:   r.Probe("functions", "recursion", "lambda:GetFunctionRecursionConfig"),
		aliases:     r.Probe("aliases", "", "lambda:ListAliases").Also("functions", "versions").Also("function_versions", "use"),
		provisioned: r.Probe("provisioned_concurrency", "", "lambda:ListProvisionedConcurrencyConfigs").Also("function_versions", "use"),
	}
	for _, fn := range r.Functions {
		f.known[fn.FunctionARN] = fn
	}
	listingWhole, err := f.list(ctx)
	if err != nil {
		return err
	}
	if err := f.loadRotas(ctx); err != nil {
		return err
	}
	f.plan(listingWhole)
	arns := slices.Sorted(maps.Keys(f.listed))
	if err := collect.Each(ctx, atOnce, arns, f.read); err != nil {
		f.rota.each(func(o *collect.Rota) { o.Break(ctx) })
		return fmt.Errorf("read functions: %w", err)
	}
	return f.finish(ctx, listingWhole)
}

// list reads every page; of a listing that breaks off, the pages before stay.
func (f *reader) list(ctx context.Context) (whole bool, err error) {
	err = collect.Pages(ctx, "lambda:ListFunctions", func(ctx context.Context, marker *string) (*string, error) {
		out, err := f.client.ListFunctions(ctx, &lambda.ListFunctionsInput{
			FunctionVersion: types.FunctionVersionAll, MaxItems: aws.Int32(pageSize), Marker: marker,
		})
		if err != nil {
			return nil, fmt.Errorf("list functions: %w", err)
		}
		for i := range out.Functions {
			f.add(&out.Functions[i])
		}
		return out.NextMarker, nil
	})
	if collect.Stop(err) {
		return false, err
	}
	if err == nil && f.malformed {
		err = errors.New("an entry of the listing is no function: it lacks an ARN")
	}
	if err == nil {
		return true, nil
	}
	for _, table := range []string{"functions", "function_versions", "function_logging", "aliases", "provisioned_concurrency"} {
		f.Gap(table, "", "", "lambda:ListFunctions", err)
	}
	f.Gap("resource_tags", "lambda:GetFunction", "", "lambda:ListFunctions", err)
	return false, nil
}

func (f *reader) add(c *types.FunctionConfiguration) {
	unqualified, name, qualifier, ok := collect.Function(aws.ToString(c.FunctionArn))
	if !ok {
		f.malformed = true
		return
	}
	row := f.row(c, unqualified, name)
	if row.Version == "" {
		row.Version = qualifier
	}
	fn := f.listed[unqualified]
	if fn == nil {
		fn = &function{published: map[string]schema.Function{}, optimization: map[string]string{}, inUse: map[string]bool{}, uses: uses{}}
		f.listed[unqualified] = fn
	}
	if row.Version == "" || row.Version == "$LATEST" {
		row.Version = "$LATEST"
		fn.latest, fn.logging = row, logging(c, row)
		if c.Environment != nil && c.Environment.Error != nil {
			e := c.Environment.Error
			f.Gap("functions", "environment", unqualified, "kms:Decrypt", answered(e.ErrorCode, e.Message))
		}
		return
	}
	fn.published[row.Version] = row
	if c.SnapStart != nil {
		fn.optimization[row.Version] = string(c.SnapStart.OptimizationStatus)
	}
}

// finish records what stayed unread, what was read wholly, and what is gone.
func (f *reader) finish(ctx context.Context, listingWhole bool) error {
	f.concurrency.Close()
	f.recursion.Close()
	answered := map[*collect.Rota]bool{f.rota.aliases: f.aliases.Close(), f.rota.provisioned: f.provisioned.Close(), f.rota.versions: true}
	tables := map[*collect.Rota]string{f.rota.aliases: "aliases", f.rota.provisioned: "provisioned_concurrency", f.rota.versions: "function_versions"}
	var fault error
	f.rota.each(func(o *collect.Rota) {
		since, whole, err := o.Close(ctx)
		fault = errors.Join(fault, err)
		if listingWhole && whole && answered[o] {
			f.CompleteSince(tables[o], "", since)
		}
	})
	if fault != nil || !listingWhole {
		return fault
	}
	f.Complete("functions", "")
	f.Complete("function_logging", "")
	// With get_function off this retires the tags of earlier runs that had it on.
	if !f.tagsUnread.Load() {
		f.Complete("resource_tags", "lambda:GetFunction")
	}
	return f.bury(ctx)
}
