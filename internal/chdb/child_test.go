package chdb

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
)

// A process has one engine, so what needs a second one, or needs to die, runs
// in a child: the test binary again, with a role in its environment.
const (
	childRole = "CHDB_TEST_CHILD"
	childPath = "CHDB_TEST_PATH"
)

// children are the roles. Each prints to stdout and ends when it returns.
func children() map[string]func(path string) error {
	return map[string]func(string) error{
		"open":     childOpen,
		"hold":     childHold,
		"query":    childQuery,
		"write":    childWrite,
		"poisoned": childPoisoned,
		"signals":  childSignals,
		"full":     childFull,
		"detached": childDetached,
		"close":    childClose,
		"limits":   childLimits,
	}
}

// runChild plays the role the environment gives, if it gives one.
func runChild() (code int, ok bool) {
	role := os.Getenv(childRole)
	if role == "" {
		return 0, false
	}
	play, known := children()[role]
	if !known {
		fmt.Fprintf(os.Stderr, "no such role: %s\n", role)
		return 2, true
	}
	if err := play(os.Getenv(childPath)); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1, true
	}
	return 0, true
}

// child is a process under test.
type child struct {
	cmd    *exec.Cmd
	stdin  io.WriteCloser
	stdout *bufio.Scanner
	stderr *bytes.Buffer
}

// newChild prepares a role on a data path. It is killed with the test.
func newChild(t *testing.T, role, path string) *child {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	c := &child{cmd: exec.CommandContext(t.Context(), self), stderr: new(bytes.Buffer)}
	c.cmd.Env = append(os.Environ(), childRole+"="+role, childPath+"="+path)
	c.cmd.Stderr = c.stderr
	c.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // what it does to its group stays there
	return c
}

func (c *child) start(t *testing.T) *child {
	t.Helper()
	stdin, err := c.cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := c.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	c.stdin, c.stdout = stdin, bufio.NewScanner(stdout)
	c.stdout.Buffer(nil, 1<<20)
	return c
}

// line is the child's next line of output.
func (c *child) line(t *testing.T) string {
	t.Helper()
	if !c.stdout.Scan() {
		err := c.cmd.Wait()
		t.Fatalf("the child ended early: %v\n%s", err, c.stderr)
	}
	return c.stdout.Text()
}

// finish waits for the child and returns its exit error.
func (c *child) finish() error {
	_ = c.stdin.Close() // the sign to end, for those that wait for one
	for c.stdout.Scan() {
	}
	return c.cmd.Wait()
}

// run plays a role to its end and returns what it printed.
func (c *child) run(t *testing.T) string {
	t.Helper()
	out, err := c.cmd.Output()
	if err != nil {
		t.Fatalf("the child failed: %v\n%s", err, c.stderr)
	}
	return string(out)
}

// withEngine runs fn on an engine and a connection of its own.
func withEngine(opts Options, fn func(*Engine, driver.Conn) error) error {
	ctx := context.Background()
	e, err := Open(ctx, opts)
	if err != nil {
		return err
	}
	conn, err := clickhouse.Open(&clickhouse.Options{
		Protocol:      clickhouse.HTTP,
		Addr:          []string{"embedded:0"},
		TransportFunc: func(*http.Transport) (http.RoundTripper, error) { return e.RoundTripper(), nil },
	})
	if err != nil {
		return errors.Join(err, e.Close())
	}
	return errors.Join(fn(e, conn), conn.Close(), e.Close())
}

// childOpen reports how opening the path went, as one line.
func childOpen(path string) error {
	e, err := Open(context.Background(), Options{Path: path})
	if err != nil {
		fmt.Printf("%T: %s\n", err, strings.ReplaceAll(err.Error(), "\n", " "))
		return nil
	}
	fmt.Println("opened")
	return e.Close()
}

// childHold opens the path and holds it until its stdin ends.
func childHold(path string) error {
	return withEngine(Options{Path: path}, func(*Engine, driver.Conn) error {
		fmt.Println("holding")
		_, err := io.Copy(io.Discard, os.Stdin)
		return err
	})
}

// childQuery runs the statements of its stdin, one a line, and prints the
// result of each as one line of TabSeparated.
func childQuery(path string) error {
	return withEngine(Options{Path: path}, func(e *Engine, _ driver.Conn) error {
		for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
			res, err := post(context.Background(), e.RoundTripper(), "default_format=TabSeparated", strings.NewReader(lines.Text()))
			if err != nil {
				return err
			}
			text, err := io.ReadAll(res.Body)
			if err := errors.Join(err, res.Body.Close()); err != nil {
				return err
			}
			fmt.Println(strings.ReplaceAll(strings.TrimSpace(string(text)), "\n", " "))
		}
		return nil
	})
}

// childDetached prints what the engine set aside when it started.
func childDetached(path string) error {
	return withEngine(Options{Path: path}, func(e *Engine, _ driver.Conn) error {
		return json.NewEncoder(os.Stdout).Encode(e.Detached())
	})
}

// ask runs statements on a path in a child of its own and returns a line for
// each.
func ask(t *testing.T, path string, statements ...string) []string {
	t.Helper()
	c := newChild(t, "query", path)
	c.cmd.Stdin = strings.NewReader(strings.Join(statements, "\n"))
	return strings.Split(strings.TrimSuffix(c.run(t), "\n"), "\n")
}

// postError sends a request of which only the failure matters.
func postError(ctx context.Context, query string, body io.Reader) error {
	res, err := post(ctx, shared.RoundTripper(), query, body)
	if err == nil {
		err = res.Body.Close()
	}
	return err
}

// post sends one request to a round tripper.
func post(ctx context.Context, rt http.RoundTripper, query string, body io.Reader) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://embedded/?"+query, body)
	if err != nil {
		return nil, err
	}
	return rt.RoundTrip(req)
}
