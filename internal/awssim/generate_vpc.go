package awssim

import "fmt"

func vpcScenarios() []scenario {
	return []scenario{
		{name: "exchange", functions: 1, plant: (*scene).needlessEgress},
		{name: "tracker", functions: 1, plant: (*scene).needlessBesideDatabases},
		{name: "weather", functions: 1, plant: (*scene).needlessEgress},
		{name: "archive", functions: 1, plant: (*scene).mountsFiles},
		{name: "profile", functions: 1, plant: (*scene).namesDatabaseHost},
		{name: "gateway", functions: 1, plant: (*scene).namesPrivateAddress},
		{name: "directory", functions: 1, plant: (*scene).namesInternalHost},
		{name: "account", functions: 1, plant: (*scene).databaseLogin},
		{name: "session", functions: 1, plant: (*scene).cacheLogin},
		{name: "suggest", functions: 1, plant: (*scene).searchesDomain},
		{name: "ingest", functions: 1, plant: (*scene).readsKafka},
		{name: "legacy", functions: 1, plant: (*scene).admittedByCIDR},
		{name: "leaderboard", functions: 1, plant: (*scene).admittedByItself},
		{name: "warehouse", functions: 1, plant: (*scene).admittedFromPeer},
	}
}

// caller is a function that serves requests and calls others over HTTPS.
func (sc *scene) caller() *build {
	f := sc.function("")
	f.traffic(between(f.random, 400, 4000), between(f.random, 80, 400)).shape = sc.shapes()[0]
	f.onAPI()
	return f
}

// needlessEgress is in a VPC that offers nothing but its NAT gateway. Its
// security group admits nobody, is admitted by nobody, and lets HTTPS out.
func (sc *scene) needlessEgress() {
	f := sc.caller()
	v := sc.site.egressOf(sc.copy)
	f.attach(v.subnets, v.group, v.gateway)
	f.talks(around(f.random, 1500, 6000), around(f.random, 4000, 40_000))
	f.Environment["UPSTREAM"] = "https://api.example.com/v2"
	sc.planted(needlessVPC, f.ARN, Certain, "in %s with HTTPS egress only; nothing there admits it; %s serves such functions alone", v.vpc.ID, v.gateway.ID)
}

// needlessBesideDatabases shares a VPC with databases that do not admit it.
func (sc *scene) needlessBesideDatabases() {
	f := sc.caller()
	g := sc.inWeb(f, onlyHTTPS()...)
	sc.planted(needlessVPC, f.ARN, Certain, "in %s, whose databases admit other security groups than %s", g.VPCID, g.ID)
}

// inWeb attaches a function to the subnets nothing admits, with a group of its own.
func (sc *scene) inWeb(f *build, egress ...Permission) *SecurityGroup {
	n := sc.site.network
	g := sc.site.group(n.vpc, f.Name, "functions of "+f.Name, egress...)
	g.Tags = f.tags()
	f.attach(n.web, g, n.gateway)
	f.talks(around(f.random, 500, 4000), around(f.random, 2000, 20_000))
	return g
}

func (sc *scene) needs(f *build, format string, args ...any) {
	sc.nearMiss(needlessVPC, f.ARN, "needs its VPC: "+format, args...)
}

func (sc *scene) mountsFiles() {
	f := sc.caller()
	n := sc.site.network
	g := sc.inWeb(f, everywhere()...)
	target := sc.site.group(n.vpc, f.Name+"-mount", "mount targets of "+f.Name)
	target.Ingress = []Permission{fromGroup(2049, g)}
	sc.site.interfaceIn(n.web[0], "efs", "EFS mount target for fs-"+hexID(sc.w.Seed, 17, f.ARN), "amazon-elasticfilesystem", target)
	f.FileSystems = []FileSystem{{ARN: sc.site.arn("elasticfilesystem", "access-point/fsap-"+hexID(sc.w.Seed, 17, f.ARN, "point")), MountPath: "/mnt/archive"}}
	f.allow(f.FileSystems[0].ARN, "elasticfilesystem:ClientMount", "elasticfilesystem:ClientWrite")
	sc.needs(f, "it mounts a file system")
}

func (sc *scene) namesDatabaseHost() {
	f := sc.caller()
	sc.inWeb(f, everywhere()...)
	host := fmt.Sprintf("%s.cluster-c%s.%s.rds.amazonaws.com", f.team.name, hexID(sc.w.Seed, 11, f.ARN), sc.site.region.Name)
	f.Environment["DB_URL"] = "postgres://app:" + Canary + "@" + host + ":5432/" + f.team.name
	sc.needs(f, "its environment names %s", host)
}

func (sc *scene) namesPrivateAddress() {
	f := sc.caller()
	sc.inWeb(f, everywhere()...)
	address := host(sc.site.network.data[0].CIDR, around(f.random, 40, 200))
	f.Environment["BACKEND"] = "http://" + address + ":8080/rpc"
	sc.needs(f, "its environment names the private address %s", address)
}

func (sc *scene) namesInternalHost() {
	f := sc.caller()
	sc.inWeb(f, everywhere()...)
	f.Environment["LDAP_URL"] = "ldaps://directory." + f.team.name + ".internal:636"
	sc.needs(f, "its environment names a host of the private zone internal")
}

