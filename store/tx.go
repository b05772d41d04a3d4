package store

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/store/internal/pg"
	"github.com/kamflow/kamflow/store/ledger"
)

// A Tx is the inside of an effect on any subject: its entry in the ledger, and
// what can be looked up and changed in the same transaction.
type Tx struct {
	*ledger.Entry
	ctx context.Context // of the effect: a Tx lives no longer
	tx  pgx.Tx
}

func newTx(e *ledger.Entry) *Tx { return &Tx{Entry: e, ctx: e.Context(), tx: e.SQL()} }

// Absent says whether a person is away on the day that at shows in its own
// zone: absences are dates, and whose midnight counts the caller knows. An
// error fails the effect.
func (tx *Tx) Absent(user kam.UserID, at time.Time) bool {
	const away = `
		select exists (select from kam.absence
			where user_id = $1 and $2::text::date between from_date and to_date)`

	absent, _, err := pg.One(tx.ctx, tx.tx, "look up absences", pgx.RowTo[bool], away, user, at.Format(time.DateOnly))
	if err != nil {
		tx.Fail(err)
	}
	return absent
}
