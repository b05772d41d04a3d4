package routes

import (
	"context"

	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/access"
	"github.com/kamflow/kamflow/service"
)

const (
	tagPeople = "People"
	tagPolicy = "Policy"
)

// act is the order as the service takes it.
func (o Ordered) act() service.OrgAct {
	return service.OrgAct{DecisionID: o.DecisionID, Reason: o.Reason}
}

// OnePerson names a person.
type OnePerson struct {
	ID kam.UserID `path:"id" maxLength:"80" example:"anna.rep"`
}

// AllPeople picks a page of the people.
type AllPeople struct{ Paging }

// PersonSet is a person as he shall be.
type PersonSet struct {
	OnePerson
	Body PersonDocument
}

// PersonDocument is the person, with the order.
type PersonDocument struct {
	Ordered
	Person service.User `json:"person"`
}

// OnPerson is an order about a person.
type OnPerson struct {
	OnePerson
	Body Ordered
}

// ManagerSet fills a post.
type ManagerSet struct {
	Node string `path:"node" maxLength:"80" example:"DE-N-01"`
	Body ManagerDocument
}

// ManagerDocument names the manager; nobody leaves the post vacant.
type ManagerDocument struct {
	Ordered
	Manager kam.UserID `json:"manager_id"`
	From    string     `json:"from,omitempty" maxLength:"40" example:"2027-01-01" doc:"The day or the time from which he does; empty is at once"`
	Preview bool       `json:"preview,omitempty" doc:"Tell what would move, and change nothing"`
}

// PostsAsOf picks the posts.
type PostsAsOf struct {
	Paging
	AsOf string `query:"as_of" maxLength:"40" example:"2027-01-01" doc:"The day, or the time; empty is now"`
}

// NewAbsence adds an absence.
type NewAbsence struct{ Body AbsenceDocument }

// AbsenceDocument is an absence, with the order.
type AbsenceDocument struct {
	Ordered
	Absence service.Absence `json:"absence"`
}

// OldAbsence takes an absence back.
type OldAbsence struct {
	OnePerson
	From string `path:"from" maxLength:"10" example:"2026-12-21"`
	Body Ordered
}

// NewOrganisation is a whole organisation.
type NewOrganisation struct{ Body OrganisationDocument }

// OrganisationDocument is the organisation, with the order.
type OrganisationDocument struct {
	Ordered
	Organisation service.Org `json:"organisation"`
	Preview      bool        `json:"preview,omitempty" doc:"Tell what would change, and change nothing"`
}

// OnProposal decides on a proposal.
type OnProposal struct {
	No   string `path:"no" maxLength:"80" example:"P-000007"`
	Body Ordered
}

// AbsencesOf picks absences.
type AbsencesOf struct {
	Paging
	Of   kam.UserID `query:"of" maxLength:"80" doc:"Whose; empty is everybody's"`
	Past bool       `query:"past" doc:"Those that are over too"`
}

// ProposalsPage picks proposals.
type ProposalsPage struct {
	Paging
	Closed bool `query:"closed" doc:"Those that were decided too"`
}

// NewPolicy drafts a policy.
type NewPolicy struct{ Body PolicyDraft }

// PolicyDraft is the text of a policy, with the order.
type PolicyDraft struct {
	Ordered
	Version int    `json:"version"`
	Text    string `json:"text" doc:"The policy as YAML"`
}

// OnePolicy names a version.
type OnePolicy struct {
	Version int `path:"version" minimum:"0" doc:"0 is the newest"`
}

// PolicyText is the text of a version.
type PolicyText struct {
	Text string `json:"text" doc:"The policy as YAML"`
}

// NewErasure orders that a contact person is erased.
type NewErasure struct{ Body ErasureDocument }

// ErasureDocument says who is erased, and by which order.
type ErasureDocument struct {
	Subject string `json:"subject"`
	Email   string `json:"email,omitempty"`
	Name    string `json:"name,omitempty"`
	Order   string `json:"order" doc:"The number of the letter or ticket"`
	DryRun  bool   `json:"dry_run,omitempty" doc:"Tell what would be erased, and change nothing"`
}

// ErasuresPage picks orders.
type ErasuresPage struct{ Paging }

// OnIdentity is an order about an identity.
type OnIdentity struct{ Body IdentityDocument }

// IdentityDocument is an identity, with the order.
type IdentityDocument struct {
	Ordered
	Identity service.Identity `json:"identity"`
}

// IdentitiesOf picks identities.
type IdentitiesOf struct {
	Paging
	Of kam.UserID `query:"of" maxLength:"80" doc:"Whose; empty is everybody's"`
}

var exampleIdentity = IdentityDocument{Ordered{exampleID, "Starts on Monday."}, service.Identity{User: "nora.rep", Issuer: "https://id.example.org", Subject: "248289761001"}}

