package bench

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/kamflow/kamflow/config/sample"
	"github.com/kamflow/kamflow/internal/demo"
	"github.com/kamflow/kamflow/internal/parties"
	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/rules"
	"github.com/kamflow/kamflow/kam/rules/match"
	"github.com/kamflow/kamflow/kam/rules/policy"
	accessdb "github.com/kamflow/kamflow/store/access"
	customerdb "github.com/kamflow/kamflow/store/customer"
	"github.com/kamflow/kamflow/store/storetest"
)

// Customers lie at as many postal codes as Germany has, so that a book of
// 100,000 has a dozen at each. Those of the bench's requests are Munich's, where
// the requester works.
const (
	postalCodes   = 8_090
	firstCode     = 1_000
	codeStep      = 11
	munichFirst   = (80_000 - firstCode + codeStep - 1) / codeStep
	munichCodes   = 270
	requester     = kam.UserID("emil.rep")
	bookTerritory = "DE-S-02"
)

// trades are words that customers share, one in a hundred each.
const trades = 100

// A place is where a customer lies: anywhere, or with many others at one postal
// code.
type place struct{ code string }

func anywhere(i int) place { return place{fmt.Sprintf("%05d", firstCode+codeStep*(i%postalCodes))} }
func inMunich(i int) place { return anywhere(munichFirst + i%munichCodes) }

// block is a postal code that only the customers of one block have.
func block(n int) place { return place{fmt.Sprintf("%05d", 80_000+codeStep*n)} }

// customer is a complete request for an invented customer: form gives what does
// not tell customers apart.
func customer(form kam.RequestData, key string, i int, at place) kam.RequestData {
	d := form
	w := demo.Words(key)
	d.LegalName = fmt.Sprintf("%s %s %s GmbH", w[0], w[1], demo.Words(fmt.Sprint("trade ", i%trades))[0])
	d.City, d.PostalCode, d.Street = "München", at.code, fmt.Sprintf("%sweg %d", w[2], 1+i%200)
	d.Identifiers = []kam.Identifier{{Scheme: kam.SchemeOther, Name: "Sample register", Value: "HR-" + key, Country: "DE"}}
	d.Addresses = []kam.Address{{Type: kam.AddressLegal, Line1: d.Street, City: d.City, PostalCode: d.PostalCode, CountryCode: "DE"}}
	mail := strings.ToLower("einkauf@" + w[0] + "-" + key + ".example")
	d.Contacts = []kam.Contact{{Name: w[1] + " " + w[2], DecisionRole: "DECIDER", Email: mail, ConsentBasis: "contract"}}
	return d
}

// party is a customer as the search for look-alikes sees it.
func party(d kam.RequestData) match.Party {
	return match.Party{Ref: d.Identifiers[0].Value, Names: []string{d.LegalName}, CountryCode: d.CountryCode, City: d.City, PostalCode: d.PostalCode, Street: d.Street}
}

// newcomer is a customer whom the engine's own search takes for nobody who is
// there: names are invented by chance, and a few of many resemble each other.
func (r *rig) newcomer(at func(i int) place) (key string, d kam.RequestData) {
	for {
		r.made++
		key = fmt.Sprintf("R%06d", r.made)
		d = customer(r.opts.Form, key, r.made, at(r.made))
		if len(r.known.Candidates(party(d))) == 0 {
			r.known.Add(party(d))
			return key, d
		}
	}
}

// furnish loads the sample organisation and the default policy, and an empty
// book to cut ABC classes from.
func (r *rig) furnish(ctx context.Context) error {
	org, err := demo.Organisation()
	if err != nil {
		return err
	}
	set, err := rules.Default()
	if err != nil {
		return err
	}
	r.known = set.Match.NewIndex()
	first := func(id string, by kam.UserID) accessdb.OrgAct {
		return accessdb.OrgAct{DecisionID: id, By: by, May: kam.Permit}
	}
	if _, err := r.db.Access.LoadOrg(ctx, first("bench-organisation", sample.UserAdmin), org); err != nil {
		return err
	}
	if _, err := r.db.Access.LoadPolicy(ctx, first("bench-policy", sample.PolicyAdmin), 1, policy.DefaultYAML()); err != nil {
		return err
	}
	_, err = r.db.Customers.RebuildABC(ctx, time.Now())
	return err
}

const loadAtOnce = 10_000

// grow loads customers until there are as many as size. The first book that is
// not empty has the blocks in it: one for each round, because the cases of a
// round make its block larger.
func (r *rig) grow(ctx context.Context, size int) error {
	if size <= r.book {
		return nil
	}
	begin, from := time.Now(), r.book
	if r.book == 0 && r.opts.Block > 0 {
		if r.book = r.opts.Block * r.opts.Rounds; r.book > size {
			return fmt.Errorf("%d blocks of %d do not fit into a book of %d", r.opts.Rounds, r.opts.Block, size)
		}
		for n := range r.opts.Rounds {
			at := block(n)
			if err := r.load(ctx, r.opts.Block, func(i int) (string, place) { return fmt.Sprintf("B%03d-%05d", n, i), at }); err != nil {
				return err
			}
			r.blocks = append(r.blocks, at)
		}
	}
	first := r.book
	if err := r.load(ctx, size-first, func(i int) (string, place) { return fmt.Sprintf("K%06d", first+i), anywhere(first + i) }); err != nil {
		return err
	}
	r.book = size
	r.opts.Log("%d customers loaded in %.0f s", size-from, time.Since(begin).Seconds())
	return nil
}

// tidy makes the book what it would be after some quiet minutes: ABC classes
// are cut from all of it, and what PostgreSQL's autovacuum does is done. An
// empty book stays that of a database that is new.
func (r *rig) tidy(ctx context.Context) error {
	if r.book == 0 {
		return nil
	}
	if _, err := r.db.Customers.RebuildABC(ctx, time.Now()); err != nil {
		return err
	}
	if _, err := r.watch.Exec(ctx, "vacuum analyze"); err != nil {
		return err
	}
	return sleep(ctx, r.opts.Settle)
}

func (r *rig) load(ctx context.Context, n int, where func(i int) (no string, at place)) error {
	month := time.Now().UTC().Format("2006-01")
	for from := 0; from < n; from += loadAtOnce {
		var book []customerdb.BookCustomer
		var facts []customerdb.SalesFact
		for i := from; i < min(n, from+loadAtOnce); i++ {
			no, at := where(i)
			d := customer(r.opts.Form, no, i, at)
			r.known.Add(party(d))
			book = append(book, customerdb.BookCustomer{CustomerNo: no, Data: d, Territory: bookTerritory, OwnerID: requester, Keys: parties.Keys(d)})
			facts = append(facts, customerdb.SalesFact{AccountNo: no, Month: month, Currency: "EUR", NetRevenue: 100_000 + int64(i)*7_919%9_000_000, Orders: 1})
		}
		if err := r.db.Customers.Load(ctx, storetest.Act(), book); err != nil {
			return fmt.Errorf("load the book: %w", err)
		}
		if err := r.db.Customers.LoadSales(ctx, storetest.Act(), facts); err != nil {
			return fmt.Errorf("load the sales of the book: %w", err)
		}
	}
	return nil
}
