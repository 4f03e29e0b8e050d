package awssim

import (
	"hash/fnv"
	"math"
	"math/rand/v2"
	"strconv"
)

// streamKey names a random stream: the seed, whom it is for and for what. Streams
// of different names are independent, so a world with more functions has the
// same ones and some others.
func streamKey(seed int64, names ...string) uint64 {
	h := fnv.New64a()
	h.Write([]byte(strconv.FormatInt(seed, 10)))
	for _, name := range names {
		h.Write([]byte{0})
		h.Write([]byte(name))
	}
	return scatter(h.Sum64())
}

// scatter spreads the bits of FNV, whose low bits are weak (splitmix64's finaliser).
func scatter(x uint64) uint64 {
	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9
	x = (x ^ (x >> 27)) * 0x94d049bb133111eb
	return x ^ (x >> 31)
}

func newRand(key, n uint64) *rand.Rand { return rand.New(rand.NewPCG(key, n)) }

// reseedable is a generator that is pointed at another stream without allocating.
type reseedable struct {
	pcg *rand.PCG
	*rand.Rand
}

func newReseedable() reseedable {
	pcg := rand.NewPCG(0, 0)
	return reseedable{pcg, rand.New(pcg)}
}

func (r reseedable) at(key, n uint64) *rand.Rand {
	r.pcg.Seed(key, n)
	return r.Rand
}

// poisson draws a count with that mean; large means use the normal approximation.
func poisson(r *rand.Rand, mean float64) int {
	switch {
	case mean <= 0:
		return 0
	case mean > 40:
		return int(math.Max(0, math.Round(mean+math.Sqrt(mean)*r.NormFloat64())))
	}
	limit, n := math.Exp(-mean), 0
	for p := r.Float64(); p > limit; p *= r.Float64() {
		n++
	}
	return n
}

// between draws a number in [low, high).
func between(r *rand.Rand, low, high float64) float64 { return low + (high-low)*r.Float64() }

// around draws an integer in [low, high].
func around(r *rand.Rand, low, high int) int { return low + r.IntN(high-low+1) }

func pick[T any](r *rand.Rand, list ...T) T { return list[r.IntN(len(list))] }

// quantile is the standard normal's, for u in (0, 1).
func quantile(u float64) float64 { return math.Sqrt2 * math.Erfinv(2*u-1) }

// hexID is digits hexadecimal digits that depend on the names alone, as ids of
// resources are made of.
func hexID(seed int64, digits int, names ...string) string {
	out := make([]byte, 0, 64)
	r := newRand(streamKey(seed, append(names, "id")...), 0)
	for len(out) < digits {
		out = append(out, hexDigits[r.IntN(16)])
	}
	return string(out)
}

const hexDigits = "0123456789abcdef"

// uuid is formatted from two words.
func uuid(a, b uint64) string {
	var out [36]byte
	at := 0
	for i := range 32 {
		if i == 8 || i == 12 || i == 16 || i == 20 {
			out[at] = '-'
			at++
		}
		word, shift := a, 60-4*(i%16)
		if i >= 16 {
			word = b
		}
		out[at] = hexDigits[word>>shift&15]
		at++
	}
	out[14] = '4'
	return string(out[:])
}

// uuidOf is a UUID that depends on the names alone.
func uuidOf(seed int64, names ...string) string {
	r := newRand(streamKey(seed, append(names, "uuid")...), 0)
	return uuid(r.Uint64(), r.Uint64())
}
