package kam

// ScreenedParty is what a screening service is told of a case (P3.4.5): no
// persons.
type ScreenedParty struct {
	CaseNo      CaseNo       `json:"case_no"`
	Names       []string     `json:"names"`
	Country     string       `json:"country_code,omitempty"`
	Identifiers []Identifier `json:"identifiers,omitempty"` // scheme and value
}

// A ScreeningAnswer is what the service says, with references to its hits.
type ScreeningAnswer struct {
	Result ScreeningResult `json:"result"`
	Hits   []string        `json:"hits,omitempty"`
}
