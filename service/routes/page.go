package routes

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"slices"

	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/service"
)

// Paging picks a page of a list.
type Paging struct {
	Limit  int    `query:"limit" minimum:"1" maximum:"1000" default:"200" doc:"How many at most"`
	Cursor string `query:"cursor" maxLength:"512" doc:"The next_cursor of the page before"`
}

func (p *Paging) page() *Paging { return p }

// Pager is what goes in for a page of a list.
type Pager interface{ page() *Paging }

// PageOf is the paging of what goes in.
func PageOf(in Pager) *Paging { return in.page() }

// MostOnPage is the largest page.
const MostOnPage = 1000

// A Page is a part of a list.
type Page[T any] struct {
	Items []T `json:"items"`
	// Next is the cursor of the page after, empty on the last one.
	Next string `json:"next_cursor,omitempty"`
}

// place is where a page ends: behind the item with a key, or, where it is gone
// meanwhile, behind as many items.
type place struct {
	Key string `json:"k"`
	N   int    `json:"n"`
}

func (p *Paging) place() (at place, err error) {
	if p.Cursor == "" {
		return at, nil
	}
	b, err := base64.RawURLEncoding.DecodeString(p.Cursor)
	if err == nil {
		err = json.Unmarshal(b, &at)
	}
	if err != nil || at.N < 0 || at.N > mostDeep {
		return at, kam.Errorf(kam.Invalid, "this is no cursor of a page").On("cursor").Try("send the next_cursor of the page before, or none")
	}
	return at, nil
}

// mostDeep bounds how far a list is read: more than any list has.
const mostDeep = 20_000_000

func cursor(p place) string {
	b, _ := json.Marshal(p) // two plain fields
	return base64.RawURLEncoding.EncodeToString(b)
}

// list is a row that gives a list in pages. ask reads the list up to n items, or
// all of it where the service knows no limit; key tells its items apart.
func list[In any, P interface {
	*In
	Pager
}, T any](s Spec, ask func(ctx context.Context, s service.Service, who service.Principal, in *In, n int) ([]T, error), key func(T) string) *Route[In, Page[T]] {
	return row(s, func(ctx context.Context, svc service.Service, who service.Principal, in *In) (Page[T], error) {
		p := P(in).page()
		at, err := p.place()
		if err != nil {
			return Page[T]{}, err
		}
		all, err := ask(ctx, svc, who, in, at.N+p.Limit+1)
		if err != nil {
			return Page[T]{}, err
		}
		from := min(at.N, len(all))
		if at.Key != "" {
			if i := slices.IndexFunc(all, func(x T) bool { return key(x) == at.Key }); i >= 0 {
				from = i + 1
			}
		}
		page := Page[T]{Items: all[from:]}
		if len(page.Items) > p.Limit {
			page.Items = page.Items[:p.Limit]
			page.Next = cursor(place{key(page.Items[p.Limit-1]), from + p.Limit})
		}
		return page, nil
	})
}
