package merge_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kamflow/kamflow/internal/parties"
	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/customer"
	accessdb "github.com/kamflow/kamflow/store/access"
	customerdb "github.com/kamflow/kamflow/store/customer"
	casedb "github.com/kamflow/kamflow/store/onboarding"
	"github.com/kamflow/kamflow/store/storetest"
)

// TestKeyAccountsOfAMerge: which account goes on, for groups and members of
// many kinds; an undo brings all of them back. A customer is written
// number:group, an account number:group:members.
func TestKeyAccountsOfAMerge(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name     string
		groups   map[string]string   // by customer
		accounts map[string][]string // members by group, or by customer without one
		group    string              // that the steward names
		want     map[string]string   // by account, in the order of making: state and members
		tier     kam.Tier            // of the survivor
	}{
		{"neither is in one", nil, nil, "", map[string]string{}, ""},
		{"the survivor is", nil, map[string][]string{"C-000001": {"C-000001"}}, "", map[string]string{"C-000001": "ACTIVE  C-000001"}, "TERRITORY"},
		{"the absorbed one is", nil, map[string][]string{"C-000002": {"C-000002"}}, "", map[string]string{"C-000002": "ACTIVE  C-000001"}, "TERRITORY"},
		{"both are, alone", nil, map[string][]string{"C-000001": {"C-000001"}, "C-000002": {"C-000002"}}, "",
			map[string]string{"C-000001": "ACTIVE  C-000001", "C-000002": "ENDED  C-000002"}, "TERRITORY"},
		{"both in the account of one group", map[string]string{"C-000001": "G-1", "C-000002": "G-1"}, map[string][]string{"G-1": {"C-000001", "C-000002"}}, "",
			map[string]string{"G-1": "ACTIVE G-1 C-000001"}, "TERRITORY"},
		{"the absorbed one's account has other members", map[string]string{"C-000002": "G-2", "C-000003": "G-2"}, map[string][]string{"G-2": {"C-000002", "C-000003"}}, "",
			map[string]string{"G-2": "ACTIVE G-2 C-000001,C-000003"}, "TERRITORY"},
		{"the absorbed one leaves the others of its group", map[string]string{"C-000001": "G-1", "C-000002": "G-2", "C-000003": "G-2"}, map[string][]string{"G-2": {"C-000002", "C-000003"}}, "G-1",
			map[string]string{"G-2": "ACTIVE G-2 C-000003"}, ""},
		{"the survivor goes over to the other group", map[string]string{"C-000001": "G-1", "C-000002": "G-2", "C-000003": "G-2"},
			map[string][]string{"G-1": {"C-000001"}, "G-2": {"C-000002", "C-000003"}}, "G-2",
			map[string]string{"G-1": "ENDED G-1 C-000001", "G-2": "ACTIVE G-2 C-000001,C-000003"}, "TERRITORY"},
		{"the survivor leaves others behind", map[string]string{"C-000001": "G-1", "C-000003": "G-1", "C-000002": "G-2"},
			map[string][]string{"G-1": {"C-000001", "C-000003"}}, "G-2", map[string]string{"G-1": "ACTIVE G-1 C-000003"}, ""},
		{"an account alone takes the survivor's group", map[string]string{"C-000001": "G-1"}, map[string][]string{"C-000002": {"C-000002"}}, "",
			map[string]string{"C-000002": "ACTIVE G-1 C-000001"}, "TERRITORY"},
		{"the account of the group goes before an account alone", map[string]string{"C-000001": "G-1", "C-000003": "G-1"}, map[string][]string{"G-1": {"C-000003"}, "C-000002": {"C-000002"}}, "",
			map[string]string{"G-1": "ACTIVE G-1 C-000001,C-000003", "C-000002": "ENDED  C-000002"}, "TERRITORY"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s, ctx := storetest.New(t), t.Context()
			require.NoError(t, storetest.LoadOrg(ctx, s, storetest.Sample))
			var book []customerdb.BookCustomer
			for i := 1; i <= 3; i++ {
				c := customerdb.BookCustomer{CustomerNo: fmt.Sprintf("C-%06d", i), OwnerID: "rita", Data: storetest.Data(t, fmt.Sprintf(`{"legal_name":"Site %d","country_code":"DE"}`, i))}
				c.GroupID, c.Keys = tt.groups[c.CustomerNo], parties.Keys(c.Data)
				book = append(book, c)
			}
			require.NoError(t, s.Customers.Load(ctx, storetest.Act(), book))
			numbers := map[string]string{}
			storetest.Within(t, s, storetest.NewCase(t, s, "k"), func(tx *casedb.Tx) {
				for name, members := range tt.accounts {
					k := customerdb.KeyAccount{Name: name, Tier: kam.TierTerritory, OwnerID: "mona", Members: members}
					if name[0] == 'G' {
						k.GroupID = name
					}
					no, err := customerdb.In(tx.Entry).SaveKeyAccount(k)
					require.NoError(t, err)
					numbers[name] = no
				}
			})
			before := dump(t, s)
			o := mergeOrder(t, s, "d-1")
			o.Choice.Group = tt.group
			r, err := s.Merges.Merge(ctx, o, storetest.Planner)
			require.NoError(t, err)
			for name, want := range tt.want {
				require.Equal(t, want, storetest.Text(t, s, `
					select state || ' ' || group_id || ' ' || (select string_agg(customer_no, ',' order by customer_no) from kam.key_account_member m where m.key_account_no = k.key_account_no)
					from kam.key_account k where key_account_no = $1`, numbers[name]), name)
			}
			a, err := s.Customers.Customer(ctx, survivorNo)
			require.NoError(t, err)
			require.Equal(t, tt.tier, a.Tier)
			require.Equal(t, tt.tier != "", a.KAStatus == kam.KA)
			u, err := s.Merges.Undo(ctx, undoOrder(t, s, r.MergeID, "d-2"), storetest.Planner)
			require.NoError(t, err)
			require.Empty(t, u.Stayed)
			require.Equal(t, before, dump(t, s))
		})
	}
}

