package onboarding_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/onboarding"
)

func TestFigure(t *testing.T) {
	t.Parallel()
	tests := []struct {
		give onboarding.Figure
		json string
		text string
	}{
		{onboarding.AmountFigure(kam.NewMoney(208000, "EUR")), `{"amount":"208000.00","currency":"EUR"}`, "208000"},
		{onboarding.ScoreFigure(5849), `58.49`, "58.49"},
		{onboarding.LevelFigure("NATIONAL"), `"NATIONAL"`, "NATIONAL"},
	}
	for _, tt := range tests {
		b, err := json.Marshal(tt.give)
		require.NoError(t, err)
		require.JSONEq(t, tt.json, string(b))
		var back onboarding.Figure
		require.NoError(t, json.Unmarshal(b, &back))
		require.Equal(t, tt.give, back)
		require.Equal(t, tt.text, back.String())
	}
}
