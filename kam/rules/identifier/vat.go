package identifier

import (
	"strings"
)

// vatChecks holds, by VAT prefix, what lies beyond the form: the rules that
// the European Commission publishes for the member states and Northern Ireland.
var vatChecks = map[string]func(string) Problem{
	"AT": vatAT, "BE": vatBE, "BG": vatBG, "CY": vatCY, "CZ": vatCZ, "DE": vatDE, "DK": vatDK, "EE": vatEE, "EL": vatEL,
	"ES": vatES, "FI": vatFI, "FR": vatFR, "HR": vatHR, "HU": vatHU, "IE": vatIE, "IT": vatIT, "LT": vatLT, "LU": vatLU,
	"LV": vatLV, "MT": vatMT, "NL": vatNL, "PL": vatPL, "PT": vatPT, "RO": vatRO, "SE": vatSE, "SI": vatSI, "SK": vatSK,
	"XI": checkGB,
}

// checkVATEU answers with the number as it is stored: prefix and all digits.
// A value whose prefix does not lead to a valid number is read once more as a
// number of the country without prefix: a French key may look like one.
func checkVATEU(v, country string) (string, Problem) {
	state := vatState(prefix(v, 2))
	full, problem := checkState(state, v[min(2, len(v)):])
	if problem != "" && country != "" {
		if alone, p := checkState(vatState(country), v); p == "" || vatChecks[state] == nil {
			return alone, p
		}
	}
	return full, problem
}

// vatState is the prefix of the VAT numbers of a country.
func vatState(country string) string {
	if country == "GR" {
		return "EL"
	}
	return registerState(country)
}

func checkState(state, rest string) (string, Problem) {
	check, known := vatChecks[state]
	if !known {
		return state + rest, BadFormat
	}
	if state == "BE" && len(rest) == 9 || state == "EL" && len(rest) == 8 {
		rest = "0" + rest
	}
	if problem := fitsMask(rest, masks["VAT_EU/"+state]); problem != "" {
		return state + rest, problem
	}
	if !strings.ContainsAny(rest, "123456789") {
		return state + rest, BadComponent
	}
	return state + rest, check(rest)
}

func vatAT(v string) Problem {
	sum := 4
	for i := 1; i < 8; i++ {
		d := digit(v[i])
		if i%2 == 0 {
			d = d*2 - d/5*9
		}
		sum += d
	}
	return fits((sum+digit(v[8]))%10 == 0)
}

func vatBE(v string) Problem {
	if v[0] > '1' {
		return BadComponent
	}
	return fits(97-number(v[:8])%97 == number(v[8:]))
}

// vatBG: nine digits for companies; ten for a citizen, a resident foreigner or
// anybody else.
func vatBG(v string) Problem {
	if len(v) == 9 {
		check := weighted(v, []int{1, 2, 3, 4, 5, 6, 7, 8}) % 11
		if check == 10 {
			check = weighted(v, []int{3, 4, 5, 6, 7, 8, 9, 10}) % 11 % 10
		}
		return fits(check == digit(v[8]))
	}
	last := digit(v[9])
	month := number(v[2:4]) % 20
	citizen := month >= 1 && month <= 12 && number(v[2:4]) < 60 && isDay(v[4:6]) && weighted(v, []int{2, 4, 8, 5, 10, 9, 7, 3, 6})%11%10 == last
	foreigner := weighted(v, []int{21, 19, 17, 13, 11, 9, 7, 3, 1})%10 == last
	other := mod11Check(v, []int{4, 3, 2, 7, 6, 5, 4, 3, 2}) == last
	return fits(citizen || foreigner || other)
}

func isDay(v string) bool { n := number(v); return n >= 1 && n <= 31 }

func vatCY(v string) Problem {
	if v[:2] == "12" {
		return BadComponent
	}
	odd := []int{1, 0, 5, 7, 9, 13, 15, 17, 19, 21}
	sum := 0
	for i := range 8 {
		if d := digit(v[i]); i%2 == 0 {
			sum += odd[d]
		} else {
			sum += d
		}
	}
	return fits(byte('A'+sum%26) == v[8])
}

