package needlessvpc

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/shopspring/decimal"

	"github.com/faaswarden/faaswarden/internal/analysis"
	"github.com/faaswarden/faaswarden/internal/price"
)

// bytesPerGB is the gigabyte that AWS bills traffic by.
const bytesPerGB = 1 << 30

// ledger says who uses each NAT gateway and endpoint, so that its dollars are
// given out once.
type ledger struct {
	window   analysis.Window
	book     *price.Book
	estate   *estate
	needless map[string]bool        // by function
	clients  map[clientsKey]clients // by gateway or VPC, as far as they were asked for
}

type clientsKey struct {
	place place
	id    string // of a gateway or VPC
}

func newLedger(w analysis.Window, book *price.Book, e *estate, verdicts []verdict) *ledger {
	l := &ledger{window: w, book: book, estate: e, needless: map[string]bool{}, clients: map[clientsKey]clients{}}
	for _, v := range verdicts {
		l.needless[v.function.ARN] = v.needless()
	}
	return l
}

// clients are what sends through a NAT gateway: interfaces of other things, and
// Lambda's interfaces with the functions that share them.
type clients struct {
	others    int                // interfaces that are no function's
	functions []string           // ordered
	share     map[string]float64 // of all clients, by function; of each interface shared with others, its part
	alone     bool               // needless functions are the only clients
}

// clientsIn finds the clients in some subnets. Lambda makes one interface for
// each pair of subnet and security groups; one that no function of the estate
// explains counts as somebody else's.
func (l *ledger) clientsIn(n *network, inside func(subnet string) bool) clients {
	behind := map[string][]string{} // interface → functions
	for _, a := range n.attachments {
		for _, id := range a.Subnets {
			key := id + " " + strings.Join(a.Groups, " ")
			if inside(id) && !slices.Contains(behind[key], a.Function) {
				behind[key] = append(behind[key], a.Function)
			}
		}
	}
	c := clients{share: map[string]float64{}}
	for _, i := range n.interfaces {
		key := i.Subnet + " " + strings.Join(i.Groups, " ")
		if inside(i.Subnet) && !i.nat() && !i.endpoint() && (!i.lambda() || behind[key] == nil) {
			c.others++
		}
	}
	for _, key := range slices.Sorted(maps.Keys(behind)) {
		for _, f := range behind[key] {
			c.share[f] += 1 / float64(len(behind[key])*(c.others+len(behind)))
		}
	}
	c.functions = slices.Sorted(maps.Keys(c.share))
	c.alone = c.others == 0 && !slices.ContainsFunc(c.functions, func(f string) bool { return !l.needless[f] })
	return c
}

// ofGateway is the clients in the subnets that route to a gateway.
func (l *ledger) ofGateway(n *network, g *gateway) clients {
	return l.remember(n, g.ID, func() clients {
		return l.clientsIn(n, func(id string) bool {
			s := n.subnets[id]
			return s != nil && slices.ContainsFunc(s.Routes, func(r route) bool { return r.Target == g.ID })
		})
	})
}

// ofVPC is the clients in a whole VPC.
func (l *ledger) ofVPC(n *network, vpc string) clients {
	return l.remember(n, vpc, func() clients {
		return l.clientsIn(n, func(id string) bool { return n.subnets[id] != nil && n.subnets[id].VPC == vpc })
	})
}

func (l *ledger) remember(n *network, id string, find func() clients) clients {
	key := clientsKey{n.place, id}
	c, known := l.clients[key]
	if !known {
		c = find()
		l.clients[key] = c
	}
	return c
}

// gatewayShare is what a function has to do with one NAT gateway.
type gatewayShare struct {
	ID          string   `json:"nat_gateway"`
	Whole       bool     `json:"used_by_needless_functions_alone"`
	Functions   int      `json:"functions"`
	Others      int      `json:"other_interfaces"`
	Share       float64  `json:"share"`               // of all clients
	HoursUSD    float64  `json:"hours_usd_per_month"` // of the whole gateway with its address
	GBPerMonth  *float64 `json:"gb_per_month"`        // of the whole gateway; null when its bytes were not read
	GBUSD       float64  `json:"gb_usd_per_month"`    // of the whole gateway
	share       float64  // exact, as are:
	hours, data float64
}

// endpointShare is what a function has to do with one interface endpoint.
type endpointShare struct {
	ID       string  `json:"endpoint"`
	Service  string  `json:"service"`
	Zones    int     `json:"zones"`
	Whole    bool    `json:"used_by_needless_functions_alone"`
	Share    float64 `json:"share"`
	HoursUSD float64 `json:"hours_usd_per_month"`
}

// saving is the money in one attachment.
type saving struct {
	Gateways  []gatewayShare
	Endpoints []endpointShare
	Interval  analysis.Interval
	Unpriced  string
	MissingGW []string // services without the free gateway endpoint, though NAT bytes flow
}

