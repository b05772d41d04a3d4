package main

import (
	"context"

	"go.uber.org/zap"

	"github.com/kamflow/kamflow/config"
	"github.com/kamflow/kamflow/internal/keys"
	"github.com/kamflow/kamflow/internal/runfile"
	"github.com/kamflow/kamflow/service"
)

func dial(ctx context.Context, a *app) (service.Service, error) {
	cfg, _, err := runfile.Locate(a.cfg.Config)
	if err != nil {
		return nil, err
	}
	// What the SDK has to say while it connects would stand between a person
	// and the answer; errors come back anyway.
	opts, err := cfg.Temporal.ClientOptions(config.SDKLog(zap.NewNop()))
	if err != nil {
		return nil, usageError{err}
	}
	if err := a.traces.Temporal(&opts); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, a.timeout)
	defer cancel()
	s, err := service.Open(ctx, service.Options{
		Database: cfg.Database.URL.Reveal(), MaxConns: 4, Temporal: opts, TaskQueue: cfg.Temporal.TaskQueue, Patience: a.timeout,
		Traces: a.traces.Provider(), Keys: keys.In(cfg),
	})
	if err != nil {
		return nil, err // not a nil *service.Local
	}
	return s, nil
}
