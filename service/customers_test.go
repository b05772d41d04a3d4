package service_test

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kamflow/kamflow/internal/parties"
	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/customer"
	"github.com/kamflow/kamflow/service"
	accessdb "github.com/kamflow/kamflow/store/access"
	customerdb "github.com/kamflow/kamflow/store/customer"
	"github.com/kamflow/kamflow/store/customer/merge"
	"github.com/kamflow/kamflow/store/storetest"
)

// customers is a client over two records of one customer.
func customers(t *testing.T) bundle {
	t.Helper()
	b := setup(t)
	require.NoError(t, storetest.LoadOrg(t.Context(), b.store, accessdb.Org{Users: []accessdb.User{
		{ID: "rep", Name: "Rep", Roles: []kam.Role{kam.SalesRep}, Nodes: []string{"N"}},
		{ID: "boss", Name: "Boss", Roles: []kam.Role{kam.GlobalManager}, Nodes: []string{"G"}},
		{ID: "stew", Name: "Stew", Roles: []kam.Role{kam.DataSteward}},
		{ID: "ops", Name: "Ops", Roles: []kam.Role{kam.Operator}},
		{ID: "south", Name: "South", Roles: []kam.Role{kam.TerritoryManager}, Nodes: []string{"S"}},
	}, Nodes: []accessdb.Node{{Code: "G", Level: kam.LevelGlobal}, {Code: "N", Level: kam.LevelTerritory, Parent: "G"}, {Code: "S", Level: kam.LevelTerritory, Parent: "G"}}}))
	var book []customerdb.BookCustomer
	for no, name := range map[string]string{"C-000001": "Acme GmbH", "C-000002": "Acme Trading"} {
		d := customer.RequestData{ScreeningData: customer.ScreeningData{LegalName: name, CountryCode: "DE", City: "Kiel"}}
		book = append(book, customerdb.BookCustomer{CustomerNo: no, Data: d, Territory: "N", OwnerID: "boss", Keys: parties.Keys(d)})
	}
	require.NoError(t, b.store.Customers.Load(t.Context(), storetest.Act(), book))
	return b
}

func TestMergeThroughTheClient(t *testing.T) {
	t.Parallel()
	b := customers(t)
	ctx := t.Context()
	plan, err := b.MergePlan(ctx, service.As("stew"), "C-000001", "C-000002", customer.MergeChoice{})
	require.NoError(t, err)
	require.Equal(t, 1, plan.AbsorbedVersion)
	require.Equal(t, "legal_name", plan.Fields[0].Field)
	_, err = b.MergePlan(ctx, service.As("rep"), "C-000001", "C-000002", customer.MergeChoice{})
	require.ErrorIs(t, err, kam.Forbidden)

	o := merge.Order{Survivor: "C-000001", Absorbed: "C-000002", Reason: "one company", By: "rep", DecisionID: "d-1"}
	_, err = b.Merge(ctx, service.As(o.By), o)
	require.ErrorIs(t, err, kam.Forbidden)
	o.By = "nobody"
	_, err = b.Merge(ctx, service.As(o.By), o)
	require.ErrorIs(t, err, kam.Forbidden)
	trail, err := b.store.TrailOf(ctx, "customer/C-000001")
	require.NoError(t, err)
	require.Len(t, trail, 2, "who may not is on record, though the store never saw the order")
	require.Equal(t, kam.UserID("rep"), trail[0].Actor)

	o.By = "stew"
	r, err := b.Merge(ctx, service.As(o.By), o)
	require.NoError(t, err)
	again, err := b.Merge(ctx, service.As(o.By), o)
	require.NoError(t, err)
	require.Equal(t, r, again)
	undo := merge.UndoOrder{CustomerNo: "C-000002", MergeID: r.MergeID, Reason: "two", By: "stew"}
	u, err := b.UndoMerge(ctx, service.As(undo.By), undo)
	require.NoError(t, err)
	require.True(t, u.Undone)
	undo.MergeID, undo.DecisionID = "M-9", ""
	_, err = b.UndoMerge(ctx, service.As(undo.By), undo)
	require.ErrorIs(t, err, kam.NotFound)
	s, err := b.Split(ctx, service.As("stew"), merge.SplitOrder{CustomerNo: "C-000001", Choice: customer.SplitChoice{LegalName: " Acme Nord AG ", City: "Kiel"}, Reason: "two", By: "stew"})
	require.NoError(t, err)
	v, err := b.Customer(ctx, service.As("stew"), s.OtherNo)
	require.NoError(t, err)
	require.Equal(t, "Acme Nord AG", v.Customer.Data.LegalName)
	h, err := b.CustomerHistory(ctx, service.As("stew"), "C-000001")
	require.NoError(t, err)
	require.Len(t, h.Events, 5, "two refusals, merged, split, split")
	_, err = b.Merge(ctx, service.As("stew"), merge.Order{Survivor: "C-000077", Absorbed: "C-000002", Reason: "x", By: "stew"})
	require.ErrorIs(t, err, kam.NotFound)
}

