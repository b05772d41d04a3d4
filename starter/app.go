package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync/atomic"
	"time"

	"github.com/spf13/cobra"

	"github.com/kamflow/kamflow/config"
	"github.com/kamflow/kamflow/internal/observe"
	"github.com/kamflow/kamflow/internal/rulescli"
	"github.com/kamflow/kamflow/internal/term"
	"github.com/kamflow/kamflow/internal/text"
	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/service"
)

// app is one run of starter.
type app struct {
	in       io.Reader
	out, err io.Writer
	screen   term.Screen
	words    *text.Printer // in the language of the person
	now      func() time.Time
	ask      bool // a person sits at the terminal

	json    bool
	as      string
	user    kam.UserID // who is signed in, once that is known
	timeout time.Duration
	cfg     config.Loaded

	// connect reaches the system; tests put their own in place.
	connect func(ctx context.Context, a *app) (service.Service, error)
	// past reaches the record past the gateway; tests put their own in place.
	past func(ctx context.Context, a *app) (workerKeeper, error)
	back service.Service

	traces   *observe.Traces
	endTrace func(error)
	unsent   atomic.Pointer[error] // what keeps spans from leaving
}

func newApp(in io.Reader, out, err io.Writer) *app {
	return &app{in: in, out: out, err: err, screen: term.For(out), words: text.English(), now: time.Now, ask: term.Interactive(in), connect: dial, past: past, endTrace: func(error) {}}
}

// run executes the command line and returns the exit status.
func (a *app) run(ctx context.Context, args []string) int {
	err := a.speak(args)
	root := a.root()
	root.SetArgs(args)
	root.SetIn(a.in)
	root.SetOut(a.out)
	root.SetErr(a.err)
	if err == nil {
		err = checkArgs(args)
	}
	if err == nil {
		err = root.ExecuteContext(ctx)
	}
	if a.back != nil {
		a.back.Close()
	}
	a.stopTraces(err)
	var shown printed
	if err != nil && !errors.As(err, &shown) {
		a.report(err)
	}
	return status(err)
}

// printed marks an error that the command has told already.
type printed struct{ error }

func (p printed) Unwrap() error { return p.error }

func (a *app) root() *cobra.Command {
	root := &cobra.Command{
		Use:           "starter",
		Short:         "Start onboardings, decide, and read who decided what and why",
		SilenceErrors: true,
		SilenceUsage:  true,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 0 {
				return usagef("there is no verb %q; starter help lists them", args[0])
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, _ []string) error {
			if config.PrintAsked(cmd.Flags()) {
				return nil // printed before
			}
			return cmd.Help()
		},
		PersistentPreRunE: func(cmd *cobra.Command, _ []string) error { return a.prepare(cmd) },
	}
	flags := root.PersistentFlags()
	config.AddFlags(flags)
	flags.BoolVar(&a.json, "json", false, "print JSON with stable field names")
	flags.StringVar(&a.as, "as", os.Getenv("KAM_AS"), "who acts, a user id: for demonstrations and tests (default $KAM_AS)")
	config.Flag(flags, "gateway", "client.gateway", "address of the gateway (default that of the standalone here, else of starter login)")
	flags.DurationVar(&a.timeout, "timeout", 0, "how long to wait for a committed answer (default client.timeout)")
	root.SetFlagErrorFunc(flagError)
	root.AddCommand(a.verbs()...)
	a.inLanguage(root)
	return root
}

func (a *app) verbs() []*cobra.Command {
	verbs := []*cobra.Command{
		onboardCommand(a), importCommand(a), batchCommand(a), submitCommand(a), amendCommand(a), decideCommand(a), resolveCommand(a),
		withdrawCommand(a), reassignCommand(a), commentCommand(a), retryCommand(a),
		claimCommand(a), releaseCommand(a), reevaluateCommand(a), cancelCommand(a),
		inboxCommand(a), listCommand(a), showCommand(a), historyCommand(a), explainCommand(a), diffCommand(a),
		mapCommand(a), customerCommand(a), keyAccountCommand(a), loginCommand(a), whoamiCommand(a), logoutCommand(a),
		orgCommand(a), handOverCommand(a),
		policyCommand(a), auditCommand(a), doctorCommand(a), adminCommand(a), keysCommand(a),
		rulescli.Command(),
	}
	verbs = append(verbs, existing(a)...)
	for _, v := range verbs {
		usageErrors(v)
	}
	return verbs
}

