package acceptance

import (
	"context"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/onboarding"
	"github.com/kamflow/kamflow/kam/signed/signedtest"
	accessdb "github.com/kamflow/kamflow/store/access"
	customerdb "github.com/kamflow/kamflow/store/customer"
	casedb "github.com/kamflow/kamflow/store/onboarding"
	"github.com/kamflow/kamflow/store/storetest"
)

// known loads an existing customer of DE-S-02 with a complete record.
func (w *world) known(no, name string, more ...fields) customerdb.Customer {
	w.t.Helper()
	w.has(customerdb.BookCustomer{CustomerNo: no, Territory: "DE-S-02", OwnerID: "rep.south", Coverage: "C",
		Data: data(w.t, append([]fields{screening(name), details()}, more...)...)})
	return w.customer(no)
}

func (w *world) customer(no string) customerdb.Customer {
	w.t.Helper()
	c, err := w.db.Customers.Customer(w.t.Context(), no)
	require.NoError(w.t, err)
	return c
}

// retired loads a customer that is sold to no more.
func (w *world) retired(no, name string, parts ...fields) {
	w.t.Helper()
	w.has(customerdb.BookCustomer{CustomerNo: no, Territory: "DE-S-02", OwnerID: "rep.south", Status: kam.Inactive,
		Data: data(w.t, append([]fields{screening(name)}, parts...)...)})
}

// change is a request about an existing customer.
func (w *world) change(t kam.CaseType, no string, by kam.UserID, parts ...fields) *scene {
	w.t.Helper()
	return w.request(casedb.Request{Type: t, CustomerNo: no, Requester: by, Data: data(w.t, parts...)})
}

func (w *world) review(no string, at time.Time) *scene {
	w.t.Helper()
	return w.requestAt(at, casedb.Request{Type: kam.Reclassify, CustomerNo: no, Requester: kam.System, Trigger: onboarding.ReviewDue})
}

func TestAC32_PhoneNumberNeedsNoConfirmation(t *testing.T) {
	w := newWorld(t)
	w.known("C-TEL", "Telefon Klinik GmbH")
	s := w.change(kam.Modify, "C-TEL", "rep.south", fields{"phone": "+49895554433"})
	end := s.run()
	require.Equal(t, onboarding.Completed, end.State)
	require.Equal(t, onboarding.Modified, end.Outcome)
	require.NotContains(t, s.states(), onboarding.AwaitingConfirmation)
	require.NotContains(t, s.states(), onboarding.Analyzing)
	v, err := w.db.Cases.View(t.Context(), s.no)
	require.NoError(t, err)
	require.Equal(t, []onboarding.State{onboarding.Draft, onboarding.Identifying, onboarding.DataEntry, onboarding.Validating, onboarding.HandingOff, onboarding.Completed}, v.Been)
	c := w.customer("C-TEL")
	require.Equal(t, "+49895554433", c.Data.Phone)
	require.Equal(t, 2, c.Version)
	require.Len(t, c.Data.Contacts, 1, "what was not changed stays")
}

func TestModifyOfALegacyRecordIsNotStoppedByWhatWasWrongBefore(t *testing.T) {
	w := newWorld(t)
	w.has(customerdb.BookCustomer{CustomerNo: "C-ALT", Territory: "DE-S-02", OwnerID: "rep.south", Data: data(t, fields{
		"legal_name": "Altbestand Klinik GmbH", "country_code": "DE", "city": "München"})})
	s := w.change(kam.Modify, "C-ALT", "rep.south", fields{"phone": "+49895554433"})
	require.Equal(t, onboarding.Modified, s.run().Outcome)
	s = w.change(kam.Modify, "C-ALT", "rep.south", fields{"addresses": []fields{{"type": "LEGAL", "line1": "Postfach 17", "city": "München", "postal_code": "80331", "country_code": "DE"}}})
	s.expect(1*hour, onboarding.ValidationReview) // what the change itself brings is judged
	s.act(2*hour, "", onboarding.Act{Name: onboarding.ActDecideValidation, Verdict: onboarding.SendBack, By: "stew.one", Reason: "the street, please"})
	s.expect(3*hour, onboarding.ChangesRequested, "rep.south")
	s.act(4*hour, "", onboarding.Act{Name: onboarding.ActSubmitData, By: "rep.south"}, data(t, fields{"addresses": []fields{{"type": "LEGAL", "line1": "Isarweg 1", "city": "München", "postal_code": "80331", "country_code": "DE"}}}))
	require.Equal(t, onboarding.Modified, s.run().Outcome)
}

