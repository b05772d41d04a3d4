package merge

import (
	"cmp"
	"context"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/customer"
	customerdb "github.com/kamflow/kamflow/store/customer"
	"github.com/kamflow/kamflow/store/internal/contact"
	"github.com/kamflow/kamflow/store/internal/pg"
)

// Undo makes two records again of one that a merge made. The absorbed
// record gets back what it had; the survivor is as before but for what was
// changed since, which stays with it and is named. The customer is the
// survivor or the absorbed record of the merge.
func (s *Store) Undo(ctx context.Context, o UndoOrder, p Planner) (Result, error) {
	l, ok, err := pg.One(ctx, s.pool, "look up the merge", pgx.RowToStructByName[customerdb.MergeLine], `select `+customerdb.MergeColumns+` from kam.merge where merge_id = $1`, o.MergeID)
	switch {
	case err != nil:
		return Result{}, err
	case !ok:
		return Result{}, kam.Errorf(kam.NotFound, "there is no merge %s", pg.Clip(o.MergeID, 40)).On("merge_id").Try("starter customer show lists those of a customer")
	case o.CustomerNo != l.CustomerNo && o.CustomerNo != l.OtherNo:
		return Result{}, kam.Errorf(kam.Invalid, "%s merged %s into %s", l.MergeID, l.OtherNo, l.CustomerNo).On("merge_id").Try("name one of these customers")
	}
	o.CustomerNo = l.CustomerNo // either number is the same order
	return s.onCustomers(ctx, steward{o.By, o.DecisionID, o.Reason, o.At}, p, o, l.CustomerNo, l.OtherNo, func(m *merger) (Result, error) {
		m.id = l.MergeID
		return m.undo(l, o)
	})
}

func (m *merger) undo(l customerdb.MergeLine, o UndoOrder) (Result, error) {
	none := Result{}
	both, err := m.lockRecords(l.CustomerNo, l.OtherNo)
	if err != nil {
		return none, err
	}
	a, b := both[0], both[1]
	var rec mergeRecord
	err = pg.InTurn(
		func() error { return m.undoable(l, a, b, &rec) },
		func() error { return m.notOwn(a, b) },
		func() error { return atVersion(a, o.ExpectVersion) },
		func() error { return noOpenCase(m.ctx, m.tx, a.CustomerNo, b.CustomerNo) },
		func() error { return m.takeAccountsBack(rec, a, b) },
	)
	if err != nil {
		return none, err
	}
	r := Result{
		MergeID: l.MergeID, Kind: MergeKind, Undone: true, CustomerNo: a.CustomerNo, Version: a.Version + 1, OtherNo: b.CustomerNo,
		OtherVersion: b.Version + 1, GroupID: rec.Before.text("group_id"), Moved: rec.Moved,
	}
	var row rowImage
	var stayed []string
	err = pg.InTurn(
		func() error { return r.Moved.giveBack(rec.Absorbed) },
		func() (err error) { row, err = m.restoreSurvivor(a, rec, &r); return err },
		func() error { return m.restoreAbsorbed(b, rec, &r.Moved) },
		func() error { return m.setSince(a.CustomerNo, b.CustomerNo) },
		func() (err error) {
			r.Moved.Children, err = m.moveChildren(a.CustomerNo, b.CustomerNo, append([]string{}, rec.Moved.Children...))
			return err
		},
		func() (err error) {
			stayed, err = m.restoreAccounts(rec.KeyAccounts, a.CustomerNo, b.CustomerNo)
			return err
		},
		func() error { return m.agreeKA(a.CustomerNo, row) },
		func() error { return m.agreeKA(b.CustomerNo, rec.Absorbed) },
		func() (err error) { r.Moved.Tasks, err = m.restoreTasks(rec.Tasks); return err },
		func() error { return m.splitABC(rec.ABC, a.CustomerNo, b.CustomerNo) },
		func() error { return m.stillATree(a.CustomerNo) },
		func() error { return m.stillATree(b.CustomerNo) },
	)
	if err != nil {
		return none, err
	}
	r.Stayed = append(r.Stayed, stayed...)
	if _, err := pg.Exec(m.ctx, m.tx, "mark the merge undone", `update kam.merge set undone_at = $2, undone_by = $3, undo_id = $4 where merge_id = $1`,
		l.MergeID, m.At, m.who.by, m.who.decisionID); err != nil {
		return none, err
	}
	return r, m.announce(r, r, kam.EventCustomerSplit, "customer.split", kam.Note("%s was split from %s again", b.CustomerNo, a.CustomerNo), a, b)
}

