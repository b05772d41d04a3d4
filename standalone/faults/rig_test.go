package faults

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	sdk "go.temporal.io/sdk/client"
	"go.temporal.io/sdk/log"

	"github.com/kamflow/kamflow/config/sample"
	"github.com/kamflow/kamflow/internal/demo"
	"github.com/kamflow/kamflow/internal/pgserver"
	"github.com/kamflow/kamflow/internal/pgserver/pgtest"
	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/service"
	"github.com/kamflow/kamflow/service/servicetest"
	"github.com/kamflow/kamflow/standalone/stack"
	"github.com/kamflow/kamflow/store"
)

// Patience. All of it is for a busy machine of two cores.
const (
	toStart  = time.Minute
	toStrike = time.Minute
	toEnd    = 3 * time.Minute
)

// A rig is the real thing in parts that can die: PostgreSQL, Temporal and a
// worker, and in this process the people with their client.
type rig struct {
	bin, dir  string
	namespace string
	pgOptions pgserver.Options
	pg        *pgserver.Server
	address   string // of Temporal
	temporal  *process
	worker    *process
	versions  []*process // workers of the command worker

	db       *store.Store
	sdk      sdk.Client
	client   *servicetest.People
	template templates

	seed   uint64
	chance *rand.Rand
	rounds int

	journeys []*journey
	running  sync.WaitGroup
	underWay atomic.Int64
	offMu    sync.Mutex
	off      []error // journeys that went wrong

	starts, pointKills, workerKills, temporalKills, postgresKills int
}

// open starts everything, with a worker that lives.
func open(t *testing.T) *rig {
	t.Helper()
	return openWith(t, func(r *rig) { r.startWorker(t, "") })
}

// openWith leaves it to the caller which worker comes first. It has to make
// the schema.
func openWith(t *testing.T, startWorker func(*rig)) *rig {
	t.Helper()
	r := &rig{dir: t.TempDir(), namespace: "kamflow", seed: number("KAM_FAULT_SEED", uint64(time.Now().UnixNano())), rounds: int(number("KAM_FAULT_ROUNDS", 1))} //nolint:gosec // small
	r.chance = rand.New(rand.NewPCG(r.seed, 10))                                                                                                                 //nolint:gosec // to be repeated, not to be secret
	t.Logf("seed %d: KAM_FAULT_SEED=%d repeats the choices of this run", r.seed, r.seed)
	r.bin = filepath.Join(r.dir, "standalone")
	begin := time.Now()
	out, err := exec.Command("go", "build", "-tags", "failpoint", "-buildvcs=false", "-o", r.bin, "..").CombinedOutput()
	require.NoError(t, err, string(out))
	t.Logf("built after %v", time.Since(begin).Round(time.Second))

	t.Cleanup(func() {
		if t.Failed() {
			t.Log(tails(r.dir))
		}
	})
	ctx, cancel := context.WithTimeout(t.Context(), 2*toStart)
	defer cancel()
	r.pgOptions = pgserver.Options{DataDir: pgtest.DataDir(t), Durable: true, Fetch: true, Log: func(s string) { t.Log(s) }}
	r.pg, err = pgserver.Start(ctx, r.pgOptions)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, r.pg.StopImmediate()) })
	r.address = freeAddress(t)
	t.Cleanup(func() {
		for _, p := range append(r.versions, r.temporal, r.worker) {
			p.kill()
		}
	})
	r.startTemporal(t)
	startWorker(r)

	r.db, err = store.Open(ctx, r.pg.DSN(stack.Database), store.Options{})
	require.NoError(t, err)
	t.Cleanup(r.db.Close)
	local := service.New(service.RecordOf(r.db), nil, "")
	if file := os.Getenv("KAM_ROLLING_POLICY"); file != "" {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		_, err = local.LoadPolicy(ctx, service.As(sample.PolicyAdmin), service.OrgAct{Reason: "of the earlier release"}, 1, text)
		require.NoError(t, err)
	}
	require.NoError(t, demo.Furnish(ctx, local, time.Now(), t.Logf))
	r.template = readTemplates(t)
	r.sdk, err = sdk.DialContext(ctx, sdk.Options{HostPort: r.address, Namespace: r.namespace, Logger: silent()})
	require.NoError(t, err)
	t.Cleanup(r.sdk.Close)
	r.client = servicetest.New(r.db, r.sdk, kam.TaskQueue)
	t.Logf("ready after %v", time.Since(begin).Round(time.Second))
	return r
}

