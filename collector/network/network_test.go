package network

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/faaswarden/faaswarden/internal/collect"
	"github.com/faaswarden/faaswarden/internal/collect/collecttest"
	"github.com/faaswarden/faaswarden/internal/schema"
)

// operations are the listings with the element that holds their items.
var operations = map[string]string{
	"DescribeRouteTables": "routeTableSet", "DescribeSubnets": "subnetSet", "DescribeSecurityGroups": "securityGroupInfo",
	"DescribeNatGateways": "natGatewaySet", "DescribeVpcEndpoints": "vpcEndpointSet", "DescribeNetworkInterfaces": "networkInterfaceSet",
}

// listed is EC2's answer: a page of items and perhaps the next page's token.
func listed(operation, token string, items ...string) collecttest.Answer {
	var b strings.Builder
	fmt.Fprintf(&b, `<?xml version="1.0" encoding="UTF-8"?><%sResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/"><requestId>1</requestId><%s>`, operation, operations[operation])
	for _, item := range items {
		b.WriteString("<item>" + item + "</item>")
	}
	fmt.Fprintf(&b, "</%s>", operations[operation])
	if token != "" {
		fmt.Fprintf(&b, "<nextToken>%s</nextToken>", token)
	}
	fmt.Fprintf(&b, "</%sResponse>", operation)
	return collecttest.Body(b.String())
}

