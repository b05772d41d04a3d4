package service_test

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/kamflow/kamflow/gateway/api/apitest"
	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/access"
	"github.com/kamflow/kamflow/kam/onboarding"
	"github.com/kamflow/kamflow/service"
	"github.com/kamflow/kamflow/service/routes"
	accessdb "github.com/kamflow/kamflow/store/access"
	"github.com/kamflow/kamflow/store/ledger"
	casedb "github.com/kamflow/kamflow/store/onboarding"
	"github.com/kamflow/kamflow/store/storetest"
)

// withoutData are the routes that give data of customers, which an operator does
// not read though the matrix lets him read cases.
var withoutData = []string{"Revisions", "Records", "Customer", "CustomerHistory", "KeyAccount"}

// ofExample is what a route asks for the document of the crawl, where what it asks
// depends on that: a new customer; people, of a whole organisation.
var ofExample = map[string]access.Action{"Start": access.ActionStart, "LoadOrganisation": access.ActionUsersEdit}

// subjectOf is what a route is asked about in the crawl, as the matrix sees it.
func subjectOf(route string, who kam.Person) access.Subject {
	switch route {
	case "Revisions", "Events", "Records", "Customer", "CustomerHistory", "KeyAccount":
		s := access.Subject{Requester: "rep", Owner: "rep"}
		s.At([]kam.TerritoryNode{{Code: "G", Level: kam.LevelGlobal}})
		return s
	case "Start", "Person":
		return access.Subject{Requester: who.ID, Path: []string{"G"}}
	case "Upload":
		return access.Subject{Fields: []string{"customers"}, Requester: who.ID, Path: []string{"G"}}
	case "LoadCustomers":
		return access.Subject{Fields: []string{"customers"}}
	case "LoadSales":
		return access.Subject{Fields: []string{"sales"}}
	case "BatchFindings", "BatchOutcomes", "BatchProposals": // of a batch that has no scopes yet
		return access.Subject{}
	}
	return access.Subject{Path: []string{"G"}}
}

