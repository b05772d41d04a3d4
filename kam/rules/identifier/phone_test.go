package identifier_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/rules/identifier"
)

func TestPhone(t *testing.T) {
	t.Parallel()
	for _, c := range [][3]string{ // text, country, want
		{"+44 (0) 20 7946 0958", "", "+442079460958"}, {"+49 (0)40 123456", "DE", "+4940123456"}, {"+39 06 1234567", "IT", "+39061234567"},
		{"+44 020 7946 0958", "", "+442079460958"}, {"0044 (0)20 7946 0958", "", "+442079460958"}, {"44 (0) 20 7946 0958", "", "+442079460958"}, {"+44(020)79460958", "", "+442079460958"},
		{"+41 (0)44 668 18 00", "", "+41446681800"}, {"+39 (0)6 1234567", "", "+39061234567"}, {"+378 (0549) 882345", "", "+3780549882345"}, {"+225 07 12 34 56 78", "", "+2250712345678"},
		{"+351 (0) 21 123 4567", "", "+351211234567"}, {"+36 06 1 234 5678", "", "+3612345678"}, {"+43‑1‑5880", "", "+4315880"}, {"＋４９ ４０ １２３４５６", "", "+4940123456"}, {"tel:+4940123456", "", "+4940123456"},
		{"020 7946 0958", "GB", "+442079460958"}, {"(0)40 123456", "DE", "+4940123456"}, {"040/123456", "DE", "+4940123456"}, {"01 23 45 67 89", "FR", "+33123456789"},
		{"06 1234567", "IT", "+39061234567"}, {"347 1234567", "IT", "+393471234567"}, {"91 123 45", "ES", "9112345"}, {"911 234 567", "ES", "+34911234567"}, {"22 33 44 55", "NO", "+4722334455"},
		{"(212) 555-0100", "US", "+12125550100"}, {"1-212-555-0100", "CA", "+12125550100"}, {"011 49 40 123456", "US", "+4940123456"}, {"8 (495) 123-45-67", "RU", "+74951234567"}, {"800 555 35 35", "RU", "+78005553535"},
		{"06 1 234 5678", "HU", "+3612345678"}, {"8 017 123 45 67", "BY", "+375171234567"}, {"(11) 91234-5678", "BR", "+5511912345678"}, {"98765 43210", "IN", "+919876543210"}, {"03-1234-5678", "JP", "+81312345678"},
		{"040 123456", "", "040123456"}, {"123456", "DE", "123456"}, {"040 123456 ext. 12", "DE", "040123456ext12"}, {"0", "DE", "0"}, {"", "DE", ""}, {"+999 (0)1 23456", "", "+9990123456"}, {"+999 01 23456", "", "+9990123456"},
	} {
		require.Equal(t, c[2], identifier.Phone(c[0], c[1]), c)
	}
}

// TestPhoneStays: a number in E.164 stays as it is, whatever the country, unless
// it has a trunk zero.
func TestPhoneStays(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringMatching(`[+0]?[ ()0-9/.-]{0,18}`).Draw(t, "text")
		country := rapid.SampledFrom([]string{"", "DE", "GB", "IT", "US", "RU", "ES", "HU"}).Draw(t, "country")
		once := identifier.Phone(text, country)
		if strings.HasPrefix(once, "+") && !strings.Contains(once, "0") {
			require.Equal(t, once, identifier.Phone(once, country))
		}
	})
}

// TestPhoneCodes: every calling code is of digits and begins no other.
func TestPhoneCodes(t *testing.T) {
	t.Parallel()
	codes := identifier.CallingCodes()
	require.Greater(t, len(codes), 190)
	for country, code := range codes {
		require.True(t, kam.IsCountry(country), country)
		require.Empty(t, strings.Trim(code, "0123456789"), country)
		for other, longer := range codes {
			require.False(t, longer != code && strings.HasPrefix(longer, code), "%s %s %s %s", country, code, other, longer)
		}
	}
}
