package acceptance

import (
	"maps"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/onboarding"
	customerdb "github.com/kamflow/kamflow/store/customer"
	"github.com/kamflow/kamflow/store/storetest"
)

// sells loads sales facts and takes the book for ABC.
func (w *world) sells(facts ...customerdb.SalesFact) {
	w.t.Helper()
	require.NoError(w.t, w.db.Customers.LoadSales(w.t.Context(), storetest.Act(), facts))
	_, err := w.db.Customers.RebuildABC(w.t.Context(), monday)
	require.NoError(w.t, err)
}

// sales is one account's year in one month's row: revenue in whole EUR, margin
// and P&L lines in tenths of a percent.
func sales(account string, revenue, marginPct int64, lines map[string]int64) customerdb.SalesFact {
	minor := revenue * 100
	margin := minor * marginPct / 100
	pl := map[string]int64{}
	for k, tenths := range lines {
		pl[k] = minor * tenths / 1000
	}
	return customerdb.SalesFact{
		AccountNo: account, Month: "2026-02", Currency: "EUR", NetRevenue: minor, GrossMargin: &margin,
		Orders: 30, LastOrderDate: "2026-02-18", PLLines: pl,
	}
}

func eur(amount string) fields { return fields{"amount": amount, "currency": "EUR"} }

// Worked examples of P3.8.
var (
	kastel = fields{
		"postal_code": "20095", "city": "Hamburg", "declared_potential": eur("200000.00"), "growth_outlook_pct": 7, "strategic_fit": "FULL",
		"group_id": "KASTEL", "group_name": "Kastel", "sales_account_no": "KASTEL", "addressable_spend_12m": eur("520000.00"), "addressable_spend_basis": "ESTIMATE",
		"buying_centralization": "LOCAL", "reference_value": "MEDIUM", "relationship_stage": "COOPERATIVE", "product_fit": 80, "satisfaction": 80,
		"expected_margin_pct": 33, "capability_items": capability(3, 3, 3, 3, 3),
	}
	kastelSales = []customerdb.SalesFact{sales("KASTEL", 88_000, 33, map[string]int64{"invoice_discounts": 80, "technical_service": 90})}

	helix = fields{
		"declared_potential": eur("140000.00"), "growth_outlook_pct": 12, "strategic_fit": "FULL", "expected_margin_pct": 30,
		"buying_centralization": "LOCAL", "reference_value": "MEDIUM", "relationship_stage": "EXPLORATORY", "product_fit": 80, "satisfaction": 50,
		"capability_items": capability(2, 2, 3, 2, 2),
	}
	vienna = fields{
		"country_code": "AT", "postal_code": "1010", "city": "Wien", "declared_potential": eur("450000.00"), "growth_outlook_pct": 8, "strategic_fit": "FULL",
		"group_id": "NORDWIND", "group_name": "Nordwind", "sales_account_no": "NW-VIE", "addressable_spend_12m": eur("1250000.00"), "addressable_spend_basis": "ESTIMATE",
		"buying_centralization": "NATIONAL", "reference_value": "HIGH", "relationship_stage": "INTERDEPENDENT", "product_fit": 85, "satisfaction": 85,
		"expected_margin_pct": 36, "capability_items": capability(4, 4, 3, 3, 3), "identifiers": []fields{{"scheme": "VAT_EU", "value": "ATU57194903"}},
		"addresses": []fields{{"type": "LEGAL", "line1": "Ring 3", "city": "Wien", "postal_code": "1010", "country_code": "AT"}}, "street": "Ring 3",
	}
)

