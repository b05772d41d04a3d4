package routes

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"iter"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/book"
	"github.com/kamflow/kamflow/kam/customer"
	"github.com/kamflow/kamflow/service"
)

// A Streamer is what goes in row by row. The document is one JSON value a line.
type Streamer interface{ WriteRows(w io.Writer) error }

// NDJSON is the type of such documents.
const NDJSON = "application/x-ndjson"

// Bounds of what is read row by row.
const (
	mostLine = book.MaxBatchRowSize + 64<<10 // bytes
	// rowPatience is how long the next row may take to arrive.
	rowPatience = time.Minute
)

// body is a document that is read row by row; it is the server's half.
type body struct {
	lines *bufio.Reader
	raw   io.Reader
	late  func() // moves the deadline of the connection
	n     int
}

// Resolve finds the document of a request.
func (b *body) Resolve(ctx huma.Context) []error {
	r, w := humago.Unwrap(ctx)
	control := http.NewResponseController(w)
	b.raw = http.MaxBytesReader(w, r.Body, MaxStream)
	b.lines = bufio.NewReaderSize(b.raw, 64<<10)
	b.late = func() { _ = control.SetReadDeadline(time.Now().Add(rowPatience)) } // a recorder of tests has none
	b.late()
	return nil
}

// next reads a line; io.EOF where there is none.
func (b *body) next(into any) error {
	if b.n++; b.n%1000 == 0 {
		b.late()
	}
	var line []byte
	for {
		part, err := b.lines.ReadSlice('\n')
		if line = append(line, part...); len(line) > mostLine {
			return kam.Errorf(kam.Invalid, "line %d is larger than %d bytes", b.n, mostLine).On("body").Try("shorten it")
		}
		if errors.Is(err, bufio.ErrBufferFull) {
			continue
		}
		var over *http.MaxBytesError
		switch {
		case errors.Is(err, io.EOF) && len(bytes.TrimSpace(line)) == 0:
			return io.EOF
		case errors.As(err, &over):
			return kam.Errorf(kam.Invalid, "the document is larger than %d bytes", over.Limit).On("body").Try("split it")
		case err != nil && !errors.Is(err, io.EOF):
			return kam.Errorf(kam.Invalid, "the document ends within line %d: %v", b.n, err).On("body").Try("send it again")
		}
		dec := json.NewDecoder(bytes.NewReader(line))
		dec.DisallowUnknownFields()
		if err := dec.Decode(into); err != nil {
			return kam.Errorf(kam.Invalid, "line %d: %v", b.n, err).On("body")
		}
		return nil
	}
}

// after reads what nobody has asked for, within a bound, so that the answer
// reaches whoever is still sending.
func (b *body) after(err error) error {
	most := int64(64 << 20)
	if err == nil {
		most = MaxStream
	}
	for read := int64(0); read < most; {
		b.late()
		n, drained := io.CopyN(io.Discard, b.lines, 4<<20)
		if read += n; drained != nil {
			break
		}
	}
	return err
}

// BookStream is a customer book: groups, then customers, then facts, then what
// was found in the files, one each line. The last line is the end: a document
// without it was cut off, and nothing of it is kept.
type BookStream struct {
	Key     string    `query:"key" maxLength:"80" doc:"The same key is the same batch"`
	Content string    `query:"content" maxLength:"80" doc:"Digest of all that is uploaded"`
	At      time.Time `query:"at" doc:"When it was read; now, where it is left out"`
	PLOnly  bool      `query:"pl_only" doc:"The book holds nothing but a profit and loss"`
	body
	book service.BatchUpload // the client's half
}

// A BookLine is one line of it; one field is set.
type BookLine struct {
	Group    *BookGroup         `json:"group,omitempty"`
	Customer *BookRow           `json:"customer,omitempty"`
	Fact     *BookFact          `json:"fact,omitempty"`
	Finding  *book.BatchFinding `json:"finding,omitempty"`
	End      bool               `json:"end,omitempty"`
}

