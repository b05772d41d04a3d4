package acceptance

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/kamflow/kamflow/internal/importer"
	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/book"
	"github.com/kamflow/kamflow/kam/signed/signedtest"
	accessdb "github.com/kamflow/kamflow/store/access"
	"github.com/kamflow/kamflow/store/storetest"
)

// TestAC45_BookOfTenThousand: row findings, one confirmation per scope, ABC on
// the whole book; and the same file again changes nothing.
func TestAC45_BookOfTenThousand(t *testing.T) {
	t.Parallel()
	const n = 10_000
	w := newBookWorld(t)
	text := inventBook(n, 12)
	// Twelve more rows, each wrong in its own way.
	bad := strings.Split(strings.TrimSpace(inventBook(12, 0).customers), "\n")[1:]
	for i, change := range []func(f []string){
		func(f []string) { f[0] = "" },
		func(f []string) { f[0] = "K000001" }, // of another row
		func(f []string) { f[7] = "LEI:52990000000000000000" },
		func(f []string) { f[19] = "DE-X" },
		func(f []string) { f[20] = "nobody" },
		func(f []string) { f[14] = "VERY" },
		func(f []string) { f[12] = `"1.234,56"` },
		func(f []string) { f[3] = "ZZ" },
		func(f []string) { f[18] = "GR999999" },
		func(f []string) { f[21], f[22] = "KA", "" },
		func(f []string) { f[1] = "" },
		func(f []string) { f[7] = "LEI:" + lei(4) }, // of another row, at no known address
	} {
		f := strings.Split(bad[i], ",")
		f[0], f[7] = fmt.Sprintf("BAD%02d", i), ""
		change(f)
		if i == 11 {
			other := strings.Split(strings.Split(text.customers, "\n")[5], ",")
			copy(f[3:7], other[3:7]) // the same address too
			f[19] = other[19]
		}
		text.customers += strings.Join(f, ",") + "\n"
	}
	text.sales += "BAD03,2026-01,EUR,10,,,\nUNKNOWN-1,2026-01,EUR,10,,,\nK000001,2026-13,EUR,10,,,\nK000001,2026-01,EUR,10,,,\nK000002,2025-01,USD,10,,,\n"

	first := w.upload(text.open(t), "book-2026", "stew.one")
	require.Equal(t, book.BatchNo("B-000001"), first.No)
	p := w.play(first.No)
	p.asks(1*hour, "AT: nora.national", "DE: nadja.national")
	p.at(1*hour, func(b book.BatchSnapshot) {
		if b.Counts.Ready != n || b.Counts.Refused != 12 || b.Scope("DE").Counts.Ready+b.Scope("AT").Counts.Ready != n {
			p.faults = append(p.faults, fmt.Sprintf("counts %+v, scopes %+v", b.Counts, b.Scopes))
		}
	})
	p.confirms(2*hour, kam.Forbidden, "rolf.regional", "DE")
	p.confirms(2*hour, kam.Forbidden, "nora.national", "DE")
	p.sends(2*hour, kam.StaleRevision, book.UpdateConfirmBatch, book.BatchAct{By: "nadja.national", Scope: "DE", Digest: "of yesterday"})
	p.confirms(3*hour, "", "nora.national", "AT")
	p.asks(4*hour, "DE: nadja.national")
	p.confirms(5*hour, kam.AlreadyDecided, "gina.global", "AT")
	p.confirms(6*hour, "", "nadja.national", "DE")
	end := p.run()
	require.Equal(t, book.BatchApplied, end.State)
	require.Equal(t, n, end.Result.Created)
	require.Equal(t, 12*n+n/10, end.Result.Facts)
	require.Equal(t, n, end.Result.Segmented)
	require.Equal(t, n/500, end.Result.KeyAccounts)
	require.Zero(t, end.Result.Left)
	require.Zero(t, one[int](w, `select count(*) from kam.cases`), "no case per row")
	require.Equal(t, 2, p.count(book.EventBatchConfirmed))
	require.Equal(t, 3, p.count(book.EventBatchApplied))

	t.Run("row findings", func(t *testing.T) {
		all, err := w.db.Books.Findings(t.Context(), first.No, 0)
		require.NoError(t, err)
		got := map[int][]string{}
		facts, said := map[string]string{}, map[string]string{}
		for _, f := range all {
			if f.Severity != kam.SeverityError {
				continue
			}
			require.NotEmpty(t, f.Remedy, f)
			if f.File == book.FileCustomers {
				got[f.Row] = append(got[f.Row], f.Column+" "+f.Rule)
			} else {
				facts[f.Column] += f.File + " " + f.Rule + ";"
				said[f.Key] += f.Message
			}
		}
		want := []string{"customer_no IB01", "customer_no IB02", "identifiers VI02", "territory_code IB03", "owner_id IB04", "strategic_fit VF02", "declared_potential VF02",
			"country_code VA01", "group_id IB05", "tier IB08", "legal_name VF01", "identifiers[0] DUPLICATE_IDENTIFIER"}
		for i, w := range want {
			require.Contains(t, got[n+1+i], w, "row %d: %v", n+1+i, got[n+1+i])
		}
		require.Len(t, got, 12)
		require.Equal(t, map[string]string{"account_no": "sales IB06;sales IB06;sales IB02;", "month": "sales IB09;", "currency": "sales IB10;"}, facts)
		require.Equal(t, fmt.Sprintf("its customer is refused, row %d (line %d) of customers: 1 row left out", n+4, n+5), said["BAD03"])
		require.Equal(t, "no customer has this account: 1 row left out", said["UNKNOWN-1"])
	})
	t.Run("ABC on the whole book", func(t *testing.T) {
		require.Equal(t, n, one[int](w, `select count(*) from kam.abc_row`))
		// A is what brings the first 80% of the revenue, counted before each.
		const wrong = `
			with f as (select customer_no, revenue, sum(revenue) over (order by revenue desc, customer_no) - revenue as before, sum(revenue) over () as total from kam.abc_row where revenue > 0)
			select count(*) from f join kam.customer c using (customer_no)
			where c.segment ->> 'abc_class' <> case when before < 0.8 * total then 'A' when before < 0.95 * total then 'B' else 'C' end`
		require.Zero(t, one[int](w, wrong))
		require.Zero(t, one[int](w, `select count(*) from kam.customer where segment is null or segment ->> 'quadrant' = '' or ka_status <> 'KA' and coverage = ''`))
		require.Zero(t, one[int](w, `select count(*) from kam.customer where (ka_status = 'KA') <> (tier <> '')`))
		require.Equal(t, n/500, one[int](w, `select count(*) from kam.customer where ka_status = 'KA'`), "nobody becomes a key account by himself")
		proposals, err := w.db.Books.Proposals(t.Context(), first.No)
		require.NoError(t, err)
		require.Len(t, proposals, end.Result.Nominees+end.Result.Proposals)
		require.NotZero(t, end.Result.Nominees)
		require.Equal(t, end.Result.Nominees+end.Result.Proposals, one[int](w, `select count(*) from kam.batch_proposal`))
	})
	t.Run("again", func(t *testing.T) {
		b, created, err := w.db.Books.Upload(t.Context(), text.open(t).Upload("book-2026", "stew.one", monday))
		require.NoError(t, err)
		require.False(t, created)
		require.Equal(t, end, b, "the same files under the same key are the same batch")
		_, _, err = w.db.Books.Upload(t.Context(), inventBook(1, 1).open(t).Upload("book-2026", "stew.one", monday))
		require.ErrorIs(t, err, kam.IDReused)

		before := w.fingerprints()
		again := w.upload(text.open(t), "book-2026-again", "stew.one")
		p := w.play(again.No)
		p.confirms(1*hour, "", "nora.national", "AT").confirms(1*hour, "", "nadja.national", "DE")
		end := p.run()
		require.Equal(t, book.BatchApplied, end.State)
		require.Equal(t, book.BatchResult{Unchanged: n, FactsSame: 12*n + n/10, Segmented: n, Nominees: end.Result.Nominees, Proposals: end.Result.Proposals, ABC: end.Result.ABC}, end.Result)
		require.Equal(t, before, w.fingerprints(), "the same file again changes nothing")
	})
}

