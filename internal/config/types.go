package config

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Secret is a string that never prints itself.
type Secret string

// String hides the value from logs and dumps.
func (s Secret) String() string {
	if s == "" {
		return ""
	}
	return "<secret>"
}

// GoString hides the value from %#v.
func (s Secret) GoString() string { return s.String() }

// MarshalYAML hides the value from dumps.
func (s Secret) MarshalYAML() (any, error) { return s.String(), nil }

// MarshalJSON hides the value from dumps.
func (s Secret) MarshalJSON() ([]byte, error) { return []byte(strconv.Quote(s.String())), nil }

// Duration is a time.Duration that YAML writes as 90s, 15m, 6h or 30d.
type Duration time.Duration

// UnmarshalYAML reads the text form.
func (d *Duration) UnmarshalYAML(text []byte) error {
	v, err := ParseDuration(strings.Trim(strings.TrimSpace(string(text)), `"'`))
	*d = Duration(v)
	return err
}

// String writes whole days as Nd, and everything else as Go does.
func (d Duration) String() string {
	const day = 24 * time.Hour
	if v := time.Duration(d); v != 0 && v%day == 0 {
		return strconv.Itoa(int(v/day)) + "d"
	}
	text := time.Duration(d).String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}

// ParseDuration is time.ParseDuration with days: 30d.
func ParseDuration(text string) (time.Duration, error) {
	if days, ok := strings.CutSuffix(text, "d"); ok {
		n, err := strconv.Atoi(days)
		if err != nil {
			return 0, fmt.Errorf("duration %q: give whole days, such as 30d", text)
		}
		return time.Duration(n) * 24 * time.Hour, nil
	}
	v, err := time.ParseDuration(text)
	if err != nil {
		return 0, fmt.Errorf("duration %q: give a number with a unit, such as 90s, 15m, 6h or 30d", text)
	}
	return v, nil
}
