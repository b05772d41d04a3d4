package access

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/access"
	"github.com/kamflow/kamflow/store/internal/pg"
	"github.com/kamflow/kamflow/store/ledger"
)

const absenceColumns = `user_id, from_date::text as "from", to_date::text as "to", substitute, nodes, kinds, max_potential, reason,
	deputy and exists (select from kam.deputy d join kam.post n using (node) where n.user_id = absence.user_id and d.user_id = absence.substitute) as deputy`

// readAbsence leaves out what is empty.
func readAbsence(row pgx.CollectableRow) (Absence, error) {
	ab, err := pgx.RowToStructByName[Absence](row)
	if len(ab.Nodes) == 0 {
		ab.Nodes = nil
	}
	if len(ab.Kinds) == 0 {
		ab.Kinds = nil
	}
	return ab, err
}

// Absences lists, by its first day, when people take no tasks: those that are
// not over yet, with past set all of them; of one person, with those in which he
// stands in for somebody, or of everybody for "".
func (s *Store) Absences(ctx context.Context, of kam.UserID, past bool) ([]Absence, error) {
	const find = `
		select ` + absenceColumns + ` from kam.absence
		where ($1 = '' or user_id = $1 or substitute = $1) and ($2 or to_date >= $3::text::date) order by from_date, user_id`

	if of != "" {
		if _, err := s.Person(ctx, of); err != nil {
			return nil, wrongOn("user_id", err)
		}
	}
	now, err := s.ledger.Now(ctx)
	if err != nil {
		return nil, err
	}
	return pg.List(ctx, s.pool, "list absences", readAbsence, find, of, past, now.Format(time.DateOnly))
}

// AbsencesNear are those of a person about now, by their first day: those of the
// days around, so that no zone's midnight is missed. Which of them runs today is
// known by the clock where he works.
func (tx *Tx) AbsencesNear(of kam.UserID) ([]Absence, error) {
	const find = `
		select ` + absenceColumns + ` from kam.absence where user_id = $1
		and from_date - 1 <= $2::date and $2::date <= to_date + 1 order by from_date`

	return pg.List(tx.ctx, tx.tx, "look up absences", readAbsence, find, of, tx.At.UTC())
}

// StandsIn are the absences in which somebody is the substitute, the last first.
func (s *Store) StandsIn(ctx context.Context, by kam.UserID) ([]Absence, error) {
	const find = `
		select ` + absenceColumns + ` from kam.absence where substitute = $1 and substitute <> '' order by from_date desc, user_id`

	return pg.List(ctx, s.pool, "look for whom "+string(by)+" stands in", readAbsence, find, by)
}

// AbsenceNear says whether an absence begins about now, or one ends in which
// somebody stands in. A change of the organisation it is only then, not when it
// is entered.
func (s *Store) AbsenceNear(ctx context.Context, now time.Time) (found bool, err error) {
	const find = `
		select exists (select from kam.absence where from_date between $1::date - 1 and $1::date + 1
			or substitute <> '' and to_date between $1::date - 2 and $1::date)`

	found, _, err = pg.One(ctx, s.pool, "look for absences that begin", pgx.RowTo[bool], find, now.UTC())
	return found, err
}

