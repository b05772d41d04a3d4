package service_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kamflow/kamflow/internal/parties"
	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/customer"
	"github.com/kamflow/kamflow/service"
	accessdb "github.com/kamflow/kamflow/store/access"
	customerdb "github.com/kamflow/kamflow/store/customer"
	"github.com/kamflow/kamflow/store/storetest"
)

// TestPreview: who asks sees what his form lacks, who may be the same customer,
// and who would be asked, before anything is sent; and nothing is kept.
func TestPreview(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ctx := t.Context()
	require.NoError(t, storetest.LoadOrg(ctx, b.store, accessdb.Org{
		Users: []accessdb.User{
			{ID: "rep", Name: "Rep", Roles: []kam.Role{kam.SalesRep}, Nodes: []string{"N"}},
			{ID: "nora", Name: "Nora", Roles: []kam.Role{kam.TerritoryManager}, Nodes: []string{"N"}},
			{ID: "boss", Name: "Boss", Roles: []kam.Role{kam.GlobalManager}, Nodes: []string{"G"}},
			{ID: "audit", Name: "Audit", Roles: []kam.Role{kam.Auditor}},
		},
		Nodes:           []accessdb.Node{{Code: "G", Level: kam.LevelGlobal, ManagerID: "boss"}, {Code: "N", Name: "North", Level: kam.LevelTerritory, Parent: "G", ManagerID: "nora"}},
		AssignmentRules: []accessdb.AssignmentRule{{Code: "north", Kind: accessdb.AreaRule, Country: "DE", PostalPrefix: "24", Territory: "N"}},
	}))
	known := customer.RequestData{ScreeningData: customer.ScreeningData{
		LegalName: "Acme Klinik GmbH", TradingNames: []string{"Acme Nord"}, CountryCode: "DE", City: "Kiel", PostalCode: "24103",
	}}
	require.NoError(t, b.store.Customers.Load(ctx, storetest.Act(), []customerdb.BookCustomer{{CustomerNo: "C-000001", Data: known, Territory: "N", OwnerID: "nora", Keys: parties.Keys(known)}}))

	p, err := b.Preview(ctx, service.As("rep"), customer.RequestData{})
	require.NoError(t, err)
	require.Contains(t, p.Missing, "legal_name")
	require.Empty(t, p.Alike)
	require.Empty(t, p.Territory)

	typed := customer.RequestData{ScreeningData: customer.ScreeningData{LegalName: "ACME KLINIK", CountryCode: "DE", City: "Kiel", PostalCode: "24103"}}
	typed.Identifiers = []customer.Identifier{{Scheme: kam.SchemeVATEU, Value: "DE136695977"}}
	p, err = b.Preview(ctx, service.As("rep"), typed)
	require.NoError(t, err)
	require.Len(t, p.Alike, 1)
	require.Equal(t, "C-000001", p.Alike[0].Ref)
	require.Equal(t, kam.MatchCertain, p.Alike[0].Class)
	require.Len(t, p.Errors, 1, "the check digit")
	require.Contains(t, p.Errors[0].Field, "identifiers")
	require.NotContains(t, p.Missing, "legal_name")
	require.Equal(t, "N", p.Territory)
	require.Equal(t, "North", p.TerritoryName)
	require.Equal(t, kam.UserID("rep"), p.OwnerID)
	require.Equal(t, kam.UserID("nora"), p.ManagerID)

	p, err = b.Preview(ctx, service.As("nora"), typed)
	require.NoError(t, err)
	require.Equal(t, kam.UserID("boss"), p.ManagerID, "nobody confirms what he asks for himself")
	p, err = b.Preview(ctx, service.As("rep"), customer.RequestData{ScreeningData: customer.ScreeningData{LegalName: "acme nord", CountryCode: "DE"}})
	require.NoError(t, err)
	require.Len(t, p.Alike, 1, "found by its trading name")

	_, err = b.Preview(ctx, service.As("audit"), typed)
	require.ErrorIs(t, err, kam.Forbidden)
	cases, err := b.Cases(ctx, service.As("boss"), service.Filter{})
	require.NoError(t, err)
	require.Empty(t, cases, "nothing was opened")
}
