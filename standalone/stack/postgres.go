package stack

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"time"

	"github.com/kamflow/kamflow/internal/pgserver"
)

// A postgres keeps a PostgreSQL server running: when it ends by itself, as
// when the kernel kills it for want of memory, it is started again. Whoever
// uses it sees broken connections and then, at the same address, new ones.
type postgres struct {
	opts   pgserver.Options
	cancel context.CancelFunc
	done   chan struct{} // closed when the watch has ended

	mu     sync.Mutex
	server *pgserver.Server
}

func startPostgres(ctx context.Context, opts Options, dataDir string) (*postgres, error) {
	p := &postgres{
		opts: pgserver.Options{DataDir: filepath.Join(dataDir, "postgres"), Durable: !opts.Unsafe, Fetch: true, Log: opts.Log},
		done: make(chan struct{}),
	}
	server, err := pgserver.Start(ctx, p.opts)
	if err != nil {
		return nil, err
	}
	p.server = server
	p.opts.Port = server.Port()

	watchCtx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	p.cancel = cancel
	go p.watch(watchCtx)
	return p, nil
}

func (p *postgres) watch(ctx context.Context) {
	defer close(p.done)
	for {
		select {
		case <-ctx.Done():
			return
		case <-p.current().Done():
		}
		if ctx.Err() != nil {
			return
		}
		p.opts.Log("PostgreSQL has ended by itself; starting it again")
		if !p.restart(ctx) {
			return
		}
		p.opts.Log("PostgreSQL is back")
	}
}

// restart tries until it works. It tells about the first failure only.
func (p *postgres) restart(ctx context.Context) bool {
	// Free the data directory of the server that has ended.
	if err := p.current().StopImmediate(); err != nil {
		p.opts.Log(fmt.Sprintf("clean up after PostgreSQL: %v", err))
	}
	for told := false; ctx.Err() == nil; {
		server, err := pgserver.Start(ctx, p.opts)
		if err == nil {
			p.mu.Lock()
			p.server = server
			p.mu.Unlock()
			return true
		}
		if !told {
			p.opts.Log(fmt.Sprintf("PostgreSQL does not start, trying on: %v", err))
			told = true
		}
		select {
		case <-ctx.Done():
		case <-time.After(time.Second):
		}
	}
	return false
}

func (p *postgres) current() *pgserver.Server {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.server
}

func (p *postgres) stop(ctx context.Context) error {
	p.cancel()
	<-p.done
	err := p.current().Stop(ctx)
	if errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("%w: ended without a checkpoint, the next start recovers", err)
	}
	return err
}