// vpc is an account with one VPC as EC2 tells of it.
func vpc() *collecttest.Wire {
	return collecttest.NewWire(map[string]collecttest.Answer{
		"ec2:DescribeRouteTables": listed("DescribeRouteTables", "",
			`<routeTableId>rtb-main</routeTableId><vpcId>vpc-1</vpcId><routeSet>
			<item><destinationCidrBlock>10.0.0.0/16</destinationCidrBlock><gatewayId>local</gatewayId><state>active</state></item>
			<item><destinationCidrBlock>0.0.0.0/0</destinationCidrBlock><natGatewayId>nat-1</natGatewayId><state>active</state></item>
			<item><destinationPrefixListId>pl-s3</destinationPrefixListId><gatewayId>vpce-s3</gatewayId><state>active</state></item>
			</routeSet><associationSet><item><main>true</main><routeTableId>rtb-main</routeTableId></item></associationSet>`,
			`<routeTableId>rtb-public</routeTableId><vpcId>vpc-1</vpcId><routeSet>
			<item><destinationCidrBlock>0.0.0.0/0</destinationCidrBlock><gatewayId>igw-1</gatewayId><state>active</state></item>
			<item><destinationIpv6CidrBlock>::/0</destinationIpv6CidrBlock><egressOnlyInternetGatewayId>eigw-1</egressOnlyInternetGatewayId><state>active</state></item>
			<item><destinationCidrBlock>10.9.0.0/16</destinationCidrBlock><natGatewayId>nat-gone</natGatewayId><state>blackhole</state></item>
			<item><destinationCidrBlock>10.8.0.0/16</destinationCidrBlock><networkInterfaceId>eni-nat</networkInterfaceId><instanceId>i-1</instanceId><state>active</state></item>
			<item><destinationCidrBlock>10.7.0.0/16</destinationCidrBlock><gatewayId>vgw-1</gatewayId><state>active</state></item>
			</routeSet><associationSet><item><main>false</main><subnetId>subnet-public</subnetId></item></associationSet>`),
		"ec2:DescribeSubnets": listed("DescribeSubnets", "",
			`<subnetId>subnet-app</subnetId><vpcId>vpc-1</vpcId><cidrBlock>10.0.0.0/20</cidrBlock><availabilityZone>eu-west-1a</availabilityZone>
			<availableIpAddressCount>4000</availableIpAddressCount><tagSet><item><key>Name</key><value>app</value></item></tagSet>`,
			`<subnetId>subnet-public</subnetId><vpcId>vpc-1</vpcId><cidrBlock>10.0.16.0/20</cidrBlock>`),
		"ec2:DescribeSecurityGroups": listed("DescribeSecurityGroups", "",
			`<groupId>sg-db</groupId><groupName>database</groupName><vpcId>vpc-1</vpcId><ipPermissions>
			<item><ipProtocol>tcp</ipProtocol><fromPort>5432</fromPort><toPort>5432</toPort>
			<groups><item><groupId>sg-app</groupId><userId>123456789012</userId></item><item><groupId>sg-far</groupId><userId>999999999999</userId></item></groups>
			<ipRanges><item><cidrIp>10.0.0.0/20</cidrIp></item></ipRanges><ipv6Ranges><item><cidrIpv6>fd00::/8</cidrIpv6></item></ipv6Ranges>
			<prefixListIds><item><prefixListId>pl-office</prefixListId></item></prefixListIds></item>
			<item><ipProtocol>icmp</ipProtocol><fromPort>-1</fromPort><toPort>-1</toPort></item></ipPermissions>
			<ipPermissionsEgress><item><ipProtocol>-1</ipProtocol><ipRanges><item><cidrIp>0.0.0.0/0</cidrIp></item></ipRanges></item></ipPermissionsEgress>`),
		"ec2:DescribeNatGateways": listed("DescribeNatGateways", "",
			`<natGatewayId>nat-1</natGatewayId><vpcId>vpc-1</vpcId><subnetId>subnet-public</subnetId><state>available</state><connectivityType>public</connectivityType>`,
			`<natGatewayId>nat-gone</natGatewayId><vpcId>vpc-1</vpcId><state>deleted</state>`),
		"ec2:DescribeVpcEndpoints": listed("DescribeVpcEndpoints", "",
			`<vpcEndpointId>vpce-s3</vpcEndpointId><vpcEndpointType>Gateway</vpcEndpointType><vpcId>vpc-1</vpcId><serviceName>com.amazonaws.eu-west-1.s3</serviceName>
			<state>Available</state><routeTableIdSet><item>rtb-main</item></routeTableIdSet>`,
			`<vpcEndpointId>vpce-sm</vpcEndpointId><vpcEndpointType>Interface</vpcEndpointType><vpcId>vpc-1</vpcId><state>available</state>
			<subnetIdSet><item>subnet-app</item></subnetIdSet><groupSet><item><groupId>sg-vpce</groupId></item></groupSet>`),
		"ec2:DescribeNetworkInterfaces": listed("DescribeNetworkInterfaces", "",
			`<networkInterfaceId>eni-db</networkInterfaceId><vpcId>vpc-1</vpcId><subnetId>subnet-app</subnetId><interfaceType>interface</interfaceType>
			<privateIpAddress>10.0.0.9</privateIpAddress><description>RDSNetworkInterface</description><requesterId>amazon-rds</requesterId>
			<groupSet><item><groupId>sg-db</groupId></item></groupSet>`,
			`<networkInterfaceId>eni-fn</networkInterfaceId><vpcId>vpc-1</vpcId><interfaceType>lambda</interfaceType><description>AWS Lambda VPC ENI-orders</description>`,
			`<networkInterfaceId>eni-old</networkInterfaceId><vpcId>vpc-1</vpcId><description>AWS Lambda VPC ENI: 26578289</description>`,
			`<networkInterfaceId>eni-plain</networkInterfaceId><vpcId>vpc-1</vpcId>`),
	})
}

func options(vpcs ...string) collecttest.Options {
	var o collecttest.Options
	for i, id := range vpcs {
		o.Functions = append(o.Functions, schema.Function{FunctionName: fmt.Sprint("f", i), VPCID: id})
	}
	return o
}

func newRun(t testing.TB, wire *collecttest.Wire, vpcs ...string) *collecttest.Fixture {
	t.Helper()
	o := options(vpcs...)
	o.Wire = wire
	return collecttest.New(t, Collector, o)
}

func TestNetwork(t *testing.T) {
	t.Parallel()
	f := newRun(t, vpc(), "vpc-1", "", "vpc-1")
	f.Collect(t)
	f.Golden(t, "network")
}

// filters lists the VPCs that an operation was asked for, "all" for an unfiltered one.
func filters(t *testing.T, wire *collecttest.Wire, operation string) []string {
	t.Helper()
	var list []string
	for _, request := range wire.Requests("ec2:" + operation) {
		_, body, _ := strings.Cut(request, " / ")
		values, err := url.ParseQuery(body)
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		for name, v := range values {
			if strings.HasPrefix(name, "Filter.1.Value.") {
				list = append(list, v[0])
				n++
			}
		}
		if n == 0 {
			list = append(list, "all")
		}
	}
	slices.Sort(list)
	return list
}

