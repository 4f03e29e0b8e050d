package httpd

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// wireNames are URL names that govern the wire or a session. They are this
// package's business or nobody's, and never reach the engine.
var wireNames = []string{
	"add_http_cors_header", "async_insert", "buffer_size", "client_protocol_version", "compress", "database", "decompress", "default_format",
	"enable_http_compression", "http_write_exception_in_output_format", "http_zlib_compression_level", "network_compression_method",
	"network_zstd_compression_level", "password", "query", "query_id", "quota_key", "readonly", "role", "send_progress_in_http_headers",
	"session_check", "session_id", "session_timeout", "stacktrace", "user", "wait_end_of_query", "wait_for_async_insert",
}

// writeSettings are those a writer may choose. A reader's are judged by the
// read-only transport.
var writeSettings = []string{"session_timezone"}

// settings is what the engine is told of a request's URL: the database, the
// parameters and the settings.
func (h *handler) settings(query url.Values, writes bool) (url.Values, error) {
	kept := url.Values{"database": {h.database(query.Get("database"))}}
	for name := range query {
		switch {
		case slices.Contains(wireNames, name):
		case !writes, strings.HasPrefix(name, "param_"), slices.Contains(writeSettings, name):
			kept.Set(name, query.Get(name))
		case name == "max_execution_time":
			// The driver sets it from its caller's deadline, which also ends the request.
		default:
			return nil, newFault(http.StatusForbidden, 164, "READONLY", "Cannot modify '%s' setting for a statement that writes", name)
		}
	}
	return kept, nil
}

// database is the one a client means: most name "default" when told nothing,
// which in the embedded engine would be the files of the working folder.
func (h *handler) database(name string) string {
	if name == "" || name == "default" {
		return h.o.Database
	}
	return name
}
