package remote

import (
	"cmp"
	"context"

	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/book"
	"github.com/kamflow/kamflow/kam/customer"
	"github.com/kamflow/kamflow/kam/onboarding"
	"github.com/kamflow/kamflow/service"
	"github.com/kamflow/kamflow/service/routes"
)

// The methods are those of [service.Service]; each asks its route.

func (s *Service) Start(ctx context.Context, who service.Principal, r service.Request) (service.Started, error) {
	return call(ctx, s, who, routes.Start, &routes.NewRequest{Body: r})
}

func (s *Service) Preview(ctx context.Context, who service.Principal, data customer.RequestData) (service.Preview, error) {
	return call(ctx, s, who, routes.Preview, &routes.NewPreview{Body: data})
}

func (s *Service) Decide(ctx context.Context, who service.Principal, no kam.CaseNo, act onboarding.Act, data *customer.RequestData) (onboarding.Progress, error) {
	act.DecisionID = cmp.Or(act.DecisionID, service.NewDecisionID())
	return call(ctx, s, who, routes.Decide, &routes.NewAct{OneCase: routes.OneCase{No: no}, Body: routes.ActDocument{Act: act, Data: data}})
}

func (s *Service) Case(ctx context.Context, who service.Principal, no kam.CaseNo) (onboarding.Snapshot, error) {
	return call(ctx, s, who, routes.Case, &routes.OneCase{No: no})
}

func (s *Service) CaseView(ctx context.Context, who service.Principal, no kam.CaseNo) (service.CaseView, error) {
	return call(ctx, s, who, routes.CaseView, &routes.OneCase{No: no})
}

func casePage(no kam.CaseNo) *routes.CasePage {
	return &routes.CasePage{OneCase: routes.OneCase{No: no}}
}

func (s *Service) Revisions(ctx context.Context, who service.Principal, no kam.CaseNo) ([]service.Revision, error) {
	return all(ctx, s, who, routes.Revisions, casePage(no), 0)
}

func (s *Service) Events(ctx context.Context, who service.Principal, no kam.CaseNo) ([]kam.AuditEvent, error) {
	return all(ctx, s, who, routes.Events, casePage(no), 0)
}

func (s *Service) Records(ctx context.Context, who service.Principal, no kam.CaseNo) ([]onboarding.DecisionRecord, error) {
	return all(ctx, s, who, routes.Records, casePage(no), 0)
}

func (s *Service) Cases(ctx context.Context, who service.Principal, f service.Filter) ([]service.CaseLine, error) {
	in := routes.FilterOf(f)
	return all(ctx, s, who, routes.Cases, &in, cmp.Or(max(f.Limit, 0), service.MostListed))
}

func (s *Service) Map(ctx context.Context, who service.Principal, f service.MapFilter) (service.ProcessMap, error) {
	return call(ctx, s, who, routes.Map, &routes.MapOf{Territory: f.Territory, Type: f.Type, Requester: f.Requester})
}

func (s *Service) Changes(ctx context.Context, who service.Principal, after string) (service.Changes, error) {
	return call(ctx, s, who, routes.Changes, &routes.ChangesAfter{After: after})
}

func (s *Service) Inbox(ctx context.Context, who service.Principal) ([]service.InboxItem, error) {
	return all(ctx, s, who, routes.Inbox, &routes.InboxPage{}, 0)
}

func (s *Service) HandOver(ctx context.Context, who service.Principal, o service.HandOver) (service.HandedOver, error) {
	o.DecisionID = cmp.Or(o.DecisionID, service.NewDecisionID())
	return call(ctx, s, who, routes.HandOver, &routes.TasksHandedOver{Body: o})
}

func (s *Service) Customer(ctx context.Context, who service.Principal, no string) (service.CustomerView, error) {
	return call(ctx, s, who, routes.Customer, &routes.OneCustomer{No: no})
}

func (s *Service) Customers(ctx context.Context, who service.Principal, f service.CustomerFilter) ([]service.CustomerLine, error) {
	return all(ctx, s, who, routes.Customers, routes.SearchOf(f), cmp.Or(max(f.Limit, 0), service.MostListed))
}

