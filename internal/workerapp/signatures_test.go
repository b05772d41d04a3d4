package workerapp

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"

	"github.com/kamflow/kamflow/config"
	"github.com/kamflow/kamflow/internal/observe"
	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/onboarding"
	"github.com/kamflow/kamflow/kam/signed"
	"github.com/kamflow/kamflow/kam/signed/signedtest"
	"github.com/kamflow/kamflow/store"
)

// reports is the record as the signatures of a worker see it.
type reports struct {
	modes   []store.ModeSince
	known   map[string][]string
	refused []string
	down    error
}

func (r *reports) SignatureModes(context.Context) ([]store.ModeSince, error) { return r.modes, r.down }
func (r *reports) SetSignatureMode(_ context.Context, m signed.Mode) error {
	r.modes = append(r.modes, store.ModeSince{Mode: m})
	return r.down
}
func (r *reports) KnowsKeys(_ context.Context, worker string, keys []string) error {
	r.known[worker] = keys
	return r.down
}
func (r *reports) WorkerGone(_ context.Context, worker string) error {
	delete(r.known, worker)
	return nil
}
func (r *reports) RefuseForged(_ context.Context, about string, by kam.UserID, decision string, e *kam.Error, _ time.Time) error {
	r.refused = append(r.refused, fmt.Sprintf("%s %s %s %s", about, by, decision, e.Code))
	return nil
}

func newTestSignatures(t *testing.T, cfg config.Config, r *reports) *signatures {
	t.Helper()
	m, err := observe.NewMetrics()
	require.NoError(t, err)
	cfg.DataDir = t.TempDir()
	s := newSignatures(cfg, nil, newCounters(m), zap.NewNop())
	s.store = r
	return s
}

func TestAWorkerReportsItsKeysAndReadsThemAgain(t *testing.T) {
	t.Parallel()
	r := &reports{modes: []store.ModeSince{{Mode: signed.Record}}, known: map[string][]string{}}
	s := newTestSignatures(t, config.Defaults(), r)
	require.Equal(t, signed.Require, s.Mode(), "nothing is taken before it has looked")
	require.NoError(t, s.begin(t.Context()))
	require.Equal(t, signed.Record, s.Mode())
	require.Empty(t, r.known[s.worker])

	k, err := s.box.Make(time.Now())
	require.NoError(t, err)
	r.modes = append(r.modes, store.ModeSince{Mode: signed.Require})
	s.refresh(t.Context())
	require.Equal(t, []string{k.ID}, r.known[s.worker])
	require.Equal(t, signed.Require, s.Mode())

	r.down = errors.New("the database is away")
	r.modes = nil
	s.refresh(t.Context())
	require.Equal(t, signed.Require, s.Mode(), "what was read before counts")
	s.end(t.Context())
	require.Empty(t, r.known)
}

func TestTheConfiguredModeIsNoted(t *testing.T) {
	t.Parallel()
	cfg := config.Defaults()
	cfg.Signatures = "require"
	r := &reports{modes: []store.ModeSince{{Mode: signed.Record}}, known: map[string][]string{}}
	s := newTestSignatures(t, cfg, r)
	require.NoError(t, s.begin(t.Context()))
	require.Equal(t, signed.Require, s.Mode())
	require.Equal(t, signed.Require, r.modes[1].Mode)
}

// TestRefusalsOfValidatorsWaitForTheRecord: a validator waits for nothing, and a
// flood has an end.
func TestRefusalsOfValidatorsWaitForTheRecord(t *testing.T) {
	t.Parallel()
	cfg := config.Defaults()
	cfg.Keys.Public = signedtest.Public()
	r := &reports{modes: []store.ModeSince{{Mode: signed.Require}}, known: map[string][]string{}}
	s := newTestSignatures(t, cfg, r)
	require.NoError(t, s.begin(t.Context()))
	act := onboarding.Act{DecisionID: "decision-1", Name: onboarding.ActComment, By: "boss", Reason: "hello"}
	claim := signed.OfAct("KAM-2026-000001", act, false)
	require.NoError(t, s.verify(time.Now(), signedtest.Act("KAM-2026-000001", act, time.Now()).Signed, claim))
	for range refusedRoom + 5 {
		require.ErrorIs(t, s.verify(time.Now(), "", claim), kam.NotSigned)
	}
	require.Empty(t, r.refused)
	require.EqualValues(t, 5, s.lost.Load())
	s.record(t.Context())
	require.Len(t, r.refused, refusedRoom)
	require.Equal(t, "KAM-2026-000001 boss decision-1 NOT_SIGNED", r.refused[0])
	require.Zero(t, s.lost.Load())
}
