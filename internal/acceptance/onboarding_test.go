package acceptance

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kamflow/kamflow/kam"
	accessdb "github.com/kamflow/kamflow/store/access"
	"github.com/kamflow/kamflow/store/storetest"
)

func TestAC01_ClearAddIsConfirmedAndClassified(t *testing.T) {
	w := newWorld(t)
	s := w.onboard("rep.south", data(t, screening("Lindwurm Klinik GmbH"), details()))
	s.expect(1*hour, kam.AwaitingConfirmation, "theo.territory")
	s.act(2*hour, "", confirm("theo.territory", ""))
	end := s.run()

	require.Equal(t, kam.Completed, end.State)
	require.Equal(t, kam.AddedNonKA, end.Outcome)
	require.Equal(t, []kam.State{
		kam.Draft, kam.Identifying, kam.DataEntry, kam.Deciding, kam.AwaitingConfirmation, kam.Analyzing, kam.Segmenting,
		kam.Validating, kam.Classifying, kam.HandingOff, kam.Completed,
	}, s.states())

	c, err := w.db.Customers.Customer(t.Context(), end.CommittedAs)
	require.NoError(t, err)
	require.Equal(t, kam.Active, c.Status)
	require.Equal(t, "NEW", c.Coverage)
	require.Equal(t, "DE-S-02", c.Territory)
}

func TestAC02_RejectedByRulesWithoutAManager(t *testing.T) {
	w := newWorld(t)
	s := w.onboard("rep.south", data(t, screening("Kleinbetrieb Winzig GmbH"), ad3))
	end := s.run()
	require.Equal(t, kam.Rejected, end.State)
	require.Equal(t, "SCORE", end.ReasonCode)
	require.Zero(t, s.count(kam.EventTaskOpened))
	require.Equal(t, 1, s.count(kam.EventRejected))
	require.Contains(t, end.Headline, "12.50")
}

func TestAC03_SamePartyAgainWithinTheCoolDown(t *testing.T) {
	w := newWorld(t)
	first := w.onboard("rep.south", data(t, screening("Kleinbetrieb Winzig GmbH"), ad3))
	require.Equal(t, kam.Rejected, first.run().State)

	again := w.onboardAt(monday.Add(30*day), "rep.south", data(t, screening("Kleinbetrieb Winzig GmbH")))
	again.at(1*hour, func(now kam.Snapshot) {
		if now.State == kam.DuplicateReview {
			// The rejected request is found: the steward says it is the same party.
			again.send(now, "", kam.Act{Name: kam.ActResolveDuplicate, Verdict: kam.NotDuplicate, By: "stew.one", Reason: "a rejected request is no customer"})
		}
	})
	end := again.run()
	require.Equal(t, kam.Rejected, end.State)
	require.Equal(t, "HS5_RECENTLY_REJECTED", end.ReasonCode)
	require.Equal(t, "The same party was rejected not long ago", end.Headline)
	for _, e := range again.events() {
		require.False(t, e.Type == kam.EventDataSubmitted && e.Actor != "rep.south", "the data are the requester's: %+v", e)
	}
}