func TestModifyOfAMaterialField(t *testing.T) {
	w := newWorld(t)
	w.known("C-NAME", "Namens Klinik GmbH")
	s := w.change(kam.Modify, "C-NAME", "rep.south", fields{"legal_name": "Namens Klinikum GmbH"})
	s.expect(1*hour, onboarding.AwaitingConfirmation, "theo.territory")
	s.at(1*hour, func(now onboarding.Snapshot) {
		if now.Task == nil || strings.Join(now.Task.Fields, ",") != "legal_name" {
			s.faults = append(s.faults, "the task names what changes: "+text(t, now.Task))
		}
	})
	s.act(2*hour, kam.Separation, confirm("rep.south", ""))
	s.act(3*hour, "", confirm("theo.territory", ""))
	end := s.run()
	require.Equal(t, onboarding.Modified, end.Outcome)
	require.Equal(t, "Namens Klinikum GmbH", w.customer("C-NAME").Data.LegalName)
	require.NotContains(t, s.states(), onboarding.Analyzing, "the name is no classification input")
}

func TestModifyOfClassificationInputs(t *testing.T) {
	w := newWorld(t)
	w.known("C-IN", "Eingabe Klinik GmbH")
	// Not material: no confirmation, but scores are computed again.
	s := w.change(kam.Modify, "C-IN", "rep.south", fields{"satisfaction": 90})
	require.Equal(t, onboarding.Modified, s.run().Outcome)
	require.Equal(t, []onboarding.State{onboarding.Draft, onboarding.Identifying, onboarding.DataEntry, onboarding.Analyzing, onboarding.Segmenting, onboarding.Validating, onboarding.Classifying, onboarding.HandingOff, onboarding.Completed}, s.states())
	// Material and an input: confirmed, then computed.
	s = w.change(kam.Modify, "C-IN", "rep.south", fields{"declared_potential": eur("150000.00")})
	s.act(1*hour, "", confirm("theo.territory", ""))
	require.Equal(t, onboarding.Modified, s.run().Outcome)
	require.Contains(t, s.states(), onboarding.Classifying)
}

func TestModifyWaitsForAChange(t *testing.T) {
	w := newWorld(t)
	w.known("C-NIX", "Nichts Neues GmbH")
	s := w.change(kam.Modify, "C-NIX", "rep.south")
	s.expect(1*hour, onboarding.DataEntry, "rep.south")
	s.act(2*hour, "", onboarding.Act{Name: onboarding.ActSubmitData, By: "rep.south"}, data(t, fields{"city": "München"})) // as it is
	s.expect(3*hour, onboarding.DataEntry, "rep.south")
	s.act(4*hour, "", onboarding.Act{Name: onboarding.ActSubmitData, By: "rep.south"}, data(t, fields{"website": "https://nichts.example"}))
	require.Equal(t, onboarding.Modified, s.run().Outcome)
}

func TestTargetMustBeThereAndFree(t *testing.T) {
	w := newWorld(t)
	w.retired("C-OFF", "Stillgelegt GmbH", details(), identifier("VAT_EU", "DE136695976"))
	s := w.change(kam.Modify, "C-NONE", "rep.south", fields{"phone": "+49895554433"})
	end := s.run()
	require.Equal(t, onboarding.Rejected, end.State)
	require.Equal(t, "TARGET_INVALID", end.ReasonCode)
	require.Equal(t, "TARGET_INVALID", w.change(kam.Modify, "C-OFF", "rep.south", fields{"phone": "+49895554433"}).run().ReasonCode)

	w.known("C-BUSY", "Beschaeftigt GmbH")
	require.Equal(t, "TARGET_INVALID", w.change(kam.Reactivate, "C-BUSY", "rep.south").run().ReasonCode)
	first := w.change(kam.Modify, "C-BUSY", "rep.south", fields{"legal_name": "Beschaeftigt AG"})
	first.at(1*hour, func(onboarding.Snapshot) {
		second := w.change(kam.Deactivate, "C-BUSY", "rep.south", fields{"justification": "They closed the house last month."})
		end := second.run()
		require.Equal(t, onboarding.Rejected, end.State)
		require.Equal(t, "OPEN_CASE_EXISTS", end.ReasonCode)
		require.Contains(t, end.Headline, string(first.no), "answered with the number of the first")
	})
	first.act(2*hour, "", onboarding.Act{Name: onboarding.ActWithdraw, By: "rep.south"})
	require.Equal(t, onboarding.Withdrawn, first.run().State)
	// The first has ended: the customer is free.
	require.Equal(t, onboarding.Modified, w.change(kam.Modify, "C-BUSY", "rep.south", fields{"phone": "+49895554433"}).run().Outcome)
}

