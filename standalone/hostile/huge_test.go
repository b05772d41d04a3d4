package hostile

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/common/v1"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/failure/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/converter"

	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/customer"
	"github.com/kamflow/kamflow/kam/onboarding"
	"github.com/kamflow/kamflow/kam/signed/signedtest"
	"github.com/kamflow/kamflow/service"
)

// sizes are those of F26 that Temporal itself lets through: it stops at 2 MiB.
var sizes = []int{32<<10 + 1, 64<<10 + 1, 1945 << 10}

// maxRise is how much memory hostile input may cost the worker, in MiB.
const maxRise = 50

// tooLong are the texts of an act, each by the name under which it is refused.
var tooLong = map[string]func(*onboarding.Act, string){
	"decision_id":     func(a *onboarding.Act, s string) { a.DecisionID = s },
	"by":              func(a *onboarding.Act, s string) { a.By = kam.UserID(s) },
	"decision":        func(a *onboarding.Act, s string) { a.Verdict = onboarding.Verdict(s) },
	"reason":          func(a *onboarding.Act, s string) { a.Reason = s },
	"reason_code":     func(a *onboarding.Act, s string) { a.ReasonCode = s },
	"fields":          func(a *onboarding.Act, s string) { a.Fields = []string{s} },
	"customer_no":     func(a *onboarding.Act, s string) { a.CustomerNo = s },
	"tier":            func(a *onboarding.Act, s string) { a.Tier = kam.Tier(s) },
	"assignee":        func(a *onboarding.Act, s string) { a.Assignee = kam.UserID(s) },
	"owner_id":        func(a *onboarding.Act, s string) { a.OwnerID = kam.UserID(s) },
	"material_hash":   func(a *onboarding.Act, s string) { a.ExpectHash = s },
	"data_digest":     func(a *onboarding.Act, s string) { a.DataDigest = s },
	"release_account": func(a *onboarding.Act, s string) { a.ReleaseAccount = s },
	"same_as":         func(a *onboarding.Act, s string) { a.SameAs = kam.CaseNo(s) },
}

// encoded is an act as a payload, with more in it than belongs there.
func encoded(t *testing.T, a onboarding.Act, more map[string]any) *common.Payloads {
	t.Helper()
	b, err := json.Marshal(a)
	require.NoError(t, err)
	all := map[string]any{}
	require.NoError(t, json.Unmarshal(b, &all))
	for k, v := range more {
		all[k] = v
	}
	p, err := converter.GetDefaultDataConverter().ToPayloads(all)
	require.NoError(t, err)
	return p
}

// refusedAs is the kam error that an update was refused with.
func refusedAs(t *testing.T, f *failure.Failure) *kam.Error {
	t.Helper()
	var e kam.Error
	info := f.GetApplicationFailureInfo()
	require.NotNil(t, info)
	require.NoError(t, converter.GetDefaultDataConverter().FromPayloads(info.GetDetails(), &e))
	return &e
}

// TestHugeActs: text over its bound is refused by the name of its field before
// the history grows, by the client and past it; what is larger than any act,
// before the case hears of it. A signal that a case drops costs its own event.
// None of it costs the worker memory.
func TestHugeActs(t *testing.T) {
	h := open(t)
	now := h.waiting(t)
	id := now.CaseNo.WorkflowID()
	before := h.settled(t, id)
	base, peak := h.worker.rss(t), 0
	refused, dropped := 0, 0
	for _, size := range sizes {
		text := strings.Repeat("x", size)
		for field, put := range tooLong {
			act := confirm(now)
			put(&act, text)
			_, err := h.client.Act(t.Context(), now.CaseNo, act, nil)
			byName(t, field, kam.AsError(err))

			outcome, err := h.update(t.Context(), id, string(act.Name), encoded(t, act, nil))
			if size > maxMessage {
				tooLarge(t, err)
			} else {
				require.NoError(t, err, "%s of %d", field, size)
				require.NotNil(t, outcome.GetFailure(), "%s of %d was taken", field, size)
				byName(t, field, refusedAs(t, outcome.GetFailure()))
			}
			refused += 2
			peak = max(peak, h.worker.rss(t))
		}
	}
	// What is no field of an act is not looked at, but would be kept.
	comment := signedtest.Act(now.CaseNo, onboarding.Act{DecisionID: service.NewDecisionID(), Name: onboarding.ActComment, By: now.Task.Assignees[0], Reason: "I look at it today."}, time.Now())
	padded := encoded(t, comment, map[string]any{"attachment": strings.Repeat("x", sizes[1])})
	outcome, err := h.update(t.Context(), id, string(onboarding.ActComment), padded)
	require.NoError(t, err)
	require.NotNil(t, outcome.GetFailure(), "a comment with an attachment was taken")
	require.Equal(t, kam.Invalid, refusedAs(t, outcome.GetFailure()).Code)
	require.Equal(t, before, h.settled(t, id), "refused updates leave no event")

	for _, size := range sizes {
		long, attached := confirm(now), confirm(now)
		long.Reason = strings.Repeat("x", size)
		attached.By = requester // if it were read it would be stored as refused
		for _, p := range []*common.Payloads{
			encoded(t, long, nil), encoded(t, attached, map[string]any{"attachment": strings.Repeat("x", max(size, sizes[1]))}),
		} {
			err := h.signal(t.Context(), id, string(onboarding.ActDecideConfirmation), p)
			if size > maxMessage {
				tooLarge(t, err)
				continue
			}
			require.NoError(t, err)
			dropped++
			h.settled(t, id)
			peak = max(peak, h.worker.rss(t))
		}
	}
	got := h.kinds(t, id, before)
	require.Equal(t, dropped, got[enums.EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED])
	require.Zero(t, got[enums.EVENT_TYPE_MARKER_RECORDED], "nothing was stored of a signal that is too large")
	t.Logf("%d updates refused without an event, %d signals dropped, larger ones turned away; the worker had %d MiB, at most %d", refused, dropped, base, peak)
	require.LessOrEqual(t, peak-base, maxRise)
	h.honestly(t, now.CaseNo)
}

