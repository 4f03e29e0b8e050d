package awssim

import (
	"fmt"
	"slices"
	"time"
)

// network is a region's main VPC. Databases and caches live in the data
// subnets; functions that need them in the app subnets, with the app security
// group. Nothing admits the web subnets.
type network struct {
	vpc     *VPC
	app     []*Subnet
	data    []*Subnet
	web     []*Subnet
	public  []*Subnet
	private *RouteTable // of app, data and web: out through the NAT gateway
	gateway *NATGateway
	appSG   *SecurityGroup
}

func (s *site) number() int {
	for i, r := range s.w.Regions {
		if r == s.region {
			return i
		}
	}
	return 0
}

func platform() identity {
	return identity{team: team{"platform", "team-platform", "cc-9000"}, env: "prod", name: "platform"}
}

func (s *site) buildNetwork() *network {
	n := &network{}
	base := 20 + s.number()
	n.vpc = s.vpc("main", fmt.Sprintf("10.%d.0.0/16", base))
	for i, zone := range []string{"a", "b"} {
		cidr := func(third int) string { return fmt.Sprintf("10.%d.%d.0/20", base, third+16*i) }
		n.app = append(n.app, s.subnet(n.vpc, "app-"+zone, cidr(0), zone))
		n.data = append(n.data, s.subnet(n.vpc, "data-"+zone, cidr(32), zone))
		n.web = append(n.web, s.subnet(n.vpc, "web-"+zone, cidr(64), zone))
		n.public = append(n.public, s.subnet(n.vpc, "public-"+zone, cidr(96), zone))
		n.public[i].Public = true
	}
	n.gateway = s.nat("main", n.vpc, n.public[0])
	n.gateway.otherBytesPerMinute = 2_400_000 // build agents and hosts
	s.routes(n.vpc, "main", nil)
	s.routes(n.vpc, "public", n.public, Route{"0.0.0.0/0", RouteInternet, s.id("igw", "main"), "active", "CreateRoute"})
	endpoint := s.gatewayEndpoint(n)
	n.private = s.routes(n.vpc, "private", slices.Concat(n.app, n.data, n.web),
		Route{"0.0.0.0/0", RouteNAT, n.gateway.ID, "active", "CreateRoute"},
		Route{"pl-63a5400a", RouteEndpoint, endpoint.ID, "active", "CreateRoute"})
	endpoint.RouteTableIDs = []string{n.private.ID}
	n.appSG = s.group(n.vpc, "app", "functions that talk to the databases", everywhere()...)
	database := s.group(n.vpc, "database", "orders and users databases")
	database.Ingress = []Permission{fromGroup(5432, n.appSG)}
	cache := s.group(n.vpc, "cache", "session cache")
	cache.Ingress = []Permission{fromGroup(6379, n.appSG)}
	secrets := s.group(n.vpc, "secrets-endpoint", "interface endpoint of secrets manager")
	secrets.Ingress = []Permission{fromGroup(443, n.appSG)}
	s.region.VPCs = append(s.region.VPCs, n.vpc)
	s.interfaceIn(n.data[0], "interface", "RDSNetworkInterface", "amazon-rds", database)
	s.interfaceIn(n.data[1], "interface", "ElastiCache session-cache-001", "amazon-elasticache", cache)
	s.interfaceEndpoint(n, secrets)
	return n
}

func (s *site) vpc(name, cidr string) *VPC {
	v := &VPC{ID: s.id("vpc", name), CIDR: cidr, Tags: s.named(name)}
	self := s.group(v, "default", "default VPC security group", everywhere()...)
	self.Ingress = []Permission{{Protocol: "-1", FromPort: -1, ToPort: -1, Groups: []GroupRef{{GroupID: self.ID}}}}
	return v
}

func (s *site) named(name string) map[string]string {
	tags := platform().tags()
	tags["Name"] = name
	return tags
}

func (s *site) subnet(v *VPC, name, cidr, zone string) *Subnet {
	n := &Subnet{
		ID: s.id("subnet", v.ID, name), VPCID: v.ID, CIDR: cidr, AvailabilityZone: s.region.Name + zone,
		AvailableIPs: 4091 - newRand(streamKey(s.w.Seed, v.ID, name), 0).IntN(300), Tags: s.named(name),
	}
	s.region.Subnets = append(s.region.Subnets, n)
	return n
}