func TestAC33_VersionConflictShowsBothVersions(t *testing.T) {
	w := newWorld(t)
	before := w.known("C-VER", "Versions Klinik GmbH")
	s := w.change(kam.Modify, "C-VER", "rep.south", fields{"legal_name": "Versions Klinikum GmbH"})
	s.at(1*hour, func(now onboarding.Snapshot) {
		if now.BaseVersion != before.Version {
			s.faults = append(s.faults, "base_version is not pinned")
		}
		// Somebody else changes the customer meanwhile: name and phone.
		w.known("C-VER", "Versions Hospital GmbH", fields{"phone": "+49891112233"})
		s.send(now, "", confirm("theo.territory", ""))
	})
	s.expect(2*hour, onboarding.ChangesRequested, "rep.south")
	s.at(2*hour, func(now onboarding.Snapshot) {
		for _, want := range []string{"VERSION_CONFLICT", "legal_name", "Versions Klinik GmbH", "Versions Hospital GmbH", "Versions Klinikum GmbH", "phone"} {
			if now.Task == nil || !strings.Contains(now.Task.Note, want) {
				s.faults = append(s.faults, "both versions are shown; missing "+want+" in "+text(t, now.Task))
				return
			}
		}
	})
	s.act(3*hour, "", onboarding.Act{Name: onboarding.ActSubmitData, By: "rep.south"}, data(t, fields{"legal_name": "Versions Klinikum AG"}))
	s.expect(4*hour, onboarding.AwaitingConfirmation, "theo.territory") // the confirmation was for other data
	s.act(5*hour, "", confirm("theo.territory", ""))
	require.Equal(t, onboarding.Modified, s.run().Outcome)
	c := w.customer("C-VER")
	require.Equal(t, "Versions Klinikum AG", c.Data.LegalName)
	require.Equal(t, "+49891112233", c.Data.Phone, "what the other change did stays")
	require.Equal(t, before.Version+2, c.Version)
}

func TestConvertToModify(t *testing.T) {
	w := newWorld(t)
	w.known("C-DA", "Schon Da Klinik GmbH", identifier("VAT_EU", "DE136695976"))
	s := w.onboard("rep.south", data(t, screening("Schon Da Klinik GmbH"), fields{"phone": "+49895554433"}, identifier("VAT_EU", "DE136695976")))
	s.expect(1*hour, onboarding.DuplicateReview)
	s.act(2*hour, "", onboarding.Act{Name: onboarding.ActResolveDuplicate, Verdict: onboarding.ConvertToModify, By: "rep.south", CustomerNo: "C-DA"})
	s.expect(3*hour, onboarding.DataEntry, "rep.south")
	s.at(3*hour, func(now onboarding.Snapshot) {
		if now.Type != kam.Modify || now.CommittedAs != "C-DA" || now.BaseVersion != 1 {
			s.faults = append(s.faults, "not a MODIFY of C-DA: "+text(t, now))
		}
	})
	s.act(4*hour, "", onboarding.Act{Name: onboarding.ActSubmitData, By: "rep.south"}, data(t, fields{"website": "https://schonda.example"}))
	end := s.run()
	require.Equal(t, onboarding.Modified, end.Outcome)
	require.Equal(t, "+49895554433", w.customer("C-DA").Data.Phone)
	lines, err := w.db.Cases.List(t.Context(), casedb.Filter{Customer: "C-DA"})
	require.NoError(t, err)
	require.Equal(t, kam.Modify, lines[0].Type)
}

// cycle makes one customer the child of another.
func (w *world) cycle() {
	w.retired("C-PARENT", "Kreislauf Holding GmbH")
	w.known("C-CHILD", "Kreislauf Tochter GmbH", fields{"parent_customer_id": "C-PARENT", "street": "Tochterweg 3", "postal_code": "80333", "identifiers": []fields{{"scheme": "VAT_EU", "value": "DE136695976"}}})
}

var reactivation = fields{"justification": "They buy again since this spring."}

