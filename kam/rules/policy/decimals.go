package policy

import (
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/kamflow/kamflow/kam"
)

// checkDecimals refuses the numbers of a policy that is to be loaded which have
// more than two decimals, zeros at the end included: min_potential: 140.000 is
// 140 thousand or a slip. A version that was stored is read by [Parse]
// all the same, so that open cases go on under it. The error is a
// [*Error].
func checkDecimals(text []byte) error {
	var doc yaml.Node
	if len(text) > maxPolicyBytes || yaml.Unmarshal(text, &doc) != nil {
		return nil // Parse says what is wrong with it
	}
	var problems []Problem
	var walk func(n *yaml.Node, path string)
	walk = func(n *yaml.Node, path string) {
		switch n.Kind {
		case yaml.MappingNode:
			for i := 0; i+1 < len(n.Content); i += 2 {
				walk(n.Content[i+1], join(path, n.Content[i].Value))
			}
		case yaml.SequenceNode, yaml.DocumentNode:
			for i, c := range n.Content {
				at := path
				if n.Kind == yaml.SequenceNode {
					at += "[" + strconv.Itoa(i) + "]"
				}
				walk(c, at)
			}
		case yaml.ScalarNode:
			if _, frac, _ := strings.Cut(n.Value, "."); n.Tag == "!!float" && len(frac) > 2 {
				problems = append(problems, problem(n.Line, n.Column, path, kam.Say("%q has %d decimals: thousands or a slip", kam.Clip(n.Value, 60), len(frac)),
					kam.Say("write a plain number with at most two decimals, without thousands separators")))
			}
		}
	}
	walk(&doc, "")
	if len(problems) > 0 {
		return &Error{problems}
	}
	return nil
}
