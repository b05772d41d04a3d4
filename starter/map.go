package main

import (
	"strings"

	"github.com/spf13/cobra"

	"github.com/kamflow/kamflow/internal/term"
	"github.com/kamflow/kamflow/service"
)

func mapCommand(a *app) *cobra.Command {
	var f service.MapFilter
	cmd := &cobra.Command{
		Use:     "map",
		Short:   "Where cases stand in the process, and what went through it in twelve weeks",
		Example: "  starter --as gina.global map --territory DE",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			back, err := a.system(cmd.Context())
			if err != nil {
				return err
			}
			m, err := back.Map(cmd.Context(), a.me(), f)
			if err != nil {
				return unreachable("PostgreSQL", err)
			}
			if a.json {
				return a.printJSON(m)
			}
			t := term.NewTable(a.text("label.step"), a.text("label.open")+">", a.text("label.late")+">", a.text("label.median")+">", a.text("label.owed"), a.text("label.weeks"))
			for _, b := range m.Boxes {
				depth := strings.Count(string(b.Code), ".")
				if b.Open == 0 && b.Weeks == [12]int{} && depth > 1 {
					continue
				}
				median := ""
				if b.Median != nil {
					median = a.text("map.hours", b.Median.String())
				}
				var owed []string
				for _, o := range b.Owed {
					owed = append(owed, a.text("party."+string(o.Party))+" "+itoa(o.Open))
				}
				t.Row(strings.Repeat("  ", depth)+a.stepLabel(b.Code), itoa(b.Open), itoa(b.Late), median, strings.Join(owed, ", "), spark(b.Weeks[:]))
			}
			a.printf("%s", t.Text(a.screen))
			return nil
		},
	}
	fs := cmd.Flags()
	fs.StringVar(&f.Territory, "territory", "", "node of the tree, with all below it")
	fs.StringVar((*string)(&f.Requester), "requester", "", "who requested it, or follows it")
	fs.StringVar((*string)(&f.Type), "type", "", "type of case: NEW, MODIFY, REACTIVATE, DEACTIVATE, RECLASSIFY")
	return cmd
}

// spark draws numbers as bars of eight heights, beside the last of them.
func spark(n []int) string {
	const bars = "▁▂▃▄▅▆▇█"
	most := 0
	for _, x := range n {
		most = max(most, x)
	}
	if most == 0 {
		return ""
	}
	var b strings.Builder
	for _, x := range n {
		b.WriteRune([]rune(bars)[x*7/most])
	}
	return b.String() + " " + itoa(n[len(n)-1])
}
