// Package erase forgets a contact person by order: in every list of contacts and
// in what repeats him beside them, of a customer and of all that belongs to it.
package erase

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/customer"
	accessdb "github.com/kamflow/kamflow/store/access"
	"github.com/kamflow/kamflow/store/internal/contact"
	"github.com/kamflow/kamflow/store/internal/pg"
	"github.com/kamflow/kamflow/store/ledger"
	casedb "github.com/kamflow/kamflow/store/onboarding"
)

// An Order names a contact person who is to be forgotten (AC46). Subject
// is a customer or a case. Of Email and Name at least one is given: an address
// is that of one person wherever it stands; a name is that of one person within
// the customer and its cases. Both together tell apart persons who share a
// mailbox.
type Order struct {
	Subject string
	Email   string
	Name    string
	Order   string // which order it is: the number of a letter or ticket, not the person
	By      kam.UserID
	DryRun  bool // tell what would be erased, and change nothing
}

// An Erasure is what an order has done, without the person.
type Erasure struct {
	No      string     `json:"erasure_no,omitempty"`
	Subject string     `json:"subject"`
	Order   string     `json:"order"`
	By      kam.UserID `json:"by"`
	At      time.Time  `json:"at"`      // when it was first carried out
	LastAt  time.Time  `json:"last_at"` // when it last found anything: backups from before hold the person
	Again   bool       `json:"again,omitempty"`
	DryRun  bool       `json:"dry_run,omitempty"`
	ErasedWhat
}

// ErasedWhat says where an order has found the person.
type ErasedWhat struct {
	Contacts int            `json:"contacts"` // entries in lists of contacts
	Texts    int            `json:"texts"`    // values besides them that named him
	Places   []ErasedPlace  `json:"places"`
	Left     []ErasureStays `json:"left"`
}

// An ErasedPlace counts what was erased of one kind at one subject.
type ErasedPlace struct {
	Subject kam.CaseNo `json:"subject"`
	What    string     `json:"what"`
	Count   int        `json:"count"`
}

// An ErasureStays is a place that still names the person, or may: the audit
// trail, whose text is chained, or a value that belongs to somebody else as well.
// Seq is the number of the event, 0 elsewhere.
type ErasureStays struct {
	Subject kam.CaseNo `json:"subject"`
	Where   string     `json:"where"`
	Seq     int64      `json:"seq,omitempty"`
}

// erasures is the subject whose trail tells of the orders themselves.
var erasures = ledger.Subject{Kind: "erasures", ID: "erasure"}

const maxOrderText = 500

var errDryRun = errors.New("only looked")

// A Store carries out orders to forget a contact person, wherever the database
// names him. Its methods may be called from many goroutines.
type Store struct {
	ledger *ledger.Ledger
	pool   *pgxpool.Pool
}

// New opens the room over a database and its ledger.
func New(l *ledger.Ledger, pool *pgxpool.Pool) *Store { return &Store{l, pool} }

// Contact carries an order out: the person's entries in all lists of contacts
// keep their role in the decision and lose everything else; the values that
// repeat name, mail or phone beside them get the token of the order. The audit
// trail is not changed, each subject concerned gets a DATA_ERASED. The same order
// again does what is left to do, and nothing where nothing is. Whoever runs it
// says in may whether the person who orders may, and has it signed by sign, where
// that is not nil; a refusal is on record.
func (s *Store) Contact(ctx context.Context, o Order, may func(kam.Person) (kam.Role, error), sign ledger.Sign) (Erasure, error) {
	o.Name, o.Email, o.Order = strings.Join(strings.Fields(o.Name), " "), strings.TrimSpace(o.Email), strings.TrimSpace(o.Order)
	now, err := s.ledger.Now(ctx)
	if err != nil {
		return Erasure{}, err
	}
	var done Erasure
	f := ledger.Effect{Subject: erasures, At: now, By: o.By, Bulk: true, Sign: sign}
	err = s.ledger.Append(ctx, f, func(entry *ledger.Entry) ledger.Keeper {
		return ledger.Simple(entry, func(entry *ledger.Entry) (any, error) {
			who, err := accessdb.In(entry).Actor(o.By)
			if err != nil {
				return nil, err
			}
			role, err := may(who)
			if err != nil {
				return nil, err
			}
			e := &eraser{Entry: entry, ctx: entry.Context(), tx: entry.SQL(), o: o, role: role, locked: map[kam.CaseNo]*casedb.Tx{}}
			if done, err = e.run(); err == nil && o.DryRun {
				err = errDryRun
			}
			return nil, err
		})
	})
	if refused := kam.AsError(err); refused != nil && (refused.Code == kam.Forbidden || refused.Code == kam.NotSigned) {
		f.Key, f.Bulk = "order/"+now.Format(time.RFC3339Nano), false // an order has no id: each attempt counts
		return Erasure{}, errors.Join(refused, s.ledger.Refuse(ctx, f, "", refused, func(entry *ledger.Entry) ledger.Keeper { return ledger.Simple(entry, nil) }))
	}
	if err != nil && !errors.Is(err, errDryRun) {
		return Erasure{}, err
	}
	return done, nil
}

