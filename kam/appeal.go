package kam

import "time"

// A Rejection is what an appeal needs to know of the case that it is about.
type Rejection struct {
	CaseNo     CaseNo
	State      State
	Type       CaseType
	Requester  UserID
	ReasonCode string
	AppealOf   CaseNo // the case was an appeal itself
	At         time.Time
	Revision   int
	Decider    UserID    // who rejected, System for the rules
	Level      NodeLevel // of the manager who rejected, "" where none was asked
}

// MayAppeal says whether a person may appeal a rejection: the requester or his
// manager, once, within the window, and not what no appeal could change. The
// confirming manager is then another one, a level up (P2.5 1.1.6, SOD10).
func MayAppeal(by, requestersManager UserID, r Rejection, now time.Time, windowDays int) error {
	refuse := func(e *Error) error { return e.On("appeal_of").By("APPEAL") }
	switch {
	case r.State != Rejected:
		return refuse(Errorf(WrongState, "case %s is %s", r.CaseNo, r.State).Try("an appeal is for a case that was rejected"))
	case r.Type != NewCase:
		return refuse(Errorf(WrongState, "case %s is a %s: only the rejection of a new customer is appealed", r.CaseNo, r.Type).Try("request the change again"))
	case r.AppealOf != "":
		return refuse(Errorf(WrongState, "case %s is an appeal itself", r.CaseNo).Try("after the cool-down a new request is possible"))
	case by != r.Requester && (requestersManager == "" || by != requestersManager):
		return refuse(Errorf(Forbidden, "%s did not request case %s", by, r.CaseNo).Try("may: the requester or his manager"))
	case now.After(r.At.AddDate(0, 0, windowDays)):
		return refuse(Errorf(TooLate, "case %s was rejected on %s, an appeal was possible for %d days", r.CaseNo, r.At.Format(time.DateOnly), windowDays).Try("after the cool-down a new request is possible"))
	}
	return nil
}
