package rules

import (
	"strings"

	"github.com/kamflow/kamflow/kam"
)

var norwayWeights = []int{3, 2, 7, 6, 5, 4, 3, 2}

// checkGB is the modulo 97 check of HM Revenue & Customs: weights 8 to 2 and
// the last two digits, with 55 added for numbers issued since 2010, which do
// not start below 100. Forms GD and HA are of public bodies.
func checkGB(v string) IdentifierProblem {
	switch v[:2] {
	case "GD":
		return part(number(v[2:]) < 500)
	case "HA":
		return part(number(v[2:]) >= 500)
	}
	r := (weighted(v, []int{8, 7, 6, 5, 4, 3, 2}) + number(v[7:9])) % 97
	return fits(r == 0 || r == 42 && number(v[:3]) >= 100)
}

// part turns the outcome of a part's check into a problem.
func part(ok bool) IdentifierProblem {
	if ok {
		return ""
	}
	return ProblemComponent
}

func checkCH(v string) IdentifierProblem {
	return fits(mod11Check(v[3:11], []int{5, 4, 3, 2, 7, 6, 5, 4}) == digit(v[11]))
}

// laPoste issues more establishments than the Luhn digit can number: theirs
// have a digit sum divisible by 5.
const laPoste = "356000000"

func checkSIRET(v string) IdentifierProblem {
	if v[:9] == laPoste && !luhn(v) {
		sum := 0
		for i := range len(v) {
			sum += digit(v[i])
		}
		return fits(sum%5 == 0)
	}
	return fits(luhn(v[:9]) && luhn(v))
}

func checkABN(v string) IdentifierProblem {
	sum := weighted(v, []int{10, 1, 3, 5, 7, 9, 11, 13, 15, 17, 19})
	return fits((sum-10)%89 == 0)
}

// einPrefixes are those that the Internal Revenue Service assigns.
const einPrefixes = `
01 02 03 04 05 06 10 11 12 13 14 15 16 20 21 22 23 24 25 26 27 30 31 32 33 34
35 36 37 38 39 40 41 42 43 44 45 46 47 48 50 51 52 53 54 55 56 57 58 59 60 61
62 63 64 65 66 67 68 71 72 73 74 75 76 77 80 81 82 83 84 85 86 87 88 90 91 92
93 94 95 98 99
`

func checkEIN(v string) IdentifierProblem { return part(strings.Contains(einPrefixes, v[:2])) }

// separatedEIN refuses a number written like a person's social security
// number: an employer's has its one hyphen after two digits.
func separatedEIN(value string) IdentifierProblem {
	value = strings.TrimSpace(value)
	if i := strings.IndexByte(value, '-'); i >= 0 && (i != 2 || strings.Count(value, "-") > 1) {
		return ProblemFormat
	}
	return ""
}

// checkGSTIN: state, PAN (whose fourth letter is the kind of holder), entity
// number, Z and a check character modulo 36.
func checkGSTIN(v string) IdentifierProblem {
	state := number(v[:2])
	stateKnown := state >= 1 && state <= 38 || state == 96 || state == 97 || state == 99
	if !stateKnown || !strings.ContainsRune("ABCFGHJLPT", rune(v[5])) || v[12] == '0' || v[13] != 'Z' {
		return ProblemComponent
	}
	sum := 0
	for i := range 14 {
		p := alnum(v[i]) * (1 + i%2)
		sum += p/36 + p%36
	}
	return fits((sum+alnum(v[14]))%36 == 0)
}

// checkCNPJ counts characters by their distance from '0', so that the numbers
// with letters, issued from 2026, follow the rule of those without.
func checkCNPJ(v string) IdentifierProblem {
	weights := []int{6, 5, 4, 3, 2, 9, 8, 7, 6, 5, 4, 3, 2}
	for n := 12; n <= 13; n++ {
		check := (11 - weighted(v, weights[13-n:])%11) % 11
		if check == 10 {
			check = 0
		}
		if check != digit(v[n]) {
			return ProblemCheckDigit
		}
	}
	return ""
}

// usccAlphabet leaves out the letters that are mistaken for digits.
const usccAlphabet = "0123456789ABCDEFGHJKLMNPQRTUWXY"

func checkUSCC(v string) IdentifierProblem {
	if !strings.ContainsRune("123456789ANY", rune(v[0])) {
		return ProblemFormat
	}
	sum, weight := 0, 1
	for i := range len(v) {
		n := strings.IndexByte(usccAlphabet, v[i])
		if n < 0 {
			return ProblemFormat
		}
		if i == len(v)-1 {
			weight = 1
		}
		sum += n * weight
		weight = weight * 3 % 31
	}
	return fits(sum%31 == 0)
}

// issuedIn is the country that a scheme issues in, empty where it does not say.
func issuedIn(scheme kam.IdentifierScheme, compacted string) string {
	switch scheme {
	case kam.SchemeVATEU:
		switch p := prefix(compacted, 2); p {
		case "EL":
			return "GR"
		case "XI":
			return "GB"
		default:
			return p
		}
	case kam.SchemeIBAN:
		return prefix(compacted, 2)
	case kam.SchemeVATGB:
		return "GB"
	case kam.SchemeCHUID:
		return "CH"
	case kam.SchemeSIREN, kam.SchemeSIRET:
		return "FR"
	case kam.SchemeABN:
		return "AU"
	case kam.SchemeEIN:
		return "US"
	case kam.SchemeGSTIN:
		return "IN"
	case kam.SchemeCNPJ:
		return "BR"
	case kam.SchemeNOOrgNr:
		return "NO"
	case kam.SchemeUSCC:
		return "CN"
	default:
		return ""
	}
}

func prefix(s string, n int) string { return s[:min(n, len(s))] }
