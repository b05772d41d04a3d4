package main

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/kamflow/kamflow/internal/term"
	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/customer"
	"github.com/kamflow/kamflow/kam/onboarding"
	"github.com/kamflow/kamflow/service"
)

func onboardCommand(a *app) *cobra.Command {
	var file, key, draft string
	var dryRun bool
	cmd := &cobra.Command{
		Use:     "onboard -f request.json | --draft CASE",
		Short:   "Start a case; the file holds the screening set, the detail set or both",
		Args:    cobra.NoArgs,
		Example: "  starter --as anna.rep onboard -f docs/examples/request.json\n  starter --as anna.rep onboard --draft KAM-2026-000031",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if draft != "" {
				if file != "" || key != "" {
					return usagef("--draft takes the data of the request; change them with submit, then")
				}
				return a.draft(cmd.Context(), kam.CaseNo(draft))
			}
			if dryRun {
				return a.preview(cmd.Context(), file)
			}
			return a.onboard(cmd.Context(), file, key)
		},
	}
	cmd.Flags().StringVarP(&file, "file", "f", "", "request file, - for standard input")
	cmd.Flags().StringVar(&draft, "draft", "", "your request that followed a case which ended without a customer: it becomes a draft")
	cmd.Flags().BoolVar(&dryRun, "dry-run", false, "say what would become of the request for a new customer, and start nothing")
	cmd.MarkFlagsMutuallyExclusive("dry-run", "draft")
	keyFlag(cmd, &key)
	return cmd
}

// preview prints what would become of a request: what its form lacks, who may be
// the same customer, where it would go.
func (a *app) preview(ctx context.Context, file string) error {
	b, err := a.readFile(file)
	if err != nil {
		return err
	}
	var f requestFile
	if err := decode(file, b, &f); err != nil {
		return err
	}
	if f.CaseType != "" && f.CaseType != kam.NewCase {
		return usagef("--dry-run is for a new customer; the file asks for a %s", f.CaseType)
	}
	back, err := a.system(ctx)
	if err != nil {
		return err
	}
	p, err := back.Preview(ctx, a.me(), f.RequestData)
	if err != nil {
		return unreachable("PostgreSQL", err)
	}
	if a.json {
		return a.printJSON(p)
	}
	a.pair("label.territory", strings.TrimSpace(p.Territory+" "+p.TerritoryName))
	a.pair("label.owner", string(p.OwnerID))
	a.pair("label.manager", string(p.ManagerID))
	a.pair("label.missing", strings.Join(p.Missing, ", "))
	t := term.NewTable(a.text("label.finding"), a.text("label.field"), a.text("label.message"), a.text("label.remedy"))
	for _, e := range p.Errors {
		t.Row(e.Rule, e.Field, a.words.Sentence(e.Message()), a.words.Sentence(e.HowTo()))
	}
	a.section(a.text("onboard.faults"), t)
	a.candidates(p.Alike)
	if len(p.Errors) == 0 && len(p.Alike) == 0 {
		a.say("onboard.clean")
	}
	return nil
}

func keyFlag(cmd *cobra.Command, key *string) {
	cmd.Flags().StringVar(key, "key", "", "request key (default: request_key of the file, else derived from content and person)")
}

// startedJSON is the answer of every verb that starts a case.
type startedJSON struct {
	caseJSON
	RequestKey string `json:"request_key"`
	Created    bool   `json:"created"`
}

func (a *app) onboard(ctx context.Context, file, key string) error {
	by, err := a.who(ctx)
	if err != nil {
		return err
	}
	var f requestFile
	if err := a.readRequest(file, &f); err != nil {
		return err
	}
	return a.start(ctx, f, by, key)
}

// readRequest reads a request from a file and checks its form.
func (a *app) readRequest(file string, f *requestFile) error {
	b, err := a.readFile(file)
	if err != nil {
		return err
	}
	if err := decode(file, b, f); err != nil {
		return err
	}
	return checkForm(file, f.RequestData)
}

// start starts a case and prints where it stands.
func (a *app) start(ctx context.Context, f requestFile, by kam.UserID, key string) error {
	r, err := f.request(by, key)
	if err != nil {
		return err
	}
	back, err := a.system(ctx)
	if err != nil {
		return err
	}
	return a.startWith(ctx, back, r)
}

// draft takes a request up again that was the same as another one, which has
// ended without a customer. It waits in DRAFT with the data that it had.
func (a *app) draft(ctx context.Context, of kam.CaseNo) error {
	back, err := a.system(ctx)
	if err != nil {
		return err
	}
	v, err := back.CaseView(ctx, a.me(), of)
	if err != nil {
		return unreachable("PostgreSQL", err)
	}
	if v.Hidden != nil {
		return v.Hidden
	}
	return a.startWith(ctx, back, service.Request{Key: service.DraftKey + string(of), Type: kam.NewCase, Data: v.Request, DraftOf: of})
}

