package main

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/kamflow/kamflow/internal/parties"
	"github.com/kamflow/kamflow/internal/text"
	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/book"
	"github.com/kamflow/kamflow/kam/customer"
	"github.com/kamflow/kamflow/kam/onboarding"
	"github.com/kamflow/kamflow/service"
	accessdb "github.com/kamflow/kamflow/store/access"
	customerdb "github.com/kamflow/kamflow/store/customer"
	casedb "github.com/kamflow/kamflow/store/onboarding"
)

// changing is a MODIFY that waits for its manager.
func changing() *fake {
	f := waiting()
	s := &f.view.Snapshot
	s.Type, s.CommittedAs, s.BaseVersion, s.FirstConfirmedBy, s.CancelAskedBy = kam.Modify, "C-1", 3, "uta", "olaf"
	s.Task.Fields = []string{"legal_name", "contacts"}
	record := request("NordWerk GmbH")
	record.Addresses = []customer.Address{{Type: "LEGAL", Line1: "Am Wall 1", City: "Hamburg", CountryCode: "DE"}}
	record.Contacts = []customer.Contact{{Name: "Ada Berg", DecisionRole: "BUYER"}}
	f.customer = customerdb.Customer{CustomerNo: "C-1", Version: 3, Data: record}
	base := parties.AsRequest(f.customer)
	f.base = casedb.Base{Version: 3, Data: base, Contacts: parties.ContactsDigest(base.Contacts)}
	f.base.Data.Contacts = nil
	wants := base
	wants.LegalName = "NordWerk AG"
	wants.Contacts = append([]customer.Contact{{Name: "Bea Cord", DecisionRole: "DECIDER"}}, base.Contacts...)
	f.view.Request = wants
	f.nodes = []kam.TerritoryNode{{Code: "DE-N-01", Level: kam.LevelTerritory}, {Code: "AT", Level: kam.LevelCountry}}
	f.people = map[kam.UserID]kam.Person{
		"tom":  {ID: "tom", Roles: []kam.Role{kam.TerritoryManager}, Nodes: []string{"DE-N-01"}, Active: true},
		"rita": {ID: "rita", Name: "Rita", Roles: []kam.Role{kam.SalesRep}, Nodes: []string{"DE-N-01"}, Active: true, ManagerID: "tom"},
		"otto": {ID: "otto", Roles: []kam.Role{kam.SalesRep}, Nodes: []string{"AT"}, Active: true},
	}
	return f
}

// conflicting is one whose customer somebody else has changed.
func conflicting() *fake {
	f := changing()
	s := &f.view.Snapshot
	s.State, s.FirstConfirmedBy, s.CancelAskedBy = onboarding.ChangesRequested, "", ""
	s.Task = &kam.Task{Kind: onboarding.TaskChanges, Assignees: []kam.UserID{"rita"}, OpenedAt: noon.Add(-2 * time.Hour), Note: "VERSION_CONFLICT base_version: it is long"}
	f.view.Turns = append(f.view.Turns, kam.Turn{Task: *s.Task, Party: kam.PartyRequester})
	f.view.Turns[0].Until = s.Task.OpenedAt
	f.customer.Version = 4
	f.customer.Data.LegalName, f.customer.Data.Phone = "NordWerk SE", "+494055501234"
	return f
}

// sharing is an inbox of shared work.
func sharing() *fake {
	f := waiting()
	free, mine := f.inbox[0], f.inbox[0]
	free.Task.Kind, free.Task.Queue, free.Mine, free.Task.OpenedAt = onboarding.TaskValidation, "data_steward", false, noon.Add(-time.Second)
	mine.Task.Kind, mine.Task.Queue, mine.Task.ClaimedBy = onboarding.TaskComplianceReview, "compliance_reviewer", "vera"
	cancel, upload := f.inbox[0], f.inbox[0]
	cancel.Task, cancel.Due = kam.Task{Kind: onboarding.TaskCancellation, Step: "1.1.5", OpenedAt: noon.Add(-time.Hour)}, nil
	upload.CaseNo, upload.Subject, upload.CustomerName = "import/B-000001", "import/B-000001", ""
	upload.Task = kam.Task{Kind: book.TaskImport, Step: "5.7", OpenedAt: noon.Add(-time.Hour), Note: "AT: 25000 customers (25000 new), 0 refused"}
	f.inbox = []casedb.InboxItem{free, mine, cancel, upload}
	return f
}

