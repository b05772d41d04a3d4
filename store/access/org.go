package access

import (
	"strings"

	"github.com/kamflow/kamflow/kam"
)

// An Org is the organisation as it is loaded: people, territory tree, work
// calendars, and the lists that steps 1.1.3 and 1.1.4 look into.
type Org struct {
	Users           []User           `json:"users" yaml:"users"`
	Nodes           []Node           `json:"nodes" yaml:"nodes"`
	Calendars       []CalendarRow    `json:"calendars" yaml:"calendars"`
	AssignmentRules []AssignmentRule `json:"assignment_rules" yaml:"assignment_rules"`
	BlockedParties  []BlockedParty   `json:"blocked_parties" yaml:"blocked_parties"`
	Groups          []Group          `json:"groups" yaml:"groups"`
	FinanceHolds    []Hold           `json:"finance_holds" yaml:"finance_holds"`
	Absences        []Absence        `json:"absences" yaml:"absences"`
	// From is the day, or the instant, from which the nodes hold; "" is at once. A
	// load for a later day gives nodes only: the other lists have no days.
	From string `json:"from,omitempty" yaml:"from"`
}

// A User is a person with roles. Inactive is the exception, so that a list of
// people need not say that each of them works here.
type User struct {
	ID        kam.UserID `json:"user_id" yaml:"user_id"`
	Name      string     `json:"name" yaml:"name"`
	Email     string     `json:"email,omitempty" yaml:"email"`
	Roles     []kam.Role `json:"roles" yaml:"roles"`
	Nodes     []string   `json:"nodes,omitempty" yaml:"nodes"` // where he works or manages
	ManagerID kam.UserID `json:"manager_id,omitempty" yaml:"manager_id"`
	Inactive  bool       `json:"inactive,omitempty" yaml:"inactive"`
}

// A Node is an element of the territory tree. Parent is empty for the root,
// ManagerID for a vacant node, Calendar where the parent's holds.
type Node struct {
	Code      string        `json:"code" yaml:"code"`
	Level     kam.NodeLevel `json:"level" yaml:"level"`
	Parent    string        `json:"parent,omitempty" yaml:"parent"`
	Name      string        `json:"name,omitempty" yaml:"name"`
	ManagerID kam.UserID    `json:"manager_id,omitempty" yaml:"manager_id"`
	Calendar  string        `json:"calendar,omitempty" yaml:"calendar"`
}

// A CalendarRow is a work calendar (5.5). Opens and Closes are "09:00" in its
// time zone; Weekend holds English names of days in lower case, "saturday";
// Holidays are ISO dates. Hours are those of weekdays that have their own,
// "friday": "09:00-15:00"; on HalfDays the office closes when half of the hours
// have passed.
type CalendarRow struct {
	Code     string   `json:"code" yaml:"code"`
	TimeZone string   `json:"time_zone" yaml:"time_zone"`
	Opens    string   `json:"opens" yaml:"opens"`
	Closes   string   `json:"closes" yaml:"closes"`
	Weekend  []string `json:"weekend" yaml:"weekend"`
	Holidays []string `json:"holidays,omitempty" yaml:"holidays"`

	Hours    map[string]string `json:"hours,omitempty" yaml:"hours"`
	HalfDays []string          `json:"half_days,omitempty" yaml:"half_days"`
}

// Read makes the calendar of the row.
func (c CalendarRow) Read() (kam.Calendar, error) {
	plain, err := kam.NewCalendar(c.Code, c.TimeZone, c.Opens+"-"+c.Closes, c.Weekend, c.Holidays)
	if err != nil {
		return plain, err
	}
	return plain.With(c.Hours, c.HalfDays)
}

// The kinds of assignment rule, in the order in which they are tried.
const (
	NamedAccount    = "NAMED_ACCOUNT"
	IndustryAndArea = "INDUSTRY_AND_AREA"
	AreaRule        = "AREA"
	CountryDefault  = "COUNTRY_DEFAULT"
)

