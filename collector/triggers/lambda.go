package triggers

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

func (t *reader) readMappings(ctx context.Context) error {
	malformed := false
	err := collect.Pages(ctx, "lambda:ListEventSourceMappings", func(ctx context.Context, marker *string) (*string, error) {
		out, err := t.lambda.ListEventSourceMappings(ctx, &lambda.ListEventSourceMappingsInput{Marker: marker, MaxItems: aws.Int32(100)})
		if err != nil {
			return nil, fmt.Errorf("list event source mappings: %w", err)
		}
		for i := range out.EventSourceMappings {
			row, edges, ok := t.mapping(&out.EventSourceMappings[i])
			if !ok {
				malformed = true
				continue
			}
			if err := collect.Put(ctx, t.Run, row); err != nil {
				return nil, err
			}
			if err := collect.Put(ctx, t.Run, t.detail(&out.EventSourceMappings[i], row)); err != nil {
				return nil, err
			}
			if err := collect.Put(ctx, t.Run, edges...); err != nil {
				return nil, err
			}
		}
		return out.NextMarker, nil
	})
	if err == nil && malformed {
		err = errors.New("a mapping lacks its UUID or its function")
	}
	switch {
	case collect.Stop(err):
		return err
	case err != nil:
		t.Gap("event_source_mappings", "", "", "lambda:ListEventSourceMappings", err)
		t.Gap("event_source_mapping_details", "", "", "lambda:ListEventSourceMappings", err)
		t.Gap("edges", "esm", "", "lambda:ListEventSourceMappings", err)
	default:
		t.Complete("event_source_mappings", "")
		t.Complete("event_source_mapping_details", "")
		t.Complete("edges", "esm")
	}
	return nil
}

// mapping is one event source mapping as a row, the edge into its function and
// the one out to where failed batches go.
func (t *reader) mapping(m *types.EventSourceMappingConfiguration) (row schema.EventSourceMapping, edges []schema.Edge, ok bool) {
	function, _, qualifier, ok := collect.Function(aws.ToString(m.FunctionArn))
	if !ok || aws.ToString(m.UUID) == "" {
		return row, nil, false
	}
	row = schema.EventSourceMapping{
		Account: t.Account, Region: t.Region, UUID: *m.UUID, FunctionARN: function, Qualifier: qualifier,
		SourceARN: aws.ToString(m.EventSourceArn), State: aws.ToString(m.State),
		BatchSize: int64(aws.ToInt32(m.BatchSize)), BatchWindowS: int64(aws.ToInt32(m.MaximumBatchingWindowInSeconds)),
		MaximumRetries: wide(m.MaximumRetryAttempts), Bisect: aws.ToBool(m.BisectBatchOnFunctionError),
		PartialResponses: len(m.FunctionResponseTypes) > 0, Filters: filters(m.FilterCriteria), CollectedAt: t.Now,
	}
	if m.ScalingConfig != nil {
		row.MaximumConcurrency = wide(m.ScalingConfig.MaximumConcurrency)
	}
	if d := m.DestinationConfig; d != nil && d.OnFailure != nil {
		row.OnFailureARN = aws.ToString(d.OnFailure.Destination)
	}
	enabled := row.State != "Disabled" && row.State != "Disabling" && row.State != "Deleting"
	add := func(kind, src, dst string) {
		e := t.edge("esm", kind, src, dst, row.UUID)
		e.Enabled, e.Filter = enabled, row.Filters
		if kind == "destination" {
			e.Filter = ""
			e.Attributes["on"] = "failure"
		}
		if qualifier != "" {
			e.Attributes["qualifier"] = qualifier
		}
		delete(e.Attributes, "destination_arn") // the function is in the row
		edges = append(edges, e)
	}
	if row.SourceARN != "" {
		add("trigger", row.SourceARN, function)
	}
	if row.OnFailureARN != "" {
		add("destination", function, row.OnFailureARN)
	}
	return row, edges, true
}

// filters is a mapping's filter criteria as AWS's API spells them.
func filters(c *types.FilterCriteria) string {
	if c == nil || len(c.Filters) == 0 {
		return ""
	}
	type filter struct{ Pattern string }
	var list struct{ Filters []filter }
	for _, f := range c.Filters {
		list.Filters = append(list.Filters, filter{aws.ToString(f.Pattern)})
	}
	return compact(list)
}

func (t *reader) readInvokeConfigs(ctx context.Context) error {
	rota, err := t.NewRota(ctx, "invoke configs")
	if err != nil {
		return err
	}
	probe := t.Probe("event_invoke_configs", "", "lambda:ListFunctionEventInvokeConfigs").Also("edges", "invoke_config")
	return rota.AskFunctions(ctx, atOnce, probe, func(ctx context.Context, fn schema.Function) error {
		return collect.Pages(ctx, "lambda:ListFunctionEventInvokeConfigs", func(ctx context.Context, marker *string) (*string, error) {
			out, err := t.lambda.ListFunctionEventInvokeConfigs(ctx, &lambda.ListFunctionEventInvokeConfigsInput{FunctionName: &fn.FunctionName, Marker: marker})
			if err != nil {
				return nil, fmt.Errorf("list event invoke configs: %w", err)
			}
			for i := range out.FunctionEventInvokeConfigs {
				if err := t.putInvokeConfig(ctx, fn, &out.FunctionEventInvokeConfigs[i]); err != nil {
					return nil, err
				}
			}
			return out.NextMarker, nil
		})
	})
}

