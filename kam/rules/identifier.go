package rules

import (
	_ "embed"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/kamflow/kamflow/kam"
)

// IdentifierProblem says what is wrong with an identifier, empty for nothing.
type IdentifierProblem string

// The problems of an identifier, in the order in which they are looked for.
const (
	ProblemFormat     IdentifierProblem = "FORMAT"     // a character that cannot stand there
	ProblemLength     IdentifierProblem = "LENGTH"     // too short or too long
	ProblemComponent  IdentifierProblem = "COMPONENT"  // a part with a meaning of its own is wrong
	ProblemCheckDigit IdentifierProblem = "CHECKDIGIT" // the check digit does not fit
)

// IdentifierResult is the outcome of [CheckIdentifier]. Compact is the form in
// which the value is stored, also where it is not valid.
type IdentifierResult struct {
	Scheme  kam.IdentifierScheme `json:"scheme"`
	Value   string               `json:"value"`
	Compact string               `json:"compact"`
	Valid   bool                 `json:"valid"`
	Problem IdentifierProblem    `json:"problem"`
}

//go:embed identifier_masks.txt
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

// identifierChecks holds what lies beyond the form: parts and check digits.
// DUNS has none: its check digit was given up to widen the range.
var identifierChecks = map[kam.IdentifierScheme]func(string) IdentifierProblem{
	kam.SchemeLEI:     func(v string) IdentifierProblem { return fits(mod97(v) == 1) },
	kam.SchemeGLN:     func(v string) IdentifierProblem { return fits(weighted(v, gs1Weights)%10 == 0) },
	kam.SchemeVATGB:   checkGB,
	kam.SchemeCHUID:   checkCH,
	kam.SchemeSIREN:   func(v string) IdentifierProblem { return fits(luhn(v)) },
	kam.SchemeSIRET:   checkSIRET,
	kam.SchemeABN:     checkABN,
	kam.SchemeEIN:     checkEIN,
	kam.SchemeGSTIN:   checkGSTIN,
	kam.SchemeCNPJ:    checkCNPJ,
	kam.SchemeNOOrgNr: func(v string) IdentifierProblem { return fits(mod11Check(v[:8], norwayWeights) == digit(v[8])) },
	kam.SchemeUSCC:    checkUSCC,
}

// CheckIdentifier compacts an identifier and checks form, parts and check
// digits (VI01, VI02; P3.4.2). The country is the issuing one; it is used for
// VAT_EU where the value comes without its prefix.
func CheckIdentifier(scheme kam.IdentifierScheme, value, country string) IdentifierResult {
	r := IdentifierResult{Scheme: scheme, Value: value, Compact: compact(value)}
	r.Compact, r.Problem = checkCompact(scheme, value, r.Compact, country)
	r.Valid = r.Problem == ""
	return r
}

func checkCompact(scheme kam.IdentifierScheme, value, v, country string) (string, IdentifierProblem) {
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
		if problem := separatedEIN(value); problem != "" {
			return v, problem
		}
	}
	check, known := identifierChecks[scheme]
	if problem := fitsMask(v, masks[string(scheme)]); problem != "" || !known {
		if !known && scheme != kam.SchemeDUNS {
			problem = ProblemFormat
		}
		return v, problem
	}
	if strings.Trim(v, "0") == "" {
		return v, ProblemComponent
	}
	return v, check(v)
}

func checkOther(v string) IdentifierProblem {
	for _, r := range v {
		if unicode.IsControl(r) || r == utf8.RuneError {
			return ProblemFormat
		}
	}
	if n := utf8.RuneCountInString(v); n < 1 || n > 40 {
		return ProblemLength
	}
	return ""
}

// compact drops blanks, dots and hyphens and writes upper case: the form in
// which identifiers are stored and compared.
func compact(value string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '.' || unicode.IsSpace(r) || unicode.Is(unicode.Pd, r) || unicode.Is(unicode.Cf, r):
			return -1
		default:
			return unicode.ToUpper(r)
		}
	}, value)
}

// fitsMask finds the form of v among the masks. A value that follows a mask as
// far as both go has the wrong length, any other the wrong form.
func fitsMask(v string, accepted []string) IdentifierProblem {
	problem := ProblemFormat
	for _, mask := range accepted {
		n := min(len(mask), len(v))
		if !followsMask(v[:n], mask[:n]) {
			continue
		}
		if len(mask) == len(v) {
			return ""
		}
		problem = ProblemLength
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

// identityKey is the form in which two identifiers are the same number: a
// Swiss number is one with or without its VAT suffix.
func identityKey(scheme kam.IdentifierScheme, compacted string) string {
	if scheme == kam.SchemeCHUID && len(compacted) > 12 {
		compacted = compacted[:12]
	}
	return compacted
}
