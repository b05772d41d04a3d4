package hostile

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/history/v1"
	sdk "go.temporal.io/sdk/client"
	"go.temporal.io/sdk/log"

	"github.com/kamflow/kamflow/internal/demo"
	"github.com/kamflow/kamflow/internal/namespace"
	"github.com/kamflow/kamflow/internal/pgserver/pgtest"
	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/customer"
	"github.com/kamflow/kamflow/kam/onboarding"
	"github.com/kamflow/kamflow/service"
	"github.com/kamflow/kamflow/service/servicetest"
	"github.com/kamflow/kamflow/standalone/stack"
	"github.com/kamflow/kamflow/store"
	casedb "github.com/kamflow/kamflow/store/onboarding"
)

func TestMain(m *testing.M) {
	if os.Getenv(databaseEnv) != "" {
		os.Exit(beWorker())
	}
	code := pgtest.Main(m)
	if err := closeShared(); err != nil {
		fmt.Fprintln(os.Stderr, "close the house:", err)
		code = max(code, 1)
	}
	os.Exit(code)
}

// patience is for a busy machine of two cores.
const patience = time.Minute

// A house is the running product with the sample organisation. One serves all
// tests of the package, since it takes seconds to start.
type house struct {
	dir    string
	stack  *stack.Stack
	worker *worker
	db     *store.Store
	sdk    sdk.Client
	client *servicetest.People
	sample customer.RequestData // a request with all its details
}

var shared struct {
	once sync.Once
	*house
}

// keeper is a test whose cleanups do not run: the house outlives it.
type keeper struct{ testing.TB }

func (keeper) Cleanup(func()) {}

func open(t *testing.T) *house {
	t.Helper()
	shared.once.Do(func() {
		h := &house{dir: pgtest.DataDir(keeper{t})}
		shared.house = h
		begin := time.Now()
		h.start(t)
		t.Logf("ready after %v", time.Since(begin).Round(100*time.Millisecond))
	})
	require.NotNil(t, shared.house)
	require.NotNil(t, shared.client, "the first test could not start the house")
	h := shared.house
	h.worker.lives(t)
	t.Cleanup(func() {
		if t.Failed() {
			t.Log(h.worker.tail())
		}
	})
	return h
}

func (h *house) start(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*patience)
	defer cancel()
	var err error
	h.stack, err = stack.Start(ctx, stack.Options{DataDir: filepath.Join(h.dir, "data"), NoUI: true, Unsafe: true, SearchAttributes: namespace.SearchAttributes()})
	require.NoError(t, err)
	h.worker, err = startWorker(h.dir, h.stack.DatabaseURL, h.stack.TemporalAddress, h.stack.Namespace)
	require.NoError(t, err)
	h.db, err = store.Open(ctx, h.stack.DatabaseURL, store.Options{AllowUnsafe: true})
	require.NoError(t, err)
	require.NoError(t, demo.Furnish(ctx, servicetest.New(h.db, nil, "").Local, time.Now(), t.Logf))
	h.sample = sampleRequest(t)
	h.sdk, err = sdk.DialContext(ctx, sdk.Options{
		HostPort: h.stack.TemporalAddress, Namespace: h.stack.Namespace,
		Logger: log.NewStructuredLogger(slog.New(slog.DiscardHandler)),
	})
	require.NoError(t, err)
	h.client = servicetest.New(h.db, h.sdk, kam.TaskQueue)
}

func closeShared() error {
	h := shared.house
	if h == nil {
		return nil
	}
	if h.sdk != nil {
		h.sdk.Close()
	}
	if h.db != nil {
		h.db.Close()
	}
	if h.worker != nil {
		h.worker.stop()
	}
	var err error
	if h.stack != nil {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		err = h.stack.Stop(ctx)
	}
	return errors.Join(err, os.RemoveAll(h.dir))
}

// sampleRequest is a sample onboarding with all that was handed in later.
func sampleRequest(t *testing.T) customer.RequestData {
	t.Helper()
	all, err := demo.Scripts()
	require.NoError(t, err)
	for _, s := range all {
		if s.Name != "01_clear_add" {
			continue
		}
		out := s.Request
		for _, step := range s.Steps {
			if step.Data != nil {
				b, err := json.Marshal(step.Data)
				require.NoError(t, err)
				require.NoError(t, json.Unmarshal(b, &out))
			}
		}
		return out
	}
	t.Fatal("there is no sample onboarding 01_clear_add")
	return customer.RequestData{}
}

// requester works in Munich, where the customers of these tests are.
const requester = kam.UserID("emil.rep")

