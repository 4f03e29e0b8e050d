// Package inspection reads which functions Amazon Inspector scans, why it does
// not scan others, and how much it has found.
package inspection

import (
	"context"
	_ "embed"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/inspector2"
	"github.com/aws/aws-sdk-go-v2/service/inspector2/types"
	"github.com/aws/smithy-go"

	"github.com/faaswarden/faaswarden/internal/collect"
	"github.com/faaswarden/faaswarden/internal/schema"
)

//go:embed doc.md
var doc string

const (
	every    = 24 * time.Hour
	pageSize = 200

	statusAction   = "inspector2:BatchGetAccountStatus"
	coverageAction = "inspector2:ListCoverage"
	findingsAction = "inspector2:ListFindingAggregations"

	statusTable   = "inspector_status"
	coverageTable = "inspector_coverage"
	findingsTable = "inspector_findings"
)

// Collector reads Inspector's coverage of functions.
var Collector = &collect.Collector{
	Name:   "inspection",
	Title:  "which functions Amazon Inspector scans, and how many findings they have",
	Doc:    doc,
	Writes: []string{statusTable, coverageTable, findingsTable},
	Actions: []collect.Action{
		{Name: statusAction, Blinds: "whether Inspector is enabled at all"},
		{Name: coverageAction, Blinds: "which functions are scanned, and why others are not"},
		{Name: findingsAction, Blinds: "how many vulnerabilities functions have", With: "findings"},
	},
	Scope:  collect.PerRegion,
	Every:  every,
	Params: []collect.Param{{Name: "findings", Default: true, Doc: "count each function's findings by severity"}},
	Estimate: func(inv collect.Inventory) collect.APICost {
		const rowsPerFunction = 3 // scans of packages and of code, and a count
		return collect.APICost{Calls: collect.RunsPerMonth(every) * (3*inv.Scopes() + rowsPerFunction*float64(inv.Functions)/pageSize)}
	},
	Collect: run,
}

// collection is the state of one run.
type collection struct {
	*collect.Run
	api *inspector2.Client
}

func run(ctx context.Context, r *collect.Run) error {
	c := &collection{Run: r, api: inspector2.NewFromConfig(r.AWS)}
	scans, err := c.readStatus(ctx)
	if err := c.settle(ctx, statusTable, statusAction, err); err != nil {
		return err
	}
	if err == nil && !scans {
		c.Complete(coverageTable, "") // not enabled: no function is scanned, and that is known
		c.Complete(findingsTable, "")
		return nil
	}
	if err := c.settle(ctx, coverageTable, coverageAction, c.readCoverage(ctx)); err != nil {
		return err
	}
	if !c.Params["findings"].(bool) {
		return nil // not wanted
	}
	return c.settle(ctx, findingsTable, findingsAction, c.readFindings(ctx))
}

// settle says how the reading of a table ended: complete, a gap, or the end of
// the run.
func (c *collection) settle(ctx context.Context, table, action string, err error) error {
	switch {
	case err == nil:
		c.Complete(table, "")
	case ctx.Err() != nil, collect.Stop(err):
		return fmt.Errorf("read %s in %s: %w", table, c.Region, err)
	default:
		c.Gap(table, "", "", action, err)
	}
	return nil
}

// readStatus asks what Inspector does in the account and reports whether it
// scans functions, or has yet to stop.
func (c *collection) readStatus(ctx context.Context) (scans bool, err error) {
	out, err := c.api.BatchGetAccountStatus(ctx, &inspector2.BatchGetAccountStatusInput{AccountIds: []string{c.Account}})
	if err != nil {
		return false, err
	}
	for _, a := range out.Accounts {
		if aws.ToString(a.AccountId) != c.Account || a.ResourceState == nil {
			continue // another account's answer, or none
		}
		rows := []schema.InspectorStatus{c.status("account", a.State), c.status("lambda", a.ResourceState.Lambda), c.status("lambda_code", a.ResourceState.LambdaCode)}
		for _, row := range rows[1:] {
			scans = scans || row.Status != string(types.StatusDisabled)
		}
		return scans, collect.Put(ctx, c.Run, rows...)
	}
	for _, f := range out.FailedAccounts {
		if aws.ToString(f.AccountId) == c.Account {
			return false, failure(f)
		}
	}
	return false, fmt.Errorf("the answer lacks account %s", c.Account)
}

