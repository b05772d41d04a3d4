package main

import (
	"context"
	"encoding/json"
	"strings"

	"github.com/spf13/cobra"

	"github.com/kamflow/kamflow/internal/term"
	"github.com/kamflow/kamflow/kam/customer"
	"github.com/kamflow/kamflow/service"
)

func customerCommand(a *app) *cobra.Command {
	cmd := group("customer", "Find and read customers, make one record of two, or two of one")
	var limit int
	var f service.CustomerFilter
	find := a.customerVerb("find [TEXT]", "Find customers by number, identifier or part of a name, by place, owner and segment", -1, func(ctx context.Context, back service.Service, args []string) error {
		if err := within("--limit", limit, 1, 1000); err != nil {
			return err
		}
		if len(args) > 0 {
			f.Text = args[0]
		}
		f.Limit = limit
		lines, err := back.Customers(ctx, a.me(), f)
		if err != nil {
			return err
		}
		return a.foundCustomers(lines, limit)
	})
	fs := find.Flags()
	fs.IntVar(&limit, "limit", 50, "how many at most")
	fs.StringVar(&f.Territory, "territory", "", "node and all below it")
	fs.StringVar((*string)(&f.OwnerID), "owner", "", "user id")
	fs.StringVar((*string)(&f.Class), "class", "", "A, B, C or NEW")
	fs.StringVar((*string)(&f.Quadrant), "quadrant", "", "STRATEGIC, STAR, STATUS or STREAMLINE")
	fs.StringVar((*string)(&f.Tier), "tier", "", "of key accounts: TERRITORY, REGIONAL, NATIONAL or GLOBAL")
	fs.StringVar((*string)(&f.Order), "order", "", "NAME, or GAIN: by Improvement Potential")
	cmd.AddCommand(
		a.customerVerb("show CUSTOMER", "The record with all that hangs on it; a merged number leads to its survivor", 1, func(ctx context.Context, back service.Service, args []string) error {
			v, err := back.Customer(ctx, a.me(), args[0])
			if err != nil {
				return err
			}
			if a.json {
				return a.printJSON(v)
			}
			a.showCustomer(v)
			return nil
		}),
		find,
		a.customerVerb("history CUSTOMER", "What stewards did to the record, and the cases that touched it", 1, func(ctx context.Context, back service.Service, args []string) error {
			t, err := back.CustomerHistory(ctx, a.me(), args[0])
			if err != nil {
				return err
			}
			return a.customerHistory(t)
		}),
		mergeCommand(a), splitCommand(a),
	)
	return cmd
}

// customerVerb makes a verb that a person does on customers.
// It takes so many arguments; -1 is one or none.
func (a *app) customerVerb(use, short string, args int, do func(ctx context.Context, back service.Service, args []string) error) *cobra.Command {
	bound := cobra.ExactArgs(args)
	if args < 0 {
		bound = cobra.MaximumNArgs(1)
	}
	return &cobra.Command{
		Use: use, Short: short, Args: bound,
		RunE: a.asking(func(ctx context.Context, back service.Service, args []string) error {
			return unreachable("PostgreSQL", do(ctx, back, args))
		}),
	}
}

func (a *app) foundCustomers(lines []service.CustomerLine, limit int) error {
	t := term.NewTable(a.text("label.ref"), a.text("label.name"), a.text("label.city"), a.text("label.status"), a.text("label.group"), a.text("label.territory"), a.text("label.owner"), a.text("label.tier"), a.text("label.segment"), a.text("label.gain")+">")
	for _, l := range lines {
		status := string(l.Status)
		if l.MergedInto != "" {
			status = a.text("customer.into", l.MergedInto)
		}
		t.Row(l.CustomerNo, l.Name, strings.TrimSpace(l.Country+" "+l.City), status, l.GroupID, l.Territory, string(l.OwnerID), string(l.Tier), strings.TrimSpace(string(l.Class)+" "+string(l.Quadrant)), amountOf(l.Improvement))
	}
	return listed(a, "customers", lines, "customer", t, limit)
}

func (a *app) showCustomer(v service.CustomerView) {
	c := v.Customer
	for i, no := range v.Followed {
		next := c.CustomerNo
		if i+1 < len(v.Followed) {
			next = v.Followed[i+1]
		}
		a.say("customer.merged", no, next)
	}
	if len(v.Followed) > 0 {
		a.printf("\n")
	}
	a.pair("label.customer", c.CustomerNo+"  "+c.Data.LegalName)
	a.pair("label.status", string(c.Status))
	a.pair("label.version", itoa(c.Version))
	a.pair("label.group", c.GroupID+" "+c.Data.GroupName)
	a.pair("label.parent", c.ParentNo)
	a.pair("label.children", strings.Join(v.Children, ", "))
	a.pair("label.territory", c.Territory)
	a.pair("label.owner", string(c.OwnerID))
	a.pair("label.tier", string(c.KAStatus)+" "+string(c.Tier))
	if k := v.KeyAccount; k != nil {
		a.pair("label.keyaccount", strings.Join([]string{k.No, k.Name, string(k.Tier), string(k.OwnerID)}, ", "))
	}
	a.pair("label.segment", segmentLine(c.Segment))
	a.pair("label.coverage", c.Coverage)
	if c.ReviewDue != nil {
		a.pair("label.review", a.screen.Time(*c.ReviewDue))
	}
	a.pair("label.accounts", strings.Join(v.SalesAccounts, ", "))
	for _, o := range v.OpenCases {
		a.pair("label.opencase", string(o.CaseNo)+", "+string(o.State))
	}
	a.pair("label.changed", a.screen.Time(c.UpdatedAt))
	a.customerLists(c.Data)
	a.merges(v.Merges)
	versions := term.NewTable(a.text("label.version")+">", a.text("label.changed"), a.text("label.by"))
	for _, n := range v.Versions {
		versions.Row(itoa(n.Version), a.screen.Time(n.At), n.By)
	}
	a.section(a.text("label.versions"), versions)
	rest := c.Data
	rest.Identifiers, rest.Addresses, rest.Contacts = nil, nil, nil
	a.section(a.text("label.data"), a.dataTable(rest))
}

