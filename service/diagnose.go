package service

import (
	"context"
	"fmt"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/workflowservice/v1"
	sdk "go.temporal.io/sdk/client"

	"github.com/kamflow/kamflow/internal/namespace"
	"github.com/kamflow/kamflow/internal/term"
	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/access"
	"github.com/kamflow/kamflow/kam/signed"
	"github.com/kamflow/kamflow/store"
)

// A Check is one finding of Diagnose.
type Check struct {
	Check  string `json:"check"`
	Status string `json:"status"` // ok, look or failed
	Detail string `json:"detail,omitempty"`
}

// What a check may say.
const (
	CheckOK     = "ok"
	CheckLook   = "look"
	CheckFailed = "failed"
)

// Diagnose looks at everything that a case needs. It changes nothing.
func (l *Local) Diagnose(ctx context.Context, who Principal) ([]Check, error) {
	if _, err := l.ask(ctx, who, access.ActionReadOperation); kam.AsError(err) != nil {
		return nil, err
	} // else the database does not answer, which the checks say
	if l.system == nil {
		return nil, kam.Errorf(kam.Fault, "this service was not opened, so that there is nothing to look at")
	}
	return l.system.diagnose(ctx), nil
}

func (s *system) diagnose(ctx context.Context) []Check {
	var all []Check
	look := func(name string, ask func(context.Context) (status, detail string, err error)) {
		ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
		defer cancel()
		status, detail, err := ask(ctx)
		if err != nil {
			status, detail = CheckFailed, err.Error()
		}
		all = append(all, Check{name, status, detail})
	}
	look("database", s.checkDatabase)
	look("schema", s.checkSchema)
	look("clock", s.checkClock)
	look("organisation", s.checkOrganisation)
	look("policy", s.checkPolicy)
	look("outbox", s.checkOutbox)
	look("stuck cases", s.checkStuck)
	look("signatures", s.checkSignatures)
	look("temporal", s.checkTemporal)
	look("namespace", s.checkNamespace)
	look("search attributes", s.checkAttributes)
	look("workers", s.checkWorkers)
	return all
}

func (s *system) checkDatabase(ctx context.Context) (string, string, error) {
	db, err := store.Open(ctx, s.Database, store.Options{MaxConns: 1})
	if err != nil {
		return "", "", err
	}
	db.Close()
	return CheckOK, "", nil
}

func (s *system) checkSchema(ctx context.Context) (string, string, error) {
	have, want, err := store.SchemaVersion(ctx, s.Database)
	switch {
	case err != nil:
		return "", "", err
	case have < want:
		return CheckFailed, kam.Note("version %d, this program needs %d: start a worker, it migrates", have, want), nil
	case have > want:
		return CheckLook, kam.Note("version %d is newer than this program's %d", have, want), nil
	}
	return CheckOK, kam.Note("version %d", have), nil
}

// drift is how far clocks may differ before people are puzzled.
const drift = 5 * time.Second

func (s *system) checkClock(ctx context.Context) (string, string, error) {
	before := time.Now()
	there, err := s.store.Now(ctx)
	if err != nil {
		return "", "", err
	}
	after := time.Now()
	switch {
	case there.Before(before.Add(-drift)):
		return CheckLook, kam.Note("the database's clock is behind by %s", term.Span(before.Sub(there))), nil
	case there.After(after.Add(drift)):
		return CheckLook, kam.Note("the database's clock is ahead by %s", term.Span(there.Sub(after))), nil
	}
	return CheckOK, "", nil
}

// checkSignatures says whether acts are taken unsigned, and whether this program
// signs with a key that every worker knows.
func (s *system) checkSignatures(ctx context.Context) (string, string, error) {
	modes, err := s.store.SignatureModes(ctx)
	if err != nil {
		return "", "", err
	}
	mode := modes[len(modes)-1].Mode
	if s.Keys == nil {
		return CheckLook, string(mode) + "; " + kam.Note("this program signs nothing"), nil
	}
	secrets, err := s.Keys.Secrets()
	if err != nil {
		return "", "", err
	}
	ring, err := s.Keys.Ring()
	if err != nil {
		return "", "", err
	}
	live, err := s.store.LiveWorkers(ctx)
	if err != nil {
		return "", "", err
	}
	key, signs := SigningNow(secrets, ring, live, time.Now())
	switch {
	case !signs && mode == signed.Require:
		return CheckLook, string(mode) + "; " + kam.Note("no key signs here that every live worker knows: see keys list"), nil
	case mode == signed.Record:
		return CheckLook, string(mode) + "; " + kam.Note("unsigned acts are taken, and counted by audit verify"), nil
	}
	return CheckOK, string(mode) + "; " + kam.Note("key %s signs", key.ID), nil
}

