package awssim

import "fmt"

// Names of the analyzers in the ground truth.
const (
	recursiveLoops    = "recursiveloops"
	oversizedMemory   = "oversizedmemory"
	needlessVPC       = "needlessvpc"
	untaggedResources = "untaggedresources"
	throttled         = "throttles"
)

// firstScenarios are one certain fault of each analyzer.
func firstScenarios() []scenario {
	return []scenario{
		{name: "redelivery", functions: 1, plant: (*scene).guardedLoop},
		{name: "digest", functions: 1, plant: (*scene).oversizedByExperiment},
		{name: "geocode", functions: 1, plant: (*scene).needlessEgress},
		{name: "prototype", functions: 1, plant: (*scene).neverTagged},
		{name: "quote", functions: 1, plant: (*scene).reservedTooLow},
	}
}

func loopScenarios() []scenario {
	return []scenario{
		{name: "thumbnails", functions: 1, plant: (*scene).bucketLoop},
		{name: "settlement", functions: 3, plant: (*scene).busLoop},
		{name: "callback", functions: 1, plant: (*scene).destinationLoop},
		{name: "requeue", functions: 1, plant: (*scene).guardedLoop},
		{name: "watermark", functions: 1, plant: (*scene).latentLoop},
		{name: "pager", functions: 1, plant: (*scene).allowedLoop},
		{name: "reconcile", functions: 1, plant: (*scene).deadLetterLoop},
		{name: "transcode", functions: 1, plant: (*scene).disjointPrefixes},
		{name: "convert", functions: 1, plant: (*scene).disjointSuffixes},
		{name: "scanner", functions: 1, plant: (*scene).serviceEvents},
		{name: "forward", functions: 1, plant: (*scene).queueToQueue},
		{name: "pipeline", functions: 3, plant: (*scene).chain},
		{name: "drain", functions: 1, plant: (*scene).wildcardRole},
		{name: "poller", functions: 1, plant: (*scene).receiveOnly},
		{name: "signup", functions: 1, plant: (*scene).viral},
		{name: "replicate", functions: 2, regions: 2, plant: (*scene).regionTwins},
	}
}

// identity names a function of the scene, in a team drawn from the seed.
func (sc *scene) identity(suffix string) identity {
	list := teams()
	r := newRand(streamKey(sc.w.Seed, sc.site.region.Name, sc.name), 0)
	t := list[r.IntN(len(list))]
	return identity{team: t, env: "prod", name: fmt.Sprintf("%s-%s%s-prod", t.name, sc.name, suffix)}
}

// function starts a healthy function of the scene.
func (sc *scene) function(suffix string) *build { return sc.site.function(sc.identity(suffix)) }

// guardedLoop: a consumer sends what it cannot handle back to its own queue, and
// AWS's loop guard stops it after 16 rounds, again and again.
func (sc *scene) guardedLoop() {
	f := sc.function("")
	f.traffic(between(f.random, 400, 2500), between(f.random, 60, 240))
	q := sc.site.queue(f.identity, f.Name+"-queue")
	f.onQueue(q, 1, 1)
	f.sends(q, "QUEUE_URL")
	f.load.droppedPerCall = 1.0 / 16
	sc.planted(recursiveLoops, f.ARN, Certain, "sends to %s, which triggers it; AWS drops one invocation in 16 as recursive", q.Name)
}

// explode makes the functions of a loop grow beyond any traffic from outside. It
// returns Possible when the history is too short to show what was before.
func (sc *scene) explode(parts ...*build) Class {
	r := parts[0].random
	since, doubling, ceiling := around(r, 62, 98), between(r, 11, 13.5), between(r, 60, 120)
	for _, f := range parts {
		f.grow(since, doubling, ceiling)
	}
	if sc.w.Days*24 < since+96 {
		return Possible
	}
	return Certain
}

// outside is traffic of a flat rate from somewhere that is no function.
func (sc *scene) outside(perHour float64) flow {
	f := &Function{region: sc.site.region}
	f.load = &load{
		key: streamKey(sc.w.Seed, sc.site.region.Name, sc.name, "outside"), perHour: perHour, noise: 0.05, burst: 1,
		phases: []phase{{meanMS: 1}},
	}
	return flow{f, 1}
}

func (sc *scene) bucketLoop() {
	f := sc.function("")
	f.traffic(between(f.random, 120, 400), between(f.random, 120, 400))
	k := sc.site.bucket(f.identity, sc.name)
	f.onBucket(k, "uploads/", "")
	f.puts(k, "uploads/*")
	class := sc.explode(f)
	sc.planted(recursiveLoops, f.ARN, class, "writes to uploads/ of %s, whose objects trigger it; invocations double every %.0f hours", k.Name, f.load.growth.doublingHours)
}

