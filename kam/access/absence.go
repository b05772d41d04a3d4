package access

import (
	"slices"
	"time"

	"github.com/kamflow/kamflow/kam"
)

// An Absence is a time in which a person takes no tasks: From and To are ISO
// dates where he works, both included. Where it names a substitute, he stands in
// for the person meanwhile (P5.4 delegation): the tasks that the absence covers
// are his to decide, by the rights of the person and no others. An empty part of
// the scope leaves nothing out.
type Absence struct {
	UserID kam.UserID `json:"user_id" yaml:"user_id"`
	From   string     `json:"from" yaml:"from"`
	To     string     `json:"to" yaml:"to"`

	Substitute   kam.UserID     `json:"substitute,omitempty" yaml:"-"`
	Nodes        []string       `json:"nodes,omitempty" yaml:"-"`         // cases at or below them
	Kinds        []kam.TaskKind `json:"kinds,omitempty" yaml:"-"`         // kinds of task
	MaxPotential *kam.Dec       `json:"max_potential,omitempty" yaml:"-"` // in whole units of the base currency
	Reason       string         `json:"reason,omitempty" yaml:"-"`
	// Deputy says that the substitute may because he is on the list of deputies.
	Deputy bool `json:"deputy,omitempty" yaml:"-"`
}

// MaxAbsence is how many days one absence may have: a longer one is a slip in
// the year more often than it is meant.
const MaxAbsence = 366

// Check looks at an absence that is entered on a day: its dates, and its length
// where somebody stands in, of which a policy allows so many days.
func (ab Absence) Check(today string, standInDays int) error {
	from, err := day("from", ab.From)
	if err != nil {
		return err
	}
	to, err := day("to", ab.To)
	if err != nil {
		return err
	}
	days := int(to.Sub(from).Hours()/24) + 1
	switch {
	case days < 1:
		return kam.Errorf(kam.Invalid, "%s is before %s", ab.To, ab.From).On("to")
	case ab.To < today:
		return kam.Errorf(kam.Invalid, "the absence is over: today is %s", today).On("to").Try("look at the year; what is over moves no task")
	case days > MaxAbsence:
		return kam.Errorf(kam.Invalid, "more than %d days", MaxAbsence).On("to").Try("add a part of it, and the rest when it comes; or fill the post: starter admin node set")
	case ab.Substitute == "" && (len(ab.Nodes) > 0 || len(ab.Kinds) > 0 || ab.MaxPotential != nil):
		return kam.Errorf(kam.Invalid, "nodes, kinds and a potential say what a substitute may do, and none is named").On("substitute")
	case ab.Substitute != "" && days > standInDays:
		return kam.Errorf(kam.Invalid, "somebody may stand in for %d days at most, and these are %d", standInDays, days).On("to").By("SOD7").Try("add a part of it, and the rest when it comes; or fill the post: starter admin node set")
	case ab.Substitute != "" && ab.Substitute == ab.UserID:
		return kam.Errorf(kam.Invalid, "nobody stands in for himself").On("substitute").By("SOD7")
	case len(ab.Nodes) > maxScope || len(ab.Kinds) > maxScope:
		return kam.Errorf(kam.Invalid, "more than %d nodes or kinds of task", maxScope).On("nodes")
	case ab.MaxPotential != nil && *ab.MaxPotential < 0:
		return kam.Errorf(kam.Invalid, "a potential is not less than 0").On("max_potential")
	}
	return nil
}

const maxScope = 60

func day(field, text string) (time.Time, error) {
	t, err := time.Parse(time.DateOnly, text)
	if err != nil {
		return t, kam.Errorf(kam.Invalid, "%q is no day", kam.Clip(text, 40)).On(field).Try("write 2026-12-24")
	}
	return t, nil
}

// Runs says whether the absence runs on a day where the person works.
func (ab Absence) Runs(day string) bool { return ab.From <= day && day <= ab.To }

// A Work is what a task is about, as far as the scope of a substitution asks:
// Path holds the codes of the nodes from the territory of the case up to the
// root, Potential is in whole units of the base currency, nil where unknown.
type Work struct {
	Kind      kam.TaskKind
	Path      []string
	Potential *kam.Dec
}

// Covers says whether the substitute stands in for work: the sentence is empty
// where he does, else it says what stands against it.
func (ab Absence) Covers(w Work) kam.Sentence {
	switch {
	case ab.Substitute == "":
		return kam.Say("nobody stands in for %s", ab.UserID)
	case len(ab.Kinds) > 0 && !slices.Contains(ab.Kinds, w.Kind):
		return kam.Say("%s stands in for %s, but not for a task of this kind", ab.Substitute, ab.UserID)
	case len(ab.Nodes) > 0 && !slices.ContainsFunc(w.Path, func(n string) bool { return slices.Contains(ab.Nodes, n) }):
		return kam.Say("%s stands in for %s, but not here", ab.Substitute, ab.UserID)
	case ab.MaxPotential != nil && (w.Potential == nil || *w.Potential > *ab.MaxPotential):
		return kam.Say("%s stands in for %s up to a potential of %s", ab.Substitute, ab.UserID, ab.MaxPotential.String())
	}
	return kam.Sentence{}
}

