package onboarding

import "github.com/kamflow/kamflow/kam"

// State is where a case stands (P2.6).
type State string

// The 23 states of a case.
const (
	Draft                State = "DRAFT"
	Identifying          State = "IDENTIFYING"
	DuplicateReview      State = "DUPLICATE_REVIEW"
	DataEntry            State = "DATA_ENTRY"
	Deciding             State = "DECIDING"
	ComplianceReview     State = "COMPLIANCE_REVIEW"
	AwaitingConfirmation State = "AWAITING_CONFIRMATION"
	ChangesRequested     State = "CHANGES_REQUESTED"
	AwaitingCompletion   State = "AWAITING_COMPLETION"
	Analyzing            State = "ANALYZING"
	Segmenting           State = "SEGMENTING"
	Validating           State = "VALIDATING"
	ValidationReview     State = "VALIDATION_REVIEW"
	Classifying          State = "CLASSIFYING"
	AwaitingEndorsement  State = "AWAITING_ENDORSEMENT"
	HandingOff           State = "HANDING_OFF"
	NeedsIntervention    State = "NEEDS_INTERVENTION"
	Completed            State = "COMPLETED"
	Rejected             State = "REJECTED"
	Withdrawn            State = "WITHDRAWN"
	Merged               State = "MERGED"
	Expired              State = "EXPIRED"
	Cancelled            State = "CANCELLED"
)

// The kinds of task of a case, and the two that outlive it.
const (
	TaskDataEntry        kam.TaskKind = "data_entry"
	TaskDuplicateReview  kam.TaskKind = "duplicate_review"
	TaskComplianceReview kam.TaskKind = "compliance_review"
	TaskConfirmation     kam.TaskKind = "confirmation"
	TaskChanges          kam.TaskKind = "changes_requested"
	TaskCompletion       kam.TaskKind = "completion"
	TaskValidation       kam.TaskKind = "validation_review"
	TaskEndorsement      kam.TaskKind = "endorsement"
	TaskIntervention     kam.TaskKind = "intervention"
	TaskCancellation     kam.TaskKind = "cancellation" // in the inbox only: a second person agrees
	TaskDraftOffer       kam.TaskKind = "draft_offer"  // in the inbox only: a followed case ended without a customer
	TaskKAMAssignment    kam.TaskKind = "kam_assignment"
	TaskProfile          kam.TaskKind = "profile"
)

// StateSpec is one row of the table of states.
type StateSpec = kam.StateOf[State]

// States is the table of states, in the order of P2.6.
var States = kam.StatesOf[State]{
	{State: Draft, Kind: kam.Human, WaitsFor: "requester", Owes: kam.PartyRequester, Step: "1.1.1", Task: TaskDataEntry},
	{State: Identifying, Kind: kam.Automatic, Step: "1.1.2"},
	{State: DuplicateReview, Kind: kam.Human, WaitsFor: "requester or data_steward", Owes: kam.PartyRequester, Step: "1.1.2", Task: TaskDuplicateReview},
	{State: DataEntry, Kind: kam.Human, WaitsFor: "requester", Owes: kam.PartyRequester, Step: "1.2.1a", Task: TaskDataEntry},
	{State: Deciding, Kind: kam.Automatic, Step: "1.1.4"},
	{State: ComplianceReview, Kind: kam.Human, WaitsFor: "compliance_reviewer", Owes: kam.PartyCompliance, Step: "1.1.4c", Task: TaskComplianceReview},
	{State: AwaitingConfirmation, Kind: kam.Human, WaitsFor: "confirming manager", Owes: kam.PartyManager, Step: "1.1.5", Task: TaskConfirmation},
	{State: ChangesRequested, Kind: kam.Human, WaitsFor: "requester", Owes: kam.PartyRequester, Step: "1.2.1a", Task: TaskChanges},
	{State: AwaitingCompletion, Kind: kam.Human, WaitsFor: "requester", Owes: kam.PartyRequester, Step: "1.2.1b", Task: TaskCompletion},
	{State: Analyzing, Kind: kam.Automatic, Step: "1.2.2"},
	{State: Segmenting, Kind: kam.Automatic, Step: "1.3.1"},
	{State: Validating, Kind: kam.Automatic, Step: "1.4.1"},
	{State: ValidationReview, Kind: kam.Human, WaitsFor: "data_steward", Owes: kam.PartySteward, Step: "1.4.6s", Task: TaskValidation},
	{State: Classifying, Kind: kam.Automatic, Step: "1.5.1"},
	{State: AwaitingEndorsement, Kind: kam.Human, WaitsFor: "tier endorser(s)", Owes: kam.PartyManager, Step: "1.5.5", Task: TaskEndorsement},
	{State: HandingOff, Kind: kam.Automatic, Step: "1.5.6"},
	{State: NeedsIntervention, Kind: kam.Human, WaitsFor: "operator", Owes: kam.PartyEngine, Task: TaskIntervention},
	{State: Completed, Kind: kam.End, Step: "1.5.6"},
	{State: Rejected, Kind: kam.End, Step: "1.1.6"},
	{State: Withdrawn, Kind: kam.End, Step: "1.1.6"},
	{State: Merged, Kind: kam.End, Step: "1.1.6"},
	{State: Expired, Kind: kam.End, Step: "1.1.6"},
	{State: Cancelled, Kind: kam.End, Step: "1.1.6"},
}

// Spec is the row of the state, zero for an unknown one.
func (s State) Spec() StateSpec { return States.Spec(s) }

// Kind says who moves a case out of the state.
func (s State) Kind() kam.StateKind { return s.Spec().Kind }

// Ended says whether the state is an end.
func (s State) Ended() bool { return s.Kind() == kam.End }

// AfterCommit says whether the customer is committed when a case is in s:
// from there it can only end as COMPLETED (P2.5, 1.4.7).
func (s State) AfterCommit() bool {
	return s == Classifying || s == AwaitingEndorsement || s == HandingOff || s == Completed
}

// Outcome says what a COMPLETED case led to.
type Outcome string

// The outcomes of COMPLETED.
const (
	AddedKA          Outcome = "ADDED_KA"
	AddedNonKA       Outcome = "ADDED_NON_KA"
	Modified         Outcome = "MODIFIED"
	ReactivatedKA    Outcome = "REACTIVATED_KA"
	ReactivatedNonKA Outcome = "REACTIVATED_NON_KA"
	Deactivated      Outcome = "DEACTIVATED"
	Reclassified     Outcome = "RECLASSIFIED"
	NoChange         Outcome = "NO_CHANGE"
)

// Flag marks something that a reader of the outcome must know.
type Flag string

// The flags of a case.
const (
	FlagProvisional         Flag = "PROVISIONAL"
	FlagOverridden          Flag = "OVERRIDDEN"
	FlagEndorsementLapsed   Flag = "ENDORSEMENT_LAPSED"
	FlagEndorsementDeclined Flag = "ENDORSEMENT_DECLINED"
	FlagHasWaivers          Flag = "HAS_WAIVERS"
)
