package organization

import (
	"context"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/organizations"
	"github.com/aws/aws-sdk-go-v2/service/organizations/types"

	"github.com/faaswarden/faaswarden/internal/collect"
	"github.com/faaswarden/faaswarden/internal/schema"
)

// tree is the root and the units below it.
type tree struct {
	units   []unit
	enabled map[types.PolicyType]bool
	whole   bool // it was read to its ends
}

// unit is a place of accounts: the root or an organizational unit.
type unit struct {
	id, name, parent, path string
	types                  []string // of policies; the root's alone
}

// deepest is a bound on nesting: AWS lets units be five deep.
const deepest = 10

// units reads the tree from the root down, and writes it.
func (p *reader) units(ctx context.Context) (*tree, error) {
	t := &tree{enabled: map[types.PolicyType]bool{}}
	err := collect.Pages(ctx, listRoots, func(ctx context.Context, token *string) (*string, error) {
		out, err := p.client.ListRoots(ctx, &organizations.ListRootsInput{NextToken: token})
		if err != nil {
			return nil, err
		}
		for _, root := range out.Roots {
			t.addRoot(root)
		}
		return out.NextToken, nil
	})
	if err != nil {
		return t, p.gap(err, listRoots, [2]string{unitsTable, ""}, [2]string{accountsTable, unitsKind}, [2]string{policiesTable, enabledKind})
	}
	t.whole = true
	if err := p.descend(ctx, t); err != nil {
		t.whole = false
		if err := p.gap(err, listUnits, [2]string{unitsTable, ""}, [2]string{accountsTable, unitsKind}); err != nil {
			return t, err
		}
	}
	rows := make([]schema.OrganizationUnit, len(t.units))
	for i, u := range t.units {
		rows[i] = schema.OrganizationUnit{
			Account: p.Account, Region: p.Region, OrganizationID: p.id, UnitID: u.id, Name: u.name, ParentID: u.parent, Path: u.path, PolicyTypes: u.types, CollectedAt: p.Now,
		}
	}
	return t, collect.Put(ctx, p.Run, rows...)
}

// descend reads the units below the roots, level by level, until one cannot be
// read: what is denied for one is denied for all.
func (p *reader) descend(ctx context.Context, t *tree) error {
	for level, depth := t.units, 0; len(level) > 0 && depth < deepest; depth++ {
		var below []unit
		for _, parent := range level {
			children, err := p.children(ctx, parent)
			below = append(below, children...)
			t.units = append(t.units, children...)
			if err != nil {
				return err
			}
		}
		level = below
	}
	return nil
}

func (t *tree) addRoot(root types.Root) {
	u := unit{id: aws.ToString(root.Id), name: aws.ToString(root.Name)}
	for _, kind := range root.PolicyTypes {
		if kind.Status == types.PolicyTypeStatusEnabled {
			u.types = append(u.types, string(kind.Type))
			t.enabled[kind.Type] = true
		}
	}
	t.units = append(t.units, u)
}

func (p *reader) children(ctx context.Context, parent unit) ([]unit, error) {
	var list []unit
	err := collect.Pages(ctx, listUnits, func(ctx context.Context, token *string) (*string, error) {
		out, err := p.client.ListOrganizationalUnitsForParent(ctx, &organizations.ListOrganizationalUnitsForParentInput{ParentId: &parent.id, NextToken: token})
		if err != nil {
			return nil, err
		}
		for _, u := range out.OrganizationalUnits {
			name := aws.ToString(u.Name)
			list = append(list, unit{id: aws.ToString(u.Id), name: name, parent: parent.id, path: strings.TrimPrefix(parent.path+"/"+name, "/")})
		}
		return out.NextToken, nil
	})
	return list, err
}
