package api

import (
	"encoding/json"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/service/routes"
)

// EventsPath tells changes as they happen, as server-sent events. It stands beside
// the table, as an answer that does not end.
const EventsPath = routes.Prefix + "/events"

// The bounds of what is told as it happens.
const (
	mostListeners   = 1000
	mostOfOnePerson = 10
	longest         = time.Hour // after which a listener comes back
)

// The pace of it. Tests go faster.
var (
	lookEvery = time.Second
	beatEvery = 15 * time.Second
)

// listeners count who listens.
type listeners struct {
	sync.Mutex
	all int
	of  map[kam.UserID]int
}

func (l *listeners) enter(who kam.UserID) error {
	l.Lock()
	defer l.Unlock()
	if l.of == nil {
		l.of = map[kam.UserID]int{}
	}
	if l.all >= mostListeners || l.of[who] >= mostOfOnePerson {
		return kam.Errorf(kam.Unreachable, "too many listen already: %d of one person, %d in all", mostOfOnePerson, mostListeners).Try("close other windows, or ask /changes now and then")
	}
	l.all++
	l.of[who]++
	return nil
}

func (l *listeners) leave(who kam.UserID) {
	l.Lock()
	defer l.Unlock()
	l.all--
	if l.of[who]--; l.of[who] == 0 {
		delete(l.of, who)
	}
}

// events tells a person what changes of what he may read, from the last event that
// he has seen on. A comment now and then shows that the line holds. It ends when he
// may not listen any more, and after an hour: whoever listens comes back by himself.
func (a *API) events(w http.ResponseWriter, r *http.Request) {
	who, err := a.Principal(r)
	if err != nil {
		a.nobody(w, err)
		return
	}
	ctx := r.Context()
	now, err := a.Service.Changes(ctx, who, r.Header.Get("Last-Event-ID"))
	if err == nil {
		err = a.open.enter(who.User())
	}
	if err != nil {
		a.problem(ctx, err).write(w)
		return
	}
	defer a.open.leave(who.User())
	still := a.Still
	if still == nil {
		still = a.Principal
	}
	s := stream{w: w, control: http.NewResponseController(w)}
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("X-Accel-Buffering", "no") // a proxy that collects answers would keep them
	look, beat, end := time.NewTicker(lookEvery), time.NewTicker(beatEvery), time.NewTimer(longest)
	defer look.Stop()
	defer beat.Stop()
	defer end.Stop()
	s.printf("retry: 2000\nid: %s\n\n", now.Next)
	for s.err == nil {
		for _, c := range now.Items {
			b, err := json.Marshal(c)
			if err != nil {
				return
			}
			s.printf("id: %s\nevent: change\ndata: %s\n\n", c.ID, b)
		}
		if s.flush(); !now.More {
			select {
			case <-ctx.Done():
				return
			case <-end.C:
				return
			case <-beat.C:
				if same, err := still(r); err != nil || same != who {
					s.printf("event: end\ndata: {}\n\n")
					s.flush()
					return
				}
				s.printf(": the line holds\n\n")
				s.flush()
			case <-look.C:
			}
		}
		if now, err = a.Service.Changes(ctx, who, now.Next); err != nil {
			return // he comes back, and is told why then
		}
	}
}

// stream writes events, each within its time.
type stream struct {
	w       http.ResponseWriter
	control *http.ResponseController
	err     error
}

func (s *stream) printf(format string, args ...any) {
	if s.err == nil {
		_ = s.control.SetWriteDeadline(time.Now().Add(patience)) // what has none needs none
		_, s.err = fmt.Fprintf(s.w, format, args...)
	}
}

func (s *stream) flush() {
	if s.err == nil {
		s.err = s.control.Flush()
	}
}
