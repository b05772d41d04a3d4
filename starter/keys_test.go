package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/kamflow/kamflow/store"
)

// TestKeys makes a key, rotates it while one worker lags behind, and retires the
// old one.
func TestKeys(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "keys")
	t.Setenv("KAM_KEYS_DIR", dir)
	f := &fake{}
	as := func(args ...string) result { return run(t, f, append([]string{"--as", "olaf", "keys"}, args...)...) }
	listed := func() (all []keyJSON) {
		t.Helper()
		r := as("list", "--json")
		require.Equal(t, exitDone, r.status, r.err)
		var got struct {
			Keys []keyJSON `json:"keys"`
		}
		require.NoError(t, json.Unmarshal([]byte(r.out), &got))
		return got.Keys
	}
	knows := func(name string, keys ...string) store.WorkerKeys { return store.WorkerKeys{Worker: name, Keys: keys} }

	require.Contains(t, as("list").out, "starter keys make")
	require.Equal(t, exitDone, as("make").status)
	first := listed()[0].ID
	require.True(t, listed()[0].Signs)
	f.workers = []store.WorkerKeys{knows("one", first), knows("two", first)}

	r := as("rotate", "--timeout", "10ms")
	require.Equal(t, exitUnreachable, r.status)
	require.Contains(t, r.out, "one, two")
	all := listed()
	require.Len(t, all, 2)
	i := 0
	if all[0].ID == first {
		i = 1
	}
	second := all[i].ID
	require.True(t, all[1-i].Signs, "the old one signs on")
	f.workers[0] = knows("one", first, second)
	require.Contains(t, as("list").out, "waits for: two")
	require.Equal(t, exitUsage, as("retire", first).status, "no other one signs yet")
	f.workers[1] = knows("two", first, second)
	require.Equal(t, exitDone, as("retire", first).status)
	for _, k := range listed() {
		require.Equal(t, k.ID == second, k.Signs)
		require.Equal(t, k.ID == first, k.Until.After(noon.Add(24*time.Hour)), "what is on its way still counts")
	}
	require.Equal(t, exitUsage, as("retire", second).status, "it signs alone")
	require.Equal(t, exitDone, as("retire", second, "--now").status, "somebody else may have it")
	require.NotContains(t, as("list").out, "signs")
	require.Equal(t, exitUsage, as("retire", "nonsense", "--now").status)

	public := strings.TrimSpace(as("list", "--public").out)
	require.Len(t, strings.Split(public, ","), 2)
	require.NotContains(t, public, "secret")
	secrets, err := filepath.Glob(filepath.Join(dir, "*.secret"))
	require.NoError(t, err)
	require.Empty(t, secrets)
	_, err = os.Stat(filepath.Join(dir, "keyring"))
	require.NoError(t, err)
}
