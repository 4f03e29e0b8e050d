package awssim

import (
	"cmp"
	"math"
	"slices"
	"strings"
	"sync"
	"time"
)

// Amounts are a bill line's quantity and its cost by Cost Explorer's metrics, in USD.
type Amounts struct {
	Quantity     float64
	Unblended    float64
	Amortized    float64
	NetUnblended float64
	NetAmortized float64
}

// BillLine is a day's charge for one usage type and one set of cost-allocation tags.
type BillLine struct {
	Date      time.Time // UTC midnight
	Service   string    // as Cost Explorer's SERVICE dimension: "AWS Lambda"
	Region    string    // "global" for services without one
	UsageType string    // "Lambda-GB-Second", "EU-Lambda-GB-Second"
	Operation string
	Unit      string
	Tags      map[string]string // activated cost-allocation tags; a missing key is untagged
	Amounts                     // as Cost Explorer shows them at World.Now
	Estimated bool              // the last two days
	Final     Amounts           // what an estimated line is restated to; equals Amounts otherwise

	account  string
	resource string // ARN, of lines that are a single resource's
}

// CostAllocationTags are the tag keys activated for billing. Other tags never
// reach the bill.
func CostAllocationTags() []string { return []string{"cost-center", "environment", "owner"} }

// negotiated is the account's private discount. It shows in net costs only.
const negotiated = 0.03

// meter is a usage type with its price.
type meter struct {
	service   string
	usageType string // without the region's prefix
	prefixed  bool   // us-east-1 has the prefix USE1 too
	operation string
	unit      string
	usd       float64
	usdEU     float64 // in eu-west-1, where it differs
}

// The meters of the bill, at list prices of 2025-10-01: AWS Price List AWSLambda,
// AmazonEC2, AmazonVPC, AmazonCloudWatch, AWSQueueService, AmazonSNS, AWSEvents.
var (
	meterRequests       = &meter{service: "AWS Lambda", usageType: "Request", operation: "Invoke", unit: "Requests", usd: 0.0000002}
	meterRequestsARM    = &meter{service: "AWS Lambda", usageType: "Request-ARM", operation: "Invoke", unit: "Requests", usd: 0.0000002}
	meterDuration       = &meter{service: "AWS Lambda", usageType: "Lambda-GB-Second", operation: "Invoke", unit: "Lambda-GB-Second", usd: 0.0000166667}
	meterDurationARM    = &meter{service: "AWS Lambda", usageType: "Lambda-GB-Second-ARM", operation: "Invoke", unit: "Lambda-GB-Second", usd: 0.0000133334}
	meterHeld           = &meter{service: "AWS Lambda", usageType: "Lambda-Provisioned-Concurrency", operation: "Invoke", unit: "Lambda-GB-Second", usd: 0.0000041667, usdEU: 0.0000046460}
	meterHeldARM        = &meter{service: "AWS Lambda", usageType: "Lambda-Provisioned-Concurrency-ARM", operation: "Invoke", unit: "Lambda-GB-Second", usd: 0.0000033334, usdEU: 0.0000037168}
	meterProvisioned    = &meter{service: "AWS Lambda", usageType: "Lambda-Provisioned-GB-Second", operation: "Invoke", unit: "Lambda-GB-Second", usd: 0.0000097222, usdEU: 0.0000108407}
	meterProvisionedARM = &meter{service: "AWS Lambda", usageType: "Lambda-Provisioned-GB-Second-ARM", operation: "Invoke", unit: "Lambda-GB-Second", usd: 0.0000077778, usdEU: 0.0000086726}
	meterStorage        = &meter{service: "AWS Lambda", usageType: "Lambda-Storage-GB-Second", operation: "Invoke", unit: "GB-Seconds", usd: 0.0000000309, usdEU: 0.0000000340}
	meterStorageARM     = &meter{service: "AWS Lambda", usageType: "Lambda-Storage-GB-Second-ARM", operation: "Invoke", unit: "GB-Seconds", usd: 0.0000000309, usdEU: 0.0000000340}
	meterLogs           = &meter{service: "AmazonCloudWatch", usageType: "DataProcessing-Bytes", prefixed: true, operation: "PutLogEvents", unit: "GB", usd: 0.50, usdEU: 0.57}
	meterLogStorage     = &meter{service: "AmazonCloudWatch", usageType: "TimedStorage-ByteHrs", prefixed: true, operation: "HourlyStorageMetering", unit: "GB-Mo", usd: 0.03}
	meterGetMetricData  = &meter{service: "AmazonCloudWatch", usageType: "CW:GMD-Metrics", operation: "GetMetricData", unit: "Metrics", usd: 0.00001}
	meterNATHours       = &meter{service: "EC2 - Other", usageType: "NatGateway-Hours", operation: "NatGateway", unit: "Hrs", usd: 0.045, usdEU: 0.048}
	meterNATBytes       = &meter{service: "EC2 - Other", usageType: "NatGateway-Bytes", operation: "NatGateway", unit: "GB", usd: 0.045, usdEU: 0.048}
	meterEndpointHours  = &meter{service: "Amazon Virtual Private Cloud", usageType: "VpcEndpoint-Hours", prefixed: true, operation: "VpcEndpoint", unit: "Hrs", usd: 0.01, usdEU: 0.011}
	meterPublicIPv4     = &meter{service: "Amazon Virtual Private Cloud", usageType: "PublicIPv4:InUseAddress", prefixed: true, operation: "AllocateAddressVPC", unit: "Hrs", usd: 0.005}
	meterQueueRequests  = &meter{service: "Amazon Simple Queue Service", usageType: "Requests-Tier1", operation: "", unit: "Requests", usd: 0.0000004}
	meterPublishes      = &meter{service: "Amazon Simple Notification Service", usageType: "Requests-Tier1", operation: "", unit: "Requests", usd: 0.0000005}
	meterEvents         = &meter{service: "CloudWatch Events", usageType: "Event-64K-Chunks", prefixed: true, operation: "PutEvents", unit: "64K-Chunks", usd: 0.000001}
)

