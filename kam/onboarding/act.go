package onboarding

import (
	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/access"
)

// ActName is the name of an update, and for the Decide acts and Withdraw also
// of a signal, that a person sends to a case (P2.8).
type ActName string

// The acts of people on a case.
const (
	ActStart              ActName = "StartCase"
	ActSubmitData         ActName = "SubmitData"
	ActSubmitDetails      ActName = "SubmitDetails"
	ActAmendMaterial      ActName = "AmendMaterial"
	ActResolveDuplicate   ActName = "ResolveDuplicate"
	ActDecideConfirmation ActName = "DecideConfirmation"
	ActDecideCompliance   ActName = "DecideCompliance"
	ActDecideValidation   ActName = "DecideValidation"
	ActDecideEndorsement  ActName = "DecideEndorsement"
	ActWithdraw           ActName = "Withdraw"
	ActReassign           ActName = "Reassign"
	ActComment            ActName = "Comment"
	ActRetry              ActName = "Retry"
	ActClaim              ActName = "Claim"
	ActRelease            ActName = "Release"
	ActReevaluate         ActName = "Reevaluate"
	ActCancel             ActName = "Cancel"
)

// actWords name the acts for people.
var actWords = map[ActName]string{
	ActSubmitData:         "data",
	ActSubmitDetails:      "details",
	ActAmendMaterial:      "an amendment",
	ActResolveDuplicate:   "the answer on duplicates",
	ActDecideConfirmation: "the management confirmation",
	ActDecideCompliance:   "the decision of compliance",
	ActDecideValidation:   "the decision on findings",
	ActDecideEndorsement:  "the endorsement",
	ActWithdraw:           "a withdrawal",
	ActReassign:           "a reassignment",
	ActComment:            "a comment",
	ActRetry:              "a retry",
	ActClaim:              "a claim",
	ActRelease:            "a release",
	ActReevaluate:         "a reevaluation",
	ActCancel:             "a cancellation",
}

// Words name the act for people.
func (n ActName) Words() string {
	if w, ok := actWords[n]; ok {
		return w
	}
	return kam.Clip(string(n), 40)
}

// Verdict is what a person decided, where an act has more than one outcome.
type Verdict string

// The verdicts.
const (
	NotDuplicate    Verdict = "NOT_DUPLICATE"
	UseExisting     Verdict = "USE_EXISTING"
	ConvertToModify Verdict = "CONVERT_TO_MODIFY"
	SameRequest     Verdict = "SAME_REQUEST"
	Confirm         Verdict = "CONFIRM"
	RejectIt        Verdict = "REJECT"
	SendBack        Verdict = "SEND_BACK"
	ClearIt         Verdict = "CLEAR"
	RefuseIt        Verdict = "REFUSE"
	MergeIt         Verdict = "MERGE"
	Endorse         Verdict = "ENDORSE"
	Decline         Verdict = "DECLINE"
	ChangeTier      Verdict = "CHANGE_TIER"
	AskCancel       Verdict = "ASK"   // the operator asks
	AgreeCancel     Verdict = "AGREE" // the policy_admin agrees
)

// An Act is what a person does to a case: one JSON object per message. Its
// DecisionID is made by the client, so that a double click, a retry and a
// resent message are one act. Data sets travel by reference: the client has
// put them into PostgreSQL under DecisionID, and DataDigest binds the act to
// exactly those, so that no personal data enter a workflow history.
type Act struct {
	DecisionID     string     `json:"decision_id"`
	Name           ActName    `json:"act,omitempty"` // set by the receiver from the message's name
	By             kam.UserID `json:"by"`
	Verdict        Verdict    `json:"decision,omitempty"`
	ExpectRevision int        `json:"expect_revision,omitempty"`
	ExpectHash     string     `json:"material_hash,omitempty"`
	ReasonCode     string     `json:"reason_code,omitempty"`
	Reason         string     `json:"reason,omitempty"`
	Fields         []string   `json:"fields,omitempty"`
	CustomerNo     string     `json:"customer_no,omitempty"`
	Tier           kam.Tier   `json:"tier,omitempty"`
	Assignee       kam.UserID `json:"assignee,omitempty"`
	OwnerID        kam.UserID `json:"owner_id,omitempty"` // endorsement: the key account manager
	DataDigest     string     `json:"data_digest,omitempty"`
	// ReleaseAccount is the key account that the owner gives up to make room
	// for the endorsed one (P3.5.5).
	ReleaseAccount string `json:"release_account,omitempty"`
	// SameAs is the earlier case that this one is the same request as.
	SameAs kam.CaseNo `json:"same_as,omitempty"`
	// OnBehalfOf is for whom By stands in, whose task it is. The door fills it in
	// each time that the act is sent, and the envelope covers it; like Signed it is
	// outside the digest, so that a decision is answered by its id when the person
	// is back as well.
	OnBehalfOf kam.UserID `json:"on_behalf_of,omitempty"`
	// Signed is the sealed envelope of the act. The act is the same whoever signs
	// it anew, so no digest covers it.
	Signed string `json:"signed,omitempty"`
}

// An ActSpec is one row of the table of acts: which event an act with a
// verdict brings about, which permission it needs, and what must be said with
// it. An act whose Event is empty leaves the state alone.
type ActSpec struct {
	Name    ActName
	Verdict Verdict
	Event   Event
	Action  access.Action // empty: what deciding the open task asks for
	States  []State       // where it is taken; nil: wherever a transition leaves on Event
	Needs   []Need
	Signal  bool // also accepted as a signal of the same name
}

// Need is something an act must carry.
type Need string

