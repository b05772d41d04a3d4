package kam

import (
	"strings"
)

// Mark says where a box comes from: from the deck, or added by us.
type Mark string

// The marks.
const (
	Seed     Mark = "seed"
	Inferred Mark = "inferred"
)

// BoxKind says who does the work of a box: letters in a row mean several.
type BoxKind string

// The kinds of box. KindProcess stands for a box that holds others.
const (
	KindProcess  BoxKind = ""
	KindA        BoxKind = "A" // automatic
	KindH        BoxKind = "H" // human task
	KindAH       BoxKind = "AH"
	KindHT       BoxKind = "HT" // human task with a timer
	KindDecision BoxKind = "D"  // a question with more than one answer
	KindOutcome  BoxKind = "O"  // where an answer leads
)

// Words is the kind as people read it.
func (k BoxKind) Words() string {
	return map[BoxKind]string{KindProcess: "process", KindA: "automatic", KindH: "human", KindAH: "automatic, human",
		KindHT: "human, timer", KindDecision: "decision", KindOutcome: "outcome"}[k]
}

// A Box is one box of the deck or of the catalogue of steps (P1, P2.2). Its
// code is the number that stands in it; the five boxes of the deck without a
// number have their words for a code.
type Box struct {
	Code  StepCode
	Level int // 1 to 3, the page of the deck
	Name  string
	Mark  Mark
	Kind  BoxKind
	Actor string
	Unit  string // workflow, activity or message that carries it out
	Next  []StepCode
}

// The boxes of the deck that carry words in place of a number.
const (
	BoxAdd    StepCode = "Add?"
	BoxReject StepCode = "Reject Customer"
	BoxKA     StepCode = "KA?"
	BoxKAs    StepCode = "KAs"
	BoxNonKAs StepCode = "Non KAs"
)

// Label is the box as people read it: "1.1.4 Determine whether to add".
func (b Box) Label() string {
	if b.Code == "" || string(b.Code) == b.Name {
		return b.Name
	}
	return string(b.Code) + " " + b.Name
}

// Parent is the code of the box that holds this one, "" at level 1: 1.2.1 for
// 1.2.1a, 1.2 for 1.2.1. The boxes without a number belong to the page that
// they stand on.
func (b Box) Parent() StepCode {
	switch b.Code {
	case BoxAdd, BoxReject:
		return "1.1"
	case BoxKA, BoxKAs, BoxNonKAs:
		return "1"
	}
	code := string(b.Code)
	if n := len(code); n > 1 && code[n-1] >= 'a' && code[n-1] <= 'z' {
		return StepCode(code[:n-1])
	}
	if i := strings.LastIndexByte(code, '.'); i > 0 {
		return StepCode(code[:i])
	}
	return ""
}

var boxes = func() map[StepCode]Box {
	m := make(map[StepCode]Box, len(Boxes))
	for _, b := range Boxes {
		m[b.Code] = b
	}
	return m
}()

// BoxOf is the box with a code; ok is false for a code that no box has.
func BoxOf(code StepCode) (b Box, ok bool) {
	b, ok = boxes[code]
	return b, ok
}

// Within are the codes of a box and of all boxes in it.
func Within(code StepCode) []StepCode {
	all := []StepCode{code}
	for _, b := range Boxes {
		for up := b.Parent(); up != ""; up = (Box{Code: up}).Parent() {
			if up == code {
				all = append(all, b.Code)
			}
		}
	}
	return all
}

// Label is the step as people read it, the code alone where no box has it.
func (c StepCode) Label() string {
	if b, ok := boxes[c]; ok {
		return b.Label()
	}
	return string(c)
}

func to(codes ...StepCode) []StepCode { return codes }

