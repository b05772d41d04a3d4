package service_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/kamflow/kamflow/internal/parties"
	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/service"
	accessdb "github.com/kamflow/kamflow/store/access"
	customerdb "github.com/kamflow/kamflow/store/customer"
	"github.com/kamflow/kamflow/store/ledger"
	casedb "github.com/kamflow/kamflow/store/onboarding"
	"github.com/kamflow/kamflow/store/storetest"
)

// TestHitStopsCoverageAndOpensAReviewOnce: the list has grown since the customer
// was taken on (P2.7).
func TestHitStopsCoverageAndOpensAReviewOnce(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ctx := t.Context()
	for no, name := range map[string]string{"C-1": "Nordlicht Handel GmbH", "C-2": "Nordlinse Optik GmbH", "C-3": "Suedstern GmbH"} {
		d := kam.RequestData{ScreeningData: kam.ScreeningData{LegalName: name, CountryCode: "DE"}}
		require.NoError(t, b.store.Customers.Load(ctx, storetest.Act(), []customerdb.BookCustomer{{CustomerNo: no, Territory: "G", Coverage: "B", Data: d, Keys: parties.Keys(d)}}))
	}
	require.NoError(t, storetest.LoadOrg(ctx, b.store, accessdb.Org{BlockedParties: []accessdb.BlockedParty{{Ref: "BL-1", Name: "Nordlicht Handel", Country: "DE"}}}))
	b.fake.answers = []func() (kam.Progress, error){func() (kam.Progress, error) { return kam.Progress{Snapshot: kam.Snapshot{Version: 1}}, nil }}

	for range 2 {
		got, err := b.Rescreen(ctx)
		require.NoError(t, err)
		require.Equal(t, 1, got.Hits)
	}
	require.Len(t, b.fake.starts, 1, "a hit that is known opens no second case")
	for no, want := range map[string]string{"C-1": customerdb.CoverageStopped, "C-2": "B", "C-3": "B"} {
		c, err := b.store.Customers.Customer(ctx, no)
		require.NoError(t, err)
		require.Equal(t, want, c.Coverage, no)
	}
	trail, err := b.store.TrailOf(ctx, "customer/C-1")
	require.NoError(t, err)
	require.Len(t, trail, 1)
	require.Equal(t, kam.EventCoverageStopped, trail[0].Type)
	cases, err := b.store.Cases.List(ctx, casedb.Filter{Customer: "C-1"})
	require.NoError(t, err)
	require.Equal(t, kam.Reclassify, cases[0].Type)
}

// TestHitThatComplianceClearedIsNoNews: the customer was taken on in spite of
// the line, which is compared with it for ever after.
func TestHitThatComplianceClearedIsNoNews(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ctx := t.Context()
	d := kam.RequestData{ScreeningData: kam.ScreeningData{LegalName: "Nordlicht Handel GmbH", CountryCode: "DE"}}
	require.NoError(t, b.store.Customers.Load(ctx, storetest.Act(), []customerdb.BookCustomer{{CustomerNo: "C-1", Territory: "G", Coverage: "B", Data: d, Keys: parties.Keys(d)}}))
	require.NoError(t, storetest.LoadOrg(ctx, b.store, accessdb.Org{BlockedParties: []accessdb.BlockedParty{{Ref: "BL-1", Name: "Nordlicht Handel", Country: "DE"}}}))
	no, _, err := b.store.Cases.Allot(ctx, casedb.Request{Key: "k", Type: kam.NewCase, Requester: "rep", Data: d})
	require.NoError(t, err)
	_, err = b.store.Cases.Effect(ctx, ledger.Effect{Subject: casedb.Of(no), Key: "seq/1", Digest: "x", At: time.Now()}, func(_ context.Context, tx *casedb.Tx) error {
		tx.Case.CommittedAs = "C-1"
		tx.Log(kam.AuditEvent{Type: kam.EventComplianceDecided})
		return tx.SaveFact(casedb.FactCleared, "BL-1")
	})
	require.NoError(t, err)
	got, err := b.Rescreen(ctx)
	require.NoError(t, err)
	require.Equal(t, service.Rescreened{Hits: 1}, got)
	c, err := b.store.Customers.Customer(ctx, "C-1")
	require.NoError(t, err)
	require.Equal(t, "B", c.Coverage)
}

