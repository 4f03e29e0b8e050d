package recursiveloops

import (
	"time"

	"github.com/faaswarden/faaswarden/internal/analysis"
	"github.com/faaswarden/faaswarden/internal/graph"
)

// class says how far a loop is proved.
type class string

// The classes; doc.md defines them.
const (
	confirmed   class = "confirmed"
	probable    class = "probable"
	potential   class = "potential"
	intentional class = "intentional"
)

// severity is the class's, never above what the operator set for the analyzer.
func (c class) severity(most analysis.Severity) analysis.Severity {
	switch c {
	case confirmed:
		return most
	case probable:
		return min(analysis.High, most)
	case potential:
		return min(analysis.Low, most)
	default:
		return analysis.Info
	}
}

func classify(f *facts) class {
	corroborated := f.Growth || f.pinned() || f.Sends.follows() && f.Surge != nil && f.Sends.Factor >= f.Surge.factor()/2
	switch {
	case f.Exempt != nil:
		return intentional
	case f.stopped() != "":
		return potential
	case f.Dropped > 0:
		return confirmed
	case f.Surge != nil && f.flat() && corroborated:
		return confirmed
	case f.Surge != nil && (f.flat() || f.Upstream == ""):
		return probable
	case f.Surge == nil && f.selfFed():
		return probable
	case len(f.allowed()) > 0:
		return intentional
	default:
		return potential
	}
}

// stopped is a function without which no cycle closes and which may not run:
// somebody has reserved zero concurrency for it. Empty when there is none.
func (f *facts) stopped() string {
	name := ""
	for _, c := range f.Cycles {
		at := f.haltOf(c)
		if at == "" {
			return ""
		}
		name = at
	}
	return name
}

func (f *facts) haltOf(c graph.Cycle) string {
	for _, s := range c {
		for _, m := range f.Members {
			if m.ARN == s.Src && m.ReservedRead && m.Reserved != nil && *m.Reserved == 0 {
				return m.Name
			}
		}
	}
	return ""
}

// confidence follows the definitions in doc.md.
func confidence(f *facts) analysis.Confidence {
	sure := f.certainty() >= graph.PermittedAndReferenced && !f.filterUnjudged()
	switch {
	case f.Dropped > 0:
		return analysis.ConfidenceHigh
	case !sure:
		return analysis.ConfidenceLow
	case f.class == confirmed:
		return analysis.ConfidenceHigh
	default:
		return analysis.ConfidenceMedium
	}
}

// filterUnjudged reports whether every cycle passes filter criteria or a filter
// policy, which look into events that nobody here has seen.
func (f *facts) filterUnjudged() bool {
	for _, c := range f.Cycles {
		filtered := false
		for _, s := range c {
			unread := s.Attributes["filter"] != "" // a subscription whose filter was denied
			filtered = filtered || unread || s.Filter != "" && (s.Source == "esm" || s.Source == "sns" || s.Source == "pipes")
		}
		if !filtered {
			return false
		}
	}
	return len(f.Cycles) > 0
}

// exempted finds the exemption that holds for a loop, or the last one that ended.
func exempted(list []analysis.Exemption, members []function, now time.Time) (holds, ended *analysis.Exemption) {
	for _, e := range list {
		for _, m := range members {
			switch {
			case e.Resource != m.ARN && e.Resource != m.Name:
			case e.Holds(now):
				return &e, nil
			case ended == nil || ended.End().Before(e.End()):
				ended = &e
			}
		}
	}
	return nil, ended
}
