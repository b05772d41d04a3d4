package rules

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/rules/match"
	"github.com/kamflow/kamflow/kam/rules/policy"
)

// shownElsewhere are the keys that the engine carries out around the rules,
// with the test that shows it.
var shownElsewhere = map[string]string{
	"sod.delegation_max_days":      "TestDaysOfASubstitution",
	"effective_from":               "TestLoadRefusesWhatIsNotCarriedOut",
	"process.data_entry_mode":      "TestFullDataBeforeTheDecision",
	"process.auto_reject":          "TestWithoutAutoRejectTheManagerDecides",
	"process.appeal_window_days":   "TestProcessNumbersOfThePolicy",
	"process.max_change_rounds":    "TestProcessNumbersOfThePolicy",
	"process.reject_cooldown_days": "TestProcessNumbersOfThePolicy",
	"sla.":                         "TestWaitsOfThePolicy",
	"confirmation.require_reason_when_against_recommendation": "TestProcessNumbersOfThePolicy",
	"key_account.endorsement.":                                "TestEndorsersOfThePolicy",
	"screening.adapter":                                       "TestServiceOutsideDecides",
	"screening.max_age_hours":                                 "TestScreeningAgeOfThePolicy",
	"screening.when_down":                                     "TestServiceDownAsAFinding",
	"calendar.":                                               "TestCalendarOfThePolicy",
	"review.key_account_review_days":                          "TestReviewDaysOfThePolicy",
	"review.non_key_account_review_days":                      "TestReviewDaysOfThePolicy",
	"retention_years.cases":                                   "TestCasesAreKeptAsLongAsThePolicySays",
	"retention_years.notifications":                           "TestCasesAreKeptAsLongAsThePolicySays",
}

// optional are keys that the shipped policy leaves out, with how they are set.
var optional = []struct{ path, from, to string }{
	{"abc.boundary", "  # boundary: BEFORE ", "  boundary: AT_MOST "},
	{"rfm.labels", "  # labels: ", "  labels: [{label: REGULAR}] #"},
	{"rfm.labels.label", "  # labels: ", "  labels: [{label: DORMANT}] #"},
	{"rfm.labels.recency", "  # labels: ", "  labels: [{label: DORMANT, recency: [1, 3]}, {label: REGULAR}] #"},
	{"rfm.labels.frequency", "  # labels: ", "  labels: [{label: DORMANT, frequency: [1, 3]}, {label: REGULAR}] #"},
	{"rfm.labels.monetary", "  # labels: ", "  labels: [{label: DORMANT, monetary: [1, 3]}, {label: REGULAR}] #"},
	{"key_account.company_revenue", "threshold_mode: ABSOLUTE ", "company_revenue: 50000000\n  threshold_mode: SHARE_OF_COMPANY_REVENUE "},
	{"add_decision.hard_stops.enabled", "{id: HS8_CREDIT_D, outcome: REFER}", "{id: HS8_CREDIT_D, outcome: REFER, enabled: false}"},
	{"common_words", "\nabc: ", "\ncommon_words: [nordwind]\nabc: "},
	{"findings", "# findings: {VF06: WARNING} ", "findings: {VF09: WARNING} "},
}

