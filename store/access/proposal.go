package access

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/access"
	"github.com/kamflow/kamflow/store/internal/pg"
	"github.com/kamflow/kamflow/store/ledger"
)

// A Proposal is a change that one admin alone may not make: it gives somebody a
// right, loads an organisation over one that is there (SOD9), or publishes a
// policy (SOD4). A second admin agrees or refuses.
type Proposal struct {
	No          string        `json:"proposal_no"`
	Kind        ChangeKind    `json:"kind"`
	What        string        `json:"what"`
	Differences []string      `json:"differences"`
	By          kam.UserID    `json:"proposed_by"`
	Roles       []kam.Role    `json:"roles_used"`
	Reason      string        `json:"reason,omitempty"`
	At          time.Time     `json:"proposed_at"`
	Expires     time.Time     `json:"expires_at"`
	State       ProposalState `json:"state"`
	DecidedBy   kam.UserID    `json:"decided_by,omitempty"`
	DecidedAt   *time.Time    `json:"decided_at,omitempty"`
	Decision    string        `json:"decision_reason,omitempty"`
}

// ProposalState is where a proposal stands.
type ProposalState string

// The states of a proposal. All but the first are ends.
const (
	ProposalOpen    ProposalState = "OPEN"
	ProposalAgreed  ProposalState = "AGREED"
	ProposalRefused ProposalState = "REFUSED"
	ProposalExpired ProposalState = "EXPIRED"
	ProposalStale   ProposalState = "STALE" // what it was to change has changed since
)

// agreeWithin is how long a proposal waits for the second admin.
const agreeWithin = 7 * 24 * time.Hour

// propose keeps a change that takes two, d being what it would do. What it did
// on trial is undone before.
func (tx *Tx) propose(a OrgAct, ch orgChange, c OrgChange, d differences, roles []kam.Role, held []access.Action) (OrgChange, error) {
	const insert = `
		insert into kam.proposal (proposal_no, kind, change, digest, ground, what, differences, by_user, roles, reason, at, expires_at)
		values (@no, @kind, @change, @digest, @ground, @what, @differences, @by, @roles, @reason, @at, @expires)`

	ground := ledger.Digest(d)
	p, found, err := tx.openProposal(tx.Effect().Digest)
	if err != nil {
		return OrgChange{}, err
	}
	switch {
	case found && p.stillOpen(tx.At) != nil:
		found = false
		err = tx.end(p, ProposalExpired, nobodyAgreed)
	case found && p.Ground != ground:
		found = false
		err = tx.end(p, ProposalStale, kam.Note("proposed anew"))
	}
	if err != nil {
		return OrgChange{}, err
	}
	c.Pending, c.Differences, c.Second = true, d.lines(), secondAdmins(ch.rights(d), held)
	if found {
		c.Proposal = p.No
	} else {
		no, _, err := pg.One(tx.ctx, tx.tx, "number a proposal", pgx.RowTo[string], `select 'P-' || lpad(nextval('kam.proposal_number')::text, 6, '0')`)
		if err != nil {
			return OrgChange{}, err
		}
		c.Proposal = no
		change, err := json.Marshal(ch.what)
		if err != nil {
			return OrgChange{}, fmt.Errorf("print the change: %w", err)
		}
		tx.Queue(insert, pgx.StrictNamedArgs{
			"no": no, "kind": ch.kind, "change": json.RawMessage(change), "digest": tx.Effect().Digest, "ground": ground, "what": c.What,
			"differences": c.Differences, "by": a.By, "roles": roles, "reason": a.Reason, "at": tx.At, "expires": tx.At.Add(agreeWithin),
		})
		if err := tx.tellAdmins(a, c.Second, kam.Note("%s: %s proposes: %s", no, a.By, c.What)); err != nil {
			return OrgChange{}, err
		}
	}
	tx.Log(kam.AuditEvent{Type: kam.EventOrgAsked, Actor: a.By, RolesUsed: roles, ReasonCode: string(ch.kind),
		Text: pg.Clip(c.Proposal+": "+ch.told(c, d, a.Reason), 4000), PayloadDigest: ground})
	return c, nil
}