func (a *app) startWith(ctx context.Context, back service.Service, r service.Request) error {
	started, err := back.Start(ctx, a.me(), r)
	if err != nil {
		return err
	}
	s := a.rest(ctx, back, started.Progress.Snapshot)
	if started.Undone {
		return kam.Errorf(kam.AlreadyDecided, "case %s stood for this request and has ended as %s: nothing was started", string(s.CaseNo), string(s.State)).On("request_key").Try("to ask once more with the same content, give another --key")
	}
	if a.json {
		return a.printJSON(startedJSON{caseJSON: jsonOf(s), RequestKey: r.Key, Created: started.Created})
	}
	switch {
	case started.Created:
		a.say("onboard.created", string(s.CaseNo))
	case s.State.Ended():
		a.say("onboard.ended", string(s.CaseNo))
	default:
		a.say("onboard.existing", string(s.CaseNo))
	}
	a.printCase(s, nil)
	return nil
}

// atRest is how long a person is kept waiting for the engine to come to a
// state in which somebody has to do something.
const atRest = 5 * time.Second

// rest follows the case through its automatic states, as far as it gets in a
// moment. The act itself is committed already.
func (a *app) rest(ctx context.Context, back service.Service, s onboarding.Snapshot) onboarding.Snapshot {
	ctx, cancel := context.WithTimeout(ctx, min(atRest, a.timeout))
	defer cancel()
	for pause := 20 * time.Millisecond; s.State.Kind() == kam.Automatic; pause = min(2*pause, 250*time.Millisecond) {
		select {
		case <-ctx.Done():
			return s
		case <-time.After(pause):
		}
		if now, err := back.Case(ctx, a.me(), s.CaseNo); err == nil {
			s = now
		}
	}
	return s
}

// caseJSON is a case for programs: the snapshot, what it waits for in words,
// and the command that people type next.
type caseJSON struct {
	onboarding.Snapshot
	WaitsFor string `json:"waits_for,omitempty"`
	Next     string `json:"next_command,omitempty"`
}

func jsonOf(s onboarding.Snapshot) caseJSON {
	return caseJSON{Snapshot: s, WaitsFor: waitsFor(s), Next: nextCommand(s)}
}

// waitsFor names the persons of the task, else the role of the state.
func waitsFor(s onboarding.Snapshot) string {
	if s.State.Ended() {
		return ""
	}
	if s.Task != nil {
		who := s.Task.Names()
		if s.Task.Queue != "" {
			who = append(who, s.Task.Queue)
		}
		if len(who) > 0 {
			return strings.Join(who, ", ")
		}
	}
	return s.State.Spec().WaitsFor
}

// claimedBy is who took the task from its queue.
func claimedBy(s onboarding.Snapshot) string {
	if s.Task == nil {
		return ""
	}
	return string(s.Task.ClaimedBy)
}

// cancelAsked says who asked to cancel the case and how a second person agrees.
func (a *app) cancelAsked(s onboarding.Snapshot) string {
	if s.CancelAskedBy == "" {
		return ""
	}
	return a.text("cancel.asked", string(s.CancelAskedBy), string(s.CaseNo))
}

// nextCommand is what the awaited person types, empty where nobody has to.
func nextCommand(s onboarding.Snapshot) string {
	no := string(s.CaseNo)
	if s.Version == 0 {
		return ""
	}
	switch s.State {
	case onboarding.Draft, onboarding.DataEntry, onboarding.ChangesRequested:
		return "starter submit " + no + " -f data.json"
	case onboarding.AwaitingCompletion:
		return "starter submit " + no + " -f details.json --details"
	case onboarding.DuplicateReview:
		return "starter resolve-duplicate " + no + " different --reason '...'"
	case onboarding.ComplianceReview:
		return "starter decide " + no + " clear --reason '...'"
	case onboarding.AwaitingConfirmation:
		return "starter decide " + no + " confirm --expect " + shortHash(s.MaterialHash)
	case onboarding.ValidationReview:
		return "starter decide " + no + " waive --reason '...'"
	case onboarding.AwaitingEndorsement:
		return "starter decide " + no + " endorse"
	case onboarding.NeedsIntervention:
		return "starter retry " + no
	case onboarding.Completed, onboarding.Rejected:
		if s.Type == kam.Modify || s.Type == kam.Deactivate {
			return "starter history " + no // no rule decided anything
		}
		return "starter explain " + no
	default: // who ended it, and why
		return "starter history " + no
	}
}