// small is a book of a few customers, half of them in each country.
func small(n int) bookText { return inventBook(n, 3) }

func (w *bookWorld) smallBatch(n int, by kam.UserID) (book.BatchSnapshot, *importer.Book) {
	w.t.Helper()
	b := small(n).open(w.t)
	return w.upload(b, "small", by), b
}

func TestBookUploaderMayNotConfirm(t *testing.T) {
	t.Parallel()
	w := newBookWorld(t, func(o *accessdb.Org) {
		for i := range o.Users {
			if o.Users[i].ID == "nadja.national" {
				o.Users[i].Roles = append(o.Users[i].Roles, kam.DataSteward)
			}
		}
	})
	b, _ := w.smallBatch(8, "nadja.national")
	p := w.play(b.No)
	p.asks(1*hour, "AT: nora.national", "DE: gina.global") // the next one up
	p.confirms(2*hour, kam.Separation, "nadja.national", "DE")
	p.confirms(3*hour, "", "gina.global", "DE")
	p.confirms(3*hour, "", "nora.national", "AT")
	require.Equal(t, book.BatchApplied, p.run().State)
}

func TestBookNeedsARightToUpload(t *testing.T) {
	t.Parallel()
	w := newBookWorld(t)
	b, _ := w.smallBatch(4, "rep.south") // past the client
	end := w.play(b.No).run()
	require.Equal(t, book.BatchCancelled, end.State)
	require.Contains(t, end.Reason, "may not")
	require.Zero(t, one[int](w, `select count(*) from kam.customer`))
}

