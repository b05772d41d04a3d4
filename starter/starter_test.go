package main

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kamflow/kamflow/internal/text"
	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/customer"
	"github.com/kamflow/kamflow/kam/onboarding"
	"github.com/kamflow/kamflow/kam/rules/policy"
	"github.com/kamflow/kamflow/service"
	accessdb "github.com/kamflow/kamflow/store/access"
	"github.com/kamflow/kamflow/store/ledger"
	casedb "github.com/kamflow/kamflow/store/onboarding"
)

// TestTables holds what people see against files. A change of one is read.
func TestTables(t *testing.T) {
	dir := testdata(t)
	tests := []struct {
		file string
		f    *fake
		args []string
	}{
		{"inbox.txt", waiting(), []string{"--as", "tom", "inbox"}},
		{"inbox_empty.txt", &fake{people: map[kam.UserID]kam.Person{"tom": {ID: "tom", Active: true}}}, []string{"--as", "tom", "inbox"}},
		{"list.txt", waiting(), []string{"list"}},
		{"show.txt", waiting(), []string{"show", string(theCase)}},
		{"history.txt", told(), []string{"history", string(theCase)}},
		{"explain.txt", told(), []string{"explain", string(theCase)}},
		{"explain_step.txt", told(), []string{"explain", string(theCase), "--step", "1.5"}},
		{"diff.txt", told(), []string{"diff", string(theCase), "--from", "1"}},
		{"diff_same.txt", told(), []string{"diff", string(theCase)}},
		{"decided.txt", waiting(), []string{"--as", "tom", "decide", string(theCase), "confirm", "--expect", "current"}},
		{"doctor.txt", &fake{checks: []service.Check{{Check: "database", Status: service.CheckOK}, {Check: "stuck cases", Status: service.CheckLook, Detail: "1: KAM-2026-000001 (DRAFT, never started)"}}}, []string{"doctor"}},
		{"show_change.txt", changing(), []string{"--as", "tom", "show", string(theCase)}},
		{"show_conflict.txt", conflicting(), []string{"--as", "rita", "show", string(theCase)}},
		{"show_stranger.txt", changing(), []string{"--as", "otto", "show", string(theCase)}},
		{"show_change.json", conflicting(), []string{"--as", "rita", "show", string(theCase), "--json"}},
		{"diff_conflict.txt", conflicting(), []string{"diff", string(theCase), "--conflict"}},
		{"inbox_shared.txt", sharing(), []string{"--as", "vera", "inbox"}},
		{"show.json", waiting(), []string{"show", string(theCase), "--json"}},
		{"history.json", told(), []string{"history", string(theCase), "--json"}},
		{"diff.json", told(), []string{"diff", string(theCase), "--json", "--from", "1"}},
	}
	for _, tt := range tests {
		t.Run(tt.file, func(t *testing.T) {
			got := run(t, tt.f, tt.args...)
			require.Zero(t, got.status, got.err)
			golden(t, dir, tt.file, got.out)
		})
	}
}

