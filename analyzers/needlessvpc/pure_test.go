package needlessvpc

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/shopspring/decimal"

	"github.com/faaswarden/faaswarden/internal/analysis"
	"github.com/faaswarden/faaswarden/internal/price"
	"github.com/faaswarden/faaswarden/internal/schema"
)

var testRules = rules{
	privateDomains: []string{"internal", "corp"}, dataPorts: []string{"5432", "6379"},
	now: time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC),
}

const account, region = "111122223333", "us-east-1"

// testNetwork is a VPC with a database that admits sg-app, a subnet that routes to
// a NAT gateway, and whatever more a test puts there.
func testNetwork(more ...func(*network)) *network {
	n := (&estate{networks: map[place]*network{}}).network(place{account, region})
	withGroup("sg-out", "vpc-1", "egress tcp 443 443 cidr 0.0.0.0/0")(n)
	withGroup("sg-app", "vpc-1", "egress -1 -1 -1 cidr 0.0.0.0/0")(n)
	withGroup("sg-db", "vpc-1", "ingress tcp 5432 5432 group sg-app")(n)
	withInterface(iface{ID: "eni-db", VPC: "vpc-1", Subnet: "subnet-d", Type: "interface", IP: "10.0.32.9", Groups: []string{"sg-db"}, Description: "RDSNetworkInterface"})(n)
	withSubnet("subnet-a", "vpc-1", "10.0.0.0/20", "10.0.0.0/16 local local", "0.0.0.0/0 nat nat-1")(n)
	for _, add := range more {
		add(n)
	}
	return n
}

// withGroup adds a security group; a rule is "direction protocol from to kind peer".
func withGroup(id, vpc string, rules ...string) func(*network) {
	return func(n *network) {
		g := &group{Account: account, Region: region, ID: id, VPC: vpc}
		for _, text := range rules {
			var from, to int32
			var direction, protocol, kind, peer string
			if _, err := fmt.Sscan(text, &direction, &protocol, &from, &to, &kind, &peer); err != nil {
				panic(err)
			}
			g.Directions, g.Protocols = append(g.Directions, direction), append(g.Protocols, protocol)
			g.FromPorts, g.ToPorts = append(g.FromPorts, from), append(g.ToPorts, to)
			g.PeerKinds, g.Peers = append(g.PeerKinds, kind), append(g.Peers, peer)
		}
		n.addGroup(g)
	}
}

func withInterface(i iface) func(*network) { return func(n *network) { n.addInterface(&i) } }

func withSubnet(id, vpc, cidr string, routes ...string) func(*network) {
	return func(n *network) {
		for _, text := range append([]string{"  "}, routes...) {
			r := strings.SplitN(text, " ", 3)
			n.addRoute(subnetRow{ID: id, VPC: vpc, CIDR: cidr, Destination: r[0], TargetKind: r[1], Target: strings.TrimSpace(r[2])})
		}
	}
}

func withEndpoint(e endpoint) func(*network) {
	return func(n *network) { n.endpoints, n.endpointByID[e.ID] = append(n.endpoints, &e), &e }
}

func withStatement(s statement) func(*network) {
	return func(n *network) { n.statements[s.Role] = append(n.statements[s.Role], s) }
}

// passBlindTo misses some tables.
func passBlindTo(missing ...string) *analysis.Pass {
	p := analysis.NewPass(Analyzer, analysis.Window{From: testRules.now.AddDate(0, 0, -10), To: testRules.now})
	p.Blind = func(_ analysis.Subject, table, _ string) (analysis.Blindness, bool) {
		return analysis.Blindness{Reason: analysis.Denied, Detail: "ec2:Describe"}, slices.Contains(missing, table)
	}
	return p
}

