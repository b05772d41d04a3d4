package parties

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/customer"
)

// TestHaveOne holds that a stop on one number of a registration reaches whoever
// has another one of it, both ways round, and nobody else.
func TestHaveOne(t *testing.T) {
	t.Parallel()
	id := func(scheme kam.IdentifierScheme, value string) []customer.Identifier {
		return []customer.Identifier{{Scheme: scheme, Value: value}}
	}
	for _, tt := range []struct {
		name string
		a, b []customer.Identifier
		want bool
	}{
		{"the same, written otherwise", id(kam.SchemeVATEU, "de 136 695 976"), id(kam.SchemeVATEU, "DE136695976"), true},
		{"a SIREN and a SIRET of it", id(kam.SchemeSIREN, "732829320"), id(kam.SchemeSIRET, "73282932000074"), true},
		{"a French VAT number and its SIREN", id(kam.SchemeVATEU, "FR61954506077"), id(kam.SchemeSIREN, "954506077"), true},
		{"a branch of a British VAT group", id(kam.SchemeVATGB, "980780684001"), id(kam.SchemeVATGB, "980780684"), true},
		{"a British VAT number and that of Northern Ireland", id(kam.SchemeVATGB, "980780684"), id(kam.SchemeVATEU, "XI980780684"), true},
		{"a number that does not check, to the letter", id(kam.SchemeDUNS, "12"), id(kam.SchemeDUNS, "12"), true},
		{"other numbers", id(kam.SchemeSIREN, "356000000"), id(kam.SchemeSIRET, "73282932000074"), false},
		{"the same digits of another register", id(kam.SchemeDUNS, "732829320"), id(kam.SchemeSIREN, "732829320"), false},
		{"nothing", nil, id(kam.SchemeSIREN, "732829320"), false},
	} {
		require.Equal(t, tt.want, HaveOne(tt.a, tt.b), tt.name)
		require.Equal(t, tt.want, HaveOne(tt.b, tt.a), "%s, the other way", tt.name)
	}
}
