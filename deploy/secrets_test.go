package deploy

import (
	"crypto/sha256"
	"encoding/hex"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// runSecrets runs deploy/secrets.sh on a folder and returns what it printed.
func runSecrets(t *testing.T, folder string, environment ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), filepath.Join(root, secretsScript), folder)
	cmd.Env = append(os.Environ(), environment...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return string(out)
}

func secret(t *testing.T, folder, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(folder, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestSecretsScript makes the secrets once, keeps them, and prints none.
func TestSecretsScript(t *testing.T) {
	t.Parallel()
	folder := filepath.Join(t.TempDir(), "secrets")
	first := runSecrets(t, folder)
	entries, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	passwords := map[string]string{}
	for _, e := range entries {
		names = append(names, e.Name())
		info, err := e.Info()
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm() != 0o444 {
			t.Errorf("%s has the mode %v: containers could not read it", e.Name(), info.Mode())
		}
		if strings.HasSuffix(e.Name(), "_password.txt") {
			passwords[secret(t, folder, e.Name())] = e.Name()
		}
	}
	if !slices.Equal(names, secretFiles) {
		t.Errorf("made %v, want %v", names, secretFiles)
	}
	if info, err := os.Stat(folder); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("the folder is open to others: %v %v", info.Mode(), err)
	}
	if len(passwords) != 3 {
		t.Errorf("%d passwords differ, want 3", len(passwords))
	}
	again := runSecrets(t, folder)
	for password, name := range passwords {
		if !regexp.MustCompile(`^[0-9a-f]{48}$`).MatchString(password) {
			t.Errorf("%s is not 192 random bits", name)
		}
		if secret(t, folder, name) != password {
			t.Errorf("%s was changed by a second run", name)
		}
		if strings.Contains(first+again, password) {
			t.Errorf("%s is printed", name)
		}
	}
}

// The hashes that ClickHouse reads are those of the passwords that its clients
// read, for the users that the grants name; a new password is hashed anew.
func TestSecretsHashes(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	runSecrets(t, folder)
	if err := os.Remove(filepath.Join(folder, "clickhouse_writer_password.txt")); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(folder, "clickhouse_writer_password.txt"), []byte("chosen by hand\n"), 0o444); err != nil {
		t.Fatal(err)
	}
	runSecrets(t, folder)
	merged, err := parseXML([]byte(secret(t, folder, "clickhouse_passwords.xml")))
	if err != nil {
		t.Fatal(err)
	}
	grants, err := parseXML(read(t, usersFile))
	if err != nil {
		t.Fatal(err)
	}
	for user, file := range map[string]string{writerUser: "clickhouse_writer_password.txt", readerUser: "clickhouse_reader_password.txt"} {
		sum := sha256.Sum256([]byte(strings.TrimRight(secret(t, folder, file), "\n")))
		if got, want := merged.value("users", user, "password_sha256_hex"), hex.EncodeToString(sum[:]); got != want {
			t.Errorf("%s: the hash is %s, want that of %s", user, got, file)
		}
		if grants.at("users", user) == nil {
			t.Errorf("%s has a password and no grants", user)
		}
	}
	if got := len(merged.at("users").Children); got != 2 {
		t.Errorf("%d users have passwords, want 2", got)
	}
}

func TestSecretsReceiver(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	if out := runSecrets(t, folder, "ALERTMANAGER_SLACK_URL="); !strings.Contains(out, "leads nowhere") {
		t.Errorf("nothing says that alerts are sent nowhere:\n%s", out)
	}
	const url = "https://hooks.example.com/T0/B0/x"
	out := runSecrets(t, folder, "ALERTMANAGER_SLACK_URL="+url)
	if got := secret(t, folder, "alertmanager_slack_url.txt"); got != url || strings.Contains(out, url) {
		t.Errorf("the file holds %q; printed:\n%s", got, out)
	}
	runSecrets(t, folder, "ALERTMANAGER_SLACK_URL=")
	if got := secret(t, folder, "alertmanager_slack_url.txt"); got != url {
		t.Errorf("a later run changed it to %q", got)
	}
}

// Git must not see what the script makes.
func TestSecretsAreIgnored(t *testing.T) {
	t.Parallel()
	for _, file := range secretFiles {
		cmd := exec.CommandContext(t.Context(), "git", "check-ignore", "--quiet", filepath.Join("deploy", "secrets", file))
		cmd.Dir = root
		if err := cmd.Run(); err != nil {
			t.Errorf("git would commit %s: %v", file, err)
		}
	}
}
