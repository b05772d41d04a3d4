package main

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/kamflow/kamflow/internal/text"
	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/customer"
	"github.com/kamflow/kamflow/kam/onboarding"
	"github.com/kamflow/kamflow/service"
	customerdb "github.com/kamflow/kamflow/store/customer"
	"github.com/kamflow/kamflow/store/customer/merge"
	casedb "github.com/kamflow/kamflow/store/onboarding"
)

// clinic is a system with one customer that took another record in.
type clinic struct {
	service.Service
	f      *fake
	view   customerdb.View
	found  []customerdb.Line
	trail  customerdb.Trail
	plan   service.MergePlan
	result merge.Result

	by     kam.UserID
	choice customer.MergeChoice
	merges []merge.Order
	undos  []merge.UndoOrder
	splits []merge.SplitOrder
}

func (c *clinic) Customer(_ context.Context, who service.Principal, _ string) (customerdb.View, error) {
	c.by = who.User()
	return c.view, c.f.err
}

func (c *clinic) Customers(context.Context, service.Principal, customerdb.Filter) ([]customerdb.Line, error) {
	return c.found, c.f.err
}

func (c *clinic) CustomerHistory(context.Context, service.Principal, string) (customerdb.Trail, error) {
	return c.trail, c.f.err
}

func (c *clinic) MergePlan(_ context.Context, _ service.Principal, _, _ string, choice customer.MergeChoice) (service.MergePlan, error) {
	c.choice = choice
	return c.plan, c.f.err
}

func (c *clinic) Merge(_ context.Context, who service.Principal, o merge.Order) (merge.Result, error) {
	o.By = who.User()
	c.merges = append(c.merges, o)
	return c.result, c.f.actErr
}

func (c *clinic) UndoMerge(_ context.Context, who service.Principal, o merge.UndoOrder) (merge.Result, error) {
	o.By = who.User()
	c.undos = append(c.undos, o)
	r := c.result
	r.Undone, r.Stayed = true, []string{"credit_rating", "key account KA-000002"}
	return r, c.f.actErr
}

func (c *clinic) Split(_ context.Context, who service.Principal, o merge.SplitOrder) (merge.Result, error) {
	o.By = who.User()
	c.splits = append(c.splits, o)
	r := c.result
	r.Kind, r.OtherNo = merge.SplitKind, "C-000014"
	return r, c.f.actErr
}

