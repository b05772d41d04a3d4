package main

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestTraceOfACommand: a command is one trace where the environment asks for
// it, also one that is refused. A collector that is not there changes nothing
// of what the command says and how it ends, but for a line to a person.
func TestTraceOfACommand(t *testing.T) {
	for _, name := range []string{"OTEL_TRACES_EXPORTER", "OTEL_SDK_DISABLED", "OTEL_EXPORTER_OTLP_PROTOCOL", "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT"} {
		t.Setenv(name, "")
	}
	args := []string{"--as", "tom", "decide", string(theCase), "confirm", "--expect", "current"}
	plain := run(t, waiting(), args...)
	require.Zero(t, plain.status, plain.err)

	sent := make(chan string, 10)
	collector := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		sent <- string(body)
	}))
	defer collector.Close()
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.URL)
	require.Equal(t, plain, run(t, waiting(), args...))
	trace := <-sent
	require.Contains(t, trace, "starter decide")
	require.Contains(t, trace, "kamflow-starter")

	// A command that finds its arguments wrong is a trace, too.
	require.Equal(t, exitUsage, run(t, waiting(), "--as", "tom", "decide", string(theCase), "maybe").status)
	require.Contains(t, <-sent, "starter decide")

	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1")
	away := run(t, waiting(), args...)
	require.Equal(t, plain.out, away.out)
	require.Zero(t, away.status)
	require.Contains(t, away.err, "could not be sent")
	require.Empty(t, run(t, waiting(), append(args, "--json")...).err)

	t.Setenv("OTEL_TRACES_EXPORTER", "zipkin")
	wrong := run(t, waiting(), args...)
	require.Equal(t, exitUsage, wrong.status)
	require.Contains(t, wrong.err, "write otlp or none")
}
