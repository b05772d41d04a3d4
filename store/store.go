package store

import (
	"context"
	"fmt"
	"time"

	"github.com/exaring/otelpgx"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"
	"github.com/jackc/pgx/v5/pgxpool"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/metric/noop"
	semconv "go.opentelemetry.io/otel/semconv/v1.40.0"
	"go.opentelemetry.io/otel/trace"

	accessdb "github.com/kamflow/kamflow/store/access"
	bookdb "github.com/kamflow/kamflow/store/book"
	customerdb "github.com/kamflow/kamflow/store/customer"
	"github.com/kamflow/kamflow/store/customer/erase"
	"github.com/kamflow/kamflow/store/customer/merge"
	"github.com/kamflow/kamflow/store/ledger"
	casedb "github.com/kamflow/kamflow/store/onboarding"
)

// Options of a store.
type Options struct {
	MaxConns int32 // 0: what the address says, else 4 or the number of CPUs
	// AllowUnsafe opens a server that may lose commits in a crash: tests only.
	AllowUnsafe bool
	// StatementTimeout is 5 seconds when zero.
	StatementTimeout time.Duration
	// Traces get a span for each statement that is part of a trace, with its text
	// and without its values. Nil: none.
	Traces trace.TracerProvider
	// Metrics get the figures of the pool of connections. Nil: none.
	Metrics metric.MeterProvider
}

// A Store is the database: its ledger, and the rooms that stand on it. Its methods
// may be called from many goroutines.
type Store struct {
	*ledger.Ledger
	Access    *accessdb.Store
	Cases     *casedb.Store
	Customers *customerdb.Store
	Merges    *merge.Store
	Erasures  *erase.Store
	Books     *bookdb.Store

	pool *pgxpool.Pool
}

// Open connects and refuses a server that may forget what it acknowledged.
// The schema must be there: see [Migrate].
func Open(ctx context.Context, dsn string, opt Options) (*Store, error) {
	cfg, err := pgxpool.ParseConfig(dsn)
	if err != nil {
		return nil, fmt.Errorf("parse database address: %w", err)
	}
	if opt.MaxConns > 0 {
		cfg.MaxConns = opt.MaxConns
	}
	if opt.StatementTimeout == 0 {
		opt.StatementTimeout = 5 * time.Second
	}
	params := cfg.ConnConfig.RuntimeParams
	params["statement_timeout"] = fmt.Sprint(opt.StatementTimeout.Milliseconds())
	params["timezone"] = "UTC"
	params["search_path"] = "kam,public"
	if params["application_name"] == "" {
		params["application_name"] = "kamflow"
	}
	cfg.AfterConnect = func(_ context.Context, conn *pgx.Conn) error {
		conn.TypeMap().RegisterType(&pgtype.Type{
			Name: "timestamptz", OID: pgtype.TimestamptzOID, Codec: &pgtype.TimestamptzCodec{ScanLocation: time.UTC},
		})
		return nil
	}
	if opt.Traces != nil {
		cfg.ConnConfig.Tracer = otelpgx.NewTracer(otelpgx.WithTracerProvider(opt.Traces),
			otelpgx.WithMeterProvider(noop.NewMeterProvider()), otelpgx.WithDisableConnectionDetailsInAttributes())
	}
	pool, err := pgxpool.NewWithConfig(ctx, cfg)
	if err != nil {
		return nil, fmt.Errorf("connect to the database: %w", err)
	}
	if opt.Metrics != nil {
		// Its own name of the pool tells where the database is to everybody who
		// may read figures.
		name := otelpgx.WithStatsAttributes(semconv.DBClientConnectionPoolName("kamflow"))
		if err := otelpgx.RecordStats(pool, otelpgx.WithStatsMeterProvider(opt.Metrics), name); err != nil {
			pool.Close()
			return nil, fmt.Errorf("measure the connections to the database: %w", err)
		}
	}
	s := open(pool)
	if opt.AllowUnsafe {
		err = s.Ping(ctx)
	} else {
		err = s.checkDurable(ctx)
	}
	if err != nil {
		pool.Close()
		return nil, err
	}
	return s, nil
}

func open(pool *pgxpool.Pool) *Store {
	l := ledger.New(pool)
	s := &Store{Ledger: l, pool: pool, Access: accessdb.New(l, pool, bookdb.Given), Cases: casedb.New(l, pool), Erasures: erase.New(l, pool)}
	s.Customers = customerdb.New(l, pool, s.Access)
	s.Merges, s.Books = merge.New(l, pool, s.Customers), bookdb.New(l, pool, s.Customers)
	return s
}

// Close waits for the connections in use and closes all.
func (s *Store) Close() { s.pool.Close() }

// Ping says whether the database answers.
func (s *Store) Ping(ctx context.Context) error {
	if err := s.pool.Ping(ctx); err != nil {
		return fmt.Errorf("reach the database: %w", err)
	}
	return nil
}

// checkDurable looks at the settings without which a commit that was
// acknowledged can be lost.
func (s *Store) checkDurable(ctx context.Context) error {
	const settings = `
		select name || ' = ' || setting from pg_settings
		where name in ('fsync', 'full_page_writes', 'synchronous_commit') and setting = 'off'
		order by name`

	rows, err := s.pool.Query(ctx, settings)
	if err != nil {
		return fmt.Errorf("read the settings of the database: %w", err)
	}
	off, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return fmt.Errorf("read the settings of the database: %w", err)
	}
	if len(off) > 0 {
		return fmt.Errorf("the database may lose what it has acknowledged: %v; turn these on, or allow an unsafe database for a trial", off)
	}
	return nil
}