// BookRow, BookFact and BookGroup are the rows of a book as they are written.
type (
	BookRow struct {
		No         int                 `json:"no"`
		Line       int                 `json:"line"`
		ReadAs     book.RowOutcome     `json:"read_as"`
		Warned     bool                `json:"warned,omitempty"`
		CustomerNo string              `json:"customer_no"`
		OwnerID    kam.UserID          `json:"owner_id,omitempty"`
		Status     kam.LifecycleStatus `json:"lifecycle_status,omitempty"`
		KAStatus   kam.KAStatus        `json:"ka_status,omitempty"`
		Tier       kam.Tier            `json:"tier,omitempty"`
		Coverage   string              `json:"coverage,omitempty"`
		ReviewDue  *time.Time          `json:"review_due,omitempty"`
		Data       json.RawMessage     `json:"data,omitempty"`
		Contacts   []customer.Contact  `json:"contacts,omitempty"`
	}
	BookFact struct {
		No        int             `json:"no"`
		Account   string          `json:"account_no"`
		Month     time.Time       `json:"month"`
		Family    string          `json:"product_family,omitempty"`
		Currency  string          `json:"currency,omitempty"`
		Net       int64           `json:"net_revenue_minor"`
		Margin    *int64          `json:"gross_margin_minor,omitempty"`
		Orders    int64           `json:"orders,omitempty"`
		LastOrder *time.Time      `json:"last_order_date,omitempty"`
		PLLines   json.RawMessage `json:"pl_lines_minor,omitempty"`
		PLOnly    bool            `json:"pl_only,omitempty"`
	}
	BookGroup struct {
		No   int    `json:"no"`
		ID   string `json:"group_id"`
		Name string `json:"name,omitempty"`
	}
)

// BookOf is a book to be sent.
func BookOf(u service.BatchUpload, plOnly bool) *BookStream {
	return &BookStream{Key: u.Key, Content: u.Content, At: u.At, PLOnly: plOnly, book: u}
}

// WriteRows writes the book. It may be run once, as the book is read once.
func (s *BookStream) WriteRows(w io.Writer) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	for _, g := range s.book.Groups {
		row := BookGroup(g)
		if err := enc.Encode(BookLine{Group: &row}); err != nil {
			return err
		}
	}
	told := func(file string, n int) {
		if s.book.Progress != nil {
			s.book.Progress(file, n)
		}
	}
	err := writeSeq(enc, s.book.Rows, func(r service.BatchRow) BookLine { row := BookRow(r); return BookLine{Customer: &row} },
		func(n int) { told(book.FileCustomers, n) })
	if err == nil {
		err = writeSeq(enc, s.book.Facts, func(f service.BatchFact) BookLine { row := BookFact(f); return BookLine{Fact: &row} },
			func(n int) { told(book.FileSales, n) })
	}
	if err != nil {
		return err
	}
	if s.book.Findings != nil {
		for _, f := range s.book.Findings() {
			if err := enc.Encode(BookLine{Finding: &f}); err != nil {
				return err
			}
		}
	}
	return enc.Encode(BookLine{End: true})
}

func writeSeq[T any](enc *json.Encoder, seq iter.Seq2[T, error], line func(T) BookLine, told func(n int)) error {
	n := 0
	if seq == nil {
		return nil
	}
	for row, err := range seq {
		if err != nil {
			return err
		}
		if err := enc.Encode(line(row)); err != nil {
			return err
		}
		if n++; n%1000 == 0 {
			told(n)
		}
	}
	told(n)
	return nil
}

