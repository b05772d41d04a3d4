package identity_test

import (
	"crypto/rand"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/store"
	"github.com/kamflow/kamflow/store/identity"
	"github.com/kamflow/kamflow/store/storetest"
)

func TestMain(m *testing.M) { os.Exit(storetest.Main(m)) }

// people are those of the tests, besides the admins of storetest.
func people(t *testing.T) (*store.Store, *identity.Store) {
	t.Helper()
	s := storetest.New(t)
	require.NoError(t, storetest.LoadOrg(t.Context(), s, store.Org{Users: []store.User{
		{ID: "ada", Name: "Ada Example", Roles: []kam.Role{kam.SalesRep}},
		{ID: "bob", Name: "Bob Example", Roles: []kam.Role{kam.SalesRep}},
	}}))
	return s, identity.New(s)
}

func by(user kam.UserID) store.OrgAct { return store.OrgAct{DecisionID: rand.Text(), By: user} }

func count(t *testing.T, s *store.Store, sql string, args ...any) (n int) {
	t.Helper()
	require.NoError(t, s.Pool().QueryRow(t.Context(), sql, args...).Scan(&n))
	return n
}
