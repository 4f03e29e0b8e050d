// Package permissions collects where functions may write: the policies of
// their roles, and the edges that follow from them and from the resources that
// the functions' environments name.
package permissions

import (
	"context"
	_ "embed"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/faaswarden/faaswarden/internal/collect"
	"github.com/faaswarden/faaswarden/internal/schema"
)

//go:embed doc.md
var doc string

// Collector reads the permissions of one region's functions.
var Collector = &collect.Collector{
	Name:   "permissions",
	Title:  "where functions may write: their roles' policies and the resources they name; and who may assume the roles",
	Doc:    doc,
	Writes: []string{"role_statements", "roles", "edges"},
	Reads:  []string{"functions"},
	Actions: []collect.Action{
		{Name: detailsAction, Blinds: "nothing: roles are then read one by one, with the six actions that follow, at six calls a role"},
		{Name: "iam:GetRole", Blinds: "a role's permissions boundary, who may assume it and when it was last used"},
		{Name: "iam:ListRolePolicies", Blinds: "inline policies of roles"},
		{Name: "iam:GetRolePolicy", Blinds: "what an inline policy allows"},
		{Name: "iam:ListAttachedRolePolicies", Blinds: "managed policies of roles"},
		{Name: "iam:GetPolicy", Blinds: "which version of a managed policy holds"},
		{Name: "iam:GetPolicyVersion", Blinds: "what a managed policy allows"},
	},
	Scope:    collect.PerRegion,
	Every:    every,
	Timeout:  45 * time.Minute,
	Estimate: estimate,
	Collect:  run,
}

const (
	every  = 12 * time.Hour
	atOnce = 4
)

// estimate: an account's roles, one for each function and as many again that are
// no function's, and half as many policies, by pages of a hundred, as IAM makes
// them smaller than asked for when policies are long.
func estimate(i collect.Inventory) collect.APICost {
	const itemsPerFunction, page = 3.0, 100.0
	calls := 2*float64(max(1, i.Accounts)) + itemsPerFunction*float64(i.Functions)/page
	return collect.APICost{Calls: calls * collect.RunsPerMonth(every)}
}

func run(ctx context.Context, r *collect.Run) error {
	byRole := map[string][]schema.Function{}
	for _, fn := range r.Functions {
		if fn.RoleARN != "" {
			byRole[fn.RoleARN] = append(byRole[fn.RoleARN], fn)
		}
	}
	reader := newReader(r)
	err := collect.Each(ctx, atOnce, slices.Sorted(maps.Keys(byRole)), func(ctx context.Context, arn string) error {
		role, err := reader.role(ctx, arn)
		if err != nil {
			return err
		}
		if err := collect.Put(ctx, r, rows(r, arn, role)...); err != nil {
			return err
		}
		if err := putFacts(ctx, r, role.Facts); err != nil {
			return err
		}
		var list []schema.Edge
		for _, fn := range byRole[arn] {
			list = append(list, edges(r, fn, role)...)
		}
		return collect.Put(ctx, r, list...)
	})
	if err != nil {
		return fmt.Errorf("read permissions: %w", err)
	}
	for _, action := range actions {
		reader.probes[action].Close()
	}
	for _, read := range [][2]string{{"role_statements", ""}, {"edges", "iam"}, {"roles", ""}} {
		if !slices.ContainsFunc(r.Gaps(), func(g schema.EvidenceGap) bool { return g.TableName == read[0] }) {
			r.Complete(read[0], read[1])
		}
	}
	return nil
}

// putFacts writes what the role is. A trust policy that cannot be read is a gap
// of its own: what the role allows does not depend on it.
func putFacts(ctx context.Context, r *collect.Run, f *facts) error {
	if f == nil {
		return nil
	}
	if f.TrustErr != nil {
		r.Gap("roles", "", f.ARN, f.Source, f.TrustErr)
	}
	return collect.Put(ctx, r, schema.Role{
		Account: r.Account, Region: r.Region, RoleARN: f.ARN, RoleName: f.Name, Path: f.Path, CreatedAt: f.CreatedAt, MaxSessionS: f.MaxSessionS, BoundaryARN: f.Boundary,
		TrustRead: f.TrustErr == nil, TrustServices: f.Trust.Services, TrustAccounts: f.Trust.Accounts, TrustPrincipals: f.Trust.Principals,
		TrustFederated: f.Trust.Federated, TrustConditions: f.Trust.Conditions, TrustExternalID: f.Trust.ExternalID,
		LastUsedAt: f.LastUsedAt, LastUsedRegion: f.LastUsedRegion, Tags: f.Tags, CollectedAt: r.Now,
	})
}

// rows are a role's statements as the table holds them.
func rows(r *collect.Run, arn string, role *role) []schema.RoleStatement {
	var list []schema.RoleStatement
	for _, s := range slices.Concat(role.Statements, role.Boundary) {
		list = append(list, schema.RoleStatement{
			Account: r.Account, Region: r.Region, RoleARN: arn, Policy: s.Policy, Statement: uint32(s.Index), Effect: s.Effect,
			Actions: s.Actions, NotActions: s.NotActions, Resources: s.Resources, NotResources: s.NotResources,
			Condition: s.Condition, CollectedAt: r.Now,
		})
	}
	return list
}
