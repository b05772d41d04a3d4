package main

import (
	"errors"

	"github.com/spf13/cobra"

	"github.com/kamflow/kamflow/internal/term"
	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/service"
)

func doctorCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:     "doctor",
		Short:   "Check database, schema, Temporal, clock, workers and stuck cases",
		Example: "  starter --as dario.operator doctor",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if _, err := a.who(); err != nil {
				return err
			}
			s, err := a.system(cmd.Context())
			if err != nil {
				detail := err.Error()
				if e := kam.AsError(err); e != nil {
					detail = a.words.Sentence(e.Message())
				}
				return a.diagnosis([]service.Check{{Check: "database", Status: service.CheckFailed, Detail: detail}})
			}
			all, err := s.Diagnose(cmd.Context(), a.me())
			if err != nil {
				return err
			}
			return a.diagnosis(all)
		},
	}
}

func (a *app) diagnosis(all []service.Check) error {
	bad := false
	t := term.NewTable(a.text("label.check"), a.text("label.result"), a.text("label.note"))
	words := map[string]string{service.CheckOK: a.text("doctor.ok"), service.CheckLook: a.text("doctor.note"), service.CheckFailed: a.text("doctor.fail")}
	for _, f := range all {
		bad = bad || f.Status == service.CheckFailed
		t.Row(f.Check, words[f.Status], f.Detail)
	}
	if a.json {
		if err := a.printJSON(map[string]any{"healthy": !bad, "checks": all}); err != nil {
			return err
		}
	} else {
		a.printf("%s", t.Text(a.screen))
	}
	if bad {
		return printed{exitError{exitUnreachable, errors.New("checks failed")}}
	}
	return nil
}
