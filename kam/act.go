package kam

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"unicode/utf8"
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
	return clip(string(n), 40)
}

// Verdict is what a person decided, where an act has more than one outcome.
type Verdict string

// The verdicts.
const (
	NotDuplicate    Verdict = "NOT_DUPLICATE"
	UseExisting     Verdict = "USE_EXISTING"
	ConvertToModify Verdict = "CONVERT_TO_MODIFY"
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
	{ActDecideConfirmation, Confirm, EvConfirm, ActionConfirm, []State{AwaitingConfirmation}, []Need{NeedHash}, true},
	{ActDecideConfirmation, RejectIt, EvReject, ActionConfirm, []State{AwaitingConfirmation}, []Need{NeedHash, NeedReasonCode, NeedReason}, true},
	{ActDecideConfirmation, SendBack, EvSendBack, ActionConfirm, []State{AwaitingConfirmation}, []Need{NeedHash, NeedFields}, true},
	{ActDecideCompliance, ClearIt, EvClear, ActionCompliance, []State{ComplianceReview}, []Need{NeedReason}, true},
	{ActDecideCompliance, RefuseIt, EvRefuse, ActionCompliance, []State{ComplianceReview}, []Need{NeedReason}, true},
	{ActDecideValidation, ClearIt, EvClear, ActionWaive, []State{ValidationReview}, []Need{NeedReason}, true},
	{ActDecideValidation, MergeIt, EvMerge, ActionWaive, []State{ValidationReview}, []Need{NeedCustomer, NeedReason}, true},
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
	return ActSpec{}, Errorf(Invalid, "%s knows no decision %q", a.Name, clip(string(a.Verdict), 40)).On("decision")
}

// TakenIn says whether the act is taken in a state.
func (s ActSpec) TakenIn(st State) bool {
	if s.States == nil {
		return Takes(st, s.Event)
	}
	for _, x := range s.States {
		if x == st {
			return true
		}
	}
	return false
}

// Bounds on what an act may carry from outside.
const (
	MaxReason = 4000 // runes
	MaxFields = 60
	maxID     = 80
)

