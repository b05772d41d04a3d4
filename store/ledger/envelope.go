package ledger

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/store/internal/pg"
)

// EnvelopeDigest is what the events of a signed act carry as their payload: the
// chain covers it, and with it the document.
func EnvelopeDigest(signed string) string {
	sum := sha256.Sum256([]byte(signed))
	return hex.EncodeToString(sum[:])
}

// EventKey is the key of an envelope that belongs to an event and to no effect.
func EventKey(seq int64) string { return fmt.Sprintf("event/%d", seq) }

// sign has what was done signed, where the act did not come with its envelope.
func (e *Entry) sign() (err error) {
	if e.effect.Sign == nil || len(e.events) == 0 {
		return nil
	}
	e.effect.Signed, err = e.effect.Sign(Done{e.effect.Subject.ID, e.effect.Key, e.effect.Digest, e.events})
	return err
}

// keepEnvelope queues the document that an act came with, under the key of the
// effect.
func (e *Entry) keepEnvelope() {
	if e.effect.Signed == "" {
		return
	}
	e.queued.Queue(`insert into kam.envelope (subject, key, signed) values (@subject, @key, @signed) on conflict do nothing`,
		pgx.StrictNamedArgs{"subject": e.effect.Subject.ID, "key": e.effect.Key, "signed": e.effect.Signed})
}

// queueRefused queues the question whether the act was refused under this very
// envelope before. The verdict on an envelope is given once: whoever changes his
// mind signs anew, and whoever has copied it gets the same answer.
func (e *Entry) queueRefused(b *pgx.Batch) {
	if e.effect.Signed == "" {
		return
	}
	b.Queue(`select refusal from kam.envelope_refused where digest = @digest`, pgx.StrictNamedArgs{"digest": EnvelopeDigest(e.effect.Signed)}).
		Query(func(rows pgx.Rows) error {
			all, err := pgx.CollectRows(rows, pgx.RowTo[*kam.Error])
			if len(all) == 1 {
				e.was = all[0]
			}
			return err
		})
}

// spendEnvelope queues that an envelope was refused.
func (e *Entry) spendEnvelope(refusal *kam.Error) error {
	if e.effect.Signed == "" {
		return nil
	}
	text, err := json.Marshal(refusal)
	if err != nil {
		return fmt.Errorf("print the refusal: %w", err)
	}
	e.queued.Queue(`insert into kam.envelope_refused (digest, refusal, at) values (@digest, @refusal, @at) on conflict do nothing`,
		pgx.StrictNamedArgs{"digest": EnvelopeDigest(e.effect.Signed), "refusal": json.RawMessage(text), "at": e.dbAt})
	return nil
}

// DropRefused forgets refused envelopes that hold no more: an envelope holds for a
// day, and a clock may be wrong.
func (l *Ledger) DropRefused(ctx context.Context, at time.Time) error {
	_, err := pg.Exec(ctx, l.pool, "forget refused envelopes", `delete from kam.envelope_refused where at < $1`, at.AddDate(0, 0, -3))
	return err
}

// forgedListed is how many refused signatures of a minute stand in the trail of a
// subject; the rest are counted.
const forgedListed = 10

// countForged counts a refused signature, and says whether it is listed.
func (e *Entry) countForged() (listed bool, err error) {
	const count = `
		insert into kam.forged as f (subject, minute, count) values (@subject, @minute, 1)
		on conflict (subject, minute) do update set count = f.count + 1
		returning count`

	n, _, err := pg.One(e.ctx, e.tx, "count a refused signature", pgx.RowTo[int64], count, pgx.StrictNamedArgs{"subject": e.effect.Subject.ID, "minute": e.dbAt.Truncate(time.Minute)})
	return n <= forgedListed, err
}

// Forged is how many acts were refused for their signature, listed or not.
func (l *Ledger) Forged(ctx context.Context) (int64, error) {
	n, _, err := pg.One(ctx, l.pool, "count refused signatures", pgx.RowTo[int64], `select coalesce(sum(count), 0)::bigint from kam.forged`)
	return n, err
}

// A SignedEffect is what a person did and what he signed, as it is kept: Envelope
// is empty where he signed nothing.
type SignedEffect struct {
	Subject  kam.CaseNo
	Key      string
	Digest   string
	Envelope string
}

// signedEffects are those of the subjects of a page: of everything that people
// decided, of starts, of uploads and of orders to erase.
func signedEffects(ctx context.Context, tx pgx.Tx, after, last kam.CaseNo) (map[kam.CaseNo][]SignedEffect, error) {
	const acts = `
		with done as (
			select case_no as subject, key, digest from kam.effect
			where case_no > $1 and case_no <= $2 and (key like 'act/%' or key = 'seq/1') and progress -> 'refused' is null
			union all
			select subject, key, digest from kam.subject_effect where subject > $1 and subject <= $2 and (key like 'act/%' or key = 'upload')
			union all
			select case_no, 'event/' || seq, '' from kam.audit where case_no > $1 and case_no <= $2 and case_no = 'erasure' and type = 'DATA_ERASED'
		)
		select coalesce(d.subject, e.subject) as subject, coalesce(d.key, e.key) as key, coalesce(d.digest, '') as digest, coalesce(e.signed, '') as envelope
		from done d full join (select * from kam.envelope where subject > $1 and subject <= $2) e on e.subject = d.subject and e.key = d.key
		order by 1, 2`

	all, err := pg.List(ctx, tx, "read what was signed", pgx.RowToStructByName[SignedEffect], acts, after, last)
	if err != nil {
		return nil, err
	}
	bySubject := map[kam.CaseNo][]SignedEffect{}
	for _, s := range all {
		bySubject[s.Subject] = append(bySubject[s.Subject], s)
	}
	return bySubject, nil
}
