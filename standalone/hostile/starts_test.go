package hostile

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"go.temporal.io/api/common/v1"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/taskqueue/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/converter"

	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/service"
	casedb "github.com/kamflow/kamflow/store/onboarding"
)

const (
	fewStarts    = 500
	startsAtOnce = 64
	// maxRSS is what the worker may take, in MiB (F27).
	maxRSS = 500
)

// starts is how many cases are started: KAM_STARTS.
func starts(t *testing.T) int {
	t.Helper()
	v := os.Getenv("KAM_STARTS")
	if v == "" {
		return fewStarts
	}
	n, err := strconv.Atoi(v)
	require.NoError(t, err, "KAM_STARTS")
	require.Positive(t, n, "KAM_STARTS")
	return n
}

// oneOf is one of the requests of the run, and where its case must come to
// rest: most wait for a manager, some lack data, some are rejected by the rules.
func (h *house) oneOf(i int) (casedb.Request, kam.State) {
	r := h.request("starts", i)
	switch i % 8 {
	case 3:
		r.Data.DeclaredPotential, r.Data.StrategicFit = nil, ""
		return r, kam.DataEntry
	case 6:
		r.Data.DeclaredPotential = &kam.Money{Minor: 300_000, Currency: "EUR"}
		r.Data.StrategicFit, r.Data.CreditRating, r.Data.RelationshipAccess, r.Data.CostToServe = "NONE", "D", "NONE", "HIGH"
		return r, kam.Rejected
	}
	return r, kam.AwaitingConfirmation
}

// TestStarts starts many cases, a bounded number at a time and each of them
// twice: half of the second times at once with the first, half when all others
// are under way. There are exactly as many cases and workflows, and each comes
// to rest where it must.
func TestStarts(t *testing.T) {
	h := open(t)
	n := starts(t)
	var order []int
	for i := range n {
		order = append(order, i)
		if i%2 == 0 {
			order = append(order, i)
		}
	}
	for i := 1; i < n; i += 2 {
		order = append(order, i)
	}
	require.Len(t, order, 2*n)
	casesBefore, runsBefore := h.count(t, `select count(*) from kam.cases`), h.runs(t)
	base, peak := h.worker.rss(t), 0

	var mu sync.Mutex
	var took []time.Duration
	numbers, created, resent := map[int]kam.CaseNo{}, 0, 0
	begin := time.Now()
	inParallel(startsAtOnce, len(order), func(at int) {
		i := order[at]
		r, _ := h.oneOf(i)
		sent := time.Now()
		var s service.Started
		var err error
		again := 0
		for ; again < 20; again++ { // not confirmed in 15 seconds: the same command is the same case
			if s, err = h.client.Start(t.Context(), r); kam.CodeOf(err) != kam.Unreachable {
				break
			}
		}
		d := time.Since(sent)
		mu.Lock()
		defer mu.Unlock()
		if err != nil {
			t.Errorf("start %d: %v", i, err)
			return
		}
		took = append(took, d)
		resent += again
		if s.Created {
			created++
		}
		if no, ok := numbers[i]; ok && no != s.CaseNo {
			t.Errorf("request %d became %s and %s", i, no, s.CaseNo)
		}
		numbers[i] = s.CaseNo
		if at%1000 == 999 {
			t.Logf("%d of %d starts after %v, the worker has %d MiB", at+1, len(order), time.Since(begin).Round(time.Second), h.worker.rss(t))
		}
		if at%50 == 0 {
			peak = max(peak, h.worker.rss(t))
		}
	})
	elapsed := time.Since(begin)
	peak = max(peak, h.worker.rss(t))
	require.Len(t, numbers, n)
	require.LessOrEqual(t, created, n)
	require.Len(t, took, 2*n)
	slices.Sort(took)
	t.Logf("%d cases, each started twice, %d at a time: %.0f cases/s, p50 %v, p99 %v; %d sent again; the worker had %d MiB, at most %d",
		n, startsAtOnce, float64(n)/elapsed.Seconds(), took[len(took)/2].Round(time.Millisecond), took[len(took)*99/100].Round(time.Millisecond), resent, base, peak)
	require.Equal(t, n, h.count(t, `select count(*) from kam.cases`)-casesBefore, "one case for each request")
	require.Equal(t, n, h.count(t, `select count(distinct request_key) from kam.cases where request_key like 'starts-%'`))
	rest := map[kam.State]int{}
	for i := range n {
		r, want := h.oneOf(i)
		no, ok, err := h.db.Cases.RequestByKey(t.Context(), r.Key)
		require.NoError(t, err)
		require.True(t, ok)
		require.Equal(t, numbers[i], no)
		is, err := h.db.Cases.Case(t.Context(), no)
		require.NoError(t, err)
		if want == kam.AwaitingConfirmation && is.State == kam.DuplicateReview {
			rest[is.State]++ // the search found that it resembles another one
			continue
		}
		h.eventually(t, no, want)
		rest[want]++
	}
	require.LessOrEqual(t, rest[kam.DuplicateReview], n/1000, "names are invented by chance, and a few of many may resemble each other")
	t.Logf("at rest: %v", rest)
	require.Eventually(t, func() bool { return h.runs(t)-runsBefore >= n }, patience, 200*time.Millisecond, "visibility catches up")
	require.Equal(t, n, h.runs(t)-runsBefore, "one workflow for each case")
	require.LessOrEqual(t, peak, maxRSS)
	require.Zero(t, h.count(t, `select count(*) from (select case_no from kam.audit where type = 'CASE_OPENED' group by case_no having count(*) > 1) x`), "each is opened once")
}

