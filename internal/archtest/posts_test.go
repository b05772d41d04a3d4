package archtest_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestTheTreeIsAskedAsOfAnInstant: kam.node, under which the release before finds
// the tree of now, is for that release only.
func TestTheTreeIsAskedAsOfAnInstant(t *testing.T) {
	t.Parallel()
	old := regexp.MustCompile(`\bkam\.node\b`)
	seen := 0
	for _, p := range packages(t) {
		for _, f := range p.GoFiles {
			if strings.HasSuffix(f, "_test.go") {
				continue
			}
			text, err := os.ReadFile(filepath.Join(p.Dir, f))
			require.NoError(t, err)
			seen++
			require.NotRegexp(t, old, string(text), "%s: ask kam.node_at", filepath.Join(p.name(), f))
		}
	}
	require.Greater(t, seen, 200)
}
