package acceptance

import (
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/onboarding"
)

// check looks whether everything holds that the process promises of a case,
// wherever it stands.
func (k *walk) check(w *walker) onboarding.Snapshot {
	ctx := k.t.Context()
	s, err := k.db.Cases.Case(ctx, w.no)
	if err != nil {
		k.fail(w, "read: %v", err)
	}
	events, err := k.db.Cases.Events(ctx, w.no)
	if err != nil {
		k.fail(w, "read: %v", err)
	}
	k.answers(w, s, events)
	k.path(w, s, events)
	k.hands(w, s, events)
	k.waiting(w, s)
	k.confirmation(w, s)
	k.holding(w, s)
	w.version = s.Version
	return s
}

// answers: what was told is what is stored. An act that took effect has an
// event under its id; one that was refused has none but its refusal.
func (k *walk) answers(w *walker, s onboarding.Snapshot, events []kam.AuditEvent) {
	effect, refusal := map[string]bool{}, map[string]bool{}
	for _, e := range events {
		if e.Type == kam.EventDecisionRefused {
			refusal[e.DecisionID] = true
		} else {
			effect[e.DecisionID] = true
		}
	}
	for _, x := range w.sent {
		id := x.act.DecisionID
		if x.judged || !x.told {
			continue
		}
		x.judged = true
		k.codes[x.code]++
		switch {
		case x.code == "":
			if !effect[id] {
				k.fail(w, "%s was told to be done and is not on record", id)
			}
			k.toldEquals(w, id, x.got.Snapshot)
		case x.code == kam.Unreachable: // nobody knows
		case x.fresh && effect[id]:
			k.fail(w, "%s was told to be refused (%v) and took effect", id, x.err)
		case x.code == kam.Fault:
		case x.act.Check() == nil && !refusal[id]:
			k.fail(w, "%s was refused with %s: %v, and that is not on record", id, x.code, x.err)
		}
	}
}

// toldEquals compares what a person was told with what was stored for him.
// Who sends an act again is told where the case stands now.
func (k *walk) toldEquals(w *walker, id string, told onboarding.Snapshot) {
	stored, err := scalar[onboarding.Snapshot](k, `select progress->'snapshot' from kam.effect where case_no = $1 and key = $2`, w.no, "act/"+id)
	if err != nil {
		k.fail(w, "read the effect of %s: %v", id, err)
	}
	if told.Version < stored.Version || told.Version == stored.Version && text(k.t, told) != text(k.t, stored) {
		k.fail(w, "%s was told %s, and stored is %s", id, text(k.t, told), text(k.t, stored))
	}
}

// path: the trail leads from DRAFT to where the case is, along rows of the
// table only; nothing follows an end, and after the commit the only end is
// COMPLETED.
func (k *walk) path(w *walker, s onboarding.Snapshot, events []kam.AuditEvent) {
	at, committed, rounds := onboarding.Draft, false, 0
	for _, e := range events {
		if e.Type == kam.EventCustomerCommitted {
			committed = true
		}
		if e.From == "" {
			continue
		}
		from, to := onboarding.State(e.From), onboarding.State(e.To)
		legal := slices.ContainsFunc(onboarding.Transitions, func(t onboarding.Transition) bool {
			return t.From == from && (t.To == to || t.To == onboarding.Resume && to.Kind() == kam.Automatic)
		})
		switch {
		case from != at:
			k.fail(w, "event %d leaves %s, and the case was %s", e.Seq, from, at)
		case !legal:
			k.fail(w, "event %d: no row leads from %s to %s", e.Seq, from, to)
		case committed && to.Ended() && to != onboarding.Completed:
			k.fail(w, "committed, and then %s", to)
		case to == onboarding.Completed && !committed:
			k.fail(w, "completed without a commit")
		}
		if from == onboarding.AwaitingConfirmation && to == onboarding.ChangesRequested {
			rounds++
		}
		at = to
	}
	switch {
	case at != s.State:
		k.fail(w, "the trail leads to %s, and the case is %s", at, s.State)
	case rounds > 3 || rounds != s.Rounds:
		k.fail(w, "%d change rounds, %d counted", rounds, s.Rounds)
	case s.Version < w.version:
		k.fail(w, "version %d after %d", s.Version, w.version)
	}
}

