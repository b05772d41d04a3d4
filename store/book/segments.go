package book

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/kamflow/kamflow/kam"
	customerdb "github.com/kamflow/kamflow/store/customer"
	"github.com/kamflow/kamflow/store/internal/pg"
)

// A BookRow is a customer of the whole book, as the roll-up needs it.
type BookRow struct {
	CustomerNo    string
	Data          []byte // request data as JSON, without contacts
	GroupID       string
	Group         string // name of the group
	Territory     string
	SalesAccount  string
	KAStatus      kam.KAStatus
	Tier          kam.Tier
	FailedReviews int
	ParentNo      string
	Since         *time.Time // when it became a customer
}

// ActiveBook is every active customer, by number, as committed; it holds a
// connection of its own until the sequence has ended.
func (s *Store) ActiveBook(ctx context.Context) iter.Seq2[BookRow, error] {
	const customers = `
		select customer_no, data, c.group_id, coalesce(g.name, '') as "group", territory, sales_account, ka_status, tier, failed_reviews, parent_no, coalesce(since, kam.customer_since(customer_no)) as since
		from kam.customer c left join kam.party_group g on g.group_id = c.group_id and c.group_id <> ''
		where status = 'ACTIVE' order by customer_no`

	return pg.Stream(ctx, s.pool, "read the book", pgx.RowToStructByName[BookRow], customers)
}

// A Segmented is what the models make of one customer of the book. Coverage is
// its ABC class. Watch and Provisional are set for customers that are no key
// account; those of a key account are the endorsers' to change.
type Segmented struct {
	CustomerNo  string
	Segment     json.RawMessage
	Coverage    string
	Watch       bool
	Provisional bool
	ReviewDays  int
}

// SaveSegments writes segments, coverage and watch list of the whole book and
// says how many customers changed. It changes neither status nor tier of
// anybody, and calls on nobody again whom a hit of screening stopped.
func (tx *Tx) SaveSegments(rows []Segmented) (changed int, err error) {
	const fresh = `
		create temp table fresh (customer_no text, segment jsonb, coverage text, watch boolean, provisional boolean, review_days int) on commit drop`
	const update = `
		update kam.customer c set segment = f.segment, coverage = case when c.ka_status = 'KA' or c.coverage = $2 then c.coverage else f.coverage end,
			watch = case when c.ka_status = 'KA' then c.watch else f.watch end,
			provisional = case when c.ka_status = 'KA' then c.provisional else f.provisional end,
			review_due = coalesce(c.review_due, $1::timestamptz + make_interval(days => f.review_days))
		from fresh f where f.customer_no = c.customer_no and (c.segment is null or c.segment is distinct from f.segment
			or c.ka_status <> 'KA' and (case when c.coverage = $2 then f.coverage else c.coverage end, c.watch, c.provisional) is distinct from (f.coverage, f.watch, f.provisional)
			or c.review_due is null)`

	if _, err := pg.Exec(tx.ctx, tx.tx, "make room for segments", fresh); err != nil {
		return 0, err
	}
	_, err = tx.tx.CopyFrom(tx.ctx, pgx.Identifier{"fresh"}, []string{"customer_no", "segment", "coverage", "watch", "provisional", "review_days"},
		pgx.CopyFromSlice(len(rows), func(i int) ([]any, error) {
			r := rows[i]
			return []any{r.CustomerNo, r.Segment, r.Coverage, r.Watch, r.Provisional, r.ReviewDays}, nil
		}))
	if err != nil {
		return 0, fmt.Errorf("save the segments: %w", pg.Known(err))
	}
	n, err := tx.run("save the segments", pg.Step("statistics", `analyze fresh (customer_no)`), pg.Step("segments", update, tx.At, customerdb.CoverageStopped))
	return n[1], err
}

// SaveProposals keeps what the roll-up proposes.
func (tx *Tx) SaveProposals(all []kam.BatchProposal) error {
	if _, err := pg.Exec(tx.ctx, tx.tx, "forget earlier proposals", `delete from kam.batch_proposal where batch_no = $1`, tx.Batch.No); err != nil {
		return err
	}
	_, err := tx.tx.CopyFrom(tx.ctx, pgx.Identifier{"kam", "batch_proposal"}, []string{"batch_no", "n", "proposal"},
		pgx.CopyFromSlice(len(all), func(i int) ([]any, error) { return []any{tx.Batch.No, i + 1, all[i]}, nil }))
	return err
}
