package main

import (
	"context"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/kamflow/kamflow/internal/term"
	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/service"
)

func addAbsenceCommand(a *app) *cobra.Command {
	var ab service.Absence
	var kinds []string
	var most int64
	cmd := orgVerb(a, &cobra.Command{
		Use:     "add USER --from DAY --to DAY [--substitute USER]",
		Short:   "Somebody is away, both days included: his substitute is asked meanwhile, else the next level",
		Example: a.text("absence.add"),
	}, func(ctx context.Context, back service.Service, act service.OrgAct, id string) (service.OrgChange, error) {
		ab.UserID = kam.UserID(id)
		for _, k := range kinds {
			ab.Kinds = append(ab.Kinds, kam.TaskKind(k))
		}
		if most >= 0 {
			limit := kam.DecFromInt(most)
			ab.MaxPotential = &limit
		}
		return back.AddAbsence(ctx, a.me(), act, ab)
	})
	f := cmd.Flags()
	f.StringVar(&ab.From, "from", "", "first day, as 2026-12-21")
	f.StringVar(&ab.To, "to", "", "last day")
	f.StringVar((*string)(&ab.Substitute), "substitute", "", "who stands in: a manager of the same level, or a deputy")
	f.StringSliceVar(&ab.Nodes, "node", nil, "only for cases at or below this node, may be repeated")
	f.StringSliceVar(&kinds, "kind", nil, "only for tasks of this kind, as confirmation, may be repeated")
	f.Int64Var(&most, "max-potential", -1, "only up to this potential, in whole units of the base currency; -1 is any")
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
		Short:   "Who is away, today or later, and who stands in; one's own everybody may see",
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

func scopeKinds(ab service.Absence) []string {
	var kinds []string
	for _, k := range ab.Kinds {
		kinds = append(kinds, strings.ReplaceAll(string(k), "_", " "))
	}
	return kinds
}

func (a *app) absences(all []service.Absence) error {
	if a.json {
		return a.printJSON(map[string]any{"absences": nonNil(all)})
	}
	if len(all) == 0 {
		a.say("absence.none")
		return nil
	}
	t := term.NewTable(a.text("label.person"), a.text("label.firstday"), a.text("label.lastday"), a.text("label.substitute"), a.text("label.only"), a.text("label.why"))
	for _, ab := range all {
		only := append(slices.Clone(ab.Nodes), scopeKinds(ab)...)
		if ab.MaxPotential != nil {
			only = append(only, a.text("absence.potential", ab.MaxPotential.String()))
		}
		t.Row(string(ab.UserID), ab.From, ab.To, string(ab.Substitute), strings.Join(only, ", "), ab.Reason)
	}
	a.printf("%s", t.Text(a.screen))
	return nil
}
