package identity_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/kamflow/kamflow/kam"
	accessdb "github.com/kamflow/kamflow/store/access"
	"github.com/kamflow/kamflow/store/identity"
	"github.com/kamflow/kamflow/store/storetest"
)

// TestTokens: a token lets its person in while it is in force, and is nowhere
// to be read.
func TestTokens(t *testing.T) {
	t.Parallel()
	record, s := people(t)
	secret, act := identity.NewTokenSecret(), by("ada")
	for range 2 { // the same act is the same token
		require.NoError(t, s.MakeToken(t.Context(), act, secret, "my script", identity.ScopeRead, time.Hour))
	}
	got, err := s.TokenOf(t.Context(), secret)
	require.NoError(t, err)
	require.Equal(t, kam.UserID("ada"), got.User)
	require.Equal(t, identity.ScopeRead, got.Scope)
	require.Empty(t, storetest.Holding(t, record, secret), "only a hash is kept")

	list, err := s.TokensOf(t.Context(), "ada")
	require.NoError(t, err)
	require.Len(t, list, 1)
	require.NotNil(t, list[0].UsedAt)

	for _, other := range []string{"", "kam_", secret + "A", secret[4:], identity.NewTokenSecret()} {
		_, err := s.TokenOf(t.Context(), other)
		require.ErrorIs(t, err, identity.ErrNobody, other)
	}
	require.ErrorIs(t, s.RevokeToken(t.Context(), by("bob"), list[0].No), kam.NotFound, "it is not his")
	require.NoError(t, s.RevokeToken(t.Context(), by("ada"), list[0].No))
	_, err = s.TokenOf(t.Context(), secret)
	require.ErrorIs(t, err, identity.ErrNobody)

	trail, err := record.TrailOf(t.Context(), accessdb.Organisation.ID)
	require.NoError(t, err)
	var told []string
	for _, e := range trail {
		if e.Type == kam.EventSignInChanged {
			require.Equal(t, kam.UserID("ada"), e.Actor)
			told = append(told, e.Text)
		}
	}
	require.Len(t, told, 2)
	require.Contains(t, told[0], "a personal token with scope READ")
	require.Contains(t, told[1], "revoked")
}

func TestTokensExpire(t *testing.T) {
	t.Parallel()
	record, s := people(t)
	secret := identity.NewTokenSecret()
	require.NoError(t, s.MakeToken(t.Context(), by("ada"), secret, "x", identity.ScopeAll, time.Hour))
	_, err := storetest.Pool(t, record).Exec(t.Context(), `update kam.token set expiry = clock_timestamp()`)
	require.NoError(t, err)
	_, err = s.TokenOf(t.Context(), secret)
	require.ErrorIs(t, err, identity.ErrNobody)
}

// TestTokensAreBounded in name, scope and number.
func TestTokensAreBounded(t *testing.T) {
	t.Parallel()
	_, s := people(t)
	make := func(name string, scope identity.Scope) error {
		return s.MakeToken(t.Context(), by("ada"), identity.NewTokenSecret(), name, scope, time.Hour)
	}
	require.ErrorIs(t, make("", identity.ScopeAll), kam.Invalid)
	require.ErrorIs(t, make("two\nlines", identity.ScopeAll), kam.Invalid)
	require.ErrorIs(t, make("x", "EVERYTHING"), kam.Invalid)
	for range 20 {
		require.NoError(t, make("x", identity.ScopeAll))
	}
	require.ErrorIs(t, make("one more", identity.ScopeAll), kam.Invalid)
}

// TestLeaversHaveNothing, from the moment that they have left, and when they
// come back.
func TestLeaversHaveNothing(t *testing.T) {
	t.Parallel()
	record, s := people(t)
	secret, link := identity.NewTokenSecret(), identity.NewSecret()
	require.NoError(t, s.MakeToken(t.Context(), by("ada"), secret, "x", identity.ScopeAll, time.Hour))
	require.NoError(t, s.MakeSignInLink(t.Context(), by("ada"), link, "ada", time.Hour))
	sessions := identity.Sessions{Store: s}
	open := identity.Open(t.Context(), identity.Opening{ID: identity.NewSessionID(), User: "ada", Via: "local"})
	require.NoError(t, sessions.CommitCtx(open, "hash", []byte("data"), time.Now().Add(time.Hour)))
	_, found, err := sessions.FindCtx(t.Context(), "hash")
	require.NoError(t, err)
	require.True(t, found)

	_, err = record.Access.PersonLeaves(t.Context(), by("zz.user1"), "ada")
	require.NoError(t, err)
	nothing := func() {
		_, err := s.TokenOf(t.Context(), secret)
		require.ErrorIs(t, err, identity.ErrNobody)
		_, err = s.UseSignInLink(t.Context(), link)
		require.ErrorIs(t, err, kam.TooLate)
		_, found, err := sessions.FindCtx(t.Context(), "hash")
		require.NoError(t, err)
		require.False(t, found)
	}
	nothing()
	require.ErrorIs(t, s.MakeSignInLink(t.Context(), by("ada"), identity.NewSecret(), "ada", time.Hour), kam.Forbidden)
	_, err = storetest.Pool(t, record).Exec(t.Context(), `update kam.person set active = true where user_id = 'ada'`)
	require.NoError(t, err)
	nothing()
}

// TestAnEndedSessionStaysEnded, also when a request of it still runs and would
// write it again at its end.
func TestAnEndedSessionStaysEnded(t *testing.T) {
	t.Parallel()
	record, s := people(t)
	sessions := identity.Sessions{Store: s}
	until := time.Now().Add(time.Hour)
	ids := []string{identity.NewSessionID(), identity.NewSessionID()}
	for _, id := range ids {
		open := identity.Open(t.Context(), identity.Opening{ID: id, User: "ada", Via: "local", Agent: "A browser"})
		require.NoError(t, sessions.CommitCtx(open, "hash of "+id, []byte("data"), until))
	}
	list, err := s.SessionsOf(t.Context(), "ada")
	require.NoError(t, err)
	require.Len(t, list, 2)
	require.Equal(t, "A browser", list[0].Agent)

	require.NoError(t, s.EndSession(t.Context(), "bob", ids[0]), "it is not his: nothing happens")
	require.Equal(t, 2, count(t, record, `select count(*) from kam.session`))
	require.NoError(t, s.EndOthers(t.Context(), "ada", ids[1]))
	require.NoError(t, sessions.CommitCtx(t.Context(), "hash of "+ids[0], []byte("data"), until))
	_, found, err := sessions.FindCtx(t.Context(), "hash of "+ids[0])
	require.NoError(t, err)
	require.False(t, found)
	require.NoError(t, s.EndSession(t.Context(), "ada", ids[1]))
	require.Zero(t, count(t, record, `select count(*) from kam.session`))
}
