package book

import (
	"errors"
	"iter"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
)

func counting(n int, end error) iter.Seq2[int, error] {
	return func(yield func(int, error) bool) {
		for i := range n {
			if !yield(i, nil) {
				return
			}
		}
		if end != nil {
			yield(0, end)
		}
	}
}

// TestMapRows: what is made comes in the order of the sequence, whoever made it;
// a sequence that breaks off makes nothing.
func TestMapRows(t *testing.T) {
	t.Parallel()
	double := func(r *int, v int) { *r = 2 * v }
	for _, n := range []int{0, 1, chunk - 1, chunk, chunk + 1, 7*chunk + 3} {
		got, err := mapRows(counting(n, nil), double)
		require.NoError(t, err)
		require.Len(t, got, n)
		for i, v := range got {
			require.Equal(t, 2*i, v)
		}
	}
	broken := errors.New("the connection is gone")
	got, err := mapRows(counting(3*chunk, broken), double)
	require.ErrorIs(t, err, broken)
	require.Nil(t, got)
}

func TestInParallel(t *testing.T) {
	t.Parallel()
	for _, n := range []int{0, 1, chunk + 1, 5*chunk + 2} {
		done := make([]atomic.Int32, n)
		inParallel(n, func(i int) { done[i].Add(1) })
		for i := range done {
			require.EqualValues(t, 1, done[i].Load(), "%d of %d", i, n)
		}
	}
}
