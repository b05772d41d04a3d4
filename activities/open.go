package activities

import (
	"context"
	"slices"
	"strings"

	"github.com/kamflow/kamflow/activities/internal/stage"
	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/customer"
	"github.com/kamflow/kamflow/kam/onboarding"
	"github.com/kamflow/kamflow/kam/rules"
	"github.com/kamflow/kamflow/kam/signed"
	casedb "github.com/kamflow/kamflow/store/onboarding"
)

// OpenCase is step 1.1.1: the request that was stored when the number was
// allotted becomes a case. A request that names name, country and channel goes
// on to the search at once, and so does one that names an existing customer;
// any other waits in DRAFT.
//
// A start that its requester has not signed opens nothing, and is on record.
func (a *Activities) OpenCase(ctx context.Context, in onboarding.StageInput) (onboarding.Progress, error) {
	var o casedb.Request
	p, err := a.stage(ctx, onboarding.StageOpen, in, func(w *work) (err error) {
		if o, err = w.Opening(); err != nil {
			return err
		}
		if err := a.startSigned(w, in, o); err != nil {
			return err
		}
		w.Case.Step = onboarding.Draft.Spec().Step
		if err := w.mayOpen(o); err != nil {
			return err
		}
		w.Log(kam.AuditEvent{Type: kam.EventCaseOpened, Actor: o.Requester, To: string(onboarding.Draft), ReasonCode: string(o.Trigger), Text: openingText(o)})
		if w.Case.Type == kam.Reclassify {
			if err := w.startReview(); err != nil {
				return err
			}
			return w.move(onboarding.EvSubmitRequest, w.facts(), kam.AuditEvent{Type: kam.EventDataSubmitted, Actor: o.Requester})
		}
		rules.Clean(&o.Data)
		if bad := w.Pol.FormErrors(o.Data); len(bad) > 0 {
			// The client checks the form before a number is allotted; what comes
			// another way waits with the request it came with.
			return w.openForRequester(onboarding.TaskDataEntry, w.Pol.SLA.DataEntry, fieldNames(bad), bad[0].Error())
		}
		w.data = o.Data
		if err := w.SaveRevision(w.data, o.Requester); err != nil {
			return err
		}
		if w.data.NominateKeyAccount {
			w.Case.Nominator = o.Requester
		}
		f := w.facts()
		if !f.HasNameCountryChannel || o.DraftOf != "" { // he looks at a draft first
			return w.enter()
		}
		return w.move(onboarding.EvSubmitRequest, f, kam.AuditEvent{Type: kam.EventDataSubmitted, Actor: o.Requester})
	})
	if e := kam.AsError(err); e != nil && e.Code == kam.NotSigned {
		act := onboarding.Act{Name: onboarding.ActStart, By: o.Requester}
		if err := a.Store.Cases.Refuse(ctx, in.CaseNo, act, e, in.Now); err != nil {
			return p, stage.ToTemporal(err) // tried again until it is on record
		}
	}
	return p, err
}

// startSigned tests that who asked for the case is who starts it. The engine
// asks for reviews itself and signs none.
func (a *Activities) startSigned(w *work, in onboarding.StageInput, o casedb.Request) error {
	if o.Requester == kam.System && in.Signed == "" {
		return nil
	}
	var request string
	if in.Signed != "" {
		var err error
		if request, err = w.RequestDigest(); err != nil {
			return err
		}
	}
	start := onboarding.StartInput{CaseNo: in.CaseNo, RequestKey: o.Key}
	return a.Signatures.Verify(in.Now, in.Signed, signed.OfStart(start, o.Requester, request))
}

// mayOpen tests what the request itself must hold. The client has tested it
// before a number was allotted; here it is decided.
func (w *work) mayOpen(o casedb.Request) error {
	switch {
	case w.existing() && o.CustomerNo == "":
		return kam.Errorf(kam.Invalid, "a %s is for an existing customer", w.Case.Type).On("customer_no").Try("name the customer")
	case !w.existing() && o.CustomerNo != "":
		return kam.Errorf(kam.Invalid, "a NEW case is for a party that is no customer yet").On("customer_no").Try("request a MODIFY case for a customer")
	case o.AppealOf != "":
		return w.appeals(o)
	case o.DraftOf != "":
		return w.drafts(o)
	}
	return nil
}

// appeals binds the case to the rejection that it appeals: one level up, by
// another person (P2.5, SOD10).
func (w *work) appeals(o casedb.Request) error {
	was, err := w.Rejection(o.AppealOf)
	if err != nil {
		return err
	}
	requester, err := w.Org.Person(was.Requester)
	if err != nil && kam.CodeOf(err) != kam.NotFound {
		return err
	}
	if err := onboarding.MayAppeal(o.Requester, requester.ManagerID, was, w.At, w.Pol.Process.AppealWindowDays); err != nil {
		return err
	}
	before, err := w.RequestOf(o.AppealOf, was.Revision)
	if err != nil {
		return err
	}
	given := o.Data
	rules.Clean(&given)
	if len(customer.Diff(before, given)) == 0 {
		return kam.Errorf(kam.Invalid, "nothing is new: the data are those of %s", o.AppealOf).On("appeal_of").By("APPEAL").Try("bring new facts")
	}
	w.data = given
	rank := max(was.Level.Rank(), w.confirmingLevel().Rank())
	w.Case.AppealOf, w.Case.AppealDecider = o.AppealOf, was.Decider
	w.Case.AppealLevel = kam.NodeLevels[min(rank+1, len(kam.NodeLevels)-1)]
	return nil
}

