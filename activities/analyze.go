package activities

import (
	"cmp"
	"context"
	"fmt"
	"math/big"
	"time"

	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/rules"
	customerdb "github.com/kamflow/kamflow/store/customer"
)

// Analyze is process 1.2: sales history, needs, wallet and potential, P&L, and
// competition become the facts that segmentation and classification use. No
// history is normal for a newcomer: revenue is then a known 0.
func (a *Activities) Analyze(ctx context.Context, in kam.StageInput) (kam.Progress, error) {
	return a.stage(ctx, kam.StageAnalyze, in, func(w *work) error {
		f, err := w.analyze()
		if err != nil {
			return err
		}
		sum := kam.Digest(f)
		for _, box := range []struct {
			step kam.StepCode
			text string
		}{
			{"1.2.2", fmt.Sprintf("net revenue of 12 months: %s", f.NetRevenue12m)},
			{"1.2.3", counted(len(w.data.Needs), "need") + ", " + counted(len(w.data.Contacts), "contact")},
			{"1.2.4", potentialText(w.data)},
			{"1.2.5", counted(len(f.PLLinesPct), "P&L line")},
		} {
			w.Log(kam.AuditEvent{Type: kam.EventAnalyzed, Step: box.step, Text: box.text})
		}
		return w.move(kam.EvAnalyzed, w.facts(), kam.AuditEvent{
			Type: kam.EventAnalyzed, Step: "1.2.6", PayloadDigest: sum,
			Text: counted(len(w.data.Competitors), "competitor") + ", relationship " + string(w.data.RelationshipStage),
		})
	})
}

// analyze computes and keeps the facts of 1.2. A customer that exists already
// has its sales under its account, or else under its own number.
func (w *work) analyze() (rules.Facts, error) {
	account := w.data.SalesAccountNo
	if w.existing() {
		account = cmp.Or(account, w.Case.CommittedAs)
	}
	f, err := w.salesFacts(account)
	if err != nil {
		return f, err
	}
	if w.existing() {
		c, err := w.customers.Customer(w.Case.CommittedAs)
		if err != nil {
			return f, err
		}
		f.CustomerMonths = monthsSince(c.Since, w.At)
	}
	return f, w.SaveAnalysis(f)
}

// counted is a number of things in words.
func counted(n int, one string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %ss", n, one)
}

func potentialText(d kam.RequestData) string {
	if d.AddressableSpend12m != nil && d.DeclaredPotential == nil {
		return fmt.Sprintf("addressable spend %s, potential not declared", d.AddressableSpend12m)
	}
	if d.AddressableSpend12m != nil {
		return fmt.Sprintf("addressable spend %s, declared potential %s", d.AddressableSpend12m, d.DeclaredPotential)
	}
	if d.DeclaredPotential == nil {
		return "wallet and potential unknown"
	}
	return fmt.Sprintf("wallet unknown: potential as declared, %s", d.DeclaredPotential)
}

// salesFacts are the facts of P2.4.4 for an account; a newcomer without one
// has sold nothing yet, which is known.
func (w *work) salesFacts(account string) (rules.Facts, error) {
	if account == "" {
		return factsOf(customerdb.Sales{}, nil, w.At, w.pol.BaseCurrency)
	}
	s, err := w.customers.SalesFacts(account, w.At)
	if err != nil {
		return rules.Facts{}, err
	}
	var lines map[string]int64
	if s.Known && s.Currencies <= 1 && s.Net12 > 0 {
		if lines, err = w.customers.PLLines(account); err != nil {
			return rules.Facts{}, err
		}
	}
	return factsOf(s, lines, w.At, w.pol.BaseCurrency)
}

// factsOf turns the sums of an account and its lines of profit and loss into
// facts. Sums in more than one currency are a kam.Fault.
func factsOf(s customerdb.Sales, lines map[string]int64, at time.Time, base string) (rules.Facts, error) {
	zero := int64(0)
	none := kam.NewMoney(0, base)
	f := rules.Facts{NetRevenue12m: &none, Orders12m: &zero, ActiveMonths: &zero}
	if s.FirstRevenue != nil {
		f.ActiveMonths = monthsSince(s.FirstRevenue, at)
	}
	if !s.Known {
		return f, nil
	}
	if s.Currencies > 1 {
		return f, kam.Errorf(kam.Fault, "sales account %s has facts in %d currencies, which do not add up", s.Account, s.Currencies)
	}
	now, before := kam.Money{Minor: s.Net12, Currency: s.Currency}, kam.Money{Minor: s.Prior12, Currency: s.Currency}
	f.NetRevenue12m, f.NetRevenuePrior12m, f.Orders12m = &now, &before, &s.Orders12
	if s.LastOrder != nil {
		days := int64(at.Sub(*s.LastOrder).Hours() / 24)
		f.RecencyDays = &days
	}
	if s.Net12 <= 0 {
		return f, nil
	}
	if s.Margin12 != nil {
		pct := percent(*s.Margin12, s.Net12)
		f.MarginPct = &pct
	}
	f.PLLinesPct = make(map[string]kam.Dec, len(lines))
	for line, amount := range lines {
		f.PLLinesPct[line] = percent(amount, s.Net12)
	}
	return f, nil
}

