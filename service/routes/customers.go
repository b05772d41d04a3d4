package routes

import (
	"context"

	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/access"
	"github.com/kamflow/kamflow/kam/customer"
	"github.com/kamflow/kamflow/service"
)

const tagCustomers = "Customers"

// OneCustomer names a customer.
type OneCustomer struct {
	No string `path:"no" maxLength:"80" example:"C-000209"`
}

// CustomerSearch looks for customers.
type CustomerSearch struct {
	Paging
	Text      string                `query:"text" maxLength:"200" doc:"A number, an identifier or part of a name"`
	Territory string                `query:"territory" maxLength:"80" doc:"The node and all below it"`
	Owner     kam.UserID            `query:"owner" maxLength:"80"`
	Status    kam.LifecycleStatus   `query:"status" maxLength:"40"`
	Class     kam.ABCClass          `query:"class" maxLength:"10"`
	Quadrant  kam.Quadrant          `query:"quadrant" maxLength:"20"`
	Tier      kam.Tier              `query:"tier" maxLength:"20"`
	Order     service.CustomerOrder `query:"order" maxLength:"10" doc:"NAME, or GAIN: by Improvement Potential"`
}

// SearchOf is a filter as it goes in.
func SearchOf(f service.CustomerFilter) *CustomerSearch {
	return &CustomerSearch{Text: f.Text, Territory: f.Territory, Owner: f.OwnerID, Status: f.Status, Class: f.Class, Quadrant: f.Quadrant, Tier: f.Tier, Order: f.Order}
}

// AccountList picks key accounts.
type AccountList struct {
	Paging
	Ended bool `query:"ended" doc:"Those that have ended too"`
}

// OneAccount names a key account.
type OneAccount struct {
	No string `path:"no" maxLength:"80" example:"KA-000003"`
}

// MergeAsked asks what a merge would do.
type MergeAsked struct {
	OneCustomer
	Body MergePlanDocument
}

// MergePlanDocument names the record that would be absorbed.
type MergePlanDocument struct {
	Absorbed string               `json:"absorbed"`
	Choice   customer.MergeChoice `json:"choice"`
}

// Ordered is what every order carries: the same decision_id is the same order.
type Ordered struct {
	DecisionID string `json:"decision_id,omitempty" maxLength:"80"`
	Reason     string `json:"reason,omitempty" maxLength:"4000"`
}

// MergeOrdered orders a merge.
type MergeOrdered struct {
	OneCustomer
	Body MergeDocument
}

// MergeDocument is the order of a merge into the customer of the path.
type MergeDocument struct {
	Ordered
	Absorbed       string               `json:"absorbed"`
	ExpectSurvivor int                  `json:"expect_survivor,omitempty" doc:"Version that the order is bound to"`
	ExpectAbsorbed int                  `json:"expect_absorbed,omitempty"`
	Choice         customer.MergeChoice `json:"choice"`
}

// UndoOrdered orders that a merge is undone.
type UndoOrdered struct {
	OneCustomer
	Body UndoDocument
}

// UndoDocument is the order to undo a merge of the customer of the path.
type UndoDocument struct {
	Ordered
	MergeID       string `json:"merge_id"`
	ExpectVersion int    `json:"expect_version,omitempty"`
}

// SplitOrdered orders a split.
type SplitOrdered struct {
	OneCustomer
	Body SplitDocument
}

// SplitDocument is the order of a split of the customer of the path.
type SplitDocument struct {
	Ordered
	ExpectVersion int                  `json:"expect_version,omitempty"`
	Choice        customer.SplitChoice `json:"choice"`
}

