package config

import (
	"fmt"
	"io"
	"reflect"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// Print writes the effective configuration as YAML that could be read again,
// secrets hidden, with where each value came from.
func (l Loaded) Print(w io.Writer) error {
	root := &yaml.Node{Kind: yaml.MappingNode}
	sections := map[string]*yaml.Node{"": root}
	eachLeaf(reflect.ValueOf(l.Config), "", func(key string, v reflect.Value) {
		parts := strings.Split(key, ".")
		at := root
		for i := range parts[:len(parts)-1] {
			path := strings.Join(parts[:i+1], ".")
			if sections[path] == nil {
				sections[path] = &yaml.Node{Kind: yaml.MappingNode}
				at.Content = append(at.Content, &yaml.Node{Kind: yaml.ScalarNode, Value: parts[i]}, sections[path])
			}
			at = sections[path]
		}
		at.Content = append(at.Content, &yaml.Node{Kind: yaml.ScalarNode, Value: parts[len(parts)-1]}, l.value(key, v))
	})
	enc := yaml.NewEncoder(w)
	enc.SetIndent(2)
	if err := enc.Encode(root); err != nil {
		return fmt.Errorf("print configuration: %w", err)
	}
	return enc.Close()
}

func (l Loaded) value(key string, v reflect.Value) *yaml.Node {
	n := &yaml.Node{Kind: yaml.ScalarNode, LineComment: l.Origin[key]}
	switch x := v.Interface().(type) {
	case Secret:
		n.Value, n.Style = x.String(), yaml.DoubleQuotedStyle
	case string:
		n.Value = x
		if x == "" {
			n.Style = yaml.DoubleQuotedStyle
		}
	case time.Duration:
		n.Value = x.String()
	case []string, []Provider:
		if err := n.Encode(x); err != nil {
			n.Value = err.Error() // a list of ours can be encoded
		}
		n.Style, n.LineComment = yaml.FlowStyle, l.Origin[key]
	default:
		n.Value = fmt.Sprint(x)
	}
	return n
}