// TestRejectedNotLongAgo: a name alone is no proof that a party was rejected
// before (decision 34).
func TestRejectedNotLongAgo(t *testing.T) {
	const name = "Kleinbetrieb Handel GmbH" // one word of its own
	elsewhere := fields{"identifiers": nil, "street": "Ring 1", "postal_code": "80333"}
	for what, c := range map[string]struct {
		first, again fields
		name         string
		want         string
	}{
		"the same address":          {fields{"identifiers": nil}, fields{"identifiers": nil}, name, "HS5_RECENTLY_REJECTED"},
		"the same phone":            {fields{"identifiers": nil, "phone": "+49891234567"}, fields{"identifiers": nil, "phone": "+49891234567", "street": "Ring 1", "postal_code": "80333"}, name, "HS5_RECENTLY_REJECTED"},
		"the same number":           {nil, fields{"street": "Ring 1", "postal_code": "80333"}, "Ganz Anders GmbH", "HS5_RECENTLY_REJECTED"},
		"the name alone":            {fields{"identifiers": nil}, elsewhere, name, "HS9_LIKE_A_REJECTED"},
		"initials that are no form": {fields{"identifiers": nil, "legal_name": "KD Handel GmbH"}, elsewhere, "AS Handel GmbH", ""},
		"two words of the name":     {fields{"identifiers": nil, "legal_name": "Kleinbetrieb Winzig GmbH"}, elsewhere, "Winzig Kleinbetrieb AG", "HS5_RECENTLY_REJECTED"},
	} {
		t.Run(what, func(t *testing.T) {
			w := newWorld(t)
			first := w.onboard("rep.south", data(t, screening(name), ad3, c.first))
			require.Equal(t, kam.Rejected, first.run().State)

			again := w.onboardAt(monday.Add(30*day), "rep.south", data(t, screening(c.name), c.again))
			again.at(1*hour, func(now kam.Snapshot) {
				if now.State == kam.DuplicateReview {
					again.send(now, "", kam.Act{Name: kam.ActResolveDuplicate, Verdict: kam.NotDuplicate, By: "stew.one", Reason: "a rejected request is no customer"})
				}
			})
			if c.want != "HS5_RECENTLY_REJECTED" {
				again.expect(2*hour, kam.AwaitingConfirmation, "theo.territory") // never compliance: it is no hit of screening
				again.act(3*hour, "", kam.Act{Name: kam.ActWithdraw, By: "rep.south"})
			}
			end := again.run()
			records, err := w.db.Cases.Records(t.Context(), again.no)
			require.NoError(t, err)
			var stops []string
			for _, h := range records[0].HardStops {
				stops = append(stops, h.ID)
			}
			switch c.want {
			case "":
				require.Empty(t, stops)
			case "HS9_LIKE_A_REJECTED":
				require.Equal(t, []string{c.want}, stops)
				require.Equal(t, string(kam.Refer), records[0].Outcome)
			default:
				require.Equal(t, []string{c.want}, stops)
				require.Equal(t, kam.Rejected, end.State)
			}
		})
	}
}

// TestBlockedByName: HS1 by name needs more than the name, else it is HS6.
func TestBlockedByName(t *testing.T) {
	for what, c := range map[string]struct {
		entry accessdb.BlockedParty
		state kam.State
		stop  string
	}{
		"the name alone":         {accessdb.BlockedParty{Phone: "+49 89 1111111", Street: "Ring 1", PostalCode: "80331"}, kam.ComplianceReview, ""},
		"phone":                  {accessdb.BlockedParty{Phone: "+49 (0)89 123-4567"}, kam.Rejected, "HS1_BLOCKED_PARTY"},
		"domain":                 {accessdb.BlockedParty{Domain: "WWW.schatten.example"}, kam.Rejected, "HS1_BLOCKED_PARTY"},
		"street and postal code": {accessdb.BlockedParty{Street: "Lindwurmstr. 7", PostalCode: "80331"}, kam.Rejected, "HS1_BLOCKED_PARTY"},
	} {
		t.Run(what, func(t *testing.T) {
			w := newWorld(t)
			o := org()
			c.entry.Ref, c.entry.Name, c.entry.Country = "BL-9", "Schatten Handel AG", "DE"
			o.BlockedParties = append(o.BlockedParties, c.entry)
			require.NoError(t, storetest.LoadOrg(t.Context(), w.db, o))
			s := w.onboard("rep.south", data(t, screening("Schatten Handel GmbH"), fields{"phone": "+49891234567", "website": "https://schatten.example/"}))
			if c.state == kam.ComplianceReview {
				s.expect(1*hour, kam.ComplianceReview)
				s.act(2*hour, "", kam.Act{Name: kam.ActWithdraw, By: "rep.south"})
			}
			end := s.run()
			require.Equal(t, c.stop, end.ReasonCode)
		})
	}
}