// savingOf adds up the function's shares. When others use a gateway too, it stays,
// and only this function's part of its bytes is expected to go; when needless
// functions alone use it, it goes with the last of them.
func (l *ledger) savingOf(p *analysis.Pass, v verdict) saving {
	var s saving
	f, n := v.function, l.estate.network(v.function.place())
	for _, t := range []string{"subnets", "routes", "nat_gateways", "network_interfaces"} {
		if b, blind := p.Blind(f.subject(), t, ""); blind {
			s.Unpriced = fmt.Sprintf("%s: %s (%s)", strings.ReplaceAll(t, "_", " "), b.Detail, b.Reason)
			return s
		}
	}
	for _, g := range n.gateways {
		if err := l.addGateway(&s, n, g, f); err != nil {
			return saving{Unpriced: err.Error()}
		}
	}
	for _, e := range n.endpoints {
		if err := l.addEndpoint(&s, n, e, f); err != nil {
			return saving{Unpriced: err.Error()}
		}
	}
	s.MissingGW = missingGatewayEndpoints(n, f.VPC, s.Gateways)
	return s
}

func (l *ledger) addGateway(s *saving, n *network, g *gateway, f function) error {
	c := l.ofGateway(n, g)
	if c.share[f.ARN] == 0 {
		return nil
	}
	share := gatewayShare{ID: g.ID, Functions: len(c.functions), Others: c.others, Share: rounded(c.share[f.ARN], 4), share: c.share[f.ARN], Whole: c.alone}
	if err := l.priceGateway(&share, g); err != nil {
		return err
	}
	s.Gateways = append(s.Gateways, share)
	s.Interval = plus(s.Interval, gatewayInterval(share))
	return nil
}

func (l *ledger) priceGateway(share *gatewayShare, g *gateway) error {
	at := price.At(l.window)
	hours := decimal.NewFromFloat(analysis.HoursPerMonth)
	usd, err := l.book.USD(price.NATHour, g.Region, "", hours, at)
	if err != nil {
		return err
	}
	if g.Connectivity != "private" {
		address, err := l.book.USD(price.IPv4Hour, g.Region, "", hours, at)
		if err != nil {
			return err
		}
		usd = usd.Add(address)
	}
	share.hours = usd.InexactFloat64()
	share.HoursUSD = cents(share.hours)
	if !g.BytesRead || g.ReadS <= 0 {
		return nil
	}
	gb := g.Bytes / bytesPerGB * analysis.HoursPerMonth * 3600 / float64(g.ReadS)
	usd, err = l.book.USD(price.NATGB, g.Region, "", decimal.NewFromFloat(gb), at)
	if err != nil {
		return err
	}
	share.data = usd.InexactFloat64()
	shown := cents(gb)
	share.GBPerMonth, share.GBUSD = &shown, cents(share.data)
	return nil
}

// gatewayInterval is a function's part of a gateway. Its bytes go with the
// function for sure where needless functions are the only clients, for theirs are
// all the bytes there are. The gateway itself goes for sure only with its last client.
func gatewayInterval(g gatewayShare) analysis.Interval {
	data, hours := g.data*g.share, g.hours*g.share
	switch {
	case g.Whole && g.Functions == 1:
		return analysis.Interval{Low: data + hours, Expected: data + hours, High: data + hours}
	case g.Whole:
		return analysis.Interval{Low: 0, Expected: data + hours, High: data + hours}
	default:
		return analysis.Interval{Low: 0, Expected: data, High: data + hours}
	}
}

// addEndpoint counts an interface endpoint of the function's VPC when nothing but
// needless functions is there to use it.
func (l *ledger) addEndpoint(s *saving, n *network, e *endpoint, f function) error {
	if e.VPC != f.VPC || e.Type == "Gateway" || len(e.Subnets) == 0 {
		return nil
	}
	c := l.ofVPC(n, f.VPC)
	hours := decimal.NewFromFloat(analysis.HoursPerMonth).Mul(decimal.NewFromInt(int64(len(e.Subnets))))
	usd, err := l.book.USD(price.EndpointHour, e.Region, "", hours, price.At(l.window))
	if err != nil {
		return err
	}
	share := endpointShare{ID: e.ID, Service: e.Service, Zones: len(e.Subnets), Whole: c.alone, Share: rounded(c.share[f.ARN], 4), HoursUSD: cents(usd.InexactFloat64())}
	s.Endpoints = append(s.Endpoints, share)
	part := usd.InexactFloat64() * c.share[f.ARN]
	switch {
	case share.Whole && len(c.functions) == 1:
		s.Interval = plus(s.Interval, analysis.Interval{Low: part, Expected: part, High: part})
	case share.Whole:
		s.Interval = plus(s.Interval, analysis.Interval{Expected: part, High: part})
	}
	return nil
}

// missingGatewayEndpoints names the services whose traffic need not pass a NAT
// gateway, where it has bytes and the VPC has no gateway endpoint.
func missingGatewayEndpoints(n *network, vpc string, gateways []gatewayShare) []string {
	if !slices.ContainsFunc(gateways, func(g gatewayShare) bool { return g.data > 0 }) {
		return nil
	}
	var missing []string
	for _, service := range []string{"s3", "dynamodb"} {
		if !slices.ContainsFunc(n.endpoints, func(e *endpoint) bool {
			return e.VPC == vpc && e.Type == "Gateway" && strings.HasSuffix(e.Service, "."+service)
		}) {
			missing = append(missing, service)
		}
	}
	return missing
}

func plus(a, b analysis.Interval) analysis.Interval {
	return analysis.Interval{Low: a.Low + b.Low, Expected: a.Expected + b.Expected, High: a.High + b.High}
}
