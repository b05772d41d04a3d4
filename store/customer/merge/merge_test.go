package merge_test

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/kamflow/kamflow/internal/parties"
	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/store"
	accessdb "github.com/kamflow/kamflow/store/access"
	customerdb "github.com/kamflow/kamflow/store/customer"
	"github.com/kamflow/kamflow/store/customer/merge"
	"github.com/kamflow/kamflow/store/ledger"
	casedb "github.com/kamflow/kamflow/store/onboarding"
	"github.com/kamflow/kamflow/store/storetest"
)

const (
	survivorNo = "C-000001"
	absorbedNo = "C-000002"
)

// book is two records of one clinic, each with all that a customer can have:
// C-000003 above the survivor, C-000004 and C-000005 below the absorbed one.
func mergeBook(t testing.TB) []customerdb.BookCustomer {
	due := func(day int) *time.Time { d := time.Date(2027, 3, day, 8, 0, 0, 0, time.UTC); return &d }
	one := func(no, text string, c customerdb.BookCustomer) customerdb.BookCustomer {
		c.CustomerNo, c.Data = no, storetest.Data(t, text)
		c.Keys = parties.Keys(c.Data)
		return c
	}
	return []customerdb.BookCustomer{
		one("C-000003", `{"legal_name":"Nordwind Holding","country_code":"DE","city":"Kiel"}`, customerdb.BookCustomer{GroupID: "G-1", OwnerID: "otto"}),
		one(survivorNo, `{"legal_name":"Nordwind Klinik GmbH","country_code":"DE","city":"Hamburg","postal_code":"20095","street":"Am Wall 1",
			"parent_customer_id":"C-000003","group_id":"G-1","group_name":"Nordwind","trading_names":["NWK"],"credit_rating":"B",
			"identifiers":[{"scheme":"VAT_EU","value":"DE136695976"}],
			"addresses":[{"type":"LEGAL","line1":"Am Wall 1","city":"Hamburg","postal_code":"20095","country_code":"DE"}],
			"contacts":[{"name":"Ada Berg","decision_role":"DECIDER","email":"ada@nordwind.example"}],"sales_account_no":"A1"}`,
			customerdb.BookCustomer{GroupID: "G-1", Territory: "DE-HH", OwnerID: "otto", KAStatus: kam.KA, Tier: kam.TierRegional, ReviewDue: due(20)}),
		one(absorbedNo, `{"legal_name":"Nordwind Hospital","country_code":"DE","city":"Altona","postal_code":"22765","street":"Elbweg 2","website":"https://hospital.example",
			"trading_names":["Elbklinik"],"credit_rating":"C","employees":40,
			"identifiers":[{"scheme":"LEI","value":"213800KUD8LAJWSQ9D15"},{"scheme":"GLN","value":"4006381333931"}],
			"addresses":[{"type":"LEGAL","line1":"Elbweg 2","city":"Altona","postal_code":"22765","country_code":"DE"},{"type":"SHIPPING","line1":"Kai 9","city":"Hamburg","country_code":"DE"}],
			"contacts":[{"name":"ada berg","decision_role":"USER","phone":"+494012345"},{"name":"Bo Lund","decision_role":"BUYER"}]}`,
			customerdb.BookCustomer{Territory: "DE-HB", OwnerID: "mona", KAStatus: kam.KA, Tier: kam.TierTerritory, ReviewDue: due(1), Coverage: "A", Segment: json.RawMessage(`{"abc":"A"}`)}),
		one("C-000004", `{"legal_name":"Elb Praxis","country_code":"DE","parent_customer_id":"C-000002"}`, customerdb.BookCustomer{OwnerID: "otto"}),
		one("C-000005", `{"legal_name":"Elb Labor","country_code":"DE","parent_customer_id":"C-000002"}`, customerdb.BookCustomer{OwnerID: "otto"}),
	}
}

// merging is a store with that book, sales of both records, an ABC snapshot and
// open tasks of the absorbed one's key account.
func merging(t testing.TB) *store.Store {
	t.Helper()
	s, ctx := storetest.New(t), context.Background()
	org := storetest.Sample
	org.Users = append(slices.Clone(storetest.Sample.Users), accessdb.User{ID: "dirk", Name: "Dirk", Roles: []kam.Role{kam.DataSteward}},
		accessdb.User{ID: "otto", Name: "Otto", Roles: []kam.Role{kam.SalesRep, kam.DataSteward}})
	require.NoError(t, storetest.LoadOrg(ctx, s, org))
	require.NoError(t, s.Customers.Load(ctx, storetest.Act(), mergeBook(t)))
	margin := int64(400)
	require.NoError(t, s.Customers.LoadSales(ctx, storetest.Act(), []customerdb.SalesFact{
		{AccountNo: "A1", Month: "2026-08", Currency: "EUR", NetRevenue: 1000, GrossMargin: &margin, Orders: 1, LastOrderDate: "2026-08-03", PLLines: map[string]int64{"rebates": 10}},
		{AccountNo: absorbedNo, Month: "2026-08", Currency: "EUR", NetRevenue: 50, GrossMargin: &margin, Orders: 2, LastOrderDate: "2026-08-20", PLLines: map[string]int64{"rebates": 5}},
		{AccountNo: absorbedNo, Month: "2026-07", Currency: "EUR", NetRevenue: 7, Orders: 1},
		{AccountNo: absorbedNo, Month: "2025-08", Currency: "EUR", NetRevenue: 300, Orders: 1},
	}))
	_, err := s.Customers.RebuildABC(ctx, storetest.Noon)
	require.NoError(t, err)
	no := storetest.NewCase(t, s, "earlier")
	storetest.Within(t, s, no, func(tx *casedb.Tx) {
		k, err := customerdb.In(tx.Entry).KeyAccountOf(absorbedNo)
		require.NoError(t, err)
		require.NoError(t, tx.OpenSideTask(kam.Task{Kind: kam.TaskProfile, Step: "2.1", Assignees: []kam.UserID{"mona"}}, k.No))
		require.NoError(t, tx.OpenSideTask(kam.Task{Kind: kam.TaskProfile, Step: "2.1", Assignees: []kam.UserID{"mona"}}, absorbedNo))
		require.NoError(t, customerdb.In(tx.Entry).SetFailedReviews(absorbedNo, 1))
		tx.Case.CommittedAs, tx.Case.State = absorbedNo, kam.Completed
		require.NoError(t, tx.CloseTask("DONE", "rita"))
	})
	return s
}