// request is the request for another customer, like no one before it.
func (h *house) request(key string, n int) casedb.Request {
	d := h.sample
	name := demo.Words(fmt.Sprintf("%s %d", key, n))
	d.LegalName = name[0] + " " + name[1] + " GmbH"
	d.City, d.PostalCode = "München", fmt.Sprintf("80%03d", 100+n%800)
	d.Street = fmt.Sprintf("%sweg %d", name[2], 1+n)
	d.Identifiers = []customer.Identifier{{Scheme: "OTHER", Name: "Sample register", Value: fmt.Sprintf("HR-%s-%d", key, n), Country: "DE"}}
	d.Addresses = []customer.Address{{Type: "LEGAL", Line1: d.Street, City: d.City, PostalCode: d.PostalCode, CountryCode: "DE"}}
	d.Contacts = []customer.Contact{{Name: "Annegret Seewald", DecisionRole: "DECIDER", Email: "seewald@" + strings.ToLower(name[0]) + ".example", ConsentBasis: "contract"}}
	return casedb.Request{Key: fmt.Sprintf("%s-%d", key, n), Type: kam.NewCase, Requester: requester, Data: d}
}

// waiting starts a case that waits for its confirmation.
func (h *house) waiting(t *testing.T) onboarding.Snapshot {
	t.Helper()
	s, err := h.client.Start(t.Context(), h.request(t.Name(), 0))
	require.NoError(t, err)
	return h.eventually(t, s.CaseNo, onboarding.AwaitingConfirmation)
}

// eventually waits until a case is in a state.
func (h *house) eventually(t *testing.T, no kam.CaseNo, want onboarding.State) onboarding.Snapshot {
	t.Helper()
	for deadline := time.Now().Add(patience); ; {
		s, err := h.db.Cases.Case(t.Context(), no)
		require.NoError(t, err)
		if s.State == want {
			return s
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s is %s, not %s: %s", no, s.State, want, s.Headline)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// confirm is the honest decision of the manager whom the case waits for.
func confirm(s onboarding.Snapshot) onboarding.Act {
	return onboarding.Act{
		DecisionID: service.NewDecisionID(), Name: onboarding.ActDecideConfirmation, Verdict: onboarding.Confirm, By: s.Task.Assignees[0],
		ExpectHash: s.MaterialHash, Reason: "they start in spring",
	}
}

// honestly takes a case that waits for its confirmation to its end.
func (h *house) honestly(t *testing.T, no kam.CaseNo) {
	t.Helper()
	now, err := h.db.Cases.Case(t.Context(), no)
	require.NoError(t, err)
	require.Equal(t, onboarding.AwaitingConfirmation, now.State)
	_, err = h.client.Act(t.Context(), no, confirm(now), nil)
	require.NoError(t, err)
	h.eventually(t, no, onboarding.Completed)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	var told onboarding.Snapshot
	require.NoError(t, h.sdk.GetWorkflow(ctx, no.WorkflowID(), "").Get(ctx, &told))
	require.Equal(t, onboarding.Completed, told.State)
	h.noTaskFailed(t, no.WorkflowID(), "")
}

// count reads what the store has no method for.
func (h *house) count(t *testing.T, sql string, args ...any) int {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), h.stack.DatabaseURL)
	require.NoError(t, err)
	defer conn.Close(t.Context())
	var n int
	require.NoError(t, conn.QueryRow(t.Context(), sql, args...).Scan(&n))
	return n
}

// inParallel calls do for 0 to n-1, at most so many at a time.
func inParallel(atATime, n int, do func(i int)) {
	var next atomic.Int64
	var all sync.WaitGroup
	for range atATime {
		all.Go(func() {
			for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
				do(i)
			}
		})
	}
	all.Wait()
}

// history is what Temporal holds of a run; "" is the present one.
func (h *house) history(t *testing.T, id, run string) []*history.HistoryEvent {
	t.Helper()
	var all []*history.HistoryEvent
	it := h.sdk.GetWorkflowHistory(t.Context(), id, run, false, enums.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	for it.HasNext() {
		e, err := it.Next()
		require.NoError(t, err)
		all = append(all, e)
	}
	return all
}

// settled waits until no workflow task is under way, and returns the length of
// the history.
func (h *house) settled(t *testing.T, id string) int64 {
	t.Helper()
	for deadline := time.Now().Add(patience); ; time.Sleep(20 * time.Millisecond) {
		d, err := h.sdk.DescribeWorkflowExecution(t.Context(), id, "")
		require.NoError(t, err)
		task := d.GetPendingWorkflowTask()
		if task == nil {
			return d.GetWorkflowExecutionInfo().GetHistoryLength()
		}
		require.Less(t, task.GetAttempt(), int32(3), "a workflow task of %s fails again and again", id)
		require.True(t, time.Now().Before(deadline), "a workflow task of %s does not end", id)
	}
}

// noTaskFailed: a workflow task that failed because of what somebody sent would
// be tried for ever. The two causes that are let through say that signals came
// in while a run was about to end, which cures itself.
func (h *house) noTaskFailed(t *testing.T, id, run string) {
	t.Helper()
	for _, e := range h.history(t, id, run) {
		a := e.GetWorkflowTaskFailedEventAttributes()
		switch a.GetCause() {
		case enums.WORKFLOW_TASK_FAILED_CAUSE_UNSPECIFIED, enums.WORKFLOW_TASK_FAILED_CAUSE_UNHANDLED_COMMAND, enums.WORKFLOW_TASK_FAILED_CAUSE_FORCE_CLOSE_COMMAND:
		default:
			t.Fatalf("a workflow task of %s failed: %v %v", id, a.GetCause(), a.GetFailure())
		}
	}
}
