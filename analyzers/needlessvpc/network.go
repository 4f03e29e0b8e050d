package needlessvpc

import (
	"context"
	_ "embed"
	"iter"
	"net/netip"
	"slices"
	"strings"

	"github.com/faaswarden/faaswarden/internal/analysis"
)

//go:embed sql/attachments.sql
var attachmentsQuery string

//go:embed sql/groups.sql
var groupsQuery string

//go:embed sql/interfaces.sql
var interfacesQuery string

//go:embed sql/subnets.sql
var subnetsQuery string

//go:embed sql/gateways.sql
var gatewaysQuery string

//go:embed sql/endpoints.sql
var endpointsQuery string

//go:embed sql/statements.sql
var statementsQuery string

// privateActions are what a role is only given for services inside a VPC. Data
// APIs that are called over the internet (rds-data, redshift-data) are not among
// them, nor are wildcards over everything.
const privateActions = `^(rds-db:|elasticache:connect|memorydb:connect|dax:|es:|aoss:|kafka-cluster:|neptune-db:|elasticfilesystem:client|s3files:client|redshift:getclustercredentials|redshift-serverless:getcredentials)`

// place is an account's region.
type place struct{ account, region string }

// estate is the networks of all places.
type estate struct{ networks map[place]*network }

func (e *estate) network(p place) *network {
	n := e.networks[p]
	if n == nil {
		n = &network{
			place: p, groups: map[string]*group{}, usersOf: map[string][]*iface{}, subnets: map[string]*subnet{},
			statements: map[string][]statement{}, endpointByID: map[string]*endpoint{},
		}
		e.networks[p] = n
	}
	return n
}

// network is what exists in one place.
type network struct {
	place        place
	groups       map[string]*group
	groupIDs     []string // ordered
	interfaces   []*iface
	usersOf      map[string][]*iface // by security group
	subnets      map[string]*subnet
	gateways     []*gateway
	endpoints    []*endpoint
	endpointByID map[string]*endpoint
	statements   map[string][]statement // by role
	attachments  []attachment
}

type attachment struct {
	Account  string   `ch:"account"`
	Region   string   `ch:"region"`
	Function string   `ch:"function_arn"`
	Subnets  []string `ch:"subnet_ids"`
	Groups   []string `ch:"security_group_ids"`
}

// group is a security group.
type group struct {
	Account    string   `ch:"account"`
	Region     string   `ch:"region"`
	ID         string   `ch:"group_id"`
	VPC        string   `ch:"vpc_id"`
	Directions []string `ch:"directions"`
	Protocols  []string `ch:"protocols"`
	FromPorts  []int32  `ch:"from_ports"`
	ToPorts    []int32  `ch:"to_ports"`
	PeerKinds  []string `ch:"peer_kinds"`
	Peers      []string `ch:"peers"`
}

// rule is one permission of a security group.
type rule struct {
	Protocol         string
	FromPort, ToPort int32 // -1 means all
	PeerKind, Peer   string
}

// rules lists the group's rules of one direction.
func (g *group) rules(direction string) iter.Seq[rule] {
	return func(yield func(rule) bool) {
		for i, d := range g.Directions {
			if d == direction && !yield(rule{g.Protocols[i], g.FromPorts[i], g.ToPorts[i], g.PeerKinds[i], g.Peers[i]}) {
				return
			}
		}
	}
}

type iface struct {
	Account     string   `ch:"account"`
	Region      string   `ch:"region"`
	ID          string   `ch:"interface_id"`
	VPC         string   `ch:"vpc_id"`
	Subnet      string   `ch:"subnet_id"`
	Type        string   `ch:"interface_type"`
	IP          string   `ch:"private_ip"`
	Groups      []string `ch:"security_group_ids"`
	Description string   `ch:"description"`
	Requester   string   `ch:"requester_id"`
}

func (i *iface) lambda() bool { return i.Type == "lambda" }

func (i *iface) nat() bool { return i.Type == "nat_gateway" || i.Type == "natGateway" }

func (i *iface) endpoint() bool {
	return i.Type == "vpc_endpoint" || i.Type == "gateway_load_balancer_endpoint"
}

// called is how evidence names an interface.
func (i *iface) called() string {
	if i.Description == "" {
		return i.ID
	}
	return i.ID + " (" + i.Description + ")"
}

// dataService reports whether AWS made the interface for a database, cache,
// search domain, broker or file system.
func (i *iface) dataService() bool {
	text := strings.ToLower(i.Requester + " " + i.Description)
	return slices.ContainsFunc([]string{"rds", "elasticache", "redshift", "elasticfilesystem", "efs mount", "dax", "memorydb", "msk", "kafka", "elasticsearch", "opensearch", "neptune", "docdb", "amazonmq"},
		func(name string) bool { return strings.Contains(text, name) })
}

func (i *iface) within(cidr netip.Prefix) bool {
	ip, err := netip.ParseAddr(i.IP)
	return err == nil && cidr.Contains(ip)
}

type subnetRow struct {
	Account     string `ch:"account"`
	Region      string `ch:"region"`
	ID          string `ch:"subnet_id"`
	VPC         string `ch:"vpc_id"`
	CIDR        string `ch:"cidr"`
	Destination string `ch:"destination"`
	TargetKind  string `ch:"target_kind"`
	Target      string `ch:"target"`
}

type subnet struct {
	VPC    string
	CIDR   netip.Prefix // the zero prefix when it cannot be read
	Routes []route
}

type route struct{ Destination, Kind, Target string }

