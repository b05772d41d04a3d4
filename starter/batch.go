package main

import (
	"bufio"
	"cmp"
	"context"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/kamflow/kamflow/internal/term"
	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/book"
	"github.com/kamflow/kamflow/service"
)

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
			if err := within("--limit", limit, 1, mostListed); err != nil {
				return err
			}
			back, err := a.system(cmd.Context())
			if err != nil {
				return err
			}
			all, err := back.Batches(cmd.Context(), a.me(), limit)
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
			t := term.NewTable(a.text("label.batch"), a.text("label.state"), a.text("label.rows")+">", a.text("label.refused")+">", a.text("label.waits"), a.text("label.uploader"), a.text("label.changed"))
			for _, b := range all {
				waits := ""
				if b.State == book.BatchChecked {
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
		RunE: a.asking(func(ctx context.Context, back service.Service, args []string) error {
			b, err := back.Batch(ctx, a.me(), book.BatchNo(args[0]))
			if err != nil {
				return unreachable("PostgreSQL", err)
			}
			return a.showBatch(ctx, back, b, "")
		}),
	}
}

// batchJSON is a batch for programs.
type batchJSON struct {
	book.BatchSnapshot
	Findings  []book.BatchFinding  `json:"findings"`
	Proposals []book.BatchProposal `json:"proposals"`
	Result    string               `json:"result_file,omitempty"`
}

func (a *app) showBatch(ctx context.Context, back service.Service, b book.BatchSnapshot, result string) error {
	findings, err := back.BatchFindings(ctx, a.me(), b.No, 0)
	if err != nil {
		return unreachable("PostgreSQL", err)
	}
	proposals, err := back.BatchProposals(ctx, a.me(), b.No)
	if err != nil {
		return unreachable("PostgreSQL", err)
	}
	if a.json {
		return a.printJSON(batchJSON{b, nonNil(findings), nonNil(proposals), result})
	}
	a.printf("%s\n%s", a.batchHead(b).Text(a.screen), a.batchCounts(b.Counts).Text(a.screen))
	if t := a.scopeTable(b); t.Len() > 0 {
		a.printf("\n%s", t.Text(a.screen))
	}
	a.printFindings(findings)
	if b.State == book.BatchApplied {
		a.printf("\n%s", a.batchResult(b.Result).Text(a.screen))
	}
	if len(proposals) > 0 {
		a.printf("\n%s", a.proposalTable(proposals).Text(a.screen))
		if more := len(proposals) - shownFindings; more > 0 {
			a.say("batch.more", more)
		}
	}
	if result != "" {
		a.say("batch.result", result)
	}
	return nil
}

func (a *app) batchHead(b book.BatchSnapshot) *term.Table {
	t := term.NewTable(a.text("label.batch"), string(b.No))
	t.Row(a.text("label.state"), string(b.State)+", "+a.text("batch.state."+string(b.State)))
	t.Row(a.text("label.uploader"), string(b.Uploader))
	t.Row(a.text("label.opened"), a.screen.Time(b.UploadedAt))
	if b.Digest != "" {
		t.Row(a.text("label.hash"), shortHash(b.Digest))
	}
	if b.Reason != "" {
		t.Row(a.text("label.reason"), a.words.Note(b.Reason))
	}
	return t
}

// batchCounts are the figures of what was uploaded and checked.
func (a *app) batchCounts(n book.BatchCounts) *term.Table {
	t := term.NewTable(a.text("label.rows"), a.text("label.count")+">")
	for _, line := range []struct {
		id string
		n  int
	}{
		{"batch.rows", n.Rows}, {"batch.ready", n.Ready}, {"batch.new", n.New}, {"batch.known", n.Existing}, {"batch.warned", n.Warned},
		{"batch.refused", n.Refused}, {"batch.same", n.Same}, {"batch.holders", n.KeyHolder}, {"batch.facts", n.Facts}, {"batch.accounts", n.Accounts}, {"batch.groups", n.Groups},
	} {
		if line.n > 0 || line.id == "batch.rows" {
			t.Row(a.text(line.id), strconv.Itoa(line.n))
		}
	}
	return t
}

