package rules

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// A NormalizedName is a name in the two foldings in which names are compared:
// plain reads ü as u, expanded as ue. The better similarity counts (P3.4.4).
type NormalizedName struct {
	Plain    string `json:"plain"`
	Expanded string `json:"expanded"`
}

// Normalize is [NormalizeIn] for a name whose country is not known.
func Normalize(name string) NormalizedName { return NormalizeIn(name, "") }

// NormalizeIn brings the name of a company of a country (ISO 3166-1 alpha-2,
// empty where it is not known) to the form in which names are compared: NFKC,
// lower case without signs, Latin, Greek and Cyrillic letters without accents,
// "&" and "+" as "and", abbreviations without dots. Legal forms are dropped at
// the end, and at the start where the country or the script writes them there
// (decision 33), but never the last word left.
func NormalizeIn(name, country string) NormalizedName {
	return normalized(withoutForms(nameWords(name), country, 1))
}

func normalized(words []word) NormalizedName {
	var plain, expanded []string
	for _, w := range words {
		plain, expanded = append(plain, w.plain), append(expanded, fold(w.text, expandedLetters))
	}
	return NormalizedName{Plain: strings.Join(plain, " "), Expanded: strings.Join(expanded, " ")}
}

// StripLegalForms drops legal forms at both ends of a name and keeps the
// spelling of the rest. The result is empty where nothing else is left.
func StripLegalForms(name string) string {
	all := nameWords(name)
	left := withoutForms(all, "", 0)
	if len(left) == 0 {
		if len(all) == 0 {
			return strings.Join(strings.Fields(name), " ")
		}
		return ""
	}
	chunks := strings.Fields(name)
	from, to := left[0].chunk, left[len(left)-1].chunk+1
	cutBehind := to < len(chunks)
	chunks[from] = strings.TrimPrefix(chunks[from], left[0].before)
	chunks[to-1] = strings.TrimSuffix(chunks[to-1], left[len(left)-1].behind)
	stripped := strings.Join(chunks[from:to], " ")
	if cutBehind {
		stripped = strings.TrimRight(stripped, " ,;!&+-")
	}
	return stripped
}

// Letters that NFKD leaves whole, and the umlauts where they are expanded.
var (
	wholeLetters    = []string{"ß", "ss", "ø", "o", "æ", "ae", "œ", "oe", "ł", "l", "đ", "d", "ð", "d", "þ", "th", "ı", "i", "ħ", "h", "ς", "σ"}
	plainLetters    = strings.NewReplacer(wholeLetters...)
	expandedLetters = strings.NewReplacer(append([]string{"ü", "ue", "ö", "oe", "ä", "ae"}, wholeLetters...)...)
)

// fold writes lower case, and Latin, Greek and Cyrillic letters without
// accents. In other scripts marks are letters: a voiced mark of kana, a vowel
// sign of Devanagari, a tone of Thai.
func fold(s string, letters *strings.Replacer) string {
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

// words are the words of a text, plainly folded.
func words(s string) []string {
	var all []string
	for _, w := range nameWords(s) {
		all = append(all, w.plain)
	}
	return all
}

// A word of a name.
type word struct {
	text  string // NFKC, as it is written but for its dots
	plain string // folded
	chunk int    // where it stood among what blanks part
	// asForm says that it is written as forms are: S.p.A., A/S, SpA, and one
	// letter in brackets such as (株).
	asForm bool
	// What was cut off it, where a form was written in one word with it.
	before, behind string
}

// tradeMarks are signs, though NFKC writes them in letters.
var tradeMarks = strings.NewReplacer("™", " ", "℠", " ")

// nameWords splits a name at blanks and signs. A dot or a stroke between single
// letters vanishes, so that G.m.b.H. and A/S are one word.
func nameWords(name string) []word {
	var all []word
	for chunk, text := range strings.Fields(name) {
		for _, w := range splitChunk(norm.NFKC.String(tradeMarks.Replace(text))) {
			w.chunk = chunk
			w.plain = fold(w.text, plainLetters)
			w.asForm = w.asForm || innerCapital(w.text)
			if w.plain != "" {
				all = append(all, w)
			}
		}
	}
	return all
}

// splitChunk splits what stands between two blanks.
func splitChunk(s string) []word {
	var all []word
	var b strings.Builder
	letters, joins, bracket := 0, false, false
	flush := func(closing bool) {
		if b.Len() > 0 {
			all = append(all, word{text: b.String(), asForm: joins || letters == 1 && bracket && closing})
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
			all = append(all, word{text: "and"})
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

// withoutForms is a name without its legal forms, longest first, and without
// an "and" that they leave dangling. At least keep words are left.
func withoutForms(all []word, country string, keep int) []word {
	left, ends := withoutEnd(all, country, keep)
	if len(ends) == 0 {
		left = unglued(left, keep)
	}
	for n := min(forms.longest, len(left)-keep); n > 0; n-- {
		if forms.startsName(left[:n], country, ends) {
			return left[n:]
		}
	}
	return left
}

// withoutEnd drops the forms behind a name and says which they were. A short
// one in front of another is part of the name: initials, as in Team SE GmbH.
func withoutEnd(left []word, country string, keep int) (rest []word, ends []string) {
	connected := false
	for dropped := true; dropped; {
		dropped = false
		for n := min(forms.longest, len(left)-keep); n > 0 && !dropped; n-- {
			form := left[len(left)-n:]
			if forms.endsName(form, country, len(ends) > 0 && !connected) {
				ends, left, dropped = append(ends, formKey(form)), left[:len(left)-n], true
			}
		}
		connected = false
		for dropped && len(left) > keep && left[len(left)-1].plain == "and" {
			left, connected = left[:len(left)-1], true
		}
	}
	return left, ends
}

// unglued drops the forms of scripts without blanks, which stand in one word
// with the name, or in one beside it, at either end.
func unglued(all []word, keep int) []word {
	left := slices.Clone(all)
	for dropped := true; dropped; {
		dropped = false
		for _, form := range forms.glued {
			if len(left) == 0 || dropped {
				break
			}
			first, last := &left[0], &left[len(left)-1]
			switch {
			case len(left) > keep && first.plain == form:
				left, dropped = left[1:], true
			case len(left) > keep && last.plain == form:
				left, dropped = left[:len(left)-1], true
			case startsWith(first.plain, form):
				first.before += form
				first.plain, first.text, dropped = first.plain[len(form):], strings.TrimPrefix(first.text, form), true
			case last.plain != form && strings.HasSuffix(last.plain, form):
				last.behind = form + last.behind
				last.plain, last.text, dropped = strings.TrimSuffix(last.plain, form), strings.TrimSuffix(last.text, form), true
			}
		}
	}
	return left
}

// startsWith says that a longer word starts with the form; a mark behind it
// would belong to the form's last letter.
func startsWith(s, form string) bool {
	rest, ok := strings.CutPrefix(s, form)
	r, _ := utf8.DecodeRuneInString(rest)
	return ok && rest != "" && !unicode.Is(unicode.M, r)
}
