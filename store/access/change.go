package access

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
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

// ChangeKind names what a change of the organisation is about.
type ChangeKind string

// The kinds of change.
const (
	ChangePerson  ChangeKind = "PERSON"
	ChangeLeave   ChangeKind = "LEAVE"
	ChangePost    ChangeKind = "POST"
	ChangeAbsence ChangeKind = "ABSENCE"
	ChangeOrg     ChangeKind = "ORGANISATION"
	ChangePolicy  ChangeKind = "POLICY"

	ChangeIdentity ChangeKind = "IDENTITY"
	ChangeUnlink   ChangeKind = "UNLINK"
)

// An orgChange is one change of the organisation or the policy, as data: a
// proposal keeps what and makes the change again out of it.
type orgChange struct {
	kind   ChangeKind
	what   any           // its content
	right  access.Action // that it takes; a load takes one for each of its parts
	owner  kam.UserID    // whom it is about: nobody does it for himself
	tables []orgTable    // that it may change
	apply  func(tx *Tx) (OrgChange, error)
	from   func(tx *Tx) (time.Time, error) // when it takes effect, zero for at once; nil where it cannot be planned
}

// An orgTable is a table that a change may write, and the right that this
// takes. Its rows are read as a key and their content; of a dated one those that
// hold when the change takes effect.
type orgTable struct {
	name  string
	right access.Action
	rows  string
}

func (t orgTable) dated() bool { return t.name == peopleTable.name || t.name == nodesTable.name }

var (
	peopleTable = orgTable{"users", access.ActionUsersEdit, `select user_id, to_jsonb(p) || jsonb_build_object('nodes', w.nodes, 'no_post', w.no_post) from ` + worksAt + ` order by 1`}
	nodesTable  = orgTable{"nodes", access.ActionTerritoriesEdit, `select n.code, to_jsonb(n) from ` + nodesAt + ` order by 1`}
	policyTable = orgTable{"policy", access.ActionPolicyDraft, `select 'in force', jsonb_build_object('version', version, 'text', convert_from(text, 'UTF8')) from kam.policy order by version desc limit 1`}

	calendarsTable = orgTable{"calendars", access.ActionCalendarsEdit, `select code, to_jsonb(t) from kam.calendar t order by 1`}
	rulesTable     = orgTable{"assignment_rules", access.ActionTerritoriesEdit, `select code, rule from kam.assignment_rule order by 1`}
	blockedTable   = orgTable{"blocked_parties", access.ActionReferenceEdit, `select ref, party from kam.blocked_party order by 1`}
	groupsTable    = orgTable{"groups", access.ActionReferenceEdit, `select group_id, to_jsonb(t) from kam.party_group t order by 1`}
	holdsTable     = orgTable{"finance_holds", access.ActionReferenceEdit, `select concat_ws(' ', scheme, value, group_id), to_jsonb(t) from kam.finance_hold t order by 1`}
	absencesTable  = orgTable{"absences", access.ActionTerritoriesEdit, `select user_id || ' ' || from_date, to_jsonb(t) from kam.absence t order by 1`}
)

// tablesOf are the tables of the lists that a load gives.
func tablesOf(o Org) []orgTable {
	var out []orgTable
	for _, x := range []struct {
		given bool
		table orgTable
	}{
		{o.Users != nil, peopleTable}, {o.Nodes != nil, nodesTable}, {o.Calendars != nil, calendarsTable},
		{o.AssignmentRules != nil, rulesTable}, {o.BlockedParties != nil, blockedTable}, {o.Groups != nil, groupsTable},
		{o.FinanceHolds != nil, holdsTable}, {o.Absences != nil, absencesTable},
	} {
		if x.given {
			out = append(out, x.table)
		}
	}
	return out
}

