package store

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/kamflow/kamflow/kam"
)

// BlockedParties is the local screening list.
func (s *Store) BlockedParties(ctx context.Context) ([]BlockedParty, error) {
	return list(ctx, s.pool, "read the screening list", pgx.RowTo[BlockedParty], `select party from kam.blocked_party order by ref`)
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

	return list(ctx, s.pool, "look for screened customers", pgx.RowToStructByPos[Party], like,
		append([]string{}, k.tokens()...), k.inAnyCountry(), k.Country, k.Version)
}

// FactCleared is the kind of fact that keeps which hit of screening compliance
// cleared.
const FactCleared = "screening_cleared"

// HitCleared says whether compliance cleared this hit when the customer was
// taken on: it is no news then.
func (s *Store) HitCleared(ctx context.Context, customerNo, ref string) (bool, error) {
	const cleared = `
		select exists (select from kam.case_fact f join kam.cases c using (case_no)
			where f.kind = $3 and c.customer_no = $1 and f.value = to_jsonb($2::text))`

	ok, _, err := one(ctx, s.pool, "look for a cleared hit", pgx.RowTo[bool], cleared, customerNo, ref, FactCleared)
	return ok, err
}

// StopCoverage takes a customer off the call plans because of a hit of
// screening, once for each hit (P2.7). It may run twice.
func (s *Store) StopCoverage(ctx context.Context, customerNo, ref string, result kam.ScreeningResult) (first bool, err error) {
	now, err := s.Now(ctx)
	if err != nil {
		return false, err
	}
	e := Effect{CaseNo: kam.CaseNo("customer/" + customerNo), Key: "screening/" + ref, Digest: "screening/" + ref, At: now, By: kam.System}
	_, err = s.OnSubject(ctx, e, func(_ context.Context, tx *Tx) (any, error) {
		first = true
		c, err := tx.Customer(customerNo)
		if err != nil {
			return nil, err
		}
		if err := tx.StopCoverage(customerNo); err != nil {
			return nil, err
		}
		tx.Log(kam.AuditEvent{Type: kam.EventCoverageStopped, Actor: kam.System, Step: "1.4.6", ReasonCode: string(result), Text: "hit " + ref})
		return ref, tx.Publish(Message{Kind: "coverage.stopped", To: []kam.UserID{c.OwnerID}, Subject: customerNo + " is not to be called on: screening"})
	})
	return first, err
}
