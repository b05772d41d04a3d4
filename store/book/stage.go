package book

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/book"
	"github.com/kamflow/kamflow/kam/customer"
	"github.com/kamflow/kamflow/store/internal/pg"
	"github.com/kamflow/kamflow/store/ledger"
)

// An Upload is a customer book as it was read from files. The sequences
// are run through once; an error of theirs refuses the upload, and nothing of
// it is kept.
type Upload struct {
	Key     string // made by the client: the same key is the same batch
	Content string // digest of all that is uploaded
	By      kam.UserID
	At      time.Time
	Rows    iter.Seq2[Row, error]
	Facts   iter.Seq2[Fact, error]
	Groups  []Group
	// Findings are asked for when the sequences have been read.
	Findings func() []book.BatchFinding
	// Progress is told how many rows of a file are staged, where it is there.
	Progress func(file string, rows int)
	// Sign has the upload signed; nil where nothing is.
	Sign ledger.Sign
}

// A Row is one customer of a book. Data are its request data as JSON,
// without contacts.
type Row struct {
	No, Line   int
	ReadAs     book.RowOutcome // READY, REFUSED or SAME
	Warned     bool
	CustomerNo string
	OwnerID    kam.UserID
	Status     kam.LifecycleStatus
	KAStatus   kam.KAStatus
	Tier       kam.Tier
	Coverage   string
	ReviewDue  *time.Time
	Data       json.RawMessage
	Contacts   []customer.Contact
}

// A Fact is a row of the sales file, or with PLOnly one of the profit and
// loss file, in minor units. PLLines is a JSON object, nil where there are
// none.
type Fact struct {
	No        int
	Account   string
	Month     time.Time
	Family    string
	Currency  string
	Net       int64
	Margin    *int64
	Orders    int64
	LastOrder *time.Time
	PLLines   json.RawMessage
	PLOnly    bool
}

// A Group is a row of the file of groups.
type Group struct {
	No   int
	ID   string
	Name string
}

// Upload allots a number under the key and stages what was read, in one
// transaction. The same key with the same content returns the batch as it
// stands, and created is false; with other content it is a kam.IDReused.
func (s *Store) Upload(ctx context.Context, u Upload) (b book.BatchSnapshot, created bool, err error) {
	if u.Key == "" || len(u.Key) > book.MaxBatchKey {
		return b, false, kam.Errorf(kam.Invalid, "a key of 1 to %d characters is needed", book.MaxBatchKey).On("batch_key")
	}
	// No retry: the sequences are read once.
	err = pgx.BeginFunc(ctx, s.pool, func(ptx pgx.Tx) (err error) {
		b, created, err = uploadBatch(ctx, ptx, u)
		return err
	})
	if err != nil && kam.AsError(err) == nil {
		err = fmt.Errorf("stage the batch: %w", pg.Known(err))
	}
	return b, created, err
}

func uploadBatch(ctx context.Context, ptx pgx.Tx, u Upload) (b book.BatchSnapshot, created bool, err error) {
	const insert = `
		insert into kam.import_batch (batch_no, batch_key, content, state, uploader, snapshot, uploaded_at, updated_at)
		values ('B-' || lpad(nextval('kam.batch_number')::text, 6, '0'), $1, $2, $3, $4, '{}', $5, $5)
		on conflict (batch_key) do nothing returning batch_no`
	const find = `select content, snapshot from kam.import_batch where batch_key = $1`

	if _, err := ptx.Exec(ctx, pg.LongStatements); err != nil {
		return b, false, err
	}
	no, ok, err := pg.One(ctx, ptx, "allot a batch", pgx.RowTo[book.BatchNo], insert, u.Key, u.Content, book.BatchUploaded, u.By, u.At)
	if err != nil {
		return b, false, err
	}
	if !ok {
		var content string
		if err := ptx.QueryRow(ctx, find, u.Key).Scan(&content, &b); err != nil {
			return b, false, err
		}
		if content != u.Content {
			return b, false, kam.Errorf(kam.IDReused, "key %s stands for batch %s, with other content", pg.Clip(u.Key, 40), b.No).On("batch_key").
				Try("give other files another key")
		}
		return b, false, nil
	}
	e := ledger.Effect{Subject: Of(no), Key: "upload", Digest: u.Content, At: u.At, By: u.By, Sign: u.Sign} // what is refused leaves nothing
	err = ledger.DoIn(ctx, ptx, e, func(entry *ledger.Entry) ledger.Keeper {
		return ledger.Simple(entry, func(entry *ledger.Entry) (any, error) {
			b, err = uploaded(entry, no, u)
			return no, err
		})
	})
	return b, true, err
}