func (a *app) scopeTable(b book.BatchSnapshot) *term.Table {
	t := term.NewTable(a.text("label.scope"), a.text("batch.ready")+">", a.text("batch.refused")+">", a.text("batch.warned")+">", a.text("batch.facts")+">", a.text("label.waits"), a.text("label.due"))
	for _, s := range b.Scopes {
		waits, due := "", ""
		switch {
		case s.ConfirmedBy != "":
			waits = a.text("batch.confirmedBy", named(s.ConfirmedBy, s.ConfirmedFor))
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

// printFindings shows the first errors, one a row, and then errors and
// warnings counted by rule and column: a warning on every row would bury the
// errors, and one error on every row all others.
func (a *app) printFindings(all []book.BatchFinding) {
	rows := term.NewTable(a.text("label.file"), a.text("label.row")+">", a.text("label.ref"), a.text("label.finding"))
	var errs, warned []book.BatchFinding
	for _, f := range all {
		if f.Severity != kam.SeverityError {
			warned = append(warned, f)
			continue
		}
		if errs = append(errs, f); len(errs) <= shownFindings {
			rows.Row(f.File, rowNo(f), f.Key, a.finding(f))
		}
	}
	if rows.Len() > 0 {
		a.printf("\n%s", rows.Text(a.folded()))
	}
	if len(errs) > shownFindings {
		a.say("batch.moreErrors", shownFindings)
	}
	a.countErrors("batch.errors", errs)
	a.printKinds("batch.warnings", warned)
}

// countErrors counts what is listed row by row before: where some are not
// listed any more, or where some are alike.
func (a *app) countErrors(heading string, errs []book.BatchFinding) {
	if len(errs) > shownFindings || len(kindsOf(errs)) < len(errs) {
		a.printKinds(heading, errs)
	}
}

// A findingKind counts the findings of one rule on one column of a file.
type findingKind struct {
	n     int
	first book.BatchFinding
}

// kindsOf counts findings by file, rule and column, the commonest first.
func kindsOf(all []book.BatchFinding) []findingKind {
	var kinds []findingKind
	place := map[[3]string]int{}
	for _, f := range all {
		key := [3]string{f.File, f.Rule, f.Column}
		i, known := place[key]
		if !known {
			i = len(kinds)
			place[key], kinds = i, append(kinds, findingKind{first: f})
		}
		kinds[i].n++
	}
	slices.SortStableFunc(kinds, func(x, y findingKind) int { return y.n - x.n })
	return kinds
}

// printKinds shows how often a rule found what in a column, with the first of
// each.
func (a *app) printKinds(heading string, all []book.BatchFinding) {
	kinds := kindsOf(all)
	if len(kinds) == 0 {
		return
	}
	heads := []string{a.text("label.count") + ">", a.text("label.file"), a.text("label.rule"), a.text("label.column"), a.text("label.firstRow") + ">", a.text("label.finding")}
	drop := 0 // the column of files, where there is one file only
	if all[0].File == "" {
		drop = 1
	}
	t := term.NewTable(slices.Delete(heads, 1, 1+drop)...)
	for _, k := range kinds[:min(len(kinds), shownFindings)] {
		f := k.first
		cells := []string{strconv.Itoa(k.n), f.File, f.Rule, f.Column, rowNo(f), a.words.Sentence(f.Sentence())}
		t.Row(slices.Delete(cells, 1, 1+drop)...)
	}
	a.printf("\n%s\n%s", a.text(heading), t.Text(a.folded()))
	if len(kinds) > shownFindings {
		a.say("batch.moreKinds", shownFindings)
	}
}

// finding is a finding in one line.
func (a *app) finding(f book.BatchFinding) string {
	text := string(f.Severity) + " "
	if f.Rule != "" {
		text += f.Rule + " "
	}
	if f.Column != "" {
		text += f.Column + ": "
	}
	return text + a.words.Sentence(f.Sentence())
}

func rowNo(f book.BatchFinding) string {
	if f.Row == 0 {
		return ""
	}
	return strconv.Itoa(f.Row)
}

// folded is the screen for tables of sentences, which are folded also where
// the output is no terminal.
func (a *app) folded() term.Screen {
	s := a.screen
	if s.Width == 0 {
		s.Width = 120
	}
	return s
}

func (a *app) batchResult(r book.BatchResult) *term.Table {
	t := term.NewTable(a.text("label.result"), a.text("label.count")+">")
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
			t.Row(a.text(line.id), strconv.Itoa(line.n))
		}
	}
	return t
}

func (a *app) proposalTable(all []book.BatchProposal) *term.Table {
	t := term.NewTable(a.text("label.group"), a.text("label.name"), a.text("label.change"), a.text("label.tier"), a.text("label.proposed"), a.text("label.score")+">", a.text("label.potential")+">")
	for _, p := range all[:min(len(all), shownFindings)] {
		t.Row(p.Group, p.Name, string(p.Change), string(p.Tier), string(p.Proposed), p.Score.Fixed(), p.Potential.String())
	}
	return t
}

func batchConfirmCommand(a *app) *cobra.Command {
	var act book.BatchAct
	cmd := &cobra.Command{
		Use: "confirm BATCH", Short: "Confirm a checked batch for a scope, as the manager of its country",
		Long: `Shows counts and findings and asks; a program says with --expect which check it
has seen: the hash that show prints, or current. Without --scope the one scope
that waits for you is meant. Whoever uploaded the batch may not confirm it.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.confirmBatch(cmd.Context(), book.BatchNo(args[0]), act)
		},
	}
	f := cmd.Flags()
	f.StringVar(&act.Scope, "scope", "", "node of the country, as in DE")
	f.StringVar(&act.Digest, "expect", "", "hash of the check that you have seen, or current")
	f.StringVar(&act.DecisionID, "decision-id", "", "id of a decision that is sent again")
	return cmd
}

func (a *app) confirmBatch(ctx context.Context, no book.BatchNo, act book.BatchAct) error {
	back, err := a.system(ctx)
	if err != nil {
		return err
	}
	b, err := back.Batch(ctx, a.me(), no)
	if err != nil {
		return unreachable("PostgreSQL", err)
	}
	if act.Scope == "" {
		if act.Scope, err = scopeFor(b, a.me().User()); err != nil {
			return err
		}
	}
	switch {
	case act.Digest == expectCurrent:
		act.Digest = b.Digest
	case act.Digest != "":
		act.Digest = fullHash(act.Digest, b.Digest)
	case !a.ask || a.json:
		return usagef("confirming needs --expect HASH, or --expect current to take the check as it is now")
	default:
		if err := a.showBatch(ctx, back, b, ""); err != nil {
			return err
		}
		a.printf("%s", a.text("batch.ask", string(no), act.Scope, shortHash(b.Digest)))
		line, err := bufio.NewReader(a.in).ReadString('\n')
		if answer := strings.TrimSpace(line); answer != "yes" && answer != "y" {
			if err != nil {
				return usageError{err}
			}
			return usagef("Nothing was decided.")
		}
		act.Digest = b.Digest
	}
	return a.batchAct(ctx, no, act, back.ConfirmBatch)
}

// scopeFor is the scope that waits for a person, or the only one that waits.
func scopeFor(b book.BatchSnapshot, by kam.UserID) (string, error) {
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
	return "", usagef("which scope? Give --scope, one of %s", kam.ListOf(open))
}

func (a *app) batchAct(ctx context.Context, no book.BatchNo, act book.BatchAct, send func(context.Context, service.Principal, book.BatchNo, book.BatchAct) (book.BatchSnapshot, error)) error {
	if act.DecisionID == "" {
		act.DecisionID = service.NewDecisionID()
	}
	b, err := send(ctx, a.me(), no, act)
	if err != nil {
		return sendAgain(err, act.DecisionID)
	}
	if a.json {
		return a.printJSON(struct {
			book.BatchSnapshot
			DecisionID string `json:"decision_id"`
		}{b, act.DecisionID})
	}
	a.say("batch.done", string(b.No), string(b.State))
	if open := b.Open(); b.State == book.BatchChecked && len(open) > 0 {
		a.say("batch.waits", strings.Join(open, ", "))
	}
	return nil
}

func batchCancelCommand(a *app) *cobra.Command {
	var act book.BatchAct
	cmd := &cobra.Command{
		Use: "cancel BATCH --reason TEXT", Short: "Take a batch back, until it is being applied", Args: cobra.ExactArgs(1),
		RunE: a.asking(func(ctx context.Context, back service.Service, args []string) error {
			return a.batchAct(ctx, book.BatchNo(args[0]), act, back.CancelBatch)
		}),
	}
	cmd.Flags().StringVar(&act.Reason, "reason", "", "why, in words")
	cmd.Flags().StringVar(&act.DecisionID, "decision-id", "", "id of a decision that is sent again")
	return cmd
}
