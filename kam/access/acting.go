package access

import (
	"slices"

	"github.com/kamflow/kamflow/kam"
)

// Acting is in what somebody acts: the role by which the matrix says yes, and of
// his posts the one that counts for it; empty where the right is not that of a
// place.
type Acting struct {
	Role kam.Role
	Post string
}

// Acts is [Permit], with the post.
func Acts(p kam.Person, a Action, s Subject) (Acting, error) {
	role, err := Permit(p, a, s)
	if err != nil {
		return Acting{}, err
	}
	in := Acting{Role: role}
	if a == ActionClearDuplicate && s.Certain {
		a = ActionClearCertain
	}
	i := slices.IndexFunc(Permissions, func(r Permission) bool {
		return r.Action == a && r.Role == role && r.holds(p, s).English == ""
	})
	if i >= 0 && Permissions[i].Scope != ScopeAll {
		in.Post, _ = Permissions[i].postOf(p, s)
	}
	return in, nil
}
