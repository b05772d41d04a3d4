package customer_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/kamflow/kamflow/internal/parties"
	"github.com/kamflow/kamflow/kam"
	accessdb "github.com/kamflow/kamflow/store/access"
	customerdb "github.com/kamflow/kamflow/store/customer"
	casedb "github.com/kamflow/kamflow/store/onboarding"
	"github.com/kamflow/kamflow/store/storetest"
)

func keysOf(d kam.RequestData, names ...string) customerdb.PartyKeys {
	return customerdb.PartyKeys{Names: names, Country: d.CountryCode, PostalCode: d.PostalCode, Identifiers: d.Identifiers}
}

func TestCommitCustomer(t *testing.T) {
	t.Parallel()
	s := storetest.New(t)
	no := storetest.NewCase(t, s, "k")
	d := storetest.Data(t, storetest.Nordwind)
	storetest.Within(t, s, no, func(tx *casedb.Tx) {
		customerNo, err := customerdb.In(tx.Entry).Commit(customerdb.Commit{
			Data: d, GroupID: "G-1", Territory: "DE-HH", OwnerID: "otto",
			Segment: map[string]string{"abc": "NEW"}, Keys: keysOf(d, "nordwind klinik"),
		})
		require.NoError(t, err)
		require.Equal(t, "C-000001", customerNo)
		tx.Case.CommittedAs = customerNo
		require.NoError(t, customerdb.In(tx.Entry).SetStatus(customerNo, kam.NonKA, kam.TierNone, true, true, &storetest.Noon, "NEW"))
		require.ErrorIs(t, customerdb.In(tx.Entry).SetStatus("C-999999", kam.NonKA, "", false, false, nil, ""), kam.NotFound)
	})
	storetest.Within(t, s, no, func(tx *casedb.Tx) {
		d.City = "Altona"
		customerNo, err := customerdb.In(tx.Entry).Commit(customerdb.Commit{CustomerNo: "C-000001", Data: d, GroupID: "G-1", Keys: keysOf(d, "nordwind klinik")})
		require.NoError(t, err)
		require.Equal(t, "C-000001", customerNo)
	})
	c, err := s.Customers.Customer(t.Context(), "C-000001")
	require.NoError(t, err)
	require.Equal(t, 2, c.Version)
	require.Equal(t, "Altona", c.Data.City)
	require.Equal(t, "Ada Berg", c.Data.Contacts[0].Name)
	require.JSONEq(t, `{"abc":"NEW"}`, string(c.Segment))
	require.True(t, c.Watch)
	require.Equal(t, kam.Active, c.Status)
	require.Equal(t, 2, storetest.Count(t, s, `select count(*) from kam.customer_version`))
	_, err = s.Customers.Customer(t.Context(), "C-000009")
	require.ErrorIs(t, err, kam.NotFound)
	lines, err := s.Cases.List(t.Context(), casedb.Filter{Customer: "C-000001"})
	require.NoError(t, err)
	require.Len(t, lines, 1)
}

