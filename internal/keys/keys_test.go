package keys_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/kamflow/kamflow/config"
	"github.com/kamflow/kamflow/internal/keys"
)

var noon = time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)

func box(t *testing.T) keys.Box {
	t.Helper()
	cfg := config.Defaults()
	cfg.DataDir = t.TempDir()
	return keys.In(cfg)
}

func TestMakeAndRetire(t *testing.T) {
	t.Parallel()
	b := box(t)
	ring, err := b.Ring()
	require.NoError(t, err)
	require.Empty(t, ring)
	made, err := b.Ensure(noon)
	require.NoError(t, err)
	require.True(t, made)
	made, err = b.Ensure(noon)
	require.NoError(t, err)
	require.False(t, made, "one is enough")
	second, err := b.Make(noon.Add(time.Hour))
	require.NoError(t, err)

	ring, err = b.Ring()
	require.NoError(t, err)
	require.Len(t, ring, 2)
	require.Equal(t, second.ID, ring[1].ID, "the oldest first")
	secrets, err := b.Secrets()
	require.NoError(t, err)
	require.Len(t, secrets, 2)
	dir, err := os.Stat(b.Dir)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o700), dir.Mode().Perm())
	public, err := os.ReadFile(filepath.Join(b.Dir, "keyring"))
	require.NoError(t, err)
	for _, k := range ring {
		path := filepath.Join(b.Dir, k.ID+".secret")
		info, err := os.Stat(path)
		require.NoError(t, err)
		require.Equal(t, os.FileMode(0o600), info.Mode().Perm())
		text, err := os.ReadFile(path)
		require.NoError(t, err)
		require.NotContains(t, string(public), strings.Fields(string(text))[1])
	}

	require.NoError(t, b.Retire(ring[0].ID, noon.Add(2*time.Hour)))
	require.Error(t, b.Retire("0000000000000000", noon))
	ring, err = b.Ring()
	require.NoError(t, err)
	require.Equal(t, noon.Add(2*time.Hour), ring[0].Until, "what it signed can still be verified")
	secrets, err = b.Secrets()
	require.NoError(t, err)
	require.Len(t, secrets, 1)
	require.Equal(t, second.ID, secrets[0].ID)
}

func TestASecretThatOthersCanReadIsRefused(t *testing.T) {
	t.Parallel()
	b := box(t)
	k, err := b.Make(noon)
	require.NoError(t, err)
	path := filepath.Join(b.Dir, k.ID+".secret")
	for _, mode := range []os.FileMode{0o640, 0o604, 0o660} {
		require.NoError(t, os.Chmod(path, mode))
		_, err = b.Secrets()
		require.ErrorContains(t, err, "others may read it")
	}
	require.NoError(t, os.Chmod(path, 0o400))
	_, err = b.Secrets()
	require.NoError(t, err)
}

func TestKeysOfTheEnvironment(t *testing.T) {
	t.Parallel()
	filed := box(t)
	k, err := filed.Make(noon)
	require.NoError(t, err)
	secret, err := os.ReadFile(filepath.Join(filed.Dir, k.ID+".secret"))
	require.NoError(t, err)

	cfg := config.Defaults()
	cfg.DataDir = t.TempDir()
	cfg.Keys.Public, cfg.Keys.Signing = k.Text(), config.Secret(secret)
	b := keys.In(cfg)
	ring, err := b.Ring()
	require.NoError(t, err)
	require.Equal(t, k.ID, ring[0].ID)
	secrets, err := b.Secrets()
	require.NoError(t, err)
	require.Equal(t, k.ID, secrets[0].ID)
	made, err := b.Ensure(noon)
	require.NoError(t, err)
	require.False(t, made)

	other, err := b.Make(noon.Add(time.Hour))
	require.NoError(t, err)
	cfg.Keys.Public += "," + other.Text()
	ring, err = keys.In(cfg).Ring()
	require.NoError(t, err)
	require.Len(t, ring, 2, "one that stands in both is one")

	cfg.Keys.Public, cfg.Keys.Signing = "nonsense", "kam-ed25519-secret c2hvcnQ="
	_, err = keys.In(cfg).Ring()
	require.ErrorContains(t, err, "keys.public")
	_, err = keys.In(cfg).Secrets()
	require.ErrorContains(t, err, "keys.signing")
	require.NotContains(t, err.Error(), "c2hvcnQ", "a secret is quoted nowhere, a wrong one neither")
}
