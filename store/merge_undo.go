package store

import (
	"context"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/kamflow/kamflow/kam"
)

// UndoMerge makes two records again of one that a merge made. The absorbed
// record gets back what it had; the survivor is as before but for what was
// changed since, which stays with it and is named. The customer is the
// survivor or the absorbed record of the merge.
func (s *Store) UndoMerge(ctx context.Context, o UndoOrder, p Planner) (MergeResult, error) {
	l, ok, err := one(ctx, s.pool, "look up the merge", pgx.RowToStructByPos[MergeLine], `select `+mergeColumns+` from kam.merge where merge_id = $1`, o.MergeID)
	switch {
	case err != nil:
		return MergeResult{}, err
	case !ok:
		return MergeResult{}, kam.Errorf(kam.NotFound, "there is no merge %s", clip(o.MergeID, 40)).On("merge_id").Try("starter customer show lists those of a customer")
	case o.CustomerNo != l.CustomerNo && o.CustomerNo != l.OtherNo:
		return MergeResult{}, kam.Errorf(kam.Invalid, "%s merged %s into %s", l.MergeID, l.OtherNo, l.CustomerNo).On("merge_id").Try("name one of these customers")
	}
	o.CustomerNo = l.CustomerNo // either number is the same order
	return s.onCustomers(ctx, steward{o.By, o.DecisionID, o.Reason, o.At}, o, l.CustomerNo, l.OtherNo, func(m *merger) (MergeResult, error) {
		m.id = l.MergeID
		return m.undo(l, o, p)
	})
}

