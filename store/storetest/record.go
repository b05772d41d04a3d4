package storetest

import (
	"context"
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/kamflow/kamflow/internal/parties"
	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/access"
	"github.com/kamflow/kamflow/kam/customer"
	"github.com/kamflow/kamflow/kam/onboarding"
	"github.com/kamflow/kamflow/kam/rules"
	"github.com/kamflow/kamflow/store"
	accessdb "github.com/kamflow/kamflow/store/access"
	"github.com/kamflow/kamflow/store/customer/merge"
	"github.com/kamflow/kamflow/store/ledger"
	casedb "github.com/kamflow/kamflow/store/onboarding"
)

// Noon is when tests play.
var Noon = time.Date(2026, 9, 14, 12, 0, 0, 123456789, time.UTC)

// Data reads request data.
func Data(t testing.TB, text string) customer.RequestData {
	t.Helper()
	var d customer.RequestData
	require.NoError(t, json.Unmarshal([]byte(text), &d))
	return d
}

// Nordwind is a request with all that its screening needs, and a contact.
const Nordwind = `{"legal_name":"Nordwind Klinik GmbH","country_code":"DE","city":"Hamburg","postal_code":"20095",
	"street":"Am Wall 1","identifiers":[{"scheme":"VAT_EU","value":"DE136695976"}],
	"contacts":[{"name":"Ada Berg","decision_role":"DECIDER","email":"ada@Nordwind.example"}]}`

// NewCase allots a case and opens it.
func NewCase(t testing.TB, s *store.Store, key string) kam.CaseNo {
	t.Helper()
	no, created, err := s.Cases.Allot(t.Context(), casedb.Request{Key: key, Type: kam.NewCase, Requester: "rita", Data: Data(t, Nordwind)})
	require.NoError(t, err)
	require.True(t, created)
	_, err = s.Cases.Effect(t.Context(), Engine(no, 1, 0), func(_ context.Context, tx *casedb.Tx) error {
		r, err := tx.Opening()
		if err != nil {
			return err
		}
		if err := tx.SaveRevision(r.Data, r.Requester); err != nil {
			return err
		}
		tx.Case.State, tx.Case.Step = onboarding.DataEntry, "1.2.1a"
		tx.Log(kam.AuditEvent{Type: kam.EventCaseOpened, To: string(onboarding.DataEntry)})
		return tx.OpenTask(kam.Task{Kind: onboarding.TaskDataEntry, Assignees: []kam.UserID{"rita"}})
	})
	require.NoError(t, err)
	return no
}

// Engine is an effect of the engine on a case.
func Engine(no kam.CaseNo, seq, known int64) ledger.Effect {
	return ledger.Effect{Subject: casedb.Of(no), Key: fmt.Sprintf("seq/%d", seq), Digest: fmt.Sprintf("d%d", seq), Known: known, At: Noon}
}

// ActOn is an act of a person on a case.
func ActOn(no kam.CaseNo, id string, known int64) ledger.Effect {
	return ledger.Effect{Subject: casedb.Of(no), Key: "act/" + id, Digest: "digest of " + id, Known: known, People: true, At: Noon, By: "mona"}
}

// Comment is what an effect may do: an event and a message.
func Comment(_ context.Context, tx *casedb.Tx) error {
	tx.Log(kam.AuditEvent{Type: kam.EventCommented, Actor: "mona", Text: "seen"})
	return tx.Publish(ledger.Message{Kind: "commented", To: []kam.UserID{"rita"}, Subject: "A comment"})
}

// Count reads a number.
func Count(t testing.TB, s *store.Store, sql string, args ...any) int {
	t.Helper()
	var n int
	require.NoError(t, Pool(t, s).QueryRow(t.Context(), sql, args...).Scan(&n))
	return n
}

