package main

import (
	"context"
	"fmt"
	"io"

	"go.uber.org/zap"

	"github.com/kamflow/kamflow/config"
	"github.com/kamflow/kamflow/internal/demo"
	"github.com/kamflow/kamflow/internal/keys"
	"github.com/kamflow/kamflow/internal/runfile"
	"github.com/kamflow/kamflow/service"
)

// playDemo walks the sample onboardings through the running system, as people
// would.
func playDemo(ctx context.Context, cfg config.Config, _ runfile.Running, out io.Writer) error {
	opts, err := cfg.Temporal.ClientOptions(config.SDKLog(zap.NewNop()))
	if err != nil {
		return err
	}
	s, err := service.Open(ctx, service.Options{
		Database: cfg.Database.URL.Reveal(), MaxConns: 8, Temporal: opts, TaskQueue: cfg.Temporal.TaskQueue, Patience: cfg.Client.Timeout,
		Keys: keys.In(cfg),
	})
	if err != nil {
		return fmt.Errorf("demo: %w", err)
	}
	defer s.Close()
	return demo.Run(ctx, demo.Deps{Service: s, Out: out})
}
