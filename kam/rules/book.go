package rules

import (
	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/customer"
	"github.com/kamflow/kamflow/kam/rules/match"
)

// A Book is the input of every rule verb: the territory tree and the
// customers, as of a date (rules-json).
type Book struct {
	AsOf      string              `json:"as_of,omitempty"` // ISO 8601 date
	Rates     map[string]kam.Rate `json:"rates,omitempty"` // base currency units for one unit of the key
	Nodes     []kam.TerritoryNode `json:"nodes,omitempty"`
	Customers []Customer          `json:"customers"`
}

// A Customer is what is known of one customer or request: both data sets and
// the facts that the system brings. Absent is unknown, never zero.
type Customer struct {
	CustomerNo string `json:"customer_no"`
	customer.ScreeningData
	customer.DetailData
	Facts
}

// Facts are what the system brings (P2.4.4).
type Facts struct {
	NetRevenue12m      *kam.Money `json:"net_revenue_12m,omitempty"`
	NetRevenuePrior12m *kam.Money `json:"net_revenue_prior_12m,omitempty"`
	Orders12m          *int64     `json:"orders_12m,omitempty"`
	RecencyDays        *int64     `json:"recency_days,omitempty"`
	// ActiveMonths are the months since the first month with revenue that was
	// ever known, 0 where there is none; CustomerMonths those since the party
	// became a customer, nil for one that is none yet.
	ActiveMonths   *int64             `json:"active_months,omitempty"`
	CustomerMonths *int64             `json:"customer_months,omitempty"`
	MarginPct      *kam.Dec           `json:"margin_pct,omitempty"` // actual margin
	PLLinesPct     map[string]kam.Dec `json:"pl_lines_pct,omitempty"`
	// HardStops are the hard stops of 1.1.4 that lookups outside the rules
	// found to hold: HS1, HS2, HS5, HS6, HS7,
	// HS9. HS3, HS4 and HS8 are computed.
	HardStops   []string `json:"hard_stops,omitempty"`
	Nominated   bool     `json:"nominated,omitempty"`
	FinanceHold bool     `json:"finance_hold,omitempty"`
	Current     *Current `json:"current,omitempty"`
	Inactive    bool     `json:"inactive,omitempty"`
	// HasError says that an ERROR finding is open (KG1).
	HasError bool `json:"has_error,omitempty"`
}

// Current is the standing before this run, for hysteresis (P3.5.4).
type Current struct {
	KAStatus      kam.KAStatus `json:"ka_status"`
	Tier          kam.Tier     `json:"tier"`
	FailedReviews int          `json:"failed_reviews"`
}

// data is what the customer says of itself.
func (c *Customer) data() customer.RequestData {
	return customer.RequestData{ScreeningData: c.ScreeningData, DetailData: c.DetailData}
}

// Party is the customer as the search for duplicates knows it.
func (c *Customer) Party() match.Party { return match.PartyOf(c.CustomerNo, c.data()) }

// MatchBook finds every pair of customers that may be one, by falling score,
// then by number.
func (p *Set) MatchBook(b Book) []match.Pair {
	parties := make([]match.Party, len(b.Customers))
	for i := range b.Customers {
		parties[i] = b.Customers[i].Party()
	}
	return p.Match.Pairs(parties)
}
