package service

import (
	"github.com/kamflow/kamflow/store"
	accessdb "github.com/kamflow/kamflow/store/access"
	bookdb "github.com/kamflow/kamflow/store/book"
	customerdb "github.com/kamflow/kamflow/store/customer"
	"github.com/kamflow/kamflow/store/customer/erase"
	"github.com/kamflow/kamflow/store/customer/merge"
	"github.com/kamflow/kamflow/store/ledger"
	casedb "github.com/kamflow/kamflow/store/onboarding"
)

// What goes in and out of the service, beside the words of kam. The record has
// them as well; whoever calls the service needs to know this package only.
type (
	Request  = casedb.Request
	Revision = casedb.Revision
	Filter   = casedb.Filter
	CaseLine = casedb.Line
	Order    = casedb.Order
	Ending   = casedb.Ending

	InboxItem = casedb.InboxItem

	CustomerView    = customerdb.View
	CustomerLine    = customerdb.Line
	CustomerFilter  = customerdb.Filter
	CustomerOrder   = customerdb.Order
	KeyAccountLine  = customerdb.KeyAccountLine
	CustomerTrail   = customerdb.Trail
	CustomerVersion = customerdb.Version
	MergeOrder      = merge.Order
	UndoOrder       = merge.UndoOrder
	SplitOrder      = merge.SplitOrder
	MergeResult     = merge.Result
	MergeLine       = customerdb.MergeLine

	BatchUpload  = bookdb.Upload
	BatchFact    = bookdb.Fact
	BatchGroup   = bookdb.Group
	BatchRow     = bookdb.Row
	BatchOutcome = bookdb.Outcome

	OrgAct       = accessdb.OrgAct
	OrgChange    = accessdb.OrgChange
	Org          = accessdb.Org
	User         = accessdb.User
	Absence      = accessdb.Absence
	Post         = accessdb.Post
	Held         = accessdb.Held
	Moves        = accessdb.Moves
	Identity     = accessdb.Identity
	Proposal     = accessdb.Proposal
	BookCustomer = customerdb.BookCustomer
	SalesFact    = customerdb.SalesFact
	Break        = ledger.Break

	WorkerKeys = store.WorkerKeys

	EraseOrder = erase.Order
	Erasure    = erase.Erasure
)

// The constants that belong to them.
const (
	DraftKey      = casedb.DraftKey
	PartyCase     = customerdb.PartyCase
	PartyCustomer = customerdb.PartyCustomer
	MergeKind     = merge.MergeKind
	SplitKind     = merge.SplitKind
	ProposalOpen  = accessdb.ProposalOpen
	LocalIssuer   = accessdb.LocalIssuer

	ChangeIdentity = accessdb.ChangeIdentity
)

// Orders are those in which cases are listed.
var Orders = casedb.Orders
