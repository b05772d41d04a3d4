package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/schollz/progressbar/v3"
	"github.com/spf13/cobra"

	"github.com/kamflow/kamflow/internal/importer"
	"github.com/kamflow/kamflow/internal/term"
	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/service"
)

// importOptions are the flags of import.
type importOptions struct {
	file        string
	defaults    string
	result      string
	dryRun      bool
	complete    bool
	concurrency int
}

// maxInFlight bounds --concurrency: more only waits in line.
const maxInFlight = 256

func importCommand(a *app) *cobra.Command {
	var o importOptions
	var b bookOptions
	var asBook bool
	cmd := &cobra.Command{
		Use:   "import customers.csv",
		Short: "Start a case for every row of a customer list; safe to run again",
		Long: `Checks the whole file first and starts nothing if any row is damaged. Then
every accepted row becomes a case: complete ones go on to the decision, the
others wait in DATA_ENTRY for what they lack, or in DRAFT where they do not
even say through which channel they came. The same row is the same case, so an
import that was interrupted, and its result file, can be run again.

Columns are the field names of the request data (legal_name, country_code,
declared_potential, ...) and those that exports commonly have: row_ref,
trading_name, country, address, industry, annual_revenue, revenue_currency,
identifier_scheme, identifier, parent_name. Comma, semicolon or tab. Amounts are
written as 1234.56, countries as IT or Italy.

A value that cannot stand, such as 140.000 EUR, is left out: the screen counts
it by rule and column, the case shows it under "Found at import".

--defaults names a JSON file with what the rows lack: constants by field name,
exchange rates, and amounts as a share of another amount:

  {"rates": {"USD": "0.92"}, "strategic_fit": "PARTIAL",
   "declared_potential": {"share_of": "annual_revenue", "pct": 0.01,
                          "cap": 250000, "basis": "ESTIMATE"}}

--as-book takes the file for customers that exist already: one batch, no case
per row. Customers (CSV, or JSON as admin load-customers takes it), sales, profit
and loss, and groups are checked, confirmed once by a manager per country,
applied, and classified on the whole book. See starter batch.`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 1 {
				o.file = args[0]
			}
			if asBook {
				if o.defaults != "" {
					return usagef("--defaults is for requests; a book says what it knows")
				}
				b.importOptions = o
				return a.importBook(cmd.Context(), b)
			}
			if b.sales != "" || b.pl != "" || b.groups != "" || b.key != "" {
				return usagef("--sales, --pl, --groups and --key go with --as-book")
			}
			if o.file == "" {
				return usagef("name the file of customers")
			}
			return a.importFile(cmd.Context(), o)
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.defaults, "defaults", "", "JSON file with constants and formulas for what rows lack")
	f.StringVar(&o.result, "result", "", "write every row with its case, state and findings to this CSV file")
	f.BoolVar(&o.dryRun, "dry-run", false, "check the file and say what would be started")
	f.BoolVar(&o.complete, "complete", false, "the last line is whole although no line end follows")
	f.BoolVar(&asBook, "as-book", false, "the file is a book of customers that exist already: one batch")
	f.StringVar(&b.sales, "sales", "", "with --as-book: sales facts by account and month (CSV)")
	f.StringVar(&b.pl, "pl", "", "with --as-book: lines of profit and loss by account and month (CSV)")
	f.StringVar(&b.groups, "groups", "", "with --as-book: groups, group_id and name (CSV)")
	f.StringVar(&b.key, "key", "", "with --as-book: key of the batch (default: from the files)")
	f.IntVar(&o.concurrency, "concurrency", 8, "cases in flight")
	return cmd
}

func (a *app) importFile(ctx context.Context, o importOptions) error {
	if err := within("--concurrency", o.concurrency, 1, maxInFlight); err != nil {
		return err
	}
	by, err := a.who()
	if err != nil && !o.dryRun {
		return err
	}
	batch, err := a.readBatch(o)
	if err != nil {
		return err
	}
	rep, err := batch.Dry(), error(nil)
	if !o.dryRun {
		rep, err = a.runImport(ctx, batch, by, o.concurrency)
	}
	// What has been started is told also where the import broke off.
	if o.result != "" {
		if werr := writeResult(o.result, batch, rep); werr != nil {
			return errors.Join(err, werr)
		}
	}
	if perr := a.printImport(rep, o.result); perr != nil {
		return errors.Join(err, perr)
	}
	switch {
	case err != nil:
		return unreachable("the import stopped", err)
	case rep.Summary.Refused > 0 || rowsRefused(rep):
		return printed{exitError{exitRefused, errors.New("rows were refused")}}
	}
	return nil
}

