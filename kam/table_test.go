package kam_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kamflow/kamflow/kam"
)

func TestGuardsPrintThemselves(t *testing.T) {
	t.Parallel()
	type facts struct{ a, b, c bool }
	a := kam.Fact("{no }apple", func(f facts) bool { return f.a })
	b := kam.Fact("berry {not }ripe (red, or blue)", func(f facts) bool { return f.b })
	c := kam.Fact("{not }cooked", func(f facts) bool { return f.c })
	for _, tt := range []struct {
		guard kam.Guard[facts]
		text  string
		holds func(facts) bool
	}{
		{kam.Guard[facts]{}, "", func(facts) bool { return true }},
		{kam.Given[facts]("it is noon"), "it is noon", func(facts) bool { return true }},
		{a, "apple", func(f facts) bool { return f.a }},
		{kam.Not(b), "berry not ripe", func(f facts) bool { return !f.b }},
		{kam.Not(kam.Not(b)), "berry ripe", func(f facts) bool { return f.b }},
		{kam.And(a, kam.Not(b), c), "apple, berry not ripe, cooked", func(f facts) bool { return f.a && !f.b && f.c }},
		{kam.Or(kam.And(a, b), c), "apple, berry ripe; or cooked", func(f facts) bool { return f.a && f.b || f.c }},
		{kam.And(kam.Or(a, b), c), "(apple; or berry ripe), cooked", func(f facts) bool { return (f.a || f.b) && f.c }},
		{kam.Not(kam.Or(a, b)), "not (apple; or berry ripe)", func(f facts) bool { return !f.a && !f.b }},
		{kam.And(kam.Not(kam.Or(a, b)), c), "not (apple; or berry ripe), cooked", func(f facts) bool { return !f.a && !f.b && f.c }},
		{kam.Or(a, b).As("{no }fruit"), "fruit", func(f facts) bool { return f.a || f.b }},
		{kam.And(kam.Not(kam.Or(a, b).As("{no }fruit")), c), "no fruit, cooked", func(f facts) bool { return !f.a && !f.b && f.c }},
	} {
		require.Equal(t, tt.text, tt.guard.String())
		for i := range 8 {
			f := facts{i&1 != 0, i&2 != 0, i&4 != 0}
			require.Equal(t, tt.holds(f), tt.guard.Holds(f), "%s under %+v", tt.text, f)
		}
	}
	table := kam.Table[string, string, facts]{Rows: []kam.Row[string, string, facts]{
		{Guard: kam.And(kam.Not(kam.Or(a, b).As("{no }fruit")), c)}, {Guard: kam.Or(a, b).As("{no }fruit")},
	}}
	require.Equal(t, []kam.Term{{Name: "fruit", Means: "apple; or berry ripe"}, {Name: "berry ripe", Means: "red, or blue"}}, table.Terms())
}
