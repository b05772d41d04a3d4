package signed_test

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/onboarding"
	"github.com/kamflow/kamflow/kam/signed"
	"github.com/kamflow/kamflow/kam/signed/signedtest"
)

var (
	noon  = time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)
	act   = onboarding.Act{DecisionID: "decision-1", Name: onboarding.ActDecideConfirmation, By: "boss", Verdict: onboarding.Confirm, ExpectRevision: 3, ExpectHash: "h1"}
	claim = signed.OfAct("KAM-2026-000001", act, false)
)

// envelope is one whose fields are all filled.
func envelope() signed.Envelope {
	e := signedtest.Envelope(claim, noon)
	e.Role, e.Post, e.OnBehalfOf = "territory_manager", "DE-N", "chief"
	return e
}

func TestEveryFieldIsCovered(t *testing.T) {
	t.Parallel()
	full := claim
	full.OnBehalfOf = "chief"
	v := signedtest.Verifier()
	token := signedtest.Seal(envelope())
	require.NoError(t, v.Verify(noon, token, full))

	fields := reflect.TypeFor[signed.Envelope]()
	for i := range fields.NumField() {
		t.Run(fields.Field(i).Name, func(t *testing.T) {
			t.Parallel()
			e, err := signed.Read(token)
			require.NoError(t, err)
			switch f := reflect.ValueOf(&e).Elem().Field(i); f.Kind() {
			case reflect.String:
				require.NotEmpty(t, f.String(), "the test fills every field")
				f.SetString(f.String() + "x")
			case reflect.Int:
				require.NotZero(t, f.Int())
				f.SetInt(f.Int() + 1)
			default:
				f.Set(reflect.ValueOf(f.Interface().(time.Time).Add(time.Second)))
			}
			body := strings.Split(token, ".")[1]
			altered := strings.Replace(token, body, signed.Body(e), 1)
			require.NotEqual(t, token, altered)
			require.ErrorIs(t, v.Verify(noon, altered, full), kam.NotSigned)
		})
	}
}

func TestEveryFieldOfAClaimIsCompared(t *testing.T) {
	t.Parallel()
	v := signedtest.Verifier()
	token := signedtest.Seal(signedtest.Envelope(claim, noon))
	require.NoError(t, v.Verify(noon, token, claim))
	fields := reflect.TypeFor[signed.Claim]()
	for i := range fields.NumField() {
		other := claim
		switch f := reflect.ValueOf(&other).Elem().Field(i); f.Kind() {
		case reflect.String:
			f.SetString(f.String() + "x")
		case reflect.Int:
			f.SetInt(f.Int() + 1)
		case reflect.Interface:
			changed := act
			changed.Reason = "another"
			f.Set(reflect.ValueOf(changed))
		default:
			continue // Queued and Unseen let more through
		}
		if fields.Field(i).Name == "Decision" {
			continue // the digest covers it
		}
		require.ErrorIs(t, v.Verify(noon, token, other), kam.NotSigned, fields.Field(i).Name)
	}
}

// TestEveryFieldOfAnActIsCovered: an envelope for one act is for no other.
func TestEveryFieldOfAnActIsCovered(t *testing.T) {
	t.Parallel()
	fields := reflect.TypeFor[onboarding.Act]()
	for i := range fields.NumField() {
		other := act
		switch f := reflect.ValueOf(&other).Elem().Field(i); f.Kind() {
		case reflect.String:
			f.SetString(f.String() + "x")
		case reflect.Int:
			f.SetInt(f.Int() + 1)
		default:
			f.Set(reflect.ValueOf([]string{"legal_name"}))
		}
		outside := fields.Field(i).Name == "Signed" || fields.Field(i).Name == "OnBehalfOf"
		require.Equal(t, outside, other.Digest() == act.Digest(), fields.Field(i).Name)
	}
}

