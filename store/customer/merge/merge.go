// Package merge makes one customer of two records with everything that hangs on
// them, undoes it, and makes two of one.
package merge

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/customer"
	accessdb "github.com/kamflow/kamflow/store/access"
	customerdb "github.com/kamflow/kamflow/store/customer"
	"github.com/kamflow/kamflow/store/internal/pg"
	"github.com/kamflow/kamflow/store/ledger"
)

// An Order is a steward's decision that two records are one customer. The
// versions are those that the decision was taken on.
type Order struct {
	Survivor       string               `json:"survivor"`
	Absorbed       string               `json:"absorbed"`
	ExpectSurvivor int                  `json:"-"`
	ExpectAbsorbed int                  `json:"-"`
	Choice         customer.MergeChoice `json:"choice"`
	Reason         string               `json:"reason"`
	By             kam.UserID           `json:"by"`
	DecisionID     string               `json:"-"`
	At             time.Time            `json:"-"`
}

// An UndoOrder is a steward's decision that a merge was wrong. ExpectVersion
// is that of the survivor.
type UndoOrder struct {
	CustomerNo    string     `json:"customer_no"`
	MergeID       string     `json:"merge_id"`
	ExpectVersion int        `json:"-"`
	Reason        string     `json:"reason"`
	By            kam.UserID `json:"by"`
	DecisionID    string     `json:"-"`
	At            time.Time  `json:"-"`
}

// A SplitOrder is a steward's decision that one record holds two customers.
type SplitOrder struct {
	CustomerNo    string               `json:"customer_no"`
	ExpectVersion int                  `json:"-"`
	Choice        customer.SplitChoice `json:"choice"`
	Reason        string               `json:"reason"`
	By            kam.UserID           `json:"by"`
	DecisionID    string               `json:"-"`
	At            time.Time            `json:"-"`
}

// The kinds of a merge record.
const (
	MergeKind = "MERGE"
	SplitKind = "SPLIT"
)

// A Result is what a merge, its undoing or a split did, without personal
// data. CustomerNo is the survivor or the record that was split, OtherNo the
// absorbed or the new one.
type Result struct {
	MergeID      string   `json:"merge_id"`
	Kind         string   `json:"kind"`
	Undone       bool     `json:"undone,omitempty"`
	CustomerNo   string   `json:"customer_no"`
	Version      int      `json:"version"`
	OtherNo      string   `json:"other_no"`
	OtherVersion int      `json:"other_version"`
	GroupID      string   `json:"group_id,omitempty"`
	Moved        Moved    `json:"moved"`
	Stayed       []string `json:"stayed,omitempty"` // changed since the merge: as they are now, with the survivor
}

// Moved says what changed its record: what a merge brought to the survivor, an
// undo gave back, or a split gave to the new record.
type Moved struct {
	Identifiers   []string `json:"identifiers,omitempty"`
	Dropped       []string `json:"dropped_identifiers,omitempty"`
	Addresses     int      `json:"addresses"`
	Contacts      int      `json:"contacts"`
	Children      []string `json:"children,omitempty"`
	SalesAccounts []string `json:"sales_accounts,omitempty"`
	KeyAccounts   []string `json:"key_accounts,omitempty"` // joined, left or ended
	Tasks         []string `json:"tasks,omitempty"`
}

// A Planner is what the rules say about merging, and who may: it is called on the
// locked records.
type Planner struct {
	// May says whether somebody may merge, and by which role.
	May func(who kam.Person) (kam.Role, error)
	// Sign has the decision signed; nil where nothing is.
	Sign ledger.Sign
	// NotOwn refuses a steward who is one of the owners.
	NotOwn func(steward kam.UserID, owners ...kam.UserID) error
	Merge  func(survivor, absorbed customer.MergeSide, c customer.MergeChoice) (customer.MergePlan, error)
	Split  func(d customer.RequestData, c customer.SplitChoice) (stays, goes customer.RequestData, err error)
	Keys   func(d customer.RequestData) customerdb.PartyKeys
	// HaveOne says that two lists have a registration in common.
	HaveOne func(a, b []customer.Identifier) bool
}

// A Store makes decisions of stewards. Its methods may be called from many
// goroutines.
type Store struct {
	ledger    *ledger.Ledger
	pool      *pgxpool.Pool
	customers *customerdb.Store
}

// New opens the room over a database and its ledger.
func New(l *ledger.Ledger, pool *pgxpool.Pool, c *customerdb.Store) *Store { return &Store{l, pool, c} }

