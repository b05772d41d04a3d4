// Command console lets people in: it serves sign-in and pages. Run as many as
// you like behind one address.
//
//	console            serve
//	console link USER  print a link by which somebody signs in, once and soon:
//	                   on one's own machine only
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"
	_ "time/tzdata" // calendars name time zones, and not every machine has them

	"github.com/spf13/pflag"
	"go.uber.org/zap"

	"github.com/kamflow/kamflow/config"
	"github.com/kamflow/kamflow/internal/consoleapp"
	"github.com/kamflow/kamflow/internal/observe"
	"github.com/kamflow/kamflow/internal/program"
	"github.com/kamflow/kamflow/kam"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	status := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(status)
}

func run(ctx context.Context, args []string, out, errOut io.Writer) int {
	fs := pflag.NewFlagSet("console", pflag.ContinueOnError)
	fs.SetOutput(errOut)
	config.AddFlags(fs)
	config.Flag(fs, "listen", "console.listen", "address of the pages")
	if err := fs.Parse(args); err != nil {
		if err == pflag.ErrHelp { //nolint:errorlint // returned as it is
			return 0
		}
		return program.Fail(errOut, "console", program.Usage, err)
	}
	rest := fs.Args()
	if len(rest) > 0 && (len(rest) != 2 || rest[0] != "link") {
		return program.Fail(errOut, "console", program.Usage, fmt.Errorf("there is no command %q: console alone serves, console link USER prints a link", rest))
	}
	cfg, err := config.Load(fs)
	if err != nil {
		return program.Fail(errOut, "console", program.Usage, err)
	}
	if config.PrintAsked(fs) {
		if err := cfg.Print(out); err != nil {
			return program.Fail(errOut, "console", program.Failed, err)
		}
		return 0
	}
	if len(rest) > 0 {
		link, err := consoleapp.LinkFor(ctx, cfg.Config, kam.UserID(rest[1]))
		if err != nil {
			return program.Fail(errOut, "console", program.Failed, err)
		}
		fmt.Fprintln(out, link)
		return 0
	}
	log, err := cfg.Config.Log.Logger()
	if err != nil {
		return program.Fail(errOut, "console", program.Usage, err)
	}
	status := serve(ctx, cfg.Config, log, out)
	_ = log.Sync() // stderr cannot always be synced
	return status
}

// stopPatience is how long running requests may take to end.
const stopPatience = 20 * time.Second

func serve(ctx context.Context, cfg config.Config, log *zap.Logger, out io.Writer) int {
	return program.Serve(ctx, "console", log, func(traces *observe.Traces) (program.Part, error) {
		app, err := consoleapp.Start(ctx, cfg, consoleapp.Deps{Log: log, Traces: traces})
		if err != nil {
			return program.Part{}, err
		}
		stop := func() {
			ctx, cancel := context.WithTimeout(context.Background(), stopPatience)
			defer cancel()
			if err := app.Stop(ctx); err != nil {
				log.Warn("console ends", zap.Error(err))
			}
		}
		// Not into the log, which others may read: whoever holds the link sets the
		// system up.
		fmt.Fprintln(out, "Console:", app.Address)
		first, err := app.FirstLink(ctx)
		if err != nil {
			stop()
			return program.Part{}, fmt.Errorf("make a link for the first admins: %w", err)
		}
		if first != "" {
			fmt.Fprintln(out, "Nobody signs in yet. Set up the first two admins, within a day:", first)
		}
		return program.Part{Failed: app.Failed(), Stop: stop}, nil
	})
}
