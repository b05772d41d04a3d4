package main

import (
	"context"
	"strings"

	"github.com/spf13/cobra"

	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/service"
)

// act sends what the person does and prints where the case stands then.
func (a *app) act(ctx context.Context, no kam.CaseNo, act kam.Act, data *kam.RequestData) error {
	back, err := a.system(ctx)
	if err != nil {
		return err
	}
	if act.DecisionID == "" {
		act.DecisionID = service.NewDecisionID()
	}
	p, err := back.Decide(ctx, a.me(), no, act, data)
	if err != nil {
		return sendAgain(flagFor(act.Name, err), act.DecisionID)
	}
	s := a.rest(ctx, back, p.Snapshot)
	if a.json {
		return a.printJSON(actedJSON{caseJSON: jsonOf(s), DecisionID: act.DecisionID})
	}
	a.say("act.done", string(s.CaseNo), string(s.State))
	a.printCase(s, nil)
	return nil
}

// actedJSON is the answer of every verb that acts on a case.
type actedJSON struct {
	caseJSON
	DecisionID string `json:"decision_id"`
}

// simple makes a verb that needs a case and flags only.
func simple(a *app, name kam.ActName, use, short string, flags func(*cobra.Command, *kam.Act)) *cobra.Command {
	act := kam.Act{Name: name}
	cmd := &cobra.Command{
		Use:   use,
		Short: short,
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.act(cmd.Context(), kam.CaseNo(args[0]), act, nil)
		},
	}
	cmd.Flags().StringVar(&act.DecisionID, "decision-id", "", "id of a decision that is sent again")
	flags(cmd, &act)
	return cmd
}

func reasonFlag(cmd *cobra.Command, act *kam.Act) {
	cmd.Flags().StringVar(&act.Reason, "reason", "", "why, in words")
}

func withdrawCommand(a *app) *cobra.Command {
	return simple(a, kam.ActWithdraw, "withdraw CASE", "Take a request back, until the customer is committed", reasonFlag)
}

func retryCommand(a *app) *cobra.Command {
	return simple(a, kam.ActRetry, "retry CASE", "Let a case go on that was set aside after a fault", reasonFlag)
}

func commentCommand(a *app) *cobra.Command {
	cmd := simple(a, kam.ActComment, "comment CASE --text TEXT", "Say something about a case; nothing else changes", func(cmd *cobra.Command, act *kam.Act) {
		cmd.Flags().StringVar(&act.Reason, "text", "", "what you want to say")
		cmd.Flags().StringVar(&act.Reason, "reason", "", "same as --text")
	})
	return cmd
}

func reassignCommand(a *app) *cobra.Command {
	return simple(a, kam.ActReassign, "reassign CASE --to USER --reason TEXT", "Move the open task to another person", func(cmd *cobra.Command, act *kam.Act) {
		reasonFlag(cmd, act)
		cmd.Flags().StringVar((*string)(&act.Assignee), "to", "", "who takes it")
	})
}

func claimCommand(a *app) *cobra.Command {
	cmd := simple(a, kam.ActClaim, "claim CASE", "Take a task from the queue that you share", func(*cobra.Command, *kam.Act) {})
	cmd.Example = "  starter --as walter.steward claim KAM-2026-000031"
	return cmd
}

func releaseCommand(a *app) *cobra.Command {
	cmd := simple(a, kam.ActRelease, "release CASE", "Put a task that you claimed back into its queue", func(*cobra.Command, *kam.Act) {})
	cmd.Example = "  starter --as walter.steward release KAM-2026-000031"
	return cmd
}

func reevaluateCommand(a *app) *cobra.Command {
	cmd := simple(a, kam.ActReevaluate, "reevaluate CASE --reason TEXT", "Have a waiting case decided again under the policy now in force", reasonFlag)
	cmd.Example = "  starter --as ada.policy reevaluate KAM-2026-000016 --reason 'The new limits are meant for cases like this.'"
	return cmd
}

// cancelCommand is what takes two persons: an operator asks, a policy_admin
// agrees.
func cancelCommand(a *app) *cobra.Command {
	act := kam.Act{Name: kam.ActCancel}
	var asks, agrees bool
	cmd := &cobra.Command{
		Use:     "cancel CASE --request --reason TEXT | --agree",
		Short:   "Cancel a case: an operator asks, a policy admin agrees",
		Example: "  starter --as dario.operator cancel KAM-2026-000016 --request --reason 'Entered twice.'\n  starter --as boris.policy cancel KAM-2026-000016 --agree",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if asks == agrees {
				return usagef("say --request (an operator asks) or --agree (a policy admin agrees)")
			}
			act.Verdict = kam.AskCancel
			if agrees {
				act.Verdict = kam.AgreeCancel
			}
			return a.act(cmd.Context(), kam.CaseNo(args[0]), act, nil)
		},
	}
	cmd.Flags().BoolVar(&asks, "request", false, "ask for it, as operator")
	cmd.Flags().BoolVar(&agrees, "agree", false, "agree to it, as policy admin")
	reasonFlag(cmd, &act)
	cmd.Flags().StringVar(&act.DecisionID, "decision-id", "", "id of a decision that is sent again")
	return cmd
}

