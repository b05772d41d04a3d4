package identifier

import (
	_ "embed"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/rules/written"
)

// Problem says what is wrong with an identifier, empty for nothing.
type Problem string

// The problems of an identifier, in the order in which they are looked for.
const (
	BadFormat     Problem = "FORMAT"     // a character that cannot stand there
	BadLength     Problem = "LENGTH"     // too short or too long
	BadComponent  Problem = "COMPONENT"  // a part with a meaning of its own is wrong
	BadCheckDigit Problem = "CHECKDIGIT" // the check digit does not fit
)

// Result is the outcome of [Check]. Compact is the form in
// which the value is stored, also where it is not valid.
type Result struct {
	Scheme  kam.IdentifierScheme `json:"scheme"`
	Value   string               `json:"value"`
	Compact string               `json:"compact"`
	Valid   bool                 `json:"valid"`
	Problem Problem              `json:"problem"`
}

//go:embed masks.txt
var maskText string

// masks holds the accepted forms by scheme, for VAT_EU by scheme/country.
var masks = func() map[string][]string {
	m := map[string][]string{}
	for line := range strings.Lines(maskText) {
		if f := strings.Fields(line); len(f) > 1 && f[0] != "#" {
			m[f[0]] = f[1:]
		}
	}
	return m
}()

// checks holds what lies beyond the form: parts and check digits.
// DUNS has none: its check digit was given up to widen the range.
var checks = map[kam.IdentifierScheme]func(string) Problem{
	kam.SchemeLEI:     func(v string) Problem { return fits(check97(v[:18]+"00") == number(v[18:])) },
	kam.SchemeGLN:     checkGLN,
	kam.SchemeVATGB:   checkGB,
	kam.SchemeCHUID:   checkCH,
	kam.SchemeSIREN:   func(v string) Problem { return fits(luhn(v)) },
	kam.SchemeSIRET:   checkSIRET,
	kam.SchemeABN:     checkABN,
	kam.SchemeEIN:     checkEIN,
	kam.SchemeGSTIN:   checkGSTIN,
	kam.SchemeCNPJ:    checkCNPJ,
	kam.SchemeNOOrgNr: func(v string) Problem { return fits(mod11Check(v[:8], norwayWeights) == digit(v[8])) },
	kam.SchemeUSCC:    checkUSCC,
}

// Check compacts an identifier and checks form, parts and check
// digits (VI01, VI02; P3.4.2). The country is the issuing one; it is used for
// VAT_EU where the value comes without its prefix. A number in the notation of
// spreadsheets has lost its last digits and is refused under every scheme; it
// stays as it was written, so that it is refused again when it is read again.
func Check(scheme kam.IdentifierScheme, value, country string) Result {
	r := Result{Scheme: scheme, Value: value}
	written := written.Plain(value)
	if IsScientific(written) {
		r.Compact, r.Problem = strings.TrimSpace(written), BadFormat
	} else {
		r.Compact, r.Problem = checkCompact(scheme, written, compact(written), country)
	}
	r.Valid = r.Problem == ""
	return r
}

// scientific finds 5,42053E+13 and 1.2E7: one digit before the separator, or
// the sign of the exponent. 12E34 may be a number of a register.
var scientific = regexp.MustCompile(`(?i)^\s*[+-]?(\d[.,]\d+E[+-]?|\d+E\+)\d{1,3}\s*$`)

// IsScientific says that a number is in the notation of spreadsheets.
func IsScientific(value string) bool { return scientific.MatchString(written.Plain(value)) }

func checkCompact(scheme kam.IdentifierScheme, written, v, country string) (string, Problem) {
	switch scheme {
	case kam.SchemeOther:
		return v, checkOther(v)
	case kam.SchemeIBAN:
		return v, checkIBAN(v)
	case kam.SchemeVATEU:
		return checkVATEU(v, country)
	case kam.SchemeVATGB:
		v = strings.TrimPrefix(v, "GB")
	case kam.SchemeNOOrgNr:
		v = strings.TrimSuffix(strings.TrimPrefix(v, "NO"), "MVA")
	case kam.SchemeCNPJ:
		v = strings.ReplaceAll(v, "/", "")
	case kam.SchemeEIN:
		if problem := separatedEIN(written); problem != "" {
			return v, problem
		}
	}
	check, known := checks[scheme]
	if !known && scheme != kam.SchemeDUNS {
		return v, BadFormat
	}
	if problem := fitsMask(v, masks[string(scheme)]); problem != "" {
		return v, problem
	}
	if !strings.ContainsAny(v, "123456789") {
		return v, BadComponent // no register issues a number of zeros
	}
	if !known {
		return v, ""
	}
	return v, check(v)
}

func checkOther(v string) Problem {
	for _, r := range v {
		if unicode.IsControl(r) || r == utf8.RuneError {
			return BadFormat
		}
	}
	if n := utf8.RuneCountInString(v); n < 1 || n > 40 {
		return BadLength
	}
	return ""
}

// compact drops blanks, dots and hyphens and writes upper case: the form in
// which identifiers are stored and compared.
func compact(written string) string {
	return strings.Map(func(r rune) rune {
		switch r {
		case ' ', '.', '-':
			return -1
		default:
			return unicode.ToUpper(r)
		}
	}, written)
}

// fitsMask finds the form of v among the masks. A value that follows a mask as
// far as both go has the wrong length, any other the wrong form.
func fitsMask(v string, accepted []string) Problem {
	problem := BadFormat
	for _, mask := range accepted {
		n := min(len(mask), len(v))
		if !followsMask(v[:n], mask[:n]) {
			continue
		}
		if len(mask) == len(v) {
			return ""
		}
		problem = BadLength
	}
	return problem
}

func followsMask(v, mask string) bool {
	for i := range len(v) {
		if !fitsClass(mask[i], v[i]) {
			return false
		}
	}
	return true
}

func fitsClass(class, c byte) bool {
	isDigit, isLetter := c >= '0' && c <= '9', c >= 'A' && c <= 'Z'
	switch class {
	case 'd':
		return isDigit
	case 'l':
		return isLetter
	case 'x':
		return isDigit || isLetter
	default:
		return class == c
	}
}
