package erase_test

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/kamflow/kamflow/internal/parties"
	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/access"
	"github.com/kamflow/kamflow/kam/book"
	"github.com/kamflow/kamflow/kam/customer"
	"github.com/kamflow/kamflow/kam/onboarding"
	"github.com/kamflow/kamflow/store"
	accessdb "github.com/kamflow/kamflow/store/access"
	bookdb "github.com/kamflow/kamflow/store/book"
	customerdb "github.com/kamflow/kamflow/store/customer"
	"github.com/kamflow/kamflow/store/customer/erase"
	"github.com/kamflow/kamflow/store/customer/merge"
	"github.com/kamflow/kamflow/store/ledger"
	casedb "github.com/kamflow/kamflow/store/onboarding"
	"github.com/kamflow/kamflow/store/storetest"
)

const canaryFull = `{"name":"Canary Person","function":"Head of canaries","decision_role":"DECIDER","email":"Canary@x.example","phone":"+49309998877"}`

func mayErase(who kam.Person) (kam.Role, error) {
	return access.Permit(who, access.ActionEraseContact, access.Subject{})
}

// erasing is a store whose organisation has somebody who may erase.
func erasing(t testing.TB) *store.Store {
	t.Helper()
	s := storetest.New(t)
	org := storetest.Sample
	org.Users = append(slices.Clone(storetest.Sample.Users), accessdb.User{ID: "cora", Name: "Cora", Roles: []kam.Role{kam.ComplianceRole}}, accessdb.User{ID: "aude", Name: "Aude", Roles: []kam.Role{kam.Auditor}})
	require.NoError(t, storetest.LoadOrg(t.Context(), s, org))
	return s
}

func customerWith(t testing.TB, no, name, vat string, contacts ...string) customerdb.BookCustomer {
	d := storetest.Data(t, fmt.Sprintf(`{"legal_name":%q,"country_code":"DE","city":"Hamburg","postal_code":"20095","street":"Am Wall %s",
		"identifiers":[{"scheme":"VAT_EU","value":%q}],"contacts":[%s]}`, name, no, vat, strings.Join(contacts, ",")))
	return customerdb.BookCustomer{CustomerNo: no, Data: d, Keys: parties.Keys(d)}
}

func chainsHold(t testing.TB, s *store.Store) {
	t.Helper()
	require.NoError(t, s.Chains(t.Context(), func(c ledger.Chain) error {
		b, ok := c.Verify()
		require.True(t, ok, b)
		return nil
	}))
}

