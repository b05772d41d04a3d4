package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/workflowservice/v1"
	sdk "go.temporal.io/sdk/client"

	"github.com/kamflow/kamflow/internal/namespace"
	"github.com/kamflow/kamflow/internal/term"
	"github.com/kamflow/kamflow/internal/text"
	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/store"
)

// finding is one line of doctor.
type finding struct {
	Check  string `json:"check"`
	Status string `json:"status"` // ok, look or failed
	Detail string `json:"detail,omitempty"`
}

const (
	isOK   = "ok"
	isLook = "look"
	isBad  = "failed"
)

func doctorCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "doctor",
		Short: "Check database, schema, Temporal, clock, workers and stuck cases",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			back, err := a.system(cmd.Context())
			var all []finding
			if err != nil {
				all = []finding{{"database", isBad, err.Error()}}
				if e := kam.AsError(err); e != nil {
					all[0].Detail = e.Msg
				}
			} else {
				all = back.Diagnose(cmd.Context())
			}
			return a.diagnosis(all)
		},
	}
}

func (a *app) diagnosis(all []finding) error {
	bad := false
	t := term.NewTable(text.Say("label.check"), text.Say("label.result"), text.Say("label.note"))
	words := map[string]string{isOK: text.Say("doctor.ok"), isLook: text.Say("doctor.note"), isBad: text.Say("doctor.fail")}
	for _, f := range all {
		bad = bad || f.Status == isBad
		t.Row(f.Check, words[f.Status], f.Detail)
	}
	if a.json {
		if err := a.printJSON(map[string]any{"healthy": !bad, "checks": all}); err != nil {
			return err
		}
	} else {
		a.printf("%s", t.Text(a.screen))
	}
	if bad {
		return printed{exitError{exitUnreachable, errors.New("checks failed")}}
	}
	return nil
}

// Diagnose looks at everything that a case needs. It changes nothing.
func (l *live) Diagnose(ctx context.Context) []finding {
	var all []finding
	look := func(name string, ask func(context.Context) (status, detail string, err error)) {
		ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
		defer cancel()
		status, detail, err := ask(ctx)
		if err != nil {
			status, detail = isBad, err.Error()
		}
		all = append(all, finding{name, status, detail})
	}
	look("database", l.checkDatabase)
	look("schema", l.checkSchema)
	look("clock", l.checkClock)
	look("organisation", l.checkOrganisation)
	look("policy", l.checkPolicy)
	look("outbox", l.checkOutbox)
	look("stuck cases", l.checkStuck)
	look("temporal", l.checkTemporal)
	look("namespace", l.checkNamespace)
	look("search attributes", l.checkAttributes)
	look("workers", l.checkWorkers)
	return all
}

func (l *live) checkDatabase(ctx context.Context) (string, string, error) {
	s, err := store.Open(ctx, l.cfg.Database.URL.Reveal(), store.Options{MaxConns: 1})
	if err != nil {
		return "", "", err
	}
	s.Close()
	return isOK, "", nil
}

func (l *live) checkSchema(ctx context.Context) (string, string, error) {
	have, want, err := store.SchemaVersion(ctx, l.cfg.Database.URL.Reveal())
	switch {
	case err != nil:
		return "", "", err
	case have < want:
		return isBad, fmt.Sprintf("version %d, this program needs %d: start a worker, it migrates", have, want), nil
	case have > want:
		return isLook, fmt.Sprintf("version %d is newer than this program's %d", have, want), nil
	}
	return isOK, fmt.Sprintf("version %d", have), nil
}

// drift is how far clocks may differ before people are puzzled.
const drift = 5 * time.Second

func (l *live) checkClock(ctx context.Context) (string, string, error) {
	before := time.Now()
	there, err := l.Now(ctx)
	if err != nil {
		return "", "", err
	}
	after := time.Now()
	switch {
	case there.Before(before.Add(-drift)):
		return isLook, "the database's clock is behind by " + term.Span(before.Sub(there)), nil
	case there.After(after.Add(drift)):
		return isLook, "the database's clock is ahead by " + term.Span(there.Sub(after)), nil
	}
	return isOK, "", nil
}

