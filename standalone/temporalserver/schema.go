package temporalserver

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"go.temporal.io/server/tools/common/schema"
	"go.temporal.io/server/tools/sql"
	"golang.org/x/sync/errgroup"
)

// setUpDatabases brings both databases to the schema that this version of the
// server needs. On databases that have it already it reads one row of each;
// interrupted, it goes on where it was.
func (s *Server) setUpDatabases(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	for database, schemaName := range map[string]string{
		mainStore:       "postgresql/v12/temporal",
		visibilityStore: "postgresql/v12/visibility",
	} {
		g.Go(func() error {
			if err := createDatabase(ctx, s.opts.DatabaseURL, database); err != nil {
				return fmt.Errorf("make database %s: %w", database, err)
			}
			if err := s.upgradeSchema(database, schemaName); err != nil {
				return fmt.Errorf("set up schema of database %s: %w", database, err)
			}
			return nil
		})
	}
	return g.Wait()
}

const duplicateDatabase = "42P04"

func createDatabase(ctx context.Context, dsn, name string) error {
	conn, err := pgx.Connect(ctx, dsn)
	if err != nil {
		return err
	}
	_, err = conn.Exec(ctx, "CREATE DATABASE "+pgx.Identifier{name}.Sanitize())
	if pgErr := (*pgconn.PgError)(nil); errors.As(err, &pgErr) && pgErr.Code == duplicateDatabase {
		err = nil
	}
	return errors.Join(err, conn.Close(ctx))
}

// upgradeSchema runs the changes that Temporal ships for each of its versions.
func (s *Server) upgradeSchema(database, schemaName string) error {
	cfg, err := s.sql(database)
	if err != nil {
		return err
	}
	db, err := sql.NewConnection(cfg, s.log)
	if err != nil {
		return err
	}
	defer db.Close()

	if _, err := db.ReadSchemaVersion(); err != nil {
		setup := schema.NewSetupSchemaTask(db, &schema.SetupConfig{InitialVersion: "0.0"}, s.log)
		if err := setup.Run(); err != nil {
			return err
		}
	}
	return schema.NewUpdateSchemaTask(db, &schema.UpdateConfig{SchemaName: schemaName}, s.log).Run()
}
