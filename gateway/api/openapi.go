package api

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/swaggest/swgui/v5emb"

	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/service/routes"
)

// DocsPath is where the document is shown to people.
const DocsPath = "/api/docs"

// document serves the OpenAPI document and the page that shows it. Neither says
// anything of what the system holds, so everybody may read them.
func (a *API) document() {
	a.huma.OpenAPI().AddOperation(&huma.Operation{
		OperationID: "Listen", Method: http.MethodGet, Path: EventsPath, Tags: []string{"Cases"}, Summary: "What changes of what you may read, as it happens (server-sent events)",
		Description: "Each event has the id of its place: a browser goes on from there by itself, other programs send Last-Event-ID. The stream ends after an hour, and when you may not listen any more.",
		Parameters:  []*huma.Param{{Name: "Last-Event-ID", In: "header", Schema: &huma.Schema{Type: huma.TypeString}}},
		Responses:   map[string]*huma.Response{"200": {Description: "Events named change, with a Change as data", Content: map[string]*huma.MediaType{"text/event-stream": {Schema: &huma.Schema{Type: huma.TypeString}}}}},
	})
	text, err := a.OpenAPI()
	a.mux.HandleFunc("GET "+routes.Prefix+"/openapi.json", func(w http.ResponseWriter, r *http.Request) {
		if err != nil {
			a.problem(r.Context(), err).write(w)
			return
		}
		w.Header().Set("Content-Type", "application/openapi+json")
		_, _ = w.Write(text)
	})
	page := v5emb.New("kamflow", routes.Prefix+"/openapi.json", DocsPath+"/")
	policy := "default-src 'none'; script-src 'self'" + ownScripts(page) + "; style-src 'self' 'unsafe-inline'; img-src 'self' data:; " +
		"connect-src 'self'; font-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
	a.mux.Handle(DocsPath+"/", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Security-Policy", policy)
		page.ServeHTTP(w, r)
	}))
}

var inline = regexp.MustCompile(`(?s)<script>(.*?)</script>`)

// ownScripts allows the scripts that stand in the page itself, by their digests,
// and no others.
func ownScripts(page http.Handler) string {
	var seen recorder
	page.ServeHTTP(&seen, &http.Request{Method: http.MethodGet, URL: &url.URL{Path: DocsPath + "/"}, Header: http.Header{}})
	var list strings.Builder
	for _, script := range inline.FindAllSubmatch(seen.Bytes(), -1) {
		sum := sha256.Sum256(script[1])
		fmt.Fprintf(&list, " 'sha256-%s'", base64.StdEncoding.EncodeToString(sum[:]))
	}
	return list.String()
}

// recorder keeps what a handler writes.
type recorder struct {
	bytes.Buffer
	header http.Header
}

func (r *recorder) Header() http.Header {
	if r.header == nil {
		r.header = http.Header{}
	}
	return r.header
}

func (*recorder) WriteHeader(int) {}

// OpenAPI is the document. Its answers show an example of a refusal.
func (a *API) OpenAPI() ([]byte, error) {
	example := plainly(problemOf(http.StatusPreconditionFailed, staleExample()))
	for _, item := range a.huma.OpenAPI().Paths {
		for _, op := range []*huma.Operation{item.Get, item.Put, item.Post, item.Delete} {
			if op == nil {
				continue
			}
			if r := op.Responses["412"]; r != nil {
				for _, c := range r.Content {
					c.Example = example
				}
			}
		}
	}
	b, err := json.Marshal(a.huma.OpenAPI())
	if err != nil {
		return nil, fmt.Errorf("write the OpenAPI document: %w", err)
	}
	var out bytes.Buffer
	if err := json.Indent(&out, b, "", "  "); err != nil {
		return nil, fmt.Errorf("write the OpenAPI document: %w", err)
	}
	out.WriteByte('\n')
	return out.Bytes(), nil
}

func staleExample() *kam.Error {
	e := kam.Errorf(kam.StaleRevision, "revision %d is current, not %d", 3, 2).On("expect_revision").Try("read the case again")
	e.Hash = "sha256:7d865e959b2466918c9863afca942d0fb89d7c9ac0c99bafc3749504ded97730"
	return e
}
