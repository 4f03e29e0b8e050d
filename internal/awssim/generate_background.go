package awssim

import (
	"fmt"
	"math"
	"math/rand/v2"
)

// output is where a background function writes and nothing reads yet.
type output struct {
	writer *build
	queue  *Queue
	topic  *Topic
	bus    *EventBus
	table  *Table
}

// volume is a class of traffic.
type volume struct {
	share           float64
	lowest, highest float64 // invocations an hour
}

// volumes of the background, least first: dead, a few a day, scheduled, and from
// some an hour to 200 a second at the busiest time of the week.
func volumes() []volume {
	return []volume{
		{0.09, 0, 0}, {0.14, 0.05, 0.8}, {0.15, 0, 0}, {0.24, 5, 100}, {0.28, 100, 3_000}, {0.10, 3_000, 25_000}, {0, 40_000, 200_000},
	}
}

// One function in so many, in each region, is a flood.
const floodEvery = 100

// Indexes of volumes that are treated apart.
const (
	deadVolume      = 0
	scheduledVolume = 2
	highVolume      = 5
	floodVolume     = 6
)

func drawVolume(r *rand.Rand) int {
	u := r.Float64()
	for i, v := range volumes() {
		if u -= v.share; u < 0 {
			return i
		}
	}
	return highVolume
}

// background adds the nth healthy function. It must not depend on later ones.
func (b *builder) background(n int) {
	site, nth := b.sites[n%len(b.sites)], n/len(b.sites)
	f := site.function(identityOf(b.w.Seed, site.region.Name, nth))
	r := f.random
	class := drawVolume(r)
	if nth%floodEvery == newRand(streamKey(b.w.Seed, site.region.Name, "flood"), 0).IntN(floodEvery/3) {
		class = floodVolume
	}
	if class == deadVolume {
		f.TimeoutS = pick(r, 3, 30, 60)
		f.load = nil
		return
	}
	if f.env == "prod" && r.Float64() < 0.25 {
		f.memory(pick(r, 1024, 1536, 2048, 3008))
	}
	if class == scheduledVolume {
		f.scheduled()
	} else {
		f.busy(volumes()[class])
	}
	f.writesSomewhere()
	f.garnish()
}

