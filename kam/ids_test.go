package kam_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kamflow/kamflow/kam"
)

func TestOlderCase(t *testing.T) {
	t.Parallel()
	inOrder := []kam.CaseNo{"KAM-2025-000007", "KAM-2026-000001", "KAM-2026-000010", "KAM-2026-999999", "KAM-2026-1000000", "KAM-2027-000001"}
	for i, a := range inOrder {
		for j, b := range inOrder {
			require.Equal(t, i < j, a.Before(b), "%s before %s", a, b)
		}
	}
}

func TestKeysAreBounded(t *testing.T) {
	require.NoError(t, kam.CheckKey("request_key", strings.Repeat("k", kam.MaxKey)))
	for _, key := range []string{"", strings.Repeat("k", 3000), "k\xff", "k\x00"} {
		err := kam.CheckKey("request_key", key)
		require.ErrorIs(t, err, kam.Invalid)
		require.Equal(t, "request_key", kam.AsError(err).Field)
	}
}
