package demo

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/kamflow/kamflow/config/sample"
	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/rules"
	"github.com/kamflow/kamflow/kam/rules/match"
	"github.com/kamflow/kamflow/service"
	accessdb "github.com/kamflow/kamflow/store/access"
)

func TestOrganisation(t *testing.T) {
	t.Parallel()
	org, err := Organisation()
	require.NoError(t, err)

	calendars := map[string]bool{}
	for _, c := range org.Calendars {
		calendars[c.Code] = true
		_, err := kam.NewCalendar(c.Code, c.TimeZone, c.Opens+"-"+c.Closes, c.Weekend, c.Holidays)
		require.NoError(t, err, c.Code)
	}
	people := map[kam.UserID]service.User{}
	for _, u := range org.Users {
		require.NotContains(t, people, u.ID)
		require.NoError(t, kam.CheckRoles(u.Roles), u.ID)
		people[u.ID] = u
	}
	nodes := map[string]accessdb.Node{}
	vacant, levels := 0, map[kam.NodeLevel]int{}
	for _, n := range org.Nodes {
		nodes[n.Code] = n
		levels[n.Level]++
		if n.Calendar != "" {
			require.True(t, calendars[n.Calendar], n.Calendar)
		}
		if n.ManagerID == "" {
			vacant++
			continue
		}
		m := people[n.ManagerID]
		require.Contains(t, m.Roles, n.Level.ManagerRole(), n.Code)
		require.Contains(t, m.Nodes, n.Code)
	}
	require.Equal(t, 1, vacant)
	for _, n := range org.Nodes {
		if n.Level != kam.LevelGlobal {
			require.Equal(t, n.Level.Rank()+1, nodes[n.Parent].Level.Rank(), n.Code)
		}
	}
	for _, code := range []string{"DE-N-01", "DE-N-02", "DE-S-01", "DE-S-02", "AT-1-01"} {
		require.Equal(t, kam.LevelTerritory, nodes[code].Level)
	}
	reps := map[string]bool{}
	for _, u := range org.Users {
		for _, n := range u.Nodes {
			require.Contains(t, nodes, n, u.ID)
			if slices.Contains(u.Roles, kam.SalesRep) {
				reps[n] = true
			}
		}
		if u.ManagerID != "" {
			require.Contains(t, people, u.ManagerID)
		}
	}
	require.Len(t, reps, levels[kam.LevelTerritory], "every territory has a rep")

	kinds := map[string]int{}
	for _, r := range org.AssignmentRules {
		kinds[r.Kind]++
		require.Equal(t, kam.LevelTerritory, nodes[r.Territory].Level, r.Code)
		require.True(t, r.Country == "" || kam.IsCountry(r.Country), r.Code)
		if r.OwnerID != "" {
			require.Contains(t, people, r.OwnerID)
		}
	}
	for _, k := range []string{accessdb.NamedAccount, accessdb.IndustryAndArea, accessdb.AreaRule, accessdb.CountryDefault} {
		require.Positive(t, kinds[k], k)
	}
}

// TestPostalAreas asks that every German and Austrian postal code has a
// territory by AREA, so that the country's default is for requests without one.
func TestPostalAreas(t *testing.T) {
	t.Parallel()
	org, err := Organisation()
	require.NoError(t, err)
	for country, codes := range map[string][]string{"DE": allOf(2), "AT": allOf(1)} {
		for _, code := range codes {
			if country == "AT" && code == "0" {
				continue // none begins with 0
			}
			require.True(t, slices.ContainsFunc(org.AssignmentRules, func(r accessdb.AssignmentRule) bool {
				return r.Kind == accessdb.AreaRule && r.Country == country && (strings.HasPrefix(code, r.PostalPrefix) || strings.HasPrefix(r.PostalPrefix, code))
			}) || country == "DE" && code == "11", "%s %s", country, code) // 11 is post boxes of the state only
		}
	}
}

func allOf(n int) []string {
	var out []string
	top := 10
	for range n - 1 {
		top *= 10
	}
	for i := range top {
		out = append(out, fmt.Sprintf("%0*d", n, i))
	}
	return out
}

func TestCustomersAreComplete(t *testing.T) {
	t.Parallel()
	org, err := Organisation()
	require.NoError(t, err)
	book, err := Customers()
	require.NoError(t, err)
	require.GreaterOrEqual(t, len(book), 60)
	seen := map[string]bool{}
	for _, c := range book {
		require.False(t, seen[c.CustomerNo])
		seen[c.CustomerNo] = true
		require.Empty(t, rules.FormErrors(c.Data), c.CustomerNo)
		require.Empty(t, rules.Missing(c.Data, kam.Screening), c.CustomerNo)
		require.NotEmpty(t, c.Keys.Names)
		require.True(t, slices.ContainsFunc(org.Nodes, func(n accessdb.Node) bool { return n.Code == c.Territory }), c.Territory)
	}
}

