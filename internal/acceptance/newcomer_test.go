package acceptance

import (
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/service"
	"github.com/kamflow/kamflow/service/servicetest"
	customerdb "github.com/kamflow/kamflow/store/customer"
	"github.com/kamflow/kamflow/store/customer/merge"
)

// segmented is the ABC class that a customer's record has.
func (w *bookWorld) segmented(no string) string {
	w.t.Helper()
	return one[string](w, `select coalesce(segment ->> 'abc_class', '') from kam.customer where customer_no = $1`, no)
}

// isCustomerSince moves the day on which somebody became a customer.
func (w *bookWorld) isCustomerSince(no, date string) {
	w.t.Helper()
	for _, sql := range []string{
		`update kam.customer_version set at = $2::text::date where customer_no = $1 and version = 1`,
		`update kam.customer set since = $2::text::date where customer_no = $1`,
	} {
		_, err := w.sql.Exec(w.t.Context(), sql, no, date)
		require.NoError(w.t, err)
	}
}

// lone are the fields that nobody else has.
func lone(name string, i int) fields {
	word, _, _ := strings.Cut(strings.ToLower(name), " ")
	street, postal := word+"weg "+strconv.Itoa(i+1), strconv.Itoa(80100+i)
	return fields{
		"identifiers": []fields{{"scheme": "LEI", "value": lei(500 + i)}}, "street": street, "postal_code": postal,
		"addresses": []fields{{"type": "LEGAL", "line1": street, "city": "München", "postal_code": postal, "country_code": "DE"}},
		"contacts":  []fields{{"name": "Petra " + word, "decision_role": "DECIDER", "email": "petra@" + word + ".example"}},
	}
}

func soldIn(account, month string, minor int64) customerdb.SalesFact {
	return customerdb.SalesFact{AccountNo: account, Month: month, Currency: "EUR", NetRevenue: minor, Orders: 1}
}