// out reports whether the route leads anywhere outside of the VPC: to the
// internet, or to whatever routes on from there. An endpoint leads to one service.
func (r route) out() bool {
	cidr, err := netip.ParsePrefix(r.Destination)
	return err == nil && cidr.Bits() == 0 && r.Kind != "local" && !r.blackhole()
}

// private reports whether the route leads to another private network.
func (r route) private() bool {
	cidr, err := netip.ParsePrefix(r.Destination)
	return err == nil && cidr.Bits() > 0 && r.Kind != "local" && r.Kind != "endpoint" && r.Kind != "nat" && r.Kind != "internet_gateway" && !r.blackhole()
}

func (r route) blackhole() bool { return strings.HasPrefix(r.Target, "blackhole:") }

type gateway struct {
	Account      string  `ch:"account"`
	Region       string  `ch:"region"`
	ID           string  `ch:"nat_gateway_id"`
	VPC          string  `ch:"vpc_id"`
	Connectivity string  `ch:"connectivity"`
	Bytes        float64 `ch:"bytes"`
	BytesRead    bool    `ch:"bytes_read"`
	ReadS        int64   `ch:"read_s"`
}

type endpoint struct {
	Account string   `ch:"account"`
	Region  string   `ch:"region"`
	ID      string   `ch:"endpoint_id"`
	VPC     string   `ch:"vpc_id"`
	Service string   `ch:"service_name"`
	Type    string   `ch:"endpoint_type"`
	Subnets []string `ch:"subnet_ids"`
	Groups  []string `ch:"security_group_ids"`
}

// public reports whether the endpoint is a private way to a service of AWS that
// can be called over the internet as well. Private APIs cannot.
func (e *endpoint) public() bool {
	aws := strings.HasPrefix(e.Service, "com.amazonaws.") || strings.HasPrefix(e.Service, "cn.com.amazonaws.") || strings.HasPrefix(e.Service, "aws.")
	return aws && !strings.Contains(e.Service, "vpce-svc-") && !strings.HasSuffix(e.Service, ".execute-api")
}

type statement struct {
	Account          string   `ch:"account"`
	Region           string   `ch:"region"`
	Role             string   `ch:"role_arn"`
	Policy           string   `ch:"policy"`
	Actions          []string `ch:"private_actions"`
	NetworkCondition bool     `ch:"network_condition"`
}

func loadEstate(ctx context.Context, p *analysis.Pass) (*estate, error) {
	e := &estate{networks: map[place]*network{}}
	at := func(account, region string) *network { return e.network(place{account, region}) }
	for _, load := range []func() error{
		func() error {
			return each(ctx, p, attachmentsQuery, func(a attachment) {
				n := at(a.Account, a.Region)
				n.attachments = append(n.attachments, a)
			})
		},
		func() error { return each(ctx, p, groupsQuery, func(g group) { at(g.Account, g.Region).addGroup(&g) }) },
		func() error {
			return each(ctx, p, endpointsQuery, func(v endpoint) {
				n := at(v.Account, v.Region)
				n.endpoints, n.endpointByID[v.ID] = append(n.endpoints, &v), &v
			})
		},
		func() error {
			return each(ctx, p, interfacesQuery, func(i iface) { at(i.Account, i.Region).addInterface(&i) })
		},
		func() error {
			return each(ctx, p, subnetsQuery, func(r subnetRow) { at(r.Account, r.Region).addRoute(r) })
		},
		func() error {
			return each(ctx, p, gatewaysQuery, func(g gateway) {
				n := at(g.Account, g.Region)
				n.gateways = append(n.gateways, &g)
			})
		},
		func() error {
			return each(ctx, p, statementsQuery, func(s statement) {
				n := at(s.Account, s.Region)
				n.statements[s.Role] = append(n.statements[s.Role], s)
			})
		},
	} {
		if err := load(); err != nil {
			return nil, err
		}
	}
	return e, nil
}

func each[T any](ctx context.Context, p *analysis.Pass, sql string, use func(T)) error {
	for row, err := range analysis.SelectSQL[T](ctx, p, sql, map[string]any{"private_actions": privateActions}) {
		if err != nil {
			return err
		}
		use(row)
	}
	return nil
}

func (n *network) addGroup(g *group) {
	n.groups[g.ID] = g
	n.groupIDs = append(n.groupIDs, g.ID)
}

func (n *network) addInterface(i *iface) {
	n.interfaces = append(n.interfaces, i)
	for _, id := range i.Groups {
		n.usersOf[id] = append(n.usersOf[id], i)
	}
}

func (n *network) addRoute(r subnetRow) {
	s := n.subnets[r.ID]
	if s == nil {
		s = &subnet{VPC: r.VPC}
		s.CIDR, _ = netip.ParsePrefix(r.CIDR) // the zero prefix overlaps nothing
		n.subnets[r.ID] = s
	}
	if r.Destination != "" {
		s.Routes = append(s.Routes, route{r.Destination, r.TargetKind, r.Target})
	}
}

// serves reports whether something a function could only reach from inside is
// behind an interface: not functions, not NAT, not another way to a service of
// AWS that is on the internet too.
func (n *network) serves(i *iface) bool {
	if i.lambda() || i.nat() {
		return false
	}
	if !i.endpoint() {
		return true
	}
	for id, e := range n.endpointByID {
		if strings.Contains(i.Description, id) {
			return !e.public()
		}
	}
	return len(n.endpoints) == 0 // endpoints were not read: it may be a private service
}
