package activities

import (
	"slices"

	"github.com/kamflow/kamflow/activities/internal/route"
	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/access"
	"github.com/kamflow/kamflow/kam/customer"
	"github.com/kamflow/kamflow/kam/onboarding"
	customerdb "github.com/kamflow/kamflow/store/customer"
	"github.com/kamflow/kamflow/store/ledger"
	casedb "github.com/kamflow/kamflow/store/onboarding"
)

// work is one effect on one case: what can be looked up, and what is done to the
// case.
type work struct {
	lookup
	// moved is called for every transition; tests count them.
	moved func(onboarding.Transition)
	// other is the second case of an effect on two.
	other *work
	// acting is in what the person of an act acts.
	acting access.Acting
}

// A lookup finds out what the stages of a case ask: in its form, among the
// customers, in the organisation.
type lookup struct {
	*casedb.Tx
	form
	route.Route
	customers *customerdb.Tx
	// provider is who answers for the service outside.
	provider string
	// groups are the ids that the marks of groups had when they were asked for.
	groups map[string]string
}

// move takes the case along the table of transitions, closes the task of the
// state it leaves, and logs the transition as one audit event.
func (w *work) move(event onboarding.Event, f onboarding.Facts, e kam.AuditEvent) error {
	f.Type = w.Case.Type
	from := w.Case.State
	t, err := onboarding.Next(from, event, f)
	if err != nil {
		return err
	}
	if e.Actor == "" {
		e.Actor = kam.System
	}
	e.From, e.To = string(from), string(t.To)
	if e.Step == "" {
		e.Step = w.Case.Step
	}
	w.Case.State = t.To
	if w.moved != nil {
		w.moved(t)
	}
	if t.To != from {
		w.Case.CancelAskedBy = "" // what was asked for is another case now
	}
	if step := t.To.Spec().Step; step != "" && !t.To.Ended() {
		w.Case.Step = step
	}
	w.Log(e)
	if t.To != from && w.Case.Task != nil {
		if err := w.CloseTask(closing(event), e.Actor); err != nil {
			return err
		}
	}
	if t.To.Ended() {
		return w.notifyFollowers()
	}
	return nil
}

// closing says how a task ends when its state is left.
func closing(event onboarding.Event) string {
	switch event {
	case onboarding.EvExpire, onboarding.EvLapse:
		return "EXPIRED"
	case onboarding.EvWithdraw, onboarding.EvCancel, onboarding.EvAmendMaterial, onboarding.EvReevaluate:
		return "WITHDRAWN"
	default:
		return "DONE"
	}
}

// identityHash covers the fields that 1.1.2 searches by (D11). Order does not
// count.
func identityHash(d customer.RequestData) string {
	ids := make([]string, 0, len(d.Identifiers))
	for _, i := range d.Identifiers {
		ids = append(ids, string(i.Scheme)+"|"+i.Country+"|"+i.Value)
	}
	slices.Sort(ids)
	names := slices.Clone(d.TradingNames)
	slices.Sort(names)
	return kam.Digest([]any{d.LegalName, names, d.CountryCode, d.PostalCode, ids, d.Website, d.Phone})
}

// record stamps a decision record with the case and stores it.
func (w *work) record(r onboarding.DecisionRecord, step kam.StepCode) (onboarding.DecisionRecord, error) {
	at := w.At
	r.CaseNo, r.Step, r.Revision, r.MaterialHash, r.ComputedAt = w.Case.CaseNo, step, w.Case.Revision, w.Case.MaterialHash, &at
	w.Case.Headline = r.Headline
	return r, w.SaveRecord(r)
}

// flag marks the case once.
func (w *work) flag(f onboarding.Flag) {
	if !w.Case.Has(f) {
		w.Case.Flags = append(w.Case.Flags, f)
	}
}

// notify puts a message into the outbox; it leaves after the commit.
func (w *work) notify(kind string, subject kam.Sentence, to ...kam.UserID) error {
	return w.Publish(ledger.Message{
		Kind:    kind,
		To:      route.Reachable(to),
		Subject: subject.English,
		Said:    subject.Text,
		Data: map[string]string{
			"case_no":   string(w.Case.CaseNo),
			"state":     string(w.Case.State),
			"step_code": string(w.Case.Step),
			"outcome":   string(w.Case.Outcome),
		},
	})
}

// errorList joins the form errors of a submission into one refusal that names
// the first field and lists the rest.
func errorList(errs []*kam.Error) error {
	if len(errs) == 0 {
		return nil
	}
	first := *errs[0]
	if len(errs) > 1 {
		rest := make(kam.List[string], 0, len(errs)-1)
		for _, e := range errs[1:] {
			rest = append(rest, e.Field)
		}
		first.Say("%s; also wrong: %s", first.Message(), rest)
	}
	return &first
}
