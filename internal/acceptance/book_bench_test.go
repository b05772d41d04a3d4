package acceptance

import (
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/kamflow/kamflow/internal/pgserver"
	"github.com/kamflow/kamflow/internal/pgserver/pgtest"
	"github.com/kamflow/kamflow/internal/proctime"
	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/book"
	"github.com/kamflow/kamflow/kam/signed/signedtest"
	"github.com/kamflow/kamflow/store"
)

// TestBenchBook takes the figure of an import: make bench-book. Without
// KAM_BENCH_BOOK, the number of customers, it imports 2,000 and asserts that
// the phases are there, not how long they take.
func TestBenchBook(t *testing.T) {
	n, months := 2_000, 12
	measured := os.Getenv("KAM_BENCH_BOOK") != ""
	if measured {
		var err error
		n, err = strconv.Atoi(os.Getenv("KAM_BENCH_BOOK"))
		require.NoError(t, err)
	}
	var w *bookWorld
	if measured {
		w = durableWorld(t)
		defer debug.SetGCPercent(debug.SetGCPercent(400)) // as the worker is set
	} else {
		w = newBookWorld(t)
	}
	text := inventBook(n, months)
	a := working(w.db).Imports()

	var total time.Duration
	timed := func(phase string, do func()) {
		start, before := time.Now(), processor(t)
		do()
		took, after := time.Since(start), processor(t)
		total += took
		t.Logf("%-20s %7.2f s; processor time: this program %.1f s, PostgreSQL %.1f s", phase, took.Seconds(), after[0]-before[0], after[1]-before[1])
	}
	var b book.BatchSnapshot
	spent := processor(t)
	timed("read the files", func() { _ = text.open(t) })
	total = 0
	timed("read and stage", func() { b = w.upload(text.open(t), "bench", "stew.one") })
	step := book.BatchStep{No: b.No, Now: monday}
	timed("check", func() {
		p, err := a.Check(t.Context(), step)
		require.NoError(t, err)
		b = p.Batch
		require.Equal(t, book.BatchChecked, b.State)
	})
	timed("confirm", func() {
		for scope, by := range map[string]kam.UserID{"DE": "nadja.national", "AT": "nora.national"} {
			act := signedtest.Batch(b.No, book.UpdateConfirmBatch, book.BatchAct{DecisionID: "decision-" + scope, By: by, Scope: scope, Digest: b.Digest}, monday)
			p, err := a.Confirm(t.Context(), book.BatchStep{No: b.No, Now: monday, Act: &act})
			require.NoError(t, err)
			require.Nil(t, p.Refused)
		}
	})
	for _, phase := range book.BatchPhases {
		timed("apply "+phase, func() {
			p, err := a.ApplyPhase(t.Context(), step, phase)
			require.NoError(t, err)
			b = p.Batch
		})
	}
	require.Equal(t, book.BatchApplied, b.State)
	require.Equal(t, n, b.Result.Created)
	require.Equal(t, n, b.Result.Segmented)
	t.Logf("%d customers, %d facts: %.1f s in all; settings: fsync %s, synchronous_commit %s, full_page_writes %s; %+v", n, b.Result.Facts, total.Seconds(),
		one[string](w, "show fsync"), one[string](w, "show synchronous_commit"), one[string](w, "show full_page_writes"), b.Result)
	if measured {
		now := processor(t)
		t.Logf("processor time: this program %.1f s, PostgreSQL %.1f s, on %d processors", now[0]-spent[0], now[1]-spent[1], runtime.NumCPU())
	}
	if measured && n <= 100_000 {
		require.Less(t, total, time.Minute)
	}
}

// durableWorld is on a server of its own that loses nothing: what an import
// costs where it counts.
func durableWorld(t *testing.T) *bookWorld {
	t.Helper()
	dir := pgtest.DiskDir(t)
	srv, err := pgserver.Start(t.Context(), pgserver.Options{DataDir: dir, Durable: true})
	require.NoError(t, err)
	t.Cleanup(func() { _ = srv.StopImmediate() })
	dsn := srv.DSN("postgres")
	require.NoError(t, store.Migrate(t.Context(), dsn))
	benchDir = dir
	return openBookWorld(t, dsn)
}

var benchDir string

// processor is the time that this program and PostgreSQL have spent on
// processors: what an import costs does not depend on who else is busy.
func processor(t *testing.T) (spent [2]float64) {
	t.Helper()
	if benchDir == "" {
		return spent
	}
	own, err := proctime.Own()
	require.NoError(t, err)
	found, err := filepath.Glob(filepath.Join(benchDir, "*", "postmaster.pid"))
	require.NoError(t, err)
	require.Len(t, found, 1)
	raw, err := os.ReadFile(found[0])
	require.NoError(t, err)
	master, _, _ := strings.Cut(string(raw), "\n")
	pid, err := strconv.Atoi(master)
	require.NoError(t, err)
	postgres, err := proctime.FamilyOf(pid)
	require.NoError(t, err)
	return [2]float64{own.Seconds(), postgres.Total().Seconds()}
}
