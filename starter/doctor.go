package main

import (
	"context"
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
			all, err := a.diagnose(cmd.Context())
			if err != nil {
				return err
			}
			return a.diagnosis(all)
		},
	}
}

// diagnose looks by the gateway, and past it where that does not answer.
func (a *app) diagnose(ctx context.Context) ([]service.Check, error) {
	s, err := a.system(ctx)
	var all []service.Check
	if err == nil {
		all, err = s.Diagnose(ctx, a.me())
	}
	if kam.CodeOf(err) != kam.Unreachable {
		return all, err
	}
	who := a.me()
	if d, err := a.door(); err == nil && who.User() == "" {
		who = service.As(d.user)
	}
	failed := func(name string, err error) service.Check {
		detail := err.Error()
		if e := kam.AsError(err); e != nil {
			detail = a.words.Sentence(e.Message())
		}
		return service.Check{Check: name, Status: service.CheckFailed, Detail: detail}
	}
	gate := failed("gateway", err)
	l, err := direct(ctx, a)
	if err != nil {
		return []service.Check{gate, failed("database", err)}, nil
	}
	defer l.Close()
	all, err = l.Diagnose(ctx, who)
	return append([]service.Check{gate}, all...), err
}

func (a *app) diagnosis(all []service.Check) error {
	bad := false
	t := term.NewTable(a.text("label.check"), a.text("label.result"), a.text("label.note"))
	words := map[string]string{service.CheckOK: a.text("doctor.ok"), service.CheckLook: a.text("doctor.note"), service.CheckFailed: a.text("doctor.fail")}
	for _, f := range all {
		bad = bad || f.Status == service.CheckFailed
		t.Row(f.Check, words[f.Status], a.words.Note(f.Detail))
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
