package customer

import (
	"context"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/store/internal/pg"
	casedb "github.com/kamflow/kamflow/store/onboarding"
)

// A MergeLine is a merge or a split that a customer took part in.
type MergeLine struct {
	MergeID    string     `json:"merge_id"`
	Kind       string     `json:"kind"`
	CustomerNo string     `json:"customer_no"` // the survivor, or the record that was split
	OtherNo    string     `json:"other_no"`    // the absorbed, or the new one
	By         kam.UserID `json:"by"`
	At         time.Time  `json:"at"`
	Reason     string     `json:"reason"`
	UndoneAt   *time.Time `json:"undone_at,omitempty"`
	UndoneBy   kam.UserID `json:"undone_by,omitempty"`
}

const MergeColumns = `merge_id, kind, customer_no, other_no, by_user as "by", at, reason, undone_at, undone_by`

// A Version is one state that a customer was committed in. By is the
// case, or the subject of the decision, that made it.
type Version struct {
	Version int       `json:"version"`
	By      string    `json:"by"`
	At      time.Time `json:"at"`
}

// A View is a customer as a person opens it. Asked is the number that
// was asked for; Followed are the records between it and the customer, itself
// included, where it was merged into another one.
type View struct {
	Asked         string        `json:"asked"`
	Followed      []string      `json:"followed,omitempty"`
	Customer      Customer      `json:"customer"`
	KeyAccount    *KeyAccount   `json:"key_account,omitempty"`
	SalesAccounts []string      `json:"sales_accounts"` // its own first
	Children      []string      `json:"children,omitempty"`
	Versions      []Version     `json:"versions"`
	OpenCases     []casedb.Line `json:"open_cases,omitempty"`
	Merges        []MergeLine   `json:"merges,omitempty"`
}

// View reads a customer as of one moment, at the end of the chain of
// merges that starts with the number; kam.NotFound where there is none.
func (s *Store) View(ctx context.Context, no string) (v View, err error) {
	err = pg.Snapshot(ctx, s.pool, func(tx pgx.Tx) error {
		v = View{Asked: no}
		c, err := Read(ctx, tx, no)
		for ; err == nil && c.MergedInto != ""; c, err = Read(ctx, tx, c.MergedInto) {
			v.Followed = append(v.Followed, c.CustomerNo)
		}
		if err != nil {
			return err
		}
		v.Customer = c
		if v.KeyAccount, err = keyAccount(ctx, tx, ofParty, c.CustomerNo); err != nil {
			return err
		}
		aliases, err := pg.List(ctx, tx, "read the sales accounts", pgx.RowTo[string], `select account_no from kam.customer_sales_account where customer_no = $1 order by 1`, c.CustomerNo)
		if err != nil {
			return err
		}
		v.SalesAccounts = append([]string{c.OwnAccount()}, aliases...)
		if v.Children, err = pg.List(ctx, tx, "read the children", pgx.RowTo[string], `select customer_no from kam.customer where parent_no = $1 and merged_into = '' order by 1`, c.CustomerNo); err != nil {
			return err
		}
		if v.Versions, err = pg.List(ctx, tx, "read the versions", pgx.RowToStructByPos[Version],
			`select version, case_no, at from kam.customer_version where customer_no = $1 order by version`, c.CustomerNo); err != nil {
			return err
		}
		if v.OpenCases, err = pg.List(ctx, tx, "read the open cases", pgx.RowToStructByName[casedb.Line],
			`select `+casedb.LineColumns+` from kam.cases where open and customer_no = $1 order by case_no`, c.CustomerNo); err != nil {
			return err
		}
		v.Merges, err = pg.List(ctx, tx, "read the merges", pgx.RowToStructByName[MergeLine],
			`select `+MergeColumns+` from kam.merge where customer_no = $1 or other_no = $1 order by merge_id`, c.CustomerNo)
		return err
	})
	return v, err
}

// A Trail is what happened to a customer outside cases, and the cases
// that touched it or a record that is part of it now.
type Trail struct {
	CustomerNo string           `json:"customer_no"`
	Records    []string         `json:"records"` // the customer, and those that were merged into it
	Events     []kam.AuditEvent `json:"events"`
	Cases      []casedb.Line    `json:"cases"`
}

// Trail reads the trails of a customer and of the records merged into
// it; kam.NotFound where there is none.
func (s *Store) Trail(ctx context.Context, no string) (t Trail, err error) {
	const part = `
		with recursive part as (
			select $1::text as no, 0 as depth
			union all
			select c.customer_no, depth + 1 from part join kam.customer c on c.merged_into = part.no where depth < 100
		)
		select no from part order by depth, no`

	v, err := s.View(ctx, no)
	if err != nil {
		return t, err
	}
	t.CustomerNo, t.Events = v.Customer.CustomerNo, []kam.AuditEvent{}
	if t.Records, err = pg.List(ctx, s.pool, "read the merged records", pgx.RowTo[string], part, t.CustomerNo); err != nil {
		return t, err
	}
	for _, record := range t.Records {
		events, err := s.ledger.TrailOf(ctx, Of(record).ID)
		if err != nil {
			return t, err
		}
		t.Events = append(t.Events, events...)
	}
	slices.SortStableFunc(t.Events, func(a, b kam.AuditEvent) int { return a.DBAt.Compare(b.DBAt) })
	t.Cases, err = pg.List(ctx, s.pool, "read the cases", pgx.RowToStructByName[casedb.Line],
		`select `+casedb.LineColumns+` from kam.cases where customer_no = any ($1) order by created_at, case_no`, t.Records)
	return t, err
}