func TestExitStatus(t *testing.T) {
	refuses := func(code kam.Code) *fake {
		f := waiting()
		f.actErr = kam.Errorf(code, "no")
		return f
	}
	down := &fake{err: errors.New("connection refused")}
	no := string(theCase)
	tests := []struct {
		name string
		f    *fake
		args []string
		want int
	}{
		{"no such verb", waiting(), []string{"frobnicate"}, exitUsage},
		{"no such flag", waiting(), []string{"inbox", "--frob"}, exitUsage},
		{"a verb in a group that is unknown", waiting(), []string{"audit", "frob"}, exitUsage},
		{"a rule that is unknown", waiting(), []string{"rules", "frob"}, exitUsage},
		{"no case", waiting(), []string{"show"}, exitUsage},
		{"nobody acts", waiting(), []string{"--as=", "withdraw", no}, exitUsage},
		{"nobody lists", waiting(), []string{"--as=", "list"}, exitUsage},
		{"nobody verifies", waiting(), []string{"--as=", "audit", "verify"}, exitUsage},
		{"a manager verifies", waiting(), []string{"audit", "verify"}, exitRefused},
		{"a stranger lists", &fake{people: people}, []string{"--as", "who", "list"}, exitRefused},
		{"no such decision", waiting(), []string{"--as", "tom", "decide", no, "maybe"}, exitUsage},
		{"no such state", waiting(), []string{"list", "--state", "SLEEPING"}, exitUsage},
		{"no such type", waiting(), []string{"list", "--type", "OTHER"}, exitUsage},
		{"cancelling, and not how", waiting(), []string{"--as", "tom", "cancel", no}, exitUsage},
		{"a review without a reason", waiting(), []string{"--as", "tom", "review", "C-1"}, exitUsage},
		{"a reason that says nothing", waiting(), []string{"--as", "tom", "deactivate", "C-1", "--reason", "old"}, exitUsage},
		{"a customer in an open case", refuses(kam.OpenCaseExists), []string{"--as", "tom", "deactivate", "C-1", "--reason", "They have closed the house for good."}, exitRefused},
		{"a post for nobody and somebody", waiting(), []string{"--as", "pia", "admin", "node", "set", "DE", "--vacant", "--manager", "tom"}, exitUsage},
		{"changing nothing of a person", changing(), []string{"--as", "ulf", "admin", "person", "set", "tom"}, exitUsage},
		{"adding who is there", changing(), []string{"--as", "ulf", "admin", "person", "add", "tom"}, exitUsage},
		{"the data of a stranger's case", changing(), []string{"--as", "otto", "diff", no}, exitRefused},
		{"confirming without a hash", waiting(), []string{"--as", "tom", "decide", no, "confirm"}, exitUsage},
		{"unknown configuration", waiting(), []string{"--set", "log.levle=debug", "list"}, exitUsage},
		{"unknown case", &fake{err: kam.Errorf(kam.NotFound, "there is no case")}, []string{"show", "KAM-1"}, exitUsage},
		{"forbidden", refuses(kam.Forbidden), []string{"--as", "tom", "withdraw", no}, exitRefused},
		{"separation of duties", refuses(kam.Separation), []string{"--as", "rita", "decide", no, "confirm", "--expect", "current"}, exitRefused},
		{"stale", refuses(kam.StaleRevision), []string{"--as", "tom", "decide", no, "confirm", "--expect", "ff00ff00ff"}, exitRefused},
		{"not confirmed", refuses(kam.Unreachable), []string{"--as", "tom", "retry", no}, exitUnreachable},
		{"database away", down, []string{"history", no}, exitUnreachable},
		{"doctor finds a fault", &fake{checks: []service.Check{{Check: "temporal", Status: service.CheckFailed, Detail: "away"}}}, []string{"doctor"}, exitUnreachable},
		{"chains hold", &fake{chains: []ledger.Chain{{CaseNo: theCase}}}, []string{"--as", "olaf", "audit", "verify"}, exitDone},
		{"a case is gone", &fake{chains: []ledger.Chain{{CaseNo: theCase, Gone: true}}}, []string{"--as", "olaf", "audit", "verify"}, exitTampered},
		{"chains cannot be read", down, []string{"--as", "olaf", "audit", "verify"}, exitUnsure},
		{"the case to verify is unknown", &fake{}, []string{"--as", "olaf", "audit", "verify", "KAM-1"}, exitUnsure},
		{"help", waiting(), []string{"help"}, exitDone},
		{"print config", waiting(), []string{"--print-config"}, exitDone},
		{"print config of a verb", down, []string{"list", "--print-config"}, exitDone},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := run(t, tt.f, tt.args...)
			require.Equal(t, tt.want, got.status, got.out+got.err)
			if tt.want != exitDone && tt.want != exitTampered && tt.name != "doctor finds a fault" {
				require.NotEmpty(t, got.err)
			}
		})
	}
}

// TestUsage: wrong arguments are answered with how the verb is written.
func TestUsage(t *testing.T) {
	require.Contains(t, run(t, waiting(), "policy", "check").err, "arguments given: 0; write: starter policy check FILE")
	require.Contains(t, run(t, waiting(), "inbox", "x").err, "arguments given: 1; write: starter inbox\n")
	require.Contains(t, run(t, waiting(), "admin", "x").err, `starter admin knows no "x"; starter admin --help lists`)
}

