package graph_test

import (
	"encoding/json"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/faaswarden/faaswarden/internal/graph"
)

func TestKeyInBoth(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		pattern, prefix, suffix string
		want                    bool
	}{
		{"*", "", "", true},
		{"out/*", "in/", "", false},
		{"in/*", "in/", ".jpg", true},
		{"in/*.png", "in/", ".jpg", false},
		{"abc", "ab", "bc", true}, // prefix and suffix may share characters
		{"ab", "ab", "ab", true},
		{"abab", "ab", "ab", true},
		{"a?c", "ab", "c", true},
		{"a?c", "abc", "cc", false},
		{"${aws:username}/*", "in/", "", true},
		{"logs/${aws:username}", "in/", "", false},
		{"", "", "", true},
		{"", "a", "", false},
		{"tenant-*/out/*", "tenant-7/", "/x", true},
		{"literal*star", "literal*", "", true},
		{"plain", "pl*", "", false}, // a star in a notification's prefix is a character
		{"ключ/*", "ключ/", "я", true},
	} {
		key, got := graph.KeyInBoth(c.pattern, c.prefix, c.suffix)
		if got != c.want {
			t.Errorf("KeyInBoth(%q, %q, %q) = %q, %v; want %v", c.pattern, c.prefix, c.suffix, key, got, c.want)
		}
	}
}

// FuzzKeyInBoth holds two promises: a key that is given as example really is one,
// and no pattern is called disjoint while a key at hand fits it.
func FuzzKeyInBoth(f *testing.F) {
	f.Add("out/*", "in/", ".jpg", "in/a.jpg")
	f.Add("*a*b?", "a", "bb", "aabb")
	f.Add("${x}", "", "}", "}")
	f.Add("abc", "ab", "bc", "abc")
	f.Fuzz(func(t *testing.T, pattern, prefix, suffix, key string) {
		for _, text := range []string{pattern, prefix, suffix, key} {
			if len(text) > 30 || !utf8.ValidString(text) {
				return // keys are UTF-8, and short ones show what long ones would
			}
		}
		admits := iamPattern(pattern)
		example, meet := graph.KeyInBoth(pattern, prefix, suffix)
		if meet && example != "" && !fits(admits, prefix, suffix, example) {
			t.Errorf("KeyInBoth(%q, %q, %q): the example %q does not fit", pattern, prefix, suffix, example)
		}
		if !meet && fits(admits, prefix, suffix, key) {
			t.Errorf("KeyInBoth(%q, %q, %q) says no, but %q fits", pattern, prefix, suffix, key)
		}
	})
}

func fits(admits *regexp.Regexp, prefix, suffix, key string) bool {
	return admits.MatchString(key) && strings.HasPrefix(key, prefix) && strings.HasSuffix(key, suffix)
}

// iamPattern is a second reading of IAM's wildcards, for comparison.
func iamPattern(pattern string) *regexp.Regexp {
	variable := regexp.MustCompile(`(?s)\$\{.*?\}`)
	quoted := regexp.QuoteMeta(variable.ReplaceAllLiteralString(pattern, "*"))
	quoted = strings.ReplaceAll(strings.ReplaceAll(quoted, `\*`, `.*`), `\?`, `.`)
	return regexp.MustCompile(`(?s)\A` + quoted + `\z`)
}

func TestEventPatterns(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		pattern, source, detailType string
		want                        bool
	}{
		{`{"source":["aws.ec2"]}`, "", "", false},
		{`{"source":[{"prefix":"aws."}]}`, "", "", false},
		{`{"source":[{"prefix":"aw"}]}`, "", "", true},
		{`{"source":[{"wildcard":"aws.*"}]}`, "", "", false},
		{`{"source":[{"wildcard":"*.orders"}]}`, "", "", true},
		{`{"source":["aws.s3","shop"]}`, "", "", true},
		{`{"source":[{"anything-but":["aws.s3"]}]}`, "", "", true},
		{`{"detail-type":["Ordered"]}`, "", "", true},
		{`{"detail-type":["Ordered"]}`, "shop", "Shipped", false},
		{`{"detail-type":["Ordered"]}`, "shop", "Ordered", true},
		{`{"source":["shop"]}`, "cart", "", false},
		{`{"source":[{"anything-but":["cart"]}]}`, "cart", "", false},
		{`{"source":[{"anything-but":"cart"}]}`, "cart", "", false},
		{`{"source":[{"anything-but":{"prefix":"x"}}]}`, "cart", "", true},
		{`{"source":[{"suffix":"rt"}]}`, "cart", "", true},
		{`{"source":[{"suffix":"op"}]}`, "cart", "", false},
		{`{"source":[{"equals-ignore-case":"CART"}]}`, "cart", "", true},
		{`{"source":[{"wildcard":"c*t"}]}`, "cart", "", true},
		{`{"source":[{"wildcard":"c*x*t"}]}`, "cart", "", false},
		{`{"source":[{"exists":true}]}`, "cart", "", true},
		{`{"$or":[{"source":["aws.ec2"]},{"source":["aws.s3"]}]}`, "", "", false},
		{`{"$or":[{"source":["aws.ec2"]},{"source":["shop"]}]}`, "", "", true},
		{`{"source":"malformed"}`, "", "", true},
		{`not json`, "", "", true},
	} {
		in := writes(fn("a"), bus("default"))
		in.SrcKind = graph.Function
		in.Attributes = map[string]string{"source": c.source, "detail_type": c.detailType}
		out := filter(trigger(bus("default"), fn("b"), "events"), c.pattern)
		out.SrcKind = graph.Bus
		got, reason := graph.Passes(in, out)
		if got != c.want || got == (reason != "") {
			t.Errorf("%s with source %q detail-type %q: %v (%s), want %v", c.pattern, c.source, c.detailType, got, reason, c.want)
		}
	}
}

