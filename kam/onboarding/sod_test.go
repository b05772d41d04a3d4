package onboarding_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/onboarding"
)

// TestSOD7: who acts in somebody's place is tested as himself and as the other,
// and what one of the two has done the other has done too.
func TestSOD7(t *testing.T) {
	t.Parallel()
	pair := []kam.StandIn{{By: "bert", For: "anna"}}
	confirm, endorse := onboarding.ActDecideConfirmation, onboarding.ActDecideEndorsement
	for name, c := range map[string]struct {
		act    onboarding.ActName
		by     kam.UserID
		behalf kam.UserID
		s      onboarding.Snapshot
		rule   string
	}{
		"nothing stands against it":              {confirm, "bert", "anna", onboarding.Snapshot{Requester: "rep"}, ""},
		"he requested it":                        {confirm, "bert", "anna", onboarding.Snapshot{Requester: "bert"}, "SOD1"},
		"she requested it":                       {confirm, "bert", "anna", onboarding.Snapshot{Requester: "anna"}, "SOD7"},
		"he changed the data":                    {confirm, "bert", "anna", onboarding.Snapshot{Requester: "rep", Editors: []kam.UserID{"bert"}}, "SOD1"},
		"she changed the data":                   {confirm, "bert", "anna", onboarding.Snapshot{Requester: "rep", Editors: []kam.UserID{"anna"}}, "SOD7"},
		"she confirmed first":                    {confirm, "bert", "anna", onboarding.Snapshot{FirstConfirmedBy: "anna"}, "SOD7"},
		"he confirmed first for her":             {confirm, "anna", "", onboarding.Snapshot{FirstConfirmedBy: "bert", StoodIn: pair}, "SOD2"},
		"he confirmed first for another":         {confirm, "anna", "", onboarding.Snapshot{FirstConfirmedBy: "bert"}, ""},
		"he rejected what is appealed, for her":  {confirm, "anna", "", onboarding.Snapshot{AppealOf: "KAM-1", AppealDecider: "bert", StoodIn: pair}, "SOD10"},
		"she confirmed and he endorses for her":  {endorse, "bert", "anna", onboarding.Snapshot{Tier: kam.TierNational, ConfirmedBy: "anna"}, "SOD7"},
		"he confirmed for her and she endorses":  {endorse, "anna", "", onboarding.Snapshot{Tier: kam.TierNational, ConfirmedBy: "bert", StoodIn: pair}, "SOD2"},
		"he nominated for her and she endorses":  {endorse, "anna", "", onboarding.Snapshot{Tier: kam.TierGlobal, Nominator: "bert", StoodIn: pair}, "SOD2"},
		"he endorsed for her and she endorses":   {endorse, "anna", "", onboarding.Snapshot{Endorsed: []kam.UserID{"bert"}, StoodIn: pair}, "SOD2"},
		"she endorsed and he endorses for her":   {endorse, "bert", "anna", onboarding.Snapshot{Endorsed: []kam.UserID{"anna"}}, "SOD7"},
		"below NATIONAL the confirmer endorses":  {endorse, "bert", "anna", onboarding.Snapshot{Tier: kam.TierTerritory, ConfirmedBy: "anna"}, ""},
		"she owns what compliance decides":       {onboarding.ActDecideCompliance, "bert", "anna", onboarding.Snapshot{OwnerID: "anna"}, "SOD7"},
		"he requested what stewards decide":      {onboarding.ActDecideValidation, "bert", "anna", onboarding.Snapshot{Requester: "bert"}, "SOD3"},
		"a duty of his that is none of the case": {onboarding.ActComment, "bert", "anna", onboarding.Snapshot{Requester: "anna"}, ""},
	} {
		err := onboarding.CheckSeparation(onboarding.Act{Name: c.act, By: c.by, OnBehalfOf: c.behalf}, c.s)
		if c.rule == "" {
			require.NoError(t, err, name)
			continue
		}
		require.ErrorIs(t, err, kam.Separation, name)
		require.Equal(t, c.rule, kam.AsError(err).Rule, "%s: %v", name, err)
	}
}

// TestStandingInLiftsNoDuty: in somebody's place nobody may what one of the two
// may not by himself.
func TestStandingInLiftsNoDuty(t *testing.T) {
	t.Parallel()
	someone := rapid.SampledFrom([]kam.UserID{"", "anna", "bert", "carl"})
	rapid.Check(t, func(t *rapid.T) {
		s := onboarding.Snapshot{
			Requester: someone.Draw(t, "requester"), OwnerID: someone.Draw(t, "owner"), Nominator: someone.Draw(t, "nominator"),
			ConfirmedBy: someone.Draw(t, "confirmed by"), FirstConfirmedBy: someone.Draw(t, "first"), Tier: rapid.SampledFrom(kam.Tiers).Draw(t, "tier"),
			Editors: []kam.UserID{someone.Draw(t, "editor")}, Endorsed: []kam.UserID{someone.Draw(t, "endorsed")},
			StoodIn: []kam.StandIn{{By: someone.Draw(t, "by"), For: someone.Draw(t, "for")}},
		}
		a := onboarding.Act{By: "bert", OnBehalfOf: "anna", Name: rapid.SampledFrom([]onboarding.ActName{
			onboarding.ActDecideConfirmation, onboarding.ActDecideEndorsement, onboarding.ActDecideCompliance, onboarding.ActDecideValidation}).Draw(t, "act")}
		alone := func(u kam.UserID) error { return onboarding.CheckSeparation(onboarding.Act{Name: a.Name, By: u}, s) }
		both := alone("bert") == nil && alone("anna") == nil
		if err := onboarding.CheckSeparation(a, s); (err == nil) != both {
			t.Fatalf("bert for anna: %v; bert: %v, anna: %v", err, alone("bert"), alone("anna"))
		}
	})
}
