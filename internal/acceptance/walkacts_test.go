package acceptance

import (
	"fmt"
	"maps"
	"strings"

	"go.temporal.io/sdk/testsuite"

	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/onboarding"
	customerdb "github.com/kamflow/kamflow/store/customer"
	casedb "github.com/kamflow/kamflow/store/onboarding"
)

// everybody who may try something: every role, leavers, and one whom nobody
// knows.
var everybody = []kam.UserID{
	"gina.global", "nadja.national", "nora.national", "rolf.regional", "rita.regional", "rene.regional", "tom.territory", "tara.territory", "theo.territory", "tess.territory",
	"rep.south", "rep.stuttgart", "rep.north", "rep.vienna", "kam.one", "stew.one", "stew.two", "comp.one", "comp.two", "fin.one", "pol.admin", "adm.one", "ops.one", "aud.one",
	"rep.gone", "nobody.known",
}

// places are where the parties of the walk are, with the rep who calls there.
var places = []struct {
	rep    kam.UserID
	fields fields
}{
	{"rep.south", place("DE", "80331", "München")},
	{"rep.stuttgart", place("DE", "70173", "Stuttgart")},
	{"rep.north", place("DE", "20095", "Hamburg")},
	{"rep.vienna", place("AT", "1010", "Wien")},
}

func place(country, postal, city string) fields {
	return fields{"country_code": country, "postal_code": postal, "city": city, "addresses": []fields{{"type": "LEGAL", "line1": "Hauptweg 1", "city": city, "postal_code": postal, "country_code": country}}}
}

// party is a new party at a place, with a name and a number that no other has.
func (k *walk) party(country string) fields {
	k.names++
	syllables := []string{"ka", "lo", "mi", "ru", "ste", "ban", "dor", "fel", "gru", "hin", "jor", "wes", "tal", "per", "quo", "zim"}
	name := ""
	for range 4 {
		name += pick(k.r, syllables...)
	}
	name = strings.ToUpper(name[:1]) + name[1:]
	return fields{
		"legal_name": name + " Klinik GmbH", "street": fmt.Sprintf("%sweg %d", name, 1+k.r.IntN(90)),
		"identifiers": []fields{{"scheme": "VAT_EU", "value": vat(country, 1_000_000+k.r.IntN(8_999_999))}},
	}
}

// vat is a number with the check digit that its country asks for.
func vat(country string, n int) string {
	if country == "AT" {
		digits, sum := fmt.Sprintf("%07d", n), 4
		for i, c := range digits {
			d := int(c - '0')
			if i%2 == 1 {
				d = d*2/10 + d*2%10
			}
			sum += d
		}
		return fmt.Sprintf("ATU%s%d", digits, (10-sum%10)%10)
	}
	digits, p := fmt.Sprintf("1%07d", n), 10
	for _, c := range digits {
		s := (int(c-'0') + p) % 10
		if s == 0 {
			s = 10
		}
		p = 2 * s % 11
	}
	return fmt.Sprintf("DE%s%d", digits, (11-p)%10)
}

// fillBook brings customers that exist already, key accounts among them.
func (k *walk) fillBook() {
	k.nordwind(kam.TierNational, "DE")
	k.customers = []string{"NW-HH", "NW-MUC"}
	var facts []customerdb.SalesFact
	for i := range 12 {
		p := places[i%len(places)]
		no := fmt.Sprintf("C-%03d", i+1)
		c := customerdb.BookCustomer{CustomerNo: no, Territory: []string{"DE-S-02", "DE-S-01", "DE-N-01", "AT-1-01"}[i%4], OwnerID: p.rep, Coverage: "C",
			Data: data(k.t, screening(""), details(), p.fields, k.party(p.fields["country_code"].(string)))}
		switch {
		case i >= 9:
			c.Status = kam.Inactive
		case i >= 7:
			c.KAStatus, c.Tier, c.OwnerID = kam.KA, []kam.Tier{kam.TierTerritory, kam.TierRegional}[i-7], "kam.one"
		}
		k.has(c)
		k.customers = append(k.customers, no)
	}
	for i := range 20 {
		f := sales(fmt.Sprintf("SA-%d", i), int64(20_000+k.r.IntN(120_000)), 33, map[string]int64{"invoice_discounts": 80})
		f.Month, f.LastOrderDate = "2060-02", "2060-02-18"
		facts = append(facts, f)
	}
	k.sells(facts...)
}

