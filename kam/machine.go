package kam

import (
	"slices"
	"strings"
)

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

// A Transition is one row of the table of a case.
type Transition = Row[State, Event, Facts]

// Resume as a target means the resume_state that a fault kept.
const Resume State = "RESUME_STATE"

// CaseTable is the state machine of a case (P2.6).
var CaseTable = Table[State, Event, Facts]{
	States: States,
	Rows:   Transitions,
	Where: func(to State, f Facts) State {
		if to == Resume {
			return f.BeforeFault
		}
		return to
	},
}

// Next is the transition that event takes from a state under the given facts,
// with To resolved, or WRONG_STATE.
func Next(from State, event Event, f Facts) (Transition, error) {
	return CaseTable.Next(from, event, f)
}

// Takes says whether any row leaves from on event, whatever the facts.
func Takes(from State, event Event) bool { return CaseTable.Takes(from, event) }

// ofType is the guard of cases of the given types: "NEW or REACTIVATE".
func ofType(types ...CaseType) Guard[Facts] {
	return among(types, func(f Facts) CaseType { return f.Type })
}

// recommends is the guard of a decision of 1.1.4: "ADD or REFER".
func recommends(outcomes ...Recommendation) Guard[Facts] {
	return among(outcomes, func(f Facts) Recommendation { return f.Recommendation })
}

// among holds where a fact has one of the values, and reads as they do.
func among[T ~string](values []T, of func(Facts) T) Guard[Facts] {
	words := make([]string, len(values))
	for i, v := range values {
		words[i] = string(v)
	}
	return Fact("{other than }"+strings.Join(words, " or "), func(f Facts) bool { return slices.Contains(values, of(f)) })
}

// The conditions on one fact. Each is called as it reads: a test compares.
var (
	enoughToSearchBy = Fact("{not }enough to search by (name, country and channel; for other types than NEW the customer)",
		func(f Facts) bool { return f.HasNameCountryChannel })
	candidateFound = Fact("{no }candidate found", func(f Facts) bool { return f.Match != "" })
	classCertain   = Fact("class {not }CERTAIN", func(f Facts) bool { return f.Match == MatchCertain })
	targetActive   = Fact("target {not }ACTIVE", func(f Facts) bool { return f.Target == TargetActive })
	targetInactive = Fact("target {not }INACTIVE", func(f Facts) bool { return f.Target == TargetInactive })
	searchRepeated = Fact("search {not }repeated (after a change in CHANGES_REQUESTED)",
		func(f Facts) bool { return f.ReturnTo == ChangesRequested })
	earlierRequest = Fact("{no }earlier request (both cases are NEW; the other is open, and older)", func(f Facts) bool { return f.Earlier })
	dataSteward    = Fact("{no }data steward (the person acts as one)", func(f Facts) bool { return f.Steward })

	screeningSetComplete       = Fact("screening set {not }complete", func(f Facts) bool { return f.ScreeningComplete })
	detailSetComplete          = Fact("detail set {not }complete", func(f Facts) bool { return f.DetailComplete })
	identityChanged            = Fact("identity {not }changed (since the last search)", func(f Facts) bool { return f.IdentityChanged })
	materialFieldChanged       = Fact("{no }material field changed", func(f Facts) bool { return f.MaterialChanged })
	classificationInputChanged = Fact("{no }classification input changed", func(f Facts) bool { return f.ClassInputChanged })
	materialHashChanged        = Fact("material_hash {not }changed", func(f Facts) bool { return f.HashChanged })
	confirmed                  = Fact("{not }confirmed (with the present material_hash)", func(f Facts) bool { return f.Confirmed })

	autoReject                = Fact("{not }auto_reject", func(f Facts) bool { return f.AutoReject })
	changeRoundsLeft          = Fact("{no }change rounds left", func(f Facts) bool { return f.RoundsLeft })
	newerPolicy               = Fact("{no }newer policy (published)", func(f Facts) bool { return f.NewerPolicy })
	lastRequired              = Fact("{not }last required (no other confirmation or endorsement is needed)", func(f Facts) bool { return f.LastRequired })
	errorFinding              = Fact("{no }ERROR finding", func(f Facts) bool { return f.HasError })
	reviewFinding             = Fact("{no }REVIEW finding (that nobody waived)", func(f Facts) bool { return f.HasReview })
	changeToEndorse           = Fact("{no }change to endorse (of status or tier, or a nomination)", func(f Facts) bool { return f.NeedsEndorsement })
	resumeStateKept           = Fact("{no }resume_state kept", func(f Facts) bool { return f.BeforeFault.Kind() == Automatic })
	resumeStateAfterTheCommit = Fact("resume_state {not }after the commit", func(f Facts) bool { return f.BeforeFault.AfterCommit() })
)

// The conditions of which several rows make use.
var (
	newOrReactivate = ofType(NewCase, Reactivate)
	modify          = ofType(Modify)
	deactivate      = ofType(Deactivate)

	nobodyFound = Or(And(ofType(NewCase), Not(candidateFound)), And(ofType(Reactivate), targetInactive))
	notTheSame  = Or(Not(classCertain), dataSteward) // may be said
	toConfirm   = Or(And(modify, materialFieldChanged), deactivate)
	free        = And(modify, Not(materialFieldChanged))

	humanRequester       = Not(ofType(Reclassify)).As("{no }human requester")
	classificationDue    = Or(ofType(NewCase, Reactivate, Reclassify), And(modify, classificationInputChanged)).As("classification {not }due")
	confirmedWhereNeeded = Or(And(ofType(NewCase, Modify, Reactivate, Deactivate), confirmed), free).As("{not }confirmed where needed")
)
