package consoleapp_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/kamflow/kamflow/config"
	"github.com/kamflow/kamflow/internal/consoleapp"
	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/store"
	accessdb "github.com/kamflow/kamflow/store/access"
	"github.com/kamflow/kamflow/store/storetest"
)

func TestMain(m *testing.M) { os.Exit(storetest.Main(m)) }

func settings(t *testing.T) config.Config {
	t.Helper()
	cfg := config.Defaults()
	cfg.Database.URL = config.Secret(storetest.DSN(t))
	cfg.Database.MaxConns = 4
	cfg.Temporal.Address = "127.0.0.1:1" // nobody is there, and nothing here needs anybody
	cfg.Console.Listen, cfg.Console.HealthListen = "127.0.0.1:0", "127.0.0.1:0"
	return cfg
}

func start(t *testing.T, cfg config.Config) *consoleapp.App {
	t.Helper()
	require.NoError(t, cfg.Check())
	a, err := consoleapp.Start(t.Context(), cfg, consoleapp.Deps{AllowUnsafe: true})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, a.Stop(context.WithoutCancel(t.Context()))) })
	return a
}

func get(t *testing.T, c *http.Client, url string) (int, string) {
	t.Helper()
	answer, err := c.Get(url) //nolint:noctx // a test
	require.NoError(t, err)
	body, err := io.ReadAll(answer.Body)
	require.NoError(t, err)
	require.NoError(t, answer.Body.Close())
	return answer.StatusCode, string(body)
}

// TestConsole: it says where it is, gives out the links, and tells whoever
// watches it how it is.
func TestConsole(t *testing.T) {
	t.Parallel()
	cfg := settings(t)
	a := start(t, cfg)
	first, err := a.FirstLink(t.Context())
	require.NoError(t, err)
	require.True(t, strings.HasPrefix(first, a.Address+"/link/"), first)
	status, body := get(t, http.DefaultClient, first)
	require.Equal(t, http.StatusOK, status)
	require.Contains(t, body, "Set up the first admins")

	status, body = get(t, http.DefaultClient, "http://"+a.HealthAddress+"/readyz")
	require.Equal(t, http.StatusServiceUnavailable, status)
	require.Equal(t, "database: ok\ntemporal: not reachable\n", body)
	status, _ = get(t, http.DefaultClient, "http://"+a.HealthAddress+"/healthz")
	require.Equal(t, http.StatusOK, status)
	_, body = get(t, http.DefaultClient, "http://"+a.HealthAddress+"/metrics")
	require.Contains(t, body, `kamflow_gateway_request_seconds_count{pattern="GET /link/{secret}",status="200"} 1`)
	require.Contains(t, body, "go_goroutines")
	status, _ = get(t, http.DefaultClient, a.Address+"/metrics")
	require.Equal(t, http.StatusNotFound, status, "figures are not for whoever comes by")

	s, err := store.Open(t.Context(), cfg.Database.URL.Reveal(), store.Options{AllowUnsafe: true, MaxConns: 2})
	require.NoError(t, err)
	defer s.Close()
	require.NoError(t, storetest.LoadOrg(t.Context(), s, accessdb.Org{Users: []accessdb.User{{ID: "ada", Name: "Ada Example", Roles: []kam.Role{kam.SalesRep}}}}))
	in, err := a.SignInLink(t.Context(), "ada")
	require.NoError(t, err)
	_, body = get(t, http.DefaultClient, in)
	require.Contains(t, body, "signs you in as ada")
	_, err = a.SignInLink(t.Context(), "nobody")
	require.ErrorIs(t, err, kam.NotFound)
	in, err = consoleapp.LinkFor(t.Context(), cfg, "ada")
	require.NoError(t, err)
	require.Contains(t, in, "/link/")

	all, err := a.Invitations(t.Context())
	require.NoError(t, err)
	require.Len(t, all, 3)
	require.Equal(t, kam.SalesRep, all[0].Role)
	all, err = a.Invitations(t.Context(), kam.UserAdmin, kam.Operator)
	require.NoError(t, err)
	require.Len(t, all, 1)
	require.Equal(t, kam.UserID("zz.user1"), all[0].User)

	cfg.Console.BaseURL = "https://kam.example.com"
	_, err = consoleapp.LinkFor(t.Context(), cfg, "ada")
	require.ErrorContains(t, err, "two admins")
}

