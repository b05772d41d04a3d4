package mutations

import (
	"os"
	"os/exec"
	"regexp"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// controlSmoke are those that are tried in every test run; KAM_CONTROLS=all, as
// make controls sets it, tries all. A pattern as of -run tries some.
var controlSmoke = []string{"signature", "expiry", "digest"}

func controlsTried(t *testing.T) []Control {
	switch which := os.Getenv("KAM_CONTROLS"); which {
	case "all":
		return Controls
	case "":
		return slices.DeleteFunc(slices.Clone(Controls), func(c Control) bool { return !slices.Contains(controlSmoke, c.Name) })
	default:
		pattern, err := regexp.Compile(which)
		require.NoError(t, err)
		return slices.DeleteFunc(slices.Clone(Controls), func(c Control) bool { return !pattern.MatchString(c.Name) })
	}
}

// TestControls takes each control away and lets its test miss it.
func TestControls(t *testing.T) {
	begin := time.Now()
	tried := controlsTried(t)
	require.NotEmpty(t, tried)
	t.Logf("%-28s %-24s %-8s %s", "without", "missed by", "time", "said")
	for _, c := range tried {
		began := time.Now()
		said := missed(t, c)
		if said == "" {
			t.Errorf("%s: %s of %s does not miss it", c.Name, c.Test, c.Package)
		}
		t.Logf("%-28s %-24s %-8v %s", c.Name, c.Package, time.Since(began).Round(100*time.Millisecond), said)
	}
	t.Logf("%d controls in %v", len(tried), time.Since(begin).Round(time.Second))
}

// failed is the name of a test that has failed.
var failed = regexp.MustCompile(`--- FAIL: (\S+)`)

// missed runs the test of a control without it, and returns what failed; "" is a
// pass.
func missed(t *testing.T, c Control) string {
	t.Helper()
	overlay, err := c.Edit().Overlay(root, t.TempDir())
	require.NoError(t, err)
	cmd := exec.CommandContext(t.Context(), "go", "test", "-count=1", "-overlay", overlay, "-vet=off", "-timeout", "5m", "-run", "^("+c.Test+")", "./"+c.Package)
	cmd.Dir = root
	out, err := cmd.CombinedOutput()
	if err == nil {
		assert.NotContains(t, string(out), "no tests to run", "%s: there is no %s", c.Name, c.Test)
		return ""
	}
	said := failed.FindStringSubmatch(string(out))
	if said == nil {
		t.Errorf("%s: no test fails:\n%s", c.Name, out) // as where it does not compile
		return "nobody"
	}
	return said[1]
}

// TestControlsAreThere fails where the code has moved away from a removal, which
// would then show nothing.
func TestControlsAreThere(t *testing.T) {
	t.Parallel()
	names := map[string]bool{}
	for _, c := range Controls {
		_, err := c.Edit().Files(root)
		require.NoError(t, err)
		require.False(t, names[c.Name], "%s is there twice", c.Name)
		require.NotEmpty(t, c.What, c.Name)
		names[c.Name] = true
	}
	require.GreaterOrEqual(t, len(Controls), 20)
	for _, name := range controlSmoke {
		require.True(t, names[name], name)
	}
}