func (m *merger) undo(l MergeLine, o UndoOrder, p Planner) (MergeResult, error) {
	none := MergeResult{}
	both, err := m.lockRecords(l.CustomerNo, l.OtherNo)
	if err != nil {
		return none, err
	}
	a, b := both[0], both[1]
	var rec mergeRecord
	for _, check := range []func() error{
		func() error { return m.undoable(l, a, b, &rec) },
		func() error { return m.notOwn(a, b) },
		func() error { return atVersion(a, o.ExpectVersion) },
		func() error { return noOpenCase(m.ctx, m.tx, a.CustomerNo, b.CustomerNo) },
		func() error { return m.takeAccountsBack(rec, a, b) },
	} {
		if err := check(); err != nil {
			return none, err
		}
	}
	r := MergeResult{
		MergeID: l.MergeID, Kind: MergeKind, Undone: true, CustomerNo: a.CustomerNo, Version: a.Version + 1, OtherNo: b.CustomerNo,
		OtherVersion: b.Version + 1, GroupID: rec.Before.text("group_id"), Moved: rec.Moved,
	}
	if err := r.Moved.giveBack(rec.Absorbed); err != nil {
		return none, err
	}
	row, err := m.restoreSurvivor(a, rec, p, &r)
	if err != nil {
		return none, err
	}
	if err := m.restoreAbsorbed(b, rec, p, &r.Moved); err != nil {
		return none, err
	}
	if err := m.setSince(a.CustomerNo, b.CustomerNo); err != nil {
		return none, err
	}
	if r.Moved.Children, err = m.moveChildren(a.CustomerNo, b.CustomerNo, append([]string{}, rec.Moved.Children...)); err != nil {
		return none, err
	}
	stayed, err := m.restoreAccounts(rec.KeyAccounts, a.CustomerNo, b.CustomerNo)
	if err != nil {
		return none, err
	}
	r.Stayed = append(r.Stayed, stayed...)
	for no, image := range map[string]rowImage{a.CustomerNo: row, b.CustomerNo: rec.Absorbed} {
		if err := m.agreeKA(no, image); err != nil {
			return none, err
		}
	}
	if r.Moved.Tasks, err = m.restoreTasks(rec.Tasks); err != nil {
		return none, err
	}
	if err := m.splitABC(rec.ABC, a.CustomerNo, b.CustomerNo); err != nil {
		return none, err
	}
	for _, c := range []Customer{a, b} {
		now, err := m.Customer(c.CustomerNo)
		if err != nil {
			return none, err
		}
		if err := m.checkTree(now, kam.MergePlan{Data: now.Data, GroupID: now.GroupID}, nil); err != nil {
			return none, err
		}
	}
	if _, err := exec(m.ctx, m.tx, "mark the merge undone", `update kam.merge set undone_at = $2, undone_by = $3, undo_id = $4 where merge_id = $1`,
		l.MergeID, m.At, m.who.by, m.who.decisionID); err != nil {
		return none, err
	}
	return r, m.announce(r, r, kam.EventCustomerSplit, "customer.split", fmt.Sprintf("%s was split from %s again", b.CustomerNo, a.CustomerNo), a, b)
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

func (m *merger) undoable(l MergeLine, a, b Customer, rec *mergeRecord) error {
	type row struct {
		Record mergeRecord
		Undone bool
	}
	r, _, err := one(m.ctx, m.tx, "read the merge", pgx.RowToStructByPos[row], `select record, undone_at is not null from kam.merge where merge_id = $1 for update`, l.MergeID)
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
func (m *merger) takeAccountsBack(rec mergeRecord, a, b Customer) error {
	const back = `delete from kam.customer_sales_account where customer_no = $1 and account_no = any ($2) returning account_no`
	const aliases = `insert into kam.customer_sales_account (customer_no, account_no) select $1, unnest($2::text[])`

	gone, err := list(m.ctx, m.tx, "give the sales accounts back", pgx.RowTo[string], back, a.CustomerNo, append([]string{}, rec.Moved.SalesAccounts...))
	if err != nil {
		return err
	}
	for _, account := range rec.Moved.SalesAccounts {
		if !slices.Contains(gone, account) {
			return kam.Errorf(kam.TargetInvalid, "sales account %s has left %s since", account, a.CustomerNo).On("sales_accounts").Try("merge the record that has it now first")
		}
	}
	_, err = exec(m.ctx, m.tx, "give the sales accounts back", aliases, b.CustomerNo, append([]string{}, rec.OwnAliases...))
	return err
}

// standingColumns are restored one by one where they are as the merge left
// them.
var standingColumns = []string{"group_id", "territory", "owner", "segment", "coverage", "ka_status", "tier", "watch", "provisional", "failed_reviews", "review_due", "case_no"}

// restoreSurvivor takes out of the survivor what the merge brought, and says
// in r what stays because it was changed since.
func (m *merger) restoreSurvivor(a Customer, rec mergeRecord, p Planner, r *MergeResult) (rowImage, error) {
	before, err := m.dataOf(rec.Before, "before")
	if err != nil {
		return nil, err
	}
	merged, err := m.dataOf(rec.After, "merged")
	if err != nil {
		return nil, err
	}
	data, stayed := kam.Unmerge(before, merged, a.Data)
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
	if _, err := m.CommitCustomer(CustomerCommit{
		CustomerNo: a.CustomerNo, Data: data, GroupID: row.text("group_id"), Territory: row.text("territory"), OwnerID: kam.UserID(row.text("owner")),
		Status: a.Status, Keys: p.Keys(data),
	}); err != nil {
		return nil, err
	}
	return row, m.setStanding(a.CustomerNo, row)
}

// dataOf is the data of an image with the contacts that were kept apart.
func (m *merger) dataOf(image rowImage, what string) (kam.RequestData, error) {
	d, err := image.data()
	if err != nil {
		return d, err
	}
	d.Contacts, err = contactsOf(m.ctx, m.tx, parked(m.id, what))
	return d, err
}

// restoreAbsorbed brings the absorbed record back under its number. A parent
// that was merged since is followed, and one to which an earlier merge had
// moved it is left again where that merge was undone meanwhile.
func (m *merger) restoreAbsorbed(b Customer, rec mergeRecord, p Planner, moved *Moved) error {
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
		if data.ParentCustomerID, _, err = one(m.ctx, m.tx, "follow the parent", pgx.RowTo[string], parent, data.ParentCustomerID, b.CustomerNo, m.id); err != nil {
			return err
		}
	}
	status := kam.LifecycleStatus(rec.Absorbed.text("status"))
	if err := m.updateCustomer(b.CustomerNo, `update kam.customer set status = $2, merged_into = '' where customer_no = $1`, status); err != nil {
		return err
	}
	if _, err := m.CommitCustomer(CustomerCommit{
		CustomerNo: b.CustomerNo, Data: data, GroupID: rec.Absorbed.text("group_id"), Territory: rec.Absorbed.text("territory"),
		OwnerID: kam.UserID(rec.Absorbed.text("owner")), Status: status, Keys: p.Keys(data),
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

	t, in, err := one(m.ctx, m.tx, "look up the key account", pgx.RowTo[kam.Tier], tier, no)
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
func (s *Store) Split(ctx context.Context, o SplitOrder, p Planner) (MergeResult, error) {
	if _, err := s.Customer(ctx, o.CustomerNo); err != nil {
		return MergeResult{}, err
	}
	return s.onCustomers(ctx, steward{o.By, o.DecisionID, o.Reason, o.At}, o, o.CustomerNo, o.CustomerNo, func(m *merger) (MergeResult, error) {
		return m.split(o, p)
	})
}

func (m *merger) split(o SplitOrder, p Planner) (MergeResult, error) {
	none := MergeResult{}
	all, err := m.lockRecords(o.CustomerNo)
	if err != nil {
		return none, err
	}
	a := all[0]
	for _, check := range []func() error{
		func() error { return m.notMerged(a.CustomerNo) },
		func() error { return m.notOwn(a) },
		func() error { return atVersion(a, o.ExpectVersion) },
		func() error { return noOpenCase(m.ctx, m.tx, a.CustomerNo) },
	} {
		if err := check(); err != nil {
			return none, err
		}
	}
	stays, goes, err := p.Split(a.Data, o.Choice)
	if err != nil {
		return none, err
	}
	group, err := m.groupOfNew(a, o.Choice.Group)
	if err != nil {
		return none, err
	}
	goes.GroupID = group
	if group != "" && group == a.GroupID {
		goes.GroupName, goes.ParentCustomerID = a.Data.GroupName, a.ParentNo
	}
	if err := m.nextID(); err != nil {
		return none, err
	}
	rec := mergeRecord{Split: &o.Choice}
	if rec.Before, err = m.image(a.CustomerNo); err != nil {
		return none, err
	}
	if err := m.copyContacts(a.CustomerNo, parked(m.id, "before")); err != nil {
		return none, err
	}
	moved, err := m.splitAccounts(a, o.Choice.SalesAccounts, &stays, &goes)
	if err != nil {
		return none, err
	}
	if _, err := m.CommitCustomer(CustomerCommit{
		CustomerNo: a.CustomerNo, Data: stays, GroupID: a.GroupID, Territory: a.Territory, OwnerID: a.OwnerID,
		Status: a.Status, Provisional: a.Provisional, Keys: p.Keys(stays),
	}); err != nil {
		return none, err
	}
	if err := m.setStanding(a.CustomerNo, rec.Before); err != nil {
		return none, err
	}
	no, err := m.CommitCustomer(CustomerCommit{
		Data: goes, GroupID: group, Territory: a.Territory, OwnerID: a.OwnerID, Status: a.Status, Coverage: a.Coverage,
		Provisional: true, Keys: p.Keys(goes),
	})
	if err != nil {
		return none, err
	}
	if err := m.SetCustomerStatus(no, kam.NonKA, kam.TierNone, false, true, a.ReviewDue, a.Coverage); err != nil {
		return none, err
	}
	if err := m.updateCustomer(no, `update kam.customer set since = $2 where customer_no = $1`, a.Since); err != nil {
		return none, err // what is split from a customer is none that is new
	}
	if len(moved) > 1 { // the first is the new record's own
		if _, err := exec(m.ctx, m.tx, "give sales accounts", `insert into kam.customer_sales_account (customer_no, account_no) select $1, unnest($2::text[])`, no, moved[1:]); err != nil {
			return none, err
		}
	}
	if err := m.splitABC(nil, a.CustomerNo, no); err != nil {
		return none, err
	}
	if rec.After, err = m.image(a.CustomerNo); err != nil {
		return none, err
	}
	rec.Moved = Moved{Addresses: len(goes.Addresses), Contacts: len(goes.Contacts), SalesAccounts: moved}
	for _, id := range goes.Identifiers {
		rec.Moved.Identifiers = append(rec.Moved.Identifiers, string(id.Scheme)+" "+id.Value)
	}
	r := MergeResult{
		MergeID: m.id, Kind: SplitKind, CustomerNo: a.CustomerNo, Version: a.Version + 1, OtherNo: no, OtherVersion: 1, GroupID: group, Moved: rec.Moved,
	}
	return r, m.record(r, rec, kam.EventCustomerSplit, "customer.split", fmt.Sprintf("%s was split from %s", no, a.CustomerNo), a)
}

func (m *merger) groupOfNew(a Customer, want string) (string, error) {
	switch want {
	case "":
		return a.GroupID, nil
	case kam.NoGroup:
		return "", nil
	}
	g, ok, err := m.Group(want)
	if err == nil && !ok && want != a.GroupID {
		err = kam.Errorf(kam.Invalid, "there is no group %s", clip(want, 64)).On("group").Try("name one that exists, or %s", kam.NoGroup)
	}
	return either(g.ID, want), err
}

// splitAccounts gives sales accounts to the new record: the first is its own.
// Where the record's own account goes, its next one takes the place.
func (m *merger) splitAccounts(a Customer, wanted []string, stays, goes *kam.RequestData) ([]string, error) {
	all, err := m.accountsOf(a)
	if err != nil || len(wanted) == 0 {
		return nil, err
	}
	for i, w := range wanted {
		if !slices.Contains(all, w) || slices.Contains(wanted[:i], w) {
			return nil, kam.Errorf(kam.Invalid, "%s has no sales account %s to give", a.CustomerNo, clip(w, 40)).On("sales_accounts").Try("name each of its accounts once at most, as customer show lists them")
		}
	}
	left := slices.DeleteFunc(slices.Clone(all), func(x string) bool { return slices.Contains(wanted, x) })
	if slices.Contains(wanted, a.ownAccount()) {
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
	_, err = exec(m.ctx, m.tx, "give sales accounts", `delete from kam.customer_sales_account where customer_no = $1 and (account_no = any ($2) or account_no = $3)`,
		a.CustomerNo, wanted, stays.SalesAccountNo)
	return wanted, err
}