func versionOf(t testing.TB, s *store.Store, no string) int {
	t.Helper()
	c, err := s.Customers.Customer(context.Background(), no)
	require.NoError(t, err)
	return c.Version
}

func mergeOrder(t testing.TB, s *store.Store, id string) merge.Order {
	return merge.Order{
		Survivor: survivorNo, Absorbed: absorbedNo, ExpectSurvivor: versionOf(t, s, survivorNo), ExpectAbsorbed: versionOf(t, s, absorbedNo),
		Reason: "one clinic", By: "dora", DecisionID: id, At: storetest.Noon,
	}
}

func undoOrder(t testing.TB, s *store.Store, mergeID, id string) merge.UndoOrder {
	return merge.UndoOrder{CustomerNo: survivorNo, MergeID: mergeID, ExpectVersion: versionOf(t, s, survivorNo), Reason: "two clinics after all", By: "dora", DecisionID: id, At: storetest.Noon}
}

// dump is everything that hangs on customers, but for versions and times.
func dump(t testing.TB, s *store.Store) string {
	t.Helper()
	var b strings.Builder
	for _, sql := range []string{
		`select to_jsonb(c) - 'version' - 'updated_at' from kam.customer c order by customer_no`,
		`select to_jsonb(i) from kam.customer_identifier i order by customer_no, position`,
		`select to_jsonb(a) from kam.customer_address a order by customer_no, position`,
		`select to_jsonb(c) from kam.contact c where owner like 'C-%' order by owner, position`,
		`select to_jsonb(p) from kam.party p order by ref`,
		`select to_jsonb(x) from kam.customer_sales_account x order by 1`,
		`select to_jsonb(k) - 'updated_at' from kam.key_account k order by key_account_no`,
		`select to_jsonb(m) from kam.key_account_member m order by key_account_no, customer_no`,
		`select to_jsonb(k) from kam.task k where subject <> '' order by task_id`,
		`select to_jsonb(f) from kam.sales_fact f order by account_no, month`,
		`select to_jsonb(r) from kam.abc_row r order by snapshot_id, customer_no`,
	} {
		rows, err := storetest.Pool(t, s).Query(context.Background(), sql)
		require.NoError(t, err)
		for rows.Next() {
			var line string
			require.NoError(t, rows.Scan(&line))
			b.WriteString(line + "\n")
		}
		require.NoError(t, rows.Err())
	}
	return b.String()
}

func sound(t testing.TB, s *store.Store) {
	t.Helper()
	require.NoError(t, s.Chains(context.Background(), func(c ledger.Chain) error {
		b, ok := c.Verify()
		require.True(t, ok, b)
		return nil
	}))
}

