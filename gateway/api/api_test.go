package api_test

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/kamflow/kamflow/gateway/api"
	"github.com/kamflow/kamflow/gateway/api/apitest"
	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/access"
	"github.com/kamflow/kamflow/kam/customer"
	"github.com/kamflow/kamflow/kam/onboarding"
	"github.com/kamflow/kamflow/service"
	"github.com/kamflow/kamflow/service/remote"
	"github.com/kamflow/kamflow/service/routes"
)

var update = flag.Bool("update", false, "write docs/openapi.json")

// TestOpenAPI holds the document that is committed.
func TestOpenAPI(t *testing.T) {
	t.Parallel()
	got, err := api.New(api.Options{}).OpenAPI()
	require.NoError(t, err)
	const path = "../../docs/openapi.json"
	if *update {
		require.NoError(t, os.WriteFile(path, got, 0o644)) //nolint:gosec // a document is public
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, string(want), string(got), "go test ./gateway/api -run TestOpenAPI -update")
}

// TestEveryMethodHasOneRoute: the table is complete, and has nothing twice.
func TestEveryMethodHasOneRoute(t *testing.T) {
	t.Parallel()
	beside := []string{"Me"} // rows that are no method of their own
	rows := map[string]int{}
	places := map[string]bool{}
	for _, row := range routes.All {
		s := row.About()
		rows[s.Name]++
		at := s.Method + " " + s.Path
		require.False(t, places[at], at)
		places[at] = true
		require.NotEmpty(t, s.Text, s.Name)
		require.NotEmpty(t, s.Tag, s.Name)
		for _, a := range s.Asks {
			require.Contains(t, access.Actions, a, s.Name)
		}
		if s.Method != http.MethodGet && s.MaxBody != routes.MaxStream {
			require.NotNil(t, s.Example, "%s: the document shows an example", s.Name)
		}
	}
	methods := 0
	for m := range reflect.TypeFor[service.Service]().Methods() {
		if m.Name == "Close" {
			continue
		}
		methods++
		require.Equal(t, 1, rows[m.Name], m.Name)
	}
	require.Len(t, routes.All, methods+len(beside))
}

// fake answers what a test wants.
type fake struct {
	service.Service
	decide func(who service.Principal, act onboarding.Act) (onboarding.Progress, error)
	view   service.CaseView
	inbox  []service.InboxItem
	found  []service.CustomerLine
	cases  func(service.Filter) []service.CaseLine
	asked  int
}

func (f *fake) Decide(_ context.Context, who service.Principal, _ kam.CaseNo, act onboarding.Act, _ *customer.RequestData) (onboarding.Progress, error) {
	return f.decide(who, act)
}

func (f *fake) CaseView(context.Context, service.Principal, kam.CaseNo) (service.CaseView, error) {
	return f.view, nil
}

func (f *fake) Inbox(context.Context, service.Principal) ([]service.InboxItem, error) {
	f.asked++
	return f.inbox, nil
}

func (f *fake) Cases(_ context.Context, _ service.Principal, filter service.Filter) ([]service.CaseLine, error) {
	return f.cases(filter), nil
}

func (f *fake) Customers(_ context.Context, _ service.Principal, filter service.CustomerFilter) ([]service.CustomerLine, error) {
	return f.found[:min(filter.Limit, len(f.found))], nil
}

// asked is a request and its answer.
type asked struct {
	t      *testing.T
	status int
	header http.Header
	body   string
	p      struct {
		api.Problem
		Errors json.RawMessage `json:"errors"`
	}
}

func ask(t *testing.T, s *httptest.Server, who, method, path, body string, headers ...string) asked {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, s.URL+path, strings.NewReader(body))
	require.NoError(t, err)
	if who != "" {
		req.Header.Set(routes.AsHeader, who)
	}
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	resp, err := s.Client().Do(req)
	require.NoError(t, err)
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	a := asked{t: t, status: resp.StatusCode, header: resp.Header, body: string(b)}
	if resp.StatusCode >= 400 {
		require.Equal(t, "application/problem+json", resp.Header.Get("Content-Type"), a.body)
		require.NoError(t, json.Unmarshal(b, &a.p))
		require.Equal(t, resp.StatusCode, a.p.Status)
		require.NotEmpty(t, a.p.Code)
		require.Equal(t, a.p.Detail, a.p.Msg)
		require.Nil(t, a.p.Errors, "one error, as everywhere")
	}
	require.Equal(t, "no-store", resp.Header.Get("Cache-Control"))
	return a
}

