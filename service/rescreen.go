package service

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/kamflow/kamflow/internal/parties"
	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/customer"
	"github.com/kamflow/kamflow/kam/onboarding"
	casedb "github.com/kamflow/kamflow/store/onboarding"
)

// Rescreened counts what a comparison of the customers with the screening list
// found.
type Rescreened struct {
	Hits   int `json:"hits"`
	Opened int `json:"opened"` // RECLASSIFY cases
	Busy   int `json:"busy"`   // customers in an open case, to be tried again
}

// Rescreen compares the active customers with the local screening list, which
// grows after they were taken on. A hit stops their coverage at once and opens a
// RECLASSIFY case with reason SCREENING (P2.7). A hit that is known, or that
// compliance cleared for this party, is passed over, unless it is CONFIRMED now; a
// customer in an open case is tried again the next time.
func (l *Local) Rescreen(ctx context.Context) (Rescreened, error) {
	var r Rescreened
	list, err := l.record.Access.BlockedParties(ctx)
	if err != nil || len(list) == 0 { // of a system without a policy, too
		return r, err
	}
	policy, err := l.latestPolicy(ctx)
	if err != nil {
		return r, err
	}
	var errs []error
	for _, b := range list {
		found, err := l.record.Customers.CustomersLike(ctx, parties.EntryKeys(b))
		if err != nil {
			return r, err
		}
		for _, p := range found {
			result, blocked := policy.Match.Screen(parties.Screened(p.Data), parties.Entry(b))
			if result == kam.ScreeningClear && !blocked {
				continue
			}
			r.Hits++
			d := customer.RequestData{ScreeningData: customer.ScreeningData{LegalName: p.Data.Name, TradingNames: p.Data.TradingNames, CountryCode: p.Data.Country, Identifiers: p.Data.Identifiers}}
			if err := l.stop(ctx, p.Ref, parties.Hit(b, result), parties.ForScreening(d), &r); err != nil {
				errs = append(errs, fmt.Errorf("hit %s on %s: %w", b.Ref, p.Ref, err))
			}
		}
	}
	return r, errors.Join(errs...)
}

func (l *Local) stop(ctx context.Context, customerNo string, hit customer.ScreeningHit, party customer.ScreenedParty, r *Rescreened) error {
	cleared, err := l.record.Cases.Clearances(ctx, customerNo)
	if err != nil || slices.ContainsFunc(cleared, func(x customer.Clearance) bool { return x.Covers(hit, party) }) {
		return err
	}
	key, err := l.record.Customers.StopCoverage(ctx, customerNo, hit.Ref, hit.Result)
	if err != nil {
		return err
	}
	if no, ok, err := l.record.Cases.RequestByKey(ctx, key); err != nil || ok && no != "" {
		return err
	}
	_, err = l.start(ctx, signatory{}, casedb.Request{Key: key, Type: kam.Reclassify, Requester: kam.System, CustomerNo: customerNo, Trigger: onboarding.ReviewScreening})
	if kam.CodeOf(err) == kam.OpenCaseExists {
		r.Busy++
		return nil
	}
	if err == nil {
		r.Opened++
	}
	return err
}
