package role_test

import (
	"testing"

	"github.com/steward-crm/steward/shared/fault"
	"github.com/steward-crm/steward/shared/id"
	"github.com/steward-crm/steward/shared/key"
	"github.com/steward-crm/steward/shared/patch"
	"github.com/steward-crm/steward/shared/policy"
	"github.com/steward-crm/steward/shared/role"
)

// TestNobodyGivesMoreThanTheyHold is I8 and entry 56, through Create and Update: a right, a scope, a field, a level.
func TestNobodyGivesMoreThanTheyHold(t *testing.T) {
	w := newWorld(t)
	clerk := w.made(w.admin, role.Draft{
		Name: "Role clerk", Level: "admin",
		Grants: []role.Grant{g("role", "view", "all"), g("role", "create", "all"), g("role", "edit", "all"), g("account", "view", "department")},
		Fields: []role.FieldRule{{Module: "account", Field: "address", Access: "masked"}},
	})
	powerful := w.made(w.admin, role.Draft{Name: "Wide", Level: "standard", Grants: []role.Grant{g("account", "view", "all")}, Fields: []role.FieldRule{{Module: "account", Field: "address", Access: "hidden"}}})
	ann := w.holder()
	w.give(ann, clerk.ID)
	masked := []role.FieldRule{{Module: "account", Field: "address", Access: "masked"}}
	mine := w.made(ann, role.Draft{Name: "Mine", Grants: []role.Grant{g("account", "view", "own")}, Fields: masked})
	before := w.dump()
	for says, d := range map[string]role.Draft{
		"a wider scope":                    {Name: "x", Grants: []role.Grant{g("account", "view", "subtree")}, Fields: masked},
		"another action":                   {Name: "x", Grants: []role.Grant{g("account", "edit", "own")}, Fields: masked},
		"another module":                   {Name: "x", Grants: []role.Grant{g("order", "view", "own")}},
		"a masked field, to read":          {Name: "x", Grants: []role.Grant{g("account", "view", "own")}, Fields: []role.FieldRule{{Module: "account", Field: "address", Access: "read"}}},
		"a masked field, by silence":       {Name: "x", Grants: []role.Grant{g("account", "view", "own")}},
		"a sensitive field":                {Name: "x", Grants: []role.Grant{g("account", "view", "own")}, Fields: append(masked, role.FieldRule{Module: "account", Field: "idNumber", Access: "read"})},
		"a copy of more":                   {Name: "x", CloneOf: w.have["administrator"]},
		"everything, by the administrator": {Name: "x", CloneOf: w.have["power_user"]},
	} {
		if _, err := w.create(ann, d); !fault.Is(err, "grant_exceeds_own") || !fault.IsKind(err, fault.Denied) {
			t.Errorf("create %s: %v", says, err)
		}
		if d.CloneOf != "" {
			continue
		}
		if _, err := w.update(ann, mine.ID, 0, role.Patch{Grants: patch.Of(d.Grants), Fields: patch.Of(d.Fields)}); !fault.Is(err, "grant_exceeds_own") {
			t.Errorf("update to %s: %v", says, err)
		}
	}
	if _, err := w.update(ann, powerful.ID, 0, role.Patch{Fields: patch.Of(masked)}); !fault.Is(err, "grant_exceeds_own") {
		t.Errorf("a field of a role that is wider: %v", err)
	}
	// What she holds of admin's level is hers alone to give at that level; a lower one's holder could not.
	if w.dump() != before {
		t.Error("a denied change left a trace")
	}
	if _, err := w.update(ann, powerful.ID, 0, role.Patch{Description: patch.Of("wider than Ann's, and not by her doing")}); err != nil {
		t.Errorf("a description of a role that is wider: %v", err)
	}
}

