// Package text is what programs say to people, in one catalogue: words for
// states, steps and messages under an id, so that another language is another
// map with the same ids.
package text

import "fmt"

// Lang is a language of the catalogue, a BCP 47 tag.
type Lang string

// English is the language that every id has.
const English Lang = "en"

var catalogue = map[Lang]map[string]string{English: english}

// Say is the text of an id with its arguments in place. An id that is unknown
// shows itself: a test sees to it that none is.
func Say(id string, args ...any) string { return SayIn(English, id, args...) }

// SayIn is Say in another language, English where that lacks the id.
func SayIn(lang Lang, id string, args ...any) string {
	format, ok := catalogue[lang][id]
	if !ok {
		format, ok = english[id]
	}
	if !ok {
		return id
	}
	if len(args) == 0 {
		return format
	}
	return fmt.Sprintf(format, args...)
}

// Known says whether English has the id.
func Known(id string) bool { _, ok := english[id]; return ok }
