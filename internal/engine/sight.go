package engine

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/faaswarden/faaswarden/internal/analysis"
	"github.com/faaswarden/faaswarden/internal/analysis/evidence"
	"github.com/faaswarden/faaswarden/internal/collect"
	"github.com/faaswarden/faaswarden/internal/config"
	"github.com/faaswarden/faaswarden/internal/store"
)

// sight answers Pass.Blind: what could not be read, where, and why. It is read
// once an analysis and never changes.
type sight struct {
	window  analysis.Window
	writers map[string][]*collect.Collector // table → who writes it
	status  map[[3]string]Status            // collector, account, region
	homes   map[string]string               // account → the region its per-account collectors run in
	first   Scope                           // in which the collectors run that run once
	gaps    *evidence.Gaps
	every   map[string]time.Duration // collector → its interval
	enabled map[string]bool
}

func (e *Engine) loadSight(ctx context.Context, w analysis.Window) (*sight, error) {
	s := &sight{
		window: w, writers: map[string][]*collect.Collector{}, status: map[[3]string]Status{}, homes: map[string]string{},
		every: map[string]time.Duration{}, enabled: map[string]bool{},
	}
	for _, c := range e.opts.Suites.Collectors {
		settings, err := config.CollectorSettings(e.Config(), c)
		if err != nil {
			return nil, err
		}
		s.every[c.Name], s.enabled[c.Name] = settings.Every, settings.Enabled
		for _, table := range c.Writes {
			s.writers[table] = append(s.writers[table], c)
		}
	}
	for _, scope := range e.settings.Load().scopes {
		if scope.First {
			s.first = scope
		}
	}
	for row, err := range store.Select[Status](ctx, e.opts.Store, statusQuery, nil) {
		if err != nil {
			return nil, fmt.Errorf("read collector status: %w", err)
		}
		s.status[[3]string{row.Collector, row.Account, row.Region}] = row
		if c := e.collector(row.Collector); c != nil && c.Scope == collect.PerAccount {
			s.homes[row.Account] = row.Region
		}
	}
	var err error
	if s.gaps, err = evidence.LoadGaps(ctx, e.opts.Store.Query); err != nil {
		return nil, err
	}
	return s, nil
}

func (e *Engine) collector(name string) *collect.Collector {
	for _, c := range e.opts.Suites.Collectors {
		if c.Name == name {
			return c
		}
	}
	return nil
}

// scopes lists where per-region collectors have run, as a subject that stands
// for every function there.
func (s *sight) scopes() []analysis.Subject {
	seen := map[[2]string]bool{}
	var list []analysis.Subject
	for _, c := range s.writers[inventoryTable] {
		for key := range s.status {
			place := [2]string{key[1], key[2]}
			if key[0] == c.Name && !seen[place] {
				seen[place] = true
				list = append(list, analysis.Subject{
					Resource: fmt.Sprintf("arn:%s:lambda:%s:%s:function:*", partition(key[2]), key[2], key[1]), Account: key[1], Region: key[2],
				})
			}
		}
	}
	slices.SortFunc(list, func(a, b analysis.Subject) int { return cmp.Compare(a.Resource, b.Resource) })
	return list
}

// partition is AWS's partition of a region.
func partition(region string) string {
	switch {
	case strings.HasPrefix(region, "cn-"):
		return "aws-cn"
	case strings.HasPrefix(region, "us-gov-"):
		return "aws-us-gov"
	}
	return "aws"
}

// blind says whether the evidence of a table is missing for a subject.
func (s *sight) blind(subject analysis.Subject, table, kind string) (analysis.Blindness, bool) {
	for _, c := range s.writers[table] {
		scope := subject
		switch c.Scope {
		case collect.Once:
			scope.Account, scope.Region = s.first.Account, s.first.Region
		case collect.PerAccount:
			scope.Region = s.homes[subject.Account]
		default: // where the subject is
		}
		if b, blind := s.gaps.Blind(scope, table, kind); blind {
			return b, true
		}
		if b, blind := s.unread(c, scope.Account, scope.Region); blind {
			return b, true
		}
	}
	return analysis.Blindness{}, false
}

// unread says whether a collector has no recent successful run in a scope.
func (s *sight) unread(c *collect.Collector, account, region string) (analysis.Blindness, bool) {
	st, ok := s.status[[3]string{c.Name, account, region}]
	if !ok {
		why := "collector " + c.Name + " has not run"
		if !s.enabled[c.Name] {
			why = "collector " + c.Name + " is disabled in the configuration"
		}
		return analysis.Blindness{Reason: analysis.Unread, Detail: why}, true
	}
	age := s.window.To.Sub(st.LastStartedAt)
	if limit := 3*s.every[c.Name] + time.Hour; age > limit {
		return analysis.Blindness{Reason: analysis.Stale, Detail: fmt.Sprintf("collector %s last read %s before the window's end", c.Name, age.Truncate(time.Minute))}, true
	}
	return analysis.Blindness{}, false
}
