package main

import (
	"context"
	"strings"

	"github.com/spf13/cobra"

	"github.com/kamflow/kamflow/internal/term"
	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/service"
)

func keyAccountCommand(a *app) *cobra.Command {
	cmd := group("key-account", "The key accounts, their members, and why each has its tier")
	var ended bool
	list := a.customerVerb("list", "The key accounts that I may read, the highest tier first", 0, func(ctx context.Context, back service.Service, _ []string) error {
		all, err := back.KeyAccounts(ctx, a.me(), ended)
		if err != nil {
			return err
		}
		t := term.NewTable(a.text("label.ref"), a.text("label.name"), a.text("label.tier"), a.text("label.home"), a.text("label.owner"), a.text("label.state"),
			a.text("label.members")+">", a.text("label.potential")+">", a.text("label.gain")+">", a.text("label.review"))
		for _, k := range all {
			due := ""
			if k.ReviewDue != nil {
				due = a.screen.Time(*k.ReviewDue)
			}
			t.Row(k.No, k.Name, string(k.Tier), k.HomeNode, string(k.OwnerID), strings.TrimSpace(k.State+" "+k.EndedAs), itoa(len(k.Members)), amountOf(k.Potential), amountOf(k.Improvement), due)
		}
		return listed(a, "key_accounts", all, "keyaccount", t, len(all)+1)
	})
	list.Flags().BoolVar(&ended, "ended", false, "those that have ended too")
	cmd.AddCommand(list, a.customerVerb("show KEY-ACCOUNT", "A key account with its members and the decision on its tier", 1, func(ctx context.Context, back service.Service, args []string) error {
		v, err := back.KeyAccount(ctx, a.me(), args[0])
		if err != nil {
			return err
		}
		if a.json {
			return a.printJSON(v)
		}
		a.pair("label.name", v.No+"  "+v.Name)
		a.pair("label.tier", string(v.Tier))
		a.pair("label.home", v.HomeNode)
		a.pair("label.owner", string(v.OwnerID))
		a.pair("label.state", v.State)
		a.pair("label.potential", amountOf(v.Potential))
		a.pair("label.gain", amountOf(v.Improvement))
		a.printf("\n")
		if err := a.foundCustomers(v.Customers, len(v.Customers)+1); err != nil {
			return err
		}
		if v.Decision != nil {
			a.printf("\n")
			a.explain(*v.Decision)
		}
		return nil
	}))
	return cmd
}

// amountOf is an amount for a cell, empty where it is not known.
func amountOf(m *kam.Money) string {
	if m == nil {
		return ""
	}
	return m.String()
}
