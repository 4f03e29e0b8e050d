package httpd

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"

	"github.com/faaswarden/faaswarden/internal/chdb"
)

// transportFor decides what a statement may do. Reading is left to the
// read-only transport, which judges for itself.
func (h *handler) transportFor(ctx context.Context, in *incoming) (rt http.RoundTripper, writes bool, err error) {
	class, err := h.o.Classify(in.sql)
	if err != nil {
		return nil, false, err
	}
	if class.Kind != chdb.Mutating {
		return h.o.Read, false, nil
	}
	if h.o.Write == nil || in.r.Method == http.MethodGet || isSet(in.query.Get("readonly")) {
		return nil, false, newFault(http.StatusForbidden, 164, "READONLY", "Cannot execute query in readonly mode")
	}
	if class.Statements != 1 {
		return nil, false, newFault(http.StatusBadRequest, 62, "SYNTAX_ERROR", "%d statements in one request; send them one at a time", class.Statements)
	}
	return h.o.Write, true, h.checkWrite(ctx, in)
}

func isSet(value string) bool { return value != "" && value != "0" }

// The statements a writer may run, in the engine's own spelling, which has no
// comments, one kind of quotes and no needless ones.
var (
	insertForm   = regexp.MustCompile(`^INSERT INTO (?:(\w+)\.)?\w+(?: \([\w, ]+\))? FORMAT (\w+)$`)
	databaseForm = regexp.MustCompile(`^CREATE DATABASE (?:IF NOT EXISTS )?(\w+)$`)
	tableForm    = regexp.MustCompile(`(?s)^CREATE TABLE (?:IF NOT EXISTS )?(?:(\w+)\.)?\w+\s\(.*\nENGINE = \w*MergeTree\b`)
	viewForm     = regexp.MustCompile(`(?s)^CREATE (?:OR REPLACE )?VIEW (?:IF NOT EXISTS )?(?:(\w+)\.)?\w+\s.*AS\s`)
	columnForm   = regexp.MustCompile(`^ALTER TABLE (?:(\w+)\.)?\w+\n    \((?:ADD COLUMN IF NOT EXISTS|MODIFY COLUMN) .+\)$`) // one change: each has a line
)

// insertFormats are plain data. Values is not among them: it may hold
// expressions.
const insertFormats = " Native CSV CSVWithNames JSONEachRow JSONCompactEachRow RowBinary TSV TabSeparated TabSeparatedWithNames TSVWithNames "

// checkWrite lets a writer make databases, tables, columns and views and insert
// rows, as store.Open and Insert do, and nothing else.
func (h *handler) checkWrite(ctx context.Context, in *incoming) error {
	text, err := h.canonical(ctx, in.sql)
	if err != nil {
		return err
	}
	if m := insertForm.FindStringSubmatch(text); m != nil && in.data != nil {
		if !strings.Contains(insertFormats, " "+m[2]+" ") {
			return denied("the format %s for inserts", m[2])
		}
		return checkOwner(m[1])
	}
	for _, form := range []*regexp.Regexp{databaseForm, tableForm, viewForm, columnForm} {
		if m := form.FindStringSubmatch(text); m != nil {
			if err := checkOwner(m[1]); err != nil {
				return err
			}
			return h.checkFunctions(ctx, text, form == tableForm)
		}
	}
	return denied("this statement from outside: a writer may insert data given in the body after ?query=INSERT INTO … FORMAT …, and create databases, MergeTree tables, columns and views")
}

func denied(format string, args ...any) error {
	return newFault(http.StatusForbidden, 497, "ACCESS_DENIED", "not allowed: "+format, args...)
}

func checkOwner(database string) error {
	switch strings.ToLower(database) {
	case "system", "information_schema", "default":
		return denied("writing to database %s", database)
	}
	return nil
}

// canonical is a statement as the engine's parser understood it.
func (h *handler) canonical(ctx context.Context, sql string) (string, error) {
	text, err := h.ask(ctx, "SELECT formatQuery({sql:String})", url.Values{"param_sql": {escape.Replace(sql)}})
	if err != nil {
		return "", err
	}
	return strings.TrimSpace(text), nil
}

