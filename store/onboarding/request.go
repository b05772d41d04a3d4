package onboarding

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/customer"
	"github.com/kamflow/kamflow/kam/onboarding"
	"github.com/kamflow/kamflow/store/internal/contact"
	"github.com/kamflow/kamflow/store/internal/pg"
	"github.com/kamflow/kamflow/store/ledger"
)

// A Request is what starts a case (1.1.1). Key is made by the client; with it
// a request that is sent again is the same request.
type Request struct {
	Key        string               `json:"request_key"`
	Type       kam.CaseType         `json:"case_type"`
	Requester  kam.UserID           `json:"requester_id"`
	Data       customer.RequestData `json:"data"`
	CustomerNo string               `json:"customer_no,omitempty"`
	AppealOf   kam.CaseNo           `json:"appeal_of,omitempty"`
	// DraftOf is the request that this one is a draft of: it followed another case,
	// which ended without a customer.
	DraftOf kam.CaseNo `json:"draft_of,omitempty"`
	// Trigger says why a RECLASSIFY is raised.
	Trigger     onboarding.ReviewTrigger `json:"trigger,omitempty"`
	ImportBatch string                   `json:"import_batch,omitempty"`
	ImportRow   string                   `json:"import_row,omitempty"`
	// Findings are what an import found in the row that the request came from:
	// values that were left out, and what was made of others. They are told with
	// the case and are no part of what is requested, so the digest is without them.
	Findings []customer.Finding `json:"findings,omitempty"`
}

// Allot gives the request a case number. The same request again gets the
// same number and created false; another request under the same key is a
// kam.IDReused. Numbers of a year have no gaps, so that a case that was
// removed shows.
func (s *Store) Allot(ctx context.Context, r Request) (no kam.CaseNo, created bool, err error) {
	if err := kam.CheckKey("request_key", r.Key); err != nil {
		return "", false, err
	}
	if r.Type == "" || r.Requester == "" {
		return "", false, kam.Errorf(kam.Invalid, "a request needs a case type and a requester").On("by")
	}
	digest := RequestDigest(r)
	no, found, err := s.allotted(ctx, r.Key, digest)
	if err != nil || found {
		return no, false, err
	}
	err = pg.Retry(ctx, func() error {
		return pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
			no, err = allot(ctx, tx, r, digest)
			return err
		})
	})
	if pg.BreaksUnique(err, "cases_appeal") {
		return "", false, kam.Errorf(kam.AlreadyDecided, "case %s was appealed already", r.AppealOf).On("appeal_of").By("ONE_APPEAL").
			Try("a rejection is appealed once")
	}
	if pg.BreaksUnique(err, "cases_request_key") { // somebody else sent it at the same time
		no, _, err = s.allotted(ctx, r.Key, digest)
		return no, false, err
	}
	if err != nil {
		return "", false, fmt.Errorf("allot a case number: %w", pg.Known(err))
	}
	return no, true, nil
}

// RequestDigest is what a request is known by under its key: all of it but what an
// import found in its row.
func RequestDigest(r Request) string {
	r.Findings = nil
	return ledger.Digest(r)
}

func (s *Store) allotted(ctx context.Context, key, digest string) (kam.CaseNo, bool, error) {
	type row struct {
		No     kam.CaseNo
		Digest string
	}
	r, ok, err := pg.One(ctx, s.pool, "look up request", pgx.RowToStructByPos[row],
		`select case_no, request_digest from kam.cases where request_key = $1`, key)
	if err != nil || !ok {
		return "", false, err
	}
	if r.Digest != digest {
		return "", false, kam.Errorf(kam.IDReused, "the request key already stands for case %s with other content", r.No).
			On("request_key").Try("use a new key for a new request")
	}
	return r.No, true, nil
}