// TestCrawl asks every route as everybody of every role and as nobody: who may by
// the matrix is not FORBIDDEN, and who may not is, and gets nothing.
func TestCrawl(t *testing.T) {
	t.Parallel()
	b := setup(t, says(onboarding.Progress{}, nil))
	org := accessdb.Org{Users: []accessdb.User{{ID: "gone", Name: "Gone", Roles: []kam.Role{kam.GlobalManager}, Inactive: true}}}
	for _, r := range kam.Roles {
		org.Users = append(org.Users, accessdb.User{ID: kam.UserID("is." + string(r)), Name: string(r), Roles: []kam.Role{r}, Nodes: []string{"G"}})
	}
	require.NoError(t, storetest.LoadOrg(t.Context(), b.store, org))
	no, _, err := b.store.Cases.Allot(t.Context(), request())
	require.NoError(t, err)
	_, err = b.store.Cases.Effect(t.Context(), ledger.Effect{Subject: casedb.Of(no), Key: "seq/1", Digest: "x", At: time.Now()}, func(ctx context.Context, tx *casedb.Tx) error {
		tx.Case.Territory, tx.Case.OwnerID = "G", "rep"
		return logged(ctx, tx)
	})
	require.NoError(t, err)
	require.NoError(t, b.LoadCustomers(t.Context(), service.As("is.policy_admin"), service.OrgAct{}, []service.BookCustomer{
		{CustomerNo: "C-1", Territory: "G", OwnerID: "rep", Data: request().Data, KAStatus: kam.KA, Tier: kam.TierGlobal}, {CustomerNo: "C-2", Territory: "G", OwnerID: "rep", Data: request().Data},
	}))
	batch, _, err := b.store.Books.Upload(t.Context(), service.BatchUpload{Key: "crawl", Content: "x", By: "is.data_steward", At: time.Now()})
	require.NoError(t, err)
	server := apitest.Serve(t, b.Local)
	names := map[string]string{"SetPerson": "nora.rep", "Customer": "C-1", "CustomerHistory": "C-1", "KeyAccount": "KA-000001", "MergePlan": "C-1", "Merge": "C-1", "UndoMerge": "C-1", "Split": "C-1",
		"BatchFindings": string(batch.No), "BatchOutcomes": string(batch.No), "BatchProposals": string(batch.No), "Batch": string(batch.No)}

	ask := func(row routes.Row, who kam.UserID) (status int, code kam.Code, body string) {
		spec := row.About()
		name, ok := names[spec.Name]
		if !ok {
			name = string(no)
		}
		path := strings.NewReplacer("{no}", name, "{id}", cmp.Or(names[spec.Name], "boss"), "{node}", "G", "{from}", "2026-12-21", "{version}", "1").Replace(spec.Path)
		var sent []byte
		switch spec.MaxBody {
		case routes.MaxStream:
			sent = []byte(`{"end":true}`)
			path += "?decision_id=" + service.NewDecisionID()
			if spec.Name == "Upload" {
				path = spec.Path + "?content=y&key=" + service.NewDecisionID()
			}
		default:
			if spec.Example != nil {
				fields := map[string]any{}
				b, err := json.Marshal(spec.Example)
				require.NoError(t, err)
				require.NoError(t, json.Unmarshal(b, &fields))
				for _, id := range []string{"decision_id", "request_key"} {
					if _, ok := fields[id]; ok {
						fields[id] = service.NewDecisionID()
					}
				}
				sent, err = json.Marshal(fields)
				require.NoError(t, err)
			}
		}
		req, err := http.NewRequestWithContext(t.Context(), spec.Method, server.URL+routes.Prefix+path, bytes.NewReader(sent))
		require.NoError(t, err)
		if who != "" {
			req.Header.Set(routes.AsHeader, string(who))
		}
		if sent != nil {
			req.Header.Set("Content-Type", "application/json")
		}
		resp, err := server.Client().Do(req)
		require.NoError(t, err)
		defer resp.Body.Close()
		all, err := io.ReadAll(resp.Body)
		require.NoError(t, err)
		var e kam.Error
		if resp.StatusCode >= 400 {
			require.NoError(t, json.Unmarshal(all, &e), string(all))
		}
		return resp.StatusCode, e.Code, string(all)
	}
	asked := 0
	for _, row := range routes.All {
		spec := row.About()
		for who, want := range map[kam.UserID]int{"": http.StatusUnauthorized, "stranger": http.StatusForbidden, "gone": http.StatusForbidden} {
			if who != "" && askedWithin[spec.Name] != "" {
				continue // the record asks, which the fake of Temporal does not
			}
			status, code, body := ask(row, who)
			require.Equal(t, want, status, "%s as %q: %s", spec.Name, who, body)
			require.Equal(t, kam.Forbidden, code)
			require.NotContains(t, body, "Acme", "%s as %q", spec.Name, who)
		}
		for _, role := range kam.Roles {
			who := kam.Person{ID: kam.UserID("is." + string(role)), Roles: []kam.Role{role}, Nodes: []string{"G"}, Active: true}
			may := len(spec.Asks) == 0
			for _, a := range spec.Asks {
				if only := ofExample[spec.Name]; only != "" && a != only {
					continue // which another document asks
				}
				_, err := access.Permit(who, a, subjectOf(spec.Name, who))
				may = may || err == nil
			}
			if role == kam.Operator && slices.Contains(withoutData, spec.Name) {
				may = false
			}
			if askedWithin[spec.Name] != "" {
				continue
			}
			asked++
			status, code, body := ask(row, who.ID)
			if may != (code != kam.Forbidden) {
				t.Errorf("%s as %s: the matrix says %v, the answer is %d %s", spec.Name, role, may, status, body)
			}
			// There are no servers here to diagnose.
			require.True(t, status != http.StatusInternalServerError || spec.Name == "Diagnose", "%s as %s: %s", spec.Name, role, body)
			if !may {
				require.NotContains(t, body, "Acme", "%s as %s", spec.Name, role)
			}
		}
	}
	require.Greater(t, asked, 600)
}
