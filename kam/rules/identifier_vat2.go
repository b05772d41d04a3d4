package rules

import "strings"

func vatHR(v string) IdentifierProblem { return fits(mod11to10(v)) }

func vatHU(v string) IdentifierProblem {
	return fits(weighted(v, []int{9, 7, 3, 1, 9, 7, 3, 1})%10 == 0)
}

const irishLetters = "WABCDEFGHIJKLMNOPQRSTUV"

// vatIE: seven digits, a check letter and, since 2013, a second letter that
// counts nine times. The old form has a sign in the second place; its first
// digit moves to the end.
func vatIE(v string) IdentifierProblem {
	digits, check, second := v[:7], v[7], 0
	if len(v) == 9 {
		if second = strings.IndexByte(irishLetters, v[8]); second < 0 {
			return ProblemFormat
		}
	}
	if v[1] < '0' || v[1] > '9' {
		digits = "0" + v[2:7] + v[:1]
	}
	sum := weighted(digits, []int{8, 7, 6, 5, 4, 3, 2}) + 9*second
	return fits(irishLetters[sum%23] == check)
}

// vatIT: seven digits, the three of the province's office, a Luhn digit.
func vatIT(v string) IdentifierProblem {
	office := number(v[7:10])
	officeKnown := office >= 1 && office <= 100 || office == 120 || office == 121 || office == 888 || office == 999
	if v[:7] == "0000000" || !officeKnown {
		return ProblemComponent
	}
	return fits(luhn(v))
}

func vatLT(v string) IdentifierProblem {
	if v[len(v)-2] != '1' {
		return ProblemComponent
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

func vatLU(v string) IdentifierProblem { return fits(number(v[:6])%89 == number(v[6:])) }

// vatLV: companies from 4 on; below that the code of a person, which starts
// with the date of birth or, since 2017, with 32.
func vatLV(v string) IdentifierProblem {
	if v[0] > '3' {
		return fits(weighted(v, []int{9, 1, 4, 8, 3, 10, 2, 5, 7, 6, 1})%11 == 3)
	}
	if month := number(v[2:4]); v[:2] != "32" && (!isDay(v[:2]) || month < 1 || month > 12) {
		return ProblemComponent
	}
	return fits((1+weighted(v, []int{10, 5, 8, 4, 2, 1, 6, 3, 7, 9}))%11%10 == digit(v[10]))
}

func vatMT(v string) IdentifierProblem {
	if v[0] == '0' {
		return ProblemComponent
	}
	return fits(37-weighted(v, []int{3, 4, 6, 7, 8, 9})%37 == number(v[6:]))
}

// vatNL: the number of a legal person passes the test of eleven and counts its
// units from B01; that of a sole trader, issued since 2020, ends in the check
// digits of MOD 97-10 over the whole number.
func vatNL(v string) IdentifierProblem {
	if v[10:] == "00" || v[:9] == "000000000" {
		return ProblemComponent
	}
	eleven := weighted(v, []int{9, 8, 7, 6, 5, 4, 3, 2})%11 == digit(v[8])
	return fits(eleven || check97("NL"+v[:10]+"00") == number(v[10:]))
}

func vatPL(v string) IdentifierProblem {
	return fits(weighted(v, []int{6, 5, 7, 2, 3, 4, 5, 6, 7})%11 == digit(v[9]))
}

func vatPT(v string) IdentifierProblem {
	if v[0] == '0' {
		return ProblemComponent
	}
	check := mod11Check(v, []int{9, 8, 7, 6, 5, 4, 3, 2})
	if check == 10 {
		check = 0
	}
	return fits(check == digit(v[8]))
}

// vatRO: two to ten digits for companies, thirteen for persons.
func vatRO(v string) IdentifierProblem {
	if len(v) == 13 {
		if month := number(v[3:5]); v[0] == '0' || month < 1 || month > 12 || !isDay(v[5:7]) {
			return ProblemComponent
		}
		check := weighted(v, []int{2, 7, 9, 1, 4, 6, 3, 5, 8, 2, 7, 9}) % 11
		if check == 10 {
			check = 1
		}
		return fits(check == digit(v[12]))
	}
	if v[0] == '0' {
		return ProblemComponent
	}
	full := strings.Repeat("0", 10-len(v)) + v
	return fits(weighted(full, []int{7, 5, 3, 2, 1, 7, 5, 3, 2})*10%11%10 == digit(full[9]))
}

// vatSE: the number of the organisation with its Luhn digit, and 01 to 94.
func vatSE(v string) IdentifierProblem {
	if n := number(v[10:]); n < 1 || n > 94 {
		return ProblemComponent
	}
	return fits(luhn(v[:10]))
}

func vatSI(v string) IdentifierProblem {
	if v[0] == '0' {
		return ProblemComponent
	}
	check := 11 - weighted(v, []int{8, 7, 6, 5, 4, 3, 2})%11
	if check == 10 {
		check = 0
	}
	return fits(check == digit(v[7]))
}

func vatSK(v string) IdentifierProblem {
	if v[0] == '0' || !strings.ContainsRune("234789", rune(v[2])) {
		return ProblemComponent
	}
	return fits(number(v)%11 == 0)
}
