package kam_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"reflect"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kamflow/kamflow/kam"
)

func TestStates(t *testing.T) {
	t.Parallel()
	count := map[kam.StateKind]int{}
	for _, s := range kam.States {
		count[s.Kind]++
		require.Equal(t, s, s.State.Spec())
		stage, staged := kam.StageOf[s.State]
		switch s.Kind {
		case kam.Human:
			require.NotEmpty(t, s.Task, "%s opens no task", s.State)
			require.NotEmpty(t, s.WaitsFor, s.State)
			require.False(t, staged, s.State)
		case kam.Automatic:
			require.True(t, staged, "%s has no stage", s.State)
			require.Empty(t, s.Task, s.State)
			require.Contains(t, kam.StepsOf(stage), s.Step, "a state stands at the first step of its stage")
		case kam.End:
			require.False(t, staged, s.State)
			require.Empty(t, s.Task, s.State)
		}
	}
	require.Equal(t, map[kam.StateKind]int{kam.Human: 10, kam.Automatic: 7, kam.End: 6}, count)
	require.Len(t, kam.StageOf, 7)
}

// readFacts finds, in the source of the table, which facts each guard reads:
// the fields that its row names, and those of the helpers that it names. It
// may name too many and never too few.
func readFacts(t *testing.T) [][]string {
	t.Helper()
	isField := map[string]bool{}
	for _, f := range reflect.VisibleFields(reflect.TypeFor[kam.Facts]()) {
		isField[f.Name] = true
	}
	bodies := map[string]ast.Node{}
	var rows []ast.Expr
	for _, name := range []string{"machine.go", "transitions.go"} {
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		require.NoError(t, err)
		for _, d := range file.Decls {
			fn, ok := d.(*ast.FuncDecl)
			if !ok {
				continue
			}
			bodies[fn.Name.Name] = fn.Body
			if fn.Name.Name != "transitions" {
				continue
			}
			ast.Inspect(fn.Body, func(n ast.Node) bool {
				switch n := n.(type) {
				case *ast.AssignStmt:
					bodies[n.Lhs[0].(*ast.Ident).Name] = n.Rhs[0]
				case *ast.ReturnStmt:
					if list, ok := n.Results[0].(*ast.CompositeLit); ok && rows == nil {
						rows = list.Elts
					}
				}
				return true
			})
		}
	}
	var collect func(n ast.Node, into map[string]bool)
	collect = func(n ast.Node, into map[string]bool) {
		ast.Inspect(n, func(n ast.Node) bool {
			id, ok := n.(*ast.Ident)
			if !ok || into[id.Name] {
				return true
			}
			if isField[id.Name] {
				into[id.Name] = true
			} else if body, ok := bodies[id.Name]; ok {
				into[id.Name] = true // a helper, entered once
				collect(body, into)
			}
			return true
		})
	}
	list := make([][]string, len(kam.Transitions)) // the grouped rows have no tests
	for i, row := range rows {
		names := map[string]bool{}
		collect(row, names)
		for name := range names {
			if isField[name] {
				list[i] = append(list[i], name)
			}
		}
	}
	for i, row := range kam.Transitions {
		require.True(t, row.Guard.Test == nil || len(list[i]) > 0, "row %d (%s %s): no facts found in the source", i, row.From, row.Event)
	}
	return list
}

// values are all values that a fact can take.
func values(name string) []any {
	states := []any{kam.State("")}
	for _, s := range kam.States {
		states = append(states, s.State)
	}
	switch name {
	case "Type":
		return []any{kam.NewCase, kam.Modify, kam.Reactivate, kam.Deactivate, kam.Reclassify}
	case "Match":
		return []any{kam.MatchClass(""), kam.MatchPossible, kam.MatchProbable, kam.MatchCertain}
	case "Target":
		return []any{kam.TargetNone, kam.TargetActive, kam.TargetInactive, kam.TargetUnusable}
	case "Recommendation":
		return []any{kam.Add, kam.Refer, kam.ReferCompliance, kam.Reject}
	case "ReturnTo", "BeforeFault":
		return states
	}
	return []any{false, true}
}

// eachFacts calls f with every combination of the named facts.
func eachFacts(names []string, f func(kam.Facts)) {
	facts := kam.Facts{}
	v := reflect.ValueOf(&facts).Elem()
	var set func(i int)
	set = func(i int) {
		if i == len(names) {
			f(facts)
			return
		}
		for _, x := range values(names[i]) {
			v.FieldByName(names[i]).Set(reflect.ValueOf(x))
			set(i + 1)
		}
	}
	set(0)
}

