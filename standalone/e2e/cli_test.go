package e2e

import (
	"encoding/csv"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/kamflow/kamflow/config/sample"
	"github.com/kamflow/kamflow/internal/demo"
	"github.com/kamflow/kamflow/internal/runfile"
	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/customer"
	"github.com/kamflow/kamflow/kam/onboarding"
	"github.com/kamflow/kamflow/kam/rules/policy"
)

// People of the sample organisation at the terminal.
const (
	rep        = "dirk.rep"  // Baden-Württemberg
	manager    = "kai.terr"  // his
	stranger   = "mona.terr" // Vienna
	auditor    = "falk.auditor"
	policyRole = "ada.policy"
)

// TestCommands uses standalone and starter as processes, from an empty data
// directory to an audit trail that somebody has tampered with.
func TestCommands(t *testing.T) {
	c := buildCLI(t)
	request := c.file(t, "request.json", script(t, "01_clear_add").Request)
	c.refused(t, 3, rep, []string{"list"}, "no standalone is running", "go run ./standalone")

	c.start(t)
	for _, step := range []struct {
		name string
		run  func(t *testing.T, c *cli, request string)
	}{
		{"Setup", setUp},
		{"BadInput", badInput},
		{"OneCase", oneCase},
		{"OtherActs", otherActs},
		{"ExistingCustomers", existingCustomers},
		{"Organisation", organisation},
		{"Import", importSmall},
		{"KilledAndStartedAgain", killed},
		{"Tampering", tampering},
	} {
		if !t.Run(step.name, func(t *testing.T) { step.run(t, c, request) }) {
			return
		}
	}
	require.Zero(t, c.end(t, syscall.SIGTERM), c.log)
	require.Contains(t, c.log.String(), "Stopping")
	c.refused(t, 3, rep, []string{"list"}, "no standalone is running")
}

// setUp loads the sample as its user would. A request that came before the
// policy starts as soon as there is one.
func setUp(t *testing.T, c *cli, request string) {
	load := func(verb, file, as string, words string) {
		raw, err := fs.ReadFile(sample.FS(), file)
		require.NoError(t, err)
		require.Contains(t, c.must(t, as, "admin", verb, c.file(t, file, raw)), words)
	}
	c.refused(t, 2, "", []string{"admin", "load-org", c.file(t, "nobody.yaml", []byte("users: []\n"))}, "--as")
	load("load-org", sample.Organisation, "carla.useradmin", "58 people")
	c.refused(t, 2, rep, []string{"onboard", "-f", request}, "no policy is loaded", "starter admin policy load")
	require.Contains(t, c.must(t, policyRole, "admin", "policy", "load", c.file(t, "policy.yaml", policy.DefaultYAML())), "version 1 is in force")
	c.refused(t, 1, rep, []string{"admin", "load-customers", c.file(t, "none.json", "[]")}, "FORBIDDEN")
	load("load-customers", sample.Customers, policyRole, "60 customers")
	load("load-sales", sample.Sales, policyRole, "1,392 sales facts")
	for _, verb := range [][]string{{"doctor"}, {"list"}, {"audit", "verify"}, {"admin", "load-sales", "none.csv"}} {
		c.refused(t, 2, "", verb, "--as")
	}
	require.Contains(t, c.must(t, "dario.operator", "doctor"), "workers")
	require.NotEmpty(t, c.json(t, "dario.operator", "doctor")["checks"])
}

func badInput(t *testing.T, c *cli, request string) {
	data := script(t, "01_clear_add").Request
	data.Identifiers = []customer.Identifier{{Scheme: kam.SchemeVATEU, Value: "DE136695977"}}
	bad := c.file(t, "bad.json", data)
	c.refused(t, 2, rep, []string{"onboard", "-f", bad}, "identifiers[0].value", "VI02", "compare it with the customer's papers")
	c.refused(t, 2, rep, []string{"onboard", "-f", c.file(t, "key.json", `{"legal_nam": "Nordsee Pumpen GmbH"}`)}, "legal_nam", "legal_name")
	c.refused(t, 2, rep, []string{"onboard", "-f", c.file(t, "broken.json", "{\n\"legal_name\": }")}, "line 2")
	c.refused(t, 2, rep, []string{"onboard", "-f", "none.json"}, "none.json")
	c.refused(t, 2, "", []string{"onboard", "-f", request}, "--as")
	c.refused(t, 2, rep, []string{"onbord"}, "onbord")
	c.refused(t, 2, rep, []string{"show", "KAM-2026-999999"}, "there is no case KAM-2026-999999")
	c.refused(t, 1, auditor, []string{"onboard", "-f", request, "--key", "an auditor's"}, "FORBIDDEN")
}

