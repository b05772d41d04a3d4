package main

import (
	"net/http"
	"net/http/cookiejar"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/kamflow/kamflow/config"
	"github.com/kamflow/kamflow/internal/consoleapp"
	"github.com/kamflow/kamflow/internal/pgserver/pgtest"
)

// TestSignInOnThisMachine: the whole program says where its console is, gives out
// a link for each role of the sample, and a click on one is enough.
func TestSignInOnThisMachine(t *testing.T) {
	dir := pgtest.DataDir(t)
	c, running := launch(t, dir, "--no-ui", "--set", "standalone.sample=true", "--set", "console.listen=127.0.0.1:0")
	require.Contains(t, running.Console, "http://127.0.0.1:")
	cfg := config.Defaults()
	cfg.DataDir = dir
	link, err := consoleapp.LinkFor(t.Context(), cfg, "hanna.terr")
	require.NoError(t, err)
	jar, err := cookiejar.New(nil)
	require.NoError(t, err)
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, link, nil)
	require.NoError(t, err)
	r.Header.Set("Sec-Fetch-Site", "none")
	answer, err := (&http.Client{Jar: jar}).Do(r)
	require.NoError(t, err)
	require.NoError(t, answer.Body.Close())
	require.Equal(t, http.StatusOK, answer.StatusCode)
	require.Equal(t, "/", answer.Request.URL.Path)

	require.Eventually(t, func() bool { return strings.Contains(c.out.String(), "(falk.auditor)") }, time.Minute, 20*time.Millisecond)
	c.end(t, syscall.SIGTERM)
	said := c.out.String()
	for _, part := range []string{"Console          " + running.Console, "sales_rep ", "territory_manager ", "auditor ", running.Console + "/link/", "(hanna.terr)"} {
		require.Contains(t, said, part)
	}
}