// TestTLS: with a certificate of its own it speaks TLS and nothing else, and its
// cookies are bound to the host.
func TestTLS(t *testing.T) {
	t.Parallel()
	cfg := settings(t)
	pool := x509.NewCertPool()
	cfg.Console.TLSCert, cfg.Console.TLSKey = certificate(t, pool)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	cfg.Console.Listen = l.Addr().String()
	require.NoError(t, l.Close())
	_, port, _ := net.SplitHostPort(cfg.Console.Listen)
	cfg.Console.BaseURL = "https://localhost:" + port
	a := start(t, cfg)
	require.Equal(t, cfg.Console.BaseURL, a.Address)

	c := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}}}
	answer, err := c.Get(a.Address + "/sign-in") //nolint:noctx // a test
	require.NoError(t, err)
	require.NoError(t, answer.Body.Close())
	require.Equal(t, http.StatusOK, answer.StatusCode)
	require.Equal(t, "__Host-kam_visitor", answer.Cookies()[0].Name)
	require.True(t, answer.Cookies()[0].Secure)
	status, _ := get(t, http.DefaultClient, "http://localhost:"+port+"/sign-in")
	require.Equal(t, http.StatusBadRequest, status)
	old := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11}}} //nolint:gosec // on purpose
	_, err = old.Get(a.Address + "/sign-in")                                                                                                                 //nolint:noctx,bodyclose // it fails
	require.ErrorContains(t, err, "protocol version")
}

// certificate writes one for localhost, which pool then trusts.
func certificate(t *testing.T, pool *x509.CertPool) (cert, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{SerialNumber: big.NewInt(1), DNSNames: []string{"localhost"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	require.NoError(t, err)
	parsed, err := x509.ParseCertificate(der)
	require.NoError(t, err)
	pool.AddCert(parsed)
	text, err := x509.MarshalPKCS8PrivateKey(private)
	require.NoError(t, err)
	cert, key = filepath.Join(t.TempDir(), "cert.pem"), filepath.Join(t.TempDir(), "key.pem")
	require.NoError(t, os.WriteFile(cert, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600))
	require.NoError(t, os.WriteFile(key, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: text}), 0o600))
	return cert, key
}

// TestItSaysWhyItDoesNotStart, and leaves nothing running.
func TestItSaysWhyItDoesNotStart(t *testing.T) {
	t.Parallel()
	running := start(t, settings(t))
	for want, change := range map[string]func(*config.Config){
		"console.listen":        func(c *config.Config) { c.Console.Listen = strings.TrimPrefix(running.Address, "http://") },
		"console.health_listen": func(c *config.Config) { c.Console.HealthListen = running.HealthAddress },
		"console.tls_cert":      func(c *config.Config) { c.Console.TLSCert, c.Console.TLSKey = "none.pem", "none.pem" },
		"database":              func(c *config.Config) { c.Database.URL = "postgres://nobody@127.0.0.1:1/none?connect_timeout=1" },
	} {
		cfg := settings(t)
		change(&cfg)
		_, err := consoleapp.Start(t.Context(), cfg, consoleapp.Deps{AllowUnsafe: true})
		require.ErrorContains(t, err, want)
	}
}

// TestLongHeadersAreRefused before anything reads them.
func TestLongHeadersAreRefused(t *testing.T) {
	t.Parallel()
	a := start(t, settings(t))
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, a.Address+"/sign-in", nil)
	require.NoError(t, err)
	r.Header.Set("X-Long", strings.Repeat("x", 64<<10))
	answer, err := http.DefaultClient.Do(r)
	require.NoError(t, err)
	require.NoError(t, answer.Body.Close())
	require.Equal(t, http.StatusRequestHeaderFieldsTooLarge, answer.StatusCode)
}
