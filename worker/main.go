// Command worker runs workflows and activities, carries messages out of the
// outbox, and keeps cases in step with PostgreSQL. Run as many as you like.
//
//	worker                work
//	worker upgrade-check  replay the open cases of a running installation with
//	                      the workflows of this build, and say which would break
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	_ "time/tzdata" // calendars name time zones, and not every machine has them

	"github.com/spf13/pflag"
	"go.uber.org/zap"

	"github.com/kamflow/kamflow/config"
	"github.com/kamflow/kamflow/internal/observe"
	"github.com/kamflow/kamflow/internal/program"
	"github.com/kamflow/kamflow/internal/workerapp"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	status := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(status)
}

// The exit statuses: 1 for a worker that failed, 2 for bad usage. Those of
// upgrade-check stand there.
func run(ctx context.Context, args []string, out, errOut io.Writer) int {
	if len(args) > 0 && args[0] == upgradeCheck {
		return runUpgradeCheck(ctx, args[1:], out, errOut)
	}
	fs := pflag.NewFlagSet("worker", pflag.ContinueOnError)
	fs.SetOutput(errOut)
	config.AddFlags(fs)
	config.Flag(fs, "listen", "worker.listen", "address of /healthz, /readyz and /metrics")
	if err := fs.Parse(args); err != nil {
		if err == pflag.ErrHelp { //nolint:errorlint // returned as it is
			return 0
		}
		return program.Fail(errOut, "worker", program.Usage, err)
	}
	if fs.NArg() > 0 {
		return program.Fail(errOut, "worker", program.Usage, fmt.Errorf("there is no command %q: worker alone works, worker %s looks", fs.Arg(0), upgradeCheck))
	}
	cfg, err := config.Load(fs)
	if err != nil {
		return program.Fail(errOut, "worker", program.Usage, err)
	}
	if config.PrintAsked(fs) {
		if err := cfg.Print(out); err != nil {
			return program.Fail(errOut, "worker", program.Failed, err)
		}
		return 0
	}
	log, err := cfg.Config.Log.Logger()
	if err != nil {
		return program.Fail(errOut, "worker", program.Usage, err)
	}
	status := work(ctx, cfg.Config, log)
	_ = log.Sync() // stderr cannot always be synced
	return status
}

func work(ctx context.Context, cfg config.Config, log *zap.Logger) int {
	return program.Serve(ctx, "worker", log, func(traces *observe.Traces) (program.Part, error) {
		app, err := workerapp.Start(ctx, cfg, workerapp.Deps{Log: log, Traces: traces})
		if err != nil {
			return program.Part{}, err
		}
		return program.Part{Failed: app.Failed(), Stop: app.Stop}, nil
	})
}
