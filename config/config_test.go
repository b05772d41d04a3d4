package config

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/pflag"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"
)

func flags(t *testing.T, args ...string) *pflag.FlagSet {
	t.Helper()
	fs := pflag.NewFlagSet("test", pflag.ContinueOnError)
	AddFlags(fs)
	require.NoError(t, fs.Parse(args))
	return fs
}

func TestShippedFileIsTheDefaults(t *testing.T) {
	l, err := Load(flags(t, "--config", "kam.yaml"))
	require.NoError(t, err)
	require.Equal(t, Defaults(), l.Config)
	for key, origin := range l.Origin {
		require.Equal(t, "kam.yaml", origin, "%s is missing in kam.yaml", key)
	}
}

// TestFiles reads each file of testdata. A busted one names in its first line
// what the error must say.
func TestFiles(t *testing.T) {
	files, err := filepath.Glob("testdata/*.yaml")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			_, err := Load(flags(t, "--config", file))
			if strings.HasPrefix(filepath.Base(file), "working_") {
				require.NoError(t, err)
				return
			}
			text, readErr := os.ReadFile(file)
			require.NoError(t, readErr)
			first, _, _ := strings.Cut(string(text), "\n")
			for _, want := range strings.Split(strings.TrimPrefix(first, "# "), " | ") {
				require.ErrorContains(t, err, want)
			}
		})
	}
}

func TestLaterSourcesWin(t *testing.T) {
	file := filepath.Join(t.TempDir(), "kam.yaml")
	require.NoError(t, os.WriteFile(file, []byte("log: {level: warn}\nclient: {timeout: 20s}\nconsole: {listen: '127.0.0.1:1'}\n"), 0o600))
	t.Setenv("KAM_LOG_LEVEL", "error")
	t.Setenv("KAM_CLIENT_TIMEOUT", "30s")
	t.Setenv("KAM_WORKER_PROMOTE_SELF", "true")

	l, err := Load(flags(t, "--config", file, "--log-level", "debug", "--set", "worker.activities=7"))
	require.NoError(t, err)
	require.Equal(t, "debug", l.Config.Log.Level)
	require.Equal(t, "30s", l.Config.Client.Timeout.String())
	require.Equal(t, "127.0.0.1:1", l.Config.Console.Listen)
	require.True(t, l.Config.Worker.PromoteSelf)
	require.Equal(t, 7, l.Config.Worker.Activities)
	require.Equal(t, "--log-level", l.Origin["log.level"])
	require.Equal(t, "KAM_CLIENT_TIMEOUT", l.Origin["client.timeout"])
	require.Equal(t, file, l.Origin["console.listen"])
	require.Equal(t, "--set", l.Origin["worker.activities"])
	require.Equal(t, "default", l.Origin["log.file"])
}

func TestFileInTheDataDirectory(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(t.TempDir())
	require.NoError(t, os.WriteFile(filepath.Join(dir, FileName), []byte("log: {level: warn}\n"), 0o600))
	l, err := Load(flags(t, "--data-dir", dir))
	require.NoError(t, err)
	require.Equal(t, "warn", l.Config.Log.Level)
}

func TestMisspeltSourcesAreRefused(t *testing.T) {
	_, err := Load(flags(t, "--set", "worker.listn=x"))
	require.ErrorContains(t, err, "did you mean worker.listen?")
	_, err = Load(flags(t, "--config", "no-such-file.yaml"))
	require.ErrorContains(t, err, "no such file")
	t.Setenv("KAM_LOG_LEVLE", "debug")
	_, err = Load(flags(t))
	require.ErrorContains(t, err, "KAM_LOG_LEVLE; did you mean KAM_LOG_LEVEL?")
}

func TestForeignVariablesAreLeftAlone(t *testing.T) {
	t.Setenv("KAM_CONSOLE_SERVICE_HOST", "10.0.0.1")
	_, err := Load(flags(t))
	require.NoError(t, err)
}