func TestPolicyShow(t *testing.T) {
	require.Contains(t, run(t, waiting(), "policy", "show", "--shipped").out, "policy_id: default\n")
	var doc struct{ YAML string }
	require.NoError(t, json.Unmarshal([]byte(run(t, waiting(), "policy", "show", "--shipped", "--json").out), &doc))
	require.Contains(t, doc.YAML, "policy_id: default\n")
}

func TestNobodyAnswers(t *testing.T) {
	t.Chdir(t.TempDir())
	var out, errs strings.Builder
	a := newApp(strings.NewReader(""), &out, &errs)
	require.Equal(t, exitUnreachable, a.run(context.Background(), []string{"--as", "zoe", "list"}))
	require.Contains(t, errs.String(), "no standalone is running")
	require.Contains(t, errs.String(), "go run ./standalone")
}

func TestErrorsAsJSON(t *testing.T) {
	f := waiting()
	f.actErr = kam.Errorf(kam.Separation, "rita requested the case").By("SOD1")
	got := run(t, f, "--json", "--as", "rita", "retry", string(theCase))
	var e errorJSON
	require.NoError(t, json.Unmarshal([]byte(got.err), &e))
	require.Equal(t, kam.Separation, e.Error.Code)
	require.Equal(t, "SOD1", e.Error.Rule)
	require.Equal(t, exitRefused, e.Status)
	require.Empty(t, got.out)
}

func TestAnUnconfirmedActTellsItsID(t *testing.T) {
	f := waiting()
	f.actErr = kam.Errorf(kam.Unreachable, "not confirmed yet").Try("safe to retry")
	got := run(t, f, "--as", "tom", "decide", string(theCase), "endorse")
	require.Contains(t, got.err, "--decision-id "+last(t, f).DecisionID)
}

const screening = `{"legal_name":"NordWerk GmbH","country_code":"DE","city":"Hamburg","source_channel":"VISIT",
	"declared_potential":{"amount":"140000.00","currency":"EUR"},"language":"de"}`

func TestOnboard(t *testing.T) {
	t.Run("the same file is the same request", func(t *testing.T) {
		f := waiting()
		got := start(t, f, screening, false, "--as", "rita", "onboard", "-f", "-")
		require.Zero(t, got.status, got.err)
		require.Contains(t, got.out, "is open")
		require.Contains(t, got.out, "starter decide KAM-2026-000007 confirm --expect 0123456789ab")
		first := f.request
		require.Equal(t, "de", first.Data.Language)
		require.Equal(t, kam.NewCase, first.Type)

		got = start(t, f, screening, false, "--as", "rita", "onboard", "-f", "-")
		require.Equal(t, first, f.request)
		require.Contains(t, got.out, "already")

		start(t, f, screening, false, "--as", "otto", "onboard", "-f", "-")
		require.NotEqual(t, first.Key, f.request.Key)
	})

	t.Run("keys that are given win", func(t *testing.T) {
		f := waiting()
		withKey := strings.Replace(screening, "{", `{"request_key":"from-file","case_type":"MODIFY","customer_no":"C-1",`, 1)
		start(t, f, withKey, false, "--as", "rita", "onboard", "-f", "-")
		require.Equal(t, "from-file", f.request.Key)
		require.Equal(t, kam.Modify, f.request.Type)
		require.Equal(t, "C-1", f.request.CustomerNo)
		start(t, f, withKey, false, "--as", "rita", "onboard", "-f", "-", "--key", "from-flag")
		require.Equal(t, "from-flag", f.request.Key)
	})

	t.Run("what would become of it", func(t *testing.T) {
		f := waiting()
		f.preview = service.Preview{
			Errors:  []*kam.Error{kam.Errorf(kam.Invalid, "the check digit is wrong").On("identifiers[0]").By("VF06").Try("look at the number again")},
			Missing: []string{"city", "postal_code"}, Territory: "DE-N", TerritoryName: "North", OwnerID: "rita", ManagerID: "otto",
			Alike: []customer.Candidate{{Ref: "C-000031", Name: "Nordwerk", Class: kam.MatchProbable, Score: 91, Reasons: []string{"NAME"}}},
		}
		got := start(t, f, screening, false, "--as", "rita", "onboard", "-f", "-", "--dry-run")
		require.Zero(t, got.status, got.err)
		for _, want := range []string{"DE-N North", "otto", "city, postal_code", "VF06", "look at the number again", "C-000031", "PROBABLE"} {
			require.Contains(t, got.out, want)
		}
		require.Empty(t, f.request.Key, "nothing was started")
		require.Equal(t, "NordWerk GmbH", f.data.LegalName)
		f.preview = service.Preview{}
		require.Contains(t, start(t, f, screening, false, "--as", "rita", "onboard", "-f", "-", "--dry-run").out, "in order")
		require.Equal(t, exitUsage, start(t, f, `{"case_type":"MODIFY"}`, false, "--as", "rita", "onboard", "-f", "-", "--dry-run").status)
	})

	t.Run("JSON", func(t *testing.T) {
		got := start(t, waiting(), screening, false, "--json", "--as", "rita", "onboard", "-f", "-")
		var out map[string]any
		require.NoError(t, json.Unmarshal([]byte(got.out), &out))
		for _, field := range []string{"case_no", "state", "step_code", "waits_for", "next_command", "request_key", "created"} {
			require.Contains(t, out, field)
		}
	})

	busted := []struct{ name, give, want string }{
		{"unknown key", `{"legal_nme":"x"}`, "legal_nme: unknown key; did you mean legal_name?"},
		{"unknown key in a list", `{"contacts":[{},{"emial":"a"}]}`, "contacts[1].emial: unknown key; did you mean email?"},
		{"a list", `[]`, "expected an object, found a list"},
		{"broken", "{\n\"legal_name\": }", "line 2"},
		{"cut off", `{"legal_name":`, "ends too early"},
		{"two documents", screening + screening, "more than one JSON document"},
		{"wrong kind", `{"legal_name":7}`, "legal_name"},
		{"bad form, all of it", `{"country_code":"XX","website":"nowhere"}`, "website"},
		{"case type", `{"case_type":"MERGE"}`, "case_type"},
	}
	for _, tt := range busted {
		t.Run(tt.name, func(t *testing.T) {
			f := waiting()
			got := start(t, f, tt.give, false, "--as", "rita", "onboard", "-f", "-")
			require.Equal(t, exitUsage, got.status)
			require.Contains(t, got.err, tt.want)
			require.Empty(t, f.request.Key)
		})
	}
}

