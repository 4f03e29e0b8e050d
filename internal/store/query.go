package store

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"github.com/faaswarden/faaswarden/internal/analysis"
)

// Query runs one statement and returns its rows, which the caller closes.
// params fill {name:Type} placeholders; their values are strings, numbers,
// bools, []string, time.Time (an instant), time.Duration (seconds) or nil (NULL).
// Closing early stops the statement instead of reading it to its end.
func (s *Store) Query(ctx context.Context, sql string, params map[string]any) (analysis.Rows, error) {
	ctx, cancel := context.WithCancel(ctx)
	bound, err := withParams(ctx, sql, params)
	if err != nil {
		cancel()
		return nil, err
	}
	r, err := s.conn.Query(bound, sql)
	if err != nil {
		cancel()
		return nil, err
	}
	return &rows{Rows: r, ctx: ctx, cancel: cancel}, nil
}

// withParams is ctx with the parameters, which is how the driver takes values
// that this package has rendered itself.
func withParams(ctx context.Context, sql string, params map[string]any) (context.Context, error) {
	bound, err := bindParams(sql, params)
	if err != nil {
		return nil, err
	}
	if len(bound) == 0 {
		return ctx, nil
	}
	return clickhouse.Context(ctx, clickhouse.WithParameters(bound)), nil
}

// rows stops the statement when it is closed before its end: the driver would
// read the rest of the result first.
type rows struct {
	driver.Rows
	ctx    context.Context
	cancel context.CancelFunc
	ended  bool
}

// Next advances to the next row, and frees the statement after the last.
func (r *rows) Next() bool {
	if r.Rows.Next() {
		return true
	}
	r.ended = true
	r.cancel()
	return false
}

// Close frees the rows. The error is the statement's, not that of stopping it.
func (r *rows) Close() error {
	r.cancel()
	err := r.Rows.Close()
	if !r.ended && errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}

// Select runs a statement and yields its rows as T, a struct with `ch` tags that
// has a field for every column. An error comes last, with a zero T.
func Select[T any](ctx context.Context, s *Store, sql string, params map[string]any) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var zero T
		rows, err := s.Query(ctx, sql, params)
		if err != nil {
			yield(zero, fmt.Errorf("query: %w", err))
			return
		}
		defer rows.Close() //nolint:errcheck // Err tells what went wrong.
		for rows.Next() {
			var row T
			if err := rows.ScanStruct(&row); err != nil {
				yield(zero, fmt.Errorf("scan a row: %w", err))
				return
			}
			if !yield(row, nil) {
				return
			}
		}
		if err := rows.Err(); err != nil {
			yield(zero, fmt.Errorf("read rows: %w", err))
		}
	}
}

// SelectAll is Select with all the rows at once.
func SelectAll[T any](ctx context.Context, s *Store, sql string, params map[string]any) ([]T, error) {
	var list []T
	for row, err := range Select[T](ctx, s, sql, params) {
		if err != nil {
			return nil, err
		}
		list = append(list, row)
	}
	return list, nil
}

// Exec runs one statement for its effect.
func (s *Store) Exec(ctx context.Context, sql string, params map[string]any) error {
	ctx, err := withParams(ctx, sql, params)
	if err != nil {
		return err
	}
	return explainAccess(s.conn.Exec(ctx, sql))
}

// DefaultFormat is how QueryRaw answers when it is not told.
const DefaultFormat = "PrettyCompactMonoBlock"

// QueryRaw runs a statement that a person wrote and returns the result in a
// ClickHouse format, as a stream the caller closes. Nothing can be changed by
// it: the embedded engine also refuses to touch files and the network, and a
// server runs it with readonly=2. An empty format means the statement's own
// FORMAT clause, or DefaultFormat. Over clickhouse:// only row formats are known.
func (s *Store) QueryRaw(ctx context.Context, sql string, params map[string]any, format string) (io.ReadCloser, error) {
	if m := formatClause.FindStringSubmatchIndex(sql); format == "" && m != nil {
		sql, format = sql[:m[0]], sql[m[2]:m[3]]
	}
	if format == "" {
		format = DefaultFormat
	}
	if !identifierPattern.MatchString(format) {
		return nil, fmt.Errorf("format %q must be the name of a ClickHouse output format, such as JSONEachRow or CSVWithNames", format)
	}
	conn, err := s.outsideConn()
	if err != nil {
		return nil, err
	}
	ctx, err = withParams(ctx, sql, params)
	if err != nil {
		return nil, err
	}
	if s.options.Protocol == clickhouse.Native {
		return formatRows(ctx, conn, sql, format)
	}
	return conn.QueryFormat(ctx, format, sql)
}

// formatClause is the clause at the end of a statement, which the driver wants
// to be told of apart.
var formatClause = regexp.MustCompile(`(?i)\s+FORMAT\s+([A-Za-z]\w*)\s*;?\s*$`)

// outsideConn opens the pool for statements from outside at their first use.
func (s *Store) outsideConn() (driver.Conn, error) {
	s.outsideOnce.Do(func() {
		if s.engine == nil {
			s.outside, s.outsideErr = s.dial(s.database, true)
			return
		}
		o := engineOptions(s.engine.ReadOnlyRoundTripper())
		o.Auth.Database = s.database
		s.outside, s.outsideErr = clickhouse.Open(o)
	})
	return s.outside, s.outsideErr
}

// rowFormats are those a server can write one row at a time, which is what the
// native protocol, whose answers are blocks, can carry.
var rowFormats = []string{"CSV", "JSONCompactEachRow", "JSONEachRow", "TSV", "TabSeparated", "Values"}

// formatRows has the server write each row with formatRow and joins the texts.
func formatRows(ctx context.Context, conn driver.Conn, sql, format string) (io.ReadCloser, error) {
	if !slices.Contains(rowFormats, format) {
		return nil, fmt.Errorf("format %s is not known over clickhouse://: use one of %s, or the server's http:// address", format, strings.Join(rowFormats, ", "))
	}
	ctx, cancel := context.WithCancel(ctx)
	inner := strings.TrimRight(sql, "; \t\r\n")
	found, err := conn.Query(ctx, fmt.Sprintf("SELECT formatRow('%s', *) AS text FROM (\n%s\n)", format, inner))
	if err != nil {
		cancel()
		return nil, err
	}
	reader, writer := io.Pipe()
	go func() { writer.CloseWithError(copyText(writer, found)) }()
	return &pipedRows{PipeReader: reader, cancel: cancel}, nil
}

func copyText(w io.Writer, found driver.Rows) error {
	defer found.Close() //nolint:errcheck // Err tells what went wrong.
	for found.Next() {
		var text string
		if err := found.Scan(&text); err != nil {
			return err
		}
		if _, err := io.WriteString(w, text); err != nil {
			return err
		}
	}
	return found.Err()
}

// pipedRows ends the statement when its reader stops early.
type pipedRows struct {
	*io.PipeReader
	cancel context.CancelFunc
}

// Close stops the statement if it still runs.
func (p *pipedRows) Close() error {
	p.cancel()
	return p.PipeReader.Close()
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
