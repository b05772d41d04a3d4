package main

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/spf13/cobra"

	"github.com/kamflow/kamflow/kam"
)

// existing are the verbs that start a case on a customer that is there already.
func existing(a *app) []*cobra.Command {
	return []*cobra.Command{modifyCommand(a), reactivateCommand(a), deactivateCommand(a), reviewCommand(a), appealCommand(a)}
}

// onCustomer makes a verb that starts a case of one type on a customer.
func onCustomer(a *app, t kam.CaseType, cmd *cobra.Command, flags func(*cobra.Command, *asked)) *cobra.Command {
	var ask asked
	cmd.Args = cobra.ExactArgs(1)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		by, err := a.who()
		if err != nil {
			return err
		}
		f, err := a.about(t, args[0], ask)
		if err != nil {
			return err
		}
		key := ask.key
		if t == kam.Reclassify && key == "" {
			key = dayKey(a.now(), f, by)
		}
		return a.start(cmd.Context(), f, by, key)
	}
	flags(cmd, &ask)
	keyFlag(cmd, &ask.key)
	return cmd
}

// asked is what the flags of such a verb say.
type asked struct{ file, reason, trigger, key string }

func (q *asked) fileFlag(cmd *cobra.Command, what string) {
	cmd.Flags().StringVarP(&q.file, "file", "f", "", what+", - for standard input")
}

func (q *asked) reasonFlag(cmd *cobra.Command, what string) {
	cmd.Flags().StringVar(&q.reason, "reason", "", what)
}

// about makes the request: what the file holds, the customer, and the reason
// as its justification.
func (a *app) about(t kam.CaseType, customer string, q asked) (requestFile, error) {
	var f requestFile
	if q.file != "" {
		if err := a.readRequest(q.file, &f); err != nil {
			return f, err
		}
	}
	switch {
	case f.CaseType != "" && f.CaseType != t:
		return f, usagef("%s: case_type: %s is not what this verb starts", q.file, f.CaseType)
	case f.CustomerNo != "" && f.CustomerNo != customer:
		return f, usagef("%s: customer_no: %s is not customer %s", q.file, f.CustomerNo, customer)
	case f.AppealOf != "":
		return f, usagef("%s: appeal_of: only a NEW request appeals; write: starter appeal CASE -f data.json", q.file)
	}
	if t == kam.Reclassify && q.trigger == "" {
		return f, usagef("say why with --trigger, one of %s", kam.ListOf(kam.ReviewTriggers))
	}
	if t == kam.Modify && len(kam.Diff(kam.RequestData{}, f.RequestData)) == 0 {
		return f, usagef("%s: changes no field of the customer; give the fields that change, as in docs/examples/new_phone.json", cmp.Or(q.file, "-f"))
	}
	if t == kam.Deactivate && strings.TrimSpace(q.reason) == "" {
		return f, usagef("say why with --reason: the manager confirms on it")
	}
	f.CaseType, f.CustomerNo = t, customer
	if q.trigger != "" {
		f.Trigger = kam.ReviewTrigger(strings.ToUpper(q.trigger))
	}
	if q.reason == "" {
		return f, nil
	}
	f.Justification = q.reason
	return f, checkForm("--reason", f.RequestData)
}

// dayKey derives the key of a review: the same review asked for again on a day
// is the same, because a second one would count a failure twice.
func dayKey(now time.Time, f requestFile, by kam.UserID) string {
	day := strings.Join([]string{"review", now.UTC().Format(time.DateOnly), f.CustomerNo, string(f.Trigger), string(by)}, "/")
	return uuid.NewSHA1(keySpace, []byte(day)).String()
}

func modifyCommand(a *app) *cobra.Command {
	return onCustomer(a, kam.Modify, &cobra.Command{
		Use:     "modify CUSTOMER -f changes.json",
		Short:   "Change an existing customer; the file holds the fields that change",
		Long:    "Change an existing customer. The file holds the fields that change and nothing else.\nA material field (marked * in show) goes to the manager; any other is changed at once.",
		Example: "  starter --as anna.rep modify C-000101 -f docs/examples/new_phone.json",
	}, func(cmd *cobra.Command, q *asked) { q.fileFlag(cmd, "file with the changed fields") })
}

