package kam

// ReviewTrigger says why a customer is classified again (P2.3, P4.2.3).
type ReviewTrigger string

// The triggers of a RECLASSIFY case.
const (
	ReviewDue             ReviewTrigger = "SCHEDULE"
	ReviewRevenue         ReviewTrigger = "REVENUE_DROP"
	ReviewPotential       ReviewTrigger = "POTENTIAL_CHANGE"
	ReviewScorecard       ReviewTrigger = "SCORECARD_RED"
	ReviewCalls           ReviewTrigger = "CALL_ATTAINMENT"
	ReviewCredit          ReviewTrigger = "CREDIT_RATING"
	ReviewOwnershipChange ReviewTrigger = "OWNERSHIP_CHANGE"
	ReviewScreening       ReviewTrigger = "SCREENING" // a hit after onboarding (P2.7)
	ReviewPolicy          ReviewTrigger = "POLICY"
	ReviewAsked           ReviewTrigger = "REQUEST"
)

// ReviewTriggers lists them in the order of P4.2.3.
var ReviewTriggers = []ReviewTrigger{ReviewDue, ReviewRevenue, ReviewPotential, ReviewScorecard, ReviewCalls, ReviewCredit,
	ReviewOwnershipChange, ReviewScreening, ReviewPolicy, ReviewAsked}

// taskActions says what deciding a task asks for in the matrix of permissions.
var taskActions = map[TaskKind]Action{
	TaskDuplicateReview:  ActionClearCertain,
	TaskComplianceReview: ActionCompliance,
	TaskConfirmation:     ActionConfirm,
	TaskValidation:       ActionWaive,
	TaskEndorsement:      ActionEndorse,
	TaskIntervention:     ActionRetry,
}

// ActionOf is what deciding such a task asks for in the matrix of permissions,
// empty for work that belongs to the requester.
func ActionOf(k TaskKind) Action { return taskActions[k] }
