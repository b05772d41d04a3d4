package workflows

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/workflow"
)

// changeIDs reads the constants of versions.go.
func changeIDs(t *testing.T) []string {
	t.Helper()
	f, err := parser.ParseFile(token.NewFileSet(), "versions.go", nil, 0)
	require.NoError(t, err)
	var ids []string
	ast.Inspect(f, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok {
			return true
		}
		for _, v := range spec.Values {
			id, err := strconv.Unquote(v.(*ast.BasicLit).Value)
			require.NoError(t, err)
			ids = append(ids, id)
		}
		return true
	})
	return ids
}

// TestChangesAreListed: each change id has its row in the document, and each
// row its id.
func TestChangesAreListed(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../docs/determinism.md")
	require.NoError(t, err)
	_, table, ok := strings.Cut(string(text), "| Change id |")
	require.True(t, ok)
	table, _, _ = strings.Cut(table, "\n\n")
	var listed []string
	for _, line := range strings.Split(table, "\n")[2:] {
		listed = append(listed, strings.Split(line, "`")[1])
	}
	require.Equal(t, changeIDs(t), listed)
}

// TestVersionsAreAskedInOnePlace: a change id that stands elsewhere would be
// missed by the list.
func TestVersionsAreAskedInOnePlace(t *testing.T) {
	t.Parallel()
	files, err := os.ReadDir(".")
	require.NoError(t, err)
	for _, f := range files {
		if f.IsDir() || f.Name() == "versions.go" || strings.HasSuffix(f.Name(), "_test.go") {
			continue
		}
		text, err := os.ReadFile(f.Name())
		require.NoError(t, err)
		require.NotContains(t, string(text), "workflow.GetVersion(", "%s: declare the change in versions.go and ask changed", f.Name())
	}
}

func TestChanged(t *testing.T) {
	t.Parallel()
	ask := func(ctx workflow.Context) ([]bool, error) {
		return []bool{changed(ctx, changeScreeningOutside), changed(ctx, changeScreeningOutside)}, nil
	}
	for version, want := range map[workflow.Version]bool{workflow.DefaultVersion: false, 1: true} {
		var suite testsuite.WorkflowTestSuite
		env := suite.NewTestWorkflowEnvironment()
		env.OnGetVersion(string(changeScreeningOutside), workflow.DefaultVersion, workflow.Version(1)).Return(version)
		env.ExecuteWorkflow(ask)
		require.NoError(t, env.GetWorkflowError())
		var got []bool
		require.NoError(t, env.GetWorkflowResult(&got))
		require.Equal(t, []bool{want, want}, got)
	}
}
