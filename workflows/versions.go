package workflows

import "go.temporal.io/sdk/workflow"

// A changeID names one change of what a case calls, in which order or under
// which condition. Open cases carry it in their history, so its spelling stays
// until no open case can have passed it or still lacks it, and it is never
// used again for something else.
type changeID string

// The changes. Each is listed in docs/determinism.md with what it changed and
// in which release; a test holds the two together.
const (
	// changeScreeningOutside marks the cases that have called the screening
	// service outside: older releases cannot replay them.
	changeScreeningOutside changeID = "screening-outside"
	// changeImportDesk marks the imports that stand on the desk: they go on in a
	// new run, show where they stand, answer a repeated act from memory, and give
	// long work up after a week.
	changeImportDesk changeID = "import-desk"
	// changeEverySignal marks the runs that read every signal, also after so many
	// that older releases dropped the rest.
	changeEverySignal changeID = "every-signal"
)

// changed says whether a run goes with a change. One that passed the place
// before the change was made goes on without it; every other one notes the
// change in its history when it first comes by, and keeps it. It may be asked
// as often as wanted: the answer for one id stays the same within a run.
//
// A run that continues an earlier one asks anew. So what depends on a change
// has to hold together within one run, or be carried in [Carried].
func changed(ctx workflow.Context, id changeID) bool {
	return workflow.GetVersion(ctx, string(id), workflow.DefaultVersion, 1) >= 1
}
