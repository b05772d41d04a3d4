package rules

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/rules/identifier"
	"github.com/kamflow/kamflow/kam/rules/match"
)

// postBox finds the words for a post box of the countries that we know postal
// codes of (VA05).
var postBox = regexp.MustCompile(`(?i)^\s*(` +
	`p\.?\s?o\.?\s?-?box|post\s?office\s?box|post\s?box|gpo\s?box|locked\s?bag|private\s?bag|postfach|pf\.?\s*\d|` +
	`bo[iî]te\s?postale|b\.?p\.?\s*\d|case\s?postale|c\.?p\.?\s*\d|casella\s?postale|apartado|aptdo\.?|caixa\s?postal|` +
	`postbus|postboks|boks\s*\d|box\s*\d|postilokero|pl\s*\d|skrytka\s?poczt|skr\.?\s?poczt|po[sš]tovn[ií]\s?p[rř]ihr[aá]dka|p\.?o\.?\s*b\.?\s*\d)`)

// fields tests what concerns single fields of both sets: VF01 to VF09, and
// the form of countries, coordinates, identifiers and postal codes.
func (v *validation) fields() {
	for _, set := range []kam.FieldSet{kam.Screening, kam.Detail} {
		for _, name := range v.missing(set) {
			v.find("VF01", name, "give it", "required and not given")
		}
	}
	for _, e := range append(FormErrors(v.data), v.policy.bareAmounts(v.data)...) {
		v.add("", e.Rule, e.Field, e.HowTo(), e.Message())
	}
	if name := v.customer.LegalName; name != "" && !isName(name) {
		v.find("VF03", "legal_name", "give the name of the register", "%q is not a name", name)
	}
	v.noValues()
	if v.customer.CustomerKind == kam.Organization {
		for i, c := range v.customer.Contacts {
			if d, free := match.MailDomain(c.Email); free {
				v.find("VF05", fmt.Sprintf("contacts[%d].email", i), "ask for the address at the customer", "%s gives mail boxes to anybody", d)
			}
		}
	}
	v.amounts()
	if known := v.ctx.CompletenessPct; known != nil && *known < v.policy.KeyAccount.MinCompletenessPct {
		v.find("VF08", "completeness_pct", "fill in what scoring lacks", "%s percent is known, %s is wanted", known, v.policy.KeyAccount.MinCompletenessPct)
	}
	if len(v.customer.Identifiers) == 0 {
		severity := kam.SeverityError
		if k := v.customer.CustomerKind; k == kam.SolePractitioner || k == kam.PublicBody {
			severity = kam.SeverityReview
		}
		v.findAs(severity, "VF09", "identifiers", "give a register or tax number", "no identifier")
	}
}

// isName says that a legal name has a letter and is no placeholder (VF03).
func isName(name string) bool {
	return strings.ContainsFunc(name, unicode.IsLetter) && !identifier.IsPlaceholderName(name)
}

// missing leaves out what the rules on addresses say better (VA04, VA07).
func (v *validation) missing(set kam.FieldSet) []string {
	return slices.DeleteFunc(Missing(v.data, set, cmp.Or(v.ctx.CaseType, kam.NewCase)), func(name string) bool {
		nested := strings.HasPrefix(name, "addresses[")
		return nested && (strings.HasSuffix(name, ".line1") || strings.HasSuffix(name, ".city") || strings.HasSuffix(name, ".lat") || strings.HasSuffix(name, ".lon"))
	})
}

// noValues finds the placeholders in free text that the customer is known and
// found by: a city NULL would be the same city for two customers.
func (v *validation) noValues() {
	test := func(field, text string) {
		if identifier.IsPlaceholder(text) {
			v.find("VF02", field, "leave it empty, or give the value", "%q stands for no value", text)
		}
	}
	test("city", v.customer.City)
	test("street", v.customer.Street)
	for i, name := range v.customer.TradingNames {
		test(fmt.Sprintf("trading_names[%d]", i), name)
	}
	for i, id := range v.customer.Identifiers {
		test(fmt.Sprintf("identifiers[%d].value", i), id.Value)
	}
	for i, a := range v.customer.Addresses {
		test(fmt.Sprintf("addresses[%d].line1", i), a.Line1)
		test(fmt.Sprintf("addresses[%d].city", i), a.City)
	}
	for i, c := range v.customer.Contacts {
		test(fmt.Sprintf("contacts[%d].name", i), c.Name)
	}
}

// amounts compares amounts in the base currency (VF06, VF07). Where there is
// no rate for a currency they cannot be compared, and the rules are silent.
func (v *validation) amounts() {
	base := func(m *kam.Money, field string) (int64, bool) {
		if m == nil {
			return 0, false
		}
		minor, err := v.policy.toBase(m, field, v.ctx.Rates)
		return minor, err == nil
	}
	potential, ok := base(v.customer.DeclaredPotential, "declared_potential")
	turnover, known := base(v.customer.AnnualTurnover, "annual_turnover")
	if ok && known && potential > turnover/10 {
		v.find("VF06", "declared_potential", "check both figures", "%s is above a tenth of the turnover of %s", v.customer.DeclaredPotential, v.customer.AnnualTurnover)
	}
	revenue := v.ctx.NetRevenue12m
	if revenue == nil {
		revenue = v.customer.NetRevenue12m
	}
	spend, ok := base(v.customer.AddressableSpend12m, "addressable_spend_12m")
	bought, known := base(revenue, "net_revenue_12m")
	if ok && known && spend < bought {
		v.find("VF07", "addressable_spend_12m", "correct the spend", "%s is below the revenue of %s: a share above 100 percent", v.customer.AddressableSpend12m, revenue)
	}
}

// addresses tests VA03 to VA07 where the form check does not.
func (v *validation) addresses() {
	legal := 0
	unknown := []string{}
	if c := v.customer.CountryCode; kam.IsCountry(c) && !identifier.PostalCodeKnown(c) {
		unknown = append(unknown, c)
		v.find("VA03", "postal_code", "", "the form of postal codes of %s is not known here", c)
	}
	for i, a := range v.customer.Addresses {
		field := fmt.Sprintf("addresses[%d]", i)
		if kam.IsCountry(a.CountryCode) && !identifier.PostalCodeKnown(a.CountryCode) && !slices.Contains(unknown, a.CountryCode) {
			unknown = append(unknown, a.CountryCode)
			v.find("VA03", field+".postal_code", "", "the form of postal codes of %s is not known here", a.CountryCode)
		}
		for _, part := range [][2]string{{"line1", a.Line1}, {"city", a.City}} {
			if strings.TrimSpace(part[1]) == "" {
				v.find("VA04", field+"."+part[0], "give it", "empty")
			}
		}
		if (a.Lat == nil) != (a.Lon == nil) {
			v.find("VA07", field, "give both or none", "only one of lat and lon")
		}
		if a.Type == kam.AddressLegal {
			legal++
			v.legal(field, a)
		}
	}
	if legal != 1 {
		v.find("VA04", "addresses", "give one address of type LEGAL", "%d addresses of type LEGAL", legal)
	}
}

func (v *validation) legal(field string, a kam.Address) {
	if postBox.MatchString(a.Line1) {
		v.find("VA05", field+".line1", "give the street, or have it accepted", "%q is a post box", a.Line1)
	}
	if a.CountryCode != "" && v.customer.CountryCode != "" && a.CountryCode != v.customer.CountryCode {
		v.find("VA06", field+".country_code", "correct one of the two", "the address is in %s, the customer in %s", a.CountryCode, v.customer.CountryCode)
	}
}
