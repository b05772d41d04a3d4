package service_test

import (
	"context"
	"reflect"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/kamflow/kamflow/internal/parties"
	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/service"
	accessdb "github.com/kamflow/kamflow/store/access"
	customerdb "github.com/kamflow/kamflow/store/customer"
	casedb "github.com/kamflow/kamflow/store/onboarding"
	"github.com/kamflow/kamflow/store/storetest"
)

// askedWithin lists the methods that ask where the decision is stored, with what
// has the refusal on record.
var askedWithin = map[string]string{
	"Decide": "the case", "ConfirmBatch": "the batch", "CancelBatch": "the batch", "Agree": "the proposal", "Decline": "the proposal",
}

// TestEveryDoorAsks: whoever is nobody, is not known, or has left gets nothing by
// any method.
func TestEveryDoorAsks(t *testing.T) {
	t.Parallel()
	b := setup(t)
	require.NoError(t, storetest.LoadOrg(t.Context(), b.store, accessdb.Org{Users: []accessdb.User{
		{ID: "boss", Name: "Boss", Roles: []kam.Role{kam.GlobalManager}, Nodes: []string{"G"}},
		{ID: "gone", Name: "Gone", Roles: []kam.Role{kam.GlobalManager}, Inactive: true},
	}}))
	doors := 0
	local := reflect.ValueOf(b.Local)
	for m := range reflect.TypeFor[service.Service]().Methods() {
		if m.Type.NumIn() < 2 || m.Type.In(1) != reflect.TypeFor[service.Principal]() {
			require.Equal(t, "Close", m.Name, "every use case takes who asks")
			continue
		}
		doors++
		if askedWithin[m.Name] != "" {
			continue
		}
		for _, who := range []kam.UserID{"", "stranger", "gone", kam.System} {
			args := []reflect.Value{reflect.ValueOf(t.Context()), reflect.ValueOf(service.As(who))}
			for i := 2; i < m.Type.NumIn(); i++ {
				arg := reflect.Zero(m.Type.In(i))
				if arg.Type() == reflect.TypeFor[service.Org]() {
					arg = reflect.ValueOf(service.Org{Users: []accessdb.User{}}) // an empty one asks for nothing
				}
				args = append(args, arg)
			}
			out := local.MethodByName(m.Name).Call(args)
			err, _ := out[len(out)-1].Interface().(error)
			require.Equal(t, kam.Forbidden, kam.CodeOf(err), "%s as %q: %v", m.Name, who, err)
			for _, x := range out[:len(out)-1] {
				switch x.Kind() {
				case reflect.Slice:
					require.Zero(t, x.Len(), m.Name)
				case reflect.Bool:
					require.False(t, x.Bool(), m.Name)
				}
			}
		}
	}
	require.Greater(t, doors, 40)
}

// TestNobodySpeaksForSomebodyElse: who acts is who came in, whatever he writes.
func TestNobodySpeaksForSomebodyElse(t *testing.T) {
	t.Parallel()
	b := setup(t, says(kam.Progress{}, nil))
	r := request()
	r.Requester = "boss"
	s, err := b.Local.Start(t.Context(), service.As("rep"), r)
	require.NoError(t, err)
	v, err := b.store.Cases.View(t.Context(), s.CaseNo)
	require.NoError(t, err)
	require.Equal(t, kam.UserID("rep"), v.Opening.Requester)

	_, err = b.Decide(t.Context(), service.As("other"), s.CaseNo, kam.Act{Name: kam.ActComment, By: "boss", Reason: "I am the boss."}, nil)
	require.NoError(t, err)
	act, ok := b.fake.updates[len(b.fake.updates)-1].Args[0].(kam.Act)
	require.True(t, ok)
	require.Equal(t, kam.UserID("other"), act.By)

	_, err = b.Local.Start(t.Context(), service.As(kam.System), casedb.Request{Key: "k", Type: kam.Reclassify, Requester: "rep", CustomerNo: "C-1", Trigger: kam.ReviewScreening})
	require.ErrorIs(t, err, kam.Forbidden, "the engine comes by no door")
	_, err = b.SetPerson(t.Context(), service.As("rep"), accessdb.OrgAct{By: "zz.user1"}, accessdb.User{ID: "rep", Roles: []kam.Role{kam.GlobalManager}})
	require.ErrorIs(t, err, kam.Forbidden)
}

