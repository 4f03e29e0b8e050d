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
	Title:  "where functions may write: their roles' policies and the resources they name",
	Doc:    doc,
	Writes: []string{"role_statements", "edges"},
	Reads:  []string{"functions"},
	Actions: []collect.Action{
		{Name: "iam:GetRole", Blinds: "a role's permissions boundary"},
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

// estimate: a role for each function, with three listings, one inline and one
// managed policy of its own.
func estimate(i collect.Inventory) collect.APICost {
	return collect.APICost{Calls: 6 * float64(i.Functions) * collect.RunsPerMonth(every)}
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
		var list []schema.Edge
		for _, fn := range byRole[arn] {
			list = append(list, edges(r, fn, role)...)
		}
		return collect.Put(ctx, r, list...)
	})
	if err != nil {
		return fmt.Errorf("read permissions: %w", err)
	}
	whole := true
	for _, action := range actions {
		whole = reader.probes[action].Close() && whole
	}
	if whole {
		r.Complete("role_statements", "")
		r.Complete("edges", "iam")
	}
	return nil
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
