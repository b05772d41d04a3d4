// Package stage is what the stages of every process share: the policy that they
// go by, the facts of sales, where a customer belongs, and errors on their way to
// Temporal.
package stage

import (
	"context"
	"sync"
	"time"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/temporal"

	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/rules"
	"github.com/kamflow/kamflow/kam/signed"
	accessdb "github.com/kamflow/kamflow/store/access"
)

// ToTemporal keeps a kam code across the wire, where Go error values do not
// survive, and marks the error as not retryable: the answer would be the same.
// Only kam.Unreachable is retried.
func ToTemporal(err error) error {
	if err == nil {
		return nil
	}
	if e := kam.AsError(err); e != nil && e.Code != kam.Unreachable {
		return temporal.NewNonRetryableApplicationError(err.Error(), string(e.Code), err, e)
	}
	return err
}

// Policies are the versions of the policy that were read. The zero value is
// ready; it may be used from many goroutines.
type Policies struct {
	read sync.Map // version -> *rules.Set; a published version never changes
}

// A Source is where a policy is read: in a transaction, or outside.
type Source interface {
	LatestPolicy() (version int, text []byte, err error)
	PolicyText(version int) ([]byte, error)
}

// Of is a version of the policy; 0 takes the newest. What was read once is
// kept.
func (p *Policies) Of(from Source, version int) (*rules.Set, int, error) {
	if known, ok := p.read.Load(version); ok && version != 0 {
		return known.(*rules.Set), version, nil
	}
	var text []byte
	var err error
	if version == 0 {
		version, text, err = from.LatestPolicy()
	} else {
		text, err = from.PolicyText(version)
	}
	if err != nil {
		return nil, 0, err
	}
	set, err := rules.Parse(text)
	if err != nil {
		return nil, 0, kam.Errorf(kam.Fault, "policy version %d cannot be read: %v", version, err)
	}
	p.read.Store(version, set)
	return set, version, nil
}

// Published are the policies as they are read outside a transaction.
func Published(ctx context.Context, s *accessdb.Store) Source { return published{ctx, s} }

type published struct {
	ctx context.Context
	*accessdb.Store
}

func (p published) LatestPolicy() (int, []byte, error) { return p.Store.LatestPolicy(p.ctx) }

func (p published) PolicyText(version int) ([]byte, error) { return p.Store.PolicyText(p.ctx, version) }

// Signatures judges what people signed: a [signed.Verifier].
type Signatures interface {
	Verify(now time.Time, token string, c signed.Claim) error
}

// Registry is what takes the activities: a worker or a test environment.
type Registry interface {
	RegisterActivityWithOptions(a any, options activity.RegisterOptions)
}