// TestStrangersDataStayOut: data of somebody who is not known are not kept, and
// that he tried is on record.
func TestStrangersDataStayOut(t *testing.T) {
	t.Parallel()
	b := setup(t, says(kam.Progress{}, nil))
	no := b.opened(kam.DataEntry)
	act := kam.Act{DecisionID: "d-1", Name: kam.ActSubmitData}
	_, err := b.Decide(t.Context(), service.As("stranger"), no, act, &kam.RequestData{})
	require.ErrorIs(t, err, kam.Forbidden)
	require.Empty(t, b.fake.updates)
	require.Zero(t, storetest.Count(t, b.store, `select count(*) from kam.staged`))
}

// TestListsShowWhatMayBeRead: a list leaves out what the person may not open, and
// goes on until it is full.
func TestListsShowWhatMayBeRead(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	b := setup(t, says(kam.Progress{}, nil))
	require.NoError(t, storetest.LoadOrg(ctx, b.store, accessdb.Org{Users: []accessdb.User{
		{ID: "boss", Name: "Boss", Roles: []kam.Role{kam.GlobalManager}, Nodes: []string{"G"}},
		{ID: "rep", Name: "Rep", Roles: []kam.Role{kam.SalesRep}, ManagerID: "boss"},
		{ID: "other", Name: "Other", Roles: []kam.Role{kam.SalesRep}, ManagerID: "boss"},
		{ID: "op", Name: "Op", Roles: []kam.Role{kam.Operator}},
	}}))
	start := func(by kam.UserID, key string) kam.CaseNo {
		r := request()
		r.Requester, r.Key = by, key
		s, err := b.Start(ctx, r)
		require.NoError(t, err)
		return s.CaseNo
	}
	mine := start("rep", "mine")
	for range 9 { // newer than his
		start("other", "other/"+service.NewDecisionID())
	}
	for who, want := range map[kam.UserID]int{"rep": 1, "other": 9, "boss": 10, "op": 10} {
		lines, err := b.Cases(ctx, service.As(who), casedb.Filter{})
		require.NoError(t, err)
		require.Len(t, lines, want, who)
		for _, l := range lines {
			require.Equal(t, who == "op", l.CustomerName == "", "an operator reads no names")
		}
	}
	lines, err := b.Cases(ctx, service.As("rep"), casedb.Filter{Limit: 1})
	require.NoError(t, err)
	require.Len(t, lines, 1)
	require.Equal(t, mine, lines[0].CaseNo)
	_, err = b.Cases(ctx, service.As("rep"), casedb.Filter{Requester: "none"})
	require.ErrorIs(t, err, kam.NotFound)

	for who, hidden := range map[kam.UserID]bool{"rep": false, "boss": false, "other": true, "op": true} {
		v, err := b.CaseView(ctx, service.As(who), mine)
		require.NoError(t, err)
		require.Equal(t, hidden, v.Hidden != nil, who)
		require.Equal(t, hidden, v.Request.LegalName == "" && v.Opening.Data.LegalName == "", who)
		_, err = b.Events(ctx, service.As(who), mine)
		require.Equal(t, who == "other", kam.CodeOf(err) == kam.Forbidden, who)
		_, err = b.Records(ctx, service.As(who), mine)
		require.Equal(t, hidden, kam.CodeOf(err) == kam.Forbidden, who)
		_, err = b.Revisions(ctx, service.As(who), mine)
		require.Equal(t, hidden, kam.CodeOf(err) == kam.Forbidden, who)
	}
}

// TestLoadsAskAndLeaveARow: who loads what stands on the trail of the
// organisation; the same act again loads nothing.
func TestLoadsAskAndLeaveARow(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	b := setup(t)
	d := kam.RequestData{ScreeningData: kam.ScreeningData{LegalName: "Acme", CountryCode: "DE"}}
	book := []customerdb.BookCustomer{{CustomerNo: "C-1", Territory: "G", Data: d, Keys: parties.Keys(d)}}
	facts := []customerdb.SalesFact{{AccountNo: "C-1", Month: "2026-09", Currency: "EUR", NetRevenue: 50}}
	require.ErrorIs(t, b.LoadCustomers(ctx, service.As("boss"), accessdb.OrgAct{}, book), kam.Forbidden)
	require.ErrorIs(t, b.LoadSales(ctx, service.As("rep"), accessdb.OrgAct{}, facts), kam.Forbidden)
	_, err := b.store.Customers.Customer(ctx, "C-1")
	require.ErrorIs(t, err, kam.NotFound)

	act := accessdb.OrgAct{DecisionID: "d-1", Reason: "the old system"}
	for range 2 {
		require.NoError(t, b.LoadCustomers(ctx, service.As("zz.policy1"), act, book))
	}
	require.NoError(t, b.LoadSales(ctx, service.As("zz.policy2"), accessdb.OrgAct{}, facts))
	require.ErrorIs(t, b.LoadCustomers(ctx, service.As("zz.policy1"), act, nil), kam.IDReused)
	trail, err := b.store.TrailOf(ctx, "org")
	require.NoError(t, err)
	var loads []kam.AuditEvent
	for _, e := range trail {
		if e.Type == kam.EventOrgLoaded {
			loads = append(loads, e)
		}
	}
	require.Len(t, loads, 2)
	require.Equal(t, "a load of 1 customers: the old system", loads[0].Text)
	require.Equal(t, kam.UserID("zz.policy1"), loads[0].Actor)
	require.Equal(t, "SALES_FACTS", loads[1].ReasonCode)
	require.Equal(t, kam.UserID("zz.policy2"), loads[1].Actor)
	c, err := b.store.Customers.Customer(ctx, "C-1")
	require.NoError(t, err)
	require.Equal(t, 1, c.Version, "once")

	v, err := b.VerifyAudit(ctx, service.As("zz.policy1"), nil)
	require.ErrorIs(t, err, kam.Forbidden, v)
	orders, err := b.Erasures(ctx, service.As("rep"))
	require.ErrorIs(t, err, kam.Forbidden, orders)
}

