package ledger

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/store/internal/pg"
)

// A Chain is the audit trail of one case, or of a subject that is none, with
// its head as its row knows it. Gone is a case whose number was allotted and whose row is no
// longer there.
type Chain struct {
	CaseNo   kam.CaseNo
	Kind     Kind // empty for one that is gone
	Events   []kam.AuditEvent
	HeadSeq  int64
	HeadHash string
	Version  int64
	Gone     bool
	// Signed are the effects of people, with what they signed.
	Signed []SignedEffect
}

// A Break is where a chain does not hold. Seq is 0 where it is not about one
// event.
type Break struct {
	CaseNo kam.CaseNo `json:"case_no"`
	Seq    int64      `json:"seq,omitempty"`
	Why    string     `json:"why"`
}

func (b Break) String() string {
	if b.Seq == 0 {
		return fmt.Sprintf("case %s: %s", b.CaseNo, b.Why)
	}
	return fmt.Sprintf("case %s, event %d: %s", b.CaseNo, b.Seq, b.Why)
}

// Verify checks the chain against itself and against the head; ok is true
// where all holds.
func (c Chain) Verify() (b Break, ok bool) {
	if c.Gone {
		return Break{CaseNo: c.CaseNo, Why: kam.Note("the case is gone")}, false
	}
	if broken, why, ok := kam.VerifyChain(c.Events); !ok {
		return Break{CaseNo: c.CaseNo, Seq: broken.Seq, Why: why}, false
	}
	n := int64(len(c.Events))
	switch {
	case n == 0 && c.HeadSeq > 0:
		return Break{CaseNo: c.CaseNo, Why: kam.Note("all %d events are gone", c.HeadSeq)}, false
	case n == 0 && c.Version > 0:
		return Break{CaseNo: c.CaseNo, Why: kam.Note("the case moved and has no events")}, false
	case n < c.HeadSeq:
		return Break{CaseNo: c.CaseNo, Seq: n + 1, Why: kam.Note("the events from here to %d were cut off", c.HeadSeq)}, false
	case n > c.HeadSeq:
		return Break{CaseNo: c.CaseNo, Seq: c.HeadSeq + 1, Why: kam.Note("the events from here on are not known to the case")}, false
	case n > 0 && c.Events[n-1].Hash != c.HeadHash:
		return Break{CaseNo: c.CaseNo, Seq: n, Why: kam.Note("its hash differs from the head of the case")}, false
	}
	return Break{}, true
}

const eventColumns = `case_no, seq, at, db_at, actor_id as actor, on_behalf_of, roles_used, type, step_code as step,
	from_state as "from", to_state as "to", revision, material_hash, policy_version, decision_id, reason_code, text,
	restricted, payload_digest, prev_hash, hash`

// TrailOf is the audit trail of a subject, in order; empty where there is none.
func (l *Ledger) TrailOf(ctx context.Context, id string) ([]kam.AuditEvent, error) {
	return pg.List(ctx, l.pool, "read the audit trail", pgx.RowToStructByName[kam.AuditEvent],
		`select `+eventColumns+` from kam.audit where case_no = $1 order by seq`, id)
}

const chainPage = 200 // cases read at a time

// Chains hands fn the audit trail of every case, in order of number, then the
// numbers whose case is gone. All is seen as of one moment.
func (l *Ledger) Chains(ctx context.Context, fn func(Chain) error) error {
	err := pg.Snapshot(ctx, l.pool, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, pg.LongStatements); err != nil {
			return err
		}
		for last := kam.CaseNo(""); ; {
			page, err := chains(ctx, tx, last)
			if err != nil {
				return err
			}
			if len(page) == 0 {
				return gone(ctx, tx, fn)
			}
			for _, c := range page {
				if err := fn(c); err != nil {
					return err
				}
			}
			last = page[len(page)-1].CaseNo
		}
	})
	if err != nil {
		return fmt.Errorf("read the audit trail: %w", err)
	}
	return nil
}

func chains(ctx context.Context, tx pgx.Tx, after kam.CaseNo) ([]Chain, error) {
	const heads = `
		select subject as no, kind, audit_seq as seq, audit_hash as hash, version from kam.head
		where subject > $1 order by subject limit $2`
	const events = `select ` + eventColumns + ` from kam.audit where case_no > $1 and case_no <= $2 order by case_no, seq`
	type head struct {
		No      kam.CaseNo
		Kind    Kind
		Seq     int64
		Hash    string
		Version int64
	}

	all, err := pg.List(ctx, tx, "read heads", pgx.RowToStructByName[head], heads, after, chainPage)
	if err != nil || len(all) == 0 {
		return nil, err
	}
	rows, err := pg.List(ctx, tx, "read events", pgx.RowToStructByName[kam.AuditEvent], events, after, all[len(all)-1].No)
	if err != nil {
		return nil, err
	}
	signed, err := signedEffects(ctx, tx, after, all[len(all)-1].No)
	if err != nil {
		return nil, err
	}
	byCase := map[kam.CaseNo][]kam.AuditEvent{}
	for _, e := range rows {
		byCase[e.CaseNo] = append(byCase[e.CaseNo], e)
	}
	page := make([]Chain, len(all))
	for i, h := range all {
		page[i] = Chain{CaseNo: h.No, Kind: h.Kind, Events: byCase[h.No], HeadSeq: h.Seq, HeadHash: h.Hash, Version: h.Version, Signed: signed[h.No]}
	}
	return page, nil
}

// gone compares with the counter of numbers, which has no gaps, and looks for
// events that belong to nothing.
func gone(ctx context.Context, tx pgx.Tx, fn func(Chain) error) error {
	const missing = `
		with allotted as (
			select 'KAM-' || lpad(year::text, 4, '0') || '-' || lpad(n::text, greatest(6, length(n::text)), '0') as case_no
			from kam.case_counter, generate_series(1, last) n
		)
		select case_no from allotted where not exists (select from kam.cases c where c.case_no = allotted.case_no)
		union
		select case_no from kam.audit a where not exists (select from kam.head h where h.subject = a.case_no)
		order by 1`

	all, err := pg.List(ctx, tx, "look for cases that are gone", pgx.RowTo[kam.CaseNo], missing)
	if err != nil {
		return err
	}
	for _, no := range all {
		if err := fn(Chain{CaseNo: no, Gone: true}); err != nil {
			return err
		}
	}
	return nil
}