// Two cases commit the same VAT number, and neither knows its address.
func TestIdentifiersAreUnique(t *testing.T) {
	t.Parallel()
	s := storetest.New(t)
	d := storetest.Data(t, `{"legal_name":"Nordwind","country_code":"DE","identifiers":[{"scheme":"VAT_EU","value":"DE136695976"}]}`)
	commit := func(no kam.CaseNo, d kam.RequestData) (string, error) {
		var customerNo string
		p, err := s.Cases.Effect(context.Background(), storetest.ActOn(no, "commit-it", 1), func(_ context.Context, tx *casedb.Tx) (err error) {
			customerNo, err = customerdb.In(tx.Entry).Commit(customerdb.Commit{Data: d, Keys: keysOf(d, "nordwind")})
			tx.Log(kam.AuditEvent{Type: kam.EventCustomerCommitted})
			return err
		})
		if p.Refused != nil {
			return "", p.Refused
		}
		return customerNo, err
	}
	cases := []kam.CaseNo{storetest.NewCase(t, s, "1"), storetest.NewCase(t, s, "2"), storetest.NewCase(t, s, "3"), storetest.NewCase(t, s, "4")}
	errs := make(chan error, len(cases))
	for _, no := range cases {
		go func() { _, err := commit(no, d); errs <- err }()
	}
	refused := 0
	for range cases {
		if err := <-errs; err != nil {
			require.ErrorIs(t, err, kam.TargetInvalid)
			require.Equal(t, "DUPLICATE_IDENTIFIER", kam.AsError(err).Rule)
			refused++
		}
	}
	require.Equal(t, 3, refused)
	require.Equal(t, 1, storetest.Count(t, s, `select count(*) from kam.customer`))

	// At an address of its own it is another site of the company.
	d.Street, d.PostalCode = "Am Wall 1", "20095"
	_, err := commit(storetest.NewCase(t, s, "5"), d)
	require.NoError(t, err)
	_, err = commit(storetest.NewCase(t, s, "6"), d)
	require.ErrorIs(t, err, kam.TargetInvalid)
	// A number of a site stands on one site only.
	gln := storetest.Data(t, `{"legal_name":"Site","country_code":"DE","identifiers":[{"scheme":"GLN","value":"4012345000009"}]}`)
	_, err = commit(storetest.NewCase(t, s, "7"), gln)
	require.NoError(t, err)
	gln.Street, gln.City = "Elsewhere 2", "Bremen"
	_, err = commit(storetest.NewCase(t, s, "8"), gln)
	require.ErrorIs(t, err, kam.TargetInvalid)

	// After the refusal the effect goes on.
	storetest.Within(t, s, storetest.NewCase(t, s, "9"), func(tx *casedb.Tx) {
		_, err := customerdb.In(tx.Entry).Commit(customerdb.Commit{Data: gln})
		require.ErrorIs(t, err, kam.TargetInvalid)
		tx.Case.State = kam.ValidationReview
	})
	require.Equal(t, 1, storetest.Count(t, s, `select count(*) from kam.cases where state = 'VALIDATION_REVIEW'`))
}

func TestParties(t *testing.T) {
	t.Parallel()
	s := storetest.New(t)
	d := storetest.Data(t, storetest.Nordwind)
	open, rejected, mine := storetest.NewCase(t, s, "1"), storetest.NewCase(t, s, "2"), storetest.NewCase(t, s, "3")
	for _, no := range []kam.CaseNo{open, rejected, mine} {
		storetest.Within(t, s, no, func(tx *casedb.Tx) {
			require.NoError(t, customerdb.In(tx.Entry).SaveParty(customerdb.Party{Ref: string(tx.Case.CaseNo), Kind: customerdb.PartyCase, Data: customerdb.PartyDataOf(d)}, keysOf(d, "nordwind klinik")))
			if no == rejected {
				tx.Case.State = kam.Rejected
			}
		})
	}
	require.NoError(t, s.Customers.Load(t.Context(), storetest.Act(), []customerdb.BookCustomer{
		{CustomerNo: "C-000007", Data: d, Territory: "DE-HH", Keys: keysOf(d, "nordwind klinik"), GroupID: "G-1"},
		{CustomerNo: "C-000008", Data: kam.RequestData{}, Keys: customerdb.PartyKeys{Names: []string{"ostwind"}, Country: "DE", Domains: []string{"x.example"}}},
	}))
	storetest.Within(t, s, mine, func(tx *casedb.Tx) {
		refs := func(k customerdb.PartyKeys) (all []string) {
			found, err := customerdb.In(tx.Entry).Parties(k, tx.Case.CaseNo)
			require.NoError(t, err)
			for _, p := range found {
				all = append(all, p.Kind+" "+p.Ref)
			}
			return all
		}
		all := []string{"CUSTOMER C-000007", "CASE " + string(open), "REJECTED " + string(rejected)}
		require.Equal(t, all, refs(customerdb.PartyKeys{Identifiers: d.Identifiers}), "by identifier")
		require.Equal(t, all, refs(customerdb.PartyKeys{Country: "DE", Names: []string{"nordlicht"}}), "by the first letters")
		require.Equal(t, all, refs(customerdb.PartyKeys{Country: "DE", PostalCode: "20 095"}), "by postal code")
		require.Equal(t, []string{"CUSTOMER C-000008"}, refs(customerdb.PartyKeys{Domains: []string{"X.example"}}), "by domain")
		require.Empty(t, refs(customerdb.PartyKeys{Country: "AT", Names: []string{"nordwind klinik"}}))
		if similar := refs(customerdb.PartyKeys{Country: "DE", Names: []string{"klinik nordwind"}}); len(similar) > 0 {
			require.Equal(t, all, similar, "by similar names")
		}

		before, err := customerdb.In(tx.Entry).RejectedLike(keysOf(d, "nordwind klinik"), storetest.Noon.AddDate(0, 0, -90), tx.Case.CaseNo)
		require.NoError(t, err)
		require.Len(t, before, 1)
		require.Equal(t, rejected, before[0].CaseNo)
		require.True(t, before[0].SameIdentifier)
		before, err = customerdb.In(tx.Entry).RejectedLike(keysOf(d, "nordwind klinik"), storetest.Noon.Add(time.Hour), tx.Case.CaseNo)
		require.NoError(t, err)
		require.Empty(t, before)

		shared, err := customerdb.In(tx.Entry).DomainOrIdentifierElsewhere(keysOf(d), "G-2", "C-000001")
		require.NoError(t, err)
		require.Equal(t, []string{"C-000007"}, shared)
		shared, err = customerdb.In(tx.Entry).DomainOrIdentifierElsewhere(keysOf(d), "G-1", "C-000001")
		require.NoError(t, err)
		require.Empty(t, shared)
	})
}

