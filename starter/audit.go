package main

import (
	"errors"

	"github.com/spf13/cobra"

	"github.com/kamflow/kamflow/internal/text"
	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/store"
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

// verifiedJSON is the answer of audit verify.
type verifiedJSON struct {
	Cases  int           `json:"cases"`
	Events int           `json:"events"`
	Clean  bool          `json:"clean"`
	Breaks []store.Break `json:"breaks"`
}

func (a *app) verify(cmd *cobra.Command, args []string) error {
	wanted := map[kam.CaseNo]bool{}
	for _, no := range args {
		wanted[kam.CaseNo(no)] = true
	}
	v := verifiedJSON{Breaks: []store.Break{}}
	back, err := a.system(cmd.Context())
	if err == nil {
		err = back.Chains(cmd.Context(), func(c store.Chain) error {
			if len(wanted) > 0 && !wanted[c.CaseNo] {
				return nil
			}
			delete(wanted, c.CaseNo)
			v.Cases++
			v.Events += len(c.Events)
			if b, ok := c.Verify(); !ok {
				v.Breaks = append(v.Breaks, b)
			}
			if len(args) > 0 && len(wanted) == 0 {
				return errSeen
			}
			return nil
		})
	}
	if err != nil && !errors.Is(err, errSeen) {
		return exitError{exitUnsure, errors.New(text.Say("audit.unsure", err))}
	}
	for _, no := range args {
		if wanted[kam.CaseNo(no)] {
			return exitError{exitUnsure, kam.Errorf(kam.NotFound, "there is no case %s", no)}
		}
	}
	return a.verdict(v)
}

// errSeen ends the walk when every case that was asked for has been seen.
var errSeen = errors.New("seen")

func (a *app) verdict(v verifiedJSON) error {
	v.Clean = len(v.Breaks) == 0
	switch {
	case a.json:
		if err := a.printJSON(v); err != nil {
			return err
		}
	case v.Clean && v.Cases == 0:
		a.say("audit.empty")
	case v.Clean:
		a.say("audit.clean", v.Cases, v.Events)
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
