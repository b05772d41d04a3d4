// Package dirlock keeps two processes from working in one directory.
package dirlock

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// Name is the file in a directory that carries the lock and its owner's
// process id.
const Name = "lock"

// ErrHeld says that a living process holds the lock.
var ErrHeld = errors.New("in use")

// A Lock is held until Release, or until its process ends in any way: the
// kernel drops it, so that a lock is never stale.
type Lock struct{ file *os.File }

// Acquire takes the lock of dir, which must exist. When another process has
// it, the error wraps ErrHeld and names that process.
func Acquire(dir string) (*Lock, error) {
	file, err := os.OpenFile(filepath.Join(dir, Name), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open lock file: %w", err)
	}
	if err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		owner, readErr := os.ReadFile(file.Name())
		err = errors.Join(err, readErr, file.Close())
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, fmt.Errorf("%s is %w by process %s", dir, ErrHeld, strings.TrimSpace(string(owner)))
		}
		return nil, fmt.Errorf("lock %s: %w", dir, err)
	}
	l := &Lock{file: file}
	if err := errors.Join(file.Truncate(0), l.writeOwner()); err != nil {
		return nil, fmt.Errorf("name owner in %s: %w", file.Name(), errors.Join(err, l.Release()))
	}
	return l, nil
}

func (l *Lock) writeOwner() error {
	_, err := fmt.Fprintln(l.file, os.Getpid())
	return err
}

// Release gives the lock back; once is enough, more does no harm. The file
// stays: removing it would let two processes hold locks on two files of the
// same name.
func (l *Lock) Release() error {
	if l == nil {
		return nil
	}
	if err := l.file.Close(); !errors.Is(err, os.ErrClosed) {
		return err
	}
	return nil
}
