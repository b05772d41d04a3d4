package main

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/service"
	"github.com/kamflow/kamflow/store/ledger"
)

// TestBytesInArguments: nothing that the database would not take gets there.
func TestBytesInArguments(t *testing.T) {
	no := string(theCase)
	tests := []struct {
		name string
		args []string
		want string
	}{
		{"a flag", []string{"list", "--customer", "\xff"}, "argument 3 is not UTF-8 (INVALID)\n  Remedy:"},
		{"a flag in one word", []string{"list", "--customer=\xff"}, "argument 2 is not UTF-8"},
		{"who acts", []string{"--as", "\xff", "inbox"}, "argument 2 is not UTF-8"},
		{"a case", []string{"show", "KAM-\xff"}, "argument 2 is not UTF-8"},
		{"a key", []string{"onboard", "--key", "k\xff", "-f", "-"}, "argument 3 is not UTF-8"},
		{"a reason", []string{"--as", "tom", "withdraw", no, "--reason", "x\xff"}, "argument 6 is not UTF-8"},
		{"a control character", []string{"show", "KAM-\x1b"}, "argument 2 contains the control character U+001B"},
		{"a line end in an id", []string{"show", "KAM-\n"}, "argument 2 contains the control character U+000A"},
		{"NUL in a reason", []string{"--as", "tom", "withdraw", no, "--reason", "x\x00"}, "U+0000"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := waiting()
			got := run(t, f, tt.args...)
			require.Equal(t, exitUsage, got.status, got.err)
			require.Contains(t, got.err, tt.want)
			require.Empty(t, f.sent)
		})
	}
	t.Run("a reason has several lines", func(t *testing.T) {
		f := waiting()
		require.Zero(t, run(t, f, "--as", "tom", "withdraw", no, "--reason", "one\n\ttwo").status)
		require.Equal(t, "one\n\ttwo", last(t, f).Reason)
	})
	t.Run("KAM_AS", func(t *testing.T) {
		t.Setenv("KAM_AS", "\xff")
		require.ErrorContains(t, checkArgs(nil), "KAM_AS is not UTF-8")
	})
}

// TestBytesInFiles: a reader of JSON would store U+FFFD in their place.
func TestBytesInFiles(t *testing.T) {
	tests := [][]string{
		{"onboard", "-f", "-"}, {"submit", string(theCase), "-f", "-"}, {"modify", "C-1", "-f", "-"}, {"appeal", string(theCase), "-f", "-"},
		{"admin", "load-org", "-"}, {"admin", "load-customers", "-"}, {"admin", "load-sales", "-"}, {"admin", "load-policy", "-"},
	}
	for _, args := range tests {
		t.Run(strings.Join(args, " "), func(t *testing.T) {
			f := waiting()
			got := start(t, f, "{\n\"legal_name\": \"M\xfcller\"}", false, append([]string{"--as", "rita"}, args...)...)
			require.Equal(t, exitUsage, got.status, got.err)
			require.Contains(t, got.err, "line 2 is not UTF-8 (byte 19 of the file); save the file as UTF-8")
			require.Empty(t, f.sent)
			require.Empty(t, f.request.Key)
		})
	}
}

