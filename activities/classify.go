package activities

import (
	"cmp"
	"context"

	"github.com/kamflow/kamflow/activities/internal/stage"
	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/onboarding"
	"github.com/kamflow/kamflow/kam/rules"
)

// classified is what 1.5 hands to 1.5.6.
type classified struct {
	GroupID      string                  `json:"group_id"`
	Name         string                  `json:"name"`
	Score        kam.Dec                 `json:"score"`
	Potential    kam.Money               `json:"potential"`
	Members      []string                `json:"members"`
	Coverage     string                  `json:"coverage"`
	WatchList    bool                    `json:"watch_list"`
	Provisional  bool                    `json:"provisional"`
	ReviewInDays int                     `json:"review_in_days"`
	Change       kam.ClassificationShift `json:"change,omitempty"`
	// FailedReviews counts the failing reviews in a row, this one included.
	FailedReviews int `json:"failed_reviews,omitempty"`
}

const factClassification = "classification"

// Classify is steps 1.5.1 to 1.5.4: gates, score and roll-up of the whole
// group that the customer belongs to. A change of status or tier, or a
// nomination, goes to the endorsers: KA status is never automatic.
func (a *Activities) Classify(ctx context.Context, in onboarding.StageInput) (onboarding.Progress, error) {
	return a.stage(ctx, onboarding.StageClassify, in, func(w *work) error {
		id, members, err := w.group()
		if err != nil {
			return err
		}
		tree, err := w.tree()
		if err != nil {
			return err
		}
		c, rec, err := w.Pol.Classify(id, members, tree, nil)
		if err != nil {
			return err
		}
		if rec, err = w.record(rec, "1.5.4"); err != nil {
			return err
		}
		var seg rules.SegmentResult
		if _, err := w.Segment(&seg); err != nil {
			return err
		}
		if err := w.SaveFact(factClassification, classified{
			GroupID: id, Name: w.groupName(), Score: c.Score, Potential: c.Potential, Members: c.Members,
			Coverage: string(seg.ABCClass), WatchList: c.WatchList, ReviewInDays: c.ReviewInDays,
			Change: c.Change, FailedReviews: c.FailedReviews,
			Provisional: c.Provisional || seg.PotentialBasis != nil && *seg.PotentialBasis == kam.BasisDeclared,
		}); err != nil {
			return err
		}
		if err := w.standing(id, members, c); err != nil {
			return err
		}
		w.logClassification(c)

		f := w.facts()
		f.NeedsEndorsement = c.NeedsEndorsement()
		if err := w.move(onboarding.EvClassified, f, kam.AuditEvent{
			Type: kam.EventClassified, Step: "1.5.4", ReasonCode: rec.Outcome, Text: rec.Headline, PayloadDigest: kam.Digest(rec),
		}); err != nil {
			return err
		}
		return w.enter()
	})
}

// standing keeps on the case what the group was and what is proposed.
func (w *work) standing(id string, members []rules.Customer, c rules.Classification) error {
	w.Case.PriorStatus, w.Case.PriorTier = kam.NonKA, kam.TierNone
	for _, m := range members {
		if m.Current != nil && m.Current.KAStatus == kam.KA {
			w.Case.PriorStatus, w.Case.PriorTier = kam.KA, m.Current.Tier
		}
	}
	w.Case.KAStatus, w.Case.Tier = c.KAStatus, kam.Tier(c.Tier)
	w.Case.HomeNode, w.Case.HeadCountry = string(c.HomeNode), c.HeadCountry
	if c.NeedsEndorsement() && w.Case.Tier == kam.TierNone {
		// A demotion to NON_KA is endorsed where the account was managed.
		k, err := w.customers.KeyAccountOf(id)
		if err != nil {
			return err
		}
		w.Case.Tier = w.Case.PriorTier
		if k != nil {
			w.Case.HomeNode = k.HomeNode
		}
	}
	return nil
}

func (w *work) logClassification(c rules.Classification) {
	gates := kam.Note("all gates passed")
	for _, g := range c.Gates {
		if !g.Passed {
			gates = kam.Note("%s failed: %s", g.ID, g.Reason)
			break
		}
	}
	for _, box := range []struct {
		step kam.StepCode
		text string
	}{
		{"1.5.1", gates},
		{"1.5.2", kam.Note("group score %s", c.Score.Fixed())},
		{"1.5.3", kam.Note("potential %s, span %s, %s", c.Potential, c.SpanLevel, stage.Counted(len(c.Members), "1 member", "%d members"))},
	} {
		w.Log(kam.AuditEvent{Type: kam.EventClassified, Step: box.step, Text: box.text})
	}
}

// group is the account that the customer belongs to, with the facts of every
// member; a customer without a group is its own.
func (lk *lookup) group() (string, []rules.Customer, error) {
	no := lk.Case.CommittedAs
	id, err := lk.ensureGroup()
	if err != nil {
		return "", nil, err
	}
	var own rules.Facts
	if _, err := lk.Analysis(&own); err != nil {
		return "", nil, err
	}
	self := lk.customer(own)
	self.CustomerNo, self.TerritoryCode = no, lk.Case.Territory
	if lk.existing() {
		row, err := lk.customers.Customer(no)
		if err != nil {
			return "", nil, err
		}
		self.Current = lk.current(row.KAStatus, row.Tier, row.FailedReviews)
	}
	if id == "" {
		return no, []rules.Customer{self}, nil
	}
	rows, err := lk.customers.GroupMembers(id)
	if err != nil {
		return "", nil, err
	}
	out := []rules.Customer{self}
	for _, m := range rows {
		if m.CustomerNo == no {
			continue
		}
		f, err := lk.salesFacts(cmp.Or(m.SalesAccount, m.CustomerNo))
		if err != nil {
			return "", nil, err
		}
		f.Current = lk.current(m.KAStatus, m.Tier, m.FailedReviews)
		c := rules.Customer{CustomerNo: m.CustomerNo, ScreeningData: m.Data.ScreeningData, DetailData: m.Data.DetailData, Facts: f}
		c.TerritoryCode, c.GroupID = m.Territory, id
		c.NominateKeyAccount = false // it was a request of its own time
		out = append(out, c)
	}
	return id, out, nil
}

// current is the standing of a customer. Failing reviews in a row are counted by
// reviews: any other case that happens to look at the group is none.
func (lk *lookup) current(status kam.KAStatus, tier kam.Tier, failed int) *rules.Current {
	if lk.Case.Type != kam.Reclassify {
		failed = 0
	}
	return &rules.Current{KAStatus: status, Tier: tier, FailedReviews: failed}
}
