package importer

import (
	"encoding/json"
	"net/url"
	"strings"
	"unicode"

	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/rules/identifier"
)

// clean trims a cell and joins its lines: no field of a table has line breaks
// of its own.
func clean(s string) string {
	if tidy(s) {
		return s
	}
	return strings.Join(strings.Fields(s), " ")
}

// tidy says that cleaning changes nothing, which is so for most cells of a
// large file; text beyond ASCII may hold other blanks and is looked at whole.
func tidy(s string) bool {
	for i := range len(s) {
		switch b := s[i]; {
		case b < ' ' || b >= 0x7f:
			return false
		case b == ' ' && (i == 0 || i == len(s)-1 || s[i-1] == ' '):
			return false
		}
	}
	return true
}

// IndustryCode is the code under scheme CUSTOM of an industry that is known by
// text only: the first twelve characters of a slug.
func IndustryCode(text string) string {
	var b strings.Builder
	gap := false
	for _, r := range strings.ToLower(text) {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			if gap && b.Len() > 0 {
				b.WriteByte('-')
			}
			gap = false
			b.WriteRune(r)
			continue
		}
		gap = true
	}
	slug := []rune(b.String())
	return strings.TrimRight(string(slug[:min(12, len(slug))]), "-")
}

// imported makes an identifier of a register's name and a value.
func imported(name, value, country string) kam.Identifier {
	id := identifier.Of(name, value, country)
	id.Source = "import"
	return id
}

// values leaves the placeholders out of a cell: NULL, N/A and the like are no
// values. A list keeps its other entries.
func values(field string, spec kam.FieldSpec, text string) (kept, out string) {
	isOne := identifier.IsPlaceholder
	switch {
	case field == "trading_names" || field == "identifiers":
		var stay, gone []string
		for _, entry := range list(text) {
			value := entry
			if _, v, pair := strings.Cut(entry, ":"); pair && field == "identifiers" {
				value = v
			}
			if isOne(value) {
				gone = append(gone, entry)
			} else {
				stay = append(stay, entry)
			}
		}
		return strings.Join(stay, "|"), strings.Join(gone, "|")
	case codes[field] && len(text) == 2 && unicode.IsLetter(rune(text[0])):
		return text, "" // NA is Naples, and may be North America
	case spec.Kind == kam.KindText, spec.Kind == kam.KindLongText:
	case field == colTrading, field == colIndustry, field == colScheme, field == colIDValue, strings.HasPrefix(field, "contact_") && field != "contact_role":
	default:
		return text, "" // closed values may say UNKNOWN; any other value that does not fit is found by the form check
	}
	if isOne(text) {
		return "", text
	}
	return text, ""
}

// codes are the fields of free text that may hold a code of two letters.
var codes = map[string]bool{"region": true, "territory_code": true, "group_id": true, "requested_owner_id": true, "sales_account_no": true, "parent_customer_id": true, "industry_code": true}

// noValue says what is wrong with a placeholder.
func noValue(text string) kam.Sentence { return kam.Say("%q stands for no value", kam.Clip(text, 40)) }

// website makes a web address of what people write, or says that it is none.
func website(text string) (string, bool) {
	first := wordsOf(text)
	if len(first) == 0 {
		return "", false
	}
	s := first[0]
	if !strings.Contains(s, "://") {
		s = "https://" + s
	}
	u, err := url.Parse(s)
	if err != nil || !strings.Contains(u.Hostname(), ".") || u.Scheme != "http" && u.Scheme != "https" {
		return "", false
	}
	u.Host = strings.ToLower(u.Host)
	u.User, u.Fragment = nil, ""
	if u.Path == "/" {
		u.Path = ""
	}
	return u.String(), true
}

// postalCode repairs the one form that exports break without loss: a ZIP+4
// whose hyphen fell out.
func postalCode(country, text string) string {
	if country == "US" && len(text) == 9 && digits(text) {
		return text[:5] + "-" + text[5:]
	}
	return strings.ToUpper(text)
}

func digits(s string) bool {
	for _, r := range s {
		if r < '0' || r > '9' {
			return false
		}
	}
	return s != ""
}

