package identifier

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/customer"
)

// TestSeveral holds that no scheme is missing among those whose registrations are
// stored under several numbers: of all others the number itself is looked up.
func TestSeveral(t *testing.T) {
	t.Parallel()
	for _, id := range []customer.Identifier{
		{Scheme: kam.SchemeSIRET, Value: "73282932000074"}, {Scheme: kam.SchemeVATEU, Value: "FR61954506077"}, {Scheme: kam.SchemeVATGB, Value: "980780684001"},
		{Scheme: kam.SchemeVATEU, Value: "XI980780684"}, {Scheme: kam.SchemeCHUID, Value: "CHE116281710TVA"}, {Scheme: kam.SchemeVATEU, Value: "DE136695976"},
		{Scheme: kam.SchemeLEI, Value: "213800KUD8LAJWSQ9D15"}, {Scheme: kam.SchemeGLN, Value: "4012345000009"}, {Scheme: kam.SchemeDUNS, Value: "812810734"},
	} {
		all := Registrations(id)
		require.NotEmpty(t, all, "%v", id)
		for _, r := range all {
			if r.ID.Scheme != id.Scheme || r.ID.Value != id.Value {
				require.True(t, Several(r.ID.Scheme), "%v is stored under %v", r.ID, id)
			}
		}
	}
	require.False(t, Several(kam.SchemeLEI))
}