const acts = routes.Prefix + "/cases/KAM-2026-000001/acts"

// TestProblems: each code has its status, and arrives as the error that it was.
func TestProblems(t *testing.T) {
	t.Parallel()
	f := &fake{}
	s := apitest.Serve(t, f)
	far, err := remote.Open(remote.Options{Address: s.URL, Patience: 2 * time.Second})
	require.NoError(t, err)
	for _, c := range kam.ErrorCodes {
		e := kam.Errorf(c.Code, "why <not> %s", c.Code).On("field").By("RULE").Try("do that")
		e.Hash = "sha256:aa"
		f.decide = func(service.Principal, onboarding.Act) (onboarding.Progress, error) {
			return onboarding.Progress{Snapshot: onboarding.Snapshot{CaseNo: "KAM-2026-000001"}}, fmt.Errorf("wrapped: %w", e)
		}
		a := ask(t, s, "rep", http.MethodPost, acts, `{"act":"Comment","reason":"x"}`)
		require.Equal(t, *e, kam.Error(a.p.Refusal))
		require.GreaterOrEqual(t, a.status, 400)
		switch a.status / 100 {
		case 5:
			require.Contains(t, []kam.Code{kam.Unreachable, kam.Fault}, c.Code)
		case 4:
			require.NotContains(t, []kam.Code{kam.Unreachable, kam.Fault}, c.Code)
		}
		p, err := far.Decide(t.Context(), service.As("rep"), "KAM-2026-000001", onboarding.Act{Name: onboarding.ActComment}, nil)
		require.Equal(t, e, kam.AsError(err))
		require.Equal(t, kam.CaseNo("KAM-2026-000001"), p.Snapshot.CaseNo, "what was found comes along")
	}

	f.decide = func(service.Principal, onboarding.Act) (onboarding.Progress, error) {
		return onboarding.Progress{}, fmt.Errorf("connect to postgres://kam:secret@db: refused")
	}
	a := ask(t, s, "rep", http.MethodPost, acts, `{"act":"Comment","reason":"x"}`)
	require.Equal(t, http.StatusInternalServerError, a.status)
	require.Equal(t, kam.Fault, a.p.Code)
	require.NotContains(t, a.body, "secret")
}

// TestMalformed: what cannot be read is a problem as any other.
func TestMalformed(t *testing.T) {
	t.Parallel()
	called := false
	f := &fake{decide: func(service.Principal, onboarding.Act) (onboarding.Progress, error) {
		called = true
		return onboarding.Progress{}, nil
	}}
	s := apitest.Serve(t, f)
	for name, tt := range map[string]struct {
		method, path, body string
		status             int
		field              string
	}{
		"not JSON":                   {http.MethodPost, acts, `{"act":`, 400, ""},
		"an unknown field":           {http.MethodPost, acts, `{"act":"Comment","reson":"x"}`, 400, "reson"},
		"a wrong type":               {http.MethodPost, acts, `{"act":"Comment","expect_revision":"two"}`, 400, "expect_revision"},
		"a list":                     {http.MethodPost, acts, `[]`, 400, ""},
		"no body":                    {http.MethodPost, acts, ``, 400, ""},
		"too large":                  {http.MethodPost, acts, `{"act":"Comment","reason":"` + strings.Repeat("x", routes.MaxBody) + `"}`, 413, "body"},
		"an unknown query":           {http.MethodGet, routes.Prefix + "/inbox?limmit=3", "", 400, "limmit"},
		"a large page":               {http.MethodGet, routes.Prefix + "/inbox?limit=1001", "", 400, "limit"},
		"no page":                    {http.MethodGet, routes.Prefix + "/inbox?limit=0", "", 400, "limit"},
		"no cursor":                  {http.MethodGet, routes.Prefix + "/inbox?cursor=abc", "", 400, "cursor"},
		"no duration":                {http.MethodGet, routes.Prefix + "/cases?older_than=long", "", 400, "older_than"},
		"no route":                   {http.MethodGet, routes.Prefix + "/nothing", "", 404, ""},
		"no such version":            {http.MethodGet, "/api/v2/inbox", "", 404, ""},
		"a method that is not there": {http.MethodDelete, routes.Prefix + "/inbox", "", 404, ""},
		"no ETag":                    {http.MethodPost, acts, `{"act":"Comment","reason":"x"}`, 400, "If-Match"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var headers []string
			if name == "no ETag" {
				headers = []string{"If-Match", `"what"`}
			}
			a := ask(t, s, "rep", tt.method, tt.path, tt.body, headers...)
			require.Equal(t, tt.status, a.status, a.body)
			if tt.field != "" {
				require.Equal(t, tt.field, a.p.Field, a.body)
			}
		})
	}
	t.Cleanup(func() { require.False(t, called); require.Zero(t, f.asked) })
}