// billingCode prefixes a region's usage types.
func billingCode(region string) (string, bool) {
	i := slices.IndexFunc(billingCodes, func(c [2]string) bool { return c[0] == region })
	if i < 0 {
		return "", false
	}
	return billingCodes[i][1], true
}

var billingCodes = [][2]string{
	{"us-east-1", "USE1"},
	{"us-east-2", "USE2"},
	{"us-west-1", "USW1"},
	{"us-west-2", "USW2"},
	{"ca-central-1", "CAN1"},
	{"eu-west-1", "EU"},
	{"eu-west-2", "EUW2"},
	{"eu-west-3", "EUW3"},
	{"eu-central-1", "EUC1"},
	{"eu-north-1", "EUN1"},
	{"ap-northeast-1", "APN1"},
	{"ap-northeast-2", "APN2"},
	{"ap-southeast-1", "APS1"},
	{"ap-southeast-2", "APS2"},
	{"ap-south-1", "APS3"},
	{"sa-east-1", "SAE1"},
}

func (m *meter) name(region string) string {
	code, _ := billingCode(region)
	if region == "us-east-1" && !m.prefixed {
		return m.usageType
	}
	return code + "-" + m.usageType
}

// price in a region: regions other than eu-west-1 are billed at us-east-1's prices.
func (m *meter) price(region string) float64 {
	if region == "eu-west-1" && m.usdEU > 0 {
		return m.usdEU
	}
	return m.usd
}

// charge is a quantity of one day.
type charge struct {
	day      int // days ago
	meter    *meter
	tags     string // as allocation encodes them
	quantity float64
}

// billCache keeps the computed bill.
type billCache struct {
	once  sync.Once
	lines []BillLine // by date
}

// BillLines lists the charges of the days in [from, to), by date.
func (w *World) BillLines(from, to time.Time) []BillLine {
	w.costs.once.Do(func() { w.costs.lines = w.bill() })
	first, _ := slices.BinarySearchFunc(w.costs.lines, from, byDate)
	last, _ := slices.BinarySearchFunc(w.costs.lines, to, byDate)
	return slices.Clone(w.costs.lines[first:max(first, last)])
}

func byDate(l BillLine, at time.Time) int { return l.Date.Compare(at) }

