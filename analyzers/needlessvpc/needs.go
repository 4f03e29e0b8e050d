package needlessvpc

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"

	"github.com/faaswarden/faaswarden/internal/analysis"
)

// need is a reason for the attachment.
type need struct {
	Kind   string `json:"kind"` // exemption, file_system, reference, permission, admission, egress, endpoint, isolation
	Detail string `json:"detail"`
}

// look is what was looked at for one function, and what was found.
type look struct {
	Needs     []need
	Doubts    []string            // what might be a need and cannot be told
	Unread    []string            // evidence that is missing and contradicts nothing
	Undecided *analysis.Blindness // evidence without which no opinion can be formed
	Counts    map[string]int      // what was looked at, and found without effect
	Egress    []string            // the egress rules of its groups, in words
	OnlyHTTPS bool                // egress is ports 443 and 80 to everywhere, no more

	InterfacesRead bool
}

// confidence follows the definitions in doc.md.
func (l *look) confidence() analysis.Confidence {
	switch {
	case len(l.Doubts) > 0 || len(l.Unread) > 0:
		return analysis.ConfidenceLow
	case l.OnlyHTTPS:
		return analysis.ConfidenceHigh
	default:
		return analysis.ConfidenceMedium
	}
}

// examination is one look while it goes on.
type examination struct {
	*look
	rules   rules
	net     *network
	f       function
	subnets []netip.Prefix
	routes  []route
	unread  map[string]analysis.Blindness // table → why it is missing
}

// tables are the evidence of a look, and whether an opinion needs it.
var tables = []struct {
	name   string
	vital  bool
	misses string
}{
	{"security_groups", true, "security groups"},
	{"security_group_rules", true, "security group rules"},
	{"network_interfaces", false, "network interfaces"},
	{"subnets", false, "subnets"},
	{"routes", false, "routes"},
	{"vpc_endpoints", false, "VPC endpoints"},
	{"role_statements", false, "the role's permissions"},
}

// examine looks for everything that could need the attachment.
func examine(p *analysis.Pass, r rules, n *network, f function) *look {
	x := &examination{look: &look{Counts: map[string]int{}}, rules: r, net: n, f: f, unread: map[string]analysis.Blindness{}}
	x.readGaps(p)
	_, blind := x.unread["network_interfaces"]
	x.InterfacesRead = !blind
	for _, id := range f.Subnets {
		if s := n.subnets[id]; s != nil {
			x.subnets = append(x.subnets, s.CIDR)
			x.routes = append(x.routes, s.Routes...)
		} else if _, known := x.unread["subnets"]; !known {
			x.Unread = append(x.Unread, "subnet "+id+" is not visible in this account")
		}
	}
	x.exempted()
	x.fileSystems()
	x.references()
	x.permissions()
	x.admissions()
	x.egress()
	x.endpoints()
	x.isolation()
	x.privateRoutes()
	x.unreadRole()
	return x.look
}

func (x *examination) need(kind, format string, args ...any) {
	x.Needs = append(x.Needs, need{kind, fmt.Sprintf(format, args...)})
}

func (x *examination) doubt(format string, args ...any) {
	x.Doubts = append(x.Doubts, fmt.Sprintf(format, args...))
}

// readGaps notes what is missing. Without the groups and their rules nothing
// can be proved; a shared VPC's groups belong to another account and are not listed.
func (x *examination) readGaps(p *analysis.Pass) {
	role := x.f.subject()
	role.Resource = x.f.RoleARN
	for _, t := range tables {
		b, blind := p.Blind(x.f.subject(), t.name, "")
		if !blind && t.name == "role_statements" {
			b, blind = p.Blind(role, t.name, "")
		}
		if !blind {
			continue
		}
		x.unread[t.name] = b
		if !t.vital {
			x.Unread = append(x.Unread, fmt.Sprintf("%s: %s (%s)", t.misses, b.Detail, b.Reason))
		} else if x.Undecided == nil {
			x.Undecided = &b
		}
	}
	for _, id := range x.f.Groups {
		if x.net.groups[id] == nil && x.Undecided == nil {
			x.Undecided = &analysis.Blindness{Reason: analysis.NoData, Detail: "security group " + id + " is not visible in this account: a shared VPC's?"}
		}
	}
}

func (x *examination) exempted() {
	for _, e := range x.rules.exemptions {
		if exempts(e, x.f) && e.Holds(x.rules.now) {
			x.need("exemption", "until %s: %s", e.Until, e.Reason)
		}
	}
}

func (x *examination) fileSystems() {
	for _, arn := range x.f.FileSystems {
		x.need("file_system", "it mounts %s", arn)
	}
}

