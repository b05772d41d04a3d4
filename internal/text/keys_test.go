package text_test

import (
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kamflow/kamflow/gateway/page"
	"github.com/kamflow/kamflow/internal/text"
	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/access"
	"github.com/kamflow/kamflow/kam/customer"
	"github.com/kamflow/kamflow/kam/onboarding"
	"github.com/kamflow/kamflow/kam/rules"
)

var list = flag.String("missing", "", "write the keys that zh-CN lacks into this file, with the room of each")

// A keyed argument of a function is a key: a format, or a sentence without
// values. In are the packages where the name means this function, by folder;
// empty for all.
type keyed struct {
	arg int
	in  []string
}

// calls are the functions that take keys.
var calls = map[string][]keyed{
	"Errorf":  {{1, nil}},
	"Say":     {{0, nil}},
	"Textf":   {{0, nil}},
	"Note":    {{0, nil}},
	"Counted": {{1, []string{"activities", "activities/book"}}, {2, []string{"activities", "activities/book"}}},
	"Try":     {{0, nil}},
	"usagef":  {{0, []string{"starter"}}},
	"fault":   {{1, []string{"starter"}}},
	"oneOf":   {{1, []string{"starter"}}},
	"find":    {{2, []string{"kam/rules"}}, {3, []string{"kam/rules"}}},
	"findAs":  {{3, []string{"kam/rules"}}, {4, []string{"kam/rules"}}},
	"fail":    {{3, []string{"kam/rules/policy"}}},
	"failAt":  {{2, []string{"kam/rules/policy"}}},
	"wrong":   {{1, []string{"kam"}}, {2, []string{"kam"}}},
	"that":    {{2, []string{"config"}}},
	"bad":     {{1, []string{"internal/strictjson"}}},
}

// fields of composite literals that hold a sentence without values.
var fields = []string{"Message", "Remedy"}

// TestChineseIsComplete takes every key out of the source of all modules, tests
// left out, and holds the Chinese catalogue against them: none is missing, none
// is left over, and each has the places for values that its key has.
func TestChineseIsComplete(t *testing.T) {
	t.Parallel()
	root, err := filepath.Abs("../..")
	require.NoError(t, err)
	keys := sourceKeys(t, root)
	for _, w := range words() {
		keys[w] = "kam"
	}
	for id, format := range text.IDs() {
		keys[id] = "labels"
		require.NotContains(t, keys, format+"\x00", id)
	}
	chinese := text.Chinese()
	var missing, wrong []string
	for _, key := range slices.Sorted(maps.Keys(keys)) {
		said, ok := chinese[key]
		switch {
		case !ok && !text.Frame(key):
			missing = append(missing, keys[key]+"\t"+strconv.Quote(key))
		case ok:
			formats := []string{key}
			if english, isID := text.IDs()[key]; isID {
				formats = []string{english}
			}
			for _, format := range formats {
				if places(format) != places(said) {
					wrong = append(wrong, fmt.Sprintf("%q has %s, %q has %s", format, places(format), said, places(said)))
				}
			}
		}
	}
	if *list != "" {
		require.NoError(t, os.WriteFile(*list, []byte(strings.Join(missing, "\n")), 0o600))
	}
	require.Empty(t, wrong, "places for values")
	require.Empty(t, missing, "%d keys of %d are not in zh_CN", len(missing), len(keys))
	for key := range chinese {
		if _, used := keys[key]; !used && !text.IsHelp(key) {
			wrong = append(wrong, key)
		}
	}
	require.Empty(t, wrong, "nothing in the source says this")
}

// words are keys that are not literals where they are said.
func words() (all []string) {
	for _, a := range onboarding.Acts {
		all = append(all, a.Name.Words())
	}
	for _, a := range access.Actions {
		if w := a.Words(); w.Text == nil {
			all = append(all, w.English)
		}
	}
	for _, p := range access.Permissions {
		all = append(all, p.Scope.Words())
		if p.When.Text != "" {
			all = append(all, p.When.Text)
		}
	}
	for _, b := range kam.Boxes {
		all = append(all, b.Name)
	}
	for _, format := range rules.English {
		all = append(all, format)
	}
	return append(append(all, access.OwnCustomers), codes()...)
}

