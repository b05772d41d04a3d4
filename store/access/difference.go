package access

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/store/internal/pg"
)

// A difference is one row that a change writes, before and after; nil where it
// is not there.
type difference struct {
	Table, Key string
	Was, Is    json.RawMessage
}

type differences []difference

type rowKey struct{ table, key string }

func between(before, after map[rowKey]json.RawMessage) differences {
	var d differences
	for k, was := range before {
		if is := after[k]; !bytes.Equal(was, is) {
			d = append(d, difference{k.table, k.key, was, is})
		}
	}
	for k, is := range after {
		if _, ok := before[k]; !ok {
			d = append(d, difference{k.table, k.key, nil, is})
		}
	}
	slices.SortFunc(d, func(a, b difference) int { return strings.Compare(a.Table+"\x00"+a.Key, b.Table+"\x00"+b.Key) })
	return d
}

// personRow and nodeRow are what of a row gives rights.
type personRow struct {
	Roles   []string   `json:"roles"`
	Nodes   []string   `json:"nodes"`
	NoPost  []string   `json:"no_post"`
	Manager kam.UserID `json:"manager_id"`
	Active  bool       `json:"active"`
}

type nodeRow struct {
	Manager kam.UserID `json:"manager_id"`
	Parent  string     `json:"parent"`
	Level   string     `json:"level"`
}

type identityRow struct {
	User kam.UserID `json:"user_id"`
}

func rowOf[T any](raw json.RawMessage) T {
	var v T
	if raw != nil {
		_ = json.Unmarshal(raw, &v) // a row of ours, as PostgreSQL printed it
	}
	return v
}

// binding are the roles that keep their holder from using others (SOD5, SOD6):
// without one of them, those are his.
var binding = []string{string(kam.Operator), string(kam.UserAdmin), string(kam.Auditor)}

// gainers are the people to whom a change gives a right: a role, a node, a
// post, the requests and tasks of those whom they manage, their account back, or
// a way to sign in. A node that moves gives those above its new place what is
// below it.
func (d differences) gainers() []kam.UserID {
	var out []kam.UserID
	add := func(u kam.UserID) {
		if u != "" && !slices.Contains(out, u) {
			out = append(out, u)
		}
	}
	more := func(is, was []string) bool {
		return slices.ContainsFunc(is, func(x string) bool { return !slices.Contains(was, x) })
	}
	posts := func(p personRow) []string {
		return slices.DeleteFunc(slices.Clone(p.Nodes), func(n string) bool { return slices.Contains(p.NoPost, n) })
	}
	for _, r := range d {
		switch r.Table {
		case peopleTable.name:
			was, is := rowOf[personRow](r.Was), rowOf[personRow](r.Is)
			if is.Active {
				if !was.Active {
					was = personRow{Manager: was.Manager}
				}
				freed := len(is.Roles) > 0 && slices.ContainsFunc(binding, func(r string) bool { return slices.Contains(was.Roles, r) && !slices.Contains(is.Roles, r) })
				if freed || more(is.Roles, was.Roles) || more(is.Nodes, was.Nodes) || more(posts(is), posts(was)) {
					add(kam.UserID(r.Key))
				}
			}
			if is.Manager != was.Manager {
				add(is.Manager)
			}
		case identitiesTable.name:
			add(rowOf[identityRow](r.Is).User)
		case nodesTable.name:
			was, is := rowOf[nodeRow](r.Was), rowOf[nodeRow](r.Is)
			if was != is {
				add(is.Manager)
			}
		}
	}
	return out
}