func TestGroupsAndKeyAccounts(t *testing.T) {
	t.Parallel()
	s := storetest.New(t)
	no := storetest.NewCase(t, s, "k")
	var book []customerdb.BookCustomer
	for i := 1; i <= 3; i++ {
		d := storetest.Data(t, fmt.Sprintf(`{"legal_name":"Site %d","country_code":"DE","sales_account_no":"A%d"}`, i, i))
		if i > 1 {
			d.ParentCustomerID = fmt.Sprintf("C-%06d", i-1)
		}
		book = append(book, customerdb.BookCustomer{CustomerNo: fmt.Sprintf("C-%06d", i), Data: d, GroupID: "G-1", Territory: "DE-HH"})
	}
	require.NoError(t, s.Customers.Load(t.Context(), storetest.Act(), book))
	require.NoError(t, s.Customers.Load(t.Context(), storetest.Act(), book), "again")
	storetest.Within(t, s, no, func(tx *casedb.Tx) {
		members, err := customerdb.In(tx.Entry).GroupMembers("G-1")
		require.NoError(t, err)
		require.Len(t, members, 3)
		require.Equal(t, "A1", members[0].SalesAccount)

		k := customerdb.KeyAccount{GroupID: "G-1", Name: "Nordwind", Tier: kam.TierRegional, OwnerID: "otto", ReviewDue: &storetest.Noon, Members: []string{"C-000001", "C-000002"}}
		k.No, err = customerdb.In(tx.Entry).SaveKeyAccount(k)
		require.NoError(t, err)
		require.Equal(t, "KA-000001", k.No)
		for _, key := range []string{"G-1", "C-000002"} {
			found, err := customerdb.In(tx.Entry).KeyAccountOf(key)
			require.NoError(t, err)
			require.Equal(t, k.Members, found.Members)
			require.Equal(t, customerdb.KeyAccountActive, found.State)
		}
		owned, err := customerdb.In(tx.Entry).KeyAccountsOf("otto")
		require.NoError(t, err)
		require.Equal(t, map[kam.Tier]int{kam.TierRegional: 1}, owned)

		k.Members = k.Members[:1]
		_, err = customerdb.In(tx.Entry).SaveKeyAccount(k)
		require.NoError(t, err)
		c, err := customerdb.In(tx.Entry).Customer("C-000002")
		require.NoError(t, err)
		require.Equal(t, kam.NonKA, c.KAStatus)
		k.State = customerdb.KeyAccountEnded
		_, err = customerdb.In(tx.Entry).SaveKeyAccount(k)
		require.NoError(t, err)
		found, err := customerdb.In(tx.Entry).KeyAccountOf("G-1")
		require.NoError(t, err)
		require.Nil(t, found)

		parents, exists, err := customerdb.In(tx.Entry).ParentChain("C-000003")
		require.NoError(t, err)
		require.True(t, exists)
		require.Equal(t, []string{"C-000002", "C-000001"}, parents)
		_, exists, err = customerdb.In(tx.Entry).ParentChain("C-000099")
		require.NoError(t, err)
		require.False(t, exists)

		g, err := accessdb.In(tx.Entry).EnsureGroup("", "Nordwind  Gruppe")
		require.NoError(t, err)
		require.Equal(t, "G-000001", g)
		g, err = accessdb.In(tx.Entry).EnsureGroup("", " nordwind gruppe ")
		require.NoError(t, err)
		require.Equal(t, "G-000001", g)
		next, err := customerdb.In(tx.Entry).Commit(customerdb.Commit{Data: kam.RequestData{}})
		require.NoError(t, err)
		require.Greater(t, next, "C-000003", "numbers go on after those of the book")
	})
}

