package archtest_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const module = "github.com/kamflow/kamflow"

// pkg is what go list says of a package of the root module.
type pkg struct {
	ImportPath     string
	Dir            string
	GoFiles        []string
	IgnoredGoFiles []string
	Imports        []string
}

// name is the path below the module, "kam/rules".
func (p pkg) name() string { return strings.TrimPrefix(strings.TrimPrefix(p.ImportPath, module), "/") }

func packages(t *testing.T) []pkg {
	t.Helper()
	cmd := exec.Command("go", "list", "-e", "-json=ImportPath,Dir,GoFiles,IgnoredGoFiles,Imports", "./...")
	cmd.Dir = filepath.Join("..", "..")
	out, err := cmd.Output()
	require.NoError(t, err)
	var list []pkg
	for dec := json.NewDecoder(bytes.NewReader(out)); ; {
		var p pkg
		err := dec.Decode(&p)
		if errors.Is(err, io.EOF) {
			return list
		}
		require.NoError(t, err)
		list = append(list, p)
	}
}

// A rule says what a package may import besides the standard library: exact
// paths, or with /... everything below. Paths without a dot in front of the
// first slash belong to this module. Nil means anything that the rules for all
// do not forbid.
type rule struct {
	pkg string
	may []string
}

// ground is what each room of the store stands on.
var ground = []string{"kam", "store/ledger", "store/internal/...", "github.com/jackc/pgx/v5/..."}

// stages is what the stages of each process use.
var stages = []string{"kam", "activities/internal/...", "store", "store/ledger", "store/access", "internal/failpoint", "internal/span", "go.temporal.io/sdk/activity"}

