package rules

import (
	"fmt"
	"reflect"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/kamflow/kamflow/kam"
)

// Bands give points to ranges of a number: each row starts at its bound and
// ends before the next one's. A value under the first bound gets the points
// of the first row.
type Bands []Band

// A Band is one row: From is the inclusive lower bound.
type Band struct{ From, Points kam.Dec }

// At is the points of a value.
func (b Bands) At(v kam.Dec) kam.Dec {
	p := kam.Dec(0)
	for i, row := range b {
		if i > 0 && v < row.From {
			break
		}
		p = row.Points
	}
	return p
}

// readBands reads a table, either as lower bounds [[0, 0], [5000, 40]] or as
// ranges [{min: 0, max: 5000, points: 0}, {min: 5000, points: 40}] whose max
// is exclusive. Both must cover the field's range without gap or overlap.
func (r *policyReader) readBands(n *yaml.Node, path string, tag reflect.StructTag) Bands {
	if n.Kind != yaml.SequenceNode || len(n.Content) == 0 {
		r.fail(n, path, "write [[bound, points], ..]", "expected a table of bands, found %s", kindName(n))
		return nil
	}
	before := len(r.problems)
	var rows []bandRow
	for i, c := range n.Content {
		rows = append(rows, r.readBandRow(c, fmt.Sprintf("%s[%d]", path, i)))
	}
	if len(r.problems) > before {
		return nil
	}
	highest := kam.DecFromInt(100)
	lowest := kam.Dec(0)
	if tag.Get("score") != "" {
		lowest, highest = kam.DecFromInt(1), kam.DecFromInt(5)
	}
	bands := make(Bands, len(rows))
	for i, row := range rows {
		bands[i] = row.Band
		if row.Points < lowest || row.Points > highest || tag.Get("score") != "" && row.Points%100 != 0 {
			r.fail(n.Content[i], path, fmt.Sprintf("give %s to %s", lowest, highest), "%s points are out of range", row.Points)
		}
		r.checkBandRow(n.Content[i], path, rows, i)
	}
	from, _ := limit(tag, "from")
	if rows[0].From > from {
		r.fail(n, path, "start the table at "+from.String(), "values from %s to under %s have no points", from, rows[0].From)
	}
	if to, ok := limit(tag, "to"); ok {
		if last := rows[len(rows)-1]; last.From > to {
			r.fail(n, path, "end the table at "+to.String(), "the band from %s lies outside the field's range, which ends at %s", last.From, to)
		} else if last.closed && last.to <= to {
			r.fail(n, path, "leave max out of the last range", "values from %s on have no points", last.to)
		}
	} else if last := rows[len(rows)-1]; last.closed {
		r.fail(n, path, "leave max out of the last range", "values from %s on have no points", last.to)
	}
	return bands
}

// A bandRow is a band with the exclusive end it was written with, if any.
type bandRow struct {
	Band
	to     kam.Dec
	closed bool
}

func (r *policyReader) readBandRow(n *yaml.Node, path string) (row bandRow) {
	switch {
	case n.Kind == yaml.SequenceNode && len(n.Content) == 2:
		row.From, _ = r.number(n.Content[0], path+"[0]")
		row.Points, _ = r.number(n.Content[1], path+"[1]")
	case n.Kind == yaml.MappingNode:
		var rng struct {
			Min    kam.Dec  `yaml:"min"`
			Max    *kam.Dec `yaml:"max" opt:"true"`
			Points kam.Dec  `yaml:"points"`
		}
		r.read(n, reflect.ValueOf(&rng).Elem(), path, "")
		row.From, row.Points = rng.Min, rng.Points
		if rng.Max != nil {
			row.to, row.closed = *rng.Max, true
			if *rng.Max <= rng.Min {
				r.fail(n, path, "give a max above min", "the range from %s to %s is empty", rng.Min, *rng.Max)
			}
		}
	default:
		r.fail(n, path, "write [bound, points]", "expected a bound and its points")
	}
	return row
}

func (r *policyReader) checkBandRow(n *yaml.Node, path string, rows []bandRow, i int) {
	if i == 0 {
		return
	}
	prev, row := rows[i-1], rows[i]
	switch {
	case row.From <= prev.From:
		r.fail(n, path, "sort the table by rising bounds, each once", "bound %s does not rise above %s", row.From, prev.From)
	case prev.closed && row.From > prev.to:
		r.fail(n, path, "let the range start at "+prev.to.String(), "gap: values from %s to under %s have no points", prev.to, row.From)
	case prev.closed && row.From < prev.to:
		r.fail(n, path, "let the range start at "+prev.to.String(), "overlap: values from %s to under %s stand in two ranges", row.From, prev.to)
	}
}

