package importer

import (
	"encoding/csv"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/book"
	"github.com/kamflow/kamflow/kam/customer"
	"github.com/kamflow/kamflow/kam/rules"
)

// reportedRows reads a file of the small inputs after public reports.
func reportedRows(t *testing.T, name string) [][]string {
	t.Helper()
	dir := os.Getenv("KAM_SHARED_DATA")
	for up, _ := os.Getwd(); dir == "" && up != filepath.Dir(up); up = filepath.Dir(up) {
		if d := filepath.Join(up, "shared", "data"); exists(filepath.Join(d, "field_reports", name)) {
			dir = d
		}
	}
	path := filepath.Join(dir, "field_reports", name)
	if !exists(path) {
		t.Skipf("SKIPPED, NOT CHECKED: field_reports/%s is not on this machine; set KAM_SHARED_DATA", name)
	}
	raw, err := os.ReadFile(path)
	require.NoError(t, err)
	rows, err := csv.NewReader(strings.NewReader(string(raw))).ReadAll()
	require.NoError(t, err)
	return rows[1:]
}

func exists(path string) bool { _, err := os.Stat(path); return err == nil }

// TestAmountsOfFieldReports: in a request, a book and a file of sales alike, an
// amount with more decimals than its currency has is told and never stored.
func TestAmountsOfFieldReports(t *testing.T) {
	t.Parallel()
	for _, r := range reportedRows(t, "amounts.csv") {
		text, currency, refused := r[0], r[1], r[2] == "refused"
		t.Run(text+" "+currency, func(t *testing.T) {
			t.Parallel()
			want, err := kam.ParseMoney(text, currency)
			require.Equal(t, refused, err != nil)

			row := Plan(tableOf(t, "legal_name,country,declared_potential,addressable_spend_12m\nNord AG,DE,"+text+" "+currency+","+text+" "+currency+"\n"), NoDefaults()).Rows[0]
			said := FindingsText(row.accepted())
			for field, got := range map[string]*kam.Money{"declared_potential": row.Data.DeclaredPotential, "addressable_spend_12m": row.Data.AddressableSpend12m} {
				if refused {
					require.Nil(t, got)
					require.Contains(t, said, `WARNING VF02 `+field+`: "`+text+`" has 3 decimals`)
					continue
				}
				require.Equal(t, want, *got)
			}
			if refused {
				require.Contains(t, said, "the value is left out; write it without thousands separators")
			}

			row = Plan(tableOf(t, "legal_name,country,annual_revenue,revenue_currency\nNord AG,DE,"+text+","+currency+"\n"),
				defaultsOf(t, `{"base_currency":"`+currency+`"}`)).Rows[0]
			require.Equal(t, refused, row.Data.AnnualTurnover == nil)
			require.Equal(t, refused, strings.Contains(FindingsText(row.Findings), "VF02 annual_turnover: annual_revenue"))

			rows, found := rowsOf(t, bookOf(t, "customer_no,legal_name,country_code,declared_potential,annual_revenue,revenue_currency\nC-1,Werk,DE,"+text+" "+currency+","+text+","+currency+"\n"))
			require.Equal(t, refused, rows[0].ReadAs == book.RowRefused)
			if refused {
				require.Len(t, found, 2)
				require.Equal(t, []string{"declared_potential VF02", "annual_revenue VF02"}, []string{found[0].Column + " " + found[0].Rule, found[1].Column + " " + found[1].Rule})
				require.NotEmpty(t, found[0].Remedy)
			}

			facts, found, err := factsOf(t, "account_no,month,currency,net_revenue,rebates\nA,2026-01,"+currency+","+text+",\nB,2026-01,"+currency+",1,"+text+"\n")
			require.NoError(t, err)
			if refused {
				require.Empty(t, facts)
				require.Equal(t, []string{"net_revenue IB10", "rebates IB10"}, []string{found[0].Column + " " + found[0].Rule, found[1].Column + " " + found[1].Rule})
				require.Contains(t, found[0].Message, "has 3 decimals")
			} else {
				require.Equal(t, want.Minor, facts[0].Net)
			}

			_, err = ReadDefaults(strings.NewReader(`{"base_currency":"` + currency + `","declared_potential":` + text + `}`))
			require.Equal(t, refused, err != nil)
			for _, bound := range []string{"floor", "cap"} {
				_, err = ReadDefaults(strings.NewReader(`{"base_currency":"` + currency + `","declared_potential":{"share_of":"annual_revenue","pct":1,"` + bound + `":` + text + `}}`))
				require.Equal(t, refused, err != nil)
				if refused {
					require.Equal(t, "declared_potential."+bound, kam.AsError(err).Field)
				}
			}
		})
	}
}