func TestAC05_OneStepAroundTheThreshold(t *testing.T) {
	w := newWorld(t)
	for _, tt := range []struct {
		name  string
		data  fields
		score string
		want  kam.Recommendation
	}{
		{"AD5 Sechzig GmbH", ad5, "60.00", kam.Add},
		{"AD6 Fuenfundfuenfzig GmbH", ad6, "55.00", kam.Refer},
	} {
		s := w.onboard("rep.south", data(t, screening(tt.name), tt.data, fields{"identifiers": nil}))
		s.at(1*hour, func(now kam.Snapshot) {
			if now.Recommended != tt.want {
				s.faults = append(s.faults, tt.name+": "+string(now.Recommended)+" "+string(now.State))
			}
			s.send(now, "", kam.Act{Name: kam.ActWithdraw, By: "rep.south"})
		})
		require.Equal(t, kam.Withdrawn, s.run().State)
		records, err := w.db.Cases.Records(t.Context(), s.no)
		require.NoError(t, err)
		require.Equal(t, tt.score, records[0].Score.Fixed())
	}
}

func TestAC06_HighScoreLittleKnown(t *testing.T) {
	w := newWorld(t)
	s := w.onboard("rep.south", data(t, screening("Wenig Bekannt GmbH"), ad4))
	s.act(1*hour, "", kam.Act{Name: kam.ActWithdraw, By: "rep.south"})
	s.run()
	records, err := w.db.Cases.Records(t.Context(), s.no)
	require.NoError(t, err)
	require.Equal(t, string(kam.Refer), records[0].Outcome)
	require.Equal(t, "70.00", records[0].Score.Fixed())
	require.Equal(t, "50.00", records[0].Confidence.Fixed())
}

func TestAC07_ReferNeedsAReasonToConfirm(t *testing.T) {
	w := newWorld(t)
	s := w.onboard("rep.south", data(t, screening("Grenzfall GmbH"), ad2))
	s.act(1*hour, kam.ReasonNeeded, confirm("theo.territory", ""))
	s.expect(2*hour, kam.AwaitingConfirmation, "theo.territory")
	s.act(3*hour, "", confirm("theo.territory", "Tender opens in May"))
	s.expect(4*hour, kam.AwaitingCompletion, "rep.south")
	s.act(5*hour, "", kam.Act{Name: kam.ActWithdraw, By: "rep.south"})
	require.Equal(t, kam.Withdrawn, s.run().State)
	require.Equal(t, 1, s.count(kam.EventDecisionRefused))
}

func TestAC08_ComplianceClearsOrRefuses(t *testing.T) {
	w := newWorld(t)
	near := data(t, screening("Schattenhandel Exporte GmbH"), details())
	s := w.onboard("rep.south", near)
	s.expect(1*hour, kam.ComplianceReview)
	s.act(2*hour, kam.Forbidden, kam.Act{Name: kam.ActDecideCompliance, Verdict: kam.ClearIt, By: "theo.territory", Reason: "I know them"})
	s.act(3*hour, "", kam.Act{Name: kam.ActDecideCompliance, Verdict: kam.ClearIt, By: "comp.one", Reason: "another company"})
	s.expect(4*hour, kam.AwaitingConfirmation, "theo.territory")
	s.act(5*hour, "", confirm("theo.territory", "cleared by compliance"))
	require.Equal(t, kam.Completed, s.run().State)

	w2 := w.onboardAt(monday.Add(day), "rep.vienna", data(t, screening("Grauzone Logistika GmbH"), fields{"country_code": "AT", "postal_code": "1010", "city": "Wien", "identifiers": nil}))
	w2.expect(1*hour, kam.ComplianceReview)
	w2.act(2*hour, "", kam.Act{Name: kam.ActDecideCompliance, Verdict: kam.RefuseIt, By: "comp.one", Reason: "listed owner"})
	end := w2.run()
	require.Equal(t, kam.Rejected, end.State)
	require.Equal(t, "COMPLIANCE", end.ReasonCode)
	require.NotContains(t, end.Headline, "listed owner")
	restricted := 0
	for _, e := range w2.events() {
		if e.Restricted {
			restricted++
			require.Equal(t, "listed owner", e.Text)
		} else {
			require.NotContains(t, e.Text, "listed owner")
		}
	}
	require.Equal(t, 1, restricted)
}