func (sc *scene) databaseLogin() {
	f := sc.caller()
	sc.inWeb(f, everywhere()...)
	f.allow(sc.site.arn("rds-db", "dbuser:cluster-"+hexID(sc.w.Seed, 16, f.ARN)+"/app"), "rds-db:connect")
	sc.needs(f, "its role may log in to a database (rds-db:connect)")
}

func (sc *scene) cacheLogin() {
	f := sc.caller()
	sc.inWeb(f, everywhere()...)
	f.allow(sc.site.arn("elasticache", "replicationgroup:"+f.team.name+"-sessions"), "elasticache:Connect")
	sc.needs(f, "its role may connect to a cache (elasticache:Connect)")
}

func (sc *scene) searchesDomain() {
	f := sc.caller()
	sc.inWeb(f, everywhere()...)
	f.allow(sc.site.arn("es", "domain/"+f.team.name+"-search/*"), "es:ESHttpGet", "es:ESHttpPost")
	sc.needs(f, "its role may query a search domain (es:ESHttpGet)")
}

func (sc *scene) readsKafka() {
	f := sc.caller()
	sc.inWeb(f, everywhere()...)
	f.allow(sc.site.arn("kafka", "cluster/"+f.team.name+"-events/*"), "kafka-cluster:Connect", "kafka-cluster:ReadData", "kafka-cluster:DescribeGroup")
	sc.needs(f, "its role may read a Kafka cluster (kafka-cluster:ReadData)")
}

// admittedByCIDR: a database admits the function's subnets by their addresses.
func (sc *scene) admittedByCIDR() {
	f := sc.caller()
	n := sc.site.network
	zone := []string{"a", "b"}
	base := fmt.Sprintf("10.%d", 20+sc.site.number())
	var subnets []*Subnet
	var cidrs []string
	for i := range zone {
		cidr := fmt.Sprintf("%s.%d.0/24", base, 128+12*sc.copy+i)
		subnets = append(subnets, sc.site.subnet(n.vpc, f.Name+"-"+zone[i], cidr, zone[i]))
		subnets[i].AvailableIPs = 230
		n.private.SubnetIDs = append(n.private.SubnetIDs, subnets[i].ID)
		cidrs = append(cidrs, cidr)
	}
	g := sc.site.group(n.vpc, f.Name, "functions of "+f.Name, everywhere()...)
	f.attach(subnets, g, n.gateway)
	f.talks(900, 2200)
	database := sc.site.group(n.vpc, f.Name+"-database", "database that admits addresses")
	database.Ingress = []Permission{fromCIDR(3306, cidrs...)}
	sc.site.interfaceIn(n.data[0], "interface", "RDSNetworkInterface", "amazon-rds", database)
	sc.needs(f, "%s admits its subnets' addresses on port 3306", database.ID)
}

// admittedByItself: a cache uses the function's own security group, which admits itself.
func (sc *scene) admittedByItself() {
	f := sc.caller()
	g := sc.inWeb(f, everywhere()...)
	g.Ingress = []Permission{fromGroup(6379, g)}
	cache := sc.site.interfaceIn(sc.site.network.data[1], "interface", "ElastiCache "+f.team.name+"-scores-001", "amazon-elasticache", g)
	sc.needs(f, "%s admits itself on port 6379, and the cache at %s is in it", g.ID, cache.ID)
}

// admittedFromPeer: what admits the function is in a VPC peered with its own.
func (sc *scene) admittedFromPeer() {
	f := sc.caller()
	s, n := sc.site, sc.site.network
	base := fmt.Sprintf("10.%d", 60+4*sc.copy+s.number())
	name := fmt.Sprintf("analytics-%d", sc.copy+1)
	v := s.vpc(name, base+".0.0/16")
	s.region.VPCs = append(s.region.VPCs, v)
	private, public := s.subnet(v, name+"-private", base+".0.0/20", "a"), s.subnet(v, name+"-public", base+".96.0/20", "a")
	public.Public = true
	gateway := s.nat(name, v, public)
	gateway.otherBytesPerMinute = 90_000
	peering := &Peering{ID: s.id("pcx", name), Requester: v.ID, Accepter: n.vpc.ID, Status: "active", Tags: s.named(name)}
	s.region.Peerings = append(s.region.Peerings, peering)
	s.routes(v, name+"-main", nil)
	s.routes(v, name+"-public", []*Subnet{public}, Route{"0.0.0.0/0", RouteInternet, s.id("igw", name), "active", "CreateRoute"})
	s.routes(v, name+"-private", []*Subnet{private}, Route{"0.0.0.0/0", RouteNAT, gateway.ID, "active", "CreateRoute"},
		Route{n.vpc.CIDR, RoutePeering, peering.ID, "active", "CreateRoute"})
	n.private.Routes = append(n.private.Routes, Route{v.CIDR, RoutePeering, peering.ID, "active", "CreateRoute"})
	g := s.group(v, f.Name, "functions of "+f.Name, everywhere()...)
	f.attach([]*Subnet{private}, g, gateway)
	f.talks(700, 1500)
	warehouse := s.group(n.vpc, f.Name+"-warehouse", "warehouse that admits the peered VPC")
	warehouse.Ingress = []Permission{fromCIDR(5439, private.CIDR)}
	s.interfaceIn(n.data[0], "interface", "RedshiftNetworkInterface", "amazon-redshift", warehouse)
	sc.needs(f, "%s in the peered VPC %s admits its subnet's addresses on port 5439", warehouse.ID, n.vpc.ID)
}
