package kam

// Event is what moves a case from a state to the next.
type Event string

// The events of the table of transitions.
const (
	EvSubmitRequest  Event = "submit_request"
	EvNoMatch        Event = "no_match"
	EvMatchFound     Event = "match_found"
	EvTargetFound    Event = "target_found"
	EvTargetInvalid  Event = "target_invalid"
	EvReviewStarted  Event = "review_started"
	EvNotDuplicate   Event = "not_duplicate"
	EvUseExisting    Event = "use_existing"
	EvConvert        Event = "convert_to_modify"
	EvSameRequest    Event = "same_request"
	EvSubmitData     Event = "submit_data"
	EvChangeIdentity Event = "change_identity"
	EvRecommend      Event = "recommend"
	EvClear          Event = "clear"
	EvRefuse         Event = "refuse"
	EvConfirm        Event = "confirm"
	EvReject         Event = "reject"
	EvSendBack       Event = "send_back"
	EvAmendMaterial  Event = "amend_material"
	EvReassign       Event = "reassign"
	EvReevaluate     Event = "reevaluate"
	EvEscalate       Event = "escalate"
	EvExpire         Event = "expire"
	EvResubmit       Event = "resubmit"
	EvSubmitDetails  Event = "submit_details"
	EvAnalyzed       Event = "analyzed"
	EvSegmented      Event = "segmented"
	EvPass           Event = "pass"
	EvReviewNeeded   Event = "review_needed"
	EvFail           Event = "fail"
	EvMerge          Event = "merge"
	EvClassified     Event = "classified"
	EvEndorse        Event = "endorse"
	EvDecline        Event = "decline"
	EvChangeTier     Event = "change_tier"
	EvLapse          Event = "lapse"
	EvHandedOff      Event = "handed_off"
	EvWithdraw       Event = "withdraw"
	EvCancel         Event = "cancel"
	EvFault          Event = "fault"
	EvRetry          Event = "retry"
)

// Target is what 1.1.2 found of the customer that a MODIFY, REACTIVATE or
// DEACTIVATE names.
type Target string

// What a target can be.
const (
	TargetNone     Target = ""
	TargetActive   Target = "ACTIVE"
	TargetInactive Target = "INACTIVE"
	TargetUnusable Target = "INVALID" // unknown, or already in an open case
)

// Facts are what the guards of the table look at. They are computed in the
// transaction that stores the transition, so that a guard never judges stale
// data.
type Facts struct {
	Type CaseType

	HasNameCountryChannel bool       // or, for other types than NEW, the customer is named
	Match                 MatchClass // best candidate that is not waived
	Target                Target
	ReturnTo              State // where an identity change interrupted the case

	ScreeningComplete bool
	DetailComplete    bool
	IdentityChanged   bool // since the last search of 1.1.2
	MaterialChanged   bool // MODIFY: against the customer's version
	ClassInputChanged bool // MODIFY: against the customer's version
	Confirmed         bool // a confirmation holds for the present material_hash
	HashChanged       bool // material_hash differs from the one last decided on

	Recommendation Recommendation
	AutoReject     bool
	RoundsLeft     bool
	LastRequired   bool // no further confirmation or endorsement is needed

	HasError  bool // an ERROR finding
	HasReview bool // a REVIEW finding that nobody waived

	NeedsEndorsement bool // change of status or tier, or a nomination

	Earlier     bool // the other case is NEW, open and older, and so is this one NEW
	Steward     bool // the person acts as data steward
	NewerPolicy bool
	BeforeFault State // resume_state
}

// HumanRequester says whether a person raised the case.
func (f Facts) HumanRequester() bool { return f.Type != Reclassify }

// ClassificationDue says whether 1.5 runs after the commit.
func (f Facts) ClassificationDue() bool {
	return f.Type == NewCase || f.Type == Reactivate || f.Type == Reclassify || f.Type == Modify && f.ClassInputChanged
}

func (f Facts) newParty() bool { return f.Type == NewCase || f.Type == Reactivate }

// Actor is who brings an event about.
type Actor string

// The actors of the table.
const (
	ByRequester  Actor = "requester"
	BySteward    Actor = "data_steward"
	ByCompliance Actor = "compliance_reviewer"
	ByConfirmer  Actor = "confirming manager"
	ByEndorser   Actor = "endorser"
	ByManager    Actor = "manager"
	ByPolicy     Actor = "policy_admin"
	ByOperator   Actor = "operator"
	ByTimer      Actor = "timer"
	BySystem     Actor = "system"
)

// A Guard is a condition of a transition: its words for people, and its test.
type Guard struct {
	Text string
	Test func(Facts) bool
}

// A Transition is one row of the table.
type Transition struct {
	From   State
	Event  Event
	Guard  Guard
	To     State // Resume stands for the state before the fault
	By     []Actor
	Effect string
}

// Resume as a target means the resume_state that a fault kept.
const Resume State = "RESUME_STATE"

// Next is the transition that event takes from a state under the given facts,
// with To resolved. No row, or more than one, is WRONG_STATE: the exhaustive
// test shows that there is never more than one.
func Next(from State, event Event, f Facts) (Transition, error) {
	for _, t := range Transitions {
		if t.From != from || t.Event != event || t.Guard.Test != nil && !t.Guard.Test(f) {
			continue
		}
		if t.To == Resume {
			t.To = f.BeforeFault
		}
		return t, nil
	}
	return Transition{}, Errorf(WrongState, "%s is not possible in state %s", event, from)
}

// Takes says whether any row leaves from on event, whatever the facts.
func Takes(from State, event Event) bool {
	for _, t := range Transitions {
		if t.From == from && t.Event == event {
			return true
		}
	}
	return false
}