// TestEveryKeyOfThePolicy walks the policy: a change of any key that is
// accepted when it is loaded changes an outcome, here or in the test that is
// named; a key that is not in force takes its default alone.
func TestEveryKeyOfThePolicy(t *testing.T) {
	t.Parallel()
	text := policy.DefaultYAML()
	var doc yaml.Node
	require.NoError(t, yaml.Unmarshal(text, &doc))
	before := outcomes(t, text)
	require.NotContains(t, before, "unusable")

	seen := map[string]bool{}
	carried, elsewhere, refused, closed := 0, 0, 0, 0
	walkLeaves(doc.Content[0], "", func(path string, set func(string) func(), n *yaml.Node, siblings []*yaml.Node) {
		key := regexp.MustCompile(`\[\d+\]`).ReplaceAllString(path, "")
		seen[key] = true
		idle := slices.ContainsFunc(policy.NotInForce(), func(s policy.Setting) bool {
			return path == s.Path || strings.HasPrefix(path, s.Path+".") || strings.HasPrefix(path, s.Path+"[")
		})
		accepted, changed := 0, false
		try := func() {
			b, err := yaml.Marshal(&doc)
			require.NoError(t, err)
			if _, err := Parse(b); err != nil {
				return
			}
			_, err = policy.Load(b, today)
			if idle {
				require.ErrorContains(t, err, "not in force", path)
				require.ErrorContains(t, err, path)
				refused++
				accepted++
				return
			}
			if err != nil {
				return
			}
			accepted++
			changed = changed || outcomes(t, b) != before
		}
		for _, value := range candidates(n) {
			if changed || value == n.Value || idle && accepted > 0 {
				continue
			}
			undo := set(value)
			try()
			undo()
			// In a group of weights another one gives what this one takes.
			for _, s := range siblings {
				if changed || accepted > 0 {
					break
				}
				if a, b, ok := trade(n, s, value); ok && s != n {
					undo, undone := set(a), s.Value
					s.Value = b
					try()
					undo()
					s.Value = undone
				}
			}
		}
		named, known := "", false
		for prefix, test := range shownElsewhere {
			if path == prefix || strings.HasSuffix(prefix, ".") && strings.HasPrefix(path, prefix) {
				named, known = test, true
			}
		}
		switch {
		case idle:
			require.NotZero(t, accepted, "%s: nothing was tried", path)
		case changed:
			carried++
		case accepted == 0:
			closed++ // one value only, any other is refused
			t.Log("closed: ", path)
		case known:
			elsewhere++
			if !testExists(named) {
				t.Errorf("%s: there is no test %s", path, named)
			}
		default:
			t.Errorf("%s may be changed and nothing comes of it", path)
		}
	})
	for _, o := range optional {
		require.Contains(t, string(text), o.from)
		b := strings.Replace(string(text), o.from, o.to, 1)
		if o.path == "key_account.company_revenue" { // the tiers are then in percent
			for units, pct := range map[string]string{"1000000": "1", "500000": "0.5", "250000": "0.25", "100000": "0.1"} {
				b = regexp.MustCompile("min_potential: "+units+`, +min_score`).ReplaceAllString(b, "min_potential: "+pct+", min_score")
			}
			b = strings.NewReplacer("alone_at: 3000000", "alone_at: 3", "alone_at: 1000000", "alone_at: 1").Replace(b)
		}
		_, err := policy.Load([]byte(b), today)
		require.NoError(t, err, o.path)
		require.False(t, before == outcomes(t, []byte(b)), o.path) // the texts are too long to be printed
		seen[o.path] = true
	}
	for _, key := range keysOf(reflect.TypeFor[policy.Policy](), "") {
		if !slices.ContainsFunc(policy.NotInForce(), func(s policy.Setting) bool { return key == s.Path }) && !strings.HasPrefix(key, "sla.") {
			require.True(t, seen[key] || slices.ContainsFunc(slices.Collect(mapKeys(seen)), func(s string) bool { return strings.HasPrefix(s, key+".") }), "%s was not visited", key)
		}
	}
	t.Logf("%d keys carried out here, %d elsewhere, %d with one value; %d changes of keys that are not in force refused", carried, elsewhere, closed, refused)
}

func mapKeys(m map[string]bool) func(func(string) bool) {
	return func(yield func(string) bool) {
		for k := range m {
			if !yield(k) {
				return
			}
		}
	}
}

// keysOf are the keys of the policy down to what is no struct.
func keysOf(t reflect.Type, path string) (out []string) {
	for i := range t.NumField() {
		f := t.Field(i)
		key := f.Tag.Get("yaml")
		if key == "" {
			continue
		}
		at, ft := strings.TrimPrefix(path+"."+key, "."), f.Type
		if ft.Kind() == reflect.Slice && ft != reflect.TypeFor[policy.Bands]() {
			ft = ft.Elem()
		}
		if ft.Kind() == reflect.Struct && f.Tag.Get("later") == "" && f.Tag.Get("fixed") == "" {
			out = append(out, keysOf(ft, at)...)
		} else {
			out = append(out, at)
		}
	}
	return out
}

