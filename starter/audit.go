package main

import (
	"errors"
	"strings"

	"github.com/spf13/cobra"

	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/service"
)

func auditCommand(a *app) *cobra.Command {
	cmd := group("audit", "Check the audit trail")
	cmd.AddCommand(&cobra.Command{
		Use:   "verify [CASE...]",
		Short: "Check the hash chains of all cases, or of some: exit 0 clean, 10 tampering, 11 cannot decide",
		RunE:  func(cmd *cobra.Command, args []string) error { return a.verify(cmd, args) },
	})
	return cmd
}

func (a *app) verify(cmd *cobra.Command, args []string) error {
	cases := make([]kam.CaseNo, len(args))
	for i, no := range args {
		cases[i] = kam.CaseNo(no)
	}
	s, err := a.system(cmd.Context())
	var v service.Verified
	if err == nil {
		v, err = s.VerifyAudit(cmd.Context(), a.me(), cases)
	}
	var usage usageError
	switch {
	case err == nil:
		return a.verdict(v)
	case errors.As(err, &usage), kam.CodeOf(err) == kam.Forbidden:
		return err
	case kam.CodeOf(err) == kam.NotFound:
		return exitError{exitUnsure, err}
	}
	return exitError{exitUnsure, errors.New(a.text("audit.unsure", err))}
}

// chains are the counts of each kind for people.
func (a *app) chains(v service.Verified) string {
	var all []string
	for _, k := range []struct {
		id string
		n  int
	}{{"audit.cases", v.Cases}, {"audit.customers", v.Customers}, {"audit.imports", v.Batches}, {"audit.others", v.Others}} {
		if k.n > 0 {
			all = append(all, a.text(k.id, k.n))
		}
	}
	if v.Organisation {
		all = append(all, a.text("audit.org"))
	}
	return strings.Join(all, ", ")
}

func (a *app) verdict(v service.Verified) error {
	switch {
	case a.json:
		if err := a.printJSON(v); err != nil {
			return err
		}
	case v.Clean && a.chains(v) == "":
		a.say("audit.empty")
	case v.Clean:
		a.say("audit.clean", a.chains(v), a.text("audit.events", v.Events))
		if v.Signed > 0 || v.Unsigned > 0 || v.Forged > 0 {
			a.say("audit.signed", v.Signed, v.Unsigned, v.Forged)
		}
	}
	if v.Clean {
		return nil
	}
	if !a.json {
		for _, b := range v.Breaks {
			a.say("audit.broken", string(b.CaseNo), b.Seq, a.words.Note(b.Why))
		}
	}
	return printed{exitError{exitTampered, errors.New("broken chains")}}
}
