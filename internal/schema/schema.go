// Package schema holds the store's tables and views as SQL migrations, and the
// Go row types that are written to them.
package schema

import (
	"embed"
	"fmt"
	"io/fs"
	"regexp"
	"slices"
)

//go:embed *.sql
var files embed.FS

// Row is a value that is written to one table.
type Row interface{ Table() string }

// Migration is one numbered SQL file. Its text never changes once released.
type Migration struct {
	Name string // 0001_evidence
	SQL  string // statements ending in ";\n"
}

// Migrations lists the migrations in order.
func Migrations() ([]Migration, error) {
	names, err := fs.Glob(files, "*.sql")
	if err != nil {
		return nil, fmt.Errorf("list migrations: %w", err)
	}
	slices.Sort(names)
	list := make([]Migration, 0, len(names))
	for _, name := range names {
		text, err := files.ReadFile(name)
		if err != nil {
			return nil, fmt.Errorf("read migration %s: %w", name, err)
		}
		list = append(list, Migration{Name: name[:len(name)-len(".sql")], SQL: string(text)})
	}
	return list, nil
}

var relationPattern = regexp.MustCompile(`(?m)^CREATE (?:TABLE|VIEW|MATERIALIZED VIEW) (\w+)`)

// Relations lists every table and view the migrations define.
func Relations() ([]string, error) {
	migrations, err := Migrations()
	if err != nil {
		return nil, err
	}
	var names []string
	for _, m := range migrations {
		for _, match := range relationPattern.FindAllStringSubmatch(m.SQL, -1) {
			names = append(names, match[1])
		}
	}
	return names, nil
}
