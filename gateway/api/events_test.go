package api_test

import (
	"bufio"
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/kamflow/kamflow/gateway/api"
	"github.com/kamflow/kamflow/gateway/api/apitest"
	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/service"
	"github.com/kamflow/kamflow/service/routes"
)

func TestMain(m *testing.M) {
	api.Hurry(5*time.Millisecond, 20*time.Millisecond)
	os.Exit(m.Run())
}

// trail is a service in which things happen; the place of an event is its number.
type trail struct {
	service.Service
	mu   sync.Mutex
	all  []service.Change
	down error
}

func (t *trail) happens(no kam.CaseNo) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.all = append(t.all, service.Change{ID: strconv.Itoa(len(t.all) + 1), CaseNo: no, Type: kam.EventConfirmed})
}

func (t *trail) Changes(_ context.Context, _ service.Principal, after string) (service.Changes, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	n, err := strconv.Atoi(after)
	if after == "" {
		n, err = len(t.all), nil
	}
	if err != nil {
		return service.Changes{}, kam.Errorf(kam.Invalid, "no place").On("after")
	}
	return service.Changes{Items: t.all[n:], Next: strconv.Itoa(len(t.all))}, t.down
}

// listen reads the lines of a stream into a channel that closes with it.
func listen(t *testing.T, s *httptest.Server, who, last string) (<-chan string, context.CancelFunc, *http.Response) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	t.Cleanup(cancel)
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.URL+api.EventsPath, nil)
	require.NoError(t, err)
	req.Header.Set(routes.AsHeader, who)
	if last != "" {
		req.Header.Set("Last-Event-ID", last)
	}
	resp, err := s.Client().Do(req)
	require.NoError(t, err)
	lines := make(chan string, 1000)
	go func() {
		defer close(lines)
		defer resp.Body.Close()
		for scan := bufio.NewScanner(resp.Body); scan.Scan(); {
			lines <- scan.Text()
		}
	}()
	return lines, cancel, resp
}

// next is the next line that begins so; "" where the stream has ended.
func next(lines <-chan string, prefix string) string {
	for line := range lines {
		if strings.HasPrefix(line, prefix) {
			return line
		}
	}
	return ""
}

// TestEvents: what happens is told as it happens, and whoever comes back goes on
// where he was.
func TestEvents(t *testing.T) {
	t.Parallel()
	f := &trail{}
	f.happens("KAM-2026-000001")
	s := apitest.Serve(t, f)
	lines, stop, resp := listen(t, s, "rep", "")
	require.Equal(t, "text/event-stream", resp.Header.Get("Content-Type"))
	require.Equal(t, "no-store", resp.Header.Get("Cache-Control"))
	require.Equal(t, "id: 1", next(lines, "id:"), "from now on")
	f.happens("KAM-2026-000002")
	require.Equal(t, "id: 2", next(lines, "id:"))
	require.Contains(t, next(lines, "data:"), `"case_no":"KAM-2026-000002"`)
	require.NotEmpty(t, next(lines, ": the line holds"))
	stop()
	f.happens("KAM-2026-000003")
	f.happens("KAM-2026-000004")
	lines, _, _ = listen(t, s, "rep", "2")
	require.Contains(t, next(lines, "data:"), "000003")
	require.Contains(t, next(lines, "data:"), "000004")

	a := ask(t, s, "rep", http.MethodGet, api.EventsPath, "", "Last-Event-ID", "nonsense")
	require.Equal(t, http.StatusBadRequest, a.status)
	require.Equal(t, http.StatusUnauthorized, ask(t, s, "", http.MethodGet, api.EventsPath, "").status)
}

// TestEventsEndWithTheSession, and with a service that does not answer.
func TestEventsEndWithTheSession(t *testing.T) {
	t.Parallel()
	f := &trail{}
	var gone atomic.Bool
	handler := api.New(api.Options{Service: f, Principal: apitest.Principal, Still: func(r *http.Request) (service.Principal, error) {
		if gone.Load() {
			return service.Principal{}, errors.New("the session has ended")
		}
		return apitest.Principal(r)
	}})
	s := httptest.NewServer(handler)
	t.Cleanup(s.Close)
	lines, _, _ := listen(t, s, "rep", "")
	require.NotEmpty(t, next(lines, ": the line holds"))
	gone.Store(true)
	require.Equal(t, "event: end", next(lines, "event:"))
	require.Empty(t, next(lines, "anything"), "and the stream with it")

	gone.Store(false)
	lines, _, _ = listen(t, s, "rep", "")
	require.NotEmpty(t, next(lines, "id:"))
	f.mu.Lock()
	f.down = errors.New("the database is away")
	f.mu.Unlock()
	require.Empty(t, next(lines, "anything"))
}

// TestListenersAreBounded: one person holds ten lines, and gets one back when he
// hangs up.
func TestListenersAreBounded(t *testing.T) {
	t.Parallel()
	s := apitest.Serve(t, &trail{})
	var stops []context.CancelFunc
	for range 10 {
		lines, stop, _ := listen(t, s, "rep", "")
		require.NotEmpty(t, next(lines, "id:"))
		stops = append(stops, stop)
	}
	require.Equal(t, http.StatusServiceUnavailable, ask(t, s, "rep", http.MethodGet, api.EventsPath, "").status)
	lines, _, _ := listen(t, s, "other", "")
	require.NotEmpty(t, next(lines, "id:"))
	stops[0]()
	require.Eventually(t, func() bool {
		_, stop, resp := listen(t, s, "rep", "")
		defer stop()
		return resp.StatusCode == http.StatusOK
	}, 10*time.Second, 20*time.Millisecond)
}
