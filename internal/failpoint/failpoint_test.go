package failpoint_test

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

func build(t *testing.T, tags string) string {
	t.Helper()
	bin := filepath.Join(t.TempDir(), "hit")
	out, err := exec.Command("go", "build", "-buildvcs=false", "-tags", tags, "-o", bin, "./testdata/hit").CombinedOutput()
	require.NoError(t, err, string(out))
	return bin
}

// TestAReleaseHasNoFailPoints: neither the setting nor the name of a point is
// in a program that was built without the tag.
func TestAReleaseHasNoFailPoints(t *testing.T) {
	t.Parallel()
	marks := [][]byte{[]byte("KAM_FAILPOINT"), []byte("act/after-commit"), []byte("internal/failpoint.Hit")}
	for tags, there := range map[string]bool{"": false, "failpoint": true} {
		program, err := os.ReadFile(build(t, tags))
		require.NoError(t, err)
		for _, mark := range marks {
			require.Equal(t, there, bytes.Contains(program, mark), "tags %q, %s", tags, mark)
		}
	}
}

func TestTheCountedHitKills(t *testing.T) {
	t.Parallel()
	bin := build(t, "failpoint")
	for _, tt := range []struct {
		setting, said string
		killed        bool
	}{
		{"", "passed 1\npassed 2\n", false},
		{"act/after-commit", "", true},
		{"act/after-commit:2", "passed 1\npassed 2\n", false},
		{"stage/Identify/in-tx:1", "", true},
		{"stage/Identify/in-tx:2", "passed 1\n", true},
		{"stage/Decide/in-tx:1", "passed 1\npassed 2\n", false},
	} {
		cmd := exec.Command(bin)
		cmd.Env = append(os.Environ(), "KAM_FAILPOINT="+tt.setting)
		said, err := cmd.Output()
		require.Equal(t, tt.said, string(said), tt.setting)
		var ended *exec.ExitError
		require.Equal(t, tt.killed, errors.As(err, &ended), tt.setting)
		if tt.killed {
			require.Equal(t, syscall.SIGKILL, ended.Sys().(syscall.WaitStatus).Signal(), tt.setting)
		}
	}
}
