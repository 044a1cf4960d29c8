package policy

import (
	"slices"
	"strings"

	"github.com/steward-crm/steward/shared/id"
	"github.com/steward-crm/steward/shared/principal"
)

// CanGrant answers nil when the subject holds every grant in a scope at least as wide, and every field access that the grants would
// give together with the rules; else Denied grant_exceeds_own. A field without a rule counts with what it would be by default, so that
// leaving a rule out does not open what is hidden from the granter.
func CanGrant(s *Subject, grants []Grant, fields []FieldRule) error {
	for _, g := range grants {
		mi := moduleIndex.of(string(g.Module))
		if g.Scope == None || May(s, g.Module, g.Action) < g.Scope {
			return errExceeds
		}
		for _, name := range s.fieldNames(mi, fields) {
			if !s.Field(g.Module, g.Action, name).AtLeast(ruled(mi, fields, name)) {
				return errExceeds
			}
		}
	}
	for _, f := range fields {
		if !s.Field(f.Module, View, f.Field).AtLeast(f.Access) {
			return errExceeds
		}
	}
	return nil
}

// CanAssign answers nil when the subject may give every one of the roles to somebody: no role is of a level above the subject's own and
// CanGrant allows all that it contains; else Denied grant_exceeds_own. Whoever creates a user with roles, changes a user's roles or
// posts, or changes the roles of a post asks it of the roles that are added.
func CanAssign(s *Subject, roles []Role) error {
	for _, r := range roles {
		if !s.standing() || !r.Level.AtMost(s.Level()) {
			return errExceeds
		}
		if err := CanGrant(s, r.Grants, r.Fields); err != nil {
			return err
		}
	}
	return nil
}

// Held are the grants that the subject has now, in the order of the catalogue, without modules that are switched off.
func Held(s *Subject) []Grant {
	var out []Grant
	for _, e := range catalogue {
		for _, a := range e.Actions {
			if scope := May(s, e.Module, a); scope != None {
				out = append(out, Grant{Module: e.Module, Action: a, Scope: scope})
			}
		}
	}
	return out
}

// fieldNames are all fields of the module whose access can differ between the subject's roles and a role of the rules: those that either
// names. All others are as the catalogue has them, in both.
func (s *Subject) fieldNames(module int, rules []FieldRule) []string {
	var out []string
	for _, f := range s.fields[module] {
		out = append(out, f.name)
	}
	for _, r := range rules {
		if r.Module == catalogue[module].Module {
			out = append(out, r.Field)
		}
	}
	return out
}

// The modules that only a role of level admin may contain anything of but view, and those that it alone may contain anything of.
var (
	adminWrites = []Module{ModUser, ModRole, ModOrg, ModField, ModTenant, ModApproval, ModReview, ModOwner}
	adminOnly   = []Module{ModAudit, ModBackup}
	contactInfo = []Module{ModAccount, ModContact}
)

// LevelAllows reports whether a role of the level may contain the grant (R07). Restricted: view accounts and contacts, nothing else.
// Standard: all of the customers' modules except delete, approve, import, export and reveal beyond what one owns, and view of the
// administration's. Power: all of the customers' modules, and view of the administration's. Admin: everything. Each contains what the
// one below it may contain.
func LevelAllows(l Level, g Grant) bool {
	view := g.Action == View
	administration := slices.Contains(adminOnly, g.Module) || (slices.Contains(adminWrites, g.Module) && !view)
	switch l {
	case Admin:
		return true
	case Power:
		return !administration
	case Standard:
		return !administration && (g.Scope == Own || !slices.Contains([]Action{Delete, Approve, Import, Export, Reveal}, g.Action))
	case Restricted:
		return view && slices.Contains(contactInfo, g.Module)
	}
	return false
}

// CanShare answers nil when the subject may open or close the record to others: they may share it, and hold on it every act that they give
// or take away. Else Denied permission_denied (the record may be seen, not shared) or grant_exceeds_own (shared, but not so), or
// NotFound not_found when it may not even be seen.
func CanShare(s *Subject, r Resource, acts Acts) error {
	if err := Require(s, ModAccount, Share, r); err != nil {
		return err
	}
	var err error
	acts.Each(func(_ Acts, a Action) bool {
		if !Allows(s, PermissionOf(ModAccount, a), &r) {
			err = errExceeds
		}
		return err == nil
	})
	return err
}

// CanShareAll answers nil when the subject may open every record of the module account to others: they share any, and hold each act that they
// give on any, by the scope all or by the module's default. Else Denied grant_exceeds_own. Whoever grants by a category asks it.
func CanShareAll(s *Subject, acts Acts) error {
	if May(s, ModAccount, Share) != All {
		return errExceeds
	}
	var err error
	acts.Each(func(_ Acts, a Action) bool {
		if held := May(s, ModAccount, a); held != All && (held == None || !s.floored(ModAccount, a)) {
			err = errExceeds
		}
		return err == nil
	})
	return err
}

// MayApprove answers nil when the subject is somebody else than who asked; else Denied self_approval. Whoever decides on a request asks it
// besides the right to approve.
func MayApprove(s *Subject, asked id.User) error {
	if s == nil || s.User == "" || s.User == asked {
		return errSelfApproval
	}
	return nil
}

// Right reads a right written as in a rule of separation: module and action joined by a dot. False for what the catalogue does not have.
func Right(word string) (Module, Action, bool) {
	m, a, _ := strings.Cut(word, ".")
	return Module(m), Action(a), Declared(Module(m), Action(a))
}

// Conflicts gives the positions of the rules of separation that somebody with all of the roles would break, in order. The predefined
// administrator holds every right by its nature, so what it alone gives breaks no rule.
func Conflicts(roles []Role, rules []principal.Separation) []int {
	var out []int
	for i, r := range rules {
		if gives(roles, r.First) && gives(roles, r.Second) {
			out = append(out, i)
		}
	}
	return out
}

func gives(roles []Role, right string) bool {
	m, a, ok := Right(right)
	return ok && slices.ContainsFunc(roles, func(r Role) bool {
		return !r.Administers() && slices.ContainsFunc(r.Grants, func(g Grant) bool { return g.Module == m && g.Action == a && g.Scope != None })
	})
}

// Administrator is the template of the predefined role that a tenant always has an active holder of.
const Administrator = "administrator"

// Administers reports whether the role is that one.
func (r *Role) Administers() bool { return r.Predefined && r.Template == Administrator }