func TestAC24b_CircularParentAfterTheConfirmation(t *testing.T) {
	w := newWorld(t)
	w.cycle()
	s := w.change(kam.Reactivate, "C-PARENT", "rep.south", reactivation)
	s.act(1*hour, "", confirm("theo.territory", ""))
	s.expect(2*hour, onboarding.AwaitingCompletion, "rep.south")
	s.act(3*hour, "", onboarding.Act{Name: onboarding.ActSubmitDetails, By: "rep.south"}, data(t, details(), fields{"parent_customer_id": "C-CHILD"}))
	s.expect(4*hour, onboarding.ChangesRequested, "rep.south")
	s.at(4*hour, func(now onboarding.Snapshot) {
		if now.Task == nil || !strings.Contains(now.Task.Note, "VH02") || now.ConfirmedBy != "theo.territory" {
			s.faults = append(s.faults, "VH02 and a kept confirmation: "+text(t, now))
		}
	})
	// The child is of no use as a parent; its own parent is inactive, so none is named.
	w.known("C-HEAD", "Kreislauf Gruppe AG", fields{"street": "Kopfweg 1", "postal_code": "80335", "identifiers": []fields{{"scheme": "VAT_EU", "value": "DE129273398"}}})
	s.act(5*hour, "", onboarding.Act{Name: onboarding.ActSubmitData, By: "rep.south"}, data(t, fields{"parent_customer_id": "C-HEAD"}))
	end := s.run()
	require.Equal(t, onboarding.ReactivatedNonKA, end.Outcome)
	require.Equal(t, 1, s.count(kam.EventConfirmed), "the confirmation is kept")
	require.Equal(t, kam.Active, w.customer("C-PARENT").Status)
	require.Equal(t, 2, w.customer("C-PARENT").Version)
}

func TestAC24c_NameCorrectedToo(t *testing.T) {
	w := newWorld(t)
	w.cycle()
	s := w.change(kam.Reactivate, "C-PARENT", "rep.south", reactivation)
	s.act(1*hour, "", confirm("theo.territory", ""))
	s.act(3*hour, "", onboarding.Act{Name: onboarding.ActSubmitDetails, By: "rep.south"}, data(t, details(), fields{"parent_customer_id": "C-CHILD"}))
	s.expect(4*hour, onboarding.ChangesRequested, "rep.south")
	w.known("C-HEAD", "Kreislauf Gruppe AG", fields{"street": "Kopfweg 1", "postal_code": "80335", "identifiers": []fields{{"scheme": "VAT_EU", "value": "DE129273398"}}})
	s.act(5*hour, "", onboarding.Act{Name: onboarding.ActSubmitData, By: "rep.south"}, data(t, fields{"parent_customer_id": "C-HEAD", "legal_name": "Kreislauf Holding AG"}))
	s.expect(6*hour, onboarding.AwaitingConfirmation, "theo.territory")
	s.act(7*hour, "", confirm("theo.territory", ""))
	require.Equal(t, onboarding.ReactivatedNonKA, s.run().Outcome)
	require.Equal(t, 2, s.count(kam.EventConfirmed))
	require.Equal(t, 2, countOf(s.states(), onboarding.Deciding))
}

func TestAC49_MemberOfAKeyAccountIsRetiredByTwo(t *testing.T) {
	w := newWorld(t)
	w.nordwind(kam.TierRegional, "DE-N")
	s := w.change(kam.Deactivate, "NW-HH", "rep.north", fields{"justification": "The house was closed in February."})
	s.expect(1*hour, onboarding.AwaitingConfirmation, "tom.territory")
	s.notes(1*hour, "the customer is a member of the REGIONAL key account KA-000001: a second person confirms as well")
	s.act(2*hour, "", confirm("tom.territory", ""))
	s.expect(3*hour, onboarding.AwaitingConfirmation, "rolf.regional")
	s.notes(3*hour, "second confirmation, after tom.territory: the customer is a member of the REGIONAL key account KA-000001")
	s.act(4*hour, kam.Separation, confirm("tom.territory", ""))
	s.act(5*hour, kam.Forbidden, confirm("tara.territory", ""))
	s.act(6*hour, "", confirm("rolf.regional", ""))
	end := s.run()
	require.Equal(t, onboarding.Deactivated, end.Outcome)
	require.Equal(t, 2, s.count(kam.EventConfirmed))
	require.Equal(t, onboarding.Validating, s.states()[indexOf(s.states(), onboarding.Validating)])
	gone, left := w.customer("NW-HH"), w.customer("NW-MUC")
	require.Equal(t, kam.Inactive, gone.Status)
	require.Equal(t, kam.NonKA, gone.KAStatus)
	require.Empty(t, gone.Coverage)
	require.Equal(t, kam.KA, left.KAStatus, "the account goes on without it")
}

