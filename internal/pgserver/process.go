package pgserver

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"regexp"
	"runtime"
	"syscall"
)

// A process is one run of the server.
type process struct {
	pid  int
	cmd  *exec.Cmd
	done chan struct{} // closed when it has ended
}

// spawn starts the server. One goroutine starts and awaits it on one thread,
// because Linux ties the parent's death, at which the server is told to stop,
// to the thread that started it.
func (s *Server) spawn() (*process, error) {
	if err := rotate(s.path("postgres.log")); err != nil {
		return nil, fmt.Errorf("rotate log: %w", err)
	}
	logFile, err := os.OpenFile(s.path("postgres.log"), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open log: %w", err)
	}
	defer logFile.Close()

	args := []string{"-D", s.cluster}
	for _, setting := range s.settings() {
		args = append(args, "-c", setting)
	}
	cmd := exec.Command(s.inst.program("postgres"), args...)
	cmd.Dir = s.cluster
	cmd.Stdout, cmd.Stderr = logFile, logFile
	cmd.SysProcAttr = s.owner.attr()
	stopWithParent(cmd.SysProcAttr)

	p := &process{cmd: cmd, done: make(chan struct{})}
	started := make(chan error)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		defer close(p.done)
		err := cmd.Start()
		started <- err
		if err == nil {
			_ = cmd.Wait() // the log says why it ended
		}
	}()
	if err := <-started; err != nil {
		return nil, fmt.Errorf("run postgres: %w", err)
	}
	p.pid = cmd.Process.Pid
	return p, nil
}

// stop sends a signal. One that comes after the end goes nowhere: os.Process
// knows whether its process id may have been given to another.
func (p *process) stop(sig syscall.Signal) { _ = p.cmd.Process.Signal(sig) }

// leftovers are the complaints of a server that starts while children of an
// earlier one are still ending.
var leftovers = regexp.MustCompile(`pre-existing shared memory block|lock file "postmaster.pid" already exists`)

const maxLog = 10 << 20

// rotate keeps one older log.
func rotate(path string) error {
	info, err := os.Stat(path)
	if err != nil || info.Size() < maxLog {
		return nil
	}
	return os.Rename(path, path+".1")
}

func (s *Server) logSize() int64 {
	info, err := os.Stat(s.path("postgres.log"))
	if err != nil {
		return 0
	}
	return info.Size()
}

// logSince returns what the server said after offset.
func (s *Server) logSince(offset int64) string {
	file, err := os.Open(s.path("postgres.log"))
	if err != nil {
		return ""
	}
	defer file.Close()
	text, err := io.ReadAll(io.NewSectionReader(file, offset, 64<<10))
	if err != nil {
		return ""
	}
	return string(text)
}
