package customer_test

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kamflow/kamflow/internal/parties"
	"github.com/kamflow/kamflow/kam"
	customerdb "github.com/kamflow/kamflow/store/customer"
	casedb "github.com/kamflow/kamflow/store/onboarding"
	"github.com/kamflow/kamflow/store/storetest"
)

// TestSearchFindsRegistrations: what the comparison takes for one registration
// the search finds, whichever number was stored, and also where an older
// release stored the keys.
func TestSearchFindsRegistrations(t *testing.T) {
	t.Parallel()
	s, ctx := storetest.New(t), t.Context()
	require.NoError(t, storetest.LoadOrg(ctx, s, storetest.Sample))
	var book []customerdb.BookCustomer
	for no, text := range map[string]string{
		"C-000001": `{"legal_name":"Aurora","country_code":"FR","identifiers":[{"scheme":"FR_SIRET","value":"73282932000074"}]}`,
		"C-000002": `{"legal_name":"Boreas","country_code":"FR","identifiers":[{"scheme":"VAT_EU","value":"FR61954506077"}]}`,
		"C-000003": `{"legal_name":"Corvus","country_code":"GB","identifiers":[{"scheme":"VAT_GB","value":"980780684001"}]}`,
		"C-000004": `{"legal_name":"Draco","country_code":"GB","identifiers":[{"scheme":"OTHER","name":"GB-COH","value":"01234567","country":"GB"}]}`,
		"C-000005": `{"legal_name":"Eridanus","country_code":"CH","identifiers":[{"scheme":"CH_UID","value":"CHE116281710TVA"}]}`,
		"C-000006": `{"legal_name":"Fornax","country_code":"FR","identifiers":[{"scheme":"OTHER","name":"FR-SIRET","value":"55200844300012","country":"FR"}]}`,
		"C-000007": `{"legal_name":"Grus","country_code":"PT","postal_code":"1000-001","city":"Lisboa"}`,
	} {
		c := customerdb.BookCustomer{CustomerNo: no, Data: storetest.Data(t, text), OwnerID: "otto"}
		c.Keys = parties.Keys(c.Data)
		book = append(book, c)
	}
	require.NoError(t, s.Customers.Load(ctx, storetest.Act(), book))
	find := func(when, text string) (refs []string) {
		storetest.Within(t, s, storetest.NewCase(t, s, when+text), func(tx *casedb.Tx) {
			found, err := customerdb.In(tx.Entry).Parties(parties.Keys(storetest.Data(t, text)), tx.Case.CaseNo)
			require.NoError(t, err)
			for _, p := range found {
				if p.Kind == customerdb.PartyCustomer {
					refs = append(refs, p.Ref)
				}
			}
		})
		return refs
	}
	searches := map[string][]string{
		`{"legal_name":"X1","country_code":"DE","identifiers":[{"scheme":"FR_SIREN","value":"732829320"}]}`:                                         {"C-000001"},
		`{"legal_name":"X2","country_code":"DE","identifiers":[{"scheme":"FR_SIREN","value":"954506077"}]}`:                                         {"C-000002"},
		`{"legal_name":"X3","country_code":"DE","identifiers":[{"scheme":"VAT_EU","value":"XI980780684"}]}`:                                         {"C-000003"},
		`{"legal_name":"X4","country_code":"DE","identifiers":[{"scheme":"OTHER","name":"Companies House","value":"1234567","country":"GB"}]}`:      {"C-000004"},
		`{"legal_name":"X5","country_code":"DE","identifiers":[{"scheme":"OTHER","name":"MWST","value":"CHE-116.281.710 MWST","country":"CH"}]}`:    {"C-000005"},
		`{"legal_name":"X6","country_code":"DE","identifiers":[{"scheme":"FR_SIREN","value":"552008443"}]}`:                                         {"C-000006"},
		`{"legal_name":"X7","country_code":"PT","postal_code":"P-1000001"}`:                                                                         {"C-000007"},
		`{"legal_name":"X8","country_code":"DE","identifiers":[{"scheme":"FR_SIREN","value":"356000000"},{"scheme":"VAT_GB","value":"340804329"}]}`: nil,
	}
	check := func(when string) {
		for text, want := range searches {
			require.Equal(t, want, find(when, text), "%s: %s", when, text)
		}
	}
	check("stored today")

	// An older release kept the number as it was given, and no version.
	require.NoError(t, storetest.Exec(t, s, `
		update kam.party p set keys = array(
			select 'id:' || (i ->> 'scheme') || case i ->> 'scheme' when 'OTHER' then '/' || upper(i ->> 'name') else '' end || '/' || (i ->> 'value')
			from jsonb_array_elements(coalesce(p.data -> 'identifiers', '[]')) i)
			|| case when p.data ->> 'postal_code' <> '' then array['post:PT:' || (p.data ->> 'postal_code')] else '{}' end
		where p.kind = 'CUSTOMER'`))
	require.NoError(t, storetest.Exec(t, s, `update kam.party set data = data - 'keys_version'`))
	for text, want := range searches {
		require.Subset(t, find("before the keys are written anew", text), want, text)
	}
	n, err := s.Customers.RefreshParties(ctx, parties.KeysVersion, 1000, parties.KeysOf)
	require.NoError(t, err)
	require.GreaterOrEqual(t, n, len(book))
	check("after an upgrade")
}

// TestKeysKeepTheNumbers: the keys hold what was given besides what it stands
// for, so that a program of an older release meets them while both run.
func TestKeysKeepTheNumbers(t *testing.T) {
	t.Parallel()
	d := storetest.Data(t, `{"country_code":"FR","identifiers":[{"scheme":"FR_SIRET","value":"732 829 320 00074"}]}`)
	k := parties.Keys(d)
	require.Equal(t, []kam.Identifier{{Scheme: kam.SchemeSIRET, Value: "73282932000074"}, {Scheme: kam.SchemeSIREN, Value: "732829320"}}, k.Identifiers)
	require.True(t, slices.Equal(parties.Numbers(d.Identifiers), k.Identifiers[:1]))
}