// AddAbsence says that a person takes no tasks from one day to another, both
// included, and who stands in for him. An absence that begins on the same day is
// replaced. Who enters it for somebody else, or names a substitute, says why.
func (s *Store) AddAbsence(ctx context.Context, a OrgAct, ab Absence) (OrgChange, error) {
	const upsert = `
		insert into kam.absence (user_id, from_date, to_date, substitute, nodes, kinds, max_potential, reason, deputy)
		values (@user, @from::text::date, @to::text::date, @substitute, @nodes, @kinds, @max_potential, @reason, @deputy)
		on conflict (user_id, from_date) do update set to_date = excluded.to_date, substitute = excluded.substitute, nodes = excluded.nodes,
			kinds = excluded.kinds, max_potential = excluded.max_potential, reason = excluded.reason, deputy = excluded.deputy`

	ab.Reason, ab.Deputy = a.Reason, false
	return s.changeOrg(ctx, a, orgChange{kind: ChangeAbsence, what: ab, right: access.ActionDelegate, owner: ab.UserID, apply: func(tx *Tx) (OrgChange, error) {
		if err := a.saysWhy(ab.UserID, ab.Substitute); err != nil {
			return OrgChange{}, err
		}
		giver, err := tx.Person(ab.UserID)
		if err != nil {
			return OrgChange{}, wrongOn("user_id", err)
		}
		var in kam.Person
		if ab.Substitute != "" {
			if in, err = tx.Person(ab.Substitute); err != nil {
				return OrgChange{}, wrongOn("substitute", err)
			}
			for _, n := range ab.Nodes {
				if _, err := tx.Node(n); err != nil {
					return OrgChange{}, wrongOn("nodes", err)
				}
			}
			if ab.Deputy, err = tx.isDeputy(ab); err != nil {
				return OrgChange{}, err
			}
		}
		if a.Away == nil {
			return OrgChange{}, kam.Errorf(kam.Forbidden, "nobody says whether %s may be away", ab.UserID).On("by")
		}
		if err := a.Away(ab, giver, in, tx.At.UTC().Format(time.DateOnly)); err != nil {
			return OrgChange{}, err
		}
		c := OrgChange{What: absenceLine(ab)}
		if err := tx.besides(ab, &c); err != nil {
			return OrgChange{}, err
		}
		tx.Queue(upsert, pgx.StrictNamedArgs{
			"user": ab.UserID, "from": ab.From, "to": ab.To, "substitute": ab.Substitute, "nodes": append([]string{}, ab.Nodes...),
			"kinds": append([]kam.TaskKind{}, ab.Kinds...), "max_potential": ab.MaxPotential, "reason": ab.Reason, "deputy": ab.Deputy,
		})
		if ab.Substitute != "" && ab.Substitute != a.By {
			if err := tx.tell(ab.Substitute, kam.Say("%s is away from %s to %s; you stand in", ab.UserID, ab.From, ab.To)); err != nil {
				return OrgChange{}, err
			}
		}
		c.Cases, err = tx.casesOfPerson(ab.UserID)
		return c, err
	}})
}

// besides names the absences that share days with a new one: those of the same
// person, which both count, and those of his substitute, who is not asked then.
func (tx *Tx) besides(ab Absence, c *OrgChange) error {
	const overlap = `
		select ` + absenceColumns + ` from kam.absence
		where (user_id = $1 and from_date <> $2::text::date or user_id = $4 and $4 <> '') and from_date <= $3::text::date and to_date >= $2::text::date order by from_date, user_id`

	all, err := pg.List(tx.ctx, tx.tx, "look for other absences", readAbsence, overlap, ab.UserID, ab.From, ab.To, ab.Substitute)
	for i := range all {
		all[i].Reason = "" // which is not for whoever enters another
	}
	c.Overlaps = all
	return err
}

// saysWhy asks for a reason of whoever enters an absence for somebody else, or
// names a substitute.
func (a OrgAct) saysWhy(of, substitute kam.UserID) error {
	if strings.TrimSpace(a.Reason) != "" || a.By == of && substitute == "" {
		return nil
	}
	return kam.Errorf(kam.ReasonNeeded, "an absence of somebody else, or one with a substitute, needs a reason").On("reason").Try("say why: --reason")
}

// tell tells a substitute for whom he stands in.
func (tx *Tx) tell(substitute kam.UserID, what kam.Sentence) error {
	return tx.Publish(ledger.Message{Kind: "absence.substitute", To: []kam.UserID{substitute}, Subject: what.English, Said: what.Text})
}

