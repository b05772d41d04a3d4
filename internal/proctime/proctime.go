// Package proctime tells how long processes have worked on processors, which,
// other than the time that passed, depends little on who else is busy. It reads
// /proc, so it is for Linux.
package proctime

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Here says whether this system has what is read.
func Here() bool {
	_, err := os.Stat("/proc/self/schedstat")
	return err == nil
}

// Own is the time of this process.
func Own() (time.Duration, error) {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0, fmt.Errorf("read the processor time of this process: %w", err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano()), nil
}

// Of is the time of a process with all its threads, also of those that have
// ended, in steps of 10 ms.
func Of(pid int) (time.Duration, error) {
	s, err := statusOf(pid)
	return s.own, err
}

// Machine is the time that all processors of the machine have worked, for
// whomever.
func Machine() (time.Duration, error) {
	raw, err := os.ReadFile("/proc/stat")
	if err != nil {
		return 0, fmt.Errorf("read the processor time of the machine: %w", err)
	}
	first, _, _ := strings.Cut(string(raw), "\n")
	fields := strings.Fields(first)
	const user, nice, system, irq, softirq = 1, 2, 3, 6, 7
	var sum int64
	for _, i := range []int{user, nice, system, irq, softirq} {
		if i >= len(fields) {
			return 0, fmt.Errorf("read the processor time of the machine: %q is too short", first)
		}
		n, err := strconv.ParseInt(fields[i], 10, 64)
		if err != nil {
			return 0, fmt.Errorf("read the processor time of the machine: %w", err)
		}
		sum += n
	}
	return time.Duration(sum) * tick, nil
}

// Parent is the process that started another one.
func Parent(pid int) (int, error) {
	s, err := statusOf(pid)
	return s.parent, err
}

// A Family is a process that does its work in children of one thread each, as
// PostgreSQL does.
type Family struct {
	Children map[int]time.Duration // by process id, to the nanosecond
	// Rest is the time of the process itself and of children that have ended.
	Rest time.Duration
}

// FamilyOf reads a process and its children. One that ends meanwhile is left
// out; its time is in Rest from then on.
func FamilyOf(pid int) (Family, error) {
	f := Family{Children: map[int]time.Duration{}}
	s, err := statusOf(pid)
	if err != nil {
		return f, err
	}
	f.Rest = s.own + s.ended
	list, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", pid, pid))
	if err != nil {
		return f, fmt.Errorf("read the children of process %d: %w", pid, err)
	}
	for _, word := range strings.Fields(string(list)) {
		child, err := strconv.Atoi(word)
		if err != nil {
			return f, fmt.Errorf("read the children of process %d: %w", pid, err)
		}
		t, err := ofThread(child)
		if errors.Is(err, os.ErrNotExist) || errors.Is(err, syscall.ESRCH) {
			continue
		}
		if err != nil {
			return f, err
		}
		f.Children[child] = t
	}
	return f, nil
}

// Total is the time of all.
func (f Family) Total() time.Duration {
	sum := f.Rest
	for _, t := range f.Children {
		sum += t
	}
	return sum
}

// ofThread is the time of the first thread of a process.
func ofThread(pid int) (time.Duration, error) {
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/schedstat", pid))
	if err != nil {
		return 0, fmt.Errorf("read the processor time of process %d: %w", pid, err)
	}
	worked, _, _ := strings.Cut(string(raw), " ")
	ns, err := strconv.ParseInt(worked, 10, 64)
	if err != nil {
		return 0, fmt.Errorf("read the processor time of process %d: %w", pid, err)
	}
	return time.Duration(ns), nil
}

type status struct {
	parent int
	own    time.Duration
	ended  time.Duration // of children that have ended
}

// tick is the unit of /proc/PID/stat on every Linux that Go runs on.
const tick = 10 * time.Millisecond

func statusOf(pid int) (status, error) {
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return status{}, fmt.Errorf("read the processor time of process %d: %w", pid, err)
	}
	// The second field is the name in brackets, which may hold anything.
	fields := strings.Fields(string(raw[bytes.LastIndexByte(raw, ')')+1:]))
	const parent, user, endedUser = 1, 11, 13
	var n [endedUser + 2]int64
	for i := parent; i < len(n); i++ {
		if i >= len(fields) {
			return status{}, fmt.Errorf("read the processor time of process %d: %q is too short", pid, raw)
		}
		if n[i], err = strconv.ParseInt(fields[i], 10, 64); err != nil {
			return status{}, fmt.Errorf("read the processor time of process %d: %w", pid, err)
		}
	}
	return status{
		parent: int(n[parent]),
		own:    time.Duration(n[user]+n[user+1]) * tick,
		ended:  time.Duration(n[endedUser]+n[endedUser+1]) * tick,
	}, nil
}