func newClinic() *clinic {
	due, at := noon.AddDate(0, 3, 0), noon.Add(-time.Hour)
	d := request("Nordwind Klinik GmbH")
	d.TradingNames, d.GroupName = []string{"Nordwind Hospital"}, "Nordwind"
	d.Identifiers = []customer.Identifier{{Scheme: "VAT_EU", Value: "DE136695976"}, {Scheme: "DUNS", Value: "812810734", Source: "D&B"}}
	d.Addresses = []customer.Address{{Type: "LEGAL", Line1: "Am Wall 1", City: "Hamburg", PostalCode: "20095", CountryCode: "DE"}, {Type: "VISIT", Line1: "Elbweg 2", City: "Altona", CountryCode: "DE"}}
	d.Contacts = []customer.Contact{{Name: "Ada\u202e Berg", DecisionRole: "DECIDER", Email: "ada@nordwind.example"}}
	lines := []customerdb.MergeLine{{MergeID: "M-000001", Kind: merge.MergeKind, CustomerNo: "C-000012", OtherNo: "C-000013", By: "dora", At: at, Reason: "one clinic"},
		{MergeID: "M-000002", Kind: merge.MergeKind, CustomerNo: "C-000012", OtherNo: "C-000011", By: "dora", At: at, Reason: "wrong", UndoneAt: &noon, UndoneBy: "dirk"}}
	moved := merge.Moved{Identifiers: []string{"DUNS 812810734"}, Addresses: 1, Contacts: 1, Children: []string{"C-000020"}, SalesAccounts: []string{"A7"}, KeyAccounts: []string{"KA-000001"}}
	return &clinic{
		f: &fake{},
		view: customerdb.View{
			Asked: "C-000013", Followed: []string{"C-000013"},
			Customer: customerdb.Customer{CustomerNo: "C-000012", Version: 3, Data: d, GroupID: "G-1", ParentNo: "C-000003", Territory: "DE-N-01", OwnerID: "rita", Status: kam.Active,
				KAStatus: kam.KA, Tier: kam.TierRegional, ReviewDue: &due, Coverage: "A", Segment: json.RawMessage(`{"abc_class":"A","quadrant":"STAR","strategy":"BUILD"}`), UpdatedAt: at},
			KeyAccount:    &customerdb.KeyAccount{No: "KA-000002", Name: "Nordwind", Tier: kam.TierRegional, OwnerID: "kim"},
			SalesAccounts: []string{"A1", "A7"}, Children: []string{"C-000020"},
			Versions:  []customerdb.Version{{Version: 2, By: string(theCase), At: noon.Add(-50 * time.Hour)}, {Version: 3, By: "customer/C-000012", At: at}},
			OpenCases: []casedb.Line{{CaseNo: "KAM-2026-000009", State: onboarding.Deciding}}, Merges: lines,
		},
		found: []customerdb.Line{
			{CustomerNo: "C-000012", Name: "Nordwind Klinik GmbH", City: "Hamburg", Country: "DE", Status: kam.Active, Territory: "DE-N-01", OwnerID: "rita", GroupID: "G-1", Tier: kam.TierRegional},
			{CustomerNo: "C-000013", Name: "Nordwind Hospital", City: "Altona", Country: "DE", Status: kam.Absorbed, MergedInto: "C-000012"},
		},
		trail: customerdb.Trail{
			CustomerNo: "C-000012", Records: []string{"C-000012", "C-000013"},
			Events: []kam.AuditEvent{{CaseNo: "customer/C-000012", Seq: 1, At: at, Actor: "dora", Type: kam.EventCustomerMerged, ReasonCode: "M-000001", Text: "C-000013 was merged into C-000012: one clinic"}},
			Cases:  []casedb.Line{{CaseNo: theCase, CustomerNo: "C-000013", Type: kam.NewCase, State: onboarding.Completed, Outcome: onboarding.AddedKA, Requester: "rita", OpenedAt: noon.Add(-60 * time.Hour)}},
		},
		plan: service.MergePlan{Survivor: "C-000012", SurvivorVersion: 2, Absorbed: "C-000013", AbsorbedVersion: 4, MergePlan: customer.MergePlan{
			GroupID: "G-1", Dropped: []customer.Identifier{{Scheme: "VAT_EU", Value: "DE129273398"}},
			Fields: []customer.MergeField{
				{Field: "legal_name", Survivor: "Nordwind Klinik GmbH", Absorbed: "Nordwind Hospital", Merged: "Nordwind Klinik GmbH", From: customer.FromSurvivor},
				{Field: "trading_names", Merged: "Nordwind Hospital", From: customer.FromBoth},
				{Field: "website", Absorbed: "https://hospital.example", Merged: "https://hospital.example", From: customer.FromAbsorbed},
			},
		}},
		result: merge.Result{MergeID: "M-000001", Kind: merge.MergeKind, CustomerNo: "C-000012", Version: 3, OtherNo: "C-000013", OtherVersion: 4, GroupID: "G-1", Moved: moved},
	}
}

func (c *clinic) Close() {}

// customer runs a line on the clinic.
func customerNo(t *testing.T, c *clinic, input string, asked bool, args ...string) result {
	t.Helper()
	c.Service = system{service.New(c.f.kept(), nil, ""), c.f}
	return startOn(t, c, input, asked, append([]string{"customer"}, args...)...)
}

func TestCustomerTables(t *testing.T) {
	dir := testdata(t)
	file := filepath.Join(t.TempDir(), "split.json")
	require.NoError(t, os.WriteFile(file, []byte(`{"legal_name":"Elbklinik","identifiers":[{"scheme":"DUNS","value":"812810734"}],"addresses":[2],"sales_accounts":["A7"]}`), 0o600))
	merge := []string{"merge", "C-000012", "C-000013", "--as", "dora", "--reason", "one clinic", "--decision-id", "d-1"}
	for _, tt := range []struct {
		file string
		args []string
	}{
		{"customer_show.txt", []string{"show", "C-000013", "--as", "dora"}},
		{"customer_show.json", []string{"show", "C-000013", "--as", "dora", "--json"}},
		{"customer_find.txt", []string{"find", "nordwind", "--as", "dora"}},
		{"customer_history.txt", []string{"history", "C-000012", "--as", "dora"}},
		{"customer_plan.txt", []string{"merge", "C-000012", "C-000013", "--as", "dora", "--dry-run"}},
		{"customer_plan.json", []string{"merge", "C-000012", "C-000013", "--as", "dora", "--dry-run", "--json"}},
		{"customer_merged.txt", merge},
		{"customer_merged.json", append(merge, "--json")},
		{"customer_undone.txt", []string{"split", "C-000012", "--undo", "M-000001", "--as", "dora", "--reason", "two"}},
		{"customer_split.txt", []string{"split", "C-000012", "-f", file, "--as", "dora", "--reason", "two"}},
	} {
		t.Run(tt.file, func(t *testing.T) {
			got := customerNo(t, newClinic(), "", false, tt.args...)
			require.Zero(t, got.status, got.err)
			golden(t, dir, tt.file, got.out)
		})
	}
}