// segmentLine is what the models said, as far as the record has it.
func segmentLine(raw json.RawMessage) string {
	var s struct {
		ABC      string `json:"abc_class"`
		Label    string `json:"rfm_label"`
		Quadrant string `json:"quadrant"`
		Strategy string `json:"strategy"`
	}
	if len(raw) == 0 || json.Unmarshal(raw, &s) != nil {
		return ""
	}
	return strings.Join(strings.Fields(s.ABC+" "+s.Label+" "+s.Quadrant+" "+s.Strategy), ", ")
}

// customerLists numbers the entries, because a split names them by number.
func (a *app) customerLists(d customer.RequestData) {
	ids := term.NewTable(a.text("label.no")+">", a.text("label.scheme"), a.text("label.value"), a.text("label.country"), a.text("label.source"))
	for i, id := range d.Identifiers {
		ids.Row(itoa(i+1), strings.TrimSpace(string(id.Scheme)+" "+id.Name), id.Value, id.Country, id.Source)
	}
	a.section(a.text("label.identifiers"), ids)
	places := term.NewTable(a.text("label.no")+">", a.text("label.type"), a.text("label.street"), a.text("label.postal"), a.text("label.city"), a.text("label.country"))
	for i, p := range d.Addresses {
		places.Row(itoa(i+1), string(p.Type), strings.TrimSpace(p.Line1+" "+p.Line2), p.PostalCode, p.City, p.CountryCode)
	}
	a.section(a.text("label.addresses"), places)
	people := term.NewTable(a.text("label.no")+">", a.text("label.name"), a.text("label.function"), a.text("label.role"), a.text("label.email"), a.text("label.phone"))
	for i, p := range d.Contacts {
		people.Row(itoa(i+1), p.Name, p.Function, string(p.DecisionRole), p.Email, p.Phone)
	}
	a.section(a.text("label.contacts"), people)
}

func (a *app) merges(all []service.MergeLine) {
	t := term.NewTable(a.text("label.ref"), a.text("label.event"), a.text("label.time"), a.text("label.by"), a.text("label.reason"), a.text("label.undone"))
	for _, m := range all {
		what, undone := a.text("merge.line", m.OtherNo, m.CustomerNo), ""
		if m.Kind == service.SplitKind {
			what = a.text("split.line", m.OtherNo, m.CustomerNo)
		}
		if m.UndoneAt != nil {
			undone = a.screen.Time(*m.UndoneAt) + " " + string(m.UndoneBy)
		}
		t.Row(m.MergeID, what, a.screen.Time(m.At), string(m.By), m.Reason, undone)
	}
	a.section(a.text("label.merges"), t)
}

func (a *app) customerHistory(t service.CustomerTrail) error {
	if a.json {
		return a.printJSON(t)
	}
	if len(t.Records) > 1 {
		a.say("customer.records", t.CustomerNo, strings.Join(t.Records[1:], ", "))
	}
	if len(t.Events) == 0 && len(t.Cases) == 0 {
		a.say("customer.quiet", t.CustomerNo)
		return nil
	}
	events := term.NewTable(a.text("label.time"), a.text("label.record"), a.text("label.event"), a.text("label.by"), a.text("label.note"))
	for _, e := range t.Events {
		note := strings.TrimSpace(e.ReasonCode + " " + a.words.Note(e.Text))
		if e.Restricted {
			note = a.text("history.restricted")
		}
		events.Row(a.screen.Time(e.At), strings.TrimPrefix(string(e.CaseNo), "customer/"), string(e.Type), string(e.Actor), note)
	}
	a.section(a.text("label.events"), events)
	cases := term.NewTable(a.text("label.case"), a.text("label.record"), a.text("label.type"), a.text("label.state"), a.text("label.outcome"), a.text("label.requester"), a.text("label.opened"))
	for _, c := range t.Cases {
		cases.Row(string(c.CaseNo), c.CustomerNo, string(c.Type), string(c.State), string(c.Outcome), string(c.Requester), a.screen.Time(c.OpenedAt))
	}
	a.section(a.text("label.cases"), cases)
	return nil
}
