package store

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"
)

//go:embed migrations/*.sql
var migrations embed.FS

// migrationLock keeps two programs that start at once from migrating at once.
const migrationLock = 7_201_150_616

// Migrate brings the schema up to date, forward only. Any number of programs
// may call it at the same time.
func Migrate(ctx context.Context, dsn string) (err error) {
	provider, closeAll, err := migrator(dsn)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, closeAll()) }()
	if _, err := provider.Up(ctx); err != nil {
		return fmt.Errorf("migrate the database: %w", err)
	}
	return nil
}

// SchemaVersion tells which migration the database has and which is the
// newest that this program knows.
func SchemaVersion(ctx context.Context, dsn string) (have, want int64, err error) {
	provider, closeAll, err := migrator(dsn)
	if err != nil {
		return 0, 0, err
	}
	defer func() { err = errors.Join(err, closeAll()) }()
	have, want, err = provider.GetVersions(ctx)
	if err != nil {
		return 0, 0, fmt.Errorf("read the version of the schema: %w", err)
	}
	return have, want, nil
}

func migrator(dsn string) (*goose.Provider, func() error, error) {
	cfg, err := pgx.ParseConfig(dsn)
	if err != nil {
		return nil, nil, fmt.Errorf("parse database address: %w", err)
	}
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return nil, nil, fmt.Errorf("open migrations: %w", err)
	}
	locker, err := lock.NewPostgresSessionLocker(lock.WithLockID(migrationLock), lock.WithLockTimeout(1, 120))
	if err != nil {
		return nil, nil, fmt.Errorf("make migration lock: %w", err)
	}
	var db *sql.DB = stdlib.OpenDB(*cfg)
	provider, err := goose.NewProvider(goose.DialectPostgres, db, files,
		goose.WithSessionLocker(locker), goose.WithTableName("public.kam_schema_version"))
	if err != nil {
		return nil, nil, errors.Join(fmt.Errorf("read migrations: %w", err), db.Close())
	}
	return provider, provider.Close, nil
}
