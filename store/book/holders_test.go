package book_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kamflow/kamflow/internal/parties"
	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/customer"
	"github.com/kamflow/kamflow/kam/rules/identifier"
	customerdb "github.com/kamflow/kamflow/store/customer"
	"github.com/kamflow/kamflow/store/storetest"
)

// TestHoldersOfARegistration finds a customer by whatever number of his
// registration a book gives, where the tables have another one of it.
func TestHoldersOfARegistration(t *testing.T) {
	t.Parallel()
	s, ctx := storetest.New(t), t.Context()
	stored := []customer.Identifier{
		{Scheme: kam.SchemeSIRET, Value: "73282932000074"},
		{Scheme: kam.SchemeVATEU, Value: "FR61954506077"},
		{Scheme: kam.SchemeVATGB, Value: "980780684001"},
		{Scheme: kam.SchemeCHUID, Value: "CHE116281710TVA"},
		{Scheme: kam.SchemeVATEU, Value: "DE136695976"},
	}
	var all []customerdb.BookCustomer
	for i, id := range stored {
		c := customerdb.BookCustomer{CustomerNo: fmt.Sprintf("C-%06d", i+1), Data: customer.RequestData{}}
		c.Data.LegalName, c.Data.CountryCode, c.Data.Identifiers = fmt.Sprint("Customer ", i+1), "FR", []customer.Identifier{id}
		c.Keys = parties.Keys(c.Data)
		all = append(all, c)
	}
	require.NoError(t, s.Customers.Load(ctx, storetest.Act(), all))
	for i, given := range []customer.Identifier{
		{Scheme: kam.SchemeSIREN, Value: "732829320"},
		{Scheme: kam.SchemeSIREN, Value: "954506077"},
		{Scheme: kam.SchemeVATEU, Value: "XI980780684"},
		{Scheme: kam.SchemeCHUID, Value: "CHE-116.281.710 MWST"},
		{Scheme: kam.SchemeVATEU, Value: "DE136695976"},
		{Scheme: kam.SchemeSIREN, Value: "356000000"},
	} {
		ask, registrations := []customer.Identifier{given}, []customer.Identifier(nil)
		for _, r := range identifier.Registrations(given) {
			ask = append(ask, r.ID)
			if identifier.Several(r.ID.Scheme) {
				registrations = append(registrations, r.ID)
			}
		}
		found, err := s.Books.HoldersOf(ctx, ask, registrations)
		require.NoError(t, err)
		if i == len(stored) {
			require.Empty(t, found)
			continue
		}
		require.Len(t, found, 1, "%v", given)
		require.Equal(t, fmt.Sprintf("C-%06d", i+1), found[0].CustomerNo)
		require.True(t, identifier.Same(given, customer.Identifier{Scheme: found[0].Scheme, Value: found[0].Value}))
	}
}