// request is what somebody asks for: all five types, complete and not, of
// customers that are free, taken, of the wrong status and unknown.
func (k *walk) request() casedb.Request {
	p := pick(k.r, places...)
	by := p.rep
	if k.chance(25) {
		by = pick(k.r, kam.UserID("theo.territory"), "rita.regional", "tom.territory", "nadja.national", "kam.one", "stew.one", "gina.global")
	}
	no := pick(k.r, k.customers...)
	if k.chance(4) {
		no = "C-NONE"
	}
	// Mostly of one that the case may be about.
	suits := func(status kam.LifecycleStatus) string {
		for i := 0; i < 30 && k.chance(90); i++ {
			c, err := k.db.Customers.Customer(k.t.Context(), no)
			if err == nil && c.Status == status && k.db.Cases.OpenCaseOf(k.t.Context(), no) == nil {
				break
			}
			no = pick(k.r, k.customers...)
		}
		return no
	}
	switch n := k.r.IntN(100); {
	case n < 45:
		d := k.newParty(p.fields)
		if len(k.rejected) > 0 && k.chance(15) {
			return casedb.Request{Type: kam.NewCase, Requester: by, Data: data(k.t, d), AppealOf: pick(k.r, k.rejected...)}
		}
		return casedb.Request{Type: kam.NewCase, Requester: by, Data: data(k.t, d)}
	case n < 71:
		return casedb.Request{Type: kam.Modify, CustomerNo: suits(kam.Active), Requester: by, Data: data(k.t, k.amendment())}
	case n < 80:
		return casedb.Request{Type: kam.Reactivate, CustomerNo: suits(kam.Inactive), Requester: by, Data: data(k.t, pick(k.r, reactivation, fields{}))}
	case n < 93:
		return casedb.Request{Type: kam.Deactivate, CustomerNo: suits(kam.Active), Requester: by, Data: data(k.t, pick(k.r, fields{"justification": "The house was closed in February."}, fields{}))}
	default:
		return casedb.Request{Type: kam.Reclassify, CustomerNo: suits(kam.Active), Requester: kam.System, Trigger: onboarding.ReviewDue}
	}
}

// newParty is the data of a NEW request.
func (k *walk) newParty(at fields) fields {
	d := fields{}
	put := func(parts ...fields) {
		for _, p := range parts {
			maps.Copy(d, p)
		}
	}
	put(screening(""), at, k.party(at["country_code"].(string)))
	if k.chance(60) {
		put(details(), at)
	} else {
		delete(d, "addresses")
	}
	switch n := k.r.IntN(100); {
	case n < 18: // enough for a key account
		account := fmt.Sprintf("SA-%d", k.r.IntN(20))
		keep := maps.Clone(d)
		put(kastel, keep, fields{"group_id": "", "group_name": "", "sales_account_no": account, "declared_potential": eur("200000.00"), "capability_items": capability(4, 4, 3, 3, 3), "satisfaction": 80})
	case n < 24: // one more house of a key account
		keep := maps.Clone(d)
		put(vienna, keep, fields{"group_id": "NORDWIND", "group_name": "Nordwind", "buying_centralization": "NATIONAL", "declared_potential": eur("450000.00")})
	case n < 30:
		put(fields{"nominate_key_account": true, "nomination_reason": "They decide for the whole trade."})
	case n < 33:
		put(ad3)
	case n < 42:
		put(ad2)
	case n < 48:
		put(fields{"legal_name": pick(k.r, "Schattenhandel Exporte GmbH", "Grauzone Logistika AG")})
	case n < 58: // known already
		if c, err := k.db.Customers.Customer(k.t.Context(), pick(k.r, k.customers...)); err == nil {
			put(fields{"legal_name": c.Data.LegalName})
			if k.chance(50) && len(c.Data.Identifiers) > 0 {
				put(identifier(string(c.Data.Identifiers[0].Scheme), c.Data.Identifiers[0].Value))
			}
		}
	case n < 72 && len(k.open) > 0: // requested already
		v, err := k.db.Cases.View(k.t.Context(), pick(k.r, k.open...).no)
		if err == nil && v.Snapshot.Type == kam.NewCase && v.Request.LegalName != "" {
			put(fields{"legal_name": v.Request.LegalName, "country_code": v.Request.CountryCode, "postal_code": v.Request.PostalCode, "city": v.Request.City})
			if k.chance(50) && len(v.Request.Identifiers) > 0 {
				put(identifier(string(v.Request.Identifiers[0].Scheme), v.Request.Identifiers[0].Value))
			}
		}
	case n < 74:
		put(fields{"identifiers": nil})
	case n < 77:
		put(fields{"addresses": []fields{{"type": "LEGAL", "line1": "Postfach 17", "city": at["city"], "postal_code": at["postal_code"], "country_code": at["country_code"]}}})
	case n < 81:
		put(fields{"declared_potential": nil})
	case n < 84:
		d = fields{"legal_name": d["legal_name"]}
	}
	return d
}

