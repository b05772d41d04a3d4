package composecheck

import (
	"maps"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"github.com/kamflow/kamflow/config"
	"github.com/kamflow/kamflow/internal/keys"
)

const root = "../../"

type composeFile struct {
	Services map[string]service   `yaml:"services"`
	Volumes  map[string]yaml.Node `yaml:"volumes"`
	Networks map[string]struct {
		IPAM struct {
			Config []struct {
				Subnet  string `yaml:"subnet"`
				Gateway string `yaml:"gateway"`
			} `yaml:"config"`
		} `yaml:"ipam"`
	} `yaml:"networks"`
}

type service struct {
	Image       string            `yaml:"image"`
	Build       *yaml.Node        `yaml:"build"`
	Entrypoint  []string          `yaml:"entrypoint"`
	Environment map[string]string `yaml:"environment"`
	Ports       []string          `yaml:"ports"`
	Volumes     []string          `yaml:"volumes"`
	Restart     string            `yaml:"restart"`
	HealthCheck struct {
		Test []string `yaml:"test"`
	} `yaml:"healthcheck"`
	DependsOn map[string]struct {
		Condition string `yaml:"condition"`
	} `yaml:"depends_on"`
}

// oneShot are services that do their work and end.
var oneShot = []string{"temporal-schema"}

func read(t *testing.T) composeFile {
	t.Helper()
	text, err := os.ReadFile(root + "docker-compose.yml")
	require.NoError(t, err)
	var f composeFile
	require.NoError(t, yaml.Unmarshal(text, &f))
	return f
}

func TestServices(t *testing.T) {
	t.Parallel()

	f := read(t)
	require.Equal(t, []string{"console", "postgresql", "temporal", "temporal-schema", "temporal-ui", "worker"},
		slices.Sorted(maps.Keys(f.Services)))
	pinned := regexp.MustCompile(`^[\w./-]+:\d+\.\d+(\.\d+)?$`)
	for name, s := range f.Services {
		if s.Build == nil {
			require.Regexp(t, pinned, s.Image, "%s: the image is pinned", name)
		}
		require.NotEmpty(t, s.Restart, "%s says when it is restarted", name)
		for _, port := range s.Ports {
			require.True(t, strings.HasPrefix(port, "127.0.0.1:"), "%s: port %s is for this machine only", name, port)
		}
		for other, how := range s.DependsOn {
			want := "service_healthy"
			if slices.Contains(oneShot, other) {
				want = "service_completed_successfully"
			}
			require.Equal(t, want, how.Condition, "%s waits for %s", name, other)
		}
		if !slices.Contains(oneShot, name) {
			require.NotEmpty(t, s.HealthCheck.Test, "%s has a health check", name)
		}
	}
	require.Contains(t, f.Services["postgresql"].Volumes, "postgresql:/var/lib/postgresql", "data outlive the container")
	require.Contains(t, f.Volumes, "postgresql")
}

// TestNoSecrets: a value of a variable that sounds like a secret comes from
// outside, and so does the password in a connection string.
func TestNoSecrets(t *testing.T) {
	t.Parallel()

	secret := regexp.MustCompile(`PASSWORD|PWD|SECRET|TOKEN|API_KEY`)
	given := regexp.MustCompile(`^\$\{\w+(:\?[^}]*)?\}$`)
	inURL := regexp.MustCompile(`://[^:/@]+:([^@]+)@`)
	for name, s := range read(t).Services {
		for key, value := range s.Environment {
			if secret.MatchString(key) {
				require.Regexp(t, given, value, "%s: %s", name, key)
			}
			if m := inURL.FindStringSubmatch(value); m != nil {
				require.Regexp(t, given, m[1], "%s: password in %s", name, key)
			}
		}
	}
}

// environment is that of a service as Docker gives it to its program.
func environment(t *testing.T, name string) service {
	t.Helper()
	s := read(t).Services[name]
	fallback := regexp.MustCompile(`\$\{\w+:-([^}]*)\}`)
	for key, value := range s.Environment {
		t.Setenv(key, fallback.ReplaceAllString(strings.ReplaceAll(value, "${POSTGRES_PASSWORD}", "x"), "$1"))
	}
	return s
}

// TestWorkerEnvironment reads the worker's environment as the worker does: a
// misspelt variable or a refused value shows here and not in production.
func TestWorkerEnvironment(t *testing.T) {
	s := environment(t, "worker")
	loaded, err := config.Load(nil)
	require.NoError(t, err)
	require.Equal(t, "postgres://kamflow:x@postgresql:5432/kamflow?sslmode=disable", loaded.Config.Database.URL.Reveal())

	opts, err := loaded.Config.Temporal.ClientOptions(nil)
	require.NoError(t, err)
	require.Equal(t, "temporal:7233", opts.HostPort)
	require.Equal(t, "kamflow", opts.Namespace)
	require.Contains(t, s.HealthCheck.Test[5], ":9464/readyz")
	require.Contains(t, loaded.Config.Worker.Listen, ":9464")
}

