// Package plan says what a month of collection asks of AWS and costs, before
// the first priced call is made.
package plan

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/lambda"

	"github.com/faaswarden/faaswarden/internal/collect"
	"github.com/faaswarden/faaswarden/internal/config"
	"github.com/faaswarden/faaswarden/internal/engine"
)

// Assumptions stand for what no free call tells.
type Assumptions struct {
	ActiveShare         float64 // of functions that are invoked within the lookback
	LogBytesPerFunction float64 // a month, of active and other functions alike
}

// Account is an account and its size.
type Account struct {
	ID        string   `json:"account"`
	First     bool     `json:"-"`       // collectors that run once run here
	Regions   []string `json:"regions"` // the home region first
	Functions int      `json:"functions"`
	Unknown   string   `json:"unknown,omitempty"` // why the number of functions is not known; it is then taken to be none
}

// Line is what one collector asks of one account in a month of steady running.
type Line struct {
	Account   string  `json:"account"`
	Collector string  `json:"collector"`
	Calls     float64 `json:"calls"`
	Units     float64 `json:"units"` // what AWS bills: pages, metrics, GB scanned
	Unit      string  `json:"unit,omitempty"`
	USD       float64 `json:"usd"`
	Service   string  `json:"service,omitempty"` // that AWS bills for the units, by IAM prefix; empty for free calls
}

// Lines estimates every enabled collector in every account, in the suite's and
// the accounts' order.
func Lines(c *config.Config, suite []*collect.Collector, accounts []Account, assume Assumptions, rates []collect.Rate) ([]Line, error) {
	var lines []Line
	for _, item := range suite {
		settings, err := config.CollectorSettings(c, item)
		if err != nil {
			return nil, err
		}
		if !settings.Enabled {
			continue
		}
		// Estimates are made for the collector's own interval.
		oftener := item.Every.Seconds() / settings.Every.Seconds()
		for _, a := range accounts {
			if item.Scope == collect.Once && !a.First {
				continue
			}
			cost := item.Estimate(a.inventory(c, assume)).Price(rates)
			lines = append(lines, Line{
				Account: a.ID, Collector: item.Name, Calls: cost.Calls * oftener, Units: cost.Units * oftener, Unit: cost.Unit, USD: cost.USD * oftener,
				Service: biller(rates, cost.Unit),
			})
		}
	}
	return lines, nil
}

// biller is the service that bills by a unit.
func biller(rates []collect.Rate, unit string) string {
	i := slices.IndexFunc(rates, func(r collect.Rate) bool { return strings.EqualFold(r.Unit, unit) })
	if i < 0 {
		return ""
	}
	return rates[i].Service
}

// Over names what a month would pass: "all" for the ceiling of all services, or
// a service's.
func Over(lines []Line, ceilings collect.Ceilings) []string {
	over, sum := []string{}, 0.0
	for _, l := range lines {
		sum += l.USD
	}
	if sum > ceilings.USD {
		over = append(over, "all")
	}
	for _, l := range Sum(lines, func(l Line) string { return l.Service }) {
		if ceiling, ok := ceilings.ServiceUSD[l.Service]; ok && l.USD > ceiling {
			over = append(over, l.Service)
		}
	}
	return over
}

func (a Account) inventory(c *config.Config, assume Assumptions) collect.Inventory {
	return collect.Inventory{
		Accounts: 1, Regions: len(a.Regions), Functions: a.Functions, ActiveFunctions: int(float64(a.Functions) * assume.ActiveShare),
		Days: time.Duration(c.AWS.Lookback).Hours() / 24, LogBytesPerMonth: float64(a.Functions) * assume.LogBytesPerFunction,
	}
}

// Sum adds lines up by a key, in the order in which keys first appear.
func Sum(lines []Line, key func(Line) string) []Line {
	index := map[string]int{}
	var sums []Line
	for _, l := range lines {
		k := key(l)
		i, ok := index[k]
		if !ok {
			i = len(sums)
			index[k] = i
			sums = append(sums, Line{Account: l.Account, Collector: l.Collector, Unit: l.Unit, Service: l.Service})
		}
		sums[i].Calls += l.Calls
		sums[i].Units += l.Units
		sums[i].USD += l.USD
		if sums[i].Unit == "" {
			sums[i].Unit = l.Unit
		}
	}
	return sums
}

// Ask counts the functions of the scopes' accounts with lambda:GetAccountSettings,
// which is free. An account that does not answer is one whose size is unknown.
func Ask(ctx context.Context, scopes []engine.Scope, limiter *collect.Limiter) ([]Account, error) {
	var accounts []Account
	for _, s := range scopes {
		i := slices.IndexFunc(accounts, func(a Account) bool { return a.ID == s.Account })
		if i < 0 {
			i = len(accounts)
			accounts = append(accounts, Account{ID: s.Account})
		}
		accounts[i].Regions = append(accounts[i].Regions, s.Region)
		accounts[i].First = accounts[i].First || s.First
	}
	counts := make([]count, len(scopes))
	places := make([]int, len(scopes))
	for i := range places {
		places[i] = i
	}
	err := collect.Each(ctx, 16, places, func(ctx context.Context, i int) error {
		counts[i] = ask(ctx, scopes[i], limiter)
		return ctx.Err()
	})
	if err != nil {
		return nil, fmt.Errorf("count functions: %w", err)
	}
	for i, n := range counts {
		a := slices.IndexFunc(accounts, func(a Account) bool { return a.ID == scopes[i].Account })
		accounts[a].Functions += n.functions
		if n.err != nil {
			accounts[a].Unknown = strings.TrimPrefix(accounts[a].Unknown+"; "+scopes[i].Region+": "+collect.Describe(n.err), "; ")
		}
	}
	return accounts, nil
}

type count struct {
	functions int
	err       error
}

func ask(ctx context.Context, s engine.Scope, limiter *collect.Limiter) count {
	if s.Err != nil {
		return count{err: s.Err}
	}
	client := lambda.NewFromConfig(collect.Instrument(s.AWS, nil, limiter, collect.InstrumentOptions{Account: s.Account}))
	out, err := client.GetAccountSettings(ctx, &lambda.GetAccountSettingsInput{})
	if err != nil || out.AccountUsage == nil {
		return count{err: err}
	}
	return count{functions: int(out.AccountUsage.FunctionCount)}
}