// TestAnActForSomebodyElseIsSignedAsThat: the envelope names both, and holds for
// no act of the same content for another person, or for nobody.
func TestAnActForSomebodyElseIsSignedAsThat(t *testing.T) {
	t.Parallel()
	v := signedtest.Verifier()
	all := map[string]onboarding.Act{"for nobody": act, "for anna": act, "for dora": act}
	for name := range all {
		a := all[name]
		if _, giver, _ := strings.Cut(name, " "); giver != "nobody" {
			a.OnBehalfOf = kam.UserID(giver)
		}
		all[name] = a
	}
	for mine, a := range all {
		sealed := signedtest.Act("KAM-2026-000001", a, noon)
		e, err := signed.Read(sealed.Signed)
		require.NoError(t, err)
		require.Equal(t, [2]kam.UserID{"boss", a.OnBehalfOf}, [2]kam.UserID{e.Person, e.OnBehalfOf})
		for other, b := range all {
			err := v.Verify(noon, sealed.Signed, signed.OfAct("KAM-2026-000001", b, false))
			require.Equal(t, mine == other, err == nil, "%s sent as %s: %v", mine, other, err)
		}
	}
}

func TestAnyOtherTextIsRefused(t *testing.T) {
	t.Parallel()
	token := signedtest.Seal(signedtest.Envelope(claim, noon))
	v := signedtest.Verifier()
	rapid.Check(t, func(t *rapid.T) {
		b := []byte(token)
		switch rapid.IntRange(0, 3).Draw(t, "how") {
		case 0:
			i := rapid.IntRange(0, len(b)-1).Draw(t, "at")
			b[i] ^= byte(rapid.IntRange(1, 255).Draw(t, "by"))
		case 1:
			b = b[:rapid.IntRange(1, len(b)-1).Draw(t, "length")]
		case 2:
			b = append(b, byte(rapid.IntRange(1, 255).Draw(t, "more")))
		default:
			i, j := rapid.IntRange(0, len(b)-1).Draw(t, "one"), rapid.IntRange(0, len(b)-1).Draw(t, "other")
			if b[i] == b[j] {
				t.Skip()
			}
			b[i], b[j] = b[j], b[i]
		}
		if err := v.Verify(noon, string(b), claim); kam.CodeOf(err) != kam.NotSigned {
			t.Fatalf("taken: %q: %v", b, err)
		}
	})
}

func TestForgeries(t *testing.T) {
	t.Parallel()
	queued := claim
	queued.Queued = true
	for _, c := range []signed.Claim{claim, queued} {
		require.NoError(t, signedtest.Verifier().Verify(noon, signedtest.Seal(signedtest.Envelope(c, noon)), c))
		for _, f := range signedtest.Forgeries(c, noon) {
			require.ErrorIs(t, signedtest.Verifier().Verify(noon, f.Signed, c), kam.NotSigned, f.Name)
			record := signed.NewVerifier(signedtest.Ring(), signed.Record).Verify(noon, f.Signed, c)
			require.Equal(t, f.Signed != "", record != nil, f.Name)
		}
	}
}

func TestTimes(t *testing.T) {
	t.Parallel()
	v := signedtest.Verifier()
	queued := claim
	queued.Queued = true
	for _, c := range []struct {
		name            string
		issued, expires time.Duration
		claim           signed.Claim
		ok              bool
	}{
		{"now", 0, time.Minute, claim, true},
		{"at its last moment", -time.Minute + time.Millisecond, time.Millisecond, claim, true},
		{"expired", -time.Minute, 0, claim, false},
		{"a clock ahead by half a minute", 30 * time.Second, 90 * time.Second, claim, true},
		{"a clock ahead by more", 31 * time.Second, 91 * time.Second, claim, false},
		{"too long for an act", 0, time.Minute + time.Millisecond, claim, false},
		{"a day for what is queued", -23 * time.Hour, time.Hour, queued, true},
		{"more than a day", 0, 24*time.Hour + time.Millisecond, queued, false},
		{"never", 0, 0, queued, false},
		{"ends before it begins", 0, -time.Second, queued, false},
	} {
		e := signedtest.Envelope(c.claim, noon)
		e.Issued, e.Expires = noon.Add(c.issued), noon.Add(c.expires)
		err := v.Verify(noon, signedtest.Seal(e), c.claim)
		require.Equal(t, c.ok, err == nil, "%s: %v", c.name, err)
	}
}

