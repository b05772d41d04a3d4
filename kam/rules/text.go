package rules

import (
	"encoding/json"
	"strconv"
	"strings"

	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/rules/policy"
)

// A Catalogue holds the texts of one language by key, with {0}, {1} where the
// figures of the record go. Texts are made from the record, so that they
// cannot disagree with it (P3.6).
type Catalogue map[string]string

// English is the catalogue that is shipped.
var English = Catalogue{
	"add.ADD":        "Score {0}, {1} or more",
	"add.REFER":      "Score {0}, from {1} to under {2}",
	"add.REJECT":     "Score {0}, under {1}",
	"add.confidence": "Score {0}, but only {1}% of the weight is known, {2}% needed",

	policy.StopBlockedParty:       "The party is on the blocked list",
	policy.StopSanctionsConfirmed: "Screening found a confirmed hit",
	policy.StopCountryNotServed:   "The country is not served",
	policy.StopIndustryExcluded:   "The industry is excluded",
	policy.StopRecentlyRejected:   "The same party was rejected not long ago",
	policy.StopSanctionsPossible:  "Screening found a possible hit",
	policy.StopFinanceHold:        "Finance holds the party or its group",
	policy.StopCreditD:            "Credit rating D",
	policy.StopLikeARejected:      "A request of the same name was rejected not long ago, and nothing else shows that it is the same party",

	"segment": "Segment {0}, Improvement Potential {1}, key account score {2}",

	"KG1":          "inactive, or an ERROR finding is open: {0}",
	"KG2":          "blocked party or confirmed screening hit: {0}",
	"KG3":          "credit rating D or finance hold: {0}",
	"KG4":          "{0}% complete, {1}% needed",
	"KG5":          "potential {0}, {1} needed",
	"KG6":          "declared potential {0}, {1} needed",
	"gate.passed":  "passed",
	"gate.waived":  "waived by nomination",
	"ka.KA":        "Key account {0}: potential {1}, score {2}",
	"ka.nominated": "Nominated as key account {0}: potential {1}, score {2}",
	"ka.notice":    "Key account {0} on notice: potential {1}, score {2}",
	"ka.NON_KA":    "Not a key account: {0}",
	"ka.watch":     "Not a key account, on the watch list: {0}",
	"ka.gate":      "Not a key account, {0}: {1}",

	"stop.potential": "potential {0} < {1}",
	"stop.score":     "score {0} < {1}",
	"stop.buying":    "buying {0} < {1}",
	"stop.span":      "span {0}",
}

// Text is a text with its figures; the key itself where the catalogue lacks it.
func (c Catalogue) Text(key string, args ...string) string {
	s, ok := c[key]
	if !ok {
		return strings.TrimSpace(key + " " + strings.Join(args, " "))
	}
	for i, a := range args {
		s = strings.ReplaceAll(s, "{"+strconv.Itoa(i)+"}", a)
	}
	return s
}

// Headline is the first line of a decision of 1.1.4 in a language.
func (p *Set) Headline(r kam.DecisionRecord, c Catalogue) string {
	if r.Kind != kam.RecordAdd || r.Score == nil || r.Confidence == nil {
		return r.Headline
	}
	if len(r.HardStops) > 0 {
		return c.Text(r.HardStops[0].ID)
	}
	a := &p.Add
	switch {
	case *r.Score < a.ReferAt:
		return c.Text("add.REJECT", r.Score.Fixed(), a.ReferAt.String())
	case *r.Score < a.AddAt:
		return c.Text("add.REFER", r.Score.Fixed(), a.ReferAt.String(), a.AddAt.String())
	case *r.Confidence < a.MinConfidencePct:
		return c.Text("add.confidence", r.Score.Fixed(), r.Confidence.String(), a.MinConfidencePct.String())
	}
	return c.Text("add.ADD", r.Score.Fixed(), a.AddAt.String())
}

// plainAmount is an amount without currency and without empty decimals.
func plainAmount(m kam.Money) string {
	whole, frac, ok := strings.Cut(m.Amount(), ".")
	if !ok || strings.Trim(frac, "0") == "" {
		return whole
	}
	return whole + "." + frac
}

// quote is a text as JSON.
func quote(s string) []byte {
	b, err := json.Marshal(s)
	if err != nil { // cannot happen: strings always marshal
		return []byte("null")
	}
	return b
}