// TestWhoStoppedBuyingIsC: revenue of the last twelve months makes A, B or C.
// Without it NEW is who is a customer for less than twelve months and never
// bought before; who stopped buying is C, also when the facts of that time are
// gone. A case, and the import of a book, come to the same.
func TestWhoStoppedBuyingIsC(t *testing.T) {
	t.Parallel()
	w := newBookWorld(t)
	// monday is in March 2026: its twelve months begin with April 2025.
	customers := []struct{ no, since, sold, want string }{
		{"C-BUYS", "2020-01-01", "2026-01", "A"},
		{"C-FIRST", "2020-01-01", "2025-04", "A"}, // the first of the twelve months
		{"C-STOPPED", "2020-01-01", "2025-03", "C"},
		{"C-LONGAGO", "2026-01-01", "2016-06", "C"},
		{"C-YOUNGSTOPPED", "2025-10-01", "2025-03", "C"},
		{"C-YOUNG", "2025-10-01", "", "NEW"},
		{"C-ELEVEN", "2025-04-01", "", "NEW"},
		{"C-TWELVE", "2025-03-01", "", "C"},
		{"C-NEVER", "2020-01-01", "", "C"},
	}
	for i, c := range customers {
		name := []string{"Aubach Labor", "Brenner Praxis", "Celik Diagnostik", "Dorn Apotheke", "Eckel Sanatorium", "Fuhrmann Pflege", "Gessner Optik", "Hauser Dental", "Ilmtal Reha"}[i]
		w.known(c.no, name, lone(name, i))
		w.isCustomerSince(c.no, c.since)
		if i%2 == 1 { // as a program of the release before writes it
			_, err := w.sql.Exec(t.Context(), `update kam.customer set since = null where customer_no = $1`, c.no)
			require.NoError(t, err)
		}
		if c.sold != "" {
			w.sells(soldIn(c.no, c.sold, 100_00))
		}
	}
	_, err := w.db.Customers.RebuildABC(t.Context(), monday)
	require.NoError(t, err)

	t.Run("a case", func(t *testing.T) {
		for _, c := range customers {
			s := w.review(c.no, monday)
			end := s.run()
			require.Equal(t, kam.Completed, end.State, "%s: %s", c.no, end.Headline)
			require.Equal(t, c.want, w.segmented(c.no), c.no)
			require.Equal(t, c.want, w.customer(c.no).Coverage, c.no)
		}
	})
	t.Run("a book, when the facts of that time are gone", func(t *testing.T) {
		_, err := w.sql.Exec(t.Context(), `delete from kam.sales_fact where month < '2025-04-01'`)
		require.NoError(t, err)
		_, err = w.sql.Exec(t.Context(), `update kam.customer set segment = null, coverage = ''`)
		require.NoError(t, err)
		b, _ := w.smallBatch(2, "stew.one")
		p := w.play(b.No)
		p.confirms(1*hour, "", "nora.national", "AT").confirms(1*hour, "", "nadja.national", "DE")
		require.Equal(t, kam.BatchApplied, p.run().State)
		for _, c := range customers {
			if c.want != "A" { // the batch brings revenue of its own
				require.Equal(t, c.want, w.segmented(c.no), c.no)
			}
		}
	})
	t.Run("one that is being taken on", func(t *testing.T) {
		for account, want := range map[string]string{"": "NEW", "C-STOPPED": "C", "C-FIRST": ""} {
			name := map[string]string{"": "Jansen Orthopädie", "C-STOPPED": "Kolbe Radiologie", "C-FIRST": "Lorenz Chirurgie"}[account]
			s := w.onboard("rep.south", data(t, screening(name), details(), lone(name, 20+len(account)), fields{"sales_account_no": account}))
			s.act(1*hour, "", confirm("theo.territory", "we know them"))
			end := s.run()
			require.Equal(t, kam.Completed, end.State)
			if want != "" {
				require.Equal(t, want, w.segmented(end.CommittedAs), account)
			} else {
				require.NotEqual(t, "NEW", w.segmented(end.CommittedAs), account)
			}
		}
	})
	t.Run("merged, and undone", func(t *testing.T) {
		young, never := w.customer("C-YOUNG").Since.UTC(), w.customer("C-NEVER").Since.UTC()
		c := servicetest.New(w.db, nil, "none")
		stands := kam.MergeChoice{Keep: []kam.Identifier{{Scheme: "LEI", Value: lei(505)}}}
		r, err := c.Merge(t.Context(), service.As("stew.one"), merge.Order{Survivor: "C-YOUNG", Absorbed: "C-NEVER", Choice: stands, Reason: "one company", By: "stew.one"})
		require.NoError(t, err)
		require.Equal(t, never, w.customer("C-YOUNG").Since.UTC(), "a customer since the older record")
		w.review("C-YOUNG", monday).run()
		require.Equal(t, "C", w.segmented("C-YOUNG"))
		_, err = c.UndoMerge(t.Context(), service.As("stew.one"), merge.UndoOrder{CustomerNo: "C-YOUNG", MergeID: r.MergeID, Reason: "two after all", By: "stew.one"})
		require.NoError(t, err)
		w.review("C-YOUNG", monday).run()
		require.Equal(t, young, w.customer("C-YOUNG").Since.UTC())
		require.Equal(t, never, w.customer("C-NEVER").Since.UTC())
		require.Equal(t, "NEW", w.segmented("C-YOUNG"))

		r, err = c.Merge(t.Context(), service.As("stew.one"), merge.Order{Survivor: "C-YOUNG", Absorbed: "C-STOPPED", Choice: stands, Reason: "one company", By: "stew.one"})
		require.NoError(t, err)
		_, err = c.UndoMerge(t.Context(), service.As("stew.one"), merge.UndoOrder{CustomerNo: "C-YOUNG", MergeID: r.MergeID, Reason: "two after all", By: "stew.one"})
		require.NoError(t, err)
		w.review("C-YOUNG", monday).run()
		require.Equal(t, "NEW", w.segmented("C-YOUNG"), "what the other bought went with it")
	})
	t.Run("split", func(t *testing.T) {
		c := servicetest.New(w.db, nil, "none")
		r, err := c.Split(t.Context(), service.As("stew.one"), merge.SplitOrder{CustomerNo: "C-NEVER", Choice: kam.SplitChoice{LegalName: "Ilmtal Kurhaus"}, Reason: "two houses", By: "stew.one"})
		require.NoError(t, err)
		require.Equal(t, w.customer("C-NEVER").Since, w.customer(r.OtherNo).Since, "it was part of a customer before")
	})
}
