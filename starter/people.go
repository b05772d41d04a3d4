package main

import (
	"context"
	"strings"

	"github.com/spf13/cobra"

	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/service"
)

// orgCommands change one row of the organisation: a person, a post, an absence.
func orgCommands(a *app) []*cobra.Command {
	person := group("person", "People: add, change, and see them leave (user_admin)")
	person.AddCommand(personCommand(a, "add"), personCommand(a, "set"), leaveCommand(a))
	node := group("node", "Posts of the territory tree (policy_admin)")
	node.AddCommand(nodeCommand(a))
	absence := group("absence", "Times in which a person takes no tasks (policy_admin)")
	absence.AddCommand(addAbsenceCommand(a), absencesCommand(a), removeAbsenceCommand(a))
	return append([]*cobra.Command{person, node, absence, identityCommands(a)}, proposalCommands(a)...)
}

// orgVerb makes a verb that changes one row, about what its argument names.
func orgVerb(a *app, cmd *cobra.Command, change func(ctx context.Context, back service.Service, act service.OrgAct, what string) (service.OrgChange, error)) *cobra.Command {
	return a.orgAct(cmd, func(ctx context.Context, back service.Service, act service.OrgAct, what string) error {
		c, err := change(ctx, back, act, what)
		if err != nil {
			return unreachable("PostgreSQL", err)
		}
		return a.changed(c, what)
	})
}

// orgAct makes a verb that does something to the organisation in somebody's
// name.
func (a *app) orgAct(cmd *cobra.Command, do func(ctx context.Context, back service.Service, act service.OrgAct, what string) error) *cobra.Command {
	var act service.OrgAct
	cmd.Args = cobra.ExactArgs(1)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		back, err := a.system(cmd.Context())
		if err != nil {
			return err
		}
		if act.DecisionID == "" {
			act.DecisionID = service.NewDecisionID()
		}
		return do(cmd.Context(), back, act, args[0])
	}
	cmd.Flags().StringVar(&act.Reason, "reason", "", "why, in words")
	cmd.Flags().StringVar(&act.DecisionID, "decision-id", "", "id of a change that is sent again")
	return cmd
}

// changed tells what came of a change about somebody or something, and which
// open cases it may concern: the worker looks at them and tells those that wait
// for somebody else now.
func (a *app) changed(c service.OrgChange, about string) error {
	if a.json {
		return a.printJSON(c)
	}
	if c.Preview {
		return a.previewed(c)
	}
	if c.Pending {
		return a.proposed(c)
	}
	if c.From != nil {
		return a.planned(c)
	}
	a.say("org.done", a.words.Note(c.What))
	for _, w := range c.Warnings {
		a.say("org.warning", a.words.Note(w))
	}
	for _, o := range c.Overlaps {
		a.say("org.overlap", string(o.UserID), o.From, o.To)
	}
	if c.Customers > 0 || c.KeyAccounts > 0 {
		a.say("org.owned", about, c.Customers, c.KeyAccounts)
	}
	for _, p := range c.Posts {
		a.say("org.post", p, p)
	}
	if len(c.Cases) == 0 {
		a.say("org.nobody")
		return nil
	}
	a.say("org.told", join(c.Cases))
	return nil
}

func personCommand(a *app, verb string) *cobra.Command {
	var u service.User
	var roles []string
	var cmd *cobra.Command
	cmd = orgVerb(a, &cobra.Command{
		Use:     verb + " USER",
		Short:   map[string]string{"add": "Add a person; a role, node or manager takes two user admins", "set": "Change what is given of a person; a new role, node or manager takes two user admins"}[verb],
		Example: a.text("person." + verb + ".example"),
	}, func(ctx context.Context, back service.Service, act service.OrgAct, id string) (service.OrgChange, error) {
		want, err := a.personAs(ctx, back, cmd, verb, kam.UserID(id), u, roles)
		if err != nil {
			return service.OrgChange{}, err
		}
		return back.SetPerson(ctx, a.me(), act, want)
	})
	f := cmd.Flags()
	f.StringVar(&u.Name, "name", "", "full name")
	f.StringVar(&u.Email, "email", "", "where messages go")
	f.StringSliceVar(&roles, "role", nil, "role, may be repeated: sales_rep, territory_manager ...")
	f.StringSliceVar(&u.Nodes, "node", nil, "node of the tree where he works, may be repeated")
	f.StringVar((*string)(&u.ManagerID), "manager", "", "who manages him")
	return cmd
}

