package main

import (
	"cmp"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/kamflow/kamflow/internal/term"
	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/onboarding"
	"github.com/kamflow/kamflow/service"
)

func inboxCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:     "inbox",
		Short:   "What waits for me",
		Example: "  starter --as hanna.terr inbox",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			by, err := a.who(cmd.Context())
			if err != nil {
				return err
			}
			back, err := a.system(cmd.Context())
			if err != nil {
				return err
			}
			items, err := back.Inbox(cmd.Context(), a.me())
			if err != nil {
				return unreachable("PostgreSQL", err)
			}
			if a.json {
				if items == nil {
					items = []service.InboxItem{}
				}
				return a.printJSON(map[string]any{"user_id": by, "tasks": items})
			}
			if len(items) == 0 {
				a.say("inbox.empty", string(by))
				return nil
			}
			a.printf("%s", a.inboxTable(items).Text(a.screen))
			return nil
		},
	}
}

func (a *app) inboxTable(items []service.InboxItem) *term.Table {
	t := term.NewTable(a.text("label.case"), a.text("label.customer"), a.text("label.task"), a.text("label.priority"),
		a.text("label.stage"), a.text("label.mine")+">", a.text("label.inall")+">", a.text("label.due"))
	for _, i := range items {
		task := i.Task.Step.Label()
		if i.Task.Kind != "" {
			task = strings.ReplaceAll(string(i.Task.Kind), "_", " ") + " (" + string(i.Task.Step) + ")"
		}
		switch {
		case i.Task.Queue == "":
		case i.Task.ClaimedBy != "":
			task += ", " + a.text("inbox.claimed", i.Task.Queue, string(i.Task.ClaimedBy))
		default:
			task += ", " + a.text("inbox.shared", i.Task.Queue)
		}
		due := ""
		if i.Due != nil {
			due = a.screen.Time(*i.Due)
		}
		no, name := string(i.CaseNo), i.CustomerName
		if batch, ok := strings.CutPrefix(i.Subject, "import/"); ok {
			no, name = batch, i.Task.Note
		} else if i.Subject != "" {
			name += " " + i.Subject
		}
		t.Row(no, name, task, i.Task.Priority, a.measured(i.Measure), a.hours(i.Measure.Mine), a.hours(i.Measure.InAll), due)
	}
	return t
}

// measured is the time in a stage against its target.
func (a *app) measured(m *kam.Measure) string { return a.words.Measured(m) }

func (a *app) hours(h *kam.Dec) string { return a.words.Hours(h) }

// turn is whose turn it is.
func (a *app) turn(m *kam.Measure) string {
	if m == nil || m.Party == "" {
		return ""
	}
	return a.text("party." + string(m.Party))
}

func listCommand(a *app) *cobra.Command {
	var f service.Filter
	var state, requester, kind, owed, order string
	var olderDays int
	cmd := &cobra.Command{
		Use:     "list",
		Short:   "Find cases by customer, type, state, requester, territory or age",
		Example: "  starter list --type MODIFY --open\n  starter list --customer C-000121\n  starter list --owed MANAGER --overdue --order STAGE",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			f.State, f.Requester, f.OlderThan = onboarding.State(strings.ToUpper(state)), kam.UserID(requester), time.Duration(olderDays)*24*time.Hour
			f.Type = kam.CaseType(strings.ToUpper(kind))
			f.Owed, f.Order = kam.Party(strings.ToUpper(owed)), service.Order(strings.ToUpper(order))
			err := cmp.Or(oneOf("--owed", "%q owes no answer", f.Owed, kam.Parties), oneOf("--order", "%q is no order of cases", f.Order, service.Orders), oneOf("--type", "%q is no type of case", f.Type, kam.CaseTypes), oneOf("--state", "%q is no state", f.State, states()),
				within("--limit", f.Limit, 1, mostListed), within("--older", olderDays, 0, mostDays))
			if err != nil {
				return err
			}
			back, err := a.system(cmd.Context())
			if err != nil {
				return err
			}
			lines, err := back.Cases(cmd.Context(), a.me(), f)
			if err != nil {
				return unreachable("PostgreSQL", unknown(f, err))
			}
			return a.list(lines, f.Requester, f.Limit)
		},
	}
	fs := cmd.Flags()
	fs.StringVar(&f.Customer, "customer", "", "number of a customer, or part of a name")
	fs.StringVar(&kind, "type", "", "type of case: NEW, MODIFY, REACTIVATE, DEACTIVATE, RECLASSIFY")
	fs.StringVar(&state, "state", "", "state, as AWAITING_CONFIRMATION")
	fs.StringVar(&requester, "requester", "", "who requested it, or follows it")
	fs.StringVar(&f.Territory, "territory", "", "node of the tree, with all below it")
	fs.IntVar(&olderDays, "older", 0, "not changed for so many days")
	fs.BoolVar(&f.Open, "open", false, "only cases that have not ended")
	fs.StringVar(&owed, "owed", "", "whose turn it is: REQUESTER, MANAGER, STEWARD, COMPLIANCE, ENGINE")
	fs.BoolVar(&f.Overdue, "overdue", false, "only those beyond the target of their stage")
	fs.StringVar(&order, "order", "", "CHANGED last first; of open cases also AGE, STAGE (longest in it first), TARGET (passed first)")
	fs.IntVar(&f.Limit, "limit", 100, "how many at most")
	return cmd
}

// What list takes at most.
const (
	mostListed = 10_000
	mostDays   = 36_500 // a hundred years
)

func states() []onboarding.State {
	all := make([]onboarding.State, len(onboarding.States))
	for i, s := range onboarding.States {
		all[i] = s.State
	}
	return all
}

// requestedBy names the requester, and whose cases were asked for where he follows
// this one.
func (a *app) requestedBy(l service.CaseLine, follower kam.UserID) string {
	if follower == "" || follower == l.Requester {
		return string(l.Requester)
	}
	return a.text("list.follows", string(l.Requester), string(follower))
}

func (a *app) list(lines []service.CaseLine, follower kam.UserID, limit int) error {
	t := term.NewTable(a.text("label.case"), a.text("label.type"), a.text("label.customer"), a.text("label.state"), a.text("label.step"), a.text("label.outcome"), a.text("label.requester"), a.text("label.territory"), a.text("label.turn"), a.text("label.stage"), a.text("label.inall")+">", a.text("label.changed"))
	for _, l := range lines {
		t.Row(string(l.CaseNo), string(l.Type), l.CustomerName, string(l.State), string(l.Step), string(l.Outcome), a.requestedBy(l, follower), l.Territory, a.turn(l.Measure), a.measured(l.Measure), a.hours(l.InAll), a.screen.Time(l.UpdatedAt))
	}
	return listed(a, "cases", lines, "list", t, limit)
}

// listed prints what was found: as JSON under key, as the table, or that there
// is nothing; and that there may be more where the limit was reached. The texts
// of the last two are those of what.
func listed[T any](a *app, key string, lines []T, what string, t *term.Table, limit int) error {
	if a.json {
		if lines == nil {
			lines = []T{}
		}
		return a.printJSON(map[string]any{key: lines})
	}
	if len(lines) == 0 {
		a.say(what + ".none")
		return nil
	}
	a.printf("%s", t.Text(a.screen))
	if len(lines) == limit {
		a.say(what+".more", limit)
	}
	return nil
}