// routes makes a route table; without subnets it is the VPC's main one.
func (s *site) routes(v *VPC, name string, subnets []*Subnet, routes ...Route) *RouteTable {
	t := &RouteTable{ID: s.id("rtb", v.ID, name), VPCID: v.ID, Main: len(subnets) == 0, Tags: s.named(name)}
	t.Routes = append([]Route{{v.CIDR, RouteLocal, "local", "active", "CreateRouteTable"}}, routes...)
	for _, n := range subnets {
		t.SubnetIDs = append(t.SubnetIDs, n.ID)
	}
	s.region.RouteTables = append(s.region.RouteTables, t)
	return t
}

func (s *site) group(v *VPC, name, description string, egress ...Permission) *SecurityGroup {
	g := &SecurityGroup{ID: s.id("sg", v.ID, name), Name: name, Description: description, VPCID: v.ID, Egress: egress, Tags: s.named(name)}
	s.region.SecurityGroups = append(s.region.SecurityGroups, g)
	return g
}

// everywhere is the egress rule AWS gives new groups.
func everywhere() []Permission {
	return []Permission{{Protocol: "-1", FromPort: -1, ToPort: -1, CIDRs: []string{"0.0.0.0/0"}}}
}

func onlyHTTPS() []Permission {
	return []Permission{{Protocol: "tcp", FromPort: 443, ToPort: 443, CIDRs: []string{"0.0.0.0/0"}, Description: "HTTPS out"}}
}

func fromGroup(port int, g *SecurityGroup) Permission {
	return Permission{Protocol: "tcp", FromPort: port, ToPort: port, Groups: []GroupRef{{GroupID: g.ID}}}
}

func fromCIDR(port int, cidrs ...string) Permission {
	return Permission{Protocol: "tcp", FromPort: port, ToPort: port, CIDRs: cidrs}
}

func (s *site) nat(name string, v *VPC, in *Subnet) *NATGateway {
	r := newRand(streamKey(s.w.Seed, v.ID, name, "nat"), 0)
	n := &NATGateway{
		ID: s.id("nat", v.ID, name), VPCID: v.ID, SubnetID: in.ID, State: "available", Connectivity: "public",
		PublicIP: fmt.Sprintf("54.%d.%d.%d", 80+r.IntN(120), r.IntN(256), 1+r.IntN(250)), PrivateIP: host(in.CIDR, 5),
		AllocationID: s.id("eipalloc", v.ID, name), CreatedAt: s.w.Now.AddDate(-1, -r.IntN(8), 0).Add(7 * time.Hour), Tags: s.named("nat-" + name),
	}
	eni := s.interfaceIn(in, "nat_gateway", "Interface for NAT Gateway "+n.ID, "amazon-aws")
	eni.PrivateIP, n.InterfaceID = n.PrivateIP, eni.ID
	s.region.NATGateways = append(s.region.NATGateways, n)
	return n
}

// host is an address in a /20 or /24 of the form a.b.c.0.
func host(cidr string, n int) string {
	var a, b, c, d, bits int
	if _, err := fmt.Sscanf(cidr, "%d.%d.%d.%d/%d", &a, &b, &c, &d, &bits); err != nil {
		panic(fmt.Sprintf("malformed CIDR %q: %v", cidr, err)) // ours, never input
	}
	return fmt.Sprintf("%d.%d.%d.%d", a, b, c+n/250%16, 4+n%250)
}

func (s *site) interfaceIn(in *Subnet, kind, description, requester string, groups ...*SecurityGroup) *Interface {
	count := 0
	for _, other := range s.region.Interfaces {
		count += btoi(other.SubnetID == in.ID)
	}
	e := &Interface{
		ID: s.id("eni", in.ID, description, fmt.Sprint(count)), VPCID: in.VPCID, SubnetID: in.ID, AvailabilityZone: in.AvailabilityZone,
		Type: kind, PrivateIP: host(in.CIDR, 10+count), Description: description, RequesterID: requester, RequesterManaged: true, Status: "in-use",
	}
	for _, g := range groups {
		e.SecurityGroupIDs = append(e.SecurityGroupIDs, g.ID)
	}
	s.region.Interfaces = append(s.region.Interfaces, e)
	return e
}

