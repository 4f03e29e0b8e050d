package network

import (
	"context"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/faaswarden/faaswarden/internal/collect"
	"github.com/faaswarden/faaswarden/internal/schema"
)

const anyPort = -1

func (c *collection) readSecurityGroups(ctx context.Context, filters []types.Filter) error {
	return collect.Pages(ctx, "ec2:DescribeSecurityGroups", func(ctx context.Context, token *string) (*string, error) {
		out, err := c.api.DescribeSecurityGroups(ctx, &ec2.DescribeSecurityGroupsInput{
			Filters: filters, NextToken: token, MaxResults: aws.Int32(pageSize),
		})
		if err != nil {
			return nil, err
		}
		groups := make([]schema.SecurityGroup, 0, len(out.SecurityGroups))
		var rules []schema.SecurityGroupRule
		for _, g := range out.SecurityGroups {
			groups = append(groups, schema.SecurityGroup{
				Account: c.Account, Region: c.Region, GroupID: aws.ToString(g.GroupId), GroupName: aws.ToString(g.GroupName),
				VPCID: aws.ToString(g.VpcId), CollectedAt: c.Now,
			})
			rules = append(rules, c.rules(aws.ToString(g.GroupId), "ingress", g.IpPermissions)...)
			rules = append(rules, c.rules(aws.ToString(g.GroupId), "egress", g.IpPermissionsEgress)...)
		}
		if err := collect.Put(ctx, c.Run, groups...); err != nil {
			return nil, err
		}
		return out.NextToken, collect.Put(ctx, c.Run, rules...)
	})
}

// rules are a group's permissions, one for each peer that a permission admits.
func (c *collection) rules(group, direction string, permissions []types.IpPermission) []schema.SecurityGroupRule {
	var rows []schema.SecurityGroupRule
	for _, p := range permissions {
		rule := schema.SecurityGroupRule{
			Account: c.Account, Region: c.Region, GroupID: group, Direction: direction,
			Protocol: aws.ToString(p.IpProtocol), FromPort: port(p.FromPort), ToPort: port(p.ToPort), CollectedAt: c.Now,
		}
		add := func(kind, peer string) {
			rule.PeerKind, rule.Peer = kind, peer
			rows = append(rows, rule)
		}
		for _, r := range p.IpRanges {
			add("cidr", aws.ToString(r.CidrIp))
		}
		for _, r := range p.Ipv6Ranges {
			add("cidr", aws.ToString(r.CidrIpv6))
		}
		for _, g := range p.UserIdGroupPairs {
			add("group", c.peer(g))
		}
		for _, l := range p.PrefixListIds {
			add("prefix_list", aws.ToString(l.PrefixListId))
		}
	}
	return rows
}

// peer is a security group as a rule refers to it: ACCOUNT/ID for other accounts'.
func (c *collection) peer(g types.UserIdGroupPair) string {
	if owner := aws.ToString(g.UserId); owner != "" && owner != c.Account {
		return owner + "/" + aws.ToString(g.GroupId)
	}
	return aws.ToString(g.GroupId)
}

// port is absent where a permission is for all of them.
func port(p *int32) int32 {
	if p == nil {
		return anyPort
	}
	return *p
}

func (c *collection) readInterfaces(ctx context.Context, filters []types.Filter) error {
	return collect.Pages(ctx, "ec2:DescribeNetworkInterfaces", func(ctx context.Context, token *string) (*string, error) {
		out, err := c.api.DescribeNetworkInterfaces(ctx, &ec2.DescribeNetworkInterfacesInput{
			Filters: filters, NextToken: token, MaxResults: aws.Int32(pageSize),
		})
		if err != nil {
			return nil, err
		}
		rows := make([]schema.NetworkInterface, 0, len(out.NetworkInterfaces))
		for _, n := range out.NetworkInterfaces {
			row := schema.NetworkInterface{
				Account: c.Account, Region: c.Region, InterfaceID: aws.ToString(n.NetworkInterfaceId), VPCID: aws.ToString(n.VpcId),
				SubnetID: aws.ToString(n.SubnetId), InterfaceType: interfaceType(n), PrivateIP: first(n.PrivateIpAddress, n.Ipv6Address),
				Description: aws.ToString(n.Description), RequesterID: aws.ToString(n.RequesterId), CollectedAt: c.Now,
			}
			for _, g := range n.Groups {
				row.SecurityGroupIDs = append(row.SecurityGroupIDs, aws.ToString(g.GroupId))
			}
			rows = append(rows, row)
		}
		return out.NextToken, collect.Put(ctx, c.Run, rows...)
	})
}

// interfaceType tells functions' interfaces also from before they had a type of
// their own.
func interfaceType(n types.NetworkInterface) string {
	plain := n.InterfaceType == "" || n.InterfaceType == types.NetworkInterfaceTypeInterface
	switch {
	case plain && strings.HasPrefix(aws.ToString(n.Description), "AWS Lambda VPC ENI"):
		return string(types.NetworkInterfaceTypeLambda)
	case plain:
		return string(types.NetworkInterfaceTypeInterface)
	default:
		return string(n.InterfaceType)
	}
}