func TestCasesOnACustomer(t *testing.T) {
	const phone = `{"phone":"+494055501234"}`
	why := "They have closed the house for good."
	tests := []struct {
		name string
		args []string
		want casedb.Request
	}{
		{"modify", []string{"modify", "C-1", "-f", "-"}, casedb.Request{Type: kam.Modify, Data: customer.RequestData{DetailData: customer.DetailData{}}}},
		{"reactivate", []string{"reactivate", "C-1", "--reason", why}, casedb.Request{Type: kam.Reactivate}},
		{"deactivate", []string{"deactivate", "C-1", "--reason", why}, casedb.Request{Type: kam.Deactivate}},
		{"review", []string{"review", "C-1", "--trigger", "credit_rating", "--reason", why}, casedb.Request{Type: kam.Reclassify, Trigger: onboarding.ReviewCredit}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := waiting()
			got := start(t, f, phone, false, append([]string{"--as", "rita"}, tt.args...)...)
			require.Zero(t, got.status, got.err)
			require.Equal(t, tt.want.Type, f.request.Type)
			require.Equal(t, "C-1", f.request.CustomerNo)
			require.Equal(t, tt.want.Trigger, f.request.Trigger)
			require.Equal(t, kam.UserID("rita"), f.request.Requester)
			if tt.name == "modify" {
				require.Equal(t, "+494055501234", f.request.Data.Phone)
			} else {
				require.Equal(t, why, f.request.Data.Justification)
			}
			key := f.request.Key
			start(t, f, phone, false, append([]string{"--as", "rita", "--json"}, tt.args...)...)
			require.Equal(t, key, f.request.Key, "the same again is the same request")
			start(t, f, phone, false, append([]string{"--as", "rita", "--key", "mine"}, tt.args...)...)
			require.Equal(t, "mine", f.request.Key)
		})
	}
	got := start(t, waiting(), `{"customer_no":"C-2"}`, false, "--as", "rita", "modify", "C-1", "-f", "-")
	require.Contains(t, got.err, "C-2 is not customer C-1")
	got = start(t, waiting(), `{"case_type":"NEW"}`, false, "--as", "rita", "modify", "C-1", "-f", "-")
	require.Equal(t, exitUsage, got.status)

	// A case that asks for nothing would only keep others from the customer.
	for _, args := range [][]string{{"modify", "C-1", "-f", "-"}, {"modify", "C-1"}, {"deactivate", "C-1"}, {"deactivate", "C-1", "--reason", " "}} {
		f := waiting()
		got = start(t, f, `{}`, false, append([]string{"--as", "rita"}, args...)...)
		require.Equal(t, exitUsage, got.status, args)
		require.Empty(t, f.request.Key)
	}

	ended := waiting()
	ended.view.Snapshot.State = onboarding.Completed
	ended.request.Key = "k"
	got = start(t, ended, phone, false, "--as", "rita", "modify", "C-1", "-f", "-", "--key", "k")
	require.Contains(t, got.out, "has ended")

	// Whoever asks again must not take for done what is not.
	ended.view.Snapshot.State, ended.undone = onboarding.Withdrawn, true
	got = start(t, ended, phone, false, "--as", "rita", "onboard", "-f", "-", "--key", "k")
	require.Equal(t, exitRefused, got.status)
	require.Contains(t, got.err, "ended as WITHDRAWN: nothing was started")
	ended.view.Snapshot.State, ended.view.Snapshot.Type = onboarding.Completed, kam.Modify
	got = start(t, ended, phone, false, "--as", "rita", "modify", "C-1", "-f", "-", "--key", "k")
	require.Equal(t, exitRefused, got.status)
	require.Contains(t, got.err, "another --key")
	ended.undone = false
	got = start(t, ended, phone, false, "--as", "rita", "modify", "C-1", "-f", "-", "--key", "k")
	require.Zero(t, got.status, got.err)
}

