package kam

// A Follower is a later case that turned out to be the same request as this one
// (D39): its requester waits for the end of this case, and counts as one of its
// requesters where duties are separated. Editors changed the data of his case.
type Follower struct {
	CaseNo    CaseNo   `json:"case_no"`
	Requester UserID   `json:"requester_id"`
	Editors   []UserID `json:"editors,omitempty"`
}

// Requested says whether a person requested the case, or one that follows it.
func (s Snapshot) Requested(u UserID) bool {
	if u == s.Requester {
		return true
	}
	for _, f := range s.Followers {
		if f.Requester == u {
			return true
		}
	}
	return false
}

// Other is the second case that an act changes, "" where it changes one.
func (a Act) Other() CaseNo {
	if a.Verdict == SameRequest {
		return a.SameAs
	}
	return ""
}

// CheckEarlier says whether a case may turn out to be the same request as
// another one: both are for new customers, and the other one is open and older.
func CheckEarlier(later, earlier Snapshot) error {
	no := earlier.CaseNo
	switch {
	case later.Type != NewCase:
		return Errorf(WrongState, "case %s is a %s, and only a NEW one can be the same request as another", later.CaseNo, later.Type)
	case earlier.Type != NewCase:
		return Errorf(WrongState, "case %s is a %s of customer %s", no, earlier.Type, earlier.CommittedAs).On("same_as").Try("choose the customer: use_existing or convert_to_modify")
	case !no.Before(later.CaseNo):
		return Errorf(WrongState, "case %s is not older than %s", no, later.CaseNo).On("same_as").Try("the later of the two follows the earlier one: decide it there")
	case earlier.SameAs != "":
		return Errorf(WrongState, "case %s was the same request as %s", no, earlier.SameAs).On("same_as").Try("name %s", earlier.SameAs)
	case earlier.State.Ended() && earlier.CommittedAs != "":
		return Errorf(WrongState, "case %s has ended: it is %s", no, earlier.State).On("same_as").Try("choose its customer %s", earlier.CommittedAs)
	case earlier.State.Ended():
		return Errorf(WrongState, "case %s has ended: it is %s, without a customer", no, earlier.State).On("same_as").Try("go on with this request: say that it is not a duplicate")
	case earlier.Version == 0:
		return Errorf(WrongState, "case %s was never opened", no).On("same_as").Try("go on with this request: say that it is not a duplicate")
	}
	return nil
}

// CheckDraft says whether a person may take a draft of a request that followed
// another one: it is his, and the case that it followed in the end is over
// without a customer. Heir is who has the requests of its requester now: himself,
// or whoever stands above a leaver.
func CheckDraft(u, heir UserID, follower, followed Snapshot) error {
	switch {
	case follower.SameAs == "":
		return Errorf(WrongState, "case %s followed no other case", follower.CaseNo).On("draft_of")
	case u != heir:
		return Errorf(Forbidden, "the request of %s was made by %s", follower.CaseNo, follower.Requester).On("draft_of")
	case !followed.State.Ended():
		return Errorf(WrongState, "case %s, which %s follows, is still %s", followed.CaseNo, follower.CaseNo, followed.State).On("draft_of").Try("wait for its end")
	case followed.CommittedAs != "":
		return Errorf(WrongState, "case %s, which %s followed, led to customer %s", followed.CaseNo, follower.CaseNo, followed.CommittedAs).On("draft_of").Try("request a MODIFY of it")
	}
	return nil
}
