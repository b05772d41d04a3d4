package activities

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"hash"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/kamflow/kamflow/internal/failpoint"
	"github.com/kamflow/kamflow/internal/parties"
	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/rules"
	"github.com/kamflow/kamflow/store"
)

// CheckBatch tests every row of an uploaded batch with the pure rules and
// against what is known, and asks one manager per scope to confirm. Rows with
// errors are not applied; the others can be confirmed. Where nothing is left,
// the batch ends. It may run twice: a batch that is checked stays as it is.
func (a *Activities) CheckBatch(ctx context.Context, in kam.BatchStep) (p kam.BatchProgress, err error) {
	b, err := a.Store.Batch(ctx, in.No)
	if err != nil || b.State != kam.BatchUploaded {
		return kam.BatchProgress{Batch: b}, toTemporal(err)
	}
	err = beating(ctx, "check", func(ctx context.Context) error {
		c, err := a.check(ctx, b, in.Now)
		if err != nil {
			return err
		}
		failpoint.Hit("batch", "check", "before")
		p, err = a.onBatch(ctx, in.No, store.Effect{Key: "check", Digest: b.Content, At: in.Now, By: kam.System}, true,
			func(tx *store.BatchTx) error { return c.save(ctx, tx) })
		return err
	})
	if err != nil {
		return kam.BatchProgress{}, toTemporal(err)
	}
	p.Refused = nil // it was cancelled meanwhile, which the batch says
	return p, nil
}

// A bookCheck is the check of one batch.
type bookCheck struct {
	pol      *rules.Policy
	batch    kam.BatchSnapshot
	at       time.Time
	nodes    map[string]kam.TerritoryNode
	people   map[kam.UserID]kam.Person
	rules    []store.AssignmentRule
	groups   map[string]string // id -> name
	names    map[string]string // name key -> id
	known    map[string]store.KnownCustomer
	contacts map[int][]kam.Contact

	rows     []checkRow
	findings []kam.BatchFinding
	scopes   map[string]*kam.BatchCounts
	counts   kam.BatchCounts
	denied   error // the uploader may not upload this
}

// A checkRow is a row at work.
type checkRow struct {
	store.CheckedRow
	in      store.StagedRow
	data    kam.RequestData
	found   []kam.BatchFinding
	refused bool
	warned  bool
	newName string // of a group that will be made
}

func (r *checkRow) note(s kam.Severity, column, rule, msg, remedy string) {
	r.found = append(r.found, kam.BatchFinding{File: kam.FileCustomers, Row: r.in.No, Line: r.in.Line, Key: r.in.CustomerNo,
		Column: column, Rule: rule, Severity: s, Message: msg, Remedy: remedy})
	r.warned = true
	r.refused = r.refused || s == kam.SeverityError
}

func (r *checkRow) wrong(column, rule, msg, remedy string) {
	r.note(kam.SeverityError, column, rule, msg, remedy)
}

func (a *Activities) check(ctx context.Context, b kam.BatchSnapshot, at time.Time) (*bookCheck, error) {
	c := &bookCheck{batch: b, at: at, scopes: map[string]*kam.BatchCounts{}, counts: b.Counts}
	var err error
	if c.pol, err = a.batchPolicy(ctx, 0); err != nil {
		return nil, err
	}
	ref, err := a.Store.Reference(ctx)
	if err != nil {
		return nil, err
	}
	c.refer(ref)
	staged, err := a.Store.BatchStaged(ctx, b.No)
	if err != nil {
		return nil, err
	}
	if c.contacts, err = a.Store.BatchContacts(ctx, b.No); err != nil {
		return nil, err
	}
	if c.known, err = a.Store.KnownCustomers(ctx, b.No); err != nil {
		return nil, err
	}
	given, err := a.Store.BatchGroups(ctx, b.No)
	if err != nil {
		return nil, err
	}
	c.denied = c.mayUpload(len(staged) == 0 && len(given) == 0 && b.Counts.Facts > 0)
	c.checkGroups(given)

	c.rows = make([]checkRow, len(staged))
	inParallel(len(staged), func(i int) { c.checkRow(&c.rows[i], staged[i]) })
	c.together()
	if err := c.parents(ctx, a.Store); err != nil {
		return nil, err
	}
	if err := c.identifiers(ctx, a.Store); err != nil {
		return nil, err
	}
	c.settle()
	if b.Counts.Facts > 0 {
		if err := c.facts(ctx, a.Store); err != nil {
			return nil, err
		}
	}
	return c, nil
}

