package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"github.com/kamflow/kamflow/internal/pgserver/pgtest"
	"github.com/kamflow/kamflow/internal/runfile"
)

// mainEnv makes this test binary the program itself.
const mainEnv = "STANDALONE_TEST_MAIN"

func TestMain(m *testing.M) {
	if os.Getenv(mainEnv) != "" {
		if os.Getenv(bareEnv) != "" {
			program.start, program.console = startWithBare, nil
		}
		main()
	}
	os.Exit(m.Run())
}

// A child is the program in a process of its own, which can be killed.
type child struct {
	cmd   *exec.Cmd
	out   printed
	ended chan struct{} // after which the exit status is there
}

// launch starts the program on dir and waits until others can find it.
// printed is what a program has printed until now.
type printed struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (p *printed) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.b.Write(b)
}

func (p *printed) String() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.b.String()
}

func launch(t *testing.T, dir string, args ...string) (*child, runfile.Running) {
	t.Helper()
	require.NoError(t, runfile.Remove(dir))
	c := &child{ended: make(chan struct{}), cmd: exec.Command(os.Args[0], append(args,
		"--data-dir", dir, "--set", "standalone.temporal_port=0", "--set", "standalone.ui_port=0", "--set", "worker.listen=127.0.0.1:0")...)}
	c.cmd.Env = append(os.Environ(), mainEnv+"=1")
	c.cmd.Stdout, c.cmd.Stderr = &c.out, &c.out
	begin := time.Now()
	require.NoError(t, c.cmd.Start())
	t.Cleanup(func() {
		_ = c.cmd.Process.Kill()
		<-c.ended
	})
	go func() { _ = c.cmd.Wait(); close(c.ended) }()

	var running runfile.Running
	require.Eventually(t, func() bool {
		var err error
		running, err = runfile.Read(dir)
		return err == nil
	}, time.Minute, 20*time.Millisecond, "%v does not get ready", c.cmd.Args)
	require.Equal(t, c.cmd.Process.Pid, running.PID)
	t.Logf("%s ready after %v", strings.Join(args, " "), time.Since(begin).Round(time.Millisecond))
	return c, running
}

func (c *child) end(t *testing.T, sig syscall.Signal) {
	t.Helper()
	require.NoError(t, c.cmd.Process.Signal(sig))
	select {
	case <-c.ended:
	case <-time.After(time.Minute):
		t.Fatalf("%v does not end on %v", c.cmd.Args, sig)
	}
}

// wait stands for a case that waits for a person.
func wait(ctx workflow.Context) (answer string, err error) {
	workflow.GetSignalChannel(ctx, "answer").Receive(ctx, &answer)
	return answer, nil
}

func dial(t *testing.T, r runfile.Running) client.Client {
	t.Helper()
	c, err := client.Dial(client.Options{HostPort: r.TemporalAddress, Namespace: r.Namespace})
	require.NoError(t, err)
	t.Cleanup(c.Close)
	return c
}

func open(t *testing.T, c client.Client, id string) {
	t.Helper()
	_, err := c.ExecuteWorkflow(t.Context(), client.StartWorkflowOptions{ID: id, TaskQueue: "test"}, wait)
	require.NoError(t, err)
}

// finish answers a case. The signal is repeated, because a server that has just
// come back may need a moment.
func finish(t *testing.T, c client.Client, id string) {
	t.Helper()
	begin := time.Now()
	require.Eventually(t, func() bool {
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		defer cancel()
		return c.SignalWorkflow(ctx, id, "", "answer", "yes") == nil
	}, time.Minute, 20*time.Millisecond)
	var answer string
	require.NoError(t, c.GetWorkflow(t.Context(), id, "").Get(t.Context(), &answer))
	require.Equal(t, "yes", answer)
	t.Logf("%s finished after %v", id, time.Since(begin).Round(time.Millisecond))
}

func work(t *testing.T, c client.Client) {
	t.Helper()
	w := worker.New(c, "test", worker.Options{})
	w.RegisterWorkflow(wait)
	require.NoError(t, w.Start())
	t.Cleanup(w.Stop)
}

// TestKillEverything kills the program, and with it all that it runs.
func TestKillEverything(t *testing.T) {
	dir := pgtest.DataDir(t)
	c, before := launch(t, dir)
	require.NotEmpty(t, before.UI)
	open(t, dial(t, before), "case/1")
	c.end(t, syscall.SIGKILL)

	c, after := launch(t, dir)
	require.NotEqual(t, before.Token, after.Token, "what lets the owner in is new at each start")
	before.PID, before.Token = after.PID, after.Token
	require.Equal(t, before, after, "addresses outlive a crash")
	conn := dial(t, after)
	work(t, conn)
	finish(t, conn, "case/1")

	c.end(t, syscall.SIGINT)
	require.Equal(t, exitDone, c.cmd.ProcessState.ExitCode(), c.out.String())
	require.Contains(t, c.out.String(), "Stopping")
	_, err := runfile.Read(dir)
	require.ErrorIs(t, err, runfile.ErrNone)
}

// TestKillTemporal kills Temporal alone, under a worker that has cases open.
func TestKillTemporal(t *testing.T) {
	database, running := launch(t, pgtest.DataDir(t), partPostgres)
	require.Empty(t, running.TemporalAddress)

	dir := pgtest.DataDir(t)
	temporal, running := launch(t, dir, partTemporal, "--database-url", running.DatabaseURL)
	conn := dial(t, running)
	work(t, conn)
	open(t, conn, "case/1")
	temporal.end(t, syscall.SIGKILL)

	temporal, _ = launch(t, dir, partTemporal, "--database-url", running.DatabaseURL)
	finish(t, conn, "case/1")
	temporal.end(t, syscall.SIGTERM)
	database.end(t, syscall.SIGTERM)
	require.Equal(t, exitDone, temporal.cmd.ProcessState.ExitCode(), temporal.out.String())
	require.Equal(t, exitDone, database.cmd.ProcessState.ExitCode(), database.out.String())
}

func TestCommandLine(t *testing.T) {
	t.Parallel()

	for _, tt := range []struct {
		args string
		want int
		says string
	}{
		{"--help", exitDone, "--data-dir"},
		{"--print-config --set log.level=debug", exitDone, "level: debug"},
		{"--print-config --no-ui", exitDone, "ui: false"},
		{"--print-config --database-url postgres://u:secret@h/d", exitDone, "[hidden]"},
		{"redis", exitUsage, `unknown part "redis"`},
		{"temporal", exitUsage, "needs --database-url"},
		{"postgres --demo", exitUsage, "no demo"},
		{"--datadir x", exitUsage, "unknown flag"},
		{"--set log.levle=debug", exitUsage, "log.level"},
	} {
		t.Run(tt.args, func(t *testing.T) {
			t.Parallel()

			var out bytes.Buffer
			require.Equal(t, tt.want, run(t.Context(), strings.Fields(tt.args), &out, &out))
			require.Contains(t, out.String(), tt.says)
			require.NotContains(t, out.String(), "secret@")
		})
	}
}

func TestStartTwice(t *testing.T) {
	dir := pgtest.DataDir(t)
	c, _ := launch(t, dir, partPostgres)

	var out bytes.Buffer
	require.Equal(t, exitUnreachable, run(t.Context(), []string{partPostgres, "--data-dir", dir}, &out, &out))
	require.Contains(t, out.String(), fmt.Sprintf("%s is in use by process %d", dir, c.cmd.Process.Pid))
}
