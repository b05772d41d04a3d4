package kam_test

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/kamflow/kamflow/kam"
)

func request(t testing.TB, text string) kam.RequestData {
	t.Helper()
	var d kam.RequestData
	require.NoError(t, json.Unmarshal([]byte(text), &d))
	return d
}

const screeningJSON = `{"legal_name":"Nordwind Klinik Hamburg","customer_kind":"ORGANIZATION","country_code":"DE","city":"Hamburg",
	"postal_code":"20095","identifiers":[{"scheme":"VAT_EU","value":"DE136695976"}],"industry_scheme":"NACE","industry_code":"86.10",
	"source_channel":"VISIT","sales_channel":"DIRECT","declared_potential":{"amount":"140000.00","currency":"EUR"},
	"growth_outlook_pct":6,"strategic_fit":"FULL","credit_rating":"B","justification":"A clinic group that renews its devices."}`

// TestEveryFieldHasOneSpec keeps the table and the data sets together, entries
// of lists included.
func TestEveryFieldHasOneSpec(t *testing.T) {
	t.Parallel()
	specs := map[string]kam.FieldSet{}
	for _, s := range kam.Fields {
		require.NotContains(t, specs, s.Name, "two specs")
		specs[s.Name] = s.Set
		if s.Kind == kam.KindChoice {
			require.NotEmpty(t, s.Choices(), s.Name)
		}
	}
	var walk func(typ reflect.Type, prefix string, set kam.FieldSet)
	walk = func(typ reflect.Type, prefix string, set kam.FieldSet) {
		for _, f := range reflect.VisibleFields(typ) {
			name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
			name = prefix + name
			require.Equal(t, set, specs[name], "spec of %s", name)
			delete(specs, name)
			if f.Type.Kind() == reflect.Slice {
				if f.Type.Elem().Kind() == reflect.Struct {
					walk(f.Type.Elem(), name+"[].", set)
				} else {
					require.Contains(t, specs, name+"[]")
					delete(specs, name+"[]")
				}
			}
		}
	}
	walk(reflect.TypeFor[kam.ScreeningData](), "", kam.Screening)
	walk(reflect.TypeFor[kam.DetailData](), "", kam.Detail)
	require.Empty(t, specs, "specs without a field")
}

func TestMaterialHashGolden(t *testing.T) {
	t.Parallel()
	d := request(t, screeningJSON)
	require.Equal(t, `{"country_code":"DE","credit_rating":"B","customer_kind":"ORGANIZATION",`+
		`"declared_potential":{"amount":"140000.00","currency":"EUR"},"identifiers":[{"scheme":"VAT_EU","value":"DE136695976"}],`+
		`"industry_code":"86.10","industry_scheme":"NACE","legal_name":"Nordwind Klinik Hamburg","postal_code":"20095","strategic_fit":"FULL"}`,
		kam.MaterialJSON(d))
	require.Equal(t, "sha256:c45c505d38e814c845c3fd77755d0fc270f6aaa6733b413b5060e9f86899f444", kam.MaterialHash(d))
	// The digest of "{}".
	require.Equal(t, "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a", kam.MaterialHash(kam.RequestData{}))
	d = kam.RequestData{}
	d.LegalName = "A & <B> \"\\\u2028é\x01\n"
	require.Equal(t, "{\"legal_name\":\"A & <B> \\\"\\\\\u2028é\\u0001\\n\"}", kam.MaterialJSON(d))
}

func TestMaterialHashSeesWhatIsMaterial(t *testing.T) {
	t.Parallel()
	base := request(t, screeningJSON)
	seen := map[string]string{kam.MaterialHash(base): "base"}
	for name, value := range map[string]any{
		"legal_name": "Nordwind", "country_code": "AT", "postal_code": "20099", "territory_code": "DE-N-01", "group_id": "NORDWIND",
		"group_name": "Nordwind", "requested_owner_id": "anna", "credit_rating": "A", "strategic_fit": "PARTIAL", "customer_kind": "PUBLIC_BODY",
		"industry_code": "86.20", "industry_scheme": "ISIC", "declared_potential": map[string]string{"amount": "1", "currency": "EUR"},
		"identifiers": []map[string]string{{"scheme": "VAT_EU", "value": "DE1"}},
	} {
		b, err := json.Marshal(map[string]any{name: value})
		require.NoError(t, err)
		d := request(t, screeningJSON)
		d.Identifiers = nil
		require.NoError(t, json.Unmarshal(b, &d))
		if name != "identifiers" {
			d.Identifiers = base.Identifiers
		}
		hash := kam.MaterialHash(d)
		require.NotContains(t, seen, hash, name)
		seen[hash] = name
		changes := kam.Diff(base, d)
		require.Len(t, changes, 1)
		require.Equal(t, name, changes[0].Field)
		require.True(t, changes[0].Material)
	}
}