func TestNeeds(t *testing.T) {
	t.Parallel()
	in := func(groups ...string) function {
		return function{Account: account, Region: region, ARN: "arn:f", Name: "f", VPC: "vpc-1", Subnets: []string{"subnet-a"}, Groups: groups, RoleARN: "role"}
	}
	with := func(f function, change func(*function)) function { change(&f); return f }
	type list = []func(*network)
	for _, c := range []struct {
		name   string
		f      function
		net    list
		blind  []string
		want   []string // kinds of need, or "doubt", "undecided"
		detail string
	}{
		{name: "nothing", f: in("sg-out")},
		{name: "a group that admits its group", f: in("sg-app"), want: []string{"admission"}, detail: "sg-db admits sg-app on tcp 5432, and eni-db (RDSNetworkInterface) is in it"},
		{name: "a group that nothing is in", f: in("sg-out"), net: list{withGroup("sg-x", "vpc-1", "ingress tcp 1 1 group sg-out")}},
		{name: "unless interfaces were not read", f: in("sg-out"), net: list{withGroup("sg-x", "vpc-1", "ingress tcp 1 1 group sg-out")}, blind: []string{"network_interfaces"}, want: []string{"admission"}},
		{name: "a group of functions alone", f: in("sg-out"), net: list{withGroup("sg-x", "vpc-1", "ingress tcp 1 1 group sg-out"), withInterface(iface{VPC: "vpc-1", Type: "lambda", Groups: []string{"sg-x"}})}},
		{name: "a range that holds its subnet", f: in("sg-out"), net: list{withGroup("sg-x", "vpc-1", "ingress tcp 1 1 cidr 10.0.0.0/8"), withInterface(iface{VPC: "vpc-1", Groups: []string{"sg-x"}})}, want: []string{"admission"}},
		{name: "a range beside its subnet", f: in("sg-out"), net: list{withGroup("sg-x", "vpc-1", "ingress tcp 1 1 cidr 10.0.16.0/20"), withInterface(iface{VPC: "vpc-1", Groups: []string{"sg-x"}})}},
		{name: "a range in a VPC it has no way to", f: in("sg-out"), net: list{withGroup("sg-x", "vpc-9", "ingress tcp 1 1 cidr 10.0.0.0/8"), withInterface(iface{VPC: "vpc-9", IP: "10.9.0.1", Groups: []string{"sg-x"}})}},
		{name: "a range in a VPC that its peering leads to", f: in("sg-out"), net: list{
			withGroup("sg-x", "vpc-9", "ingress tcp 1 1 cidr 10.0.0.0/8"), withInterface(iface{VPC: "vpc-9", IP: "10.9.0.1", Groups: []string{"sg-x"}}),
			withSubnet("subnet-a", "vpc-1", "10.0.0.0/20", "10.9.0.0/16 peering pcx-1"),
		}, want: []string{"admission"}},
		{name: "its own group with something else in it", f: in("sg-self"), net: list{withGroup("sg-self", "vpc-1", "ingress -1 -1 -1 group sg-self", "egress tcp 443 443 cidr 0.0.0.0/0"), withInterface(iface{VPC: "vpc-1", Groups: []string{"sg-self"}})}, want: []string{"admission"}},
		{name: "its own group with functions alone", f: in("sg-self"), net: list{withGroup("sg-self", "vpc-1", "ingress -1 -1 -1 group sg-self", "egress tcp 443 443 cidr 0.0.0.0/0"), withInterface(iface{VPC: "vpc-1", Type: "lambda", Groups: []string{"sg-self"}})}},
		{name: "a cache open to everybody", f: in("sg-out"), net: list{withGroup("sg-x", "vpc-1", "ingress tcp 6379 6379 cidr 0.0.0.0/0"), withInterface(iface{VPC: "vpc-1", Groups: []string{"sg-x"}, Requester: "amazon-elasticache"})}, want: []string{"admission"}},
		{name: "a host open to everybody", f: in("sg-out"), net: list{withGroup("sg-x", "vpc-1", "ingress tcp 80 80 cidr ::/0"), withInterface(iface{VPC: "vpc-1", Groups: []string{"sg-x"}})}, want: []string{"doubt"}},
		{name: "a host elsewhere open to everybody", f: in("sg-out"), net: list{withGroup("sg-x", "vpc-9", "ingress tcp 80 80 cidr 0.0.0.0/0"), withInterface(iface{VPC: "vpc-9", IP: "10.9.0.1", Groups: []string{"sg-x"}})}},
		{name: "a malformed range", f: in("sg-out"), net: list{withGroup("sg-x", "vpc-1", "ingress tcp 80 80 cidr everywhere")}, want: []string{"doubt"}},
		{name: "a public endpoint that admits it", f: in("sg-out"), net: list{
			withGroup("sg-x", "vpc-1", "ingress tcp 443 443 group sg-out"), withEndpoint(endpoint{ID: "vpce-1", VPC: "vpc-1", Service: "com.amazonaws.us-east-1.sts", Type: "Interface", Groups: []string{"sg-x"}}),
			withInterface(iface{VPC: "vpc-1", Type: "vpc_endpoint", Description: "VPC Endpoint Interface vpce-1", Groups: []string{"sg-x"}}),
		}},
		{name: "private APIs that admit it", f: in("sg-out"), net: list{
			withGroup("sg-x", "vpc-1", "ingress tcp 443 443 cidr 10.0.0.0/16"), withEndpoint(endpoint{ID: "vpce-1", VPC: "vpc-1", Service: "com.amazonaws.us-east-1.execute-api", Type: "Interface", Groups: []string{"sg-x"}}),
		}, want: []string{"endpoint"}},
		{name: "a private service that admits others", f: in("sg-out"), net: list{
			withGroup("sg-x", "vpc-1", "ingress tcp 443 443 group sg-app"), withEndpoint(endpoint{ID: "vpce-1", VPC: "vpc-1", Service: "com.amazonaws.vpce.us-east-1.vpce-svc-1", Type: "Interface", Groups: []string{"sg-x"}}),
		}},
		{name: "an endpoint whose service was not read", f: in("sg-out"), net: list{
			withGroup("sg-x", "vpc-1", "ingress tcp 443 443 group sg-out"), withInterface(iface{VPC: "vpc-1", Type: "vpc_endpoint", Description: "VPC Endpoint Interface vpce-1", Groups: []string{"sg-x"}}),
		}, blind: []string{"vpc_endpoints"}, want: []string{"admission"}},
		{name: "mounted files", f: with(in("sg-out"), func(f *function) { f.FileSystems = []string{"arn:fs"} }), want: []string{"file_system"}},
		{name: "a private host", f: with(in("sg-out"), func(f *function) { f.EnvRefs = []string{"ldap.acme.internal"} }), want: []string{"reference"}},
		{name: "its role", f: in("sg-out"), net: list{withStatement(statement{Role: "role", Policy: "p", Actions: []string{"rds-db:connect"}})}, want: []string{"permission"}, detail: "its role may rds-db:connect (p)"},
		{name: "another role", f: in("sg-out"), net: list{withStatement(statement{Role: "other", Actions: []string{"rds-db:connect"}})}},
		{name: "egress to a group in use", f: in("sg-e"), net: list{withGroup("sg-e", "vpc-1", "egress tcp 5432 5432 group sg-db")}, want: []string{"egress"}, detail: "sg-e lets tcp 5432 out to sg-db, and eni-db (RDSNetworkInterface) is in it"},
		{name: "egress on a data port", f: in("sg-e"), net: list{withGroup("sg-e", "vpc-1", "egress tcp 6379 6379 cidr 0.0.0.0/0")}, want: []string{"egress"}},
		{name: "egress on a range of ports with a data port", f: in("sg-e"), net: list{withGroup("sg-e", "vpc-1", "egress tcp 6000 6999 cidr 0.0.0.0/0")}},
		{name: "egress to private addresses elsewhere", f: in("sg-e"), net: list{withGroup("sg-e", "vpc-1", "egress tcp 8443 8443 cidr 192.168.0.0/16")}, want: []string{"egress"}},
		{name: "egress to another account's group", f: in("sg-e"), net: list{withGroup("sg-e", "vpc-1", "egress tcp 1 1 group 999/sg-theirs")}, want: []string{"egress"}},
		{name: "egress for DNS alone", f: in("sg-e"), net: list{withGroup("sg-e", "vpc-1", "egress udp 53 53 cidr 10.0.0.2/32", "egress tcp 443 443 cidr 0.0.0.0/0")}},
		{name: "no egress", f: in("sg-e"), net: list{withGroup("sg-e", "vpc-1")}, want: []string{"isolation"}},
		{name: "no way out", f: with(in("sg-out"), func(f *function) { f.Subnets = []string{"subnet-i"} }), net: list{withSubnet("subnet-i", "vpc-1", "10.0.48.0/20", "10.0.0.0/16 local local", "pl-1 endpoint vpce-1", "0.0.0.0/0 other blackhole:nat-9")}, want: []string{"isolation"}},
		{name: "no way out that was read", f: with(in("sg-out"), func(f *function) { f.Subnets = []string{"subnet-i"} }), net: list{withSubnet("subnet-i", "vpc-1", "10.0.48.0/20", "10.0.0.0/16 local local")}, blind: []string{"routes"}},
		{name: "a way to another network that it may use", f: in("sg-open"), net: list{withGroup("sg-open", "vpc-1", "egress -1 -1 -1 cidr 0.0.0.0/0"), withSubnet("subnet-a", "vpc-1", "10.0.0.0/20", "172.16.0.0/12 transit_gateway tgw-1")}, want: []string{"doubt"}},
		{name: "a way to another network for HTTPS alone", f: in("sg-out"), net: list{withSubnet("subnet-a", "vpc-1", "10.0.0.0/20", "172.16.0.0/12 transit_gateway tgw-1")}},
		{name: "groups of another account", f: in("sg-theirs"), want: []string{"undecided"}},
		{name: "groups not read", f: in("sg-out"), blind: []string{"security_groups"}, want: []string{"undecided"}},
		{name: "a role not read, and more than HTTPS to go out by", f: in("sg-open"), net: list{withGroup("sg-open", "vpc-1", "egress -1 -1 -1 cidr 0.0.0.0/0")}, blind: []string{"role_statements"}, want: []string{"undecided"}},
		{name: "a role not read, and HTTPS alone", f: in("sg-out"), blind: []string{"role_statements"}},
		{name: "a range, and its subnets not read", f: with(in("sg-out"), func(f *function) { f.Subnets = []string{"subnet-z"} }), net: list{withGroup("sg-x", "vpc-1", "ingress tcp 1 1 cidr 10.0.0.0/8")}, blind: []string{"subnets"}, want: []string{"undecided"}},
		{name: "a range, and its subnets not visible", f: with(in("sg-out"), func(f *function) { f.Subnets = []string{"subnet-z"} }), net: list{withGroup("sg-x", "vpc-1", "ingress tcp 1 1 cidr 10.0.0.0/8")}, want: []string{"undecided"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			l := examine(passBlindTo(c.blind...), testRules, testNetwork(c.net...), c.f)
			var got []string
			for _, n := range l.Needs {
				got = append(got, n.Kind)
			}
			if len(l.Doubts) > 0 {
				got = append(got, "doubt")
			}
			if l.Undecided != nil {
				got = append(got, "undecided")
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("needs (-want +got):\n%s\n%+v", diff, l)
			}
			if c.detail != "" && (len(l.Needs) == 0 || l.Needs[0].Detail != c.detail) {
				t.Errorf("needs %+v, want %q", l.Needs, c.detail)
			}
		})
	}
}

