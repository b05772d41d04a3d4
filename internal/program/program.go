// Package program is what the commands have in common that serve until they are
// told to stop.
package program

import (
	"context"
	"fmt"
	"io"
	"os"

	"go.uber.org/zap"

	"github.com/kamflow/kamflow/internal/observe"
	"github.com/kamflow/kamflow/internal/text"
)

// The exit statuses, besides 0 for a program that was told to stop.
const (
	Failed = 1
	Usage  = 2
)

// A Part is what a command serves.
type Part struct {
	Failed <-chan error
	Stop   func() // lets running work end and closes what the part has opened
}

// Serve starts a part with its traces, and waits until ctx ends or the part fails.
// It returns the exit status. Name is that of the command.
func Serve(ctx context.Context, name string, log *zap.Logger, start func(*observe.Traces) (Part, error)) int {
	traces, err := observe.Start(ctx, "kamflow-"+name, observe.ToLog(log))
	if err != nil {
		log.Error("traces do not start", zap.Error(err))
		return Usage
	}
	defer func() {
		if err := traces.Stop(); err != nil {
			log.Warn("traces end", zap.Error(err))
		}
	}()
	part, err := start(traces)
	if err != nil {
		if ctx.Err() != nil {
			return 0 // asked to stop while starting
		}
		log.Error(name+" does not start", zap.Error(err))
		return Failed
	}
	defer part.Stop()
	select {
	case <-ctx.Done():
		log.Info(name + " stops")
		return 0
	case err := <-part.Failed:
		log.Error(name+" failed", zap.Error(err))
		return Failed
	}
}

// Fail prints why a command ends, in the language of the machine or KAM_LANG, and returns its exit status.
func Fail(w io.Writer, name string, status int, err error) int {
	words, wrong := text.Wanted(os.Getenv("KAM_LANG")) // the configuration, which says it too, may be what is wrong
	if wrong != nil {
		words = text.English()
	}
	fmt.Fprintf(w, "%s: %s\n", name, words.Note(err.Error()))
	return status
}
