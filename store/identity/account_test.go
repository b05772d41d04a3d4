package identity_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/store"
	accessdb "github.com/kamflow/kamflow/store/access"
	"github.com/kamflow/kamflow/store/identity"
	"github.com/kamflow/kamflow/store/storetest"
)

const password = "three plain words"

// linked has two admins link an identity.
func linked(t *testing.T, s *store.Store, i accessdb.Identity) {
	t.Helper()
	c, err := s.Access.LinkIdentity(t.Context(), by("zz.user1"), i)
	require.NoError(t, err)
	require.True(t, c.Pending)
	_, err = s.Access.Agree(t.Context(), by("zz.user2"), c.Proposal)
	require.NoError(t, err)
}

// TestAnIdentityTakesTwo user_admins, neither of whom it is for.
func TestAnIdentityTakesTwo(t *testing.T) {
	t.Parallel()
	record, s := people(t)
	i := accessdb.Identity{User: "ada", Issuer: "https://idp.example", Subject: "4711"}
	_, err := record.Access.LinkIdentity(t.Context(), by("ada"), i)
	require.ErrorIs(t, err, kam.Forbidden)
	_, err = record.Access.LinkIdentity(t.Context(), by("zz.user1"), accessdb.Identity{User: "zz.user1", Issuer: i.Issuer, Subject: "1"})
	require.Error(t, err, "for himself")

	c, err := record.Access.LinkIdentity(t.Context(), by("zz.user1"), i)
	require.NoError(t, err)
	require.True(t, c.Pending)
	require.Contains(t, c.What, "ada may sign in by 4711 of https://idp.example")
	_, err = s.PersonOf(t.Context(), i.Issuer, i.Subject)
	require.ErrorIs(t, err, kam.NotFound, "nothing has changed yet")
	_, err = record.Access.Agree(t.Context(), by("zz.user1"), c.Proposal)
	require.ErrorIs(t, err, kam.Separation)
	_, err = record.Access.UnlinkIdentity(t.Context(), by("zz.user2"), i)
	require.ErrorIs(t, err, kam.NotFound, "to unlink is not to agree")
	_, err = record.Access.LinkIdentity(t.Context(), by("zz.user2"), i)
	require.NoError(t, err, "the same by another admin agrees")
	user, err := s.PersonOf(t.Context(), i.Issuer, i.Subject)
	require.NoError(t, err)
	require.Equal(t, kam.UserID("ada"), user)

	for _, other := range []accessdb.Identity{
		{Issuer: "https://other.example", Subject: i.Subject}, {Issuer: i.Issuer + "/", Subject: i.Subject},
		{Issuer: i.Issuer, Subject: i.Subject + " "}, {Issuer: i.Issuer, Subject: "4711a"},
	} {
		_, err := s.PersonOf(t.Context(), other.Issuer, other.Subject)
		require.ErrorIs(t, err, kam.NotFound, other)
	}
	_, err = record.Access.LinkIdentity(t.Context(), by("zz.user1"), accessdb.Identity{User: "bob", Issuer: i.Issuer, Subject: i.Subject})
	require.ErrorIs(t, err, kam.Invalid, "it is hers")

	all, err := record.Access.Identities(t.Context(), "ada")
	require.NoError(t, err)
	require.Equal(t, []accessdb.Identity{i}, all)
	_, err = record.Access.UnlinkIdentity(t.Context(), by("zz.user1"), i)
	require.NoError(t, err, "to take it away one is enough")
	_, err = s.PersonOf(t.Context(), i.Issuer, i.Subject)
	require.ErrorIs(t, err, kam.NotFound)
}

func TestIdentitiesHaveAForm(t *testing.T) {
	t.Parallel()
	record, _ := people(t)
	for _, i := range []accessdb.Identity{
		{User: "ada", Issuer: "", Subject: "1"}, {User: "ada", Issuer: "idp", Subject: "1"}, {User: "ada", Issuer: "https://idp.example", Subject: ""},
		{User: "ada", Issuer: "https://idp.example", Subject: "a\nb"}, {User: "ada", Issuer: accessdb.LocalIssuer, Subject: "a b"},
		{User: "nobody", Issuer: accessdb.LocalIssuer, Subject: "nobody"},
	} {
		_, err := record.Access.LinkIdentity(t.Context(), by("zz.user1"), i)
		require.ErrorIs(t, err, kam.Invalid, i)
	}
}