// rules is the picture of dependencies: arrows point one way, towards kam.
var rules = []rule{
	{"kam", []string{}},
	{"kam/access", []string{"kam"}},
	{"kam/customer", []string{"kam"}},
	{"kam/onboarding", []string{"kam", "kam/access", "kam/customer"}},
	{"kam/book", []string{"kam", "kam/customer"}},
	{"kam/tabletest", []string{"kam", "github.com/stretchr/testify/require"}},
	{"kam/rules/written", []string{"golang.org/x/text/..."}},
	{"kam/rules/identifier", []string{"kam", "kam/customer", "kam/rules/written", "golang.org/x/text/..."}},
	{"kam/rules/policy", []string{"kam", "kam/customer", "kam/onboarding", "kam/rules/written", "go.yaml.in/yaml/v3"}},
	{"kam/rules/match", []string{"kam", "kam/customer", "kam/rules/written", "kam/rules/identifier", "kam/rules/policy", "golang.org/x/text/..."}},
	{"kam/rules", []string{"kam", "kam/customer", "kam/onboarding", "kam/book", "kam/rules/identifier", "kam/rules/match", "kam/rules/policy", "kam/rules/written", "golang.org/x/text/..."}},
	{"kam/signed", []string{"kam", "kam/onboarding", "kam/book"}},
	{"kam/signed/signedtest", []string{"kam", "kam/onboarding", "kam/book", "kam/signed"}},
	{"store", []string{"store/ledger", "store/access", "store/onboarding", "store/customer", "store/customer/merge", "store/customer/erase", "store/book", "store/identity", "kam", "kam/onboarding", "kam/book", "kam/signed", "store/internal/pg", "github.com/jackc/pgx/v5/...", "github.com/pressly/goose/v3/...", "github.com/exaring/otelpgx",
		"go.opentelemetry.io/otel/trace", "go.opentelemetry.io/otel/metric/...", "go.opentelemetry.io/otel/semconv/..."}},
	{"store/ledger", []string{"kam", "kam/onboarding", "store/internal/pg", "github.com/jackc/pgx/v5/..."}},
	{"store/internal/pg", []string{"kam", "github.com/jackc/pgx/v5/..."}},
	{"store/internal/contact", []string{"kam", "kam/customer", "store/internal/pg", "github.com/jackc/pgx/v5"}},
	{"store/access", append([]string{"kam/access", "kam/customer"}, ground...)},
	{"store/identity", append([]string{"kam/access", "store/access", "github.com/alexedwards/argon2id"}, ground...)},
	{"store/onboarding", append([]string{"kam/customer", "kam/onboarding"}, ground...)},
	{"store/customer", append([]string{"kam/customer", "store/access", "store/onboarding"}, ground...)},
	{"store/customer/merge", append([]string{"kam/customer", "kam/onboarding", "store/access", "store/customer"}, ground...)},
	{"store/customer/erase", append([]string{"kam/customer", "store/access", "store/onboarding"}, ground...)},
	{"store/book", append([]string{"kam/customer", "kam/book", "store/access", "store/customer"}, ground...)},
	{"internal/span", []string{"kam", "kam/onboarding", "go.opentelemetry.io/otel/trace", "go.opentelemetry.io/otel/attribute", "go.opentelemetry.io/otel/codes"}},
	{"activities", append([]string{"kam/access", "kam/customer", "kam/onboarding", "kam/book", "kam/signed", "activities/book", "kam/rules/...", "store/customer", "store/onboarding", "internal/parties"}, stages...)},
	{"activities/book", append([]string{"kam/access", "kam/customer", "kam/book", "kam/signed", "kam/rules/...", "store/book", "store/customer", "internal/parties", "golang.org/x/sync/errgroup"}, stages...)},
	{"activities/internal/route", []string{"kam", "kam/onboarding", "kam/rules", "kam/rules/policy", "store/access"}},
	{"activities/internal/stage", []string{"kam", "kam/customer", "kam/signed", "kam/rules", "kam/rules/match", "store/access", "store/customer", "go.temporal.io/sdk/activity", "go.temporal.io/sdk/temporal"}},
	{"workflows", []string{"kam", "kam/onboarding", "kam/book", "kam/signed", "go.temporal.io/sdk/..."}},
	{"service", []string{"kam", "kam/access", "kam/customer", "kam/onboarding", "kam/book", "kam/signed", "kam/rules/...", "store/...", "internal/namespace", "internal/parties", "internal/span", "internal/term", "go.temporal.io/sdk/...", "go.temporal.io/api/...", "go.opentelemetry.io/otel/trace", "github.com/google/uuid"}},
	{"service/routes", []string{"kam", "kam/access", "kam/customer", "kam/onboarding", "kam/book", "service", "github.com/danielgtaylor/huma/v2/..."}},
	{"service/remote", []string{"kam", "kam/customer", "kam/onboarding", "kam/book", "service", "service/routes"}},
	{"gateway/api", []string{"kam", "kam/onboarding", "service", "service/routes", "github.com/danielgtaylor/huma/v2/...", "github.com/swaggest/swgui/v5emb"}},
	{"config", []string{"github.com/spf13/...", "github.com/go-viper/mapstructure/v2", "github.com/hbollon/go-edlib", "go.yaml.in/yaml/v3",
		"go.uber.org/zap/...", "go.temporal.io/sdk/client", "go.temporal.io/sdk/converter", "go.temporal.io/sdk/log", "go.temporal.io/sdk/contrib/envconfig"}},
	{"internal/mutations", []string{}},
	{"internal/upgradecheck", []string{"kam", "kam/onboarding", "go.temporal.io/sdk/...", "go.temporal.io/api/...", "google.golang.org/protobuf/proto"}},
	{"gateway", []string{"kam", "service", "service/routes", "store/identity", "internal/text", "gateway/page", "github.com/alexedwards/scs/v2", "github.com/go-chi/httprate", "github.com/klauspost/compress/gzhttp", "github.com/prometheus/client_golang/prometheus"}},
	{"worker", nil},
	{"starter", nil},
	{"console", nil},
}

