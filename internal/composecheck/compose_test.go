package composecheck

import (
	"maps"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"github.com/kamflow/kamflow/config"
)

const root = "../../"

type composeFile struct {
	Services map[string]service   `yaml:"services"`
	Volumes  map[string]yaml.Node `yaml:"volumes"`
}

type service struct {
	Image       string            `yaml:"image"`
	Build       *yaml.Node        `yaml:"build"`
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
	require.Equal(t, []string{"postgresql", "temporal", "temporal-schema", "temporal-ui", "worker"},
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

// TestWorkerEnvironment reads the worker's environment as the worker does: a
// misspelt variable or a refused value shows here and not in production.
func TestWorkerEnvironment(t *testing.T) {
	for key, value := range read(t).Services["worker"].Environment {
		t.Setenv(key, strings.ReplaceAll(value, "${POSTGRES_PASSWORD}", "x"))
	}
	loaded, err := config.Load(nil)
	require.NoError(t, err)
	require.Equal(t, "postgres://kamflow:x@postgresql:5432/kamflow?sslmode=disable", loaded.Config.Database.URL.Reveal())

	opts, err := loaded.Config.Temporal.ClientOptions(nil)
	require.NoError(t, err)
	require.Equal(t, "temporal:7233", opts.HostPort)
	require.Equal(t, "kamflow", opts.Namespace)
	require.Contains(t, read(t).Services["worker"].HealthCheck.Test[5], ":9464/readyz")
	require.Contains(t, loaded.Config.Worker.Listen, ":9464")
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
