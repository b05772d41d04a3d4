package rules

import (
	"flag"
	"os"
	"testing"

	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update-schema", false, "write policy.schema.json anew")

// TestPolicySchema keeps the published schema in step with the struct. To
// bring it up to date: go test ./kam/rules -run TestPolicySchema -update-schema
func TestPolicySchema(t *testing.T) {
	want, err := schemaOf()
	require.NoError(t, err)
	if *update {
		require.NoError(t, os.WriteFile("policy.schema.json", want, 0o600))
		return
	}
	require.Equal(t, string(want), string(PolicySchema()))
}