func TestDeactivateWithoutAKeyAccount(t *testing.T) {
	w := newWorld(t)
	w.known("C-ENDE", "Schluss Klinik GmbH")
	s := w.change(kam.Deactivate, "C-ENDE", "rep.south")
	s.expect(1*hour, onboarding.DataEntry, "rep.south") // it needs its reason
	s.act(2*hour, "", onboarding.Act{Name: onboarding.ActSubmitData, By: "rep.south"}, data(t, fields{"justification": "The house was closed in February."}))
	s.act(3*hour, "", onboarding.Act{Name: onboarding.ActAmendMaterial, By: "rep.south"}, data(t, fields{"credit_rating": "C"}))
	s.expect(4*hour, onboarding.AwaitingConfirmation, "theo.territory")
	s.act(5*hour, "", confirm("theo.territory", ""))
	require.Equal(t, onboarding.Deactivated, s.run().Outcome)
	require.Equal(t, 1, s.count(kam.EventConfirmed))
	require.Equal(t, kam.Inactive, w.customer("C-ENDE").Status)
	require.Equal(t, kam.CreditRating("B"), w.customer("C-ENDE").Data.CreditRating, "a retirement changes no data")
}

func TestLastMemberRetiresTheAccount(t *testing.T) {
	w := newWorld(t)
	w.has(customerdb.BookCustomer{CustomerNo: "C-SOLO", Territory: "DE-S-02", OwnerID: "kam.one", KAStatus: kam.KA, Tier: kam.TierTerritory, Data: data(t, screening("Solo Klinik GmbH"), details())})
	s := w.change(kam.Deactivate, "C-SOLO", "theo.territory", fields{"justification": "The house was closed in February."})
	s.act(1*hour, "", confirm("rita.regional", ""))
	s.expect(2*hour, onboarding.AwaitingConfirmation, "nadja.national") // theo requested, rita has confirmed
	s.act(3*hour, "", confirm("nadja.national", ""))
	require.Equal(t, onboarding.Deactivated, s.run().Outcome)
	require.Equal(t, kam.NonKA, w.customer("C-SOLO").KAStatus)
	st, err := w.db.Cases.Stats(t.Context())
	require.NoError(t, err)
	require.Empty(t, st.KeyAccounts)
}

// holder loads KASTEL as a TERRITORY key account whose score is a little under
// what a holder must keep.
func (w *world) holder(spend string) {
	w.t.Helper()
	weak := maps.Clone(kastel)
	maps.Copy(weak, fields{"addressable_spend_12m": eur(spend), "growth_outlook_pct": 1, "strategic_fit": "PARTIAL", "relationship_stage": "BASIC",
		"capability_items": capability(2, 2, 2, 2, 2), "reference_value": "LOW", "product_fit": 60, "satisfaction": 60})
	w.has(customerdb.BookCustomer{CustomerNo: "KASTEL", GroupID: "KASTEL", Territory: "DE-N-01", OwnerID: "kam.one", KAStatus: kam.KA, Tier: kam.TierTerritory,
		Data: data(w.t, screening("Kastel Pharma GmbH"), details(), weak)})
	w.sells(kastelSales...)
}