func (x *examination) references() {
	x.Counts["environment_references"] = len(x.f.EnvRefs)
	for _, ref := range x.f.EnvRefs {
		if why := x.rules.private(ref); why != "" {
			x.need("reference", "its environment names %s, %s", ref, why)
		}
	}
}

// privateServices are the AWS services whose own host names and ARNs lead into a
// VPC. RDS has a data API outside; its ARN alone proves nothing.
var privateHosts = []string{
	".rds.", ".cache.", ".es.", ".aoss.", ".dax.", ".memorydb.", ".redshift.", ".redshift-serverless.", ".kafka.", ".kafka-serverless.",
	".mq.", ".neptune.", ".docdb.", ".efs.", ".fsx.", ".dax-clusters.", ".vpce.",
}

var privateARNs = []string{"elasticache", "memorydb", "dax", "es", "aoss", "kafka", "elasticfilesystem", "neptune-db", "rds-db", "fsx"}

// private says why a reference leads into a private network; empty when it does not.
func (r rules) private(ref string) string {
	if service, isARN := arnService(ref); isARN {
		if slices.Contains(privateARNs, service) {
			return "a resource inside a VPC"
		}
		return ""
	}
	host := strings.ToLower(ref)
	if strings.Contains(host, "://") {
		return "" // a queue's URL
	}
	if ip, err := netip.ParseAddr(host); err == nil {
		if ip.IsPrivate() || sharedAddresses.Contains(ip) {
			return "a private address"
		}
		return ""
	}
	if strings.Contains(host, "amazonaws.com") {
		if slices.ContainsFunc(privateHosts, func(part string) bool { return strings.Contains(host, part) }) {
			return "an endpoint inside a VPC"
		}
		return ""
	}
	labels := strings.Split(host, ".")
	if len(labels) == 1 || slices.ContainsFunc(labels, func(l string) bool { return slices.Contains(r.privateDomains, l) }) {
		return "a name of a private network"
	}
	return ""
}

// sharedAddresses is the range of RFC 6598, which VPCs may use too.
var sharedAddresses = netip.MustParsePrefix("100.64.0.0/10")

func arnService(text string) (service string, ok bool) {
	parts := strings.SplitN(text, ":", 6)
	if len(parts) != 6 || parts[0] != "arn" {
		return "", false
	}
	return parts[2], true
}

func (x *examination) permissions() {
	x.Counts["private_permissions"] = len(x.net.statements[x.f.RoleARN])
	for _, s := range x.net.statements[x.f.RoleARN] {
		if len(s.Actions) > 0 {
			x.need("permission", "its role may %s (%s)", strings.Join(s.Actions, ", "), s.Policy)
		}
		if s.NetworkCondition {
			x.need("permission", "a condition of its role asks for the network it calls from (%s)", s.Policy)
		}
	}
}

// admissions looks for anything that lets the function's groups or subnets in.
func (x *examination) admissions() {
	for _, id := range x.net.groupIDs {
		g := x.net.groups[id]
		if g.VPC == x.f.VPC {
			x.Counts["groups_in_vpc"]++
		}
		for r := range g.rules("ingress") {
			if g.VPC == x.f.VPC {
				x.Counts["ingress_rules_in_vpc"]++
			}
			x.admission(g, r)
		}
	}
	for _, i := range x.net.interfaces {
		if i.VPC == x.f.VPC && x.net.serves(i) {
			x.Counts["interfaces_in_vpc"]++
		}
	}
}

func (x *examination) admission(g *group, r rule) {
	switch r.PeerKind {
	case "group":
		if slices.Contains(x.f.Groups, r.Peer) {
			x.Counts["rules_naming_its_groups"]++
			x.usedNeed("admission", x.net.usersOf[g.ID], "%s admits %s on %s", g.ID, r.Peer, ports(r))
		}
	case "cidr":
		cidr, err := netip.ParsePrefix(r.Peer)
		switch {
		case err != nil:
			x.doubt("%s admits %q, which is no address range", g.ID, r.Peer)
		case cidr.Bits() == 0:
			x.openToAll(g, r)
		case x.overlaps(cidr):
			x.Counts["rules_admitting_its_subnets"]++
			x.usedNeed("admission", x.reachable(g), "%s admits %s on %s, which holds its subnets", g.ID, r.Peer, ports(r))
		case len(x.subnets) == 0 && private(cidr):
			x.undecidedWithoutSubnets()
		}
	case "prefix_list":
		if users := slices.DeleteFunc(slices.Clone(x.reachable(g)), func(i *iface) bool { return !x.net.serves(i) }); len(users) > 0 {
			x.doubt("%s, used by %s, admits prefix list %s, whose addresses are not read", g.ID, users[0].called(), r.Peer)
		}
	}
}