// runs counts the executions of cases that Temporal knows, ended ones too.
func (h *house) runs(t *testing.T) int {
	t.Helper()
	r, err := h.sdk.CountWorkflow(t.Context(), &workflowservice.CountWorkflowExecutionsRequest{
		Namespace: h.stack.Namespace, Query: fmt.Sprintf("WorkflowType = '%s' and WorkflowId >= 'case/KAM' and WorkflowId < 'case/KAN'", kam.WorkflowOnboarding),
	})
	require.NoError(t, err)
	return int(r.GetCount())
}

// TestStartAgain: the request of a case that is open, completed, rejected or
// withdrawn gets that case again and nothing new, by the client and by whoever
// starts its workflow past the client.
func TestStartAgain(t *testing.T) {
	h := open(t)
	open := h.request("again", 0)
	done := h.request("again", 1)
	withdrawn := h.request("again", 2)
	rejected, _ := h.oneOf(6)
	rejected.Key = "again-rejected"
	rejected.Data.LegalName, rejected.Data.Identifiers = "Nichtsda Kleinhof GmbH", nil
	want := map[string]kam.State{open.Key: kam.AwaitingConfirmation, done.Key: kam.Completed, withdrawn.Key: kam.Withdrawn, rejected.Key: kam.Rejected}
	requests := []casedb.Request{open, done, withdrawn, rejected}

	first := map[string]kam.Snapshot{}
	for _, r := range requests {
		s, err := h.client.Start(t.Context(), r)
		require.NoError(t, err, r.Key)
		require.True(t, s.Created)
		switch want[r.Key] {
		case kam.Completed:
			h.eventually(t, s.CaseNo, kam.AwaitingConfirmation)
			h.honestly(t, s.CaseNo)
		case kam.Withdrawn:
			h.eventually(t, s.CaseNo, kam.AwaitingConfirmation)
			_, err := h.client.Act(t.Context(), s.CaseNo, kam.Act{Name: kam.ActWithdraw, By: requester}, nil)
			require.NoError(t, err)
		}
		first[r.Key] = h.eventually(t, s.CaseNo, want[r.Key])
	}
	cases, customers := h.count(t, `select count(*) from kam.cases`), h.count(t, `select count(*) from kam.customer`)

	for _, r := range requests {
		was := first[r.Key]
		for range 3 {
			s, err := h.client.Start(t.Context(), r)
			require.NoError(t, err, r.Key)
			require.False(t, s.Created, r.Key)
			require.Equal(t, was, s.Progress.Snapshot, "the case as it stands")
		}
		other := r
		other.Data.Street = "Anderswo 1"
		_, err := h.client.Start(t.Context(), other)
		require.ErrorIs(t, err, kam.IDReused, "another request under the same key")
	}
	for _, r := range requests {
		was := first[r.Key]
		t.Run("past the client, "+string(was.State), func(t *testing.T) {
			input, err := converter.GetDefaultDataConverter().ToPayloads(kam.StartInput{CaseNo: was.CaseNo, RequestKey: r.Key})
			require.NoError(t, err)
			_, err = h.sdk.WorkflowService().StartWorkflowExecution(t.Context(), &workflowservice.StartWorkflowExecutionRequest{
				Namespace: h.stack.Namespace, WorkflowId: was.CaseNo.WorkflowID(), RequestId: uuid.NewString(),
				WorkflowType: &common.WorkflowType{Name: kam.WorkflowOnboarding}, TaskQueue: &taskqueue.TaskQueue{Name: kam.TaskQueue},
				Input: input, WorkflowIdReusePolicy: enums.WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE,
				WorkflowIdConflictPolicy: enums.WORKFLOW_ID_CONFLICT_POLICY_TERMINATE_EXISTING,
			})
			require.NoError(t, err)
			if !was.State.Ended() {
				h.honestly(t, was.CaseNo) // the new run knows what the ended one knew
				return
			}
			var told kam.Snapshot
			require.NoError(t, h.sdk.GetWorkflow(t.Context(), was.CaseNo.WorkflowID(), "").Get(t.Context(), &told))
			require.Equal(t, was, told, "the new run ends where the case did")
		})
	}
	require.Equal(t, cases, h.count(t, `select count(*) from kam.cases`))
	require.Equal(t, customers+1, h.count(t, `select count(*) from kam.customer`), "that of the open case, which was confirmed meanwhile")
}
