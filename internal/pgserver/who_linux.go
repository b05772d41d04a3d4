package pgserver

import (
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// worksIn tells whether a process is a PostgreSQL whose working directory is
// the cluster, which all of a server's processes share.
func worksIn(pid int, cluster string) (bool, error) {
	proc := filepath.Join("/proc", strconv.Itoa(pid))
	dir, err := os.Readlink(filepath.Join(proc, "cwd"))
	if err != nil {
		return false, ignoreStrangers(err)
	}
	program, err := os.Readlink(filepath.Join(proc, "exe"))
	if err != nil {
		return false, ignoreStrangers(err)
	}
	real, err := filepath.EvalSymlinks(cluster)
	if err != nil {
		return false, err
	}
	// A package upgrade under a running server marks its program as deleted.
	program = strings.TrimSuffix(filepath.Base(program), " (deleted)")
	return dir == real && program == "postgres", nil
}

// ignoreStrangers: a process that has ended, or that we may not look into, is
// not one of ours.
func ignoreStrangers(err error) error {
	if errors.Is(err, os.ErrNotExist) || errors.Is(err, os.ErrPermission) {
		return nil
	}
	return err
}

// anyoneIn tells whether any PostgreSQL process works in the cluster.
func anyoneIn(cluster string) (bool, error) {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return false, err
	}
	for _, entry := range entries {
		pid, err := strconv.Atoi(entry.Name())
		if err != nil {
			continue
		}
		if found, err := worksIn(pid, cluster); err == nil && found {
			return true, nil
		}
	}
	return false, nil
}