// oneCase takes a customer from the request to the end.
func oneCase(t *testing.T, c *cli, request string) {
	first := c.json(t, rep, "onboard", "-f", request)
	no := first["case_no"].(string)
	for _, key := range []string{"case_no", "state", "step_code", "request_key", "created", "material_hash", "waits_for", "next_command", "task"} {
		require.Contains(t, first, key)
	}
	require.Equal(t, string(onboarding.AwaitingConfirmation), first["state"])
	require.Equal(t, manager, first["waits_for"])
	again := c.json(t, rep, "onboard", "-f", request)
	require.Equal(t, no, again["case_no"])
	require.Equal(t, false, again["created"])
	require.Contains(t, c.must(t, rep, "onboard", "-f", request), no)

	require.Contains(t, c.must(t, manager, "inbox"), no)
	require.NotContains(t, c.must(t, stranger, "inbox"), no)
	require.Contains(t, c.must(t, auditor, "show", no), "Management Confirmation")
	require.Contains(t, c.must(t, auditor, "explain", no), "annual_potential")

	confirm := []string{"decide", no, "confirm", "--expect", "current"}
	c.refused(t, 1, stranger, confirm, stranger, "FORBIDDEN")
	c.refused(t, 1, rep, confirm, rep)
	c.refused(t, 2, manager, []string{"decide", no, "confirm"}, "--expect")
	c.refused(t, 1, manager, []string{"decide", no, "confirm", "--expect", "0123456789abcdef"}, "STALE_REVISION")
	require.Contains(t, c.must(t, manager, confirm...), string(onboarding.AwaitingCompletion))
	c.refused(t, 1, manager, confirm)

	details := c.file(t, "details.json", script(t, "01_clear_add").Steps[1].Data)
	done := c.json(t, rep, "submit", no, "-f", details)
	require.Equal(t, string(onboarding.Completed), done["state"])
	require.Equal(t, string(onboarding.AddedNonKA), done["outcome"])

	history := c.must(t, auditor, "history", no)
	for _, w := range []string{"CONFIRMED", "DECISION_REFUSED", "CUSTOMER_COMMITTED", "HANDED_OFF"} {
		require.Contains(t, history, w)
	}
	require.NotEmpty(t, c.json(t, auditor, "history", no)["events"])
	require.Contains(t, c.must(t, auditor, "diff", no), "payment_terms_days")
	require.Contains(t, c.must(t, auditor, "list", "--customer", "Morgenbruck"), no)
	require.Len(t, c.json(t, auditor, "list", "--state", "completed")["cases"], 1)
	require.Contains(t, c.must(t, auditor, "audit", "verify"), "every chain holds")
	require.Equal(t, true, c.json(t, auditor, "audit", "verify")["clean"])
}

// otherActs are those that the first case had no need of.
func otherActs(t *testing.T, c *cli, _ string) {
	s := script(t, "02_refer_confirmed")
	by := string(s.By)
	first := c.json(t, by, "onboard", "-f", c.file(t, "refer.json", s.Request))
	no, boss := first["case_no"].(string), first["waits_for"].(string)
	c.refused(t, 1, boss, []string{"decide", no, "confirm", "--expect", "current"}, "REASON_NEEDED", "REFER")
	require.Contains(t, c.must(t, boss, "comment", no, "--text", "Who knows them?"), no)
	require.Contains(t, c.must(t, auditor, "history", no), "Who knows them?")
	c.refused(t, 1, boss, []string{"reassign", no, "--to", by, "--reason", "on leave"}, by)
	chief := managerOf(t, boss)
	moved := c.json(t, boss, "reassign", no, "--to", chief, "--reason", "on leave")
	require.Equal(t, chief, moved["waits_for"])
	require.Contains(t, c.must(t, chief, "inbox"), no)
	c.refused(t, 1, stranger, []string{"withdraw", no}, "FORBIDDEN")
	require.Contains(t, c.must(t, by, "withdraw", no, "--reason", "came too early"), string(onboarding.Withdrawn))
	require.Contains(t, c.must(t, by, "withdraw", no), string(onboarding.Withdrawn), "once more is as good as once")
}