// TestReviewIsOncePerDay: a second one on a day would count a failure twice; one
// on another day is another.
func TestReviewIsOncePerDay(t *testing.T) {
	f := requestFile{CustomerNo: "C-1", Trigger: onboarding.ReviewAsked}
	require.Equal(t, dayKey(noon, f, "tom"), dayKey(noon.Add(time.Hour), f, "tom"))
	require.NotEqual(t, dayKey(noon, f, "tom"), dayKey(noon.Add(24*time.Hour), f, "tom"))
	require.NotEqual(t, dayKey(noon, f, "tom"), dayKey(noon, f, "uta"))
}

func TestAppealTakesTheDataOfTheRejectedCase(t *testing.T) {
	f := waiting()
	got := start(t, f, `{"strategic_fit":"FULL"}`, false, "--as", "rita", "appeal", string(theCase), "-f", "-")
	require.Zero(t, got.status, got.err)
	require.Equal(t, theCase, f.request.AppealOf)
	require.Equal(t, kam.NewCase, f.request.Type)
	require.Equal(t, f.view.Request.City, f.request.Data.City)
	require.Equal(t, kam.StrategicFit("FULL"), f.request.Data.StrategicFit)
	got = start(t, f, `{"case_type":"MODIFY","customer_no":"C-1"}`, false, "--as", "rita", "appeal", string(theCase), "-f", "-")
	require.Equal(t, exitUsage, got.status)
	require.Equal(t, exitUsage, run(t, f, "--as", "rita", "appeal", string(theCase)).status)
}

// orgFake keeps what is asked of the organisation.
type orgFake struct {
	fakeAccess
	act    accessdb.OrgAct
	person accessdb.User
	post   accessdb.Post
	absent accessdb.Absence
	asked  kam.UserID // whose absences
	past   bool
	away   []accessdb.Absence
	answer accessdb.OrgChange
}

func (f *orgFake) kept() service.Record {
	r := f.fake.kept()
	r.Access = f
	return r
}

func (f *orgFake) SetPerson(_ context.Context, a accessdb.OrgAct, u accessdb.User) (accessdb.OrgChange, error) {
	f.act, f.person = a, u
	return f.answer, nil
}

func (f *orgFake) PersonLeaves(_ context.Context, a accessdb.OrgAct, id kam.UserID) (accessdb.OrgChange, error) {
	f.act, f.person = a, accessdb.User{ID: id}
	return f.answer, nil
}

func (f *orgFake) SetManager(_ context.Context, a accessdb.OrgAct, p accessdb.Post) (accessdb.OrgChange, error) {
	f.act, f.post = a, p
	return f.answer, nil
}

func (f *orgFake) AddAbsence(_ context.Context, a accessdb.OrgAct, ab accessdb.Absence) (accessdb.OrgChange, error) {
	f.act, f.absent = a, ab
	return f.answer, nil
}

func (f *orgFake) RemoveAbsence(_ context.Context, a accessdb.OrgAct, user kam.UserID, from string) (accessdb.OrgChange, error) {
	f.act, f.absent = a, accessdb.Absence{UserID: user, From: from}
	return f.answer, nil
}

func (f *orgFake) Absences(_ context.Context, of kam.UserID, past bool) ([]accessdb.Absence, error) {
	f.asked, f.past = of, past
	return f.away, nil
}

func TestAbsencesAreListedAndTakenBack(t *testing.T) {
	dir := testdata(t)
	f := &orgFake{fakeAccess: fakeAccess{fake: changing()}, answer: accessdb.OrgChange{What: "done so", Cases: []kam.CaseNo{}}}
	admin := func(args ...string) result {
		return startOn(t, system{service.New(f.kept(), nil, ""), f.fake}, "", false, append([]string{"--as", "pia", "admin", "absence"}, args...)...)
	}
	require.Equal(t, text.English().Say("absence.none")+"\n", admin("list").out)
	require.Equal(t, "{\n  \"absences\": []\n}\n", admin("list", "--json").out)
	f.away = []accessdb.Absence{{UserID: "tom", From: "2026-12-24", To: "2026-12-31"}, {UserID: "lea.terr", From: "2027-01-04", To: "2027-01-08"}}
	golden(t, dir, "absences.txt", admin("list").out)
	require.Equal(t, kam.UserID(""), f.asked)
	require.False(t, f.past)
	got := admin("list", "tom", "--all", "--json")
	require.Zero(t, got.status, got.err)
	require.JSONEq(t, `{"absences":[{"user_id":"tom","from":"2026-12-24","to":"2026-12-31"},{"user_id":"lea.terr","from":"2027-01-04","to":"2027-01-08"}]}`, got.out)
	require.Equal(t, kam.UserID("tom"), f.asked)
	require.True(t, f.past)

	require.Zero(t, admin("remove", "tom", "--from", "2026-12-24").status)
	require.Equal(t, accessdb.Absence{UserID: "tom", From: "2026-12-24"}, f.absent)
	require.Equal(t, kam.UserID("pia"), f.act.By)
	f.answer.Overlaps = f.away[:1]
	require.Equal(t, "Done: done so.\nNote: tom is away from 2026-12-24 to 2026-12-31 already; both absences count.\nNo open case is concerned.\n",
		admin("add", "tom", "--from", "2026-12-30", "--to", "2027-01-06").out)
}

