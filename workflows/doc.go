// Package workflows is the order in which things happen to a case: which box
// follows which, who is waited for and until when. It decides nothing and
// stores nothing: the table of transitions is in [kam], and each effect is one
// local activity and one transaction.
//
// # How to read the files
//
// The tree is the deck. A file carries the level and the number of the box
// that it draws:
//
//	level1_overview.go                  1        from the start of a case to its end
//	level2_1_analyze_and_classify.go    1.1-1.5  which page a state belongs to; 1.3, 1.4, 1.5
//	level3_1_1_identify_add.go          1.1      1.1.1-1.1.6
//	level3_1_2_analyze_details.go       1.2      1.2.1a, 1.2.1b, 1.2.2-1.2.6
//	level2_5_7_import_batch.go          5.7      the import of an existing customer book
//
// The rest is what every box and every process needs:
//
//	desk.go         what people send: judged, taken under one lock, stored, answered
//	signals.go      the same as signals, and notices
//	stages.go       the engine's own effects: numbered, set aside, long work
//	waits.go        deadlines of the open task
//	memory.go       what is carried from run to run
//	onboarding.go   what a case is to the desk
//	view.go         what operators see
//	versions.go     changes that open cases have not seen
//	options.go, errors.go
//
// A new process states what a desk has to know of it, as onboarding.go does for
// cases, and has files for its boxes.
//
// # How a case runs
//
//	            ┌──────────── automatic state: one stage, one transaction ◀─┐
//	start ─▶ 1.1.1 ─▶ state?                                                │
//	            ├──────────── human state: wait for an act or a deadline ───┤
//	            └──────────── end state: settle, return the snapshot        │
//	people ── update, signal ─▶ one lock per case ─▶ RecordAct ─▶ snapshot ─┘
//
// The workflow carries a copy of the case, the [onboarding.Snapshot], and replaces it
// with what each effect hands back. PostgreSQL is the record: where it knows
// more than the workflow (worker and server died between the commit of an
// effect and the completion of the workflow task), an effect hands back the
// case untouched, marked Ahead, and the workflow adopts it and goes on from
// there.
//
// The number of an effect, StageInput.Seq, is the version that the effect
// leads to: the known version and one (and one more for each number that was
// spent without moving the case). So the same attempt made again after a crash
// has the same number, and two different effects do not share one, even where
// an act of a person overtook the engine's own effect.
//
// # Rules for changing the files
//
//   - Open cases replay their history through today's code. A change in what is
//     called, in which order, or under which condition goes behind a change id
//     of versions.go, or into a workflow type of another name; how, and what
//     catches a mistake, is in docs/determinism.md. Texts (summaries, details,
//     descriptions) and validators may change freely: neither is compared nor
//     run on replay.
//   - Nothing here judges an act a second time. A validator judges before the
//     act is written down, and is not replayed; the second test, under the
//     lock, is RecordAct's own, within the transaction, and its verdict is
//     recorded. So onboarding.Act.CheckAgainst, the rows of onboarding.Acts and the guards
//     of onboarding.Transitions may change without breaking open cases.
//   - What replay does read of kam: onboarding.StageOf, which states end a case, and
//     the fields of the snapshot that view.go looks at (a change there decides
//     whether search attributes are written and a timer is started).
//   - Waits use await of waits.go, not workflow.AwaitWithOptions.
//   - No clock but workflow.Now, no range over a map, no goroutine but
//     workflow.Go, no configuration and no package variable that changes.
//   - Names of stages, updates, signals and queries are in kam; once released
//     they stay.
//   - What crosses a run is in [Carried]: a new field there is optional, and the
//     test of continue-as-new must see it survive.
//   - No personal data but user ids: not in summaries, details, search
//     attributes, errors or inputs.
//   - A human mistake or a timeout is an outcome. The workflow fails only where
//     the case that it was started for does not exist.
//   - Record histories with each release into testdata/history/<version>/ and
//     never edit them; TestReplay holds today's code against all of them.
//
// Check with:
//
//	go run go.temporal.io/sdk/contrib/tools/workflowcheck@v0.6.0 ./workflows/...
package workflows
