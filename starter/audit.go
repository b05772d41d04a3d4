package main

import (
	"errors"
	"strings"

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
	Cases        int           `json:"cases"`
	Customers    int           `json:"customers"` // with acts of stewards
	Batches      int           `json:"batches"`
	Organisation bool          `json:"organisation"` // whether it has a chain
	Others       int           `json:"others"`
	Events       int           `json:"events"`
	Clean        bool          `json:"clean"`
	Breaks       []store.Break `json:"breaks"`
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
			v.count(c.CaseNo)
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

// count adds a chain to those of its kind.
func (v *verifiedJSON) count(subject kam.CaseNo) {
	kind, _, isSubject := strings.Cut(string(subject), "/")
	switch {
	case kind == "org":
		v.Organisation = true
	case !isSubject:
		v.Cases++
	case kind == "customer":
		v.Customers++
	case kind == "import":
		v.Batches++
	default:
		v.Others++
	}
}

// chains are the counts of each kind for people.
func (v verifiedJSON) chains() string {
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

// errSeen ends the walk when every case that was asked for has been seen.
var errSeen = errors.New("seen")

func (a *app) verdict(v verifiedJSON) error {
	v.Clean = len(v.Breaks) == 0
	switch {
	case a.json:
		if err := a.printJSON(v); err != nil {
			return err
		}
	case v.Clean && v.chains() == "":
		a.say("audit.empty")
	case v.Clean:
		a.say("audit.clean", v.chains(), plural("audit.event", v.Events))
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
