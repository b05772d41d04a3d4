package kam_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kamflow/kamflow/kam"
)

// TestTheDeckIsInTheTable names the boxes of the deck as it writes them.
func TestTheDeckIsInTheTable(t *testing.T) {
	t.Parallel()
	deck := map[int]string{
		1: "1 Analyze and Classify Customers|2 Key Account Management|3 Territory Management|4 Management Reporting|5 KAM Management and Administration",
		2: "1.1 Identify/Add Customer/Modify|1.2 Analyze Customer Details|1.3 Segment Customers|1.4 Validate|1.5 Identify Key Accounts|" +
			"KA?|Non KAs|KAs|3.3 Review Performance|3.1 Plan Call Activity|2.1 Profile Account",
		3: "1.1.4 Determine whether to add|Add?|Reject Customer|1.2.1 Enter Data|1.1.5 Management Confirmation",
	}
	for level, labels := range deck {
		for _, label := range strings.Split(labels, "|") {
			i := slices.IndexFunc(kam.Boxes, func(b kam.Box) bool { return b.Label() == label })
			require.GreaterOrEqual(t, i, 0, label)
			require.Equal(t, level, kam.Boxes[i].Level, label)
			require.Equal(t, kam.Seed, kam.Boxes[i].Mark, label)
		}
	}
}

func TestBoxes(t *testing.T) {
	t.Parallel()
	seen := map[kam.StepCode]bool{}
	level := 1
	for _, b := range kam.Boxes {
		require.False(t, seen[b.Code], "two boxes %s", b.Code)
		seen[b.Code] = true
		require.GreaterOrEqual(t, b.Level, level, "boxes stand by level")
		level = b.Level
		require.NotEmpty(t, b.Name)
		require.NotEmpty(t, b.Kind.Words())
		got, ok := kam.BoxOf(b.Code)
		require.True(t, ok)
		require.Equal(t, b.Label(), got.Label())
		require.Equal(t, b.Label(), b.Code.Label())
	}
	for _, b := range kam.Boxes {
		for _, n := range b.Next {
			require.True(t, seen[n], "%s leads to %s, which is no box", b.Code, n)
		}
		parent, ok := kam.BoxOf(b.Parent())
		require.Equal(t, b.Level > 1, ok, "%s has parent %q", b.Code, b.Parent())
		require.LessOrEqual(t, parent.Level, b.Level)
		if len(b.Next) > 0 && b.Kind == kam.KindDecision {
			require.Greater(t, len(b.Next), 1, "a question has more than one answer")
		}
	}
	// Every box of process 1 lies on a way from the first.
	way := map[kam.StepCode]bool{}
	var walk func(c kam.StepCode)
	walk = func(c kam.StepCode) {
		if b, _ := kam.BoxOf(c); !way[c] {
			way[c] = true
			way[b.Parent()] = true
			for _, n := range b.Next {
				walk(n)
			}
		}
	}
	walk("1.1.1")
	for _, b := range kam.Boxes {
		require.True(t, b.Level != 3 || way[b.Code], "%s is never reached", b.Code)
	}
	_, ok := kam.BoxOf("9.9")
	require.False(t, ok)
	require.Equal(t, "9.9", kam.StepCode("9.9").Label())
	require.Equal(t, kam.StepCode("1.4.6"), func() kam.StepCode { b, _ := kam.BoxOf("1.4.6s"); return b.Parent() }())
}

// TestErrorCodesAreListed reads the codes off the source.
func TestErrorCodesAreListed(t *testing.T) {
	t.Parallel()
	file, err := parser.ParseFile(token.NewFileSet(), "error.go", nil, 0)
	require.NoError(t, err)
	listed := map[string]bool{}
	for _, c := range kam.ErrorCodes {
		require.NotEmpty(t, c.Meaning)
		listed[string(c.Code)] = true
	}
	declared := 0
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok {
			return true
		}
		if typ, ok := spec.Type.(*ast.Ident); ok && typ.Name == "Code" && len(spec.Values) == 1 {
			declared++
			value, _ := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
			require.True(t, listed[value], "%s is not listed", value)
		}
		return true
	})
	require.Len(t, listed, declared)
}