func TestAC34_FailingTwiceIsNoticeThenDemotionProposed(t *testing.T) {
	w := newWorld(t)
	w.holder("520000.00")
	first := w.review("KASTEL", monday)
	end := first.run()
	require.Equal(t, onboarding.Completed, end.State)
	require.Equal(t, onboarding.NoChange, end.Outcome, "%s", end.Headline)
	require.NotContains(t, first.states(), onboarding.AwaitingEndorsement)
	require.Equal(t, 1, w.customer("KASTEL").FailedReviews)
	require.Equal(t, kam.KA, w.customer("KASTEL").KAStatus)
	require.Equal(t, "ON_NOTICE", w.accountState("KASTEL"))

	second := w.review("KASTEL", monday.AddDate(0, 0, 1))
	second.expect(1*hour, onboarding.AwaitingEndorsement, "tom.territory")
	second.act(2*hour, "", onboarding.Act{Name: onboarding.ActDecideEndorsement, Verdict: onboarding.Decline, By: "tom.territory", Reason: "the tender is decided in May"})
	end = second.run()
	require.Equal(t, onboarding.NoChange, end.Outcome)
	require.True(t, end.Has(onboarding.FlagEndorsementDeclined))
	c := w.customer("KASTEL")
	require.Equal(t, kam.KA, c.KAStatus)
	require.Equal(t, 2, c.FailedReviews, "stays, on notice")
	require.Equal(t, "ON_NOTICE", w.accountState("KASTEL"))

	third := w.review("KASTEL", monday.AddDate(0, 0, 2))
	third.act(1*hour, "", endorse("tom.territory"))
	end = third.run()
	require.Equal(t, onboarding.Reclassified, end.Outcome)
	c = w.customer("KASTEL")
	require.Equal(t, kam.NonKA, c.KAStatus)
	require.NotEmpty(t, c.Coverage, "no customer falls between 2 and 3")
	require.Equal(t, "", w.accountState("KASTEL"))
}

// accountState is the state of the group's running key account, "" for none.
func (w *world) accountState(group string) string {
	w.t.Helper()
	k, err := w.db.Customers.KeyAccountOf(w.t.Context(), group)
	require.NoError(w.t, err)
	if k == nil {
		return ""
	}
	return k.State
}

func TestAC35_ReviewWithoutAChangeBothersNobody(t *testing.T) {
	w := newWorld(t)
	w.known("C-RUHE", "Ruhige Klinik GmbH")
	first := w.review("C-RUHE", monday)
	require.Equal(t, onboarding.Completed, first.run().State) // the book had no class for it yet
	s := w.review("C-RUHE", monday.AddDate(0, 0, 1))
	end := s.run()
	require.Equal(t, onboarding.NoChange, end.Outcome)
	require.Zero(t, s.count(kam.EventTaskOpened), "no human task")
	require.Equal(t, 1, w.customer("C-RUHE").Version, "a review changes no data")
	require.Equal(t, []onboarding.State{onboarding.Draft, onboarding.Identifying, onboarding.Analyzing, onboarding.Segmenting, onboarding.Validating, onboarding.Classifying, onboarding.HandingOff, onboarding.Completed}, s.states())
}

func TestReviewOfNobodyIsNoCase(t *testing.T) {
	w := newWorld(t)
	w.retired("C-OFF", "Stillgelegt GmbH", details())
	for _, no := range []string{"C-NONE", "C-OFF"} {
		s := w.review(no, monday)
		s.env.ExecuteWorkflow(onboarding.WorkflowOnboarding, s.start)
		require.Equal(t, kam.TargetInvalid, codeOf(s.env.GetWorkflowError()))
	}
}

// TestReviewThatFindsErrorsGoesToTheSteward: nobody else can be asked. He has
// the record repaired by a MODIFY case and lets the rules run again.
func TestReviewThatFindsErrorsGoesToTheSteward(t *testing.T) {
	w := newWorld(t)
	w.known("C-LUECKE", "Lueckenhaft Klinik GmbH", fields{"identifiers": nil})
	s := w.review("C-LUECKE", monday)
	s.expect(1*hour, onboarding.ValidationReview)
	s.act(2*hour, "", onboarding.Act{Name: onboarding.ActDecideValidation, Verdict: onboarding.ClearIt, By: "stew.one", Reason: "let me see"})
	s.expect(3*hour, onboarding.ValidationReview) // it is as it was
	// Another case has the customer meanwhile: first one that holds it and ends.
	acts, other := working(w.db), w.change(kam.Modify, "C-LUECKE", "rep.south", fields{"legal_name": "Lueckenlos GmbH"})
	s.at(4*hour, func(now onboarding.Snapshot) {
		for i, stage := range []func(context.Context, onboarding.StageInput) (onboarding.Progress, error){acts.OpenCase, acts.Identify} {
			_, err := stage(t.Context(), onboarding.StageInput{CaseNo: other.no, Seq: int64(i + 1), Known: int64(i), Now: monday, Signed: other.start.Signed})
			require.NoError(t, err)
		}
		s.send(now, kam.OpenCaseExists, onboarding.Act{Name: onboarding.ActDecideValidation, Verdict: onboarding.ClearIt, By: "stew.one", Reason: "too early"})
	})
	s.at(5*hour, func(onboarding.Snapshot) {
		_, err := acts.RecordAct(t.Context(), onboarding.ActInput{CaseNo: other.no, Known: 2, Now: monday, Act: signedtest.Act(other.no, onboarding.Act{DecisionID: "withdraw-other", Name: onboarding.ActWithdraw, By: "rep.south"}, monday)})
		require.NoError(t, err)
		repair := w.change(kam.Modify, "C-LUECKE", "stew.one", identifier("VAT_EU", "DE136695976"))
		repair.act(2*hour, "", confirm("theo.territory", ""))
		require.Equal(t, onboarding.Modified, repair.run().Outcome)
	})
	s.act(6*hour, "", onboarding.Act{Name: onboarding.ActDecideValidation, Verdict: onboarding.ClearIt, By: "stew.one", Reason: "the number is there now"})
	end := s.run()
	require.Equal(t, onboarding.Completed, end.State)
	require.Equal(t, 2, end.BaseVersion)
}

