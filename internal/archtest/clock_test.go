package archtest_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// businessTime lists the packages in which the only time is the one that the
// workflow hands in: deadlines and business dates are computed and written
// there.
var businessTime = []string{"kam", "kam/access", "kam/customer", "kam/onboarding", "kam/book", "kam/signed", "kam/rules", "kam/rules/written", "kam/rules/identifier", "kam/rules/policy", "kam/rules/match", "activities", "activities/book", "activities/internal/route", "activities/internal/stage", "workflows", "store", "store/ledger", "store/internal/pg", "store/internal/contact", "store/access", "store/onboarding", "store/customer", "store/customer/merge", "store/customer/erase", "store/book", "internal/parties", "service"}

// machineClock lists, with the reason, every place there that looks at the
// clock of the machine or of the database. A new place fails the test until it
// stands here; one that is gone fails it too.
var machineClock = map[string]string{
	"activities/act.go MayAct DBNow":                              "a question that is asked and undone: it writes nothing",
	"activities/book/decide.go MayAct DBNow":                      "a question that is asked and undone: it writes nothing",
	"activities/book/book.go beating time.NewTicker":              "heartbeats of a long activity",
	"store/onboarding/request.go allot SQL clock_timestamp()":     "the year in the number of a case, and when it was allotted; the first effect sets opened_at",
	"store/onboarding/case.go - SQL clock_timestamp()":            "db_at of the audit row, beside the time of business",
	"store/internal/pg/pg.go Retry time.After":                    "a pause before asking again",
	"store/ledger/effect.go - SQL clock_timestamp()":              "db_at of the audit row, beside the time of business",
	"store/ledger/outbox.go ClaimMessages SQL clock_timestamp()":  "when a message is sent again",
	"store/ledger/outbox.go MarkDelivered SQL clock_timestamp()":  "when a message was delivered",
	"store/ledger/outbox.go MarkFailed SQL clock_timestamp()":     "when a message is sent again",
	"store/onboarding/case.go Save DBNow":                         "touched_at, which the worker compares with its workflows: it moves no case",
	"store/access/access.go - SQL clock_timestamp()":              "that the organisation has changed: a mark to compare, read as text",
	"store/onboarding/list.go Inbox SQL clock_timestamp()":        "a draft that is offered for a month: it moves no case",
	"store/ledger/changes.go ChangesAfter SQL clock_timestamp()":  "how far the trail can be told; no date comes of it",
	"store/recurring.go SaveSeen SQL clock_timestamp()":           "when recurring work last went well: for operators",
	"store/onboarding/list.go List SQL clock_timestamp()":         "a list of what has not moved lately",
	"store/onboarding/list.go NeedingCheck SQL clock_timestamp()": "what the worker compares with its workflows: it moves no case",
	"store/onboarding/list.go Stuck SQL clock_timestamp()":        "a list for operators: it moves no case",
	"store/customer/sales.go rebuildABC SQL clock_timestamp()":    "when the book was taken again; as_of is the time of business",
	"store/ledger/ledger.go Now SQL clock_timestamp()":            "for starter doctor, and for the loop that looks after lost effects",
	"service/batch.go refuseOnBatch time.Now":                     "when a refusal arrived that no workflow ever saw",
	"service/act.go recordRefusal time.Now":                       "when a refusal arrived that no workflow ever saw",
	"service/diagnose.go checkClock time.Now":                     "compares the clock of the machine with that of the database",
	"service/wire.go pause time.NewTimer":                         "a pause before asking again",
	"service/diagnose.go checkSignatures time.Now":                "which key is valid",
	"service/sign.go seal time.Now":                               "when somebody signs, and until when that holds: no deadline of a case",
	"service/sign.go sealing time.Now":                            "when an act arrived that is signed as it is stored",
	"service/signer.go Key time.Now":                              "whether keys are looked at again, and which is valid",
	"store/signature.go KnowsKeys SQL clock_timestamp()":          "when a worker was last heard of",
	"store/access/posts.go - SQL statement_timestamp()":           "who holds a post while an effect runs: what changed since its workflow task began counts",
	"store/access/posts.go since DBNow":                           "from when a change of the tree holds that is made at once: when it was made",
	"store/access/posts.go startOf DBNow":                         "whether what is planned lies ahead",
	"store/internal/pg/tree.go - SQL statement_timestamp()":       "who holds a post now, for lists and where key accounts of a book are managed: it moves no case",
	"store/access/access.go OrgChanged SQL statement_timestamp()": "what was planned and has begun: a mark to compare, read as text",
	"store/onboarding/list.go Inbox SQL statement_timestamp()":    "who holds a post now, for a list",
	"store/signature.go LiveWorkers SQL clock_timestamp()":        "which workers were heard of lately",
}

// goClocks are the functions of package time that read a clock or wait by one.
var goClocks = []string{"Now", "Since", "Until", "After", "AfterFunc", "Tick", "NewTimer", "NewTicker", "Sleep", "Local"}