// hands: nobody confirms what he requested or edited, nobody gives two
// confirmations of one retirement, and SOD2 of endorsements holds.
func (k *walk) hands(w *walker, s onboarding.Snapshot, events []kam.AuditEvent) {
	touched := map[kam.UserID]bool{} // requested or edited
	var first kam.UserID
	for _, e := range events {
		switch e.Type {
		case kam.EventCaseOpened, kam.EventDataSubmitted, kam.EventDetailsSubmitted, kam.EventAmended:
			if e.Type == kam.EventCaseOpened || e.DecisionID != "" {
				touched[e.Actor] = true
			}
		case kam.EventConfirmed:
			if touched[e.Actor] {
				k.fail(w, "%s confirmed what he had requested or edited (event %d)", e.Actor, e.Seq)
			}
			if e.To == string(onboarding.AwaitingConfirmation) {
				first = e.Actor
			} else if first == e.Actor {
				k.fail(w, "%s confirmed twice (event %d)", e.Actor, e.Seq)
			} else {
				first = ""
			}
		}
		if e.From == string(onboarding.AwaitingConfirmation) && e.To != string(onboarding.AwaitingConfirmation) || e.Type == kam.EventAmended && e.To != "" {
			first = ""
		}
	}
	for _, f := range s.Followers {
		follows, err := k.db.Cases.Case(k.t.Context(), f.CaseNo)
		switch {
		case err != nil:
			k.fail(w, "read: %v", err)
		case follows.State != onboarding.Merged || follows.SameAs == "" || !follows.SameAs.Before(f.CaseNo):
			k.fail(w, "%s follows, and is %s, same as %q", f.CaseNo, follows.State, follows.SameAs)
		case s.ConfirmedBy != "" && f.Requester == s.ConfirmedBy && w.followedAt(f.CaseNo, events) < w.lastConfirmed(events):
			k.fail(w, "%s confirmed a case that he follows by %s", s.ConfirmedBy, f.CaseNo)
		}
	}
	for i, u := range s.Endorsed {
		if slices.Contains(s.Endorsed[:i], u) {
			k.fail(w, "%s endorsed twice", u)
		}
		if (s.State == onboarding.AwaitingEndorsement || s.State == onboarding.HandingOff) && s.Tier.Rank() >= kam.TierNational.Rank() && (u == s.Nominator || u == s.ConfirmedBy) && !s.Has(onboarding.FlagEndorsementDeclined) && !s.Has(onboarding.FlagEndorsementLapsed) {
			k.fail(w, "SOD2: %s endorsed %s, nominator %s, confirmed by %s", u, s.Tier, s.Nominator, s.ConfirmedBy)
		}
	}
}

// followedAt is the event by which another case began to follow, lastConfirmed the
// last confirmation.
func (w *walker) followedAt(no kam.CaseNo, events []kam.AuditEvent) (seq int64) {
	for _, e := range events {
		if e.Type == kam.EventCommented && e.ReasonCode == string(onboarding.SameRequest) && strings.HasPrefix(e.Text, string(no)+" ") {
			seq = e.Seq
		}
	}
	return seq
}

func (w *walker) lastConfirmed(events []kam.AuditEvent) (seq int64) {
	for _, e := range events {
		if e.Type == kam.EventConfirmed {
			seq = e.Seq
		}
	}
	return seq
}

// waiting: a case that waits for people says for whom, and until when.
func (k *walk) waiting(w *walker, s onboarding.Snapshot) {
	if s.Version == 0 {
		return // not open yet
	}
	if s.State.Kind() != kam.Human {
		if s.Task != nil {
			k.fail(w, "a task is open in %s", s.State)
		}
		return
	}
	switch t := s.Task; {
	case t == nil:
		k.fail(w, "%s without a task", s.State)
	case t.Kind != s.State.Spec().Task:
		k.fail(w, "%s with a task of kind %s", s.State, t.Kind)
	case len(t.Deadlines) == 0:
		k.fail(w, "%s without a deadline", s.State)
	case len(t.Assignees) == 0 && t.Queue == "":
		k.fail(w, "%s waits for nobody", s.State)
	case s.State == onboarding.NeedsIntervention && s.ResumeState.Kind() != kam.Automatic:
		k.fail(w, "parked without a state to resume")
	}
}

