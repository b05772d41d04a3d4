package races

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/history/v1"
	"go.temporal.io/sdk/worker"

	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/onboarding"
	"github.com/kamflow/kamflow/workflows"
)

// takenAs is the audit event of an act that is taken.
var takenAs = map[onboarding.ActName]map[onboarding.Verdict]kam.EventType{
	onboarding.ActDecideConfirmation: {onboarding.Confirm: kam.EventConfirmed, onboarding.RejectIt: kam.EventRejected, onboarding.SendBack: kam.EventSentBack},
	onboarding.ActDecideEndorsement:  {onboarding.Endorse: kam.EventEndorsed, onboarding.Decline: kam.EventEndorsementDeclined},
	onboarding.ActDecideValidation:   {onboarding.ClearIt: kam.EventFindingWaived},
	onboarding.ActResolveDuplicate:   {onboarding.NotDuplicate: kam.EventDuplicateResolved},
	onboarding.ActCancel:             {onboarding.AskCancel: kam.EventCancelAsked, onboarding.AgreeCancel: kam.EventCancelled},
	onboarding.ActWithdraw:           {"": kam.EventWithdrawn},
	onboarding.ActAmendMaterial:      {"": kam.EventAmended},
	onboarding.ActSubmitData:         {"": kam.EventDataSubmitted},
	onboarding.ActClaim:              {"": kam.EventTaskClaimed},
}

// stored is what PostgreSQL holds of a case.
type stored struct {
	now     onboarding.Snapshot
	events  []kam.AuditEvent
	effects map[string]onboarding.Progress // by key
	states  map[int64]string               // the case at each version, as JSON
}

func (r *rig) stored(ctx context.Context, no kam.CaseNo) (stored, error) {
	st := stored{effects: map[string]onboarding.Progress{}, states: map[int64]string{}}
	var err error
	if st.now, err = r.db.Cases.Case(ctx, no); err != nil {
		return st, err
	}
	if st.events, err = r.db.Cases.Events(ctx, no); err != nil {
		return st, err
	}
	type effect struct {
		Key      string
		Progress onboarding.Progress
	}
	rows, err := r.sql.Query(ctx, `select key, progress from kam.effect where case_no = $1`, no)
	if err != nil {
		return st, err
	}
	all, err := pgx.CollectRows(rows, pgx.RowToStructByPos[effect])
	for _, e := range all {
		st.effects[e.Key] = e.Progress
		v, is := e.Progress.Snapshot.Version, asJSON(e.Progress.Snapshot)
		if other, ok := st.states[v]; ok && other != is {
			return st, wrong("%s has two forms of version %d: %s and %s", no, v, other, is)
		}
		st.states[v] = is
	}
	return st, err
}

func asJSON(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		return err.Error()
	}
	return string(b)
}

// check holds what people were told against what is stored, and what is stored
// against the rules of the process. A round that went as it should has ended its
// cases, and their workflows ended with what is stored.
func (r *round) check(ctx context.Context, ended bool) error {
	tests := []func(stored) error{r.toldIsStored, r.nobodyConfirmsHisOwn(ctx), chainVerifies}
	if ended {
		tests = append(tests, r.workflowAgrees(ctx))
	}
	for _, no := range r.cases {
		st, err := r.stored(ctx, no)
		if err != nil {
			return err
		}
		for _, test := range tests {
			if err := test(st); err != nil {
				return err
			}
		}
	}
	return nil
}

// toldIsStored: an act that was told as taken is in the audit trail once and in
// effect, and the state that was told is the one that is stored as that version.
// One that was told as refused has done nothing, and its refusal is on record.
func (r *round) toldIsStored(st stored) error {
	byID := map[string][]told{}
	for _, x := range r.told {
		if x.no == st.now.CaseNo {
			byID[x.act.DecisionID] = append(byID[x.act.DecisionID], x)
		}
	}
	for id, answers := range byID {
		if err := toldOne(st, id, answers); err != nil {
			return err
		}
	}
	for _, e := range st.events {
		if _, sent := byID[e.DecisionID]; e.DecisionID != "" && !sent {
			return wrong("%s event %d, %s, is of decision %s that nobody has sent", e.CaseNo, e.Seq, e.Type, e.DecisionID)
		}
	}
	return nil
}