// upload is the book as the service reads it: while it arrives.
func (s *BookStream) upload() (service.BatchUpload, error) {
	u := service.BatchUpload{Key: s.Key, Content: s.Content, At: s.At}
	if u.At.IsZero() {
		u.At = time.Now().UTC()
	}
	var held *BookLine
	take := func() (BookLine, error) {
		if held != nil {
			line := *held
			held = nil
			return line, nil
		}
		var line BookLine
		err := s.next(&line)
		if errors.Is(err, io.EOF) {
			err = kam.Errorf(kam.Invalid, "the book was cut off: its last line is missing").On("body").Try("send it again")
		}
		return line, err
	}
	for {
		line, err := take()
		if err != nil {
			return u, err
		}
		if line.Group == nil {
			held = &line
			break
		}
		if u.Groups = append(u.Groups, service.BatchGroup(*line.Group)); len(u.Groups) > book.MaxBatchGroups {
			return u, kam.Errorf(kam.Invalid, "has more than %d groups", book.MaxBatchGroups).On(book.FileGroups).Try("split it")
		}
	}
	u.Rows = func(yield func(service.BatchRow, error) bool) {
		for {
			line, err := take()
			if err == nil && line.Customer == nil {
				held = &line
				return
			}
			var row service.BatchRow
			if err == nil {
				row = service.BatchRow(*line.Customer)
			}
			if !yield(row, err) || err != nil {
				return
			}
		}
	}
	var found []book.BatchFinding
	u.Facts = func(yield func(service.BatchFact, error) bool) {
		for {
			line, err := take()
			switch {
			case err != nil:
				yield(service.BatchFact{}, err)
				return
			case line.Fact != nil:
				if !yield(service.BatchFact(*line.Fact), nil) {
					return
				}
			case line.Finding != nil:
				if found = append(found, *line.Finding); len(found) > book.MaxBatchFindings {
					found = found[:book.MaxBatchFindings]
				}
			case line.End:
				return
			default:
				yield(service.BatchFact{}, kam.Errorf(kam.Invalid, "line %d comes in the wrong place: groups, customers, facts, findings, end", s.n).On("body"))
				return
			}
		}
	}
	u.Findings = func() []book.BatchFinding { return found }
	return u, nil
}

// A RowStream is a list of rows with an order.
type RowStream[T any] struct {
	DecisionID string `query:"decision_id" maxLength:"80" doc:"The same id is the same load"`
	Reason     string `query:"reason" maxLength:"4000"`
	body
	list []T // the client's half
}

// CustomerStream and SalesStream are loads.
type (
	CustomerStream struct {
		RowStream[service.BookCustomer]
	}
	SalesStream struct{ RowStream[service.SalesFact] }
)

// CustomersOf and SalesOf are loads to be sent.
func CustomersOf(a service.OrgAct, book []service.BookCustomer) *CustomerStream {
	return &CustomerStream{RowStream[service.BookCustomer]{DecisionID: a.DecisionID, Reason: a.Reason, list: book}}
}

// SalesOf is a load of sales facts to be sent.
func SalesOf(a service.OrgAct, facts []service.SalesFact) *SalesStream {
	return &SalesStream{RowStream[service.SalesFact]{DecisionID: a.DecisionID, Reason: a.Reason, list: facts}}
}

func (s *RowStream[T]) act() service.OrgAct {
	return service.OrgAct{DecisionID: s.DecisionID, Reason: s.Reason}
}

// WriteRows writes the list, with its end.
func (s *RowStream[T]) WriteRows(w io.Writer) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	for i := range s.list {
		if err := enc.Encode(rowLine[T]{Row: &s.list[i]}); err != nil {
			return err
		}
	}
	return enc.Encode(rowLine[T]{End: true})
}

type rowLine[T any] struct {
	Row *T   `json:"row,omitempty"`
	End bool `json:"end,omitempty"`
}

// mostRows bounds a load, which is held in memory.
const mostRows = 2_000_000

// rows reads the list.
func (s *RowStream[T]) rows() ([]T, error) {
	var all []T
	for {
		var line rowLine[T]
		err := s.next(&line)
		switch {
		case errors.Is(err, io.EOF):
			return nil, kam.Errorf(kam.Invalid, "the list was cut off: its last line is missing").On("body").Try("send it again")
		case err != nil:
			return nil, err
		case line.End:
			return all, nil
		case line.Row == nil:
			return nil, kam.Errorf(kam.Invalid, "line %d holds no row", s.n).On("body")
		}
		if all = append(all, *line.Row); len(all) > mostRows {
			return nil, kam.Errorf(kam.Invalid, "has more than %d rows", mostRows).On("body").Try("split it")
		}
	}
}