// existingCustomers are changed, retired and classified again.
func existingCustomers(t *testing.T, c *cli, _ string) {
	const no, member = "C-000124", "NW-MUC"
	phone, name := c.file(t, "phone.json", `{"phone": "+497615550124"}`), c.file(t, "name.json", `{"legal_name": "Thymianhof Rehabilitation GmbH"}`)
	first := c.json(t, rep, "modify", no, "-f", phone)
	require.Equal(t, string(onboarding.Completed), first["state"])
	require.Equal(t, string(onboarding.Modified), first["outcome"])
	require.Contains(t, c.must(t, rep, "modify", no, "-f", phone), "has ended")

	second := c.json(t, rep, "modify", no, "-f", name)
	caseNo := second["case_no"].(string)
	require.Equal(t, manager, second["waits_for"])
	c.refused(t, 1, rep, []string{"deactivate", no, "--reason", "They have closed the house for good."}, "OPEN_CASE_EXISTS", caseNo)
	c.refused(t, 1, rep, []string{"review", "C-000114", "--trigger", "REQUEST"}, "FORBIDDEN")
	for _, w := range []string{"Base version", "2 of customer " + no, "Thymianhof Reha GmbH", "Thymianhof Rehabilitation GmbH"} {
		require.Contains(t, c.must(t, manager, "show", caseNo), w)
	}
	require.NotContains(t, c.must(t, stranger, "show", caseNo), "Thymianhof")
	change := c.json(t, manager, "diff", caseNo, "--conflict")
	require.Equal(t, false, change["version_conflict"])
	require.Len(t, change["fields"], 1)

	c.refused(t, 1, policyRole, []string{"cancel", caseNo, "--agree"}, "WRONG_STATE")
	require.Contains(t, c.must(t, "dario.operator", "cancel", caseNo, "--request", "--reason", "entered twice"), "asked by dario.operator")
	require.Equal(t, string(onboarding.Cancelled), c.json(t, policyRole, "cancel", caseNo, "--agree")["state"])

	gone := c.json(t, "emil.rep", "deactivate", member, "--reason", "The house was closed at the end of last month.")
	require.Equal(t, "lea.terr", gone["waits_for"])
	no2 := gone["case_no"].(string)
	confirmed := c.json(t, "lea.terr", "decide", no2, "confirm", "--expect", "current")
	require.Equal(t, string(onboarding.AwaitingConfirmation), confirmed["state"])
	require.Equal(t, "lea.terr", confirmed["first_confirmed_by"])
	boss := confirmed["waits_for"].(string)
	require.NotEqual(t, "lea.terr", boss)
	require.Equal(t, string(onboarding.Deactivated), c.json(t, boss, "decide", no2, "confirm", "--expect", "current")["outcome"])

	review := c.json(t, manager, "review", no, "--trigger", "REQUEST")
	require.Equal(t, string(onboarding.Completed), review["state"])
	require.Equal(t, false, c.json(t, manager, "review", no, "--trigger", "REQUEST")["created"], "once a day")
	require.Contains(t, c.must(t, auditor, "list", "--type", "reclassify"), review["case_no"])

	s := script(t, "03_rejected_by_rules")
	rejected := c.json(t, string(s.By), "onboard", "-f", c.file(t, "rejected.json", s.Request))["case_no"].(string)
	facts := c.file(t, "facts.json", `{"strategic_fit": "FULL", "declared_potential": {"amount": "60000.00", "currency": "EUR"}}`)
	appeal := c.json(t, string(s.By), "appeal", rejected, "-f", facts)
	require.Equal(t, rejected, appeal["appeal_of"])
	require.Equal(t, "stefan.region", appeal["waits_for"], "one level up")
	c.refused(t, 1, string(s.By), []string{"appeal", rejected, "-f", phone}, "ONE_APPEAL")
}

