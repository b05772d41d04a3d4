package acceptance

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"math/big"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/log"
	"go.temporal.io/sdk/testsuite"

	"github.com/kamflow/kamflow/activities"
	"github.com/kamflow/kamflow/internal/importer"
	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/book"
	"github.com/kamflow/kamflow/kam/rules/policy"
	"github.com/kamflow/kamflow/kam/signed/signedtest"
	accessdb "github.com/kamflow/kamflow/store/access"
	"github.com/kamflow/kamflow/store/storetest"
	"github.com/kamflow/kamflow/workflows"
)

// A bookText is an invented customer book as its files.
type bookText struct{ customers, sales, pl, groups string }

func (b bookText) open(t testing.TB) *importer.Book {
	t.Helper()
	files := importer.BookFiles{Customers: strings.NewReader(b.customers)}
	if b.sales != "" {
		files.Sales = strings.NewReader(b.sales)
	}
	if b.pl != "" {
		files.PL = strings.NewReader(b.pl)
	}
	if b.groups != "" {
		files.Groups = strings.NewReader(b.groups)
	}
	book, err := importer.OpenBook(files, importer.ReadOptions{})
	require.NoError(t, err)
	return book
}

const bookHead = "customer_no,legal_name,customer_kind,country_code,city,postal_code,street,identifiers,industry_scheme,industry_code,source_channel,sales_channel," +
	"declared_potential,growth_outlook_pct,strategic_fit,credit_rating,relationship_access,cost_to_serve,group_id,territory_code,owner_id,ka_status,tier," +
	"buying_centralization,reference_value,relationship_stage,product_fit,satisfaction,expected_margin_pct,addressable_spend_12m,addressable_spend_basis," +
	"capability_items.data_sharing,capability_items.joint_planning,capability_items.executive_access,capability_items.category_resources,capability_items.execution_discipline," +
	"currency,language,payment_terms_days,website,phone,contact_name,contact_role,contact_email\n"

// inventBook invents n customers in groups of up to four, with a fact for each
// of months months up to February 2026, and a profit and loss of every tenth.
// All of it is made of numbers: no name is anybody's.
func inventBook(n, months int) bookText {
	r := rand.New(rand.NewPCG(uint64(n), 45)) //nolint:gosec // invented data
	pick := func(list ...string) string { return list[r.IntN(len(list))] }
	var customers, sales, pl, groups bytes.Buffer
	customers.WriteString(bookHead)
	sales.WriteString("account_no,month,currency,net_revenue,gross_margin,orders,last_order_date\n")
	pl.WriteString("account_no,month,currency,invoice_discounts,rebates,freight_logistics\n")
	groups.WriteString("group_id,name\n")
	first := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC).AddDate(0, -months, 0)
	for g := range n/3 + 1 {
		fmt.Fprintf(&groups, "GR%06d,Verbund %06d\n", g, g)
	}
	for i := range n {
		no := fmt.Sprintf("K%06d", i)
		country, city, postal, territory := "DE", "Hamburg", fmt.Sprintf("2%04d", r.IntN(10000)), ""
		switch i % 4 {
		case 0:
			country, city, postal, territory = "AT", "Wien", fmt.Sprintf("1%03d", 10+r.IntN(200)), "AT-1-01"
		case 1:
			city, postal, territory = "Augsburg", fmt.Sprintf("86%03d", r.IntN(1000)), "DE-S-02"
		}
		spend := r.IntN(1_500_000)
		standing, tier, group := "", "", fmt.Sprintf("GR%06d", r.IntN(n/3+1))
		if i%500 == 7 {
			standing, tier, group = "KA", "TERRITORY", ""
		}
		fmt.Fprintf(&customers, "%s,Musterwerk %06d GmbH,ORGANIZATION,%s,%s,%s,Werkstraße %d,LEI:%s,NACE,26.51,EXISTING_BASE,DIRECT,%d,%d,%s,%s,CONTACT,LOW,%s,%s,%s,%s,%s,%s,%s,%s,%d,%d,%d,%d,ESTIMATE,%d,%d,%d,%d,%d,EUR,de,30,https://w%06d.example,+4940%07d,Kontakt %06d,BUYER,einkauf@w%06d.example\n",
			no, i, country, city, postal, 1+r.IntN(200), lei(i), spend/3, r.IntN(20)-4, pick("NONE", "PARTIAL", "FULL"), pick("A", "B", "C"), group, territory, "kam.one", standing, tier,
			pick("LOCAL", "REGIONAL", "NATIONAL", "GLOBAL"), pick("LOW", "MEDIUM", "HIGH"), pick("EXPLORATORY", "BASIC", "COOPERATIVE", "INTERDEPENDENT"),
			r.IntN(101), r.IntN(101), r.IntN(50), spend, r.IntN(5), r.IntN(5), r.IntN(5), r.IntN(5), r.IntN(5), i, i, i, i)
		for m := range months {
			month := first.AddDate(0, m, 0)
			net := r.IntN(spend/24 + 2)
			fmt.Fprintf(&sales, "%s,%s,EUR,%d.%02d,%d,%d,%s\n", no, month.Format("2006-01"), net, r.IntN(100), net*r.IntN(45)/100, r.IntN(4), month.AddDate(0, 0, r.IntN(27)).Format(time.DateOnly))
		}
		if i%10 == 0 {
			fmt.Fprintf(&pl, "%s,%s,EUR,%d,%d,%d\n", no, first.Format("2006-01"), r.IntN(500), r.IntN(500), r.IntN(500))
		}
	}
	return bookText{customers.String(), sales.String(), pl.String(), groups.String()}
}

