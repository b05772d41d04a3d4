package acceptance

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/kamflow/kamflow/kam"
)

// TestToNominateIsARightOfItsOwn: who may enter data may not, for that alone,
// nominate a key account; the case asks for both.
func TestToNominateIsARightOfItsOwn(t *testing.T) {
	nominates := fields{"nominate_key_account": true, "nomination_reason": "They decide for the whole trade."}
	for by, want := range map[kam.UserID]kam.Code{"stew.one": kam.Forbidden, "rep.south": ""} {
		t.Run(string(by), func(t *testing.T) {
			w := newWorld(t)
			s := w.onboard(by, data(t, screening("Nominierung GmbH")))
			s.act(1*hour, want, kam.Act{Name: kam.ActSubmitDetails, By: by}, data(t, nominates))
			s.act(2*hour, "", kam.Act{Name: kam.ActSubmitDetails, By: by}, data(t, details()))
			s.expect(2*hour+time.Minute, kam.AwaitingConfirmation)
			s.act(3*hour, "", kam.Act{Name: kam.ActWithdraw, By: by, Reason: "enough"})
			require.Equal(t, kam.Withdrawn, s.run().State)
			v, err := w.db.Cases.View(t.Context(), s.no)
			require.NoError(t, err)
			require.Equal(t, want == "", v.Request.NominateKeyAccount)
		})
	}
}
