package activities

import (
	"github.com/kamflow/kamflow/internal/parties"
	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/rules"
	"github.com/kamflow/kamflow/kam/rules/match"
	customerdb "github.com/kamflow/kamflow/store/customer"
)

// A form is the request of a case: its data, the customer that it changes, and
// what both say under the policy. It looks nothing up.
type form struct {
	c    *kam.Snapshot
	pol  *rules.Set
	data kam.RequestData
	base *base // of a case on an existing customer
}

// existing says whether the case is about a customer that exists already.
func (fm *form) existing() bool { return fm.c.Type != kam.NewCase }

// changes are the fields in which the request differs from the customer as the
// case found it.
func (fm *form) changes() []kam.FieldChange {
	if fm.base == nil {
		return nil
	}
	d := fm.data
	d.Contacts = nil
	all := kam.Diff(fm.base.Data, d)
	if parties.ContactsDigest(fm.data.Contacts) != fm.base.Contacts {
		all = append(all, kam.FieldChange{Field: "contacts"})
	}
	return all
}

// changed are the names of the fields that a change touches, or those of them
// that satisfy a test.
func (fm *form) changed(which func(kam.FieldChange) bool) []string {
	var names []string
	for _, c := range fm.changes() {
		if which(c) {
			names = append(names, c.Field)
		}
	}
	return names
}

// facts computes what the guards test, from the current data.
func (fm *form) facts() kam.Facts {
	c := fm.c
	f := kam.Facts{
		Type:                  c.Type,
		HasNameCountryChannel: fm.data.LegalName != "" && fm.data.CountryCode != "" && fm.data.SourceChannel != "" || fm.existing() && c.CommittedAs != "",
		ReturnTo:              c.ReturnTo,
		ScreeningComplete:     len(fm.missingForDecision()) == 0,
		DetailComplete:        len(fm.missing(kam.Detail)) == 0,
		IdentityChanged:       identityHash(fm.data) != c.IdentityHash,
		Confirmed:             c.ConfirmedBy != "" && c.ConfirmedHash == c.MaterialHash,
		HashChanged:           c.ConfirmedHash != "" && c.ConfirmedHash != c.MaterialHash,
		AutoReject:            fm.pol.Process.AutoReject,
		RoundsLeft:            c.Rounds < fm.pol.Process.MaxChangeRounds,
		BeforeFault:           c.ResumeState,
	}
	switch c.Type {
	case kam.NewCase, kam.Reactivate:
		f.ClassInputChanged = true // it has never been scored, or not for long
	case kam.Modify:
		for _, x := range fm.changes() {
			f.MaterialChanged = f.MaterialChanged || x.Material
			f.ClassInputChanged = f.ClassInputChanged || x.ClassInput || x.Field == "nominate_key_account"
		}
	}
	return f
}

// ready says whether the form of DATA_ENTRY holds what the next step needs. A
// change must change something, and a retirement needs its reason.
func (fm *form) ready(f kam.Facts) bool {
	switch fm.c.Type {
	case kam.Modify:
		return len(fm.changes()) > 0
	case kam.Deactivate:
		return fm.data.Justification != ""
	default:
		return f.ScreeningComplete
	}
}

// keys are what the party is searched by.
func (fm *form) keys() customerdb.PartyKeys { return parties.Keys(fm.data) }

func (fm *form) missing(set kam.FieldSet) []string { return rules.Missing(fm.data, set, fm.c.Type) }

// missingForDecision is what 1.1.4 still lacks: the screening set, and in mode
// full_before_decision the detail set too.
func (fm *form) missingForDecision() []string {
	m := fm.missing(kam.Screening)
	if fm.pol.Process.DataEntryMode == "full_before_decision" {
		m = append(m, fm.missing(kam.Detail)...)
	}
	return m
}

// missingNow is what the first form lacks: of a change nothing, of a retirement
// its reason.
func (fm *form) missingNow() []string {
	switch {
	case fm.c.Type == kam.Deactivate && fm.data.Justification == "":
		return []string{"justification"}
	case fm.c.Type == kam.Modify, fm.c.Type == kam.Deactivate:
		return nil
	}
	return fm.missingForDecision()
}

