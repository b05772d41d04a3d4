package acceptance

import (
	"crypto/rand"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/access"
	"github.com/kamflow/kamflow/kam/onboarding"
	accessdb "github.com/kamflow/kamflow/store/access"
)

// nextMonday is 08:00 UTC on a Monday that comes: what is planned lies ahead of
// the clock of the database, and the case goes there in skipped time.
func nextMonday() time.Time {
	at := time.Now().UTC().Truncate(day).Add(7*day + 8*hour)
	for at.Weekday() != time.Monday {
		at = at.Add(day)
	}
	return at
}

// plans has two admins agree to who holds a post from a day on.
func (w *world) plans(node string, manager kam.UserID, from time.Time) {
	w.t.Helper()
	act := func(by kam.UserID) accessdb.OrgAct {
		return accessdb.OrgAct{DecisionID: rand.Text(), By: by, May: access.Permit}
	}
	c, err := w.db.Access.SetManager(w.t.Context(), act("zz.policy1"), accessdb.Post{Node: node, Manager: manager, From: from.Format(time.DateOnly)})
	require.NoError(w.t, err)
	require.True(w.t, c.Pending)
	_, err = w.db.Access.Agree(w.t.Context(), act("zz.policy2"), c.Proposal)
	require.NoError(w.t, err)
}

// TestAPostChangesHandsOnItsDay: theo holds the post until midnight in Berlin,
// tara from then on. She may decide before the worker has looked whom the task
// waits for; when it has, the task is hers, and history says by which post.
func TestAPostChangesHandsOnItsDay(t *testing.T) {
	for name, looked := range map[string]bool{"before the worker has looked": false, "when the worker has looked": true} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			start := nextMonday()
			w.plans("DE-S-02", "tara.territory", start.Add(day))
			s := w.onboardAt(start, "rep.south", data(t, screening("Wechsel GmbH"), details()))
			s.expect(1*hour, onboarding.AwaitingConfirmation, "theo.territory")
			s.act(2*hour, kam.Forbidden, confirm("tara.territory", ""))
			midnight := 15 * hour // of 08:00 UTC, in winter; an hour earlier in summer
			s.expect(midnight-2*hour, onboarding.AwaitingConfirmation, "theo.territory")
			s.act(midnight+time.Minute, kam.Forbidden, confirm("theo.territory", ""))
			if looked {
				s.at(midnight+hour, func(now onboarding.Snapshot) {
					open, err := working(w.db).Misrouted(t.Context(), s.env.Now())
					if err != nil || !slices.Contains(open, s.no) {
						s.faults = append(s.faults, "the worker does not see that the task moves")
					}
					s.env.SignalWorkflow(onboarding.SignalReroute, nil)
				})
				s.expect(midnight+2*hour, onboarding.AwaitingConfirmation, "tara.territory")
			}
			s.act(midnight+3*hour, "", confirm("tara.territory", ""))
			end := s.run()
			require.Equal(t, onboarding.Completed, end.State)
			require.Equal(t, kam.UserID("tara.territory"), end.ConfirmedBy)
			var told []string
			for _, e := range s.events() {
				if e.Type == kam.EventTaskOpened && e.Step == "1.1.5" || e.Type == kam.EventTaskReassigned {
					told = append(told, e.Text)
				}
			}
			want := []string{"confirmation waits for theo.territory (post of DE-S-02)"}
			if looked {
				want = append(want, "the organisation changed: confirmation waits for tara.territory (post of DE-S-02)")
			}
			require.Equal(t, want, told)
		})
	}
}
