package kam

import "time"

// A Snapshot is what the engine knows of a case: enough for validators,
// waits and people's questions, without personal data. PostgreSQL holds it;
// the workflow carries a copy that each effect hands back.
type Snapshot struct {
	CaseNo          CaseNo         `json:"case_no"`
	Type            CaseType       `json:"case_type"`
	State           State          `json:"state"`
	Step            StepCode       `json:"step_code"`
	Version         int64          `json:"version"` // grows by one with each stored effect
	Revision        int            `json:"revision"`
	MaterialHash    string         `json:"material_hash,omitempty"`
	PolicyVersion   int            `json:"policy_version"`
	Requester       UserID         `json:"requester_id"`
	Editors         []UserID       `json:"editors,omitempty"` // everybody who changed the request data (SOD1)
	Nominator       UserID         `json:"nominator_id,omitempty"`
	ConfirmedBy     UserID         `json:"confirmed_by,omitempty"`
	ConfirmedHash   string         `json:"confirmed_hash,omitempty"`
	Endorsed        []UserID       `json:"endorsed,omitempty"`
	Territory       string         `json:"territory_code,omitempty"`
	Country         string         `json:"country_code,omitempty"`
	OwnerID         UserID         `json:"owner_id,omitempty"`
	Rounds          int            `json:"rounds_used"`
	ReturnTo        State          `json:"return_to,omitempty"`
	ResumeState     State          `json:"resume_state,omitempty"`
	CommittedAs     string         `json:"customer_id,omitempty"` // after 1.4.7, or the existing one of a merge
	KAStatus        KAStatus       `json:"ka_status,omitempty"`
	Tier            Tier           `json:"tier,omitempty"`            // proposed, then endorsed
	PriorStatus     KAStatus       `json:"prior_ka_status,omitempty"` // of the group, before this case
	PriorTier       Tier           `json:"prior_tier,omitempty"`
	HomeNode        string         `json:"home_node,omitempty"`         // whose manager endorses
	HeadCountry     string         `json:"head_country,omitempty"`      // node of the national endorser of a GLOBAL account
	KeyAccountOwner UserID         `json:"key_account_owner,omitempty"` // named by the endorser
	KeyAccountNo    string         `json:"key_account_no,omitempty"`
	Recommended     Recommendation `json:"recommendation,omitempty"`
	IdentityHash    string         `json:"identity_hash,omitempty"` // of what 1.1.2 last searched for
	Outcome         Outcome        `json:"outcome,omitempty"`
	Flags           []Flag         `json:"flags,omitempty"`
	ReasonCode      string         `json:"reason_code,omitempty"` // why it was rejected
	Headline        string         `json:"headline,omitempty"`    // one line for people about the last decision
	Task            *Task          `json:"task,omitempty"`
	OpenedAt        time.Time      `json:"opened_at"`
	UpdatedAt       time.Time      `json:"updated_at"`
	// LastDecision is the decision that led to Version, "" for the engine's own
	// effect.
	LastDecision string `json:"last_decision_id,omitempty"`
	// MissingFields are the fields that the present form still lacks.
	MissingFields []string `json:"missing_fields,omitempty"`
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

// Edited says whether a person requested the case or ever changed its data.
func (s Snapshot) Edited(u UserID) bool {
	if u == s.Requester {
		return true
	}
	for _, e := range s.Editors {
		if e == u {
			return true
		}
	}
	return false
}

// A Task is work for people. Its deadlines are instants that were computed in
// business time when it opened, or when its level was raised: a restart or a
// later change of calendar does not move them.
type Task struct {
	ID        string     `json:"task_id"`
	Kind      TaskKind   `json:"kind"`
	Step      StepCode   `json:"step_code"`
	Level     NodeLevel  `json:"level,omitempty"` // of the manager it waits for
	Node      string     `json:"node,omitempty"`
	Assignees []UserID   `json:"assignees,omitempty"` // persons who may act; grows with escalation
	Queue     string     `json:"queue,omitempty"`     // role or UNROUTED, for shared work
	Priority  string     `json:"priority,omitempty"`  // HIGH or empty
	OpenedAt  time.Time  `json:"opened_at"`
	Deadlines []Deadline `json:"deadlines,omitempty"` // ascending
	Escalated int        `json:"escalated"`
	// Fields and Note are what a person was asked to change.
	Fields []string `json:"fields,omitempty"`
	Note   string   `json:"note,omitempty"`
}

// QueueUnrouted holds tasks that nobody in the chain may take.
const QueueUnrouted = "UNROUTED"

// DeadlineKind says what is done when a deadline passes.
type DeadlineKind string

// The kinds of deadline.
const (
	DueRemind   DeadlineKind = "REMIND"
	DueEscalate DeadlineKind = "ESCALATE"
	DueNotify   DeadlineKind = "NOTIFY_MANAGER"
	DueExpire   DeadlineKind = "EXPIRE"
	DueLapse    DeadlineKind = "LAPSE"
)

// A Deadline is an instant at which silence has a consequence.
type Deadline struct {
	Kind DeadlineKind `json:"kind"`
	At   time.Time    `json:"at"`
}

// Next is the earliest deadline of the task.
func (t *Task) Next() (Deadline, bool) {
	if t == nil || len(t.Deadlines) == 0 {
		return Deadline{}, false
	}
	return t.Deadlines[0], true
}

// A TimelineEntry is one line of a case's history for people; the audit row
// of the same event carries the proof.
type TimelineEntry struct {
	Seq   int64     `json:"seq"`
	At    time.Time `json:"at"`
	Type  EventType `json:"type"`
	Step  StepCode  `json:"step_code"`
	From  State     `json:"from_state,omitempty"`
	To    State     `json:"to_state,omitempty"`
	Actor UserID    `json:"actor_id"`
	Code  string    `json:"reason_code,omitempty"`
	Text  string    `json:"text,omitempty"`
}

// Progress is what an effect hands back: the committed state, and what it
// added. Ahead says that PostgreSQL already knew more than the workflow (a
// decision was stored and its acceptance lost): nothing was done and the
// snapshot is to be adopted (D10a). Refused says that a person's act was
// turned down; the refusal is stored and the case has not moved.
type Progress struct {
	Snapshot Snapshot         `json:"snapshot"`
	Timeline []TimelineEntry  `json:"timeline,omitempty"`
	Records  []DecisionRecord `json:"records,omitempty"`
	Ahead    bool             `json:"ahead,omitempty"`
	Refused  *Error           `json:"refused,omitempty"`
}
