package identifier

import (
	_ "embed"
	"strings"

	"golang.org/x/text/unicode/norm"

	"github.com/kamflow/kamflow/kam/rules/written"
)

//go:embed phone_codes.txt
var phoneText string

// A numbering is how a country writes its phone numbers.
type numbering struct {
	code     string // calling code
	trunk    string // before a number within the country, empty for none
	zeros    bool   // numbers begin with a zero of their own
	min, max int    // digits of a number without both; 0 where that tells nothing
}

// numberings are those of the countries by code of the country and by calling
// code; countries that share a calling code share the trunk prefix.
var numberings, callingCodes = func() (map[string]numbering, map[string]numbering) {
	countries, codes := map[string]numbering{}, map[string]numbering{}
	for line := range strings.Lines(phoneText) {
		f := strings.Fields(line)
		if len(f) < 3 || f[0] == "#" || len(f[0]) != 2 {
			continue
		}
		n := numbering{code: f[1], trunk: strings.Trim(f[2], "-="), zeros: f[2] == "="}
		if len(f) > 3 {
			n.min, n.max = number(f[3]), number(f[len(f)-1])
		}
		countries[f[0]], codes[n.code] = n, n
	}
	return countries, codes
}()

// Phone brings a phone number to E.164 where what people write says it without
// doubt: signs between the digits, 00 for +, a trunk zero in brackets or left
// behind the calling code (+44 (0) 20 7946 0958), and a number in national form
// where the country is known (020 7946 0958 of GB). Where the zero is a part of
// the number, as in Italy, it stays. Anything else is given back without signs.
func Phone(text, country string) string {
	written := strings.TrimSpace(written.Plain(text))
	if len(written) > 4 && strings.EqualFold(written[:4], "tel:") {
		written = written[4:]
	}
	s := phoneSigns.Replace(written)
	before, _, bracketed := strings.Cut(strings.ReplaceAll(written, " ", ""), "(0)")
	if rest, ok := strings.CutPrefix(s, "00"); ok {
		s = "+" + rest
	} else if _, code := callingCodes[phoneSigns.Replace(before)]; bracketed && code {
		s = "+" + s // 44 (0) 20 7946 0958
	}
	if rest, ok := strings.CutPrefix(s, "+"); ok {
		return "+" + withoutTrunk(rest, bracketed)
	}
	n, known := numberings[country]
	if !known || s == "" || strings.Trim(s, "0123456789") != "" {
		return s
	}
	if rest, ok := strings.CutPrefix(s, "011"); ok && n.code == "1" {
		return "+" + withoutTrunk(rest, false)
	}
	national, trunk := strings.CutPrefix(s, n.trunk)
	whole := func(s string) bool { return n.min > 0 && len(s) >= n.min && len(s) <= n.max }
	switch {
	case whole(national), n.min == 0 && trunk && len(national) >= 5:
		return "+" + n.code + national
	case whole(s): // a number that begins like the trunk prefix
		return "+" + n.code + s
	default: // without its area, perhaps: nobody knows whose number it is
		return s
	}
}

// phoneSigns drops what people write between the digits.
var phoneSigns = strings.NewReplacer(" ", "", "-", "", "(", "", ")", "", "[", "", "]", "", "/", "", ".", "")

// withoutTrunk drops the trunk prefix that people leave behind a calling code.
// Numbers of a country with a trunk zero never begin with one of their own.
func withoutTrunk(digits string, bracketed bool) string {
	for n := 1; n <= 3 && n < len(digits); n++ {
		c, known := callingCodes[digits[:n]]
		switch rest := digits[n:]; {
		case !known:
			continue
		case c.zeros, !bracketed && (c.trunk == "" || c.trunk[0] != '0'):
			return digits
		case c.trunk != "" && strings.HasPrefix(rest, c.trunk) && c.trunk[0] == '0':
			return c.code + rest[len(c.trunk):]
		default:
			return c.code + strings.TrimPrefix(rest, "0")
		}
	}
	return digits
}

// PhoneKey is a phone number in the form in which numbers are compared and
// looked up: the digits without signs, a (0) behind the country code, and the
// international prefix; empty where too few are left.
func PhoneKey(s string) string {
	s = norm.NFKC.String(s)
	if strings.HasPrefix(strings.TrimSpace(s), "+") || strings.HasPrefix(strings.TrimSpace(s), "00") {
		s = strings.Replace(s, "(0)", "", 1)
	}
	digits := strings.Map(func(r rune) rune {
		if r < '0' || r > '9' {
			return -1
		}
		return r
	}, s)
	digits = strings.TrimLeft(digits, "0")
	if len(digits) < 6 {
		return ""
	}
	return digits
}
