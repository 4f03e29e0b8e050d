package chdb

import "strings"

// tokenKind sorts tokens as finely as finding FORMAT clauses and function names
// needs; the engine's own parser decides everything else.
type tokenKind int

const (
	tokenEnd    tokenKind = iota
	tokenWord             // bare identifier, keyword or number
	tokenQuoted           // `identifier` or "identifier", text is its unquoted form
	tokenString           // 'literal' or a heredoc
	tokenPunct            // one byte
)

type token struct {
	kind       tokenKind
	text       string
	start, end int // byte offsets in the statement
}

// is reports whether the token is the bare keyword kw, given in upper case.
func (t token) is(kw string) bool { return t.kind == tokenWord && strings.EqualFold(t.text, kw) }

// lexer splits ClickHouse SQL into tokens, skipping blanks and comments.
type lexer struct {
	sql string
	pos int
}

func (l *lexer) next() token {
	l.skipBlanks()
	if l.pos >= len(l.sql) {
		return token{kind: tokenEnd, start: len(l.sql), end: len(l.sql)}
	}
	start := l.pos
	c := l.sql[l.pos]
	switch {
	case c == '\'':
		return l.quoted(tokenString, c)
	case c == '`' || c == '"':
		return l.quoted(tokenQuoted, c)
	case c == '$':
		if l.heredoc() {
			return token{tokenString, l.sql[start:l.pos], start, l.pos}
		}
	case isWord(c):
		for l.pos < len(l.sql) && isWord(l.sql[l.pos]) {
			l.pos++
		}
		return token{tokenWord, l.sql[start:l.pos], start, l.pos}
	}
	l.pos++
	return token{tokenPunct, l.sql[start:l.pos], start, l.pos}
}

func isWord(c byte) bool {
	return c == '_' || c >= 0x80 || '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
}

func (l *lexer) skipBlanks() {
	for l.pos < len(l.sql) {
		rest := l.sql[l.pos:]
		switch {
		case strings.IndexByte(" \t\r\n\f\v\x00", rest[0]) >= 0:
			l.pos++
		case strings.HasPrefix(rest, "\u00a0"), strings.HasPrefix(rest, "\ufeff"):
			l.pos += len(rest) - len(strings.TrimLeft(rest, "\u00a0\ufeff"))
		case strings.HasPrefix(rest, "--"), strings.HasPrefix(rest, "#!"), strings.HasPrefix(rest, "# "):
			l.skipTo(rest, "\n")
		case strings.HasPrefix(rest, "/*"):
			l.skipTo(rest[2:], "*/")
		default:
			return
		}
	}
}

// skipTo moves past the next end in rest, a tail of the statement.
func (l *lexer) skipTo(rest, end string) {
	at := strings.Index(rest, end)
	if at < 0 {
		l.pos = len(l.sql)
		return
	}
	l.pos = len(l.sql) - len(rest) + at + len(end)
}

// quoted reads a literal closed by quote, where \x escapes x and a doubled
// quote stands for one. The text of a token is unescaped.
func (l *lexer) quoted(kind tokenKind, quote byte) token {
	start := l.pos
	var text strings.Builder
	for l.pos++; l.pos < len(l.sql); l.pos++ {
		c := l.sql[l.pos]
		if c == '\\' && l.pos+1 < len(l.sql) {
			l.pos++
			text.WriteByte(l.sql[l.pos])
			continue
		}
		if c != quote {
			text.WriteByte(c)
			continue
		}
		if l.pos+1 < len(l.sql) && l.sql[l.pos+1] == quote {
			l.pos++
			text.WriteByte(quote)
			continue
		}
		l.pos++
		break
	}
	return token{kind, text.String(), start, l.pos}
}

// heredoc moves past $tag$…$tag$ when one starts here.
func (l *lexer) heredoc() bool {
	rest := l.sql[l.pos:]
	n := 1
	for n < len(rest) && isWord(rest[n]) {
		n++
	}
	if n >= len(rest) || rest[n] != '$' {
		return false
	}
	tag := rest[:n+1]
	at := strings.Index(rest[n+1:], tag)
	if at < 0 {
		return false
	}
	l.pos += n + 1 + at + len(tag)
	return true
}

// firstKeyword is the first word of a statement, past opening parentheses.
func firstKeyword(sql string) string {
	l := lexer{sql: sql}
	for {
		t := l.next()
		if t.kind == tokenPunct && t.text == "(" {
			continue
		}
		if t.kind != tokenWord {
			return ""
		}
		return strings.ToUpper(t.text)
	}
}

// formatClause finds the FORMAT clause that ends a statement. Cut is the
// statement without it.
func formatClause(sql string) (name, cut string, ok bool) {
	l := lexer{sql: sql}
	for t := l.next(); t.kind != tokenEnd; t = l.next() {
		if !t.is("FORMAT") {
			continue
		}
		after := l
		value := after.next()
		if value.kind != tokenWord && value.kind != tokenQuoted {
			continue // an alias or a column called format, or the function
		}
		if end := after.next(); end.kind == tokenEnd || end.is("SETTINGS") || end.text == ";" {
			return value.text, sql[:t.start] + sql[value.end:], true
		}
	}
	return "", sql, false
}
