package service_test

import (
	"context"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/kamflow/kamflow/activities"
	"github.com/kamflow/kamflow/gateway/api/apitest"
	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/access"
	"github.com/kamflow/kamflow/kam/book"
	"github.com/kamflow/kamflow/kam/customer"
	"github.com/kamflow/kamflow/kam/onboarding"
	"github.com/kamflow/kamflow/kam/signed"
	"github.com/kamflow/kamflow/service"
	accessdb "github.com/kamflow/kamflow/store/access"
	bookdb "github.com/kamflow/kamflow/store/book"
	"github.com/kamflow/kamflow/store/ledger"
	casedb "github.com/kamflow/kamflow/store/onboarding"
	"github.com/kamflow/kamflow/store/storetest"
)

// everybody is an organisation with one person of each role, and one who has left.
func everybody() accessdb.Org {
	org := accessdb.Org{Users: []accessdb.User{{ID: "gone", Name: "Gone", Roles: []kam.Role{kam.GlobalManager}, Inactive: true}}}
	for _, r := range kam.Roles {
		org.Users = append(org.Users, accessdb.User{ID: kam.UserID("is." + string(r)), Name: string(r), Roles: []kam.Role{r}, Nodes: []string{"G"}})
	}
	return org
}

func of(role kam.Role) kam.Person {
	return kam.Person{ID: kam.UserID("is." + string(role)), Roles: []kam.Role{role}, Nodes: []string{"G"}, Active: true}
}

// nobodies are those who may nothing.
var nobodies = []kam.UserID{"stranger", "gone"}

// taken is an act that carries what its row asks for, with data where it brings any.
func taken(spec onboarding.ActSpec) (a onboarding.Act, data *customer.RequestData) {
	a = onboarding.Act{DecisionID: service.NewDecisionID(), Name: spec.Name, Verdict: spec.Verdict}
	for _, n := range spec.Needs {
		switch n {
		case onboarding.NeedHash:
			a.ExpectHash = "h"
		case onboarding.NeedReason:
			a.Reason = "because"
		case onboarding.NeedReasonCode:
			a.ReasonCode = "OTHER"
		case onboarding.NeedFields:
			a.Reason = "because"
		case onboarding.NeedCustomer:
			a.CustomerNo = "C-1"
		case onboarding.NeedTier:
			a.Tier = kam.TierTerritory
		case onboarding.NeedAssignee:
			a.Assignee = "boss"
		case onboarding.NeedData:
			data = &customer.RequestData{ScreeningData: customer.ScreeningData{LegalName: "Acme"}}
		case onboarding.NeedCase:
			a.SameAs = "KAM-1999-000001"
		}
	}
	return a, data
}

// TestCrawlOfActs brings every act to a case that takes it, over HTTP, as everybody
// of every role: who may by the matrix is not FORBIDDEN, and what he signed names
// the role and the post by which; for who may not nothing is signed.
func TestCrawlOfActs(t *testing.T) {
	t.Parallel()
	b := setup(t, says(onboarding.Progress{}, nil))
	b.Local.Judge = activities.New(b.store)
	require.NoError(t, storetest.LoadOrg(t.Context(), b.store, everybody()))
	require.NoError(t, b.LoadCustomers(t.Context(), service.As("is.policy_admin"), service.OrgAct{}, []service.BookCustomer{{CustomerNo: "C-1", Territory: "G", Data: request().Data}}))
	over := apitest.Over(t, b.Local, time.Minute)
	asked, let := 0, 0
	for _, spec := range onboarding.Acts {
		state := onboarding.States[slices.IndexFunc(onboarding.States, func(s onboarding.StateSpec) bool { return s.Kind == kam.Human && spec.TakenIn(s.State) })]
		for _, assigned := range []bool{false, true} {
			r := request()
			r.Key = service.NewDecisionID()
			no, _, err := b.store.Cases.Allot(t.Context(), r)
			require.NoError(t, err)
			subject := access.Subject{
				Requester: "rep", Owner: "rep", RequesterManager: "boss", Tier: kam.TierTerritory, Level: kam.LevelTerritory,
				Path: []string{"G"}, Levels: []kam.NodeLevel{kam.LevelGlobal},
			}
			task := kam.Task{Kind: state.Task, Level: kam.LevelTerritory, Node: "G", Queue: string(kam.DataSteward)}
			if assigned {
				for _, role := range kam.Roles {
					task.Assignees = append(task.Assignees, of(role).ID)
				}
				task.Queue, subject.Assignees = "", task.Assignees
			}
			subject.Certain = !assigned && (spec.Verdict == onboarding.NotDuplicate || spec.Verdict == onboarding.SameRequest) && state.Task == onboarding.TaskDuplicateReview
			_, err = b.store.Cases.Effect(t.Context(), ledger.Effect{Subject: casedb.Of(no), Key: "seq/1", Digest: "x", At: time.Now()}, func(_ context.Context, tx *casedb.Tx) error {
				c := tx.Case
				c.State, c.Step, c.Territory, c.Requester, c.OwnerID, c.Tier, c.Type = state.State, state.Step, "G", "rep", "rep", kam.TierTerritory, kam.NewCase
				c.MaterialHash, c.CancelAskedBy = "h", "somebody"
				c.Task = &task
				if err := tx.SaveFindings([]customer.Finding{{RuleID: "VA01", Severity: kam.SeverityReview}, {RuleID: "VS02", Severity: kam.SeverityReview}}); err != nil {
					return err
				}
				tx.Log(kam.AuditEvent{Type: kam.EventCaseOpened, To: string(state.State)})
				return nil
			})
			require.NoError(t, err)
			action := spec.Action
			if action == "" {
				action = onboarding.ActionOf(state.Task)
			}
			if action == access.ActionEndorse {
				subject.Path, subject.Levels = nil, nil // no account is proposed, so nobody's place counts
			}
			for _, who := range nobodies {
				act, data := taken(spec)
				_, err := over.Decide(t.Context(), service.As(who), no, act, data)
				require.ErrorIs(t, err, kam.Forbidden, "%s %s as %s", spec.Name, spec.Verdict, who)
			}
			for _, role := range kam.Roles {
				who := of(role)
				want, refusal := access.Acts(who, action, subject)
				if role == kam.ComplianceRole && spec.Name == onboarding.ActDecideValidation && spec.Verdict != onboarding.ClearIt {
					refusal = kam.Errorf(kam.Forbidden, "compliance waives its own findings, and nothing else")
				}
				sent := len(b.fake.updates)
				act, data := taken(spec)
				_, err := over.Decide(t.Context(), service.As(who.ID), no, act, data)
				asked++
				if (refusal != nil) != (kam.CodeOf(err) == kam.Forbidden) {
					t.Errorf("%s %s in %s as %s (assigned: %v): the matrix says %v, the answer is %v", spec.Name, spec.Verdict, state.State, role, assigned, refusal, err)
				}
				if err != nil {
					require.Len(t, b.fake.updates, sent, "%s as %s: %v, and sent all the same", spec.Name, role, err)
					continue
				}
				let++
				signedAct, ok := b.fake.updates[sent].Args[0].(onboarding.Act)
				require.True(t, ok)
				e, err := signed.Read(signedAct.Signed)
				require.NoError(t, err)
				require.Equal(t, string(want.Role), e.Role)
				require.Equal(t, want.Post, e.Post)
			}
		}
	}
	t.Logf("%d acts asked for, %d let through", asked, let)
	require.Greater(t, let, 50)
}