// undecidedWithoutSubnets gives up: a rule admits private addresses, and whether
// they are the function's is not known.
func (x *examination) undecidedWithoutSubnets() {
	if x.Undecided != nil {
		return
	}
	b, blind := x.unread["subnets"]
	if !blind {
		b = analysis.Blindness{Reason: analysis.NoData, Detail: "its subnets are not visible in this account: a shared VPC's?"}
	}
	x.Undecided = &b
}

// usedNeed makes a rule a need when something is there to be reached, or
// when that is not known.
func (x *examination) usedNeed(kind string, users []*iface, format string, args ...any) {
	detail := fmt.Sprintf(format, args...)
	if b, blind := x.unread["network_interfaces"]; blind {
		x.need(kind, "%s; what uses it was not read: %s", detail, b.Detail)
		return
	}
	for _, i := range users {
		if x.net.serves(i) {
			x.need(kind, "%s, and %s is in it", detail, i.called())
			return
		}
	}
	x.Counts["rules_with_nothing_behind"]++
}

// openToAll is a group that admits the whole internet: for a database behind it
// that is a need, for anything else it may be.
func (x *examination) openToAll(g *group, r rule) {
	for _, i := range x.reachable(g) {
		switch {
		case !x.net.serves(i) || i.endpoint():
		case i.dataService():
			x.need("admission", "%s admits everybody on %s, and %s is in it", g.ID, ports(r), i.called())
			return
		default:
			x.doubt("%s admits everybody on %s, and %s is in it", g.ID, ports(r), i.called())
			return
		}
	}
}

// reachable is the group's interfaces that the function has a way to: those in
// its own VPC, and those that a private route leads to.
func (x *examination) reachable(g *group) []*iface {
	var list []*iface
	for _, i := range x.net.usersOf[g.ID] {
		if i.VPC == x.f.VPC || slices.ContainsFunc(x.routes, func(r route) bool { return r.private() && i.within(prefix(r.Destination)) }) {
			list = append(list, i)
		}
	}
	return list
}

func (x *examination) overlaps(cidr netip.Prefix) bool {
	return slices.ContainsFunc(x.subnets, func(s netip.Prefix) bool { return s.IsValid() && s.Overlaps(cidr) })
}

// egress looks at what the function's groups let out: a rule for something
// private, or for a database's port alone, was made for a purpose.
func (x *examination) egress() {
	x.OnlyHTTPS = true
	for _, id := range x.f.Groups {
		g := x.net.groups[id]
		if g == nil {
			x.OnlyHTTPS = false
			continue
		}
		for r := range g.rules("egress") {
			x.Egress = append(x.Egress, ports(r)+" to "+r.Peer)
			x.OnlyHTTPS = x.OnlyHTTPS && r.https()
			x.egressRule(g, r)
		}
	}
	slices.Sort(x.Egress)
	x.Egress = slices.Compact(x.Egress)
	if len(x.Egress) == 0 && x.Undecided == nil {
		x.need("isolation", "its security groups let nothing out")
	}
}

func (x *examination) egressRule(g *group, r rule) {
	if r.dns() {
		return
	}
	switch r.PeerKind {
	case "group":
		if slices.Contains(x.f.Groups, r.Peer) {
			return // admissions has looked at who else is in it
		}
		if x.net.groups[r.Peer] == nil {
			x.need("egress", "%s lets %s out to %s, a group outside of what was read", g.ID, ports(r), r.Peer)
			return
		}
		x.usedNeed("egress", x.net.usersOf[r.Peer], "%s lets %s out to %s", g.ID, ports(r), r.Peer)
	case "cidr":
		cidr, err := netip.ParsePrefix(r.Peer)
		switch {
		case err != nil:
			x.doubt("%s lets %s out to %q, which is no address range", g.ID, ports(r), r.Peer)
		case cidr.Bits() == 0:
			if x.rules.dataPort(r) {
				x.need("egress", "%s lets %s out, a port of databases", g.ID, ports(r))
			}
		case private(cidr):
			x.privateEgress(g, r, cidr)
		}
	}
}

// privateEgress is a rule for private addresses. Inside its own VPC it is a need
// only when something is there; elsewhere nobody here can tell.
func (x *examination) privateEgress(g *group, r rule, cidr netip.Prefix) {
	local := slices.ContainsFunc(slices.Collect(maps.Values(x.net.subnets)), func(s *subnet) bool {
		return s.VPC == x.f.VPC && s.CIDR.IsValid() && s.CIDR.Overlaps(cidr)
	})
	if !local {
		x.need("egress", "%s lets %s out to the private addresses %s", g.ID, ports(r), r.Peer)
		return
	}
	var there []*iface
	for _, i := range x.net.interfaces {
		if i.VPC == x.f.VPC && i.within(cidr) {
			there = append(there, i)
		}
	}
	x.usedNeed("egress", there, "%s lets %s out to the private addresses %s", g.ID, ports(r), r.Peer)
}

