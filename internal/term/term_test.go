package term

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestClean(t *testing.T) {
	t.Parallel()
	for give, want := range map[string]string{
		"Acme GmbH":        "Acme GmbH",
		"red\x1b[31m":      `red\x1b[31m`,
		"two\nlines":       `two\nlines`,
		"evil\u202egnp.js": `evil\u202egnp.js`,
		"zero\u200bwidth":  `zero\u200bwidth`,
		"上海医药":             "上海医药",
		"bad\xff":          `bad\ufffd`,
	} {
		require.Equal(t, want, Clean(give))
	}
	require.Equal(t, "a\nb\\t", CleanLines("a\r\nb\t"))
}

func TestTable(t *testing.T) {
	t.Parallel()
	table := NewTable("Case", "Customer", "Days>")
	table.Row("KAM-2026-000001", "上海医药集团", "3")
	table.Row("KAM-2026-000002", "A rather long name of a customer in Hamburg", "12")
	require.Equal(t, `Case             Customer                                     Days
---------------  -------------------------------------------  ----
KAM-2026-000001  上海医药集团                                    3
KAM-2026-000002  A rather long name of a customer in Hamburg    12
`, table.Text(Screen{}))
	require.Equal(t, `Case             Customer           Days
---------------  -----------------  ----
KAM-2026-000001  上海医药集团          3
KAM-2026-000002  A rather long        12
                 name of a
                 customer in
                 Hamburg
`, table.Text(Screen{Width: 40}))
}

func TestFoldCutsLongWords(t *testing.T) {
	t.Parallel()
	require.Equal(t, []string{"ab", "cdef", "gh", "ij"}, Fold("ab cdefgh ij", 4))
}

// TestNarrowKeepsWords: on a narrow screen text folds before a number that
// people copy is cut.
func TestNarrowKeepsWords(t *testing.T) {
	t.Parallel()
	table := NewTable("Case", "Customer", "State", "Changed")
	table.Row("KAM-2026-000016", "Traunblick Orthopädie GmbH", "AWAITING_CONFIRMATION", "2026-11-23 21:42 UTC")
	require.Equal(t, "Case             Customer    State         Changed\n"+
		"---------------  ----------  ------------  ----------\n"+
		"KAM-2026-000016  Traunblick  AWAITING_     2026-11-23\n"+
		"                 Orthopädie  CONFIRMATION  21:42 UTC\n"+
		"                 GmbH\n", table.Text(Screen{Width: 53}))
	require.Contains(t, table.Text(Screen{Width: 46}), "\nKAM-2026-000016  Traunb")
	require.Equal(t, []string{"a_", "bcd", "ef"}, Fold("a_bcd ef", 4))
	require.Equal(t, []string{"a_b", "ef"}, Fold("a_b ef", 4))
	require.Equal(t, []string{"等待", "管理", "层，", "KA 确", "认"}, Fold("等待管理层，KA 确认", 5))
}

func TestSpan(t *testing.T) {
	t.Parallel()
	for give, want := range map[time.Duration]string{
		0:                       "0ms",
		1500 * time.Millisecond: "1s",
		90 * time.Minute:        "1h 30m",
		49 * time.Hour:          "2d 1h",
		-48 * time.Hour:         "-2d",
	} {
		require.Equal(t, want, Span(give))
	}
}