// Merge makes one of two records, with everything that hangs on them, in one
// transaction. The same decision again returns what it did; a refusal is on the
// survivor's audit trail. A number that does not exist is a kam.NotFound and on
// no trail.
func (s *Store) Merge(ctx context.Context, o Order, p Planner) (Result, error) {
	for _, no := range []string{o.Survivor, o.Absorbed} {
		if _, err := s.customers.Customer(ctx, no); err != nil {
			return Result{}, err
		}
	}
	return s.onCustomers(ctx, steward{o.By, o.DecisionID, o.Reason, o.At}, p, o, o.Survivor, o.Absorbed, func(m *merger) (Result, error) {
		return m.merge(o)
	})
}

// Plan is what Merge would make of the records, without doing it. It
// tells what the plan refuses; whether something that hangs on the records
// refuses it too shows when it is done.
func (s *Store) Plan(ctx context.Context, survivor, absorbed string, c customer.MergeChoice, p Planner) (plan customer.MergePlan, a, b customerdb.Customer, err error) {
	err = pg.Snapshot(ctx, s.pool, func(tx pgx.Tx) error {
		if a, err = customerdb.Read(ctx, tx, survivor); err != nil {
			return err
		}
		if b, err = customerdb.Read(ctx, tx, absorbed); err != nil {
			return err
		}
		if err := mayBecomeOne(a, b); err != nil {
			return err
		}
		if plan, err = p.Merge(sideOf(a), sideOf(b), c); err != nil {
			return err
		}
		return noOpenCase(ctx, tx, survivor, absorbed)
	})
	return plan, a, b, err
}

// onCustomers runs a decision on two records under their locks: those of the
// numbers first, in order, so that two decisions on the same records wait for
// each other whichever they name first.
func (s *Store) onCustomers(ctx context.Context, who steward, p Planner, order any, first, second string, fn func(m *merger) (Result, error)) (Result, error) {
	var result Result
	numbers := []string{first, second}
	slices.Sort(numbers)
	inOrder := func(b *pgx.Batch) {
		for _, no := range slices.Compact(numbers) {
			b.Queue(pg.LockCustomer, no)
		}
	}
	e := ledger.Effect{Subject: customerdb.Of(first), Key: "act/" + who.decisionID, Digest: ledger.Digest(order), At: who.at, By: who.by, People: true, Sign: p.Sign}
	raw, err := s.ledger.On(ctx, e, inOrder, func(entry *ledger.Entry) (any, error) {
		m := &merger{Tx: customerdb.In(entry), ctx: entry.Context(), tx: entry.SQL(), org: accessdb.In(entry), p: p, who: who}
		if err := m.authorize(); err != nil {
			return nil, err
		}
		return fn(m)
	})
	if err != nil {
		return result, err
	}
	if err := json.Unmarshal(raw, &result); err != nil {
		return result, fmt.Errorf("read what the decision did: %w", err)
	}
	return result, nil
}

// A merger is a decision on two records inside its transaction.
type merger struct {
	*customerdb.Tx
	ctx  context.Context // of the effect: a merger lives no longer
	tx   pgx.Tx
	org  *accessdb.Tx
	p    Planner
	who  steward
	role kam.Role
	id   string // of the kam.merge row
}

// merge does what Merge says.
func (m *merger) merge(o Order) (Result, error) {
	none := Result{}
	if o.Survivor == o.Absorbed {
		return none, mayBecomeOne(customerdb.Customer{CustomerNo: o.Survivor}, customerdb.Customer{CustomerNo: o.Absorbed})
	}
	both, err := m.lockRecords(o.Survivor, o.Absorbed)
	if err != nil {
		return none, err
	}
	a, b := both[0], both[1]
	rec := mergeRecord{Choice: o.Choice}
	var plan customer.MergePlan
	err = pg.InTurn(
		func() error { return mayBecomeOne(a, b) },
		func() error { return m.notOwn(a, b) },
		func() error { return atVersion(a, o.ExpectSurvivor) },
		func() error { return atVersion(b, o.ExpectAbsorbed) },
		func() error { return noOpenCase(m.ctx, m.tx, a.CustomerNo, b.CustomerNo) },
		func() error { return m.oneCurrency(a, b) },
		func() (err error) { plan, err = m.p.Merge(sideOf(a), sideOf(b), o.Choice); return err },
		func() error { return m.keepsHold(a, b, plan) },
		m.nextID,
		func() (err error) { rec.Before, err = m.image(a.CustomerNo); return err },
		func() (err error) { rec.Absorbed, err = m.image(b.CustomerNo); return err },
		func() error { return m.absorb(b, a) },
		func() (err error) {
			rec.Moved.Children, err = m.moveChildren(b.CustomerNo, a.CustomerNo, nil)
			return err
		},
		func() error { return m.writeSurvivor(a, b, plan, rec.Before) },
		func() error { return m.checkTree(a, plan, rec.Moved.Children) },
		func() error { return m.setSince(a.CustomerNo) },
		func() (err error) { rec.OwnAliases, rec.Moved.SalesAccounts, err = m.moveAccounts(b, a); return err },
		func() error { return m.joinKeyAccount(a, b, plan.GroupID, &rec) },
		func() (err error) { rec.ABC, err = m.joinABC(a.CustomerNo, b.CustomerNo); return err },
		func() (err error) { rec.After, err = m.image(a.CustomerNo); return err },
	)
	if err != nil {
		return none, err
	}
	rec.Moved.count(a.Data, plan)
	result := Result{
		MergeID: m.id, Kind: MergeKind, CustomerNo: a.CustomerNo, Version: a.Version + 1,
		OtherNo: b.CustomerNo, OtherVersion: b.Version, GroupID: plan.GroupID, Moved: rec.Moved,
	}
	return result, m.record(result, rec, kam.EventCustomerMerged, "customer.merged", kam.Note("%s was merged into %s", b.CustomerNo, a.CustomerNo), a, b)
}

