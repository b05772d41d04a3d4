package bench

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/kamflow/kamflow/internal/proctime"
)

// Names of those who work. A backend of PostgreSQL goes by its database.
const (
	byProgram    = "standalone"
	byDriver     = "driver"
	byBackground = "background" // of PostgreSQL: writers, autovacuum, and what has ended, as the helpers of a parallel query
)

// A Statement is what one statement of a database took.
type Statement struct {
	Text     string  `json:"text,omitempty"`
	Calls    float64 `json:"calls"`
	Rows     float64 `json:"rows"`
	Millis   float64 `json:"ms"` // execution in PostgreSQL, waits for locks and the disk included
	WAL      float64 `json:"wal_bytes"`
	Blocks   float64 `json:"blocks"`     // of 8 KB that it looked at, in memory or not
	FullPage float64 `json:"full_pages"` // WAL holds that many whole pages, as it does where a page is written first after a checkpoint
}

func (s Statement) plus(o Statement, times float64) Statement {
	s.Calls += o.Calls * times
	s.Rows += o.Rows * times
	s.Millis += o.Millis * times
	s.WAL += o.WAL * times
	s.Blocks += o.Blocks * times
	s.FullPage += o.FullPage * times
	return s
}

// statementKey is a statement in a database.
type statementKey struct {
	database string
	id       int64
}

// A usage is what was used in some time.
type usage struct {
	seconds    float64
	millis     map[string]float64 // of processors, by who worked
	others     float64            // seconds of processors for what is not ours
	wal        float64            // bytes of the whole server
	statements map[statementKey]Statement
}

// plus is the usage with so many times another one added.
func (u usage) plus(o usage, times float64) usage {
	sum := usage{
		seconds: u.seconds + o.seconds*times, others: u.others + o.others*times, wal: u.wal + o.wal*times,
		millis: map[string]float64{}, statements: map[statementKey]Statement{},
	}
	for who, ms := range u.millis {
		sum.millis[who] = ms
	}
	for who, ms := range o.millis {
		sum.millis[who] += ms * times
	}
	for k, s := range u.statements {
		sum.statements[k] = s
	}
	for k, s := range o.statements {
		if sum.statements[k].Text == "" {
			sum.statements[k] = Statement{Text: s.Text}
		}
		sum.statements[k] = sum.statements[k].plus(s, times)
	}
	return sum
}

// A meter reads what the parts of a standalone use. Its own connections are
// left out.
type meter struct {
	program, postmaster int
	stats               *pgx.Conn // to a database that is nobody's
	ours                []int     // backends of the bench itself
}

// unseen are the settings of a connection whose statements do not count.
const unseen = `set pg_stat_statements.track = 'none'`

// connectUnseen opens a connection that the meter does not see.
func (m *meter) connectUnseen(ctx context.Context, dsn string) (*pgx.Conn, error) {
	conn, err := pgx.Connect(ctx, dsn)
	if err != nil {
		return nil, err
	}
	if _, err := conn.Exec(ctx, unseen); err != nil {
		return nil, errors.Join(err, conn.Close(ctx))
	}
	m.ours = append(m.ours, int(conn.PgConn().PID()))
	return conn, nil
}

// statsDatabase exists on every server and is nobody's.
const statsDatabase = "postgres"

func openMeter(ctx context.Context, dsn string, program int) (*meter, error) {
	u, err := url.Parse(dsn)
	if err != nil {
		return nil, fmt.Errorf("read the address of the database: %w", err)
	}
	u.Path = "/" + statsDatabase
	m := &meter{program: program}
	if m.stats, err = m.connectUnseen(ctx, u.String()); err != nil {
		return nil, fmt.Errorf("connect to read statistics: %w", err)
	}
	m.postmaster, err = proctime.Parent(m.ours[0])
	return m, err
}

// A reading is the state of all counters at a moment.
type reading struct {
	at                       time.Time
	machine, program, driver time.Duration
	postgres                 proctime.Family
	serves                   map[int]string // the database of each backend
	wal                      float64        // position in the log, in bytes
	statements               map[statementKey]Statement
}

// start reads processors last and end reads them first, so that the reading of
// statements falls outside.
func (m *meter) start(ctx context.Context) (r reading, err error) {
	if r.statements, err = m.statements(ctx); err == nil {
		err = m.processors(ctx, &r)
	}
	return r, err
}