func TestMaterialHashIgnoresTheRest(t *testing.T) {
	t.Parallel()
	base := request(t, screeningJSON)
	rapid.Check(t, func(t *rapid.T) {
		d := base
		d.City = rapid.String().Draw(t, "city")
		d.TradingNames = rapid.SliceOf(rapid.String()).Draw(t, "trading_names")
		d.Justification = rapid.String().Draw(t, "justification")
		d.Website, d.Phone = rapid.String().Draw(t, "website"), rapid.String().Draw(t, "phone")
		growth := kam.Dec(rapid.Int64().Draw(t, "growth"))
		d.GrowthOutlookPct = &growth
		d.ParentCustomerID = rapid.String().Draw(t, "parent")
		d.Contacts = []kam.Contact{{Name: rapid.String().Draw(t, "contact")}}
		d.Identifiers = []kam.Identifier{base.Identifiers[0]}
		d.Identifiers[0].Source = rapid.String().Draw(t, "source")
		require.Equal(t, kam.MaterialHash(base), kam.MaterialHash(d))
		for _, c := range kam.Diff(base, d) {
			require.True(t, !c.Material || c.Field == "identifiers")
		}
	})
}

func TestDiff(t *testing.T) {
	t.Parallel()
	a := request(t, screeningJSON)
	b := request(t, screeningJSON)
	require.Empty(t, kam.Diff(a, b))
	growth := kam.DecFromInt(8)
	b.GrowthOutlookPct = &growth
	b.CreditRating = ""
	b.CapabilityItems = map[string]int{"joint_planning": 2, "data_sharing": 3}
	require.Equal(t, []kam.FieldChange{
		{Field: "growth_outlook_pct", Before: "6", After: "8", ClassInput: true},
		{Field: "credit_rating", Before: "B", Material: true, ClassInput: true},
		{Field: "capability_items", After: `{"data_sharing":3,"joint_planning":2}`, ClassInput: true},
	}, kam.Diff(a, b))
}

func TestMissing(t *testing.T) {
	t.Parallel()
	d := request(t, screeningJSON)
	require.Empty(t, kam.Missing(d, kam.Screening))
	d.CreditRating, d.City, d.NominateKeyAccount = "", " ", true
	require.Equal(t, []string{"city", "credit_rating", "nomination_reason"}, kam.Missing(d, kam.Screening))

	all := kam.Missing(kam.RequestData{}, kam.Detail)
	require.Equal(t, []string{"addresses", "contacts", "buying_centralization", "reference_value", "relationship_stage", "product_fit",
		"expected_margin_pct", "capability_items.data_sharing", "capability_items.joint_planning", "capability_items.executive_access",
		"capability_items.category_resources", "capability_items.execution_discipline", "currency", "language", "payment_terms_days"}, all)
	require.NotContains(t, kam.Missing(kam.RequestData{}, kam.Detail, kam.Modify), "expected_margin_pct")

	d = request(t, `{"addresses":[{"type":"LEGAL","line1":"Ring 1","city":"Hamburg","country_code":"DE"},{"type":"VISIT","line1":"","city":"","country_code":"DE","lat":1}],"addressable_spend_12m":5}`)
	missing := kam.Missing(d, kam.Detail)
	require.Subset(t, missing, []string{"addresses[1].line1", "addresses[1].city", "addresses[1].lon", "addressable_spend_basis"})
	require.NotContains(t, missing, "addresses[0].lon")
}

