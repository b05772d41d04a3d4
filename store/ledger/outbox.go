package ledger

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/store/internal/pg"
)

// A Message tells people or other systems that something happened; it leaves
// after the commit. Kind is "task_opened": the CloudEvents type is
// "kamflow.task_opened".
type Message struct {
	Kind    string            `json:"kind"`
	To      []kam.UserID      `json:"to,omitempty"`
	Subject string            `json:"subject"`
	Data    map[string]string `json:"data,omitempty"`
	Said    *kam.Text         `json:"-"` // the subject in other languages
}

// subjectText is where the data of a message keep the Text of its subject.
const subjectText = "subject_text"

// Publish puts a message into the outbox. Its id is the same however often it
// is delivered.
func (e *Entry) Publish(m Message) error {
	const insert = `
		insert into kam.outbox (id, case_no, kind, recipients, subject, data, at)
		values (@id, @case_no, @kind, @recipients, @subject, @data, @at)`

	e.messages++
	if m.To == nil {
		m.To = []kam.UserID{}
	}
	if m.Data == nil {
		m.Data = map[string]string{}
	}
	if m.Said != nil {
		said, err := json.Marshal(m.Said)
		if err != nil {
			return fmt.Errorf("write down the subject of a message: %w", err)
		}
		m.Data = maps.Clone(m.Data)
		m.Data[subjectText] = string(said)
	}
	e.queued.Queue(insert, pgx.StrictNamedArgs{
		"id": e.newID(e.messages), "case_no": e.effect.Subject.ID, "kind": m.Kind, "recipients": m.To,
		"subject": m.Subject, "data": m.Data, "at": e.At,
	})
	return nil
}

// A Delivery is a message that is to leave. ID is the same at each attempt:
// the receiver may drop what it has seen.
type Delivery struct {
	ID       string
	CaseNo   kam.CaseNo // the id of the subject that it is about
	About    Kind       // what that is
	Kind     string
	To       []kam.UserID `db:"recipients"`
	Subject  string
	Data     map[string]string
	At       time.Time
	Attempts int // this one included
}

// Facts are the data without what only tells the subject in other languages.
func (d Delivery) Facts() map[string]string {
	facts := maps.Clone(d.Data)
	delete(facts, subjectText)
	return facts
}

// Title is the subject as a sentence.
func (d Delivery) Title() (kam.Sentence, error) {
	s := kam.Word(d.Subject)
	if said, ok := d.Data[subjectText]; ok {
		if err := json.Unmarshal([]byte(said), &s.Text); err != nil {
			return s, fmt.Errorf("read the subject of message %s: %w", d.ID, err)
		}
	}
	return s, nil
}

// EventType is the type of the message as a CloudEvent.
func (d Delivery) EventType() string { return "kamflow." + d.Kind }

// outboxDead is how long a message is tried.
const outboxDead = 24 * time.Hour

// ClaimMessages takes messages that wait, oldest first; no two callers get the
// same one within the lease. One that was claimed and not marked by then is
// offered again, so the lease must be longer than all that were claimed take.
func (l *Ledger) ClaimMessages(ctx context.Context, limit int, lease time.Duration) ([]Delivery, error) {
	const claim = `
		with claimed as (
			update kam.outbox set attempts = attempts + 1, next_try = clock_timestamp() + @lease
			where id in (
				select id from kam.outbox
				where delivered_at is null and dead_at is null and next_try <= clock_timestamp()
				order by next_try limit @limit for update skip locked)
			returning *
		)
		select id, case_no, coalesce(h.kind, 'case') as about, c.kind, recipients, c.subject, data, at, attempts
		from claimed c left join kam.subject h on h.subject = c.case_no order by c.created_at, id`

	return pg.List(ctx, l.pool, "claim messages", pgx.RowToStructByName[Delivery], claim, pgx.StrictNamedArgs{"limit": limit, "lease": lease})
}

// MarkDelivered notes that a message has arrived.
func (l *Ledger) MarkDelivered(ctx context.Context, id string) error {
	_, err := pg.Exec(ctx, l.pool, "mark a message delivered",
		`update kam.outbox set delivered_at = coalesce(delivered_at, clock_timestamp()) where id = $1`, id)
	return err
}

// MarkFailed puts a message back, to be tried later and later: after 2, 4, 8
// seconds up to 10 minutes. After 24 hours, or at once where no further attempt
// can help, it is put aside, which doctor shows; aside says whether it was now.
func (l *Ledger) MarkFailed(ctx context.Context, id string, cause error, hopeless bool) (aside bool, err error) {
	const failed = `
		update kam.outbox set last_error = @cause,
			next_try = clock_timestamp() + least(interval '10 minutes', interval '1 second' * 2 ^ least(attempts, 20)),
			dead_at = case when @hopeless or created_at < clock_timestamp() - @dead::interval then clock_timestamp() end
		where id = @id and delivered_at is null and dead_at is null
		returning dead_at is not null`

	text := ""
	if cause != nil {
		text = pg.Clip(cause.Error(), 500)
	}
	aside, _, err = pg.One(ctx, l.pool, "mark a message failed", pgx.RowTo[bool], failed,
		pgx.StrictNamedArgs{"id": id, "cause": text, "dead": outboxDead, "hopeless": hopeless})
	return aside, err
}

// DropMessages removes those that left or were put aside before then, and counts
// them.
func (l *Ledger) DropMessages(ctx context.Context, before time.Time) (int, error) {
	tag, err := pg.Exec(ctx, l.pool, "remove old messages", `delete from kam.outbox where coalesce(delivered_at, dead_at) < @before`,
		pgx.StrictNamedArgs{"before": before})
	return int(tag.RowsAffected()), err
}

// OutboxState counts messages that wait and that are dead.
func (l *Ledger) OutboxState(ctx context.Context) (waiting, dead int, err error) {
	type row struct{ Waiting, Dead int }
	r, _, err := pg.One(ctx, l.pool, "count messages", pgx.RowToStructByName[row],
		`select count(*) filter (where dead_at is null) as waiting, count(*) filter (where dead_at is not null) as dead
		 from kam.outbox where delivered_at is null`)
	return r.Waiting, r.Dead, err
}
