package demo

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io/fs"
	"strconv"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/kamflow/kamflow/config/sample"
	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/rules/policy"
	"github.com/kamflow/kamflow/service"
)

// Organisation reads the sample organisation.
func Organisation() (service.Org, error) {
	var org service.Org
	raw, err := fs.ReadFile(sample.FS(), sample.Organisation)
	if err != nil {
		return org, err
	}
	dec := yaml.NewDecoder(bytes.NewReader(raw))
	dec.KnownFields(true)
	if err := dec.Decode(&org); err != nil {
		return org, fmt.Errorf("read %s: %w", sample.Organisation, err)
	}
	return org, nil
}

// Customers reads the sample customer book, with the keys by which the
// duplicate search finds them.
func Customers() ([]service.BookCustomer, error) {
	raw, err := fs.ReadFile(sample.FS(), sample.Customers)
	if err != nil {
		return nil, err
	}
	var book []service.BookCustomer
	if err := kam.StrictUnmarshal(raw, &book); err != nil {
		return nil, fmt.Errorf("read %s: %w", sample.Customers, err)
	}
	return book, nil
}

// Sales reads the sample sales facts, moved in time so that the last month of
// the file is the month of asOf and an order n days before the file's day is n
// days before asOf: the figures of the worked examples come out on any day.
func Sales(asOf time.Time) ([]service.SalesFact, error) {
	raw, err := fs.ReadFile(sample.FS(), sample.Sales)
	if err != nil {
		return nil, err
	}
	rows, err := csv.NewReader(bytes.NewReader(raw)).ReadAll()
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", sample.Sales, err)
	}
	head, rows := rows[0], rows[1:]
	facts := make([]service.SalesFact, len(rows))
	for i, row := range rows {
		cells := map[string]string{}
		for j, v := range row {
			cells[head[j]] = v
		}
		if facts[i], err = salesFact(cells, asOf); err != nil {
			return nil, fmt.Errorf("read %s, row %d: %w", sample.Sales, i+1, err)
		}
	}
	return facts, nil
}

// salesColumns are the columns that are not lines of the profit and loss.
var salesColumns = map[string]bool{"account_no": true, "month": true, "currency": true, "net_revenue": true, "gross_margin": true, "orders": true, "last_order_date": true}

func salesFact(cells map[string]string, asOf time.Time) (service.SalesFact, error) {
	f := service.SalesFact{AccountNo: cells["account_no"], Currency: cells["currency"], PLLines: map[string]int64{}}
	month, err := time.Parse("2006-01", cells["month"])
	if err != nil {
		return f, err
	}
	shift := (asOf.Year()-sample.AsOf.Year())*12 + int(asOf.Month()) - int(sample.AsOf.Month())
	f.Month = month.AddDate(0, shift, 0).Format("2006-01")
	if d := cells["last_order_date"]; d != "" {
		last, err := time.Parse(time.DateOnly, d)
		if err != nil {
			return f, err
		}
		days := int(sample.AsOf.Sub(last).Hours() / 24)
		f.LastOrderDate = asOf.UTC().AddDate(0, 0, -days).Format(time.DateOnly)
	}
	if f.Orders, err = strconv.ParseInt(cells["orders"], 10, 64); err != nil {
		return f, err
	}
	if f.NetRevenue, err = minor(cells["net_revenue"], f.Currency); err != nil {
		return f, err
	}
	margin, err := minor(cells["gross_margin"], f.Currency)
	if err != nil {
		return f, err
	}
	f.GrossMargin = &margin
	for name, text := range cells {
		if salesColumns[name] || text == "" {
			continue
		}
		if f.PLLines[name], err = minor(text, f.Currency); err != nil {
			return f, err
		}
	}
	return f, nil
}

func minor(amount, currency string) (int64, error) {
	m, err := kam.ParseMoney(amount, currency)
	return m.Minor, err
}

// Furnish loads organisation, book, sales and policy of the sample into a
// database that knows nobody yet, and says what it loads. A database that
// knows people is left alone.
func Furnish(ctx context.Context, s service.Service, now time.Time, say func(format string, args ...any)) error {
	people, err := s.People(ctx, loader)
	if err != nil || len(people) > 0 {
		return err
	}
	org, err := Organisation()
	if err != nil {
		return err
	}
	book, err := Customers()
	if err != nil {
		return err
	}
	facts, err := Sales(now)
	if err != nil {
		return err
	}
	say("Loading %d people, %d territories, %d customers and %d monthly sales facts.", len(org.Users), len(org.Nodes), len(book), len(facts))
	if err := loadPolicy(ctx, s); err != nil {
		return err
	}
	// People come last: they are the sign that all of it is there.
	users := org.Users
	org.Users = nil
	if _, err := s.LoadOrganisation(ctx, loader, theSample, org); err != nil {
		return err
	}
	if err := s.LoadCustomers(ctx, loader, theSample, book); err != nil {
		return err
	}
	if err := s.LoadSales(ctx, loader, theSample, facts); err != nil {
		return err
	}
	_, err = s.LoadOrganisation(ctx, loader, theSample, service.Org{Users: users})
	return err
}

// loader is who of the sample's people loads it: the first load of a system sets
// it up, and takes one.
var loader = service.As(sample.UserAdmin)

var theSample = service.OrgAct{Reason: "the sample"}

// loadPolicy loads the default policy into a system that has none.
func loadPolicy(ctx context.Context, s service.Service) error {
	by := service.As(sample.PolicyAdmin)
	_, err := s.Policy(ctx, by, 0)
	if kam.CodeOf(err) != kam.NotFound {
		return err
	}
	_, err = s.LoadPolicy(ctx, by, theSample, 1, policy.DefaultYAML())
	return err
}

// remarshal turns what a YAML file holds into a struct, by its JSON names.
func remarshal(from, into any) error {
	b, err := json.Marshal(from)
	if err != nil {
		return err
	}
	return kam.StrictUnmarshal(b, into)
}
