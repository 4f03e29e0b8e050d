package chdb

import (
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strconv"
	"strings"
)

// ErrClosed is returned for a request made after Close began.
var ErrClosed = errors.New("the embedded engine is closed")

// Codes of ClickHouse errors this package raises or reads itself.
const (
	codeBadArguments      = 36
	codeNotImplemented    = 48
	codeSyntaxError       = 62
	codeUnknownTable      = 60
	codeUnknownDatabase   = 81
	codeUnknownSetting    = 115
	codeReadonly          = 164
	codeTooManyBytes      = 307
	codeQueryWasCancelled = 394
	codeAccessDenied      = 497
	codeUnknownException  = 1002
)

// Error is a failure of the engine with ClickHouse's own number. Through
// clickhouse-go the same failure arrives as *clickhouse.Exception.
type Error struct {
	Code int
	Text string // as the engine wrote it: "Code: 60. DB::Exception: … (UNKNOWN_TABLE)"
}

func (e *Error) Error() string { return e.Text }

var codePattern = regexp.MustCompile(`^Code: (\d+)\.`)

// newError reads the number from the engine's text. Text without one is given
// the number of UNKNOWN_EXCEPTION, as a server does.
func newError(text string) *Error {
	text = strings.TrimSpace(text)
	m := codePattern.FindStringSubmatch(text)
	if m == nil {
		return &Error{Code: codeUnknownException, Text: fmt.Sprintf("Code: %d. DB::Exception: %s", codeUnknownException, text)}
	}
	code, err := strconv.Atoi(m[1])
	if err != nil || code <= 0 {
		code = codeUnknownException
	}
	return &Error{Code: code, Text: text}
}

// refuse is a failure this package raises itself, in the engine's form.
func refuse(code int, name, format string, args ...any) *Error {
	return &Error{Code: code, Text: fmt.Sprintf("Code: %d. DB::Exception: %s (%s)", code, fmt.Sprintf(format, args...), name)}
}

// status is the HTTP status a ClickHouse server gives the commonest codes.
func (e *Error) status() int {
	switch e.Code {
	case codeUnknownTable, codeUnknownDatabase:
		return http.StatusNotFound
	case codeReadonly, codeAccessDenied:
		return http.StatusForbidden
	case codeNotImplemented:
		return http.StatusNotImplemented
	case codeTooManyBytes:
		return http.StatusRequestEntityTooLarge
	case codeBadArguments, codeSyntaxError, codeUnknownSetting:
		return http.StatusBadRequest
	default:
		return http.StatusInternalServerError
	}
}
