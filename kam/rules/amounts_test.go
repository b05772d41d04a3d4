package rules_test

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kamflow/kamflow/internal/shareddata"
	"github.com/kamflow/kamflow/internal/strictjson"
	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/customer"
	"github.com/kamflow/kamflow/kam/rules"
	"github.com/kamflow/kamflow/kam/rules/policy"
)

// TestAmountsOfFieldReports: an amount with more decimals than its currency
// has is refused wherever money is read, and the refusal names field, rule and
// remedy.
func TestAmountsOfFieldReports(t *testing.T) {
	t.Parallel()
	for _, r := range shareddata.CSV(t, filepath.Join("field_reports", "amounts.csv"), ',') {
		refused := r["right"] == "refused"
		t.Run(r["text"]+" "+r["currency"], func(t *testing.T) {
			t.Parallel()
			text, currency := r["text"], r["currency"]
			m, err := kam.ParseMoney(text, currency)
			checkAmount(t, r["right"], m, err)

			var object, bare kam.Money
			err = json.Unmarshal([]byte(`{"amount":"`+text+`","currency":"`+currency+`"}`), &object)
			checkAmount(t, r["right"], object, err)
			require.NoError(t, json.Unmarshal([]byte(text), &bare), "without a currency nobody knows yet")
			in, err := bare.In(currency)
			checkAmount(t, r["right"], in, err)

			p := policyIn(t, currency)
			for _, field := range []string{"declared_potential", "annual_turnover", "addressable_spend_12m"} {
				var d customer.RequestData
				require.NoError(t, json.Unmarshal([]byte(`{"`+field+`":`+text+`}`), &d))
				errs := p.FormErrors(d)
				require.Equal(t, refused, len(errs) == 1, errs)
				if refused {
					require.Equal(t, field, errs[0].Field)
					require.Equal(t, "VF02", errs[0].Rule)
					require.NotEmpty(t, errs[0].Remedy)
				}
				c := rules.Customer{CustomerNo: "X", ScreeningData: d.ScreeningData, DetailData: d.DetailData}
				found := ids(p.Validate(c, rules.ValidationContext{}))
				require.Equal(t, refused, strings.Contains(found, "VF02 "+field+";"), found)
			}
			// A book of the rules is refused with the path, whichever form the amount has.
			for _, form := range []string{text, `"` + text + `"`, `{"amount":"` + text + `","currency":"` + currency + `"}`} {
				var b rules.Book
				err := strictjson.Unmarshal([]byte(`{"customers":[{"customer_no":"A"},{"customer_no":"B","declared_potential":`+form+`}]}`), &b)
				if err == nil {
					_, err = p.AddDecision(b.Customers[1], nil)
				}
				require.Equal(t, refused, err != nil, form)
				if refused {
					e := kam.AsError(err)
					require.True(t, strings.HasSuffix(e.Field, "declared_potential"), e)
					require.Equal(t, "VF02", e.Rule)
					require.Equal(t, 1, strings.Count(err.Error(), "VF02"), err)
				}
			}
		})
	}
}

func checkAmount(t *testing.T, right string, m kam.Money, err error) {
	t.Helper()
	if right != "refused" {
		require.NoError(t, err)
		require.NotZero(t, m.Minor)
		if right != "" {
			require.Equal(t, right, m.Amount())
		}
		return
	}
	e := kam.AsError(err)
	require.NotNil(t, e, "%v", err)
	require.Equal(t, "VF02", e.Rule)
	require.Contains(t, e.Remedy, "without thousands separators")
}

func policyIn(t *testing.T, currency string) *rules.Set {
	t.Helper()
	p, err := rules.Parse([]byte(strings.Replace(string(policy.DefaultYAML()), "base_currency: EUR", "base_currency: "+currency, 1)))
	require.NoError(t, err)
	require.Equal(t, currency, p.BaseCurrency)
	return p
}

func ids(all []customer.Finding) string {
	var b strings.Builder
	for _, f := range all {
		b.WriteString(f.RuleID + " " + f.Field + ";")
	}
	return b.String()
}
