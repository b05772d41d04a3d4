package rules

import (
	"github.com/kamflow/kamflow/kam/rules/match"
	"github.com/kamflow/kamflow/kam/rules/policy"
)

// A Set is the rules of the process under one policy, ready to decide. It is
// safe for use by several goroutines.
type Set struct {
	*policy.Policy
	// Match compares the parties of customers, requests and screening lists.
	Match *match.Matcher

	calc calc
}

// Under makes the rules ready to decide under a policy.
func Under(p *policy.Policy) *Set {
	s := &Set{Policy: p, Match: match.New(p)}
	s.prepare()
	return s
}

// Parse reads the text of a policy as [policy.Parse] does.
func Parse(text []byte) (*Set, error) {
	p, err := policy.Parse(text)
	if err != nil {
		return nil, err
	}
	return Under(p), nil
}

// Default are the rules under the policy that is shipped.
func Default() (*Set, error) { return Parse(policy.DefaultYAML()) }