// knownRule finds a validation rule; floor says that it stays ERROR whatever a
// policy says (P3.7).
func knownRule(id string) (floor, known bool) {
	for _, r := range ValidationRules {
		if r.ID == id {
			return r.Floor, true
		}
	}
	return false, false
}

// check tests what spans several keys, once every key has been read.
func (r *policyReader) check(p *Policy) {
	if strings.TrimSpace(p.ID) == "" {
		r.failAt("policy_id", "give the policy a name", "the id is empty")
	}
	if !kam.IsCurrency(p.BaseCurrency) {
		r.failAt("base_currency", "give a code such as EUR", "%q is not an ISO 4217 code", clip(p.BaseCurrency))
	}
	if p.Add.ReferAt > p.Add.AddAt {
		r.failAt("add_decision.refer_at", "give at most add_at", "refer_at %s is above add_at %s", p.Add.ReferAt, p.Add.AddAt)
	}
	if p.ABC.CutAPct > p.ABC.CutBPct {
		r.failAt("abc.cut_a_pct", "give at most cut_b_pct", "cut_a_pct %s is above cut_b_pct %s", p.ABC.CutAPct, p.ABC.CutBPct)
	}
	if p.Improvement.AmberOverPP > p.Improvement.RedOverPP {
		r.failAt("improvement_potential.amber_over_pp", "give at most red_over_pp", "amber starts above red")
	}
	d := p.Duplicates
	if d.PossibleAt > d.ProbableAt || d.ProbableAt > d.CertainAt {
		r.failAt("duplicates.possible_at", "let possible_at, probable_at, certain_at rise", "the classes do not rise")
	}
	if *d.MinNameSimilaritySupported > d.MinNameSimilarity {
		r.failAt("duplicates.min_name_similarity_supported", "give at most min_name_similarity", "%s is above min_name_similarity %s", *d.MinNameSimilaritySupported, d.MinNameSimilarity)
	}
	for i, w := range p.CommonWords {
		if n := words(w); len(n) != 1 {
			r.failAt(fmt.Sprintf("common_words[%d]", i), "give one word", "%q is not one word", clip(w))
		}
	}
	for _, id := range []string{"HS1_BLOCKED_PARTY", "HS2_SANCTIONS_CONFIRMED", "HS3_COUNTRY_NOT_SERVED", "HS4_INDUSTRY_EXCLUDED",
		"HS5_RECENTLY_REJECTED", "HS6_SANCTIONS_POSSIBLE", "HS7_FINANCE_HOLD", "HS8_CREDIT_D", hs9} {
		r.once("add_decision.hard_stops", id, func() (n int) {
			for _, h := range p.Add.HardStops {
				if h.ID == id {
					n++
				}
			}
			return n
		}())
	}
	r.checkConfirmation(p)
	r.checkTiers(p)
	r.checkLabels(p)
	for _, item := range kam.CapabilityItems {
		r.once("capability.items", item, count(p.Capability.Items, item))
	}
	for _, id := range sortedKeys(p.Findings) {
		path := "findings." + id
		floor, known := knownRule(id)
		if !known {
			r.failAt(path, "name a rule such as VF06", "there is no validation rule %q", clip(id))
		} else if floor && p.Findings[id] != kam.SeverityError {
			r.failAt(path, "give ERROR or leave the key out", "%s may not be less than ERROR", id)
		}
	}
	for i, c := range p.Market.ServedCountries {
		if !kam.IsCountry(c) {
			r.failAt(fmt.Sprintf("market.served_countries[%d]", i), "give a code such as DE", "%q is not ISO 3166-1 alpha-2", clip(c))
		}
	}
	for i, s := range p.Market.ExcludedIndustry {
		if strings.TrimSpace(s) == "" {
			r.failAt(fmt.Sprintf("market.excluded_industry_prefixes[%d]", i), "remove the entry", "an empty prefix would exclude everybody")
		}
	}
	if from, to, ok := strings.Cut(p.Calendar.Hours, "-"); !ok || !isClock(from) || !isClock(to) || from >= to {
		r.failAt("calendar.hours", `write "09:00-17:00"`, "%q is not a range of hours", clip(p.Calendar.Hours))
	}
	if len(p.Calendar.Weekend) > 6 {
		r.failAt("calendar.weekend", "leave a working day", "no working day is left")
	}
}