// amendment is a change of some field: of identity, material, of the details,
// an input of the scores, wrong, or none.
func (k *walk) amendment() fields {
	switch k.r.IntN(16) {
	case 0:
		return fields{"legal_name": k.party("DE")["legal_name"]}
	case 1:
		return fields{"phone": fmt.Sprintf("+4989%07d", k.r.IntN(9999999))}
	case 2:
		return fields{"website": fmt.Sprintf("https://haus%d.example", k.r.IntN(1000))}
	case 3:
		return fields{"identifiers": k.party("DE")["identifiers"]}
	case 4:
		return fields{"declared_potential": eur(fmt.Sprintf("%d.00", 20_000+k.r.IntN(900_000)))}
	case 5:
		return fields{"strategic_fit": pick(k.r, "FULL", "PARTIAL", "NONE"), "credit_rating": pick(k.r, "A", "B", "C")}
	case 6:
		return fields{"growth_outlook_pct": k.r.IntN(20)}
	case 7:
		return fields{"satisfaction": k.r.IntN(100), "product_fit": k.r.IntN(100)}
	case 8:
		return details()
	case 9:
		return fields{"justification": fmt.Sprintf("Said in other words, for the %dth time.", k.r.IntN(100))}
	case 10:
		return fields{"parent_customer_id": pick(k.r, k.customers...)}
	case 11:
		return fields{"addresses": []fields{{"type": "LEGAL", "line1": "Postfach 17", "city": "München", "postal_code": "80331", "country_code": "DE"}}}
	case 12:
		return fields{"group_id": "NORDWIND", "group_name": "Nordwind"}
	case 13:
		return pick(k.r, places...).fields
	case 14:
		return fields{"identifiers": []fields{{"scheme": "VAT_EU", "value": "DE136695977"}}}
	default:
		return fields{}
	}
}

// remedy is what a requester sends who wants to be done.
func (k *walk) remedy(s onboarding.Snapshot) fields {
	d := fields{}
	at := places[0].fields
	for _, p := range places {
		if p.fields["country_code"] == s.Country {
			at = p.fields
		}
	}
	for _, p := range []fields{screening(""), details(), {"addresses": at["addresses"]}, {"justification": "Put right, and said once more in full."}} {
		maps.Copy(d, p)
	}
	for _, f := range []string{"legal_name", "country_code", "postal_code", "city", "street", "identifiers"} {
		delete(d, f)
	}
	if s.State == onboarding.Draft {
		maps.Copy(d, at)
		maps.Copy(d, k.party(at["country_code"].(string)))
	}
	if s.Type == kam.Modify || s.Type == kam.Deactivate {
		return fields{"phone": fmt.Sprintf("+4989%07d", k.r.IntN(9999999)), "justification": "The house was closed in February.", "addresses": at["addresses"]}
	}
	if s.State == onboarding.AwaitingCompletion {
		for _, f := range []string{"declared_potential", "strategic_fit", "credit_rating"} {
			delete(d, f)
		}
	}
	if s.State == onboarding.ChangesRequested && k.chance(50) {
		d["identifiers"] = k.party(s.Country)["identifiers"]
		d["parent_customer_id"] = ""
	}
	return d
}

