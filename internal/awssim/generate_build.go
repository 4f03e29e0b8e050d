package awssim

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"time"
)

// site is a region under construction.
type site struct {
	*builder
	region  *Region
	network *network
	open    []output // of background functions, not yet consumed by another
	egress  map[int]*egressVPC
}

func newSite(b *builder, r *Region) *site {
	s := &site{builder: b, region: r, egress: map[int]*egressVPC{}}
	s.network = s.buildNetwork()
	r.EventBuses = append(r.EventBuses, &EventBus{Name: "default", ARN: s.arn("events", "event-bus/default"), Tags: map[string]string{}})
	return s
}

func (s *site) arn(service, resource string) string {
	return fmt.Sprintf("arn:%s:%s:%s:%s:%s", s.w.Partition, service, s.region.Name, s.w.Account, resource)
}

// id is a resource id such as subnet-0123456789abcdef0.
func (s *site) id(prefix string, names ...string) string {
	return prefix + "-0" + hexID(s.w.Seed, 16, append([]string{s.region.Name, prefix}, names...)...)
}

// build is a function under construction.
type build struct {
	*Function
	identity
	site       *site
	random     *rand.Rand // of its configuration
	statements []statement
	policy     []statement // who may invoke
	managed    []string
	ownRole    bool
}

// function starts a healthy function: tagged, fitting its memory, outside VPCs,
// triggered by nothing, writing nowhere.
func (s *site) function(id identity) *build {
	f := &Function{region: s.region}
	b := &build{Function: f, identity: id, site: s, random: newRand(streamKey(s.w.Seed, s.region.Name, id.name, "configuration"), 0)}
	f.Name, f.ARN, f.Version = id.name, s.arn("lambda", "function:"+id.name), "$LATEST"
	f.Description = fmt.Sprintf("%s, %s", strings.ReplaceAll(id.name, "-", " "), id.team.owner)
	f.State, f.LastUpdateStatus, f.RecursiveLoop = "Active", "Successful", "Terminate"
	f.PackageType, f.TracingMode, f.EphemeralMB, f.SnapStartApplyOn, f.SnapStartStatus = "Zip", "PassThrough", 512, "None", "Off"
	f.Logging.Format = "Text"
	f.Tags = id.tags()
	f.Tags["aws:cloudformation:stack-name"] = id.team.name + "-" + id.env
	f.Environment = map[string]string{"STAGE": id.env, "LOG_LEVEL": pick(b.random, "INFO", "WARN", "DEBUG")}
	f.RevisionID = uuidOf(s.w.Seed, f.ARN, "revision")
	f.LastModified = s.w.Now.Add(-time.Duration(between(b.random, 40, 700)*24) * time.Hour).Add(-time.Duration(b.random.IntN(3_600_000)) * time.Millisecond)
	b.code()
	b.memory(pick(b.random, 128, 256, 256, 512, 512, 1024))
	if b.random.Float64() < 0.3 {
		f.Logging = Logging{Format: "JSON", ApplicationLevel: "INFO", SystemLevel: "INFO"}
	}
	if b.random.Float64() < 0.12 {
		b.secret()
	}
	s.region.Functions = append(s.region.Functions, f)
	s.builds = append(s.builds, b)
	return b
}

// code chooses runtime, architecture and package.
func (b *build) code() {
	r := b.random
	b.Runtime = pick(r, "nodejs22.x", "nodejs22.x", "nodejs20.x", "python3.13", "python3.12", "python3.12", "java21", "provided.al2023", "dotnet8", "ruby3.3")
	b.Architecture = "x86_64"
	if r.Float64() < 0.35 {
		b.Architecture = "arm64"
	}
	b.Handler = handlerOf(b.Runtime)
	b.CodeBytes = int64(math.Exp(between(r, math.Log(20_000), math.Log(40_000_000))))
	b.CodeSHA256 = base64ish(b.site.w.Seed, b.ARN)
	if r.Float64() < 0.08 {
		b.PackageType, b.Runtime, b.Handler = "Image", "", ""
		b.CodeBytes = 0
		b.ImageURI = fmt.Sprintf("%s.dkr.ecr.%s.amazonaws.com/%s:%s", b.site.w.Account, b.site.region.Name, b.Name, hexID(b.site.w.Seed, 7, b.ARN, "image"))
	} else if r.Float64() < 0.15 {
		b.Layers = []Layer{{ARN: fmt.Sprintf("arn:%s:lambda:%s:580247275435:layer:LambdaInsightsExtension:53", b.site.w.Partition, b.site.region.Name), CodeBytes: 4_902_112}}
	}
	if r.Float64() < 0.3 {
		b.TracingMode = "Active"
	}
}

func handlerOf(runtime string) string {
	switch {
	case strings.HasPrefix(runtime, "java"):
		return "com.acme.Handler::handleRequest"
	case strings.HasPrefix(runtime, "dotnet"):
		return "Acme::Acme.Function::Handle"
	case strings.HasPrefix(runtime, "provided"):
		return "bootstrap"
	case strings.HasPrefix(runtime, "python"):
		return "app.handler"
	}
	return "index.handler"
}

// base64ish looks like the SHA-256 of code.
func base64ish(seed int64, arn string) string {
	const digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
	r := newRand(streamKey(seed, arn, "code"), 0)
	out := make([]byte, 43)
	for i := range out {
		out[i] = digits[r.IntN(64)]
	}
	return string(out) + "="
}

// secret puts the canary where people put secrets.
func (b *build) secret() {
	switch b.random.IntN(3) {
	case 0:
		b.Environment["DB_PASSWORD"] = Canary
	case 1:
		b.Environment["STRIPE_API_KEY"] = "sk_live_" + Canary
	default:
		b.Environment["AUTH_HEADER"] = "Bearer " + Canary
	}
}

