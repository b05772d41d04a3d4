package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/kamflow/kamflow/internal/runfile"
)

// A cli is the two programs as people have them, with a data directory.
type cli struct {
	bin, dir string
	server   *exec.Cmd
	log      *bytes.Buffer
	ended    chan struct{}
}

// buildCLI builds standalone and starter.
func buildCLI(t *testing.T) *cli {
	t.Helper()
	c := &cli{bin: t.TempDir(), dir: filepath.Join(t.TempDir(), "data")}
	t.Cleanup(func() {
		if c.server != nil {
			_ = c.server.Process.Kill() // it has ended unless the test failed
			<-c.ended
		}
	})
	for _, name := range []string{"standalone", "starter"} {
		build := exec.CommandContext(t.Context(), "go", "build", "-o", filepath.Join(c.bin, name), "./"+name)
		build.Dir = filepath.Join("..", "..")
		out, err := build.CombinedOutput()
		require.NoErrorf(t, err, "build %s: %s", name, out)
	}
	return c
}

// start starts standalone and waits until it says where it is.
func (c *cli) start(t *testing.T) {
	t.Helper()
	c.log = &bytes.Buffer{}
	c.server = exec.Command(filepath.Join(c.bin, "standalone"), "--data-dir", c.dir, "--no-ui", "--set", "standalone.speak_for=true")
	c.server.Stdout, c.server.Stderr = c.log, c.log
	require.NoError(t, c.server.Start())
	ended := make(chan struct{})
	c.ended = ended
	server := c.server
	go func() {
		_ = server.Wait() // its state says how it ended
		close(ended)
	}()
	for deadline := time.Now().Add(2 * time.Minute); ; time.Sleep(50 * time.Millisecond) {
		if r, err := runfile.Read(c.dir); err == nil && r.PID == server.Process.Pid {
			return
		}
		select {
		case <-ended:
			t.Fatalf("standalone ended: %s\n%s", server.ProcessState, c.log)
		default:
		}
		require.True(t, time.Now().Before(deadline), "standalone is not ready")
	}
}

// end sends a signal and returns how standalone ended.
func (c *cli) end(t *testing.T, sig syscall.Signal) int {
	t.Helper()
	require.NoError(t, c.server.Process.Signal(sig))
	select {
	case <-c.ended:
	case <-time.After(time.Minute):
		t.Fatalf("standalone did not end after %s\n%s", sig, c.log)
	}
	return c.server.ProcessState.ExitCode()
}

// said is what a command answered.
type said struct {
	out, err string
	status   int
}

// run uses starter as a person does; as is "" for nobody.
func (c *cli) run(t *testing.T, as string, args ...string) said {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	args = append(args, "--data-dir", c.dir)
	if as != "" {
		args = append(args, "--as", as)
	}
	cmd := exec.CommandContext(ctx, filepath.Join(c.bin, "starter"), args...)
	cmd.Dir = t.TempDir()
	cmd.Env = append(os.Environ(), "KAM_AS=", "XDG_CONFIG_HOME="+c.bin) // not those of whoever runs the tests
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		require.NoError(t, err)
	}
	return said{out.String(), errs.String(), cmd.ProcessState.ExitCode()}
}

// must expects that a command is done, and returns what it says.
func (c *cli) must(t *testing.T, as string, args ...string) string {
	t.Helper()
	s := c.run(t, as, args...)
	require.Zerof(t, s.status, "starter %v: %s%s", args, s.out, s.err)
	require.Empty(t, s.err, args)
	return s.out
}

// must JSON of a command, read into a map by its field names.
func (c *cli) json(t *testing.T, as string, args ...string) map[string]any {
	t.Helper()
	var v map[string]any
	out := c.must(t, as, append(args, "--json")...)
	require.NoErrorf(t, json.Unmarshal([]byte(out), &v), "starter %v: %s", args, out)
	return v
}

// refused expects an exit status, and words in the message.
func (c *cli) refused(t *testing.T, status int, as string, args []string, words ...string) {
	t.Helper()
	s := c.run(t, as, args...)
	require.Equalf(t, status, s.status, "starter %v: %s%s", args, s.out, s.err)
	for _, w := range words {
		require.Containsf(t, s.out+s.err, w, "starter %v", args)
	}
}

// file writes a file for a command; v is text, or a value for JSON.
func (c *cli) file(t *testing.T, name string, v any) string {
	t.Helper()
	var b []byte
	switch x := v.(type) {
	case string:
		b = []byte(x)
	case []byte:
		b = x
	default:
		var err error
		b, err = json.Marshal(v)
		require.NoError(t, err)
	}
	at := filepath.Join(c.bin, name)
	require.NoError(t, os.WriteFile(at, b, 0o600))
	return at
}
