package network

import (
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/google/go-cmp/cmp"

	"github.com/faaswarden/faaswarden/internal/awssim"
	"github.com/faaswarden/faaswarden/internal/collect/collecttest"
	"github.com/faaswarden/faaswarden/internal/schema"
)

// simulated serves a world and gives a run in its first region.
func simulated(t testing.TB, o awssim.Options) (*awssim.Region, collecttest.Options) {
	t.Helper()
	var err error
	o.World, err = awssim.Generate(awssim.GenerateOptions{Functions: 100, Days: 3, Now: time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC)})
	if err != nil {
		t.Fatal(err)
	}
	o.Limits = awssim.Limits{Off: true}
	server, err := awssim.NewServer(o)
	if err != nil {
		t.Fatal(err)
	}
	listener := httptest.NewServer(server.Handler())
	t.Cleanup(listener.Close)
	region := o.World.Regions[0]
	key := awssim.ExampleCredential()
	run := collecttest.Options{
		Account: o.World.Account, Region: region.Name, Now: o.World.Now,
		AWS: aws.Config{
			BaseEndpoint: aws.String(listener.URL), Region: region.Name,
			Credentials: credentials.NewStaticCredentialsProvider(key.AccessKeyID, key.SecretAccessKey, ""),
		},
	}
	for _, f := range region.Functions {
		row := schema.Function{FunctionName: f.Name, FunctionARN: f.ARN}
		if f.VPC != nil {
			row.VPCID = f.VPC.VPCID
		}
		run.Functions = append(run.Functions, row)
	}
	return region, run
}

// What is stored of the functions' VPCs is what the account has there.
func TestSimulatedAccount(t *testing.T) {
	t.Parallel()
	region, o := simulated(t, awssim.Options{})
	f := collecttest.New(t, Collector, o)
	f.Collect(t)
	if len(f.Gaps()) != 0 || len(f.Completions()) != len(Collector.Writes) {
		t.Fatalf("gaps %+v, completions %+v", f.Gaps(), f.Completions())
	}
	used := vpcsOf(o.Functions)
	peered := len(region.Peerings) > 0
	in := func(vpc string) bool { return slices.Contains(used, vpc) }
	want, got := map[string][]string{}, map[string][]string{}
	for _, s := range region.Subnets {
		if in(s.VPCID) {
			want["subnets"] = append(want["subnets"], s.ID+" "+s.CIDR+" "+tableOf(region, s))
		}
	}
	for _, g := range region.SecurityGroups {
		if in(g.VPCID) || peered {
			want["security_groups"] = append(want["security_groups"], g.ID)
			for _, p := range slices.Concat(g.Ingress, g.Egress) {
				for range len(p.CIDRs) + len(p.Groups) + len(p.PrefixLists) {
					want["security_group_rules"] = append(want["security_group_rules"], g.ID)
				}
			}
		}
	}
	for _, table := range region.RouteTables {
		for _, r := range table.Routes {
			if in(table.VPCID) {
				want["routes"] = append(want["routes"], table.ID+" "+r.Destination+" "+string(r.Kind)+" "+r.Target)
			}
		}
	}
	for _, g := range region.NATGateways {
		if in(g.VPCID) {
			want["nat_gateways"] = append(want["nat_gateways"], g.ID)
		}
	}
	for _, e := range region.Endpoints {
		if in(e.VPCID) {
			want["vpc_endpoints"] = append(want["vpc_endpoints"], e.ID+" "+strings.Join(e.SecurityGroupIDs, ","))
		}
	}
	for _, i := range region.Interfaces {
		if in(i.VPCID) || peered {
			want["network_interfaces"] = append(want["network_interfaces"], i.ID+" "+i.Type+" "+strings.Join(i.SecurityGroupIDs, ","))
		}
	}
	for _, row := range f.Sink.All() {
		text := ""
		switch r := row.(type) {
		case schema.Subnet:
			text = r.SubnetID + " " + r.CIDR + " " + r.RouteTableID
		case schema.SecurityGroup:
			text = r.GroupID
		case schema.SecurityGroupRule:
			text = r.GroupID
		case schema.Route:
			text = r.RouteTableID + " " + r.Destination + " " + r.TargetKind + " " + r.Target
		case schema.NATGateway:
			text = r.NatGatewayID
		case schema.VPCEndpoint:
			text = r.EndpointID + " " + strings.Join(r.SecurityGroupIDs, ",")
		case schema.NetworkInterface:
			text = r.InterfaceID + " " + r.InterfaceType + " " + strings.Join(r.SecurityGroupIDs, ",")
		}
		got[row.Table()] = append(got[row.Table()], text)
	}
	for _, table := range Collector.Writes {
		slices.Sort(want[table])
		slices.Sort(got[table])
		if len(want[table]) == 0 {
			t.Errorf("the account has no %s", table)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the account's network (-want +got):\n%s", diff)
	}
}

// tableOf is the table that routes a subnet: its own or the VPC's main one.
func tableOf(region *awssim.Region, s *awssim.Subnet) string {
	main := ""
	for _, t := range region.RouteTables {
		if slices.Contains(t.SubnetIDs, s.ID) {
			return t.ID
		}
		if t.Main && t.VPCID == s.VPCID {
			main = t.ID
		}
	}
	return main
}

// Each denied listing costs its own tables.
func TestSimulatedDenial(t *testing.T) {
	t.Parallel()
	_, o := simulated(t, awssim.Options{Deny: []string{"ec2:DescribeSecurityGroups", "ec2:DescribeNatGateways"}})
	f := collecttest.New(t, Collector, o)
	f.Collect(t)
	missing, complete := tables(f)
	want := []string{
		"nat_gateways ec2:DescribeNatGateways denied", "security_group_rules ec2:DescribeSecurityGroups denied", "security_groups ec2:DescribeSecurityGroups denied",
	}
	if diff := cmp.Diff(want, missing); diff != "" || len(complete) != 4 {
		t.Errorf("complete %v, gaps (-want +got):\n%s", complete, diff)
	}
}
