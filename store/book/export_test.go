package book

import "iter"

// ReadAhead is for tests of the package outside.
func ReadAhead[T any](seq iter.Seq2[T, error]) (next func() (T, error, bool), stop func()) {
	return readAhead(seq)
}
