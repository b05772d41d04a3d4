package service_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/customer"
	"github.com/kamflow/kamflow/kam/rules/policy"
	"github.com/kamflow/kamflow/kam/signed"
	"github.com/kamflow/kamflow/kam/signed/signedtest"
	"github.com/kamflow/kamflow/service"
	accessdb "github.com/kamflow/kamflow/store/access"
	"github.com/kamflow/kamflow/store/customer/merge"
	"github.com/kamflow/kamflow/store/identity"
	"github.com/kamflow/kamflow/store/storetest"
)

// keyless has the public keys and none that signs.
type keyless struct{ signedtest.Box }

func (keyless) Secrets() ([]signed.SigningKey, error) { return nil, nil }

// house is a system with people of all kinds and two customers, whose audit trail
// aud verifies.
func house(t *testing.T) (b bundle, verified func() service.Verified) {
	t.Helper()
	b = customers(t)
	require.NoError(t, storetest.LoadOrg(t.Context(), b.store, accessdb.Org{Users: []accessdb.User{
		{ID: "boss", Name: "Boss", Roles: []kam.Role{kam.GlobalManager}, Nodes: []string{"G"}},
		{ID: "rep", Name: "Rep", Roles: []kam.Role{kam.SalesRep}, Nodes: []string{"N"}},
		{ID: "old", Name: "Old", Roles: []kam.Role{kam.SalesRep}, Nodes: []string{"N"}},
		{ID: "stew", Name: "Stew", Roles: []kam.Role{kam.DataSteward}},
		{ID: "comp", Name: "Comp", Roles: []kam.Role{kam.ComplianceRole}},
		{ID: "aud", Name: "Aud", Roles: []kam.Role{kam.Auditor}},
	}}))
	return b, func() service.Verified {
		v, err := b.VerifyAudit(t.Context(), service.As("aud"), nil)
		require.NoError(t, err)
		return v
	}
}

// signIn lets the first person sign in: from then on acts can be signed.
func (b bundle) signIn() {
	b.t.Helper()
	act := accessdb.OrgAct{DecisionID: service.NewDecisionID(), By: "rep"}
	require.NoError(b.t, b.store.SignIns.MakeToken(b.t.Context(), act, identity.NewTokenSecret(), "x", identity.ScopeAll, time.Hour))
}

func contact() customer.RequestData {
	d := request().Data
	d.Contacts = []customer.Contact{{Name: "Petra Klinik", Email: "petra@klinik.example"}}
	return d
}

