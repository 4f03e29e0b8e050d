package engine

import "github.com/faaswarden/faaswarden/internal/config"

// settings are what a reload replaces. They are immutable.
type settings struct {
	config *config.Config
	scopes []Scope
}

// Config is the configuration in force.
func (e *Engine) Config() *config.Config { return e.settings.Load().config }

// Reload puts another configuration and other scopes in force, for every run
// of a collector or an analyzer that begins from now on. What is read only at
// the start (the store, the listener, the share of AWS's quotas) stays as it
// was; the caller refuses a configuration that changes it.
func (e *Engine) Reload(c *config.Config, scopes []Scope) {
	e.settings.Store(&settings{c, scopes})
	e.budget.SetCeilings(e.ceilings())
}
