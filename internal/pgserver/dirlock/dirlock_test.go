package dirlock_test

import (
	"fmt"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kamflow/kamflow/internal/pgserver/dirlock"
)

func TestAcquire(t *testing.T) {
	t.Parallel()

	dir := t.TempDir()
	held, err := dirlock.Acquire(dir)
	require.NoError(t, err)

	_, err = dirlock.Acquire(dir)
	require.ErrorIs(t, err, dirlock.ErrHeld)
	require.EqualError(t, err, fmt.Sprintf("%s is in use by process %d", dir, os.Getpid()))

	require.NoError(t, held.Release())
	require.NoError(t, held.Release(), "a second release does no harm")
	again, err := dirlock.Acquire(dir)
	require.NoError(t, err)
	require.NoError(t, again.Release())
}
