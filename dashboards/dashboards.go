// Package dashboards computes Grafana boards and Prometheus alert rules from the
// suite of analyzers. Boards are functions that return builders; a board is built
// once, and its JSON is never edited by hand.
package dashboards

import (
	"bytes"
	"encoding/json"
	"fmt"

	"github.com/faaswarden/faaswarden/internal/analysis"
)

// Board is one Grafana dashboard as it is provisioned.
type Board struct {
	UID, Title string
	File       string // name below a folder of dashboards
	JSON       []byte
}

// The boards' uids are what links and alerts name; they never change.
const (
	overviewUID   = "faaswarden-overview"
	findingsUID   = "faaswarden-findings"
	collectionUID = "faaswarden-collection"
)

// boards lists every board, in the order in which they are read.
func boards(suite []*analysis.Analyzer) []board {
	return []board{overview(), findings(suite), collection()}
}

// Boards renders every board of the suite.
func Boards(suite []*analysis.Analyzer) ([]Board, error) {
	var list []Board
	for _, b := range boards(suite) {
		built, err := b.build()
		if err != nil {
			return nil, err
		}
		text, err := render(built)
		if err != nil {
			return nil, fmt.Errorf("render board %s: %w", b.uid, err)
		}
		list = append(list, Board{UID: b.uid, Title: b.title, File: b.file, JSON: text})
	}
	return list, nil
}

// render writes JSON as a person can compare it; PromQL keeps its < and >.
func render(v any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(v); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}
