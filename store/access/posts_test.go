package access_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/access"
	"github.com/kamflow/kamflow/kam/onboarding"
	"github.com/kamflow/kamflow/store"
	accessdb "github.com/kamflow/kamflow/store/access"
	casedb "github.com/kamflow/kamflow/store/onboarding"
	"github.com/kamflow/kamflow/store/storetest"
)

// inDays is a day that comes.
func inDays(n int) string { return time.Now().UTC().AddDate(0, 0, n).Format(time.DateOnly) }

// byTwo proposes and agrees.
func byTwo(t *testing.T, s *store.Store, id string, p accessdb.Post) accessdb.OrgChange {
	t.Helper()
	c, err := s.Access.SetManager(t.Context(), orgAct(id, "pia"), p)
	require.NoError(t, err)
	if !c.Pending {
		return c
	}
	c, err = s.Access.Agree(t.Context(), orgAct(id+"/yes", "paul"), c.Proposal)
	require.NoError(t, err)
	return c
}

func managerOf(t *testing.T, s *store.Store, node string) kam.UserID {
	t.Helper()
	nodes, err := s.Access.Nodes(t.Context())
	require.NoError(t, err)
	i := slices.IndexFunc(nodes, func(n kam.TerritoryNode) bool { return n.Code == node })
	require.GreaterOrEqual(t, i, 0, node)
	return nodes[i].ManagerID
}

// mayConfirm says whether somebody may confirm a case in DE-HH.
func mayConfirm(t *testing.T, s *store.Store, u kam.UserID) bool {
	t.Helper()
	p, err := s.Access.Person(t.Context(), u)
	require.NoError(t, err)
	subject := access.Subject{Level: kam.LevelTerritory, Requester: "rita",
		Path: []string{"DE-HH", "DE-N", "DE", "W"}, Levels: []kam.NodeLevel{kam.LevelTerritory, kam.LevelRegion, kam.LevelCountry, kam.LevelGlobal}}
	_, err = access.Permit(p, access.ActionConfirm, subject)
	return err == nil
}

// asked opens the confirmation of a case for the post of DE-HH.
func asked(t *testing.T, s *store.Store) kam.CaseNo {
	t.Helper()
	no := storetest.NewCase(t, s, t.Name())
	storetest.Within(t, s, no, func(tx *casedb.Tx) {
		require.NoError(t, tx.CloseTask("DONE", "rita"))
		tx.Case.State, tx.Case.Territory = onboarding.AwaitingConfirmation, "DE-HH"
		require.NoError(t, tx.OpenTask(kam.Task{Kind: onboarding.TaskConfirmation, Node: "DE-HH", Level: kam.LevelTerritory,
			Assignees: []kam.UserID{"mona"}, Posts: map[kam.UserID]string{"mona": "DE-HH"}}))
	})
	return no
}

func inboxOf(t *testing.T, s *store.Store, u kam.UserID) (nos []kam.CaseNo) {
	t.Helper()
	items, err := s.Cases.Inbox(t.Context(), u)
	require.NoError(t, err)
	for _, i := range items {
		require.True(t, i.Mine)
		nos = append(nos, i.CaseNo)
	}
	return nos
}

