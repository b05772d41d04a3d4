package main

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestUsage: what cannot work is said at once, and nothing starts.
func TestUsage(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		args   []string
		status int
		says   string
	}{
		{[]string{"sing"}, 2, `there is no command ["sing"]`},
		{[]string{"--nope"}, 2, "unknown flag"},
		{[]string{"--listen", "0.0.0.0:8080"}, 2, "console.base_url: is needed off loopback"},
		{[]string{"--listen", "0.0.0.0:8080", "--set", "console.base_url=https://kam.example.com"}, 2, "is open to other machines"},
		{[]string{"--set", "console.base_url=https://kam.example.com"}, 2, "nothing speaks it"},
		{[]string{"link"}, 2, "console link USER prints a link"},
		{[]string{"link", "ada", "--data-dir", t.TempDir()}, 1, "no standalone is running"},
		{[]string{"--help"}, 0, "--listen"},
	} {
		var out, errOut bytes.Buffer
		require.Equal(t, tt.status, run(t.Context(), tt.args, &out, &errOut), "%v: %s", tt.args, errOut.String())
		require.Contains(t, errOut.String(), tt.says)
		require.Empty(t, out.String())
	}
	var out, errOut bytes.Buffer
	require.Equal(t, 0, run(t.Context(), []string{"--print-config"}, &out, &errOut), errOut.String())
	require.Contains(t, out.String(), "listen: 127.0.0.1:8080")
}
