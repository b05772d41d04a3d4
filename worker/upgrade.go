package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/schollz/progressbar/v3"
	"github.com/spf13/pflag"
	"go.temporal.io/sdk/client"
	"go.uber.org/zap"

	"github.com/kamflow/kamflow/config"
	"github.com/kamflow/kamflow/internal/program"
	"github.com/kamflow/kamflow/internal/runfile"
	"github.com/kamflow/kamflow/internal/term"
	"github.com/kamflow/kamflow/internal/upgradecheck"
	"github.com/kamflow/kamflow/internal/workerapp"
	"github.com/kamflow/kamflow/store"
	"github.com/kamflow/kamflow/workflows"
)

const upgradeCheck = "upgrade-check"

// The exit statuses of upgrade-check.
const (
	exitReplays     = 0 // all open cases replay
	exitBreaks      = 1 // some would break
	exitUsage       = 2
	exitUnreachable = 3 // a system does not answer; nothing is known
)

// toReach is how long a system may take to answer at all.
const toReach = 15 * time.Second

type upgradeFlags struct {
	json            bool
	limit, parallel int
}

func runUpgradeCheck(ctx context.Context, args []string, out, errOut io.Writer) int {
	fs := pflag.NewFlagSet(upgradeCheck, pflag.ContinueOnError)
	fs.SetOutput(errOut)
	config.AddFlags(fs)
	var f upgradeFlags
	fs.BoolVar(&f.json, "json", false, "print JSON with stable field names")
	fs.IntVar(&f.limit, "limit", 0, "check this many cases at most; 0 checks all")
	fs.IntVar(&f.parallel, "parallel", 2, "how many cases to replay at a time")
	fs.Usage = func() {
		fmt.Fprintf(errOut, "Usage: worker %s [flags]\n\nReplays the histories of all open cases of a running installation with the\nworkflows of this build, and lists the cases that would break. It changes nothing.\n\nExit status: 0 all replay, 1 some break, 2 bad usage, 3 not reachable.\n\n%s", upgradeCheck, fs.FlagUsages())
	}
	if err := fs.Parse(args); err != nil {
		if errors.Is(err, pflag.ErrHelp) {
			return exitReplays
		}
		return program.Fail(errOut, "worker", exitUsage, err)
	}
	switch {
	case fs.NArg() > 0:
		return program.Fail(errOut, "worker", exitUsage, fmt.Errorf("%s takes no arguments, got %q", upgradeCheck, fs.Args()))
	case f.limit < 0 || f.parallel < 1:
		return program.Fail(errOut, "worker", exitUsage, errors.New("--limit must not be negative, and --parallel is at least 1"))
	}
	cfg, err := config.Load(fs)
	if err != nil {
		return program.Fail(errOut, "worker", exitUsage, err)
	}
	if config.PrintAsked(fs) {
		if err := cfg.Print(out); err != nil {
			return program.Fail(errOut, "worker", exitUnreachable, err)
		}
		return exitReplays
	}
	build, err := workerapp.BuildID(cfg.Config.Worker.BuildID)
	if err != nil {
		return program.Fail(errOut, "worker", exitUsage, err)
	}
	report, err := checkUpgrade(ctx, cfg.Config, f, errOut)
	if err != nil {
		return program.Fail(errOut, "worker", exitUnreachable, err)
	}
	if err := printUpgrade(out, build, report, f.json); err != nil {
		return program.Fail(errOut, "worker", exitUnreachable, err)
	}
	if len(report.Breaking) > 0 {
		return exitBreaks
	}
	return exitReplays
}