// inParallel runs do for 0 to n-1 on all processors.
func inParallel(n int, do func(i int)) {
	const chunk = 500
	var wg sync.WaitGroup
	workers := max(min(runtime.GOMAXPROCS(0), n/chunk), 1)
	for w := range workers {
		wg.Go(func() {
			for from := w * chunk; from < n; from += workers * chunk {
				for i := from; i < min(from+chunk, n); i++ {
					do(i)
				}
			}
		})
	}
	wg.Wait()
}

func (c *bookCheck) refer(ref store.Reference) {
	c.nodes = make(map[string]kam.TerritoryNode, len(ref.Nodes))
	for _, n := range ref.Nodes {
		c.nodes[n.Code] = n
	}
	c.people = make(map[kam.UserID]kam.Person, len(ref.People))
	for _, p := range ref.People {
		c.people[p.ID] = p
	}
	c.rules = ref.Rules
	c.groups, c.names = map[string]string{}, map[string]string{}
	for _, g := range ref.Groups {
		c.groups[g.ID] = g.Name
		c.names[store.NameKey(g.Name)] = g.ID
	}
}

// mayUpload asks the matrix once more, on the side that stores: a client may
// be anything.
func (c *bookCheck) mayUpload(plOnly bool) error {
	s := kam.Subject{Requester: c.batch.Uploader, Fields: []string{"customers"}}
	if plOnly {
		s.Fields = []string{"pnl"}
	}
	p := c.people[c.batch.Uploader]
	p.ID = c.batch.Uploader
	s.Path = p.Nodes
	_, err := kam.Permit(p, kam.ActionImportUpload, s)
	return err
}

func (c *bookCheck) checkGroups(given []store.BatchGroup) {
	seen := map[string]string{}
	for _, g := range given {
		bad := func(column, msg, remedy string) {
			c.findings = append(c.findings, kam.BatchFinding{File: kam.FileGroups, Row: g.No, Key: g.ID, Column: column,
				Rule: kam.RuleBatchGroup, Severity: kam.SeverityError, Message: msg, Remedy: remedy})
		}
		key := store.NameKey(g.Name)
		before, twice := seen[g.ID]
		switch other := c.names[key]; {
		case !kam.IsCustomerNo(g.ID):
			bad("group_id", "cannot be the id of a group", "1 to 40 letters, digits, '.', '_', '/' or '-'")
		case g.Name == "" || len([]rune(g.Name)) > 200:
			bad("name", "a group needs a name of at most 200 characters", "correct it")
		case twice && before != g.Name:
			bad("group_id", "stands there twice, with other names", "keep one")
		case other != "" && other != g.ID:
			bad("name", "group "+other+" has this name already", "use that group, or give another name")
		default:
			seen[g.ID] = g.Name
			c.groups[g.ID], c.names[key] = g.Name, g.ID
		}
	}
}

// checkRow is the part of the check that needs nothing but the row and the
// organisation. It runs on several processors at once.
func (c *bookCheck) checkRow(r *checkRow, in store.StagedRow) {
	r.in = in
	r.CheckedRow = store.CheckedRow{No: in.No, Line: in.Line, CustomerNo: in.CustomerNo}
	r.warned = in.Warned
	if in.ReadAs != kam.RowReady {
		r.refused = in.ReadAs == kam.RowRefused
	}
	if err := json.Unmarshal(in.Data, &r.data); err != nil {
		r.wrong("", "VF02", "the row cannot be read as data of a customer", "upload it again")
		return
	}
	r.data.Contacts = c.contacts[in.No]
	if in.ReadAs == kam.RowSame {
		return
	}
	if !kam.IsCustomerNo(in.CustomerNo) && !r.refused {
		r.wrong("customer_no", kam.RuleBatchKey, "the customer has no usable number", "give every customer its own number")
	}
	for _, f := range c.pol.BookFindings(r.data) {
		r.note(f.Severity, f.Column, f.Rule, f.Message, f.Remedy)
	}
	c.checkStanding(r)
	c.checkPlace(r)
	c.checkGroup(r)
	if !r.refused {
		r.Site = store.SiteOf(r.data)
		r.Party, r.Keys = store.PartyDataOf(r.data), parties.Keys(r.data)
	}
}

