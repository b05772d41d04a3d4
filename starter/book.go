package main

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/schollz/progressbar/v3"
	"github.com/spf13/cobra"

	"github.com/kamflow/kamflow/client"
	"github.com/kamflow/kamflow/internal/importer"
	"github.com/kamflow/kamflow/internal/term"
	"github.com/kamflow/kamflow/internal/text"
	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/rules"
	"github.com/kamflow/kamflow/store"
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
	b, created, err := back.Upload(ctx, u, book.PLOnly())
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
		return nil, usagef("%s\n%w", text.Say("batch.nothing"), err)
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
		return usagef("%s\n%w", text.Say("batch.nothing"), err)
	}
	if a.json {
		if err := a.printJSON(map[string]any{"dry_run": true, "content_digest": book.Content, "counts": counts, "findings": nonNil(findings)}); err != nil {
			return err
		}
	} else {
		a.printf("%s", batchCounts(counts).Text(a.screen))
		a.printFindings(findings)
		a.say("batch.dry")
	}
	if counts.Refused > 0 || slices.ContainsFunc(findings, func(f kam.BatchFinding) bool { return f.Severity == kam.SeverityError }) {
		return printed{exitError{exitRefused, errors.New("rows were refused")}}
	}
	return nil
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
				bar, last = a.bar(most, text.Say("batch.staging", file)), file
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
func (a *app) untilChecked(ctx context.Context, back backend, b kam.BatchSnapshot) (kam.BatchSnapshot, error) {
	var bar *progressbar.ProgressBar
	if a.screen.Width > 0 && !a.json {
		bar = a.bar(-1, text.Say("batch.checking"))
		defer func() { _ = bar.Finish() }()
	}
	ctx, cancel := context.WithTimeout(ctx, max(checkPatience, a.timeout))
	defer cancel()
	for try := 0; b.State == kam.BatchUploaded; try++ {
		select {
		case <-ctx.Done():
			return b, kam.Errorf(kam.Unreachable, "batch %s is staged and not checked yet", b.No).Try("see it with: starter batch show " + string(b.No))
		case <-time.After(min(50*time.Millisecond<<min(try, 4), 500*time.Millisecond)):
		}
		if bar != nil {
			_ = bar.Add(1)
		}
		now, err := back.Batch(ctx, b.No)
		if err != nil {
			return b, unreachable("PostgreSQL", err)
		}
		b = now
	}
	return b, nil
}

// writeBookResult writes beside the target and renames, so that a result file
// is whole or not there.
func (a *app) writeBookResult(ctx context.Context, back backend, book *importer.Book, no kam.BatchNo, path string) (err error) {
	outcomes, err := back.BatchOutcomes(ctx, no)
	if err != nil {
		return unreachable("PostgreSQL", err)
	}
	findings, err := back.BatchFindings(ctx, no, 0)
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

func batchCommand(a *app) *cobra.Command {
	cmd := group("batch", "Customer books that were imported, and what they wait for")
	cmd.AddCommand(batchListCommand(a), batchShowCommand(a), batchConfirmCommand(a), batchCancelCommand(a))
	return cmd
}

func batchListCommand(a *app) *cobra.Command {
	limit := 0
	cmd := &cobra.Command{
		Use: "list", Short: "Batches, the newest first", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			back, err := a.system(cmd.Context())
			if err != nil {
				return err
			}
			all, err := back.Batches(cmd.Context(), limit)
			if err != nil {
				return unreachable("PostgreSQL", err)
			}
			if a.json {
				return a.printJSON(map[string]any{"batches": nonNil(all)})
			}
			if len(all) == 0 {
				a.say("batch.none")
				return nil
			}
			t := term.NewTable(text.Say("label.batch"), text.Say("label.state"), text.Say("label.rows")+">", text.Say("label.refused")+">", text.Say("label.waits"), text.Say("label.uploader"), text.Say("label.changed"))
			for _, b := range all {
				waits := ""
				if b.State == kam.BatchChecked {
					waits = strings.Join(b.Open(), ", ")
				}
				t.Row(string(b.No), string(b.State), strconv.Itoa(b.Counts.Rows), strconv.Itoa(b.Counts.Refused), waits, string(b.Uploader), a.screen.Time(b.UpdatedAt))
			}
			a.printf("%s", t.Text(a.screen))
			return nil
		},
	}
	cmd.Flags().IntVar(&limit, "limit", 100, "how many")
	return cmd
}

func batchShowCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use: "show BATCH", Short: "One batch: counts, scopes, findings, and what the roll-up proposes", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			back, err := a.system(cmd.Context())
			if err != nil {
				return err
			}
			b, err := back.Batch(cmd.Context(), kam.BatchNo(args[0]))
			if err != nil {
				return unreachable("PostgreSQL", err)
			}
			return a.showBatch(cmd.Context(), back, b, "")
		},
	}
}

// batchJSON is a batch for programs.
type batchJSON struct {
	kam.BatchSnapshot
	Findings  []kam.BatchFinding  `json:"findings"`
	Proposals []kam.BatchProposal `json:"proposals"`
	Result    string              `json:"result_file,omitempty"`
}

func (a *app) showBatch(ctx context.Context, back backend, b kam.BatchSnapshot, result string) error {
	limit := shownFindings + 1
	if a.json {
		limit = 0
	}
	findings, err := back.BatchFindings(ctx, b.No, limit)
	if err != nil {
		return unreachable("PostgreSQL", err)
	}
	proposals, err := back.BatchProposals(ctx, b.No)
	if err != nil {
		return unreachable("PostgreSQL", err)
	}
	if a.json {
		return a.printJSON(batchJSON{b, nonNil(findings), nonNil(proposals), result})
	}
	a.printf("%s\n%s", a.batchHead(b).Text(a.screen), batchCounts(b.Counts).Text(a.screen))
	if t := a.scopeTable(b); t.Len() > 0 {
		a.printf("\n%s", t.Text(a.screen))
	}
	a.printFindings(findings)
	if b.State == kam.BatchApplied {
		a.printf("\n%s", batchResult(b.Result).Text(a.screen))
	}
	if len(proposals) > 0 {
		a.printf("\n%s", proposalTable(proposals).Text(a.screen))
		if more := len(proposals) - shownFindings; more > 0 {
			a.say("batch.more", more)
		}
	}
	if result != "" {
		a.say("batch.result", result)
	}
	return nil
}

func (a *app) batchHead(b kam.BatchSnapshot) *term.Table {
	t := term.NewTable(text.Say("label.batch"), string(b.No))
	t.Row(text.Say("label.state"), string(b.State)+", "+text.Say("batch.state."+string(b.State)))
	t.Row(text.Say("label.uploader"), string(b.Uploader))
	t.Row(text.Say("label.opened"), a.screen.Time(b.UploadedAt))
	if b.Digest != "" {
		t.Row(text.Say("label.hash"), shortHash(b.Digest))
	}
	if b.Reason != "" {
		t.Row(text.Say("label.reason"), b.Reason)
	}
	return t
}

// batchCounts are the figures of what was uploaded and checked.
func batchCounts(n kam.BatchCounts) *term.Table {
	t := term.NewTable(text.Say("label.rows"), text.Say("label.count")+">")
	for _, line := range []struct {
		id string
		n  int
	}{
		{"batch.rows", n.Rows}, {"batch.ready", n.Ready}, {"batch.new", n.New}, {"batch.known", n.Existing}, {"batch.warned", n.Warned},
		{"batch.refused", n.Refused}, {"batch.same", n.Same}, {"batch.holders", n.KeyHolder}, {"batch.facts", n.Facts}, {"batch.accounts", n.Accounts}, {"batch.groups", n.Groups},
	} {
		if line.n > 0 || line.id == "batch.rows" {
			t.Row(text.Say(line.id), strconv.Itoa(line.n))
		}
	}
	return t
}

func (a *app) scopeTable(b kam.BatchSnapshot) *term.Table {
	t := term.NewTable(text.Say("label.scope"), text.Say("batch.ready")+">", text.Say("batch.refused")+">", text.Say("batch.warned")+">", text.Say("batch.facts")+">", text.Say("label.waits"), text.Say("label.due"))
	for _, s := range b.Scopes {
		waits, due := "", ""
		switch {
		case s.ConfirmedBy != "":
			waits = text.Say("batch.confirmedBy", string(s.ConfirmedBy))
		case s.Task != nil:
			var who []string
			for _, u := range s.Task.Assignees {
				who = append(who, string(u))
			}
			waits = cmp.Or(strings.Join(who, ", "), s.Task.Queue)
			if d, ok := s.Task.Next(); ok {
				due = a.screen.Time(d.At)
			}
		}
		n := s.Counts
		t.Row(s.Node, strconv.Itoa(n.Ready), strconv.Itoa(n.Refused), strconv.Itoa(n.Warned), strconv.Itoa(n.Facts), waits, due)
	}
	return t
}