// Boxes is the deck and the catalogue as data, by level and number. Workflow
// summaries, breadcrumbs, audit rows and docs/process.md print from it.
var Boxes = []Box{
	{"1", 1, "Analyze and Classify Customers", Seed, KindProcess, "", "CustomerOnboardingWorkflow", to("2", "3")},
	{"2", 1, "Key Account Management", Seed, KindProcess, "", "KeyAccountWorkflow", to("3")},
	{"3", 1, "Territory Management", Seed, KindProcess, "", "TerritoryCycleWorkflow, PerformanceReviewWorkflow", to("1")},
	{"4", 1, "Management Reporting", Seed, KindProcess, "", "ReportingWorkflow", nil},
	{"5", 1, "KAM Management and Administration", Seed, KindProcess, "", "", nil},

	{"1.1", 2, "Identify/Add Customer/Modify", Seed, KindProcess, "", "", to("1.2")},
	{"1.2", 2, "Analyze Customer Details", Seed, KindProcess, "", "", to("1.3")},
	{"1.3", 2, "Segment Customers", Seed, KindProcess, "", "", to("1.4")},
	{"1.4", 2, "Validate", Seed, KindProcess, "", "", to("1.5")},
	{"1.5", 2, "Identify Key Accounts", Seed, KindProcess, "", "", to(BoxKA)},
	{BoxKA, 2, "KA?", Seed, KindDecision, "", "", to(BoxKAs, BoxNonKAs)},
	{BoxKAs, 2, "KAs", Seed, KindOutcome, "", "", to("2.1")},
	{BoxNonKAs, 2, "Non KAs", Seed, KindOutcome, "", "", to("3.1")},

	{"2.1", 2, "Profile Account", Seed, KindH, "key_account_manager", "child of KeyAccountWorkflow", to("2.2")},
	{"2.2", 2, "Build account team", Inferred, KindH, "key_account_manager", "", to("2.3")},
	{"2.3", 2, "Set objectives and targets", Inferred, KindH, "key_account_manager", "", to("2.4")},
	{"2.4", 2, "Tactical plan and actions", Inferred, KindH, "key_account_manager", "", to("2.5")},
	{"2.5", 2, "Agree with customer", Inferred, KindH, "customer_contact", "", to("2.6")},
	{"2.6", 2, "Approve plan", Inferred, KindHT, "tier manager", "", to("2.7")},
	{"2.7", 2, "Execute and track", Inferred, KindAH, "team", "", to("3.3")},

	{"3.1", 2, "Plan Call Activity", Seed, KindAH, "system, rep, territory_manager", "TerritoryCycleWorkflow", to("3.2")},
	{"3.2", 2, "Execute and record calls", Inferred, KindH, "rep", "", to("3.3")},
	{"3.3", 2, "Review Performance", Seed, KindHT, "key_account_manager, manager", "PerformanceReviewWorkflow", to("1.1", "1.2", "2.4")},
	{"3.4", 2, "Maintain territory assignments", Inferred, KindH, "policy_admin", "", to("3.1")},

	{"4.1", 2, "Take period snapshot", Inferred, KindA, "system", "ReportingWorkflow", to("4.2")},
	{"4.2", 2, "Produce", Inferred, KindA, "system", "", to("4.3")},
	{"4.3", 2, "Distribute", Inferred, KindA, "system", "", to("4.4")},
	{"4.4", 2, "Act on report", Inferred, KindH, "manager", "", to("3.3")},

	{"5.1", 2, "Users and roles", Inferred, KindH, "user_admin", "", nil},
	{"5.2", 2, "Territories", Inferred, KindH, "policy_admin", "", nil},
	{"5.3", 2, "Policies", Inferred, KindH, "policy_admin", "", nil},
	{"5.4", 2, "Delegation and absence", Inferred, KindH, "manager", "", nil},
	{"5.5", 2, "Calendars", Inferred, KindH, "policy_admin", "", nil},
	{"5.6", 2, "Reference data", Inferred, KindH, "policy_admin", "", nil},
	{"5.7", 2, "Imports and integration", Inferred, KindAH, "data_steward, manager", "ImportBatch", nil},
	{"5.8", 2, "Notifications", Inferred, KindA, "system", "", nil},
	{"5.9", 2, "Audit and retention", Inferred, KindA, "system", "", nil},
	{"5.10", 2, "Operation", Inferred, KindH, "operator", "", nil},

	{"1.1.1", 3, "Receive request", Inferred, KindH, "requester", "start of CustomerOnboardingWorkflow", to("1.1.2")},
	{"1.1.2", 3, "Search existing customers", Inferred, KindAH, "system; requester or data_steward on a match", "FindCandidates", to("1.1.3")},
	{"1.1.3", 3, "Resolve territory and owner", Inferred, KindA, "system", "ResolveTerritory, ResolveManagerChain", to("1.2.1a")},
	{"1.1.4", 3, "Determine whether to add", Seed, KindA, "system", "EvaluateAddDecision", to(BoxAdd)},
	{BoxAdd, 3, "Add?", Seed, KindDecision, "", "", to(BoxReject, "1.1.4c", "1.1.5")},
	{BoxReject, 3, "Reject Customer", Seed, KindOutcome, "", "", to("1.1.6")},
	{"1.1.4c", 3, "Compliance review", Inferred, KindH, "compliance_reviewer", "DecideCompliance", to("1.1.5", BoxReject)},
	{"1.1.5", 3, "Management Confirmation", Seed, KindHT, "confirming manager", "DecideConfirmation", to("1.1.6", BoxReject)},
	{"1.1.6", 3, "Record and notify decision", Inferred, KindA, "system", "RecordDecision", to("1.2.1b")},

	{"1.2.1", 3, "Enter Data", Seed, KindH, "requester", "", to("1.2.2")},
	{"1.2.1a", 3, "Enter data: screening set", Seed, KindH, "requester", "SubmitData", to("1.1.4")},
	{"1.2.1b", 3, "Enter data: detail set", Seed, KindH, "requester", "SubmitDetails", to("1.2.2")},
	{"1.2.2", 3, "Load sales history", Inferred, KindA, "system", "LoadSalesHistory", to("1.2.3")},
	{"1.2.3", 3, "Analyze needs, requirements, capabilities", Inferred, KindA, "system", "AnalyzeNeeds", to("1.2.4")},
	{"1.2.4", 3, "Estimate wallet and potential", Inferred, KindA, "system", "EstimatePotential", to("1.2.5")},
	{"1.2.5", 3, "Analyze account P&L", Inferred, KindA, "system", "AnalyzeProfitability", to("1.2.6")},
	{"1.2.6", 3, "Analyze competition and relationship", Inferred, KindA, "system", "AnalyzeRelationship", to("1.3.1")},

	{"1.3.1", 3, "Prepare segmentation inputs", Inferred, KindA, "system", "PrepareSegmentation", to("1.3.2")},
	{"1.3.2", 3, "ABC class", Inferred, KindA, "system", "ClassifyABC", to("1.3.3")},
	{"1.3.3", 3, "RFM", Inferred, KindA, "system", "ScoreRFM", to("1.3.4")},
	{"1.3.4", 3, "Attractiveness and strength matrix", Inferred, KindA, "system", "ScoreMatrix", to("1.3.5")},
	{"1.3.5", 3, "Improvement Potential index", Inferred, KindA, "system", "ScoreImprovementPotential", to("1.3.6")},
	{"1.3.6", 3, "Capability index", Inferred, KindA, "system", "ScoreCapability", to("1.3.7")},
	{"1.3.7", 3, "Assign segment", Inferred, KindA, "system", "AssignSegment", to("1.4.1")},

	{"1.4.1", 3, "Field rules", Inferred, KindA, "system", "ValidateFields", to("1.4.2")},
	{"1.4.2", 3, "Identifier rules", Inferred, KindA, "system", "ValidateIdentifiers", to("1.4.3")},
	{"1.4.3", 3, "Address rules", Inferred, KindA, "system", "ValidateAddresses", to("1.4.4")},
	{"1.4.4", 3, "Duplicate rules", Inferred, KindA, "system", "ValidateDuplicates", to("1.4.5")},
	{"1.4.5", 3, "Hierarchy rules", Inferred, KindA, "system", "ValidateHierarchy", to("1.4.6")},
	{"1.4.6", 3, "Screening", Inferred, KindA, "system, adapter", "ScreenParty", to("1.4.6s", "1.4.7")},
	{"1.4.6s", 3, "Steward review", Inferred, KindH, "data_steward", "DecideValidation", to("1.4.7")},
	{"1.4.7", 3, "Commit customer", Inferred, KindA, "system", "CommitCustomer", to("1.5.1")},

	{"1.5.1", 3, "Gates", Inferred, KindA, "system", "CheckKeyAccountGates", to("1.5.2")},
	{"1.5.2", 3, "Key account score", Inferred, KindA, "system", "ScoreKeyAccount", to("1.5.3")},
	{"1.5.3", 3, "Roll up the group", Inferred, KindA, "system", "RollUpGroup", to("1.5.4")},
	{"1.5.4", 3, "Tier and KA?", Seed, KindA, "system", "ClassifyKeyAccount", to("1.5.5", "1.5.6")},
	{"1.5.5", 3, "Endorse", Inferred, KindHT, "endorser(s) of the tier", "DecideEndorsement", to("1.5.6")},
	{"1.5.6", 3, "Assign and hand off", Inferred, KindAH, "system; manager picks the key account manager", "AssignOwner, StartKeyAccount or AddToCallPlan", to("2.1", "3.1")},
}

// A CodeSpec is an error code and what it means to people.
type CodeSpec struct {
	Code    Code
	Meaning string
}

// ErrorCodes lists the codes of the process with their meaning.
var ErrorCodes = []CodeSpec{
	{Invalid, "the request breaks a rule of form"},
	{NotFound, "no such case, customer, person or task"},
	{Forbidden, "the person may not do this"},
	{Separation, "separation of duties stands against it"},
	{WrongState, "the case is not waiting for this"},
	{StaleRevision, "decided on data that have changed since; read the case again"},
	{AlreadyDecided, "somebody else decided first"},
	{TooLate, "the customer is committed; a DEACTIVATE case undoes it"},
	{RoundsUsed, "no change round is left: confirm or reject"},
	{ReasonNeeded, "a reason, code or note is missing"},
	{IDReused, "the same id came before with other content"},
	{OpenCaseExists, "the customer is in an open case already"},
	{Claimed, "a colleague has taken the task from the queue"},
	{TargetInvalid, "the customer that the case is for is unknown or of the wrong status"},
	{NotSigned, "the act is not signed, or the signature is not for it; sign in and send it again"},
	{Unreachable, "a system that is needed does not answer; try again"},
	{Fault, "retrying will not cure it; an operator must look"},
}