// has is a book of one customer, called on in class B.
func (b bundle) has(t *testing.T, name string, ids ...kam.Identifier) {
	t.Helper()
	d := kam.RequestData{ScreeningData: kam.ScreeningData{LegalName: name, CountryCode: "DE", Identifiers: ids}}
	require.NoError(t, b.store.Customers.Load(t.Context(), storetest.Act(), []customerdb.BookCustomer{{CustomerNo: "C-1", Territory: "G", Coverage: "B", Data: d, Keys: parties.Keys(d)}}))
}

func (b bundle) lists(t *testing.T, lines ...accessdb.BlockedParty) {
	t.Helper()
	require.NoError(t, storetest.LoadOrg(t.Context(), b.store, accessdb.Org{BlockedParties: append([]accessdb.BlockedParty{}, lines...)}))
}

func (b bundle) coverage(t *testing.T) string {
	t.Helper()
	c, err := b.store.Customers.Customer(t.Context(), "C-1")
	require.NoError(t, err)
	return c.Coverage
}

// inCase does something in a case of the customer that has ended.
func (b bundle) inCase(t *testing.T, key string, do func(*casedb.Tx) error) {
	t.Helper()
	no, _, err := b.store.Cases.Allot(t.Context(), casedb.Request{Key: key, Type: kam.NewCase, Requester: "rep", Data: kam.RequestData{ScreeningData: kam.ScreeningData{CountryCode: "DE"}}})
	require.NoError(t, err)
	_, err = b.store.Cases.Effect(t.Context(), ledger.Effect{Subject: casedb.Of(no), Key: "seq/1", Digest: "x", At: time.Now()}, func(_ context.Context, tx *casedb.Tx) error {
		tx.Case.CommittedAs, tx.Case.State = "C-1", kam.Completed
		tx.Log(kam.AuditEvent{Type: kam.EventComplianceDecided})
		return do(tx)
	})
	require.NoError(t, err)
}

// TestClearedHitClearsItselfOnly (D45), of a customer that is there already: not
// another line, not the same one when it is CONFIRMED, and not for another name.
func TestClearedHitClearsItselfOnly(t *testing.T) {
	t.Parallel()
	one := accessdb.BlockedParty{Ref: "BL-1", Name: "Nordlicht Handel", Country: "DE"}
	two := accessdb.BlockedParty{Ref: "BL-2", Name: "Nordlicht Handels", Country: "DE"}
	vat := kam.Identifier{Scheme: kam.SchemeVATEU, Value: "DE136695976"}
	confirmed := one
	confirmed.Identifiers = []accessdb.PartyIdentifier{{Scheme: vat.Scheme, Value: vat.Value}}
	party := parties.ForScreening(kam.RequestData{ScreeningData: kam.ScreeningData{LegalName: "Nordlicht Handel GmbH", CountryCode: "DE", Identifiers: []kam.Identifier{vat}}})
	clearance := func(tx *casedb.Tx) error {
		return tx.SaveClearances([]kam.Clearance{{List: kam.OwnList, Ref: "BL-1", Party: &party}})
	}
	for name, tt := range map[string]struct {
		cleared func(*casedb.Tx) error
		name    string
		line    accessdb.BlockedParty
		want    string
	}{
		"itself":               {clearance, "Nordlicht Handel GmbH", one, "B"},
		"another line":         {clearance, "Nordlicht Handel GmbH", two, customerdb.CoverageStopped},
		"the same, confirmed":  {clearance, "Nordlicht Handel GmbH", confirmed, customerdb.CoverageStopped},
		"of another list":      {clearance, "Nordlicht Handel GmbH", accessdb.BlockedParty{Ref: "BL-1", Name: one.Name, Country: "DE", List: "EU"}, customerdb.CoverageStopped},
		"under another name":   {clearance, "Nordlicht Handels GmbH", one, customerdb.CoverageStopped},
		"by an early release":  {func(tx *casedb.Tx) error { return tx.SaveFact(casedb.FactCleared, "BL-1") }, "Nordlicht Handel GmbH", one, "B"},
		"one of two of then":   {func(tx *casedb.Tx) error { return tx.SaveFact(casedb.FactCleared, "BL-0, BL-1") }, "Nordlicht Handel GmbH", one, "B"},
		"another one of then":  {func(tx *casedb.Tx) error { return tx.SaveFact(casedb.FactCleared, "BL-1") }, "Nordlicht Handel GmbH", two, customerdb.CoverageStopped},
		"as a finding of then": {func(tx *casedb.Tx) error { return waivedThen(tx, "BL-1") }, "Nordlicht Handel GmbH", one, "B"},
		"another finding":      {func(tx *casedb.Tx) error { return waivedThen(tx, "BL-2") }, "Nordlicht Handel GmbH", one, customerdb.CoverageStopped},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t, func() (kam.Progress, error) { return kam.Progress{Snapshot: kam.Snapshot{Version: 1}}, nil })
			b.has(t, tt.name, vat)
			b.inCase(t, "k", tt.cleared)
			b.lists(t, tt.line)
			got, err := b.Rescreen(t.Context())
			require.NoError(t, err)
			require.Equal(t, 1, got.Hits)
			require.Equal(t, tt.want, b.coverage(t))
			require.Equal(t, tt.want == customerdb.CoverageStopped, got.Opened == 1)
		})
	}
}

