package service

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/kamflow/kamflow/internal/parties"
	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/access"
	"github.com/kamflow/kamflow/kam/customer"
	"github.com/kamflow/kamflow/kam/onboarding"
	"github.com/kamflow/kamflow/kam/rules"
	customerdb "github.com/kamflow/kamflow/store/customer"
	"github.com/kamflow/kamflow/store/customer/merge"
)

// planner is what the rules say about two records of one customer, and who may
// decide on them.
var planner = merge.Planner{
	May: func(who kam.Person) (kam.Role, error) {
		return access.Permit(who, access.ActionMerge, access.Subject{})
	},
	NotOwn: customer.NotOwnAccount, Merge: rules.PlanMerge, Split: rules.PlanSplit, Keys: parties.Keys, HaveOne: parties.HaveOne,
}

// MergePlan is what a merge would make of two records, with the versions that
// a decision on it is taken on.
type MergePlan struct {
	Survivor        string `json:"survivor"`
	SurvivorVersion int    `json:"survivor_version"`
	Absorbed        string `json:"absorbed"`
	AbsorbedVersion int    `json:"absorbed_version"`
	customer.MergePlan
}

// Customer is a customer as a person may see it. A number that was merged into
// another leads there. Errors: NOT_FOUND, FORBIDDEN.
func (l *Local) Customer(ctx context.Context, who Principal, no string) (customerdb.View, error) {
	ctx, cancel := context.WithTimeout(ctx, l.Patience)
	defer cancel()
	r, err := l.reader(ctx, who)
	if err != nil {
		return customerdb.View{}, reachable(ctx, kam.Say("the customer"), err)
	}
	v, err := l.record.Customers.View(ctx, no)
	if err == nil {
		err = r.mayReadCustomer(v.Customer.OwnerID, v.Customer.Territory)
	}
	if err != nil {
		return customerdb.View{}, reachable(ctx, kam.Say("the customer"), err)
	}
	return v, nil
}

// Customers lists the customers that a person may see.
func (l *Local) Customers(ctx context.Context, who Principal, f customerdb.Filter) ([]customerdb.Line, error) {
	ctx, cancel := context.WithTimeout(ctx, l.Patience)
	defer cancel()
	r, err := l.reader(ctx, who)
	if err != nil {
		return nil, reachable(ctx, kam.Say("the list"), err)
	}
	if err := r.known(f.Territory); err != nil {
		return nil, err
	}
	f.Text, f.Seen = strings.TrimSpace(f.Text), r.seen()
	if f.Limit <= 0 {
		f.Limit = MostListed
	}
	lines, err := readable(f.Limit, func(n int) ([]customerdb.Line, error) {
		f := f
		f.Limit = n
		return l.record.Customers.List(ctx, f)
	}, func(c *customerdb.Line) bool { return r.mayReadCustomer(c.OwnerID, c.Territory) == nil })
	return lines, reachable(ctx, kam.Say("the list"), err)
}

// A KeyAccountView is a key account with its members, and why it has its tier:
// the decision of the case that made it so.
type KeyAccountView struct {
	customerdb.KeyAccountLine
	Customers []customerdb.Line          `json:"customers"` // its members that may be read
	Decision  *onboarding.DecisionRecord `json:"decision,omitempty"`
}

// KeyAccounts lists the key accounts that a person may see.
func (l *Local) KeyAccounts(ctx context.Context, who Principal, ended bool) ([]customerdb.KeyAccountLine, error) {
	ctx, cancel := context.WithTimeout(ctx, l.Patience)
	defer cancel()
	r, err := l.reader(ctx, who)
	if err != nil {
		return nil, reachable(ctx, kam.Say("the list"), err)
	}
	all, err := l.record.Customers.KeyAccounts(ctx, "", ended)
	return slices.DeleteFunc(all, func(k customerdb.KeyAccountLine) bool { return r.mayReadAccount(k) != nil }), reachable(ctx, kam.Say("the list"), err)
}

// KeyAccount is a key account as a person may see it; NOT_FOUND, FORBIDDEN.
func (l *Local) KeyAccount(ctx context.Context, who Principal, no string) (v KeyAccountView, err error) {
	ctx, cancel := context.WithTimeout(ctx, l.Patience)
	defer cancel()
	r, err := l.reader(ctx, who)
	if err != nil {
		return v, reachable(ctx, kam.Say("the key account"), err)
	}
	found, err := l.record.Customers.KeyAccounts(ctx, no, true)
	if err != nil {
		return v, reachable(ctx, kam.Say("the key account"), err)
	}
	if no == "" || len(found) == 0 {
		return v, kam.Errorf(kam.NotFound, "there is no key account %s", kam.Clip(no, 40)).On("key_account_no")
	}
	v.KeyAccountLine = found[0]
	if err := r.mayReadAccount(v.KeyAccountLine); err != nil {
		return KeyAccountView{}, err
	}
	v.Customers, err = l.record.Customers.List(ctx, customerdb.Filter{Numbers: v.Members, Limit: len(v.Members)})
	if err != nil {
		return v, reachable(ctx, kam.Say("the key account"), err)
	}
	v.Customers = slices.DeleteFunc(v.Customers, func(c customerdb.Line) bool { return r.mayReadCustomer(c.OwnerID, c.Territory) != nil })
	if v.CaseNo == "" {
		return v, nil
	}
	records, err := l.record.Cases.Records(ctx, v.CaseNo)
	for i := range records {
		if records[i].Kind == onboarding.RecordClassification {
			v.Decision = &records[i]
		}
	}
	return v, reachable(ctx, kam.Say("the key account"), err)
}

