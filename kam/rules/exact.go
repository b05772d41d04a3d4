package rules

import (
	"maps"
	"math/big"
	"slices"

	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/rules/policy"
)

// Arithmetic is exact: amounts are minor units of the base currency, products
// with percentages grow the scale instead of being rounded, and every figure
// is rounded half up once, when it is shown or compared with a limit of its
// own kind. Scores of all customers share one denominator, so that means over
// a group need no fractions.
//
//	potential    1e-4 minor units (amount x percent)
//	improvement  1e-8 minor units (potential x percent)
//	axis         1e-6 points      (points x weight)
//	score        1/scoreDen points

// potScale is the scale of a potential in parts of a minor unit.
const potScale = 10000

// calc holds what a policy fixes for the whole run.
type calc struct {
	unit     int64      // minor units in one whole unit of the base currency
	addPot   moneyBands // 1.1.4
	attPot   moneyBands // 1.3.4
	monetary moneyBands // RFM
	ipDen    *big.Int   // index = 100 x n / ipDen
	scoreDen *big.Int
	axisMul  *big.Int // of weight x axis
	capMul   *big.Int // of weight x capability points
	tiers    [4]tierLimit
	minValue *big.Int // material presence, in parts of potential
	stopAt   map[string]int
	options  map[string][]option // of 1.1.4, by criterion
	lines    []string            // P&L lines with a benchmark, sorted
}

// tierLimit is a row of the tier table by rank, 0 for TERRITORY.
type tierLimit struct {
	row   policy.Tier
	min   int64 // minor units
	alone int64 // minor units, 0 for never
}

type moneyBands []moneyBand

type moneyBand struct {
	from   *big.Int // parts of potential
	points kam.Dec
}

func (b moneyBands) at(v *big.Int) kam.Dec {
	points := b[0].points
	for _, row := range b[1:] {
		if v.Cmp(row.from) < 0 {
			break
		}
		points = row.points
	}
	return points
}

// prepare computes what every customer needs. The policy has been checked.
func (p *Set) prepare() {
	unit := kam.NewMoney(1, p.BaseCurrency).Minor
	parts := func(d kam.Dec) *big.Int { return mul(int64(d), unit, potScale/100) }
	money := func(b policy.Bands) (out moneyBands) {
		for _, row := range b {
			out = append(out, moneyBand{parts(row.From), row.Points})
		}
		return out
	}
	n := int64(len(p.Capability.Items))
	k := mul(int64(p.Improvement.ReferenceValue), unit)
	ipDen := new(big.Int).Mul(k, big.NewInt(n*1e10))
	p.calc = calc{
		unit: unit, addPot: money(p.Add.Bands.AnnualPotential), attPot: money(p.Attract.Bands.AnnualPotential),
		monetary: money(p.RFM.Monetary), ipDen: ipDen,
		scoreDen: new(big.Int).Mul(ipDen, big.NewInt(100)),
		axisMul:  new(big.Int).Mul(k, big.NewInt(100*n)),
		capMul:   new(big.Int).Mul(k, big.NewInt(1e6)),
		minValue: parts(p.KeyAccount.Material.MinValue),
		stopAt:   map[string]int{},
		options:  addOptions(&p.Add),
		lines:    slices.Sorted(maps.Keys(p.Improvement.Benchmarks)),
	}
	for i, h := range p.Add.HardStops {
		p.calc.stopAt[h.ID], p.calc.stopAt[h.ID[:3]] = i, i
	}
	for i, t := range p.KeyAccount.Tiers {
		l := tierLimit{row: t, min: p.threshold(t.MinPotential)}
		if t.AloneAt != nil {
			l.alone = p.threshold(*t.AloneAt)
		}
		p.calc.tiers[3-i] = l
	}
}

// threshold turns a threshold of a tier into minor units: an amount, or a
// percentage of company revenue.
func (p *Set) threshold(d kam.Dec) int64 {
	if p.KeyAccount.ThresholdMode != policy.ShareOfCompanyRevenue || p.KeyAccount.CompanyRevenue == nil {
		return p.minorOf(d)
	}
	v := mul(int64(d), int64(*p.KeyAccount.CompanyRevenue), p.unitOf())
	return roundDiv(v, big.NewInt(1e6))
}