func (c *bookCheck) checkStanding(r *checkRow) {
	in := r.in
	switch in.Status {
	case "", kam.Active, kam.Inactive, kam.Blocked, kam.Prospect:
	default:
		r.wrong("lifecycle_status", kam.RuleBatchStanding, fmt.Sprintf("%q is no status of a customer", clipped(string(in.Status))), "ACTIVE, INACTIVE, BLOCKED or PROSPECT")
	}
	switch {
	case in.KAStatus != "" && in.KAStatus != kam.KA && in.KAStatus != kam.NonKA:
		r.wrong("ka_status", kam.RuleBatchStanding, fmt.Sprintf("%q is neither KA nor NON_KA", clipped(string(in.KAStatus))), "write KA or NON_KA, or leave it out")
	case in.KAStatus == kam.KA && in.Tier.Rank() < 0:
		r.wrong("tier", kam.RuleBatchStanding, "a key account has a tier", "TERRITORY, REGIONAL, NATIONAL or GLOBAL")
	case in.KAStatus != kam.KA && in.Tier != "":
		r.wrong("tier", kam.RuleBatchStanding, "only a key account has a tier", "say ka_status KA, or leave the tier out")
	}
	if in.OwnerID != "" {
		if p, ok := c.people[in.OwnerID]; !ok || !p.Active {
			r.wrong("owner_id", kam.RuleBatchOwner, fmt.Sprintf("nobody active is known as %q", clipped(string(in.OwnerID))), "load the people first, or leave the owner out")
		}
	}
	if k, ok := c.known[in.CustomerNo]; ok && in.CustomerNo != "" {
		if k.InCase != "" {
			r.note(kam.SeverityWarning, "customer_no", kam.RuleBatchOpenCase, "the customer is in the open case "+k.InCase+": the row will be left alone unless it has ended", "import it again when the case has ended")
		}
		if k.KAStatus == kam.KA && (in.KAStatus == kam.NonKA || in.Tier != "" && in.Tier != k.Tier) {
			r.note(kam.SeverityWarning, "ka_status", kam.RuleBatchStanding, fmt.Sprintf("is a %s key account: the import does not change that", k.Tier), "a change of status or tier is endorsed in a case")
		}
	}
	if no := r.data.SalesAccountNo; no != "" && !kam.IsCustomerNo(no) {
		r.wrong("sales_account_no", kam.RuleBatchAccount, "cannot be the number of an account", "1 to 40 letters, digits, '.', '_', '/' or '-'")
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
		r.wrong("territory_code", kam.RuleBatchTerritory, fmt.Sprintf("there is no territory %q", clipped(code)), "load the territories first, or leave it out")
		return
	case code != "":
		r.Territory = code
	case exists && c.nodes[known.Territory].Code != "":
		code = known.Territory // and stays
	default:
		rule, ok := assignment(c.rules, r.data)
		if _, is := c.nodes[rule.Territory]; !ok || !is {
			r.wrong("territory_code", kam.RuleBatchTerritory, "no assignment rule fits the customer's place", "give the territory, or add a rule")
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
			r.wrong("group_id", kam.RuleBatchGroup, fmt.Sprintf("there is no group %q", clipped(id)), "add it to the file of groups, or give group_name alone")
		}
		r.GroupID = id
	case name != "":
		if r.GroupID = c.names[store.NameKey(name)]; r.GroupID == "" {
			r.newName = store.NameKey(name)
		}
	}
}

// clipped shortens hostile text before it enters a message.
func clipped(s string) string {
	if r := []rune(s); len(r) > 40 {
		return string(r[:40]) + "…"
	}
	return s
}

