// Command standalone runs the whole of kamflow on one machine: PostgreSQL,
// Temporal with its Web UI, and our own programs, in one process group and one
// data directory.
//
//	standalone           everything
//	standalone postgres  PostgreSQL alone
//	standalone temporal  Temporal alone, on the PostgreSQL of --database-url
//	standalone worker    a worker alone, on servers that run on the data directory
//
// The parts are for trials in which one of them has to die by itself.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/pflag"

	"github.com/kamflow/kamflow/config"
	"github.com/kamflow/kamflow/internal/keys"
	programs "github.com/kamflow/kamflow/internal/program"
	"github.com/kamflow/kamflow/internal/runfile"
	"github.com/kamflow/kamflow/standalone/stack"
)

// Exit statuses, as for all of our commands.
const (
	exitDone        = 0
	exitUsage       = 2
	exitUnreachable = 3
)

// stopPatience is how long running work may take to end.
const stopPatience = 30 * time.Second

func main() {
	// The first signal stops us in order. After that the default action is
	// back, so that a second one ends us at once.
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop)
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

// A command is what the command line asks for.
type command struct {
	part     string // "" is everything
	cfg      config.Config
	demo     bool
	demoExit bool
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	cmd, loaded, err := parse(args, stdout)
	switch {
	case errors.Is(err, pflag.ErrHelp):
		return exitDone
	case err != nil:
		return programs.Fail(stderr, "standalone", exitUsage, err)
	case loaded != nil:
		if err := loaded.Print(stdout); err != nil {
			return programs.Fail(stderr, "standalone", exitUnreachable, err)
		}
		return exitDone
	}
	if err := cmd.run(ctx, stdout); err != nil {
		return programs.Fail(stderr, "standalone", exitUnreachable, err)
	}
	return exitDone
}

// parse returns the configuration as well when it is only to be printed.
func parse(args []string, stdout io.Writer) (command, *config.Loaded, error) {
	var cmd command
	fs := pflag.NewFlagSet("standalone", pflag.ContinueOnError)
	fs.SetOutput(stdout)
	fs.SortFlags = false
	config.AddFlags(fs)
	config.Flag(fs, "database-url", "database.url", "PostgreSQL server to use instead of one of our own")
	noUI := fs.Bool("no-ui", false, "leave out the Temporal Web UI")
	fs.BoolVar(&cmd.demo, "demo", false, "walk some cases through the process, then stay")
	fs.BoolVar(&cmd.demoExit, "demo-exit", false, "walk some cases through the process, then end")
	fs.Usage = func() {
		fmt.Fprintf(stdout, "Usage: standalone [postgres|temporal|worker] [flags]\n\nRuns all of kamflow on this machine, or one part of it.\n\n%s", fs.FlagUsages())
	}
	if err := fs.Parse(args); err != nil {
		return cmd, nil, err
	}
	switch rest := fs.Args(); {
	case len(rest) == 0:
	case len(rest) == 1 && slices.Contains([]string{partPostgres, partTemporal, partWorker}, rest[0]):
		cmd.part = rest[0]
	default:
		return cmd, nil, fmt.Errorf("unknown part %q: there are postgres, temporal and worker", strings.Join(rest, " "))
	}
	loaded, err := config.Load(fs)
	if err != nil {
		return cmd, nil, err
	}
	cmd.cfg = loaded.Config
	if *noUI {
		cmd.cfg.Standalone.UI = false
	}
	if cmd.demo || cmd.demoExit {
		cmd.cfg.Standalone.Sample, cmd.cfg.Standalone.SpeakFor = true, true
	}
	if config.PrintAsked(fs) {
		loaded.Config = cmd.cfg
		return cmd, &loaded, nil
	}
	return cmd, nil, cmd.check()
}

func (c command) check() error {
	if c.part == partTemporal && c.cfg.Database.URL == "" {
		return errors.New("the part temporal needs --database-url")
	}
	if (c.demo || c.demoExit) && (c.part != "" || program.demo == nil) {
		return errors.New("there is no demo in this program or part")
	}
	return nil
}