// nordwind loads Hamburg and Munich as members of a key account.
func (w *world) nordwind(tier kam.Tier, home string, more ...customerdb.BookCustomer) {
	w.t.Helper()
	site := func(no, name, territory, city, postal string, f fields) customerdb.BookCustomer {
		all := fields{
			"legal_name": name, "customer_kind": "ORGANIZATION", "country_code": "DE", "city": city, "postal_code": postal, "group_id": "NORDWIND", "group_name": "Nordwind",
			"growth_outlook_pct": 6, "strategic_fit": "FULL", "credit_rating": "B", "buying_centralization": "NATIONAL", "product_fit": 75,
			"capability_items": capability(3, 3, 3, 2, 3),
		}
		maps.Copy(all, f)
		return customerdb.BookCustomer{
			CustomerNo: no, Data: data(w.t, all), GroupID: "NORDWIND", Territory: territory, OwnerID: "kam.one", KAStatus: kam.KA, Tier: tier,
		}
	}
	w.has(site("NW-HH", "Nordwind Klinik Hamburg", "DE-N-01", "Hamburg", "20095", fields{
		"addressable_spend_12m": eur("800000.00"), "addressable_spend_basis": "ESTIMATE", "reference_value": "HIGH", "relationship_stage": "COOPERATIVE", "satisfaction": 80,
	}))
	w.has(site("NW-MUC", "Nordwind Klinik München", "DE-S-02", "München", "80331", fields{
		"addressable_spend_12m": eur("650000.00"), "addressable_spend_basis": "ESTIMATE", "reference_value": "MEDIUM", "relationship_stage": "BASIC", "satisfaction": 70,
	}))
	for _, c := range more {
		w.has(c)
	}
	w.sells(
		sales("NW-HH", 96_000, 34, map[string]int64{"invoice_discounts": 105, "freight_logistics": 45, "technical_service": 60}),
		sales("NW-MUC", 39_000, 31, map[string]int64{"invoice_discounts": 90}),
		sales("NW-VIE", 210_000, 36, map[string]int64{"rebates": 70}),
	)
}

func endorse(by kam.UserID) onboarding.Act {
	return onboarding.Act{Name: onboarding.ActDecideEndorsement, Verdict: onboarding.Endorse, By: by}
}

func TestAC28_NordwindBecomesGlobal(t *testing.T) {
	w := newWorld(t)
	w.nordwind(kam.TierNational, "DE")
	s := w.onboard("rep.vienna", data(t, screening("Nordwind Klinik Wien"), details(), vienna))
	s.act(1*hour, "", confirm("tess.territory", ""))
	s.expect(2*hour, onboarding.AwaitingEndorsement, "nadja.national")
	s.act(3*hour, kam.Forbidden, endorse("nora.national")) // of the other country
	s.act(4*hour, "", endorse("nadja.national"))
	s.expect(5*hour, onboarding.AwaitingEndorsement, "gina.global")
	s.act(6*hour, kam.Separation, endorse("nadja.national"))
	s.act(7*hour, "", onboarding.Act{Name: onboarding.ActDecideEndorsement, Verdict: onboarding.Endorse, By: "gina.global", OwnerID: "kam.one"})
	end := s.run()
	require.Equal(t, onboarding.AddedKA, end.Outcome)
	require.Equal(t, kam.TierGlobal, end.Tier)
	require.Equal(t, kam.TierNational, end.PriorTier)

	records, err := w.db.Cases.Records(t.Context(), s.no)
	require.NoError(t, err)
	class := records[len(records)-1]
	require.Equal(t, "74.07", class.Score.Fixed())
	require.Contains(t, text(t, class), "1080000")
	for _, no := range []string{"NW-HH", "NW-MUC", end.CommittedAs} {
		c, err := w.db.Customers.Customer(t.Context(), no)
		require.NoError(t, err)
		require.Equal(t, kam.TierGlobal, c.Tier, no)
	}
}

func TestAC29_GlobalManagerDeclines(t *testing.T) {
	w := newWorld(t)
	w.nordwind(kam.TierNational, "DE")
	s := w.onboard("rep.vienna", data(t, screening("Nordwind Klinik Wien"), details(), vienna))
	s.act(1*hour, "", confirm("tess.territory", ""))
	s.act(2*hour, "", endorse("nadja.national"))
	s.act(3*hour, "", onboarding.Act{Name: onboarding.ActDecideEndorsement, Verdict: onboarding.Decline, By: "gina.global", Reason: "not this year"})
	end := s.run()
	require.Equal(t, onboarding.Completed, end.State)
	require.Equal(t, onboarding.AddedKA, end.Outcome)
	require.True(t, end.Has(onboarding.FlagEndorsementDeclined))
	require.Equal(t, "DE", end.HomeNode)
	require.Equal(t, "KA-000001", end.KeyAccountNo, "the account that was there")
	for _, no := range []string{"NW-HH", end.CommittedAs} {
		c, err := w.db.Customers.Customer(t.Context(), no)
		require.NoError(t, err)
		require.Equal(t, kam.KA, c.KAStatus)
		require.Equal(t, kam.TierNational, c.Tier)
	}
}