// together compares the rows with each other, in the order of the file.
func (c *bookCheck) together() {
	numbers, places, tiers := map[string]int{}, map[string]int{}, map[string]*checkRow{}
	accounts := map[string]int{}
	for i := range c.rows {
		r := &c.rows[i]
		if r.in.ReadAs == kam.RowSame {
			continue
		}
		if no := r.in.CustomerNo; no != "" && !r.refused {
			if first, twice := numbers[no]; twice {
				r.wrong("customer_no", kam.RuleBatchTwice, fmt.Sprintf("row %d has the same number", first), "keep the one that is right")
			} else {
				numbers[no] = r.in.No
			}
		}
		if a := cmp.Or(r.data.SalesAccountNo, r.in.CustomerNo); a != "" && !r.refused {
			if first, twice := accounts[a]; twice {
				r.wrong("sales_account_no", kam.RuleBatchAccount, fmt.Sprintf("row %d has the same sales account: revenue would count twice", first), "give one of them another account")
			} else {
				accounts[a] = r.in.No
			}
		}
		if r.refused {
			continue
		}
		if len(r.Keys.Names) > 0 {
			place := strings.Join([]string{r.data.CountryCode, r.data.PostalCode, rules.Normalize(r.data.LegalName).Plain, r.data.Street}, "\x1f")
			if first, seen := places[place]; seen {
				r.note(kam.SeverityWarning, "legal_name", kam.RuleBatchTwice, fmt.Sprintf("row %d has the same name and address: it may be the same customer", first), "merge them if they are one")
			} else {
				places[place] = r.in.No
			}
		}
		if r.in.KAStatus == kam.KA && r.GroupID+r.newName != "" {
			group := r.GroupID + "\x1f" + r.newName
			if first := tiers[group]; first == nil {
				tiers[group] = r
			} else if first.in.Tier != r.in.Tier {
				r.wrong("tier", kam.RuleBatchStanding, fmt.Sprintf("row %d of the same group says %s", first.in.No, first.in.Tier), "a group has one tier")
			}
		}
	}
}

