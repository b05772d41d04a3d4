package importer

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math/big"
	"slices"
	"strings"

	"github.com/kamflow/kamflow/kam"
)

// Defaults give rows what their file lacks. They are one JSON object whose
// keys are field names of the request data (P2.4.2, P2.4.3),
// and three of their own:
//
//	{
//	  "base_currency": "EUR",
//	  "rates": {"USD": "0.92"},          base units for one unit of the key
//	  "justification": "Taken over from the customer list of 2026.",
//	  "strategic_fit": "PARTIAL",         a constant, for rows without a value
//	  "declared_potential": {             a formula, for amounts of money
//	    "share_of": "annual_revenue",     a money column: annual_revenue or a field
//	    "pct": 0.01,                      percent of it
//	    "floor": 5000, "cap": 250000,     optional bounds, whole base units
//	    "basis": "ESTIMATE"               optional, one of addressable_spend_basis
//	  }
//	}
//
// A row's own value always wins. A formula whose column is empty gives
// nothing: the field stays unknown. What a formula gave is said in the row's
// findings and, with its basis, in the justification that the confirming
// manager reads.
type Defaults struct {
	Base     string
	rates    map[string]*big.Rat
	values   map[string]json.RawMessage
	formulas map[string]Formula
	digest   []byte
}

// A Formula computes an amount as a share of another one.
type Formula struct {
	ShareOf string         `json:"share_of"`
	Pct     json.Number    `json:"pct"`
	Floor   json.Number    `json:"floor,omitempty"`
	Cap     json.Number    `json:"cap,omitempty"`
	Basis   kam.SpendBasis `json:"basis,omitempty"`

	pct, floor, limit *big.Rat
}

// NoDefaults is what an import without a defaults file uses.
func NoDefaults() *Defaults { return &Defaults{Base: "EUR"} }

// ReadDefaults reads a defaults file and checks all of it.
func ReadDefaults(r io.Reader) (*Defaults, error) {
	raw, err := io.ReadAll(io.LimitReader(r, 1<<20+1))
	if err != nil {
		return nil, fmt.Errorf("read the defaults: %w", err)
	}
	if len(raw) > 1<<20 {
		return nil, kam.Errorf(kam.Invalid, "the defaults file is larger than 1 MB")
	}
	fields := map[string]json.RawMessage{}
	if err := json.Unmarshal(raw, &fields); err != nil {
		return nil, kam.Errorf(kam.Invalid, "the defaults are not one JSON object: %s", err)
	}
	d := &Defaults{Base: "EUR", rates: map[string]*big.Rat{}, values: map[string]json.RawMessage{}, formulas: map[string]Formula{}}
	if b, ok := fields["base_currency"]; ok {
		if err := json.Unmarshal(b, &d.Base); err != nil || !kam.IsCurrency(d.Base) {
			return nil, kam.Errorf(kam.Invalid, "is not a currency of ISO 4217").On("base_currency").Try("give a code such as EUR")
		}
		delete(fields, "base_currency")
	}
	if b, ok := fields["rates"]; ok {
		if err := d.readRates(b); err != nil {
			return nil, err
		}
		delete(fields, "rates")
	}
	for name, b := range fields {
		if err := d.readField(name, b); err != nil {
			return nil, err
		}
	}
	d.digest, err = canonicalJSON(raw)
	if err != nil {
		return nil, err
	}
	return d, nil
}

func (d *Defaults) readRates(b json.RawMessage) error {
	var rates map[string]kam.Rate
	if err := json.Unmarshal(b, &rates); err != nil {
		return kam.Errorf(kam.Invalid, "%s", err).On("rates").Try(`give {"USD": "0.92"}`)
	}
	for code, rate := range rates {
		r, ok := new(big.Rat).SetString(string(rate))
		if !kam.IsCurrency(code) || !ok || r.Sign() <= 0 {
			return kam.Errorf(kam.Invalid, "%q is not a rate of an ISO 4217 currency", kam.Clip(code, 10)).On("rates")
		}
		d.rates[code] = r
	}
	return nil
}

func (d *Defaults) readField(name string, b json.RawMessage) error {
	spec, ok := kam.FieldNamed(name)
	if !ok || strings.ContainsAny(name, "[].") {
		return kam.Errorf(kam.Invalid, "no field has this name").On(kam.Clip(name, 60)).Try("give fields of the request data, rates or base_currency")
	}
	if spec.Kind == kam.KindMoney && bytes.Contains(b, []byte("share_of")) {
		f, err := readFormula(name, b, d.Base)
		if err != nil {
			return err
		}
		d.formulas[name] = f
		return nil
	}
	var data kam.RequestData
	if err := kam.StrictUnmarshal([]byte(`{"`+name+`":`+string(b)+`}`), &data); err != nil {
		return kam.About(name, err)
	}
	if errs := kam.CheckForm(data); len(errs) > 0 {
		return errs[0]
	}
	if spec.Kind == kam.KindMoney {
		var m kam.Money
		if err := json.Unmarshal(b, &m); err != nil {
			return kam.About(name, err)
		}
		m, err := m.In(d.Base)
		if err != nil {
			return kam.About(name, err)
		}
		b, _ = marshal(m)
	}
	d.values[name] = b
	return nil
}

