package importer

import (
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestCutAnywhere is F31: a file cut at any byte starts nothing, or, run again
// as a whole, exactly the rest.
func TestCutAnywhere(t *testing.T) {
	t.Parallel()
	const n = 200
	whole := rowsCSV(n)
	nothing := NoDefaults()
	full := Plan(tableOf(t, whole), nothing)
	started := 0
	for cut := range len(whole) {
		table, err := Read(strings.NewReader(whole[:cut]), ReadOptions{})
		if err != nil {
			continue
		}
		started++
		d := newDesk()
		part := Plan(table, nothing)
		rep, err := Run(t.Context(), part, d, RunOptions{By: "anna.rep"})
		require.NoError(t, err)
		require.Equal(t, len(table.Rows), rep.Summary.Started, "cut at byte %d", cut)
		rep, err = Run(t.Context(), full, d, RunOptions{By: "anna.rep"})
		require.NoError(t, err)
		require.Len(t, d.cases, n, "cut at byte %d", cut)
		require.Equal(t, n-len(table.Rows), rep.Summary.Started)
	}
	require.Equal(t, n-1, started, "a cut is accepted between two rows only")
}

func TestCutCRLFWithBOM(t *testing.T) {
	t.Parallel()
	whole := "\ufeff" + strings.ReplaceAll(rowsCSV(20), "\n", "\r\n")
	full := Plan(tableOf(t, whole), NoDefaults())
	keys := map[string]bool{}
	for _, r := range full.Rows {
		keys[r.Key] = true
	}
	for cut := range len(whole) {
		table, err := Read(strings.NewReader(whole[:cut]), ReadOptions{})
		if err != nil {
			continue
		}
		for _, r := range Plan(table, NoDefaults()).Rows {
			require.True(t, keys[r.Key], "cut at byte %d makes a row of its own", cut)
		}
	}
}

func TestSameRowsInAnyForm(t *testing.T) {
	t.Parallel()
	plain := "row_ref,legal_name,country\n1,Nord AG,DE\n2,Süd AG,AT\n3,Ost AG,DE\n"
	want := Plan(tableOf(t, plain), NoDefaults())
	for name, text := range map[string]string{
		"BOM":          "\ufeff" + plain,
		"CRLF":         strings.ReplaceAll(plain, "\n", "\r\n"),
		"mixed":        "row_ref,legal_name,country\r\n1,Nord AG,DE\n2,Süd AG,AT\r\n3,Ost AG,DE\n",
		"semicolon":    strings.ReplaceAll(plain, ",", ";"),
		"tab":          strings.ReplaceAll(plain, ",", "\t"),
		"quoted":       "\"row_ref\",\"legal_name\",\"country\"\n\"1\",\"Nord AG\",\"DE\"\n2,\"Süd AG\",AT\n3,Ost AG,DE\n",
		"other order":  "country,row_ref,legal_name\nDE,1,Nord AG\nAT,2,Süd AG\nDE,3,Ost AG\n",
		"other header": "Row_Ref , legal_name,country_code\n1,Nord AG,DE\n2,Süd AG,AT\n3,Ost AG,DE\n",
		"blank lines":  "row_ref,legal_name,country\n\n1,Nord AG,DE\n2,Süd AG,AT\n\n3,Ost AG,DE\n",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := Plan(tableOf(t, text), NoDefaults())
			require.Len(t, got.Rows, len(want.Rows))
			for i := range got.Rows {
				require.Equal(t, want.Rows[i].Key, got.Rows[i].Key)
				require.Equal(t, want.Rows[i].Data, got.Rows[i].Data)
			}
		})
	}
}