func (t *reader) putInvokeConfig(ctx context.Context, fn schema.Function, c *types.FunctionEventInvokeConfig) error {
	_, _, qualifier, ok := collect.Function(aws.ToString(c.FunctionArn))
	if !ok {
		return errors.New("an event invoke config lacks its function")
	}
	row := schema.EventInvokeConfig{
		Account: t.Account, Region: t.Region, FunctionARN: fn.FunctionARN, Qualifier: qualifier,
		MaximumAgeS: wide(c.MaximumEventAgeInSeconds), MaximumRetries: wide(c.MaximumRetryAttempts), CollectedAt: t.Now,
	}
	if d := c.DestinationConfig; d != nil {
		if d.OnSuccess != nil {
			row.OnSuccessARN = aws.ToString(d.OnSuccess.Destination)
		}
		if d.OnFailure != nil {
			row.OnFailureARN = aws.ToString(d.OnFailure.Destination)
		}
	}
	var edges []schema.Edge
	for _, to := range []struct{ on, arn string }{{"success", row.OnSuccessARN}, {"failure", row.OnFailureARN}} {
		if to.arn == "" {
			continue
		}
		e := t.edge("invoke_config", "destination", fn.FunctionARN, to.arn, qualifier+" on "+to.on)
		e.Attributes["on"], e.Attributes["qualifier"] = to.on, qualifier
		edges = append(edges, e)
	}
	if err := collect.Put(ctx, t.Run, row); err != nil {
		return err
	}
	return collect.Put(ctx, t.Run, edges...)
}

type statement struct {
	Sid       string
	Effect    string
	Principal collect.Principals
	Action    collect.Texts
	Resource  collect.Texts
	Condition map[string]map[string]collect.Texts // operator → key → values
}

// policyEdges says who a resource policy lets in: the source where a condition
// names it, else the principal.
func (t *reader) policyEdges(function, document string) ([]schema.Edge, error) {
	list, err := parsePolicy(document)
	if err != nil {
		return nil, err
	}
	var edges []schema.Edge
	for _, s := range list {
		if s.Effect != "Allow" || !s.invokes() {
			continue
		}
		about, qualifier, err := s.about(function)
		if err != nil {
			return nil, err
		}
		if about {
			edges = append(edges, t.statementEdges(function, qualifier, s)...)
		}
	}
	return edges, nil
}

func (t *reader) statementEdges(function, qualifier string, s statement) []schema.Edge {
	var edges []schema.Edge
	for kind, list := range s.Principal {
		for _, principal := range list {
			sources := s.condition("aws:sourcearn")
			if len(sources) == 0 {
				sources = []string{principal}
			}
			for _, source := range sources {
				e := t.edge("policy", "invoke_permission", source, function, s.Sid)
				e.Certainty = "permitted"
				if kind == "Service" && source == principal {
					e.SrcKind = "service"
				}
				e.Attributes["principal"] = principal
				for attribute, key := range map[string]string{
					"source_account": "aws:sourceaccount", "organization": "aws:principalorgid", "url_auth_type": "lambda:functionurlauthtype",
				} {
					if values := s.condition(key); len(values) > 0 {
						e.Attributes[attribute] = strings.Join(values, ",")
					}
				}
				if qualifier != "" {
					e.Attributes["qualifier"] = qualifier
				}
				edges = append(edges, e)
			}
		}
	}
	return edges
}

// invokes reports whether the statement is about invoking; actions compare
// without case, and may have wildcards.
func (s statement) invokes() bool {
	for _, action := range s.Action {
		if action = strings.ToLower(action); action == "*" || action == "lambda:*" || strings.HasPrefix(action, "lambda:invoke") || action == "lambda:i*" {
			return true
		}
	}
	return false
}

// about reports whether the statement concerns the function, and which of its
// qualifiers. One about another function means the answer is not ours.
func (s statement) about(function string) (about bool, qualifier string, _ error) {
	if len(s.Resource) == 0 {
		return true, "", nil
	}
	for _, resource := range s.Resource {
		if resource == "*" {
			return true, "", nil
		}
		unqualified, _, q, ok := collect.Function(resource)
		if !ok || unqualified != function {
			return false, "", errors.New("the resource policy is about another function")
		}
		qualifier = q
	}
	return true, qualifier, nil
}

// condition lists the values that the statement demands of a key, whatever the
// operator of equality; keys compare without case.
func (s statement) condition(key string) []string {
	var values []string
	for operator, keys := range s.Condition {
		operator = strings.ToLower(operator)
		if strings.Contains(operator, "not") || !strings.Contains(operator, "equals") && !strings.Contains(operator, "like") {
			continue
		}
		for name, list := range keys {
			if strings.EqualFold(name, key) {
				values = append(values, list...)
			}
		}
	}
	return values
}

func wide(n *int32) *int64 {
	if n == nil {
		return nil
	}
	return aws.Int64(int64(*n))
}
