package store

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
)

// textEscaper and elementEscaper write what the engine's two readers undo: a
// whole value is read as an escaped field, an element of an array as a quoted
// literal.
var (
	textEscaper    = strings.NewReplacer(`\`, `\\`, "\t", `\t`, "\n", `\n`, "\r", `\r`, "\x00", `\0`)
	elementEscaper = strings.NewReplacer(`\`, `\\`, "'", `\'`, "\t", `\t`, "\n", `\n`, "\r", `\r`, "\x00", `\0`)
)

// bindParams renders values for the {name:Type} placeholders of sql. Values
// travel beside the statement and are never spliced into it.
func bindParams(sql string, params map[string]any) (clickhouse.Parameters, error) {
	types := placeholderTypes(sql)
	bound := make(clickhouse.Parameters, len(params))
	var faults []error
	for name, value := range params {
		if !identifierPattern.MatchString(name) {
			faults = append(faults, fmt.Errorf("parameter name %q must be letters, digits and underscores", name))
			continue
		}
		text, err := paramText(value, types[name])
		if err != nil {
			faults = append(faults, fmt.Errorf("parameter %s: %w", name, err))
			continue
		}
		bound[name] = text
	}
	return bound, errors.Join(faults...)
}

var placeholderPattern = regexp.MustCompile(`\{\s*([A-Za-z_][A-Za-z0-9_]*)\s*:\s*((?:Nullable\(|LowCardinality\()*[A-Za-z0-9_]+)`)

// placeholderTypes is the outermost type of each placeholder, wrappers removed.
func placeholderTypes(sql string) map[string]string {
	types := map[string]string{}
	for _, m := range placeholderPattern.FindAllStringSubmatch(sql, -1) {
		types[m[1]] = m[2][strings.LastIndexByte(m[2], '(')+1:]
	}
	return types
}

// paramText is a value as the engine reads it for a placeholder of type kind.
func paramText(value any, kind string) (string, error) {
	switch v := value.(type) {
	case nil:
		return `\N`, nil
	case string:
		return textEscaper.Replace(v), nil
	case bool:
		return boolText(v, kind), nil
	case int:
		return strconv.Itoa(v), nil
	case int64:
		return strconv.FormatInt(v, 10), nil
	case uint64:
		return strconv.FormatUint(v, 10), nil
	case uint32:
		return strconv.FormatUint(uint64(v), 10), nil
	case float64:
		return strconv.FormatFloat(v, 'g', -1, 64), nil
	case []string:
		return arrayText(v), nil
	case time.Time:
		return timeText(v, kind)
	case time.Duration:
		return strconv.FormatFloat(v.Seconds(), 'f', -1, 64), nil
	}
	return "", fmt.Errorf("a %T cannot be bound: give a string, number, bool, []string, time.Time or time.Duration", value)
}

func boolText(v bool, kind string) string {
	if strings.HasPrefix(kind, "UInt") || strings.HasPrefix(kind, "Int") {
		if v {
			return "1"
		}
		return "0"
	}
	return strconv.FormatBool(v)
}

func arrayText(list []string) string {
	quoted := make([]string, len(list))
	for i, s := range list {
		quoted[i] = Literal(s)
	}
	return "[" + strings.Join(quoted, ",") + "]"
}

// timeText writes an instant as its epoch: a wall clock would be read in the
// zone of the placeholder's type, which the value knows nothing of.
func timeText(t time.Time, kind string) (string, error) {
	switch kind {
	case "Date", "Date32":
		return t.UTC().Format(time.DateOnly), nil
	case "DateTime":
		if t.Nanosecond() != 0 {
			return "", fmt.Errorf("%s has a fraction of a second, which DateTime cannot hold; use DateTime64", t.Format(time.RFC3339Nano))
		}
	}
	if t.Unix() < 0 {
		return "", fmt.Errorf("%s lies before 1970", t.Format(time.RFC3339))
	}
	text := fmt.Sprintf("%010d", t.Unix()) // fewer than ten digits would not be taken for an epoch
	if ns := t.Nanosecond(); ns != 0 {
		text += "." + strings.TrimRight(fmt.Sprintf("%09d", ns), "0")
	}
	return text, nil
}
