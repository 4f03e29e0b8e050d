package insights

import (
	"fmt"
	"strings"
	"unicode"
)

// tokenKind is what a token is.
type tokenKind uint8

const (
	tokenEnd tokenKind = iota
	tokenName
	tokenNumber
	tokenString
	tokenRegex
	tokenSymbol
)

// A token is a piece of a query.
type token struct {
	kind       tokenKind
	text       string // a string's content, a regular expression's body
	start, end int
}

// is reports whether the token is this symbol or, in any case, this word.
func (t token) is(text string) bool {
	return (t.kind == tokenSymbol || t.kind == tokenName) && strings.EqualFold(t.text, text)
}

func isNameStart(c byte) bool {
	return c == '@' || c == '_' || c == '$' || unicode.IsLetter(rune(c))
}

func isNamePart(c byte) bool {
	return isNameStart(c) || c == '.' || unicode.IsDigit(rune(c))
}

// lex cuts a query into tokens.
func lex(query string) ([]token, error) {
	var tokens []token
	for i := 0; i < len(query); {
		c := query[i]
		switch {
		case unicode.IsSpace(rune(c)):
			i++
			continue
		case c == '#': // a comment to the end of the line
			for i < len(query) && query[i] != '\n' {
				i++
			}
			continue
		}
		t, err := lexOne(query, i, tokens)
		if err != nil {
			return nil, err
		}
		tokens = append(tokens, t)
		i = t.end
	}
	return append(tokens, token{kind: tokenEnd, text: "<EOF>", start: len(query), end: len(query)}), nil
}

func lexOne(query string, i int, before []token) (token, error) {
	c := query[i]
	switch {
	case isNameStart(c):
		return scanWhile(query, i, tokenName, isNamePart), nil
	case unicode.IsDigit(rune(c)):
		return scanWhile(query, i, tokenNumber, func(c byte) bool { return unicode.IsDigit(rune(c)) || c == '.' }), nil
	case c == '"' || c == '\'' || c == '`':
		return lexQuoted(query, i)
	case c == '/' && regexFits(before):
		return lexRegex(query, i)
	}
	for _, symbol := range []string{"!=", "<=", ">=", "=~", "=", "<", ">", "(", ")", "[", "]", ",", "|", "+", "-", "*", "/", "%", "^", ":"} {
		if strings.HasPrefix(query[i:], symbol) {
			return token{kind: tokenSymbol, text: symbol, start: i, end: i + len(symbol)}, nil
		}
	}
	return token{}, &SyntaxError{Start: i, End: i + 1, Message: fmt.Sprintf("unexpected symbol found %c", c)}
}

// regexFits reports whether a slash begins a regular expression rather than a
// division: after like, =~ or the field of a parse command.
func regexFits(before []token) bool {
	if len(before) == 0 {
		return false
	}
	last := before[len(before)-1]
	if last.is("like") || last.is("=~") || last.is("parse") {
		return true
	}
	return len(before) > 1 && before[len(before)-2].is("parse") && last.kind == tokenName
}

func scanWhile(query string, i int, kind tokenKind, part func(byte) bool) token {
	end := i + 1
	for end < len(query) && part(query[end]) {
		end++
	}
	return token{kind: kind, text: query[i:end], start: i, end: end}
}

// lexQuoted reads a string, or a field name in backticks.
func lexQuoted(query string, i int) (token, error) {
	quote := query[i]
	var b strings.Builder
	for j := i + 1; j < len(query); j++ {
		switch {
		case query[j] == quote:
			kind := tokenString
			if quote == '`' {
				kind = tokenName
			}
			return token{kind: kind, text: b.String(), start: i, end: j + 1}, nil
		case query[j] == '\\' && j+1 < len(query) && quote != '`':
			j++
			if query[j] != quote && query[j] != '\\' {
				b.WriteByte('\\')
			}
			b.WriteByte(query[j])
		default:
			b.WriteByte(query[j])
		}
	}
	return token{}, &SyntaxError{Start: i, End: len(query), Message: "unexpected end of input in a string"}
}

func lexRegex(query string, i int) (token, error) {
	for j := i + 1; j < len(query); j++ {
		switch query[j] {
		case '\\':
			j++
		case '/':
			return token{kind: tokenRegex, text: strings.ReplaceAll(query[i+1:j], `\/`, "/"), start: i, end: j + 1}, nil
		}
	}
	return token{}, &SyntaxError{Start: i, End: len(query), Message: "unexpected end of input in a regular expression"}
}