func TestDecide(t *testing.T) {
	tests := []struct {
		word  string
		state onboarding.State
		want  onboarding.ActName
		what  onboarding.Verdict
	}{
		{"confirm", onboarding.AwaitingConfirmation, onboarding.ActDecideConfirmation, onboarding.Confirm},
		{"reject", onboarding.AwaitingConfirmation, onboarding.ActDecideConfirmation, onboarding.RejectIt},
		{"send_back", onboarding.AwaitingConfirmation, onboarding.ActDecideConfirmation, onboarding.SendBack},
		{"send-back", onboarding.ValidationReview, onboarding.ActDecideValidation, onboarding.SendBack},
		{"clear", onboarding.ComplianceReview, onboarding.ActDecideCompliance, onboarding.ClearIt},
		{"waive", onboarding.ValidationReview, onboarding.ActDecideValidation, onboarding.ClearIt},
		{"refuse", onboarding.ComplianceReview, onboarding.ActDecideCompliance, onboarding.RefuseIt},
		{"refuse", onboarding.ValidationReview, onboarding.ActDecideValidation, onboarding.RefuseIt},
		{"merge", onboarding.ValidationReview, onboarding.ActDecideValidation, onboarding.MergeIt},
		{"endorse", onboarding.AwaitingEndorsement, onboarding.ActDecideEndorsement, onboarding.Endorse},
		{"decline", onboarding.AwaitingEndorsement, onboarding.ActDecideEndorsement, onboarding.Decline},
		{"change_tier", onboarding.AwaitingEndorsement, onboarding.ActDecideEndorsement, onboarding.ChangeTier},
		{"confirm", onboarding.Completed, onboarding.ActDecideConfirmation, onboarding.Confirm}, // the case says no
	}
	for _, tt := range tests {
		t.Run(tt.word+" in "+string(tt.state), func(t *testing.T) {
			f := waiting()
			f.view.Snapshot.State = tt.state
			got := run(t, f, "--as", "tom", "decide", string(theCase), tt.word, "--expect", "0123456789", "--reason", "because", "--reason-code", "OTHER",
				"--field", "city", "--field", "region", "--tier", "regional", "--owner", "kim", "--customer", "C-9")
			require.Zero(t, got.status, got.err)
			act := last(t, f)
			require.Equal(t, tt.want, act.Name)
			require.Equal(t, tt.what, act.Verdict)
			require.Equal(t, kam.UserID("tom"), act.By)
			require.Equal(t, []string{"city", "region"}, act.Fields)
			require.Equal(t, kam.TierRegional, act.Tier)
			require.Equal(t, kam.UserID("kim"), act.OwnerID)
			require.NoError(t, act.Check())
		})
	}

	t.Run("the start of the hash is completed", func(t *testing.T) {
		f := waiting()
		run(t, f, "--as", "tom", "decide", string(theCase), "confirm", "--expect", "sha256:01234567")
		require.Equal(t, f.view.Snapshot.MaterialHash, last(t, f).ExpectHash)
		run(t, f, "--as", "tom", "decide", string(theCase), "confirm", "--expect", "0123")
		require.Equal(t, "0123", last(t, f).ExpectHash) // too short to mean it
	})

	t.Run("a person is shown the data and asked", func(t *testing.T) {
		f := waiting()
		got := start(t, f, "yes\n", true, "--as", "tom", "decide", string(theCase), "confirm")
		require.Zero(t, got.status)
		require.Contains(t, got.out, "140000 EUR")
		require.Equal(t, f.view.Snapshot.MaterialHash, last(t, f).ExpectHash)

		f = waiting()
		got = start(t, f, "no\n", true, "--as", "tom", "decide", string(theCase), "confirm")
		require.Equal(t, exitUsage, got.status)
		require.Empty(t, f.sent)
	})
}