// list splits a cell that holds several values.
func list(text string) []string {
	var out []string
	for _, p := range strings.Split(text, "|") {
		if p = clean(p); p != "" {
			out = append(out, p)
		}
	}
	return out
}

// jsonValue writes a cell as the JSON of its field; ok is false when the text
// is not of the field's kind.
func jsonValue(spec kam.FieldSpec, text, base string) (raw json.RawMessage, ok bool) {
	switch spec.Kind {
	case kam.KindInt:
		if _, err := kam.ParseDec(text); err != nil || strings.Contains(text, ".") {
			return nil, false
		}
		return json.RawMessage(plainNumber(text)), true
	case kam.KindDecimal:
		d, err := kam.ParseDec(text)
		if err != nil {
			return nil, false
		}
		return marshal(d)
	case kam.KindMoney:
		m, err := money(text, base)
		if err != nil {
			return nil, false
		}
		return marshal(m)
	case kam.KindBool:
		switch strings.ToLower(text) {
		case "true", "yes", "1", "ja":
			return json.RawMessage("true"), true
		case "false", "no", "0", "nein":
			return json.RawMessage("false"), true
		}
		return nil, false
	case kam.KindChoice:
		return marshal(strings.ToUpper(strings.ReplaceAll(text, " ", "_")))
	case kam.KindCurrency:
		return marshal(strings.ToUpper(text))
	case kam.KindURL:
		u, valid := website(text)
		if !valid {
			return nil, false
		}
		return marshal(u)
	case kam.KindPhone:
		return marshal(identifier.Phone(text, "")) // once more with the country, when it is known
	}
	if spec.Name == "trading_names" {
		return marshal(list(text))
	}
	return marshal(text)
}

// wordsOf splits a cell in which several web addresses may stand.
func wordsOf(text string) []string {
	return strings.FieldsFunc(text, func(r rune) bool { return r == ' ' || r == ',' || r == ';' })
}

func severalWords(text string) bool { return len(wordsOf(text)) > 1 }

// firstOnly is the finding that of several web addresses the first one is taken.
func firstOnly(text string) kam.Sentence {
	return kam.Say("of %q the first web address is kept; the others are left out", kam.Clip(text, 60))
}

// readable brings a cell into the form that its field takes, where that is the
// same for all imports: a country by its name.
func readable(spec kam.FieldSpec, text string) string {
	if spec.Kind == kam.KindCountry {
		if code, ok := kam.CountryNamed(text); ok {
			return code
		}
	}
	return text
}

// unreadable says why a cell is not of its field's kind, and how it is written.
func unreadable(spec kam.FieldSpec, text, base string) *kam.Error {
	if spec.Kind == kam.KindMoney {
		if _, err := money(text, base); err != nil {
			return kam.About(spec.Name, err)
		}
	}
	e := kam.Errorf(kam.Invalid, "%q cannot be read", kam.Clip(text, 40)).On(spec.Name).By("VF02")
	switch spec.Kind {
	case kam.KindInt:
		e.Try("write a whole number without separators, as 1200")
	case kam.KindDecimal:
		e.Try("write a number with at most two decimals, as 12.5")
	case kam.KindBool:
		e.Try("write yes or no")
	case kam.KindURL:
		e.Try("write it as https://example.com")
	default:
		e.Try("correct the value")
	}
	return e
}

// money reads "140000" in the base currency or "140000 USD" in its own.
func money(text, base string) (kam.Money, error) {
	amount, currency, found := strings.Cut(text, " ")
	if !found {
		currency = base
	}
	return kam.ParseMoney(amount, strings.ToUpper(currency))
}

// plainNumber drops leading zeros, which JSON does not take.
func plainNumber(s string) string {
	neg := strings.HasPrefix(s, "-")
	s = strings.TrimLeft(strings.TrimPrefix(s, "-"), "0")
	if s == "" {
		return "0"
	}
	if neg {
		return "-" + s
	}
	return s
}

func marshal(v any) (json.RawMessage, bool) {
	b, err := json.Marshal(v)
	return b, err == nil
}
