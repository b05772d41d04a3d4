package client_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/kamflow/kamflow/client"
	"github.com/kamflow/kamflow/internal/parties"
	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/store"
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
		require.NoError(t, b.store.LoadCustomers(ctx, []store.BookCustomer{{CustomerNo: no, Territory: "G", Coverage: "B", Data: d, Keys: parties.Keys(d)}}))
	}
	require.NoError(t, storetest.LoadOrg(ctx, b.store, store.Org{BlockedParties: []store.BlockedParty{{Ref: "BL-1", Name: "Nordlicht Handel", Country: "DE"}}}))
	b.fake.answers = []func() (kam.Progress, error){func() (kam.Progress, error) { return kam.Progress{Snapshot: kam.Snapshot{Version: 1}}, nil }}

	for range 2 {
		got, err := b.Rescreen(ctx)
		require.NoError(t, err)
		require.Equal(t, 1, got.Hits)
	}
	require.Len(t, b.fake.starts, 1, "a hit that is known opens no second case")
	for no, want := range map[string]string{"C-1": store.CoverageStopped, "C-2": "B", "C-3": "B"} {
		c, err := b.store.Customer(ctx, no)
		require.NoError(t, err)
		require.Equal(t, want, c.Coverage, no)
	}
	trail, err := b.store.TrailOf(ctx, "customer/C-1")
	require.NoError(t, err)
	require.Len(t, trail, 1)
	require.Equal(t, kam.EventCoverageStopped, trail[0].Type)
	cases, err := b.store.Cases(ctx, store.Filter{Customer: "C-1"})
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
	require.NoError(t, b.store.LoadCustomers(ctx, []store.BookCustomer{{CustomerNo: "C-1", Territory: "G", Coverage: "B", Data: d, Keys: parties.Keys(d)}}))
	require.NoError(t, storetest.LoadOrg(ctx, b.store, store.Org{BlockedParties: []store.BlockedParty{{Ref: "BL-1", Name: "Nordlicht Handel", Country: "DE"}}}))
	no, _, err := b.store.AllotCase(ctx, store.Request{Key: "k", Type: kam.NewCase, Requester: "rep", Data: d})
	require.NoError(t, err)
	_, err = b.store.Effect(ctx, store.Effect{CaseNo: no, Key: "seq/1", Digest: "x", At: time.Now()}, func(_ context.Context, tx *store.Tx) error {
		tx.Case.CommittedAs = "C-1"
		tx.Log(kam.AuditEvent{Type: kam.EventComplianceDecided})
		return tx.SaveFact(store.FactCleared, "BL-1")
	})
	require.NoError(t, err)
	got, err := b.Rescreen(ctx)
	require.NoError(t, err)
	require.Equal(t, client.Rescreened{Hits: 1}, got)
	c, err := b.store.Customer(ctx, "C-1")
	require.NoError(t, err)
	require.Equal(t, "B", c.Coverage)
}

// TestRequestsForACustomer: who may request what for whom, before there is a
// case.
func TestRequestsForACustomer(t *testing.T) {
	t.Parallel()
	b := setup(t, func() (kam.Progress, error) { return kam.Progress{Snapshot: kam.Snapshot{Version: 1}}, nil })
	ctx := t.Context()
	d := kam.RequestData{ScreeningData: kam.ScreeningData{LegalName: "Bestand GmbH", CountryCode: "DE"}}
	require.NoError(t, b.store.LoadCustomers(ctx, []store.BookCustomer{{CustomerNo: "C-1", Territory: "G", OwnerID: "rep", Data: d, Keys: parties.Keys(d)}}))
	ask := func(key string, typ kam.CaseType, by kam.UserID, customer string, trigger kam.ReviewTrigger) kam.Code {
		_, err := b.Start(ctx, store.Request{Key: key, Type: typ, Requester: by, CustomerNo: customer, Trigger: trigger})
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