// canaries puts one person into every place that a contact can come to.
func canaries(t testing.TB, s *store.Store) (change, appeal kam.CaseNo) {
	t.Helper()
	ctx := t.Context()
	require.NoError(t, s.Customers.Load(ctx, storetest.Act(), []customerdb.BookCustomer{
		customerWith(t, "C-000001", "Nordwind Klinik GmbH", "DE136695976", canaryFull, `{"name":"Other Body","decision_role":"USER","email":"other@x.example"}`),
		customerWith(t, "C-000002", "Elbklinik", "DE811569869", `{"name":"canary  person","decision_role":"BUYER"}`),
		customerWith(t, "C-000003", "Far Away AG", "DE129273398", `{"name":"Canary Person","decision_role":"BUYER","email":"namesake@y.example"}`),
		customerWith(t, "C-000004", "Second Post AG", "DE143593636", canaryFull),
	}))
	order := merge.Order{Survivor: "C-000001", Absorbed: "C-000002", ExpectSurvivor: 1, ExpectAbsorbed: 1, Reason: "Canary Person says so", By: "dora", DecisionID: "d-merge", At: storetest.Noon,
		Choice: customer.MergeChoice{Keep: []customer.Identifier{{Scheme: kam.SchemeVATEU, Value: "DE136695976"}}}}
	_, err := s.Merges.Merge(ctx, order, storetest.Planner)
	require.NoError(t, err)
	split, err := s.Merges.Split(ctx, merge.SplitOrder{CustomerNo: "C-000004", ExpectVersion: 1, Reason: "two", By: "dora", DecisionID: "d-split", At: storetest.Noon,
		Choice: customer.SplitChoice{LegalName: "Nordwind Labor GmbH", Street: "Kai 9", City: "Hamburg", PostalCode: "20457", Contacts: []int{1}}}, storetest.Planner)
	require.NoError(t, err)
	moved, err := s.Customers.Customer(ctx, split.OtherNo)
	require.NoError(t, err)
	require.Equal(t, "Canary Person", moved.Data.Contacts[0].Name)
	require.Equal(t, "C-000005", split.OtherNo)
	onCase := func(r casedb.Request) kam.CaseNo {
		no, _, err := s.Cases.Allot(ctx, r)
		require.NoError(t, err)
		storetest.Within(t, s, no, func(tx *casedb.Tx) {
			o, err := tx.Opening()
			require.NoError(t, err)
			require.NoError(t, tx.SaveRevision(o.Data, "rita"))
			tx.Case.State = onboarding.DataEntry
			tx.Log(kam.AuditEvent{Type: kam.EventCaseOpened, To: string(onboarding.DataEntry)})
		})
		return no
	}
	d := storetest.Data(t, `{"legal_name":"Nordwind Klinik GmbH","country_code":"DE","justification":"Canary Person asked, write to canary@x.example or 030: +49 30 999 88 77","contacts":[`+canaryFull+`]}`)
	change = onCase(casedb.Request{Key: "change", Type: kam.Modify, Requester: "rita", CustomerNo: "C-000001", Data: d})
	appeal = onCase(casedb.Request{Key: "appeal", Type: kam.NewCase, Requester: "rita", AppealOf: change, Data: d})
	converted := onCase(casedb.Request{Key: "new", Type: kam.NewCase, Requester: "rita", Data: d})
	storetest.Within(t, s, converted, func(tx *casedb.Tx) { // convert_to_modify
		tx.Case.Type, tx.Case.CommittedAs = kam.Modify, "C-000001"
		tx.Log(kam.AuditEvent{Type: kam.EventDuplicateResolved})
	})
	storetest.Within(t, s, change, func(tx *casedb.Tx) {
		c, err := customerdb.In(tx.Entry).Customer("C-000001")
		require.NoError(t, err)
		require.NoError(t, tx.SaveFact(casedb.FactBase, casedb.Base{Contacts: parties.ContactsDigest(c.Data.Contacts)}))
		amended := d
		amended.Contacts = []customer.Contact{{Name: "CANARY PERSON", DecisionRole: "DECIDER", Phone: "+49309998877"}}
		require.NoError(t, tx.SaveRevision(amended, "rita"))
		tx.Log(kam.AuditEvent{Type: kam.EventCommented, Actor: "rita", Text: "Called Canary Person today."})
		require.NoError(t, tx.Publish(ledger.Message{Kind: "commented", Subject: "rita: call Canary Person", Data: map[string]string{"text": "canary@x.example"}}))
	})
	for _, id := range []string{"decision-1", "decision-2"} {
		_, err := s.Cases.StageData(ctx, change, id, d)
		require.NoError(t, err)
	}
	c, err := s.Cases.Case(ctx, change)
	require.NoError(t, err)
	p, err := s.Cases.Effect(ctx, storetest.ActOn(change, "decision-2", c.Version), func(context.Context, *casedb.Tx) error {
		return kam.Errorf(kam.Forbidden, "Canary Person may not")
	})
	require.NoError(t, err)
	require.NotNil(t, p.Refused)

	rows := func(yield func(bookdb.Row, error) bool) {
		var contact customer.Contact
		require.NoError(t, json.Unmarshal([]byte(canaryFull), &contact))
		yield(bookdb.Row{No: 1, Line: 2, ReadAs: book.RowReady, CustomerNo: "C-000001", Data: json.RawMessage(`{}`), Contacts: []customer.Contact{contact}}, nil)
	}
	_, _, err = s.Books.Upload(ctx, bookdb.Upload{Key: "book", Content: "c", By: "dora", At: storetest.Noon, Rows: rows, Facts: iter.Seq2[bookdb.Fact, error](func(func(bookdb.Fact, error) bool) {})})
	require.NoError(t, err)
	return change, appeal
}

