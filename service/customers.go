package service

import (
	"context"
	"strings"
	"time"

	"github.com/kamflow/kamflow/internal/parties"
	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/rules"
	"github.com/kamflow/kamflow/store"
)

// planner is what the rules say about two records of one customer.
var planner = store.Planner{Merge: rules.PlanMerge, Split: rules.PlanSplit, Keys: parties.Keys}

// MergePlan is what a merge would make of two records, with the versions that
// a decision on it is taken on.
type MergePlan struct {
	Survivor        string `json:"survivor"`
	SurvivorVersion int    `json:"survivor_version"`
	Absorbed        string `json:"absorbed"`
	AbsorbedVersion int    `json:"absorbed_version"`
	kam.MergePlan
}

// Customer is a customer as a person may see it. A number that was merged into
// another leads there. Errors: NOT_FOUND, FORBIDDEN.
func (l *Local) Customer(ctx context.Context, who Principal, no string) (store.CustomerView, error) {
	ctx, cancel := context.WithTimeout(ctx, l.Patience)
	defer cancel()
	r, err := l.reader(ctx, who)
	if err != nil {
		return store.CustomerView{}, reachable(ctx, "the customer", err)
	}
	v, err := l.record.CustomerView(ctx, no)
	if err == nil {
		err = r.mayReadCustomer(v.Customer.OwnerID, v.Customer.Territory)
	}
	if err != nil {
		return store.CustomerView{}, reachable(ctx, "the customer", err)
	}
	return v, nil
}

// FindCustomers lists the customers that a person may see by number,
// identifier or part of a name, merged records among them.
func (l *Local) FindCustomers(ctx context.Context, who Principal, text string, limit int) ([]store.CustomerLine, error) {
	ctx, cancel := context.WithTimeout(ctx, l.Patience)
	defer cancel()
	r, err := l.reader(ctx, who)
	if err != nil {
		return nil, reachable(ctx, "the search", err)
	}
	if strings.TrimSpace(text) == "" {
		return nil, kam.Errorf(kam.Invalid, "say what to look for").On("text").Try("give a number, an identifier or part of a name")
	}
	found, err := l.record.FindCustomers(ctx, strings.TrimSpace(text), mostFound)
	if err != nil {
		return nil, reachable(ctx, "the search", err)
	}
	lines := []store.CustomerLine{}
	for _, l := range found {
		if len(lines) < limit && r.mayReadCustomer(l.OwnerID, l.Territory) == nil {
			lines = append(lines, l)
		}
	}
	return lines, nil
}

// mostFound bounds a search before those that the person may not see are left
// out.
const mostFound = 1000

// CustomerHistory is what happened to a customer, for those who may see it.
func (l *Local) CustomerHistory(ctx context.Context, who Principal, no string) (store.CustomerTrail, error) {
	if _, err := l.Customer(ctx, who, no); err != nil {
		return store.CustomerTrail{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, l.Patience)
	defer cancel()
	t, err := l.record.CustomerTrail(ctx, no)
	return t, reachable(ctx, "the history", err)
}

// MergePlan shows what a merge would do, field by field. Nothing is changed.
func (l *Local) MergePlan(ctx context.Context, who Principal, survivor, absorbed string, choice kam.MergeChoice) (MergePlan, error) {
	ctx, cancel := context.WithTimeout(ctx, l.Patience)
	defer cancel()
	_, err := l.ask(ctx, who, kam.ActionMerge)
	if err != nil {
		return MergePlan{}, reachable(ctx, "the plan", err)
	}
	plan, a, b, err := l.record.PlanMerge(ctx, survivor, absorbed, choice, planner)
	if err == nil {
		err = kam.NotOwnAccount(who.user, a.OwnerID, b.OwnerID)
	}
	if err != nil {
		return MergePlan{}, reachable(ctx, "the plan", err)
	}
	return MergePlan{a.CustomerNo, a.Version, b.CustomerNo, b.Version, plan}, nil
}

// Merge makes one customer of two records. Versions that are not given are
// those of now. The same DecisionID again returns what was done;
// kam.Unreachable means that it is not known whether it was, and that the same
// order may be sent again. Refusals are on the survivor's audit trail.
func (l *Local) Merge(ctx context.Context, who Principal, o store.MergeOrder) (store.MergeResult, error) {
	o.By = who.user
	return l.onCustomer(ctx, "the merge", who, o.Survivor, &o.DecisionID, &o.At, func(ctx context.Context) (store.MergeResult, error) {
		if err := l.versionNow(ctx, o.Survivor, &o.ExpectSurvivor); err != nil {
			return store.MergeResult{}, err
		}
		if err := l.versionNow(ctx, o.Absorbed, &o.ExpectAbsorbed); err != nil {
			return store.MergeResult{}, err
		}
		return l.record.Merge(ctx, o, planner)
	})
}

// UndoMerge makes two records again of one that a merge made; otherwise as
// [Local.Merge].
func (l *Local) UndoMerge(ctx context.Context, who Principal, o store.UndoOrder) (store.MergeResult, error) {
	o.By = who.user
	return l.onCustomer(ctx, "the split", who, o.CustomerNo, &o.DecisionID, &o.At, func(ctx context.Context) (store.MergeResult, error) {
		if o.ExpectVersion == 0 {
			v, err := l.record.CustomerView(ctx, o.CustomerNo)
			if err != nil {
				return store.MergeResult{}, err
			}
			o.ExpectVersion = v.Customer.Version
		}
		return l.record.UndoMerge(ctx, o, planner)
	})
}

// Split makes two customers of a record that holds two; otherwise as
// [Local.Merge].
func (l *Local) Split(ctx context.Context, who Principal, o store.SplitOrder) (store.MergeResult, error) {
	o.By = who.user
	return l.onCustomer(ctx, "the split", who, o.CustomerNo, &o.DecisionID, &o.At, func(ctx context.Context) (store.MergeResult, error) {
		if err := l.versionNow(ctx, o.CustomerNo, &o.ExpectVersion); err != nil {
			return store.MergeResult{}, err
		}
		return l.record.Split(ctx, o, planner)
	})
}

// versionNow fills in the version of now where none was given.
func (l *Local) versionNow(ctx context.Context, no string, version *int) error {
	if *version != 0 {
		return nil
	}
	now, err := l.record.Customer(ctx, no)
	*version = now.Version
	return err
}

// onCustomer looks up who decides before the store is asked to do it. Who may not
// is refused here, and the refusal noted.
func (l *Local) onCustomer(ctx context.Context, what string, who Principal, no string, id *string, at *time.Time, do func(context.Context) (store.MergeResult, error)) (store.MergeResult, error) {
	ctx, cancel := context.WithTimeout(ctx, l.Patience)
	defer cancel()
	if *id == "" {
		*id = NewDecisionID()
	}
	if at.IsZero() {
		now, err := l.record.Now(ctx)
		if err != nil {
			return store.MergeResult{}, reachable(ctx, what, err)
		}
		*at = now
	}
	_, err := l.ask(ctx, who, kam.ActionMerge)
	if e := kam.AsError(err); e != nil {
		if noted := l.record.RefuseOnCustomer(ctx, no, who.user, *id, *at, e); noted != nil && kam.CodeOf(noted) != kam.NotFound {
			return store.MergeResult{}, reachable(ctx, what, noted)
		}
		return store.MergeResult{}, e
	}
	if err != nil {
		return store.MergeResult{}, reachable(ctx, what, err)
	}
	r, err := do(ctx)
	return r, reachable(ctx, what, err)
}