// TestAPlannedPostChangesHandsByItself: two admins agree, nothing changes before
// the day, and from then on everything that is asked knows the new holder, with
// his tasks, before the worker has looked and after.
func TestAPlannedPostChangesHandsByItself(t *testing.T) {
	t.Parallel()
	s, ctx := governed(t), t.Context()
	no := asked(t, s)
	before := orgNow(t, s)
	changed, err := s.Access.OrgChanged(ctx)
	require.NoError(t, err)

	plan := accessdb.Post{Node: "DE-HH", Manager: "theo", From: inDays(10)}
	c, err := s.Access.SetManager(ctx, orgAct("1", "pia"), plan)
	require.NoError(t, err)
	require.True(t, c.Pending)
	require.Contains(t, c.Differences, "nodes DE-HH: manager_id mona → theo")
	require.Equal(t, &accessdb.Moves{CustomerNos: []string{}, NodesAffected: []string{"DE-HH"}, TaskCount: 1,
		Tasks: []accessdb.MovedTask{{ID: c.Moves.Tasks[0].ID, CaseNo: no, Kind: onboarding.TaskConfirmation, Node: "DE-HH", From: "mona", To: "theo"}}}, c.Moves)
	_, err = s.Access.Agree(ctx, orgAct("2", "pia"), c.Proposal)
	require.ErrorIs(t, err, kam.Separation)
	c, err = s.Access.Agree(ctx, orgAct("3", "paul"), c.Proposal)
	require.NoError(t, err)
	require.Equal(t, inDays(10)+"T00:00:00Z", c.From.Format(time.RFC3339))

	require.Equal(t, before, orgNow(t, s), "nothing before the day")
	now, err := s.Access.OrgChanged(ctx)
	require.NoError(t, err)
	require.Equal(t, changed, now, "nor has the worker anything to look at")
	require.Equal(t, []kam.CaseNo{no}, inboxOf(t, s, "mona"))
	require.Empty(t, inboxOf(t, s, "theo"))
	n, err := s.Access.TakeEffect(ctx)
	require.NoError(t, err)
	require.Zero(t, n)
	later, err := accessdb.AsOf(inDays(10))
	require.NoError(t, err)
	held := func(at time.Time) accessdb.Held {
		all, err := s.Access.Posts(ctx, at)
		require.NoError(t, err)
		i := slices.IndexFunc(all, func(h accessdb.Held) bool { return h.Node == "DE-HH" })
		return all[i]
	}
	today := held(time.Time{})
	require.Equal(t, kam.UserID("mona"), today.Manager)
	require.Equal(t, kam.UserID("theo"), *today.Next)
	require.Equal(t, kam.UserID("theo"), held(later).Manager)
	require.Nil(t, held(later).Until)

	storetest.Later(t, s, 11*24*time.Hour)
	once := func() {
		require.Equal(t, kam.UserID("theo"), managerOf(t, s, "DE-HH"))
		require.True(t, mayConfirm(t, s, "theo"))
		require.False(t, mayConfirm(t, s, "mona"))
		require.Equal(t, []kam.CaseNo{no}, inboxOf(t, s, "theo"))
		require.Empty(t, inboxOf(t, s, "mona"))
		at, err := s.Access.OrgChanged(ctx)
		require.NoError(t, err)
		require.NotEqual(t, changed, at, "the worker looks whom tasks wait for")
		theo, err := s.Access.Person(ctx, "theo")
		require.NoError(t, err)
		require.Equal(t, []string{"FR", "DE-HH"}, theo.Nodes)
		require.Equal(t, kam.UserID("mona"), held(time.Now().AddDate(0, 0, -2)).Manager, "who held it before")
	}
	once()
	require.Equal(t, []string{"DE-HH"}, theNodes(t, s, "mona"), "until it is written down she is known there, without the post")
	n, err = s.Access.TakeEffect(ctx)
	require.NoError(t, err)
	require.Equal(t, 1, n)
	once()
	require.Empty(t, theNodes(t, s, "mona"))
	n, err = s.Access.TakeEffect(ctx)
	require.NoError(t, err)
	require.Zero(t, n, "once")
	trail, err := s.TrailOf(ctx, accessdb.Organisation.ID)
	require.NoError(t, err)
	require.Equal(t, "as planned: the post of DE-HH goes from mona to theo", trail[len(trail)-1].Text)
	require.Equal(t, kam.System, trail[len(trail)-1].Actor)
	require.Empty(t, storetest.Breaks(t, s))
}

func theNodes(t *testing.T, s *store.Store, u kam.UserID) []string {
	t.Helper()
	p, err := s.Access.Person(t.Context(), u)
	require.NoError(t, err)
	return p.Nodes
}

