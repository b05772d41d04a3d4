// Package identity keeps how people sign in: their identities, sessions,
// personal tokens and one-time links. Who somebody is stands in kam.person and
// nowhere else; here stands only by what he proves it.
//
// Of everything that lets somebody in the database has a hash. A person who has
// left has nothing of it any more, from the same moment on. What lasts, a
// password, a token, a link that was given out, leaves a row on the trail of
// the organisation; sessions leave none.
package identity

import (
	"crypto/rand"
	"crypto/sha256"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/store"
)

// A Store is over the database of a record. It may be used from many
// goroutines.
type Store struct {
	record *store.Store
	pool   *pgxpool.Pool
}

// New is the sign-ins of a record.
func New(record *store.Store) *Store { return &Store{record, record.Pool()} }

// Local is the issuer of the accounts that kamflow itself keeps.
const Local = store.LocalIssuer

// NewSecret is a secret that nobody can guess, in letters and digits that can be
// typed.
func NewSecret() string { return rand.Text() + rand.Text() }

func hashOf(secret string) []byte {
	h := sha256.Sum256([]byte(secret))
	return h[:]
}

// ErrNobody is what whoever is not signed in gets.
var ErrNobody = kam.Errorf(kam.Forbidden, "nobody is signed in").Try("sign in, or send a personal token that is in force")