// endpoints looks for interface endpoints of services that have no other way in.
func (x *examination) endpoints() {
	for _, e := range x.net.endpoints {
		if e.VPC != x.f.VPC || e.Type == "Gateway" {
			continue
		}
		x.Counts["interface_endpoints_in_vpc"]++
		if !e.public() && x.admittedBy(e) {
			x.need("endpoint", "%s leads to the private service %s and admits it", e.ID, e.Service)
		}
	}
}

func (x *examination) admittedBy(e *endpoint) bool {
	if len(e.Groups) == 0 {
		return true
	}
	for _, id := range e.Groups {
		g := x.net.groups[id]
		if g == nil {
			return true
		}
		for r := range g.rules("ingress") {
			cidr, err := netip.ParsePrefix(r.Peer)
			if r.PeerKind == "group" && slices.Contains(x.f.Groups, r.Peer) || err == nil && (cidr.Bits() == 0 || x.overlaps(cidr)) {
				return true
			}
		}
	}
	return false
}

// isolation: a function whose subnets have no way out may be where it is in order
// to have none.
func (x *examination) isolation() {
	for _, table := range []string{"subnets", "routes"} {
		if _, blind := x.unread[table]; blind {
			return
		}
	}
	if len(x.subnets) > 0 && len(x.routes) > 0 && !slices.ContainsFunc(x.routes, route.out) {
		x.need("isolation", "its subnets have no way out")
	}
}

// unreadRole gives up where the role may be the one sign of a database: with
// nothing but the web's ports to go out by, there is none it could talk to.
func (x *examination) unreadRole() {
	if b, blind := x.unread["role_statements"]; blind && !x.OnlyHTTPS && x.Undecided == nil {
		x.Undecided = &b
	}
}

// privateRoutes are ways to other networks. What is there, and whether it is for
// this function, cannot be seen from here.
func (x *examination) privateRoutes() {
	var ways []string
	for _, r := range x.routes {
		if r.private() && !slices.Contains(ways, r.Target) && x.letsOut(prefix(r.Destination)) {
			ways = append(ways, r.Target)
			if !x.seen(r) {
				x.doubt("its subnets route %s to %s, behind which nothing is read", r.Destination, r.Target)
			}
		}
	}
	x.Counts["private_routes"] = len(ways)
}

// seen reports whether a private route leads to interfaces of this account and
// region, whose groups admissions has looked at.
func (x *examination) seen(r route) bool {
	return r.Kind == "peering" && slices.ContainsFunc(x.net.interfaces, func(i *iface) bool {
		return i.VPC != x.f.VPC && i.within(prefix(r.Destination))
	})
}

// letsOut reports whether the groups let the function out to an address range on
// a port other than the web's.
func (x *examination) letsOut(cidr netip.Prefix) bool {
	for _, id := range x.f.Groups {
		if x.net.groups[id] == nil {
			continue
		}
		for r := range x.net.groups[id].rules("egress") {
			peer, err := netip.ParsePrefix(r.Peer)
			if err == nil && peer.Overlaps(cidr) && !r.https() && !r.dns() {
				return true
			}
		}
	}
	return false
}

func (r rules) dataPort(e rule) bool {
	return e.Protocol != "-1" && e.FromPort == e.ToPort && slices.Contains(r.dataPorts, fmt.Sprint(e.FromPort))
}

// https reports whether a rule lets the web's ports out to everybody, or to an
// AWS service's prefix list.
func (r rule) https() bool {
	web := r.Protocol == "tcp" && r.FromPort == r.ToPort && (r.FromPort == 443 || r.FromPort == 80)
	return web && (r.PeerKind == "prefix_list" || r.Peer == "0.0.0.0/0" || r.Peer == "::/0") || r.dns()
}

func (r rule) dns() bool {
	return (r.Protocol == "tcp" || r.Protocol == "udp") && r.FromPort == 53 && r.ToPort == 53
}

func ports(r rule) string {
	switch {
	case r.Protocol == "-1":
		return "all ports"
	case r.FromPort == -1 || r.FromPort == 0 && r.ToPort == 65535:
		return "all " + r.Protocol + " ports"
	case r.FromPort == r.ToPort:
		return fmt.Sprintf("%s %d", r.Protocol, r.FromPort)
	default:
		return fmt.Sprintf("%s %d-%d", r.Protocol, r.FromPort, r.ToPort)
	}
}

// private reports whether an address range is one of private networks.
func private(cidr netip.Prefix) bool {
	return cidr.Addr().IsPrivate() || sharedAddresses.Overlaps(cidr)
}

// prefix is a route's destination; prefix lists are the zero prefix, which
// contains nothing.
func prefix(text string) netip.Prefix {
	p, _ := netip.ParsePrefix(text)
	return p
}
