package analysistest

import (
	"encoding/json"
	"fmt"
	"maps"
	"strconv"
	"strings"
	"time"
)

// functionPrefix shortens ARNs in scenarios: "function:orders" stands for the
// ARN of that function in the row's account and region.
const functionPrefix = "function:"

// sqlTime is how times are written for the engine; sub-seconds are kept.
const sqlTime = "2006-01-02 15:04:05.000"

// readTable reads one JSON object a line; empty lines and # comments are skipped.
func (s *scenario) readTable(table, text string) error {
	rows, err := parseLines(text)
	if err != nil {
		return err
	}
	var list []row
	for _, r := range rows {
		more, err := s.complete(table, r)
		if err != nil {
			return err
		}
		list = append(list, more...)
	}
	s.tables = append(s.tables, tableRows{table, list})
	return nil
}

func parseLines(text string) ([]row, error) {
	var list []row
	n := 0
	for line := range strings.Lines(text) {
		n++
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		dec := json.NewDecoder(strings.NewReader(line))
		dec.UseNumber()
		var r row
		if err := dec.Decode(&r); err != nil {
			return nil, fmt.Errorf("line %d: %w", n, err)
		}
		list = append(list, r)
	}
	return list, nil
}

// complete fills what scenarios leave out, and repeats a row that has "@days"
// for that many days.
func (s *scenario) complete(table string, r row) ([]row, error) {
	days := 1
	if n, ok := r["@days"].(json.Number); ok {
		count, err := strconv.Atoi(n.String())
		if err != nil || count < 1 {
			return nil, fmt.Errorf(`"@days" is %s: must be a count`, n)
		}
		days = count
	}
	delete(r, "@days")
	s.fill(table, r)
	expandARNs(r, fmt.Sprint(r["account"]), fmt.Sprint(r["region"]))
	if days == 1 {
		return []row{r}, nil
	}
	first, err := parseTime(fmt.Sprint(r["day"]))
	if err != nil {
		return nil, fmt.Errorf(`"@days" without a first "day": %w`, err)
	}
	list := make([]row, days)
	for i := range days {
		list[i] = maps.Clone(r)
		list[i]["day"] = first.AddDate(0, 0, i).Format(time.DateOnly)
	}
	return list, nil
}

// fill sets the columns that most scenarios do not care about. Tables that are
// not keyed by account (costs_daily, prices) only get their collected_at.
func (s *scenario) fill(table string, r row) {
	set := func(column string, value any) {
		if _, ok := r[column]; !ok {
			r[column] = value
		}
	}
	switch table {
	case "collector_runs":
		set("account", Account)
		set("region", Region)
		set("started_at", s.window.To.Format(sqlTime))
		set("finished_at", s.window.To.Format(sqlTime))
		return
	case "costs_daily", "prices":
	default:
		set("account", Account)
		set("region", Region)
	}
	set("collected_at", s.window.To.Format(sqlTime))
	switch table {
	case "functions":
		s.fillFunction(r, set)
	case "reports_daily":
		set("version", "$LATEST")
		set("architecture", "x86_64")
		set("day", s.window.From.Format(time.DateOnly))
	case "metric_points", "metric_reads":
		set("namespace", "AWS/Lambda")
		set("period_s", 3600)
	case "resource_tags":
		set("source", "lambda:ListTags")
		set("status", "read")
	case "edges":
		set("enabled", true)
		set("certainty", "configured")
	}
}

func (s *scenario) fillFunction(r row, set func(string, any)) {
	name, _ := r["function_name"].(string)
	set("function_arn", functionPrefix+name)
	set("version", "$LATEST")
	set("runtime", "python3.13")
	set("package_type", "Zip")
	set("architecture", "x86_64")
	set("memory_mb", 128)
	set("timeout_s", 30)
	set("ephemeral_mb", 512)
	set("log_group", "/aws/lambda/"+name)
	set("last_modified", s.window.From.AddDate(0, -6, 0).Format(sqlTime))
	set("reserved_read", true)
}

func expandARNs(r row, account, region string) {
	for column, value := range r {
		switch v := value.(type) {
		case string:
			r[column] = expandARN(v, account, region)
		case []any:
			for i := range v {
				if text, ok := v[i].(string); ok {
					v[i] = expandARN(text, account, region)
				}
			}
		}
	}
}

func expandARN(text, account, region string) string {
	if !strings.HasPrefix(text, functionPrefix) {
		return text
	}
	return "arn:aws:lambda:" + region + ":" + account + ":" + text
}

// readGaps writes what gaps_current is made of: the gaps, and the runs that had them.
func (s *scenario) readGaps(text string) error {
	lines, err := parseLines(text)
	if err != nil {
		return err
	}
	runs := map[string]row{}
	var gaps, order []row
	for _, r := range lines {
		for column, value := range map[string]any{"collector": "scenario", "run_id": "run-1", "outcome": "denied"} {
			if _, ok := r[column]; !ok {
				r[column] = value
			}
		}
		if _, err := s.complete("evidence_gaps", r); err != nil {
			return err
		}
		gaps = append(gaps, r)
		key := fmt.Sprint(r["collector"], r["account"], r["region"])
		if runs[key] == nil {
			runs[key] = row{"collector": r["collector"], "account": r["account"], "region": r["region"], "run_id": r["run_id"], "outcome": "ok", "partial": true}
			s.fill("collector_runs", runs[key])
			order = append(order, runs[key])
		}
	}
	s.tables = append(s.tables, tableRows{"evidence_gaps", gaps}, tableRows{"collector_runs", order})
	return nil
}

// insertSQL is one statement that holds its rows; missing columns take their defaults.
func (t tableRows) insertSQL() (string, error) {
	var b strings.Builder
	fmt.Fprintf(&b, "INSERT INTO %s SETTINGS date_time_input_format = 'best_effort', input_format_skip_unknown_fields = 0 FORMAT JSONEachRow\n", t.table)
	for _, r := range t.rows {
		line, err := json.Marshal(r)
		if err != nil {
			return "", fmt.Errorf("encode a row of %s: %w", t.table, err)
		}
		b.Write(line)
		b.WriteByte('\n')
	}
	return b.String(), nil
}
