package mutations

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "write docs/determinism.md")

const (
	root    = "../.."
	checker = "go.temporal.io/sdk/contrib/tools/workflowcheck@v0.6.0"
)

// smoke are the edits that are tried in every test run, by replay alone, since
// workflowcheck is a program of its own. KAM_MUTATIONS=all, as make mutations
// sets it, tries all and both.
var smoke = []string{"stage-renamed", "timer-added", "update-dropped", "control-summary"}

func all() bool { return os.Getenv("KAM_MUTATIONS") == "all" }

func tried() []Edit {
	if all() {
		return All
	}
	return slices.DeleteFunc(slices.Clone(All), func(e Edit) bool { return !slices.Contains(smoke, e.Name) })
}

// TestMutations applies each edit and lets the checks find it.
func TestMutations(t *testing.T) {
	begin := time.Now()
	edits := tried()
	reported := map[string]string{}
	if all() {
		reported = check(t, edits)
	}
	t.Logf("%-24s %-14s %-14s %s", "edit", "caught by", "time", "said")
	for _, e := range edits {
		began := time.Now()
		caught := reported[e.Name]
		by, said := Workflowcheck, caught
		if e.CaughtBy != Workflowcheck {
			by, said = Replay, replay(t, e)
		}
		if e.CaughtBy == Nobody {
			require.Empty(t, said, "%s: a control that replay objects to", e.Name)
			require.Empty(t, caught, "%s: a control that workflowcheck objects to", e.Name)
			by = Nobody
		} else {
			require.NotEmpty(t, said, "%s: %s has not found it", e.Name, e.CaughtBy)
		}
		t.Logf("%-24s %-14s %-14v %s", e.Name, by, time.Since(began).Round(100*time.Millisecond), shorten(said))
	}
	t.Logf("%d edits in %v", len(edits), time.Since(begin).Round(time.Second))
}

func shorten(s string) string {
	s, _, _ = strings.Cut(s, ", markerData")
	if r := []rune(s); len(r) > 110 {
		return string(r[:110]) + "..."
	}
	return s
}

// objection is what replay says of code that open cases break on.
var objection = regexp.MustCompile(`\[TMPRL1100\][^\n]*|unable to find workflow type[^\n]*`)

// replay runs TestReplay on the edited code and returns what it objected to;
// "" is a pass.
func replay(t *testing.T, e Edit) string {
	t.Helper()
	overlay, err := e.Overlay(root, t.TempDir())
	require.NoError(t, err)
	cmd := exec.CommandContext(t.Context(), "go", "test", "-overlay", overlay, "-vet=off", "-run", "^TestReplay$", "./workflows")
	cmd.Dir = root
	out, err := cmd.CombinedOutput()
	if err == nil {
		return ""
	}
	require.NotContains(t, string(out), "[build failed]", "%s does not compile:\n%s", e.Name, out)
	said := objection.FindString(string(out))
	require.NotEmpty(t, said, "%s fails, but not as non-deterministic:\n%s", e.Name, out)
	return said
}

// check runs workflowcheck over a copy of the workflows for each edit, all in
// one go, since most of its time goes into what they import. It returns the
// first objection to each.
func check(t *testing.T, edits []Edit) map[string]string {
	t.Helper()
	dir := t.TempDir()
	for _, name := range []string{"go.mod", "go.sum"} {
		copyFile(t, filepath.Join(root, name), filepath.Join(dir, name))
	}
	for _, room := range []string{"kam", "kam/access", "kam/customer", "kam/onboarding", "kam/book", "kam/signed"} {
		copyPackage(t, room, filepath.Join(dir, room), nil)
	}
	paths := map[string]string{}
	for _, e := range edits {
		files, err := e.Files(root)
		require.NoError(t, err)
		paths[e.Name] = strings.ReplaceAll(e.Name, "-", "_")
		copyPackage(t, "workflows", filepath.Join(dir, paths[e.Name]), files)
	}
	cmd := exec.CommandContext(t.Context(), "go", "run", checker, "./...")
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOWORK=off", "GOFLAGS=-mod=mod -buildvcs=false")
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if err != nil && (!errors.As(err, &exit) || !strings.Contains(string(out), "is non-deterministic, reason: ")) {
		t.Fatalf("workflowcheck: %v\n%s", err, out)
	}
	said := map[string]string{}
	for _, e := range edits {
		where := regexp.MustCompile(`(?m)^\S*/` + paths[e.Name] + `/(\w+\.go:\d+):\d+: \S+ is non-deterministic, reason: (.*)$`)
		for _, m := range where.FindAllStringSubmatch(string(out), -1) {
			said[e.Name] = m[1] + " " + m[2]
			if !strings.Contains(m[2], paths[e.Name]) {
				break // the function itself, not one that calls it
			}
		}
	}
	return said
}