// scheduled runs by the clock.
func (b *build) scheduled() {
	r := b.random
	meanMS := math.Exp(between(r, math.Log(300), math.Log(30_000)))
	l := b.traffic(0, meanMS)
	switch r.IntN(4) {
	case 0:
		b.rule("default", "", "rate(5 minutes)")
		l.cron = func(int) int { return 12 }
	case 1:
		b.rule("default", "", "rate(1 hour)")
		l.cron = func(int) int { return 1 }
	case 2:
		hour := r.IntN(24)
		b.rule("default", "", fmt.Sprintf("cron(%d %d * * ? *)", r.IntN(60), hour))
		l.cron = func(ago int) int { return btoi(hourOfDay(ago) == hour) }
	default:
		b.rule("default", "", "rate(1 minute)")
		l.cron = func(int) int { return 60 }
	}
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

// busy is invoked by events or requests.
func (b *build) busy(v volume) {
	r := b.random
	perHour := math.Exp(between(r, math.Log(v.lowest), math.Log(v.highest)))
	meanMS := math.Exp(between(r, math.Log(15), math.Log(1500)))
	// Keep every healthy function to a handful of sandboxes.
	meanMS = math.Max(4, math.Min(meanMS, 5*3_600_000/perHour))
	l := b.traffic(perHour, meanMS)
	l.shape = b.site.shape(r)
	switch r.IntN(8) {
	case 0, 1, 2:
		b.onAPI()
	case 3, 4:
		b.consumes()
	case 5:
		b.onTopic(b.site.topic(b.identity, b.Name+"-events"))
	case 6:
		k := b.site.bucket(b.identity, b.Name+"-inbox")
		b.onBucket(k, "incoming/", pick(r, "", ".json", ".csv"))
	default:
		if r.Float64() < 0.5 {
			b.onStream(b.site.stream(b.identity, b.Name+"-stream").ARN, "kinesis", true)
		} else {
			b.onStream(b.site.table(b.identity, b.Name+"-source", true).StreamARN, "dynamodb", false)
		}
	}
}

// consumes takes what an earlier function writes, or a queue that others fill.
// Events flow from earlier functions to later ones only: never in a circle.
func (b *build) consumes() {
	s := b.site
	if len(s.open) == 0 || b.random.Float64() < 0.3 {
		fill := pick(b.random, 1, 1, 2.5, 4)
		b.onQueue(s.queue(b.identity, b.Name+"-queue"), 10, fill)
		return
	}
	out := s.open[0]
	s.open = s.open[1:]
	up := out.writer.load
	b.load.perHour, b.load.shape = up.perHour, up.shape
	if up.cron != nil {
		b.load.perHour, b.load.shape = 6, nil
	}
	ceiling := math.Max(4, 5*3_600_000/math.Max(1, b.load.perHour))
	b.load.phases[0].meanMS = math.Min(b.load.phases[0].meanMS, ceiling)
	switch {
	case out.queue != nil:
		b.onQueue(out.queue, 10, 1)
	case out.topic != nil:
		b.onTopic(out.topic)
	case out.bus != nil:
		b.rule(out.bus.Name, fmt.Sprintf(`{"source":["%s.%s"]}`, out.writer.team.name, out.writer.Name), "")
	default:
		out.table.StreamARN = out.table.ARN + "/stream/2025-06-03T11:42:07.530"
		b.onStream(out.table.StreamARN, "dynamodb", false)
	}
}

// writesSomewhere gives two functions in three something to write to.
func (b *build) writesSomewhere() {
	s, id := b.site, b.identity
	if b.load.perHour > volumes()[highVolume].highest {
		return // such a flood is not passed on event by event
	}
	out := output{writer: b}
	switch b.random.IntN(9) {
	case 0, 1:
		out.queue = s.queue(id, b.Name+"-out")
		out.queue.flows = []flow{{b.Function, 1}}
		b.sends(out.queue, "QUEUE_URL")
	case 2:
		out.topic = s.topic(id, b.Name+"-out")
		out.topic.flows = []flow{{b.Function, 1}}
		b.publishes(out.topic)
	case 3:
		out.bus = s.bus(id, b.Name+"-bus")
		b.emits(out.bus)
	case 4, 5:
		out.table = s.table(id, b.Name+"-table", false)
		b.stores(out.table)
	default:
		return
	}
	s.open = append(s.open, out)
}

// garnish adds what some functions have.
func (b *build) garnish() {
	r := b.random
	chance := func(p float64) bool { return r.Float64() < p }
	if b.load.async && chance(0.4) {
		b.invokeConfig(b.deadLetters().ARN)
		b.DLQARN = ""
	} else if b.load.async && chance(0.4) {
		b.deadLetters()
	}
	if chance(0.12) {
		b.needsVPC()
	}
	if chance(0.1) {
		b.Logging.Group = fmt.Sprintf("/acme/%s/%s", b.team.name, b.env)
	}
	if chance(0.06) {
		b.EphemeralMB = pick(r, 1024, 2048)
	}
	if chance(0.05) && b.load.cron == nil {
		b.reserve(around(r, 20, 40))
	}
	if b.load.cron != nil || b.PackageType == "Image" || len(b.Layers) > 0 {
		return
	}
	b.deploys(chance)
}

// deploys gives some functions versions, SnapStart, warm sandboxes, or a memory
// size that was once larger and whose reduction cost nothing.
func (b *build) deploys(chance func(float64) bool) {
	switch {
	case chance(0.25):
		b.published("live")
		if b.Runtime == "java21" {
			b.SnapStartApplyOn, b.SnapStartStatus = "PublishedVersions", "On"
			b.load.restore, b.load.initMS = true, 450
		} else if chance(0.2) && b.load.perHour > 200 && b.ReservedConcurrency == nil {
			b.provision(int(math.Ceil(b.peak()*1.5)) + 1)
		}
	case chance(0.08) && b.load.perHour > 20 && b.MemoryMB <= 1536:
		b.resized(around(b.random, 4, 12), 2*b.MemoryMB, b.load.phases[0].meanMS)
	}
}

// peak is the expected concurrency in the busiest hour.
func (b *build) peak() float64 {
	highest := 0.0
	for ago := 1; ago <= hoursPerWeek; ago++ {
		p, _ := b.load.phaseAt(ago)
		highest = math.Max(highest, b.load.rate(ago)*p.meanMS*b.load.burst/3_600_000)
	}
	return highest
}

// shape picks one of the weekly rhythms.
func (s *site) shape(r *rand.Rand) *[hoursPerWeek]float64 {
	return s.shapes()[r.IntN(4)]
}

// shapes are office hours, evenings, nights, and round the clock.
func (b *builder) shapes() [4]*[hoursPerWeek]float64 {
	if b.rhythms[0] != nil {
		return b.rhythms
	}
	for kind := range b.rhythms {
		var shape [hoursPerWeek]float64
		sum := 0.0
		for h := range shape {
			shape[h] = rhythm(kind, h)
			sum += shape[h]
		}
		for h := range shape {
			shape[h] *= hoursPerWeek / sum
		}
		b.rhythms[kind] = &shape
	}
	return b.rhythms
}

func rhythm(kind, hourOfWeek int) float64 {
	hour, weekend := float64(hourOfWeek%24), hourOfWeek >= 5*24
	around := func(peak, width float64) float64 {
		d := math.Mod(hour-peak+36, 24) - 12
		return math.Exp(-d * d / (2 * width * width))
	}
	switch kind {
	case 0:
		if weekend {
			return 0.25 + 0.2*around(14, 4)
		}
		return 0.3 + 1.6*around(14, 3.5)
	case 1:
		if weekend {
			return 0.7 + 1.5*around(19, 4)
		}
		return 0.6 + 1.2*around(20, 3)
	case 2:
		return 0.5 + 1.2*around(2, 3)
	default:
		return 1
	}
}