// Only the functions' VPCs are read, each listing in one call; without any there
// is nothing to read.
func TestOnlyTheFunctionsVPCs(t *testing.T) {
	t.Parallel()
	wire := vpc()
	newRun(t, wire, "vpc-1", "vpc-2", "vpc-1").Collect(t)
	for operation := range operations {
		if got := filters(t, wire, operation); !slices.Equal(got, []string{"vpc-1", "vpc-2"}) || wire.Calls("ec2:"+operation) != 1 {
			t.Errorf("%s: %v in %d calls", operation, got, wire.Calls("ec2:"+operation))
		}
	}
	wire = vpc()
	f := newRun(t, wire, "")
	f.Collect(t)
	for operation := range operations {
		if n := wire.Calls("ec2:" + operation); n != 0 {
			t.Errorf("%s was called %d times without a VPC", operation, n)
		}
	}
	if n := len(f.Completions()); n != len(Collector.Writes) {
		t.Errorf("%d tables are complete, want %d", n, len(Collector.Writes))
	}
}

// EC2 takes 200 values in a filter.
func TestManyVPCs(t *testing.T) {
	t.Parallel()
	var ids []string
	for i := range 450 {
		ids = append(ids, fmt.Sprintf("vpc-%03d", i))
	}
	wire := vpc()
	newRun(t, wire, ids...).Collect(t)
	if got := filters(t, wire, "DescribeSubnets"); len(got) != 450 || wire.Calls("ec2:DescribeSubnets") != 3 {
		t.Errorf("%d VPCs in %d calls", len(got), wire.Calls("ec2:DescribeSubnets"))
	}
}

