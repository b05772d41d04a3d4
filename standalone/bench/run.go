package bench

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	sdk "go.temporal.io/sdk/client"
	"go.temporal.io/sdk/log"

	"github.com/kamflow/kamflow/config"
	"github.com/kamflow/kamflow/internal/runfile"
	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/customer"
	"github.com/kamflow/kamflow/kam/rules/match"
	"github.com/kamflow/kamflow/service/servicetest"
	"github.com/kamflow/kamflow/store"
)

// Options say what to measure.
type Options struct {
	Settings
	Running runfile.Running      // a standalone on an empty data directory, that works on bare workflows too
	Form    customer.RequestData // a complete request, of which the bench makes others
	Commit  string
	// StartProfile has the program profiled until stop is called. It is asked for
	// once all is measured, since a profile costs something too, and only where
	// Settings name a file for it.
	StartProfile func() (stop func() error, err error)
	Log          func(format string, args ...any)
}

// A rig holds what a run uses.
type rig struct {
	opts     Options
	database string // the name of ours
	db       *store.Store
	temporal sdk.Client
	client   *servicetest.People
	watch    *pgx.Conn // to our database, unseen by the meter
	meter    *meter

	known  *match.Index // all customers and requests
	book   int          // customers that were loaded, those of the blocks included
	blocks []place      // in the book, without cases so far
	made   int          // workflows
}

// ErrNoStatements says that a PostgreSQL came without its contributed modules.
var ErrNoStatements = errors.New("this PostgreSQL has no pg_stat_statements: install its contrib package")

// Prepare tells a PostgreSQL to count statements from its next start on: call it
// before standalone starts on the server's files. Checkpoints are put off, because the whole pages that
// WAL holds after each would blur the WAL of a case.
func Prepare(ctx context.Context, dsn string) error {
	conn, err := pgx.Connect(ctx, dsn)
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	var has bool
	if err := conn.QueryRow(ctx, `select exists (select from pg_available_extensions where name = 'pg_stat_statements')`).Scan(&has); err != nil {
		return fmt.Errorf("prepare PostgreSQL for the bench: %w", err)
	}
	if !has {
		return ErrNoStatements
	}
	for _, do := range []string{
		`create extension pg_stat_statements`,
		`alter system set shared_preload_libraries = 'pg_stat_statements'`,
		`alter system set checkpoint_timeout = '1h'`,
	} {
		if _, err := conn.Exec(ctx, do); err != nil {
			return fmt.Errorf("prepare PostgreSQL for the bench: %w", err)
		}
	}
	return nil
}

// Run measures.
func Run(ctx context.Context, opts Options) (Result, error) {
	r, err := open(ctx, opts)
	if err == nil {
		err = r.furnish(ctx)
	}
	if err != nil {
		return Result{}, errors.Join(err, r.close(ctx))
	}
	res := Result{Settings: opts.Settings, Database: r.database, Commit: opts.Commit, Date: time.Now().UTC()}
	if res.Machine, err = machine(ctx, r.meter.stats); err == nil {
		err = r.measure(ctx, &res)
	}
	return res, errors.Join(err, r.close(ctx))
}

func open(ctx context.Context, opts Options) (*rig, error) {
	r := &rig{opts: opts}
	dsn := opts.Running.DatabaseURL
	u, err := url.Parse(dsn)
	if err != nil {
		return r, fmt.Errorf("read the address of the database: %w", err)
	}
	r.database = strings.TrimPrefix(u.Path, "/")
	if r.meter, err = openMeter(ctx, dsn, opts.Running.PID); err != nil {
		return r, err
	}
	if r.watch, err = r.meter.connectUnseen(ctx, dsn); err != nil {
		return r, err
	}
	if r.db, err = store.Open(ctx, dsn, store.Options{MaxConns: int32(config.Defaults().Database.MaxConns)}); err != nil { //nolint:gosec // small
		return r, err
	}
	r.temporal, err = sdk.DialContext(ctx, sdk.Options{
		HostPort: opts.Running.TemporalAddress, Namespace: opts.Running.Namespace,
		Logger: log.NewStructuredLogger(slog.New(slog.DiscardHandler)),
	})
	if err != nil {
		return r, err
	}
	r.client = servicetest.New(r.db, r.temporal, kam.TaskQueue)
	if opts.Unsigned {
		r.client.Signer = nil
	}
	r.client.Patience = patience // a busy machine is slow, and that is no failure
	return r, nil
}

func (r *rig) close(ctx context.Context) error {
	if r.temporal != nil {
		r.temporal.Close()
	}
	if r.db != nil {
		r.db.Close()
	}
	var errs []error
	if r.watch != nil {
		errs = append(errs, r.watch.Close(ctx))
	}
	if r.meter != nil {
		errs = append(errs, r.meter.stats.Close(ctx))
	}
	return errors.Join(errs...)
}

