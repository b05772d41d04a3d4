package book

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/book"
	"github.com/kamflow/kamflow/kam/customer"
	"github.com/kamflow/kamflow/kam/rules/identifier"
	"github.com/kamflow/kamflow/kam/rules/match"
	"github.com/kamflow/kamflow/store"
	bookdb "github.com/kamflow/kamflow/store/book"
)

// together compares the rows with each other, in the order of the file.
func (c *bookCheck) together() {
	numbers, places, tiers := map[string]int{}, map[string]int{}, map[string]*checkRow{}
	accounts := map[string]int{}
	for i := range c.rows {
		r := &c.rows[i]
		if r.in.ReadAs == book.RowSame {
			continue
		}
		if no := r.in.CustomerNo; no != "" && !r.refused {
			if first, twice := numbers[no]; twice {
				r.wrong("customer_no", book.RuleBatchTwice, kam.Say("row %d has the same number", first), kam.Say("keep the one that is right"))
			} else {
				numbers[no] = r.in.No
			}
		}
		if a := cmp.Or(r.data.SalesAccountNo, r.in.CustomerNo); a != "" && !r.refused {
			if first, twice := accounts[a]; twice {
				r.wrong("sales_account_no", book.RuleBatchAccount, kam.Say("row %d has the same sales account: revenue would count twice", first), kam.Say("give one of them another account"))
			} else {
				accounts[a] = r.in.No
			}
		}
		if r.refused {
			continue
		}
		if len(r.Keys.Names) > 0 {
			place := strings.Join([]string{r.data.CountryCode, r.data.PostalCode, match.Normalize(r.data.LegalName, r.data.CountryCode).Plain, r.data.Street}, "\x1f")
			if first, seen := places[place]; seen {
				r.note(kam.SeverityWarning, "legal_name", book.RuleBatchTwice, kam.Say("row %d has the same name and address: it may be the same customer", first), kam.Say("merge them if they are one"))
			} else {
				places[place] = r.in.No
			}
		}
		if r.in.KAStatus == kam.KA && r.GroupID+r.newName != "" {
			group := r.GroupID + "\x1f" + r.newName
			if first := tiers[group]; first == nil {
				tiers[group] = r
			} else if first.in.Tier != r.in.Tier {
				r.wrong("tier", book.RuleBatchStanding, kam.Say("row %d of the same group says %s", first.in.No, first.in.Tier), kam.Say("a group has one tier"))
			}
		}
	}
}

// parents must be customers, or rows of the book.
func (c *bookCheck) parents(ctx context.Context, s *store.Store) error {
	rows := make(map[string]*checkRow, len(c.rows))
	for i := range c.rows {
		if r := &c.rows[i]; !r.refused && r.in.ReadAs == book.RowReady {
			rows[r.in.CustomerNo] = r
		}
	}
	var ask []string
	for i := range c.rows {
		if p := c.rows[i].data.ParentCustomerID; p != "" && rows[p] == nil {
			ask = append(ask, p)
		}
	}
	var there map[string]bool
	if len(ask) > 0 {
		var err error
		if there, err = s.Books.CustomersExist(ctx, ask); err != nil {
			return err
		}
	}
	for i := range c.rows {
		r := &c.rows[i]
		p := r.data.ParentCustomerID
		if p == "" || r.in.ReadAs == book.RowSame {
			continue
		}
		switch {
		case p == r.in.CustomerNo:
			r.wrong("parent_customer_id", book.RuleBatchParent, kam.Say("is the customer itself"), kam.Say("name the parent, or leave it out"))
		case rows[p] == nil && !there[p]:
			r.wrong("parent_customer_id", book.RuleBatchParent, kam.Say("there is no customer %q", kam.Clip(p, 40)), kam.Say("add the parent to the book, or leave it out"))
		case circles(r, rows):
			r.wrong("parent_customer_id", "VH02", kam.Say("the parents turn in a circle"), kam.Say("correct one of them"))
		}
	}
	return nil
}

