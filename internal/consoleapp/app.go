package consoleapp

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"go.temporal.io/sdk/client"
	"go.uber.org/zap"
	"go.uber.org/zap/exp/zapslog"

	"github.com/kamflow/kamflow/activities"
	"github.com/kamflow/kamflow/config"
	"github.com/kamflow/kamflow/gateway"
	"github.com/kamflow/kamflow/gateway/api"
	"github.com/kamflow/kamflow/gateway/openid"
	"github.com/kamflow/kamflow/gateway/pages"
	"github.com/kamflow/kamflow/gateway/pages/signin"
	"github.com/kamflow/kamflow/gateway/pages/terminal"
	"github.com/kamflow/kamflow/internal/health"
	"github.com/kamflow/kamflow/internal/keys"
	"github.com/kamflow/kamflow/internal/observe"
	"github.com/kamflow/kamflow/internal/runfile"
	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/service"
	"github.com/kamflow/kamflow/store"
	"github.com/kamflow/kamflow/store/identity"
)

// Deps is what a console may be given.
type Deps struct {
	Log    *zap.Logger
	Traces *observe.Traces // nil: none
	// AllowUnsafe takes a database that may lose commits in a crash: tests.
	AllowUnsafe bool
	// Owner is a secret that whoever runs the program can read and nobody else; ""
	// where there is none.
	Owner string
}

// An App is a running console.
type App struct {
	// Address is where people find it, without a path.
	Address string
	// HealthAddress is that of /healthz, /readyz and /metrics.
	HealthAddress string

	cfg      config.Config
	log      *zap.Logger
	store    *store.Store
	temporal client.Client
	reach    service.Options // where they are
	signIns  *identity.Store
	gate     *gateway.Gate
	server   *http.Server
	health   *health.Server
	failed   chan error
}

// Start connects, brings the schema up to date and serves until Stop.
func Start(ctx context.Context, cfg config.Config, deps Deps) (*App, error) {
	a := &App{cfg: cfg, log: deps.Log, failed: make(chan error, 1)}
	if a.log == nil {
		a.log = zap.NewNop()
	}
	if err := a.start(ctx, deps); err != nil {
		return nil, errors.Join(err, a.Stop(context.WithoutCancel(ctx)))
	}
	return a, nil
}

func (a *App) start(ctx context.Context, deps Deps) error {
	metrics, err := observe.NewMetrics()
	if err != nil {
		return err
	}
	if err := a.connect(ctx, deps, metrics); err != nil {
		return err
	}
	base, err := a.cfg.Console.Base()
	if err != nil {
		return err
	}
	proxies, err := a.cfg.Console.Proxies()
	if err != nil {
		return err
	}
	a.reach.TaskQueue, a.reach.Patience, a.reach.Keys = a.cfg.Temporal.TaskQueue, a.cfg.Client.Timeout, keys.In(a.cfg)
	system := service.Over(a.reach, a.store, a.temporal)
	system.Judge = activities.New(a.store)
	a.signIns = a.store.SignIns
	a.gate = gateway.New(gateway.Options{
		People: system, SignIns: a.signIns, Log: slog.New(zapslog.NewHandler(a.log.Core())), Figures: metrics, Trace: deps.Traces.Begin,
		Waits: pages.Waits(system), Names: a.names, Base: base, Proxies: proxies, Idle: a.cfg.Console.SessionIdle, Lasts: a.cfg.Console.SessionLifetime,
	})
	a.pages(system)
	a.programs(system, deps.Owner)
	checks := []health.Check{
		{Name: "database", Ask: a.store.Ping},
		{Name: "temporal", Ask: func(ctx context.Context) error {
			_, err := a.temporal.CheckHealth(ctx, &client.CheckHealthRequest{})
			return err
		}},
	}
	if a.health, err = health.Listen("console.health_listen", a.cfg.Console.HealthListen, checks, metrics.Handler(a.log), a.log); err != nil {
		return err
	}
	a.HealthAddress = a.health.Address
	return a.listen()
}

// pages puts everything that people see behind the gate.
func (a *App) pages(system service.Service) {
	var providers []*signin.Provider
	var issuers []string
	for _, p := range a.cfg.Console.Providers {
		issuers = append(issuers, p.Issuer)
		providers = append(providers, openid.New(openid.Settings{
			Name: p.Name, Title: p.Title, Issuer: p.Issuer, ClientID: p.ClientID, ClientSecret: p.ClientSecret.Reveal(),
			Redirect: a.gate.Base.String() + signin.BackAt + p.Name,
		}))
	}
	pages.Mount(a.gate, pages.Needs{Service: system, SignIns: a.signIns, Providers: providers, Issuers: issuers, TokenLifetime: a.cfg.Console.TokenLifetime})
}

