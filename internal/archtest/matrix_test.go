package archtest_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kamflow/kamflow/kam/access"
	"github.com/kamflow/kamflow/kam/onboarding"
)

// notYet lists the actions of processes that do not exist yet, by process.
// Whoever builds one asks, and takes its lines away.
var notYet = map[string][]access.Action{
	"2 profile and plan of a key account": {access.ActionPlanEdit, access.ActionPlanRead, access.ActionPlanAgree, access.ActionPlanApprove},
	"3.1, 3.2 calls":                      {access.ActionCallPlanEdit, access.ActionCallPlanApprove, access.ActionCallPlanRead, access.ActionRecordCall},
	"3.3 reviews":                         {access.ActionReviewHold, access.ActionReviewDecide, access.ActionReviewRead},
	"4 actual figures":                    {access.ActionEnterPnL, access.ActionFinanceHold, access.ActionConfirmActuals},
	"5 reports":                           {access.ActionReport, access.ActionAuditExport},
}

// asking are the packages that ask: the service at the door, the effects in
// their transaction.
var asking = []string{"service", "activities", "store"}

// TestEveryActionOfTheMatrixIsAsked: a row of the matrix that nothing asks
// protects nothing.
func TestEveryActionOfTheMatrixIsAsked(t *testing.T) {
	t.Parallel()
	asked := map[access.Action]bool{access.ActionClearCertain: true} // Permit makes it of ActionClearDuplicate
	for _, a := range onboarding.Acts {
		asked[a.Action] = true // RecordAct asks what the table says
	}
	names := actionNames(t)
	for _, p := range packages(t) {
		room, _, _ := strings.Cut(p.name(), "/")
		if !slices.Contains(asking, room) {
			continue
		}
		_, list := files(t, p)
		for _, f := range list {
			ast.Inspect(f, func(n ast.Node) bool {
				if s, ok := n.(*ast.SelectorExpr); ok {
					if x, ok := s.X.(*ast.Ident); ok && x.Name == "access" {
						if a, ok := names[s.Sel.Name]; ok {
							asked[a] = true
						}
					}
				}
				return true
			})
		}
	}
	require.Greater(t, len(asked), 20, "the finder finds")

	later := map[access.Action]string{}
	for process, list := range notYet {
		for _, a := range list {
			later[a] = process
			if !slices.Contains(access.Actions, a) {
				t.Errorf("%s is not in the matrix: take it off the list", a)
			}
		}
	}
	for _, a := range access.Actions {
		process, waits := later[a]
		switch {
		case asked[a] && waits:
			t.Errorf("%s is asked now: take it off the list of %s", a, process)
		case !asked[a] && !waits:
			t.Errorf("nothing asks %s: ask access.Permit where it is done, or say for which process it is", a)
		}
	}
}

// actionNames are the constants of access that name actions, with their values.
func actionNames(t *testing.T) map[string]access.Action {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join("..", "..", "kam", "access", "*.go"))
	require.NoError(t, err)
	names := map[string]access.Action{}
	for _, path := range paths {
		f, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
		require.NoError(t, err)
		ast.Inspect(f, func(n ast.Node) bool {
			s, ok := n.(*ast.ValueSpec)
			if !ok || len(s.Values) != 1 || !strings.HasPrefix(s.Names[0].Name, "Action") {
				return true
			}
			if lit, ok := s.Values[0].(*ast.BasicLit); ok {
				v, err := strconv.Unquote(lit.Value)
				require.NoError(t, err)
				names[s.Names[0].Name] = access.Action(v)
			}
			return true
		})
	}
	for _, a := range access.Actions {
		require.True(t, slices.Contains(slices.Collect(maps.Values(names)), a), a)
	}
	return names
}

// TestTheStoreDoesNotJudge: who may is said by whoever runs a transaction, and
// handed to the store.
func TestTheStoreDoesNotJudge(t *testing.T) {
	t.Parallel()
	judges := []string{"Permit", "CheckSeparation", "NotOwnAccount", "MayConfirm", "MayAppeal", "MayStandIn", "Lets"}
	seen := 0
	for _, p := range packages(t) {
		room, _, _ := strings.Cut(p.name(), "/")
		if room != "store" || p.name() == "store/storetest" {
			continue
		}
		seen++
		set, list := files(t, p)
		for _, f := range list {
			ast.Inspect(f, func(n ast.Node) bool {
				if s, ok := n.(*ast.SelectorExpr); ok && slices.Contains(judges, s.Sel.Name) {
					t.Errorf("%s asks %s", set.Position(s.Pos()), s.Sel.Name)
				}
				return true
			})
		}
	}
	require.Greater(t, seen, 8)
}