func allot(ctx context.Context, tx pgx.Tx, r Request, digest string) (kam.CaseNo, error) {
	const number = `
		insert into kam.case_counter as c (year, last)
		values (extract(year from clock_timestamp() at time zone 'UTC')::int, 1)
		on conflict (year) do update set last = c.last + 1
		returning year, last, clock_timestamp()`
	const insert = `
		insert into kam.cases (case_no, request_key, request_digest, opening, snapshot, state, case_type,
			requester, customer_no, customer_name, country, territory, updated_at, appeal_of)
		values (@case_no, @key, @digest, @opening, @snapshot, @state, @type, @requester, @customer_no, @name, @country, @territory, @at, @appeal_of)`

	var year, last int64
	var now time.Time
	if err := tx.QueryRow(ctx, number).Scan(&year, &last, &now); err != nil {
		return "", err
	}
	no := kam.CaseNo(fmt.Sprintf("KAM-%04d-%06d", year, last))
	first := onboarding.Snapshot{
		CaseNo: no, Type: r.Type, State: onboarding.Draft, Step: onboarding.Draft.Spec().Step, Requester: r.Requester,
		Country: r.Data.CountryCode, Territory: r.Data.TerritoryCode, OpenedAt: now, UpdatedAt: now,
		CommittedAs: r.CustomerNo, AppealOf: r.AppealOf, Trigger: r.Trigger,
	}
	kept := r
	kept.Data = contact.Without(r.Data)
	var b pgx.Batch
	b.Queue(insert, pgx.StrictNamedArgs{
		"case_no": no, "key": r.Key, "digest": digest, "opening": kept, "snapshot": first, "state": first.State, "type": r.Type,
		"requester": r.Requester, "customer_no": r.CustomerNo, "name": r.Data.LegalName, "country": first.Country,
		"territory": first.Territory, "at": now, "appeal_of": r.AppealOf,
	})
	contact.Queue(&b, openingOwner(no), r.Data.Contacts)
	return no, tx.SendBatch(ctx, &b).Close()
}

// RequestByKey finds the case that a request key stands for.
func (s *Store) RequestByKey(ctx context.Context, key string) (no kam.CaseNo, ok bool, err error) {
	return pg.One(ctx, s.pool, "look up request", pgx.RowTo[kam.CaseNo],
		`select case_no from kam.cases where request_key = $1`, key)
}

// StageData keeps the data that an act refers to, under the digest that it
// returns; see [ledger.Ledger.Stage].
func (s *Store) StageData(ctx context.Context, no kam.CaseNo, decisionID string, d customer.RequestData) (string, error) {
	digest := ledger.Digest(d)
	err := s.ledger.Stage(ctx, Of(no), decisionID, digest, contact.Without(d), func(b *pgx.Batch) {
		contact.Queue(b, ledger.StagedOwner(Of(no), decisionID), d.Contacts)
	})
	if err != nil {
		return "", err
	}
	return digest, nil
}

// Decision is the digest of a decision that took effect; false where none did
// under that id.
func (s *Store) Decision(ctx context.Context, no kam.CaseNo, decisionID string) (digest string, ok bool, err error) {
	return pg.One(ctx, s.pool, "look up a decision", pgx.RowTo[string],
		`select digest from kam.effect where case_no = $1 and key = 'act/' || $2::text and progress -> 'refused' is null`, no, decisionID)
}

// WithdrawIntent notes that somebody wants to withdraw, for the commit of the
// customer to see (D12). The first intent stays.
func (s *Store) WithdrawIntent(ctx context.Context, no kam.CaseNo, by kam.UserID, decisionID string) error {
	const insert = `
		insert into kam.withdraw_intent (case_no, by_user, decision_id)
		select case_no, $2, $3 from (select case_no from kam.cases where case_no = $1 for update) c
		on conflict (case_no) do nothing`

	tag, err := pg.Exec(ctx, s.pool, "note the withdrawal of "+string(no), insert, no, by, decisionID)
	if err != nil || tag.RowsAffected() == 1 {
		return err
	}
	_, err = s.Case(ctx, no)
	return err
}

// DropIntent takes back what WithdrawIntent noted of somebody's decision. When it
// returns, the commit has either seen the note or will not.
func (s *Store) DropIntent(ctx context.Context, no kam.CaseNo, by kam.UserID, decisionID string) error {
	const drop = `
		delete from kam.withdraw_intent where decision_id = $3 and by_user = $2
		and case_no = (select case_no from kam.cases where case_no = $1 for update)`

	_, err := pg.Exec(ctx, s.pool, "drop the withdrawal of "+string(no), drop, no, by, decisionID)
	return err
}

// Refuse appends the refusal of an act to the audit trail, once for each
// decision and code. It does not move the case.
func (s *Store) Refuse(ctx context.Context, no kam.CaseNo, act onboarding.Act, e *kam.Error, at time.Time) error {
	return s.RefuseSignal(ctx, no, act, e, at, 0)
}

// RefuseSignal is Refuse for an act that came as a signal: once for each signal.
func (s *Store) RefuseSignal(ctx context.Context, no kam.CaseNo, act onboarding.Act, e *kam.Error, at time.Time, signal int64) error {
	f := ledger.Effect{Subject: Of(no), At: at, By: act.By, For: act.OnBehalfOf, Signal: signal}
	return s.ledger.Refuse(ctx, f, act.DecisionID, e, func(entry *ledger.Entry) ledger.Keeper { return newTx(entry, nil) })
}
