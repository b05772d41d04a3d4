package parties

import (
	"slices"
	"strings"

	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/customer"
	"github.com/kamflow/kamflow/kam/rules/match"
	customerdb "github.com/kamflow/kamflow/store/customer"
)

// Alike is a party that was found as a candidate for being the same as self
// (P3.4.4), and whether it is one.
func Alike(m *match.Matcher, self match.Party, p customerdb.Party) (customer.Candidate, bool) {
	r := m.Compare(self, Compared(p))
	return customer.Candidate{
		Ref: p.Ref, Kind: p.Kind, CustomerID: p.CustomerID, Name: p.Data.Name, City: p.Data.City,
		Class: r.Class, Score: r.Score, NameSimilarity: r.NameSimilarity, Reasons: r.Reasons,
	}, r.Class != ""
}

// Best sorts candidates, the most certain first, and leaves the best match of each
// customer, which is found by the names and numbers of the records that were
// merged into it as well.
func Best(all []customer.Candidate) []customer.Candidate {
	slices.SortFunc(all, func(a, b customer.Candidate) int {
		if a.Class != b.Class {
			return strings.Compare(string(a.Class), string(b.Class)) // CERTAIN, POSSIBLE, PROBABLE
		}
		if a.Score != b.Score {
			return int(b.Score - a.Score)
		}
		return strings.Compare(a.Ref, b.Ref)
	})
	best := map[string]customer.Candidate{}
	for _, c := range all {
		b, seen := best[c.Ref]
		if !seen || b.Class != kam.MatchCertain && (c.Class == kam.MatchCertain || c.Score > b.Score) {
			best[c.Ref] = c
		}
	}
	return slices.DeleteFunc(all, func(c customer.Candidate) bool {
		b, wanted := best[c.Ref]
		if wanted && b.Class == c.Class && b.Score == c.Score {
			delete(best, c.Ref)
			return false
		}
		return true
	})
}

// Compared is a party as the rules compare it.
func Compared(p customerdb.Party) match.Party {
	return match.Party{
		Ref: p.Ref, GroupID: p.GroupID, Names: append([]string{p.Data.Name}, p.Data.TradingNames...),
		CountryCode: p.Data.Country, City: p.Data.City, PostalCode: p.Data.PostalCode, Street: p.Data.Street,
		Identifiers: p.Data.Identifiers, Website: p.Data.Website, Emails: p.Data.Emails, Phone: p.Data.Phone,
	}
}
