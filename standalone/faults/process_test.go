package faults

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"

	"github.com/kamflow/kamflow/kam/signed/signedtest"
)

// A process is one run of a part of standalone.
type process struct {
	name string
	log  string // what it says
	cmd  *exec.Cmd
	done chan struct{} // closed when it has ended
}

// launch runs a program. One goroutine starts and awaits it on one thread,
// because Linux ties the parent's death to the thread that started it.
func launch(name, dir, log string, env []string, bin string, args ...string) (*process, error) {
	out, err := os.Create(log)
	if err != nil {
		return nil, err
	}
	defer out.Close()
	p := &process{name: name, log: log, done: make(chan struct{})}
	p.cmd = exec.Command(bin, args...)
	p.cmd.Dir, p.cmd.Env = dir, append(append(cleanEnv(), "KAM_KEYS_PUBLIC="+signedtest.Public()), env...)
	p.cmd.Stdout, p.cmd.Stderr = out, out
	p.cmd.SysProcAttr = &syscall.SysProcAttr{}
	endWithParent(p.cmd.SysProcAttr)
	started := make(chan error)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		defer close(p.done)
		err := p.cmd.Start()
		started <- err
		if err == nil {
			_ = p.cmd.Wait() // signalled reads how it ended
		}
	}()
	return p, <-started
}

// cleanEnv is our environment without what would configure the parts.
func cleanEnv() []string {
	var env []string
	for _, pair := range os.Environ() {
		if !strings.HasPrefix(pair, "KAM_") && !strings.HasPrefix(pair, "TEMPORAL_") {
			env = append(env, pair)
		}
	}
	return env
}

// readyLine is what every part says when it is up.
const readyLine = "Ctrl-C stops"

// ready waits until the process takes work. One that was ended by its fail
// point while it came up counts as ready: it has worked already.
func (p *process) ready(ctx context.Context) error { return p.says(ctx, readyLine) }

func (p *process) says(ctx context.Context, line string) error {
	for {
		said, err := os.ReadFile(p.log)
		if err == nil && bytes.Contains(said, []byte(line)) {
			return nil
		}
		select {
		case <-p.done:
			if p.killed() {
				return nil
			}
			return fmt.Errorf("%s ended before it was ready: %v\n%s", p.name, p.cmd.ProcessState, said)
		case <-ctx.Done():
			return fmt.Errorf("%s is not ready: %w\n%s", p.name, ctx.Err(), said)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// killed says whether a process that has ended was killed by signal 9.
func (p *process) killed() bool {
	status, ok := p.cmd.ProcessState.Sys().(syscall.WaitStatus)
	return ok && status.Signaled() && status.Signal() == syscall.SIGKILL
}

// runs says whether the process has not ended.
func (p *process) runs() bool {
	select {
	case <-p.done:
		return false
	default:
		return true
	}
}

// kill ends the process as a crash would. One that has ended stays so.
func (p *process) kill() {
	if p == nil {
		return
	}
	_ = p.cmd.Process.Signal(syscall.SIGKILL)
	<-p.done
}

// stop ends the process in order, as a deployment does.
func (p *process) stop(patience time.Duration) error {
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	select {
	case <-p.done:
	case <-time.After(patience):
		return fmt.Errorf("%s has not stopped within %v", p.name, patience)
	}
	if !p.cmd.ProcessState.Success() {
		return fmt.Errorf("%s ended: %v", p.name, p.cmd.ProcessState)
	}
	return nil
}

// struck waits until the process has died at its fail point.
func (p *process) struck(patience time.Duration) error {
	select {
	case <-p.done:
	case <-time.After(patience):
		return fmt.Errorf("%s has not come by its fail point within %v", p.name, patience)
	}
	if !p.killed() {
		return fmt.Errorf("%s ended by itself: %v", p.name, p.cmd.ProcessState)
	}
	return nil
}

// tails are the last lines of all logs in a directory.
func tails(dir string) string {
	logs, _ := filepath.Glob(filepath.Join(dir, "*.log")) // the pattern is well formed
	var b strings.Builder
	for _, path := range logs {
		text, err := os.ReadFile(path)
		if err != nil {
			continue
		}
		if strings.HasSuffix(strings.TrimSpace(string(text)), readyLine+"; the next start goes on from here.") {
			continue // nothing went wrong since it was ready
		}
		lines := strings.Split(strings.TrimRight(string(text), "\n"), "\n")
		fmt.Fprintf(&b, "--- %s, the last of %d lines\n", filepath.Base(path), len(lines))
		for _, line := range lines[max(0, len(lines)-15):] {
			b.WriteString(line[:min(len(line), 600)] + "\n")
		}
	}
	return b.String()
}