func (m *meter) end(ctx context.Context, from reading) (usage, error) {
	var to reading
	err := m.processors(ctx, &to)
	if err == nil {
		to.statements, err = m.statements(ctx)
	}
	if err != nil {
		return usage{}, err
	}
	u := usage{seconds: to.at.Sub(from.at).Seconds(), wal: to.wal - from.wal, statements: map[statementKey]Statement{}}
	u.millis = map[string]float64{byProgram: millis(to.program - from.program), byDriver: millis(to.driver - from.driver)}
	sum := to.program - from.program + to.driver - from.driver
	rest := to.postgres.Rest - from.postgres.Rest
	for pid, worked := range from.postgres.Children {
		if _, lives := to.postgres.Children[pid]; !lives {
			rest -= worked // it is in the rest now, what it did before included
		}
	}
	u.millis[byBackground] = millis(rest)
	sum += rest
	for pid, worked := range to.postgres.Children {
		worked -= from.postgres.Children[pid]
		sum += worked
		switch database := to.serves[pid]; {
		case slices.Contains(m.ours, pid):
		case database == "":
			u.millis[byBackground] += millis(worked)
		default:
			u.millis[database] += millis(worked)
		}
	}
	u.others = max(0, (to.machine - from.machine - sum).Seconds())
	for k, s := range to.statements {
		before := from.statements[k]
		before.Text = s.Text
		if used := s.plus(before, -1); used.Calls > 0 {
			u.statements[k] = used
		}
	}
	return u, nil
}

func (m *meter) processors(ctx context.Context, r *reading) (err error) {
	const backends = `select pid, coalesce(datname, '') from pg_stat_activity`
	type backend struct {
		PID      int
		Database string
	}
	rows, err := m.stats.Query(ctx, backends)
	if err != nil {
		return fmt.Errorf("list the backends of PostgreSQL: %w", err)
	}
	all, err := pgx.CollectRows(rows, pgx.RowToStructByPos[backend])
	if err != nil {
		return fmt.Errorf("list the backends of PostgreSQL: %w", err)
	}
	r.serves = map[int]string{}
	for _, b := range all {
		r.serves[b.PID] = b.Database
	}
	if err := m.stats.QueryRow(ctx, `select (pg_current_wal_insert_lsn() - '0/0')::float8`).Scan(&r.wal); err != nil {
		return fmt.Errorf("read the position in the log of PostgreSQL: %w", err)
	}
	r.at = time.Now()
	var errs [4]error
	r.machine, errs[0] = proctime.Machine()
	r.program, errs[1] = proctime.Of(m.program)
	r.driver, errs[2] = proctime.Own()
	r.postgres, errs[3] = proctime.FamilyOf(m.postmaster)
	return errors.Join(errs[:]...)
}

func (m *meter) statements(ctx context.Context) (map[statementKey]Statement, error) {
	const counted = `
		select d.datname::text, s.queryid, min(s.query), sum(s.calls)::float8, sum(s.rows)::float8, sum(s.total_exec_time)::float8,
			sum(s.wal_bytes)::float8, sum(s.wal_fpi)::float8, sum(s.shared_blks_hit + s.shared_blks_read)::float8
		from pg_stat_statements s join pg_database d on d.oid = s.dbid
		where s.queryid is not null group by 1, 2`
	type row struct {
		Database                                    string
		ID                                          int64
		Text                                        string
		Calls, Rows, Millis, WAL, FullPages, Blocks float64
	}
	rows, err := m.stats.Query(ctx, counted)
	if err != nil {
		return nil, fmt.Errorf("read pg_stat_statements: %w", err)
	}
	all, err := pgx.CollectRows(rows, pgx.RowToStructByPos[row])
	if err != nil {
		return nil, fmt.Errorf("read pg_stat_statements: %w", err)
	}
	read := map[statementKey]Statement{}
	for _, s := range all {
		read[statementKey{s.Database, s.ID}] = Statement{
			Text: strings.Join(strings.Fields(s.Text), " "), Calls: s.Calls, Rows: s.Rows, Millis: s.Millis, WAL: s.WAL, FullPage: s.FullPages, Blocks: s.Blocks,
		}
	}
	return read, nil
}

func millis(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
