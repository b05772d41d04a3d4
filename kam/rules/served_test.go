package rules_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kamflow/kamflow/kam/rules"
)

func TestServed(t *testing.T) {
	t.Parallel()
	tests := []struct{ from, to, want string }{
		{"allow_self_confirm_when_alone: false", "allow_self_confirm_when_alone: true", "sod.allow_self_confirm_when_alone"},
		{"scope: COMPANY ", "scope: COUNTRY ", "abc.scope COUNTRY"},
		{"mode: FIXED ", "mode: AUTO ", "rfm.mode AUTO"},
	}
	text := string(rules.DefaultYAML())
	p, err := rules.ParsePolicy([]byte(text))
	require.NoError(t, err)
	require.NoError(t, p.Served())
	for _, tt := range tests {
		require.Contains(t, text, tt.from)
		p, err := rules.ParsePolicy([]byte(strings.Replace(text, tt.from, tt.to, 1)))
		require.NoError(t, err)
		require.ErrorContains(t, p.Served(), tt.want)
	}
}