func TestWhoSeesACustomer(t *testing.T) {
	t.Parallel()
	b := customers(t)
	for by, sees := range map[kam.UserID]bool{"rep": true, "boss": true, "stew": true, "ops": false, "south": false, "nobody": false} {
		_, err := b.Customer(t.Context(), service.As(by), "C-000001")
		require.Equal(t, sees, err == nil, "%s: %v", by, err)
		if !sees {
			require.ErrorIs(t, err, kam.Forbidden)
		}
		found, err := b.Customers(t.Context(), service.As(by), service.CustomerFilter{Text: "acme", Limit: 10})
		if by != "nobody" {
			require.NoError(t, err)
			require.Equal(t, sees, len(found) == 2, by)
		}
	}
	_, err := b.Customer(t.Context(), service.As("south"), "C-000001")
	require.ErrorContains(t, err, "may not read the customer")
	found, err := b.Customers(t.Context(), service.As("stew"), service.CustomerFilter{Text: "c-000002", Limit: 1})
	require.NoError(t, err)
	require.Equal(t, "Acme Trading", found[0].Name)
}

// TestListsOfCustomers: by place, owner, segment and gain; who reads a part of the
// tree sees that part, and his own.
func TestListsOfCustomers(t *testing.T) {
	t.Parallel()
	b := customers(t)
	ctx := t.Context()
	var book []customerdb.BookCustomer
	for i, c := range []struct {
		name, territory string
		owner           kam.UserID
		segment         string
	}{
		{"Beta 100 % GmbH", "S", "south", `{"abc_class":"A","quadrant":"STAR","improvement_potential_index":12.5,"ka_score":61.2,"annual_potential":{"amount":"300000.00","currency":"EUR"},"improvement_value":{"amount":"70000.00","currency":"EUR"}}`},
		{"Gamma AG", "S", "rep", `{"abc_class":"B","quadrant":"STATUS","improvement_potential_index":101,"improvement_value":null}`},
		{"Delta SA", "", "boss", ``},
	} {
		d := customer.RequestData{ScreeningData: customer.ScreeningData{LegalName: c.name, CountryCode: "DE", City: "Ulm"}}
		d.TradingNames = []string{"Haus " + c.name[:1]}
		row := customerdb.BookCustomer{CustomerNo: fmt.Sprintf("C-00001%d", i), Data: d, Territory: c.territory, OwnerID: c.owner, Keys: parties.Keys(d)}
		if c.segment != "" {
			row.Segment = json.RawMessage(c.segment)
		}
		book = append(book, row)
	}
	book[0].KAStatus, book[0].Tier = kam.KA, kam.TierRegional
	require.NoError(t, b.store.Customers.Load(ctx, storetest.Act(), book))

	names := func(by kam.UserID, f service.CustomerFilter) []string {
		t.Helper()
		lines, err := b.Customers(ctx, service.As(by), f)
		require.NoError(t, err)
		all := []string{}
		for _, l := range lines {
			all = append(all, l.Name)
		}
		return all
	}
	require.Equal(t, []string{"Acme GmbH", "Acme Trading", "Beta 100 % GmbH", "Delta SA", "Gamma AG"}, names("boss", service.CustomerFilter{}))
	require.Equal(t, []string{"Gamma AG", "Beta 100 % GmbH"}, names("boss", service.CustomerFilter{Order: "GAIN", Limit: 2}))
	require.Equal(t, []string{"Acme GmbH", "Acme Trading", "Gamma AG"}, names("rep", service.CustomerFilter{}), "his territory, and what he owns elsewhere")
	require.Equal(t, []string{"Beta 100 % GmbH", "Gamma AG"}, names("south", service.CustomerFilter{}))
	require.Empty(t, names("ops", service.CustomerFilter{}))
	require.Equal(t, []string{"Beta 100 % GmbH"}, names("boss", service.CustomerFilter{Text: "100 %"}), "to the letter")
	require.Empty(t, names("boss", service.CustomerFilter{Text: "1_0"}))
	require.Equal(t, []string{"Gamma AG"}, names("boss", service.CustomerFilter{Text: "haus g"}), "by a trading name")
	require.Equal(t, []string{"Beta 100 % GmbH"}, names("boss", service.CustomerFilter{Class: kam.ClassA, Quadrant: kam.Star, Tier: kam.TierRegional, Territory: "S", OwnerID: "south", Status: kam.Active}))
	require.Empty(t, names("boss", service.CustomerFilter{Class: kam.ClassC}))
	_, err := b.Customers(ctx, service.As("boss"), service.CustomerFilter{Territory: "X"})
	require.ErrorIs(t, err, kam.NotFound)
	_, err = b.Customers(ctx, service.As("boss"), service.CustomerFilter{Order: "SIZE"})
	require.ErrorIs(t, err, kam.Invalid)

	accounts, err := b.KeyAccounts(ctx, service.As("boss"), false)
	require.NoError(t, err)
	require.Len(t, accounts, 1)
	require.Equal(t, "300000.00", accounts[0].Potential.Amount())
	require.Equal(t, []string{"S"}, accounts[0].Places)
	one, err := b.KeyAccount(ctx, service.As("south"), accounts[0].No)
	require.NoError(t, err)
	require.Equal(t, "Beta 100 % GmbH", one.Customers[0].Name)
	require.Nil(t, one.Decision, "it came with a book")
	accounts, err = b.KeyAccounts(ctx, service.As("rep"), true)
	require.NoError(t, err)
	require.Empty(t, accounts)
	_, err = b.KeyAccount(ctx, service.As("rep"), one.No)
	require.ErrorIs(t, err, kam.Forbidden)
	_, err = b.KeyAccount(ctx, service.As("boss"), "KA-9")
	require.ErrorIs(t, err, kam.NotFound)
}