func TestBookRefusalsOfTheTransactionAreAudited(t *testing.T) {
	t.Parallel()
	w := newBookWorld(t)
	b, _ := w.smallBatch(4, "stew.one")
	p := w.play(b.No)
	p.confirms(1*hour, kam.Forbidden, "rep.south", "DE")
	p.confirms(1*hour, kam.Forbidden, "who.knows", "DE")
	p.sends(2*hour, "", book.UpdateCancelBatch, book.BatchAct{By: "stew.one", Reason: "the wrong file"})
	end := p.run()
	require.Equal(t, book.BatchCancelled, end.State)
	require.Equal(t, "the wrong file", end.Reason)
	require.Equal(t, 2, p.count(kam.EventDecisionRefused))
	// What the validator refuses leaves its trace through the client, once.
	refusal := kam.Errorf(kam.Separation, "stew.one uploaded the batch")
	act := signedtest.Batch(b.No, book.UpdateConfirmBatch, book.BatchAct{DecisionID: "decision-1", By: "stew.one", Scope: "DE", Digest: b.Digest}, monday)
	for range 2 {
		require.NoError(t, w.db.Books.Refuse(t.Context(), b.No, act, refusal, monday))
	}
	require.Equal(t, 3, p.count(kam.EventDecisionRefused))
}

func TestBookCancelIsForUploaderAndPolicyAdmin(t *testing.T) {
	t.Parallel()
	w := newBookWorld(t)
	b, _ := w.smallBatch(4, "stew.one")
	p := w.play(b.No)
	p.sends(1*hour, kam.Forbidden, book.UpdateCancelBatch, book.BatchAct{By: "nadja.national", Reason: "not mine"})
	p.sends(1*hour, kam.ReasonNeeded, book.UpdateCancelBatch, book.BatchAct{By: "stew.one"})
	p.sends(2*hour, "", book.UpdateCancelBatch, book.BatchAct{By: "pol.admin", Reason: "not this year"})
	require.Equal(t, book.BatchCancelled, p.run().State)
	require.Zero(t, one[int](w, `select count(*) from kam.customer`))
}

// TestBookSilenceNeverConfirms: reminder after a day, the next level after two,
// daily at the top, and after 30 business days the batch is over.
func TestBookSilenceNeverConfirms(t *testing.T) {
	t.Parallel()
	w := newBookWorld(t)
	b, _ := w.smallBatch(4, "stew.one")
	p := w.play(b.No)
	p.confirms(1*hour, "", "nora.national", "AT")
	p.asks(2*hour, "DE: nadja.national")
	p.asks(2*day+hour, "DE: nadja.national gina.global")
	end := p.run()
	require.Equal(t, book.BatchCancelled, end.State)
	require.Equal(t, "DE was not confirmed in time", end.Reason)
	require.GreaterOrEqual(t, p.count(kam.EventTaskReminded), 2)
	require.GreaterOrEqual(t, p.count(kam.EventTaskEscalated), 2)
	trail := p.trail()
	require.Equal(t, book.EventBatchExpired, trail[len(trail)-1].Type)
	require.Equal(t, "2026-04-10T15:00:00Z", trail[len(trail)-1].At.UTC().Format(time.RFC3339))
	require.Zero(t, one[int](w, `select count(*) from kam.customer`))
}

