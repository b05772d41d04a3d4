package importer

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/kamflow/kamflow/kam"
)

// A Case is what an import starts.
type Case struct {
	RequestKey string
	By         kam.UserID
	Data       kam.RequestData
	// Findings are what the row was accepted with all the same: values that were
	// left out, and what was made of others.
	Findings []kam.Finding
}

// accepted are the findings that go with the row into its case. What is missing
// the case finds out itself.
func (r Row) accepted() (all []kam.Finding) {
	for _, f := range r.Findings {
		if f.Severity == kam.SeverityWarning {
			all = append(all, f)
		}
	}
	return all
}

// Started is what became of it. Existing says that an earlier run, or an
// earlier file, had started it.
type Started struct {
	CaseNo   kam.CaseNo
	State    kam.State
	Existing bool
	Missing  []string
}

// A Starter starts a case, or finds the one that was started under the same
// key.
type Starter interface {
	StartCase(ctx context.Context, c Case) (Started, error)
}

// StarterFunc is a function that starts cases.
type StarterFunc func(ctx context.Context, c Case) (Started, error)

// StartCase calls the function.
func (f StarterFunc) StartCase(ctx context.Context, c Case) (Started, error) { return f(ctx, c) }

// RunOptions say for whom [Run] starts cases, and how many at a time.
type RunOptions struct {
	By          kam.UserID
	Concurrency int // cases in flight; 8 when 0
	Progress    func(done int)
}

// States of rows that have no case.
const (
	StateRefused    = "REFUSED"
	StateNotStarted = "NOT_STARTED"
)

// A RowResult is what became of a row.
type RowResult struct {
	Row      int           `json:"row"`
	Ref      string        `json:"row_ref"`
	Key      string        `json:"request_key"`
	CaseNo   kam.CaseNo    `json:"case_no,omitempty"`
	State    string        `json:"state"`
	Existing bool          `json:"existing,omitempty"`
	Findings []kam.Finding `json:"findings,omitempty"`
}

// Summary counts what an import did.
type Summary struct {
	Batch    string         `json:"batch"`
	Rows     int            `json:"rows"`
	Ready    int            `json:"ready"`
	Parked   int            `json:"parked"`
	Refused  int            `json:"refused"`
	Same     int            `json:"same"`
	Started  int            `json:"started"`
	Existing int            `json:"existing"`
	Left     int            `json:"not_started"`
	States   map[string]int `json:"states,omitempty"`
	Missing  map[string]int `json:"missing,omitempty"` // rows by missing field
	DryRun   bool           `json:"dry_run,omitempty"`
	Seconds  float64        `json:"seconds,omitempty"`
}

// A Report is the outcome of an import.
type Report struct {
	Summary Summary     `json:"summary"`
	Rows    []RowResult `json:"rows"`
}

// Run starts a case for every accepted row. It returns an error when the
// system could not be reached or the context ended; the report then says which
// rows are left, and running again starts exactly those.
func Run(ctx context.Context, b *Batch, s Starter, o RunOptions) (Report, error) {
	began := time.Now()
	rep := b.Dry()
	rep.Summary.DryRun = false
	if o.Concurrency <= 0 {
		o.Concurrency = 8
	}
	order, err := b.order()
	if err != nil {
		return rep, err
	}
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)

	var (
		mu   sync.Mutex
		wg   sync.WaitGroup
		done int
		next = make(chan int)
	)
	for range o.Concurrency {
		wg.Go(func() {
			for i := range next {
				var got Started
				err := order.turn(ctx, i)
				if err == nil {
					got, err = s.StartCase(ctx, Case{RequestKey: b.Rows[i].Key, By: o.By, Data: b.Rows[i].Data, Findings: b.Rows[i].accepted()})
				}
				mu.Lock()
				if fatal(ctx, err) {
					stop(err)
				} else {
					rep.Rows[i].settle(got, err)
					close(order.done[i])
					done++
					if o.Progress != nil {
						o.Progress(done)
					}
				}
				mu.Unlock()
			}
		})
	}
feed:
	for i := range b.Rows {
		if !b.Rows[i].starts() {
			continue
		}
		select {
		case next <- i:
		case <-ctx.Done():
			break feed
		}
	}
	close(next)
	wg.Wait()
	rep.count(b)
	rep.Summary.Seconds = time.Since(began).Seconds()
	if ctx.Err() != nil {
		return rep, context.Cause(ctx)
	}
	return rep, nil
}

// Dry is the report of what would be started.
func (b *Batch) Dry() Report {
	rep := Report{Rows: make([]RowResult, len(b.Rows))}
	for i, r := range b.Rows {
		rep.Rows[i] = RowResult{Row: r.Number, Ref: r.Ref, Key: r.Key, State: StateNotStarted, Findings: slices.Clone(r.Findings)}
		if r.Status == Refused {
			rep.Rows[i].State = StateRefused
		}
	}
	rep.Summary.DryRun = true
	rep.count(b)
	return rep
}

// settle takes over what a start led to. A refusal by the process is an answer
// about this row, not a reason to stop.
func (r *RowResult) settle(got Started, err error) {
	if err != nil {
		r.State = StateRefused
		f := kam.Finding{Severity: kam.SeverityError, Message: err.Error()}
		if e := kam.AsError(err); e != nil {
			f.RuleID, f.Field = e.Rule, e.Field
			f = f.Saying(withRemedy(e.Message(), e.HowTo()), kam.Sentence{})
		}
		r.Findings = append(r.Findings, f)
		return
	}
	r.CaseNo, r.State, r.Existing = got.CaseNo, string(got.State), got.Existing
	for _, name := range got.Missing {
		if !slices.ContainsFunc(r.Findings, func(f kam.Finding) bool { return f.RuleID == "VF01" && f.Field == name }) {
			r.Findings = append(r.Findings, kam.Finding{RuleID: "VF01", Severity: kam.SeverityError, Category: "MISSING", Field: name, Message: "is missing"})
		}
	}
}

// fatal says that an error concerns all rows: the system is not there or not
// set up, it does not know who imports, or the import was interrupted.
func fatal(ctx context.Context, err error) bool {
	if err == nil {
		return false
	}
	code := kam.CodeOf(err)
	return ctx.Err() != nil || code == "" || code == kam.Unreachable || code == kam.Fault || code == kam.NotFound || errors.Is(err, context.Canceled)
}

// count fills the summary, and gives equal rows the case of the first.
func (rep *Report) count(b *Batch) {
	s := Summary{Batch: b.ID, Rows: len(b.Rows), States: map[string]int{}, Missing: map[string]int{}, DryRun: rep.Summary.DryRun}
	for i, r := range b.Rows {
		out := &rep.Rows[i]
		switch r.Status {
		case Ready:
			s.Ready++
		case Parked:
			s.Parked++
		case Refused:
			s.Refused++
		case Same:
			s.Same++
			first := rep.Rows[r.SameAs-1]
			out.CaseNo, out.State, out.Existing = first.CaseNo, first.State, first.Existing
			continue
		}
		for _, f := range out.Findings {
			if f.RuleID == "VF01" {
				s.Missing[f.Field]++
			}
		}
		switch {
		case out.CaseNo == "" && out.State == StateNotStarted:
			s.Left++
		case out.Existing:
			s.Existing++
		case out.CaseNo != "":
			s.Started++
		}
		if !s.DryRun {
			s.States[out.State]++
		}
	}
	rep.Summary = s
}