// uploaded stages what was read and writes the batch.
func uploaded(tx *ledger.Entry, no book.BatchNo, u Upload) (b book.BatchSnapshot, err error) {
	counts, err := stageBatch(tx.Context(), tx.SQL(), no, u)
	if err != nil {
		return b, err
	}
	b = book.BatchSnapshot{No: no, State: book.BatchUploaded, Version: 1, Uploader: u.By, Content: u.Content, Counts: counts, UploadedAt: u.At.UTC(), UpdatedAt: u.At.UTC()}
	tx.Log(kam.AuditEvent{
		Type: book.EventBatchUploaded, Actor: u.By, To: string(book.BatchUploaded), PayloadDigest: u.Content,
		Text: kam.Note("%d customers, %d rows of sales and P&L, %d groups", counts.Rows, counts.Facts, counts.Groups),
	})
	queueBatch(tx, b)
	return b, nil
}

// stageBatch copies what was uploaded into the staging tables.
func stageBatch(ctx context.Context, tx pgx.Tx, no book.BatchNo, u Upload) (n book.BatchCounts, err error) {
	var people []contactRow
	n.Rows, err = copySeq(ctx, tx, u, book.FileCustomers, "batch_row",
		[]string{"batch_no", "row_no", "line", "read_as", "warned", "customer_no", "owner", "status", "ka_status", "tier", "coverage", "review_due", "contacts", "data"},
		u.Rows, book.MaxBatchRows, func(r Row) []any {
			for i, c := range r.Contacts {
				people = append(people, contactRow{stagedContact(no, r.No), i, c})
			}
			return []any{no, r.No, r.Line, r.ReadAs, r.Warned, r.CustomerNo, r.OwnerID, r.Status, r.KAStatus, r.Tier, r.Coverage, r.ReviewDue, len(r.Contacts), r.Data}
		})
	if err != nil {
		return n, err
	}
	if _, err := tx.CopyFrom(ctx, pgx.Identifier{"kam", "contact"}, []string{"owner", "position", "contact"},
		pgx.CopyFromSlice(len(people), func(i int) ([]any, error) { return []any{people[i].owner, people[i].position, people[i].contact}, nil })); err != nil {
		return n, err
	}
	n.Facts, err = copySeq(ctx, tx, u, book.FileSales, "batch_sales",
		[]string{"batch_no", "row_no", "account_no", "month", "product_family", "currency", "net_revenue", "gross_margin", "orders", "last_order_date", "pl_lines", "pl_only"},
		u.Facts, book.MaxBatchFacts, func(f Fact) []any {
			return []any{no, f.No, f.Account, f.Month, f.Family, f.Currency, f.Net, f.Margin, f.Orders, f.LastOrder, f.PLLines, f.PLOnly}
		})
	if err != nil {
		return n, err
	}
	n.Groups = len(u.Groups)
	if n.Groups > book.MaxBatchGroups {
		return n, kam.Errorf(kam.Invalid, "has more than %d groups", book.MaxBatchGroups).On(book.FileGroups).Try("split it")
	}
	if _, err := tx.CopyFrom(ctx, pgx.Identifier{"kam", "batch_group"}, []string{"batch_no", "row_no", "group_id", "name"},
		pgx.CopyFromSlice(n.Groups, func(i int) ([]any, error) { g := u.Groups[i]; return []any{no, g.No, g.ID, g.Name}, nil })); err != nil {
		return n, err
	}
	if u.Findings == nil {
		return n, nil
	}
	return n, copyFindings(ctx, tx, no, 0, u.Findings())
}

type contactRow struct {
	owner    string
	position int
	contact  customer.Contact
}

// stagedContact is the owner of the contacts of a row that is not applied yet.
func stagedContact(no book.BatchNo, row int) string { return fmt.Sprintf("%s/%d", no.Subject(), row) }

// copySeq copies a sequence into a staging table, with a bound on its rows.
func copySeq[T any](ctx context.Context, tx pgx.Tx, u Upload, file, table string, columns []string, seq iter.Seq2[T, error], most int, row func(T) []any) (int, error) {
	if seq == nil {
		return 0, nil
	}
	next, stop := readAhead(seq)
	defer stop()
	n := 0
	_, err := tx.CopyFrom(ctx, pgx.Identifier{"kam", table}, columns, pgx.CopyFromFunc(func() ([]any, error) {
		v, err, ok := next()
		if !ok || err != nil {
			return nil, err
		}
		if n++; n > most {
			return nil, kam.Errorf(kam.Invalid, "has more than %d rows", most).On(file).Try("split it")
		}
		if u.Progress != nil && n%1000 == 0 {
			u.Progress(file, n)
		}
		return row(v), nil
	}))
	if u.Progress != nil {
		u.Progress(file, n)
	}
	return n, err
}

