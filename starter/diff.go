package main

import (
	"context"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/kamflow/kamflow/internal/parties"
	"github.com/kamflow/kamflow/internal/term"
	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/customer"
	"github.com/kamflow/kamflow/service"
)

func diffCommand(a *app) *cobra.Command {
	var from, to int
	var conflict bool
	cmd := &cobra.Command{
		Use:     "diff CASE",
		Short:   "What differs between two revisions, side by side (default: the last two)",
		Example: "  starter diff KAM-2026-000009 --from 1 --to 2\n  starter --as anna.rep diff KAM-2026-000031 --conflict",
		Args:    cobra.ExactArgs(1),
		RunE: a.asking(func(ctx context.Context, back service.Service, args []string) error {
			no := kam.CaseNo(args[0])
			if conflict {
				return a.diffVersions(ctx, back, no)
			}
			all, err := back.Revisions(ctx, a.me(), no)
			if err != nil {
				return unreachable("PostgreSQL", err)
			}
			if len(all) > 0 && all[0].No == 0 {
				all[0].By = kam.UserID(a.text("diff.record"))
			}
			if len(all) < 2 && from == 0 && to == 0 {
				if a.json {
					return a.printJSON(diffJSON{CaseNo: no, Changes: []customer.FieldChange{}})
				}
				a.say("diff.one", string(no))
				return nil
			}
			before, after, err := pick(all, from, to)
			if err != nil {
				return err
			}
			return a.diff(no, before, after)
		}),
	}
	cmd.Flags().BoolVar(&conflict, "conflict", false, "the customer as the case found it, as it is now, and the request")
	cmd.Flags().IntVar(&from, "from", 0, "earlier revision (default: the one before --to)")
	cmd.Flags().IntVar(&to, "to", 0, "later revision (default: the last)")
	return cmd
}

// diffVersions lays the versions of the customer beside the request.
func (a *app) diffVersions(ctx context.Context, back service.Service, no kam.CaseNo) error {
	v, err := back.CaseView(ctx, a.me(), no)
	if err != nil {
		return unreachable("PostgreSQL", err)
	}
	if v.Hidden != nil {
		return v.Hidden
	}
	c := v.Change
	if c == nil {
		return kam.Errorf(kam.NotFound, "case %s works on no customer that was there before", no)
	}
	if a.json {
		return a.printJSON(versionsJSON{CaseNo: no, CustomerNo: v.Snapshot.CommittedAs, Conflict: conflicts(v.Snapshot, c), Change: *c})
	}
	if !conflicts(v.Snapshot, c) {
		a.say("conflict.none", string(no), c.BaseVersion)
	}
	a.conflict(c)
	return nil
}

// versionsJSON is the answer of diff --conflict.
type versionsJSON struct {
	CaseNo     kam.CaseNo `json:"case_no"`
	CustomerNo string     `json:"customer_no"`
	Conflict   bool       `json:"version_conflict"`
	parties.Change
}

// pick finds the two revisions that are asked for.
func pick(all []service.Revision, from, to int) (before, after service.Revision, err error) {
	if len(all) == 0 {
		return before, after, kam.Errorf(kam.NotFound, "the case has no revision yet")
	}
	if to == 0 {
		to = all[len(all)-1].No
	}
	at := slices.IndexFunc(all, func(r service.Revision) bool { return r.No == to })
	if at < 0 {
		return before, after, usagef("--to %d: there is no such revision", to)
	}
	if from == 0 && at > 0 && all[0].No > 0 { // else 0 is the record
		from = all[at-1].No
	}
	start := slices.IndexFunc(all, func(r service.Revision) bool { return r.No == from })
	if start < 0 {
		return before, after, usagef("--from %d: there is no such revision", from)
	}
	return all[start], all[at], nil
}

// diffJSON is the answer of diff.
type diffJSON struct {
	CaseNo  kam.CaseNo             `json:"case_no"`
	From    *revisionJSON          `json:"from,omitempty"`
	To      *revisionJSON          `json:"to,omitempty"`
	Changes []customer.FieldChange `json:"changes"`
}

type revisionJSON struct {
	No   int        `json:"revision"`
	At   time.Time  `json:"at"`
	By   kam.UserID `json:"by"`
	Hash string     `json:"material_hash"`
}

func (a *app) diff(no kam.CaseNo, before, after service.Revision) error {
	changes := customer.Diff(before.Data, after.Data)
	if a.json {
		if changes == nil {
			changes = []customer.FieldChange{}
		}
		return a.printJSON(diffJSON{
			CaseNo: no, Changes: changes,
			From: &revisionJSON{before.No, before.At, before.By, before.Hash},
			To:   &revisionJSON{after.No, after.At, after.By, after.Hash},
		})
	}
	a.say("diff.title", string(no), before.No, string(before.By), a.screen.Time(before.At), after.No, string(after.By), a.screen.Time(after.At))
	if len(changes) == 0 {
		a.say("diff.none", before.No, after.No)
		return nil
	}
	t := term.NewTable(a.text("label.field"), a.text("label.before"), a.text("label.after"), a.text("label.material"))
	for _, c := range changes {
		material := ""
		if c.Material {
			material = "yes"
		}
		t.Row(c.Field, oneLine(c.Before), oneLine(c.After), material)
	}
	a.printf("\n%s", t.Text(a.screen))
	return nil
}