func (s *Service) KeyAccounts(ctx context.Context, who service.Principal, ended bool) ([]service.KeyAccountLine, error) {
	return all(ctx, s, who, routes.KeyAccounts, &routes.AccountList{Ended: ended}, 0)
}

func (s *Service) KeyAccount(ctx context.Context, who service.Principal, no string) (service.KeyAccountView, error) {
	return call(ctx, s, who, routes.KeyAccount, &routes.OneAccount{No: no})
}

func (s *Service) CustomerHistory(ctx context.Context, who service.Principal, no string) (service.CustomerTrail, error) {
	return call(ctx, s, who, routes.CustomerHistory, &routes.OneCustomer{No: no})
}

func (s *Service) MergePlan(ctx context.Context, who service.Principal, survivor, absorbed string, choice customer.MergeChoice) (service.MergePlan, error) {
	return call(ctx, s, who, routes.MergePlan, &routes.MergeAsked{OneCustomer: routes.OneCustomer{No: survivor}, Body: routes.MergePlanDocument{Absorbed: absorbed, Choice: choice}})
}

func ordered(id, reason string) routes.Ordered {
	return routes.Ordered{DecisionID: cmp.Or(id, service.NewDecisionID()), Reason: reason}
}

func (s *Service) Merge(ctx context.Context, who service.Principal, o service.MergeOrder) (service.MergeResult, error) {
	return call(ctx, s, who, routes.Merge, &routes.MergeOrdered{OneCustomer: routes.OneCustomer{No: o.Survivor}, Body: routes.MergeDocument{
		Ordered: ordered(o.DecisionID, o.Reason), Absorbed: o.Absorbed, ExpectSurvivor: o.ExpectSurvivor, ExpectAbsorbed: o.ExpectAbsorbed, Choice: o.Choice,
	}})
}

func (s *Service) UndoMerge(ctx context.Context, who service.Principal, o service.UndoOrder) (service.MergeResult, error) {
	return call(ctx, s, who, routes.UndoMerge, &routes.UndoOrdered{OneCustomer: routes.OneCustomer{No: o.CustomerNo}, Body: routes.UndoDocument{
		Ordered: ordered(o.DecisionID, o.Reason), MergeID: o.MergeID, ExpectVersion: o.ExpectVersion,
	}})
}

func (s *Service) Split(ctx context.Context, who service.Principal, o service.SplitOrder) (service.MergeResult, error) {
	return call(ctx, s, who, routes.Split, &routes.SplitOrdered{OneCustomer: routes.OneCustomer{No: o.CustomerNo}, Body: routes.SplitDocument{
		Ordered: ordered(o.DecisionID, o.Reason), ExpectVersion: o.ExpectVersion, Choice: o.Choice,
	}})
}

func (s *Service) Upload(ctx context.Context, who service.Principal, u service.BatchUpload, plOnly bool) (book.BatchSnapshot, bool, error) {
	r, err := call(ctx, s, who, routes.Upload, routes.BookOf(u, plOnly))
	return r.Batch, r.Created, err
}

func onBatch(no book.BatchNo, act book.BatchAct) *routes.OnBatch {
	act.DecisionID = cmp.Or(act.DecisionID, service.NewDecisionID())
	return &routes.OnBatch{OneBatch: routes.OneBatch{No: no}, Body: act}
}

func (s *Service) ConfirmBatch(ctx context.Context, who service.Principal, no book.BatchNo, act book.BatchAct) (book.BatchSnapshot, error) {
	return call(ctx, s, who, routes.ConfirmBatch, onBatch(no, act))
}

func (s *Service) CancelBatch(ctx context.Context, who service.Principal, no book.BatchNo, act book.BatchAct) (book.BatchSnapshot, error) {
	return call(ctx, s, who, routes.CancelBatch, onBatch(no, act))
}

func (s *Service) Batch(ctx context.Context, who service.Principal, no book.BatchNo) (book.BatchSnapshot, error) {
	return call(ctx, s, who, routes.Batch, &routes.OneBatch{No: no})
}

func (s *Service) Batches(ctx context.Context, who service.Principal, limit int) ([]book.BatchSnapshot, error) {
	return all(ctx, s, who, routes.Batches, &routes.BatchesPage{}, limit)
}

