package stage

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kamflow/kamflow/kam"
)

func TestPercent(t *testing.T) {
	t.Parallel()
	tests := []struct {
		part, whole int64
		want        kam.Dec
	}{
		{1008, 9600, 1050}, {1, 3, 3333}, {2, 3, 6667}, {1, 8, 1250}, {1, 800, 13}, {-1, 8, -1250},
	}
	for _, tt := range tests {
		require.Equal(t, tt.want, percent(tt.part, tt.whole), "%d of %d", tt.part, tt.whole)
	}
}
