package faults

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/history/v1"
	"go.temporal.io/sdk/worker"

	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/onboarding"
	"github.com/kamflow/kamflow/standalone/stack"
	"github.com/kamflow/kamflow/store/ledger"
	"github.com/kamflow/kamflow/workflows"
)

// rows reads what the store has no method for.
func rows[T any](t *testing.T, r *rig, sql string, to pgx.RowToFunc[T], args ...any) []T {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), r.pg.DSN(stack.Database))
	require.NoError(t, err)
	defer conn.Close(t.Context())
	found, err := conn.Query(t.Context(), sql, args...)
	require.NoError(t, err)
	all, err := pgx.CollectRows(found, to)
	require.NoError(t, err)
	return all
}

func (r *rig) effects(t *testing.T) int {
	t.Helper()
	return rows(t, r, `select count(*) from kam.effect`, pgx.RowTo[int])[0]
}

// noneLostNoneDoubled counts what each case left behind.
func (r *rig) noneLostNoneDoubled(t *testing.T) {
	type left struct {
		No                              kam.CaseNo
		Key                             string
		State                           onboarding.State
		Outcome                         onboarding.Outcome
		Customers, KeyAccounts          int
		Confirmed, Committed, HandedOff int
		Endorsed, Faults, OpenTasks     int
	}
	const count = `
		select c.case_no, c.request_key, c.state, c.outcome,
			(select count(*) from kam.customer x where x.case_no = c.case_no),
			(select count(*) from kam.key_account x where x.case_no = c.case_no),
			(select count(*) from kam.audit a where a.case_no = c.case_no and a.type = 'CONFIRMED'),
			(select count(*) from kam.audit a where a.case_no = c.case_no and a.type = 'CUSTOMER_COMMITTED'),
			(select count(*) from kam.audit a where a.case_no = c.case_no and a.type = 'HANDED_OFF'),
			(select count(*) from kam.audit a where a.case_no = c.case_no and a.type = 'ENDORSED'),
			(select count(*) from kam.audit a where a.case_no = c.case_no and a.type = 'FAULT'),
			(select count(*) from kam.task x where x.case_no = c.case_no and x.status = 'OPEN' and x.subject = '')
		from kam.cases c order by c.request_key`

	found := map[string]left{}
	for _, l := range rows(t, r, count, pgx.RowToStructByPos[left]) {
		found[l.Key] = l
	}
	require.Len(t, found, len(r.journeys), "one case for each request")
	for _, j := range r.journeys {
		want := left{
			No: j.no, Key: j.request.Key, State: onboarding.Completed, Outcome: j.want,
			Customers: 1, Confirmed: 1, Committed: 1, HandedOff: 1,
		}
		if j.want == onboarding.AddedKA {
			want.KeyAccounts, want.Endorsed = 1, 1
		}
		require.Equal(t, want, found[j.request.Key])
	}
}

// chainsVerify: every chain holds, those of subjects too, and each journey has
// one of its own.
func (r *rig) chainsVerify(t *testing.T) {
	verified := map[kam.CaseNo]bool{}
	require.NoError(t, r.db.Chains(t.Context(), func(c ledger.Chain) error {
		broken, ok := c.Verify()
		require.True(t, ok, broken.String())
		verified[c.CaseNo] = true
		return nil
	}))
	for _, j := range r.journeys {
		require.True(t, verified[j.no], "the chain of %s", j.no)
	}
}

// takenAs are the events that say that an act was taken.
var takenAs = map[onboarding.ActName][]kam.EventType{
	onboarding.ActDecideConfirmation: {kam.EventConfirmed, kam.EventSentBack},
	onboarding.ActDecideEndorsement:  {kam.EventEndorsed},
	onboarding.ActSubmitData:         {kam.EventDataSubmitted},
	onboarding.ActSubmitDetails:      {kam.EventDetailsSubmitted},
	onboarding.ActComment:            {kam.EventCommented},
}

// toldIsStored: the state that a client was told is the one that is stored as
// that version of the case, and its decision is in the audit trail once, as
// taken or as refused.
func (r *rig) toldIsStored(t *testing.T) {
	type effect struct {
		No       kam.CaseNo
		Snapshot onboarding.Snapshot
	}
	versions := map[kam.CaseNo]map[int64]onboarding.Snapshot{}
	for _, e := range rows(t, r, `select case_no, progress -> 'snapshot' from kam.effect`, pgx.RowToStructByPos[effect]) {
		if versions[e.No] == nil {
			versions[e.No] = map[int64]onboarding.Snapshot{}
		}
		if other, ok := versions[e.No][e.Snapshot.Version]; ok {
			require.JSONEq(t, text(t, other), text(t, e.Snapshot), "two effects led %s to one version", e.No)
		}
		versions[e.No][e.Snapshot.Version] = e.Snapshot
	}
	answers := 0
	for _, j := range r.journeys {
		events, err := r.db.Cases.Events(t.Context(), j.no)
		require.NoError(t, err)
		for _, a := range j.told {
			answers++
			if a.code == "" {
				require.JSONEq(t, text(t, versions[j.no][a.snapshot.Version]), text(t, a.snapshot), "%s %s", j.no, a.act)
			}
			if a.decision == "" {
				continue
			}
			// One effect may write more than one line, all at one time.
			times, refused := map[time.Time]bool{}, 0
			for _, e := range events {
				switch {
				case e.DecisionID != a.decision:
				case e.Type == kam.EventDecisionRefused && e.ReasonCode == string(a.code):
					refused++
				case slices.Contains(takenAs[a.act], e.Type):
					times[e.At] = true
				}
			}
			taken := len(times)
			require.Equal(t, a.code == "", taken == 1 && refused == 0, "%s %s: told %q, taken %d, refused %d", j.no, a.act, a.code, taken, refused)
			require.Equal(t, a.code != "", refused == 1 && taken == 0, "%s %s: told %q, taken %d, refused %d", j.no, a.act, a.code, taken, refused)
		}
	}
	t.Logf("%d answers compared", answers)
}