// TestLocalAccount: a password is chosen once, by a link that only the admin who
// agreed can give out, and stands nowhere.
func TestLocalAccount(t *testing.T) {
	t.Parallel()
	record, s := people(t)
	linked(t, record, accessdb.Identity{User: "ada", Issuer: accessdb.LocalIssuer, Subject: "ada.e"})
	_, err := s.CheckPassword(t.Context(), "ada.e", "")
	require.ErrorIs(t, err, kam.Forbidden, "no password is no empty password")

	link := identity.NewSecret()
	require.ErrorIs(t, s.MakePasswordLink(t.Context(), by("zz.user1"), link, "ada.e", time.Hour), kam.Separation, "he proposed it")
	require.ErrorIs(t, s.MakePasswordLink(t.Context(), by("ada"), link, "ada.e", time.Hour), kam.Forbidden)
	require.NoError(t, s.MakePasswordLink(t.Context(), by("zz.user2"), link, "ada.e", time.Hour))
	for _, bad := range []string{"", "short", "aaaaaaaaaaaaaaaa", "i am ada.e for ever"} {
		_, err := s.ChoosePassword(t.Context(), link, bad)
		require.ErrorIs(t, err, kam.Invalid, bad)
	}
	_, err = s.ChoosePassword(t.Context(), link, password)
	require.NoError(t, err)
	_, err = s.ChoosePassword(t.Context(), link, "another of these words")
	require.ErrorIs(t, err, kam.TooLate, "once")
	require.ErrorIs(t, s.MakePasswordLink(t.Context(), by("zz.user2"), identity.NewSecret(), "ada.e", time.Hour), kam.WrongState)

	user, err := s.CheckPassword(t.Context(), "ada.e", password)
	require.NoError(t, err)
	require.Equal(t, kam.UserID("ada"), user)
	for login, pw := range map[string]string{"ada.e": password + " ", "ADA.E": password, "ada": password, "": "", "ada.e' or ''='": password} {
		_, err := s.CheckPassword(t.Context(), login, pw)
		require.ErrorIs(t, err, kam.Forbidden, login)
	}
	require.Empty(t, storetest.Holding(t, record, password))
	require.Empty(t, storetest.Holding(t, record, link))

	sessions := identity.Sessions{Store: s}
	open := identity.Open(t.Context(), identity.Opening{ID: identity.NewSessionID(), User: "ada", Via: accessdb.LocalIssuer})
	require.NoError(t, sessions.CommitCtx(open, "hash", []byte("data"), time.Now().Add(time.Hour)))
	require.ErrorIs(t, s.ChangePassword(t.Context(), by("ada"), "ada.e", "not this one", "entirely other words"), kam.Forbidden)
	require.ErrorIs(t, s.ChangePassword(t.Context(), by("bob"), "ada.e", password, "entirely other words"), kam.Forbidden, "it is not his")
	require.NoError(t, s.ChangePassword(t.Context(), by("ada"), "ada.e", password, "entirely other words"))
	require.Zero(t, count(t, record, `select count(*) from kam.session`), "whoever knew the old one is out")
	_, err = s.CheckPassword(t.Context(), "ada.e", password)
	require.ErrorIs(t, err, kam.Forbidden)

	_, err = record.Access.PersonLeaves(t.Context(), by("zz.user1"), "ada")
	require.NoError(t, err)
	_, err = s.CheckPassword(t.Context(), "ada.e", "entirely other words")
	require.ErrorIs(t, err, kam.Forbidden, "who has left does not sign in")
}

