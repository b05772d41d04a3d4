package stack

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/server/common/authorization"

	"github.com/kamflow/kamflow/internal/pgserver"
	"github.com/kamflow/kamflow/internal/pgserver/dirlock"
	"github.com/kamflow/kamflow/standalone/temporalserver"
)

// Database is the name of the database that holds the record.
const Database = "kamflow"

// Options say what to start. Only DataDir is required.
type Options struct {
	DataDir string

	Namespace        string
	Retention        time.Duration
	SearchAttributes map[string]enumspb.IndexedValueType

	// Ports are the ones of the last start, else the wanted ones, else, if
	// taken or 0, free ones.
	TemporalPort int
	UIPort       int

	// DatabaseURL names a PostgreSQL server to use; "" runs one of our own.
	DatabaseURL string

	NoUI       bool // leaves out the Web UI
	NoTemporal bool // leaves out Temporal and its Web UI: PostgreSQL alone

	// Unsafe does without the guarantees that cost time: data may be lost when
	// the machine, though not when a process, crashes. For tests.
	Unsafe bool

	Authorizer  authorization.Authorizer
	ClaimMapper authorization.ClaimMapper

	Log func(string) // told what people should know; may be nil
}

// A Stack is running. Its addresses stay the same until Stop.
type Stack struct {
	DataDir         string
	DatabaseURL     string // of Database, with password
	TemporalAddress string // host:port of the frontend
	Namespace       string
	UIAddress       string // URL of the Web UI; "" without

	opts     Options
	adminURL string
	lock     *dirlock.Lock
	postgres *postgres
	temporal *temporalserver.Server
	ui       *temporalserver.UI
}

// Start returns when everything takes requests.
func Start(ctx context.Context, opts Options) (*Stack, error) {
	if opts.Log == nil {
		opts.Log = func(string) {}
	}
	if opts.Namespace == "" {
		opts.Namespace = temporalserver.DefaultNamespace
	}
	s := &Stack{opts: opts, Namespace: opts.Namespace}
	if err := s.start(ctx); err != nil {
		stopCtx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 15*time.Second)
		defer cancel()
		return nil, errors.Join(err, s.Stop(stopCtx))
	}
	return s, nil
}

func (s *Stack) start(ctx context.Context) error {
	dir, err := filepath.Abs(s.opts.DataDir)
	if err != nil {
		return err
	}
	s.DataDir = dir
	// PostgreSQL may run as another user, who must get to its own files.
	if err := pgserver.MakeDir(dir); err != nil {
		return fmt.Errorf("make data directory: %w", err)
	}
	if s.lock, err = dirlock.Acquire(dir); err != nil {
		return err
	}
	s.adminURL = s.opts.DatabaseURL
	if s.adminURL == "" {
		if s.postgres, err = startPostgres(ctx, s.opts, dir); err != nil {
			return err
		}
		s.adminURL = s.postgres.current().DSN("postgres")
	}
	if err := createDatabase(ctx, s.adminURL); err != nil {
		return fmt.Errorf("make database %s: %w", Database, err)
	}
	if s.DatabaseURL, err = withDatabase(s.adminURL, Database); err != nil {
		return err
	}
	if s.opts.NoTemporal {
		return nil
	}
	return s.startTemporal(ctx)
}

func (s *Stack) startTemporal(ctx context.Context) error {
	ports, err := loadPorts(filepath.Join(s.DataDir, "ports.json"))
	if err != nil {
		return err
	}
	port, err := ports.choose("temporal", s.opts.TemporalPort)
	if err != nil {
		return err
	}
	s.temporal, err = temporalserver.Start(ctx, temporalserver.Options{
		DatabaseURL:      s.adminURL,
		Port:             port,
		LogDir:           s.DataDir,
		Namespace:        s.Namespace,
		Retention:        s.opts.Retention,
		SearchAttributes: s.opts.SearchAttributes,
		Authorizer:       s.opts.Authorizer,
		ClaimMapper:      s.opts.ClaimMapper,
	})
	if err != nil {
		return err
	}
	s.TemporalAddress = s.temporal.Address()
	if s.opts.NoUI {
		return nil
	}
	uiPort, err := ports.choose("ui", s.opts.UIPort)
	if err != nil {
		return err
	}
	if s.ui, err = temporalserver.StartUI(ctx, s.TemporalAddress, s.Namespace, uiPort); err != nil {
		return err
	}
	s.UIAddress = s.ui.Address()
	return nil
}

func createDatabase(ctx context.Context, dsn string) error {
	conn, err := pgx.Connect(ctx, dsn)
	if err != nil {
		return err
	}
	const duplicate = "42P04"
	_, err = conn.Exec(ctx, "CREATE DATABASE "+pgx.Identifier{Database}.Sanitize())
	if pgErr := (*pgconn.PgError)(nil); errors.As(err, &pgErr) && pgErr.Code == duplicate {
		err = nil
	}
	return errors.Join(err, conn.Close(ctx))
}

func withDatabase(dsn, name string) (string, error) {
	u, err := url.Parse(dsn)
	if err != nil || u.Scheme == "" {
		return "", errors.New("the database URL must have the form postgres://user:password@host:port/database")
	}
	u.Path = "/" + name
	return u.String(), nil
}

// AdminURL is the connection string from which databases can be made.
func (s *Stack) AdminURL() string { return s.adminURL }

// Postgres is our server of the moment: after a crash it is another one. It is
// nil when Options named a server.
func (s *Stack) Postgres() *pgserver.Server {
	if s.postgres == nil {
		return nil
	}
	return s.postgres.current()
}

// Stop ends everything, users before what they use, and frees the data
// directory. It waits for running work no longer than ctx lasts.
func (s *Stack) Stop(ctx context.Context) error {
	var errs []error
	if s.ui != nil {
		s.ui.Stop()
	}
	if s.temporal != nil {
		errs = append(errs, s.temporal.Stop(ctx))
	}
	if s.postgres != nil {
		errs = append(errs, s.postgres.stop(ctx))
	}
	return errors.Join(append(errs, s.lock.Release())...)
}
