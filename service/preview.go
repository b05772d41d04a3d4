package service

import (
	"context"
	"errors"

	"github.com/kamflow/kamflow/internal/parties"
	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/access"
	"github.com/kamflow/kamflow/kam/customer"
	"github.com/kamflow/kamflow/kam/rules"
	customerdb "github.com/kamflow/kamflow/store/customer"
)

// A Preview is what would become of a request for a new customer that has not
// been sent: what its form still lacks, who may be the same customer, and where
// it would go. Nothing is kept of it, and the case judges all of it again.
type Preview struct {
	// Errors are what is wrong with the form, by field, with the rule and what
	// helps.
	Errors []*kam.Error `json:"errors"`
	// Missing are the fields that the decision whether to add still needs, by name.
	Missing []string `json:"missing"`
	// Alike are who may be the same customer, the most certain first: customers,
	// open cases, requests rejected not long ago.
	Alike []customer.Candidate `json:"alike"`
	// Territory is where the customer would belong, "" where no rule says so.
	Territory     string     `json:"territory_code,omitempty"`
	TerritoryName string     `json:"territory_name,omitempty"`
	OwnerID       kam.UserID `json:"owner_id,omitempty"`
	// ManagerID is who would be asked first to confirm: the nearest manager above
	// the territory who does not ask himself; "" where there is none.
	ManagerID kam.UserID `json:"manager_id,omitempty"`
}

// mostAlike bounds the candidates of a preview.
const mostAlike = 20

// Preview says what would become of a request for a new customer (start).
func (l *Local) Preview(ctx context.Context, who Principal, data customer.RequestData) (Preview, error) {
	ctx, cancel := context.WithTimeout(ctx, l.Patience)
	defer cancel()
	r, err := l.reader(ctx, who)
	if err != nil {
		return Preview{}, reachable(ctx, kam.Say("the preview"), err)
	}
	if _, err := access.Permit(r.Person, access.ActionStart, access.Subject{Requester: r.ID}); err != nil {
		return Preview{}, err
	}
	policy, err := l.latestPolicy(ctx)
	if err != nil {
		return Preview{}, reachable(ctx, kam.Say("the preview"), err)
	}
	rules.Clean(&data)
	p := Preview{Errors: policy.FormErrors(data), Missing: rules.Missing(data, customer.Screening)}
	alike, err := l.alike(ctx, policy, data)
	place, placed := l.place(ctx, r, data, &p)
	if err := errors.Join(err, placed); err != nil {
		return Preview{}, reachable(ctx, kam.Say("the preview"), err)
	}
	p.Alike = alike[:min(len(alike), mostAlike)]
	for _, n := range place {
		if n.ManagerID != "" && n.ManagerID != r.ID {
			p.ManagerID = n.ManagerID
			break
		}
	}
	return p, nil
}

// alike are who may be the customer of the data. A group that is given by a name
// that no group has yet counts as none.
func (l *Local) alike(ctx context.Context, policy *rules.Set, data customer.RequestData) ([]customer.Candidate, error) {
	if data.LegalName == "" && len(data.Identifiers) == 0 && data.Website == "" && data.Phone == "" {
		return nil, nil
	}
	now, err := l.record.Now(ctx)
	if err != nil {
		return nil, err
	}
	keys := parties.Keys(data)
	keys.RejectedDays = policy.Process.RejectCooldownDays
	found, err := l.record.Customers.Parties(ctx, keys, now)
	if err != nil {
		return nil, err
	}
	self := parties.Compared(customerdb.Party{GroupID: data.GroupID, Data: customerdb.PartyDataOf(data)})
	var all []customer.Candidate
	for _, p := range found {
		if c, ok := parties.Alike(policy.Match, self, p); ok {
			all = append(all, c)
		}
	}
	return parties.Best(all), nil
}

// place fills in where the customer would belong, and returns the way up from
// there.
func (l *Local) place(ctx context.Context, r reader, data customer.RequestData, p *Preview) ([]kam.TerritoryNode, error) {
	p.Territory, p.OwnerID = data.TerritoryCode, data.RequestedOwnerID
	if p.OwnerID == "" {
		p.OwnerID = r.ID
	}
	if len(kam.PathOf(r.nodes, p.Territory)) == 0 {
		all, err := l.record.Access.AssignmentRules(ctx)
		if err != nil {
			return nil, err
		}
		rule, ok := parties.Assignment(all, data)
		if p.Territory = rule.Territory; ok && rule.OwnerID != "" && data.RequestedOwnerID == "" {
			p.OwnerID = rule.OwnerID
		}
	}
	path := kam.PathOf(r.nodes, p.Territory)
	if len(path) > 0 {
		p.TerritoryName = path[0].Name
	}
	return path, nil
}
