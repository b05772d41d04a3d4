package pgserver

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/kamflow/kamflow/internal/pgserver/dirlock"
)

// Superuser is the role that owns everything in a cluster of ours.
const Superuser = "kamflow"

const host = "127.0.0.1"

// Options say how to run a server.
type Options struct {
	DataDir string // where everything is kept; made when missing
	Port    int    // 0 takes the port of the last start, else a free one
	BinDir  string // PostgreSQL's programs; "" searches for them
	Fetch   bool   // where none are found, fetch them: see ArchiveEnv

	// Durable keeps every committed transaction through a power cut. Without
	// it a crash of the machine may destroy the cluster: for tests only.
	Durable bool

	Log func(string) // told what people should know; may be nil
}

// A Server is a running PostgreSQL. It ends by one of Stop, StopImmediate and
// Kill, or by itself, which Done tells.
type Server struct {
	opts     Options
	inst     installation
	owner    owner
	lock     *dirlock.Lock
	cluster  string
	port     int
	password string
	proc     *process
}

// Start makes the cluster if there is none and returns when the server takes
// connections. After a crash that includes its recovery, which ends early only
// when ctx does.
func Start(ctx context.Context, opts Options) (*Server, error) {
	if opts.Log == nil {
		opts.Log = func(string) {}
	}
	s := &Server{opts: opts}
	if err := s.start(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("start PostgreSQL in %s: %w", opts.DataDir, err), s.lock.Release())
	}
	return s, nil
}

func (s *Server) start(ctx context.Context) error {
	err := ctx.Err()
	if err != nil {
		return err
	}
	if s.opts.DataDir, err = filepath.Abs(s.opts.DataDir); err != nil {
		return err
	}
	if err := MakeDir(s.opts.DataDir); err != nil {
		return err
	}
	if s.lock, err = dirlock.Acquire(s.opts.DataDir); err != nil {
		return err
	}
	if s.owner, err = pickOwner(); err != nil {
		return err
	}
	if s.cluster, err = s.placeCluster(); err != nil {
		return err
	}
	major, err := clusterMajor(s.cluster)
	if err != nil {
		return err
	}
	programs := filepath.Dir(s.cluster) // within reach of whoever runs them
	s.inst, err = findInstallation(ctx, s.opts.BinDir, programs, major)
	if errors.Is(err, ErrNoBinaries) && s.opts.Fetch {
		s.inst, err = fetchInstallation(ctx, programs, s.opts.Log)
	}
	if err != nil {
		return err
	}
	if major == 0 {
		if err := s.initCluster(ctx); err != nil {
			return err
		}
	}
	password, err := os.ReadFile(s.path("password"))
	if err != nil {
		return fmt.Errorf("read password: %w", err)
	}
	s.password = string(password)

	if err := s.endOrphan(ctx); err != nil {
		return err
	}
	if err := s.pickPort(); err != nil {
		return err
	}
	return s.launch(ctx)
}

func (s *Server) path(name string) string { return filepath.Join(s.opts.DataDir, name) }

// pickPort prefers the port of the last start, because other programs may hold
// a connection string from then.
func (s *Server) pickPort() error {
	if s.opts.Port != 0 {
		s.port = s.opts.Port
		if !portFree(s.port) {
			return fmt.Errorf("port %d is taken by another program", s.port)
		}
		return nil
	}
	text, err := os.ReadFile(s.path("port"))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("read port of the last start: %w", err)
	}
	if last, err := strconv.Atoi(string(text)); err == nil && portFree(last) {
		s.port = last
		return nil
	}
	if s.port, err = freePort(); err != nil {
		return err
	}
	return os.WriteFile(s.path("port"), []byte(strconv.Itoa(s.port)), 0o600)
}

func freePort() (int, error) {
	l, err := net.Listen("tcp", net.JoinHostPort(host, "0"))
	if err != nil {
		return 0, fmt.Errorf("find a free port: %w", err)
	}
	return l.Addr().(*net.TCPAddr).Port, l.Close()
}

func portFree(port int) bool {
	l, err := net.Listen("tcp", net.JoinHostPort(host, strconv.Itoa(port)))
	return err == nil && l.Close() == nil
}

// launch runs the server and waits until it takes connections. Backends of a
// server that was killed may live on for a moment and keep its shared memory;
// PostgreSQL refuses to start beside them, so we try again.
func (s *Server) launch(ctx context.Context) error {
	const patience = 20 * time.Second
	for begin := time.Now(); ; {
		offset := s.logSize()
		proc, err := s.spawn()
		if err != nil {
			return err
		}
		err = s.awaitReady(ctx, proc)
		if err == nil {
			s.proc = proc
			return nil
		}
		proc.stop(syscall.SIGQUIT)
		<-proc.done
		said := s.logSince(offset)
		if ctx.Err() != nil || !leftovers.MatchString(said) || time.Since(begin) > patience {
			return fmt.Errorf("%w; PostgreSQL says:\n%s", err, said)
		}
		time.Sleep(200 * time.Millisecond)
	}
}

var errExited = errors.New("PostgreSQL ended before it was ready")

func (s *Server) awaitReady(ctx context.Context, proc *process) error {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		if s.ping(ctx) == nil {
			return nil
		}
		select {
		case <-proc.done:
			return errExited
		case <-ctx.Done():
			return fmt.Errorf("wait for connections: %w", ctx.Err())
		case <-tick.C:
		}
	}
}

func (s *Server) ping(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	conn, err := pgx.Connect(ctx, s.DSN("postgres"))
	if err != nil {
		return err
	}
	return conn.Close(ctx)
}

// DSN is the connection string of a database on this server, password
// included. The database need not exist.
func (s *Server) DSN(database string) string {
	u := url.URL{
		Scheme:   "postgres",
		User:     url.UserPassword(Superuser, s.password),
		Host:     net.JoinHostPort(host, strconv.Itoa(s.port)),
		Path:     "/" + database,
		RawQuery: "sslmode=disable",
	}
	return u.String()
}

// Port is the TCP port on 127.0.0.1.
func (s *Server) Port() int { return s.port }

// Password is that of Superuser.
func (s *Server) Password() string { return s.password }

// BinDir holds the programs that belong to the server, such as pg_dump.
func (s *Server) BinDir() string { return s.inst.binDir }

// Version is PostgreSQL's, as in "15.18".
func (s *Server) Version() string { return s.inst.version }

// PID is the server's process id.
func (s *Server) PID() int { return s.proc.pid }

// Done is closed when the server has ended, for whatever reason.
func (s *Server) Done() <-chan struct{} { return s.proc.done }

// Stop closes all connections, writes everything out and returns when the
// server has ended. When ctx ends first, it stops without writing out.
func (s *Server) Stop(ctx context.Context) error {
	s.proc.stop(syscall.SIGINT)
	select {
	case <-s.proc.done:
		return s.lock.Release()
	case <-ctx.Done():
		return errors.Join(fmt.Errorf("stop PostgreSQL: %w", ctx.Err()), s.StopImmediate())
	}
}

// StopImmediate ends the server at once; the next start recovers from the log.
func (s *Server) StopImmediate() error {
	s.proc.stop(syscall.SIGQUIT)
	<-s.proc.done
	return s.lock.Release()
}

// Kill ends the server as a crash would.
func (s *Server) Kill() error {
	s.proc.stop(syscall.SIGKILL)
	<-s.proc.done
	return s.lock.Release()
}
