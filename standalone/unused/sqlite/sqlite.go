// Package sqlite stands in for SQLite, one of the databases in which Temporal
// could keep its state. standalone keeps it in PostgreSQL. Whoever opens a
// database of SQLite is told so.
package sqlite

import (
	"database/sql"
	"database/sql/driver"
	"errors"
)

var errMissing = errors.New("this build of kamflow does not carry SQLite; use PostgreSQL")

func init() { sql.Register("sqlite", connector{}) }

type connector struct{}

func (connector) Open(string) (driver.Conn, error) { return nil, errMissing }

// An Error is one that SQLite answered.
type Error struct{ error }

func (*Error) Code() int { return 0 }
