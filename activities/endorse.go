package activities

import (
	"fmt"
	"strings"

	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/access"
	"github.com/kamflow/kamflow/kam/onboarding"
)

// An endorser is one of the persons that a tier needs (P3.5.5): the level, and
// the node whose manager it is.
type endorser struct {
	level kam.NodeLevel
	node  string
}

// endorsers are those of the proposed tier, in the order in which they are
// asked.
func (lk *lookup) endorsers() []endorser {
	var out []endorser
	for _, r := range lk.Pol.KeyAccount.Endorsement.For(lk.Case.Tier) {
		level := levelOfEndorser(r)
		node := lk.Case.HomeNode
		switch {
		case level.Rank() >= lk.Case.Tier.Level().Rank():
		case level == kam.LevelCountry:
			node = lk.Case.HeadCountry // the national endorser of a GLOBAL account
		default:
			node = lk.Case.Territory
		}
		out = append(out, endorser{level, node})
	}
	return out
}

// levelOfEndorser maps the policy's TERRITORY_MANAGER and its like.
func levelOfEndorser(role string) kam.NodeLevel {
	for i, r := range kam.ManagerRoles {
		if strings.EqualFold(role, string(r)) {
			return kam.NodeLevels[i]
		}
	}
	return kam.LevelGlobal
}

// nextEndorser is the one whose turn it is.
func (lk *lookup) nextEndorser() endorser {
	all := lk.endorsers()
	if i := len(lk.Case.Endorsed); i < len(all) {
		return all[i]
	}
	return endorser{kam.LevelGlobal, lk.Case.HomeNode}
}

// endorsingNode is where the chain of the endorser whose turn it is begins.
func (lk *lookup) endorsingNode() string { return lk.nextEndorser().node }

func (lk *lookup) mayEndorse(u kam.UserID) error {
	return onboarding.CheckSeparation(onboarding.Act{Name: onboarding.ActDecideEndorsement, By: u}, *lk.Case)
}

// openEndorsement is the task of 1.5.5.
func (w *work) openEndorsement() error {
	e := w.nextEndorser()
	chain, err := w.Org.Chain(e.node)
	if err != nil {
		return err
	}
	s, ok, err := w.SeatFrom(chain, e.level, onboarding.TaskEndorsement, w.mayEndorse)
	if err != nil {
		return err
	}
	if !ok {
		return w.openUnrouted(onboarding.TaskEndorsement, w.Pol.SLA.Endorsement, strings.Join(s.Passed, "; "))
	}
	return w.openSeat(onboarding.TaskEndorsement, s, w.Pol.SLA.Endorsement)
}

// decideEndorsement is step 1.5.5: KA status is never automatic.
func (w *work) decideEndorsement(d doing) error {
	f := w.facts()
	switch d.Verdict {
	case onboarding.Endorse:
		if d.OwnerID != "" {
			if err := w.assignOwner(d); err != nil {
				return err
			}
		}
		w.Case.Endorsed, w.Case.EndorsedFor = append(w.Case.Endorsed, d.By), d.OnBehalfOf
		f.LastRequired = len(w.Case.Endorsed) >= len(w.endorsers())
		if f.LastRequired {
			if err := w.checkCapacity(d); err != nil {
				return err
			}
		}
		return w.humanDecision(d, onboarding.RecordClassification, false, func() error {
			return w.toNextEndorser(d, f, d.log(kam.EventEndorsed))
		})
	case onboarding.Decline:
		w.flag(onboarding.FlagEndorsementDeclined)
		w.Case.KAStatus, w.Case.Tier = w.Case.PriorStatus, w.Case.PriorTier
		return w.humanDecision(d, onboarding.RecordClassification, true, func() error {
			return w.move(d.event, f, d.log(kam.EventEndorsementDeclined))
		})
	default:
		if d.Tier == w.Case.Tier {
			return kam.Errorf(kam.Invalid, "%s is the tier that is proposed already", d.Tier).On("tier")
		}
		from := w.Case.Tier
		w.flag(onboarding.FlagOverridden)
		w.Case.Tier, w.Case.Endorsed, w.Case.EndorsedFor = d.Tier, nil, ""
		if err := w.rehome(); err != nil {
			return err
		}
		return w.humanDecision(d, onboarding.RecordClassification, true, func() error {
			e := d.log(kam.EventTierChanged)
			e.Text = fmt.Sprintf("%s to %s: %s", from, d.Tier, d.Reason)
			return w.toNextEndorser(d, f, e)
		})
	}
}

// toNextEndorser moves, and where the case stays in the state opens the task of
// the endorser whose turn it is now.
func (w *work) toNextEndorser(d doing, f onboarding.Facts, e kam.AuditEvent) error {
	if err := w.move(d.event, f, e); err != nil {
		return err
	}
	if w.Case.State != onboarding.AwaitingEndorsement {
		return nil
	}
	if err := w.CloseTask("DONE", d.By); err != nil {
		return err
	}
	return w.enter()
}

// assignOwner names the key account manager that the endorser picked.
func (w *work) assignOwner(d doing) error {
	if _, err := access.Permit(d.who, access.ActionAssignOwner, d.subject); err != nil {
		return err
	}
	p, err := w.Org.Person(d.OwnerID)
	if err != nil || !p.Active || !p.Is(kam.KeyAccountManager) {
		return kam.Errorf(kam.Invalid, "%s is no active key account manager", d.OwnerID).On("owner_id")
	}
	w.Case.KeyAccountOwner = p.ID
	return nil
}

// rehome finds the node of the tier's level above the case's territory, after
// an endorser chose another tier than the one that was computed.
func (w *work) rehome() error {
	chain, err := w.Org.Chain(w.Case.Territory)
	if err != nil {
		return err
	}
	for _, n := range chain {
		if n.Level == w.Case.Tier.Level() {
			w.Case.HomeNode = n.Code
		}
	}
	return nil
}
