package pgserver

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// endOrphan stops a server that an earlier process of ours left behind in this
// cluster. We hold the lock of the data directory, so nobody else wants it.
func (s *Server) endOrphan(ctx context.Context) error {
	pid, err := s.recordedPID()
	if err != nil || pid == 0 {
		return err
	}
	if !alive(pid) {
		return nil // PostgreSQL itself clears the traces of the dead
	}
	ours, err := worksIn(pid, s.cluster)
	if err != nil {
		return fmt.Errorf("see whether process %d is our PostgreSQL: %w", pid, err)
	}
	if !ours {
		return s.forgetReusedPID(pid)
	}
	s.opts.Log(fmt.Sprintf("ending the PostgreSQL server (process %d) that the last run left behind", pid))
	for _, step := range []struct {
		sig  syscall.Signal
		wait time.Duration
	}{{syscall.SIGINT, 15 * time.Second}, {syscall.SIGQUIT, 5 * time.Second}, {syscall.SIGKILL, 5 * time.Second}} {
		if err := syscall.Kill(pid, step.sig); err != nil && !errors.Is(err, syscall.ESRCH) {
			return fmt.Errorf("stop process %d: %w", pid, err)
		}
		if gone, err := s.awaitEnd(ctx, pid, step.wait); gone || err != nil {
			return err
		}
	}
	return fmt.Errorf("PostgreSQL process %d of an earlier run does not end", pid)
}

// recordedPID reads who served the cluster last; 0 when it was closed cleanly.
func (s *Server) recordedPID() (int, error) {
	text, err := os.ReadFile(s.cluster + "/postmaster.pid")
	if errors.Is(err, os.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("read postmaster.pid: %w", err)
	}
	first, _, _ := strings.Cut(string(text), "\n")
	pid, err := strconv.Atoi(strings.TrimSpace(first))
	if err != nil {
		return 0, fmt.Errorf("read postmaster.pid: %w", err)
	}
	return pid, nil
}

// forgetReusedPID clears a postmaster.pid whose process id now belongs to a
// stranger, as after a reboot: PostgreSQL would take him for a living server
// and refuse. It does so only when no process at all works in the cluster.
func (s *Server) forgetReusedPID(pid int) error {
	busy, err := anyoneIn(s.cluster)
	if err != nil || busy {
		return err
	}
	s.opts.Log(fmt.Sprintf("process %d, recorded as the last PostgreSQL server, is another program now", pid))
	return os.Remove(s.cluster + "/postmaster.pid")
}

func alive(pid int) bool {
	err := syscall.Kill(pid, 0)
	return err == nil || errors.Is(err, syscall.EPERM)
}

// awaitEnd asks who the process is rather than whether it is there: a dead one
// that nobody has collected still is.
func (s *Server) awaitEnd(ctx context.Context, pid int, wait time.Duration) (bool, error) {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	limit := time.After(wait)
	for {
		running, err := worksIn(pid, s.cluster)
		if err != nil || !running {
			return err == nil, err
		}
		select {
		case <-ctx.Done():
			return false, fmt.Errorf("wait for the last run's PostgreSQL to end: %w", ctx.Err())
		case <-limit:
			return false, nil
		case <-tick.C:
		}
	}
}