// TestMergeTakesEverythingAlong: each thing that hangs on a customer, row by
// row, and all of it back when the merge is undone.
func TestMergeTakesEverythingAlong(t *testing.T) {
	t.Parallel()
	s, ctx := merging(t), t.Context()
	before := dump(t, s)
	r, err := s.Merges.Merge(ctx, mergeOrder(t, s, "d-1"), storetest.Planner)
	require.NoError(t, err)
	require.Equal(t, "M-000001", r.MergeID)
	again, err := s.Merges.Merge(ctx, mergeOrder(t, s, "d-1"), storetest.Planner)
	require.NoError(t, err)
	require.Equal(t, r, again, "the same decision is done once")

	a, err := s.Customers.Customer(ctx, survivorNo)
	require.NoError(t, err)
	b, err := s.Customers.Customer(ctx, absorbedNo)
	require.NoError(t, err)
	t.Run("versions and status", func(t *testing.T) {
		require.Equal(t, r.Version, a.Version)
		require.Equal(t, 2, storetest.Count(t, s, `select count(*) from kam.customer_version where customer_no = $1`, survivorNo))
		require.Equal(t, 1, storetest.Count(t, s, `select count(*) from kam.customer_version where customer_no = $1`, absorbedNo))
		require.Equal(t, kam.Absorbed, b.Status)
		require.Equal(t, survivorNo, b.MergedInto)
		v, err := s.Customers.View(ctx, absorbedNo)
		require.NoError(t, err)
		require.Equal(t, []string{absorbedNo}, v.Followed)
		require.Equal(t, survivorNo, v.Customer.CustomerNo)
		require.Equal(t, []string{"A1", absorbedNo}, v.SalesAccounts)
		require.Equal(t, []string{"C-000004", "C-000005"}, v.Children)
		require.Equal(t, "KA-000002", v.KeyAccount.No)
	})
	t.Run("identifiers", func(t *testing.T) {
		require.Equal(t, 0, storetest.Count(t, s, `select count(*) from kam.customer_identifier where customer_no = $1`, absorbedNo))
		require.Equal(t, "GLN,LEI,VAT_EU", storetest.Text(t, s, `select string_agg(scheme, ',' order by scheme) from kam.customer_identifier where customer_no = $1`, survivorNo))
	})
	t.Run("addresses", func(t *testing.T) {
		require.Equal(t, 0, storetest.Count(t, s, `select count(*) from kam.customer_address where customer_no = $1`, absorbedNo))
		require.Equal(t, "LEGAL Am Wall 1,VISIT Elbweg 2,SHIPPING Kai 9", storetest.Text(t, s, `select string_agg(type || ' ' || (address ->> 'line1'), ',' order by position) from kam.customer_address where customer_no = $1`, survivorNo))
	})
	t.Run("contacts", func(t *testing.T) {
		require.Empty(t, b.Data.Contacts)
		require.Len(t, a.Data.Contacts, 2)
		require.Equal(t, "+494012345", a.Data.Contacts[0].Phone)
		require.NotContains(t, storetest.Text(t, s, `select record::text from kam.merge`), "Lund", "no personal data in the record")
		require.NotContains(t, storetest.Text(t, s, `select string_agg(result::text, '') from kam.subject_effect`), "Lund")
	})
	t.Run("names lead to the survivor", func(t *testing.T) {
		require.Equal(t, []string{"NWK", "Elbklinik", "Nordwind Hospital"}, a.Data.TradingNames)
		storetest.Within(t, s, storetest.NewCase(t, s, "search"), func(tx *casedb.Tx) {
			for what, k := range map[string]customerdb.PartyKeys{
				"identifier": {Identifiers: mergeBook(t)[2].Data.Identifiers[:1]}, "domain": {Domains: []string{"hospital.example"}},
				"postal code": {Country: "DE", PostalCode: "22765"}, "name": {Country: "DE", Names: []string{"elbklinik"}},
			} {
				found, err := customerdb.In(tx.Entry).Parties(k, tx.Case.CaseNo)
				require.NoError(t, err)
				var refs []string
				for _, p := range found {
					if p.Kind == customerdb.PartyCustomer {
						refs = append(refs, p.Ref+"="+p.CustomerID+" "+p.GroupID)
					}
				}
				require.Contains(t, refs, survivorNo+"="+survivorNo+" G-1", what)
				require.NotContains(t, strings.Join(refs, " "), absorbedNo, what)
			}
			others, err := customerdb.In(tx.Entry).DomainOrIdentifierElsewhere(customerdb.PartyKeys{Domains: []string{"hospital.example"}}, "G-9", "")
			require.NoError(t, err)
			require.Equal(t, []string{survivorNo}, others)
		})
	})
	t.Run("children and parent", func(t *testing.T) {
		require.Equal(t, []string{"C-000004", "C-000005"}, r.Moved.Children)
		for _, no := range r.Moved.Children {
			c, err := s.Customers.Customer(ctx, no)
			require.NoError(t, err)
			require.Equal(t, survivorNo, c.ParentNo)
			require.Equal(t, survivorNo, c.Data.ParentCustomerID)
			require.Equal(t, 2, c.Version)
		}
		require.Equal(t, "C-000003", a.ParentNo)
	})
	t.Run("group", func(t *testing.T) {
		require.Equal(t, "G-1", a.GroupID)
		storetest.Within(t, s, storetest.NewCase(t, s, "group"), func(tx *casedb.Tx) {
			members, err := customerdb.In(tx.Entry).GroupMembers("G-1")
			require.NoError(t, err)
			require.Len(t, members, 2, "holding and survivor")
		})
	})
	t.Run("key accounts and tasks", func(t *testing.T) {
		require.Equal(t, kam.KA, a.KAStatus)
		require.Equal(t, kam.TierRegional, a.Tier)
		require.Equal(t, kam.NonKA, b.KAStatus)
		require.Equal(t, "ENDED M-000001: C-000002 was merged into C-000001", storetest.Text(t, s, `select state || ' ' || note from kam.key_account where key_account_no = 'KA-000001'`))
		require.Equal(t, "KA-000002,C-000001", storetest.Text(t, s, `select string_agg(subject, ',' order by task_id) from kam.task where subject <> '' and status = 'OPEN'`))
		require.Equal(t, "2027-03-01", storetest.Text(t, s, `select to_char(review_due, 'YYYY-MM-DD') from kam.key_account where key_account_no = 'KA-000002'`))
	})
	t.Run("reviews and coverage", func(t *testing.T) {
		require.Equal(t, 1, a.ReviewDue.Day(), "the earlier")
		require.Equal(t, 1, a.FailedReviews, "the larger")
		require.Equal(t, "A", a.Coverage)
		require.JSONEq(t, `{"abc":"A"}`, string(a.Segment))
	})
	t.Run("sales", func(t *testing.T) {
		storetest.Within(t, s, storetest.NewCase(t, s, "sales"), func(tx *casedb.Tx) {
			got, err := customerdb.In(tx.Entry).SalesFacts("A1", storetest.Noon)
			require.NoError(t, err)
			margin, last := int64(800), time.Date(2026, 8, 20, 0, 0, 0, 0, time.UTC)
			require.Equal(t, customerdb.Sales{Account: "A1", Known: true, Currency: "EUR", Net12: 1057, Prior12: 300, Margin12: &margin,
				Orders12: 4, LastOrder: &last, Currencies: 1, FirstRevenue: storetest.Month(2025, 8)}, got)
			lines, err := customerdb.In(tx.Entry).PLLines("A1")
			require.NoError(t, err)
			require.Equal(t, map[string]int64{"rebates": 15}, lines)
		})
		sums := `select string_agg(customer_no || ' ' || revenue, ',' order by customer_no) from kam.abc_row where customer_no in ('C-000001', 'C-000002')`
		require.Equal(t, "C-000001 1057", storetest.Text(t, s, sums))
		_, err := s.Customers.RebuildABC(ctx, storetest.Noon)
		require.NoError(t, err)
		require.Equal(t, "C-000001 1057", storetest.Text(t, s, sums), "built anew it is the same")
	})
	t.Run("cases keep their number", func(t *testing.T) {
		trail, err := s.Customers.Trail(ctx, survivorNo)
		require.NoError(t, err)
		require.Equal(t, []string{survivorNo, absorbedNo}, trail.Records)
		require.Len(t, trail.Cases, 1)
		require.Equal(t, absorbedNo, trail.Cases[0].CustomerNo)
	})
	t.Run("trails and message", func(t *testing.T) {
		for _, no := range []string{survivorNo, absorbedNo} {
			events, err := s.TrailOf(ctx, "customer/"+no)
			require.NoError(t, err)
			require.Len(t, events, 1)
			require.Equal(t, kam.EventCustomerMerged, events[0].Type)
			require.Equal(t, "C-000002 was merged into C-000001: one clinic", events[0].Text)
			require.Equal(t, "d-1", events[0].DecisionID)
			require.Equal(t, []kam.Role{kam.DataSteward}, events[0].RolesUsed)
		}
		require.Equal(t, "{otto,mona}", storetest.Text(t, s, `select recipients::text from kam.outbox where kind = 'customer.merged'`))
	})
	t.Run("the absorbed record is not revived", func(t *testing.T) {
		require.ErrorIs(t, s.Customers.Load(ctx, storetest.Act(), mergeBook(t)), kam.TargetInvalid)
		storetest.Within(t, s, storetest.NewCase(t, s, "revive"), func(tx *casedb.Tx) {
			_, err := customerdb.In(tx.Entry).Commit(customerdb.Commit{CustomerNo: absorbedNo, Data: b.Data})
			require.ErrorIs(t, err, kam.TargetInvalid)
			require.Contains(t, err.Error(), "merged into C-000001")
		})
	})

	undone, err := s.Merges.Undo(ctx, undoOrder(t, s, r.MergeID, "d-2"), storetest.Planner)
	require.NoError(t, err)
	require.Empty(t, undone.Stayed)
	require.Equal(t, []string{"C-000004", "C-000005"}, undone.Moved.Children)
	require.Equal(t, before, dump(t, s))
	same, err := s.Merges.Undo(ctx, undoOrder(t, s, r.MergeID, "d-2"), storetest.Planner)
	require.NoError(t, err)
	require.Equal(t, undone, same)
	_, err = s.Merges.Undo(ctx, undoOrder(t, s, r.MergeID, "d-3"), storetest.Planner)
	require.ErrorIs(t, err, kam.AlreadyDecided)
	storetest.Within(t, s, storetest.NewCase(t, s, "sales again"), func(tx *casedb.Tx) {
		got, err := customerdb.In(tx.Entry).SalesOf([]string{"A1", absorbedNo}, storetest.Noon)
		require.NoError(t, err)
		require.EqualValues(t, 1000, got["A1"].Net12)
		require.EqualValues(t, 57, got[absorbedNo].Net12)
	})
	sound(t, s)
}

