package main

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/kamflow/kamflow/internal/importer"
	"github.com/kamflow/kamflow/internal/text"
	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/store"
)

// The columns of a sales file. Amounts are decimals in the row's currency;
// the lines of the profit and loss follow under the names that the policy
// gives benchmarks for.
var (
	salesColumns = []string{"account_no", "month", "product_family", "currency", "net_revenue", "gross_margin", "orders", "last_order_date"}
	plColumns    = importer.PLColumns
)

// readSalesCSV reads facts under a heading line.
func readSalesCSV(name string, b []byte) ([]store.SalesFact, error) {
	r := csv.NewReader(bytes.NewReader(b))
	heads, err := r.Read()
	if err != nil {
		return nil, usagef("%s: %w", name, err)
	}
	for i, h := range heads {
		heads[i] = strings.TrimSpace(h)
		if known := append(slices.Clone(salesColumns), plColumns...); !slices.Contains(known, heads[i]) {
			return nil, faults(name, kam.Errorf(kam.Invalid, "%s", text.Say("file.unknown")).On(heads[i]).Try(suggestion(heads[i], known)))
		}
	}
	var all []store.SalesFact
	for {
		cells, err := r.Read()
		if errors.Is(err, io.EOF) {
			return all, nil
		}
		if err != nil {
			return nil, usagef("%s: %w", name, err)
		}
		row := make(map[string]string, len(heads))
		for i, h := range heads {
			row[h] = strings.TrimSpace(cells[i])
		}
		f, err := salesFact(row)
		if err != nil {
			line, _ := r.FieldPos(0)
			return nil, usagef("%s: line %d: %w", name, line, err)
		}
		all = append(all, f)
	}
}

func salesFact(row map[string]string) (store.SalesFact, error) {
	f := store.SalesFact{
		AccountNo: row["account_no"], Month: row["month"], ProductFamily: row["product_family"],
		Currency: row["currency"], LastOrderDate: row["last_order_date"], PLLines: map[string]int64{},
	}
	var err error
	if f.NetRevenue, err = amount(row, "net_revenue"); err != nil {
		return f, err
	}
	if row["gross_margin"] != "" {
		margin, err := amount(row, "gross_margin")
		if err != nil {
			return f, err
		}
		f.GrossMargin = &margin
	}
	if n := row["orders"]; n != "" {
		if f.Orders, err = strconv.ParseInt(n, 10, 64); err != nil {
			return f, fmt.Errorf("orders: %q is no whole number", n)
		}
	}
	for _, line := range plColumns {
		if row[line] == "" {
			continue
		}
		if f.PLLines[line], err = amount(row, line); err != nil {
			return f, err
		}
	}
	return f, nil
}

func amount(row map[string]string, column string) (int64, error) {
	m, err := kam.ParseMoney(row[column], row["currency"])
	if err != nil {
		return 0, fmt.Errorf("%s: %w", column, err)
	}
	return m.Minor, nil
}