// codes are the codes of the process that pages show in words: what a code is
// kept in is not always a list, so those of events and scales stand here by name.
func codes() (all []string) {
	add := func(code string) { all = append(all, page.Plain(code)) }
	for _, f := range customer.Fields {
		if !strings.ContainsAny(f.Name, ".[") {
			add(f.Name)
		}
	}
	for _, s := range onboarding.States {
		add(string(s.State))
		if s.Task != "" {
			add(string(s.Task))
		}
	}
	for _, t := range kam.CaseTypes {
		add(string(t))
	}
	for _, r := range kam.Roles {
		add(string(r))
	}
	for _, p := range kam.Parties {
		add(string(p))
	}
	for _, t := range kam.Tiers {
		add(string(t))
	}
	for _, c := range strings.Fields(codesByName) {
		add(c)
	}
	return all
}

// sourceKeys are the keys in the source, each with a room that says it.
func sourceKeys(t *testing.T, root string) map[string]string {
	keys := map[string]string{}
	eachFile(t, root, func(room, path string) {
		fset := token.NewFileSet()
		file, err := parser.ParseFile(fset, path, nil, parser.ParseComments)
		require.NoError(t, err)
		x := extractor{t: t, fset: fset, room: room, keys: keys}
		x.file(file)
	})
	return keys
}

// eachFile visits the source of all modules, tests left out.
func eachFile(t *testing.T, root string, visit func(room, path string)) {
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := d.Name()
		if d.IsDir() && (strings.HasPrefix(name, ".") || name == "testdata" || name == "bin" || strings.HasSuffix(name, "test")) && path != root {
			return filepath.SkipDir
		}
		if d.IsDir() || filepath.Ext(name) != ".go" || strings.HasSuffix(name, "_test.go") {
			return nil
		}
		room, err := filepath.Rel(root, filepath.Dir(path))
		if err == nil {
			visit(filepath.ToSlash(room), path)
		}
		return err
	})
	require.NoError(t, err)
}

type extractor struct {
	t      *testing.T
	fset   *token.FileSet
	room   string
	keys   map[string]string
	params map[string]bool // of the functions around: they hand a key on
}

func (x *extractor) file(f *ast.File) {
	for _, d := range f.Decls {
		x.params = map[string]bool{}
		if g, ok := d.(*ast.GenDecl); ok && g.Doc != nil && slices.ContainsFunc(g.Doc.List, func(c *ast.Comment) bool { return c.Text == "//text:keys" }) {
			for _, s := range g.Specs {
				for _, v := range s.(*ast.ValueSpec).Values {
					x.values(v)
				}
			}
		}
		ast.Inspect(d, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.FuncType:
				for _, p := range n.Params.List {
					for _, name := range p.Names {
						x.params[name.Name] = true
					}
				}
			case *ast.CallExpr:
				x.call(n)
			case *ast.AssignStmt:
				for i, to := range n.Lhs {
					if s, ok := to.(*ast.SelectorExpr); ok && slices.Contains(fields, s.Sel.Name) && len(n.Rhs) == len(n.Lhs) {
						if key, ok := literal(n.Rhs[i]); ok {
							x.add(key)
						}
					}
				}
			case *ast.KeyValueExpr:
				if k, ok := n.Key.(*ast.Ident); ok && slices.Contains(fields, k.Name) {
					if key, ok := literal(n.Value); ok {
						x.add(key)
					}
				}
			}
			return true
		})
	}
}

// values adds a constant, the values of a map, or the last of each row of a list.
func (x *extractor) values(e ast.Expr) {
	if c, ok := e.(*ast.CompositeLit); ok {
		for i, el := range c.Elts {
			switch el := el.(type) {
			case *ast.KeyValueExpr:
				x.values(el.Value)
			case *ast.CompositeLit:
				x.values(el)
			default:
				if i == len(c.Elts)-1 {
					x.values(el)
				}
			}
		}
		return
	}
	key, ok := literal(e)
	require.True(x.t, ok, x.fset.Position(e.Pos()))
	x.add(key)
}

func (x *extractor) call(c *ast.CallExpr) {
	name, on := "", ""
	switch f := c.Fun.(type) {
	case *ast.Ident:
		name = f.Name
	case *ast.SelectorExpr:
		name = f.Sel.Name
		if id, ok := f.X.(*ast.Ident); ok {
			on = id.Name
		}
	}
	for _, k := range calls[name] {
		switch {
		case x.room == "config" && on == "fmt" && name == "Errorf": // config knows nothing of ours
			if key, ok := literal(c.Args[0]); ok && !strings.Contains(key, "%w") {
				x.add(key)
			}
			continue
		case on == "fmt" || on == "errors" || on == "log" || k.arg >= len(c.Args):
			continue
		case len(k.in) > 0 && !slices.Contains(k.in, x.room):
			continue
		case name == "Errorf" && on != "kam" && x.room != "kam":
			continue
		case name == "wrong" && on != "c", name == "Note" && on != "kam" && x.room != "kam":
			continue
		}
		arg := c.Args[k.arg]
		if key, ok := literal(arg); ok {
			x.add(key)
			continue
		}
		id, ok := arg.(*ast.Ident)
		if !ok || !x.params[id.Name] {
			x.t.Errorf("%s: the key of %s is no literal: nobody could translate it", x.fset.Position(arg.Pos()), name)
		}
	}
}

