package app

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/faaswarden/faaswarden/internal/config"
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
	next, scopes, err := a.opts.Load(ctx)
	if err != nil {
		return fmt.Errorf("reload: %w", err)
	}
	if keys := config.NeedRestart(a.Engine.Config(), next); len(keys) > 0 {
		return fmt.Errorf("reload: %s changed, which only a start reads; remedy: restart the daemon, or take the change back", strings.Join(keys, ", "))
	}
	a.Engine.Reload(next, scopes)
	return nil
}
