package kam

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"time"
)

// EventType is the kind of an audit event (P4.4). The list may grow; a
// spelling once released stays.
type EventType string

// The audit events of a case.
const (
	EventCaseOpened          EventType = "CASE_OPENED"
	EventDataSubmitted       EventType = "DATA_SUBMITTED"
	EventCandidatesFound     EventType = "CANDIDATES_FOUND"
	EventTerritoryResolved   EventType = "TERRITORY_RESOLVED"
	EventDuplicateResolved   EventType = "DUPLICATE_RESOLVED"
	EventDecisionComputed    EventType = "DECISION_COMPUTED"
	EventComplianceDecided   EventType = "COMPLIANCE_DECIDED"
	EventTaskOpened          EventType = "TASK_OPENED"
	EventTaskReminded        EventType = "TASK_REMINDED"
	EventTaskEscalated       EventType = "TASK_ESCALATED"
	EventTaskReassigned      EventType = "TASK_REASSIGNED"
	EventDelegationApplied   EventType = "DELEGATION_APPLIED" // somebody stands in for who is away
	EventConfirmed           EventType = "CONFIRMED"
	EventRejected            EventType = "REJECTED"
	EventSentBack            EventType = "SENT_BACK"
	EventAmended             EventType = "AMENDED"
	EventDetailsSubmitted    EventType = "DETAILS_SUBMITTED"
	EventAnalyzed            EventType = "ANALYZED"
	EventSegmented           EventType = "SEGMENTED"
	EventValidated           EventType = "VALIDATED"
	EventFindingWaived       EventType = "FINDING_WAIVED"
	EventCustomerCommitted   EventType = "CUSTOMER_COMMITTED"
	EventClassified          EventType = "CLASSIFIED"
	EventEndorsed            EventType = "ENDORSED"
	EventEndorsementDeclined EventType = "ENDORSEMENT_DECLINED"
	EventEndorsementLapsed   EventType = "ENDORSEMENT_LAPSED"
	EventTierChanged         EventType = "TIER_CHANGED"
	EventHandedOff           EventType = "HANDED_OFF"
	EventWithdrawn           EventType = "WITHDRAWN"
	EventExpired             EventType = "EXPIRED"
	EventMerged              EventType = "MERGED"
	EventCommented           EventType = "COMMENTED"
	EventDecisionRefused     EventType = "DECISION_REFUSED"
	EventSignatures          EventType = "SIGNATURES"        // what is done with unsigned acts was changed
	EventSignatureRefused    EventType = "SIGNATURE_REFUSED" // an act that nobody has signed who could
	EventFault               EventType = "FAULT"
	EventRetried             EventType = "RETRIED"
	EventReevaluated         EventType = "REEVALUATED"
	EventCancelAsked         EventType = "CANCEL_ASKED"
	EventCancelled           EventType = "CANCELLED"
	EventTaskClaimed         EventType = "TASK_CLAIMED"
	EventTaskReleased        EventType = "TASK_RELEASED"
	EventRequestMoved        EventType = "REQUEST_MOVED" // its requester has left
	EventTargetPinned        EventType = "TARGET_PINNED"
	EventScreened            EventType = "SCREENED" // by an outside service
	EventAccountReleased     EventType = "KEY_ACCOUNT_RELEASED"
	EventCapacityOverridden  EventType = "CAPACITY_OVERRIDDEN"
	EventCoverageStopped     EventType = "COVERAGE_STOPPED"
	EventOrgChanged          EventType = "ORG_CHANGED"
	EventDataErased          EventType = "DATA_ERASED"
	EventOrgAsked            EventType = "ORG_CHANGE_ASKED"  // a second admin must agree (SOD9, SOD4)
	EventOrgClosed           EventType = "ORG_CHANGE_CLOSED" // refused, taken back, expired or stale
	EventOrgLoaded           EventType = "ORG_LOADED"        // a load that differs in nothing, or one of customers or sales
	EventPolicyPublished     EventType = "POLICY_PUBLISHED"
	EventSignInChanged       EventType = "SIGN_IN_CHANGED" // a password, a token, a link that was given out
)

