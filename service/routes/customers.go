package routes

import (
	"context"

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
	Text string `query:"text" maxLength:"200" doc:"A number, an identifier or part of a name"`
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
	FindCustomers = list(get(tagCustomers, "FindCustomers", "/customers", "The customers that you may read, by number, identifier or part of a name"),
		func(ctx context.Context, s service.Service, who service.Principal, in *CustomerSearch, n int) ([]service.CustomerLine, error) {
			return s.FindCustomers(ctx, who, in.Text, n)
		}, func(c service.CustomerLine) string { return c.CustomerNo })

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