// FuzzEventPattern feeds arbitrary patterns: none may panic, and one that cannot
// be read never breaks an edge.
func FuzzEventPattern(f *testing.F) {
	f.Add(`{"source":[{"prefix":"aws."}],"$or":[{}]}`, "shop")
	f.Add(`{"source":[{"anything-but":{"prefix":"a"}}],"detail":{"object":{"key":[{"suffix":"x"}]}}}`, "")
	f.Add(`[`, "x")
	f.Fuzz(func(t *testing.T, pattern, source string) {
		put := writes(fn("a"), bus("default"))
		put.Attributes = map[string]string{"source": source}
		r := filter(trigger(rule("r"), fn("a"), "events"), pattern)
		r.Kind = "target"
		g := graph.New([]graph.Edge{put, r, trigger(bucket("b"), bus("default"), "s3"), writes(fn("a"), bucket("b"))})
		if !json.Valid([]byte(pattern)) && len(g.Loops()) != 1 {
			t.Errorf("pattern %q cannot be read and yet changes the loop: %v", pattern, g.Loops())
		}
	})
}

func TestCanonical(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		fn("a") + ":live": fn("a"),
		fn("a"):           fn("a"),
		"arn:aws:dynamodb:us-east-1:111122223333:table/T/stream/2026": "arn:aws:dynamodb:us-east-1:111122223333:table/T",
		"arn:aws:kinesis:us-east-1:1:stream/s/consumer/c:1":           "arn:aws:kinesis:us-east-1:1:stream/s",
		"arn:aws:s3:::b/in/x":                                    "arn:aws:s3:::b",
		"arn:aws:s3:us-east-1:1:accesspoint/p":                   "arn:aws:s3:us-east-1:1:accesspoint/p",
		"https://sqs.us-east-1.amazonaws.com/111122223333/q":     queue("q"),
		"https://sqs.cn-north-1.amazonaws.com.cn/111122223333/q": "arn:aws-cn:sqs:cn-north-1:111122223333:q",
		"https://example.com/a/b":                                "https://example.com/a/b",
		"https://%zz":                                            "https://%zz",
		"s3.amazonaws.com":                                       "s3.amazonaws.com",
		"*":                                                      "*",
	} {
		if got := graph.Canonical(in); got != want {
			t.Errorf("Canonical(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestKindOf(t *testing.T) {
	t.Parallel()
	for arn, want := range map[string]string{
		fn("a"): graph.Function, queue("q"): graph.Queue, topic("t"): graph.Topic, bucket("b"): graph.Bucket,
		bus("default"): graph.Bus, rule("r"): graph.Rule, "arn:aws:events:us-east-1:1:archive/x": graph.Other,
		"arn:aws:kinesis:us-east-1:1:stream/s": graph.Stream, "arn:aws:dynamodb:us-east-1:1:table/T": graph.Table,
		"arn:aws:states:us-east-1:1:stateMachine:m": graph.StateMachine, "arn:aws:execute-api:us-east-1:1:x/*": graph.API,
		"arn:aws:lambda:us-east-1:1:layer:l": graph.Other, "arn:aws:iot:us-east-1:1:rule/x": graph.Other,
		"sns.amazonaws.com": graph.Service, "*": graph.Other,
	} {
		if got := graph.KindOf(arn); got != want {
			t.Errorf("KindOf(%q) = %q, want %q", arn, got, want)
		}
	}
	if !graph.Exact(queue("q")) || graph.Exact("arn:aws:sqs:*:*:*") || graph.Exact("*") || !graph.Exact(bucket("b")+"/*") {
		t.Error("Exact tells one resource from many wrongly")
	}
	if got := graph.BusOf(rule("orders/r")); got != bus("orders") {
		t.Errorf("BusOf = %q", got)
	}
}