func TestFaultsOfFiles(t *testing.T) {
	tests := []struct{ name, give, want string }{
		{"a key twice", `{"legal_name":"A GmbH","legal_name":"B GmbH"}`, "-: legal_name: the key stands there twice; keep one of them"},
		{"a key twice below", `{"contacts":[{"name":"A","name":"B"}]}`, "-: contacts[0].name: the key stands there twice"},
		{"a number for a text", `{"phone":7}`, "-: phone: a number does not fit here; write it in quotes"},
		{"a text for a number", `{"employees":"many"}`, "-: employees: expected a whole number, found a text"},
		{"an amount that is no number", `{"declared_potential":"abc"}`, `-: declared_potential: "abc" is not a decimal number with at most 3 decimals [VF02]; write {"amount"`},
		{"an amount that is too large", `{"declared_potential":{"amount":"99999999999999999999999999999999.99","currency":"EUR"}}`,
			`-: declared_potential: "99999999999999999999999999999999.99" is too large [VF02]; write it`},
		{"a currency that is none", `{"declared_potential":{"amount":"1","currency":"XXX"}}`, `-: declared_potential: "XXX" is not a currency of ISO 4217 [VF02]; give a code such as EUR`},
		{"thousands for decimals", `{"declared_potential":{"amount":"140.000","currency":"EUR"}}`,
			`-: declared_potential: "140.000" has 3 decimals, and EUR has 2: thousands or a slip [VF02]; write it without thousands separators, as 1234.56`},
		{"a percentage that is no number", `{"growth_outlook_pct":"abc"}`, `-: growth_outlook_pct: "abc" is not a decimal number with at most 2 decimals; write a number`},
		{"one character", `{"legal_name":"A"}`, "legal_name: has 1 character [VF02]"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := start(t, waiting(), tt.give, false, "--as", "rita", "onboard", "-f", "-")
			require.Equal(t, exitUsage, got.status)
			require.Contains(t, got.err, tt.want)
		})
	}

	t.Run("as JSON", func(t *testing.T) {
		got := start(t, waiting(), `{"country_code":"XX","website":"nowhere"}`, false, "--json", "--as", "rita", "onboard", "-f", "-")
		var e errorJSON
		require.NoError(t, json.Unmarshal([]byte(got.err), &e))
		require.Equal(t, "-", e.File)
		require.Len(t, e.Errors, 2)
		want := kam.Errorf(kam.Invalid, "%q %s", "XX", kam.Say("is not a country")).On("country_code").By("VA01").Try("give an ISO 3166-1 alpha-2 code such as DE")
		require.Equal(t, want, e.Error)
		require.Equal(t, `"XX" is not a country`, e.Error.Msg)
	})
	t.Run("a table as JSON", func(t *testing.T) {
		got := start(t, waiting(), "legal_name\nA\x01\n", false, "--json", "import", "-", "--dry-run")
		var e errorJSON
		require.NoError(t, json.Unmarshal([]byte(got.err), &e))
		require.Equal(t, "legal_name", e.Error.Field, got.err)
		require.Equal(t, "row 1 (line 2): contains the control character U+0001", e.Error.Msg)
		require.Equal(t, "remove it", e.Error.Remedy)
	})
	t.Run("rows", func(t *testing.T) {
		for give, want := range map[string]string{
			`[{"customer_no":"C-1"},{"customer_no":"C-2","customer_no":"C-3"}]`: "-: row 2: customer_no: the key stands there twice",
			`{"customer_no":"C-1","data":{"legal_name":7}}`:                     "-: row 1: data.legal_name: a number does not fit here",
			`[] []`: "there is more than one JSON document",
		} {
			got := start(t, waiting(), give, false, "admin", "load-customers", "-")
			require.Equal(t, exitUsage, got.status)
			require.Contains(t, got.err, want)
		}
	})
}

// checks is a system that looks at the form of an act, as the real one does.
type checks struct{ system }

func checking() checks {
	f := waiting()
	return checks{system{service.New(f.kept(), nil, ""), f}}
}

func (c checks) Decide(ctx context.Context, who service.Principal, no kam.CaseNo, act kam.Act, d *kam.RequestData) (kam.Progress, error) {
	act.By = who.User()
	if err := act.Check(); err != nil {
		return kam.Progress{}, err
	}
	return c.system.Decide(ctx, who, no, act, d)
}