// Where routes lead to other VPCs, security groups and interfaces there matter.
func TestPeers(t *testing.T) {
	t.Parallel()
	for name, route := range map[string]string{
		"peering":         "<vpcPeeringConnectionId>pcx-1</vpcPeeringConnectionId>",
		"transit_gateway": "<transitGatewayId>tgw-1</transitGatewayId>",
	} {
		wire := vpc().On("ec2:DescribeRouteTables", listed("DescribeRouteTables", "",
			`<routeTableId>rtb-1</routeTableId><vpcId>vpc-1</vpcId><routeSet><item><destinationCidrBlock>10.1.0.0/16</destinationCidrBlock>`+route+`</item></routeSet>`))
		f := newRun(t, wire, "vpc-1")
		f.Collect(t)
		got := map[string][]string{}
		for operation := range operations {
			got[operation] = filters(t, wire, operation)
		}
		own, all := []string{"vpc-1"}, []string{"all"}
		want := map[string][]string{
			"DescribeRouteTables": own, "DescribeSubnets": own, "DescribeSecurityGroups": all,
			"DescribeNatGateways": own, "DescribeVpcEndpoints": own, "DescribeNetworkInterfaces": all,
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
		if rows := collecttest.Rows[schema.Route](f.Sink); len(rows) != 1 || rows[0].TargetKind != name {
			t.Errorf("routes: %+v", rows)
		}
	}
}

// tables lists what gaps and completions are about.
func tables(f *collecttest.Fixture) (missing, complete []string) {
	for _, g := range f.Gaps() {
		missing = append(missing, g.TableName+" "+g.Action+" "+g.Outcome)
	}
	for _, c := range f.Completions() {
		complete = append(complete, c.TableName)
	}
	slices.Sort(missing)
	slices.Sort(complete)
	return missing, complete
}

// A denied action costs its own tables and nothing else.
func TestDenied(t *testing.T) {
	t.Parallel()
	own := map[string][]string{
		"DescribeRouteTables": {"routes"}, "DescribeSubnets": {"subnets"}, "DescribeSecurityGroups": {"security_group_rules", "security_groups"},
		"DescribeNatGateways": {"nat_gateways"}, "DescribeVpcEndpoints": {"vpc_endpoints"}, "DescribeNetworkInterfaces": {"network_interfaces"},
	}
	for operation, lost := range own {
		wire := vpc().On("ec2:"+operation, collecttest.Deny("ec2:"+operation))
		f := newRun(t, wire, "vpc-1")
		f.Collect(t)
		var wantMissing, wantComplete []string
		for _, table := range Collector.Writes {
			if slices.Contains(lost, table) {
				wantMissing = append(wantMissing, table+" ec2:"+operation+" denied")
			} else {
				wantComplete = append(wantComplete, table)
			}
		}
		if operation == "DescribeRouteTables" { // subnets are there, without their route tables
			wantMissing = append(wantMissing, "subnets ec2:DescribeRouteTables denied")
		}
		slices.Sort(wantMissing)
		slices.Sort(wantComplete)
		missing, complete := tables(f)
		if diff := cmp.Diff([][]string{wantMissing, wantComplete}, [][]string{missing, complete}); diff != "" {
			t.Errorf("%s denied: gaps and completions (-want +got):\n%s", operation, diff)
		}
	}
}

// Pages read before a failure are kept, and the table is not called complete.
func TestPages(t *testing.T) {
	t.Parallel()
	subnet := func(id string) string { return "<subnetId>" + id + "</subnetId><vpcId>vpc-1</vpcId>" }
	second := map[string]struct {
		answer  collecttest.Answer
		rows    int
		outcome string
	}{
		"whole":     {listed("DescribeSubnets", "", subnet("c")), 3, ""},
		"repeated":  {listed("DescribeSubnets", "more", subnet("c")), 3, "failed"},
		"throttled": {collecttest.Fail("ec2", http.StatusForbidden, "UnauthorizedOperation", "no longer"), 2, "denied"},
		"truncated": {collecttest.Body(`<DescribeSubnetsResponse><subnetSet><item><subnetId>c</su`), 2, "failed"},
		"html":      {collecttest.Body(`<html><body>proxy`), 2, "failed"},
		"status":    {collecttest.HTML(http.StatusNotFound), 2, "failed"},
	}
	for name, test := range second {
		wire := vpc().On("ec2:DescribeSubnets", collecttest.Sequence(listed("DescribeSubnets", "more", subnet("a"), subnet("b")), test.answer))
		f := newRun(t, wire, "vpc-1")
		f.Collect(t)
		if rows := collecttest.Rows[schema.Subnet](f.Sink); len(rows) != test.rows {
			t.Errorf("%s: %d subnets, want %d", name, len(rows), test.rows)
		}
		missing, complete := tables(f)
		if test.outcome == "" && (len(missing) > 0 || !slices.Contains(complete, "subnets")) {
			t.Errorf("%s: gaps %v, complete %v", name, missing, complete)
		}
		if test.outcome != "" && (!slices.Equal(missing, []string{"subnets ec2:DescribeSubnets " + test.outcome}) || slices.Contains(complete, "subnets")) {
			t.Errorf("%s: gaps %v, complete %v", name, missing, complete)
		}
	}
}

func TestContextAndSinkErrorsEndTheRun(t *testing.T) {
	t.Parallel()
	f := newRun(t, vpc(), "vpc-1")
	full := errors.New("disk full")
	f.Sink.PutErr = full
	if err := Collector.Collect(t.Context(), f.Run); !errors.Is(err, full) || len(f.Gaps()) != 0 {
		t.Errorf("with a full disk: %v, gaps %v", err, f.Gaps())
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := Collector.Collect(ctx, newRun(t, vpc(), "vpc-1").Run); !errors.Is(err, context.Canceled) {
		t.Errorf("with an ended context: %v", err)
	}
}

func TestEstimateIsFree(t *testing.T) {
	t.Parallel()
	cost := Collector.Estimate(collect.Inventory{Regions: 2})
	if cost.Units != 0 || cost.USD != 0 || cost.Calls < 300 || cost.Calls > 400 {
		t.Errorf("%+v", cost)
	}
}

func TestActionsAreThoseCalled(t *testing.T) {
	t.Parallel()
	var declared []string
	for _, a := range Collector.Actions {
		declared = append(declared, strings.TrimPrefix(a.Name, "ec2:"))
	}
	slices.Sort(declared)
	if diff := cmp.Diff(slices.Sorted(maps.Keys(operations)), declared); diff != "" {
		t.Errorf("actions (-called +declared):\n%s", diff)
	}
}
