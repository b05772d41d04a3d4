package store

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/kamflow/kamflow/kam"
)

// A MergeOrder is a steward's decision that two records are one customer. The
// versions are those that the decision was taken on.
type MergeOrder struct {
	Survivor       string          `json:"survivor"`
	Absorbed       string          `json:"absorbed"`
	ExpectSurvivor int             `json:"-"`
	ExpectAbsorbed int             `json:"-"`
	Choice         kam.MergeChoice `json:"choice"`
	Reason         string          `json:"reason"`
	By             kam.UserID      `json:"by"`
	DecisionID     string          `json:"-"`
	At             time.Time       `json:"-"`
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
	CustomerNo    string          `json:"customer_no"`
	ExpectVersion int             `json:"-"`
	Choice        kam.SplitChoice `json:"choice"`
	Reason        string          `json:"reason"`
	By            kam.UserID      `json:"by"`
	DecisionID    string          `json:"-"`
	At            time.Time       `json:"-"`
}

// The kinds of a merge record.
const (
	MergeKind = "MERGE"
	SplitKind = "SPLIT"
)

// A MergeResult is what a merge, its undoing or a split did, without personal
// data. CustomerNo is the survivor or the record that was split, OtherNo the
// absorbed or the new one.
type MergeResult struct {
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

// A Planner is what the rules say about merging: the store calls it on the
// locked records.
type Planner struct {
	Merge func(survivor, absorbed kam.MergeSide, c kam.MergeChoice) (kam.MergePlan, error)
	Split func(d kam.RequestData, c kam.SplitChoice) (stays, goes kam.RequestData, err error)
	Keys  func(d kam.RequestData) PartyKeys
}

// CustomerSubject is the name under which a customer has its audit trail.
func CustomerSubject(no string) kam.CaseNo { return kam.CaseNo("customer/" + no) }

// Merge makes one of two records, with everything that hangs on them, in one
// transaction. The same decision again returns what it did; a refusal is on the
// survivor's audit trail. A number that does not exist is a kam.NotFound and on
// no trail.
func (s *Store) Merge(ctx context.Context, o MergeOrder, p Planner) (MergeResult, error) {
	for _, no := range []string{o.Survivor, o.Absorbed} {
		if _, err := s.Customer(ctx, no); err != nil {
			return MergeResult{}, err
		}
	}
	return s.onCustomers(ctx, steward{o.By, o.DecisionID, o.Reason, o.At}, o, o.Survivor, o.Absorbed, func(m *merger) (MergeResult, error) {
		return m.merge(o, p)
	})
}

// PlanMerge is what Merge would make of the records, without doing it. It
// tells what the plan refuses; whether something that hangs on the records
// refuses it too shows when it is done.
func (s *Store) PlanMerge(ctx context.Context, survivor, absorbed string, c kam.MergeChoice, p Planner) (plan kam.MergePlan, a, b Customer, err error) {
	err = pgx.BeginTxFunc(ctx, s.pool, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}, func(tx pgx.Tx) error {
		if a, err = customer(ctx, tx, survivor); err != nil {
			return err
		}
		if b, err = customer(ctx, tx, absorbed); err != nil {
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
	if err != nil {
		return plan, a, b, fmt.Errorf("plan the merge: %w", known(err))
	}
	return plan, a, b, nil
}

// RefuseOnCustomer notes on a customer's audit trail that somebody was turned down
// before a decision reached the store. Nothing is noted for a customer that
// does not exist.
func (s *Store) RefuseOnCustomer(ctx context.Context, no string, by kam.UserID, decisionID string, at time.Time, refusal *kam.Error) error {
	if _, err := s.Customer(ctx, no); err != nil {
		return err
	}
	e := Effect{CaseNo: CustomerSubject(no), Key: "act/" + decisionID, Digest: "refused", At: at, By: by, People: true}
	_, err := s.OnSubject(ctx, e, func(context.Context, *Tx) (any, error) { return nil, refusal })
	if kam.AsError(err) == refusal || kam.CodeOf(err) == kam.IDReused {
		return nil
	}
	return err
}

// A steward is who decides, as every order says.
type steward struct {
	by         kam.UserID
	decisionID string
	reason     string
	at         time.Time
}

// onCustomers runs a decision on two records under their locks: those of the
// numbers first, in order, so that two decisions on the same records wait for
// each other whichever they name first.
func (s *Store) onCustomers(ctx context.Context, who steward, order any, first, second string, fn func(m *merger) (MergeResult, error)) (MergeResult, error) {
	var result MergeResult
	digest, err := digestOf(order)
	if err != nil {
		return result, err
	}
	numbers := []string{first, second}
	slices.Sort(numbers)
	run := func(ctx context.Context, doing string, fn func(tx pgx.Tx) error) error {
		return s.inTx(ctx, doing, func(tx pgx.Tx) error {
			for _, no := range slices.Compact(numbers) {
				if _, err := tx.Exec(ctx, lockCustomer, no); err != nil {
					return err
				}
			}
			return fn(tx)
		})
	}
	e := Effect{CaseNo: CustomerSubject(first), Key: "act/" + who.decisionID, Digest: digest, At: who.at, By: who.by, People: true}
	raw, err := s.onSubject(ctx, e, run, func(_ context.Context, tx *Tx) (any, error) {
		m := &merger{Tx: tx, who: who}
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
	*Tx
	who  steward
	role kam.Role
	id   string // of the kam.merge row
}

// authorize is what the tables say about who decides.
func (m *merger) authorize() error {
	if m.who.decisionID == "" {
		return kam.Errorf(kam.Invalid, "a decision needs an id").On("decision_id")
	}
	if strings.TrimSpace(m.who.reason) == "" {
		return kam.Errorf(kam.ReasonNeeded, "say why").On("reason").Try("give a reason: it stands on the audit trail of both records")
	}
	person, err := m.Person(m.who.by)
	if kam.CodeOf(err) == kam.NotFound {
		return kam.Errorf(kam.Forbidden, "nobody is known as %q", clip(string(m.who.by), 80)).On("by")
	}
	if err != nil {
		return err
	}
	m.role, err = kam.Permit(person, kam.ActionMerge, kam.Subject{})
	if err != nil {
		return err
	}
	used, ok, err := one(m.ctx, m.tx, "look for the decision", pgx.RowTo[string], `select merge_id from kam.merge where decision_id = $1 or undo_id = $1`, m.who.decisionID)
	if err == nil && ok {
		err = kam.Errorf(kam.IDReused, "the decision id stands for %s already", used).On("decision_id").Try("use a new id for a new decision")
	}
	return err
}

// lockRecords locks the identifiers of the records, then their rows and those
// of their children, in order, and reads the records.
func (m *merger) lockRecords(numbers ...string) ([]Customer, error) {
	const rows = `select customer_no from kam.customer where customer_no = any ($1) or parent_no = any ($1) order by customer_no for update`

	var ids []kam.Identifier
	for _, no := range numbers {
		c, err := m.Customer(no)
		if err != nil {
			return nil, err
		}
		ids = append(ids, c.Data.Identifiers...)
	}
	if err := m.LockIdentifiers(ids); err != nil {
		return nil, err
	}
	if _, err := list(m.ctx, m.tx, "lock the customers", pgx.RowTo[string], rows, numbers); err != nil {
		return nil, err
	}
	all := make([]Customer, len(numbers))
	for i, no := range numbers {
		var err error
		if all[i], err = m.Customer(no); err != nil {
			return nil, err
		}
	}
	return all, nil
}

func mayBecomeOne(survivor, absorbed Customer) error {
	switch {
	case survivor.CustomerNo == absorbed.CustomerNo:
		return kam.Errorf(kam.Invalid, "%s cannot be merged with itself", survivor.CustomerNo).On("absorbed").Try("name two records")
	case absorbed.MergedInto != "":
		return kam.Errorf(kam.AlreadyDecided, "%s was merged into %s already", absorbed.CustomerNo, absorbed.MergedInto).On("absorbed").
			Try("nothing is left to do; or undo that merge first")
	case survivor.MergedInto != "":
		return kam.Errorf(kam.TargetInvalid, "%s was merged into %s", survivor.CustomerNo, survivor.MergedInto).On("survivor").Try("merge with " + survivor.MergedInto)
	case (survivor.Status == kam.Blocked) != (absorbed.Status == kam.Blocked):
		return kam.Errorf(kam.TargetInvalid, "%s is %s, %s is %s: one record would hide the block", survivor.CustomerNo, survivor.Status, absorbed.CustomerNo, absorbed.Status).
			On("lifecycle_status").Try("have the block lifted, or set on both, first")
	case survivor.Status != kam.Active && absorbed.Status == kam.Active:
		return kam.Errorf(kam.TargetInvalid, "%s is %s, %s is in use", survivor.CustomerNo, survivor.Status, absorbed.CustomerNo).
			On("survivor").Try("merge the other way round")
	}
	return nil
}

// notMerged refuses to change a record that is read as another one. It waits
// for a merge that is under way.
func (tx *Tx) notMerged(no string) error {
	into, _, err := one(tx.ctx, tx.tx, "look for a merge", pgx.RowTo[string],
		`select merged_into from kam.customer where customer_no = $1 for update`, no)
	if err != nil || into == "" {
		return err
	}
	return kam.Errorf(kam.TargetInvalid, "%s was merged into %s", no, into).On("customer_no").By(ruleMerged).Try("change " + into + ", or split the two first")
}

// ruleMerged names the rule that a merged record is not changed.
const ruleMerged = "MERGED"

// noneMerged refuses to load a record that was merged into another one.
func noneMerged(ctx context.Context, tx pgx.Tx, book []BookCustomer) error {
	numbers := make([]string, len(book))
	for i, c := range book {
		numbers[i] = c.CustomerNo
	}
	merged, err := list(ctx, tx, "look for merged records", pgx.RowTo[string],
		`select customer_no || ' into ' || merged_into from kam.customer where merged_into <> '' and customer_no = any ($1) order by 1 limit 5`, numbers)
	if err == nil && len(merged) > 0 {
		err = kam.Errorf(kam.TargetInvalid, "records were merged: %s", strings.Join(merged, ", ")).On("customer_no").By(ruleMerged).
			Try("leave them out of the file, or split them first")
	}
	return err
}

// atVersion refuses a decision that was taken on another version.
func atVersion(c Customer, expect int) error {
	switch {
	case expect <= 0:
		return kam.Errorf(kam.Invalid, "say which version of %s was decided on", c.CustomerNo).On("expect_version").Try(fmt.Sprintf("it is at version %d now", c.Version))
	case expect != c.Version:
		return kam.Errorf(kam.StaleRevision, "%s is at version %d, the decision was taken on version %d", c.CustomerNo, c.Version, expect).
			On("expect_version").Try("look at the record as it is now and decide again")
	}
	return nil
}

// noOpenCase refuses while somebody is at work on one of the customers.
func noOpenCase(ctx context.Context, q querier, numbers ...string) error {
	type row struct {
		Case, Customer string
		State          kam.State
	}
	r, ok, err := one(ctx, q, "look for open cases", pgx.RowToStructByPos[row],
		`select case_no, customer_no, state from kam.cases
			where open and version > 0 and (customer_no = any ($1) or holds = any ($1)) order by case_no limit 1`, numbers)
	if err == nil && ok {
		err = kam.Errorf(kam.OpenCaseExists, "case %s (%s) is at work on %s", r.Case, r.State, r.Customer).On("case_no").Try("let the case end first")
	}
	return err
}

// notOwn is SOD3: the owners of the records and of their key accounts.
func (m *merger) notOwn(records ...Customer) error {
	const owners = `
		select owner from kam.key_account k join kam.key_account_member m using (key_account_no)
		where state <> 'ENDED' and m.customer_no = any ($1)`

	var numbers []string
	var all []kam.UserID
	for _, c := range records {
		numbers, all = append(numbers, c.CustomerNo), append(all, c.OwnerID)
	}
	more, err := list(m.ctx, m.tx, "look up the owners", pgx.RowTo[kam.UserID], owners, numbers)
	if err != nil {
		return err
	}
	return kam.NotOwnAccount(m.who.by, append(all, more...)...)
}

func sideOf(c Customer) kam.MergeSide {
	return kam.MergeSide{CustomerNo: c.CustomerNo, GroupID: c.GroupID, Data: c.Data}
}

// keepsHold refuses a choice that would lose a stop by finance: one on a number
// that is dropped, or on a group that does not stand.
func (m *merger) keepsHold(a, b Customer, plan kam.MergePlan) error {
	for _, c := range []Customer{a, b} {
		lost := c.GroupID
		if lost == plan.GroupID {
			lost = ""
		}
		held, err := m.FinanceHold(plan.Dropped, lost)
		if err != nil {
			return err
		}
		if held {
			return kam.Errorf(kam.TargetInvalid, "finance holds a number or a group that would not stand").
				On("keep").By("FINANCE_HOLD").Try("keep what is held, or have the hold lifted")
		}
	}
	return nil
}

// A mergeRecord is what kam.merge keeps: enough to undo it, no contacts.
type mergeRecord struct {
	Choice      kam.MergeChoice  `json:"choice"`
	Before      rowImage         `json:"survivor_before"`
	After       rowImage         `json:"survivor_after"`
	Absorbed    rowImage         `json:"absorbed_before"`
	Moved       Moved            `json:"moved"`
	OwnAliases  []string         `json:"absorbed_aliases,omitempty"` // sales accounts that the absorbed one had from earlier merges
	KeyAccounts []accountChange  `json:"key_accounts,omitempty"`
	Tasks       []taskChange     `json:"tasks,omitempty"`
	ABC         *abcChange       `json:"abc,omitempty"`
	Split       *kam.SplitChoice `json:"split,omitempty"`
}

// A rowImage is a row of kam.customer by column.
type rowImage map[string]json.RawMessage

func (r rowImage) text(column string) string {
	var s string
	if json.Unmarshal(r[column], &s) != nil {
		return ""
	}
	return s
}

func (r rowImage) data() (d kam.RequestData, err error) {
	if err = json.Unmarshal(r["data"], &d); err != nil {
		err = fmt.Errorf("read the data of %s: %w", r.text("customer_no"), err)
	}
	return d, err
}

func (r rowImage) same(o rowImage, column string) bool { return bytes.Equal(r[column], o[column]) }

func (m *merger) image(no string) (rowImage, error) {
	r, _, err := one(m.ctx, m.tx, "read the row of "+no, pgx.RowTo[rowImage], `select to_jsonb(c) from kam.customer c where customer_no = $1`, no)
	return r, err
}

// standing are the columns that CommitCustomer does not set, or not to nothing.
func (m *merger) setStanding(no string, r rowImage) error {
	const update = `
		update kam.customer c set segment = b.segment, coverage = b.coverage, ka_status = b.ka_status, tier = b.tier,
			watch = b.watch, provisional = b.provisional, failed_reviews = b.failed_reviews, review_due = b.review_due,
			case_no = b.case_no
		from jsonb_populate_record(null::kam.customer, $2) b where c.customer_no = $1`

	return m.updateCustomer(no, update, r)
}

// with returns the image with columns set to values.
func (r rowImage) with(values map[string]any) (rowImage, error) {
	out := make(rowImage, len(r))
	for k, v := range r {
		out[k] = v
	}
	for k, v := range values {
		b, err := json.Marshal(v)
		if err != nil {
			return nil, fmt.Errorf("encode %s: %w", k, err)
		}
		out[k] = b
	}
	return out, nil
}

func (m *merger) nextID() (err error) {
	m.id, _, err = one(m.ctx, m.tx, "number the merge", pgx.RowTo[string], `select 'M-' || lpad(nextval('kam.merge_number')::text, 6, '0')`)
	return err
}

func parked(mergeID, what string) string { return "merge/" + mergeID + "/" + what }

// copyContacts keeps what a record's contacts were.
func (m *merger) copyContacts(from, to string) error {
	_, err := exec(m.ctx, m.tx, "keep the contacts", `insert into kam.contact (owner, position, contact) select $2, position, contact from kam.contact where owner = $1`, from, to)
	return err
}

func (m *merger) moveContacts(from, to string) error {
	_, err := exec(m.ctx, m.tx, "move the contacts", `update kam.contact set owner = $2 where owner = $1`, from, to)
	return err
}

// merge does what Merge says.
func (m *merger) merge(o MergeOrder, p Planner) (MergeResult, error) {
	none := MergeResult{}
	if o.Survivor == o.Absorbed {
		return none, mayBecomeOne(Customer{CustomerNo: o.Survivor}, Customer{CustomerNo: o.Absorbed})
	}
	both, err := m.lockRecords(o.Survivor, o.Absorbed)
	if err != nil {
		return none, err
	}
	a, b := both[0], both[1]
	for _, check := range []func() error{
		func() error { return mayBecomeOne(a, b) },
		func() error { return m.notOwn(a, b) },
		func() error { return atVersion(a, o.ExpectSurvivor) },
		func() error { return atVersion(b, o.ExpectAbsorbed) },
		func() error { return noOpenCase(m.ctx, m.tx, a.CustomerNo, b.CustomerNo) },
		func() error { return m.oneCurrency(a, b) },
	} {
		if err := check(); err != nil {
			return none, err
		}
	}
	plan, err := p.Merge(sideOf(a), sideOf(b), o.Choice)
	if err != nil {
		return none, err
	}
	if err := m.keepsHold(a, b, plan); err != nil {
		return none, err
	}
	if err := m.nextID(); err != nil {
		return none, err
	}
	rec := mergeRecord{Choice: o.Choice}
	if rec.Before, err = m.image(a.CustomerNo); err != nil {
		return none, err
	}
	if rec.Absorbed, err = m.image(b.CustomerNo); err != nil {
		return none, err
	}
	if err := m.absorb(b, a); err != nil {
		return none, err
	}
	if rec.Moved.Children, err = m.moveChildren(b.CustomerNo, a.CustomerNo, nil); err != nil {
		return none, err
	}
	if err := m.writeSurvivor(a, b, plan, p, rec.Before); err != nil {
		return none, err
	}
	if err := m.checkTree(a, plan, rec.Moved.Children); err != nil {
		return none, err
	}
	if rec.OwnAliases, rec.Moved.SalesAccounts, err = m.moveAccounts(b, a); err != nil {
		return none, err
	}
	if err := m.joinKeyAccount(a, b, plan.GroupID, &rec); err != nil {
		return none, err
	}
	if rec.ABC, err = m.joinABC(a.CustomerNo, b.CustomerNo); err != nil {
		return none, err
	}
	if rec.After, err = m.image(a.CustomerNo); err != nil {
		return none, err
	}
	rec.Moved.count(a.Data, plan)
	result := MergeResult{
		MergeID: m.id, Kind: MergeKind, CustomerNo: a.CustomerNo, Version: a.Version + 1,
		OtherNo: b.CustomerNo, OtherVersion: b.Version, GroupID: plan.GroupID, Moved: rec.Moved,
	}
	return result, m.record(result, rec, kam.EventCustomerMerged, "customer.merged", fmt.Sprintf("%s was merged into %s", b.CustomerNo, a.CustomerNo), a, b)
}

// absorb takes the absorbed record out of what is searched and counted. Its row
// stays as it was but for the status, which is what an undo starts from.
func (m *merger) absorb(b, a Customer) error {
	var batch pgx.Batch
	batch.Queue(`delete from kam.customer_identifier where customer_no = $1`, b.CustomerNo)
	batch.Queue(`delete from kam.customer_address where customer_no = $1`, b.CustomerNo)
	batch.Queue(`update kam.customer set status = $2, merged_into = $3, ka_status = $4, tier = '', updated_at = $5 where customer_no = $1`,
		b.CustomerNo, kam.Absorbed, a.CustomerNo, kam.NonKA, m.At)
	batch.Queue(`update kam.party set kind = $2 where ref = $1`, b.CustomerNo, partyMerged)
	if err := sendBatch(m.ctx, m.tx, "set the absorbed record aside", &batch); err != nil {
		return err
	}
	if err := m.copyContacts(a.CustomerNo, parked(m.id, "before")); err != nil {
		return err
	}
	return m.moveContacts(b.CustomerNo, parked(m.id, "absorbed"))
}

// writeSurvivor commits the merged data and the standing: the survivor's where
// it has one, the earlier review, the larger count of failed ones.
func (m *merger) writeSurvivor(a, b Customer, plan kam.MergePlan, p Planner, before rowImage) error {
	c := CustomerCommit{
		CustomerNo: a.CustomerNo, Data: plan.Data, GroupID: plan.GroupID, Status: a.Status, Keys: p.Keys(plan.Data),
		Territory: either(a.Territory, b.Territory), OwnerID: either(a.OwnerID, b.OwnerID), Provisional: a.Provisional,
	}
	if _, err := m.CommitCustomer(c); err != nil {
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
		"segment": segment, "coverage": either(a.Coverage, b.Coverage), "watch": a.Watch || b.Watch,
		"failed_reviews": max(a.FailedReviews, b.FailedReviews), "review_due": earlier(a.ReviewDue, b.ReviewDue),
	})
	if err != nil {
		return err
	}
	return m.setStanding(a.CustomerNo, row)
}

func either[S ~string](a, b S) S {
	if a == "" {
		return b
	}
	return a
}

func earlier(a, b *time.Time) *time.Time {
	if a == nil || b != nil && b.Before(*a) {
		return b
	}
	return a
}

// count says what the merge brought to the survivor.
func (v *Moved) count(before kam.RequestData, plan kam.MergePlan) {
	for _, id := range plan.Data.Identifiers {
		if !slices.ContainsFunc(before.Identifiers, func(x kam.Identifier) bool { return x.Scheme == id.Scheme && strings.EqualFold(x.Value, id.Value) }) {
			v.Identifiers = append(v.Identifiers, string(id.Scheme)+" "+id.Value)
		}
	}
	for _, id := range plan.Dropped {
		v.Dropped = append(v.Dropped, string(id.Scheme)+" "+id.Value)
	}
	v.Addresses = max(0, len(plan.Data.Addresses)-len(before.Addresses))
	v.Contacts = max(0, len(plan.Data.Contacts)-len(before.Contacts))
}

// moveChildren hangs records from one parent below another and says which;
// only, where it is not nil, names those that may move.
func (m *merger) moveChildren(from, to string, only []string) ([]string, error) {
	const move = `
		update kam.customer set parent_no = $2, data = jsonb_set(data, '{parent_customer_id}', to_jsonb($2::text)),
			version = version + 1, updated_at = $3
		where parent_no = $1 and customer_no <> $2 and merged_into = '' and ($4::text[] is null or customer_no = any ($4))
		returning customer_no`
	const version = `
		insert into kam.customer_version (customer_no, version, case_no, at, data)
		select customer_no, version, $2, updated_at, data from kam.customer where customer_no = any ($1)`

	moved, err := list(m.ctx, m.tx, "move the children", pgx.RowTo[string], move, from, to, m.At, only)
	if err != nil || len(moved) == 0 {
		return nil, err
	}
	slices.Sort(moved)
	_, err = exec(m.ctx, m.tx, "keep the versions of the children", version, moved, m.was.CaseNo)
	return moved, err
}

// maxParents is how deep a tree of customers may be (VH02).
const maxParents = 10

// checkTree refuses a merge after which the tree of customers turns in a
// circle, is too deep, or holds two groups (VH02, VH03).
func (m *merger) checkTree(before Customer, plan kam.MergePlan, moved []string) error {
	const depth = `
		with recursive below as (
			select $1::text as no, 0 as depth
			union all
			select c.customer_no, depth + 1 from below join kam.customer c on c.parent_no = below.no and c.merged_into = ''
			where depth < 20
		)
		select max(depth) from below`
	const otherGroup = `
		select customer_no from kam.customer
		where group_id not in ('', $1) and $1 <> '' and merged_into = ''
		  and (customer_no = any ($2) or $3 and parent_no = $4 or $5 and customer_no = $6)
		order by 1 limit 1`

	no := before.CustomerNo
	up, _, err := m.ParentChain(no)
	if err != nil {
		return err
	}
	down, _, err := one(m.ctx, m.tx, "measure the tree", pgx.RowTo[int], depth, no)
	if err != nil {
		return err
	}
	switch {
	case slices.Contains(up, no):
		return kam.Errorf(kam.TargetInvalid, "%s would be above itself: %s", no, strings.Join(up, ", ")).On("parent_customer_id").By("VH02").
			Try("correct the parents first, or merge the other way round")
	case len(up)+down > maxParents:
		return kam.Errorf(kam.TargetInvalid, "the tree would have %d levels of parents, at most %d are allowed", len(up)+down, maxParents).On("parent_customer_id").By("VH02").
			Try("correct the parents first")
	}
	regrouped := plan.GroupID != before.GroupID
	reparented := plan.Data.ParentCustomerID != before.ParentNo
	other, ok, err := one(m.ctx, m.tx, "compare the groups", pgx.RowTo[string], otherGroup, plan.GroupID,
		append([]string{}, moved...), regrouped, no, regrouped || reparented, plan.Data.ParentCustomerID)
	if err == nil && ok {
		err = kam.Errorf(kam.TargetInvalid, "%s, above or below, is not of group %s", other, plan.GroupID).On("group_id").By("VH03").
			Try("name the other group, or correct the parents first")
	}
	return err
}

// record writes the row of the merge, the events of both trails and the
// message to the owners. Nothing may refuse after it.
func (m *merger) record(r MergeResult, rec mergeRecord, event kam.EventType, kind, text string, records ...Customer) error {
	const insert = `
		insert into kam.merge (merge_id, kind, customer_no, other_no, decision_id, by_user, reason, at, record)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9)`

	if _, err := exec(m.ctx, m.tx, "keep the merge", insert, m.id, r.Kind, r.CustomerNo, r.OtherNo, m.who.decisionID, m.who.by, m.who.reason, m.At, rec); err != nil {
		return err
	}
	return m.tell(r, rec, event, kind, text, records...)
}

func (m *merger) tell(r MergeResult, payload any, event kam.EventType, kind, text string, records ...Customer) error {
	digest, err := digestOf(payload)
	if err != nil {
		return err
	}
	e := kam.AuditEvent{
		Type: event, Actor: m.who.by, RolesUsed: []kam.Role{m.role}, ReasonCode: r.MergeID, PayloadDigest: digest,
		Text: clip(text+": "+m.who.reason, 1000),
	}
	m.Log(e)
	if err := m.logOn(CustomerSubject(r.OtherNo), e); err != nil {
		return err
	}
	var to []kam.UserID
	for _, c := range records {
		if c.OwnerID != "" && !slices.Contains(to, c.OwnerID) {
			to = append(to, c.OwnerID)
		}
	}
	return m.Publish(Message{Kind: kind, To: to, Subject: text, Data: map[string]string{"merge_id": r.MergeID, "customer_no": r.CustomerNo, "other_no": r.OtherNo}})
}

// logOn appends an event to the trail of another subject than the effect's.
func (tx *Tx) logOn(subject kam.CaseNo, e kam.AuditEvent) error {
	const create = `insert into kam.subject (subject) values ($1) on conflict do nothing`
	const lock = `select audit_seq, audit_hash from kam.subject where subject = $1 for update`

	other := &Tx{At: tx.At, ctx: tx.ctx, tx: tx.tx, effect: tx.effect, decision: tx.decision, dbAt: tx.dbAt, queued: &pgx.Batch{}, Case: &kam.Snapshot{}}
	other.was.CaseNo = subject
	var b pgx.Batch
	b.Queue(create, subject)
	b.Queue(lock, subject).QueryRow(func(row pgx.Row) error { return row.Scan(&other.auditSeq, &other.auditHash) })
	if err := tx.tx.SendBatch(tx.ctx, &b).Close(); err != nil {
		return fmt.Errorf("lock the trail of %s: %w", subject, known(err))
	}
	other.Log(e)
	other.queueAudit()
	other.queued.Queue(subjectHead, subject, other.auditSeq, other.auditHash)
	return sendBatch(tx.ctx, tx.tx, "write the trail of "+string(subject), other.queued)
}
