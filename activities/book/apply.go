package book

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/kamflow/kamflow/activities/internal/stage"
	"github.com/kamflow/kamflow/internal/failpoint"
	"github.com/kamflow/kamflow/internal/parties"
	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/book"
	"github.com/kamflow/kamflow/kam/customer"
	"github.com/kamflow/kamflow/kam/rules"
	bookdb "github.com/kamflow/kamflow/store/book"
	customerdb "github.com/kamflow/kamflow/store/customer"
	"github.com/kamflow/kamflow/store/ledger"
)

// Apply applies a confirmed batch in three phases, each one transaction:
// the customers, the facts, and the classification of the whole book. It may
// run twice and be cut off anywhere: a phase that is committed is not done
// again. A batch that is not confirmed, or was cancelled, is handed back as it
// is.
func (a *Stages) Apply(ctx context.Context, in book.BatchStep) (book.BatchProgress, error) {
	b, err := a.store.Books.Get(ctx, in.No)
	if err != nil {
		return book.BatchProgress{}, stage.ToTemporal(err)
	}
	p := book.BatchProgress{Batch: b}
	for i, phase := range book.BatchPhases {
		if slices.Index(book.BatchPhases, p.Batch.Phase) >= i {
			continue
		}
		if p.Batch.State != book.BatchConfirmed {
			break
		}
		err := beating(ctx, phase, func(ctx context.Context) (err error) {
			p, err = a.applyPhase(ctx, in, p.Batch, phase)
			return err
		})
		if err != nil {
			return book.BatchProgress{}, stage.ToTemporal(err)
		}
		failpoint.Hit("batch", phase, "after-commit")
		if p.Refused != nil {
			break // cancelled meanwhile, which the batch says
		}
	}
	p.Refused = nil
	return p, nil
}

// ApplyPhase is one phase of [Stages.Apply], for whoever measures them.
func (a *Stages) ApplyPhase(ctx context.Context, in book.BatchStep, phase string) (book.BatchProgress, error) {
	b, err := a.store.Books.Get(ctx, in.No)
	if err != nil {
		return book.BatchProgress{}, err
	}
	return a.applyPhase(ctx, in, b, phase)
}

func (a *Stages) applyPhase(ctx context.Context, in book.BatchStep, b book.BatchSnapshot, phase string) (book.BatchProgress, error) {
	pol, _, err := a.policies.Of(stage.Published(ctx, a.store.Access), b.PolicyVersion)
	if err != nil {
		return book.BatchProgress{}, err
	}
	if phase == "customers" {
		if err := a.store.Books.PassNumbers(ctx, in.No); err != nil {
			return book.BatchProgress{}, err
		}
	}
	return a.onBook(ctx, in, ledger.Effect{Key: "apply/" + phase, Digest: b.Digest, Bulk: true}, func(tx *effect) error {
		if _, err := tx.Batch.After(book.BatchApply); err != nil {
			return err
		}
		e := kam.AuditEvent{Type: book.EventBatchApplied, Actor: kam.System, ReasonCode: strings.ToUpper(phase)}
		switch phase {
		case "customers":
			err = tx.ApplyCustomers(parties.Keys)
			r := tx.Batch.Result
			e.Text = kam.Note("%d created, %d updated, %d unchanged, %d left alone; %d groups, %d key accounts of the book",
				r.Created, r.Updated, r.Unchanged, r.Skipped, r.Groups, r.KeyAccounts)
		case "sales":
			from, to := monthsOf(tx.At)
			err = tx.ApplyFacts(pol.BaseCurrency, from, to)
			e.Text = kam.Note("%d facts new or changed, %d unchanged", tx.Batch.Result.Facts, tx.Batch.Result.FactsSame)
		default:
			err = a.classifyBook(ctx, tx, pol)
			r := tx.Batch.Result
			e.Text = kam.Note("%d customers segmented, %d changed; %d nominees, %d proposals", r.Segmented, r.Changed, r.Nominees, r.Proposals)
		}
		failpoint.Hit("batch", phase, "in-tx")
		if err != nil {
			return err
		}
		tx.Batch.Phase = phase
		if err := tx.move(book.BatchApply, e); err != nil {
			return err
		}
		if tx.Batch.State != book.BatchApplied {
			return tx.notify("import.applied."+phase, kam.Say("%s: %s", tx.Batch.No, e.Text), tx.Batch.Uploader)
		}
		if err := tx.Unstage(); err != nil {
			return err
		}
		to := []kam.UserID{tx.Batch.Uploader}
		for _, s := range tx.Batch.Scopes {
			to = append(to, s.ConfirmedBy)
		}
		return tx.notify("import.applied", kam.Say("%s is applied: %s", tx.Batch.No, e.Text), to...)
	})
}

