package customer_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/customer"
)

func TestOverlay(t *testing.T) {
	t.Parallel()
	fit := kam.DecFromInt(70)
	base := customer.RequestData{
		ScreeningData: customer.ScreeningData{LegalName: "Old GmbH", City: "Bonn", TradingNames: []string{"One", "Two"}},
		DetailData:    customer.DetailData{ProductFit: &fit, CapabilityItems: map[string]int{"data_sharing": 3, "joint_planning": 2}},
	}
	given := customer.RequestData{
		ScreeningData: customer.ScreeningData{LegalName: "New GmbH", TradingNames: []string{"Three"}},
		DetailData:    customer.DetailData{CapabilityItems: map[string]int{"data_sharing": 1}},
	}
	got, err := customer.Overlay(base, given)
	require.NoError(t, err)
	require.Equal(t, "New GmbH", got.LegalName)
	require.Equal(t, "Bonn", got.City, "absent is as it was")
	require.Equal(t, []string{"Three"}, got.TradingNames, "a list is given whole")
	require.Equal(t, map[string]int{"data_sharing": 1}, got.CapabilityItems, "a map is given whole")
	require.Equal(t, fit, *got.ProductFit)
	require.Equal(t, []string{"One", "Two"}, base.TradingNames, "the revision before is not written through")
}
