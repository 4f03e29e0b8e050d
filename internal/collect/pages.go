package collect

import (
	"context"
	"errors"
	"fmt"

	"golang.org/x/sync/errgroup"
)

// ErrRepeatedToken ends a listing whose next page is one it has already read.
var ErrRepeatedToken = errors.New("the page token repeats")

// Pages reads a listing page by page: next gets the token of the page to read,
// nil for the first, and returns the token of the page after it, nil or empty
// after the last. A token seen before is an error that names it, so that a
// listing that goes in circles ends. action names the listing in errors.
func Pages(ctx context.Context, action string, next func(ctx context.Context, token *string) (*string, error)) error {
	var token *string
	seen := map[string]bool{}
	for {
		following, err := next(ctx, token)
		if err != nil {
			return err
		}
		if following == nil || *following == "" {
			return nil
		}
		if seen[*following] {
			return fmt.Errorf("%s: %w after %d pages: %s", action, ErrRepeatedToken, len(seen)+1, clip(*following, 60))
		}
		seen[*following] = true
		token = following
	}
}

// Each calls fn for every item, limit at a time, and returns the first error,
// which ends the others. A denied or malformed answer is no such error:
// collectors record it with Gap and return nil.
func Each[T any](ctx context.Context, limit int, items []T, fn func(context.Context, T) error) error {
	group, groupCtx := errgroup.WithContext(ctx)
	group.SetLimit(limit)
	for _, item := range items {
		if groupCtx.Err() != nil {
			break // the group's error, or the caller's context, says why
		}
		group.Go(func() error { return fn(groupCtx, item) })
	}
	if err := group.Wait(); err != nil {
		return err
	}
	return ctx.Err()
}

func clip(text string, n int) string {
	runes := []rune(text)
	if len(runes) <= n {
		return text
	}
	return string(runes[:n]) + "…"
}