// TestLevelCannotBeGivenFromBelow: a level above one's own, though the role be empty.
func TestLevelCannotBeGivenFromBelow(t *testing.T) {
	w := newWorld(t)
	// Only a role of level admin may contain role.create, so a lower one is written past the noun, as a later rule might leave one behind.
	low := w.User(t, w.tenant, policy.Grant{Module: policy.ModRole, Action: policy.Create, Scope: policy.All})
	o, err := w.access.Organisation(t.Context(), w.tenant)
	if err != nil {
		t.Fatal(err)
	}
	w.Edit(t, key.Role(w.tenant, o.RolesOf(low.User)[0]), func(doc map[string]any) { doc["level"] = "standard" })
	w.Edit(t, key.Tenant(w.tenant), func(doc map[string]any) { doc["authzVer"] = doc["authzVer"].(float64) + 1 })
	for level, ok := range map[string]bool{"restricted": true, "standard": true, "power": false, "admin": false} {
		if _, err := w.create(low.User, role.Draft{Name: level, Level: level}); (err == nil) != ok || !ok && !fault.Is(err, "grant_exceeds_own") {
			t.Errorf("%s: %v", level, err)
		}
	}
}

// TestRightsAreAsked: each operation needs its own grant (R03, R11), and an unknown role looks like a foreign one.
func TestRightsAreAsked(t *testing.T) {
	w := newWorld(t)
	mine := w.made(w.admin, role.Draft{Name: "Mine"})
	ops := map[policy.Action]func(u id.User) error{
		policy.View: func(u id.User) error {
			_, err := w.roles.Get(t.Context(), w.subject(u), mine.ID)
			_, _, err2 := w.roles.List(t.Context(), w.subject(u), "", 10)
			_, err3 := w.roles.Count(t.Context(), w.subject(u))
			if (err == nil) != (err2 == nil) || (err == nil) != (err3 == nil) {
				t.Errorf("get %v, list %v, count %v", err, err2, err3)
			}
			return err
		},
		policy.Create: func(u id.User) error { _, err := w.create(u, role.Draft{Name: "x"}); return err },
		policy.Update: func(u id.User) error {
			_, err := w.update(u, mine.ID, 0, role.Patch{Name: patch.Of("Mine too")})
			return err
		},
		policy.Delete: func(u id.User) error { return w.remove(u, mine.ID, 0) },
	}
	for _, may := range []policy.Action{policy.View, policy.Create, policy.Update, policy.Delete} {
		u := w.User(t, w.tenant, policy.Grant{Module: policy.ModRole, Action: may, Scope: policy.All}).User
		for _, does := range []policy.Action{policy.View, policy.Create, policy.Update, policy.Delete} {
			if does == may {
				continue
			}
			before := w.dump()
			if err := ops[does](u); !fault.Is(err, "permission_denied") {
				t.Errorf("may %s, does %s: %v", may, does, err)
			}
			if w.dump() != before {
				t.Errorf("may %s, does %s: the store changed", may, does)
			}
		}
		if err := ops[may](u); err != nil {
			t.Errorf("may %s: %v", may, err)
		}
	}
	other := newTenantRole(w)
	for _, r := range []id.Role{other, id.New[id.Role](w.IDs)} {
		_, err := w.roles.Get(t.Context(), w.subject(w.admin), r)
		_, err2 := w.update(w.admin, r, 0, role.Patch{Name: patch.Of("y")})
		err3 := w.remove(w.admin, r, 0)
		for _, err := range []error{err, err2, err3} {
			if !fault.IsKind(err, fault.NotFound) || !fault.Is(err, "not_found") {
				t.Errorf("%s: %v", r, err)
			}
		}
	}
	if _, err := w.create(w.admin, role.Draft{Name: "z", CloneOf: other}); !fault.Is(err, "unknown_role") {
		t.Errorf("a copy of a foreign role: %v", err)
	}
}

// newTenantRole is a role of another tenant.
func newTenantRole(w *world) id.Role {
	x := *w
	x.tenant = w.Deployment.Tenant(w.T)
	return x.predefine()["administrator"]
}
