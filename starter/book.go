package main

import (
	"cmp"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/schollz/progressbar/v3"

	"github.com/kamflow/kamflow/internal/importer"
	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/rules"
	"github.com/kamflow/kamflow/service"
)

// bookOptions are the flags of import --as-book.
type bookOptions struct {
	importOptions
	sales, pl, groups string
	key               string
}

// checkPatience is how long import waits for the check of a book.
const checkPatience = 10 * time.Minute

// importBook stages a customer book as one batch and waits until it is
// checked. The same files are the same batch, also when it is applied already.
func (a *app) importBook(ctx context.Context, o bookOptions) error {
	by, err := a.who()
	if err != nil && !o.dryRun {
		return err
	}
	book, err := a.openBook(o)
	if err != nil {
		return err
	}
	if o.dryRun {
		return a.dryBook(book)
	}
	back, err := a.system(ctx)
	if err != nil {
		return err
	}
	key := cmp.Or(o.key, "book-"+book.Content[:32])
	u := book.Upload(key, by, a.now().UTC())
	stop := func() {}
	if a.screen.Width > 0 && !a.json {
		u.Progress, stop = a.stagingBar(book.Rows)
	}
	b, created, err := back.Upload(ctx, a.me(), u, book.PLOnly())
	stop()
	if err != nil {
		return unreachable("PostgreSQL", err)
	}
	if !created && !a.json {
		a.say("batch.existing", string(b.No))
	}
	if b, err = a.untilChecked(ctx, back, b); err != nil {
		return err
	}
	if o.result != "" {
		if err := a.writeBookResult(ctx, back, book, b.No, o.result); err != nil {
			return err
		}
	}
	if err := a.showBatch(ctx, back, b, o.result); err != nil {
		return err
	}
	if b.State == kam.BatchCancelled || b.Counts.Refused > 0 {
		return printed{exitError{exitRefused, errors.New("rows were refused")}}
	}
	return nil
}

func (a *app) openBook(o bookOptions) (*importer.Book, error) {
	var files importer.BookFiles
	var open []io.Closer
	defer func() {
		for _, f := range open {
			_ = f.Close() // only read from
		}
	}()
	for _, f := range []struct {
		path string
		into *io.Reader
	}{{o.file, &files.Customers}, {o.sales, &files.Sales}, {o.pl, &files.PL}, {o.groups, &files.Groups}} {
		switch f.path {
		case "":
		case "-":
			*f.into = a.in
		default:
			file, err := os.Open(f.path)
			if err != nil {
				return nil, usageError{err}
			}
			open = append(open, file)
			*f.into = file
		}
	}
	book, err := importer.OpenBook(files, importer.ReadOptions{Complete: o.complete})
	if err != nil {
		return nil, usageError{nothing{err}}
	}
	return book, nil
}

// dryBook says what the form check finds, without the system.
func (a *app) dryBook(book *importer.Book) error {
	policy, err := rules.Default()
	if err != nil {
		return err
	}
	counts, findings, err := book.Dry(policy)
	if err != nil {
		return usageError{nothing{err}}
	}
	slices.SortStableFunc(findings, func(x, y kam.BatchFinding) int { // as batch show has them
		return cmp.Compare(rankOf(x.Severity), rankOf(y.Severity))
	})
	if a.json {
		if err := a.printJSON(map[string]any{"dry_run": true, "content_digest": book.Content, "counts": counts, "findings": nonNil(findings)}); err != nil {
			return err
		}
	} else {
		a.printf("%s", a.batchCounts(counts).Text(a.screen))
		a.printFindings(findings)
		a.say("batch.dry")
	}
	if counts.Refused > 0 || slices.ContainsFunc(findings, func(f kam.BatchFinding) bool { return f.Severity == kam.SeverityError }) {
		return printed{exitError{exitRefused, errors.New("rows were refused")}}
	}
	return nil
}

// rankOf puts errors before all else.
func rankOf(s kam.Severity) int {
	if s == kam.SeverityError {
		return 0
	}
	return 1
}

func nonNil[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}

// stagingBar shows how far the rows are staged.
func (a *app) stagingBar(customers int) (progress func(file string, rows int), stop func()) {
	var bar *progressbar.ProgressBar
	last := ""
	return func(file string, rows int) {
			if file != last {
				most := -1
				if file == kam.FileCustomers {
					most = customers
				}
				bar, last = a.bar(most, a.text("batch.staging", file)), file
			}
			_ = bar.Set(rows) // a bar that cannot be drawn is no reason to stop
		}, func() {
			if bar != nil {
				_ = bar.Finish()
			}
		}
}

func (a *app) bar(most int, what string) *progressbar.ProgressBar {
	return progressbar.NewOptions(most, progressbar.OptionSetWriter(a.err), progressbar.OptionSetDescription(what),
		progressbar.OptionShowCount(), progressbar.OptionSetPredictTime(most > 0), progressbar.OptionClearOnFinish(),
		progressbar.OptionSetWidth(30), progressbar.OptionThrottle(100*time.Millisecond))
}

// untilChecked waits for the check. A batch that stays uploaded says that no
// worker is there.
func (a *app) untilChecked(ctx context.Context, back service.Service, b kam.BatchSnapshot) (kam.BatchSnapshot, error) {
	var bar *progressbar.ProgressBar
	if a.screen.Width > 0 && !a.json {
		bar = a.bar(-1, a.text("batch.checking"))
		defer func() { _ = bar.Finish() }()
	}
	ctx, cancel := context.WithTimeout(ctx, max(checkPatience, a.timeout))
	defer cancel()
	for try := 0; b.State == kam.BatchUploaded; try++ {
		select {
		case <-ctx.Done():
			return b, kam.Errorf(kam.Unreachable, "batch %s is staged and not checked yet", b.No).Try("see it with: starter batch show %s", b.No)
		case <-time.After(min(50*time.Millisecond<<min(try, 4), 500*time.Millisecond)):
		}
		if bar != nil {
			_ = bar.Add(1)
		}
		now, err := back.Batch(ctx, a.me(), b.No)
		if err != nil {
			return b, unreachable("PostgreSQL", err)
		}
		b = now
	}
	return b, nil
}

// writeBookResult writes beside the target and renames, so that a result file
// is whole or not there.
func (a *app) writeBookResult(ctx context.Context, back service.Service, book *importer.Book, no kam.BatchNo, path string) (err error) {
	outcomes, err := back.BatchOutcomes(ctx, a.me(), no)
	if err != nil {
		return unreachable("PostgreSQL", err)
	}
	findings, err := back.BatchFindings(ctx, a.me(), no, 0)
	if err != nil {
		return unreachable("PostgreSQL", err)
	}
	return writeWhole(path, func(w io.Writer) error { return book.WriteBookResult(w, no, outcomes, findings) })
}

// writeWhole writes a file beside its target and renames it.
func writeWhole(path string, write func(io.Writer) error) (err error) {
	f, err := os.CreateTemp(filepath.Dir(path), ".import-*.csv")
	if err != nil {
		return usageError{err}
	}
	defer func() {
		if err != nil {
			_ = os.Remove(f.Name()) // the error that led here counts
		}
	}()
	if err = write(f); err != nil {
		_ = f.Close()
		return err
	}
	if err = f.Chmod(0o600); err == nil {
		err = f.Sync()
	}
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}

// nothing is a refusal of files before anything was sent.
type nothing struct{ error }

//text:keys
const nothingStaged = "Nothing was staged."

func (n nothing) Error() string { return nothingStaged + "\n" + n.error.Error() }
func (n nothing) Unwrap() error { return n.error }
