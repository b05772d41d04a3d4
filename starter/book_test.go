package main

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/kamflow/kamflow/internal/term"
	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/service"
	bookdb "github.com/kamflow/kamflow/store/book"
)

// bookDesk is a system that knows batches only.
type bookDesk struct {
	service.Service
	batch    kam.BatchSnapshot
	key      string
	rows     []bookdb.Row
	facts    int
	findings []kam.BatchFinding
	plOnly   bool
	asked    int
	acts     []kam.BatchAct
	err      error
}

func (d *bookDesk) Upload(_ context.Context, _ service.Principal, u bookdb.Upload, plOnly bool) (kam.BatchSnapshot, bool, error) {
	if d.err != nil {
		return kam.BatchSnapshot{}, false, d.err
	}
	if d.key == u.Key {
		return d.batch, false, nil
	}
	d.key, d.plOnly = u.Key, plOnly
	if u.Rows != nil {
		for r, err := range u.Rows {
			if err != nil {
				return kam.BatchSnapshot{}, false, err
			}
			d.rows = append(d.rows, r)
		}
	}
	if u.Facts != nil {
		for _, err := range u.Facts {
			if err != nil {
				return kam.BatchSnapshot{}, false, err
			}
			d.facts++
		}
	}
	d.findings = u.Findings()
	d.batch = kam.BatchSnapshot{No: "B-000001", State: kam.BatchUploaded, Uploader: u.By, Content: u.Content, Counts: kam.BatchCounts{Rows: len(d.rows), Facts: d.facts}, UploadedAt: noon, UpdatedAt: noon}
	return d.batch, true, nil
}

// Batch is checked at the second look.
func (d *bookDesk) Batch(context.Context, service.Principal, kam.BatchNo) (kam.BatchSnapshot, error) {
	if d.asked++; d.asked > 1 && d.batch.State == kam.BatchUploaded {
		d.batch.State, d.batch.Digest = kam.BatchChecked, strings.Repeat("ab", 32)
		d.batch.Counts.Ready, d.batch.Counts.Refused = len(d.rows)-1, 1
		d.batch.Scopes = []kam.BatchScopeState{
			{Node: "AT", Counts: kam.BatchCounts{Ready: 1}, Task: &kam.Task{Assignees: []kam.UserID{"oskar.country"}}},
			{Node: "DE", Counts: kam.BatchCounts{Ready: 1, Facts: d.facts}, Task: &kam.Task{Assignees: []kam.UserID{"nora.country"}, Deadlines: []kam.Deadline{{Kind: kam.DueRemind, At: noon}}}},
		}
	}
	return d.batch, nil
}

func (d *bookDesk) Batches(context.Context, service.Principal, int) ([]kam.BatchSnapshot, error) {
	if d.batch.No == "" {
		return nil, nil
	}
	return []kam.BatchSnapshot{d.batch}, nil
}

func (d *bookDesk) BatchFindings(_ context.Context, _ service.Principal, _ kam.BatchNo, limit int) ([]kam.BatchFinding, error) {
	return d.findings, nil
}

func (d *bookDesk) BatchOutcomes(context.Context, service.Principal, kam.BatchNo) ([]bookdb.Outcome, error) {
	var all []bookdb.Outcome
	for _, r := range d.rows {
		all = append(all, bookdb.Outcome{Row: r.No, CustomerNo: r.CustomerNo, Outcome: r.ReadAs})
	}
	return all, nil
}

func (d *bookDesk) BatchProposals(context.Context, service.Principal, kam.BatchNo) ([]kam.BatchProposal, error) {
	if d.batch.State != kam.BatchApplied {
		return nil, nil
	}
	return []kam.BatchProposal{{Group: "ALSTER", Name: "Alsterblick", Change: kam.ShiftPromote, Proposed: kam.TierRegional, Score: 7000, Potential: kam.NewMoney(630000, "EUR")}}, nil
}

func (d *bookDesk) ConfirmBatch(_ context.Context, who service.Principal, _ kam.BatchNo, act kam.BatchAct) (kam.BatchSnapshot, error) {
	act.By = who.User()
	d.acts = append(d.acts, act)
	if err := act.CheckConfirm(d.batch); err != nil {
		return d.batch, err
	}
	d.batch.Scope(act.Scope).ConfirmedBy = act.By
	return d.batch, d.err
}

func (d *bookDesk) CancelBatch(_ context.Context, who service.Principal, _ kam.BatchNo, act kam.BatchAct) (kam.BatchSnapshot, error) {
	act.By = who.User()
	d.acts = append(d.acts, act)
	if err := act.CheckCancel(d.batch); err != nil {
		return d.batch, err
	}
	d.batch.State, d.batch.Reason = kam.BatchCancelled, act.Reason
	return d.batch, nil
}