// personAs is the person as the flags want him: all of him for add, what is
// given laid over what is there for set.
func (a *app) personAs(ctx context.Context, back service.Service, cmd *cobra.Command, verb string, id kam.UserID, given service.User, roles []string) (service.User, error) {
	given.ID = id
	for _, r := range roles {
		given.Roles = append(given.Roles, kam.Role(r))
	}
	was, err := back.Person(ctx, a.me(), id)
	if kam.CodeOf(err) == kam.Forbidden {
		return given, nil // the change refuses him as well, and has it on record
	}
	known := err == nil
	if err != nil && kam.CodeOf(err) != kam.NotFound {
		return given, err
	}
	if verb == "add" {
		if known {
			return given, usagef("%s is known already; write: starter admin person set %s", string(id), string(id))
		}
		return given, nil
	}
	if !known {
		return given, usagef("nobody is known as %s; write: starter admin person add %s", string(id), string(id))
	}
	u := service.User{ID: id, Name: was.Name, Email: was.Email, Roles: was.Roles, Nodes: was.Nodes, ManagerID: was.ManagerID}
	set := map[string]func(){
		"name": func() { u.Name = given.Name }, "email": func() { u.Email = given.Email }, "role": func() { u.Roles = given.Roles },
		"node": func() { u.Nodes = given.Nodes }, "manager": func() { u.ManagerID = given.ManagerID },
	}
	some := false
	for flag, take := range set {
		if cmd.Flags().Changed(flag) {
			take()
			some = true
		}
	}
	if !some && was.Active {
		return u, usagef("nothing is given that would change; one of --%s", strings.Join(sortedKeys(set), ", --"))
	}
	return u, nil
}

func leaveCommand(a *app) *cobra.Command {
	return orgVerb(a, &cobra.Command{
		Use:     "leave USER",
		Short:   "Somebody leaves: his tasks go to who holds the post next, his requests to his manager",
		Example: "  starter --as carla.useradmin admin person leave ida.rep --reason 'Has left for another company.'",
	}, func(ctx context.Context, back service.Service, act service.OrgAct, id string) (service.OrgChange, error) {
		return back.PersonLeaves(ctx, a.me(), act, kam.UserID(id))
	})
}

func nodeCommand(a *app) *cobra.Command {
	var p service.Post
	var vacant, preview bool
	cmd := orgVerb(a, &cobra.Command{
		Use:     "set CODE --manager USER | --vacant [--from DAY] [--preview]",
		Short:   "Fill the post of a node, which takes two policy admins, or leave it vacant; at once or from a day on",
		Example: "  starter --as ada.policy admin node set DE-S-03 --manager lea.terr\n  starter --as boris.policy admin agree P-000001\n  starter --as ada.policy admin node set AT-2-01 --vacant\n  starter --as ada.policy admin node set DE-S-03 --manager lea.terr --from 2027-01-01 --preview",
	}, func(ctx context.Context, back service.Service, act service.OrgAct, code string) (service.OrgChange, error) {
		if vacant == (p.Manager != "") {
			return service.OrgChange{}, usagef("say --manager USER or --vacant")
		}
		p.Node, act.Preview = code, preview
		return back.SetManager(ctx, a.me(), act, p)
	})
	cmd.Flags().StringVar((*string)(&p.Manager), "manager", "", "who manages the node")
	cmd.Flags().StringVar(&p.From, "from", "", "the day on which that begins, as 2027-01-01; without it at once")
	previewFlag(cmd, &preview)
	cmd.Flags().BoolVar(&vacant, "vacant", false, "nobody does: the next level is asked at once")
	return cmd
}