// TestCrawlOfActsOnImports: the same for imports and proposals.
func TestCrawlOfActsOnImports(t *testing.T) {
	t.Parallel()
	b := setup(t, says(onboarding.Progress{}, nil))
	b.Local.Judge = activities.New(b.store)
	require.NoError(t, storetest.LoadOrg(t.Context(), b.store, everybody()))
	over := apitest.Over(t, b.Local, time.Minute)
	batch, _, err := b.store.Books.Upload(t.Context(), service.BatchUpload{Key: "crawl", Content: "x", By: "rep", At: time.Now()})
	require.NoError(t, err)
	_, err = b.store.Books.Effect(t.Context(), batch.No, ledger.Effect{Key: "seq/1", Digest: "x", At: time.Now()}, func(tx *bookdb.Tx) error {
		tx.Batch.State, tx.Batch.Digest, tx.Batch.Scopes = book.BatchChecked, "d", []book.BatchScopeState{{Node: "G"}}
		tx.Log(kam.AuditEvent{Type: kam.EventTaskOpened})
		return nil
	})
	require.NoError(t, err)
	path := access.Subject{Requester: "rep", Path: []string{"G"}, Levels: []kam.NodeLevel{kam.LevelGlobal}}
	admin := service.As("zz.user1")
	n := 0
	proposed := func() string {
		n++
		c, err := b.SetPerson(t.Context(), admin, service.OrgAct{}, service.User{ID: kam.UserID("new." + strconv.Itoa(n)), Name: "New", Roles: []kam.Role{kam.SalesRep}, Nodes: []string{"G"}})
		require.NoError(t, err)
		require.True(t, c.Pending)
		return c.Proposal
	}
	for _, c := range []struct {
		name string
		may  func(p kam.Person) bool
		do   func(who service.Principal) error
	}{
		{"ConfirmBatch", func(p kam.Person) bool {
			_, err := access.Permit(p, access.ActionImportConfirm, path)
			return err == nil
		}, func(who service.Principal) error {
			_, err := over.ConfirmBatch(t.Context(), who, batch.No, book.BatchAct{DecisionID: service.NewDecisionID(), Scope: "G", Digest: "d"})
			return err
		}},
		{"CancelBatch", func(p kam.Person) bool { return p.Is(kam.PolicyAdmin) }, func(who service.Principal) error {
			_, err := over.CancelBatch(t.Context(), who, batch.No, book.BatchAct{DecisionID: service.NewDecisionID(), Reason: "no"})
			return err
		}},
		{"Agree", func(p kam.Person) bool {
			_, err := access.Permit(p, access.ActionUsersEdit, access.Subject{})
			return err == nil
		}, func(who service.Principal) error {
			_, err := over.Agree(t.Context(), who, service.OrgAct{}, proposed())
			return err
		}},
		{"Decline", func(p kam.Person) bool {
			_, err := access.Permit(p, access.ActionUsersEdit, access.Subject{})
			return err == nil
		}, func(who service.Principal) error {
			_, err := over.Decline(t.Context(), who, service.OrgAct{}, proposed())
			return err
		}},
	} {
		for _, who := range nobodies {
			require.ErrorIs(t, c.do(service.As(who)), kam.Forbidden, "%s as %s", c.name, who)
		}
		let := 0
		for _, role := range kam.Roles {
			err := c.do(service.As(of(role).ID))
			if c.may(of(role)) {
				let++
				require.NotEqual(t, kam.Forbidden, kam.CodeOf(err), "%s as %s: %v", c.name, role, err)
			} else {
				require.Equal(t, kam.Forbidden, kam.CodeOf(err), "%s as %s: %v", c.name, role, err)
			}
		}
		require.Positive(t, let, c.name)
	}
}