func (p *Set) unitOf() int64 { return kam.NewMoney(1, p.BaseCurrency).Minor }

// minorOf is an amount of the policy in minor units, half up.
func (p *Set) minorOf(d kam.Dec) int64 {
	return roundDiv(mul(int64(d), p.unitOf()), big.NewInt(100))
}

// mul is the product of several numbers.
func mul(first int64, more ...int64) *big.Int {
	v := first
	for i, m := range more {
		p := v * m
		if v != 0 && (p/v != m || v == -1 && m == -1<<63) { // does not fit: go on exactly
			wide := big.NewInt(v)
			for _, m := range more[i:] {
				wide.Mul(wide, big.NewInt(m))
			}
			return wide
		}
		v = p
	}
	return big.NewInt(v)
}

// roundSmall is num/den half up for small numbers, den above zero.
func roundSmall(num, den int64) int64 {
	n := 2*num + den
	q := n / (2 * den)
	if n%(2*den) < 0 {
		q--
	}
	return q
}

// roundDiv is num/den to the nearest whole number, halves up. Results outside
// int64 are clipped to its ends.
func roundDiv(num, den *big.Int) int64 {
	if num.IsInt64() && den.IsInt64() {
		n, d := num.Int64(), den.Int64()
		if n >= 0 && n < 1<<61 && d < 1<<61 {
			return (2*n + d) / (2 * d)
		}
	}
	v := new(big.Int).Lsh(num, 1)
	v.Add(v, den)
	v.Div(v, new(big.Int).Lsh(den, 1)) // Euclidean: floor for den > 0
	if !v.IsInt64() {
		return int64(v.Sign()) * (1<<63 - 1)
	}
	return v.Int64()
}

// decDiv is 100 x num/den half up: a Dec.
func decDiv(num, den *big.Int) kam.Dec {
	return kam.Dec(roundDiv(new(big.Int).Mul(num, hundred), den))
}

var (
	hundred = big.NewInt(100)
	tenK    = big.NewInt(potScale)
)

// money is minor units of the base currency as an amount.
func (p *Set) money(minor int64) kam.Money {
	return kam.Money{Minor: minor, Currency: p.BaseCurrency}
}

// toBase converts an amount to minor units of the base currency, half up. An
// amount of another currency needs a rate, else it is refused by name (D8).
func (p *Set) toBase(m *kam.Money, field string, rates map[string]kam.Rate) (int64, error) {
	v, err := m.In(p.BaseCurrency)
	if err != nil {
		return 0, kam.About(field, err)
	}
	if v.Currency == p.BaseCurrency {
		return v.Minor, nil
	}
	rate, ok := rates[v.Currency]
	if !ok {
		return 0, kam.Errorf(kam.Invalid, "currency %s has no rate to %s", v.Currency, p.BaseCurrency).
			On(field).Try("add it to rates, or give the amount in %s", p.BaseCurrency)
	}
	r, ok := new(big.Rat).SetString(string(rate))
	if !ok || r.Sign() <= 0 {
		return 0, kam.Errorf(kam.Invalid, "the rate of %s is not above zero", v.Currency).On("rates." + v.Currency)
	}
	num := mul(v.Minor, p.calc.unit)
	den := mul(kam.NewMoney(1, v.Currency).Minor)
	num.Mul(num, r.Num())
	den.Mul(den, r.Denom())
	out := roundDiv(num, den)
	if out > maxMinor || out < -maxMinor {
		return 0, kam.Errorf(kam.Invalid, "amount %s is out of range in %s", v, p.BaseCurrency).On(field)
	}
	return out, nil
}

// maxMinor bounds an amount after conversion.
const maxMinor = int64(1e17)

var big1e8 = big.NewInt(1e8)

func mulBig(v *big.Int, by int64) *big.Int { return new(big.Int).Mul(v, big.NewInt(by)) }
