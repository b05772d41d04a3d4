package main

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/kamflow/kamflow/internal/keys"
	"github.com/kamflow/kamflow/internal/term"
	"github.com/kamflow/kamflow/kam/signed"
	"github.com/kamflow/kamflow/service"
)

func keysCommand(a *app) *cobra.Command {
	cmd := group("keys", "Keep the keys that acts are signed with, as files that their owner alone can read")
	var public, now bool
	list := &cobra.Command{
		Use: "list", Short: "The keys, since when and until when they are valid, and which of them signs", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.listKeys(cmd.Context(), public) },
	}
	list.Flags().BoolVar(&public, "public", false, "print the public keys alone, as keys.public takes them")
	retire := &cobra.Command{
		Use: "retire KEY", Short: "End a key: it signs no more, and from tomorrow on what it signed is not taken", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return a.retireKey(cmd.Context(), args[0], now) },
	}
	retire.Flags().BoolVar(&now, "now", false, "at once, also where no other key signs: for a key that somebody else may have")
	cmd.AddCommand(
		&cobra.Command{
			Use: "make", Short: "Make a key", Args: cobra.NoArgs,
			RunE: func(*cobra.Command, []string) error {
				_, err := a.makeKey()
				return err
			},
		},
		&cobra.Command{
			Use: "rotate", Short: "Make a new key, and wait until every live worker knows it", Args: cobra.NoArgs,
			RunE: func(cmd *cobra.Command, _ []string) error { return a.rotateKey(cmd.Context()) },
		},
		list, retire,
	)
	return cmd
}

func (a *app) box() keys.Box { return keys.In(a.cfg.Config) }

func (a *app) makeKey() (signed.Key, error) {
	k, err := a.box().Make(a.now())
	if err != nil {
		return k, err
	}
	if a.json {
		return k, a.printJSON(k)
	}
	a.say("keys.made", k.ID, a.box().Dir)
	return k, nil
}

// liveWorkers are the workers with what they know; only who reaches the database
// can say.
func (a *app) liveWorkers(ctx context.Context) ([]service.WorkerKeys, error) {
	record, err := a.past(ctx, a)
	if err != nil {
		return nil, unreachable("PostgreSQL", err)
	}
	defer record.Close()
	live, err := record.LiveWorkers(ctx, a.me())
	return live, unreachable("PostgreSQL", err)
}

// A workerKeeper knows which workers are alive, and which keys they have.
type workerKeeper interface {
	LiveWorkers(ctx context.Context, who service.Principal) ([]service.WorkerKeys, error)
	Close()
}

func past(ctx context.Context, a *app) (workerKeeper, error) { return direct(ctx, a) }

// ignorant are the workers that do not know a key.
func ignorant(live []service.WorkerKeys, id string) []string {
	var names []string
	for _, w := range live {
		if !slices.Contains(w.Keys, id) {
			names = append(names, term.Clean(w.Worker))
		}
	}
	return names
}

// rotateKey makes a key and waits until it signs, or as long as --timeout says:
// then it signs as soon as the last worker knows it.
func (a *app) rotateKey(ctx context.Context) error {
	if _, err := a.liveWorkers(ctx); err != nil {
		return err
	}
	k, err := a.makeKey()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, a.timeout)
	defer cancel()
	for {
		live, err := a.liveWorkers(ctx)
		missing := ignorant(live, k.ID)
		if err == nil && len(live) > 0 && len(missing) == 0 {
			if !a.json {
				a.say("keys.signs", k.ID)
			}
			return nil
		}
		select {
		case <-ctx.Done():
			id := "keys.waits"
			if len(live) == 0 {
				id = "keys.nobody"
			}
			a.say(id, k.ID, strings.Join(missing, ", "))
			return printed{exitError{exitUnreachable, errors.New("not every worker knows the key")}}
		case <-time.After(time.Second):
		}
	}
}

// keyJSON is a key with what becomes of it.
type keyJSON struct {
	signed.Key
	Signs bool   `json:"signs"`
	State string `json:"state"`
}

func (a *app) listKeys(ctx context.Context, public bool) error {
	ring, err := a.box().Ring()
	if err != nil {
		return err
	}
	if public {
		lines := strings.Split(strings.TrimSpace(ring.Text()), "\n")
		a.printf("%s\n", strings.Join(lines, ","))
		return nil
	}
	secrets, err := a.box().Secrets()
	if err != nil {
		return err
	}
	live, unknown := a.liveWorkers(ctx)
	current, signs := service.SigningNow(secrets, ring, live, a.now())
	all := make([]keyJSON, len(ring))
	for i, k := range ring {
		has := slices.ContainsFunc(secrets, func(s signed.SigningKey) bool { return s.ID == k.ID })
		all[i] = keyJSON{Key: k, Signs: signs && unknown == nil && current.ID == k.ID}
		switch missing := ignorant(live, k.ID); {
		case !k.ValidAt(a.now()):
			all[i].State = a.text("keys.state.ended")
		case !has:
			all[i].State = a.text("keys.state.public")
		case unknown != nil:
			all[i].State = a.text("keys.state.unknown", term.Clean(unknown.Error()))
		case all[i].Signs:
			all[i].State = a.text("keys.state.signs")
		case len(missing) > 0:
			all[i].State = a.text("keys.state.waits", strings.Join(missing, ", "))
		default:
			all[i].State = a.text("keys.state.older")
		}
	}
	if a.json {
		return a.printJSON(map[string]any{"keys": all, "workers": live})
	}
	if len(all) == 0 {
		a.say("keys.none", a.box().Dir)
		return nil
	}
	t := term.NewTable(a.text("label.key"), a.text("label.from"), a.text("label.until"), a.text("label.state"))
	for _, k := range all {
		until := ""
		if !k.Until.IsZero() {
			until = a.screen.Clock(k.Until)
		}
		t.Row(k.ID, a.screen.Clock(k.From), until, k.State)
	}
	a.printf("%s", t.Text(a.screen))
	return nil
}

// retireKey ends a key in a day, when nothing can wait any more that it has
// signed, or at once. The one that signs alone is not ended by the way.
func (a *app) retireKey(ctx context.Context, id string, now bool) error {
	at := a.now()
	if !now {
		ring, err := a.box().Ring()
		if err != nil {
			return err
		}
		secrets, err := a.box().Secrets()
		if err != nil {
			return err
		}
		live, err := a.liveWorkers(ctx)
		if err != nil {
			return err
		}
		others := slices.DeleteFunc(slices.Clone(secrets), func(s signed.SigningKey) bool { return s.ID == id })
		if _, signs := service.SigningNow(others, ring, live, a.now()); !signs {
			return usagef("no other key signs: make one with starter keys rotate first, or say --now")
		}
		at = at.Add(signed.QueueLife + time.Hour)
	}
	if err := a.box().Retire(id, at); err != nil {
		return usageError{err}
	}
	if !a.json {
		a.say("keys.retired", id, at.UTC().Format(time.RFC3339))
	}
	return nil
}
