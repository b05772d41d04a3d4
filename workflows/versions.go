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
	// changeImportDesk marks the imports that use the desk: they continue in a
	// new run, set search attributes, answer a repeated act from memory, and give
	// up long work after a week.
	changeImportDesk changeID = "import-desk"
	// changeEverySignal marks the runs that read every signal, also after so many
	// that older releases dropped the rest.
	changeEverySignal changeID = "every-signal"
)

// changed returns whether a run makes a change. A run that passed this call
// before the change was released does not; every other one writes a marker into
// its history at the first call, and makes it. For one id the answer stays the
// same within a run, however often it is asked.
//
// The next run of a process asks again. So what depends on a change must be
// complete within one run, or be passed on in [Carried].
func changed(ctx workflow.Context, id changeID) bool {
	return workflow.GetVersion(ctx, string(id), workflow.DefaultVersion, 1) >= 1
}