// walkLeaves visits every value of the file: a number, a text, a table of
// bands, a list of texts.
func walkLeaves(n *yaml.Node, path string, visit func(path string, set func(string) func(), n *yaml.Node, siblings []*yaml.Node)) {
	leaf := func(path string, n *yaml.Node, siblings []*yaml.Node) {
		visit(path, func(value string) func() {
			was := *n
			var to yaml.Node
			if err := yaml.Unmarshal([]byte(value), &to); err != nil {
				panic(err)
			}
			*n = *to.Content[0]
			return func() { *n = was }
		}, n, siblings)
	}
	switch n.Kind {
	case yaml.MappingNode:
		var numbers []*yaml.Node
		for i := 1; i < len(n.Content); i += 2 {
			if n.Content[i].Kind == yaml.ScalarNode {
				numbers = append(numbers, n.Content[i])
			}
		}
		for i := 1; i < len(n.Content); i += 2 {
			at := strings.TrimPrefix(path+"."+n.Content[i-1].Value, ".")
			if c := n.Content[i]; c.Kind == yaml.ScalarNode {
				leaf(at, c, numbers)
			} else {
				walkLeaves(c, at, visit)
			}
		}
	case yaml.SequenceNode:
		if len(n.Content) == 0 || n.Content[0].Kind != yaml.MappingNode {
			leaf(path, n, nil)
			return
		}
		for i, c := range n.Content {
			walkLeaves(c, fmt.Sprintf("%s[%d]", path, i), visit)
		}
	}
}

// candidates are other values to try, in YAML.
func candidates(n *yaml.Node) (out []string) {
	if n.Kind == yaml.SequenceNode {
		switch {
		case len(n.Content) == 0:
			return []string{"[AT]", "['86']"}
		case n.Content[0].Kind == yaml.SequenceNode:
			for i := range n.Content { // each row gives other points
				row := n.Content[i].Content[1]
				was := row.Value
				for _, delta := range []int{1, -1, 20, -20} {
					v, _ := strconv.Atoi(was)
					row.Value = strconv.Itoa(v + delta)
					b, _ := yaml.Marshal(n)
					out = append(out, string(b))
				}
				row.Value = was
			}
			return out
		}
		var items []string
		for _, c := range n.Content {
			items = append(items, c.Value)
		}
		return []string{"[" + strings.Join(items[1:], ", ") + "]", "[" + strings.Join(append(items, items[0]), ", ") + "]", "[SUNDAY]", "[NATIONAL_MANAGER]", "[GLOBAL_MANAGER, NATIONAL_MANAGER]"}
	}
	if d, err := kam.ParseDec(n.Value); err == nil {
		for _, f := range []kam.Dec{d + 100, d - 100, d + 10, d - 10, d + 5, d - 5, d + 2000, d - 2000, d * 2, d / 2, d * 10, d / 10, d + 25} {
			out = append(out, f.String())
		}
		return out
	}
	switch n.Value {
	case "true":
		return []string{"false"}
	case "false":
		return []string{"true"}
	case "null":
		return []string{"20000", "200000", "3100000"}
	}
	for _, v := range []string{"other", "USD", "2026-02-01", "full_before_decision", "TERRITORY", "REGION", "COUNTRY", "GLOBAL", "REGIONAL", "NATIONAL", "LOCAL", "REJECT", "REFER", "REFER_COMPLIANCE",
		"COMPANY", "AUTO", "QUINTILE", "SHARE_OF_COMPANY_REVENUE", "HTTP", "LOCAL_LIST", "REVIEW_FINDING", "INTERVENTION", `"08:00-16:00"`, "A", "B", "C", "HS8_CREDIT_D", "gross_margin_12m"} {
		if v != n.Value {
			out = append(out, v)
		}
	}
	return out
}

// trade moves what n gains to value from its sibling s.
func trade(n, s *yaml.Node, value string) (a, b string, ok bool) {
	was, err1 := kam.ParseDec(n.Value)
	other, err2 := kam.ParseDec(s.Value)
	to, err3 := kam.ParseDec(value)
	if err1 != nil || err2 != nil || err3 != nil {
		return "", "", false
	}
	return to.String(), (other - (to - was)).String(), true
}