// sensible is what somebody would do whose turn it is.
func (k *walk) sensible(w *walker, s onboarding.Snapshot) (onboarding.Act, fields) {
	mine := s.Requester
	if s.Task != nil && len(s.Task.Assignees) > 0 {
		mine = pick(k.r, s.Task.Assignees...)
	}
	steward := pick(k.r, kam.UserID("stew.one"), "stew.two")
	compliance := pick(k.r, kam.UserID("comp.one"), "comp.two")
	if s.Task != nil && s.Task.ClaimedBy != "" {
		steward, compliance = s.Task.ClaimedBy, s.Task.ClaimedBy
	}
	if s.Task != nil && s.Task.Queue == kam.QueueUnrouted && k.chance(70) {
		return onboarding.Act{Name: onboarding.ActReassign, By: "pol.admin", Assignee: pick(k.r, everybody[:10]...), Reason: "stands in"}, nil
	}
	if onboarding.Takes(s.State, onboarding.EvCancel) && k.chance(2) || s.CancelAskedBy != "" && k.chance(50) {
		a := onboarding.Act{Name: onboarding.ActCancel, Verdict: onboarding.AskCancel, By: "ops.one", Reason: "entered for a test"}
		if s.CancelAskedBy != "" {
			a.Verdict, a.By = onboarding.AgreeCancel, "pol.admin"
		}
		return a, nil
	}
	if k.chance(2) {
		return onboarding.Act{Name: onboarding.ActWithdraw, By: mine}, nil
	}
	n := k.r.IntN(100)
	switch s.State {
	case onboarding.Draft, onboarding.DataEntry:
		return onboarding.Act{Name: onboarding.ActSubmitData, By: mine}, k.remedy(s)
	case onboarding.ChangesRequested:
		d := k.remedy(s)
		if n < 40 {
			d = k.amendment()
		}
		return onboarding.Act{Name: onboarding.ActSubmitData, By: mine}, d
	case onboarding.AwaitingCompletion:
		if n < 25 {
			return onboarding.Act{Name: onboarding.ActAmendMaterial, By: mine}, k.amendment()
		}
		return onboarding.Act{Name: onboarding.ActSubmitDetails, By: mine}, k.remedy(s)
	case onboarding.DuplicateReview:
		if s.Task != nil && s.Task.Queue != "" {
			mine = steward
		}
		a := onboarding.Act{Name: onboarding.ActResolveDuplicate, Verdict: onboarding.NotDuplicate, By: mine, Reason: "another house"}
		if v, err := k.db.Cases.View(k.t.Context(), s.CaseNo); err == nil && n < 40 && len(v.Candidates) > 0 {
			c := pick(k.r, v.Candidates...)
			a.Verdict, a.CustomerNo = pick(k.r, onboarding.UseExisting, onboarding.ConvertToModify, onboarding.ConvertToModify), c.Ref
			for _, x := range v.Candidates {
				if x.Kind == "CASE" {
					c = x
				}
			}
			if c.Kind == "CASE" {
				a.Verdict, a.CustomerNo, a.SameAs = onboarding.SameRequest, "", kam.CaseNo(c.Ref)
			}
		}
		return a, nil
	case onboarding.ComplianceReview:
		return onboarding.Act{Name: onboarding.ActDecideCompliance, Verdict: pick(k.r, onboarding.ClearIt, onboarding.ClearIt, onboarding.ClearIt, onboarding.RefuseIt), By: compliance, Reason: "looked into it"}, nil
	case onboarding.AwaitingConfirmation:
		a := confirm(mine, "good for the territory")
		switch {
		case n < 18:
			a = sendBack(mine)
		case n < 23:
			a = onboarding.Act{Name: onboarding.ActDecideConfirmation, Verdict: onboarding.RejectIt, By: mine, ExpectHash: current, ReasonCode: "CAPACITY", Reason: "no capacity"}
		case n < 36:
			return onboarding.Act{Name: onboarding.ActAmendMaterial, By: s.Requester}, k.amendment()
		case n < 42:
			a = onboarding.Act{Name: onboarding.ActReassign, By: mine, Assignee: pick(k.r, everybody[:10]...), Reason: "on a fair next week"}
		case n < 48:
			a = onboarding.Act{Name: onboarding.ActReevaluate, By: "pol.admin", Reason: "the new rules are meant for these"}
		}
		if a.ExpectHash != "" {
			a.ExpectHash = s.MaterialHash
		}
		return a, nil
	case onboarding.ValidationReview:
		a := waive(steward)
		if s.Task != nil && s.Task.Queue == string(kam.ComplianceRole) || n < 15 {
			a.By = compliance
		}
		switch {
		case n > 92:
			a.Verdict, a.CustomerNo = onboarding.MergeIt, pick(k.r, k.customers...)
			if k.chance(50) {
				a.Verdict, a.SameAs = onboarding.SameRequest, pick(k.r, k.open...).no
			}
		case n > 82:
			a.Verdict = onboarding.SendBack
		case n > 78:
			a.Verdict = onboarding.RefuseIt
		case n > 70:
			a = onboarding.Act{Name: pick(k.r, onboarding.ActClaim, onboarding.ActRelease), By: a.By}
		}
		return a, nil
	case onboarding.AwaitingEndorsement:
		a := endorse(mine)
		switch {
		case n < 12:
			a.Verdict, a.Reason = onboarding.Decline, "too early"
		case n < 30:
			a.Verdict, a.Tier, a.Reason = onboarding.ChangeTier, pick(k.r, kam.Tiers...), "they buy for more than one place"
		case n < 38:
			a = onboarding.Act{Name: onboarding.ActReassign, By: mine, Assignee: pick(k.r, everybody[:10]...), Reason: "on a fair next week"}
		case n < 50:
			a.OwnerID = "kam.one"
		}
		return a, nil
	case onboarding.NeedsIntervention:
		return onboarding.Act{Name: onboarding.ActRetry, By: "ops.one", Reason: "repaired"}, nil
	}
	return onboarding.Act{Name: onboarding.ActComment, By: mine, Reason: "How far is it?"}, nil
}