// TestContactIsErasedFromEveryTable, on record, and nobody else is.
func TestContactIsErasedFromEveryTable(t *testing.T) {
	t.Parallel()
	s := erasing(t)
	ctx := t.Context()
	change, appeal := canaries(t, s)
	order := erase.Order{Subject: "C-000001", Email: "canary@X.example", Order: "ticket 4711", By: "cora", DryRun: true}
	would, err := s.Erasures.Contact(ctx, order, mayErase, nil)
	require.NoError(t, err)
	require.True(t, would.DryRun)
	require.Empty(t, would.No)
	require.NotEmpty(t, storetest.Holding(t, s, "canary@x.example"))
	require.Zero(t, storetest.Count(t, s, `select count(*) from kam.erasure`))
	require.Zero(t, storetest.Count(t, s, `select count(*) from kam.audit where type = 'DATA_ERASED'`))

	order.DryRun = false
	done, err := s.Erasures.Contact(ctx, order, mayErase, nil)
	require.NoError(t, err)
	require.Equal(t, "E-000001", done.No)
	require.Equal(t, would.Places, done.Places, "the preview is what is done")
	require.Equal(t, would.Left, done.Left)
	require.Contains(t, done.Places, erase.ErasedPlace{Subject: appeal, What: "contacts of the request", Count: 1})
	require.Contains(t, done.Places, erase.ErasedPlace{Subject: "customer/C-000005", What: "contacts of the customer", Count: 1})
	require.Contains(t, done.Places, erase.ErasedPlace{Subject: "customer/C-000002", What: "contacts kept to undo a merge", Count: 1})
	require.Contains(t, done.Places, erase.ErasedPlace{Subject: "import/B-000001", What: "contacts of an import that waits", Count: 1})
	require.Contains(t, done.Places, erase.ErasedPlace{Subject: change, What: "contacts sent with an act", Count: 2})

	require.NoError(t, storetest.Exec(t, s, `delete from kam.contact where owner = 'C-000003'`), "the namesake, who stays")
	require.Empty(t, storetest.Holding(t, s, "canary@x.example"))
	require.Empty(t, storetest.Holding(t, s, "9998877"))
	require.Empty(t, storetest.Holding(t, s, "head of canaries"))
	require.Equal(t, []string{"audit"}, storetest.Holding(t, s, "canary"), "the trail is chained")
	named := storetest.Count(t, s, `select count(*) from kam.audit where lower(text) like '%canary%'`)
	left := slices.DeleteFunc(slices.Clone(done.Left), func(l erase.ErasureStays) bool { return l.Where != "audit trail" })
	require.Len(t, left, named, "each of its places is listed")
	require.NotEmpty(t, left)
	chainsHold(t, s)
	require.Equal(t, 1, storetest.Count(t, s, `select count(*) from kam.audit where type = 'DATA_ERASED' and case_no = $1`, change))
	require.Equal(t, 1, storetest.Count(t, s, `select count(*) from kam.audit where type = 'DATA_ERASED' and case_no = 'customer/C-000001'`))

	c, err := s.Customers.Customer(ctx, "C-000001")
	require.NoError(t, err)
	require.Contains(t, c.Data.Contacts, customer.Contact{Name: "Other Body", DecisionRole: "USER", Email: "other@x.example"})
	require.Contains(t, c.Data.Contacts, customer.Contact{Name: "[erased E-000001]", DecisionRole: "DECIDER"})
	storetest.Within(t, s, change, func(tx *casedb.Tx) { // the case goes on
		d, err := tx.Request()
		require.NoError(t, err)
		require.Empty(t, customer.CheckForm(d, customer.Detail))
		require.Len(t, d.Contacts, 1)
		staged, _, err := tx.Staged("decision-1")
		require.NoError(t, err)
		require.Equal(t, "[erased E-000001]", staged.Contacts[0].Name)
		tx.Log(kam.AuditEvent{Type: kam.EventAmended})
	})
	b, ok, err := s.Cases.BaseOf(ctx, change)
	require.NoError(t, err)
	require.True(t, ok)
	require.NotEmpty(t, b.Contacts)

	events := storetest.Count(t, s, `select count(*) from kam.audit`)
	again, err := s.Erasures.Contact(ctx, order, mayErase, nil)
	require.NoError(t, err)
	require.True(t, again.Again)
	require.Equal(t, "E-000001", again.No)
	require.Empty(t, again.Places)
	require.Equal(t, done.At, again.At)
	require.Equal(t, events, storetest.Count(t, s, `select count(*) from kam.audit`), "twice is once")

	_, err = s.Cases.StageData(ctx, change, "decision-9", storetest.Data(t, `{"contacts":[`+canaryFull+`]}`))
	require.NoError(t, err)
	more, err := s.Erasures.Contact(ctx, order, mayErase, nil)
	require.NoError(t, err)
	require.Equal(t, "E-000001", more.No)
	require.Equal(t, []erase.ErasedPlace{{Subject: change, What: "contacts sent with an act", Count: 1}}, more.Places)
	all, err := s.Erasures.List(ctx)
	require.NoError(t, err)
	require.Len(t, all, 1)
	require.Equal(t, "ticket 4711", all[0].Order)
	require.True(t, all[0].LastAt.After(all[0].At))
	chainsHold(t, s)
}

