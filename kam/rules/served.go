package rules

import (
	"strings"

	"github.com/kamflow/kamflow/kam"
)

// blockingRules are the ways in which the search of the engine brings parties
// together.
var blockingRules = []string{"IDENTIFIER", "NAME_PREFIX", "POSTAL_CODE", "NAME_TRIGRAM", "DOMAIN"}

// Served says whether the engine can run cases under the policy. A setting that
// the rules understand and the engine does not carry out yet is refused by
// name, never passed over. The rules on files (starter rules) take all of them.
func (p *Policy) Served() error {
	var not []string
	for _, s := range []struct {
		off  bool
		text string
	}{
		{p.SOD.AllowSelfConfirmAlone, "sod.allow_self_confirm_when_alone true"},
		{p.ABC.Scope != "COMPANY", "abc.scope " + p.ABC.Scope},
		{len(p.Duplicates.Blocking) < len(blockingRules), "fewer duplicates.blocking"},
		{p.RFM.Mode != "FIXED", "rfm.mode " + p.RFM.Mode},
	} {
		if s.off {
			not = append(not, s.text)
		}
	}
	if len(not) == 0 {
		return nil
	}
	return kam.Errorf(kam.Invalid, "the engine does not carry out yet: %s", strings.Join(not, ", ")).On("policy").
		Try("keep the default for these settings")
}