// printFindings shows the first findings, errors first.
func (a *app) printFindings(all []kam.BatchFinding) {
	if len(all) == 0 {
		return
	}
	t := term.NewTable(text.Say("label.file"), text.Say("label.row")+">", text.Say("label.ref"), text.Say("label.finding"))
	for _, f := range all[:min(len(all), shownFindings)] {
		row := ""
		if f.Row > 0 {
			row = strconv.Itoa(f.Row)
		}
		t.Row(f.File, row, f.Key, importer.FindingText(f))
	}
	a.printf("\n%s", t.Text(a.screen))
	if len(all) > shownFindings {
		a.say("batch.moreFindings")
	}
}

func batchResult(r kam.BatchResult) *term.Table {
	t := term.NewTable(text.Say("label.result"), text.Say("label.count")+">")
	for _, line := range []struct {
		id string
		n  int
	}{
		{"batch.created", r.Created}, {"batch.updated", r.Updated}, {"batch.unchanged", r.Unchanged}, {"batch.skipped", r.Skipped},
		{"batch.newGroups", r.Groups}, {"batch.newFacts", r.Facts}, {"batch.sameFacts", r.FactsSame}, {"batch.accountsMade", r.KeyAccounts},
		{"batch.segmented", r.Segmented}, {"batch.changed", r.Changed}, {"batch.left", r.Left},
		{"batch.abcA", r.ABC["A"]}, {"batch.abcB", r.ABC["B"]}, {"batch.abcC", r.ABC["C"]}, {"batch.abcNew", r.ABC["NEW"]},
		{"batch.nominees", r.Nominees}, {"batch.proposals", r.Proposals},
	} {
		if line.n > 0 {
			t.Row(text.Say(line.id), strconv.Itoa(line.n))
		}
	}
	return t
}

func proposalTable(all []kam.BatchProposal) *term.Table {
	t := term.NewTable(text.Say("label.group"), text.Say("label.name"), text.Say("label.change"), text.Say("label.tier"), text.Say("label.proposed"), text.Say("label.score")+">", text.Say("label.potential")+">")
	for _, p := range all[:min(len(all), shownFindings)] {
		t.Row(p.Group, p.Name, string(p.Change), string(p.Tier), string(p.Proposed), p.Score.Fixed(), p.Potential.String())
	}
	return t
}