// List lists the orders, oldest first: what has to be carried out again after a
// backup from before one of them was restored.
func (s *Store) List(ctx context.Context) ([]Erasure, error) {
	return pg.List(ctx, s.pool, "list the orders to erase", pgx.RowToStructByName[Erasure], `
		select erasure_no as no, subject, order_text as "order", by_user as "by", at, last_at, false as again, false as dry_run, (result ->> 'contacts')::int as contacts, (result ->> 'texts')::int as texts,
			result -> 'places' as places, result -> 'left' as left
		from kam.erasure order by at, erasure_no`)
}

// An eraser is one order on its way.
type eraser struct {
	*ledger.Entry
	ctx    context.Context // of the effect: an eraser lives no longer
	tx     pgx.Tx
	o      Order
	role   kam.Role
	family family
	rows   []contactAt
	locked map[kam.CaseNo]*casedb.Tx
	held   int // how many of the family are locked
	person person
	token  string
	done   ErasedWhat
}

func (e *eraser) run() (Erasure, error) {
	if err := e.o.check(); err != nil {
		return Erasure{}, err
	}
	if err := e.find(); err != nil {
		return Erasure{}, err
	}
	known, again, err := e.sameOrder()
	if err != nil {
		return Erasure{}, err
	}
	if len(e.rows) == 0 && !again {
		return Erasure{}, kam.Errorf(kam.NotFound, "nobody with this %s is a contact of %s, of its cases or of the records that became one with it", e.o.given().words(), pg.Clip(e.o.Subject, 40)).
			On("subject").Try("look at the contacts: starter customer show, starter show")
	}
	if e.person.in(e.o.Order) {
		return Erasure{}, kam.Errorf(kam.Invalid, "the text of the order names the person, and would be kept").On("order").Try("give the number of the letter or ticket")
	}
	r := known
	r.Again, r.DryRun = again, e.o.DryRun
	if !again {
		r = Erasure{Subject: e.o.Subject, Order: e.o.Order, By: e.o.By, At: e.At, LastAt: e.At, DryRun: e.o.DryRun}
		if !e.o.DryRun {
			if r.No, _, err = pg.One(e.ctx, e.tx, "number the order", pgx.RowTo[string], `select 'E-' || lpad(nextval('kam.erasure_number')::text, 6, '0')`); err != nil {
				return Erasure{}, err
			}
		}
	}
	e.token = "[erased " + r.No + "]"
	e.done = ErasedWhat{Places: []ErasedPlace{}, Left: []ErasureStays{}}
	for _, step := range []func() error{e.contacts, e.texts, e.stays} {
		if err := step(); err != nil {
			return Erasure{}, err
		}
	}
	r.ErasedWhat = e.done
	if len(e.done.Places) == 0 { // carried out before, and nothing has come since
		return r, nil
	}
	r.LastAt = e.At
	return r, e.keep(r, again)
}

func (o Order) check() error {
	switch {
	case o.Email == "" && o.Name == "":
		return kam.Errorf(kam.Invalid, "nobody is named").On("email").Try("give the mail address, or the name")
	case o.Order == "":
		return kam.Errorf(kam.Invalid, "an order is needed").On("order").Try("give the number of the letter or ticket by which it was asked for")
	case len([]rune(o.Order)) > maxOrderText:
		return kam.Errorf(kam.Invalid, "has more than %d characters", maxOrderText).On("order").Try("give the number of the letter or ticket")
	}
	return nil
}

// find reads the contacts that the order means, and locks all that an effect
// could copy them from, until nothing new comes to light.
func (e *eraser) find() error {
	for {
		f, err := familyOf(e.ctx, e.tx, e.o.Subject)
		if err != nil {
			return err
		}
		rows, p, err := e.meant(f)
		if err != nil {
			return err
		}
		for _, r := range rows {
			f.add(r.Subject)
		}
		e.family, e.rows, e.person = f, rows, p
		more, err := e.lock()
		if err != nil || !more {
			return err
		}
	}
}

// lock takes the locks of effects on cases and of merges on customers, those
// that are not held yet; cases in the order of their numbers, as effects on two
// do.
func (e *eraser) lock() (more bool, err error) {
	if len(e.family) == e.held {
		return false, nil
	}
	e.held = len(e.family)
	for _, no := range e.family.cases() {
		if e.locked[no] != nil {
			continue
		}
		if e.locked[no], err = casedb.Beside(e.Entry, no); err != nil {
			return false, err
		}
	}
	_, err = pg.Exec(e.ctx, e.tx, "lock the customers", `select from kam.customer where customer_no = any ($1) order by customer_no for update`, e.family.customers())
	return true, err
}

// A givenKind says by what an order names the person.
type givenKind string

func (o Order) given() givenKind {
	switch {
	case o.Name == "":
		return "EMAIL"
	case o.Email == "":
		return "NAME"
	}
	return "BOTH"
}

//text:keys
var givenWords = map[givenKind]string{"EMAIL": "mail address", "NAME": "name", "BOTH": "name and mail address"}