// secondAdmins are the roles that can agree: those of the rights that the first
// admin lacks, where he lacks some, because the two together hold all of them.
func secondAdmins(rights, held []access.Action) []kam.Role {
	if lacking := slices.DeleteFunc(slices.Clone(rights), func(r access.Action) bool { return slices.Contains(held, r) }); len(lacking) > 0 {
		rights = lacking
	}
	var out []kam.Role
	for _, r := range rights {
		role := kam.PolicyAdmin
		if r == access.ActionUsersEdit {
			role = kam.UserAdmin
		}
		if !slices.Contains(out, role) {
			out = append(out, role)
		}
	}
	return out
}

// tellAdmins tells those who could agree.
func (tx *Tx) tellAdmins(a OrgAct, roles []kam.Role, text string) error {
	var to []kam.UserID
	for _, role := range roles {
		admins, err := tx.PeopleByRole(role)
		if err != nil {
			return err
		}
		for _, p := range admins {
			if p.ID != a.By && !slices.Contains(to, p.ID) {
				to = append(to, p.ID)
			}
		}
	}
	if len(to) == 0 {
		return nil
	}
	return tx.Publish(ledger.Message{Kind: "proposal.opened", To: to, Subject: pg.Clip(text, 1000)})
}

// storedProposal is a proposal with what only the store looks at.
type storedProposal struct {
	Proposal
	Change json.RawMessage
	Ground string
}

const proposalColumns = `proposal_no as no, kind, what, differences, by_user as "by", roles, reason, at, expires_at as expires, state, decided_by,
	decided_at, decided_reason as decision`

func (tx *Tx) openProposal(digest string) (storedProposal, bool, error) {
	return pg.One(tx.ctx, tx.tx, "look for the same proposal", pgx.RowToStructByName[storedProposal],
		`select `+proposalColumns+`, change, ground from kam.proposal where digest = $1 and state = 'OPEN'`, digest)
}

func (tx *Tx) proposal(no string) (storedProposal, error) {
	p, ok, err := pg.One(tx.ctx, tx.tx, "read a proposal", pgx.RowToStructByName[storedProposal],
		`select `+proposalColumns+`, change, ground from kam.proposal where proposal_no = $1`, no)
	if err == nil && !ok {
		err = kam.Errorf(kam.NotFound, "there is no proposal %q", pg.Clip(no, 40)).On("proposal_no").Try("starter admin proposals lists them")
	}
	return p, err
}

// Agree is the second admin's yes: the change takes effect. It must do exactly
// what it would have done when it was proposed; otherwise it is a
// kam.StaleRevision, and the proposal is closed.
func (s *Store) Agree(ctx context.Context, a OrgAct, no string) (OrgChange, error) {
	c, err := s.onProposal(ctx, a, "agree", no, func(tx *Tx) (OrgChange, error) {
		p, err := tx.proposal(no)
		if err != nil {
			return OrgChange{}, err
		}
		return tx.agree(a, p)
	})
	if kam.CodeOf(err) == kam.StaleRevision {
		if _, e := s.endProposal(ctx, no, ProposalStale, kam.AsError(err).Msg); e != nil {
			return OrgChange{}, e
		}
	}
	return c, err
}

// Decline is the second admin's no, or the first one's who takes it back.
func (s *Store) Decline(ctx context.Context, a OrgAct, no string) (OrgChange, error) {
	return s.onProposal(ctx, a, "refuse", no, func(tx *Tx) (OrgChange, error) {
		p, err := tx.proposal(no)
		if err != nil {
			return OrgChange{}, err
		}
		if err := p.stillOpen(tx.At); err != nil {
			return OrgChange{}, err
		}
		who, err := tx.Actor(a.By)
		if err != nil {
			return OrgChange{}, err
		}
		ch, err := changeOf(p.Kind, p.Change)
		if err != nil {
			return OrgChange{}, err
		}
		roles, _, err := a.mayDo(who, ch.agreeing(ch.given()), access.Subject{Together: p.Roles})
		if err != nil && a.By != p.By {
			return OrgChange{}, err
		}
		what, subject := kam.Note("%s is taken back", p.No), kam.Note("%s was taken back by %s", p.No, a.By)
		if a.By != p.By {
			what, subject = kam.Note("%s is refused", p.No), kam.Note("%s was refused by %s", p.No, a.By)
		}
		tx.closeProposal(p.Proposal, ProposalRefused, a.By, a.Reason)
		tx.Log(kam.AuditEvent{Type: kam.EventOrgClosed, Actor: a.By, RolesUsed: roles, ReasonCode: string(ProposalRefused),
			Text: pg.Clip(because(what+": "+p.What, a.Reason), 4000), PayloadDigest: p.Ground})
		err = tx.Publish(ledger.Message{Kind: "proposal.closed", To: []kam.UserID{p.By}, Subject: pg.Clip(subject+": "+p.What, 1000)})
		return OrgChange{What: what + ": " + p.What, Proposal: p.No, Cases: []kam.CaseNo{}}, err
	})
}