func union(lists ...[]string) []string {
	var all []string
	for _, l := range lists {
		all = append(all, l...)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// TestNoTwoTransitionsAtOnce enumerates, for each state and event, every
// combination of the facts that its guards read.
func TestNoTwoTransitionsAtOnce(t *testing.T) {
	t.Parallel()
	type key struct {
		from  kam.State
		event kam.Event
	}
	reads := readFacts(t)
	groups := map[key][]int{}
	for i, row := range kam.Transitions {
		groups[key{row.From, row.Event}] = append(groups[key{row.From, row.Event}], i)
	}
	fired := make([]bool, len(kam.Transitions))
	combinations := 0
	for k, rows := range groups {
		var names []string
		for _, i := range rows {
			names = union(names, reads[i])
		}
		eachFacts(names, func(f kam.Facts) {
			combinations++
			var hit []int
			for _, i := range rows {
				if g := kam.Transitions[i].Guard; g.Test == nil || g.Test(f) {
					hit = append(hit, i)
				}
			}
			next, err := kam.Next(k.from, k.event, f)
			if len(hit) > 1 {
				t.Fatalf("%s %s: rows %v hold under %+v", k.from, k.event, hit, f)
			}
			if len(hit) == 0 {
				require.ErrorIs(t, err, kam.WrongState)
				return
			}
			fired[hit[0]] = true
			require.NoError(t, err)
			require.NotEmpty(t, next.To.Kind(), "%s %s leads to %q under %+v", k.from, k.event, next.To, f)
		})
	}
	for i, ok := range fired {
		require.True(t, ok, "row %d (%s %s) can never fire", i, kam.Transitions[i].From, kam.Transitions[i].Event)
	}
	t.Logf("%d rows, %d pairs of state and event, %d combinations of facts", len(kam.Transitions), len(groups), combinations)
}

// TestAutomaticStatesAlwaysMove: under all facts exactly one event of the
// system is possible in an automatic state, faults apart. So no case can be
// stuck there, and the engine never has to choose.
func TestAutomaticStatesAlwaysMove(t *testing.T) {
	t.Parallel()
	reads := readFacts(t)
	for state := range kam.StageOf {
		var names []string
		events := map[kam.Event]bool{}
		for i, row := range kam.Transitions {
			if row.From == state && row.Event != kam.EvFault && row.Event != kam.EvWithdraw {
				names = union(names, reads[i])
				events[row.Event] = true
			}
		}
		eachFacts(names, func(f kam.Facts) {
			possible := 0
			for e := range events {
				if _, err := kam.Next(state, e, f); err == nil {
					possible++
				}
			}
			if possible != 1 {
				t.Fatalf("%s: %d events are possible under %+v", state, possible, f)
			}
		})
	}
}

// graph is where each row may lead, Resume written out.
func graph(from kam.State, follow func(kam.Transition) bool) []kam.State {
	var next []kam.State
	for _, row := range kam.Transitions {
		if row.From != from || follow != nil && !follow(row) {
			continue
		}
		if row.To != kam.Resume {
			next = append(next, row.To)
			continue
		}
		for state := range kam.StageOf {
			next = append(next, state)
		}
	}
	return next
}

func reach(from []kam.State, next func(kam.State) []kam.State) map[kam.State]bool {
	seen := map[kam.State]bool{}
	for len(from) > 0 {
		s := from[0]
		from = from[1:]
		if !seen[s] {
			seen[s] = true
			from = append(from, next(s)...)
		}
	}
	return seen
}

func TestEveryStateIsReachedAndEnds(t *testing.T) {
	t.Parallel()
	seen := reach([]kam.State{kam.Draft}, func(s kam.State) []kam.State { return graph(s, nil) })
	for _, s := range kam.States {
		require.True(t, seen[s.State], "%s is never reached", s.State)
		ends := false
		for r := range reach([]kam.State{s.State}, func(x kam.State) []kam.State { return graph(x, nil) }) {
			ends = ends || r.Ended()
		}
		require.True(t, ends, "%s never ends", s.State)
		if s.Kind == kam.End {
			require.Empty(t, graph(s.State, nil), "%s is an end", s.State)
		}
	}
}

// TestOnlyCompletedAfterTheCommit follows every row from the states after the
// commit; a fault on the way keeps a state after the commit to resume.
func TestOnlyCompletedAfterTheCommit(t *testing.T) {
	t.Parallel()
	for _, s := range kam.States {
		if !s.State.AfterCommit() {
			continue
		}
		for _, next := range graph(s.State, func(row kam.Transition) bool { return row.Event != kam.EvFault }) {
			require.True(t, next.AfterCommit(), "%s leads back to %s", s.State, next)
			require.True(t, !next.Ended() || next == kam.Completed)
		}
		resumed := kam.Facts{BeforeFault: s.State}
		for _, row := range kam.Transitions {
			if row.From != kam.NeedsIntervention {
				continue
			}
			if got, err := kam.Next(kam.NeedsIntervention, row.Event, resumed); err == nil {
				require.Equal(t, s.State, got.To, "%s after a fault in %s", row.Event, s.State)
			}
		}
	}
	require.False(t, kam.NeedsIntervention.AfterCommit())
	for _, row := range kam.Transitions {
		if row.To.AfterCommit() && !row.From.AfterCommit() {
			require.Equal(t, kam.EvPass, row.Event, "only the commit leads there")
		}
		require.True(t, row.To != kam.Completed || row.From == kam.HandingOff)
	}
}

// TestFaultsNeedAStateToResume: without one, or with one that people wait in,
// nothing can be retried or cancelled.
func TestFaultsNeedAStateToResume(t *testing.T) {
	t.Parallel()
	for _, state := range append([]kam.StateSpec{{}}, kam.States...) {
		f := kam.Facts{BeforeFault: state.State}
		got, err := kam.Next(kam.NeedsIntervention, kam.EvRetry, f)
		_, cancel := kam.Next(kam.NeedsIntervention, kam.EvCancel, f)
		if state.Kind != kam.Automatic {
			require.ErrorIs(t, err, kam.WrongState, state.State)
			require.ErrorIs(t, cancel, kam.WrongState, state.State)
			continue
		}
		require.NoError(t, err)
		require.Equal(t, state.State, got.To)
		require.Equal(t, state.State.AfterCommit(), cancel != nil, state.State)
	}
}

// TestSilenceNeverConfirms: what a timer does either leaves the case where it
// is or ends it; after the commit it leaves the status as it was.
func TestSilenceNeverConfirms(t *testing.T) {
	t.Parallel()
	for _, row := range kam.Transitions {
		if !slices.Contains(row.By, kam.ByTimer) {
			continue
		}
		require.Equal(t, []kam.Actor{kam.ByTimer}, row.By, "a timer shares no row with a person")
		require.Contains(t, []kam.Event{kam.EvEscalate, kam.EvExpire, kam.EvLapse}, row.Event)
		switch row.Event {
		case kam.EvEscalate:
			require.Equal(t, row.From, row.To)
		case kam.EvExpire:
			require.Equal(t, kam.Expired, row.To)
		case kam.EvLapse:
			require.Equal(t, kam.AwaitingEndorsement, row.From)
			require.Equal(t, kam.HandingOff, row.To)
		}
	}
	for _, s := range kam.States {
		if s.Kind == kam.Human && s.State != kam.NeedsIntervention {
			require.True(t, kam.Takes(s.State, kam.EvExpire) || kam.Takes(s.State, kam.EvLapse), "%s waits for ever", s.State)
		}
	}
}

// TestReviewCasesAskNobodyForData: RECLASSIFY has no requester, so it is never
// sent to one.
func TestReviewCasesAskNobodyForData(t *testing.T) {
	t.Parallel()
	reads := readFacts(t)
	asked := []kam.State{kam.Draft, kam.DataEntry, kam.ChangesRequested, kam.AwaitingCompletion, kam.AwaitingConfirmation}
	seen := reach([]kam.State{kam.Identifying}, func(s kam.State) []kam.State {
		var next []kam.State
		for i, row := range kam.Transitions {
			if row.From != s || row.Event == kam.EvFault {
				continue
			}
			eachFacts(reads[i], func(f kam.Facts) {
				f.Type = kam.Reclassify
				if row.Guard.Test == nil || row.Guard.Test(f) {
					next = append(next, row.To)
				}
			})
		}
		return next
	})
	for _, s := range asked {
		require.False(t, seen[s], "a RECLASSIFY case gets to %s", s)
	}
	require.True(t, seen[kam.Completed])
	require.True(t, seen[kam.ValidationReview])
}