func TestPrivateReference(t *testing.T) {
	t.Parallel()
	for ref, want := range map[string]bool{
		"10.1.2.3": true, "172.31.0.1": true, "192.168.1.1": true, "100.64.0.1": true, "fd00::1": true, "8.8.8.8": false, "172.32.0.1": false, "100.128.0.1": false,
		"db.cluster-c1.eu-west-1.rds.amazonaws.com": true, "s.x1.0001.use1.cache.amazonaws.com": true, "vpc-logs-x.eu-west-1.es.amazonaws.com": true,
		"b-1.m.x1.c2.kafka.eu-west-1.amazonaws.com": true, "fs-1.efs.eu-west-1.amazonaws.com": true, "vpce-1.sqs.eu-west-1.vpce.amazonaws.com": true,
		"sqs.eu-west-1.amazonaws.com": false, "secretsmanager.eu-west-1.amazonaws.com": false, "api.example.com": false, "internal-tools.example.com": false,
		"ldap.acme.internal": true, "git.corp.acme.com": true, "redis": true, "x.local": false, // local is not listed here
		"https://sqs.eu-west-1.amazonaws.com/1/q":            false,
		"arn:aws:elasticache:eu-west-1:1:replicationgroup:r": true, "arn:aws:rds:eu-west-1:1:cluster:c": false, "arn:aws:sqs:eu-west-1:1:q": false,
	} {
		if got := testRules.private(ref); (got != "") != want {
			t.Errorf("private(%q) = %q, want %v", ref, got, want)
		}
	}
}

