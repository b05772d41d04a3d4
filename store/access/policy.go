package access

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/access"
	"github.com/kamflow/kamflow/store/internal/pg"
)

// PolicyText is one version of the policy; kam.NotFound where there is none.
func (tx *Tx) PolicyText(version int) ([]byte, error) { return policyText(tx.ctx, tx.tx, version) }

// PolicyText is one version of the policy; kam.NotFound where there is none.
func (s *Store) PolicyText(ctx context.Context, version int) ([]byte, error) {
	return policyText(ctx, s.pool, version)
}

func policyText(ctx context.Context, q pg.Querier, version int) ([]byte, error) {
	text, ok, err := pg.One(ctx, q, "read the policy", pgx.RowTo[[]byte], `select text from kam.policy where version = $1`, version)
	if err != nil || ok {
		return text, err
	}
	known, err := pg.List(ctx, q, "list the versions of the policy", pgx.RowTo[string], `select version::text from kam.policy order by version`)
	if err != nil {
		return nil, err
	}
	refusal := kam.Errorf(kam.NotFound, "there is no policy version %d", version).On("version")
	if len(known) > 0 {
		refusal.Try("one of %s", kam.ListOf(known))
	}
	return nil, refusal
}

// LatestPolicy is the newest version of the policy; kam.NotFound before one
// was loaded.
func (tx *Tx) LatestPolicy() (version int, text []byte, err error) {
	return latestPolicy(tx.ctx, tx.tx)
}

// LatestPolicy is the newest version of the policy; kam.NotFound before one
// was loaded.
func (s *Store) LatestPolicy(ctx context.Context) (version int, text []byte, err error) {
	return latestPolicy(ctx, s.pool)
}

func latestPolicy(ctx context.Context, q pg.Querier) (int, []byte, error) {
	type row struct {
		Version int
		Text    []byte
	}
	p, ok, err := pg.One(ctx, q, "read the policy", pgx.RowToStructByPos[row], `select version, text from kam.policy order by version desc limit 1`)
	if err == nil && !ok {
		err = kam.Errorf(kam.NotFound, "no policy is loaded").Try("load one with: starter admin policy load")
	}
	return p.Version, p.Text, err
}

// A policyVersion is the text of a policy and the number under which it is kept
// for ever.
type policyVersion struct {
	Version int
	Text    []byte
}

// LoadPolicy drafts a version of the policy, which a second person publishes
// (SOD4): Agree. The first policy of a system is in force at once. The text
// that is in force already is fine; another text under its number is a
// kam.IDReused.
func (s *Store) LoadPolicy(ctx context.Context, a OrgAct, version int, text []byte) (OrgChange, error) {
	return s.changeOrg(ctx, a, policyChange(policyVersion{version, text}))
}

func policyChange(p policyVersion) orgChange {
	const insert = `insert into kam.policy (version, text, by_user) values ($1, $2, $3)`

	return orgChange{kind: ChangePolicy, what: p, right: access.ActionPolicyDraft, tables: []orgTable{policyTable}, apply: func(tx *Tx) (OrgChange, error) {
		c := OrgChange{What: kam.Note("policy version %d", p.Version)}
		have, err := tx.PolicyText(p.Version)
		if err == nil && string(have) != string(p.Text) {
			err = kam.Errorf(kam.IDReused, "policy version %d exists with another text", p.Version).On("version").Try("give the next version")
		}
		if kam.CodeOf(err) != kam.NotFound {
			return c, err
		}
		newest, _, err := tx.LatestPolicy()
		if err != nil && kam.CodeOf(err) != kam.NotFound {
			return c, err
		}
		if p.Version <= newest {
			return c, kam.Errorf(kam.Invalid, "policy version %d is in force, and %d is older", newest, p.Version).On("version").Try("give version %d", newest+1)
		}
		tx.Queue(insert, p.Version, p.Text, tx.Effect().By)
		return c, nil
	}}
}