func (s *Store) onProposal(ctx context.Context, a OrgAct, verb, no string, do func(tx *Tx) (OrgChange, error)) (OrgChange, error) {
	digest := ledger.Digest([]any{verb, no})
	return s.onOrg(ctx, a, digest, true, do) // what is agreed to may be a load
}

func (p Proposal) stillOpen(now time.Time) error {
	switch {
	case p.State == ProposalExpired, p.State == ProposalOpen && !now.Before(p.Expires):
		return kam.Errorf(kam.TooLate, "%s expired on %s", p.No, p.Expires.UTC().Format(time.DateOnly)).On("proposal_no").Try("propose it anew")
	case p.State != ProposalOpen:
		return kam.Errorf(kam.AlreadyDecided, "%s is %s", p.No, p.State).On("proposal_no")
	}
	return nil
}

// agree brings about what p proposes.
func (tx *Tx) agree(a OrgAct, p storedProposal) (OrgChange, error) {
	if err := p.stillOpen(tx.At); err != nil {
		return OrgChange{}, err
	}
	ch, err := changeOf(p.Kind, p.Change)
	if err != nil {
		return OrgChange{}, err
	}
	who, err := tx.Actor(a.By)
	if err != nil {
		return OrgChange{}, err
	}
	if a.By == p.By {
		return OrgChange{}, kam.Errorf(kam.Separation, "%s proposed it himself", a.By).By(ch.rule()).Try("another admin must agree")
	}
	subject := access.Subject{Owner: ch.owner, Requester: p.By, Together: p.Roles}
	if _, _, err := a.mayDo(who, ch.agreeing(ch.given()), subject); err != nil {
		return OrgChange{}, err
	}
	if err := tx.takeEffect(); err != nil {
		return OrgChange{}, err
	}
	c, d, err := tx.try(ch)
	if e := kam.AsError(err); e != nil && e.Code != kam.Fault && e.Code != kam.Unreachable {
		return OrgChange{}, stale(p, e.Msg)
	}
	if err != nil {
		return OrgChange{}, err
	}
	if ledger.Digest(d) != p.Ground {
		return OrgChange{}, stale(p, kam.Note("it would do something else now"))
	}
	if err := d.notOf(ch, p.By, a.By); err != nil {
		return OrgChange{}, err
	}
	// The two hold together what each part takes, and each of them some of it.
	proposer, err := tx.Actor(p.By)
	if err != nil {
		return OrgChange{}, stale(p, kam.Note("%s is nobody any more", p.By))
	}
	_, first, err := a.mayDo(proposer, ch.rights(d), access.Subject{})
	if err != nil {
		return OrgChange{}, stale(p, kam.Note("%s may not propose it any more", p.By))
	}
	roles, second, err := a.mayDo(who, ch.agreeing(ch.rights(d)), subject)
	if err != nil {
		return OrgChange{}, err
	}
	for _, r := range ch.rights(d) {
		if !slices.Contains(first, r) && !slices.Contains(second, r) {
			_, err := a.Judge(who, r, subject)
			return OrgChange{}, err
		}
	}
	tx.closeProposal(p.Proposal, ProposalAgreed, a.By, a.Reason)
	c.Proposal, c.Differences = p.No, d.lines()
	tx.noteChange(c)
	tx.Log(kam.AuditEvent{Type: ch.event(), Actor: a.By, RolesUsed: roles, ReasonCode: string(ch.kind), PolicyVersion: ch.policyVersion(),
		Text: pg.Clip(kam.Note("%s, proposed by %s", p.No, p.By)+": "+ch.told(c, d, a.Reason), 4000), PayloadDigest: p.Ground})
	return c, tx.Publish(ledger.Message{Kind: "proposal.closed", To: []kam.UserID{p.By}, Subject: pg.Clip(kam.Note("%s: %s has agreed: %s", p.No, a.By, c.What), 1000)})
}

