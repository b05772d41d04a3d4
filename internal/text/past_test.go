package text_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// sayers are the rooms in which a sentence reaches people sooner or later: by the
// trail, a task, a mail, an answer.
var sayers = []string{"activities", "store", "service", "config", "gateway", "internal/workerapp", "internal/keys", "kam/signed"}

// Of these what is said is for operators and programs: the documents of the API, and
// pages, which have templates.
var silent = []string{"service/routes", "service/remote", "gateway/api", "gateway/openid", "gateway/pages", "gateway/page", "store/storetest"}

// notForPeople are functions whose texts are read in logs, figures and Temporal's own
// pages, or are faults, of which people see the code only.
var notForPeople = []string{"fmt.Errorf", "errors.New", "panic", "counter", "prometheus.NewDesc"}

// names are names and words of programs, not sentences.
var names = []string{
	"starter show ", "starter batch show ", "starter customer show ", "starter inbox", "kam form", "kamflow key\n", "kamflow signed act 1\n",
	"# Public keys that acts are signed with: give this file to every worker.\n", // of a file
	"stuck cases", "search attributes", // names of checks
	"new sales", "changed sales", "profit and loss", "password link", "set up", "sign in", "hand task", // of steps, in errors and digests
	"possible hit: ", "answer of ", // in what is stored
}

var (
	sentence = regexp.MustCompile(`[A-Za-z']{2,} [a-z']{2,}`)
	sql      = regexp.MustCompile(`(?i)\b(select|insert into|update|delete from|savepoint|create temp|order by|as no|from_state|user_id|customer_no|and open|is not null|clock_timestamp|on conflict|set local)\b|kam\.[a-z]|::|@[a-z]|\$\d|' =`)
)

// TestNothingIsSaidPastTheCatalogue: a sentence in those rooms is a key, or nobody
// reads it.
func TestNothingIsSaidPastTheCatalogue(t *testing.T) {
	t.Parallel()
	root, err := filepath.Abs("../..")
	require.NoError(t, err)
	keys := sourceKeys(t, root)
	for _, w := range words() {
		keys[w] = "kam"
	}
	var past []string
	eachFile(t, root, func(room, path string) {
		if !within(room, sayers) || within(room, silent) {
			return
		}
		fset := token.NewFileSet()
		file, err := parser.ParseFile(fset, path, nil, 0)
		require.NoError(t, err)
		var around []ast.Node
		ast.Inspect(file, func(n ast.Node) bool {
			if n == nil {
				around = around[:len(around)-1]
				return true
			}
			around = append(around, n)
			lit, ok := n.(*ast.BasicLit)
			if !ok {
				return true
			}
			said, ok := literal(lit)
			if _, isKey := keys[said]; ok && !isKey && !slices.Contains(names, said) && sentence.MatchString(said) && !sql.MatchString(said) && forPeople(around) {
				past = append(past, fset.Position(lit.Pos()).String()+": "+said)
			}
			return true
		})
	})
	require.Empty(t, strings.Join(past, "\n"), "say it by kam.Note, kam.Say or kam.Errorf")
}

func within(room string, rooms []string) bool {
	return slices.ContainsFunc(rooms, func(r string) bool { return room == r || strings.HasPrefix(room, r+"/") })
}

// forPeople looks at the call that a literal is said in.
func forPeople(around []ast.Node) bool {
	for _, n := range slices.Backward(around) {
		switch n := n.(type) {
		case *ast.Field: // a tag
			return false
		case *ast.KeyValueExpr:
			if k, ok := n.Key.(*ast.Ident); ok && slices.Contains([]string{"Help", "Summary", "StaticSummary", "Description"}, k.Name) {
				return false
			}
		case *ast.BinaryExpr:
		case *ast.CallExpr:
			name := nameOf(n.Fun)
			method := name[strings.LastIndex(name, ".")+1:]
			switch {
			case slices.Contains(notForPeople, name), strings.HasPrefix(name, "pg."):
				return false
			case slices.Contains([]string{"Info", "Warn", "Error", "Debug", "ErrorContext", "trouble", "run", "Flush", "Set", "String", "Bool", "StringArray", "Flag"}, method):
				return false
			case name != "fmt.Sprintf":
				return true
			}
		}
	}
	return true
}

func nameOf(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.Ident:
		return e.Name
	case *ast.SelectorExpr:
		return nameOf(e.X) + "." + e.Sel.Name
	}
	return ""
}
