package chdb

import (
	"bufio"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// DetachedPart is a part of a table that the engine found damaged when it
// started and set aside. Its rows are no longer in the table.
type DetachedPart struct {
	Database string `json:"database"`
	Table    string `json:"table"`
	Name     string `json:"name"`   // folder under the table's detached/
	Reason   string `json:"reason"` // broken-on-start, unexpected, …
}

// Detached lists the damaged parts found at start, of this start and of earlier
// ones that nobody has dealt with. Parts somebody detached by hand are left out.
func (e *Engine) Detached() []DetachedPart { return slices.Clone(e.detached) }

func detachedParts(c *conn) ([]DetachedPart, error) {
	text, err := c.text(`SELECT database, table, name, reason
		FROM system.detached_parts
		WHERE reason != ''
		ORDER BY database, table, name`, "JSONEachRow")
	if err != nil {
		return nil, fmt.Errorf("look for detached parts: %w", err)
	}
	var parts []DetachedPart
	for lines := bufio.NewScanner(strings.NewReader(text)); lines.Scan(); {
		var p DetachedPart
		if err := json.Unmarshal(lines.Bytes(), &p); err != nil {
			return nil, fmt.Errorf("read the list of detached parts: %w", err)
		}
		parts = append(parts, p)
	}
	return parts, nil
}
