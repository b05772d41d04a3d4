package service

import (
	"cmp"
	"context"
	"slices"

	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/access"
	"github.com/kamflow/kamflow/kam/onboarding"
)

// A Verb is what can be done to a case as it stands, a row of the table of acts,
// and what stands against it for whoever asks.
type Verb struct {
	Act     onboarding.ActName `json:"act"`
	Verdict onboarding.Verdict `json:"decision,omitempty"`
	Needs   []onboarding.Need  `json:"needs,omitempty"`
	// Cause says why he may not, nil where he may. The case asks once more when
	// the act gets there.
	Cause *kam.Error `json:"cause,omitempty"`
}

// verbs are the rows of the table of acts that a case takes in its state, as they
// stand to a person: for what the transaction of the act asks of the tables there
// stands what the open task says of them.
func (l *Local) verbs(ctx context.Context, r reader, s onboarding.Snapshot) ([]Verb, error) {
	requester, err := l.record.Access.Person(ctx, s.Requester)
	if err != nil && kam.CodeOf(err) != kam.NotFound {
		return nil, err
	}
	var all []Verb
	for _, spec := range onboarding.Acts {
		if !spec.TakenIn(s.State) || !fits(spec, s) {
			continue
		}
		err := spec.OpenTo(r.ID, s)
		if err == nil {
			err = r.mayAct(spec, s, requester.ManagerID)
		}
		needs := spec.Needs
		if spec.Verdict == onboarding.Confirm && slices.Contains(againstAdvice, s.Recommended) {
			needs = append(slices.Clone(needs), onboarding.NeedReason)
		}
		all = append(all, Verb{spec.Name, spec.Verdict, needs, kam.AsError(err)})
	}
	return all, nil
}

// againstAdvice are the recommendations against which a confirmation gives its
// reason.
var againstAdvice = []kam.Recommendation{kam.Reject, kam.Refer, kam.ReferCompliance}

// fits says whether a row has an object: a claim of a queue, the agreement to what
// was asked for.
func fits(spec onboarding.ActSpec, s onboarding.Snapshot) bool {
	t := s.Task
	switch spec.Name {
	case onboarding.ActClaim:
		return t != nil && t.Queue != "" && t.Queue != kam.QueueUnrouted && t.ClaimedBy == ""
	case onboarding.ActRelease:
		return t != nil && t.ClaimedBy != ""
	case onboarding.ActReassign, onboarding.ActResolveDuplicate, onboarding.ActDecideValidation, onboarding.ActDecideCompliance:
		return t != nil
	case onboarding.ActCancel:
		return (spec.Verdict == onboarding.AgreeCancel) == (s.CancelAskedBy != "")
	}
	return true
}

// mayAct asks the matrix whether the person may take a row on a case.
func (r reader) mayAct(spec onboarding.ActSpec, s onboarding.Snapshot, manager kam.UserID) error {
	subject := access.Subject{
		Requester: s.Requester, RequesterManager: manager, Owner: s.OwnerID, Tier: s.Tier, Level: kam.LevelTerritory,
		Endorsed: len(s.Endorsed), Referred: s.Recommended == kam.ReferCompliance,
	}
	action, node := spec.Action, s.Territory
	if t := s.Task; t != nil {
		decides := spec.Name == onboarding.ActDecideConfirmation || spec.Name == onboarding.ActDecideEndorsement
		if decides && slices.Contains(t.Assignees, r.ID) {
			return nil // he was asked, whatever level is asked now
		}
		if decides {
			node = cmp.Or(t.Node, node)
			subject.Level = cmp.Or(t.Level, subject.Level)
		}
		action = cmp.Or(action, onboarding.ActionOf(t.Kind))
		subject.Assignees = t.Assignees
		if t.Kind == onboarding.TaskValidation && t.Queue == string(kam.ComplianceRole) {
			subject.Rule = "VS02"
		}
		subject.Certain = t.Queue == string(kam.DataSteward) && (spec.Verdict == onboarding.NotDuplicate || spec.Verdict == onboarding.SameRequest)
	}
	subject.At(kam.PathOf(r.nodes, node))
	_, err := access.Permit(r.Person, action, subject)
	return err
}
