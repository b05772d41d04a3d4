package runfile

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kamflow/kamflow/config"
)

func TestWriteReadRemove(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	_, err := Read(dir)
	require.ErrorIs(t, err, ErrNone)

	r := Running{DatabaseURL: "postgres://x", TemporalAddress: "127.0.0.1:7233", Namespace: "kamflow", PID: 7, Token: "t"}
	require.NoError(t, Write(dir, r))
	got, err := Read(dir)
	require.NoError(t, err)
	require.Equal(t, r, got)
	info, err := os.Stat(filepath.Join(dir, Name))
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode().Perm())

	require.NoError(t, Remove(dir))
	require.NoError(t, Remove(dir))
}

func TestLocate(t *testing.T) {
	t.Parallel()
	cfg := config.Defaults()
	cfg.DataDir = t.TempDir()
	_, _, err := Locate(cfg)
	require.ErrorIs(t, err, ErrNone)

	require.NoError(t, Write(cfg.DataDir, Running{DatabaseURL: "postgres://x", TemporalAddress: "127.0.0.1:1", Namespace: "n"}))
	got, _, err := Locate(cfg)
	require.NoError(t, err)
	require.Equal(t, "postgres://x", got.Database.URL.Reveal())
	require.Equal(t, "127.0.0.1:1", got.Temporal.Address)
	require.Equal(t, "n", got.Temporal.Namespace)

	cfg.Database.URL = "postgres://mine"
	got, _, err = Locate(cfg)
	require.NoError(t, err)
	require.Equal(t, cfg, got)
}