// confirmation: what is in force was given for exactly the data there are.
func (k *walk) confirmation(w *walker, s onboarding.Snapshot) {
	asked := s.Type == kam.NewCase || s.Type == kam.Reactivate || s.Type == kam.Deactivate
	switch s.State {
	case onboarding.AwaitingCompletion, onboarding.Analyzing, onboarding.Segmenting, onboarding.Validating, onboarding.ValidationReview, onboarding.Classifying, onboarding.AwaitingEndorsement, onboarding.HandingOff, onboarding.Completed:
		if asked && s.ConfirmedBy == "" {
			k.fail(w, "%s of %s without a confirmation", s.State, s.Type)
		}
		if s.ConfirmedBy != "" && s.ConfirmedHash != s.MaterialHash {
			k.fail(w, "%s: confirmed is %s, the data are %s", s.State, s.ConfirmedHash, s.MaterialHash)
		}
	case onboarding.DataEntry, onboarding.AwaitingConfirmation:
		if s.ConfirmedBy != "" {
			k.fail(w, "%s, and yet confirmed by %s", s.State, s.ConfirmedBy)
		}
	}
	if s.ConfirmedBy == "" && s.ConfirmedHash != "" {
		k.fail(w, "a confirmed hash of nobody")
	}
}

// holding: a case that works on a customer holds it, and an ended one does not.
func (k *walk) holding(w *walker, s onboarding.Snapshot) {
	held, err := scalar[string](k, `select holds from kam.cases where case_no = $1`, w.no)
	if err != nil {
		k.fail(w, "read: %v", err)
	}
	at := s.State
	if at == onboarding.NeedsIntervention {
		at = s.ResumeState
	}
	works := s.Type != kam.NewCase && at != onboarding.Draft && at != onboarding.Identifying && !(at == onboarding.ValidationReview && s.Type == kam.Reclassify)
	switch {
	case s.State.Ended() && held != "":
		k.fail(w, "%s, and holds %s", s.State, held)
	case !s.State.Ended() && (works || at.AfterCommit()) && held != s.CommittedAs:
		k.fail(w, "%s works on %s and holds %q", s.State, s.CommittedAs, held)
	}
}

func scalar[T any](k *walk, sql string, args ...any) (T, error) {
	var v T
	err := k.sql.QueryRow(k.t.Context(), sql, args...).Scan(&v)
	return v, err
}

// atTheEnd: the workflow ended as the case did, told is stored, the chain holds,
// and each version is one effect that left its line.
func (k *walk) atTheEnd(w *walker) {
	s := k.check(w)
	err := w.env.GetWorkflowError()
	switch {
	case !w.env.IsWorkflowCompleted():
		k.fail(w, "the workflow has not ended")
	case err != nil && s.Version == 0: // may not be opened
		k.ends["refused "+string(codeOf(err))]++
		return
	case err != nil:
		k.fail(w, "the workflow failed: %v", err)
	case !s.State.Ended():
		k.fail(w, "the workflow has ended, and the case is %s", s.State)
	}
	var end onboarding.Snapshot
	if err := w.env.GetWorkflowResult(&end); err != nil || text(k.t, end) != text(k.t, s) {
		k.fail(w, "told %s (%v)", text(k.t, end), err)
	}
	events, err := k.db.Cases.Events(k.t.Context(), w.no)
	if err != nil {
		k.fail(w, "read: %v", err)
	}
	for _, x := range w.sent {
		if !x.judged {
			k.fail(w, "%s never had an answer", x.act.DecisionID)
		}
		// D12: the commit takes it; and what a fault is the answer to, the client sends
		// again and then says that it does not know.
		noted := x.act.Name == onboarding.ActWithdraw && (x.code == kam.WrongState || x.code == kam.Fault)
		for _, e := range events {
			if x.fresh && !noted && x.code != "" && x.code != kam.Unreachable && e.DecisionID == x.act.DecisionID && e.Type != kam.EventDecisionRefused && !k.sentAgain(w, x) {
				k.fail(w, "%s was told to be refused (%v) and took effect later, by event %d", x.act.DecisionID, x.err, e.Seq)
			}
		}
	}
	if broken, why, ok := kam.VerifyChain(events); !ok {
		k.fail(w, "chain: event %d: %s", broken.Seq, why)
	}
	if n, err := scalar[int64](k, `select count(*) from kam.key_account_member m join kam.key_account a using (key_account_no) where a.state <> 'ENDED' and m.customer_no = $1`, s.CommittedAs); err != nil || n > 1 {
		k.fail(w, "%s is in %d running key accounts (%v)", s.CommittedAs, n, err)
	}
	k.effects(w, s)
	k.history(w, s.CommittedAs)
	k.ends[string(s.State)+" "+string(s.Outcome)]++
	if s.State == onboarding.Rejected && s.Type == kam.NewCase {
		k.rejected = append(k.rejected, w.no)
	}
	if s.State == onboarding.Completed && !slices.Contains(k.customers, s.CommittedAs) {
		k.customers = append(k.customers, s.CommittedAs)
	}
}

