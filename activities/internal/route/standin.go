package route

import (
	"slices"
	"time"

	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/access"
)

// StandIn is who has a task of a kind in the place of somebody who is away:
// nobody, with the reasons, where no absence of today names one, none that does
// covers the task, or whom they name has left, is away himself, may not stand in
// any more, or is excluded. His own substitute gets nothing: there is no chain.
func (r Route) StandIn(holder kam.UserID, kind kam.TaskKind, allowed func(kam.UserID) error) (in kam.Person, why []string, err error) {
	if r.Work == nil {
		return in, nil, nil
	}
	if r.Excludes != nil {
		allowed = r.Excludes
	}
	giver, all, _, err := r.absences(holder)
	if err != nil || len(all) == 0 {
		return in, nil, err
	}
	work, err := r.Work(kind)
	if err != nil {
		return in, nil, err
	}
	for _, ab := range all {
		if ab.Covers(work).English != "" {
			continue
		}
		by, err := r.Org.Person(ab.Substitute)
		if err != nil {
			return in, nil, err
		}
		away, err := r.Away(by.ID)
		if err != nil {
			return in, nil, err
		}
		name := kam.StandIn{By: by.ID, For: holder}.String()
		refusal := allowed(by.ID)
		switch {
		case access.MayStandIn(by, giver, ab.Deputy) != nil:
			why = append(why, kam.Note("%s excluded by %s", name, "SOD7"))
		case away:
			why = append(why, kam.Note("%s is absent", name))
		case refusal != nil:
			why = append(why, kam.Note("%s excluded by %s", name, kam.AsError(refusal).Rule))
		default:
			return by, nil, nil
		}
	}
	return in, why, nil
}

// Staff puts in front of each holder of a task who is away the one who stands in
// for him: so the task is at the substitute, and the holder keeps it in sight and
// may decide.
func (r Route) Staff(holders []kam.UserID, kind kam.TaskKind, allowed func(kam.UserID) error) (who []kam.UserID, in []kam.StandIn, err error) {
	for _, u := range holders {
		by, _, err := r.StandIn(u, kind, allowed)
		if err != nil {
			return nil, nil, err
		}
		if by.ID != "" && !slices.Contains(holders, by.ID) {
			in = append(in, kam.StandIn{By: by.ID, For: u})
			if !slices.Contains(who, by.ID) {
				who = append(who, by.ID)
			}
		}
		who = append(who, u)
	}
	return who, in, nil
}

// Proxy is in whose place somebody acts on work, as it stands now.
func (r Route) Proxy(giver kam.Person, by kam.UserID, work access.Work) (*access.Proxy, error) {
	_, all, today, err := r.absences(giver.ID)
	return access.ProxyOf(all, giver, by, today, work), err
}

// Away says whether a person is absent today.
func (r Route) Away(u kam.UserID) (bool, error) {
	_, all, _, err := r.absences(u)
	return len(all) > 0, err
}

// absences are those of a person that run today, who he is, and what day it is
// where he works: absences are days, and his midnight counts. Of whom no absence
// is near nothing more is looked up.
func (r Route) absences(u kam.UserID) (p kam.Person, all []access.Absence, today string, err error) {
	near, err := r.Org.AbsencesNear(u)
	if err != nil || len(near) == 0 {
		return p, nil, "", err
	}
	if p, err = r.Org.Person(u); err != nil {
		return p, nil, "", err
	}
	c, err := r.CalendarOf(p)
	if err != nil {
		return p, nil, "", err
	}
	today = r.Org.At.In(c.Location).Format(time.DateOnly)
	return p, slices.DeleteFunc(near, func(ab access.Absence) bool { return !ab.Runs(today) }), today, nil
}