// absorb takes the absorbed record out of what is searched and counted. Its row
// stays as it was but for the status, which is what an undo starts from.
func (m *merger) absorb(b, a customerdb.Customer) error {
	var batch pgx.Batch
	batch.Queue(`delete from kam.customer_identifier where customer_no = $1`, b.CustomerNo)
	batch.Queue(`delete from kam.customer_address where customer_no = $1`, b.CustomerNo)
	batch.Queue(`update kam.customer set status = $2, merged_into = $3, ka_status = $4, tier = '', updated_at = $5 where customer_no = $1`,
		b.CustomerNo, kam.Absorbed, a.CustomerNo, kam.NonKA, m.At)
	batch.Queue(`update kam.party set kind = $2 where ref = $1`, b.CustomerNo, customerdb.PartyMerged)
	if err := pg.Send(m.ctx, m.tx, "set the absorbed record aside", &batch); err != nil {
		return err
	}
	if err := m.copyContacts(a.CustomerNo, parked(m.id, "before")); err != nil {
		return err
	}
	return m.moveContacts(b.CustomerNo, parked(m.id, "absorbed"))
}

// writeSurvivor commits the merged data and the standing: the survivor's where
// it has one, the earlier review, the larger count of failed ones.
func (m *merger) writeSurvivor(a, b customerdb.Customer, plan customer.MergePlan, before rowImage) error {
	c := customerdb.Commit{
		CustomerNo: a.CustomerNo, Data: plan.Data, GroupID: plan.GroupID, Status: a.Status, Keys: m.p.Keys(plan.Data),
		Territory: cmp.Or(a.Territory, b.Territory), OwnerID: cmp.Or(a.OwnerID, b.OwnerID), Provisional: a.Provisional,
	}
	if _, err := m.Commit(c); err != nil {
		return err
	}
	if err := m.copyContacts(a.CustomerNo, parked(m.id, "merged")); err != nil {
		return err
	}
	segment := a.Segment
	if segment == nil {
		segment = b.Segment
	}
	row, err := before.with(map[string]any{
		"segment": segment, "coverage": cmp.Or(a.Coverage, b.Coverage), "watch": a.Watch || b.Watch,
		"failed_reviews": max(a.FailedReviews, b.FailedReviews), "review_due": earlier(a.ReviewDue, b.ReviewDue),
	})
	if err != nil {
		return err
	}
	return m.setStanding(a.CustomerNo, row)
}

func earlier(a, b *time.Time) *time.Time {
	if a == nil || b != nil && b.Before(*a) {
		return b
	}
	return a
}

// count says what the merge brought to the survivor.
func (v *Moved) count(before customer.RequestData, plan customer.MergePlan) {
	for _, id := range plan.Data.Identifiers {
		if !slices.ContainsFunc(before.Identifiers, func(x customer.Identifier) bool { return x.Scheme == id.Scheme && strings.EqualFold(x.Value, id.Value) }) {
			v.Identifiers = append(v.Identifiers, string(id.Scheme)+" "+id.Value)
		}
	}
	for _, id := range plan.Dropped {
		v.Dropped = append(v.Dropped, string(id.Scheme)+" "+id.Value)
	}
	v.Addresses = max(0, len(plan.Data.Addresses)-len(before.Addresses))
	v.Contacts = max(0, len(plan.Data.Contacts)-len(before.Contacts))
}
