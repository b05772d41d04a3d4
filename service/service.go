package service

import (
	"context"

	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/book"
	"github.com/kamflow/kamflow/kam/customer"
	"github.com/kamflow/kamflow/kam/onboarding"
)

// A Principal is who asks. The door that lets somebody in makes it, from what it
// knows of him. Acts, requests and loads that name somebody else are his all the
// same: the service fills in who acts.
type Principal struct {
	user            kam.UserID
	issuer, subject string
}

// As is the principal for a user id, which the caller vouches for.
func As(user kam.UserID) Principal { return Principal{user, IssuerLocal, string(user)} }

// IssuerLocal stands in the envelope of whoever was not signed in by anybody, but
// named on the machine that has the signing key.
const IssuerLocal = "local"

// SignedIn is the principal for a user id, as an issuer has authenticated him
// under its own name for him.
func SignedIn(user kam.UserID, issuer, subject string) Principal {
	return Principal{user, issuer, subject}
}

// User is the id of the person.
func (p Principal) User() kam.UserID { return p.user }

// Service is every use case. All methods refuse whoever is not known or has left
// with FORBIDDEN; what else they ask of the matrix of permissions stands with
// each. In a system that knows nobody, whoever is named sets it up as a policy
// admin does.
//
// A case and a batch have a position (state, step, task), which everybody who is
// known may see, and data, which the matrix gives to some.
type Service interface {
	// Start opens a case in the name of who (start, review). The same request
	// key is the same case.
	Start(ctx context.Context, who Principal, r Request) (Started, error)
	// Preview says what would become of a request for a new customer: what its
	// form lacks, who may be the same, where it would go (start).
	Preview(ctx context.Context, who Principal, data customer.RequestData) (Preview, error)
	// Decide brings what somebody does to a case, and returns the committed
	// state. The case asks the matrix, and has refusals on record.
	Decide(ctx context.Context, who Principal, no kam.CaseNo, act onboarding.Act, data *customer.RequestData) (onboarding.Progress, error)
	// Case is the position of a case.
	Case(ctx context.Context, who Principal, no kam.CaseNo) (onboarding.Snapshot, error)
	// CaseView is a case as somebody may see it (read): without its data where
	// he may not.
	CaseView(ctx context.Context, who Principal, no kam.CaseNo) (CaseView, error)
	// Revisions are those of a case with their data (read).
	Revisions(ctx context.Context, who Principal, no kam.CaseNo) ([]Revision, error)
	// Events are what happened to a case (read); what compliance wrote is left
	// out for all but compliance and auditors.
	Events(ctx context.Context, who Principal, no kam.CaseNo) ([]kam.AuditEvent, error)
	// Records are what the rules decided on a case and why (read).
	Records(ctx context.Context, who Principal, no kam.CaseNo) ([]onboarding.DecisionRecord, error)
	// Cases lists the cases that somebody may read, in the order that is asked for.
	Cases(ctx context.Context, who Principal, f Filter) ([]CaseLine, error)
	// Map is where cases that somebody may read stand in the boxes of the deck, and
	// what went through them lately.
	Map(ctx context.Context, who Principal, f MapFilter) (ProcessMap, error)
	// Changes tells what has changed of what somebody may read, behind a place in
	// the order of all changes; for "" nothing, and the place of now.
	Changes(ctx context.Context, who Principal, after string) (Changes, error)
	// Inbox is what waits for somebody.
	Inbox(ctx context.Context, who Principal) ([]InboxItem, error)
	// HandOver gives all open tasks of who to a colleague, each by an act of its
	// own, which the case asks about (reassign). The same decision id goes on.
	HandOver(ctx context.Context, who Principal, o HandOver) (HandedOver, error)

	// Customer is a customer (read). A number that was merged leads on.
	Customer(ctx context.Context, who Principal, no string) (CustomerView, error)
	// Customers lists the customers that somebody may read.
	Customers(ctx context.Context, who Principal, f CustomerFilter) ([]CustomerLine, error)
	// KeyAccounts lists the key accounts that somebody may read, KeyAccount is one
	// of them with its members and the decision on its tier (read): his own, those
	// at home where he reads, and those with a member there.
	KeyAccounts(ctx context.Context, who Principal, ended bool) ([]KeyAccountLine, error)
	KeyAccount(ctx context.Context, who Principal, no string) (KeyAccountView, error)
	// CustomerHistory is what happened to a customer (read).
	CustomerHistory(ctx context.Context, who Principal, no string) (CustomerTrail, error)
	// MergePlan shows what a merge would do (merge).
	MergePlan(ctx context.Context, who Principal, survivor, absorbed string, choice customer.MergeChoice) (MergePlan, error)
	// Merge, UndoMerge and Split make one record of two, and two of one (merge).
	Merge(ctx context.Context, who Principal, o MergeOrder) (MergeResult, error)
	UndoMerge(ctx context.Context, who Principal, o UndoOrder) (MergeResult, error)
	Split(ctx context.Context, who Principal, o SplitOrder) (MergeResult, error)

	// Upload stages a customer book as a batch (upload_import).
	Upload(ctx context.Context, who Principal, u BatchUpload, plOnly bool) (b book.BatchSnapshot, created bool, err error)
	// ConfirmBatch and CancelBatch bring an act to a batch, which asks.
	ConfirmBatch(ctx context.Context, who Principal, no book.BatchNo, act book.BatchAct) (book.BatchSnapshot, error)
	CancelBatch(ctx context.Context, who Principal, no book.BatchNo, act book.BatchAct) (book.BatchSnapshot, error)
	// Batch is the position of a batch.
	Batch(ctx context.Context, who Principal, no book.BatchNo) (book.BatchSnapshot, error)
	// Batches lists the batches that somebody may read, the newest first.
	Batches(ctx context.Context, who Principal, limit int) ([]book.BatchSnapshot, error)
	// BatchFindings, BatchOutcomes and BatchProposals are the rows of a batch
	// (read_import).
	BatchFindings(ctx context.Context, who Principal, no book.BatchNo, limit int) ([]book.BatchFinding, error)
	BatchOutcomes(ctx context.Context, who Principal, no book.BatchNo) ([]BatchOutcome, error)
	BatchProposals(ctx context.Context, who Principal, no book.BatchNo) ([]book.BatchProposal, error)

	// People are all whom the system knows (read_users); none in a system that
	// knows nobody.
	People(ctx context.Context, who Principal) ([]kam.Person, error)
	// Person is one of them (read_users); oneself everybody may read.
	Person(ctx context.Context, who Principal, id kam.UserID) (kam.Person, error)
	// SetPerson, PersonLeaves, SetManager, AddAbsence, RemoveAbsence and
	// LoadOrganisation change the organisation, or propose it where it takes
	// two; Agree and Decline decide on what is proposed. The change asks
	// (edit_users, edit_territories, edit_calendars, edit_reference), and has
	// refusals on record.
	SetPerson(ctx context.Context, who Principal, a OrgAct, u User) (OrgChange, error)
	PersonLeaves(ctx context.Context, who Principal, a OrgAct, id kam.UserID) (OrgChange, error)
	SetManager(ctx context.Context, who Principal, a OrgAct, p Post) (OrgChange, error)
	AddAbsence(ctx context.Context, who Principal, a OrgAct, ab Absence) (OrgChange, error)
	RemoveAbsence(ctx context.Context, who Principal, a OrgAct, user kam.UserID, from string) (OrgChange, error)
	LoadOrganisation(ctx context.Context, who Principal, a OrgAct, o Org) (OrgChange, error)
	Agree(ctx context.Context, who Principal, a OrgAct, proposal string) (OrgChange, error)
	Decline(ctx context.Context, who Principal, a OrgAct, proposal string) (OrgChange, error)
	// Posts are the posts of the tree with who holds them on a day, or at an instant;
	// "" is now (read_reference).
	Posts(ctx context.Context, who Principal, asOf string) ([]Held, error)
	// LinkIdentity lets a person sign in by an identity, as a proposal that a
	// second user_admin agrees to; UnlinkIdentity takes it away again
	// (edit_users). Identities are those of a person, all for "" (read_users,
	// one's own everybody).
	LinkIdentity(ctx context.Context, who Principal, a OrgAct, i Identity) (OrgChange, error)
	UnlinkIdentity(ctx context.Context, who Principal, a OrgAct, i Identity) (OrgChange, error)
	Identities(ctx context.Context, who Principal, of kam.UserID) ([]Identity, error)
	// Absences lists when people take no tasks (read_reference, one's own
	// everybody).
	Absences(ctx context.Context, who Principal, of kam.UserID, past bool) ([]Absence, error)
	// Proposals lists what waits for a second admin (read_users, read_reference
	// or read_policy).
	Proposals(ctx context.Context, who Principal, all bool) ([]Proposal, error)
	// LoadPolicy drafts a policy (draft_policy), which a second person publishes
	// with Agree (publish_policy).
	LoadPolicy(ctx context.Context, who Principal, a OrgAct, version int, text []byte) (OrgChange, error)
	// Policy is the text of a version (read_policy), of the newest for 0.
	Policy(ctx context.Context, who Principal, version int) ([]byte, error)
	// LoadCustomers and LoadSales bring what was there before kamflow was
	// (upload_import), past the confirmation that an import takes. Each leaves a
	// row on the trail of the organisation.
	LoadCustomers(ctx context.Context, who Principal, a OrgAct, book []BookCustomer) error
	LoadSales(ctx context.Context, who Principal, a OrgAct, facts []SalesFact) error

	// EraseContact erases a contact person by order (erase_contact), and has
	// refusals on record. Erasures lists the orders (read_erasures).
	EraseContact(ctx context.Context, who Principal, o EraseOrder) (Erasure, error)
	Erasures(ctx context.Context, who Principal) ([]Erasure, error)

	// VerifyAudit recomputes the chains of the audit trail (audit_check), those
	// of some cases or, with none given, all.
	VerifyAudit(ctx context.Context, who Principal, cases []kam.CaseNo) (Verified, error)
	// Diagnose looks at everything that a case needs (read_operation). It
	// changes nothing. Where the database cannot say who asks, the findings say
	// why.
	Diagnose(ctx context.Context, who Principal) ([]Check, error)

	Close()
}