// The rows of customers.
var (
	Customers = list(get(tagCustomers, "Customers", "/customers", "The customers that you may read, by number, identifier or part of a name, by place, owner and segment"),
		func(ctx context.Context, s service.Service, who service.Principal, in *CustomerSearch, n int) ([]service.CustomerLine, error) {
			return s.Customers(ctx, who, service.CustomerFilter{Text: in.Text, Territory: in.Territory, OwnerID: in.Owner, Status: in.Status,
				Class: in.Class, Quadrant: in.Quadrant, Tier: in.Tier, Order: in.Order, Limit: n})
		}, func(c service.CustomerLine) string { return c.CustomerNo })

	KeyAccounts = list(get(tagCustomers, "KeyAccounts", "/key-accounts", "The key accounts that you may read"),
		func(ctx context.Context, s service.Service, who service.Principal, in *AccountList, _ int) ([]service.KeyAccountLine, error) {
			return s.KeyAccounts(ctx, who, in.Ended)
		}, func(k service.KeyAccountLine) string { return k.No })

	KeyAccount = row(get(tagCustomers, "KeyAccount", "/key-accounts/{no}", "A key account with its members and the decision on its tier", access.ActionRead),
		func(ctx context.Context, s service.Service, who service.Principal, in *OneAccount) (service.KeyAccountView, error) {
			return s.KeyAccount(ctx, who, in.No)
		})

	Customer = row(get(tagCustomers, "Customer", "/customers/{no}", "A customer; a number that was merged leads on", access.ActionRead),
		func(ctx context.Context, s service.Service, who service.Principal, in *OneCustomer) (service.CustomerView, error) {
			return s.Customer(ctx, who, in.No)
		})

	CustomerHistory = row(get(tagCustomers, "CustomerHistory", "/customers/{no}/history", "What happened to a customer", access.ActionRead),
		func(ctx context.Context, s service.Service, who service.Principal, in *OneCustomer) (service.CustomerTrail, error) {
			return s.CustomerHistory(ctx, who, in.No)
		})

	MergePlan = row(post(tagCustomers, "MergePlan", "/customers/{no}/merge-plan", "What a merge into the customer would do; changes nothing", access.ActionMerge).
			like(MergePlanDocument{Absorbed: "C-000144"}),
		func(ctx context.Context, s service.Service, who service.Principal, in *MergeAsked) (service.MergePlan, error) {
			return s.MergePlan(ctx, who, in.No, in.Body.Absorbed, in.Body.Choice)
		})

	Merge = row(post(tagCustomers, "Merge", "/customers/{no}/merge", "Make one customer of two records", access.ActionMerge).
		like(MergeDocument{Ordered: Ordered{exampleID, "The same house, registered twice."}, Absorbed: "C-000144", ExpectSurvivor: 3, ExpectAbsorbed: 1}),
		func(ctx context.Context, s service.Service, who service.Principal, in *MergeOrdered) (service.MergeResult, error) {
			b := in.Body
			return s.Merge(ctx, who, service.MergeOrder{Survivor: in.No, Absorbed: b.Absorbed, ExpectSurvivor: b.ExpectSurvivor, ExpectAbsorbed: b.ExpectAbsorbed,
				Choice: b.Choice, Reason: b.Reason, DecisionID: b.DecisionID})
		})

	UndoMerge = row(post(tagCustomers, "UndoMerge", "/customers/{no}/undo-merge", "Make two records again of one that a merge made", access.ActionMerge).
			like(UndoDocument{Ordered: Ordered{exampleID, "They are two houses after all."}, MergeID: "M-000003"}),
		func(ctx context.Context, s service.Service, who service.Principal, in *UndoOrdered) (service.MergeResult, error) {
			b := in.Body
			return s.UndoMerge(ctx, who, service.UndoOrder{CustomerNo: in.No, MergeID: b.MergeID, ExpectVersion: b.ExpectVersion, Reason: b.Reason, DecisionID: b.DecisionID})
		})

	Split = row(post(tagCustomers, "Split", "/customers/{no}/split", "Make two customers of a record that holds two", access.ActionMerge).
		like(SplitDocument{Ordered: Ordered{exampleID, "Two clinics in one record."}, Choice: customer.SplitChoice{LegalName: "Klinik Nord GmbH", City: "Kiel"}}),
		func(ctx context.Context, s service.Service, who service.Principal, in *SplitOrdered) (service.MergeResult, error) {
			b := in.Body
			return s.Split(ctx, who, service.SplitOrder{CustomerNo: in.No, ExpectVersion: b.ExpectVersion, Choice: b.Choice, Reason: b.Reason, DecisionID: b.DecisionID})
		})
)
