package kam_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/kamflow/kamflow/kam"
)

// TestTextTravels: what an error was made from survives JSON as what it is, and
// fills the format as it did.
func TestTextTravels(t *testing.T) {
	t.Parallel()
	day := time.Date(2026, 11, 30, 8, 0, 0, 0, time.UTC)
	inner := kam.Errorf(kam.Invalid, "%q is not a number", "x").On("amount").By("VF02").Try("write %d", 7)
	for _, arg := range []any{
		"text", kam.UserID("nora.country"), 42, int64(-7), 2.5, true, kam.Dec(1690), kam.NewMoney(140000, "EUR"), day, 90 * time.Minute,
		kam.ListOf([]string{"a", "b"}), kam.Say("%d rows", 3), kam.Say("a constant"), inner, errors.New("plain"),
	} {
		e := kam.Errorf(kam.Invalid, "%v, and so on", arg).Try("give %v", arg)
		raw, err := json.Marshal(e)
		require.NoError(t, err)
		var back kam.Error
		require.NoError(t, json.Unmarshal(raw, &back))
		require.Equal(t, e.Error(), back.Error())
		require.Equal(t, e.Said, back.Said, string(raw))
		require.Equal(t, e.Advice, back.Advice)
		said := fmt.Sprintf(back.Said.Key, back.Said.Values(english, func(all []string) string { return kam.ListOf(all).String() })...)
		require.Equal(t, e.Msg, said, string(raw))
	}

	var stored kam.Error
	require.NoError(t, json.Unmarshal([]byte(`{"code":"INVALID","message":"is missing"}`), &stored))
	require.Equal(t, kam.Errorf(kam.Invalid, "is missing"), &stored, "a sentence without values is its own key, as it was stored by early releases")
	var later kam.Arg
	require.NoError(t, json.Unmarshal([]byte(`{"of_a_later_release": 1}`), &later))
	require.Equal(t, `{"of_a_later_release": 1}`, later.Value)
}

func english(t *kam.Text) string {
	if len(t.Args) == 0 {
		return t.Key
	}
	return fmt.Sprintf(t.Key, t.Values(english, func(all []string) string { return kam.ListOf(all).String() })...)
}
