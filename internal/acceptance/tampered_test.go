package acceptance

import (
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/kamflow/kamflow/kam/onboarding"
	"github.com/kamflow/kamflow/kam/rules/policy"
	"github.com/kamflow/kamflow/store/storetest"
)

// TestTamperedEnvelopesAreFound: whoever has the database and not the key leaves a
// trace in what was signed, and the hash chains need not be touched for it.
func TestTamperedEnvelopesAreFound(t *testing.T) {
	t.Parallel()
	dsn := storetest.DSN(t)
	w := &world{t: t, db: storetest.Open(t, dsn)}
	require.NoError(t, storetest.LoadOrg(t.Context(), w.db, org()))
	require.NoError(t, storetest.PublishPolicy(t.Context(), w.db, 1, policy.DefaultYAML()))
	s := w.complete("Unterschrieben GmbH")
	s.act(1*hour, "", onboarding.Act{Name: onboarding.ActComment, By: "rep.south", Reason: "one"})
	s.act(2*hour, "", onboarding.Act{Name: onboarding.ActComment, By: "rep.south", Reason: "two"})
	s.act(3*hour, "", confirm("theo.territory", ""))
	require.Equal(t, onboarding.Completed, s.run().State)
	v := w.verified()
	require.True(t, v.Clean, "%v", v.Breaks)
	require.Equal(t, 4, v.Signed)

	conn, err := pgx.Connect(t.Context(), dsn)
	require.NoError(t, err)
	defer conn.Close(t.Context())
	one, two, start := "act/"+s.sent[0].DecisionID, "act/"+s.sent[1].DecisionID, "seq/1"
	exec := func(sql string, args ...any) {
		t.Helper()
		_, err := conn.Exec(t.Context(), sql, args...)
		require.NoError(t, err, sql)
	}
	exec(`create table kam.kept as select * from kam.envelope`)
	for name, tamper := range map[string]func(){
		"taken away":              func() { exec(`delete from kam.envelope where key = $1`, one) },
		"of the start taken away": func() { exec(`delete from kam.envelope where key = $1`, start) },
		"of another decision": func() {
			exec(`update kam.envelope e set signed = o.signed from kam.envelope o where e.key = $1 and o.key = $2`, one, two)
		},
		"of a decision as the start": func() {
			exec(`update kam.envelope e set signed = o.signed from kam.envelope o where e.key = $1 and o.key = $2`, start, two)
		},
		"altered": func() { exec(`update kam.envelope set signed = left(signed, -5) || 'AAAAA' where key = $1`, one) },
		"for a decision that never was": func() {
			exec(`insert into kam.envelope (subject, key, signed) select subject, 'act/never', signed from kam.envelope where key = $1`, one)
		},
		"moved to another decision": func() { exec(`update kam.envelope set key = 'act/never' where key = $1`, one) },
	} {
		tamper()
		v := w.verified()
		require.False(t, v.Clean, name)
		require.Equal(t, s.no, v.Breaks[0].CaseNo)
		t.Logf("%s: %v", name, v.Breaks)
		exec(`delete from kam.envelope`)
		exec(`insert into kam.envelope select * from kam.kept`)
		require.True(t, w.verified().Clean)
	}
	digest := `update kam.effect set digest = $2 where key = $1`
	exec(digest, one, "another")
	require.False(t, w.verified().Clean, "the decision was altered under its envelope")
}
