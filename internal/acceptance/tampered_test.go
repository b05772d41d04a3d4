package acceptance

import (
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/kamflow/kamflow/kam/onboarding"
	"github.com/kamflow/kamflow/kam/rules/policy"
	"github.com/kamflow/kamflow/kam/signed"
	"github.com/kamflow/kamflow/kam/signed/signedtest"
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
	// Who has the key as well signs what he likes: that it is for this case and
	// decision, was used once and is what the chain covers shows all the same.
	kept := func(key string) (e signed.Envelope) {
		var token string
		require.NoError(t, conn.QueryRow(t.Context(), `select signed from kam.envelope where key = $1`, key).Scan(&token))
		e, err := signed.Read(token)
		require.NoError(t, err)
		return e
	}
	first, second := kept(one), kept(two)
	for why, forge := range map[string]func(e *signed.Envelope){
		"it is for KAM-1999-000001": func(e *signed.Envelope) { e.About = "KAM-1999-000001" },
		"it was used before":        func(e *signed.Envelope) { e.ID = second.ID },
		"what was signed is not":    func(e *signed.Envelope) { e.Meaning = "something else" },
		"it is for another content": func(e *signed.Envelope) { e.Digest = strings.Repeat("0", 64) },
		"it did not hold when it was": func(e *signed.Envelope) {
			e.Issued, e.Expires = e.Issued.AddDate(0, 0, -1), e.Expires.AddDate(0, 0, -1)
		},
	} {
		forged := first
		forge(&forged)
		exec(`update kam.envelope set signed = $2 where key = $1`, one, signedtest.Seal(forged))
		var said []string
		for _, b := range w.verified().Breaks {
			said = append(said, b.Why)
		}
		require.Contains(t, strings.Join(said, "\n"), why)
		exec(`delete from kam.envelope`)
		exec(`insert into kam.envelope select * from kam.kept`)
	}
	digest := `update kam.effect set digest = $2 where key = $1`
	exec(digest, one, "another")
	require.False(t, w.verified().Clean, "the decision was altered under its envelope")
}
