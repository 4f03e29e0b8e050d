package store

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"

	"github.com/faaswarden/faaswarden/internal/schema"
)

// migrationsTable remembers which migrations a store has had.
const migrationsTable = `CREATE TABLE schema_migrations
(
    name       String,
    checksum   String COMMENT 'SHA-256 of the text that was applied',
    applied_at DateTime64(3, 'UTC')
)
ENGINE = ReplacingMergeTree(applied_at)
ORDER BY name`

// appliedMigration is a row of schema_migrations.
type appliedMigration struct {
	Name      string    `ch:"name"`
	Checksum  string    `ch:"checksum"`
	AppliedAt time.Time `ch:"applied_at"`
}

// Table names the table appliedMigration rows are written to.
func (appliedMigration) Table() string { return "schema_migrations" }

// migrate brings the database to the given migrations. Running it again, also
// after it was interrupted, does what is left to do and nothing twice. A
// database that has them all is only read.
func (s *Store) migrate(ctx context.Context, migrations []schema.Migration) error {
	pending, err := s.pending(ctx, migrations)
	if exception, ok := errors.AsType[*clickhouse.Exception](err); ok && exception.Code == unknownTable {
		if err := s.apply(ctx, migrationsTable); err != nil {
			return fmt.Errorf("prepare migrations: %w", err)
		}
		pending, err = s.pending(ctx, migrations)
	}
	if err != nil {
		return err
	}
	for _, m := range pending {
		if err := s.apply(ctx, m.SQL); err != nil {
			return fmt.Errorf("apply migration %s: %w", m.Name, err)
		}
		record := appliedMigration{Name: m.Name, Checksum: checksum(m.SQL), AppliedAt: time.Now().UTC()}
		if err := s.Insert(ctx, record); err != nil {
			return fmt.Errorf("record migration %s: %w", m.Name, err)
		}
	}
	return nil
}

// checkMigrated refuses a store that is behind, without touching it.
func (s *Store) checkMigrated(ctx context.Context, migrations []schema.Migration) error {
	pending, err := s.pending(ctx, migrations)
	if err != nil {
		return err
	}
	if len(pending) > 0 {
		return fmt.Errorf("the store lacks migration %s: open it once for writing, as faaswarden collect and faaswarden run do", pending[0].Name)
	}
	return nil
}

// pending compares what was applied with what this binary knows.
func (s *Store) pending(ctx context.Context, migrations []schema.Migration) ([]schema.Migration, error) {
	applied := map[string]string{}
	for m, err := range Select[appliedMigration](ctx, s, "SELECT name, checksum, applied_at FROM schema_migrations FINAL ORDER BY name", nil) {
		if err != nil {
			return nil, fmt.Errorf("read applied migrations: %w", err)
		}
		applied[m.Name] = m.Checksum
	}
	var faults []error
	var pending []schema.Migration
	for _, m := range migrations {
		sum, ok := applied[m.Name]
		delete(applied, m.Name)
		switch {
		case !ok:
			pending = append(pending, m)
		case sum != checksum(m.SQL):
			faults = append(faults, fmt.Errorf("migration %s was changed after it was applied to database %s: a change belongs in a new migration; restore its text, or give the store a fresh folder or database", m.Name, s.database))
		}
	}
	for _, name := range sortedKeys(applied) {
		faults = append(faults, fmt.Errorf("database %s has migration %s, which this binary does not know: a newer faaswarden made it; run that version or newer", s.database, name))
	}
	return pending, errors.Join(faults...)
}

func checksum(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

// apply runs every statement of a migration.
func (s *Store) apply(ctx context.Context, sql string) error {
	for _, statement := range splitStatements(sql) {
		rendered, err := render(statement, s.database, s.cluster)
		if err != nil {
			return err
		}
		for _, text := range rendered {
			if err := s.Exec(ctx, text, nil); err != nil {
				return fmt.Errorf("%s: %w", firstLine(text), err)
			}
		}
	}
	return nil
}

func firstLine(s string) string {
	line, _, _ := strings.Cut(s, "\n")
	return line
}

// splitStatements cuts SQL at its semicolons, past literals, quoted names and
// comments, and drops the comments before each statement.
func splitStatements(sql string) []string {
	var list []string
	start := 0
	for i := 0; i < len(sql); {
		if sql[i] == ';' {
			list = appendStatement(list, sql[start:i])
			start = i + 1
		}
		i = skipToken(sql, i)
	}
	return appendStatement(list, sql[start:])
}

func appendStatement(list []string, text string) []string {
	for {
		text = strings.TrimSpace(text)
		if !strings.HasPrefix(text, "--") && !strings.HasPrefix(text, "/*") {
			break
		}
		text = text[skipToken(text, 0):]
	}
	if text == "" {
		return list
	}
	return append(list, text)
}

// skipToken is the offset after the literal, quoted name, comment or byte at i.
func skipToken(sql string, i int) int {
	rest := sql[i:]
	switch {
	case strings.HasPrefix(rest, "--"):
		return i + lengthTo(rest, "\n")
	case strings.HasPrefix(rest, "/*"):
		return i + 2 + lengthTo(rest[2:], "*/")
	case rest[0] == '\'' || rest[0] == '`' || rest[0] == '"':
		for j := 1; j < len(rest); j++ {
			switch rest[j] {
			case '\\':
				j++
			case rest[0]:
				return i + j + 1
			}
		}
		return len(sql)
	}
	return i + 1
}

func lengthTo(text, end string) int {
	if at := strings.Index(text, end); at >= 0 {
		return at + len(end)
	}
	return len(text)
}