// maxMessage is what standalone's Temporal lets through.
const maxMessage = 128 << 10

func tooLarge(t *testing.T, err error) {
	t.Helper()
	var invalid *serviceerror.InvalidArgument
	require.ErrorAs(t, err, &invalid)
	require.ErrorContains(t, err, "bytes, more than")
}

func byName(t *testing.T, field string, e *kam.Error) {
	t.Helper()
	require.NotNil(t, e, "%s was taken", field)
	require.Equal(t, kam.Invalid, e.Code, e.Msg)
	require.Equal(t, field, e.Field, e.Msg)
	require.Less(t, len(e.Error()), 600, "the refusal does not quote it")
}

// TestHugeRequests: request data over the bounds of the form are refused by the
// name of the field, at the start before there is a case, and in an act before
// its history grows.
func TestHugeRequests(t *testing.T) {
	h := open(t)
	now := h.waiting(t)
	id := now.CaseNo.WorkflowID()
	before := h.settled(t, id)
	base := h.worker.rss(t)
	cases := h.count(t, `select count(*) from kam.cases`)
	n := 0
	for _, spec := range customer.Fields {
		over, ok := overBound(t, h.sample, spec)
		if !ok {
			continue
		}
		n++
		r := h.request(t.Name(), n)
		r.Data = over
		_, err := h.client.Start(t.Context(), r)
		e := kam.AsError(err)
		require.NotNil(t, e, "%s: %v", spec.Name, err)
		require.Equal(t, kam.Invalid, e.Code, "%s: %v", spec.Name, err)
		require.Equal(t, spec.Name, plain(e.Field), "%v", err)
		require.Less(t, len(e.Error()), 2000, "the refusal does not quote it")
	}
	require.Greater(t, n, 60, "most fields have a bound")
	require.Equal(t, cases, h.count(t, `select count(*) from kam.cases`), "no case was made")

	over, ok := overBound(t, h.sample, list(t, "contacts"))
	require.True(t, ok)
	_, err := h.client.Act(t.Context(), now.CaseNo, onboarding.Act{Name: onboarding.ActAmendMaterial, By: requester}, &over)
	require.Equal(t, kam.Invalid, kam.CodeOf(err), err)
	require.Equal(t, "contacts", kam.AsError(err).Field)
	require.Equal(t, before, h.settled(t, id), "history does not grow")
	rise := h.worker.rss(t) - base
	t.Logf("%d fields over their bound refused by name; the worker's memory rose by %d MiB", n, rise)
	require.LessOrEqual(t, rise, maxRise)
	h.honestly(t, now.CaseNo)
}

func list(t *testing.T, name string) customer.FieldSpec {
	t.Helper()
	s, ok := customer.FieldNamed(name)
	require.True(t, ok)
	return s
}

var index = regexp.MustCompile(`\[\d+\]`)

// plain is the path of a field without its indexes.
func plain(path string) string { return index.ReplaceAllString(path, "[]") }

