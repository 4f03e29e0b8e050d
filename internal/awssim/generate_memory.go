package awssim

import "math"

func memoryScenarios() []scenario {
	return []scenario{
		{name: "export", functions: 1, plant: (*scene).oversizedIO},
		{name: "render", functions: 1, plant: (*scene).oversizedLarge},
		{name: "importer", functions: 1, plant: (*scene).undersized},
		{name: "simulate", functions: 1, plant: (*scene).oversizedLarge},
		{name: "parser", functions: 1, plant: (*scene).undersized},
		{name: "migration", functions: 1, plant: (*scene).oversizedRarely},
		{name: "ranker", functions: 1, plant: (*scene).barelyAbove},
		{name: "matcher", functions: 1, plant: (*scene).exactFit},
		{name: "ledger", functions: 1, days: 2, plant: (*scene).weeklyBatch},
		{name: "yearend", functions: 1, plant: (*scene).fewInvocations},
		{name: "compress", functions: 1, plant: (*scene).processorBound},
		{name: "ping", functions: 1, plant: (*scene).smallest},
	}
}

// roundUp is the memory size that p99.9 and a quarter need, in steps of 64 MB.
func roundUp(p999 float64) int { return max(128, int(math.Ceil(p999*1.25/64))*64) }

// enough is Certain when the history is two weeks, which memory needs.
func (sc *scene) enough() Class {
	if sc.w.Days < 14 {
		return Possible
	}
	return Certain
}

// idle makes a function use so little of its memory that a size at most 1/2.6 of
// it would do.
func (f *build) idle(mb int) (recommended int) {
	f.MemoryMB = mb
	p999 := between(f.random, 0.22, 0.36) / 1.25 * float64(mb)
	f.fit(math.Max(70, p999))
	return roundUp(math.Max(70, p999))
}

func (sc *scene) oversizedByExperiment() {
	f := sc.function("")
	mb := pick(f.random, 1024, 1536, 1792)
	need := f.idle(mb)
	f.traffic(between(f.random, 2500, 6000), between(f.random, 350, 700))
	f.onQueue(sc.site.queue(f.identity, f.Name+"-queue"), 10, 2)
	f.resized(around(f.random, 8, 11), mb/2, f.load.phases[0].meanMS*between(f.random, 0.99, 1.01))
	sc.planted(oversizedMemory, f.ARN, sc.enough(), "%d MB, needs %d; doubling it %d days ago changed no duration", mb, need, f.load.phases[0].sinceAgo/24+1)
}

func (sc *scene) oversizedIO() {
	f := sc.function("")
	mb := pick(f.random, 1024, 1536)
	need := f.idle(mb)
	f.traffic(between(f.random, 1200, 3000), between(f.random, 900, 1800)).shape = sc.shapes()[0]
	f.onQueue(sc.site.queue(f.identity, f.Name+"-queue"), 10, 1)
	sc.planted(oversizedMemory, f.ARN, sc.enough(), "%d MB, needs %d", mb, need)
}

func (sc *scene) oversizedLarge() {
	f := sc.function("")
	mb := pick(f.random, 2048, 3008, 4096, 5120)
	need := f.idle(mb)
	f.traffic(between(f.random, 600, 1500), between(f.random, 900, 2200)).shape = sc.shapes()[1]
	f.onBucket(sc.site.bucket(f.identity, sc.name), "in/", ".dat")
	sc.planted(oversizedMemory, f.ARN, sc.enough(), "%d MB, beyond what Compute Optimizer looks at, needs %d", mb, need)
}

// undersized runs at its memory limit and is killed there now and then.
func (sc *scene) undersized() {
	f := sc.function("")
	f.MemoryMB = pick(f.random, 256, 512, 1024)
	l := f.traffic(between(f.random, 200, 1200), between(f.random, 300, 1200))
	f.onQueue(sc.site.queue(f.identity, f.Name+"-queue"), 10, 1)
	l.used = spread{float64(f.MemoryMB) * between(f.random, 0.84, 0.89), between(f.random, 0.05, 0.07)}
	l.usedCap = 0
	l.ooms = between(f.random, 0.004, 0.015)
	sc.planted(oversizedMemory, f.ARN, Certain, "undersized: %d MB are reached, %.1f %% of invocations are killed for memory", f.MemoryMB, 100*l.ooms)
}

