package book

import (
	"github.com/kamflow/kamflow/internal/parties"
	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/book"
	"github.com/kamflow/kamflow/kam/customer"
	accessdb "github.com/kamflow/kamflow/store/access"
	bookdb "github.com/kamflow/kamflow/store/book"
	customerdb "github.com/kamflow/kamflow/store/customer"
)

// A checkRow is a row at work.
type checkRow struct {
	bookdb.CheckedRow
	in      bookdb.StagedRow
	data    customer.RequestData
	unread  error // the data are none
	found   []book.BatchFinding
	refused bool
	warned  bool
	newName string // of a group that will be made
}

func (r *checkRow) note(s kam.Severity, column, rule string, msg, remedy kam.Sentence) {
	r.found = append(r.found, book.BatchFinding{File: book.FileCustomers, Row: r.in.No, Line: r.in.Line, Key: r.in.CustomerNo,
		Column: column, Rule: rule, Severity: s}.Saying(msg, remedy))
	r.warned = true
	r.refused = r.refused || s == kam.SeverityError
}

func (r *checkRow) wrong(column, rule string, msg, remedy kam.Sentence) {
	r.note(kam.SeverityError, column, rule, msg, remedy)
}

// checkRow is the part of the check that needs nothing but the row and the
// organisation. It runs on several processors at once.
func (c *bookCheck) checkRow(r *checkRow) {
	in := r.in
	r.CheckedRow = bookdb.CheckedRow{No: in.No, Line: in.Line, CustomerNo: in.CustomerNo}
	r.warned = in.Warned
	if in.ReadAs != book.RowReady {
		r.refused = in.ReadAs == book.RowRefused
	}
	if r.unread != nil {
		r.wrong("", "VF02", kam.Say("the row cannot be read as data of a customer"), kam.Say("upload it again"))
		return
	}
	r.data.Contacts = c.contacts[in.No]
	if in.ReadAs == book.RowSame {
		return
	}
	if !customer.IsCustomerNo(in.CustomerNo) && !r.refused {
		r.wrong("customer_no", book.RuleBatchKey, kam.Say("the customer has no usable number"), kam.Say("give every customer its own number"))
	}
	for _, f := range c.pol.BookFindings(r.data) {
		r.note(f.Severity, f.Column, f.Rule, f.What(), f.HowTo())
	}
	c.checkStanding(r)
	c.checkPlace(r)
	c.checkGroup(r)
	if !r.refused {
		r.Site = customerdb.SiteOf(r.data)
		r.Party, r.Keys = customerdb.PartyDataOf(r.data), parties.Keys(r.data)
	}
}

func (c *bookCheck) checkStanding(r *checkRow) {
	in := r.in
	switch in.Status {
	case "", kam.Active, kam.Inactive, kam.Blocked, kam.Prospect:
	default:
		r.wrong("lifecycle_status", book.RuleBatchStanding, kam.Say("%q is no status of a customer", kam.Clip(string(in.Status), 40)), kam.Say("ACTIVE, INACTIVE, BLOCKED or PROSPECT"))
	}
	switch {
	case in.KAStatus != "" && in.KAStatus != kam.KA && in.KAStatus != kam.NonKA:
		r.wrong("ka_status", book.RuleBatchStanding, kam.Say("%q is neither KA nor NON_KA", kam.Clip(string(in.KAStatus), 40)), kam.Say("write KA or NON_KA, or leave it out"))
	case in.KAStatus == kam.KA && in.Tier.Rank() < 0:
		r.wrong("tier", book.RuleBatchStanding, kam.Say("a key account has a tier"), kam.Say("TERRITORY, REGIONAL, NATIONAL or GLOBAL"))
	case in.KAStatus != kam.KA && in.Tier != "":
		r.wrong("tier", book.RuleBatchStanding, kam.Say("only a key account has a tier"), kam.Say("say ka_status KA, or leave the tier out"))
	}
	if in.OwnerID != "" {
		if p, ok := c.people[in.OwnerID]; !ok || !p.Active {
			r.wrong("owner_id", book.RuleBatchOwner, kam.Say("nobody active is known as %q", kam.Clip(string(in.OwnerID), 40)), kam.Say("load the people first, or leave the owner out"))
		}
	}
	if k, ok := c.known[in.CustomerNo]; ok && in.CustomerNo != "" {
		if k.InCase != "" {
			r.note(kam.SeverityWarning, "customer_no", book.RuleBatchOpenCase, kam.Say("the customer is in the open case %s: the row will be left alone unless it has ended", k.InCase), kam.Say("import it again when the case has ended"))
		}
		if k.KAStatus == kam.KA && (in.KAStatus == kam.NonKA || in.Tier != "" && in.Tier != k.Tier) {
			r.note(kam.SeverityWarning, "ka_status", book.RuleBatchStanding, kam.Say("is a %s key account: the import does not change that", k.Tier), kam.Say("a change of status or tier is endorsed in a case"))
		}
	}
	if no := r.data.SalesAccountNo; no != "" && !customer.IsCustomerNo(no) {
		r.wrong("sales_account_no", book.RuleBatchAccount, kam.Say("cannot be the number of an account"), kam.Say("1 to 40 letters, digits, '.', '_', '/' or '-'"))
	}
}

// checkPlace finds the territory: that of the file, of the customer, or by the
// rules of assignment.
func (c *bookCheck) checkPlace(r *checkRow) {
	code := r.data.TerritoryCode
	known, exists := c.known[r.in.CustomerNo]
	r.OwnerID = r.in.OwnerID
	switch _, is := c.nodes[code]; {
	case code != "" && !is:
		r.wrong("territory_code", book.RuleBatchTerritory, kam.Say("there is no territory %q", kam.Clip(code, 40)), kam.Say("load the territories first, or leave it out"))
		return
	case code != "":
		r.Territory = code
	case exists && c.nodes[known.Territory].Code != "":
		code = known.Territory // and stays
	default:
		rule, ok := parties.Assignment(c.rules, r.data)
		if _, is := c.nodes[rule.Territory]; !ok || !is {
			r.wrong("territory_code", book.RuleBatchTerritory, kam.Say("no assignment rule fits the customer's place"), kam.Say("give the territory, or add a rule"))
			return
		}
		code, r.Territory = rule.Territory, rule.Territory
		if r.OwnerID == "" && !exists {
			r.OwnerID = rule.OwnerID
		}
	}
	r.Scope = c.scopeOf(code)
}

// scopeOf is the COUNTRY node above a territory; where there is none, the
// topmost node.
func (c *bookCheck) scopeOf(code string) string {
	top := ""
	for range 20 {
		n, ok := c.nodes[code]
		if !ok {
			break
		}
		if top = n.Code; n.Level == kam.LevelCountry {
			break
		}
		code = n.Parent
	}
	return top
}

func (c *bookCheck) checkGroup(r *checkRow) {
	id, name := r.data.GroupID, r.data.GroupName
	switch {
	case id != "":
		if _, ok := c.groups[id]; !ok {
			r.wrong("group_id", book.RuleBatchGroup, kam.Say("there is no group %q", kam.Clip(id, 40)), kam.Say("add it to the file of groups, or give group_name alone"))
		}
		r.GroupID = id
	case name != "":
		if r.GroupID = c.names[accessdb.NameKey(name)]; r.GroupID == "" {
			r.newName = accessdb.NameKey(name)
		}
	}
}
