package erase

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/jackc/pgx/v5"

	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/customer"
	"github.com/kamflow/kamflow/store/internal/pg"
)

// A person is whom an order is about, as contacts have written him.
type person struct {
	given    Order
	contacts []customer.Contact
	others   []contactAt // who share a name or an address with him in the family, and stay
	ids      []string    // of colleagues: an address among them stands for a colleague in what is stored
	found    []*regexp.Regexp
}

func (p *person) add(c customer.Contact) {
	p.found = nil
	if !slices.Contains(p.contacts, c) {
		p.contacts = append(p.contacts, c)
	}
}

func (p *person) mails() []string {
	out := []string{}
	for _, c := range append([]customer.Contact{{Email: p.given.Email}}, p.contacts...) {
		if m := sameMail(c); m != "" && !slices.Contains(out, m) {
			out = append(out, m)
		}
	}
	return out
}

const betweenWords = `[^\p{L}\p{N}\p{M}]{1,6}`

// patterns find name, address and phone in a text, in whatever case and with
// whatever stands between the words and digits. A name of one word finds too
// much, unless its script writes no spaces.
func (p *person) patterns() []*regexp.Regexp {
	if p.found != nil {
		return p.found
	}
	p.found = []*regexp.Regexp{}
	add := func(parts []string, between string) {
		for i, part := range parts {
			parts[i] = regexp.QuoteMeta(part)
		}
		r := regexp.MustCompile(`(?i)` + strings.Join(parts, between))
		if len(parts) > 0 && !slices.ContainsFunc(p.found, func(x *regexp.Regexp) bool { return x.String() == r.String() }) {
			p.found = append(p.found, r)
		}
	}
	for _, c := range append([]customer.Contact{{Name: p.given.Name, Email: p.given.Email}}, p.contacts...) {
		if words := strings.FieldsFunc(c.Name, func(r rune) bool { return !inWord(r) }); len(words) > 1 || unspaced(c.Name) {
			add(words, betweenWords)
		}
		if m := sameMail(c); m != "" && !slices.Contains(p.ids, m) {
			add([]string{m}, "")
		}
		if digits := strings.Map(func(r rune) rune {
			if r < '0' || r > '9' {
				return -1
			}
			return r
		}, c.Phone); len(digits) > 5 {
			add(append([]string{"+" + digits[:1]}, strings.Split(digits[1:], "")...), `[ ./()\-]{0,3}`)
		}
	}
	return p.found
}

func inWord(r rune) bool { return unicode.In(r, unicode.L, unicode.N, unicode.M) }

// unspaced says whether a name is written in a script without spaces between
// words, so that two letters are a full name.
func unspaced(name string) bool {
	return utf8.RuneCountInString(name) > 1 && strings.IndexFunc(name, func(r rune) bool {
		return unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Hangul, unicode.Thai)
	}) >= 0
}

// replace puts the token where the text names the person.
func (p *person) replace(text, token string) string {
	for _, r := range p.patterns() {
		var out strings.Builder
		last := 0
		for _, at := range r.FindAllStringIndex(text, -1) {
			if at[0] < last || !bounded(text, at[0], at[1]) {
				continue
			}
			out.WriteString(text[last:at[0]])
			out.WriteString(token)
			last = at[1]
		}
		if last > 0 {
			text = out.String() + text[last:]
		}
	}
	return text
}

func (p *person) in(text string) bool { return p.replace(text, "\x00") != text }

// bounded says whether what stands at a place of a text is all of a name, number
// or address, and not a part of a longer one.
func bounded(text string, from, to int) bool {
	if unspaced(text[from:to]) {
		return true
	}
	before, _ := utf8.DecodeLastRuneInString(text[:from])
	after, n := utf8.DecodeRuneInString(text[to:])
	next, _ := utf8.DecodeRuneInString(text[to+n:])
	if inWord(before) || before == '-' || inWord(after) || after == '-' && inWord(next) {
		return false
	}
	return !strings.Contains(text[from:to], "@") || !strings.ContainsRune("._+", before) && (after != '.' || !inWord(next))
}

