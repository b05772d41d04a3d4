package e2e

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kamflow/kamflow/config/sample"
	"github.com/kamflow/kamflow/internal/importer"
	"github.com/kamflow/kamflow/kam"
)

// The import of the open customer list: who imports it, how many cases are in
// flight, and after how many the first run is interrupted.
const (
	importedBy  = kam.UserID("tilda.kam")
	inFlight    = 8
	interruptAt = 100
)

// TestImportOpenData imports 500 real companies of which most lack most of
// what the process asks for: each row ends classified, rejected or parked with
// findings that say why, as the golden file says.
func TestImportOpenData(t *testing.T) {
	data := openData(t, "onboarding_open")
	expected := expectedImport(t, data)
	batch := planOpen(t, data, nil)
	checkPlan(t, batch, expected)

	h := open(t, pgtestDir(t))
	defer h.close(t)
	h.furnish(t)

	first := h.importInterrupted(t, batch)
	second := h.importAll(t, batch)
	require.Equal(t, expected.Rows, second.Summary.Started+second.Summary.Existing)
	require.GreaterOrEqual(t, second.Summary.Existing, first.Summary.Started)
	require.LessOrEqual(t, second.Summary.Existing, first.Summary.Started+inFlight, "only what was in flight had started besides")
	sameCases(t, first, second)
	require.Equal(t, expected.Rows, h.count(t, "kam.cases"))

	h.decideAll(t, second)
	ends := h.ends(t, batch, second)
	t.Log("\n" + summary(ends))
	for _, e := range ends {
		require.NotEqual(t, kam.MatchCertain, e.Duplicate, "%s: no two of these companies are one", e.Ref)
	}

	events := h.count(t, "kam.audit")
	third := h.importAll(t, batch)
	require.Zero(t, third.Summary.Started)
	require.Equal(t, expected.Rows, third.Summary.Existing)
	sameCases(t, second, third)
	require.Equal(t, expected.Rows, h.count(t, "kam.cases"))
	require.Equal(t, events, h.count(t, "kam.audit"), "a repeated import says nothing new")

	checkGolden(t, ends)
}

// TestImportOpenDataWithoutRates holds that an amount in a currency that
// nobody gave a rate for is not taken for another one.
func TestImportOpenDataWithoutRates(t *testing.T) {
	data := openData(t, "onboarding_open")
	batch := planOpen(t, data, func(d map[string]json.RawMessage) { delete(d, "rates") })
	named := 0
	for _, r := range batch.Rows {
		if strings.Contains(importer.FindingsText(r.Findings), "no rate for USD") {
			named++
			require.Equal(t, importer.Parked, r.Status, r.Ref)
			require.Nil(t, r.Data.DeclaredPotential, r.Ref)
		}
	}
	require.Equal(t, expectedImport(t, data).Currencies["USD"], named)
}

// checkPlan compares what was read with what is known about the file.
func checkPlan(t *testing.T, b *importer.Batch, want expectation) {
	t.Helper()
	require.Len(t, b.Rows, want.Rows)
	countries := map[string]int{}
	revenues, identifiers := 0, 0
	for _, r := range b.Rows {
		require.NotEqual(t, importer.Refused, r.Status, r.Ref)
		countries[r.Data.CountryCode]++
		if r.Data.AnnualTurnover != nil {
			revenues++
		}
		for _, id := range r.Data.Identifiers {
			identifiers++
			if id.Scheme == kam.SchemeOther {
				require.NotEmpty(t, id.Name, "%s: the name of the register is kept", r.Ref)
			}
		}
	}
	require.Equal(t, want.Countries, countries)
	require.Equal(t, want.Filled["annual_revenue"], revenues)
	require.Equal(t, want.Filled["identifier"], identifiers)
	require.Zero(t, want.DuplicatePairs)
}

// importInterrupted runs an import that is broken off in its midst.
func (h *house) importInterrupted(t *testing.T, b *importer.Batch) importer.Report {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	rep, err := importer.Run(ctx, b, h.starter(), importer.RunOptions{By: importedBy, Concurrency: inFlight, Progress: func(done int) {
		if done == interruptAt {
			cancel()
		}
	}})
	require.ErrorIs(t, err, context.Canceled)
	require.GreaterOrEqual(t, rep.Summary.Started, interruptAt)
	require.Positive(t, rep.Summary.Left)
	return rep
}

func (h *house) importAll(t *testing.T, b *importer.Batch) importer.Report {
	t.Helper()
	rep, err := importer.Run(t.Context(), b, h.starter(), importer.RunOptions{By: importedBy, Concurrency: inFlight})
	require.NoError(t, err)
	require.Zero(t, rep.Summary.Left)
	return rep
}

// sameCases holds that what had a case has the same one.
func sameCases(t *testing.T, before, after importer.Report) {
	t.Helper()
	seen := map[kam.CaseNo]string{}
	for i, r := range after.Rows {
		require.NotEmpty(t, r.CaseNo, r.Ref)
		require.Empty(t, seen[r.CaseNo], "%s shares its case", r.Ref)
		seen[r.CaseNo] = r.Ref
		if before.Rows[i].CaseNo != "" {
			require.Equal(t, before.Rows[i].CaseNo, r.CaseNo, r.Ref)
		}
	}
}

// An expectation is what is known about the file.
type expectation struct {
	Rows           int            `json:"rows"`
	Countries      map[string]int `json:"countries"`
	Currencies     map[string]int `json:"currencies"`
	Filled         map[string]int `json:"filled"`
	DuplicatePairs int            `json:"duplicate_pairs_expected"`
}

func expectedImport(t *testing.T, dir string) (e expectation) {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(dir, "expected_import.json"))
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(b, &e))
	return e
}

// planOpen reads the open list with the sample's defaults, changed as said.
func planOpen(t *testing.T, dir string, change func(map[string]json.RawMessage)) *importer.Batch {
	t.Helper()
	raw, err := fs.ReadFile(sample.FS(), sample.ImportDefaults)
	require.NoError(t, err)
	if change != nil {
		var all map[string]json.RawMessage
		require.NoError(t, json.Unmarshal(raw, &all))
		change(all)
		raw, err = json.Marshal(all)
		require.NoError(t, err)
	}
	defaults, err := importer.ReadDefaults(strings.NewReader(string(raw)))
	require.NoError(t, err)
	f, err := os.Open(filepath.Join(dir, "onboarding_open.csv"))
	require.NoError(t, err)
	defer func() { require.NoError(t, f.Close()) }()
	table, err := importer.Read(f, importer.ReadOptions{})
	require.NoError(t, err)
	return importer.Plan(table, defaults)
}

// openData finds a folder of the open data sets: in KAM_SHARED_DATA, else in
// shared/data of the working directory or above it.
func openData(t *testing.T, name string) string {
	t.Helper()
	root := os.Getenv("KAM_SHARED_DATA")
	wd, err := os.Getwd()
	require.NoError(t, err)
	for dir := wd; root == ""; dir = filepath.Dir(dir) {
		if at := filepath.Join(dir, "shared", "data"); isDir(at) {
			root = at
		}
		if dir == filepath.Dir(dir) {
			break
		}
	}
	if at := filepath.Join(root, name); root != "" && isDir(at) {
		return at
	}
	t.Skipf("SKIPPED, NOT CHECKED: the data set %s is not on this machine; set KAM_SHARED_DATA", name)
	return ""
}

func isDir(name string) bool {
	s, err := os.Stat(name)
	return err == nil && s.IsDir() && !errors.Is(err, fs.ErrNotExist)
}
