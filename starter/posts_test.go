package main

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/access"
	"github.com/kamflow/kamflow/kam/onboarding"
	"github.com/kamflow/kamflow/service"
	accessdb "github.com/kamflow/kamflow/store/access"
)

// heldFake is a tree whose posts are asked about.
type heldFake struct {
	orgFake
	asked time.Time
	held  []accessdb.Held
}

func (f *heldFake) kept() service.Record {
	r := f.fake.kept()
	r.Access = f
	return r
}

func (f *heldFake) Posts(_ context.Context, at time.Time) ([]accessdb.Held, error) {
	f.asked = at
	return f.held, nil
}

func (f *heldFake) HandTask(_ context.Context, _ accessdb.OrgAct, _ string, to kam.UserID, _ access.Action) error {
	return kam.Errorf(kam.Forbidden, "%s manages no key accounts", to)
}

// TestPostsOnAnyDay: who holds them, until when, and what is planned.
func TestPostsOnAnyDay(t *testing.T) {
	until, lea, none := time.Date(2026, 12, 31, 23, 0, 0, 0, time.UTC), kam.UserID("lea"), kam.UserID("")
	f := &heldFake{orgFake: orgFake{fakeAccess: fakeAccess{fake: changing()}}, held: []accessdb.Held{
		{Node: "DE-N-01", Level: kam.LevelTerritory, Manager: "tom", Until: &until, Next: &lea},
		{Node: "DE-N-02", Level: kam.LevelTerritory, From: &until},
		{Node: "DE-N-03", Level: kam.LevelTerritory, Manager: "tom", Until: &until, Next: &none},
	}}
	say := func(args ...string) result {
		return startOn(t, system{service.New(f.kept(), nil, ""), f.fake}, "", false, append([]string{"--as", "tom"}, args...)...)
	}
	got := say("org", "--as-of", "2026-12-01")
	require.Zero(t, got.status, got.err)
	require.Equal(t, "2026-12-01T10:00:00Z", f.asked.Format(time.RFC3339))
	for _, part := range []string{"2026-12-31 23:00", "lea", "(vacant)", "DE-N-02"} {
		require.Contains(t, got.out, part)
	}
	got = say("org", "--of", "tom", "--json")
	require.Zero(t, got.status, got.err)
	require.NotContains(t, got.out, "DE-N-02")
	require.Contains(t, got.out, `"next_manager_id": "lea"`)
	require.Contains(t, say("org", "--of", "nobody").out, "No such post")
	require.Equal(t, 2, say("org", "--as-of", "soon").status)

	from := time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC)
	f.answer = accessdb.OrgChange{What: "the post of DE goes from tom to lea from 2027-01-01", From: &from, Preview: true, Pending: true,
		Differences: []string{"nodes DE: manager_id tom → lea"}, Moves: &accessdb.Moves{Customers: 300, CustomerNos: []string{"C-000001"}, TaskCount: 30,
			Tasks: make([]accessdb.MovedTask, 25)}}
	f.answer.Moves.Tasks[0] = accessdb.MovedTask{CaseNo: theCase, Kind: onboarding.TaskConfirmation, Node: "DE", From: "tom"}
	got = say("admin", "node", "set", "DE", "--manager", "lea", "--from", "2027-01-01", "--preview")
	require.Zero(t, got.status, got.err)
	require.True(t, f.act.Preview)
	require.Equal(t, accessdb.Post{Node: "DE", Manager: "lea", From: "2027-01-01"}, f.post)
	for _, part := range []string{"A preview, nothing has changed", "manager_id tom → lea", "300 (C-000001, …)", "goes with the post of DE from tom to the next level", "10 more tasks", "takes a second admin"} {
		require.Contains(t, got.out, part)
	}
	f.answer.Preview, f.answer.Pending = false, false
	got = say("admin", "node", "set", "DE", "--manager", "lea", "--from", "2027-01-01")
	require.Contains(t, got.out, "It takes effect by itself at 2027-01-01T00:00:00Z")
}

// TestHandOverTells what stays, by its exit status too.
func TestHandOverTells(t *testing.T) {
	f := &heldFake{orgFake: orgFake{fakeAccess: fakeAccess{fake: changing()}}}
	run := func(t *testing.T, f *heldFake, args ...string) result {
		t.Helper()
		return startOn(t, system{service.New(f.kept(), nil, ""), f.fake}, "", false, args...)
	}
	f.inbox = []service.InboxItem{{Task: kam.Task{ID: "T-1", Kind: onboarding.TaskKAMAssignment}, CaseNo: theCase, Subject: "KA-000003", Mine: true}}
	got := run(t, f, "--as", "tom", "hand-over", "--to", "rita", "--reason", "leave")
	require.Equal(t, 1, got.status)
	require.Contains(t, got.out, "Tasks handed over: 0, to rita. Tasks that stay: 1.")
	require.Contains(t, got.out, "rita manages no key accounts")
	f.inbox = nil
	require.Zero(t, run(t, f, "--as", "tom", "hand-over", "--to", "rita", "--reason", "leave").status)
	require.Equal(t, 2, run(t, f, "--as", "tom", "hand-over", "--to", "rita").status)
}
