package main

import (
	"cmp"
	"context"
	"errors"

	"go.uber.org/zap"

	"github.com/kamflow/kamflow/config"
	"github.com/kamflow/kamflow/internal/keys"
	"github.com/kamflow/kamflow/internal/runfile"
	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/service"
	"github.com/kamflow/kamflow/service/remote"
)

// A door is a gateway, with by what this user is let in.
type door struct {
	address string
	token   string
	owner   bool       // the token is that of the machine's owner
	user    kam.UserID // who is signed in by the token, where that is known
}

// door finds the gateway: what is set, else the standalone that runs on the data
// directory, else where this user signed in last.
func (a *app) door() (door, error) {
	known, err := readCredentials()
	if err != nil {
		return door{}, err
	}
	d := door{address: a.cfg.Config.Client.Gateway}
	own, err := a.standalone()
	if err != nil {
		return door{}, err
	}
	d.address = cmp.Or(d.address, own.Console, known.Last)
	if d.address != own.Console {
		own.Token = ""
	}
	if d.address == "" {
		return door{}, kam.Errorf(kam.Unreachable, "no standalone is running in %s, and no other gateway is known", a.cfg.Config.DataDir).Try("start one with: go run ./standalone; or sign in: starter login --gateway https://HOST")
	}
	in := known.Gateways[d.address]
	d.user, d.token = in.User, in.Token
	switch token := a.cfg.Config.Client.Token.Reveal(); {
	case token != "":
		d.user, d.token = "", token
	case own.Token != "" && (a.as != "" && kam.UserID(a.as) != in.User || d.token == ""):
		d.user, d.token, d.owner = kam.UserID(a.as), own.Token, true
	}
	return d, nil
}

// standalone is the one that runs on the data directory, empty where none does or
// another system is set.
func (a *app) standalone() (runfile.Running, error) {
	own, err := runfile.Read(a.cfg.Config.DataDir)
	if errors.Is(err, runfile.ErrNone) {
		return runfile.Running{}, nil
	}
	if set := a.cfg.Config.Database.URL.Reveal(); set != "" && set != own.DatabaseURL {
		return runfile.Running{}, nil
	}
	return own, err
}

// errWho is for the owner of the machine, who is nobody himself.
var errWho = usagef("who acts? Sign in with starter login USER, or give --as USER in a demonstration")

// dial reaches the system through its gateway.
func dial(_ context.Context, a *app) (service.Service, error) {
	d, err := a.door()
	if err != nil {
		return nil, err
	}
	switch {
	case d.token == "":
		return nil, kam.Errorf(kam.Forbidden, "you are not signed in to %s", d.address).On("by").Try("starter login")
	case d.owner && a.as == "":
		return nil, errWho
	}
	s, err := remote.Open(remote.Options{Address: d.address, Token: d.token, Patience: a.timeout})
	if err != nil {
		return nil, err // not a nil *remote.Service
	}
	return s, nil
}

// direct reaches PostgreSQL and Temporal themselves, as operators may who look why
// the rest does not answer.
func direct(ctx context.Context, a *app) (*service.Local, error) {
	cfg, _, err := runfile.Locate(a.cfg.Config)
	if err != nil {
		return nil, err
	}
	// What the SDK has to say while it connects would stand between a person
	// and the answer; errors come back anyway.
	opts, err := cfg.Temporal.ClientOptions(config.SDKLog(zap.NewNop()))
	if err != nil {
		return nil, usageError{err}
	}
	if err := a.traces.Temporal(&opts); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, a.timeout)
	defer cancel()
	return service.Open(ctx, service.Options{
		Database: cfg.Database.URL.Reveal(), MaxConns: 4, Temporal: opts, TaskQueue: cfg.Temporal.TaskQueue, Patience: a.timeout,
		Traces: a.traces.Provider(), Keys: keys.In(cfg),
	})
}
