package acceptance

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kamflow/kamflow/kam"
)

// TestAC45_BookOfTenThousand: row findings, one confirmation per scope, ABC on
// the whole book; and the same file again changes nothing.
func TestAC45_BookOfTenThousand(t *testing.T) {
	t.Parallel()
	const n = 10_000
	w := newBookWorld(t)
	text := inventBook(n, 12)
	first := w.upload(text.open(t), "book-2026", "stew.one")
	require.Equal(t, kam.BatchNo("B-000001"), first.No)
	p := w.play(first.No)
	p.asks(1*hour, "AT: nora.national", "DE: nadja.national")
	p.confirms(2*hour, kam.Forbidden, "rolf.regional", "DE")
	p.confirms(2*hour, kam.Forbidden, "nora.national", "DE")
	p.confirms(3*hour, "", "nora.national", "AT")
	p.asks(4*hour, "DE: nadja.national")
	p.confirms(5*hour, kam.AlreadyDecided, "gina.global", "AT")
	p.confirms(6*hour, "", "nadja.national", "DE")
	end := p.run()
	require.Equal(t, kam.BatchApplied, end.State)
	require.Equal(t, n, end.Result.Created)
	require.Equal(t, 12*n+n/10, end.Result.Facts)
	require.Equal(t, n, end.Result.Segmented)
	require.Equal(t, n/500, end.Result.KeyAccounts)
	require.Zero(t, end.Result.Left)
	require.Zero(t, one[int](w, `select count(*) from kam.cases`), "no case per row")
	t.Logf("%+v", end.Result)
}
