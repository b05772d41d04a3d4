package importer

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode/utf16"

	"github.com/stretchr/testify/require"

	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/book"
	"github.com/kamflow/kamflow/kam/customer"
	"github.com/kamflow/kamflow/kam/rules"
	"github.com/kamflow/kamflow/service"
)

func bookOf(t testing.TB, customers string) *Book {
	t.Helper()
	b, err := OpenBook(BookFiles{Customers: strings.NewReader(customers)}, ReadOptions{})
	require.NoError(t, err)
	return b
}

func rowsOf(t testing.TB, b *Book) (rows []service.BatchRow, found []book.BatchFinding) {
	t.Helper()
	u := b.Upload("k", "stew.one", time.Time{})
	for r, err := range u.Rows {
		require.NoError(t, err)
		rows = append(rows, r)
	}
	return rows, u.Findings()
}

func factsOf(t testing.TB, sales string) (facts []service.BatchFact, found []book.BatchFinding, err error) {
	t.Helper()
	b, err := OpenBook(BookFiles{Sales: strings.NewReader(sales)}, ReadOptions{})
	if err != nil {
		return nil, nil, err
	}
	u := b.Upload("k", "stew.one", time.Time{})
	for f, err := range u.Facts {
		if err != nil {
			return nil, nil, err
		}
		facts = append(facts, f)
	}
	return facts, u.Findings(), nil
}

const bookHeader = "customer_no,legal_name,country_code,city,street,postal_code,declared_potential,identifiers,contact_name,contact_role,tier,ka_status,review_due,capability_items.joint_planning\n"

func TestBookRowsAreRead(t *testing.T) {
	t.Parallel()
	rows, found := rowsOf(t, bookOf(t, bookHeader+
		"C-1,  Nord  Werk GmbH ,de,Hamburg,Hafen 1,20095,140000.50,VAT:DE136695976,Anna Probe,buyer,REGIONAL,KA,2026-12-31,3\n"))
	require.Empty(t, found)
	require.Len(t, rows, 1)
	r := rows[0]
	require.JSONEq(t, `{"legal_name":"Nord Werk GmbH","country_code":"DE","city":"Hamburg","street":"Hafen 1","postal_code":"20095",
		"declared_potential":{"amount":"140000.50","currency":"EUR"},"identifiers":[{"scheme":"VAT_EU","value":"DE136695976","source":"import"}],
		"addresses":[{"type":"LEGAL","line1":"Hafen 1","city":"Hamburg","postal_code":"20095","country_code":"DE"}],"capability_items":{"joint_planning":3}}`, string(r.Data))
	require.NotContains(t, string(r.Data), "Probe", "contacts are personal data and stand apart")
	require.Equal(t, []customer.Contact{{Name: "Anna Probe", DecisionRole: "BUYER"}}, r.Contacts)
	require.Equal(t, book.RowReady, r.ReadAs)
	require.Equal(t, kam.TierRegional, r.Tier)
	require.Equal(t, "2026-12-31", r.ReviewDue.Format(time.DateOnly))
}

