package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kamflow/kamflow/internal/importer"
	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/rules"
	"github.com/kamflow/kamflow/service"
	casedb "github.com/kamflow/kamflow/store/onboarding"
)

// importDesk is a system that only starts cases.
type importDesk struct {
	service.Service
	mu    sync.Mutex
	cases map[string]kam.Snapshot
	told  map[string][]kam.Finding // what went with the rows into their cases, by name
	down  int                      // from this case on it does not answer; 0 is never
}

func (d *importDesk) Start(_ context.Context, who service.Principal, r casedb.Request) (service.Started, error) {
	r.Requester = who.User()
	d.mu.Lock()
	defer d.mu.Unlock()
	if s, ok := d.cases[r.Key]; ok {
		return service.Started{CaseNo: s.CaseNo, Progress: kam.Progress{Snapshot: s}}, nil
	}
	if d.down > 0 && len(d.cases)+1 >= d.down {
		return service.Started{}, errors.New("connection refused")
	}
	if strings.Contains(r.Data.LegalName, "Fremd") {
		return service.Started{}, kam.Errorf(kam.Forbidden, "not your territory")
	}
	s := kam.Snapshot{CaseNo: kam.CaseNo(fmt.Sprintf("KAM-2026-%06d", len(d.cases)+1)), State: kam.AwaitingConfirmation, Requester: r.Requester}
	if s.MissingFields = rules.Missing(r.Data, kam.Screening); len(s.MissingFields) > 0 {
		s.State = kam.DataEntry
	}
	d.cases[r.Key] = s
	if d.told != nil {
		d.told[r.Data.LegalName] = r.Findings
	}
	return service.Started{CaseNo: s.CaseNo, Created: true, Progress: kam.Progress{Snapshot: s}}, nil
}

func (d *importDesk) Close() {}

func importRun(t *testing.T, d *importDesk, args ...string) (st int, out, errs string) {
	t.Helper()
	var o, e bytes.Buffer
	a := newApp(strings.NewReader(""), &o, &e)
	a.connect = func(context.Context, *app) (service.Service, error) { return d, nil }
	st = a.run(t.Context(), append([]string{"import", "--as", "vera.steward"}, args...))
	return st, o.String(), e.String()
}

func importFixture(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	return path
}

const importRows = "row_ref,legal_name,country,city,postal_code,annual_revenue,revenue_currency,industry\n" +
	"A1,Nord Pumpen AG,DE,Köln,50667,100000000,EUR,Steel\n" +
	"A2,Süd Pumpen AG,DE,,80331,,,Steel\n" +
	"A3,Ost Pumpen AG,QQ,Linz,4020,,,\n"

func TestImport(t *testing.T) {
	t.Parallel()
	d := &importDesk{cases: map[string]kam.Snapshot{}}
	file := importFixture(t, "in.csv", importRows)
	result := filepath.Join(t.TempDir(), "out.csv")
	defaults := filepath.Join("..", "config", "sample", "import_defaults.json")

	st, out, errs := importRun(t, d, file, "--defaults", defaults, "--result", result)
	require.Equal(t, exitRefused, st, errs)
	require.Len(t, d.cases, 2)
	require.Contains(t, out, "AWAITING_CONFIRMATION")
	require.Contains(t, out, "DATA_ENTRY")
	require.Contains(t, out, "VA01 country_code")

	// The result file is the same import again.
	st, out, _ = importRun(t, d, result, "--defaults", defaults, "--result", result)
	require.Equal(t, exitRefused, st)
	require.Len(t, d.cases, 2)
	require.Contains(t, out, "started before")
	written, err := os.ReadFile(result)
	require.NoError(t, err)
	require.Contains(t, string(written), "KAM-2026-00000")
	require.Equal(t, 1, strings.Count(strings.SplitN(string(written), "\n", 2)[0], "case_no"))
}

func TestImportDryRunStartsNothing(t *testing.T) {
	t.Parallel()
	d := &importDesk{cases: map[string]kam.Snapshot{}}
	st, out, _ := importRun(t, d, importFixture(t, "in.csv", importRows), "--dry-run", "--json")
	require.Equal(t, exitRefused, st)
	require.Empty(t, d.cases)
	var got struct {
		Summary importer.Summary     `json:"summary"`
		Rows    []importer.RowResult `json:"rows"`
	}
	require.NoError(t, json.Unmarshal([]byte(out), &got))
	require.True(t, got.Summary.DryRun)
	require.Equal(t, 3, got.Summary.Rows)
	require.Equal(t, 1, got.Summary.Refused)
	require.Len(t, got.Rows, 3)
}