func TestConfidence(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		l    look
		want analysis.Confidence
	}{
		{look{OnlyHTTPS: true}, analysis.ConfidenceHigh},
		{look{}, analysis.ConfidenceMedium},
		{look{OnlyHTTPS: true, Doubts: []string{"x"}}, analysis.ConfidenceLow},
		{look{OnlyHTTPS: true, Unread: []string{"x"}}, analysis.ConfidenceLow},
	} {
		if got := c.l.confidence(); got != c.want {
			t.Errorf("%+v: %s, want %s", c.l, got, c.want)
		}
	}
}

func TestOnlyHTTPS(t *testing.T) {
	t.Parallel()
	for egress, want := range map[string]bool{
		"tcp 443 443 cidr 0.0.0.0/0": true, "tcp 80 80 cidr ::/0": true, "udp 53 53 cidr 10.0.0.2/32": true, "tcp 443 443 prefix_list pl-1": true,
		"tcp 443 444 cidr 0.0.0.0/0": false, "udp 443 443 cidr 0.0.0.0/0": false, "-1 -1 -1 cidr 0.0.0.0/0": false, "tcp 443 443 cidr 8.8.8.8/32": false,
	} {
		n := testNetwork(withGroup("sg-e", "vpc-1", "egress "+egress))
		f := function{VPC: "vpc-1", Subnets: []string{"subnet-a"}, Groups: []string{"sg-e"}}
		if got := examine(passBlindTo(), testRules, n, f).OnlyHTTPS; got != want {
			t.Errorf("%s: %v, want %v", egress, got, want)
		}
	}
}

