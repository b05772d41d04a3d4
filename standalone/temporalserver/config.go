package temporalserver

import (
	"fmt"
	"net"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"
	"go.temporal.io/server/common/cluster"
	"go.temporal.io/server/common/config"
	"go.temporal.io/server/common/dynamicconfig"
	"go.temporal.io/server/common/persistence/sql/sqlplugin/postgresql"
	"go.temporal.io/server/common/primitives"
)

const (
	mainStore       = "temporal"
	visibilityStore = "temporal_visibility"
	clusterName     = "active"

	// historyShards is fixed when the databases are made and can never change.
	historyShards = 16

	maxConns = 40 // for each of the two databases
)

// refresh is how often services look for changed namespaces.
const refresh = time.Second

// dynamicConfig sets what differs from Temporal's defaults, which are made for
// clusters.
var dynamicConfig = dynamicconfig.StaticClient{
	// One machine needs no spreading of a queue, and partitions cost look-ups.
	dynamicconfig.MatchingNumTaskqueueReadPartitions.Key():  1,
	dynamicconfig.MatchingNumTaskqueueWritePartitions.Key(): 1,

	// Nobody shares the machine, so there is nobody to protect by quotas.
	dynamicconfig.FrontendRPS.Key():                        100_000,
	dynamicconfig.FrontendMaxNamespaceRPSPerInstance.Key(): 100_000,
	dynamicconfig.HistoryRPS.Key():                         100_000,
	dynamicconfig.MatchingRPS.Key():                        100_000,
	dynamicconfig.FrontendPersistenceMaxQPS.Key():          100_000,
	dynamicconfig.HistoryPersistenceMaxQPS.Key():           100_000,
	dynamicconfig.MatchingPersistenceMaxQPS.Key():          100_000,
	dynamicconfig.WorkerPersistenceMaxQPS.Key():            100_000,

	dynamicconfig.NamespaceCacheRefreshInterval.Key(): refresh,

	// Do not report to Temporal's makers.
	dynamicconfig.EnableServerVersionCheck.Key(): false,
}

func (s *Server) config() (*config.Config, error) {
	main, err := s.sql(mainStore)
	if err != nil {
		return nil, err
	}
	visibility, err := s.sql(visibilityStore)
	if err != nil {
		return nil, err
	}
	services, err := services(s.opts.Port)
	if err != nil {
		return nil, err
	}
	return &config.Config{
		Services:     services,
		PublicClient: config.PublicClient{HostPort: s.Address()},
		Persistence: config.Persistence{
			DefaultStore:     mainStore,
			VisibilityStore:  visibilityStore,
			NumHistoryShards: historyShards,
			DataStores: map[string]config.DataStore{
				mainStore:       {SQL: main},
				visibilityStore: {SQL: visibility},
			},
		},
		ClusterMetadata: &cluster.Config{
			FailoverVersionIncrement: 10,
			MasterClusterName:        clusterName,
			CurrentClusterName:       clusterName,
			ClusterInformation: map[string]cluster.ClusterInformation{
				clusterName: {Enabled: true, InitialFailoverVersion: 1, RPCAddress: s.Address()},
			},
		},
		DCRedirectionPolicy: config.DCRedirectionPolicy{Policy: "noop"},
		Archival: config.Archival{
			History:    config.HistoryArchival{State: "disabled"},
			Visibility: config.VisibilityArchival{State: "disabled"},
		},
		NamespaceDefaults: config.NamespaceDefaults{Archival: config.ArchivalNamespaceDefaults{
			History:    config.HistoryArchivalNamespaceDefaults{State: "disabled"},
			Visibility: config.VisibilityArchivalNamespaceDefaults{State: "disabled"},
		}},
	}, nil
}

// services gives the frontend its port, by which people know it, and the
// others any.
func services(frontendPort int) (map[string]config.Service, error) {
	ports := map[primitives.ServiceName]int{primitives.FrontendService: frontendPort}
	for _, name := range []primitives.ServiceName{
		primitives.HistoryService, primitives.MatchingService, primitives.WorkerService,
	} {
		port, err := freePort()
		if err != nil {
			return nil, err
		}
		ports[name] = port
	}
	services := make(map[string]config.Service, len(ports))
	for name, port := range ports {
		services[string(name)] = config.Service{RPC: config.RPC{GRPCPort: port, BindOnIP: host}}
	}
	return services, nil
}

// sql describes one of Temporal's databases on our server.
func (s *Server) sql(database string) (*config.SQL, error) {
	dsn, err := pgx.ParseConfig(s.opts.DatabaseURL)
	if err != nil {
		return nil, fmt.Errorf("read database URL: %w", err)
	}
	return &config.SQL{
		PluginName:      postgresql.PluginNamePGX,
		DatabaseName:    database,
		User:            dsn.User,
		Password:        dsn.Password,
		ConnectAddr:     net.JoinHostPort(dsn.Host, strconv.Itoa(int(dsn.Port))),
		ConnectProtocol: "tcp",
		MaxConns:        maxConns,
		MaxIdleConns:    maxConns,
		MaxConnLifetime: time.Hour,
	}, nil
}