// TestErasedContactIsNoChange of the customer that an open case works on.
func TestErasedContactIsNoChange(t *testing.T) {
	t.Parallel()
	s := erasing(t)
	change, _ := canaries(t, s)
	_, err := s.Erasures.Contact(t.Context(), erase.Order{Subject: "C-000001", Name: "canary person", Order: "t", By: "cora"}, mayErase, nil)
	require.NoError(t, err)
	b, _, err := s.Cases.BaseOf(t.Context(), change)
	require.NoError(t, err)
	c, err := s.Customers.Customer(t.Context(), "C-000001")
	require.NoError(t, err)
	require.Equal(t, parties.ContactsDigest(c.Data.Contacts), b.Contacts)
}

// TestNoActCarriesTheContactPastTheOrder: an effect that has read the contact
// ends first, and what it has written is erased too.
func TestNoActCarriesTheContactPastTheOrder(t *testing.T) {
	t.Parallel()
	s := erasing(t)
	no := storetest.NewCase(t, s, "k")
	erased := make(chan error, 1)
	storetest.Within(t, s, no, func(tx *casedb.Tx) {
		d, err := tx.Request()
		require.NoError(t, err)
		require.Equal(t, "Ada Berg", d.Contacts[0].Name)
		go func() {
			_, err := s.Erasures.Contact(context.WithoutCancel(t.Context()), erase.Order{Subject: string(no), Email: "ada@nordwind.example", Order: "ticket 3", By: "cora"}, mayErase, nil)
			erased <- err
		}()
		require.Eventually(t, func() bool {
			return storetest.Count(t, s, `select count(*) from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()`) > 0
		}, 20*time.Second, 10*time.Millisecond, "the order waits for the act")
		require.NoError(t, tx.SaveRevision(d, "rita"))
		tx.Log(kam.AuditEvent{Type: kam.EventAmended})
	})
	require.NoError(t, <-erased)
	require.Empty(t, storetest.Holding(t, s, "ada@nordwind.example"))
	require.Empty(t, storetest.Holding(t, s, "Ada Berg"))
	r, err := s.Cases.Revisions(t.Context(), no)
	require.NoError(t, err)
	require.Len(t, r, 2)
	chainsHold(t, s)
}