// parents must be customers, or rows of the book.
func (c *bookCheck) parents(ctx context.Context, s *store.Store) error {
	rows := make(map[string]*checkRow, len(c.rows))
	for i := range c.rows {
		if r := &c.rows[i]; !r.refused && r.in.ReadAs == kam.RowReady {
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
		if there, err = s.CustomersExist(ctx, ask); err != nil {
			return err
		}
	}
	for i := range c.rows {
		r := &c.rows[i]
		p := r.data.ParentCustomerID
		if p == "" || r.in.ReadAs == kam.RowSame {
			continue
		}
		switch {
		case p == r.in.CustomerNo:
			r.wrong("parent_customer_id", kam.RuleBatchParent, "is the customer itself", "name the parent, or leave it out")
		case rows[p] == nil && !there[p]:
			r.wrong("parent_customer_id", kam.RuleBatchParent, fmt.Sprintf("there is no customer %q", clipped(p)), "add the parent to the book, or leave it out")
		case circles(r, rows):
			r.wrong("parent_customer_id", "VH02", "the parents turn in a circle", "correct one of them")
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

// identifiers looks for those that stand on another customer already, of the
// book or of the tables.
func (c *bookCheck) identifiers(ctx context.Context, s *store.Store) error {
	type key struct {
		scheme kam.IdentifierScheme
		value  string
	}
	var ask []kam.Identifier
	first := map[key][]*checkRow{}
	unique := func(r *checkRow, do func(i int, k key)) {
		if r.refused || r.in.ReadAs != kam.RowReady {
			return
		}
		for i, id := range r.data.Identifiers {
			if id.Scheme != kam.SchemeIBAN && id.Scheme != kam.SchemeOther {
				do(i, key{id.Scheme, strings.ToUpper(id.Value)})
			}
		}
	}
	for i := range c.rows {
		unique(&c.rows[i], func(j int, _ key) { ask = append(ask, c.rows[i].data.Identifiers[j]) })
	}
	if len(ask) == 0 {
		return nil
	}
	holders, err := s.HoldersOf(ctx, ask)
	if err != nil {
		return err
	}
	held := map[key][]store.Holder{}
	for _, h := range holders {
		k := key{h.Scheme, h.Value}
		held[k] = append(held[k], h)
	}
	// A row that is refused for its identifier leaves it to the next one.
	for i := range c.rows {
		r := &c.rows[i]
		unique(r, func(j int, k key) {
			field := fmt.Sprintf("identifiers[%d]", j)
			judge := func(site, group, who string) {
				switch {
				case slices.Contains(onSite, k.scheme) || site == r.Site:
					r.wrong(field, "DUPLICATE_IDENTIFIER", fmt.Sprintf("%s stands on %s already", k.scheme, who), "use that customer, or correct the identifier or the address")
				case group == "" || group != r.GroupID+"\x1f"+r.newName:
					r.note(kam.SeverityWarning, field, "DUPLICATE_IDENTIFIER", fmt.Sprintf("%s stands on %s too, at another address and outside the group", k.scheme, who), "put both into one group if they are one company")
				}
			}
			for _, h := range held[k] {
				if h.CustomerNo != r.in.CustomerNo {
					group := h.GroupID
					if group != "" {
						group += "\x1f"
					}
					judge(h.Site, group, "customer "+h.CustomerNo)
				}
			}
			for _, o := range first[k] {
				if o != r {
					group := o.GroupID + "\x1f" + o.newName
					if o.GroupID+o.newName == "" {
						group = ""
					}
					judge(o.Site, group, fmt.Sprintf("row %d", o.in.No))
				}
			}
		})
		unique(r, func(_ int, k key) { first[k] = append(first[k], r) })
	}
	return nil
}

// settle gives every row its outcome and counts.
func (c *bookCheck) settle() {
	for i := range c.rows {
		r := &c.rows[i]
		r.Outcome = kam.RowReady
		switch {
		case r.in.ReadAs == kam.RowSame:
			r.Outcome = kam.RowSame
		case r.refused:
			r.Outcome = kam.RowRefused
		}
		c.findings = append(c.findings, r.found...)
		c.counts.Add(r.Outcome, r.warned)
		if r.Scope == "" {
			continue
		}
		n := c.scope(r.Scope)
		n.Rows++
		n.Add(r.Outcome, r.warned)
		if r.Outcome != kam.RowReady {
			continue
		}
		for _, n := range []*kam.BatchCounts{n, &c.counts} {
			if _, exists := c.known[r.in.CustomerNo]; exists {
				n.Existing++
			} else {
				n.New++
			}
			if r.in.KAStatus == kam.KA {
				n.KeyHolder++
			}
		}
	}
}

func (c *bookCheck) scope(node string) *kam.BatchCounts {
	n := c.scopes[node]
	if n == nil {
		n = &kam.BatchCounts{}
		c.scopes[node] = n
	}
	return n
}

// maxListed bounds the findings of one kind about facts.
const maxListed = 1000

// facts tests the rows of sales and of profit and loss, account by account.
func (c *bookCheck) facts(ctx context.Context, s *store.Store) error {
	byAccount := make(map[string]*checkRow, len(c.rows))
	for i := range c.rows {
		r := &c.rows[i]
		if r.Outcome != kam.RowReady {
			continue
		}
		byAccount[r.in.CustomerNo] = r
		if a := r.data.SalesAccountNo; a != "" {
			byAccount[a] = r
		}
	}
	accounts, err := s.BatchAccounts(ctx, c.batch.No)
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
			c.findings = append(c.findings, kam.BatchFinding{File: factFile(a.PLOnly), Row: a.FirstRow, Key: a.No, Column: "account_no", Rule: kam.RuleBatchAccount,
				Severity: kam.SeverityError, Message: fmt.Sprintf("no customer has this account: %s left out", counted(a.Facts, "row")), Remedy: "add the customer to the book, or correct the account"})
			continue
		}
		n := c.scope(scope)
		n.Accounts++
		n.Facts += a.Facts
		c.counts.Accounts++
	}
	from, to := monthsOf(c.at)
	bad, total, err := s.BadFacts(ctx, c.batch.No, c.pol.BaseCurrency, from, to, maxListed)
	if err != nil {
		return err
	}
	for _, f := range bad {
		x := kam.BatchFinding{File: factFile(f.PLOnly), Row: f.Row, Key: f.Account, Severity: kam.SeverityError}
		if f.Currency != c.pol.BaseCurrency {
			x.Column, x.Rule = "currency", kam.RuleBatchMoney
			x.Message, x.Remedy = "the book is kept in "+c.pol.BaseCurrency, "convert the amounts"
		} else {
			x.Column, x.Rule = "month", kam.RuleBatchMonth
			x.Message, x.Remedy = fmt.Sprintf("%s is not between %s and %s", f.Month.Format("2006-01"), from.Format("2006-01"), to.Format("2006-01")), "correct the month"
		}
		c.findings = append(c.findings, x)
	}
	if more := total - len(bad); more > 0 {
		c.findings = append(c.findings, kam.BatchFinding{File: kam.FileSales, Severity: kam.SeverityError, Rule: kam.RuleBatchMoney,
			Message: counted(more, "more row") + " with another currency or month", Remedy: "correct them as those that are listed"})
	}
	return nil
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

// digest is what a manager confirms: the content, the policy and what the
// check made of each row.
func (c *bookCheck) digest() string {
	h := sha256.New()
	put := func(h hash.Hash, parts ...string) {
		for _, p := range parts {
			fmt.Fprintf(h, "%d %s\n", len(p), p)
		}
	}
	put(h, "kam-batch-check/1", string(c.batch.No), c.batch.Content, fmt.Sprint(c.pol.Version))
	for i := range c.rows {
		r := &c.rows[i]
		put(h, fmt.Sprint(r.No), string(r.Outcome), r.Scope, r.Territory, string(r.OwnerID), r.GroupID)
	}
	for _, f := range c.findings {
		put(h, f.File, fmt.Sprint(f.Row), f.Rule, string(f.Severity), f.Column)
	}
	return hex.EncodeToString(h.Sum(nil))
}

// save stores the check and asks the managers.
func (c *bookCheck) save(ctx context.Context, tx *store.BatchTx) error {
	b := tx.Batch
	if b.State != kam.BatchUploaded {
		_, err := kam.NextBatch(b.State, kam.BatchCheck)
		return err
	}
	rows := make([]store.CheckedRow, len(c.rows))
	for i := range c.rows {
		rows[i] = c.rows[i].CheckedRow
	}
	if err := tx.SaveCheck(rows, c.findings); err != nil {
		return err
	}
	b.Counts, b.Digest, b.PolicyVersion = c.counts, c.digest(), c.pol.Version
	nodes := make([]string, 0, len(c.scopes))
	for node, n := range c.scopes {
		if n.Ready > 0 || n.Facts > 0 {
			nodes = append(nodes, node)
		}
	}
	slices.Sort(nodes)
	why := ""
	switch {
	case c.denied != nil:
		why = c.denied.Error()
	case len(nodes) == 0:
		why = "no row can be applied"
	case len(nodes) > kam.MaxBatchScopes:
		why = fmt.Sprintf("has rows of %d scopes, more than %d", len(nodes), kam.MaxBatchScopes)
	}
	if why != "" {
		return c.end(tx, why)
	}
	next, err := kam.NextBatch(b.State, kam.BatchCheck)
	if err != nil {
		return err
	}
	tx.Log(kam.AuditEvent{Type: kam.EventBatchChecked, Step: batchStep, Actor: kam.System, From: kam.State(b.State), To: kam.State(next),
		PolicyVersion: c.pol.Version, PayloadDigest: b.Digest,
		Text: fmt.Sprintf("%s, %d can be applied, %d refused, %d equal to others; %s", counted(c.counts.Rows, "row"), c.counts.Ready, c.counts.Refused, c.counts.Same, counted(len(nodes), "scope"))})
	b.State = next
	for _, node := range nodes {
		b.Scopes = append(b.Scopes, kam.BatchScopeState{Node: node, Counts: *c.scopes[node]})
	}
	for i := range b.Scopes {
		if err := askManager(ctx, tx, c.pol, &b.Scopes[i]); err != nil {
			return err
		}
	}
	return tellBatch(tx, "import.checked", fmt.Sprintf("%s is checked and waits for %s", b.No, strings.Join(nodes, ", ")), b.Uploader)
}

// end ends a batch of which nothing can be applied.
func (c *bookCheck) end(tx *store.BatchTx, why string) error {
	b := tx.Batch
	next, err := kam.NextBatch(b.State, kam.BatchFoundEmpty)
	if err != nil {
		return err
	}
	tx.Log(kam.AuditEvent{Type: kam.EventBatchCancelled, Step: batchStep, Actor: kam.System, From: kam.State(b.State), To: kam.State(next),
		PolicyVersion: c.pol.Version, PayloadDigest: b.Digest, Text: why})
	b.State, b.Reason = next, why
	if err := tx.Unstage(); err != nil {
		return err
	}
	return tellBatch(tx, "import.cancelled", fmt.Sprintf("%s is cancelled: %s", b.No, why), b.Uploader)
}
