package ledger

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/store/internal/pg"
)

// stagedFor is how long data wait for the act that they were sent ahead of.
const stagedFor = 7 * 24 * time.Hour

// StagedOwner is the owner of those contacts, personal data, that belong to what
// was staged: they end with it.
func StagedOwner(s Subject, decisionID string) string { return s.ID + "/staged/" + decisionID }

// Stage keeps the data that an act on a subject refers to, until the act is
// stored; those of an act that is refused stay for another try, those that no
// act comes for a week. The same data again are fine, and also is not asked
// then; other data under the decision id are a kam.IDReused, and a subject that
// is not there is a kam.NotFound. Also queues what belongs to them.
func (l *Ledger) Stage(ctx context.Context, s Subject, decisionID, digest string, data any, also func(b *pgx.Batch)) error {
	const insert = `
		insert into kam.staged (case_no, decision_id, digest, data)
		select subject, @decision_id, @digest, @data from kam.head where subject = @subject
		on conflict (case_no, decision_id) do nothing`
	const kept = `select digest from kam.staged where case_no = @subject and decision_id = @decision_id`

	text, err := json.Marshal(data)
	if err != nil {
		return fmt.Errorf("print the data: %w", err)
	}
	return pg.InTx(ctx, l.pool, "stage data for "+s.ID, func(tx pgx.Tx) error {
		tag, err := tx.Exec(ctx, insert, pgx.StrictNamedArgs{"subject": s.ID, "decision_id": decisionID, "digest": digest, "data": json.RawMessage(text)})
		if err != nil {
			return err
		}
		if tag.RowsAffected() == 1 {
			var b pgx.Batch
			also(&b)
			return tx.SendBatch(ctx, &b).Close()
		}
		have, ok, err := pg.One(ctx, tx, "look up staged data", pgx.RowTo[string], kept, pgx.StrictNamedArgs{"subject": s.ID, "decision_id": decisionID})
		switch {
		case err != nil:
			return err
		case !ok:
			return kam.Errorf(kam.NotFound, "there is no %s", s)
		case have != digest:
			return kam.Errorf(kam.IDReused, "other data were sent under this decision id").On("decision_id").Try("use a new id")
		}
		return nil
	})
}

// Staged is what was sent ahead of a decision; kam.NotFound where nothing was.
// It ends with the effect, unless that is refused.
func (e *Entry) Staged(decisionID string) (data []byte, digest string, err error) {
	type row struct {
		Data   []byte
		Digest string
	}
	const read = `select data, digest from kam.staged where case_no = @subject and decision_id = @decision_id`

	r, ok, err := pg.One(e.ctx, e.tx, "read staged data", pgx.RowToStructByName[row], read,
		pgx.StrictNamedArgs{"subject": e.effect.Subject.ID, "decision_id": decisionID})
	if err == nil && !ok {
		err = kam.Errorf(kam.NotFound, "no data were sent for decision %s", decisionID).On("data_digest")
	}
	if err != nil {
		return nil, "", err
	}
	e.taken = decisionID
	return r.Data, r.Digest, nil
}

// queueTaken queues the end of the staged data that the effect took.
func (e *Entry) queueTaken() {
	if e.taken == "" {
		return
	}
	e.queued.Queue(`delete from kam.staged where case_no = @subject and decision_id = @decision_id`,
		pgx.StrictNamedArgs{"subject": e.effect.Subject.ID, "decision_id": e.taken})
	e.queued.Queue(`delete from kam.contact where owner = @owner`, pgx.StrictNamedArgs{"owner": StagedOwner(e.effect.Subject, e.taken)})
}

// DropStaged removes what no act came for in time, and counts it.
func (l *Ledger) DropStaged(ctx context.Context, at time.Time) (n int, err error) {
	const drop = `
		with gone as (delete from kam.staged where at < @before returning case_no || '/staged/' || decision_id as owner),
		people as (delete from kam.contact where owner in (select owner from gone))
		select count(*)::int from gone`

	n, _, err = pg.One(ctx, l.pool, "remove staged data", pgx.RowTo[int], drop, pgx.StrictNamedArgs{"before": at.Add(-stagedFor)})
	return n, err
}