// stillATree checks the tree as a record that is one again left it.
func (m *merger) stillATree(no string) error {
	now, err := m.Customer(no)
	if err != nil {
		return err
	}
	return m.checkTree(now, customer.MergePlan{Data: now.Data, GroupID: now.GroupID}, nil)
}

// giveBack counts what the absorbed record has again.
func (v *Moved) giveBack(absorbed rowImage) error {
	d, err := absorbed.data()
	v.Identifiers, v.Dropped, v.Addresses = nil, nil, len(d.Addresses)
	for _, id := range d.Identifiers {
		v.Identifiers = append(v.Identifiers, string(id.Scheme)+" "+id.Value)
	}
	return err
}

func (m *merger) undoable(l customerdb.MergeLine, a, b customerdb.Customer, rec *mergeRecord) error {
	type row struct {
		Record mergeRecord
		Undone bool
	}
	r, _, err := pg.One(m.ctx, m.tx, "read the merge", pgx.RowToStructByPos[row], `select record, undone_at is not null from kam.merge where merge_id = $1 for update`, l.MergeID)
	if err != nil {
		return err
	}
	*rec = r.Record
	switch {
	case l.Kind != MergeKind:
		return kam.Errorf(kam.TargetInvalid, "%s split %s from %s", l.MergeID, l.OtherNo, l.CustomerNo).On("merge_id").Try("merge %s into %s", l.OtherNo, l.CustomerNo)
	case r.Undone:
		return kam.Errorf(kam.AlreadyDecided, "%s was undone already", l.MergeID).On("merge_id")
	case a.MergedInto != "":
		return kam.Errorf(kam.TargetInvalid, "%s itself was merged into %s since", a.CustomerNo, a.MergedInto).On("merge_id").Try("undo that merge first")
	}
	return nil
}

// takeAccountsBack gives the absorbed record its sales accounts. Where one has
// left the survivor since, its facts would count twice.
func (m *merger) takeAccountsBack(rec mergeRecord, a, b customerdb.Customer) error {
	const back = `delete from kam.customer_sales_account where customer_no = $1 and account_no = any ($2) returning account_no`
	const aliases = `insert into kam.customer_sales_account (customer_no, account_no) select $1, unnest($2::text[])`

	gone, err := pg.List(m.ctx, m.tx, "give the sales accounts back", pgx.RowTo[string], back, a.CustomerNo, append([]string{}, rec.Moved.SalesAccounts...))
	if err != nil {
		return err
	}
	for _, account := range rec.Moved.SalesAccounts {
		if !slices.Contains(gone, account) {
			return kam.Errorf(kam.TargetInvalid, "sales account %s has left %s since", account, a.CustomerNo).On("sales_accounts").Try("merge the record that has it now first")
		}
	}
	_, err = pg.Exec(m.ctx, m.tx, "give the sales accounts back", aliases, b.CustomerNo, append([]string{}, rec.OwnAliases...))
	return err
}

// standingColumns are restored one by one where they are as the merge left
// them.
var standingColumns = []string{"group_id", "territory", "owner", "segment", "coverage", "ka_status", "tier", "watch", "provisional", "failed_reviews", "review_due", "case_no"}

// restoreSurvivor takes out of the survivor what the merge brought, and says
// in r what stays because it was changed since.
func (m *merger) restoreSurvivor(a customerdb.Customer, rec mergeRecord, r *Result) (rowImage, error) {
	before, err := m.dataOf(rec.Before, "before")
	if err != nil {
		return nil, err
	}
	merged, err := m.dataOf(rec.After, "merged")
	if err != nil {
		return nil, err
	}
	data, stayed := customer.Unmerge(before, merged, a.Data)
	for _, f := range stayed {
		r.Stayed = append(r.Stayed, f.Field)
	}
	now, err := m.image(a.CustomerNo)
	if err != nil {
		return nil, err
	}
	row, err := now.with(nil)
	if err != nil {
		return nil, err
	}
	for _, column := range standingColumns {
		if now.same(rec.After, column) {
			row[column] = rec.Before[column]
		} else if column != "case_no" && !slices.Contains(r.Stayed, column) {
			r.Stayed = append(r.Stayed, column)
		}
	}
	r.GroupID = row.text("group_id")
	if _, err := m.Commit(customerdb.Commit{
		CustomerNo: a.CustomerNo, Data: data, GroupID: row.text("group_id"), Territory: row.text("territory"), OwnerID: kam.UserID(row.text("owner")),
		Status: a.Status, Keys: m.p.Keys(data),
	}); err != nil {
		return nil, err
	}
	return row, m.setStanding(a.CustomerNo, row)
}