// named are the fields that say who the customer, or somebody else, is. What they
// hold is not the contact's alone, and the customer is found by it.
var named = map[string]bool{
	"legal_name": true, "trading_names": true, "name": true, "group_name": true, "customer_name": true,
	"street": true, "line1": true, "city": true, "region": true, "phone": true, "website": true, "identifiers": true, "names": true, "keys": true,
}

// redact puts the token into the strings of a JSON value. kept are the fields
// that name the person and stay.
func (p *person) redact(v any, token string, kept *[]string) (any, int) {
	n := 0
	switch x := v.(type) {
	case string:
		if is := p.replace(x, token); is != x {
			return is, 1
		}
	case []any:
		for i := range x {
			var m int
			x[i], m = p.redact(x[i], token, kept)
			n += m
		}
	case map[string]any:
		for k, was := range x {
			if !named[k] {
				var m int
				x[k], m = p.redact(was, token, kept)
				n += m
			} else if b, err := json.Marshal(was); err == nil && p.in(string(b)) && !slices.Contains(*kept, k) {
				*kept = append(*kept, k)
			}
		}
	}
	return v, n
}

// A textColumn may repeat what stands in a contact, or hold what people wrote
// of him. by is the column with the subject, without prefix.
type textColumn struct{ table, column, by, prefix, what string }

// textColumns are all columns that hold free text or JSON and belong to one
// subject, but for the audit trail.
//
//text:keys
var textColumns = []textColumn{
	{"cases", "opening", "case_no", "", "the request"},
	{"cases", "snapshot", "case_no", "", "the case"},
	{"effect", "progress", "case_no", "", "stored answers"},
	{"staged", "data", "case_no", "", "data sent with an act"},
	{"revision", "data", "case_no", "", "revisions"},
	{"decision_record", "record", "case_no", "", "decision records"},
	{"case_fact", "value", "case_no", "", "facts"},
	{"finding", "finding", "case_no", "", "findings"},
	{"waiver", "reason", "case_no", "", "waived findings"},
	{"waiver", "finding", "case_no", "", "waived findings"},
	{"task", "task", "case_no", "*", "tasks"},
	{"outbox", "subject", "case_no", "*", "messages"},
	{"outbox", "data", "case_no", "*", "messages"},
	{"outbox", "last_error", "case_no", "*", "messages"},
	{"subject_effect", "result", "subject", "*", "stored answers"},
	{"customer", "data", "customer_no", customerPrefix, "the customer"},
	{"customer", "segment", "customer_no", customerPrefix, "the segment"},
	{"customer_version", "data", "customer_no", customerPrefix, "versions of the customer"},
	{"customer_address", "address", "customer_no", customerPrefix, "addresses"},
	{"party", "data", "ref", customerPrefix, "search keys"},
	{"party", "data", "ref", "", "search keys"},
	{"key_account", "note", "case_no", "", "key accounts"},
	{"merge", "reason", "customer_no", customerPrefix, "merges"},
	{"merge", "record", "customer_no", customerPrefix, "merges"},
	{"merge", "reason", "other_no", customerPrefix, "merges"},
	{"merge", "record", "other_no", customerPrefix, "merges"},
	{"batch_row", "data", "batch_no", importPrefix, "rows of an import that waits"},
	{"batch_finding", "finding", "batch_no", importPrefix, "findings of an import"},
}