// TestAnEmptySystemIsSetUpBySomebody: where nobody is known, whoever is named may
// load; no longer once there are people.
func TestAnEmptySystemIsSetUpBySomebody(t *testing.T) {
	t.Parallel()
	ctx := context.WithoutCancel(t.Context())
	db := emptyStore(t)
	l := service.New(service.RecordOf(db), &fake{}, "queue")
	l.Patience = 2 * time.Second
	_, err := l.People(ctx, service.As("uta"))
	require.NoError(t, err)
	require.ErrorIs(t, l.LoadCustomers(ctx, service.As(""), accessdb.OrgAct{}, nil), kam.Forbidden)
	require.NoError(t, l.LoadCustomers(ctx, service.As("uta"), accessdb.OrgAct{}, []customerdb.BookCustomer{{CustomerNo: "C-1"}}))
	_, err = l.LoadOrganisation(ctx, service.As("uta"), accessdb.OrgAct{}, accessdb.Org{Users: []accessdb.User{{ID: "uta", Roles: []kam.Role{kam.UserAdmin}}}})
	require.NoError(t, err)
	require.ErrorIs(t, l.LoadCustomers(ctx, service.As("otto"), accessdb.OrgAct{}, nil), kam.Forbidden)
	require.ErrorIs(t, l.LoadCustomers(ctx, service.As("uta"), accessdb.OrgAct{}, nil), kam.Forbidden, "a user admin loads no customers")
}

// TestRequestsThatNominate: to nominate is a right of its own.
func TestRequestsThatNominate(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	b := setup(t, says(kam.Progress{}, nil))
	require.NoError(t, storetest.LoadOrg(ctx, b.store, accessdb.Org{Users: []accessdb.User{
		{ID: "rep", Name: "Rep", Roles: []kam.Role{kam.SalesRep}, Nodes: []string{"G"}},
		{ID: "terr", Name: "Terr", Roles: []kam.Role{kam.TerritoryManager}, Nodes: []string{"G"}},
		{ID: "stew", Name: "Stew", Roles: []kam.Role{kam.DataSteward}},
	}}))
	for who, want := range map[kam.UserID]kam.Code{"rep": "", "terr": "", "stew": kam.Forbidden} {
		r := request()
		r.Requester, r.Key, r.Data.NominateKeyAccount = who, string(who), true
		r.Data.NominationReason = "They buy for all their houses."
		_, err := b.Start(ctx, r)
		require.Equal(t, want, kam.CodeOf(err), "%s: %v", who, err)
	}
}

// TestAbsencesAndProposalsAreReadByThoseWhoMay: one's own absences everybody.
func TestAbsencesAndProposalsAreReadByThoseWhoMay(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	b := setup(t)
	for who, want := range map[kam.UserID][3]kam.Code{
		"rep": {"", kam.Forbidden, kam.Forbidden}, "boss": {"", "", ""}, "zz.policy1": {"", "", ""}, "zz.user1": {"", kam.Forbidden, ""}, "stranger": {kam.Forbidden, kam.Forbidden, kam.Forbidden},
	} {
		_, own := b.Absences(ctx, service.As(who), who, false)
		_, all := b.Absences(ctx, service.As(who), "", false)
		_, proposals := b.Proposals(ctx, service.As(who), true)
		require.Equal(t, want, [3]kam.Code{kam.CodeOf(own), kam.CodeOf(all), kam.CodeOf(proposals)}, who)
	}
}