// sentAgain says whether an act was sent once more and then took effect: a
// refusal may have been cured meanwhile.
func (k *walk) sentAgain(w *walker, x *sent) bool {
	return slices.ContainsFunc(w.sent, func(y *sent) bool { return y != x && y.act.DecisionID == x.act.DecisionID && y.code == "" })
}

// effects: versions count effects one by one, and no effect is without a line.
func (k *walk) effects(w *walker, s onboarding.Snapshot) {
	const moved = `
		select (progress->'snapshot'->>'version')::bigint from kam.effect
		where case_no = $1 and progress->'refused' is null and jsonb_array_length(coalesce(progress->'timeline', '[]')) > 0
		order by 1`

	rows, err := k.sql.Query(k.t.Context(), moved, w.no)
	if err != nil {
		k.fail(w, "read: %v", err)
	}
	versions, err := pgx.CollectRows(rows, pgx.RowTo[int64])
	if err != nil {
		k.fail(w, "read: %v", err)
	}
	for i, v := range versions {
		if v != int64(i+1) {
			k.fail(w, "effects of versions %v: %d is not the next", versions, v)
		}
	}
	if int64(len(versions)) != s.Version {
		k.fail(w, "version %d, and %d effects that left a line", s.Version, len(versions))
	}
}

// history: the versions of a customer have no gap.
func (k *walk) history(w *walker, no string) {
	const gaps = `
		select count(*) filter (where v.version is null or v.n <> v.version)
		from kam.customer c left join (select *, row_number() over (order by version) as n from kam.customer_version where customer_no = $1) v on true
		where c.customer_no = $1`
	const ahead = `select coalesce(max(c.version) - count(*), 0) from kam.customer c join kam.customer_version v using (customer_no) where c.customer_no = $1`

	if no == "" || no == "C-NONE" {
		return
	}
	for _, q := range []string{gaps, ahead} {
		if n, err := scalar[int64](k, q, no); err != nil || n != 0 {
			k.fail(w, "the history of %s has %d gaps (%v)", no, n, err)
		}
	}
}

// atTheEndOfTheBook looks at what cases have in common.
func (k *walk) atTheEndOfTheBook() {
	for name, q := range map[string]string{
		"two cases hold one customer":           `select count(*) from (select holds from kam.cases where holds <> '' group by holds having count(*) > 1) x`,
		"a task is open of a case that ended":   `select count(*) from kam.task t join kam.cases c using (case_no) where t.status = 'OPEN' and t.subject = '' and not c.open`,
		"a member of two running key accounts":  `select count(*) from (select m.customer_no from kam.key_account_member m join kam.key_account a using (key_account_no) where a.state <> 'ENDED' group by 1 having count(*) > 1) x`,
		"an inactive customer is a key account": `select count(*) from kam.customer where status = 'INACTIVE' and ka_status = 'KA'`,
	} {
		if n, err := scalar[int64](k, q); err != nil || n != 0 {
			k.fail(nil, "%s: %d (%v)", name, n, err)
		}
	}
	for _, no := range k.customers {
		k.history(nil, no)
	}
}
