package service

import (
	"context"
	"errors"

	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/access"
	accessdb "github.com/kamflow/kamflow/store/access"
	bookdb "github.com/kamflow/kamflow/store/book"
	customerdb "github.com/kamflow/kamflow/store/customer"
	"github.com/kamflow/kamflow/store/ledger"
	casedb "github.com/kamflow/kamflow/store/onboarding"
)

// Verified is what a check of the audit trail has found: the chains by what they
// are about, and where one does not hold.
type Verified struct {
	Cases        int     `json:"cases"`
	Customers    int     `json:"customers"` // with acts of stewards
	Batches      int     `json:"batches"`
	Organisation bool    `json:"organisation"` // whether it has a chain
	Others       int     `json:"others"`
	Events       int     `json:"events"`
	Signed       int     `json:"signed"`   // acts whose signature holds
	Unsigned     int     `json:"unsigned"` // acts from times in which none was asked for
	Forged       int64   `json:"refused_signatures"`
	Clean        bool    `json:"clean"`
	Breaks       []Break `json:"breaks"`
}

// errSeen ends the walk when every case that was asked for has been seen.
var errSeen = errors.New("seen")

// VerifyAudit recomputes the chains of some cases, or all, and verifies what
// people signed with the public keys of [Local.Keys]. A case that is not there is
// a NOT_FOUND; signatures that no key is there for are UNREACHABLE.
func (l *Local) VerifyAudit(ctx context.Context, who Principal, cases []kam.CaseNo) (Verified, error) {
	v := Verified{Breaks: []Break{}}
	if _, err := l.ask(ctx, who, access.ActionAuditCheck); err != nil {
		return v, err
	}
	wanted := map[kam.CaseNo]bool{}
	for _, no := range cases {
		wanted[no] = true
	}
	check, err := l.signatures(ctx)
	if err != nil {
		return v, err
	}
	if v.Forged, err = l.record.Forged(ctx); err != nil {
		return v, err
	}
	err = l.record.Chains(ctx, func(c ledger.Chain) error {
		if len(cases) > 0 && !wanted[c.CaseNo] {
			return nil
		}
		delete(wanted, c.CaseNo)
		v.count(c)
		v.Events += len(c.Events)
		if b, ok := c.Verify(); !ok {
			v.Breaks = append(v.Breaks, b)
		} else if err := check.chain(c, &v); err != nil {
			return err
		}
		if len(cases) > 0 && len(wanted) == 0 {
			return errSeen
		}
		return nil
	})
	if err != nil && !errors.Is(err, errSeen) {
		return v, err
	}
	for _, no := range cases {
		if wanted[no] {
			return v, kam.Errorf(kam.NotFound, "there is no case %s", no)
		}
	}
	v.Clean = len(v.Breaks) == 0
	return v, nil
}

// count adds a chain to those of its kind. A case that is gone counts as one.
func (v *Verified) count(c ledger.Chain) {
	switch {
	case c.Kind == casedb.Kind, c.Gone:
		v.Cases++
	case c.Kind == customerdb.Kind:
		v.Customers++
	case c.Kind == bookdb.Kind:
		v.Batches++
	case c.Kind == accessdb.Kind:
		v.Organisation = true
	default:
		v.Others++
	}
}