// readAhead runs a sequence in a goroutine of its own, some blocks ahead of
// whoever takes the values: reading a file and sending it keep one processor
// busy each. next is as that of [iter.Pull2]; stop waits until the sequence
// has ended, and must be called.
func readAhead[T any](seq iter.Seq2[T, error]) (next func() (T, error, bool), stop func()) {
	const block, blocks = 500, 4
	type pair struct {
		v   T
		err error
	}
	full, quit := make(chan []pair, blocks), make(chan struct{})
	go func() {
		defer close(full)
		some := make([]pair, 0, block)
		send := func() bool {
			select {
			case full <- some:
				some = make([]pair, 0, block)
				return true
			case <-quit:
				return false
			}
		}
		for v, err := range seq {
			if some = append(some, pair{v, err}); len(some) == block && !send() {
				return
			}
		}
		if len(some) > 0 {
			send()
		}
	}()
	var now []pair
	next = func() (v T, err error, ok bool) {
		if len(now) == 0 {
			if now, ok = <-full; !ok {
				return v, nil, false
			}
		}
		p := now[0]
		now = now[1:]
		return p.v, p.err, true
	}
	stop = func() {
		close(quit)
		for range full { //nolint:revive // until the sequence has ended
		}
	}
	return next, stop
}

// copyFindings writes findings; the number of the first tells those of the
// upload from those of the check. More than the bound are cut off: the counts
// of the batch are of all.
func copyFindings(ctx context.Context, tx pgx.Tx, no book.BatchNo, first int, all []book.BatchFinding) error {
	all = all[:min(len(all), book.MaxBatchFindings)]
	_, err := tx.CopyFrom(ctx, pgx.Identifier{"kam", "batch_finding"}, []string{"batch_no", "n", "severity", "finding"},
		pgx.CopyFromSlice(len(all), func(i int) ([]any, error) { return []any{no, first + i, all[i].Severity, all[i]}, nil }))
	return err
}

// Unstage removes what was uploaded once the batch has ended: customers and
// contacts are in their own tables then, or nowhere. Outcomes, findings and
// proposals stay. Where no other batch is staged, or being staged, the tables
// are emptied as a whole, which leaves nothing for the vacuum.
func (tx *Tx) Unstage() error {
	const (
		lock   = `lock table kam.batch_row, kam.batch_sales, kam.batch_group, kam.batch_party in access exclusive mode nowait`
		others = `select exists (select from kam.import_batch where batch_no <> $1 and state not in ('APPLIED', 'CANCELLED'))`
		empty  = `truncate kam.batch_row, kam.batch_sales, kam.batch_group, kam.batch_party`
	)
	var b pgx.Batch
	b.Queue(`delete from kam.contact where owner in (select $2 || '/' || row_no from kam.batch_row where batch_no = $1 and contacts > 0)`, tx.Batch.No, tx.Batch.No.Subject())
	if err := pg.Send(tx.ctx, tx.tx, "remove the contacts that were staged", &b); err != nil {
		return err
	}
	free := true
	err := pgx.BeginFunc(tx.ctx, tx.tx, func(inner pgx.Tx) error { // a savepoint
		_, err := inner.Exec(tx.ctx, lock)
		return err
	})
	if pg.Busy(err) {
		free, err = false, nil
	}
	if err != nil {
		return fmt.Errorf("remove what was staged: %w", err)
	}
	if free {
		more, _, err := pg.One(tx.ctx, tx.tx, "look for other batches", pgx.RowTo[bool], others, tx.Batch.No)
		if err != nil {
			return err
		}
		if !more {
			_, err := pg.Exec(tx.ctx, tx.tx, "empty what was staged", empty)
			return err
		}
	}
	b = pgx.Batch{}
	for _, table := range []string{"batch_row", "batch_sales", "batch_group", "batch_party"} {
		b.Queue(`delete from kam.`+table+` where batch_no = $1`, tx.Batch.No)
	}
	return pg.Send(tx.ctx, tx.tx, "remove what was staged", &b)
}
