package client

import (
	"context"
	"strings"
	"time"

	"github.com/kamflow/kamflow/internal/parties"
	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/rules"
	"github.com/kamflow/kamflow/store"
)

// Customers is what is needed of the store for customers that exist.
type Customers interface {
	Customer(ctx context.Context, no string) (store.Customer, error)
	CustomerView(ctx context.Context, no string) (store.CustomerView, error)
	CustomerTrail(ctx context.Context, no string) (store.CustomerTrail, error)
	FindCustomers(ctx context.Context, text string, limit int) ([]store.CustomerLine, error)
	PlanMerge(ctx context.Context, survivor, absorbed string, c kam.MergeChoice, p store.Planner) (plan kam.MergePlan, a, b store.Customer, err error)
	Merge(ctx context.Context, o store.MergeOrder, p store.Planner) (store.MergeResult, error)
	UndoMerge(ctx context.Context, o store.UndoOrder, p store.Planner) (store.MergeResult, error)
	Split(ctx context.Context, o store.SplitOrder, p store.Planner) (store.MergeResult, error)
	RefuseOnCustomer(ctx context.Context, no string, by kam.UserID, decisionID string, at time.Time, refusal *kam.Error) error
	Nodes(ctx context.Context) ([]kam.TerritoryNode, error)
}

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
func (c *Client) Customer(ctx context.Context, by kam.UserID, no string) (store.CustomerView, error) {
	ctx, cancel := context.WithTimeout(ctx, c.Patience)
	defer cancel()
	v, err := c.record.CustomerView(ctx, no)
	if err != nil {
		return v, reachable(ctx, "the customer", err)
	}
	see, err := c.reader(ctx, by)
	if err == nil {
		err = see(v.Customer.OwnerID, v.Customer.Territory)
	}
	if err != nil {
		return store.CustomerView{}, reachable(ctx, "the customer", err)
	}
	return v, nil
}

// FindCustomers lists the customers that a person may see by number,
// identifier or part of a name, merged records among them.
func (c *Client) FindCustomers(ctx context.Context, by kam.UserID, text string, limit int) ([]store.CustomerLine, error) {
	ctx, cancel := context.WithTimeout(ctx, c.Patience)
	defer cancel()
	if strings.TrimSpace(text) == "" {
		return nil, kam.Errorf(kam.Invalid, "say what to look for").On("text").Try("give a number, an identifier or part of a name")
	}
	see, err := c.reader(ctx, by)
	if err != nil {
		return nil, reachable(ctx, "the search", err)
	}
	found, err := c.record.FindCustomers(ctx, strings.TrimSpace(text), mostFound)
	if err != nil {
		return nil, reachable(ctx, "the search", err)
	}
	lines := []store.CustomerLine{}
	for _, l := range found {
		if len(lines) < limit && see(l.OwnerID, l.Territory) == nil {
			lines = append(lines, l)
		}
	}
	return lines, nil
}

// mostFound bounds a search before those that the person may not see are left
// out.
const mostFound = 1000