func silent() log.Logger { return log.NewStructuredLogger(slog.New(slog.DiscardHandler)) }

func number(name string, otherwise uint64) uint64 {
	if n, err := strconv.ParseUint(os.Getenv(name), 10, 63); err == nil && n > 0 {
		return n
	}
	return otherwise
}

func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	return l.Addr().String()
}

// start runs a part of standalone and waits until it is ready.
func (r *rig) start(t *testing.T, part string, env []string, args ...string) *process {
	t.Helper()
	r.starts++
	ctx, cancel := context.WithTimeout(t.Context(), toStart)
	defer cancel()
	data := filepath.Join(r.dir, part)
	require.NoError(t, os.MkdirAll(data, 0o700))
	args = append([]string{part, "--data-dir", data}, args...)
	p, err := launch(part, r.dir, filepath.Join(r.dir, fmt.Sprintf("%02d-%s.log", r.starts, part)), env, r.bin, args...)
	require.NoError(t, err)
	if err := p.ready(ctx); err != nil {
		p.kill()
		t.Fatalf("%v\n%s", err, r.logs())
	}
	return p
}

func (r *rig) logs() string {
	return tails(filepath.Join(r.dir, "temporal")) + tails(filepath.Join(r.dir, "worker"))
}

func (r *rig) startTemporal(t *testing.T) {
	t.Helper()
	_, port, err := net.SplitHostPort(r.address)
	require.NoError(t, err)
	r.temporal = r.start(t, "temporal", nil, "--database-url", r.pg.DSN("postgres"), "--set", "standalone.temporal_port="+port)
}

// startWorker runs a worker that dies when it comes by a point the nth time;
// "" is one that lives.
func (r *rig) startWorker(t *testing.T, point string) {
	t.Helper()
	r.worker = r.start(t, "worker", append(r.where(), "KAM_FAILPOINT="+point), "--set", "worker.build_id=faults", "--set", "worker.reconcile_every=2s")
}

// where says to a program where the servers are.
func (r *rig) where() []string {
	return []string{
		"KAM_DATABASE_URL=" + r.pg.DSN(stack.Database), "KAM_TEMPORAL_ADDRESS=" + r.address, "KAM_TEMPORAL_NAMESPACE=" + r.namespace,
	}
}

// replaceWorker kills the worker, wherever it is, and starts another one.
func (r *rig) replaceWorker(t *testing.T, point string) {
	t.Helper()
	if r.worker.runs() {
		r.workerKills++
	}
	r.worker.kill()
	r.startWorker(t, point)
}

// restartPostgres stops PostgreSQL without a checkpoint and, after a while,
// starts it again.
func (r *rig) restartPostgres(t *testing.T, away time.Duration) {
	t.Helper()
	require.NoError(t, r.pg.StopImmediate())
	r.postgresKills++
	time.Sleep(away)
	ctx, cancel := context.WithTimeout(t.Context(), toStart)
	defer cancel()
	again, err := pgserver.Start(ctx, r.pgOptions)
	require.NoError(t, err)
	require.Equal(t, r.pg.Port(), again.Port(), "at the same address")
	r.pg = again
}

func (r *rig) killTemporal() {
	r.temporal.kill()
	r.temporalKills++
}

// await waits until all journeys under way have ended well.
func (r *rig) await(t *testing.T) {
	t.Helper()
	r.running.Wait() // each journey has its own deadline
	r.offMu.Lock()
	defer r.offMu.Unlock()
	for _, err := range r.off {
		t.Error(err)
	}
	if len(r.off) > 0 {
		t.Fatal(r.logs())
	}
}
