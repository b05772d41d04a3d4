package kam_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kamflow/kamflow/kam"
)

func TestFigure(t *testing.T) {
	t.Parallel()
	tests := []struct {
		give kam.Figure
		json string
		text string
	}{
		{kam.AmountFigure(kam.NewMoney(208000, "EUR")), `{"amount":"208000.00","currency":"EUR"}`, "208000"},
		{kam.ScoreFigure(5849), `58.49`, "58.49"},
		{kam.LevelFigure("NATIONAL"), `"NATIONAL"`, "NATIONAL"},
	}
	for _, tt := range tests {
		b, err := json.Marshal(tt.give)
		require.NoError(t, err)
		require.JSONEq(t, tt.json, string(b))
		var back kam.Figure
		require.NoError(t, json.Unmarshal(b, &back))
		require.Equal(t, tt.give, back)
		require.Equal(t, tt.text, back.String())
	}
}