func TestGatewayInterval(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		g    gatewayShare
		want analysis.Interval
	}{
		{"its own", gatewayShare{Whole: true, Functions: 1, share: 1, hours: 36, data: 64}, analysis.Interval{Low: 100, Expected: 100, High: 100}},
		{"needless functions'", gatewayShare{Whole: true, Functions: 4, share: 0.25, hours: 36, data: 64}, analysis.Interval{Expected: 25, High: 25}},
		{"others' too", gatewayShare{Functions: 4, Others: 6, share: 0.1, hours: 36, data: 64}, analysis.Interval{Expected: 6.4, High: 10}},
	} {
		if diff := cmp.Diff(c.want, gatewayInterval(c.g), cmp.Comparer(near)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, diff)
		}
	}
}

func near(a, b float64) bool { return a-b < 1e-9 && b-a < 1e-9 }

// TestClients holds the promise that no dollar is counted twice: the functions'
// shares and the others' parts add up to one.
func TestClients(t *testing.T) {
	t.Parallel()
	n := testNetwork(
		withInterface(iface{Subnet: "subnet-a", Type: "lambda", Groups: []string{"sg-out"}}),
		withInterface(iface{Subnet: "subnet-a", Type: "lambda", Groups: []string{"sg-gone"}}),
		withInterface(iface{Subnet: "subnet-a", Type: "interface"}),
		withInterface(iface{Subnet: "subnet-a", Type: "vpc_endpoint"}),
		withInterface(iface{Subnet: "subnet-a", Type: "nat_gateway"}),
		withInterface(iface{Subnet: "subnet-d", Type: "interface"}),
	)
	n.gateways = []*gateway{{ID: "nat-1"}}
	n.attachments = []attachment{
		{Function: "f", Subnets: []string{"subnet-a", "subnet-d"}, Groups: []string{"sg-out"}},
		{Function: "g", Subnets: []string{"subnet-a"}, Groups: []string{"sg-out"}},
		{Function: "g", Subnets: []string{"subnet-a"}, Groups: []string{"sg-out"}}, // a published version of it
		{Function: "h", Subnets: []string{"subnet-a"}, Groups: []string{"sg-app"}},
	}
	l := &ledger{needless: map[string]bool{"f": true, "g": true, "h": true}, clients: map[clientsKey]clients{}}
	c := l.ofGateway(n, n.gateways[0])
	want := clients{others: 2, functions: []string{"f", "g", "h"}, share: map[string]float64{"f": 0.125, "g": 0.125, "h": 0.25}}
	if diff := cmp.Diff(want, c, cmp.AllowUnexported(clients{}), cmp.Comparer(near)); diff != "" {
		t.Errorf("clients (-want +got):\n%s", diff)
	}
	sum := float64(c.others) / 4
	for _, share := range c.share {
		sum += share
	}
	if !near(sum, 1) {
		t.Errorf("shares add up to %v, want 1", sum)
	}
	n.interfaces, l.clients = nil, map[clientsKey]clients{}
	if !l.ofGateway(n, n.gateways[0]).alone {
		t.Error("three needless functions are not alone")
	}
	l.needless["h"], l.clients = false, map[clientsKey]clients{}
	if l.ofGateway(n, n.gateways[0]).alone {
		t.Error("needless functions are alone, though h needs the gateway")
	}
}