// lei is a LEI with its check digits.
func lei(i int) string {
	body := fmt.Sprintf("5299%014d", i)
	n, _ := new(big.Int).SetString(body+"00", 10)
	return body + fmt.Sprintf("%02d", 98-n.Mod(n, big.NewInt(97)).Int64())
}

// upload stages a book.
func (w *world) upload(b *importer.Book, key string, by kam.UserID) book.BatchSnapshot {
	w.t.Helper()
	s, created, err := w.db.Books.Upload(w.t.Context(), b.Upload(key, by, monday))
	require.NoError(w.t, err)
	require.True(w.t, created)
	return s
}

// bookWorld is a world whose tables can be looked at.
type bookWorld struct {
	*world
	sql *pgx.Conn
}

func newBookWorld(t *testing.T, change ...func(*accessdb.Org)) *bookWorld {
	t.Helper()
	return openBookWorld(t, storetest.DSN(t), change...)
}

func openBookWorld(t *testing.T, dsn string, change ...func(*accessdb.Org)) *bookWorld {
	t.Helper()
	w := &world{t: t, db: storetest.Open(t, dsn)}
	o := org()
	for _, c := range change {
		c(&o)
	}
	require.NoError(t, storetest.LoadOrg(t.Context(), w.db, o))
	require.NoError(t, storetest.PublishPolicy(t.Context(), w.db, 1, policy.DefaultYAML()))
	conn, err := pgx.Connect(t.Context(), dsn)
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close(context.WithoutCancel(t.Context())) })
	return &bookWorld{w, conn}
}

// one reads a single value.
func one[T any](w *bookWorld, sql string, args ...any) (v T) {
	w.t.Helper()
	require.NoError(w.t, w.sql.QueryRow(w.t.Context(), sql, args...).Scan(&v))
	return v
}

// fingerprints are digests of the tables that an import changes.
func (w *bookWorld) fingerprints() map[string]string {
	w.t.Helper()
	m := map[string]string{}
	for _, table := range []string{"customer", "customer_version", "customer_address", "customer_identifier", "contact", "party", "party_group",
		"sales_fact", "key_account", "key_account_member", "abc_row"} {
		m[table] = one[string](w, `select count(*)::text || ' ' || coalesce(md5(string_agg(h, '' order by h)), '') from (select md5(t::text) as h from kam.`+table+` t) x`)
	}
	return m
}

// A play is the workflow of a batch in skipped time.
type play struct {
	w      *bookWorld
	no     book.BatchNo
	env    *testsuite.TestWorkflowEnvironment
	acts   int
	faults []string
}