// TestBookLeaversAreReplaced: the scopes of those who have left wait for the
// next one above them, others keep theirs, and the deadlines that follow keep it
// so.
func TestBookLeaversAreReplaced(t *testing.T) {
	t.Parallel()
	w := newBookWorld(t)
	b, _ := w.smallBatch(4, "stew.one")
	p := w.play(b.No)
	p.asks(2*day+hour, "AT: nora.national gina.global", "DE: nadja.national gina.global")
	p.at(2*day+2*hour, func(book.BatchSnapshot) {
		o := org()
		left("nadja.national", "nora.national")(&o) // above nadja is the global manager, who has the task already
		for i := range o.Users {
			if o.Users[i].ID == "nora.national" {
				o.Users[i].ManagerID = "rita.regional"
			}
		}
		require.NoError(t, storetest.LoadOrg(t.Context(), w.db, o))
		moved, err := w.db.Access.MoveLeaversTasks(t.Context(), "first")
		require.NoError(t, err)
		require.Equal(t, 2, moved)
	})
	for _, after := range []time.Duration{2*day + 3*hour, 4*day + 3*hour} {
		p.asks(after, "AT: rita.regional gina.global", "DE: gina.global")
	}
	require.Equal(t, book.BatchCancelled, p.run().State)
}

// TestBookTwoManagersAtOnce: both may confirm the scope; one of them does.
func TestBookTwoManagersAtOnce(t *testing.T) {
	t.Parallel()
	w := newBookWorld(t)
	b, _ := w.smallBatch(8, "stew.one")
	a := working(w.db).Imports()
	checked, err := a.Check(t.Context(), book.BatchStep{No: b.No, Now: monday})
	require.NoError(t, err)
	var wg sync.WaitGroup
	got := make([]book.BatchProgress, 8)
	for i := range got {
		wg.Go(func() {
			by := kam.UserID("nadja.national")
			if i%2 == 1 {
				by = "gina.global"
			}
			act := signedtest.Batch(b.No, book.UpdateConfirmBatch, book.BatchAct{DecisionID: fmt.Sprintf("decision-%d", i), By: by, Scope: "DE", Digest: checked.Batch.Digest}, monday)
			p, err := a.Confirm(context.Background(), book.BatchStep{No: b.No, Now: monday, Act: &act})
			if err != nil {
				t.Error(err)
			}
			got[i] = p
		})
	}
	wg.Wait()
	confirmed := 0
	for _, p := range got {
		if p.Refused == nil {
			confirmed++
			continue
		}
		require.Equal(t, kam.AlreadyDecided, p.Refused.Code)
	}
	require.Equal(t, 1, confirmed)
	trail, err := w.db.TrailOf(t.Context(), b.No.Subject())
	require.NoError(t, err)
	_, why, ok := kam.VerifyChain(trail)
	require.True(t, ok, why)
}