func stale(p storedProposal, why string) error {
	return kam.Errorf(kam.StaleRevision, "what %s was to change has changed since: %s", p.No, why).On("proposal_no").Try("propose it anew")
}

func (tx *Tx) closeProposal(p Proposal, as ProposalState, by kam.UserID, reason string) {
	tx.Queue(`update kam.proposal set state = $2, decided_by = $3, decided_at = $4, decided_reason = $5 where proposal_no = $1`, p.No, as, by, tx.At, reason)
}

// nobodyAgreed is why a proposal expires.
var nobodyAgreed = kam.Note("nobody agreed in time")

// end closes a proposal that nobody decided, and tells whose it was.
func (tx *Tx) end(p storedProposal, as ProposalState, why string) error {
	tx.closeProposal(p.Proposal, as, kam.System, why)
	tx.Log(kam.AuditEvent{Type: kam.EventOrgClosed, Actor: kam.System, ReasonCode: string(as), Text: pg.Clip(because(p.No+": "+p.What, why), 4000), PayloadDigest: p.Ground})
	return tx.Publish(ledger.Message{Kind: "proposal.closed", To: []kam.UserID{p.By}, Subject: pg.Clip(kam.Note("%s is closed, %s: %s", p.No, why, p.What), 1000)})
}

// endProposal closes a proposal that nobody decided. It may run twice.
func (s *Store) endProposal(ctx context.Context, no string, as ProposalState, why string) (bool, error) {
	now, err := s.ledger.Now(ctx)
	if err != nil {
		return false, err
	}
	ended := false
	e := ledger.Effect{Subject: Organisation, Key: "proposal/" + no, Digest: string(as), At: now, By: kam.System}
	_, err = s.on(ctx, e, func(tx *Tx) (any, error) {
		p, err := tx.proposal(no)
		if err != nil {
			return nil, err
		}
		ended = p.State == ProposalOpen
		if !ended {
			return nil, kam.Errorf(kam.AlreadyDecided, "%s is %s", no, p.State)
		}
		return no, tx.end(p, as, why)
	})
	if kam.CodeOf(err) == kam.AlreadyDecided {
		return false, nil
	}
	return ended, err
}

// ExpireProposals closes what no second admin agreed to in time, and counts it.
func (s *Store) ExpireProposals(ctx context.Context) (int, error) {
	now, err := s.ledger.Now(ctx)
	if err != nil {
		return 0, err
	}
	late, err := pg.List(ctx, s.pool, "look for proposals that expire", pgx.RowTo[string],
		`select proposal_no from kam.proposal where state = 'OPEN' and expires_at <= $1 order by proposal_no`, now)
	n := 0
	for _, no := range late {
		ended, err := s.endProposal(ctx, no, ProposalExpired, nobodyAgreed)
		if err != nil {
			return n, err
		}
		if ended {
			n++
		}
	}
	return n, err
}

// Proposals lists what waits for a second admin, with all set the closed ones
// too, the newest first.
func (s *Store) Proposals(ctx context.Context, all bool) ([]Proposal, error) {
	return pg.List(ctx, s.pool, "list proposals", pgx.RowToStructByName[Proposal],
		`select `+proposalColumns+` from kam.proposal where $1 or state = 'OPEN' order by proposal_no desc limit 500`, all)
}

// Actor is who acts, active or not; kam.Forbidden for whom nobody knows.
func (tx *Tx) Actor(by kam.UserID) (kam.Person, error) {
	p, err := tx.Person(by)
	if kam.CodeOf(err) == kam.NotFound {
		err = kam.Errorf(kam.Forbidden, "nobody is known as %q", pg.Clip(string(by), 80)).On("by")
	}
	return p, err
}

// mayDo are the rights of a list that a person has, and the roles that give
// them. With none of them it is the refusal of the first.
func (a OrgAct) mayDo(who kam.Person, rights []access.Action, s access.Subject) (roles []kam.Role, held []access.Action, err error) {
	for _, r := range rights {
		role, e := a.Judge(who, r, s)
		switch {
		case e != nil && err == nil:
			err = e
		case e == nil:
			held = append(held, r)
			if !slices.Contains(roles, role) {
				roles = append(roles, role)
			}
		}
	}
	if len(held) > 0 {
		err = nil
	}
	return roles, held, err
}

// because appends a reason where there is one.
func because(what, reason string) string { return strings.TrimSuffix(what+": "+reason, ": ") }
