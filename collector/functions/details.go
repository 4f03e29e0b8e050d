package functions

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"github.com/faaswarden/faaswarden/internal/collect"
	"github.com/faaswarden/faaswarden/internal/schema"
)

// read completes one function and writes it.
func (f *reader) read(ctx context.Context, functionARN string) error {
	fn := f.listed[functionARN]
	if fn.latest.FunctionARN == "" {
		f.Gap("functions", "", functionARN, "lambda:ListFunctions", errors.New("the listing holds published versions of the function but not $LATEST"))
		return nil
	}
	for _, step := range []func(context.Context, *function) error{f.readConcurrency, f.readRecursion, f.readAliases, f.readProvisioned} {
		if err := step(ctx, fn); err != nil {
			return err
		}
		if fn.gone {
			f.rota.each(func(o *collect.Rota) { o.Gone(fn.latest.FunctionName) })
			return f.buryOne(ctx, fn.latest.FunctionARN)
		}
	}
	if err := f.putFunction(ctx, fn); err != nil {
		return err
	}
	if err := f.putVersions(ctx, fn); err != nil {
		return err
	}
	if err := f.putHistory(ctx, fn); err != nil {
		return err
	}
	for _, t := range fn.done {
		if err := t.rota.Read(ctx, fn.latest.FunctionName, t.note); err != nil {
			return err
		}
	}
	return nil
}

// putFunction writes $LATEST and the published versions in use.
func (f *reader) putFunction(ctx context.Context, fn *function) error {
	rows := []schema.Function{fn.latest}
	for _, row := range fn.published {
		if fn.inUse[row.Version] {
			row.ReservedConcurrency, row.ReservedRead, row.RecursiveLoop = fn.latest.ReservedConcurrency, fn.latest.ReservedRead, fn.latest.RecursiveLoop
			rows = append(rows, row)
		}
	}
	if err := collect.Put(ctx, f.Run, rows...); err != nil {
		return err
	}
	return collect.Put(ctx, f.Run, fn.logging)
}

// settle notes how AWS answered about a function. answered tells the caller to
// go on with the answer; an error ends the run.
func (f *reader) settle(fn *function, err error, probe *collect.Probe) (answered bool, _ error) {
	var notFound *types.ResourceNotFoundException
	switch {
	case collect.Stop(err):
		return false, err
	case errors.As(err, &notFound):
		fn.gone = true // deleted since it was listed
		return false, nil
	}
	probe.Answered(fn.latest.FunctionARN, err)
	return err == nil, nil
}

func (f *reader) readConcurrency(ctx context.Context, fn *function) error {
	if o := f.rota.concurrency; o != nil && !o.Due(fn.latest.FunctionName) {
		known := f.known[fn.latest.FunctionARN]
		fn.latest.ReservedConcurrency, fn.latest.ReservedRead = known.ReservedConcurrency, known.ReservedRead
		return nil
	}
	if f.concurrency.Hopeless() {
		f.tagsUnread.Store(true)
		return nil
	}
	if !f.getFunction {
		out, err := f.client.GetFunctionConcurrency(ctx, &lambda.GetFunctionConcurrencyInput{FunctionName: &fn.latest.FunctionName})
		ok, err := f.settle(fn, err, f.concurrency)
		if ok {
			fn.reserve(out.ReservedConcurrentExecutions)
			fn.turn(f.rota.concurrency, "")
		}
		return err
	}
	out, err := f.client.GetFunction(ctx, &lambda.GetFunctionInput{FunctionName: &fn.latest.FunctionName})
	if err == nil && !about(out, fn) {
		err = errors.New("the answer is about another function")
	}
	ok, stop := f.settle(fn, err, f.concurrency)
	if !ok {
		f.tagsUnread.Store(f.tagsUnread.Load() || !fn.gone)
		return stop
	}
	var reserved *int32
	if out.Concurrency != nil {
		reserved = out.Concurrency.ReservedConcurrentExecutions
	}
	fn.reserve(reserved)
	if out.Configuration != nil {
		fn.latest.State, fn.latest.StateReasonCode = string(out.Configuration.State), string(out.Configuration.StateReasonCode)
	}
	return f.putTags(ctx, fn, out)
}

// about reports whether the answer is about the function that was asked for.
func about(out *lambda.GetFunctionOutput, fn *function) bool {
	if out.Configuration == nil || out.Configuration.FunctionArn == nil {
		return true
	}
	unqualified, _, _, _ := collect.Function(*out.Configuration.FunctionArn)
	return unqualified == fn.latest.FunctionARN
}

func (fn *function) reserve(n *int32) {
	fn.latest.ReservedRead = true
	if n != nil {
		fn.latest.ReservedConcurrency = aws.Int64(int64(*n))
	}
}