// usageErrors makes wrong arguments of a verb exit as bad usage, and says how
// the verb is written.
func usageErrors(cmd *cobra.Command) {
	if check := cmd.Args; check != nil {
		cmd.Args = func(cmd *cobra.Command, args []string) error {
			err := check(cmd, args)
			var usage usageError
			switch {
			case err == nil:
				return nil
			case errors.As(err, &usage) || kam.AsError(err) != nil:
				return err
			}
			return usagef("arguments given: %d; write: %s", len(args), strings.TrimSuffix(cmd.CommandPath(), cmd.Name())+cmd.Use)
		}
	}
	for _, sub := range cmd.Commands() {
		usageErrors(sub)
	}
}

// errPrinted ends a command after --print-config.
var errPrinted = printed{exitError{exitDone, errors.New("printed")}}

func (a *app) prepare(cmd *cobra.Command) error {
	cfg, err := config.Load(cmd.Flags())
	if err != nil {
		return usageError{err}
	}
	a.cfg = cfg
	if lang := cfg.Config.Lang; lang != "" {
		words, err := text.Wanted(lang)
		if err != nil {
			return err
		}
		a.words = words
	}
	if a.timeout == 0 {
		a.timeout = cfg.Config.Client.Timeout
	}
	if a.timeout < 0 {
		return usagef("--timeout %s: give a positive duration", a.timeout)
	}
	if config.PrintAsked(cmd.Flags()) {
		if err := cfg.Print(a.out); err != nil {
			return err
		}
		if cmd.HasParent() {
			return errPrinted
		}
	}
	return a.trace(cmd)
}

// trace begins the trace of a command, where the environment asks for traces.
func (a *app) trace(cmd *cobra.Command) (err error) {
	a.traces, err = observe.Start(cmd.Context(), "kamflow-starter", func(err error) { a.unsent.CompareAndSwap(nil, &err) })
	if err != nil {
		return usageError{err}
	}
	ctx, end := a.traces.Begin(cmd.Context(), cmd.CommandPath())
	cmd.SetContext(ctx)
	a.endTrace = end
	return nil
}

// stopTraces sends the trace of a command. One that cannot be sent changes
// nothing for the person; programs that read JSON are not told.
func (a *app) stopTraces(err error) {
	a.endTrace(err)
	if err := a.traces.Stop(); err != nil {
		a.unsent.CompareAndSwap(nil, &err)
	}
	if unsent := a.unsent.Load(); unsent != nil && !a.json {
		fmt.Fprintln(a.err, a.text("traces.unsent", term.Clean((*unsent).Error())))
	}
}

// me is who asks, for the service; nobody where the gateway knows.
func (a *app) me() service.Principal { return service.As(kam.UserID(a.as)) }

// who is the person who acts: who is named, else who is signed in.
func (a *app) who(ctx context.Context) (kam.UserID, error) {
	if a.as != "" {
		return kam.UserID(a.as), nil
	}
	if a.user == "" {
		p, err := a.signedIn(ctx)
		if err != nil {
			return "", err
		}
		a.user = p.ID
	}
	return a.user, nil
}

// signedIn asks the gateway who is signed in.
func (a *app) signedIn(ctx context.Context) (kam.Person, error) {
	back, err := a.system(ctx)
	if err != nil {
		return kam.Person{}, err
	}
	gate, ok := back.(interface {
		Me(ctx context.Context, who service.Principal) (kam.Person, error)
	})
	if !ok {
		return back.Person(ctx, a.me(), kam.UserID(a.as))
	}
	p, err := gate.Me(ctx, a.me())
	return p, unreachable("kamflow", err)
}

// system is the service, reached when first needed. Whoever uses it is somebody.
func (a *app) system(ctx context.Context) (service.Service, error) {
	if a.back == nil {
		b, err := a.connect(ctx, a)
		if err != nil {
			return nil, unreachable("kamflow", err)
		}
		a.back = b
	}
	return a.back, nil
}

// asking is what a verb does that asks the system.
func (a *app) asking(do func(ctx context.Context, back service.Service, args []string) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		back, err := a.system(cmd.Context())
		if err != nil {
			return err
		}
		return do(cmd.Context(), back, args)
	}
}

// printJSON writes the answer for programs.
func (a *app) printJSON(v any) error {
	enc := json.NewEncoder(a.out)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	return enc.Encode(v)
}

func (a *app) printf(format string, args ...any) { fmt.Fprintf(a.out, format, args...) }

// say prints a text of the catalogue as a line; its arguments are cleaned.
func (a *app) say(id string, args ...any) {
	for i, arg := range args {
		switch x := arg.(type) {
		case string:
			args[i] = term.Clean(x)
		case fmt.Stringer:
			args[i] = term.Clean(x.String())
		}
	}
	fmt.Fprintln(a.out, a.text(id, args...))
}

// text is a text of the catalogue in the person's language.
func (a *app) text(id string, args ...any) string { return a.words.Say(id, args...) }