func TestKeys(t *testing.T) {
	t.Parallel()
	secret, key, err := signed.NewKey(noon)
	require.NoError(t, err)
	_, other, err := signed.NewKey(noon)
	require.NoError(t, err)
	token, err := secret.Seal(signedtest.Envelope(claim, noon))
	require.NoError(t, err)
	verify := func(now time.Time, ring ...signed.Key) error {
		return signed.NewVerifier(ring, signed.Record).Verify(now, token, claim)
	}
	require.NoError(t, verify(noon, other, key))
	require.ErrorIs(t, verify(noon), kam.NotSigned, "no key is known")
	require.ErrorIs(t, verify(noon, other), kam.NotSigned, "another key is known")

	later, retired, passed := key, key, other
	later.From = noon.Add(time.Second)
	require.ErrorIs(t, verify(noon, later), kam.NotSigned, "it did not sign yet")
	retired.Until = noon.Add(30 * time.Second)
	require.NoError(t, verify(noon, retired))
	require.ErrorIs(t, verify(noon.Add(30*time.Second), retired), kam.NotSigned, "it is retired, whenever the act was signed")
	passed.ID = key.ID
	require.ErrorIs(t, verify(noon, passed), kam.NotSigned, "another key under its name")

	ring := signed.Keyring{key, retired}
	ring[1] = other
	again, err := signed.ParseKeyring("# words\n\n" + ring.Text())
	require.NoError(t, err)
	require.Equal(t, ring, again)
	for _, bad := range []string{
		passed.Text(), key.Text() + "\n" + key.Text(), strings.Replace(key.Text(), "kam-", "", 1), key.Text() + " tomorrow", "kam-ed25519 x y z",
	} {
		_, err := signed.ParseKeyring(bad)
		require.Error(t, err, bad)
	}
	same, err := signed.ParseSecret(secret.Secret())
	require.NoError(t, err)
	twice, err := same.Seal(signedtest.Envelope(claim, noon))
	require.NoError(t, err)
	require.NoError(t, signed.NewVerifier(signed.Keyring{key}, signed.Require).Verify(noon, twice, claim))
	_, err = signed.ParseSecret(key.Text())
	require.Error(t, err)
	for _, printed := range []string{fmt.Sprint(secret), fmt.Sprintf("%v %+v %#v %s %x", secret, secret, secret, secret, secret)} {
		require.NotContains(t, printed, strings.Fields(secret.Secret())[1])
		require.NotContains(t, printed, "private")
	}
}

func TestModes(t *testing.T) {
	t.Parallel()
	token := signedtest.Seal(signedtest.Envelope(claim, noon))
	require.NoError(t, signed.NewVerifier(nil, signed.Record).Verify(noon, "", claim))
	require.ErrorIs(t, signed.NewVerifier(nil, signed.Record).Verify(noon, "kam1.x.y", claim), kam.NotSigned, "a wrong signature is none")
	require.ErrorIs(t, signedtest.Verifier().Verify(noon, "", claim), kam.NotSigned)
	var none *signed.Verifier
	require.ErrorIs(t, none.Verify(noon, token, claim), kam.NotSigned)
	require.ErrorIs(t, (&signed.Verifier{}).Verify(noon, "", claim), kam.NotSigned)
}

func TestWhatCannotBeWrittenIsNotSigned(t *testing.T) {
	t.Parallel()
	secret, _, err := signed.NewKey(noon)
	require.NoError(t, err)
	for _, how := range []func(*signed.Envelope){
		func(e *signed.Envelope) { e.Meaning = "broken \xff text" },
		func(e *signed.Envelope) { e.Subject = strings.Repeat("x", signed.MaxSize) },
	} {
		e := signedtest.Envelope(claim, noon)
		how(&e)
		_, err := secret.Seal(e)
		require.ErrorIs(t, err, kam.Invalid)
	}
}
