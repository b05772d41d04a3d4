package workerapp

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"
	"go.uber.org/zap"

	"github.com/kamflow/kamflow/config"
	"github.com/kamflow/kamflow/internal/text"
	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/store/ledger"
)

// box is an outbox of messages that wait.
type box struct {
	mu        sync.Mutex
	waiting   []ledger.Delivery
	delivered []string
	failed    map[string]string
}

func (b *box) ClaimMessages(_ context.Context, limit int, _ time.Duration) ([]ledger.Delivery, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	n := min(limit, len(b.waiting))
	claimed := b.waiting[:n]
	b.waiting = b.waiting[n:]
	return claimed, nil
}

func (b *box) MarkDelivered(_ context.Context, id string) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.delivered = append(b.delivered, id)
	return nil
}

func (b *box) MarkFailed(_ context.Context, id string, cause error, hopeless bool) (bool, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.failed[id] = cause.Error()
	return hopeless, nil
}

func (b *box) Person(_ context.Context, id kam.UserID) (kam.Person, error) {
	switch id {
	case "gone":
		return kam.Person{}, kam.Errorf(kam.NotFound, "no such person")
	case "left":
		return kam.Person{ID: id}, nil
	default:
		return kam.Person{ID: id, Name: "Name of " + string(id), Email: string(id) + "@example.com", Active: true}, nil
	}
}

// taker is a receiver that refuses one message.
type taker struct {
	mu     sync.Mutex
	seen   []Notice
	refuse string
}

func (d *taker) Deliver(ctx context.Context, n Notice) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.seen = append(d.seen, n)
	if n.ID == d.refuse {
		return errors.New("mailbox full")
	}
	return ctx.Err()
}

// counted is the value of a counter.
func counted(t *testing.T, c prometheus.Counter) int {
	t.Helper()
	one := prometheus.NewPedanticRegistry()
	one.MustRegister(c)
	figures, err := one.Gather()
	require.NoError(t, err)
	return int(figures[0].GetMetric()[0].GetCounter().GetValue())
}

func TestRelay(t *testing.T) {
	t.Parallel()
	b := &box{failed: map[string]string{}}
	for _, id := range []string{"m1", "m2", "m3"} {
		b.waiting = append(b.waiting, ledger.Delivery{ID: id, CaseNo: "KAM-2026-000001", Kind: "task_opened", To: []kam.UserID{"tom", "gone", "left"}})
	}
	d := &taker{refuse: "m2"}
	r := &relay{store: b, people: b, deliverer: d, timeout: time.Second, counters: newCounters(prometheus.NewRegistry()), log: zap.NewNop()}
	r.run(t.Context())

	require.ElementsMatch(t, []string{"m1", "m3"}, b.delivered)
	require.Equal(t, map[string]string{"m2": "mailbox full"}, b.failed)
	require.Equal(t, 2, counted(t, r.counters.delivered))
	require.Equal(t, 1, counted(t, r.counters.failed))
	require.Zero(t, counted(t, r.counters.dead), "it is tried again")
	require.Equal(t, []Recipient{{UserID: "tom", Name: "Name of tom", Email: "tom@example.com"}}, d.seen[0].To)
	require.Equal(t, "kamflow.task_opened", d.seen[0].Kind)
}

// hopeless is a receiver that is gone.
type hopeless struct{ attempts int }

func (d *hopeless) Deliver(context.Context, Notice) error {
	d.attempts++
	return fmt.Errorf("%w: gone", errHopeless)
}

// TestRelayPutsAsideOnce: a message that nobody can deliver is put aside at its
// first attempt, and counted once.
func TestRelayPutsAsideOnce(t *testing.T) {
	t.Parallel()
	b := &box{failed: map[string]string{}, waiting: []ledger.Delivery{{ID: "m1", CaseNo: "org"}}}
	d := &hopeless{}
	r := &relay{store: b, people: b, deliverer: d, timeout: time.Second, counters: newCounters(prometheus.NewRegistry()), log: zap.NewNop()}
	r.run(t.Context())
	require.Equal(t, 1, counted(t, r.counters.dead))
	require.Equal(t, 1, d.attempts)
}

// TestLeaseOutlastsADelivery: two workers never carry one message at a time.
func TestLeaseOutlastsADelivery(t *testing.T) {
	t.Parallel()
	r := &relay{timeout: 10 * time.Minute}
	require.Greater(t, r.lease(), lookUp+r.timeout+noting)
}

func notify(url string) config.Notify {
	n := config.Defaults().Notify
	n.Channel, n.Timeout = config.ChannelWebhook, time.Second
	n.Webhook = config.Webhook{URL: url, Secret: "0123456789abcdef"}
	return n
}

func TestWebhook(t *testing.T) {
	t.Parallel()
	var got *http.Request
	var body []byte
	status := http.StatusNoContent
	elsewhere := 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/elsewhere" {
			elsewhere++
			return
		}
		got = r
		body, _ = io.ReadAll(r.Body)
		if status == http.StatusFound {
			w.Header().Set("Location", "/elsewhere")
		}
		w.WriteHeader(status)
	}))
	defer server.Close()
	d, err := NewDeliverer(notify(server.URL), text.English(), zap.NewNop())
	require.NoError(t, err)
	n := Notice{ID: "KAM-2026-000001/3/1", Kind: "kamflow.task_opened", CaseNo: "KAM-2026-000001", Title: "A task", To: []Recipient{{UserID: "tom", Email: "tom@example.com"}}}
	require.NoError(t, d.Deliver(t.Context(), n))

	require.Equal(t, n.ID, got.Header.Get("Idempotency-Key"))
	want := "v1=" + Sign("0123456789abcdef", n.ID, got.Header.Get("Webhook-Timestamp"), body)
	require.Equal(t, want, got.Header.Get("Webhook-Signature"))
	var event map[string]any
	require.NoError(t, json.Unmarshal(body, &event))
	require.Equal(t, "1.0", event["specversion"])
	require.Equal(t, "kamflow.task_opened", event["type"])
	require.Equal(t, "KAM-2026-000001", event["subject"])
	require.NotContains(t, string(body), "tom@example.com")

	status = http.StatusConflict // seen before
	require.NoError(t, d.Deliver(t.Context(), n))
	status = http.StatusFound
	require.ErrorContains(t, d.Deliver(t.Context(), n), "302")
	require.Zero(t, elsewhere)
	status = http.StatusInternalServerError
	require.ErrorContains(t, d.Deliver(t.Context(), n), "500")
	status = http.StatusGone
	require.ErrorIs(t, d.Deliver(t.Context(), n), errHopeless)
}

func TestWebhookThatHangs(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-release }))
	defer server.Close()
	defer close(release)
	cfg := notify(server.URL)
	cfg.Timeout = 100 * time.Millisecond
	d, err := NewDeliverer(cfg, text.English(), zap.NewNop())
	require.NoError(t, err)
	require.Error(t, d.Deliver(t.Context(), Notice{ID: "m1"}))
}
