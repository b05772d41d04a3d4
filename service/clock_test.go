package service_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/onboarding"
	"github.com/kamflow/kamflow/service"
	"github.com/kamflow/kamflow/store/ledger"
	casedb "github.com/kamflow/kamflow/store/onboarding"
)

// TestClocksAreToldWithEachCase: view, list and inbox say whose turn it is, the
// time in the stage against its target, since it came to who asks, and in all.
func TestClocksAreToldWithEachCase(t *testing.T) {
	t.Parallel()
	b := setup(t, says(onboarding.Progress{}, nil))
	ctx := t.Context()
	no, _, err := b.store.Cases.Allot(ctx, request())
	require.NoError(t, err)
	calendars, err := b.store.Access.Calendars(ctx)
	require.NoError(t, err)
	office := calendars["c"]
	began := time.Now().Add(-40 * 24 * time.Hour)
	sent := began.Add(10 * 24 * time.Hour)
	effect := func(at time.Time, seq string, known int64, fn func(*casedb.Tx) error) {
		_, err := b.store.Cases.Effect(ctx, ledger.Effect{Subject: casedb.Of(no), Key: seq, Digest: seq, Known: known, At: at}, func(_ context.Context, tx *casedb.Tx) error {
			return fn(tx)
		})
		require.NoError(t, err)
	}
	open := func(tx *casedb.Tx, state onboarding.State, who kam.UserID, at time.Time) error {
		tx.Case.State = state
		task := kam.Task{Kind: state.Spec().Task, OpenedAt: at, Assignees: []kam.UserID{who}}
		task.StartClock(office, kam.DecFromInt(16))
		return tx.OpenTask(task)
	}
	effect(began, "seq/1", 0, func(tx *casedb.Tx) error { return open(tx, onboarding.DataEntry, "rep", began) })
	effect(sent, "seq/2", 1, func(tx *casedb.Tx) error {
		if err := tx.CloseTask("DONE", "rep"); err != nil {
			return err
		}
		return open(tx, onboarding.AwaitingConfirmation, "boss", sent)
	})
	entry, waits := kam.HoursOf(office.Between(began, sent)), kam.HoursOf(office.Between(sent, time.Now()))

	told := func(m *kam.Measure) {
		require.Equal(t, kam.PartyManager, m.Party)
		require.InDelta(t, int64(waits), int64(m.Worked), 2)
		require.Equal(t, kam.DecFromInt(16), m.Target)
		require.Equal(t, m.Worked-m.Target, m.Over)
		require.True(t, m.Overdue)
	}
	v, err := b.CaseView(ctx, service.As("rep"), no)
	require.NoError(t, err)
	told(v.Stage)
	require.InDelta(t, int64(entry+waits), int64(v.Clock.InAll), 3)
	require.Equal(t, []kam.Party{kam.PartyRequester, kam.PartyManager}, []kam.Party{v.Clock.Parties[0].Party, v.Clock.Parties[1].Party})
	require.Equal(t, entry, v.Clock.Parties[0].Hours)
	require.Len(t, v.Clock.Stages, 2)

	lines, err := b.Cases(ctx, service.As("boss"), casedb.Filter{Owed: kam.PartyManager, Overdue: true, Order: casedb.ByStage})
	require.NoError(t, err)
	require.Len(t, lines, 1)
	told(lines[0].Measure)
	require.InDelta(t, int64(entry+waits), int64(*lines[0].InAll), 3)
	require.WithinDuration(t, sent, *lines[0].StageSince, time.Microsecond)
	lines, err = b.Cases(ctx, service.As("boss"), casedb.Filter{Owed: kam.PartyRequester})
	require.NoError(t, err)
	require.Empty(t, lines)
	_, err = b.Cases(ctx, service.As("boss"), casedb.Filter{Owed: "NOBODY"})
	require.ErrorIs(t, err, kam.Invalid)

	items, err := b.Inbox(ctx, service.As("boss"))
	require.NoError(t, err)
	require.Len(t, items, 1)
	told(items[0].Measure)
	require.InDelta(t, int64(waits), int64(*items[0].Measure.Mine), 2)
	require.InDelta(t, int64(entry+waits), int64(*items[0].Measure.InAll), 3)

	ended := sent.Add(24 * time.Hour)
	effect(ended, "seq/3", 2, func(tx *casedb.Tx) error {
		tx.Case.State = onboarding.Rejected
		tx.Log(kam.AuditEvent{Type: kam.EventRejected, Actor: "boss", To: string(onboarding.Rejected)})
		return tx.CloseTask("DONE", "boss")
	})
	v, err = b.CaseView(ctx, service.As("rep"), no)
	require.NoError(t, err)
	require.Nil(t, v.Stage)
	require.Equal(t, entry+kam.HoursOf(office.Between(sent, ended)), v.Clock.InAll, "after the end no time passes")
	lines, err = b.Cases(ctx, service.As("boss"), casedb.Filter{})
	require.NoError(t, err)
	require.Nil(t, lines[0].Measure)
	require.Equal(t, v.Clock.InAll, *lines[0].InAll)
}
