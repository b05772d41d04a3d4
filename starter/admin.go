package main

import (
	"bytes"
	"context"
	"fmt"

	"github.com/spf13/cobra"
	"go.yaml.in/yaml/v3"

	"github.com/kamflow/kamflow/internal/importer"
	"github.com/kamflow/kamflow/internal/strictjson"
	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/rules/policy"
	"github.com/kamflow/kamflow/service"
)

func adminCommand(a *app) *cobra.Command {
	cmd := group("admin", "Load organisation, customers, sales and policies; change people, posts and absences; agree to what another admin proposes")
	policy := group("policy", "Publish rule sets")
	policy.AddCommand(a.orgLoader("load FILE", loadsPolicy, a.loadPolicy))
	cmd.AddCommand(
		loadOrgCommand(a),
		a.orgLoader("load-customers FILE", "Load customers that exist already (JSON: a list, or one a line)", a.loadCustomers),
		a.orgLoader("load-sales FILE", "Load sales facts (JSON or CSV) and rebuild the ABC snapshot", a.loadSales),
		a.orgLoader("load-policy FILE", loadsPolicy, a.loadPolicy),
		policy,
	)
	cmd.AddCommand(orgCommands(a)...)
	cmd.AddCommand(eraseContactCommand(a), erasuresCommand(a))
	return cmd
}

const loadsPolicy = "Draft a policy, which a second person publishes; the first one is in force at once"

// loaded tells how many rows of what were loaded.
func (a *app) loaded(what map[string]int, id string, args ...any) error {
	if a.json {
		return a.printJSON(map[string]any{"loaded": what})
	}
	a.say(id, args...)
	return nil
}

// orgLoader makes a verb that loads one file in somebody's name.
func (a *app) orgLoader(use, short string, load func(ctx context.Context, back service.Service, act service.OrgAct, file string) error) *cobra.Command {
	return a.orgAct(&cobra.Command{Use: use, Short: short}, func(ctx context.Context, back service.Service, act service.OrgAct, file string) error {
		return unreachable("PostgreSQL", load(ctx, back, act, file))
	})
}

func (a *app) loadOrg(ctx context.Context, back service.Service, act service.OrgAct, file string) error {
	b, err := a.readFile(file)
	if err != nil {
		return err
	}
	var org service.Org
	dec := yaml.NewDecoder(bytes.NewReader(b))
	dec.KnownFields(true)
	if err := dec.Decode(&org); err != nil {
		return usageError{fmt.Errorf("%s: %w", file, err)}
	}
	for i := range org.AssignmentRules {
		importer.ReadCountry(&org.AssignmentRules[i].Country)
	}
	for i := range org.BlockedParties {
		importer.ReadCountry(&org.BlockedParties[i].Country)
	}
	c, err := back.LoadOrganisation(ctx, a.me(), act, org)
	if err != nil {
		return err
	}
	switch {
	case c.Preview && !a.json:
		return a.previewed(c)
	case c.Preview, c.From != nil && a.json:
		return a.printJSON(c)
	case c.From != nil && !c.Pending:
		return a.planned(c)
	}
	rows := map[string]int{"people": len(org.Users), "nodes": len(org.Nodes)}
	return a.loadedOrProposed(c, rows, "admin.org", len(org.Users), len(org.Nodes))
}

// loadedOrProposed tells what a load has done, or what waits for a second admin.
func (a *app) loadedOrProposed(c service.OrgChange, rows map[string]int, id string, args ...any) error {
	switch {
	case a.json && c.Pending:
		return a.printJSON(c)
	case c.Pending:
		return a.proposed(c)
	case c.Proposal != "" && !a.json: // the second admin has loaded the same
		a.say("org.done", a.words.Note(c.What))
		return nil
	case c.Same && !a.json:
		a.say("admin.same", a.words.Note(c.What))
		return nil
	}
	if err := a.loaded(rows, id, args...); err != nil || a.json {
		return err
	}
	for _, w := range c.Warnings {
		a.say("org.warning", a.words.Note(w))
	}
	return nil
}

func (a *app) loadCustomers(ctx context.Context, back service.Service, act service.OrgAct, name string) error {
	b, err := a.readFile(name)
	if err != nil {
		return err
	}
	book, err := readRows[service.BookCustomer](name, b)
	if err != nil {
		return err
	}
	for i := range book {
		if book[i].CustomerNo == "" {
			return usagef("%s: customer %d has no customer_no", name, i+1)
		}
		importer.Countries(&book[i].Data)
	}
	if err := back.LoadCustomers(ctx, a.me(), act, book); err != nil {
		return err
	}
	return a.loaded(map[string]int{"customers": len(book)}, "admin.customers", len(book))
}

func (a *app) loadSales(ctx context.Context, back service.Service, act service.OrgAct, name string) error {
	b, err := a.readFile(name)
	if err != nil {
		return err
	}
	read := readRows[service.SalesFact]
	if first := bytes.TrimSpace(b); len(first) > 0 && first[0] != '[' && first[0] != '{' {
		read = readSalesCSV
	}
	facts, err := read(name, b)
	if err != nil {
		return err
	}
	if err := back.LoadSales(ctx, a.me(), act, facts); err != nil {
		return err
	}
	return a.loaded(map[string]int{"sales_facts": len(facts)}, "admin.sales", len(facts))
}

func (a *app) loadPolicy(ctx context.Context, back service.Service, act service.OrgAct, file string) error {
	b, err := a.readFile(file)
	if err != nil {
		return err
	}
	p, err := policy.Load(b, a.now())
	if err != nil {
		return usageError{fmt.Errorf("%s:\n%w", file, err)}
	}
	c, err := back.LoadPolicy(ctx, a.me(), act, p.Version, b)
	if err != nil {
		return err
	}
	if !a.json && !c.Pending {
		defer a.notInForce()
	}
	return a.loadedOrProposed(c, map[string]int{"policy_version": p.Version}, "admin.policy", p.Version)
}

// readRows reads a JSON list, or one JSON object after the other.
func readRows[T any](name string, b []byte) ([]T, error) {
	rows, err := strictjson.Values(b)
	if e := kam.AsError(err); e != nil {
		return nil, faults(name, e)
	}
	if err != nil {
		return nil, err
	}
	all := make([]T, len(rows))
	for i, row := range rows {
		if err := decode(fmt.Sprintf("%s: row %d", name, i+1), row, &all[i]); err != nil {
			return nil, err
		}
	}
	return all, nil
}