// isDeputy says whether the substitute is on the list of deputies of each node of
// the scope, or of one above it that the person manages; without nodes, of each
// node that he manages.
func (tx *Tx) isDeputy(ab Absence) (bool, error) {
	may, err := pg.List(tx.ctx, tx.tx, "look for deputies", pgx.RowTo[string], `select node from kam.deputy where user_id = $1`, ab.Substitute)
	if err != nil || len(may) == 0 {
		return false, err
	}
	tree, err := tx.Nodes()
	if err != nil {
		return false, err
	}
	nodes := ab.Nodes
	for _, n := range tree {
		if len(ab.Nodes) == 0 && n.ManagerID == ab.UserID {
			nodes = append(nodes, n.Code)
		}
	}
	for _, node := range nodes {
		held := func(n kam.TerritoryNode) bool { return n.ManagerID == ab.UserID && slices.Contains(may, n.Code) }
		if !slices.ContainsFunc(kam.PathOf(tree, node), held) {
			return false, nil
		}
	}
	return len(nodes) > 0, nil
}

// absenceLine is an absence for people.
func absenceLine(ab Absence) string {
	line := []string{kam.Note("%s is away from %s to %s", ab.UserID, ab.From, ab.To)}
	if ab.Substitute != "" {
		line = append(line, kam.Note("%s stands in", ab.Substitute))
	}
	if len(ab.Nodes) > 0 {
		line = append(line, kam.Note("at %s only", kam.ListOf(ab.Nodes)))
	}
	if len(ab.Kinds) > 0 {
		line = append(line, kam.Note("for %s only", kam.ListOf(ab.Kinds)))
	}
	if ab.MaxPotential != nil {
		line = append(line, kam.Note("up to a potential of %s", ab.MaxPotential.String()))
	}
	return strings.Join(line, "; ")
}

// RemoveAbsence takes back the absence of a person that begins on a day, and with
// it what its substitute may.
func (s *Store) RemoveAbsence(ctx context.Context, a OrgAct, user kam.UserID, from string) (OrgChange, error) {
	type absence struct {
		Remove kam.UserID
		From   string
	}
	return s.changeOrg(ctx, a, orgChange{kind: ChangeAbsence, what: absence{user, from}, right: access.ActionDelegate, owner: user, apply: func(tx *Tx) (OrgChange, error) {
		if _, err := time.Parse(time.DateOnly, from); err != nil {
			return OrgChange{}, kam.Errorf(kam.Invalid, "%q is no day", pg.Clip(from, 40)).On("from").Try("write 2026-12-24")
		}
		if err := a.saysWhy(user, ""); err != nil {
			return OrgChange{}, err
		}
		if _, err := tx.Person(user); err != nil {
			return OrgChange{}, wrongOn("user_id", err)
		}
		ab, found, err := pg.One(tx.ctx, tx.tx, "look for the absence", readAbsence,
			`select `+absenceColumns+` from kam.absence where user_id = $1 and from_date = $2::text::date`, user, from)
		if err != nil {
			return OrgChange{}, err
		}
		if !found {
			return OrgChange{}, kam.Errorf(kam.Invalid, "%s has no absence that begins on %s", user, from).On("from").
				Try("look: starter admin absence list %s", user)
		}
		c := OrgChange{What: kam.Note("the absence of %s from %s to %s is taken back", user, from, ab.To)}
		tx.Queue(`delete from kam.absence where user_id = $1 and from_date = $2::text::date`, user, from)
		if ab.Substitute != "" && ab.Substitute != a.By {
			if err := tx.tell(ab.Substitute, kam.Say("the absence of %s from %s to %s is taken back; you do not stand in", user, from, ab.To)); err != nil {
				return OrgChange{}, err
			}
		}
		c.Cases, err = tx.casesOfPerson(user)
		return c, err
	}})
}

// queueAbsences loads absences and deputies. An absence with a substitute is the
// person's own to end: no load takes it away.
func queueAbsences(b *pgx.Batch, o Org) {
	if o.Absences != nil {
		b.Queue(`delete from kam.absence where substitute = ''`)
	}
	for _, a := range o.Absences {
		b.Queue(`insert into kam.absence (user_id, from_date, to_date) values ($1, $2::text::date, $3::text::date)
			on conflict (user_id, from_date) do nothing`, a.UserID, a.From, a.To)
	}
	if o.Deputies != nil {
		b.Queue(`delete from kam.deputy`)
	}
	for _, d := range o.Deputies {
		b.Queue(`insert into kam.deputy (node, user_id) values ($1, $2) on conflict do nothing`, d.Node, d.UserID)
	}
}