func TestOrganisationIsChangedRowByRow(t *testing.T) {
	f := &orgFake{fakeAccess: fakeAccess{fake: changing()}, answer: accessdb.OrgChange{What: "done so", Customers: 12, KeyAccounts: 1, Posts: []string{"DE"}, Cases: []kam.CaseNo{theCase}}}
	admin := func(args ...string) result {
		return startOn(t, system{service.New(f.kept(), nil, ""), f.fake}, "", false, append([]string{"admin"}, args...)...)
	}
	got := admin("--as", "ulf", "person", "leave", "tom", "--reason", "gone")
	require.Zero(t, got.status, got.err)
	require.Equal(t, "Done: done so.\nCustomers that tom owns still: 12; key accounts: 1.\nDE has no manager any more. A policy admin fills the post: starter admin node set DE --manager USER\n"+
		"Open cases concerned: KAM-2026-000007. The worker looks at them now, and tells those that wait for somebody else.\n", got.out)
	require.Equal(t, kam.UserID("ulf"), f.act.By)
	require.Equal(t, "gone", f.act.Reason)
	require.NotEmpty(t, f.act.DecisionID)
	require.Zero(t, admin("--as", "pia", "node", "set", "DE", "--manager", "tom").status)
	require.Equal(t, accessdb.Post{Node: "DE", Manager: "tom"}, f.post)
	require.Zero(t, admin("--as", "pia", "node", "set", "DE", "--vacant").status)
	require.Equal(t, accessdb.Post{Node: "DE"}, f.post)
	require.Zero(t, admin("--as", "pia", "absence", "add", "tom", "--from", "2026-12-24", "--to", "2026-12-31").status)
	require.Equal(t, accessdb.Absence{UserID: "tom", From: "2026-12-24", To: "2026-12-31"}, f.absent)
	require.Zero(t, admin("--as", "ulf", "person", "set", "rita", "--manager", "uta").status)
	require.Equal(t, accessdb.User{ID: "rita", Name: "Rita", Roles: []kam.Role{kam.SalesRep}, Nodes: []string{"DE-N-01"}, ManagerID: "uta"}, f.person, "the rest stays")
	f.answer = accessdb.OrgChange{What: "nora is sales_rep", Pending: true, Proposal: "P-000007", Second: []kam.Role{kam.UserAdmin}}
	got = admin("--as", "ulf", "person", "add", "nora", "--name", "Nora", "--role", "sales_rep", "--node", "DE")
	require.Contains(t, got.out, "A second user admin completes it")
	require.Equal(t, accessdb.User{ID: "nora", Name: "Nora", Roles: []kam.Role{kam.SalesRep}, Nodes: []string{"DE"}}, f.person)
	f.person = accessdb.User{}
	require.Zero(t, admin("--as", "rita", "person", "set", "tom", "--name", "Tim").status)
	require.Equal(t, kam.UserID("tom"), f.person.ID, "who may not read people is refused by the change, on record")
	got = admin("--as", "ulf", "person", "leave", "tom", "--json")
	var c accessdb.OrgChange
	require.NoError(t, json.Unmarshal([]byte(got.out), &c))
	require.True(t, c.Pending)
}

