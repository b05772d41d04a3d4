package ledger

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/onboarding"
	"github.com/kamflow/kamflow/store/internal/pg"
)

// A Place is a place in the order in which the trail was written.
type Place struct {
	At      time.Time
	Subject string
	Seq     int64
}

// A Change is a row of the trail, without what was said.
type Change struct {
	Place
	Type       kam.EventType
	To         onboarding.State
	Restricted bool
}

// ChangesAfter lists what was written behind a place, and the place up to which
// nothing can be written any more: whoever goes on from there misses nothing. What
// runs still is told once it has ended.
func (l *Ledger) ChangesAfter(ctx context.Context, p Place, limit int) (all []Change, upTo time.Time, err error) {
	// An earlier statement than the one that reads: what ends in between has begun
	// before, so its rows are not below the mark. Who has locked nothing for a minute
	// reads only.
	const mark = `
		select least(clock_timestamp(), min(xact_start)) from pg_stat_activity
		where datname = current_database() and pid <> pg_backend_pid() and (backend_xid is not null or xact_start > clock_timestamp() - interval '1 minute')`
	const read = `
		select db_at, case_no, seq, type, to_state, restricted from kam.audit
		where (db_at, case_no, seq) > ($1, $2, $3) and db_at < $4
		order by db_at, case_no, seq limit $5`

	if upTo, _, err = pg.One(ctx, l.pool, "see how far the trail is written", pgx.RowTo[time.Time], mark); err != nil {
		return nil, upTo, err
	}
	all, err = pg.List(ctx, l.pool, "read what has changed", func(row pgx.CollectableRow) (c Change, err error) {
		err = row.Scan(&c.At, &c.Subject, &c.Seq, &c.Type, &c.To, &c.Restricted)
		return c, err
	}, read, p.At, p.Subject, p.Seq, upTo, limit)
	return all, upTo, err
}
