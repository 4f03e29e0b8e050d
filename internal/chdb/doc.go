// Package chdb runs ClickHouse inside the process: libchdb, loaded without cgo
// and presented as the http.RoundTripper that clickhouse-go accepts.
//
// # Shape
//
// Ensure finds the library or installs it with npm. Open starts the engine on a
// data folder and holds one connection, the keeper, for the engine's life: the
// engine stops with its last connection. RoundTripper then answers clickhouse-go
// (Options.TransportFunc, Protocol HTTP, no Compression) and any other client of
// ClickHouse's HTTP interface. Each request has an engine connection of its own,
// from the request until its body is closed or its context ends, so that
// settings, temporary tables and failures end with it; connecting takes 0.1 ms.
// ReadOnlyRoundTripper is the same for statements from outside the process.
//
// # Promises
//
//   - An insert that has returned survives the death of the process, and under
//     Durable, the default, that of the machine: each part is synced when it is
//     written and when it is merged. Cutting the power in the middle of writing
//     lost 0 of 1,060 acknowledged inserts under Durable and all 1,993 under
//     ClickHouse's own defaults. The price is about half the rate of inserts of a
//     thousand rows; of a hundred thousand it is lost in the noise of the disk.
//   - What was not acknowledged may still be there: a retry may write rows twice,
//     so tables are keyed and versioned.
//   - Results and inserts pass through in bounded memory. A statement's text and
//     the results of formats that cannot be cut are held whole, in the engine's
//     memory.
//   - Parameters are bound by the engine and never spliced into the statement.
//   - A context that ends stops the statement in the engine and frees its
//     connection, whether anybody reads on or not.
//   - ClickHouse's error codes arrive as *clickhouse.Exception, those after the
//     first row too.
//   - Times are UTC whatever TZ says, in columns and in functions.
//   - Damaged parts found at start are reported by Detached. Their rows are gone
//     from the table without an error otherwise.
//   - One process has a data folder at a time. The second is told which has it.
//
// # What is defended against
//
// libchdb is a command-line tool made a library, and some of its habits do not
// suit a daemon:
//
//   - It installs signal handlers, with which a recovered nil dereference hangs
//     the process. They are declined before the first connection.
//   - It reads config.xml of the working folder and of the home folder, unless it
//     is given one. It is given one, written beside the data at each start.
//   - It takes its zone from TZ, and has no other setting for it.
//   - With more than a hundred broken parts it refuses to open. It opens, and
//     they are reported.
//   - It reports a failed start by returning nothing; the reason is read from
//     what it prints.
//   - Its stream call repeats headers and document ends at each piece, except in
//     the formats listed in transport.go, and refuses all but queries.
//   - Its cancel call waits for what is to be cancelled. Statements are killed
//     from the keeper connection, found by a comment put before them.
//   - It lets any statement read any file, by function or through database
//     default; dial out; write files with INTO OUTFILE; and SYSTEM SHUTDOWN
//     signals the whole process group. See ReadOnlyRoundTripper. A caller inside
//     the process is trusted with all of it.
//   - A fault inside it kills the process, and Go cannot recover from that. A
//     processor without AVX2 would be one and is refused beforehand.
//
// # Limits
//
// One engine a process, one copy of the library for its life. External tables
// and compression are refused. What sorts and joins spill goes to tmp in the
// data folder. linux/amd64 with glibc has been run; linux/arm64, darwin/arm64 and
// darwin/amd64 have their packages configured and have never been run.
package chdb
