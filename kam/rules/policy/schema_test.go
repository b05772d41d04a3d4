package policy

import (
	"flag"
	"os"
	"testing"

	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update-schema", false, "write schema.json anew")

// TestSchema keeps the published schema in step with the struct. To
// bring it up to date: go test ./kam/rules/policy -run TestSchema -update-schema
func TestSchema(t *testing.T) {
	want, err := schemaOf()
	require.NoError(t, err)
	if *update {
		require.NoError(t, os.WriteFile("schema.json", want, 0o600))
		return
	}
	require.Equal(t, string(want), string(Schema()))
}