func (g givenKind) words() string {
	return givenWords[g]
}

// digest is what an order keeps of the person. A name is known only together
// with the subject.
func (o Order) digest(salt []byte) []byte {
	h := hmac.New(sha256.New, salt)
	fmt.Fprintf(h, "%q %q", sameWords(o.Name), strings.ToLower(o.Email))
	if o.Email == "" {
		fmt.Fprintf(h, " %q", o.Subject)
	}
	return h.Sum(nil)
}

// sameOrder looks for the order among those that were carried out.
func (e *eraser) sameOrder() (r Erasure, again bool, err error) {
	type row struct {
		Salt, Digest       []byte
		No, Subject, Order string
		By                 kam.UserID
		At, LastAt         time.Time
	}
	all, err := pg.List(e.ctx, e.tx, "look for the same order", pgx.RowToStructByName[row],
		`select salt, digest, erasure_no as no, subject, order_text as "order", by_user as "by", at, last_at from kam.erasure where given = $1 order by erasure_no`, e.o.given())
	for _, k := range all {
		if hmac.Equal(e.o.digest(k.Salt), k.Digest) {
			return Erasure{No: k.No, Subject: k.Subject, Order: k.Order, By: k.By, At: k.At, LastAt: k.LastAt}, true, nil
		}
	}
	return Erasure{}, false, err
}

// contacts leaves of each entry the role in the decision: stages ask for it.
func (e *eraser) contacts() error {
	before := map[string][]customer.Contact{}
	var err error
	for _, r := range e.rows {
		if before[r.Owner] == nil {
			if before[r.Owner], err = contact.Of(e.ctx, e.tx, r.Owner); err != nil {
				return err
			}
		}
	}
	for _, r := range e.rows {
		left := customer.Contact{Name: e.token, DecisionRole: r.Contact.DecisionRole}
		e.Queue(`update kam.contact set contact = $3 where owner = $1 and position = $2`, r.Owner, r.Position, left)
		e.count(r.Subject, r.what(), 1)
		e.done.Contacts++
	}
	if err := e.Flush("erase the contacts"); err != nil {
		return err
	}
	return e.rebase(before)
}

// rebase gives open cases on an existing customer the digest of the contacts as
// they are now: a person who was erased is no change that the case asks for.
func (e *eraser) rebase(before map[string][]customer.Contact) error {
	for owner, was := range before {
		is, err := contact.Of(e.ctx, e.tx, owner)
		if err != nil {
			return err
		}
		e.Queue(`update kam.case_fact set value = jsonb_set(value, '{contacts}', to_jsonb($2::text))
			where kind = '`+casedb.FactBase+`' and value ->> 'contacts' = $1`, kam.Digest(was), kam.Digest(is))
	}
	return e.Flush("keep what the cases found")
}

func (e *eraser) count(subject kam.CaseNo, what string, n int) {
	i := slices.IndexFunc(e.done.Places, func(p ErasedPlace) bool { return p.Subject == subject && p.What == what })
	if i < 0 {
		e.done.Places = append(e.done.Places, ErasedPlace{subject, what, 0})
		i = len(e.done.Places) - 1
	}
	e.done.Places[i].Count += n
}

// keep stores the order and notes it on the trail of all subjects concerned.
func (e *eraser) keep(r Erasure, again bool) error {
	const (
		insert = `insert into kam.erasure (erasure_no, subject, given, salt, digest, order_text, by_user, at, last_at, result) values (@no, @subject, @given, @salt, @digest, @order, @by, @at, @at, @result)`
		update = `update kam.erasure set last_at = $2, result = $3 where erasure_no = $1`
	)
	event := kam.AuditEvent{Type: kam.EventDataErased, Actor: e.o.By, RolesUsed: []kam.Role{e.role}, ReasonCode: r.No}
	noted := map[kam.CaseNo]bool{}
	for _, p := range e.done.Places {
		if noted[p.Subject] {
			continue
		}
		noted[p.Subject] = true
		event.Text = kam.Note("a contact person is erased by order %s", r.No)
		tx := e.locked[p.Subject]
		if tx == nil {
			if err := e.LogOn(ledger.Subject{ID: string(p.Subject)}, event); err != nil {
				return err
			}
			continue
		}
		tx.Log(event)
		if err := tx.Note(); err != nil {
			return err
		}
	}
	if again {
		e.Queue(update, r.No, e.At, r.ErasedWhat)
	} else {
		salt := make([]byte, 16)
		rand.Read(salt) //nolint:errcheck // it never fails
		e.Queue(insert, pgx.StrictNamedArgs{
			"no": r.No, "subject": r.Subject, "given": e.o.given(), "salt": salt, "digest": e.o.digest(salt), "order": r.Order, "by": r.By,
			"at": r.At, "result": r.ErasedWhat,
		})
	}
	event.Text = kam.Note("%s: %d contacts and %d other values at %d subjects", r.Order, r.Contacts, r.Texts, len(noted))
	e.Log(event)
	return e.Flush("keep the order")
}
