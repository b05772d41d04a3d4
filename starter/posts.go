package main

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/kamflow/kamflow/internal/term"
	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/service"
)

func loadOrgCommand(a *app) *cobra.Command {
	var preview bool
	cmd := a.orgLoader("load-org FILE", "Load people, territories, calendars and lists (YAML or JSON); over what is there a second admin agrees",
		func(ctx context.Context, back service.Service, act service.OrgAct, file string) error {
			act.Preview = preview
			return a.loadOrg(ctx, back, act, file)
		})
	previewFlag(cmd, &preview)
	return cmd
}

func previewFlag(cmd *cobra.Command, preview *bool) {
	cmd.Flags().BoolVar(preview, "preview", false, "tell what would change and which customers and tasks move; change nothing")
}

// orgCommand shows the tree with who holds its posts, on any day.
func orgCommand(a *app) *cobra.Command {
	var asOf, of string
	cmd := &cobra.Command{
		Use:     "org [--as-of DAY] [--of USER]",
		Short:   "Who holds which post: today, on a day that is past, or as planned",
		Example: "  starter --as ada.policy org --as-of 2027-01-01",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			back, err := a.system(cmd.Context())
			if err != nil {
				return err
			}
			all, err := back.Posts(cmd.Context(), a.me(), asOf)
			if err != nil {
				return unreachable("PostgreSQL", err)
			}
			return a.posts(all, kam.UserID(of))
		},
	}
	cmd.Flags().StringVar(&asOf, "as-of", "", "the day, as 2027-01-01, or the time, as 2027-01-01T08:00:00Z; without it now")
	cmd.Flags().StringVar(&of, "of", "", "the posts of one person")
	return cmd
}

func (a *app) posts(all []service.Held, of kam.UserID) error {
	var found []service.Held
	for _, h := range all {
		if of == "" || h.Manager == of {
			found = append(found, h)
		}
	}
	if a.json {
		return a.printJSON(map[string]any{"posts": nonNil(found)})
	}
	if len(found) == 0 {
		a.say("posts.none")
		return nil
	}
	day := func(at *time.Time) string {
		if at == nil {
			return ""
		}
		return at.UTC().Format("2006-01-02 15:04")
	}
	holder := func(u kam.UserID) string {
		if u == "" {
			return a.text("posts.vacant")
		}
		return string(u)
	}
	t := term.NewTable(a.text("label.node"), a.text("label.level"), a.text("label.holder"), a.text("label.since"), a.text("label.until"), a.text("label.then"))
	for _, h := range found {
		then := ""
		if h.Next != nil {
			then = holder(*h.Next)
		}
		t.Row(h.Node, string(h.Level), holder(h.Manager), day(h.From), day(h.Until), then)
	}
	a.printf("%s", t.Text(a.screen))
	return nil
}

// handOverCommand gives all one's open tasks to a colleague.
func handOverCommand(a *app) *cobra.Command {
	var o service.HandOver
	cmd := &cobra.Command{
		Use:     "hand-over --to USER --reason TEXT",
		Short:   "Give all your open tasks to a colleague, for a leave; what he may not have stays, with the cause",
		Example: "  starter --as hanna.terr hand-over --to lea.terr --reason 'On leave until 6 January.'",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if o.To == "" || o.Reason == "" {
				return usagef("say --to USER and --reason TEXT")
			}
			if o.DecisionID == "" {
				o.DecisionID = service.NewDecisionID()
			}
			back, err := a.system(cmd.Context())
			if err != nil {
				return err
			}
			done, err := back.HandOver(cmd.Context(), a.me(), o)
			if err != nil {
				return sendAgain(unreachable("kamflow", err), o.DecisionID)
			}
			return a.handedOver(done, o.DecisionID)
		},
	}
	cmd.Flags().StringVar((*string)(&o.To), "to", "", "who takes them")
	cmd.Flags().StringVar(&o.Reason, "reason", "", "why, in words")
	cmd.Flags().StringVar(&o.DecisionID, "decision-id", "", "id of a decision that is sent again")
	return cmd
}

// handedOver tells what was moved, what stays and why, and what is still to do.
func (a *app) handedOver(done service.HandedOver, decision string) error {
	switch {
	case a.json:
		if err := a.printJSON(struct {
			service.HandedOver
			DecisionID string `json:"decision_id"`
		}{done, decision}); err != nil {
			return err
		}
	default:
		a.say("handover.done", len(done.Moved), string(done.To), len(done.Left))
		for _, t := range done.Moved {
			a.say("handover.moved", string(t.CaseNo), string(t.Kind))
		}
		for _, t := range done.Left {
			a.say("handover.left", string(t.CaseNo), string(t.Kind), a.words.Error(t.Cause))
		}
	}
	if done.Rest > 0 {
		return sendAgain(kam.Errorf(kam.Unreachable, "tasks not reached in time: %d", done.Rest), decision)
	}
	if len(done.Left) > 0 {
		return printed{exitError{exitRefused, errors.New("tasks stay")}}
	}
	return nil
}

// planned tells what takes effect by itself on its day.
func (a *app) planned(c service.OrgChange) error {
	a.say("org.planned", c.What, c.From.UTC().Format(time.RFC3339))
	for _, w := range c.Warnings {
		a.say("org.warning", w)
	}
	a.moves(c)
	return nil
}

// previewed tells what a change would do.
func (a *app) previewed(c service.OrgChange) error {
	a.say("org.preview", c.What)
	a.differences(c.Differences)
	a.moves(c)
	if c.Pending {
		a.say("org.two")
	}
	return nil
}

// moves tells which customers and open tasks a change of the tree moves.
func (a *app) moves(c service.OrgChange) {
	m := c.Moves
	if m == nil {
		return
	}
	some := func(n int, shown []string) string {
		text := strings.Join(shown, ", ")
		if n > len(shown) {
			text += ", …"
		}
		return text
	}
	if m.Customers > 0 {
		a.say("org.customers", m.Customers, some(m.Customers, m.CustomerNos[:min(len(m.CustomerNos), 20)]))
	}
	for i, t := range m.Tasks {
		if i == 20 {
			a.say("org.moretasks", m.TaskCount-i)
			break
		}
		to := string(t.To)
		if to == "" {
			to = a.text("org.nextlevel")
		}
		a.say("org.task", string(t.Kind), string(t.CaseNo), t.Node, string(t.From), to)
	}
}