// CustomerHistory is what happened to a customer, for those who may see it.
func (c *Client) CustomerHistory(ctx context.Context, by kam.UserID, no string) (store.CustomerTrail, error) {
	if _, err := c.Customer(ctx, by, no); err != nil {
		return store.CustomerTrail{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, c.Patience)
	defer cancel()
	t, err := c.record.CustomerTrail(ctx, no)
	return t, reachable(ctx, "the history", err)
}

// reader returns a test of what a person may see of the customers. An operator
// sees cases without customer data, so no customer.
func (c *Client) reader(ctx context.Context, by kam.UserID) (see func(owner kam.UserID, territory string) error, err error) {
	who, err := c.person(ctx, by)
	if err != nil {
		return nil, err
	}
	all, err := c.record.Nodes(ctx)
	if err != nil {
		return nil, err
	}
	nodes := make(map[string]kam.TerritoryNode, len(all))
	for _, n := range all {
		nodes[n.Code] = n
	}
	return func(owner kam.UserID, territory string) error {
		s := kam.Subject{Owner: owner, Customer: true}
		for n, ok := nodes[territory]; ok && len(s.Path) <= len(nodes); n, ok = nodes[n.Parent] {
			s.Path, s.Levels = append(s.Path, n.Code), append(s.Levels, n.Level)
		}
		role, err := kam.Permit(who, kam.ActionRead, s)
		if err == nil && role == kam.Operator {
			err = kam.Errorf(kam.Forbidden, "%s reads without customer data", role).Try("ask somebody who works with the customer")
		}
		return err
	}, nil
}

func (c *Client) person(ctx context.Context, by kam.UserID) (kam.Person, error) {
	who, err := c.record.Person(ctx, by)
	if kam.CodeOf(err) == kam.NotFound {
		err = kam.Errorf(kam.Forbidden, "nobody is known as %q", by).On("by")
	}
	return who, err
}

// MergePlan shows what a merge would do, field by field. Nothing is changed.
func (c *Client) MergePlan(ctx context.Context, by kam.UserID, survivor, absorbed string, choice kam.MergeChoice) (MergePlan, error) {
	ctx, cancel := context.WithTimeout(ctx, c.Patience)
	defer cancel()
	who, err := c.person(ctx, by)
	if err == nil {
		_, err = kam.Permit(who, kam.ActionMerge, kam.Subject{})
	}
	if err != nil {
		return MergePlan{}, reachable(ctx, "the plan", err)
	}
	plan, a, b, err := c.record.PlanMerge(ctx, survivor, absorbed, choice, planner)
	if err == nil {
		err = kam.NotOwnAccount(by, a.OwnerID, b.OwnerID)
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
func (c *Client) Merge(ctx context.Context, o store.MergeOrder) (store.MergeResult, error) {
	return c.decide(ctx, "the merge", o.By, o.Survivor, &o.DecisionID, &o.At, func(ctx context.Context) (store.MergeResult, error) {
		if err := c.present(ctx, o.Survivor, &o.ExpectSurvivor); err != nil {
			return store.MergeResult{}, err
		}
		if err := c.present(ctx, o.Absorbed, &o.ExpectAbsorbed); err != nil {
			return store.MergeResult{}, err
		}
		return c.record.Merge(ctx, o, planner)
	})
}

// UndoMerge makes two records again of one that a merge made; otherwise as
// [Client.Merge].
func (c *Client) UndoMerge(ctx context.Context, o store.UndoOrder) (store.MergeResult, error) {
	return c.decide(ctx, "the split", o.By, o.CustomerNo, &o.DecisionID, &o.At, func(ctx context.Context) (store.MergeResult, error) {
		if o.ExpectVersion == 0 {
			v, err := c.record.CustomerView(ctx, o.CustomerNo)
			if err != nil {
				return store.MergeResult{}, err
			}
			o.ExpectVersion = v.Customer.Version
		}
		return c.record.UndoMerge(ctx, o, planner)
	})
}

// Split makes two customers of a record that holds two; otherwise as
// [Client.Merge].
func (c *Client) Split(ctx context.Context, o store.SplitOrder) (store.MergeResult, error) {
	return c.decide(ctx, "the split", o.By, o.CustomerNo, &o.DecisionID, &o.At, func(ctx context.Context) (store.MergeResult, error) {
		if err := c.present(ctx, o.CustomerNo, &o.ExpectVersion); err != nil {
			return store.MergeResult{}, err
		}
		return c.record.Split(ctx, o, planner)
	})
}

// present fills in the version of now where none was given.
func (c *Client) present(ctx context.Context, no string, version *int) error {
	if *version != 0 {
		return nil
	}
	now, err := c.record.Customer(ctx, no)
	*version = now.Version
	return err
}

// decide looks up who decides before the store is asked to do it. Who may not
// is refused here, and the refusal noted.
func (c *Client) decide(ctx context.Context, what string, by kam.UserID, no string, id *string, at *time.Time, do func(context.Context) (store.MergeResult, error)) (store.MergeResult, error) {
	ctx, cancel := context.WithTimeout(ctx, c.Patience)
	defer cancel()
	if *id == "" {
		*id = NewDecisionID()
	}
	if at.IsZero() {
		now, err := c.record.Now(ctx)
		if err != nil {
			return store.MergeResult{}, reachable(ctx, what, err)
		}
		*at = now
	}
	who, err := c.person(ctx, by)
	if err == nil {
		_, err = kam.Permit(who, kam.ActionMerge, kam.Subject{})
	}
	if e := kam.AsError(err); e != nil {
		if noted := c.record.RefuseOnCustomer(ctx, no, by, *id, *at, e); noted != nil && kam.CodeOf(noted) != kam.NotFound {
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