// onlyFor lists imports that only some packages may have.
var onlyFor = []struct {
	what string
	by   []string
	why  string
}{
	{"github.com/spf13/viper", []string{"config", "worker", "starter", "console"}, "settings are read in one place"},
	{"go.uber.org/zap/...", []string{"config", "worker", "starter", "console", "internal/workerapp", "internal/consoleapp", "internal/health", "internal/observe", "internal/program"}, "libraries do not choose a logger"},
	{"go.opentelemetry.io/otel/sdk/...", []string{"internal/observe"}, "traces and metrics are made in one place; others see interfaces"},
	{"go.opentelemetry.io/otel/exporters/...", []string{"internal/observe"}, "what leaves the house is decided in one place"},
	{"go.opentelemetry.io/otel", []string{"internal/observe"}, "nothing of tracing is global but who hears of its errors"},
	{"go.temporal.io/sdk/contrib/opentelemetry", []string{"internal/observe"}, "its spans are wrong in a replay: see observe"},
	{"github.com/exaring/otelpgx", []string{"store"}, "the pool is hidden in store"},
	{"github.com/prometheus/client_golang/...", []string{"internal/observe", "internal/workerapp", "gateway"}, "only what runs for long serves figures"},
	{"github.com/jackc/pgx/v5/...", []string{"store/...", "internal/pgserver", "internal/pgserver/pgtest"}, "SQL stands in store"},
	{"store/...", []string{"store/...", "activities/...", "service/...", "internal/parties", "internal/workerapp", "internal/consoleapp", "worker", "gateway/..."}, "people reach the system through service"},
	{"go.temporal.io/...", []string{"activities/...", "config", "service", "workflows", "worker", "internal/workerapp", "internal/consoleapp", "internal/namespace", "internal/observe", "internal/upgradecheck"}, "people reach the system through service"},
	{"github.com/coreos/go-oidc/...", []string{"gateway/openid"}, "who vouches for somebody is asked in one place"},
	{"golang.org/x/oauth2/...", []string{"gateway/openid"}, "who vouches for somebody is asked in one place"},
	{"github.com/alexedwards/argon2id", []string{"store/identity"}, "passwords are hashed in one place"},
	{"store/identity", []string{"store", "gateway", "gateway/pages", "gateway/pages/link", "gateway/pages/me", "gateway/pages/signin", "gateway/pages/terminal", "gateway/pages/people", "internal/consoleapp"}, "only the gateway lets people in"},
	{"kam/tabletest", nil, "tests import it"},
	{"internal/consoletest", nil, "tests import it"},
	{"internal/browsertest", []string{"internal/consoletest"}, "tests import it"},
	{"github.com/chromedp/...", []string{"internal/browsertest"}, "a browser is driven in one place"},
	{"github.com/xuri/excelize/v2", []string{"gateway/page"}, "a spreadsheet is written in one place"},
	{"github.com/danielgtaylor/huma/v2/...", []string{"gateway/api", "service/routes"}, "HTTP is made of one table"},
	{"workflows", []string{"worker", "internal/workerapp"}, "others meet a workflow by its name in kam"},
	{"activities/...", []string{"activities/...", "worker", "internal/workerapp", "internal/consoleapp"}, "only a worker runs activities, and who signs asks them before"},
	{module + "/standalone/...", nil, "standalone is a module of its own, above this one"},
	{"go.temporal.io/server/...", nil, "a worker must not carry the server"},
}

// pure is what code without clock, chance and I/O has no use for. Packages that
// only read text, such as net/url and net/mail, are fine.
var pure = []string{"os", "os/...", "net", "net/http/...", "net/smtp", "net/rpc/...", "log", "log/...", "math/rand", "math/rand/v2", "crypto/rand", "database/sql/...", "syscall", "unsafe"}

// never lists parts of the standard library that a package must not import,
// because there it would not replay, or not be pure.
var never = map[string][]string{
	"kam":                  pure,
	"kam/access":           pure,
	"kam/customer":         pure,
	"kam/onboarding":       pure,
	"kam/book":             pure,
	"kam/signed":           pure,
	"kam/rules":            pure,
	"kam/rules/written":    pure,
	"kam/rules/identifier": pure,
	"kam/rules/policy":     pure,
	"kam/rules/match":      pure,
	"workflows":            {"os", "os/...", "net", "net/...", "log", "log/...", "math/rand", "math/rand/v2", "crypto/rand", "database/sql/...", "sync", "syscall", "unsafe"},
}

// matches says whether an import is what a pattern names.
func matches(pattern, path string) bool {
	path = strings.TrimPrefix(path, module+"/")
	pattern = strings.TrimPrefix(pattern, module+"/")
	if base, ok := strings.CutSuffix(pattern, "/..."); ok {
		return path == base || strings.HasPrefix(path, base+"/")
	}
	return path == pattern
}

func anyMatch(patterns []string, path string) bool {
	return slices.ContainsFunc(patterns, func(p string) bool { return matches(p, path) })
}

func standard(path string) bool {
	first, _, _ := strings.Cut(path, "/")
	return !strings.Contains(first, ".")
}