func (r *rig) measure(ctx context.Context, res *Result) error {
	for _, size := range r.opts.Books {
		if err := r.grow(ctx, size); err != nil {
			return err
		}
		if err := r.measureBook(ctx, res, size); err != nil {
			return fmt.Errorf("with a book of %d: %w", size, err)
		}
	}
	if r.opts.Profile == "" {
		return nil
	}
	stop, err := r.opts.StartProfile()
	if err != nil {
		return err
	}
	_, err = r.window(ctx, Case, r.opts.Cases, r.opts.InFlight[len(r.opts.InFlight)-1])
	return errors.Join(err, stop())
}

// measureBook takes all rounds on one book. A round has each kind once for each
// number in flight, that in a block for the largest only; who is first changes
// from round to round.
func (r *rig) measureBook(ctx context.Context, res *Result, size int) error {
	most := r.opts.InFlight[len(r.opts.InFlight)-1]
	kinds := map[int][]string{}
	for _, k := range r.opts.InFlight {
		kinds[k] = []string{Bare, Case}
	}
	if len(r.blocks) > 0 {
		kinds[most] = append(kinds[most], Crowded)
	}
	for _, kind := range []string{Bare, Case} { // the first ones cost more, and do not count
		if _, err := r.window(ctx, kind, min(r.opts.Cases, 32), most); err != nil {
			return err
		}
	}
	if err := r.tidy(ctx); err != nil {
		return err
	}
	idle, err := r.idle(ctx)
	if err != nil {
		return err
	}
	res.Idle = append(res.Idle, Idle{Book: size, Figures: figuresOf(idle.times(1 / idle.seconds))})
	cells := map[string][]window{}
	for round := range r.opts.Rounds {
		begin := time.Now()
		if err := r.tidy(ctx); err != nil {
			return err
		}
		for _, k := range r.opts.InFlight {
			for i := range kinds[k] {
				kind := kinds[k][(i+round)%len(kinds[k])]
				w, err := r.window(ctx, kind, r.opts.Cases, k)
				if err != nil {
					return fmt.Errorf("%s, %d in flight: %w", kind, k, err)
				}
				cells[cellName(kind, k)] = append(cells[cellName(kind, k)], w)
			}
		}
		r.opts.Log("book of %d, round %d of %d took %.0f s", size, round+1, r.opts.Rounds, time.Since(begin).Seconds())
	}
	for _, k := range r.opts.InFlight {
		floor := newCell(Cell{}, r.database, cells[cellName(Bare, k)], idle, nil)
		for _, kind := range kinds[k] {
			res.Cells = append(res.Cells, newCell(Cell{Book: size, Kind: kind, InFlight: k}, r.database, cells[cellName(kind, k)], idle, &floor))
		}
	}
	return nil
}

func cellName(kind string, inFlight int) string { return fmt.Sprint(kind, " ", inFlight) }

// idle is what is used while nobody asks for anything.
func (r *rig) idle(ctx context.Context) (usage, error) {
	from, err := r.meter.start(ctx)
	if err != nil {
		return usage{}, err
	}
	if err := sleep(ctx, r.opts.Idle); err != nil {
		return usage{}, err
	}
	return r.meter.end(ctx, from)
}

// A window is one kind in one round.
type window struct {
	usage
	n                int
	starts, confirms []time.Duration
	events           int // in the history of the last one
}

func (r *rig) window(ctx context.Context, kind string, n, k int) (window, error) {
	w := window{n: n, starts: make([]time.Duration, n), confirms: make([]time.Duration, n)}
	d := r.drive(kind, n)
	from, err := r.meter.start(ctx)
	if err != nil {
		return w, err
	}
	if err := inFlight(k, n, func(i int) error {
		begin := time.Now()
		err := d.start(ctx, i)
		w.starts[i] = time.Since(begin)
		return err
	}); err != nil {
		return w, fmt.Errorf("start: %w", err)
	}
	if err := d.rest(ctx); err != nil {
		return w, err
	}
	if err := inFlight(k, n, func(i int) (err error) {
		w.confirms[i], err = d.confirm(ctx, i)
		return err
	}); err != nil {
		return w, fmt.Errorf("confirm: %w", err)
	}
	if err := errors.Join(d.over(ctx), sleep(ctx, r.opts.Settle)); err != nil {
		return w, err
	}
	if w.usage, err = r.meter.end(ctx, from); err != nil {
		return w, err
	}
	w.events, err = r.events(ctx, d.lastID())
	return w, err
}

func (r *rig) drive(kind string, n int) drive {
	switch kind {
	case Bare:
		return r.bares(n)
	case Crowded:
		at := r.blocks[0]
		r.blocks = r.blocks[1:]
		return r.cases(n, func(int) place { return at })
	default:
		return r.cases(n, inMunich)
	}
}
