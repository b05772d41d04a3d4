package activities

import (
	"context"
	"strings"

	"github.com/kamflow/kamflow/internal/parties"
	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/access"
	"github.com/kamflow/kamflow/kam/customer"
	"github.com/kamflow/kamflow/kam/onboarding"
	"github.com/kamflow/kamflow/kam/rules"
	customerdb "github.com/kamflow/kamflow/store/customer"
)

// Validate is process 1.4: all rules, duplicates and screening looked up again,
// and where nothing blocks the customer is committed in this same transaction.
// From there the case can only end as COMPLETED.
func (a *Activities) Validate(ctx context.Context, in onboarding.StageInput) (onboarding.Progress, error) {
	return a.stage(ctx, onboarding.StageValidate, in, func(w *work) error {
		if gone, err := w.withdrawn(); err != nil || gone {
			return err
		}
		keys := parties.Keys(w.data)
		if err := w.customers.LockIdentifiers(keys.Identifiers); err != nil {
			return err
		}
		clash, err := w.conflict()
		if err != nil {
			return err
		}
		s, err := w.screen()
		if err != nil {
			return err
		}
		if wait, err := w.screenFirst(s, in.Unscreened); wait || err != nil {
			return err
		}
		if err := w.keepHits(s); err != nil {
			return err
		}
		findings, err := w.validate(keys, s, clash)
		if err != nil {
			return err
		}
		f := w.facts()
		f.HasError, f.HasReview = blocking(findings)
		if !f.HasError && !f.HasReview {
			taken, err := w.commit(keys)
			if err != nil {
				return err
			}
			if taken != nil {
				findings = append(findings, *taken)
				f.HasError = true
			}
		}
		if err := w.SaveFindings(findings); err != nil {
			return err
		}
		w.logValidation(findings)
		return w.afterValidation(f, findings)
	})
}

// withdrawn ends the case where somebody who may do so noted, before this
// transaction, that he takes the request back (D12).
func (w *work) withdrawn() (bool, error) {
	by, id, ok, err := w.WithdrawIntended()
	if err != nil || !ok {
		return false, err
	}
	who, err := w.Org.Person(by)
	if kam.CodeOf(err) == kam.NotFound {
		return false, nil // nobody withdraws nothing
	}
	if err != nil {
		return false, err
	}
	subject, err := w.subject(onboarding.Act{Name: onboarding.ActWithdraw})
	if err != nil {
		return false, err
	}
	if _, err := access.Permit(who, access.ActionWithdraw, subject); err != nil {
		return false, nil // a note by somebody who may not is no withdrawal
	}
	return true, w.move(onboarding.EvWithdraw, w.facts(), kam.AuditEvent{Type: kam.EventWithdrawn, Actor: by, DecisionID: id})
}

// blocking says whether an ERROR is open, and whether a REVIEW is that nobody
// waived.
func blocking(findings []customer.Finding) (hasError, hasReview bool) {
	for _, f := range findings {
		hasError = hasError || f.Severity == kam.SeverityError && f.WaivedBy == ""
		hasReview = hasReview || f.Severity == kam.SeverityReview && f.WaivedBy == ""
	}
	return hasError, hasReview
}

func (w *work) afterValidation(f onboarding.Facts, findings []customer.Finding) error {
	switch {
	case f.HasError:
		fields, note := wrong(findings, kam.SeverityError)
		if err := w.move(onboarding.EvFail, f, kam.AuditEvent{Type: kam.EventValidated, Step: "1.4.6", ReasonCode: "ERROR", Text: note}); err != nil {
			return err
		}
		if w.Case.State == onboarding.ValidationReview {
			// Nobody can be asked for other data: a steward has the customer
			// repaired by a MODIFY case, which needs it free, or refuses.
			w.ReleaseCustomer()
			return w.enter()
		}
		return w.openForRequester(onboarding.TaskChanges, w.Pol.SLA.ChangesRequested, fields, note)
	case f.HasReview:
		_, note := wrong(findings, kam.SeverityReview)
		return w.moveAndEnter(onboarding.EvReviewNeeded, f, kam.AuditEvent{Type: kam.EventValidated, Step: "1.4.6", ReasonCode: "REVIEW", Text: note})
	default:
		return w.move(onboarding.EvPass, f, kam.AuditEvent{Type: kam.EventCustomerCommitted, Step: "1.4.7", Text: w.Case.CommittedAs})
	}
}

