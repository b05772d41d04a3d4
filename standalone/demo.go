package main

import (
	"context"
	"fmt"
	"io"

	sdk "go.temporal.io/sdk/client"
	"go.uber.org/zap"

	"github.com/kamflow/kamflow/client"
	"github.com/kamflow/kamflow/config"
	"github.com/kamflow/kamflow/internal/demo"
	"github.com/kamflow/kamflow/internal/runfile"
	"github.com/kamflow/kamflow/store"
)

// playDemo walks the sample onboardings through the running system, as people
// with a client of their own would.
func playDemo(ctx context.Context, cfg config.Config, _ runfile.Running, out io.Writer) error {
	opts, err := cfg.Temporal.ClientOptions(config.SDKLog(zap.NewNop()))
	if err != nil {
		return err
	}
	s, err := store.Open(ctx, cfg.Database.URL.Reveal(), store.Options{MaxConns: 8, AllowUnsafe: true})
	if err != nil {
		return fmt.Errorf("demo: %w", err)
	}
	defer s.Close()
	tc, err := sdk.DialContext(ctx, opts)
	if err != nil {
		return fmt.Errorf("demo: %w", err)
	}
	defer tc.Close()
	acts := client.New(s, tc, cfg.Temporal.TaskQueue)
	acts.Patience = cfg.Client.Timeout
	return demo.Run(ctx, demo.Deps{Store: s, Client: acts, Out: out})
}
