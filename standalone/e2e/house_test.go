package e2e

import (
	"context"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	sdk "go.temporal.io/sdk/client"
	"go.temporal.io/sdk/log"

	"github.com/kamflow/kamflow/config"
	"github.com/kamflow/kamflow/internal/demo"
	"github.com/kamflow/kamflow/internal/namespace"
	"github.com/kamflow/kamflow/internal/observe"
	"github.com/kamflow/kamflow/internal/pgserver/pgtest"
	"github.com/kamflow/kamflow/internal/workerapp"
	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/signed/signedtest"
	"github.com/kamflow/kamflow/service"
	"github.com/kamflow/kamflow/service/servicetest"
	"github.com/kamflow/kamflow/standalone/stack"
	"github.com/kamflow/kamflow/store"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }

// A house is a running product with the sample organisation and its book.
type house struct {
	dir      string
	stack    *stack.Stack
	worker   *workerapp.App
	db       *store.Store
	temporal sdk.Client
	client   *servicetest.People
	cfg      config.Config
	traces   *observe.Traces // nil: none
}

func open(t *testing.T, dir string) *house { return openTraced(t, dir, nil) }

func openTraced(t *testing.T, dir string, traces *observe.Traces) *house {
	t.Helper()
	h := &house{dir: dir, traces: traces}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	var err error
	h.stack, err = stack.Start(ctx, stack.Options{DataDir: dir, NoUI: true, Unsafe: true, SearchAttributes: namespace.SearchAttributes()})
	require.NoError(t, err)
	h.cfg = config.Defaults()
	h.cfg.DataDir = dir
	h.cfg.Database.URL = config.Secret(h.stack.DatabaseURL)
	h.cfg.Temporal.Address = h.stack.TemporalAddress
	h.cfg.Temporal.Namespace = h.stack.Namespace
	h.cfg.Worker.Listen = "127.0.0.1:0"
	h.cfg.Worker.PromoteSelf = true
	h.cfg.Keys.Public = signedtest.Public()
	h.work(t)
	h.db, err = store.Open(ctx, h.stack.DatabaseURL, store.Options{AllowUnsafe: true, Traces: traces.Provider()})
	require.NoError(t, err)
	opts := sdk.Options{
		HostPort: h.stack.TemporalAddress, Namespace: h.stack.Namespace,
		Logger: log.NewStructuredLogger(slog.New(slog.DiscardHandler)),
	}
	require.NoError(t, traces.Temporal(&opts))
	h.temporal, err = sdk.Dial(opts)
	require.NoError(t, err)
	h.client = servicetest.New(h.db, h.temporal, kam.TaskQueue)
	return h
}

// work starts a worker.
func (h *house) work(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	var err error
	h.worker, err = workerapp.Start(ctx, h.cfg, workerapp.Deps{AllowUnsafe: true, InProcess: true, Traces: h.traces})
	require.NoError(t, err)
}

func (h *house) close(t *testing.T) {
	t.Helper()
	h.temporal.Close()
	h.db.Close()
	h.worker.Stop()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	require.NoError(t, h.stack.Stop(ctx))
}

// furnish loads the sample organisation, book, sales and policy.
func (h *house) furnish(t *testing.T) {
	t.Helper()
	require.NoError(t, demo.Furnish(t.Context(), service.New(service.RecordOf(h.db), nil, ""), time.Now(), t.Logf))
}

// script is one of the sample onboardings.
func script(t *testing.T, name string) demo.Script {
	t.Helper()
	all, err := demo.Scripts()
	require.NoError(t, err)
	for _, s := range all {
		if s.Name == name {
			return s
		}
	}
	t.Fatalf("there is no sample onboarding %q", name)
	return demo.Script{}
}

// play runs all sample onboardings and fails where one leaves its script.
func (h *house) play(t *testing.T, out io.Writer) {
	t.Helper()
	require.NoError(t, demo.Run(t.Context(), demo.Deps{Service: h.client.Local, Out: out}))
}

// history is the workflow history of a case.
func (h *house) history(t *testing.T, no kam.CaseNo) []*event {
	t.Helper()
	var all []*event
	it := h.temporal.GetWorkflowHistory(t.Context(), no.WorkflowID(), "", false, allEvents)
	for it.HasNext() {
		e, err := it.Next()
		require.NoError(t, err)
		all = append(all, e)
	}
	return all
}

// recordTo is where histories are recorded to, "" when they are not.
func recordTo() string {
	v := os.Getenv("KAM_RECORD")
	if v == "" {
		return ""
	}
	return filepath.Join("..", "..", "workflows", "testdata", "history", v)
}
