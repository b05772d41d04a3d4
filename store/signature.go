package store

import (
	"context"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/book"
	"github.com/kamflow/kamflow/kam/onboarding"
	"github.com/kamflow/kamflow/kam/signed"
	accessdb "github.com/kamflow/kamflow/store/access"
	"github.com/kamflow/kamflow/store/internal/pg"
	"github.com/kamflow/kamflow/store/ledger"
)

// A ModeSince is what was done with unsigned acts, from an instant on.
type ModeSince struct {
	Since time.Time   `json:"since"`
	Mode  signed.Mode `json:"mode"`
	// Direct says whether it holds for acts that pass no workflow too.
	Direct bool `json:"direct"`
}

// SignatureModes are the modes of the installation, the first one first. There is
// at least one.
func (s *Store) SignatureModes(ctx context.Context) ([]ModeSince, error) {
	return pg.List(ctx, s.pool, "read what is done with unsigned acts", pgx.RowToStructByPos[ModeSince],
		`select since, mode, direct from kam.signature_mode order by since`)
}

// FirstSignIn is when the first person got what he signs in with; false where none
// has it. What was set up before, nobody could sign.
func (s *Store) FirstSignIn(ctx context.Context) (time.Time, bool, error) {
	at, found, err := pg.One(ctx, s.pool, "look for the first sign-in", pgx.RowTo[*time.Time],
		`select min(db_at) from kam.audit where case_no = $1 and type = $2 and actor_id <> $3`, accessdb.Organisation.ID, kam.EventSignInChanged, kam.System)
	if err != nil || !found || at == nil {
		return time.Time{}, false, err
	}
	return *at, true, nil
}

// SetSignatureMode notes that unsigned acts are treated otherwise from now on,
// also in the trail of the organisation. The mode that holds already changes
// nothing.
func (s *Store) SetSignatureMode(ctx context.Context, mode signed.Mode) error {
	const note = `
		insert into kam.signature_mode (mode)
		select $1 where $1 is distinct from (select mode from kam.signature_mode order by since desc limit 1)
		returning since`

	at, err := s.Now(ctx)
	if err != nil {
		return err
	}
	modes, err := s.SignatureModes(ctx)
	if err != nil || modes[len(modes)-1].Mode == mode {
		return err
	}
	e := ledger.Effect{Subject: accessdb.Organisation, Key: "signatures/" + string(mode) + "/" + at.UTC().Format(time.RFC3339Nano), At: at, By: kam.System}
	_, err = s.On(ctx, e, nil, func(tx *ledger.Entry) (any, error) {
		since, found, err := pg.One(tx.Context(), tx.SQL(), "note what is done with unsigned acts", pgx.RowTo[time.Time], note, mode)
		if err != nil || !found {
			return since, err
		}
		tx.Log(kam.AuditEvent{Type: kam.EventSignatures, Actor: kam.System, ReasonCode: string(mode), Text: "signatures: " + string(mode)})
		return since, nil
	})
	return err
}

// KnowsKeys notes which public keys a worker knows. It is called again and again
// while the worker lives, and with no keys when it ends.
func (s *Store) KnowsKeys(ctx context.Context, worker string, keys []string) error {
	_, err := pg.Exec(ctx, s.pool, "note the keys of a worker", `
		insert into kam.worker_keys (worker, keys, seen_at) values ($1, $2, clock_timestamp())
		on conflict (worker) do update set keys = excluded.keys, seen_at = excluded.seen_at`, worker, keys)
	if err != nil {
		return err
	}
	_, err = pg.Exec(ctx, s.pool, "forget workers that have gone",
		`delete from kam.worker_keys where seen_at < clock_timestamp() - interval '1 day'`)
	return err
}

// WorkerGone forgets a worker that ends.
func (s *Store) WorkerGone(ctx context.Context, worker string) error {
	_, err := pg.Exec(ctx, s.pool, "forget a worker", `delete from kam.worker_keys where worker = $1`, worker)
	return err
}

// A WorkerKeys is a live worker with the public keys that it knows.
type WorkerKeys struct {
	Worker string    `json:"worker"`
	Keys   []string  `json:"keys"`
	SeenAt time.Time `json:"seen_at"`
}

// workerLives is how long a worker counts as alive after it was last heard of.
const workerLives = 30 * time.Second

// LiveWorkers are those that were heard of lately.
func (s *Store) LiveWorkers(ctx context.Context) ([]WorkerKeys, error) {
	return pg.List(ctx, s.pool, "read the keys of workers", pgx.RowToStructByPos[WorkerKeys], `
		select worker, keys, seen_at from kam.worker_keys
		where seen_at > clock_timestamp() - make_interval(secs => $1) order by worker`, workerLives.Seconds())
}

// RefuseForged puts on record what the validator of a workflow has refused for its
// signature: about is the subject that it was sent to.
func (s *Store) RefuseForged(ctx context.Context, about string, by kam.UserID, decisionID string, e *kam.Error, at time.Time) error {
	if no, isBook := strings.CutPrefix(about, "import/"); isBook {
		return s.Books.Refuse(ctx, book.BatchNo(no), book.BatchAct{By: by, DecisionID: decisionID}, e, at)
	}
	return s.Cases.Refuse(ctx, kam.CaseNo(about), onboarding.Act{By: by, DecisionID: decisionID}, e, at)
}
