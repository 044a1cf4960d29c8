// Package policy decides: may this subject do this action of this module on this resource, and which fields of it may they see. It is a
// pure function of what it is given, without I/O, clock or allocation; whoever asks brings the facts. The order of the rules is design
// §6: hard denials, may do, on which, fields. What the package refuses to know: where roles are kept, what an account is, HTTP.
package policy

import (
	"github.com/steward-crm/steward/shared/id"
)

// Module is a part of the product that rights are given on.
type Module string

// Action is something done in a module.
type Action string

// Scope is how far a grant reaches: own ⊂ reports, own ⊂ department ⊂ subtree, and all above each.
type Scope uint8

// The scopes, narrowest first. None is no grant at all.
const (
	None       Scope = iota
	Own              // resources that I own
	Reports          // own, and those owned by everyone who reports to me, transitively
	Department       // own, and those of my department
	Subtree          // own, and those of my department and all below it
	All              // every resource of the tenant
)

// Level is the class of a role; it caps what the role may contain (R07).
type Level string

// The levels, lowest first.
const (
	Restricted Level = "restricted"
	Standard   Level = "standard"
	Power      Level = "power"
	Admin      Level = "admin"
)

// Access is what a role may do with one field.
type Access string

// The accesses, narrowest first.
const (
	Hidden Access = "hidden"
	Masked Access = "masked"
	Read   Access = "read"
	Edit   Access = "edit"
)

// Grant gives one action of one module within a scope.
type Grant struct {
	Module Module `json:"module"`
	Action Action `json:"action"`
	Scope  Scope  `json:"scope"` // in JSON: own, reports, department, subtree, all
}

// FieldRule sets the access to one field of one module.
type FieldRule struct {
	Module Module `json:"module"`
	Field  string `json:"field"`
	Access Access `json:"access"`
}

// Role is a named set of grants: the document of a role's item.
type Role struct {
	ID          id.Role     `json:"id"`
	Name        string      `json:"name"`
	Description string      `json:"description"`
	Level       Level       `json:"level"`
	Template    string      `json:"template,omitempty"` // of a predefined role: administrator, sales_manager, …
	Predefined  bool        `json:"predefined"`         // read only
	Grants      []Grant     `json:"grants"`
	Fields      []FieldRule `json:"fields"`
	Version     int64       `json:"version"`
}

// Resource is what is acted on, as far as a decision needs it.
type Resource struct {
	Tenant     id.Tenant
	Owner      id.User       // "" when it has none
	Department id.Department // "" when it has none
}