// anything is any act of the table by anybody, with or without what it needs.
func (k *walk) anything(s onboarding.Snapshot) (onboarding.Act, fields) {
	spec := pick(k.r, onboarding.Acts...)
	// Half of the time one that the state takes.
	for i := 0; i < 20 && k.chance(70) && !spec.TakenIn(s.State); i++ {
		spec = pick(k.r, onboarding.Acts...)
	}
	a := onboarding.Act{Name: spec.Name, Verdict: spec.Verdict, By: pick(k.r, everybody...)}
	if k.chance(30) {
		a.By = s.Requester
	}
	if k.chance(75) {
		a.ExpectHash = s.MaterialHash
	} else if k.chance(50) {
		a.ExpectHash = "sha256:0000000000000000000000000000000000000000000000000000000000000000"
	}
	if k.chance(10) {
		a.ExpectRevision = s.Revision - k.r.IntN(2)
	}
	if k.chance(80) {
		a.Reason = "because"
	}
	if k.chance(80) {
		a.ReasonCode = pick(k.r, onboarding.ReasonCodes...)
	}
	if k.chance(5) {
		a.ReasonCode = "NONSENSE"
	}
	if k.chance(60) {
		a.Fields = pick(k.r, []string{"legal_name"}, []string{"contacts[].email", "phone"}, []string{"no_such_field"})
	}
	a.CustomerNo = pick(k.r, append(k.customers[:len(k.customers):len(k.customers)], "C-NONE", "")...)
	if len(k.open) > 0 {
		a.SameAs = pick(k.r, k.open...).no
	}
	a.Tier = pick(k.r, append(kam.Tiers[:len(kam.Tiers):len(kam.Tiers)], "", "HUGE")...)
	a.Assignee = pick(k.r, everybody...)
	if k.chance(20) {
		a.OwnerID = pick(k.r, everybody...)
	}
	if k.chance(5) {
		a.ReleaseAccount = "KA-000001"
	}
	for _, n := range spec.Needs {
		if n == onboarding.NeedData && k.chance(90) {
			return a, k.amendment()
		}
	}
	return a, nil
}

