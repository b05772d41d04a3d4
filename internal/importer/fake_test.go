package importer

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/customer"
	"github.com/kamflow/kamflow/kam/onboarding"
)

// desk is a fake system: a key is a case.
type desk struct {
	mu    sync.Mutex
	cases map[string]Started
	fail  func(n int) error
	calls int
}

func newDesk() *desk { return &desk{cases: map[string]Started{}} }

func (d *desk) StartCase(_ context.Context, c Case) (Started, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.calls++
	if d.fail != nil {
		if err := d.fail(d.calls); err != nil {
			return Started{}, err
		}
	}
	if s, ok := d.cases[c.RequestKey]; ok {
		s.Existing = true
		return s, nil
	}
	state := onboarding.AwaitingConfirmation
	missing := customer.Missing(c.Data, customer.Screening)
	if len(missing) > 0 {
		state = onboarding.DataEntry
	}
	s := Started{CaseNo: kam.CaseNo(fmt.Sprintf("KAM-2026-%06d", len(d.cases)+1)), State: state, Missing: missing}
	d.cases[c.RequestKey] = s
	return s, nil
}

const someDefaults = `{
  "rates": {"USD": "0.92"},
  "customer_kind": "ORGANIZATION", "source_channel": "EXISTING_BASE", "sales_channel": "DIRECT",
  "strategic_fit": "PARTIAL", "credit_rating": "UNKNOWN",
  "justification": "Taken over from the customer list.",
  "declared_potential": {"share_of": "annual_revenue", "pct": 0.01, "cap": 250000, "basis": "ESTIMATE"}
}`

func defaultsOf(t testing.TB, text string) *Defaults {
	t.Helper()
	d, err := ReadDefaults(strings.NewReader(text))
	require.NoError(t, err)
	return d
}

func tableOf(t testing.TB, text string) *Table {
	t.Helper()
	table, err := Read(strings.NewReader(text), ReadOptions{})
	require.NoError(t, err)
	return table
}

func problemsOf(t testing.TB, text string) string {
	t.Helper()
	_, err := Read(strings.NewReader(text), ReadOptions{})
	var fe *FileError
	require.ErrorAs(t, err, &fe)
	require.ErrorIs(t, err, kam.Invalid)
	return err.Error()
}

// rowsCSV is a file of n rows with a field of two lines in some of them.
func rowsCSV(n int) string {
	var b strings.Builder
	b.WriteString("row_ref,legal_name,country,city,address\n")
	for i := 1; i <= n; i++ {
		address := fmt.Sprintf("Ring %d", i)
		if i%7 == 0 {
			address = fmt.Sprintf("\"Haus \"\"Nord\"\"\nRing %d\"", i)
		}
		fmt.Fprintf(&b, "R%03d,Kunde %d GmbH,DE,Köln,%s\n", i, i, address)
	}
	return b.String()
}
