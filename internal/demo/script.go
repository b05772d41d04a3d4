package demo

import (
	"bytes"
	"cmp"
	"fmt"
	"io/fs"
	"path"
	"strings"

	"github.com/google/uuid"
	"go.yaml.in/yaml/v3"

	"github.com/kamflow/kamflow/config/sample"
	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/customer"
	"github.com/kamflow/kamflow/kam/onboarding"
)

// A Script is one case: the request that somebody starts, and who decides what
// on it.
type Script struct {
	Name string `yaml:"-"`
	// Request holds the data: of a NEW case the JSON file beside the script, of
	// any other, and of an appeal, the few fields of Change.
	Request customer.RequestData `yaml:"-"`

	Title  string     `yaml:"title"`
	Shows  string     `yaml:"shows"` // which example or scenario of the process
	By     kam.UserID `yaml:"by"`
	Steps  []Step     `yaml:"steps"`
	Expect Expect     `yaml:"expect"`

	Type       kam.CaseType             `yaml:"type"` // NEW when empty
	CustomerNo string                   `yaml:"customer_no"`
	Trigger    onboarding.ReviewTrigger `yaml:"trigger"` // of a RECLASSIFY
	Change     map[string]any           `yaml:"change"`
	// AppealOf names the script whose rejection is appealed: its data with
	// Change laid over them are the request.
	AppealOf string `yaml:"appeal_of"`
	// After names the script that has to be over before this one starts.
	After string `yaml:"after"`
}

// waitsFor is the script that comes first, "" where none has to.
func (s Script) waitsFor() string { return cmp.Or(s.AppealOf, s.After) }

// A Step is what one person does once the case is in a state.
type Step struct {
	By         kam.UserID       `yaml:"by"`
	In         onboarding.State `yaml:"in"`
	Do         string           `yaml:"do"`
	Reason     string           `yaml:"reason"`
	ReasonCode string           `yaml:"reason_code"`
	Fields     []string         `yaml:"fields"`
	CustomerNo string           `yaml:"customer_no"`
	Tier       kam.Tier         `yaml:"tier"`
	Owner      kam.UserID       `yaml:"owner"`
	Release    string           `yaml:"release"` // key account that makes room
	Data       map[string]any   `yaml:"data"`
}

// Expect is where the case stands when everybody has done his part.
type Expect struct {
	State   onboarding.State   `yaml:"state"`
	Outcome onboarding.Outcome `yaml:"outcome"`
	Tier    kam.Tier           `yaml:"tier"`
}

// verbs are the words of a script. What "clear", "refuse" and "send_back"
// mean depends on the state, see [Step.Act].
var verbs = map[string]onboarding.Act{
	"confirm":           {Name: onboarding.ActDecideConfirmation, Verdict: onboarding.Confirm},
	"reject":            {Name: onboarding.ActDecideConfirmation, Verdict: onboarding.RejectIt},
	"send_back":         {Name: onboarding.ActDecideConfirmation, Verdict: onboarding.SendBack},
	"clear":             {Name: onboarding.ActDecideCompliance, Verdict: onboarding.ClearIt},
	"refuse":            {Name: onboarding.ActDecideCompliance, Verdict: onboarding.RefuseIt},
	"merge":             {Name: onboarding.ActDecideValidation, Verdict: onboarding.MergeIt},
	"endorse":           {Name: onboarding.ActDecideEndorsement, Verdict: onboarding.Endorse},
	"decline":           {Name: onboarding.ActDecideEndorsement, Verdict: onboarding.Decline},
	"change_tier":       {Name: onboarding.ActDecideEndorsement, Verdict: onboarding.ChangeTier},
	"claim":             {Name: onboarding.ActClaim},
	"release":           {Name: onboarding.ActRelease},
	"cancel_ask":        {Name: onboarding.ActCancel, Verdict: onboarding.AskCancel},
	"cancel_agree":      {Name: onboarding.ActCancel, Verdict: onboarding.AgreeCancel},
	"reevaluate":        {Name: onboarding.ActReevaluate},
	"convert_to_modify": {Name: onboarding.ActResolveDuplicate, Verdict: onboarding.ConvertToModify},
	"not_duplicate":     {Name: onboarding.ActResolveDuplicate, Verdict: onboarding.NotDuplicate},
	"use_existing":      {Name: onboarding.ActResolveDuplicate, Verdict: onboarding.UseExisting},
	"submit_data":       {Name: onboarding.ActSubmitData},
	"submit_details":    {Name: onboarding.ActSubmitDetails},
	"amend":             {Name: onboarding.ActAmendMaterial},
	"withdraw":          {Name: onboarding.ActWithdraw},
	"comment":           {Name: onboarding.ActComment},
}