// memory sets the memory size and a use that fits it: p99.9 and a quarter is
// just below it.
func (b *build) memory(mb int) {
	b.MemoryMB = mb
	b.fit(float64(mb) * between(b.random, 0.76, 0.79))
}

// fit makes the 99.9th percentile of memory use come out at so many MB.
func (b *build) fit(p999 float64) {
	sigma := between(b.random, 0.02, 0.04)
	l := b.loaded()
	l.used = spread{p999 / math.Exp(sigma*quantile(0.999)), sigma}
	l.usedCap = p999 * math.Exp(sigma*1.4)
	for i := range l.phases {
		l.phases[i].memoryMB = b.MemoryMB
	}
}

// loaded returns the function's load, made when there is none.
func (b *build) loaded() *load {
	if b.load == nil {
		b.load = &load{
			key: streamKey(b.site.w.Seed, b.site.region.Name, b.Name, "load"), burst: 1.2, noise: 0.12,
			logBytesPerCall: math.Round(between(b.random, 350, 1600)),
		}
	}
	return b.load
}

// traffic sets how often and how long. It is called once, after memory and code.
func (b *build) traffic(perHour, meanMS float64) *load {
	l := b.loaded()
	l.perHour = perHour
	l.phases = []phase{{version: "$LATEST", memoryMB: b.MemoryMB, arch: b.Architecture, meanMS: meanMS, sigma: between(b.random, 0.25, 0.5)}}
	l.errors = pick(b.random, 0, 0.0005, 0.002, 0.005)
	l.initMS = initOf(b.Runtime) * between(b.random, 0.8, 1.3)
	b.timeout(meanMS)
	return l
}

// initOf is a runtime's median time to start.
func initOf(runtime string) float64 {
	switch {
	case strings.HasPrefix(runtime, "java"):
		return 1900
	case strings.HasPrefix(runtime, "dotnet"):
		return 800
	case strings.HasPrefix(runtime, "provided"):
		return 60
	case runtime == "":
		return 1200
	}
	return 320
}

// timeout leaves room for ten times the mean.
func (b *build) timeout(meanMS float64) {
	b.TimeoutS = 900
	for _, s := range []int{3, 10, 30, 60, 120, 300} {
		if meanMS*10 <= float64(s)*1000 {
			b.TimeoutS = s
			break
		}
	}
	b.loaded().timeoutS = b.TimeoutS
}

// grow makes invocations double every so often since some hours ago.
func (b *build) grow(sinceAgo int, doublingHours, ceiling float64) {
	b.load.growth = &growth{sinceAgo, doublingHours, ceiling}
	b.load.noise = 0.05
}

// resized makes the present memory size young: before, it was another one, and a
// mean duration went with it.
func (b *build) resized(daysAgo, memoryMB int, meanMS float64) {
	now := b.load.phases[0]
	before := now
	before.memoryMB, before.meanMS = memoryMB, meanMS
	now.sinceAgo = daysAgo*24 - 9 // on a working afternoon
	b.load.phases = []phase{now, before}
	b.LastModified = b.site.w.hour(now.sinceAgo).Add(11 * time.Minute)
}

// reserve sets reserved concurrency.
func (b *build) reserve(n int) {
	b.ReservedConcurrency = &n
	b.load.reserved = n
	b.load.killed = n == 0
}

// published gives the function versions and an alias that takes its traffic.
func (b *build) published(alias string) {
	versions := around(b.random, 2, 5)
	ageDays := between(b.random, 1, 6)
	for v := versions; v >= 1; v-- {
		c := b.Configuration
		c.Version = strconv.Itoa(v)
		c.LastModified = b.site.w.Now.Add(-time.Duration(ageDays * 24 * float64(time.Hour)))
		c.RevisionID = uuidOf(b.site.w.Seed, b.ARN, c.Version)
		if v < versions {
			c.CodeSHA256 = base64ish(b.site.w.Seed, b.ARN+c.Version)
		}
		b.Versions = append([]Configuration{c}, b.Versions...)
		ageDays += between(b.random, 3, 40)
	}
	b.LastModified = b.Versions[versions-1].LastModified
	b.phaseByVersion(b.load)
	b.Aliases = append(b.Aliases, Alias{
		Name: alias, ARN: b.ARN + ":" + alias, Version: strconv.Itoa(versions),
		Description: "takes production traffic", RevisionID: uuidOf(b.site.w.Seed, b.ARN, alias),
	})
	b.load.alias = alias
}

// phaseByVersion lets each version take the traffic from its publication on.
func (b *build) phaseByVersion(l *load) {
	now := l.phases[0]
	l.phases = nil
	for _, v := range slices.Backward(b.Versions) {
		p := now
		p.version = v.Version
		p.sinceAgo = max(1, b.site.w.hoursAgo(v.LastModified)-1)
		l.phases = append(l.phases, p)
	}
	l.phases[len(l.phases)-1].sinceAgo = 0
}

// provision holds warm sandboxes for the alias.
func (b *build) provision(n int) {
	at := b.site.w.Now.AddDate(0, 0, -around(b.random, 30, 200)).Add(9 * time.Hour)
	alias := b.Aliases[0]
	b.ProvisionedConcurrency = []ProvisionedConcurrency{{
		Qualifier: alias.Name, ARN: alias.ARN, Requested: n, Allocated: n, Available: n, Status: "READY", LastModified: at,
	}}
	b.load.provisioned, b.load.initMS = n, 0
}