// TestBookHostileCells are 5, 8, 11 and 12 of the list of hostile inputs: kept
// literally, or a finding with column, rule and remedy; nothing is guessed.
func TestBookHostileCells(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, column, cell, rule string
	}{
		{"German amount", "declared_potential", "1.234,56", "VF02"},
		{"English amount", "declared_potential", "1,234.56", "VF02"},
		{"amount with a sign", "declared_potential", "€ 100", "VF02"},
		{"negative amount", "declared_potential", "-1", "VF02"},
		{"huge amount", "declared_potential", "1e18", "VF02"},
		{"40 digits", "declared_potential", strings.Repeat("9", 40), "VF02"},
		{"sum of floats", "declared_potential", "0.1+0.2", "VF02"},
		{"day that is none", "review_due", "2023-02-29", "VF02"},
		{"day zero", "review_due", "0000-00-00", "VF02"},
		{"end of time", "review_due", "9999-12-31", "VF02"},
		{"leap second", "review_due", "2016-12-31T23:59:60Z", "VF02"},
		{"number with a formula", "customer_no", `=HYPERLINK("http://x")`, book.RuleBatchKey},
		{"number with a path", "customer_no", "../../etc", book.RuleBatchKey},
		{"number that is too long", "customer_no", strings.Repeat("9", 41), book.RuleBatchKey},
		{"country in other letters", "country_code", "ＤＥ", "VA01"},
		{"check digit", "identifiers", "VAT:DE136695977", "VI02"},
		{"identifier without scheme", "identifiers", "DE136695976", "VI01"},
		{"name of 255", "legal_name", strings.Repeat("x", 255), "VF02"},
		{"no name", "legal_name", "\u00a0 ", "VF01"},
		{"capability", "capability_items.joint_planning", "many", "VF02"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			cells := map[string]string{"customer_no": "C-1", "legal_name": "Werk", "country_code": "DE"}
			cells[tt.column] = tt.cell
			var line []string
			for _, h := range strings.Split(strings.TrimSpace(bookHeader), ",") {
				line = append(line, `"`+strings.ReplaceAll(cells[h], `"`, `""`)+`"`)
			}
			policy, err := rules.Default()
			require.NoError(t, err)
			counts, found, err := bookOf(t, bookHeader+strings.Join(line, ",")+"\n").Dry(policy)
			require.NoError(t, err)
			require.Equal(t, 1, counts.Refused, found)
			for _, f := range found {
				if f.Severity == kam.SeverityError {
					require.Equal(t, tt.column, f.Column)
					require.Equal(t, tt.rule, f.Rule)
					require.NotEmpty(t, f.Remedy)
					return
				}
			}
			t.Fatal(found)
		})
	}
	t.Run("formulas are text, and guarded in the result", func(t *testing.T) {
		t.Parallel()
		for _, name := range []string{`=HYPERLINK("http://x")`, "+1+1", "-2+3", "@SUM(A1)", "'=1", `Robert'); DROP TABLE cases;--`, "<script>window.__x=1</script>"} {
			b := bookOf(t, "customer_no,legal_name,country_code\nC-1,\""+strings.ReplaceAll(name, `"`, `""`)+"\",DE\n")
			rows, found := rowsOf(t, b)
			require.Empty(t, found)
			require.Equal(t, book.RowReady, rows[0].ReadAs)
			var out bytes.Buffer
			require.NoError(t, b.WriteBookResult(&out, "B-000001", []service.BatchOutcome{{Row: 1, Outcome: book.RowCreated}}, nil))
			again := bookOf(t, out.String())
			second, _ := rowsOf(t, again)
			require.Equal(t, string(rows[0].Data), string(second[0].Data), "the result file can be imported again")
			if strings.ContainsAny(name[:1], "=+-@") {
				require.Contains(t, out.String(), "'"+name[:1])
			}
		}
	})
	t.Run("same customer twice", func(t *testing.T) {
		t.Parallel()
		rows, found := rowsOf(t, bookOf(t, "customer_no,legal_name,country_code\nC-1,Werk,DE\nC-1,Werk,DE\nC-1, Werk ,DE\nC-1,Anders,DE\n"))
		require.Equal(t, []book.RowOutcome{book.RowReady, book.RowSame, book.RowSame, book.RowRefused}, []book.RowOutcome{rows[0].ReadAs, rows[1].ReadAs, rows[2].ReadAs, rows[3].ReadAs})
		require.Len(t, found, 3)
	})
	t.Run("NFC and NFD are one name", func(t *testing.T) {
		t.Parallel()
		rows, _ := rowsOf(t, bookOf(t, "customer_no,legal_name,country_code\nC-1,M\u00fcller,DE\nC-2,Mu\u0308ller,DE\n"))
		require.Equal(t, string(rows[0].Data), string(rows[1].Data))
	})
	t.Run("mass assignment", func(t *testing.T) {
		t.Parallel()
		for _, column := range []string{"status", "classification", "approved_by", "version", "contacts"} {
			_, err := OpenBook(BookFiles{Customers: strings.NewReader("customer_no,legal_name," + column + "\nC-1,Werk,x\n")}, ReadOptions{})
			require.ErrorContains(t, err, column)
		}
	})
}

