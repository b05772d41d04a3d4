package activities

import (
	"fmt"
	"slices"
	"strings"

	"github.com/kamflow/kamflow/activities/internal/route"
	"github.com/kamflow/kamflow/internal/parties"
	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/customer"
	"github.com/kamflow/kamflow/kam/onboarding"
	"github.com/kamflow/kamflow/kam/rules"
)

// resolveDuplicate is the human part of 1.1.2.
func (w *work) resolveDuplicate(d doing) error {
	candidates, err := w.Candidates()
	if err != nil {
		return err
	}
	f := w.facts()
	f.Match, f.Steward = best(candidates), d.role == kam.DataSteward
	if d.Verdict == onboarding.UseExisting || d.Verdict == onboarding.ConvertToModify {
		if !slices.ContainsFunc(candidates, func(c customer.Candidate) bool { return c.Ref == d.CustomerNo && c.Kind == "CUSTOMER" }) {
			return kam.Errorf(kam.Invalid, "%s is not a customer among the candidates", d.CustomerNo).On("customer_no")
		}
		if d.Verdict == onboarding.ConvertToModify {
			return w.convert(d, f)
		}
		c, err := w.survivor(d.CustomerNo)
		if err != nil {
			return err
		}
		w.Case.CommittedAs = c.CustomerNo
		if err := w.move(d.event, f, d.log(kam.EventMerged)); err != nil {
			return err
		}
		return w.notifyMerged()
	}
	if f.Match == kam.MatchCertain {
		if err := onboarding.NotOwn(d.By, *w.Case); err != nil {
			return err
		}
	}
	if d.Verdict == onboarding.SameRequest {
		if !slices.ContainsFunc(candidates, func(c customer.Candidate) bool { return c.Ref == string(d.SameAs) }) {
			return kam.Errorf(kam.Invalid, "%s is not a case among the candidates", d.SameAs).On("same_as")
		}
		return w.follow(d, f)
	}
	open := slices.DeleteFunc(slices.Clone(candidates), func(c customer.Candidate) bool { return c.Waived })
	if err := w.WaiveCandidates(open, d.By, d.Reason); err != nil {
		return err
	}
	e := d.log(kam.EventDuplicateResolved)
	e.ReasonCode = string(d.Verdict)
	if err := w.move(d.event, f, e); err != nil {
		return err
	}
	return w.goOn()
}

// convert makes the request a change of an existing customer. The requester
// then sees what it would change, and submits.
func (w *work) convert(d doing, f onboarding.Facts) error {
	c, err := w.survivor(d.CustomerNo)
	if err != nil {
		return err
	}
	if c.Status != kam.Active {
		return kam.Errorf(kam.TargetInvalid, "customer %s is %s", c.CustomerNo, c.Status).On("customer_no").Try("withdraw, and request a REACTIVATE case")
	}
	if err := w.HoldCustomer(c.CustomerNo); err != nil {
		return err
	}
	// The table judges the case by what it was.
	e := d.log(kam.EventDuplicateResolved)
	e.ReasonCode, e.Text = string(d.Verdict), strings.TrimSpace(c.CustomerNo+" "+d.Reason)
	if err := w.move(d.event, f, e); err != nil {
		return err
	}
	w.Case.Type, w.Case.CommittedAs, w.Case.ReturnTo = kam.Modify, c.CustomerNo, ""
	// What was recommended and confirmed was a new customer.
	w.Case.Recommended = ""
	w.unconfirm()
	if err := w.customers.DropParty(w.Case.CaseNo); err != nil {
		return err
	}
	if err := w.pin(c); err != nil {
		return err
	}
	if w.data, err = customer.Overlay(parties.AsRequest(c), w.data); err != nil {
		return err
	}
	if err := w.SaveRevision(w.data, d.By); err != nil {
		return err
	}
	if err := w.standsAs(); err != nil {
		return err
	}
	if err := w.place(); err != nil {
		return err
	}
	return w.enter()
}

func (w *work) notifyMerged() error {
	return w.notify("case.merged", kam.Say("%s is customer %s", w.Case.CaseNo, w.Case.CommittedAs), w.Case.Requester)
}

