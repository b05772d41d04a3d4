package faults

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	sdk "go.temporal.io/sdk/client"

	"github.com/kamflow/kamflow/internal/mutations"
)

// root is that of the repository.
var root = filepath.Join("..", "..")

// A version is a worker program with a build id of its own.
type version struct {
	id, bin string
}

// buildWorker builds the command worker. With an edit, the code is really
// another one; the tree stays as it is.
func buildWorker(t *testing.T, dir, id string, edit *mutations.Edit) version {
	t.Helper()
	v := version{id: id, bin: filepath.Join(dir, "worker-"+id)}
	args := []string{"build", "-buildvcs=false", "-o", v.bin}
	if edit != nil {
		overlay, err := edit.Overlay(root, dir)
		require.NoError(t, err)
		args = append(args, "-overlay", overlay)
	}
	cmd := exec.CommandContext(t.Context(), "go", append(args, "./worker")...)
	cmd.Dir = root
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, string(out))
	return v
}

// run starts a worker of a version and waits until it polls.
func (r *rig) run(t *testing.T, v version, promote bool) *process {
	t.Helper()
	r.starts++
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), toStart)
	defer cancel()
	log := filepath.Join(r.dir, fmt.Sprintf("%02d-worker-%s.log", r.starts, v.id))
	env := append(r.where(), "KAM_WORKER_BUILD_ID="+v.id, fmt.Sprintf("KAM_WORKER_PROMOTE_SELF=%t", promote),
		"KAM_WORKER_LISTEN=127.0.0.1:0", "KAM_WORKER_RECONCILE_EVERY=2s")
	p, err := launch("worker "+v.id, r.dir, log, env, v.bin)
	require.NoError(t, err)
	r.versions = append(r.versions, p)
	if err := p.says(ctx, "worker is ready"); err != nil {
		p.kill()
		t.Fatal(err)
	}
	return p
}

// promote makes a version the one that takes all cases, as an operator does.
func (r *rig) promote(t *testing.T, v version) {
	t.Helper()
	require.Eventually(t, func() bool {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		_, err := r.sdk.WorkerDeploymentClient().GetHandle("kamflow").SetCurrentVersion(ctx,
			sdk.WorkerDeploymentSetCurrentVersionOptions{BuildID: v.id, IgnoreMissingTaskQueues: true})
		if err != nil {
			t.Logf("promote %s: %v", v.id, err)
		}
		return err == nil
	}, time.Minute, 250*time.Millisecond)
}

// control is an edit that breaks nothing, so that a second version is another
// program.
func control(t *testing.T) *mutations.Edit {
	t.Helper()
	for _, e := range mutations.All {
		if e.CaughtBy == mutations.Nobody {
			return &e
		}
	}
	t.Fatal("there is no control")
	return nil
}

// logged says whether any of our workers has written a text to its log.
func (r *rig) logged(t *testing.T, text string) []string {
	t.Helper()
	logs, err := filepath.Glob(filepath.Join(r.dir, "*-worker-*.log"))
	require.NoError(t, err)
	require.NotEmpty(t, logs)
	var found []string
	for _, path := range logs {
		b, err := os.ReadFile(path)
		require.NoError(t, err)
		found = append(found, linesWith(string(b), text)...)
	}
	return found
}
