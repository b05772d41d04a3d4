package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/kamflow/kamflow/internal/term"
	"github.com/kamflow/kamflow/internal/text"
	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/service"
)

// identityCommands are for how people sign in.
func identityCommands(a *app) *cobra.Command {
	cmd := group("identity", "How people sign in (two user_admins)")
	cmd.AddCommand(
		identityVerb(a, "link", "Let a person sign in by an identity; a second admin agrees", service.Service.LinkIdentity),
		identityVerb(a, "unlink", "Take an identity from a person; sessions that began by it end", service.Service.UnlinkIdentity),
		identitiesCommand(a),
	)
	return cmd
}

type identityChange func(s service.Service, ctx context.Context, who service.Principal, act service.OrgAct, i service.Identity) (service.OrgChange, error)

func identityVerb(a *app, name, short string, change identityChange) *cobra.Command {
	var i service.Identity
	cmd := orgVerb(a, &cobra.Command{
		Use:     name + " USER --subject SUBJECT",
		Short:   short,
		Example: text.English().Say("identity.example", name, name),
	}, func(ctx context.Context, back service.Service, act service.OrgAct, id string) (service.OrgChange, error) {
		i.User = kam.UserID(id)
		return change(back, ctx, a.me(), act, i)
	})
	cmd.Flags().StringVar(&i.Issuer, "issuer", service.LocalIssuer, "address of the OpenID provider, or local for an account of our own")
	cmd.Flags().StringVar(&i.Subject, "subject", "", "what the provider calls the person; of a local account the login")
	return cmd
}

func identitiesCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "list [USER]",
		Short: "Who signs in by what; one's own everybody may see",
		Args:  cobra.MaximumNArgs(1),
		RunE: a.asking(func(ctx context.Context, back service.Service, args []string) error {
			var of kam.UserID
			if len(args) > 0 {
				of = kam.UserID(args[0])
			}
			all, err := back.Identities(ctx, a.me(), of)
			if err != nil {
				return unreachable("PostgreSQL", err)
			}
			if a.json {
				return a.printJSON(map[string]any{"identities": append([]service.Identity{}, all...)})
			}
			if len(all) == 0 {
				a.say("identity.none")
				return nil
			}
			t := term.NewTable(a.text("label.person"), a.text("label.issuer"), a.text("label.subject"))
			for _, i := range all {
				t.Row(string(i.User), i.Issuer, i.Subject)
			}
			a.printf("%s", t.Text(a.screen))
			return nil
		}),
	}
}
