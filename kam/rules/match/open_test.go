package match_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kamflow/kamflow/internal/shareddata"
	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/customer"
	"github.com/kamflow/kamflow/kam/rules/match"
)

// restaurants are those of one guide.
func restaurants(t *testing.T, guide string) (all []match.Party) {
	t.Helper()
	for _, r := range shareddata.CSV(t, "er_restaurants/"+guide+".csv", ',') {
		all = append(all, match.Party{Ref: guide[:1] + r["id"], Names: []string{r["name"]}, CountryCode: "US", City: r["city"], Street: r["addr"], Phone: r["phone"]})
	}
	return all
}

// TestBlockingOpen holds the blocks against comparing each with each: what the
// comparison would accept is met.
func TestBlockingOpen(t *testing.T) {
	t.Parallel()
	p := matcher(t)
	fodors, zagats := restaurants(t, "fodors"), restaurants(t, "zagats")
	x := p.NewIndex()
	for _, z := range zagats {
		x.Add(z)
	}
	accepted, missed := 0, 0
	const every = 8 // of the first guide: each with each takes its time
	for i := 0; i < len(fodors); i += every {
		f, met := fodors[i], map[string]bool{}
		for _, m := range x.Candidates(f) {
			met[m.Right] = true
		}
		for _, z := range zagats {
			if m := p.Compare(f, z); m.Class != "" {
				accepted++
				if !met[z.Ref] {
					missed++
					t.Logf("not met: %v | %v: %+v", f, z, m)
				}
			}
		}
	}
	t.Logf("er_restaurants: %d pairs of %d are accepted, %d of them not met", accepted, (len(fodors)+every-1)/every*len(zagats), missed)
	require.Zero(t, missed)
}

// TestRestaurants measures candidates between two real lists without postal
// codes, which disagree on the city in half of the true pairs.
func TestRestaurants(t *testing.T) {
	t.Parallel()
	p := matcher(t)
	fodors, zagats := restaurants(t, "fodors"), restaurants(t, "zagats")
	truth := map[string]bool{}
	for _, r := range shareddata.CSV(t, "er_restaurants/matches_fodors_zagats.csv", ',') {
		truth["f"+r["fodors_id"]+" z"+r["zagats_id"]] = true
	}
	x := p.NewIndex()
	for _, z := range zagats {
		x.Add(z)
	}
	found, right, probable, probableRight := 0, 0, 0, 0
	got := map[string]bool{}
	for _, f := range fodors {
		for _, m := range x.Candidates(f) {
			key := m.Left + " " + m.Right
			got[key] = true
			found++
			if truth[key] {
				right++
			} else {
				t.Logf("not a pair: %s %+v", key, m)
			}
			if m.Class != kam.MatchPossible {
				probable++
				if truth[key] {
					probableRight++
				}
			}
		}
	}
	for _, f := range fodors {
		for _, z := range zagats {
			if key := f.Ref + " " + z.Ref; truth[key] && !got[key] {
				t.Logf("missed: %v | %v: %+v", f, z, p.Compare(f, z))
			}
		}
	}
	precision, recall := float64(right)/float64(found), float64(right)/float64(len(truth))
	t.Logf("POSSIBLE and above: %d found, precision %.4f, recall %.4f of %d; PROBABLE: %d found, %d right", found, precision, recall, len(truth), probable, probableRight)
	require.GreaterOrEqual(t, precision, 0.98)
	require.GreaterOrEqual(t, recall, 0.9286)
}

// TestOnboardingHasNoCertainDuplicate: the list holds 500 different companies.
func TestOnboardingHasNoCertainDuplicate(t *testing.T) {
	t.Parallel()
	var all []match.Party
	for _, r := range shareddata.CSV(t, "onboarding_open/onboarding_open.csv", ',') {
		var c customer.RequestData
		c.LegalName, c.CountryCode, c.City, c.PostalCode, c.Street = r["legal_name"], r["country"], r["city"], r["postal_code"], r["address"]
		c.Website, c.GroupName = r["website"], r["parent_name"]
		if r["trading_name"] != "" {
			c.TradingNames = []string{r["trading_name"]}
		}
		if r["identifier"] != "" {
			id := customer.Identifier{Scheme: kam.SchemeOther, Value: r["identifier"], Name: r["identifier_scheme"], Country: r["country"]}
			if r["identifier_scheme"] == "LEI" {
				id = customer.Identifier{Scheme: kam.SchemeLEI, Value: r["identifier"]}
			}
			c.Identifiers = []customer.Identifier{id}
		}
		all = append(all, match.PartyOf(r["row_ref"], c))
	}
	classes := map[kam.MatchClass]int{}
	for _, m := range matcher(t).Pairs(all) {
		classes[m.Class]++
		if m.Class != kam.MatchPossible {
			t.Logf("%+v", m)
		}
	}
	t.Logf("onboarding_open: %d CERTAIN, %d PROBABLE, %d POSSIBLE in %d customers", classes[kam.MatchCertain], classes[kam.MatchProbable], classes[kam.MatchPossible], len(all))
	require.Zero(t, classes[kam.MatchCertain])
	require.Less(t, classes[kam.MatchProbable], 23)
	require.LessOrEqual(t, classes[kam.MatchProbable]+classes[kam.MatchPossible], 24)
}

// TestSameRegistration prints how many of the pairs with one registration
// number are found when that number is left out.
func TestSameRegistration(t *testing.T) {
	t.Parallel()
	countries := map[string]string{"amsterdam": "NL", "berlin": "DE", "madrid": "ES", "new-york-city": "US"}
	known := map[string]match.Party{}
	for _, city := range []string{"amsterdam", "berlin", "madrid", "new-york-city"} {
		for _, r := range shareddata.CSV(t, "companydata_open/"+city+".csv", ';') {
			p := match.Party{Ref: r["ID"], Names: []string{r["Company Name"]}, CountryCode: countries[city], City: r["City"], PostalCode: r["Postal Code"], Street: r["Address 1"]}
			if s := r["Trade Name"]; s != "" {
				p.Names = append(p.Names, s)
			}
			known[r["ID"]] = p
		}
	}
	p := matcher(t)
	classes, rows := map[kam.MatchClass]int{}, shareddata.CSV(t, "companydata_open/natural_same_registration_pairs.csv", ',')
	for _, r := range rows {
		a, b := known[r["id1"]], known[r["id2"]]
		require.NotEmpty(t, a.Ref)
		require.NotEmpty(t, b.Ref)
		m := p.Compare(a, b)
		classes[m.Class]++
		t.Logf("%s | %s: %s %s %s", r["name1"], r["name2"], m.Class, m.Score, strings.Join(m.Reasons, ", "))
	}
	t.Logf("same registration: %d pairs, %d CERTAIN, %d PROBABLE, %d POSSIBLE, %d missed", len(rows), classes[kam.MatchCertain], classes[kam.MatchProbable], classes[kam.MatchPossible], classes[""])
}
