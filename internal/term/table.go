package term

import (
	"strings"
	"unicode"

	"charm.land/lipgloss/v2"
)

const gap = "  "

// A Table is rows under headings. Cells are cleaned when they are added. On a
// narrow screen lipgloss/table cuts numbers and words to make every column
// narrower; here text folds first, and a case number stays one word.
type Table struct {
	heads []string
	rows  [][]string
	right []bool
}

// NewTable names the columns; a heading that ends in '>' puts its column to
// the right, as numbers want.
func NewTable(heads ...string) *Table {
	t := &Table{}
	for _, h := range heads {
		t.right = append(t.right, strings.HasSuffix(h, ">"))
		t.heads = append(t.heads, strings.TrimSuffix(h, ">"))
	}
	return t
}

// Row adds a row; missing cells stay empty.
func (t *Table) Row(cells ...string) {
	row := make([]string, len(t.heads))
	for i := range min(len(cells), len(row)) {
		row[i] = Clean(cells[i])
	}
	t.rows = append(t.rows, row)
}

// Len is the number of rows.
func (t *Table) Len() int { return len(t.rows) }

// Text is the table for a screen: as wide as it needs to be, or narrower with
// its widest columns folded where the terminal is.
func (t *Table) Text(s Screen) string {
	widths := t.widths(s.Width)
	var b strings.Builder
	t.row(&b, t.heads, widths, s.Bold)
	rule := make([]string, len(widths))
	for i, w := range widths {
		rule[i] = strings.Repeat("-", w)
	}
	t.line(&b, rule, widths, s.Faint)
	for _, row := range t.rows {
		t.row(&b, row, widths, nil)
	}
	return b.String()
}

// least is how narrow a column may become.
const least = 7

// widths are the columns' own, or on a narrow screen less: first down to
// their longest word, the first column last of all, so that a case number
// stays one word that can be copied.
func (t *Table) widths(limit int) []int {
	widths, words := make([]int, len(t.heads)), make([]int, len(t.heads))
	total := len(gap) * (len(widths) - 1)
	for i, h := range t.heads {
		widths[i], words[i] = lipgloss.Width(h), least
		for _, row := range t.rows {
			widths[i] = max(widths[i], lipgloss.Width(row[i]))
			for _, w := range split(row[i]) {
				words[i] = max(words[i], lipgloss.Width(w.text))
			}
		}
		total += widths[i]
	}
	total = narrow(widths, words, total, limit)
	for i := range words {
		if i > 0 {
			words[i] = least
		}
	}
	total = narrow(widths, words, total, limit)
	if len(words) > 0 {
		words[0] = least
	}
	narrow(widths, words, total, limit)
	return widths
}

// narrow takes from the widest column until the total fits or no column is
// wider than its least.
func narrow(widths, least []int, total, limit int) int {
	for limit > 0 && total > limit {
		widest := -1
		for i, w := range widths {
			if w > least[i] && (widest < 0 || w > widths[widest]) {
				widest = i
			}
		}
		if widest < 0 {
			break
		}
		widths[widest]--
		total--
	}
	return total
}

func (t *Table) row(b *strings.Builder, row []string, widths []int, style func(string) string) {
	folded := make([][]string, len(row))
	height := 1
	for i, cell := range row {
		folded[i] = Fold(cell, widths[i])
		height = max(height, len(folded[i]))
	}
	for l := range height {
		line := make([]string, len(row))
		for i := range row {
			if l < len(folded[i]) {
				line[i] = folded[i][l]
			}
		}
		t.line(b, line, widths, style)
	}
}

func (t *Table) line(b *strings.Builder, cells []string, widths []int, style func(string) string) {
	var parts []string
	for i, cell := range cells {
		pad := strings.Repeat(" ", max(0, widths[i]-lipgloss.Width(cell)))
		if style != nil {
			cell = style(cell)
		}
		if t.right[i] {
			parts = append(parts, pad+cell)
		} else {
			parts = append(parts, cell+pad)
		}
	}
	b.WriteString(strings.TrimRight(strings.Join(parts, gap), " "))
	b.WriteByte('\n')
}

// Fold breaks a line at spaces, after an underscore, or between Chinese letters, so that no part is
// wider than width; a word that is wider itself is cut.
func Fold(text string, width int) []string {
	if width <= 0 || lipgloss.Width(text) <= width {
		return []string{text}
	}
	var lines []string
	line := ""
	for _, w := range split(text) {
		joint := ""
		if w.spaced && line != "" {
			joint = " "
		}
		if lipgloss.Width(line)+len(joint)+lipgloss.Width(w.text) <= width {
			line += joint + w.text
			continue
		}
		if line != "" {
			lines = append(lines, line)
		}
		line = w.text
		for lipgloss.Width(line) > width {
			head := cut(line, width)
			lines, line = append(lines, head), line[len(head):]
		}
	}
	if line != "" {
		lines = append(lines, line)
	}
	return lines
}

// A word is what should stay on one line.
type word struct {
	text   string
	spaced bool // a space stands before it
}

func split(text string) (words []word) {
	for _, field := range strings.Fields(text) {
		start, before := 0, ' '
		for i, r := range field {
			afterChinese := lipgloss.Width(string(before)) > 1 && lipgloss.Width(string(r)) == 1
			if i > start && (before == '_' || afterChinese || unicode.Is(unicode.Han, r)) {
				words = append(words, word{field[start:i], start == 0})
				start = i
			}
			before = r
		}
		words = append(words, word{field[start:], start == 0})
	}
	return words
}

// cut is the longest start of a word that fits, one rune at least.
func cut(word string, width int) string {
	used := 0
	for i, r := range word {
		w := lipgloss.Width(string(r))
		if i > 0 && used+w > width {
			return word[:i]
		}
		used += w
	}
	return word
}