// TestBookCrashBetweenPhases: whichever phase was the last that was committed,
// the next run goes on from there, and the outcome is that of one run.
func TestBookCrashBetweenPhases(t *testing.T) {
	t.Parallel()
	var want map[string]string
	var result book.BatchResult
	for cut := range len(book.BatchPhases) + 1 {
		w := newBookWorld(t)
		b, _ := w.smallBatch(60, "stew.one")
		a := working(w.db).Imports()
		step := book.BatchStep{No: b.No, Now: monday}
		checked, err := a.Check(t.Context(), step)
		require.NoError(t, err)
		early, err := a.Apply(t.Context(), step)
		require.NoError(t, err)
		require.Equal(t, book.BatchChecked, early.Batch.State, "not confirmed: nothing is applied")
		for scope, by := range map[string]kam.UserID{"DE": "nadja.national", "AT": "nora.national"} {
			act := signedtest.Batch(b.No, book.UpdateConfirmBatch, book.BatchAct{DecisionID: "decision-" + scope, By: by, Scope: scope, Digest: checked.Batch.Digest}, monday)
			for range 2 { // sent twice: one act
				p, err := a.Confirm(t.Context(), book.BatchStep{No: b.No, Now: monday, Act: &act})
				require.NoError(t, err)
				require.Nil(t, p.Refused)
			}
		}
		for _, phase := range book.BatchPhases[:cut] {
			for range 2 { // committed, and the answer lost
				_, err := a.ApplyPhase(t.Context(), step, phase)
				require.NoError(t, err)
			}
		}
		if cut > 0 && cut < len(book.BatchPhases) {
			act := signedtest.Batch(b.No, book.UpdateCancelBatch, book.BatchAct{DecisionID: "decision-stop", By: "stew.one", Reason: "too late"}, monday)
			p, err := a.Cancel(t.Context(), book.BatchStep{No: b.No, Now: monday, Act: &act})
			require.NoError(t, err)
			require.Equal(t, kam.TooLate, p.Refused.Code)
		}
		// Another worker, which knows nothing of the first.
		done, err := working(w.db).Imports().Apply(t.Context(), step)
		require.NoError(t, err)
		require.Equal(t, book.BatchApplied, done.Batch.State)
		trail, err := w.db.TrailOf(t.Context(), b.No.Subject())
		require.NoError(t, err)
		applied := 0
		for _, e := range trail {
			if e.Type == book.EventBatchApplied {
				applied++
			}
		}
		require.Equal(t, 3, applied, "each phase once")
		prints := w.fingerprints()
		if cut == 0 {
			want, result = prints, done.Batch.Result
		}
		require.Equal(t, want, prints, "cut after %d phases", cut)
		require.Equal(t, result, done.Batch.Result)
	}
}

// TestBookLeavesOpenCasesAlone: a customer in an open case is not overwritten,
// and the row says so.
func TestBookLeavesOpenCasesAlone(t *testing.T) {
	t.Parallel()
	w := newBookWorld(t)
	b, _ := w.smallBatch(8, "stew.one")
	p := w.play(b.No)
	p.confirms(1*hour, "", "nora.national", "AT").confirms(1*hour, "", "nadja.national", "DE")
	p.run()

	_, err := w.sql.Exec(t.Context(), `
		insert into kam.cases (case_no, request_key, request_digest, opening, snapshot, state, case_type, requester, customer_no, updated_at)
		values ('KAM-2026-000001', 'k', 'd', '{}', '{}', 'DATA_ENTRY', 'MODIFY', 'rep.south', 'K000003', now())`)
	require.NoError(t, err)
	text := small(8)
	text.customers = strings.ReplaceAll(text.customers, "Musterwerk", "Musterhaus")
	again := w.upload(text.open(t), "renamed", "stew.one")
	p = w.play(again.No)
	p.confirms(1*hour, "", "nora.national", "AT").confirms(1*hour, "", "nadja.national", "DE")
	end := p.run()
	require.Equal(t, 7, end.Result.Updated)
	require.Equal(t, 1, end.Result.Skipped)
	require.Equal(t, "Musterwerk 000003 GmbH", one[string](w, `select name from kam.customer where customer_no = 'K000003'`))
	require.Equal(t, "Musterhaus 000004 GmbH", one[string](w, `select name from kam.customer where customer_no = 'K000004'`))
	require.Equal(t, 2, one[int](w, `select version from kam.customer where customer_no = 'K000004'`))
	require.Equal(t, 1, one[int](w, `select count(*) from kam.party where ref = 'K000004' and 'name:DE:must' = any (keys)`)+one[int](w, `select count(*) from kam.party where ref = 'K000004' and 'name:AT:must' = any (keys)`))
	all, err := w.db.Books.Outcomes(t.Context(), again.No)
	require.NoError(t, err)
	require.Equal(t, book.RowSkipped, all[3].Outcome)
	found, err := w.db.Books.Findings(t.Context(), again.No, 0)
	require.NoError(t, err)
	require.Contains(t, fmt.Sprint(found), "is in an open case")
}