func reactivateCommand(a *app) *cobra.Command {
	return onCustomer(a, kam.Reactivate, &cobra.Command{
		Use:     "reactivate CUSTOMER [-f data.json] --reason TEXT",
		Short:   "Take a retired customer up again; its record fills the form",
		Example: "  starter --as clara.rep reactivate C-000143 --reason 'New owners have opened again and ask for an offer.'",
	}, func(cmd *cobra.Command, q *asked) {
		q.fileFlag(cmd, "file with what has changed")
		q.reasonFlag(cmd, "why they are a customer again; the justification of the request")
	})
}

func deactivateCommand(a *app) *cobra.Command {
	return onCustomer(a, kam.Deactivate, &cobra.Command{
		Use:     "deactivate CUSTOMER --reason TEXT",
		Short:   "Retire a customer that is sold to no more",
		Example: "  starter --as anna.rep deactivate C-000111 --reason 'The house was closed at the end of last month.'",
	}, func(cmd *cobra.Command, q *asked) {
		q.reasonFlag(cmd, "why; the justification of the request")
	})
}

func reviewCommand(a *app) *cobra.Command {
	return onCustomer(a, kam.Reclassify, &cobra.Command{
		Use:     "review CUSTOMER --trigger WHY [--reason TEXT]",
		Short:   "Classify an existing customer again",
		Long:    "Classify an existing customer again, on its present record. Asked twice on a day for\nthe same reason it is the same review.",
		Example: "  starter --as hanna.terr review C-000101 --trigger REQUEST",
	}, func(cmd *cobra.Command, q *asked) {
		cmd.Flags().StringVar(&q.trigger, "trigger", "", "why: "+joined(kam.ReviewTriggers))
		q.reasonFlag(cmd, "more about it, in words")
	})
}

func appealCommand(a *app) *cobra.Command {
	var file, key string
	cmd := &cobra.Command{
		Use:     "appeal CASE -f data.json",
		Short:   "Appeal a rejection, once, with new facts; another manager one level up decides",
		Long:    "Appeal a rejection: once, within 14 days, by the requester or his manager. The data of the\nrejected case are taken over; the file holds what is new.",
		Example: "  starter --as emil.rep appeal KAM-2026-000003 -f docs/examples/new_facts.json",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			by, err := a.who()
			if err != nil {
				return err
			}
			var f requestFile
			if err := a.readRequest(file, &f); err != nil {
				return err
			}
			return a.appeal(cmd.Context(), kam.CaseNo(args[0]), f, file, by, key)
		},
	}
	cmd.Flags().StringVarP(&file, "file", "f", "", "file with the new facts, - for standard input")
	keyFlag(cmd, &key)
	return cmd
}

// appeal lays the new facts over the data of the rejected case.
func (a *app) appeal(ctx context.Context, of kam.CaseNo, f requestFile, file string, by kam.UserID, key string) error {
	if f.CustomerNo != "" || !slices.Contains([]kam.CaseType{"", kam.NewCase}, f.CaseType) || !slices.Contains([]kam.CaseNo{"", of}, f.AppealOf) {
		return usagef("%s: an appeal is a NEW request against case %s", file, of)
	}
	back, err := a.system(ctx)
	if err != nil {
		return err
	}
	rejected, err := back.CaseView(ctx, a.me(), of)
	if err != nil {
		return unreachable("PostgreSQL", err)
	}
	if rejected.Hidden != nil {
		return rejected.Hidden
	}
	if f.RequestData, err = kam.Overlay(rejected.Request, f.RequestData); err != nil {
		return err
	}
	f.CaseType, f.AppealOf = kam.NewCase, of
	return a.start(ctx, f, by, key)
}