// busLoop: two functions feed each other by a queue and an event bus, which AWS's
// guard does not watch. A third, outside the loop, feeds the queue evenly.
func (sc *scene) busLoop() {
	in, route, settle := sc.function("-intake"), sc.function("-router"), sc.function("-settler")
	rate := between(in.random, 150, 450)
	q := sc.site.queue(route.identity, route.Name+"-queue")
	e := sc.site.bus(route.identity, route.Name+"-bus")
	in.traffic(rate, 80).noise = 0.05
	in.onAPI()
	in.sends(q, "QUEUE_URL")
	route.traffic(rate, between(route.random, 40, 120))
	route.onQueue(q, 1, 1)
	route.emits(e)
	settle.traffic(rate, between(settle.random, 60, 200))
	settle.rule(e.Name, fmt.Sprintf(`{"source":["%s.router"]}`, route.team.name), "")
	settle.sends(q, "RETRY_QUEUE_URL")
	class := sc.explode(route, settle)
	sc.planted(recursiveLoops, min(route.ARN, settle.ARN), class, "%s and %s feed each other through %s and %s while %s stays flat", route.Name, settle.Name, q.Name, e.Name, in.Name)
}

// destinationLoop: asynchronous failures go to the queue that triggers the function.
func (sc *scene) destinationLoop() {
	f := sc.function("")
	rate := between(f.random, 100, 350)
	f.traffic(rate, between(f.random, 50, 180))
	f.load.errors = 0.93
	q := sc.site.queue(f.identity, f.Name+"-queue")
	f.onQueue(q, 1, 1)
	f.onTopic(sc.site.topic(f.identity, f.Name+"-requests"), sc.outside(rate))
	f.allow(q.ARN, "sqs:SendMessage")
	f.invokeConfig(q.ARN)
	class := sc.explode(f)
	sc.planted(recursiveLoops, f.ARN, class, "its on-failure destination is %s, which triggers it; as many messages as invocations", q.Name)
}

func (sc *scene) latentLoop() {
	f := sc.function("")
	f.traffic(between(f.random, 30, 200), between(f.random, 150, 600))
	k := sc.site.bucket(f.identity, sc.name)
	f.onBucket(k, "", "")
	f.puts(k, "marked/*")
	sc.planted(recursiveLoops, f.ARN, Possible, "every object of %s triggers it and it may write marked/ there; traffic is flat", k.Name)
}

func (sc *scene) allowedLoop() {
	f := sc.function("")
	f.traffic(between(f.random, 100, 500), between(f.random, 200, 700))
	q := sc.site.queue(f.identity, f.Name+"-pages")
	f.onQueue(q, 1, 1)
	f.sends(q, "NEXT_PAGE_QUEUE_URL")
	f.RecursiveLoop = "Allow"
	sc.planted(recursiveLoops, f.ARN, Possible, "sends to %s, which triggers it, with RecursiveLoop=Allow: intended", q.Name)
}

func (sc *scene) deadLetterLoop() {
	f := sc.function("")
	f.traffic(between(f.random, 60, 300), between(f.random, 100, 400))
	q := sc.site.queue(f.identity, f.Name+"-queue")
	f.onQueue(q, 10, 1)
	f.allow(q.ARN, "sqs:SendMessage")
	f.DLQARN = q.ARN
	sc.planted(recursiveLoops, f.ARN, Possible, "its dead-letter queue %s is the queue that triggers it; traffic is flat", q.Name)
}

func (sc *scene) disjointPrefixes() {
	f := sc.function("")
	f.traffic(between(f.random, 200, 1500), between(f.random, 300, 900))
	k := sc.site.bucket(f.identity, sc.name)
	f.onBucket(k, "in/", "")
	f.puts(k, "out/*")
	sc.nearMiss(recursiveLoops, f.ARN, "reads in/ and writes out/ of the same bucket %s", k.Name)
}

func (sc *scene) disjointSuffixes() {
	f := sc.function("")
	f.traffic(between(f.random, 200, 1500), between(f.random, 300, 900))
	k := sc.site.bucket(f.identity, sc.name)
	f.onBucket(k, "images/", ".jpg")
	f.puts(k, "images/*.webp")
	sc.nearMiss(recursiveLoops, f.ARN, "triggered by images/*.jpg of %s, writes images/*.webp only", k.Name)
}