// oversizedRarely has a large gap, and too few invocations to be sure.
func (sc *scene) oversizedRarely() {
	f := sc.function("")
	need := f.idle(3008)
	l := f.traffic(between(f.random, 0.55, 0.85), between(f.random, 25_000, 45_000))
	l.bornAgo = 24 * around(f.random, 24, 28)
	f.onAPI()
	sc.planted(oversizedMemory, f.ARN, Possible, "3008 MB, needs %d, judged by a few hundred invocations", need)
}

// barelyAbove could give up one step of 64 MB, less than a tenth.
func (sc *scene) barelyAbove() {
	f := sc.function("")
	f.MemoryMB = pick(f.random, 1024, 1536)
	f.fit((float64(f.MemoryMB) - between(f.random, 80, 100)) / 1.25)
	f.traffic(between(f.random, 3000, 9000), between(f.random, 100, 500)).shape = sc.shapes()[0]
	f.onAPI()
	sc.nearMiss(oversizedMemory, f.ARN, "%d MB, could do with 64 less: not worth a change", f.MemoryMB)
}

func (sc *scene) exactFit() {
	f := sc.function("")
	f.MemoryMB = pick(f.random, 512, 1024, 2048)
	f.fit((float64(f.MemoryMB) - 12) / 1.25)
	f.load.usedCap = 0.88 * float64(f.MemoryMB)
	f.traffic(between(f.random, 2000, 8000), between(f.random, 80, 300)).shape = sc.shapes()[1]
	f.onAPI()
	sc.nearMiss(oversizedMemory, f.ARN, "%d MB is what p99.9 and a quarter need", f.MemoryMB)
}

// weeklyBatch needs its memory on Sundays only.
func (sc *scene) weeklyBatch() {
	f := sc.function("")
	f.MemoryMB = pick(f.random, 1024, 2048)
	f.fit(float64(f.MemoryMB) * 0.2)
	l := f.traffic(between(f.random, 30, 60), between(f.random, 100, 300))
	f.TimeoutS, l.timeoutS = 900, 900
	l.batch = &batch{hourOfWeek: 6*24 + around(f.random, 1, 5), count: around(f.random, 150, 300), used: spread{median: float64(f.MemoryMB) * between(f.random, 0.765, 0.785)}, meanMS: 20_000}
	f.onAPI()
	sc.nearMiss(oversizedMemory, f.ARN, "%d MB are used by %d invocations every Sunday", f.MemoryMB, l.batch.count)
}

// fewInvocations is too little to judge by.
func (sc *scene) fewInvocations() {
	f := sc.function("")
	f.idle(1024)
	hour := around(f.random, 1, 22)
	l := f.traffic(0, between(f.random, 2000, 9000))
	f.rule("default", "", "rate(1 day)")
	l.bornAgo = 24 * 28
	l.cron = func(ago int) int { return btoi(hourOfDay(ago) == hour) }
	sc.nearMiss(oversizedMemory, f.ARN, "1024 MB and hardly used, but invoked once a day for four weeks only")
}

// processorBound was given more memory and became faster in the same measure: it
// costs what it cost.
func (sc *scene) processorBound() {
	f := sc.function("")
	before := 512
	f.MemoryMB = pick(f.random, 1024, 1536)
	f.fit(float64(before) * 0.77)
	meanMS := between(f.random, 180, 400)
	f.traffic(between(f.random, 1500, 4000), meanMS)
	f.onAPI()
	f.resized(around(f.random, 8, 11), before, meanMS*(0.02+0.98*float64(f.MemoryMB)/float64(before)))
	sc.nearMiss(oversizedMemory, f.ARN, "%d MB used to a third, but at %d MB it took that much longer", f.MemoryMB, before)
}

func (sc *scene) smallest() {
	f := sc.function("")
	f.MemoryMB = 128
	f.fit(between(f.random, 35, 50))
	f.traffic(between(f.random, 2000, 20_000), between(f.random, 5, 40))
	f.onAPI()
	sc.nearMiss(oversizedMemory, f.ARN, "128 MB is the smallest there is")
}