// changeOf makes a change out of what a proposal keeps.
func changeOf(kind ChangeKind, raw []byte) (orgChange, error) {
	var ch orgChange
	var err error
	switch kind {
	case ChangePerson:
		ch, err = decoded(raw, personChange)
	case ChangePost:
		ch, err = decoded(raw, postChange)
	case ChangeOrg:
		ch, err = decoded(raw, loadChange)
	case ChangePolicy:
		ch, err = decoded(raw, policyChange)
	case ChangeIdentity:
		ch, err = decoded(raw, linkChange)
	default:
		err = errors.New("no proposal is of this kind")
	}
	if err != nil {
		return ch, fmt.Errorf("read a proposal of kind %s: %w", kind, err)
	}
	return ch, nil
}

func decoded[T any](raw []byte, change func(T) orgChange) (orgChange, error) {
	var v T
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.DisallowUnknownFields() // a newer program has written it: half of it is not what was proposed
	err := dec.Decode(&v)
	return change(v), err
}

// given are the rights of all that a change may write.
func (ch orgChange) given() []access.Action {
	if ch.kind != ChangeOrg {
		return []access.Action{ch.right}
	}
	return rightsOf(ch.tables, func(orgTable) bool { return true })
}

// rights are the rights of what a change does write.
func (ch orgChange) rights(d differences) []access.Action {
	if ch.kind != ChangeOrg {
		return []access.Action{ch.right}
	}
	return rightsOf(ch.tables, func(t orgTable) bool {
		return slices.ContainsFunc(d, func(r difference) bool { return r.Table == t.name })
	})
}

func rightsOf(tables []orgTable, of func(orgTable) bool) []access.Action {
	var out []access.Action
	for _, t := range tables {
		if of(t) && !slices.Contains(out, t.right) {
			out = append(out, t.right)
		}
	}
	return out
}

// agreeing are the rights of the second admin.
func (ch orgChange) agreeing(rights []access.Action) []access.Action {
	if ch.kind == ChangePolicy {
		return []access.Action{access.ActionPolicyPublish}
	}
	return rights
}

func (ch orgChange) rule() string {
	if ch.kind == ChangePolicy {
		return "SOD4"
	}
	return "SOD9"
}

func (ch orgChange) event() kam.EventType {
	if ch.kind == ChangePolicy {
		return kam.EventPolicyPublished
	}
	return kam.EventOrgChanged
}

func (ch orgChange) policyVersion() int {
	if p, ok := ch.what.(policyVersion); ok {
		return p.Version
	}
	return 0
}

// takesTwo says whether what a change does is not for one admin alone: it gives
// somebody a right, or it is a load or a policy over one that is there.
func (ch orgChange) takesTwo(d differences) bool {
	switch ch.kind {
	case ChangeOrg, ChangeIdentity:
		return len(d) > 0
	case ChangePolicy:
		return slices.ContainsFunc(d, func(r difference) bool { return r.Was != nil })
	case ChangePerson, ChangePost:
		return len(d.gainers()) > 0
	}
	return false
}

// try carries a change out and tells what that did. Where it takes two the
// caller undoes it.
func (tx *Tx) try(ch orgChange) (OrgChange, differences, error) {
	if ch.from != nil {
		at, err := ch.from(tx)
		if err != nil {
			return OrgChange{}, nil, err
		}
		tx.planned = at
		defer func() { tx.planned = time.Time{} }()
	}
	before, err := tx.rowsOf(ch.tables)
	if err != nil {
		return OrgChange{}, nil, err
	}
	c, err := ch.apply(tx)
	if err == nil {
		err = tx.Flush("change the organisation")
	}
	if err != nil {
		return OrgChange{}, nil, err
	}
	after, err := tx.rowsOf(ch.tables)
	if err != nil {
		return OrgChange{}, nil, err
	}
	if c.Cases == nil {
		c.Cases = []kam.CaseNo{}
	}
	if tx.isPlanned() {
		from := tx.planned
		c.From = &from
	}
	d := between(before, after)
	c.Moves, err = tx.moves(d)
	return c, d, err
}