// TestWhatHappensToAPlan: it can be taken back, comes too late, or stands while
// something else changes before its day.
func TestWhatHappensToAPlan(t *testing.T) {
	t.Parallel()
	s, ctx := governed(t), t.Context()
	for from, code := range map[string]kam.Code{inDays(0): kam.Invalid, "2020-01-01": kam.Invalid, inDays(5000): kam.Invalid, "soon": kam.Invalid} {
		_, err := s.Access.SetManager(ctx, orgAct("bad"+from, "pia"), accessdb.Post{Node: "DE-HH", Manager: "theo", From: from})
		require.ErrorIs(t, err, code, from)
		require.Equal(t, "from", kam.AsError(err).Field)
	}
	_, err := s.Access.SetManager(ctx, orgAct("ida", "pia"), accessdb.Post{Node: "DE-HH", Manager: "rita", From: inDays(3)})
	require.ErrorIs(t, err, kam.Invalid, "she is no territory manager")

	byTwo(t, s, "1", accessdb.Post{Node: "DE-HH", Manager: "theo", From: inDays(10)})
	byTwo(t, s, "2", accessdb.Post{Node: "DE-HH", Manager: "mona", From: inDays(10)})
	require.Zero(t, storetest.Count(t, s, `select count(*) from kam.post where not settled`), "taken back")

	byTwo(t, s, "3", accessdb.Post{Node: "DE-HH", From: inDays(20)})
	byTwo(t, s, "4", accessdb.Post{Node: "DE-HH", Manager: "theo", From: inDays(30)})
	byTwo(t, s, "5", accessdb.Post{Node: "DE-HH", Manager: "petra"})
	require.Equal(t, kam.UserID("petra"), managerOf(t, s, "DE-HH"))
	stays := person(t, s, "mona", func(u *accessdb.User) { u.Email = "mona@x.example" })
	_, err = s.Access.SetPerson(ctx, orgAct("6", "ulf"), stays)
	require.NoError(t, err)
	storetest.Later(t, s, 21*24*time.Hour)
	require.Empty(t, managerOf(t, s, "DE-HH"))
	require.False(t, mayConfirm(t, s, "petra"))
	storetest.Later(t, s, 10*24*time.Hour)
	require.Equal(t, kam.UserID("theo"), managerOf(t, s, "DE-HH"), "also where nobody wrote anything down in between")
	require.True(t, mayConfirm(t, s, "theo"))
	n, err := s.Access.TakeEffect(ctx)
	require.NoError(t, err)
	require.Equal(t, 2, n)
	require.True(t, mayConfirm(t, s, "theo"))
	require.NotContains(t, theNodes(t, s, "petra"), "DE-HH")

	c, err := s.Access.SetManager(ctx, orgAct("7", "pia"), accessdb.Post{Node: "DE-HH", Manager: "mona", From: time.Now().UTC().Add(2 * time.Second).Format(time.RFC3339)})
	require.NoError(t, err)
	require.True(t, c.Pending)
	time.Sleep(3 * time.Second)
	_, err = s.Access.Agree(ctx, orgAct("8", "paul"), c.Proposal)
	require.ErrorIs(t, err, kam.StaleRevision, "its moment is over")
}

// TestAPreviewChangesNothing and asks who may all the same.
func TestAPreviewChangesNothing(t *testing.T) {
	t.Parallel()
	s, ctx := governed(t), t.Context()
	no := asked(t, s)
	before := orgNow(t, s)
	a := orgAct("1", "pia")
	a.Preview = true
	c, err := s.Access.SetManager(ctx, a, accessdb.Post{Node: "DE-HH", Manager: "theo", From: inDays(10)})
	require.NoError(t, err)
	require.True(t, c.Preview)
	require.Empty(t, c.Proposal)
	require.Equal(t, no, c.Moves.Tasks[0].CaseNo)
	require.Equal(t, before, orgNow(t, s))
	open, err := s.Access.Proposals(ctx, true)
	require.NoError(t, err)
	require.Empty(t, open)
	a.By = "rita"
	_, err = s.Access.SetManager(ctx, a, accessdb.Post{Node: "DE-HH", Manager: "theo", From: inDays(10)})
	require.ErrorIs(t, err, kam.Forbidden)
}

