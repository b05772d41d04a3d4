package kam

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
)

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

// Before says whether a case is older than another: its number is smaller.
// Numbers of one year have as many digits as they need.
func (n CaseNo) Before(m CaseNo) bool {
	year, number, _ := strings.Cut(strings.TrimPrefix(string(n), "KAM-"), "-")
	otherYear, other, _ := strings.Cut(strings.TrimPrefix(string(m), "KAM-"), "-")
	switch {
	case year != otherYear:
		return year < otherYear
	case len(number) != len(other):
		return len(number) < len(other)
	}
	return number < other
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

// Adds names what other knows and have lacks, one item for each field or entry
// of a list, with the value. Contacts are counted, and of a person the fields
// alone are named: the words stand in an audit trail.
func Adds(have, other RequestData) []string {
	var out []string
	for _, s := range Fields {
		if strings.Contains(s.Name, "[]") {
			continue
		}
		switch x := valueOf(other, s.Name); {
		case !x.IsValid():
		case other.CustomerKind == SolePractitioner:
			if fieldText(have, s.Name) != fieldText(other, s.Name) {
				out = append(out, s.Name)
			}
		case s.Name == "contacts":
			if n := len(missing(valueOf(have, s.Name), x)); n > 0 {
				out = append(out, fmt.Sprintf("contacts: %d", n))
			}
		case x.Kind() == reflect.Slice:
			for _, item := range missing(valueOf(have, s.Name), x) {
				out = append(out, s.Name+": "+item)
			}
		default:
			if mine, theirs := fieldText(have, s.Name), fieldText(other, s.Name); mine != theirs {
				out = append(out, s.Name+": "+theirs)
			}
		}
	}
	return out
}

func valueOf(d RequestData, name string) (value reflect.Value) {
	eachValue(rootOf(d), name, func(_ string, v reflect.Value) { value = v })
	return value
}

// missing are the entries of a list that another one lacks, as JSON; of names
// the names.
func missing(have, list reflect.Value) []string {
	text := func(v reflect.Value) string {
		if v.Kind() == reflect.String {
			return v.String()
		}
		b, err := json.Marshal(v.Interface())
		if err != nil {
			return fmt.Sprint(v.Interface())
		}
		return string(b)
	}
	there := map[string]bool{}
	if have.IsValid() {
		for i := range have.Len() {
			there[text(have.Index(i))] = true
		}
	}
	var out []string
	for i := range list.Len() {
		if t := text(list.Index(i)); !there[t] {
			out = append(out, t)
		}
	}
	return out
}
