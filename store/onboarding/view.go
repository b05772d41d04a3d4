package onboarding

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/customer"
	"github.com/kamflow/kamflow/kam/onboarding"
	"github.com/kamflow/kamflow/store/internal/contact"
	"github.com/kamflow/kamflow/store/internal/pg"
)

func noCase(no kam.CaseNo) error {
	return kam.Errorf(kam.NotFound, "there is no case %s", pg.Clip(string(no), 40)).On("case_no")
}

// Case is the committed state of a case; kam.NotFound where there is none.
func (s *Store) Case(ctx context.Context, no kam.CaseNo) (onboarding.Snapshot, error) {
	return snapshot(ctx, s.pool, no)
}

func snapshot(ctx context.Context, q pg.Querier, no kam.CaseNo) (onboarding.Snapshot, error) {
	c, ok, err := pg.One(ctx, q, "read the case", pgx.RowTo[onboarding.Snapshot], `select snapshot from kam.cases where case_no = $1`, no)
	if err == nil && !ok {
		err = noCase(no)
	}
	return c, err
}

// A View is a case as a person opens it. Started is false for a number
// that was allotted and whose case never opened.
type View struct {
	Snapshot   onboarding.Snapshot         `json:"case"`
	Started    bool                        `json:"started"`
	Request    customer.RequestData        `json:"request"`
	Opening    Request                     `json:"opening"`
	Candidates []customer.Candidate        `json:"candidates,omitempty"`
	Findings   []customer.Finding          `json:"findings,omitempty"`
	Records    []onboarding.DecisionRecord `json:"records,omitempty"` // the newest of each kind
	Analysis   json.RawMessage             `json:"analysis,omitempty"`
	Segment    json.RawMessage             `json:"segment,omitempty"`
	Been       []onboarding.State          `json:"been,omitempty"` // the states that it has been in
	Ending     *Ending                     `json:"ending,omitempty"`
	// Followed is the case that this one follows in the end.
	Followed *onboarding.Snapshot `json:"followed,omitempty"`
	// Turns are its tasks, for its clock.
	Turns []kam.Turn `json:"-"`
	// Screened are the hits of screening that compliance is asked about.
	Screened *customer.Screened `json:"screened,omitempty"`
}

// An Ending is who ended a case, and why in his words. Restricted words are for
// compliance and audit.
type Ending struct {
	By         kam.UserID `json:"by"`
	At         time.Time  `json:"at"`
	Code       string     `json:"reason_code,omitempty"`
	Text       string     `json:"text,omitempty"`
	Restricted bool       `json:"restricted,omitempty"`
}

// View reads a case with its data, as of one moment; kam.NotFound where
// there is none.
func (s *Store) View(ctx context.Context, no kam.CaseNo) (v View, err error) {
	const newest = `
		select record from (
			select distinct on (kind) n, record from kam.decision_record where case_no = $1 order by kind, n desc
		) r order by n`

	const ending = `
		select actor_id as "by", at, reason_code as code, text, restricted from kam.audit where case_no = $1 and to_state = $2 order by seq desc limit 1`
	const been = `
		select to_state from kam.audit where case_no = $1 and to_state <> '' group by to_state order by min(seq)`

	err = pg.Snapshot(ctx, s.pool, func(tx pgx.Tx) (err error) {
		if v.Snapshot, err = snapshot(ctx, tx, no); err != nil {
			return err
		}
		v.Started = v.Snapshot.Version > 0
		fact := func(kind string, into any) func() error {
			return func() error { _, err := readFact(ctx, tx, no, kind, into); return err }
		}
		return pg.InTurn(
			func() (err error) { v.Request, err = requestData(ctx, tx, no, v.Snapshot.Revision); return err },
			func() (err error) { v.Opening, err = opening(ctx, tx, no); return err },
			func() (err error) { v.Candidates, err = readCandidates(ctx, tx, no); return err },
			func() (err error) { v.Findings, err = readFindings(ctx, tx, no); return err },
			fact(factAnalysis, &v.Analysis), fact(factSegment, &v.Segment), fact(FactHits, &v.Screened),
			func() error {
				if v.Snapshot.SameAs == "" {
					return nil
				}
				s, err := followed(ctx, tx, no)
				v.Followed = &s
				return err
			},
			func() error {
				turns, err := turnsOf(ctx, tx, no)
				v.Turns = turns[no]
				return err
			},
			func() (err error) {
				v.Been, err = pg.List(ctx, tx, "read where the case has been", pgx.RowTo[onboarding.State], been, no)
				return err
			},
			func() error {
				if !v.Snapshot.State.Ended() {
					return nil
				}
				e, ok, err := pg.One(ctx, tx, "read how the case ended", pgx.RowToStructByName[Ending], ending, no, v.Snapshot.State)
				if ok {
					v.Ending = &e
				}
				return err
			},
			func() (err error) {
				v.Records, err = pg.List(ctx, tx, "read decision records", pgx.RowTo[onboarding.DecisionRecord], newest, no)
				return err
			},
		)
	})
	return v, err
}

// Followed is the case that a case follows in the end: the earliest of a chain of
// same requests, itself where it follows none.
func (s *Store) Followed(ctx context.Context, no kam.CaseNo) (onboarding.Snapshot, error) {
	return followed(ctx, s.pool, no)
}

// Followed is [Store.Followed] within an effect.
func (tx *Tx) Followed(no kam.CaseNo) (onboarding.Snapshot, error) {
	return followed(tx.ctx, tx.tx, no)
}

