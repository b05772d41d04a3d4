package identity_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/store/identity"
	"github.com/kamflow/kamflow/store/storetest"
)

// TestTerminal: its secret lets in once somebody has agreed, as him and nobody
// else, and only once.
func TestTerminal(t *testing.T) {
	t.Parallel()
	record, s := people(t)
	secret := identity.NewTokenSecret()
	code, err := s.AskTerminal(t.Context(), secret, "starter on a laptop")
	require.NoError(t, err)
	require.Regexp(t, `^[BCDFGHJKLMNPQRSTVWXZ]{4}-[BCDFGHJKLMNPQRSTVWXZ]{4}$`, code)
	require.Empty(t, storetest.Holding(t, record, secret), "only a hash is kept")
	_, err = s.TokenOf(t.Context(), secret)
	require.ErrorIs(t, err, identity.ErrNobody)
	by1, err := s.TerminalBy(t.Context(), secret)
	require.NoError(t, err)
	require.Equal(t, identity.TerminalPending, by1.State)

	asked, err := s.TerminalOf(t.Context(), " "+strings.ToLower(strings.ReplaceAll(code, "-", "")))
	require.NoError(t, err)
	require.Equal(t, "starter on a laptop", asked.Name)
	act := by("ada")
	for range 2 { // the same act again is the same
		require.NoError(t, s.AgreeTerminal(t.Context(), act, code, time.Hour))
	}
	require.ErrorIs(t, s.AgreeTerminal(t.Context(), by("bob"), code, time.Hour), kam.NotFound, "it is taken")
	got, err := s.TokenOf(t.Context(), secret)
	require.NoError(t, err)
	require.Equal(t, kam.UserID("ada"), got.User)
	by1, err = s.TerminalBy(t.Context(), secret)
	require.NoError(t, err)
	require.Equal(t, identity.TerminalAgreed, by1.State)
	require.Equal(t, kam.UserID("ada"), by1.User)
}

// TestTerminalsThatNobodyLetsIn: declined, expired, unknown, or with a name that
// is none.
func TestTerminalsThatNobodyLetsIn(t *testing.T) {
	t.Parallel()
	record, s := people(t)
	secret := identity.NewTokenSecret()
	code, err := s.AskTerminal(t.Context(), secret, "x")
	require.NoError(t, err)
	require.NoError(t, s.DeclineTerminal(t.Context(), "ada", code))
	require.ErrorIs(t, s.AgreeTerminal(t.Context(), by("ada"), code, time.Hour), kam.NotFound)
	got, err := s.TerminalBy(t.Context(), secret)
	require.NoError(t, err)
	require.Equal(t, identity.TerminalDeclined, got.State)

	secret = identity.NewTokenSecret()
	code, err = s.AskTerminal(t.Context(), secret, "x")
	require.NoError(t, err)
	_, err = storetest.Pool(t, record).Exec(t.Context(), `update kam.terminal_login set expiry = clock_timestamp()`)
	require.NoError(t, err)
	require.ErrorIs(t, s.AgreeTerminal(t.Context(), by("ada"), code, time.Hour), kam.NotFound)
	_, err = s.TerminalOf(t.Context(), code)
	require.ErrorIs(t, err, kam.NotFound)
	for _, other := range []string{secret, identity.NewTokenSecret(), ""} {
		got, err = s.TerminalBy(t.Context(), other)
		require.NoError(t, err)
		require.Equal(t, identity.TerminalUnknown, got.State)
		_, err = s.TokenOf(t.Context(), other)
		require.ErrorIs(t, err, identity.ErrNobody)
	}
	for _, name := range []string{"", "two\nlines", strings.Repeat("x", 61)} {
		_, err = s.AskTerminal(t.Context(), identity.NewTokenSecret(), name)
		require.ErrorIs(t, err, kam.Invalid)
	}
}