// bill adds up everything that is charged.
func (w *World) bill() []BillLine {
	type key struct {
		day            int
		region         string
		meter          *meter
		tags           string
		service, usage string // for a stable order
	}
	sums := map[key]float64{}
	for _, r := range w.Regions {
		for _, c := range r.charges() {
			sums[key{c.day, r.Name, c.meter, c.tags, c.meter.service, c.meter.name(r.Name)}] += c.quantity
		}
	}
	keys := make([]key, 0, len(sums))
	for k := range sums {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, func(a, b key) int {
		return cmp.Or(cmp.Compare(b.day, a.day), cmp.Compare(a.region, b.region), cmp.Compare(a.service, b.service),
			cmp.Compare(a.usage, b.usage), cmp.Compare(a.tags, b.tags))
	})
	lines := make([]BillLine, len(keys))
	for i, k := range keys {
		lines[i] = w.line(k.day, k.region, k.meter, k.tags, sums[k])
	}
	return lines
}

func (w *World) line(day int, region string, m *meter, tags string, quantity float64) BillLine {
	l := BillLine{
		Date: w.hour(day*24 + 24), Service: m.service, Region: region, UsageType: m.name(region),
		Operation: m.operation, Unit: m.unit, Tags: decodeTags(tags), Estimated: day < 2, account: w.Account,
	}
	l.Final = amounts(quantity, m.price(region))
	l.Amounts = l.Final
	if l.Estimated {
		l.Amounts = amounts(quantity*w.arrived(day, region, l.UsageType), m.price(region))
	}
	return l
}

// amounts are the same on demand and amortised: the account has no commitments.
func amounts(quantity, price float64) Amounts {
	usd := quantity * price
	return Amounts{quantity, usd, usd, usd * (1 - negotiated), usd * (1 - negotiated)}
}

// arrived is the share of a recent day's usage that has reached the bill by Now.
func (w *World) arrived(day int, region, usageType string) float64 {
	r := newRand(streamKey(w.Seed, "arrived", region, usageType), uint64(day))
	if day == 0 {
		return between(r, 0.62, 0.86)
	}
	return between(r, 0.93, 0.99)
}

// allocation encodes the activated ones of a resource's tags.
func allocation(tags map[string]string) string {
	var b strings.Builder
	for _, key := range CostAllocationTags() {
		if value, ok := tags[key]; ok && value != "" {
			b.WriteString(key + "\x00" + value + "\x01")
		}
	}
	return b.String()
}

func decodeTags(encoded string) map[string]string {
	tags := map[string]string{}
	for pair := range strings.SplitSeq(encoded, "\x01") {
		if key, value, ok := strings.Cut(pair, "\x00"); ok {
			tags[key] = value
		}
	}
	return tags
}

// charges lists what the region is billed, in a stable order.
func (r *Region) charges() []charge {
	parts := make([][]charge, len(r.Functions))
	parallel(len(r.Functions), func(i int) { parts[i] = r.functionCharges(r.Functions[i]) })
	out := slices.Concat(parts...)
	for day := range r.world.Days {
		out = append(out, r.messageCharges(day)...)
		out = append(out, r.networkCharges(day)...)
		out = append(out, charge{day, meterGetMetricData, "", math.Round(24 * 12 * float64(len(r.Functions)))})
	}
	return out
}

// functionCharges bills a function from its own lines.
func (r *Region) functionCharges(f *Function) []charge {
	tags, l := allocation(f.Tags), f.load
	var out []charge
	for day := range r.world.Days {
		for _, p := range f.ProvisionedConcurrency {
			if held := r.world.Now.Add(-time.Duration(day) * 24 * time.Hour).Sub(p.LastModified).Seconds(); held > 0 {
				gb := float64(p.Requested*f.MemoryMB) / 1024
				out = append(out, charge{day, f.byArch(f.Architecture, meterHeld, meterHeldARM), tags, gb * min(held, 86400)})
			}
		}
	}
	if l == nil {
		return out
	}
	t := l.count(r.world.Days)
	for day := range r.world.Days {
		out = append(out, f.usage(t, day, tags)...)
	}
	return out
}

