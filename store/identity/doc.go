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
	accessdb "github.com/kamflow/kamflow/store/access"
)

// A Store is this room in the database. It may be used from many goroutines.
type Store struct {
	access *accessdb.Store
	pool   *pgxpool.Pool
}

// New opens the room over a database and the organisation that it keeps.
func New(access *accessdb.Store, pool *pgxpool.Pool) *Store { return &Store{access, pool} }

// Local is the issuer of the accounts that kamflow itself keeps.
const Local = accessdb.LocalIssuer

// NewSecret is a secret that nobody can guess, in letters and digits that can be
// typed.
func NewSecret() string { return rand.Text() + rand.Text() }

func hashOf(secret string) []byte {
	h := sha256.Sum256([]byte(secret))
	return h[:]
}

// ErrNobody is what whoever is not signed in gets.
var ErrNobody = kam.Errorf(kam.Forbidden, "nobody is signed in").Try("sign in, or send a personal token that is in force")
