package onboarding

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/store/internal/pg"
)

// SaveRecord keeps a decision record, stamped with case, step and time.
func (tx *Tx) SaveRecord(r kam.DecisionRecord) error {
	const insert = `
		insert into kam.decision_record (case_no, n, kind, record)
		select $1, coalesce(max(n), 0) + 1, $2, $3 from kam.decision_record where case_no = $1`

	c := tx.Case
	at := tx.At.UTC()
	r.RecordID = fmt.Sprintf("%s/%d/%s", c.CaseNo, tx.Version()+1, r.Kind)
	r.CaseNo, r.ComputedAt = c.CaseNo, &at
	if r.Step == "" {
		r.Step = c.Step
	}
	if r.Revision == 0 {
		r.Revision, r.MaterialHash = c.Revision, c.MaterialHash
	}
	tx.records = append(tx.records, r)
	_, err := pg.Exec(tx.ctx, tx.tx, "save the decision record", insert, c.CaseNo, r.Kind, r)
	return err
}

// SetHuman adds what a person decided to the newest record of a kind;
// kam.NotFound where there is none.
func (tx *Tx) SetHuman(kind kam.RecordKind, h kam.HumanDecision) error {
	const update = `
		update kam.decision_record set record = jsonb_set(record, '{human}', $3)
		where case_no = $1 and n = (select max(n) from kam.decision_record where case_no = $1 and kind = $2)
		returning record`

	r, ok, err := pg.One(tx.ctx, tx.tx, "note the decision", pgx.RowTo[kam.DecisionRecord], update, tx.no(), kind, h)
	if err != nil {
		return err
	}
	if !ok {
		return kam.Errorf(kam.NotFound, "case %s has no record %s", tx.no(), kind)
	}
	tx.records = append(tx.records, r)
	return nil
}

// The kinds of fact that a case keeps.
const (
	factCandidates = "CANDIDATES"
	factAnalysis   = "ANALYSIS"
	factSegment    = "SEGMENT"
)

func (tx *Tx) saveFact(kind string, value any) error {
	const upsert = `
		insert into kam.case_fact (case_no, kind, value) values ($1, $2, $3)
		on conflict (case_no, kind) do update set value = excluded.value`

	b, err := json.Marshal(value)
	if err != nil {
		return fmt.Errorf("save %s: %w", kind, err)
	}
	_, err = pg.Exec(tx.ctx, tx.tx, "save "+kind, upsert, tx.no(), kind, json.RawMessage(b))
	return err
}

func (tx *Tx) fact(kind string, into any) (bool, error) {
	return readFact(tx.ctx, tx.tx, tx.no(), kind, into)
}

// SaveAnalysis keeps the result of 1.2.
func (tx *Tx) SaveAnalysis(v any) error { return tx.saveFact(factAnalysis, v) }

// Analysis reads the result of 1.2; false where there is none yet.
func (tx *Tx) Analysis(into any) (bool, error) { return tx.fact(factAnalysis, into) }

// SaveSegment keeps the result of 1.3.
func (tx *Tx) SaveSegment(v any) error { return tx.saveFact(factSegment, v) }

// Segment reads the result of 1.3; false where there is none yet.
func (tx *Tx) Segment(into any) (bool, error) { return tx.fact(factSegment, into) }

// SaveFact keeps any other result of a stage under a kind of its own.
func (tx *Tx) SaveFact(kind string, v any) error { return tx.saveFact(kind, v) }

// Fact reads what SaveFact kept.
func (tx *Tx) Fact(kind string, into any) (bool, error) { return tx.fact(kind, into) }

// SaveCandidates replaces the candidates. Waivers that were given stay.
func (tx *Tx) SaveCandidates(all []kam.Candidate) error {
	if all == nil {
		all = []kam.Candidate{}
	}
	return tx.saveFact(factCandidates, all)
}

// Candidates are the candidates found last, those already judged to be
// another party marked as waived.
func (tx *Tx) Candidates() ([]kam.Candidate, error) {
	return readCandidates(tx.ctx, tx.tx, tx.no())
}

func (tx *Tx) waive(b *pgx.Batch, kind, ref string, by kam.UserID, reason string, finding any) {
	const insert = `
		insert into kam.waiver (case_no, kind, ref, by_user, reason, finding, at) values (@case_no, @kind, @ref, @by, @reason, @finding, @at)
		on conflict (case_no, kind, ref) do update set by_user = excluded.by_user, reason = excluded.reason,
			finding = excluded.finding, at = excluded.at`

	b.Queue(insert, pgx.StrictNamedArgs{"case_no": tx.no(), "kind": kind, "ref": ref, "by": by, "reason": reason, "finding": finding, "at": tx.At})
}

// WaiveCandidates notes that the candidates are other parties, as certain as
// they look now: one that looks more certain later is to be judged again.
func (tx *Tx) WaiveCandidates(all []kam.Candidate, by kam.UserID, reason string) error {
	var b pgx.Batch
	for _, c := range all {
		tx.waive(&b, "CANDIDATE", c.Ref, by, reason, map[string]kam.MatchClass{"class": c.Class})
	}
	return pg.Send(tx.ctx, tx.tx, "waive candidates", &b)
}

// WaivedCandidates says up to which class each candidate was judged to be
// another party.
func (tx *Tx) WaivedCandidates() (map[string]kam.MatchClass, error) {
	return readWaivedCandidates(tx.ctx, tx.tx, tx.no())
}

// SaveFindings replaces the findings of the validation.
func (tx *Tx) SaveFindings(all []kam.Finding) error {
	var b pgx.Batch
	b.Queue(`delete from kam.finding where case_no = $1`, tx.no())
	for i, f := range all {
		b.Queue(`insert into kam.finding (case_no, position, rule_id, finding) values ($1, $2, $3, $4)`, tx.no(), i, f.RuleID, f)
	}
	return pg.Send(tx.ctx, tx.tx, "save findings", &b)
}

// Findings are the findings saved last, with waivers given since.
func (tx *Tx) Findings() ([]kam.Finding, error) { return readFindings(tx.ctx, tx.tx, tx.no()) }

// Waive accepts the findings that which picks. The waivers outlive the findings,
// see [Tx.Waivers]; each is for its rule, its field and what was found there.
func (tx *Tx) Waive(which func(kam.Finding) bool, by kam.UserID, reason string) error {
	all, err := tx.Findings()
	if err != nil {
		return err
	}
	var b pgx.Batch
	for i, f := range all {
		if !which(f) {
			continue
		}
		f.WaivedBy, f.WaiverReason = by, reason
		b.Queue(`update kam.finding set finding = $3 where case_no = $1 and position = $2`, tx.no(), i, f)
		tx.waive(&b, "FINDING", waiverRef(f), by, reason, f)
	}
	return pg.Send(tx.ctx, tx.tx, "waive findings", &b)
}

// waiverRef is what a waiver is kept under. Early releases kept it under the
// rule alone, and one waiver of a rule took the place of another.
func waiverRef(f kam.Finding) string {
	sum := sha256.Sum256([]byte(f.Field + "\n" + f.What()))
	return f.RuleID + "/" + hex.EncodeToString(sum[:8])
}

// Waivers are the findings that were ever waived in this case.
func (tx *Tx) Waivers() ([]kam.Finding, error) {
	return pg.List(tx.ctx, tx.tx, "read waivers", pgx.RowTo[kam.Finding],
		`select finding from kam.waiver where case_no = $1 and kind = 'FINDING' order by ref`, tx.no())
}