// run returns nil when it was told to stop.
func (c command) run(ctx context.Context, stdout io.Writer) (err error) {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(c.cfg.Worker.GCPercent)
	}
	say := func(line string) { fmt.Fprintln(stdout, line) }
	if c.part == partWorker {
		return c.runWorker(ctx, say)
	}
	begin := time.Now()
	say("Starting kamflow in " + c.cfg.DataDir)

	s, err := stack.Start(ctx, c.stackOptions(say))
	if err != nil {
		return interrupted(ctx, err)
	}
	defer func() { err = errors.Join(err, within(stopPatience, s.Stop)) }()

	running := runfile.Running{
		DatabaseURL:     s.DatabaseURL,
		TemporalAddress: s.TemporalAddress,
		Namespace:       s.Namespace,
		UI:              s.UIAddress,
		PID:             os.Getpid(),
	}
	c.point(running)
	var failed, consoleFailed <-chan error // of the servers alone nobody waits for
	var pages console
	if c.part == "" && program.start != nil {
		made, err := keys.In(c.cfg).Ensure(time.Now())
		if err != nil {
			return err
		}
		if made {
			say("Made a key that acts are signed with, in " + keys.In(c.cfg).Dir)
		}
		app, err := program.start(ctx, c.cfg, &running, say)
		if err != nil {
			return interrupted(ctx, err)
		}
		defer func() { err = errors.Join(err, within(stopPatience, app.Stop)) }()
		failed = app.Failed()
		if program.console != nil {
			if pages, err = program.console(ctx, c.cfg, &running); err != nil {
				return interrupted(ctx, err)
			}
			defer func() { err = errors.Join(err, within(stopPatience, pages.Stop)) }()
			consoleFailed = pages.Failed()
		}
	}
	if err := runfile.Write(s.DataDir, running); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, runfile.Remove(s.DataDir)) }()

	say(fmt.Sprintf("Ready after %v\n\n%s", time.Since(begin).Round(10*time.Millisecond), describe(s.DataDir, running)))
	if c.demo || c.demoExit {
		if err := program.demo(ctx, c.cfg, running, stdout); err != nil || c.demoExit {
			return interrupted(ctx, err)
		}
	}
	if pages != nil {
		welcome, err := pages.Welcome(ctx)
		if err != nil {
			return interrupted(ctx, err)
		}
		if welcome != "" {
			say(welcome)
		}
	}
	return stay(ctx, say, failed, consoleFailed)
}

// runWorker runs a worker on the servers that are configured, else on those
// that run on the data directory.
func (c command) runWorker(ctx context.Context, say func(string)) (err error) {
	cfg, _, err := runfile.Locate(c.cfg)
	if err != nil {
		return err
	}
	app, err := program.start(ctx, cfg, &runfile.Running{}, say)
	if err != nil {
		return interrupted(ctx, err)
	}
	defer func() { err = errors.Join(err, within(stopPatience, app.Stop)) }()
	return stay(ctx, say, app.Failed(), nil)
}

func stay(ctx context.Context, say func(string), worker, pages <-chan error) error {
	say("Ctrl-C stops; the next start goes on from here.")
	select {
	case <-ctx.Done():
		say("Stopping")
		return nil
	case err := <-worker:
		return err
	case err := <-pages:
		return err
	}
}

// point directs the configuration at the servers that we have just started.
func (c *command) point(running runfile.Running) {
	c.cfg.Database.URL = config.Secret(running.DatabaseURL)
	c.cfg.Temporal.Address = running.TemporalAddress
	c.cfg.Temporal.Namespace = running.Namespace
}

func (c command) stackOptions(say func(string)) stack.Options {
	return stack.Options{
		DataDir:          c.cfg.DataDir,
		DatabaseURL:      c.cfg.Database.URL.Reveal(),
		Namespace:        c.cfg.Temporal.Namespace,
		Retention:        c.cfg.Temporal.Retention,
		SearchAttributes: program.searchAttributes,
		TemporalPort:     c.cfg.Standalone.TemporalPort,
		UIPort:           c.cfg.Standalone.UIPort,
		NoUI:             !c.cfg.Standalone.UI || c.part == partTemporal,
		NoTemporal:       c.part == partPostgres,
		Log:              say,
	}
}

// within runs a stop that must not wait for ever, even after ctx has ended.
func within(patience time.Duration, stop func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	return stop(ctx)
}

// interrupted drops an error that comes only from our being told to stop.
func interrupted(ctx context.Context, err error) error {
	if ctx.Err() != nil && errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}