// The audit events of a customer: two records became one, or one became two.
const (
	EventCustomerMerged EventType = "CUSTOMER_MERGED"
	EventCustomerSplit  EventType = "CUSTOMER_SPLIT"
)

// An AuditEvent is one line of the record that proves itself. Seq counts
// within the case from 1; Hash covers all fields and the hash before.
type AuditEvent struct {
	CaseNo        CaseNo    `json:"case_no"`
	Seq           int64     `json:"seq"`
	At            time.Time `json:"at"`    // workflow time: business time
	DBAt          time.Time `json:"db_at"` // database time, set by the store
	Actor         UserID    `json:"actor_id"`
	OnBehalfOf    UserID    `json:"on_behalf_of,omitempty"`
	RolesUsed     []Role    `json:"roles_used,omitempty"`
	Type          EventType `json:"type"`
	Step          StepCode  `json:"step_code"`
	From          string    `json:"from_state,omitempty"` // the state of the subject before
	To            string    `json:"to_state,omitempty"`   // and after
	Revision      int       `json:"revision"`
	MaterialHash  string    `json:"material_hash,omitempty"`
	PolicyVersion int       `json:"policy_version"`
	DecisionID    string    `json:"decision_id,omitempty"`
	ReasonCode    string    `json:"reason_code,omitempty"`
	Text          string    `json:"text,omitempty"`
	// Restricted events show their text to compliance and audit only.
	Restricted bool `json:"restricted,omitempty"`
	// PayloadDigest is the SHA-256 of what the event refers to (a revision, a
	// decision record), "" where there is nothing.
	PayloadDigest string `json:"payload_digest,omitempty"`
	PrevHash      string `json:"prev_hash"`
	Hash          string `json:"hash"`
}

// auditDomain separates these hashes from all others; a change of the fields
// below is a new domain, and old rows keep the old one.
const auditDomain = "kam-audit/1"

// ComputeHash is SHA-256 over the domain, the hash before, and every field,
// each with its length in front (R5.2): no canonical form to argue about.
func (e AuditEvent) ComputeHash() string {
	h := sha256.New()
	field := func(s string) {
		var n [8]byte
		binary.BigEndian.PutUint64(n[:], uint64(len(s)))
		h.Write(n[:])
		h.Write([]byte(s))
	}
	number := func(n int64) {
		var b [8]byte
		binary.BigEndian.PutUint64(b[:], uint64(n))
		field(string(b[:]))
	}
	field(auditDomain)
	field(e.PrevHash)
	field(string(e.CaseNo))
	number(e.Seq)
	number(e.At.UTC().UnixMicro())
	number(e.DBAt.UTC().UnixMicro())
	field(string(e.Actor))
	field(string(e.OnBehalfOf))
	number(int64(len(e.RolesUsed)))
	for _, r := range e.RolesUsed {
		field(string(r))
	}
	field(string(e.Type))
	field(string(e.Step))
	field(e.From)
	field(e.To)
	number(int64(e.Revision))
	field(e.MaterialHash)
	number(int64(e.PolicyVersion))
	field(e.DecisionID)
	field(e.ReasonCode)
	field(e.Text)
	field(map[bool]string{true: "restricted"}[e.Restricted])
	field(e.PayloadDigest)
	return hex.EncodeToString(h.Sum(nil))
}

// VerifyChain checks the events of one case, in order of Seq, and names the
// first that is broken; ok is true where none is.
func VerifyChain(events []AuditEvent) (broken AuditEvent, why string, ok bool) {
	prev := ""
	for i, e := range events {
		switch {
		case e.Seq != int64(i+1):
			return e, Note("sequence gap"), false
		case e.PrevHash != prev:
			return e, Note("previous hash differs"), false
		case e.Hash != e.ComputeHash():
			return e, Note("content differs from its hash"), false
		}
		prev = e.Hash
	}
	return AuditEvent{}, "", true
}
