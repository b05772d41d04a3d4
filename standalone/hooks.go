package main

import (
	"context"
	"io"

	enumspb "go.temporal.io/api/enums/v1"

	"github.com/kamflow/kamflow/config"
	"github.com/kamflow/kamflow/internal/namespace"
	"github.com/kamflow/kamflow/internal/runfile"
)

// The parts that can run alone.
const (
	partPostgres = "postgres"
	partTemporal = "temporal"
	partWorker   = "worker"
)

// hooks are what kamflow itself adds to the servers that it stands on.
type hooks struct {
	// searchAttributes are made before anything runs.
	searchAttributes map[string]enumspb.IndexedValueType

	// start migrates the database and works until Stop. The configuration
	// points at the running servers. It may add what it opens, such as the
	// console's address and token, to running.
	start func(ctx context.Context, cfg config.Config, running *runfile.Running, say func(string)) (app, error)

	// console serves pages until Stop, and adds its address to running.
	console func(ctx context.Context, cfg config.Config, running *runfile.Running) (console, error)

	// demo walks cases through the process and tells out about it.
	demo func(ctx context.Context, cfg config.Config, running runfile.Running, out io.Writer) error
}

// An app is what hooks.start runs.
type app interface {
	// Stop lets running work end, at the latest when ctx does.
	Stop(ctx context.Context) error
	// Failed tells that it cannot go on; we end then.
	Failed() <-chan error
}

// A console is an app that lets people in.
type console interface {
	app
	// Welcome says how they come in.
	Welcome(ctx context.Context) (string, error)
}

// program is put together here, in one place.
var program = hooks{
	searchAttributes: namespace.SearchAttributes(),
	start:            startWorker,
	console:          startConsole,
	demo:             playDemo,
}