// TestFlagsInWords: what is wrong with a flag is said without words of Go.
func TestFlagsInWords(t *testing.T) {
	no := string(theCase)
	tests := []struct {
		args []string
		want string
	}{
		{[]string{"list", "--limit", "99999999999999999999"}, `--limit: "99999999999999999999" is too large`},
		{[]string{"list", "--limit", "many"}, `--limit: "many" is no whole number`},
		{[]string{"list", "--limit", "-1"}, "--limit: -1 is not within 1 to 10000"},
		{[]string{"batch", "list", "--limit", "-1"}, "--limit: -1 is not within 1 to 10000"},
		{[]string{"list", "--older", "-3"}, "--older: -3 is not within 0 to"},
		{[]string{"list", "--timeout", "abc"}, `--timeout: "abc" is no span of time (INVALID)` + "\n  Remedy: give one such as 30s"},
		{[]string{"list", "--state", "foo"}, `--state: "FOO" is no state (INVALID)` + "\n  Remedy: one of DRAFT, IDENTIFYING, "},
		{[]string{"list", "--type", "foo"}, "Remedy: one of NEW, MODIFY, REACTIVATE, DEACTIVATE, RECLASSIFY"},
		{[]string{"--as", "tom", "review", "C-1"}, "--trigger, one of SCHEDULE, REVENUE_DROP, "},
		{[]string{"--as", "tom", "comment", no}, "a comment needs a reason in words (REASON_NEEDED)\n  Remedy: give --text TEXT"},
		{[]string{"--as", "tom", "resolve-duplicate", no, "existing"}, "the number of the existing customer (INVALID)\n  Remedy: give --customer NUMBER"},
	}
	for _, tt := range tests {
		t.Run(strings.Join(tt.args, " "), func(t *testing.T) {
			got := startOn(t, checking(), "", false, tt.args...)
			require.Contains(t, got.err, tt.want)
		})
	}
}

// TestUnknownNames: a name that nobody has finds nothing, and that is said.
func TestUnknownNames(t *testing.T) {
	for _, args := range [][]string{{"list", "--requester", "nobody"}, {"list", "--territory", "FOO"}} {
		f := waiting()
		f.lines, f.people = nil, people
		got := run(t, f, args...)
		require.Equal(t, exitUsage, got.status, got.out)
		require.Contains(t, got.err, "(NOT_FOUND)\n  Remedy:")
		require.Contains(t, got.err, args[len(args)-2])
	}
	f := waiting()
	f.people = people
	got := run(t, f, "--as", "nobody", "inbox")
	require.Equal(t, exitRefused, got.status, got.out)
	require.Contains(t, got.err, `nobody is known as "nobody" (FORBIDDEN)`)
}

func TestVerifyCountsByKind(t *testing.T) {
	f := &fake{}
	for _, kind := range []ledger.Kind{"case", "customer", "customer", "book", "organisation"} {
		f.chains = append(f.chains, ledger.Chain{CaseNo: "its id", Kind: kind})
	}
	require.Equal(t, "1 case, 2 customers, 1 batch, the organisation, 0 events: every chain holds.\n", run(t, f, "--as", "olaf", "audit", "verify").out)
}

// TestRulesExample runs the rules on the book of the documentation.
func TestRulesExample(t *testing.T) {
	book, err := filepath.Abs(filepath.Join("..", "docs", "examples", "rules_book.json"))
	require.NoError(t, err)
	for verb, want := range map[string]string{
		"add": `"customer_no":"SEE-HH","outcome":"ADD"`, "segment": `"segment":"A-STRATEGIC"`, "rollup": `"group_id":"SEESTERN"`,
		"classify": `"change":"PROMOTE"`, "validate": `"rule_id":"VF09"`, "match": `"left":"LAB-1","right":"LAB-2"`,
	} {
		got := run(t, &fake{}, "rules", verb, "-f", book)
		require.Zero(t, got.status, got.err)
		require.Contains(t, got.out, want)
	}
	b, err := os.ReadFile(book) //nolint:gosec // the file of the repository
	require.NoError(t, err)
	got := start(t, &fake{}, strings.Replace(string(b), "Klinik", "Kl\xefnik", 1), false, "rules", "add", "-f", "-")
	require.Equal(t, exitUsage, got.status)
	require.Contains(t, got.err, "is not UTF-8")
	got = start(t, &fake{}, strings.Replace(string(b), `"as_of"`, `"rates": {}, "as_of"`, 1), false, "rules", "add", "-f", "-")
	require.Zero(t, got.status, got.err)
	got = start(t, &fake{}, strings.Replace(string(b), `"city"`, `"city": "Bonn", "city"`, 1), false, "rules", "add", "-f", "-")
	require.Contains(t, got.err, "customers[0].city: the key stands there twice")
}