// wrong lists fields and rules of the findings of a severity, for the person
// who is asked to act on them.
func wrong(findings []customer.Finding, s kam.Severity) (fields []string, note string) {
	var notes []string
	for _, f := range findings {
		if f.Severity == s && f.WaivedBy == "" {
			fields = append(fields, f.Field)
			notes = append(notes, f.RuleID+" "+f.Field+": "+f.Text())
		}
	}
	return fields, strings.Join(notes, "; ")
}

// logValidation writes one row for each box of 1.4, with what it found.
func (w *work) logValidation(findings []customer.Finding) {
	boxes := []struct {
		step   kam.StepCode
		prefix string
	}{{"1.4", customer.VersionConflict}, {"1.4.1", "VF"}, {"1.4.2", "VI"}, {"1.4.3", "VA"}, {"1.4.4", "VD"}, {"1.4.5", "VH"}, {"1.4.6", "VS"}}
	for _, b := range boxes {
		var ids []string
		for _, f := range findings {
			if strings.HasPrefix(f.RuleID, b.prefix) {
				ids = append(ids, f.RuleID+" "+string(f.Severity))
			}
		}
		if b.prefix == customer.VersionConflict && len(ids) == 0 {
			continue
		}
		text := kam.Note("no finding")
		if len(ids) > 0 {
			text = strings.Join(ids, ", ")
		}
		w.Log(kam.AuditEvent{Type: kam.EventValidated, Step: b.step, Text: text})
	}
}

// commit is step 1.4.7. An identifier that another customer took in the
// meantime is a finding, not a fault.
func (w *work) commit(keys customerdb.PartyKeys) (*customer.Finding, error) {
	groupID, err := w.ensureGroup()
	if err != nil {
		return nil, err
	}
	var seg rules.SegmentResult
	var segment any // nil leaves what is there
	if ok, err := w.Segment(&seg); err != nil {
		return nil, err
	} else if ok {
		segment = seg
	}
	target := ""
	switch w.Case.Type {
	case kam.Deactivate:
		return nil, w.customers.SetLifecycle(w.Case.CommittedAs, kam.Inactive)
	case kam.Reclassify:
		return nil, w.customers.SetSegment(w.Case.CommittedAs, segment)
	case kam.Modify, kam.Reactivate:
		target = w.Case.CommittedAs
	}
	no, err := w.customers.Commit(customerdb.Commit{
		CustomerNo: target, Data: w.data, GroupID: groupID, Territory: w.Case.Territory, OwnerID: w.Case.OwnerID,
		Status: kam.Active, Segment: segment, Keys: keys,
	})
	if e := kam.AsError(err); e != nil && e.Rule == customer.DuplicateIdentifier {
		f := customer.Finding{RuleID: customer.DuplicateIdentifier, Severity: kam.SeverityError, Category: "DUPLICATE", Field: "identifiers"}.
			Saying(kam.Say("another customer holds this identifier: %s", e.Message()), kam.Sentence{})
		return &f, nil
	}
	if err != nil {
		return nil, err
	}
	w.Case.CommittedAs = no
	return nil, w.HoldCustomer(no)
}

// ensureGroup gives a group that was named for the first time its row.
func (lk *lookup) ensureGroup() (string, error) {
	if lk.data.GroupID == "" && lk.data.GroupName == "" {
		return "", nil
	}
	id, err := lk.Org.EnsureGroup(lk.data.GroupID, lk.data.GroupName)
	lk.data.GroupID = id
	return id, err
}
