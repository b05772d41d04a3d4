package access

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/access"
	"github.com/kamflow/kamflow/store/internal/pg"
)

// maxAbsence is how many days one absence may have: a longer one is a slip in
// the year more often than it is meant.
const maxAbsence = 366

// Absences lists, by its first day, when people take no tasks: those that are
// not over yet, with past set all of them; of one person, or of everybody for
// "".
func (s *Store) Absences(ctx context.Context, of kam.UserID, past bool) ([]Absence, error) {
	const find = `
		select user_id, from_date::text, to_date::text from kam.absence
		where ($1 = '' or user_id = $1) and ($2 or to_date >= $3::text::date) order by from_date, user_id`

	if of != "" {
		if _, err := s.Person(ctx, of); err != nil {
			return nil, wrongOn("user_id", err)
		}
	}
	now, err := s.ledger.Now(ctx)
	if err != nil {
		return nil, err
	}
	return pg.List(ctx, s.pool, "list absences", pgx.RowToStructByPos[Absence], find, of, past, now.Format(time.DateOnly))
}

// AddAbsence says that a person takes no tasks from one day to another, both
// included. An absence that begins on the same day is replaced.
func (s *Store) AddAbsence(ctx context.Context, a OrgAct, ab Absence) (OrgChange, error) {
	const upsert = `
		insert into kam.absence (user_id, from_date, to_date) values ($1, $2::text::date, $3::text::date)
		on conflict (user_id, from_date) do update set to_date = excluded.to_date`
	const overlap = `
		select user_id, from_date::text, to_date::text from kam.absence
		where user_id = $1 and from_date <> $2::text::date and from_date <= $3::text::date and to_date >= $2::text::date order by from_date`

	return s.changeOrg(ctx, a, orgChange{kind: ChangeAbsence, what: ab, right: access.ActionTerritoriesEdit, apply: func(tx *Tx) (OrgChange, error) {
		if err := ab.check(tx.At); err != nil {
			return OrgChange{}, err
		}
		if _, err := tx.Person(ab.UserID); err != nil {
			return OrgChange{}, wrongOn("user_id", err)
		}
		c := OrgChange{What: kam.Note("%s is away from %s to %s", ab.UserID, ab.From, ab.To)}
		var err error
		if c.Overlaps, err = pg.List(tx.ctx, tx.tx, "look for other absences", pgx.RowToStructByPos[Absence], overlap, ab.UserID, ab.From, ab.To); err != nil {
			return OrgChange{}, err
		}
		tx.Queue(upsert, ab.UserID, ab.From, ab.To)
		c.Cases, err = tx.casesOfPerson(ab.UserID)
		return c, err
	}})
}

// RemoveAbsence takes back the absence of a person that begins on a day.
func (s *Store) RemoveAbsence(ctx context.Context, a OrgAct, user kam.UserID, from string) (OrgChange, error) {
	type absence struct {
		Remove kam.UserID
		From   string
	}
	return s.changeOrg(ctx, a, orgChange{kind: ChangeAbsence, what: absence{user, from}, right: access.ActionTerritoriesEdit, apply: func(tx *Tx) (OrgChange, error) {
		if _, err := day("from", from); err != nil {
			return OrgChange{}, err
		}
		if _, err := tx.Person(user); err != nil {
			return OrgChange{}, wrongOn("user_id", err)
		}
		to, found, err := pg.One(tx.ctx, tx.tx, "look for the absence", pgx.RowTo[string],
			`select to_date::text from kam.absence where user_id = $1 and from_date = $2::text::date`, user, from)
		if err != nil {
			return OrgChange{}, err
		}
		if !found {
			return OrgChange{}, kam.Errorf(kam.Invalid, "%s has no absence that begins on %s", user, from).On("from").
				Try("look: starter admin absence list %s", user)
		}
		tx.Queue(`delete from kam.absence where user_id = $1 and from_date = $2::text::date`, user, from)
		cases, err := tx.casesOfPerson(user)
		return OrgChange{What: kam.Note("the absence of %s from %s to %s is taken back", user, from, to), Cases: cases}, err
	}})
}

// check looks at the days of an absence that is added now.
func (ab Absence) check(now time.Time) error {
	from, err := day("from", ab.From)
	if err != nil {
		return err
	}
	to, err := day("to", ab.To)
	if err != nil {
		return err
	}
	switch today := now.UTC().Format(time.DateOnly); {
	case to.Before(from):
		return kam.Errorf(kam.Invalid, "%s is before %s", ab.To, ab.From).On("to")
	case ab.To < today:
		return kam.Errorf(kam.Invalid, "the absence is over: today is %s", today).On("to").Try("look at the year; what is over moves no task")
	case to.Sub(from) >= maxAbsence*24*time.Hour:
		return kam.Errorf(kam.Invalid, "more than %d days", maxAbsence).On("to").Try("add a part of it, and the rest when it comes; or fill the post: starter admin node set")
	}
	return nil
}

func day(field, text string) (time.Time, error) {
	t, err := time.Parse(time.DateOnly, text)
	if err != nil {
		return t, kam.Errorf(kam.Invalid, "%q is no day", pg.Clip(text, 40)).On(field).Try("write 2026-12-24")
	}
	return t, nil
}
