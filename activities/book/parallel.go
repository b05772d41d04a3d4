package book

import (
	"iter"
	"runtime"
	"slices"
	"sync"
)

const chunk = 500 // values that one processor takes at a time

// inParallel runs do for 0 to n-1 on all processors.
func inParallel(n int, do func(i int)) {
	var wg sync.WaitGroup
	workers := max(min(runtime.GOMAXPROCS(0), n/chunk), 1)
	for w := range workers {
		wg.Go(func() {
			for from := w * chunk; from < n; from += workers * chunk {
				for i := from; i < min(from+chunk, n); i++ {
					do(i)
				}
			}
		})
	}
	wg.Wait()
}

// mapRows makes something of each value of a sequence, on all processors and
// while the sequence is read on, and returns what was made in its order.
func mapRows[T, R any](seq iter.Seq2[T, error], do func(*R, T)) ([]R, error) {
	type work struct {
		in  []T
		out []R
	}
	var (
		all  []work
		wg   sync.WaitGroup
		todo = make(chan work, 2*runtime.GOMAXPROCS(0))
	)
	for range runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			for w := range todo {
				for i, v := range w.in {
					do(&w.out[i], v)
				}
			}
		})
	}
	var in []T
	hand := func() {
		w := work{in, make([]R, len(in))}
		all, in = append(all, work{out: w.out}), make([]T, 0, chunk)
		todo <- w
	}
	var failed error
	for v, err := range seq {
		if failed = err; err != nil {
			break
		}
		if in = append(in, v); len(in) == chunk {
			hand()
		}
	}
	hand()
	close(todo)
	wg.Wait()
	if failed != nil {
		return nil, failed
	}
	out := make([][]R, len(all))
	for i := range all {
		out[i] = all[i].out
	}
	return slices.Concat(out...), nil
}
