package kam_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kamflow/kamflow/kam"
)

func TestNamesOfATask(t *testing.T) {
	t.Parallel()
	pair := func(by, giver kam.UserID) kam.StandIn { return kam.StandIn{By: by, For: giver} }
	for _, c := range []struct {
		assignees []kam.UserID
		in        []kam.StandIn
		names     []string
		holders   []kam.UserID
	}{
		{nil, nil, nil, nil},
		{[]kam.UserID{"anna", "rita"}, nil, []string{"anna", "rita"}, []kam.UserID{"anna", "rita"}},
		{[]kam.UserID{"bert", "anna"}, []kam.StandIn{pair("bert", "anna")}, []string{"bert for anna"}, []kam.UserID{"anna"}},
		{[]kam.UserID{"bert", "anna", "carl", "rita"}, []kam.StandIn{pair("bert", "anna"), pair("bert", "carl")}, []string{"bert for anna", "bert for carl", "rita"}, []kam.UserID{"anna", "carl", "rita"}},
		{[]kam.UserID{"anna"}, []kam.StandIn{pair("bert", "anna")}, []string{"anna"}, []kam.UserID{"anna"}},
	} {
		task := &kam.Task{Assignees: c.assignees, StandIns: c.in}
		require.Equal(t, c.names, task.Names())
		require.Equal(t, c.holders, task.Holders())
	}
	var none *kam.Task
	require.Empty(t, none.Holders())
	require.Empty(t, none.StandsInFor("anna"))
}
