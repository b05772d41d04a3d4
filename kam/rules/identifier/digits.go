package identifier

// The arithmetic of check digits. Callers have checked the form, so every
// character is a digit or an upper case letter where one is expected.

// gs1Weights are those of GS1 modulo 10, from the left of 13 digits.
var gs1Weights = []int{1, 3, 1, 3, 1, 3, 1, 3, 1, 3, 1, 3, 1}

// fits turns the outcome of a check digit into a problem.
func fits(ok bool) Problem {
	if ok {
		return ""
	}
	return BadCheckDigit
}

func digit(c byte) int { return int(c - '0') }

// number reads digits as an integer; at most 18 of them.
func number(v string) int {
	n := 0
	for i := range len(v) {
		n = n*10 + digit(v[i])
	}
	return n
}

// weighted sums digits times weights, as far as the weights go.
func weighted(v string, weights []int) int {
	sum := 0
	for i, w := range weights {
		sum += w * digit(v[i])
	}
	return sum
}

// luhn is the modulo 10 check in which every second digit from the right is
// doubled and its digits added.
func luhn(v string) bool {
	sum := 0
	for i := range len(v) {
		d := digit(v[len(v)-1-i])
		if i%2 == 1 {
			d = d*2 - d/5*9
		}
		sum += d
	}
	return sum%10 == 0
}

// alnum is the value of a character where letters count from 10.
func alnum(c byte) int {
	if c >= 'A' {
		return int(c-'A') + 10
	}
	return digit(c)
}

// check97 are the two check digits of ISO 7064 MOD 97-10, 02 to 98, of a value
// whose own stand as 00.
func check97(v string) int { return 98 - mod97(v) }

// mod97 is the remainder of ISO 7064 MOD 97-10.
func mod97(v string) int {
	r := 0
	for i := range len(v) {
		n := alnum(v[i])
		if n > 9 {
			r = r*10 + n/10
		}
		r = (r*10 + n%10) % 97
	}
	return r
}

// mod11to10 is the check of ISO 7064 MOD 11,10.
func mod11to10(v string) bool {
	p := 10
	for i := range len(v) - 1 {
		s := (p + digit(v[i])) % 10
		if s == 0 {
			s = 10
		}
		p = s * 2 % 11
	}
	return (p+digit(v[len(v)-1]))%10 == 1
}

// mod11Check is the common check digit 11 - sum mod 11; 10 means that no
// number with these digits is issued.
func mod11Check(v string, weights []int) int {
	return (11 - weighted(v, weights)%11) % 11
}
