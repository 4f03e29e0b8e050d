package untaggedresources

import (
	"github.com/faaswarden/faaswarden/internal/analysis"
)

// allKeys is the measure's key for functions that have every required tag.
const allKeys = "all"

// The measure's weights.
var weights = []string{"count", "usd", "gb_seconds"}

// coverage adds up, for each account, region and key, the functions that have
// it and all of which it is required, by each weight.
type coverage struct {
	order []cell
	sums  map[cell]*[2]float64 // with the tag, and in all
}

type cell struct{ account, region, key, weight string }

func newCoverage() *coverage { return &coverage{sums: map[cell]*[2]float64{}} }

// add counts a function; keys it is exempt from are not required of it.
func (c *coverage) add(f function, s standing, use usage) {
	required, every := 0, true
	for i, r := range s.keys {
		if s.states[i] == exempt {
			continue
		}
		required++
		has := s.states[i] == present
		every = every && has
		c.weigh(f, r.Key, has, use)
	}
	if required > 0 {
		c.weigh(f, allKeys, every, use)
	}
}

func (c *coverage) weigh(f function, key string, has bool, use usage) {
	amounts := []float64{1, 0, use.gbSeconds}
	if use.usd != nil {
		amounts[1] = *use.usd
	}
	for i, weight := range weights {
		k := cell{f.Account, f.Region, key, weight}
		if c.sums[k] == nil {
			c.sums[k] = &[2]float64{}
			c.order = append(c.order, k)
		}
		if has {
			c.sums[k][0] += amounts[i]
		}
		c.sums[k][1] += amounts[i]
	}
}

// measure reports the shares; one of nothing is no share.
func (c *coverage) measure(p *analysis.Pass) {
	for _, k := range c.order {
		if c.sums[k][1] == 0 {
			continue
		}
		p.Measure(analysis.Measurement{
			Name: "tag_coverage_ratio", Account: k.account, Region: k.region, Labels: []string{k.key, k.weight},
			Value: c.sums[k][0] / c.sums[k][1],
		})
	}
}
