package store

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/faaswarden/faaswarden/internal/schema"
)

var (
	createTablePattern = regexp.MustCompile(`(?s)^CREATE TABLE (\w+)\n(\(.*\n\))\nENGINE = (\w+)\((.*?)\)\n(.*)$`)
	createViewPattern  = regexp.MustCompile(`(?s)^CREATE VIEW (\w+) AS\n(.*)$`)
	alterTablePattern  = regexp.MustCompile(`^ALTER TABLE (\w+)\n((?:ADD COLUMN IF NOT EXISTS|MODIFY COLUMN) \w+ .*)$`)
	codecOnlyPattern   = regexp.MustCompile(`^MODIFY COLUMN \w+ CODEC\(`)
	orderByPattern     = regexp.MustCompile(`(?m)^ORDER BY \(?(.*?)\)?$`)
	clusterPattern     = regexp.MustCompile(`^([A-Za-z0-9_.-]+|\{[A-Za-z0-9_]+\})$`)
)

// DDL is every statement that makes the store in a database of that name: what
// Open runs, for an administrator who would rather run it, with that database as
// the current one. A cluster renders it for all of the cluster's nodes.
func DDL(database, cluster string) ([]string, error) {
	if err := checkDatabase(database); err != nil {
		return nil, err
	}
	migrations, err := schema.Migrations()
	if err != nil {
		return nil, err
	}
	create, err := createDatabase(database, cluster)
	if err != nil {
		return nil, err
	}
	list := []string{create}
	for _, sql := range append([]string{migrationsTable}, texts(migrations)...) {
		for _, statement := range splitStatements(sql) {
			rendered, err := render(statement, database, cluster)
			if err != nil {
				return nil, err
			}
			list = append(list, rendered...)
		}
	}
	return list, nil
}

// Script is DDL and the record that it was run at that time, after which Open
// finds nothing left to do: for a server whose administrator lets no one else
// make tables. It is run in one session.
func Script(database, cluster string, at time.Time) ([]string, error) {
	list, err := DDL(database, cluster)
	if err != nil {
		return nil, err
	}
	list = slices.Insert(list, 1, "USE "+database) // views name tables of the database that is current
	migrations, err := schema.Migrations()
	if err != nil {
		return nil, err
	}
	for _, m := range migrations {
		list = append(list, fmt.Sprintf("INSERT INTO %s.schema_migrations (name, checksum, applied_at) VALUES (%s, '%s', '%s')",
			database, Literal(m.Name), checksum(m.SQL), at.UTC().Format("2006-01-02 15:04:05.000")))
	}
	return list, nil
}

func texts(migrations []schema.Migration) []string {
	list := make([]string, len(migrations))
	for i, m := range migrations {
		list[i] = m.SQL
	}
	return list
}

func createDatabase(database, cluster string) (string, error) {
	on, err := onCluster(cluster)
	if err != nil {
		return "", err
	}
	return "CREATE DATABASE IF NOT EXISTS " + database + on, nil
}

func onCluster(cluster string) (string, error) {
	if cluster == "" {
		return "", nil
	}
	if !clusterPattern.MatchString(cluster) {
		return "", fmt.Errorf("cluster %q must be a name or a {macro}", cluster)
	}
	return " ON CLUSTER '" + cluster + "'", nil
}

// render turns one statement of a migration into what is run: repeatable, in
// the given database, and on a cluster as a replicated table with a Distributed
// one over it.
func render(statement, database, cluster string) ([]string, error) {
	on, err := onCluster(cluster)
	if err != nil {
		return nil, err
	}
	if m := createViewPattern.FindStringSubmatch(statement); m != nil {
		return []string{fmt.Sprintf("CREATE OR REPLACE VIEW %s.%s%s AS\n%s", database, m[1], on, m[2])}, nil
	}
	if m := alterTablePattern.FindStringSubmatch(statement); m != nil {
		return alterTable(database, m[1], m[2], on), nil
	}
	m := createTablePattern.FindStringSubmatch(statement)
	if m == nil {
		return nil, fmt.Errorf("a migration may hold only CREATE TABLE, CREATE VIEW and ALTER TABLE of one column, in the form of those before it, not: %s", firstLine(statement))
	}
	table := tableDDL{database: database, name: m[1], columns: m[2], engine: m[3], version: m[4], rest: m[5]}
	if cluster == "" {
		return []string{fmt.Sprintf("CREATE TABLE IF NOT EXISTS %s.%s\n%s\nENGINE = %s(%s)\n%s", database, table.name, table.columns, table.engine, table.version, table.rest)}, nil
	}
	return table.clustered(cluster, on)
}

// alterTable changes a column of a table, on a cluster of the one on every node
// and of the one over them. How a column is compressed is a matter of the nodes.
func alterTable(database, table, change, on string) []string {
	statement := func(name string) string { return fmt.Sprintf("ALTER TABLE %s.%s%s\n%s", database, name, on, change) }
	switch {
	case on == "":
		return []string{statement(table)}
	case codecOnlyPattern.MatchString(change):
		return []string{statement(table + "_local")}
	default:
		return []string{statement(table + "_local"), statement(table)}
	}
}

type tableDDL struct{ database, name, columns, engine, version, rest string }

// clustered is the table on every node and the table over all of them. Rows are
// sharded by the whole sorting key: every version of a row lands on one shard,
// where FINAL and merges can see them together.
func (t tableDDL) clustered(cluster, on string) ([]string, error) {
	order := orderByPattern.FindStringSubmatch(t.rest)
	if order == nil {
		return nil, errors.New("table " + t.name + " has no ORDER BY to shard it by")
	}
	arguments := "'/clickhouse/tables/{uuid}/{shard}', '{replica}'"
	if t.version != "" {
		arguments += ", " + t.version
	}
	local := fmt.Sprintf("CREATE TABLE IF NOT EXISTS %s.%s_local%s\n%s\nENGINE = Replicated%s(%s)\n%s",
		t.database, t.name, on, t.columns, t.engine, arguments, t.rest)
	distributed := fmt.Sprintf("CREATE TABLE IF NOT EXISTS %s.%s%s\nAS %s.%s_local\nENGINE = Distributed('%s', '%s', '%s_local', cityHash64(%s))",
		t.database, t.name, on, t.database, t.name, cluster, t.database, t.name, strings.TrimSpace(order[1]))
	return []string{local, distributed}, nil
}
