package written

import (
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// Plain brings a number or code to the plain characters that it stands
// for: full width and other forms of one character (NFKC), the digits of every
// script, every kind of dash and every kind of blank. Signs that nobody sees
// vanish. Case is kept.
func Plain(s string) string {
	if isPlain(s) {
		return s
	}
	var last rune
	return strings.Map(func(r rune) rune {
		switch {
		case unicode.Is(unicode.Cf, r):
			return -1
		case unicode.IsSpace(r):
			r = ' '
		case isDash(r) || r == 'ー' && last < unicode.MaxASCII: // the Japanese sign of length stands for a dash between digits
			r = '-'
		case unicode.IsDigit(r):
			r = asciiDigit(r)
		}
		last = r
		return r
	}, norm.NFKC.String(s))
}

func isPlain(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] >= unicode.MaxASCII {
			return false
		}
	}
	return true
}

// isDash knows the dashes of punctuation and the signs that people and
// programs put for them: minus, hyphen bullet, box drawing.
func isDash(r rune) bool {
	return unicode.Is(unicode.Pd, r) || strings.ContainsRune("−˗⁃─━", r)
}

// asciiDigit is the digit of another script; each script has its ten in a row,
// so every range of the table starts with a zero.
func asciiDigit(r rune) rune {
	for _, t := range unicode.Nd.R16 {
		if rune(t.Lo) <= r && r <= rune(t.Hi) {
			return '0' + (r-rune(t.Lo))%10
		}
	}
	for _, t := range unicode.Nd.R32 {
		if rune(t.Lo) <= r && r <= rune(t.Hi) {
			return '0' + (r-rune(t.Lo))%10
		}
	}
	return r
}
