// Package shareddata finds the open data sets that tests measure the rules by.
// They are not part of the repository: a test that needs one says so and skips
// where it is absent.
package shareddata

import (
	"encoding/csv"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// File finds a file of the shared data, which is not part of the
// repository: in KAM_SHARED_DATA, else in shared/data beside a parent folder.
func File(t testing.TB, name string) string {
	t.Helper()
	if dir := os.Getenv("KAM_SHARED_DATA"); dir != "" {
		return filepath.Join(dir, name)
	}
	dir, err := os.Getwd()
	require.NoError(t, err)
	for {
		path := filepath.Join(dir, "shared", "data", name)
		if _, err := os.Stat(path); err == nil {
			return path
		}
		if dir == filepath.Dir(dir) {
			t.Skipf("SKIPPED, NOT PASSED: no shared/data/%s beside any parent folder and KAM_SHARED_DATA is not set", name)
		}
		dir = filepath.Dir(dir)
	}
}

// CSV reads a file of the shared data as rows by column name.
func CSV(t testing.TB, name string, comma rune) []map[string]string {
	t.Helper()
	f, err := os.Open(File(t, name))
	require.NoError(t, err)
	defer func() { _ = f.Close() }()
	r := csv.NewReader(f)
	r.Comma, r.FieldsPerRecord, r.LazyQuotes, r.Comment = comma, -1, true, '#'
	all, err := r.ReadAll()
	require.NoError(t, err)
	rows := make([]map[string]string, 0, len(all))
	for _, rec := range all[1:] {
		row := map[string]string{}
		for i, h := range all[0] {
			if i < len(rec) {
				row[strings.TrimPrefix(h, "\ufeff")] = rec[i]
			}
		}
		rows = append(rows, row)
	}
	return rows
}
