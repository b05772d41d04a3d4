package main

import (
	"errors"
	"strings"

	"github.com/spf13/cobra"

	"github.com/kamflow/kamflow/internal/text"
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
	return exitError{exitUnsure, errors.New(text.Say("audit.unsure", err))}
}

// chains are the counts of each kind for people.
func chains(v service.Verified) string {
	var all []string
	for _, k := range []struct {
		id string
		n  int
	}{{"audit.case", v.Cases}, {"audit.customer", v.Customers}, {"audit.import", v.Batches}, {"audit.other", v.Others}} {
		if k.n > 0 {
			all = append(all, plural(k.id, k.n))
		}
	}
	if v.Organisation {
		all = append(all, text.Say("audit.org"))
	}
	return strings.Join(all, ", ")
}

// plural is a count in words: the text of id for one, of id with an s for more.
func plural(id string, n int) string {
	if n != 1 {
		id += "s"
	}
	return text.Say(id, n)
}

func (a *app) verdict(v service.Verified) error {
	switch {
	case a.json:
		if err := a.printJSON(v); err != nil {
			return err
		}
	case v.Clean && chains(v) == "":
		a.say("audit.empty")
	case v.Clean:
		a.say("audit.clean", chains(v), plural("audit.event", v.Events))
		if v.Signed > 0 || v.Unsigned > 0 || v.Forged > 0 {
			a.say("audit.signed", v.Signed, v.Unsigned, v.Forged)
		}
	}
	if v.Clean {
		return nil
	}
	if !a.json {
		for _, b := range v.Breaks {
			a.say("audit.broken", string(b.CaseNo), b.Seq, b.Why)
		}
	}
	return printed{exitError{exitTampered, errors.New("broken chains")}}
}