func copyFile(t *testing.T, from, to string) {
	t.Helper()
	b, err := os.ReadFile(from)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(to, b, 0o600))
}

// copyPackage copies the sources of a package, without tests; those in edited
// get their text from there.
func copyPackage(t *testing.T, from, to string, edited map[string]string) {
	t.Helper()
	require.NoError(t, os.MkdirAll(to, 0o700))
	sources, err := filepath.Glob(filepath.Join(root, from, "*.go"))
	require.NoError(t, err)
	for _, source := range sources {
		name := filepath.Base(source)
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		if text, ok := edited[from+"/"+name]; ok {
			require.NoError(t, os.WriteFile(filepath.Join(to, name), []byte(text), 0o600))
			continue
		}
		copyFile(t, source, filepath.Join(to, name))
	}
}

// TestEditsFitTheCode fails where the code has moved away from an edit, which
// would then show nothing.
func TestEditsFitTheCode(t *testing.T) {
	t.Parallel()
	names, breaking := map[string]bool{}, 0
	for _, e := range All {
		files, err := e.Files(root)
		require.NoError(t, err)
		require.NotEmpty(t, files, e.Name)
		require.False(t, names[e.Name], "%s is there twice", e.Name)
		require.NotEmpty(t, e.What, e.Name)
		require.NotEmpty(t, e.Breaks, e.Name)
		require.Contains(t, []Catcher{Replay, Workflowcheck, Nobody}, e.CaughtBy, e.Name)
		names[e.Name] = true
		if e.CaughtBy != Nobody {
			breaking++
		}
	}
	require.GreaterOrEqual(t, breaking, 12)
	for _, e := range All {
		require.False(t, slices.Contains(smoke, e.Name) && e.CaughtBy == Workflowcheck, "%s: the smoke goes without workflowcheck", e.Name)
	}
	require.Less(t, breaking, len(All), "at least one control")
	for _, name := range smoke {
		require.True(t, names[name], name)
	}
}

func TestEditThatMoved(t *testing.T) {
	t.Parallel()
	e := Edit{Name: "x", Changes: []Change{{File: "go.mod", Old: "no such line", New: ""}}}
	_, err := e.Overlay(root, t.TempDir())
	require.ErrorIs(t, err, ErrMoved)
	require.ErrorContains(t, err, `edit x: "no such line" occurs 0 times in go.mod`)

	e.Changes[0].Old = "github.com/"
	_, err = e.Files(root)
	require.ErrorIs(t, err, ErrMoved)

	e.Changes[0] = Change{File: "go.mod", Old: "module ", New: "module  ", Import: "math/rand"}
	_, err = e.Files(root)
	require.ErrorIs(t, err, ErrMoved)

	e.Changes[0].File = "nowhere.go"
	_, err = e.Files(root)
	require.ErrorIs(t, err, os.ErrNotExist)
}

// The list in the document stands between these lines.
const (
	begins = "<!-- internal/mutations: begin -->\n"
	ends   = "<!-- internal/mutations: end -->\n"
)

// TestDocumentIsCurrent holds the list in docs/determinism.md against the
// data.
func TestDocumentIsCurrent(t *testing.T) {
	path := filepath.Join(root, "docs", "determinism.md")
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	head, rest, ok := strings.Cut(string(text), begins)
	require.True(t, ok, "no mark where the list begins")
	list, tail, ok := strings.Cut(rest, ends)
	require.True(t, ok, "no mark where the list ends")

	var want strings.Builder
	want.WriteString("| Edit | What is changed | What breaks | Caught by |\n| --- | --- | --- | --- |\n")
	for _, e := range All {
		fmt.Fprintf(&want, "| `%s` | %s | %s | %s |\n", e.Name, e.What, e.Breaks, e.CaughtBy)
	}
	if *update {
		require.NoError(t, os.WriteFile(path, []byte(head+begins+want.String()+ends+tail), 0o644)) //nolint:gosec // a document
		return
	}
	require.Equal(t, want.String(), list, "run make generate")
}
