package config

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"time"

	"github.com/faaswarden/faaswarden/internal/analysis"
	"github.com/faaswarden/faaswarden/internal/collect"
)

// Collector is one collector's settings with its defaults resolved.
type Collector struct {
	Enabled bool
	Every   time.Duration
	Params  map[string]any
}

// Analyzer is one analyzer's settings with its defaults resolved.
type Analyzer struct {
	Enabled  bool
	Severity analysis.Severity
	Params   map[string]any
}

// CollectorSettings resolves collectors.<name>.
func CollectorSettings(c *Config, item *collect.Collector) (Collector, error) {
	out := Collector{Enabled: true, Every: item.Every, Params: map[string]any{}}
	for _, p := range item.Params {
		out.Params[p.Name] = p.Default
	}
	var faults []error
	for _, key := range slices.Sorted(maps.Keys(c.Collectors[item.Name])) {
		faults = append(faults, prefix("collectors."+item.Name, out.set(item, key, c.Collectors[item.Name][key])))
	}
	return out, errors.Join(faults...)
}

func (s *Collector) set(item *collect.Collector, key string, value any) error {
	switch key {
	case "enabled":
		return setBool(&s.Enabled, key, value)
	case "every":
		d, err := durationOf(key, value)
		if err != nil {
			return err
		}
		if d < time.Minute {
			return fmt.Errorf("%s is %v; remedy: give at least 1m", key, value)
		}
		s.Every = d
		return nil
	}
	known := []string{"enabled", "every"}
	for _, p := range item.Params {
		known = append(known, p.Name)
		if p.Name != key {
			continue
		}
		v, err := likeDefault(key, value, p.Default)
		s.Params[key] = v
		return err
	}
	return fmt.Errorf("%s is unknown; remedy: use one of %v", key, known)
}

// AnalyzerSettings resolves analyzers.<name>.
func AnalyzerSettings(c *Config, item *analysis.Analyzer) (Analyzer, error) {
	out := Analyzer{Enabled: true, Severity: item.Severity, Params: map[string]any{}}
	var faults []error
	for _, p := range item.Params {
		v, err := p.Resolve(p.Default)
		out.Params[p.Name] = v
		faults = append(faults, prefix("analyzers."+item.Name, err))
	}
	for _, key := range slices.Sorted(maps.Keys(c.Analyzers[item.Name])) {
		faults = append(faults, prefix("analyzers."+item.Name, out.set(item, key, c.Analyzers[item.Name][key])))
	}
	return out, errors.Join(faults...)
}

func (s *Analyzer) set(item *analysis.Analyzer, key string, value any) error {
	switch key {
	case "enabled":
		return setBool(&s.Enabled, key, value)
	case "severity":
		text, _ := value.(string)
		sev, err := analysis.ParseSeverity(text)
		s.Severity = sev
		return err
	}
	known := []string{"enabled", "severity"}
	for _, p := range item.Params {
		known = append(known, p.Name)
		if p.Name != key {
			continue
		}
		v, err := p.Resolve(plain(value))
		s.Params[key] = v
		return err
	}
	return fmt.Errorf("%s is unknown; remedy: use one of %v", key, known)
}

func prefix(path string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s.%w", path, err)
}

func setBool(dst *bool, key string, value any) error {
	v, ok := value.(bool)
	if !ok {
		return fmt.Errorf("%s is %v; remedy: give true or false", key, value)
	}
	*dst = v
	return nil
}

func durationOf(key string, value any) (time.Duration, error) {
	text, _ := value.(string)
	d, err := ParseDuration(text)
	if err != nil {
		return 0, fmt.Errorf("%s is %v; remedy: give a duration such as 15m, 6h or 30d", key, value)
	}
	return d, nil
}

// likeDefault checks that a value has the type of a collector parameter's default.
func likeDefault(key string, value, fallback any) (any, error) {
	value = plain(value)
	wrong := fmt.Errorf("%s is %v; remedy: give a value like the default %v", key, value, fallback)
	switch fallback.(type) {
	case time.Duration:
		return durationOf(key, value)
	case int64:
		if n, ok := value.(float64); ok && n == math.Trunc(n) {
			return int64(n), nil
		}
		return fallback, wrong
	case []string:
		list, err := analysis.Param{Name: key, Kind: analysis.List}.Resolve(value)
		if err != nil {
			return fallback, wrong
		}
		return list, nil
	}
	if fmt.Sprintf("%T", value) != fmt.Sprintf("%T", fallback) {
		return fallback, wrong
	}
	return value, nil
}

// plain turns the YAML decoder's integers into float64, as JSON would give them.
func plain(v any) any {
	switch n := v.(type) {
	case uint64:
		return float64(n)
	case int64:
		return float64(n)
	case int:
		return float64(n)
	}
	return v
}

// EnabledCollectors lists the collectors a configuration leaves on, each with
// the actions that its settings need.
func EnabledCollectors(c *Config, suite []*collect.Collector) ([]*collect.Collector, error) {
	var list []*collect.Collector
	for _, item := range suite {
		s, err := CollectorSettings(c, item)
		if err != nil {
			return nil, err
		}
		if !s.Enabled {
			continue
		}
		needed := *item
		needed.Actions = slices.DeleteFunc(slices.Clone(item.Actions), func(a collect.Action) bool {
			return a.With != "" && s.Params[a.With] == false
		})
		list = append(list, &needed)
	}
	return list, nil
}