func (w *bookWorld) play(no book.BatchNo, acts ...*activities.Activities) *play {
	w.t.Helper()
	var suite testsuite.WorkflowTestSuite
	suite.SetLogger(log.NewStructuredLogger(slog.New(slog.DiscardHandler)))
	p := &play{w: w, no: no, env: suite.NewTestWorkflowEnvironment()}
	p.env.SetStartTime(monday)
	p.env.SetTestTimeout(5 * time.Minute)
	a := working(w.db)
	if len(acts) > 0 {
		a = acts[0]
	}
	a.Register(p.env)
	workflows.Register(p.env, signedtest.Verifier().Verify)
	return p
}

// at looks at the batch after a time of business.
func (p *play) at(after time.Duration, do func(book.BatchSnapshot)) *play {
	p.env.RegisterDelayedCallback(func() {
		b, err := p.w.db.Books.Get(p.w.t.Context(), p.no)
		if err != nil {
			p.faults = append(p.faults, err.Error())
			return
		}
		do(b)
	}, after)
	return p
}

// asks checks for whom the batch waits after a time, "DE: nadja.national".
func (p *play) asks(after time.Duration, want ...string) *play {
	return p.at(after, func(b book.BatchSnapshot) {
		var got []string
		for _, s := range b.Scopes {
			if s.Task != nil {
				got = append(got, s.Node+": "+strings.Trim(fmt.Sprint(s.Task.Assignees), "[]"))
			}
		}
		if !slices.Equal(got, want) {
			p.faults = append(p.faults, fmt.Sprintf("after %v: asks %q, want %q", after, got, want))
		}
	})
}

// confirms sends a confirmation; code is the refusal that is expected.
func (p *play) confirms(after time.Duration, code kam.Code, by kam.UserID, scope string) *play {
	return p.sends(after, code, book.UpdateConfirmBatch, book.BatchAct{By: by, Scope: scope, Digest: current})
}

func (p *play) sends(after time.Duration, code kam.Code, name string, a book.BatchAct) *play {
	p.acts++
	if a.DecisionID == "" {
		a.DecisionID = fmt.Sprintf("%s-act-%d", p.no, p.acts)
	}
	return p.at(after, func(b book.BatchSnapshot) {
		if a.Digest == current {
			a.Digest = b.Digest
		}
		told := func(err error) {
			if got := codeOf(err); got != code {
				p.faults = append(p.faults, fmt.Sprintf("%s by %s for %q in %s: want %q, got %q: %v", name, a.By, a.Scope, b.State, code, got, err))
			}
		}
		p.env.UpdateWorkflow(name, a.DecisionID, &testsuite.TestUpdateCallback{
			OnReject: told, OnAccept: func() {}, OnComplete: func(_ any, err error) { told(err) },
		}, signedtest.Batch(p.no, name, a, p.env.Now()))
	})
}

// run plays the batch to its end.
func (p *play) run() book.BatchSnapshot {
	t := p.w.t
	t.Helper()
	p.env.ExecuteWorkflow(book.WorkflowImportBatch, book.BatchInput{No: p.no})
	require.Empty(t, p.faults)
	require.True(t, p.env.IsWorkflowCompleted())
	require.NoError(t, p.env.GetWorkflowError())
	var end book.BatchSnapshot
	require.NoError(t, p.env.GetWorkflowResult(&end))
	stored, err := p.w.db.Books.Get(t.Context(), p.no)
	require.NoError(t, err)
	require.Equal(t, stored, end, "told is what is stored")
	trail := p.trail()
	broken, why, ok := kam.VerifyChain(trail)
	require.True(t, ok, "event %d: %s", broken.Seq, why)
	require.Zero(t, one[int](p.w, `select count(*) from kam.task where status = 'OPEN' and subject = $1`, p.no.Subject()))
	for _, table := range []string{"batch_row", "batch_sales", "batch_group", "batch_party"} {
		require.Zero(t, one[int](p.w, `select count(*) from kam.`+table+` where batch_no = $1`, p.no), "%s is left", table)
	}
	require.Zero(t, one[int](p.w, `select count(*) from kam.contact where owner like $1`, p.no.Subject()+"/%"))
	return end
}

func (p *play) trail() []kam.AuditEvent {
	p.w.t.Helper()
	all, err := p.w.db.TrailOf(p.w.t.Context(), p.no.Subject())
	require.NoError(p.w.t, err)
	return all
}

func (p *play) count(e kam.EventType) (n int) {
	for _, x := range p.trail() {
		if x.Type == e {
			n++
		}
	}
	return n
}
