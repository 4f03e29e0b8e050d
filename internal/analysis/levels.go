package analysis

import (
	"fmt"
	"slices"
)

// Stage is one of the six stages of a serverless review.
type Stage string

// The six stages.
const (
	Fit         Stage = "fit"
	Contract    Stage = "contract"
	IAMNetwork  Stage = "iam_network"
	Performance Stage = "performance"
	Operations  Stage = "operations"
	CostStage   Stage = "cost"
)

// Stages lists the stages in review order.
var stages = []Stage{Fit, Contract, IAMNetwork, Performance, Operations, CostStage}

// Category is what a finding is about.
type Category string

// The four categories.
const (
	Cost        Category = "cost"
	Reliability Category = "reliability"
	Security    Category = "security"
	Governance  Category = "governance"
)

var categories = []Category{Cost, Reliability, Security, Governance}

// Severity says how soon somebody should act.
type Severity int

// Severities, least first.
const (
	Info     Severity = iota + 1 // worth knowing; no action is expected
	Low                          // when convenient
	Medium                       // this month
	High                         // this week
	Critical                     // now: money burns or events are lost
)

var severityNames = []string{"", "info", "low", "medium", "high", "critical"}

func (s Severity) String() string { return levelName(severityNames, int(s)) }

// MarshalText writes the lower-case name.
func (s Severity) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads the lower-case name.
func (s *Severity) UnmarshalText(text []byte) error {
	n, err := ParseSeverity(string(text))
	*s = n
	return err
}

// ParseSeverity reads "info", "low", "medium", "high" or "critical".
func ParseSeverity(name string) (Severity, error) {
	n, err := parseLevel("severity", severityNames, name)
	return Severity(n), err
}

// Confidence says how much the evidence carries.
type Confidence int

// Confidences, least first. The zero value is invalid on purpose: a finding
// without a stated doubt is refused.
const (
	ConfidenceLow Confidence = iota + 1
	ConfidenceMedium
	ConfidenceHigh
)

var confidenceNames = []string{"", "low", "medium", "high"}

func (c Confidence) String() string { return levelName(confidenceNames, int(c)) }

// MarshalText writes the lower-case name.
func (c Confidence) MarshalText() ([]byte, error) { return []byte(c.String()), nil }

// UnmarshalText reads the lower-case name.
func (c *Confidence) UnmarshalText(text []byte) error {
	n, err := parseLevel("confidence", confidenceNames, string(text))
	*c = Confidence(n)
	return err
}

func levelName(names []string, n int) string {
	if n <= 0 || n >= len(names) {
		return fmt.Sprintf("invalid(%d)", n)
	}
	return names[n]
}

func parseLevel(kind string, names []string, name string) (int, error) {
	if n := slices.Index(names, name); n > 0 {
		return n, nil
	}
	return 0, fmt.Errorf("unknown %s %q: use one of %v", kind, name, names[1:])
}
