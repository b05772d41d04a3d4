package workerapp

import (
	"context"
	"fmt"
	"runtime/debug"
	"sync"
	"time"

	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"
	"go.uber.org/zap"

	"github.com/kamflow/kamflow/activities"
	"github.com/kamflow/kamflow/config"
	"github.com/kamflow/kamflow/internal/health"
	"github.com/kamflow/kamflow/internal/namespace"
	"github.com/kamflow/kamflow/internal/observe"
	"github.com/kamflow/kamflow/internal/runfile"
	"github.com/kamflow/kamflow/internal/screening"
	"github.com/kamflow/kamflow/internal/text"
	"github.com/kamflow/kamflow/service"
	"github.com/kamflow/kamflow/store"
	"github.com/kamflow/kamflow/workflows"
)

// Deps is what a worker may be given instead of making it itself. What is
// given is not closed by Stop.
type Deps struct {
	Log       *zap.Logger
	Store     *store.Store  // schema in place
	Temporal  client.Client // of the namespace
	Deliverer Deliverer
	Traces    *observe.Traces // nil: none
	// AllowUnsafe takes a database that may lose commits in a crash: tests.
	AllowUnsafe bool
	// InProcess leaves what belongs to the whole process, its garbage
	// collector, to the program around.
	InProcess bool
}

// An App is a running worker.
type App struct {
	// BuildID is the version under which Temporal knows this worker.
	BuildID string
	// Address is that of /healthz, /readyz and /metrics.
	Address string

	log      *zap.Logger
	store    *store.Store
	temporal client.Client
	worker   worker.Worker
	traces   *observe.Traces
	metrics  *observe.Metrics
	health   *health.Server
	counters *counters

	signatures *signatures

	stop    context.CancelFunc // of the loops
	loops   sync.WaitGroup
	failed  chan error
	closers []func()
}

// Start connects, brings schema, namespace and search attributes up to date,
// and works until Stop. It returns when the worker takes cases.
func Start(ctx context.Context, cfg config.Config, deps Deps) (*App, error) {
	a := &App{log: deps.Log, traces: deps.Traces, failed: make(chan error, 1), stop: func() {}}
	if a.log == nil {
		a.log = zap.NewNop()
	}
	if err := a.start(ctx, cfg, deps); err != nil {
		a.Stop()
		return nil, err
	}
	return a, nil
}

func (a *App) start(ctx context.Context, cfg config.Config, deps Deps) (err error) {
	if a.BuildID, err = BuildID(cfg.Worker.BuildID); err != nil {
		return err
	}
	if !deps.InProcess {
		debug.SetGCPercent(cfg.Worker.GCPercent)
	}
	if a.metrics, err = observe.NewMetrics(); err != nil {
		return err
	}
	a.counters = newCounters(a.metrics)
	ns, err := a.connect(ctx, cfg, deps)
	if err != nil {
		return err
	}
	if cfg.Worker.Setup {
		if _, err := namespace.Setup(ctx, a.temporal, ns, cfg.Temporal.Retention, namespace.SearchAttributes()); err != nil {
			return err
		}
	}
	deliverer := deps.Deliverer
	if deliverer == nil {
		words, err := text.Wanted(cfg.Lang)
		if err != nil {
			return err
		}
		if deliverer, err = NewDeliverer(cfg.Notify, words, a.log); err != nil {
			return err
		}
	}
	if err := a.serve(cfg); err != nil {
		return err
	}
	keys := &refresher{store: a.store.Customers, log: a.log}
	if err := keys.refresh(ctx); err != nil {
		return fmt.Errorf("write the keys of parties anew: %w", err)
	}
	if err := a.work(ctx, cfg); err != nil {
		return err
	}
	if err := a.loop(ctx, cfg, deliverer); err != nil {
		return err
	}
	a.log.Info("worker is ready", zap.String("build_id", a.BuildID), zap.String("namespace", ns), zap.String("task_queue", cfg.Temporal.TaskQueue), zap.String("listen", a.Address))
	return nil
}

// connect reaches PostgreSQL and Temporal, unless they were given.
func (a *App) connect(ctx context.Context, cfg config.Config, deps Deps) (ns string, err error) {
	if deps.Store == nil {
		if cfg, _, err = runfile.Locate(cfg); err != nil {
			return "", err
		}
	}
	opts, err := cfg.Temporal.ClientOptions(config.SDKLog(a.log))
	if err != nil {
		return "", err
	}
	a.metrics.Temporal(&opts, a.log)
	if err := a.traces.Temporal(&opts); err != nil {
		return "", err
	}
	if a.store = deps.Store; a.store == nil {
		url := cfg.Database.URL.Reveal()
		if err := store.Migrate(ctx, url); err != nil {
			return "", err
		}
		a.store, err = store.Open(ctx, url, store.Options{
			MaxConns:    int32(cfg.Database.MaxConns), //nolint:gosec // checked: at most 1000
			AllowUnsafe: deps.AllowUnsafe,
			Traces:      a.traces.Provider(), Metrics: a.metrics.Provider(),
		})
		if err != nil {
			return "", err
		}
		a.closers = append(a.closers, a.store.Close)
	}
	if a.temporal = deps.Temporal; a.temporal == nil {
		if a.temporal, err = client.DialContext(ctx, opts); err != nil {
			return "", fmt.Errorf("reach Temporal at %s: %w", opts.HostPort, err)
		}
		a.closers = append(a.closers, a.temporal.Close)
	}
	return opts.Namespace, nil
}

