package onboarding

import (
	"time"

	"github.com/kamflow/kamflow/kam"
)

// Stage is the name of an activity of the engine: one local activity, one
// transaction, one effect. Workflow code and worker meet at these names; a
// name once released stays, because histories carry it.
type Stage string

// The stages of a case. The first seven belong to an automatic state each.
const (
	StageIdentify Stage = "Identify" // 1.1.2, 1.1.3
	StageDecide   Stage = "Decide"   // 1.1.4, 1.1.6
	StageAnalyze  Stage = "Analyze"  // 1.2.2 to 1.2.6
	StageSegment  Stage = "Segment"  // 1.3.1 to 1.3.7
	StageValidate Stage = "Validate" // 1.4.1 to 1.4.7, commit included
	StageClassify Stage = "Classify" // 1.5.1 to 1.5.4
	StageHandOff  Stage = "HandOff"  // 1.5.6

	StageOpen    Stage = "OpenCase"       // 1.1.1
	StageAct     Stage = "RecordAct"      // what a person did
	StageElapse  Stage = "DeadlinePassed" // reminder, escalation, expiry, lapse
	StagePark    Stage = "Park"           // a fault: NEEDS_INTERVENTION
	StageRefresh Stage = "ReadCase"       // read only: adopt what PostgreSQL knows
	StageReroute Stage = "Reroute"        // the organisation changed: whose is the open task now?
	// StageScreen asks an outside service; it leaves the process, so it is an
	// activity of its own and no transaction.
	StageScreen Stage = "ScreenParty" // 1.4.6
)

// StageOf is the stage that moves a case out of an automatic state.
var StageOf = map[State]Stage{
	Identifying: StageIdentify,
	Deciding:    StageDecide,
	Analyzing:   StageAnalyze,
	Segmenting:  StageSegment,
	Validating:  StageValidate,
	Classifying: StageClassify,
	HandingOff:  StageHandOff,
}

// StageInput is what every stage of the engine gets. Seq counts the engine's
// own effects of a case and is their business key, together with CaseNo: the
// same Seq again returns the stored result. Known is the version that the
// workflow knows; a case found ahead of it is handed back untouched, with
// Progress.Ahead. Now is workflow.Now: business time.
type StageInput struct {
	CaseNo kam.CaseNo `json:"case_no"`
	Seq    int64      `json:"seq"`
	Known  int64      `json:"known_version"`
	Now    time.Time  `json:"now"`
	// Due is the deadline that passed, for StageElapse.
	Due *kam.Deadline `json:"due,omitempty"`
	// Fault is the text of the error, for StagePark; without personal data.
	Fault string `json:"fault,omitempty"`
	// Unscreened says that the outside service of screening did not answer for a
	// day; what that means is for the policy to say (screening.when_down).
	Unscreened bool `json:"unscreened,omitempty"`
	// Signed is the sealed envelope of the start, for StageOpen.
	Signed string `json:"signed,omitempty"`
}

// ActInput is what StageAct gets: the act and when it reached the workflow.
// Its business key is the act's DecisionID.
type ActInput struct {
	CaseNo kam.CaseNo `json:"case_no"`
	Known  int64      `json:"known_version"`
	Now    time.Time  `json:"now"`
	Act    Act        `json:"act"`
	// Signal says which signal of its name it is, 0 where it is an update: one that
	// is refused and comes again is on record again.
	Signal int64 `json:"signal,omitempty"`
}

// StartInput starts the workflow of a case. The request itself is in
// PostgreSQL, under CaseNo, since the number was allotted.
type StartInput struct {
	CaseNo     kam.CaseNo `json:"case_no"`
	RequestKey string     `json:"request_key"`
	// Signed is the sealed envelope of who asks for the case; the engine's own
	// reviews have none.
	Signed string `json:"signed,omitempty"`
}

// Unsigned is the start as it is whoever signs it anew.
func (in StartInput) Unsigned() StartInput {
	in.Signed = ""
	return in
}

// Names that people and programs type.
const (
	WorkflowOnboarding = "CustomerOnboardingWorkflow"

	QueryState   = "CaseState"
	QueryExplain = "Explain"
	QueryHistory = "History"
	// SignalRefresh tells a case to read its committed state: sent by the
	// reconciler when PostgreSQL knows more than the workflow (D10a).
	SignalRefresh = "Refresh"
	// SignalReroute tells a case that people or territories changed.
	SignalReroute = "Reroute"
)

// Search attributes of a case (typed; no personal data). Keyword unless said.
const (
	AttrState     = "KamState"
	AttrStep      = "KamStep"
	AttrCaseType  = "KamCaseType"
	AttrTerritory = "KamTerritory"
	AttrWaitsFor  = "KamWaitsFor"
	AttrOutcome   = "KamOutcome"
	AttrDue       = "KamDue" // datetime: the next deadline
)