// printCase is the head of a case: where it stands and who does what next.
func (a *app) printCase(s onboarding.Snapshot, end *service.Ending) {
	a.pair("label.case", string(s.CaseNo)+"  "+string(s.Type))
	a.pair("label.state", a.stateLine(s.State))
	a.pair("label.step", a.stepLabel(s.Step))
	a.pair("label.outcome", string(s.Outcome))
	a.pair("label.reason", a.reasonLine(s, end))
	a.pair("label.ended", endedBy(s, end))
	a.pair("label.waits", waitsFor(s))
	a.pair("label.claimed", claimedBy(s))
	if !s.State.Ended() {
		a.pair("label.missing", strings.Join(s.MissingFields, ", "))
	}
	if s.Task != nil {
		if s.Task.Kind == onboarding.TaskConfirmation { // the fields are what the manager is asked about
			a.pair("label.change", strings.Join(s.Task.Fields, ", "))
			a.pair("label.note", a.words.Note(s.Task.Note))
		} else {
			a.pair("label.asked", a.askedFor(s))
		}
		if d, ok := s.Task.Next(); ok {
			a.pair("label.due", a.screen.Time(d.At)+" ("+strings.ToLower(string(d.Kind))+")")
		}
	}
	a.pair("label.cancel", a.cancelAsked(s))
	a.pair("label.committed", s.CommittedAs)
	a.pair("label.next", nextCommand(s))
}

// askedFor is what somebody was asked to change. Where versions conflict they
// are better read side by side.
func (a *app) askedFor(s onboarding.Snapshot) string {
	if strings.HasPrefix(s.Task.Note, customer.VersionConflict) {
		return a.text("conflict.asked", string(s.CaseNo))
	}
	fields := slices.DeleteFunc(slices.Clone(s.Task.Fields), func(name string) bool {
		return strings.Contains(s.Task.Note, name+": ") // the note says it
	})
	return strings.TrimSpace(strings.Join(fields, ", ") + " " + a.words.Note(s.Task.Note))
}

// stateLine is the state with its words, where they say more.
func (a *app) stateLine(s onboarding.State) string {
	if words := a.text("state." + string(s)); !strings.EqualFold(words, string(s)) {
		return string(s) + ", " + words
	}
	return string(s)
}

// reasonLine says why a case ended before it was completed. The headline of the
// rules is a reason only where they rejected; what compliance wrote is for who
// may read it.
func (a *app) reasonLine(s onboarding.Snapshot, end *service.Ending) string {
	code, words := s.ReasonCode, ""
	if end != nil {
		code, words = cmp.Or(code, end.Code), a.words.Note(end.Text)
	}
	switch s.State {
	case onboarding.Rejected:
		byRules := code != "COMPLIANCE" && !slices.Contains(onboarding.ReasonCodes, code)
		if byRules && (end == nil || end.By == kam.System) {
			words = cmp.Or(a.words.Note(s.Headline), words)
		}
	case onboarding.Expired:
		words = cmp.Or(words, a.text("reason.expired"))
	case onboarding.Withdrawn, onboarding.Cancelled, onboarding.Merged:
	default:
		return ""
	}
	return strings.Trim(code+": "+words, ": ")
}

// endedBy is the person who ended a case before it was completed.
func endedBy(s onboarding.Snapshot, end *service.Ending) string {
	if end == nil || end.By == kam.System || s.State == onboarding.Completed {
		return ""
	}
	return string(end.By)
}

// labelWidth puts the values of a head under each other.
const labelWidth = 15

// pair prints a label and its value, nothing where the value is empty.
func (a *app) pair(label, value string) {
	value = strings.TrimSpace(value)
	if value == "" {
		return
	}
	name := a.text(label)
	pad := strings.Repeat(" ", max(1, labelWidth-term.Width(name)))
	width := 0
	if a.screen.Width > 0 {
		width = max(20, a.screen.Width-labelWidth)
	}
	indent := "\n" + strings.Repeat(" ", labelWidth)
	a.printf("%s%s%s\n", a.screen.Bold(name), pad, strings.Join(term.Fold(term.Clean(value), width), indent))
}

// stepLabel is the number of a step with its name.
func stepLabel(code kam.StepCode) string { return boxOf(code).Label() }

// stepLabel is that in the person's language.
func (a *app) stepLabel(code kam.StepCode) string {
	b := boxOf(code)
	b.Name = a.words.Word(b.Name)
	return b.Label()
}

func boxOf(code kam.StepCode) kam.Box {
	for _, b := range kam.Boxes {
		if b.Code == code {
			return b
		}
	}
	return kam.Box{Name: string(code)}
}