func batchPage(no book.BatchNo) *routes.BatchPage {
	return &routes.BatchPage{OneBatch: routes.OneBatch{No: no}}
}

func (s *Service) BatchFindings(ctx context.Context, who service.Principal, no book.BatchNo, limit int) ([]book.BatchFinding, error) {
	return all(ctx, s, who, routes.BatchFindings, batchPage(no), limit)
}

func (s *Service) BatchOutcomes(ctx context.Context, who service.Principal, no book.BatchNo) ([]service.BatchOutcome, error) {
	return all(ctx, s, who, routes.BatchOutcomes, batchPage(no), 0)
}

func (s *Service) BatchProposals(ctx context.Context, who service.Principal, no book.BatchNo) ([]book.BatchProposal, error) {
	return all(ctx, s, who, routes.BatchProposals, batchPage(no), 0)
}

func (s *Service) People(ctx context.Context, who service.Principal) ([]kam.Person, error) {
	return all(ctx, s, who, routes.People, &routes.AllPeople{}, 0)
}

func (s *Service) Person(ctx context.Context, who service.Principal, id kam.UserID) (kam.Person, error) {
	return call(ctx, s, who, routes.Person, &routes.OnePerson{ID: id})
}

// Me is who asks, as the gateway knows him.
func (s *Service) Me(ctx context.Context, who service.Principal) (kam.Person, error) {
	return call(ctx, s, who, routes.Me, &routes.Empty{})
}

func (s *Service) SetPerson(ctx context.Context, who service.Principal, a service.OrgAct, u service.User) (service.OrgChange, error) {
	return call(ctx, s, who, routes.SetPerson, &routes.PersonSet{OnePerson: routes.OnePerson{ID: u.ID}, Body: routes.PersonDocument{Ordered: ordered(a.DecisionID, a.Reason), Person: u}})
}

func (s *Service) PersonLeaves(ctx context.Context, who service.Principal, a service.OrgAct, id kam.UserID) (service.OrgChange, error) {
	return call(ctx, s, who, routes.PersonLeaves, &routes.OnPerson{OnePerson: routes.OnePerson{ID: id}, Body: ordered(a.DecisionID, a.Reason)})
}

func (s *Service) SetManager(ctx context.Context, who service.Principal, a service.OrgAct, p service.Post) (service.OrgChange, error) {
	return call(ctx, s, who, routes.SetManager, &routes.ManagerSet{Node: p.Node, Body: routes.ManagerDocument{Ordered: ordered(a.DecisionID, a.Reason), Manager: p.Manager, From: p.From, Preview: a.Preview}})
}

func (s *Service) Posts(ctx context.Context, who service.Principal, asOf string) ([]service.Held, error) {
	return all(ctx, s, who, routes.Posts, &routes.PostsAsOf{AsOf: asOf}, 0)
}

func (s *Service) AddAbsence(ctx context.Context, who service.Principal, a service.OrgAct, ab service.Absence) (service.OrgChange, error) {
	return call(ctx, s, who, routes.AddAbsence, &routes.NewAbsence{Body: routes.AbsenceDocument{Ordered: ordered(a.DecisionID, a.Reason), Absence: ab}})
}

func (s *Service) RemoveAbsence(ctx context.Context, who service.Principal, a service.OrgAct, user kam.UserID, from string) (service.OrgChange, error) {
	return call(ctx, s, who, routes.RemoveAbsence, &routes.OldAbsence{OnePerson: routes.OnePerson{ID: user}, From: from, Body: ordered(a.DecisionID, a.Reason)})
}

func onIdentity(a service.OrgAct, i service.Identity) *routes.OnIdentity {
	return &routes.OnIdentity{Body: routes.IdentityDocument{Ordered: ordered(a.DecisionID, a.Reason), Identity: i}}
}

func (s *Service) LinkIdentity(ctx context.Context, who service.Principal, a service.OrgAct, i service.Identity) (service.OrgChange, error) {
	return call(ctx, s, who, routes.LinkIdentity, onIdentity(a, i))
}

func (s *Service) UnlinkIdentity(ctx context.Context, who service.Principal, a service.OrgAct, i service.Identity) (service.OrgChange, error) {
	return call(ctx, s, who, routes.UnlinkIdentity, onIdentity(a, i))
}