// TestThousandsSeparators: no import takes a separator for thousands, so none
// can be taken for a decimal point.
func TestThousandsSeparators(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"1.500,00", "1,500.00", "1,500", "1 500", "1'500", "1.500.000", "140.000", "140.0000", "1500,00", "1,5", "€1500", "1500€", "+1500", "1_500", "1.5e3"} {
		t.Run(text, func(t *testing.T) {
			t.Parallel()
			row := Plan(tableOf(t, "legal_name;country;declared_potential\nNord AG;DE;"+text+"\n"), NoDefaults()).Rows[0]
			require.Nil(t, row.Data.DeclaredPotential)
			require.Contains(t, FindingsText(row.accepted()), "VF02 declared_potential")
			_, found := rowsOf(t, bookOf(t, "customer_no;legal_name;country_code;declared_potential\nC-1;Werk;DE;"+text+"\n"))
			require.Equal(t, "declared_potential", found[0].Column)
			facts, found, err := factsOf(t, "account_no;month;currency;net_revenue\nA;2026-01;EUR;"+text+"\n")
			require.NoError(t, err)
			require.Empty(t, facts)
			require.Equal(t, "net_revenue", found[0].Column)
		})
	}
}

// TestRowsOfSeparators: they are no rows, in all files.
func TestRowsOfSeparators(t *testing.T) {
	t.Parallel()
	blank := ";;;;"
	for _, r := range reportedRows(t, "import_rows.csv") {
		if r[0] == "row of separators only" {
			blank = r[1]
		}
	}
	for name, b := range map[string]string{"as reported": blank, "fewer": ";", "more": blank + ";;;", "blanks": " ; ;\u00a0;;", "quoted": `"";"";"";""`} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			table := tableOf(t, b+"\nlegal_name;country;city\n"+b+"\nNord AG;DE;Köln\n"+b+"\nSüd AG;AT;Wien\n"+b+"\n")
			require.Len(t, table.Rows, 2)
			require.Equal(t, []int{4, 6}, table.lines)

			rows, found := rowsOf(t, bookOf(t, "customer_no;legal_name;country_code\n"+b+"\nC-1;Werk;DE\n"+b+"\n"))
			require.Empty(t, found)
			require.Len(t, rows, 1)
			require.Equal(t, 3, rows[0].Line)

			facts, found, err := factsOf(t, "account_no;month;currency;net_revenue\n"+b+"\nA;2026-01;EUR;1\n"+b+"\nB;2026-01;EUR;1.500\n"+b+"\n")
			require.NoError(t, err)
			require.Len(t, facts, 1)
			require.Equal(t, 1, facts[0].No)
			require.Equal(t, [2]int{2, 5}, [2]int{found[0].Row, found[0].Line})

			book, err := OpenBook(BookFiles{Customers: strings.NewReader("customer_no;legal_name\nC-1;Werk\n"), Groups: strings.NewReader("group_id;name\n" + b + "\nG;Gruppe\n" + b + "\n"),
				PL: strings.NewReader("account_no;month;currency;rebates\n" + b + "\nA;2026-01;EUR;1\n")}, ReadOptions{})
			require.NoError(t, err)
			require.Len(t, book.groups, 1)
		})
	}
	require.Contains(t, problemsOf(t, "legal_name;country\n;;\n;\n"), "no rows")
	require.Contains(t, problemsOf(t, ";;\n;\n"), "is empty")
}