func (d *bookDesk) Close() {}

func bookRun(t *testing.T, d *bookDesk, input string, args ...string) result {
	t.Helper()
	t.Setenv("KAM_AS", "zoe")
	var o, e bytes.Buffer
	a := newApp(strings.NewReader(input), &o, &e)
	a.screen = term.Screen{Out: &o, Zone: time.UTC}
	a.now = func() time.Time { return noon }
	a.ask = input != ""
	a.connect = func(context.Context, *app) (service.Service, error) { return d, nil }
	return result{a.run(t.Context(), args), o.String(), e.String()}
}

const bookRows = "customer_no,legal_name,country_code\nC-1,Nord Werk,DE\nC-2,Süd Werk,AT\n,Ohne Nummer,DE\n"

func TestImportAsBook(t *testing.T) {
	d := &bookDesk{}
	file, sales := importFixture(t, "book.csv", bookRows), importFixture(t, "sales.csv", "account_no,month,currency,net_revenue\nC-1,2026-01,EUR,10\n")
	out := filepath.Join(t.TempDir(), "result.csv")
	args := []string{"import", "--as", "vera.steward", "--as-book", file, "--sales", sales, "--result", out}
	r := bookRun(t, d, "", args...)
	require.Equal(t, exitRefused, r.status, r.err)
	require.Equal(t, "book-"+d.batch.Content[:32], d.key)
	require.Len(t, d.rows, 3)
	require.Equal(t, 1, d.facts)
	require.False(t, d.plOnly)
	for _, want := range []string{"B-000001", "CHECKED", "DE", "nora.country", "IB01", "give every customer its own number", "abababababab"} {
		require.Contains(t, r.out, want)
	}
	written, err := os.ReadFile(out)
	require.NoError(t, err)
	require.Contains(t, string(written), "customer_no,legal_name,country_code,batch_no,outcome,findings\nC-1,Nord Werk,DE,B-000001,READY,\n")
	require.Contains(t, string(written), "REFUSED,ERROR IB01 customer_no")

	r = bookRun(t, d, "", args...)
	require.Contains(t, r.out, "These files are batch B-000001 already")
	require.Len(t, d.rows, 3, "the same files are the same batch")

	r = bookRun(t, d, "", append(args, "--json")...)
	var got batchJSON
	require.NoError(t, json.Unmarshal([]byte(r.out), &got))
	require.Equal(t, kam.BatchNo("B-000001"), got.No)
	require.Len(t, got.Findings, 1)
	require.Equal(t, out, got.Result)
}

func TestImportAsBookWithoutTheSystem(t *testing.T) {
	d := &bookDesk{}
	file := importFixture(t, "book.csv", bookRows)
	r := bookRun(t, d, "", "import", "--as-book", file, "--dry-run")
	require.Equal(t, exitRefused, r.status)
	require.Empty(t, d.key)
	require.Contains(t, r.out, "Dry run")
	require.Contains(t, r.out, "IB01")
	r = bookRun(t, d, "", "import", "--as-book", file, "--dry-run", "--json")
	require.Contains(t, r.out, `"dry_run": true`)

	for _, args := range [][]string{
		{"import", file, "--sales", file},
		{"import", "--as", "x"},
		{"import", "--as", "x", "--as-book"},
		{"import", "--as", "x", "--as-book", "nowhere.csv"},
		{"import", "--as", "x", "--as-book", importFixture(t, "cut.csv", "customer_no,legal_name\nC-1,We")},
		{"import", "--as", "x", "--as-book", file, "--defaults", file},
		{"batch", "show"},
	} {
		r := bookRun(t, d, "", args...)
		require.Equal(t, exitUsage, r.status, args)
		require.NotEmpty(t, r.err)
	}
	d.err = kam.Errorf(kam.Forbidden, "rep.south may not upload")
	require.Equal(t, exitRefused, bookRun(t, d, "", "import", "--as", "rep.south", "--as-book", file).status)
	d.err = kam.Errorf(kam.IDReused, "the key stands for another batch")
	require.Equal(t, exitUsage, bookRun(t, d, "", "import", "--as", "x", "--as-book", file, "--key", "k").status)
}