func (a *App) serve(cfg config.Config) error {
	registerProcess(a.metrics, a.BuildID)
	a.metrics.MustRegister(outboxFigures{a.store.OutboxState})
	checks := []health.Check{
		{Name: "database", Ask: a.store.Ping},
		{Name: "temporal", Ask: func(ctx context.Context) error {
			_, err := a.temporal.CheckHealth(ctx, &client.CheckHealthRequest{})
			return err
		}},
	}
	var err error
	if a.health, err = health.Listen("worker.listen", cfg.Worker.Listen, checks, a.metrics.Handler(a.log), a.log); err == nil {
		a.Address = a.health.Address
	}
	return err
}

// work registers workflows and activities and starts to poll.
func (a *App) work(ctx context.Context, cfg config.Config) error {
	worker.SetStickyWorkflowCacheSize(cfg.Worker.StickyCache)
	a.worker = worker.New(a.temporal, cfg.Temporal.TaskQueue, worker.Options{
		MaxConcurrentWorkflowTaskExecutionSize:  cfg.Worker.WorkflowTasks,
		MaxConcurrentActivityExecutionSize:      cfg.Worker.Activities,
		MaxConcurrentLocalActivityExecutionSize: cfg.Worker.Activities,
		WorkerStopTimeout:                       cfg.Worker.StopTimeout,
		DeploymentOptions: worker.DeploymentOptions{
			UseVersioning:             true,
			Version:                   worker.WorkerDeploymentVersion{DeploymentName: cfg.Worker.Deployment, BuildID: a.BuildID},
			DefaultVersioningBehavior: workflow.VersioningBehaviorAutoUpgrade,
		},
		OnFatalError: func(err error) {
			select {
			case a.failed <- err:
			default:
			}
		},
	})
	a.signatures = newSignatures(cfg, a.store, a.counters, a.log)
	if err := a.signatures.begin(ctx); err != nil {
		a.signatures = nil
		return err
	}
	workflows.Register(a.worker, a.signatures.verify)
	acts := activities.New(a.store)
	acts.Signatures = a.signatures.Verifier
	if s := screening.New(cfg.Screening); s != nil {
		acts.Screen, acts.Provider = s, s.Provider()
	}
	acts.Register(a.worker)
	(&recurring{
		keys:  &refresher{store: a.store.Customers, log: a.log},
		cases: service.New(service.RecordOf(a.store), a.temporal, cfg.Temporal.TaskQueue), misrouted: acts,
		record: a.store, organisation: a.store.Access, kept: a.store.Cases, counters: a.counters, log: a.log,
	}).register(a.worker)
	if err := a.worker.Start(); err != nil {
		a.worker = nil
		return fmt.Errorf("start worker: %w", err)
	}
	if !cfg.Worker.PromoteSelf {
		return nil
	}
	return promote(ctx, a.temporal, cfg.Worker.Deployment, a.BuildID)
}

// loop makes sure of the schedule of what recurs, and starts what every worker
// does for itself: the relay of the outbox, and the watch.
func (a *App) loop(ctx context.Context, cfg config.Config, deliverer Deliverer) error {
	recurs := schedule{client: a.temporal.ScheduleClient(), taskQueue: cfg.Temporal.TaskQueue, every: cfg.Worker.ReconcileEvery}
	if err := recurs.ensure(ctx); err != nil {
		return err
	}
	ctx, a.stop = context.WithCancel(context.WithoutCancel(ctx))
	relay := &relay{store: a.store, people: a.store.Access, deliverer: deliverer, timeout: cfg.Notify.Timeout, counters: a.counters, log: a.log}
	watch := &watch{record: a.store.Access, trigger: recurs.trigger, counters: a.counters, log: a.log}
	a.loops.Go(func() { every(ctx, cfg.Worker.RelayEvery, relay.run) })
	a.loops.Go(func() { every(ctx, watchEvery, watch.run) })
	a.loops.Go(func() { every(ctx, keysEvery, a.signatures.refresh) })
	a.loops.Go(func() { every(ctx, refusedEvery, a.signatures.record) })
	return nil
}

// Failed tells that the worker cannot go on by itself, as when it may no
// longer poll.
func (a *App) Failed() <-chan error { return a.failed }

// Stop lets running work end, as long as worker.stop_timeout allows, and
// closes what Start opened. It may be called more than once.
func (a *App) Stop() {
	if a.worker != nil {
		a.worker.Stop()
		a.worker = nil
	}
	a.stop()
	a.loops.Wait()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	if a.signatures != nil {
		a.signatures.end(ctx)
		a.signatures = nil
	}
	if err := a.health.Stop(ctx); err != nil {
		a.log.Warn("end health endpoints", zap.Error(err))
	}
	a.health = nil
	for i := len(a.closers) - 1; i >= 0; i-- {
		a.closers[i]()
	}
	a.closers = nil
}
