package identifier_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/kamflow/kamflow/internal/shareddata"
	"github.com/kamflow/kamflow/kam/rules/identifier"
)

// TestPostalCodeOnce: what is stored stays as it is when it is read again.
func TestPostalCodeOnce(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		country := rapid.SampledFrom([]string{"AD", "AR", "AT", "DE", "GB", "JP", "LT", "LU", "PT", "SE", "US", "KE", ""}).Draw(t, "country")
		text := rapid.OneOf(rapid.StringMatching(`[A-Z]{0,3}[- ]{0,2}[A-Z0-9 -]{0,9}`), rapid.String()).Draw(t, "text")
		once := identifier.PostalCode(country, text)
		require.Equal(t, once, identifier.PostalCode(country, once))
		require.Equal(t, identifier.PostalKey(country, text), identifier.PostalKey(country, once))
		require.Equal(t, identifier.CheckPostalCode(country, text), identifier.CheckPostalCode(country, once))
	})
}

func TestPostalCodes(t *testing.T) {
	t.Parallel()
	for country, codes := range map[string][2]string{
		"AT": {"1010", "10100"}, "AU": {"2000", "200"}, "BE": {"1000", "F-1000"}, "BR": {"01310-100 01310100", "0131-100"}, "CA": {"K1A0B1", "K1A0BB"},
		"CH": {"8001", "08001"}, "CN": {"100000", "10000"}, "CZ": {"11000", "1100"}, "DE": {"20095", "2009"}, "DK": {"1050", "105"},
		"ES": {"28045", "280455"}, "FI": {"00100", "0010"}, "FR": {"75001", "7500A"}, "GB": {"SW1A1AA M11AE EC1A1BB W1A0AX", "SW1A1A"},
		"IE": {"D02AF30 D6WXY00", "D02"}, "IN": {"110001", "11001"}, "IT": {"00184", "0184"}, "JP": {"100-0001", "100-001"}, "NL": {"1059CM", "1059"},
		"NO": {"0150", "150"}, "PL": {"00-950", "0-950"}, "PT": {"1000-205", "1000"}, "SE": {"11455", "1145"}, "US": {"10019 10019-6096 100196096", "1001"},
		"KE": {"anything", ""},
	} {
		for _, code := range strings.Fields(codes[0]) {
			require.True(t, identifier.CheckPostalCode(country, code), "%s %s", country, code)
		}
		require.Equal(t, codes[1] == "", identifier.CheckPostalCode(country, codes[1]), "%s %s", country, codes[1])
	}
	require.True(t, identifier.CheckPostalCode("GB", "sw1a 1aa"))
	require.True(t, identifier.CheckPostalCode("SE", "114 55"))
	require.False(t, identifier.PostalCodeKnown("KE"))
}

// TestPostalCodesFieldReports runs the codes that users of comparable systems
// reported: verdict and stored form.
func TestPostalCodesFieldReports(t *testing.T) {
	t.Parallel()
	rows := shareddata.CSV(t, "field_reports/postal_codes.csv", ',')
	require.NotEmpty(t, rows)
	for _, row := range rows {
		require.Equal(t, row["valid"] == "yes", identifier.CheckPostalCode(row["country"], row["code"]), row)
		if row["valid"] == "yes" {
			require.Equal(t, row["stored"], identifier.PostalCode(row["country"], row["code"]), row)
		}
	}
}

