package service_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/onboarding"
	"github.com/kamflow/kamflow/service"
	accessdb "github.com/kamflow/kamflow/store/access"
	"github.com/kamflow/kamflow/store/ledger"
	casedb "github.com/kamflow/kamflow/store/onboarding"
	"github.com/kamflow/kamflow/store/storetest"
)

// asks opens a case that waits for people, as the engine would.
func (b bundle) asks(key string, state onboarding.State, t kam.Task) kam.CaseNo {
	b.t.Helper()
	r := request()
	r.Key = key
	no, _, err := b.store.Cases.Allot(b.t.Context(), r)
	require.NoError(b.t, err)
	_, err = b.store.Cases.Effect(b.t.Context(), ledger.Effect{Subject: casedb.Of(no), Key: "seq/1", Digest: "x", At: time.Now()},
		func(_ context.Context, tx *casedb.Tx) error {
			tx.Case.State, tx.Case.Territory, tx.Case.MaterialHash = state, "G", "sha256:aa"
			tx.Log(kam.AuditEvent{Type: kam.EventTaskOpened})
			return tx.OpenTask(t)
		})
	require.NoError(b.t, err)
	return no
}

// TestAPlannedPostThroughTheService: planned, looked at before, and asked about on
// any day; who may not ask is refused.
func TestAPlannedPostThroughTheService(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ctx, pol, second := t.Context(), service.As("zz.policy1"), service.As("zz.policy2")
	no := b.asks("waits", onboarding.AwaitingConfirmation, kam.Task{Kind: onboarding.TaskConfirmation, Level: kam.LevelGlobal, Node: "G",
		Assignees: []kam.UserID{"boss"}, Posts: map[kam.UserID]string{"boss": "G"}})
	next := accessdb.User{ID: "next", Name: "Next", Roles: []kam.Role{kam.GlobalManager}}
	c, err := b.SetPerson(ctx, service.As("zz.user1"), service.OrgAct{}, next)
	require.NoError(t, err)
	_, err = b.Agree(ctx, service.As("zz.user2"), service.OrgAct{}, c.Proposal)
	require.NoError(t, err)

	plan := service.Post{Node: "G", Manager: "next", From: time.Now().UTC().AddDate(0, 0, 10).Format(time.DateOnly)}
	seen, err := b.SetManager(ctx, pol, service.OrgAct{Preview: true}, plan)
	require.NoError(t, err)
	require.True(t, seen.Preview)
	require.Equal(t, no, seen.Moves.Tasks[0].CaseNo)
	c, err = b.SetManager(ctx, pol, service.OrgAct{Reason: "new year"}, plan)
	require.NoError(t, err)
	require.True(t, c.Pending)
	c, err = b.Agree(ctx, second, service.OrgAct{}, c.Proposal)
	require.NoError(t, err)
	require.Equal(t, plan.From, c.From.Format(time.DateOnly))

	holds := func(asOf string) kam.UserID {
		all, err := b.Posts(ctx, pol, asOf)
		require.NoError(t, err)
		require.Len(t, all, 1)
		return all[0].Manager
	}
	require.Equal(t, kam.UserID("boss"), holds(""))
	require.Equal(t, kam.UserID("next"), holds(plan.From))
	require.Equal(t, kam.UserID("boss"), holds(c.From.Add(-time.Second).Format(time.RFC3339)))
	_, err = b.Posts(ctx, pol, "tomorrow")
	require.ErrorIs(t, err, kam.Invalid)
	require.Equal(t, "as_of", kam.AsError(err).Field)
	_, err = b.Posts(ctx, service.As("rep"), "")
	require.ErrorIs(t, err, kam.Forbidden)

	storetest.Later(t, b.store, 11*24*time.Hour)
	inbox, err := b.Inbox(ctx, service.As("next"))
	require.NoError(t, err)
	require.Len(t, inbox, 1)
	require.Equal(t, no, inbox[0].CaseNo)
	inbox, err = b.Inbox(ctx, service.As("boss"))
	require.NoError(t, err)
	require.Empty(t, inbox)
	org := service.Org{From: "soon", Nodes: []accessdb.Node{{Code: "G", Level: "GLOBAL"}}}
	_, err = b.LoadOrganisation(ctx, pol, service.OrgAct{Preview: true}, org)
	require.ErrorIs(t, err, kam.Invalid)
	org.From = time.Now().UTC().AddDate(0, 0, 5).Format(time.DateOnly)
	seen, err = b.LoadOrganisation(ctx, pol, service.OrgAct{Preview: true}, org)
	require.NoError(t, err)
	require.True(t, seen.Preview)
	require.Equal(t, []string{"G"}, seen.Moves.NodesAffected)
}

