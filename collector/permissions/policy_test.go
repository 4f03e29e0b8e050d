package permissions

import (
	"math/rand/v2"
	"net/url"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

func TestParse(t *testing.T) {
	t.Parallel()
	const document = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sqs:SendMessage","Resource":["a","b"],"Condition":{ "Bool" : {"aws:SecureTransport":"true"}}},{"Effect":"Deny","NotAction":["iam:*"],"NotResource":"c+d","Condition":{}}]}`
	want := []statement{
		{Policy: "p", Effect: "Allow", Actions: []string{"sqs:SendMessage"}, Resources: []string{"a", "b"}, Condition: `{"Bool":{"aws:SecureTransport":"true"}}`},
		{Policy: "p", Index: 1, Effect: "Deny", NotActions: []string{"iam:*"}, NotResources: []string{"c+d"}},
	}
	for name, text := range map[string]string{"plain": document, "encoded": url.PathEscape(document), "encoded wholly": strings.ReplaceAll(url.QueryEscape(document), "+", "%20")} {
		got, err := parse("p", text)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	got, err := parse("p", `{"Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}`)
	if err != nil || len(got) != 1 || got[0].Actions[0] != "*" {
		t.Errorf("a single statement: %+v, %v", got, err)
	}
	for _, bad := range []string{"", "{", "%7", "%7B%22Statement", `{"Statement":"CANARY"}`, `{"Version":"2012-10-17"}`, "CANARY"} {
		if _, err := parse("p", bad); err == nil || strings.Contains(err.Error(), "CANARY") {
			t.Errorf("parse(%q): %v", bad, err)
		}
	}
}

func TestCovers(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		pattern, text string
		want          bool
	}{
		{"*", "", true},
		{"sqs:*", "sqs:sendmessage", true},
		{"sqs:send*", "sqs:sendmessage", true},
		{"sqs:s?ndmessage", "sqs:sendmessage", true},
		{"sqs:send", "sqs:sendmessage", false},
		{"*message", "sqs:sendmessage", true},
		{"*send*age", "sqs:sendmessage", true},
		{"s*:x", "sqs:sendmessage", false},
		{"arn:aws:s3:::b/*", "arn:aws:s3:::b/*", true},
		{"arn:aws:s3:::b/out/*", "arn:aws:s3:::b/*", false},
		{"arn:aws:s3:::*", "arn:aws:s3:::b/*", true},
		{"arn:aws:s3:::b/?", "arn:aws:s3:::b/*", false},
		{"arn:aws:s3:::b/?*", "arn:aws:s3:::b/*", false},
	} {
		if got := covers(tt.pattern, tt.text); got != tt.want {
			t.Errorf("covers(%q, %q) = %v", tt.pattern, tt.text, got)
		}
	}
}

// On literal texts, covers and overlap agree with the standard library's glob.
func TestMatchingAgreesWithGlob(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(3, 4))
	word := func(letters string, n int) string {
		b := make([]byte, random.IntN(n))
		for i := range b {
			b[i] = letters[random.IntN(len(letters))]
		}
		return string(b)
	}
	matched := 0
	for range 50_000 {
		pattern, text := word("ab*?", 7), word("ab", 7)
		want, err := path.Match(pattern, text)
		if err != nil {
			t.Fatal(err)
		}
		if got := covers(pattern, text); got != want {
			t.Fatalf("covers(%q, %q) = %v", pattern, text, got)
		}
		if got := overlap(pattern, text); got != want {
			t.Fatalf("overlap(%q, %q) = %v", pattern, text, got)
		}
		cut := random.IntN(len(text) + 1)
		rest := slices.ContainsFunc(after(pattern, text[:cut]), func(p string) bool { return covers(p, text[cut:]) })
		if rest != want {
			t.Fatalf("after(%q, %q) = %v does not tell whether %q follows", pattern, text[:cut], after(pattern, text[:cut]), text[cut:])
		}
		if want {
			matched++
		}
	}
	if matched < 1000 {
		t.Errorf("only %d matches", matched)
	}
}

func TestOverlap(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		a, b string
		want bool
	}{
		{"arn:aws:s3:::b/out/*", "arn:aws:s3:::b/*", true},
		{"arn:aws:s3:::b", "arn:aws:s3:::b/*", false},
		{"arn:aws:s3:::*", "arn:aws:s3:::b/*", true},
		{"arn:aws:s3:::*/out/*.jpg", "arn:aws:s3:::b/*", true},
		{"arn:aws:s3:::c/*", "arn:aws:s3:::b/*", false},
		{"a*b", "*ab", true},
		{"a?", "?b", true},
		{"a?", "b?", false},
		{"", "*", true},
	} {
		if got := overlap(tt.a, tt.b); got != tt.want {
			t.Errorf("overlap(%q, %q) = %v", tt.a, tt.b, got)
		}
		if got := overlap(tt.b, tt.a); got != tt.want {
			t.Errorf("overlap(%q, %q) = %v", tt.b, tt.a, got)
		}
	}
}

func TestAfter(t *testing.T) {
	t.Parallel()
	for pattern, want := range map[string][]string{
		"arn:aws:s3:::b/out/*": {"out/*"},
		"arn:aws:s3:::b/*":     {"*"},
		"arn:aws:s3:::*":       {"*"},
		"*":                    {"*"},
		"arn:aws:s3:::*/out/*": {"*/out/*", "out/*"},
		"arn:aws:s3:::b":       nil,
		"arn:aws:s3:::c/*":     nil,
		"arn:aws:s3:::?/x":     {"x"},
	} {
		if diff := cmp.Diff(want, after(pattern, "arn:aws:s3:::b/"), cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", pattern, diff)
		}
	}
}

func TestResourcePattern(t *testing.T) {
	t.Parallel()
	for resource, want := range map[string]string{
		"arn:aws:s3:::b/${aws:username}/*": "arn:aws:s3:::b/*/*",
		"${a}${b}":                         "**",
		"x${open":                          "x${open",
	} {
		if got := resourcePattern(resource); got != want {
			t.Errorf("resourcePattern(%q) = %q", resource, got)
		}
	}
}