func TestSecretsNeverPrint(t *testing.T) {
	const secret = "postgres://kam:hunter2@127.0.0.1:5432/kam"
	t.Setenv("KAM_DATABASE_URL", secret)
	l, err := Load(flags(t))
	require.NoError(t, err)
	require.Equal(t, secret, l.Config.Database.URL.Reveal())

	var printed bytes.Buffer
	require.NoError(t, l.Print(&printed))
	asJSON, err := json.Marshal(l.Config)
	require.NoError(t, err)
	asYAML, err := yaml.Marshal(l.Config)
	require.NoError(t, err)
	for _, text := range []string{printed.String(), string(asJSON), string(asYAML), fmt.Sprintf("%v %+v %#v", l.Config, l.Config, l.Config)} {
		require.NotContains(t, text, "hunter2")
		require.Contains(t, text, "[hidden]")
	}
	require.Contains(t, printed.String(), `url: "[hidden]" # KAM_DATABASE_URL`)
}

// TestLists come from the environment as they stand in the file, and secrets in
// them are as hidden as elsewhere.
func TestLists(t *testing.T) {
	t.Setenv("KAM_CONSOLE_BASE_URL", "https://kam.example.com")
	t.Setenv("KAM_CONSOLE_TRUSTED_PROXIES", "[10.0.0.7, 10.1.0.0/16]")
	t.Setenv("KAM_CONSOLE_PROVIDERS", `[{name: own, title: Our house, issuer: "https://idp.example.com", client_id: kam, client_secret: hunter2}]`)
	l, err := Load(flags(t))
	require.NoError(t, err)
	require.Equal(t, []string{"10.0.0.7", "10.1.0.0/16"}, l.Config.Console.TrustedProxies)
	require.Equal(t, []Provider{{Name: "own", Title: "Our house", Issuer: "https://idp.example.com", ClientID: "kam", ClientSecret: "hunter2"}}, l.Config.Console.Providers)
	var printed bytes.Buffer
	require.NoError(t, l.Print(&printed))
	require.NotContains(t, printed.String(), "hunter2")
	require.Contains(t, printed.String(), "[hidden]")
	require.Contains(t, printed.String(), "trusted_proxies: [10.0.0.7, 10.1.0.0/16] # KAM_CONSOLE_TRUSTED_PROXIES")

	t.Setenv("KAM_CONSOLE_PROVIDERS", "hunter2: {")
	_, err = Load(flags(t))
	require.ErrorContains(t, err, "is no list")
	require.NotContains(t, err.Error(), "hunter2")
}

func TestPrintedConfigurationCanBeRead(t *testing.T) {
	l, err := Load(flags(t, "--set", "log.level=warn", "--set", `console.trusted_proxies=["::1"]`, "--set", "console.base_url=https://kam.example.com"))
	require.NoError(t, err)
	file := filepath.Join(t.TempDir(), "kam.yaml")
	var printed bytes.Buffer
	require.NoError(t, l.Print(&printed))
	require.NoError(t, os.WriteFile(file, printed.Bytes(), 0o600))
	again, err := Load(flags(t, "--config", file))
	require.NoError(t, err)
	require.Equal(t, l.Config, again.Config)
}

func TestTemporalFollowsItsOwnVariables(t *testing.T) {
	t.Setenv("TEMPORAL_CONFIG_FILE", filepath.Join(t.TempDir(), "none.toml"))
	t.Setenv("TEMPORAL_ADDRESS", "temporal.example:7233")
	t.Setenv("TEMPORAL_NAMESPACE", "sales")
	opts, err := Temporal{}.ClientOptions(nil)
	require.NoError(t, err)
	require.Equal(t, "temporal.example:7233", opts.HostPort)
	require.Equal(t, "sales", opts.Namespace)

	opts, err = Temporal{Address: "127.0.0.1:7234"}.ClientOptions(nil)
	require.NoError(t, err)
	require.Equal(t, "127.0.0.1:7234", opts.HostPort)
	require.Equal(t, "sales", opts.Namespace)
}

func TestListenersAreLoopbackByDefault(t *testing.T) {
	t.Parallel()
	d := Defaults()
	require.True(t, Loopback(d.Worker.Listen))
	require.True(t, Loopback(d.Console.Listen))
	require.False(t, Loopback("0.0.0.0:80"))
	require.False(t, Loopback(":80"))
}

func TestLogFile(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "kam.log")
	log, err := Log{Level: "info", File: file}.Logger()
	require.NoError(t, err)
	SDKLog(log).Info("from the SDK", "case", "KAM-2026-000001")
	SDKLog(log).Debug("not this")
	require.NoError(t, log.Sync())
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	var line map[string]any
	require.NoError(t, json.Unmarshal(text, &line))
	require.Equal(t, "from the SDK", line["msg"])
	require.Equal(t, "KAM-2026-000001", line["case"])
}
