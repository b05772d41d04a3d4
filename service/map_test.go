package service_test

import (
	"context"
	"slices"
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

// TestMap: each box has what stands in it and in the boxes below it, for those who
// may read that, and what went on from there.
func TestMap(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ctx := t.Context()
	require.NoError(t, storetest.LoadOrg(ctx, b.store, accessdb.Org{Users: []accessdb.User{
		{ID: "north", Name: "North", Roles: []kam.Role{kam.TerritoryManager}, Nodes: []string{"N"}},
		{ID: "boss", Name: "Boss", Roles: []kam.Role{kam.GlobalManager}, Nodes: []string{"G"}},
		{ID: "rep", Name: "Rep", Roles: []kam.Role{kam.SalesRep}, Nodes: []string{"S"}},
	}, Nodes: []accessdb.Node{{Code: "G", Level: kam.LevelGlobal}, {Code: "N", Level: kam.LevelTerritory, Parent: "G"}, {Code: "S", Level: kam.LevelTerritory, Parent: "G"}}}))
	for i, c := range []struct {
		state     onboarding.State
		outcome   onboarding.Outcome
		territory string
		step      kam.StepCode
		queue     string
	}{
		{onboarding.AwaitingConfirmation, "", "N", "1.1.5", ""},
		{onboarding.AwaitingConfirmation, "", "S", "1.1.5", ""},
		{onboarding.ComplianceReview, "", "N", "1.1.4c", "compliance_reviewer"},
		{onboarding.AwaitingCompletion, "", "N", "1.2.1b", ""},
		{onboarding.Completed, onboarding.AddedKA, "N", "1.5", ""},
		{onboarding.Rejected, "", "S", "1.1.5", ""},
	} {
		r := request()
		r.Key += string(rune('a' + i))
		no, _, err := b.store.Cases.Allot(ctx, r)
		require.NoError(t, err)
		now := time.Now()
		_, err = b.store.Cases.Effect(ctx, ledger.Effect{Subject: casedb.Of(no), Key: "seq/1", Digest: "1", At: now}, func(_ context.Context, tx *casedb.Tx) error {
			tx.Log(kam.AuditEvent{Type: kam.EventConfirmed, Actor: "boss", Step: c.step, From: string(tx.Case.State), To: string(c.state)})
			tx.Case.State, tx.Case.Step, tx.Case.Territory, tx.Case.Outcome, tx.Case.Requester = c.state, c.step, c.territory, c.outcome, "rep"
			if c.state.Kind() == kam.Human {
				// Since last week, against a target of an hour.
				task := &kam.Task{ID: string(no) + "/t", Step: c.step, Queue: c.queue, OpenedAt: now.AddDate(0, 0, -7), Assignees: []kam.UserID{"boss"}}
				task.StartClock(kam.Calendar{Close: 24 * 60}, 100)
				tx.Case.Task = task
			}
			return nil
		})
		require.NoError(t, err)
	}

	see := func(by kam.UserID, f service.MapFilter) func(kam.StepCode) service.MapBox {
		t.Helper()
		m, err := b.Map(ctx, service.As(by), f)
		require.NoError(t, err)
		require.Equal(t, kam.StepCode("1"), m.Boxes[0].Code)
		return func(code kam.StepCode) service.MapBox {
			i := slices.IndexFunc(m.Boxes, func(x service.MapBox) bool { return x.Code == code })
			require.GreaterOrEqual(t, i, 0, code)
			return m.Boxes[i]
		}
	}
	all := see("boss", service.MapFilter{})
	require.Equal(t, 4, all("1").Open)
	require.Equal(t, 3, all("1.1").Open)
	require.Equal(t, 2, all("1.1.5").Open)
	require.Equal(t, 2, all("1.1.5").Late)
	require.NotNil(t, all("1.1.5").Median)
	require.Greater(t, *all("1.1.5").Median, kam.DecFromInt(8))
	require.Nil(t, all("1.4").Median)
	require.Equal(t, []service.Owing{{Party: kam.PartyManager, Open: 2}, {Party: kam.PartyCompliance, Open: 1}}, all("1.1").Owed)
	require.Equal(t, 3, all("1.1.5").Weeks[11], "two came to it, one was rejected there")
	require.Equal(t, 1, all(kam.BoxKAs).Weeks[11])
	require.Equal(t, 1, all(kam.BoxReject).Weeks[11])

	north := see("north", service.MapFilter{})
	require.Equal(t, 3, north("1").Open)
	require.Zero(t, north(kam.BoxReject).Weeks[11], "that was in the south")
	require.Equal(t, 1, see("boss", service.MapFilter{Territory: "S"})("1").Open)
	require.Equal(t, 4, see("boss", service.MapFilter{Requester: "rep"})("1").Open)
	require.Zero(t, see("boss", service.MapFilter{Requester: "north"})("1").Open)
	require.Zero(t, see("boss", service.MapFilter{Type: kam.Modify})("1").Open)
	_, err := b.Map(ctx, service.As("boss"), service.MapFilter{Territory: "X"})
	require.ErrorIs(t, err, kam.NotFound)
}
