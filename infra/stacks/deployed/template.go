// Package deployed reads the stacks of the deployment, template.yaml and what it nests, as CloudFormation does: which function each route leads to,
// which binary and handler it is, what its environment holds and what its role may do, once the references to other parts have their values. It
// knows no more of CloudFormation's language than the stacks use, and answers an error for the rest.
package deployed

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Document is a template as CloudFormation reads it: an intrinsic function is a map of one member, in its long form.
type Document struct {
	File       string // its name
	Parameters map[string]any
	Resources  map[string]Resource
	Outputs    map[string]any
	Globals    map[string]any
	Conditions map[string]any
}

// Resource is one of a template.
type Resource struct {
	Type                string
	Properties          map[string]any
	Metadata            map[string]any
	DeletionPolicy      string
	UpdateReplacePolicy string
}

// ReadTemplate reads one template.
func ReadTemplate(file string) (Document, error) {
	b, err := os.ReadFile(file)
	if err != nil {
		return Document{}, err
	}
	var root yaml.Node
	if err := yaml.Unmarshal(b, &root); err != nil {
		return Document{}, fmt.Errorf("%s: %w", file, err)
	}
	unfold(&root)
	var all map[string]any
	if err := root.Decode(&all); err != nil {
		return Document{}, fmt.Errorf("%s: %w", file, err)
	}
	d := Document{
		File: filepath.Base(file), Parameters: Members(all["Parameters"]), Outputs: Members(all["Outputs"]), Globals: Members(all["Globals"]),
		Conditions: Members(all["Conditions"]), Resources: map[string]Resource{},
	}
	for name, r := range Members(all["Resources"]) {
		m := Members(r)
		kind, _ := m["Type"].(string)
		deletion, _ := m["DeletionPolicy"].(string)
		replacement, _ := m["UpdateReplacePolicy"].(string)
		d.Resources[name] = Resource{kind, Members(m["Properties"]), Members(m["Metadata"]), deletion, replacement}
	}
	if len(d.Resources) == 0 {
		return Document{}, fmt.Errorf("%s has no resources", file)
	}
	return d, nil
}

// unfold turns !Ref x into {Ref: x}, and !Name x into {Fn::Name: x}.
func unfold(n *yaml.Node) {
	for _, c := range n.Content {
		unfold(c)
	}
	if tag, ok := strings.CutPrefix(n.Tag, "!"); ok && !strings.HasPrefix(tag, "!") {
		inner := *n
		inner.Tag = ""
		if n.Kind == yaml.ScalarNode {
			inner.Tag = "!!str"
		}
		if tag != "Ref" && tag != "Condition" {
			tag = "Fn::" + tag
		}
		*n = yaml.Node{Kind: yaml.MappingNode, Tag: "!!map", Content: []*yaml.Node{{Kind: yaml.ScalarNode, Tag: "!!str", Value: tag}, &inner}}
	}
}

// Members are those of a map; of anything else there are none.
func Members(v any) map[string]any {
	m, _ := v.(map[string]any)
	return m
}

// List is a value, or values, as a list.
func List(v any) []any {
	switch v := v.(type) {
	case nil:
		return nil
	case []any:
		return v
	}
	return []any{v}
}

// Words are the texts of a value, or of values.
func Words(v any) (all []string) {
	for _, x := range List(v) {
		all = append(all, Text(x))
	}
	return all
}

// Text is the value with what an intrinsic function refers to in it.
func Text(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case map[string]any:
		if s, ok := v["Fn::Sub"].(string); ok {
			return s
		}
		if s, ok := v["Ref"].(string); ok {
			return "${" + s + "}"
		}
		if s, ok := v["Fn::GetAtt"].(string); ok {
			return "${" + s + "}"
		}
	}
	return fmt.Sprint(v)
}

// Walk visits every scalar.
func Walk(v any, path string, visit func(path, value string)) {
	switch v := v.(type) {
	case map[string]any:
		for k, x := range v {
			Walk(x, path+"."+k, visit)
		}
	case []any:
		for _, x := range v {
			Walk(x, path, visit)
		}
	case string:
		visit(path, v)
	}
}
