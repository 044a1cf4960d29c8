package role

import (
	"slices"
	"strconv"

	"github.com/steward-crm/steward/shared/fault"
	"github.com/steward-crm/steward/shared/id"
	"github.com/steward-crm/steward/shared/patch"
	"github.com/steward-crm/steward/shared/plain"
	"github.com/steward-crm/steward/shared/policy"
)

// The limits of a role.
const (
	MaxName        = 100 // code points
	MaxDescription = 1000
	MaxGrants      = 300
	MaxFields      = 300
)

// Grant and FieldRule are what somebody asked for, before the catalogue has judged it.
type Grant struct {
	Module string `json:"module"`
	Action string `json:"action"`
	Scope  string `json:"scope"`
}

// FieldRule: see Grant.
type FieldRule struct {
	Module string `json:"module"`
	Field  string `json:"field"`
	Access string `json:"access"`
}

// Draft is a role that somebody asks for: nothing in it is trusted. Without a level it is standard, or of the lowest level above that may
// contain the grants. With CloneOf, what the draft leaves out (description, level, grants, fields) is that role's.
type Draft struct {
	Name        string
	Description *string
	Level       string
	Grants      []Grant // nil: left out
	Fields      []FieldRule
	CloneOf     id.Role
}

// Patch is a change that somebody asks for. Grants and fields are replaced whole; null empties them and the description, and a null level
// is as one left out of a Draft.
type Patch struct {
	Name        patch.Field[string]
	Description patch.Field[string]
	Level       patch.Field[string]
	Grants      patch.Field[[]Grant]
	Fields      patch.Field[[]FieldRule]
}

// shape is what Draft and Patch come to: every member said.
type shape struct {
	name, description, level string
	grants                   []Grant
	fields                   []FieldRule
}

// of is the shape of a role as it is.
func of(r policy.Role) shape {
	s := shape{name: r.Name, description: r.Description, level: string(r.Level)}
	for _, g := range r.Grants {
		s.grants = append(s.grants, Grant{string(g.Module), string(g.Action), g.Scope.String()})
	}
	for _, f := range r.Fields {
		s.fields = append(s.fields, FieldRule{string(f.Module), f.Field, string(f.Access)})
	}
	return s
}

// valid judges the shape and gives the role that it describes, without id and version. It names every field at fault.
func (s shape) valid() (policy.Role, error) {
	var bad []fault.Field
	note := func(f *fault.Field) {
		if f != nil {
			bad = append(bad, *f)
		}
	}
	r := policy.Role{Level: policy.Level(s.level)}
	var f *fault.Field
	r.Name, f = plain.Check("/name", s.name, plain.Rule{Min: 1, Max: MaxName})
	note(f)
	r.Description, f = plain.Check("/description", s.description, plain.Rule{Max: MaxDescription, Lines: true})
	note(f)
	grants, wrong := s.validGrants()
	bad = append(bad, wrong...)
	r.Fields, wrong = s.validFields()
	bad = append(bad, wrong...)
	switch lowest := lowestFor(grants); {
	case s.level == "":
		r.Level = lowest
	case !r.Level.Valid():
		bad = append(bad, fault.At("/level", "unknown_role_level"))
	default:
		for i, g := range grants {
			if g.Scope != policy.None && !policy.LevelAllows(r.Level, g) {
				level := string(lowestFor(grants[i : i+1]))
				bad = append(bad, fault.At("/grants/"+strconv.Itoa(i), "role_level_exceeded", "level", level))
			}
		}
	}
	r.Grants = grants
	return r, fault.Fields(bad...)
}

// validGrants gives a grant for each asked for, the zero one for what is at fault.
func (s shape) validGrants() ([]policy.Grant, []fault.Field) {
	if len(s.grants) > MaxGrants {
		return nil, []fault.Field{fault.At("/grants", "too_many_grants", "max", strconv.Itoa(MaxGrants))}
	}
	var bad []fault.Field
	out := make([]policy.Grant, len(s.grants))
	for i, in := range s.grants {
		at := "/grants/" + strconv.Itoa(i)
		g := policy.Grant{Module: policy.Module(in.Module), Action: policy.Action(in.Action)}
		scope, ok := policy.ParseScope(in.Scope)
		switch {
		case !policy.DeclaredScope(g.Module, policy.All):
			bad = append(bad, fault.At(at+"/module", "unknown_permission"))
		case !policy.Declared(g.Module, g.Action):
			bad = append(bad, fault.At(at+"/action", "unknown_permission"))
		case !ok || !policy.DeclaredScope(g.Module, scope):
			bad = append(bad, fault.At(at+"/scope", "unknown_permission"))
		case slices.ContainsFunc(out[:i], func(h policy.Grant) bool { return h.Module == g.Module && h.Action == g.Action }):
			bad = append(bad, fault.At(at, "duplicate_grant"))
		default:
			g.Scope = scope
			out[i] = g
		}
	}
	return out, bad
}

func (s shape) validFields() ([]policy.FieldRule, []fault.Field) {
	if len(s.fields) > MaxFields {
		return nil, []fault.Field{fault.At("/fields", "too_many_grants", "max", strconv.Itoa(MaxFields))}
	}
	var bad []fault.Field
	out := make([]policy.FieldRule, len(s.fields))
	for i, in := range s.fields {
		at := "/fields/" + strconv.Itoa(i)
		f := policy.FieldRule{Module: policy.Module(in.Module), Field: in.Field, Access: policy.Access(in.Access)}
		switch {
		case !policy.DeclaredScope(f.Module, policy.All):
			bad = append(bad, fault.At(at+"/module", "unknown_permission"))
		case len(f.Field) > MaxName || !policy.DeclaredField(f.Module, f.Field):
			bad = append(bad, fault.At(at+"/field", "unknown_permission"))
		case !f.Access.Valid():
			bad = append(bad, fault.At(at+"/access", "unknown_permission"))
		case slices.ContainsFunc(out[:i], func(g policy.FieldRule) bool { return g.Module == f.Module && g.Field == f.Field }):
			bad = append(bad, fault.At(at, "duplicate_grant"))
		default:
			out[i] = f
		}
	}
	return out, bad
}

// lowestFor is the lowest level from standard on that may contain all of the grants that are not at fault. A restricted role is one that was
// asked for as such: it could not grow.
func lowestFor(grants []policy.Grant) policy.Level {
	for _, l := range []policy.Level{policy.Standard, policy.Power} {
		if !slices.ContainsFunc(grants, func(g policy.Grant) bool { return g.Scope != policy.None && !policy.LevelAllows(l, g) }) {
			return l
		}
	}
	return policy.Admin
}