// Within runs fn in an effect of the engine, whatever the case's version is.
func Within(t testing.TB, s *store.Store, no kam.CaseNo, fn func(tx *casedb.Tx)) {
	t.Helper()
	c, err := s.Cases.Case(t.Context(), no)
	require.NoError(t, err)
	_, err = s.Cases.Effect(t.Context(), Engine(no, c.Version+1, c.Version), func(_ context.Context, tx *casedb.Tx) error {
		fn(tx)
		return nil
	})
	require.NoError(t, err)
}

// Month is the first day of a month.
func Month(y int, m time.Month) *time.Time {
	t := time.Date(y, m, 1, 0, 0, 0, 0, time.UTC)
	return &t
}

// Text reads a text.
func Text(t testing.TB, s *store.Store, sql string, args ...any) string {
	t.Helper()
	var out string
	require.NoError(t, Pool(t, s).QueryRow(context.Background(), sql, args...).Scan(&out))
	return out
}

// Breaks are the chains that do not hold.
func Breaks(t testing.TB, s *store.Store) []ledger.Break {
	t.Helper()
	var all []ledger.Break
	require.NoError(t, s.Chains(t.Context(), func(c ledger.Chain) error {
		if b, ok := c.Verify(); !ok {
			all = append(all, b)
		}
		return nil
	}))
	return all
}

// Sample is a small organisation.
var Sample = accessdb.Org{
	Users: []accessdb.User{
		{ID: "gina", Name: "Gina", Roles: []kam.Role{kam.GlobalManager}, Nodes: []string{"W"}},
		{ID: "mona", Name: "Mona", Roles: []kam.Role{kam.TerritoryManager}, Nodes: []string{"DE-HH"}, ManagerID: "gina"},
		{ID: "rita", Name: "Rita", Roles: []kam.Role{kam.SalesRep}, Nodes: []string{"DE-HH"}, ManagerID: "mona"},
		{ID: "dora", Name: "Dora", Roles: []kam.Role{kam.DataSteward}, Nodes: []string{"DE"}},
		{ID: "olaf", Name: "Olaf", Roles: []kam.Role{kam.Operator}},
		{ID: "away", Name: "Left", Roles: []kam.Role{kam.DataSteward}, Inactive: true},
	},
	Nodes: []accessdb.Node{
		{Code: "W", Level: kam.LevelGlobal, ManagerID: "gina", Calendar: "utc"},
		{Code: "DE", Level: kam.LevelCountry, Parent: "W"},
		{Code: "DE-N", Level: kam.LevelRegion, Parent: "DE"},
		{Code: "DE-HH", Level: kam.LevelTerritory, Parent: "DE-N", ManagerID: "mona"},
		{Code: "FR", Level: kam.LevelCountry, Parent: "W"},
	},
	Calendars: []accessdb.CalendarRow{{Code: "utc", TimeZone: "UTC", Opens: "09:00", Closes: "17:00", Weekend: []string{"saturday", "sunday"}, Holidays: []string{"2026-12-25"},
		Hours: map[string]string{"friday": "09:00-15:00"}, HalfDays: []string{"2026-12-24"}}},
	AssignmentRules: []accessdb.AssignmentRule{{Kind: accessdb.AreaRule, Country: "DE", PostalPrefix: "20", Territory: "DE-HH"}},
	BlockedParties:  []accessdb.BlockedParty{{Ref: "B1", Name: "Bad Actor", Country: "DE"}},
	Groups:          []accessdb.Group{{ID: "G-1", Name: "Nordwind"}},
	FinanceHolds:    []accessdb.Hold{{Scheme: kam.SchemeVATEU, Value: "de136695976"}, {GroupID: "G-9"}},
	Absences:        []accessdb.Absence{{UserID: "mona", From: "2026-09-14", To: "2026-09-18"}},
}

// Planner is what the service gives the store.
var Planner = merge.Planner{
	May: func(who kam.Person) (kam.Role, error) {
		return access.Permit(who, access.ActionMerge, access.Subject{})
	},
	NotOwn: customer.NotOwnAccount, Merge: rules.PlanMerge, Split: rules.PlanSplit, Keys: parties.Keys, HaveOne: parties.HaveOne,
}