var allTests = func() string {
	var b bytes.Buffer
	for _, dir := range []string{".", "identifier", "match", "policy", "../../internal/acceptance", "../../activities", "../../activities/*", "../../store", "../../store/*", "../../service"} {
		files, _ := filepath.Glob(filepath.Join(dir, "*_test.go"))
		for _, f := range files {
			text, _ := os.ReadFile(f) //nolint:gosec // files of this repository
			b.Write(text)
		}
	}
	return b.String()
}()

func testExists(name string) bool { return strings.Contains(allTests, "func "+name+"(t *testing.T)") }

// outcomes is what the rules make of one book, as text.
func outcomes(t *testing.T, text []byte) string {
	t.Helper()
	p, err := Parse(text)
	require.NoError(t, err)
	b := keysBook()
	var out []any
	note := func(v any, err error) {
		if err != nil {
			out = append(out, "unusable: "+err.Error())
			return
		}
		out = append(out, v)
	}
	segments, totals, err := p.SegmentBook(b)
	note(segments, err)
	note(totals, err)
	rolled, err := p.RollUpBook(b)
	note(rolled, err)
	classes, err := p.ClassifyBook(b)
	note(classes, err)
	tree, err := NewTree(b.Nodes)
	require.NoError(t, err)
	snapshot, err := p.NewSnapshot("s", nil)
	require.NoError(t, err)
	for i := range b.Customers {
		c := b.Customers[i]
		rec, err := p.AddDecision(c, nil)
		note(rec, err)
		if i < 10 {
			q := *p
			q.Market = policy.Market{ServedCountries: []string{"AT"}}
			rec, err := q.AddDecision(c, nil)
			note(rec, err)
			q.Market = policy.Market{ExcludedIndustry: []string{"10"}}
			rec, err = q.AddDecision(c, nil)
			note(rec, err)
		}
		_, rec, err = p.Segment(c, SegmentContext{Snapshot: snapshot, Tree: tree})
		note(rec, err)
		if i < 12 {
			out = append(out, p.Validate(c, ValidationContext{CompletenessPct: ptr(kam.Dec(75 * 100)), Screening: &ScreeningFacts{}}))
		}
	}
	for _, pair := range pairs() {
		out = append(out, p.Match.Compare(pair[0], pair[1]))
	}
	listed := match.ListEntry{Names: []string{"Nordwind Zylinder GmbH"}, Country: "DE"}
	out = append(out, p.Match.SameByName(match.ListEntry{Names: []string{"Nordwind Zylinder"}, Country: "DE"}, listed))
	for _, n := range []int{49, 50, 51, 74, 75, 76} {
		for _, tier := range kam.Tiers {
			for _, held := range []int{0, 4, 5, 6, 7, 8, 9, 11, 12, 13, 14, 15, 16} {
				out = append(out, p.Capacity(map[kam.Tier]int{tier: held}, tier, n, 1))
			}
			out = append(out, p.KeyAccount.Endorsement.For(tier))
		}
	}
	for _, units := range []int64{0, 1, 250_000, 499_999, 500_000, 500_001, 5_000_000} {
		out = append(out, p.ConfirmLevel(kam.DecFromInt(units)))
	}
	for _, name := range []string{"Nordwind Klinik", "Nordwind Kliniken", "Nordwynd Klinik", "Nordwand Klimak"} {
		r, blocked := p.Match.Screen(match.ListEntry{Names: []string{name}, Country: "DE"}, match.ListEntry{Names: []string{"Nordwind Klinik"}, Country: "DE"})
		out = append(out, r, blocked)
	}
	js, err := json.Marshal(out)
	require.NoError(t, err)
	return string(js)
}