// TestMergeIsRefusedOnRecord: who may not, what does not fit, and what has
// changed; each stands on the survivor's trail and nothing has moved.
func TestMergeIsRefusedOnRecord(t *testing.T) {
	t.Parallel()
	s, ctx := merging(t), t.Context()
	open := storetest.NewCase(t, s, "open")
	before := dump(t, s)
	tests := []struct {
		name   string
		change func(o *merge.Order)
		code   kam.Code
		rule   string
	}{
		{"nobody", func(o *merge.Order) { o.By = "nobody" }, kam.Forbidden, ""},
		{"a sales rep", func(o *merge.Order) { o.By = "rita" }, kam.Forbidden, ""},
		{"who has left", func(o *merge.Order) { o.By = "away" }, kam.Forbidden, ""},
		{"the owner", func(o *merge.Order) { o.By = "otto" }, kam.Separation, "SOD3"},
		{"without a reason", func(o *merge.Order) { o.Reason = " " }, kam.ReasonNeeded, ""},
		{"with itself", func(o *merge.Order) { o.Absorbed = o.Survivor }, kam.Invalid, ""},
		{"an old survivor", func(o *merge.Order) { o.ExpectSurvivor++ }, kam.StaleRevision, ""},
		{"an old absorbed one", func(o *merge.Order) { o.ExpectAbsorbed += 3 }, kam.StaleRevision, ""},
		{"no version", func(o *merge.Order) { o.ExpectAbsorbed = 0 }, kam.Invalid, ""},
		{"a third group", func(o *merge.Order) { o.Choice.Group = "G-7" }, kam.Invalid, ""},
		{"no such field", func(o *merge.Order) { o.Choice.Take = []string{"mood"} }, kam.Invalid, ""},
	}
	for i, tt := range tests {
		o := mergeOrder(t, s, fmt.Sprint("d-", i))
		tt.change(&o)
		_, err := s.Merges.Merge(ctx, o, storetest.Planner)
		require.Equal(t, tt.code, kam.CodeOf(err), "%s: %v", tt.name, err)
		require.Equal(t, tt.rule, kam.AsError(err).Rule, tt.name)
	}
	// The rest depends on what is stored.
	require.NoError(t, storetest.Exec(t, s, `update kam.cases set customer_no = 'C-000002' where case_no = $1`, open))
	_, err := s.Merges.Merge(ctx, mergeOrder(t, s, "d-open"), storetest.Planner)
	require.ErrorIs(t, err, kam.OpenCaseExists)
	require.Contains(t, err.Error(), string(open))
	require.NoError(t, storetest.Exec(t, s, `update kam.cases set customer_no = '' where case_no = $1`, open))

	require.NoError(t, s.Customers.LoadSales(ctx, storetest.Act(), []customerdb.SalesFact{{AccountNo: absorbedNo, Month: "2020-01", Currency: "CHF"}}))
	_, err = s.Merges.Merge(ctx, mergeOrder(t, s, "d-money"), storetest.Planner)
	require.Equal(t, "CURRENCY", kam.AsError(err).Rule)
	require.Contains(t, err.Error(), "CHF and EUR")
	require.NoError(t, storetest.Exec(t, s, `delete from kam.sales_fact where currency = 'CHF'`))

	require.NoError(t, storetest.Exec(t, s, `update kam.customer set group_id = 'G-2' where customer_no = $1`, absorbedNo))
	_, err = s.Merges.Merge(ctx, mergeOrder(t, s, "d-group"), storetest.Planner)
	require.Equal(t, "VH03", kam.AsError(err).Rule)
	o := mergeOrder(t, s, "d-group-2")
	o.Choice.Group = "G-2"
	_, err = s.Merges.Merge(ctx, o, storetest.Planner)
	require.Equal(t, "VH03", kam.AsError(err).Rule, "the survivor's parent is of group G-1")
	require.NoError(t, storetest.Exec(t, s, `update kam.customer set group_id = '' where customer_no = $1`, absorbedNo))

	// C-000003 above the survivor hangs below the absorbed record.
	require.NoError(t, storetest.Exec(t, s, `update kam.customer set parent_no = 'C-000004' where customer_no = 'C-000003'`))
	_, err = s.Merges.Merge(ctx, mergeOrder(t, s, "d-circle"), storetest.Planner)
	require.Equal(t, "VH02", kam.AsError(err).Rule)
	require.NoError(t, storetest.Exec(t, s, `update kam.customer set parent_no = '' where customer_no = 'C-000003'`))

	_, err = s.Merges.Merge(ctx, merge.Order{Survivor: survivorNo, Absorbed: "C-999999", By: "dora", DecisionID: "x", Reason: "x"}, storetest.Planner)
	require.ErrorIs(t, err, kam.NotFound)
	require.Equal(t, before, dump(t, s))
	events, err := s.TrailOf(ctx, "customer/"+survivorNo)
	require.NoError(t, err)
	require.Len(t, events, len(tests)+5)
	for _, e := range events {
		require.Equal(t, kam.EventDecisionRefused, e.Type)
	}
	require.NoError(t, s.Customers.Refuse(ctx, survivorNo, "rita", "early", storetest.Noon, kam.Errorf(kam.Forbidden, "not a steward")))
	require.Equal(t, len(tests)+6, storetest.Count(t, s, `select count(*) from kam.audit where case_no = 'customer/C-000001'`))
	sound(t, s)
}