// waivedThen leaves what an early release kept of a hit that was accepted.
func waivedThen(tx *casedb.Tx, ref string) error {
	f := kam.Finding{RuleID: "VS02", Severity: kam.SeverityReview, Field: "screening", Message: "screening: possible hit: " + ref + " [VS02]; compliance decides"}
	if err := tx.SaveFindings([]kam.Finding{f}); err != nil {
		return err
	}
	return tx.Waive(func(kam.Finding) bool { return true }, "comp", "another company")
}

// TestHitThatComesBack: the line is taken off the list, the customer is called on
// again, and the line is there again.
func TestHitThatComesBack(t *testing.T) {
	t.Parallel()
	started := func() (kam.Progress, error) { return kam.Progress{Snapshot: kam.Snapshot{Version: 1}}, nil }
	b := setup(t, started, started, started)
	b.has(t, "Nordlicht Handel GmbH")
	line := accessdb.BlockedParty{Ref: "BL-1", Name: "Nordlicht Handel", Country: "DE"}
	rescreen := func(opened int) {
		t.Helper()
		got, err := b.Rescreen(t.Context())
		require.NoError(t, err)
		require.Equal(t, opened, got.Opened)
	}
	b.lists(t, line)
	rescreen(1)
	rescreen(0)
	b.lists(t)
	rescreen(0)
	b.has(t, "Nordlicht Handel GmbH") // its review is done
	require.Equal(t, "B", b.coverage(t))
	b.lists(t, line)
	rescreen(1)
	require.Equal(t, customerdb.CoverageStopped, b.coverage(t))
	rescreen(0)
	confirmed := line
	confirmed.Identifiers = []accessdb.PartyIdentifier{{Scheme: kam.SchemeVATEU, Value: "DE136695976"}}
	b.lists(t, confirmed)
	rescreen(0)
	b.has(t, "Nordlicht Handel GmbH", kam.Identifier{Scheme: kam.SchemeVATEU, Value: "DE136695976"})
	rescreen(1)
}

// TestRequestsForACustomer: who may request what for whom, before there is a
// case.
func TestRequestsForACustomer(t *testing.T) {
	t.Parallel()
	b := setup(t, func() (kam.Progress, error) { return kam.Progress{Snapshot: kam.Snapshot{Version: 1}}, nil })
	ctx := t.Context()
	d := kam.RequestData{ScreeningData: kam.ScreeningData{LegalName: "Bestand GmbH", CountryCode: "DE"}}
	require.NoError(t, b.store.Customers.Load(ctx, storetest.Act(), []customerdb.BookCustomer{{CustomerNo: "C-1", Territory: "G", OwnerID: "rep", Data: d, Keys: parties.Keys(d)}}))
	ask := func(key string, typ kam.CaseType, by kam.UserID, customer string, trigger kam.ReviewTrigger) kam.Code {
		_, err := b.Start(ctx, casedb.Request{Key: key, Type: typ, Requester: by, CustomerNo: customer, Trigger: trigger})
		return kam.CodeOf(err)
	}
	require.Equal(t, kam.Invalid, ask("1", kam.Modify, "rep", "", ""))
	require.Equal(t, kam.TargetInvalid, ask("2", kam.Modify, "rep", "C-9", ""))
	require.Equal(t, kam.TargetInvalid, ask("3", kam.Reactivate, "rep", "C-1", ""))
	require.Equal(t, kam.Invalid, ask("4", "ELSE", "rep", "C-1", ""))
	require.Equal(t, kam.Invalid, ask("5", kam.Reclassify, "boss", "C-1", ""))
	require.Equal(t, kam.Forbidden, ask("6", kam.Reclassify, "rep", "C-1", kam.ReviewAsked), "a review is asked for by managers")
	require.Empty(t, ask("7", kam.Reclassify, "boss", "C-1", kam.ReviewAsked))
	require.Empty(t, ask("8", kam.Modify, "rep", "C-1", ""))
	require.Empty(t, ask("8", kam.Modify, "rep", "C-1", ""), "the same request again")
}
