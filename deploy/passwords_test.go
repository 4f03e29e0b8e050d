package deploy

import (
	"bytes"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// assignment finds a key that is named like a secret, and what it is given on
// the same line: YAML, JSON, HCL, a variable of a shell or of an environment.
var assignment = regexp.MustCompile(`(?i)^[\s#-]*["']?([\w.-]*(?:password|passwd|secret|token|api_?key|access_key|credential)[\w.-]*)["']?\s*[:=]\s*(.*?)\s*$`)

// harmless is what such a key may be given: nothing, a reference, a path, a
// structure, a flag, or the name of a thing that holds the secret.
var harmless = regexp.MustCompile(`^(|["']{2}|\[.*|\{.*|\|.*|#.*|(?:true|false)(?: +#.*)?|null|[\w-]+:/.*|["']?[$/].*|var\..*|string|\(.*|ignore.*|["']?(writer|store|clickhouse|grafana|alertmanager|password|faaswarden)[\w-]*["']?)$`)

// element is an XML element with a password in it.
var element = regexp.MustCompile(`(?i)<(password\w*|secret\w*|token\w*)>[^<$]+</`)

// checkNoPassword wants a file to hold no secret, and no default of one.
func checkNoPassword(file string, text []byte) error {
	f := &faults{}
	for i, line := range bytes.Split(text, []byte("\n")) {
		if m := assignment.FindSubmatch(line); m != nil {
			f.check(harmless.Match(m[2]), "%s:%d gives %s a value", file, i+1, m[1])
		}
		f.check(!element.Match(line), "%s:%d holds a password", file, i+1)
	}
	return f.err()
}

// deployed are the files of the deployment as git would commit them, less the
// tests and what is for people to read.
func deployed(t *testing.T) []string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "git", "ls-files", "--cached", "--others", "--exclude-standard", "--", "deploy", composeFile)
	cmd.Dir = root
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	return slices.DeleteFunc(strings.Fields(string(out)), func(file string) bool {
		return slices.Contains([]string{".go", ".md", ".png", ".json", ".sh"}, filepath.Ext(file))
	})
}

func TestNoPasswordIsCommitted(t *testing.T) {
	t.Parallel()
	files := deployed(t)
	for _, must := range []string{composeFile, composeConfig, usersFile, alertmanagerFile, dataSourcesFile, "deploy/helm/faaswarden/values.yaml", "deploy/terraform/main.tf"} {
		if !slices.Contains(files, must) {
			t.Errorf("%s is not looked at", must)
		}
	}
	for _, file := range files {
		if err := checkNoPassword(file, read(t, file)); err != nil {
			t.Error(err)
		}
	}
}

func TestNoPasswordCanFail(t *testing.T) {
	t.Parallel()
	for _, line := range []string{
		"password: hunter2", "  GF_SECURITY_ADMIN_PASSWORD: admin", `secret_key = "abc"`, "AWS_SECRET_ACCESS_KEY=wJalr", `"token": "ghp_x"`,
		"- api_key: 0123", "slack_token: 'xoxb-1'", "<password>admin</password>", "<password_sha256_hex>65e84be3</password_sha256_hex>",
	} {
		if err := checkNoPassword("file", []byte("first: line\n"+line)); err == nil || !strings.Contains(err.Error(), "file:2") {
			t.Errorf("%q: %v", line, err)
		}
	}
	for _, line := range []string{
		"password: $__file{/run/secrets/x}", "password_file: /run/secrets/x", "secrets: [grafana_admin_password]", "passwordSecret:", `password = var.password`,
		`<password_sha256_hex>$(sha256 x)</password_sha256_hex>`, "automountServiceAccountToken: false", "AWS_SECRET_ACCESS_KEY:",
	} {
		if err := checkNoPassword("file", []byte(line)); err != nil {
			t.Errorf("%q: %v", line, err)
		}
	}
}
