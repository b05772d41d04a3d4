package onboarding

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/store/internal/pg"
)

// The kinds of fact that screening keeps: the hits that compliance was asked
// about, and which of them it cleared. FactCleared is how early releases kept the
// latter: the references in one string, of whatever list.
const (
	FactHits       = "screening_hits"
	FactClearances = "screening_clearances"
	FactCleared    = "screening_cleared"
)

// Clearances are what compliance has cleared in the cases of a customer: such a
// hit is no news.
func (s *Store) Clearances(ctx context.Context, customerNo string) ([]kam.Clearance, error) {
	return clearances(ctx, s.pool, "", customerNo)
}

// Clearances are what compliance has cleared in this case, and in the earlier
// ones of its customer.
func (tx *Tx) Clearances() ([]kam.Clearance, error) {
	return clearances(tx.ctx, tx.tx, tx.no(), tx.Case.CommittedAs)
}

func clearances(ctx context.Context, q pg.Querier, no kam.CaseNo, customerNo string) ([]kam.Clearance, error) {
	const cleared = `
		with mine as (select case_no from kam.cases where case_no = $1 or $2 <> '' and customer_no = $2)
		select case_no, kind, value from kam.case_fact join mine using (case_no) where kind in ($3, $4)
		union all
		select case_no, $5, finding from kam.waiver join mine using (case_no) where kind = 'FINDING' and finding ->> 'rule_id' = $5
		order by 1, 2`
	type row struct {
		No    kam.CaseNo
		Kind  string
		Value json.RawMessage
	}

	kept, err := pg.List(ctx, q, "look for cleared hits", pgx.RowToStructByPos[row], cleared, no, customerNo, FactClearances, FactCleared, oldWaiver)
	if err != nil {
		return nil, err
	}
	var all []kam.Clearance
	for _, k := range kept {
		found, err := decodeClearances(k.Kind, k.Value)
		if err != nil {
			return nil, fmt.Errorf("read %s of %s: %w", k.Kind, k.No, err)
		}
		for _, c := range found {
			c.CaseNo = k.No
			all = append(all, c)
		}
	}
	return all, nil
}

// oldWaiver is the rule whose waiver was all that early releases kept of possible
// hits that were accepted as a finding: their references stand in its text.
const oldWaiver = "VS02"

func decodeClearances(kind string, value json.RawMessage) (all []kam.Clearance, err error) {
	var refs string
	var c kam.Clearance
	switch kind {
	case FactClearances:
		err = json.Unmarshal(value, &all)
		return all, err
	case FactCleared:
		err = json.Unmarshal(value, &refs)
	default:
		var f kam.Finding
		err = json.Unmarshal(value, &f)
		refs = textAfter(f.What(), "possible hit: ")
		c.Step, c.By, c.Reason = "1.4.6s", f.WaivedBy, f.WaiverReason
	}
	if refs == "" {
		return nil, err
	}
	for _, ref := range append(strings.Split(refs, ", "), refs) { // a reference may hold a comma
		c.Ref = ref
		all = append(all, c)
	}
	return all, err
}

func textAfter(s, prefix string) string {
	if rest, ok := strings.CutPrefix(s, prefix); ok {
		return rest
	}
	return ""
}

// SaveClearances adds to what compliance has cleared in this case.
func (tx *Tx) SaveClearances(more []kam.Clearance) error {
	var all []kam.Clearance
	if _, err := tx.fact(FactClearances, &all); err != nil {
		return err
	}
	return tx.saveFact(FactClearances, append(all, more...))
}