// pairs are parties that are more and less alike.
func pairs() (out [][2]match.Party) {
	a := match.Party{Names: []string{"Nordwind Klinik"}, CountryCode: "DE", PostalCode: "20095", City: "Hamburg", Street: "Ring 1", Website: "https://nordwind.example", Phone: "+4940123456"}
	for _, name := range []string{"Nordwind Klinik", "Nordwind Kliniken", "Nordwynd Klinikum", "Nordland Kline", "Nordwand Klimak Werk", "Norden Kilian", "Wind Klinik", "Nordsee Fisch", "Nordkap Wal", "Ostwind Kur"} {
		for _, change := range []func(*match.Party){
			func(*match.Party) {},
			func(p *match.Party) { p.Phone = "+4940999999" },
			func(p *match.Party) { p.Website = "https://other.example" },
			func(p *match.Party) { p.PostalCode, p.Street = "20099", "Allee 7" },
			func(p *match.Party) { p.Phone, p.Website = "", "" },
			func(p *match.Party) { p.PostalCode, p.Street, p.Website = "20099", "Allee 7", "" },
			func(p *match.Party) { p.PostalCode, p.Street, p.City, p.Website = "", "", "", "" },
		} {
			b := a
			b.Names = []string{name}
			change(&b)
			out = append(out, [2]match.Party{a, b})
		}
	}
	return out
}

// keysBook has customers of every kind, so that hardly a number of the policy
// can change without another outcome.
var keysBook = func() func() Book {
	b := syntheticBook(100, 11)
	ratings := []kam.CreditRating{"A", "B", "C", "D", "UNKNOWN"}
	access := []kam.RelationshipAccess{"NONE", "CONTACT", "DECISION_MAKER", ""}
	cost := []kam.CostToServe{"LOW", "MEDIUM", "HIGH", ""}
	stops := []string{"HS1_BLOCKED_PARTY", "HS2_SANCTIONS_CONFIRMED", "HS5_RECENTLY_REJECTED", "HS6_SANCTIONS_POSSIBLE", "HS7_FINANCE_HOLD", "HS9_LIKE_A_REJECTED"}
	for i := range b.Customers {
		c := &b.Customers[i]
		c.CreditRating, c.RelationshipAccess, c.CostToServe = ratings[i%5], access[i%4], cost[(i/4)%4]
		c.IndustryScheme, c.IndustryCode = "NACE", []string{"86.10", "10.11"}[i%2]
		if i%7 == 0 {
			c.HardStops = []string{stops[i/7%len(stops)]}
		}
		if i%9 == 0 {
			c.StrategicFit = ""
		}
		if i%3 == 0 {
			c.NetRevenue12m = eur(int64(i * 137 % 7000))
		}
		if i%6 == 1 {
			c.AddressableSpend12m, c.DeclaredPotential = nil, eur(int64(20_000+i*12_345%1_400_000))
		}
		if i%10 == 2 {
			c.AddressableSpend12m, c.BuyingCentralization, c.GroupID = eur(int64(1_000_000*i/4)), kam.BuyingGlobal, "" // alone
		}
		if i%11 == 0 {
			c.PLLinesPct = map[string]kam.Dec{}
			for line := range map[string]bool{"invoice_discounts": true, "rebates": true, "returns": true, "trade_promotion": true, "freight_logistics": true, "technical_service": true, "selling_cost": true, "financing_cost": true, "bad_debt": true} {
				c.PLLinesPct[line] = kam.Dec(i * 7 % 1100)
			}
		}
		if i%5 == 0 {
			tiers := []kam.Tier{kam.TierTerritory, kam.TierRegional, kam.TierNational, kam.TierGlobal}
			c.Current = &Current{KAStatus: kam.KA, Tier: tiers[i/5%4], FailedReviews: i / 5 % 3}
		}
		c.CapabilityItems["data_sharing"] = i % 5
		if i%13 == 0 {
			c.CapabilityItems, c.Satisfaction = nil, nil
		}
		c.Nominated = i%17 == 0
		c.LegalName = fmt.Sprintf("%s %s %d", []string{"Alpen", "Berg", "Citadel", "Dunkel"}[i%4], []string{"Klinik", "Kliniken", "Klinikum", "Werke", "Werk"}[i%5], i/40)
		c.PostalCode, c.Street, c.City = fmt.Sprintf("20%03d", i%40), fmt.Sprintf("Ring %d", i%30), []string{"Hamburg", "Altona"}[i%2]
		c.Website, c.Phone = fmt.Sprintf("https://w%d.example", i%50), fmt.Sprintf("+4940%06d", i%60)
	}
	return func() Book { return b }
}()
