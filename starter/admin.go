package main

import (
	"bytes"
	"context"
	"encoding/json"

	"github.com/spf13/cobra"
	"go.yaml.in/yaml/v3"

	"github.com/kamflow/kamflow/internal/parties"
	"github.com/kamflow/kamflow/internal/text"
	"github.com/kamflow/kamflow/kam/rules"
	"github.com/kamflow/kamflow/store"
)

func adminCommand(a *app) *cobra.Command {
	cmd := group("admin", "Load organisation, customers, sales and policies; change people, posts and absences")
	policy := group("policy", "Publish rule sets")
	policy.AddCommand(a.loader("load FILE", "Put a policy into force for new cases", a.loadPolicy))
	cmd.AddCommand(
		a.loader("load-org FILE", "Load people, territories, calendars and lists (YAML or JSON)", a.loadOrg),
		a.loader("load-customers FILE", "Load customers that exist already (JSON: a list, or one a line)", a.loadCustomers),
		a.loader("load-sales FILE", "Load sales facts (JSON or CSV) and rebuild the ABC snapshot", a.loadSales),
		a.loader("load-policy FILE", "Put a policy into force for new cases", a.loadPolicy),
		policy,
	)
	cmd.AddCommand(orgCommands(a)...)
	return cmd
}

// loader makes a verb that reads one file and loads it.
func (a *app) loader(use, short string, load func(ctx context.Context, back backend, name string, b []byte) error) *cobra.Command {
	return &cobra.Command{
		Use: use, Short: short, Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			b, err := a.readFile(args[0])
			if err != nil {
				return err
			}
			back, err := a.system(cmd.Context())
			if err != nil {
				return err
			}
			return unreachable("PostgreSQL", load(cmd.Context(), back, args[0], b))
		},
	}
}

// loaded tells how many rows of what were loaded.
func (a *app) loaded(what map[string]int, id string, args ...any) error {
	if a.json {
		return a.printJSON(map[string]any{"loaded": what})
	}
	a.say(id, args...)
	return nil
}

func (a *app) loadOrg(ctx context.Context, back backend, name string, b []byte) error {
	var org store.Org
	dec := yaml.NewDecoder(bytes.NewReader(b))
	dec.KnownFields(true)
	if err := dec.Decode(&org); err != nil {
		return usagef("%s: %w", name, err)
	}
	if err := back.LoadOrg(ctx, org); err != nil {
		return err
	}
	return a.loaded(map[string]int{"people": len(org.Users), "nodes": len(org.Nodes)}, "admin.org", len(org.Users), len(org.Nodes))
}

func (a *app) loadCustomers(ctx context.Context, back backend, name string, b []byte) error {
	book, err := readRows[store.BookCustomer](name, b)
	if err != nil {
		return err
	}
	for i := range book {
		if book[i].CustomerNo == "" {
			return usagef("%s: customer %d has no customer_no", name, i+1)
		}
		book[i].Keys = parties.Keys(book[i].Data)
	}
	if err := back.LoadCustomers(ctx, book); err != nil {
		return err
	}
	return a.loaded(map[string]int{"customers": len(book)}, "admin.customers", len(book))
}

func (a *app) loadSales(ctx context.Context, back backend, name string, b []byte) error {
	read := readRows[store.SalesFact]
	if first := bytes.TrimSpace(b); len(first) > 0 && first[0] != '[' && first[0] != '{' {
		read = readSalesCSV
	}
	facts, err := read(name, b)
	if err != nil {
		return err
	}
	if err := back.LoadSales(ctx, facts); err != nil {
		return err
	}
	if _, err := back.RebuildABC(ctx, a.now()); err != nil {
		return err
	}
	return a.loaded(map[string]int{"sales_facts": len(facts)}, "admin.sales", len(facts))
}

func (a *app) loadPolicy(ctx context.Context, back backend, name string, b []byte) error {
	by, err := a.who()
	if err != nil {
		return err
	}
	p, err := rules.LoadPolicy(b, a.now())
	if err != nil {
		return usagef("%s:\n%w", name, err)
	}
	if err := back.SavePolicy(ctx, p.Version, b, by); err != nil {
		return err
	}
	if a.json {
		return a.printJSON(policyLoaded{p.Version, rules.NotInForce()})
	}
	a.say("admin.policy", p.Version)
	a.notInForce()
	return nil
}

// readRows reads a JSON list, or one JSON object after the other.
func readRows[T any](name string, b []byte) ([]T, error) {
	dec := json.NewDecoder(bytes.NewReader(b))
	var rows []json.RawMessage
	if first := bytes.TrimSpace(b); len(first) > 0 && first[0] == '[' {
		if err := dec.Decode(&rows); err != nil {
			return nil, fault(name, "%s", jsonTrouble(b, err))
		}
		if dec.More() {
			return nil, fault(name, "%s", text.Say("file.more"))
		}
	}
	for dec.More() {
		var row json.RawMessage
		if err := dec.Decode(&row); err != nil {
			return nil, fault(name, "%s", jsonTrouble(b, err))
		}
		rows = append(rows, row)
	}
	all := make([]T, len(rows))
	for i, row := range rows {
		if err := decode(name+": "+text.Say("file.row", i+1), row, &all[i]); err != nil {
			return nil, err
		}
	}
	return all, nil
}