// TestMergeHidesNoStop: a block or a hold by finance would be lost.
func TestMergeHidesNoStop(t *testing.T) {
	t.Parallel()
	s, ctx := merging(t), t.Context()
	set := func(no string, status kam.LifecycleStatus) {
		require.NoError(t, storetest.Exec(t, s, `update kam.customer set status = $2 where customer_no = $1`, no, status))
	}
	set(absorbedNo, kam.Blocked)
	_, err := s.Merges.Merge(ctx, mergeOrder(t, s, "d-1"), storetest.Planner)
	require.ErrorIs(t, err, kam.TargetInvalid)
	require.Contains(t, err.Error(), "hide the block")
	_, _, _, err = s.Merges.Plan(ctx, survivorNo, absorbedNo, customer.MergeChoice{}, storetest.Planner)
	require.ErrorIs(t, err, kam.TargetInvalid, "the plan says so, too")
	set(absorbedNo, kam.Active)
	set(survivorNo, kam.Inactive)
	_, err = s.Merges.Merge(ctx, mergeOrder(t, s, "d-2"), storetest.Planner)
	require.Contains(t, err.Error(), "the other way round")
	set(survivorNo, kam.Active)

	require.NoError(t, storetest.Exec(t, s, `insert into kam.finance_hold (scheme, value, group_id, reason) values ('DUNS', '812810734', '', 'late')`))
	for no, duns := range map[string]string{survivorNo: "812810734", absorbedNo: "812810735"} {
		require.NoError(t, storetest.Exec(t, s, `update kam.customer set data = jsonb_set(data, '{identifiers}', coalesce(data -> 'identifiers', '[]') || jsonb_build_object('scheme', 'DUNS', 'value', $2::text)) where customer_no = $1`, no, duns))
	}
	o := mergeOrder(t, s, "d-3")
	o.Choice.Keep = []customer.Identifier{{Scheme: "DUNS", Value: "812810735"}}
	_, err = s.Merges.Merge(ctx, o, storetest.Planner)
	require.Equal(t, "FINANCE_HOLD", kam.AsError(err).Rule)
	o = mergeOrder(t, s, "d-4")
	o.Choice.Keep = []customer.Identifier{{Scheme: "DUNS", Value: "812810734"}}
	r, err := s.Merges.Merge(ctx, o, storetest.Planner)
	require.NoError(t, err)
	require.Equal(t, []string{"DUNS 812810735"}, r.Moved.Dropped)
	lines, err := s.Customers.List(ctx, customerdb.Filter{Text: "812810735"})
	require.NoError(t, err)
	require.Equal(t, survivorNo, lines[0].MergedInto, "the number that was dropped leads to the survivor")
	storetest.Within(t, s, storetest.NewCase(t, s, "search"), func(tx *casedb.Tx) {
		held, err := accessdb.In(tx.Entry).FinanceHolds("")
		require.NoError(t, err)
		require.True(t, storetest.Planner.HaveOne([]customer.Identifier{{Scheme: "DUNS", Value: "812810734"}}, held.Identifiers))
	})
}

