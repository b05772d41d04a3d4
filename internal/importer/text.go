package importer

import (
	"bytes"
	"encoding/binary"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// The marks with which a file says its encoding.
var (
	bom     = []byte{0xEF, 0xBB, 0xBF}
	bom16LE = []byte{0xFF, 0xFE}
	bom16BE = []byte{0xFE, 0xFF}
)

// PlainText makes UTF-8 without a mark of the text that a program saved; its
// error is a *FileError. UTF-16 is known by its mark.
func PlainText(raw []byte) ([]byte, error) {
	text, _, p := plainText(raw)
	if p != nil {
		return nil, refuse(*p)
	}
	return text, nil
}

// plainText makes UTF-8 without a mark of what spreadsheets save: with the mark
// of UTF-8, or as UTF-16. Bytes that are neither are left for [checkBytes].
func plainText(raw []byte) (text []byte, marked bool, p *Problem) {
	if rest, ok := bytes.CutPrefix(raw, bom); ok {
		return rest, true, nil
	}
	var order binary.ByteOrder = binary.LittleEndian
	rest, wide := bytes.CutPrefix(raw, bom16LE)
	if !wide {
		order = binary.BigEndian
		rest, wide = bytes.CutPrefix(raw, bom16BE)
	}
	if !wide {
		return raw, false, nil
	}
	if len(rest)%2 != 0 {
		return nil, true, &Problem{Message: "is UTF-16 and ends within a character: it may be cut off", Remedy: "save it as UTF-8"}
	}
	text = make([]byte, 0, len(rest)/2+len(rest)/8)
	line := 1
	for i := 0; i < len(rest); i += 2 {
		r := rune(order.Uint16(rest[i:]))
		if utf16.IsSurrogate(r) {
			r = utf8.RuneError
			if i+4 <= len(rest) {
				r = utf16.DecodeRune(rune(order.Uint16(rest[i:])), rune(order.Uint16(rest[i+2:])))
			}
			if r == utf8.RuneError {
				return nil, true, &Problem{Line: line, Message: "is no sound UTF-16", Remedy: "save it as UTF-8"}
			}
			i += 2
		}
		if r == '\n' {
			line++
		}
		text = utf8.AppendRune(text, r)
	}
	return text, true, nil
}

// plainLines ends each line of a table with LF where they all end with CR
// alone, as older programs of the Macintosh save them. Within quotes nothing
// is changed.
func plainLines(raw []byte) []byte {
	end := lineEnd(raw)
	if end < 0 || raw[end] != '\r' || end+1 < len(raw) && raw[end+1] == '\n' {
		return raw
	}
	out := bytes.Clone(raw)
	quoted := false
	for i, b := range out {
		switch {
		case b == '"':
			quoted = !quoted
		case b == '\r' && !quoted && (i+1 == len(out) || out[i+1] != '\n'):
			out[i] = '\n'
		}
	}
	return out
}

// lineEnd is the place of the first CR or LF outside quotes, -1 where there is
// none.
func lineEnd(raw []byte) int {
	quoted := false
	for i, b := range raw {
		switch {
		case b == '"':
			quoted = !quoted
		case (b == '\r' || b == '\n') && !quoted:
			return i
		}
	}
	return -1
}

// cutSeparator takes off a first line such as "sep=;", which tells a
// spreadsheet the delimiter, and leaves an empty one so that the lines keep
// their numbers. Without such a line the delimiter is 0.
func cutSeparator(raw []byte) (rest []byte, comma rune) {
	first, after, ok := bytes.Cut(raw, []byte{'\n'})
	if !ok || len(first) > 16 {
		return raw, 0
	}
	line := strings.Trim(strings.TrimSuffix(string(first), "\r"), `"`)
	if len(line) < 4 || !strings.EqualFold(line[:4], "sep=") {
		return raw, 0
	}
	r, n := utf8.DecodeRuneInString(line[4:])
	if 4+n != len(line) || !strings.ContainsRune(",;\t|", r) {
		return raw, 0
	}
	return raw[len(raw)-len(after)-1:], r
}