// TestHandOver: each task by an act of its own; what the colleague may not have
// stays with its cause; the same order again is the same acts; an outage ends it.
func TestHandOver(t *testing.T) {
	t.Parallel()
	separate := refusal(kam.Errorf(kam.Separation, "other requested the case").By("SOD1"))
	b := setup(t, says(onboarding.Progress{}, nil), says(onboarding.Progress{}, separate), says(onboarding.Progress{}, nil))
	ctx, boss := t.Context(), service.As("boss")
	task := kam.Task{Kind: onboarding.TaskConfirmation, Level: kam.LevelGlobal, Node: "G", Assignees: []kam.UserID{"boss"}, Posts: map[kam.UserID]string{"boss": "G"}}
	var waits []kam.CaseNo
	for i := range 3 {
		task.OpenedAt = time.Date(2026, 9, 1, i, 0, 0, 0, time.UTC)
		waits = append(waits, b.asks(fmt.Sprint("waits", i), onboarding.AwaitingConfirmation, task))
	}
	own := b.asks("own", onboarding.DataEntry, kam.Task{Kind: onboarding.TaskDataEntry, Assignees: []kam.UserID{"boss"}, OpenedAt: task.OpenedAt.Add(time.Hour)})

	require.NoError(t, storetest.Exec(t, b.store, `insert into kam.key_account (key_account_no, group_id, name, tier, home_node, owner, state, case_no, since, updated_at)
		values ('KA-000001', '', 'Acme', 'GLOBAL', 'G', 'boss', 'ACTIVE', $1, clock_timestamp(), clock_timestamp())`, own))
	_, err := b.store.Cases.Effect(ctx, ledger.Effect{Subject: casedb.Of(own), Key: "seq/2", Digest: "y", Known: 1, At: time.Now()}, func(_ context.Context, tx *casedb.Tx) error {
		tx.Log(kam.AuditEvent{Type: kam.EventTaskOpened})
		return tx.OpenSideTask(kam.Task{Kind: onboarding.TaskKAMAssignment, Assignees: []kam.UserID{"boss"}, OpenedAt: task.OpenedAt.Add(2 * time.Hour)}, "KA-000001")
	})
	require.NoError(t, err)

	o := service.HandOver{DecisionID: "leave-1", To: "other", Reason: "On leave."}
	for field, bad := range map[string]service.HandOver{
		"to": {DecisionID: "x", To: "nobody", Reason: "r"}, "reason": {DecisionID: "x", To: "other"},
	} {
		_, err := b.HandOver(ctx, boss, bad)
		require.ErrorIs(t, err, kam.Invalid)
		require.Equal(t, field, kam.AsError(err).Field)
	}
	_, err = b.HandOver(ctx, boss, service.HandOver{To: "boss", Reason: "r"})
	require.ErrorIs(t, err, kam.Invalid)
	require.Empty(t, b.fake.updates)

	done, err := b.HandOver(ctx, boss, o)
	require.NoError(t, err)
	nos := func(list []service.HandedTask) (out []kam.CaseNo) {
		for _, x := range list {
			out = append(out, x.CaseNo)
		}
		return out
	}
	require.Equal(t, []kam.CaseNo{waits[0], waits[2]}, nos(done.Moved))
	require.Equal(t, "G", done.Moved[0].Post)
	require.Equal(t, []kam.CaseNo{waits[1], own, own}, nos(done.Left))
	require.Equal(t, "KA-000001", done.Left[2].Subject)
	require.Equal(t, kam.Forbidden, done.Left[2].Cause.Code, "a sales rep assigns no owner")
	require.Equal(t, "SOD1", done.Left[0].Cause.Rule)
	require.Equal(t, kam.WrongState, done.Left[1].Cause.Code)
	require.Zero(t, done.Rest)
	require.Len(t, b.fake.updates, 3)
	act := b.fake.updates[0].Args[0].(onboarding.Act)
	require.Equal(t, onboarding.ActReassign, act.Name)
	require.Equal(t, kam.UserID("boss"), act.By)
	require.Equal(t, kam.UserID("other"), act.Assignee)

	again, err := b.HandOver(ctx, boss, o) // nothing was stored by the fake: all are sent again
	require.NoError(t, err)
	require.Len(t, again.Moved, 3)
	id := func(i int) string { s, _, _ := strings.Cut(b.fake.updates[i].UpdateID, "/"); return s }
	require.Equal(t, id(0), id(3), "the same decision")
	require.NotEqual(t, id(0), id(1))

	none, err := b.HandOver(ctx, service.As("other"), service.HandOver{To: "boss", Reason: "r"})
	require.NoError(t, err)
	require.Empty(t, none.Moved)
	require.Empty(t, none.Left)

	b.fake.answers = []func() (onboarding.Progress, error){says(onboarding.Progress{}, nil), says(onboarding.Progress{}, errDown)}
	b.Patience = time.Second
	cut, err := b.HandOver(ctx, boss, o)
	require.NoError(t, err)
	require.Equal(t, []kam.CaseNo{waits[0]}, nos(cut.Moved))
	require.Equal(t, 4, cut.Rest, "the same order goes on with them")
	b.fake.answers = b.fake.answers[:1:1]
	b.fake.answers[0] = says(onboarding.Progress{}, errDown)
	_, err = b.HandOver(ctx, boss, o)
	require.ErrorIs(t, err, kam.Unreachable)
}
