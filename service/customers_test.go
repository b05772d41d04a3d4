package service_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kamflow/kamflow/internal/parties"
	"github.com/kamflow/kamflow/kam"
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
		d := kam.RequestData{ScreeningData: kam.ScreeningData{LegalName: name, CountryCode: "DE", City: "Kiel"}}
		book = append(book, customerdb.BookCustomer{CustomerNo: no, Data: d, Territory: "N", OwnerID: "boss", Keys: parties.Keys(d)})
	}
	require.NoError(t, b.store.Customers.Load(t.Context(), storetest.Act(), book))
	return b
}

func TestMergeThroughTheClient(t *testing.T) {
	t.Parallel()
	b := customers(t)
	ctx := t.Context()
	plan, err := b.MergePlan(ctx, service.As("stew"), "C-000001", "C-000002", kam.MergeChoice{})
	require.NoError(t, err)
	require.Equal(t, 1, plan.AbsorbedVersion)
	require.Equal(t, "legal_name", plan.Fields[0].Field)
	_, err = b.MergePlan(ctx, service.As("rep"), "C-000001", "C-000002", kam.MergeChoice{})
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
	s, err := b.Split(ctx, service.As("stew"), merge.SplitOrder{CustomerNo: "C-000001", Choice: kam.SplitChoice{LegalName: " Acme Nord AG ", City: "Kiel"}, Reason: "two", By: "stew"})
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
		found, err := b.FindCustomers(t.Context(), service.As(by), "acme", 10)
		if by != "nobody" {
			require.NoError(t, err)
			require.Equal(t, sees, len(found) == 2, by)
		}
	}
	_, err := b.Customer(t.Context(), service.As("south"), "C-000001")
	require.ErrorContains(t, err, "may not read the customer")
	_, err = b.FindCustomers(t.Context(), service.As("stew"), " ", 10)
	require.ErrorIs(t, err, kam.Invalid)
	found, err := b.FindCustomers(t.Context(), service.As("stew"), "c-000002", 1)
	require.NoError(t, err)
	require.Equal(t, "Acme Trading", found[0].Name)
}