// monthsSince are the months of the calendar from then to at, never below 0;
// nil where then is not known. The twelve months of revenue that end with at
// began 11 months ago.
func monthsSince(then *time.Time, at time.Time) *int64 {
	if then == nil {
		return nil
	}
	from, to := then.UTC(), at.UTC()
	n := max(0, int64(to.Year()-from.Year())*12+int64(to.Month())-int64(from.Month()))
	return &n
}

// percent is 100 x part / whole with two decimals, half up.
func percent(part, whole int64) kam.Dec {
	n := new(big.Int).Mul(big.NewInt(part), big.NewInt(20000))
	n.Add(n, big.NewInt(whole))
	return kam.Dec(n.Div(n, big.NewInt(2*whole)).Int64())
}

// Segment is process 1.3: the models of P3.3 on the facts of 1.2, against the
// last snapshot of the whole book.
func (a *Activities) Segment(ctx context.Context, in kam.StageInput) (kam.Progress, error) {
	return a.stage(ctx, kam.StageSegment, in, func(w *work) error {
		res, rec, err := w.segment()
		if err != nil {
			return err
		}
		label := "none"
		if res.RFMLabel != nil {
			label = string(*res.RFMLabel)
		}
		for _, box := range []struct {
			step kam.StepCode
			text string
		}{
			{"1.3.1", "facts of revision " + fmt.Sprint(w.Case.Revision)},
			{"1.3.2", "ABC " + string(res.ABCClass)},
			{"1.3.3", "RFM " + label},
			{"1.3.4", fmt.Sprintf("%s: attractiveness %s, strength %s", res.Quadrant, res.Attractiveness.Fixed(), res.RelativeStrength.Fixed())},
			{"1.3.5", "Improvement Potential index " + res.ImprovementIndex.Fixed()},
			{"1.3.6", "capability index " + res.CapabilityIndex.Fixed()},
		} {
			w.Log(kam.AuditEvent{Type: kam.EventSegmented, Step: box.step, Text: box.text})
		}
		return w.move(kam.EvSegmented, w.facts(), kam.AuditEvent{
			Type: kam.EventSegmented, Step: "1.3.7", ReasonCode: res.Segment, Text: rec.Headline, PayloadDigest: kam.Digest(res),
		})
	})
}

// segment computes and keeps the segment of 1.3.
func (w *work) segment() (res rules.SegmentResult, rec kam.DecisionRecord, err error) {
	var f rules.Facts
	if _, err := w.Analysis(&f); err != nil {
		return res, rec, err
	}
	tree, err := w.tree()
	if err != nil {
		return res, rec, err
	}
	id, rows, err := w.customers.ABCSnapshot()
	if err != nil {
		return res, rec, err
	}
	entries := make([]rules.SnapshotEntry, len(rows))
	for i, r := range rows {
		entries[i] = rules.SnapshotEntry{CustomerNo: r.CustomerNo, Revenue: r.Revenue}
	}
	snapshot, err := w.pol.NewSnapshot(id, entries)
	if err != nil {
		return res, rec, err
	}
	c := w.customer(f)
	c.TerritoryCode = w.Case.Territory
	res, rec, err = w.pol.Segment(c, rules.SegmentContext{Snapshot: snapshot, Tree: tree})
	if err != nil {
		return res, rec, err
	}
	if rec, err = w.record(rec, "1.3.7"); err != nil {
		return res, rec, err
	}
	if err := w.SaveSegment(res); err != nil {
		return res, rec, err
	}
	return res, rec, nil
}

func (w *work) tree() (*rules.Tree, error) {
	nodes, err := w.org.Nodes()
	if err != nil {
		return nil, err
	}
	return rules.NewTree(nodes)
}
