package service

import "github.com/kamflow/kamflow/store"

// What goes in and out of the service, beside the words of kam. The record has
// them as well; whoever calls the service needs to know this package only.
type (
	Request  = store.Request
	Revision = store.Revision
	Filter   = store.Filter
	CaseLine = store.CaseLine
	Ending   = store.Ending

	InboxItem = store.InboxItem

	CustomerView  = store.CustomerView
	CustomerLine  = store.CustomerLine
	CustomerTrail = store.CustomerTrail
	MergeOrder    = store.MergeOrder
	UndoOrder     = store.UndoOrder
	SplitOrder    = store.SplitOrder
	MergeResult   = store.MergeResult
	MergeLine     = store.MergeLine

	BatchUpload  = store.BatchUpload
	BatchFact    = store.BatchFact
	BatchGroup   = store.BatchGroup
	BatchRow     = store.BatchRow
	BatchOutcome = store.BatchOutcome

	OrgAct       = store.OrgAct
	OrgChange    = store.OrgChange
	Org          = store.Org
	User         = store.User
	Absence      = store.Absence
	Proposal     = store.Proposal
	BookCustomer = store.BookCustomer
	SalesFact    = store.SalesFact
	Break        = store.Break

	WorkerKeys = store.WorkerKeys

	EraseOrder = store.EraseOrder
	Erasure    = store.Erasure
)

// The constants that belong to them.
const (
	DraftKey     = store.DraftKey
	PartyCase    = store.PartyCase
	MergeKind    = store.MergeKind
	SplitKind    = store.SplitKind
	ProposalOpen = store.ProposalOpen
)