// TestBookKeepsWhatItDoesNotSay: columns that a later file lacks stay.
func TestBookKeepsWhatItDoesNotSay(t *testing.T) {
	t.Parallel()
	w := newBookWorld(t)
	b, _ := w.smallBatch(8, "stew.one")
	p := w.play(b.No)
	p.confirms(1*hour, "", "nora.national", "AT").confirms(1*hour, "", "nadja.national", "DE")
	p.run()
	before, err := w.db.Customers.Customer(t.Context(), "K000001")
	require.NoError(t, err)

	short := bookText{customers: "customer_no,legal_name,country_code,credit_rating\nK000001,Musterwerk 000001 GmbH,DE,D\n"}
	again := w.upload(short.open(t), "short", "stew.one")
	p = w.play(again.No)
	p.confirms(1*hour, "", "nadja.national", "DE")
	require.Equal(t, 1, p.run().Result.Updated)
	after, err := w.db.Customers.Customer(t.Context(), "K000001")
	require.NoError(t, err)
	require.Equal(t, kam.CreditD, after.Data.CreditRating)
	before.Data.CreditRating = kam.CreditD
	require.Equal(t, before.Data, after.Data)
	require.Equal(t, before.Territory, after.Territory)
	require.Equal(t, before.OwnerID, after.OwnerID)
	require.Equal(t, len(before.Data.Identifiers), one[int](w, `select count(*) from kam.customer_identifier where customer_no = 'K000001'`))
}

// TestBookStandingIsTakenOverOnceAndNeverChanged: what the book says of a key
// account is a fact when it comes in; later books only propose.
func TestBookStandingIsTakenOverOnceAndNeverChanged(t *testing.T) {
	t.Parallel()
	w := newBookWorld(t)
	head := "customer_no,legal_name,country_code,territory_code,group_id,ka_status,tier\n"
	run := func(key, rows string) book.BatchSnapshot {
		b := w.upload(bookText{customers: head + rows, groups: "group_id,name\nNORD,Nordverbund\n"}.open(t), key, "stew.one")
		p := w.play(b.No)
		p.confirms(1*hour, "", "nadja.national", "DE")
		return p.run()
	}
	end := run("one", "A-1,Werk Eins GmbH,DE,DE-N-01,NORD,KA,REGIONAL\nA-2,Werk Zwei GmbH,DE,DE-S-02,NORD,KA,REGIONAL\n")
	require.Equal(t, 1, end.Result.KeyAccounts)
	require.Equal(t, "REGIONAL DE-N", one[string](w, `select tier || ' ' || home_node from kam.key_account`))
	end = run("two", "A-1,Werk Eins GmbH,DE,DE-N-01,NORD,KA,GLOBAL\nA-3,Werk Drei GmbH,DE,DE-N-02,NORD,,\n")
	require.Zero(t, end.Result.KeyAccounts)
	require.Equal(t, 1, end.Result.Created)
	require.Equal(t, 3, one[int](w, `select count(*) from kam.key_account_member`), "a new site joins its group's account")
	require.Equal(t, 3, one[int](w, `select count(*) from kam.customer where ka_status = 'KA' and tier = 'REGIONAL'`))
	found, err := w.db.Books.Findings(t.Context(), end.No, 0)
	require.NoError(t, err)
	require.Contains(t, fmt.Sprint(found), "is a REGIONAL key account: the import does not change that")
	proposals, err := w.db.Books.Proposals(t.Context(), end.No)
	require.NoError(t, err)
	require.Len(t, proposals, 1)
	require.Equal(t, kam.TierRegional, proposals[0].Tier)
	require.Equal(t, "Nordverbund", proposals[0].Name)
}

