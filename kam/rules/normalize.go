package rules

import (
	_ "embed"
	"slices"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// A NormalizedName is a name in the two foldings in which names are compared:
// plain reads ü as u, expanded as ue. The better similarity counts (P3.4.4).
type NormalizedName struct {
	Plain    string `json:"plain"`
	Expanded string `json:"expanded"`
}

// Normalize brings a company name to the form in which names are compared:
// lower case without accents and signs, "&" and "+" as "and", abbreviations
// without dots, legal forms dropped at both ends but never the last word left.
func Normalize(name string) NormalizedName {
	return NormalizedName{Plain: normalize(name, plainLetters), Expanded: normalize(name, expandedLetters)}
}

// StripLegalForms drops legal forms at both ends of a name and keeps the
// spelling of the rest. The result is empty where nothing else is left.
func StripLegalForms(name string) string {
	chunks := strings.Fields(name)
	tokens := make([][]string, len(chunks))
	for i, c := range chunks {
		tokens[i] = words(fold(c, plainLetters))
	}
	from, to := withoutForms(tokens, 0)
	stripped := strings.Join(chunks[from:to], " ")
	if to < len(chunks) {
		stripped = strings.TrimRight(stripped, " ,;!&+-")
	}
	return stripped
}

func normalize(name string, letters *strings.Replacer) string {
	all := words(fold(name, letters))
	tokens := make([][]string, len(all))
	for i := range all {
		tokens[i] = all[i : i+1]
	}
	from, to := withoutForms(tokens, 1)
	return strings.Join(all[from:to], " ")
}

// Letters that NFKD leaves whole, and the umlauts where they are expanded.
var (
	wholeLetters    = []string{"ß", "ss", "ø", "o", "æ", "ae", "œ", "oe", "ł", "l", "đ", "d", "ð", "d", "þ", "th", "ı", "i", "ħ", "h"}
	plainLetters    = strings.NewReplacer(wholeLetters...)
	expandedLetters = strings.NewReplacer(append([]string{"ü", "ue", "ö", "oe", "ä", "ae"}, wholeLetters...)...)
)

// fold writes lower case without accents.
func fold(s string, letters *strings.Replacer) string {
	s = letters.Replace(strings.ToLower(norm.NFC.String(s)))
	if isASCII(s) {
		return s
	}
	s = norm.NFKD.String(s)
	// NFKD may bring capitals back (ℋ) and letters that were hidden in signs.
	return letters.Replace(strings.ToLower(strings.Map(func(r rune) rune {
		if unicode.Is(unicode.Mn, r) {
			return -1
		}
		return r
	}, s)))
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= 0x80 {
			return false
		}
	}
	return true
}

// words splits folded text at signs. A dot after a single letter vanishes, so
// that g.m.b.h. is one word.
func words(s string) []string {
	var all []string
	var b strings.Builder
	run := 0 // letters since the last sign
	flush := func() {
		if b.Len() > 0 {
			all = append(all, b.String())
			b.Reset()
		}
		run = 0
	}
	for _, r := range s {
		switch {
		case unicode.IsLetter(r), unicode.IsDigit(r), unicode.Is(unicode.Mc, r):
			b.WriteRune(r)
			run++
		case r == '.' && run == 1:
			run = 0
		case r == '&', r == '+':
			flush()
			all = append(all, "and")
		default:
			flush()
		}
	}
	flush()
	return all
}

//go:embed legalforms.txt
var legalFormText string

// A legalForm says where a form may be dropped: all at the end, most at the
// start too.
type legalForm struct{ atStart bool }

// maxFormWords is the number of words of the longest legal form.
var legalForms, maxFormWords = func() (map[string]legalForm, int) {
	forms, longest := map[string]legalForm{}, 0
	for line := range strings.Lines(legalFormText) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		list, endOnly := strings.CutPrefix(line, "end:")
		for form := range strings.SplitSeq(list, ",") {
			if form = strings.TrimSpace(form); form != "" {
				forms[form] = legalForm{atStart: !endOnly}
				longest = max(longest, strings.Count(form, " ")+1)
			}
		}
	}
	return forms, longest
}()

// withoutForms finds the part of a name that is left when legal forms are
// dropped, longest first, and an "and" that they leave dangling. At least keep
// tokens are left.
func withoutForms(tokens [][]string, keep int) (from, to int) {
	to = len(tokens)
	for dropped := true; dropped; {
		dropped = false
		for n := min(maxFormWords, to-keep); n > 0 && !dropped; n-- {
			if _, ok := legalForms[joined(tokens[to-n:to])]; ok {
				to -= n
				dropped = true
			}
		}
		for dropped && to > keep && isConnector(tokens[to-1]) {
			to--
		}
	}
	for dropped := true; dropped; {
		dropped = false
		for n := min(maxFormWords, to-from-keep); n > 0 && !dropped; n-- {
			if form, ok := legalForms[joined(tokens[from:from+n])]; ok && form.atStart {
				from += n
				dropped = true
			}
		}
	}
	return from, to
}

func joined(tokens [][]string) string { return strings.Join(slices.Concat(tokens...), " ") }

// isConnector says that a token is only "and" or a lone sign.
func isConnector(token []string) bool {
	return len(token) == 0 || len(token) == 1 && token[0] == "and"
}
