package caseview

import (
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/kamflow/kamflow/gateway"
	"github.com/kamflow/kamflow/gateway/page"
	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/customer"
	"github.com/kamflow/kamflow/kam/onboarding"
	"github.com/kamflow/kamflow/service"
)

// A Verb is what can be done, as a button or a form.
type Verb struct {
	Act     onboarding.ActName
	Verdict onboarding.Verdict
	Label   string
	Key     string // on the keyboard, "" for none
	Main    bool   // the first that is open to him: what the task asks for
	Fields  []Input
	Open    bool         // its form: something of it was refused
	Cause   kam.Sentence // why he may not
	Advice  kam.Sentence // and what to do
	Closed  bool         // he may not
	Link    string       // its form has a page of its own
}

// Direct says that the verb is a button without a form.
func (v Verb) Direct() bool { return len(v.Fields) == 0 }

// Deciding says that the verb decides what the case waits for.
func (v Verb) Deciding() bool {
	switch v.Act {
	case onboarding.ActAmendMaterial, onboarding.ActWithdraw, onboarding.ActReassign, onboarding.ActComment, onboarding.ActReevaluate, onboarding.ActCancel, onboarding.ActRelease:
		return false
	}
	return true
}

// ID names the verb on the page.
func (v Verb) ID() string { return strings.ToLower(string(v.Act) + "-" + string(v.Verdict)) }

// An Input is one field of the form of a verb.
type Input struct {
	Name, ID, Label, Value string
	Kind                   string // text, long, choice, many
	Required               bool
	Options                []Option
	Max                    int
}

// An Option is a value to choose, or to propose.
type Option struct {
	Value, Text string
	Picked      bool
}

// keys are the letters of verbs. A verb without one is reached by Tab.
var keys = map[string]string{
	string(onboarding.Confirm): "c", string(onboarding.SendBack): "b", string(onboarding.RejectIt): "r", string(onboarding.Endorse): "e", string(onboarding.Decline): "d",
	string(onboarding.ChangeTier): "t", string(onboarding.ClearIt): "c", string(onboarding.RefuseIt): "r", string(onboarding.MergeIt): "u", string(onboarding.SameRequest): "s",
	string(onboarding.NotDuplicate): "n", string(onboarding.UseExisting): "u", string(onboarding.ConvertToModify): "v",
	string(onboarding.ActWithdraw): "w", string(onboarding.ActReassign): "o", string(onboarding.ActComment): "m", string(onboarding.ActClaim): "l", string(onboarding.ActRelease): "l", string(onboarding.ActRetry): "y",
	string(onboarding.AskCancel): "z", string(onboarding.AgreeCancel): "z",
}

// nameOf is the verdict of a verb, else the act.
func nameOf(act onboarding.ActName, verdict onboarding.Verdict) string {
	if verdict != "" {
		return string(verdict)
	}
	return string(act)
}

// Label is a verb on its button.
func Label(w page.Words, act onboarding.ActName, verdict onboarding.Verdict) string {
	return w.Text("verb." + nameOf(act, verdict))
}

// Typed is what a form had in it when it was refused.
type Typed struct {
	onboarding.Act
	Revision int // that he had before his eyes
}

// verbs are the verbs of the case, in the order of the table. Data have a page of
// their own, to which those who may change them are led.
func (p *Pane) verbs(v *gateway.Visit, typed *Typed) {
	main := false
	for _, x := range p.CaseView.Verbs {
		data := slices.Contains(x.Needs, onboarding.NeedData)
		if data && x.Cause != nil {
			continue
		}
		name := nameOf(x.Act, x.Verdict)
		verb := Verb{Act: x.Act, Verdict: x.Verdict, Label: Label(v.Words, x.Act, x.Verdict), Key: keys[name]}
		if x.Cause != nil {
			verb.Closed, verb.Cause, verb.Advice = true, x.Cause.Message(), x.Cause.HowTo()
		} else if !main && verb.Deciding() {
			verb.Main, main = true, true
		}
		if data {
			verb.Link = "/cases/" + string(p.Snapshot.CaseNo) + "/data"
			p.Verbs = append(p.Verbs, verb)
			continue
		}
		var was onboarding.Act
		if typed != nil && typed.Name == x.Act && typed.Verdict == x.Verdict {
			was, verb.Open = typed.Act, true
			if typed.DecisionID != "" {
				p.DecisionID = typed.DecisionID
			}
		}
		verb.Fields = p.inputs(v, x, was, verb)
		p.Verbs = append(p.Verbs, verb)
	}
}

