package triggers

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"

	"github.com/faaswarden/faaswarden/internal/collect"
	"github.com/faaswarden/faaswarden/internal/schema"
)

// holder is what a resource policy is attached to: a function, or one of its
// aliases or versions.
type holder struct {
	function, name, qualifier string
	mark                      string
}

func (h holder) arn() string { return qualified(h.function, h.qualifier) }
func (h holder) id() string  { return qualified(h.name, h.qualifier) }

func qualified(name, qualifier string) string {
	if qualifier == "" {
		return name
	}
	return name + ":" + qualifier
}

// readPolicies asks for the policy of each function, of its aliases and of its
// versions in use, once for each. Edges are made of the functions' own alone: a
// policy of an alias lets somebody invoke the function by that name only.
func (t *reader) readPolicies(ctx context.Context) error {
	holders, err := t.holders(ctx)
	if err != nil {
		return err
	}
	rota, err := t.NewRota(ctx, "policies")
	if err != nil {
		return err
	}
	var items []collect.Item
	for id, h := range holders {
		items = append(items, collect.Item{ID: id, Mark: h.mark})
	}
	rota.Plan(items, true)
	probe := t.Probe("edges", "policy", "lambda:GetPolicy").Also("function_policy_statements", "")
	err = rota.Ask(ctx, atOnce, probe, func(ctx context.Context, id string) (string, error) {
		return holders[id].arn(), t.readPolicy(ctx, holders[id])
	})
	if err != nil {
		return err
	}
	return rota.Finish(ctx, probe)
}

// holders are all that may have a policy, by what the rota calls them.
func (t *reader) holders(ctx context.Context) (map[string]holder, error) {
	holders, functions := map[string]holder{}, map[string]holder{}
	for _, fn := range t.Functions {
		h := holder{function: fn.FunctionARN, name: fn.FunctionName, mark: collect.FunctionItem(fn).Mark}
		holders[h.id()], functions[fn.FunctionARN] = h, h
	}
	if t.Resources == nil {
		return holders, nil
	}
	arns, err := t.Resources(ctx, collect.QualifierResources)
	if err != nil {
		return nil, fmt.Errorf("list aliases and versions in use: %w", err)
	}
	for _, arn := range arns {
		unqualified, _, qualifier, ok := collect.Function(arn)
		h, known := functions[unqualified]
		if !ok || !known || qualifier == "" {
			continue // of a function that is gone
		}
		h.qualifier = qualifier
		holders[h.id()] = h
	}
	return holders, nil
}

func (t *reader) readPolicy(ctx context.Context, h holder) error {
	in := &lambda.GetPolicyInput{FunctionName: &h.name}
	if h.qualifier != "" {
		in.Qualifier = &h.qualifier
	}
	out, err := t.lambda.GetPolicy(ctx, in)
	if err != nil {
		return fmt.Errorf("get resource policy: %w", err)
	}
	rows, err := t.policyStatements(h, aws.ToString(out.Policy))
	if err != nil {
		return err
	}
	if h.qualifier == "" {
		edges, err := t.policyEdges(h.function, aws.ToString(out.Policy))
		if err != nil {
			return err
		}
		if err := collect.Put(ctx, t.Run, edges...); err != nil {
			return err
		}
	}
	return collect.Put(ctx, t.Run, rows...)
}

func parsePolicy(document string) ([]statement, error) {
	var policy struct {
		Statement collect.OneOrMany[statement]
	}
	if json.Unmarshal([]byte(document), &policy) != nil {
		return nil, errors.New("the resource policy is not an IAM policy document")
	}
	return policy.Statement, nil
}

// policyStatements are a policy's statements, a row for each principal.
func (t *reader) policyStatements(h holder, document string) ([]schema.FunctionPolicyStatement, error) {
	list, err := parsePolicy(document)
	if err != nil {
		return nil, err
	}
	var rows []schema.FunctionPolicyStatement
	for _, s := range list {
		if _, _, err := s.about(h.function); err != nil {
			return nil, err
		}
		row := schema.FunctionPolicyStatement{
			Account: t.Account, Region: t.Region, FunctionARN: h.function, Qualifier: h.qualifier, SID: s.Sid, Effect: s.Effect, Actions: s.Action,
			Condition: s.conditions(), SourceAccount: strings.Join(s.condition("aws:sourceaccount"), ","),
			SourceARN: strings.Join(s.condition("aws:sourcearn"), ","), CollectedAt: t.Now,
		}
		if len(s.Principal) == 0 {
			rows = append(rows, row) // NotPrincipal: a statement all the same
		}
		for kind, principals := range s.Principal {
			for _, principal := range principals {
				row.PrincipalType, row.Principal = kind, principal
				rows = append(rows, row)
			}
		}
	}
	return rows, nil
}

// conditions is the statement's condition as JSON. An event source token is
// what a caller proves itself with, and is left out.
func (s statement) conditions() string {
	kept := map[string]map[string]collect.Texts{}
	for operator, keys := range s.Condition {
		kept[operator] = map[string]collect.Texts{}
		for key, values := range keys {
			if strings.EqualFold(key, "lambda:EventSourceToken") {
				values = collect.Texts{}
			}
			kept[operator][key] = values
		}
	}
	return compact(kept)
}
