package service

import (
	"context"
	"time"

	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/access"
	"github.com/kamflow/kamflow/kam/book"
	"github.com/kamflow/kamflow/kam/customer"
	"github.com/kamflow/kamflow/kam/onboarding"
	"github.com/kamflow/kamflow/store"
	accessdb "github.com/kamflow/kamflow/store/access"
	bookdb "github.com/kamflow/kamflow/store/book"
	customerdb "github.com/kamflow/kamflow/store/customer"
	"github.com/kamflow/kamflow/store/customer/erase"
	"github.com/kamflow/kamflow/store/customer/merge"
	"github.com/kamflow/kamflow/store/ledger"
	casedb "github.com/kamflow/kamflow/store/onboarding"
)

// Record is what is needed of the store, by its rooms.
type Record struct {
	Ledger
	Signatures
	Access    Access
	Cases     Cases
	Customers Customers
	Merges    Merges
	Erasures  Erasures
	Books     Books
}

// RecordOf is the record that a store keeps.
func RecordOf(s *store.Store) Record {
	return Record{s.Ledger, s, s.Access, s.Cases, s.Customers, s.Merges, s.Erasures, s.Books}
}

// Ledger is what is needed of the ledger itself.
type Ledger interface {
	Chains(ctx context.Context, fn func(ledger.Chain) error) error
	ChangesAfter(ctx context.Context, p ledger.Place, limit int) (all []ledger.Change, upTo time.Time, err error)
	Now(ctx context.Context) (time.Time, error)
	Forged(ctx context.Context) (int64, error)
}

// Signatures is what is needed to sign, and to verify what was signed.
type Signatures interface {
	SignatureModes(ctx context.Context) ([]store.ModeSince, error)
	FirstSignIn(ctx context.Context) (time.Time, bool, error)
	LiveWorkers(ctx context.Context) ([]store.WorkerKeys, error)
}

// Access is what is needed for people, territories and policies.
type Access interface {
	BlockedParties(ctx context.Context) ([]accessdb.BlockedParty, error)
	Person(ctx context.Context, id kam.UserID) (kam.Person, error)
	People(ctx context.Context) ([]kam.Person, error)
	Nodes(ctx context.Context) ([]kam.TerritoryNode, error)
	AssignmentRules(ctx context.Context) ([]accessdb.AssignmentRule, error)
	Calendars(ctx context.Context) (map[string]kam.Calendar, error)
	SetPerson(ctx context.Context, a accessdb.OrgAct, u accessdb.User) (accessdb.OrgChange, error)
	PersonLeaves(ctx context.Context, a accessdb.OrgAct, id kam.UserID) (accessdb.OrgChange, error)
	SetManager(ctx context.Context, a accessdb.OrgAct, p accessdb.Post) (accessdb.OrgChange, error)
	HandTask(ctx context.Context, a accessdb.OrgAct, task string, to kam.UserID, action access.Action) error
	Posts(ctx context.Context, at time.Time) ([]accessdb.Held, error)
	AddAbsence(ctx context.Context, a accessdb.OrgAct, ab accessdb.Absence) (accessdb.OrgChange, error)
	RemoveAbsence(ctx context.Context, a accessdb.OrgAct, user kam.UserID, from string) (accessdb.OrgChange, error)
	LinkIdentity(ctx context.Context, a accessdb.OrgAct, i accessdb.Identity) (accessdb.OrgChange, error)
	UnlinkIdentity(ctx context.Context, a accessdb.OrgAct, i accessdb.Identity) (accessdb.OrgChange, error)
	Identities(ctx context.Context, of kam.UserID) ([]accessdb.Identity, error)
	LoadOrg(ctx context.Context, a accessdb.OrgAct, o accessdb.Org) (accessdb.OrgChange, error)
	Agree(ctx context.Context, a accessdb.OrgAct, proposal string) (accessdb.OrgChange, error)
	Decline(ctx context.Context, a accessdb.OrgAct, proposal string) (accessdb.OrgChange, error)
	Absences(ctx context.Context, of kam.UserID, past bool) ([]accessdb.Absence, error)
	Proposals(ctx context.Context, all bool) ([]accessdb.Proposal, error)
	LoadPolicy(ctx context.Context, a accessdb.OrgAct, version int, text []byte) (accessdb.OrgChange, error)
	LatestPolicy(ctx context.Context) (version int, text []byte, err error)
	PolicyText(ctx context.Context, version int) ([]byte, error)
}

