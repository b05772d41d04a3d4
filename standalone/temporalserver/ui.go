package temporalserver

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"time"

	uiserver "github.com/temporalio/ui-server/v2/server"
	uiconfig "github.com/temporalio/ui-server/v2/server/config"
	"github.com/temporalio/ui-server/v2/server/server_options"
)

// A UI is a running Temporal Web UI.
type UI struct {
	server  *uiserver.Server
	address string
	done    chan struct{}
}

// StartUI serves the Web UI of a frontend on loopback. Port 0 takes a free one.
func StartUI(ctx context.Context, frontend, namespace string, port int) (*UI, error) {
	port, err := claimPort(port)
	if err != nil {
		return nil, fmt.Errorf("start Temporal Web UI: %w", err)
	}
	cfg := &uiconfig.Config{
		TemporalGRPCAddress: frontend,
		DefaultNamespace:    namespace,
		Host:                host,
		Port:                port,
		EnableUI:            true,
		HideLogs:            true,
		DisableNewsFetch:    true,
		// On loopback there is no TLS, and a browser keeps no secure cookie.
		CORS: uiconfig.CORS{CookieInsecure: true},
	}
	u := &UI{
		server:  uiserver.NewServer(server_options.WithConfigProvider(cfg)),
		address: net.JoinHostPort(host, strconv.Itoa(port)),
		done:    make(chan struct{}),
	}
	go func() {
		defer close(u.done)
		_ = u.server.Start() // it ends the process rather than return an error
	}()
	if err := retry(ctx, func() error { return answers(ctx, u.Address()+"/healthz") }); err != nil {
		u.Stop()
		return nil, fmt.Errorf("wait for Temporal Web UI: %w", err)
	}
	return u, nil
}

// claimPort makes sure that a port is free, because the UI's server ends the
// whole process when it is not.
func claimPort(port int) (int, error) {
	l, err := net.Listen("tcp", net.JoinHostPort(host, strconv.Itoa(port)))
	if err != nil {
		return 0, err
	}
	return l.Addr().(*net.TCPAddr).Port, l.Close()
}

func answers(ctx context.Context, url string) error {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("GET %s: %s", url, res.Status)
	}
	return nil
}

// Address is the URL to open in a browser.
func (u *UI) Address() string { return "http://" + u.address }

// Stop closes all connections.
func (u *UI) Stop() {
	u.server.Stop()
	<-u.done
}