func (tx *Tx) rowsOf(tables []orgTable) (map[rowKey]json.RawMessage, error) {
	type row struct {
		Key  string
		Text json.RawMessage
	}
	all := map[rowKey]json.RawMessage{}
	for _, t := range tables {
		var args []any
		if t.dated() {
			args = []any{tx.now()}
		}
		rows, err := pg.List(tx.ctx, tx.tx, "read "+t.name, pgx.RowToStructByPos[row], t.rows, args...)
		if err != nil {
			return nil, err
		}
		for _, r := range rows {
			all[rowKey{t.name, r.Key}] = r.Text
		}
	}
	return all, nil
}

// told is what a change is, for the trail: of a load what differs.
func (ch orgChange) told(c OrgChange, d differences, reason string) string {
	if ch.kind != ChangeOrg {
		return because(c.What, reason)
	}
	return because(c.What, reason) + ". " + strings.Join(d.printed(true), "; ")
}

// onOrg runs one act on the organisation, under the id of its decision; bulk
// where it may be a load.
func (s *Store) onOrg(ctx context.Context, a OrgAct, digest string, bulk bool, do func(tx *Tx) (OrgChange, error)) (OrgChange, error) {
	now, err := s.ledger.Now(ctx)
	if err != nil {
		return OrgChange{}, err
	}
	e := ledger.Effect{Subject: Organisation, Key: "act/" + a.DecisionID, Digest: digest, People: true, Bulk: bulk, At: now, By: a.By, Sign: a.Sign}
	answer, err := s.on(ctx, e, func(tx *Tx) (any, error) { return do(tx) })
	if err != nil {
		return OrgChange{}, err
	}
	var c OrgChange
	if err := json.Unmarshal(answer, &c); err != nil {
		return c, fmt.Errorf("read the result: %w", err)
	}
	return c, nil
}

// OnOrganisation runs an act on the organisation that no proposal is made of, as
// one effect of its ledger under the id of the decision. It logs at least one
// event.
func (s *Store) OnOrganisation(ctx context.Context, a OrgAct, digest string, do func(tx *Tx) (OrgChange, error)) (OrgChange, error) {
	return s.onOrg(ctx, a, digest, false, do)
}

// changeOrg makes one change of the organisation, or proposes it where it takes
// two: who may is asked of the matrix, the trail of the organisation tells of
// it, refusals too, and the worker looks whom open tasks wait for. The same
// change by a second admin agrees to what the first one proposed.
func (s *Store) changeOrg(ctx context.Context, a OrgAct, ch orgChange) (OrgChange, error) {
	digest := ledger.Digest([]any{ch.right, ch.what})
	if a.Preview {
		return s.preview(ctx, a, digest, ch)
	}
	return s.onOrg(ctx, a, digest, ch.kind == ChangeOrg, func(tx *Tx) (OrgChange, error) { return tx.change(a, ch) })
}

func (tx *Tx) change(a OrgAct, ch orgChange) (OrgChange, error) {
	who, first, err := tx.proposer(a.By, ch)
	if err != nil {
		return OrgChange{}, err
	}
	if len(ch.given()) == 0 {
		return OrgChange{}, kam.Errorf(kam.Invalid, "a load without any list changes nothing").Try("give users, nodes, calendars, assignment_rules, blocked_parties, groups, finance_holds or absences")
	}
	subject := access.Subject{Owner: ch.owner}
	roles, held, err := a.mayDo(who, ch.given(), subject)
	if err != nil {
		return OrgChange{}, err
	}
	if c, done, err := tx.agreeToSame(a); done || err != nil {
		return c, err
	}
	if err := tx.takeEffect(); err != nil {
		return OrgChange{}, err
	}
	c, d, err := tx.try(ch)
	if err != nil {
		return OrgChange{}, err
	}
	c.Differences = nil
	if !first {
		if err := d.notOf(ch, a.By); err != nil {
			return OrgChange{}, err
		}
		if len(d) > 0 {
			if roles, held, err = a.mayDo(who, ch.rights(d), subject); err != nil {
				return OrgChange{}, err
			}
		}
		if ch.takesTwo(d) {
			if err := tx.Undo(); err != nil {
				return OrgChange{}, err
			}
			return tx.propose(a, ch, c, d, roles, held)
		}
	}
	event := kam.AuditEvent{Type: ch.event(), Actor: a.By, RolesUsed: roles, ReasonCode: string(ch.kind), PolicyVersion: ch.policyVersion(),
		Text: pg.Clip(because(c.What, a.Reason), 4000), PayloadDigest: tx.Effect().Digest}
	if len(d) == 0 && len(ch.tables) > 0 && (ch.kind == ChangeOrg || ch.kind == ChangePolicy) {
		c.Same, c.What = true, c.What+": "+kam.Note("nothing differs from what is there")
		event.Type, event.Text = kam.EventOrgLoaded, pg.Clip(because(c.What, a.Reason), 4000)
	} else {
		tx.noteChange(c)
	}
	if c.Warnings, err = tx.tooFewAdmins(ch); err != nil {
		return OrgChange{}, err
	}
	tx.Log(event)
	return c, nil
}