func TestWhoIsMeant(t *testing.T) {
	t.Parallel()
	const (
		ann   = `{"name":"Ann Berg","decision_role":"USER","email":"ann@x.example"}`
		annNo = `{"name":"ann  berg","decision_role":"BUYER"}`
		bob   = `{"name":"Bob Lund","decision_role":"USER","email":"ANN@x.example"}`
		annY  = `{"name":"Ann Berg","decision_role":"USER","email":"ann@y.example"}`
		han   = `{"name":"王小明","decision_role":"USER"}`
	)
	for name, tt := range map[string]struct {
		mine, theirs []string
		order        erase.Order
		gone, gone2  []int // positions
		code         kam.Code
		others       int
	}{
		"ByMail":            {[]string{ann, annY}, []string{ann, annNo}, erase.Order{Email: "Ann@X.example"}, []int{0}, []int{0}, "", 1},
		"ByMailAndNoMail":   {[]string{annNo, ann}, []string{annNo}, erase.Order{Email: "ann@x.example"}, []int{0, 1}, nil, "", 0},
		"ByName":            {[]string{ann, annNo, annY}, []string{annNo, ann}, erase.Order{Name: " ANN  berg"}, []int{0, 1, 2}, []int{1}, "", 0},
		"SharedMailbox":     {[]string{ann, bob}, nil, erase.Order{Email: "ann@x.example"}, nil, nil, kam.Invalid, 0},
		"SharedWithName":    {[]string{ann, bob}, []string{bob}, erase.Order{Email: "ann@x.example", Name: "Bob Lund"}, []int{1}, []int{0}, "", 1},
		"Han":               {[]string{han, ann}, nil, erase.Order{Name: "王小明"}, []int{0}, nil, "", 0},
		"PartOfAName":       {[]string{ann}, nil, erase.Order{Name: "Ann"}, nil, nil, kam.NotFound, 0},
		"PartOfAMail":       {[]string{ann}, nil, erase.Order{Email: "nn@x.example"}, nil, nil, kam.NotFound, 0},
		"Nobody":            {[]string{ann}, nil, erase.Order{}, nil, nil, kam.Invalid, 0},
		"NoOrder":           {[]string{ann}, nil, erase.Order{Name: "Ann Berg", Order: " "}, nil, nil, kam.Invalid, 0},
		"OrderNamesTheMail": {[]string{ann}, nil, erase.Order{Name: "Ann Berg", Order: "mail of ann@x.example"}, nil, nil, kam.Invalid, 0},
		"OrderNamesHim":     {[]string{ann}, nil, erase.Order{Email: "ann@x.example", Order: "letter of ann berg"}, nil, nil, kam.Invalid, 0},
		"NoSuchCustomer":    {[]string{ann}, nil, erase.Order{Subject: "C-9", Name: "Ann Berg"}, nil, nil, kam.NotFound, 0},
		"MayNot":            {[]string{ann}, nil, erase.Order{Name: "Ann Berg", By: "dora"}, nil, nil, kam.Forbidden, 0},
		"Unknown":           {[]string{ann}, nil, erase.Order{Name: "Ann Berg", By: "nobody"}, nil, nil, kam.Forbidden, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := erasing(t)
			require.NoError(t, s.Customers.Load(t.Context(), storetest.Act(), []customerdb.BookCustomer{
				customerWith(t, "C-000001", "Mine AG", "DE136695976", tt.mine...), customerWith(t, "C-000002", "Theirs AG", "DE811569869", tt.theirs...),
			}))
			o := tt.order
			if o.Subject == "" {
				o.Subject = "C-000001"
			}
			if o.By == "" {
				o.By = "cora"
			}
			if o.Order == "" {
				o.Order = "ticket 1"
			}
			r, err := s.Erasures.Contact(t.Context(), o, mayErase, nil)
			require.Equal(t, tt.code, kam.CodeOf(err), err)
			if err != nil {
				require.NotContains(t, strings.ToLower(err.Error()), "ann", "an error is kept in logs")
			}
			for no, want := range map[string][]int{"C-000001": tt.gone, "C-000002": tt.gone2} {
				c, err := s.Customers.Customer(t.Context(), no)
				require.NoError(t, err)
				var gone []int
				for i, x := range c.Data.Contacts {
					if x.Name == "[erased "+r.No+"]" {
						gone = append(gone, i)
						require.Empty(t, x.Email+x.Phone+x.Function)
					}
				}
				require.Equal(t, want, gone, no)
			}
			require.Len(t, r.Left, tt.others)
			refused := storetest.Count(t, s, `select count(*) from kam.audit where type = 'DECISION_REFUSED' and case_no = 'erasure'`)
			require.Equal(t, tt.code == kam.Forbidden, refused == 1)
			chainsHold(t, s)
		})
	}
}