// TestMergesAtOnceAreOne: the same decision from two programs, other decisions
// on the same pair, and the pair the other way round.
func TestMergesAtOnceAreOne(t *testing.T) {
	t.Parallel()
	s := merging(t)
	var group sync.WaitGroup
	var mu sync.Mutex
	done, refused := map[string]int{}, 0
	for i := range 8 {
		o := mergeOrder(t, s, fmt.Sprint("d-", i/2))
		if i >= 6 {
			o.Survivor, o.Absorbed = o.Absorbed, o.Survivor
		}
		group.Go(func() {
			r, err := s.Merges.Merge(context.Background(), o, storetest.Planner)
			mu.Lock()
			defer mu.Unlock()
			if err == nil {
				done[r.MergeID]++
				return
			}
			code := kam.CodeOf(err)
			require.Contains(t, []kam.Code{kam.AlreadyDecided, kam.TargetInvalid}, code, err)
			refused++
		})
	}
	group.Wait()
	require.Len(t, done, 1)
	for _, n := range done {
		require.Equal(t, 2, n, "the decision and its repetition")
	}
	require.Equal(t, 6, refused)
	require.Equal(t, 1, storetest.Count(t, s, `select count(*) from kam.merge`))
	sound(t, s)
}

// TestMergeChains: A into B, B into C. Reads and searches end at C, and the
// merges are undone in the order in which that is possible.
func TestMergeChains(t *testing.T) {
	t.Parallel()
	s, ctx := merging(t), t.Context()
	before := dump(t, s)
	first, err := s.Merges.Merge(ctx, mergeOrder(t, s, "d-1"), storetest.Planner)
	require.NoError(t, err)
	between := dump(t, s)
	o := mergeOrder(t, s, "d-2")
	o.Survivor, o.Absorbed = "C-000003", survivorNo
	o.ExpectSurvivor, o.ExpectAbsorbed = versionOf(t, s, "C-000003"), versionOf(t, s, survivorNo)
	second, err := s.Merges.Merge(ctx, o, storetest.Planner)
	require.NoError(t, err)
	require.Equal(t, []string{"A1", absorbedNo}, second.Moved.SalesAccounts)

	v, err := s.Customers.View(ctx, absorbedNo)
	require.NoError(t, err)
	require.Equal(t, "C-000003", v.Customer.CustomerNo)
	require.Equal(t, []string{absorbedNo, survivorNo}, v.Followed)
	require.Empty(t, v.Customer.ParentNo, "its parent was itself")
	storetest.Within(t, s, storetest.NewCase(t, s, "search"), func(tx *casedb.Tx) {
		found, err := customerdb.In(tx.Entry).Parties(customerdb.PartyKeys{Domains: []string{"hospital.example"}}, tx.Case.CaseNo)
		require.NoError(t, err)
		for _, p := range found {
			require.Equal(t, "C-000003", p.Ref)
		}
		got, err := customerdb.In(tx.Entry).SalesFacts("C-000003", storetest.Noon)
		require.NoError(t, err)
		require.EqualValues(t, 1057, got.Net12)
	})
	trail, err := s.Customers.Trail(ctx, absorbedNo)
	require.NoError(t, err)
	require.Equal(t, []string{"C-000003", survivorNo, absorbedNo}, trail.Records)

	again := mergeOrder(t, s, "d-3")
	_, err = s.Merges.Merge(ctx, again, storetest.Planner)
	require.ErrorIs(t, err, kam.AlreadyDecided)
	again.Absorbed, again.DecisionID, again.ExpectAbsorbed = "C-000004", "d-4", versionOf(t, s, "C-000004")
	_, err = s.Merges.Merge(ctx, again, storetest.Planner)
	require.ErrorIs(t, err, kam.TargetInvalid, "into a record that was merged")
	_, err = s.Merges.Undo(ctx, undoOrder(t, s, first.MergeID, "d-5"), storetest.Planner)
	require.ErrorIs(t, err, kam.TargetInvalid, "the later merge is undone first")

	undo := undoOrder(t, s, second.MergeID, "d-6")
	undo.CustomerNo, undo.ExpectVersion = "C-000003", versionOf(t, s, "C-000003")
	_, err = s.Merges.Undo(ctx, undo, storetest.Planner)
	require.NoError(t, err)
	require.Equal(t, between, dump(t, s))
	_, err = s.Merges.Undo(ctx, undoOrder(t, s, first.MergeID, "d-7"), storetest.Planner)
	require.NoError(t, err)
	require.Equal(t, before, dump(t, s))
	sound(t, s)
}

