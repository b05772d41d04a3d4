package service_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/onboarding"
	"github.com/kamflow/kamflow/kam/signed"
	"github.com/kamflow/kamflow/kam/signed/signedtest"
	"github.com/kamflow/kamflow/service"
	"github.com/kamflow/kamflow/store"
)

// TestANewKeySignsOnceEveryLiveWorkerKnowsIt.
func TestANewKeySignsOnceEveryLiveWorkerKnowsIt(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)
	oldSecret, old, err := signed.NewKey(now.Add(-time.Hour))
	require.NoError(t, err)
	newSecret, fresh, err := signed.NewKey(now)
	require.NoError(t, err)
	_, foreign, err := signed.NewKey(now)
	require.NoError(t, err)
	secrets := []signed.SigningKey{newSecret, oldSecret}
	ring := signed.Keyring{old, fresh, foreign}
	knows := func(keys ...signed.Key) store.WorkerKeys { return store.WorkerKeys{Keys: signed.Keyring(keys).IDs()} }
	retired := old
	retired.Until = now

	for _, c := range []struct {
		name string
		ring signed.Keyring
		live []store.WorkerKeys
		want string
	}{
		{"no worker lives: the one that is known longest", ring, nil, old.ID},
		{"one does not know it", ring, []store.WorkerKeys{knows(old, fresh), knows(old)}, old.ID},
		{"all know it", ring, []store.WorkerKeys{knows(old, fresh), knows(fresh, old)}, fresh.ID},
		{"one knows none: unsigned", ring, []store.WorkerKeys{knows(old, fresh), knows()}, ""},
		{"one whose secret is elsewhere does not sign here", ring, []store.WorkerKeys{knows(foreign)}, ""},
		{"a retired one does not sign", signed.Keyring{retired, fresh}, []store.WorkerKeys{knows(old)}, ""},
		{"one that stands in no keyring does not sign", nil, nil, ""},
	} {
		key, ok := service.SigningNow(secrets, c.ring, c.live, now)
		require.Equal(t, c.want != "", ok, c.name)
		require.Equal(t, c.want, key.ID, c.name)
	}
}

// TestActsAreSignedAnewAndStayTheSame: each try has an envelope of its own; the
// ids of decision and update are those of the act.
func TestActsAreSignedAnewAndStayTheSame(t *testing.T) {
	t.Parallel()
	b := setup(t, says(onboarding.Progress{}, errDown), says(onboarding.Progress{}, errDown), says(onboarding.Progress{}, nil))
	no := b.opened(onboarding.AwaitingConfirmation)
	act := onboarding.Act{DecisionID: "decision-1", Name: onboarding.ActComment, By: "rep", Reason: "words that stay out of it"}
	_, err := b.Local.Decide(t.Context(), service.SignedIn("rep", "https://id.example", "4711"), no, act, nil)
	require.NoError(t, err)
	require.Len(t, b.fake.updates, 3)
	ids := map[string]bool{}
	for _, u := range b.fake.updates {
		sent, ok := u.Args[0].(onboarding.Act)
		require.True(t, ok)
		require.NoError(t, signedtest.Verifier().Verify(time.Now(), sent.Signed, signed.OfAct(no, sent, false)))
		e, err := signed.Read(sent.Signed)
		require.NoError(t, err)
		require.Equal(t, "https://id.example", e.Issuer)
		require.Equal(t, "4711", e.Subject)
		require.Equal(t, kam.UserID("rep"), e.Person)
		require.Equal(t, "Comment on "+string(no), e.Meaning)
		require.NotContains(t, sent.Signed, "words")
		require.Equal(t, b.fake.updates[0].UpdateID, u.UpdateID)
		ids[e.ID] = true
	}
	require.Len(t, ids, 3, "each is made once")
}

// TestNobodyUnknownIsSignedFor: he is refused before Temporal sees anything, and
// on record.
func TestNobodyUnknownIsSignedFor(t *testing.T) {
	t.Parallel()
	b := setup(t, says(onboarding.Progress{}, nil))
	no := b.opened(onboarding.AwaitingConfirmation)
	_, err := b.Act(t.Context(), no, onboarding.Act{DecisionID: "decision-1", Name: onboarding.ActComment, By: "stranger", Reason: "hello"}, nil)
	require.ErrorIs(t, err, kam.Forbidden)
	require.Empty(t, b.fake.updates)
	events, err := b.store.Cases.Events(t.Context(), no)
	require.NoError(t, err)
	require.Equal(t, kam.EventDecisionRefused, events[len(events)-1].Type)
}

// brokenBox finds no keys.
type brokenBox struct{ signedtest.Box }

func (brokenBox) Secrets() ([]signed.SigningKey, error) { return nil, errors.New("no such device") }

func TestWithoutKeysNothingIsSentUnsignedBySurprise(t *testing.T) {
	t.Parallel()
	b := setup(t, says(onboarding.Progress{}, nil))
	no := b.opened(onboarding.AwaitingConfirmation)
	b.UseKeys(brokenBox{})
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	_, err := b.Act(ctx, no, onboarding.Act{DecisionID: "decision-1", Name: onboarding.ActComment, By: "rep", Reason: "hello"}, nil)
	require.ErrorIs(t, err, kam.Unreachable)
	require.Empty(t, b.fake.updates)
}