// TestWhatPassesNoWorkflowIsSigned: each such act has its envelope, which names the
// role and is for exactly what the record holds.
func TestWhatPassesNoWorkflowIsSigned(t *testing.T) {
	t.Parallel()
	b, verified := house(t)
	ctx := t.Context()
	before := verified()
	require.True(t, before.Clean, "%v", before.Breaks)
	require.Zero(t, before.Signed, "what was loaded before anybody signed in")
	b.signIn()

	c, err := b.SetPerson(ctx, service.As("zz.user1"), service.OrgAct{Reason: "he begins"}, service.User{ID: "new", Name: "New", Roles: []kam.Role{kam.SalesRep}, Nodes: []string{"N"}})
	require.NoError(t, err)
	_, err = b.Agree(ctx, service.As("zz.user2"), service.OrgAct{}, c.Proposal)
	require.NoError(t, err)
	c, err = b.SetPerson(ctx, service.As("zz.user1"), service.OrgAct{}, service.User{ID: "other", Name: "Other", Roles: []kam.Role{kam.SalesRep}, Nodes: []string{"N"}})
	require.NoError(t, err)
	_, err = b.Decline(ctx, service.As("zz.user2"), service.OrgAct{}, c.Proposal)
	require.NoError(t, err)
	_, err = b.PersonLeaves(ctx, service.As("zz.user2"), service.OrgAct{}, "old")
	require.NoError(t, err)
	_, err = b.LoadPolicy(ctx, service.As("zz.policy1"), service.OrgAct{}, 2, policy.DefaultYAML())
	require.NoError(t, err)
	require.NoError(t, b.LoadCustomers(ctx, service.As("zz.policy1"), service.OrgAct{}, []service.BookCustomer{{CustomerNo: "C-3", Territory: "N", Data: contact()}}))
	require.NoError(t, b.LoadSales(ctx, service.As("zz.policy1"), service.OrgAct{}, []service.SalesFact{{AccountNo: "C-3", Month: "2026-09", Currency: "EUR", NetRevenue: 50}}))
	_, err = b.Merge(ctx, service.As("stew"), merge.Order{Survivor: "C-000001", Absorbed: "C-000002", Reason: "one company"})
	require.NoError(t, err)
	_, _, err = b.Local.Upload(ctx, service.As("stew"), service.BatchUpload{Key: "k", Content: "x", At: time.Now()}, false)
	require.NoError(t, err)
	_, err = b.EraseContact(ctx, service.As("comp"), service.EraseOrder{Subject: "C-3", Email: "petra@klinik.example", Order: "letter 1"})
	require.NoError(t, err)

	v := verified()
	require.True(t, v.Clean, "%v", v.Breaks)
	require.Equal(t, 11, v.Signed)
	require.Equal(t, before.Unsigned, v.Unsigned)
	roles := map[string]string{}
	for _, row := range b.envelopes() {
		e, err := signed.Read(row)
		require.NoError(t, err)
		roles[e.Act] = e.Role
		require.Contains(t, e.Meaning, e.Act+" on ")
		require.NotContains(t, row, "begins")
	}
	require.Equal(t, map[string]string{
		"SetPerson": "user_admin", "Agree": "user_admin", "Decline": "user_admin", "PersonLeaves": "user_admin", "LoadPolicy": "policy_admin",
		"LoadCustomers": "", "LoadSales": "", "Merge": "data_steward", "Upload": "", "EraseContact": "compliance_reviewer",
	}, roles)

	// What is changed behind them shows, and what comes in past the service.
	for why, sql := range map[string]string{
		"is not signed":             `delete from kam.envelope where subject = 'org' and key like 'act/%'`,
		"event/1 is not signed":     `delete from kam.envelope where subject = 'erasure'`,
		"upload is not signed":      `delete from kam.envelope where key = 'upload'`,
		"it is for another content": `update kam.subject_effect set digest = 'x' where subject = 'customer/C-000001'`,
		"zz.user1 signed":           `update kam.envelope e set signed = o.signed from kam.envelope o where e.key = 'upload' and o.subject = 'org'`,
	} {
		require.NoError(t, storetest.Exec(t, b.store, `create table kam.kept as select * from kam.envelope`))
		require.NoError(t, storetest.Exec(t, b.store, `create table kam.kept_effect as select * from kam.subject_effect`))
		require.NoError(t, storetest.Exec(t, b.store, sql))
		require.Contains(t, text(verified()), why)
		for _, back := range []string{
			`delete from kam.envelope`, `insert into kam.envelope select * from kam.kept`, `drop table kam.kept`,
			`update kam.subject_effect e set digest = k.digest from kam.kept_effect k where k.subject = e.subject and k.key = e.key`, `drop table kam.kept_effect`,
		} {
			require.NoError(t, storetest.Exec(t, b.store, back))
		}
	}
	require.True(t, verified().Clean)
	act := storetest.Act()
	act.By = "zz.user2"
	_, err = b.store.Access.PersonLeaves(ctx, act, "rep")
	require.NoError(t, err)
	require.Contains(t, text(verified()), "act/"+act.DecisionID+" is not signed")
}

// TestModesHoldForWhatPassesNoWorkflow: where nobody has a key, require refuses and
// has it on record, record takes it and counts it.
func TestModesHoldForWhatPassesNoWorkflow(t *testing.T) {
	t.Parallel()
	b, verified := house(t)
	b.signIn()
	b.UseKeys(keyless{})
	ctx := t.Context()
	leave := func(id kam.UserID) error {
		_, err := b.PersonLeaves(ctx, service.As("zz.user1"), service.OrgAct{}, id)
		return err
	}
	require.ErrorIs(t, leave("old"), kam.NotSigned)
	_, err := b.Merge(ctx, service.As("stew"), merge.Order{Survivor: "C-000001", Absorbed: "C-000002", Reason: "one company"})
	require.ErrorIs(t, err, kam.NotSigned)
	_, err = b.EraseContact(ctx, service.As("comp"), service.EraseOrder{Subject: "C-000001", Name: "Nobody", Order: "letter 1"})
	require.ErrorIs(t, err, kam.NotFound, "there is nothing to sign")
	_, _, err = b.Local.Upload(ctx, service.As("stew"), service.BatchUpload{Key: "k", Content: "x", At: time.Now()}, false)
	require.ErrorIs(t, err, kam.NotSigned)
	p, err := b.store.Access.Person(ctx, "old")
	require.NoError(t, err)
	require.True(t, p.Active)
	v := verified()
	require.True(t, v.Clean, "%v", v.Breaks)
	require.EqualValues(t, 2, v.Forged, "an upload that is refused leaves nothing at all")

	require.NoError(t, b.store.SetSignatureMode(ctx, signed.Record))
	require.NoError(t, leave("old"))
	require.NoError(t, b.store.SetSignatureMode(ctx, signed.Require))
	now := verified()
	require.True(t, now.Clean, "%v", now.Breaks)
	require.Equal(t, v.Unsigned+1, now.Unsigned)
}

func text(v service.Verified) (all string) {
	for _, b := range v.Breaks {
		all += b.String() + "\n"
	}
	return all
}

func (b bundle) envelopes() []string {
	b.t.Helper()
	rows, err := storetest.Pool(b.t, b.store).Query(b.t.Context(), `select signed from kam.envelope`)
	require.NoError(b.t, err)
	defer rows.Close()
	var all []string
	for rows.Next() {
		var s string
		require.NoError(b.t, rows.Scan(&s))
		all = append(all, s)
	}
	return all
}
