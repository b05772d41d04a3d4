package kam

import (
	"encoding/json"
	"math/big"
	"strconv"
	"strings"
)

// Dec is an exact decimal with two places, held in hundredths: percentages,
// scores and points. Its JSON form is a number with at most two decimals; a
// string of the same form is accepted on input. More than two decimals are
// refused, never rounded (P2.4.1).
type Dec int64

// DecFromInt is n as a Dec.
func DecFromInt(n int64) Dec { return Dec(n * 100) }

// ParseDec reads "12", "-3.5" or "66.66".
func ParseDec(s string) (Dec, error) {
	n, err := parseFixed(s, 2)
	return Dec(n), err
}

// String is the shortest exact form: "70", "16.92", "-0.5".
func (d Dec) String() string {
	s := formatFixed(int64(d), 2)
	if strings.Contains(s, ".") {
		s = strings.TrimRight(strings.TrimRight(s, "0"), ".")
	}
	return s
}

// Fixed is the form with exactly two decimals, as people read scores.
func (d Dec) Fixed() string { return formatFixed(int64(d), 2) }

// MarshalJSON writes a JSON number.
func (d Dec) MarshalJSON() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalJSON reads a JSON number or a string holding one.
func (d *Dec) UnmarshalJSON(b []byte) error {
	v, err := ParseDec(strings.Trim(string(b), `"`))
	if err != nil {
		return err
	}
	*d = v
	return nil
}

// RuleRange is the rule that refuses a value of the wrong form or out of its range.
const RuleRange = "VF02"

// maxMinor bounds every amount of money: 1e12 minor units (P2.4.2) with room
// for sums over a whole book.
const maxMinor = int64(1e17)

// Money is an amount in minor units of a currency (ISO 4217). A Money read
// from a bare JSON number has no currency yet: it stands for whole units of
// the policy's base currency, see [Money.In].
type Money struct {
	Minor    int64
	Currency string
	// bare holds the text of an amount that came without its currency.
	bare string
}

// NewMoney is an amount of whole units.
func NewMoney(units int64, currency string) Money {
	return Money{Minor: units * pow10(CurrencyDigits(currency)), Currency: currency}
}

// ParseMoney reads a decimal amount of a currency. More decimals than the
// currency has are refused (VF02), zeros at the end included: EUR 140.000 is
// 140 thousand or a slip, and never 140.00. The error is an [Error] that
// [About] gives its field.
func ParseMoney(amount, currency string) (Money, error) {
	if !IsCurrency(currency) {
		return Money{}, Errorf(Invalid, "%q is not a currency of ISO 4217", Clip(currency, 10)).By(RuleRange).Try("give a code such as EUR")
	}
	digits := CurrencyDigits(currency)
	n, err := parseFixed(amount, digits)
	if has := decimals(amount); err == nil && has > digits {
		return Money{}, Errorf(Invalid, "%q has %d decimals, and %s has %d: thousands or a slip", Clip(amount, 40), has, currency, digits).By(RuleRange).Advise(asShown(digits))
	}
	if err != nil {
		return Money{}, Errorf(Invalid, "%s", err).By(RuleRange).Advise(asShown(digits))
	}
	if n > maxMinor || n < -maxMinor {
		return Money{}, Errorf(Invalid, "%q is too large", Clip(amount, 40)).By(RuleRange).Try("correct the amount")
	}
	return Money{Minor: n, Currency: currency}, nil
}

// asShown says how an amount with so many decimals is written.
func asShown(digits int) Sentence {
	return Say("write it without thousands separators, as %s", formatFixed(1234567/pow10(3-digits), digits))
}

// mostDecimals is what the currency with the most of them has.
const mostDecimals = 3

// decimals counts the digits after the point.
func decimals(amount string) int {
	_, frac, _ := strings.Cut(amount, ".")
	return len(frac)
}

// In gives a bare amount its currency; money that has one is returned as is.
func (m Money) In(base string) (Money, error) {
	if m.bare == "" {
		return m, nil
	}
	return ParseMoney(m.bare, base)
}

