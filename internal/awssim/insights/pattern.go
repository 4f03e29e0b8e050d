package insights

import (
	"regexp"
	"regexp/syntax"
	"strings"
)

// A pattern is a regular expression that first looks for the texts that every
// match contains: most lines lack one of them, and looking is much faster than
// matching.
type pattern struct {
	re       *regexp.Regexp
	literals []string
}

// compilePattern reads a regular expression.
func compilePattern(expr string) (*pattern, error) {
	re, err := regexp.Compile(expr)
	if err != nil {
		return nil, err
	}
	parsed, err := syntax.Parse(expr, syntax.Perl)
	if err != nil {
		return nil, err
	}
	return &pattern{re: re, literals: required(parsed)}, nil
}

// required are texts that every match contains, as far as is easily told.
func required(re *syntax.Regexp) []string {
	switch re.Op {
	case syntax.OpLiteral:
		if re.Flags&syntax.FoldCase == 0 {
			return []string{string(re.Rune)}
		}
	case syntax.OpCapture, syntax.OpPlus:
		return required(re.Sub[0])
	case syntax.OpRepeat:
		if re.Min > 0 {
			return required(re.Sub[0])
		}
	case syntax.OpConcat:
		var all []string
		for _, sub := range re.Sub {
			all = append(all, required(sub)...)
		}
		return all
	default: // no text is certain
	}
	return nil
}

// possible reports whether the text contains what every match does.
func (p *pattern) possible(s string) bool {
	for _, literal := range p.literals {
		if !strings.Contains(s, literal) {
			return false
		}
	}
	return true
}

func (p *pattern) matches(s string) bool { return p.possible(s) && p.re.MatchString(s) }

// submatches are the offsets of the groups, nil without a match.
func (p *pattern) submatches(s string) []int {
	if !p.possible(s) {
		return nil
	}
	return p.re.FindStringSubmatchIndex(s)
}