// putTags keeps what GetFunction says about tags in passing: tags when there
// are any, and the refusal when it names one. An answer without tags says
// nothing, since callers that may not list tags get the same.
func (f *reader) putTags(ctx context.Context, fn *function, out *lambda.GetFunctionOutput) error {
	row := schema.ResourceTags{
		Account: f.Account, Region: f.Region, ResourceARN: fn.latest.FunctionARN, Source: "lambda:GetFunction",
		Tags: out.Tags, Status: "read", CollectedAt: f.Now,
	}
	switch e := out.TagsError; {
	case e != nil:
		err := answered(e.ErrorCode, e.Message)
		f.Gap("resource_tags", row.Source, row.ResourceARN, "lambda:ListTags", err)
		row.Tags, row.Status, row.Detail = nil, string(collect.Classify(err)), collect.Describe(err)
	case len(out.Tags) == 0:
		return nil
	}
	return collect.Put(ctx, f.Run, row)
}

func (f *reader) readRecursion(ctx context.Context, fn *function) error {
	if !f.rota.recursion.Due(fn.latest.FunctionName) {
		fn.latest.RecursiveLoop = f.known[fn.latest.FunctionARN].RecursiveLoop
		return nil
	}
	if f.recursion.Hopeless() {
		return nil
	}
	out, err := f.client.GetFunctionRecursionConfig(ctx, &lambda.GetFunctionRecursionConfigInput{FunctionName: &fn.latest.FunctionName})
	ok, err := f.settle(fn, err, f.recursion)
	if ok {
		fn.latest.RecursiveLoop = string(out.RecursiveLoop)
		fn.turn(f.rota.recursion, "")
	}
	return err
}

// readAliases is asked only where there are published versions: an alias to
// $LATEST alone changes nothing that is judged or billed.
func (f *reader) readAliases(ctx context.Context, fn *function) error {
	if len(fn.published) == 0 {
		return nil
	}
	if o := f.rota.aliases; !o.Due(fn.latest.FunctionName) {
		fn.recall(o.Note(fn.latest.FunctionName))
		return nil
	}
	if f.aliases.Hopeless() {
		fn.uses.unread = true
		return nil
	}
	var rows []schema.Alias
	var found []string
	err := collect.Pages(ctx, "lambda:ListAliases", func(ctx context.Context, marker *string) (*string, error) {
		out, err := f.client.ListAliases(ctx, &lambda.ListAliasesInput{FunctionName: &fn.latest.FunctionName, Marker: marker})
		if err != nil {
			return nil, fmt.Errorf("list aliases: %w", err)
		}
		for _, a := range out.Aliases {
			row := schema.Alias{
				Account: f.Account, Region: f.Region, FunctionARN: fn.latest.FunctionARN,
				Alias: aws.ToString(a.Name), Version: aws.ToString(a.FunctionVersion), CollectedAt: f.Now,
			}
			if a.RoutingConfig != nil {
				row.Weights = a.RoutingConfig.AdditionalVersionWeights
			}
			fn.use(&found, row.Version, "alias:"+row.Alias)
			for version := range row.Weights {
				fn.use(&found, version, "weight:"+row.Alias)
			}
			rows = append(rows, row)
		}
		return out.NextMarker, nil
	})
	answered, err := f.settle(fn, err, f.aliases)
	if err != nil || fn.gone {
		return err
	}
	if answered {
		fn.turn(f.rota.aliases, strings.Join(found, " "))
	}
	fn.uses.unread = fn.uses.unread || !answered
	return collect.Put(ctx, f.Run, rows...)
}

func (f *reader) readProvisioned(ctx context.Context, fn *function) error {
	if len(fn.published) == 0 {
		return nil
	}
	if o := f.rota.provisioned; !o.Due(fn.latest.FunctionName) {
		fn.recall(o.Note(fn.latest.FunctionName))
		return nil
	}
	if f.provisioned.Hopeless() {
		fn.uses.unread = true
		return nil
	}
	var rows []schema.ProvisionedConcurrency
	var found []string
	err := collect.Pages(ctx, "lambda:ListProvisionedConcurrencyConfigs", func(ctx context.Context, marker *string) (*string, error) {
		out, err := f.client.ListProvisionedConcurrencyConfigs(ctx, &lambda.ListProvisionedConcurrencyConfigsInput{FunctionName: &fn.latest.FunctionName, Marker: marker})
		if err != nil {
			return nil, fmt.Errorf("list provisioned concurrency: %w", err)
		}
		for _, c := range out.ProvisionedConcurrencyConfigs {
			qualifier := aws.ToString(c.FunctionArn)
			qualifier = qualifier[strings.LastIndex(qualifier, ":")+1:]
			fn.use(&found, qualifier, "provisioned:"+qualifier)
			rows = append(rows, schema.ProvisionedConcurrency{
				Account: f.Account, Region: f.Region, FunctionARN: fn.latest.FunctionARN, Qualifier: qualifier,
				Requested: int64(aws.ToInt32(c.RequestedProvisionedConcurrentExecutions)),
				Allocated: int64(aws.ToInt32(c.AllocatedProvisionedConcurrentExecutions)),
				Available: int64(aws.ToInt32(c.AvailableProvisionedConcurrentExecutions)),
				Status:    string(c.Status), CollectedAt: f.Now,
			})
		}
		return out.NextMarker, nil
	})
	answered, err := f.settle(fn, err, f.provisioned)
	if err != nil || fn.gone {
		return err
	}
	if answered {
		fn.turn(f.rota.provisioned, strings.Join(found, " "))
	}
	fn.uses.unread = fn.uses.unread || !answered
	return collect.Put(ctx, f.Run, rows...)
}
