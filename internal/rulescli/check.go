package rulescli

import (
	"maps"
	"slices"
	"time"

	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/rules"
)

// plain are the lines of an account's P&L that carry no benchmark.
var plain = []string{"gross_sales", "net_sales", "cost_of_goods", "gross_margin", "account_contribution"}

// check refuses what would otherwise pass for unknown without a word: a name
// that is misspelt, a standing that contradicts itself, a count below zero.
func check(verb string, p *rules.Set, b rules.Book) error {
	if b.AsOf != "" {
		if _, err := time.Parse(time.DateOnly, b.AsOf); err != nil {
			return kam.Errorf(kam.Invalid, "%q is not a date", b.AsOf).On("as_of").Try("write it as 2026-11-23")
		}
	}
	for i, c := range b.Customers {
		err := checkFacts(p, c.Facts)
		if err == nil && verb != "validate" { // there these are findings
			err = checkData(p, c)
		}
		if err != nil {
			return at(err, i)
		}
	}
	return nil
}

func checkData(p *rules.Set, c rules.Customer) error {
	for item := range c.CapabilityItems {
		if !slices.Contains(p.Capability.Items, item) {
			return kam.Errorf(kam.Invalid, "there is no such item").On("capability_items."+item).
				Try("use one of %s", kam.ListOf(p.Capability.Items))
		}
	}
	known := kam.Choices("credit_rating")
	if c.CreditRating != "" && !slices.Contains(known, string(c.CreditRating)) {
		return kam.Errorf(kam.Invalid, "%q is not a value of the set", c.CreditRating).On("credit_rating").By("VF02").
			Try("use one of %s", kam.ListOf(known))
	}
	return nil
}

func checkFacts(p *rules.Set, f rules.Facts) error {
	for line := range f.PLLinesPct {
		if _, ok := p.Improvement.Benchmarks[line]; !ok && !slices.Contains(plain, line) {
			return kam.Errorf(kam.Invalid, "there is no such line").On("pl_lines_pct."+line).
				Try("use one of %s", kam.ListOf(slices.Sorted(maps.Keys(p.Improvement.Benchmarks))))
		}
	}
	for _, n := range []struct {
		field string
		value *int64
	}{{"orders_12m", f.Orders12m}, {"recency_days", f.RecencyDays}, {"active_months", f.ActiveMonths}, {"customer_months", f.CustomerMonths}} {
		if n.value != nil && *n.value < 0 {
			return kam.Errorf(kam.Invalid, "%d is below zero", *n.value).On(n.field)
		}
	}
	if f.Current == nil {
		return nil
	}
	return checkCurrent(*f.Current)
}

func checkCurrent(c rules.Current) error {
	switch c.KAStatus {
	case "", kam.KA, kam.NonKA:
	default:
		return kam.Errorf(kam.Invalid, "%q is not a status", c.KAStatus).On("current.ka_status").Try("use KA or NON_KA")
	}
	tiers := []string{}
	for _, t := range kam.Tiers {
		tiers = append(tiers, string(t))
	}
	none := c.Tier == "" || string(c.Tier) == string(kam.NonKA)
	switch {
	case !none && !slices.Contains(tiers, string(c.Tier)):
		return kam.Errorf(kam.Invalid, "%q is not a tier", c.Tier).On("current.tier").Try("use one of %s", kam.ListOf(tiers))
	case string(c.Tier) == string(kam.NonKA) && c.KAStatus == kam.KA:
		return kam.Errorf(kam.Invalid, "a key account has a tier, not %s", kam.NonKA).On("current.tier").Try("use one of %s", kam.ListOf(tiers))
	case c.FailedReviews < 0:
		return kam.Errorf(kam.Invalid, "%d is below zero", c.FailedReviews).On("current.failed_reviews")
	}
	return nil
}
