package main

import (
	"context"
	"fmt"
	"path/filepath"

	"go.uber.org/zap"

	"github.com/kamflow/kamflow/config"
	"github.com/kamflow/kamflow/internal/runfile"
	"github.com/kamflow/kamflow/internal/workerapp"
)

// inProcess is the worker that runs beside the servers.
type inProcess struct {
	worker *workerapp.App
	log    *zap.Logger
}

// startWorker runs a worker in this process. It migrates the database first.
func startWorker(ctx context.Context, cfg config.Config, _ *runfile.Running, _ func(string)) (app, error) {
	if cfg.Log.File == "" {
		// The terminal is for people.
		cfg.Log.File = filepath.Join(cfg.DataDir, "worker.log")
	}
	// Nobody else is there to say which build takes new cases.
	cfg.Worker.PromoteSelf = true

	log, err := cfg.Log.Logger()
	if err != nil {
		return nil, err
	}
	worker, err := workerapp.Start(ctx, cfg, workerapp.Deps{Log: log, InProcess: true})
	if err != nil {
		return nil, fmt.Errorf("start worker: %w", err)
	}
	return &inProcess{worker: worker, log: log}, nil
}

// Failed tells that the worker cannot go on.
func (p *inProcess) Failed() <-chan error { return p.worker.Failed() }

// Stop waits for running tasks as long as worker.stop_timeout says, which is
// less than ctx lasts.
func (p *inProcess) Stop(context.Context) error {
	p.worker.Stop()
	return p.log.Sync()
}
