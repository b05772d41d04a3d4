package activities

import (
	"cmp"
	"context"

	"github.com/kamflow/kamflow/activities/internal/stage"
	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/customer"
	"github.com/kamflow/kamflow/kam/onboarding"
	"github.com/kamflow/kamflow/kam/rules"
	customerdb "github.com/kamflow/kamflow/store/customer"
)

// Analyze is process 1.2: sales history, needs, wallet and potential, P&L, and
// competition become the facts that segmentation and classification use. No
// history is normal for a newcomer: revenue is then a known 0.
func (a *Activities) Analyze(ctx context.Context, in onboarding.StageInput) (onboarding.Progress, error) {
	return a.stage(ctx, onboarding.StageAnalyze, in, func(w *work) error {
		f, err := w.analyze()
		if err != nil {
			return err
		}
		sum := kam.Digest(f)
		for _, box := range []struct {
			step kam.StepCode
			text string
		}{
			{"1.2.2", kam.Note("net revenue of 12 months: %s", f.NetRevenue12m)},
			{"1.2.3", stage.Counted(len(w.data.Needs), "1 need", "%d needs") + "; " + stage.Counted(len(w.data.Contacts), "1 contact", "%d contacts")},
			{"1.2.4", potentialText(w.data)},
			{"1.2.5", stage.Counted(len(f.PLLinesPct), "1 P&L line", "%d P&L lines")},
		} {
			w.Log(kam.AuditEvent{Type: kam.EventAnalyzed, Step: box.step, Text: box.text})
		}
		return w.move(onboarding.EvAnalyzed, w.facts(), kam.AuditEvent{
			Type: kam.EventAnalyzed, Step: "1.2.6", PayloadDigest: sum,
			Text: stage.Counted(len(w.data.Competitors), "1 competitor", "%d competitors") + "; " + kam.Note("relationship %s", w.data.RelationshipStage),
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
		f.CustomerMonths = stage.MonthsSince(c.Since, w.At)
	}
	return f, w.SaveAnalysis(f)
}

func potentialText(d customer.RequestData) string {
	if d.AddressableSpend12m != nil && d.DeclaredPotential == nil {
		return kam.Note("addressable spend %s, potential not declared", d.AddressableSpend12m)
	}
	if d.AddressableSpend12m != nil {
		return kam.Note("addressable spend %s, declared potential %s", d.AddressableSpend12m, d.DeclaredPotential)
	}
	if d.DeclaredPotential == nil {
		return kam.Note("wallet and potential unknown")
	}
	return kam.Note("wallet unknown: potential as declared, %s", d.DeclaredPotential)
}

// salesFacts are the facts of P2.4.4 for an account; a newcomer without one
// has sold nothing yet, which is known.
func (lk *lookup) salesFacts(account string) (rules.Facts, error) {
	if account == "" {
		return stage.FactsOf(customerdb.Sales{}, nil, lk.At, lk.Pol.BaseCurrency)
	}
	s, err := lk.customers.SalesFacts(account, lk.At)
	if err != nil {
		return rules.Facts{}, err
	}
	var lines map[string]int64
	if s.Known && s.Currencies <= 1 && s.Net12 > 0 {
		if lines, err = lk.customers.PLLines(account); err != nil {
			return rules.Facts{}, err
		}
	}
	return stage.FactsOf(s, lines, lk.At, lk.Pol.BaseCurrency)
}

// Segment is process 1.3: the models of P3.3 on the facts of 1.2, against the
// last snapshot of the whole book.
func (a *Activities) Segment(ctx context.Context, in onboarding.StageInput) (onboarding.Progress, error) {
	return a.stage(ctx, onboarding.StageSegment, in, func(w *work) error {
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
			{"1.3.1", kam.Note("facts of revision %d", w.Case.Revision)},
			{"1.3.2", "ABC " + string(res.ABCClass)},
			{"1.3.3", "RFM " + label},
			{"1.3.4", kam.Note("%s: attractiveness %s, strength %s", res.Quadrant, res.Attractiveness.Fixed(), res.RelativeStrength.Fixed())},
			{"1.3.5", kam.Note("Improvement Potential index %s", res.ImprovementIndex.Fixed())},
			{"1.3.6", kam.Note("capability index %s", res.CapabilityIndex.Fixed())},
		} {
			w.Log(kam.AuditEvent{Type: kam.EventSegmented, Step: box.step, Text: box.text})
		}
		return w.move(onboarding.EvSegmented, w.facts(), kam.AuditEvent{
			Type: kam.EventSegmented, Step: "1.3.7", ReasonCode: res.Segment, Text: rec.Headline, PayloadDigest: kam.Digest(res),
		})
	})
}

// segment computes and keeps the segment of 1.3.
func (w *work) segment() (res rules.SegmentResult, rec onboarding.DecisionRecord, err error) {
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
	snapshot, err := w.Pol.NewSnapshot(id, entries)
	if err != nil {
		return res, rec, err
	}
	c := w.customer(f)
	c.TerritoryCode = w.Case.Territory
	res, rec, err = w.Pol.Segment(c, rules.SegmentContext{Snapshot: snapshot, Tree: tree})
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

func (lk *lookup) tree() (*rules.Tree, error) {
	nodes, err := lk.Org.Nodes()
	if err != nil {
		return nil, err
	}
	return rules.NewTree(nodes)
}