// worked are the customers of P3.8 as the sample holds them, in the
// book or as requests.
func worked(t *testing.T, asOf time.Time) (rules.Book, map[string]rules.Customer) {
	t.Helper()
	org, err := Organisation()
	require.NoError(t, err)
	book, err := Customers()
	require.NoError(t, err)
	scripts, err := Scripts()
	require.NoError(t, err)
	facts, err := Sales(asOf)
	require.NoError(t, err)

	var b rules.Book
	for _, n := range org.Nodes {
		b.Nodes = append(b.Nodes, kam.TerritoryNode{Code: n.Code, Level: n.Level, Parent: n.Parent})
	}
	all := map[string]rules.Customer{}
	add := func(no, account, territory string, d kam.RequestData) {
		c := rules.Customer{CustomerNo: no, ScreeningData: d.ScreeningData, DetailData: d.DetailData, Facts: factsOf(facts, account, asOf)}
		c.TerritoryCode = territory
		if c.GroupID == "" {
			c.GroupID = no
		}
		all[no] = c
		b.Customers = append(b.Customers, c)
	}
	for _, c := range book {
		if slices.Contains([]string{"NW-HH", "NW-MUC", "MEDISTO", "LINDNER", "STADT"}, c.CustomerNo) {
			add(c.CustomerNo, c.CustomerNo, c.Territory, c.Data)
		}
	}
	for name, no := range map[string][2]string{"territory_key_account": {"KASTEL", "DE-N-01"}, "global_key_account": {"NW-VIE", "AT-1-01"}, "watch_list": {"HELIX", "DE-S-02"}} {
		for _, s := range scripts {
			if strings.HasSuffix(s.Name, name) {
				add(no[0], s.Request.SalesAccountNo, no[1], s.Request)
			}
		}
	}
	return b, all
}

// factsOf sums the twelve months that end with asOf, as the store does.
func factsOf(all []service.SalesFact, account string, asOf time.Time) rules.Facts {
	var net, margin int64
	lines := map[string]int64{}
	for _, f := range all {
		month, _ := time.Parse("2006-01", f.Month) // written by this package
		if account == "" || f.AccountNo != account || !month.After(asOf.AddDate(0, -12, 0)) {
			continue
		}
		net += f.NetRevenue
		margin += *f.GrossMargin
		for k, v := range f.PLLines {
			lines[k] += v
		}
	}
	out := rules.Facts{NetRevenue12m: &kam.Money{Minor: net, Currency: "EUR"}}
	if net > 0 {
		pct := kam.Dec((margin*20000 + net) / (2 * net))
		out.MarginPct = &pct
		out.PLLinesPct = map[string]kam.Dec{}
		for k, v := range lines {
			out.PLLinesPct[k] = kam.Dec((v*20000 + net) / (2 * net))
		}
	}
	return out
}

// TestWorkedExamples holds the sample against P3.8, on any day.
func TestWorkedExamples(t *testing.T) {
	t.Parallel()
	policy, err := rules.Default()
	require.NoError(t, err)
	for _, asOf := range []time.Time{sample.AsOf, sample.AsOf.AddDate(0, 0, 8), sample.AsOf.AddDate(0, 3, 7), sample.AsOf.AddDate(1, 5, 0)} {
		b, _ := worked(t, asOf)
		segments, _, err := policy.SegmentBook(b)
		require.NoError(t, err)
		want := map[string][4]string{ // potential, attractiveness, strength, KA score
			"NW-HH": {"320000.00", "81.50", "59.50", "67.77"}, "NW-MUC": {"260000.00", "79.50", "44.00", "62.77"},
			"NW-VIE": {"500000.00", "93.50", "70.00", "83.98"}, "KASTEL": {"208000.00", "68.50", "60.50", "58.49"},
			"MEDISTO": {"180000.00", "33.50", "81.00", "36.11"}, "HELIX": {"140000.00", "72.50", "29.00", "48.83"},
			"LINDNER": {"8000.00", "34.00", "53.00", "27.27"}, "STADT": {"60000.00", "58.50", "63.50", "45.09"},
		}
		for _, s := range segments {
			got := [4]string{s.AnnualPotential.Amount(), s.Attractiveness.Fixed(), s.RelativeStrength.Fixed(), s.KAScore.Fixed()}
			require.Equal(t, want[s.CustomerNo], got, "%s on %s", s.CustomerNo, asOf)
		}
		groups, err := policy.RollUpBook(b)
		require.NoError(t, err)
		for _, g := range groups {
			switch g.GroupID {
			case "NORDWIND":
				require.Equal(t, "1080000.00", g.Potential.Amount())
				require.Equal(t, "74.07", g.Score.Fixed())
				require.Equal(t, "GLOBAL", string(g.Tier))
			case "KASTEL":
				require.Equal(t, "TERRITORY", string(g.Tier))
			}
		}
	}
}