func (r *policyReader) once(path, what string, n int) {
	switch {
	case n == 0:
		r.failAt(path, "add it", "%s is missing", what)
	case n > 1:
		r.failAt(path, "keep one of them", "%s stands there %d times", what, n)
	}
}

func (r *policyReader) checkConfirmation(p *Policy) {
	levels := p.Confirmation.Levels
	if len(levels) == 0 || levels[0].MinPotential != 0 {
		r.failAt("confirmation.levels", "let the first row have min_potential: 0", "potentials from 0 have no level")
	}
	for i := 1; i < len(levels); i++ {
		path := fmt.Sprintf("confirmation.levels[%d]", i)
		if levels[i].MinPotential <= levels[i-1].MinPotential {
			r.failAt(path, "sort the rows by rising min_potential", "min_potential %s does not rise above %s", levels[i].MinPotential, levels[i-1].MinPotential)
		}
		if levels[i].Level.Rank() < levels[i-1].Level.Rank() {
			r.failAt(path, "let the levels rise", "level %s is below %s", levels[i].Level, levels[i-1].Level)
		}
	}
}

// checkTiers wants the four tiers from GLOBAL down, with minima that fall.
func (r *policyReader) checkTiers(p *Policy) {
	ka := p.KeyAccount
	if len(ka.Tiers) != 4 {
		r.failAt("key_account.tiers", "list GLOBAL, NATIONAL, REGIONAL, TERRITORY", "there are %d tiers, not 4", len(ka.Tiers))
		return
	}
	for i, t := range ka.Tiers {
		path := fmt.Sprintf("key_account.tiers[%d]", i)
		if want := kam.Tiers[3-i]; t.Tier != want {
			r.failAt(path, "list GLOBAL, NATIONAL, REGIONAL, TERRITORY", "%s stands where %s belongs", t.Tier, want)
		}
		if i == 0 {
			continue
		}
		up := ka.Tiers[i-1]
		if t.MinPotential > up.MinPotential || t.MinScore > up.MinScore || buyingRank(t.MinBuying) > buyingRank(up.MinBuying) {
			r.failAt(path, "let the minima fall from tier to tier", "%s asks for more than %s", t.Tier, up.Tier)
		}
		if t.AloneAt != nil && up.AloneAt != nil && *t.AloneAt > *up.AloneAt {
			r.failAt(path, "let alone_at fall from tier to tier", "%s asks for more than %s", t.Tier, up.Tier)
		}
	}
	if ka.ThresholdMode == shareMode && ka.CompanyRevenue == nil {
		r.failAt("key_account.threshold_mode", "add key_account.company_revenue", "shares of company revenue need company_revenue")
	}
	for _, t := range kam.Tiers {
		if len(ka.Endorsement.For(t)) == 0 {
			r.failAt("key_account.endorsement."+string(t), "name a manager role", "nobody endorses %s", t)
		}
	}
	if ka.Capacity.ProgramWarnAt > ka.Capacity.ProgramMax {
		r.failAt("key_account.capacity.program_warn_at", "give at most program_max", "the warning comes after the maximum")
	}
}

// checkLabels wants every combination of scores to have a label.
func (r *policyReader) checkLabels(p *Policy) {
	for i, l := range p.RFM.Labels {
		for _, part := range []struct {
			key string
			s   ScoreRange
		}{{"recency", l.Recency}, {"frequency", l.Frequency}, {"monetary", l.Monetary}} {
			if s := part.s; s != nil && (len(s) != 2 || s[0] < 1 || s[1] > 5 || s[0] > s[1]) {
				r.failAt(fmt.Sprintf("rfm.labels[%d].%s", i, part.key), "write [lowest, highest] within 1 and 5", "%v is not a range of scores", []int(s))
				return
			}
		}
	}
	for rec := 1; rec <= 5; rec++ {
		for freq := 1; freq <= 5; freq++ {
			for mon := 1; mon <= 5; mon++ {
				if p.label(rec, freq, mon) == "" {
					r.failAt("rfm.labels", "end the list with a label without ranges", "scores %d%d%d have no label", rec, freq, mon)
					return
				}
			}
		}
	}
}