// vatCZ: eight digits for companies, nine from 6 for special cases, else the
// birth number of a person.
func vatCZ(v string) Problem {
	weights := []int{8, 7, 6, 5, 4, 3, 2}
	switch {
	case len(v) == 8:
		if v[0] == '9' {
			return BadComponent
		}
		return fits((11-weighted(v, weights)%11)%10 == digit(v[7]))
	case len(v) == 9 && v[0] == '6':
		return fits(9-(11-weighted(v[1:], weights)%11)%10 == digit(v[8]))
	}
	month := number(v[2:4]) % 50
	if month > 20 {
		month -= 20
	}
	if month < 1 || month > 12 || !isDay(v[4:6]) || len(v) == 9 && number(v[:2]) > 53 {
		return BadComponent
	}
	return fits(len(v) == 9 || number(v[:9])%11%10 == digit(v[9]))
}

func vatDE(v string) Problem {
	if v[0] == '0' {
		return BadComponent
	}
	return fits(mod11to10(v))
}

func vatDK(v string) Problem {
	if v[0] == '0' {
		return BadComponent
	}
	return fits(weighted(v, []int{2, 7, 6, 5, 4, 3, 2, 1})%11 == 0)
}

func vatEE(v string) Problem {
	return fits(weighted(v, []int{3, 7, 1, 3, 7, 1, 3, 7, 1})%10 == 0)
}

func vatEL(v string) Problem {
	return fits(weighted(v, []int{256, 128, 64, 32, 16, 8, 4, 2})%11%10 == digit(v[8]))
}

// spanishAbroad stands in place of the province where the holder has no seat in
// Spain.
const spanishAbroad = "00"

const spanishLetters = "TRWAGMYFPDXBNJZSQVHLCKE"

// vatES: eight digits and a letter for citizens; X, Y, Z for foreigners and K,
// L, M for special cases, with the same letter; else the number of an entity,
// whose check is a digit or the letter for it: public bodies and foreigners have
// the letter, companies with a seat in Spain the digit, the others either.
func vatES(v string) Problem {
	switch first := v[0]; {
	case first <= '9':
		return fits(v[8] == spanishLetters[number(v[:8])%23])
	case first >= 'X':
		return fits(v[8] == spanishLetters[(int(first-'X')*1e7+number(v[1:8]))%23])
	case first >= 'K' && first <= 'M':
		return fits(v[8] == spanishLetters[number(v[1:8])%23])
	case !strings.ContainsRune("ABCDEFGHJNPQRSUVW", rune(first)):
		return BadComponent
	}
	check := 0
	for ; check < 10 && !luhn(v[1:8]+string(rune('0'+check))); check++ {
	}
	asDigit, asLetter := v[8] == byte('0'+check), v[8] == "JABCDEFGHI"[check]
	switch {
	case strings.ContainsRune("PQRSNW", rune(v[0])):
		return fits(asLetter)
	case strings.ContainsRune("ABEH", rune(v[0])) && v[1:3] != spanishAbroad:
		return fits(asDigit)
	default:
		return fits(asDigit || asLetter)
	}
}

func vatFI(v string) Problem {
	return fits(weighted(v, []int{7, 9, 10, 5, 8, 4, 2, 1})%11 == 0)
}

const frenchAlphabet = "0123456789ABCDEFGHJKLMNPQRSTUVWXYZ"

// vatFR: a key of two characters before the SIREN. Numbers of Monaco start
// with 000 and have no SIREN.
func vatFR(v string) Problem {
	siren := v[2:]
	if siren[:3] != "000" && !luhn(siren) {
		return BadCheckDigit
	}
	a, b := strings.IndexByte(frenchAlphabet, v[0]), strings.IndexByte(frenchAlphabet, v[1])
	switch {
	case a < 0 || b < 0:
		return BadFormat
	case a < 10 && b < 10:
		return fits((12+3*(number(siren)%97))%97 == a*10+b)
	}
	key := a*34 + b - 100
	if a < 10 {
		key = a*24 + b - 10
	}
	return fits((number(siren)+1+key/11)%11 == key%11)
}

func vatHR(v string) Problem { return fits(mod11to10(v)) }

func vatHU(v string) Problem {
	return fits(weighted(v, []int{9, 7, 3, 1, 9, 7, 3, 1})%10 == 0)
}

const irishLetters = "WABCDEFGHIJKLMNOPQRSTUV"

// vatIE: seven digits, a check letter and, since 2013, a second letter that
// counts nine times. The old form has a sign in the second place; its first
// digit moves to the end.
func vatIE(v string) Problem {
	digits, check, second := v[:7], v[7], 0
	if len(v) == 9 {
		if second = strings.IndexByte(irishLetters, v[8]); second < 0 {
			return BadFormat
		}
	}
	if v[1] < '0' || v[1] > '9' {
		digits = "0" + v[2:7] + v[:1]
	}
	sum := weighted(digits, []int{8, 7, 6, 5, 4, 3, 2}) + 9*second
	return fits(irishLetters[sum%23] == check)
}

