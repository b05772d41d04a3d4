package book

import (
	"time"

	"github.com/kamflow/kamflow/kam"
)

// BatchNo is the number of an import of an existing customer book (P4.4 5.7),
// "B-000001".
type BatchNo string

// WorkflowID is the Temporal workflow id of a batch.
func (n BatchNo) WorkflowID() string { return "import/" + string(n) }

// Subject is the name under which the ledger keeps the batch.
func (n BatchNo) Subject() string { return "import/" + string(n) }

// BatchState is where a batch stands.
type BatchState string

// The states of a batch.
const (
	BatchUploaded  BatchState = "UPLOADED"  // staged; the check runs
	BatchChecked   BatchState = "CHECKED"   // row findings are there; waits for one manager per scope
	BatchConfirmed BatchState = "CONFIRMED" // every scope is confirmed; it is being applied
	BatchApplied   BatchState = "APPLIED"
	BatchCancelled BatchState = "CANCELLED"
)

// BatchStates is the table of states of a batch.
var BatchStates = kam.StatesOf[BatchState]{
	{State: BatchUploaded, Kind: kam.Automatic, Step: "5.7"},
	{State: BatchChecked, Kind: kam.Human, WaitsFor: "manager of each scope", Owes: kam.PartyManager, Step: "5.7", Task: TaskImport},
	{State: BatchConfirmed, Kind: kam.Automatic, Step: "5.7"},
	{State: BatchApplied, Kind: kam.End, Step: "5.7"},
	{State: BatchCancelled, Kind: kam.End, Step: "5.7"},
}

// Ended says whether nothing follows.
func (s BatchState) Ended() bool { return BatchStates.Spec(s).Kind == kam.End }

// BatchEvent is what moves a batch.
type BatchEvent string

// The events of a batch.
const (
	BatchCheck      BatchEvent = "check"        // the check is done and somebody can confirm
	BatchFoundEmpty BatchEvent = "nothing_left" // the check is done and no row is left to apply
	BatchConfirm    BatchEvent = "confirm"      // of one scope
	BatchApply      BatchEvent = "apply"        // of one phase
	BatchCancel     BatchEvent = "cancel"
	BatchExpire     BatchEvent = "expire"
)

// BatchFacts are what the guards of a batch look at.
type BatchFacts struct {
	ScopesOpen  bool // scopes that nobody has confirmed yet
	PhasesLeft  bool
	PhaseStored bool // a phase is applied: there is no way back
}

// The conditions of the guards of a batch.
var (
	scopesOpen   = kam.Fact("{no }scopes open (that nobody has confirmed)", func(f BatchFacts) bool { return f.ScopesOpen })
	phasesLeft   = kam.Fact("{no }phases left (of applying the book)", func(f BatchFacts) bool { return f.PhasesLeft })
	phaseApplied = kam.Fact("{no }phase applied", func(f BatchFacts) bool { return f.PhaseStored })
)