func TestRefusedFiles(t *testing.T) {
	t.Parallel()
	head := "row_ref,legal_name,country\n"
	for name, c := range map[string]struct{ text, want string }{
		"empty":              {"", "empty"},
		"blank":              {" \n\n", "empty"},
		"header only":        {head, "no rows"},
		"no line end":        {head + "1,Nord,DE", "may be cut off"},
		"open quote":         {head + "1,\"Nord,DE\n2,Süd,AT\n", "row 1 (line 2): a quoted field that opens here"},
		"open quote later":   {head + "1,Nord,DE\n2,\"Süd\n3,Ost,DE\n", "row 2 (line 3)"},
		"bare quote":         {head + "1,No\"rd,DE\n", "a quote stands within"},
		"too few columns":    {head + "1,Nord,DE\n2,Süd\n", "row 2 (line 3): has 2 columns where the header has 3"},
		"too many columns":   {head + "1,Nord,DE,x\n", "row 1 (line 2): has 4 columns"},
		"not UTF-8":          {head + "1,K\xf6ln,DE\n", "line 2): is not UTF-8"},
		"NUL":                {head + "1,No\x00rd,DE\n", "NUL"},
		"control":            {head + "1,No\x07rd,DE\n", "row 1 (line 2), column legal_name: contains the control character U+0007"},
		"long field":         {head + "1," + strings.Repeat("x", MaxField+1) + ",DE\n", "row 1 (line 2), column legal_name: has 10001 characters"},
		"unknown header":     {"legal_name,colour\nNord,red\n", "column colour: no field has this name"},
		"several unknown":    {"legal_name,colour,shape\nNord,red,x\n", "no field has the names of the columns colour, shape; rename or remove them; known are "},
		"double header":      {"legal_name,country,legal_name\na,DE,b\n", "column legal_name: gives legal_name a second time"},
		"double by alias":    {"legal_name,country,country_code\na,DE,b\n", "column country_code: gives country_code a second time, after country"},
		"nameless column":    {"legal_name,\na,b\n", "has no name"},
		"no name":            {"country\nDE\n", "column legal_name: is missing"},
		"half an identifier": {"legal_name,identifier\na,1\n", "go together"},
		"state alone":        {"legal_name,state\na,CA\n", "column state: no field"},
		"reference twice":    {head + "1,Nord,DE\n1,Süd,AT\n", "row 2, column row_ref: \"1\" stands for row 1 already"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Contains(t, problemsOf(t, c.text), c.want)
		})
	}
}

func TestAllProblemsAreListed(t *testing.T) {
	t.Parallel()
	text := problemsOf(t, "legal_name,country\na\nb,DE\nc\n")
	require.Contains(t, text, "row 1")
	require.Contains(t, text, "row 3")
}

func TestBounds(t *testing.T) {
	t.Parallel()
	_, err := Read(strings.NewReader(rowsCSV(11)), ReadOptions{MaxRows: 10})
	require.ErrorContains(t, err, "more than 10 rows")
	_, err = Read(strings.NewReader(rowsCSV(11)), ReadOptions{MaxFile: 100})
	require.ErrorContains(t, err, "larger than 100 bytes")
	_, err = Read(strings.NewReader(strings.Repeat("x", 1<<20)), ReadOptions{})
	require.Error(t, err)
}

func TestComplete(t *testing.T) {
	t.Parallel()
	table, err := Read(strings.NewReader("legal_name,country\nNord AG,DE"), ReadOptions{Complete: true})
	require.NoError(t, err)
	require.Len(t, table.Rows, 1)
}

func FuzzRead(f *testing.F) {
	f.Add(rowsCSV(8))
	f.Add("\ufefflegal_name;country\r\n\"a\nb\";DE\r\n")
	f.Add("legal_name,case_no,state,findings\n'=x,KAM-1,REFUSED,\n")
	f.Add("legal_name,country\n\"")
	f.Fuzz(func(t *testing.T, text string) {
		table, err := Read(strings.NewReader(text), ReadOptions{})
		if err != nil {
			return
		}
		b := Plan(table, NoDefaults())
		rep := b.Dry()
		if rep.Summary.Ready+rep.Summary.Parked+rep.Summary.Refused+rep.Summary.Same != len(table.Rows) {
			t.Fatal("a row is lost")
		}
		if err := WriteResult(io.Discard, b, rep); err != nil {
			t.Fatal(err)
		}
	})
}