type change = service.OrgChange

// The rows of people, posts, proposals and policies.
var (
	People = list(get(tagPeople, "People", "/people", "All whom the system knows", access.ActionUsersRead),
		func(ctx context.Context, s service.Service, who service.Principal, _ *AllPeople, _ int) ([]kam.Person, error) {
			return s.People(ctx, who)
		}, func(p kam.Person) string { return string(p.ID) })

	Person = row(get(tagPeople, "Person", "/people/{id}", "A person; oneself everybody may read", access.ActionUsersRead),
		func(ctx context.Context, s service.Service, who service.Principal, in *OnePerson) (kam.Person, error) {
			return s.Person(ctx, who, in.ID)
		})

	Me = row(get(tagPeople, "Me", "/me", "Who you are"),
		func(ctx context.Context, s service.Service, who service.Principal, _ *Empty) (kam.Person, error) {
			return s.Person(ctx, who, who.User())
		})

	SetPerson = row(post(tagPeople, "SetPerson", "/people/{id}", "Add or change a person, or propose it", access.ActionUsersEdit).put().
			like(PersonDocument{Ordered{exampleID, "New in the north."}, service.User{ID: "nora.rep", Name: "Nora North", Roles: []kam.Role{kam.SalesRep}, Nodes: []string{"DE-N-01"}}}),
		func(ctx context.Context, s service.Service, who service.Principal, in *PersonSet) (change, error) {
			if in.Body.Person.ID == "" {
				in.Body.Person.ID = in.ID
			}
			if in.Body.Person.ID != in.ID {
				return change{}, kam.Errorf(kam.Invalid, "the path names %s", in.ID).On("user_id").Try("name one person")
			}
			return s.SetPerson(ctx, who, in.Body.act(), in.Body.Person)
		})

	PersonLeaves = row(post(tagPeople, "PersonLeaves", "/people/{id}/leave", "Take a person's account away", access.ActionUsersEdit).like(exampleOrder),
		func(ctx context.Context, s service.Service, who service.Principal, in *OnPerson) (change, error) {
			return s.PersonLeaves(ctx, who, in.Body.act(), in.ID)
		})

	SetManager = row(post(tagPeople, "SetManager", "/nodes/{node}/manager", "Fill the post of a node, or leave it vacant", access.ActionTerritoriesEdit).put().
			like(ManagerDocument{Ordered{exampleID, "Hanna moves to the south."}, "hanna.terr", "2027-01-01", false}),
		func(ctx context.Context, s service.Service, who service.Principal, in *ManagerSet) (change, error) {
			a := in.Body.act()
			a.Preview = in.Body.Preview
			return s.SetManager(ctx, who, a, service.Post{Node: in.Node, Manager: in.Body.Manager, From: in.Body.From})
		})

	Posts = list(get(tagPeople, "Posts", "/posts", "The posts of the tree with who holds them, on any day", access.ActionReferenceRead),
		func(ctx context.Context, s service.Service, who service.Principal, in *PostsAsOf, _ int) ([]service.Held, error) {
			return s.Posts(ctx, who, in.AsOf)
		}, func(h service.Held) string { return h.Node })

	AddAbsence = row(post(tagPeople, "AddAbsence", "/absences", "Say that a person takes no tasks for a time", access.ActionCalendarsEdit).
			like(AbsenceDocument{Ordered{exampleID, ""}, service.Absence{UserID: "hanna.terr", From: "2026-12-21", To: "2027-01-06"}}),
		func(ctx context.Context, s service.Service, who service.Principal, in *NewAbsence) (change, error) {
			return s.AddAbsence(ctx, who, in.Body.act(), in.Body.Absence)
		})

	RemoveAbsence = row(post(tagPeople, "RemoveAbsence", "/people/{id}/absences/{from}/remove", "Take an absence back", access.ActionCalendarsEdit).like(exampleOrder),
		func(ctx context.Context, s service.Service, who service.Principal, in *OldAbsence) (change, error) {
			return s.RemoveAbsence(ctx, who, in.Body.act(), in.ID, in.From)
		})

	Absences = list(get(tagPeople, "Absences", "/absences", "When people take no tasks; one's own everybody may read", access.ActionReferenceRead),
		func(ctx context.Context, s service.Service, who service.Principal, in *AbsencesOf, _ int) ([]service.Absence, error) {
			return s.Absences(ctx, who, in.Of, in.Past)
		}, func(a service.Absence) string { return string(a.UserID) + " " + a.From })

	LinkIdentity = row(post(tagPeople, "LinkIdentity", "/identities", "Let a person sign in by an identity, once a second admin agrees", access.ActionUsersEdit).like(exampleIdentity),
		func(ctx context.Context, s service.Service, who service.Principal, in *OnIdentity) (change, error) {
			return s.LinkIdentity(ctx, who, in.Body.act(), in.Body.Identity)
		})

	UnlinkIdentity = row(post(tagPeople, "UnlinkIdentity", "/identities/unlink", "Take an identity from a person", access.ActionUsersEdit).like(exampleIdentity),
		func(ctx context.Context, s service.Service, who service.Principal, in *OnIdentity) (change, error) {
			return s.UnlinkIdentity(ctx, who, in.Body.act(), in.Body.Identity)
		})

	Identities = list(get(tagPeople, "Identities", "/identities", "By what people sign in; one's own everybody may read", access.ActionUsersRead),
		func(ctx context.Context, s service.Service, who service.Principal, in *IdentitiesOf, _ int) ([]service.Identity, error) {
			return s.Identities(ctx, who, in.Of)
		}, func(i service.Identity) string { return string(i.User) + " " + i.Issuer + " " + i.Subject })

	LoadOrganisation = row(post(tagPeople, "LoadOrganisation", "/organisation", "Make the organisation what a file says, or propose it",
		access.ActionUsersEdit, access.ActionTerritoriesEdit, access.ActionCalendarsEdit, access.ActionReferenceEdit).put().upTo(MaxFile).
		like(OrganisationDocument{Ordered{exampleID, "As of January."}, service.Org{Users: []service.User{{ID: "nora.rep", Name: "Nora North", Roles: []kam.Role{kam.SalesRep}}}}, false}),
		func(ctx context.Context, s service.Service, who service.Principal, in *NewOrganisation) (change, error) {
			a := in.Body.act()
			a.Preview = in.Body.Preview
			return s.LoadOrganisation(ctx, who, a, in.Body.Organisation)
		})

	Proposals = list(get(tagPeople, "Proposals", "/proposals", "What waits for a second admin", access.ActionUsersRead, access.ActionReferenceRead, access.ActionPolicyRead),
		func(ctx context.Context, s service.Service, who service.Principal, in *ProposalsPage, _ int) ([]service.Proposal, error) {
			return s.Proposals(ctx, who, in.Closed)
		}, func(p service.Proposal) string { return p.No })

	Agree = row(post(tagPeople, "Agree", "/proposals/{no}/agree", "The second admin's yes; the proposal asks who may").like(exampleOrder),
		func(ctx context.Context, s service.Service, who service.Principal, in *OnProposal) (change, error) {
			return s.Agree(ctx, who, in.Body.act(), in.No)
		})

	Decline = row(post(tagPeople, "Decline", "/proposals/{no}/decline", "The second admin's no; the proposal asks who may").like(exampleOrder),
		func(ctx context.Context, s service.Service, who service.Principal, in *OnProposal) (change, error) {
			return s.Decline(ctx, who, in.Body.act(), in.No)
		})

	LoadPolicy = row(post(tagPolicy, "LoadPolicy", "/policies", "Draft a policy, which a second person publishes", access.ActionPolicyDraft).upTo(MaxFile).
			like(PolicyDraft{Ordered{exampleID, "Weights of the new year."}, 4, "version: 4\n…"}),
		func(ctx context.Context, s service.Service, who service.Principal, in *NewPolicy) (change, error) {
			return s.LoadPolicy(ctx, who, in.Body.act(), in.Body.Version, []byte(in.Body.Text))
		})

	Policy = row(get(tagPolicy, "Policy", "/policies/{version}", "The text of a policy", access.ActionPolicyRead),
		func(ctx context.Context, s service.Service, who service.Principal, in *OnePolicy) (PolicyText, error) {
			text, err := s.Policy(ctx, who, in.Version)
			return PolicyText{string(text)}, err
		})

	EraseContact = row(post(tagCustomers, "EraseContact", "/erasures", "Erase a contact person by order", access.ActionEraseContact).
			like(ErasureDocument{Subject: "C-000209", Email: "p.person@example.org", Order: "T-4711", DryRun: true}),
		func(ctx context.Context, s service.Service, who service.Principal, in *NewErasure) (service.Erasure, error) {
			b := in.Body
			return s.EraseContact(ctx, who, service.EraseOrder{Subject: b.Subject, Email: b.Email, Name: b.Name, Order: b.Order, DryRun: b.DryRun})
		})

	Erasures = list(get(tagCustomers, "Erasures", "/erasures", "The orders to erase", access.ActionErasuresRead),
		func(ctx context.Context, s service.Service, who service.Principal, _ *ErasuresPage, _ int) ([]service.Erasure, error) {
			return s.Erasures(ctx, who)
		}, func(e service.Erasure) string { return e.No })
)