func TestOtherActs(t *testing.T) {
	no := string(theCase)
	tests := []struct {
		name  string
		state onboarding.State
		args  []string
		want  onboarding.Act
	}{
		{"claim", onboarding.ValidationReview, []string{"claim", no}, onboarding.Act{Name: onboarding.ActClaim}},
		{"release", onboarding.ValidationReview, []string{"release", no}, onboarding.Act{Name: onboarding.ActRelease}},
		{"decide claim", onboarding.ValidationReview, []string{"decide", no, "claim"}, onboarding.Act{Name: onboarding.ActClaim}},
		{"decide release", onboarding.ValidationReview, []string{"decide", no, "release"}, onboarding.Act{Name: onboarding.ActRelease}},
		{"endorse and release", onboarding.AwaitingEndorsement, []string{"decide", no, "endorse", "--owner", "kim", "--release", "KA-000003"},
			onboarding.Act{Name: onboarding.ActDecideEndorsement, Verdict: onboarding.Endorse, OwnerID: "kim", ReleaseAccount: "KA-000003"}},
		{"reevaluate", onboarding.AwaitingConfirmation, []string{"reevaluate", no, "--reason", "new rules"}, onboarding.Act{Name: onboarding.ActReevaluate, Reason: "new rules"}},
		{"ask to cancel", onboarding.DataEntry, []string{"cancel", no, "--request", "--reason", "twice"}, onboarding.Act{Name: onboarding.ActCancel, Verdict: onboarding.AskCancel, Reason: "twice"}},
		{"agree to cancel", onboarding.DataEntry, []string{"cancel", no, "--agree"}, onboarding.Act{Name: onboarding.ActCancel, Verdict: onboarding.AgreeCancel}},
		{"convert", onboarding.DuplicateReview, []string{"resolve-duplicate", no, "convert", "--customer", "C-1"}, onboarding.Act{Name: onboarding.ActResolveDuplicate, Verdict: onboarding.ConvertToModify, CustomerNo: "C-1"}},
		{"withdraw", onboarding.DataEntry, []string{"withdraw", no, "--reason", "lost"}, onboarding.Act{Name: onboarding.ActWithdraw, Reason: "lost"}},
		{"comment", onboarding.DataEntry, []string{"comment", no, "--text", "hello"}, onboarding.Act{Name: onboarding.ActComment, Reason: "hello"}},
		{"reassign", onboarding.AwaitingConfirmation, []string{"reassign", no, "--to", "uta", "--reason", "away"}, onboarding.Act{Name: onboarding.ActReassign, Assignee: "uta", Reason: "away"}},
		{"retry", onboarding.NeedsIntervention, []string{"retry", no}, onboarding.Act{Name: onboarding.ActRetry}},
		{"another customer", onboarding.DuplicateReview, []string{"resolve-duplicate", no, "different", "--reason", "other firm"}, onboarding.Act{Name: onboarding.ActResolveDuplicate, Verdict: onboarding.NotDuplicate, Reason: "other firm"}},
		{"the same customer", onboarding.DuplicateReview, []string{"resolve-duplicate", no, "existing", "--customer", "C-1"}, onboarding.Act{Name: onboarding.ActResolveDuplicate, Verdict: onboarding.UseExisting, CustomerNo: "C-1"}},
		{"data", onboarding.ChangesRequested, []string{"submit", no, "-f", "-"}, onboarding.Act{Name: onboarding.ActSubmitData}},
		{"details when they are due", onboarding.AwaitingCompletion, []string{"submit", no, "-f", "-"}, onboarding.Act{Name: onboarding.ActSubmitDetails}},
		{"details ahead of time", onboarding.DataEntry, []string{"submit", no, "-f", "-", "--details"}, onboarding.Act{Name: onboarding.ActSubmitDetails}},
		{"amend", onboarding.AwaitingConfirmation, []string{"amend", no, "-f", "-", "--expect-revision", "2"}, onboarding.Act{Name: onboarding.ActAmendMaterial, ExpectRevision: 2}},
		{"a decision that is sent again", onboarding.DataEntry, []string{"withdraw", no, "--decision-id", "decision-1"}, onboarding.Act{Name: onboarding.ActWithdraw, DecisionID: "decision-1"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := waiting()
			f.view.Snapshot.State = tt.state
			got := start(t, f, screening, false, append([]string{"--as", "rita"}, tt.args...)...)
			require.Zero(t, got.status, got.err)
			act := last(t, f)
			require.NotEmpty(t, act.DecisionID)
			tt.want.By = "rita"
			if tt.want.DecisionID == "" {
				tt.want.DecisionID = act.DecisionID
			}
			require.Equal(t, tt.want, act)
		})
	}
}