// Size is the amount in minor units; those of one that came without its currency
// are hundredths. It refuses what could be an amount of no currency.
func (m Money) Size() (int64, *Error) {
	if m.bare == "" {
		return m.Minor, nil
	}
	n, err := parseFixed(m.bare, mostDecimals)
	if err != nil {
		return 0, Errorf(Invalid, "%s", err).By(RuleRange).Try("give an amount")
	}
	if decimals(m.bare) > mostDecimals {
		return 0, Errorf(Invalid, "%q has more decimals than any currency", Clip(m.bare, 40)).By(RuleRange).Advise(asShown(2))
	}
	return n / 10, nil
}

// Amount is the decimal text without the currency: "140000.00".
func (m Money) Amount() string {
	if m.bare != "" {
		return m.bare
	}
	return formatFixed(m.Minor, CurrencyDigits(m.Currency))
}

// String is the form for people: "140000 EUR", decimals only where there are any.
func (m Money) String() string {
	a := m.Amount()
	if whole, frac, ok := strings.Cut(a, "."); ok && strings.Trim(frac, "0") == "" {
		a = whole
	}
	return strings.TrimSpace(a + " " + m.Currency)
}

type moneyJSON struct {
	Amount   string `json:"amount"`
	Currency string `json:"currency"`
}

// MarshalJSON writes {"amount": "140000.00", "currency": "EUR"}.
func (m Money) MarshalJSON() ([]byte, error) {
	if m.bare != "" {
		return []byte(m.bare), nil
	}
	return json.Marshal(moneyJSON{Amount: m.Amount(), Currency: m.Currency})
}

// UnmarshalJSON reads the object form, or a bare number or numeric string.
func (m *Money) UnmarshalJSON(b []byte) error {
	if len(b) > 0 && b[0] == '{' {
		var j struct {
			Amount   json.RawMessage `json:"amount"`
			Currency string          `json:"currency"`
		}
		if err := StrictUnmarshal(b, &j); err != nil {
			return err
		}
		v, err := ParseMoney(strings.Trim(string(j.Amount), `"`), j.Currency)
		if err != nil {
			return err
		}
		*m = v
		return nil
	}
	s := strings.Trim(string(b), `"`)
	// How many decimals it may have is known with its currency: what was stored
	// once can always be read.
	if _, err := parseFixed(s, mostDecimals); err != nil {
		return Errorf(Invalid, "%s", err).By(RuleRange).Try(`write {"amount": "140000.00", "currency": "EUR"}`)
	}
	*m = Money{bare: s}
	return nil
}

// parseFixed reads a plain decimal into an integer scaled by 10^digits. It
// refuses exponents, signs but a leading minus, and decimals that would be lost.
func parseFixed(s string, digits int) (int64, error) {
	text := s
	neg := strings.HasPrefix(s, "-")
	if neg {
		s = s[1:]
	}
	whole, frac, dot := strings.Cut(s, ".")
	frac = strings.TrimRight(frac, "0")
	if whole == "" || dot && strings.HasSuffix(text, ".") || len(frac) > digits || !isDigits(whole) || !isDigits(frac) {
		if digits == 0 {
			return 0, Errorf(Invalid, "%q is not a whole number", Clip(text, 40))
		}
		return 0, Errorf(Invalid, "%q is not a decimal number with at most %d decimals", Clip(text, 40), digits)
	}
	if len(whole) > 19 {
		return 0, Errorf(Invalid, "%q is too large", Clip(text, 40))
	}
	n, err := strconv.ParseInt(whole+frac+strings.Repeat("0", digits-len(frac)), 10, 64)
	if err != nil {
		return 0, Errorf(Invalid, "%q is too large", Clip(text, 40))
	}
	if neg {
		n = -n
	}
	return n, nil
}

func formatFixed(n int64, digits int) string {
	if digits == 0 {
		return strconv.FormatInt(n, 10)
	}
	sign := ""
	if n < 0 {
		sign = "-"
	}
	s := new(big.Int).Abs(big.NewInt(n)).String()
	if len(s) <= digits {
		s = strings.Repeat("0", digits-len(s)+1) + s
	}
	return sign + s[:len(s)-digits] + "." + s[len(s)-digits:]
}

func isDigits(s string) bool {
	for _, r := range s {
		if r < '0' || r > '9' {
			return false
		}
	}
	return true
}

func pow10(n int) int64 {
	p := int64(1)
	for range n {
		p *= 10
	}
	return p
}

// Clip shortens hostile text to n letters before it enters a message.
func Clip(s string, n int) string {
	r := []rune(s)
	if len(r) <= n {
		return s
	}
	return string(r[:n]) + "…"
}
