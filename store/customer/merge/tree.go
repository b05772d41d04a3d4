package merge

import (
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/kamflow/kamflow/kam"
	customerdb "github.com/kamflow/kamflow/store/customer"
	"github.com/kamflow/kamflow/store/internal/pg"
)

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

	moved, err := pg.List(m.ctx, m.tx, "move the children", pgx.RowTo[string], move, from, to, m.At, only)
	if err != nil || len(moved) == 0 {
		return nil, err
	}
	slices.Sort(moved)
	_, err = pg.Exec(m.ctx, m.tx, "keep the versions of the children", version, moved, m.Subject().ID)
	return moved, err
}

// maxParents is how deep a tree of customers may be (VH02).
const maxParents = 10

// checkTree refuses a merge after which the tree of customers turns in a
// circle, is too deep, or holds two groups (VH02, VH03).
func (m *merger) checkTree(before customerdb.Customer, plan kam.MergePlan, moved []string) error {
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
	down, _, err := pg.One(m.ctx, m.tx, "measure the tree", pgx.RowTo[int], depth, no)
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
	other, ok, err := pg.One(m.ctx, m.tx, "compare the groups", pgx.RowTo[string], otherGroup, plan.GroupID,
		append([]string{}, moved...), regrouped, no, regrouped || reparented, plan.Data.ParentCustomerID)
	if err == nil && ok {
		err = kam.Errorf(kam.TargetInvalid, "%s, above or below, is not of group %s", other, plan.GroupID).On("group_id").By("VH03").
			Try("name the other group, or correct the parents first")
	}
	return err
}