func TestImportRefusesADamagedFile(t *testing.T) {
	t.Parallel()
	d := &importDesk{cases: map[string]kam.Snapshot{}}
	st, _, errs := importRun(t, d, importFixture(t, "in.csv", importRows[:len(importRows)-1]))
	require.Equal(t, exitUsage, st)
	require.Contains(t, errs, "nothing was started")
	require.Contains(t, errs, "may be cut off")
	require.Empty(t, d.cases)
}

func TestImportBreaksOffAndGoesOn(t *testing.T) {
	t.Parallel()
	var rows strings.Builder
	rows.WriteString("row_ref,legal_name,country\n")
	for i := range 30 {
		fmt.Fprintf(&rows, "R%d,Kunde %d AG,DE\n", i, i)
	}
	file := importFixture(t, "in.csv", rows.String())
	d := &importDesk{cases: map[string]kam.Snapshot{}, down: 11}
	st, out, errs := importRun(t, d, file, "--concurrency", "3")
	require.Equal(t, exitUnreachable, st)
	require.Contains(t, errs, "connection refused")
	require.Contains(t, out, "20 rows were not started")
	require.Len(t, d.cases, 10)

	d.down = 0
	st, _, errs = importRun(t, d, file)
	require.Equal(t, exitDone, st, errs)
	require.Len(t, d.cases, 30)
}

func TestImportShowsWhatTheProcessRefused(t *testing.T) {
	t.Parallel()
	d := &importDesk{cases: map[string]kam.Snapshot{}}
	st, out, _ := importRun(t, d, importFixture(t, "in.csv", "legal_name,country\nFremd AG,DE\nEigen AG,DE\n"))
	require.Equal(t, exitRefused, st)
	require.Contains(t, out, "not your territory")
	require.Len(t, d.cases, 1)
}

func TestImportUsage(t *testing.T) {
	t.Parallel()
	d := &importDesk{cases: map[string]kam.Snapshot{}}
	st, _, _ := importRun(t, d, "no-such-file.csv")
	require.Equal(t, exitUsage, st)
	st, _, _ = importRun(t, d, importFixture(t, "in.csv", importRows), "--concurrency", "0")
	require.Equal(t, exitUsage, st)
	st, _, _ = importRun(t, d, importFixture(t, "in.csv", importRows), "--defaults", importFixture(t, "d.json", `{"colour": 1}`))
	require.Equal(t, exitUsage, st)
}

// TestImportTellsWhatItLeavesOut: a value that a row was accepted without is
// counted on the screen, and its case has it.
func TestImportTellsWhatItLeavesOut(t *testing.T) {
	t.Parallel()
	d := &importDesk{cases: map[string]kam.Snapshot{}, told: map[string][]kam.Finding{}}
	file := importFixture(t, "in.csv", "sep=;\r\nlegal_name;country;city;postal_code;declared_potential;website\r\n"+
		"Nord Pumpen AG;Germany;Köln;5066;140.000;n/a\r\n;;;;;\r\nSüd Pumpen AG;Italy;Roma;00184;1.500;\r\nOst Pumpen AG;Congo;Brazzaville;;;\r\nWest Pumpen AG;Korea;Seoul;;;\r\n;;;;;\r\n")
	for _, args := range [][]string{{file, "--dry-run"}, {file}} {
		st, out, errs := importRun(t, d, args...)
		require.Equal(t, exitRefused, st, errs)
		flat := strings.Join(strings.Fields(out), " ")
		require.Contains(t, flat, "in the file 4")
		require.Contains(t, flat, "2 VA01 country_code 3 \"Congo\" is not a country; give an ISO 3166-1 alpha-2 code")
		require.Contains(t, flat, "2 VF02 declared_potential 1 \"140.000\" has 3 decimals, and EUR has 2: thousands or a slip; the value is left out;")
		require.Contains(t, flat, "1 VA02 postal_code 1 \"5066\" does not fit the postal codes of DE; the value is left out;")
		require.Contains(t, flat, "1 VF02 website 1 \"n/a\" cannot be read; the value is left out;")
	}
	require.Len(t, d.told["Nord Pumpen AG"], 3)
	require.Len(t, d.told["Süd Pumpen AG"], 1)
	require.Contains(t, d.told["Süd Pumpen AG"][0].Message, "\"1.500\" has 3 decimals")
}