// Act makes the act of a step, but for its id and hash.
func (s Step) Act() (onboarding.Act, *customer.RequestData, error) {
	a, ok := verbs[s.Do]
	if !ok {
		return a, nil, fmt.Errorf("nobody can %q", s.Do)
	}
	if s.In == onboarding.ValidationReview && (s.Do == "clear" || s.Do == "refuse" || s.Do == "send_back") {
		a.Name = onboarding.ActDecideValidation
	}
	a.By, a.Reason, a.ReasonCode, a.Fields = s.By, s.Reason, s.ReasonCode, s.Fields
	a.CustomerNo, a.Tier, a.OwnerID, a.ReleaseAccount = s.CustomerNo, s.Tier, s.Owner, s.Release
	if s.Data == nil {
		return a, nil, nil
	}
	var data customer.RequestData
	if err := remarshal(s.Data, &data); err != nil {
		return a, nil, err
	}
	return a, &data, nil
}

// space derives the ids of a script, so that playing it again sends the same
// requests and the same acts.
var space = uuid.MustParse("3c1d5f0e-7f0a-5b7e-9a53-6f5a0f1f2c11")

// Key is the request key of the script: the same each time it is played.
func (s Script) Key() string { return uuid.NewSHA1(space, []byte(s.Name)).String() }

// DecisionID is the id of the act that a step is: the same each time it is
// played.
func (s Script) DecisionID(step int) string {
	return uuid.NewSHA1(space, fmt.Appendf(nil, "%s/%d", s.Name, step)).String()
}

// Scripts reads the sample cases, in the order of their names.
func Scripts() ([]Script, error) {
	names, err := fs.Glob(sample.FS(), path.Join(sample.Onboardings, "*.yaml"))
	if err != nil {
		return nil, err
	}
	scripts := make([]Script, len(names))
	before := map[string]Script{}
	for i, name := range names {
		s, err := readScript(name)
		if err == nil {
			err = s.follows(before)
		}
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", name, err)
		}
		scripts[i], before[s.Name] = s, s
	}
	return scripts, nil
}

func readScript(name string) (Script, error) {
	s := Script{Name: strings.TrimSuffix(path.Base(name), ".yaml"), Type: kam.NewCase}
	raw, err := fs.ReadFile(sample.FS(), name)
	if err != nil {
		return s, err
	}
	dec := yaml.NewDecoder(bytes.NewReader(raw))
	dec.KnownFields(true)
	if err := dec.Decode(&s); err != nil {
		return s, err
	}
	for i, step := range s.Steps {
		if _, _, err := step.Act(); err != nil {
			return s, fmt.Errorf("step %d: %w", i+1, err)
		}
	}
	if s.Type != kam.NewCase || s.AppealOf != "" {
		return s, remarshal(s.Change, &s.Request)
	}
	request, err := fs.ReadFile(sample.FS(), strings.TrimSuffix(name, ".yaml")+".json")
	if err != nil {
		return s, err
	}
	return s, kam.StrictUnmarshal(request, &s.Request)
}

// follows sees to it that the script which comes first is known and comes
// before in the order of names, and takes an appeal's data from it.
func (s *Script) follows(before map[string]Script) error {
	first, known := before[s.waitsFor()]
	switch {
	case s.waitsFor() != "" && !known:
		return fmt.Errorf("there is no script %q before it", s.waitsFor())
	case s.AppealOf == "":
		return nil
	}
	var err error
	s.Request, err = customer.Overlay(first.Request, s.Request)
	return err
}
