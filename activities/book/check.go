package book

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"hash"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/kamflow/kamflow/activities/internal/stage"
	"github.com/kamflow/kamflow/internal/failpoint"
	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/access"
	"github.com/kamflow/kamflow/kam/book"
	"github.com/kamflow/kamflow/kam/customer"
	"github.com/kamflow/kamflow/kam/rules"
	accessdb "github.com/kamflow/kamflow/store/access"
	bookdb "github.com/kamflow/kamflow/store/book"
	"github.com/kamflow/kamflow/store/ledger"
)

// Check tests every row of an uploaded batch with the pure rules and
// against what is known, and asks one manager per scope to confirm. Rows with
// errors are not applied; the others can be confirmed. Where nothing is left,
// the batch ends. It may run twice: a batch that is checked stays as it is.
func (a *Stages) Check(ctx context.Context, in book.BatchStep) (p book.BatchProgress, err error) {
	b, err := a.store.Books.Get(ctx, in.No)
	if err != nil || b.State != book.BatchUploaded {
		return book.BatchProgress{Batch: b}, stage.ToTemporal(err)
	}
	err = beating(ctx, "check", func(ctx context.Context) error {
		c, err := a.check(ctx, b, in.Now)
		if err != nil {
			return err
		}
		failpoint.Hit("batch", "check", "before")
		p, err = a.onBook(ctx, in, ledger.Effect{Key: "check", Digest: b.Content, Bulk: true}, c.save)
		return err
	})
	if err != nil {
		return book.BatchProgress{}, stage.ToTemporal(err)
	}
	p.Refused = nil // it was cancelled meanwhile, which the batch says
	return p, nil
}

// A bookCheck is the check of one batch.
type bookCheck struct {
	pol      *rules.Set
	batch    book.BatchSnapshot
	at       time.Time
	nodes    map[string]kam.TerritoryNode
	people   map[kam.UserID]kam.Person
	rules    []accessdb.AssignmentRule
	groups   map[string]string // id -> name
	names    map[string]string // name key -> id
	known    map[string]bookdb.KnownCustomer
	contacts map[int][]customer.Contact

	rows     []checkRow
	findings []book.BatchFinding
	scopes   map[string]*book.BatchCounts
	counts   book.BatchCounts
	denied   error // the uploader may not upload this
}

func (a *Stages) check(ctx context.Context, b book.BatchSnapshot, at time.Time) (*bookCheck, error) {
	c := &bookCheck{batch: b, at: at, scopes: map[string]*book.BatchCounts{}, counts: b.Counts}
	var err error
	if c.pol, _, err = a.policies.Of(stage.Published(ctx, a.store.Access), 0); err != nil {
		return nil, err
	}
	ref, err := a.store.Access.Reference(ctx)
	if err != nil {
		return nil, err
	}
	c.refer(ref)
	// The rows are read and decoded while the rest is looked up.
	var given []bookdb.Group
	reading, readCtx := errgroup.WithContext(ctx)
	reading.Go(func() (err error) {
		c.rows, err = mapRows(a.store.Books.Staged(readCtx, b.No), func(r *checkRow, in bookdb.StagedRow) {
			r.in = in
			r.unread = json.Unmarshal(in.Data, &r.data)
			r.in.Data = nil
		})
		return err
	})
	reading.Go(func() (err error) {
		if c.contacts, err = a.store.Books.Contacts(readCtx, b.No); err != nil {
			return err
		}
		if c.known, err = a.store.Books.KnownCustomers(readCtx, b.No); err != nil {
			return err
		}
		given, err = a.store.Books.Groups(readCtx, b.No)
		return err
	})
	if err := reading.Wait(); err != nil {
		return nil, err
	}
	c.denied = c.mayUpload(len(c.rows) == 0 && len(given) == 0 && b.Counts.Facts > 0)
	c.checkGroups(given)
	inParallel(len(c.rows), func(i int) { c.checkRow(&c.rows[i]) })
	c.together()
	if err := c.parents(ctx, a.store); err != nil {
		return nil, err
	}
	if err := c.identifiers(ctx, a.store); err != nil {
		return nil, err
	}
	c.settle()
	if b.Counts.Facts > 0 {
		if err := c.facts(ctx, a.store); err != nil {
			return nil, err
		}
	}
	return c, nil
}

func (c *bookCheck) refer(ref accessdb.Reference) {
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
		c.names[accessdb.NameKey(g.Name)] = g.ID
	}
}

