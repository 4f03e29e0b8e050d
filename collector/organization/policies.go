package organization

import (
	"context"
	"errors"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/organizations"
	"github.com/aws/aws-sdk-go-v2/service/organizations/types"

	"github.com/faaswarden/faaswarden/internal/collect"
	"github.com/faaswarden/faaswarden/internal/schema"
)

// contentTable is where what a policy says goes.
func contentTable(kind types.PolicyType) string {
	if kind == types.PolicyTypeTagPolicy {
		return tagTable
	}
	return statementsTable
}

// policies reads service control and tag policies.
func (p *reader) policies(ctx context.Context, t *tree) error {
	targets := p.Probe(policiesTable, targetsKind, listTargets)
	for _, kind := range []types.PolicyType{types.PolicyTypeServiceControlPolicy, types.PolicyTypeTagPolicy} {
		list, err := p.policiesOf(ctx, kind)
		if unavailable(err) {
			continue // the organisation only bills together: there are no such policies
		}
		if err != nil {
			if err := p.gap(err, listPolicies, [2]string{policiesTable, ""}, [2]string{contentTable(kind), ""}); err != nil {
				return err
			}
		}
		content := p.Probe(contentTable(kind), "", describePolicy)
		err = collect.Each(ctx, atOnce, list, func(ctx context.Context, summary types.PolicySummary) error {
			if err := p.policy(ctx, summary, t.enabled[kind], targets); err != nil {
				return err
			}
			return p.content(ctx, summary, content)
		})
		content.Close()
		if err != nil {
			return err
		}
	}
	targets.Close()
	return nil
}

// unavailable reports that the organisation cannot have policies of the type.
func unavailable(err error) bool {
	switch collect.Code(err) {
	case "PolicyTypeNotAvailableForOrganizationException", "PolicyTypeNotEnabledException", "UnsupportedAPIEndpointException":
		return true
	}
	return false
}

func (p *reader) policiesOf(ctx context.Context, kind types.PolicyType) ([]types.PolicySummary, error) {
	var list []types.PolicySummary
	err := collect.Pages(ctx, listPolicies, func(ctx context.Context, token *string) (*string, error) {
		out, err := p.client.ListPolicies(ctx, &organizations.ListPoliciesInput{Filter: kind, NextToken: token})
		if err != nil {
			return nil, err
		}
		list = append(list, out.Policies...)
		return out.NextToken, nil
	})
	return list, err
}

// policy writes what a policy is and what it is attached to.
func (p *reader) policy(ctx context.Context, s types.PolicySummary, enabled bool, probe *collect.Probe) error {
	row := schema.OrganizationPolicy{
		Account: p.Account, Region: p.Region, OrganizationID: p.id, PolicyID: aws.ToString(s.Id), Type: string(s.Type), Name: aws.ToString(s.Name),
		Description: aws.ToString(s.Description), AWSManaged: s.AwsManaged, Enabled: enabled, CollectedAt: p.Now,
	}
	if !probe.Hopeless() {
		targets, err := p.targetsOf(ctx, row.PolicyID)
		if collect.Stop(err) {
			return err
		}
		probe.Answered(row.PolicyID, p.advised(err))
		if err == nil {
			row.Targets, row.TargetsRead = targets, true
		}
	}
	return collect.Put(ctx, p.Run, row)
}

func (p *reader) targetsOf(ctx context.Context, id string) ([]string, error) {
	var list []string
	err := collect.Pages(ctx, listTargets, func(ctx context.Context, token *string) (*string, error) {
		out, err := p.client.ListTargetsForPolicy(ctx, &organizations.ListTargetsForPolicyInput{PolicyId: &id, NextToken: token})
		if err != nil {
			return nil, err
		}
		for _, target := range out.Targets {
			list = append(list, aws.ToString(target.TargetId))
		}
		return out.NextToken, nil
	})
	return list, err
}

// content writes what a policy says.
func (p *reader) content(ctx context.Context, s types.PolicySummary, probe *collect.Probe) error {
	if probe.Hopeless() {
		return nil
	}
	id := aws.ToString(s.Id)
	out, err := p.client.DescribePolicy(ctx, &organizations.DescribePolicyInput{PolicyId: &id})
	if err == nil && (out.Policy == nil || out.Policy.Content == nil) {
		err = errors.New("the answer holds no policy")
	}
	if collect.Stop(err) {
		return err
	}
	if err != nil {
		probe.Answered(id, p.advised(err))
		return nil
	}
	rows, err := p.parsed(s.Type, id, *out.Policy.Content)
	probe.Answered(id, err)
	return collect.Put(ctx, p.Run, rows...)
}

// parsed are a policy's rows, of one table or the other.
func (p *reader) parsed(kind types.PolicyType, id, text string) ([]schema.Row, error) {
	var rows []schema.Row
	if kind == types.PolicyTypeTagPolicy {
		tags, err := parseTags(text)
		for _, t := range tags {
			t.Account, t.Region, t.PolicyID, t.CollectedAt = p.Account, p.Region, id, p.Now
			rows = append(rows, t)
		}
		return rows, err
	}
	statements, err := parseControls(text)
	for _, s := range statements {
		s.Account, s.Region, s.PolicyID, s.CollectedAt = p.Account, p.Region, id, p.Now
		rows = append(rows, s)
	}
	return rows, err
}
