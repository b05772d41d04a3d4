package onboarding

import (
	"slices"
	"time"

	"github.com/kamflow/kamflow/kam"
)

// A Snapshot is what the engine knows of a case: enough for validators,
// waits and people's questions, without personal data. PostgreSQL holds it;
// the workflow carries a copy that each effect hands back.
type Snapshot struct {
	CaseNo        kam.CaseNo   `json:"case_no"`
	Type          kam.CaseType `json:"case_type"`
	State         State        `json:"state"`
	Step          kam.StepCode `json:"step_code"`
	Version       int64        `json:"version"` // grows by one with each stored effect
	Revision      int          `json:"revision"`
	MaterialHash  string       `json:"material_hash,omitempty"`
	PolicyVersion int          `json:"policy_version"`
	Requester     kam.UserID   `json:"requester_id"`
	Editors       []kam.UserID `json:"editors,omitempty"` // everybody who changed the request data (SOD1)
	Nominator     kam.UserID   `json:"nominator_id,omitempty"`
	ConfirmedBy   kam.UserID   `json:"confirmed_by,omitempty"`
	ConfirmedHash string       `json:"confirmed_hash,omitempty"`
	Endorsed      []kam.UserID `json:"endorsed,omitempty"`
	Territory     string       `json:"territory_code,omitempty"`
	Country       string       `json:"country_code,omitempty"`
	OwnerID       kam.UserID   `json:"owner_id,omitempty"`
	Rounds        int          `json:"rounds_used"`
	ReturnTo      State        `json:"return_to,omitempty"`
	ResumeState   State        `json:"resume_state,omitempty"`
	// CommittedAs is the customer: the one that the request names, the one that
	// 1.4.7 committed, or the existing one of a merge.
	CommittedAs     string             `json:"customer_id,omitempty"`
	KAStatus        kam.KAStatus       `json:"ka_status,omitempty"`
	Tier            kam.Tier           `json:"tier,omitempty"`            // proposed, then endorsed
	PriorStatus     kam.KAStatus       `json:"prior_ka_status,omitempty"` // of the group, before this case
	PriorTier       kam.Tier           `json:"prior_tier,omitempty"`
	HomeNode        string             `json:"home_node,omitempty"`         // whose manager endorses
	HeadCountry     string             `json:"head_country,omitempty"`      // node of the national endorser of a GLOBAL account
	KeyAccountOwner kam.UserID         `json:"key_account_owner,omitempty"` // named by the endorser
	KeyAccountNo    string             `json:"key_account_no,omitempty"`
	Recommended     kam.Recommendation `json:"recommendation,omitempty"`
	IdentityHash    string             `json:"identity_hash,omitempty"` // of what 1.1.2 last searched for
	Outcome         Outcome            `json:"outcome,omitempty"`
	Flags           []Flag             `json:"flags,omitempty"`
	ReasonCode      string             `json:"reason_code,omitempty"` // why it was rejected
	Headline        string             `json:"headline,omitempty"`    // one line for people about the last decision
	Task            *kam.Task          `json:"task,omitempty"`
	OpenedAt        time.Time          `json:"opened_at"`
	UpdatedAt       time.Time          `json:"updated_at"`
	// LastDecision is the decision that led to Version, "" for the engine's own
	// effect.
	LastDecision string `json:"last_decision_id,omitempty"`
	// MissingFields are the fields that the present form still lacks.
	MissingFields []string `json:"missing_fields,omitempty"`
	// BaseVersion is the version of the customer that the request started from
	// (P2.3): a commit on another one is a VERSION_CONFLICT.
	BaseVersion int `json:"base_version,omitempty"`
	// AppealOf is the rejected case that this one appeals, AppealLevel the level
	// that must confirm it, AppealDecider who rejected (SOD10).
	AppealOf      kam.CaseNo    `json:"appeal_of,omitempty"`
	AppealLevel   kam.NodeLevel `json:"appeal_level,omitempty"`
	AppealDecider kam.UserID    `json:"appeal_decider,omitempty"`
	// Trigger says why a RECLASSIFY was raised.
	Trigger ReviewTrigger `json:"trigger,omitempty"`
	// FirstConfirmedBy is who gave the first of two confirmations: the
	// deactivation of a key account member needs a second person.
	FirstConfirmedBy kam.UserID `json:"first_confirmed_by,omitempty"`
	// CancelAskedBy is the operator who asked to cancel the case; a policy_admin
	// may agree while the case stays in its state.
	CancelAskedBy kam.UserID `json:"cancel_asked_by,omitempty"`
	// SameAs is the earlier case that this one was the same request as, and
	// Followers are the later ones that were the same request as this one.
	SameAs    kam.CaseNo `json:"same_as,omitempty"`
	Followers []Follower `json:"followers,omitempty"`
}

// Has says whether the case carries a flag.
func (s Snapshot) Has(f Flag) bool {
	for _, x := range s.Flags {
		if x == f {
			return true
		}
	}
	return false
}

// Owed is the party that owes the next step, "" when the case has ended.
func (s Snapshot) Owed() kam.Party {
	queue := ""
	if s.Task != nil {
		queue = s.Task.Queue
	}
	return States.OwedBy(s.State, queue)
}

// Edited says whether a person requested the case or ever changed its data, or
// those of a case that follows it.
func (s Snapshot) Edited(u kam.UserID) bool {
	if s.Requested(u) || slices.Contains(s.Editors, u) {
		return true
	}
	for _, f := range s.Followers {
		if slices.Contains(f.Editors, u) {
			return true
		}
	}
	return false
}

// A TimelineEntry is one line of a case's history for people; the audit row
// of the same event carries the proof.
type TimelineEntry struct {
	Seq   int64         `json:"seq"`
	At    time.Time     `json:"at"`
	Type  kam.EventType `json:"type"`
	Step  kam.StepCode  `json:"step_code"`
	From  State         `json:"from_state,omitempty"`
	To    State         `json:"to_state,omitempty"`
	Actor kam.UserID    `json:"actor_id"`
	Code  string        `json:"reason_code,omitempty"`
	Text  string        `json:"text,omitempty"`
}

// Progress is what an effect hands back: the committed state, and what it
// added. Ahead says that PostgreSQL already knew more than the workflow (a
// decision was stored and its acceptance lost): nothing was done and the
// snapshot is to be adopted (D10a). Refused says that a person's act was
// turned down; the refusal is stored and the case has not moved.
type Progress struct {
	// Needs is what the stage cannot do within a transaction; the workflow has it
	// done and asks again.
	Needs    Stage            `json:"needs,omitempty"`
	Snapshot Snapshot         `json:"snapshot"`
	Timeline []TimelineEntry  `json:"timeline,omitempty"`
	Records  []DecisionRecord `json:"records,omitempty"`
	Ahead    bool             `json:"ahead,omitempty"`
	Refused  *kam.Error       `json:"refused,omitempty"`
}
