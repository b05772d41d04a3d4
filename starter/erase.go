package main

import (
	"context"
	"strconv"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/text/unicode/norm"

	"github.com/kamflow/kamflow/internal/term"
	"github.com/kamflow/kamflow/service"
)

// eraseContactCommand carries out the order of a person to be forgotten.
func eraseContactCommand(a *app) *cobra.Command {
	var o service.EraseOrder
	cmd := &cobra.Command{
		Use:     "erase-contact CUSTOMER|CASE --email MAIL|--name NAME --order TEXT",
		Short:   "Erase a contact person who asks to be forgotten (compliance)",
		Example: a.text("erase.example"),
		Args:    cobra.ExactArgs(1),
		RunE: a.asking(func(ctx context.Context, back service.Service, args []string) error {
			o.Subject = args[0]
			o.Name, o.Email = norm.NFC.String(o.Name), norm.NFC.String(o.Email) // as they are stored
			r, err := back.EraseContact(ctx, a.me(), o)
			if err != nil {
				return unreachable("PostgreSQL", err)
			}
			return a.erased(r)
		}),
	}
	f := cmd.Flags()
	f.StringVar(&o.Email, "email", "", "his mail address: it is followed wherever it stands")
	f.StringVar(&o.Name, "name", "", "his name: within the customer and its cases; with --email for a mailbox that several share")
	f.StringVar(&o.Order, "order", "", "which order it is: the number of the letter or ticket, without the name")
	f.BoolVar(&o.DryRun, "dry-run", false, "show what would be erased and change nothing")
	return cmd
}

func (a *app) erased(r service.Erasure) error {
	if a.json {
		return a.printJSON(r)
	}
	switch {
	case len(r.Places) == 0:
		a.say("erase.nothing", r.No, r.Order, r.At.UTC().Format(time.RFC3339))
	case r.DryRun:
		a.say("erase.would", r.Subject)
	default:
		a.say("erase.done", r.No, r.Order, r.Subject)
	}
	if len(r.Places) > 0 {
		t := term.NewTable(a.text("label.where"), a.text("label.what"), a.text("label.count")+">")
		for _, p := range r.Places {
			t.Row(string(p.Subject), a.words.Note(p.What), strconv.Itoa(p.Count))
		}
		a.printf("%s", t.Text(a.screen))
	}
	if len(r.Left) > 0 {
		a.say("erase.left")
		t := term.NewTable(a.text("label.where"), a.text("label.what"))
		for _, l := range r.Left {
			what := a.words.Note(l.Where)
			if l.Seq > 0 {
				what = a.text("erase.event", what, l.Seq)
			}
			t.Row(string(l.Subject), what)
		}
		a.printf("%s", t.Text(a.screen))
	}
	if !r.DryRun {
		a.say("erase.backups", r.LastAt.UTC().Format(time.RFC3339))
	}
	a.say("erase.sources")
	return nil
}

// erasuresCommand lists the orders that have to be carried out again after a
// restore.
func erasuresCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "erasures",
		Short: "Orders by which contact persons were erased; after a restore they are carried out again",
		Args:  cobra.NoArgs,
		RunE: a.asking(func(ctx context.Context, back service.Service, _ []string) error {
			all, err := back.Erasures(ctx, a.me())
			if err != nil {
				return unreachable("PostgreSQL", err)
			}
			return a.erasures(all)
		}),
	}
}

func (a *app) erasures(all []service.Erasure) error {
	if a.json {
		return a.printJSON(map[string]any{"erasures": nonNil(all)})
	}
	if len(all) == 0 {
		a.say("erase.none")
		return nil
	}
	t := term.NewTable(a.text("label.no"), a.text("label.order"), a.text("label.customer"), a.text("label.by"), a.text("label.erased"), a.text("label.last"))
	for _, r := range all {
		t.Row(r.No, r.Order, r.Subject, string(r.By), r.At.UTC().Format(time.RFC3339), r.LastAt.UTC().Format(time.RFC3339))
	}
	a.printf("%s", t.Text(a.screen))
	return nil
}
