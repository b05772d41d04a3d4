package merge

import (
	"context"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/customer"
	"github.com/kamflow/kamflow/kam/onboarding"
	customerdb "github.com/kamflow/kamflow/store/customer"
	"github.com/kamflow/kamflow/store/internal/pg"
)

// A steward is who decides, as every order says.
type steward struct {
	by         kam.UserID
	decisionID string
	reason     string
	at         time.Time
}

// authorize is what the tables say about who decides.
func (m *merger) authorize() error {
	if m.who.decisionID == "" {
		return kam.Errorf(kam.Invalid, "a decision needs an id").On("decision_id")
	}
	if strings.TrimSpace(m.who.reason) == "" {
		return kam.Errorf(kam.ReasonNeeded, "say why").On("reason").Try("give a reason: it stands on the audit trail of both records")
	}
	person, err := m.org.Actor(m.who.by)
	if err != nil {
		return err
	}
	if m.role, err = m.p.May(person); err != nil {
		return err
	}
	used, ok, err := pg.One(m.ctx, m.tx, "look for the decision", pgx.RowTo[string], `select merge_id from kam.merge where decision_id = $1 or undo_id = $1`, m.who.decisionID)
	if err == nil && ok {
		err = kam.Errorf(kam.IDReused, "the decision id stands for %s already", used).On("decision_id").Try("use a new id for a new decision")
	}
	return err
}

// lockRecords locks the identifiers of the records, then their rows and those
// of their children, in order, and reads the records.
func (m *merger) lockRecords(numbers ...string) ([]customerdb.Customer, error) {
	const rows = `select customer_no from kam.customer where customer_no = any ($1) or parent_no = any ($1) order by customer_no for update`

	var ids []customer.Identifier
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
	if _, err := pg.List(m.ctx, m.tx, "lock the customers", pgx.RowTo[string], rows, numbers); err != nil {
		return nil, err
	}
	all := make([]customerdb.Customer, len(numbers))
	for i, no := range numbers {
		var err error
		if all[i], err = m.Customer(no); err != nil {
			return nil, err
		}
	}
	return all, nil
}

func mayBecomeOne(survivor, absorbed customerdb.Customer) error {
	switch {
	case survivor.CustomerNo == absorbed.CustomerNo:
		return kam.Errorf(kam.Invalid, "%s cannot be merged with itself", survivor.CustomerNo).On("absorbed").Try("name two records")
	case absorbed.MergedInto != "":
		return kam.Errorf(kam.AlreadyDecided, "%s was merged into %s already", absorbed.CustomerNo, absorbed.MergedInto).On("absorbed").
			Try("nothing is left to do; or undo that merge first")
	case survivor.MergedInto != "":
		return kam.Errorf(kam.TargetInvalid, "%s was merged into %s", survivor.CustomerNo, survivor.MergedInto).On("survivor").Try("merge with %s", survivor.MergedInto)
	case (survivor.Status == kam.Blocked) != (absorbed.Status == kam.Blocked):
		return kam.Errorf(kam.TargetInvalid, "%s is %s, %s is %s: one record would hide the block", survivor.CustomerNo, survivor.Status, absorbed.CustomerNo, absorbed.Status).
			On("lifecycle_status").Try("have the block lifted, or set on both, first")
	case survivor.Status != kam.Active && absorbed.Status == kam.Active:
		return kam.Errorf(kam.TargetInvalid, "%s is %s, %s is in use", survivor.CustomerNo, survivor.Status, absorbed.CustomerNo).
			On("survivor").Try("merge the other way round")
	}
	return nil
}

// atVersion refuses a decision that was taken on another version.
func atVersion(c customerdb.Customer, expect int) error {
	switch {
	case expect <= 0:
		return kam.Errorf(kam.Invalid, "say which version of %s was decided on", c.CustomerNo).On("expect_version").Try("it is at version %d now", c.Version)
	case expect != c.Version:
		return kam.Errorf(kam.StaleRevision, "%s is at version %d, the decision was taken on version %d", c.CustomerNo, c.Version, expect).
			On("expect_version").Try("look at the record as it is now and decide again")
	}
	return nil
}

// noOpenCase refuses while somebody is at work on one of the customers.
func noOpenCase(ctx context.Context, q pg.Querier, numbers ...string) error {
	type row struct {
		Case, Customer string
		State          onboarding.State
	}
	r, ok, err := pg.One(ctx, q, "look for open cases", pgx.RowToStructByPos[row],
		`select case_no, customer_no, state from kam.cases
			where open and version > 0 and (customer_no = any ($1) or holds = any ($1)) order by case_no limit 1`, numbers)
	if err == nil && ok {
		err = kam.Errorf(kam.OpenCaseExists, "case %s (%s) is at work on %s", r.Case, r.State, r.Customer).On("case_no").Try("let the case end first")
	}
	return err
}

// notOwn is SOD3: the owners of the records and of their key accounts.
func (m *merger) notOwn(records ...customerdb.Customer) error {
	const owners = `
		select owner from kam.key_account k join kam.key_account_member m using (key_account_no)
		where state <> 'ENDED' and m.customer_no = any ($1)`

	var numbers []string
	var all []kam.UserID
	for _, c := range records {
		numbers, all = append(numbers, c.CustomerNo), append(all, c.OwnerID)
	}
	more, err := pg.List(m.ctx, m.tx, "look up the owners", pgx.RowTo[kam.UserID], owners, numbers)
	if err != nil {
		return err
	}
	return m.p.NotOwn(m.who.by, append(all, more...)...)
}

func sideOf(c customerdb.Customer) customer.MergeSide {
	return customer.MergeSide{CustomerNo: c.CustomerNo, GroupID: c.GroupID, Data: c.Data}
}

// keepsHold refuses a choice that would lose a stop by finance: one on a number
// that is dropped, or on a group that does not stand.
func (m *merger) keepsHold(a, b customerdb.Customer, plan customer.MergePlan) error {
	for _, c := range []customerdb.Customer{a, b} {
		lost := c.GroupID
		if lost == plan.GroupID {
			lost = ""
		}
		held, err := m.org.FinanceHolds(lost)
		if err != nil {
			return err
		}
		if held.Group || m.p.HaveOne(plan.Dropped, held.Identifiers) {
			return kam.Errorf(kam.TargetInvalid, "finance holds a number or a group that would not stand").
				On("keep").By("FINANCE_HOLD").Try("keep what is held, or have the hold lifted")
		}
	}
	return nil
}