// choices are the ways to resolve a possible duplicate.
var choices = map[string]kam.Verdict{"different": kam.NotDuplicate, "not_duplicate": kam.NotDuplicate, "existing": kam.UseExisting, "use_existing": kam.UseExisting,
	"convert": kam.ConvertToModify, "convert_to_modify": kam.ConvertToModify, "same_request": kam.SameRequest}

func resolveCommand(a *app) *cobra.Command {
	act := kam.Act{Name: kam.ActResolveDuplicate}
	cmd := &cobra.Command{
		Use:     "resolve-duplicate CASE different|existing|convert|same-request",
		Short:   "Say whether the customer is one that exists already or is requested already, or make the request a change of it",
		Example: "  starter --as anna.rep resolve-duplicate KAM-2026-000031 convert --customer C-000131\n  starter --as anna.rep resolve-duplicate KAM-2026-000031 same-request",
		Args:    cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			verdict, ok := choices[strings.ReplaceAll(strings.ToLower(args[1]), "-", "_")]
			if !ok {
				return usagef("%q is no decision; one of %s", args[1], kam.ListOf(sortedKeys(choices)))
			}
			act.Verdict = verdict
			if verdict == kam.SameRequest && act.SameAs == "" {
				back, err := a.system(cmd.Context())
				if err != nil {
					return err
				}
				v, err := back.CaseView(cmd.Context(), a.me(), kam.CaseNo(args[0]))
				if err != nil {
					return unreachable("PostgreSQL", err)
				}
				if err := a.earlier(&act, v); err != nil {
					return err
				}
			}
			return a.act(cmd.Context(), kam.CaseNo(args[0]), act, nil)
		},
	}
	reasonFlag(cmd, &act)
	cmd.Flags().StringVar(&act.CustomerNo, "customer", "", "number of the existing customer")
	cmd.Flags().StringVar((*string)(&act.SameAs), "case", "", "earlier case, with same-request (default: the only one among the candidates)")
	cmd.Flags().StringVar(&act.DecisionID, "decision-id", "", "id of a decision that is sent again")
	return cmd
}

func submitCommand(a *app) *cobra.Command {
	var details bool
	cmd := dataCommand(a, "submit CASE -f data.json", "Send data that the case waits for", func(s kam.State) kam.ActName {
		// The same verb serves both sets: what the state waits for decides,
		// --details says otherwise.
		if details || s == kam.AwaitingCompletion || s == kam.AwaitingConfirmation || s == kam.DuplicateReview || s == kam.ComplianceReview {
			return kam.ActSubmitDetails
		}
		return kam.ActSubmitData
	})
	cmd.Flags().BoolVar(&details, "details", false, "send them as details, which may come before they are asked for")
	return cmd
}

func amendCommand(a *app) *cobra.Command {
	return dataCommand(a, "amend CASE -f data.json", "Change material data while a manager has the case", func(kam.State) kam.ActName { return kam.ActAmendMaterial })
}

// dataCommand makes a verb that sends data.
func dataCommand(a *app, use, short string, name func(kam.State) kam.ActName) *cobra.Command {
	var act kam.Act
	var file string
	cmd := &cobra.Command{
		Use:   use,
		Short: short,
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			b, err := a.readFile(file)
			if err != nil {
				return err
			}
			var data kam.RequestData
			if err := decode(file, b, &data); err != nil {
				return err
			}
			if err := checkForm(file, data); err != nil {
				return err
			}
			back, err := a.system(cmd.Context())
			if err != nil {
				return err
			}
			s, err := back.Case(cmd.Context(), a.me(), kam.CaseNo(args[0]))
			if err != nil {
				return unreachable("PostgreSQL", err)
			}
			act.Name = name(s.State)
			return a.act(cmd.Context(), s.CaseNo, act, &data)
		},
	}
	f := cmd.Flags()
	f.StringVarP(&file, "file", "f", "", "data file, - for standard input")
	f.IntVar(&act.ExpectRevision, "expect-revision", 0, "revision that you have read")
	f.StringVar(&act.DecisionID, "decision-id", "", "id of a decision that is sent again")
	return cmd
}