// BatchTable is the state machine of a batch. Silence ends it and confirms
// nothing.
var BatchTable = kam.Table[BatchState, BatchEvent, BatchFacts]{
	States: BatchStates,
	Rows: []kam.Row[BatchState, BatchEvent, BatchFacts]{
		{From: BatchUploaded, Event: BatchCheck, To: BatchChecked, By: []kam.Actor{kam.BySystem},
			Effect: "findings stored; the manager of each scope asked"},
		{From: BatchUploaded, Event: BatchFoundEmpty, To: BatchCancelled, By: []kam.Actor{kam.BySystem},
			Guard:  kam.Given[BatchFacts]("no row can be applied, or the book is refused as a whole"),
			Effect: "content removed; uploader told why"},
		{From: BatchUploaded, Event: BatchCancel, To: BatchCancelled, By: []kam.Actor{kam.ByUploader, kam.ByPolicy},
			Guard:  kam.Given[BatchFacts]("reason given"),
			Effect: "content removed"},

		{From: BatchChecked, Event: BatchConfirm, To: BatchChecked, By: []kam.Actor{kam.ByManager},
			Guard:  scopesOpen,
			Effect: "bound to check_digest; uploader told"},
		{From: BatchChecked, Event: BatchConfirm, To: BatchConfirmed, By: []kam.Actor{kam.ByManager},
			Guard:  kam.Not(scopesOpen),
			Effect: "bound to check_digest; uploader told"},
		{From: BatchChecked, Event: BatchCancel, To: BatchCancelled, By: []kam.Actor{kam.ByUploader, kam.ByPolicy},
			Guard:  kam.Given[BatchFacts]("reason given"),
			Effect: "content removed; open tasks withdrawn"},
		{From: BatchChecked, Event: BatchExpire, To: BatchCancelled, By: []kam.Actor{kam.ByTimer},
			Guard:  kam.Given[BatchFacts]("a scope was not confirmed in time"),
			Effect: "content removed; open tasks withdrawn"},

		{From: BatchConfirmed, Event: BatchApply, To: BatchConfirmed, By: []kam.Actor{kam.BySystem},
			Guard:  phasesLeft,
			Effect: "one phase stored: no way back"},
		{From: BatchConfirmed, Event: BatchApply, To: BatchApplied, By: []kam.Actor{kam.BySystem},
			Guard:  kam.Not(phasesLeft),
			Effect: "last phase stored; uploader and managers told"},
		{From: BatchConfirmed, Event: BatchCancel, To: BatchCancelled, By: []kam.Actor{kam.ByUploader, kam.ByPolicy},
			Guard:  kam.Not(phaseApplied),
			Effect: "reason given; content removed"},
	},
}

// After is the state that an event leads the batch to: TooLate where it has
// ended or cannot be stopped any more, WrongState where the event does not fit.
func (b *BatchSnapshot) After(event BatchEvent) (BatchState, error) {
	row, err := BatchTable.Next(b.State, event, BatchFacts{
		ScopesOpen:  len(b.Open()) > 0,
		PhasesLeft:  b.Phase != BatchPhases[len(BatchPhases)-1],
		PhaseStored: b.Phase != "",
	})
	switch {
	case err == nil:
		return row.To, nil
	case b.State.Ended():
		return b.State, kam.Errorf(kam.TooLate, "the batch is %s", b.State).On("state")
	case b.State == BatchConfirmed && event == BatchCancel:
		return b.State, kam.Errorf(kam.TooLate, "batch %s is being applied", b.No).On("state")
	}
	return b.State, kam.Errorf(kam.WrongState, "the batch is %s", b.State).On("state").Try("read the batch again")
}

// A BatchScopeState is one scope of a batch: a COUNTRY node, whose manager
// confirms it. Counts are what he is shown.
type BatchScopeState struct {
	Node        string      `json:"node"`
	Counts      BatchCounts `json:"counts"`
	Task        *kam.Task   `json:"task,omitempty"`
	ConfirmedBy kam.UserID  `json:"confirmed_by,omitempty"`
	ConfirmedAt *time.Time  `json:"confirmed_at,omitempty"`
	DecisionID  string      `json:"decision_id,omitempty"`
}

// BatchResult counts what applying a batch has led to.
type BatchResult struct {
	Created     int `json:"created"`
	Updated     int `json:"updated"`
	Unchanged   int `json:"unchanged"`
	Skipped     int `json:"skipped"`
	Groups      int `json:"groups"`
	Facts       int `json:"facts"`         // sales facts that are new or changed
	FactsSame   int `json:"facts_same"`    // those that were there
	KeyAccounts int `json:"key_accounts"`  // taken over from the book
	Segmented   int `json:"segmented"`     // customers of the whole book
	Changed     int `json:"reclassified"`  // of those, with another segment
	Nominees    int `json:"nominees"`      // groups that newly qualify
	Proposals   int `json:"proposals"`     // key accounts with another tier, on notice, or to be demoted
	Left        int `json:"not_segmented"` // whose facts do not add up
	// ABC holds the customers of the book by class.
	ABC map[kam.ABCClass]int `json:"abc,omitempty"`
}

