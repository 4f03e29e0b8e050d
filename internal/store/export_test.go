package store

import (
	"context"
	"errors"
	"time"
)

// OpenMigrations is Open with migrations of the test's own.
var OpenMigrations = open

// Render, SplitStatements and the parts of an address are tested by themselves.
var (
	Render          = render
	SplitStatements = splitStatements
	Older           = older
)

// ParseDSN returns what an address names, in text.
func ParseDSN(dsn, database string) (display, path, resolved string, err error) {
	t, err := parseDSN(dsn)
	if err != nil {
		return "", "", "", err
	}
	resolved, err = t.resolveDatabase(database)
	return t.display, t.path, resolved, err
}

// FormatRows is how QueryRaw answers over the native protocol.
var FormatRows = formatRows

// RollUp and DropFiner are the two halves of what Retain does with metric points.
func RollUp(ctx context.Context, s *Store, now time.Time) (uint64, error) {
	return s.rollUpAll(ctx, now)
}

// DropFiner deletes what the named level was made of.
func DropFiner(ctx context.Context, s *Store, name string, cutoff time.Time) (uint64, error) {
	for _, l := range levels {
		if l.name == name {
			return s.dropFiner(ctx, l, cutoff)
		}
	}
	return 0, errors.New("no level " + name)
}

// Deletion is how rows are deleted, on one server and on a cluster.
var Deletion = deletion

// Between are the conditions that part a table's rows.
var Between = between