func toldOne(st stored, id string, answers []told) error {
	var takes []told
	for _, x := range answers {
		if x.code == "" {
			takes = append(takes, x)
		}
	}
	effect, inEffect := st.effects["act/"+id]
	inEffect = inEffect && effect.Refused == nil
	moves, stays := 0, 0
	want := kam.EventType("")
	if len(takes) > 0 {
		want = takenAs[takes[0].act.Name][takes[0].act.Verdict]
		if want == "" {
			return fmt.Errorf("%s %s: no event is known for it", takes[0].act.Name, takes[0].act.Verdict)
		}
	}
	refusals := map[kam.Code]int{}
	for _, e := range st.events {
		switch {
		case e.DecisionID != id:
		case e.Type == kam.EventDecisionRefused:
			refusals[kam.Code(e.ReasonCode)]++
		case len(takes) == 0:
			return wrong("%s: decision %s was told as refused with %s, and did %s (event %d)", e.CaseNo, id, answers[0].code, e.Type, e.Seq)
		case e.Type != want:
		case e.Actor != takes[0].act.By:
			return wrong("%s event %d is by %s, and %s did it", e.CaseNo, e.Seq, e.Actor, takes[0].act.By)
		case e.From == "":
			stays++
		default:
			if inEffect && onboarding.State(e.To) != effect.Snapshot.State {
				return wrong("%s event %d leads to %s, and the effect to %s", e.CaseNo, e.Seq, e.To, effect.Snapshot.State)
			}
			moves++
		}
	}
	for _, x := range takes {
		if takenAs[x.act.Name][x.act.Verdict] != want {
			return wrong("%s: %s %s and %s %s were both told as taken, under one id", x.no, x.act.Name, x.act.Verdict, takes[0].act.Name, takes[0].act.Verdict)
		}
		if is, ok := st.states[x.snapshot.Version]; !ok || is != asJSON(x.snapshot) {
			return wrong("%s: %s by %s was told version %d as %s, and it is %s", x.no, x.act.Name, x.act.By, x.snapshot.Version, asJSON(x.snapshot), is)
		}
		if inEffect && x.snapshot.Version < effect.Snapshot.Version {
			return wrong("%s: %s led to version %d, and was told version %d", x.no, x.act.Name, effect.Snapshot.Version, x.snapshot.Version)
		}
	}
	if len(takes) > 0 {
		x := takes[0]
		// What moves the case has one event that does; some acts have a line
		// besides, as the requester's being told of a rejection (1.1.6).
		if moves > 1 || stays > 1 || moves+stays == 0 {
			return wrong("%s: %s %s by %s was told as taken; %d events %s move the case and %d do not", x.no, x.act.Name, x.act.Verdict, x.act.By, moves, want, stays)
		}
		// A withdrawal may be carried out by the commit, which found the note of it.
		if !inEffect && (x.act.Name != onboarding.ActWithdraw || st.now.State != onboarding.Withdrawn) {
			return wrong("%s: %s %s by %s was told as taken, and has no effect", x.no, x.act.Name, x.act.Verdict, x.act.By)
		}
	} else if inEffect {
		return wrong("%s: decision %s was told as refused, and is in effect", st.now.CaseNo, id)
	}
	for _, x := range answers {
		if x.code != "" && refusals[x.code] != 1 {
			return wrong("%s: %s by %s was refused with %s (%s), and there are %d such refusals on record", x.no, x.act.Name, x.act.By, x.code, x.text, refusals[x.code])
		}
	}
	return nil
}

// nobodyConfirmsHisOwn: who requested the case, or had changed its data by
// then, has confirmed nothing (SOD1).
func (r *round) nobodyConfirmsHisOwn(ctx context.Context) func(stored) error {
	return func(st stored) error {
		revisions, err := r.db.Cases.Revisions(ctx, st.now.CaseNo)
		if err != nil {
			return err
		}
		for _, e := range st.events {
			if e.Type != kam.EventConfirmed {
				continue
			}
			if e.Actor == st.now.Requester {
				return wrong("%s event %d: %s confirms his own request", e.CaseNo, e.Seq, e.Actor)
			}
			for _, rev := range revisions {
				if rev.No <= e.Revision && rev.By == e.Actor {
					return wrong("%s event %d: %s confirms data that he changed", e.CaseNo, e.Seq, e.Actor)
				}
			}
		}
		return nil
	}
}

func chainVerifies(st stored) error {
	if e, why, ok := kam.VerifyChain(st.events); !ok {
		return wrong("%s event %d: %s", e.CaseNo, e.Seq, why)
	}
	return nil
}

// workflowAgrees: the workflow ended with the case as PostgreSQL holds it.
func (r *round) workflowAgrees(ctx context.Context) func(stored) error {
	return func(st stored) error {
		ctx, cancel := context.WithTimeout(ctx, time.Minute)
		defer cancel()
		var ended onboarding.Snapshot
		if err := r.sdk.GetWorkflow(ctx, st.now.CaseNo.WorkflowID(), "").Get(ctx, &ended); err != nil {
			return wrong("%s is stored as %s, and its workflow ends with: %v", st.now.CaseNo, st.now.State, err)
		}
		if is, was := asJSON(st.now), asJSON(ended); is != was {
			return wrong("%s is stored as %s, and its workflow ended with %s", st.now.CaseNo, is, was)
		}
		return nil
	}
}

func (r *rig) history(ctx context.Context, no kam.CaseNo) ([]*history.HistoryEvent, error) {
	var all []*history.HistoryEvent
	it := r.sdk.GetWorkflowHistory(ctx, no.WorkflowID(), "", false, enums.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	for it.HasNext() {
		e, err := it.Next()
		if err != nil {
			return nil, err
		}
		all = append(all, e)
	}
	return all, nil
}

// replays runs a history through the workflow code of today.
func replays(events []*history.HistoryEvent) error {
	replayer := worker.NewWorkflowReplayer()
	workflows.Register(replayer, nil)
	return replayer.ReplayWorkflowHistory(silent(), &history.History{Events: events})
}
