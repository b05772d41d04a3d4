// Package contact keeps contact persons apart from the data that they came with,
// so that they can be erased. Their owner says what they belong to.
package contact

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/store/internal/pg"
)

// Without is what is kept of data: all but their contacts.
func Without(d kam.RequestData) kam.RequestData { d.Contacts = nil; return d }

// Queue replaces the contacts of an owner.
func Queue(b *pgx.Batch, owner string, contacts []kam.Contact) {
	b.Queue(`delete from kam.contact where owner = $1`, owner)
	for i, c := range contacts {
		b.Queue(`insert into kam.contact (owner, position, contact) values ($1, $2, $3)`, owner, i, c)
	}
}

// Of are the contacts of an owner; nil where there are none.
func Of(ctx context.Context, q pg.Querier, owner string) ([]kam.Contact, error) {
	all, err := pg.List(ctx, q, "read contacts", pgx.RowTo[kam.Contact],
		`select contact from kam.contact where owner = $1 order by position`, owner)
	if len(all) == 0 {
		all = nil
	}
	return all, err
}
