// Package policy decides: may this subject do this action of this module on this resource, and which fields of it may they see. It is a
// pure function of what it is given, without I/O, clock or allocation; whoever asks brings the facts. The order of the rules is design
// §6: hard denials, may do, on which, grants and denials on the record, fields. What the package refuses to know: where roles are kept, what an account is, HTTP.
package policy

import (
	"github.com/steward-crm/steward/shared/id"
)

// Module is a part of the product that rights are given on. Catalogue lists them.
type Module string

// Action is something done in a module. Catalogue lists which module has which.
type Action string

// Level is the class of a role; it caps what the role may contain (see LevelAllows) and who may give it: nobody gives a role of a level
// above their own.
type Level string

// The levels, lowest first.
const (
	Restricted Level = "restricted"
	Standard   Level = "standard"
	Power      Level = "power"
	Admin      Level = "admin"
)

// Levels are all of them, lowest first.
var Levels = []Level{Restricted, Standard, Power, Admin}

// rank is the place of the level in Levels, from 1; 0 for what is none.
func (l Level) rank() int {
	for i, x := range Levels {
		if x == l {
			return i + 1
		}
	}
	return 0
}

// Valid reports whether l is one of the levels.
func (l Level) Valid() bool { return l.rank() > 0 }

// AtMost reports whether l is no higher than m. What is no level is above every level.
func (l Level) AtMost(m Level) bool { return l.Valid() && l.rank() <= m.rank() }

// Access is what a role may do with one field.
type Access string

// The accesses, narrowest first.
const (
	Hidden Access = "hidden"
	Masked Access = "masked"
	Read   Access = "read"
	Edit   Access = "edit"
)

// Accesses are all of them, narrowest first.
var Accesses = []Access{Hidden, Masked, Read, Edit}

// rank is the place of the access in Accesses, from 1; 0 for what is none.
func (a Access) rank() int {
	for i, x := range Accesses {
		if x == a {
			return i + 1
		}
	}
	return 0
}

// Valid reports whether a is one of the accesses.
func (a Access) Valid() bool { return a.rank() > 0 }

// AtLeast reports whether a is b or wider: hidden < masked < read < edit.
func (a Access) AtLeast(b Access) bool { return a.rank() >= b.rank() }

// Grant gives one action of one module within a scope.
type Grant struct {
	Module Module `json:"module"`
	Action Action `json:"action"`
	Scope  Scope  `json:"scope"` // in JSON: own, reports, department, subtree, all
}

// FieldRule sets the access to one field of one module. A rule on a parent (custom, address) covers its parts (custom.size) unless they
// have rules of their own.
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

// Resource is what is acted on, as far as a decision needs it. A user is their own Owner.
type Resource struct {
	Tenant     id.Tenant
	Owner      id.User       // "" when it has none
	Department id.Department // "" when it has none
	Shredded   bool          // its key was destroyed
	Categories []id.Category
	Grants     []RecordGrant // all that the record has: of a contact, those of its account
}
