package activities

import (
	"cmp"
	"fmt"

	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/onboarding"
	customerdb "github.com/kamflow/kamflow/store/customer"
)

// checkCapacity tests whether the owner of an account that is being endorsed,
// and the programme, have capacity for one more (P3.5.5). Over capacity the
// endorser names an account that the owner releases, or gives a reason, which
// is recorded as an override.
func (w *work) checkCapacity(d doing) error {
	if w.Case.KAStatus != kam.KA {
		return nil // a demotion needs no capacity
	}
	existing, err := w.customers.KeyAccountOf(w.accountID())
	if err != nil {
		return err
	}
	owner, added := w.Case.KeyAccountOwner, 1
	if existing != nil {
		added = 0
		if owner == "" {
			owner = existing.OwnerID
		}
	}
	if owner == "" {
		owner = cmp.Or(d.OnBehalfOf, d.By) // acts until a key account manager is named
	}
	holds, err := w.customers.KeyAccountsOf(owner)
	if err != nil {
		return err
	}
	if existing != nil && existing.OwnerID == owner {
		holds[existing.Tier]--
	}
	if d.ReleaseAccount != "" {
		freed, err := w.release(d, owner)
		if err != nil {
			return err
		}
		holds[freed.Tier]--
	}
	programme, err := w.customers.KeyAccounts()
	if err != nil {
		return err
	}
	total := 0
	for _, t := range kam.Tiers {
		total += programme[t]
	}
	load := w.Pol.Capacity(holds, w.Case.Tier, total, added)
	var over string
	switch {
	case load.Over:
		over = kam.Note("%s would hold key accounts for %s%% of one manager", owner, load.SharePct)
	case load.Stop && added > 0:
		over = kam.Note("the programme would have %d key accounts", load.Programme)
	default:
		return nil
	}
	if d.Reason == "" {
		return kam.Errorf(kam.ReasonNeeded, "%s", over).On("reason").By("CAPACITY").Try("name an account to release, another owner, or a reason")
	}
	w.flag(onboarding.FlagOverridden)
	e := d.log(kam.EventCapacityOverridden)
	e.ReasonCode, e.Text = "CAPACITY", over+": "+d.Reason
	w.Log(e)
	return nil
}

// accountID is the group, or the customer where it has none.
func (lk *lookup) accountID() string {
	if lk.data.GroupID != "" {
		return lk.data.GroupID
	}
	return lk.Case.CommittedAs
}

// release takes an account from its owner: the manager of its home node acts
// for it until he names another.
func (w *work) release(d doing, owner kam.UserID) (*customerdb.KeyAccount, error) {
	k, err := w.customers.KeyAccountNamed(d.ReleaseAccount)
	if err != nil {
		return nil, err
	}
	if k == nil || k.State == customerdb.KeyAccountEnded || k.OwnerID != owner {
		return nil, kam.Errorf(kam.Invalid, "%s owns no key account %s", owner, d.ReleaseAccount).On("release_account").Try("name one that %s owns", owner)
	}
	chain, err := w.Org.Chain(k.HomeNode)
	if err != nil {
		return nil, err
	}
	s, ok, err := w.SeatFrom(chain, k.Tier.Level(), "", func(u kam.UserID) error {
		if u == owner {
			return kam.Errorf(kam.Invalid, "it is released by him").By("CAPACITY")
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	if !ok {
		return nil, kam.Errorf(kam.Invalid, "nobody above %s could take %s over", k.HomeNode, k.No).On("release_account").Try("name another one")
	}
	k.OwnerID = s.Person.ID
	if _, err := w.customers.SaveKeyAccount(*k); err != nil {
		return nil, err
	}
	if err := w.askForManager(k.No, s.Person); err != nil {
		return nil, err
	}
	e := d.log(kam.EventAccountReleased)
	e.Text = fmt.Sprintf("%s from %s to %s", k.No, owner, s.Person.ID)
	w.Log(e)
	return k, w.notify("keyaccount.released", kam.Say("%s needs a key account manager", k.No), s.Person.ID, owner)
}
