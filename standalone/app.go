package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"
	_ "time/tzdata"

	"go.uber.org/zap"

	"github.com/kamflow/kamflow/config"
	"github.com/kamflow/kamflow/internal/demo"
	"github.com/kamflow/kamflow/internal/keys"
	"github.com/kamflow/kamflow/internal/observe"
	"github.com/kamflow/kamflow/internal/pgserver"
	"github.com/kamflow/kamflow/internal/runfile"
	"github.com/kamflow/kamflow/internal/workerapp"
	"github.com/kamflow/kamflow/service"
	"github.com/kamflow/kamflow/store"
)

// inProcess is the worker that runs beside the servers.
type inProcess struct {
	worker *workerapp.App
	traces *observe.Traces
	log    *zap.Logger
}

// startWorker runs a worker in this process. It migrates the database first.
func startWorker(ctx context.Context, cfg config.Config, _ *runfile.Running, say func(string)) (app, error) {
	if cfg.Log.File == "" {
		// The terminal is for people.
		if err := pgserver.MakeDir(cfg.DataDir); err != nil {
			return nil, err
		}
		cfg.Log.File = filepath.Join(cfg.DataDir, "worker.log")
	}
	if cfg.Worker.Listen == config.Defaults().Worker.Listen {
		// Another standalone may run on this machine: its address is in the log.
		cfg.Worker.Listen = "127.0.0.1:0"
	}
	// Nobody else is there to say which build takes new cases.
	cfg.Worker.PromoteSelf = true

	log, err := cfg.Log.Logger()
	if err != nil {
		return nil, err
	}
	traces, err := observe.Start(ctx, "kamflow-standalone", observe.ToLog(log))
	if err != nil {
		return nil, err
	}
	p := &inProcess{traces: traces, log: log}
	p.worker, err = workerapp.Start(ctx, cfg, workerapp.Deps{Log: log, Traces: traces, InProcess: true})
	if err != nil {
		return nil, errors.Join(fmt.Errorf("start worker: %w", err), traces.Stop())
	}
	if err := furnish(ctx, cfg, say); err != nil {
		return nil, errors.Join(err, p.Stop(ctx))
	}
	return p, nil
}

// furnish loads the sample organisation into an empty database where that is
// wanted, and otherwise says what is missing.
func furnish(ctx context.Context, cfg config.Config, say func(string)) error {
	s, err := store.Open(ctx, cfg.Database.URL.Reveal(), store.Options{MaxConns: 4, AllowUnsafe: true})
	if err != nil {
		return fmt.Errorf("look for people: %w", err)
	}
	defer s.Close()
	if cfg.Standalone.Sample {
		system := service.New(service.RecordOf(s), nil, "")
		system.UseKeys(keys.In(cfg))
		return demo.Furnish(ctx, system, time.Now(), func(format string, args ...any) { say(fmt.Sprintf(format, args...)) })
	}
	people, err := s.Access.People(ctx)
	if err == nil && len(people) == 0 {
		say("Nobody is known yet: load your organisation and policy with starter admin, or start with --demo.")
	}
	return err
}

// Failed tells that the worker cannot go on.
func (p *inProcess) Failed() <-chan error { return p.worker.Failed() }

// Stop waits for running tasks as long as worker.stop_timeout says, which is
// less than ctx lasts.
func (p *inProcess) Stop(context.Context) error {
	p.worker.Stop()
	if err := p.traces.Stop(); err != nil {
		p.log.Warn("traces end", zap.Error(err))
	}
	return p.log.Sync()
}