// rowsRefused says whether the process refused a row that the file check had
// accepted.
func rowsRefused(rep importer.Report) bool { return rep.Summary.States[importer.StateRefused] > 0 }

func (a *app) readBatch(o importOptions) (*importer.Batch, error) {
	defaults := importer.NoDefaults()
	if o.defaults != "" {
		f, err := os.Open(o.defaults)
		if err != nil {
			return nil, usageError{err}
		}
		defer f.Close() //nolint:errcheck // only read from
		if defaults, err = importer.ReadDefaults(f); err != nil {
			return nil, usageError{fmt.Errorf("%s: %w", o.defaults, err)}
		}
	}
	var in io.Reader = a.in
	if o.file != "-" {
		f, err := os.Open(o.file)
		if err != nil {
			return nil, usageError{err}
		}
		defer f.Close() //nolint:errcheck // only read from
		in = f
	}
	table, err := importer.Read(in, importer.ReadOptions{Complete: o.complete})
	if err != nil {
		return nil, usageError{fmt.Errorf("%s: nothing was started\n%w", o.file, err)}
	}
	return importer.Plan(table, defaults), nil
}

func (a *app) runImport(ctx context.Context, batch *importer.Batch, by kam.UserID, concurrency int) (importer.Report, error) {
	back, err := a.system(ctx)
	if err != nil {
		return batch.Dry(), err
	}
	dry := batch.Dry().Summary
	opts := importer.RunOptions{By: by, Concurrency: concurrency}
	if a.screen.Width > 0 && !a.json {
		bar := progressbar.NewOptions(dry.Ready+dry.Parked, progressbar.OptionSetWriter(a.err), progressbar.OptionSetDescription("Starting cases"),
			progressbar.OptionShowCount(), progressbar.OptionSetPredictTime(true), progressbar.OptionClearOnFinish(),
			progressbar.OptionSetWidth(30), progressbar.OptionThrottle(100*time.Millisecond))
		opts.Progress = func(done int) { _ = bar.Set(done) } // a bar that cannot be drawn is no reason to stop
	}
	return importer.Run(ctx, batch, a.caseStarter(back), opts)
}

// caseStarter starts the cases of an import through the service that people
// use, and follows each to where somebody has to do something. The request
// carries nothing of the file but the row: the same row of another file is the
// same request.
func (a *app) caseStarter(back service.Service) importer.StarterFunc {
	return func(ctx context.Context, c importer.Case) (importer.Started, error) {
		s, err := back.Start(ctx, a.me(), service.Request{Key: c.RequestKey, Type: kam.NewCase, Requester: c.By, Data: c.Data, Findings: c.Findings})
		if err != nil {
			return importer.Started{}, err
		}
		now := a.rest(ctx, back, s.Progress.Snapshot)
		return importer.Started{CaseNo: s.CaseNo, State: now.State, Existing: !s.Created, Missing: now.MissingFields}, nil
	}
}

func writeResult(path string, batch *importer.Batch, rep importer.Report) error {
	return writeWhole(path, func(w io.Writer) error { return importer.WriteResult(w, batch, rep) })
}

// importJSON is the answer of import for programs.
type importJSON struct {
	importer.Report
	Result string `json:"result_file,omitempty"`
}

func (a *app) printImport(rep importer.Report, result string) error {
	if a.json {
		return a.printJSON(importJSON{rep, result})
	}
	a.printf("%s", importSummary(rep).Text(a.screen))
	if t := importMissing(rep.Summary); t.Len() > 0 {
		a.printf("\n%s", t.Text(a.screen))
	}
	if t, more := importFindings(rep); t.Len() > 0 {
		a.printf("\n%s", t.Text(a.folded()))
		if more > 0 {
			a.printf("%d more: see --result or --json\n", more)
		}
	}
	errs, warned := importKinds(rep)
	a.countErrors("import.errors", errs)
	a.printKinds("import.warnings", warned)
	if rep.Summary.Left > 0 && !rep.Summary.DryRun {
		a.printf("\n%d rows were not started. Run the same import again: it starts exactly those.\n", rep.Summary.Left)
	}
	if result != "" {
		a.printf("\nResult: %s\n", term.Clean(result))
	}
	return nil
}