// dataOf is the data of an image with the contacts that were kept apart.
func (m *merger) dataOf(image rowImage, what string) (customer.RequestData, error) {
	d, err := image.data()
	if err != nil {
		return d, err
	}
	d.Contacts, err = contact.Of(m.ctx, m.tx, parked(m.id, what))
	return d, err
}

// restoreAbsorbed brings the absorbed record back under its number. A parent
// that was merged since is followed, and one to which an earlier merge had
// moved it is left again where that merge was undone meanwhile.
func (m *merger) restoreAbsorbed(b customerdb.Customer, rec mergeRecord, moved *Moved) error {
	const parent = `
		select kam.survivor(coalesce((
			select e.other_no from kam.merge e, kam.merge this
			where this.merge_id = $3 and e.kind = 'MERGE' and e.merge_id < this.merge_id and e.customer_no = $1
			  and e.undone_at >= this.at and e.record -> 'moved' -> 'children' ? $2
			order by e.merge_id desc limit 1), $1))`

	data, err := m.dataOf(rec.Absorbed, "absorbed")
	if err != nil {
		return err
	}
	moved.Contacts = len(data.Contacts)
	if data.ParentCustomerID != "" {
		if data.ParentCustomerID, _, err = pg.One(m.ctx, m.tx, "follow the parent", pgx.RowTo[string], parent, data.ParentCustomerID, b.CustomerNo, m.id); err != nil {
			return err
		}
	}
	status := kam.LifecycleStatus(rec.Absorbed.text("status"))
	if err := m.Update(b.CustomerNo, `update kam.customer set status = $2, merged_into = '' where customer_no = $1`, status); err != nil {
		return err
	}
	if _, err := m.Commit(customerdb.Commit{
		CustomerNo: b.CustomerNo, Data: data, GroupID: rec.Absorbed.text("group_id"), Territory: rec.Absorbed.text("territory"),
		OwnerID: kam.UserID(rec.Absorbed.text("owner")), Status: status, Keys: m.p.Keys(data),
	}); err != nil {
		return err
	}
	return m.setStanding(b.CustomerNo, rec.Absorbed)
}

// agreeKA sets the status that a record's key accounts give it, where that is
// not what the image says: an account may have ended since.
func (m *merger) agreeKA(no string, image rowImage) error {
	const tier = `
		select k.tier from kam.key_account k join kam.key_account_member m using (key_account_no)
		where m.customer_no = $1 and k.state <> 'ENDED' order by k.key_account_no limit 1`

	t, in, err := pg.One(m.ctx, m.tx, "look up the key account", pgx.RowTo[kam.Tier], tier, no)
	switch {
	case err != nil:
		return err
	case in:
		return m.setKA(no, kam.KA, t)
	case image.text("ka_status") == string(kam.KA):
		return m.setKA(no, kam.NonKA, kam.TierNone)
	}
	return nil
}

// Split makes two records of one: what the choice names goes to a new record
// under a new number, in the same group unless the choice says otherwise.
func (s *Store) Split(ctx context.Context, o SplitOrder, p Planner) (Result, error) {
	if _, err := s.customers.Customer(ctx, o.CustomerNo); err != nil {
		return Result{}, err
	}
	return s.onCustomers(ctx, steward{o.By, o.DecisionID, o.Reason, o.At}, p, o, o.CustomerNo, o.CustomerNo, func(m *merger) (Result, error) {
		return m.split(o)
	})
}

