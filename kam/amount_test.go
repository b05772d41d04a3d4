package kam_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/kamflow/kamflow/kam"
)

func TestDec(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{"12": "12", "-3.5": "-3.5", "66.66": "66.66", "0.10": "0.1", "-0.05": "-0.05", "70.00": "70", "7.500000": "7.5"} {
		d, err := kam.ParseDec(in)
		require.NoError(t, err, in)
		require.Equal(t, want, d.String())
	}
	for _, bad := range []string{"", "-", ".", "1.", ".5", "1e3", "+1", "1,5", "66.666", "0x1", " 1", "1 ", "--1", "NaN", "99999999999999999999", "9999999999999999.99"} {
		_, err := kam.ParseDec(bad)
		if bad == "9999999999999999.99" { // fits
			require.NoError(t, err)
			continue
		}
		require.Error(t, err, bad)
	}
	require.Equal(t, "16.90", kam.Dec(1690).Fixed())
	require.Equal(t, kam.Dec(-700), kam.DecFromInt(-7))
	rapid.Check(t, func(t *rapid.T) {
		d := kam.Dec(rapid.Int64Range(-1e17, 1e17).Draw(t, "d"))
		text, err := json.Marshal(d)
		require.NoError(t, err)
		var back kam.Dec
		require.NoError(t, json.Unmarshal(text, &back))
		require.Equal(t, d, back)
		require.NoError(t, json.Unmarshal([]byte(`"`+d.Fixed()+`"`), &back))
		require.Equal(t, d, back)
	})
}

func TestMoney(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		amount, currency, text string
		minor                  int64
	}{
		{"140000", "EUR", "140000 EUR", 14000000},
		{"140000.50", "EUR", "140000.50 EUR", 14000050},
		{"1000", "JPY", "1000 JPY", 1000},
		{"1.234", "KWD", "1.234 KWD", 1234},
		{"1.500", "KWD", "1.500 KWD", 1500},
		{"7.50", "EUR", "7.50 EUR", 750},
		{"7.5", "EUR", "7.50 EUR", 750},
		{"-0.01", "USD", "-0.01 USD", -1},
		{"100000000000000000", "JPY", "100000000000000000 JPY", 1e17}, // the bound itself
	} {
		m, err := kam.ParseMoney(tc.amount, tc.currency)
		require.NoError(t, err, tc)
		require.Equal(t, tc.minor, m.Minor)
		require.Equal(t, tc.text, m.String())
	}
	for _, bad := range [][2]string{{"1", "XXX"}, {"1", ""}, {"1.5", "JPY"}, {"1.005", "EUR"}, {"1e6", "EUR"},
		{"140.000", "EUR"}, {"1.500", "EUR"}, {"150.000", "JPY"}, {"150.0", "JPY"}, {"1.0000", "KWD"}, {"-1.500", "USD"}, {"0.000", "EUR"}, {"2000000000000000", "EUR"}} {
		_, err := kam.ParseMoney(bad[0], bad[1])
		require.Error(t, err, bad)
	}
	var m kam.Money
	for _, bad := range []string{`{"amount":"1","currency":"EUR","more":1}`, `{"amount":"x","currency":"EUR"}`, `"ten"`, `{"amount":"1"}`, `true`} {
		require.Error(t, json.Unmarshal([]byte(bad), &m), bad)
	}
	require.NoError(t, json.Unmarshal([]byte(`21000`), &m))
	in, err := m.In("EUR")
	require.NoError(t, err)
	require.Equal(t, kam.NewMoney(21000, "EUR"), in)
	again, err := in.In("USD")
	require.NoError(t, err)
	require.Equal(t, in, again, "money with a currency keeps it")
	rapid.Check(t, func(t *rapid.T) {
		m := kam.Money{Minor: rapid.Int64Range(-1e17, 1e17).Draw(t, "minor"), Currency: rapid.SampledFrom([]string{"EUR", "JPY", "KWD", "CHF"}).Draw(t, "currency")}
		text, err := json.Marshal(m)
		require.NoError(t, err)
		var back kam.Money
		require.NoError(t, json.Unmarshal(text, &back))
		require.Equal(t, m, back)
	})
}