// TestFilesAsProgramsSaveThem: the mark of an encoding, a line that names the
// separator and the end of lines change nothing.
func TestFilesAsProgramsSaveThem(t *testing.T) {
	t.Parallel()
	plain := "row_ref;legal_name;country\n1;\"Nord\nAG\";DE\n2;Süd AG;AT\n"
	want := Plan(tableOf(t, plain), NoDefaults())
	cr := "row_ref;legal_name;country\r1;\"Nord\nAG\";DE\r2;Süd AG;AT\r"
	for name, text := range map[string]string{
		"sep=":            "sep=;\n" + plain,
		"SEP=, CRLF":      "SEP=;\r\n" + strings.ReplaceAll(plain, "\n", "\r\n"),
		"sep= in quotes":  "\"sep=;\"\n" + plain,
		"sep= after BOM":  "\ufeffsep=;\r\n" + plain,
		"sep=| ":          "sep=|\n" + strings.ReplaceAll(plain, ";", "|"),
		"CR":              cr,
		"CR, break is CR": strings.ReplaceAll(cr, "\n", "\r"),
		"CR and sep=":     "sep=;\r" + cr,
		"CR and blank":    cr + ";;\r\r",
		"UTF-16":          utf16Of(plain, false),
		"UTF-16 BE":       utf16Of("sep=;\r"+cr, true),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := Plan(tableOf(t, text), NoDefaults())
			require.Len(t, got.Rows, len(want.Rows))
			for i := range got.Rows {
				require.Equal(t, want.Rows[i].Key, got.Rows[i].Key)
				require.Equal(t, want.Rows[i].Data, got.Rows[i].Data)
			}
			var out strings.Builder
			require.NoError(t, WriteResult(&out, got, got.Dry()))
			again := Plan(tableOf(t, out.String()), NoDefaults())
			require.Equal(t, got.Rows[1].Key, again.Rows[1].Key, "the result can be imported")
		})
	}
	require.Contains(t, problemsOf(t, "sep=;\nlegal_name;country\nNord AG;DE;x\n"), "row 1 (line 3)")
	require.Contains(t, problemsOf(t, cr[:len(cr)-1]), "may be cut off")
	facts, _, err := factsOf(t, "sep=;\raccount_no;month;currency;net_revenue\rA;2026-01;EUR;1.50\r")
	require.NoError(t, err)
	require.Equal(t, int64(150), facts[0].Net)
}

// TestCountriesByName: one reader for all imports.
func TestCountriesByName(t *testing.T) {
	t.Parallel()
	for text, code := range map[string]string{"Italy": "IT", "italia": "IT", "ITA": "IT", "it": "IT", "Österreich": "AT", "UK": "GB"} {
		row := Plan(tableOf(t, "legal_name,country\nNord AG,"+text+"\n"), NoDefaults()).Rows[0]
		require.Equal(t, code, row.Data.CountryCode, FindingsText(row.Findings))
		rows, found := rowsOf(t, bookOf(t, "customer_no,legal_name,country_code\nC-1,Werk,"+text+"\n"))
		require.Empty(t, found)
		require.Contains(t, string(rows[0].Data), `"country_code":"`+code+`"`)
	}
	row := Plan(tableOf(t, "legal_name,country\nNord AG,Congo\n"), NoDefaults()).Rows[0]
	require.Equal(t, Refused, row.Status)
	require.Contains(t, FindingsText(row.Findings), "give an ISO 3166-1 alpha-2 code such as DE")
}

// TestAddressErrorStandsOnce: with its value, and the rest of the address stays.
func TestAddressErrorStandsOnce(t *testing.T) {
	t.Parallel()
	row := Plan(tableOf(t, "legal_name,country,city,street,postal_code\nNord AG,DE,Köln,Ring 1,5066\n"), NoDefaults()).Rows[0]
	said := FindingsText(row.Findings)
	require.Equal(t, 1, strings.Count(said, "VA02"), said)
	require.Contains(t, said, `WARNING VA02 postal_code: "5066" does not fit the postal codes of DE; the value is left out; write it as in`)
	require.Equal(t, []customer.Address{{Type: kam.AddressLegal, Line1: "Ring 1", City: "Köln", CountryCode: "DE"}}, row.Data.Addresses)

	row = Plan(tableOf(t, "legal_name,country,city,street\nNord AG,DE,"+strings.Repeat("x", 101)+",Ring 1\n"), NoDefaults()).Rows[0]
	require.Equal(t, 1, strings.Count(FindingsText(row.Findings), "has 101 characters"))
	require.Empty(t, row.Data.Addresses)

	p, err := rules.Default()
	require.NoError(t, err)
	_, found, err := bookOf(t, "customer_no,legal_name,country_code,city,street,postal_code\nC-1,Werk,DE,Köln,Ring 1,5066\n").Dry(p)
	require.NoError(t, err)
	var errs []string
	for _, f := range found {
		if f.Severity == kam.SeverityError {
			errs = append(errs, FindingText(f))
		}
	}
	require.Len(t, errs, 1, errs)
	require.Contains(t, errs[0], `postal_code: "5066" does not fit`)
}