// checkUpgrade reaches the installation that is configured, else the
// standalone that runs on the data directory.
func checkUpgrade(ctx context.Context, cfg config.Config, f upgradeFlags, errOut io.Writer) (upgradecheck.Report, error) {
	var none upgradecheck.Report
	cfg, _, err := runfile.Locate(cfg)
	if err != nil {
		return none, err
	}
	known, err := openCases(ctx, cfg)
	if err != nil {
		return none, err
	}
	opts, err := cfg.Temporal.ClientOptions(config.SDKLog(zap.NewNop()))
	if err != nil {
		return none, err
	}
	reach, cancel := context.WithTimeout(ctx, toReach)
	defer cancel()
	temporal, err := client.DialContext(reach, opts)
	if err != nil {
		return none, fmt.Errorf("reach Temporal at %s: %w", opts.HostPort, err)
	}
	defer temporal.Close()
	o := upgradecheck.Options{
		Register:  func(r upgradecheck.Registry) { workflows.Register(r, nil) },
		Namespace: opts.Namespace, TaskQueue: cfg.Temporal.TaskQueue,
		Known: known, Converter: opts.DataConverter,
		Limit: f.limit, Parallel: f.parallel,
	}
	if term.For(errOut).Width > 0 && !f.json {
		bar := progressbar.NewOptions(-1, progressbar.OptionSetWriter(errOut), progressbar.OptionSetDescription("Replaying open cases"),
			progressbar.OptionShowCount(), progressbar.OptionSetPredictTime(true), progressbar.OptionClearOnFinish(),
			progressbar.OptionSetWidth(30), progressbar.OptionThrottle(100*time.Millisecond))
		o.Progress = func(done, total int) {
			bar.ChangeMax(total)
			_ = bar.Set(done) // a bar that cannot be drawn is no reason to stop
		}
	}
	return upgradecheck.Run(ctx, temporal, o)
}

// openCases reads the record, whatever version its schema has.
func openCases(ctx context.Context, cfg config.Config) ([]upgradecheck.Known, error) {
	ctx, cancel := context.WithTimeout(ctx, toReach)
	defer cancel()
	// We only look, so a database that may forget is fine.
	db, err := store.Open(ctx, cfg.Database.URL.Reveal(), store.Options{MaxConns: 1, AllowUnsafe: true})
	if err != nil {
		return nil, err
	}
	defer db.Close()
	cases, err := db.Cases.OpenCases(ctx)
	if err != nil {
		return nil, err
	}
	known := make([]upgradecheck.Known, len(cases))
	for i, c := range cases {
		known[i] = upgradecheck.Known(c)
	}
	return known, nil
}

func printUpgrade(out io.Writer, build string, r upgradecheck.Report, asJSON bool) error {
	if asJSON {
		enc := json.NewEncoder(out)
		enc.SetIndent("", "  ")
		enc.SetEscapeHTML(false)
		return enc.Encode(struct {
			BuildID string `json:"build_id"`
			upgradecheck.Report
		}{build, r})
	}
	screen := term.For(out)
	fmt.Fprintf(out, "Build %s: %d open cases, %d replay, %d would break.\n", build, r.Open, r.Replayed, len(r.Breaking))
	for _, note := range []struct {
		n    int
		text string
	}{
		{r.NotReached, "beyond --limit, not looked at"},
		{r.NotStarted, "allotted and never started: nothing to replay"},
		{r.Closed, "ended while we looked"},
	} {
		if note.n > 0 {
			fmt.Fprintf(out, "  %d %s\n", note.n, note.text)
		}
	}
	if len(r.Missing) > 0 {
		fmt.Fprintf(out, "\nOpen in PostgreSQL, and Temporal has no workflow of them. No build changes that: see starter doctor.\n\n%s", caseTable(r.Missing, false).Text(screen))
	}
	if len(r.Breaking) > 0 {
		fmt.Fprintf(out, "\n%s\nDo not start this build on the installation: put the change behind a change id (docs/determinism.md).\n", caseTable(r.Breaking, true).Text(screen))
	}
	return nil
}

func caseTable(cases []upgradecheck.Case, why bool) *term.Table {
	if !why {
		t := term.NewTable("Case", "State")
		for _, c := range cases {
			t.Row(c.CaseNo, c.State)
		}
		return t
	}
	t := term.NewTable("Case", "State", "Type", "Events>", "Why it would break")
	for _, c := range cases {
		t.Row(c.CaseNo, c.State, c.Type, strconv.Itoa(c.Events), c.Reason)
	}
	return t
}