func TestAC30_KastelIsATerritoryKeyAccount(t *testing.T) {
	w := newWorld(t)
	w.sells(kastelSales...)
	s := w.onboard("rep.north", data(t, screening("Kastel Pharma GmbH"), details(), kastel))
	s.act(1*hour, "", confirm("tom.territory", ""))
	s.expect(2*hour, onboarding.AwaitingEndorsement, "tom.territory")
	s.act(3*hour, "", onboarding.Act{Name: onboarding.ActDecideEndorsement, Verdict: onboarding.Endorse, By: "tom.territory", OwnerID: "kam.one"})
	end := s.run()
	require.Equal(t, onboarding.AddedKA, end.Outcome)
	require.Equal(t, kam.TierTerritory, end.Tier)
	require.Equal(t, "DE-N-01", end.HomeNode)

	inbox, err := w.db.Cases.Inbox(t.Context(), "kam.one")
	require.NoError(t, err)
	require.Len(t, inbox, 1)
	require.Equal(t, onboarding.TaskProfile, inbox[0].Task.Kind)
	// Ten business days after Monday 2 March, 12:00 in Berlin.
	require.Equal(t, "2026-03-16T11:00:00Z", inbox[0].Task.Deadlines[0].At.UTC().Format(time.RFC3339))
}

func TestAC48_HelixIsOnTheWatchList(t *testing.T) {
	w := newWorld(t)
	s := w.onboard("rep.south", data(t, screening("Helix Labs GmbH"), details(), helix))
	s.act(1*hour, "", confirm("theo.territory", ""))
	end := s.run()
	require.Equal(t, onboarding.AddedNonKA, end.Outcome)
	require.True(t, end.Has(onboarding.FlagProvisional))
	c, err := w.db.Customers.Customer(t.Context(), end.CommittedAs)
	require.NoError(t, err)
	require.True(t, c.Watch)
	require.True(t, c.Provisional)
	require.Equal(t, "2026-08-29", c.ReviewDue.UTC().Format(time.DateOnly)) // 180 days after 2 March
}

func TestAC50_SpanGlobalSizeNational(t *testing.T) {
	w := newWorld(t)
	// Hamburg and Munich as they are; a small site in Vienna widens the span.
	w.nordwind(kam.TierNational, "DE")
	small := maps.Clone(vienna)
	maps.Copy(small, fields{"addressable_spend_12m": eur("250000.00"), "sales_account_no": "", "declared_potential": eur("100000.00")})
	s := w.onboard("rep.vienna", data(t, screening("Nordwind Ambulanz Wien"), details(), small))
	s.act(1*hour, "", confirm("tess.territory", ""))
	end := s.run()
	require.Equal(t, onboarding.AddedKA, end.Outcome)
	require.Equal(t, kam.TierNational, end.Tier)
	require.Equal(t, "DE", end.HomeNode, "the country with the larger part")
}

func TestAC51_FourthSiteOfAGlobalAccount(t *testing.T) {
	w := newWorld(t)
	w.nordwind(kam.TierGlobal, "GLOBAL", customerdb.BookCustomer{
		CustomerNo: "NW-VIE", GroupID: "NORDWIND", Territory: "AT-1-01", OwnerID: "kam.one", KAStatus: kam.KA, Tier: kam.TierGlobal,
		Data: data(t, screening("Nordwind Klinik Wien"), details(), vienna),
	})
	fourth := fields{
		"postal_code": "20095", "city": "Hamburg", "street": "Hafenweg 1", "group_id": "NORDWIND", "group_name": "Nordwind", "declared_potential": eur("60000.00"),
		"buying_centralization": "NATIONAL", "addresses": []fields{{"type": "LEGAL", "line1": "Hafenweg 1", "city": "Hamburg", "postal_code": "20095", "country_code": "DE"}},
	}
	s := w.onboard("rep.north", data(t, screening("Seewind Ambulanz Hafen"), details(), fourth))
	s.act(1*hour, "", confirm("tom.territory", ""))
	end := s.run()
	require.Equal(t, onboarding.AddedKA, end.Outcome)
	require.Equal(t, kam.TierGlobal, end.Tier)
	require.NotContains(t, s.states(), onboarding.AwaitingEndorsement)
}