// maxUnfit is how many customers of the book may have data that the rules
// cannot use before that is a fault of its own.
const maxUnfit = 50

// classifyBook takes the ABC snapshot of the population, segments every active
// customer, rolls every group up and writes segment, coverage and watch list.
// Status and tier of nobody change: what the roll-up would change is proposed.
func (a *Stages) classifyBook(ctx context.Context, tx *effect, pol *rules.Set) error {
	nodes, err := tx.org.Nodes()
	if err != nil {
		return err
	}
	// The customers are read and decoded while the facts are summed up.
	var rows []bookRow
	reading, ctx := errgroup.WithContext(ctx)
	reading.Go(func() (err error) {
		rows, err = mapRows(a.store.Books.ActiveBook(ctx), func(r *bookRow, in bookdb.BookRow) {
			r.BookRow = in
			r.err = json.Unmarshal(in.Data, &r.data)
			r.Data = nil
		})
		return err
	})
	snapshot, sales, lines, err := customerdb.In(tx.Entry).BookFacts()
	if err := errors.Join(err, reading.Wait()); err != nil {
		return err
	}
	book, left, err := bookOf(tx.At, pol, rows, sales, lines, nodes)
	if err != nil {
		return err
	}
	segments, totals, groups, more, err := classifyAll(pol, &book)
	if err != nil {
		return err
	}
	left = append(left, more...)

	fate := make(map[string]*rules.Classification, len(book.Customers))
	for i := range groups {
		for _, no := range groups[i].Members {
			fate[no] = &groups[i]
		}
	}
	out, errs := make([]bookdb.Segmented, len(segments)), make([]error, len(segments))
	inParallel(len(segments), func(i int) {
		s := &segments[i]
		s.SnapshotID = snapshot
		out[i] = bookdb.Segmented{CustomerNo: s.CustomerNo, Coverage: string(s.ABCClass), ReviewDays: pol.Review.NonKAReviewDays}
		out[i].Segment, errs[i] = json.Marshal(s)
		if g := fate[s.CustomerNo]; g != nil {
			out[i].Watch, out[i].Provisional, out[i].ReviewDays = g.WatchList, g.Provisional, g.ReviewInDays
		}
	})
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("print the segments: %w", err)
	}
	r := &tx.Batch.Result
	if r.Changed, err = tx.SaveSegments(out); err != nil {
		return err
	}
	r.Segmented, r.Left, r.ABC = len(segments), len(left), totals.ABC
	if err := tx.AddFindings(left); err != nil {
		return err
	}
	proposals := proposalsOf(groups, rows)
	for _, p := range proposals {
		if p.Change == kam.ShiftPromote {
			r.Nominees++
		} else {
			r.Proposals++
		}
	}
	return tx.SaveProposals(proposals)
}

// A bookRow is a customer of the book with his data.
type bookRow struct {
	bookdb.BookRow
	data customer.RequestData
	err  error // the data cannot be read
}