// violations judges one package.
func violations(p pkg) []string {
	var bad []string
	i := slices.IndexFunc(rules, func(r rule) bool { return r.pkg == p.name() })
	if i < 0 && p.name() != "store/storetest" && (!strings.Contains(p.name(), "/") || strings.HasPrefix(p.name(), "kam/") || strings.HasPrefix(p.name(), "store/") || strings.HasPrefix(p.name(), "activities/")) {
		bad = append(bad, p.name()+" has no rule: say what it may import")
	}
	for _, path := range p.Imports {
		if anyMatch(never[p.name()], path) {
			bad = append(bad, p.name()+" must not import "+path)
		}
		if i >= 0 && rules[i].may != nil && !standard(path) && !anyMatch(rules[i].may, path) {
			bad = append(bad, p.name()+" may not import "+path)
		}
		for _, o := range onlyFor {
			if matches(o.what, path) && !anyMatch(o.by, p.name()) && p.name() != "internal/consoletest" { // a whole console, for tests
				bad = append(bad, fmt.Sprintf("%s may not import %s: %s", p.name(), path, o.why))
			}
		}
	}
	return bad
}

func TestImportsPointOneWay(t *testing.T) {
	list := packages(t)
	require.NotEmpty(t, list)
	for _, p := range list {
		for _, v := range violations(p) {
			t.Error(v)
		}
	}
}

// TestTheRulesBite keeps the test above from passing because it looks away.
func TestTheRulesBite(t *testing.T) {
	t.Parallel()
	for _, p := range []pkg{
		{ImportPath: module + "/kam", Imports: []string{"go.uber.org/zap"}},
		{ImportPath: module + "/kam", Imports: []string{"os"}},
		{ImportPath: module + "/kam", Imports: []string{module + "/kam/access"}},
		{ImportPath: module + "/kam/access", Imports: []string{module + "/kam/onboarding"}},
		{ImportPath: module + "/kam/customer", Imports: []string{module + "/kam/onboarding"}},
		{ImportPath: module + "/kam/onboarding", Imports: []string{module + "/kam/book"}},
		{ImportPath: module + "/kam/book", Imports: []string{module + "/kam/onboarding"}},
		{ImportPath: module + "/kam/book", Imports: []string{"time", "os"}},
		{ImportPath: module + "/service", Imports: []string{module + "/kam/tabletest"}},
		{ImportPath: module + "/kam/rules", Imports: []string{module + "/store"}},
		{ImportPath: module + "/kam/rules/identifier", Imports: []string{module + "/kam/rules/match"}},
		{ImportPath: module + "/kam/rules/policy", Imports: []string{module + "/kam/rules"}},
		{ImportPath: module + "/kam/rules/match", Imports: []string{"os"}},
		{ImportPath: module + "/kam/newcomer"},
		{ImportPath: module + "/workflows", Imports: []string{module + "/store"}},
		{ImportPath: module + "/workflows", Imports: []string{module + "/config"}},
		{ImportPath: module + "/workflows", Imports: []string{"math/rand/v2"}},
		{ImportPath: module + "/workflows", Imports: []string{"net/http"}},
		{ImportPath: module + "/starter", Imports: []string{module + "/standalone/stack"}},
		{ImportPath: module + "/internal/other", Imports: []string{"github.com/spf13/viper"}},
		{ImportPath: module + "/service", Imports: []string{module + "/workflows"}},
		{ImportPath: module + "/starter", Imports: []string{module + "/store"}},
		{ImportPath: module + "/internal/importer", Imports: []string{module + "/store"}},
		{ImportPath: module + "/internal/demo", Imports: []string{"go.temporal.io/sdk/client"}},
		{ImportPath: module + "/service", Imports: []string{"go.opentelemetry.io/otel/sdk/trace"}},
		{ImportPath: module + "/activities", Imports: []string{"go.opentelemetry.io/otel"}},
		{ImportPath: module + "/workflows", Imports: []string{"go.temporal.io/sdk/contrib/opentelemetry"}},
		{ImportPath: module + "/service/routes", Imports: []string{module + "/store"}},
		{ImportPath: module + "/service/remote", Imports: []string{module + "/gateway/api"}},
		{ImportPath: module + "/gateway/api", Imports: []string{module + "/store"}},
		{ImportPath: module + "/starter", Imports: []string{"github.com/danielgtaylor/huma/v2"}},
		{ImportPath: module + "/newcomer"},
		{ImportPath: module + "/store/newcomer"},
		{ImportPath: module + "/activities/newcomer"},
		{ImportPath: module + "/activities/book", Imports: []string{module + "/activities"}},
		{ImportPath: module + "/activities/book", Imports: []string{module + "/store/onboarding"}},
		{ImportPath: module + "/starter", Imports: []string{module + "/activities/book"}},
		{ImportPath: module + "/store/access", Imports: []string{module + "/store/customer"}},
		{ImportPath: module + "/store/onboarding", Imports: []string{module + "/store/access"}},
		{ImportPath: module + "/store/customer", Imports: []string{module + "/store/customer/merge"}},
		{ImportPath: module + "/store/customer/merge", Imports: []string{module + "/store/customer/erase"}},
		{ImportPath: module + "/store/book", Imports: []string{module + "/store/onboarding"}},
		{ImportPath: module + "/starter", Imports: []string{module + "/store/book"}},
	} {
		require.NotEmpty(t, violations(p), p)
	}
	require.Empty(t, violations(pkg{ImportPath: module + "/workflows", Imports: []string{"time", module + "/kam", "go.temporal.io/sdk/workflow"}}))
}

