package e2e

import (
	"context"
	"runtime"
	"slices"
	"strings"
	"sync"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"
)

// passed keeps through which functions of ours each span was reached.
type passed struct {
	mu sync.Mutex
	by map[trace.SpanID][]string
}

// OnStart runs where the work is done.
func (p *passed) OnStart(_ context.Context, s sdktrace.ReadWriteSpan) {
	var pcs [64]uintptr
	frames := runtime.CallersFrames(pcs[:runtime.Callers(2, pcs[:])])
	var by []string
	for {
		f, more := frames.Next()
		if of, ok := strings.CutPrefix(f.Function, "github.com/kamflow/kamflow/"); ok && !slices.Contains([]string{"internal/observe", "internal/span", "service/servicetest", "standalone/e2e"}, roomOf(of)) {
			by = append(by, of)
		}
		if !more {
			break
		}
	}
	slices.Reverse(by)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.by[s.SpanContext().SpanID()] = by
}

func (*passed) OnEnd(sdktrace.ReadOnlySpan)      {}
func (*passed) Shutdown(context.Context) error   { return nil }
func (*passed) ForceFlush(context.Context) error { return nil }

// roomOf is the package of a function: "store/ledger" of "store/ledger.(*Ledger).On".
func roomOf(function string) string {
	slash := strings.LastIndex(function, "/") + 1
	dot := strings.Index(function[slash:], ".")
	return function[:slash+dot]
}

// through are the functions on the way along spans, the outermost span first, and
// their rooms. A span within another one on the same stack adds what is new.
func (p *passed) through(way []tracetest.SpanStub) (functions, rooms []string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	var before []string
	for _, s := range way {
		by := p.by[s.SpanContext.SpanID()]
		same := 0
		for same < len(by) && same < len(before) && by[same] == before[same] {
			same++
		}
		for _, f := range by[same:] {
			functions = append(functions, f)
			if !slices.Contains(rooms, roomOf(f)) {
				rooms = append(rooms, roomOf(f))
			}
		}
		if len(by) > 0 {
			before = by
		}
	}
	return functions, rooms
}
