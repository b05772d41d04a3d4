package e2e

import (
	"crypto/rand"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/kamflow/kamflow/gateway/api/apitest"
	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/customer"
	"github.com/kamflow/kamflow/kam/onboarding"
	"github.com/kamflow/kamflow/service"
)

// TestOwnWritesAreRead: over the API, the inbox that is read next never shows the
// task that was just decided. KAM_OWN_WRITES says how many decisions.
func TestOwnWritesAreRead(t *testing.T) {
	rounds := 20
	if text := os.Getenv("KAM_OWN_WRITES"); text != "" {
		var err error
		rounds, err = strconv.Atoi(text)
		require.NoError(t, err)
	}
	h := open(t, pgtestDir(t))
	defer h.close(t)
	h.furnish(t)
	s := apitest.Over(t, h.client.Local, 30*time.Second)
	rep, manager := service.As("anna.rep"), service.As("hanna.terr")
	raw, err := os.ReadFile(filepath.Join("..", "..", "docs", "examples", "request.json"))
	require.NoError(t, err)
	var data customer.RequestData
	require.NoError(t, kam.StrictUnmarshal(raw, &data))
	data.Identifiers = nil

	stale, begin := 0, time.Now()
	for range rounds {
		name := strings.ToLower(rand.Text())
		data.LegalName, data.Street = name[:12]+" "+name[12:22]+" GmbH", name[:8]+"weg "+strconv.Itoa(rounds)
		started, err := s.Start(t.Context(), rep, service.Request{Key: "own/" + name, Type: kam.NewCase, Data: data})
		require.NoError(t, err)
		no := started.CaseNo
		require.True(t, waits(t, s, manager, no), "%s waits for the manager: it is %s", no, started.Progress.Snapshot.State)
		act := onboarding.Act{Name: onboarding.ActDecideConfirmation, Verdict: onboarding.RejectIt, ExpectHash: started.Progress.Snapshot.MaterialHash, ReasonCode: onboarding.ReasonCodes[0], Reason: "Not in the plan of this year."}
		done, err := s.Decide(t.Context(), manager, no, act, nil)
		require.NoError(t, err)
		require.Equal(t, onboarding.Rejected, done.Snapshot.State)
		if waits(t, s, manager, no) {
			stale++
		}
		seen, err := s.Case(t.Context(), rep, no)
		require.NoError(t, err)
		require.GreaterOrEqual(t, seen.Version, done.Snapshot.Version)
	}
	t.Logf("%d decisions over the API in %v: the inbox read next showed the decided task %d times", rounds, time.Since(begin).Round(time.Millisecond), stale)
	require.Zero(t, stale)
}

// waits says whether a case stands in somebody's inbox.
func waits(t *testing.T, s service.Service, who service.Principal, no kam.CaseNo) bool {
	t.Helper()
	items, err := s.Inbox(t.Context(), who)
	require.NoError(t, err)
	for _, i := range items {
		if i.CaseNo == no {
			return true
		}
	}
	return false
}
