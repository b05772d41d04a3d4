package acceptance

import (
	"context"
	"errors"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/temporal"

	"github.com/kamflow/kamflow/activities"
	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/onboarding"
)

// breakage says how the next run of a stage goes wrong.
type breakage int

const (
	whole       breakage = iota
	broken               // a FAULT before anything is stored: retrying is no cure
	interrupted          // an outage before anything is stored: retrying is
	unanswered           // stored, and the answer is lost on its way
)

// errOutage stands for a database that went away.
var errOutage = errors.New("connection reset by peer")

// breaking registers the stages so that a test can make one of them fail.
type breaking struct {
	activities.Registry
	how func(onboarding.Stage) breakage
}

func (b breaking) RegisterActivityWithOptions(a any, o activity.RegisterOptions) {
	stage := onboarding.Stage(o.Name)
	switch do := a.(type) {
	case func(context.Context, onboarding.StageInput) (onboarding.Progress, error):
		a = func(ctx context.Context, in onboarding.StageInput) (onboarding.Progress, error) {
			return fail(b.how(stage), func() (onboarding.Progress, error) { return do(ctx, in) })
		}
	case func(context.Context, onboarding.ActInput) (onboarding.Progress, error):
		a = func(ctx context.Context, in onboarding.ActInput) (onboarding.Progress, error) {
			return fail(b.how(stage), func() (onboarding.Progress, error) { return do(ctx, in) })
		}
	}
	b.Registry.RegisterActivityWithOptions(a, o)
}

func fail(how breakage, do func() (onboarding.Progress, error)) (onboarding.Progress, error) {
	switch how {
	case broken:
		e := kam.Errorf(kam.Fault, "broken for a test")
		return onboarding.Progress{}, temporal.NewNonRetryableApplicationError(e.Error(), string(e.Code), e, e)
	case interrupted:
		return onboarding.Progress{}, errOutage
	case unanswered:
		if _, err := do(); err != nil {
			return onboarding.Progress{}, err
		}
		return onboarding.Progress{}, errOutage
	}
	return do()
}

// breaks makes one stage of the scene fail once.
func (s *scene) breaks(stage onboarding.Stage, how breakage) *scene {
	s.breakage[stage] = how
	return s
}

// breakOnce is what comes of a stage that is run now.
func (s *scene) breakOnce(stage onboarding.Stage) breakage {
	how := s.breakage[stage]
	delete(s.breakage, stage)
	return how
}
