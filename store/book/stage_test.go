package book_test

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kamflow/kamflow/store/book"
)

// TestReadAhead: every value once and in order, the error where it stands, and
// an end of the sequence before stop returns.
func TestReadAhead(t *testing.T) {
	t.Parallel()
	broken := errors.New("line 4 is cut off")
	ended := false
	seq := func(n int, fail error) func(func(int, error) bool) {
		return func(yield func(int, error) bool) {
			defer func() { ended = true }()
			for i := range n {
				if !yield(i, nil) {
					return
				}
			}
			if fail != nil {
				yield(0, fail)
			}
		}
	}
	for _, n := range []int{0, 1, 499, 500, 501, 5_000} {
		next, stop := book.ReadAhead(seq(n, broken))
		for i := range n {
			v, err, ok := next()
			require.True(t, ok)
			require.NoError(t, err)
			require.Equal(t, i, v)
		}
		_, err, ok := next()
		require.True(t, ok)
		require.ErrorIs(t, err, broken)
		_, err, ok = next()
		require.False(t, ok)
		require.NoError(t, err)
		stop()
	}
	ended = false
	next, stop := book.ReadAhead(seq(1_000_000, nil))
	_, _, ok := next()
	require.True(t, ok)
	stop()
	require.True(t, ended, "the reader has stopped")
}