// Cases is what is needed for cases.
type Cases interface {
	Allot(ctx context.Context, r casedb.Request) (no kam.CaseNo, created bool, err error)
	StageData(ctx context.Context, no kam.CaseNo, decisionID string, d customer.RequestData) (string, error)
	Decision(ctx context.Context, no kam.CaseNo, decisionID string) (digest string, ok bool, err error)
	WithdrawIntent(ctx context.Context, no kam.CaseNo, by kam.UserID, decisionID string) error
	DropIntent(ctx context.Context, no kam.CaseNo, by kam.UserID, decisionID string) error
	Refuse(ctx context.Context, no kam.CaseNo, act onboarding.Act, e *kam.Error, at time.Time) error
	Case(ctx context.Context, no kam.CaseNo) (onboarding.Snapshot, error)
	View(ctx context.Context, no kam.CaseNo) (casedb.View, error)
	List(ctx context.Context, f casedb.Filter) ([]casedb.Line, error)
	Inbox(ctx context.Context, user kam.UserID) ([]casedb.InboxItem, error)
	Passed(ctx context.Context, since time.Time, requester kam.UserID) ([]casedb.Passed, error)
	Turns(ctx context.Context, cases []kam.CaseNo) (map[kam.CaseNo][]kam.Turn, error)
	CatchUp(ctx context.Context) (int, error)
	Followed(ctx context.Context, no kam.CaseNo) (onboarding.Snapshot, error)
	Events(ctx context.Context, no kam.CaseNo) ([]kam.AuditEvent, error)
	Records(ctx context.Context, no kam.CaseNo) ([]onboarding.DecisionRecord, error)
	Revisions(ctx context.Context, no kam.CaseNo) ([]casedb.Revision, error)
	BaseOf(ctx context.Context, no kam.CaseNo) (casedb.Base, bool, error)
	OpenCaseOf(ctx context.Context, customerNo string) error
	Rejection(ctx context.Context, no kam.CaseNo) (onboarding.Rejection, error)
	RequestByKey(ctx context.Context, key string) (no kam.CaseNo, ok bool, err error)
	NeedingCheck(ctx context.Context, since time.Time) ([]casedb.CaseVersion, error)
	Clearances(ctx context.Context, customerNo string) ([]customer.Clearance, error)
}

// Customers is what is needed for customers that exist.
type Customers interface {
	Customer(ctx context.Context, no string) (customerdb.Customer, error)
	View(ctx context.Context, no string) (customerdb.View, error)
	Trail(ctx context.Context, no string) (customerdb.Trail, error)
	List(ctx context.Context, f customerdb.Filter) ([]customerdb.Line, error)
	KeyAccounts(ctx context.Context, no string, ended bool) ([]customerdb.KeyAccountLine, error)
	Refuse(ctx context.Context, no string, by kam.UserID, decisionID string, at time.Time, refusal *kam.Error) error
	Parties(ctx context.Context, k customerdb.PartyKeys, at time.Time) ([]customerdb.Party, error)
	CustomersLike(ctx context.Context, k customerdb.PartyKeys) ([]customerdb.Party, error)
	StopCoverage(ctx context.Context, customerNo, ref string, result kam.ScreeningResult) (reviewKey string, err error)
	Load(ctx context.Context, a accessdb.OrgAct, book []customerdb.BookCustomer) error
	LoadSales(ctx context.Context, a accessdb.OrgAct, facts []customerdb.SalesFact) error
	RebuildABC(ctx context.Context, asOf time.Time) (id string, err error)
}

// Merges is what is needed to make one customer of two, and two of one.
type Merges interface {
	Plan(ctx context.Context, survivor, absorbed string, c customer.MergeChoice, p merge.Planner) (plan customer.MergePlan, a, b customerdb.Customer, err error)
	Merge(ctx context.Context, o merge.Order, p merge.Planner) (merge.Result, error)
	Undo(ctx context.Context, o merge.UndoOrder, p merge.Planner) (merge.Result, error)
	Split(ctx context.Context, o merge.SplitOrder, p merge.Planner) (merge.Result, error)
}

// Erasures is what is needed to forget a person.
type Erasures interface {
	Contact(ctx context.Context, o erase.Order, may func(kam.Person) (kam.Role, error), sign ledger.Sign) (erase.Erasure, error)
	List(ctx context.Context) ([]erase.Erasure, error)
}

// Books is what is needed for imports.
type Books interface {
	Upload(ctx context.Context, u bookdb.Upload) (b book.BatchSnapshot, created bool, err error)
	Get(ctx context.Context, no book.BatchNo) (book.BatchSnapshot, error)
	List(ctx context.Context, limit int) ([]book.BatchSnapshot, error)
	Findings(ctx context.Context, no book.BatchNo, limit int) ([]book.BatchFinding, error)
	Outcomes(ctx context.Context, no book.BatchNo) ([]bookdb.Outcome, error)
	Proposals(ctx context.Context, no book.BatchNo) ([]book.BatchProposal, error)
	Refuse(ctx context.Context, no book.BatchNo, act book.BatchAct, refusal *kam.Error, at time.Time) error
}
