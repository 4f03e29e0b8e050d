package untaggedresources

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// stackTag is set by CloudFormation on what a stack owns.
const stackTag = "aws:cloudformation:stack-name"

// A hint is drawn from at least so many siblings, of which so many agree.
const (
	leastSiblings = 2
	agreement     = 0.8
)

// siblings knows which values functions of one stack, or of one name family,
// have for each required key.
type siblings struct {
	policy *policy
	values map[group]map[string]int // value → functions
}

// group is a family of functions and a required key.
type group struct{ account, family, key string }

func newSiblings(p *policy, functions []function) siblings {
	s := siblings{policy: p, values: map[group]map[string]int{}}
	for _, f := range functions {
		for i := range p.Required {
			r := &p.Required[i]
			value := p.value(r, f.Tags)
			if value == "" {
				continue
			}
			for _, family := range families(f) {
				g := group{f.Account, family, r.Key}
				if s.values[g] == nil {
					s.values[g] = map[string]int{}
				}
				s.values[g][value]++
			}
		}
	}
	return s
}

// families a function belongs to, the closest first: its stack, then what its
// name begins with, ever shorter.
func families(f function) []string {
	var list []string
	if stack := f.Tags[stackTag]; stack != "" {
		list = append(list, "stack "+stack)
	}
	name := f.FunctionName
	for {
		i := strings.LastIndexAny(name, "-_")
		if i <= 0 {
			return list
		}
		list = append(list, name[:i+1]+"*")
		name = name[:i]
	}
}

// hint is the value that the closest family agrees on.
func (s siblings) hint(f function, r *requirement) (value, why string) {
	for _, family := range families(f) {
		values := s.values[group{f.Account, family, r.Key}]
		total := 0
		for _, n := range values {
			total += n
		}
		if total < leastSiblings {
			continue
		}
		most := slices.MaxFunc(slices.Sorted(maps.Keys(values)), func(a, b string) int { return cmp.Compare(values[a], values[b]) })
		if float64(values[most]) >= agreement*float64(total) {
			return most, fmt.Sprintf("%d of %d of %s", values[most], total, family)
		}
	}
	return "", ""
}