var escape = strings.NewReplacer(`\`, `\\`, "\t", `\t`, "\n", `\n`, "\r", `\r`, "\x00", `\0`)

// ask runs a statement of this package's own.
func (h *handler) ask(ctx context.Context, sql string, values url.Values) (string, error) {
	values.Set("default_format", "TSVRaw")
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://embedded/?"+values.Encode(), strings.NewReader(sql))
	if err != nil {
		return "", fmt.Errorf("ask the engine: %w", err)
	}
	res, err := h.o.Read.RoundTrip(req)
	if err != nil {
		return "", fmt.Errorf("ask the engine: %w", err)
	}
	defer res.Body.Close() //nolint:errcheck // it was only read
	text, err := io.ReadAll(res.Body)
	if err != nil {
		return "", fmt.Errorf("ask the engine: %w", err)
	}
	if res.StatusCode != http.StatusOK {
		return "", &fault{status: res.StatusCode, code: atoi(res.Header.Get("X-ClickHouse-Exception-Code")), text: string(text)}
	}
	return string(text), nil
}

// harmless are table functions that compute and read nothing; some share their
// name with an ordinary function.
const harmless = " format generate_series generateseries null numbers numbers_mt values zeros zeros_mt "

// harmful are ordinary functions that call out of the engine. Those that read
// files are package chdb's to refuse.
const harmful = " aiclassify aiembed aiextract aigenerate aitranslate showcertificate "

// deniedFunctions asks the engine once which table functions it has: a newer
// engine's new ways out are then refused without this package knowing them.
func (h *handler) deniedFunctions(ctx context.Context) (map[string]bool, error) {
	h.deniedMu.Lock()
	defer h.deniedMu.Unlock()
	if h.denied != nil {
		return h.denied, nil
	}
	text, err := h.ask(ctx, "SELECT lower(name) FROM system.table_functions", url.Values{})
	if err != nil {
		return nil, err
	}
	found := map[string]bool{"disk": true} // SETTINGS disk = disk(type = s3, …) of a table
	for name := range strings.FieldsSeq(text) {
		found[name] = !strings.Contains(harmless, " "+name+" ")
	}
	h.denied = found
	return found, nil
}

// In canonical text freed of its literals: a name that may be called, and an
// engine. An ordinary function needs no parentheses to be called, for
// arrayMap(file, …) and APPLY file take its name; a table function does.
var (
	namePattern   = regexp.MustCompile("(\\.?)(`(?:[^`\\\\]|\\\\.)*`|\\w+)\\s*(\\(?)")
	enginePattern = regexp.MustCompile(`\bENGINE\s*=\s*(\w+)`)
	// In the embedded engine's own database every file is a table.
	filesPattern = regexp.MustCompile("(?i)(?:\\bdefault|`default`)\\s*\\.")
)

// checkFunctions refuses text that calls what a writer may not, or that makes a
// table of another engine than the MergeTree family.
func (h *handler) checkFunctions(ctx context.Context, text string, isTable bool) error {
	// A view is read by others later, whose own statement does not show the call.
	if err := chdb.RefuseFileFunctions(text); err != nil {
		return denied("a function that reads files")
	}
	forbidden, err := h.deniedFunctions(ctx)
	if err != nil {
		return err
	}
	code := withoutLiterals(text)
	if filesPattern.MatchString(code) {
		return denied("database default")
	}
	for _, m := range namePattern.FindAllStringSubmatch(code, -1) {
		name := strings.ToLower(strings.Trim(m[2], "`"))
		named := m[1] == "" && strings.Contains(harmful, " "+name+" ")
		if called := m[3] != ""; named || called && forbidden[name] {
			return denied("the function %s", name)
		}
	}
	engines := enginePattern.FindAllStringSubmatch(code, -1)
	for _, m := range engines {
		if !strings.HasSuffix(m[1], "MergeTree") || strings.HasPrefix(m[1], "Replicated") {
			return denied("the engine %s", m[1])
		}
	}
	if isTable && len(engines) != 1 {
		return denied("a table without one engine")
	}
	return nil
}

// withoutLiterals blanks the 'strings' of canonical text, in which a quote
// within a string is always escaped by a backslash.
func withoutLiterals(text string) string {
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		if text[i] != '\'' {
			b.WriteByte(text[i])
			continue
		}
		b.WriteString("''")
		for i++; i < len(text) && text[i] != '\''; i++ {
			if text[i] == '\\' {
				i++
			}
		}
	}
	return b.String()
}
