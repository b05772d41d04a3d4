package identifier

import (
	_ "embed"
	"strings"
)

//go:embed iban.txt
var ibanText string

// ibanMasks holds the form of the whole number by country.
var ibanMasks = func() map[string]string {
	m := map[string]string{}
	for line := range strings.Lines(ibanText) {
		if f := strings.Fields(line); len(f) == 2 {
			m[f[0]] = f[0] + "dd" + bbanMask(f[1])
		}
	}
	return m
}()

// bbanMask spells out a structure: "4a10n" becomes lllldddddddddd.
func bbanMask(structure string) string {
	var b strings.Builder
	count := 0
	for _, c := range structure {
		class := ""
		switch c {
		case 'n':
			class = "d"
		case 'a':
			class = "l"
		case 'c':
			class = "x"
		default:
			count = count*10 + int(c-'0')
			continue
		}
		b.WriteString(strings.Repeat(class, count))
		count = 0
	}
	return b.String()
}

// checkIBAN: structure of the country, then the check digits of MOD 97-10 with
// the first four characters moved to the end.
func checkIBAN(v string) Problem {
	mask, ok := ibanMasks[prefix(v, 2)]
	if !ok {
		return BadFormat
	}
	if problem := fitsMask(v, []string{mask}); problem != "" {
		return problem
	}
	return fits(check97(v[4:]+v[:2]+"00") == number(v[2:4]))
}