// inputs are the fields that a verb needs, and those that it may have.
func (p *Pane) inputs(v *gateway.Visit, x service.Verb, was onboarding.Act, verb Verb) []Input {
	var all []Input
	add := func(i Input) {
		if i.ID = i.Name; !verb.Open {
			i.ID += "-" + verb.ID()
		}
		i.Label = v.Text("input." + i.Name)
		if i.Max == 0 {
			i.Max = 80
		}
		all = append(all, i)
	}
	reason := Input{Name: "reason", Value: was.Reason, Kind: "long", Max: onboarding.MaxReason}
	for _, n := range x.Needs {
		switch n {
		case onboarding.NeedReason:
			reason.Required = true
		case onboarding.NeedReasonCode:
			add(Input{Name: "reason_code", Kind: "choice", Required: true, Options: options(v, onboarding.ReasonCodes, was.ReasonCode)})
		case onboarding.NeedFields:
			add(Input{Name: "fields", Kind: "many", Options: p.fieldsToChange(v, was.Fields)})
		case onboarding.NeedCustomer:
			add(Input{Name: "customer_no", Kind: "text", Required: true, Value: was.CustomerNo, Options: p.proposals(service.PartyCustomer)})
		case onboarding.NeedCase:
			add(Input{Name: "same_as", Kind: "text", Required: true, Value: string(was.SameAs), Options: p.proposals(service.PartyCase)})
		case onboarding.NeedTier:
			add(Input{Name: "tier", Kind: "choice", Required: true, Options: options(v, kam.Tiers, was.Tier)})
		case onboarding.NeedAssignee:
			add(Input{Name: "assignee", Kind: "text", Required: true, Value: string(was.Assignee)})
		}
	}
	if x.Verdict == onboarding.Endorse {
		add(Input{Name: "owner_id", Kind: "text", Value: string(was.OwnerID)})
		add(Input{Name: "release_account", Kind: "text", Value: was.ReleaseAccount})
	}
	if reason.Required || !atOnce(x) {
		add(reason)
	}
	return all
}

// atOnce says that a verb asks for nothing more than a press of its button.
func atOnce(x service.Verb) bool {
	switch x.Act {
	case onboarding.ActClaim, onboarding.ActRelease, onboarding.ActRetry:
		return true
	}
	return x.Verdict == onboarding.Confirm
}

func options[T ~string](v *gateway.Visit, all []T, picked T) []Option {
	out := make([]Option, len(all))
	for i, x := range all {
		out[i] = Option{string(x), v.Code(string(x)), x == picked}
	}
	return out
}

// proposals are the candidates of a kind.
func (p *Pane) proposals(kind string) []Option {
	var all []Option
	for _, c := range p.Candidates {
		if c.Kind == kind {
			all = append(all, Option{Value: c.Ref, Text: c.Name})
		}
	}
	return all
}

// fieldsToChange are the fields that may be sent back: those that are there or
// required, as the form has them.
func (p *Pane) fieldsToChange(v *gateway.Visit, picked []string) []Option {
	there := map[string]bool{}
	for _, c := range customer.Diff(customer.RequestData{}, p.Request) {
		there[c.Field] = true
	}
	var all []Option
	for _, f := range customer.Fields {
		if strings.Contains(f.Name, "[]") || f.Set != customer.Screening || !there[f.Name] && !f.Required {
			continue
		}
		all = append(all, Option{f.Name, v.Field(f.Name), slices.Contains(picked, f.Name)})
	}
	return all
}

// Read is the act that a form asks for.
func Read(r *http.Request) Typed {
	in := func(name string) string { return strings.TrimSpace(r.PostForm.Get(name)) }
	revision, _ := strconv.Atoi(in("revision")) // of no form of ours: none
	return Typed{Revision: revision, Act: onboarding.Act{
		DecisionID: in("decision_id"), Name: onboarding.ActName(in("act")), Verdict: onboarding.Verdict(in("decision")), ExpectHash: in("material_hash"),
		ReasonCode: in("reason_code"), Reason: strings.ReplaceAll(in("reason"), "\r\n", "\n"), Fields: r.PostForm["fields"], CustomerNo: in("customer_no"), Tier: kam.Tier(in("tier")),
		Assignee: kam.UserID(in("assignee")), OwnerID: kam.UserID(in("owner_id")), ReleaseAccount: in("release_account"), SameAs: kam.CaseNo(in("same_as")),
	}}
}

// Decide carries out what a form asks for, and says what it led to. Refused, what
// was typed comes back with the refusal: another try of the same is the same
// decision where no answer came, else a new one.
func (d Desk) Decide(r *http.Request, v *gateway.Visit, no kam.CaseNo) (done string, _ *Typed, _ error) {
	typed := Read(r)
	act := typed.Act
	if hash := slices.Contains(needsOf(act), onboarding.NeedHash); !hash {
		act.ExpectHash = ""
	}
	p, err := d.Service.Decide(r.Context(), v.Who, no, act, nil)
	if err == nil {
		s := p.Snapshot
		return v.Text("case.done", Label(v.Words, act.Name, act.Verdict), string(no), v.State(s.State)), nil, nil
	}
	if kam.CodeOf(err) != kam.Unreachable {
		typed.DecisionID = ""
	}
	return "", &typed, err
}

func needsOf(a onboarding.Act) []onboarding.Need {
	spec, err := a.Spec()
	if err != nil {
		return nil // the service refuses it
	}
	return spec.Needs
}