// usage bills a day of a function.
func (f *Function) usage(t *tally, day int, tags string) []charge {
	l := f.load
	requests, gbSeconds, seconds := map[string]float64{}, map[string]float64{}, map[string]float64{}
	samples := l.samples(t, day)
	for i := range samples {
		s := &samples[i]
		p := &l.phases[s.phase]
		billed := float64(l.billedMS(s)) * float64(s.weight) / 1000
		requests[p.arch] += float64(s.weight)
		seconds[p.arch] += billed
		gbSeconds[p.arch] += billed * float64(p.memoryMB) / 1024
	}
	var out []charge
	all := 0.0
	for _, arch := range []string{"x86_64", "arm64"} {
		n := requests[arch]
		if n == 0 {
			continue
		}
		all += n
		out = append(out, charge{day, f.byArch(arch, meterRequests, meterRequestsARM), tags, n})
		duration := f.byArch(arch, meterDuration, meterDurationARM)
		if l.provisioned > 0 {
			duration = f.byArch(arch, meterProvisioned, meterProvisionedARM)
		}
		out = append(out, charge{day, duration, tags, gbSeconds[arch]})
		if extra := float64(f.EphemeralMB-512) / 1024; extra > 0 {
			out = append(out, charge{day, f.byArch(arch, meterStorage, meterStorageARM), tags, extra * seconds[arch]})
		}
	}
	if all > 0 {
		out = append(out, charge{day, meterLogs, tags, all * l.logBytesPerCall / (1 << 30)})
	}
	return out
}

func (f *Function) byArch(arch string, x86, arm *meter) *meter {
	if arch == "arm64" {
		return arm
	}
	return x86
}

// messageCharges bills queues, topics, buses and what log groups store.
func (r *Region) messageCharges(day int) (out []charge) {
	add := func(m *meter, tags map[string]string, n float64) {
		if n > 0 {
			out = append(out, charge{day, m, allocation(tags), n})
		}
	}
	for _, q := range r.Queues {
		requests := 3 * r.flowed(q.flows, day) // sent, received, deleted
		if q.consumer != nil {
			requests += 14 * 60 * 24 // empty receives
		}
		add(meterQueueRequests, q.Tags, requests)
	}
	for _, t := range r.Topics {
		add(meterPublishes, t.Tags, r.flowed(t.flows, day))
	}
	for _, rule := range r.Rules {
		if rule.Bus != "default" {
			add(meterEvents, rule.Tags, r.flowed(rule.flows, day))
		}
	}
	for _, g := range r.LogGroups() {
		add(meterLogStorage, g.Tags, float64(g.StoredBytes)/(1<<30)*24/730)
	}
	return out
}

// flowed is how much flowed in a day.
func (r *Region) flowed(flows []flow, day int) (n float64) {
	for _, f := range flows {
		if f.function == nil || f.function.load == nil {
			continue
		}
		t := f.function.region.tally(f.function)
		for ago := day*24 + 24; ago > day*24; ago-- {
			n += math.Floor(float64(t.arrived(ago))*f.perCall + 1e-6)
		}
	}
	return n
}

// networkCharges bills NAT gateways, their addresses and interface endpoints.
func (r *Region) networkCharges(day int) (out []charge) {
	for _, n := range r.NATGateways {
		tags := allocation(n.Tags)
		bytes := 4 * 1440 * n.otherBytesPerMinute
		for _, f := range n.clients {
			if f.load == nil {
				continue
			}
			t := r.tally(f)
			for ago := day*24 + 24; ago > day*24; ago-- {
				bytes += float64(t.at(ago).invocations) * (f.load.natBytesOut + f.load.natBytesIn)
			}
		}
		out = append(out, charge{day, meterNATHours, tags, 24}, charge{day, meterNATBytes, tags, bytes / (1 << 30)})
		if n.PublicIP != "" {
			out = append(out, charge{day, meterPublicIPv4, tags, 24})
		}
	}
	for _, e := range r.Endpoints {
		if e.Type == "Interface" {
			out = append(out, charge{day, meterEndpointHours, allocation(e.Tags), 24 * float64(len(e.SubnetIDs))})
		}
	}
	return out
}
