// Package temporalserver runs a Temporal server, and its Web UI, inside this
// process: all services on loopback, everything kept in PostgreSQL.
//
// It is Temporal's own server, unchanged. A client, the temporal command line
// and the Web UI see no difference to a cluster.
package temporalserver

import (
	"context"
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"strconv"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/server/common/authorization"
	"go.temporal.io/server/common/config"
	"go.temporal.io/server/common/membership/static"
	"go.temporal.io/server/common/primitives"
	"go.temporal.io/server/temporal"
)

const host = "127.0.0.1"

// DefaultNamespace is where the process runs.
const DefaultNamespace = "kamflow"

// DefaultRetention is how long Temporal keeps the history of a closed case.
const DefaultRetention = 30 * 24 * time.Hour

// Options say how to run a server.
type Options struct {
	// DatabaseURL names any database on the PostgreSQL server where the
	// databases temporal and temporal_visibility are or shall be. Its user must
	// be allowed to make them.
	DatabaseURL string

	Port   int    // of the frontend; 0 takes a free one
	LogDir string // of temporal.log

	Namespace        string                              // made when missing; "" is DefaultNamespace
	Retention        time.Duration                       // of a namespace that is made; 0 is DefaultRetention
	SearchAttributes map[string]enumspb.IndexedValueType // made when missing

	// Authorizer and ClaimMapper decide who may call; nil lets everybody on
	// this machine.
	Authorizer  authorization.Authorizer
	ClaimMapper authorization.ClaimMapper
}

// A Server is a running Temporal server.
type Server struct {
	opts   Options
	log    *logger
	server temporal.Server
}

// Start prepares databases, namespace and search attributes as far as they are
// not there yet, and returns when workflows can run.
func Start(ctx context.Context, opts Options) (_ *Server, err error) {
	if opts.Namespace == "" {
		opts.Namespace = DefaultNamespace
	}
	if opts.Retention == 0 {
		opts.Retention = DefaultRetention
	}
	if opts.Port == 0 {
		if opts.Port, err = freePort(); err != nil {
			return nil, fmt.Errorf("start Temporal: %w", err)
		}
	}
	s := &Server{opts: opts}
	if err := s.start(ctx); err != nil {
		stopCtx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
		defer cancel()
		return nil, errors.Join(fmt.Errorf("start Temporal: %w", err), s.Stop(stopCtx))
	}
	return s, nil
}

func (s *Server) start(ctx context.Context) error {
	var err error
	if s.log, err = openLog(filepath.Join(s.opts.LogDir, "temporal.log")); err != nil {
		return err
	}
	if err := s.setUpDatabases(ctx); err != nil {
		return err
	}
	cfg, err := s.config()
	if err != nil {
		return err
	}
	options := []temporal.ServerOption{
		temporal.WithConfig(cfg),
		temporal.ForServices(temporal.DefaultServices),
		temporal.WithStaticHosts(hosts(cfg)),
		temporal.WithDynamicConfigClient(dynamicConfig),
		temporal.WithLogger(s.log),
		temporal.WithAuthorizer(s.opts.Authorizer),
		temporal.WithChainedFrontendGrpcInterceptors(refuseLarge),
	}
	if s.opts.ClaimMapper != nil {
		options = append(options, temporal.WithClaimMapper(func(*config.Config) authorization.ClaimMapper {
			return s.opts.ClaimMapper
		}))
	}
	server, err := temporal.NewServer(options...)
	if err != nil {
		return fmt.Errorf("assemble services: %w", err)
	}
	s.server = server
	if err := server.Start(); err != nil {
		return fmt.Errorf("start services: %w", err)
	}
	return s.prepareNamespace(ctx)
}

// hosts tells each service where the others are. The usual gossip between
// hosts would let a restart wait for the dead entries of a killed process.
func hosts(cfg *config.Config) map[primitives.ServiceName]static.Hosts {
	hosts := make(map[primitives.ServiceName]static.Hosts, len(cfg.Services))
	for name, service := range cfg.Services {
		address := net.JoinHostPort(host, strconv.Itoa(service.RPC.GRPCPort))
		hosts[primitives.ServiceName(name)] = static.SingleLocalHost(address)
	}
	return hosts
}

// Address is that of the frontend, as host:port.
func (s *Server) Address() string { return net.JoinHostPort(host, strconv.Itoa(s.opts.Port)) }

// Namespace is the one that Start prepared.
func (s *Server) Namespace() string { return s.opts.Namespace }

// Stop lets running requests end, at the latest when ctx does.
func (s *Server) Stop(ctx context.Context) error {
	stopped := make(chan error, 1)
	go func() {
		if s.server == nil {
			stopped <- nil
			return
		}
		stopped <- s.server.Stop()
	}()
	var err error
	select {
	case err = <-stopped:
	case <-ctx.Done():
		err = fmt.Errorf("stop Temporal: %w", ctx.Err())
	}
	return errors.Join(err, s.log.Close())
}

// dial connects a client as soon as the frontend answers.
func (s *Server) dial(ctx context.Context) (client.Client, error) {
	var c client.Client
	err := retry(ctx, func() (err error) {
		c, err = client.DialContext(ctx, client.Options{
			HostPort:  s.Address(),
			Namespace: s.opts.Namespace,
			Logger:    s.log.forSDK(),
		})
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("reach the frontend at %s: %w", s.Address(), err)
	}
	return c, nil
}

// retry repeats what fails while services are coming up, until ctx ends.
func retry(ctx context.Context, try func() error) error {
	for {
		err := try()
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return errors.Join(ctx.Err(), err)
		case <-time.After(50 * time.Millisecond):
		}
	}
}

func freePort() (int, error) {
	l, err := net.Listen("tcp", net.JoinHostPort(host, "0"))
	if err != nil {
		return 0, fmt.Errorf("find a free port: %w", err)
	}
	return l.Addr().(*net.TCPAddr).Port, l.Close()
}
