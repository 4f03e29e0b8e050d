// Package network reads the VPCs that functions are attached to: what functions
// in them can reach, through what, and what else is there.
package network

import (
	"context"
	_ "embed"
	"fmt"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/faaswarden/faaswarden/internal/collect"
	"github.com/faaswarden/faaswarden/internal/schema"
)

//go:embed doc.md
var doc string

const (
	every = 24 * time.Hour

	maxFilterValues = 200 // of one filter (DOC:Using_Filtering)
	maxTables       = 100 // route tables in a page; the other listings have up to pageSize
	pageSize        = 1000
)

// Collector reads the network of functions' VPCs.
var Collector = &collect.Collector{
	Name:   "network",
	Title:  "the VPCs of functions: subnets, security groups, routes, gateways, endpoints and interfaces",
	Doc:    doc,
	Writes: []string{"subnets", "security_groups", "security_group_rules", "routes", "nat_gateways", "vpc_endpoints", "network_interfaces"},
	Reads:  []string{"functions"},
	Actions: []collect.Action{
		{Name: "ec2:DescribeRouteTables", Blinds: "how functions in a VPC reach the internet, and what that costs"},
		{Name: "ec2:DescribeSubnets", Blinds: "the addresses, zones and route tables of functions' subnets"},
		{Name: "ec2:DescribeSecurityGroups", Blinds: "whether anything in a VPC admits a function that is attached to it"},
		{Name: "ec2:DescribeNatGateways", Blinds: "NAT gateways and their cost"},
		{Name: "ec2:DescribeVpcEndpoints", Blinds: "private ways to AWS services, and their cost"},
		{Name: "ec2:DescribeNetworkInterfaces", Blinds: "what uses a security group, and which addresses are behind it"},
	},
	Scope:    collect.PerRegion,
	Every:    every,
	Estimate: estimate,
	Collect:  run,
}

// estimate: six listings a region and day, mostly of one page. They are free.
func estimate(inv collect.Inventory) collect.APICost {
	const daysPerMonth = 365.25 / 12
	return collect.APICost{Calls: daysPerMonth * 6 * float64(inv.Regions)}
}

// collection is the state of one run.
type collection struct {
	*collect.Run
	api  *ec2.Client
	vpcs []string

	tables routeTables
	peered bool // routes lead to other VPCs, or it is not known that they do not
}

// routeTables says which table routes a subnet.
type routeTables struct {
	ofSubnet map[string]string // by explicit association
	ofVPC    map[string]string // the main tables
}

func run(ctx context.Context, r *collect.Run) error {
	c := &collection{
		Run: r, api: ec2.NewFromConfig(r.AWS), vpcs: vpcsOf(r.Functions),
		tables: routeTables{ofSubnet: map[string]string{}, ofVPC: map[string]string{}},
	}
	// Route tables come first: subnets name theirs, and their targets tell
	// whether other VPCs matter.
	for _, l := range []listing{
		{[]string{"routes"}, "ec2:DescribeRouteTables", c.readRoutes, false},
		{[]string{"subnets"}, "ec2:DescribeSubnets", c.readSubnets, false},
		{[]string{"security_groups", "security_group_rules"}, "ec2:DescribeSecurityGroups", c.readSecurityGroups, true},
		{[]string{"nat_gateways"}, "ec2:DescribeNatGateways", c.readNATGateways, false},
		{[]string{"vpc_endpoints"}, "ec2:DescribeVpcEndpoints", c.readEndpoints, false},
		{[]string{"network_interfaces"}, "ec2:DescribeNetworkInterfaces", c.readInterfaces, true},
	} {
		if err := c.read(ctx, l); err != nil {
			return err
		}
	}
	return nil
}

func vpcsOf(functions []schema.Function) []string {
	var list []string
	for _, f := range functions {
		if f.VPCID != "" {
			list = append(list, f.VPCID)
		}
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// listing is one Describe operation and the tables it fills.
type listing struct {
	tables []string
	action string
	read   func(ctx context.Context, filters []types.Filter) error
	beyond bool // other VPCs matter too when routes lead there
}

// read fills a listing's tables for all VPCs. Pages that were read are kept
// when a later one fails; the tables are then a gap and not complete.
func (c *collection) read(ctx context.Context, l listing) error {
	var err error
	for _, filters := range c.filters(l) {
		if err = l.read(ctx, filters); err != nil {
			break
		}
	}
	switch {
	case err == nil:
		for _, table := range l.tables {
			c.Complete(table, "")
		}
		return nil
	case ctx.Err() != nil, collect.Stop(err):
		return fmt.Errorf("read %s in %s: %w", l.tables[0], c.Region, err)
	}
	for _, table := range l.tables {
		c.Gap(table, "", "", l.action, err)
	}
	if l.tables[0] == "routes" {
		c.peered = true
		c.Gap("subnets", "", "", l.action, err) // they lack their route tables
	}
	return nil
}

// filters are one for each call: a listing of functions' VPCs, or of the whole
// region where other VPCs matter. That takes no more calls.
func (c *collection) filters(l listing) [][]types.Filter {
	if len(c.vpcs) > 0 && l.beyond && c.peered {
		return [][]types.Filter{nil}
	}
	var list [][]types.Filter
	for part := range slices.Chunk(c.vpcs, maxFilterValues) {
		list = append(list, []types.Filter{{Name: aws.String("vpc-id"), Values: part}})
	}
	return list
}

func (c *collection) readSubnets(ctx context.Context, filters []types.Filter) error {
	return collect.Pages(ctx, "ec2:DescribeSubnets", func(ctx context.Context, token *string) (*string, error) {
		out, err := c.api.DescribeSubnets(ctx, &ec2.DescribeSubnetsInput{Filters: filters, NextToken: token, MaxResults: aws.Int32(pageSize)})
		if err != nil {
			return nil, err
		}
		rows := make([]schema.Subnet, 0, len(out.Subnets))
		for _, s := range out.Subnets {
			id, vpc := aws.ToString(s.SubnetId), aws.ToString(s.VpcId)
			table, explicit := c.tables.ofSubnet[id]
			if !explicit {
				table = c.tables.ofVPC[vpc]
			}
			rows = append(rows, schema.Subnet{
				Account: c.Account, Region: c.Region, SubnetID: id, VPCID: vpc, CIDR: aws.ToString(s.CidrBlock),
				AvailabilityZone: aws.ToString(s.AvailabilityZone), AvailableIPs: int64(aws.ToInt32(s.AvailableIpAddressCount)),
				RouteTableID: table, Tags: tags(s.Tags), CollectedAt: c.Now,
			})
		}
		return out.NextToken, collect.Put(ctx, c.Run, rows...)
	})
}

func tags(list []types.Tag) map[string]string {
	out := make(map[string]string, len(list))
	for _, t := range list {
		out[aws.ToString(t.Key)] = aws.ToString(t.Value)
	}
	return out
}