func TestAC09_CertainDuplicateNeedsASteward(t *testing.T) {
	w := newWorld(t)
	w.has(customerdb.BookCustomer{CustomerNo: "C-OLD", Territory: "DE-N-01", Data: data(t, screening("Altkunde Klinik GmbH"), fields{"street": "Alter Weg 1", "postal_code": "20095", "city": "Hamburg"}, identifier("VAT_EU", "DE136695976"))})
	s := w.onboard("rep.south", data(t, screening("Neukunde Praxis GmbH"), identifier("VAT_EU", "DE136695976")))
	s.expect(1*hour, onboarding.DuplicateReview)
	s.act(2*hour, kam.Forbidden, onboarding.Act{Name: onboarding.ActResolveDuplicate, Verdict: onboarding.NotDuplicate, By: "rep.south", Reason: "I am sure"})
	s.act(3*hour, "", onboarding.Act{Name: onboarding.ActResolveDuplicate, Verdict: onboarding.UseExisting, By: "stew.one", CustomerNo: "C-OLD"})
	end := s.run()
	require.Equal(t, onboarding.Merged, end.State)
	require.Equal(t, "C-OLD", end.CommittedAs)
}

func TestRequesterMayTakeTheExistingCustomer(t *testing.T) {
	w := newWorld(t)
	w.has(customerdb.BookCustomer{CustomerNo: "C-OLD", Territory: "DE-N-01", Data: data(t, screening("Altkunde Klinik GmbH"), fields{"street": "Alter Weg 1", "postal_code": "20095", "city": "Hamburg"}, identifier("VAT_EU", "DE136695976"))})
	s := w.onboard("rep.south", data(t, screening("Neukunde Praxis GmbH"), identifier("VAT_EU", "DE136695976")))
	s.act(1*hour, kam.Invalid, onboarding.Act{Name: onboarding.ActResolveDuplicate, Verdict: onboarding.UseExisting, By: "rep.south", CustomerNo: "C-OTHER"})
	s.act(2*hour, "", onboarding.Act{Name: onboarding.ActResolveDuplicate, Verdict: onboarding.UseExisting, By: "rep.south", CustomerNo: "C-OLD"})
	require.Equal(t, onboarding.Merged, s.run().State)
}

func TestAC10_LookAlikeInAnotherCityIsNoCandidate(t *testing.T) {
	w := newWorld(t)
	w.has(customerdb.BookCustomer{CustomerNo: "C-HB", Territory: "DE-N-02", Data: data(t, screening("Stadtklinik Bremen"), fields{"postal_code": "28195", "city": "Bremen", "street": "Domshof 1", "identifiers": nil})})
	s := w.onboard("rep.north", data(t, screening("Stadtklinik Hamburg"), fields{"postal_code": "20095", "city": "Hamburg", "street": "Ring 1", "identifiers": nil}))
	s.expect(1*hour, onboarding.AwaitingConfirmation)
	s.act(2*hour, "", onboarding.Act{Name: onboarding.ActWithdraw, By: "rep.north"})
	s.run()
	require.Zero(t, s.count(kam.EventCandidatesFound))
}

func TestAC11_TwoRequestsWithOneVATInOneSecond(t *testing.T) {
	w := newWorld(t)
	var scenes []*scene
	for _, who := range []struct {
		by, manager kam.UserID
		name        string
		place       fields
	}{
		{"rep.south", "theo.territory", "Zwilling Sued GmbH", fields{}},
		{"rep.north", "tom.territory", "Zwilling Nord GmbH", fields{"postal_code": "20095", "city": "Hamburg", "street": "Ring 9"}},
	} {
		s := w.onboard(who.by, data(t, screening(who.name), details(), who.place, identifier("VAT_EU", "DE136695976")))
		s.at(1*hour, func(now onboarding.Snapshot) {
			if now.State == onboarding.AwaitingConfirmation {
				s.send(now, "", confirm(who.manager, ""))
			}
		})
		scenes = append(scenes, s)
	}
	var done sync.WaitGroup
	for _, s := range scenes {
		done.Go(func() {
			s.env.ExecuteWorkflow(onboarding.WorkflowOnboarding, s.start)
		})
	}
	done.Wait()
	committed, seen := 0, 0
	for _, s := range scenes {
		require.Empty(t, s.faults)
		now, err := w.db.Cases.Case(t.Context(), s.no)
		require.NoError(t, err)
		if now.State == onboarding.Completed {
			committed++
		}
		seen += s.count(kam.EventCandidatesFound)
		for _, e := range s.events() {
			if e.Step == "1.4.4" && e.Text != "no finding" {
				seen++
			}
		}
	}
	require.LessOrEqual(t, committed, 1, "one customer at most")
	require.Positive(t, seen, "the other case sees the first")
}
