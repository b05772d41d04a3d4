package workflows

import "github.com/kamflow/kamflow/kam/onboarding"

// What the tests of the texts look at.
var (
	Details    = details
	StageLabel = stageLabel
	ActLabel   = actLabel
	DigestOf   = digestOf
)

// ActNames lists the acts that a case takes.
func ActNames() (names []onboarding.ActName) {
	for _, e := range caseActs() {
		names = append(names, onboarding.ActName(e.name))
	}
	return names
}