// TestMergeOrders: what a person types is what the service is told.
func TestMergeOrders(t *testing.T) {
	c := newClinic()
	got := customerNo(t, c, "", false, "merge", "C-000012", "C-000013", "--as", "dora", "--reason", "one", "--take", "legal_name,website",
		"--keep", "vat_eu=DE136695976", "--group", "G-1", "--expect", "2,4", "--decision-id", "d-9")
	require.Zero(t, got.status, got.err)
	require.Equal(t, []merge.Order{{
		Survivor: "C-000012", Absorbed: "C-000013", ExpectSurvivor: 2, ExpectAbsorbed: 4, Reason: "one", By: "dora", DecisionID: "d-9",
		Choice: customer.MergeChoice{Take: []string{"legal_name", "website"}, Keep: []customer.Identifier{{Scheme: "VAT_EU", Value: "DE136695976"}}, Group: "G-1"},
	}}, c.merges)

	// A person at a terminal sees the plan and is asked; what he saw is what he
	// decides on.
	got = customerNo(t, c, "yes\n", true, "merge", "C-000012", "C-000013", "--as", "dora", "--reason", "one")
	require.Zero(t, got.status, got.err)
	require.Contains(t, got.out, "would give")
	require.Equal(t, 4, c.merges[1].ExpectAbsorbed)
	require.NotEmpty(t, c.merges[1].DecisionID)
	got = customerNo(t, c, "no\n", true, "merge", "C-000012", "C-000013", "--as", "dora", "--reason", "one")
	require.Equal(t, exitUsage, got.status)
	require.Len(t, c.merges, 2)

	require.Zero(t, customerNo(t, c, "", false, "split", "C-000012", "--undo", "M-000001", "--expect", "3", "--as", "dora", "--reason", "two").status)
	require.Equal(t, 3, c.undos[0].ExpectVersion)
	require.Zero(t, customerNo(t, c, `{"legal_name":"X","contacts":[1]}`, false, "split", "C-000012", "-f", "-", "--as", "dora", "--reason", "two").status)
	require.Equal(t, []int{1}, c.splits[0].Choice.Contacts)
}

func TestCustomerExitStatus(t *testing.T) {
	refuses := func(code kam.Code) *clinic {
		c := newClinic()
		c.f.err, c.f.actErr = kam.Errorf(code, "no"), kam.Errorf(code, "no")
		return c
	}
	merge := []string{"merge", "C-1", "C-2", "--as", "dora", "--reason", "x"}
	for _, tt := range []struct {
		name string
		c    *clinic
		args []string
		want int
	}{
		{"nobody asks", newClinic(), []string{"show", "C-1", "--as="}, exitUsage},
		{"no number", newClinic(), []string{"show", "--as", "dora"}, exitUsage},
		{"no such verb", newClinic(), []string{"eat"}, exitUsage},
		{"unknown", refuses(kam.NotFound), []string{"show", "C-1", "--as", "dora"}, exitUsage},
		{"not his", refuses(kam.Forbidden), []string{"history", "C-1", "--as", "rep"}, exitRefused},
		{"stale", refuses(kam.StaleRevision), merge, exitRefused},
		{"an open case", refuses(kam.OpenCaseExists), merge, exitRefused},
		{"not confirmed", refuses(kam.Unreachable), merge, exitUnreachable},
		{"a keep without a value", newClinic(), append(merge, "--keep", "VAT_EU"), exitUsage},
		{"one version", newClinic(), append(merge, "--expect", "1"), exitUsage},
		{"neither undo nor file", newClinic(), []string{"split", "C-1", "--as", "dora"}, exitUsage},
		{"both", newClinic(), []string{"split", "C-1", "--as", "dora", "--undo", "M-1", "-f", "x"}, exitUsage},
		{"a key that is unknown", newClinic(), []string{"split", "C-1", "--as", "dora", "-f", "-"}, exitUsage},
		{"too many", newClinic(), []string{"find", "x", "--as", "dora", "--limit", "0"}, exitUsage},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := customerNo(t, tt.c, `{"name":"x"}`, false, tt.args...)
			require.Equal(t, tt.want, got.status, got.out+got.err)
			require.NotEmpty(t, got.err)
		})
	}
	require.Contains(t, customerNo(t, refuses(kam.Unreachable), "", false, append(merge, "--decision-id", "d-7")...).err, "--decision-id d-7")
	require.Contains(t, customerNo(t, &clinic{f: &fake{}}, "", false, "find", "x", "--as", "dora").out, text.English().Say("customer.none"))
}