// customer is the case's party as the rules see it.
func (fm *form) customer(f rules.Facts) rules.Customer {
	f.Nominated = fm.data.NominateKeyAccount
	no := string(fm.c.CaseNo)
	if fm.existing() {
		no = fm.c.CommittedAs
	}
	return rules.Customer{
		CustomerNo:    no,
		ScreeningData: fm.data.ScreeningData,
		DetailData:    fm.data.DetailData,
		Facts:         f,
	}
}

// highPriority says whether the potential alone makes the case urgent (P5.4).
func (fm *form) highPriority() bool {
	units, ok := fm.potentialUnits()
	return ok && units >= fm.pol.SLA.HighMinPotential
}

// potentialUnits is the declared potential in whole units of the base
// currency; false where unknown or not convertible.
func (fm *form) potentialUnits() (kam.Dec, bool) {
	p := fm.data.DeclaredPotential
	if p == nil {
		return 0, false
	}
	m, err := p.In(fm.pol.BaseCurrency)
	if err != nil || m.Currency != fm.pol.BaseCurrency {
		return 0, false
	}
	d, err := kam.ParseDec(m.Amount())
	return d, err == nil
}

// confirmingLevel is the level that must confirm, by potential (P3.9); an
// appeal goes at least one level up.
func (fm *form) confirmingLevel() kam.NodeLevel {
	units, _ := fm.potentialUnits()
	level := fm.pol.ConfirmLevel(units)
	if fm.c.AppealLevel.Rank() > level.Rank() {
		return fm.c.AppealLevel
	}
	return level
}

// decisionInput says whether a field was changed that is not material and that
// the recommendation rests on: a manager must not see one that was computed
// from other facts.
func (fm *form) decisionInput(before kam.RequestData) bool {
	for _, c := range kam.Diff(before, fm.data) {
		switch c.Field {
		case "growth_outlook_pct", "relationship_access", "cost_to_serve":
			return true
		}
	}
	return false
}

// mayChange refuses fields that the form of the current state does not accept,
// as a material field in a detail form. Which role may change which field is
// tested by the matrix, not here.
func (fm *form) mayChange(d doing, before kam.RequestData) error {
	if d.Name != kam.ActSubmitDetails || fm.c.State == kam.AwaitingCompletion {
		return nil
	}
	for _, c := range kam.Diff(before, fm.data) {
		if c.Material {
			return kam.Errorf(kam.Invalid, "is a material field and does not belong to the detail set").On(c.Field).Try("send it with AmendMaterial or SubmitData")
		}
	}
	return nil
}

// incomplete says whether the form that the case waits for still lacks fields.
func (fm *form) incomplete(d doing, f kam.Facts) bool {
	switch {
	case fm.c.State == kam.Draft:
		return !f.HasNameCountryChannel
	case fm.c.State == kam.DataEntry && d.Name == kam.ActSubmitData:
		return !fm.ready(f)
	case fm.c.State == kam.AwaitingCompletion && !f.HashChanged:
		return !f.DetailComplete
	}
	return false
}

// voids says whether an amendment takes the case back from a manager who is
// about to decide: he must decide on what there is.
func (fm *form) voids(t touched) bool {
	if fm.c.Type == kam.Modify || fm.c.Type == kam.Deactivate {
		return t.material
	}
	return t.material || t.decision
}

// toConfirm names the fields that a change asks a manager to confirm; their
// values stand in the revisions.
func (fm *form) toConfirm(kind kam.TaskKind) []string {
	if kind != kam.TaskConfirmation || fm.c.Type != kam.Modify {
		return nil
	}
	return fm.changed(material)
}

// screenedParty is the case as a screening service sees it.
func (fm *form) screenedParty() kam.ScreenedParty {
	p := parties.ForScreening(fm.data)
	p.CaseNo = fm.c.CaseNo
	return p
}

// screened is the case as lists are compared with it.
func (fm *form) screened() match.ListEntry { return parties.Screened(customerdb.PartyDataOf(fm.data)) }

func (fm *form) groupName() string {
	if fm.data.GroupName != "" {
		return fm.data.GroupName
	}
	return fm.data.LegalName
}
