package identity_test

import (
	"crypto/rand"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/access"
	"github.com/kamflow/kamflow/store"
	accessdb "github.com/kamflow/kamflow/store/access"
	"github.com/kamflow/kamflow/store/identity"
	"github.com/kamflow/kamflow/store/storetest"
)

func TestMain(m *testing.M) { os.Exit(storetest.Main(m)) }

// people are those of the tests, besides the admins of storetest.
func people(t *testing.T) (*store.Store, *identity.Store) {
	t.Helper()
	s := storetest.New(t)
	require.NoError(t, storetest.LoadOrg(t.Context(), s, accessdb.Org{Users: []accessdb.User{
		{ID: "ada", Name: "Ada Example", Roles: []kam.Role{kam.SalesRep}},
		{ID: "bob", Name: "Bob Example", Roles: []kam.Role{kam.SalesRep}},
	}}))
	return s, s.SignIns
}

func by(user kam.UserID) accessdb.OrgAct {
	return accessdb.OrgAct{DecisionID: rand.Text(), By: user, May: access.Permit}
}

func count(t *testing.T, s *store.Store, sql string, args ...any) (n int) {
	t.Helper()
	require.NoError(t, storetest.Pool(t, s).QueryRow(t.Context(), sql, args...).Scan(&n))
	return n
}