// TestUndoKeepsWhatCameSince: a case changed the survivor after the merge.
func TestUndoKeepsWhatCameSince(t *testing.T) {
	t.Parallel()
	s, ctx := merging(t), t.Context()
	r, err := s.Merges.Merge(ctx, mergeOrder(t, s, "d-1"), storetest.Planner)
	require.NoError(t, err)
	storetest.Within(t, s, storetest.NewCase(t, s, "later"), func(tx *casedb.Tx) {
		c, err := customerdb.In(tx.Entry).Customer(survivorNo)
		require.NoError(t, err)
		c.Data.CreditRating = "A"
		c.Data.Contacts = append(c.Data.Contacts, kam.Contact{Name: "Cy Dahl", DecisionRole: "USER"})
		_, err = customerdb.In(tx.Entry).Commit(customerdb.Commit{CustomerNo: survivorNo, Data: c.Data, GroupID: c.GroupID, Territory: "DE-N", OwnerID: c.OwnerID, Keys: parties.Keys(c.Data)})
		require.NoError(t, err)
		k, err := customerdb.In(tx.Entry).KeyAccountOf("G-1")
		require.NoError(t, err)
		k.Tier = kam.TierNational
		_, err = customerdb.In(tx.Entry).SaveKeyAccount(*k)
		require.NoError(t, err)
	})
	undone, err := s.Merges.Undo(ctx, undoOrder(t, s, r.MergeID, "d-2"), storetest.Planner)
	require.NoError(t, err)
	require.Subset(t, undone.Stayed, []string{"credit_rating", "contacts", "territory", "key account KA-000002"})
	a, err := s.Customers.Customer(ctx, survivorNo)
	require.NoError(t, err)
	require.EqualValues(t, "A", a.Data.CreditRating)
	require.Equal(t, "DE-N", a.Territory)
	var names []string
	for _, c := range a.Data.Contacts {
		names = append(names, c.Name+c.Phone)
	}
	require.Equal(t, []string{"Ada Berg", "Cy Dahl"}, names, "without the phone that the merge brought")
	require.Equal(t, kam.TierNational, a.Tier)
	b, err := s.Customers.Customer(ctx, absorbedNo)
	require.NoError(t, err)
	require.Equal(t, kam.Active, b.Status)
	require.Equal(t, mergeBook(t)[2].Data.Contacts, b.Data.Contacts)
	require.Equal(t, mergeBook(t)[2].Data.Identifiers, b.Data.Identifiers)
	require.Equal(t, kam.TierTerritory, b.Tier)
	sound(t, s)
}

