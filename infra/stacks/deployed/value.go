package deployed

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
)

// Values are what the root's references stand for, by their names in template.yaml: parameters ("MailFrom"), outputs of what it nests
// ("Data.Outputs.Table"), attributes of its own resources ("Api.ApiEndpoint") and CloudFormation's own ("AWS::Region"). Parameters that are not
// among them have their defaults.
type Values map[string]string

// scope is where a reference is looked up.
type scope func(name string) (string, error)

var blank = regexp.MustCompile(`\$\{([^}!]+)\}`)

// fill gives a value with all that it refers to filled in. holds answers conditions.
func fill(v any, look scope, holds func(name string) (bool, error)) (string, error) {
	m, intrinsic := v.(map[string]any)
	if !intrinsic {
		return fmt.Sprint(v), nil
	}
	for name, x := range m {
		switch name {
		case "Ref", "Fn::GetAtt":
			s, ok := x.(string)
			if !ok {
				return "", fmt.Errorf("deployed: %s of %v", name, x)
			}
			return look(s)
		case "Fn::Sub":
			s, ok := x.(string)
			if !ok {
				return "", fmt.Errorf("deployed: %s of %v", name, x)
			}
			var wrong []error
			s = blank.ReplaceAllStringFunc(s, func(b string) string {
				v, err := look(blank.FindStringSubmatch(b)[1])
				wrong = append(wrong, err)
				return v
			})
			return s, errors.Join(wrong...)
		case "Fn::If":
			all := List(x)
			if len(all) != 3 {
				return "", fmt.Errorf("deployed: Fn::If of %v", x)
			}
			yes, err := holds(Text(all[0]))
			if err != nil {
				return "", err
			}
			if yes {
				return fill(all[1], look, holds)
			}
			return fill(all[2], look, holds)
		}
	}
	return "", fmt.Errorf("deployed: %v is not known", m)
}

// root looks up what the root refers to.
func (v Values) root(d *Document) scope {
	return func(name string) (string, error) {
		if s, ok := v[name]; ok {
			return s, nil
		}
		if p, ok := d.Parameters[name]; ok {
			if s, ok := Members(p)["Default"]; ok {
				return fmt.Sprint(s), nil
			}
		}
		return "", fmt.Errorf("deployed: %s: nothing says what %s is", d.File, name)
	}
}

// condition judges one of the root's.
func (v Values) condition(d *Document) func(string) (bool, error) {
	look := v.root(d)
	var holds func(any) (bool, error)
	named := func(name string) (bool, error) { return holds(d.Conditions[name]) }
	holds = func(c any) (bool, error) {
		for name, x := range Members(c) {
			switch all := List(x); {
			case name == "Fn::Not" && len(all) == 1:
				is, err := holds(all[0])
				return !is, err
			case name == "Fn::Equals" && len(all) == 2:
				a, err := fill(all[0], look, named)
				if err != nil {
					return false, err
				}
				b, err := fill(all[1], look, named)
				return a == b, err
			}
		}
		return false, fmt.Errorf("deployed: %s: condition %v is not known", d.File, c)
	}
	return named
}

// nested looks up what a nested stack refers to: its parameters as the root hands them in. What it makes itself stands for itself.
func (v Values) nested(root, d *Document, parameters map[string]any) scope {
	up, holds := v.root(root), v.condition(root)
	return func(name string) (string, error) {
		own, _, _ := strings.Cut(name, ".")
		switch p, declared := d.Parameters[name]; {
		case declared && parameters[name] != nil:
			return fill(parameters[name], up, holds)
		case declared && Members(p)["Default"] != nil:
			return fmt.Sprint(Members(p)["Default"]), nil
		case declared:
			return "", fmt.Errorf("deployed: %s hands %s no %s", root.File, d.File, name)
		case d.Resources[own].Type != "":
			return "${" + name + "}", nil
		case strings.HasPrefix(name, "AWS::"):
			return up(name)
		}
		return "", fmt.Errorf("deployed: %s: nothing says what %s is", d.File, name)
	}
}
