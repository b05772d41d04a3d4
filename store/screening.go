package store

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/store/internal/pg"
	"github.com/kamflow/kamflow/store/ledger"
)

// BlockedParties is the local screening list.
func (s *Store) BlockedParties(ctx context.Context) ([]BlockedParty, error) {
	return pg.List(ctx, s.pool, "read the screening list", pgx.RowTo[BlockedParty], `select party from kam.blocked_party order by ref`)
}

// CustomersLike finds active customers that a line of a screening list may
// mean: by an identifier, or by the beginning of a name in its country. A line
// without a country is compared with every customer.
func (s *Store) CustomersLike(ctx context.Context, k PartyKeys) ([]Party, error) {
	const like = `
		select p.ref, 'CUSTOMER', p.ref, p.group_id, p.data
		from kam.party p join kam.customer c on c.customer_no = p.ref and c.status = 'ACTIVE'
		where p.kind = 'CUSTOMER' and (p.keys && $1::text[] or ` + staleKeys + `$4
			or $3 = '' and exists (select from unnest(p.keys) t where t like any ($2::text[])))
		order by p.ref`

	return pg.List(ctx, s.pool, "look for screened customers", pgx.RowToStructByPos[Party], like,
		append([]string{}, k.tokens()...), k.inAnyCountry(), k.Country, k.Version)
}

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
func (tx *CaseTx) Clearances() ([]kam.Clearance, error) {
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
func (tx *CaseTx) SaveClearances(more []kam.Clearance) error {
	var all []kam.Clearance
	if _, err := tx.fact(FactClearances, &all); err != nil {
		return err
	}
	return tx.saveFact(FactClearances, append(all, more...))
}

// StopCoverage takes a customer off the call plans because of a hit of
// screening (P2.7), and says under which key the review of it is requested. It
// does so once for each hit, and once more for one that has become CONFIRMED, or
// that stands there when the customer is called on again: the line was gone
// meanwhile, or the party is another one now. It may run twice.
func (s *Store) StopCoverage(ctx context.Context, customerNo, ref string, result kam.ScreeningResult) (reviewKey string, err error) {
	c, err := s.Customer(ctx, customerNo)
	if err != nil {
		return "", err
	}
	trail, err := s.TrailOf(ctx, "customer/"+customerNo)
	if err != nil {
		return "", err
	}
	n, known := 1, false // which stop because of this hit it is
	for _, e := range trail {
		if e.Type == kam.EventCoverageStopped && e.Text == "hit "+ref {
			n++
			known = known || e.ReasonCode == string(kam.ScreeningConfirmed) || e.ReasonCode == string(result)
		}
	}
	if known && c.Coverage == CoverageStopped {
		n-- // the last one is still in force
	}
	key := "screening/" + ref
	reviewKey = "screening/" + customerNo + "/" + ref
	if n > 1 {
		key, reviewKey = fmt.Sprintf("%s/%d", key, n), fmt.Sprintf("%s/%d", reviewKey, n)
	}
	if known && c.Coverage == CoverageStopped {
		return reviewKey, nil
	}
	now, err := s.Now(ctx)
	if err != nil {
		return "", err
	}
	e := ledger.Effect{Subject: OfCustomer(customerNo), Key: key, Digest: key, At: now, By: kam.System}
	_, err = s.on(ctx, e, func(tx *Tx) (any, error) {
		c, err := tx.Customer(customerNo)
		if err != nil {
			return nil, err
		}
		if err := tx.StopCoverage(customerNo); err != nil {
			return nil, err
		}
		tx.Log(kam.AuditEvent{Type: kam.EventCoverageStopped, Actor: kam.System, Step: "1.4.6", ReasonCode: string(result), Text: "hit " + ref})
		return ref, tx.Publish(ledger.Message{Kind: "coverage.stopped", To: []kam.UserID{c.OwnerID}, Subject: customerNo + " is not to be called on: screening"})
	})
	return reviewKey, err
}
