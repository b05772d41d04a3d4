package kam

import "strings"

// Nearest is the remedy for a name that is not known; a suggestion shares at
// least half of its letters.
func Nearest(name string, known []string) Sentence {
	best, at := min(4, len(name)/2+1), ""
	for _, k := range known {
		if d := distance(strings.ToLower(Clip(name, 60)), strings.ToLower(k)); d < best {
			best, at = d, k
		}
	}
	switch {
	case at != "":
		return Say("did you mean %s?", at)
	case len(known) <= 16:
		return Say("use one of %s", ListOf(known))
	}
	return Say("remove it")
}

// distance is Levenshtein's, on bytes.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diag := row[0]
		row[0] = i + 1
		for j := range len(b) {
			next := diag
			if a[i] != b[j] {
				next = 1 + min(diag, row[j], row[j+1])
			}
			diag, row[j+1] = row[j+1], next
		}
	}
	return row[len(b)]
}
