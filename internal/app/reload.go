package app

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/faaswarden/faaswarden/internal/config"
	"github.com/faaswarden/faaswarden/internal/engine"
	"github.com/faaswarden/faaswarden/internal/exporter"
)

// lastReload is what became of the newest attempt to read the configuration.
func (a *App) lastReload() exporter.Reload { return *a.reloaded.Load() }

// watchReloads reads the configuration again whenever it is asked to.
func (a *App) watchReloads(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-a.opts.Reloads:
			if err := a.Reload(ctx); err != nil {
				a.opts.Logger.Error("the configuration was not reloaded; the one before stays in force", "error", err)
				continue
			}
			a.opts.Logger.Info("the configuration was reloaded")
		}
	}
}

// Reload reads the configuration again and puts it in force. A configuration
// with a fault, or one that changes what only a start can, is an error that
// changes nothing.
func (a *App) Reload(ctx context.Context) error {
	err := a.reload(ctx)
	next := a.lastReload()
	next.OK = err == nil
	if next.OK {
		next.Success = a.opts.Now()
	}
	a.reloaded.Store(&next)
	return err
}

func (a *App) reload(ctx context.Context) error {
	if a.opts.Load == nil {
		return errors.New("reload: this daemon was started without a configuration file; remedy: start it with --config FILE")
	}
	next, err := a.opts.Load(ctx)
	if err != nil {
		return fmt.Errorf("reload: %w", err)
	}
	if keys := config.NeedRestart(a.Engine.Config(), next); len(keys) > 0 {
		return fmt.Errorf("reload: %s changed, which only a start reads; remedy: restart the daemon, or take the change back", strings.Join(keys, ", "))
	}
	scopes, err := a.resolve(ctx, next)
	if err != nil {
		return fmt.Errorf("reload: %w", err)
	}
	a.Engine.Reload(next, scopes)
	return nil
}

func (a *App) resolve(ctx context.Context, c *config.Config) ([]engine.Scope, error) {
	if a.opts.Resolve == nil {
		return a.opts.Scopes, nil
	}
	return a.opts.Resolve(ctx, c)
}

// watchAccounts looks accounts and regions up again from time to time: members
// join and leave an organisation, and roles come to be. What was known stays in
// force while they cannot be looked up.
func (a *App) watchAccounts(ctx context.Context) error {
	for a.opts.Resolve != nil {
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(time.Duration(a.Engine.Config().AWS.Refresh)):
		}
		scopes, err := a.resolve(ctx, a.Engine.Config())
		if ctx.Err() != nil {
			return nil //nolint:nilerr // the daemon ends
		}
		if err != nil {
			a.opts.Logger.Error("accounts could not be looked up; those known stay in force", "error", err)
			continue
		}
		a.Engine.Reload(a.Engine.Config(), scopes)
	}
	return nil
}