// confirm is step 1.1.5. Silence never confirms; what is confirmed is exactly
// the data whose material_hash the manager sent.
func (w *work) confirm(d doing) error {
	f := w.facts()
	against := w.Case.Recommended == kam.Reject
	switch d.Verdict {
	case onboarding.Confirm:
		needs := against || w.Case.Recommended == kam.Refer || w.Case.Recommended == kam.ReferCompliance
		if needs && w.Pol.Confirmation.RequireReason && d.Reason == "" {
			return kam.Errorf(kam.ReasonNeeded, "the recommendation is %s: confirming it needs a reason", w.Case.Recommended).On("reason")
		}
		if w.Case.Territory == route.Unassigned {
			return kam.Errorf(kam.WrongState, "the case has no territory yet").On("territory_code").Try("the policy admin assigns one first")
		}
		var err error
		if f.LastRequired, err = w.lastConfirmation(); err != nil {
			return err
		}
		if !f.LastRequired {
			return w.firstConfirmation(d, f)
		}
		w.Case.ConfirmedBy, w.Case.ConfirmedHash = d.By, w.Case.MaterialHash
		if against {
			w.flag(onboarding.FlagOverridden)
		}
		return w.humanDecision(d, onboarding.RecordAdd, against, func() error {
			return w.moveAndEnter(d.event, f, d.log(kam.EventConfirmed))
		})
	case onboarding.RejectIt:
		return w.humanDecision(d, onboarding.RecordAdd, w.Case.Recommended == kam.Add, func() error {
			e := d.log(kam.EventDecisionComputed)
			e.Type, e.Step = kam.EventRejected, "1.1.5"
			if err := w.move(d.event, f, e); err != nil {
				return err
			}
			return w.rejected(d.By, d.ReasonCode, d.Reason)
		})
	default:
		if !f.RoundsLeft {
			return kam.Errorf(kam.RoundsUsed, "all %d change rounds are used", w.Pol.Process.MaxChangeRounds).Try("confirm or reject")
		}
		w.Case.Rounds++
		return w.humanDecision(d, onboarding.RecordAdd, false, func() error { return w.sendBack(d, f) })
	}
}

// lastConfirmation says whether one confirmation more is enough: the retirement
// of a member of a key account needs a second person (P2.3).
func (lk *lookup) lastConfirmation() (bool, error) {
	if lk.Case.Type != kam.Deactivate || lk.Case.FirstConfirmedBy != "" {
		return true, nil
	}
	k, err := lk.membership()
	return k == nil, err
}

// firstConfirmation is the first of two: the second goes to the endorser of the
// tier.
func (w *work) firstConfirmation(d doing, f onboarding.Facts) error {
	if err := w.move(d.event, f, d.log(kam.EventConfirmed)); err != nil {
		return err
	}
	w.Case.FirstConfirmedBy = d.By
	if err := w.CloseTask("DONE", d.By); err != nil {
		return err
	}
	return w.openConfirmation()
}

// sendBack asks the requester for changes, with the fields or the words of who
// sends it back.
func (w *work) sendBack(d doing, f onboarding.Facts) error {
	w.Case.FirstConfirmedBy = ""
	e := d.log(kam.EventSentBack)
	if len(d.Fields) > 0 {
		e.Text = strings.TrimSpace(e.Text + " [" + strings.Join(d.Fields, ", ") + "]")
	}
	if err := w.move(d.event, f, e); err != nil {
		return err
	}
	return w.openForRequester(onboarding.TaskChanges, w.Pol.SLA.ChangesRequested, d.Fields, d.Reason)
}

func (w *work) moveAndEnter(event onboarding.Event, f onboarding.Facts, e kam.AuditEvent) error {
	if err := w.move(event, f, e); err != nil {
		return err
	}
	return w.enter()
}

// humanDecision keeps beside the recommendation what a person made of it.
func (w *work) humanDecision(d doing, kind onboarding.RecordKind, against bool, then func() error) error {
	if kind == onboarding.RecordAdd && (w.Case.Type == kam.Modify || w.Case.Type == kam.Deactivate) {
		return then() // no rule recommended anything
	}
	if err := w.SetHuman(kind, onboarding.HumanDecision{
		Decision: string(d.Verdict), By: d.By, OnBehalfOf: d.OnBehalfOf, AgainstRecommendation: against, Reason: d.Reason, At: w.At,
	}); err != nil {
		return err
	}
	return then()
}

// decideCompliance is step 1.1.4c. The text of a refusal stays with compliance
// and audit: the requester reads the reason code alone.
func (w *work) decideCompliance(d doing) error {
	e := d.log(kam.EventComplianceDecided)
	e.ReasonCode = string(d.Verdict)
	e.Restricted = d.Verdict == onboarding.RefuseIt
	if d.Verdict == onboarding.ClearIt {
		cleared, err := w.clearHits(d, w.Case.Step, func(customer.ScreeningHit) bool { return true })
		if err != nil {
			return err
		}
		if len(cleared) > 0 {
			e.Text += " [" + strings.Join(some(cleared, 20), ", ") + "]"
		}
		return w.moveAndEnter(d.event, w.facts(), e)
	}
	if err := w.move(d.event, w.facts(), e); err != nil {
		return err
	}
	w.Case.Headline = ""
	return w.rejected(d.By, "COMPLIANCE", "")
}