// mayUpload asks the matrix once more, on the side that stores: a client may
// be anything.
func (c *bookCheck) mayUpload(plOnly bool) error {
	s := access.Subject{Requester: c.batch.Uploader, Fields: []string{"customers"}}
	if plOnly {
		s.Fields = []string{"pnl"}
	}
	p := c.people[c.batch.Uploader]
	p.ID = c.batch.Uploader
	s.Path = p.Nodes
	_, err := access.Permit(p, access.ActionImportUpload, s)
	return err
}

func (c *bookCheck) checkGroups(given []bookdb.Group) {
	seen := map[string]string{}
	for _, g := range given {
		bad := func(column string, msg, remedy kam.Sentence) {
			c.findings = append(c.findings, book.BatchFinding{File: book.FileGroups, Row: g.No, Key: g.ID, Column: column,
				Rule: book.RuleBatchGroup, Severity: kam.SeverityError}.Saying(msg, remedy))
		}
		key := accessdb.NameKey(g.Name)
		before, twice := seen[g.ID]
		switch other := c.names[key]; {
		case !customer.IsCustomerNo(g.ID):
			bad("group_id", kam.Say("cannot be the id of a group"), kam.Say("1 to 40 letters, digits, '.', '_', '/' or '-'"))
		case g.Name == "" || len([]rune(g.Name)) > 200:
			bad("name", kam.Say("a group needs a name of at most 200 characters"), kam.Say("correct it"))
		case twice && before != g.Name:
			bad("group_id", kam.Say("stands there twice, with other names"), kam.Say("keep one"))
		case other != "" && other != g.ID:
			bad("name", kam.Say("group %s has this name already", other), kam.Say("use that group, or give another name"))
		default:
			seen[g.ID] = g.Name
			c.groups[g.ID], c.names[key] = g.Name, g.ID
		}
	}
}

// settle gives every row its outcome and counts.
func (c *bookCheck) settle() {
	for i := range c.rows {
		r := &c.rows[i]
		r.Outcome = book.RowReady
		switch {
		case r.in.ReadAs == book.RowSame:
			r.Outcome = book.RowSame
		case r.refused:
			r.Outcome = book.RowRefused
		}
		c.findings = append(c.findings, r.found...)
		c.counts.Add(r.Outcome, r.warned)
		if r.Scope == "" {
			continue
		}
		n := c.scope(r.Scope)
		n.Rows++
		n.Add(r.Outcome, r.warned)
		if r.Outcome != book.RowReady {
			continue
		}
		for _, n := range []*book.BatchCounts{n, &c.counts} {
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

func (c *bookCheck) scope(node string) *book.BatchCounts {
	n := c.scopes[node]
	if n == nil {
		n = &book.BatchCounts{}
		c.scopes[node] = n
	}
	return n
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
func (c *bookCheck) save(w *effect) error {
	b := w.Batch
	if _, err := b.After(book.BatchCheck); err != nil {
		return err
	}
	rows := make([]bookdb.CheckedRow, len(c.rows))
	for i := range c.rows {
		rows[i] = c.rows[i].CheckedRow
	}
	if err := w.SaveCheck(rows, c.findings); err != nil {
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
		why = kam.Note("no row can be applied")
	case len(nodes) > book.MaxBatchScopes:
		why = kam.Note("has rows of %d scopes, more than %d", len(nodes), book.MaxBatchScopes)
	}
	if why != "" {
		return w.end(book.BatchFoundEmpty, kam.AuditEvent{Type: book.EventBatchCancelled, Actor: kam.System, Text: why}, "WITHDRAWN")
	}
	err := w.move(book.BatchCheck, kam.AuditEvent{
		Type: book.EventBatchChecked, Actor: kam.System,
		Text: kam.Note("%s, %d can be applied, %d refused, %d equal to others; %s",
			stage.Counted(c.counts.Rows, "1 row", "%d rows"), c.counts.Ready, c.counts.Refused, c.counts.Same, stage.Counted(len(nodes), "1 scope", "%d scopes")),
	})
	if err != nil {
		return err
	}
	for _, node := range nodes {
		b.Scopes = append(b.Scopes, book.BatchScopeState{Node: node, Counts: *c.scopes[node]})
	}
	for i := range b.Scopes {
		if err := w.ask(&b.Scopes[i]); err != nil {
			return err
		}
	}
	return w.notify("import.checked", kam.Say("%s is checked and waits for %s", b.No, strings.Join(nodes, ", ")), b.Uploader)
}