// TestUndoOutOfOrder: two records were merged into one; the first goes again
// before the second.
func TestUndoOutOfOrder(t *testing.T) {
	t.Parallel()
	s, ctx := merging(t), t.Context()
	before := dump(t, s)
	first, err := s.Merges.Merge(ctx, mergeOrder(t, s, "d-1"), storetest.Planner)
	require.NoError(t, err)
	o := mergeOrder(t, s, "d-2")
	o.Absorbed, o.ExpectAbsorbed = "C-000004", versionOf(t, s, "C-000004")
	second, err := s.Merges.Merge(ctx, o, storetest.Planner)
	require.NoError(t, err)
	u, err := s.Merges.Undo(ctx, undoOrder(t, s, first.MergeID, "d-3"), storetest.Planner)
	require.NoError(t, err)
	require.Equal(t, []string{"trading_names"}, u.Stayed)
	a, err := s.Customers.Customer(ctx, survivorNo)
	require.NoError(t, err)
	require.Equal(t, []string{"NWK", "Elb Praxis"}, a.Data.TradingNames)
	require.Equal(t, "Elb Praxis,NWK", storetest.Text(t, s, `select string_agg(n, ',' order by n) from kam.party, jsonb_array_elements_text(data -> 'trading_names') n where ref = $1`, survivorNo))
	_, err = s.Merges.Undo(ctx, undoOrder(t, s, second.MergeID, "d-4"), storetest.Planner)
	require.NoError(t, err)
	require.Equal(t, before, dump(t, s))
	sound(t, s)
}

// TestCommitAndMergeAtOnce: a case commits a record while it is merged. One of
// the two comes first, and the other is told.
func TestCommitAndMergeAtOnce(t *testing.T) {
	t.Parallel()
	s := merging(t)
	no := storetest.NewCase(t, s, "commit")
	changed, err := s.Customers.Customer(t.Context(), absorbedNo)
	require.NoError(t, err)
	changed.Data.City = "Hamburg"
	o := mergeOrder(t, s, "d-1")
	merged := make(chan error, 1)
	go func() {
		_, err := s.Merges.Merge(context.Background(), o, storetest.Planner)
		merged <- err
	}()
	p, err := s.Cases.Effect(t.Context(), storetest.ActOn(no, "commit-it", 1), func(_ context.Context, tx *casedb.Tx) error {
		tx.Log(kam.AuditEvent{Type: kam.EventCustomerCommitted})
		_, err := customerdb.In(tx.Entry).Commit(customerdb.Commit{CustomerNo: absorbedNo, Data: changed.Data, Keys: parties.Keys(changed.Data)})
		return err
	})
	require.NoError(t, err)
	mergeErr := <-merged
	now, err := s.Customers.Customer(t.Context(), absorbedNo)
	require.NoError(t, err)
	if p.Refused != nil {
		require.NoError(t, mergeErr)
		require.Equal(t, "MERGED", p.Refused.Rule)
		require.Equal(t, kam.Absorbed, now.Status)
	} else {
		require.ErrorIs(t, mergeErr, kam.StaleRevision)
		require.Equal(t, kam.Active, now.Status)
		require.Equal(t, "Hamburg", now.Data.City)
	}
}
