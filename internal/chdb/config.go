package chdb

import (
	"encoding/xml"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// Durability says what an acknowledged insert survives.
type Durability int

const (
	// Durable survives power loss: every part is synced when written and when
	// merged. Batches of a thousand rows run at about half the relaxed rate.
	Durable Durability = iota
	// Relaxed survives the death of the process, kill -9 included, but not of
	// the machine: after power loss every part of the last minutes may be
	// gone. For tests, benchmarks and the demo.
	Relaxed
)

func (d Durability) String() string {
	if d == Relaxed {
		return "relaxed"
	}
	return "durable"
}

// setting is one name and value, of the server, of a table or of a statement.
type setting struct{ name, value string }

// mergeTree is what every MergeTree table is given. The limits on broken parts
// are lifted because the default, 100, turns a power cut into an engine that
// refuses to open; what was detached is reported by Engine.Detached instead.
func (d Durability) mergeTree() []setting {
	settings := []setting{
		{"max_suspicious_broken_parts", "1000000"},
		{"max_suspicious_broken_parts_bytes", "1000000000000"},
	}
	if d == Relaxed {
		return settings
	}
	return append(settings,
		setting{"fsync_after_insert", "1"},
		setting{"fsync_part_directory", "1"},
		setting{"min_rows_to_fsync_after_merge", "1"},
		setting{"min_compressed_bytes_to_fsync_after_merge", "1"},
	)
}

// configXML is the engine's whole configuration. Giving one is what keeps the
// engine from reading config.xml of the working folder or of the home folder.
//
// The one user has two roles. A connection starts with both; one that carries a
// statement from outside keeps only the second, and the engine itself then
// refuses to read files, to dial out and to change anything.
func configXML(o Options) string {
	var b strings.Builder
	b.WriteString("<!-- Written by faaswarden at every start; changes here are lost. -->\n<clickhouse>\n")
	element(&b, 1, "users_config", configPath(o.Path))
	element(&b, 1, "user_files_path", filepath.Join(o.Path, "user_files")+"/")
	if o.Backups != "" {
		b.WriteString("    <backups>\n")
		element(&b, 2, "allowed_path", o.Backups+"/")
		b.WriteString("    </backups>\n")
	}
	b.WriteString("    <merge_tree>\n")
	for _, s := range o.Durability.mergeTree() {
		element(&b, 2, s.name, s.value)
	}
	b.WriteString("    </merge_tree>\n")
	if o.Rehearsal == nil {
		b.WriteString(accessXML)
	} else {
		b.WriteString(rehearsalXML(*o.Rehearsal))
	}
	b.WriteString("</clickhouse>\n")
	return b.String()
}

// outsideRole is what a statement from outside may do.
const outsideRole = "outside"

const accessXML = `    <profiles><default/></profiles>
    <quotas><default/></quotas>
    <roles>
        <inside><grants><query>GRANT ALL ON *.* WITH GRANT OPTION</query></grants></inside>
        <outside><grants><query>GRANT SELECT, SHOW, dictGet ON *.*</query></grants></outside>
    </roles>
    <users>
        <default>
            <password/>
            <networks><ip>::/0</ip></networks>
            <profile>default</profile>
            <quota>default</quota>
            <grants><query>GRANT inside</query><query>GRANT outside</query></grants>
        </default>
    </users>
`

func element(b *strings.Builder, depth int, name, value string) {
	fmt.Fprintf(b, "%s<%s>", strings.Repeat("    ", depth), name)
	_ = xml.EscapeText(b, []byte(value)) // a strings.Builder does not fail
	fmt.Fprintf(b, "</%s>\n", name)
}

// configPath is beside the data, not in it: the engine owns its folder whole.
func configPath(path string) string { return path + ".config.xml" }

func writeConfig(o Options) (string, error) {
	name := configPath(o.Path)
	if err := os.WriteFile(name, []byte(configXML(o)), 0o600); err != nil {
		return "", fmt.Errorf("write the engine's configuration: %w", err)
	}
	return name, nil
}
