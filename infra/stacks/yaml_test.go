package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// document is a template as CloudFormation reads it: an intrinsic function is a map of one member, in its long form.
type document struct {
	file       string
	Parameters map[string]any
	Resources  map[string]resource
	Outputs    map[string]any
	Globals    map[string]any
	Conditions map[string]any
}

type resource struct {
	Type                string
	Properties          map[string]any
	Metadata            map[string]any
	DeletionPolicy      string
	UpdateReplacePolicy string
}

func readTemplate(t *testing.T, file string) document {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var root yaml.Node
	if err := yaml.Unmarshal(b, &root); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	unfold(&root)
	var all map[string]any
	if err := root.Decode(&all); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	d := document{file: filepath.Base(file), Parameters: members(all["Parameters"]), Outputs: members(all["Outputs"]), Globals: members(all["Globals"])}
	d.Conditions = members(all["Conditions"])
	d.Resources = map[string]resource{}
	for name, r := range members(all["Resources"]) {
		m := members(r)
		kind, _ := m["Type"].(string)
		deletion, _ := m["DeletionPolicy"].(string)
		replacement, _ := m["UpdateReplacePolicy"].(string)
		d.Resources[name] = resource{kind, members(m["Properties"]), members(m["Metadata"]), deletion, replacement}
	}
	if len(d.Resources) == 0 {
		t.Fatalf("%s has no resources", file)
	}
	return d
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

// templates are all of the deployment, the root first.
func templates(t *testing.T) (all []document) {
	t.Helper()
	files, err := filepath.Glob("../*.yaml")
	if err != nil || len(files) < 10 {
		t.Fatalf("%d stacks: %v", len(files), err)
	}
	for _, f := range append([]string{"../../template.yaml"}, files...) {
		all = append(all, readTemplate(t, f))
	}
	return all
}

func members(v any) map[string]any {
	m, _ := v.(map[string]any)
	return m
}

// list is a value, or values, as a list.
func list(v any) []any {
	switch v := v.(type) {
	case nil:
		return nil
	case []any:
		return v
	}
	return []any{v}
}

func words(v any) (all []string) {
	for _, x := range list(v) {
		all = append(all, text(x))
	}
	return all
}

// text is the value with what an intrinsic function refers to in it.
func text(v any) string {
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

// walk visits every scalar.
func walk(v any, path string, visit func(path, value string)) {
	switch v := v.(type) {
	case map[string]any:
		for k, x := range v {
			walk(x, path+"."+k, visit)
		}
	case []any:
		for _, x := range v {
			walk(x, path, visit)
		}
	case string:
		visit(path, v)
	}
}
