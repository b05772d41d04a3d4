// Package tabletest goes through the table of a process under all facts: a
// process that brings a table tests it by one call of [Check].
package tabletest

import (
	"go/ast"
	"go/parser"
	"go/token"
	"math/rand/v2"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode"

	"github.com/stretchr/testify/require"

	"github.com/kamflow/kamflow/kam"
)

// Known lists the values of the facts that are neither true nor false, all in
// one: their types tell them apart.
type Known []any

// Check is what must hold of the table of a process that begins in a state:
// in one state and on one event never two rows hold, each row can be taken,
// each state is reached, and each can end.
func Check[S, E ~string, F any](t *testing.T, table kam.Table[S, E, F], start S, known Known) {
	t.Helper()
	type key struct {
		from  S
		event E
	}
	reads := Reads(t, table, known)
	groups := map[key][]int{}
	for i, row := range table.Rows {
		k := key{row.From, row.Event}
		for _, j := range groups[k] {
			require.NotEqual(t, table.Rows[j].Guard.String(), row.Guard.String(), "%s %s: two rows read the same", row.From, row.Event)
		}
		groups[k] = append(groups[k], i)
		require.NotEmpty(t, row.By, "%s %s: nobody brings it about", row.From, row.Event)
		require.NotEmpty(t, table.States.Spec(row.From).Kind, "there is no state %s", row.From)
	}
	next := map[S]map[S]bool{}
	fired := make([]bool, len(table.Rows))
	combinations := 0
	for k, rows := range groups {
		require.True(t, table.Takes(k.from, k.event))
		var names []string
		for _, i := range rows {
			names = Union(names, reads[i])
		}
		Each(names, known, func(f F) {
			combinations++
			var hit []int
			for _, i := range rows {
				if table.Rows[i].Guard.Holds(f) {
					hit = append(hit, i)
				}
			}
			if len(hit) > 1 {
				t.Fatalf("%s %s: rows %v hold under %+v", k.from, k.event, hit, f)
			}
			got, err := table.Next(k.from, k.event, f)
			if len(hit) == 0 {
				require.ErrorIs(t, err, kam.WrongState)
				return
			}
			fired[hit[0]] = true
			require.NoError(t, err)
			require.Equal(t, table.Rows[hit[0]].Effect, got.Effect)
			require.NotEmpty(t, table.States.Spec(got.To).Kind, "%s %s leads to %q under %+v", k.from, k.event, got.To, f)
			if next[k.from] == nil {
				next[k.from] = map[S]bool{}
			}
			next[k.from][got.To] = true
		})
	}
	for i, ok := range fired {
		require.True(t, ok, "row %d (%s %s) can never be taken", i, table.Rows[i].From, table.Rows[i].Event)
	}

	follow := func(s S) (to []S) {
		for x := range next[s] {
			to = append(to, x)
		}
		return to
	}
	reached := Reach([]S{start}, follow)
	for _, s := range table.States {
		require.True(t, reached[s.State], "%s is never reached", s.State)
		require.Equal(t, s.Kind == kam.End, next[s.State] == nil, "an end is a state that nothing leaves: %s", s.State)
		ends := false
		for r := range Reach([]S{s.State}, follow) {
			ends = ends || table.States.Spec(r).Kind == kam.End
		}
		require.True(t, ends, "%s never ends", s.State)
		require.Equal(t, s.Kind != kam.End, slices.Contains(kam.Parties, table.States.OwedBy(s.State, "")), "somebody owes the next step until the end: %s", s.State)
		require.Equal(t, s.Kind == kam.Human, s.WaitsFor != "" && s.Task != "", "a human state waits for somebody, with a task: %s", s.State)
	}
	t.Logf("%d rows, %d pairs of state and event, %d combinations of facts", len(table.Rows), len(groups), combinations)
}

