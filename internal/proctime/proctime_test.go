package proctime_test

import (
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/kamflow/kamflow/internal/proctime"
)

func needsProc(t *testing.T) {
	t.Helper()
	if !proctime.Here() {
		t.Skip("skipped: processor time is read from /proc, which this system lacks")
	}
}

// work keeps a processor busy for a time of the processor.
func work(t *testing.T, d time.Duration) {
	t.Helper()
	from, err := proctime.Own()
	require.NoError(t, err)
	for {
		now, err := proctime.Own()
		require.NoError(t, err)
		if now-from >= d {
			return
		}
	}
}

func TestOwn(t *testing.T) {
	needsProc(t)
	before, err := proctime.Of(os.Getpid())
	require.NoError(t, err)
	machine, err := proctime.Machine()
	require.NoError(t, err)
	work(t, 200*time.Millisecond)
	all, err := proctime.Machine()
	require.NoError(t, err)
	require.GreaterOrEqual(t, all-machine, 150*time.Millisecond, "the machine worked for this process")
	after, err := proctime.Of(os.Getpid())
	require.NoError(t, err)
	require.InDelta(t, 200*time.Millisecond, after-before, float64(60*time.Millisecond), "both ways of reading agree")
}

func TestFamily(t *testing.T) {
	needsProc(t)
	// A shell with two children: one works and ends, one works and waits for us.
	const busy = `i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done`
	cmd := exec.CommandContext(t.Context(), "sh", "-c", `sh -c '`+busy+`'; sh -c '`+busy+`; echo; read end'; true`)
	end, err := cmd.StdinPipe()
	require.NoError(t, err)
	said, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	t.Cleanup(func() { _ = end.Close(); _ = cmd.Wait() })
	_, err = said.Read(make([]byte, 1))
	require.NoError(t, err)
	f, err := proctime.FamilyOf(cmd.Process.Pid)
	require.NoError(t, err)
	require.Len(t, f.Children, 1)
	for pid, worked := range f.Children {
		require.InEpsilon(t, f.Rest, worked, 0.5, "both did the same")
		parent, err := proctime.Parent(pid)
		require.NoError(t, err)
		require.Equal(t, cmd.Process.Pid, parent)
		require.Equal(t, f.Rest+worked, f.Total())
	}
}