// TestNobodyReadsAnything: by no route, and with no body looked at.
func TestNobodyReadsAnything(t *testing.T) {
	t.Parallel()
	s := apitest.Serve(t, &fake{}) // which panics when it is asked
	for _, row := range routes.All {
		spec := row.About()
		path := routes.Prefix + spec.Path
		for _, name := range []string{"{no}", "{id}", "{node}", "{from}", "{version}"} {
			path = strings.ReplaceAll(path, name, "1")
		}
		a := ask(t, s, "", spec.Method, path, "")
		require.Equal(t, http.StatusUnauthorized, a.status, spec.Name)
		require.Equal(t, kam.Forbidden, a.p.Code)
		require.NotEmpty(t, a.header.Get("WWW-Authenticate"))
	}
}

// TestETag: a decision is bound to the revision and the hash of the case that was
// read.
func TestETag(t *testing.T) {
	t.Parallel()
	now := onboarding.Snapshot{CaseNo: "KAM-2026-000001", State: onboarding.AwaitingConfirmation, Revision: 3, MaterialHash: "sha256:aa"}
	f := &fake{view: service.CaseView{}}
	f.view.Snapshot = now
	f.decide = func(who service.Principal, act onboarding.Act) (onboarding.Progress, error) {
		act.By = who.User()
		return onboarding.Progress{Snapshot: now}, act.CheckAgainst(now)
	}
	s := apitest.Serve(t, f)
	read := ask(t, s, "boss", http.MethodGet, routes.Prefix+"/cases/KAM-2026-000001", "")
	require.Equal(t, `"3.sha256:aa"`, read.header.Get("ETag"))
	confirm := `{"decision_id":"decision-1","act":"DecideConfirmation","decision":"CONFIRM"}`
	a := ask(t, s, "boss", http.MethodPost, acts, confirm, "If-Match", read.header.Get("ETag"))
	require.Equal(t, http.StatusOK, a.status, a.body)
	for _, old := range []string{`"2.sha256:aa"`, `"3.sha256:bb"`} {
		a = ask(t, s, "boss", http.MethodPost, acts, confirm, "If-Match", old)
		require.Equal(t, http.StatusPreconditionFailed, a.status, a.body)
		require.Equal(t, kam.StaleRevision, a.p.Code)
	}
	a = ask(t, s, "boss", http.MethodPost, acts, `{"decision_id":"decision-1","act":"DecideConfirmation","decision":"CONFIRM","material_hash":"sha256:bb"}`, "If-Match", `"3.sha256:aa"`)
	require.Equal(t, kam.Invalid, a.p.Code, "two answers to one question")
}

// TestPages: a list that changes while it is read leaves nothing out that was
// there all the time, and tells nothing twice.
func TestPages(t *testing.T) {
	t.Parallel()
	f := &fake{}
	for i := range 25 {
		f.inbox = append(f.inbox, service.InboxItem{Task: kam.Task{ID: fmt.Sprintf("t%02d", i)}})
		f.found = append(f.found, service.CustomerLine{CustomerNo: fmt.Sprintf("C-%02d", i)})
	}
	s := apitest.Serve(t, f)
	var page routes.Page[service.InboxItem]
	next := func(cursor string) []string {
		a := ask(t, s, "rep", http.MethodGet, routes.Prefix+"/inbox?limit=10&cursor="+cursor, "")
		require.Equal(t, http.StatusOK, a.status)
		page = routes.Page[service.InboxItem]{}
		require.NoError(t, json.Unmarshal([]byte(a.body), &page))
		var ids []string
		for _, i := range page.Items {
			ids = append(ids, i.Task.ID)
		}
		return ids
	}
	require.Equal(t, "t09", next("")[9])
	f.inbox = f.inbox[4:] // decided meanwhile
	require.Equal(t, "t10", next(page.Next)[0])
	f.inbox = slices.DeleteFunc(f.inbox, func(i service.InboxItem) bool { return i.Task.ID == "t19" })
	last := next(page.Next)
	require.Equal(t, "t24", last[len(last)-1], "the item that the page ended with is gone")
	require.Empty(t, page.Next)

	far, err := remote.Open(remote.Options{Address: s.URL})
	require.NoError(t, err)
	found, err := far.Customers(t.Context(), service.As("rep"), service.CustomerFilter{Text: "x", Limit: 7})
	require.NoError(t, err)
	require.Len(t, found, 7)
}

