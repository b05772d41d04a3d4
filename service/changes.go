package service

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/book"
	"github.com/kamflow/kamflow/kam/onboarding"
	accessdb "github.com/kamflow/kamflow/store/access"
	"github.com/kamflow/kamflow/store/ledger"
)

// A Change tells that something happened, without what: whoever wants to know
// reads it. ID is its place in the order of all changes.
type Change struct {
	ID         string           `json:"id"`
	At         time.Time        `json:"at"`
	CaseNo     kam.CaseNo       `json:"case_no,omitempty"`
	BatchNo    book.BatchNo     `json:"batch_no,omitempty"`
	CustomerNo string           `json:"customer_no,omitempty"`
	Type       kam.EventType    `json:"type"`
	State      onboarding.State `json:"state,omitempty"` // that a case came into
}

// Changes are a part of them, and the place behind which the next part begins.
type Changes struct {
	Items []Change `json:"items"`
	Next  string   `json:"next"`
	// More says that there is another part already.
	More bool `json:"more,omitempty"`
}

// mostChanges bounds one part before what somebody may not read is left out.
const mostChanges = 500

// Changes are those that somebody may read, behind a place; for "" none, and the
// place of now. Those of the organisation are told to nobody here.
func (l *Local) Changes(ctx context.Context, who Principal, after string) (Changes, error) {
	r, err := l.reader(ctx, who)
	if err != nil {
		return Changes{}, err
	}
	from, limit := ledger.Place{}, 0
	if after != "" {
		if from, err = placeOf(after); err != nil {
			return Changes{}, err
		}
		limit = mostChanges
	}
	rows, upTo, err := l.record.ChangesAfter(ctx, from, limit)
	if err != nil {
		return Changes{}, err
	}
	c := Changes{Next: after, More: len(rows) == mostChanges}
	switch {
	case after == "":
		c.Next = idOf(ledger.Place{At: upTo})
	case len(rows) > 0:
		c.Next = idOf(rows[len(rows)-1].Place)
	}
	sees := map[string]bool{}
	for _, row := range rows {
		may, asked := sees[row.Subject]
		if !asked {
			if may, err = l.seesChange(ctx, r, row.Subject); err != nil {
				return Changes{}, err
			}
			sees[row.Subject] = may
		}
		if may && (!row.Restricted || r.readsRestricted()) {
			c.Items = append(c.Items, changeOf(row))
		}
	}
	return c, nil
}

func changeOf(row ledger.Change) Change {
	c := Change{ID: idOf(row.Place), At: row.At.UTC(), Type: row.Type}
	switch kind, no, _ := strings.Cut(row.Subject, "/"); kind {
	case "customer":
		c.CustomerNo = no
	case "import":
		c.BatchNo = book.BatchNo(no)
	default:
		c.CaseNo, c.State = kam.CaseNo(row.Subject), row.To
	}
	return c
}

// seesChange says whether somebody may know that a subject has changed: who finds
// it in his lists.
func (l *Local) seesChange(ctx context.Context, r reader, subject string) (bool, error) {
	kind, no, other := strings.Cut(subject, "/")
	var err error
	switch {
	case !other && kind == string(accessdb.Organisation.ID):
		return false, nil
	case !other:
		s, found := onboarding.Snapshot{}, error(nil)
		if s, found = l.record.Cases.Case(ctx, kam.CaseNo(subject)); found == nil {
			found = r.mayRead(s, false)
		}
		err = found
	case kind == "import":
		b, found := l.record.Books.Get(ctx, book.BatchNo(no))
		if found == nil {
			found = r.mayReadBatch(b)
		}
		err = found
	case kind == "customer":
		c, found := l.record.Customers.Customer(ctx, no)
		if found == nil {
			found = r.mayReadCustomer(c.OwnerID, c.Territory)
		}
		err = found
	default:
		return false, nil
	}
	if kam.AsError(err) != nil { // he may not, or it is gone
		return false, nil
	}
	return err == nil, err
}

// idOf is a place as text, and placeOf reads it.
func idOf(p ledger.Place) string {
	return fmt.Sprintf("%s_%d_%s", p.At.UTC().Format(time.RFC3339Nano), p.Seq, p.Subject)
}

func placeOf(id string) (p ledger.Place, err error) {
	at, rest, ok := strings.Cut(id, "_")
	seq, subject, more := strings.Cut(rest, "_")
	if p.At, err = time.Parse(time.RFC3339Nano, at); err == nil {
		p.Seq, err = strconv.ParseInt(seq, 10, 64)
	}
	if err != nil || !ok || !more || len(id) > 200 {
		return p, kam.Errorf(kam.Invalid, "this is no place in the changes").On("after").Try("send the id of the last change, or none")
	}
	p.Subject = subject
	return p, nil
}