// organisation is changed row by row; open cases follow.
func organisation(t *testing.T, c *cli, _ string) {
	s := script(t, "18_vacant_post")
	no := c.json(t, string(s.By), "onboard", "-f", c.file(t, "vacant.json", s.Request))["case_no"].(string)
	c.refused(t, 1, rep, []string{"admin", "node", "set", "DE-S-03", "--manager", "lea.terr"}, "FORBIDDEN")
	fill := []string{"admin", "node", "set", "DE-S-03", "--manager", "lea.terr"}
	proposal := c.json(t, policyRole, fill...)["proposal_no"].(string)
	c.refused(t, 1, policyRole, []string{"admin", "agree", proposal}, "SEPARATION", "SOD9")
	require.Contains(t, c.must(t, "boris.policy", "admin", "proposals"), proposal)
	require.Contains(t, c.must(t, "boris.policy", "admin", "proposals", proposal), "nodes DE-S-03: manager_id none → lea.terr")
	filled := c.json(t, "boris.policy", "admin", "agree", proposal)
	require.Contains(t, filled["cases_concerned"], no)
	require.Eventually(t, func() bool {
		return strings.Contains(c.json(t, auditor, "show", no)["waits_for"].(string), "lea.terr")
	}, time.Minute, time.Second, "the worker has told the case")

	add := []string{"admin", "person", "add", "nils.rep", "--name", "Nils Brandt", "--role", "sales_rep", "--node", "DE-S-03", "--manager", "lea.terr"}
	require.Contains(t, c.must(t, "carla.useradmin", add...), "A second user admin completes it")
	require.Contains(t, c.must(t, "dora.useradmin", add...), "Done")
	require.Contains(t, c.must(t, "carla.useradmin", "admin", "person", "leave", "nils.rep"), "No open case")
	require.Contains(t, c.must(t, policyRole, "admin", "absence", "add", "lea.terr", "--from", "2026-12-24", "--to", "2026-12-31", "--reason", "leave"), no)
	oneAloneLoadsNothing(t, c)
	require.Contains(t, c.must(t, auditor, "audit", "verify"), "every chain holds")
}

// oneAloneLoadsNothing: over what is there, what one admin loads waits for
// another (SOD9, SOD4).
func oneAloneLoadsNothing(t *testing.T, c *cli) {
	raw, err := fs.ReadFile(sample.FS(), sample.Organisation)
	require.NoError(t, err)
	c.refused(t, 1, rep, []string{"admin", "load-org", c.file(t, "org.yaml", raw)}, "FORBIDDEN")
	root := c.file(t, "root.yaml", []byte(strings.Replace(string(raw), "nodes: [DE-S-02]", "nodes: [GLOBAL]", 1)))
	require.Contains(t, c.must(t, "carla.useradmin", "admin", "load-org", root), "Nothing has changed yet")
	require.Contains(t, c.must(t, auditor, "admin", "proposals"), "carla.useradmin")
	no := c.json(t, "carla.useradmin", "admin", "load-org", root)["proposal_no"].(string)
	c.refused(t, 1, "carla.useradmin", []string{"admin", "agree", no}, "SOD9")
	require.Contains(t, c.must(t, "carla.useradmin", "admin", "refuse", no), "taken back")

	second := strings.Replace(string(policy.DefaultYAML()), "\nversion: 1\n", "\nversion: 2\n", 1)
	draft := c.json(t, policyRole, "admin", "load-policy", c.file(t, "second.yaml", []byte(second)))["proposal_no"].(string)
	require.Contains(t, c.must(t, auditor, "policy", "show"), "\nversion: 1\n")
	c.refused(t, 1, policyRole, []string{"admin", "agree", draft}, "SOD4")
	c.refused(t, 1, "carla.useradmin", []string{"admin", "agree", draft}, "FORBIDDEN")
	require.Contains(t, c.must(t, "boris.policy", "admin", "agree", draft), "policy version 2")
	require.Contains(t, c.must(t, auditor, "policy", "show"), "\nversion: 2\n")
}

// importSmall imports a list as a spreadsheet writes it, twice.
func importSmall(t *testing.T, c *cli, _ string) {
	list := c.file(t, "list.csv", "\ufeffrow_ref;legal_name;country;city;postal_code;address;industry;annual_revenue;revenue_currency;identifier_scheme;identifier\r\n"+
		"A;\"Quellgrund\r\nPumpen GmbH\";DE;Stuttgart;70174;Ring 5;Pumps;900000000;EUR;DE-HR;HRB 70001\r\n"+
		"B;Brennholz Ost AG;DE;Dresden;01067;Gasse 2;Wood;;EUR;;\r\n"+
		"C;Nirgendwo SA;ZZ;Ort;;;Trade;5;EUR;;\r\n")
	defaults, err := fs.ReadFile(sample.FS(), sample.ImportDefaults)
	require.NoError(t, err)
	result := filepath.Join(c.bin, "result.csv")
	args := []string{"import", list, "--defaults", c.file(t, sample.ImportDefaults, defaults), "--result", result}

	before := len(c.json(t, auditor, "list")["cases"].([]any))
	c.refused(t, 1, rep, append(args, "--dry-run"), "refused by the file check", "VA01", "declared_potential")
	require.Len(t, c.json(t, auditor, "list")["cases"], before, "a dry run starts nothing")
	c.refused(t, 1, rep, args, "started now", string(onboarding.AwaitingConfirmation), string(onboarding.DataEntry))
	rows := readCSV(t, result)
	require.Len(t, rows, 4)
	c.refused(t, 1, rep, args, "started before")
	require.Equal(t, rows, readCSV(t, result), "the same cases in the same states")
	c.refused(t, 1, rep, []string{"import", result, "--defaults", args[3]}, "started before")
	require.Len(t, c.json(t, auditor, "list")["cases"], before+2)
	require.Contains(t, c.must(t, auditor, "list", "--customer", "Quellgrund"), "Quellgrund Pumpen GmbH", "a name has one line")

	cut := c.file(t, "cut.csv", "legal_name;country\r\nQuellgrund AG;DE\r\nBrennh")
	c.refused(t, 2, rep, []string{"import", cut}, "nothing was started", "file (line 3)", "cut off")
}

