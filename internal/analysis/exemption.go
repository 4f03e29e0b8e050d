package analysis

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
)

// Exemption lets a resource off an analyzer's rule until a day. It has a reason
// and an owner, so that somebody can be asked, and an end, so that somebody is.
type Exemption struct {
	Resource string `json:"resource"` // what it names is the analyzer's to say
	Reason   string `json:"reason"`
	Owner    string `json:"owner"`
	Until    string `json:"until"` // the last day on which it holds, UTC: 2027-01-31
}

// Faults says what is missing or wrong; nil when nothing is.
func (e Exemption) Faults() error {
	var faults []error
	for _, field := range []struct{ name, value string }{{"resource", e.Resource}, {"reason", e.Reason}, {"owner", e.Owner}} {
		if strings.TrimSpace(field.value) == "" {
			faults = append(faults, fmt.Errorf("%s is empty", field.name))
		}
	}
	if _, err := time.Parse(time.DateOnly, e.Until); err != nil {
		faults = append(faults, fmt.Errorf("until is %q: must be the last day on which it holds, such as 2027-01-31", e.Until))
	}
	return errors.Join(faults...)
}

// End is the instant at which the exemption no longer holds; zero when Until is no day.
func (e Exemption) End() time.Time {
	last, err := time.Parse(time.DateOnly, e.Until)
	if err != nil {
		return time.Time{}
	}
	return last.AddDate(0, 0, 1)
}

// Holds reports whether the exemption is in force.
func (e Exemption) Holds(at time.Time) bool { return at.Before(e.End()) }

// CheckExemptions is the Check of an object parameter that is a list of
// exemptions: it refuses what would silently exempt too much, or for ever.
func CheckExemptions(value any) error {
	text, err := json.Marshal(value)
	if err != nil {
		return fmt.Errorf("read exemptions: %w", err)
	}
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.DisallowUnknownFields()
	var list []Exemption
	if err := dec.Decode(&list); err != nil {
		return fmt.Errorf("must be a list of {resource, reason, owner, until}: %w", err)
	}
	var faults []error
	for i, e := range list {
		if err := e.Faults(); err != nil {
			faults = append(faults, fmt.Errorf("entry %d (%s): %w", i+1, e.Resource, err))
		}
	}
	return errors.Join(faults...)
}