// TestTextsThatNameSomebodyElse stay, and so do the fields that name the customer.
func TestTextsThatNameSomebodyElse(t *testing.T) {
	t.Parallel()
	s := erasing(t)
	d := storetest.Data(t, `{"legal_name":"Dr. Ann Berg","country_code":"DE","phone":"+49301112223","justification":"Ann Berg-Ost and Joann Berg and joann@x.example, not Ann\nBerg; her number is +49 30 111 222-3, not 493011122234",
		"contacts":[{"name":"Ann Berg","decision_role":"DECIDER","email":"ann@x.example","phone":"+49301112223"}]}`)
	no, _, err := s.Cases.Allot(t.Context(), casedb.Request{Key: "k", Type: kam.NewCase, Requester: "rita", Data: d})
	require.NoError(t, err)
	storetest.Within(t, s, no, func(tx *casedb.Tx) {
		require.NoError(t, tx.SaveRevision(d, "rita"))
		tx.Log(kam.AuditEvent{Type: kam.EventCaseOpened, To: string(onboarding.DataEntry)})
	})
	r, err := s.Erasures.Contact(t.Context(), erase.Order{Subject: string(no), Email: "ann@x.example", Order: "ticket 2", By: "cora"}, mayErase, nil)
	require.NoError(t, err)
	got, err := s.Cases.Revisions(t.Context(), no)
	require.NoError(t, err)
	require.Equal(t, "Dr. Ann Berg", got[0].Data.LegalName)
	require.Equal(t, "+49301112223", got[0].Data.Phone)
	require.Equal(t, "Ann Berg-Ost and Joann Berg and joann@x.example, not [erased E-000001]; her number is [erased E-000001], not 493011122234", got[0].Data.Justification)
	require.Contains(t, r.Left, erase.ErasureStays{Subject: no, Where: "legal_name"})
	require.Contains(t, r.Left, erase.ErasureStays{Subject: no, Where: "phone"})
	require.NoError(t, storetest.Exec(t, s, `insert into kam.person (user_id, name, email, roles, nodes, manager_id, active) values ('bob@x.example', 'Bob', '', '{}', '{}', '', true)`))
	d.Contacts[0].Email, d.RequestedOwnerID = "bob@x.example", "bob@x.example"
	_, err = s.Cases.StageData(t.Context(), no, "decision-3", d)
	require.NoError(t, err)
	r, err = s.Erasures.Contact(t.Context(), erase.Order{Subject: string(no), Email: "bob@x.example", Order: "ticket 3", By: "cora"}, mayErase, nil)
	require.NoError(t, err)
	storetest.Within(t, s, no, func(tx *casedb.Tx) {
		staged, _, err := tx.Staged("decision-3")
		require.NoError(t, err)
		require.Equal(t, kam.UserID("bob@x.example"), staged.RequestedOwnerID, "an id of a colleague is no text")
		require.Empty(t, staged.Contacts[0].Email)
		tx.Log(kam.AuditEvent{Type: kam.EventAmended})
	})
}