// An AssignmentRule sends a request to a territory (1.1.3). An empty condition
// holds for all.
type AssignmentRule struct {
	Code           string     `json:"code" yaml:"code"`
	Kind           string     `json:"kind" yaml:"kind"`
	Country        string     `json:"country,omitempty" yaml:"country"`
	PostalPrefix   string     `json:"postal_prefix,omitempty" yaml:"postal_prefix"`
	IndustryScheme string     `json:"industry_scheme,omitempty" yaml:"industry_scheme"`
	IndustryPrefix string     `json:"industry_prefix,omitempty" yaml:"industry_prefix"`
	GroupID        string     `json:"group_id,omitempty" yaml:"group_id"`
	Name           string     `json:"name,omitempty" yaml:"name"` // of the named account
	Priority       int        `json:"priority,omitempty" yaml:"priority"`
	Territory      string     `json:"territory" yaml:"territory"`
	OwnerID        kam.UserID `json:"owner_id,omitempty" yaml:"owner_id"`
}

// A BlockedParty is a line of the local screening list.
type BlockedParty struct {
	Ref         string            `json:"ref" yaml:"ref"`
	Name        string            `json:"name" yaml:"name"`
	Aliases     []string          `json:"aliases,omitempty" yaml:"aliases"`
	Country     string            `json:"country,omitempty" yaml:"country"`
	Identifiers []PartyIdentifier `json:"identifiers,omitempty" yaml:"identifiers"`
	Domain      string            `json:"domain,omitempty" yaml:"domain"` // web host or address
	Phone       string            `json:"phone,omitempty" yaml:"phone"`
	Street      string            `json:"street,omitempty" yaml:"street"`
	PostalCode  string            `json:"postal_code,omitempty" yaml:"postal_code"`
	List        string            `json:"list,omitempty" yaml:"list"` // who keeps it
	Reason      string            `json:"reason,omitempty" yaml:"reason"`
}

// checkContact refuses a domain or phone that no party could be compared with.
func (p BlockedParty) checkContact(path string) error {
	if p.Domain != "" && (!strings.Contains(p.Domain, ".") || strings.ContainsAny(p.Domain, " ,;@")) {
		return kam.Errorf(kam.Invalid, "%q is not a domain", p.Domain).On(path + ".domain").Try("give one such as example.com")
	}
	digits := 0
	for _, r := range p.Phone {
		if r >= '0' && r <= '9' {
			digits++
		}
	}
	if p.Phone != "" && (digits < 7 || !strings.HasPrefix(p.Phone, "+")) {
		return kam.Errorf(kam.Invalid, "%q is not a phone number with its country", p.Phone).On(path + ".phone").Try("give + and 7 to 15 digits such as +4940123456")
	}
	return nil
}

// A PartyIdentifier is an identifier in a list of parties.
type PartyIdentifier struct {
	Scheme kam.IdentifierScheme `json:"scheme" yaml:"scheme"`
	Value  string               `json:"value" yaml:"value"`
}

// A Group is a set of customers under one head.
type Group struct {
	ID   string `json:"group_id" yaml:"group_id"`
	Name string `json:"name" yaml:"name"`
}

// A Hold is a stop by finance on an identifier or on a whole group.
type Hold struct {
	Scheme  kam.IdentifierScheme `json:"scheme,omitempty" yaml:"scheme"`
	Value   string               `json:"value,omitempty" yaml:"value"`
	GroupID string               `json:"group_id,omitempty" yaml:"group_id"`
	Reason  string               `json:"reason,omitempty" yaml:"reason"`
}

// An Absence is a time in which a person takes no tasks. From and To are ISO
// dates, both included.
type Absence struct {
	UserID kam.UserID `json:"user_id" yaml:"user_id"`
	From   string     `json:"from" yaml:"from"`
	To     string     `json:"to" yaml:"to"`
}
