package store

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/kamflow/kamflow/kam"
)

// A Delivery is a message that is to leave. ID is the same at each attempt:
// the receiver may drop what it has seen.
type Delivery struct {
	ID       string
	CaseNo   kam.CaseNo
	Kind     string
	To       []kam.UserID
	Subject  string
	Data     map[string]string
	At       time.Time
	Attempts int // this one included
}

// EventType is the type of the message as a CloudEvent.
func (d Delivery) EventType() string { return "kamflow." + d.Kind }

// outboxDead is how long a message is tried.
const outboxDead = 24 * time.Hour

// ClaimMessages takes messages that wait, oldest first; no two callers get the
// same one within the lease. One that was claimed and not marked by then is
// offered again, so the lease must be longer than all that were claimed take.
func (s *Store) ClaimMessages(ctx context.Context, limit int, lease time.Duration) ([]Delivery, error) {
	const claim = `
		with claimed as (
			update kam.outbox set attempts = attempts + 1, next_try = clock_timestamp() + $2
			where id in (
				select id from kam.outbox
				where delivered_at is null and dead_at is null and next_try <= clock_timestamp()
				order by next_try limit $1 for update skip locked)
			returning *
		)
		select id, case_no, kind, recipients, subject, data, at, attempts from claimed order by created_at, id`

	return list(ctx, s.pool, "claim messages", pgx.RowToStructByPos[Delivery], claim, limit, lease)
}

// MarkDelivered notes that a message has arrived.
func (s *Store) MarkDelivered(ctx context.Context, id string) error {
	_, err := exec(ctx, s.pool, "mark a message delivered",
		`update kam.outbox set delivered_at = coalesce(delivered_at, clock_timestamp()) where id = $1`, id)
	return err
}

// MarkFailed puts a message back, to be tried later and later: after 2, 4, 8
// seconds up to 10 minutes. After 24 hours, or at once where no further attempt
// can help, it is put aside, which doctor shows; aside says whether it was now.
func (s *Store) MarkFailed(ctx context.Context, id string, cause error, hopeless bool) (aside bool, err error) {
	const failed = `
		update kam.outbox set last_error = $2,
			next_try = clock_timestamp() + least(interval '10 minutes', interval '1 second' * 2 ^ least(attempts, 20)),
			dead_at = case when $4 or created_at < clock_timestamp() - $3::interval then clock_timestamp() end
		where id = $1 and delivered_at is null and dead_at is null
		returning dead_at is not null`

	text := ""
	if cause != nil {
		text = clip(cause.Error(), 500)
	}
	aside, _, err = one(ctx, s.pool, "mark a message failed", pgx.RowTo[bool], failed, id, text, outboxDead, hopeless)
	return aside, err
}

// OutboxState counts messages that wait and that are dead.
func (s *Store) OutboxState(ctx context.Context) (waiting, dead int, err error) {
	type row struct{ Waiting, Dead int }
	r, _, err := one(ctx, s.pool, "count messages", pgx.RowToStructByPos[row],
		`select count(*) filter (where dead_at is null), count(*) filter (where dead_at is not null)
		 from kam.outbox where delivered_at is null`)
	return r.Waiting, r.Dead, err
}
