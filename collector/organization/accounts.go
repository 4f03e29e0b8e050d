package organization

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/organizations"
	"github.com/aws/aws-sdk-go-v2/service/organizations/types"

	"github.com/faaswarden/faaswarden/internal/collect"
	"github.com/faaswarden/faaswarden/internal/schema"
)

// accounts reads accounts by the units that hold them, and by the plain list
// where the units do not tell of all. Their root users' addresses stay behind.
func (p *reader) accounts(ctx context.Context, t *tree) error {
	found := map[string]bool{}
	var rows []schema.OrganizationAccount
	add := func(list []types.Account, in unit) {
		for _, a := range list {
			if id := aws.ToString(a.Id); !found[id] {
				found[id] = true
				rows = append(rows, p.row(a, in))
			}
		}
	}
	placed := t.whole
	for _, u := range t.units {
		list, err := p.accountsIn(ctx, u)
		add(list, u)
		if err != nil {
			if err := p.gap(err, listOfParent, [2]string{accountsTable, unitsKind}); err != nil {
				return err
			}
			placed = false
			break // denied for one is denied for all
		}
	}
	if !placed {
		list, err := p.allAccounts(ctx)
		add(list, unit{})
		if err != nil {
			if err := p.gap(err, listAccounts, [2]string{accountsTable, ""}); err != nil {
				return err
			}
		}
	}
	if err := p.tags(ctx, rows); err != nil {
		return err
	}
	return collect.Put(ctx, p.Run, rows...)
}

func (p *reader) row(a types.Account, in unit) schema.OrganizationAccount {
	status := string(a.State)
	if status == "" {
		status = string(a.Status)
	}
	return schema.OrganizationAccount{
		Account: p.Account, Region: p.Region, OrganizationID: p.id, AccountID: aws.ToString(a.Id), Name: aws.ToString(a.Name), Status: status,
		Management: p.management != "" && aws.ToString(a.Id) == p.management, JoinedAt: aws.ToTime(a.JoinedTimestamp).UTC(), JoinedMethod: string(a.JoinedMethod),
		ParentID: in.id, Path: in.path, Tags: map[string]string{}, CollectedAt: p.Now,
	}
}

func (p *reader) accountsIn(ctx context.Context, u unit) ([]types.Account, error) {
	var list []types.Account
	err := collect.Pages(ctx, listOfParent, func(ctx context.Context, token *string) (*string, error) {
		out, err := p.client.ListAccountsForParent(ctx, &organizations.ListAccountsForParentInput{ParentId: &u.id, NextToken: token})
		if err != nil {
			return nil, err
		}
		list = append(list, out.Accounts...)
		return out.NextToken, nil
	})
	return list, err
}

func (p *reader) allAccounts(ctx context.Context) ([]types.Account, error) {
	var list []types.Account
	err := collect.Pages(ctx, listAccounts, func(ctx context.Context, token *string) (*string, error) {
		out, err := p.client.ListAccounts(ctx, &organizations.ListAccountsInput{NextToken: token})
		if err != nil {
			return nil, err
		}
		list = append(list, out.Accounts...)
		return out.NextToken, nil
	})
	return list, err
}

// tags reads the tags of every account into its row.
func (p *reader) tags(ctx context.Context, rows []schema.OrganizationAccount) error {
	probe := p.Probe(accountsTable, tagsKind, listTags)
	at := make([]int, len(rows))
	for i := range at {
		at[i] = i
	}
	err := collect.Each(ctx, atOnce, at, func(ctx context.Context, i int) error {
		if probe.Hopeless() {
			return nil
		}
		tags, err := p.tagsOf(ctx, rows[i].AccountID)
		if collect.Stop(err) {
			return err
		}
		probe.Answered(rows[i].AccountID, p.advised(err))
		if err == nil {
			rows[i].Tags, rows[i].TagsRead = tags, true
		}
		return nil
	})
	probe.Close()
	return err
}

func (p *reader) tagsOf(ctx context.Context, id string) (map[string]string, error) {
	tags := map[string]string{}
	err := collect.Pages(ctx, listTags, func(ctx context.Context, token *string) (*string, error) {
		out, err := p.client.ListTagsForResource(ctx, &organizations.ListTagsForResourceInput{ResourceId: &id, NextToken: token})
		if err != nil {
			return nil, err
		}
		for _, tag := range out.Tags {
			tags[aws.ToString(tag.Key)] = aws.ToString(tag.Value)
		}
		return out.NextToken, nil
	})
	return tags, err
}