func openingText(o casedb.Request) string {
	text := string(o.Type)
	if o.CustomerNo != "" {
		text = kam.Note("%s of customer %s", o.Type, o.CustomerNo)
	}
	if o.AppealOf != "" {
		text += "; " + kam.Note("appeal of %s", o.AppealOf)
	}
	// The fields only: the trail holds no data of customers.
	var fields []string
	for _, f := range o.Findings {
		if f.Field != "" && !slices.Contains(fields, f.Field) {
			fields = append(fields, f.Field)
		}
	}
	if len(fields) > 0 {
		text += "; " + kam.Note("found at import: %s", strings.Join(fields, ", "))
	}
	if o.DraftOf != "" {
		text += "; " + kam.Note("draft of %s", o.DraftOf)
	}
	return text
}

func fieldNames(errs []*kam.Error) []string {
	out := make([]string, len(errs))
	for i, e := range errs {
		out[i] = e.Field
	}
	return out
}

// Identify is steps 1.1.2 and 1.1.3: search customers, open cases and recent
// rejections, resolve territory and owner, and send a request that is complete
// on to the decision.
func (a *Activities) Identify(ctx context.Context, in onboarding.StageInput) (onboarding.Progress, error) {
	return a.stage(ctx, onboarding.StageIdentify, in, func(w *work) error {
		switch w.Case.Type {
		case kam.Reclassify:
			return w.move(onboarding.EvReviewStarted, w.facts(), kam.AuditEvent{Type: kam.EventTerritoryResolved, Step: "1.1.3", Text: w.Case.Territory})
		case kam.Modify, kam.Deactivate, kam.Reactivate:
			return w.identifyTarget()
		}
		keys := w.keys()
		// Two requests with one identifier: the second waits here for the first
		// to be searchable.
		if err := w.customers.LockIdentifiers(keys.Identifiers); err != nil {
			return err
		}
		candidates, err := w.search(keys)
		if err != nil {
			return err
		}
		if err := w.SaveCandidates(candidates); err != nil {
			return err
		}
		if err := w.saveParty(keys); err != nil {
			return err
		}
		if err := w.resolveTerritory(); err != nil {
			return err
		}
		w.Case.IdentityHash = identityHash(w.data)

		f := w.facts()
		f.Match = best(candidates)
		if f.Match != "" {
			return w.openDuplicateReview(f, candidates)
		}
		if err := w.move(onboarding.EvNoMatch, f, kam.AuditEvent{Type: kam.EventTerritoryResolved, Step: "1.1.3", Text: w.Case.Territory}); err != nil {
			return err
		}
		return w.goOn()
	})
}

// goOn submits data that are complete after identification, and otherwise asks
// the requester for the rest. The data count as the requester's, also where
// somebody else has decided on the duplicates.
func (w *work) goOn() error {
	actor := w.Case.Requester
	w.Case.ReturnTo = ""
	f := w.facts()
	switch {
	case w.Case.State == onboarding.DataEntry && w.ready(f):
		return w.moveAndEnter(onboarding.EvSubmitData, f, kam.AuditEvent{Type: kam.EventDataSubmitted, Actor: actor, Step: "1.2.1a"})
	case w.Case.State == onboarding.ChangesRequested && w.ready(f) && (!f.Confirmed || f.DetailComplete || w.existing()):
		return w.resubmit(actor)
	default:
		return w.enter()
	}
}

func best(candidates []customer.Candidate) kam.MatchClass {
	var class kam.MatchClass
	for _, c := range candidates {
		switch {
		case c.Waived:
		case c.Class == kam.MatchCertain:
			return kam.MatchCertain
		case class == "" || c.Class == kam.MatchProbable:
			class = c.Class
		}
	}
	return class
}

// openDuplicateReview asks the requester, or for a CERTAIN match the stewards,
// whether the party is known already.
func (w *work) openDuplicateReview(f onboarding.Facts, candidates []customer.Candidate) error {
	text := ""
	for _, c := range candidates {
		if !c.Waived {
			text = c.Ref + " " + string(c.Class)
			break
		}
	}
	if err := w.move(onboarding.EvMatchFound, f, kam.AuditEvent{Type: kam.EventCandidatesFound, Text: text}); err != nil {
		return err
	}
	if f.Match == kam.MatchCertain {
		return w.openForQueue(onboarding.TaskDuplicateReview, kam.DataSteward, w.Pol.SLA.DuplicateReview)
	}
	sla := w.Pol.SLA.DuplicateReview
	sla.Escalate = nil // there is a lead to escalate to only where stewards are asked
	return w.openForRequester(onboarding.TaskDuplicateReview, sla, nil, "")
}