// A BatchSnapshot is what the engine knows of a batch, without data of
// customers. PostgreSQL holds it; the workflow carries a copy.
type BatchSnapshot struct {
	No            BatchNo           `json:"batch_no"`
	State         BatchState        `json:"state"`
	Version       int64             `json:"version"` // grows by one with each stored effect
	Uploader      kam.UserID        `json:"uploader_id"`
	Content       string            `json:"content_digest"`         // SHA-256 of what was uploaded
	Digest        string            `json:"check_digest,omitempty"` // of content and check: what a manager confirms
	PolicyVersion int               `json:"policy_version,omitempty"`
	Counts        BatchCounts       `json:"counts"`
	Scopes        []BatchScopeState `json:"scopes,omitempty"` // by node
	Phase         string            `json:"phase,omitempty"`  // the last one that was applied
	Result        BatchResult       `json:"result,omitzero"`
	Reason        string            `json:"reason,omitempty"` // why it was cancelled
	UploadedAt    time.Time         `json:"uploaded_at"`
	UpdatedAt     time.Time         `json:"updated_at"`
}

// Scope finds a scope by its node; nil where there is none.
func (b *BatchSnapshot) Scope(node string) *BatchScopeState {
	for i := range b.Scopes {
		if b.Scopes[i].Node == node {
			return &b.Scopes[i]
		}
	}
	return nil
}

// Open lists the nodes that are not confirmed yet, in order.
func (b *BatchSnapshot) Open() []string {
	var nodes []string
	for _, s := range b.Scopes {
		if s.ConfirmedBy == "" {
			nodes = append(nodes, s.Node)
		}
	}
	return nodes
}

// Next is the earliest deadline of the scopes that wait, and whose it is; ties
// go to the first in order.
func (b *BatchSnapshot) Next() (node string, due kam.Deadline, ok bool) {
	if b.State != BatchChecked {
		return "", kam.Deadline{}, false
	}
	for _, s := range b.Scopes {
		d, has := s.Task.Next()
		if s.ConfirmedBy == "" && has && (!ok || d.At.Before(due.At)) {
			node, due, ok = s.Node, d, true
		}
	}
	return node, due, ok
}

// BatchInput starts the workflow of a batch; its content is in PostgreSQL.
type BatchInput struct {
	No BatchNo `json:"batch_no"`
}

// BatchStep is what the activities of a batch get. Now is workflow time.
type BatchStep struct {
	No    BatchNo       `json:"batch_no"`
	Now   time.Time     `json:"now"`
	Act   *BatchAct     `json:"act,omitempty"`
	Node  string        `json:"node,omitempty"` // of Due
	Due   *kam.Deadline `json:"due,omitempty"`
	Fault string        `json:"fault,omitempty"`
}

// BatchProgress is what they hand back: the committed batch, or the refusal
// that was stored.
type BatchProgress struct {
	Batch   BatchSnapshot `json:"batch"`
	Refused *kam.Error    `json:"refused,omitempty"`
}

// The names under which workflow, activities, updates and query of a batch are
// registered. Once released they stay.
const (
	WorkflowImportBatch = "ImportBatchWorkflow"

	BatchStageCheck   = "CheckBatch"
	BatchStageConfirm = "RecordBatchConfirmation"
	BatchStageCancel  = "RecordBatchCancellation"
	BatchStageElapse  = "BatchDeadlinePassed"
	BatchStageFault   = "BatchFault"
	BatchStageApply   = "ApplyBatch"
	BatchStageRead    = "ReadBatch"

	UpdateConfirmBatch = "ConfirmBatch"
	UpdateCancelBatch  = "CancelBatch"
	QueryBatch         = "BatchState"
)

// The phases of ApplyBatch, each one transaction, in order.
var BatchPhases = []string{"customers", "sales", "classify"}

// TaskImport is the task of a manager to confirm a batch for his scope.
const TaskImport kam.TaskKind = "import_confirmation"

// The audit events of a batch.
const (
	EventBatchUploaded  kam.EventType = "BATCH_UPLOADED"
	EventBatchChecked   kam.EventType = "BATCH_CHECKED"
	EventBatchConfirmed kam.EventType = "BATCH_CONFIRMED"
	EventBatchApplied   kam.EventType = "BATCH_APPLIED"
	EventBatchCancelled kam.EventType = "BATCH_CANCELLED"
	EventBatchExpired   kam.EventType = "BATCH_EXPIRED"
)