func batchConfirmCommand(a *app) *cobra.Command {
	var act kam.BatchAct
	cmd := &cobra.Command{
		Use: "confirm BATCH", Short: "Confirm a checked batch for a scope, as the manager of its country",
		Long: `Shows counts and findings and asks; a program says with --expect which check it
has seen: the hash that show prints, or current. Without --scope the one scope
that waits for you is meant. Whoever uploaded the batch may not confirm it.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			by, err := a.who()
			if err != nil {
				return err
			}
			act.By = by
			return a.confirmBatch(cmd.Context(), kam.BatchNo(args[0]), act)
		},
	}
	f := cmd.Flags()
	f.StringVar(&act.Scope, "scope", "", "node of the country, as in DE")
	f.StringVar(&act.Digest, "expect", "", "hash of the check that you have seen, or current")
	f.StringVar(&act.DecisionID, "decision-id", "", "id of a decision that is sent again")
	return cmd
}

func (a *app) confirmBatch(ctx context.Context, no kam.BatchNo, act kam.BatchAct) error {
	back, err := a.system(ctx)
	if err != nil {
		return err
	}
	b, err := back.Batch(ctx, no)
	if err != nil {
		return unreachable("PostgreSQL", err)
	}
	if act.Scope == "" {
		if act.Scope, err = scopeFor(b, act.By); err != nil {
			return err
		}
	}
	switch {
	case act.Digest == expectCurrent:
		act.Digest = b.Digest
	case act.Digest != "":
		act.Digest = fullHash(act.Digest, b.Digest)
	case !a.ask || a.json:
		return usagef("%s", text.Say("batch.expect"))
	default:
		if err := a.showBatch(ctx, back, b, ""); err != nil {
			return err
		}
		a.printf("%s", text.Say("batch.ask", string(no), act.Scope, shortHash(b.Digest)))
		line, err := bufio.NewReader(a.in).ReadString('\n')
		if answer := strings.TrimSpace(line); answer != "yes" && answer != "y" {
			if err != nil {
				return usageError{err}
			}
			return usagef("%s", text.Say("decide.not"))
		}
		act.Digest = b.Digest
	}
	return a.batchAct(ctx, no, act, back.ConfirmBatch)
}

// scopeFor is the scope that waits for a person, or the only one that waits.
func scopeFor(b kam.BatchSnapshot, by kam.UserID) (string, error) {
	open := b.Open()
	var mine []string
	for _, s := range b.Scopes {
		if s.ConfirmedBy == "" && s.Task != nil && slices.Contains(s.Task.Assignees, by) {
			mine = append(mine, s.Node)
		}
	}
	switch {
	case len(mine) == 1:
		return mine[0], nil
	case len(open) == 1:
		return open[0], nil
	case len(open) == 0 && len(b.Scopes) > 0:
		return b.Scopes[0].Node, nil // the batch says why not
	}
	return "", usagef("%s", text.Say("batch.scope", strings.Join(open, ", ")))
}

func (a *app) batchAct(ctx context.Context, no kam.BatchNo, act kam.BatchAct, send func(context.Context, kam.BatchNo, kam.BatchAct) (kam.BatchSnapshot, error)) error {
	if act.DecisionID == "" {
		act.DecisionID = client.NewDecisionID()
	}
	b, err := send(ctx, no, act)
	if err != nil {
		if e := kam.AsError(err); e != nil && e.Code == kam.Unreachable {
			e.Remedy = strings.TrimPrefix(e.Remedy+"; "+text.Say("error.retry", act.DecisionID), "; ")
		}
		return err
	}
	if a.json {
		return a.printJSON(struct {
			kam.BatchSnapshot
			DecisionID string `json:"decision_id"`
		}{b, act.DecisionID})
	}
	a.say("batch.done", string(b.No), string(b.State))
	if open := b.Open(); b.State == kam.BatchChecked && len(open) > 0 {
		a.say("batch.waits", strings.Join(open, ", "))
	}
	return nil
}

func batchCancelCommand(a *app) *cobra.Command {
	var act kam.BatchAct
	cmd := &cobra.Command{
		Use: "cancel BATCH --reason TEXT", Short: "Take a batch back, until it is being applied", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			by, err := a.who()
			if err != nil {
				return err
			}
			act.By = by
			back, err := a.system(cmd.Context())
			if err != nil {
				return err
			}
			return a.batchAct(cmd.Context(), kam.BatchNo(args[0]), act, back.CancelBatch)
		},
	}
	cmd.Flags().StringVar(&act.Reason, "reason", "", "why, in words")
	cmd.Flags().StringVar(&act.DecisionID, "decision-id", "", "id of a decision that is sent again")
	return cmd
}

// books is what the verbs on batches need of the system.
type books interface {
	Upload(ctx context.Context, u store.BatchUpload, plOnly bool) (b kam.BatchSnapshot, created bool, err error)
	ConfirmBatch(ctx context.Context, no kam.BatchNo, act kam.BatchAct) (kam.BatchSnapshot, error)
	CancelBatch(ctx context.Context, no kam.BatchNo, act kam.BatchAct) (kam.BatchSnapshot, error)

	Batch(ctx context.Context, no kam.BatchNo) (kam.BatchSnapshot, error)
	Batches(ctx context.Context, limit int) ([]kam.BatchSnapshot, error)
	BatchFindings(ctx context.Context, no kam.BatchNo, limit int) ([]kam.BatchFinding, error)
	BatchOutcomes(ctx context.Context, no kam.BatchNo) ([]store.BatchOutcome, error)
	BatchProposals(ctx context.Context, no kam.BatchNo) ([]kam.BatchProposal, error)
}

func (l *live) Upload(ctx context.Context, u store.BatchUpload, plOnly bool) (kam.BatchSnapshot, bool, error) {
	return l.batches().Upload(ctx, u, plOnly)
}

func (l *live) ConfirmBatch(ctx context.Context, no kam.BatchNo, act kam.BatchAct) (kam.BatchSnapshot, error) {
	return l.batches().Confirm(ctx, no, act)
}

func (l *live) CancelBatch(ctx context.Context, no kam.BatchNo, act kam.BatchAct) (kam.BatchSnapshot, error) {
	return l.batches().Cancel(ctx, no, act)
}

func (l *live) batches() *client.Batches {
	c := client.NewBatches(l.Store, l.temporal, l.cfg.Temporal.TaskQueue)
	c.Patience = l.acts.Patience
	return c
}
