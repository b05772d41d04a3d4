package customer

import (
	"strings"
	"time"

	"github.com/kamflow/kamflow/kam"
)

// ScreenedParty is what a screening service is told of a case (P3.4.5): no
// persons.
type ScreenedParty struct {
	CaseNo      kam.CaseNo   `json:"case_no"`
	Names       []string     `json:"names"`
	Country     string       `json:"country_code,omitempty"`
	Identifiers []Identifier `json:"identifiers,omitempty"` // scheme and value
}

// A ScreeningAnswer is what the service says, with references to its hits.
type ScreeningAnswer struct {
	Result kam.ScreeningResult `json:"result"`
	Hits   []string            `json:"hits,omitempty"`
}

// OwnList names our own screening list where a line of it does not say who keeps
// it, and OutsideList the service outside where it has no name.
const (
	OwnList     = "LOCAL"
	OutsideList = "OUTSIDE"
)

// A ScreeningHit is one line of a screening list that may mean a party. List
// (for a service outside: its provider) and Ref are its identity: each hit is
// judged by itself (P3.4.5).
type ScreeningHit struct {
	List   string              `json:"list"`
	Ref    string              `json:"ref"`
	Name   string              `json:"name,omitempty"` // as our own list has it
	Result kam.ScreeningResult `json:"result"`
}

// ID is the identity of the hit, for people too.
func (h ScreeningHit) ID() string { return h.List + "/" + h.Ref }

// Screened is what the last screening of a case found, as compliance sees it.
type Screened struct {
	Party ScreenedParty  `json:"party"`
	At    time.Time      `json:"at"`
	Hits  []ScreeningHit `json:"hits"`
}

// A Clearance says that a party is not the one that a line of a screening list
// means. It holds for that line alone, while it is no more than POSSIBLE, and
// for the party as compliance saw it.
type Clearance struct {
	CaseNo kam.CaseNo     `json:"case_no,omitempty"`
	List   string         `json:"list,omitempty"` // empty, of an early release: of any list
	Ref    string         `json:"ref"`
	Party  *ScreenedParty `json:"party,omitempty"` // nil, of an early release: however it is named
	Step   kam.StepCode   `json:"step_code,omitempty"`
	By     kam.UserID     `json:"by,omitempty"`
	Reason string         `json:"reason,omitempty"`
	At     time.Time      `json:"at"`
}

// Covers says whether the clearance holds for a hit on a party. A party that
// has a name or an identifier that compliance did not see is to be looked at
// again; one that has fewer is not.
func (c Clearance) Covers(h ScreeningHit, p ScreenedParty) bool {
	if h.Result != kam.ScreeningPossible || c.Ref != h.Ref || c.List != "" && c.List != h.List {
		return false
	}
	if c.Party == nil {
		return true
	}
	if c.Party.Country != p.Country {
		return false
	}
	for _, name := range p.Names {
		if !has(c.Party.Names, func(n string) bool { return strings.EqualFold(strings.TrimSpace(n), strings.TrimSpace(name)) }) {
			return false
		}
	}
	for _, id := range p.Identifiers {
		if !has(c.Party.Identifiers, func(x Identifier) bool { return x.Scheme == id.Scheme && x.Value == id.Value }) {
			return false
		}
	}
	return true
}

func has[T any](list []T, is func(T) bool) bool {
	for _, x := range list {
		if is(x) {
			return true
		}
	}
	return false
}
