package stage

import (
	"math/big"
	"time"

	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/rules"
	customerdb "github.com/kamflow/kamflow/store/customer"
)

// FactsOf turns the sums of an account and its lines of profit and loss into
// facts. Sums in more than one currency are a kam.Fault.
func FactsOf(s customerdb.Sales, lines map[string]int64, at time.Time, base string) (rules.Facts, error) {
	zero := int64(0)
	none := kam.NewMoney(0, base)
	f := rules.Facts{NetRevenue12m: &none, Orders12m: &zero, ActiveMonths: &zero}
	if s.FirstRevenue != nil {
		f.ActiveMonths = MonthsSince(s.FirstRevenue, at)
	}
	if !s.Known {
		return f, nil
	}
	if s.Currencies > 1 {
		return f, kam.Errorf(kam.Fault, "sales account %s has facts in %d currencies, which do not add up", s.Account, s.Currencies)
	}
	now, before := kam.Money{Minor: s.Net12, Currency: s.Currency}, kam.Money{Minor: s.Prior12, Currency: s.Currency}
	f.NetRevenue12m, f.NetRevenuePrior12m, f.Orders12m = &now, &before, &s.Orders12
	if s.LastOrder != nil {
		days := int64(at.Sub(*s.LastOrder).Hours() / 24)
		f.RecencyDays = &days
	}
	if s.Net12 <= 0 {
		return f, nil
	}
	if s.Margin12 != nil {
		pct := percent(*s.Margin12, s.Net12)
		f.MarginPct = &pct
	}
	f.PLLinesPct = make(map[string]kam.Dec, len(lines))
	for line, amount := range lines {
		f.PLLinesPct[line] = percent(amount, s.Net12)
	}
	return f, nil
}

// MonthsSince are the months of the calendar from then to at, never below 0;
// nil where then is not known. The twelve months of revenue that end with at
// began 11 months ago.
func MonthsSince(then *time.Time, at time.Time) *int64 {
	if then == nil {
		return nil
	}
	from, to := then.UTC(), at.UTC()
	n := max(0, int64(to.Year()-from.Year())*12+int64(to.Month())-int64(from.Month()))
	return &n
}

// percent is 100 x part / whole with two decimals, half up.
func percent(part, whole int64) kam.Dec {
	n := new(big.Int).Mul(big.NewInt(part), big.NewInt(20000))
	n.Add(n, big.NewInt(whole))
	return kam.Dec(n.Div(n, big.NewInt(2*whole)).Int64())
}