// TestBookOfProfitAndLossOnly is what a finance controller may upload.
func TestBookOfProfitAndLossOnly(t *testing.T) {
	t.Parallel()
	w := newBookWorld(t, func(o *accessdb.Org) {
		o.Users = append(o.Users, accessdb.User{ID: "fin.one", Name: "fin.one", Roles: []kam.Role{kam.FinanceController}, Nodes: []string{"GLOBAL"}})
	})
	b, _ := w.smallBatch(8, "stew.one")
	p := w.play(b.No)
	p.confirms(1*hour, "", "nora.national", "AT").confirms(1*hour, "", "nadja.national", "DE")
	p.run()

	pl := func() *importer.Book {
		book, err := importer.OpenBook(importer.BookFiles{PL: strings.NewReader("account_no,month,currency,rebates\nK000001,2026-02,EUR,12.34\nK000404,2026-02,EUR,1\n")}, importer.ReadOptions{})
		require.NoError(t, err)
		require.True(t, book.PLOnly())
		return book
	}
	b = w.upload(pl(), "pl", "fin.one")
	p = w.play(b.No)
	p.asks(1*hour, "DE: nadja.national")
	p.confirms(2*hour, "", "nadja.national", "DE")
	end := p.run()
	require.Equal(t, 1, end.Result.Facts)
	require.Equal(t, `{"rebates": 1234}`, one[string](w, `select pl_lines::text from kam.sales_fact where account_no = 'K000001' and month = '2026-02-01'`))
	customers := w.upload(bookText{customers: "customer_no,legal_name,country_code\nX-1,X,DE\n"}.open(t), "customers", "fin.one")
	require.Equal(t, book.BatchCancelled, w.play(customers.No).run().State)
}

// TestBookTakesAwayItsOwnOnly: what was staged goes when a batch ends, and what
// others have staged, or are staging, stays.
func TestBookTakesAwayItsOwnOnly(t *testing.T) {
	t.Parallel()
	w := newBookWorld(t)
	a, _ := w.smallBatch(4, "stew.one")
	b := w.upload(small(6).open(t), "other", "stew.one")
	staged := func() string {
		return one[string](w, `
			select (select count(*) from kam.batch_row) || ' ' || (select count(*) from kam.batch_sales) || ' '
				|| (select count(*) from kam.batch_group) || ' ' || (select count(*) from kam.contact where owner like 'import/%')`)
	}
	cancel := func(no book.BatchNo) {
		p := w.play(no)
		p.sends(1*hour, "", book.UpdateCancelBatch, book.BatchAct{By: "stew.one", Reason: "the wrong file"})
		require.Equal(t, book.BatchCancelled, p.run().State)
	}
	require.Equal(t, "10 32 5 10", staged())
	cancel(a.No)
	require.Equal(t, "6 19 3 6", staged(), "another batch waits")

	c := w.upload(small(4).open(t), "third", "stew.one")
	cancel(b.No)
	require.Equal(t, "4 13 2 4", staged())
	tx, err := w.sql.Begin(t.Context())
	require.NoError(t, err)
	_, err = tx.Exec(t.Context(), `lock table kam.batch_sales in row exclusive mode`) // somebody uploads
	require.NoError(t, err)
	cancel(c.No)
	require.NoError(t, tx.Commit(t.Context()))
	require.Equal(t, "0 0 0 0", staged())
}

// TestBookThatNobodyMayConfirm: the policy admins are told at once and every
// day, and nothing is confirmed.
func TestBookThatNobodyMayConfirm(t *testing.T) {
	t.Parallel()
	w := newBookWorld(t, func(o *accessdb.Org) {
		for i := range o.Nodes {
			o.Nodes[i].ManagerID = ""
		}
	})
	b, _ := w.smallBatch(4, "stew.one")
	p := w.play(b.No)
	p.at(1*hour, func(b book.BatchSnapshot) {
		if s := b.Scope("DE"); s == nil || s.Task == nil || s.Task.Queue != kam.QueueUnrouted {
			p.faults = append(p.faults, fmt.Sprintf("DE is not unrouted: %+v", s))
		}
	})
	require.Equal(t, book.BatchCancelled, p.run().State)
	for _, kind := range []string{"task.opened", "task.reminded", "task.escalated"} {
		told := one[int](w, `select count(*)::int from kam.outbox where kind = $1 and 'pol.admin' = any (recipients)`, kind)
		require.NotZero(t, told, kind)
		require.Zero(t, one[int](w, `select count(*)::int from kam.outbox where kind = $1 and recipients = '{}'`, kind), kind)
	}
	require.Greater(t, one[int](w, `select count(*)::int from kam.outbox where kind = 'task.escalated'`), 20)
}