// TestSurvivorJoinsTheKeyAccount of the absorbed record, where it has none.
func TestSurvivorJoinsTheKeyAccount(t *testing.T) {
	t.Parallel()
	s, ctx := merging(t), t.Context()
	before := dump(t, s)
	o := mergeOrder(t, s, "d-1")
	o.Survivor, o.ExpectSurvivor, o.Choice.Take = "C-000004", versionOf(t, s, "C-000004"), []string{"legal_name"}
	r, err := s.Merges.Merge(ctx, o, storetest.Planner)
	require.NoError(t, err)
	c, err := s.Customers.Customer(ctx, "C-000004")
	require.NoError(t, err)
	require.Equal(t, kam.KA, c.KAStatus)
	require.Equal(t, "Nordwind Hospital", c.Data.LegalName)
	require.Contains(t, c.Data.TradingNames, "Elb Praxis")
	require.Empty(t, c.ParentNo, "what was its parent is itself now")
	v, err := s.Customers.View(ctx, absorbedNo)
	require.NoError(t, err)
	require.Equal(t, []string{"C-000004"}, v.KeyAccount.Members)
	require.Equal(t, []string{"C-000005"}, v.Children)
	undo := undoOrder(t, s, r.MergeID, "d-2")
	undo.CustomerNo, undo.ExpectVersion = absorbedNo, versionOf(t, s, "C-000004") // by the number of the absorbed record
	_, err = s.Merges.Undo(ctx, undo, storetest.Planner)
	require.NoError(t, err)
	require.Equal(t, before, dump(t, s))
}

func TestSplit(t *testing.T) {
	t.Parallel()
	s, ctx := merging(t), t.Context()
	merged, err := s.Merges.Merge(ctx, mergeOrder(t, s, "d-1"), storetest.Planner)
	require.NoError(t, err)
	o := merge.SplitOrder{
		CustomerNo: survivorNo, ExpectVersion: versionOf(t, s, survivorNo), Reason: "two clinics", By: "dora", DecisionID: "d-2", At: storetest.Noon,
		Choice: kam.SplitChoice{
			LegalName: "Elbklinik GmbH", TradingNames: []string{"Elbklinik"}, Identifiers: []kam.Identifier{{Scheme: "LEI", Value: "213800KUD8LAJWSQ9D15"}},
			Addresses: []int{2}, Contacts: []int{2}, SalesAccounts: []string{absorbedNo},
		},
	}
	stale := o
	stale.ExpectVersion, stale.DecisionID = 1, "d-stale"
	_, err = s.Merges.Split(ctx, stale, storetest.Planner)
	require.ErrorIs(t, err, kam.StaleRevision)
	own := o
	own.By, own.DecisionID = "otto", "d-own"
	_, err = s.Merges.Split(ctx, own, storetest.Planner)
	require.ErrorIs(t, err, kam.Separation)
	r, err := s.Merges.Split(ctx, o, storetest.Planner)
	require.NoError(t, err)
	again, err := s.Merges.Split(ctx, o, storetest.Planner)
	require.NoError(t, err)
	require.Equal(t, r, again)
	require.Equal(t, merge.SplitKind, r.Kind)

	a, err := s.Customers.Customer(ctx, survivorNo)
	require.NoError(t, err)
	n, err := s.Customers.Customer(ctx, r.OtherNo)
	require.NoError(t, err)
	require.Equal(t, "C-000006", n.CustomerNo)
	require.Equal(t, 1, n.Version)
	require.Equal(t, "G-1", n.GroupID)
	require.Equal(t, "C-000003", n.ParentNo)
	require.Equal(t, "Bo Lund", n.Data.Contacts[0].Name)
	require.Equal(t, "Altona", n.Data.City)
	require.Len(t, n.Data.Identifiers, 1)
	require.Equal(t, kam.NonKA, n.KAStatus)
	require.Len(t, a.Data.Identifiers, 2)
	require.Len(t, a.Data.Addresses, 2)
	require.Equal(t, []string{"NWK", "Nordwind Hospital"}, a.Data.TradingNames)
	require.Equal(t, kam.KA, a.KAStatus)
	storetest.Within(t, s, storetest.NewCase(t, s, "after"), func(tx *casedb.Tx) {
		got, err := customerdb.In(tx.Entry).SalesOf([]string{"A1", absorbedNo}, storetest.Noon)
		require.NoError(t, err)
		require.EqualValues(t, 1000, got["A1"].Net12)
		require.EqualValues(t, 57, got[n.SalesAccount].Net12)
		found, err := customerdb.In(tx.Entry).Parties(customerdb.PartyKeys{Identifiers: n.Data.Identifiers}, tx.Case.CaseNo)
		require.NoError(t, err)
		var refs []string
		for _, p := range found {
			refs = append(refs, p.Ref)
		}
		require.Contains(t, refs, n.CustomerNo)
	})
	require.Equal(t, "C-000001 1000,C-000006 57", storetest.Text(t, s, `select string_agg(customer_no || ' ' || revenue, ',' order by customer_no) from kam.abc_row where customer_no in ('C-000001', 'C-000006')`))
	for _, no := range []string{survivorNo, n.CustomerNo} {
		events, err := s.TrailOf(ctx, "customer/"+no)
		require.NoError(t, err)
		require.Equal(t, kam.EventCustomerSplit, events[len(events)-1].Type)
	}
	_, err = s.Merges.Undo(ctx, undoOrder(t, s, merged.MergeID, "d-3"), storetest.Planner)
	require.ErrorIs(t, err, kam.TargetInvalid, "a sales account of the absorbed record has gone to the new one")
	_, err = s.Merges.Undo(ctx, undoOrder(t, s, r.MergeID, "d-4"), storetest.Planner)
	require.ErrorIs(t, err, kam.TargetInvalid, "a split is undone by a merge")

	// The last account cannot go: the facts stand under the customer's number.
	last := merge.SplitOrder{CustomerNo: "C-000004", ExpectVersion: versionOf(t, s, "C-000004"), Reason: "x", By: "dora", DecisionID: "d-5", At: storetest.Noon,
		Choice: kam.SplitChoice{LegalName: "Other", SalesAccounts: []string{"C-000004"}}}
	_, err = s.Merges.Split(ctx, last, storetest.Planner)
	require.ErrorIs(t, err, kam.TargetInvalid)
	last.Choice.SalesAccounts, last.DecisionID = []string{"A7"}, "d-6"
	_, err = s.Merges.Split(ctx, last, storetest.Planner)
	require.ErrorIs(t, err, kam.Invalid)
	last.Choice.SalesAccounts, last.Choice.Group, last.DecisionID = nil, "G-77", "d-7"
	_, err = s.Merges.Split(ctx, last, storetest.Planner)
	require.ErrorIs(t, err, kam.Invalid)

	// And the two are one again by a merge.
	back := mergeOrder(t, s, "d-8")
	back.Absorbed, back.ExpectAbsorbed = n.CustomerNo, n.Version
	_, err = s.Merges.Merge(ctx, back, storetest.Planner)
	require.NoError(t, err)
	c, err := s.Customers.Customer(ctx, survivorNo)
	require.NoError(t, err)
	require.Len(t, c.Data.Identifiers, 3)
	sound(t, s)
}