func TestBatchVerbs(t *testing.T) {
	d := &bookDesk{}
	require.Contains(t, bookRun(t, d, "", "batch", "list").out, "No book was imported yet.")
	bookRun(t, d, "", "import", "--as", "vera.steward", "--as-book", importFixture(t, "book.csv", bookRows))
	require.Contains(t, bookRun(t, d, "", "batch", "list").out, "AT, DE")
	require.Contains(t, bookRun(t, d, "", "batch", "show", "B-000001").out, "oskar.country")

	r := bookRun(t, d, "", "batch", "confirm", "B-000001", "--as", "nora.country")
	require.Equal(t, exitUsage, r.status, "a program says what it has seen")
	require.Contains(t, r.err, "--expect")
	r = bookRun(t, d, "no\n", "batch", "confirm", "B-000001", "--as", "nora.country")
	require.Equal(t, exitUsage, r.status)
	require.Contains(t, r.out, "Do you confirm batch B-000001 for DE (check abababababab)?")
	require.Empty(t, d.acts)
	r = bookRun(t, d, "", "batch", "confirm", "B-000001", "--as", "greta.global", "--expect", "current")
	require.Equal(t, exitUsage, r.status, "two scopes wait, none of them for her")
	require.Contains(t, r.err, "AT, DE")
	r = bookRun(t, d, "", "batch", "confirm", "B-000001", "--as", "vera.steward", "--scope", "DE", "--expect", "current")
	require.Equal(t, exitRefused, r.status)
	require.Contains(t, r.err, "SOD1")
	r = bookRun(t, d, "", "batch", "confirm", "B-000001", "--as", "nora.country", "--expect", "0000000000")
	require.Equal(t, exitRefused, r.status)
	r = bookRun(t, d, "yes\n", "batch", "confirm", "B-000001", "--as", "nora.country")
	require.Equal(t, exitDone, r.status, r.err)
	require.Contains(t, r.out, "It still waits for AT.")
	require.Equal(t, "DE", d.acts[len(d.acts)-1].Scope)
	r = bookRun(t, d, "", "batch", "confirm", "B-000001", "--as", "oskar.country", "--expect", "abababababab", "--json")
	require.Equal(t, exitDone, r.status, r.err)
	require.Contains(t, r.out, `"decision_id"`)

	r = bookRun(t, d, "", "batch", "cancel", "B-000001", "--as", "vera.steward")
	require.Equal(t, exitRefused, r.status)
	r = bookRun(t, d, "", "batch", "cancel", "B-000001", "--as", "vera.steward", "--reason", "wrong file")
	require.Equal(t, exitDone, r.status)
	require.Contains(t, r.out, "CANCELLED")

	d.batch.State = kam.BatchApplied
	d.batch.Result = kam.BatchResult{Created: 2, Nominees: 1, ABC: map[kam.ABCClass]int{"A": 2}}
	r = bookRun(t, d, "", "batch", "show", "B-000001")
	for _, want := range []string{"customers created", "groups that newly qualify", "Alsterblick", "REGIONAL", "class A"} {
		require.Contains(t, r.out, want)
	}
}

// TestFindingsOfABook: errors come first, one a row; a warning that every row
// has is one line.
func TestFindingsOfABook(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "customers.csv")
	file := "customer_no,legal_name,country_code,employees\n"
	for i := range 30 {
		file += "C-" + itoa(i) + ",Nord Werk " + itoa(i) + ",DE,\n"
	}
	file += "C-99,Nord Werk 99,DE,many\n"
	require.NoError(t, os.WriteFile(path, []byte(file), 0o600))
	got := startOn(t, &bookDesk{}, "", false, "import", path, "--as-book", "--dry-run", "--json")
	var out struct{ Findings []kam.BatchFinding }
	require.NoError(t, json.Unmarshal([]byte(got.out), &out))
	require.Equal(t, kam.SeverityError, out.Findings[0].Severity)

	var shown bytes.Buffer
	a := newApp(strings.NewReader(""), &shown, &shown)
	findings := []kam.BatchFinding{{File: "customers", Row: 31, Column: "owner_id", Rule: "BK03", Severity: kam.SeverityError, Message: strings.Repeat("long words ", 40)}}
	for i := range 30 {
		findings = append(findings, kam.BatchFinding{File: "customers", Row: i + 1, Column: "city", Rule: "VF01", Severity: kam.SeverityWarning, Message: "required and not given", Remedy: "give it"})
	}
	a.printFindings(findings)
	require.Equal(t, 1, strings.Count(shown.String(), "required and not given"))
	require.Regexp(t, `(?m)^ *30  customers  VF01 +city +1  required and not given; give it$`, shown.String())
	require.Less(t, strings.Index(shown.String(), "BK03"), strings.Index(shown.String(), "VF01"))
	for _, line := range strings.Split(shown.String(), "\n") {
		require.LessOrEqual(t, len(line), 120)
	}
}
