package written

import (
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// Letters that NFKD leaves whole, and the umlauts where they are expanded.
var (
	wholeLetters    = []string{"ß", "ss", "ø", "o", "æ", "ae", "œ", "oe", "ł", "l", "đ", "d", "ð", "d", "þ", "th", "ı", "i", "ħ", "h", "ς", "σ"}
	plainLetters    = strings.NewReplacer(wholeLetters...)
	expandedLetters = strings.NewReplacer(append([]string{"ü", "ue", "ö", "oe", "ä", "ae"}, wholeLetters...)...)
)

// Fold writes a text in lower case, as people compare it, without the accents
// of Latin, Greek and Cyrillic letters: ü is u.
func Fold(s string) string { return folded(s, plainLetters) }

// FoldExpanded is [Fold] where umlauts are written out: ü is ue.
func FoldExpanded(s string) string { return folded(s, expandedLetters) }

// folded writes lower case, and Latin, Greek and Cyrillic letters without
// accents. In other scripts marks are letters: a voiced mark of kana, a vowel
// sign of Devanagari, a tone of Thai.
func folded(s string, letters *strings.Replacer) string {
	if isASCII(s) {
		return strings.ToLower(s)
	}
	s = letters.Replace(strings.ToLower(norm.NFKC.String(s)))
	folds := false // the letter before takes no marks
	s = strings.Map(func(r rune) rune {
		if unicode.Is(unicode.M, r) {
			if folds {
				return -1
			}
			return r
		}
		folds = unicode.In(r, unicode.Latin, unicode.Greek, unicode.Cyrillic)
		return r
	}, norm.NFKD.String(s))
	return letters.Replace(strings.ToLower(norm.NFC.String(s)))
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= 0x80 {
			return false
		}
	}
	return true
}

// Words are the words of a text, folded.
func Words(s string) []string {
	var all []string
	for _, w := range Split(s) {
		all = append(all, w.Plain)
	}
	return all
}

// A Word is a word of a name.
type Word struct {
	Text  string // NFKC, as it is written but for its dots
	Plain string // folded
	Chunk int    // where it stood among what blanks part
	// AsForm says that it is written as legal forms are: S.p.A., A/S, SpA, and
	// one letter in brackets such as (株).
	AsForm bool
}

// tradeMarks are signs, though NFKC writes them in letters.
var tradeMarks = strings.NewReplacer("™", " ", "℠", " ")

// Split splits a name at blanks and signs. A dot or a stroke between single
// letters vanishes, so that G.m.b.H. and A/S are one word.
func Split(name string) []Word {
	var all []Word
	for chunk, text := range strings.Fields(name) {
		for _, w := range splitChunk(norm.NFKC.String(tradeMarks.Replace(text))) {
			w.Chunk = chunk
			w.Plain = Fold(w.Text)
			w.AsForm = w.AsForm || innerCapital(w.Text)
			if w.Plain != "" {
				all = append(all, w)
			}
		}
	}
	return all
}

// splitChunk splits what stands between two blanks.
func splitChunk(s string) []Word {
	var all []Word
	var b strings.Builder
	letters, joins, bracket := 0, false, false
	flush := func(closing bool) {
		if b.Len() > 0 {
			all = append(all, Word{Text: b.String(), AsForm: joins || letters == 1 && bracket && closing})
			b.Reset()
		}
		letters, joins, bracket = 0, false, false
	}
	runes := []rune(s)
	for i := 0; i < len(runes); i++ {
		r := runes[i]
		switch {
		case unicode.IsLetter(r), unicode.IsDigit(r):
			b.WriteRune(r)
			letters++
		case unicode.Is(unicode.M, r):
			if letters > 0 {
				b.WriteRune(r)
			}
		case unicode.Is(unicode.Cf, r): // joins or directs, and is not seen
		case r == '.' || r == '/':
			// The word goes on where single letters stand on both sides.
			switch {
			case single(runes, i-1, -1) && single(runes, i+1, 1):
				joins = true
			default:
				flush(false)
			}
		case r == '&' || r == '+':
			flush(false)
			all = append(all, Word{Text: "and"})
		default:
			flush(r == ')')
			bracket = r == '('
		}
	}
	flush(false)
	return all
}

// single says that exactly one letter stands at i, going by step, with its
// marks.
func single(runes []rune, i, step int) bool {
	n := 0
	for ; i >= 0 && i < len(runes); i += step {
		switch r := runes[i]; {
		case unicode.IsLetter(r):
			n++
		case unicode.IsDigit(r):
			return false
		case !unicode.In(r, unicode.M, unicode.Cf):
			return n == 1
		}
	}
	return n == 1
}

func innerCapital(s string) bool {
	lower := false
	for _, r := range s {
		if unicode.IsUpper(r) && lower {
			return true
		}
		lower = lower || unicode.IsLower(r)
	}
	return false
}