// notOf holds that nobody of those who bring a change about is given a right by
// it, or has his own rights changed by a load (SOD9).
func (d differences) notOf(ch orgChange, who ...kam.UserID) error {
	concerned := d.gainers()
	for _, r := range d {
		if r.Table == peopleTable.name && ch.kind == ChangeOrg {
			was, is := rowOf[personRow](r.Was), rowOf[personRow](r.Is)
			if !slices.Equal(was.Roles, is.Roles) || !slices.Equal(was.Nodes, is.Nodes) || was.Active != is.Active {
				concerned = append(concerned, kam.UserID(r.Key))
			}
		}
	}
	for _, u := range who {
		if slices.Contains(concerned, u) {
			return kam.Errorf(kam.Separation, "the change concerns the rights of %s himself", u).By("SOD9").Try("two other admins propose it and agree")
		}
	}
	return nil
}

// maxLines bounds the differences that are told.
const maxLines = 500

// lines tell the differences to people, row by row. Of lists that not everybody
// reads only the key is told.
func (d differences) lines() []string { return d.printed(false) }

// printed are the lines; the trail, which nothing is ever taken from, holds no
// names and addresses of people.
func (d differences) printed(forTrail bool) []string {
	out := []string{}
	for i, r := range d {
		if r.Table == policyTable.name {
			out = append(out, policyLines(r)...)
			continue
		}
		if i == maxLines {
			return append(out, kam.Note("… and %d more rows", len(d)-maxLines))
		}
		line := r.Table + " " + r.Key + ": "
		switch closed := r.Table == blockedTable.name || r.Table == holdsTable.name; {
		case r.Is == nil:
			line += kam.Note("is removed")
		case closed && r.Was == nil:
			line += kam.Note("is new")
		case closed:
			line += kam.Note("is changed")
		default:
			line += fieldsOf(r, forTrail)
		}
		out = append(out, pg.Clip(line, 400))
	}
	return out
}

// policyLines are the lines of a policy that go and come, with their numbers.
func policyLines(r difference) []string {
	type policy struct {
		Version int
		Text    string
	}
	was, is := rowOf[policy](r.Was), rowOf[policy](r.Is)
	out := []string{kam.Note("policy version %d → %d", was.Version, is.Version)}
	old, now := strings.Split(was.Text, "\n"), strings.Split(is.Text, "\n")
	missing := func(sign string, lines, from []string) {
		left := map[string]int{}
		for _, l := range from {
			left[l]++
		}
		for i, l := range lines {
			if left[l]--; left[l] < 0 && len(out) <= maxLines {
				out = append(out, pg.Clip(fmt.Sprintf("%s line %d: %s", sign, i+1, l), 400))
			}
		}
	}
	missing("-", old, now)
	missing("+", now, old)
	return out
}

func fieldsOf(r difference, forTrail bool) string {
	was, is := rowOf[map[string]json.RawMessage](r.Was), rowOf[map[string]json.RawMessage](r.Is)
	var parts []string
	for _, name := range sorted(is) {
		before, now := plain(was[name]), plain(is[name])
		switch {
		case before == now:
		case forTrail && (name == "name" || name == "email"):
			parts = append(parts, name)
		case r.Was == nil:
			parts = append(parts, name+" "+now)
		default:
			parts = append(parts, fmt.Sprintf("%s %s → %s", name, orNone(before), orNone(now)))
		}
	}
	if r.Was == nil {
		return kam.Note("is new: %s", strings.Join(parts, ", "))
	}
	return strings.Join(parts, ", ")
}

func sorted(m map[string]json.RawMessage) []string {
	var keys []string
	for k := range m {
		if k != "user_id" && k != "code" { // the key of the row
			keys = append(keys, k)
		}
	}
	slices.Sort(keys)
	return keys
}

// plain is a JSON value without its marks.
func plain(raw json.RawMessage) string {
	var v any
	if raw == nil || json.Unmarshal(raw, &v) != nil || v == nil {
		return ""
	}
	switch x := v.(type) {
	case string:
		return x
	case []any:
		parts := make([]string, len(x))
		for i, e := range x {
			parts[i] = fmt.Sprint(e)
		}
		return strings.Join(parts, " ")
	}
	return string(raw)
}

func orNone(s string) string {
	if s == "" {
		return "none"
	}
	return s
}