// TestBookHostileFiles are 6 and 7: the file is refused as a whole, and the
// error says where.
func TestBookHostileFiles(t *testing.T) {
	t.Parallel()
	utf16le := func(s string) string {
		var b bytes.Buffer
		b.Write([]byte{0xff, 0xfe})
		for _, u := range utf16.Encode([]rune(s)) {
			_ = binary.Write(&b, binary.LittleEndian, u)
		}
		return b.String()
	}
	head := "customer_no,legal_name,country_code\n"
	for name, tt := range map[string]struct{ file, says string }{
		"empty":             {"", "is empty"},
		"header only":       {head, "no rows"},
		"UTF-16, no mark":   {utf16le(head + "C-1,Werk,DE\n")[2:], "NUL byte"},
		"UTF-16, cut":       {utf16le(head+"C-1,Werk,DE\n") + "x", "within a character"},
		"UTF-16, half":      {utf16le(head+"C-1,Werk") + "\x00\xd8,\x00\n\x00", "no sound UTF-16"},
		"Latin-1":           {head + "C-1,M\xfcller,DE\n", "not UTF-8"},
		"no line end":       {head + "C-1,Werk,DE", "ends within a line"},
		"open quote":        {head + "C-1,\"Werk,DE\n", "not closed"},
		"a field too many":  {head + "C-1,Werk,DE,x\n", "4 columns"},
		"a field too few":   {head + "C-1,Werk\n", "2 columns"},
		"header twice":      {"customer_no,legal_name,legal_name\nC-1,a,b\n", "second time"},
		"no number":         {"legal_name\nWerk\n", "customer_no"},
		"control character": {head + "C-1,We\x1b[2Jrk,DE\n", "U+001B"},
		"one huge row":      {head + "C-1," + strings.Repeat("x", 3<<20) + ",DE\n", "characters"},
		"JSON cut off":      {`[{"customer_no":"C-1","data":{}}`, "cut off"},
		"JSON, unknown key": {`[{"customer_no":"C-1","approved_by":"ceo"}]`, "approved_by"},
		"JSON, double key":  {`[{"customer_no":"C-1","customer_no":"C-2"}]`, "customer_no"},
		"JSON, trailing":    {`[{"customer_no":"C-1"}] x`, "follows"},
		"JSON, too deep":    {`[{"customer_no":` + strings.Repeat("[", 20000) + `]`, ""},
		"JSON, infinite":    {`[{"customer_no":"C-1","data":{"product_fit":1e999}}]`, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := OpenBook(BookFiles{Customers: strings.NewReader(tt.file)}, ReadOptions{})
			require.ErrorIs(t, err, kam.Invalid)
			require.ErrorContains(t, err, "customers: ")
			require.ErrorContains(t, err, tt.says)
		})
	}
	t.Run("bounds", func(t *testing.T) {
		t.Parallel()
		text := head + strings.Repeat("C-1,Werk,DE\n", 20)
		_, err := OpenBook(BookFiles{Customers: strings.NewReader(text)}, ReadOptions{MaxRows: 10})
		require.ErrorContains(t, err, "more than 10 rows")
		_, err = OpenBook(BookFiles{Customers: strings.NewReader(text)}, ReadOptions{MaxFile: 100})
		require.ErrorContains(t, err, "larger than 100 bytes")
	})
	t.Run("BOM, CRLF, semicolons", func(t *testing.T) {
		t.Parallel()
		rows, found := rowsOf(t, bookOf(t, "\ufeffcustomer_no;legal_name;country_code\r\nC-1;\"Werk\r\nNord\";DE\r\n"))
		require.Empty(t, found)
		require.Contains(t, string(rows[0].Data), "Werk Nord")
	})
	t.Run("UTF-16", func(t *testing.T) {
		t.Parallel()
		rows, found := rowsOf(t, bookOf(t, utf16le("customer_no\tlegal_name\tcountry_code\r\nC-1\tWerk Köln 𝔸\tDE\r\n")))
		require.Empty(t, found)
		require.Contains(t, string(rows[0].Data), "Werk Köln 𝔸")
	})
	t.Run("cut at each byte", func(t *testing.T) {
		t.Parallel()
		whole := head + "C-1,Werk,DE\nC-2,\"Hau\"\"s\",AT\n"
		taken := 0
		for cut := range len(whole) {
			b, err := OpenBook(BookFiles{Customers: strings.NewReader(whole[:cut])}, ReadOptions{})
			if err == nil {
				taken++
				require.Equal(t, 1, b.Rows)
			}
		}
		require.Equal(t, 1, taken, "between two rows only")
	})
}

func TestSalesAreReadAsAStream(t *testing.T) {
	t.Parallel()
	facts, found, err := factsOf(t, "account_no,month,product_family,currency,net_revenue,gross_margin,orders,last_order_date,rebates\n"+
		"A-1,2026-01,F1,EUR,100.50,20,3,2026-01-31,5\nA-1,2026-02,,JPY,100,,,,\n")
	require.NoError(t, err)
	require.Empty(t, found)
	require.Len(t, facts, 2)
	require.EqualValues(t, 10050, facts[0].Net)
	require.EqualValues(t, 2000, *facts[0].Margin)
	require.JSONEq(t, `{"rebates":500}`, string(facts[0].PLLines))
	require.EqualValues(t, 100, facts[1].Net, "a yen has no minor unit")
	require.Nil(t, facts[1].PLLines)
}