func (sc *scene) serviceEvents() {
	f := sc.function("")
	f.traffic(between(f.random, 50, 400), between(f.random, 200, 500))
	f.rule("default", `{"source":["aws.ec2"],"detail-type":["EC2 Instance State-change Notification"]}`, "")
	f.emits(sc.site.region.EventBuses[0])
	sc.nearMiss(recursiveLoops, f.ARN, "puts events on the default bus, where its own rule matches source aws.ec2 only")
}

func (sc *scene) queueToQueue() {
	f := sc.function("")
	f.traffic(between(f.random, 300, 2000), between(f.random, 40, 200))
	f.onQueue(sc.site.queue(f.identity, f.Name+"-in"), 10, 1)
	out := sc.site.queue(f.identity, f.Name+"-out")
	out.flows = []flow{{f.Function, 1}}
	f.sends(out, "QUEUE_URL")
	sc.nearMiss(recursiveLoops, f.ARN, "consumes %s-in, sends to %s, which nothing consumes", f.Name, out.Name)
}

// chain is three functions in a row, without a way back.
func (sc *scene) chain() {
	a, b, c := sc.function("-a"), sc.function("-b"), sc.function("-c")
	rate := between(a.random, 300, 1500)
	q := sc.site.queue(b.identity, b.Name+"-queue")
	t := sc.site.topic(c.identity, c.Name+"-topic")
	a.traffic(rate, 90)
	a.onAPI()
	a.sends(q, "QUEUE_URL")
	b.traffic(rate, 70)
	b.onQueue(q, 5, 1)
	b.publishes(t)
	c.traffic(rate, 110)
	c.onTopic(t)
	c.stores(sc.site.table(c.identity, c.Name+"-results", false))
	sc.nearMiss(recursiveLoops, a.ARN, "first of a chain: %s, %s, %s, and no way back", a.Name, b.Name, c.Name)
	sc.nearMiss(recursiveLoops, b.ARN, "second of a chain without a way back")
	sc.nearMiss(recursiveLoops, c.ARN, "last of a chain without a way back")
}

func (sc *scene) wildcardRole() {
	f := sc.function("")
	f.traffic(between(f.random, 300, 2000), between(f.random, 50, 250))
	q := sc.site.queue(f.identity, f.Name+"-queue")
	f.onQueue(q, 10, 1)
	f.allow("*", "sqs:*")
	other := sc.site.queue(f.identity, f.Name+"-archive")
	other.flows = []flow{{f.Function, 1}}
	f.Environment["ARCHIVE_QUEUE_URL"] = other.URL
	sc.nearMiss(recursiveLoops, f.ARN, "consumes %s with sqs:* on *, but its environment names only %s", q.Name, other.Name)
}

func (sc *scene) receiveOnly() {
	f := sc.function("")
	f.traffic(between(f.random, 300, 2000), between(f.random, 50, 250))
	q := sc.site.queue(f.identity, f.Name+"-queue")
	f.onQueue(q, 10, 1)
	f.Environment["QUEUE_URL"] = q.URL
	sc.nearMiss(recursiveLoops, f.ARN, "its environment names %s, which triggers it, but its role may not send there", q.Name)
}

func (sc *scene) viral() {
	f := sc.function("")
	f.traffic(between(f.random, 150, 400), between(f.random, 60, 200))
	f.onAPI()
	f.stores(sc.site.table(f.identity, f.Name+"-accounts", false))
	f.grow(around(f.random, 70, 96), between(f.random, 12, 15), 60)
	sc.nearMiss(recursiveLoops, f.ARN, "invocations double every %.0f hours because people come; there is no loop", f.load.growth.doublingHours)
}

// regionTwins: a function here writes to the queue of its namesake elsewhere,
// which closes a circle only for those who do not look at the region.
func (sc *scene) regionTwins() {
	here := sc.function("")
	id := here.identity
	there := sc.other.function(id)
	rate := between(here.random, 200, 900)
	name := id.name + "-queue"
	from, to := sc.site.queue(id, name), sc.other.queue(id, name)
	here.traffic(rate, 90)
	here.onQueue(from, 10, 1)
	here.sends(to, "PEER_QUEUE_URL")
	there.traffic(rate, 90)
	there.onQueue(to, 10, 1)
	there.stores(sc.other.table(id, id.name+"-copies", false))
	sc.nearMiss(recursiveLoops, here.ARN, "sends to %s of the same name in the other region", to.ARN)
	sc.nearMiss(recursiveLoops, there.ARN, "consumes what its namesake in the other region sends, and sends nothing back")
}
