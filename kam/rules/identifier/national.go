package identifier

import (
	"strings"
)

// checkGLN is the check digit of GS1, and its prefixes that number no company:
// those for use within one, coupons, serials and books.
func checkGLN(v string) Problem {
	switch v[:2] {
	case "02", "04", "05", "98", "99":
		return BadComponent
	}
	if v[0] == '2' || v[:3] == "977" || v[:3] == "978" || v[:3] == "979" {
		return BadComponent
	}
	return fits(weighted(v, gs1Weights)%10 == 0)
}

var norwayWeights = []int{3, 2, 7, 6, 5, 4, 3, 2}

// checkGB computes the check digits of HM Revenue & Customs, 01 to 97: weights
// 8 to 2, and 55 added for numbers issued since 2010, which do not start below
// 100. A branch of three digits may follow. Forms GD and HA are of public
// bodies.
func checkGB(v string) Problem {
	switch v[:2] {
	case "GD":
		return part(number(v[2:]) < 500)
	case "HA":
		return part(number(v[2:]) >= 500)
	}
	sum, check := weighted(v, []int{8, 7, 6, 5, 4, 3, 2}), number(v[7:9])
	return fits(97-sum%97 == check || 97-(sum+55)%97 == check && number(v[:3]) >= 100)
}

// part turns the outcome of a part's check into a problem.
func part(ok bool) Problem {
	if ok {
		return ""
	}
	return BadComponent
}

func checkCH(v string) Problem {
	return fits(mod11Check(v[3:11], []int{5, 4, 3, 2, 7, 6, 5, 4}) == digit(v[11]))
}

// laPoste issues more establishments than the Luhn digit can number: theirs
// have a digit sum divisible by 5.
const laPoste = "356000000"

func checkSIRET(v string) Problem {
	if v[9:] == "00000" {
		return BadComponent // the number of the company without that of an establishment
	}
	if v[:9] == laPoste && !luhn(v) {
		sum := 0
		for i := range len(v) {
			sum += digit(v[i])
		}
		return fits(sum%5 == 0)
	}
	return fits(luhn(v[:9]) && luhn(v))
}

// checkABN computes the first two digits, 11 to 99, from the other nine.
func checkABN(v string) Problem {
	sum := weighted(v[2:], []int{3, 5, 7, 9, 11, 13, 15, 17, 19})
	return fits(99-sum%89 == number(v[:2]))
}

// einPrefixes are those that the Internal Revenue Service assigns.
const einPrefixes = `
01 02 03 04 05 06 10 11 12 13 14 15 16 20 21 22 23 24 25 26 27 30 31 32 33 34
35 36 37 38 39 40 41 42 43 44 45 46 47 48 50 51 52 53 54 55 56 57 58 59 60 61
62 63 64 65 66 67 68 71 72 73 74 75 76 77 80 81 82 83 84 85 86 87 88 90 91 92
93 94 95 98 99
`

func checkEIN(v string) Problem { return part(strings.Contains(einPrefixes, v[:2])) }

// separatedEIN refuses a number written like a person's social security
// number: an employer's has its one hyphen after two digits.
func separatedEIN(value string) Problem {
	value = strings.TrimSpace(value)
	if i := strings.IndexByte(value, '-'); i >= 0 && (i != 2 || strings.Count(value, "-") > 1) {
		return BadFormat
	}
	return ""
}

// checkGSTIN: state and a check character modulo 36. Between them stands the
// holder. A supplier in India goes by PAN (whose fourth letter is the kind of
// holder), number of the entity and Z; who deducts tax at source (D) or collects
// it (C) has that letter; a public body that deducts may go by TAN. Those who
// are not taxed as residents go by year, country or body, serial number and UN
// (United Nations, embassies), ON (other bodies that are notified), NR
// (non-residents) or OS (online services from abroad, in state 99).
func checkGSTIN(v string) Problem {
	state := number(v[:2])
	if stateKnown := state >= 1 && state <= 38 || state == 96 || state == 97 || state == 99; !stateKnown {
		return BadComponent
	}
	kind := v[12:14]
	byYear := v[2] <= '9'
	byTAN := !byYear && v[6] <= '9'
	var known bool
	switch {
	case byYear:
		known = kind == "UN" || kind == "ON" || kind == "NR" || kind == "OS" && state == 99
	case byTAN:
		known = kind[0] != '0' && (kind[1] == 'D' || kind[1] == 'Z') && v[6:11] != "00000"
	default:
		known = kind[0] != '0' && strings.ContainsRune("ZDC", rune(kind[1])) && strings.ContainsRune("ABCEFGHJKLPT", rune(v[5])) && v[7:11] != "0000"
	}
	if !known {
		return BadComponent
	}
	sum := 0
	for i := range 14 {
		p := alnum(v[i]) * (1 + i%2)
		sum += p/36 + p%36
	}
	return fits((36-sum%36)%36 == alnum(v[14]))
}

// checkCNPJ counts characters by their distance from '0', so that the numbers
// with letters, issued from 2026, follow the rule of those without.
func checkCNPJ(v string) Problem {
	if v[8:12] == "0000" {
		return BadComponent // establishments are counted from 1
	}
	weights := []int{6, 5, 4, 3, 2, 9, 8, 7, 6, 5, 4, 3, 2}
	for n := 12; n <= 13; n++ {
		check := (11 - weighted(v, weights[13-n:])%11) % 11
		if check == 10 {
			check = 0
		}
		if check != digit(v[n]) {
			return BadCheckDigit
		}
	}
	return ""
}

// usccAlphabet leaves out the letters that are mistaken for digits.
const usccAlphabet = "0123456789ABCDEFGHJKLMNPQRTUWXY"

func checkUSCC(v string) Problem {
	if !strings.ContainsRune("123456789ANY", rune(v[0])) {
		return BadFormat
	}
	sum, weight := 0, 1
	for i := range len(v) {
		n := strings.IndexByte(usccAlphabet, v[i])
		if n < 0 {
			return BadFormat
		}
		if i == len(v)-1 {
			weight = 1
		}
		sum += n * weight
		weight = weight * 3 % 31
	}
	return fits(sum%31 == 0)
}