func TestSalesFindings(t *testing.T) {
	t.Parallel()
	head := "account_no,month,currency,net_revenue,gross_margin,orders,last_order_date\n"
	for name, tt := range map[string]struct{ row, column, rule string }{
		"account":        {"=1,2026-01,EUR,1,,,", "account_no", book.RuleBatchKey},
		"month":          {"A,2026-13,EUR,1,,,", "month", book.RuleBatchMonth},
		"month of old":   {"A,0000-00,EUR,1,,,", "month", book.RuleBatchMonth},
		"currency":       {"A,2026-01,EURO,1,,,", "currency", book.RuleBatchMoney},
		"no amount":      {"A,2026-01,EUR,,,,", "net_revenue", book.RuleBatchMoney},
		"three decimals": {"A,2026-01,EUR,1.234,,,", "net_revenue", book.RuleBatchMoney},
		"infinite":       {"A,2026-01,EUR,1e999,,,", "net_revenue", book.RuleBatchMoney},
		"margin":         {"A,2026-01,EUR,1,x,,", "gross_margin", book.RuleBatchMoney},
		"orders":         {"A,2026-01,EUR,1,,-1,", "orders", "VF02"},
		"many orders":    {"A,2026-01,EUR,1,,9223372036854775808,", "orders", "VF02"},
		"order later":    {"A,2026-01,EUR,1,,,2026-02-01", "last_order_date", book.RuleBatchMonth},
		"no day":         {"A,2026-02,EUR,1,,,2026-02-29", "last_order_date", book.RuleBatchMonth},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			facts, found, err := factsOf(t, head+"B,2026-01,EUR,1,,,\n"+tt.row+"\nB,2026-01,EUR,2,,,\n")
			require.NoError(t, err)
			require.Len(t, facts, 1, "the others are left out")
			require.Len(t, found, 2)
			require.Equal(t, tt.column, found[0].Column)
			require.Equal(t, tt.rule, found[0].Rule)
			require.NotEmpty(t, found[0].Remedy)
			require.Equal(t, 3, found[0].Line)
			require.Equal(t, book.RuleBatchTwice, found[1].Rule)
		})
	}
	for name, file := range map[string]string{
		"cut off": head + "A,2026-01,EUR,1,,,\nA,2026-02,EUR,1,,", "unknown column": "account_no,month,currency,net_revenue,bonus\nA,2026-01,EUR,1,1\n",
		"no revenue": "account_no,month,currency\nA,2026-01,EUR\n", "open quote": head + "\"A,2026-01,EUR,1,,,\n", "columns": head + "A,2026-01\n", "empty": head,
	} {
		_, _, err := factsOf(t, file)
		require.ErrorIs(t, err, kam.Invalid, name)
		require.ErrorContains(t, err, "sales: ", name)
	}
}

func TestTheSameBookHasTheSameDigest(t *testing.T) {
	t.Parallel()
	open := func(c, s string) string {
		b, err := OpenBook(BookFiles{Customers: strings.NewReader(c), Sales: strings.NewReader(s)}, ReadOptions{})
		require.NoError(t, err)
		return b.Content
	}
	c, s := "customer_no,legal_name,country_code\nC-1,Werk,DE\n", "account_no,month,currency,net_revenue\nC-1,2026-01,EUR,1\n"
	require.Equal(t, open(c, s), open(c, s))
	require.NotEqual(t, open(c, s), open(c, strings.Replace(s, ",1\n", ",2\n", 1)))
	_, err := OpenBook(BookFiles{}, ReadOptions{})
	require.ErrorIs(t, err, kam.Invalid)
}

func TestBookJSONIsThatOfLoadCustomers(t *testing.T) {
	t.Parallel()
	one := `{"customer_no":"C-1","data":{"legal_name":"Werk","country_code":"DE","contacts":[{"name":"Anna Probe","decision_role":"BUYER"}]},"group_id":"G","territory_code":"DE-N","owner_id":"kam.one","ka_status":"KA","tier":"NATIONAL"}`
	for _, text := range []string{"[" + one + "]", one + "\n", "[\n" + one + ",\n" + strings.Replace(one, "C-1", "C-2", 1) + "]\n"} {
		b := bookOf(t, text)
		rows, found := rowsOf(t, b)
		require.Empty(t, found)
		require.JSONEq(t, `{"legal_name":"Werk","country_code":"DE","group_id":"G","territory_code":"DE-N"}`, string(rows[0].Data))
		require.Len(t, rows[0].Contacts, 1)
		require.Equal(t, kam.UserID("kam.one"), rows[0].OwnerID)
		var out bytes.Buffer
		require.NoError(t, b.WriteBookResult(&out, "B-000001", []service.BatchOutcome{{Row: 1, Outcome: book.RowUnchanged}}, nil))
		require.True(t, strings.HasPrefix(out.String(), "customer_no,batch_no,outcome,findings\nC-1,B-000001,UNCHANGED,\n"), out.String())
	}
}

func BenchmarkBookRow(b *testing.B) {
	var text strings.Builder
	text.WriteString(bookHeader)
	for i := range 1000 {
		fmt.Fprintf(&text, "C-%d,Nord Werk %d GmbH,DE,Hamburg,Hafen %d,20095,140000,,Anna Probe,BUYER,,,,3\n", i, i, i)
	}
	book := bookOf(b, text.String())
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		book.row(i % 1000)
	}
}