func (x *extractor) add(key string) {
	if _, known := x.keys[key]; !known && key != "" {
		x.keys[key] = x.room
	}
}

// literal is a string literal, or several that are added up.
func literal(e ast.Expr) (string, bool) {
	switch e := e.(type) {
	case *ast.BasicLit:
		if e.Kind != token.STRING {
			return "", false
		}
		s, err := strconv.Unquote(e.Value)
		return s, err == nil
	case *ast.BinaryExpr:
		a, ok1 := literal(e.X)
		b, ok2 := literal(e.Y)
		return a + b, ok1 && ok2
	}
	return "", false
}

var place = regexp.MustCompile(`%(?:\[(\d+)\])?[+#0-9.]*([a-zA-Z%])`)

// figure is a place in a sentence of a decision.
var figure = regexp.MustCompile(`\{\d\}`)

// places are the values that a format takes, by number, and how.
func places(format string) string {
	at := map[int]string{}
	next := 1
	for _, m := range place.FindAllStringSubmatch(format, -1) {
		if m[2] == "%" {
			continue
		}
		if m[1] != "" {
			next, _ = strconv.Atoi(m[1])
		}
		at[next] = m[2]
		next++
	}
	var all []string
	for _, n := range slices.Sorted(maps.Keys(at)) {
		all = append(all, fmt.Sprintf("%d%s", n, at[n]))
	}
	braces := figure.FindAllString(format, -1) // of decisions
	slices.Sort(braces)
	return strings.Join(append(all, braces...), " ")
}

// codesByName are the codes of answers, of the trail and of scales that pages show.
const codesByName = `
	REFER REJECT REFER_COMPLIANCE CONFIRM SEND_BACK DECLINE ENDORSE CLEAR REFUSE AGREE ESCALATE CERTAIN PROBABLE
	POSSIBLE ERROR REVIEW WARNING INFO REMIND EXPIRE LAPSE NOTIFY_MANAGER ADDED_KA ADDED_NON_KA MODIFIED
	REACTIVATED_KA REACTIVATED_NON_KA DEACTIVATED RECLASSIFIED NO_CHANGE NON_KA PROVISIONAL STRATEGIC STAR STATUS
	STREAMLINE LOCAL NOT_DUPLICATE USE_EXISTING SAME_REQUEST CONVERT_TO_MODIFY kam_assignment import_confirmation
	draft_offer AMENDED ANALYZED CANDIDATES_FOUND CANCEL_ASKED CASE_OPENED CLASSIFIED COMMENTED COMPLIANCE_DECIDED
	CONFIRMED COVERAGE_STOPPED CAPACITY_OVERRIDDEN CUSTOMER_COMMITTED CUSTOMER_MERGED CUSTOMER_SPLIT DATA_ERASED
	DATA_SUBMITTED DECISION_COMPUTED DECISION_REFUSED DELEGATION_APPLIED DETAILS_SUBMITTED DUPLICATE_RESOLVED
	ENDORSED ENDORSEMENT_DECLINED ENDORSEMENT_LAPSED FAULT FINDING_WAIVED HANDED_OFF KEY_ACCOUNT_RELEASED
	ORG_CHANGED ORG_CHANGE_ASKED ORG_CHANGE_CLOSED ORG_LOADED POLICY_PUBLISHED REEVALUATED REQUEST_MOVED RETRIED
	SEGMENTED SENT_BACK SIGNATURES SIGNATURE_REFUSED SIGN_IN_CHANGED TARGET_PINNED TASK_CLAIMED TASK_ESCALATED
	TASK_OPENED TASK_REASSIGNED TASK_RELEASED TASK_REMINDED TERRITORY_RESOLVED TIER_CHANGED VALIDATED SCREENED
	FULL PARTIAL NONE UNKNOWN ORGANIZATION SOLE_PRACTITIONER PUBLIC_BODY VISIT DIRECT HIGH MEDIUM LOW CONTACT
	ACTIVE INACTIVE BATCH_UPLOADED BATCH_CHECKED BATCH_CONFIRMED BATCH_APPLIED BATCH_CANCELLED BATCH_EXPIRED
	UPLOADED CHECKED APPLIED annual_potential ADD KA
`