// bookOf makes the book of the rules. A customer whose facts do not add up has
// no known revenue, and is reported.
func bookOf(
	at time.Time, pol *rules.Set, rows []bookRow, sales map[string]customerdb.Sales, lines map[string]map[string]int64, nodes []kam.TerritoryNode,
) (rules.Book, []book.BatchFinding, error) {
	known := make(map[string]bool, len(nodes))
	for _, n := range nodes {
		known[n.Code] = true
	}
	opened := rules.Book{Nodes: nodes, Customers: make([]rules.Customer, len(rows))}
	errs := make([]error, len(rows))
	inParallel(len(rows), func(i int) {
		r, c := &rows[i], &opened.Customers[i]
		if errs[i] = r.err; errs[i] != nil {
			return
		}
		account := cmp.Or(r.SalesAccount, r.CustomerNo)
		s := sales[account]
		if s.Known && s.Currency != pol.BaseCurrency {
			s.Currencies = 2 // there is no rate
		}
		f, err := stage.FactsOf(s, lines[account], at, pol.BaseCurrency)
		if err != nil {
			f = rules.Facts{}
		}
		errs[i] = err
		f.CustomerMonths = stage.MonthsSince(r.Since, at)
		f.Current = &rules.Current{KAStatus: r.KAStatus, Tier: r.Tier, FailedReviews: r.FailedReviews}
		*c = rules.Customer{CustomerNo: r.CustomerNo, ScreeningData: r.data.ScreeningData, DetailData: r.data.DetailData, Facts: f}
		c.GroupID, c.TerritoryCode = r.GroupID, ""
		if known[r.Territory] {
			c.TerritoryCode = r.Territory
		}
		if c.ParentCustomerID == "" {
			c.ParentCustomerID = r.ParentNo
		}
	})
	var left []book.BatchFinding
	for i, err := range errs {
		switch {
		case err == nil:
		case kam.AsError(err) == nil:
			return opened, nil, kam.Errorf(kam.Fault, "the data of customer %s cannot be read", rows[i].CustomerNo)
		default:
			left = append(left, unfit(rows[i].CustomerNo, "net_revenue_12m",
				kam.Say("the facts of the account do not add up: its revenue counts as unknown"), kam.Say("keep the account in one currency")))
		}
	}
	return opened, left, nil
}

func unfit(no, column string, msg, remedy kam.Sentence) book.BatchFinding {
	return book.BatchFinding{
		File: book.FileCustomers, Key: no, Column: column, Rule: book.RuleBatchMoney, Severity: kam.SeverityWarning,
	}.Saying(msg, remedy)
}

// classifyAll runs the models on the book. A customer with a value that the
// rules cannot use is taken out and reported, because one of a hundred
// thousand must not keep the others from their class.
func classifyAll(pol *rules.Set, book *rules.Book) (
	segments []rules.SegmentResult, totals rules.SegmentTotals, groups []rules.Classification, left []book.BatchFinding, err error,
) {
	for len(left) <= maxUnfit {
		var other error
		var wg sync.WaitGroup
		wg.Go(func() { groups, other = pol.ClassifyBook(*book) })
		segments, totals, err = pol.SegmentBook(*book)
		wg.Wait()
		if err = cmp.Or(err, other); err == nil {
			return segments, totals, groups, left, nil
		}
		e := kam.AsError(err)
		var i int
		if e == nil {
			break
		}
		if _, scanErr := fmt.Sscanf(e.Field, "customers[%d].", &i); scanErr != nil || i < 0 || i >= len(book.Customers) {
			break
		}
		left = append(left, unfit(book.Customers[i].CustomerNo, e.Field[strings.Index(e.Field, ".")+1:], kam.Say("is not classified: %s", e.Message()), kam.Say("correct the customer")))
		book.Customers = slices.Delete(book.Customers, i, i+1)
	}
	return nil, totals, nil, nil, kam.Errorf(kam.Fault, "the book cannot be classified: %v", err)
}

// proposalsOf lists what people have to decide: key accounts first, then the
// groups that newly qualify, the largest potential first.
func proposalsOf(groups []rules.Classification, rows []bookRow) []book.BatchProposal {
	tier, name := map[string]kam.Tier{}, map[string]string{}
	for _, r := range rows {
		key := cmp.Or(r.GroupID, r.CustomerNo)
		if r.KAStatus == kam.KA && r.Tier.Rank() > tier[key].Rank() {
			tier[key] = r.Tier
		}
		if r.Group != "" {
			name[key] = r.Group
		}
	}
	var all []book.BatchProposal
	for i := range groups {
		g := &groups[i]
		if g.Change == kam.ShiftNone {
			continue
		}
		all = append(all, book.BatchProposal{
			Group: g.GroupID, Name: cmp.Or(name[g.GroupID], g.GroupID), Change: g.Change, Tier: tier[g.GroupID], Proposed: kam.Tier(g.Tier),
			Score: g.Score, Potential: g.Potential, HomeNode: string(g.HomeNode), Members: len(g.Members), Why: g.Headline,
		})
	}
	slices.SortStableFunc(all, func(a, b book.BatchProposal) int {
		if x, y := a.Change == kam.ShiftPromote, b.Change == kam.ShiftPromote; x != y {
			if y {
				return -1
			}
			return 1
		}
		return cmp.Or(cmp.Compare(b.Potential.Minor, a.Potential.Minor), cmp.Compare(a.Group, b.Group))
	})
	return all
}