func TestPolicyCheck(t *testing.T) {
	dir := t.TempDir()
	good := filepath.Join(dir, "good.yaml")
	require.NoError(t, os.WriteFile(good, policy.DefaultYAML(), 0o600))
	require.Zero(t, run(t, &fake{}, "policy", "check", good).status)

	bad := filepath.Join(dir, "bad.yaml")
	require.NoError(t, os.WriteFile(bad, []byte("version: none\n"), 0o600))
	got := run(t, &fake{}, "policy", "check", bad)
	require.Equal(t, exitUsage, got.status)
	require.Contains(t, got.out, "bad.yaml:1:")

	f := &fake{}
	require.Zero(t, run(t, f, "--as", "pia", "admin", "policy", "load", good).status)
	require.Len(t, f.policies, 1)
	require.Equal(t, exitUsage, run(t, f, "--as", "pia", "admin", "load-policy", bad).status)
}

func TestLoads(t *testing.T) {
	file := func(text string) string {
		path := filepath.Join(t.TempDir(), "file")
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		return path
	}
	f := &fake{}
	people := file("users: [{user_id: a, name: A, roles: [sales_rep]}]\n")
	require.Equal(t, exitUsage, run(t, f, "--as=", "admin", "load-org", people).status, "whoever loads is somebody")
	require.Nil(t, f.org.Users)
	first := run(t, f, "--as", "ulf", "admin", "load-org", people)
	require.Zero(t, first.status)
	require.Contains(t, first.out, "Loaded 1 people")
	require.Equal(t, kam.UserID("a"), f.org.Users[0].ID)
	require.Zero(t, run(t, f, "--as", "ulf", "admin", "load-org", file("blocked_parties: [{ref: B1, name: Acme, country: Italy}]\n")).status)
	require.Equal(t, "IT", f.org.BlockedParties[0].Country)
	require.Equal(t, kam.UserID("ulf"), f.loadedBy)
	require.Equal(t, exitUsage, run(t, f, "--as", "ulf", "admin", "load-org", file("usres: []\n")).status)
	f.loads = accessdb.OrgChange{What: "a load", Pending: true, Proposal: "P-000002", Differences: []string{"users a: roles none → sales_rep"}}
	for _, verb := range []string{"load-org", "load-policy"} {
		path := people
		if verb == "load-policy" {
			path = file(string(policy.DefaultYAML()))
		}
		later := run(t, f, "--as", "ulf", "admin", verb, path)
		require.Zero(t, later.status)
		for _, w := range []string{"Nothing has changed yet", "users a: roles none → sales_rep", "starter admin agree P-000002"} {
			require.Contains(t, later.out, w)
		}
		require.NotContains(t, later.out, "is in force")
	}

	book := `{"customer_no":"C-1","data":{"legal_name":"Acme GmbH"},"territory_code":"T"}`
	for _, text := range []string{"[" + book + "]", book + "\n"} {
		require.Zero(t, run(t, f, "--as", "pia", "admin", "load-customers", file(text)).status)
		require.Len(t, f.book, 1)
		require.NotEmpty(t, f.book[0].Keys.Names)
	}
	require.Equal(t, exitUsage, run(t, f, "--as", "pia", "admin", "load-customers", file(`{"customer":"C-1"}`)).status)

	csv := "account_no,month,currency,net_revenue,orders,rebates\nA,2026-01,EUR,12.50,2,1.25\nB,2026-01,JPY,500,,\n"
	require.Zero(t, run(t, f, "--as", "pia", "admin", "load-sales", file(csv)).status)
	require.Equal(t, int64(1250), f.facts[0].NetRevenue)
	require.Equal(t, int64(125), f.facts[0].PLLines["rebates"])
	require.Equal(t, int64(500), f.facts[1].NetRevenue)
	got := run(t, f, "--as", "pia", "admin", "load-sales", file("account_no,month,currency,net_revnue\n"))
	require.Contains(t, got.err, "column net_revnue: sales: no field has this name; rename or remove it; known are account_no, month, product_family, currency, net_revenue")
	got = run(t, f, "--as", "pia", "admin", "load-sales", file("account_no,month,currency,net_revenue\nA,2026-01,EUR,lots\n"))
	require.Contains(t, got.err, "line 2")
	require.Equal(t, exitUsage, got.status)
	got = run(t, f, "--as", "pia", "admin", "load-sales", file("sep=;\raccount_no;month;currency;net_revenue\rA;2026-01;EUR;140.000\r;;;\r"))
	require.Contains(t, got.err, "net_revenue: line 3: \"140.000\" has 3 decimals, and EUR has 2")
	require.Contains(t, got.err, "write it without thousands separators")
	require.Equal(t, exitUsage, got.status)
}

