package kam

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
	TaskDataEntry        TaskKind = "data_entry"
	TaskDuplicateReview  TaskKind = "duplicate_review"
	TaskComplianceReview TaskKind = "compliance_review"
	TaskConfirmation     TaskKind = "confirmation"
	TaskChanges          TaskKind = "changes_requested"
	TaskCompletion       TaskKind = "completion"
	TaskValidation       TaskKind = "validation_review"
	TaskEndorsement      TaskKind = "endorsement"
	TaskIntervention     TaskKind = "intervention"
	TaskCancellation     TaskKind = "cancellation" // in the inbox only: a second person agrees
	TaskDraftOffer       TaskKind = "draft_offer"  // in the inbox only: a followed case ended without a customer
	TaskKAMAssignment    TaskKind = "kam_assignment"
	TaskProfile          TaskKind = "profile"
)

// StateSpec is one row of the table of states.
type StateSpec = StateOf[State]

// States is the table of states, in the order of P2.6.
var States = StatesOf[State]{
	{Draft, Human, "requester", "1.1.1", TaskDataEntry},
	{Identifying, Automatic, "", "1.1.2", ""},
	{DuplicateReview, Human, "requester or data_steward", "1.1.2", TaskDuplicateReview},
	{DataEntry, Human, "requester", "1.2.1a", TaskDataEntry},
	{Deciding, Automatic, "", "1.1.4", ""},
	{ComplianceReview, Human, "compliance_reviewer", "1.1.4c", TaskComplianceReview},
	{AwaitingConfirmation, Human, "confirming manager", "1.1.5", TaskConfirmation},
	{ChangesRequested, Human, "requester", "1.2.1a", TaskChanges},
	{AwaitingCompletion, Human, "requester", "1.2.1b", TaskCompletion},
	{Analyzing, Automatic, "", "1.2.2", ""},
	{Segmenting, Automatic, "", "1.3.1", ""},
	{Validating, Automatic, "", "1.4.1", ""},
	{ValidationReview, Human, "data_steward", "1.4.6s", TaskValidation},
	{Classifying, Automatic, "", "1.5.1", ""},
	{AwaitingEndorsement, Human, "tier endorser(s)", "1.5.5", TaskEndorsement},
	{HandingOff, Automatic, "", "1.5.6", ""},
	{NeedsIntervention, Human, "operator", "", TaskIntervention},
	{Completed, End, "", "1.5.6", ""},
	{Rejected, End, "", "1.1.6", ""},
	{Withdrawn, End, "", "1.1.6", ""},
	{Merged, End, "", "1.1.6", ""},
	{Expired, End, "", "1.1.6", ""},
	{Cancelled, End, "", "1.1.6", ""},
}

// Spec is the row of the state, zero for an unknown one.
func (s State) Spec() StateSpec { return States.Spec(s) }

// Kind says who moves a case out of the state.
func (s State) Kind() StateKind { return s.Spec().Kind }

// Ended says whether the state is an end.
func (s State) Ended() bool { return s.Kind() == End }

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
