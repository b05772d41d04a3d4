//go:build upgrade

package e2e

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/kamflow/kamflow/internal/runfile"
)

// launch starts the standalone of a release on the data directory, and waits until
// it says where it is.
func (c *cli) launch(t *testing.T, args ...string) {
	t.Helper()
	c.log = &bytes.Buffer{}
	c.server = exec.Command(filepath.Join(c.bin, "standalone"), append(args, "--data-dir", c.dir, "--no-ui")...)
	c.server.Stdout, c.server.Stderr = c.log, c.log
	require.NoError(t, c.server.Start())
	ended, server := make(chan struct{}), c.server
	c.ended = ended
	go func() {
		_ = server.Wait()
		close(ended)
	}()
	require.Eventually(t, func() bool {
		r, err := runfile.Read(c.dir)
		return err == nil && r.PID == server.Process.Pid
	}, 3*time.Minute, 100*time.Millisecond)
}

// TestUpgrade takes an installation of an earlier release, with cases that wait in
// several states, to today's: histories replay, chains verify, what was not signed
// is on record as such; then signatures are required, and people go on.
// KAM_UPGRADE_OLD is a directory with the programs of that release.
func TestUpgrade(t *testing.T) {
	c := buildCLI(t)
	build := exec.CommandContext(t.Context(), "go", "build", "-o", filepath.Join(c.bin, "worker"), "./worker")
	build.Dir = filepath.Join("..", "..")
	out, err := build.CombinedOutput()
	require.NoError(t, err, string(out))
	today := c.bin

	c.bin = os.Getenv("KAM_UPGRADE_OLD")
	require.NotEmpty(t, c.bin, "KAM_UPGRADE_OLD: a directory with standalone and starter of the earlier release")
	c.launch(t, "--set", "standalone.sample=true")
	request := `{"legal_name": %q, "customer_kind": "ORGANIZATION", "country_code": "DE", "city": "Hamburg", "postal_code": "20%d", "street": "Weg %d",
		"industry_scheme": "NACE", "industry_code": "86.90", "source_channel": "VISIT", "sales_channel": "DIRECT",
		"declared_potential": {"amount": "90000.00", "currency": "EUR"}, "growth_outlook_pct": 6, "strategic_fit": "PARTIAL", "credit_rating": "B",
		"relationship_access": "CONTACT", "cost_to_serve": "MEDIUM", "justification": "Opens two more practices next year."}`
	files := t.TempDir()
	file := func(name, text string) string {
		at := filepath.Join(files, name)
		require.NoError(t, os.WriteFile(at, []byte(text), 0o600))
		return at
	}
	start := func(name string, n int) string {
		c.must(t, "anna.rep", "onboard", "-f", file("r.json", fmt.Sprintf(request, name+" GmbH", 100+37*n, n)))
		all := c.must(t, "dario.operator", "list", "--json")
		_, no, _ := strings.Cut(all, `"case_no": "`)
		no, _, _ = strings.Cut(no, `"`)
		return no
	}
	decide := func(no, verdict string, more ...string) {
		c.must(t, "hanna.terr", append([]string{"decide", no, verdict, "--expect", "current"}, more...)...)
	}
	first, second, third := start("Alsterwind Praxis", 1), start("Moorlicht Labor", 2), start("Sandtor Radiologie", 3)
	fourth := start("Hopfensack Orthopaedie", 4)
	decide(second, "confirm")
	decide(third, "send_back", "--field", "declared_potential", "--reason", "How much of it?")
	require.Zero(t, c.end(t, syscall.SIGTERM))

	c.bin = today
	c.launch(t, "--set", "standalone.speak_for=true")
	check := exec.CommandContext(t.Context(), filepath.Join(today, "worker"), "upgrade-check", "--data-dir", c.dir)
	out, err = check.CombinedOutput()
	require.NoError(t, err, string(out))
	require.Contains(t, string(out), "0 would break")
	t.Log(strings.TrimSpace(string(out)))
	verified := func() (signed, unsigned int) {
		v := c.json(t, "falk.auditor", "audit", "verify")
		require.Equal(t, true, v["clean"], v)
		signed, unsigned = int(v["signed"].(float64)), int(v["unsigned"].(float64))
		t.Logf("%d signed, %d unsigned", signed, unsigned)
		return signed, unsigned
	}
	signed, unsigned := verified()
	require.Zero(t, signed)
	require.Positive(t, unsigned)
	details, err := os.ReadFile(filepath.Join("..", "..", "docs", "examples", "details.json"))
	require.NoError(t, err)
	c.must(t, "anna.rep", "submit", second, "-f", file("details.json", string(details)))
	decide(first, "confirm")
	c.must(t, "carla.useradmin", "admin", "person", "add", "nora.new", "--name", "Nora New", "--role", "sales_rep", "--node", "DE-N-01", "--reason", "hired")
	signed, now := verified()
	require.Equal(t, 3, signed)
	require.Equal(t, unsigned, now)
	require.Zero(t, c.end(t, syscall.SIGTERM))

	c.launch(t, "--set", "standalone.speak_for=true", "--set", "signatures=require")
	c.must(t, "anna.rep", "submit", third, "-f", file("more.json", `{"declared_potential": {"amount": "91000.00", "currency": "EUR"}}`))
	decide(fourth, "confirm")
	c.must(t, "dora.useradmin", "admin", "agree", "P-000001")
	signed, now = verified()
	require.Equal(t, 6, signed)
	require.Equal(t, unsigned, now)
	require.Contains(t, c.must(t, "dario.operator", "doctor"), "require")
	require.Zero(t, c.end(t, syscall.SIGTERM))
}
