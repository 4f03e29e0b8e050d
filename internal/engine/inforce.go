package engine

import (
	"slices"

	"github.com/faaswarden/faaswarden/internal/analysis"
	"github.com/faaswarden/faaswarden/internal/analysis/evidence"
	"github.com/faaswarden/faaswarden/internal/config"
	"github.com/faaswarden/faaswarden/internal/schema"
)

// inForce is what a daemon speaks of: the analyzers and collectors its
// configuration enables, in the accounts and regions it reads. The store may
// know more: of an account that was taken out of the configuration, or that
// another daemon reads.
type inForce struct {
	analyzers, collectors map[string]bool
	accounts              map[string]bool
	places                map[[2]string]bool // none: no account is read, and everything stored is spoken of
}

func (e *Engine) inForce() (inForce, error) {
	s := e.settings.Load()
	f := inForce{analyzers: map[string]bool{}, collectors: map[string]bool{}, accounts: map[string]bool{}, places: map[[2]string]bool{}}
	for _, a := range e.opts.Suites.Analyzers {
		settings, err := config.AnalyzerSettings(s.config, a)
		if err != nil {
			return f, err
		}
		f.analyzers[a.Name] = settings.Enabled
	}
	for _, c := range e.opts.Suites.Collectors {
		settings, err := config.CollectorSettings(s.config, c)
		if err != nil {
			return f, err
		}
		f.collectors[c.Name] = settings.Enabled
	}
	for _, scope := range s.scopes {
		f.accounts[scope.Account] = true
		f.places[[2]string{scope.Account, scope.Region}] = true
	}
	return f, nil
}

func (f inForce) account(name string) bool { return len(f.places) == 0 || f.accounts[name] }

// place reports whether an account's region is read; what has no region is the
// account's.
func (f inForce) place(account, region string) bool {
	return len(f.places) == 0 || f.places[[2]string{account, region}] || region == "" && f.accounts[account]
}

func (f inForce) finding(x schema.Finding) bool {
	return f.analyzers[x.Analyzer] && f.place(x.Account, x.Region)
}

func (f inForce) measurement(x schema.Measurement) bool {
	return f.analyzers[x.Analyzer] && f.place(x.Account, x.Region)
}

func (f inForce) status(x Status) bool {
	return f.collectors[x.Collector] && f.place(x.Account, x.Region)
}

func (f inForce) gap(x evidence.Gap) bool {
	return f.collectors[x.Collector] && f.place(x.Account, x.Region)
}

func (f inForce) analyzer(x *analysis.Analyzer) bool { return f.analyzers[x.Name] }
func (f inForce) spend(x APISpend) bool              { return f.account(x.Account) }
func (f inForce) cost(x DayCost) bool                { return f.account(x.Account) }
func (f inForce) usage(x Usage) bool                 { return f.place(x.Account, x.Region) }
func (f inForce) limit(x Limit) bool                 { return f.place(x.Account, x.Region) }

// only keeps what is in force.
func only[T any](list []T, in func(T) bool) []T {
	return slices.DeleteFunc(list, func(x T) bool { return !in(x) })
}