func (m *merger) split(o SplitOrder) (Result, error) {
	none := Result{}
	all, err := m.lockRecords(o.CustomerNo)
	if err != nil {
		return none, err
	}
	a := all[0]
	var stays, goes customer.RequestData
	var group, no string
	var moved []string
	rec := mergeRecord{Split: &o.Choice}
	err = pg.InTurn(
		func() error { return m.NotMerged(a.CustomerNo) },
		func() error { return m.notOwn(a) },
		func() error { return atVersion(a, o.ExpectVersion) },
		func() error { return noOpenCase(m.ctx, m.tx, a.CustomerNo) },
		func() (err error) { stays, goes, err = m.p.Split(a.Data, o.Choice); return err },
		func() (err error) { group, err = m.groupOfNew(a, o.Choice.Group); return err },
		m.nextID,
		func() (err error) { rec.Before, err = m.image(a.CustomerNo); return err },
		func() error { return m.copyContacts(a.CustomerNo, parked(m.id, "before")) },
		func() (err error) { moved, err = m.splitAccounts(a, o.Choice.SalesAccounts, &stays, &goes); return err },
	)
	if err != nil {
		return none, err
	}
	goes.GroupID = group
	if group != "" && group == a.GroupID {
		goes.GroupName, goes.ParentCustomerID = a.Data.GroupName, a.ParentNo
	}
	err = pg.InTurn(
		func() error {
			_, err := m.Commit(customerdb.Commit{
				CustomerNo: a.CustomerNo, Data: stays, GroupID: a.GroupID, Territory: a.Territory, OwnerID: a.OwnerID,
				Status: a.Status, Provisional: a.Provisional, Keys: m.p.Keys(stays),
			})
			return err
		},
		func() error { return m.setStanding(a.CustomerNo, rec.Before) },
		func() (err error) {
			no, err = m.Commit(customerdb.Commit{
				Data: goes, GroupID: group, Territory: a.Territory, OwnerID: a.OwnerID, Status: a.Status, Coverage: a.Coverage,
				Provisional: true, Keys: m.p.Keys(goes),
			})
			return err
		},
		func() error { return m.SetStatus(no, kam.NonKA, kam.TierNone, false, true, a.ReviewDue, a.Coverage) },
		// What is split from a customer is none that is new.
		func() error {
			return m.Update(no, `update kam.customer set since = $2 where customer_no = $1`, a.Since)
		},
		func() error { return m.giveAccounts(no, moved) },
		func() error { return m.splitABC(nil, a.CustomerNo, no) },
		func() (err error) { rec.After, err = m.image(a.CustomerNo); return err },
	)
	if err != nil {
		return none, err
	}
	rec.Moved = Moved{Addresses: len(goes.Addresses), Contacts: len(goes.Contacts), SalesAccounts: moved}
	for _, id := range goes.Identifiers {
		rec.Moved.Identifiers = append(rec.Moved.Identifiers, string(id.Scheme)+" "+id.Value)
	}
	r := Result{
		MergeID: m.id, Kind: SplitKind, CustomerNo: a.CustomerNo, Version: a.Version + 1, OtherNo: no, OtherVersion: 1, GroupID: group, Moved: rec.Moved,
	}
	return r, m.record(r, rec, kam.EventCustomerSplit, "customer.split", kam.Note("%s was split from %s", no, a.CustomerNo), a)
}

// giveAccounts gives a new record its sales accounts but the first, its own.
func (m *merger) giveAccounts(no string, all []string) error {
	if len(all) < 2 {
		return nil
	}
	_, err := pg.Exec(m.ctx, m.tx, "give sales accounts", `insert into kam.customer_sales_account (customer_no, account_no) select $1, unnest($2::text[])`, no, all[1:])
	return err
}

func (m *merger) groupOfNew(a customerdb.Customer, want string) (string, error) {
	switch want {
	case "":
		return a.GroupID, nil
	case customer.NoGroup:
		return "", nil
	}
	g, ok, err := m.org.Group(want)
	if err == nil && !ok && want != a.GroupID {
		err = kam.Errorf(kam.Invalid, "there is no group %s", pg.Clip(want, 64)).On("group").Try("name one that exists, or %s", customer.NoGroup)
	}
	return cmp.Or(g.ID, want), err
}

// splitAccounts gives sales accounts to the new record: the first is its own.
// Where the record's own account goes, its next one takes the place.
func (m *merger) splitAccounts(a customerdb.Customer, wanted []string, stays, goes *customer.RequestData) ([]string, error) {
	all, err := m.accountsOf(a)
	if err != nil || len(wanted) == 0 {
		return nil, err
	}
	for i, w := range wanted {
		if !slices.Contains(all, w) || slices.Contains(wanted[:i], w) {
			return nil, kam.Errorf(kam.Invalid, "%s has no sales account %s to give", a.CustomerNo, pg.Clip(w, 40)).On("sales_accounts").Try("name each of its accounts once at most, as customer show lists them")
		}
	}
	left := slices.DeleteFunc(slices.Clone(all), func(x string) bool { return slices.Contains(wanted, x) })
	if slices.Contains(wanted, a.OwnAccount()) {
		if a.SalesAccount == "" && len(left) == 0 {
			return nil, kam.Errorf(kam.TargetInvalid, "the facts of %s stand under its own number, which stays with it", a.CustomerNo).On("sales_accounts").
				Try("load the facts of the new customer under an account of its own")
		}
		stays.SalesAccountNo = ""
		if len(left) > 0 {
			stays.SalesAccountNo = left[0]
		}
	}
	goes.SalesAccountNo = wanted[0]
	_, err = pg.Exec(m.ctx, m.tx, "give sales accounts", `delete from kam.customer_sales_account where customer_no = $1 and (account_no = any ($2) or account_no = $3)`,
		a.CustomerNo, wanted, stays.SalesAccountNo)
	return wanted, err
}