// TestKeysReachWhoNeedsThem: the console signs, and workers only verify. Without
// either, nobody could do anything in a new installation.
func TestKeysReachWhoNeedsThem(t *testing.T) {
	all := read(t).Services
	for _, name := range []string{"worker", "console"} {
		require.Equal(t, "${KAM_KEYS_PUBLIC:-}", all[name].Environment["KAM_KEYS_PUBLIC"], name)
	}
	require.Equal(t, "${KAM_KEYS_SIGNING:-}", all["console"].Environment["KAM_KEYS_SIGNING"])
	require.NotContains(t, all["worker"].Environment, "KAM_KEYS_SIGNING")

	made := keys.Box{Dir: t.TempDir()}
	_, err := made.Make(time.Now())
	require.NoError(t, err)
	secrets, err := filepath.Glob(filepath.Join(made.Dir, "*.secret"))
	require.NoError(t, err)
	secret, err := os.ReadFile(secrets[0])
	require.NoError(t, err)
	ring, err := made.Ring()
	require.NoError(t, err)
	t.Setenv("KAM_KEYS_SIGNING", strings.TrimSpace(string(secret)))
	t.Setenv("KAM_KEYS_PUBLIC", strings.TrimSpace(ring.Text()))
	t.Setenv("KAM_DATA_DIR", t.TempDir())
	loaded, err := config.Load(nil)
	require.NoError(t, err)
	signing, err := keys.In(loaded.Config).Secrets()
	require.NoError(t, err)
	require.Len(t, signing, 1)
	require.Equal(t, ring[0].ID, signing[0].ID)
}

// TestConsoleEnvironment reads that of the console: it would refuse to start off
// loopback without its address and the proxy that Docker is.
func TestConsoleEnvironment(t *testing.T) {
	s := environment(t, "console")
	loaded, err := config.Load(nil)
	require.NoError(t, err)
	c := loaded.Config.Console
	require.False(t, config.Loopback(c.Listen))
	require.True(t, c.OwnMachine())
	require.Equal(t, []string{"127.0.0.1:8080:8080"}, s.Ports)
	require.Equal(t, "http://127.0.0.1:8080", c.BaseURL)
	require.Contains(t, s.HealthCheck.Test[5], ":9465/readyz")
	require.Contains(t, c.HealthListen, ":9465")
	require.Equal(t, []string{"console"}, s.Entrypoint)

	networks := read(t).Networks["default"].IPAM.Config
	require.Equal(t, []string{networks[0].Gateway}, c.TrustedProxies)
	subnet, err := netip.ParsePrefix(networks[0].Subnet)
	require.NoError(t, err)
	require.True(t, subnet.Contains(netip.MustParseAddr(networks[0].Gateway)))
}

func TestDockerfile(t *testing.T) {
	t.Parallel()

	text, err := os.ReadFile(root + "Dockerfile")
	require.NoError(t, err)
	lines := strings.Split(string(text), "\n")
	var from, user []string
	for _, line := range lines {
		switch word, rest, _ := strings.Cut(line, " "); word {
		case "FROM":
			from = append(from, rest)
		case "USER":
			user = append(user, rest)
		}
	}
	require.Len(t, from, 2, "built in one stage, run in another")
	require.Equal(t, []string{"10001:10001"}, user, "not root, and by number, as Kubernetes can check")
	require.Contains(t, string(text), "HEALTHCHECK")
	require.Contains(t, string(text), "./worker ./console ./starter")
	require.NotContains(t, string(text), "COPY .git")
}

// TestCompose has the real program read the file.
func TestCompose(t *testing.T) {
	t.Parallel()

	tool := composeTool(t)
	if tool == nil {
		t.Skip("skipped: no docker compose on this machine; the file was read as YAML only")
	}
	run := func(env ...string) (string, error) {
		cmd := exec.CommandContext(t.Context(), tool[0], append(tool[1:], "--file", root+"docker-compose.yml", "config")...)
		cmd.Env = append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + t.TempDir()}, env...)
		out, err := cmd.CombinedOutput()
		return string(out), err
	}
	out, err := run("POSTGRES_PASSWORD=swordfish")
	require.NoError(t, err, out)
	require.Contains(t, out, "postgres://kamflow:swordfish@postgresql:5432/kamflow")

	out, err = run()
	require.Error(t, err, "a password must be given")
	require.Contains(t, out, "POSTGRES_PASSWORD")
	t.Log("skipped: building images and starting containers")
}

// composeTool returns the command line of Docker Compose, or nil.
func composeTool(t *testing.T) []string {
	t.Helper()
	for _, tool := range [][]string{{"docker", "compose"}, {"docker-compose"}} {
		path, err := exec.LookPath(tool[0])
		if err != nil {
			continue
		}
		if exec.CommandContext(t.Context(), path, append(slices.Clone(tool[1:]), "version")...).Run() == nil {
			return tool
		}
	}
	return nil
}