// TestPhoneThatWasCompleted: a number that came without its country is told,
// whoever completes it.
func TestPhoneThatWasCompleted(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"040 123456", "(040) 123456", "7 123456"} {
		require.True(t, completed(text, "+4940123456"), text)
	}
	for _, text := range []string{"+49 40 123456", "(+49) 40 123456", "0049 40 123456", "＋49 40 123456", ""} {
		require.False(t, completed(text, "+4940123456"), text)
	}
	require.False(t, completed("040 123456", "040123456"), "nothing was made of it")
}

func utf16Of(s string, big bool) string {
	out := []byte{0xff, 0xfe}
	if big {
		out = []byte{0xfe, 0xff}
	}
	for _, r := range s {
		lo, hi := byte(r), byte(r>>8) // the test has no other characters
		if big {
			lo, hi = hi, lo
		}
		out = append(out, lo, hi)
	}
	return string(out)
}

// TestNothingIsLostSilently: each value of a row that is accepted is in its
// data, or told.
func TestNothingIsLostSilently(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("Stahlbau ", 30)
	head := "legal_name;country;trading_name;trading_names;industry;industry_scheme;industry_code;industry_text;annual_revenue;annual_turnover;website\n"
	row := "Nord AG;DE;Nordlicht;NAG|nordlicht;Stahl;NACE;24.10;Steel;100;200;a.example, b.example\n"
	r := Plan(tableOf(t, head+row), NoDefaults()).Rows[0]
	said := FindingsText(r.accepted())
	require.Equal(t, []string{"NAG", "nordlicht"}, r.Data.TradingNames)
	for _, want := range []string{
		`VF02 industry: "Stahl" is another value than that of industry_text; the value is left out`,
		`VF02 annual_revenue: "100" is another value than that of annual_turnover; the value is left out`,
		`VF02 website: of "a.example, b.example" the first web address is kept; the others are left out`,
	} {
		require.Contains(t, said, want)
	}
	rows, found := rowsOf(t, bookOf(t, "customer_no;"+strings.Replace(head, "\n", "\nC-1;", 1)+row))
	require.Equal(t, book.RowReady, rows[0].ReadAs)
	require.Len(t, found, 3)

	row = "Nord AG;DE;Nordlicht;NAG;" + long + ";;;;;;\n"
	r = Plan(tableOf(t, head+row), NoDefaults()).Rows[0]
	require.Equal(t, []string{"NAG", "Nordlicht"}, r.Data.TradingNames)
	require.Contains(t, FindingsText(r.accepted()), "VF02 industry: has 269 characters, and 199 are kept")
	r = Plan(tableOf(t, head+"Nord AG;DE;;;Stahl;NACE;24.10;;;;\n"), NoDefaults()).Rows[0]
	require.Empty(t, r.accepted())
	require.Equal(t, [2]string{"24.10", "Stahl"}, [2]string{r.Data.IndustryCode, r.Data.IndustryText})
	r = Plan(tableOf(t, head+"Nord AG;DE;;;?!;;;;;;\n"), NoDefaults()).Rows[0]
	require.Contains(t, FindingsText(r.accepted()), `VF02 industry: "?!" `)

	rows, found = rowsOf(t, bookOf(t, "customer_no;legal_name;industry\nC-1;Werk;?!\n"))
	require.Equal(t, book.RowReady, rows[0].ReadAs)
	require.Contains(t, FindingText(found[0]), `WARNING VF02 industry: "?!" `)

	rows, found = rowsOf(t, bookOf(t, `[{"customer_no":"C-1","data":{"legal_name":"Werk","country_code":"Italy","addresses":[{"type":"LEGAL","line1":"Via 1","city":"Roma","country_code":"Italia"}]}}]`))
	require.Empty(t, found)
	require.Equal(t, 2, strings.Count(string(rows[0].Data), `"country_code":"IT"`), string(rows[0].Data))
}
