package kam

import (
	"net/mail"
	"net/url"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// The rules of P3.4.1 that the form check names.
const (
	ruleContact = "VF04"
	ruleCountry = "VA01"
	ruleDegrees = "VA07"
)

var (
	phoneForm    = regexp.MustCompile(`^\+[1-9][0-9]{6,14}$`)
	languageForm = regexp.MustCompile(`^[A-Za-z]{2,3}(-[A-Za-z]{4})?(-([A-Za-z]{2}|[0-9]{3}))?(-[A-Za-z0-9]{4,8})*$`)
	digestForm   = regexp.MustCompile(`^[0-9a-f]{64}$`)
)

// CheckForm says what is wrong with the form of the data: lengths, ranges,
// counts, closed values and syntax (VF02, VF04, VA01, VA07). An absent value
// is not wrong here, see [Missing]. Without sets it checks both.
func CheckForm(d RequestData, sets ...FieldSet) []*Error {
	var errs []*Error
	root := rootOf(d)
	for i := range Fields {
		s := &Fields[i]
		if len(sets) > 0 && !slices.Contains(sets, s.Set) {
			continue
		}
		if absent(root, s.Name) {
			continue
		}
		eachValue(root, s.Name, func(path string, v reflect.Value) {
			if e := s.wrong(v); e != nil {
				errs = append(errs, e.On(path).By(s.rule()))
			}
		})
	}
	if len(sets) == 0 || slices.Contains(sets, Detail) {
		errs = append(errs, checkShares(d.Competitors)...)
	}
	return errs
}

// Missing lists the required fields of a set that are unknown, in the order
// of the form (VF01). Without a case type the case is taken for a new customer.
// Whether a postal code is required depends on the country: rules.Missing.
func Missing(d RequestData, set FieldSet, forType ...CaseType) []string {
	caseType := NewCase
	if len(forType) > 0 {
		caseType = forType[0]
	}
	var names []string
	root := rootOf(d)
	for i := range Fields {
		s := &Fields[i]
		if s.Set != set {
			continue
		}
		if s.Kind == KindMap && s.Required {
			for _, item := range CapabilityItems {
				if _, ok := d.CapabilityItems[item]; !ok {
					names = append(names, s.Name+"."+item)
				}
			}
			continue
		}
		if !s.Required && s.With == "" {
			continue
		}
		eachSlot(root, s.Name, func(path string, v reflect.Value) {
			needed := s.Required && (s.OnlyFor == "" || s.OnlyFor == caseType)
			if s.With != "" {
				needed = slotFilled(root, sibling(path, s.With))
			}
			if needed && unknown(v) {
				names = append(names, path)
			}
		})
	}
	return names
}

func (s *FieldSpec) rule() string {
	switch s.Kind {
	case KindEmail, KindPhone:
		return ruleContact
	case KindCountry:
		return ruleCountry
	case KindDegrees:
		return ruleDegrees
	default:
		return RuleRange
	}
}

// wrong says what is wrong with a known value and what would be right.
func (s *FieldSpec) wrong(v reflect.Value) *Error {
	switch s.Kind {
	case KindList:
		if v.Len() > s.MaxItems {
			return Errorf(Invalid, "has %d entries", v.Len()).Try("give at most %d", s.MaxItems)
		}
	case KindMap:
		return s.wrongItems(v.Interface().(map[string]int))
	case KindBool:
	case KindMoney:
		return s.wrongMoney(v.Interface().(Money))
	case KindDecimal:
		if n := v.Int(); n < s.Min*100 || n > s.Max*100 {
			return Errorf(Invalid, "%s is out of range", Dec(n)).Advise(s.between())
		}
	case KindInt:
		if n := v.Int(); n < s.Min || n > s.Max {
			return Errorf(Invalid, "%d is out of range", n).Advise(s.between())
		}
	case KindDegrees:
		// Written so that NaN is refused too.
		if f := v.Float(); !(f >= float64(s.Min) && f <= float64(s.Max)) {
			return Errorf(Invalid, "%s is out of range", strconv.FormatFloat(f, 'f', -1, 64)).Advise(s.between())
		}
	default:
		return s.wrongText(v.String())
	}
	return nil
}

func (s *FieldSpec) between() Sentence { return Say("give %d to %d", s.Min, s.Max) }

func (s *FieldSpec) wrongMoney(m Money) *Error {
	minor, err := m.Size()
	if err != nil {
		return err
	}
	if minor < s.Min {
		return Errorf(Invalid, "%s is negative", m).Try("give 0 or more")
	}
	if minor > s.Max {
		return Errorf(Invalid, "%s is too large", m).Try("give at most %d minor units", s.Max)
	}
	return nil
}

func (s *FieldSpec) wrongItems(items map[string]int) *Error {
	names := make([]string, 0, len(items))
	for name := range items {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		if !slices.Contains(CapabilityItems, name) {
			return Errorf(Invalid, "no item is called %q", Clip(name, 40)).Try("use one of %s", ListOf(CapabilityItems))
		}
		if n := int64(items[name]); n < s.Min || n > s.Max {
			return Errorf(Invalid, "%s is %d", name, n).Advise(s.between())
		}
	}
	return nil
}

func (s *FieldSpec) wrongText(text string) *Error {
	if !utf8.ValidString(text) {
		return Errorf(Invalid, "is not valid UTF-8").Try("send UTF-8")
	}
	for _, r := range text {
		if unicode.IsControl(r) && !(s.Kind == KindLongText && (r == '\n' || r == '\r' || r == '\t')) {
			return Errorf(Invalid, "contains the control character U+%04X", r).Try("remove it")
		}
		if r >= 0x202A && r <= 0x202E || r >= 0x2066 && r <= 0x2069 { // a name would read otherwise than it is stored
			return Errorf(Invalid, "contains U+%04X, which turns the direction of writing", r).Try("remove it")
		}
	}
	if n := int64(utf8.RuneCountInString(text)); n < s.Min || s.Max > 0 && n > s.Max {
		if n == 1 {
			return Errorf(Invalid, "has 1 character").Try("give %d to %d characters", s.Min, s.Max)
		}
		return Errorf(Invalid, "has %d characters", n).Try("give %d to %d characters", s.Min, s.Max)
	}
	quoted := func(what Sentence) *Error {
		if strings.HasPrefix(s.Name, "contacts[") { // personal data: the text is kept on the audit trail
			return Errorf(Invalid, "%s", what)
		}
		return Errorf(Invalid, "%q %s", Clip(text, 40), what) // for few of many
	}
	switch s.Kind {
	case KindChoice:
		if choices := s.Choices(); !slices.Contains(choices, text) {
			return quoted(Say("is not a value of this field")).Try("use one of %s", ListOf(choices))
		}
	case KindCountry:
		if !IsCountry(text) {
			if code, ok := CountryNamed(text); ok {
				return quoted(Say("is not a country code")).Try("write %s", code)
			}
			return quoted(Say("is not a country")).Try("give an ISO 3166-1 alpha-2 code such as DE")
		}
	case KindCurrency:
		if !IsCurrency(text) {
			return quoted(Say("is not a currency")).Try("give an ISO 4217 code such as EUR")
		}
	case KindLanguage:
		if !languageForm.MatchString(text) {
			return quoted(Say("is not a language tag")).Try("give a BCP 47 tag such as de or pt-BR")
		}
	case KindEmail:
		if !isEmail(text) {
			return quoted(Say("is not an e-mail address")).Try("give one such as name@example.com")
		}
	case KindPhone:
		if !phoneForm.MatchString(text) {
			return quoted(Say("is not a phone number in E.164")).Try("give + and 7 to 15 digits such as +4940123456")
		}
	case KindURL:
		if u, err := url.Parse(text); err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" {
			return quoted(Say("is not a web address")).Try("give one such as https://example.com")
		}
	case KindDate:
		if _, err := time.Parse(time.DateOnly, text); err != nil {
			return quoted(Say("is not a date")).Try("give one such as 2026-11-23")
		}
	case KindDigest:
		if !digestForm.MatchString(text) {
			return Errorf(Invalid, "is not a SHA-256 digest").Try("give 64 lower case hexadecimal digits")
		}
	}
	return nil
}

// isEmail accepts a bare address whose domain has a dot.
func isEmail(s string) bool {
	a, err := mail.ParseAddress(s)
	if err != nil || a.Address != s {
		return false
	}
	domain := s[strings.LastIndex(s, "@")+1:]
	return strings.Contains(domain, ".") && !strings.HasPrefix(domain, ".") && !strings.HasSuffix(domain, ".")
}

func checkShares(all []Competitor) []*Error {
	sum := Dec(0)
	for _, c := range all {
		if c.SharePct != nil && *c.SharePct > 0 && *c.SharePct <= 10000 {
			sum += *c.SharePct
		}
	}
	if sum <= 10000 {
		return nil
	}
	return []*Error{Errorf(Invalid, "the shares add up to %s percent", sum).On("competitors").By(RuleRange).Try("correct them to 100 at most")}
}