// vatIT: seven digits, the three of the province's office, a Luhn digit.
func vatIT(v string) Problem {
	office := number(v[7:10])
	officeKnown := office >= 1 && office <= 100 || office == 120 || office == 121 || office == 888 || office == 999
	if v[:7] == "0000000" || !officeKnown {
		return BadComponent
	}
	return fits(luhn(v))
}

func vatLT(v string) Problem {
	if v[len(v)-2] != '1' {
		return BadComponent
	}
	sum := func(shift int) int {
		s := 0
		for i := range len(v) - 1 {
			s += digit(v[i]) * (1 + (i+shift)%9)
		}
		return s % 11
	}
	check := sum(0)
	if check == 10 {
		check = sum(2) % 10
	}
	return fits(check == digit(v[len(v)-1]))
}

func vatLU(v string) Problem { return fits(number(v[:6])%89 == number(v[6:])) }

// vatLV: companies from 4 on; below that the code of a person, which starts
// with the date of birth or, since 2017, with 32.
func vatLV(v string) Problem {
	if v[0] > '3' {
		return fits(weighted(v, []int{9, 1, 4, 8, 3, 10, 2, 5, 7, 6, 1})%11 == 3)
	}
	if month := number(v[2:4]); v[:2] != "32" && (!isDay(v[:2]) || month < 1 || month > 12) {
		return BadComponent
	}
	return fits((1+weighted(v, []int{10, 5, 8, 4, 2, 1, 6, 3, 7, 9}))%11%10 == digit(v[10]))
}

func vatMT(v string) Problem {
	if v[0] == '0' {
		return BadComponent
	}
	return fits(37-weighted(v, []int{3, 4, 6, 7, 8, 9})%37 == number(v[6:]))
}

// vatNL: the number of a legal person passes the test of eleven and counts its
// units from B01; that of a sole trader, issued since 2020, ends in the check
// digits of MOD 97-10 over the whole number.
func vatNL(v string) Problem {
	if v[10:] == "00" || v[:9] == "000000000" {
		return BadComponent
	}
	eleven := weighted(v, []int{9, 8, 7, 6, 5, 4, 3, 2})%11 == digit(v[8])
	return fits(eleven || check97("NL"+v[:10]+"00") == number(v[10:]))
}

func vatPL(v string) Problem {
	return fits(weighted(v, []int{6, 5, 7, 2, 3, 4, 5, 6, 7})%11 == digit(v[9]))
}

func vatPT(v string) Problem {
	if v[0] == '0' {
		return BadComponent
	}
	check := mod11Check(v, []int{9, 8, 7, 6, 5, 4, 3, 2})
	if check == 10 {
		check = 0
	}
	return fits(check == digit(v[8]))
}

// vatRO: two to ten digits for companies, thirteen for persons.
func vatRO(v string) Problem {
	if len(v) == 13 {
		if month := number(v[3:5]); v[0] == '0' || month < 1 || month > 12 || !isDay(v[5:7]) {
			return BadComponent
		}
		check := weighted(v, []int{2, 7, 9, 1, 4, 6, 3, 5, 8, 2, 7, 9}) % 11
		if check == 10 {
			check = 1
		}
		return fits(check == digit(v[12]))
	}
	if v[0] == '0' {
		return BadComponent
	}
	full := strings.Repeat("0", 10-len(v)) + v
	return fits(weighted(full, []int{7, 5, 3, 2, 1, 7, 5, 3, 2})*10%11%10 == digit(full[9]))
}

// vatSE: the number of the organisation with its Luhn digit, and 01 to 94.
func vatSE(v string) Problem {
	if n := number(v[10:]); n < 1 || n > 94 {
		return BadComponent
	}
	return fits(luhn(v[:10]))
}

func vatSI(v string) Problem {
	if v[0] == '0' {
		return BadComponent
	}
	check := 11 - weighted(v, []int{8, 7, 6, 5, 4, 3, 2})%11
	if check == 10 {
		check = 0
	}
	return fits(check == digit(v[7]))
}

func vatSK(v string) Problem {
	if v[0] == '0' || !strings.ContainsRune("234789", rune(v[2])) {
		return BadComponent
	}
	return fits(number(v)%11 == 0)
}