// sqlClock finds what reads the database's clock.
var sqlClock = regexp.MustCompile(`(?i)\b(clock_timestamp\(\)|statement_timestamp\(\)|transaction_timestamp\(\)|now\(\)|timeofday\(\)|current_timestamp|current_date|current_time|localtime(?:stamp)?|'(?:now|today|tomorrow|yesterday)')`)

// clocks lists the places of a Go file that read a clock, by function.
func clocks(t *testing.T, name, path string) []string {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
	require.NoError(t, err)
	var found []string
	for _, d := range file.Decls {
		where := "-"
		if fn, ok := d.(*ast.FuncDecl); ok {
			where = fn.Name.Name
		}
		ast.Inspect(d, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.SelectorExpr:
				if id, ok := n.X.(*ast.Ident); ok && id.Name == "time" && slices.Contains(goClocks, n.Sel.Name) {
					found = append(found, fmt.Sprintf("%s %s time.%s", name, where, n.Sel.Name))
				}
				if n.Sel.Name == "DBNow" {
					found = append(found, fmt.Sprintf("%s %s DBNow", name, where))
				}
			case *ast.BasicLit:
				if text, err := strconv.Unquote(n.Value); err == nil && n.Kind == token.STRING {
					for _, m := range sqlClock.FindAllString(text, -1) {
						found = append(found, fmt.Sprintf("%s %s SQL %s", name, where, m))
					}
				}
			}
			return true
		})
	}
	return found
}

// TestNoDeadlineIsComputedFromTheMachinesClock: besides the places that are
// listed with their reason, code that computes deadlines or writes business
// dates cannot even ask for the time.
func TestNoDeadlineIsComputedFromTheMachinesClock(t *testing.T) {
	t.Parallel()
	found := map[string]bool{}
	files := 0
	for _, p := range packages(t) {
		if !slices.Contains(businessTime, p.name()) {
			continue
		}
		for _, f := range slices.Concat(p.GoFiles, p.IgnoredGoFiles) {
			if strings.HasSuffix(f, "_test.go") {
				continue
			}
			files++
			for _, c := range clocks(t, p.name()+"/"+f, filepath.Join(p.Dir, f)) {
				found[c] = true
			}
		}
	}
	require.Greater(t, files, 60, "the packages are there")
	for place := range found {
		if _, ok := machineClock[place]; !ok {
			t.Errorf("%q reads a clock: take the time from workflow.Now through the input, or list the place with its reason", place)
		}
	}
	for place, why := range machineClock {
		require.NotEmpty(t, why, place)
		require.True(t, found[place], "%q is listed and does not read a clock any more", place)
	}
}

// machineColumns lists the columns that the database fills from its own clock:
// when something arrived, never when something is due.
var machineColumns = []string{
	"kam.abc_snapshot at",
	"kam.cases created_at",
	"kam.cases touched_at",
	"kam.effect at",
	"kam.org_change insert",
	"kam.outbox created_at",
	"kam.outbox next_try",
	"kam.policy at",
	"kam.post create", "kam.post select", "kam.post since", // the view of the tree of now, and its rows for programs of the release before
	"kam.refusal at", "kam.signature_mode since",
	"kam.staged at",
	"kam.subject created_at",
	"kam.subject_effect at",
	"kam.withdraw_intent at",
}

// TestNoBusinessDateIsADefaultOfTheDatabase: in the schema only the listed
// columns take the time of the database.
func TestNoBusinessDateIsADefaultOfTheDatabase(t *testing.T) {
	t.Parallel()
	paths, err := filepath.Glob(filepath.Join("..", "..", "store", "migrations", "*.sql"))
	require.NoError(t, err)
	require.NotEmpty(t, paths)
	var found []string
	for _, path := range paths {
		text, err := os.ReadFile(path)
		require.NoError(t, err)
		table := "-"
		for line := range strings.Lines(string(text)) {
			line, _, _ = strings.Cut(line, "--")
			words := strings.Fields(line)
			if len(words) > 2 && words[0] == "create" && words[1] == "table" {
				table = words[2]
			}
			if sqlClock.MatchString(line) {
				found = append(found, table+" "+words[0])
			}
		}
	}
	slices.Sort(found)
	require.Equal(t, machineColumns, found, "a column that takes the database's time is listed here, and holds no business date")
}

// TestClockTestSeesClocks proves the finder on code that it must not pass.
func TestClockTestSeesClocks(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "bad.go")
	require.NoError(t, os.WriteFile(path, []byte(`package bad

import "time"

func due() time.Time { return time.Now().Add(time.Hour) }
func left(at time.Time) time.Duration { return time.Until(at) }
func sql() string { return "update t set due_at = now() + interval '1 day', day = CURRENT_DATE" }
func db(tx interface{ DBNow() time.Time }) time.Time { return tx.DBNow() }
func fine() string { return "known() and snow() are no clocks" }
`), 0o600))
	require.ElementsMatch(t, []string{
		"x.go due time.Now", "x.go left time.Until", "x.go sql SQL now()", "x.go sql SQL CURRENT_DATE", "x.go db DBNow",
	}, clocks(t, "x.go", path))
}