// overBound is the sample with one field a little over what the form takes.
// Fields without an upper bound of their own have no such data.
func overBound(t *testing.T, d customer.RequestData, s customer.FieldSpec) (customer.RequestData, bool) {
	t.Helper()
	var v any
	switch s.Kind {
	case customer.KindText, customer.KindLongText, customer.KindURL, customer.KindEmail, customer.KindPhone, customer.KindLanguage, customer.KindDigest:
		if s.Max == 0 {
			return d, false
		}
		v = strings.Repeat("x", max(int(s.Max)+1, 64<<10+1))
	case customer.KindChoice, customer.KindCountry, customer.KindCurrency, customer.KindDate:
		v = strings.Repeat("x", 64<<10+1)
	case customer.KindInt, customer.KindDecimal, customer.KindDegrees:
		v = s.Max + 1
	case customer.KindMoney:
		v = map[string]any{"amount": fmt.Sprintf("%d.%02d", (s.Max+1)/100, (s.Max+1)%100), "currency": "EUR"}
	case customer.KindMap:
		items := map[string]any{}
		for _, item := range kam.CapabilityItems {
			items[item] = s.Max + 1
		}
		v = items
	case customer.KindList:
		items := make([]any, s.MaxItems+1)
		for i := range items {
			items[i] = entry(s.Name, i)
		}
		v = items
	default:
		return d, false
	}
	b, err := json.Marshal(d)
	require.NoError(t, err)
	all := map[string]any{}
	require.NoError(t, json.Unmarshal(b, &all))
	if name, item, ok := strings.Cut(s.Name, "[]"); ok {
		field := strings.TrimPrefix(item, ".")
		one := map[string]any{}
		if have, ok := all[name].([]any); ok && len(have) > 0 && field != "" {
			one = have[0].(map[string]any)
		}
		one[field] = v
		all[name] = []any{one}
		if field == "" {
			all[name] = []any{v}
		}
	} else {
		all[s.Name] = v
	}
	b, err = json.Marshal(all)
	require.NoError(t, err)
	var out customer.RequestData
	require.NoError(t, json.Unmarshal(b, &out), s.Name)
	return out, true
}

// entry is an entry of a list that resembles no other: alike and empty ones are
// left out before they are counted.
func entry(list string, i int) any {
	text := fmt.Sprintf("Entry %d", i)
	for _, s := range customer.Fields {
		switch {
		case s.Name == list+"[]":
			return text
		case s.Name == "identifiers[].value" && list == "identifiers":
			return map[string]any{"scheme": "OTHER", "name": "Sample register", "value": fmt.Sprintf("HR-%d", i)}
		case strings.HasPrefix(s.Name, list+"[].") && s.Required && (s.Kind == customer.KindText || s.Kind == customer.KindLongText):
			return map[string]any{strings.TrimPrefix(s.Name, list+"[]."): text}
		}
	}
	return nil
}

// TestLongComments: a case that people filled with comments as long as they
// may be goes on in a new run, which has to carry what the case knows.
func TestLongComments(t *testing.T) {
	h := open(t)
	now := h.waiting(t)
	id := now.CaseNo.WorkflowID()
	text := strings.Repeat("ü", onboarding.MaxReason)
	first, err := h.sdk.DescribeWorkflowExecution(t.Context(), id, "")
	require.NoError(t, err)
	const comments = 510 // a run takes 500 acts
	inParallel(8, comments, func(i int) {
		act := onboarding.Act{DecisionID: fmt.Sprintf("long-comment-%04d", i), Name: onboarding.ActComment, By: now.Task.Assignees[0], Reason: text}
		for range 20 {
			if _, err := h.client.Act(t.Context(), now.CaseNo, act, nil); kam.CodeOf(err) != kam.Unreachable {
				if err != nil {
					t.Errorf("comment %d: %v", i, err)
				}
				return
			}
		}
		t.Errorf("comment %d was never taken", i)
	})
	require.Equal(t, comments, h.count(t, `select count(*) from kam.audit where case_no = $1 and type = 'COMMENTED'`, now.CaseNo))
	deadline := time.Now().Add(patience)
	for {
		d, err := h.sdk.DescribeWorkflowExecution(t.Context(), id, "")
		require.NoError(t, err)
		if d.GetWorkflowExecutionInfo().GetExecution().GetRunId() != first.GetWorkflowExecutionInfo().GetExecution().GetRunId() {
			break
		}
		require.Less(t, d.GetPendingWorkflowTask().GetAttempt(), int32(5), "the new run cannot be started")
		require.True(t, time.Now().Before(deadline), "the case does not go on in a new run")
		time.Sleep(50 * time.Millisecond)
	}
	require.NoError(t, h.query(t.Context(), id, onboarding.QueryHistory, nil))
	h.honestly(t, now.CaseNo)
}