// tooFewAdmins warns where nobody is left who could agree to a change.
func (tx *Tx) tooFewAdmins(ch orgChange) ([]string, error) {
	peopled := ch.kind == ChangeOrg && slices.ContainsFunc(ch.tables, func(t orgTable) bool { return t.name == peopleTable.name })
	if !peopled && ch.kind != ChangeLeave {
		return nil, nil
	}
	if err := tx.Flush("change the organisation"); err != nil {
		return nil, err
	}
	var out []string
	for _, role := range []kam.Role{kam.UserAdmin, kam.PolicyAdmin} {
		admins, err := tx.PeopleByRole(role)
		if err != nil {
			return nil, err
		}
		if n := len(admins); n < 2 {
			out = append(out, kam.Note("%d active people hold the role %s; a change that gives rights takes two, so that there would be nobody to agree to it", n, role))
		}
	}
	return out, nil
}

// proposer is who acts. A system that knows nobody can ask nobody: whoever
// loads the first organisation stands in it as an admin, and before that any
// name is taken down.
func (tx *Tx) proposer(by kam.UserID, ch orgChange) (who kam.Person, first bool, err error) {
	if ch.kind == ChangeOrg || ch.kind == ChangePolicy {
		if first, _, err = pg.One(tx.ctx, tx.tx, "look whether anybody is known", pgx.RowTo[bool], `select not exists (select from kam.person)`); err != nil {
			return who, false, err
		}
	}
	if !first {
		who, err = tx.Actor(by)
		return who, false, err
	}
	if err := kam.CheckUserID(by); err != nil {
		return who, false, err
	}
	o, _ := ch.what.(Org)
	if o.Users == nil {
		return kam.Person{ID: by, Roles: []kam.Role{kam.PolicyAdmin}, Active: true}, true, nil
	}
	i := slices.IndexFunc(o.Users, func(u User) bool { return u.ID == by })
	if i < 0 {
		return who, false, kam.Errorf(kam.Forbidden, "%s is not among the people of the first load", by).On("by").Try("whoever loads it stands in it as user_admin or policy_admin")
	}
	u := o.Users[i]
	return kam.Person{ID: by, Roles: u.Roles, Active: !u.Inactive}, true, nil
}

// agreeToSame takes a change for the second admin's yes where another admin has
// proposed the same. A proposal that has become stale is closed, and the change
// is a proposal of its own.
func (tx *Tx) agreeToSame(a OrgAct) (OrgChange, bool, error) {
	p, found, err := tx.openProposal(tx.Effect().Digest)
	if err != nil || !found || p.By == a.By || p.stillOpen(tx.At) != nil {
		return OrgChange{}, false, err
	}
	c, err := tx.agree(a, p)
	if kam.CodeOf(err) != kam.StaleRevision {
		return c, true, err
	}
	if err := tx.Undo(); err != nil {
		return OrgChange{}, false, err
	}
	return OrgChange{}, false, nil // propose closes it
}
