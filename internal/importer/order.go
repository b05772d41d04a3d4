package importer

import (
	"context"
	"strconv"

	"github.com/kamflow/kamflow/kam/rules"
	"github.com/kamflow/kamflow/kam/rules/match"
)

// An order makes rows that may be one customer start one after the other, as
// they stand in the file: the later one finds the earlier one and waits for a
// person, whichever worker is faster. Without it the same file would park
// other rows each time.
type order struct {
	after [][]int         // rows that a row starts after
	done  []chan struct{} // closed when a row has been started
}

// order compares the rows that start with each other, by the rules that the
// search for duplicates has (P3.4.4).
func (b *Batch) order() (order, error) {
	o := order{after: make([][]int, len(b.Rows)), done: make([]chan struct{}, len(b.Rows))}
	policy, err := rules.Default()
	if err != nil {
		return o, err
	}
	index := policy.Match.NewIndex()
	for i, r := range b.Rows {
		if !r.starts() {
			continue
		}
		o.done[i] = make(chan struct{})
		party := match.PartyOf(strconv.Itoa(i), r.Data)
		for _, pair := range index.Candidates(party) {
			earlier := pair.Left
			if earlier == party.Ref {
				earlier = pair.Right
			}
			if n, err := strconv.Atoi(earlier); err == nil {
				o.after[i] = append(o.after[i], n)
			}
		}
		index.Add(party)
	}
	return o, nil
}

// turn waits until a row may start. Rows are handed out in the order of the
// file, so what it waits for is under way already.
func (o order) turn(ctx context.Context, i int) error {
	for _, n := range o.after[i] {
		select {
		case <-o.done[n]:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	return ctx.Err()
}

// starts says whether a row leads to a case of its own.
func (r Row) starts() bool { return r.Status == Ready || r.Status == Parked }
