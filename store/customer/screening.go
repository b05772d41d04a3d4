package customer

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/store/internal/pg"
	"github.com/kamflow/kamflow/store/ledger"
)

// CustomersLike finds active customers that a line of a screening list may
// mean: by an identifier, or by the beginning of a name in its country. A line
// without a country is compared with every customer.
func (s *Store) CustomersLike(ctx context.Context, k PartyKeys) ([]Party, error) {
	const like = `
		select p.ref, 'CUSTOMER' as kind, p.ref as customer_id, p.group_id, p.data
		from kam.party p join kam.customer c on c.customer_no = p.ref and c.status = 'ACTIVE'
		where p.kind = 'CUSTOMER' and (p.keys && $1::text[] or ` + staleKeys + `$4
			or $3 = '' and exists (select from unnest(p.keys) t where t like any ($2::text[])))
		order by p.ref`

	return pg.List(ctx, s.pool, "look for screened customers", pgx.RowToStructByName[Party], like,
		append([]string{}, k.Tokens()...), k.inAnyCountry(), k.Country, k.Version)
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
	trail, err := s.ledger.TrailOf(ctx, "customer/"+customerNo)
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
	now, err := s.ledger.Now(ctx)
	if err != nil {
		return "", err
	}
	e := ledger.Effect{Subject: Of(customerNo), Key: key, Digest: key, At: now, By: kam.System}
	_, err = s.on(ctx, e, func(tx *Tx) (any, error) {
		c, err := tx.Customer(customerNo)
		if err != nil {
			return nil, err
		}
		if err := tx.StopCoverage(customerNo); err != nil {
			return nil, err
		}
		tx.Log(kam.AuditEvent{Type: kam.EventCoverageStopped, Actor: kam.System, Step: "1.4.6", ReasonCode: string(result), Text: "hit " + ref})
		return ref, tx.Publish(ledger.Message{Kind: "coverage.stopped", To: []kam.UserID{c.OwnerID}, Subject: kam.Note("%s is not to be called on: screening", customerNo)})
	})
	return reviewKey, err
}