func TestHitOfScreeningAfterOnboarding(t *testing.T) {
	w := newWorld(t)
	w.known("C-SPAET", "Spaeter Gelistet GmbH")
	list := func(b accessdb.BlockedParty) {
		o := org()
		o.BlockedParties = append(o.BlockedParties, b)
		require.NoError(t, storetest.LoadOrg(t.Context(), w.db, o))
	}
	// The client stops the coverage and opens the case; here is what becomes of it.
	stop := func() {
		_, err := w.db.Customers.StopCoverage(t.Context(), "C-SPAET", "BL-9", kam.ScreeningPossible)
		require.NoError(t, err)
		require.Equal(t, customerdb.CoverageStopped, w.customer("C-SPAET").Coverage)
	}
	list(accessdb.BlockedParty{Ref: "BL-9", Name: "Spaeter Gelistet Gmbh & Co", Country: "DE"})
	stop()
	hit := casedb.Request{Type: kam.Reclassify, CustomerNo: "C-SPAET", Requester: kam.System, Trigger: onboarding.ReviewScreening}
	s := w.request(hit)
	s.expect(1*hour, onboarding.ValidationReview)
	s.act(2*hour, kam.Forbidden, onboarding.Act{Name: onboarding.ActDecideValidation, Verdict: onboarding.ClearIt, By: "stew.one", Reason: "not mine"})
	s.act(3*hour, "", onboarding.Act{Name: onboarding.ActDecideValidation, Verdict: onboarding.ClearIt, By: "comp.one", Reason: "another company"})
	require.Equal(t, onboarding.Reclassified, s.run().Outcome)
	require.NotEqual(t, customerdb.CoverageStopped, w.customer("C-SPAET").Coverage, "called on again")

	list(accessdb.BlockedParty{Ref: "BL-10", Name: "Irgendwer", Identifiers: []accessdb.PartyIdentifier{{Scheme: "VAT_EU", Value: "DE811907980"}}})
	s = w.request(hit)
	s.expect(1*hour, onboarding.ValidationReview) // CONFIRMED blocks: nobody may clear it
	s.act(2*hour, "", onboarding.Act{Name: onboarding.ActDecideValidation, Verdict: onboarding.ClearIt, By: "stew.one", Reason: "let me see"})
	s.expect(3*hour, onboarding.ValidationReview)
	s.act(4*hour, "", onboarding.Act{Name: onboarding.ActDecideValidation, Verdict: onboarding.RefuseIt, By: "stew.one", Reason: "on the list"})
	require.Equal(t, onboarding.Rejected, s.run().State)
}

func TestReviewIsRefusedByTheSteward(t *testing.T) {
	w := newWorld(t)
	w.known("C-LUECKE", "Lueckenhaft Klinik GmbH", fields{"identifiers": nil})
	s := w.review("C-LUECKE", monday)
	s.act(1*hour, kam.WrongState, onboarding.Act{Name: onboarding.ActDecideValidation, Verdict: onboarding.SendBack, By: "stew.one", Reason: "to whom?"})
	s.act(2*hour, "", onboarding.Act{Name: onboarding.ActDecideValidation, Verdict: onboarding.RefuseIt, By: "stew.one", Reason: "nothing to classify"})
	require.Equal(t, onboarding.Rejected, s.run().State)
	require.Equal(t, kam.Active, w.customer("C-LUECKE").Status, "an existing customer stays as it was")
}
