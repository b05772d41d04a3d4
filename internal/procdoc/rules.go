package procdoc

import (
	_ "embed"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"text/template"

	"go.yaml.in/yaml/v3"

	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/book"
	"github.com/kamflow/kamflow/kam/customer"
	"github.com/kamflow/kamflow/kam/onboarding"
	"github.com/kamflow/kamflow/kam/rules"
	"github.com/kamflow/kamflow/kam/rules/policy"
)

// rulesText holds the parts of docs/rules.md that people write. What the code
// or the policy knows is called from it, never repeated.
//
//go:embed rules.md.tmpl
var rulesText string

// Rules is docs/rules.md.
func Rules() string {
	shipped := policyNode()
	page := template.Must(template.New("rules").Funcs(template.FuncMap{
		"policy":       func(path string) (string, error) { return scalar(shipped, path) },
		"bands":        func(path string) (string, error) { return bands(shipped, path) },
		"policyTable":  func() string { return policyTable(shipped) },
		"tiers":        func() (string, error) { return tierTable(shipped) },
		"waits":        func() (string, error) { return waitTable(shipped) },
		"labels":       labels,
		"levels":       levels,
		"hardStops":    func() (string, error) { return hardStops(shipped) },
		"gates":        gates,
		"findings":     findings,
		"fields":       fields,
		"material":     func() string { return fieldNames(func(s customer.FieldSpec) bool { return s.Material }) },
		"classInputs":  func() string { return fieldNames(func(s customer.FieldSpec) bool { return s.ClassInput }) },
		"schemes":      func() string { return strings.Join(kam.Choices("identifiers[].scheme"), ", ") },
		"rulesVersion": func() int { return rules.Version },
		"changes":      changes,
		"triggers":     func() string { return list(onboarding.ReviewTriggers) },
		"reasons":      func() string { return list(onboarding.ReasonCodes) },
		"batchLimits":  batchLimits,
	}).Parse(rulesText))
	var b strings.Builder
	if err := page.Execute(&b, nil); err != nil {
		panic(err) // a path that the policy does not have; the test of the page sees it first
	}
	return strings.TrimRight(b.String(), "\n") + "\n"
}

// policyNode is the shipped policy as it is written, in its order and with its
// comments.
func policyNode() *yaml.Node {
	var doc yaml.Node
	if err := yaml.Unmarshal(policy.DefaultYAML(), &doc); err != nil {
		panic(err) // the tests of kam/rules read the same text
	}
	return doc.Content[0]
}

// at follows a path of keys, "add_decision.add_at".
func at(root *yaml.Node, path string) (*yaml.Node, error) {
	node := root
	for key := range strings.SplitSeq(path, ".") {
		next := child(node, key)
		if next == nil {
			return nil, fmt.Errorf("the policy has no %s", path)
		}
		node = next
	}
	return node, nil
}

func child(node *yaml.Node, key string) *yaml.Node {
	for i := 0; node.Kind == yaml.MappingNode && i+1 < len(node.Content); i += 2 {
		if node.Content[i].Value == key {
			return node.Content[i+1]
		}
	}
	return nil
}

// scalar is the value at a path, "add_decision.add_at".
func scalar(root *yaml.Node, path string) (string, error) {
	node, err := at(root, path)
	if err != nil {
		return "", err
	}
	return written(node), nil
}

// written is a value as a page shows it: thousands are separated.
func written(node *yaml.Node) string {
	switch node.Kind {
	case yaml.ScalarNode:
		if node.Tag == "!!null" {
			return "never"
		}
		if n, err := strconv.Atoi(node.Value); err == nil {
			return thousands(n)
		}
		return node.Value
	case yaml.SequenceNode:
		if len(node.Content) == 0 {
			return "none"
		}
		var parts []string
		for _, n := range node.Content {
			parts = append(parts, written(n))
		}
		return strings.Join(parts, ", ")
	case yaml.MappingNode:
		var parts []string
		for i := 0; i+1 < len(node.Content); i += 2 {
			parts = append(parts, node.Content[i].Value+" "+written(node.Content[i+1]))
		}
		return strings.Join(parts, ", ")
	}
	return ""
}