func text(t *testing.T, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	require.NoError(t, err)
	return string(b)
}

// result is what the workflow of a case ended with.
func (r *rig) result(t *testing.T, j *journey) onboarding.Snapshot {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	var told onboarding.Snapshot
	require.NoError(t, r.sdk.GetWorkflow(ctx, j.no.WorkflowID(), "").Get(ctx, &told), "the workflow of %s has not ended", j.no)
	return told
}

// workflowsAgree: each workflow ended with the case as PostgreSQL holds it,
// and its history replays with the code of today.
func (r *rig) workflowsAgree(t *testing.T) {
	replayer := worker.NewWorkflowReplayer()
	workflows.Register(replayer, nil)
	longest := 0
	for _, j := range r.journeys {
		stored, err := r.db.Cases.Case(t.Context(), j.no)
		require.NoError(t, err)
		require.JSONEq(t, text(t, stored), text(t, r.result(t, j)))
		events := r.history(t, j.no)
		longest = max(longest, len(events))
		require.NoError(t, replayer.ReplayWorkflowHistory(silent(), &history.History{Events: events}), j.no)
	}
	t.Logf("%d histories replay, the longest of %d events", len(r.journeys), longest)
}

// messagesLeft: the outbox holds each message once, and all have left.
func (r *rig) messagesLeft(t *testing.T) {
	const doubled = `
		select case_no || ' ' || kind || ' ' || subject from kam.outbox
		group by case_no, kind, subject, recipients having count(*) > 1`
	require.Empty(t, rows(t, r, doubled, pgx.RowTo[string]))
	type ids struct{ All, Unique int }
	n := rows(t, r, `select count(*), count(distinct id) from kam.outbox`, pgx.RowToStructByPos[ids])[0]
	require.Equal(t, n.All, n.Unique)
	require.Eventually(t, func() bool {
		waiting, dead, err := r.db.OutboxState(t.Context())
		return err == nil && waiting == 0 && dead == 0
	}, 90*time.Second, 200*time.Millisecond, "a message that was claimed when its worker died is offered again after a minute")
	t.Logf("%d messages", n.All)
}

// sameDeadlines compares the deadlines of every task that people saw with
// those that its row keeps.
func (r *rig) sameDeadlines(t *testing.T) {
	t.Helper()
	type row struct {
		ID   string
		Task kam.Task
	}
	stored := map[string][]kam.Deadline{}
	for _, x := range rows(t, r, `select task_id, task from kam.task`, pgx.RowToStructByPos[row]) {
		stored[x.ID] = x.Task.Deadlines
	}
	n := 0
	for _, j := range r.journeys {
		for id, seen := range j.deadlines {
			require.Equal(t, seen, stored[id], id)
			n++
		}
	}
	t.Logf("the deadlines of %d tasks compared", n)
}

func (r *rig) history(t *testing.T, no kam.CaseNo) []*history.HistoryEvent {
	t.Helper()
	var all []*history.HistoryEvent
	it := r.sdk.GetWorkflowHistory(t.Context(), no.WorkflowID(), "", false, enums.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	for it.HasNext() {
		e, err := it.Next()
		require.NoError(t, err)
		all = append(all, e)
	}
	return all
}

// accepted are the updates of a decision that the history knows.
func (r *rig) accepted(t *testing.T, no kam.CaseNo, decision string) []string {
	t.Helper()
	var ids []string
	for _, e := range r.history(t, no) {
		if id := e.GetWorkflowExecutionUpdateAcceptedEventAttributes().GetAcceptedRequest().GetMeta().GetUpdateId(); strings.HasPrefix(id, decision) {
			ids = append(ids, id)
		}
	}
	return ids
}

func (r *rig) signals(t *testing.T, no kam.CaseNo, name string) int {
	t.Helper()
	n := 0
	for _, e := range r.history(t, no) {
		if e.GetWorkflowExecutionSignaledEventAttributes().GetSignalName() == name {
			n++
		}
	}
	return n
}

// timer is when the last timer fires that was started and not cancelled.
func (r *rig) timer(t *testing.T, no kam.CaseNo) (fires time.Time, ok bool) {
	t.Helper()
	open := map[string]time.Time{}
	for _, e := range r.history(t, no) {
		if s := e.GetTimerStartedEventAttributes(); s != nil {
			open[s.TimerId] = e.EventTime.AsTime().Add(s.StartToFireTimeout.AsDuration())
		}
		if c := e.GetTimerCanceledEventAttributes(); c != nil {
			delete(open, c.TimerId)
		}
	}
	for _, at := range open {
		fires = at
	}
	return fires, len(open) == 1
}