func (l *live) checkOrganisation(ctx context.Context) (string, string, error) {
	people, err := l.People(ctx)
	if err != nil {
		return "", "", err
	}
	nodes, err := l.Nodes(ctx)
	if err != nil {
		return "", "", err
	}
	if len(people) == 0 || len(nodes) == 0 {
		return isBad, "nobody is loaded: starter --as USER admin load-org FILE", nil
	}
	there := fmt.Sprintf("%d people, %d nodes", len(people), len(nodes))
	for _, role := range []kam.Role{kam.UserAdmin, kam.PolicyAdmin} {
		n := 0
		for _, p := range people {
			if p.Active && p.Is(role) {
				n++
			}
		}
		if n < 2 {
			there += fmt.Sprintf("; %d active %s: a change that gives rights takes two, so nobody could agree to one", n, role)
			return isLook, there, nil
		}
	}
	return isOK, there, nil
}

func (l *live) checkPolicy(ctx context.Context) (string, string, error) {
	version, _, err := l.LatestPolicy(ctx)
	if kam.CodeOf(err) == kam.NotFound {
		return isBad, "none is loaded: starter --as USER admin load-policy FILE", nil
	}
	return isOK, fmt.Sprintf("version %d", version), err
}

func (l *live) checkOutbox(ctx context.Context) (string, string, error) {
	waiting, dead, err := l.OutboxState(ctx)
	if dead > 0 {
		return isLook, fmt.Sprintf("%d messages could not be delivered in a day, %d wait", dead, waiting), err
	}
	return isOK, fmt.Sprintf("%d wait", waiting), err
}

func (l *live) checkStuck(ctx context.Context) (string, string, error) {
	stuck, err := l.Stuck(ctx)
	if err != nil || len(stuck) == 0 {
		return isOK, "none", err
	}
	detail := fmt.Sprintf("%d:", len(stuck))
	for i, s := range stuck {
		if i == 5 {
			detail += " ..."
			break
		}
		why := s.Why
		if s.State != "" {
			why = string(s.State) + ", " + why
		}
		detail += fmt.Sprintf(" %s (%s)", s.CaseNo, why)
	}
	return isLook, detail, nil
}

func (l *live) checkTemporal(ctx context.Context) (string, string, error) {
	if _, err := l.temporal.CheckHealth(ctx, &sdk.CheckHealthRequest{}); err != nil {
		return "", "", err
	}
	info, err := l.temporal.WorkflowService().GetSystemInfo(ctx, &workflowservice.GetSystemInfoRequest{})
	return isOK, "server " + info.GetServerVersion(), err
}

func (l *live) checkNamespace(ctx context.Context) (string, string, error) {
	d, err := l.temporal.WorkflowService().DescribeNamespace(ctx, &workflowservice.DescribeNamespaceRequest{Namespace: l.namespace})
	if err != nil {
		return "", "", err
	}
	return isOK, fmt.Sprintf("%s, closed runs kept %s", l.namespace, term.Span(d.GetConfig().GetWorkflowExecutionRetentionTtl().AsDuration())), nil
}

func (l *live) checkAttributes(ctx context.Context) (string, string, error) {
	missing, err := namespace.Missing(ctx, l.temporal, l.namespace)
	if err != nil || len(missing) == 0 {
		return isOK, "", err
	}
	return isBad, "missing; run:\n" + namespace.Commands(l.namespace, missing), nil
}

func (l *live) checkWorkers(ctx context.Context) (string, string, error) {
	q := l.cfg.Temporal.TaskQueue
	d, err := l.temporal.DescribeTaskQueue(ctx, q, enumspb.TASK_QUEUE_TYPE_WORKFLOW)
	if err != nil {
		return "", "", err
	}
	if len(d.GetPollers()) == 0 {
		return isBad, "nobody works on task queue " + q + ": go run ./worker", nil
	}
	return isOK, fmt.Sprintf("%d on task queue %s", len(d.GetPollers()), q), nil
}