// TestNumbersWhileTheBookIsLoaded: a load moves the numbers of customers on and
// never back, whoever takes one meanwhile. A number that is given twice would
// write one customer over another.
func TestNumbersWhileTheBookIsLoaded(t *testing.T) {
	t.Parallel()
	s := storetest.New(t)
	book := make([]customerdb.BookCustomer, 400) // so many that a look through them takes its time
	for i := range book {
		book[i] = customerdb.BookCustomer{CustomerNo: fmt.Sprintf("C-%06d", i+1), Data: storetest.Data(t, `{"legal_name":"Buch GmbH"}`)}
	}
	require.NoError(t, s.Customers.Load(t.Context(), storetest.Act(), book))

	const each = 40
	var takers, loader sync.WaitGroup
	done, loads := make(chan struct{}), error(nil)
	loader.Go(func() {
		for loads == nil {
			select {
			case <-done:
				return
			default:
				loads = s.Customers.Load(t.Context(), storetest.Act(), book[:1])
			}
		}
	})
	numbers, errs := make([][]string, 6), make([]error, 6)
	for i := range numbers {
		no := storetest.NewCase(t, s, fmt.Sprint(i))
		takers.Go(func() {
			for version := int64(1); version <= each && errs[i] == nil; version++ {
				var number string // of the last try: an effect may run more than once
				_, errs[i] = s.Cases.Effect(t.Context(), storetest.Engine(no, version+1, version), func(_ context.Context, tx *casedb.Tx) (err error) {
					number, err = customerdb.In(tx.Entry).Commit(customerdb.Commit{Data: kam.RequestData{}})
					return err
				})
				numbers[i] = append(numbers[i], number)
			}
		})
	}
	takers.Wait()
	close(done)
	loader.Wait()
	require.NoError(t, errors.Join(append(errs, loads)...))
	var all []string
	for _, some := range numbers {
		all = append(all, some...)
	}
	require.Len(t, all, len(numbers)*each)
	slices.Sort(all)
	require.Equal(t, all, slices.Compact(slices.Clone(all)), "a number was given twice")
	require.Greater(t, all[0], book[len(book)-1].CustomerNo)
	c, err := s.Customers.Customer(t.Context(), all[0])
	require.NoError(t, err)
	require.Equal(t, 1, c.Version, "nobody wrote over it")
}

