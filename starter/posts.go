package main

import (
	"context"
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
	t := term.NewTable(a.text("label.node"), a.text("label.level"), a.text("label.manager"), a.text("label.since"), a.text("label.until"), a.text("label.then"))
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