// Digest binds DecisionID to what was decided: the same id with another digest
// is another decision, and refused. It is stored with the effect, so a field
// that an Act gains must be left out where it is empty.
func (a Act) Digest() string {
	b, err := json.Marshal(a)
	if err != nil {
		return "unprintable: " + err.Error()
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// Check is the form of an act: known verdict, bounds, and everything that the
// act must carry. It needs no state and no lookups.
func (a Act) Check() error {
	spec, err := a.Spec()
	if err != nil {
		return err
	}
	if n := len(a.DecisionID); n < 8 || n > maxID || !isPlain(a.DecisionID) {
		return Errorf(Invalid, "a client-made id of 8 to %d letters, digits, '-' or '_' is needed", maxID).On("decision_id").Try("send a UUID")
	}
	if a.By == "" || len(a.By) > maxID {
		return Errorf(Invalid, "who acts is missing").On("by")
	}
	if err := checkReason(a.Reason, MaxReason); err != nil {
		return err
	}
	if len(a.Fields) > MaxFields {
		return Errorf(Invalid, "more than %d fields", MaxFields).On("fields")
	}
	for _, f := range a.Fields {
		if _, ok := FieldNamed(f); !ok {
			return Errorf(Invalid, "there is no field %q to change", clip(f, 60)).On("fields").Try("docs/process.md lists the fields; items of lists are written as in contacts[].email")
		}
	}
	for _, f := range []struct{ name, value string }{
		{"by", string(a.By)}, {"reason_code", a.ReasonCode}, {"customer_no", a.CustomerNo}, {"tier", string(a.Tier)},
		{"assignee", string(a.Assignee)}, {"owner_id", string(a.OwnerID)}, {"material_hash", a.ExpectHash},
		{"data_digest", a.DataDigest}, {"release_account", a.ReleaseAccount},
	} {
		if len(f.value) > 2*maxID {
			return Errorf(Invalid, "longer than %d characters", 2*maxID).On(f.name)
		}
		if !utf8.ValidString(f.value) {
			return notUTF8(f.name)
		}
	}
	for _, n := range spec.Needs {
		if err := a.carries(n); err != nil {
			return err
		}
	}
	return nil
}

// words name a need for people.
func (n Need) words() string {
	switch n {
	case NeedHash:
		return "the hash of the data that were seen"
	case NeedReason:
		return "a reason in words"
	case NeedReasonCode:
		return "a reason code"
	case NeedFields:
		return "the fields to change, or a reason"
	case NeedCustomer:
		return "the number of the existing customer"
	case NeedTier:
		return "a tier"
	case NeedAssignee:
		return "the person who takes it"
	default:
		return "data"
	}
}

// checkReason is the form of what a person says in words.
func checkReason(text string, most int) error {
	if !utf8.ValidString(text) {
		return notUTF8("reason")
	}
	if utf8.RuneCountInString(text) > most {
		return Errorf(Invalid, "longer than %d characters", most).On("reason").Try("say it shorter")
	}
	return nil
}

func notUTF8(field string) error {
	return Errorf(Invalid, "is not UTF-8").On(field).Try("send UTF-8")
}

func (a Act) carries(n Need) error {
	missing := func(have bool) error {
		if have {
			return nil
		}
		code := Invalid
		if n == NeedReason || n == NeedReasonCode || n == NeedFields {
			code = ReasonNeeded
		}
		return Errorf(code, "%s needs %s", a.Name.Words(), n.words()).On(string(n))
	}
	switch n {
	case NeedHash:
		return missing(a.ExpectHash != "")
	case NeedReason:
		return missing(a.Reason != "")
	case NeedReasonCode:
		if a.ReasonCode != "" && !contains(ReasonCodes, a.ReasonCode) {
			return Errorf(Invalid, "%q is not a reason code", clip(a.ReasonCode, 40)).On("reason_code").Try("one of " + join(ReasonCodes))
		}
		return missing(a.ReasonCode != "")
	case NeedFields:
		return missing(len(a.Fields) > 0 || a.Reason != "")
	case NeedCustomer:
		return missing(a.CustomerNo != "")
	case NeedTier:
		return missing(a.Tier.Rank() >= 0)
	case NeedAssignee:
		return missing(a.Assignee != "")
	case NeedData:
		return missing(a.DataDigest != "")
	}
	return nil
}

// CheckAgainst is the validator of an act: pure, in memory, before anything is
// written (D2). It looks at state, revision, material_hash and the separation
// of duties that the case's own facts decide. What a table holds (role,
// position) is checked in the transaction that stores the act.
func (a Act) CheckAgainst(s Snapshot) error {
	if err := a.Check(); err != nil {
		return err
	}
	spec, err := a.Spec()
	if err != nil {
		return err
	}
	if !spec.TakenIn(s.State) {
		return a.wrongState(s)
	}
	if a.ExpectHash != "" && a.ExpectHash != s.MaterialHash {
		e := Errorf(StaleRevision, "the data changed since you opened them: revision %d is current", s.Revision).On("material_hash").Try("read the case again")
		e.Hash = s.MaterialHash
		return e
	}
	if a.ExpectRevision != 0 && a.ExpectRevision != s.Revision {
		e := Errorf(StaleRevision, "revision %d is current, not %d", s.Revision, a.ExpectRevision).On("expect_revision").Try("read the case again")
		e.Hash = s.MaterialHash
		return e
	}
	if err := a.freeToTake(s); err != nil {
		return err
	}
	return CheckSeparation(a, s)
}

// freeToTake refuses to decide what a colleague has claimed from a shared
// queue. The requester is not one of those who share the queue.
func (a Act) freeToTake(s Snapshot) error {
	if s.Task == nil || s.Task.ClaimedBy == "" || s.Task.ClaimedBy == a.By || a.By == s.Requester {
		return nil
	}
	switch a.Name {
	case ActDecideCompliance, ActDecideValidation, ActResolveDuplicate, ActRetry, ActClaim, ActRelease:
		return Errorf(Claimed, "%s has claimed the task", s.Task.ClaimedBy).Try("let " + string(s.Task.ClaimedBy) + " release it; an escalation releases it too")
	}
	return nil
}

func (a Act) wrongState(s Snapshot) error {
	if a.Name == ActWithdraw && s.State.AfterCommit() || (a.Name == ActWithdraw || a.Name == ActCancel) && s.State.Ended() {
		return Errorf(TooLate, "case %s is %s: the customer is committed or the case has ended", s.CaseNo, s.State).Try("request a DEACTIVATE case")
	}
	decided := a.Name == ActDecideConfirmation && s.ConfirmedBy != "" || a.Name == ActDecideEndorsement && len(s.Endorsed) > 0
	if decided || s.State.Ended() {
		return Errorf(AlreadyDecided, "case %s was already decided: it is %s", s.CaseNo, s.State).Try("read the case: it says who decided what")
	}
	return Errorf(WrongState, "case %s is %s and does not wait for %s", s.CaseNo, s.State, a.Name.Words())
}

func contains[T comparable](list []T, x T) bool {
	for _, y := range list {
		if x == y {
			return true
		}
	}
	return false
}

func join(list []string) string {
	s := ""
	for i, x := range list {
		if i > 0 {
			s += ", "
		}
		s += x
	}
	return s
}

// isPlain says whether s holds only letters, digits, '-' and '_'.
func isPlain(s string) bool {
	for _, r := range s {
		if !(r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r == '-' || r == '_') {
			return false
		}
	}
	return true
}
