package pgserver

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// sharedState is where a cluster goes when its user cannot reach the data
// directory, as below root's home.
const sharedState = "/var/lib/kamflow"

// MakeDir makes a directory that others may pass through, to reach what is
// theirs, but not look around in. It does so whatever the umask says; a
// directory that exists stays as it is.
func MakeDir(dir string) error {
	_, err := os.Stat(dir)
	if !errors.Is(err, os.ErrNotExist) {
		return err
	}
	if err := os.MkdirAll(dir, 0o711); err != nil {
		return err
	}
	return os.Chmod(dir, 0o711)
}

// placeCluster returns the directory of the cluster, and repeats the choice of
// the first start for ever.
func (s *Server) placeCluster() (string, error) {
	place, err := os.ReadFile(s.path("location"))
	if err == nil {
		return strings.TrimSpace(string(place)), nil
	}
	if !errors.Is(err, os.ErrNotExist) {
		return "", fmt.Errorf("read location of cluster: %w", err)
	}
	blocked, err := s.owner.blockedBy(s.opts.DataDir)
	if err != nil {
		return "", fmt.Errorf("see whether user %s can reach %s: %w", s.owner.name, s.opts.DataDir, err)
	}
	if blocked == "" {
		return filepath.Join(s.opts.DataDir, "cluster"), nil
	}
	if err := MakeDir(sharedState); err != nil {
		return "", fmt.Errorf("user %s may not enter %s, and no other place can be made: %w", s.owner.name, blocked, err)
	}
	cluster := filepath.Join(sharedState, "cluster-"+rand.Text())
	s.opts.Log(fmt.Sprintf(
		"PostgreSQL runs as user %s, who may not enter %s: its files go to %s. To keep them in the data directory, start as another user than root or choose a data directory that user %[1]s can reach.",
		s.owner.name, blocked, cluster))
	return cluster, os.WriteFile(s.path("location"), []byte(cluster+"\n"), 0o600)
}

// initCluster makes the cluster under another name and moves it into place, so
// that an interrupted attempt is never taken for a cluster.
func (s *Server) initCluster(ctx context.Context) error {
	password := rand.Text()
	if err := os.WriteFile(s.path("password"), []byte(password), 0o600); err != nil {
		return fmt.Errorf("write password: %w", err)
	}
	attempt := s.cluster + ".new"
	if err := os.RemoveAll(attempt); err != nil {
		return fmt.Errorf("remove an interrupted attempt: %w", err)
	}
	// initdb, perhaps as another user, reads the password from its own copy.
	pwfile := s.cluster + ".pw"
	defer os.Remove(pwfile)
	err := errors.Join(
		os.WriteFile(pwfile, []byte(password), 0o600), s.owner.give(pwfile),
		os.Mkdir(attempt, 0o700), s.owner.give(attempt),
	)
	if err != nil {
		return fmt.Errorf("prepare cluster: %w", err)
	}
	args := []string{
		"--pgdata=" + attempt, "--username=" + Superuser, "--pwfile=" + pwfile,
		"--auth=scram-sha-256", "--encoding=UTF8", "--locale=C.UTF-8", "--lc-collate=C", "--data-checksums",
	}
	if !s.opts.Durable {
		args = append(args, "--no-sync")
	}
	cmd := exec.CommandContext(ctx, s.inst.program("initdb"), args...)
	cmd.Dir = attempt
	cmd.SysProcAttr = s.owner.attr()
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("initdb: %w:\n%s", err, out)
	}
	if err := os.Rename(attempt, s.cluster); err != nil {
		return fmt.Errorf("move cluster into place: %w", err)
	}
	return nil
}

// settings are given on the command line, where nobody can change them behind
// our back and no file has to be rewritten when they change.
func (s *Server) settings() []string {
	settings := []string{
		"listen_addresses=" + host,
		fmt.Sprintf("port=%d", s.port),
		"unix_socket_directories=",
		"max_connections=300",
		"timezone=UTC",
		"log_timezone=UTC",
		"jit=off", // thousands of short statements, none worth compiling
	}
	if s.opts.Durable {
		return append(settings,
			"shared_buffers=256MB", "max_wal_size=2GB",
			"fsync=on", "synchronous_commit=on", "full_page_writes=on")
	}
	return append(settings,
		"shared_buffers=64MB",
		"fsync=off", "synchronous_commit=off", "full_page_writes=off")
}
