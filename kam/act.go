package kam

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
	return Clip(string(n), 40)
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
	DecisionID     string   `json:"decision_id"`
	Name           ActName  `json:"act,omitempty"` // set by the receiver from the message's name
	By             UserID   `json:"by"`
	Verdict        Verdict  `json:"decision,omitempty"`
	ExpectRevision int      `json:"expect_revision,omitempty"`
	ExpectHash     string   `json:"material_hash,omitempty"`
	ReasonCode     string   `json:"reason_code,omitempty"`
	Reason         string   `json:"reason,omitempty"`
	Fields         []string `json:"fields,omitempty"`
	CustomerNo     string   `json:"customer_no,omitempty"`
	Tier           Tier     `json:"tier,omitempty"`
	Assignee       UserID   `json:"assignee,omitempty"`
	OwnerID        UserID   `json:"owner_id,omitempty"` // endorsement: the key account manager
	DataDigest     string   `json:"data_digest,omitempty"`
	// ReleaseAccount is the key account that the owner gives up to make room
	// for the endorsed one (P3.5.5).
	ReleaseAccount string `json:"release_account,omitempty"`
	// SameAs is the earlier case that this one is the same request as.
	SameAs CaseNo `json:"same_as,omitempty"`
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
	Action  Action  // empty: what deciding the open task asks for
	States  []State // where it is taken; nil: wherever a transition leaves on Event
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
	{ActSubmitData, "", EvSubmitData, ActionEnterData, []State{Draft, DataEntry, ChangesRequested}, []Need{NeedData}, false},
	{ActSubmitDetails, "", EvSubmitDetails, ActionEnterData, []State{DuplicateReview, DataEntry, ComplianceReview, AwaitingConfirmation, ChangesRequested, AwaitingCompletion}, []Need{NeedData}, false},
	{ActAmendMaterial, "", EvAmendMaterial, ActionEnterData, nil, []Need{NeedData}, false},
	{ActResolveDuplicate, NotDuplicate, EvNotDuplicate, ActionClearDuplicate, nil, []Need{NeedReason}, false},
	{ActResolveDuplicate, UseExisting, EvUseExisting, ActionClearDuplicate, nil, []Need{NeedCustomer}, false},
	{ActResolveDuplicate, ConvertToModify, EvConvert, ActionClearDuplicate, nil, []Need{NeedCustomer}, false},
	{ActResolveDuplicate, SameRequest, EvSameRequest, ActionClearDuplicate, []State{DuplicateReview}, []Need{NeedCase}, false},
	{ActDecideConfirmation, Confirm, EvConfirm, ActionConfirm, []State{AwaitingConfirmation}, []Need{NeedHash}, true},
	{ActDecideConfirmation, RejectIt, EvReject, ActionConfirm, []State{AwaitingConfirmation}, []Need{NeedHash, NeedReasonCode, NeedReason}, true},
	{ActDecideConfirmation, SendBack, EvSendBack, ActionConfirm, []State{AwaitingConfirmation}, []Need{NeedHash, NeedFields}, true},
	{ActDecideCompliance, ClearIt, EvClear, ActionCompliance, []State{ComplianceReview}, []Need{NeedReason}, true},
	{ActDecideCompliance, RefuseIt, EvRefuse, ActionCompliance, []State{ComplianceReview}, []Need{NeedReason}, true},
	{ActDecideValidation, ClearIt, EvClear, ActionWaive, []State{ValidationReview}, []Need{NeedReason}, true},
	{ActDecideValidation, MergeIt, EvMerge, ActionWaive, []State{ValidationReview}, []Need{NeedCustomer, NeedReason}, true},
	{ActDecideValidation, SameRequest, EvSameRequest, ActionWaive, []State{ValidationReview}, []Need{NeedCase, NeedReason}, true},
	{ActDecideValidation, SendBack, EvSendBack, ActionWaive, []State{ValidationReview}, []Need{NeedFields}, true},
	{ActDecideValidation, RefuseIt, EvRefuse, ActionWaive, []State{ValidationReview}, []Need{NeedReason}, true},
	{ActDecideEndorsement, Endorse, EvEndorse, ActionEndorse, nil, nil, true},
	{ActDecideEndorsement, Decline, EvDecline, ActionEndorse, nil, []Need{NeedReason}, true},
	{ActDecideEndorsement, ChangeTier, EvChangeTier, ActionEndorse, nil, []Need{NeedTier, NeedReason}, true},
	{ActWithdraw, "", EvWithdraw, ActionWithdraw, nil, nil, true},
	{ActReassign, "", EvReassign, ActionReassign, nil, []Need{NeedAssignee, NeedReason}, false},
	{ActComment, "", "", ActionComment, openHuman, []Need{NeedReason}, false},
	{ActRetry, "", EvRetry, ActionRetry, nil, nil, false},
	{ActClaim, "", "", "", shared, nil, false},
	{ActRelease, "", "", "", shared, nil, false},
	{ActReevaluate, "", EvReevaluate, ActionReevaluate, nil, []Need{NeedReason}, false},
	{ActCancel, AskCancel, "", ActionCancelAsk, cancellable, []Need{NeedReason}, false},
	{ActCancel, AgreeCancel, EvCancel, ActionCancelAgree, nil, nil, false},
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
	return ActSpec{}, Errorf(Invalid, "%s knows no decision %q", a.Name, Clip(string(a.Verdict), 40)).On("decision")
}
