package policy

import (
	"cmp"
	"fmt"
	"reflect"
	"slices"
	"sort"
	"strings"
	"sync"
	"time"

	"github.com/kamflow/kamflow/kam"
)

// registerRules are findings of a lookup at a register, which the engine does
// not make yet.
var registerRules = []string{"VI06", "VI07", "VI08"}

// shippedPolicy is read once.
var shippedPolicy = sync.OnceValues(func() (*Policy, error) { return Parse(defaultYAML) })

// Load reads a policy that is to be put in force at a time. Besides what
// [Parse] demands, everything that it sets must be carried out: a setting
// that is not in force (see [NotInForce]) keeps its default, a wait has no part
// that its task does not go by, no target that its task cannot last for, and no
// setting depends on another that switches it off. The error is a [*Error].
//
// A version that was stored is read by Parse: open cases go on under it,
// whatever a later program carries out.
func Load(text []byte, at time.Time) (*Policy, error) {
	shipped, err := shippedPolicy()
	if err != nil {
		return nil, fmt.Errorf("read the policy that is shipped: %w", err)
	}
	if err := checkDecimals(text); err != nil {
		return nil, err
	}
	return parse(text, func(r *reader, p *Policy) {
		r.inForce(reflect.ValueOf(*p), reflect.ValueOf(*shipped), "")
		r.targets(p)
		if from, err := time.Parse(time.DateOnly, p.EffectiveFrom); err == nil && from.After(at) {
			r.failAt("effective_from", kam.Say("load it on that day, or give a day that has come"), "a policy is in force from when it is loaded, not from %s", p.EffectiveFrom)
		}
		if p.KeyAccount.CompanyRevenue != nil && p.KeyAccount.ThresholdMode != ShareOfCompanyRevenue {
			r.failAt("key_account.company_revenue", kam.Say("leave it out, or set threshold_mode: %s", ShareOfCompanyRevenue), "it counts with threshold_mode %s only", ShareOfCompanyRevenue)
		}
		for _, id := range registerRules {
			if _, set := p.Findings[id]; set {
				r.failAt("findings."+id, kam.Say("leave it out"), "not in force: registers are not asked yet, so there is no such finding")
			}
		}
	})
}

// inForce refuses what differs from the shipped policy and is not carried out.
func (r *reader) inForce(got, shipped reflect.Value, path string) {
	for i := range got.NumField() {
		f := got.Type().Field(i)
		if f.Tag.Get("yaml") == "" {
			continue
		}
		at := join(path, f.Tag.Get("yaml"))
		switch why := idle(f.Tag); {
		case why != "":
			for _, changed := range differences(got.Field(i), shipped.Field(i), at) {
				r.failAt(r.known(changed.path), kam.Say("give %s", changed.shipped), "not in force: %s", why)
			}
		case f.Type == reflect.TypeFor[Wait]():
			r.takes(got.Field(i), at, strings.Fields(f.Tag.Get("takes")))
		case f.Type.Kind() == reflect.Struct:
			r.inForce(got.Field(i), shipped.Field(i), at)
		}
	}
}

// takes refuses the parts of a wait that its task does not go by.
func (r *reader) takes(wait reflect.Value, path string, parts []string) {
	for i := range wait.NumField() {
		part := wait.Type().Field(i).Tag.Get("yaml")
		if !wait.Field(i).IsNil() && !slices.Contains(parts, part) {
			r.failAt(join(path, part), kam.Say("leave it out"), "this task has no %s; it has %s", part, kam.ListOf(parts))
		}
	}
}

// targets refuses a target that is later than the end of its task, counted in
// days of the policy's calendar.
func (r *reader) targets(p *Policy) {
	c, err := p.Calendar.Default()
	if err != nil {
		return // refused at calendar
	}
	sla := reflect.ValueOf(p.SLA)
	for i := range sla.NumField() {
		wait, ok := sla.Field(i).Interface().(Wait)
		if !ok || wait.Target == nil {
			continue
		}
		days := cmp.Or(wait.Expire, wait.Lapse)
		if days == nil {
			continue
		}
		if most := kam.HoursOf(c.Day()) * *days / 100; *wait.Target > most {
			r.failAt(join("sla", join(sla.Type().Field(i).Tag.Get("yaml"), "target")), kam.Say("give at most %s", most), "%s hours are more than the task lasts, %s business days", *wait.Target, *days)
		}
	}
}

// known is the nearest place above path that stands in the file.
func (r *reader) known(path string) string {
	for path != "" && r.at[path] == nil {
		path = path[:max(strings.LastIndexAny(path, ".["), 0)]
	}
	return path
}

// idle says why a setting keeps its default, "" where it is carried out.
func idle(tag reflect.StructTag) string {
	switch {
	case tag.Get("later") != "":
		return "step " + tag.Get("later") + " of the process does not go by it yet"
	case tag.Get("fixed") != "":
		return "the engine carries out no other value yet"
	}
	return ""
}

// A Setting is a key of the policy that keeps its default, and why.
type Setting struct {
	Path string `json:"path"`
	Why  string `json:"why"`
}

// NotInForce lists the settings that the engine does not carry out, or at their
// default alone, in the order of the policy. [Load] refuses any other
// value.
func NotInForce() []Setting {
	var all []Setting
	var walk func(t reflect.Type, path string)
	walk = func(t reflect.Type, path string) {
		for i := range t.NumField() {
			f := t.Field(i)
			at := join(path, f.Tag.Get("yaml"))
			if why := idle(f.Tag); why != "" {
				all = append(all, Setting{at, why})
			} else if f.Tag.Get("yaml") != "" && f.Type.Kind() == reflect.Struct {
				walk(f.Type, at)
			}
		}
	}
	walk(reflect.TypeFor[Policy](), "")
	return all
}

// A difference is a place where two policies are not the same.
type difference struct{ path, shipped string }

func differences(got, shipped reflect.Value, path string) (out []difference) {
	if reflect.DeepEqual(got.Interface(), shipped.Interface()) {
		return nil
	}
	switch got.Kind() {
	case reflect.Struct:
		for i := range got.NumField() {
			if key := got.Type().Field(i).Tag.Get("yaml"); key != "" {
				out = append(out, differences(got.Field(i), shipped.Field(i), join(path, key))...)
			}
		}
		return out
	case reflect.Map:
		keys := got.MapKeys()
		sort.Slice(keys, func(i, j int) bool { return keys[i].String() < keys[j].String() })
		for _, k := range keys {
			if was := shipped.MapIndex(k); was.IsValid() {
				out = append(out, differences(got.MapIndex(k), was, join(path, k.String()))...)
			}
		}
		return out
	}
	return []difference{{path, fmt.Sprint(shipped.Interface())}}
}
