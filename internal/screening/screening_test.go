package screening_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/kamflow/kamflow/config"
	"github.com/kamflow/kamflow/internal/screening"
	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/customer"
)

func ask(t *testing.T, answer http.HandlerFunc) (customer.ScreeningAnswer, error) {
	t.Helper()
	server := httptest.NewServer(answer)
	t.Cleanup(server.Close)
	s := screening.New(config.Screening{URL: server.URL, Token: "geheim", Timeout: 5 * time.Second})
	return s.Screen(t.Context(), customer.ScreenedParty{CaseNo: "KAM-2026-000001", Names: []string{"Grauzone AG"}, Country: "AT"})
}

func TestAsksAsConfigured(t *testing.T) {
	t.Parallel()
	got, err := ask(t, func(w http.ResponseWriter, r *http.Request) {
		var p customer.ScreenedParty
		if json.NewDecoder(r.Body).Decode(&p) != nil || p.Names[0] != "Grauzone AG" || r.Header.Get("Authorization") != "Bearer geheim" {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		_, _ = w.Write([]byte(`{"result": "POSSIBLE", "hits": ["EU-17"]}`))
	})
	require.NoError(t, err)
	require.Equal(t, customer.ScreeningAnswer{Result: kam.ScreeningPossible, Hits: []string{"EU-17"}}, got)
}

func TestWhatIsNoAnswer(t *testing.T) {
	t.Parallel()
	say := func(status int, body string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status); _, _ = w.Write([]byte(body)) }
	}
	for name, answer := range map[string]http.HandlerFunc{
		"down":          say(http.StatusServiceUnavailable, ""),
		"redirect":      func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/elsewhere", http.StatusFound) },
		"no JSON":       say(http.StatusOK, "<html>"),
		"no result":     say(http.StatusOK, "{}"),
		"odd result":    say(http.StatusOK, `{"result": "MAYBE"}`),
		"too many hits": say(http.StatusOK, `{"result": "POSSIBLE", "hits": ["a"`+strings.Repeat(`, "b"`, 100)+`]}`),
		"a long hit":    say(http.StatusOK, `{"result": "POSSIBLE", "hits": ["`+strings.Repeat("x", 201)+`"]}`),
		"endless":       say(http.StatusOK, `{"result": "CLEAR", "hits": ["`+strings.Repeat("x", 70_000)+`"]}`),
	} {
		_, err := ask(t, answer)
		require.Error(t, err, name)
	}
}

func TestNoneConfigured(t *testing.T) {
	t.Parallel()
	require.Nil(t, screening.New(config.Screening{}))
}