func TestCheckForm(t *testing.T) {
	t.Parallel()
	require.Empty(t, kam.CheckForm(request(t, screeningJSON)))
	require.Empty(t, kam.CheckForm(kam.RequestData{}), "absent is not malformed")
	for text, want := range map[string]string{
		`{"legal_name":"X"}`: "legal_name VF02",
		`{"legal_name":"` + strings.Repeat("ü", 201) + `"}`:                          "legal_name VF02",
		`{"trading_names":["ok","x"]}`:                                               "trading_names[1] VF02",
		`{"trading_names":["aa","aa","aa","aa","aa","aa","aa","aa","aa","aa","aa"]}`: "trading_names VF02",
		`{"country_code":"de"}`:                                                      "country_code VA01",
		`{"credit_rating":"E"}`:                                                      "credit_rating VF02",
		`{"identifiers":[{"scheme":"VAT","value":"1"}]}`:                             "identifiers[0].scheme VF02",
		`{"declared_potential":-1}`:                                                  "declared_potential VF02",
		`{"declared_potential":10000000001}`:                                         "declared_potential VF02",
		`{"growth_outlook_pct":300.01}`:                                              "growth_outlook_pct VF02",
		`{"justification":"too short"}`:                                              "justification VF02",
		`{"city":"a\u0007b"}`:                                                        "city VF02",
		`{"city":"Ham\u202egrub"}`:                                                   "city VF02",
		`{"city":"Ham\u2066burg"}`:                                                   "city VF02",
		`{"phone":"040 123"}`:                                                        "phone VF04",
		`{"website":"example.com"}`:                                                  "website VF02",
		`{"website":"ftp://example.com"}`:                                            "website VF02",
		`{"contacts":[{"name":"A","decision_role":"USER","email":"a@b"}]}`:           "contacts[0].email VF04",
		`{"contacts":[{"name":"A","decision_role":"BOSS"}]}`:                         "contacts[0].decision_role VF02",
		`{"addresses":[{"type":"LEGAL","line1":"a","city":"b","country_code":"DE","lat":90.1,"lon":0}]}`: "addresses[0].lat VA07",
		`{"capability_items":{"charm":1}}`:                                          "capability_items VF02",
		`{"capability_items":{"data_sharing":5}}`:                                   "capability_items VF02",
		`{"competitors":[{"name":"a","share_pct":60},{"name":"b","share_pct":41}]}`: "competitors VF02",
		`{"competitors":[{"name":"a","contract_end":"31.12.2026"}]}`:                "competitors[0].contract_end VF02",
		`{"currency":"EURO"}`:                                                       "currency VF02",
		`{"language":"german"}`:                                                     "language VF02",
		`{"payment_terms_days":181}`:                                                "payment_terms_days VF02",
		`{"documents":[{"type":"TAX","name":"a","sha256":"00"}]}`:                   "documents[0].sha256 VF02",
	} {
		errs := kam.CheckForm(request(t, text))
		require.Len(t, errs, 1, text)
		require.Equal(t, want, errs[0].Field+" "+errs[0].Rule, text)
		require.Equal(t, kam.Invalid, errs[0].Code)
		require.NotEmpty(t, errs[0].Remedy, text)
		if strings.HasPrefix(errs[0].Field, "contacts[") {
			require.NotContains(t, errs[0].Msg, `"`, "what a contact says is personal data")
		}
	}
	require.Empty(t, kam.CheckForm(request(t, `{"justification":"line one\nline two is here","declared_potential":10000000000,"language":"pt-BR"}`)))
	require.Empty(t, kam.CheckForm(request(t, `{"currency":"EURO"}`), kam.Screening), "other set")
}

func TestWhatTheOtherAdds(t *testing.T) {
	t.Parallel()
	parse := func(text string) (d kam.RequestData) {
		require.NoError(t, json.Unmarshal([]byte(text), &d))
		return d
	}
	have := parse(`{"legal_name":"A GmbH","trading_names":["A"],"city":"Bonn","identifiers":[{"scheme":"VAT_EU","value":"DE1"}]}`)
	other := parse(`{"legal_name":"A GmbH","trading_names":["A","B"],"city":"Köln","website":"https://a.example","declared_potential":{"amount":"0","currency":"EUR"},
		"identifiers":[{"scheme":"VAT_EU","value":"DE1"},{"scheme":"LEI","value":"L1"}],"contacts":[{"name":"Eva Beispiel","email":"eva@a.example"}]}`)
	adds := kam.Adds(have, other)
	require.ElementsMatch(t, []string{"trading_names: B", "city: Köln", "website: https://a.example", "declared_potential: 0 EUR",
		`identifiers: {"scheme":"LEI","value":"L1"}`, "contacts: 1"}, adds)
	require.Empty(t, kam.Adds(other, have)[1:], "the city alone")
	require.Empty(t, kam.Adds(other, other))

	other.CustomerKind, other.LegalName = kam.SolePractitioner, "Dr. Eva Beispiel"
	for _, a := range kam.Adds(have, other) {
		require.NotContains(t, a, "Beispiel", "of a person the fields alone")
	}
}