func TestSales(t *testing.T) {
	t.Parallel()
	s := storetest.New(t)
	no := storetest.NewCase(t, s, "k")
	margin := int64(4000)
	facts := []customerdb.SalesFact{
		{AccountNo: "A1", Month: "2026-09", Currency: "EUR", NetRevenue: 10000, GrossMargin: &margin, Orders: 2, LastOrderDate: "2026-09-10", PLLines: map[string]int64{"rebates": 300}},
		{AccountNo: "A1", Month: "2025-10", Currency: "EUR", NetRevenue: 5000, Orders: 1, LastOrderDate: "2025-10-02", PLLines: map[string]int64{"rebates": 50}},
		{AccountNo: "A1", Month: "2025-09", Currency: "EUR", NetRevenue: 700, Orders: 1},
		{AccountNo: "A1", Month: "2024-09", Currency: "EUR", NetRevenue: 99, Orders: 1},
	}
	require.NoError(t, s.Customers.LoadSales(t.Context(), storetest.Act(), facts))
	require.NoError(t, s.Customers.LoadSales(t.Context(), storetest.Act(), facts), "again")
	require.ErrorIs(t, s.Customers.LoadSales(t.Context(), storetest.Act(), []customerdb.SalesFact{{Month: "09/2026"}}), kam.Invalid)
	require.NoError(t, s.Customers.Load(t.Context(), storetest.Act(), []customerdb.BookCustomer{
		{CustomerNo: "C-000001", Data: storetest.Data(t, `{"legal_name":"A","sales_account_no":"A1"}`)},
		{CustomerNo: "C-000002", Data: storetest.Data(t, `{"legal_name":"B"}`)},
	}))
	id, err := s.Customers.RebuildABC(t.Context(), storetest.Noon)
	require.NoError(t, err)
	storetest.Within(t, s, no, func(tx *casedb.Tx) {
		got, err := customerdb.In(tx.Entry).SalesFacts("A1", storetest.Noon)
		require.NoError(t, err)
		last := time.Date(2026, 9, 10, 0, 0, 0, 0, time.UTC)
		require.Equal(t, customerdb.Sales{Account: "A1", Known: true, Currency: "EUR", Net12: 15000, Prior12: 700, Margin12: &margin,
			Orders12: 3, LastOrder: &last, Currencies: 1, FirstRevenue: storetest.Month(2024, 9)}, got)
		got, err = customerdb.In(tx.Entry).SalesFacts("A2", storetest.Noon)
		require.NoError(t, err)
		require.False(t, got.Known)
		lines, err := customerdb.In(tx.Entry).PLLines("A1")
		require.NoError(t, err)
		require.Equal(t, map[string]int64{"rebates": 350}, lines)
		snapshot, rows, err := customerdb.In(tx.Entry).ABCSnapshot()
		require.NoError(t, err)
		require.Equal(t, id, snapshot)
		require.Equal(t, []customerdb.ABCRow{{CustomerNo: "C-000001", Revenue: 15000, Currency: "EUR"}, {CustomerNo: "C-000002"}}, rows)
	})
}