// TestPagesOfCases go on behind a case, wherever it stands meanwhile.
func TestPagesOfCases(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 23, 12, 0, 0, 123_000, time.UTC)
	var asked []service.Filter
	f := &fake{cases: func(f service.Filter) []service.CaseLine {
		asked = append(asked, f)
		return []service.CaseLine{{CaseNo: "KAM-2026-000003", UpdatedAt: at}, {CaseNo: "KAM-2026-000002", UpdatedAt: at}}[:min(2, f.Limit)]
	}}
	s := apitest.Serve(t, f)
	a := ask(t, s, "rep", http.MethodGet, routes.Prefix+"/cases?limit=1&open=true&older_than=36h&territory=DE", "")
	var page routes.Page[service.CaseLine]
	require.NoError(t, json.Unmarshal([]byte(a.body), &page))
	require.Len(t, page.Items, 1)
	ask(t, s, "rep", http.MethodGet, routes.Prefix+"/cases?limit=1&cursor="+page.Next, "")
	require.Equal(t, service.Filter{Territory: "DE", OlderThan: 36 * time.Hour, Open: true, Limit: 2}, asked[0])
	require.Equal(t, service.Filter{Limit: 2, Behind: "KAM-2026-000003", BehindAt: at}, asked[1])

	// In another order it goes on behind the place of the case in that one.
	since := at.Add(-time.Hour)
	f.cases = func(f service.Filter) []service.CaseLine {
		asked = append(asked, f)
		return []service.CaseLine{{CaseNo: "KAM-2026-000003", UpdatedAt: at, StageSince: &since}, {CaseNo: "KAM-2026-000002", UpdatedAt: at, StageSince: &at}}
	}
	a = ask(t, s, "rep", http.MethodGet, routes.Prefix+"/cases?limit=1&order=STAGE&owed=MANAGER&overdue=true", "")
	require.NoError(t, json.Unmarshal([]byte(a.body), &page))
	ask(t, s, "rep", http.MethodGet, routes.Prefix+"/cases?limit=1&order=STAGE&owed=MANAGER&overdue=true&cursor="+page.Next, "")
	want := service.Filter{Owed: kam.PartyManager, Overdue: true, Order: "STAGE", Limit: 2}
	require.Equal(t, want, asked[2])
	want.Behind, want.BehindAt = "KAM-2026-000003", since
	require.Equal(t, want, asked[3])
}

// TestDocsPage is whole without the internet, and may run its own script only.
func TestDocsPage(t *testing.T) {
	t.Parallel()
	s := apitest.Serve(t, &fake{})
	get := func(path string) (*http.Response, string) {
		resp, err := s.Client().Get(s.URL + path)
		require.NoError(t, err)
		defer resp.Body.Close()
		b, err := io.ReadAll(resp.Body)
		require.NoError(t, err)
		require.Equal(t, http.StatusOK, resp.StatusCode, path)
		return resp, string(b)
	}
	resp, page := get(api.DocsPath + "/")
	require.Contains(t, resp.Header.Get("Content-Security-Policy"), "default-src 'none'")
	require.NotContains(t, resp.Header.Get("Content-Security-Policy"), "script-src 'self' 'unsafe-inline'")
	require.Equal(t, strings.Count(page, "<script>"), strings.Count(resp.Header.Get("Content-Security-Policy"), "'sha256-"))
	for _, elsewhere := range []string{`src="http`, `href="http`, `src="//`, `href="//`} {
		require.NotContains(t, page, elsewhere)
	}
	require.Contains(t, page, routes.Prefix+"/openapi.json")
	for _, part := range strings.Split(page, `"`) {
		if strings.HasPrefix(part, api.DocsPath) && strings.Contains(part, ".") {
			_, text := get(part)
			require.NotEmpty(t, text, part)
		}
	}
	_, doc := get(routes.Prefix + "/openapi.json")
	require.True(t, json.Valid(bytes.TrimSpace([]byte(doc))))
}