func readFormula(name string, b json.RawMessage, base string) (Formula, error) {
	var f Formula
	bad := func(field, msg string) (Formula, error) {
		return Formula{}, kam.Errorf(kam.Invalid, "%s", msg).On(name + "." + field)
	}
	if err := kam.StrictUnmarshal(b, &f); err != nil {
		return bad("share_of", err.Error())
	}
	if src, ok := kam.FieldNamed(f.ShareOf); f.ShareOf != colRevenue && (!ok || src.Kind != kam.KindMoney || f.ShareOf == name) {
		return bad("share_of", "names no other amount of money; give annual_revenue or a money field")
	}
	var ok bool
	if f.pct, ok = ratio(f.Pct); !ok || f.pct == nil || f.pct.Sign() <= 0 {
		return bad("pct", "must be a percentage above 0")
	}
	if f.floor, ok = ratio(f.Floor); !ok {
		return bad("floor", "is not a number of 0 or more")
	}
	if f.limit, ok = ratio(f.Cap); !ok {
		return bad("cap", "is not a number of 0 or more")
	}
	for _, bound := range []struct {
		field string
		text  json.Number
	}{{"floor", f.Floor}, {"cap", f.Cap}} {
		if bound.text != "" {
			if _, err := kam.ParseMoney(string(bound.text), base); err != nil {
				return Formula{}, kam.About(name+"."+bound.field, err)
			}
		}
	}
	if f.floor != nil && f.limit != nil && f.floor.Cmp(f.limit) > 0 {
		return bad("floor", "is above the cap")
	}
	if f.Basis != "" && !slices.Contains(kam.Choices("addressable_spend_basis"), string(f.Basis)) {
		return bad("basis", "must be one of "+strings.Join(kam.Choices("addressable_spend_basis"), ", "))
	}
	return f, nil
}

// ratio reads a plain number of 0 or more, nil where there is none. The length
// is bounded because an exponent would make a number of any size.
func ratio(n json.Number) (*big.Rat, bool) {
	if n == "" {
		return nil, true
	}
	if len(n) > 24 || strings.ContainsAny(string(n), "eE/") {
		return nil, false
	}
	r, ok := new(big.Rat).SetString(string(n))
	return r, ok && r.Sign() >= 0
}

// of is the formula's amount of a source in the base currency.
func (f Formula) of(source kam.Money, base string) (kam.Money, error) {
	scale := new(big.Rat).SetInt64(kam.NewMoney(1, base).Minor)
	v := new(big.Rat).Mul(new(big.Rat).SetInt64(source.Minor), f.pct)
	v.Quo(v, big.NewRat(100, 1))
	if f.floor != nil {
		if b := new(big.Rat).Mul(f.floor, scale); v.Cmp(b) < 0 {
			v = b
		}
	}
	if f.limit != nil {
		if b := new(big.Rat).Mul(f.limit, scale); v.Cmp(b) > 0 {
			v = b
		}
	}
	minor, err := roundHalfUp(v)
	return kam.Money{Minor: minor, Currency: base}, err
}

// convert brings an amount into the base currency, rounded once, half up.
func (d *Defaults) convert(m kam.Money) (kam.Money, error) {
	if m.Currency == d.Base {
		return m, nil
	}
	rate, ok := d.rates[m.Currency]
	if !ok {
		return kam.Money{}, fmt.Errorf("no rate for %s; give one under rates in the defaults file", m.Currency)
	}
	v := new(big.Rat).SetFrac64(m.Minor, kam.NewMoney(1, m.Currency).Minor)
	v.Mul(v, rate)
	v.Mul(v, new(big.Rat).SetInt64(kam.NewMoney(1, d.Base).Minor))
	minor, err := roundHalfUp(v)
	return kam.Money{Minor: minor, Currency: d.Base}, err
}

func roundHalfUp(v *big.Rat) (int64, error) {
	twice := new(big.Int).Mul(v.Num(), big.NewInt(2))
	twice.Add(twice, v.Denom())
	q := new(big.Int).Div(twice, new(big.Int).Mul(v.Denom(), big.NewInt(2)))
	if !q.IsInt64() {
		return 0, fmt.Errorf("the amount is out of range")
	}
	return q.Int64(), nil
}

// canonicalJSON is a JSON object as text that does not depend on order and
// blanks.
func canonicalJSON(raw []byte) ([]byte, error) {
	var v map[string]any
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	if err := dec.Decode(&v); err != nil {
		return nil, err
	}
	return json.Marshal(v)
}