// TestMergeThenUndoIsIdentity on the database, for records of many shapes.
func TestMergeThenUndoIsIdentity(t *testing.T) {
	t.Parallel()
	s := merging(t)
	ctx, n, looking := context.Background(), 0, storetest.Pool(t, s)
	rapid.Check(t, func(t *rapid.T) {
		if n++; n > 25 {
			return // the database, not the generator, takes the time
		}
		record := func(no string) customerdb.BookCustomer {
			c := customerdb.BookCustomer{CustomerNo: no, OwnerID: "otto", Territory: rapid.SampledFrom([]string{"", "DE-HH"}).Draw(t, "territory")}
			c.Data.LegalName, c.Data.CountryCode = rapid.StringMatching(`[A-Z][a-z]{3,8}`).Draw(t, "name"), "DE"
			c.Data.City = rapid.SampledFrom([]string{"", "Hamburg", "Bremen"}).Draw(t, "city")
			c.Data.TradingNames = rapid.SliceOfNDistinct(rapid.StringMatching(`[A-Z][a-z]{3,8}`), 0, 3, rapid.ID).Draw(t, "names")
			if rapid.Bool().Draw(t, "iban") {
				c.Data.Identifiers = []kam.Identifier{{Scheme: "IBAN", Value: "DE89370400440532013000"}}
			}
			if rapid.Bool().Draw(t, "ka") {
				c.KAStatus, c.Tier = kam.KA, kam.TierTerritory
			}
			for range rapid.IntRange(0, 2).Draw(t, "contacts") {
				c.Data.Contacts = append(c.Data.Contacts, kam.Contact{Name: rapid.SampledFrom([]string{"Ada", "Bo"}).Draw(t, "who"), DecisionRole: "USER", Phone: rapid.SampledFrom([]string{"", "+4940123456"}).Draw(t, "phone")})
			}
			c.Data.ParentCustomerID = rapid.SampledFrom([]string{"", "C-000003"}).Draw(t, "parent")
			c.Keys = parties.Keys(c.Data)
			return c
		}
		a, b := record(fmt.Sprintf("C-1%05d", 2*n)), record(fmt.Sprintf("C-1%05d", 2*n+1))
		require.NoError(t, s.Customers.Load(ctx, storetest.Act(), []customerdb.BookCustomer{a, b}))
		before := dumpOf(t, looking)
		r, err := s.Merges.Merge(ctx, merge.Order{Survivor: a.CustomerNo, Absorbed: b.CustomerNo, ExpectSurvivor: 1, ExpectAbsorbed: 1, Reason: "one", By: "dora", DecisionID: fmt.Sprint("m-", n), At: storetest.Noon}, storetest.Planner)
		require.NoError(t, err)
		undone, err := s.Merges.Undo(ctx, merge.UndoOrder{CustomerNo: a.CustomerNo, MergeID: r.MergeID, ExpectVersion: 2, Reason: "two", By: "dora", DecisionID: fmt.Sprint("u-", n), At: storetest.Noon}, storetest.Planner)
		require.NoError(t, err)
		require.Empty(t, undone.Stayed)
		require.Equal(t, before, dumpOf(t, looking))
	})
	sound(t, s)
}

// dumpOf is dump inside a property.
func dumpOf(t *rapid.T, looking *pgxpool.Pool) string {
	t.Helper()
	var out string
	require.NoError(t, looking.QueryRow(context.Background(), `
		select string_agg(line, e'\n') from (
			select (to_jsonb(c) - 'version' - 'updated_at')::text as line from kam.customer c
			union all select to_jsonb(i)::text from kam.customer_identifier i
			union all select to_jsonb(a)::text from kam.customer_address a
			union all select to_jsonb(c)::text from kam.contact c where owner like 'C-%'
			union all select to_jsonb(p)::text from kam.party p
			union all select to_jsonb(x)::text from kam.customer_sales_account x
			union all select (to_jsonb(k) - 'updated_at')::text from kam.key_account k
			union all select to_jsonb(m)::text from kam.key_account_member m
			order by 1) lines`).Scan(&out))
	return out
}
