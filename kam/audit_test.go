package kam_test

import (
	"fmt"
	"reflect"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/kamflow/kamflow/kam"
)

func chain(n int) []kam.AuditEvent {
	var events []kam.AuditEvent
	prev := ""
	for i := range n {
		e := kam.AuditEvent{CaseNo: "KAM-2026-000001", Seq: int64(i + 1), At: time.UnixMicro(int64(1e15 + i)), DBAt: time.UnixMicro(int64(2e15 + i)),
			Actor: "rep", OnBehalfOf: "boss", RolesUsed: []kam.Role{kam.SalesRep, kam.KeyAccountManager}, Type: kam.EventDataSubmitted, Step: "1.2.1a",
			From: "DATA_ENTRY", To: "DECIDING", Revision: i, MaterialHash: "m", PolicyVersion: 1, DecisionID: fmt.Sprint("d", i),
			ReasonCode: "OTHER", Text: "text", PayloadDigest: "p", PrevHash: prev}
		e.Hash = e.ComputeHash()
		prev = e.Hash
		events = append(events, e)
	}
	return events
}

// TestAuditChainShowsEveryChange alters each field of one event in turn.
func TestAuditChainShowsEveryChange(t *testing.T) {
	t.Parallel()
	_, why, ok := kam.VerifyChain(chain(5))
	require.True(t, ok, why)
	for _, f := range reflect.VisibleFields(reflect.TypeFor[kam.AuditEvent]()) {
		events := chain(5)
		v := reflect.ValueOf(&events[2]).Elem().FieldByName(f.Name)
		switch x := v.Addr().Interface().(type) {
		case *time.Time:
			*x = x.Add(time.Microsecond)
		case *[]kam.Role:
			*x = []kam.Role{kam.SalesRep + kam.KeyAccountManager}
		case *bool:
			*x = !*x
		case *int, *int64:
			v.SetInt(v.Int() + 1)
		default:
			v.SetString(v.String() + "x")
		}
		broken, why, ok := kam.VerifyChain(events)
		require.False(t, ok, "%s may be changed unseen", f.Name)
		require.NotEmpty(t, why)
		require.Equal(t, events[2].Seq, broken.Seq, f.Name)
	}
}

func TestAuditChainShowsMissingAndMovedEvents(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func([]kam.AuditEvent) []kam.AuditEvent{
		"first missing": func(e []kam.AuditEvent) []kam.AuditEvent { return e[1:] },
		"one missing":   func(e []kam.AuditEvent) []kam.AuditEvent { return append(e[:2:2], e[3:]...) },
		"two swapped":   func(e []kam.AuditEvent) []kam.AuditEvent { e[1], e[2] = e[2], e[1]; return e },
		"one twice":     func(e []kam.AuditEvent) []kam.AuditEvent { return append(e[:2:2], e[1:]...) },
		"renumbered": func(e []kam.AuditEvent) []kam.AuditEvent {
			e = append(e[:2:2], e[3:]...)
			for i := range e {
				e[i].Seq = int64(i + 1)
				e[i].Hash = e[i].ComputeHash()
			}
			return e
		},
	} {
		_, _, ok := kam.VerifyChain(change(chain(5)))
		require.False(t, ok, name)
	}
	// The length in front of each field keeps text from moving between fields.
	a, b := kam.AuditEvent{ReasonCode: "AB", Text: "C"}, kam.AuditEvent{ReasonCode: "A", Text: "BC"}
	require.NotEqual(t, a.ComputeHash(), b.ComputeHash())
	// The zone in which a time is read is no part of it.
	e := chain(1)[0]
	e.At, e.DBAt = e.At.In(time.FixedZone("x", 3600)), e.DBAt.UTC()
	require.Equal(t, e.Hash, e.ComputeHash())
}
