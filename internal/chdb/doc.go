// Package chdb runs ClickHouse inside the process: libchdb, loaded without cgo
// and presented as the http.RoundTripper that clickhouse-go accepts.
package chdb