// killed holds that a case and its deadlines outlive a crash (AC43).
func killed(t *testing.T, c *cli, _ string) {
	s := script(t, "16_waiting_for_manager")
	by := string(s.By)
	file := c.file(t, "waiting.json", s.Request)
	before := c.json(t, by, "onboard", "-f", file)
	no, boss := before["case_no"].(string), before["waits_for"].(string)

	c.end(t, syscall.SIGKILL)
	c.refused(t, 3, by, []string{"show", no, "--timeout", "3s"})
	c.start(t)
	after := c.json(t, by, "onboard", "-f", file)
	require.Equal(t, no, after["case_no"])
	require.Equal(t, before["task"], after["task"], "the deadlines stand as they were")
	require.Contains(t, c.must(t, boss, "decide", no, "confirm", "--expect", "current"), string(onboarding.AwaitingCompletion))

	require.Zero(t, c.end(t, syscall.SIGTERM), c.log)
	_, err := os.Stat(filepath.Join(c.dir, runfile.Name))
	require.ErrorIs(t, err, fs.ErrNotExist)
	c.start(t)
	require.Contains(t, c.must(t, by, "inbox"), no)
}

// tampering changes one letter of an old row of the audit trail (AC44).
func tampering(t *testing.T, c *cli, _ string) {
	no := c.json(t, auditor, "list", "--customer", "Morgenbruck")["cases"].([]any)[0].(map[string]any)["case_no"].(string)
	r, err := runfile.Read(c.dir)
	require.NoError(t, err)
	conn, err := pgx.Connect(t.Context(), r.DatabaseURL)
	require.NoError(t, err)
	defer func() { require.NoError(t, conn.Close(t.Context())) }()
	const change = `update kam.audit set actor_id = 'e' || substr(actor_id, 2) where case_no = $1 and seq = 3`
	_, err = conn.Exec(t.Context(), change, no)
	require.ErrorContains(t, err, "append-only")
	require.Contains(t, c.must(t, auditor, "audit", "verify", no), "every chain holds")

	for _, sql := range []string{
		`alter table kam.audit disable trigger all`,
		strings.Replace(change, "$1", "'"+no+"'", 1),
		`alter table kam.audit enable trigger all`,
	} {
		_, err = conn.Exec(t.Context(), sql)
		require.NoError(t, err)
	}
	c.refused(t, 10, auditor, []string{"audit", "verify"}, no, "3")
	s := c.run(t, auditor, "audit", "verify", "--json")
	require.Equal(t, 10, s.status)
	require.Contains(t, s.out, `"seq": 3`)
	require.Zero(t, c.run(t, auditor, "history", no).status, "what is there can still be read")
}

func readCSV(t *testing.T, file string) [][]string {
	t.Helper()
	f, err := os.Open(file)
	require.NoError(t, err)
	defer func() { require.NoError(t, f.Close()) }()
	r := csv.NewReader(f)
	r.Comma = ';'
	rows, err := r.ReadAll()
	require.NoError(t, err)
	return rows
}

// managerOf is the manager of a person of the sample.
func managerOf(t *testing.T, who string) string {
	t.Helper()
	org, err := demo.Organisation()
	require.NoError(t, err)
	for _, u := range org.Users {
		if string(u.ID) == who {
			return string(u.ManagerID)
		}
	}
	t.Fatalf("there is no %s", who)
	return ""
}
