package activities

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/kamflow/kamflow/internal/parties"
	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/store"
)

// A Screener asks a service outside about a party (P3.4.5). An error means that
// no answer could be had; asking again is harmless.
type Screener interface {
	Screen(ctx context.Context, p kam.ScreenedParty) (kam.ScreeningAnswer, error)
}

// outside is the last answer of the service, and about whom and when.
type outside struct {
	kam.ScreeningAnswer
	Party string    `json:"party"`
	At    time.Time `json:"at"`
}

const factScreening = "screening"

// screening is what the lists say of a party.
type screening struct {
	result  kam.ScreeningResult
	blocked bool // equal normalized name and country, or an identifier
	ref     string
	stale   bool // the outside service has not been asked about this party lately
}

// screenedParty is the case as a screening service sees it.
func (w *work) screenedParty() kam.ScreenedParty {
	p := kam.ScreenedParty{CaseNo: w.Case.CaseNo, Names: append([]string{w.data.LegalName}, w.data.TradingNames...), Country: w.data.CountryCode}
	for _, id := range parties.Numbers(w.data.Identifiers) {
		p.Identifiers = append(p.Identifiers, kam.Identifier{Scheme: id.Scheme, Value: id.Value})
	}
	slices.SortFunc(p.Identifiers, func(a, b kam.Identifier) int {
		return strings.Compare(string(a.Scheme)+a.Value, string(b.Scheme)+b.Value)
	})
	return p
}

// screen joins our own list with the last answer of the service outside, where
// the policy names one; the stricter result counts.
func (w *work) screen() (screening, error) {
	s, err := w.screenLocally()
	if err != nil || w.pol.Screening.Adapter != "HTTP" {
		return s, err
	}
	var o outside
	known, err := w.Fact(factScreening, &o)
	if err != nil {
		return s, err
	}
	age := w.At.Sub(o.At)
	if !known || o.Party != digest(w.screenedParty()) || age > time.Duration(w.pol.Screening.MaxAgeHours)*time.Hour {
		s.stale = true
		return s, nil
	}
	if s.result == kam.ScreeningClear || s.result == kam.ScreeningPossible && o.Result == kam.ScreeningConfirmed {
		s.result, s.ref = o.Result, strings.Join(o.Hits, ", ")
	}
	return s, nil
}

// screenFirst says whether the stage must wait for the service outside. After a
// day without an answer the policy says what that means: an operator looks, or
// compliance does, who sees it as a finding.
func (w *work) screenFirst(s screening, unscreened bool) (wait bool, err error) {
	if !s.stale {
		return false, nil
	}
	accepted, err := w.Waivers()
	if err != nil {
		return false, err
	}
	switch _, waived := accepted["VS04"]; {
	case waived:
		return false, nil
	case !unscreened:
		w.After(kam.StageScreen)
		return true, nil
	case w.pol.Screening.WhenDown == "INTERVENTION":
		return false, kam.Errorf(kam.Fault, "the screening service did not answer for a day").Try("retry the case when it does")
	}
	return false, nil
}

// ScreenParty asks the service outside about the party of a case and keeps its
// answer. It leaves the process, so it is a normal activity: it is tried again
// for a day. It may run twice; the answer is kept once.
func (a *Activities) ScreenParty(ctx context.Context, in kam.StageInput) (kam.Progress, error) {
	if a.Screen == nil {
		return kam.Progress{}, toTemporal(kam.Errorf(kam.Fault, "the policy asks a screening service, and none is set up").Try("set screening.url for the worker"))
	}
	var party kam.ScreenedParty
	err := a.Store.Peek(ctx, in.CaseNo, in.Now, func(ctx context.Context, tx *store.Tx) error {
		w, err := a.open(ctx, tx)
		if err == nil {
			party = w.screenedParty()
		}
		return err
	})
	if err != nil {
		return kam.Progress{}, toTemporal(err)
	}
	answer, err := a.Screen.Screen(ctx, party)
	if err != nil {
		return kam.Progress{}, toTemporal(err)
	}
	return a.stage(ctx, kam.StageScreen, in, func(w *work) error {
		if err := w.SaveFact(factScreening, outside{answer, digest(party), w.At}); err != nil {
			return err
		}
		w.Log(kam.AuditEvent{Type: kam.EventScreened, Actor: kam.System, Step: "1.4.6", ReasonCode: string(answer.Result), Text: counted(len(answer.Hits), "hit")})
		return nil
	})
}
