package activities

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kamflow/kamflow/kam"
)

func TestIdentityIgnoresOrder(t *testing.T) {
	t.Parallel()
	a := kam.RequestData{ScreeningData: kam.ScreeningData{LegalName: "X", TradingNames: []string{"A", "B"},
		Identifiers: []kam.Identifier{{Scheme: kam.SchemeLEI, Value: "1"}, {Scheme: kam.SchemeGLN, Value: "2"}}}}
	b := a
	b.TradingNames = []string{"B", "A"}
	b.Identifiers = []kam.Identifier{a.Identifiers[1], a.Identifiers[0]}
	require.Equal(t, identityHash(a), identityHash(b))
	b.Phone = "+49301234567"
	require.NotEqual(t, identityHash(a), identityHash(b))
	a.Justification = "does not matter"
	require.NotEqual(t, identityHash(a), identityHash(b))
}