func (s *Service) Identities(ctx context.Context, who service.Principal, of kam.UserID) ([]service.Identity, error) {
	return all(ctx, s, who, routes.Identities, &routes.IdentitiesOf{Of: of}, 0)
}

func (s *Service) LoadOrganisation(ctx context.Context, who service.Principal, a service.OrgAct, o service.Org) (service.OrgChange, error) {
	return call(ctx, s, who, routes.LoadOrganisation, &routes.NewOrganisation{Body: routes.OrganisationDocument{Ordered: ordered(a.DecisionID, a.Reason), Organisation: o, Preview: a.Preview}})
}

func onProposal(a service.OrgAct, no string) *routes.OnProposal {
	return &routes.OnProposal{No: no, Body: ordered(a.DecisionID, a.Reason)}
}

func (s *Service) Agree(ctx context.Context, who service.Principal, a service.OrgAct, proposal string) (service.OrgChange, error) {
	return call(ctx, s, who, routes.Agree, onProposal(a, proposal))
}

func (s *Service) Decline(ctx context.Context, who service.Principal, a service.OrgAct, proposal string) (service.OrgChange, error) {
	return call(ctx, s, who, routes.Decline, onProposal(a, proposal))
}

func (s *Service) Absences(ctx context.Context, who service.Principal, of kam.UserID, past bool) ([]service.Absence, error) {
	return all(ctx, s, who, routes.Absences, &routes.AbsencesOf{Of: of, Past: past}, 0)
}

func (s *Service) Proposals(ctx context.Context, who service.Principal, closed bool) ([]service.Proposal, error) {
	return all(ctx, s, who, routes.Proposals, &routes.ProposalsPage{Closed: closed}, 0)
}

func (s *Service) LoadPolicy(ctx context.Context, who service.Principal, a service.OrgAct, version int, text []byte) (service.OrgChange, error) {
	return call(ctx, s, who, routes.LoadPolicy, &routes.NewPolicy{Body: routes.PolicyDraft{Ordered: ordered(a.DecisionID, a.Reason), Version: version, Text: string(text)}})
}

func (s *Service) Policy(ctx context.Context, who service.Principal, version int) ([]byte, error) {
	p, err := call(ctx, s, who, routes.Policy, &routes.OnePolicy{Version: version})
	if err != nil {
		return nil, err
	}
	return []byte(p.Text), nil
}

func (s *Service) LoadCustomers(ctx context.Context, who service.Principal, a service.OrgAct, book []service.BookCustomer) error {
	a.DecisionID = cmp.Or(a.DecisionID, service.NewDecisionID())
	_, err := call(ctx, s, who, routes.LoadCustomers, routes.CustomersOf(a, book))
	return err
}

func (s *Service) LoadSales(ctx context.Context, who service.Principal, a service.OrgAct, facts []service.SalesFact) error {
	a.DecisionID = cmp.Or(a.DecisionID, service.NewDecisionID())
	_, err := call(ctx, s, who, routes.LoadSales, routes.SalesOf(a, facts))
	return err
}

func (s *Service) EraseContact(ctx context.Context, who service.Principal, o service.EraseOrder) (service.Erasure, error) {
	return call(ctx, s, who, routes.EraseContact, &routes.NewErasure{Body: routes.ErasureDocument{Subject: o.Subject, Email: o.Email, Name: o.Name, Order: o.Order, DryRun: o.DryRun}})
}

func (s *Service) Erasures(ctx context.Context, who service.Principal) ([]service.Erasure, error) {
	return all(ctx, s, who, routes.Erasures, &routes.ErasuresPage{}, 0)
}

func (s *Service) VerifyAudit(ctx context.Context, who service.Principal, cases []kam.CaseNo) (service.Verified, error) {
	return call(ctx, s, who, routes.VerifyAudit, &routes.AuditAsked{Body: routes.AuditDocument{Cases: cases}})
}

func (s *Service) Diagnose(ctx context.Context, who service.Principal) ([]service.Check, error) {
	c, err := call(ctx, s, who, routes.Diagnose, &routes.Empty{})
	return c.Checks, err
}
