package book

import (
	"context"
	"time"

	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/store"
)

// maxListed bounds the findings of one kind about facts.
const maxListed = 1000

// facts tests the rows of sales and of profit and loss, account by account.
func (c *bookCheck) facts(ctx context.Context, s *store.Store) error {
	byAccount, refused := make(map[string]*checkRow, len(c.rows)), map[string]*checkRow{}
	for i := range c.rows {
		r, of := &c.rows[i], byAccount
		switch r.Outcome {
		case kam.RowReady:
		case kam.RowRefused:
			of = refused
		default:
			continue
		}
		for _, no := range []string{r.in.CustomerNo, r.data.SalesAccountNo} {
			if no != "" && (of[no] == nil || r.Outcome == kam.RowReady) {
				of[no] = r
			}
		}
	}
	accounts, err := s.Books.Accounts(ctx, c.batch.No)
	if err != nil {
		return err
	}
	for _, a := range accounts {
		scope := ""
		if r := byAccount[a.No]; r != nil {
			scope = r.Scope
		} else if a.Customer != "" {
			scope = c.scopeOf(a.Territory)
		}
		if scope == "" {
			why, remedy := kam.Say("no customer has this account"), kam.Say("add the customer to the book, or correct the account")
			if r := refused[a.No]; r != nil {
				why, remedy = kam.Say("its customer is refused, row %d (line %d) of %s", r.in.No, r.in.Line, kam.FileCustomers), kam.Say("correct that row: its findings say what is wrong")
			}
			c.findings = append(c.findings, kam.BatchFinding{File: factFile(a.PLOnly), Row: a.FirstRow, Key: a.No, Column: "account_no", Rule: kam.RuleBatchAccount,
				Severity: kam.SeverityError}.Saying(leftOut(why, a.Facts), remedy))
			continue
		}
		n := c.scope(scope)
		n.Accounts++
		n.Facts += a.Facts
		c.counts.Accounts++
	}
	from, to := monthsOf(c.at)
	bad, total, err := s.Books.BadFacts(ctx, c.batch.No, c.pol.BaseCurrency, from, to, maxListed)
	if err != nil {
		return err
	}
	for _, f := range bad {
		x := kam.BatchFinding{File: factFile(f.PLOnly), Row: f.Row, Key: f.Account, Severity: kam.SeverityError}
		if f.Currency != c.pol.BaseCurrency {
			x.Column, x.Rule = "currency", kam.RuleBatchMoney
			x = x.Saying(kam.Say("the book is kept in %s", c.pol.BaseCurrency), kam.Say("convert the amounts"))
		} else {
			x.Column, x.Rule = "month", kam.RuleBatchMonth
			x = x.Saying(kam.Say("%s is not between %s and %s", f.Month.Format("2006-01"), from.Format("2006-01"), to.Format("2006-01")), kam.Say("correct the month"))
		}
		c.findings = append(c.findings, x)
	}
	if more := total - len(bad); more > 0 {
		msg := kam.Say("%d more rows with another currency or month", more)
		if more == 1 {
			msg = kam.Say("1 more row with another currency or month")
		}
		c.findings = append(c.findings, kam.BatchFinding{File: kam.FileSales, Severity: kam.SeverityError, Rule: kam.RuleBatchMoney}.
			Saying(msg, kam.Say("correct them as those that are listed")))
	}
	return nil
}

// leftOut says how many facts of an account do not come in, and why.
func leftOut(why kam.Sentence, facts int) kam.Sentence {
	if facts == 1 {
		return kam.Say("%s: 1 row left out", why)
	}
	return kam.Say("%s: %d rows left out", why, facts)
}

func factFile(plOnly bool) string {
	if plOnly {
		return kam.FilePL
	}
	return kam.FileSales
}

// monthsOf bounds the months of facts: up to the present one.
func monthsOf(at time.Time) (from, to time.Time) {
	to = time.Date(at.UTC().Year(), at.UTC().Month(), 1, 0, 0, 0, 0, time.UTC)
	return to.AddDate(0, -kam.BatchPriorMonths, 0), to
}
