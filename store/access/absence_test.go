package access_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/kamflow/kamflow/kam"
	accessdb "github.com/kamflow/kamflow/store/access"
	"github.com/kamflow/kamflow/store/storetest"
)

// TestSubstitutionIsKept with its scope, is told to the substitute, and ends with
// the absence; a load of absences leaves it alone.
func TestSubstitutionIsKept(t *testing.T) {
	t.Parallel()
	s, ctx := governed(t), t.Context()
	now, err := s.Now(ctx)
	require.NoError(t, err)
	day := func(n int) string { return now.AddDate(0, 0, n).Format(time.DateOnly) }
	limit := kam.DecFromInt(250_000)
	ab := accessdb.Absence{UserID: "mona", From: day(2), To: day(20), Substitute: "theo", Nodes: []string{"DE-HH"}, Kinds: []kam.TaskKind{"confirmation"}, MaxPotential: &limit}

	c, err := s.Access.AddAbsence(ctx, orgAct("1", "mona"), ab)
	require.NoError(t, err)
	require.Equal(t, "mona is away from "+day(2)+" to "+day(20)+"; theo stands in; at DE-HH only; for confirmation only; up to a potential of 250000", c.What)
	want := ab
	want.Reason = "as agreed"
	for _, who := range []kam.UserID{"mona", "theo", ""} {
		all, err := s.Access.Absences(ctx, who, false)
		require.NoError(t, err)
		require.Equal(t, []accessdb.Absence{want}, all, who)
	}
	in, err := s.Access.StandsIn(ctx, "theo")
	require.NoError(t, err)
	require.Equal(t, []accessdb.Absence{want}, in)
	in, err = s.Access.StandsIn(ctx, "mona")
	require.NoError(t, err)
	require.Empty(t, in)
	require.Equal(t, 1, storetest.Count(t, s, `select count(*) from kam.outbox where kind = 'absence.substitute' and recipients = '{theo}'`))

	// The worker looks when it begins, and when it is over.
	for n, looks := range map[int]bool{0: false, 1: true, 3: true, 5: false, 19: false, 20: true, 22: true, 23: false} {
		at, err := time.Parse(time.DateOnly, day(n))
		require.NoError(t, err)
		near, err := s.Access.AbsenceNear(ctx, at.Add(12*time.Hour))
		require.NoError(t, err)
		require.Equal(t, looks, near, n)
	}

	plain := accessdb.Absence{UserID: "gina", From: day(3), To: day(4)}
	for _, by := range []kam.UserID{"pia", "paul"} {
		_, err = s.Access.LoadOrg(ctx, orgAct("load"+string(by), by), accessdb.Org{Absences: []accessdb.Absence{plain, {UserID: "mona", From: day(2), To: day(3)}}})
		require.NoError(t, err)
	}
	all, err := s.Access.Absences(ctx, "", false)
	require.NoError(t, err)
	require.Equal(t, []accessdb.Absence{want, plain}, all)

	_, err = s.Access.RemoveAbsence(ctx, orgAct("2", "theo"), "mona", day(2))
	require.Equal(t, kam.Forbidden, kam.CodeOf(err), "it is not the substitute's to end")
	_, err = s.Access.RemoveAbsence(ctx, orgAct("3", "mona"), "mona", day(2))
	require.NoError(t, err)
	in, err = s.Access.StandsIn(ctx, "theo")
	require.NoError(t, err)
	require.Empty(t, in)
	require.Equal(t, 2, storetest.Count(t, s, `select count(*) from kam.outbox where kind = 'absence.substitute' and recipients = '{theo}'`))
}

// TestTheSubstitutesOwnAbsenceIsNamed, without its reason.
func TestTheSubstitutesOwnAbsenceIsNamed(t *testing.T) {
	t.Parallel()
	s, ctx := governed(t), t.Context()
	now, err := s.Now(ctx)
	require.NoError(t, err)
	day := func(n int) string { return now.AddDate(0, 0, n).Format(time.DateOnly) }
	_, err = s.Access.AddAbsence(ctx, orgAct("1", "pia"), accessdb.Absence{UserID: "theo", From: day(8), To: day(12)})
	require.NoError(t, err)
	c, err := s.Access.AddAbsence(ctx, orgAct("2", "mona"), accessdb.Absence{UserID: "mona", From: day(2), To: day(9), Substitute: "theo"})
	require.NoError(t, err)
	require.Equal(t, []accessdb.Absence{{UserID: "theo", From: day(8), To: day(12)}}, c.Overlaps)
}

// TestDeputiesAreLoaded by two admins, and count at the nodes of their list and
// below.
func TestDeputiesAreLoaded(t *testing.T) {
	t.Parallel()
	s, ctx := governed(t), t.Context()
	now, err := s.Now(ctx)
	require.NoError(t, err)
	day := now.Format(time.DateOnly)
	enters := func(id string, nodes ...string) error {
		_, err := s.Access.AddAbsence(ctx, orgAct(id, "mona"), accessdb.Absence{UserID: "mona", From: day, To: day, Substitute: "rita", Nodes: nodes})
		return err
	}
	require.ErrorIs(t, enters("1"), kam.Separation)
	load := accessdb.Org{Deputies: []accessdb.Deputy{{Node: "DE-HH", UserID: "rita"}, {Node: "FR", UserID: "rolf"}}}
	c, err := s.Access.LoadOrg(ctx, orgAct("load1", "pia"), load)
	require.NoError(t, err)
	require.True(t, c.Pending, "it gives a right")
	require.ErrorIs(t, enters("2"), kam.Separation)
	_, err = s.Access.LoadOrg(ctx, orgAct("load2", "paul"), load)
	require.NoError(t, err)
	require.NoError(t, enters("3"))
	require.NoError(t, enters("4", "DE-HH"))
	require.ErrorIs(t, enters("5", "DE-HH", "FR"), kam.Separation, "there she is no deputy of his")
	deputy := func() bool {
		in, err := s.Access.StandsIn(ctx, "rita")
		require.NoError(t, err)
		return in[0].Deputy
	}
	require.True(t, deputy())
	for _, by := range []kam.UserID{"pia", "paul"} {
		_, err = s.Access.LoadOrg(ctx, orgAct("none"+string(by), by), accessdb.Org{Deputies: []accessdb.Deputy{}})
		require.NoError(t, err)
	}
	require.False(t, deputy(), "she is off the list")
}
