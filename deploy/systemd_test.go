package deploy

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/coreos/go-systemd/v22/unit"
)

// exposure is the most that systemd may find open, in tenths of its scale of 10.
const exposure = 15

// checkUnit lets systemd itself read the unit and rate it, and holds what the
// daemon needs of it.
func checkUnit(d deployment) error {
	options, err := unit.DeserializeOptions(bytes.NewReader(d[unitFile]))
	if err != nil {
		return fmt.Errorf("parse the unit: %w", err)
	}
	if err := systemdAnalyze(d[unitFile], "verify"); err != nil {
		return err
	}
	f := &faults{}
	f.add(systemdAnalyze(d[unitFile], "security", "--offline=true", "--no-pager", fmt.Sprint("--threshold=", exposure)))
	is := func(name string) []string {
		var values []string
		for _, o := range options {
			if o.Section == "Service" && o.Name == name {
				values = append(values, o.Value)
			}
		}
		return values
	}
	for _, want := range []struct{ name, value, why string }{
		{"ExecStart", program + " run --config /etc/faaswarden/faaswarden.yml", "as the images do"},
		{"ExecStartPre", program + " check-config /etc/faaswarden/faaswarden.yml", "a fault is told before the old process is gone"},
		{"ExecReload", "/bin/kill -HUP $MAINPID", "SIGHUP is what the daemon reloads on"},
		{"DynamicUser", "yes", "it owns nothing else on the machine"},
		{"StateDirectory", "faaswarden", "the embedded store is in /var/lib/faaswarden"},
		{"ProtectSystem", "strict", "it writes only its own folders"},
		{"MemoryDenyWriteExecute", "no", "the embedded engine compiles expressions while it runs"},
		{"RestartPreventExitStatus", "2", "2 is a fault of the configuration"},
	} {
		f.check(slices.Equal(is(want.name), []string{want.value}), "%s is %v, want %s: %s", want.name, is(want.name), want.value, want.why)
	}
	f.check(len(is("MemoryMax")) == 1 && len(is("TasksMax")) == 1, "memory or tasks have no limit")
	return f.err()
}

// systemdAnalyze judges a copy of the unit whose program exists everywhere.
func systemdAnalyze(text []byte, args ...string) error {
	dir, err := os.MkdirTemp("", "deploy-*")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir) //nolint:errcheck // what is left takes only space
	file := filepath.Join(dir, "faaswarden.service")
	if err := os.WriteFile(file, bytes.ReplaceAll(text, []byte(program), []byte("/bin/true")), 0o600); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	out, err := exec.CommandContext(ctx, "systemd-analyze", append(args, file)...).CombinedOutput()
	said := strings.TrimSpace(string(out))
	if err != nil {
		return fmt.Errorf("systemd-analyze %s: %w: %s", args[0], err, said)
	}
	if args[0] == "verify" && strings.Contains(said, "faaswarden.service:") { // it warns of unknown keys and exits 0
		return fmt.Errorf("systemd-analyze verify: %s", said)
	}
	return nil
}

func TestUnit(t *testing.T) {
	t.Parallel()
	mutate(t, checkUnit, load(t, unitFile), []mutation{
		{"no section", unitFile, "[Service]", "Service", "unit"},
		{"an unknown key", unitFile, "ProtectHome=yes", "ProtectHomes=yes", "ProtectHomes"},
		{"an unknown value", unitFile, "Type=exec", "Type=daemon", "daemon"},
		{"a program that is not there", unitFile, "ExecReload=/bin/kill", "ExecReload=/bin/kil", "/bin/kil is not executable"},
		{"every capability", unitFile, "CapabilityBoundingSet=\n", "", "systemd-analyze security"},
		{"every system call", unitFile, "SystemCallFilter=@system-service\nSystemCallFilter=~@privileged\n", "", "systemd-analyze security"},
		{"a writable system", unitFile, "ProtectSystem=strict", "ProtectSystem=no", "it writes only its own folders"},
		{"no machine code", unitFile, "MemoryDenyWriteExecute=no", "MemoryDenyWriteExecute=yes", "compiles expressions"},
		{"another signal", unitFile, "kill -HUP", "kill -USR1", "SIGHUP is what"},
		{"another configuration", unitFile, "run --config /etc/faaswarden/faaswarden.yml", "run --config /etc/faaswarden.yml", "ExecStart"},
		{"endless memory", unitFile, "MemoryMax=4G\n", "", "have no limit"},
		{"a lost store", unitFile, "StateDirectory=faaswarden", "StateDirectory=warden", "/var/lib/faaswarden"},
	})
}
