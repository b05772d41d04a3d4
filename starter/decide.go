package main

import (
	"bufio"
	"context"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/kamflow/kamflow/internal/term"
	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/service"
)

// words are the decisions as they are typed; waive and clear are one verdict.
var words = map[string]kam.Verdict{
	"confirm": kam.Confirm, "reject": kam.RejectIt, "send_back": kam.SendBack,
	"endorse": kam.Endorse, "decline": kam.Decline, "change_tier": kam.ChangeTier,
	"clear": kam.ClearIt, "waive": kam.ClearIt, "refuse": kam.RefuseIt, "merge": kam.MergeIt,
	"same_request": kam.SameRequest,
}

// queueWords are what is done with a task before it is decided.
var queueWords = map[string]kam.ActName{"claim": kam.ActClaim, "release": kam.ActRelease}

const expectCurrent = "current"

// decideCommand is decide CASE WORD.
func decideCommand(a *app) *cobra.Command {
	var act kam.Act
	var tier, owner string
	cmd := &cobra.Command{
		Use:     "decide CASE " + strings.Join(allWords(), "|"),
		Short:   "Decide on a case that waits for you",
		Example: a.text("decide.examples"),
		Args:    cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			act.OwnerID, act.Tier = kam.UserID(owner), kam.Tier(strings.ToUpper(tier))
			return a.decide(cmd.Context(), kam.CaseNo(args[0]), args[1], act)
		},
	}
	f := cmd.Flags()
	f.StringVar(&act.ReasonCode, "reason-code", "", "code of a rejection: "+strings.Join(kam.ReasonCodes, ", "))
	f.StringVar(&act.Reason, "reason", "", "why, in words")
	f.StringArrayVar(&act.Fields, "field", nil, "field to be changed, with send_back; may be repeated")
	f.StringVar(&act.ExpectHash, "expect", "", "hash of the data that you decide on, its first 8 digits or more, or "+expectCurrent)
	f.StringVar(&tier, "tier", "", "tier to change to: TERRITORY, REGIONAL, NATIONAL, GLOBAL")
	f.StringVar(&owner, "owner", "", "key account manager, with endorse")
	f.StringVar(&act.ReleaseAccount, "release", "", "key account that the owner gives up to make room, with endorse: KA-000003")
	f.StringVar(&act.CustomerNo, "customer", "", "existing customer, with merge")
	f.StringVar((*string)(&act.SameAs), "case", "", "earlier case, with same_request (default: the only one among the candidates)")
	f.StringVar(&act.DecisionID, "decision-id", "", "id of a decision that is sent again")
	return cmd
}

func allWords() []string { return append(sortedKeys(words), sortedKeys(queueWords)...) }

func (a *app) decide(ctx context.Context, no kam.CaseNo, word string, act kam.Act) error {
	word = strings.ReplaceAll(strings.ToLower(word), "-", "_")
	if name, ok := queueWords[word]; ok {
		return a.act(ctx, no, kam.Act{Name: name, DecisionID: act.DecisionID}, nil)
	}
	verdict, ok := words[word]
	if !ok {
		return usagef("%q is no decision; one of %s", word, kam.ListOf(allWords()))
	}
	back, err := a.system(ctx)
	if err != nil {
		return err
	}
	view, err := back.CaseView(ctx, a.me(), no)
	if err != nil {
		return unreachable("PostgreSQL", err)
	}
	spec := specFor(verdict, view.Snapshot.State)
	act.Name, act.Verdict = spec.Name, spec.Verdict
	if err := a.earlier(&act, view); err != nil {
		return err
	}
	if slices.Contains(spec.Needs, kam.NeedHash) {
		if act.ExpectHash, err = a.expected(view.Snapshot, view.Request, word, act.ExpectHash); err != nil {
			return err
		}
	}
	return a.act(ctx, no, act, nil)
}

// earlier fills in the case that a request is the same as, where nothing but one
// case is among the candidates.
func (a *app) earlier(act *kam.Act, v service.CaseView) error {
	if act.Verdict != kam.SameRequest || act.SameAs != "" {
		return nil
	}
	var cases []string
	for _, c := range v.Candidates {
		if c.Kind == service.PartyCase && kam.CaseNo(c.Ref).Before(v.Snapshot.CaseNo) {
			cases = append(cases, c.Ref)
		}
	}
	if len(cases) != 1 {
		return usagef("%d earlier cases are among the candidates; say with --case which it is: %s", len(cases), kam.ListOf(cases))
	}
	act.SameAs = kam.CaseNo(cases[0])
	return nil
}

// specFor picks the row of the table of acts that a word means in a state: one
// that names the state before one that any state with a fitting transition
// takes. In a state that takes none of them the first stands, and the case
// says no.
func specFor(verdict kam.Verdict, state kam.State) kam.ActSpec {
	var first, taken kam.ActSpec
	for _, s := range kam.Acts {
		switch {
		case s.Verdict != verdict:
			continue
		case slices.Contains(s.States, state):
			return s
		case taken.Name == "" && s.TakenIn(state):
			taken = s
		case first.Name == "":
			first = s
		}
	}
	if taken.Name != "" {
		return taken
	}
	return first
}

// expected is the hash of the data that the person decides on. He must have
// seen them: a person at a terminal is shown them and asked, a program has to
// say which.
func (a *app) expected(s kam.Snapshot, data kam.RequestData, word, expect string) (string, error) {
	switch {
	case expect == expectCurrent:
		return s.MaterialHash, nil
	case expect != "":
		return fullHash(expect, s.MaterialHash), nil
	case !a.ask || a.json:
		return "", usagef("confirming needs --expect HASH, or --expect current to take the data as they are now")
	}
	a.printf("%s\n", a.dataTable(data).Text(a.screen))
	a.printf("%s", a.text("decide.ask", word, s.CaseNo, shortHash(s.MaterialHash)))
	line, err := bufio.NewReader(a.in).ReadString('\n')
	if answer := strings.TrimSpace(line); answer != "yes" && answer != "y" {
		if err != nil {
			return "", usageError{err}
		}
		return "", usagef("Nothing was decided.")
	}
	return s.MaterialHash, nil
}

const hashPrefix = "sha256:"

// fullHash completes the start of the current hash; anything else is sent as
// it is and refused as stale.
func fullHash(given, current string) string {
	digits := strings.TrimPrefix(given, hashPrefix)
	if len(digits) >= 8 && strings.HasPrefix(strings.TrimPrefix(current, hashPrefix), digits) {
		return current
	}
	return given
}

func shortHash(h string) string {
	h = strings.TrimPrefix(h, hashPrefix)
	return h[:min(12, len(h))]
}

// dataTable shows the fields that are known, in the order of the form.
func (a *app) dataTable(d kam.RequestData) *term.Table {
	t := term.NewTable(a.text("label.field"), a.text("label.value"))
	for _, c := range kam.Diff(kam.RequestData{}, d) {
		name := c.Field
		if c.Material {
			name += " *"
		}
		for i, line := range lines(c.After) {
			if i > 0 {
				name = "" // the next item of a list
			}
			t.Row(name, line)
		}
	}
	return t
}