// TestLinksHoldOnce, and for what they were made.
func TestLinksHoldOnce(t *testing.T) {
	t.Parallel()
	record, s := people(t)
	link := identity.NewSecret()
	require.NoError(t, s.MakeSignInLink(t.Context(), by("ada"), link, "ada", time.Hour))
	_, err := s.ChoosePassword(t.Context(), link, password)
	require.Error(t, err, "it is for signing in")
	user, err := s.UseSignInLink(t.Context(), link)
	require.NoError(t, err)
	require.Equal(t, kam.UserID("ada"), user)
	_, err = s.UseSignInLink(t.Context(), link)
	require.ErrorIs(t, err, kam.TooLate)

	late := identity.NewSecret()
	require.NoError(t, s.MakeSignInLink(t.Context(), by("ada"), late, "ada", time.Hour))
	_, err = storetest.Pool(t, record).Exec(t.Context(), `update kam.sign_in_link set expiry = clock_timestamp()`)
	require.NoError(t, err)
	_, err = s.UseSignInLink(t.Context(), late)
	require.ErrorIs(t, err, kam.TooLate)
}

// TestFirstAdmins: of a system that knows nobody, and of one that knows people
// and lets nobody in yet, as after an upgrade.
func TestFirstAdmins(t *testing.T) {
	t.Parallel()
	fresh := storetest.New(t)
	upgraded, _ := people(t)
	for name, record := range map[string]*store.Store{"fresh": fresh, "upgraded": upgraded} {
		s := record.SignIns
		before := count(t, record, `select count(*) from kam.person`)
		old, link, second := identity.NewSecret(), identity.NewSecret(), identity.NewSecret()
		for _, secret := range []string{old, link} {
			made, err := s.MakeFirstLink(t.Context(), secret, time.Hour)
			require.NoError(t, err)
			require.True(t, made)
		}
		found := identity.Founding{
			Link: link, Password: password, SecondLink: second,
			First: identity.Founder{User: "zz.user1", Name: "Uma Admin"}, Second: identity.Founder{User: "zz.user2", Name: "Udo Admin"},
		}
		wrong := found
		wrong.Link = old
		require.ErrorIs(t, s.SetUp(t.Context(), wrong, time.Hour), kam.TooLate, "a later start has made another")
		wrong = found
		wrong.Second = wrong.First
		require.ErrorIs(t, s.SetUp(t.Context(), wrong, time.Hour), kam.Separation)
		if before > 0 {
			wrong = found
			wrong.Second = identity.Founder{User: "ada"}
			require.ErrorIs(t, s.SetUp(t.Context(), wrong, time.Hour), kam.Invalid, "%s: she is no admin", name)
		}
		require.NoError(t, s.SetUp(t.Context(), found, time.Hour), name)
		require.ErrorIs(t, s.SetUp(t.Context(), found, time.Hour), kam.TooLate, name)
		require.Equal(t, max(before, 2), count(t, record, `select count(*) from kam.person`), name)

		user, err := s.CheckPassword(t.Context(), "zz.user1", password)
		require.NoError(t, err)
		require.Equal(t, kam.UserID("zz.user1"), user)
		user, err = s.ChoosePassword(t.Context(), second, "words of the second")
		require.NoError(t, err)
		require.Equal(t, kam.UserID("zz.user2"), user)
		made, err := s.MakeFirstLink(t.Context(), identity.NewSecret(), time.Hour)
		require.NoError(t, err)
		require.False(t, made, "somebody signs in now")
	}
}

// TestWhatHasExpiredGoes a week later, and nothing before.
func TestWhatHasExpiredGoes(t *testing.T) {
	t.Parallel()
	record, s := people(t)
	require.NoError(t, s.MakeToken(t.Context(), by("ada"), identity.NewTokenSecret(), "x", identity.ScopeAll, time.Hour))
	require.NoError(t, s.MakeSignInLink(t.Context(), by("ada"), identity.NewSecret(), "ada", time.Hour))
	open := identity.Open(t.Context(), identity.Opening{ID: identity.NewSessionID(), User: "ada", Via: accessdb.LocalIssuer})
	require.NoError(t, identity.Sessions{Store: s}.CommitCtx(open, "hash", []byte("data"), time.Now().Add(time.Hour)))
	now, err := record.Now(t.Context())
	require.NoError(t, err)
	done, err := record.Access.DropSignIns(t.Context(), now.AddDate(0, 0, 6))
	require.NoError(t, err)
	require.Zero(t, done)
	done, err = record.Access.DropSignIns(t.Context(), now.AddDate(0, 0, 8))
	require.NoError(t, err)
	require.Equal(t, 3, done)
}