func (s *site) gatewayEndpoint(n *network) *Endpoint {
	e := &Endpoint{
		ID: s.id("vpce", "s3"), VPCID: n.vpc.ID, ServiceName: "com.amazonaws." + s.region.Name + ".s3", Type: "Gateway",
		State: "available", CreatedAt: s.w.Now.AddDate(-1, 0, -11), Tags: s.named("s3"),
	}
	s.region.Endpoints = append(s.region.Endpoints, e)
	return e
}

func (s *site) interfaceEndpoint(n *network, g *SecurityGroup) {
	e := &Endpoint{
		ID: s.id("vpce", "secrets"), VPCID: n.vpc.ID, ServiceName: "com.amazonaws." + s.region.Name + ".secretsmanager", Type: "Interface",
		State: "available", SecurityGroupIDs: []string{g.ID}, CreatedAt: s.w.Now.AddDate(-1, 0, -9), Tags: s.named("secrets"),
	}
	for _, in := range n.app {
		e.SubnetIDs = append(e.SubnetIDs, in.ID)
		e.InterfaceIDs = append(e.InterfaceIDs, s.interfaceIn(in, "vpc_endpoint", "VPC Endpoint Interface "+e.ID, "amazon-aws", g).ID)
	}
	s.region.Endpoints = append(s.region.Endpoints, e)
}

// attach puts the function into subnets with a security group, and its traffic to
// the world through the VPC's NAT gateway.
func (b *build) attach(subnets []*Subnet, g *SecurityGroup, through *NATGateway) {
	b.VPC = &VPCConfig{VPCID: g.VPCID, SecurityGroupIDs: []string{g.ID}}
	for _, n := range subnets {
		b.VPC.SubnetIDs = append(b.VPC.SubnetIDs, n.ID)
	}
	b.managed = append(b.managed, awsManaged("service-role/AWSLambdaVPCAccessExecutionRole", b.site.w.Partition))
	through.clients = append(through.clients, b.Function)
}

// talks sets how many bytes an invocation sends and receives beyond the VPC.
func (b *build) talks(out, in int) {
	b.load.natBytesOut, b.load.natBytesIn = float64(out), float64(in)
}

// needsVPC attaches a background function to the databases.
func (b *build) needsVPC() {
	n := b.site.network
	b.attach(n.app, n.appSG, n.gateway)
	b.talks(around(b.random, 500, 3000), around(b.random, 800, 9000))
	name := b.team.name + "-db"
	b.Environment["DATABASE_URL"] = fmt.Sprintf("postgres://app:%s@%s.cluster-c%s.%s.rds.amazonaws.com:5432/%s",
		Canary, name, hexID(b.site.w.Seed, 11, name), b.site.region.Name, b.team.name)
}

// egressVPC is a VPC that offers nothing but a way out.
type egressVPC struct {
	vpc     *VPC
	subnets []*Subnet
	group   *SecurityGroup
	gateway *NATGateway
}

// egressOf makes, once a copy, a VPC whose NAT gateway only its functions use.
func (s *site) egressOf(copy int) *egressVPC {
	if v := s.egress[copy]; v != nil {
		return v
	}
	name := fmt.Sprintf("egress-%d", copy+1)
	base := fmt.Sprintf("10.%d", 100+10*copy+s.number())
	v := &egressVPC{vpc: s.vpc(name, base+".0.0/16")}
	s.region.VPCs = append(s.region.VPCs, v.vpc)
	for i, zone := range []string{"a", "b"} {
		v.subnets = append(v.subnets, s.subnet(v.vpc, name+"-private-"+zone, fmt.Sprintf("%s.%d.0/20", base, 16*i), zone))
	}
	public := s.subnet(v.vpc, name+"-public-a", base+".96.0/20", "a")
	public.Public = true
	v.gateway = s.nat(name, v.vpc, public)
	s.routes(v.vpc, name+"-main", nil)
	s.routes(v.vpc, name+"-public", []*Subnet{public}, Route{"0.0.0.0/0", RouteInternet, s.id("igw", name), "active", "CreateRoute"})
	s.routes(v.vpc, name+"-private", v.subnets, Route{"0.0.0.0/0", RouteNAT, v.gateway.ID, "active", "CreateRoute"})
	v.group = s.group(v.vpc, "lambda-out", "functions that call the outside", onlyHTTPS()...)
	s.egress[copy] = v
	return v
}

func awsManaged(name, partition string) string {
	return "arn:" + partition + ":iam::aws:policy/" + name
}