// MayStandIn says whether somebody may stand in for a person: a manager of the
// same level, or who holds the same deciding role, or who is on the list of
// deputies. Whoever does not decide whatever other roles he holds (SOD5, SOD6)
// does not decide for others either.
func MayStandIn(by, giver kam.Person, deputy bool) error {
	refuse := func(why kam.Sentence) error {
		return kam.Errorf(kam.Separation, "%s may not stand in for %s: %s", by.ID, giver.ID, why).On("substitute").By("SOD7").
			Try("name a manager of the same level, or somebody on the list of deputies")
	}
	needs := standing(giver)
	switch {
	case !by.Active:
		return refuse(kam.Say("the account is not active"))
	case len(needs) == 0:
		return refuse(kam.Say("%s decides nothing in which somebody could stand in", giver.ID))
	}
	for _, r := range []kam.Role{kam.Operator, kam.UserAdmin, kam.Auditor} {
		if by.Is(r) {
			return refuse(kam.Say("%s does not decide, whatever other roles are held", r))
		}
	}
	if deputy {
		return nil
	}
	for _, r := range needs {
		if !by.Is(r) {
			return refuse(kam.Say("it takes the role %s", r))
		}
	}
	return nil
}

// standing are the roles that a substitute holds as well: of a manager that of
// his highest level, of others those in which they decide.
func standing(p kam.Person) []kam.Role {
	for i := len(kam.ManagerRoles) - 1; i >= 0; i-- {
		if p.Is(kam.ManagerRoles[i]) {
			return kam.ManagerRoles[i : i+1]
		}
	}
	var all []kam.Role
	for _, r := range []kam.Role{kam.DataSteward, kam.ComplianceRole} {
		if p.Is(r) {
			all = append(all, r)
		}
	}
	return all
}

// A Proxy is for whom a person acts: somebody who is away, by which absence, and
// what day it is where that person works.
type Proxy struct {
	Absence
	Giver kam.Person
	Day   string
}

// ProxyOf finds, among the absences of a giver, the one by which somebody may act
// on work for him on a day: one that covers it, else any that names him, so that
// [Proxy.Lets] says what stands against it.
func ProxyOf(all []Absence, giver kam.Person, by kam.UserID, day string, work Work) *Proxy {
	x := Proxy{Giver: giver, Day: day}
	for _, ab := range all {
		if ab.UserID != giver.ID || ab.Substitute != by {
			continue
		}
		x.Absence = ab
		if ab.Runs(day) && ab.Covers(work).English == "" {
			break
		}
	}
	return &x
}

// delegable are what deciding a task takes, and what its data take. Nothing else
// goes over: a substitute starts, withdraws and gives away in his own name.
var delegable = []Action{
	ActionConfirm, ActionEndorse, ActionAssignOwner, ActionWaive, ActionCompliance, ActionClearDuplicate, ActionClearCertain,
	ActionEnterData, ActionNominate, ActionImportConfirm,
}

// Delegable says whether deciding a task takes an action: nothing else is done in
// somebody's place.
func Delegable(a Action) bool { return slices.Contains(delegable, a) }

// Lets says whether the proxy lets a person do an action in the giver's place: nil
// where it does. What the giver himself may is not asked here: [Permit] asks both.
//
// There is no chain: the task must be the giver's own, so who has it in the place
// of a third person passes nothing on.
func (x Proxy) Lets(by kam.Person, a Action, s Subject) error {
	refuse := func(why kam.Sentence) error { return refused(by, s.words(a), why).By("SOD7") }
	if x.Substitute == "" || x.Substitute != by.ID || x.UserID != x.Giver.ID || x.Giver.ID == by.ID {
		return refuse(kam.Say("%s does not stand in for %s", by.ID, x.Giver.ID))
	}
	if !x.Runs(x.Day) {
		return refuse(kam.Say("%s stands in for %s from %s to %s", by.ID, x.Giver.ID, x.From, x.To))
	}
	if !Delegable(a) {
		return refuse(kam.Say("who stands in for somebody decides on his tasks, and does nothing else"))
	}
	if !slices.Contains(s.Assignees, x.Giver.ID) {
		return refuse(kam.Say("it is no task of %s", x.Giver.ID))
	}
	if why := x.Covers(s.Work); why.English != "" {
		return refuse(why)
	}
	if err := MayStandIn(by, x.Giver, x.Deputy); err != nil {
		return refuse(kam.AsError(err).Message())
	}
	return nil
}