// circles follows the parents within the book.
func circles(r *checkRow, rows map[string]*checkRow) bool {
	up := r
	for range 20 {
		if up = rows[up.data.ParentCustomerID]; up == nil {
			return false
		}
		if up == r {
			return true
		}
	}
	return true
}

// onSite are the identifiers of a place; the others, but for those of no
// register, are a company's and may stand on several of its places (D14).
var onSite = []kam.IdentifierScheme{kam.SchemeGLN, kam.SchemeSIRET}

// A number is a registration that an identifier stands for.
type number struct {
	scheme kam.IdentifierScheme
	value  string
}

// numbersOf are the registrations of an identifier that no two customers share
// unless they are one company, the nearest first.
func numbersOf(id customer.Identifier) (all []number) {
	if id.Scheme == kam.SchemeIBAN || id.Scheme == kam.SchemeOther {
		return nil
	}
	for _, r := range identifier.Registrations(id) {
		all = append(all, number{r.ID.Scheme, r.ID.Value})
	}
	return all
}

// identifiers looks for those that stand on another customer already, of the
// book or of the tables.
func (c *bookCheck) identifiers(ctx context.Context, s *store.Store) error {
	var ask, registrations []customer.Identifier
	unique := func(r *checkRow, do func(i int, numbers []number)) {
		if r.refused || r.in.ReadAs != book.RowReady {
			return
		}
		for i, id := range r.data.Identifiers {
			if all := numbersOf(id); len(all) > 0 {
				do(i, all)
			}
		}
	}
	for i := range c.rows {
		unique(&c.rows[i], func(j int, numbers []number) {
			ask = append(ask, c.rows[i].data.Identifiers[j])
			for _, n := range numbers {
				ask = append(ask, customer.Identifier{Scheme: n.scheme, Value: n.value})
				if identifier.Several(n.scheme) {
					registrations = append(registrations, ask[len(ask)-1])
				}
			}
		})
	}
	if len(ask) == 0 {
		return nil
	}
	holders, err := s.Books.HoldersOf(ctx, ask, registrations)
	if err != nil {
		return err
	}
	held := map[number][]bookdb.Holder{}
	for _, h := range holders {
		for _, n := range numbersOf(customer.Identifier{Scheme: h.Scheme, Value: h.Value}) {
			held[n] = append(held[n], h)
		}
	}
	first := map[number][]*checkRow{}
	// A row that is refused for its identifier leaves it to the next one.
	for i := range c.rows {
		r := &c.rows[i]
		unique(r, func(j int, numbers []number) {
			field, scheme := fmt.Sprintf("identifiers[%d]", j), r.data.Identifiers[j].Scheme
			told := map[string]bool{}
			judge := func(n number, site, group, who string) {
				switch {
				case told[who]: // by a nearer number
				case slices.Contains(onSite, n.scheme), site == r.Site && !slices.Contains(onSite, scheme): // two establishments of one company are two places
					r.wrong(field, "DUPLICATE_IDENTIFIER", kam.Say("%s stands on %s already", scheme, who), kam.Say("use that customer, or correct the identifier or the address"))
				case group == "" || group != r.GroupID+"\x1f"+r.newName:
					r.note(kam.SeverityWarning, field, "DUPLICATE_IDENTIFIER", kam.Say("%s stands on %s too, at another address and outside the group", scheme, who), kam.Say("put both into one group if they are one company"))
				}
				told[who] = true
			}
			for _, n := range numbers {
				for _, h := range held[n] {
					if h.CustomerNo != r.in.CustomerNo {
						group := h.GroupID
						if group != "" {
							group += "\x1f"
						}
						judge(n, h.Site, group, "customer "+h.CustomerNo)
					}
				}
				for _, o := range first[n] {
					if o != r {
						group := o.GroupID + "\x1f" + o.newName
						if o.GroupID+o.newName == "" {
							group = ""
						}
						judge(n, o.Site, group, fmt.Sprintf("row %d", o.in.No))
					}
				}
			}
		})
		unique(r, func(_ int, numbers []number) {
			for _, n := range numbers {
				first[n] = append(first[n], r)
			}
		})
	}
	return nil
}