// failure is why Inspector does not tell an account's status, which comes
// within an answer and counts like a refused call.
func failure(f types.FailedAccount) error {
	code := string(f.ErrorCode)
	if f.ErrorCode == types.ErrorCodeAccessDenied {
		code = "AccessDeniedException"
	}
	return &smithy.GenericAPIError{Code: code, Message: aws.ToString(f.ErrorMessage)}
}

// status is a row; what an answer leaves out is not scanned.
func (c *collection) status(scans string, s *types.State) schema.InspectorStatus {
	row := schema.InspectorStatus{Account: c.Account, Region: c.Region, Scans: scans, Status: string(types.StatusDisabled), CollectedAt: c.Now}
	if s != nil {
		row.Status, row.ErrorCode = string(s.Status), string(s.ErrorCode)
	}
	return row
}

func (c *collection) readCoverage(ctx context.Context) error {
	filter := &types.CoverageFilterCriteria{
		ResourceType: []types.CoverageStringFilter{{Comparison: types.CoverageStringComparisonEquals, Value: aws.String(string(types.CoverageResourceTypeAwsLambdaFunction))}},
		AccountId:    []types.CoverageStringFilter{{Comparison: types.CoverageStringComparisonEquals, Value: aws.String(c.Account)}},
	}
	return collect.Pages(ctx, coverageAction, func(ctx context.Context, token *string) (*string, error) {
		out, err := c.api.ListCoverage(ctx, &inspector2.ListCoverageInput{FilterCriteria: filter, MaxResults: aws.Int32(pageSize), NextToken: token})
		if err != nil {
			return nil, err
		}
		var rows []schema.InspectorCoverage
		for _, r := range out.CoveredResources {
			function, version, ok := versionOf(aws.ToString(r.ResourceId))
			if !ok {
				continue // not a function
			}
			row := schema.InspectorCoverage{
				Account: c.Account, Region: c.Region, FunctionARN: function, Version: version, ScanType: string(r.ScanType), LastScannedAt: r.LastScannedAt, CollectedAt: c.Now,
			}
			if r.ScanStatus != nil {
				row.Status, row.Reason = string(r.ScanStatus.StatusCode), string(r.ScanStatus.Reason)
			}
			if m := r.ResourceMetadata; m != nil && m.LambdaFunction != nil {
				row.Runtime = string(m.LambdaFunction.Runtime)
			}
			rows = append(rows, row)
		}
		return out.NextToken, collect.Put(ctx, c.Run, rows...)
	})
}

// versionOf splits the ARN of a version of a function; without a qualifier it is $LATEST.
func versionOf(resource string) (function, version string, ok bool) {
	function, _, version, ok = collect.Function(resource)
	if version == "" {
		version = "$LATEST"
	}
	return function, version, ok
}

// readFindings counts active findings by function, in the account alone: an
// administrator would else be told of its members' too.
func (c *collection) readFindings(ctx context.Context) error {
	return collect.Pages(ctx, findingsAction, func(ctx context.Context, token *string) (*string, error) {
		out, err := c.api.ListFindingAggregations(ctx, &inspector2.ListFindingAggregationsInput{
			AggregationType: types.AggregationTypeAwsLambdaFunction, MaxResults: aws.Int32(findingsPage), NextToken: token,
			AccountIds: []types.StringFilter{{Comparison: types.StringComparisonEquals, Value: aws.String(c.Account)}},
		})
		if err != nil {
			return nil, err
		}
		var rows []schema.InspectorFindings
		for _, response := range out.Responses {
			counted, isFunction := response.(*types.AggregationResponseMemberLambdaFunctionAggregation)
			if !isFunction {
				continue
			}
			function, version, ok := versionOf(aws.ToString(counted.Value.ResourceId))
			if n := counted.Value.SeverityCounts; ok && n != nil {
				rows = append(rows, schema.InspectorFindings{
					Account: c.Account, Region: c.Region, FunctionARN: function, Version: version, Critical: aws.ToInt64(n.Critical), High: aws.ToInt64(n.High),
					Medium: aws.ToInt64(n.Medium), Total: aws.ToInt64(n.All), CollectedAt: c.Now,
				})
			}
		}
		return out.NextToken, collect.Put(ctx, c.Run, rows...)
	})
}

// findingsPage is the most that a page of aggregations holds.
const findingsPage = 100