// TestPartiesOfAnOlderRelease: what an earlier release stored has its names and
// numbers in another form. It is found at once, whatever its keys, and by its
// own keys alone once they were written anew.
func TestPartiesOfAnOlderRelease(t *testing.T) {
	t.Parallel()
	s := storetest.New(t)
	mine := storetest.NewCase(t, s, "mine")
	d := kam.RequestData{ScreeningData: kam.ScreeningData{LegalName: "KD Pharma GmbH", CountryCode: "DE", PostalCode: "20095", Website: "https://kd.example."}}
	other := kam.RequestData{ScreeningData: kam.ScreeningData{LegalName: "Ostwind AG", CountryCode: "DE", PostalCode: "28195"}}
	old := customerdb.PartyKeys{Names: []string{"pharma"}, Country: "DE", PostalCode: "20095", Domains: []string{"kd.example."}}
	require.NoError(t, s.Customers.Load(t.Context(), storetest.Act(), []customerdb.BookCustomer{
		{CustomerNo: "C-000001", Data: d, Territory: "DE-HH", Keys: old},
		{CustomerNo: "C-000002", Data: other, Territory: "DE-HH", Keys: customerdb.PartyKeys{Names: []string{"ostwind"}, Country: "DE"}},
		{CustomerNo: "C-000003", Data: other, Territory: "DE-HH", Keys: parties.Keys(other)},
	}))
	asked := parties.Keys(kam.RequestData{ScreeningData: kam.ScreeningData{LegalName: "KD Pharma", CountryCode: "DE", Website: "kd.example"}})
	found := func() (refs []string) {
		storetest.Within(t, s, mine, func(tx *casedb.Tx) {
			all, err := customerdb.In(tx.Entry).Parties(asked, tx.Case.CaseNo)
			require.NoError(t, err)
			for _, p := range all {
				refs = append(refs, p.Ref)
			}
		})
		return refs
	}
	require.Equal(t, []string{"C-000001", "C-000002"}, found(), "old keys are not relied on")
	like, err := s.Customers.CustomersLike(t.Context(), asked)
	require.NoError(t, err)
	require.Len(t, like, 2)

	n, err := s.Customers.RefreshParties(t.Context(), parties.KeysVersion, 1, parties.KeysOf)
	require.NoError(t, err)
	require.Equal(t, 1, n)
	n, err = s.Customers.RefreshParties(t.Context(), parties.KeysVersion, 100, parties.KeysOf)
	require.NoError(t, err)
	require.Equal(t, 1, n)
	n, err = s.Customers.RefreshParties(t.Context(), parties.KeysVersion, 100, parties.KeysOf)
	require.NoError(t, err)
	require.Zero(t, n)
	require.Equal(t, []string{"C-000001"}, found())
	require.Equal(t, storetest.Text(t, s, `select names::text || name_text || keys::text from kam.party where ref = 'C-000003'`),
		storetest.Text(t, s, `select names::text || name_text || keys::text from kam.party where ref = 'C-000002'`))
}

// TestFirstRevenueStaysKnown: facts of ten years ago, and facts that are
// deleted, still say that somebody bought once. A month of the future and one
// without revenue say nothing.
func TestFirstRevenueStaysKnown(t *testing.T) {
	t.Parallel()
	s := storetest.New(t)
	no := storetest.NewCase(t, s, "k")
	require.NoError(t, s.Customers.LoadSales(t.Context(), storetest.Act(), []customerdb.SalesFact{
		{AccountNo: "A1", Month: "2016-01", Currency: "EUR", Orders: 1},
		{AccountNo: "A1", Month: "2016-10", Currency: "EUR", NetRevenue: 100, Orders: 1},
		{AccountNo: "A1", Month: "2023-01", Currency: "EUR", NetRevenue: 100, Orders: 1},
		{AccountNo: "A2", Month: "2026-12", Currency: "EUR", NetRevenue: 100, Orders: 1},
		{AccountNo: "A3", Month: "2026-02", Currency: "EUR", NetRevenue: -100, Orders: 1},
	}))
	first := func(account string) (got customerdb.Sales) {
		storetest.Within(t, s, no, func(tx *casedb.Tx) {
			var err error
			got, err = customerdb.In(tx.Entry).SalesFacts(account, storetest.Noon)
			require.NoError(t, err)
		})
		return got
	}
	require.Equal(t, customerdb.Sales{Account: "A1", FirstRevenue: storetest.Month(2016, 10)}, first("A1"), "none of the last 24 months")
	require.Nil(t, first("A2").FirstRevenue, "it has not come yet")
	require.Nil(t, first("A3").FirstRevenue)

	for _, old := range []string{"2017-01-01", "2026-01-01", "2027-01-01"} {
		require.NoError(t, storetest.Exec(t, s, `delete from kam.sales_fact where month < $1::date`, old))
		require.Equal(t, storetest.Month(2016, 10), first("A1").FirstRevenue, "facts before %s are gone", old)
	}
	require.NoError(t, s.Customers.LoadSales(t.Context(), storetest.Act(), []customerdb.SalesFact{{AccountNo: "A1", Month: "2026-09", Currency: "EUR", NetRevenue: 50, Orders: 1}}))
	got := first("A1")
	require.EqualValues(t, 50, got.Net12)
	require.Equal(t, storetest.Month(2016, 10), got.FirstRevenue, "what came since changes nothing")
	require.Nil(t, first("A3").FirstRevenue)
}
