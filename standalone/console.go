package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"strings"

	"go.uber.org/zap"

	"github.com/kamflow/kamflow/config"
	"github.com/kamflow/kamflow/internal/consoleapp"
	"github.com/kamflow/kamflow/internal/observe"
	"github.com/kamflow/kamflow/internal/runfile"
	"github.com/kamflow/kamflow/kam"
)

// ownConsole is the console beside the servers.
type ownConsole struct {
	*consoleapp.App
	sample bool
	traces *observe.Traces
	log    *zap.Logger
}

// startConsole serves the pages in this process. The schema is there.
func startConsole(ctx context.Context, cfg config.Config, running *runfile.Running) (console, error) {
	if cfg.Log.File == "" {
		cfg.Log.File = filepath.Join(cfg.DataDir, "console.log")
	}
	log, err := cfg.Log.Logger()
	if err != nil {
		return nil, err
	}
	defaults := config.Defaults().Console
	if cfg.Console.Listen == defaults.Listen && !free(defaults.Listen) {
		cfg.Console.Listen = "127.0.0.1:0" // another standalone may run on this machine
	}
	if cfg.Console.HealthListen == defaults.HealthListen {
		cfg.Console.HealthListen = "127.0.0.1:0" // its address is in the log
	}
	traces, err := observe.Start(ctx, "kamflow-console", observe.ToLog(log))
	if err != nil {
		return nil, err
	}
	owner := rand.Text() + rand.Text()
	a, err := consoleapp.Start(ctx, cfg, consoleapp.Deps{Log: log, Traces: traces, Owner: owner})
	if err != nil {
		return nil, errors.Join(fmt.Errorf("start console: %w", err), traces.Stop())
	}
	running.Console, running.Token = a.Address, owner
	return ownConsole{a, cfg.Standalone.Sample, traces, log}, nil
}

// free says whether nobody listens on an address.
func free(address string) bool {
	l, err := net.Listen("tcp", address)
	return err == nil && l.Close() == nil
}

// Stop lets running requests end.
func (c ownConsole) Stop(ctx context.Context) error {
	err := errors.Join(c.App.Stop(ctx), c.traces.Stop())
	_ = c.log.Sync() // the log has a file of its own
	return err
}

// Welcome gives out links: of the sample one for each role, else one for an
// admin, and where nobody is known the one by which the first are set up.
func (c ownConsole) Welcome(ctx context.Context) (string, error) {
	var roles []kam.Role
	if !c.sample {
		roles = []kam.Role{kam.UserAdmin}
	}
	all, err := c.Invitations(ctx, roles...)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	if len(all) > 0 {
		b.WriteString("Sign in by a click on one of these links. Each holds once, and for a quarter of an hour:\n")
		for _, i := range all {
			fmt.Fprintf(&b, "  %-20s %s  (%s)\n", i.Role, i.Link, i.User)
		}
		fmt.Fprintf(&b, "For others and later: go run ./console link USER")
		return b.String(), nil
	}
	first, err := c.FirstLink(ctx)
	if err == nil && first != "" {
		fmt.Fprintf(&b, "Nobody signs in yet. Set up the first two admins, within a day: %s", first)
	}
	return b.String(), err
}