// decideValidation is step 1.4.6s: each role waives its own findings (D22),
// and the rules run again once none is left.
func (w *work) decideValidation(d doing) error {
	f := w.facts()
	if d.Verdict != onboarding.ClearIt && d.role != kam.DataSteward {
		return kam.Errorf(kam.Forbidden, "%s waives findings of screening and nothing else", d.role).Try("a data steward decides")
	}
	switch d.Verdict {
	case onboarding.ClearIt:
		findings, err := w.Findings()
		if err != nil {
			return err
		}
		var mine []string
		waivable := func(x customer.Finding) bool {
			return x.WaivedBy == "" && x.Severity == kam.SeverityReview && screeningRule(x.RuleID) == (d.role == kam.ComplianceRole)
		}
		for _, x := range findings {
			switch {
			case waivable(x):
				mine = append(mine, x.RuleID)
			case x.WaivedBy == "" && x.Severity == kam.SeverityReview:
				f.HasReview = true
			}
		}
		// A review has nobody to send it back to: once its customer is repaired the
		// rules run again.
		repaired := w.Case.Type == kam.Reclassify && slices.ContainsFunc(findings, func(x customer.Finding) bool { return x.Severity == kam.SeverityError })
		if repaired {
			if err := w.HoldCustomer(w.Case.CommittedAs); err != nil {
				return err
			}
		}
		if len(mine) == 0 && !repaired {
			return kam.Errorf(kam.Forbidden, "no finding is yours to waive as %s", d.role).Try("the other role decides")
		}
		if err := w.Waive(waivable, d.By, d.Reason); err != nil {
			return err
		}
		if d.role == kam.ComplianceRole {
			if err := w.screenedByHand(d, findings); err != nil {
				return err
			}
		}
		if len(mine) > 0 {
			w.flag(onboarding.FlagHasWaivers)
		}
		e := d.log(kam.EventFindingWaived)
		e.Text = strings.Join(mine, ", ") + ": " + d.Reason
		if err := w.move(d.event, f, e); err != nil {
			return err
		}
		if w.Case.State == onboarding.ValidationReview {
			if err := w.CloseTask("DONE", d.By); err != nil {
				return err
			}
		}
		return w.enter()
	case onboarding.MergeIt:
		if w.Case.Type == kam.Modify || w.Case.Type == kam.Reclassify {
			return kam.Errorf(kam.WrongState, "%s and %s are two customers, and both stay until they are merged", w.Case.CommittedAs, d.CustomerNo).On("decision").
				Try("refuse or send back, then merge the customers: starter customer merge")
		}
		c, err := w.survivor(d.CustomerNo)
		if kam.CodeOf(err) == kam.NotFound {
			return kam.Errorf(kam.Invalid, "there is no customer %s to merge with", d.CustomerNo).On("customer_no")
		} else if err != nil {
			return err
		}
		w.Case.CommittedAs = c.CustomerNo
		if err := w.move(d.event, f, d.log(kam.EventMerged)); err != nil {
			return err
		}
		return w.notifyMerged()
	case onboarding.SameRequest:
		return w.follow(d, f)
	case onboarding.SendBack:
		return w.sendBack(d, f)
	default:
		if err := w.move(d.event, f, d.log(kam.EventRejected)); err != nil {
			return err
		}
		return w.rejected(d.By, "VALIDATION", d.Reason)
	}
}

// some are the first names of a list, and how many more there are.
func some(names []string, n int) []string {
	if len(names) <= n {
		return names
	}
	return append(slices.Clone(names[:n]), fmt.Sprintf("%d more", len(names)-n))
}

// screenedByHand keeps what compliance accepted: the hits that the findings name,
// and, where the service outside did not answer, that compliance screened in its
// place.
func (w *work) screenedByHand(d doing, findings []customer.Finding) error {
	var named []string
	for _, f := range findings {
		switch {
		case f.WaivedBy != "" || f.Severity != kam.SeverityReview:
		case f.RuleID == serviceDown:
			if err := w.SaveFact(factScreening, outside{
				ScreeningAnswer: customer.ScreeningAnswer{Result: kam.ScreeningClear}, Party: kam.Digest(w.screenedParty()), At: w.At, ByHand: d.By, Reason: d.Reason,
			}); err != nil {
				return err
			}
		case screeningRule(f.RuleID):
			named = append(named, f.What())
		}
	}
	_, err := w.clearHits(d, stepWaiving, func(h customer.ScreeningHit) bool {
		return slices.ContainsFunc(named, func(what string) bool { return strings.HasSuffix(what, rules.PossibleHit(h).English) })
	})
	return err
}

// rulesToWaive says which role's findings are open, for the permission matrix:
// VS for compliance alone, empty for the stewards'.
func (lk *lookup) rulesToWaive(act onboarding.Act) string {
	if act.Name == onboarding.ActDecideValidation && lk.Case.Task != nil && lk.Case.Task.Queue == string(kam.ComplianceRole) {
		return "VS02"
	}
	return ""
}