func thousands(n int) string {
	s := strconv.Itoa(n)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// bands says a table of lower bounds in words: below 5,000: 0; from 5,000: 40.
func bands(root *yaml.Node, path string) (string, error) {
	node, err := at(root, path)
	if err != nil {
		return "", err
	}
	var parts []string
	for i, row := range node.Content {
		from, points := row.Content[0], written(row.Content[1])
		switch {
		case i == 0 && len(node.Content) > 1:
			parts = append(parts, "below "+written(node.Content[1].Content[0])+": "+points)
		default:
			parts = append(parts, "from "+written(from)+": "+points)
		}
	}
	return strings.Join(parts, "; "), nil
}

func tableOf(head string, rows [][]string) string {
	var b strings.Builder
	table(&b, head, rows)
	return strings.TrimRight(b.String(), "\n")
}

// policyTable lists every key of the shipped policy with its value and the
// comment beside it.
func policyTable(root *yaml.Node) string {
	idle := map[string]bool{}
	for _, s := range policy.NotInForce() {
		idle[s.Path] = true
	}
	var all [][]string
	var walk func(path string, node *yaml.Node)
	walk = func(path string, node *yaml.Node) {
		for i := 0; i+1 < len(node.Content); i += 2 {
			key, value := node.Content[i], node.Content[i+1]
			name := strings.TrimPrefix(path+"."+key.Value, ".")
			if value.Kind == yaml.MappingNode && value.Style&yaml.FlowStyle == 0 {
				walk(name, value)
				continue
			}
			text := written(value)
			if value.Kind == yaml.SequenceNode && len(value.Content) > 0 && value.Content[0].Kind != yaml.ScalarNode {
				var lines []string
				for _, n := range value.Content {
					lines = append(lines, strings.ReplaceAll(written(n), ", ", " · "))
				}
				text = strings.Join(lines, "; ")
			}
			settable := ""
			if keeps(idle, name) {
				settable = "not yet"
			}
			for i := 0; value.Kind == yaml.MappingNode && i < len(value.Content); i += 2 {
				if part := value.Content[i].Value; settable == "" && idle[name+"."+part] {
					settable = "not yet: " + part
				}
			}
			all = append(all, []string{code(name), text, settable, comment(key, value)})
		}
	}
	walk("", root)
	return tableOf("Key|Default|May be set|Remark", all)
}

// keeps says whether a key, or one above it, is not in force: it keeps its
// default.
func keeps(idle map[string]bool, name string) bool {
	for name != "" {
		if idle[name] {
			return true
		}
		name = name[:max(strings.LastIndexByte(name, '.'), 0)]
	}
	return false
}

func comment(nodes ...*yaml.Node) string {
	for _, n := range nodes {
		if c := strings.TrimSpace(strings.TrimPrefix(n.LineComment, "#")); c != "" {
			return c
		}
	}
	return ""
}

func tierTable(root *yaml.Node) (string, error) {
	node, err := at(root, "key_account.tiers")
	if err != nil {
		return "", err
	}
	var all [][]string
	for _, t := range node.Content {
		name := child(t, "tier").Value
		endorsers, err := scalar(root, "key_account.endorsement."+name)
		if err != nil {
			return "", err
		}
		most, err := scalar(root, "key_account.capacity.max_accounts_per_kam."+name)
		if err != nil {
			return "", err
		}
		all = append(all, []string{name, written(child(t, "min_potential")), written(child(t, "min_score")), written(child(t, "min_buying")),
			written(child(t, "alone_at")), endorsers, most})
	}
	return tableOf("Tier|Least potential a year|Least score|Buying at least|`alone_at`|Endorsed by|Accounts that fill one manager", all), nil
}

func waitTable(root *yaml.Node) (string, error) {
	node, err := at(root, "sla")
	if err != nil {
		return "", err
	}
	var all [][]string
	for i := 0; i+1 < len(node.Content); i += 2 {
		w := node.Content[i+1]
		if w.Kind != yaml.MappingNode {
			continue
		}
		cell := func(key string) string {
			if n := child(w, key); n != nil {
				return written(n)
			}
			return ""
		}
		end := cell("expire")
		if l := cell("lapse"); l != "" {
			end = l + " (lapses: the status stays)"
		}
		all = append(all, []string{code(node.Content[i].Value), cell("remind"), cell("escalate"), cell("notify_manager"), end})
	}
	return tableOf("Wait|Reminder after|Escalation after|Notice to the manager after|End after", all), nil
}

// levels says who confirms from which potential on.
func levels() (string, error) {
	p, err := rules.Default()
	if err != nil {
		return "", err
	}
	var parts []string
	for _, l := range p.Confirmation.Levels {
		text := string(l.Level)
		if l.MinPotential > 0 {
			text += " from " + thousands(int(l.MinPotential)/100) + " on"
		}
		parts = append(parts, text)
	}
	return strings.Join(parts, ", "), nil
}

func labels() (string, error) {
	p, err := rules.Default()
	if err != nil {
		return "", err
	}
	span := func(r policy.ScoreRange) string {
		if len(r) != 2 {
			return "any"
		}
		return fmt.Sprintf("%d to %d", r[0], r[1])
	}
	var all [][]string
	for _, l := range p.RFM.Labels {
		all = append(all, []string{string(l.Label), span(l.Recency), span(l.Frequency), span(l.Monetary)})
	}
	return tableOf("Label, first that fits|Recency|Frequency|Monetary", all), nil
}

func hardStops(root *yaml.Node) (string, error) {
	node, err := at(root, "add_decision.hard_stops")
	if err != nil {
		return "", err
	}
	var all [][]string
	for _, stop := range node.Content {
		id := child(stop, "id").Value
		all = append(all, []string{id, rules.English.Text(id), child(stop, "outcome").Value})
	}
	return tableOf("Id|What people read|Outcome", all), nil
}

func gates() string {
	var all [][]string
	for n := 1; ; n++ {
		id := "KG" + strconv.Itoa(n)
		text, ok := rules.English[id]
		if !ok {
			return tableOf("Id|What a failed gate says", all)
		}
		all = append(all, []string{id, text})
	}
}

// findings are the validation rules whose ids begin with a prefix.
func findings(prefixes ...string) string {
	var all [][]string
	for _, r := range customer.ValidationRules {
		if !slices.ContainsFunc(prefixes, func(p string) bool { return strings.HasPrefix(r.ID, p) }) {
			continue
		}
		severity := string(r.Severity)
		if r.Floor {
			severity += ", fixed"
		}
		all = append(all, []string{r.ID, r.Text, severity, string(r.Category)})
	}
	return tableOf("Id|What is tested|Severity|Category", all)
}

func fields(set string) string {
	var all [][]string
	for _, s := range customer.Fields {
		if string(s.Set) != set {
			continue
		}
		required := ""
		switch {
		case s.With != "":
			required = "with " + code(s.With)
		case s.Required && s.OnlyFor != "":
			required = "for " + string(s.OnlyFor)
		case s.Required:
			required = "yes"
		}
		all = append(all, []string{code(s.Name), strings.ToLower(strings.ReplaceAll(string(s.Kind), "_", " ")), required, bounds(s), s.Note})
	}
	return tableOf("Field|Kind|Required|Bounds|Remark", all)
}

// bounds of a field: texts by characters, money in minor units.
func bounds(s customer.FieldSpec) string {
	switch {
	case s.Kind == customer.KindChoice:
		return strings.Join(s.Choices(), ", ")
	case s.MaxItems > 0:
		return "at most " + thousands(s.MaxItems)
	case s.Max == 0 && s.Min == 0:
		return ""
	}
	unit := ""
	switch s.Kind {
	case customer.KindMoney:
		unit = " minor units"
	case customer.KindText, customer.KindLongText, customer.KindURL, customer.KindEmail, customer.KindPhone:
		unit = " characters"
	}
	return thousands(int(s.Min)) + " to " + thousands(int(s.Max)) + unit
}

func fieldNames(is func(customer.FieldSpec) bool) string {
	var names []string
	for _, s := range customer.Fields {
		if is(s) {
			names = append(names, code(s.Name))
		}
	}
	return strings.Join(names, ", ")
}

func changes() string {
	var all [][]string
	for _, c := range rules.Changes {
		all = append(all, []string{strconv.Itoa(c.Version), code(c.ID), list(c.Kinds), c.Text})
	}
	return tableOf("Version|Change|Records|What changed", all)
}

func batchLimits() string {
	return fmt.Sprintf("%s customers, %s rows of sales or of profit and loss, %s groups, %s countries",
		thousands(book.MaxBatchRows), thousands(book.MaxBatchFacts), thousands(book.MaxBatchGroups), thousands(book.MaxBatchScopes))
}
