package acceptance

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kamflow/kamflow/kam"
	bookdb "github.com/kamflow/kamflow/store/book"
	customerdb "github.com/kamflow/kamflow/store/customer"
	"github.com/kamflow/kamflow/store/ledger"
)

// TestBookSeesTheFactsOfACase: what the book sums up of an account in one go is
// what a case reads of it, the accounts of merged records included.
func TestBookSeesTheFactsOfACase(t *testing.T) {
	t.Parallel()
	w := newBookWorld(t)
	b, _ := w.smallBatch(8, "stew.one")
	for _, c := range []customerdb.BookCustomer{
		{CustomerNo: "C-000001", Data: data(t, fields{"legal_name": "Alpha Werk"}, fields{"sales_account_no": "ALPHA"})},
		{CustomerNo: "C-000002", Data: data(t, fields{"legal_name": "Beta Werk"})},
		{CustomerNo: "C-000003", Data: data(t, fields{"legal_name": "Gamma Werk"})},
	} {
		w.has(c)
	}
	old := sales("BETA-1", 4_000, 20, map[string]int64{"rebates": 30})
	old.Month = "2025-02" // in the twelve months before
	foreign := sales("BETA-2", 500, 10, nil)
	foreign.Currency = "CHF"
	w.sells(
		sales("ALPHA", 96_000, 34, map[string]int64{"invoice_discounts": 105, "freight_logistics": 45}),
		sales("ALPHA-OLD", 12_000, 30, map[string]int64{"invoice_discounts": 50, "rebates": 10}),
		sales("C-000002", 7_000, 31, nil), old, foreign,
		sales("NOBODY", 100, 5, map[string]int64{"rebates": 70}),
	)
	for no, account := range map[string]string{"C-000001": "ALPHA-OLD", "C-000002": "BETA-1", "C-000003": "BETA-2"} {
		_, err := w.sql.Exec(t.Context(), `insert into kam.customer_sales_account (customer_no, account_no) values ($1, $2)`, no, account)
		require.NoError(t, err)
	}
	_, err := w.sql.Exec(t.Context(), `insert into kam.customer_sales_account (customer_no, account_no) values ('C-000002', 'C-000002'), ('C-000002', 'BETA-2')`)
	require.NoError(t, err)

	_, err = w.db.Books.Effect(t.Context(), b.No, ledger.Effect{Key: "look", Digest: "look", Bulk: true, At: monday, By: kam.System}, func(tx *bookdb.Tx) error {
		_, all, lines, err := customerdb.In(tx.Entry).BookFacts()
		require.NoError(t, err)
		accounts := []string{"ALPHA", "ALPHA-OLD", "C-000002", "C-000003", "BETA-1", "BETA-2", "NOBODY", "NONE"}
		each, err := customerdb.In(tx.Entry).SalesOf(accounts, monday)
		require.NoError(t, err)
		require.Equal(t, each, all)
		require.Equal(t, int64(108_000_00), all["ALPHA"].Net12)
		require.Equal(t, 2, all["C-000002"].Currencies)
		for _, a := range accounts {
			of, err := customerdb.In(tx.Entry).PLLines(a)
			require.NoError(t, err)
			require.Equal(t, of, lines[a], a)
		}
		require.Equal(t, int64(96_000_00*105/1000+12_000_00*50/1000), lines["ALPHA"]["invoice_discounts"])
		_, rows, err := customerdb.In(tx.Entry).ABCSnapshot()
		require.NoError(t, err)
		require.Equal(t, []customerdb.ABCRow{
			{CustomerNo: "C-000001", Revenue: 108_000_00, Currency: "EUR"},
			{CustomerNo: "C-000002", Revenue: 7_500_00, Currency: "EUR"},
			{CustomerNo: "C-000003", Revenue: 500_00, Currency: "CHF"},
		}, rows)
		tx.Log(kam.AuditEvent{Type: kam.EventBatchApplied, Actor: kam.System})
		return nil
	})
	require.NoError(t, err)
}
