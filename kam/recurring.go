package kam

// A Job is work that recurs, whatever any case does: each is an activity of its
// own, carried out by one worker of the cluster at a time.
type Job string

// The jobs, and what each is for.
const (
	JobReconcile Job = "ReconcileCases"    // tell cases that know less than PostgreSQL
	JobRescreen  Job = "RescreenCustomers" // compare customers with a list that has grown
	JobReroute   Job = "RerouteTasks"      // tell cases whose task waits for the wrong person
	JobLeavers   Job = "MoveLeaversTasks"  // tasks that outlive a case go to the leaver's manager
	JobKeys      Job = "RefreshKeys"       // keys of parties that a release before this one wrote
	JobProposals Job = "ExpireProposals"   // changes that no second admin agreed to in time
	JobCleanUp   Job = "CleanUp"           // what was kept long enough is removed
)

// Jobs lists them in the order in which they are carried out. None waits for
// what another finds out, and none is held up where another fails.
var Jobs = []Job{JobReconcile, JobRescreen, JobReroute, JobLeavers, JobKeys, JobProposals, JobCleanUp}

// The names of what recurs. Once released they stay.
const (
	WorkflowRecurring = "RecurringWorkflow"
	RecurringSchedule = "kamflow-recurring"
)
