// Package term prints for people: tables that fit the terminal, text that
// cannot play tricks on it, times in the reader's zone.
package term

import (
	"io"
	"os"
	"strconv"
	"strings"
	"time"
	"unicode"

	"charm.land/lipgloss/v2"
	xterm "golang.org/x/term"
)

// A Screen is where output goes and what it can show.
type Screen struct {
	Out   io.Writer
	Width int  // columns; 0 for no limit
	Color bool // styles are written only where true
	Zone  *time.Location
}

// noColor is the agreed way to ask any program for plain text.
const noColor = "NO_COLOR"

// For looks at what out is: plain and unlimited unless it is a terminal.
func For(out io.Writer) Screen {
	s := Screen{Out: out, Zone: time.Local}
	f, ok := out.(*os.File)
	if !ok || !xterm.IsTerminal(int(f.Fd())) {
		return s
	}
	s.Color = os.Getenv(noColor) == "" && os.Getenv("TERM") != "dumb"
	if w, _, err := xterm.GetSize(int(f.Fd())); err == nil {
		s.Width = w
	}
	return s
}

// Interactive says whether a person sits at in and can be asked.
func Interactive(in io.Reader) bool {
	f, ok := in.(*os.File)
	return ok && xterm.IsTerminal(int(f.Fd()))
}

// Clean makes text from outside safe to print: control characters, which move
// the cursor or end lines, and those that turn the direction of writing or
// have no width are shown as escapes.
func Clean(s string) string { return clean(s, false) }

// CleanLines is Clean for text of several lines.
func CleanLines(s string) string { return clean(strings.ReplaceAll(s, "\r\n", "\n"), true) }

func clean(s string, lines bool) string {
	if strings.IndexFunc(s, func(r rune) bool { return hostile(r) }) < 0 {
		return strings.ToValidUTF8(s, `\ufffd`)
	}
	var b strings.Builder
	for _, r := range strings.ToValidUTF8(s, `\ufffd`) {
		if hostile(r) && !(lines && r == '\n') {
			q := strconv.QuoteRuneToASCII(r)
			b.WriteString(q[1 : len(q)-1])
			continue
		}
		b.WriteRune(r)
	}
	return b.String()
}

func hostile(r rune) bool {
	return unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || r == '\u2028' || r == '\u2029'
}

// Time is an instant in the reader's zone, with the zone; empty for none.
func (s Screen) Time(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.In(s.zone()).Format("2006-01-02 15:04 MST")
}

// Clock is an instant to the second.
func (s Screen) Clock(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.In(s.zone()).Format("2006-01-02 15:04:05 MST")
}

func (s Screen) zone() *time.Location {
	if s.Zone == nil {
		return time.UTC
	}
	return s.Zone
}

// Span is a duration as people say it: two units at most.
func Span(d time.Duration) string {
	sign := ""
	if d < 0 {
		sign, d = "-", -d
	}
	days, hours, minutes := d/(24*time.Hour), d%(24*time.Hour)/time.Hour, d%time.Hour/time.Minute
	n := func(x time.Duration) string { return strconv.FormatInt(int64(x), 10) }
	switch {
	case days > 0 && hours > 0:
		return sign + n(days) + "d " + n(hours) + "h"
	case days > 0:
		return sign + n(days) + "d"
	case hours > 0 && minutes > 0:
		return sign + n(hours) + "h " + n(minutes) + "m"
	case hours > 0:
		return sign + n(hours) + "h"
	case minutes > 0 && d%time.Minute >= time.Second:
		return sign + n(minutes) + "m " + n(d%time.Minute/time.Second) + "s"
	case minutes > 0:
		return sign + n(minutes) + "m"
	case d >= time.Second:
		return sign + n(d/time.Second) + "s"
	default:
		return sign + n(d/time.Millisecond) + "ms"
	}
}

// Width is how many columns a text takes: Chinese has two for each letter.
func Width(text string) int { return lipgloss.Width(text) }

// Bold is for headings and for what the reader should type.
func (s Screen) Bold(text string) string { return s.styled(lipgloss.NewStyle().Bold(true), text) }

// Faint is for what may be skipped.
func (s Screen) Faint(text string) string { return s.styled(lipgloss.NewStyle().Faint(true), text) }

func (s Screen) styled(st lipgloss.Style, text string) string {
	if !s.Color || text == "" {
		return text
	}
	return st.Render(text)
}
