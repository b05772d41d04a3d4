package importer

import (
	"context"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/customer"
)

// TestSimilarRowsStartInTheirOrder holds that a row starts after the earlier
// ones that it may be the same customer as, however many are in flight.
func TestSimilarRowsStartInTheirOrder(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	b.WriteString("row_ref,legal_name,country,city,postal_code,address\n")
	for _, n := range []string{"Quellgrund Energie Nord", "Feldmark Reha", "Quellgrund Energie", "Quellgrund Energie Nordost", "Ziegelhof Bau"} {
		b.WriteString(n + "," + n + " GmbH,DE,Kiel,24103,Hafen 1\n")
	}
	batch := Plan(tableOf(t, b.String()), NoDefaults())

	d := newDesk()
	var mu sync.Mutex
	ended := map[string]bool{}
	rep, err := Run(t.Context(), batch, StarterFunc(func(ctx context.Context, c Case) (Started, error) {
		mu.Lock()
		if c.Data.LegalName == "Quellgrund Energie Nordost GmbH" && !(ended["Quellgrund Energie GmbH"] && ended["Quellgrund Energie Nord GmbH"]) {
			t.Errorf("%s did not wait: ended are %v", c.Data.LegalName, ended)
		}
		mu.Unlock()
		s, err := d.StartCase(ctx, c)
		mu.Lock()
		ended[c.Data.LegalName] = true
		mu.Unlock()
		return s, err
	}), RunOptions{By: "rep", Concurrency: 5})
	require.NoError(t, err)
	require.Equal(t, 5, rep.Summary.Started)
}

// TestSystemWithoutPolicyStopsTheImport holds that what stands against all
// rows is told once and refuses none of them.
func TestSystemWithoutPolicyStopsTheImport(t *testing.T) {
	t.Parallel()
	d := newDesk()
	d.fail = func(int) error { return kam.Errorf(kam.NotFound, "no policy is loaded") }
	rep, err := Run(t.Context(), Plan(tableOf(t, rowsCSV(50)), NoDefaults()), d, RunOptions{By: "rep", Concurrency: 3})
	require.ErrorContains(t, err, "no policy is loaded")
	require.Equal(t, 50, rep.Summary.Left)
	require.LessOrEqual(t, d.calls, 3)
}

// TestSeatIsTheLegalAddress holds that the street of a row becomes the LEGAL
// address, and that one of the defaults is nobody's.
func TestSeatIsTheLegalAddress(t *testing.T) {
	t.Parallel()
	table := tableOf(t, "legal_name,country,city,postal_code,address,region\nNord AG,DE,Kiel,24103,Hafen 1,SH\nSüd AG,DE,Ulm,89073,,\n")
	rows := Plan(table, defaultsOf(t, `{"street": "Somewhere 1"}`)).Rows
	require.Equal(t, []customer.Address{{Type: kam.AddressLegal, Line1: "Hafen 1", City: "Kiel", PostalCode: "24103", Region: "SH", CountryCode: "DE"}}, rows[0].Data.Addresses)
	require.Empty(t, rows[1].Data.Addresses)
}