// TestATreeIsPlanned: a file of nodes that holds from a day on.
func TestATreeIsPlanned(t *testing.T) {
	t.Parallel()
	s, ctx := governed(t), t.Context()
	plan := accessdb.Org{From: inDays(10), Nodes: slices.Clone(governedOrg().Nodes)}
	for i, n := range plan.Nodes {
		if n.Code == "DE-HH" {
			plan.Nodes[i].Parent, plan.Nodes[i].ManagerID = "FR-N", "theo"
		}
	}
	plan.Nodes = append(slices.DeleteFunc(plan.Nodes, func(n accessdb.Node) bool { return n.Code == "DE-N" }),
		accessdb.Node{Code: "FR-N", Level: kam.LevelRegion, Parent: "FR", ManagerID: "rolf"})
	with := plan
	with.Users = governedOrg().Users
	_, err := s.Access.LoadOrg(ctx, orgAct("0", "pia"), with)
	require.ErrorIs(t, err, kam.Invalid, "people have no days")
	twice := plan
	twice.Nodes = append(slices.Clone(plan.Nodes), plan.Nodes[0])
	_, err = s.Access.LoadOrg(ctx, orgAct("00", "pia"), twice)
	require.ErrorIs(t, err, kam.Invalid)

	c, err := s.Access.LoadOrg(ctx, orgAct("1", "pia"), plan)
	require.NoError(t, err)
	require.True(t, c.Pending)
	require.Equal(t, []string{"DE-HH", "DE-N", "FR-N"}, c.Moves.NodesAffected)
	before := orgNow(t, s)
	_, err = s.Access.Agree(ctx, orgAct("2", "paul"), c.Proposal)
	require.NoError(t, err)
	require.Equal(t, before, orgNow(t, s))

	storetest.Later(t, s, 11*24*time.Hour)
	nodes, err := s.Access.Nodes(ctx)
	require.NoError(t, err)
	var path []string
	for _, n := range kam.PathOf(nodes, "DE-HH") {
		path = append(path, n.Code)
	}
	require.Equal(t, []string{"DE-HH", "FR-N", "FR", "W"}, path)
	require.Len(t, nodes, 5)
	require.True(t, mayConfirm(t, s, "theo"))
	require.Contains(t, theNodes(t, s, "rolf"), "FR-N")
	past, err := s.Access.Posts(ctx, time.Now().AddDate(0, 0, -5))
	require.NoError(t, err)
	require.True(t, slices.ContainsFunc(past, func(h accessdb.Held) bool { return h.Node == "DE-N" }), "it was there then")
}

// TestTheReleaseBeforeReadsAndWritesTheTree under its old name, as it did.
func TestTheReleaseBeforeReadsAndWritesTheTree(t *testing.T) {
	t.Parallel()
	s := governed(t)
	byTwo(t, s, "1", accessdb.Post{Node: "DE-HH", Manager: "theo", From: inDays(10)})
	rows := func() int { return storetest.Count(t, s, `select count(*) from kam.territory`) }
	n := rows()
	pool := storetest.Pool(t, s)
	load := func(tx pgx.Tx) error {
		var was []accessdb.Node
		was = append(was, governedOrg().Nodes...)
		if _, err := tx.Exec(t.Context(), `delete from kam.node`); err != nil {
			return err
		}
		for _, x := range was {
			if _, err := tx.Exec(t.Context(), `insert into kam.node (code, level, parent, name, manager_id, calendar) values ($1, $2, $3, $4, $5, $6)`,
				x.Code, x.Level, x.Parent, x.Name, x.ManagerID, x.Calendar); err != nil {
				return err
			}
		}
		return nil
	}
	before := orgNow(t, s)
	require.NoError(t, pgx.BeginFunc(t.Context(), pool, load))
	require.Equal(t, before, orgNow(t, s))
	require.Equal(t, n, rows(), "what comes back has never gone")
	require.NoError(t, storetest.Exec(t, s, `update kam.node set manager_id = 'petra' where code = 'DE-HH'`))
	require.Equal(t, kam.UserID("petra"), managerOf(t, s, "DE-HH"))
	require.Equal(t, "petra", storetest.Text(t, s, `select manager_id from kam.node where code = 'DE-HH'`))
	require.Error(t, storetest.Exec(t, s, `insert into kam.node (code, level, parent, name, manager_id, calendar) values ('DE-HH', '', '', '', '', '')`))
	storetest.Later(t, s, 11*24*time.Hour)
	require.Equal(t, kam.UserID("theo"), managerOf(t, s, "DE-HH"), "the plan stands")
	require.NoError(t, storetest.Exec(t, s, `delete from kam.node where code = 'FR'`))
	require.NotContains(t, orgNow(t, s), "{FR COUNTRY")
}

