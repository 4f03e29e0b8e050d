package accounts

import (
	"context"
	"fmt"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/organizations"
	orgtypes "github.com/aws/aws-sdk-go-v2/service/organizations/types"

	"github.com/faaswarden/faaswarden/internal/collect"
)

// members are the organisation's active accounts, less those left out. The
// caller's own is read with its own credentials, every other through the role.
func (o Options) members(ctx context.Context) ([]candidate, error) {
	wanted := o.AWS.Organization
	load := o.load(wanted.Profile, wanted.RoleARN, string(wanted.ExternalID))
	load.Region, load.OrRegion = first(o.AWS.Regions), anyRegion(o.AWS.Regions, wanted.RoleARN)
	base, err := collect.Load(ctx, load)
	if err != nil {
		return nil, err
	}
	caller, err := collect.Identity(ctx, base)
	if err != nil {
		return nil, err
	}
	var list []candidate
	client := organizations.NewFromConfig(base)
	err = collect.Pages(ctx, "organizations:ListAccounts", func(ctx context.Context, token *string) (*string, error) {
		out, err := client.ListAccounts(ctx, &organizations.ListAccountsInput{NextToken: token})
		if err != nil {
			return nil, fmt.Errorf("list the organisation's accounts: %w; remedy: use credentials of its management account or of a delegated administrator that may organizations:ListAccounts, or list the accounts in aws.accounts", err)
		}
		for _, a := range out.Accounts {
			if id := aws.ToString(a.Id); o.wants(id) && active(a) {
				list = append(list, o.member(base, caller, id, aws.ToString(a.Name)))
			}
		}
		return out.NextToken, nil
	})
	return list, err
}

// wants reports whether the configuration leaves a member in.
func (o Options) wants(id string) bool {
	only := o.AWS.Organization.Only
	return id != "" && (len(only) == 0 || slices.Contains(only, id)) && !slices.Contains(o.AWS.Organization.Exclude, id)
}

// active reports whether an account can be entered: suspended and closing ones cannot.
func active(a orgtypes.Account) bool {
	return a.Status == "" || a.Status == orgtypes.AccountStatusActive
}

func (o Options) member(base aws.Config, caller collect.Caller, id, name string) candidate {
	c := candidate{id: id, name: name, regions: o.AWS.Regions}
	if id == caller.Account {
		c.enter = func(context.Context) (aws.Config, error) { return base, nil }
		return c
	}
	load := collect.LoadOptions{
		RoleARN:    "arn:" + caller.Partition + ":iam::" + id + ":role/" + o.AWS.Organization.RoleName,
		ExternalID: string(o.AWS.Organization.ExternalID),
	}
	c.enter = func(ctx context.Context) (aws.Config, error) { return collect.Assume(ctx, base, load) }
	return c
}

// enabledRegions are the regions that an account may use, by name.
func enabledRegions(ctx context.Context, cfg aws.Config) ([]string, error) {
	out, err := ec2.NewFromConfig(cfg).DescribeRegions(ctx, &ec2.DescribeRegionsInput{
		Filters: []types.Filter{{Name: aws.String("opt-in-status"), Values: []string{"opt-in-not-required", "opted-in"}}},
	})
	if err != nil {
		return nil, fmt.Errorf("describe regions: %w", err)
	}
	var names []string
	for _, r := range out.Regions {
		names = append(names, aws.ToString(r.RegionName))
	}
	slices.Sort(names)
	return names, nil
}
