package policy

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/rules/written"
)

// knownRule finds a validation rule; floor says that it stays ERROR whatever a
// policy says (P3.7).
func knownRule(id string) (floor, known bool) {
	i := slices.IndexFunc(kam.ValidationRules, func(r kam.ValidationRule) bool { return r.ID == id })
	return i >= 0 && kam.ValidationRules[i].Floor, i >= 0
}

// check tests what spans several keys, once every key has been read.
func (r *reader) check(p *Policy) {
	if strings.TrimSpace(p.ID) == "" {
		r.failAt("policy_id", kam.Say("give the policy a name"), "the id is empty")
	}
	if !kam.IsCurrency(p.BaseCurrency) {
		r.failAt("base_currency", kam.Say("give a code such as EUR"), "%q is not an ISO 4217 code", kam.Clip(p.BaseCurrency, 60))
	}
	if p.Add.ReferAt > p.Add.AddAt {
		r.failAt("add_decision.refer_at", kam.Say("give at most add_at"), "refer_at %s is above add_at %s", p.Add.ReferAt, p.Add.AddAt)
	}
	if p.ABC.CutAPct > p.ABC.CutBPct {
		r.failAt("abc.cut_a_pct", kam.Say("give at most cut_b_pct"), "cut_a_pct %s is above cut_b_pct %s", p.ABC.CutAPct, p.ABC.CutBPct)
	}
	if p.Improvement.AmberOverPP > p.Improvement.RedOverPP {
		r.failAt("improvement_potential.amber_over_pp", kam.Say("give at most red_over_pp"), "amber starts above red")
	}
	d := p.Duplicates
	if d.PossibleAt > d.ProbableAt || d.ProbableAt > d.CertainAt {
		r.failAt("duplicates.possible_at", kam.Say("let possible_at, probable_at, certain_at rise"), "the classes do not rise")
	}
	if *d.MinNameSimilaritySupported > d.MinNameSimilarity {
		r.failAt("duplicates.min_name_similarity_supported", kam.Say("give at most min_name_similarity"), "%s is above min_name_similarity %s", *d.MinNameSimilaritySupported, d.MinNameSimilarity)
	}
	for i, w := range p.CommonWords {
		if n := written.Words(w); len(n) != 1 {
			r.failAt(fmt.Sprintf("common_words[%d]", i), kam.Say("give one word"), "%q is not one word", kam.Clip(w, 60))
		}
	}
	for _, id := range HardStops {
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
	for _, id := range slices.Sorted(maps.Keys(p.Findings)) {
		path := "findings." + id
		floor, known := knownRule(id)
		if !known {
			r.failAt(path, kam.Say("name a rule such as VF06"), "there is no validation rule %q", kam.Clip(id, 60))
		} else if floor && p.Findings[id] != kam.SeverityError {
			r.failAt(path, kam.Say("give ERROR or leave the key out"), "%s may not be less than ERROR", id)
		}
	}
	for i, c := range p.Market.ServedCountries {
		if !kam.IsCountry(c) {
			r.failAt(fmt.Sprintf("market.served_countries[%d]", i), kam.Say("give a code such as DE"), "%q is not ISO 3166-1 alpha-2", kam.Clip(c, 60))
		}
	}
	for i, s := range p.Market.ExcludedIndustry {
		if strings.TrimSpace(s) == "" {
			r.failAt(fmt.Sprintf("market.excluded_industry_prefixes[%d]", i), kam.Say("remove the entry"), "an empty prefix would exclude everybody")
		}
	}
	if from, to, ok := strings.Cut(p.Calendar.Hours, "-"); !ok || !isClock(from) || !isClock(to) || from >= to {
		r.failAt("calendar.hours", kam.Say(`write "09:00-17:00"`), "%q is not a range of hours", kam.Clip(p.Calendar.Hours, 60))
	}
	if len(p.Calendar.Weekend) > 6 {
		r.failAt("calendar.weekend", kam.Say("leave a working day"), "no working day is left")
	}
}

func (r *reader) once(path, what string, n int) {
	switch {
	case n == 0:
		r.failAt(path, kam.Say("add it"), "%s is missing", what)
	case n > 1:
		r.failAt(path, kam.Say("keep one of them"), "%s stands there %d times", what, n)
	}
}

func (r *reader) checkConfirmation(p *Policy) {
	levels := p.Confirmation.Levels
	if len(levels) == 0 || levels[0].MinPotential != 0 {
		r.failAt("confirmation.levels", kam.Say("let the first row have min_potential: 0"), "potentials from 0 have no level")
	}
	for i := 1; i < len(levels); i++ {
		path := fmt.Sprintf("confirmation.levels[%d]", i)
		if levels[i].MinPotential <= levels[i-1].MinPotential {
			r.failAt(path, kam.Say("sort the rows by rising min_potential"), "min_potential %s does not rise above %s", levels[i].MinPotential, levels[i-1].MinPotential)
		}
		if levels[i].Level.Rank() < levels[i-1].Level.Rank() {
			r.failAt(path, kam.Say("let the levels rise"), "level %s is below %s", levels[i].Level, levels[i-1].Level)
		}
	}
}

// checkTiers wants the four tiers from GLOBAL down, with minima that fall.
func (r *reader) checkTiers(p *Policy) {
	ka := p.KeyAccount
	if len(ka.Tiers) != 4 {
		r.failAt("key_account.tiers", kam.Say("list GLOBAL, NATIONAL, REGIONAL, TERRITORY"), "there are %d tiers, not 4", len(ka.Tiers))
		return
	}
	for i, t := range ka.Tiers {
		path := fmt.Sprintf("key_account.tiers[%d]", i)
		if want := kam.Tiers[3-i]; t.Tier != want {
			r.failAt(path, kam.Say("list GLOBAL, NATIONAL, REGIONAL, TERRITORY"), "%s stands where %s belongs", t.Tier, want)
		}
		if i == 0 {
			continue
		}
		up := ka.Tiers[i-1]
		if t.MinPotential > up.MinPotential || t.MinScore > up.MinScore || t.MinBuying.Rank() > up.MinBuying.Rank() {
			r.failAt(path, kam.Say("let the minima fall from tier to tier"), "%s asks for more than %s", t.Tier, up.Tier)
		}
		if t.AloneAt != nil && up.AloneAt != nil && *t.AloneAt > *up.AloneAt {
			r.failAt(path, kam.Say("let alone_at fall from tier to tier"), "%s asks for more than %s", t.Tier, up.Tier)
		}
	}
	if ka.ThresholdMode == ShareOfCompanyRevenue && ka.CompanyRevenue == nil {
		r.failAt("key_account.threshold_mode", kam.Say("add key_account.company_revenue"), "shares of company revenue need company_revenue")
	}
	for _, t := range kam.Tiers {
		if len(ka.Endorsement.For(t)) == 0 {
			r.failAt("key_account.endorsement."+string(t), kam.Say("name a manager role"), "nobody endorses %s", t)
		}
	}
	if ka.Capacity.ProgramWarnAt > ka.Capacity.ProgramMax {
		r.failAt("key_account.capacity.program_warn_at", kam.Say("give at most program_max"), "the warning comes after the maximum")
	}
}

// checkLabels wants every combination of scores to have a label.
func (r *reader) checkLabels(p *Policy) {
	for i, l := range p.RFM.Labels {
		for _, part := range []struct {
			key string
			s   ScoreRange
		}{{"recency", l.Recency}, {"frequency", l.Frequency}, {"monetary", l.Monetary}} {
			if s := part.s; s != nil && (len(s) != 2 || s[0] < 1 || s[1] > 5 || s[0] > s[1]) {
				r.failAt(fmt.Sprintf("rfm.labels[%d].%s", i, part.key), kam.Say("write [lowest, highest] within 1 and 5"), "%v is not a range of scores", []int(s))
				return
			}
		}
	}
	for rec := 1; rec <= 5; rec++ {
		for freq := 1; freq <= 5; freq++ {
			for mon := 1; mon <= 5; mon++ {
				if p.RFM.Label(rec, freq, mon) == "" {
					r.failAt("rfm.labels", kam.Say("end the list with a label without ranges"), "scores %d%d%d have no label", rec, freq, mon)
					return
				}
			}
		}
	}
}

func count(list []string, what string) (n int) {
	for _, s := range list {
		if s == what {
			n++
		}
	}
	return n
}

func isClock(s string) bool {
	s = strings.TrimSpace(s)
	return len(s) == 5 && s[2] == ':' && s[:2] >= "00" && s[:2] <= "24" && s[3:] >= "00" && s[3:] <= "59"
}
