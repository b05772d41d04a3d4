package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/kamflow/kamflow/internal/term"
	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/service"
)

func addAbsenceCommand(a *app) *cobra.Command {
	var ab service.Absence
	cmd := orgVerb(a, &cobra.Command{
		Use:     "add USER --from DAY --to DAY",
		Short:   "Somebody is away, both days included: the next level is asked meanwhile",
		Example: a.text("absence.add"),
	}, func(ctx context.Context, back service.Service, act service.OrgAct, id string) (service.OrgChange, error) {
		ab.UserID = kam.UserID(id)
		return back.AddAbsence(ctx, a.me(), act, ab)
	})
	cmd.Flags().StringVar(&ab.From, "from", "", "first day, as 2026-12-21")
	cmd.Flags().StringVar(&ab.To, "to", "", "last day")
	return cmd
}

func removeAbsenceCommand(a *app) *cobra.Command {
	var from string
	cmd := orgVerb(a, &cobra.Command{
		Use:     "remove USER --from DAY",
		Short:   "Take back the absence that begins on a day",
		Example: a.text("absence.remove"),
	}, func(ctx context.Context, back service.Service, act service.OrgAct, id string) (service.OrgChange, error) {
		return back.RemoveAbsence(ctx, a.me(), act, kam.UserID(id), from)
	})
	cmd.Flags().StringVar(&from, "from", "", "first day of the absence, as 2026-12-21")
	return cmd
}

func absencesCommand(a *app) *cobra.Command {
	var past bool
	cmd := &cobra.Command{
		Use:     "list [USER]",
		Short:   "Who is away, today or later; one's own everybody may see",
		Example: a.text("absence.list"),
		Args:    cobra.MaximumNArgs(1),
		RunE: a.asking(func(ctx context.Context, back service.Service, args []string) error {
			var of kam.UserID
			if len(args) > 0 {
				of = kam.UserID(args[0])
			}
			all, err := back.Absences(ctx, a.me(), of, past)
			if err != nil {
				return unreachable("PostgreSQL", err)
			}
			return a.absences(all)
		}),
	}
	cmd.Flags().BoolVar(&past, "all", false, "those that are over, too")
	return cmd
}

func (a *app) absences(all []service.Absence) error {
	if a.json {
		return a.printJSON(map[string]any{"absences": nonNil(all)})
	}
	if len(all) == 0 {
		a.say("absence.none")
		return nil
	}
	t := term.NewTable(a.text("label.person"), a.text("label.firstday"), a.text("label.lastday"))
	for _, ab := range all {
		t.Row(string(ab.UserID), ab.From, ab.To)
	}
	a.printf("%s", t.Text(a.screen))
	return nil
}
