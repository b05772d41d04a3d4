package activities

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/customer"
)

func TestIdentityIgnoresOrder(t *testing.T) {
	t.Parallel()
	a := customer.RequestData{ScreeningData: customer.ScreeningData{LegalName: "X", TradingNames: []string{"A", "B"},
		Identifiers: []customer.Identifier{{Scheme: kam.SchemeLEI, Value: "1"}, {Scheme: kam.SchemeGLN, Value: "2"}}}}
	b := a
	b.TradingNames = []string{"B", "A"}
	b.Identifiers = []customer.Identifier{a.Identifiers[1], a.Identifiers[0]}
	require.Equal(t, identityHash(a), identityHash(b))
	b.Phone = "+49301234567"
	require.NotEqual(t, identityHash(a), identityHash(b))
	a.Justification = "does not matter"
	require.NotEqual(t, identityHash(a), identityHash(b))
}