// Reach is what can be reached from somewhere by steps.
func Reach[S comparable](from []S, next func(S) []S) map[S]bool {
	seen := map[S]bool{}
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

// Reads finds which facts the guard of each row reads: it changes one fact
// after the other, from many starting points, and looks whether a condition
// answers otherwise. A condition that is no compound must read exactly one fact.
func Reads[S, E ~string, F any](t *testing.T, table kam.Table[S, E, F], known Known) [][]string {
	t.Helper()
	read := map[string]string{}
	list := make([][]string, len(table.Rows))
	for i, row := range table.Rows {
		for _, fact := range row.Guard.Facts() {
			name := read[fact.String()]
			if name == "" {
				names := sways(fact, known)
				require.Len(t, names, 1, "%q reads one fact", fact)
				name = names[0]
				read[fact.String()] = name
			}
			list[i] = Union(list[i], []string{name})
		}
	}
	return list
}

// sways names the facts on which the answer of a condition depends.
func sways[F any](fact kam.Guard[F], known Known) (names []string) {
	r := rand.New(rand.NewPCG(1, 1))
	fields := reflect.VisibleFields(reflect.TypeFor[F]())
	for start := range 100 {
		var f F
		v := reflect.ValueOf(&f).Elem()
		for i, field := range fields {
			if of := known.values(field); start > 0 {
				v.Field(i).Set(reflect.ValueOf(of[r.IntN(len(of))]))
			}
		}
		holds, was := fact.Holds(f), f
		for i, field := range fields {
			for _, x := range known.values(field) {
				v.Field(i).Set(reflect.ValueOf(x))
				if fact.Holds(f) != holds && !slices.Contains(names, field.Name) {
					names = append(names, field.Name)
				}
			}
			f = was
		}
	}
	return names
}

// values are all values that a fact can take.
func (k Known) values(field reflect.StructField) []any {
	if field.Type.Kind() == reflect.Bool {
		return []any{false, true}
	}
	var of []any
	for _, v := range k {
		if reflect.TypeOf(v) == field.Type {
			of = append(of, v)
		}
	}
	if of == nil {
		panic("which values has the fact " + field.Name + "?")
	}
	return of
}

// Each calls f with every combination of the named facts.
func Each[F any](names []string, known Known, f func(F)) {
	var facts F
	v := reflect.ValueOf(&facts).Elem()
	var set func(i int)
	set = func(i int) {
		if i == len(names) {
			f(facts)
			return
		}
		field, _ := v.Type().FieldByName(names[i])
		for _, x := range known.values(field) {
			v.FieldByIndex(field.Index).Set(reflect.ValueOf(x))
			set(i + 1)
		}
	}
	set(0)
}

// Union is what any of the lists has, in order and each once.
func Union(lists ...[]string) []string {
	var all []string
	for _, l := range lists {
		all = append(all, l...)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// ReadAsCalled holds that the name of a condition in a source is its text.
func ReadAsCalled(t *testing.T, source string) {
	t.Helper()
	found := 0
	file, err := parser.ParseFile(token.NewFileSet(), source, nil, 0)
	require.NoError(t, err)
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok {
			return true
		}
		for i, value := range spec.Values {
			call, ok := value.(*ast.CallExpr)
			if !ok || len(call.Args) == 0 {
				continue
			}
			called := ""
			switch fun := call.Fun.(type) {
			case *ast.Ident:
				called = fun.Name
			case *ast.SelectorExpr:
				called = fun.Sel.Name
			}
			words, ok := call.Args[0].(*ast.BasicLit)
			if called != "Fact" && called != "As" || !ok {
				continue
			}
			text, err := strconv.Unquote(words.Value)
			require.NoError(t, err)
			found++
			require.Equal(t, strings.ToLower(spec.Names[i].Name), letters(kam.Fact(text, func(struct{}) bool { return true }).String()))
		}
		return true
	})
	require.Positive(t, found)
}

// letters are those of a text, small.
func letters(text string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsLetter(r) {
			return -1
		}
		return unicode.ToLower(r)
	}, text)
}