// What an act may have to carry.
const (
	NeedHash       Need = "material_hash"
	NeedReason     Need = "reason"
	NeedReasonCode Need = "reason_code"
	NeedFields     Need = "fields or reason"
	NeedCustomer   Need = "customer_no"
	NeedTier       Need = "tier"
	NeedAssignee   Need = "assignee"
	NeedData       Need = "data_digest"
	NeedCase       Need = "same_as"
)

var openHuman = []State{Draft, DuplicateReview, DataEntry, ComplianceReview, AwaitingConfirmation, ChangesRequested, AwaitingCompletion, ValidationReview, AwaitingEndorsement, NeedsIntervention}

// shared are the states whose task may stand in a queue that several people
// work from.
var shared = []State{DuplicateReview, ComplianceReview, ValidationReview, NeedsIntervention}

// cancellable are the states that a case can be cancelled from.
var cancellable = append(append([]State{}, beforeTheEnd...), NeedsIntervention)

// Acts is the table of acts. Update handlers, signals, the starter's verbs,
// the inbox and docs/process.md read it.
var Acts = []ActSpec{
	{ActSubmitData, "", EvSubmitData, access.ActionEnterData, []State{Draft, DataEntry, ChangesRequested}, []Need{NeedData}, false},
	{ActSubmitDetails, "", EvSubmitDetails, access.ActionEnterData, []State{DuplicateReview, DataEntry, ComplianceReview, AwaitingConfirmation, ChangesRequested, AwaitingCompletion}, []Need{NeedData}, false},
	{ActAmendMaterial, "", EvAmendMaterial, access.ActionEnterData, nil, []Need{NeedData}, false},
	{ActResolveDuplicate, NotDuplicate, EvNotDuplicate, access.ActionClearDuplicate, nil, []Need{NeedReason}, false},
	{ActResolveDuplicate, UseExisting, EvUseExisting, access.ActionClearDuplicate, nil, []Need{NeedCustomer}, false},
	{ActResolveDuplicate, ConvertToModify, EvConvert, access.ActionClearDuplicate, nil, []Need{NeedCustomer}, false},
	{ActResolveDuplicate, SameRequest, EvSameRequest, access.ActionClearDuplicate, []State{DuplicateReview}, []Need{NeedCase}, false},
	{ActDecideConfirmation, Confirm, EvConfirm, access.ActionConfirm, []State{AwaitingConfirmation}, []Need{NeedHash}, true},
	{ActDecideConfirmation, RejectIt, EvReject, access.ActionConfirm, []State{AwaitingConfirmation}, []Need{NeedHash, NeedReasonCode, NeedReason}, true},
	{ActDecideConfirmation, SendBack, EvSendBack, access.ActionConfirm, []State{AwaitingConfirmation}, []Need{NeedHash, NeedFields}, true},
	{ActDecideCompliance, ClearIt, EvClear, access.ActionCompliance, []State{ComplianceReview}, []Need{NeedReason}, true},
	{ActDecideCompliance, RefuseIt, EvRefuse, access.ActionCompliance, []State{ComplianceReview}, []Need{NeedReason}, true},
	{ActDecideValidation, ClearIt, EvClear, access.ActionWaive, []State{ValidationReview}, []Need{NeedReason}, true},
	{ActDecideValidation, MergeIt, EvMerge, access.ActionWaive, []State{ValidationReview}, []Need{NeedCustomer, NeedReason}, true},
	{ActDecideValidation, SameRequest, EvSameRequest, access.ActionWaive, []State{ValidationReview}, []Need{NeedCase, NeedReason}, true},
	{ActDecideValidation, SendBack, EvSendBack, access.ActionWaive, []State{ValidationReview}, []Need{NeedFields}, true},
	{ActDecideValidation, RefuseIt, EvRefuse, access.ActionWaive, []State{ValidationReview}, []Need{NeedReason}, true},
	{ActDecideEndorsement, Endorse, EvEndorse, access.ActionEndorse, nil, nil, true},
	{ActDecideEndorsement, Decline, EvDecline, access.ActionEndorse, nil, []Need{NeedReason}, true},
	{ActDecideEndorsement, ChangeTier, EvChangeTier, access.ActionEndorse, nil, []Need{NeedTier, NeedReason}, true},
	{ActWithdraw, "", EvWithdraw, access.ActionWithdraw, nil, nil, true},
	{ActReassign, "", EvReassign, access.ActionReassign, nil, []Need{NeedAssignee, NeedReason}, false},
	{ActComment, "", "", access.ActionComment, openHuman, []Need{NeedReason}, false},
	{ActRetry, "", EvRetry, access.ActionRetry, nil, nil, false},
	{ActClaim, "", "", "", shared, nil, false},
	{ActRelease, "", "", "", shared, nil, false},
	{ActReevaluate, "", EvReevaluate, access.ActionReevaluate, nil, []Need{NeedReason}, false},
	{ActCancel, AskCancel, "", access.ActionCancelAsk, cancellable, []Need{NeedReason}, false},
	{ActCancel, AgreeCancel, EvCancel, access.ActionCancelAgree, nil, nil, false},
}

// ReasonCodes are the codes of a rejection at 1.1.5 (P2.5).
var ReasonCodes = []string{"NOT_STRATEGIC", "TOO_SMALL", "CREDIT_RISK", "CONFLICT_OF_INTEREST", "WRONG_TERRITORY", "DUPLICATE", "DATA_NOT_CREDIBLE", "CAPACITY", "OTHER"}

// Spec finds the row of an act, Invalid if there is none.
func (a Act) Spec() (ActSpec, error) {
	for _, s := range Acts {
		if s.Name == a.Name && s.Verdict == a.Verdict {
			return s, nil
		}
	}
	return ActSpec{}, kam.Errorf(kam.Invalid, "%s knows no decision %q", a.Name, kam.Clip(string(a.Verdict), 40)).On("decision")
}
