package acceptance

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kamflow/kamflow/internal/demo"
	"github.com/kamflow/kamflow/internal/importer"
	"github.com/kamflow/kamflow/kam"
	accessdb "github.com/kamflow/kamflow/store/access"
)

// TestBookExample imports the book of docs/examples into the sample
// organisation.
func TestBookExample(t *testing.T) {
	t.Parallel()
	o, err := demo.Organisation()
	require.NoError(t, err)
	w := newBookWorld(t, func(into *accessdb.Org) { *into = o })
	open := func(name string) *os.File {
		f, err := os.Open(filepath.Join("..", "..", "docs", "examples", name))
		require.NoError(t, err)
		t.Cleanup(func() { _ = f.Close() })
		return f
	}
	book, err := importer.OpenBook(importer.BookFiles{
		Customers: open("book_customers.csv"), Sales: open("book_sales.csv"), Groups: open("book_groups.csv"),
	}, importer.ReadOptions{})
	require.NoError(t, err)
	require.Equal(t, 12, book.Rows)
	steward := one[kam.UserID](w, `select user_id from kam.person where 'data_steward' = any (roles) order by 1 limit 1`)
	b := w.upload(book, "example", steward)
	p := w.play(b.No)
	p.asks(1*hour, "AT: oskar.country", "DE: nora.country")
	p.confirms(2*hour, "", "oskar.country", "AT").confirms(2*hour, "", "nora.country", "DE")
	end := p.run()
	require.Equal(t, kam.BatchApplied, end.State)
	require.Equal(t, 12, end.Result.Created)
	require.Equal(t, 11, end.Result.Facts)
	require.Equal(t, 1, end.Result.KeyAccounts, "Donaukreis")
	require.Equal(t, 3, end.Result.Groups, "two of the file, and Hochwald by its name")
	require.Equal(t, "NATIONAL AT", one[string](w, `select tier || ' ' || home_node from kam.key_account`))
	require.Equal(t, "AT-1-01", one[string](w, `select territory from kam.customer where customer_no = 'B-1004'`), "by the assignment rules")
	found, err := w.db.Books.Findings(t.Context(), b.No, 0)
	require.NoError(t, err)
	for _, f := range found {
		require.NotEqual(t, kam.SeverityError, f.Severity, f)
	}
}
