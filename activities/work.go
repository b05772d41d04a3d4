package activities

import (
	"context"
	"slices"
	"strings"

	"github.com/kamflow/kamflow/internal/parties"
	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/rules"
	"github.com/kamflow/kamflow/store"
)

// work is one effect on one case: the transaction, the policy that the case
// keeps, and its current data.
type work struct {
	*store.CaseTx
	route
	ctx context.Context
	// moved is called for every transition; tests count them.
	moved func(kam.Transition)
	data  kam.RequestData
	base  *base // of a case on an existing customer
	// other is the second case of an effect on two.
	other *work
	// provider is who answers for the service outside.
	provider string
	// groups are the ids that the marks of groups had when they were asked for.
	groups map[string]string
}

// move takes the case along the table of transitions, closes the task of the
// state it leaves, and logs the transition as one audit event.
func (w *work) move(event kam.Event, f kam.Facts, e kam.AuditEvent) error {
	f.Type = w.Case.Type
	from := w.Case.State
	t, err := kam.Next(from, event, f)
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
func closing(event kam.Event) string {
	switch event {
	case kam.EvExpire, kam.EvLapse:
		return "EXPIRED"
	case kam.EvWithdraw, kam.EvCancel, kam.EvAmendMaterial, kam.EvReevaluate:
		return "WITHDRAWN"
	default:
		return "DONE"
	}
}

// facts computes what the guards test, from the current data.
func (w *work) facts() kam.Facts {
	c := w.Case
	f := kam.Facts{
		Type:                  c.Type,
		HasNameCountryChannel: w.data.LegalName != "" && w.data.CountryCode != "" && w.data.SourceChannel != "" || w.existing() && c.CommittedAs != "",
		ReturnTo:              c.ReturnTo,
		ScreeningComplete:     len(w.missingForDecision()) == 0,
		DetailComplete:        len(w.missing(kam.Detail)) == 0,
		IdentityChanged:       identityHash(w.data) != c.IdentityHash,
		Confirmed:             c.ConfirmedBy != "" && c.ConfirmedHash == c.MaterialHash,
		HashChanged:           c.ConfirmedHash != "" && c.ConfirmedHash != c.MaterialHash,
		AutoReject:            w.pol.Process.AutoReject,
		RoundsLeft:            c.Rounds < w.pol.Process.MaxChangeRounds,
		BeforeFault:           c.ResumeState,
	}
	switch c.Type {
	case kam.NewCase, kam.Reactivate:
		f.ClassInputChanged = true // it has never been scored, or not for long
	case kam.Modify:
		for _, x := range w.changes() {
			f.MaterialChanged = f.MaterialChanged || x.Material
			f.ClassInputChanged = f.ClassInputChanged || x.ClassInput || x.Field == "nominate_key_account"
		}
	}
	return f
}

// ready says whether the form of DATA_ENTRY holds what the next step needs. A
// change must change something, and a retirement needs its reason.
func (w *work) ready(f kam.Facts) bool {
	switch w.Case.Type {
	case kam.Modify:
		return len(w.changes()) > 0
	case kam.Deactivate:
		return w.data.Justification != ""
	default:
		return f.ScreeningComplete
	}
}

// keys are what the party is searched by.
func (w *work) keys() store.PartyKeys { return parties.Keys(w.data) }

func (w *work) missing(set kam.FieldSet) []string { return rules.Missing(w.data, set, w.Case.Type) }

// missingForDecision is what 1.1.4 still lacks: the screening set, and in mode
// full_before_decision the detail set too.
func (w *work) missingForDecision() []string {
	m := w.missing(kam.Screening)
	if w.pol.Process.DataEntryMode == "full_before_decision" {
		m = append(m, w.missing(kam.Detail)...)
	}
	return m
}

// identityHash covers the fields that 1.1.2 searches by (D11). Order does not
// count.
func identityHash(d kam.RequestData) string {
	ids := make([]string, 0, len(d.Identifiers))
	for _, i := range d.Identifiers {
		ids = append(ids, string(i.Scheme)+"|"+i.Country+"|"+i.Value)
	}
	slices.Sort(ids)
	names := slices.Clone(d.TradingNames)
	slices.Sort(names)
	return kam.Digest([]any{d.LegalName, names, d.CountryCode, d.PostalCode, ids, d.Website, d.Phone})
}

// customer is the case's party as the rules see it.
func (w *work) customer(f rules.Facts) rules.Customer {
	f.Nominated = w.data.NominateKeyAccount
	no := string(w.Case.CaseNo)
	if w.existing() {
		no = w.Case.CommittedAs
	}
	return rules.Customer{
		CustomerNo:    no,
		ScreeningData: w.data.ScreeningData,
		DetailData:    w.data.DetailData,
		Facts:         f,
	}
}

// record stamps a decision record with the case and stores it.
func (w *work) record(r kam.DecisionRecord, step kam.StepCode) (kam.DecisionRecord, error) {
	at := w.At
	r.CaseNo, r.Step, r.Revision, r.MaterialHash, r.ComputedAt = w.Case.CaseNo, step, w.Case.Revision, w.Case.MaterialHash, &at
	w.Case.Headline = r.Headline
	return r, w.SaveRecord(r)
}

// flag marks the case once.
func (w *work) flag(f kam.Flag) {
	if !w.Case.Has(f) {
		w.Case.Flags = append(w.Case.Flags, f)
	}
}

// notify puts a message into the outbox; it leaves after the commit.
func (w *work) notify(kind, subject string, to ...kam.UserID) error {
	return w.Publish(store.Message{
		Kind:    kind,
		To:      people(to),
		Subject: subject,
		Data: map[string]string{
			"case_no":   string(w.Case.CaseNo),
			"state":     string(w.Case.State),
			"step_code": string(w.Case.Step),
			"outcome":   string(w.Case.Outcome),
		},
	})
}

// people are those of to who can be told anything, each once.
func people(to []kam.UserID) []kam.UserID {
	var out []kam.UserID
	for _, u := range to {
		if u != "" && u != kam.System && !slices.Contains(out, u) {
			out = append(out, u)
		}
	}
	return out
}

// errorList joins the form errors of a submission into one refusal that names
// the first field and lists the rest.
func errorList(errs []*kam.Error) error {
	if len(errs) == 0 {
		return nil
	}
	first := *errs[0]
	if len(errs) > 1 {
		rest := make([]string, 0, len(errs)-1)
		for _, e := range errs[1:] {
			rest = append(rest, e.Field)
		}
		first.Msg += "; also wrong: " + strings.Join(rest, ", ")
	}
	return &first
}
