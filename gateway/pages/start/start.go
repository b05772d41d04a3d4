// Package start is the page on which somebody asks for a new customer.
package start

import (
	"crypto/rand"
	"embed"
	"net/http"
	"net/url"

	"github.com/kamflow/kamflow/gateway"
	"github.com/kamflow/kamflow/gateway/dataform"
	"github.com/kamflow/kamflow/gateway/page"
	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/service"
)

//go:embed start.html
var files embed.FS

// Page is what is shown.
type Page struct {
	// Key is the request key, made once with the form: the same form sent twice is
	// one case.
	Key     string
	Data    dataform.Form
	Preview service.Preview
	Wrong   []*page.Wrong // of the form
	Checked bool
}

// Template is the page.
var Template = page.Parse[Page](files, "start.html", dataform.Part)

// Mount puts the page behind a gate.
func Mount(g *gateway.Gate, s service.Service) {
	d := desk{g, s}
	g.Page("GET /start", func(w http.ResponseWriter, r *http.Request, v *gateway.Visit) error {
		return d.show(w, r, v, url.Values{}, nil)
	})
	g.Page("POST /start/check", func(w http.ResponseWriter, r *http.Request, v *gateway.Visit) error {
		return d.show(w, r, v, r.PostForm, nil)
	})
	g.Page("POST /start", d.start)
}

type desk struct {
	gate    *gateway.Gate
	service service.Service
}

func (d desk) show(w http.ResponseWriter, r *http.Request, v *gateway.Visit, typed url.Values, refused error) error {
	p := Page{Key: typed.Get("request_key"), Checked: r.Method == http.MethodPost}
	if p.Key == "" || kam.CodeOf(refused) == kam.IDReused {
		p.Key = rand.Text()
	}
	data, errs := dataform.Read(typed)
	var err error
	if p.Preview, err = d.service.Preview(r.Context(), v.Who, data); err != nil {
		return err
	}
	if p.Checked {
		errs = append(errs, p.Preview.Errors...)
	} else {
		errs = nil
	}
	for _, e := range errs {
		p.Wrong = append(p.Wrong, page.WrongOf(e))
	}
	p.Data = dataform.New(v.Words, typed, errs, nil, "/start/check", false)
	return Template.Write(w, gateway.StatusOf(refused), v.Answered(v.Text("nav.start"), "", refused), p)
}

// start opens the case. What cannot be read or is refused comes back as typed.
func (d desk) start(w http.ResponseWriter, r *http.Request, v *gateway.Visit) error {
	data, errs := dataform.Read(r.PostForm)
	if len(errs) > 0 {
		return d.show(w, r, v, r.PostForm, errs[0])
	}
	s, err := d.service.Start(r.Context(), v.Who, service.Request{Key: r.PostForm.Get("request_key"), Type: kam.NewCase, Data: data})
	if err != nil {
		if kam.AsError(err) == nil {
			return err
		}
		return d.show(w, r, v, r.PostForm, err)
	}
	d.gate.Then(w, r, "/cases/"+string(s.CaseNo), v.Text("start.done", string(s.CaseNo)))
	return nil
}