// TestNordwindIsNational is where AC28 begins.
func TestNordwindIsNational(t *testing.T) {
	t.Parallel()
	policy, err := rules.Default()
	require.NoError(t, err)
	b, _ := worked(t, sample.AsOf)
	b.Customers = slices.DeleteFunc(b.Customers, func(c rules.Customer) bool {
		return !strings.HasPrefix(c.CustomerNo, "NW-") || c.CustomerNo == "NW-VIE"
	})
	groups, err := policy.RollUpBook(b)
	require.NoError(t, err)
	require.Len(t, groups, 1)
	require.Equal(t, "NATIONAL", string(groups[0].Tier))
	require.Equal(t, "580000.00", groups[0].Potential.Amount())
	require.Equal(t, "65.53", groups[0].Score.Fixed())
}

// TestScriptsAgreeWithTheRules holds the requests against form and decision.
func TestScriptsAgreeWithTheRules(t *testing.T) {
	t.Parallel()
	policy, err := rules.Default()
	require.NoError(t, err)
	org, err := Organisation()
	require.NoError(t, err)
	book, err := Customers()
	require.NoError(t, err)
	scripts, err := Scripts()
	require.NoError(t, err)
	require.Len(t, scripts, 30)
	want := map[string]string{
		"01_clear_add": "ADD 86.50", "02_refer_confirmed": "REFER 54.00", "03_rejected_by_rules": "REJECT 12.50", "04_low_confidence": "REFER 70.00",
	}
	for _, s := range scripts {
		require.Empty(t, rules.FormErrors(s.Request), s.Name)
		if s.Type != kam.NewCase {
			require.True(t, slices.ContainsFunc(book, func(c service.BookCustomer) bool { return c.CustomerNo == s.CustomerNo }), s.Name)
		} else {
			require.Empty(t, rules.Missing(s.Request, kam.Screening), s.Name)
		}
		r, err := policy.AddDecision(rules.Customer{CustomerNo: s.Name, ScreeningData: s.Request.ScreeningData}, nil)
		require.NoError(t, err)
		if w, ok := want[s.Name]; ok {
			require.Equal(t, w, r.Outcome+" "+r.Score.Fixed(), s.Name)
		}
		who := append([]kam.UserID{s.By}, func() (ids []kam.UserID) {
			for _, step := range s.Steps {
				ids = append(ids, step.By)
			}
			return ids
		}()...)
		for _, id := range who {
			require.True(t, slices.ContainsFunc(org.Users, func(u service.User) bool { return u.ID == id }), "%s: %s", s.Name, id)
		}
		for i, step := range s.Steps {
			act, data, err := step.Act()
			require.NoError(t, err)
			act.DecisionID, act.DataDigest, act.ExpectHash = s.DecisionID(i), "x", "x"
			require.NoError(t, act.Check(), "%s, step %d", s.Name, i+1)
			if data != nil {
				require.Empty(t, rules.FormErrors(*data), "%s, step %d", s.Name, i+1)
			}
		}
	}
}

// TestScriptsFindTheirTwins holds the requests against the customer book: only
// those that are about duplicates may find one.
func TestScriptsFindTheirTwins(t *testing.T) {
	t.Parallel()
	policy, err := rules.Default()
	require.NoError(t, err)
	book, err := Customers()
	require.NoError(t, err)
	scripts, err := Scripts()
	require.NoError(t, err)
	want := map[string]string{"07_certain_duplicate": "HANSAMED CERTAIN", "08_possible_duplicate": "KUPFERAU POSSIBLE", "30_converted": "C-000131 CERTAIN"}
	scripts = slices.DeleteFunc(scripts, func(s Script) bool { return s.Type != kam.NewCase || s.AppealOf != "" })
	for i, s := range scripts {
		self := match.PartyOf(s.Name, s.Request)
		var found []string
		for _, c := range book {
			if m := policy.Match.Compare(self, match.PartyOf(c.CustomerNo, c.Data)); m.Class != "" {
				found = append(found, c.CustomerNo+" "+string(m.Class))
			}
		}
		for _, other := range scripts[:i] {
			if m := policy.Match.Compare(self, match.PartyOf(other.Name, other.Request)); m.Class != "" {
				found = append(found, other.Name+" "+string(m.Class))
			}
		}
		require.Equal(t, want[s.Name], strings.Join(found, ", "), s.Name)
	}
}

// TestScreeningHits holds the two compliance examples against the sample list:
// close to a listed name, and not equal to it.
func TestScreeningHits(t *testing.T) {
	t.Parallel()
	org, err := Organisation()
	require.NoError(t, err)
	scripts, err := Scripts()
	require.NoError(t, err)
	for _, s := range scripts {
		best := 0.0
		for _, b := range org.BlockedParties {
			if b.Country == s.Request.CountryCode {
				best = max(best, match.Similarity(b.Name, s.Request.LegalName, ""))
			}
		}
		if strings.Contains(s.Name, "compliance") {
			require.GreaterOrEqual(t, best, 0.92, s.Name)
			require.Less(t, best, 1.0, s.Name)
		} else {
			require.Less(t, best, 0.92, s.Name)
		}
	}
}