// names are those of all people.
func (a *App) names(ctx context.Context) (map[kam.UserID]string, error) {
	people, err := a.store.Access.People(ctx)
	all := map[kam.UserID]string{}
	for _, p := range people {
		all[p.ID] = p.Name
	}
	return all, err
}

// programs puts what programs send behind the gate.
func (a *App) programs(system service.Service, secret string) {
	owner := gateway.Owner{Secret: secret, SpeaksFor: a.speaksFor}
	if !a.cfg.Console.OwnMachine() {
		owner.Secret = "" // nobody has one of a machine that others reach
	}
	api.New(api.Options{
		Service: system, Principal: a.gate.Programs(owner), Still: a.gate.Still, SignedOut: gateway.SignedOut, Log: a.gate.Log,
	}).Mount(a.gate.Mount)
	terminal.Mount(a.gate, a.signIns, owner, a.cfg.Console.TokenLifetime)
}

// speaksFor says whether the owner may act as others: where the program was
// started for that, and where nobody is known yet, whom he then sets up.
func (a *App) speaksFor(ctx context.Context) (bool, error) {
	if a.cfg.Standalone.SpeakFor {
		return true, nil
	}
	people, err := a.store.Access.People(ctx)
	return err == nil && len(people) == 0, err
}

// connect reaches PostgreSQL. Temporal is connected to when it is first needed.
func (a *App) connect(ctx context.Context, deps Deps, metrics *observe.Metrics) error {
	cfg, _, err := runfile.Locate(a.cfg)
	if err != nil {
		return err
	}
	opts, err := cfg.Temporal.ClientOptions(config.SDKLog(a.log))
	if err != nil {
		return err
	}
	metrics.Temporal(&opts, a.log)
	if err := deps.Traces.Temporal(&opts); err != nil {
		return err
	}
	url := cfg.Database.URL.Reveal()
	if err := store.Migrate(ctx, url); err != nil {
		return err
	}
	a.store, err = store.Open(ctx, url, store.Options{
		MaxConns:    int32(cfg.Database.MaxConns), //nolint:gosec // checked: at most 1000
		AllowUnsafe: deps.AllowUnsafe,
		Traces:      deps.Traces.Provider(), Metrics: metrics.Provider(),
	})
	if err != nil {
		return err
	}
	a.reach.Database, a.reach.Temporal = url, opts
	if a.temporal, err = client.NewLazyClient(opts); err != nil {
		return fmt.Errorf("connect to Temporal: %w", err)
	}
	return nil
}

// The bounds of a request. What streams sets its own times.
const (
	readHeader = 5 * time.Second
	readAll    = time.Minute
	writeAll   = 2 * time.Minute
	maxHeader  = 32 << 10
)

func (a *App) listen() error {
	c := a.cfg.Console
	l, err := net.Listen("tcp", c.Listen)
	if err != nil {
		return fmt.Errorf("console.listen: %w", err)
	}
	if c.TLSCert != "" {
		pair, err := tls.LoadX509KeyPair(c.TLSCert, c.TLSKey)
		if err != nil {
			return errors.Join(fmt.Errorf("console.tls_cert: %w", err), l.Close())
		}
		l = tls.NewListener(l, &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12, NextProtos: []string{"h2", "http/1.1"}})
	}
	a.Address = "http://" + l.Addr().String()
	if a.gate.Base != nil {
		a.Address = a.gate.Base.String()
	}
	errorLog, err := zap.NewStdLogAt(a.log, zap.InfoLevel)
	if err != nil {
		return errors.Join(err, l.Close())
	}
	a.server = &http.Server{
		Handler: a.gate.Handler(), ErrorLog: errorLog,
		ReadHeaderTimeout: readHeader, ReadTimeout: readAll, WriteTimeout: writeAll, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: maxHeader,
	}
	go func() {
		if err := a.server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			a.failed <- fmt.Errorf("the console ended: %w", err)
		}
	}()
	a.log.Info("console is ready", zap.String("address", a.Address), zap.String("health", a.HealthAddress))
	return nil
}

// Failed tells that the console cannot go on by itself.
func (a *App) Failed() <-chan error { return a.failed }

// Stop takes no more requests, lets running ones end, at the latest when ctx
// does, and closes what Start opened.
func (a *App) Stop(ctx context.Context) error {
	var err error
	if a.server != nil {
		if err = a.server.Shutdown(ctx); err != nil { // those that stream
			err = a.server.Close()
		}
	}
	err = errors.Join(err, a.health.Stop(ctx))
	if a.temporal != nil {
		a.temporal.Close()
	}
	if a.store != nil {
		a.store.Close()
	}
	return err
}
