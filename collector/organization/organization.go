// Package organization collects the organisation above the accounts: its
// accounts and units, service control policies and tag policies.
package organization

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/organizations"
	"github.com/aws/aws-sdk-go-v2/service/organizations/types"

	"github.com/faaswarden/faaswarden/internal/collect"
	"github.com/faaswarden/faaswarden/internal/schema"
)

//go:embed doc.md
var doc string

// The tables, and the kinds of their gaps that leave a row without something.
const (
	accountsTable   = "organization_accounts"
	unitsTable      = "organization_units"
	policiesTable   = "organization_policies"
	statementsTable = "organization_policy_statements"
	tagTable        = "tag_policies"

	unitsKind   = "units"   // where accounts are
	tagsKind    = "tags"    // of accounts
	targetsKind = "targets" // of policies
	enabledKind = "enabled" // whether policies are in force
)

const (
	describeOrganization = "organizations:DescribeOrganization"
	listRoots            = "organizations:ListRoots"
	listUnits            = "organizations:ListOrganizationalUnitsForParent"
	listOfParent         = "organizations:ListAccountsForParent"
	listAccounts         = "organizations:ListAccounts"
	listTags             = "organizations:ListTagsForResource"
	listPolicies         = "organizations:ListPolicies"
	describePolicy       = "organizations:DescribePolicy"
	listTargets          = "organizations:ListTargetsForPolicy"
)

// Collector reads the organisation of the first account.
var Collector = &collect.Collector{
	Name:   "organization",
	Title:  "the organisation's accounts, units, service control policies and tag policies",
	Doc:    doc,
	Writes: tables,
	Actions: []collect.Action{
		{Name: describeOrganization, Blinds: "whether there is an organisation, its id and which account manages it"},
		{Name: listRoots, Blinds: "units, where accounts are among them, and which types of policies are enabled"},
		{Name: listUnits, Blinds: "units below the root, and where accounts are among them"},
		{Name: listOfParent, Blinds: "where accounts are among the units"},
		{Name: listAccounts, Blinds: "accounts that are not found by their units"},
		{Name: listTags, Blinds: "tags of accounts"},
		{Name: listPolicies, Blinds: "service control policies and tag policies"},
		{Name: describePolicy, Blinds: "what policies say"},
		{Name: listTargets, Blinds: "what policies are attached to"},
	},
	Scope:    collect.Once,
	Every:    every,
	Timeout:  time.Hour,
	Estimate: estimate,
	Collect:  run,
}

var tables = []string{accountsTable, unitsTable, policiesTable, statementsTable, tagTable}

const (
	every  = 24 * time.Hour
	atOnce = 4
)

// estimate: an account is listed in pages of twenty with its unit and again
// with the policy that is attached everywhere, and asked for its tags; some
// twenty units and policies come to a hundred calls.
func estimate(i collect.Inventory) collect.APICost {
	const perAccount, rest = 1 + 2.0/20, 100.0
	return collect.APICost{Calls: (perAccount*float64(i.Accounts) + rest) * collect.RunsPerMonth(every)}
}

// reader reads one organisation.
type reader struct {
	*collect.Run
	client     *organizations.Client
	id         string // of the organisation; empty when it could not be read
	management string
}

// endpointRegion is where a partition's one Organizations is. Of a partition
// that is not named here the SDK's own endpoints know.
func endpointRegion(partition, region string) string {
	switch partition {
	case "aws":
		return "us-east-1"
	case "aws-cn":
		return "cn-northwest-1"
	case "aws-us-gov":
		return "us-gov-west-1"
	}
	return region
}

func run(ctx context.Context, r *collect.Run) error {
	p := &reader{Run: r, client: organizations.NewFromConfig(r.AWS, func(o *organizations.Options) { o.Region = endpointRegion(r.Partition, o.Region) })}
	err := p.read(ctx)
	if alone(err) {
		// The account belongs to no organisation: there is nothing of one, for certain.
		for _, table := range tables {
			r.Complete(table, "")
		}
		return nil
	}
	if err != nil {
		return fmt.Errorf("read the organisation: %w", err)
	}
	for _, table := range tables {
		if !slices.ContainsFunc(r.Gaps(), func(g schema.EvidenceGap) bool { return g.TableName == table && g.Kind == "" }) {
			r.Complete(table, "")
		}
	}
	return nil
}

// alone reports the answer that the account belongs to no organisation.
func alone(err error) bool {
	_, ok := errors.AsType[*types.AWSOrganizationsNotInUseException](err)
	return ok
}

// read returns the errors that end the run, and that there is no organisation.
func (p *reader) read(ctx context.Context) error {
	if err := p.describe(ctx); err != nil {
		return err
	}
	tree, err := p.units(ctx)
	if err != nil {
		return err
	}
	if err := p.accounts(ctx, tree); err != nil {
		return err
	}
	return p.policies(ctx, tree)
}

// describe reads which organisation it is. Every member may ask this.
func (p *reader) describe(ctx context.Context) error {
	out, err := p.client.DescribeOrganization(ctx, &organizations.DescribeOrganizationInput{})
	if err == nil && out.Organization == nil {
		err = errors.New("the answer names no organisation")
	}
	if err != nil {
		return p.gap(err, describeOrganization, [2]string{accountsTable, "organization"}, [2]string{unitsTable, "organization"}, [2]string{policiesTable, "organization"})
	}
	p.id, p.management = aws.ToString(out.Organization.Id), aws.ToString(out.Organization.MasterAccountId)
	return nil
}

// gap records what a refusal costs. It returns the errors that end the run.
func (p *reader) gap(err error, action string, evidence ...[2]string) error {
	if collect.Stop(err) || alone(err) {
		return err
	}
	err = p.advised(err)
	for _, e := range evidence {
		p.Gap(e[0], e[1], "", action, err)
	}
	return nil
}

// advised adds the remedy to a refusal that no policy of the account can lift:
// members are not told of one another.
func (p *reader) advised(err error) error {
	if collect.Classify(err) != collect.Denied || p.management == "" || p.management == p.Account {
		return err
	}
	return fmt.Errorf("account %s is a member of organisation %s: remedy: make its management account %s, or a delegated administrator, the first of aws.accounts: %w",
		p.Account, p.id, p.management, err)
}