func TestPriceGateway(t *testing.T) {
	t.Parallel()
	row := func(item, usd string) schema.Price {
		return schema.Price{Item: item, Region: region, USD: decimal.RequireFromString(usd), ValidFrom: testRules.now.AddDate(-1, 0, 0), ValidTo: testRules.now.AddDate(1, 0, 0)}
	}
	book, err := price.NewBook([]schema.Price{row(price.NATHour, "0.045"), row(price.NATGB, "0.045"), row(price.IPv4Hour, "0.005")})
	if err != nil {
		t.Fatal(err)
	}
	l := &ledger{book: book, window: passBlindTo().Window}
	for _, c := range []struct {
		name        string
		g           gateway
		hours, data float64
		gb          *float64
	}{
		{"half the window read", gateway{Region: region, Bytes: 10 * bytesPerGB, BytesRead: true, ReadS: 365 * 3600}, 36.5, 0.9, new(20.0)},
		{"no bytes", gateway{Region: region, BytesRead: true, ReadS: 3600}, 36.5, 0, new(0.0)},
		{"bytes not read", gateway{Region: region, Bytes: 10 * bytesPerGB}, 36.5, 0, nil},
		{"without an address", gateway{Region: region, Connectivity: "private"}, 32.85, 0, nil},
	} {
		var s gatewayShare
		if err := l.priceGateway(&s, &c.g); err != nil {
			t.Fatal(err)
		}
		if !near(s.hours, c.hours) || !near(s.data, c.data) || (s.GBPerMonth == nil) != (c.gb == nil) || c.gb != nil && *s.GBPerMonth != *c.gb {
			t.Errorf("%s: %+v, want hours %v, data %v", c.name, s, c.hours, c.data)
		}
	}
	var s gatewayShare
	if err := l.priceGateway(&s, &gateway{Region: "mars-1"}); err == nil {
		t.Error("a region without prices has one")
	}
}

func TestMissingGatewayEndpoints(t *testing.T) {
	t.Parallel()
	n := testNetwork(withEndpoint(endpoint{ID: "e", VPC: "vpc-1", Type: "Gateway", Service: "com.amazonaws.us-east-1.s3"}))
	busy, idle := []gatewayShare{{data: 1}}, []gatewayShare{{}}
	for _, c := range []struct {
		vpc  string
		g    []gatewayShare
		want []string
	}{
		{"vpc-1", busy, []string{"dynamodb"}}, {"vpc-2", busy, []string{"s3", "dynamodb"}}, {"vpc-2", idle, nil}, {"vpc-2", nil, nil},
	} {
		if diff := cmp.Diff(c.want, missingGatewayEndpoints(n, c.vpc, c.g)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.vpc, diff)
		}
	}
}

func TestPorts(t *testing.T) {
	t.Parallel()
	for want, r := range map[string]rule{
		"all ports":      {Protocol: "-1", FromPort: -1, ToPort: -1},
		"all tcp ports":  {Protocol: "tcp", FromPort: 0, ToPort: 65535},
		"all icmp ports": {Protocol: "icmp", FromPort: -1, ToPort: -1},
		"tcp 443":        {Protocol: "tcp", FromPort: 443, ToPort: 443},
		"udp 1024-2048":  {Protocol: "udp", FromPort: 1024, ToPort: 2048},
	} {
		if got := ports(r); got != want {
			t.Errorf("ports(%+v) = %q, want %q", r, got, want)
		}
	}
}
