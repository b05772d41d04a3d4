package procdoc

import (
	"fmt"
	"strings"

	"github.com/kamflow/kamflow/kam/access"
)

var rightWords = map[access.Right]string{access.RightCreate: "create", access.RightRead: "read", access.RightChange: "change", access.RightDecide: "decide"}

// Permissions is docs/permissions.md.
func Permissions() string {
	var b strings.Builder
	b.WriteString("# Who may do what\n\n" + generated)
	fmt.Fprintf(&b, "%d rows: a role may do an action on the records of a scope, under a condition. Nothing else is allowed. Authority is looked up in the tables when a decision is stored, never claimed by a message.\n\n", len(access.Permissions))
	b.WriteString("Separation of duties stands above these rows: who requested a case or changed its data never confirms it (SOD1); from NATIONAL on the endorser neither nominated nor confirmed (SOD2); a reviewer does not clear his own case, nor does a steward merge or split an account that he owns (SOD3); the author of a policy does not publish it (SOD4); operator and user_admin hold no deciding role (SOD5), an auditor no other role (SOD6); what gives somebody a right, and a load over what is there, takes two admins, and none of them gives himself one (SOD9). Who has lost a post at a node acts there by his other roles only.\n\n## Scopes\n\n")
	var rows [][]string
	for _, s := range []access.Scope{access.ScopeOwn, access.ScopeOwnArea, access.ScopeSub, access.ScopeAssigned, access.ScopeTeam, access.ScopeReferred, access.ScopeGranted, access.ScopeLink, access.ScopeAll} {
		rows = append(rows, []string{code(string(s)), s.Words()})
	}
	table(&b, "Scope|Meaning", rows)
	fmt.Fprintf(&b, "To start a case on a customer that is there, `%s` means %s.\n\n", access.ScopeOwn, access.OwnCustomers)
	b.WriteString("## Actions\n\nThe source is the section of [rules.md](rules.md) that gives the row: 5.2 is P5.2.\n\n")
	for _, a := range access.Actions {
		fmt.Fprintf(&b, "### %s\n\n", strings.ReplaceAll(string(a), "_", " "))
		rows = nil
		for i := 0; i < len(access.Permissions); i++ {
			p := access.Permissions[i]
			if p.Action == a {
				rows = append(rows, []string{string(p.Role), rightWords[p.Right], code(string(p.Scope)), p.When.Text, p.Source})
			}
		}
		table(&b, "Role|May|Scope|Only if|Source", rows)
	}
	return strings.TrimRight(b.String(), "\n") + "\n"
}
