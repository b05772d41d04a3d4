package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"time"

	"github.com/kamflow/kamflow/internal/importer"
	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/service"
)

// readSalesCSV reads facts as the import of a book does. Here they are stored
// as they come, so a row that is wrong refuses the file.
func readSalesCSV(name string, b []byte) ([]service.SalesFact, error) {
	book, err := importer.OpenBook(importer.BookFiles{Sales: bytes.NewReader(b)}, importer.ReadOptions{Complete: true})
	if err != nil {
		return nil, usageError{fmt.Errorf("%s\n%w", name, err)}
	}
	u := book.Upload("", "", time.Time{})
	var all []service.SalesFact
	for f, err := range u.Facts {
		if err != nil {
			return nil, usageError{fmt.Errorf("%s\n%w", name, err)}
		}
		fact, err := salesFact(f)
		if err != nil {
			return nil, err
		}
		all = append(all, fact)
	}
	var wrong []*kam.Error
	for _, f := range u.Findings() {
		wrong = append(wrong, kam.Errorf(kam.Invalid, "line %d: %s", f.Line, f.What()).On(f.Column).By(f.Rule).Advise(f.HowTo()))
	}
	if len(wrong) > 0 {
		return nil, faults(name, wrong...)
	}
	return all, nil
}

func salesFact(f service.BatchFact) (service.SalesFact, error) {
	fact := service.SalesFact{
		AccountNo: f.Account, Month: f.Month.Format("2006-01"), ProductFamily: f.Family, Currency: f.Currency,
		NetRevenue: f.Net, GrossMargin: f.Margin, Orders: f.Orders, PLLines: map[string]int64{},
	}
	if f.LastOrder != nil {
		fact.LastOrderDate = f.LastOrder.Format(time.DateOnly)
	}
	if f.PLLines != nil {
		if err := json.Unmarshal(f.PLLines, &fact.PLLines); err != nil {
			return fact, err
		}
	}
	return fact, nil
}