func (s *system) checkOrganisation(ctx context.Context) (string, string, error) {
	people, err := s.store.Access.People(ctx)
	if err != nil {
		return "", "", err
	}
	nodes, err := s.store.Access.Nodes(ctx)
	if err != nil {
		return "", "", err
	}
	if len(people) == 0 || len(nodes) == 0 {
		return CheckFailed, kam.Note("nobody is loaded: starter --as USER admin load-org FILE"), nil
	}
	there := kam.Note("%d people, %d nodes", len(people), len(nodes))
	for _, role := range []kam.Role{kam.UserAdmin, kam.PolicyAdmin} {
		n := 0
		for _, p := range people {
			if p.Active && p.Is(role) {
				n++
			}
		}
		if n < 2 {
			there += "; " + kam.Note("%d active %s: a change that gives rights takes two, so nobody could agree to one", n, role)
			return CheckLook, there, nil
		}
	}
	return CheckOK, there, nil
}

func (s *system) checkPolicy(ctx context.Context) (string, string, error) {
	version, _, err := s.store.Access.LatestPolicy(ctx)
	if kam.CodeOf(err) == kam.NotFound {
		return CheckFailed, kam.Note("none is loaded: starter --as USER admin load-policy FILE"), nil
	}
	return CheckOK, kam.Note("version %d", version), err
}

func (s *system) checkOutbox(ctx context.Context) (string, string, error) {
	waiting, dead, err := s.store.OutboxState(ctx)
	if dead > 0 {
		return CheckLook, kam.Note("%d messages could not be delivered in a day, %d wait", dead, waiting), err
	}
	return CheckOK, kam.Note("%d messages wait", waiting), err
}

func (s *system) checkStuck(ctx context.Context) (string, string, error) {
	stuck, err := s.store.Cases.Stuck(ctx)
	if err != nil || len(stuck) == 0 {
		return CheckOK, kam.Note("none"), err
	}
	detail := fmt.Sprintf("%d:", len(stuck))
	for i, c := range stuck {
		if i == 5 {
			detail += " ..."
			break
		}
		why := c.Why
		if c.State != "" {
			why = string(c.State) + ", " + why
		}
		detail += fmt.Sprintf(" %s (%s)", c.CaseNo, why)
	}
	return CheckLook, detail, nil
}

func (s *system) checkTemporal(ctx context.Context) (string, string, error) {
	if _, err := s.temporal.CheckHealth(ctx, &sdk.CheckHealthRequest{}); err != nil {
		return "", "", err
	}
	info, err := s.temporal.WorkflowService().GetSystemInfo(ctx, &workflowservice.GetSystemInfoRequest{})
	return CheckOK, kam.Note("server %s", info.GetServerVersion()), err
}

func (s *system) checkNamespace(ctx context.Context) (string, string, error) {
	d, err := s.temporal.WorkflowService().DescribeNamespace(ctx, &workflowservice.DescribeNamespaceRequest{Namespace: s.Temporal.Namespace})
	if err != nil {
		return "", "", err
	}
	return CheckOK, kam.Note("%s, closed runs kept %s", s.Temporal.Namespace, term.Span(d.GetConfig().GetWorkflowExecutionRetentionTtl().AsDuration())), nil
}

func (s *system) checkAttributes(ctx context.Context) (string, string, error) {
	missing, err := namespace.Missing(ctx, s.temporal, s.Temporal.Namespace, namespace.SearchAttributes())
	if err != nil || len(missing) == 0 {
		return CheckOK, "", err
	}
	return CheckFailed, kam.Note("missing; run:") + "\n" + namespace.Commands(s.Temporal.Namespace, missing), nil
}

func (s *system) checkWorkers(ctx context.Context) (string, string, error) {
	q := s.TaskQueue
	d, err := s.temporal.DescribeTaskQueue(ctx, q, enumspb.TASK_QUEUE_TYPE_WORKFLOW)
	if err != nil {
		return "", "", err
	}
	if len(d.GetPollers()) == 0 {
		return CheckFailed, kam.Note("nobody works on task queue %s: go run ./worker", q), nil
	}
	return CheckOK, kam.Note("%d workers on task queue %s", len(d.GetPollers()), q), nil
}