// A sent act waits for its answer.
type sent struct {
	act    onboarding.Act
	fresh  bool // its decision id was not used before
	told   bool
	judged bool
	code   kam.Code
	err    error
	got    onboarding.Progress
}

// again sends an act once more, as it was or with other content.
func (k *walk) again(w *walker, s onboarding.Snapshot) {
	if len(w.sent) == 0 {
		k.note(w, "time passes in %s", s.State)
		return
	}
	a := pick(k.r, w.sent...).act
	if k.chance(50) {
		a.Reason += " and more"
	}
	w.deliver(s, a, false)
}

// try sends an act with an id of its own, as the client does: data are staged
// first, and a withdrawal is noted for the commit to see.
func (w *walker) try(s onboarding.Snapshot, a onboarding.Act, d fields) {
	w.acts++
	a.DecisionID = fmt.Sprintf("%s-act-%d", w.no, w.acts)
	if d != nil {
		digest, err := w.db.Cases.StageData(w.t.Context(), w.no, a.DecisionID, data(w.t, d))
		if err != nil {
			w.k.fail(w, "stage: %v", err)
		}
		a.DataDigest = digest
	}
	if a.Name == onboarding.ActWithdraw && a.Check() == nil && !s.State.Ended() && !s.State.AfterCommit() && w.mayIntend(s, a.By) {
		if err := w.db.Cases.WithdrawIntent(w.t.Context(), w.no, a.By, a.DecisionID); err != nil {
			w.k.fail(w, "intend: %v", err)
		}
	}
	w.deliver(s, a, true)
}

// mayIntend says whose withdrawals the client notes for the commit: those of
// the requester and of his manager.
func (w *walker) mayIntend(s onboarding.Snapshot, by kam.UserID) bool {
	who, err := w.db.Access.Person(w.t.Context(), s.Requester)
	return by == s.Requester || err == nil && who.ManagerID == by
}

func (w *walker) deliver(s onboarding.Snapshot, a onboarding.Act, fresh bool) {
	k := w.k
	x := &sent{act: a, fresh: fresh}
	w.sent = append(w.sent, x)
	k.note(w, "%s %s by %s in %s (fresh %t)", a.Name, a.Verdict, a.By, s.State, fresh)
	w.env.UpdateWorkflow(string(a.Name), fmt.Sprintf("%s/%d", a.DecisionID, len(w.sent)), &testsuite.TestUpdateCallback{
		OnAccept: func() {},
		OnReject: func(err error) {
			x.told, x.code, x.err = true, codeOf(err), err
			// What the validator refuses leaves no trace in Temporal: the client
			// records it. A form that is not complete it does not even send.
			if e := kam.AsError(kam.Errorf(x.code, "%v", err)); a.Check() == nil && x.code != kam.Unreachable {
				if err := w.db.Cases.Refuse(w.t.Context(), w.no, a, e, w.env.Now()); err != nil {
					k.fail(w, "refuse: %v", err)
				}
			}
		},
		OnComplete: func(got any, err error) {
			x.told, x.code, x.err = true, codeOf(err), err
			if p, ok := got.(onboarding.Progress); ok {
				x.got = p
			}
		},
	}, w.signs(a))
}