// texts puts the token into what repeats the person beside the contacts.
func (e *eraser) texts() error {
	type row struct{ ID, No, Text, Type string }
	for _, c := range textColumns {
		ids := e.family.of(c.prefix)
		if c.prefix == "*" {
			ids = ids[:0]
			for _, s := range e.family.all() {
				ids = append(ids, string(s))
			}
		}
		found, err := pg.List(e.ctx, e.tx, "look through "+c.what, pgx.RowToStructByName[row], fmt.Sprintf(
			`select ctid::text as id, %[1]s as no, %[2]s::text as text, pg_typeof(%[2]s)::text as type from kam.%[3]s where %[1]s = any ($1) and %[2]s::text ~* any ($2)`, c.by, c.column, c.table),
			ids, e.person.sql())
		if err != nil {
			return err
		}
		for _, r := range found {
			subject := kam.CaseNo(r.No)
			if c.prefix != "*" {
				subject = kam.CaseNo(c.prefix + r.No)
			}
			is, n, kept, err := e.person.redacted(r.Text, r.Type == "jsonb", e.token)
			if err != nil {
				return fmt.Errorf("read %s of %s: %w", c.what, subject, err)
			}
			for _, field := range kept {
				e.stay(subject, field, 0)
			}
			if n == 0 {
				continue
			}
			if _, err := pg.Exec(e.ctx, e.tx, "erase in "+c.what, fmt.Sprintf(`update kam.%s set %s = $2::text::%s where ctid = $1::text::tid`, c.table, c.column, r.Type), r.ID, is); err != nil {
				return err
			}
			e.count(subject, c.what, n)
			e.done.Texts += n
		}
	}
	return nil
}

// redacted is the text of a column with the token in place of the person.
func (p *person) redacted(text string, isJSON bool, token string) (is string, n int, kept []string, err error) {
	if !isJSON {
		if is = p.replace(text, token); is != text {
			n = 1
		}
		return is, n, nil, nil
	}
	var v any
	dec := json.NewDecoder(strings.NewReader(text))
	dec.UseNumber()
	if err := dec.Decode(&v); err != nil {
		return "", 0, nil, err
	}
	v, n = p.redact(v, token, &kept)
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	err = enc.Encode(v)
	slices.Sort(kept)
	return b.String(), n, kept, err
}

// sql are patterns that find no less than the person's do, for the rows to look
// at: in JSON a line break between two words is written as two letters, and not
// every database knows capitals beyond ASCII.
func (p *person) sql() []string {
	out := []string{}
	for _, r := range p.patterns() {
		s := strings.ReplaceAll(strings.TrimPrefix(r.String(), "(?i)"), betweenWords, `.{1,12}`)
		out = append(out, strings.Map(func(r rune) rune {
			if r >= utf8.RuneSelf {
				return '.'
			}
			return r
		}, s))
	}
	return out
}

func (e *eraser) stay(subject kam.CaseNo, where string, seq int64) {
	if s := (ErasureStays{subject, where, seq}); !slices.Contains(e.done.Left, s) {
		e.done.Left = append(e.done.Left, s)
	}
}

// stays lists what still names the person, for whoever carries the order out to
// judge: the audit trail, people and lists of the organisation, other contacts.
func (e *eraser) stays() error {
	type event struct {
		Subject kam.CaseNo
		Seq     int64
		Text    string
	}
	const trail = `select case_no, seq, text from kam.audit where case_no = any ($1) and text ~* any ($2) order by case_no, seq`
	const org = `
		select 'person ' || user_id, 0, concat_ws(' / ', name, email) from kam.person
		union all
		select 'blocked party ' || ref, 0, party::text from kam.blocked_party
		union all
		select 'proposal ' || proposal_no, 0, concat_ws(' / ', what, differences::text, reason, decided_reason, change::text) from kam.proposal
		order by 1`

	events, err := pg.List(e.ctx, e.tx, "look through the trail", pgx.RowToStructByPos[event], trail, e.family.all(), e.person.sql())
	if err != nil {
		return err
	}
	for _, x := range events {
		if e.person.in(x.Text) {
			e.stay(x.Subject, kam.Note("audit trail"), x.Seq)
		}
	}
	if events, err = pg.List(e.ctx, e.tx, "look through the organisation", pgx.RowToStructByPos[event], org); err != nil {
		return err
	}
	for _, x := range events {
		if e.person.in(x.Text) {
			e.stay("org", string(x.Subject), 0)
		}
	}
	for _, id := range e.person.ids {
		e.stay("org", kam.Note("person %s", id), 0)
	}
	for _, r := range e.person.others {
		e.stay(r.Subject, kam.Note("another contact with the same name or mail address: %s", r.what()), 0)
	}
	return nil
}
