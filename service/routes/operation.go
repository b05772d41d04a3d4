package routes

import (
	"context"

	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/access"
	"github.com/kamflow/kamflow/service"
)

const tagOperation = "Operation"

// AuditAsked says which chains are checked.
type AuditAsked struct{ Body AuditDocument }

// AuditDocument names cases; none is everything.
type AuditDocument struct {
	Cases []kam.CaseNo `json:"cases,omitempty" maxItems:"10000"`
}

// Checks are the findings of a diagnosis.
type Checks struct {
	Checks []service.Check `json:"checks"`
}

// The rows of those who look after the system.
var (
	VerifyAudit = row(post(tagOperation, "VerifyAudit", "/audit/verify", "Recompute the chains of the audit trail; changes nothing", access.ActionAuditCheck).
			like(AuditDocument{Cases: []kam.CaseNo{"KAM-2026-000031"}}),
		func(ctx context.Context, s service.Service, who service.Principal, in *AuditAsked) (service.Verified, error) {
			return s.VerifyAudit(ctx, who, in.Body.Cases)
		})

	Diagnose = row(get(tagOperation, "Diagnose", "/diagnosis", "Look at everything that a case needs", access.ActionReadOperation),
		func(ctx context.Context, s service.Service, who service.Principal, _ *Empty) (Checks, error) {
			all, err := s.Diagnose(ctx, who)
			return Checks{all}, err
		})
)
