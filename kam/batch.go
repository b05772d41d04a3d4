package kam

import (
	"regexp"
	"time"
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

// BatchStates lists them in their order.
var BatchStates = []BatchState{BatchUploaded, BatchChecked, BatchConfirmed, BatchApplied, BatchCancelled}

// Ended says whether nothing follows.
func (s BatchState) Ended() bool { return s == BatchApplied || s == BatchCancelled }

// BatchEvent is what moves a batch.
type BatchEvent string

// The events of a batch.
const (
	BatchCheck      BatchEvent = "CHECK"        // the check is done and somebody can confirm
	BatchFoundEmpty BatchEvent = "NOTHING_LEFT" // the check is done and no row is left to apply
	BatchScope      BatchEvent = "SCOPE"        // a scope is confirmed, others are left
	BatchConfirm    BatchEvent = "CONFIRM"      // the last scope is confirmed
	BatchApply      BatchEvent = "APPLY"        // the last phase is applied
	BatchCancel     BatchEvent = "CANCEL"       // the uploader or a policy_admin
	BatchExpire     BatchEvent = "EXPIRE"       // nobody confirmed in time
)

// A BatchTransition is one row of the table of transitions of a batch.
type BatchTransition struct {
	From  BatchState
	Event BatchEvent
	To    BatchState
}

// BatchTransitions is all that can happen to a batch. A confirmed batch may be
// cancelled until its first phase is applied, which the store tests.
var BatchTransitions = []BatchTransition{
	{BatchUploaded, BatchCheck, BatchChecked},
	{BatchUploaded, BatchFoundEmpty, BatchCancelled},
	{BatchUploaded, BatchCancel, BatchCancelled},
	{BatchChecked, BatchScope, BatchChecked},
	{BatchChecked, BatchConfirm, BatchConfirmed},
	{BatchChecked, BatchCancel, BatchCancelled},
	{BatchChecked, BatchExpire, BatchCancelled},
	{BatchConfirmed, BatchApply, BatchApplied},
	{BatchConfirmed, BatchCancel, BatchCancelled},
}

// NextBatch is the state that an event leads to; TooLate where the batch has
// ended, else WrongState, where the event does not fit.
func NextBatch(from BatchState, event BatchEvent) (BatchState, error) {
	for _, t := range BatchTransitions {
		if t.From == from && t.Event == event {
			return t.To, nil
		}
	}
	if from.Ended() {
		return from, Errorf(TooLate, "the batch is %s", from).On("state")
	}
	return from, Errorf(WrongState, "the batch is %s", from).On("state").Try("read the batch again")
}

// Bounds of a batch.
const (
	MaxBatchRows      = 1_000_000  // customers
	MaxBatchFacts     = 12_000_000 // rows of sales or of profit and loss
	MaxBatchGroups    = 500_000
	MaxBatchScopes    = 250     // countries; one confirmation each
	MaxBatchRowSize   = 1 << 20 // bytes of one row
	MaxBatchKey       = 80
	MaxBatchFindings  = 200_000 // kept; the counts are of all
	BatchPriorMonths  = 120     // sales facts may be that old
	MaxProductFamily  = 64
	MaxAccountNo      = 40
	maxDecisionReason = 2000
)

var customerNoForm = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._/-]{0,39}$`)

// IsCustomerNo says whether a text may be the number of a customer or of a
// sales account: it ends up in ids and on command lines.
func IsCustomerNo(s string) bool { return customerNoForm.MatchString(s) }

// The files of a batch, as findings name them.
const (
	FileCustomers = "customers"
	FileSales     = "sales"
	FilePL        = "pl"
	FileGroups    = "groups"
)

// A BatchFinding says what is wrong with a row of a batch. A row with an ERROR
// is not applied; a WARNING is for the manager to know. It carries no personal
// data: values are left out where they might.
type BatchFinding struct {
	File     string   `json:"file"`
	Row      int      `json:"row,omitempty"` // data rows from 1; 0 is the file
	Line     int      `json:"line,omitempty"`
	Key      string   `json:"key,omitempty"` // customer number, account or group
	Column   string   `json:"column,omitempty"`
	Rule     string   `json:"rule,omitempty"`
	Severity Severity `json:"severity"`
	Message  string   `json:"message"`
	Remedy   string   `json:"remedy,omitempty"`
}

// The rules of a batch, besides those of P3.4.
const (
	RuleBatchKey       = "IB01" // the row has no usable key
	RuleBatchTwice     = "IB02" // the key stands there twice
	RuleBatchTerritory = "IB03" // territory not known or not to be resolved
	RuleBatchOwner     = "IB04"
	RuleBatchGroup     = "IB05"
	RuleBatchAccount   = "IB06" // sales of an account that nobody has
	RuleBatchParent    = "IB07"
	RuleBatchStanding  = "IB08" // status, tier, coverage
	RuleBatchMonth     = "IB09"
	RuleBatchMoney     = "IB10"
	RuleBatchOpenCase  = "IB11" // an open case has the customer: the row is left alone
)

// RowOutcome is what becomes of a row of the book.
type RowOutcome string

// The outcomes of rows: the first three are known after the check, the others
// once the batch is applied.
const (
	RowReady     RowOutcome = "READY"
	RowRefused   RowOutcome = "REFUSED"
	RowSame      RowOutcome = "SAME" // equal to an earlier row of the file
	RowCreated   RowOutcome = "CREATED"
	RowUpdated   RowOutcome = "UPDATED"
	RowUnchanged RowOutcome = "UNCHANGED"
	RowSkipped   RowOutcome = "SKIPPED" // the customer is in an open case, or its identifier was taken meanwhile
)

// BatchCounts are the figures of a batch or of one scope of it.
type BatchCounts struct {
	Rows      int `json:"rows"`
	Ready     int `json:"ready"`
	Refused   int `json:"refused"`
	Same      int `json:"same,omitempty"`
	Warned    int `json:"with_warnings,omitempty"`
	New       int `json:"new,omitempty"`      // READY and not known yet
	Existing  int `json:"existing,omitempty"` // READY and known
	KeyHolder int `json:"key_accounts,omitempty"`
	Facts     int `json:"facts,omitempty"` // rows of sales and of profit and loss
	Accounts  int `json:"accounts,omitempty"`
	Groups    int `json:"groups,omitempty"`
}

// A BatchScopeState is one scope of a batch: a COUNTRY node, whose manager
// confirms it. Counts are what he is shown.
type BatchScopeState struct {
	Node        string      `json:"node"`
	Counts      BatchCounts `json:"counts"`
	Task        *Task       `json:"task,omitempty"`
	ConfirmedBy UserID      `json:"confirmed_by,omitempty"`
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
	ABC map[ABCClass]int `json:"abc,omitempty"`
}

// A BatchSnapshot is what the engine knows of a batch, without data of
// customers. PostgreSQL holds it; the workflow carries a copy.
type BatchSnapshot struct {
	No            BatchNo           `json:"batch_no"`
	State         BatchState        `json:"state"`
	Version       int64             `json:"version"` // grows by one with each stored effect
	Uploader      UserID            `json:"uploader_id"`
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
func (b *BatchSnapshot) Next() (node string, due Deadline, ok bool) {
	if b.State != BatchChecked {
		return "", Deadline{}, false
	}
	for _, s := range b.Scopes {
		d, has := s.Task.Next()
		if s.ConfirmedBy == "" && has && (!ok || d.At.Before(due.At)) {
			node, due, ok = s.Node, d, true
		}
	}
	return node, due, ok
}

// A BatchAct is what a person does to a batch. DecisionID is made by the
// client: the same act sent twice is one act.
type BatchAct struct {
	DecisionID string `json:"decision_id"`
	By         UserID `json:"by"`
	Scope      string `json:"scope,omitempty"`        // confirmation: the node
	Digest     string `json:"check_digest,omitempty"` // confirmation: what he has seen
	Reason     string `json:"reason,omitempty"`       // cancellation
}

// CheckConfirm is the form of a confirmation and, in memory, whether the batch
// waits for it: state, digest, scope, and that nobody confirms what he
// uploaded. Who may confirm is looked up where the act is stored.
func (a BatchAct) CheckConfirm(b BatchSnapshot) error {
	if err := a.form(); err != nil {
		return err
	}
	if a.Scope == "" || len(a.Scope) > MaxAccountNo {
		return Errorf(Invalid, "which scope is confirmed is missing").On("scope").Try("give the node, as in DE")
	}
	if b.State == BatchUploaded {
		return Errorf(WrongState, "batch %s is still being checked", b.No).On("state").Try("try again when the check is done")
	}
	s := b.Scope(a.Scope)
	switch {
	case s == nil:
		return Errorf(NotFound, "batch %s has no rows of %s", b.No, clip(a.Scope, 40)).On("scope").Try("one of " + join(b.nodes()))
	case s.ConfirmedBy != "":
		return Errorf(AlreadyDecided, "%s was confirmed by %s", a.Scope, s.ConfirmedBy).On("scope")
	}
	if _, err := NextBatch(b.State, BatchConfirm); err != nil {
		return err
	}
	if a.Digest != b.Digest {
		e := Errorf(StaleRevision, "this is not the check of batch %s", b.No).On("check_digest").Try("read the batch again and confirm what it says")
		e.Hash = b.Digest
		return e
	}
	if a.By == b.Uploader {
		return Errorf(Separation, "%s uploaded the batch", a.By).By("SOD1").Try("another manager must confirm it")
	}
	return nil
}

// CheckCancel is the form of a cancellation and whether the batch may still be
// cancelled.
func (a BatchAct) CheckCancel(b BatchSnapshot) error {
	if err := a.form(); err != nil {
		return err
	}
	if a.Reason == "" {
		return Errorf(ReasonNeeded, "cancelling a batch needs a reason").On("reason").Try("say why")
	}
	if b.Phase != "" && !b.State.Ended() {
		return Errorf(TooLate, "batch %s is being applied", b.No).On("state")
	}
	_, err := NextBatch(b.State, BatchCancel)
	return err
}

func (a BatchAct) form() error {
	if n := len(a.DecisionID); n < 8 || n > maxID || !isPlain(a.DecisionID) {
		return Errorf(Invalid, "a client-made id of 8 to %d letters, digits, '-' or '_' is needed", maxID).On("decision_id").Try("send a UUID")
	}
	if a.By == "" || len(a.By) > maxID {
		return Errorf(Invalid, "who acts is missing").On("by")
	}
	if len([]rune(a.Reason)) > maxDecisionReason {
		return Errorf(Invalid, "longer than %d characters", maxDecisionReason).On("reason")
	}
	if len(a.Digest) > 2*maxID {
		return Errorf(Invalid, "longer than %d characters", 2*maxID).On("check_digest")
	}
	return nil
}

func (b *BatchSnapshot) nodes() []string {
	out := make([]string, len(b.Scopes))
	for i, s := range b.Scopes {
		out[i] = s.Node
	}
	return out
}

// BatchInput starts the workflow of a batch; its content is in PostgreSQL.
type BatchInput struct {
	No BatchNo `json:"batch_no"`
}

// BatchStep is what the activities of a batch get. Now is workflow time.
type BatchStep struct {
	No    BatchNo   `json:"batch_no"`
	Now   time.Time `json:"now"`
	Act   *BatchAct `json:"act,omitempty"`
	Node  string    `json:"node,omitempty"` // of Due
	Due   *Deadline `json:"due,omitempty"`
	Fault string    `json:"fault,omitempty"`
}

// BatchProgress is what they hand back: the committed batch, or the refusal
// that was stored.
type BatchProgress struct {
	Batch   BatchSnapshot `json:"batch"`
	Refused *Error        `json:"refused,omitempty"`
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
const TaskImport TaskKind = "import_confirmation"

// The audit events of a batch.
const (
	EventBatchUploaded  EventType = "BATCH_UPLOADED"
	EventBatchChecked   EventType = "BATCH_CHECKED"
	EventBatchConfirmed EventType = "BATCH_CONFIRMED"
	EventBatchApplied   EventType = "BATCH_APPLIED"
	EventBatchCancelled EventType = "BATCH_CANCELLED"
	EventBatchExpired   EventType = "BATCH_EXPIRED"
)

// A BatchProposal is what the classification of the whole book proposes for a
// group. Nothing of it is done by itself: KA status is never automatic.
type BatchProposal struct {
	Group     string              `json:"group_id"`
	Name      string              `json:"name"`
	Change    ClassificationShift `json:"change"` // PROMOTE is a nominee
	Tier      Tier                `json:"tier,omitempty"`
	Proposed  Tier                `json:"proposed_tier,omitempty"`
	Score     Dec                 `json:"score"`
	Potential Money               `json:"potential"`
	HomeNode  string              `json:"home_node,omitempty"`
	Members   int                 `json:"members"`
	Why       string              `json:"headline,omitempty"`
}

// Add counts a row by what it was read or checked as.
func (c *BatchCounts) Add(o RowOutcome, warned bool) {
	switch o {
	case RowReady:
		c.Ready++
		if warned {
			c.Warned++
		}
	case RowSame:
		c.Same++
	default:
		c.Refused++
	}
}