func TestValuesAreReadable(t *testing.T) {
	for given, want := range map[string][]string{
		"":                       {""},
		"140000 EUR":             {"140000 EUR"},
		`["One","Two"]`:          {"One", "Two"},
		`{"b":2,"a_c":0}`:        {"b 2, a c 0"},
		`[{"name":"Ada","x":1}]`: {"Ada, x 1"},
		`[{"m":{"amount":"5.00","currency":"EUR"},"n":null,"l":[1,2]}]`: {"m 5.00 EUR, n , l 1, 2"},
		"[not JSON": {"[not JSON"},
		"[]":        {},
	} {
		require.Equal(t, want, lines(given), given)
	}
}

// TestStrangersReadNoCase: history and explain follow the permissions of show;
// an operator follows what happened without the data.
func TestStrangersReadNoCase(t *testing.T) {
	f := told()
	f.nodes = []kam.TerritoryNode{{Code: "DE-N-01", Level: kam.LevelTerritory}, {Code: "AT", Level: kam.LevelCountry}}
	f.people = map[kam.UserID]kam.Person{
		"rita": {ID: "rita", Roles: []kam.Role{kam.SalesRep}, Nodes: []string{"DE-N-01"}, Active: true},
		"otto": {ID: "otto", Roles: []kam.Role{kam.SalesRep}, Nodes: []string{"AT"}, Active: true},
		"gone": {ID: "gone", Roles: []kam.Role{kam.Auditor}},
		"olaf": {ID: "olaf", Roles: []kam.Role{kam.Operator}, Active: true},
	}
	for _, tt := range []struct {
		as, verb string
		status   int
	}{
		{"rita", "history", exitDone}, {"rita", "explain", exitDone},
		{"otto", "history", exitRefused}, {"otto", "explain", exitRefused},
		{"gone", "history", exitRefused}, {"gone", "explain", exitRefused},
		{"olaf", "history", exitDone}, {"olaf", "explain", exitRefused},
	} {
		got := run(t, f, "--as", tt.as, tt.verb, string(theCase))
		require.Equal(t, tt.status, got.status, "%s %s: %s", tt.as, tt.verb, got.err)
	}
}

// TestAskedFor: a task that names its fields in the note names each once.
func TestAskedFor(t *testing.T) {
	for _, c := range []struct {
		fields     []string
		note, want string
	}{
		{[]string{"parent_customer_id"}, "VH02 parent_customer_id: a customer is not its own parent; name another parent", "VH02 parent_customer_id: a customer is not its own parent; name another parent"},
		{[]string{"city", "legal_name"}, "legal_name: has 1 character [VF02]; give 2 to 200 characters", "city legal_name: has 1 character [VF02]; give 2 to 200 characters"},
		{[]string{"declared_potential"}, "What can we win of it?", "declared_potential What can we win of it?"},
		{[]string{"city", "street"}, "", "city, street"},
	} {
		require.Equal(t, c.want, english.askedFor(onboarding.Snapshot{Task: &kam.Task{Fields: c.fields, Note: c.note}}))
	}
}

// TestFindingsOfOldRecords: what v0.2.0 stored named field and rule within the
// message, too.
func TestFindingsOfOldRecords(t *testing.T) {
	f := waiting()
	f.view.Findings = []customer.Finding{
		{RuleID: "VH02", Severity: kam.SeverityError, Field: "parent_customer_id", Message: "parent_customer_id: a customer is not its own parent [VH02]; name another parent"},
		{RuleID: "VF03", Severity: kam.SeverityError, Field: "legal_name", Message: "\"N/A\" is not a name; give the name of the register"},
	}
	f.view.Opening.Findings = []customer.Finding{{RuleID: "VF02", Severity: kam.SeverityWarning, Field: "annual_turnover", Message: "annual_revenue 1.500 EUR: left out"}}
	got := start(t, f, "", false, "show", "KAM-2026-000007")
	require.Zero(t, got.status, got.err)
	require.Equal(t, 1, strings.Count(got.out, "parent_customer_id"), got.out)
	require.Equal(t, 1, strings.Count(got.out, "VH02"), got.out)
	require.Contains(t, got.out, "Found at import")
	require.Contains(t, got.out, "annual_revenue 1.500 EUR: left out")
}
