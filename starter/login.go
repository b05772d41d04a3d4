package main

import (
	"bufio"
	"cmp"
	"context"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/kamflow/kamflow/internal/term"
	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/service"
	"github.com/kamflow/kamflow/service/remote"
	"github.com/kamflow/kamflow/service/routes"
)

func loginCommand(a *app) *cobra.Command {
	var paste bool
	cmd := &cobra.Command{
		Use:   "login [USER]",
		Short: "Sign in: agree in the browser, or paste a personal token; on the machine of a standalone name yourself",
		Example: "  starter login --gateway https://kam.example.com\n" +
			"  starter login hanna.terr",
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			user := ""
			if len(args) == 1 {
				user = args[0]
			}
			return a.login(cmd.Context(), kam.UserID(user), paste)
		},
	}
	cmd.Flags().BoolVar(&paste, "token", false, "read a personal token from standard input")
	return cmd
}

func whoamiCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use: "whoami", Short: "Who I am to the system, and at which gateway", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.whoami(cmd.Context()) },
	}
}

func logoutCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use: "logout", Short: "End the token by which I am signed in, and forget it", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.logout(cmd.Context()) },
	}
}

// login signs in and keeps by what.
func (a *app) login(ctx context.Context, user kam.UserID, paste bool) error {
	d, err := a.door()
	if err != nil {
		return err
	}
	own, err := a.standalone()
	if err != nil {
		return err
	}
	in, id := signIn{User: user}, "login.done"
	switch {
	case paste:
		in.Token, err = a.pasted()
	case user != "" && own.Token != "" && own.Console == d.address:
		id = "login.own"
		in.Token, err = a.ownToken(ctx, d.address, own.Token, user)
	default:
		in.Token, err = a.agreed(ctx, d.address)
	}
	if err != nil {
		return err
	}
	gate, err := remote.Open(remote.Options{Address: d.address, Token: in.Token, Patience: a.timeout})
	if err != nil {
		return err
	}
	defer gate.Close()
	p, err := gate.Me(ctx, service.As(user)) // who is named, and nobody else
	if err != nil {
		return err
	}
	in.User = p.ID
	known, err := readCredentials()
	if err != nil {
		return err
	}
	known.Last, known.Gateways[d.address] = d.address, in
	if err := known.write(); err != nil {
		return err
	}
	if a.json {
		return a.printJSON(map[string]any{"gateway": d.address, "user_id": p.ID})
	}
	a.say(id, d.address, string(p.ID))
	return nil
}

func programName() string {
	host, err := os.Hostname()
	if err != nil {
		host = "a machine"
	}
	return kam.Clip("starter on "+host, 60)
}

// pasted is a token from standard input.
func (a *app) pasted() (string, error) {
	if a.ask {
		a.printf("%s", a.text("login.token"))
	}
	line, err := bufio.NewReader(a.in).ReadString('\n')
	if token := strings.TrimSpace(line); token != "" {
		return token, nil
	}
	return "", usageError{cmp.Or(err, error(kam.Errorf(kam.Invalid, "no token was given")))}
}

// ownToken is a token for somebody, by the file that a standalone leaves for its
// owner.
func (a *app) ownToken(ctx context.Context, address, owner string, user kam.UserID) (string, error) {
	gate, err := remote.Open(remote.Options{Address: address, Token: owner, Patience: a.timeout})
	if err != nil {
		return "", err
	}
	defer gate.Close()
	answer, err := gate.Login(ctx, routes.LoginOwn, routes.LoginAsked{Name: programName(), User: user})
	return answer.Token, err
}

// errExpired is that nobody has agreed.
var errExpired = kam.Errorf(kam.TooLate, "nobody has agreed in time").Try("starter login once more")

// agreed shows a code and waits until somebody who is signed in agrees to it.
func (a *app) agreed(ctx context.Context, address string) (string, error) {
	gate, err := remote.Open(remote.Options{Address: address, Patience: a.timeout})
	if err != nil {
		return "", err
	}
	defer gate.Close()
	asked, err := gate.Login(ctx, routes.Login, routes.LoginAsked{Name: programName()})
	if err != nil {
		return "", err
	}
	lasts := time.Duration(asked.Expires) * time.Second
	// Standard output is for what comes of it.
	fmt.Fprintln(a.err, a.text("login.show", term.Clean(asked.Whole), term.Clean(asked.Code), int(lasts/time.Minute)))
	ctx, cancel := context.WithTimeout(ctx, lasts)
	defer cancel()
	every := time.NewTicker(max(time.Duration(asked.Every)*time.Second, 100*time.Millisecond))
	defer every.Stop()
	for {
		select {
		case <-ctx.Done():
			return "", errExpired
		case <-every.C:
		}
		got, err := gate.Login(ctx, routes.LoginWait, routes.LoginAsked{Device: asked.Device})
		switch {
		case kam.CodeOf(err) == kam.Unreachable && ctx.Err() == nil:
			continue // it may come back
		case err != nil && ctx.Err() == nil:
			return "", err
		case got.State == "AGREED":
			return asked.Device, nil
		case got.State == "DECLINED":
			return "", kam.Errorf(kam.Forbidden, "you were declined in the browser")
		case got.State == "UNKNOWN":
			return "", errExpired
		}
	}
}

func (a *app) whoami(ctx context.Context) error {
	p, err := a.signedIn(ctx)
	if err != nil {
		return err
	}
	d, err := a.door()
	if err != nil {
		return err
	}
	if a.json {
		return a.printJSON(map[string]any{"gateway": d.address, "person": p, "speaks_for_others": d.owner})
	}
	a.say("whoami.line", string(p.ID), joined(p.Roles), d.address)
	if d.owner {
		a.say("whoami.owner")
	}
	return nil
}

func (a *app) logout(ctx context.Context) error {
	d, err := a.door()
	if err != nil {
		return err
	}
	known, err := readCredentials()
	if err != nil {
		return err
	}
	in, ok := known.Gateways[d.address]
	if !ok {
		a.say("login.notin", d.address)
		return nil
	}
	gate, err := remote.Open(remote.Options{Address: d.address, Token: in.Token, Patience: a.timeout})
	if err != nil {
		return err
	}
	defer gate.Close()
	if _, err := gate.Login(ctx, routes.Logout, routes.LoginAsked{}); err != nil {
		return err // the token is in force still
	}
	delete(known.Gateways, d.address)
	if known.Last == d.address {
		known.Last = ""
	}
	if err := known.write(); err != nil {
		return err
	}
	a.say("login.out", d.address)
	return nil
}
