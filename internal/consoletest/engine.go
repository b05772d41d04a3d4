package consoletest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"go.temporal.io/api/serviceerror"
	sdk "go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"

	"github.com/kamflow/kamflow/activities"
	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/onboarding"
	"github.com/kamflow/kamflow/kam/signed/signedtest"
	"github.com/kamflow/kamflow/service"
	"github.com/kamflow/kamflow/store"
)

// An engine stands for Temporal and a worker: what people send runs through the real
// stages on the real record, one after the other, until the case waits for somebody.
// Deadlines do not pass.
type engine struct {
	service.Temporal
	record *store.Store
	stages *activities.Activities

	mu   sync.Mutex
	down bool
}

func newEngine(record *store.Store) *engine {
	a := activities.New(record)
	a.Signatures = signedtest.Verifier()
	return &engine{record: record, stages: a}
}

type operation struct{ sdk.WithStartWorkflowOperation }

func (e *engine) NewWithStartWorkflowOperation(sdk.StartWorkflowOptions, any, ...any) sdk.WithStartWorkflowOperation {
	return operation{}
}

func (e *engine) UpdateWithStartWorkflow(ctx context.Context, o sdk.UpdateWithStartWorkflowOptions) (sdk.WorkflowUpdateHandle, error) {
	return e.UpdateWorkflow(ctx, o.UpdateOptions)
}

func (e *engine) SignalWorkflow(context.Context, string, string, string, any) error { return nil }

func (e *engine) QueryWorkflow(ctx context.Context, workflow, _, _ string, _ ...any) (converter.EncodedValue, error) {
	s, err := e.record.Cases.Case(ctx, kam.CaseNo(strings.TrimPrefix(workflow, "case/")))
	if err != nil {
		return nil, err
	}
	p, err := converter.GetDefaultDataConverter().ToPayloads(s)
	return sdk.NewValue(p), err
}

func (e *engine) UpdateWorkflow(ctx context.Context, o sdk.UpdateWorkflowOptions) (sdk.WorkflowUpdateHandle, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.down {
		return nil, serviceerror.NewUnavailable("the test has switched it off")
	}
	var p onboarding.Progress
	var err error
	switch in := o.Args[0].(type) {
	case onboarding.StartInput:
		p, err = e.stages.OpenCase(ctx, onboarding.StageInput{CaseNo: in.CaseNo, Seq: 1, Now: time.Now().UTC(), Signed: in.Signed})
	case onboarding.Act:
		no := kam.CaseNo(strings.TrimPrefix(o.WorkflowID, "case/"))
		in.Name = onboarding.ActName(o.UpdateName)
		var s onboarding.Snapshot
		if s, err = e.record.Cases.Case(ctx, no); err == nil {
			p, err = e.stages.RecordAct(ctx, onboarding.ActInput{CaseNo: no, Known: s.Version, Now: time.Now().UTC(), Act: in})
		}
	default:
		err = fmt.Errorf("nobody sends a %T", in)
	}
	if err == nil && p.Refused == nil {
		p, err = e.settle(ctx, p)
	}
	return handle{p: p, err: err}, nil
}

// settle runs the stages of the engine until the case waits or has ended.
func (e *engine) settle(ctx context.Context, p onboarding.Progress) (onboarding.Progress, error) {
	stages := map[onboarding.Stage]func(context.Context, onboarding.StageInput) (onboarding.Progress, error){
		onboarding.StageIdentify: e.stages.Identify, onboarding.StageDecide: e.stages.Decide, onboarding.StageAnalyze: e.stages.Analyze, onboarding.StageSegment: e.stages.Segment,
		onboarding.StageValidate: e.stages.Validate, onboarding.StageClassify: e.stages.Classify, onboarding.StageHandOff: e.stages.HandOff,
	}
	for range 20 {
		s := p.Snapshot
		stage, ok := stages[onboarding.StageOf[s.State]]
		if !ok {
			return p, nil
		}
		var err error
		if p, err = stage(ctx, onboarding.StageInput{CaseNo: s.CaseNo, Seq: s.Version + 1, Known: s.Version, Now: time.Now().UTC()}); err != nil {
			return p, err
		}
	}
	return p, errors.New("the case does not settle")
}

// handle is the answer.
type handle struct {
	sdk.WorkflowUpdateHandle
	p   onboarding.Progress
	err error
}

func (h handle) Get(_ context.Context, into any) error {
	if h.err != nil {
		return h.err
	}
	*into.(*onboarding.Progress) = h.p
	return nil
}
