package analysistest

import (
	"encoding/json"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/faaswarden/faaswarden/internal/analysis"
)

// The account and region that rows are in when they do not say.
const (
	Account = "111122223333"
	Region  = "us-east-1"
)

// scenario is one txtar file: what the store held, and what was concluded.
type scenario struct {
	archive *txtar.Archive
	window  analysis.Window
	params  map[string]any
	setup   []string // SQL statements, run after the rows are in
	tables  []tableRows
	want    string
}

// tableRows are the rows of one table.
type tableRows struct {
	table string
	rows  []row
}

// row is a table's row by column; columns left out have the table's default.
type row map[string]any

func parseScenario(text []byte) (*scenario, error) {
	s := &scenario{archive: txtar.Parse(text), params: map[string]any{}}
	if len(strings.TrimSpace(string(s.archive.Comment))) == 0 {
		return nil, errors.New("a scenario opens with prose that says what it shows")
	}
	if err := s.readWindow(); err != nil {
		return nil, err
	}
	for _, f := range s.archive.Files {
		if err := s.readFile(f.Name, string(f.Data)); err != nil {
			return nil, fmt.Errorf("%s: %w", f.Name, err)
		}
	}
	return s, nil
}

// readWindow comes first, because rows take their default times from it.
func (s *scenario) readWindow() error {
	i := slices.IndexFunc(s.archive.Files, func(f txtar.File) bool { return f.Name == "window" })
	if i < 0 {
		return errors.New(`no file "window" with the two ends of the window`)
	}
	ends := strings.Fields(string(s.archive.Files[i].Data))
	if len(ends) != 2 {
		return fmt.Errorf("window: want two times, have %d", len(ends))
	}
	from, err := parseTime(ends[0])
	if err != nil {
		return fmt.Errorf("window: %w", err)
	}
	to, err := parseTime(ends[1])
	if err != nil {
		return fmt.Errorf("window: %w", err)
	}
	if !from.Before(to) {
		return fmt.Errorf("window: %s is not before %s", from, to)
	}
	s.window = analysis.Window{From: from, To: to}
	return nil
}

func (s *scenario) readFile(name, text string) error {
	switch {
	case name == "window":
		return nil
	case name == "want":
		s.want = text
		return nil
	case name == "params.json":
		dec := json.NewDecoder(strings.NewReader(text))
		return dec.Decode(&s.params)
	case name == "setup.sql":
		s.setup = statements(text)
		return nil
	case name == "gaps.jsonl":
		return s.readGaps(text)
	case path.Ext(name) == ".series":
		return s.readSeries(text)
	case path.Ext(name) == ".jsonl":
		return s.readTable(strings.TrimSuffix(name, ".jsonl"), text)
	}
	return errors.New("not a file of a scenario: use window, params.json, TABLE.jsonl, metric_points.series, gaps.jsonl, setup.sql and want")
}

// parseTime reads a day or an instant, both UTC.
func parseTime(text string) (time.Time, error) {
	for _, layout := range []string{time.DateOnly, "2006-01-02T15:04", "2006-01-02T15:04Z", time.RFC3339} {
		if t, err := time.Parse(layout, text); err == nil {
			return t.UTC(), nil
		}
	}
	return time.Time{}, fmt.Errorf("%q is neither a day (2026-10-01) nor an instant (2026-10-01T06:00)", text)
}

// statements splits SQL at semicolons that end a line.
func statements(text string) []string {
	var list []string
	for part := range strings.SplitSeq(text, ";\n") {
		if sql := strings.TrimSuffix(strings.TrimSpace(part), ";"); sql != "" {
			list = append(list, sql)
		}
	}
	return list
}

// update puts new golden text into the archive.
func (s *scenario) update(want string) []byte {
	i := slices.IndexFunc(s.archive.Files, func(f txtar.File) bool { return f.Name == "want" })
	if i < 0 {
		s.archive.Files = append(s.archive.Files, txtar.File{Name: "want"})
		i = len(s.archive.Files) - 1
	}
	s.archive.Files[i].Data = []byte(want)
	return txtar.Format(s.archive)
}