func followed(ctx context.Context, q pg.Querier, no kam.CaseNo) (onboarding.Snapshot, error) {
	const end = `
		with recursive chain as (
			select case_no, same_as from kam.cases where case_no = $1
			union
			select c.case_no, c.same_as from chain f join kam.cases c on c.case_no = f.same_as
		)
		select snapshot from kam.cases where case_no = (select case_no from chain where same_as = '')`

	c, ok, err := pg.One(ctx, q, "read the case that is followed", pgx.RowTo[onboarding.Snapshot], end, no)
	if err == nil && !ok {
		err = noCase(no)
	}
	return c, err
}

// CaseAsIs reads another case within an effect, without its lock.
func (tx *Tx) CaseAsIs(no kam.CaseNo) (onboarding.Snapshot, error) {
	return snapshot(tx.ctx, tx.tx, no)
}

func requestData(ctx context.Context, q pg.Querier, no kam.CaseNo, revision int) (customer.RequestData, error) {
	d, ok, err := pg.One(ctx, q, "read the request data", pgx.RowTo[customer.RequestData],
		`select data from kam.revision where case_no = $1 and revision = $2`, no, revision)
	if err != nil || !ok {
		return d, err
	}
	d.Contacts, err = contact.Of(ctx, q, revisionOwner(no, revision))
	return d, err
}

func opening(ctx context.Context, q pg.Querier, no kam.CaseNo) (Request, error) {
	r, ok, err := pg.One(ctx, q, "read the opening request", pgx.RowTo[Request], `select opening from kam.cases where case_no = $1`, no)
	if err == nil && !ok {
		err = noCase(no)
	}
	if err != nil {
		return r, err
	}
	r.Data.Contacts, err = contact.Of(ctx, q, openingOwner(no))
	return r, err
}

func readFact(ctx context.Context, q pg.Querier, no kam.CaseNo, kind string, into any) (bool, error) {
	b, ok, err := pg.One(ctx, q, "read "+kind, pgx.RowTo[json.RawMessage],
		`select value from kam.case_fact where case_no = $1 and kind = $2`, no, kind)
	if err != nil || !ok {
		return false, err
	}
	if err := json.Unmarshal(b, into); err != nil {
		return false, fmt.Errorf("read %s: %w", kind, err)
	}
	return true, nil
}

func readCandidates(ctx context.Context, q pg.Querier, no kam.CaseNo) ([]customer.Candidate, error) {
	var all []customer.Candidate
	if ok, err := readFact(ctx, q, no, factCandidates, &all); !ok || err != nil {
		return nil, err
	}
	waived, err := readWaivedCandidates(ctx, q, no)
	if err != nil {
		return nil, err
	}
	for i, c := range all {
		all[i].Waived = c.Waived || c.Class.Rank() <= waived[c.Ref].Rank()
	}
	return all, nil
}

// readWaivedCandidates are the candidates that were judged to be other parties,
// with the class that they had then. A release that kept none is still at work
// while this one is brought in: what a requester may say counts then.
func readWaivedCandidates(ctx context.Context, q pg.Querier, no kam.CaseNo) (map[string]kam.MatchClass, error) {
	type row struct {
		Ref   string
		Class kam.MatchClass
	}
	all, err := pg.List(ctx, q, "read waivers", pgx.RowToStructByPos[row],
		`select ref, coalesce(finding ->> 'class', 'PROBABLE') from kam.waiver where case_no = $1 and kind = 'CANDIDATE'`, no)
	if err != nil {
		return nil, err
	}
	waived := map[string]kam.MatchClass{}
	for _, r := range all {
		waived[r.Ref] = r.Class
	}
	return waived, nil
}

func readFindings(ctx context.Context, q pg.Querier, no kam.CaseNo) ([]customer.Finding, error) {
	return pg.List(ctx, q, "read findings", pgx.RowTo[customer.Finding],
		`select finding from kam.finding where case_no = $1 order by position`, no)
}

// Events are the audit trail of a case, in order.
func (s *Store) Events(ctx context.Context, no kam.CaseNo) ([]kam.AuditEvent, error) {
	all, err := s.ledger.TrailOf(ctx, string(no))
	if err == nil && len(all) == 0 {
		_, err = s.Case(ctx, no)
	}
	return all, err
}

// Records are all decision records of a case, in order.
func (s *Store) Records(ctx context.Context, no kam.CaseNo) ([]onboarding.DecisionRecord, error) {
	all, err := pg.List(ctx, s.pool, "read decision records", pgx.RowTo[onboarding.DecisionRecord],
		`select record from kam.decision_record where case_no = $1 order by n`, no)
	if err == nil && len(all) == 0 {
		_, err = s.Case(ctx, no)
	}
	return all, err
}

// A Revision is the request data as they stood, with who changed them.
type Revision struct {
	No   int                  `json:"revision"`
	At   time.Time            `json:"at"`
	By   kam.UserID           `json:"by"`
	Hash string               `json:"material_hash"`
	Data customer.RequestData `json:"data"`
}

// Revisions are all revisions of a case's data, in order, with contacts.
func (s *Store) Revisions(ctx context.Context, no kam.CaseNo) ([]Revision, error) {
	all, err := pg.List(ctx, s.pool, "read revisions", pgx.RowToStructByName[Revision],
		`select revision as no, at, by_user as "by", material_hash as hash, data from kam.revision where case_no = $1 order by revision`, no)
	if err != nil {
		return nil, err
	}
	if len(all) == 0 {
		_, err = s.Case(ctx, no)
		return nil, err
	}
	for i := range all {
		if all[i].Data.Contacts, err = contact.Of(ctx, s.pool, revisionOwner(no, all[i].No)); err != nil {
			return nil, err
		}
	}
	return all, nil
}
