package upgradecheck

import (
	"regexp"
	"strings"
)

// mismatch is how the SDK words a difference: kinds of events and commands,
// each with all that it holds.
var mismatch = regexp.MustCompile(`(history event is|replay command is|missing replay command for|extra replay command for) (\w+)`)

// dataFrom is where the SDK begins to print payloads, which may hold data of a
// customer, and stacks.
var dataFrom = []string{", markerData", ", state=", " StackTrace", ", Details:", "\n", ": ("}

// longest is how much of a reason is shown.
const longest = 240

// reason is one line on why a history does not replay, without payloads.
func reason(err error) string {
	text := err.Error()
	if parts := mismatch.FindAllString(text, -1); len(parts) > 0 {
		return strings.Join(parts, ", ")
	}
	for _, from := range dataFrom {
		text, _, _ = strings.Cut(text, from)
	}
	text = strings.TrimSpace(strings.TrimPrefix(text, "[TMPRL1100] "))
	if r := []rune(text); len(r) > longest {
		return string(r[:longest]) + "..."
	}
	return text
}
