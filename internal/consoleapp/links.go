package consoleapp

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/kamflow/kamflow/config"
	"github.com/kamflow/kamflow/gateway/pages/link"
	"github.com/kamflow/kamflow/internal/runfile"
	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/service"
	"github.com/kamflow/kamflow/store"
	"github.com/kamflow/kamflow/store/identity"
)

// The times for which links hold.
const (
	firstLasts  = 24 * time.Hour
	signInLasts = 15 * time.Minute
)

// FirstLink is the link by which the first admins are set up, "" where somebody
// signs in already. It is made anew, and those before end.
func (a *App) FirstLink(ctx context.Context) (string, error) {
	secret := identity.NewSecret()
	made, err := a.signIns.MakeFirstLink(ctx, secret, firstLasts)
	if err != nil || !made {
		return "", err
	}
	return a.Address + link.At(secret), nil
}

// SignInLink is a link that signs somebody in, once and soon, on the machine of
// whoever runs the program. Where people come from elsewhere there is none.
func (a *App) SignInLink(ctx context.Context, user kam.UserID) (string, error) {
	return signInLink(ctx, a.signIns, a.cfg.Console, a.Address, user)
}

func signInLink(ctx context.Context, signIns *identity.Store, c config.Console, address string, user kam.UserID) (string, error) {
	if !c.OwnMachine() {
		return "", errors.New("people come from other machines: two admins let somebody in, and no link does (docs/sign-in.md)")
	}
	secret := identity.NewSecret()
	act := service.OrgAct{DecisionID: service.NewDecisionID(), By: kam.System}
	if err := signIns.MakeSignInLink(ctx, act, secret, user, signInLasts); err != nil {
		return "", err
	}
	return address + link.At(secret), nil
}

// LinkFor is [App.SignInLink] of the console that these settings run elsewhere.
func LinkFor(ctx context.Context, cfg config.Config, user kam.UserID) (string, error) {
	cfg, running, err := runfile.Locate(cfg)
	if err != nil {
		return "", err
	}
	s, err := store.Open(ctx, cfg.Database.URL.Reveal(), store.Options{MaxConns: 2, AllowUnsafe: true})
	if err != nil {
		return "", err
	}
	defer s.Close()
	address := "http://" + cfg.Console.Listen
	switch {
	case cfg.Console.BaseURL != "":
		address = cfg.Console.BaseURL
	case running.Console != "":
		address = running.Console
	}
	return signInLink(ctx, s.SignIns, cfg.Console, address, user)
}

// An Invitation is a link for somebody who holds a role.
type Invitation struct {
	Role kam.Role
	User kam.UserID
	Link string
}

// Invitations are links for one person of each role that somebody holds; of the
// given roles only, where there are any. Where people come from elsewhere there
// are none.
func (a *App) Invitations(ctx context.Context, roles ...kam.Role) ([]Invitation, error) {
	if !a.cfg.Console.OwnMachine() {
		return nil, nil
	}
	people, err := a.store.Access.People(ctx)
	if err != nil {
		return nil, err
	}
	if len(roles) == 0 {
		roles = kam.Roles
	}
	var all []Invitation
	for _, role := range roles {
		i := slices.IndexFunc(people, func(p kam.Person) bool { return p.Active && p.Is(role) })
		if i < 0 {
			continue
		}
		l, err := a.SignInLink(ctx, people[i].ID)
		if err != nil {
			return nil, fmt.Errorf("a link for %s: %w", people[i].ID, err)
		}
		all = append(all, Invitation{role, people[i].ID, l})
	}
	return all, nil
}
