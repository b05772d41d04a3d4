package rules

import (
	"math/big"

	"github.com/kamflow/kamflow/kam"
)

// A Load says how a key account manager, and the programme, stand with one
// account more (P3.5.5).
type Load struct {
	SharePct  kam.Dec // of one manager's capacity, 100 is full; more than 100 is over
	Over      bool
	Programme int  // key accounts with the one more
	Warn      bool // programme_warn_at is reached
	Stop      bool // more than program_max
}

// Capacity is the load of an owner who holds some accounts and gets one more of
// a tier, and of a programme of so many accounts that grows by added (0 where
// the account is in it already). Accounts of different tiers count by their
// share: 15 TERRITORY or 5 GLOBAL accounts fill a manager.
func (p *Set) Capacity(holds map[kam.Tier]int, tier kam.Tier, programme, added int) Load {
	most := p.KeyAccount.Capacity.PerKAM
	share := new(big.Rat)
	add := func(t kam.Tier, n int) {
		if limit := most.For(t); limit > 0 && n > 0 {
			share.Add(share, big.NewRat(int64(n), int64(limit)))
		}
	}
	for _, t := range kam.Tiers {
		add(t, holds[t])
	}
	add(tier, 1)
	l := Load{Programme: programme + added, Over: share.Cmp(big.NewRat(1, 1)) > 0}
	pct := new(big.Int).Mul(share.Num(), big.NewInt(10000))
	l.SharePct = kam.Dec(pct.Quo(pct, share.Denom()).Int64())
	l.Warn = l.Programme >= p.KeyAccount.Capacity.ProgramWarnAt
	l.Stop = l.Programme > p.KeyAccount.Capacity.ProgramMax
	return l
}