// TestPostalCodesAsWritten: prefixes of the own country, dashes and blanks of
// every kind, full width; what is stored and what is compared.
func TestPostalCodesAsWritten(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ country, code, stored, key string }{
		{"DE", "D-20095", "20095", "20095"}, {"DE", "DE 20095", "20095", "20095"}, {"DE", " D 20095 ", "20095", "20095"},
		{"AT", "A 6020", "6020", "6020"}, {"AT", "AT‐6020", "6020", "6020"}, {"CH", "CH-8001", "8001", "8001"}, {"LI", "FL-9490", "9490", "9490"},
		{"SE", "S-111 22", "111 22", "11122"}, {"SE", "SE–111 22", "111 22", "11122"}, {"FI", "FIN-00100", "00100", "00100"}, {"FI", "FI-00100", "00100", "00100"},
		{"AX", "AX-22100", "22100", "22100"}, {"DK", "DK-1050", "1050", "1050"}, {"NO", "N-0150", "0150", "0150"}, {"BE", "B-1000", "1000", "1000"},
		{"NL", "NL-1011 ab", "1011 ab", "1011AB"}, {"FR", "F-75001", "75001", "75001"}, {"MC", "MC-98000", "98000", "98000"}, {"RE", "F-97400", "97400", "97400"},
		{"IT", "I-00184", "00184", "00184"}, {"ES", "E-28001", "28001", "28001"}, {"PT", "P-1000-001", "1000-001", "1000001"}, {"PT", "1000−001", "1000-001", "1000001"},
		{"CZ", "CZ-110 00", "110 00", "11000"}, {"HU", "H-1051", "1051", "1051"}, {"PL", "PL 00—950", "00-950", "00950"}, {"LU", "l-9767", "9767", "9767"},
		{"LV", "LV-1010", "LV-1010", "1010"}, {"LT", "LT-01100", "LT-01100", "01100"}, {"AD", "AD500", "AD500", "AD500"}, {"AD", "AD-AD500", "AD500", "AD500"},
		{"JP", "１２３ー４５６７", "123-4567", "1234567"}, {"JP", "〒123-4567", "123-4567", "1234567"}, {"AR", "c1420abc", "c1420abc", "C1420ABC"}, {"AR", "1420", "1420", "1420"},
		{"GB", "ＳＷ１Ａ　１ＡＡ", "SW1A 1AA", "SW1A1AA"}, {"GB", "GB-SW1A 1AA", "SW1A 1AA", "SW1A1AA"}, {"GB", "GIR 0AA", "GIR 0AA", "GIR0AA"}, {"IE", "D6W F384", "D6W F384", "D6WF384"},
		{"US", "US-10019–5369", "10019-5369", "10019"}, {"GU", "96910-1234", "96910-1234", "96910"}, {"XK", "XK-10000", "10000", "10000"}, {"EG", "١١٥١١", "11511", "11511"},
		{"DE", "20\u00ad095", "20095", "20095"}, {"CA", "K1A\u00a00B1", "K1A 0B1", "K1A0B1"},
	} {
		require.True(t, identifier.CheckPostalCode(c.country, c.code), c)
		require.Equal(t, c.stored, identifier.PostalCode(c.country, c.code), c)
		require.Equal(t, c.key, identifier.PostalKey(c.country, c.code), c)
		require.Equal(t, c.stored, identifier.PostalCode(c.country, c.stored), "stored once more")
		require.Equal(t, c.key, identifier.PostalKey(c.country, c.stored))
	}
	for _, c := range [][2]string{
		{"DE", "A-10115"}, {"AT", "D-6020"}, {"CH", "FL-8001"}, {"LI", "CH-9490"}, {"SE", "N-111 22"}, {"LU", "B-9767"}, {"FR", "L-75001"}, {"BE", "NL-1000"},
		{"AR", "C142ABC"}, {"AR", "C14200ABC"}, {"AR", "1420ABC"}, {"IE", "A6W F384"}, {"GB", "S1 1A"}, {"DE", "D-2009"}, {"JP", "123-456"}, {"DE", "DE-D-20095"},
	} {
		require.False(t, identifier.CheckPostalCode(c[0], c[1]), c)
		require.Equal(t, c[1], identifier.PostalCode(c[0], c[1]), "what is refused stays as it was written")
	}
}

func TestKeys(t *testing.T) {
	t.Parallel()
	for want, all := range map[string][]string{
		"4940123456": {"+49 40 123456", "0049 40 123456", "+49 (0)40 123-456", "+49 (0) 40 123456", "＋４９ ４０ １２３４５６", "004940123456"},
		"":           {"", "+", "n/a", "+1 23"},
		"40123456":   {"(040) 123456", "040 123 456"},
	} {
		for _, phone := range all {
			require.Equal(t, want, identifier.PhoneKey(phone), phone)
		}
	}
	require.Equal(t, "10001", identifier.PostalKey("US", "10001-1234"))
	require.Equal(t, "10001", identifier.PostalKey("US", "10001"))
	require.Equal(t, "SW1A1AA", identifier.PostalKey("GB", "sw1a 1aa"))
	require.Equal(t, "1500001", identifier.PostalKey("JP", "１５０-０００１"))
}
