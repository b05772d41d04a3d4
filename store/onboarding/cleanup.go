package onboarding

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/store/internal/pg"
	"github.com/kamflow/kamflow/store/ledger"
)

// CleanedUp counts what [Store.CleanUp] removed.
type CleanedUp struct {
	Staged   int // data of acts that were refused or never came
	Messages int // that left or were put aside long ago
	Cases    int // whose data of the customer were kept long enough
}

// Retention is how long things are kept, counted from the end.
type Retention struct{ CaseYears, MessageYears int }

// CleanUp removes what nobody needs any more: data that wait for an act that
// did not come, old messages, and the data of cases that ended long ago. Of a
// case stays what proves it: its row, its decisions' ids and the audit trail,
// which says that the rest was erased. It may run any number of times; at is
// the time of business.
func (s *Store) CleanUp(ctx context.Context, at time.Time, keep Retention) (CleanedUp, error) {
	var done CleanedUp
	var err error
	if done.Staged, err = s.ledger.DropStaged(ctx, at); err != nil {
		return done, err
	}
	if err := s.ledger.DropRefused(ctx, at); err != nil {
		return done, err
	}
	if done.Messages, err = s.ledger.DropMessages(ctx, at.AddDate(-keep.MessageYears, 0, 0)); err != nil {
		return done, err
	}
	old, err := pg.List(ctx, s.pool, "look for old cases", pgx.RowTo[kam.CaseNo], `
		select c.case_no from kam.cases c
		where not c.open and c.updated_at < $1
			and exists (select from kam.revision r where r.case_no = c.case_no and r.data <> '{}')
		order by c.updated_at limit 500`, at.AddDate(-keep.CaseYears, 0, 0))
	if err != nil {
		return done, err
	}
	for _, no := range old {
		if err := s.eraseCase(ctx, no, at); err != nil {
			return done, err
		}
		done.Cases++
	}
	return done, nil
}

// eraseCase takes the data of the customer out of a case that has ended. Its
// key is the case: a second time it does nothing.
func (s *Store) eraseCase(ctx context.Context, no kam.CaseNo, at time.Time) error {
	return s.ledger.Append(ctx, ledger.Effect{Subject: Of(no), At: at}, func(entry *ledger.Entry) ledger.Keeper {
		return newTx(entry, func(ctx context.Context, tx *Tx) error {
			if !tx.was.State.Ended() {
				return kam.Errorf(kam.WrongState, "case %s is open", no)
			}
			_, err := pg.Run(ctx, tx.tx, fmt.Sprintf("erase the data of %s", no),
				pg.Step("contacts", `delete from kam.contact where owner like $1 || '/%'`, no),
				pg.Step("revisions", `update kam.revision set data = '{}' where case_no = $1`, no),
				pg.Step("facts", `delete from kam.case_fact where case_no = $1`, no),
				pg.Step("findings", `delete from kam.finding where case_no = $1`, no),
				pg.Step("records", `delete from kam.decision_record where case_no = $1`, no),
				pg.Step("waived findings", `update kam.waiver set finding = null where case_no = $1`, no),
				pg.Step("records in answers", `update kam.effect set progress = progress - 'records' where case_no = $1 and progress ? 'records'`, no),
				pg.Step("search keys", `delete from kam.party where ref = $1`, no),
				pg.Step("staged data", `delete from kam.staged where case_no = $1`, no),
				pg.Step("the request", `update kam.cases set opening = opening - 'data', customer_name = '' where case_no = $1`, no),
			)
			if err != nil {
				return err
			}
			tx.Log(kam.AuditEvent{Type: kam.EventDataErased, Actor: kam.System, ReasonCode: "RETENTION", Text: kam.Note("kept as long as retention_years says")})
			return nil
		})
	})
}