func TestListFilter(t *testing.T) {
	f := waiting()
	f.people, f.nodes = map[kam.UserID]kam.Person{"rita": {ID: "rita", Active: true}}, []kam.TerritoryNode{{Code: "DE"}}
	run(t, f, "list", "--customer", "nord", "--state", "data_entry", "--requester", "rita", "--territory", "DE", "--type", "modify", "--older", "3", "--open", "--limit", "7")
	if overHTTP {
		f.filter.Limit-- // a page looks whether there is another
	}
	require.Equal(t, casedb.Filter{Customer: "nord", Type: kam.Modify, State: onboarding.DataEntry, Requester: "rita", Territory: "DE", OlderThan: 72 * 3600 * 1e9, Open: true, Limit: 7}, f.filter)
	got := run(t, f, "list", "--owed", "manager", "--overdue", "--order", "stage")
	require.Zero(t, got.status, got.err)
	if overHTTP {
		f.filter.Limit--
	}
	require.Equal(t, casedb.Filter{Owed: kam.PartyManager, Overdue: true, Order: casedb.ByStage, Limit: 100}, f.filter)
	require.Equal(t, 2, run(t, f, "list", "--order", "best").status)
}

// TestWords sees to it that every state has its words.
func TestWords(t *testing.T) {
	for _, s := range onboarding.States {
		require.True(t, text.Known("state."+string(s.State)), s.State)
	}
}
