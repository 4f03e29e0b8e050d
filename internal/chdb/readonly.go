package chdb

import (
	"errors"
	"fmt"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// ReadOnlyRoundTripper is RoundTripper for statements from outside the process:
// one statement a request, one that leaves no trace, within Options.Outside.
//
// No single guard of the engine suffices, so there are five, each with a test
// of what only it stops: the parser's classification (INTO OUTFILE, KILL and
// SET pass every other), a role without sources (DESCRIBE url() dials out and
// default.`/etc/passwd` is a table even under readonly), readonly itself
// (SETTINGS clauses), a list of settings a client may choose, and a list of
// functions that read files under any role.
func (e *Engine) ReadOnlyRoundTripper() http.RoundTripper {
	return &transport{engine: e, outside: &e.opts.Outside}
}

// connectArgs are given when connecting, so that readonly can then forbid the
// statement to change them. Without implicit_select, text like "exit" would be
// an expression to select.
func (l Limits) connectArgs() []string {
	return []string{
		"--max_memory_usage=" + strconv.FormatInt(l.Memory, 10),
		"--max_execution_time=" + strconv.FormatInt(l.seconds(), 10),
		"--http_max_tries=1",
		"--implicit_select=0",
	}
}

func (l Limits) seconds() int64 { return int64(math.Ceil(l.Time.Seconds())) }

// confine takes from a session what a statement from outside must not have.
// From here on only a Control statement could give it back, and admit refuses
// those.
func (s *session) confine() error {
	if err := s.conn.exec("SET ROLE " + outsideRole); err != nil {
		return err
	}
	return s.conn.exec("SET readonly = 1")
}

// admit refuses what a statement from outside may not do.
func (s *session) admit(class Class, r *request) error {
	if class.Statements == 0 {
		if _, err := s.canonical(r.sql); err != nil {
			return err
		}
		return refuse(codeSyntaxError, "SYNTAX_ERROR", "there is no statement here")
	}
	if class.Kind != ReadOnly || r.data != nil {
		return refuse(codeReadonly, "READONLY", "only statements that read are accepted here, and this one is %s", class.Kind)
	}
	canonical, err := s.canonical(r.sql)
	if err != nil {
		return err
	}
	if err := RefuseFileFunctions(canonical); err != nil {
		return err
	}
	return refuseIdentifiers(canonical, r.params)
}

// canonical is a statement in the parser's own spelling, which has no comments,
// no escapes in names and one kind of quotes: the lexer cannot be led astray.
func (s *session) canonical(sql string) (string, error) {
	// Unescaped, the parser would be shown another text than the one that runs.
	text, err := s.conn.text("SELECT formatQuerySingleLine({sql:String})", "TSVRaw", param{"sql", escapeText.Replace(sql)})
	if refused, ok := errors.AsType[*Error](err); ok {
		// The engine blames the question as well as what was asked about.
		about, _, _ := strings.Cut(refused.Text, ": In scope SELECT formatQuerySingleLine(")
		return "", refuse(codeSyntaxError, "SYNTAX_ERROR", "%s", strings.TrimPrefix(about, "Code: 62. DB::Exception: "))
	}
	return text, err
}

// escapeText writes what the engine undoes when it reads a parameter's value.
var escapeText = strings.NewReplacer(`\`, `\\`, "\t", `\t`, "\n", `\n`, "\r", `\r`, "\x00", `\0`)

// forbiddenFunctions read files under any role: an embedded engine takes itself
// for a command-line tool, whose user may. sqlite makes the file it names before
// it is refused.
var forbiddenFunctions = []string{"file", "catboostevaluate", "sqlite"}

// RefuseFileFunctions returns an *Error for a statement, as formatQuery spells
// it, in which the name of a function that reads files stands anywhere but after
// a dot. A name is called without a parenthesis too: by APPLY file, and by
// arrayMap(file, …). Whoever accepts a view from outside must ask this, for
// reading the view later runs the function.
func RefuseFileFunctions(canonical string) error {
	l := lexer{sql: canonical}
	for t, before := l.next(), (token{}); t.kind != tokenEnd; t, before = l.next(), t {
		named := t.kind == tokenWord || t.kind == tokenQuoted
		if named && before.text != "." && forbidden(t.text) {
			return refuse(codeAccessDenied, "ACCESS_DENIED",
				"the name %s is not accepted here, for it is a function that reads files; write a column of that name as table.%s", t.text, t.text)
		}
	}
	return nil
}

// refuseIdentifiers refuses a forbidden name given as an {x:Identifier}.
func refuseIdentifiers(canonical string, params []param) error {
	if !strings.Contains(canonical, "Identifier") {
		return nil
	}
	for _, p := range params {
		if forbidden(strings.TrimSpace(p.value)) || strings.Contains(p.value, `\`) { // an escape may spell a forbidden name
			return refuse(codeAccessDenied, "ACCESS_DENIED", "the identifier %s is not accepted as a parameter here", p.value)
		}
	}
	return nil
}

func forbidden(name string) bool { return slices.Contains(forbiddenFunctions, strings.ToLower(name)) }

// clientSettings are what a client may choose for its own statement: shapes of
// output, and limits that only ever narrow.
var clientSettings = []string{
	"aggregate_functions_null_for_empty", "cancel_http_readonly_queries_on_client_close",
	"count_distinct_implementation", "date_time_input_format", "date_time_output_format",
	"empty_result_for_aggregation_by_empty_set", "extremes", "final", "format_csv_delimiter",
	"format_csv_null_representation", "format_tsv_null_representation", "group_by_use_nulls",
	"http_headers_progress_interval_ms", "join_use_nulls", "limit", "log_comment", "max_block_size",
	"max_bytes_to_read", "max_result_bytes", "max_result_rows", "max_rows_to_group_by", "max_rows_to_read",
	"max_threads", "offset", "prefer_column_name_to_alias", "read_overflow_mode", "result_overflow_mode",
	"session_timezone", "timeout_overflow_mode",
}

// clientPrefixes are families of settings that shape output. The family as a
// whole is not one of them: output_format_schema names a file to write.
var clientPrefixes = []string{
	"output_format_arrow_", "output_format_csv_", "output_format_decimal_", "output_format_json_",
	"output_format_native_", "output_format_parquet_", "output_format_pretty_", "output_format_tsv_",
	"output_format_write_",
}

func clientMayChoose(name string) bool {
	return slices.Contains(clientSettings, name) ||
		slices.ContainsFunc(clientPrefixes, func(p string) bool { return strings.HasPrefix(name, p) })
}

// outsideSettings lets through what a client may choose for itself. A limit
// above ours becomes ours; asking for read-only is granted already.
func (e *Engine) outsideSettings(settings []setting, limits Limits) ([]setting, error) {
	var accepted []setting
	for _, s := range settings {
		switch s.name {
		case "readonly":
			continue
		case "max_memory_usage":
			s.value = narrow(s.value, limits.Memory)
		case "max_execution_time":
			s.value = narrow(s.value, limits.seconds())
		default:
			if !clientMayChoose(s.name) {
				return nil, e.refuseSetting(s.name)
			}
		}
		accepted = append(accepted, s)
	}
	return accepted, nil
}

// narrow is the smaller of a client's limit and ours; 0, which lifts a limit,
// and text that is no number become ours.
func narrow(value string, ours int64) string {
	n, err := strconv.ParseFloat(value, 64)
	if err != nil || n <= 0 || n > float64(ours) {
		return strconv.FormatInt(ours, 10)
	}
	return value
}

// refuseSetting tells a misspelt setting from one that is not the client's.
func (e *Engine) refuseSetting(name string) error {
	e.keeperMu.Lock()
	defer e.keeperMu.Unlock()
	count, err := e.keeper.text("SELECT count() FROM system.settings WHERE name = {name:String}", "TSVRaw", param{"name", name})
	if err != nil {
		return fmt.Errorf("look up setting %s: %w", name, err)
	}
	if strings.TrimSpace(count) == "0" {
		return refuse(codeUnknownSetting, "UNKNOWN_SETTING", "Unknown setting '%s'", name)
	}
	return refuse(codeReadonly, "READONLY", "setting %s cannot be chosen from outside", name)
}