// TestNoTwoHoldersAtOneTime: whatever is planned and changed in whatever order,
// each instant has one holder, and it is the one that a plain list of boundaries
// gives.
func TestNoTwoHoldersAtOneTime(t *testing.T) {
	t.Parallel()
	s := storetest.New(t)
	ctx := t.Context()
	start := time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC)
	round := 0
	rapid.Check(t, func(rt *rapid.T) {
		round++
		node := fmt.Sprintf("N-%d", round)
		type entry struct {
			at  int
			who string
		}
		var model []entry // from at on, until the next
		holder := func(at int) (who string, ok bool) {
			for _, e := range model {
				if e.at <= at {
					who, ok = e.who, true
				}
			}
			return who, ok
		}
		for range rapid.IntRange(1, 12).Draw(rt, "changes") {
			at := rapid.IntRange(0, 9).Draw(rt, "at")
			who := rapid.SampledFrom([]string{"", "ann", "bob", "cid"}).Draw(rt, "who")
			require.NoError(t, storetest.Exec(t, s, `select kam.fill_post($1, $2, $3, false)`, start.AddDate(0, 0, at), node, who))
			if is, ok := holder(at); !ok || is != who {
				model = slices.DeleteFunc(model, func(e entry) bool { return e.at == at })
				if was, ok := holder(at); !ok || was != who {
					model = append(model, entry{at, who})
				}
				slices.SortFunc(model, func(a, b entry) int { return a.at - b.at })
			}
		}
		for at := range 10 {
			want, ok := holder(at)
			var got []string
			rows, err := storetest.Pool(t, s).Query(ctx, `select user_id from kam.post where node = $1 and valid_from <= $2 and $2 < valid_to`, node, start.AddDate(0, 0, at))
			require.NoError(t, err)
			got, err = pgx.CollectRows(rows, pgx.RowTo[string])
			require.NoError(t, err)
			if !ok {
				require.Empty(t, got)
				continue
			}
			require.Equal(t, []string{want}, got, "day %d of %v", at, model)
		}
	})
	require.Error(t, storetest.Exec(t, s, `insert into kam.post (node, user_id, valid_from, valid_to) values ('X', 'ann', '2027-01-01', '2027-01-03'), ('X', 'bob', '2027-01-02', 'infinity')`),
		"the database refuses two")
	require.Error(t, storetest.Exec(t, s, `insert into kam.territory (code, level, parent, name, calendar, valid_from) values ('X', '', '', '', '', '2027-01-01'), ('X', '', '', 'other', '', '2027-01-02')`))
}

// TestATaskOfAnAccountIsHandedOver to a colleague who may have it, once.
func TestATaskOfAnAccountIsHandedOver(t *testing.T) {
	t.Parallel()
	s, ctx := governed(t), t.Context()
	no := storetest.NewCase(t, s, "k")
	require.NoError(t, storetest.Exec(t, s, `insert into kam.key_account (key_account_no, group_id, name, tier, home_node, owner, state, case_no, since, updated_at)
		values ('KA-000001', '', 'Nordwind', 'TERRITORY', 'DE-HH', 'mona', 'ACTIVE', $1, clock_timestamp(), clock_timestamp())`, no))
	storetest.Within(t, s, no, func(tx *casedb.Tx) {
		require.NoError(t, tx.OpenSideTask(kam.Task{Kind: onboarding.TaskKAMAssignment, Assignees: []kam.UserID{"mona", "gina"}}, "KA-000001"))
	})
	items, err := s.Cases.Inbox(ctx, "mona")
	require.NoError(t, err)
	task := items[len(items)-1].Task.ID
	hand := func(id string, by, to kam.UserID) kam.Code {
		return kam.CodeOf(s.Access.HandTask(ctx, orgAct(id, by), task, to, access.ActionAssignOwner))
	}
	require.Equal(t, kam.Forbidden, hand("1", "mona", "theo"), "he manages in France")
	require.Equal(t, kam.Invalid, hand("2", "mona", "nobody"))
	require.Equal(t, kam.Forbidden, hand("3", "rita", "petra"), "she has no such right")
	byTwo(t, s, "4", accessdb.Post{Node: "DE-N", Manager: "rolf"})
	require.Equal(t, kam.WrongState, hand("5", "rolf", "gina"), "it is not his")
	for range 2 {
		require.Empty(t, hand("6", "mona", "rolf"))
		require.Equal(t, []kam.CaseNo{no}, inboxOf(t, s, "rolf"))
		require.Equal(t, []kam.CaseNo{no}, inboxOf(t, s, "gina"), "whoever else has it keeps it")
		require.Empty(t, inboxOf(t, s, "mona"))
	}
	trail, err := s.TrailOf(ctx, accessdb.Organisation.ID)
	require.NoError(t, err)
	last := trail[len(trail)-1]
	require.Equal(t, kam.EventTaskReassigned, last.Type)
	require.Equal(t, "kam_assignment of KA-000001: mona to rolf: as agreed", last.Text)
	require.Empty(t, storetest.Breaks(t, s))
}
