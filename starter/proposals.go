package main

import (
	"context"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/kamflow/kamflow/internal/term"
	"github.com/kamflow/kamflow/service"
)

// proposalCommands are for changes that one admin proposes and another agrees
// to (SOD9, SOD4).
func proposalCommands(a *app) []*cobra.Command {
	agree := orgVerb(a, &cobra.Command{
		Use:     "agree PROPOSAL",
		Short:   "Agree to what another admin proposes: it takes effect",
		Example: "  starter --as dora.useradmin admin agree P-000001",
	}, func(ctx context.Context, back service.Service, act service.OrgAct, no string) (service.OrgChange, error) {
		return back.Agree(ctx, a.me(), act, no)
	})
	refuse := orgVerb(a, &cobra.Command{
		Use:     "refuse PROPOSAL",
		Short:   "Refuse what another admin proposes, or take back what you proposed",
		Example: "  starter --as dora.useradmin admin refuse P-000001 --reason 'He goes to the other region.'",
	}, func(ctx context.Context, back service.Service, act service.OrgAct, no string) (service.OrgChange, error) {
		return back.Decline(ctx, a.me(), act, no)
	})
	var all bool
	list := &cobra.Command{
		Use:   "proposals [PROPOSAL]",
		Short: "What waits for a second admin; one of them row by row",
		Args:  cobra.MaximumNArgs(1),
		RunE: a.asking(func(ctx context.Context, back service.Service, args []string) error {
			found, err := back.Proposals(ctx, a.me(), all || len(args) > 0)
			if err != nil {
				return unreachable("PostgreSQL", err)
			}
			if len(args) == 0 {
				return a.listProposals(found)
			}
			for _, p := range found {
				if p.No == args[0] {
					return a.showProposal(p)
				}
			}
			return usagef("there is no proposal %s; starter admin proposals --all lists them", args[0])
		}),
	}
	list.Flags().BoolVar(&all, "all", false, "those that are closed too")
	return []*cobra.Command{list, agree, refuse}
}

func (a *app) listProposals(all []service.Proposal) error {
	if a.json {
		return a.printJSON(map[string]any{"proposals": append([]service.Proposal{}, all...)})
	}
	if len(all) == 0 {
		a.say("proposal.none")
		return nil
	}
	t := term.NewTable(a.text("label.proposal"), a.text("label.state"), a.text("label.by"), a.text("label.until"), a.text("label.what"))
	for _, p := range all {
		t.Row(p.No, string(p.State), string(p.By), p.Expires.UTC().Format(time.DateOnly), a.words.Note(p.What))
	}
	a.printf("%s", t.Text(a.screen))
	return nil
}

func (a *app) showProposal(p service.Proposal) error {
	if a.json {
		return a.printJSON(p)
	}
	a.say("proposal.head", p.No, string(p.State), string(p.By), p.At.UTC().Format(time.DateOnly), a.words.Note(p.What))
	if p.Reason != "" {
		a.say("proposal.reason", p.Reason)
	}
	a.differences(p.Differences)
	switch p.State {
	case service.ProposalOpen:
		a.say("proposal.next", p.Expires.UTC().Format(time.DateOnly), p.No, p.No)
	default:
		a.say("proposal.closed", string(p.DecidedBy), a.words.Note(p.Decision))
	}
	return nil
}

// proposed tells what waits for a second admin.
func (a *app) proposed(c service.OrgChange) error {
	a.say("org.pending", a.words.Note(c.What))
	a.differences(c.Differences)
	a.moves(c)
	who := make([]string, len(c.Second))
	for i, r := range c.Second {
		who[i] = strings.ReplaceAll(string(r), "_", " ")
	}
	a.say("org.agree", strings.Join(who, " or "), c.Proposal)
	return nil
}

func (a *app) differences(lines []string) {
	for _, l := range lines {
		a.say("org.difference", a.words.Note(l))
	}
}