// files parses the sources of a package without its tests.
func files(t *testing.T, p pkg) (*token.FileSet, []*ast.File) {
	t.Helper()
	set := token.NewFileSet()
	var list []*ast.File
	for _, name := range append(slices.Clone(p.GoFiles), p.IgnoredGoFiles...) {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(set, filepath.Join(p.Dir, name), nil, parser.ParseComments)
		require.NoError(t, err)
		list = append(list, f)
	}
	return set, list
}

// TestNoClockInTheProcess: rules and workflows get the time handed in. In a
// workflow, go statements, channels' select and the clock would not replay.
func TestNoClockInTheProcess(t *testing.T) {
	clock := []string{"Now", "Since", "Until", "Sleep", "After", "AfterFunc", "Tick", "NewTimer", "NewTicker"}
	for _, p := range packages(t) {
		if _, strict := never[p.name()]; !strict {
			continue
		}
		set, list := files(t, p)
		for _, f := range list {
			ast.Inspect(f, func(n ast.Node) bool {
				switch n := n.(type) {
				case *ast.SelectorExpr:
					if x, ok := n.X.(*ast.Ident); ok && x.Name == "time" && slices.Contains(clock, n.Sel.Name) {
						t.Errorf("%s: time.%s", set.Position(n.Pos()), n.Sel.Name)
					}
				case *ast.GoStmt, *ast.SelectStmt:
					t.Errorf("%s: goroutines and select do not replay", set.Position(n.Pos()))
				}
				return true
			})
		}
	}
}

// TestPackagesSayWhatTheyAre: one package comment each.
func TestPackagesSayWhatTheyAre(t *testing.T) {
	for _, p := range packages(t) {
		_, list := files(t, p)
		docs := 0
		for _, f := range list {
			if f.Doc != nil && strings.TrimSpace(f.Doc.Text()) != "" {
				docs++
			}
		}
		if len(list) > 0 && docs != 1 {
			t.Errorf("%s has %d package comments", p.name(), docs)
		}
	}
}

// TestTheProcessIsDocumented: every exported identifier of kam, of its rooms and
// of the rooms of the rules has a comment, its own or that of its group.
func TestTheProcessIsDocumented(t *testing.T) {
	for _, p := range packages(t) {
		if p.name() != "kam" && !strings.HasPrefix(p.name(), "kam/") || p.name() == "kam/rules" {
			continue
		}
		set, list := files(t, p)
		missing := func(id *ast.Ident, docs ...*ast.CommentGroup) {
			for _, d := range docs {
				if d != nil {
					return
				}
			}
			if id.IsExported() {
				t.Errorf("%s: %s has no comment", set.Position(id.Pos()), id.Name)
			}
		}
		for _, f := range list {
			for _, d := range f.Decls {
				switch d := d.(type) {
				case *ast.FuncDecl:
					// What implements an interface of the standard library is known.
					known := d.Recv != nil && slices.Contains([]string{"Error", "String", "Unwrap"}, d.Name.Name)
					if !known {
						missing(d.Name, d.Doc)
					}
				case *ast.GenDecl:
					for _, spec := range d.Specs {
						switch s := spec.(type) {
						case *ast.TypeSpec:
							missing(s.Name, d.Doc, s.Doc, s.Comment)
						case *ast.ValueSpec:
							for _, id := range s.Names {
								missing(id, d.Doc, s.Doc, s.Comment)
							}
						}
					}
				}
			}
		}
	}
}