// CustomerHistory is what happened to a customer, for those who may see it.
func (l *Local) CustomerHistory(ctx context.Context, who Principal, no string) (customerdb.Trail, error) {
	if _, err := l.Customer(ctx, who, no); err != nil {
		return customerdb.Trail{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, l.Patience)
	defer cancel()
	t, err := l.record.Customers.Trail(ctx, no)
	return t, reachable(ctx, kam.Say("the history"), err)
}

// MergePlan shows what a merge would do, field by field. Nothing is changed.
func (l *Local) MergePlan(ctx context.Context, who Principal, survivor, absorbed string, choice customer.MergeChoice) (MergePlan, error) {
	ctx, cancel := context.WithTimeout(ctx, l.Patience)
	defer cancel()
	_, err := l.ask(ctx, who, access.ActionMerge)
	if err != nil {
		return MergePlan{}, reachable(ctx, kam.Say("the plan"), err)
	}
	plan, a, b, err := l.record.Merges.Plan(ctx, survivor, absorbed, choice, planner)
	if err == nil {
		err = customer.NotOwnAccount(who.user, a.OwnerID, b.OwnerID)
	}
	if err != nil {
		return MergePlan{}, reachable(ctx, kam.Say("the plan"), err)
	}
	return MergePlan{a.CustomerNo, a.Version, b.CustomerNo, b.Version, plan}, nil
}

// Merge makes one customer of two records. Versions that are not given are
// those of now. The same DecisionID again returns what was done;
// kam.Unreachable means that it is not known whether it was, and that the same
// order may be sent again. Refusals are on the survivor's audit trail.
func (l *Local) Merge(ctx context.Context, who Principal, o merge.Order) (merge.Result, error) {
	o.By = who.user
	return l.onCustomer(ctx, kam.Say("the merge"), "Merge", who, o.Survivor, &o.DecisionID, &o.At, func(ctx context.Context, p merge.Planner) (merge.Result, error) {
		if err := l.versionNow(ctx, o.Survivor, &o.ExpectSurvivor); err != nil {
			return merge.Result{}, err
		}
		if err := l.versionNow(ctx, o.Absorbed, &o.ExpectAbsorbed); err != nil {
			return merge.Result{}, err
		}
		return l.record.Merges.Merge(ctx, o, p)
	})
}

// UndoMerge makes two records again of one that a merge made; otherwise as
// [Local.Merge].
func (l *Local) UndoMerge(ctx context.Context, who Principal, o merge.UndoOrder) (merge.Result, error) {
	o.By = who.user
	return l.onCustomer(ctx, kam.Say("the split"), "UndoMerge", who, o.CustomerNo, &o.DecisionID, &o.At, func(ctx context.Context, p merge.Planner) (merge.Result, error) {
		if o.ExpectVersion == 0 {
			v, err := l.record.Customers.View(ctx, o.CustomerNo)
			if err != nil {
				return merge.Result{}, err
			}
			o.ExpectVersion = v.Customer.Version
		}
		return l.record.Merges.Undo(ctx, o, p)
	})
}

// Split makes two customers of a record that holds two; otherwise as
// [Local.Merge].
func (l *Local) Split(ctx context.Context, who Principal, o merge.SplitOrder) (merge.Result, error) {
	o.By = who.user
	return l.onCustomer(ctx, kam.Say("the split"), "Split", who, o.CustomerNo, &o.DecisionID, &o.At, func(ctx context.Context, p merge.Planner) (merge.Result, error) {
		if err := l.versionNow(ctx, o.CustomerNo, &o.ExpectVersion); err != nil {
			return merge.Result{}, err
		}
		return l.record.Merges.Split(ctx, o, p)
	})
}

// versionNow fills in the version of now where none was given.
func (l *Local) versionNow(ctx context.Context, no string, version *int) error {
	if *version != 0 {
		return nil
	}
	now, err := l.record.Customers.Customer(ctx, no)
	*version = now.Version
	return err
}

// onCustomer looks up who decides before the store is asked to do it. Who may not
// is refused here, and the refusal noted.
func (l *Local) onCustomer(ctx context.Context, what kam.Sentence, act string, who Principal, no string, id *string, at *time.Time, do func(context.Context, merge.Planner) (merge.Result, error)) (merge.Result, error) {
	ctx, cancel := context.WithTimeout(ctx, l.Patience)
	defer cancel()
	if *id == "" {
		*id = NewDecisionID()
	}
	if at.IsZero() {
		now, err := l.record.Now(ctx)
		if err != nil {
			return merge.Result{}, reachable(ctx, what, err)
		}
		*at = now
	}
	_, err := l.ask(ctx, who, access.ActionMerge)
	if e := kam.AsError(err); e != nil {
		if noted := l.record.Customers.Refuse(ctx, no, who.user, *id, *at, e); noted != nil && kam.CodeOf(noted) != kam.NotFound {
			return merge.Result{}, reachable(ctx, what, noted)
		}
		return merge.Result{}, e
	}
	if err != nil {
		return merge.Result{}, reachable(ctx, what, err)
	}
	p := planner
	if p.Sign, err = l.sealing(ctx, who, act); err != nil {
		return merge.Result{}, reachable(ctx, what, err)
	}
	r, err := do(ctx, p)
	return r, reachable(ctx, what, err)
}
