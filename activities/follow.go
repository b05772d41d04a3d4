package activities

import (
	"slices"
	"strings"

	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/customer"
	"github.com/kamflow/kamflow/kam/onboarding"
	"github.com/kamflow/kamflow/store/ledger"
	casedb "github.com/kamflow/kamflow/store/onboarding"
)

// follow ends the case as the same request as an earlier one (D39). Both are
// locked, the older one first. The earlier case gets what this one knew and it
// lacks as a comment, and the requester among those whose request it is; so do
// the requesters of cases that this one was followed by.
func (w *work) follow(d doing, f onboarding.Facts) error {
	if w.other == nil {
		return kam.Errorf(kam.Invalid, "there is no other case %s", d.SameAs).On("same_as")
	}
	if err := onboarding.CheckEarlier(*w.Case, *w.other.Case); err != nil {
		return err
	}
	if f.Match == kam.MatchCertain {
		if err := onboarding.NotOwn(d.By, *w.Case); err != nil {
			return err
		}
	}
	f.Earlier, w.Case.SameAs = true, d.SameAs
	e := d.log(kam.EventMerged)
	e.ReasonCode, e.Text = string(d.Verdict), strings.TrimSpace(string(d.SameAs)+" "+d.Reason)
	if err := w.move(d.event, f, e); err != nil {
		return err
	}
	if err := w.other.isFollowed(d, w); err != nil {
		return err
	}
	return w.notify("case.merged", kam.Say("%s is the same request as %s, which you follow now", w.Case.CaseNo, d.SameAs), w.Case.Requester, w.Case.OwnerID)
}

// isFollowed is the other side of follow. Who may not decide any more because he
// is one of the requesters now has the task taken from him.
func (w *work) isFollowed(d doing, later *work) error {
	c := w.Case
	joins := append([]onboarding.Follower{{CaseNo: later.Case.CaseNo, Requester: later.Case.Requester, Editors: later.Case.Editors}}, later.Case.Followers...)
	for i, f := range joins {
		known := later.data
		if i > 0 {
			was, err := w.CaseAsIs(f.CaseNo)
			if err != nil {
				return err
			}
			if known, err = w.RequestOf(f.CaseNo, was.Revision); err != nil {
				return err
			}
		}
		e := d.log(kam.EventCommented)
		e.ReasonCode, e.Text = string(onboarding.SameRequest), addsText(f, customer.Adds(w.data, known))
		w.Log(e)
	}
	c.Followers = append(c.Followers, joins...)
	if t := c.Task; t != nil && t.ClaimedBy != "" && c.Requested(t.ClaimedBy) {
		w.Log(kam.AuditEvent{Type: kam.EventTaskReleased, Actor: kam.System, Text: kam.Note("%s is one of the requesters now", t.ClaimedBy)})
		t.ClaimedBy = ""
		if err := w.UpdateTask(); err != nil {
			return err
		}
	}
	if _, err := w.reroute(); err != nil {
		return err
	}
	return w.notify("case.followed", kam.Say("%s: %s of %s is the same request, and follows it", c.CaseNo, later.Case.CaseNo, later.Case.Requester), c.Requester, c.OwnerID)
}

// maxAdds bounds the comment, in runes.
const maxAdds = 2000

func addsText(f onboarding.Follower, adds []string) string {
	text := kam.Note("%s of %s is the same request", f.CaseNo, f.Requester)
	if len(adds) == 0 {
		return text + "; " + kam.Note("it knows nothing more")
	}
	text += "; " + kam.Note("it also has %s", strings.Join(adds, "; "))
	if r := []rune(text); len(r) > maxAdds {
		text = string(r[:maxAdds-1]) + "…"
	}
	return text
}

// notifyFollowers sends the requesters whose cases follow this one a notice of
// its end: which customer it led to, or that they may take a draft of their own
// request.
func (w *work) notifyFollowers() error {
	c := w.Case
	var told []kam.CaseNo
	for _, f := range c.Followers {
		if slices.Contains(told, f.CaseNo) {
			continue
		}
		told = append(told, f.CaseNo)
		who, err := w.Org.ActiveOrAbove(f.Requester)
		if err != nil {
			return err
		}
		if who.ID == "" {
			continue // nobody is left who could get the notice
		}
		kind, subject := "case.draft_offered", kam.Say("%s: %s is %s without a customer; a draft of your request is yours to take", f.CaseNo, c.CaseNo, c.State)
		switch {
		case c.SameAs != "":
			kind, subject = "case.followed_on", kam.Say("%s: %s is the same request as %s, which you follow now", f.CaseNo, c.CaseNo, c.SameAs)
		case c.CommittedAs != "":
			kind, subject = "case.follow_ended", kam.Say("%s: %s is %s; the customer is %s", f.CaseNo, c.CaseNo, c.State, c.CommittedAs)
		}
		if err := w.Publish(ledger.Message{Kind: kind, To: []kam.UserID{who.ID}, Subject: subject.English, Said: subject.Text, Data: map[string]string{
			"case_no": string(f.CaseNo), "followed": string(c.CaseNo), "state": string(c.State), "outcome": string(c.Outcome), "customer_no": c.CommittedAs,
		}}); err != nil {
			return err
		}
	}
	return nil
}

// drafts tests that a request is a draft of one that may be taken up again: it
// is its requester's, and what it followed ended without a customer.
func (lk *lookup) drafts(o casedb.Request) error {
	was, err := lk.CaseAsIs(o.DraftOf)
	if err != nil {
		return err
	}
	end, err := lk.Followed(o.DraftOf)
	if err != nil {
		return err
	}
	heir, err := lk.Org.ActiveOrAbove(was.Requester)
	if err != nil {
		return err
	}
	return onboarding.CheckDraft(o.Requester, heir.ID, was, end)
}
