package storetest

import (
	"fmt"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/kamflow/kamflow/store"
)

// opened are the addresses of the stores that Open returned.
var opened sync.Map

// Holding lists the tables of the schema in which a text stands, in any column
// and in whatever case, or as bytes.
func Holding(t testing.TB, s *store.Store, text string) []string {
	t.Helper()
	dsn, _ := opened.Load(s)
	conn, err := pgx.Connect(t.Context(), fmt.Sprint(dsn))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context()) //nolint:errcheck // nothing was written
	rows, err := conn.Query(t.Context(), `select table_name from information_schema.tables where table_schema = 'kam' order by 1`)
	if err != nil {
		t.Fatal(err)
	}
	tables, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil || len(tables) < 30 {
		t.Fatalf("%d tables: %v", len(tables), err)
	}
	var found []string
	for _, table := range tables {
		var n int
		count := fmt.Sprintf(`select count(*) from kam.%s x where position(lower($1) in lower(x::text)) > 0 or position(encode(convert_to($1, 'UTF8'), 'hex') in lower(x::text)) > 0`, table)
		if err := conn.QueryRow(t.Context(), count, text).Scan(&n); err != nil {
			t.Fatal(err)
		}
		if n > 0 {
			found = append(found, table)
		}
	}
	return found
}
